#include <sockless/http/write_head.hpp>

#include <doctest/doctest.h>
#include <sockless/http/head_parser.hpp>

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "../support/split.hpp"

using namespace sockless;
using namespace sockless::test;
using http::errc;

namespace {

constexpr bool writes_in_constant_evaluation() {
    std::array<std::byte, 60> out{};
    const written done =
        http::head_writer(out).status_line(404).field("A", "b").field("C", std::uint64_t{0}).finish("x");
    constexpr std::string_view expected = "HTTP/1.1 404 Not Found\r\nA: b\r\nC: 0\r\n\r\nx";
    for (std::size_t i = 0; i != expected.size(); ++i) {
        if (static_cast<char>(out[i]) != expected[i]) return false;
    }
    return !done.error && done.size == expected.size();
}
static_assert(writes_in_constant_evaluation());
static_assert(http::reason_phrase(101) == "Switching Protocols" && http::reason_phrase(999).empty());

using writer = std::function<void(http::head_writer&)>;

sockless::error error_of(const writer& write) {
    std::array<std::byte, 200> out{};
    http::head_writer head(out);
    write(head);
    const written done = head.finish();
    CHECK((!done.error || done.size == 0));
    return done.error;
}

} // namespace

TEST_CASE(
    "H14: a name that is no token, and text with CR, LF, NUL or another control, are refused wherever they stand") {
    for (unsigned c = 0; c != 256; ++c) {
        const std::string text = std::string("a") + static_cast<char>(c) + "b";
        const bool control = (c < 0x20 && c != '\t') || c == 0x7f;
        const auto expected = [](bool good, errc error) { return good ? sockless::error() : sockless::error(error); };
        CHECK(error_of([&](auto& head) { head.field("A", text); }) == expected(!control, errc::bad_value));
        CHECK(error_of([&](auto& head) { head.status_line(200, text); }) == expected(!control, errc::bad_reason));
        CHECK(error_of([&](auto& head) { head.request_line("GET", "/" + text); }) ==
              expected(c > 0x20 && c < 0x7f, errc::bad_target));
        CHECK(error_of([&](auto& head) { head.field(text, "b"); }) == expected(http::is_token(text), errc::bad_name));
        CHECK(error_of([&](auto& head) { head.field(text, std::uint64_t{1}); }) ==
              expected(http::is_token(text), errc::bad_name));
        CHECK(error_of([&](auto& head) { head.request_line(text, "/"); }) ==
              expected(http::is_token(text), errc::bad_method));
        const std::string_view list[] = {"a", text};
        CHECK(error_of([&](auto& head) { head.field("A", list); }) == expected(!control, errc::bad_value));
        CHECK(error_of([&](auto& head) { head.field(text, list); }) == expected(http::is_token(text), errc::bad_name));
    }
    CHECK(error_of([](auto& head) { head.field("", "b"); }) == errc::bad_name);
    CHECK(error_of([](auto& head) { head.request_line("", "/"); }) == errc::bad_method);
    CHECK(error_of([](auto& head) { head.request_line("GET", ""); }) == errc::bad_target);
    CHECK(error_of([](auto& head) { head.status_line(99); }) == errc::bad_status);
    CHECK(error_of([](auto& head) { head.status_line(1000); }) == errc::bad_status);
    CHECK(!error_of([](auto& head) { head.status_line(100).field("A", ""); }));
}

TEST_CASE("H14: the first error stays, whatever comes after it") {
    CHECK(error_of([](auto& head) { head.field("a b", "c").field("A", "\n").field("B", "d"); }) == errc::bad_name);
    CHECK(error_of([](auto& head) { head.fail(errc::bad_reason).field("a b", "c"); }) == errc::bad_reason);
}

TEST_CASE("H14: where there is no room the writer says how much the whole takes, and writes nothing outside") {
    const auto write = [](bytes out) {
        const std::string_view list[] = {"x", "yz"};
        return http::head_writer(out)
            .request_line("GET", "/a?b")
            .field("Host", "h:1")
            .field("L", list)
            .field("N", UINT64_MAX)
            .known("K: k\r\n")
            .finish("body", "!");
    };
    const std::string expected =
        "GET /a?b HTTP/1.1\r\nHost: h:1\r\nL: x, yz\r\nN: 18446744073709551615\r\nK: k\r\n\r\nbody!";
    guarded_memory memory(expected.size() + 1);
    for (std::size_t room = 0; room <= expected.size() + 1; ++room) {
        const buffer blank(room, std::byte{'.'});
        const bytes out = memory.copy_of(blank, true);
        const written done = write(out);
        CHECK(done.size == expected.size());
        if (room < expected.size()) {
            CHECK(done.error == errc::no_room);
        } else {
            CHECK(!done.error);
            CHECK(text_of(out.first(done.size)) == expected);
        }
    }
}

TEST_CASE("H14: what is written is what a parser reads") {
    std::array<std::byte, 400> out{};
    const written done =
        http::head_writer(out).status_line(503, "Later \xc3\xa9").field("A", "b, \"c\"").field("D", "").finish("rest");
    REQUIRE_FALSE(done.error);
    http::head_parser parser(http::message_kind::response);
    bytes in = bytes(out).first(done.size);
    const http::head_event event = parser.next(in);
    REQUIRE(event.kind == http::head_kind::head);
    CHECK(event.head.status == 503);
    CHECK(event.head.reason == "Later \xc3\xa9");
    CHECK(http::first(event.head.fields, "a") == "b, \"c\"");
    CHECK(http::count(event.head.fields, "d") == 1);
    CHECK(text_of(in) == "rest");
}
