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
    // Of each group of three bytes four characters, of which `=` stands for those that hold no bit of a byte.
    for (std::size_t i = 0, at = 0; i < Size; i += 3, at += 4) {
        const std::uint32_t second = i + 1 < Size ? std::to_integer<std::uint32_t>(data[i + 1]) : 0;
        const std::uint32_t third = i + 2 < Size ? std::to_integer<std::uint32_t>(data[i + 2]) : 0;
        const std::uint32_t group = std::to_integer<std::uint32_t>(data[i]) << 16 | second << 8 | third;
        text[at] = base64_alphabet[group >> 18];
        text[at + 1] = base64_alphabet[group >> 12 & 63];
        text[at + 2] = i + 1 < Size ? base64_alphabet[group >> 6 & 63] : '=';
        text[at + 3] = i + 2 < Size ? base64_alphabet[group & 63] : '=';
    }
    return text;
}

[[nodiscard]] constexpr bool is_base64(char c) noexcept {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

/// Whether `text` is the base64, with padding, of exactly 16 bytes. The four bits that the last character has too many
/// are not looked at: RFC 4648 section 3.5 leaves that to the reader, and they are part of no byte.
[[nodiscard]] constexpr bool is_base64_of_16_bytes(std::string_view text) noexcept {
    if (text.size() != 24 || text[22] != '=' || text[23] != '=') return false;
    for (std::size_t i = 0; i != 22; ++i) {
        if (!is_base64(text[i])) return false;
    }
    return true;
}

} // namespace sockless::detail
