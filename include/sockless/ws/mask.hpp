// Masking and unmasking, which are one operation, with the test for ASCII in the same pass (RFC 6455 section 5.3).
// SPDX-License-Identifier: MIT
#pragma once

#include <bit>

#include "../detail/simd.hpp"
#include "frame_header.hpp"

namespace sockless::detail {

/// A masking key, as a word whose bytes in memory are those of the wire, as it applies `offset` bytes into the payload.
[[nodiscard]] constexpr std::uint32_t rotated(std::uint32_t key, std::uint64_t offset) noexcept {
    const int bits = static_cast<int>(offset % 4) * 8;
    return std::endian::native == std::endian::little ? std::rotr(key, bits) : std::rotl(key, bits);
}

/// `to[i] = from[i] ^ key` for `size` bytes, at least `Backend::size` of them. Says whether any byte of the result has
/// its high bit set, that is, whether it is not ASCII. `to` and `from` are the same place or do not overlap.
template <class Backend>
[[nodiscard]] inline bool mask_blocks(std::byte* to, const std::byte* from, std::size_t size,
                                      std::uint32_t key) noexcept {
    constexpr std::size_t step = Backend::size;
    const auto pattern = Backend::splat(key);

    // The last block overlaps the one before it, so it is loaded before anything is stored and stored after all else.
    const auto last = Backend::bit_xor(Backend::load(from + size - step), Backend::splat(rotated(key, size)));
    auto seen = last;
    std::size_t i = 0;
    for (; i + 4 * step <= size; i += 4 * step) {
        const auto a = Backend::bit_xor(Backend::load(from + i), pattern);
        const auto b = Backend::bit_xor(Backend::load(from + i + step), pattern);
        const auto c = Backend::bit_xor(Backend::load(from + i + 2 * step), pattern);
        const auto d = Backend::bit_xor(Backend::load(from + i + 3 * step), pattern);
        Backend::store(to + i, a);
        Backend::store(to + i + step, b);
        Backend::store(to + i + 2 * step, c);
        Backend::store(to + i + 3 * step, d);
        seen = Backend::bit_or(seen, Backend::bit_or(Backend::bit_or(a, b), Backend::bit_or(c, d)));
    }
    for (; i + step < size; i += step) {
        const auto block = Backend::bit_xor(Backend::load(from + i), pattern);
        Backend::store(to + i, block);
        seen = Backend::bit_or(seen, block);
    }
    Backend::store(to + size - step, last);
    return Backend::any_high_bit(seen);
}

/// The same for any size.
[[nodiscard]] constexpr bool mask_bytes(std::byte* to, const std::byte* from, std::size_t size,
                                        std::uint32_t key) noexcept {
    if (!std::is_constant_evaluated()) {
        if (size >= widest::size) return mask_blocks<widest>(to, from, size, key);
        if (size >= words::size) return mask_blocks<words>(to, from, size, key);
    }
    const auto octets = std::bit_cast<std::array<std::byte, 4>>(key);
    std::byte seen{0};
    for (std::size_t i = 0; i != size; ++i) {
        to[i] = from[i] ^ octets[i % 4];
        seen |= to[i];
    }
    return (seen & std::byte{0x80}) != std::byte{0};
}

/// Whether any of `size` bytes, at least `Backend::size`, has its high bit set.
template <class Backend>
[[nodiscard]] inline bool any_high_bit_blocks(const std::byte* data, std::size_t size) noexcept {
    constexpr std::size_t step = Backend::size;
    auto seen = Backend::load(data + size - step);
    std::size_t i = 0;
    for (; i + 4 * step <= size; i += 4 * step) {
        seen = Backend::bit_or(
            seen,
            Backend::bit_or(Backend::bit_or(Backend::load(data + i), Backend::load(data + i + step)),
                            Backend::bit_or(Backend::load(data + i + 2 * step), Backend::load(data + i + 3 * step))));
    }
    for (; i + step < size; i += step) seen = Backend::bit_or(seen, Backend::load(data + i));
    return Backend::any_high_bit(seen);
}

/// Whether any byte has its high bit set, for any size.
[[nodiscard]] constexpr bool any_high_bit(cbytes data) noexcept {
    if (!std::is_constant_evaluated()) {
        if (data.size() >= widest::size) return any_high_bit_blocks<widest>(data.data(), data.size());
        if (data.size() >= words::size) return any_high_bit_blocks<words>(data.data(), data.size());
    }
    std::byte seen{0};
    for (const std::byte octet : data) seen |= octet;
    return (seen & std::byte{0x80}) != std::byte{0};
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
