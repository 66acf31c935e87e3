// STOMP clients in JavaScript as their users start them, in a browser and in Node: with the address of the server, and
// with no other setting. Events are those of default_cases.py.
//   node default_client.js NAME tcp|ws PORT DESTINATION BYTES    NAME is that of the npm package
// SPDX-License-Identifier: MIT
"use strict";

// `libraries` are what the packages export; `tcp` makes a socket with the functions of a WebSocket, for a client that
// cannot connect without one. `emit` takes an event and a function that describes it.
function defaultClient({ libraries, tcp, emit }, name, carrier, port, destination, bytes) {
    const url = `ws://127.0.0.1:${port}/`;
    const bodies = ["안녕하세요, 소켓 없이", "é".repeat(bytes / 2)];
    let received = 0;

    const toHex = (data) => Array.from(new Uint8Array(data), (byte) => byte.toString(16).padStart(2, "0")).join("");
    const closed = () => emit("closed", () => ({}));

    // Tells of a message, acknowledges it, and then goes if that was the last one.
    function take(message, leave) {
        const body = new TextEncoder().encode(message.body);
        emit("message", async () => ({
            bytes: body.length,
            sha1: toHex(await crypto.subtle.digest("SHA-1", body)),
        }));
        message.ack();
        if (++received === bodies.length) leave();
    }

    function stompStompjs() {
        const client = new libraries[name].Client(
            carrier === "ws" ? { brokerURL: url } : { webSocketFactory: () => tcp(port) });
        client.onConnect = () => {
            emit("connected", () => ({}));
            client.subscribe(destination, (message) => take(message, () => client.deactivate().then(closed)),
                             { ack: "client" });
            for (const body of bodies) client.publish({ destination, body });
        };
        client.onStompError = (frame) => emit("error", () => frame.headers);
        client.activate();
    }

    // Those with the functions of the first STOMP client for browsers; in one of them the body comes before the headers.
    function older(client, send) {
        client.connect({}, () => {
            emit("connected", () => ({}));
            client.subscribe(destination, (message) => take(message, () => client.disconnect(closed)),
                             { ack: "client" });
            for (const body of bodies) send(client, body);
        }, (error) => emit("error", () => error.headers ?? {}));
    }

    function stompjs() {
        const { client, overTCP, overWS = client } = libraries[name];  // in a browser the last two are missing
        older(carrier === "ws" ? overWS(url) : overTCP("127.0.0.1", Number(port)),
              (to, body) => to.send(destination, {}, body));
    }

    function webstompClient() {
        older(libraries[name].client(url), (to, body) => to.send(destination, body));
    }

    ({ "@stomp/stompjs": stompStompjs, stompjs, "webstomp-client": webstompClient })[name]();
}

if (typeof module !== "undefined") {
    const { WebSocket } = require("ws");
    const TcpSocket = require("./tcp_socket.js");
    // A client that needs the WebSocket of a browser has Debian's node-ws.
    globalThis.WebSocket = WebSocket;
    globalThis.crypto ??= require("crypto").webcrypto;
    // By default webstomp-client shows all that it sends and receives.
    console.log = () => {};
    let settled = Promise.resolve();
    const [name, ...more] = process.argv.slice(2);
    defaultClient({
        emit: (event, describe) => {
            settled = settled.then(
                async () => process.stdout.write(JSON.stringify({ event, ...await describe() }) + "\n"));
        },
        tcp: (port) => new TcpSocket(port),
        libraries: { [name]: require(name) },
    }, name, ...more);
}
