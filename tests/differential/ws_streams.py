# WebSocket frames at random: valid streams, and streams with a few changes.
# SPDX-License-Identifier: MIT
import struct
import zlib

from mutations import mutated

CODES = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999)
BAD_CODES = (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)
CHARACTERS = ("a", "Z", "\0", "\x7f", "\x80", "ß", "\u07ff", "\u0800", "가", "\ud7ff", "\ue000", "\uffff", "\U00010000",
              "😀", "\U0010ffff")
NOT_UTF8 = (b"\x80", b"\xff", b"\xc0\x80", b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xed\xa0\x80", b"\xf0\x8f\xbf\xbf",
            b"\xf4\x90\x80\x80", b"\xf5\x80", b"\xe2\x82", b"\xf0\x9f\x98", b"\xc3")


def masked(data, key):
    if not data:
        return b""
    mask = (key * (len(data) // 4 + 1))[:len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(mask, "big")).to_bytes(len(data), "big")


def some_size(random):
    kind = random.random()
    if kind < 0.6:
        return random.randrange(40)
    if kind < 0.8:
        return random.choice((0, 1, 124, 125, 126, 127, 128))
    if kind < 0.97:
        return random.randrange(3000)
    return random.choice((65534, 65535, 65536, 65537, 70000))


def some_text(random, size):
    if random.random() < 0.5:
        return bytes(random.choices(b"abcdefgh \n", k=size))
    return "".join(random.choices(CHARACTERS, k=size)).encode()[:size].decode(errors="ignore").encode()


class Stream:
    """Frames for a reader of the given role; `deflate` is None, or the words `takeover` or `no_takeover` and the bits of
    the window. `frames` are the offsets at which frames begin."""

    def __init__(self, random, reader, deflate=None):
        self.random = random
        self.is_masked = reader == "server"
        self.deflate = deflate
        self.compressor = None
        self.window = b""  # all that was compressed, as the reader knows it
        self.data = bytearray()
        self.frames = []

    def frame(self, first, payload):
        random = self.random
        self.frames.append(len(self.data))
        mask = 0x80 if self.is_masked else 0
        size = len(payload)
        shortest = 0 if size < 126 else 1 if size < 65536 else 2
        form = shortest
        if shortest < 2 and random.random() < 0.005:
            form = random.randrange(shortest, 3)
        self.data.append(first)
        self.data += (bytes([mask | size & 127]), struct.pack("!BH", mask | 126, size & 0xFFFF),
                      struct.pack("!BQ", mask | 127, size))[form]
        if self.is_masked:
            key = random.randbytes(4)
            self.data += key
            payload = masked(payload, key)
        self.data += payload

    def control(self):
        size = self.random.choice((0, 1, 2, 5, 30, 124, 125))
        self.frame(self.random.choice((0x89, 0x8A)), self.random.randbytes(size))

    def close(self):
        random = self.random
        payload = b""
        if random.random() < 0.8:
            code = random.choice(BAD_CODES if random.random() < 0.15 else CODES)
            reason = some_text(random, random.choice((0, 0, 3, 20, 123)))
            if random.random() < 0.1:
                reason = (reason + random.choice(NOT_UTF8))[-123:]
            payload = struct.pack("!H", code) + reason
        elif random.random() < 0.1:
            payload = b"\x03"
        self.frame(0x88, payload)

    def compressed(self, payload):
        """The payload in blocks of any kind, without the four bytes at the end (RFC 7692 section 7.2.1)."""
        random = self.random
        takeover, bits = self.deflate
        if not payload and random.random() < 0.5:
            return b"\0"
        if takeover == "no_takeover":
            self.compressor, self.window = None, b""
        out = bytearray()
        while True:
            if self.compressor is None or random.random() < 0.05:
                self.compressor = self.new_compressor(random.randint(9, bits))
            part = payload[:random.choice((len(payload), random.randrange(len(payload) + 1)))]
            payload = payload[len(part):]
            out += self.compressor.compress(part)
            self.window += part
            if not payload:
                break
            if random.random() < 0.1:
                # A block that is marked as the last, and others behind it (RFC 7692 section 7.2.3.4).
                out += self.compressor.flush(zlib.Z_FINISH)
                self.compressor = None
            else:
                out += self.compressor.flush(random.choice((zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH)))
        if random.random() < 0.1:
            out += self.compressor.flush(zlib.Z_FINISH)
            self.compressor = None
            return bytes(out) + random.choice((b"", b"\0"))
        out += self.compressor.flush(random.choice((zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH)))
        cut = random.choice((0, 3, 5, 6, len(out))) if random.random() < 0.02 else 4
        return bytes(out[:len(out) - cut])

    def new_compressor(self, bits):
        """One that goes on where the last one has ended."""
        random = self.random
        strategy = random.choice((zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE))
        settings = (random.choice((0, 1, 6, 9)), zlib.DEFLATED, -bits, random.choice((1, 8, 9)), strategy)
        window = self.window[-(1 << bits):]
        return zlib.compressobj(*settings, window) if window else zlib.compressobj(*settings)

    def message(self):
        random = self.random
        is_text = random.random() < 0.6
        size = some_size(random)
        payload = some_text(random, size) if is_text else random.randbytes(size)
        if is_text and self.window and random.random() < 0.5:
            payload += self.window[-random.randrange(100):].decode(errors="ignore").encode()
        if is_text and random.random() < 0.04:
            at = random.choice((len(payload), random.randrange(len(payload) + 1)))
            payload = payload[:at] + random.choice(NOT_UTF8) + payload[at:]
        first = 1 if is_text else 2
        if self.deflate and random.random() < 0.85:
            payload = self.compressed(payload)
            first |= 0x40
        pieces = [payload]
        while random.random() < 0.35 and len(pieces) < 8:
            last = pieces.pop()
            at = random.randrange(len(last) + 1)
            pieces += last[:at], last[at:]
        for number, piece in enumerate(pieces):
            self.frame((first if number == 0 else 0) | (0x80 if number == len(pieces) - 1 else 0), piece)
            while number != len(pieces) - 1 and random.random() < 0.3:
                self.control()

    def fill(self):
        random = self.random
        for _ in range(random.choice((0, 1, 1, 2, 3, 4, 8))):
            if random.random() < 0.25:
                self.control()
            else:
                self.message()
        if random.random() < 0.3:
            self.close()
            if random.random() < 0.3:
                self.data += random.randbytes(random.randrange(20))
        return bytes(self.data)


def some_stream(random, reader, deflate):
    """Bytes, half of them a valid stream, or nearly."""
    stream = Stream(random, reader, deflate)
    data = stream.fill()
    # With smaller windows, or none, it is not defined which references to what came before are wrong.
    if random.random() < 0.5 and deflate in (None, ("takeover", 15)):
        frame = Stream(random, reader)
        frame.close()
        data = mutated(random, data, stream.frames, (b"\0", b"\x80\x80", b"\x89\0", bytes(frame.data)))
    return data
