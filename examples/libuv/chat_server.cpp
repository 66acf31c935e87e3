// A chat room with libuv: each message goes to all clients. Its argument is the port.
// SPDX-License-Identifier: MIT
#include <sockless.hpp>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <unordered_set>
#include <uv.h>

namespace ws = sockless::ws;

namespace {

template <class To, class From>
To* as(From* handle) {
    return reinterpret_cast<To*>(handle);
}

class connection;

struct room {
    uv_loop_t loop{};
    uv_tcp_t listener{};
    uv_signal_t interrupt{}, terminate{};
    std::unordered_set<connection*> all{};
};

class connection {
    auto handle() {
        return [this](const ws::event& event) {
            if (event.kind == ws::kind::request) report(driver_.peer().accept());
            if (event.kind == ws::kind::message) tell_all(ws::prepared_message(event.type, event.payload));
        };
    }

  public:
    explicit connection(room& where) : room_(where) {
        socket_.data = timer_.data = write_.data = this;
        uv_tcp_init(&room_.loop, &socket_);
        uv_timer_init(&room_.loop, &timer_);
        room_.all.insert(this);
        if (uv_accept(as<uv_stream_t>(&room_.listener), as<uv_stream_t>(&socket_)) != 0) driver_.abandon(handle());
        uv_tcp_nodelay(&socket_, 1);
        update();
    }

    void shut_down() {
        driver_.shut_down();
        update();
    }

  private:
    // Bytes. A listener for whom more waits misses messages.
    static constexpr std::size_t most_waiting = 4 * 1024 * 1024;

    static connection& of(void* data) { return *static_cast<connection*>(data); }

    void report(const sockless::error& error) {
        if (error) driver_.shut_down();
    }

    void tell_all(const ws::prepared_message& message) {
        for (connection* each : room_.all) {
            ws::server& peer = each->driver_.peer();
            // From a sender who is too slow the driver does not read, so senders miss none of their own.
            if (!peer.is_open() || (each != this && peer.waiting() > most_waiting)) continue;
            each->report(peer.send(message));
            each->write();
        }
    }

    void update() {
        if (uv_is_closing(as<uv_handle_t>(&socket_))) return;
        driver_.tick(uv_now(&room_.loop), handle());
        write();
        if (driver_.ends_writing()) {
            const auto ended = [](uv_shutdown_t*, int) {};
            if (uv_shutdown(&shutdown_, as<uv_stream_t>(&socket_), ended) != 0) driver_.abandon(handle());
            driver_.did_end_writing();
        }
        if (is_reading_ != driver_.reads()) read(driver_.reads());
        if (driver_.is_over()) return close();
        const sockless::instant now = uv_now(&room_.loop), next = driver_.next_deadline();
        const auto due = [](uv_timer_t* timer) { of(timer->data).update(); };
        uv_timer_start(&timer_, due, next > now ? next - now : 0, 0);
    }

    void read(bool reads) {
        is_reading_ = reads;
        if (!reads) {
            uv_read_stop(as<uv_stream_t>(&socket_));
            return;
        }
        const auto room = [](uv_handle_t* socket, std::size_t, uv_buf_t* buffer) {
            auto& in = of(socket->data).in_;
            *buffer = uv_buf_init(in.data(), static_cast<unsigned>(in.size()));
        };
        const auto done = [](uv_stream_t* socket, ssize_t size, const uv_buf_t* buffer) {
            connection& on = of(socket->data);
            if (size > 0)
                on.driver_.take(sockless::bytes_of(buffer->base, static_cast<std::size_t>(size)), on.handle());
            if (size == UV_EOF) on.driver_.finish(on.handle());
            if (size < 0 && size != UV_EOF) on.driver_.abandon(on.handle());
            on.update();
        };
        if (uv_read_start(as<uv_stream_t>(&socket_), room, done) != 0) driver_.abandon(handle());
    }

    void write() {
        const auto out = driver_.output();
        if (writing_ != 0 || out.empty()) return;
        const uv_buf_t buffer{as<char>(const_cast<std::byte*>(out.data())), out.size()};
        const auto done = [](uv_write_t* write, int status) {
            connection& on = of(write->data);
            if (status == 0) on.driver_.sent(on.writing_);
            if (status != 0) on.driver_.abandon(on.handle());
            on.writing_ = 0;
            on.update();
        };
        writing_ = out.size();
        if (uv_write(&write_, as<uv_stream_t>(&socket_), &buffer, 1, done) != 0) driver_.abandon(handle());
    }

    void close() {
        room_.all.erase(this);
        uv_timer_stop(&timer_);
        uv_close(as<uv_handle_t>(&socket_), [](uv_handle_t* socket) {
            const auto done = [](uv_handle_t* timer) { delete &of(timer->data); };
            uv_close(as<uv_handle_t>(&of(socket->data).timer_), done);
        });
    }

    room& room_;
    sockless::driver<ws::server> driver_{ws::server({.ping_interval = 30'000})};
    uv_tcp_t socket_{};
    uv_timer_t timer_{};
    uv_write_t write_{};
    uv_shutdown_t shutdown_{};
    bool is_reading_ = false;
    std::size_t writing_ = 0; // the bytes of the write that is under way
    std::array<char, 16 * 1024> in_;
};

void let_in(uv_stream_t* listener, int status) {
    if (status == 0) new connection(*static_cast<room*>(listener->data)); // it deletes itself
}

void stop(uv_signal_t* signal, int) {
    room& from = *static_cast<room*>(signal->data);
    uv_close(as<uv_handle_t>(&from.listener), nullptr);
    uv_close(as<uv_handle_t>(&from.interrupt), nullptr);
    uv_close(as<uv_handle_t>(&from.terminate), nullptr);
    for (auto next = from.all.begin(); next != from.all.end();) (*next++)->shut_down();
}

} // namespace

int main(int count, char** arguments) {
    std::signal(SIGPIPE, SIG_IGN);
    room room;
    sockaddr_in address{};
    uv_loop_init(&room.loop);
    uv_tcp_init(&room.loop, &room.listener);
    uv_signal_init(&room.loop, &room.interrupt);
    uv_signal_init(&room.loop, &room.terminate);
    room.listener.data = room.interrupt.data = room.terminate.data = &room;
    uv_ip4_addr("127.0.0.1", count > 1 ? std::atoi(arguments[1]) : 9001, &address);
    uv_tcp_bind(&room.listener, as<const sockaddr>(&address), 0);
    uv_signal_start(&room.interrupt, stop, SIGINT);
    uv_signal_start(&room.terminate, stop, SIGTERM);
    const int error = uv_listen(as<uv_stream_t>(&room.listener), SOMAXCONN, let_in);
    if (error != 0) {
        std::fprintf(stderr, "listen: %s\n", uv_strerror(error));
        stop(&room.interrupt, 0);
    }
    uv_run(&room.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&room.loop) == 0 && error == 0 ? 0 : 1;
}
