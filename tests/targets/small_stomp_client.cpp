// A STOMP client on a microcontroller, in memory of its own. tools/check looks at its size.
// SPDX-License-Identifier: MIT
#include <sockless/stomp/client_session.hpp>

namespace stomp = sockless::stomp;
using buffer = sockless::span_buffer<std::byte>;

// Of the program around it.
extern "C" void handle(sockless::bytes message);
extern "C" void give_up(sockless::error why);
extern "C" std::size_t transmit(sockless::cbytes output);

std::byte room[3][1024];

stomp::basic_client_session<buffer> session{buffer(room[0]), buffer(room[1]), buffer(room[2])};

extern "C" void start() { static_cast<void>(session.connect({.host = "broker", .login = "me", .passcode = "secret"})); }

extern "C" void publish(sockless::cbytes reading) {
    if (const auto error = session.send({.destination = "/queue/readings", .body = reading})) give_up(error);
}

extern "C" void take(std::byte* data, std::size_t size, sockless::instant now) {
    sockless::bytes in(data, size);
    while (const auto event = session.next(in)) {
        if (event.kind == stomp::client_kind::connected) {
            static_cast<void>(session.subscribe({.id = "0", .destination = "/queue/orders"}));
        } else if (event.kind == stomp::client_kind::message) {
            handle(event.body);
        } else if (event.kind == stomp::client_kind::lost) {
            give_up(event.error);
        }
    }
    static_cast<void>(session.tick(now));
    session.sent(transmit(session.output()));
}
