// Tests of stomp/heart_beat.hpp: the header heart-beat, and the interval that both sides' wishes lead to.
// SPDX-License-Identifier: MIT
#include <sockless/stomp/heart_beat.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace sockless;
using stomp::agreed_interval;
using stomp::heart_beat_text;
using stomp::parse_heart_beat;

namespace {

constexpr bool reads(std::string_view text, std::uint32_t sends, std::uint32_t wants) {
    const auto read = parse_heart_beat(text);
    return read.valid && read.value.sends == sends && read.value.wants == wants;
}
static_assert(reads("0,0", 0, 0));
static_assert(reads("1000,2500", 1000, 2500));
static_assert(reads("4294967295,0", UINT32_MAX, 0));
static_assert(!parse_heart_beat("").valid);

constexpr bool writes(std::uint32_t sends, std::uint32_t wants, std::string_view expected) {
    return equal(heart_beat_text({sends, wants}).text(), expected);
}
static_assert(writes(1000, 2500, "1000,2500"));
static_assert(writes(0, 0, "0,0"));
static_assert(agreed_interval(1000, 2500) == 2500);

} // namespace

TEST_CASE("S5 S17: heart-beat is two numbers with a comma between, and nothing else") {
    CHECK(reads("0,1", 0, 1));
    CHECK(reads("007,00", 7, 0));
    CHECK(reads("4294967295,4294967295", UINT32_MAX, UINT32_MAX));
    // What is too large is the largest.
    CHECK(reads("4294967296,0", UINT32_MAX, 0));
    CHECK(reads("0,4294967296", 0, UINT32_MAX));
    CHECK(reads("9223372036854775807,18446744073709551616", UINT32_MAX, UINT32_MAX));
    CHECK(reads("0,99999999999999999999999999", 0, UINT32_MAX));
    CHECK(reads("00000000000000000000000000007,42949672950", 7, UINT32_MAX));
    for (const char* const wrong : {"",
                                    ",",
                                    "1",
                                    "1,",
                                    ",1",
                                    "1,2,",
                                    "1,2,3",
                                    ",1,2",
                                    "1,,2",
                                    "-1,0",
                                    "0,-1",
                                    "+1,0",
                                    "1 ,2",
                                    "1, 2",
                                    " 1,2",
                                    "1,2 ",
                                    "1e3,0",
                                    "0x1,0",
                                    "1.5,2",
                                    "a,b",
                                    "1;2",
                                    "4294967296x,0",
                                    "0,99999999999999999999999999 "}) {
        const auto read = parse_heart_beat(wrong);
        CHECK_MESSAGE(!read.valid, wrong);
        CHECK(read.value.sends == 0);
        CHECK(read.value.wants == 0);
    }
    CHECK_FALSE(parse_heart_beat({"1\0,2", 4}).valid);
}

TEST_CASE("S5: the interval is the larger of what one side sends and the other wants; 0 switches off") {
    for (const std::uint32_t sends : {0U, 1U, 500U, 10000U, UINT32_MAX}) {
        for (const std::uint32_t wants : {0U, 1U, 500U, 10000U, UINT32_MAX}) {
            const std::uint32_t larger = sends > wants ? sends : wants;
            CHECK(agreed_interval(sends, wants) == (sends == 0 || wants == 0 ? 0 : larger));
        }
    }
}

TEST_CASE("S5: what is written is read as the same") {
    for (const std::uint32_t sends : {0U, 1U, 9U, 10U, 4294967294U, UINT32_MAX}) {
        for (const std::uint32_t wants : {0U, 5U, 99U, 100U, UINT32_MAX}) {
            const heart_beat_text text({sends, wants});
            CHECK(text.text() == std::to_string(sends) + "," + std::to_string(wants));
            CHECK(reads(text.text(), sends, wants));
        }
    }
}
