# The cases between a client and a broker of STOMP, one of which is the library. Each case is a name, which begins
# with the rules that it proves, and a function that raises Failure.
# SPDX-License-Identifier: MIT
import hashlib
import itertools
import time

from cases import hex_of, need, repeated

VERSIONS = ("1.0", "1.1", "1.2")
KOREAN = "안녕하세요, 소켓 없이"
MEGABYTE = repeated("한글 ñ😀 ok".encode(), 1 << 20)
MEGABYTE_WITHOUT_EMOJI = repeated("한글 없이 ".encode(), 1 << 20)
BODIES = (
    ("text", b"hello"),
    ("Korean text", KOREAN.encode()),
    ("NULs in the body", b"\0a\0b\0"),
    ("no body", b""),
)
BYTES = bytes(range(256))

destinations = (f"/queue/sockless-{number}" for number in itertools.count())


def words_of(header=(), **values):
    """The words of a command; see stomp_peer.cpp."""
    return [*(f"{name.replace('_', '-')}={hex_of(value)}" for name, value in values.items()),
            *(f"header={hex_of(name)}:{hex_of(value)}" for name, value in header)]


def octets(text):
    """Text as it stands in events: each byte for itself."""
    return text.encode().decode("latin-1")


class Link:
    """A client, and the broker that it talks to. `server` is the broker's end if the broker is ours. The other
    arguments say what the client or the broker cannot do. `port` is asked for each connection: a broker that was
    stopped listens at another port when it is started again."""

    def __init__(self, client, broker, *, port, transport="tcp", target="/", server=None, ours=False,
                 versions=VERSIONS, interval=500, **known):
        self.client, self.server, self.ours = client, server, ours
        self.port, self.transport, self.target = port, transport, target
        self.name = f"{broker} over {'TCP' if transport == 'tcp' else 'WebSocket'}"
        self.versions, self.interval = versions, interval
        self.known = {"binary": True, "nack": True, "refuses": True, "unknown_acks_in": VERSIONS, "goodbye": True,
                      "transaction_receipts": True, "many_versions": True, "any_version": False,
                      "escapes_of": ("1.1", "1.2"), "backslash_in_1_0": True, "splits": False, "forces_binary": False,
                      "hosts": {}, **known}

    def say(self, verb, **values):
        self.client.command(verb, *words_of(**values))

    def begin(self, version, login="guest", passcode="guest", **more):
        """Sends CONNECT. Theirs names the host that it names by default, if any."""
        host = {"host": "/"} if self.ours else {}
        self.say("connect", transport=self.transport, port=str(self.port()), target=self.target, version=version,
                 login=login, passcode=passcode, **host, **{"heart_beat": "0,0", **more})

    def ask(self, version, **more):
        """Sends CONNECT, which our server shows."""
        self.begin(version, **more)
        if self.server:
            # Theirs offers the subprotocols of its versions, ours all.
            best = self.versions[-1] if self.ours else version.split(",")[-1]
            subprotocol = f"v{best.replace('.', '')}.stomp" if self.transport == "ws" else ""
            host = "/" if self.ours else self.known["hosts"].get(version, "")
            self.server.expect("connect", transport=self.transport, subprotocol=subprotocol, login="guest", host=host)

    def open(self, version="1.2", **more):
        self.ask(version, **more)
        found = self.client.expect("connected")
        need(found["version"] in ((version, "") if version == "1.0" else (version,)), f"connected with {found}")
        return found

    def receipt(self, id):
        return self.client.expect("receipt", id=octets(id))

    def subscribe(self, destination, ack="auto", id="s", **more):
        self.say("subscribe", destination=destination, id=id, ack=ack, **more)

    def send(self, destination, body, **more):
        self.say("send", destination=destination, body=body, **more)

    def message(self, body, **headers):
        """Expects a message with this body and these headers."""
        body = body.encode() if isinstance(body, str) else body
        found = self.client.expect("message", bytes=len(body), sha1=hashlib.sha1(body).hexdigest())
        self.has(found, {name.replace("_", "-"): value for name, value in headers.items()})
        return found

    @staticmethod
    def has(found, headers):
        for name, value in headers.items():
            need(found["headers"].get(octets(name)) == octets(value), f"no header {name}: {value!r} in {found}")

    def acknowledge(self, message, verb="ack", **more):
        given = {name: message["headers"].get(name) for name in ("message-id", "subscription", "ack")}
        self.say(verb, **{name.replace("-", "_"): value for name, value in given.items() if value}, **more)

    def close(self):
        """The end of a case in which nothing went wrong. Gives what our server says of it."""
        self.say("disconnect", receipt="영수증")
        if not self.known["goodbye"]:
            self.client.expect("closed", error="end_of_input", receipts=[octets("영수증")])
            return None
        self.receipt("영수증")
        return self.closed()

    def drop(self):
        """Ends the connection without DISCONNECT."""
        self.say("drop")
        self.client.expect("closed")
        if self.server:
            self.server.expect("closed", error="end_of_input")

    def closed(self, error="none", ours="error_received"):
        """Expects the end on both ends; `error` is what our server says of it, `ours` what our client does."""
        self.client.expect("closed", **({"error": ours if error != "none" else "none"} if self.ours else {}))
        if self.server:
            return self.server.expect("closed", error=error)
        return None

    def failed(self, error, **headers):
        """Expects an ERROR with these headers, if our server has sent it, and the end."""
        found = self.client.expect("error")
        if self.server:
            self.has(found, {name.replace("_", "-"): value for name, value in headers.items()})
        self.closed(error=error)
        return found

    def left(self, destination, *bodies):
        """Expects that these messages, and no others, are in the queue of the destination, not for the first time."""
        self.open()
        self.subscribe(destination)
        for body in bodies:
            self.message(body, redelivered="true")
        self.send(destination, "last")
        self.message("last")
        self.close()


