// The opening handshake: our own rows.
// SPDX-License-Identifier: MIT
#include "handshake.hpp"

#include <cstdlib>

#include <sockless/ws/opening.hpp>

namespace bench {

digest elements_of_browser_request() {
    hashing seen;
    const std::string request(browser_request);
    std::string_view rest = request;
    const auto take = [&rest](std::string_view up_to) {
        const std::string_view taken = rest.substr(0, rest.find(up_to));
        rest = rest.substr(taken.size() + up_to.size());
        return taken;
    };
    piece(seen, take(" "), false);
    piece(seen, take(" "), true);
    take("\r\n");
    while (rest != "\r\n") {
        piece(seen, take(": "), false);
        piece(seen, take("\r\n"), true);
    }
    return seen.result();
}

namespace {

template <class Sink>
struct sockless_head {
    static void parse(std::byte* data, std::size_t size, Sink& sink) {
        sockless::http::head_parser parser(sockless::http::message_kind::request);
        sockless::bytes in(data, size);
        const auto event = parser.next(in);
        if (event.kind != sockless::http::head_kind::head) std::abort();
        piece(sink, event.head.method, false);
        piece(sink, event.head.target, true);
        for (const sockless::field& field : event.head.fields) {
            piece(sink, field.name, false);
            piece(sink, field.value, true);
        }
    }
};

std::size_t answer(std::byte* data, std::size_t size, char* out) {
    sockless::http::head_parser parser(sockless::http::message_kind::request);
    sockless::bytes in(data, size);
    const auto event = parser.next(in);
    if (event.kind != sockless::http::head_kind::head) std::abort();
    const auto request = sockless::ws::check_request(event.head);
    if (request.error) std::abort();
    return sockless::ws::write_acceptance(sockless::bytes_of(out, 1024), request.key, {}).size;
}

void accept_key(std::string_view key, char* out) {
    const auto accept = sockless::ws::accept_key(key);
    std::memcpy(out, accept.data(), accept.size());
}

const bool added =
    add_head<sockless_head>("sockless") && add_answer<answer>("sockless") && add_accept_key<accept_key>("sockless");

} // namespace
} // namespace bench
