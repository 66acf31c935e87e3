# Debian's python3-stomp (stomp.py) as its users start it: with the address of the server, and with no other setting.
# Events are those of default_cases.py.
#   default_client.py PORT DESTINATION BYTES
# SPDX-License-Identifier: MIT
import hashlib
import sys
import threading

import stomp

from lines import emit

BODIES = ("안녕하세요, 소켓 없이", "é" * (int(sys.argv[3]) // 2))


class Listener(stomp.ConnectionListener):
    """Sends the bodies once it is connected, and goes once they have come. The library may tell twice of the end."""

    def __init__(self):
        self.received = 0
        self.ended = threading.Event()

    def on_connected(self, frame):
        emit("connected")
        connection.subscribe(sys.argv[2], id=1, ack="client")
        for body in BODIES:
            connection.send(sys.argv[2], body)

    def on_message(self, frame):
        body = frame.body.encode()
        emit("message", bytes=len(body), sha1=hashlib.sha1(body).hexdigest())
        connection.ack(frame.headers["message-id"], frame.headers["subscription"])
        self.received += 1
        if self.received == len(BODIES):
            connection.disconnect()

    def on_error(self, frame):
        emit("error", headers=frame.headers)

    def on_disconnected(self):
        if not self.ended.is_set():
            emit("closed")
            self.ended.set()


connection = stomp.Connection([("127.0.0.1", int(sys.argv[1]))])
listener = Listener()
connection.set_listener("", listener)
connection.connect()
listener.ended.wait()
