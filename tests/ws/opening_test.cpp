#include <sockless/ws/opening.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "../support/split.hpp"

using namespace sockless;
using namespace sockless::test;
using ws::errc;

namespace {

// --- the examples of RFC 6455 sections 1.3 and 4.2.2

constexpr std::string_view rfc_key = "dGhlIHNhbXBsZSBub25jZQ==";

constexpr bool is_rfc_accept() {
    const auto accept = ws::accept_key(rfc_key);
    return std::string_view(accept.data(), accept.size()) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
}
static_assert(is_rfc_accept());

constexpr bool is_rfc_key() {
    std::array<std::byte, 16> nonce{};
    for (std::size_t i = 0; i != nonce.size(); ++i) nonce[i] = static_cast<std::byte>("the sample nonce"[i]);
    const auto key = ws::encode_key(nonce);
    return std::string_view(key.data(), key.size()) == rfc_key;
}
static_assert(is_rfc_key());

// A whole opening handshake, both sides of it, in constant evaluation.
constexpr bool opens_in_constant_evaluation() {
    constexpr std::string_view offered[] = {"chat", "superchat"};
    constexpr std::string_view supported[] = {"other", "superchat", "chat"};
    std::array<std::byte, 400> wire{};
    std::array<char, 400> memory{};
    const auto request = ws::write_request(wire, std::span<const char, 24>(rfc_key.data(), 24),
                                           {.host = "server.example.com", .target = "/chat", .subprotocols = offered});
    if (!request) return false;
    http::head_parser server(http::head_kind::request, span_buffer<char>(memory));
    bytes in = bytes(wire).first(request.size);
    const http::head_event asked = server.next(in);
    const ws::opening_request checked = ws::check_request(asked.head);
    if (checked.error || checked.target != "/chat") return false;

    std::array<char, 400> answer_memory{};
    std::array<std::byte, 400> answer{};
    const std::string_view chosen = ws::choose_subprotocol(supported, asked.head.fields);
    const auto response = ws::write_acceptance(answer, checked.key, {.subprotocol = chosen});
    if (!response) return false;
    http::head_parser client(http::head_kind::response, span_buffer<char>(answer_memory));
    in = bytes(answer).first(response.size);
    const ws::opening_response opened = ws::check_response(client.next(in).head, rfc_key, "chat, superchat", "");
    return !opened.error && opened.subprotocol == "superchat" && !opened.subprotocol_missing && in.empty();
}
static_assert(opens_in_constant_evaluation());

// --- requests

constexpr std::string_view good_fields = "Host: server.example.com\r\n"
                                         "Upgrade: websocket\r\n"
                                         "Connection: Upgrade\r\n"
                                         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                         "Sec-WebSocket-Version: 13\r\n";

// The good fields, with all lines of one name replaced by others.
std::string with(std::string_view name, std::string_view lines) {
    std::string out(good_fields);
    const std::size_t begin = out.find(std::string(name) + ":");
    if (!name.empty() && begin != std::string::npos) out.erase(begin, out.find("\r\n", begin) + 2 - begin);
    return out + std::string(lines);
}

// Keeps the text that the views are of.
struct parsed {
    std::string text;
    http::head head{};

    parsed(std::string_view wire, http::head_kind kind) : text(wire) {
        http::head_parser parser(kind);
        bytes in = bytes_of(text.data(), text.size());
        const http::head_event event = parser.next(in);
        REQUIRE(event.kind == http::kind::head);
        head = event.head;
    }
    parsed(const parsed&) = delete;
};

struct request : parsed {
    explicit request(std::string_view fields, std::string_view line = "GET /chat HTTP/1.1")
        : parsed(std::string(line) + "\r\n" + std::string(fields) + "\r\n", http::head_kind::request),
          checked(ws::check_request(head)) {}
    ws::opening_request checked;
};

sockless::error error_of(std::string_view fields, std::string_view line = "GET /chat HTTP/1.1") {
    return request(fields, line).checked.error;
}

} // namespace

