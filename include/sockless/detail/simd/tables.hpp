// What the backends have in common: masking keys, and the tables that they look up.
// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace sockless::detail {

/// A masking key, as a word whose bytes in memory are those of the wire, as it applies `offset` bytes into the payload.
[[nodiscard]] constexpr std::uint32_t rotated(std::uint32_t key, std::uint64_t offset) noexcept {
    const int bits = static_cast<int>(offset % 4) * 8;
    return std::endian::native == std::endian::little ? std::rotr(key, bits) : std::rotl(key, bits);
}

/// Sixteen bytes to look up by a nibble, once for each sixteen bytes of the largest vector.
struct nibble_table {
    alignas(64) unsigned char bytes[64];

    constexpr explicit nibble_table(const unsigned char (&values)[16]) noexcept : bytes() {
        for (std::size_t i = 0; i != sizeof bytes; ++i) bytes[i] = values[i % 16];
    }
};

/// What can be wrong with two neighbouring bytes of UTF-8 (RFC 3629 section 4), one bit each.
namespace utf8_classes {
inline constexpr unsigned char too_short = 1, // a lead, and what does not continue it
    too_long = 2,                             // ASCII, and a continuation
    overlong_3 = 4,                           // E0 80 to E0 9F
    too_large = 8,                            // F4 90 and up
    surrogate = 16,                           // ED A0 and up
    overlong_2 = 32,                          // C0, C1
    overlong_4 = 64, too_large_1000 = 64,     // F0 80 to F0 8F; F5 80 and up
    two_continuations = 128,                  // which is right or wrong by what was before
    any = too_short | too_long | two_continuations;

inline constexpr nibble_table
    first_high({too_long, too_long, too_long, too_long, too_long, too_long, too_long, too_long, two_continuations,
                two_continuations, two_continuations, two_continuations, too_short | overlong_2, too_short,
                too_short | overlong_3 | surrogate, too_short | too_large | too_large_1000 | overlong_4});
inline constexpr unsigned char five_and_up = any | too_large | too_large_1000;
inline constexpr nibble_table first_low({any | overlong_3 | overlong_2 | overlong_4, any | overlong_2, any, any,
                                         any | too_large, five_and_up, five_and_up, five_and_up, five_and_up,
                                         five_and_up, five_and_up, five_and_up, five_and_up, five_and_up | surrogate,
                                         five_and_up, five_and_up});
inline constexpr unsigned char continuation = too_long | overlong_2 | two_continuations;
inline constexpr nibble_table second_high({too_short, too_short, too_short, too_short, too_short, too_short, too_short,
                                           too_short, continuation | overlong_3 | too_large_1000 | overlong_4,
                                           continuation | overlong_3 | too_large, continuation | surrogate | too_large,
                                           continuation | surrogate | too_large, too_short, too_short, too_short,
                                           too_short});
} // namespace utf8_classes

/// A set of ASCII characters: bit `r` of byte `c` says whether it has the character `16 * r + c`.
using ascii_set = nibble_table;

inline constexpr nibble_table ascii_rows({1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0});

/// Which of 64 characters are in each of two sets, the lowest bit for the first one.
struct characters_found {
    std::uint64_t first;
    std::uint64_t second;
};

} // namespace sockless::detail
