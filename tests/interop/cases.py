# The cases between the library and each other implementation. Each case is a name, which begins with the rules that
# it proves, and a function that raises Failure.
# SPDX-License-Identifier: MIT
import base64
import hashlib

from ends import Failure

LEGAL_CODES = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999)
ILLEGAL_CODES = (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)
REASON = "잘 가요 👋"
LIMIT = 16 * 1024 * 1024

TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10

# Sixteen bytes of text in which each length of character occurs, and as many that are no text.
UNIT = "한글 ñ😀 ok".encode()
NO_TEXT = bytes(range(0xF0, 0x100))
assert len(UNIT) == 16


def hex_of(data):
    data = data.encode() if isinstance(data, str) else data
    return data.hex() or "-"


def repeated(data, size):
    return (data * (size // len(data) + 1))[:size]


def need(condition, message):
    if not condition:
        raise Failure(message)


def frame(opcode, payload=b"", *, masked, fin=True, rsv=0, length=None):
    """A frame as bytes. `length`, a pair of its 7-bit form and its value, is written instead of the true one."""
    form, value = length or (0, len(payload))
    if not length and value > 125:
        form = 126 if value < 65536 else 127
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode, (0x80 if masked else 0) | (form or value)])
    if form:
        head += value.to_bytes({126: 2, 127: 8}[form], "big")
    if not masked:
        return head + payload
    key = b"\x37\xfa\x21\x3d"
    return head + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


def close_payload(code, reason=b""):
    return code.to_bytes(2, "big") + reason


def value_of(fields, name):
    """All values of a field, as one list."""
    return ", ".join(value for key, value in fields if key.lower() == name.lower())


def described(type, data):
    return {"type": type, "bytes": len(data), "sha1": hashlib.sha1(data).hexdigest()}


class Link:
    """Our end and theirs, one of them the server."""

    def __init__(self, ours, theirs, we_serve):
        self.ours, self.theirs = ours, theirs
        self.server, self.client = (ours, theirs) if we_serve else (theirs, ours)
        self.we_serve = we_serve

    def ask(self, target="/", *settings):
        """Begins to connect; gives the request as the server sees it, which then has to answer."""
        self.client.command("connect", self.server.port, target, *settings)
        return self.server.expect("request")

    def open(self, target="/", asked=(), accepted=()):
        """Connects; gives what the client, and the server, say of it."""
        self.ask(target, *asked)
        self.server.command("accept", *accepted)
        return self.client.expect("open"), self.server.expect("open")

    def close(self):
        """The end of a case in which nothing went wrong."""
        self.theirs.command("close", 1000)
        self.closed(code=1000, theirs=1000)

    def closed(self, *, code, reason="", error="none", theirs=None):
        """Expects the end on both ends: ours as described, theirs with the code `theirs`."""
        self.ours.expect("closed", code=code, reason=reason, clean=error == "none", error=error,
                         **({"ended_by": "us" if self.we_serve else "peer"} if error == "none" else {}))
        self.theirs.expect("closed", **({} if theirs is None else {"code": theirs}))

    def send_raw(self, *frames):
        self.theirs.command("raw", b"".join(frames).hex())

    def frame(self, opcode, payload=b"", **more):
        """A frame of theirs, masked as it has to be unless `more` says otherwise."""
        return frame(opcode, payload, **{"masked": self.we_serve, **more})


# --- Messages --------------------------------------------------------------------------------------------------------


def messages():
    """(label, type, payload as hex and size, payload)"""
    for label, type, data in (
            ("F8: text", "text", "hello".encode()),
            ("F8: Korean text", "text", "안녕하세요, 소켓 없이".encode()),
            ("F8: emoji text", "text", "👩‍🚀 🇰🇷 😀".encode()),
            ("F3: empty text", "text", b""),
            ("F3: empty binary", "binary", b"")):
        yield label, type, (hex_of(data),), data
    for size in (1, 125, 126, 127, 65535, 65536):
        for type, unit in (("text", b"a"), ("binary", NO_TEXT)):
            yield f"F3: {type} of {size} bytes", type, (hex_of(unit), size), repeated(unit, size)
    for type, unit in (("text", UNIT), ("binary", NO_TEXT)):
        yield f"F9: {type} of 16 MiB, the default limit", type, (hex_of(unit), LIMIT), repeated(unit, LIMIT)


