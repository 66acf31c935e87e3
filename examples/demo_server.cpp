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

// Only clients that talk in rooms use the session.
using peer_type = stomp::server_over_websocket<ws::server>;

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

class demo_connection : public connection {
  public:
    demo_connection(int socket, demo_page& page, destinations& rooms)
        : connection(socket), page_(page), rooms_(rooms), peer_(ws::server(web_socket_options()), session_options()) {
        handle(peer_.tick(now()), {});
    }

    ~demo_connection() override { page_.ended(web_socket()); }

    void close() override { visitor_ ? peer_.shut_down() : web_socket().shut_down(); }

  private:
    using event = peer_type::event;

    [[nodiscard]] ws::server& web_socket() { return peer_.web_socket(); }

    void take(sockless::bytes in) override {
        page_.received(web_socket(), in);
        take_new(in);
    }
    void take_new(sockless::bytes in) {
        while (const event found = visitor_ ? peer_.next(in) : event{{}, web_socket().next(in)}) handle(found, in);
        // The input that is left waits until the client has taken output that waits for it.
        rest_ = std::vector<std::byte>(in.begin(), in.end());
    }
    void finish() override { handle(peer_.finish(), {}); }
    void tick(sockless::instant now) override {
        if (!visitor_) return handle({{}, web_socket().tick(now)}, {});
        visitor_->tick(now);
        handle(peer_.tick(now), {});
    }
    [[nodiscard]] sockless::instant next_deadline() const override {
        return visitor_ ? std::min(peer_.next_deadline(), visitor_->next_deadline())
                        : peer_.web_socket().next_deadline();
    }
    [[nodiscard]] sockless::cbytes output() const override { return peer_.output(); }
    void sent(std::size_t size) override {
        page_.sent(web_socket(), peer_.output().first(size));
        peer_.sent(size);
        if (rest_.empty()) return;
        std::vector<std::byte> rest = std::move(rest_);
        take_new(rest);
    }
    [[nodiscard]] bool done() const override { return peer_.done(); }
    [[nodiscard]] bool wants_input() const override {
        return rest_.empty() && peer_.waiting() < back_pressure && (!visitor_ || visitor_->wants_input());
    }

    // `rest` is what came behind the event.
    void handle(const event& found, sockless::cbytes rest) {
        if (visitor_) visitor_->handle(found);
        switch (found.web_socket.kind) {
        case ws::kind::http_request: return page_.serve(web_socket());
        case ws::kind::request: return accept(rest);
        case ws::kind::message: return take_message(found.web_socket);
        default: return;
        }
    }

    void accept(sockless::cbytes rest) {
        const std::string_view target = web_socket().head().target;
        std::string_view subprotocol;
        watches_ = demo_page::is_watching(target);
        if (target.starts_with("/stomp")) {
            visitor_.emplace(rooms_, peer_.session());
            subprotocol = ws::choose_subprotocol(stomp::subprotocols, web_socket().head().fields);
        }
        if (web_socket().accept({.subprotocol = subprotocol})) return hang_up();
        page_.accepted(web_socket(), visitor_ ? "room" : "echo", visitor_ ? &peer_.session() : nullptr, rest);
    }

    void take_message(const ws::event& message) {
        if (watches_) return page_.obey(web_socket(), "echo", message.text());
        // If it cannot be sent any more, the frames on the page have told so.
        static_cast<void>(web_socket().send(message.type, message.payload));
    }

    demo_page& page_;
    destinations& rooms_;
    peer_type peer_;
    std::optional<stomp_client> visitor_; // a client that talks in rooms; else it is an echo, or
    bool watches_ = false;
    std::vector<std::byte> rest_;
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
