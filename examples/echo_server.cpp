// An echo server: sends every message back to its sender. One thread, poll, any number of connections.
// SPDX-License-Identifier: MIT
//
//     echo_server [--port N] [--max-message BYTES] [--subprotocol NAME]…
//                 [--deflate] [--no-context-takeover] [--window-bits 9-15] [--threshold BYTES]
//
// Listens on 127.0.0.1; the first line it prints says at which port. SIGINT and SIGTERM close all connections and end
// it.
//
// --deflate agrees to compress (permessage-deflate, RFC 7692). With it:
//   --no-context-takeover   no message refers to those before it: connections share the memory for windows, so that an
//                           idle one has none, and short messages shrink less
//   --window-bits N         windows of 2 to the power of N bytes, for both sides: less memory, and less compression
//   --threshold BYTES       shorter messages are sent as they are
// It links with zlib: c++ -std=c++20 -I single_include examples/echo_server.cpp -o echo_server -lz

#include <sockless.hpp>

#include "deflate_options.hpp"
#include "socket.hpp"

#include <cstdio>

namespace {

namespace ws = sockless::ws;

// Bytes. A peer that does not read its echoes is not read from either, until less than this waits to be sent to it.
constexpr std::size_t back_pressure = 1024 * 1024;

struct settings {
    std::uint16_t port = 0; // the system chooses
    std::uint32_t max_message = 16 * 1024 * 1024;
    std::vector<std::string_view> subprotocols; // in order of preference
    deflate_options compression;
};

ws::options server_options(const settings& how) {
    ws::options options;
    options.limits = {.message = how.max_message, .frame = how.max_message};
    // One read adds at most the end of one message and some short ones, so that there is always room for an echo. A
    // compressed message can be many times as large, but its echo is compressed too, unless a large threshold forbids
    // it.
    options.output = 2 * back_pressure + how.max_message;
    options.ping_interval = 30'000;
    return options;
}

// A socket, and the protocol, which knows nothing of it.
class echo_connection : public connection {
  public:
    // Those without context takeover share their windows.
    echo_connection(int socket, const settings& how, ws::zlib_pool& windows)
        : connection(socket),
          subprotocols_(how.subprotocols),
          compresses_(how.compression.deflate),
          peer_(server_options(how), ws::zlib_compression(how.compression.policy, &windows)) {
        handle(peer_.tick(now())); // deadlines count from here
    }

    void close() override { peer_.shut_down(); }

  private:
    void take(sockless::bytes in) override {
        while (const ws::event event = peer_.next(in)) handle(event);
    }
    void finish() override { handle(peer_.finish()); }
    void tick(sockless::instant now) override { handle(peer_.tick(now)); }
    [[nodiscard]] sockless::instant next_deadline() const override { return peer_.next_deadline(); }
    [[nodiscard]] sockless::cbytes output() const override { return peer_.output(); }
    void sent(std::size_t size) override { peer_.sent(size); }
    [[nodiscard]] bool done() const override { return peer_.done(); }
    [[nodiscard]] bool wants_input() const override { return peer_.waiting() < back_pressure; }

    void handle(const ws::event& event) {
        switch (event.kind) {
        case ws::kind::request: {
            const auto subprotocol = ws::choose_subprotocol(subprotocols_, peer_.head().fields);
            if (peer_.accept({.subprotocol = subprotocol, .compression = compresses_})) hang_up();
            return;
        }
        case ws::kind::message:
            if (peer_.is_open() && peer_.send(event.type, event.payload)) {
                static_cast<void>(peer_.close(ws::close_code::internal_error, "no memory"));
            }
            return;
        case ws::kind::pong: // our Ping asked for it after a silence, and there may be more of that
            return peer_.release_memory();
        default: return; // Pings are answered already; the rest is for clients, or comes only on request
        }
    }

    std::vector<std::string_view> subprotocols_;
    bool compresses_;
    ws::zlib_server peer_;
};

bool read_arguments(int count, char** words, settings& how) {
    for (int i = 1; i < count; ++i) {
        const std::string_view option = words[i];
        if (how.compression.take(option)) continue;
        if (++i == count) return false;
        const std::string_view value = words[i];
        const auto port = read_number<std::uint16_t>(value);
        const auto bytes = read_number<std::uint32_t>(value);
        if (option == "--port" && port) {
            how.port = *port;
        } else if (option == "--max-message" && bytes) {
            how.max_message = *bytes;
        } else if (option == "--subprotocol") {
            how.subprotocols.push_back(value);
        } else if (!how.compression.take(option, value)) {
            return false;
        }
    }
    return true;
}

} // namespace

int main(int count, char** words) {
    settings how;
    if (!read_arguments(count, words, how)) {
        std::fprintf(stderr, "echo_server [--port N] [--max-message BYTES] [--subprotocol NAME]...\n            %s\n",
                     deflate_options::usage);
        return 2;
    }
    ws::zlib_pool windows;
    return serve("echo_server", how.port,
                 [&](int socket) { return std::make_unique<echo_connection>(socket, how, windows); });
}
