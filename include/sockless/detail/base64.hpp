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
    for (std::size_t i = 0, out = 0; i < Size; i += 3, out += 4) {
        std::uint32_t group = 0;
        for (std::size_t j = 0; j != 3; ++j) {
            group = group << 8 | (i + j < Size ? std::to_integer<std::uint32_t>(data[i + j]) : 0u);
        }
        for (std::size_t j = 0; j != 4; ++j) {
            text[out + j] = i + j <= Size ? base64_alphabet[group >> (18 - 6 * j) & 63] : '=';
        }
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
