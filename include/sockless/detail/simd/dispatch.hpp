// The abilities of this processor, and the best backend for each algorithm.
// SPDX-License-Identifier: MIT
#pragma once

#include "backends.hpp"

#include "../compiler_begin.inc"

namespace sockless::detail {

#if defined(SOCKLESS_ASKS_PROCESSOR)
// The runtime of the compiler asks the processor once, before `main`. So each of these functions is a load and a test.

[[nodiscard]] inline bool has_ssse3() noexcept { return __builtin_cpu_supports("ssse3") != 0; }
[[nodiscard]] inline bool has_avx2() noexcept { return __builtin_cpu_supports("avx2") != 0; }

/// False for the first processors with AVX-512, which slow down when they use it. They have no VBMI.
[[nodiscard]] inline bool has_avx512() noexcept { return __builtin_cpu_supports("avx512vbmi") != 0; }

[[nodiscard]] inline bool has_sha() noexcept {
#if defined(__clang__) ? __clang_major__ >= 19 : __GNUC__ >= 11
    return __builtin_cpu_supports("sha") != 0;
#else
    return false; // older compilers do not know the name
#endif
}
#endif

/// The best backend that every processor of this kind has.
#if defined(SOCKLESS_SSE2)
namespace always = sse2;
#elif defined(__aarch64__)
namespace always = neon;
#else
namespace always = words;
#endif

/// The algorithms by the best backend for a size on this processor. This costs a call and the choice, so short texts do
/// not come here. Never inlined: the code for short texts would have to save the vectors of these.
namespace widest {

inline constexpr std::size_t least_octets = 128;

[[nodiscard]] SOCKLESS_NEVER_INLINE inline bool mask(std::byte* to, const std::byte* from, std::size_t size,
                                                     std::uint32_t key) noexcept {
#if defined(SOCKLESS_WIDE_VECTORS)
    // The first and the last store are not aligned. For few bytes they cost more than the wide stores win.
    if (size >= 4096 && has_avx512()) return avx512::mask_many(to, from, size, key);
    if (has_avx2()) return avx2::mask_many(to, from, size, key);
#endif
    return always::mask_many(to, from, size, key);
}

[[nodiscard]] SOCKLESS_NEVER_INLINE inline bool not_ascii(const std::byte* data, std::size_t size) noexcept {
#if defined(SOCKLESS_WIDE_VECTORS)
    if (has_avx2()) return avx2::not_ascii_many(data, size);
#endif
    return always::not_ascii_many(data, size);
}

inline constexpr std::size_t least_utf8 = 16 + 3;

/// 0 if the processor has no backend for it.
[[nodiscard]] SOCKLESS_NEVER_INLINE inline std::size_t valid_utf8(const std::byte* text, std::size_t size) noexcept {
#if defined(SOCKLESS_WIDE_VECTORS)
    if (size >= sizeof(avx512::vector) + 3 && has_avx512()) return avx512::valid_utf8(text, size);
    if (size >= sizeof(avx2::vector) + 3 && has_avx2()) return avx2::valid_utf8(text, size);
#endif
#if defined(SOCKLESS_ASKS_PROCESSOR)
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

/// Whether any processor of this kind has a backend that finds characters.
#if defined(SOCKLESS_ASKS_PROCESSOR) || defined(__aarch64__)
inline constexpr bool may_find_characters = true;
#else
inline constexpr bool may_find_characters = false;
#endif

/// False if this processor has no backend for it; then nothing was written.
[[nodiscard]] SOCKLESS_NEVER_INLINE inline bool find_characters(const std::byte* text, std::size_t size,
                                                                const ascii_set& first, const ascii_set& second,
                                                                characters_found* found) noexcept {
#if defined(SOCKLESS_WIDE_VECTORS)
    if (has_avx512()) return avx512::find_characters(text, size, first, second, found), true;
    if (has_avx2()) return avx2::find_characters(text, size, first, second, found), true;
#endif
#if defined(SOCKLESS_ASKS_PROCESSOR)
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

#include "../compiler_end.inc"
