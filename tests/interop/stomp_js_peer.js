// @stomp/stompjs in Node, over Debian's node-ws or over TCP; commands and events are those of stomp_peer.cpp.
// SPDX-License-Identifier: MIT
"use strict";
const net = require("net");
const readline = require("readline");
const StompJs = require("@stomp/stompjs");
const { WebSocket } = require("ws");
const stompClient = require("./stomp_client.js");

globalThis.crypto ??= require("crypto").webcrypto;

// The functions of a WebSocket that stompjs needs, on a TCP connection.
class TcpSocket {
    constructor(port) {
        this.readyState = WebSocket.CONNECTING;
        this.socket = net.connect(port, "127.0.0.1");
        this.socket.setNoDelay();
        this.socket.on("connect", () => {
            this.readyState = WebSocket.OPEN;
            this.onopen();
        });
        this.socket.on("data", (data) => this.onmessage({ data: new Uint8Array(data).buffer }));
        this.socket.on("error", () => {});
        this.socket.on("close", () => {
            this.readyState = WebSocket.CLOSED;
            this.onclose({});
        });
    }

    send(data) {
        this.socket.write(typeof data === "string" ? data : new Uint8Array(data));
    }

    close() {
        this.readyState = WebSocket.CLOSING;
        this.socket.end();
    }

    terminate() {
        this.readyState = WebSocket.CLOSING;
        this.socket.destroy();
    }
}

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
