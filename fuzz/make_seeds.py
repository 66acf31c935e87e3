#!/usr/bin/env python3
# Makes FOLDER/TARGET/ anew for each fuzz target: small inputs, from tests/vectors and tests/captures.
#   fuzz/make_seeds.py FOLDER
# A seed is a stream and, behind it, the settings of its target (see the LLVMFuzzerTestOneInput of each). The same files
# give the same seeds; streams that are equal are kept once.
# SPDX-License-Identifier: MIT
import base64
import hashlib
import pathlib
import re
import shutil
import sys
import zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
SEEDS = pathlib.Path(sys.argv[1])
MOST_BYTES = 36_000  # of all seeds of one target
MOST_OF_ONE = 1200

# The answer to the nonce of RFC 6455 section 1.3, which the target `client` asks with.
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[()]|@\w+|\w+')
ESCAPED = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)", re.S)
ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}


class Reader:
    """The bytes of a vector; see tests/support/vectors.hpp for how they are written."""

    def __init__(self, text, masked):
        self.tokens = TOKEN.findall(text)
        self.masked = masked
        self.frames = 0

    def take(self):
        return self.tokens.pop(0)

    def group(self):
        if self.take() != "(":
            raise ValueError("no opening parenthesis")
        return self.until(")")

    def until(self, closing):
        out = b""
        while self.tokens:
            token = self.take()
            if token == closing:
                return out
            if token.startswith('"'):
                out += ESCAPED.sub(lambda found: unescaped(found[1]), token[1:-1].encode())
            elif token == "repeat":
                times = int(self.take())
                out += self.group() * times
            elif token == "mask":
                key = bytes.fromhex(self.take())
                out += combined(key, self.group())
            elif token == "frame":
                out += self.frame()
            elif not token.startswith("@"):
                out += bytes.fromhex(token)
        return out

    def frame(self):
        header = bytes.fromhex(self.take())
        payload = self.group()
        size = len(payload)
        more = 0 if size <= 125 else 2 if size <= 0xFFFF else 8
        header += bytes([(0x80 if self.masked else 0) | {0: size, 2: 126, 8: 127}[more]])
        header += size.to_bytes(more, "big") if more else b""
        if self.masked:
            turn = self.frames % 16
            self.frames += 1
            key = bytes([0x37 + turn, 0xFA, 0x21, 0x3D + turn])
            return header + key + combined(key, payload)
        return header + payload


def unescaped(code):
    return bytes.fromhex(code[1:].decode()) if code[:1] == b"x" and len(code) == 3 else ESCAPES.get(code, code)


def combined(key, data):
    return bytes(octet ^ key[i % 4] for i, octet in enumerate(data))


def vectors(folder):
    """(settings, text of the input) of every vector in a folder."""
    for path in sorted((ROOT / "tests" / "vectors" / folder).glob("*.txt")):
        part = settings = None
        text = ""
        for line in path.read_text(encoding="utf-8").splitlines() + ["== end"]:
            line = re.sub(r'("(?:[^"\\]|\\.)*")|#.*', lambda found: found[1] or "", line).strip()
            if line.startswith("== "):
                if settings is not None and text:
                    yield settings, text
                part, settings, text = "settings", {}, ""
            elif line in ("input:", "events:"):
                part = line
            elif part == "settings" and line:
                name, _, value = line.partition(" ")
                settings[name] = (settings.get(name, "") + " " + value).strip()
            elif part == "input:":
                text += line + "\n"


def captures(side):
    """(head with its end, what is behind it) of each capture, the shortest first."""
    found = []
    for path in sorted((ROOT / "tests" / "captures").glob(f"*.{side}.bin")):
        head, end, frames = path.read_bytes().partition(b"\r\n\r\n")
        if end:
            found.append((head + end, frames))
    return sorted(found, key=lambda pair: (len(pair[1]), pair))


def whole_frames(frames, most):
    """As many of the frames as fit."""
    at = 0
    while at + 2 <= len(frames):
        size = frames[at + 1] & 0x7F
        header = 2
        if size > 125:
            header = 4 if size == 126 else 10
            size = int.from_bytes(frames[at + 2 : at + header], "big")
        header += 4 if frames[at + 1] & 0x80 else 0
        if at + header + size > min(most, len(frames)):
            break
        at += header + size
    return frames[:at] if at else frames[: min(most, 60)]


CUTS = bytes([3, 1, 0, 7, 2, 40, 5, 11])


def head_settings(response):
    return bytes([response, 0, 0, 0, 0]) + CUTS[:7]