def echo_cases(theirs, echo_server):
    """Their client, and the example that sends everything back."""
    def case(type, words, data):
        theirs.command("connect", echo_server.port, "/")
        need(theirs.expect("open")["extensions"] == [], "an extension was agreed to")
        theirs.command(type, *words)
        theirs.expect("message", **described(type, data))
        theirs.command("close", 1000, hex_of(REASON))
        theirs.expect("closed", code=1000)

    for label, type, words, data in messages():
        yield f"{label}, echoed by the example", lambda a=(type, words, data): case(*a)


def message_cases(link):
    def case(type, words, data):
        link.open()
        link.theirs.command(type, *words)
        link.ours.expect("message", **described(type, data))
        link.ours.command(type, *words)
        link.theirs.expect("message", **described(type, data))
        link.close()

    for label, type, words, data in messages():
        yield f"{label}, both ways", lambda a=(type, words, data): case(*a)


def fragment_cases(link, theirs_can=True):
    # The second cut goes through a character, the fourth fragment is empty.
    cuts = [UNIT[:3], UNIT[3:8], UNIT[8:12], b"", UNIT[12:]]

    def case(from_end, to_end, type):
        link.open()
        from_end.command("fragments", type, *map(hex_of, cuts))
        to_end.expect("message", **described(type, UNIT))
        link.close()

    for type in ("text", "binary"):
        if theirs_can:
            yield f"F6 F8 F12: {type} in fragments from them", lambda t=type: case(link.theirs, link.ours, t)
        yield f"F6 F8: {type} in fragments from us", lambda t=type: case(link.ours, link.theirs, t)


def between_fragments(link):
    link.open()
    link.send_raw(link.frame(TEXT, UNIT[:4], fin=False), link.frame(PING, b"now"), link.frame(CONTINUATION, UNIT[4:]))
    link.ours.expect("ping", hex=hex_of("now"))
    link.ours.expect("message", **described("text", UNIT))
    link.ours.command("text", hex_of(UNIT))
    if link.theirs.next_event() == {"event": "pong", "hex": hex_of("now")}:
        link.theirs.expect("message", **described("text", UNIT))
    link.close()


def ping_cases(link, theirs_can=True):
    def pinged(from_end, to_end, data):
        link.open()
        from_end.command("ping", hex_of(data))
        if to_end is link.ours:
            to_end.expect("ping", hex=data.hex())
        from_end.expect("pong", hex=data.hex())
        link.close()

    def unsolicited():
        link.open()
        link.theirs.command("pong", hex_of("still here"))
        link.ours.expect("pong", hex=hex_of("still here"))
        link.close()

    for size in (0, 4, 125):
        data = repeated(NO_TEXT, size)
        if theirs_can:
            yield f"F10: their Ping with {size} bytes is answered", lambda d=data: pinged(link.theirs, link.ours, d)
        yield f"F7 F11: our Ping with {size} bytes is answered", lambda d=data: pinged(link.ours, link.theirs, d)
    if theirs_can:
        yield "F11: their unsolicited Pong is reported", unsolicited
        yield "F7 F12: their Ping between fragments", lambda: between_fragments(link)


# --- Closing ---------------------------------------------------------------------------------------------------------


def close_cases(link, sent=LEGAL_CODES, taken=LEGAL_CODES, echoed=True):
    """`sent` are the codes that their library lets its user close with, and `taken` those that it takes from the wire;
    what it does not is proven from the other end. `echoed` says whether it answers a Close with its code."""
    def they_close(code):
        link.open()
        link.theirs.command("close", code, hex_of(REASON))
        # C4: what theirs reports is the code of our answer.
        link.closed(code=code, reason=hex_of(REASON), theirs=code if code in taken else None)

    def we_close(code):
        link.open()
        link.ours.command("close", code, hex_of(REASON))
        link.theirs.expect("closed", code=code, reason=hex_of(REASON))
        found = link.ours.expect("closed", clean=True, error="none", ended_by="us" if link.we_serve else "peer")
        need(found["code"] == (code if echoed else 1000), f"ours reports {found}")

    for code in sent:
        yield f"C3 C4 C5 C6: they close with {code}", lambda c=code: they_close(c)
    for code in taken:
        yield f"C3 C5 C6: we close with {code}", lambda c=code: we_close(c)


