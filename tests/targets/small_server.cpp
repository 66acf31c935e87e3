// A WebSocket server with its handshake on a microcontroller, in memory of its own. tools/check looks at its size.
// SPDX-License-Identifier: MIT
#include <sockless/ws/server.hpp>

namespace ws = sockless::ws;
using buffer = sockless::span_buffer<std::byte>;

// Of the program around it.
extern "C" void handle(sockless::bytes message);
extern "C" void give_up(sockless::error why);
extern "C" std::size_t transmit(sockless::cbytes output);

std::byte input[1024], output[1024];

ws::basic_server<buffer> peer{buffer(input), buffer(output)};

extern "C" void take(std::byte* data, std::size_t size, sockless::instant now) {
    sockless::bytes in(data, size);
    while (const auto event = peer.next(in)) {
        if (event.kind == ws::kind::request) {
            if (peer.request().target != "/") {
                static_cast<void>(peer.refuse(404));
            } else if (const auto error = peer.accept()) {
                give_up(error);
            }
        } else if (event.kind == ws::kind::message) {
            static_cast<void>(peer.send(event.type, event.payload));
            handle(event.payload);
        } else if (event.kind == ws::kind::closed) {
            give_up(event.error);
        }
    }
    static_cast<void>(peer.tick(now));
    peer.sent(transmit(peer.output()));
}
