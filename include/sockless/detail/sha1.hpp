// SHA-1 (RFC 3174). With it a server shows in the opening handshake that it speaks WebSocket. It protects no secret.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>

#include "../core.hpp"
#include "simd/sha.hpp"

#include "compiler_begin.inc"

namespace sockless::detail {

/// The words of a block, one for each of the 80 rounds (RFC 3174 section 6.1, step b).
using sha1_schedule = std::array<std::uint32_t, 80>;

inline constexpr sha1_state sha1_begin{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};

/// The schedule of a block of 64 bytes. Its words have the most significant byte first.
[[nodiscard]] constexpr sha1_schedule sha1_scheduled(const char* block) noexcept {
    sha1_schedule words;
    for (std::size_t t = 0; t != 16; ++t) {
        const auto octet = [&](std::size_t place) -> std::uint32_t { return static_cast<unsigned char>(block[place]); };
        words[t] = octet(4 * t) << 24 | octet(4 * t + 1) << 16 | octet(4 * t + 2) << 8 | octet(4 * t + 3);
    }
    // The last three words are kept in variables: to load them right after their stores would be slow.
    std::uint32_t third = words[13];
    std::uint32_t second = words[14];
    std::uint32_t last = words[15];
    for (std::size_t t = 16; t != 80; ++t) {
        const std::uint32_t next = std::rotl(third ^ (words[t - 8] ^ words[t - 14] ^ words[t - 16]), 1);
        words[t] = next;
        third = second;
        second = last;
        last = next;
    }
    return words;
}

/// The functions of the four groups of rounds.
struct sha1_choose {
    constexpr std::uint32_t operator()(std::uint32_t b, std::uint32_t c, std::uint32_t d) const noexcept {
        return d ^ (b & (c ^ d));
    }
};
struct sha1_parity {
    constexpr std::uint32_t operator()(std::uint32_t b, std::uint32_t c, std::uint32_t d) const noexcept {
        return b ^ c ^ d;
    }
};
struct sha1_majority {
    constexpr std::uint32_t operator()(std::uint32_t b, std::uint32_t c, std::uint32_t d) const noexcept {
        return (b & c) + (d & (b ^ c)); // no bit is in both, and a compiler can reorder a sum
    }
};

/// Twenty rounds, five at a time: after five rounds each word is in its own variable again (RFC 3174 section 5).
template <class Mix>
SOCKLESS_ALWAYS_INLINE constexpr void sha1_rounds(sha1_state& s, const std::uint32_t* words, std::uint32_t constant,
                                                  Mix mix) noexcept {
    auto [a, b, c, d, e] = s;
    const auto add_round = [mix, constant](std::uint32_t v, std::uint32_t& w, std::uint32_t x, std::uint32_t y,
                                           std::uint32_t& z, std::uint32_t scheduled) {
        z = (z + scheduled + constant + mix(w, x, y)) + std::rotl(v, 5);
        w = std::rotl(w, 30);
    };
    for (std::size_t t = 0; t != 20; t += 5) {
        add_round(a, b, c, d, e, words[t]);
        add_round(e, a, b, c, d, words[t + 1]);
        add_round(d, e, a, b, c, words[t + 2]);
        add_round(c, d, e, a, b, words[t + 3]);
        add_round(b, c, d, e, a, words[t + 4]);
    }
    s = {a, b, c, d, e};
}

/// Adds `count` blocks of 64 bytes to the hash (RFC 3174 section 6.1), on any machine.
constexpr void sha1_add_by_words(sha1_state& state, const char* blocks, std::size_t count) noexcept {
    for (; count != 0; --count, blocks += sha1_block_size) {
        const sha1_schedule words = sha1_scheduled(blocks);
        sha1_state s = state;
        sha1_rounds(s, words.data(), 0x5a827999, sha1_choose{});
        sha1_rounds(s, words.data() + 20, 0x6ed9eba1, sha1_parity{});
        sha1_rounds(s, words.data() + 40, 0x8f1bbcdc, sha1_majority{});
        sha1_rounds(s, words.data() + 60, 0xca62c1d6, sha1_parity{});
        for (std::size_t i = 0; i != s.size(); ++i) state[i] += s[i];
    }
}

/// Adds `count` blocks of 64 bytes to the hash, in the fastest way that the processor has.
constexpr void sha1_add(sha1_state& state, const char* blocks, std::size_t count) noexcept {
    if (!std::is_constant_evaluated() && widest::add_sha1(state, blocks, count)) return;
    sha1_add_by_words(state, blocks, count);
}

/// The hash as bytes, each word with its most significant byte first.
[[nodiscard]] constexpr std::array<std::byte, 20> sha1_digest(const sha1_state& state) noexcept {
    std::array<std::byte, 20> digest{};
    for (std::size_t i = 0; i != state.size(); ++i) {
        digest[4 * i] = static_cast<std::byte>(state[i] >> 24);
        digest[4 * i + 1] = static_cast<std::byte>(state[i] >> 16);
        digest[4 * i + 2] = static_cast<std::byte>(state[i] >> 8);
        digest[4 * i + 3] = static_cast<std::byte>(state[i]);
    }
    return digest;
}

/// The rest of a text, at most a block, that stands behind `before` whole blocks. SHA-1 puts 0x80 behind the text, then
/// zeros up to 8 bytes before the end of a block, then the size of the whole text in bits (RFC 3174 section 4).
struct sha1_padded {
    constexpr sha1_padded(std::string_view rest, std::uint64_t before) noexcept
        : blocks((rest.size() + 8) / sha1_block_size + 1) {
        copy(text.data(), rest.data(), rest.size());
        text[rest.size()] = '\x80';
        std::uint64_t bits = (before * sha1_block_size + rest.size()) * 8;
        for (std::size_t at = blocks * sha1_block_size; bits != 0; bits >>= 8) {
            text[--at] = static_cast<char>(static_cast<unsigned char>(bits));
        }
    }

    constexpr void add_to(sha1_state& state) const noexcept { sha1_add(state, text.data(), blocks); }

    std::array<char, 2 * sha1_block_size> text{};
    std::size_t blocks;
};

/// The SHA-1 hash of a text.
[[nodiscard]] constexpr std::array<std::byte, 20> sha1(std::string_view text) noexcept {
    sha1_state state = sha1_begin;
    const std::size_t whole = text.size() / sha1_block_size;
    sha1_add(state, text.data(), whole);
    text.remove_prefix(whole * sha1_block_size);
    sha1_padded(text, whole).add_to(state);
    return sha1_digest(state);
}

} // namespace sockless::detail

#include "compiler_end.inc"
