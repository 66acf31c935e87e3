# The peers written in Python share this: commands from standard input, events to standard output (see peer.cpp).
# SPDX-License-Identifier: MIT
import hashlib
import json
import sys


def emit(event, **members):
    sys.stdout.write(json.dumps({"event": event, **members}) + "\n")
    sys.stdout.flush()


def emit_message(message):
    text = isinstance(message, str)
    data = message.encode() if text else message
    emit("message", type="text" if text else "binary", bytes=len(data), sha1=hashlib.sha1(data).hexdigest())


def from_hex(word):
    return b"" if word == "-" else bytes.fromhex(word)


def payload_of(words):
    """The bytes that `text HEX [BYTES]` and its like ask for."""
    data = from_hex(words[1]) if len(words) > 1 else b""
    if len(words) < 3:
        return data
    size = int(words[2])
    return (data * (size // len(data) + 1))[:size]


def message_of(type, data):
    return data.decode() if type == "text" else data


def settings_of(words):
    """The words `subprotocol=NAME`, `field=NAME:HEX` and `body=HEX`, as (subprotocols, fields, body)."""
    subprotocols, fields, body = [], [], b""
    for name, _, value in (word.partition("=") for word in words):
        if name == "subprotocol":
            subprotocols.append(value)
        elif name == "field":
            field, _, text = value.partition(":")
            fields.append((field, from_hex(text).decode()))
        elif name == "body":
            body = from_hex(value)
    return subprotocols, fields, body