# --- Connecting ------------------------------------------------------------------------------------------------------


def connect_cases(link):
    def case(version, **more):
        link.open(version, **more)
        link.close()

    def highest():
        link.ask(",".join(link.versions))
        found = link.client.expect("connected")
        need(found["version"] == link.versions[-1], f"connected with {found}")
        link.close()

    def bad_login():
        link.ask("1.2", passcode="wrong")
        link.failed("error_sent", message="access refused")

    for version in link.versions:
        yield f"{'W1 ' if link.transport == 'ws' else ''}S6 S15: connects with {version}", lambda v=version: case(v)
    if link.ours:
        yield "S6: connects with STOMP in place of CONNECT", lambda: case("1.2", **{"as": "STOMP"})
    if link.known["many_versions"]:
        yield "S6: of three versions the highest is agreed on", highest
    yield "S6 S13: a wrong passcode", bad_login


def heart_beat_cases(link):
    def heart_beats():
        link.say("status")
        return link.client.expect("status")["heart_beats"]

    def case(version):
        destination = next(destinations)
        link.open(version, heart_beat=f"{link.interval},{link.interval}")
        link.subscribe(destination)
        # Some brokers end each frame with an end of line, which counts as a heart-beat too.
        before = heart_beats()
        time.sleep(5.5 * link.interval / 1000)
        had = heart_beats() - before
        need(had >= 4, f"the client had {had} heart-beats")
        link.send(destination, "still here")
        link.message("still here")
        closed = link.close()
        need(closed is None or closed["heart_beats"] >= 4, f"our server had {closed}")

    yield "S4 S5: heart-beats both ways, kept for five intervals", lambda: case(link.versions[-1])


# --- Messages --------------------------------------------------------------------------------------------------------


