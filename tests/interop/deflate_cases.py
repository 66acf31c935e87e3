# permessage-deflate between the library and each other implementation; cases are made as in cases.py.
# SPDX-License-Identifier: MIT
import random
from dataclasses import dataclass

from cases import NO_TEXT, UNIT, Link, described, hex_of, need, repeated, value_of

NAME = "permessage-deflate"
THRESHOLD, THRESHOLD_WITHOUT_TAKEOVER = 64, 256  # bytes, from which we compress unless told otherwise
NOISE = random.Random(7692).randbytes(5000)  # shrinks only if it comes again, and the window goes back so far


def message(type, unit, size):
    return type, (hex_of(unit), size), repeated(unit, size)


# Each refers to those before it as far as takeover and windows allow. An empty one comes first, behind another empty
# one, and behind what is not empty, as compressors treat these differently.
MESSAGES = [
    *(message("text", b"a", size) for size in (0, 0, 1)), message("binary", b"a", 0),
    *(message("text", b"a", size + more) for size in (THRESHOLD, THRESHOLD_WITHOUT_TAKEOVER) for more in (-1, 0)),
    *(message(type, unit, size) for size in (1024, 65536) for type, unit in (("text", UNIT), ("binary", NO_TEXT))),
    *(message("binary", NOISE[:size], size) for size in (200, 200, 1000, 1000, 5000, 5000)), message("text", b"a", 0)]
LARGE = [message("text", UNIT, 1 << 20), message("binary", NOISE, 1 << 20)]

# The second cut goes through a character, and the third fragment is empty.
FRAGMENTS = [UNIT[:3], UNIT[3:] * 20, b"", UNIT * 20]


def exchange(sender, receiver, messages, *, least="not looked at"):
    """All are sent before the first is looked at. `least`: the size from which ours must say that theirs was
    compressed, None for never."""
    for type, words, _ in messages:
        sender.command(type, *words)
    for type, _, data in messages:
        found = receiver.expect("message", **described(type, data))
        if least != "not looked at":
            compressed = least is not None and len(data) >= least
            need(found["compressed"] == compressed, f"compressed is not {compressed}: {found}")


def agreed(opened):
    """The terms that the server has agreed to, as a client says them. A browser has no fields, but says this."""
    fields = opened.get("fields")
    return "".join(opened["extensions"]) if fields is None else value_of(fields, "Sec-WebSocket-Extensions")


# --- The wishes of each end ------------------------------------------------------------------------------------------


@dataclass
class Deal:
    """The wishes of each end beyond its defaults, in words of permessage-deflate; the client's offer and the server's
    response, both without the name of the extension; None if there is none."""
    rules: str
    ours: tuple
    theirs: tuple
    offer: str
    response: str
    said: bool = False  # whether our caller says the offer, in place of our policy

    def __str__(self):
        def wanted(words):
            return " and ".join(words) or "nothing more"
        we = f"we say {NAME}{self.offer}" if self.said else f"we want {wanted(self.ours)}"
        return f"{self.rules}: {we}, they {wanted(self.theirs)}"

    def arguments(self):
        """Those of their program."""
        if self.theirs == ("their defaults",):
            return ()
        return self.theirs if self.theirs == ("no-deflate",) else ("deflate", *self.theirs)

    def settings(self):
        """Those of our client's request."""
        return (f"extensions={hex_of((NAME + self.offer).encode())}",) if self.said else ()


USUAL = "; client_max_window_bits"  # which all clients here offer unless told otherwise
SERVER_FORGETS, CLIENT_FORGETS = "server_no_context_takeover", "client_no_context_takeover"
BOTH_FORGET = f"; {SERVER_FORGETS}; {CLIENT_FORGETS}"


def server_window(bits):
    return f"server_max_window_bits={bits}"


def client_window(bits):
    return f"client_max_window_bits={bits}"


def windows(bits):
    return f"; {server_window(bits)}; {client_window(bits)}"


