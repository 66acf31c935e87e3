// The primitives that the algorithms over bytes are written in: one backend for words, one for SSE2.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace sockless::detail {

/// Eight bytes at a time, on any machine. A backend is a type, and algorithms are templates on it, so that units built
/// with different flags never give one function two bodies.
struct words {
    using vector = std::uint64_t;
    static constexpr std::size_t size = 8;

    static vector load(const std::byte* from) noexcept {
        vector value;
        std::memcpy(&value, from, size);
        return value;
    }
    static void store(std::byte* to, vector value) noexcept { std::memcpy(to, &value, size); }
    static vector splat(std::uint32_t value) noexcept { return value * 0x0000000100000001ULL; }
    static vector bit_xor(vector a, vector b) noexcept { return a ^ b; }
    static vector bit_or(vector a, vector b) noexcept { return a | b; }
    static bool any_high_bit(vector value) noexcept { return (value & 0x8080808080808080ULL) != 0; }
};

#if defined(__SSE2__)
/// Sixteen bytes at a time; every x86-64 has it.
struct sse2 {
    using vector = __m128i;
    static constexpr std::size_t size = 16;

    static vector load(const std::byte* from) noexcept {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    }
    static void store(std::byte* to, vector value) noexcept { _mm_storeu_si128(reinterpret_cast<__m128i*>(to), value); }
    static vector splat(std::uint32_t value) noexcept { return _mm_set1_epi32(static_cast<int>(value)); }
    static vector bit_xor(vector a, vector b) noexcept { return _mm_xor_si128(a, b); }
    static vector bit_or(vector a, vector b) noexcept { return _mm_or_si128(a, b); }
    static bool any_high_bit(vector value) noexcept { return _mm_movemask_epi8(value) != 0; }
};
using widest = sse2;
#else
using widest = words;
#endif

} // namespace sockless::detail
