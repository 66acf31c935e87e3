// The peers written in C++ share this: commands from standard input, events to standard output, sockets (see peer.cpp).
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless/core.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

// --- Words and JSON --------------------------------------------------------------------------------------------------

using words = std::vector<std::string_view>;

inline words split(std::string_view line) {
    words found;
    while (!line.empty()) {
        const std::size_t size = std::min(line.find(' '), line.size());
        if (size != 0) found.push_back(line.substr(0, size));
        line.remove_prefix(std::min(size + 1, line.size()));
    }
    return found;
}

inline std::size_t number(std::string_view text) { return std::strtoull(std::string(text).c_str(), nullptr, 10); }

inline std::string from_hex(std::string_view text) {
    std::string found;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        found += static_cast<char>(std::strtoul(std::string(text.substr(i, 2)).c_str(), nullptr, 16));
    }
    return found;
}

inline std::string to_hex(sockless::cbytes data) {
    std::string found;
    for (const std::byte each : data) {
        for (const auto digit : {each >> 4, each & std::byte{15}}) found += "0123456789abcdef"[static_cast<int>(digit)];
    }
    return found;
}

// A JSON string; the text of a head may hold bytes that are no UTF-8, so each stands for itself (ISO 8859-1).
inline std::string quoted(std::string_view text) {
    std::string found = "\"";
    for (const char each : text) {
        const auto code = static_cast<unsigned char>(each);
        const bool plain = code >= 0x20 && code < 0x7F && each != '"' && each != '\\';
        char escaped[7];
        std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(code));
        found += plain ? std::string(1, each) : std::string(escaped);
    }
    return found + '"';
}

inline void print(std::string_view event, const std::string& members = {}) {
    std::printf("{\"event\":\"%.*s\"%s}\n", static_cast<int>(event.size()), event.data(), members.c_str());
    std::fflush(stdout);
}

// --- Commands --------------------------------------------------------------------------------------------------------

/// The lines of standard input, without waiting for them.
class commands {
  public:
    /// Takes what is there. The program ends with its input.
    void read() {
        char buffer[65536];
        const ssize_t size = ::read(STDIN_FILENO, buffer, sizeof buffer);
        if (size <= 0) std::exit(EXIT_SUCCESS);
        for (const char each : std::string_view(buffer, static_cast<std::size_t>(size))) {
            if (each != '\n') {
                line_ += each;
                continue;
            }
            lines_.push_back(std::move(line_));
            line_.clear();
        }
    }

    [[nodiscard]] bool next(std::string& line) {
        if (lines_.empty()) return false;
        line = std::move(lines_.front());
        lines_.pop_front();
        return true;
    }

  private:
    std::deque<std::string> lines_;
    std::string line_;
};

// --- Sockets and time ------------------------------------------------------------------------------------------------

[[noreturn]] inline void give_up(const char* what) {
    std::perror(what);
    std::exit(EXIT_FAILURE);
}

inline sockaddr_in address_of(std::size_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

inline int open_socket() {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    if (socket < 0) give_up("socket");
    return socket;
}

/// A socket that listens on any port, which is printed.
inline int listen_somewhere() {
    const int listener = open_socket();
    sockaddr_in address = address_of(0);
    socklen_t size = sizeof address;
    if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), size) != 0) give_up("bind");
    if (::listen(listener, 16) != 0) give_up("listen");
    if (::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) give_up("getsockname");
    std::printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    return listener;
}

inline int connected_to(std::size_t port) {
    const int socket = open_socket();
    const sockaddr_in address = address_of(port);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) give_up("connect");
    return socket;
}

inline sockless::instant now() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<sockless::instant>(std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}