def serving():
    """With any client of theirs."""
    yield Deal("D4", (), (), USUAL, "")
    yield Deal("D2", (SERVER_FORGETS,), (), USUAL, f"; {SERVER_FORGETS}")
    yield Deal("D2", (CLIENT_FORGETS,), (), USUAL, f"; {CLIENT_FORGETS}")
    yield Deal("D2", (SERVER_FORGETS, CLIENT_FORGETS), (), USUAL, BOTH_FORGET)
    yield Deal("D2", (), (SERVER_FORGETS,), f"; {SERVER_FORGETS}{USUAL}", f"; {SERVER_FORGETS}")
    yield Deal("D2", (), (CLIENT_FORGETS,), f"; {CLIENT_FORGETS}{USUAL}", f"; {CLIENT_FORGETS}")
    yield Deal("D2", (), (SERVER_FORGETS, CLIENT_FORGETS), BOTH_FORGET + USUAL, BOTH_FORGET)
    for bits in (9, 10, 15):
        asked = windows(bits) if bits < 15 else ""
        yield Deal("D3 D4", (server_window(bits), client_window(bits)), (), USUAL, asked)
        # A server answers a parameter even if its value is the default, and answers no more than it has to.
        yield Deal("D3 D4", (), (server_window(bits), client_window(bits)), windows(bits),
                   asked or f"; {server_window(15)}")
    yield Deal("D3", (server_window(10),), (server_window(9),), f"; {server_window(9)}{USUAL}", f"; {server_window(9)}")
    yield Deal("D3", (server_window(9),), (server_window(10),), f"; {server_window(10)}{USUAL}",
               f"; {server_window(9)}")
    yield Deal("D4", (client_window(9),), (client_window(10),), f"; {client_window(10)}", f"; {client_window(9)}")
    yield Deal("D4", (client_window(10),), (client_window(9),), f"; {client_window(9)}", f"; {client_window(9)}")
    yield Deal("D4", (client_window(9),), (client_window("no"),), "", "")
    # No compressor in wide use can do 8.
    yield Deal("D8", (), (server_window(8),), f"; {server_window(8)}{USUAL}", None)
    yield Deal("D10", ("threshold=0",), (), USUAL, "")
    yield Deal("D10", ("threshold=1000000",), (), USUAL, "")
    yield Deal("D1", (), ("no-deflate",), None, None)


def asking():
    """With any server of theirs."""
    yield Deal("D4", (), (), USUAL, "")
    yield Deal("D2", (SERVER_FORGETS,), (), f"; {SERVER_FORGETS}{USUAL}", f"; {SERVER_FORGETS}")
    yield Deal("D2", (CLIENT_FORGETS,), (), f"; {CLIENT_FORGETS}{USUAL}", f"; {CLIENT_FORGETS}")
    yield Deal("D2", (SERVER_FORGETS, CLIENT_FORGETS), (), BOTH_FORGET + USUAL, BOTH_FORGET)
    yield Deal("D2", (), (SERVER_FORGETS,), USUAL, f"; {SERVER_FORGETS}")
    yield Deal("D2", (), (CLIENT_FORGETS,), USUAL, f"; {CLIENT_FORGETS}")
    yield Deal("D2", (), (SERVER_FORGETS, CLIENT_FORGETS), USUAL, BOTH_FORGET)
    for bits in (9, 10, 15):
        yield Deal("D3", (), (server_window(bits),), USUAL, f"; {server_window(bits)}")
        yield Deal("D4", (), (client_window(bits),), USUAL, f"; {client_window(bits)}")
    for bits in (9, 10):
        yield Deal("D3 D4", (server_window(bits), client_window(bits)), (), windows(bits), windows(bits))
    yield Deal("D3", (server_window(12),), (server_window(10),), f"; {server_window(12)}{USUAL}",
               f"; {server_window(10)}")
    yield Deal("D4", (client_window(12),), (client_window(10),), f"; {client_window(12)}", f"; {client_window(10)}")
    # If we cannot compress a message so that they can read it, we send it as it is.
    yield Deal("D8", (), (client_window(8),), USUAL, f"; {client_window(8)}")
    yield Deal("D10", ("threshold=0",), (), USUAL, "")
    yield Deal("D10", ("threshold=1000000",), (), USUAL, "")
    yield Deal("D1", (), ("no-deflate",), USUAL, None)
    yield Deal("D1", (), (), "", "", said=True)
    yield Deal("D1 D3", (), (), f"; {server_window(12)}, {NAME}", f"; {server_window(12)}", said=True)
    yield Deal("D1 D2", (), (), f"; {SERVER_FORGETS}, {NAME}{USUAL}", f"; {SERVER_FORGETS}", said=True)


