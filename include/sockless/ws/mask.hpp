// Masking and unmasking, which are one operation, with the test for ASCII in the same pass (RFC 6455 section 5.3).
// SPDX-License-Identifier: MIT
#pragma once

#include <bit>

#include "../detail/simd.hpp"
#include "frame_header.hpp"

namespace sockless::detail {

/// `mask_bytes` for what is shorter than a vector, and in constant evaluation.
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

/// `to[i] = from[i] ^ key` for `size` bytes. Says whether any byte of the result has its high bit set, that is, whether
/// it is not ASCII. `to` and `from` are the same place or do not overlap. For short payloads
/// a call would cost as much as the work.
[[nodiscard, gnu::always_inline]] constexpr bool mask_bytes(std::byte* to, const std::byte* from, std::size_t size,
                                                            std::uint32_t key) noexcept {
    if (std::is_constant_evaluated() || size < sizeof(always::vector)) return mask_below_vector(to, from, size, key);
    return size < widest::least_octets ? always::mask_few(to, from, size, key) : widest::mask(to, from, size, key);
}

/// `any_high_bit` for what is shorter than a vector, and in constant evaluation.
[[nodiscard]] constexpr bool any_high_bit_below_vector(cbytes data) noexcept {
    if (!std::is_constant_evaluated()) {
        if (data.size() >= sizeof(words::vector)) return words::not_ascii_few(data.data(), data.size());
        if (data.size() >= sizeof(half_words::vector)) return half_words::not_ascii_few(data.data(), data.size());
    }
    std::byte seen{0};
    for (const std::byte octet : data) seen |= octet;
    return (seen & std::byte{0x80}) != std::byte{0};
}

/// Whether any byte has its high bit set. Short enough to be inlined.
[[nodiscard]] constexpr bool any_high_bit(cbytes data) noexcept {
    if (std::is_constant_evaluated() || data.size() < sizeof(always::vector)) return any_high_bit_below_vector(data);
    return data.size() < widest::least_octets ? always::not_ascii_few(data.data(), data.size())
                                              : widest::not_ascii(data.data(), data.size());
}

} // namespace sockless::detail

namespace sockless::ws {

/// Masks or unmasks `data` where it lies. `offset` is the place of its first byte in the payload, for payloads that
/// come in pieces. RFC 6455 section 5.3.
constexpr void mask(bytes data, const masking_key& key, std::uint64_t offset = 0) noexcept {
    static_cast<void>(detail::mask_bytes(data.data(), data.data(), data.size(),
                                         detail::rotated(std::bit_cast<std::uint32_t>(key), offset)));
}

/// Writes `from`, masked, to the front of `to`, which has at least its size and does not overlap it: one pass where a
/// copy and a mask would be two. RFC 6455 section 5.3.
constexpr void mask_copy(bytes to, cbytes from, const masking_key& key, std::uint64_t offset = 0) noexcept {
    static_cast<void>(detail::mask_bytes(to.data(), from.data(), from.size(),
                                         detail::rotated(std::bit_cast<std::uint32_t>(key), offset)));
}

} // namespace sockless::ws
