// The facts about the opening handshake in a list of fields.
// SPDX-License-Identifier: MIT
#include <sockless/ws/opening/fields.hpp>

#include <doctest/doctest.h>

#include <string_view>

using namespace sockless;
using ws::detail::opening_field;
using ws::detail::opening_fields;

namespace {

constexpr field some[] = {{"host", "a"}, {"X", "y"}, {"ORIGIN", "b"}, {"Origin", "c"}, {"Upgrade", "h2c, WebSocket"}};
constexpr bool collects_in_constant_evaluation() {
    const opening_fields all(some);
    return all.first(opening_field::host) == "a" && all.first(opening_field::origin) == "b" &&
           all.count(opening_field::origin) == 2 && !all.has(opening_field::key) &&
           all.first(opening_field::key).empty() && all.upgrade_to_websocket && !all.connection_upgrade && !all.body;
}
static_assert(collects_in_constant_evaluation());

} // namespace

TEST_CASE("H5 H8 H11 H21: what a field says is found in any of its lines, and stays") {
    const auto says = [](std::string_view name, std::string_view value, std::string_view other,
                         bool opening_fields::*flag) {
        const field first[] = {{name, value}, {"Host", "h"}, {name, other}};
        const field last[] = {{name, other}, {"Host", "h"}, {name, value}};
        const field neither[] = {{name, other}, {"x", value}, {name, other}};
        return opening_fields(first).*flag && opening_fields(last).*flag && !(opening_fields(neither).*flag);
    };
    CHECK(says("connection", "keep-alive, Upgrade", "close", &opening_fields::connection_upgrade));
    CHECK(says("upgrade", "WEBSOCKET", "websocket2", &opening_fields::upgrade_to_websocket));
    CHECK(says("Content-Length", "1", "0", &opening_fields::body));
    CHECK(says("Expect", "x", "100-Continue", &opening_fields::expectation_unknown));
    CHECK(says("Sec-WebSocket-Extensions", "a;", "a", &opening_fields::bad_extensions));
    CHECK(says("Sec-WebSocket-Extensions", "a;", "", &opening_fields::bad_extensions));
    for (const std::string_view empty : {"", ",", " , ,\t"}) {
        CHECK(says("Sec-WebSocket-Extensions", empty, "a", &opening_fields::empty_extensions));
        CHECK(says("Sec-WebSocket-Extensions", empty, ";", &opening_fields::empty_extensions));
    }
}
