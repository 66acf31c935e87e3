// A STOMP server: passes messages between its clients by destination, whether they come on TCP or on WebSocket.
// SPDX-License-Identifier: MIT
//
//     stomp_server [--port N]
//
// Listens on 127.0.0.1, on one port for both; the first line it prints says which. SIGINT and SIGTERM end all sessions
// and it. Anyone is let in, and messages without a subscriber are gone.

#include <sockless.hpp>

#include "destinations.hpp"
#include "stomp_connection.hpp"

namespace {

namespace stomp = sockless::stomp;
namespace ws = sockless::ws;

stomp::options session_options() {
    stomp::options options;
    options.heart_beat = {.sends = 10'000, .wants = 10'000};
    options.limits.body = 1024 * 1024;
    // What may come when a client already does not keep up: what one read from another leads to.
    options.output = 16 * 1024 * 1024;
    return options;
}

class client_connection : public stomp_connection<stomp::server_session, ws::server> {
  public:
    client_connection(int socket, destinations& all)
        : stomp_connection(socket, session_options()), client_(all, session_) {}

    void close() override {
        static_cast<void>(session_.refuse("the server ends"));
        // Without a WebSocket yet there is nobody to say it to.
        if (web_socket_ && web_socket_->state() == ws::state::opening) hang_up();
    }

  private:
    // The first byte tells what carries the session: a WebSocket begins with `GET `, and no command of STOMP with G.
    void take(sockless::bytes in) override {
        if (!has_begun_ && in[0] == std::byte{'G'}) carry_by(ws::server(web_socket_options()));
        has_begun_ = true;
        stomp_connection::take(in);
    }

    void handle(const ws::event& event) override {
        if (event.kind != ws::kind::request) return;
        const auto subprotocol = ws::choose_subprotocol(stomp::subprotocols, web_socket_->head().fields);
        if (web_socket_->accept({.subprotocol = subprotocol})) hang_up();
    }

    void handle(const stomp::server_event& event) override { client_.handle(event); }

    void tick(sockless::instant now) override {
        client_.tick(now);
        stomp_connection::tick(now);
    }

    [[nodiscard]] sockless::instant next_deadline() const override {
        return std::min(stomp_connection::next_deadline(), client_.next_deadline());
    }

    [[nodiscard]] bool wants_input() const override { return client_.wants_input(); }

    stomp_client client_;
    bool has_begun_ = false;
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
