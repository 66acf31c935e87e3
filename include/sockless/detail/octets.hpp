// Masking, and the test for ASCII, of any number of bytes.
// SPDX-License-Identifier: MIT
#pragma once

#include <bit>

#include "../core.hpp"
#include "simd/dispatch.hpp"

#include "compiler_begin.inc"

namespace sockless::detail {

/// `mask_bytes` of fewer bytes than a vector has, and in constant evaluation.
[[nodiscard]] constexpr bool mask_below_vector(std::byte* to, const std::byte* from, std::size_t size,
                                               std::uint32_t key) noexcept {
    if (!std::is_constant_evaluated()) {
        if (size >= sizeof(words::vector)) return words::mask_few(to, from, size, key);
        if (size >= sizeof(half_words::vector)) return half_words::mask_few(to, from, size, key);
    }
    constexpr int first_byte = std::endian::native == std::endian::little ? 0 : 24;
    std::byte seen{0};
    for (std::size_t i = 0; i != size; ++i) {
        to[i] = from[i] ^ static_cast<std::byte>(rotated(key, i) >> first_byte & 0xFFU);
        seen |= to[i];
    }
    return (seen & std::byte{0x80}) != std::byte{0};
}

/// Writes `from[i] ^ key` to `to[i]` for `size` bytes. Returns whether any byte of the result has its high bit set,
/// that is, is not ASCII. `to` and `from` are the same place or do not overlap. Always inlined: for short payloads a
/// call costs as much as the work.
[[nodiscard]] SOCKLESS_ALWAYS_INLINE constexpr bool mask_bytes(std::byte* to, const std::byte* from, std::size_t size,
                                                               std::uint32_t key) noexcept {
    if (std::is_constant_evaluated() || size < sizeof(always::vector)) return mask_below_vector(to, from, size, key);
    return size < widest::least_octets ? always::mask_few(to, from, size, key) : widest::mask(to, from, size, key);
}

/// `any_high_bit` of fewer bytes than a vector has, and in constant evaluation.
[[nodiscard]] constexpr bool any_high_bit_below_vector(cbytes data) noexcept {
    if (!std::is_constant_evaluated()) {
        if (data.size() >= sizeof(words::vector)) return words::not_ascii_few(data.data(), data.size());
        if (data.size() >= sizeof(half_words::vector)) return half_words::not_ascii_few(data.data(), data.size());
    }
    std::byte seen{0};
    for (const std::byte octet : data) seen |= octet;
    return (seen & std::byte{0x80}) != std::byte{0};
}

/// Whether any byte has its high bit set, that is, is not ASCII.
[[nodiscard]] constexpr bool any_high_bit(cbytes data) noexcept {
    if (std::is_constant_evaluated() || data.size() < sizeof(always::vector)) return any_high_bit_below_vector(data);
    return data.size() < widest::least_octets ? always::not_ascii_few(data.data(), data.size())
                                              : widest::not_ascii(data.data(), data.size());
}

} // namespace sockless::detail

#include "compiler_end.inc"