def more_close_cases(link, raw=True):
    long_reason = "가" * 41  # 123 bytes

    def they_close_empty():
        link.open()
        link.send_raw(link.frame(CLOSE))
        link.closed(code=1005, theirs=1005)

    def we_close_empty():
        link.open()
        link.ours.command("close")
        link.theirs.expect("closed", code=1005)
        link.ours.expect("closed", clean=True, error="none")

    def longest_reason():
        link.open()
        link.ours.command("close", 1000, hex_of(long_reason))
        link.theirs.expect("closed", code=1000, reason=hex_of(long_reason))
        link.ours.expect("closed", clean=True, error="none")

    def they_close_longest():
        link.open()
        link.theirs.command("close", 1000, hex_of(long_reason))
        link.closed(code=1000, reason=hex_of(long_reason), theirs=1000)

    def we_refuse():
        link.open()
        for code in ILLEGAL_CODES:
            if code != 1005:  # by which an empty Close is asked for
                link.ours.command("close", code)
                link.ours.expect("error", error="close_code_not_sendable")
        link.ours.command("close", 1000, hex_of(long_reason + "!"))
        link.ours.expect("error", error="close_reason_too_long")
        link.close()

    def data_after_close():
        link.open()
        link.send_raw(link.frame(CLOSE, close_payload(4000)), link.frame(TEXT, b"too late"), link.frame(PING))
        link.closed(code=4000, theirs=4000)

    yield "C3 C5: we close without a code", we_close_empty
    yield "C2 C3: we close with a reason of 123 bytes", longest_reason
    yield "C2: they close with a reason of 123 bytes", they_close_longest
    yield "C3: we are not let close with an illegal code or a longer reason", we_refuse
    if raw:
        yield "C1 C5: they close without a code, by raw bytes", they_close_empty
        yield "C4 F10: what comes after their Close is discarded, by raw bytes", data_after_close


def abnormal_cases(link):
    def dropped(*before):
        link.open()
        if before:
            link.send_raw(*before)
        link.theirs.command("drop")
        link.closed(code=1006, error="end_of_input", theirs=1006)

    yield "C5 C8: they end TCP without a Close", dropped
    yield "C8: they end TCP inside a frame", lambda: dropped(link.frame(TEXT, b"hello")[:-2])
    yield "C8: they end TCP inside a message", lambda: dropped(link.frame(TEXT, b"hello", fin=False))


# --- Failing ---------------------------------------------------------------------------------------------------------


