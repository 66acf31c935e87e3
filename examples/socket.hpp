// The part of the examples that is about POSIX and the command line, not about WebSocket or STOMP.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

/// Reads all of `text` as a number; nothing if it is not a number, or is too large.
template <class Number>
std::optional<Number> read_number(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return {};
    return number;
}

/// Milliseconds on a clock that never goes back.
inline sockless::instant now() {
    const auto since_start = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<sockless::instant>(std::chrono::duration_cast<std::chrono::milliseconds>(since_start).count());
}

/// How long `poll` may wait for a deadline: at most a minute at a time, as it counts in `int`.
inline int milliseconds_until(sockless::instant deadline) {
    const sockless::instant at = now(), left = deadline > at ? deadline - at : 0;
    return left < 60'000 ? static_cast<int>(left) : 60'000;
}

/// Makes a connection's calls return at once, and its small writes leave at once.
inline void prepare(int socket) {
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::fcntl(socket, F_SETFL, O_NONBLOCK);
}

/// A socket that listens at `port` of 127.0.0.1, or -1. If `port` is 0, the system chooses one, which is written there.
inline int listen_at(std::uint16_t& port) {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ::fcntl(listener, F_SETFL, O_NONBLOCK);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener, any, size) != 0 || ::listen(listener, SOMAXCONN) != 0) return -1;
    if (::getsockname(listener, any, &size) != 0) return -1;
    port = ntohs(address.sin_port);
    return listener;
}

/// Whether a socket that is connecting has reached the other side within so many milliseconds; else `errno` says why.
inline bool has_connected(int socket, int milliseconds) {
    pollfd connecting = {socket, POLLOUT, 0};
    int error = ETIMEDOUT;
    socklen_t size = sizeof error;
    if (::poll(&connecting, 1, milliseconds) == 1) ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
    errno = error;
    return error == 0;
}

/// A socket that is connected to `port` of `host`, a name or an address; or -1, and then `why` says why.
inline int connect_to(const std::string& host, std::uint16_t port, std::string& why) {
    constexpr int patience = 10'000;
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int wrong = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found);
    why = wrong == 0 ? "" : ::gai_strerror(wrong);
    int connected = -1;
    for (const addrinfo* each = found; each != nullptr && connected < 0; each = each->ai_next) {
        const int socket = ::socket(each->ai_family, each->ai_socktype, each->ai_protocol);
        prepare(socket);
        const bool at_once = ::connect(socket, each->ai_addr, each->ai_addrlen) == 0;
        if (at_once || (errno == EINPROGRESS && has_connected(socket, patience))) {
            connected = socket;
        } else {
            why = std::strerror(errno);
            ::close(socket);
        }
    }
    if (found != nullptr) ::freeaddrinfo(found);
    return connected;
}

