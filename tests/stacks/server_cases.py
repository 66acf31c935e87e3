# What each server of examples/ must do. A case is a function that takes a server and fails with an exception; its
# docstring says what it proves.
# SPDX-License-Identifier: MIT
import asyncio
import contextlib
import functools
import random
import signal
import socket
import time

import websockets
from ends import (BINARY, CLOSE, PATIENCE, PING, PONG, TEXT, Failure, Listening, Peer, Program, check, connected, frame,
                  request, shown)

MEGABYTE = 1024 * 1024
CLOSE_TIMEOUT = 5  # seconds: ws::options::close_timeout
LINGER = 5  # seconds: driver_options::linger
SLACK = 8  # seconds, on a busy machine


def client(server, **options):
    """A client of python3-websockets."""
    options = {"compression": None, "max_size": None, "ping_interval": None, "open_timeout": PATIENCE} | options
    return websockets.connect(server.url, host="127.0.0.1", port=server.port, ssl=server.trust, **options)


async def echo(peer, message):
    await peer.send(message)
    found = await asyncio.wait_for(peer.recv(), PATIENCE)
    sent = message if isinstance(message, (str, bytes)) else message[0][:0].join(message)
    check(found == sent, f"{found[:40]!r}, {len(found)} long, comes back for {sent[:40]!r}, {len(sent)} long")


# --- With one server for all -----------------------------------------------------------------------------------------


