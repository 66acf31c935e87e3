// Sends every message back: thousands of WebSockets in one thread, with epoll. Its argument is the port.
// SPDX-License-Identifier: MIT
#include <sockless.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <set>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <unordered_map>

namespace ws = sockless::ws;

namespace {

struct connection {
    sockless::driver<ws::server> driver{ws::server({.ping_interval = 30'000})};
    std::uint32_t watched = EPOLLIN;
    sockless::instant wakes = sockless::no_deadline; // its place among the timers
};

class server {
  public:
    bool listen(std::uint16_t port) {
        const sockaddr_in address{AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}, {}};
        const int on = 1;
        ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        ::setsockopt(listener_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); // of all that it accepts
        return ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
               ::listen(listener_, SOMAXCONN) == 0 && watch(EPOLL_CTL_ADD, listener_, EPOLLIN) &&
               watch(EPOLL_CTL_ADD, signals_, EPOLLIN);
    }

    void run() {
        while (!is_stopping_ || !connections_.empty()) {
            epoll_event events[256];
            const int count = ::epoll_wait(epoll_, events, 256, timeout());
            for (int i = 0; i < count; ++i) {
                const int file = events[i].data.fd;
                if (file == listener_ && !is_stopping_) accept();
                if (file == signals_) stop();
                if (const auto found = connections_.find(file); found != connections_.end()) {
                    serve(file, found->second, events[i].events != EPOLLOUT);
                }
            }
            const sockless::instant time = now();
            while (!timers_.empty() && timers_.begin()->first <= time) {
                const int socket = timers_.extract(timers_.begin()).value().second;
                connection& due = connections_.at(socket);
                due.wakes = sockless::no_deadline;
                serve(socket, due, false);
            }
        }
        ::close(signals_);
        ::close(epoll_);
    }

  private:
    static sockless::instant now() {
        const auto time = std::chrono::steady_clock::now().time_since_epoch();
        return static_cast<sockless::instant>(time / std::chrono::milliseconds(1));
    }

    static int make_signals() {
        sigset_t set;
        ::sigemptyset(&set);
        ::sigaddset(&set, SIGINT);
        ::sigaddset(&set, SIGTERM);
        ::sigprocmask(SIG_BLOCK, &set, nullptr);
        return ::signalfd(-1, &set, SFD_CLOEXEC);
    }

    bool watch(int operation, int file, std::uint32_t events) {
        epoll_event event{};
        event.events = events;
        event.data.fd = file;
        return ::epoll_ctl(epoll_, operation, file, &event) == 0;
    }

    int timeout() const {
        if (timers_.empty()) return -1;
        const sockless::instant next = timers_.begin()->first, time = now();
        return next <= time ? 0 : static_cast<int>(std::min<sockless::instant>(next - time, 60'000));
    }

    void accept() {
        const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (socket < 0) {
            // Without a file to spare nobody is let in until a connection ends: else this would be tried all the time.
            if (errno == EMFILE || errno == ENFILE) watch(EPOLL_CTL_MOD, listener_, 0);
            return;
        }
        if (!watch(EPOLL_CTL_ADD, socket, EPOLLIN)) {
            ::close(socket);
            return;
        }
        serve(socket, connections_[socket], false);
    }

    void stop() {
        is_stopping_ = true;
        ::close(listener_);
        watch(EPOLL_CTL_DEL, signals_, 0);
        for (auto next = connections_.begin(); next != connections_.end();) {
            auto& [socket, each] = *next++;
            each.driver.shut_down();
            serve(socket, each, false);
        }
    }

    void serve(int socket, connection& on, bool may_read) {
        auto& driver = on.driver;
        const auto handle = [&driver](const ws::event& event) {
            sockless::error error;
            if (event.kind == ws::kind::request) error = driver.peer().accept();
            if (event.kind == ws::kind::message) error = driver.peer().send(event.type, event.payload);
            if (error) driver.shut_down();
        };
        if (may_read && driver.reads()) {
            static std::byte buffer[65536];
            const auto size = ::recv(socket, buffer, sizeof buffer, 0);
            if (size > 0) driver.take(sockless::bytes_of(buffer, static_cast<std::size_t>(size)), handle);
            if (size == 0) driver.finish(handle);
            if (size < 0 && errno != EAGAIN) driver.abandon(handle);
        }
        driver.tick(now(), handle);
        write(socket, driver, handle);
        if (driver.ends_writing()) {
            ::shutdown(socket, SHUT_WR);
            driver.did_end_writing();
        }
        if (driver.is_over()) return close(socket, on);

        const std::uint32_t wanted = (driver.reads() ? EPOLLIN : 0u) | (driver.output().empty() ? 0u : EPOLLOUT);
        if (wanted != on.watched) watch(EPOLL_CTL_MOD, socket, on.watched = wanted);
        // A timer that comes too early costs less than one that is moved with each message.
        if (driver.next_deadline() >= on.wakes) return;
        timers_.erase({on.wakes, socket});
        on.wakes = driver.next_deadline();
        timers_.insert({on.wakes, socket});
    }

    template <class Handle>
    static void write(int socket, sockless::driver<ws::server>& driver, const Handle& handle) {
        for (;;) {
            sockless::cbytes pieces[16];
            iovec parts[16];
            msghdr message{};
            message.msg_iov = parts;
            for (const sockless::cbytes piece : driver.output(pieces)) {
                parts[message.msg_iovlen++] = {const_cast<std::byte*>(piece.data()), piece.size()};
            }
            if (message.msg_iovlen == 0) return;
            const auto size = ::sendmsg(socket, &message, MSG_NOSIGNAL);
            if (size < 0 && errno != EAGAIN) driver.abandon(handle);
            if (size < 0) return;
            driver.sent(static_cast<std::size_t>(size));
        }
    }

    void close(int socket, connection& on) {
        timers_.erase({on.wakes, socket});
        connections_.erase(socket);
        ::close(socket);
        if (!is_stopping_) watch(EPOLL_CTL_MOD, listener_, EPOLLIN);
    }

    int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    int listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int signals_ = make_signals();
    bool is_stopping_ = false;
    std::unordered_map<int, connection> connections_;    // by socket
    std::set<std::pair<sockless::instant, int>> timers_; // when, and for which socket
};

} // namespace

int main(int count, char** arguments) {
    server server;
    if (!server.listen(static_cast<std::uint16_t>(count > 1 ? std::atoi(arguments[1]) : 9001))) {
        std::perror("listen");
        return 1;
    }
    server.run();
}
