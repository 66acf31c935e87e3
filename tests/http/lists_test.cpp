// Comma lists and their elements.
// SPDX-License-Identifier: MIT
#include <sockless/http/lists.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace sockless;

namespace {

using list = std::vector<std::string>;

list elements(std::string_view value, http::list_syntax syntax = http::list_syntax::plain) {
    list out;
    for (const std::string_view each : http::list_elements(value, syntax)) out.emplace_back(each);
    return out;
}

constexpr field some[] = {{"Upgrade", "h2c, WebSocket"}, {"upgrade", "x"}, {"A", ""}, {"A", "1"}};
static_assert(http::has_token(some, "Upgrade", "websocket") && http::has_token(some, "Upgrade", "X"));
static_assert(!http::has_token(some, "Upgrade", "h2") && !http::has_token(some, "A", ""));

constexpr http::fields lines("Host: a\r\nUpgrade: h2c\r\nX:\r\nUPGRADE: ,WebSocket\t\r\n");
static_assert(http::has_token(lines, "upgrade", "websocket") && !http::has_token(lines, "X", "websocket"));

} // namespace

TEST_CASE("H5: lists leave out empty elements and the white space around the others") {
    CHECK(elements("a") == list{"a"});
    CHECK(elements(" a ,\tb\t") == list{"a", "b"});
    CHECK(elements(",, a,, ,b,") == list{"a", "b"});
    CHECK(elements("").empty());
    CHECK(elements(" , \t,").empty());
    CHECK(elements("a b, c") == list{"a b", "c"});
    CHECK(elements("a,a") == list{"a", "a"});
}

TEST_CASE("H11: a comma in a quoted string ends no element, where there are quoted strings") {
    constexpr auto quoted = http::list_syntax::quoted;
    CHECK(elements("a;b=\"c,d\", e", quoted) == list{"a;b=\"c,d\"", "e"});
    CHECK(elements("a=\"\\\",\\\\\",b", quoted) == list{"a=\"\\\",\\\\\"", "b"});
    CHECK(elements("a=\"b,c", quoted) == list{"a=\"b,c"});
    CHECK(elements("\\,b", quoted) == list{"\\", "b"});
    CHECK(elements("a=\"b\\", quoted) == list{"a=\"b\\"});
    CHECK(elements("\"a,b\"") == list{"\"a", "b\""});
}

TEST_CASE("H5: a token is looked for in all lines of its name, in any list of fields") {
    const std::vector<field> headers{{"Connection", "keep-alive"}, {"Other", "Upgrade"}, {"connection", " , UPGRADE,"}};
    CHECK(http::has_token(headers, "Connection", "upgrade"));
    CHECK(http::has_token(std::span<const field>(headers), "CONNECTION", "Keep-Alive"));
    CHECK(!http::has_token(headers, "Connection", "close"));
    CHECK(!http::has_token(headers, "Connection", "keep"));
    CHECK(!http::has_token(headers, "Connection", "keep-alive, "));
    // An empty element is none.
    CHECK(!http::has_token(std::vector<field>{{"Connection", ""}, {"Connection", ",,"}}, "Connection", ""));
}