TEST_CASE("H13: a good request shows target, host, origin and key, and all of its fields") {
    const request asked(with("", "Origin: http://example.com\r\nCookie: a=b\r\n"), "GET /chat?room=1 HTTP/1.1");
    CHECK(!asked.checked.error);
    CHECK(asked.checked.target == "/chat?room=1");
    CHECK(asked.checked.host == "server.example.com");
    CHECK(asked.checked.origin == "http://example.com");
    CHECK(asked.checked.key == rfc_key);
    CHECK(!asked.checked.expects_continue);
    CHECK(http::first(asked.head.fields, "cookie") == "a=b");
    CHECK(ws::is_upgrade(asked.head));

    // What was found is shown also where something is wrong with the rest.
    const request wrong(with("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8\r\nOrigin: null\r\n"));
    CHECK(wrong.checked.error == errc::version_unsupported);
    CHECK(wrong.checked.target == "/chat");
    CHECK(wrong.checked.origin == "null");
    CHECK(wrong.checked.host == "server.example.com");
}

TEST_CASE("H1: only GET of HTTP/1.1 or later can be upgraded") {
    CHECK(!error_of(good_fields));
    CHECK(!error_of(good_fields, "GET /chat HTTP/1.2"));
    for (const std::string_view line :
         {"POST /chat HTTP/1.1", "HEAD /chat HTTP/1.1", "get /chat HTTP/1.1", "GET2 /chat HTTP/1.1"}) {
        CHECK(error_of(good_fields, line) == errc::method_not_get);
        CHECK(error_of(good_fields, line).status() == 405);
    }
    CHECK(error_of(good_fields, "GET /chat HTTP/1.0") == errc::http_version_too_old);
    CHECK(error_of(good_fields, "GET /chat HTTP/1.0").status() == 426);
    CHECK(!ws::is_upgrade(request(good_fields, "GET / HTTP/1.0").head));
}

TEST_CASE("H1: the target is a path, or an http URI whose authority counts instead of Host") {
    for (const std::string_view line :
         {"GET * HTTP/1.1", "GET chat HTTP/1.1", "GET ws://a/ HTTP/1.1", "GET a:80 HTTP/1.1", "GET http:/a HTTP/1.1",
          "GET /a#b HTTP/1.1", "GET http://a/#b HTTP/1.1", "GET http:// HTTP/1.1"}) {
        CHECK_MESSAGE(error_of(good_fields, line) == errc::bad_request_target, line);
        CHECK(error_of(good_fields, line).status() == 400);
    }
    const request absolute(good_fields, "GET HTTP://other.example:81/chat?a HTTP/1.1");
    CHECK(!absolute.checked.error);
    CHECK(absolute.checked.host == "other.example:81");
    CHECK(absolute.checked.target == "/chat?a");
    CHECK(request(good_fields, "GET https://a HTTP/1.1").checked.target == "/");
    CHECK(request(good_fields, "GET https://a?b HTTP/1.1").checked.target == "?b");
    CHECK(request(good_fields, "GET https://a?b HTTP/1.1").checked.host == "a");
    CHECK(error_of(good_fields, "GET http:///chat HTTP/1.1") == errc::bad_host);
    CHECK(error_of(good_fields, "GET http://user@a/ HTTP/1.1") == errc::bad_host);
}

TEST_CASE("H4: Host exactly once, and a host") {
    for (const std::string_view lines :
         {"", "Host: a\r\nHost: a\r\n", "Host: a\r\nHOST: b\r\n", "Host:\r\n", "Host: a b\r\n", "Host: a/b\r\n"}) {
        CHECK_MESSAGE(error_of(with("Host", lines)) == errc::bad_host, lines);
        CHECK(error_of(with("Host", lines)).status() == 400);
        CHECK(error_of(with("Host", lines), "GET http://a/ HTTP/1.1") == errc::bad_host);
    }
    CHECK(!error_of(with("Host", "host: [::1]:9001\r\n")));
}

