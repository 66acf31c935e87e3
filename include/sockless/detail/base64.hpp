// Base64 (RFC 4648 section 4), as the keys of the opening handshake are written.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include "../core.hpp"

namespace sockless::detail {

inline constexpr std::string_view base64_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// `Size` bytes as base64 with padding.
template <std::size_t Size>
[[nodiscard]] constexpr std::array<char, (Size + 2) / 3 * 4>
encode_base64(std::span<const std::byte, Size> data) noexcept {
    std::array<char, (Size + 2) / 3 * 4> text{};
    const auto octet = [data](std::size_t i) { return std::to_integer<std::uint32_t>(data[i]); };
    std::size_t at = 0;
    // Of each group of three bytes four characters,
    for (std::size_t i = 0; i != Size / 3 * 3; i += 3) {
        const std::uint32_t group = octet(i) << 16 | octet(i + 1) << 8 | octet(i + 2);
        text[at++] = base64_alphabet[group >> 18];
        text[at++] = base64_alphabet[group >> 12 & 63];
        text[at++] = base64_alphabet[group >> 6 & 63];
        text[at++] = base64_alphabet[group & 63];
    }
    // of which `=` stands for those that hold no bit of a byte.
    if constexpr (Size % 3 != 0) {
        const std::uint32_t group = octet(Size / 3 * 3) << 16 | (Size % 3 == 2 ? octet(Size - 1) << 8 : 0);
        text[at++] = base64_alphabet[group >> 18];
        text[at++] = base64_alphabet[group >> 12 & 63];
        text[at++] = Size % 3 == 2 ? base64_alphabet[group >> 6 & 63] : '=';
        text[at++] = '=';
    }
    return text;
}

/// Which characters stand for six bits.
struct base64_table {
    bool digits[256];

    constexpr base64_table() noexcept : digits{} {
        for (const char c : base64_alphabet) digits[static_cast<unsigned char>(c)] = true;
    }
};

inline constexpr base64_table base64_digits{};

/// Whether `text` is the base64, with padding, of exactly 16 bytes. The four bits that the last character has too many
/// are not looked at: RFC 4648 section 3.5 leaves that to the reader, and they are part of no byte.
[[nodiscard]] constexpr bool is_base64_of_16_bytes(std::string_view text) noexcept {
    if (text.size() != 24 || text[22] != '=' || text[23] != '=') return false;
    bool right = true;
    for (std::size_t i = 0; i != 22; ++i) right &= base64_digits.digits[static_cast<unsigned char>(text[i])];
    return right;
}

} // namespace sockless::detail
