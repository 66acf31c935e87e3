# STOMP clients as their users start them: with the address of the server, and with no other setting. Each is a program
# of its own that connects, subscribes, sends a short text and one of many bytes, acknowledges both when they come, and
# disconnects. Its events are connected, two of message, and closed.
# SPDX-License-Identifier: MIT
import hashlib

from stomp_cases import KOREAN, destinations

MANY = 70_000  # bytes


def client_cases(name, start, server, example, transport="tcp", many=MANY):
    """`start` gives the client, for a port, a destination and the size of the long text. `server` is our peer with the
    library's own options, `example` the example, both of which let anyone in."""
    bodies = [KOREAN.encode(), "é".encode() * (many // 2)]

    def talk(port):
        with start(port, next(destinations), many) as client:
            client.expect("connected")
            for body in bodies:
                client.expect("message", bytes=len(body), sha1=hashlib.sha1(body).hexdigest())
            client.expect("closed")

    def with_server():
        talk(server.port)
        server.expect("connect", transport=transport, host="")
        server.expect("closed", error="none", unacknowledged=0)

    over = f"{name} with its default settings over {'TCP' if transport == 'tcp' else 'WebSocket'}"
    yield f"S6 S7 S9: {over}", with_server
    yield f"S6 S7 S9: {over}, the example", lambda: talk(example.port)
