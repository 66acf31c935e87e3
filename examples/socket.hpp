// What the examples need of POSIX and of the command line; nothing in it is about WebSocket.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless.hpp>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

/// Milliseconds on a clock that never goes back.
inline sockless::time now() {
    const auto since_start = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<sockless::time>(std::chrono::duration_cast<std::chrono::milliseconds>(since_start).count());
}

/// How long `poll` may wait for a deadline: at most a minute at a time, as it counts in `int`.
inline int milliseconds_until(sockless::time deadline) {
    const sockless::time at = now(), left = deadline > at ? deadline - at : 0;
    return left < 60'000 ? static_cast<int>(left) : 60'000;
}

/// 127.0.0.1, where all of the examples stay.
inline sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

/// Makes a connection's calls return at once, and its small writes leave at once.
inline void prepare(int socket) {
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::fcntl(socket, F_SETFL, O_NONBLOCK);
}

/// A socket that listens at `port`, or, where that is 0, at the port that is then written there; or -1.
inline int listen_at(std::uint16_t& port) {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ::fcntl(listener, F_SETFL, O_NONBLOCK);
    sockaddr_in address = loopback(port);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener, any, size) != 0 || ::listen(listener, SOMAXCONN) != 0) return -1;
    if (::getsockname(listener, any, &size) != 0) return -1;
    port = ntohs(address.sin_port);
    return listener;
}

/// A socket that is connected to `port`, or -1. On this machine that does not take long enough to poll for it.
inline int connect_to(std::uint16_t port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in address = loopback(port);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ::close(socket);
        return -1;
    }
    prepare(socket);
    return socket;
}

/// Takes what `recv`, `send` or `accept` returned: whether there was nothing to be done just now, which is no error.
inline bool try_again_later(ssize_t result) {
    return result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

/// For a client: the nonce and the masking keys of a connection must not be guessed (RFC 6455 section 10.3).
inline sockless::ws::entropy fresh_entropy() {
    sockless::ws::entropy::seed seed{};
    if (::getentropy(seed.data(), seed.size()) != 0) std::abort();
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

/// Reads all of `text` as a number; nothing where it is none, or too large.
template <class Number>
std::optional<Number> read_number(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return {};
    return number;
}
