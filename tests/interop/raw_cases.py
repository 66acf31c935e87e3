# Openings that no other implementation would send: bytes over a plain socket, as the client and as the server.
# SPDX-License-Identifier: MIT
import base64
import contextlib
import hashlib
import http.client
import io
import socket
import struct

from cases import TEXT, described, frame, hex_of, need, value_of
from ends import PATIENCE

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
USUAL = ("Host: 127.0.0.1", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {KEY}",
         "Sec-WebSocket-Version: 13")


def accept_of(key):
    return base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()


def head_of(start, *fields):
    return ("\r\n".join((start, *fields)) + "\r\n\r\n").encode()


def request(*more, start="GET / HTTP/1.1", without=()):
    return head_of(start, *(field for field in USUAL if not field.startswith(tuple(without))), *more)


def received(connection, until_end=True):
    """All that comes until the end, or, of an open connection, the first head."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while (until_end or b"\r\n\r\n" not in data) and (piece := connection.recv(65536)):
            data += piece
    return data


class Parsed(http.client.HTTPResponse):
    """A response from its bytes."""

    def __init__(self, data):
        self.input = io.BytesIO(data)
        super().__init__(self)
        self.begin()

    def makefile(self, *_):
        return self.input


@contextlib.contextmanager
def connected(server):
    """A connection to our server."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield connection