/// Takes what `recv`, `send` or `accept` returned: whether there was nothing to be done just now, which is no error.
inline bool try_again_later(ssize_t result) {
    return result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

/// For a client: the nonce and the masking keys of a connection must not be guessed (RFC 6455 section 10.3). If the
/// system has no random bytes, the client says so when it is asked to send.
inline sockless::ws::entropy fresh_entropy() {
    sockless::ws::entropy::seed seed{};
    if (::getentropy(seed.data(), seed.size()) != 0) return {};
    return sockless::ws::entropy(seed);
}

/// A descriptor that can be read from once SIGINT or SIGTERM came, or -1. A handler can reach only what is global.
inline int stop_pipe[2];
inline int catch_signals() {
    if (::pipe(stop_pipe) != 0) return -1;
    const auto note = [](int) {
        const int error = errno;
        static_cast<void>(!::write(stop_pipe[1], "", 1));
        errno = error;
    };
    std::signal(SIGINT, note);
    std::signal(SIGTERM, note);
    return stop_pipe[0];
}

/// One TCP connection. The functions at its end are those of the library's endpoints and sessions. The class that
/// inherits passes them on to an endpoint or session of its protocol.
class connection {
  public:
    explicit connection(int socket) : socket_(socket) {}
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    virtual ~connection() { ::close(socket_); }

    /// The events to wait for on the socket.
    [[nodiscard]] pollfd polled() const {
        const bool reads = !heard_all_ && (said_all_ || wants_input());
        return {socket_, static_cast<short>((reads ? POLLIN : 0) | (output().empty() ? 0 : POLLOUT)), 0};
    }
    [[nodiscard]] sockless::instant deadline() const { return std::min(next_deadline(), end_by_); }

    /// Takes what has come, if `ready`, which `poll` has given, says that something has.
    void receive(short ready) {
        if ((ready & (POLLIN | POLLHUP | POLLERR)) == 0) return;
        static std::byte buffer[64 * 1024];
        const ssize_t size = ::recv(socket_, buffer, sizeof buffer, 0);
        if (try_again_later(size)) return;
        if (size > 0) return take(sockless::bytes_of(buffer, static_cast<std::size_t>(size)));
        heard_all_ = true;
        finish();
        if (size < 0) hang_up();
    }

    /// Does what is due, and sends what there is to send. To be called after every wait.
    void work() {
        tick(now());
        write();
        if (done() && !said_all_) {
            // To close the socket with input unread would be a reset, which can overtake what was sent last.
            ::shutdown(socket_, SHUT_WR);
            said_all_ = true;
            end_by_ = std::min(end_by_, now() + patience_at_end);
        }
    }

    [[nodiscard]] bool said_all() const { return said_all_; }
    [[nodiscard]] bool is_over() const { return (said_all_ && heard_all_) || end_by_ <= now(); }

    /// Ends it at once: it is broken, or there is no memory for it.
    void hang_up() { end_by_ = 0; }

    /// Says goodbye, and is over in bounded time, also with a peer that takes its output a few bytes at a time.
    void shut_down() {
        close();
        end_by_ = std::min(end_by_, now() + patience_with_rest);
    }

    /// Says goodbye, as the protocol has it.
    virtual void close() = 0;

  private:
    // Milliseconds in which a peer must take what waits for it when the program ends.
    static constexpr sockless::instant patience_with_rest = 30'000;

    // Milliseconds in which the peer must end its side once all is said.
    static constexpr sockless::instant patience_at_end = 5'000;

    virtual void take(sockless::bytes in) = 0;
    virtual void finish() = 0;
    virtual void tick(sockless::instant now) = 0;
    [[nodiscard]] virtual sockless::instant next_deadline() const = 0;
    [[nodiscard]] virtual sockless::cbytes output() const = 0;
    virtual void sent(std::size_t size) = 0;
    [[nodiscard]] virtual bool done() const = 0;
    [[nodiscard]] virtual bool wants_input() const = 0;

    void write() {
        while (!output().empty()) {
            const ssize_t size = ::send(socket_, output().data(), output().size(), 0);
            if (try_again_later(size)) return;
            if (size < 0) return hang_up();
            sent(static_cast<std::size_t>(size));
        }
    }

    int socket_;
    sockless::instant end_by_ = sockless::no_deadline;
    bool said_all_ = false;  // our side of the TCP connection has ended
    bool heard_all_ = false; // the peer's side has
};

/// Makes the connection for a socket that was just accepted.
using make_connection = std::function<std::unique_ptr<connection>(int socket)>;

/// Serves any number of connections from one thread, until something can be read from `stop`, and all have ended. Then
/// the listener is closed.
class poll_server {
  public:
    explicit poll_server(make_connection make) : make_(std::move(make)) {}

    void run(int listener, int stop) {
        bool stopping = false;
        std::vector<pollfd> polled;
        while (!stopping || !connections_.empty()) {
            polled = {{stopping ? -1 : stop, POLLIN, 0}, {stopping || full_ ? -1 : listener, POLLIN, 0}};
            sockless::instant deadline = sockless::no_deadline;
            for (const auto& each : connections_) {
                polled.push_back(each->polled());
                deadline = std::min(deadline, each->deadline());
            }
            ::poll(polled.data(), static_cast<nfds_t>(polled.size()), milliseconds_until(deadline));

            for (std::size_t i = 0; i != connections_.size(); ++i) connections_[i]->receive(polled[i + 2].revents);
            if (polled[1].revents != 0) accept_from(listener);
            if (polled[0].revents != 0) {
                stopping = true;
                ::close(listener);
                for (const auto& each : connections_) each->shut_down();
            }
            // Only now, as what one connection has received may be for others.
            for (const auto& each : connections_) each->work();
            if (std::erase_if(connections_, [](const auto& each) { return each->is_over(); }) != 0) full_ = false;
        }
    }

  private:
    void accept_from(int listener) {
        const int socket = ::accept(listener, nullptr, nullptr);
        if (socket >= 0) {
            prepare(socket);
            connections_.push_back(make_(socket));
        } else {
            // Without a free descriptor others wait until a connection has ended.
            full_ = (errno == EMFILE || errno == ENFILE) && !connections_.empty();
        }
    }

    make_connection make_;
    std::vector<std::unique_ptr<connection>> connections_;
    bool full_ = false; // no more connections can be accepted
};

/// Runs a server on 127.0.0.1 until SIGINT or SIGTERM comes. The result is the exit status of the program. The first
/// line that it prints says the port; if `port` is 0, the system chooses one.
inline int serve(const char* name, std::uint16_t port, make_connection make) {
    std::signal(SIGPIPE, SIG_IGN); // `send` tells of a broken connection
    const int stop = catch_signals();
    const int listener = listen_at(port);
    if (stop < 0 || listener < 0) {
        std::perror(name);
        return 1;
    }
    std::printf("listening on 127.0.0.1:%u\n", unsigned{port});
    std::fflush(stdout);
    poll_server(std::move(make)).run(listener, stop);
    return 0;
}
