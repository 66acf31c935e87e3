// A WebSocket server with its handshake on a microcontroller, in memory of its own. tools/check looks at its size.
// SPDX-License-Identifier: MIT
#include <sockless/ws/server.hpp>

namespace ws = sockless::ws;
using buffer = sockless::span_buffer<std::byte>;

#if defined(SOCKLESS_NO_ERROR_TEXTS)
static_assert(sockless::error(ws::errc::unknown_opcode).name() == "W02");
static_assert(sockless::error(sockless::http::errc::bad_method).sentence() == "H02");
static_assert(sockless::error(ws::errc::unknown_opcode) != sockless::http::errc::bad_method);
static_assert(sockless::error(ws::errc::unknown_opcode).section().empty() && !sockless::error());
#endif

// Of the program around it.
extern "C" void handle(sockless::bytes message);
extern "C" void give_up(sockless::error why);
extern "C" std::size_t transmit(sockless::cbytes output);

std::byte room[2][1024];

ws::basic_server<buffer> peer{buffer(room[0]), buffer(room[1])};

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
