// An echo server: sends every message back to where it came from. One thread, poll, any number of connections.
// SPDX-License-Identifier: MIT
//
//     echo_server [--port N] [--max-message BYTES] [--subprotocol NAME]… [--page FILE]
//
// Listens on 127.0.0.1; the first line it prints says at which port. SIGINT and SIGTERM close all connections and end
// it. With --page it is the server of tools/demo: what that takes is behind `page_`, in demo_page.hpp.

#include <sockless.hpp>

#include "demo_page.hpp"
#include "socket.hpp"

#include <algorithm>
#include <cstdio>
#include <list>
#include <string>
#include <vector>

namespace {

namespace ws = sockless::ws;

// Bytes. A peer that does not read its echoes is not read from either, until less than this waits to be sent to it.
constexpr std::size_t back_pressure = 1024 * 1024;

// Milliseconds in which a connection that is closed must take its last bytes.
constexpr sockless::time patience = 5'000;

struct settings {
    std::uint16_t port = 0; // the system chooses
    std::uint32_t max_message = 16 * 1024 * 1024;
    std::vector<std::string_view> subprotocols; // in order of preference
    std::string page;
};

// A socket, and the protocol, which knows nothing of it.
struct connection {
    int socket;
    ws::server peer;
    sockless::time end_by = sockless::no_deadline; // once it is closed
    bool said_all = false;             // our side of the TCP connection has ended
    bool heard_all = false;            // the peer's side has

    [[nodiscard]] bool has_output() const { return !peer.output().empty(); }
    [[nodiscard]] bool wants_input() const { return !heard_all && peer.output().size() < back_pressure; }
    [[nodiscard]] bool is_over() const { return (said_all && heard_all) || end_by <= now(); }
};

class echo_server {
  public:
    explicit echo_server(const settings& how)
        : subprotocols_(how.subprotocols), page_(how.page, {.message = how.max_message, .frame = how.max_message}) {
        options_.limits = {.message = how.max_message, .frame = how.max_message};
        // One read adds at most the end of one message and some short ones, so that there is always room for an echo.
        options_.output = back_pressure + how.max_message + sizeof buffer_;
        options_.ping_interval = 30'000;
        options_.show_requests = page_.exists();
    }

    // Until something can be read from `stop`, and all connections are closed.
    void run(int listener, int stop) {
        bool stopping = false;
        std::vector<pollfd> polled;
        while (!stopping || !connections_.empty()) {
            polled = {{stopping ? -1 : stop, POLLIN, 0}, {stopping || full_ ? -1 : listener, POLLIN, 0}};
            sockless::time deadline = sockless::no_deadline;
            for (const connection& each : connections_) {
                const int wanted = (each.wants_input() ? POLLIN : 0) | (each.has_output() ? POLLOUT : 0);
                polled.push_back({each.socket, static_cast<short>(wanted), 0});
                deadline = std::min({deadline, each.peer.next_deadline(), each.end_by});
            }
            ::poll(polled.data(), static_cast<nfds_t>(polled.size()), milliseconds_until(deadline));

            auto next = connections_.begin();
            for (std::size_t i = 2; i != polled.size(); ++i) {
                const auto each = next++;
                serve(*each, polled[i].revents);
                if (each->is_over()) end(each);
            }
            if (polled[1].revents != 0) accept_from(listener);
            if (polled[0].revents != 0) {
                stopping = true;
                close_all();
            }
        }
    }

  private:
    void accept_from(int listener) {
        const int socket = ::accept(listener, nullptr, nullptr);
        if (socket < 0) {
            // Without a free descriptor others wait until a connection has ended.
            full_ = (errno == EMFILE || errno == ENFILE) && !connections_.empty();
            return;
        }
        prepare(socket);
        connection& added = connections_.emplace_back(connection{socket, ws::server(options_)});
        handle(added, added.peer.tick(now()), {});
    }

    void serve(connection& to, short ready) {
        handle(to, to.peer.tick(now()), {});
        if ((ready & (POLLIN | POLLHUP | POLLERR)) != 0) read(to);
        write(to);
        if (to.peer.done() && !to.said_all) {
            // To close the socket with input unread would be a reset, which can overtake the Close that was just sent.
            ::shutdown(to.socket, SHUT_WR);
            to.said_all = true;
        }
    }

