# STOMP frames at random, and a plain parser of whole inputs, written from the specifications (STOMP 1.0, 1.1, 1.2) and
# the rules S1 to S3, S12, S15 and S16 of docs/rules.md.
# SPDX-License-Identifier: MIT
from dataclasses import dataclass

from mutations import mutated

COMMANDS = {b"SEND", b"MESSAGE", b"ACK", b"NACK", b"SUBSCRIBE", b"UNSUBSCRIBE", b"BEGIN", b"COMMIT", b"ABORT",
            b"RECEIPT", b"ERROR", b"CONNECT", b"STOMP", b"CONNECTED", b"DISCONNECT"}
WITH_BODY = {b"SEND", b"MESSAGE", b"ERROR"}
NOT_ESCAPED = {b"CONNECT", b"STOMP", b"CONNECTED"}
ESCAPES = {"1.1": {b"n": b"\n", b"c": b":", b"\\": b"\\"}, "1.2": {b"n": b"\n", b"c": b":", b"\\": b"\\", b"r": b"\r"}}


# --- The parser ------------------------------------------------------------------------------------------------------


@dataclass
class Limits:
    line: int
    headers: int
    head: int
    body: int


class Wrong(Exception):
    """A rule is broken: the name of the error, and the offset of the byte."""


class Ended(Exception):
    """The input ended inside a frame."""


class Parser:
    def __init__(self, data, version, limits):
        self.data, self.limits = data, limits
        self.version = "unknown" if version == "negotiated" else version
        self.is_negotiated = version == "negotiated"
        self.at = 0
        self.lines = []

    def parse(self):
        try:
            while self.at != len(self.data):
                self.heart_beat() or self.frame()
        except Wrong as wrong:
            self.lines.append("error {} {}".format(*wrong.args))
        except Ended:
            self.lines.append(f"error truncated {len(self.data)}")
        return self.lines

    def byte(self, at):
        """One byte as bytes. A head that does not fit into its limit has no byte there."""
        if at >= len(self.data):
            raise Ended
        if self.head_begin is not None and at - self.head_begin >= self.limits.head:
            raise Wrong("head_too_large", at)
        return self.data[at:at + 1]

    def cr_may_end_line(self):
        return self.version != "1.1"

    def heart_beat(self):
        self.head_begin = None
        size = 1
        if self.byte(self.at) == b"\r" and self.cr_may_end_line():
            if self.byte(self.at + 1) != b"\n":
                raise Wrong("bare_cr", self.at)
            size = 2
        elif self.byte(self.at) != b"\n":
            return False
        self.at += size
        self.lines.append("heart_beat")
        return True

    def frame(self):
        self.head_begin = self.at
        command = self.command()
        escapes = {} if command in NOT_ESCAPED else ESCAPES.get(self.version, {})
        headers, length = [], None
        while header := self.header(escapes, len(headers)):
            name, value, begin = header
            headers.append((name, value))
            if name == b"content-length" and length is None:
                length = self.length(value.strip(b" \t") if self.version == "1.0" else value, begin)
        self.head_begin = None
        has_body = command in WITH_BODY or (command == b"SUBSCRIBE" and self.version == "1.0")
        if not has_body and length:
            raise Wrong("unexpected_body", self.at)
        if self.is_of_1_0(command, [name for name, _ in headers]):
            headers = [(name, value.strip(b" \t")) for name, value in headers]
        shown_headers = [f"{shown(name)}:{shown(value)}" for name, value in headers]
        self.lines.append(" ".join(["frame " + command.decode(), *shown_headers]))
        self.body(has_body, length)
        if self.is_negotiated:
            self.version = "1.2"

    def is_of_1_0(self, command, names):
        if self.version != "unknown":
            return self.version == "1.0"
        return (command == b"CONNECT" and b"accept-version" not in names) or \
            (command == b"CONNECTED" and b"version" not in names)

    def command(self):
        begin = self.at
        while self.byte(self.at) not in (b"\0", b"\n", b"\r", b":", b"\\"):
            self.at += 1
            if self.at - begin > 12:  # with a CR the longest command has 12
                raise Wrong("unknown_command", begin)
        command = self.data[begin:self.at]
        if self.byte(self.at) == b"\0":
            raise Wrong("nul_in_head", self.at)
        cr = None
        if self.byte(self.at) == b"\r":
            cr = self.at
            self.at += 1
        if self.byte(self.at) == b"\n" and cr is not None and self.version == "1.1" and \
                (command in COMMANDS or not command):
            raise Wrong("unexpected_cr", cr)
        if self.byte(self.at) != b"\n" or command not in COMMANDS:
            raise Wrong("unknown_command", begin)
        self.at += 1
        return command

    def header(self, escapes, count):
        """Name, value, and where the value begins; None at the empty line."""
        begin = self.at
        name, text, value_begin = None, b"", 0
        while True:
            c = self.byte(self.at)
            if self.ends_line():
                break
            if self.at - begin >= self.limits.line:
                raise Wrong("line_too_long", begin + self.limits.line)
            if c == b"\0":
                raise Wrong("nul_in_head", self.at)
            if c == b"\r" and self.version == "1.2":
                raise Wrong("bare_cr", self.at)
            if c == b"\\" and escapes:
                code = self.byte(self.at + 1)
                if code not in escapes:
                    raise Wrong("bad_escape", self.at)
                if self.at + 1 - begin >= self.limits.line:
                    raise Wrong("line_too_long", begin + self.limits.line)
                text += escapes[code]
                self.at += 2
                continue
            if c == b":" and name is None:
                if not text:
                    raise Wrong("empty_name", self.at)
                if count == self.limits.headers:
                    raise Wrong("too_many_headers", begin)
                name, text, value_begin = text, b"", self.at + 1
            else:
                text += c
            self.at += 1
        if name is None and self.version == "1.1" and self.data[begin:self.at] == b"\r":
            raise Wrong("unexpected_cr", begin)
        if name is None and self.at != begin:
            raise Wrong("missing_colon", self.at)
        self.at += 1 if self.byte(self.at) == b"\n" else 2
        return (name, text, value_begin) if name else None

    def ends_line(self):
        c = self.byte(self.at)
        return c == b"\n" or (c == b"\r" and self.cr_may_end_line() and self.byte(self.at + 1) == b"\n")

    def length(self, digits, begin):
        if not digits or digits.strip(b"0123456789"):
            raise Wrong("bad_content_length", begin)
        if int(digits) > self.limits.body:
            raise Wrong("body_too_large", begin)
        return int(digits)

    def body(self, has_body, length):
        begin = self.at
        nul = self.data.find(b"\0", begin)
        end = len(self.data) if nul < 0 else nul
        most, wrong = (self.limits.body, "body_too_large") if length is None else (length, "body_not_terminated")
        if not has_body:
            most, wrong = 0, "unexpected_body"
        if length is not None:
            end = begin + most
        if end - begin > most:
            self.lines.append(f"partial {shown(self.data[begin:begin + most])}")
            raise Wrong(wrong, begin + most)
        if end >= len(self.data):
            self.lines.append(f"partial {shown(self.data[begin:])}")
            raise Ended
        if self.data[end] != 0:
            self.lines.append(f"partial {shown(self.data[begin:end])}")
            raise Wrong(wrong, end)
        self.lines.append(f"body {shown(self.data[begin:end])}")
        self.at = end + 1


