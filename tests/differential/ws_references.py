# Two decoders of other people's, python3-websockets (10.4) and python3-wsproto (1.2), behind the same function, and the
# ways in which they are known to differ from the library.
# SPDX-License-Identifier: MIT
import codecs
import logging
import types
import zlib

import websockets.connection
import wsproto.extensions
import wsproto.frame_protocol
from websockets.exceptions import PayloadTooBig
from websockets.extensions import Extension, permessage_deflate
from wsproto.frame_protocol import CloseReason, FrameProtocol, Opcode, ParseFailed

logging.getLogger("websockets").setLevel(logging.CRITICAL)

# --- Inflating -------------------------------------------------------------------------------------------------------
# Both libraries call zlib's decompressobj, which ends at a block that is marked as the last, and does not tell whether a
# message was cut off. They get an object that goes on (RFC 7692 section 7.2.3.4) and that does tell.

AT_END = b"\x00\x00\xff\xff"


class Inflater:
    is_end = False  # set by those who call: what comes is the end of a message
    unconsumed_tail = b""

    def __init__(self, wbits):
        self.wbits = wbits
        self.inner = zlib.decompressobj(wbits)
        self.window = b""
        self.is_at_end = True  # before the first byte of a message, and directly behind a block marked as the last

    def decompress(self, data, _most=0):
        if not Inflater.is_end:
            return self.feed(data)
        out = self.feed(data[:-4])
        # A message of no bytes is an empty message, and one may end with a block marked as the last (rule D7).
        if not self.is_at_end and (self.feed(AT_END) or not self.is_between_blocks()):
            raise zlib.error("the message was cut off")
        self.is_at_end = True
        return out

    def feed(self, data):
        out = b""
        while data:
            out += self.inner.decompress(data)
            data = b""
            self.is_at_end = self.inner.eof and not self.inner.unused_data
            if self.inner.eof:
                data = self.inner.unused_data
                window = (self.window + out)[-(1 << -self.wbits):]
                self.inner = zlib.decompressobj(self.wbits, window) if window else zlib.decompressobj(self.wbits)
        self.window = (self.window + out)[-32768:]
        return out

    def is_between_blocks(self):
        return self.inner.copy().decompress(b"\x00\x03\x00\xfc\xffend") == b"end"

    def flush(self):
        return b""


SHIM = types.SimpleNamespace(decompressobj=lambda wbits: Inflater(wbits), compressobj=zlib.compressobj,
                             error=zlib.error)
permessage_deflate.zlib = wsproto.extensions.zlib = SHIM


class Findings:
    """What a decoder made of a stream: `events`, of which a partial message may be the last; and `end`, which is None,
    `closed`, or the code and the words of a failure."""

    def __init__(self):
        self.events = []
        self.partial = None
        self.end = None
        self.said = ""


def holds_half_of_a_surrogate(decoder):
    """Python's decoder takes the first two bytes of a surrogate for a character that is not there yet, though no third
    byte makes them one (RFC 3629 section 4)."""
    held = decoder.getstate()[0]
    return len(held) == 2 and held[0] == 0xED and held[1] >= 0xA0


# --- python3-websockets ----------------------------------------------------------------------------------------------


class TooManyFrames(PayloadTooBig):
    pass


class Count(Extension):
    """Counts the frames of a message, which websockets does not. It sees each frame before the other extensions do."""

    def __init__(self, most):
        self.most = most
        self.frames = 0

    def decode(self, frame, *, max_size=None):
        Inflater.is_end = frame.fin
        if frame.opcode < 8:
            self.frames = self.frames + 1 if frame.opcode == 0 else 1
            if self.frames > self.most:
                raise TooManyFrames("too many frames")
        return frame

    def encode(self, frame):
        return frame


def read_with_websockets(reader, limits, deflate, data, _bytewise):
    found = Findings()
    side = websockets.connection.Side[reader.upper()]
    connection = websockets.connection.Connection(side, max_size=limits.message)
    connection.extensions = [Count(limits.frames)]
    if deflate:
        forgets, bits = deflate[0] == "no_takeover", deflate[1]
        connection.extensions.insert(0, permessage_deflate.PerMessageDeflate(forgets, forgets, bits, bits))
    connection.receive_data(data)

    # websockets leaves it to its callers to join the fragments and to look at UTF-8.
    text = message = None
    for frame in connection.events_received():
        if frame.opcode in (9, 10):
            found.events.append(("ping" if frame.opcode == 9 else "pong", bytes(frame.data)))
            continue
        if frame.opcode == 8:
            close = connection.close_rcvd
            found.events.append(("close", close.code, close.reason.encode()))
            break
        if frame.opcode != 0:
            message = bytearray()
            text = codecs.getincrementaldecoder("utf-8")() if frame.opcode == 1 else None
        message += frame.data
        if text:
            try:
                text.decode(bytes(frame.data), frame.fin)
                is_wrong = holds_half_of_a_surrogate(text)
            except UnicodeDecodeError:
                is_wrong = True
            if is_wrong:
                found.end, found.said = 1007, "text"
                return found
        if frame.fin:
            found.events.append(("text" if text else "binary", bytes(message)))
    failed = connection.parser_exc
    if failed:
        found.end = 1008 if isinstance(failed, TooManyFrames) else connection.close_sent.code
        found.said = str(failed)
    return found


# --- python3-wsproto -------------------------------------------------------------------------------------------------