    void read(connection& from) {
        const ssize_t size = ::recv(from.socket, buffer_, sizeof buffer_, 0);
        if (try_again_later(size)) return;
        if (size <= 0) {
            from.heard_all = true;
            handle(from, from.peer.finish(), {});
            if (size < 0) hang_up(from);
            return;
        }
        sockless::bytes in = sockless::bytes_of(buffer_, static_cast<std::size_t>(size));
        page_.received(from.peer, in);
        while (const ws::event event = from.peer.next(in)) handle(from, event, in);
    }

    void write(connection& to) {
        while (to.has_output()) {
            const sockless::cbytes output = to.peer.output();
            const ssize_t size = ::send(to.socket, output.data(), output.size(), 0);
            if (try_again_later(size)) return;
            if (size < 0) return hang_up(to);
            page_.sent(to.peer, output.first(static_cast<std::size_t>(size)));
            to.peer.sent(static_cast<std::size_t>(size));
        }
    }

    // `rest` is what came behind the event.
    void handle(connection& from, const ws::event& event, sockless::cbytes rest) {
        ws::server& peer = from.peer;
        switch (event.kind) {
        case ws::kind::request: {
            const auto subprotocol = ws::choose_subprotocol(subprotocols_, peer.head().fields);
            if (peer.accept({.subprotocol = subprotocol})) return hang_up(from);
            return page_.accepted(peer, rest);
        }
        case ws::kind::message:
            if (page_.obeys(peer, event.text()) || !peer.is_open()) return;
            if (peer.send(event.type, event.payload)) {
                static_cast<void>(peer.close(ws::close_code::internal_error, "no memory"));
            }
            return;
        case ws::kind::pong: // our Ping asked for it after a silence, and there may be more of that
            return peer.release_memory();
        case ws::kind::http_request: page_.serve(peer); [[fallthrough]];
        case ws::kind::closed: return hurry(from);
        default: return; // Pings are answered already; the rest is for clients, and for those who ask for it
        }
    }

    static void hurry(connection& with) { with.end_by = std::min(with.end_by, now() + patience); }

    // At once: the connection is broken, or there is no memory for it.
    static void hang_up(connection& with) { with.end_by = 0; }

    void close_all() {
        for (connection& each : connections_) {
            if (!each.peer.close(ws::close_code::going_away, "the server ends")) {
                hurry(each);
            } else if (each.end_by == sockless::no_deadline) {
                hang_up(each); // it was not open yet
            }
        }
    }

    void end(std::list<connection>::iterator which) {
        page_.ended(which->peer);
        ::close(which->socket);
        connections_.erase(which);
        full_ = false;
    }

    std::vector<std::string_view> subprotocols_;
    demo_page page_;
    ws::options options_;
    std::list<connection> connections_;
    bool full_ = false; // no more connections can be accepted
    std::byte buffer_[64 * 1024];
};

bool read_arguments(int count, char** words, settings& how) {
    for (int i = 1; i < count; i += 2) {
        if (i + 1 == count) return false;
        const std::string_view option = words[i], value = words[i + 1];
        const auto port = read_number<std::uint16_t>(value);
        const auto bytes = read_number<std::uint32_t>(value);
        if (option == "--port" && port) {
            how.port = *port;
        } else if (option == "--max-message" && bytes) {
            how.max_message = *bytes;
        } else if (option == "--subprotocol") {
            how.subprotocols.push_back(value);
        } else if (option == "--page") {
            how.page = value;
        } else {
            return false;
        }
    }
    return true;
}

} // namespace

int main(int count, char** words) {
    settings how;
    if (!read_arguments(count, words, how)) {
        std::fputs("echo_server [--port N] [--max-message BYTES] [--subprotocol NAME]... [--page FILE]\n", stderr);
        return 2;
    }
    std::signal(SIGPIPE, SIG_IGN); // `send` tells of a broken connection
    const int stop = catch_signals();
    const int listener = listen_at(how.port);
    if (stop < 0 || listener < 0) {
        std::perror("echo_server");
        return 1;
    }
    std::printf("listening on 127.0.0.1:%u\n", unsigned{how.port});
    std::fflush(stdout);
    echo_server(how).run(listener, stop);
}