def shown(data):
    return data.hex() or "-"


# --- Frames at random ------------------------------------------------------------------------------------------------

WORDS = (b"\0", b"\n", b"\r\n", b"\r", b":", b"\\", b"\\n", b"\\c", b"\\r", b"\\\\", b"\\t", b"\n\n", b"content-length:3\n",
         b"SEND\n", b"content-length", b"18446744073709551616")
NAMES = (b"destination", b"id", b"ack", b"accept-version", b"version", b"content-type", b"receipt", b"x", b" a ", b"\xed\x95\x9c", b"Content-Length",
         b"message-id-with-a-long-name", b"a\\cb", b"q\\\\")
VALUES = (b"", b"/queue/a", b"1", b"auto", b" v ", b"\tv", b"v  ", b" \t", b"a:b", b"C:\\\\dir", b"a\\nb", b"a\\cb", b"\\r", b"\xff\xfe", b"a\tb",
          b"a\rb", b"\r", b"0123456789abcdef" * 3, b"x" * 200)


def some_frame(random):
    eol = random.choice((b"\n", b"\n", b"\n", b"\r\n"))
    command = random.choice((b"SEND", b"MESSAGE", b"ERROR", *sorted(COMMANDS)))
    lines = [command]
    for _ in range(random.choice((0, 1, 2, 2, 3, 5, 12))):
        lines.append(random.choice(NAMES) + b":" + random.choice(VALUES))
    body = b""
    if command in WITH_BODY | {b"SUBSCRIBE"} and random.random() < 0.8:
        body = random.randbytes(random.choice((0, 1, 5, 30, 500)))
    is_counted = random.random() < 0.6
    if is_counted:
        length = len(body) + (random.choice((-1, 1)) if random.random() < 0.03 else 0)
        zeros = "0" * random.choice((0, 0, 0, 2))
        blank = " " * random.choice((0, 0, 0, 1, 2))
        lines.insert(random.randint(1, len(lines)), f"content-length:{blank}{zeros}{length}{blank[1:]}".encode())
        if random.random() < 0.1:
            lines.append(random.choice((b"content-length:1", b"content-length:", b"content-length:x")))
    else:
        body = body.replace(b"\0", b"0")
    frame = eol.join([*lines, b"", b""]) + body + b"\0"
    return frame + random.choice((b"", b"", eol, eol * 3))


class StompFrames:
    name = "stomp"
    batch = 300

    def some_case(self, random):
        version = random.choice(("1.0", "1.1", "1.2", "1.2", "unknown", "negotiated"))
        limits = Limits(8192, 100, 32768, 1 << 20)
        if random.random() < 0.3:
            limits = Limits(random.choice((1, 20, 48, 200)), random.choice((1, 2, 5)), random.choice((8, 40, 100, 500)),
                            random.choice((0, 1, 30, 499)))
        frames, places, data = random.choice((1, 1, 2, 3, 6)), [], b""
        for _ in range(frames):
            places.append(len(data))
            data += some_frame(random)
            places += [at for at in range(places[-1], len(data)) if data[at] in b"\n\r:\\\0"]
        if random.random() < 0.6:
            data = mutated(random, data, places, WORDS)
        return (version, limits, random.randrange(1 << 30)), data

    def line(self, settings, data):
        version, limits, seed = settings
        return f"stomp {version} {limits.line} {limits.headers} {limits.head} {limits.body} {seed} {data.hex() or '-'}"

    def check(self, settings, data, answer):
        version, limits, _ = settings
        wanted = Parser(data, version, limits).parse()
        return None if wanted == answer else "\n".join(["the plain parser finds", *wanted, "the library finds", *answer])
