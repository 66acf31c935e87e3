# permessage-deflate as no other implementation speaks it: bytes over a plain socket, to the example and our client.
# SPDX-License-Identifier: MIT
import contextlib
import zlib

from cases import BINARY, CLOSE, CONTINUATION, PING, TEXT, UNIT, described, frame, hex_of, need, value_of
from deflate_cases import (BOTH_FORGET, CLIENT_FORGETS, NAME, NOISE, SERVER_FORGETS, THRESHOLD,
                           THRESHOLD_WITHOUT_TAKEOVER, USUAL, client_window, needs_text, server_window, windows)
from raw_cases import accept_for, asked, connected, fields_of, head_of, received, request

RSV1, RSV2 = 4, 2
COMPRESSED = {"rsv": RSV1}
TAIL = b"\x00\x00\xff\xff"  # what ends the data of a message, and is not sent
LIMIT = 1_000_000  # of the example, in bytes
ZEROS = bytes(LIMIT)


def deflated(data, *, bits=15, before=b""):
    """A message as it is sent. `before`: what it can refer to, though it was never sent."""
    codec = zlib.compressobj(9, zlib.DEFLATED, -bits, zdict=before) if before else zlib.compressobj(9, wbits=-bits)
    return (codec.compress(data) + codec.flush(zlib.Z_SYNC_FLUSH))[:-4]


class Wire:
    """An open connection whose other end is ours."""

    def __init__(self, connection, masked):
        """`masked`: whether what is sent has to be."""
        self.connection, self.masked = connection, masked
        self.window = zlib.decompressobj(-15)  # which reads what was sent with any, and with or without takeover

    def bytes_of(self, frames):
        """Frames as (opcode, payload, what `frame` is told beside them)."""
        return b"".join(frame(opcode, payload, masked=self.masked, **more) for opcode, payload, more in frames)

    def send(self, *frames):
        # That the other end has gone is found when it is asked what it says.
        with contextlib.suppress(ConnectionError):
            self.connection.sendall(self.bytes_of(frames))

    def _take(self, size):
        data = b""
        while len(data) < size:
            piece = self.connection.recv(size - len(data))
            need(piece, "the connection ends without a Close")
            data += piece
        return data

    def next(self):
        """(opcode, whether RSV1 is set, payload) of a frame, which is a whole message."""
        first, second = self._take(2)
        need(first & 0xB0 == 0x80, f"a frame begins with {first:#x}")
        need(second >> 7 == (not self.masked), f"a frame's second byte is {second:#x}")
        size = second & 127
        if size > 125:
            size = int.from_bytes(self._take({126: 2, 127: 8}[size]), "big")
        key = b"\0\0\0\0" if self.masked else self._take(4)
        return first & 15, bool(first & 0x40), bytes(byte ^ key[i % 4] for i, byte in enumerate(self._take(size)))

    def takes(self, opcode, content, compressed=True):
        """Expects a message; gives the size in which it was sent."""
        found, rsv1, payload = self.next()
        need((found, rsv1) == (opcode, compressed), f"opcode {found}, and RSV1 is {rsv1}: {payload[:100]}")
        data = self.window.decompress(payload + TAIL) if rsv1 else payload
        need(data == content, f"{len(data)} bytes came, instead of {len(content)}: {data[:100]}")
        return len(payload)

    def echoes(self, content, compressed=True):
        """Sends a message as it is; gives the size in which it comes back."""
        self.send((BINARY, content, {}))
        return self.takes(BINARY, content, compressed)

    def ends_with(self, code):
        opcode, _, payload = self.next()
        need((opcode, payload[:2]) == (CLOSE, code.to_bytes(2, "big")), f"opcode {opcode}, {payload[:200]}")