# ws has a threshold only if its takeover is off: else it compresses everything, as websockets and Chromium do
# always.
WS_THRESHOLD = 1024


def serving_ws():
    yield from serving()
    for words in ((CLIENT_FORGETS, "threshold=0"), (CLIENT_FORGETS, "threshold=65536")):
        yield Deal("D7", (), words, f"; {CLIENT_FORGETS}{USUAL}", f"; {CLIENT_FORGETS}")
    yield Deal("D7", (), ("concurrency_limit=1",), USUAL, "")
    # Node's zlib makes 9 of 8, and with 9 bits refers no further back than 250 bytes, so this can be read.
    yield Deal("D8", (client_window(8),), (), USUAL, f"; {client_window(8)}")


def asking_ws():
    yield from asking()
    for words in ((SERVER_FORGETS, "threshold=0"), (SERVER_FORGETS, "threshold=65536")):
        yield Deal("D7", (), words, USUAL, f"; {SERVER_FORGETS}")
    yield Deal("D7", (), ("concurrency_limit=1",), USUAL, "")
    yield Deal("D8", (), (server_window(8),), USUAL, f"; {server_window(8)}")
    # It wants no smaller window than it was told, so it takes the second offer.
    yield Deal("D1 D3", (), (server_window(10),), f"; {server_window(9)}, {NAME}", f"; {server_window(10)}", said=True)


def serving_websockets():
    # With 8 for its own sending it ends the connection with an exception, as Python's zlib cannot do that.
    yield from serving()
    for bits in range(11, 15):
        yield Deal("D3 D4", (), (server_window(bits), client_window(bits)), windows(bits), windows(bits))
    yield Deal("D4", (), ("their defaults",), USUAL, "")


def asking_websockets():
    yield from asking()
    for bits in range(11, 15):
        yield Deal("D3 D4", (), (server_window(bits), client_window(bits)), USUAL, windows(bits))
    yield Deal("D3 D4", (), ("their defaults",), USUAL, windows(12))


def serving_chromium():
    """A browser offers what it always does."""
    for deal in serving():
        if deal.theirs == ():
            yield deal
    yield Deal("D8", (client_window(8),), (), USUAL, f"; {client_window(8)}")


# --- Both ends, deal by deal -----------------------------------------------------------------------------------------


def smallest_compressed(deal, role, threshold):
    """The size from which they compress: `threshold` if their takeover is off, else 0; None if they compress nothing."""
    if deal.response is None:
        return None
    told = [int(word.removeprefix("threshold=")) for word in deal.theirs if word.startswith("threshold=")]
    return (told or [threshold])[0] if f"{role}_no_context_takeover" in deal.response else 0


def needs_text(what, found, parameters):
    text = "" if parameters is None else NAME + parameters
    need(found == text, f"the {what} is {found!r}, instead of {text!r}")


def deal_cases(ours, theirs, deals, *, we_serve, threshold=0, theirs_can=True):
    """`ours` and `theirs` give an end for its arguments. `theirs_can`: send fragments."""
    in_fragments = [("fragments", ("text", *map(hex_of, FRAGMENTS)))] * 2

    def case(deal, link, least):
        request = link.ask("/", *deal.settings())
        needs_text("offer", value_of(request["fields"], "Sec-WebSocket-Extensions"), deal.offer)
        link.server.command("accept")
        opened = link.client.expect("open")
        link.server.expect("open")
        needs_text("response", agreed(opened), deal.response)
        exchange(link.theirs, link.ours, MESSAGES, least=least)
        exchange(link.ours, link.theirs, MESSAGES)
        for sender, receiver in ((link.ours, link.theirs), (link.theirs, link.ours))[:1 + theirs_can]:
            for type, words in in_fragments:
                sender.command(type, *words)
            for _ in in_fragments:
                receiver.expect("message", **described("text", b"".join(FRAGMENTS)))
        link.close()

    for deal in deals:
        link = Link(ours(*deal.ours), theirs(*deal.arguments()), we_serve)
        least = smallest_compressed(deal, "client" if we_serve else "server", threshold)
        yield f"{deal}, both ways", lambda a=(deal, link, least): case(*a)


