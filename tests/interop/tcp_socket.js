// A TCP connection with the functions of a WebSocket that @stomp/stompjs needs.
// SPDX-License-Identifier: MIT
"use strict";
const net = require("net");
const { WebSocket } = require("ws");

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

module.exports = TcpSocket;
