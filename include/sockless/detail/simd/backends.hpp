// The algorithms over bytes for each kind of vector: four and eight bytes on any machine, and the vectors of x86-64 and
// AArch64 processors.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstring>

#include "tables.hpp"

#if defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "../compiler_begin.inc"

namespace sockless::detail {

// A backend is a namespace. It has a type `vector`, functions that need the instructions of the backend, and
// algorithms. The text of the algorithms is the same for all backends and is compiled once for each. So two units that
// are compiled with different flags never have two bodies for one function.

#define SOCKLESS_TARGET

/// Eight bytes, on any machine.
namespace words {
using vector = std::uint64_t;
inline vector splat(std::uint32_t key) noexcept { return key * 0x0000000100000001U; }
inline bool any_high_bit(vector octets) noexcept { return (octets & 0x8080808080808080U) != 0; }
#include "kernels_octets.inc"
} // namespace words

/// Four bytes, on any machine.
namespace half_words {
using vector = std::uint32_t;
inline vector splat(std::uint32_t key) noexcept { return key; }
inline bool any_high_bit(vector octets) noexcept { return (octets & 0x80808080U) != 0; }
#include "kernels_octets.inc"
} // namespace half_words

#if defined(SOCKLESS_SSE2)
/// Sixteen bytes, on every x86-64.
namespace sse2 {
using vector = unsigned char __attribute__((vector_size(16)));
using keys = std::uint32_t __attribute__((vector_size(16)));
using characters = char __attribute__((vector_size(16)));
inline vector splat(std::uint32_t key) noexcept { return vector(keys{} + key); }
inline bool any_high_bit(vector octets) noexcept { return __builtin_ia32_pmovmskb128(characters(octets)) != 0; }
#include "kernels_octets.inc"
} // namespace sse2

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

#if defined(SOCKLESS_WIDE_VECTORS)
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
#endif
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
#endif

#undef SOCKLESS_TARGET

} // namespace sockless::detail

#include "../compiler_end.inc"
