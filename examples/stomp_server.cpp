// A STOMP server: passes messages between its clients by destination, whether they come on TCP or on WebSocket.
// SPDX-License-Identifier: MIT
//
//     stomp_server [--port N]
//
// Listens on 127.0.0.1, on one port for both; the first line it prints says which. SIGINT and SIGTERM end all sessions
// and it. Anyone is let in, and messages without a subscriber are gone.

#include <sockless.hpp>

#include "destinations.hpp"
#include "socket.hpp"

namespace {

namespace stomp = sockless::stomp;

stomp::connection_options options() {
    stomp::connection_options options;
    options.session.heart_beat = {.sends = 10'000, .wants = 10'000};
    options.session.limits.body = 1024 * 1024;
    // Room for the messages that one read from a client can still lead to when another client is already too slow.
    options.session.output = 16 * 1024 * 1024;
    options.web_socket.ping_interval = 30'000;
    return options;
}

class client_connection : public connection {
  public:
    client_connection(int socket, destinations& all)
        : connection(socket), peer_(options()), client_(all, peer_.session()) {
        client_.handle(peer_.tick(now()));
    }

    void close() override { peer_.shut_down(); }

  private:
    void take(sockless::bytes in) override {
        while (const auto event = peer_.next(in)) client_.handle(event);
        // The input that is left waits until the client has taken output that waits for it.
        rest_ = std::vector<std::byte>(in.begin(), in.end());
    }

    void finish() override { client_.handle(peer_.finish()); }

    void tick(sockless::instant now) override {
        client_.tick(now);
        client_.handle(peer_.tick(now));
    }

    [[nodiscard]] sockless::instant next_deadline() const override {
        return std::min(peer_.next_deadline(), client_.next_deadline());
    }

    [[nodiscard]] sockless::cbytes output() const override { return peer_.output(); }

    void sent(std::size_t size) override {
        peer_.sent(size);
        if (rest_.empty()) return;
        std::vector<std::byte> rest = std::move(rest_);
        take(rest);
    }

    [[nodiscard]] bool done() const override { return peer_.done(); }
    [[nodiscard]] bool wants_input() const override { return rest_.empty() && client_.wants_input(); }

    stomp::server_connection peer_;
    stomp_client client_;
    std::vector<std::byte> rest_;
};

} // namespace

int main(int count, char** words) {
    const bool has_port = count == 3 && std::string_view(words[1]) == "--port";
    const auto port = has_port ? read_number<std::uint16_t>(words[2]) : std::uint16_t{0};
    if (!port || (count != 1 && !has_port)) {
        std::fputs("stomp_server [--port N]\n", stderr);
        return 2;
    }
    destinations all;
    return serve("stomp_server", *port, [&](int socket) { return std::make_unique<client_connection>(socket, all); });
}
