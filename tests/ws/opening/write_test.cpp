// The heads that a client and a server write.
// SPDX-License-Identifier: MIT
#include <sockless/ws/opening/write.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "heads.hpp"

using namespace sockless;
using namespace sockless::test;
using ws::errc;

// --- what a server writes

namespace {

sockless::error acceptance_error(const ws::acceptance& accepted, std::string_view key = rfc_key) {
    std::array<std::byte, 1000> out{};
    const written done = ws::write_acceptance(out, key, accepted);
    CHECK((!done.error || done.size == 0));
    return done.error;
}

sockless::error refusal_error(const ws::refusal& refused) {
    std::array<std::byte, 1000> out{};
    const written done = ws::write_refusal(out, refused);
    CHECK((!done.error || done.size == 0));
    return done.error;
}

} // namespace

TEST_CASE("H9: the 101 has Upgrade, Connection, the right Sec-WebSocket-Accept, and no word of a body") {
    CHECK(text_written([](bytes out) { return ws::write_acceptance(out, rfc_key, {}); }) ==
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    const field more[] = {{"Set-Cookie", "a=b"}, {"Server", "x"}};
    CHECK(text_written([&](bytes out) {
              return ws::write_acceptance(out, rfc_key, {.subprotocol = "chat", .extensions = "a; b", .fields = more});
          }) == "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n"
                "Sec-WebSocket-Extensions: a; b\r\nSet-Cookie: a=b\r\nServer: x\r\n\r\n");
    for (const std::string_view name :
         {"Content-Length", "transfer-encoding", "Upgrade", "connection", "Sec-WebSocket-Accept",
          "sec-websocket-protocol", "SEC-WEBSOCKET-EXTENSIONS", "Sec-WebSocket-Version"}) {
        const field one[] = {{name, "0"}};
        CHECK_MESSAGE(acceptance_error({.fields = one}) == errc::reserved_field, name);
    }
    CHECK(acceptance_error({}, "short") == errc::bad_key);
}

TEST_CASE("H6 H9: a key of another size is answered if that is asked for") {
    const std::string before = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               "Sec-WebSocket-Accept: ";
    const auto answer = [](std::string_view key) {
        return text_written([key](bytes out) { return ws::write_acceptance(out, key, {.any_key = true}); });
    };
    CHECK(answer("AAECAwQFBgc=") == before + "oREkqT/GYt5w/5rL7lgOpYK+HZ4=\r\n\r\n");
    CHECK(answer(rfc_key) == before + "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    CHECK(acceptance_error({.subprotocol = "a b", .any_key = true}, "short") == errc::bad_subprotocol);
}

TEST_CASE("H10 H11 H14: a server sends one subprotocol, well-formed extensions, and no text that breaks out") {
    CHECK(acceptance_error({.subprotocol = "a, b"}) == errc::bad_subprotocol);
    CHECK(acceptance_error({.subprotocol = "a\r\nX: y"}) == errc::bad_subprotocol);
    CHECK(acceptance_error({.extensions = "a;"}) == errc::bad_extensions);
    CHECK(acceptance_error({.extensions = "a\r\nX: y"}) == errc::bad_extensions);
    const field split[] = {{"A", "b\r\nX: y"}};
    const field name[] = {{"A: b\r\nX", "y"}};
    CHECK(acceptance_error({.fields = split}) == http::errc::bad_value);
    CHECK(acceptance_error({.fields = name}) == http::errc::bad_name);
    CHECK(refusal_error({.fields = split}) == http::errc::bad_value);
    CHECK(refusal_error({.fields = name}) == http::errc::bad_name);
    CHECK(refusal_error({.reason = "a\r\nX: y"}) == http::errc::bad_reason);
    CHECK(refusal_error({.content_type = "a\n"}) == http::errc::bad_value);
}

TEST_CASE("H12: a refusal has any final status, Content-Length and Connection: close") {
    CHECK(text_written([](bytes out) { return ws::write_refusal(out, {.status = 404}); }) ==
          "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    const field more[] = {{"WWW-Authenticate", "Basic"}};
    CHECK(text_written([&](bytes out) {
              return ws::write_refusal(
                  out,
                  {.status = 401, .fields = more, .body = "no\r\n", .content_type = "text/plain", .reason = "Who?"});
          }) == "HTTP/1.1 401 Who?\r\nConnection: close\r\nWWW-Authenticate: Basic\r\nContent-Type: text/plain\r\n"
                "Content-Length: 4\r\n\r\nno\r\n");
    for (unsigned status = 0; status != 1000; ++status) {
        const bool good = status >= 200 && status <= 599;
        CHECK(refusal_error({.status = static_cast<std::uint16_t>(status)}) ==
              (good ? sockless::error() : sockless::error(http::errc::bad_status)));
    }
    for (const std::string_view name : {"Content-Length", "connection", "Transfer-Encoding"}) {
        const field one[] = {{name, "0"}};
        CHECK(refusal_error({.fields = one}) == errc::reserved_field);
    }
    const field type[] = {{"content-type", "a/b"}};
    CHECK(!refusal_error({.fields = type}));
    CHECK(refusal_error({.fields = type, .content_type = "c/d"}) == errc::reserved_field);
}

TEST_CASE("H12: an answer to HEAD has the fields of any other, and no content") {
    CHECK(text_written([](bytes out) {
              return ws::write_refusal(
                  out, {.status = 404, .body = "no\r\n", .content_type = "text/plain", .to_head = true});
          }) == "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\n");
    const sockless::error error = errc::method_not_get;
    const std::string whole = text_written([error](bytes out) { return ws::write_refusal(out, error); });
    const std::string head = text_written([error](bytes out) { return ws::write_refusal(out, error, true); });
    CHECK(head + std::string(error.sentence()) + "\n" == whole);
}

TEST_CASE("H12 H7: fields that a status must have are there unless the caller gave others") {
    CHECK(text_written([](bytes out) { return ws::write_refusal(out, {.status = 405}); }) ==
          "HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nAllow: GET\r\nContent-Length: 0\r\n\r\n");
    const field allow[] = {{"allow", "GET, HEAD"}};
    CHECK(text_written([&](bytes out) { return ws::write_refusal(out, {.status = 405, .fields = allow}); }) ==
          "HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nallow: GET, HEAD\r\nContent-Length: 0\r\n\r\n");
    const field upgrade[] = {{"Upgrade", "websocket, x"}, {"Sec-WebSocket-Version", "13, 14"}};
    CHECK(text_written([&](bytes out) { return ws::write_refusal(out, {.status = 426, .fields = upgrade}); }) ==
          "HTTP/1.1 426 Upgrade Required\r\nConnection: close, Upgrade\r\nUpgrade: websocket, x\r\n"
          "Sec-WebSocket-Version: 13, 14\r\nContent-Length: 0\r\n\r\n");
    CHECK(text_written([](bytes out) { return ws::write_refusal(out, {.status = 426}); }) ==
          "HTTP/1.1 426 Upgrade Required\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n"
          "Sec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n");

    // Connection names an Upgrade of any status.
    const field newer[] = {{"upgrade", "h2c"}};
    CHECK(text_written([&](bytes out) { return ws::write_refusal(out, {.status = 400, .fields = newer}); }) ==
          "HTTP/1.1 400 Bad Request\r\nConnection: close, Upgrade\r\nupgrade: h2c\r\nContent-Length: 0\r\n\r\n");

    // RFC 9110 8.6: what has no body has no length of one.
    CHECK(text_written([](bytes out) { return ws::write_refusal(out, {.status = 204}); }) ==
          "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    CHECK(text_written([](bytes out) { return ws::write_refusal(out, {.status = 205}); }) ==
          "HTTP/1.1 205 Reset Content\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    for (const std::uint16_t status : {std::uint16_t{204}, std::uint16_t{205}, std::uint16_t{304}}) {
        CHECK(refusal_error({.status = status, .body = "x"}) == http::errc::body_not_allowed);
    }
}

TEST_CASE("H12: every error that has a status can be answered, and the answer can be read") {
    const auto check = [](sockless::error error) {
        std::array<std::byte, 600> out{};
        const written done = ws::write_refusal(out, error);
        REQUIRE_FALSE(done.error);
        const parsed answer(text_of(bytes(out).first(done.size)), http::message_kind::response);
        CHECK(answer.head.status == (error.status() != 0 ? error.status() : 400));
        CHECK(!answer.head.reason.empty());
        CHECK(http::has_token(answer.head.fields, "connection", "close"));
        CHECK((http::first(answer.head.fields, "allow") == "GET") == (error.status() == 405));
        const std::string body = answer.text.substr(answer.text.find("\r\n\r\n") + 4);
        CHECK(body == std::string(error.sentence()) + "\n");
        CHECK(http::first(answer.head.fields, "content-length") == std::to_string(body.size()));

        const written asked = ws::write_refusal(bytes(), error);
        CHECK(asked.error == http::errc::no_room);
        CHECK(asked.size == done.size);
    };
    for (std::size_t i = 1; i != std::size(http::errc_rows); ++i) check(static_cast<http::errc>(i));
    for (std::size_t i = 1; i != std::size(ws::errc_rows); ++i) check(static_cast<errc>(i));
}

TEST_CASE("H14: writers into a span that is too small say how much it takes") {
    const auto check = [](auto&& write) {
        std::array<std::byte, 600> large{};
        const written whole = write(bytes(large));
        REQUIRE_FALSE(whole.error);
        guarded_memory memory(whole.size);
        for (std::size_t room = 0; room != whole.size; ++room) {
            const buffer blank(room);
            const written done = write(memory.copy_of(blank, true));
            CHECK(done.error == http::errc::no_room);
            CHECK(done.size == whole.size);
        }
    };
    check([](bytes out) { return ws::write_acceptance(out, rfc_key, {.subprotocol = "a"}); });
    check([](bytes out) { return ws::write_refusal(out, {.status = 426, .body = "b"}); });
    check(
        [](bytes out) { return ws::write_request(out, std::span<const char, 24>(rfc_key.data(), 24), {.host = "a"}); });
}

// --- what a client writes

namespace {

written write_request(bytes out, const ws::opening& asked) {
    return ws::write_request(out, std::span<const char, 24>(rfc_key.data(), 24), asked);
}

sockless::error opening_error(const ws::opening& asked) {
    std::array<std::byte, 2000> out{};
    const written done = write_request(out, asked);
    CHECK((!done.error || done.size == 0));
    return done.error;
}

} // namespace

TEST_CASE("H15: the request has all that a server asks for") {
    const std::string_view names[] = {"chat", "superchat"};
    const field more[] = {{"Authorization", "Basic YTpi"}, {"Cookie", "a=b"}};
    CHECK(text_written([&](bytes out) {
              return write_request(out, {.host = "server.example.com:8080",
                                         .target = "/chat?a",
                                         .subprotocols = names,
                                         .extensions = "permessage-deflate",
                                         .origin = "http://example.com",
                                         .fields = more});
          }) == "GET /chat?a HTTP/1.1\r\nHost: server.example.com:8080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                "Origin: http://example.com\r\nSec-WebSocket-Protocol: chat, superchat\r\n"
                "Sec-WebSocket-Extensions: permessage-deflate\r\nAuthorization: Basic YTpi\r\nCookie: a=b\r\n\r\n");
    const std::string least = text_written([](bytes out) { return write_request(out, {.host = "a"}); });
    CHECK(!ws::check_request(parsed(least, http::message_kind::request).head).error);
}

TEST_CASE("H15: the target has no fragment, the host is one, and has its port unless it is the default") {
    for (const std::string_view target : {"", "chat", "#", "/a#b", "http://a/", "*"}) {
        const bool empty = std::string_view(target).empty();
        CHECK_MESSAGE(opening_error({.host = "a", .target = target}) ==
                          (empty ? sockless::error(http::errc::bad_target) : sockless::error(errc::bad_request_target)),
                      target);
    }
    for (const std::string_view host : {"", "a b", "a/b", "a@b", "a:b"})
        CHECK(opening_error({.host = host}) == errc::bad_host);

    std::array<char, 32> out{};
    CHECK(ws::write_host(out, "a.example", 80, false) == "a.example");
    CHECK(ws::write_host(out, "a.example", 443, true) == "a.example");
    CHECK(ws::write_host(out, "a.example", 443, false) == "a.example:443");
    CHECK(ws::write_host(out, "a.example", 80, true) == "a.example:80");
    CHECK(ws::write_host(out, "a.example", 65535, true) == "a.example:65535");
    CHECK(ws::write_host(out, "a.example", 10000, true) == "a.example:10000");
    CHECK(ws::write_host(out, "a.example", 9, true) == "a.example:9");
    CHECK(ws::write_host(out, "a.example", 0, true) == "a.example:0");
    CHECK(ws::write_host(out, "::1", 80, false) == "[::1]");
    CHECK(ws::write_host(out, "::1", 8080, false) == "[::1]:8080");
    CHECK(ws::write_host(out, "[::1]", 8080, false) == "[::1]:8080");
    CHECK(ws::write_host(out, "fe80::1%eth0", 80, false) == "[fe80::1]");
    CHECK(ws::write_host(out, "[fe80::1%25eth0]", 81, false) == "[fe80::1]:81");
    CHECK(ws::write_host(out, "[::1", 80, false).empty());
    CHECK(ws::write_host(out, "::1]", 80, false).empty());
    CHECK(ws::write_host(out, ":", 80, false).empty());
    CHECK(ws::write_host(out, "", 80, false).empty());
    CHECK(ws::write_host(out, "", 81, false).empty());
    CHECK(ws::write_host(out, "a b", 80, false).empty());
    CHECK(ws::write_host(std::span(out).first(10), "a.example", 81, false).empty());
    CHECK(ws::write_host(std::span(out).first(12), "a.example", 81, false) == "a.example:81");
}

TEST_CASE("H14 H15: what a client is given is checked like what it gets") {
    CHECK(opening_error({.host = "a", .target = "/a b"}) == http::errc::bad_target);
    CHECK(opening_error({.host = "a", .target = "/a\r\nX: y"}) == http::errc::bad_target);
    CHECK(opening_error({.host = "a\r\nX: y"}) == errc::bad_host);
    CHECK(opening_error({.host = "a", .origin = "b\r\nX: y"}) == http::errc::bad_value);
    const std::string_view split[] = {"a\r\nX: y"};
    const std::string_view comma[] = {"a,b"};
    const std::string_view empty[] = {""};
    const std::string_view twice[] = {"a", "b", "a"};
    for (const auto& names : {std::span<const std::string_view>(split), std::span<const std::string_view>(comma),
                              std::span<const std::string_view>(empty), std::span<const std::string_view>(twice)}) {
        CHECK(opening_error({.host = "a", .subprotocols = names}) == errc::bad_subprotocol);
    }
    std::vector<std::string> many;
    for (std::size_t i = 0; i != sockless::ws::detail::max_subprotocols + 1; ++i)
        many.push_back("p" + std::to_string(i));
    const std::vector<std::string_view> names(many.begin(), many.end());
    CHECK(opening_error({.host = "a", .subprotocols = names}) == errc::too_many_subprotocols);
    CHECK(
        !opening_error({.host = "a", .subprotocols = std::span(names).first(sockless::ws::detail::max_subprotocols)}));
    CHECK(opening_error({.host = "a", .extensions = "a;"}) == errc::bad_extensions);
    for (const std::string_view name : {"Host", "upgrade", "Connection", "Sec-WebSocket-Key", "sec-websocket-version",
                                        "Content-Length", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions",
                                        "Sec-WebSocket-Accept", "Transfer-Encoding", "Expect"}) {
        const field one[] = {{name, "0"}};
        CHECK_MESSAGE(opening_error({.host = "a", .fields = one}) == errc::reserved_field, name);
    }
    const field origin[] = {{"Origin", "x"}};
    CHECK(!opening_error({.host = "a", .fields = origin}));
    CHECK(opening_error({.host = "a", .origin = "y", .fields = origin}) == errc::reserved_field);
    const std::array<char, 24> key{};
    std::array<std::byte, 500> out{};
    CHECK(ws::write_request(out, key, {.host = "a"}).error == errc::bad_key);
}
