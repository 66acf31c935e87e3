// Base64 (RFC 4648 section 4), in which the keys of the opening handshake are written.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include "text.hpp"

namespace sockless::detail {

inline constexpr std::string_view base64_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// `Size` bytes as base64 with padding.
template <std::size_t Size>
[[nodiscard]] constexpr std::array<char, (Size + 2) / 3 * 4>
encode_base64(std::span<const std::byte, Size> data) noexcept {
    std::array<char, (Size + 2) / 3 * 4> text{};
    const auto octet = [data](std::size_t i) { return std::to_integer<std::uint32_t>(data[i]); };
    std::size_t at = 0;
    // Each group of three bytes makes four characters.
    for (std::size_t i = 0; i != Size / 3 * 3; i += 3) {
        const std::uint32_t group = octet(i) << 16 | octet(i + 1) << 8 | octet(i + 2);
        text[at++] = base64_alphabet[group >> 18];
        text[at++] = base64_alphabet[group >> 12 & 63];
        text[at++] = base64_alphabet[group >> 6 & 63];
        text[at++] = base64_alphabet[group & 63];
    }
    // One or two bytes are left. A `=` stands for each character that holds no bit of them.
    if constexpr (Size % 3 != 0) {
        const std::uint32_t group = octet(Size / 3 * 3) << 16 | (Size % 3 == 2 ? octet(Size - 1) << 8 : 0);
        text[at++] = base64_alphabet[group >> 18];
        text[at++] = base64_alphabet[group >> 12 & 63];
        text[at++] = Size % 3 == 2 ? base64_alphabet[group >> 6 & 63] : '=';
        text[at++] = '=';
    }
    return text;
}

/// Whether `text` is the base64, with padding, of exactly 16 bytes. The last digit has four bits that belong to no
/// byte. They may have any value: RFC 4648 section 3.5 leaves it to the reader whether to check them.
[[nodiscard]] constexpr bool is_base64_of_16_bytes(std::string_view text) noexcept {
    constexpr std::size_t digits = 22;
    if (text.size() != 24 || text[digits] != '=' || text[digits + 1] != '=') return false;
    if (std::is_constant_evaluated()) {
        for (std::size_t i = 0; i != digits; ++i) {
            if (find(text[i], base64_alphabet.begin(), base64_alphabet.end()) == base64_alphabet.end()) return false;
        }
        return true;
    }
    const char* const end = text.data() + digits;
    const auto wrong = [](most_characters::block characters) { return most_characters::not_base64(characters); };
    return first_in_blocks(wrong, text.data(), end) == end;
}

} // namespace sockless::detail