def message_cases(link):
    def case(version, body, **connecting):
        destination = next(destinations)
        link.open(version, **connecting)
        link.subscribe(destination)
        link.send(destination, body)
        link.message(body, destination=destination)
        link.close()

    def headers(version, header):
        destination = next(destinations)
        link.open(version)
        link.subscribe(destination)
        link.send(destination, "x", header=header, content_type="text/plain")
        found = link.message("x", content_type="text/plain")
        link.has(found, dict(header))
        link.close()

    def unsubscribed(version):
        destination = next(destinations)
        link.open(version)
        link.subscribe(destination)
        link.send(destination, "first")
        link.message("first")
        link.say("unsubscribe", id="s", receipt="unsubscribed")
        link.receipt("unsubscribed")
        link.send(destination, "second")
        link.subscribe(destination, id="t")
        link.message("second", subscription="t")
        link.close()

    for version in link.versions:
        for label, body in (*BODIES, *((("all bytes", BYTES),) if link.known["binary"] else ())):
            yield f"S2: {label}, {version}", lambda a=(version, body): case(*a)
        yield f"S2 S12: 1 MB of text, {version}", lambda v=version: case(v, MEGABYTE)
        yield f"S8: UNSUBSCRIBE, {version}", lambda v=version: unsubscribed(v)
        yield f"S11: headers of the sender's own, one of them Korean, {version}", \
            lambda v=version: headers(v, [("x-one", "1"), ("x-korean", KOREAN)])
    if link.known["backslash_in_1_0"] and "1.0" in link.versions:
        yield "S3 S14: 1.0 has no escapes", lambda: headers("1.0", [("x-path", "c:\\new\\name")])
    if "1.1" in link.known["escapes_of"]:
        yield "S3 S14: all escapes of 1.1", lambda: headers("1.1", [("x-escaped", "a:b\nc\\d::\n\n\\ e")])
    if "1.2" in link.known["escapes_of"]:
        yield "S3 S14: all escapes of 1.2", lambda: headers("1.2", [("x-escaped", "a:b\nc\\d\re::\r\n\\ f")])
    if link.ours:
        yield "S3 S14: escapes in the name of a header", lambda: headers("1.2", [("x:\\\n\r", "1")])
    if link.known["splits"]:
        # stompjs cuts between the halves of characters that JavaScript stores as two.
        yield "W3: 1 MB of text in many messages", lambda: case("1.2", MEGABYTE_WITHOUT_EMOJI, split="yes")
    if link.known["forces_binary"]:
        yield "W2: frames in binary messages", lambda: case("1.2", KOREAN.encode(), binary="yes")


# --- Acknowledgement -------------------------------------------------------------------------------------------------


def ack_cases(link):
    def filled(version, ack):
        """Four messages, m1 to m4, that have come; and their destination."""
        destination = next(destinations)
        link.open(version)
        link.subscribe(destination, ack)
        for number in range(1, 5):
            link.send(destination, f"m{number}")
        return destination, [link.message(f"m{number}") for number in range(1, 5)]

    def synced(destination):
        """Waits until the broker has taken what was sent before."""
        link.send(destination + "-other", "x", receipt="synced")
        link.receipt("synced")

    def automatic(version):
        destination, _ = filled(version, "auto")
        link.drop()
        link.left(destination)

    def cumulative(version):
        destination, messages = filled(version, "client")
        link.acknowledge(messages[2], receipt="acknowledged")
        link.receipt("acknowledged")
        link.drop()
        link.left(destination, "m4")

    def individual(version):
        destination, messages = filled(version, "client-individual")
        link.acknowledge(messages[2])
        link.acknowledge(messages[0], receipt="acknowledged")
        link.receipt("acknowledged")
        link.drop()
        link.left(destination, "m2", "m4")

    def nacked(version):
        destination, messages = filled(version, "client-individual")
        link.acknowledge(messages[1], "nack")
        again = link.message("m2", redelivered="true")
        for each in (messages[0], again, messages[2], messages[3]):
            link.acknowledge(each)
        synced(destination)
        link.drop()
        link.left(destination)

    def in_transaction(end, *left):
        destination, messages = filled("1.2", "client-individual")
        link.say("begin", transaction="t")
        link.acknowledge(messages[0], transaction="t")
        link.acknowledge(messages[3], transaction="t")
        link.say(end, transaction="t")
        if end == "abort":
            link.acknowledge(messages[0])
        synced(destination)
        link.drop()
        link.left(destination, *left)

    for version in link.versions:
        yield f"S9: ack:auto, {version}", lambda v=version: automatic(v)
        yield f"S9: ack:client is cumulative, and the rest comes again, {version}", lambda v=version: cumulative(v)
        if version == "1.0":
            continue
        yield f"S9: ack:client-individual, and the rest comes again, {version}", lambda v=version: individual(v)
        if link.known["nack"]:
            yield f"S9: NACK, and the message comes again, {version}", lambda v=version: nacked(v)
    yield "S9 S10: ACK in a transaction that is committed", lambda: in_transaction("commit", "m2", "m3")
    yield "S9 S10: ACK in a transaction that is aborted, and one of them again", lambda: in_transaction("abort", "m2", "m3", "m4")


