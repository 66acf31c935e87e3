// The whole opening handshake, both sides of it.
// SPDX-License-Identifier: MIT
#include <sockless/ws/opening.hpp>

#include <doctest/doctest.h>

#include <sockless/ws/client.hpp>
#include <sockless/ws/server.hpp>

#include <array>
#include <string>
#include <string_view>
#include <vector>

using namespace sockless;

namespace {

constexpr std::string_view rfc_key = "dGhlIHNhbXBsZSBub25jZQ==";

constexpr bool opens_in_constant_evaluation() {
    constexpr std::string_view offered[] = {"chat", "superchat"};
    constexpr std::string_view supported[] = {"other", "superchat", "chat"};
    std::array<std::byte, 400> wire{};
    std::array<char, 400> memory{};
    const auto request = ws::write_request(wire, std::span<const char, 24>(rfc_key.data(), 24),
                                           {.host = "server.example.com", .target = "/chat", .subprotocols = offered});
    if (request.error) return false;
    http::head_parser server(http::message_kind::request, span_buffer<char>(memory));
    bytes in = bytes(wire).first(request.size);
    const http::head_event asked = server.next(in);
    const ws::opening_request checked = ws::check_request(asked.head);
    if (checked.error || checked.target != "/chat") return false;

    std::array<char, 400> answer_memory{};
    std::array<std::byte, 400> answer{};
    const std::string_view chosen = ws::choose_subprotocol(supported, asked.head.fields);
    const auto response = ws::write_acceptance(answer, checked.key, {.subprotocol = chosen});
    if (response.error) return false;
    http::head_parser client(http::message_kind::response, span_buffer<char>(answer_memory));
    in = bytes(answer).first(response.size);
    const ws::opening_response opened = ws::check_response(client.next(in).head, rfc_key, "chat, superchat", "");
    return !opened.error && opened.subprotocol == "superchat" && !opened.subprotocol_missing && in.empty();
}
static_assert(opens_in_constant_evaluation());

// The head that `ask` makes a client send.
template <class Ask>
std::string head_of(Ask ask) {
    ws::client peer{ws::entropy(ws::entropy::seed{std::byte{1}})};
    REQUIRE_FALSE(ask(peer));
    return std::string(text_of(peer.output()));
}

bool has(const std::string& head, std::string_view line) { return head.find(line) != std::string::npos; }

// On the heap, so that a sanitizer sees one that has gone.
std::string long_name(char c) { return std::string(40, c); }

} // namespace

TEST_CASE("H15: what a client asks for may be made for the call") {
    const std::string expected = "Sec-WebSocket-Protocol: " + long_name('a') + ", b\r\n";
    const std::vector<std::string> strings{long_name('a'), "b"};
    const std::vector<std::string_view> views(strings.begin(), strings.end());
    const std::array<std::string_view, 2> array{views[0], "b"};
    const auto asked = [&](list_view<std::string_view> names) {
        return head_of([&](ws::client& peer) { return peer.request({.host = "h", .subprotocols = names}); });
    };
    CHECK(has(asked(strings), expected));
    CHECK(has(asked(views), expected));
    CHECK(has(asked(array), expected));
    const std::string head = head_of([](ws::client& peer) {
        return peer.request({.host = "h",
                             .subprotocols = {long_name('a'), "b"},
                             .fields = {{"Cookie", long_name('c')}, {"X", std::string("y")}}});
    });
    CHECK(has(head, expected + "Cookie: " + long_name('c') + "\r\nX: y\r\n\r\n"));
    CHECK(has(head_of([](ws::client& peer) {
                  return peer.request({.host = "h", .subprotocols = {"a", "b"}});
              }),
              "Sec-WebSocket-Protocol: a, b\r\n"));
}

TEST_CASE("H9 H10: what a server answers with may be made for the call") {
    std::string wire = head_of([](ws::client& peer) {
        return peer.request({.host = "h", .subprotocols = {"a", "b", "c"}});
    });
    ws::server peer;
    bytes in = bytes_of(wire.data(), wire.size());
    REQUIRE(peer.next(in).kind == ws::kind::request);
    CHECK(ws::choose_subprotocol({"x", "c", "b"}, peer.head().fields) == "c");
    const std::vector<std::string> supported{"x", "b", "c"};
    CHECK(ws::choose_subprotocol(supported, peer.head().fields) == "b");
    CHECK_FALSE(peer.accept({.subprotocol = ws::choose_subprotocol(supported, peer.head().fields),
                             .fields = {{"Set-Cookie", long_name('c')}, {"Server", std::string("s")}}}));
    const std::string head(text_of(peer.output()));
    CHECK(has(head, "Sec-WebSocket-Protocol: b\r\nSet-Cookie: " + long_name('c') + "\r\nServer: s\r\n\r\n"));

    std::array<std::byte, 200> out{};
    const written wrote =
        ws::write_refusal(out, {.status = 401, .fields = {{"WWW-Authenticate", "Basic"}, {"X", long_name('x')}}});
    REQUIRE_FALSE(wrote.error);
    CHECK(has(std::string(text_of(bytes(out).first(wrote.size))),
              "WWW-Authenticate: Basic\r\nX: " + long_name('x') + "\r\n"));
}