def failing_cases(link):
    """Raw bytes that break a rule, and the code that the peer is told."""
    make = link.frame
    wrong = (
        ("F1 C7: a reserved bit", make(TEXT, b"x", rsv=4), "reserved_bit_set", 1002),
        ("F2 C7: opcode 3", make(3), "unknown_opcode", 1002),
        ("F2 C7: opcode 11", make(11), "unknown_opcode", 1002),
        ("F3 C7: a length in too many bytes", make(TEXT, b"x", length=(126, 1)), "length_not_minimal", 1002),
        ("F3 C7: the top bit of the length", make(BINARY, length=(127, 1 << 63)), "length_top_bit_set", 1002),
        ("F6 C7: a continuation of nothing", make(CONTINUATION, b"x"), "unexpected_continuation", 1002),
        ("F6 C7: a new message inside another", make(TEXT, b"x", fin=False) + make(TEXT), "expected_continuation",
         1002),
        ("F7 C7: a Ping in fragments", make(PING, fin=False), "fragmented_control_frame", 1002),
        ("F7 C7: a Ping of 126 bytes", make(PING, bytes(126)), "control_frame_too_long", 1002),
        ("F8 C7: text that is not UTF-8", make(TEXT, b"\xff"), "invalid_utf8", 1007),
        ("F8 C7: an encoded surrogate", make(TEXT, b"\xed\xa0\x80"), "invalid_utf8", 1007),
        ("F8 C7: text that ends inside a character", make(TEXT, UNIT[:2]), "invalid_utf8", 1007),
        ("F9 C7: the header of a frame beyond the limit", make(BINARY, length=(127, LIMIT + 1)), "message_too_big", 1009),
        ("C1 C7: a Close of one byte", make(CLOSE, b"\x03"), "close_payload_too_short", 1002),
        ("C2 C7: a reason that is not UTF-8", make(CLOSE, close_payload(1000, b"\xff")), "close_reason_invalid_utf8",
         1007),
        *((f"C3 C7: a Close with {code}", make(CLOSE, close_payload(code)), "close_code_invalid", 1002)
          for code in ILLEGAL_CODES),
        ("F4 C7: an unmasked frame", make(TEXT, b"x", masked=False), "mask_missing", 1002) if link.we_serve else
        ("F4 C7: a masked frame", make(TEXT, b"x", masked=True), "mask_forbidden", 1002),
    )

    def case(data, error, code):
        link.open()
        link.send_raw(data)
        link.closed(code=1006, error=error, theirs=code)

    for label, data, error, code in wrong:
        yield f"{label} is answered with {code}", lambda a=(data, error, code): case(*a)


def oversized_cases(link):
    def case():
        link.open()
        link.theirs.command("binary", "00", LIMIT + 1)
        found = link.ours.expect("closed", code=1006, clean=False)
        # Browsers send a large message in several frames.
        need(found["error"] in ("message_too_big", "message_too_big"), f"ours reports {found}")
        link.theirs.expect("closed", code=1009)

    yield "F9 C7: a message beyond the limit is answered with 1009", case


def echo_limit_cases(theirs, echo_server):
    def case():
        theirs.command("connect", echo_server.port, "/")
        theirs.expect("open")
        theirs.command("binary", "00", 1000)
        theirs.expect("message", bytes=1000)
        theirs.command("binary", "00", 1001)
        theirs.expect("closed", code=1009)

    yield "F9: the example with --max-message 1000 answers 1001 bytes with 1009", case


# --- Opening handshake -----------------------------------------------------------------------------------------------


def request_cases(link, deflate, fields=True):
    """The request of the peer as our server shows it, and the answer as the peer sees it."""
    target = "/%ED%95%9C%EA%B8%80/chat?room=1&x=%20"

    def shown():
        request = link.ask(target, *(["field=X-Token:" + hex_of("a b, c")] if fields else []))
        need(request["target"] == target, f"the target is {request['target']}")
        need(not fields or value_of(request["fields"], "X-Token") == "a b, c", f"the fields are {request['fields']}")
        need(value_of(request["fields"], "Host") == f"127.0.0.1:{link.ours.port}", f"Host is in {request['fields']}")
        link.server.command("accept", "field=X-Answer:" + hex_of("d e"))
        opened = link.client.expect("open")
        link.server.expect("open")
        need(not fields or value_of(opened["fields"], "X-Answer") == "d e", f"the 101 has {opened}")
        link.close()

    def declined():
        request = link.ask()
        offered = value_of(request["fields"], "Sec-WebSocket-Extensions")
        need(offered.startswith("permessage-deflate"), f"they offer {offered!r}")
        link.server.command("accept")
        opened = link.client.expect("open")
        link.server.expect("open")
        need(opened["extensions"] == [], f"agreed to {opened['extensions']}")
        need(value_of(opened.get("fields", []), "Sec-WebSocket-Extensions") == "", f"the 101 has {opened}")
        link.close()

    yield "H9 H13: target and fields are shown before the answer, whose fields they see", shown
    if deflate:
        yield "H11: their permessage-deflate is declined without a word", declined


