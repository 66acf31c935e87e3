// Backends for the algorithms over bytes: eight and sixteen bytes at a time on any machine, and, chosen at run time, as
// many as this processor can.
// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace sockless::detail {

/// A masking key, as a word whose bytes in memory are those of the wire, as it applies `offset` bytes into the payload.
[[nodiscard]] constexpr std::uint32_t rotated(std::uint32_t key, std::uint64_t offset) noexcept {
    const int bits = static_cast<int>(offset % 4) * 8;
    return std::endian::native == std::endian::little ? std::rotr(key, bits) : std::rotl(key, bits);
}

/// Sixteen bytes to look up by a nibble, once for each sixteen bytes of the largest vector.
struct nibble_table {
    alignas(64) unsigned char bytes[64];

    constexpr explicit nibble_table(const unsigned char (&values)[16]) noexcept : bytes() {
        for (std::size_t i = 0; i != sizeof bytes; ++i) bytes[i] = values[i % 16];
    }
};

/// What can be wrong with two neighbouring bytes of UTF-8 (RFC 3629 section 4), one bit each.
namespace utf8_classes {
inline constexpr unsigned char too_short = 1, // a lead, and what does not continue it
    too_long = 2,                             // ASCII, and a continuation
    overlong_3 = 4,                           // E0 80 to E0 9F
    too_large = 8,                            // F4 90 and up
    surrogate = 16,                           // ED A0 and up
    overlong_2 = 32,                          // C0, C1
    overlong_4 = 64, too_large_1000 = 64,     // F0 80 to F0 8F; F5 80 and up
    two_continuations = 128,                  // which is right or wrong by what was before
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

/// A set of ASCII characters: bit `r` of byte `c` says whether it has the character `16 * r + c`.
using ascii_set = nibble_table;

inline constexpr nibble_table ascii_rows({1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0});

/// Which of 64 characters are in each of two sets, the lowest bit for the first one.
struct characters_found {
    std::uint64_t first;
    std::uint64_t second;
};

// A backend is a namespace: a `vector`, what only its instructions can do, and the algorithms, which are the same text
// for all and are compiled once for each. So units built with different flags never give one function two bodies.

#define SOCKLESS_TARGET

/// Eight bytes, on any machine.
namespace words {
using vector = std::uint64_t;
inline vector splat(std::uint32_t key) noexcept { return key * 0x0000000100000001U; }
inline bool any_high_bit(vector octets) noexcept { return (octets & 0x8080808080808080U) != 0; }
#include "kernels_octets.inc"
} // namespace words

/// Four bytes, for what is shorter.
namespace half_words {
using vector = std::uint32_t;
inline vector splat(std::uint32_t key) noexcept { return key; }
inline bool any_high_bit(vector octets) noexcept { return (octets & 0x80808080U) != 0; }
#include "kernels_octets.inc"
} // namespace half_words

#if defined(__SSE2__)
/// Sixteen bytes, on every x86-64.
namespace sse2 {
using vector = unsigned char __attribute__((vector_size(16)));
using keys = std::uint32_t __attribute__((vector_size(16)));
using characters = char __attribute__((vector_size(16)));
inline vector splat(std::uint32_t key) noexcept { return vector(keys{} + key); }
inline bool any_high_bit(vector octets) noexcept { return __builtin_ia32_pmovmskb128(characters(octets)) != 0; }
#include "kernels_octets.inc"
} // namespace sse2
namespace always = sse2;

#undef SOCKLESS_TARGET
#define SOCKLESS_TARGET [[gnu::target("ssse3")]]

namespace ssse3 {
using sse2::any_high_bit, sse2::load, sse2::vector;
SOCKLESS_TARGET inline vector lookup(const nibble_table& table, vector nibbles) noexcept {
    return vector(__builtin_ia32_pshufb128(sse2::characters(load(table.bytes)), sse2::characters(nibbles)));
}
SOCKLESS_TARGET inline unsigned zeros(vector octets) noexcept {
    return static_cast<std::uint16_t>(__builtin_ia32_pmovmskb128(sse2::characters(octets == 0)));
}
#include "kernels_characters.inc"
#include "kernels_utf8.inc"
} // namespace ssse3

#undef SOCKLESS_TARGET
#define SOCKLESS_TARGET [[gnu::target("avx2")]]

namespace avx2 {
using vector = unsigned char __attribute__((vector_size(32)));
using keys = std::uint32_t __attribute__((vector_size(32)));
using characters = char __attribute__((vector_size(32)));
SOCKLESS_TARGET inline vector splat(std::uint32_t key) noexcept { return vector(keys{} + key); }
SOCKLESS_TARGET inline bool any_high_bit(vector octets) noexcept {
    return __builtin_ia32_pmovmskb256(characters(octets)) != 0;
}
#include "kernels_octets.inc"
SOCKLESS_TARGET inline vector lookup(const nibble_table& table, vector nibbles) noexcept {
    return vector(__builtin_ia32_pshufb256(characters(load(table.bytes)), characters(nibbles)));
}
SOCKLESS_TARGET inline unsigned zeros(vector octets) noexcept {
    return static_cast<unsigned>(__builtin_ia32_pmovmskb256(characters(octets == 0)));
}
#include "kernels_characters.inc"
#include "kernels_utf8.inc"
} // namespace avx2

#undef SOCKLESS_TARGET
#define SOCKLESS_TARGET [[gnu::target("avx512bw")]]

namespace avx512 {
using vector = unsigned char __attribute__((vector_size(64)));
using keys = std::uint32_t __attribute__((vector_size(64)));
using characters = char __attribute__((vector_size(64)));
SOCKLESS_TARGET inline vector splat(std::uint32_t key) noexcept { return vector(keys{} + key); }
SOCKLESS_TARGET inline bool any_high_bit(vector octets) noexcept {
    return __builtin_ia32_cvtb2mask512(characters(octets)) != 0;
}
#include "kernels_octets.inc"
SOCKLESS_TARGET inline vector lookup(const nibble_table& table, vector nibbles) noexcept {
#if defined(__clang__)
    return vector(__builtin_ia32_pshufb512(characters(load(table.bytes)), characters(nibbles)));
#else
    return vector(__builtin_ia32_pshufb512_mask(characters(load(table.bytes)), characters(nibbles), characters{},
                                                ~std::uint64_t{0}));
#endif
}
SOCKLESS_TARGET inline std::uint64_t zeros(vector octets) noexcept {
    constexpr int equal = 0;
    return __builtin_ia32_cmpb512_mask(characters(octets), characters{}, equal, ~std::uint64_t{0});
}
#include "kernels_characters.inc"
#include "kernels_utf8.inc"
} // namespace avx512
#elif defined(__aarch64__)
/// Sixteen bytes, on every AArch64.
namespace neon {
using vector = unsigned char __attribute__((vector_size(16)));
using keys = std::uint32_t __attribute__((vector_size(16)));
inline vector splat(std::uint32_t key) noexcept { return vector(keys{} + key); }
inline bool any_high_bit(vector octets) noexcept { return vmaxvq_u8(uint8x16_t(octets)) >= 0x80; }
#include "kernels_octets.inc"
inline vector lookup(const nibble_table& table, vector nibbles) noexcept {
    return vector(vqtbl1q_u8(uint8x16_t(load(table.bytes)), uint8x16_t(nibbles)));
}
inline std::uint64_t zeros(vector octets) noexcept {
    const vector places{1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t bits = uint8x16_t(vector(octets == 0) & places);
    return static_cast<unsigned>(vaddv_u8(vget_low_u8(bits)) | vaddv_u8(vget_high_u8(bits)) << 8);
}
#include "kernels_characters.inc"
#include "kernels_utf8.inc"
} // namespace neon
namespace always = neon;
#else
namespace always = words;
#endif

#undef SOCKLESS_TARGET

#if defined(__SSE2__)
// The compiler's runtime asks the processor once, before `main`; a question is a load and a test.

[[nodiscard]] inline bool has_ssse3() noexcept { return __builtin_cpu_supports("ssse3") != 0; }
[[nodiscard]] inline bool has_avx2() noexcept { return __builtin_cpu_supports("avx2") != 0; }

// Older compilers do not know the name.
#if defined(__clang__) ? __clang_major__ >= 19 : __GNUC__ >= 11
#define SOCKLESS_HAS_SHA
[[nodiscard]] inline bool has_sha() noexcept { return __builtin_cpu_supports("sha") != 0; }
#endif

/// Not on the first processors that had it, which slow down for it; those never had VBMI.
[[nodiscard]] inline bool has_avx512() noexcept { return __builtin_cpu_supports("avx512vbmi") != 0; }
#endif

/// The same by the backend that is best for a size on this processor, which takes a call and the choice: for what is
/// not short. Never inlined, as what is short would pay for their vectors.
namespace widest {

inline constexpr std::size_t least_octets = 128;

[[nodiscard, gnu::noinline]] inline bool mask(std::byte* to, const std::byte* from, std::size_t size,
                                              std::uint32_t key) noexcept {
#if defined(__SSE2__)
    // Wide stores that are not aligned cost more than they win where they are few.
    if (size >= 4096 && has_avx512()) return avx512::mask_many(to, from, size, key);
    if (has_avx2()) return avx2::mask_many(to, from, size, key);
#endif
    return always::mask_many(to, from, size, key);
}

[[nodiscard, gnu::noinline]] inline bool not_ascii(const std::byte* data, std::size_t size) noexcept {
#if defined(__SSE2__)
    if (has_avx2()) return avx2::not_ascii_many(data, size);
#endif
    return always::not_ascii_many(data, size);
}

inline constexpr std::size_t least_utf8 = 16 + 3;

/// 0 where no backend can.
[[nodiscard, gnu::noinline]] inline std::size_t valid_utf8(const std::byte* text, std::size_t size) noexcept {
#if defined(__SSE2__)
    if (size >= sizeof(avx512::vector) + 3 && has_avx512()) return avx512::valid_utf8(text, size);
    if (size >= sizeof(avx2::vector) + 3 && has_avx2()) return avx2::valid_utf8(text, size);
    return has_ssse3() ? ssse3::valid_utf8(text, size) : 0;
#elif defined(__aarch64__)
    return neon::valid_utf8(text, size);
#else
    static_cast<void>(text);
    static_cast<void>(size);
    return 0;
#endif
}

inline constexpr std::size_t least_characters = 64;

/// Whether there can be a backend that finds characters.
#if defined(__SSE2__) || defined(__aarch64__)
inline constexpr bool may_find_characters = true;
#else
inline constexpr bool may_find_characters = false;
#endif

/// False where no backend can.
[[nodiscard, gnu::noinline]] inline bool find_characters(const std::byte* text, std::size_t size,
                                                         const ascii_set& first, const ascii_set& second,
                                                         characters_found* found) noexcept {
#if defined(__SSE2__)
    if (has_avx512()) return avx512::find_characters(text, size, first, second, found), true;
    if (has_avx2()) return avx2::find_characters(text, size, first, second, found), true;
    if (has_ssse3()) return ssse3::find_characters(text, size, first, second, found), true;
    return false;
#elif defined(__aarch64__)
    return neon::find_characters(text, size, first, second, found), true;
#else
    static_cast<void>(text);
    static_cast<void>(size);
    static_cast<void>(first);
    static_cast<void>(second);
    static_cast<void>(found);
    return false;
#endif
}

} // namespace widest

} // namespace sockless::detail
