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
import zlib

sys.dont_write_bytecode = True
import stomp_rules

HERE = pathlib.Path(__file__).resolve().parent

# Captures above 128 KiB whose messages, peers and ways of framing are all in others, and one without a byte.
LEFT_OUT = {
    "ws-aiohttp-node.ws-nopmd": "aiohttp-node.ws-pmd has the peers, wsclient-node.ws-pmd the messages",
    "ws-chromium-node.ws-sizes": "node.ws-node.ws-sizes has the messages, chromium-node.ws-pmd the peers",
    "ws-java25-node.ws-pmd": "java17-node.ws-pmd is the same client, one version before",
    "ws-websockets-node.ws-nopmd": "websockets-node.ws-pmd has the peers, wsclient-node.ws-pmd the messages",
    "ws-wsclient-node.ws-nopmd": "wsclient-node.ws-pmd is the same, as the client does not compress",
    "stomp10-stomp.py-activemq-basic": "stomp10-stomp.py-rabbitmq-basic has the frames, -activemq-nocl the peers",
    "stompraw-activemq-lowercase": "the connection failed; nothing was sent",
}

# The STOMP captures in which a side breaks a rule, by the last part of their names: the error, what stands at its
# place, and the reason, where the capture does not give it.
BROKEN = {
    "badcl": {"c2s": ("bad_content_length", b"abc\n", "content-length is no number")},
    "badescape": {"c2s": ("bad_escape", b"\\tx\n", "a backslash and t are no escape")},
    "emptykey": {
        "c2s": ("empty_name", b":value\n", "the client sends a header with an empty name"),
        "s2c": ("empty_name", b":value\n", "the broker passes on a header with an empty name"),
    },
    "http": {"c2s": ("unknown_command", b"GET / HTTP/1.1\r\n", "the client speaks HTTP")},
    "nul": {"c2s": ("nul_in_head", b"\0\0CONNECT\n", "there are NULs before frames")},
    "rawbin.text": {"s2c": ("invalid_utf8", b"", None)},
    "rawnl": {"c2s": ("missing_colon", b"\n", None)},
    "shortcl": {"c2s": ("body_not_terminated", b" world\0", "content-length is 5, but the body has 11 bytes")},
    "spacecl": {"c2s": ("bad_content_length", b" 5 \n", "there is white space around the number in content-length")},
    "trailbackslash": {"c2s": ("bad_escape", b"\\\n", "a value ends with a backslash, which escapes the end of line")},
    "unknowncmd": {"c2s": ("unknown_command", b"FROBNICATE\n", "there is no such command")},
    "utf8bad": {"c2s": ("body_not_terminated", b"SEND\n", "content-length is 11, but the body has 10 bytes")},
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


def payload_of(folder, entry):
    if "hex" in entry:
        return bytes.fromhex(entry["hex"])
    return (folder / "payloads" / pathlib.PurePath(entry["ref"]).name).read_bytes()


def header_size(length, masked):
    return 2 + (0 if length < 126 else 2 if length < 65536 else 8) + (4 if masked else 0)


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

    def __init__(self, name, known, messages, masked, wire):
        self.masked = masked
        self.frames = []
        self.events = []
        self.ended = False
        self.position = wire.index(b"\r\n\r\n") + 4
        self.begin = self.position
        self.messages = list(messages)
        self.pings = list(known["pings"])
        self.pongs = list(known["pongs"])
        self.close = known.get("close")
        self.parts = []  # of the open message: (offset in the stream, length)
        self.message_at = 0  # the place of its first frame
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
        self.position += header_size(length, masked)
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
                self.message_at = at - header_size(length, masked)
            self.parts.append((at, length))
            if fin:
                self.add_message()

    def add_message(self):
        kind, data = self.messages.pop(0)
        raw = sum(length for _, length in self.parts)
        assert self.compressed or raw == len(data)
        size = f"compressed {raw} " if self.compressed else ""
        bad = first_impossible(data) if kind == "text" else None
        if bad is None:
            self.events.append(f"{kind} {size}{payload(data)}")
            return
        if bad:
            self.events.append(f"{kind} unfinished {size}{payload(data[:bad])}")
        if self.compressed:
            self.fail("invalid_utf8", 1007, self.message_at)
            return
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


def variant(capture):
    return capture["name"].rpartition("-")[2]


def about(capture):
    lines = [f'client {peer(capture["client"])}', f'server {peer(capture["server"])}']
    lines += [f'via {peer(capture["via"])}'] if isinstance(capture.get("via"), dict) else []
    return [*lines, f'scenario {capture["scenario"]}']


def reads_of(capture, side):
    return " ".join(["reads", *(str(length) for direction, length in capture["chunks"] if direction == side)])


def websocket_transcript(folder, capture, more=(), stomp=None):
    """With `more` lines about the session, and of STOMP the lines of each side."""
    name, decoded = capture["name"], capture["decoded"]
    lines = [*about(capture), f'request {decoded["request_line"]}', f'response {decoded["status_line"]}']
    for key, word in (("subprotocol", "subprotocol"), ("agreed_extensions", "extensions")):
        if decoded[key]:
            lines.append(f"{word} {decoded[key]}")
    if "quirk" in capture:
        lines.append("quirk " + capture["quirk"])
    lines += more
    for side in ("c2s", "s2c"):
        lines += ["", side, reads_of(capture, side)]
        if side not in decoded:
            continue
        wire = (folder / f"{name}.{side}.bin").read_bytes()
        if stomp:
            messages = messages_in(wire, decoded[side]["frames"])
        else:
            messages = [(entry["t"], payload_of(folder, entry)) for entry in capture["truth"][side]]
        known = Direction(name, decoded[side], messages, int(side == "c2s"), wire)
        lines.append("frames " + " ".join(known.frames))
        lines += known.events
        if stomp:
            lines += [f"stomp {line}" for line in stomp[side]]
    return "\n".join(lines) + "\n"


# --- STOMP -----------------------------------------------------------------------------------------------------------


def quoted(text):
    """Text in quotation marks, with escapes for what cannot be seen."""
    escapes = {'"': '\\"', "\\": "\\\\", "\t": "\\t"}
    shown = (chr(byte) if 32 <= byte < 127 or byte == 9 else f"\\x{byte:02x}" for byte in text)
    return '"' + "".join(escapes.get(character, character) for character in shown) + '"'


def stomp_line(kind, what, *more):
    if kind == "heart-beat" or kind == "end":
        return f"{kind} @{what}"
    if kind == "error":
        return f"error {what} @{more[0]}"
    headers = "".join(f" {quoted(name)}:{quoted(value)}" for name, value in what.headers)
    return f"{kind} @{what.at} {what.command}{headers} {payload(what.body)}"


def messages_in(wire, frames):
    """The data messages, unmasked, and inflated where they are compressed."""
    at = wire.index(b"\r\n\r\n") + 4
    messages, window = [], zlib.decompressobj(-zlib.MAX_WBITS)
    for fin, rsv, opcode, masked, length in frames:
        at += header_size(length, masked)
        key = wire[at - 4 : at] if masked else bytes(4)
        data = bytes(byte ^ key[i % 4] for i, byte in enumerate(wire[at : at + length]))
        at += length
        if opcode in (1, 2):
            kind, parts, compressed = {1: "text", 2: "binary"}[opcode], [], rsv & 4
        if opcode < 8:
            parts.append(data)
            if fin:
                data = b"".join(parts)
                messages.append((kind, window.decompress(data + b"\0\0\xff\xff") if compressed else data))
    return messages


def stomp_stream(folder, capture, side):
    """The STOMP bytes of one side, and whether these are all: they end before a byte that no text message can hold."""
    wire = (folder / f'{capture["name"]}.{side}.bin').read_bytes()
    if capture["protocol"] == "stomp-tcp":
        return wire, True
    stream = b""
    for kind, data in messages_in(wire, capture["decoded"][side]["frames"]):
        bad = first_impossible(data) if kind == "text" else None
        stream += data[:bad]
        if bad is not None:
            return stream, False
    return stream, True


def check_stomp(folder, capture, side, stream, events):
    """What the rules give is what is known of the frames and heart-beats: of all, or of those before an error."""
    frames = [what for kind, what, *_ in events if kind == "frame"]
    truth = capture["truth"][side]
    for frame, entry in zip(frames, truth):
        headers = [[name.decode("utf-8"), value.decode("utf-8")] for name, value in frame.headers]
        assert [frame.command, headers] == [entry["command"], entry["headers"]], (capture["name"], side, frame.at)
        assert frame.body == payload_of(folder, entry["body"]), (capture["name"], side, frame.at)
    broken = BROKEN.get(variant(capture), {}).get(side)
    if broken:
        kind, error, at = events[-1]
        assert (kind, error) == ("error", broken[0]), (capture["name"], side, events[-1])
        assert stream[at:].startswith(broken[1]), (capture["name"], side, events[-1])
    else:
        heart_beats = sum(kind == "heart-beat" for kind, *_ in events)
        assert (len(frames), events[-1]) == (len(truth), ("end", len(stream))), (capture["name"], side, events[-1])
        assert heart_beats == capture["decoded"][side]["heartbeat_eols"], (capture["name"], side, heart_beats)


def stomp_transcript(folder, capture):
    streams = {side: stomp_stream(folder, capture, side) for side in ("c2s", "s2c")}
    agreed = stomp_rules.version_of(stomp_rules.Stream(streams["s2c"][0], None).events())
    stomp = {}
    for side, (stream, whole) in streams.items():
        events = list(stomp_rules.Stream(stream, agreed).events())
        if not whole:
            events[-1] = ("error", "invalid_utf8", len(stream))
        check_stomp(folder, capture, side, stream, events)
        stomp[side] = [stomp_line(*event) for event in events]
    lines = [f"version {agreed}"] if agreed else []
    if capture["protocol"] == "stomp-ws":
        return websocket_transcript(folder, capture, lines, stomp)
    broken = BROKEN.get(variant(capture), {}).values()
    lines = [*about(capture), *(f"quirk {reason}" for _, _, reason in broken), *lines]
    for side in ("c2s", "s2c"):
        lines += ["", side, reads_of(capture, side), *(f"stomp {line}" for line in stomp[side])]
    return "\n".join(lines) + "\n"


# --- All captures ----------------------------------------------------------------------------------------------------


def write_all(folder, kind, to, short_name, transcript):
    to.mkdir(exist_ok=True)
    for old in [*to.glob("*.bin"), *to.glob("*.txt")]:
        old.unlink()
    for path in sorted(folder.glob(f"{kind}*.json")):
        capture = json.loads(path.read_text(encoding="utf-8"))
        name = capture["name"]
        if name in LEFT_OUT:
            continue
        (to / f"{short_name(name)}.txt").write_text(transcript(folder, capture), encoding="utf-8")
        for side in ("c2s", "s2c"):
            shutil.copyfile(folder / f"{name}.{side}.bin", to / f"{short_name(name)}.{side}.bin")


def main():
    if len(sys.argv) != 2:
        sys.exit("convert.py FOLDER: the folder that holds the captures")
    folder = pathlib.Path(sys.argv[1])
    write_all(folder, "ws-", HERE, lambda name: name.removeprefix("ws-"), websocket_transcript)
    write_all(folder, "stomp", HERE / "stomp", str, stomp_transcript)


if __name__ == "__main__":
    main()
