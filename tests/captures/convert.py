#!/usr/bin/env python3
# Makes the transcripts here from a folder of captures: convert.py FOLDER
# README.md says what the captures are, what is left out, and what a transcript holds.
# SPDX-License-Identifier: MIT
import codecs
import hashlib
import json
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent

# Captures above 128 KiB whose messages, peers and ways of framing are all in others.
LEFT_OUT = {
    "ws-aiohttp-node.ws-nopmd": "aiohttp-node.ws-pmd has the peers, wsclient-node.ws-pmd the messages",
    "ws-chromium-node.ws-sizes": "node.ws-node.ws-sizes has the messages, chromium-node.ws-pmd the peers",
    "ws-java25-node.ws-pmd": "java17-node.ws-pmd is the same client, one version before",
    "ws-websockets-node.ws-nopmd": "websockets-node.ws-pmd has the peers, wsclient-node.ws-pmd the messages",
    "ws-wsclient-node.ws-nopmd": "wsclient-node.ws-pmd is the same, as the client does not compress",
}

LONGEST_IN_HEX = 48
SENDABLE = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}
NO_STATUS = 1005


def peer(known):
    return f'{known["name"]} {known["version"]}'


def payload(data):
    """A payload as text: its length, and itself or its hash."""
    shown = data.hex() if len(data) <= LONGEST_IN_HEX else "sha1:" + hashlib.sha1(data).hexdigest()
    return f"{len(data)} {shown}".rstrip()


def message_bytes(folder, entry):
    if "hex" in entry:
        return bytes.fromhex(entry["hex"])
    return (folder / "payloads" / pathlib.PurePath(entry["ref"]).name).read_bytes()


def first_impossible(text):
    """The index of the first byte that cannot stand in UTF-8, or None."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for i in range(len(text)):
        try:
            decoder.decode(text[i : i + 1])
        except UnicodeDecodeError:
            return i
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return len(text)
    return None


class Direction:
    """What a strict decoder must say about one side, from the frames and messages that are known of it."""

    def __init__(self, folder, name, known, truth, masked, wire):
        self.masked = masked
        self.frames = []
        self.events = []
        self.ended = False
        self.position = wire.index(b"\r\n\r\n") + 4
        self.begin = self.position
        self.messages = [(entry["t"], message_bytes(folder, entry)) for entry in truth]
        self.pings = list(known["pings"])
        self.pongs = list(known["pongs"])
        self.close = known.get("close")
        self.parts = []  # of the open message: (offset in the stream, length)
        self.compressed = False
        assert not known["leftover_bytes"] and not known["unfinished_message"], name
        for frame in known["frames"]:
            self.add(*frame)
            if self.ended:
                return
        assert self.position == len(wire) and not self.messages, name
        self.events.append(f"error end_of_input 1006 @{self.position - self.begin}")

    def add(self, fin, rsv, opcode, masked, length):
        assert masked == self.masked
        self.frames.append(f"{fin << 7 | rsv << 4 | opcode:02x}:{length}")
        self.position += 2 + (0 if length < 126 else 2 if length < 65536 else 8) + (4 if masked else 0)
        at = self.position - self.begin
        self.position += length
        if opcode == 8:
            self.add_close(at, length)
        elif opcode == 9:
            self.events.append(f"ping {payload(bytes.fromhex(self.pings.pop(0)))}")
        elif opcode == 10:
            self.events.append(f"pong {payload(bytes.fromhex(self.pongs.pop(0)))}")
        else:
            if opcode != 0:
                self.parts, self.compressed = [], bool(rsv & 4)
            self.parts.append((at, length))
            if fin:
                self.add_message()

    def add_message(self):
        kind, data = self.messages.pop(0)
        raw = sum(length for _, length in self.parts)
        if self.compressed:
            self.events.append(f"{kind} compressed {raw} {payload(data)}")
            return
        assert raw == len(data)
        bad = first_impossible(data) if kind == "text" else None
        if bad is None:
            self.events.append(f"{kind} {payload(data)}")
            return
        if bad:
            self.events.append(f"{kind} unfinished {payload(data[:bad])}")
        for at, length in self.parts:
            if bad < length:
                break
            bad -= length
        self.fail("invalid_utf8", 1007, at + bad)

    def add_close(self, at, length):
        if length == 0:
            code, reason = NO_STATUS, b""
        else:
            code, reason = self.close["code"], self.close["reason"].encode("utf-8")
            if code not in SENDABLE:
                self.fail("close_code_invalid", 1002, at)
                return
            assert len(reason) == length - 2
        self.events.append(f"close {code} {payload(reason)}")
        self.ended = True

    def fail(self, error, code, at):
        self.events.append(f"error {error} {code} @{at}")
        self.ended = True


def transcript(folder, capture):
    name, decoded = capture["name"], capture["decoded"]
    lines = [f'client {peer(capture["client"])}', f'server {peer(capture["server"])}']
    lines += [f'via {peer(capture["via"])}'] if isinstance(capture.get("via"), dict) else []
    lines += [f'scenario {capture["scenario"]}', f'request {decoded["request_line"]}']
    lines += [f'response {decoded["status_line"]}']
    for key, word in (("subprotocol", "subprotocol"), ("agreed_extensions", "extensions")):
        if decoded[key]:
            lines.append(f"{word} {decoded[key]}")
    if "quirk" in capture:
        lines.append("quirk " + capture["quirk"])
    for side in ("c2s", "s2c"):
        reads = [str(length) for direction, length in capture["chunks"] if direction == side]
        lines += ["", side, "reads " + " ".join(reads)]
        if side not in decoded:
            continue
        wire = (folder / f"{name}.{side}.bin").read_bytes()
        known = Direction(folder, name, decoded[side], capture["truth"][side], int(side == "c2s"), wire)
        lines.append("frames " + " ".join(known.frames))
        lines += known.events
    return "\n".join(lines) + "\n"


def main():
    if len(sys.argv) != 2:
        sys.exit("convert.py FOLDER: the folder that holds the captures")
    folder = pathlib.Path(sys.argv[1])
    for old in [*HERE.glob("*.bin"), *HERE.glob("*.txt")]:
        old.unlink()
    for path in sorted(folder.glob("ws-*.json")):
        capture = json.loads(path.read_text(encoding="utf-8"))
        if capture["name"] in LEFT_OUT:
            continue
        short = capture["name"].removeprefix("ws-")
        (HERE / f"{short}.txt").write_text(transcript(folder, capture), encoding="utf-8")
        for side in ("c2s", "s2c"):
            shutil.copyfile(folder / f'{capture["name"]}.{side}.bin', HERE / f"{short}.{side}.bin")


if __name__ == "__main__":
    main()
