# The rules of STOMP as a small decoder of its own, which looks at one byte after the other, for convert.py.
# SPDX-License-Identifier: MIT
"""The rules are those of docs/rules.md; nothing here knows the library."""

NUL, LF, CR, COLON, BACKSLASH = 0, 10, 13, 58, 92

WITH_BODY = {"SEND", "MESSAGE", "ERROR"}
NOT_ESCAPED = {"CONNECT", "STOMP", "CONNECTED"}
COMMANDS = {
    *WITH_BODY, *NOT_ESCAPED, "ACK", "NACK", "SUBSCRIBE", "UNSUBSCRIBE", "BEGIN", "COMMIT", "ABORT", "RECEIPT",
    "DISCONNECT",
}
LONGEST_COMMAND = max(map(len, COMMANDS))

# By the agreed version, which is None before there is one.
ESCAPES = {None: {}, "1.0": {}, "1.1": {b"n": b"\n", b"c": b":", b"\\": b"\\"}}
ESCAPES["1.2"] = {**ESCAPES["1.1"], b"r": b"\r"}
CR_MAY_END_LINES = {None, "1.2"}

LARGEST_BODY = 16 * 1024 * 1024


class Broken(Exception):
    """A rule is broken by the byte at `at`; `frame` is what may be shown of the frame, once its head is whole."""

    def __init__(self, error, at, frame=None):
        super().__init__(error)
        self.error, self.at, self.frame = error, at, frame


class Frame:
    def __init__(self, at, command, headers, body=b""):
        self.at, self.command, self.headers, self.body = at, command, headers, body

    def first(self, name):
        """The value of the first header of this name (Repeated Header Entries)."""
        return next((value for key, value in self.headers if key == name), None)


class Stream:
    """What one side sent; `agreed` is the version of the frames after its CONNECT, STOMP or CONNECTED."""

    def __init__(self, data, agreed):
        self.data, self.agreed, self.version, self.at = data, agreed, None, 0

    def events(self):
        """("heart-beat", at) and ("frame", Frame), then ("unfinished", Frame) where there is one, and at last
        ("end", at) or ("error", name, at)."""
        try:
            while self.at != len(self.data):
                begin = self.at
                if self.data[begin] == LF or self.data[begin] == CR and self.version in CR_MAY_END_LINES:
                    self.end_of_line_between_frames()
                    yield "heart-beat", begin
                else:
                    yield "frame", self.frame()
            yield "end", self.at
        except Broken as broken:
            if broken.frame:
                yield "unfinished", broken.frame
            yield "error", broken.error, broken.at

    def next(self):
        """S1: a frame has an end."""
        if self.at == len(self.data):
            raise Broken("truncated", self.at)
        self.at += 1
        return self.data[self.at - 1]

    # S4: an EOL between frames is a heart-beat; a CR alone is none.
    def end_of_line_between_frames(self):
        begin = self.at
        if self.next() == CR and self.next() != LF:
            raise Broken("bare_cr", begin)

    def frame(self):
        begin = self.at
        command = self.command()
        escapes = {} if command in NOT_ESCAPED else ESCAPES[self.version]
        frame = Frame(begin, command, [])
        length = None
        while True:
            line = self.header(escapes)
            if line is None:
                break
            name, value, value_at = line
            frame.headers.append((name, value))
            # S2: digits only, within the limit; the first of repeated headers counts.
            if name == b"content-length" and length is None:
                if not value or value.strip(b"0123456789"):
                    raise Broken("bad_content_length", value_at)
                length = int(value)
                if length > LARGEST_BODY:
                    raise Broken("body_too_large", value_at)
        if command in NOT_ESCAPED:
            self.version = self.agreed
        self.body(frame, length)
        return frame

    # S1: the first line is one of the commands; a NUL is not in it.
    def command(self):
        begin = self.at
        line = bytearray()
        while len(line) <= LONGEST_COMMAND + 1:
            byte = self.next()
            if byte == NUL:
                raise Broken("nul_in_head", self.at - 1)
            if byte == LF:
                break
            line.append(byte)
        if line[-1:] == b"\r" and self.version in CR_MAY_END_LINES:
            line.pop()
        command = line.decode("latin-1")
        if command not in COMMANDS:
            raise Broken("unknown_command", begin)
        return command

    def header(self, escapes):
        """The next header line as (name, value, place of the value), or None for the empty line."""
        begin = self.at
        name, value_at, text = None, 0, bytearray()
        while True:
            at = self.at
            byte = self.next()
            if byte == CR and self.version in CR_MAY_END_LINES:
                if self.next() == LF:
                    byte = LF
                elif self.version == "1.2":
                    raise Broken("bare_cr", at)
                else:
                    self.at -= 1  # data, as there is no version yet that could forbid it
            if byte == LF:
                break
            if byte == NUL:
                raise Broken("nul_in_head", at)
            if byte == COLON and name is None:
                if not text:
                    raise Broken("empty_name", at)
                name, value_at, text = bytes(text), self.at, bytearray()
            elif byte == BACKSLASH and escapes:
                escape = escapes.get(bytes([self.next()]))
                if escape is None:
                    raise Broken("bad_escape", at)
                text += escape
            else:
                text.append(byte)
        if name is not None:
            return name, bytes(text), value_at
        if at != begin:
            raise Broken("missing_colon", at)
        return None

    # S1, S2: which frames have a body, and where it ends.
    def body(self, frame, length):
        begin = self.at
        rest = self.data[begin:]
        if frame.command not in WITH_BODY:
            if length:
                raise Broken("unexpected_body", begin)
            length = 0
            wrong = "unexpected_body"
        else:
            wrong = "body_not_terminated"
        end = rest.find(b"\0") if length is None else length
        frame.body = rest[:end] if end >= 0 else rest
        self.at = begin + len(frame.body)
        if self.at == len(self.data):
            raise Broken("truncated", self.at, frame)
        if self.data[self.at] != NUL:
            raise Broken(wrong, self.at, frame)
        self.at += 1


def version_of(events):
    """The version that a CONNECTED frame agrees to, 1.0 where it names none; None where there is no such frame."""
    for kind, what, *_ in events:
        if kind == "frame" and what.command == "CONNECTED":
            version = what.first(b"version")
            return "1.0" if version is None else version.decode("ascii")
    return None