def tolerated_by(settings):
    words = settings.get("tolerate", "").split()
    return sum({"longer_lengths": 1, "unmasked_frames": 2}[word] for word in words)


def decoder_settings(client, rsv=0, tolerated=0):
    return bytes([client | rsv << 2 | tolerated << 5, 0, 0, 0]) + CUTS


def endpoint_settings(number, tolerated=0):
    """Some of the flags, defaults for the limits, and a script that differs from seed to seed."""
    digest = hashlib.sha256(bytes([number % 251])).digest()
    return bytes([digest[0] & 127]) + bytes(9) + bytes([tolerated]) + CUTS[:6] + digest[:16]


def seeds_of_heads():
    for settings, text in vectors("http"):
        response = "response" in settings.get("role", "")
        prefix = b""
        if "body" in settings:
            words = settings["body"].split()
            framing = {"length": b"Content-Length: %s\r\n" % words[-1].encode(), "chunked": b"Transfer-Encoding: chunked\r\n"}
            prefix = b"HTTP/1.1 404 x\r\n" + framing.get(words[0], b"") + b"\r\n"
            response = True
        yield prefix + Reader(text, False).until(None), head_settings(response)
    for side in ("c2s", "s2c"):
        for head, _ in captures(side):
            yield head, head_settings(side == "s2c")
    for value in (b"permessage-deflate; client_max_window_bits", b'a; b="c\\d", , a;b=1;c', b"x;y=\"", b"a b"):
        yield value, head_settings(False)


def seeds_of_frames():
    for settings, text in vectors("ws"):
        for client in (False, True):
            if settings.get("role", "both") in ("both", "client" if client else "server"):
                rsv = sum({"rsv1": 4, "rsv2": 2, "rsv3": 1}[word] for word in settings.get("agree", "").split())
                tolerated = tolerated_by(settings)
                yield Reader(text, not client).until(None), decoder_settings(client, rsv, tolerated)
    for side in ("c2s", "s2c"):
        for _, frames in captures(side):
            if frames:
                yield whole_frames(frames, MOST_OF_ONE), decoder_settings(side == "s2c", 4)


def seeds_of_payloads():
    for number, payload in enumerate((b"", b"Hello", "안녕 👋".encode(), bytes(range(256)), b"\xc3", b"x" * 126)):
        for first in (0x81, 0x02, 0x80, 0x88, 0x89, 0x8A, 0xC1, 0x83):
            yield payload, bytes([first, number & 1, 0x37, 0xFA, 0x21, 0x3D, 255 if number else first % 8, 3, 0xE8])
    for code in (999, 1000, 1003, 1004, 1005, 1006, 1007, 1014, 1015, 1016, 2999, 3000, 4999, 5000):
        yield b"bye", bytes([0x88, 1, 0, 0, 0, 0, 255]) + code.to_bytes(2, "big")


def seeds_of_conversations(side):
    request = (
        b"GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    response = (
        b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + ACCEPT + b"\r\n\r\n"
    )
    number = 0
    for settings, text in vectors("ws"):
        if settings.get("role", "both") in ("both", "server" if side == "c2s" else "client"):
            number += 1
            begin = request if side == "c2s" else response
            yield begin + Reader(text, side == "c2s").until(None), endpoint_settings(number, tolerated_by(settings))
    for head, frames in captures(side):
        number += 1
        if side == "s2c":
            head = re.sub(rb"(?i)(sec-websocket-accept: *)[^\r]*", rb"\g<1>" + ACCEPT, head)
            head = re.sub(rb"(?i)sec-websocket-(extensions|protocol):[^\r]*\r\n", b"", head)
        yield head + whole_frames(frames, MOST_OF_ONE - len(head)), endpoint_settings(number)


STOMP_VERSIONS = {"unknown": 0, "1.0": 1, "1.1": 2, "1.2": 3}
STOMP_LIMITS = [8192, 0, 1, 5, 12, 40, 100]

# A conversation of each version, for the sessions: {ack} stands for the headers by which the version names a message.
STOMP_CLIENT = """CONNECT
accept-version:{version}
host:h
heart-beat:100,100

\0
SUBSCRIBE
id:0
destination:/a
ack:{mode}
receipt:r0

\0SEND
destination:/a
receipt:r1
x:y

hello\0SEND
destination:/a
content-length:3

\0\n\0\0BEGIN
transaction:t

\0ACK
{ack}:1
subscription:0
transaction:t

\0SEND
destination:/a
transaction:t

in it\0COMMIT
transaction:t
receipt:r2

\0BEGIN
transaction:t

\0ABORT
transaction:t

\0ACK
{ack}:2
subscription:0

\0UNSUBSCRIBE
id:0

\0DISCONNECT
receipt:r3

\0"""
STOMP_SERVER = """CONNECTED
version:{version}
server:s/1
session:1
heart-beat:100,100

\0
MESSAGE
subscription:0
message-id:1
ack:1
destination:/a
content-type:text/plain
content-length:5

hello\0RECEIPT
receipt-id:r0

\0MESSAGE
subscription:1
message-id:2
destination:/a

\0

RECEIPT
receipt-id:r1

\0"""
STOMP_SERVER_ENDS = ["RECEIPT\nreceipt-id:disconnect\n\n\0", "ERROR\nmessage:no\nreceipt-id:r2\n\nbecause\0", ""]


