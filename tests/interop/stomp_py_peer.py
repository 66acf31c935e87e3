# Debian's python3-stomp (stomp.py) as a client over TCP; commands and events are those of stomp_peer.cpp.
# SPDX-License-Identifier: MIT
import hashlib
import sys

import stomp

from lines import emit, from_hex

CONNECTIONS = {"1.0": stomp.StompConnection10, "1.1": stomp.StompConnection11, "1.2": stomp.StompConnection12}


def octets(text):
    return text.encode().decode("latin-1")


def settings_of(words):
    """The words `name=HEX` of a command, and, as one dictionary, its words `header=HEX:HEX`."""
    found, headers = {}, {}
    for name, _, value in (word.partition("=") for word in words):
        if name == "header":
            key, _, text = value.partition(":")
            headers[from_hex(key).decode()] = from_hex(text).decode()
        else:
            found[name] = from_hex(value) if name == "body" else from_hex(value).decode()
    return found, headers


class Listener(stomp.ConnectionListener):
    """Prints what comes. The library may tell of the end twice, and at the receipt for DISCONNECT tells of the end and
    then of the receipt; here it is once, and the other way round."""

    def __init__(self):
        self.heart_beats = 0
        self.goodbye = None
        self.ended = False

    def on_connected(self, frame):
        emit("connected", **{name.replace("-", "_"): frame.headers.get(name, "")
                             for name in ("version", "server", "session", "heart-beat")})

    def on_message(self, frame):
        headers = {octets(name): octets(value) for name, value in frame.headers.items()}
        emit("message", headers=headers, bytes=len(frame.body), sha1=hashlib.sha1(frame.body).hexdigest())

    def on_receipt(self, frame):
        id = frame.headers["receipt-id"]
        emit("receipt", id=octets(id))
        if id == self.goodbye and self.ended:
            emit("closed")

    def on_error(self, frame):
        emit("error", headers={octets(name): octets(value) for name, value in frame.headers.items()})

    def on_heartbeat(self):
        self.heart_beats += 1

    def on_heartbeat_timeout(self):
        emit("heart_beat_lost")

    def on_disconnected(self):
        if self.goodbye is None and not self.ended:
            emit("closed")
        self.ended = True


class Client:
    """A connection, and how it obeys a command."""

    def __init__(self, how):
        version = how["version"]
        more = {}
        if version != "1.0":
            sends, wants = how["heart-beat"].split(",")
            more = {"heartbeats": (int(sends), int(wants))}
        self.version = version
        self.connection = CONNECTIONS[version](
            [("127.0.0.1", int(how["port"]))], reconnect_attempts_max=1, auto_decode=False, **more)
        self.listener = Listener()
        self.connection.set_listener("", self.listener)
        self.connection.connect(how.get("login"), how.get("passcode"))

    def obey(self, verb, how, headers):
        for name in ("receipt", "transaction", "content-type"):
            if name in how:
                headers[name] = how[name]
        connection = self.connection
        if verb == "send":
            connection.send(how["destination"], how.get("body", b""), headers=headers)
        elif verb == "subscribe":
            connection.subscribe(how["destination"], how.get("id"), how["ack"], headers=headers)
        elif verb == "unsubscribe":
            connection.unsubscribe(**{name: how[name] for name in ("destination", "id") if name in how},
                                   headers=headers)
        elif verb in ("ack", "nack"):
            names = {"1.0": ["message-id"], "1.1": ["message-id", "subscription"], "1.2": ["ack"]}[self.version]
            getattr(connection, verb)(
                *(how[name] for name in names), transaction=how.get("transaction"), receipt=how.get("receipt"))
        elif verb in ("begin", "commit", "abort"):
            getattr(connection, verb)(how["transaction"], headers=headers)
        elif verb == "disconnect":
            self.listener.goodbye = how["receipt"]
            connection.disconnect(how["receipt"])
        elif verb == "drop":
            connection.transport.disconnect_socket()
        elif verb == "status":
            emit("status", heart_beats=self.listener.heart_beats)


client = None
for line in sys.stdin:
    verb, *words = line.split()
    if verb == "connect":
        client = Client(settings_of(words)[0])
    else:
        client.obey(verb, *settings_of(words))