async def messages(server):
    """sends back text, binary and empty messages, of all sizes up to 1 MB"""
    async with client(server) as peer:
        for size in (0, 1, 125, 126, 65535, 65536, MEGABYTE):
            await echo(peer, random.randbytes(size))
            await echo(peer, ("grüße, Welt! " * (size // 14 + 1))[:size])


async def fragments(server):
    """sends back messages in pieces"""
    async with client(server) as peer:
        await echo(peer, ["grü", "", "ße"])
        await echo(peer, [random.randbytes(70_000) for _ in range(10)])
    async with await Peer.open(server) as peer:
        word = "grüße".encode()
        for place in range(len(word)):
            await peer.send_frame(TEXT if place == 0 else 0, word[place:place + 1], last=place == len(word) - 1)
            await peer.send_frame(PING, b"between")
        for _ in word[:-1]:
            await peer.expect(PONG, b"between")
        await peer.expect(TEXT, word)
        await peer.expect(PONG, b"between")


async def single_bytes(server):
    """takes a handshake and a message byte by byte"""
    async with await Peer.connect(server) as peer:
        for byte in request() + frame(TEXT, b"slowly"):
            await peer.send(bytes([byte]))
            await asyncio.sleep(0)
        check((await peer.head()).startswith(b"HTTP/1.1 101 "), "no handshake")
        await peer.expect(TEXT, b"slowly")


async def all_at_once(server):
    """takes a handshake and 20,000 messages that come without a pause"""
    texts = [str(number).encode() for number in range(20_000)]
    async with await Peer.connect(server) as peer:
        peer.writer.write(request() + b"".join(frame(TEXT, text) for text in texts))
        check((await peer.head()).startswith(b"HTTP/1.1 101 "), "no handshake")
        for text in texts:
            await peer.expect(TEXT, text)


async def wrong_handshakes(server):
    """refuses a wrong handshake with 400, and ends the connection"""
    for wrong in (request(Sec_WebSocket_Key="short"), request(Host=None), b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n"):
        async with await Peer.connect(server) as peer:
            await peer.send(wrong)
            head = await peer.head()
            check(head.startswith(b"HTTP/1.1 400 "), f"the answer to a wrong handshake is {head!r}")
            await asyncio.wait_for(peer.reader.read(), PATIENCE)


async def wrong_frames(server):
    """ends the connection with 1002 if a frame is wrong, and with 1007 if text is no text; also while more comes"""
    for wrong, code in ((frame(TEXT, b"not masked", mask=False), 1002), (frame(TEXT, b"\xff"), 1007)):
        for more in (0, 3 * MEGABYTE):
            async with await Peer.open(server) as peer:
                await peer.send(wrong + bytes(more))
                await asyncio.sleep(0.1)  # a reset would overtake the Close
                await peer.expect_close(code)
                await peer.expect_end()


async def closes(server):
    """answers a Close, and ends the connection first"""
    peer = await client(server)
    began = time.monotonic()
    await peer.close(4000, "done")
    check(peer.close_code == 4000, f"the client sees {peer.close_code}")
    check(time.monotonic() - began < 2, f"closing takes {time.monotonic() - began:.1f} s")


async def close_behind_messages(server):
    """sends back what came before a Close in the same segment"""
    async with await Peer.open(server) as peer:
        await peer.send(frame(TEXT, b"last words") + frame(CLOSE, b"\x03\xe8"))
        await peer.expect(TEXT, b"last words")
        await peer.expect_close(1000)
        await peer.expect_end()


async def half_closes(server):
    """sends back what came before the client ended its side, and ends the connection"""
    async with await Peer.open(server) as peer:
        await peer.send_frame(BINARY, bytes(3 * MEGABYTE))
        peer.end_writing()
        await peer.expect(BINARY, bytes(3 * MEGABYTE))
        await ends_somehow(peer)


async def ends_somehow(peer):
    """A Close may come, and then the end must."""
    with contextlib.suppress(asyncio.IncompleteReadError):
        opcode, payload = await peer.frame()
        check(opcode == CLOSE, f"{shown(opcode, payload)} comes instead of the end")
    await peer.expect_end()


async def breaks_off(server):
    """lets go of clients that end TCP before, in and after a handshake, and in a message"""
    handshake = request()
    for sent in (b"", handshake[:20]):
        async with await Peer.connect(server) as peer:
            await peer.send(sent)
    for sent in (b"", b"\x81", frame(TEXT, b"Hello")[:-1], frame(TEXT, b"Hel", last=False)):
        async with await Peer.open(server) as peer:
            await peer.send(sent)


async def resets(server):
    """lets go of clients that vanish: idle, with a message under way, and with output that waits"""
    for sent in (b"", b"\x82\xff", frame(BINARY, bytes(8 * MEGABYTE))):
        peer = await Peer.open(server, buffer=65536)
        await peer.send(sent)
        await asyncio.sleep(0.2)
        peer.reset()


async def idles(server):
    """uses no time of the processor while nothing happens"""
    async with client(server) as peer, await Peer.connect(server):
        await echo(peer, "hello")
        await server.is_idle()


async def half_closed_and_slow(server):
    """waits without a busy loop for a client that has ended its side and does not read yet"""
    async with await Peer.open(server, buffer=65536) as peer:
        await peer.send_frame(BINARY, bytes(8 * MEGABYTE))
        peer.end_writing()
        await peer.has_input()
        await asyncio.sleep(0.2)
        await server.is_idle(0.7)
        await peer.expect(BINARY, bytes(8 * MEGABYTE))
        await ends_somehow(peer)


async def thousand(server):
    """serves 1,000 clients at once"""
    turns = asyncio.Semaphore(50)

    async def open_one(stack):
        async with turns:
            return await stack.enter_async_context(client(server, open_timeout=30))

    async with contextlib.AsyncExitStack() as stack:
        peers = await asyncio.gather(*(open_one(stack) for _ in range(1000)))
        await server.holds(1000)
        if server.program.chats:
            await peers[0].send("to all")
            found = await asyncio.gather(*(asyncio.wait_for(peer.recv(), 30) for peer in peers))
            check(set(found) == {"to all"}, f"they get {set(found)}")
        else:
            await asyncio.gather(*(echo(peer, f"client {number}") for number, peer in enumerate(peers)))


async def without_notify(server):
    """TLS: ends with close_notify, and lets go of a client that ends without it"""
    def talk(in_order):
        opened = server.trust.wrap_socket(
            socket.create_connection(("127.0.0.1", server.port), PATIENCE), server_hostname="localhost", suppress_ragged_eofs=False)
        with opened:
            opened.sendall(request() + (frame(CLOSE, b"\x03\xe8") if in_order else b""))
            said = b""
            while not said.endswith(b"\r\n\r\n\x88\x02\x03\xe8" if in_order else b"\r\n\r\n"):
                said += opened.recv(4096)
            # At the end that TLS does not know of, this fails.
            return opened.recv(1) if in_order else b""

    for in_order in (True, False):
        said = await asyncio.get_running_loop().run_in_executor(None, talk, in_order)
        check(said == b"", f"{said!r} comes after the Close")


async def plain_to_tls(server):
    """TLS: lets go of a client that does not speak it, and of one that stops in its handshake"""
    for sent in (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01"):
        async with await Peer.connect(server, tls=False) as peer:
            await peer.send(sent)
            await asyncio.sleep(0.1)


async def taken_port(server):
    """ends with status 1, all memory freed, and a line that says why, if its port is taken"""
    other = await Program.start(server.command)
    try:
        await other.ends(PATIENCE, status=1, complains=True)
        said = len(other.errors().splitlines())
        check(said == 1 or not server.program.stops, f"it says {said} lines instead of one: {other.errors()}")
    finally:
        await other.kill()


def shared_cases(program):
    cases = [messages, fragments, single_bytes, all_at_once, wrong_handshakes, wrong_frames, closes,
             close_behind_messages, breaks_off, resets, idles, thousand, taken_port]
    # With TLS, Python cannot end its own side only.
    cases += [without_notify, plain_to_tls] if program.tls else [half_closes, half_closed_and_slow]
    return cases


# --- With a server of their own --------------------------------------------------------------------------------------


async def stop_unused(server):
    """SIGTERM without a connection"""
    server.signal()
    await server.ends(SLACK)


async def stop_by_interrupt(server):
    """SIGINT with a connection"""
    async with client(server) as peer:
        await echo(peer, "hello")
        server.signal(signal.SIGINT)
        await asyncio.wait_for(peer.wait_closed(), PATIENCE)
        check(peer.close_code == 1001, f"the client sees {peer.close_code}")
    await server.ends(SLACK)


async def stop_silent(server):
    """SIGTERM with clients that are connected and have said nothing, or half of a handshake"""
    half = request()[:40]
    async with await Peer.connect(server, tls=False) as silent, await Peer.connect(server) as halfway:
        await halfway.send(half)
        await server.holds(2)
        server.signal()
        head = await halfway.head()
        check(head.startswith(b"HTTP/1.1 503 "), f"the answer to half a handshake is {head!r}")
        await asyncio.wait_for(halfway.reader.read(), PATIENCE)
        await asyncio.wait_for(silent.reader.read(), PATIENCE)
    await server.ends(SLACK)


async def stop_open(server):
    """SIGTERM with 50 connections: each gets Close 1001"""
    async with contextlib.AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(client(server)) for _ in range(50)]
        await echo(peers[0], "hello")
        server.signal()
        for peer in peers:
            await asyncio.wait_for(peer.wait_closed(), PATIENCE)
            check(peer.close_code == 1001, f"a client sees {peer.close_code}")
    await server.ends(SLACK)


async def stop_in_conversation(server):
    """SIGTERM while messages go to and fro: each that comes back is whole, and then comes Close 1001"""
    async with await Peer.open(server) as peer:
        sending = True

        async def send():
            number = 0
            while sending:
                await peer.send_frame(TEXT, str(number).encode())
                await asyncio.sleep(0.001)
                number += 1

        task = asyncio.create_task(send())
        await asyncio.sleep(0.2)
        server.signal()
        number = 0
        while (found := await peer.frame())[0] == TEXT:
            check(found[1] == str(number).encode(), f"{shown(*found)} comes instead of {number}")
            number += 1
        sending = False
        check(found[0] == CLOSE and found[1][:2] == b"\x03\xe9", f"{shown(*found)} comes instead of Close 1001")
        await task
        await peer.send_frame(CLOSE, b"\x03\xe9")
        await peer.expect_end()
    await server.ends(SLACK)


async def stop_in_message(server):
    """SIGTERM in the middle of a message in pieces"""
    async with await Peer.open(server) as peer:
        await peer.send_frame(TEXT, b"Hel", last=False)
        await peer.send(frame(0, b"lo")[:-1])
        await asyncio.sleep(0.2)
        server.signal()
        await peer.expect_close(1001)
        await peer.send(frame(0, b"lo")[-1:] + frame(CLOSE, b"\x03\xe9"))
        # What a closing server receives it may send back no more.
        await peer.expect_end()
    await server.ends(SLACK)


async def stop_while_output_waits(server):
    """SIGTERM while 10 MB wait for a client that reads on: it gets them all, and Close 1001"""
    payload = random.randbytes(10 * MEGABYTE)
    async with await Peer.open(server, buffer=65536) as peer:
        await peer.send_frame(BINARY, payload)
        await peer.has_input()
        server.signal()
        await asyncio.sleep(1)
        await peer.expect(BINARY, payload)
        await peer.expect_close(1001)
        await peer.send_frame(CLOSE, b"\x03\xe9")
        await peer.expect_end()
    await server.ends(SLACK)


async def stop_while_nobody_reads(server):
    """SIGTERM while 10 MB wait for a client that does not read: it ends by its deadlines"""
    async with await Peer.open(server, buffer=65536) as peer:
        await peer.send_frame(BINARY, bytes(10 * MEGABYTE))
        await peer.has_input()
        server.signal()
        # The system takes a little more now and then although nobody reads, which looks like progress.
        await server.ends(3 * CLOSE_TIMEOUT + LINGER + SLACK)


async def stop_without_answer(server):
    """SIGTERM with a client that does not answer the Close: it accepts no other, uses no time, and ends by its
    deadlines"""
    async with await Peer.open(server) as peer:
        server.signal()
        await peer.expect_close(1001)
        with contextlib.suppress(ConnectionError):
            (await connected(server.port)).close()
            raise Failure("it still accepts connections")
        await server.is_idle()
        await peer.expect_end()
        await server.ends(CLOSE_TIMEOUT + LINGER + SLACK)


async def stop_after_close(server):
    """SIGTERM after a Close, with a client that does not end TCP: it ends by its deadlines"""
    async with await Peer.open(server) as peer:
        await peer.send_frame(CLOSE, b"\x03\xe8")
        await peer.expect_close(1000)
        await peer.expect_end()
        server.signal()
        await server.ends(LINGER + SLACK)


async def lingers(server):
    """lets go of a client that does not end TCP after the Close"""
    async with await Peer.open(server) as peer:
        await peer.send_frame(CLOSE, b"\x03\xe8")
        await peer.expect_close(1000)
        await server.is_idle()
        await server.has_let_go(LINGER + SLACK)
    server.signal()
    await server.ends(SLACK)


async def slow_reader(server):
    """waits for a client that does not read: in bounded memory, without a busy loop, and no byte is lost"""
    size, count = 65536, 320
    noise = random.randbytes(size)
    payload = lambda number: number.to_bytes(4, "big") + noise[4:]  # noqa: E731
    async with await Peer.open(server, buffer=65536) as peer:
        before = server.memory("VmRSS")
        sent = 0

        async def send():
            nonlocal sent
            for number in range(count):
                await peer.send_frame(BINARY, payload(number))
                sent = number + 1

        sending = asyncio.create_task(send())
        while not sending.done():
            seen = sent
            await asyncio.sleep(1)
            if sent == seen:
                break
        await server.is_idle(0.7)
        grown = server.memory("VmHWM") - before
        for number in range(count):
            await peer.expect(BINARY, payload(number))
        await sending
        await peer.send_frame(CLOSE, b"\x03\xe8")
        await peer.expect_close(1000)
        await peer.expect_end()
    # The system's buffers have room for less than 5 MiB of it. The sanitizers need memory too.
    check(grown < 12 * MEGABYTE, f"it takes {grown / MEGABYTE:.1f} MiB for 20 MiB that nobody reads")
    server.signal()
    await server.ends(SLACK, 0 if server.program.stops else -signal.SIGTERM)


async def starts_again(server, start):
    """starts again at once, at the same port"""
    async with client(server) as peer:
        await echo(peer, "hello")
        server.signal()
        await asyncio.wait_for(peer.wait_closed(), PATIENCE)
    await server.ends(SLACK)
    again = await start(server.port)
    try:
        async with client(again) as peer:
            await echo(peer, "hello again")
        again.signal()
        await again.ends(SLACK)
    finally:
        await again.kill()


# Those that wait for deadlines, each at the side of all others; and the rest, in turn.
WAITING_CASES = [stop_while_nobody_reads, stop_without_answer, stop_after_close, lingers]
QUICK_CASES = [stop_unused, stop_by_interrupt, stop_silent, stop_open, stop_in_conversation, stop_in_message,
               stop_while_output_waits, starts_again]


# --- All of them -----------------------------------------------------------------------------------------------------


async def run(program, build, certificate, count):
    start = functools.partial(Listening.start, build, program, certificate)

    async def try_shared():
        server = await start()

        async def act(case):
            await case(server)
            check(not server.has_ended, f"the server has ended: {server.errors()[-3000:]}")
            await server.has_let_go()

        async def finish():
            server.signal()
            await server.ends(SLACK, 0 if program.stops else -signal.SIGTERM)

        try:
            for case in shared_cases(program):
                await count.try_case(case.__doc__, functools.partial(act, case))
            await count.try_case("ends with all memory freed, and without a complaint", finish)
        finally:
            await server.kill()

    async def try_in_turn(*cases):
        for case in cases:
            server = await start()

            async def act(case=case, server=server):
                await (case(server, start) if case is starts_again else case(server))
                check(len(server.output().splitlines()) <= 1, f"it prints {server.output()}")

            try:
                await count.try_case(case.__doc__, act)
            finally:
                await server.kill()

    own = [slow_reader, *QUICK_CASES] if program.stops else [slow_reader]
    waiting = WAITING_CASES if program.stops else []
    await asyncio.gather(try_shared(), try_in_turn(*own), *(try_in_turn(case) for case in waiting))
