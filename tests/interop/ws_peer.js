// Debian's node-ws as either end of a WebSocket; commands and events are those of peer.cpp.
//   ws_peer.js server|client [no-deflate | deflate WORD…]
// Each WORD is an option of its perMessageDeflate, but written as in RFC 7692: NAME, NAME=N or NAME=no. Without any of
// these it has its defaults.
// Other than there: `raw HEX` sends bytes that the library knows nothing of.
// SPDX-License-Identifier: MIT
"use strict";
const crypto = require("crypto");
const http = require("http");
const readline = require("readline");
const { WebSocket, WebSocketServer } = require("ws");

const emit = (event, members = {}) => process.stdout.write(JSON.stringify({ event, ...members }) + "\n");

const fromHex = (word = "-") => (word === "-" ? Buffer.alloc(0) : Buffer.from(word, "hex"));

function payloadOf(words) {
    const data = fromHex(words[1]);
    return words.length < 3 ? data : Buffer.alloc(Number(words[2]), data);
}

function settingsOf(words) {
    const found = { subprotocols: [], fields: [], body: Buffer.alloc(0) };
    for (const word of words) {
        const [, name, value] = /^(\w+)=(.*)$/.exec(word) || [];
        if (name === "subprotocol") found.subprotocols.push(value);
        if (name === "body") found.body = fromHex(value);
        if (name === "field") {
            const colon = value.indexOf(":");
            found.fields.push([value.slice(0, colon), fromHex(value.slice(colon + 1)).toString()]);
        }
    }
    return found;
}

// Pairs from the flat list that node makes of a head.
const pairs = (flat) => flat.flatMap((name, i) => (i % 2 ? [] : [[name, flat[i + 1]]]));

// The options of permessage-deflate: see the top.
function deflateOf([how, ...words]) {
    if (how !== "deflate") return how !== "no-deflate";
    return Object.fromEntries(words.map((word) => {
        const [name, value] = word.split("=");
        const set = value === undefined || (value === "no" ? false : Number(value));
        return [name.replace(/_(.)/g, (_, letter) => letter.toUpperCase()), set];
    }));
}

const perMessageDeflate = deflateOf(process.argv.slice(3));

// The function that obeys the next command: that of a connection, of a request that waits for its answer, or `idle`. A
// server asks about one request after the other.
let obey = null;
let idle = null;
const requests = [];

function rest() {
    obey = idle;
    if (requests.length > 0) requests.shift()();
}

function converse(ws, opened = {}) {
    emit("open", { subprotocol: ws.protocol, extensions: Object.keys(ws._extensions || {}), ...opened });
    obey = (words) => {
        switch (words[0]) {
        case "text": return ws.send(payloadOf(words), { binary: false });
        case "binary": return ws.send(payloadOf(words), { binary: true });
        case "fragments":
            return words.slice(2).forEach((word, i, all) =>
                ws.send(fromHex(word), { binary: words[1] === "binary", fin: i + 1 === all.length }));
        case "ping": return ws.ping(payloadOf(words));
        case "pong": return ws.pong(payloadOf(words));
        case "close": return words.length > 1 ? ws.close(Number(words[1]), fromHex(words[2])) : ws.close();
        case "raw": return ws._socket.write(payloadOf(words));
        case "drop": return ws.terminate();
        }
    };
    ws.on("message", (data, binary) => emit("message", {
        type: binary ? "binary" : "text",
        bytes: data.length,
        sha1: crypto.createHash("sha1").update(data).digest("hex"),
    }));
    ws.on("pong", (data) => emit("pong", { hex: data.toString("hex") }));
}

// A connection ends once, opened or not.
function watch(ws) {
    ws.on("error", () => {});
    ws.on("close", (code, reason) => {
        emit("closed", { code, reason: reason.toString("hex") });
        rest();
    });
}

function serve() {
    let chosen = false;
    const server = http.createServer();
    const sockets = new WebSocketServer({
        server,
        perMessageDeflate, // whether or not a client has asked for it
        handleProtocols: () => chosen,
        verifyClient: ({ req }, answer) => {
            requests.push(() => {
                emit("request", { target: req.url, fields: pairs(req.rawHeaders) });
                obey = (words) => {
                    const { subprotocols, fields, body } = settingsOf(words);
                    chosen = subprotocols[0] || false;
                    if (words[0] === "accept") return answer(true);
                    answer(false, Number(words[1]), body.toString(), Object.fromEntries(fields));
                    rest();
                };
            });
            if (obey === idle) rest();
        },
    });
    sockets.on("connection", (ws) => {
        watch(ws);
        converse(ws);
    });
    server.listen(0, "127.0.0.1", () => process.stdout.write(`listening on 127.0.0.1:${server.address().port}\n`));
}

function connect(words) {
    const { subprotocols, fields } = settingsOf(words);
    const ws = new WebSocket(`ws://127.0.0.1:${words[1]}${words[2]}`, subprotocols,
                             { headers: Object.fromEntries(fields), perMessageDeflate });
    let head = [];
    watch(ws);
    ws.on("upgrade", (response) => { head = pairs(response.rawHeaders); });
    ws.on("open", () => converse(ws, { fields: head }));
    ws.on("unexpected-response", (_, response) => {
        const body = [];
        response.on("data", (data) => body.push(data));
        response.on("end", () => {
            emit("refused", {
                status: response.statusCode,
                fields: pairs(response.rawHeaders),
                hex: Buffer.concat(body).toString("hex"),
            });
            ws.terminate();
        });
    });
}

if (process.argv[2] === "server") serve();
else obey = idle = connect;
const input = readline.createInterface({ input: process.stdin });
input.on("line", (line) => obey(line.split(" ")));
input.on("close", () => process.exit());
