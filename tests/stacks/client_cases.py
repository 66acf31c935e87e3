# What each client of examples/ must do, against servers of python3-websockets and of the examples. CASES names those of
# each program. A case is a function that takes the Tool; its docstring says what it proves.
# SPDX-License-Identifier: MIT
import asyncio
import contextlib
import functools
import ssl

import websockets
from ends import PATIENCE, Listening, Missing, Program, check, free_port, until
from programs import PROGRAMS, Server


class Tool:
    """The program, and what its cases need."""

    def __init__(self, path, build, certificate):
        self.path, self.build, self.certificate = path, build, certificate
        self.started = []

    async def start(self, *words):
        self.started.append(await Program.start([self.path, *words]))
        return self.started[-1]

    async def says(self, *words, expected, status=0, complains=False):
        """Runs it to its end."""
        program = await self.start(*words)
        await program.ends(PATIENCE, status, complains)
        check(program.output() == expected, f"it prints {program.output()!r} instead of {expected!r}")

    async def kill(self):
        for program in self.started:
            await program.kill()


class Echo:
    """A server of python3-websockets that sends messages back, and keeps them."""

    def __init__(self, port=None, certificate=None, host="127.0.0.1"):
        self.port, self.host, self.messages, self.codes = port or free_port(), host, [], []
        self.trust = None
        if certificate:
            self.trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.trust.load_cert_chain(certificate / "certificate.pem", certificate / "key.pem")

    async def __aenter__(self):
        self.server = await websockets.serve(self._serve, self.host, self.port, ssl=self.trust)
        return self

    async def __aexit__(self, *_):
        self.server.close()
        await self.server.wait_closed()

    async def _serve(self, peer):
        with contextlib.suppress(websockets.ConnectionClosed):
            async for message in peer:
                self.messages.append(message)
                await peer.send(message)
        self.codes.append(peer.close_code)


# --- asio/reconnecting_client ----------------------------------------------------------------------------------------


def url(port, host="127.0.0.1", scheme="ws"):
    return f"{scheme}://{host}:{port}/"


async def asio_sends(tool):
    """sends a text, prints the answer, and ends"""
    async with Echo() as server:
        await tool.says(url(server.port), "grüße", expected="grüße")
        check(server.messages == ["grüße"], f"the server gets {server.messages}")


async def asio_waits(tool):
    """tries again until there is a server"""
    port = free_port()
    program = await tool.start(url(port), "at last")
    await asyncio.sleep(1.2)
    check(not program.has_ended, "it gives up")
    async with Echo(port):
        await program.ends(PATIENCE, complains=True)
    check(program.output() == "at last", f"it prints {program.output()!r}")


async def asio_reconnects(tool):
    """connects again to a server that was stopped and started, without a busy loop"""
    async with Echo() as first:
        program = await tool.start(url(first.port))
        await until(lambda: first.messages, "nothing comes")
    await program.is_idle()
    async with Echo(first.port) as second:
        await until(lambda: second.messages, "nothing comes after the second start")
    await program.kill()
    check(not program.sanitizer_says(), program.sanitizer_says())


async def asio_refuses(tool):
    """ends with an error if its URL is none"""
    await tool.says("not a URL", expected="", status=1, complains=True)


# --- openssl/client --------------------------------------------------------------------------------------------------


async def openssl_sends(tool):
    """says a text over TLS, prints the answer, and closes in order"""
    async with Echo(certificate=tool.certificate) as server:
        await tool.says(url(server.port, "localhost", "wss"), tool.certificate / "certificate.pem", "grüße",
                        expected="grüße")
        await until(lambda: server.codes, "the server sees no end")
        check(server.codes == [1000], f"the server sees {server.codes}")


async def openssl_distrusts(tool):
    """sends nothing to a server whose certificate nobody it trusts has signed"""
    async with Echo(certificate=tool.certificate) as server:
        await tool.says(url(server.port, "localhost", "wss"), expected="", status=1, complains=True)
        check(not server.messages, f"the server gets {server.messages}")


async def openssl_other_host(tool):
    """sends nothing to a server whose certificate is of another host"""
    async with Echo(certificate=tool.certificate, host="127.0.0.2") as server:
        await tool.says(url(server.port, "127.0.0.2", "wss"), tool.certificate / "certificate.pem", expected="",
                        status=1, complains=True)
        check(not server.messages, f"the server gets {server.messages}")


async def openssl_own_server(tool):
    """talks to the server of the examples"""
    server = await Listening.start(tool.build, PROGRAMS["openssl"], tool.certificate)
    tool.started.append(server)
    await tool.says(server.url, tool.certificate / "certificate.pem", "to our own", expected="to our own")
    server.signal()
    await server.ends(PATIENCE)


# --- qt/stomp_client -------------------------------------------------------------------------------------------------


async def qt_sends(tool):
    """subscribes, sends, prints what comes, and ends in order"""
    server = await Listening.start(tool.build, Server("stomp", "stomp_server", ("--port", "{port}")), tool.certificate)
    tool.started.append(server)
    await tool.says("localhost", server.port, "/queue/a", "grüße", expected="grüße")
    long = "x" * 100_000
    await tool.says("127.0.0.1", server.port, "/queue/a", long, expected=long)
    server.signal()
    await server.ends(PATIENCE)


async def qt_no_server(tool):
    """ends with an error if there is no server"""
    await tool.says("127.0.0.1", free_port(), "/queue/a", "hello", expected="", status=1, complains=True)


async def qt_lost(tool):
    """ends with an error if the server refuses the session, is gone, or says nothing"""
    for said in (b"ERROR\nmessage:not today\n\n\0", b""):
        async def serve(reader, writer, said=said):
            await reader.readuntil(b"\0")
            writer.write(said)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            await tool.says("127.0.0.1", port, "/queue/a", "hello", expected="", status=1, complains=True)
    silent = await asyncio.start_server(lambda reader, _: reader.read(), "127.0.0.1", 0)
    async with silent:
        port = silent.sockets[0].getsockname()[1]
        await tool.says("127.0.0.1", port, "/queue/a", "hello", expected="", status=1, complains=True)


# --- static_memory ---------------------------------------------------------------------------------------------------


async def static_memory(tool):
    """serves clients on raw callbacks, which acknowledge little at a time, vanish, and say nothing"""
    await tool.says(expected="")


CASES = {
    "asio-client": [asio_sends, asio_waits, asio_reconnects, asio_refuses],
    "openssl-client": [openssl_sends, openssl_distrusts, openssl_other_host, openssl_own_server],
    "qt": [qt_sends, qt_no_server, qt_lost],
    "static_memory": [static_memory],
}


async def run(program, build, certificate, count):
    path = build / "examples" / program.path
    if not path.exists():
        raise Missing(f"{path} was not built")

    async def try_one(case):
        tool = Tool(path, build, certificate)
        try:
            await count.try_case(case.__doc__, functools.partial(case, tool))
        finally:
            await tool.kill()

    await asyncio.gather(*(try_one(case) for case in CASES[program.name]))
