// Text into a span of every size: what fits is written, all is counted, and nothing outside is touched.
// SPDX-License-Identifier: MIT
#include <sockless/detail/text_sink.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "../support/split.hpp"

using namespace sockless;
using namespace sockless::test;

namespace {

constexpr bool writes_in_constant_evaluation() {
    std::array<std::byte, 4> octets{};
    detail::text_sink<std::byte> to_octets(octets);
    to_octets.put("a=");
    to_octets.put_number(12);
    std::array<char, 3> text{};
    detail::text_sink<char> to_text(text);
    to_text.put(cbytes(octets).first(2));
    if (char* const place = to_text.take(1)) *place = '!';
    return to_octets.complete() && to_octets.size() == 4 && octets[3] == std::byte{'2'} && to_text.complete() &&
           std::string_view(text.data(), text.size()) == "a=!";
}
static_assert(writes_in_constant_evaluation());

std::string digits_of(std::uint64_t value) {
    std::array<char, 20> room{};
    detail::text_sink<char> sink(room);
    sink.put_number(value);
    REQUIRE(sink.complete());
    return {room.data(), sink.size()};
}

} // namespace

TEST_CASE("text that does not fit is counted, and only what fits as a whole is written") {
    const std::string expected = "name: 18446744073709551615\r\nab";
    guarded_memory memory(expected.size() + 1);
    for (std::size_t room = 0; room <= expected.size() + 1; ++room) {
        CAPTURE(room);
        const bytes out = memory.copy_of(buffer(room, std::byte{'.'}), true);
        detail::text_sink<std::byte> sink(out);
        sink.put("name");
        sink.put(std::string_view{});
        sink.put(bytes_of(": "));
        sink.put_number(UINT64_MAX);
        sink.put("\r\n");
        std::byte* const place = sink.take(2);
        CHECK((place != nullptr) == (room >= expected.size()));
        if (place != nullptr) {
            place[0] = std::byte{'a'};
            place[1] = std::byte{'b'};
        }
        sink.put(cbytes{});
        CHECK(sink.size() == expected.size());
        CHECK(sink.complete() == (room >= expected.size()));
        // Each part is written if those before it and itself fit.
        std::size_t whole = 0;
        for (const std::size_t end : {0U, 4U, 6U, 26U, 28U, 30U}) whole = end <= room ? end : whole;
        const std::string rest(room - whole, '.');
        CHECK(text_of(out) == expected.substr(0, whole) + rest);
    }
}

TEST_CASE("a shorter part behind one that does not fit is not written") {
    std::array<char, 3> room{'.', '.', '.'};
    detail::text_sink<char> sink(room);
    sink.put("ab");
    sink.put("long");
    sink.put("c");
    CHECK(sink.size() == 7);
    CHECK(sink.take(1) == nullptr);
    CHECK_FALSE(sink.complete());
    CHECK(std::string_view(room.data(), room.size()) == "ab.");
}

TEST_CASE("a number is its decimal digits, without leading zeros") {
    for (const std::uint64_t each : {std::uint64_t{0}, std::uint64_t{9}, std::uint64_t{10}, std::uint64_t{65535},
                                     std::uint64_t{1'000'000'007}, UINT64_MAX}) {
        CHECK(digits_of(each) == std::to_string(each));
    }
}
