# Streams of WebSocket frames: the library against the decoders of ws_references.py.
# SPDX-License-Identifier: MIT
import codecs
from dataclasses import dataclass

from ws_references import READERS, known
from ws_streams import masked, some_stream

FILL = 1 << 20  # no frame within the limits that are used below is longer


@dataclass
class Limits:
    message: int
    frames: int


def size_of_frame(data, masks, with_payload=True):
    """The size of the frame that begins the data, or of its header; the least that it can have if that is cut off."""
    header = data[:10].ljust(10, b"\0")
    length = header[1] & 127
    extended = {126: 2, 127: 8}.get(length, 0)
    if extended:
        length = int.from_bytes(header[2:2 + extended], "big")
    return 2 + extended + (4 if header[1] & 128 or masks else 0) + (length if with_payload else 0)


def without_cut_header(data, masks):
    """The data, which is right so far, without a last header that is cut off."""
    at = 0
    while at < len(data):
        if len(data) - at < size_of_frame(data[at:], masks, with_payload=False):
            return data[:at]
        at += size_of_frame(data[at:], masks)
    return data


def frames_in(data):
    """The frames that the library sent: first byte, whether masked, payload."""
    while data:
        size = size_of_frame(data, False)
        is_masked = bool(data[1] & 128)
        header = size - (data[1] & 127)
        assert data[1] & 127 < 126, "a control frame is short"
        payload = data[header:size]
        yield data[0], is_masked, masked(payload, data[header - 4:header]) if is_masked else payload
        data = data[size:]


def from_hex(word):
    return b"" if word == "-" else bytes.fromhex(word)


class Ours:
    """The answer of the library, as lines, in the form of `Findings`."""

    def __init__(self, lines):
        self.events = []
        self.partial = None
        self.error = "none"
        self.end = None
        self.frame = 0
        for line in lines:
            kind, *words = line.split(" ")
            if kind in ("text", "binary", "ping", "pong"):
                self.events.append((kind, from_hex(words[0])))
            elif kind == "closed":
                code, clean, self.error, answered, reason, frame = words
                self.frame = int(frame)
                if self.error == "none":
                    assert clean == "clean", "a Close that is answered ends cleanly"
                    self.events.append(("close", int(code), from_hex(reason)))
                elif self.error != "end_of_input":
                    assert (code, clean) == ("1006", "unclean"), "a failure is no Close of the peer's"
                    self.end = int(answered)
            elif kind == "sent":
                self.sent = from_hex(words[0])
            elif kind == "partial":
                self.partial = (words[0], from_hex(words[1]))
            else:
                raise AssertionError("\n".join(lines))


def check_sent(ours, reader):
    """Every Ping is answered, and every Close and failure, with frames that are masked if a client sends them."""
    wanted = [(0x8A, event[1]) for event in ours.events if event[0] == "ping"]
    if ours.events and ours.events[-1][0] == "close":
        code = ours.events[-1][1]
        wanted.append((0x88, b"" if code == 1005 else code.to_bytes(2, "big")))
    elif ours.end:
        wanted.append((0x88, ours.end.to_bytes(2, "big")))
    sent = []
    for first, is_masked, payload in frames_in(ours.sent):
        if is_masked != (reader == "client"):
            return "a frame is sent with a mask, or without one, against the rule"
        sent.append((first, payload[:2] if first == 0x88 else payload))
    return None if sent == wanted else f"sent were {sent}, and not {wanted}"


class WebSocket:
    name = "websocket"
    batch = 60
    is_compressed = False

    def some_case(self, random):
        reader = random.choice(("server", "client"))
        deflate = None
        if self.is_compressed:
            deflate = random.choice((("takeover", 15), ("takeover", 15), ("takeover", random.randint(9, 15)),
                                     ("no_takeover", random.randint(9, 15))))
        limits = Limits(1 << 20, 65537)
        if random.random() < 0.1:
            limits = Limits(random.choice((1, 125, 126, 1000, 65535)), random.choice((1, 2, 65537)))
        return (reader, deflate, limits, random.randrange(1 << 30)), some_stream(random, reader, deflate)

    def line(self, settings, data):
        reader, deflate, limits, seed = settings
        takeover, bits = deflate or ("plain", 15)
        return f"ws {reader} {limits.message} {limits.message} {limits.frames} {takeover} {bits} {seed} {data.hex() or '-'}"

    def check(self, settings, data, answer):
        reader, deflate, limits, _ = settings
        ours = Ours(answer)
        if wrong := check_sent(ours, reader):
            return wrong
        if ours.end:
            # The other decoder gets nothing behind the frame that is wrong, and all of that frame, as it may judge a
            # frame only when it is there.
            end = min(ours.frame + size_of_frame(data[ours.frame:], reader == "server"), len(data) + FILL)
            data = data[:end].ljust(end, b"\0")
        elif ours.error == "end_of_input":
            # Some rules for lengths are judged once the header is there, by the other decoder as soon as possible.
            data = without_cut_header(data, reader == "server")
        for name, read in READERS.items():
            # It counts the bytes of a compressed message in another way.
            if name == "websockets" and deflate and limits.message < 1 << 20:
                continue
            bytewise = len(data) < 3000
            found = read(reader, limits, deflate, data, bytewise)
            wrong = self.difference(name, ours, found)
            if wrong is None and name == "wsproto" and bytewise and not deflate and ours.end != 1009:
                wrong = difference_of_partial(ours.partial, found)
            if wrong:
                return f"{name}: {wrong}"
        return None

    @staticmethod
    def difference(name, ours, found):
        same = ours.events == found.events and ours.end == found.end
        if same or (known(name, ours.error, found) and ours.events[:len(found.events)] == found.events):
            return None
        if found.end is None and known(name, ours.error, found) and found.events[:len(ours.events)] == ours.events:
            return None
        return (f"finds {shown(found.events)}, {found.end} {found.said}\n"
                f"the library finds {shown(ours.events)}, {ours.end} {ours.error}")


class CompressedWebSocket(WebSocket):
    name = "websocket-deflate"
    is_compressed = True


def shown(events):
    return ", ".join(f"{kind} {[each[:60] if isinstance(each, bytes) else each for each in more]}" for kind, *more in events)


def difference_of_partial(ours, found):
    """A message that does not end was shown up to the same byte; to wsproto a cut character does not count."""
    if ours and ours[0] == "text":
        ours = ("text", codecs.getincrementaldecoder("utf-8")().decode(ours[1]).encode())
    ours = ours if ours and ours[1] else None
    return None if ours == found.partial else f"shows {found.partial} of the last message, the library {ours}"