def stomp_captures(side):
    """(agreed version, as many whole frames of each capture of STOMP over TCP as fit), the shortest first."""
    found = []
    for path in (ROOT / "tests" / "captures" / "stomp").glob(f"*.{side}.bin"):
        if not path.name.startswith("stompws"):
            transcript = path.with_name(path.name.removesuffix(f".{side}.bin") + ".txt").read_text(encoding="utf-8")
            version = re.search(r"^version (\S+)", transcript, re.M)
            stream = path.read_bytes()[:MOST_OF_ONE]
            found.append((version[1] if version else "unknown", stream[: stream.rfind(b"\0") + 1] or stream))
    return sorted(found, key=lambda pair: (len(pair[1]), pair))


def stomp_settings(known, agreed, limits=()):
    chosen = dict(limits)
    numbers = [STOMP_LIMITS.index(chosen.get(name, 8192)) for name in ("line", "headers", "head", "body")]
    return bytes([STOMP_VERSIONS[known], STOMP_VERSIONS[agreed], *numbers]) + CUTS[:7]


def session_settings(number):
    """Defaults for the options, and flags and a script that differ from seed to seed."""
    digest = hashlib.sha256(bytes([number % 251])).digest()
    return bytes([digest[0] & 7]) + bytes(15) + CUTS[:5] + digest[:16]


def seeds_of_stomp_frames():
    for settings, text in vectors("stomp"):
        words = settings.get("limit", "").split()
        limits = [(name, int(most)) for name, most in zip(words[::2], words[1::2]) if int(most) in STOMP_LIMITS]
        versions = settings.get("version", "all").replace("all", " ".join(STOMP_VERSIONS)).split()
        for version in versions:
            stream = Reader(text, False).until(None)
            yield stream, stomp_settings(version, settings.get("agree", "unknown"), limits)
    for side in ("c2s", "s2c"):
        for agreed, frames in stomp_captures(side):
            yield frames, stomp_settings("unknown", agreed)


def seeds_of_stomp_sessions(side):
    number = 0
    for version in ("1.0", "1.1", "1.2"):
        ack = "id" if version == "1.2" else "message-id"
        for variant in range(4):
            number += 1
            if side == "c2s":
                mode = ("client", "client-individual", "auto", "client")[variant]
                text = STOMP_CLIENT.format(version=version, mode=mode, ack=ack)
            else:
                text = STOMP_SERVER.format(version=version) + STOMP_SERVER_ENDS[variant % 3]
            yield text.encode(), session_settings(number)
    for _, frames in stomp_captures(side):
        number += 1
        yield frames, session_settings(number)


def message(payload, masked):
    """A text message of a client, masked with zeros, or of a server."""
    size = len(payload)
    length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big")
    return b"\x81" + bytes([length[0] | (0x80 if masked else 0)]) + length[1:] + (bytes(4) if masked else b"") + payload