def subprotocol_cases(link):
    def case(offered, accepted, chosen):
        client, server = link.open("/", [f"subprotocol={name}" for name in offered],
                                   [f"subprotocol={name}" for name in accepted])
        need(client["subprotocol"] == chosen, f"the client has {client['subprotocol']!r}")
        need(server["subprotocol"] == chosen, f"the server has {server['subprotocol']!r}")
        link.close()

    def none_fits(offered, accepted):
        link.ask("/", f"subprotocol={offered}")
        link.server.command("accept", f"subprotocol={accepted}")
        link.server.expect("open", subprotocol="")
        # Some clients insist on one of those that they offered, and end the connection.
        found = link.client.next_event()
        if found["event"] == "closed":
            link.server.expect("closed", code=1006)
            return
        need(found["event"] == "open" and found["subprotocol"] == "", f"the client says {found}")
        link.close()

    yield "H10: none where none fits", lambda: none_fits("a", "b")
    yield "H10: subprotocols are compared with regard to case", lambda: none_fits("Chat", "chat")
    yield "H10: the server's order of preference counts", lambda: case(("a", "b", "c"), ("x", "c", "b"), "c")
    yield "H10: no subprotocol where none was offered", lambda: case((), ("a",), "")


def echo_subprotocol_cases(theirs, echo_server):
    def case():
        theirs.command("connect", echo_server.port, "/", "subprotocol=other", "subprotocol=chat")
        theirs.expect("open", subprotocol="chat")
        theirs.command("close", 1000)
        theirs.expect("closed", code=1000)

    yield "H10: the example with --subprotocol chat chooses it", case


def refusal_cases(link, sees_status=True):
    def case(status, field, body):
        link.ask("/secret")
        link.server.command("reject", status, f"field={field[0]}:{hex_of(field[1])}", "body=" + hex_of(body))
        if sees_status:
            refused = link.client.expect("refused", status=status)
            need(value_of(refused["fields"], field[0]) == field[1], f"the fields are {refused['fields']}")
            if link.we_serve:
                need(value_of(refused["fields"], "Connection") == "close", f"the fields are {refused['fields']}")
                need(value_of(refused["fields"], "Content-Length") == str(len(body.encode())),
                     f"the fields are {refused['fields']}")
            need(refused.get("hex", body.encode().hex()) == body.encode().hex(), f"the body is {refused.get('hex')}")
        if link.we_serve:
            link.server.expect("closed", ended_by="us")
            link.client.expect("closed", code=1006)
        else:
            link.client.expect("closed", code=1006, clean=False, error="refused")

    # ws would write a body of its own for an empty one.
    rules, nothing = ("H12 H13: we refuse", "") if link.we_serve else ("H18: they refuse", "nothing")
    for status, field, body in ((401, ("WWW-Authenticate", 'Basic realm="a b"'), "who are you?\n"),
                                (403, ("X-Why", "no"), "아니요\n"), (404, ("X-Why", "none"), nothing),
                                (503, ("Retry-After", "120"), "later")):
        yield f"{rules} with {status}, a field and a body of {len(body.encode())} bytes", \
            lambda a=(status, field, body): case(*a)


def browser_cases(link):
    def origin():
        request = link.ask("/")
        need(value_of(request["fields"], "Origin") == link.theirs.origin, f"Origin is in {request['fields']}")
        need(request["origin"] == link.theirs.origin, f"the origin is {request['origin']}")
        link.server.command("accept")
        link.client.expect("open")
        link.server.expect("open")
        link.close()

    def leaves():
        link.open()
        link.theirs.load("/another")
        link.ours.expect("closed", code=1001, clean=True)
        link.theirs.load()

    yield "H13: the Origin of the page is shown", origin
    yield "C5: the browser leaves the page and closes with 1001", leaves