@contextlib.contextmanager
def opened(server, offer="", response="", *, more=()):
    """A connection to the example, which must answer the offer in this way; both are behind the name."""
    with connected(server) as connection:
        connection.sendall(request(f"Sec-WebSocket-Extensions: {NAME}{offer}", *more))
        head = received(connection, until_end=False)
        need(head.startswith(b"HTTP/1.1 101 "), f"the answer is {head}")
        needs_text("response", value_of(fields_of(head), "Sec-WebSocket-Extensions"), response)
        yield Wire(connection, masked=True)


# --- Offers ----------------------------------------------------------------------------------------------------------


def offers():
    """(rules, offer, response), for an example that wants nothing."""
    for value in ("7", "16", "08", "+9", "9a", "-9", '"16"', "18446744073709551625"):
        yield "D3", f"; {server_window(value)}", None
        yield "D4", f"; {client_window(value)}", None
    yield "D3", "; server_max_window_bits", None
    yield "D8", f"; {server_window(8)}", None
    for name in (SERVER_FORGETS, CLIENT_FORGETS):
        yield "D1 D2", f"; {name}=1", None
        yield "D1 D2", f"; {name}; {name}", None
    yield "D1 D3", f"; {server_window(10)}; {server_window(10)}", None
    yield "D1 D4", USUAL + USUAL, None
    yield "D1", "; unknown", None
    yield "D1", f"{USUAL}; unknown=1", None
    yield "D1", "-not", None
    yield "D3", '; server_max_window_bits="10"', f"; {server_window(10)}"
    yield "D4", '; client_max_window_bits="9"', f"; {client_window(9)}"
    yield "D4 D8", f"; {client_window(8)}", f"; {client_window(8)}"
    yield "D2", f";{CLIENT_FORGETS} {USUAL} ;{SERVER_FORGETS}", BOTH_FORGET
    yield "D1 D8", f"; {server_window(8)}, {NAME}", ""
    yield "D1", f"; unknown, {NAME}; {CLIENT_FORGETS}, {NAME}", f"; {CLIENT_FORGETS}"
    yield "D1", f"-not, another; {SERVER_FORGETS}, {NAME}; {server_window(9)}", f"; {server_window(9)}"


def offer_cases(server):
    def case(offer, response):
        with opened(server, offer, response) as wire:
            for _ in range(2):
                wire.echoes(UNIT * 20, response is not None)
            # With 9 bits nothing refers to more than 250 bytes back, which a window of 8 bits has.
            wire.send((TEXT, deflated(UNIT * 20, bits=9), COMPRESSED))
            if response is None:
                wire.ends_with(1002)
            else:
                wire.takes(TEXT, UNIT * 20)

    def second_field():
        with opened(server, "; unknown", "", more=(f"Sec-WebSocket-Extensions: {NAME}",)) as wire:
            wire.echoes(UNIT * 10)

    for rules, offer, response in offers():
        what = "is declined" if response is None else f"is answered with {NAME}{response}"
        yield f"{rules}: the offer {NAME}{offer} {what}", lambda a=(offer, response): case(*a)
    yield "D1: an offer in a second field is taken where the first is declined", second_field


# --- The output of the example ---------------------------------------------------------------------------------------


