# The two ends of a connection as the cases see them: a program of examples/, and a peer that does as it is told.
# SPDX-License-Identifier: MIT
import asyncio
import base64
import contextlib
import os
import pathlib
import random
import resource
import signal
import socket
import ssl
import struct
import tempfile
import time

from websockets.utils import apply_mask

PATIENCE = 20  # seconds for anything that should come at once
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")} | {
    # Memory that was freed is not kept for long, so that its peak says what the program holds.
    "ASAN_OPTIONS": "quarantine_size_mb=1"}
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Failure(Exception):
    """A case did not go as it should."""


class Missing(Failure):
    """A program is not there or does not start, so that none of its cases can be tried."""


class Skipped(Exception):
    """A program says that it cannot run on this machine."""


def check(holds, why):
    if not holds:
        raise Failure(why)


async def until(holds, why, patience=PATIENCE):
    """Waits until `holds()`."""
    end = time.monotonic() + patience
    while not holds():
        check(time.monotonic() < end, f"{why}, after {patience} s")
        await asyncio.sleep(0.02)


def free_port():
    """A port at which nothing listens, and which no connection that goes out gets."""
    while True:
        port = random.randrange(20_000, 32_768)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Program:
    """A process, and what it says."""

    CANNOT_RUN = 77

    @classmethod
    async def start(cls, command):
        self = cls()
        self.command = command
        self.said, self.complaints = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        try:
            self.process = await asyncio.create_subprocess_exec(
                *map(str, command), stdin=asyncio.subprocess.DEVNULL, stdout=self.said, stderr=self.complaints,
                env=ENVIRONMENT)
        except OSError as error:
            raise Missing(str(error)) from error
        return self

    @property
    def has_ended(self):
        return self.process.returncode is not None

    def output(self):
        return self._text(self.said)

    def errors(self):
        return self._text(self.complaints)

    @staticmethod
    def _text(file):
        return os.pread(file.fileno(), 1 << 20, 0).decode(errors="replace").strip()

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def sanitizer_says(self):
        said = self.errors()
        return said[-3000:] if "Sanitizer" in said or "runtime error" in said else ""

    async def ends(self, patience, status=0, complains=False):
        """Waits for its end, which must come so soon, with this status; and without a word, unless it `complains`."""
        try:
            found = await asyncio.wait_for(self.process.wait(), patience)
        except asyncio.TimeoutError:
            raise Failure(f"it has not ended after {patience} s") from None
        check(found == status, f"it ends with {found} instead of {status}, and says: {self.errors()[-3000:]}")
        said = self.sanitizer_says() if complains else self.errors()[-3000:]
        check(not said, f"it says: {said}")

    async def kill(self):
        if not self.has_ended:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()

    # What the system knows of it.

    def _proc(self, name):
        return pathlib.Path(f"/proc/{self.process.pid}/{name}")

    def memory(self, name):
        """Bytes: VmRSS is what it holds, VmHWM the most that it ever held."""
        for line in self._proc("status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
        raise Failure(f"the system does not tell {name}")

    def processor_time(self):
        fields = self._proc("stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def sockets(self):
        count = 0
        for link in self._proc("fd").iterdir():
            with contextlib.suppress(OSError):
                count += os.readlink(link).startswith("socket:")
        return count

    async def is_idle(self, seconds=1):
        """It must use next to no time of the processor."""
        before = self.processor_time()
        await asyncio.sleep(seconds)
        used = self.processor_time() - before
        check(used <= 0.1 * seconds, f"it uses {used:.2f} s of the processor in {seconds} s in which nothing happens")


class Listening(Program):
    """A server that accepts connections."""

    @classmethod
    async def start(cls, build, program, certificate, port=None):
        path = build / "examples" / program.path
        if not path.exists():
            raise Missing(f"{path} was not built")
        for attempt in range(5):
            chosen = port or free_port()
            words = {"port": chosen, "certificate": certificate / "certificate.pem", "key": certificate / "key.pem"}
            self = await super().start([path, *(word.format_map(words) for word in program.arguments)])
            self.port, self.program = chosen, program
            self.trust = None
            if program.tls:
                self.trust = ssl.create_default_context(cafile=words["certificate"])
            if await self._accepts():
                await until(lambda: self.connections() == 0, "it still holds a connection that has ended")
                self.idle_sockets = self.sockets()
                return self
            if self.process.returncode == cls.CANNOT_RUN:
                raise Skipped(self.output() or self.errors())
        raise Missing(f"{path.name} does not start: status {self.process.returncode}, {self.errors()[-3000:]}")

    async def _accepts(self):
        end = time.monotonic() + PATIENCE
        while not self.has_ended and time.monotonic() < end:
            with contextlib.suppress(OSError), await connected(self.port):
                # One that still waits for that would count as a socket that an idle server has.
                await until(lambda: self.connections() > 0, "it does not accept a connection")
                return True
            await asyncio.sleep(0.02)
        await self.kill()
        return False

    @property
    def url(self):
        return f"{'wss' if self.trust else 'ws'}://localhost:{self.port}/"

    def connections(self):
        """How many it has accepted and not closed, as the system sees it."""
        local = f":{self.port:04X}"
        lines = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()]
        # Those that wait to be accepted, and those that were closed, have no inode.
        return sum(words[1].endswith(local) and words[3] != "0A" and words[9] != "0" for words in lines[1:])

    async def holds(self, count):
        await until(lambda: self.sockets() >= self.idle_sockets + count, f"it has not accepted {count} connections")

    async def has_let_go(self, patience=PATIENCE):
        """All sockets of connections must be closed."""
        await until(lambda: self.sockets() <= self.idle_sockets, "it still holds a socket", patience)


async def connected(port, buffer=None):
    """A socket that is connected. `buffer` is the size of what the system receives for it."""
    opened = socket.socket()
    opened.setblocking(False)
    if buffer:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    try:
        await asyncio.wait_for(asyncio.get_running_loop().sock_connect(opened, ("127.0.0.1", port)), PATIENCE)
    except BaseException:
        opened.close()
        raise
    return opened


def request(**changed):
    """An opening handshake. A field that is None is left out."""
    fields = {"Host": "localhost", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
              "Sec-WebSocket-Key": base64.b64encode(random.randbytes(16)).decode()}
    fields |= {name.replace("_", "-"): value for name, value in changed.items()}
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join(["GET / HTTP/1.1", *lines, "", ""]).encode()


def frame(opcode, payload=b"", last=True, mask=True):
    """A frame as a client sends it."""
    size = len(payload)
    head = bytes([opcode | 0x80 * last])
    masked = 0x80 * mask
    if size < 126:
        head += bytes([masked | size])
    elif size < 65536:
        head += struct.pack("!BH", masked | 126, size)
    else:
        head += struct.pack("!BQ", masked | 127, size)
    if not mask:
        return head + payload
    key = random.randbytes(4)
    return head + key + apply_mask(payload, key)


class Peer:
    """A client that does what no library would. It receives only while it is asked to."""

    @classmethod
    async def connect(cls, server, buffer=None, tls=True):
        self = cls()
        self.socket = await connected(server.port, buffer)
        trust = server.trust if tls else None
        self.reader, self.writer = await asyncio.wait_for(
            asyncio.open_connection(sock=self.socket, ssl=trust, server_hostname="localhost" if trust else None),
            PATIENCE)
        return self

    @classmethod
    async def open(cls, server, buffer=None):
        """With the opening handshake."""
        self = await cls.connect(server, buffer)
        await self.send(request())
        head = await self.head()
        check(head.startswith(b"HTTP/1.1 101 "), f"the answer to the handshake is {head!r}")
        return self

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.writer.transport.abort()

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def send_frame(self, *arguments, **named):
        await self.send(frame(*arguments, **named))

    def end_writing(self):
        self.writer.write_eof()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def has_input(self):
        """Waits until something has come, and leaves it unread."""
        await until(lambda: self.reader._buffer, "nothing comes")

    async def head(self):
        return await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), PATIENCE)

    async def frame(self, patience=PATIENCE):
        """The next frame: its opcode and payload. A server of ours sends each message as one frame."""
        return await asyncio.wait_for(self._frame(), patience)

    async def _frame(self):
        first, size = await self.reader.readexactly(2)
        check(first & 0x80, "a frame is not the last of its message")
        check(size < 128, "a frame of the server is masked")
        if size == 126:
            size, = struct.unpack("!H", await self.reader.readexactly(2))
        elif size == 127:
            size, = struct.unpack("!Q", await self.reader.readexactly(8))
        return first & 0x0F, await self.reader.readexactly(size)

    async def expect(self, opcode, payload):
        found = await self.frame()
        check(found == (opcode, payload), f"{shown(*found)} comes instead of {shown(opcode, payload)}")

    async def expect_close(self, code, patience=PATIENCE):
        opcode, payload = await self.frame(patience)
        check(opcode == CLOSE and payload[:2] == struct.pack("!H", code),
              f"{shown(opcode, payload)} comes instead of a Close with {code}")

    async def expect_end(self, patience=PATIENCE):
        rest = await asyncio.wait_for(self.reader.read(), patience)
        check(not rest, f"{rest[:100]!r} comes instead of the end")


def shown(opcode, payload):
    return f"a frame of type {opcode} with {len(payload)} bytes, {bytes(payload[:40])!r},"


def take_many_descriptors():
    """A thousand clients need more than the usual limit."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
