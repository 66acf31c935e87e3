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
    constexpr std::size_t rest = Size % 3;
    const std::byte* from = data.data();
    char* to = text.data();
    // Each group of three bytes makes four characters.
    for (const std::byte* const end = from + (Size - rest); from != end; from += 3, to += 4) {
        const std::uint32_t group = static_cast<std::uint32_t>(from[0]) << 16 |
                                    static_cast<std::uint32_t>(from[1]) << 8 | static_cast<std::uint32_t>(from[2]);
        to[0] = base64_alphabet[group >> 18];
        to[1] = base64_alphabet[group >> 12 & 63];
        to[2] = base64_alphabet[group >> 6 & 63];
        to[3] = base64_alphabet[group & 63];
    }
    // One or two bytes are left. A `=` stands for each character that holds no bit of them.
    if constexpr (rest != 0) {
        const std::uint32_t group = static_cast<std::uint32_t>(from[0]) << 16 |
                                    (rest == 2 ? static_cast<std::uint32_t>(from[rest - 1]) << 8 : 0);
        to[0] = base64_alphabet[group >> 18];
        to[1] = base64_alphabet[group >> 12 & 63];
        to[2] = rest == 2 ? base64_alphabet[group >> 6 & 63] : '=';
        to[3] = '=';
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
            const char* const alphabet_end = base64_alphabet.data() + base64_alphabet.size();
            if (find(text[i], base64_alphabet.data(), alphabet_end) == alphabet_end) return false;
        }
        return true;
    }
    const char* const end = text.data() + digits;
    const auto wrong = [](most_characters::block characters) { return most_characters::not_base64(characters); };
    return first_in_blocks(wrong, text.data(), end) == end;
}

} // namespace sockless::detail
