// As server.cpp, with npm's ws: node ws.js PORT COMPRESSES(0 or 1)
// SPDX-License-Identifier: MIT
"use strict";

const { WebSocketServer } = require("ws");

const server = new WebSocketServer({
    host: "127.0.0.1",
    port: Number(process.argv[2]),
    perMessageDeflate: process.argv[3] === "1" ? { threshold: 0 } : false,
});
server.on("connection", (socket) => {
    socket.on("message", (data) => {
        for (const each of server.clients) each.send(data, { binary: false });
    });
});
