// @stomp/stompjs in Node, over Debian's node-ws or over TCP; commands and events are those of stomp_peer.cpp.
// SPDX-License-Identifier: MIT
"use strict";
const readline = require("readline");
const StompJs = require("@stomp/stompjs");
const { WebSocket } = require("ws");
const stompClient = require("./stomp_client.js");
const TcpSocket = require("./tcp_socket.js");

globalThis.crypto ??= require("crypto").webcrypto;

let settled = Promise.resolve();
const obey = stompClient({
    // Keeps the order of events, some of which take a while to describe.
    emit: (event, describe) => {
        settled = settled.then(async () => process.stdout.write(JSON.stringify({ event, ...await describe() }) + "\n"));
    },
    open: ({ transport, port, target }, subprotocols) => (transport === "tcp" ? new TcpSocket(Number(port))
        : new WebSocket(`ws://127.0.0.1:${port}${target}`, subprotocols)),
    StompJs,
});
const input = readline.createInterface({ input: process.stdin });
input.on("line", (line) => obey(line.split(" ")));
input.on("close", () => process.exit());
