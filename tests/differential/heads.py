# Heads of HTTP/1.1 at random, and a plain parser of whole heads, written from RFC 9112 sections 2 to 5 and the rules H1 to
# H3 and H20 of docs/rules.md.
# SPDX-License-Identifier: MIT
import re
from dataclasses import dataclass

from mutations import mutated

TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
VISIBLE = frozenset(range(0x21, 0x7F))
VALUE = frozenset([0x09, *range(0x20, 0x7F), *range(0x80, 0x100)])
DIGITS = frozenset(b"0123456789")
CR, LF, SP, HTAB, COLON = b"\r\n \t:"


# --- The parser ------------------------------------------------------------------------------------------------------


@dataclass
class Limits:
    start_line: int
    field_line: int
    fields: int
    head: int
    empty_lines: int


class Wrong(Exception):
    pass


class Ended(Exception):
    pass


class Parser:
    """Goes through the head byte by byte. `line` is where the present line begins, `most` how long it may be. `ends` are
    the ways in which a line may end; the first line decides."""

    def __init__(self, kind, data, limits):
        self.kind, _, bare = kind.partition("_")
        self.ends = {b"\r\n", b"\n"} if bare else {b"\r\n"}
        self.data, self.limits = data, limits
        self.at = self.line = 0
        self.most, self.too_long = limits.start_line, "start_line_too_long"

    def parse(self):
        begun = False
        try:
            if self.kind == "request":
                self.empty_lines()
            begun = self.at != len(self.data)
            start = self.request_line() if self.kind == "request" else self.status_line()
            self.most, self.too_long = self.limits.field_line, "field_line_too_long"
            fields = []
            while field := self.field_line(len(fields)):
                fields.append(field)
        except Wrong as wrong:
            return [f"error {wrong} {self.at}"]
        except Ended:
            return [f"error truncated {len(self.data)}"] if begun or self.at != self.line else []
        return [" ".join([start, *fields]), f"ends {self.at}"]

    def look(self, in_end_of_line=False):
        """The present byte. Only an end of line may stand beyond the limit of a line."""
        if self.at == len(self.data):
            raise Ended
        if self.at == self.limits.head:
            raise Wrong("head_too_large")
        c = self.data[self.at]
        if self.at - self.line >= self.most and c not in (CR, LF) and not in_end_of_line:
            raise Wrong(self.too_long)
        return c

    def fail(self, name):
        # A LF that is out of place is a bare one, wherever it is. If all lines end in LF, a CR says so as well.
        out_of_place = CR if self.ends == {b"\n"} else LF
        raise Wrong("bare_lf" if self.look() == out_of_place and name != "bare_cr" else name)

    def take(self, c, otherwise):
        if self.look() != c:
            self.fail(otherwise)
        self.at += 1

    def run(self, among):
        begin = self.at
        while self.look() in among:
            self.at += 1
        return self.data[begin:self.at]

    def line_ends(self):
        """Whether a line ends at the present byte."""
        return self.look() in [end[0] for end in self.ends]

    def end_of_line(self, otherwise):
        if not self.line_ends():
            self.fail(otherwise)
        self.ends = {b"\r\n"} if self.look() == CR else {b"\n"}
        self.at += self.look() == CR
        if self.look(True) != LF:
            raise Wrong("bare_cr")
        self.at += 1
        self.line = self.at

    def empty_lines(self):
        count = 0
        while self.look() == CR:
            if count == self.limits.empty_lines:
                raise Wrong("too_many_empty_lines")
            count += 1
            self.end_of_line("bare_cr")

    def version(self):
        for number, c in enumerate(b"HTTP/1."):
            if self.look() != c:
                self.fail("unsupported_version" if number == 5 and self.look() in DIGITS else "bad_version")
            self.at += 1
        if self.look() not in DIGITS:
            self.fail("bad_version")
        self.at += 1
        return chr(self.data[self.at - 1])

    def request_line(self):
        method = self.run(TOKEN)
        if not method:
            self.fail("bad_method")
        self.take(SP, "bad_method")
        target = self.run(VISIBLE)
        if not target:
            self.fail("bad_target")
        if self.look() == CR:
            self.fail("bad_version")
        self.take(SP, "bad_target")
        # An empty path before a query is the path "/".
        target = re.sub(rb"\A((?!/)[^:]*://[^/?#]*)\?", rb"\1/?", target)
        minor = self.version()
        self.end_of_line("bad_version")
        return f"request {shown(method)} {shown(target)} {minor}{self.kind_of_ends()}"

    def status_line(self):
        minor = self.version()
        self.take(SP, "bad_version")
        status = b""
        for _ in range(3):
            if self.look() not in DIGITS or (not status and self.look() == ord("0")):
                self.fail("bad_status")
            status += self.data[self.at:self.at + 1]
            self.at += 1
        reason = b""
        if not self.line_ends():
            self.take(SP, "bad_status")
            reason = self.run(VALUE)
        self.end_of_line("bad_reason")
        return f"response {status.decode()} {shown(reason)} {minor}{self.kind_of_ends()}"

    def kind_of_ends(self):
        return " bare_lf" if self.ends == {b"\n"} else ""

    def field_line(self, count):
        """Name and value, without the white space around it; None at the empty line that ends the head."""
        begin = self.at
        c = self.look()
        if self.line_ends():
            self.end_of_line("bare_cr")
            return None
        if c in (SP, HTAB):
            self.fail("obs_fold" if count else "space_before_fields")
        if count == self.limits.fields:
            self.fail("too_many_fields")
        name = self.run(TOKEN)
        if self.look() in (SP, HTAB):
            self.fail("space_in_name")
        if not name:
            self.fail("bad_name")
        self.take(COLON, "bad_name")
        value = self.run(VALUE)
        self.end_of_line("bad_value")
        while self.kind == "response" and self.look() in (SP, HTAB):
            # A folded line is one line.
            self.line = begin
            value += min(self.ends) + self.run(VALUE)
            self.end_of_line("bad_value")
        value = re.sub(rb"[ \t]*\r?\n[ \t]+", lambda folding: b" " * len(folding[0]), value)
        return f"{shown(name)}:{shown(value.strip(b' ' + bytes([HTAB])))}"


