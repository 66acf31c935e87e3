// How a field of the opening handshake is known by its name.
// SPDX-License-Identifier: MIT
#include <sockless/ws/opening/names.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace sockless;

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