# --- Transactions and receipts ---------------------------------------------------------------------------------------


def transaction_cases(link):
    def began(version):
        destination = next(destinations)
        link.open(version)
        link.subscribe(destination)
        link.say("begin", transaction="t 1")
        for body in ("a", "b"):
            link.send(destination, body, transaction="t 1")
        link.send(destination, "outside")
        link.message("outside")
        return destination

    def committed(version):
        began(version)
        link.say("commit", transaction="t 1")
        first = link.message("a")
        need(not link.server or "transaction" not in first["headers"], f"S11: the receiver is told {first}")
        link.message("b")
        link.close()

    def aborted(version):
        destination = began(version)
        link.say("abort", transaction="t 1")
        link.send(destination, "after")
        link.message("after")
        link.close()

    def left_open():
        destination = began(link.versions[-1])
        link.close()
        link.left(destination)

    for version in link.versions:
        yield f"S10 S11: COMMIT, {version}", lambda v=version: committed(v)
        yield f"S10: ABORT, {version}", lambda v=version: aborted(v)
    yield "S10: a transaction that is open at the end is aborted", left_open


def receipt_cases(link):
    def sends(version):
        destination = next(destinations)
        link.open(version)
        ids = [f"receipt-{number}" for number in range(10)]
        for id in ids:
            link.send(destination, "x", receipt=id)
        found = [link.client.expect("receipt")["id"] for _ in ids]
        need(found == ids or not link.server and sorted(found) == ids, f"the receipts are {found}")
        link.close()

    def each_command(version):
        destination = next(destinations)
        link.open(version)

        def asked(verb, **values):
            link.say(verb, receipt=f"{verb} 영수증", **values)
            link.receipt(f"{verb} 영수증")

        asked("subscribe", destination=destination, id="s", ack="client")
        link.send(destination, "x")
        first = link.message("x")
        link.acknowledge(first, receipt="ack")
        link.receipt("ack")
        if link.known["transaction_receipts"]:
            asked("begin", transaction="t")
            asked("abort", transaction="t")
            asked("begin", transaction="t")
            # Some brokers do nothing with a SEND until COMMIT.
            link.send(destination + "-other", "y", transaction="t", receipt="send")
            link.say("commit", transaction="t", receipt="commit")
            found = sorted(link.client.expect("receipt")["id"] for _ in range(2))
            need(found == ["commit", "send"], f"the receipts are {found}")
        asked("unsubscribe", id="s")
        link.close()

    for version in link.versions:
        yield f"S7: receipts for ten frames, {version}", lambda v=version: sends(v)
        yield f"S7: a receipt for each command, {version}", lambda v=version: each_command(v)


# --- Errors ----------------------------------------------------------------------------------------------------------


