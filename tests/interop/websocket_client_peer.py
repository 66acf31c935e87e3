# Debian's python3-websocket (websocket-client) as a client; commands and events are those of peer.cpp.
# Other than there: `raw HEX` sends bytes that the library knows nothing of.
# SPDX-License-Identifier: MIT
import os
import select
import sys

import websocket
from websocket import ABNF

from lines import emit, emit_message, from_hex, payload_of, settings_of


class commands:
    """The lines of standard input, without waiting for them."""

    def __init__(self):
        self.rest = b""

    def read(self):
        """The input that has come, as a list of lines; the program ends with its input."""
        data = os.read(0, 1 << 20)
        if not data:
            sys.exit()
        *lines, self.rest = (self.rest + data).split(b"\n")
        return [line.decode().split() for line in lines]


def obey(ws, words):
    verb = words[0]
    if verb == "text":
        ws.send(payload_of(words), ABNF.OPCODE_TEXT)
    elif verb == "binary":
        ws.send_binary(payload_of(words))
    elif verb == "fragments":
        for i, word in enumerate(words[2:]):
            opcode = ABNF.OPCODE_CONT if i else {"text": ABNF.OPCODE_TEXT, "binary": ABNF.OPCODE_BINARY}[words[1]]
            ws.send_frame(ABNF.create_frame(from_hex(word), opcode, int(i + 3 == len(words))))
    elif verb == "ping":
        ws.ping(payload_of(words))
    elif verb == "pong":
        ws.pong(payload_of(words))
    elif verb == "close":
        ws.send_close(int(words[1]), payload_of(["", *words[2:3]]))
    elif verb == "raw":
        ws.sock.sendall(payload_of(words))
    elif verb == "drop":
        ws.sock.close()
        ws.sock = None


def receive(ws):
    """Reads one frame or message, and says what the peer closed with, if it did."""
    # `connected` is false once Close was sent; after that recv_data_frame would answer the peer's with another.
    if ws.connected:
        opcode, frame = ws.recv_data_frame(control_frame=True)
    else:
        frame = ws.recv_frame()
        opcode = frame.opcode
    if opcode == ABNF.OPCODE_TEXT:
        emit_message(frame.data.decode())
    elif opcode == ABNF.OPCODE_BINARY:
        emit_message(frame.data)
    elif opcode == ABNF.OPCODE_PONG:
        emit("pong", hex=frame.data.hex())
    elif opcode == ABNF.OPCODE_CLOSE:
        return {"code": int.from_bytes(frame.data[:2], "big") or 1005, "reason": frame.data[2:].hex()}
    return None


def converse(ws, lines):
    emit("open", subprotocol=ws.subprotocol or "", extensions=[], fields=list(ws.headers.items()))
    closed = None
    while not closed and ws.sock:
        ready, _, _ = select.select([0, ws.sock], [], [])
        try:
            if 0 in ready:
                for words in lines.read():
                    obey(ws, words)
            elif ws.sock in ready:
                closed = receive(ws)
        except (websocket.WebSocketException, OSError) as error:
            closed = {"code": 1006, "reason": "", "error": str(error)}
    if ws.sock:
        ws.shutdown()
    emit("closed", **(closed or {"code": 1006, "reason": ""}))


def connect(words, lines):
    subprotocols, fields, _ = settings_of(words)
    try:
        # Its own check of UTF-8 takes longer for 16 MiB than anyone waits; the text is decoded all the same.
        ws = websocket.create_connection(
            f"ws://127.0.0.1:{words[1]}{words[2]}", timeout=20, subprotocols=subprotocols, skip_utf8_validation=True,
            header=[f"{name}: {value}" for name, value in fields])
    except websocket.WebSocketBadStatusException as refusal:
        emit("refused", status=refusal.status_code, fields=list(refusal.resp_headers.items()))
        emit("closed", code=1006, reason="")
    except (websocket.WebSocketException, OSError) as error:
        emit("closed", code=1006, reason="", error=str(error))
    else:
        converse(ws, lines)


def main():
    lines = commands()
    while True:
        for words in lines.read():
            connect(words, lines)


main()
