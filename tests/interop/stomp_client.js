// A client made of @stomp/stompjs, in a browser and in Node; commands and events are those of stomp_peer.cpp.
// SPDX-License-Identifier: MIT
"use strict";

// `open` gives the WebSocket, or what looks like one; `emit` takes an event and a function that describes it. Gives the
// function that obeys a command.
function stompClient({ StompJs, open, emit }) {
    let client = null;
    let heartBeats = 0;

    const bytesOf = (word) => Uint8Array.from(word === "-" ? [] : word.match(/../g), (digits) => parseInt(digits, 16));
    const textOf = (word) => new TextDecoder("utf-8", { fatal: true }).decode(bytesOf(word));
    const octets = (text) => Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
    const toHex = (data) => Array.from(new Uint8Array(data), (byte) => byte.toString(16).padStart(2, "0")).join("");
    const described = (headers) =>
        Object.fromEntries(Object.entries(headers).map(([name, value]) => [octets(name), octets(value)]));

    // The words `name=HEX` of a command, and, as `headers`, its words `header=HEX:HEX`.
    function settingsOf(words) {
        const found = { headers: {} };
        for (const word of words) {
            const [name, value] = word.split("=");
            const [key, text] = value.split(":");
            if (name === "header") found.headers[textOf(key)] = textOf(text);
            else found[name] = name === "body" ? value : textOf(value);
        }
        for (const name of ["receipt", "transaction", "content-type", "id", "ack"]) {
            if (name in found) found.headers[name] = found[name];
        }
        return found;
    }

    function connect(how) {
        const [outgoing, incoming] = how["heart-beat"].split(",").map(Number);
        const versions = new StompJs.Versions(how.version.split(","));
        const given = ["login", "passcode"].filter((name) => name in how);
        heartBeats = 0;
        client = new StompJs.Client({
            reconnectDelay: 0,
            stompVersions: versions,
            connectHeaders: Object.fromEntries(given.map((name) => [name, how[name]])),
            heartbeatOutgoing: outgoing,
            heartbeatIncoming: incoming,
            splitLargeFrames: "split" in how,
            forceBinaryWSFrames: "binary" in how,
            webSocketFactory: () => open(how, versions.protocolVersions()),
            onConnect: ({ headers }) => emit("connected", () => ({
                version: headers.version || "",
                server: headers.server || "",
                session: headers.session || "",
                heart_beat: headers["heart-beat"] || "",
            })),
            onDisconnect: onReceipt,
            onUnhandledReceipt: onReceipt,
            onStompError: ({ headers }) => emit("error", () => ({ headers: described(headers) })),
            onHeartbeatReceived: () => { ++heartBeats; },
            onHeartbeatLost: () => emit("heart_beat_lost", () => ({})),
            onWebSocketClose: ({ code }) => emit("closed", () => ({ code })),
        });
        client.activate();
    }

    function onReceipt({ headers }) {
        emit("receipt", () => ({ id: octets(headers["receipt-id"]) }));
    }

    function onMessage({ headers, binaryBody }) {
        emit("message", async () => ({
            headers: described(headers),
            bytes: binaryBody.length,
            sha1: toHex(await crypto.subtle.digest("SHA-1", binaryBody)),
        }));
    }

    // A body that is text goes out as text.
    function send({ destination, headers, body = "-" }) {
        let text = null;
        try {
            text = textOf(body);
        } catch (error) {
            return client.publish({ destination, headers, binaryBody: bytesOf(body) });
        }
        client.publish({ destination, headers, body: text });
    }

    // stompjs writes the name that the version has for a message, and all else that it is given.
    function acknowledge(verb, how) {
        const name = client.connectedVersion === "1.2" ? how.ack : how["message-id"];
        const { id, ack, ...headers } = how.headers;
        client[verb](name, how.subscription, headers);
    }

    return (words) => {
        const verb = words[0];
        const how = settingsOf(words.slice(1));
        switch (verb) {
        case "connect": return connect(how);
        case "send": return send(how);
        case "subscribe": return void client.subscribe(how.destination, onMessage, how.headers);
        case "unsubscribe": return client.unsubscribe(how.id, how.headers);
        case "ack":
        case "nack": return acknowledge(verb, how);
        case "begin": return void client.begin(how.transaction);
        case "commit":
        case "abort": return client[verb](how.transaction);
        case "disconnect":
            client.disconnectHeaders = how.headers;
            return void client.deactivate();
        case "drop": return void client.deactivate({ force: true });
        case "status": return emit("status", () => ({ heart_beats: heartBeats }));
        }
    };
}

if (typeof module !== "undefined") module.exports = stompClient;
