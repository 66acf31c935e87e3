// Sends every message back: a server with libevent's bufferevents. Its argument is the port.
// SPDX-License-Identifier: MIT
#include <sockless.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unordered_set>

namespace ws = sockless::ws;

namespace {

class connection;

struct server {
    event_base* base = event_base_new();
    evconnlistener* listener = nullptr;
    event* interrupt = nullptr;
    event* terminate = nullptr;
    std::unordered_set<connection*> all{};
};

class connection {
    auto handle() {
        return [this](const ws::event& event) {
            sockless::error error;
            if (event.kind == ws::kind::request) error = driver_.peer().accept();
            if (event.kind == ws::kind::message) error = driver_.peer().send(event.type, event.payload);
            if (error) driver_.shut_down();
        };
    }

  public:
    connection(server& where, evutil_socket_t socket)
        : server_(where),
          socket_(bufferevent_socket_new(where.base, socket, BEV_OPT_CLOSE_ON_FREE)),
          timer_(evtimer_new(where.base, due, this)) {
        server_.all.insert(this);
        bufferevent_setcb(socket_, did_read, did_write, did_end, this);
        update();
    }
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    void shut_down() {
        driver_.shut_down();
        update();
    }

  private:
    ~connection() {
        server_.all.erase(this);
        event_free(timer_);
        bufferevent_free(socket_);
        if (server_.listener != nullptr) evconnlistener_enable(server_.listener);
    }

    static connection& of(void* context) { return *static_cast<connection*>(context); }
    static void due(evutil_socket_t, short, void* context) { of(context).update(); }

    static void did_read(bufferevent* socket, void* context) {
        connection& on = of(context);
        evbuffer* const in = bufferevent_get_input(socket);
        evbuffer_iovec piece;
        while (evbuffer_get_length(in) != 0 && evbuffer_peek(in, -1, nullptr, &piece, 1) > 0) {
            on.driver_.take(sockless::bytes_of(piece.iov_base, piece.iov_len), on.handle());
            evbuffer_drain(in, piece.iov_len);
        }
        on.update();
    }

    static void did_write(bufferevent*, void* context) {
        connection& on = of(context);
        on.driver_.sent(on.writing_);
        on.writing_ = 0;
        on.update();
    }

    static void did_end(bufferevent*, short events, void* context) {
        connection& on = of(context);
        if ((events & BEV_EVENT_EOF) != 0) {
            on.driver_.finish(on.handle());
        } else {
            on.driver_.abandon(on.handle());
        }
        on.update();
    }

    void update() {
        const auto time = std::chrono::steady_clock::now().time_since_epoch();
        const auto now = static_cast<sockless::instant>(time / std::chrono::milliseconds(1));
        driver_.tick(now, handle());
        write();
        if (driver_.ends_writing()) {
            ::shutdown(bufferevent_getfd(socket_), SHUT_WR);
            driver_.did_end_writing();
        }
        if (driver_.is_over()) {
            delete this;
            return;
        }
        (driver_.reads() ? bufferevent_enable : bufferevent_disable)(socket_, EV_READ);
        const sockless::instant next = driver_.next_deadline(), rest = next > now ? next - now : 0;
        const timeval until{static_cast<time_t>(rest / 1000), static_cast<suseconds_t>(rest % 1000 * 1000)};
        evtimer_add(timer_, &until);
    }

    void write() {
        const auto out = driver_.output();
        if (writing_ != 0 || out.empty()) return;
        // The bytes stay in place until `sent`: so the evbuffer refers to them, and nothing is copied.
        if (evbuffer_add_reference(bufferevent_get_output(socket_), out.data(), out.size(), nullptr, nullptr) != 0) {
            driver_.abandon(handle());
        }
        writing_ = out.size();
    }

    server& server_;
    sockless::driver<ws::server> driver_{ws::server({.ping_interval = 30'000})};
    bufferevent* socket_;
    event* timer_;
    std::size_t writing_ = 0; // the bytes of the write that is under way
};

void let_in(evconnlistener*, evutil_socket_t socket, sockaddr*, int, void* context) {
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    new connection(*static_cast<server*>(context), socket); // it deletes itself
}

// Without a file to spare nobody is let in until a connection ends: else this would be tried all the time.
void let_no_one_in(evconnlistener* listener, void*) { evconnlistener_disable(listener); }

void stop(evutil_socket_t, short, void* context) {
    server& from = *static_cast<server*>(context);
    evconnlistener_free(from.listener);
    from.listener = nullptr;
    event_del(from.interrupt);
    event_del(from.terminate);
    for (auto next = from.all.begin(); next != from.all.end();) (*next++)->shut_down();
}

} // namespace

int main(int count, char** arguments) {
    std::signal(SIGPIPE, SIG_IGN);
    server server;
    server.interrupt = evsignal_new(server.base, SIGINT, stop, &server);
    server.terminate = evsignal_new(server.base, SIGTERM, stop, &server);
    event_add(server.interrupt, nullptr);
    event_add(server.terminate, nullptr);
    const auto port = static_cast<std::uint16_t>(count > 1 ? std::atoi(arguments[1]) : 9001);
    const sockaddr_in address{AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}, {}};
    server.listener = evconnlistener_new_bind(server.base, let_in, &server,
                                              LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC,
                                              SOMAXCONN, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const bool listens = server.listener != nullptr;
    if (listens) {
        evconnlistener_set_error_cb(server.listener, let_no_one_in);
        event_base_dispatch(server.base);
    } else {
        std::perror("listen");
    }
    event_free(server.interrupt);
    event_free(server.terminate);
    event_base_free(server.base);
    return listens ? 0 : 1;
}
