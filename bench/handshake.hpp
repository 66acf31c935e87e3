// The opening handshake of a server: the request, and the rounds that are timed.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstring>
#include <string_view>

#include "support.hpp"

namespace bench {

/// What a browser sends: 745 bytes, 15 fields. The key is the example of RFC 6455 section 1.3.
inline constexpr std::string_view browser_request =
    "GET /chat/room/42?token=0123456789abcdef HTTP/1.1\r\n"
    "Host: chat.example.com:8080\r\n"
    "Connection: Upgrade\r\n"
    "Pragma: no-cache\r\n"
    "Cache-Control: no-cache\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
    "Safari/537.36\r\n"
    "Upgrade: websocket\r\n"
    "Origin: https://chat.example.com\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7\r\n"
    "Cookie: session=4f9c2e7ab0d14c55a7e2c1b9d8f60312; theme=dark; _ga=GA1.1.1234567890.1718000000; region=kr\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    "Sec-WebSocket-Protocol: chat.v2.example\r\n"
    "X-Forwarded-For: 203.0.113.195, 192.0.2.144\r\n"
    "\r\n";
static_assert(browser_request.size() == 745);

inline constexpr std::string_view sample_key = "dGhlIHNhbXBsZSBub25jZQ==";
inline constexpr std::string_view sample_accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Method, target, and each field, as they stand in the request.
[[nodiscard]] digest elements_of_browser_request();

/// Gives a piece of text to a sink.
template <class Sink>
void piece(Sink& sink, std::string_view text, bool last) {
    sink.piece(reinterpret_cast<const std::byte*>(text.data()), text.size(), last);
}

/// The request in memory that may be written to, as `recv` leaves it.
[[nodiscard]] inline std::vector<std::byte> received_request() {
    std::vector<std::byte> memory(browser_request.size());
    std::memcpy(memory.data(), browser_request.data(), memory.size());
    return memory;
}

/// `Head<Sink>::parse(data, size, sink)` gives the elements of a request to the sink.
template <template <class> class Head>
bool add_head(const char* implementation) {
    return add({"handshake/head", implementation, [](benchmark::State& state) {
                    std::vector<std::byte> request = received_request();
                    hashing seen;
                    Head<hashing>::parse(request.data(), request.size(), seen);
                    if (!check(state, seen.result() == elements_of_browser_request())) return;
                    counting sink;
                    measure(state, 1, request.size(), [&] {
                        Head<counting>::parse(request.data(), request.size(), sink);
                        benchmark::DoNotOptimize(sink);
                    });
                }});
}

/// `Answer(data, size, out)` checks a request and writes the 101 to `out`, which has room; says how long it is.
template <auto Answer>
bool add_answer(const char* implementation, const char* workload = "handshake/whole") {
    return add({workload, implementation, [](benchmark::State& state) {
                    std::vector<std::byte> request = received_request();
                    std::vector<char> out(1024);
                    const std::string_view answer(out.data(), Answer(request.data(), request.size(), out.data()));
                    const std::string accept = "Sec-WebSocket-Accept: " + std::string(sample_accept) + "\r\n";
                    const bool right = answer.substr(0, 13) == "HTTP/1.1 101 " && answer.size() > 100 &&
                                       answer.substr(answer.size() - 4) == "\r\n\r\n" &&
                                       answer.find(accept) != std::string_view::npos;
                    if (!check(state, right)) return;
                    measure(state, 1, request.size(),
                            [&] { benchmark::DoNotOptimize(Answer(request.data(), request.size(), out.data())); });
                }});
}

/// `AcceptKey(key, out)` writes 28 characters.
template <auto AcceptKey>
bool add_accept_key(const char* implementation) {
    return add({"handshake/accept-key", implementation, [](benchmark::State& state) {
                    char out[28];
                    AcceptKey(sample_key, out);
                    if (!check(state, std::string_view(out, sizeof out) == sample_accept)) return;
                    std::string key(sample_key);
                    measure(state, 1, key.size(), [&] {
                        benchmark::DoNotOptimize(key.data());
                        AcceptKey(key, out);
                        benchmark::DoNotOptimize(out);
                    });
                }});
}

} // namespace bench
