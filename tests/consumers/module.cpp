// A program that imports the module: a client and a server of it talk to each other. The server is in another unit,
// which includes the header, and both mean the same types.
// SPDX-License-Identifier: MIT
#include <cstddef>
#include <cstdio>
#include <span>
#include <string>

import sockless;

namespace ws = sockless::ws;

void serve(ws::server& peer, sockless::bytes in);

namespace {

template <class Endpoint>
std::string sent_by(Endpoint& peer) {
    std::string all;
    for (auto out = peer.output(); !out.empty(); out = peer.output()) {
        all += sockless::text_of(out);
        peer.sent(out.size());
    }
    return all;
}

} // namespace

int main() {
    ws::entropy::seed seed;
    seed.fill(std::byte{1});
    ws::client client{ws::entropy(seed)};
    ws::server server;
    sockless::error error = client.request({.host = "localhost", .target = "/"});
    std::string answer;
    while (!error && answer.empty()) {
        std::string there = sent_by(client);
        if (there.empty()) return 1;
        serve(server, sockless::bytes_of(there.data(), there.size()));
        std::string back = sent_by(server);
        sockless::bytes in = sockless::bytes_of(back.data(), back.size());
        while (const auto event = client.next(in)) {
            if (event.kind == ws::kind::open) error = client.send_text("sockless works");
            if (event.kind == ws::kind::message) answer = event.text();
        }
    }
    const sockless::stomp::client_session session;
    if (error != ws::errc::none || session.done() || sockless::version_text.empty()) return 1;
    std::puts(answer.c_str());
}