TEST_CASE(
    "H5: Upgrade holds websocket and Connection holds upgrade, in lists over repeated lines, whatever their case") {
    for (const std::string_view lines :
         {"upgrade: WebSocket\r\n", "Upgrade: h2c, websocket\r\n", "Upgrade: h2c\r\nUpgrade:,WEBSOCKET ,\r\n"}) {
        CHECK_MESSAGE(!error_of(with("Upgrade", lines)), lines);
        CHECK(ws::is_upgrade(request(with("Upgrade", lines)).head));
    }
    for (const std::string_view lines :
         {"", "Upgrade: h2c\r\n", "Upgrade:\r\n", "Upgrade: web socket\r\n", "Upgrade: websocket2\r\n",
          "Upgrade: websocket/13\r\n", "Upgrade: \"websocket\"\r\n"}) {
        CHECK_MESSAGE(error_of(with("Upgrade", lines)) == errc::upgrade_missing, lines);
        CHECK(error_of(with("Upgrade", lines)).status() == 426);
        CHECK(!ws::is_upgrade(request(with("Upgrade", lines)).head));
    }
    for (const std::string_view lines : {"Connection: keep-alive, Upgrade\r\n", "connection:, ,UPGRADE\r\n",
                                         "Connection: keep-alive\r\nConnection: upgrade\r\n"}) {
        CHECK_MESSAGE(!error_of(with("Connection", lines)), lines);
    }
    for (const std::string_view lines :
         {"", "Connection: keep-alive\r\n", "Connection: upgraded\r\n", "Connection:\r\n"}) {
        CHECK_MESSAGE(error_of(with("Connection", lines)) == errc::connection_upgrade_missing, lines);
        CHECK(error_of(with("Connection", lines)).status() == 400);
    }
}