def shown(data):
    return data.hex() or "-"


# --- Heads at random -------------------------------------------------------------------------------------------------

WORDS = (b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"\r\n ", b"HTTP/1.1", b"HTTP/2.0", b"\0", b"\x7f", b"\x80", b"\r\n\r\n",
         b"a:b\r\n", b"999", b"099")
NAMES = (b"Host", b"Upgrade", b"Sec-WebSocket-Key", b"a", b"X-" + b"y" * 30, b"!#$%&'*+-.^_`|~")
VALUES = (b"", b"websocket", b" example.com", b"\t a b \t", b"\x80\xff", b"x" * 70, b"y" * 300, b"\"a\\\"b\", c")
ENDS = (*[b"\r\n"] * 20, b"\r\n folded\r\n", b" \r\n\t \r\n\tz\r\n")
TARGETS = (b"/", b"*", b"/a?b=c%20", b"/" * 90, b"http://a?b", b"ws://a:1/?")


class Heads:
    name = "head"
    batch = 400

    def some_case(self, random):
        kind = random.choice(("request", "response"))
        limits = Limits(8192, 8192, 100, 32768, 4)
        if random.random() < 0.3:
            limits = Limits(random.choice((14, 16, 40)), random.choice((1, 8, 31, 80)), random.choice((1, 2, 4)),
                            random.choice((20, 60, 200, 1000)), random.choice((0, 1, 2)))
        if kind == "request":
            data = b"\r\n" * random.choice((0, 0, 0, 0, 1, 2, 4, 5))
            data += random.choice((b"GET", b"OPTIONS", b"a", b"~|")) + b" " + random.choice(TARGETS)
            data += b" HTTP/1." + random.choice((b"1", b"0", b"9"))
        else:
            data = b"HTTP/1.1 " + random.choice((b"101", b"200", b"999", b"100"))
            data += random.choice((b"", b" ", b" Switching Protocols", b" \x80\t"))
        data += b"\r\n"
        for _ in range(random.choice((0, 1, 2, 3, 8, 30))):
            data += random.choice(NAMES) + b":" + random.choice(VALUES) + random.choice(ENDS)
        data += b"\r\n" + random.choice((b"", b"", b"\x81\0", b"GET / HTTP/1.1\r\n\r\n"))
        if random.random() < 0.3:
            kind += "_lf"
            if random.random() < 0.8:
                data = data.replace(b"\r\n", b"\n", random.choice((1, 2, 1000, 1000, 1000)))
        if random.random() < 0.6:
            places = [at for at in range(len(data)) if data[at] in b"\r\n :"]
            data = mutated(random, data, places, WORDS)
        return (kind, limits, random.randrange(1 << 30)), data

    def line(self, settings, data):
        kind, limits, seed = settings
        return (f"head {kind} {limits.start_line} {limits.field_line} {limits.fields} {limits.head} {limits.empty_lines} "
                f"{seed} {data.hex() or '-'}")

    def check(self, settings, data, answer):
        kind, limits, _ = settings
        wanted = Parser(kind, data, limits).parse()
        return None if wanted == answer else "\n".join(["the plain parser finds", *wanted, "the library finds", *answer])
