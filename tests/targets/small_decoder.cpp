// The smallest use on a microcontroller: frames in, payloads out. tools/check looks at its size.
// SPDX-License-Identifier: MIT
#include <sockless/ws/decoder.hpp>

namespace ws = sockless::ws;

// Of the program around it.
extern "C" void handle(sockless::bytes payload, bool last);
extern "C" void give_up(sockless::error why);

ws::decoder decoder(sockless::role::client);

extern "C" void take(std::byte* data, std::size_t size) {
    sockless::bytes in(data, size);
    while (const auto event = decoder.next(in)) {
        if (event.kind == ws::decoder::kind::error) return give_up(event.error);
        handle(event.payload, event.last);
    }
}