def fields_of(head):
    """The fields of a head, given as bytes."""
    return [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n")[1:-2]]


@contextlib.contextmanager
def asked(client):
    """A connection of our client's, and the fields of its request."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        client.command("connect", listener.getsockname()[1], "/")
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(PATIENCE)
            head = received(connection, until_end=False)
            need(head.startswith(b"GET / HTTP/1.1\r\n"), f"the request is {head}")
            yield connection, fields_of(head)


def accept_for(fields):
    """The right Accept for a request."""
    return accept_of(value_of(fields, "Sec-WebSocket-Key"))


# --- Requests --------------------------------------------------------------------------------------------------------


def malformed():
    """(name, bytes, status, error, fields of the answer)"""
    yield "H1: POST", request(start="POST / HTTP/1.1"), 405, "method_not_get", {"Allow": "GET"}
    yield "H1: HTTP/1.0", request(start="GET / HTTP/1.0"), 426, "http_version_too_old", {"Upgrade": "websocket"}
    yield "H1: HTTP/2.0", request(start="GET / HTTP/2.0"), 505, "unsupported_version", {}
    yield "H1: two spaces in the request line", request(start="GET  / HTTP/1.1"), 400, "bad_target", {}
    yield "H1: no HTTP at all", b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400, "bad_method", {}
    yield "H2: a line that ends in LF alone", request().replace(b"\r\nUpgrade", b"\nUpgrade"), 400, "bare_lf", {}
    yield "H2: a CR alone", request("X: a\rb"), 400, "bare_cr", {}
    yield "H2: white space before the fields", request(start="GET / HTTP/1.1\r\n X: y"), 400, "space_before_fields", {}
    yield "H3: white space before a colon", request("X : y"), 400, "space_in_name", {}
    yield "H3: a folded line", request("X: y\r\n z"), 400, "obs_fold", {}
    yield "H3: NUL in a value", request("X: a\0b"), 400, "bad_value", {}
    yield "H4: no Host", request(without=["Host"]), 400, "host_missing", {}
    yield "H4: two Hosts", request("Host: another"), 400, "host_missing", {}
    yield "H5: no Upgrade", request(without=["Upgrade"]), 426, "upgrade_missing", {"Upgrade": "websocket"}
    yield "H5: Connection without upgrade", request("Connection: keep-alive", without=["Connection"]), 400, \
        "connection_upgrade_missing", {}
    yield "H6: no key", request(without=["Sec-WebSocket-Key"]), 400, "key_missing", {}
    yield "H6: a key of 15 bytes", request("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j", without=["Sec-WebSocket-Key"]), \
        400, "bad_key", {}
    yield "H6: two keys", request(f"Sec-WebSocket-Key: {KEY}"), 400, "key_missing", {}
    yield "H7: version 8", request("Sec-WebSocket-Version: 8", without=["Sec-WebSocket-Version"]), 426, \
        "version_unsupported", {"Sec-WebSocket-Version": "13"}
    yield "H8: a body", request("Content-Length: 5") + b"hello", 400, "unexpected_body", {}
    yield "H8: a chunked body", request("Transfer-Encoding: chunked") + b"0\r\n\r\n", 400, "unexpected_body", {}
    yield "H10: a repeated subprotocol", request("Sec-WebSocket-Protocol: a, a"), 400, "bad_subprotocol", {}
    yield "H11: a malformed extension", request("Sec-WebSocket-Extensions: a;;b"), 400, "bad_extensions", {}
    yield "H20: a target of 9000 bytes", request(start=f"GET /{'a' * 9000} HTTP/1.1"), 414, "start_line_too_long", {}
    yield "H20: a field of 9000 bytes", request("X: " + "a" * 9000), 431, "field_line_too_long", {}
    yield "H20: 10,000 fields", request(*["X: y"] * 10000), 431, "too_many_fields", {}
    yield "H20: a head of 64 KiB", request(*["X: " + "a" * 8000] * 8), 431, "head_too_large", {}
    yield "H21: an unknown expectation", request("Expect: more"), 417, "expectation_unknown", {}


def request_cases(server):
    def refused(data, status, error, fields):
        with connected(server) as connection:
            with contextlib.suppress(ConnectionError):
                connection.sendall(data)
            answer = Parsed(received(connection))
            body = answer.read()
        need(answer.status == status, f"the status is {answer.status}, instead of {status}")
        for name, value in {"Content-Length": str(len(body)), **fields}.items():
            need(answer.getheader(name) == value, f"the answer is {answer.headers.items()}")
        need("close" in answer.getheader("Connection"), f"the answer is {answer.headers.items()}")
        server.expect("closed", error=error, clean=False, ended_by="us")

    def in_one_piece():
        with connected(server) as connection:
            connection.sendall(request() + frame(TEXT, b"first", masked=True) + frame(TEXT, b"second", masked=True))
            server.expect("request")
            server.command("accept")
            server.expect("open")
            server.expect("message", **described("text", b"first"))
            server.expect("message", **described("text", b"second"))
        server.expect("closed", code=1006, error="end_of_input")

    def in_bytes():
        with connected(server) as connection:
            for byte in request() + frame(TEXT, b"hello", masked=True):
                connection.sendall(bytes([byte]))
            server.expect("request")
            server.command("accept")
            server.expect("open")
            server.expect("message", **described("text", b"hello"))
        server.expect("closed", code=1006, error="end_of_input")

    def head_of_acceptance(*more, without=(), interim=False):
        with connected(server) as connection:
            connection.sendall(request(*more, without=without))
            server.expect("request")
            server.command("accept")
            server.expect("open")
            head = received(connection, until_end=False)
            if interim:
                need(head.startswith(b"HTTP/1.1 100 "), f"the answer is {head}")
                # The final head may come in a read of its own.
                _, _, head = head.partition(b"\r\n\r\n")
                head = head or received(connection, until_end=False)
            need(head.startswith(b"HTTP/1.1 101 "), f"the answer is {head}")
            fields = fields_of(head)
            need(value_of(fields, "Sec-WebSocket-Accept") == accept_of(KEY), f"the 101 has {fields}")
            need(value_of(fields, "Upgrade") == "websocket", f"the 101 has {fields}")
            need(value_of(fields, "Connection").lower() == "upgrade", f"the 101 has {fields}")
            for name in ("Content-Length", "Transfer-Encoding"):
                need(not value_of(fields, name), f"the 101 has {fields}")
        server.expect("closed", code=1006, error="end_of_input")

    for label, data, status, error, fields in malformed():
        yield f"{label} is refused with {status}", lambda a=(data, status, error, fields): refused(*a)
    yield "H9: the 101 holds what it must and no more", head_of_acceptance
    yield "H21: an expected 100 comes before the 101", lambda: head_of_acceptance(
        "Expect: 100-continue", interim=True)
    yield "H5: lists in Upgrade and Connection, in any case", lambda: head_of_acceptance(
        "uPGRADE: h2c , WebSocket", "Connection: keep-alive,, UPGRADE", without=("Upgrade", "Connection"))
    yield "H19: frames in the same piece as the request", in_one_piece
    yield "H20 F12: request and frame in single bytes", in_bytes


# --- Responses -------------------------------------------------------------------------------------------------------


def wrong_answers():
    """(name, head as a function of the right Accept, error)"""
    def switch(upgrade="websocket", connection="Upgrade", accept=None, more=()):
        return lambda right: head_of("HTTP/1.1 101 Switching Protocols", f"Upgrade: {upgrade}",
                                     f"Connection: {connection}", f"Sec-WebSocket-Accept: {accept or right}", *more)

    yield "H16: an Accept for another key", switch(accept=accept_of(KEY)), "accept_wrong"
    yield "H16: no Upgrade to websocket", switch(upgrade="h2c"), "upgrade_not_confirmed"
    yield "H16: more than one Upgrade", switch(upgrade="websocket, h2c"), "upgrade_not_confirmed"
    yield "H16: Connection without upgrade", switch(connection="keep-alive"), "connection_not_confirmed"
    yield "H16: two Accepts", lambda right: switch(more=[f"Sec-WebSocket-Accept: {right}"])(right), "accept_missing"
    yield "H17: an extension that was not offered", switch(more=["Sec-WebSocket-Extensions: permessage-deflate"]), \
        "extension_not_offered"
    yield "H17: a malformed extension", switch(more=["Sec-WebSocket-Extensions: ;"]), "bad_extensions"
    yield "H17: a subprotocol where none was offered", switch(more=["Sec-WebSocket-Protocol: a"]), \
        "subprotocol_not_offered"
    yield "H2: a line that ends in LF alone", lambda right: switch()(right).replace(b"\r\nUpgrade", b"\nUpgrade"), \
        "bare_lf"
    yield "H18: interim responses without end", lambda _: head_of("HTTP/1.1 103 Early Hints") * 100, \
        "too_many_interim_responses"


def response_cases(client):
    def switch(accept):
        return head_of("HTTP/1.1 101 OK", "upgrade: WebSocket", "connection: keep-alive, UPGRADE",
                       f"sec-websocket-accept: {accept}")

    def failed(answer, error):
        with asked(client) as (connection, fields):
            connection.sendall(answer(accept_for(fields)))
            need(received(connection) == b"", "something was sent after the request")
        client.expect("closed", code=1006, clean=False, error=error)

    def opened(before=b"", split=False):
        with asked(client) as (connection, fields):
            data = before + switch(accept_for(fields)) + frame(TEXT, b"first", masked=False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in [data[i:i + 1] for i in range(len(data))] if split else [data]:
                connection.sendall(piece)
            client.expect("open")
            client.expect("message", **described("text", b"first"))
        client.expect("closed", code=1006, error="end_of_input")

    def refused(fields, body, read, end):
        with asked(client) as (connection, _):
            connection.sendall(head_of("HTTP/1.1 302 Found", "Location: /there", *fields) + body)
            if end:
                connection.shutdown(socket.SHUT_WR)
            found = client.expect("refused", status=302, hex=read.hex())
            need(value_of(found["fields"], "Location") == "/there", f"the fields are {found['fields']}")
        client.expect("closed", clean=False, error="refused")

    def too_much():
        with asked(client) as (connection, _):
            with contextlib.suppress(ConnectionError):
                connection.sendall(head_of("HTTP/1.1 500 No", "Content-Length: 1000000") + bytes(1000000))
            client.expect("refused", status=500)
        client.expect("closed", clean=False, error="body_too_large")

    for label, answer, error in wrong_answers():
        yield f"{label} fails the opening", lambda a=(answer, error): failed(*a)
    interim = head_of("HTTP/1.1 100 Continue") + head_of("HTTP/1.1 103 Early Hints", "Link: </a>; rel=preload")
    yield "H18: interim responses are skipped", lambda: opened(interim)
    yield "H16 H19: a frame in the same piece as the 101", opened
    yield "H18 H19 F12: interim responses, 101 and frame in single bytes", lambda: opened(interim, split=True)
    yield "H18: a refusal with Content-Length", lambda: refused(["Content-Length: 5"], b"hello", b"hello", False)
    yield "H18: a refusal without a body", lambda: refused(["Content-Length: 0"], b"", b"", False)
    yield "H18: a refusal with a chunked body", lambda: refused(
        ["Transfer-Encoding: chunked"], b"3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nA: b\r\n\r\n", b"hello", False)
    yield "H18: a refusal whose body lasts until the end of the connection", \
        lambda: refused([], b"hello", b"hello", True)
    yield "H18: a refusal with a body beyond the limit", too_much


# --- Ends of TCP -----------------------------------------------------------------------------------------------------


def frames_from(connection):
    """The first byte and the payload of each frame that our client sends."""
    with connection.makefile("rb") as stream:
        while head := stream.read(2):
            size = head[1] & 0x7F
            need(head[1] & 0x80 and size < 126, f"the frame begins with {head}")
            key = stream.read(4)
            yield head[0], bytes(byte ^ key[i % 4] for i, byte in enumerate(stream.read(size)))


def reset_cases(start):
    """`start` runs the example client. Our server resets each connection in the end."""
    close = frame(0x88, b"\x03\xe8", masked=False)

    def served(listener, act):
        """Takes the next connection of the client, up to its reset. Gives the target that it asked for."""
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(PATIENCE)
            head = received(connection, until_end=False)
            connection.sendall(head_of("HTTP/1.1 101 OK", "Upgrade: websocket", "Connection: Upgrade",
                                       f"Sec-WebSocket-Accept: {accept_for(fields_of(head))}"))
            act(connection, frames_from(connection))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return head.split()[1].decode()

    def run(arguments, lines, acts, status, complaints):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(PATIENCE)
            client = start("--port", listener.getsockname()[1], *arguments)
            client.write(lines)
            client.process.stdin.close()
            targets = [served(listener, act) for act in acts]
            ended = client.process.wait(PATIENCE)
            said = client.stop().splitlines()
        need([line.split(": ")[1] for line in said] == complaints, f"it says {said}")
        need(ended == status, f"it ends with {ended}")
        return targets

    def echoes(connection, frames):
        """The client closes after its last line."""
        for first, payload in frames:
            connection.sendall(frame(first, payload, masked=False))
            if first == 0x88:
                return

    def closes(connection, frames):
        connection.sendall(close)
        need(next(frames) == (0x88, b"\x03\xe8"), "the Close is not answered")

    def counts(connection, frames):
        connection.sendall(frame(TEXT, b"2", masked=False))
        closes(connection, frames)

    def breaks_a_rule(connection, frames):
        connection.sendall(frame(0x83, b"", masked=False))
        need(next(frames)[0] == 0x88, "there is no Close")

    def walk():
        targets = run(("--fuzzing-server", "--agent", "us"), "", [counts, closes, breaks_a_rule, closes], 0,
                      ["unknown_opcode"])
        need(targets[0] == "/getCaseCount" and len(targets) == 4, f"the targets are {targets}")

    yield "C6: a reset after both Closes is no complaint", lambda: run((), "a\nb\n", [echoes], 0, [])
    yield "C6: likewise in each case of a conformance server; one that fails says so once", walk
    yield "C8: a reset without a Close is one complaint", lambda: run(
        (), "a\n", [lambda _, frames: next(frames)], 1, ["end_of_input"])