def sending_cases(start):
    """`start` gives the example for its options."""
    def sizes(options, response, content):
        """Those of its echoes of a message that comes twice."""
        with opened(start("--deflate", *options), USUAL, response) as wire:
            return [wire.echoes(content) for _ in range(2)]

    def takes_over():
        first, second = sizes((), "", NOISE)
        need(first >= len(NOISE) > 50 * second, f"the echoes take {first} and {second} bytes")

    def forgets():
        first, second = sizes(("--no-context-takeover",), BOTH_FORGET, NOISE)
        need(first == second >= len(NOISE), f"the echoes take {first} and {second} bytes")

    def window(bits, response, refers):
        first, _ = sizes(("--window-bits", bits), response, NOISE[:1000] * 2)
        need((first < 1100) == refers and (first >= 2000) != refers, f"the echo takes {first} bytes")

    def threshold(options, response, size):
        with opened(start("--deflate", *options), "", response) as wire:
            for length in (max(size - 1, 0), size, size + 1, max(size - 1, 0), 0):
                wire.echoes(b"a" * length, length >= size)

    yield "D8: a message that comes again is sent in a fiftieth of its size", takes_over
    yield "D8: with --no-context-takeover it is sent in full each time", forgets
    yield "D3: with --window-bits 9 nothing refers 1000 bytes back", lambda: window("9", windows(9), False)
    for bits, response in (("11", windows(11)), ("15", "")):
        yield f"D3: with --window-bits {bits} something refers 1000 bytes back", \
            lambda a=(bits, response, True): window(*a)
    for options, response, size in (
            ((), "", THRESHOLD), (("--no-context-takeover",), BOTH_FORGET, THRESHOLD_WITHOUT_TAKEOVER),
            (("--threshold", "1000"), "", 1000), (("--threshold", "0"), "", 0),
            (("--no-context-takeover", "--threshold", "1"), BOTH_FORGET, 1)):
        given = " ".join(("--deflate", *options))
        yield f"D10: with {given} messages come back compressed from {size} bytes on", \
            lambda a=(options, response, size): threshold(*a)


# --- The input of the example ----------------------------------------------------------------------------------------


def pieces(data, size, opcode=BINARY):
    """The data of a compressed message as frames of so many bytes."""
    return [(CONTINUATION if i else opcode, data[i:i + size],
             {"fin": i + size >= len(data), "rsv": 0 if i else RSV1}) for i in range(0, len(data), size)]