def client_request_cases(link):
    """The request of our client as the peer sees it."""
    def shown():
        fields = (("Authorization", "Basic dXNlcjpwYXNz"), ("Cookie", "a=b; c=d"), ("Origin", "https://example.org"))
        request = link.ask("/chat?x=%20y", *(f"field={name}:{hex_of(value)}" for name, value in fields))
        need(request["target"] == "/chat?x=%20y", f"the target is {request['target']}")
        for name, value in (*fields, ("Host", f"127.0.0.1:{link.server.port}"), ("Sec-WebSocket-Version", "13"),
                            ("Sec-WebSocket-Extensions", ""), ("Sec-WebSocket-Protocol", "")):
            need(value_of(request["fields"], name) == value, f"{name} in {request['fields']}")
        key = value_of(request["fields"], "Sec-WebSocket-Key")
        need(len(base64.b64decode(key, validate=True)) == 16, f"the key is {key}")
        link.server.command("accept")
        opened = link.client.expect("open", subprotocol="")
        link.server.expect("open", extensions=[])
        need(value_of(opened["fields"], "Sec-WebSocket-Extensions") == "", f"the 101 has {opened}")
        link.close()
        again = link.ask("/")
        need(value_of(again["fields"], "Sec-WebSocket-Key") != key, "the key is the same as before")
        link.server.command("accept")
        link.client.expect("open")
        link.server.expect("open")
        link.close()

    yield "H15 H16: their server shows our request as it must be", shown


def client_subprotocol_cases(link):
    def chosen(offered, accepted):
        client, _ = link.open("/", [f"subprotocol={name}" for name in offered],
                              [f"subprotocol={name}" for name in accepted])
        need(client["subprotocol"] == "".join(accepted), f"the client has {client['subprotocol']!r}")
        link.close()

    def not_offered(offered, accepted):
        link.ask("/", *(f"subprotocol={name}" for name in offered))
        link.server.command("accept", f"subprotocol={accepted}")
        link.client.expect("closed", code=1006, clean=False, error="subprotocol_not_offered")
        link.server.expect("open")
        link.server.expect("closed", code=1006)

    yield "H17: their server chooses the second of our subprotocols", lambda: chosen(("a", "b"), ("b",))
    yield "H17: their server chooses none, and we go on", lambda: chosen(("a", "b"), ())
    yield "H17: their server chooses a subprotocol that was not offered", lambda: not_offered(("a", "b"), "c")
    yield "H17: their server chooses a subprotocol in another case", lambda: not_offered(("chat",), "CHAT")


# --- The example client ----------------------------------------------------------------------------------------------


def echo_client_cases(start, theirs):
    """`start` runs the example with more arguments against their server."""
    def echo(count):
        theirs.expect("request")
        theirs.command("accept")
        theirs.expect("open")
        for data in count:
            theirs.expect("message", **described("text", data))
            theirs.command("text", hex_of(data))

    def lines():
        sent = ("hello", "한글 😀", "x" * 1000)
        with start("--path", "/lines") as client:
            for line in sent:
                client.command(line)
            echo([line.encode() for line in sent])
            for line in sent:
                found = client.line()
                need(found == line, f"the example prints {found!r}")
            client.process.stdin.close()
            theirs.expect("closed")
            client.process.wait(10)

    def meet(target):
        request = theirs.expect("request")
        need(request["target"] == target, f"the target is {request['target']}")
        theirs.command("accept")
        theirs.expect("open")

    def walk():
        with start("--fuzzing-server", "--agent", "us") as client:
            meet("/getCaseCount")
            theirs.command("text", hex_of("2"))
            theirs.command("close", 1000)
            theirs.expect("closed")
            for case, (type, data) in enumerate((("text", "한글".encode()), ("binary", NO_TEXT)), 1):
                meet(f"/runCase?case={case}&agent=us")
                theirs.command(type, hex_of(data))
                theirs.expect("message", **described(type, data))
                theirs.command("close", 1000)
                theirs.expect("closed", code=1000)
            meet("/updateReports?agent=us")
            theirs.command("close", 1000)
            theirs.expect("closed", code=1000)
            need(client.process.wait(10) == 0, f"the example ends with {client.process.returncode}")

    yield "F5 F8 H15: the example client sends lines and prints what comes back", lines
    yield "F5 C4: the example client walks a conformance server", walk
