// SHA-1 with the instructions that some x86-64 processors have for it (SHA-NI).
// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include "dispatch.hpp"

#include "../compiler_begin.inc"

namespace sockless::detail {

/// The state of the hash between blocks (RFC 3174 section 6.1).
using sha1_state = std::array<std::uint32_t, 5>;

inline constexpr std::size_t sha1_block_size = 64;

#if defined(SOCKLESS_ASKS_PROCESSOR)
/// The backend. An instruction does four rounds.
namespace sha {
using vector = int __attribute__((vector_size(16)));
using unsigned_vector = unsigned __attribute__((vector_size(16)));
using characters = char __attribute__((vector_size(16)));

inline vector sum(vector a, vector b) noexcept { return vector(unsigned_vector(a) + unsigned_vector(b)); }

/// The twenty rounds of a group, from 0 to 3. Also makes the words of the schedule that they need, four at a time.
template <std::size_t Group>
[[gnu::target("sha,ssse3")]] SOCKLESS_ALWAYS_INLINE inline void rounds(vector* words, vector& abcd,
                                                                       vector& e) noexcept {
    for (std::size_t i = 5 * Group; i != 5 * Group + 5; ++i) {
        if (i >= 4) {
            const vector mixed = __builtin_ia32_sha1msg1(words[i - 4], words[i - 3]) ^ words[i - 2];
            words[i] = __builtin_ia32_sha1msg2(mixed, words[i - 1]);
        }
        const vector added = i == 0 ? sum(e, words[0]) : __builtin_ia32_sha1nexte(e, words[i]);
        e = abcd;
        abcd = __builtin_ia32_sha1rnds4(abcd, added, Group);
    }
}

/// Adds `count` blocks of 64 bytes to the state.
[[gnu::target("sha,ssse3")]] inline void add(sha1_state& state, const char* blocks, std::size_t count) noexcept {
    // The instructions want the first word in the highest place.
    constexpr characters reversed_octets{15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
    const auto word = [&state](std::size_t i) { return static_cast<int>(state[i]); };
    vector abcd{word(3), word(2), word(1), word(0)};
    vector e{0, 0, 0, word(4)};
    for (; count != 0; --count, blocks += sha1_block_size) {
        vector words[20];
        for (std::size_t i = 0; i != 4; ++i) {
            characters octets;
            std::memcpy(&octets, blocks + 16 * i, sizeof octets);
            words[i] = vector(__builtin_ia32_pshufb128(octets, reversed_octets));
        }
        const vector abcd_before = abcd;
        const vector e_before = e;
        rounds<0>(words, abcd, e);
        rounds<1>(words, abcd, e);
        rounds<2>(words, abcd, e);
        rounds<3>(words, abcd, e);
        e = __builtin_ia32_sha1nexte(e, e_before);
        abcd = sum(abcd, abcd_before);
    }
    for (std::size_t i = 0; i != 4; ++i) state[i] = static_cast<std::uint32_t>(abcd[3 - i]);
    state[4] = static_cast<std::uint32_t>(e[3]);
}
} // namespace sha
#endif

namespace widest {

/// Adds `count` blocks of 64 bytes to the state. False if the processor has no instructions for it; then nothing was
/// added.
[[nodiscard]] inline bool add_sha1(sha1_state& state, const char* blocks, std::size_t count) noexcept {
#if defined(SOCKLESS_ASKS_PROCESSOR)
    if (has_sha()) return sha::add(state, blocks, count), true;
    return false;
#else
    static_cast<void>(state);
    static_cast<void>(blocks);
    static_cast<void>(count);
    return false;
#endif
}

} // namespace widest

} // namespace sockless::detail

#include "../compiler_end.inc"