def seeds_of_stomp_connections():
    """Sessions as bytes and in messages, for both ends, and captures of browsers."""
    accept = base64.b64encode(hashlib.sha1(b"AAAAAAAAAAAAAAAAAAAAAA==258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    request = (b"GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
               b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: v12.stomp\r\n\r\n")
    response = (b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
    number = 0
    for role, side in enumerate(("c2s", "s2c")):
        for stream, _ in seeds_of_stomp_sessions(side):
            number += 1
            frames = [frame + b"\0" for frame in stream.split(b"\0")[:-1] if len(frame) < 60000]
            carried = (request, response)[role] + b"".join(message(frame, role == 0) for frame in frames)
            for over_web, text in ((0, stream), (1, carried)):
                settings = bytes([number % 4, number % 3, number % 5, number % 7 // 6])
                role_byte = 0 if role == 0 else 2 if over_web else 3
                yield text, settings + bytes([role_byte, number * 37 % 256]) + CUTS[:5]
    for path in sorted((ROOT / "tests" / "captures" / "stomp").glob("stompws*.nopmd.c2s.bin")):
        yield path.read_bytes()[:MOST_OF_ONE], bytes(6) + CUTS[:5]


def seeds_of_stomp_pairs():
    for number in range(48):
        program = b"".join(hashlib.sha256(bytes([number, part])).digest() for part in range(1 + number % 16))
        yield b"\x0f\1" + program, bytes([number % 4, number * 5 % 81, number // 4 % 4 + number % 8 * 4])


DEFLATE_CONTENTS = (b"Hello", b"Hello" * 100, "안녕하세요, ".encode() * 20, bytes(range(256)), b"\0" * 3000, b"")


def compressed(content, level, strategy, window_bits, final):
    """One message of permessage-deflate; `final`: in a block that is marked as the last."""
    making = zlib.compressobj(level, zlib.DEFLATED, -window_bits, 8, strategy)
    if final:
        return making.compress(content) + making.flush() + b"\0"
    return (making.compress(content) + making.flush(zlib.Z_SYNC_FLUSH))[:-4]


def seeds_of_compressed_messages():
    for number, content in enumerate(DEFLATE_CONTENTS):
        for level, strategy in ((0, zlib.Z_DEFAULT_STRATEGY), (6, zlib.Z_DEFAULT_STRATEGY), (6, zlib.Z_FIXED)):
            for final in (False, True):
                message = compressed(content, level, strategy, 9 + number, final)
                # Type, limit, four sizes of messages, room, six sizes of pieces.
                settings = bytes([number % 2, 0, len(message) % 256, 0, 0, 0, number]) + CUTS
                yield message * 2, settings


def seeds_of_negotiations():
    names = ("server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits", "client_max_window_bits")
    values = ("", "=8", "=15", '="1\\0"', "=016", "=")
    for number, name in enumerate(names):
        for value in values:
            text = f"permessage-deflate; {name}{value}, x; y=z, permessage-deflate; {names[number - 1]}"
            yield text.encode(), bytes([number, number * 5, 0o52, len(value) * 3, 0o17])
    for side in ("c2s", "s2c"):
        for head, _ in captures(side):
            if found := re.search(rb"(?i)sec-websocket-extensions: *([^\r]*)", head):
                yield found[1], bytes([len(head) % 2, len(head) % 32, 0, len(head) % 7, 0])


def seeds_of_identities():
    for number, content in enumerate(DEFLATE_CONTENTS[:-1]):
        digest = hashlib.sha256(bytes([number])).digest()
        yield content[:MOST_OF_ONE], digest[:3] + CUTS[:5] + digest[:16]


def seeds_of_broadcasts():
    # Prepare a message, send it to all, look at the pieces, send some of them; between these whatever comes.
    for number in range(60):
        noise = hashlib.sha512(bytes([number])).digest()
        script = b"".join(
            bytes([noise[i] % 64, noise[i + 1], 4, 0, 8 + 16 * (i % 3), 5, noise[i + 2], noise[i + 3], 9 + 16 * (i % 3), i])
            for i in range(0, 40, 4)
        )
        yield script, noise[-8:]


def write(target, seeds, key=lambda stream, settings: stream):
    folder = SEEDS / target
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    unique = {}
    for stream, settings in seeds:
        if len(stream) <= MOST_OF_ONE:
            unique.setdefault(key(stream, settings), stream + settings)
    # Where there are too many, evenly fewer.
    kept = list(unique.values())
    while sum(map(len, kept)) > MOST_BYTES:
        kept = [seed for i, seed in enumerate(kept) if i % 8 != 7]
    for seed in kept:
        (folder / hashlib.sha1(seed).hexdigest()[:12]).write_bytes(seed)
    print(f"{target}: {len(kept)} seeds, {sum(map(len, kept))} bytes")


write("head_parser", seeds_of_heads())
write("decoder", seeds_of_frames())
write("deflate", seeds_of_compressed_messages())
write("deflate_identity", seeds_of_identities())
write("deflate_negotiation", seeds_of_negotiations())
write("broadcast", seeds_of_broadcasts())
write("encode", seeds_of_payloads(), key=lambda *seed: seed)
write("server", seeds_of_conversations("c2s"))
write("client", seeds_of_conversations("s2c"))
write("stomp_parser", seeds_of_stomp_frames(), key=lambda *seed: seed)
write("stomp_server_session", seeds_of_stomp_sessions("c2s"))
write("stomp_client_session", seeds_of_stomp_sessions("s2c"))
write("stomp_pair", seeds_of_stomp_pairs())
write("stomp_connection", seeds_of_stomp_connections())
