// The server of tools/demo: a page, an echo, and rooms to talk in over STOMP, of which the page is told every frame.
// SPDX-License-Identifier: MIT
//
//     demo_server --page FILE [--port N]
//
// Listens on 127.0.0.1; the first line it prints says at which port. SIGINT and SIGTERM close all connections and end
// it. To learn the library, begin with echo_server.cpp and stomp_server.cpp: this is both, and demo_page.hpp.

#include <sockless.hpp>

#include "demo_page.hpp"
#include "destinations.hpp"
#include "socket.hpp"

namespace {

namespace stomp = sockless::stomp;
namespace ws = sockless::ws;

// Bytes. A small limit, so that the page can show what happens beyond it.
constexpr std::uint32_t max_message = 100'000;

// Bytes that may wait to be sent, before nothing more is read.
constexpr std::size_t back_pressure = 1024 * 1024;

ws::options web_socket_options() {
    ws::options options;
    options.limits = {.message = max_message, .frame = max_message};
    options.ping_interval = 30'000;
    options.show_requests = true;
    return options;
}

stomp::options session_options() {
    stomp::options options;
    options.heart_beat = {.sends = 30'000, .wants = 30'000};
    options.limits.body = max_message;
    return options;
}

// The STOMP session of a client that talks in rooms.
struct room_visit {
    explicit room_visit(destinations& rooms) : session(session_options()), client(rooms, session) {
        static_cast<void>(session.tick(now()));
    }

    void take(sockless::bytes in) {
        while (const auto event = session.next(in)) client.handle(event);
    }

    void tick(sockless::instant now, ws::server& carrier) {
        client.tick(now);
        client.handle(session.tick(now));
        pass_on(carrier);
    }

    void pass_on(ws::server& carrier) {
        static_cast<void>(output.pass(session, carrier));
        if (!session.done() || !carrier.is_open()) return;
        const auto error = session.error();
        static_cast<void>(error ? carrier.close(error.close_code(), error.sentence()) : carrier.close());
    }

    [[nodiscard]] sockless::instant next_deadline() const {
        return std::min(session.next_deadline(), client.next_deadline());
    }

    stomp::server_session session;
    stomp_client client;
    stomp::websocket_output output;
};

class demo_connection : public connection {
  public:
    demo_connection(int socket, demo_page& page, destinations& rooms)
        : connection(socket), page_(page), rooms_(rooms), peer_(web_socket_options()) {
        handle(peer_.tick(now()), {});
    }

    ~demo_connection() override { page_.ended(peer_); }

    void close() override {
        if (peer_.close(ws::close_code::going_away, "the server ends") && peer_.state() == ws::state::opening) {
            hang_up();
        }
    }

  private:
    void take(sockless::bytes in) override {
        page_.received(peer_, in);
        while (const ws::event event = peer_.next(in)) handle(event, in);
    }
    void finish() override { handle(peer_.finish(), {}); }
    void tick(sockless::instant now) override {
        handle(peer_.tick(now), {});
        if (visit_) visit_->tick(now, peer_);
    }
    [[nodiscard]] sockless::instant next_deadline() const override {
        return visit_ ? std::min(peer_.next_deadline(), visit_->next_deadline()) : peer_.next_deadline();
    }
    [[nodiscard]] sockless::cbytes output() const override { return peer_.output(); }
    void sent(std::size_t size) override {
        page_.sent(peer_, peer_.output().first(size));
        peer_.sent(size);
        if (visit_) visit_->pass_on(peer_);
    }
    [[nodiscard]] bool done() const override { return peer_.done(); }
    [[nodiscard]] bool wants_input() const override {
        return peer_.output().size() < back_pressure && (!visit_ || visit_->client.wants_input());
    }

    // `rest` is what came behind the event.
    void handle(const ws::event& event, sockless::cbytes rest) {
        switch (event.kind) {
        case ws::kind::http_request: return page_.serve(peer_);
        case ws::kind::request: return accept(rest);
        case ws::kind::message: return take_message(event);
        case ws::kind::closed:
            if (visit_) visit_->client.handle(visit_->session.finish());
            return;
        default: return;
        }
    }

    void accept(sockless::cbytes rest) {
        const std::string_view target = peer_.head().target;
        std::string_view subprotocol;
        watches_ = demo_page::is_watching(target);
        if (target.starts_with("/stomp")) {
            visit_.emplace(rooms_);
            subprotocol = ws::choose_subprotocol(stomp::subprotocols, peer_.head().fields);
        }
        if (peer_.accept({.subprotocol = subprotocol})) return hang_up();
        page_.accepted(peer_, visit_ ? "room" : "echo", visit_ ? &visit_->session : nullptr, rest);
    }

    void take_message(const ws::event& event) {
        if (watches_) return page_.obey(peer_, "echo", event.text());
        if (visit_) return visit_->take(event.payload);
        // Where it cannot be sent any more, the frames on the page have told so.
        static_cast<void>(peer_.send(event.type, event.payload));
    }

    demo_page& page_;
    destinations& rooms_;
    ws::server peer_;
    std::optional<room_visit> visit_; // else it is an echo, or
    bool watches_ = false;
};

} // namespace

int main(int count, char** words) {
    std::string page;
    std::optional<std::uint16_t> port = std::uint16_t{0};
    for (int i = 1; i + 1 < count; i += 2) {
        const std::string_view option = words[i];
        if (option == "--page") page = words[i + 1];
        if (option == "--port") port = read_number<std::uint16_t>(words[i + 1]);
    }
    demo_page demo(page, web_socket_options().limits);
    if (!port || !demo.exists() || count % 2 == 0) {
        std::fputs("demo_server --page FILE [--port N]\n", stderr);
        return 2;
    }
    destinations rooms;
    return serve("demo_server", *port,
                 [&](int socket) { return std::make_unique<demo_connection>(socket, demo, rooms); });
}