def ws_server_cases(ours, theirs):
    """The places in which ws does not obey the RFC."""
    strict = ("deflate", server_window(10))

    def refused():
        client = ours(server_window(9))
        client.command("connect", theirs(*strict).port, "/")
        client.expect("refused", status=400)
        client.expect("closed", error="refused")

    def too_large():
        link = Link(ours(client_window(10)), theirs("deflate", client_window(12)), False)
        link.ask()
        link.server.command("accept")
        link.client.expect("closed", error="bad_deflate_response")
        link.server.expect("open")
        link.server.expect("closed", code=1006)

    # An offer that it cannot accept it refuses with the whole request, instead of going on without compression.
    yield "D3 H18: we want a smaller window than ws does, and are refused with 400", refused
    # It answers with the value of its option even if that is more than was offered.
    yield "D4: ws answers a larger window than we offer, which fails the connection", too_large


# --- The examples ----------------------------------------------------------------------------------------------------

# Options, and the terms that both sides then agree to, if the other side wants nothing.
EXAMPLES = (
    ((), ""), (("--no-context-takeover",), BOTH_FORGET), (("--window-bits", "9"), windows(9)),
    (("--no-context-takeover", "--window-bits", "10"), BOTH_FORGET + windows(10)), (("--threshold", "0"), ""),
    (("--threshold", "1000000"), ""))


def echo_server_cases(theirs, start):
    """`start` gives the example for its options."""
    def case(echo_server, response):
        theirs.command("connect", echo_server.port, "/")
        needs_text("response", agreed(theirs.expect("open")), response)
        exchange(theirs, theirs, MESSAGES + LARGE)
        theirs.command("close", 1000)
        theirs.expect("closed", code=1000)

    def limit(echo_server):
        theirs.command("connect", echo_server.port, "/")
        theirs.expect("open")
        exchange(theirs, theirs, [message("binary", b"a", 1000)])
        theirs.command("binary", hex_of(b"a"), 1001)
        theirs.expect("closed", code=1009)

    for options, response in EXAMPLES:
        label = " ".join(("--deflate", *options))
        yield f"D8 D10: the example with {label}", \
            lambda a=(start("--deflate", *options), response): case(*a)
    yield "D1: the example without --deflate", lambda: case(start(), None)
    yield "D9: the example with --deflate and --max-message 1000 answers 1001 bytes, compressed, with 1009", \
        lambda: limit(start("--deflate", "--max-message", "1000"))


def echo_client_cases(start, theirs, declining):
    """`start` runs the example with these arguments against a server of theirs; `declining` does not compress."""
    def case(server, options, said, offered):
        lines = ["hello", "한글 😀" * 100, "한글 😀" * 100, ""]
        with start(server, *options) as client:
            request = server.expect("request")
            offer = value_of(request["fields"], "Sec-WebSocket-Extensions")
            need(offer.startswith(NAME) == offered, f"the offer is {offer!r}")
            server.command("accept")
            server.expect("open")
            for line in lines:
                client.command(line)
                server.expect("message", **described("text", line.encode()))
                server.command("text", hex_of(line))
                need(client.line() == line, "the example does not print what came back")
            client.process.stdin.close()
            server.expect("closed")
            need(client.process.wait(10) == 0, f"the example ends with {client.process.returncode}")
            complaint = client.stop()
            need(complaint == said, f"the example says {complaint!r}")

    for options, response in EXAMPLES:
        label = " ".join(("--deflate", *options))
        yield f"D8 D10: the example with {label}", \
            lambda a=(theirs, ("--deflate", *options), f"compression: {NAME}{response}", True): case(*a)
    yield "D1: the example with --deflate, which they decline", \
        lambda: case(declining, ("--deflate",), "compression: none", True)
    yield "D1: the example without --deflate", lambda: case(theirs, ("--window-bits", "9"), "", False)