def legal():
    """(label, the message as it is sent, its content)"""
    codec = zlib.compressobj(9, wbits=-15)
    final = codec.compress(UNIT) + codec.flush()
    stored, last_stored = (first + b"\x10\x00\xef\xff" + UNIT for first in (b"\x00", b"\x01"))
    yield "D6: an empty message", b"\x00", b""
    yield "D7: a message of no bytes", b"", b""
    yield "D7: an empty message with a fixed block", b"\x02\x00", b""
    yield "D7: two stored blocks", stored * 2 + b"\x00", UNIT * 2
    yield "D7: a fixed block", deflated(UNIT), UNIT
    yield "D7: a dynamic block", deflated(bytes(sorted(NOISE))), bytes(sorted(NOISE))
    yield "D7: a block that is marked as the last", final, UNIT
    yield "D7: a block that is marked as the last, and then the usual end", last_stored + b"\x00", UNIT
    yield "D7: blocks that are marked as the last, before another", final + last_stored + deflated(UNIT), UNIT * 3
    yield "D7: empty blocks, up to the limit", (b"\x00" + TAIL) * (LIMIT // 5 - 1) + b"\x00", b""
    yield "D7: empty blocks that are marked as the last, up to the limit", b"\x03\x00" * (LIMIT // 2), b""
    yield "D9: zeros up to the limit", deflated(ZEROS), ZEROS
    yield "D9: a bomb inside another, of which one is inflated", deflated(deflated(ZEROS * 10)), deflated(ZEROS * 10)


def bombs():
    """(label, frames)"""
    ten = deflated(ZEROS * 10)
    yield "one byte beyond the limit", [(BINARY, deflated(ZEROS + b"a"), COMPRESSED)]
    yield "10 MB of zeros in 10 KB", [(BINARY, ten, COMPRESSED)]
    yield "10 MB of zeros as text", [(TEXT, ten, COMPRESSED)]
    yield "10 MB of zeros in fragments of 10 bytes", pieces(ten, 10)
    yield "a second fragment that goes beyond the limit", pieces(deflated(ZEROS) + TAIL + deflated(b"a"), 1000)
    yield "zeros without an end", pieces((deflated(bytes(1000)) + TAIL) * 2000, 100)
    yield "a frame whose compressed size is beyond the limit", [
        (BINARY, (b"\x00" + TAIL) * (LIMIT // 5 + 1), COMPRESSED)]


def wrong():
    """(label, frames, code)"""
    text = deflated(UNIT * 10)
    for label, data in (
            ("a block of type 3", b"\x07"), ("a stored block whose lengths differ", b"\x00\x05\x00\x00\x00hello"),
            ("a reference to what was never sent", deflated(NOISE[:300], before=NOISE[:300])),
            ("noise", b"\xff" + NOISE), ("data that ends inside a block", text[:-4]),
            ("data that ends inside a stored block", b"\x00\x05\x00\xfa\xff"),
            ("data with the end that is not to be sent", text + TAIL)):
        yield f"D9: {label}", [(BINARY, data, COMPRESSED)], 1007
    yield "D9: text that is not UTF-8", [(TEXT, deflated(b"\xff"), COMPRESSED)], 1007
    yield "D9: text that ends inside a character", [(TEXT, deflated(UNIT[:2]), COMPRESSED)], 1007
    yield "D5: RSV1 on a continuation", [
        (TEXT, text, COMPRESSED | {"fin": False}), (CONTINUATION, b"", COMPRESSED)], 1002
    yield "D5: RSV1 on a continuation alone", [(TEXT, UNIT, {"fin": False}), (CONTINUATION, b"", COMPRESSED)], 1002
    yield "D5: RSV1 on a Ping", [(PING, b"", COMPRESSED)], 1002
    yield "F1 D5: another bit beside RSV1", [(TEXT, text, {"rsv": RSV1 | RSV2})], 1002


def receiving_cases(start):
    """The answer of the example to these bytes, and that it goes on serving others."""
    plain = start("--deflate", "--max-message", str(LIMIT))
    shares = start("--deflate", "--no-context-takeover")

    def echoed(data, content):
        with opened(plain) as wire:
            for _ in range(2):
                wire.send((BINARY, data, COMPRESSED))
                wire.takes(BINARY, content, len(content) >= THRESHOLD)

    def ends(frames, code):
        with opened(plain) as other, opened(plain) as wire:
            other.send(*pieces(deflated(UNIT * 10), 10)[:-1])
            wire.send(*frames)
            wire.ends_with(code)
            other.send(*pieces(deflated(UNIT * 10), 10)[-1:])
            other.takes(BINARY, UNIT * 10)

    def in_bytes():
        with opened(plain) as wire:
            for byte in wire.bytes_of(pieces(deflated(UNIT * 20), 7, TEXT)):
                wire.connection.sendall(bytes([byte]))
            wire.takes(TEXT, UNIT * 20)

    def shared():
        with contextlib.ExitStack() as stack:
            wires = [stack.enter_context(opened(shares, "", BOTH_FORGET)) for _ in range(40)]
            for turn in range(3):
                contents = [NOISE[i * 40:i * 40 + 400] * 2 + bytes([turn]) for i in range(len(wires))]
                for frames in zip(*(pieces(deflated(content), 150) for content in contents)):
                    for wire, each in zip(wires, frames):
                        wire.send(each)
                for wire, content in zip(wires, contents):
                    wire.takes(BINARY, content)

    for label, data, content in legal():
        yield f"{label}, twice, comes back", lambda a=(data, content): echoed(*a)
    for label, frames in bombs():
        yield f"D9: {label} is answered with 1009", lambda a=(frames, 1009): ends(*a)
    for label, frames, code in wrong():
        yield f"{label} is answered with {code}", lambda a=(frames, code): ends(*a)
    yield "F12 D6: a compressed message in fragments, in single bytes", in_bytes
    yield "D8: forty connections share windows, with a message on its way over each", shared


# --- Our client ------------------------------------------------------------------------------------------------------


def responses():
    """(rules, what our client wants, the response, the error)"""
    bad = "bad_deflate_response"
    for value in ("7", "16", "08", '"16"'):
        yield "D3", (), f"; {server_window(value)}", bad
        yield "D4", (), f"; {client_window(value)}", bad
    yield "D3", (), "; server_max_window_bits", bad
    yield "D4", (), USUAL, bad
    yield "D1", (), "; unknown", bad
    yield "D1 D2", (), f"; {SERVER_FORGETS}; {SERVER_FORGETS}", bad
    yield "D1 D2", (), f"; {CLIENT_FORGETS}=1", bad
    yield "D1", (), f", {NAME}", bad
    yield "D2", (SERVER_FORGETS,), "", bad
    yield "D3", (server_window(10),), "", bad
    yield "D3", (server_window(10),), f"; {server_window(11)}", bad
    yield "D4", (client_window(10),), f"; {client_window(11)}", bad
    yield "H17", (), "-not", "extension_not_offered"


def response_cases(start):
    """`start` gives our client for what it wants."""
    @contextlib.contextmanager
    def answered(client, extension):
        with asked(client) as (connection, fields):
            more = () if extension is None else (f"Sec-WebSocket-Extensions: {extension}",)
            connection.sendall(head_of("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
                                       f"Sec-WebSocket-Accept: {accept_for(fields)}", *more))
            yield Wire(connection, masked=False)

    def failed(wanted, response, error):
        client = start(*wanted)
        with answered(client, NAME + response) as wire:
            need(received(wire.connection) == b"", "something was sent after the request")
        client.expect("closed", code=1006, clean=False, error=error)

    def good(response, compresses=True):
        client = start()
        with answered(client, response) as wire:
            client.expect("open")
            client.command("binary", hex_of(UNIT), 1600)
            wire.takes(BINARY, UNIT * 100, compresses)
            if response is not None:
                wire.send((TEXT, deflated(UNIT * 10, bits=9), COMPRESSED))
                client.expect("message", **described("text", UNIT * 10), compressed=True)
        client.expect("closed", code=1006, error="end_of_input")

    def fails(frames, error, code, response=NAME):
        client = start()
        with answered(client, response) as wire:
            client.expect("open")
            wire.send(*frames)
            wire.ends_with(code)
        client.expect("closed", code=1006, error=error)

    for rules, wanted, response, error in responses():
        given = f"where we want {' '.join(wanted) or 'nothing'}, the response {NAME}{response}"
        yield f"{rules}: {given} fails with {error}", lambda a=(wanted, response, error): failed(*a)
    for rules, response in (("D4", ""), ("D2", f"; {SERVER_FORGETS}"), ("D2", f"; {CLIENT_FORGETS}"),
                            ("D3 D8", f"; {server_window(8)}"), ("D3 D4", '; client_max_window_bits="9"')):
        yield f"{rules}: the response {NAME}{response} is taken", lambda r=NAME + response: good(r)
    yield "D8: asked for a window of 8 bits, our client sends messages as they are", \
        lambda: good(f"{NAME}; {client_window(8)}", compresses=False)
    yield "D1: declined, our client sends messages as they are", lambda: good(None, compresses=False)
    yield "D5: declined, RSV1 is answered with 1002", \
        lambda: fails([(TEXT, deflated(UNIT), COMPRESSED)], "reserved_bit_set", 1002, None)
    yield "D9: 20 MB of zeros are answered by our client with 1009", \
        lambda: fails([(BINARY, deflated(ZEROS * 20), COMPRESSED)], "message_too_big", 1009)
    for label, type, data, error in (("corrupt data is", BINARY, b"\x07", "deflate_corrupt"),
                                     ("truncated data is", BINARY, deflated(UNIT)[:-2], "deflate_truncated"),
                                     ("text that is not UTF-8 is", TEXT, deflated(b"\xff"), "invalid_utf8")):
        yield f"D9: {label} answered by our client with 1007", \
            lambda a=([(type, data, COMPRESSED)], error, 1007): fails(*a)


def all_cases(start_example, start_client):
    yield from offer_cases(start_example("--deflate"))
    yield from sending_cases(start_example)
    yield from receiving_cases(start_example)
    yield from response_cases(start_client)