TEST_CASE("H6: Sec-WebSocket-Key exactly once, 16 bytes in base64") {
    for (const std::string_view lines :
         {"", "Sec-WebSocket-Key:\r\n", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWU=\r\n",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!==\r\n",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==\r\n"}) {
        CHECK_MESSAGE(error_of(with("Sec-WebSocket-Key", lines)) == errc::bad_key, lines);
        CHECK(error_of(with("Sec-WebSocket-Key", lines)).status() == 400);
    }
    CHECK(!error_of(with("Sec-WebSocket-Key", "SEC-WEBSOCKET-KEY:AAAAAAAAAAAAAAAAAAAAAA==\r\n")));
}

TEST_CASE("H7: Sec-WebSocket-Version exactly once and 13; another version is told which one is spoken") {
    for (const std::string_view lines : {"", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13\r\n"}) {
        CHECK(error_of(with("Sec-WebSocket-Version", lines)) == errc::version_missing);
        CHECK(error_of(with("Sec-WebSocket-Version", lines)).status() == 400);
    }
    for (const std::string_view value : {"8", "7", "14", "013", "13, 8", "", "x", "1 3"}) {
        const std::string fields =
            with("Sec-WebSocket-Version", "Sec-WebSocket-Version: " + std::string(value) + "\r\n");
        CHECK_MESSAGE(error_of(fields) == errc::version_unsupported, value);
    }

    // Also where the key is one of another version: what would help is said.
    CHECK(error_of("Host: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 0\r\n") ==
          errc::version_unsupported);
    std::array<std::byte, 400> out{};
    const written done = ws::write_refusal(out, errc::version_unsupported);
    REQUIRE(done);
    const parsed answer(text_of(bytes(out).first(done.size)), http::head_kind::response);
    CHECK(answer.head.status == 426);
    CHECK(http::first(answer.head.fields, "sec-websocket-version") == "13");
    CHECK(http::first(answer.head.fields, "upgrade") == "websocket");
    CHECK(http::has_token(answer.head.fields, "connection", "upgrade"));
    CHECK(http::has_token(answer.head.fields, "connection", "close"));
}

TEST_CASE("H8: a request with a body cannot be upgraded") {
    for (const std::string_view lines :
         {"Content-Length: 1\r\n", "Content-Length: 0\r\nContent-Length: 5\r\n", "Content-Length: x\r\n",
          "Content-Length:\r\n", "Content-Length: -0\r\n", "Content-Length: 0, 0\r\n",
          "Content-Length: 18446744073709551616\r\n", "Transfer-Encoding: chunked\r\n",
          "transfer-encoding: identity\r\n", "Transfer-Encoding:\r\n"}) {
        CHECK_MESSAGE(error_of(with("", lines)) == errc::unexpected_body, lines);
        CHECK(error_of(with("", lines)).status() == 400);
    }
    CHECK(!error_of(with("", "Content-Length: 0\r\n")));
}

TEST_CASE("H10: what is offered are unique tokens, at least one") {
    const auto offered = [](std::string_view lines) { return error_of(with("", lines)); };
    CHECK(!offered("Sec-WebSocket-Protocol: chat\r\n"));
    CHECK(!offered("Sec-WebSocket-Protocol: chat, superchat, Chat\r\n"));
    CHECK(!offered("Sec-WebSocket-Protocol: a,, b,\r\nOther: x\r\nsec-websocket-protocol: c\r\n"));
    for (const std::string_view lines :
         {"Sec-WebSocket-Protocol:\r\n", "Sec-WebSocket-Protocol: ,\r\n", "Sec-WebSocket-Protocol: a b\r\n",
          "Sec-WebSocket-Protocol: a/b\r\n", "Sec-WebSocket-Protocol: a, b, a\r\n",
          "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b, a\r\n", "Sec-WebSocket-Protocol: \"a\"\r\n",
          "Sec-WebSocket-Protocol: ,\r\nSec-WebSocket-Protocol:\r\n"}) {
        CHECK_MESSAGE(offered(lines) == errc::bad_subprotocol, lines);
        CHECK(offered(lines).status() == 400);
    }
    std::string many = "Sec-WebSocket-Protocol: p0";
    for (std::size_t i = 1; i != sockless::ws::detail::max_subprotocols; ++i) many += ",p" + std::to_string(i);
    CHECK(!offered(many + "\r\n"));
    CHECK(offered(many + ",p\r\n") == errc::too_many_subprotocols);
    CHECK(offered(many + "\r\nSec-WebSocket-Protocol: p\r\n") == errc::too_many_subprotocols);
}

TEST_CASE("H10: the server chooses by its own order, with regard to case, one or none") {
    const request asked(
        with("", "Sec-WebSocket-Protocol: v10.stomp, V12.STOMP\r\nSec-WebSocket-Protocol: v11.stomp\r\n"));
    REQUIRE(!asked.checked.error);
    const auto choose = [&](std::vector<std::string_view> supported) {
        return ws::choose_subprotocol(supported, asked.head.fields);
    };
    CHECK(choose({"v12.stomp", "v11.stomp", "v10.stomp"}) == "v11.stomp");
    CHECK(choose({"v10.stomp", "v11.stomp"}) == "v10.stomp");
    CHECK(choose({"v12.stomp", "mqtt"}).empty());
    CHECK(choose({}).empty());
    CHECK(ws::offers_subprotocol(asked.head.fields, "V12.STOMP"));
    CHECK(!ws::offers_subprotocol(asked.head.fields, "v12.stomp"));
    CHECK(!ws::offers_subprotocol(asked.head.fields, ""));
}

TEST_CASE("H11: malformed extensions are refused, those that nobody knows are not") {
    CHECK(!error_of(with("", "Sec-WebSocket-Extensions: x-unknown; a=\"b\", permessage-deflate\r\n")));
    for (const std::string_view lines : {"Sec-WebSocket-Extensions:\r\n", "Sec-WebSocket-Extensions: a;\r\n",
                                         "Sec-WebSocket-Extensions: a\r\nSec-WebSocket-Extensions: b;c=\"d\r\n"}) {
        CHECK_MESSAGE(error_of(with("", lines)) == errc::bad_extensions, lines);
        CHECK(error_of(with("", lines)).status() == 400);
    }
}

TEST_CASE("H13: two Origins are refused, so that the one that was checked is the one that counts") {
    CHECK(error_of(with("", "Origin: a\r\nOrigin: b\r\n")) == errc::repeated_origin);
    CHECK(error_of(with("", "Origin: a\r\nOrigin: b\r\n")).status() == 400);
}

TEST_CASE("H21: 100-continue is told to the caller, any other expectation is refused") {
    CHECK(request(with("", "Expect: 100-Continue\r\n")).checked.expects_continue);
    CHECK(!request(with("", "Expect: 100-Continue\r\n")).checked.error);
    for (const std::string_view lines :
         {"Expect: 200-ok\r\n", "Expect:\r\n", "Expect: 100-continue\r\nExpect: x\r\n"}) {
        CHECK(error_of(with("", lines)) == errc::expectation_unknown);
        CHECK(error_of(with("", lines)).status() == 417);
        CHECK(!request(with("", lines)).checked.expects_continue);
    }
}

// --- what a server writes

namespace {

template <class Write>
std::string text_written(const Write& write) {
    std::array<std::byte, 1000> out{};
    const written done = write(bytes(out));
    REQUIRE(!done.error);
    return std::string(text_of(bytes(out).first(done.size)));
}

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

TEST_CASE("H9: the accept key of other keys, from another implementation") {
    const auto accept = [](std::string_view key) {
        const auto made = ws::accept_key(key);
        return std::string(made.data(), made.size());
    };
    CHECK(accept("x3JJHMbDL1EzLkh9GBhXDw==") == "HSmrc0sMlYUkAGmm5OPpG2HaGWk=");
    CHECK(accept("AAAAAAAAAAAAAAAAAAAAAA==") == "ICX+Yqv66kxgM0FcWaLWlFLwTAI=");
    CHECK(accept("/////////////////////w==") == "XXpj4jYzLM2yUE0C7TIgMwTQh2g=");
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

TEST_CASE("H12: fields that a status must have are there unless the caller gave others") {
    CHECK(text_written([](bytes out) { return ws::write_refusal(out, {.status = 405}); }) ==
          "HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nAllow: GET\r\nContent-Length: 0\r\n\r\n");
    const field allow[] = {{"allow", "GET, HEAD"}};
    CHECK(text_written([&](bytes out) { return ws::write_refusal(out, {.status = 405, .fields = allow}); }) ==
          "HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nallow: GET, HEAD\r\nContent-Length: 0\r\n\r\n");
    const field upgrade[] = {{"Upgrade", "websocket, x"}, {"Sec-WebSocket-Version", "13, 14"}};
    CHECK(text_written([&](bytes out) { return ws::write_refusal(out, {.status = 426, .fields = upgrade}); }) ==
          "HTTP/1.1 426 Upgrade Required\r\nConnection: close, Upgrade\r\nUpgrade: websocket, x\r\n"
          "Sec-WebSocket-Version: 13, 14\r\nContent-Length: 0\r\n\r\n");

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
        REQUIRE(done);
        const parsed answer(text_of(bytes(out).first(done.size)), http::head_kind::response);
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
        REQUIRE(whole);
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
    CHECK(!ws::check_request(parsed(least, http::head_kind::request).head).error);
}

TEST_CASE("H15: keys are the base64 of what the caller gives") {
    std::array<std::byte, 16> nonce{};
    const auto key = [&] {
        const auto made = ws::encode_key(nonce);
        return std::string(made.data(), made.size());
    };
    CHECK(key() == "AAAAAAAAAAAAAAAAAAAAAA==");
    nonce.fill(std::byte{0xff});
    CHECK(key() == "/////////////////////w==");
    for (int i = 0; i != 16; ++i) nonce[static_cast<std::size_t>(i)] = static_cast<std::byte>(i + 1);
    CHECK(key() == "AQIDBAUGBwgJCgsMDQ4PEA=="); // RFC 6455 section 4.1
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

// --- responses

namespace {

struct response : parsed {
    explicit response(std::string_view fields, std::string_view offered_subprotocols = "",
                      std::string_view offered_extensions = "", std::string_view line = "HTTP/1.1 101 x")
        : parsed(std::string(line) + "\r\n" + std::string(fields) + "\r\n", http::head_kind::response),
          checked(ws::check_response(head, rfc_key, offered_subprotocols, offered_extensions)) {}
    ws::opening_response checked;
};

const std::string good_accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
const std::string good_response = "Upgrade: websocket\r\nConnection: Upgrade\r\n" + good_accept;

} // namespace

TEST_CASE("H16: a 101 has Upgrade equal to websocket, Connection with upgrade, and the accept key of the key, once") {
    CHECK(!response(good_response).checked.error);
    CHECK(!response("UPGRADE: WebSocket\r\nconnection: close, UPGRADE\r\n" + good_accept).checked.error);

    for (const std::string_view lines :
         {"", "Upgrade: websocket, h2c\r\n", "Upgrade: h2c\r\n", "Upgrade: websocket\r\nUpgrade: websocket\r\n",
          "Upgrade:\r\n", "Upgrade: websocket2\r\n"}) {
        CHECK_MESSAGE(response(std::string(lines) + "Connection: upgrade\r\n" + good_accept).checked.error ==
                          errc::upgrade_missing,
                      lines);
    }
    for (const std::string_view lines : {"", "Connection: close\r\n", "Connection: upgrades\r\n"}) {
        CHECK(response("Upgrade: websocket\r\n" + std::string(lines) + good_accept).checked.error ==
              errc::connection_upgrade_missing);
    }
    const std::string before = "Upgrade: websocket\r\nConnection: upgrade\r\n";
    CHECK(response(before).checked.error == errc::accept_missing);
    CHECK(response(before + good_accept + good_accept).checked.error == errc::accept_missing);
    for (const std::string_view value : {"", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo", "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
                                         "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=, a"}) {
        CHECK(response(before + "Sec-WebSocket-Accept: " + std::string(value) + "\r\n").checked.error ==
              errc::accept_wrong);
    }
    CHECK(response(good_response, "", "", "HTTP/1.0 101 x").checked.error == errc::http_version_too_old);
}

TEST_CASE("H16 H18: any other status is told apart, for the caller to look at") {
    for (const std::string_view line :
         {"HTTP/1.1 200 x", "HTTP/1.1 401 x", "HTTP/1.1 302 x", "HTTP/1.1 503 x", "HTTP/1.1 102 x"}) {
        CHECK(response(good_response, "", "", line).checked.error == errc::unexpected_status);
    }
}

TEST_CASE("H17: only what was offered may come back") {
    const auto with_line = [](const std::string& lines, std::string_view subprotocols, std::string_view extensions) {
        return response(good_response + lines, subprotocols, extensions).checked;
    };
    const std::string chat = "Sec-WebSocket-Protocol: chat\r\n";
    const ws::opening_response chosen = response(good_response + chat, "superchat, chat", "").checked;
    CHECK(!chosen.error);
    CHECK(!chosen.subprotocol_missing);
    CHECK(with_line(chat, "", "").error == errc::subprotocol_not_offered);
    CHECK(with_line(chat, "Chat, superchat", "").error == errc::subprotocol_not_offered);
    CHECK(with_line(chat + chat, "chat", "").error == errc::bad_subprotocol);
    CHECK(with_line("Sec-WebSocket-Protocol:\r\n", "chat", "").error == errc::bad_subprotocol);
    CHECK(with_line("Sec-WebSocket-Protocol: chat, superchat\r\n", "chat, superchat", "").error ==
          errc::bad_subprotocol);

    CHECK(!with_line("", "chat", "").error);
    CHECK(with_line("", "chat", "").subprotocol_missing);
    CHECK(!with_line("", "", "").subprotocol_missing);

    const std::string deflate = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n";
    CHECK(!with_line(deflate, "", "x, permessage-deflate; client_max_window_bits").error);
    CHECK(with_line(deflate, "", "").error == errc::extension_not_offered);
    CHECK(with_line(deflate, "", "permessage-deflate2").error == errc::extension_not_offered);
    CHECK(with_line(deflate + "Sec-WebSocket-Extensions: x\r\n", "", "permessage-deflate").error ==
          errc::extension_not_offered);
    CHECK(with_line("Sec-WebSocket-Extensions:\r\n", "", "a").error == errc::bad_extensions);
    CHECK(with_line("Sec-WebSocket-Extensions: a;\r\n", "", "a").error == errc::bad_extensions);

    const response seen(good_response + chat + deflate, "chat", "permessage-deflate");
    CHECK(seen.checked.subprotocol == "chat");
    CHECK(seen.checked.extensions == "permessage-deflate; server_no_context_takeover");
}

// --- HTTP/2 and HTTP/3

namespace {

using field_list = std::vector<field>;

// The example of RFC 8441 section 5.1.
const field_list connect{{":method", "CONNECT"},
                         {":protocol", "websocket"},
                         {":scheme", "https"},
                         {":path", "/chat"},
                         {":authority", "server.example.com"},
                         {"sec-websocket-protocol", "chat, superchat"},
                         {"sec-websocket-extensions", "permessage-deflate"},
                         {"sec-websocket-version", "13"},
                         {"origin", "http://www.example.com"}};

field_list connect_with(std::string_view name, std::string_view value) {
    field_list out = connect;
    for (field& each : out) {
        if (each.name == name) {
            each.value = value;
            return out;
        }
    }
    out.push_back({name, value});
    return out;
}
field_list connect_without(std::string_view name) {
    field_list out;
    for (const field& each : connect) {
        if (each.name != name) out.push_back(each);
    }
    return out;
}
sockless::error connect_error(const field_list& fields) { return ws::check_extended_connect(fields).error; }

} // namespace

TEST_CASE("H22: the negotiation works on a list of pseudo-fields and fields") {
    const ws::opening_request asked = ws::check_extended_connect(connect);
    CHECK(!asked.error);
    CHECK(asked.target == "/chat");
    CHECK(asked.host == "server.example.com");
    CHECK(asked.origin == "http://www.example.com");
    CHECK(asked.key.empty());
    const std::string_view supported[] = {"superchat", "chat"};
    CHECK(ws::choose_subprotocol(supported, connect) == "superchat");
    CHECK(!ws::check_extended_connect(std::span<const field>(connect)).error);
    CHECK(!connect_error(connect_with("sec-websocket-key", "whatever")));
    CHECK(!connect_error(connect_with("host", "Server.example.com")));
    CHECK(!connect_error(connect_with("Sec-Something", "x")));
}

TEST_CASE("H22: an unknown protocol is answered with 501, another request is none of ours") {
    CHECK(connect_error(connect_with(":protocol", "connect-udp")) == errc::protocol_unknown);
    CHECK(connect_error(connect_with(":protocol", "connect-udp")).status() == 501);
    CHECK(connect_error(connect_with(":protocol", "")) == errc::protocol_unknown);
    CHECK(connect_error(connect_without(":protocol")) == errc::not_extended_connect);
    CHECK(connect_error(connect_with(":method", "GET")) == errc::not_extended_connect);
    CHECK(connect_error(connect_without(":method")) == errc::not_extended_connect);
    CHECK(connect_error({}) == errc::not_extended_connect);
}

TEST_CASE("H22: pseudo-fields are complete, unique, known, and come first") {
    CHECK(connect_error(connect_without(":scheme")) == errc::bad_pseudo_field);
    CHECK(connect_error(connect_with(":scheme", "ftp")) == errc::bad_pseudo_field);
    CHECK(!connect_error(connect_with(":scheme", "http")));
    CHECK(connect_error(connect_without(":path")) == errc::bad_pseudo_field);
    for (const std::string_view path : {"", "chat", "/a b", "/a#b", "/\x80"}) {
        CHECK(connect_error(connect_with(":path", path)) == errc::bad_pseudo_field);
    }
    CHECK(connect_error(connect_without(":authority")) == errc::bad_pseudo_field);
    CHECK(connect_error(connect_with(":authority", "user@a")) == errc::bad_pseudo_field);
    CHECK(connect_error(connect_with(":unknown", "a")) == errc::bad_pseudo_field);
    CHECK(connect_error(connect_with(":status", "200")) == errc::bad_pseudo_field);
    field_list late = connect_without(":scheme");
    late.push_back({":scheme", "https"});
    CHECK(connect_error(late) == errc::bad_pseudo_field);
    field_list twice = connect;
    twice.insert(twice.begin(), {":path", "/other"});
    CHECK(connect_error(twice) == errc::bad_pseudo_field);
    CHECK(connect_error(connect_with("a b", "c")) == errc::bad_pseudo_field);
    CHECK(connect_error(connect_with("a", "b\nc")) == errc::bad_pseudo_field);
    CHECK(connect_error(connect_with("", "b")) == errc::bad_pseudo_field);
}

TEST_CASE("H22: there is no Connection or Upgrade, no other Host, and the rest is judged as over HTTP/1.1") {
    for (const std::string_view name : {"connection", "upgrade", "transfer-encoding"}) {
        CHECK(connect_error(connect_with(name, "x")) == errc::connection_field);
        CHECK(connect_error(connect_with(name, "x")).status() == 400);
    }
    CHECK(connect_error(connect_with("host", "other")) == errc::bad_host);
    CHECK(connect_error(connect_with("sec-websocket-version", "8")) == errc::version_unsupported);
    CHECK(connect_error(connect_without("sec-websocket-version")) == errc::version_missing);
    CHECK(connect_error(connect_with("sec-websocket-protocol", "a, a")) == errc::bad_subprotocol);
    CHECK(connect_error(connect_with("sec-websocket-extensions", "a;")) == errc::bad_extensions);
    CHECK(connect_error(connect_with("expect", "x")) == errc::expectation_unknown);
    CHECK(ws::check_extended_connect(connect_with("expect", "100-continue")).expects_continue);
}

TEST_CASE("H22: any 2xx accepts, without an accept key; only what was offered may come back") {
    const auto answer = [](field_list fields) {
        return ws::check_connect_response(fields, "chat, superchat", "permessage-deflate");
    };
    const ws::opening_response good = answer(
        {{":status", "200"}, {"sec-websocket-protocol", "chat"}, {"sec-websocket-extensions", "permessage-deflate"}});
    CHECK(!good.error);
    CHECK(good.subprotocol == "chat");
    CHECK(good.extensions == "permessage-deflate");
    CHECK(!answer({{":status", "204"}}).error);
    CHECK(answer({{":status", "204"}}).subprotocol_missing);
    CHECK(answer({{":status", "403"}}).error == errc::unexpected_status);
    CHECK(answer({{":status", "101"}}).error == errc::unexpected_status);
    CHECK(answer({{":status", "20"}}).error == errc::bad_pseudo_field);
    CHECK(answer({{":status", "2xx"}}).error == errc::bad_pseudo_field);
    CHECK(answer({}).error == errc::bad_pseudo_field);
    CHECK(answer({{":status", "200"}, {":status", "200"}}).error == errc::bad_pseudo_field);
    CHECK(answer({{":status", "200"}, {"upgrade", "websocket"}}).error == errc::connection_field);
    CHECK(answer({{":status", "200"}, {"connection", "upgrade"}}).error == errc::connection_field);
    CHECK(answer({{":status", "200"}, {"sec-websocket-protocol", "other"}}).error == errc::subprotocol_not_offered);
    CHECK(answer({{":status", "200"}, {"sec-websocket-extensions", "x"}}).error == errc::extension_not_offered);
}

TEST_CASE("H5: a field of the handshake is known by every character of its name, whatever the case of its letters") {
    using sockless::ws::detail::opening_field, sockless::ws::detail::opening_field_of;
    for (const std::string_view name :
         {"Host", "Origin", "Expect", "Upgrade", "Connection", "Content-Length", "Sec-WebSocket-Key",
          "Transfer-Encoding", "Sec-WebSocket-Accept", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol",
          "Sec-WebSocket-Extensions"}) {
        const opening_field field = opening_field_of(name);
        CHECK(field != opening_field::other);
        for (std::size_t i = 0; i != name.size(); ++i) {
            for (unsigned c = 0; c != 256; ++c) {
                std::string changed(name);
                changed[i] = static_cast<char>(c);
                const bool same = http::equal_ignoring_case(changed, name);
                REQUIRE((opening_field_of(changed) == field) == same);
            }
        }
        CHECK(opening_field_of(std::string(name) + "x") == opening_field::other);
        CHECK(opening_field_of(name.substr(1)) == opening_field::other);
    }
    CHECK(opening_field_of("") == opening_field::other);
    CHECK(opening_field_of(std::string(1000, 'a')) == opening_field::other);
}