class Deflate(wsproto.extensions.PerMessageDeflate):
    """wsproto 1.2 forgets at a control frame that the message around it is compressed; this one does not."""

    def __init__(self, forgets, bits):
        super().__init__(forgets, bits, forgets, bits)
        self._enabled = True

    def frame_inbound_header(self, proto, opcode, rsv, payload_length):
        self.is_control = opcode.iscontrol()
        if self.is_control:
            return CloseReason.PROTOCOL_ERROR if rsv.rsv1 else super(wsproto.extensions.PerMessageDeflate, self) \
                .frame_inbound_header(proto, opcode, rsv, payload_length)
        return super().frame_inbound_header(proto, opcode, rsv, payload_length)

    def frame_inbound_payload_data(self, proto, data):
        Inflater.is_end = False
        return data if self.is_control else super().frame_inbound_payload_data(proto, data)

    def frame_inbound_complete(self, proto, fin):
        Inflater.is_end = True
        return None if self.is_control else super().frame_inbound_complete(proto, fin)


class Limits(wsproto.extensions.Extension):
    """The limits on a message, which wsproto has not: on its bytes as they come, and on those inflated."""

    def __init__(self, limits):
        self.limits = limits
        self.frames = self.size = self.inflated = 0

    def enabled(self):
        return True

    # wsproto calls this more than once for a header that comes in pieces.
    def frame_inbound_header(self, proto, opcode, rsv, payload_length):
        self.is_control = opcode.iscontrol()
        self.is_first = opcode in (Opcode.TEXT, Opcode.BINARY)
        self.length = payload_length
        if not self.is_control:
            if payload_length + (0 if self.is_first else self.size) > self.limits.message:
                return CloseReason.MESSAGE_TOO_BIG
            if 1 + (0 if self.is_first else self.frames) > self.limits.frames:
                return CloseReason.POLICY_VIOLATION
        return super().frame_inbound_header(proto, opcode, rsv, payload_length)

    def frame_inbound_payload_data(self, proto, data):
        if not self.is_control:
            self.inflated = len(data) + (0 if self.is_first else self.inflated)
            self.frames = self.frames if not self.is_first else 0
            self.size = self.size if not self.is_first else 0
            self.is_first = False
            if self.inflated > self.limits.message:
                return CloseReason.MESSAGE_TOO_BIG
        return data

    def frame_inbound_complete(self, proto, fin):
        if not self.is_control:
            self.frames += 1
            self.size += self.length


def read_with_wsproto(reader, limits, deflate, data, bytewise):
    found = Findings()
    extensions = [Deflate(deflate[0] == "no_takeover", deflate[1])] if deflate else []
    protocol = FrameProtocol(reader == "client", [*extensions, Limits(limits)])
    message = None
    try:
        for at in range(0, len(data), 1 if bytewise else max(len(data), 1)):
            protocol.receive_bytes(data[at:at + 1] if bytewise else data)
            for frame in protocol.received_frames():
                if frame.opcode in (Opcode.PING, Opcode.PONG):
                    found.events.append((frame.opcode.name.lower(), bytes(frame.payload)))
                    continue
                if frame.opcode is Opcode.CLOSE:
                    code, reason = frame.payload
                    found.events.append(("close", int(code), reason.encode()))
                    break
                if message is None:
                    message = bytearray()
                message += frame.payload.encode() if isinstance(frame.payload, str) else frame.payload
                found.partial = (frame.opcode.name.lower(), bytes(message)) if message else None
                if frame.message_finished:
                    found.events.append((frame.opcode.name.lower(), bytes(message)))
                    message = found.partial = None
            if found.events and found.events[-1][0] == "close":
                break
    except ParseFailed as failed:
        found.end, found.said = int(failed.code), str(failed)
    text = protocol._message_decoder.decoder
    if found.end is None and text and holds_half_of_a_surrogate(text):
        found.end, found.said = 1007, "text"
    return found


READERS = {"websockets": read_with_websockets, "wsproto": read_with_wsproto}

# --- Known differences -----------------------------------------------------------------------------------------------
# Each is as narrow as can be: whose it is, the library's error, the code and a part of the words of the other decoder.

HEADER = {"reserved_bit_set", "unknown_opcode", "unexpected_continuation", "expected_continuation", "mask_missing",
          "mask_forbidden", "fragmented_control_frame", "control_frame_too_long", "length_not_minimal",
          "length_top_bit_set"}


def known(name, error, found):
    """The reason why the other decoder may differ, or None."""
    theirs, said = found.end, found.said
    if theirs in (1008, 1009) and error in HEADER:
        return "it looks at limits before other rules for headers, which the library judges byte by byte"
    if theirs == 1002 and error == "too_many_frames":
        return "the library counts a frame at its first byte, before it sees the rest of its header"
    if {theirs, error} <= {1008, 1009, "frame_too_big", "message_too_big", "too_many_frames"}:
        return "it looks at its limits in another order"
    if name == "websockets":
        if theirs == 1009 and int(said.partition("(")[2].split(" ")[0]) <= 125:
            return "it holds control frames to the limit of a message"
        if error in ("length_not_minimal", "control_frame_too_long") and theirs in (None, 1007):
            return "it takes lengths that are written longer than they need be"
        if theirs == 1002 and said == "decompression failed" and error in ("deflate_corrupt", "deflate_truncated",
                                                                           "invalid_utf8"):
            return "it answers corrupt data with 1002, and looks at the text only when all is inflated"
        if theirs == 1007 and error == "close_code_invalid":
            return "it looks at the reason of a Close before its code"
        if theirs == 1002 and said == "incomplete fragmented message":
            return "it takes no Close between fragments, where any control frame may stand (RFC 6455 section 5.4)"
    if name == "wsproto":
        if said == "CLOSE with unknown reserved code" and error in ("none", "close_reason_invalid_utf8"):
            return "it does not know 1014, which was registered later"
        if theirs == 1007 and error in ("unexpected_continuation", "expected_continuation"):
            return "it looks at the order of fragments when they are inflated"
    return None
