// The common part of both pages: the queue of events from which ends.py takes one after the other.
// SPDX-License-Identifier: MIT
"use strict";
const events = [];
let taker = null;
let settled = Promise.resolve();

// Keeps the order of events, some of which take a while to describe.
function emit(event, describe) {
    settled = settled.then(async () => {
        events.push({ event, ...await describe() });
        hand();
    });
}

function hand() {
    if (taker === null || events.length === 0) return;
    const take = taker;
    taker = null;
    take(events.shift());
}

// Gives `take` the next event, or null if none comes in time.
function next(milliseconds, take) {
    taker = take;
    setTimeout(() => {
        if (taker !== take) return;
        taker = null;
        take(null);
    }, milliseconds);
    hand();
}

const toHex = (data) => Array.from(new Uint8Array(data), (byte) => byte.toString(16).padStart(2, "0")).join("");

function fromHex(word = "-") {
    if (word === "-") return new Uint8Array(0);
    return Uint8Array.from(word.match(/../g), (digits) => parseInt(digits, 16));
}
