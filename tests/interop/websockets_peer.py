# Debian's python3-websockets as either end of a WebSocket; commands and events are those of peer.cpp.
#   websockets_peer.py server|client [no-deflate | deflate WORD…]
# Each WORD is an argument of its permessage-deflate: NAME, NAME=N or NAME=no. Without any of these it has its defaults.
# Other than there: `raw HEX` sends bytes that the library knows nothing of.
# SPDX-License-Identifier: MIT
import asyncio
import http
import sys
import threading

import websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory

from lines import emit, emit_message, from_hex, message_of, payload_of, settings_of

# Its own Pings and limits would get in the way; what it offers and accepts otherwise is its default.
OPTIONS = {"ping_interval": None, "max_size": None, "close_timeout": 5}
ROLE = sys.argv[1]


def deflate_options(how="", *words):
    if not how:
        return {}
    if how == "no-deflate":
        return {"compression": None}
    factory = {"server": ServerPerMessageDeflateFactory, "client": ClientPerMessageDeflateFactory}[ROLE]
    values = {"": True, "no": None}
    pairs = (word.partition("=") for word in words)
    wanted = {name: values[value] if value in values else int(value) for name, _, value in pairs}
    return {"compression": None, "extensions": [factory(**wanted)]}


OPTIONS |= deflate_options(*sys.argv[2:])


async def ping(ws, data):
    await (await ws.ping(data))
    emit("pong", hex=data.hex())


async def obey(ws, words):
    verb = words[0]
    if verb in ("text", "binary"):
        await ws.send(message_of(verb, payload_of(words)))
    elif verb == "fragments":
        # In text this library wants whole characters, so each frame is written as it is.
        for i, word in enumerate(words[2:]):
            opcode = 0 if i else {"text": 1, "binary": 2}[words[1]]
            await ws.write_frame(i + 3 == len(words), opcode, from_hex(word))
    elif verb == "ping":
        await ping(ws, payload_of(words))
    elif verb == "pong":
        await ws.pong(payload_of(words))
    elif verb == "close":
        await ws.close(int(words[1]), from_hex(words[2]).decode() if len(words) > 2 else "")
    elif verb == "raw":
        ws.transport.write(payload_of(words))
    elif verb == "drop":
        ws.transport.abort()


async def read(ws):
    try:
        async for message in ws:
            emit_message(message)
    except websockets.ConnectionClosed:
        pass


async def obey_all(ws, lines):
    tasks = set()
    while True:
        words = (await lines.get()).split()
        tasks.add(asyncio.create_task(obey(ws, words)))


async def converse(ws, lines, **opened):
    emit("open", subprotocol=ws.subprotocol or "", extensions=[each.name for each in ws.extensions], **opened)
    obeying = asyncio.create_task(obey_all(ws, lines))
    await read(ws)
    await ws.wait_closed()
    obeying.cancel()
    emit("closed", code=ws.close_code, reason=(ws.close_reason or "").encode().hex())


async def serve(lines):
    one_at_a_time = asyncio.Lock()
    chosen = [None]

    async def process_request(path, fields):
        await one_at_a_time.acquire()
        emit("request", target=path, fields=list(fields.raw_items()))
        words = (await lines.get()).split()
        subprotocols, fields, body = settings_of(words)
        if words[0] == "accept":
            chosen[0] = subprotocols[0] if subprotocols else None
            return None
        one_at_a_time.release()
        return http.HTTPStatus(int(words[1])), fields, body

    async def handle(ws):
        await converse(ws, lines)
        one_at_a_time.release()

    # With any list of its own it asks select_subprotocol, which may answer what it likes.
    server = await websockets.serve(
        handle, "127.0.0.1", 0, process_request=process_request, subprotocols=["unused"],
        select_subprotocol=lambda offered, own: chosen[0], **OPTIONS)
    print(f"listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.Future()


async def connect(lines):
    while True:
        words = (await lines.get()).split()
        subprotocols, fields, _ = settings_of(words)
        try:
            ws = await websockets.connect(
                f"ws://127.0.0.1:{words[1]}{words[2]}", subprotocols=subprotocols or None, extra_headers=fields,
                **OPTIONS)
        except websockets.InvalidStatusCode as refusal:
            emit("refused", status=refusal.status_code, fields=list(refusal.headers.raw_items()))
            emit("closed", code=1006, reason="")
        except (websockets.InvalidHandshake, OSError) as error:
            emit("closed", code=1006, reason="", error=str(error))
        else:
            await converse(ws, lines, fields=list(ws.response_headers.raw_items()))


async def main():
    lines = asyncio.Queue()
    loop = asyncio.get_running_loop()
    work = asyncio.create_task({"server": serve, "client": connect}[ROLE](lines))

    def read_input():
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line)
        loop.call_soon_threadsafe(work.cancel)

    threading.Thread(target=read_input, daemon=True).start()
    await asyncio.wait([work])
    if not work.cancelled():
        work.result()


asyncio.run(main())
