// Heads of the opening handshake for tests: good ones, and what differs from them.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless/http/head_parser.hpp>
#include <sockless/ws/opening/check.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>

#include "../../support/split.hpp"

namespace sockless::test {

/// The key of the examples in RFC 6455 sections 1.3 and 4.2.2.
inline constexpr char rfc_key_text[] = "dGhlIHNhbXBsZSBub25jZQ=="; // once, unlike a literal in each unit
inline constexpr std::string_view rfc_key{rfc_key_text, sizeof rfc_key_text - 1};

inline constexpr std::string_view good_fields = "Host: server.example.com\r\n"
                                                "Upgrade: websocket\r\n"
                                                "Connection: Upgrade\r\n"
                                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                                "Sec-WebSocket-Version: 13\r\n";

/// The good fields, with all lines of one name replaced by others.
inline std::string with(std::string_view name, std::string_view lines) {
    std::string out(good_fields);
    const std::size_t begin = out.find(std::string(name) + ":");
    if (!name.empty() && begin != std::string::npos) out.erase(begin, out.find("\r\n", begin) + 2 - begin);
    return out + std::string(lines);
}

/// A head, and the text that its views are of.
struct parsed {
    std::string text;
    http::head head{};

    parsed(std::string_view wire, http::message_kind kind) : text(wire) {
        http::head_parser parser(kind);
        bytes in = bytes_of(text.data(), text.size());
        const http::head_event event = parser.next(in);
        REQUIRE(event.kind == http::head_kind::head);
        head = event.head;
    }
    parsed(const parsed&) = delete;
};

/// A request, and what the library says of it.
struct request : parsed {
    explicit request(std::string_view fields, std::string_view line = "GET /chat HTTP/1.1")
        : parsed(std::string(line) + "\r\n" + std::string(fields) + "\r\n", http::message_kind::request),
          checked(ws::check_request(head)) {}
    ws::opening_request checked;
};

inline sockless::error error_of(std::string_view fields, std::string_view line = "GET /chat HTTP/1.1") {
    return request(fields, line).checked.error;
}

/// The text that `write` writes into a span with enough room.
template <class Write>
std::string text_written(const Write& write) {
    std::array<std::byte, 1000> out{};
    const written done = write(bytes(out));
    REQUIRE(!done.error);
    return std::string(text_of(bytes(out).first(done.size)));
}

} // namespace sockless::test
