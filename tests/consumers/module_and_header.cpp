// The other unit of module.cpp: the header, one that needs a third party, and the module in one unit.
// SPDX-License-Identifier: MIT
#include <sockless.hpp>
#include <sockless/ws/deflate/zlib.hpp>

import sockless;

namespace ws = sockless::ws;

void serve(ws::server& peer, sockless::bytes in) {
    ws::zlib_server compressing;
    if (compressing.done()) return;
    while (const auto event = peer.next(in)) {
        sockless::error error;
        if (event.kind == ws::kind::request) error = peer.accept();
        if (event.kind == ws::kind::message) error = peer.send(event.type, event.payload);
        if (error) return;
    }
}