def error_cases(link):
    def refused(version):
        link.open(version)
        link.send("/nowhere/at/all", "x", receipt="never")
        found = link.client.expect("error")
        if link.server:
            link.has(found, {"message": "unknown destination", "receipt-id": "never"})
        link.client.expect("closed", **({"error": "error_received", "receipts": ["never"]} if link.ours else {}))
        if link.server:
            link.server.expect("closed", error="error_sent")

    def unknown_ack(version):
        link.open(version)
        link.subscribe(next(destinations), "client")
        link.acknowledge({"headers": {"message-id": "17", "subscription": "s", "ack": "17"}}, receipt="never")
        link.failed("unknown_acknowledgement", receipt_id="never")

    for version in link.versions:
        if link.known["refuses"]:
            yield f"S7 S13: a destination that the broker refuses, {version}", lambda v=version: refused(v)
        if version in link.known["unknown_acks_in"]:
            yield f"S9 S13: ACK of a message that there is not, {version}", lambda v=version: unknown_ack(v)


def rule_cases(link):
    """Frames that break a rule, and how our server session ends."""
    def subscribed_twice():
        link.open()
        link.subscribe("/queue/a")
        link.subscribe("/queue/b", receipt="twice")
        link.failed("repeated_subscription", receipt_id="twice")

    def unknown_transaction():
        link.open()
        link.send("/queue/a", "x", transaction="none", receipt="unknown")
        link.failed("unknown_transaction", receipt_id="unknown")

    def began_twice():
        link.open()
        for _ in range(2):
            link.say("begin", transaction="t")
        link.failed("repeated_transaction")

    def unknown_ack(version):
        destination = next(destinations)
        link.open(version)
        link.subscribe(destination, "client")
        link.send(destination, "x")
        found = link.message("x")
        link.acknowledge(found)
        link.acknowledge(found, receipt="unknown")
        link.failed("unknown_acknowledgement", receipt_id="unknown")

    def no_common_version():
        link.begin("9.9")
        link.failed("no_common_version", version="1.0,1.1,1.2")

    yield "S8 S13: a subscription id twice", subscribed_twice
    yield "S10 S13: a transaction that was never begun", unknown_transaction
    yield "S10 S13: a transaction begun twice", began_twice
    for version in link.versions:
        yield f"S9 S13: a message acknowledged twice, {version}", lambda v=version: unknown_ack(v)
    if link.known["any_version"]:
        yield "S6 S13: no version in common", no_common_version


# --- The example client ----------------------------------------------------------------------------------------------


def cli_cases(link, run):
    """`run` runs the example with these arguments and gives its status and what it printed."""
    def arguments(version, passcode="guest"):
        return ["--port", link.port(), *(["--ws", link.target] if link.transport == "ws" else []),
                "--login", "guest", "--passcode", passcode, "--version", version]

    def sends(version):
        destination = next(destinations)
        for body in ("hello", KOREAN):
            need(run(*arguments(version), "send", destination, body) == (0, ""), "the example does not send")
        found = run(*arguments(version), "subscribe", destination, "--count", "2")
        need(found == (0, f"hello\n{KOREAN}\n"), f"the example gives {found}")

    def wrong_passcode():
        found = run(*arguments("1.2", "wrong"), "send", "/queue/a", "x")
        need(found == (1, ""), f"the example gives {found}")

    for version in link.versions:
        yield f"S6 S7 S9: stomp_cli sends and subscribes, {version}, {link.name}", lambda v=version: sends(v)
    yield f"S13: stomp_cli with a wrong passcode, {link.name}", wrong_passcode


# --- All together ----------------------------------------------------------------------------------------------------


def room_cases(link, other):
    """Two clients of one broker, on one port."""
    def case():
        room = next(destinations).replace("/queue/", "/topic/")
        for each in (link, other):
            each.open()
            each.subscribe(room, receipt="subscribed")
            each.receipt("subscribed")
        for each, body in ((link, "from the one"), (other, KOREAN)):
            each.send(room, body, header=[("x-colon", "a:b")])
            for receiver in (link, other):
                receiver.has(receiver.message(body), {"x-colon": "a:b"})
        link.close()
        other.close()

    yield f"S11: {link.name} and {other.name} in one room", case


def all_cases(link):
    """The list that holds for any client and any broker."""
    for make in (connect_cases, message_cases, ack_cases, transaction_cases, receipt_cases, error_cases,
                 heart_beat_cases):
        for name, act in make(link):
            yield f"{name}, {link.name}", act
