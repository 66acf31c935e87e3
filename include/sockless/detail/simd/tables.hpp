// Masking keys, and the tables in which all backends look up bytes.
// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace sockless::detail {

/// The masking key for the byte at `offset` of a payload and those behind it. A key is a word, whose bytes in memory
/// are in the order of the wire.
[[nodiscard]] constexpr std::uint32_t rotated(std::uint32_t key, std::uint64_t offset) noexcept {
    const int bits = static_cast<int>(offset % 4) * 8;
    return std::endian::native == std::endian::little ? std::rotr(key, bits) : std::rotl(key, bits);
}

/// Sixteen bytes to look up by a nibble, repeated so that they fill the largest vector.
struct nibble_table {
    alignas(64) unsigned char bytes[64];

    constexpr explicit nibble_table(const unsigned char (&values)[16]) noexcept : bytes() {
        for (std::size_t i = 0; i != sizeof bytes; ++i) bytes[i] = values[i % 16];
    }
};

/// The errors that two neighbouring bytes of UTF-8 can have (RFC 3629 section 4). Each error has one bit.
namespace utf8_classes {
inline constexpr unsigned char too_short = 1, // a lead, then no continuation
    too_long = 2,                             // ASCII, then a continuation
    overlong_3 = 4,                           // E0 80 to E0 9F
    too_large = 8,                            // F4 90 and up
    surrogate = 16,                           // ED A0 and up
    overlong_2 = 32,                          // C0, C1
    overlong_4 = 64, too_large_1000 = 64,     // F0 80 to F0 8F; F5 80 and up
    two_continuations = 128,                  // right or wrong, which depends on the bytes before
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

/// A set of ASCII characters. Bit `r` of byte `c` is set if the character `16 * r + c` is in the set.
using ascii_set = nibble_table;

/// For a high nibble `r` the bit `r`, or 0 if the character is not ASCII.
inline constexpr nibble_table ascii_rows({1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0});

/// Which of 64 characters are in each of two sets. The lowest bits are those of the first character.
struct characters_found {
    std::uint64_t first;
    std::uint64_t second;
};

} // namespace sockless::detail
