// SHA-1 (RFC 3174), which the opening handshake uses to show that a server speaks WebSocket; nothing here is a secret.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>

#include "../core.hpp"

namespace sockless::detail {

/// The state of the hash between blocks (RFC 3174 section 6.1), and one block of 16 words.
using sha1_state = std::array<std::uint32_t, 5>;
using sha1_block = std::array<std::uint32_t, 16>;

/// The words of a block, one for each of the 80 rounds (RFC 3174 section 6.1, step b).
using sha1_schedule = std::array<std::uint32_t, 80>;

inline constexpr sha1_state sha1_begin{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};

[[nodiscard]] constexpr sha1_schedule sha1_scheduled(const sha1_block& block) noexcept {
    sha1_schedule words;
    for (std::size_t t = 0; t != 16; ++t) words[t] = block[t];
    // The latest three words are kept at hand: what was stored a moment ago is slow to load, above all in pairs.
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
        return (b & c) + (d & (b ^ c)); // no bit is in both, and a sum can be reordered
    }
};

/// Twenty rounds, five at a time, after which each word is again in its own place (RFC 3174 section 5).
template <class Mix>
constexpr void sha1_rounds(sha1_state& s, const std::uint32_t* words, std::uint32_t constant, Mix mix) noexcept {
    auto [a, b, c, d, e] = s;
    const auto round = [mix, constant](std::uint32_t v, std::uint32_t& w, std::uint32_t x, std::uint32_t y,
                                       std::uint32_t& z, std::uint32_t scheduled) {
        z = (z + scheduled + constant + mix(w, x, y)) + std::rotl(v, 5);
        w = std::rotl(w, 30);
    };
    for (std::size_t t = 0; t != 20; t += 5) {
        round(a, b, c, d, e, words[t]);
        round(e, a, b, c, d, words[t + 1]);
        round(d, e, a, b, c, words[t + 2]);
        round(c, d, e, a, b, words[t + 3]);
        round(b, c, d, e, a, words[t + 4]);
    }
    s = {a, b, c, d, e};
}

/// Adds one block to the hash (RFC 3174 section 6.1).
constexpr void sha1_add(sha1_state& state, const sha1_schedule& words) noexcept {
    sha1_state s = state;
    sha1_rounds(s, words.data(), 0x5a827999, sha1_choose{});
    sha1_rounds(s, words.data() + 20, 0x6ed9eba1, sha1_parity{});
    sha1_rounds(s, words.data() + 40, 0x8f1bbcdc, sha1_majority{});
    sha1_rounds(s, words.data() + 60, 0xca62c1d6, sha1_parity{});
    for (std::size_t i = 0; i != s.size(); ++i) state[i] += s[i];
}

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

/// The words of a block of 64 bytes, most significant byte first.
[[nodiscard]] constexpr sha1_block sha1_words(const std::array<char, 64>& text) noexcept {
    sha1_block words;
    for (std::size_t i = 0; i != words.size(); ++i) {
        const auto octet = [&](std::size_t place) -> std::uint32_t { return static_cast<unsigned char>(text[place]); };
        words[i] = octet(4 * i) << 24 | octet(4 * i + 1) << 16 | octet(4 * i + 2) << 8 | octet(4 * i + 3);
    }
    return words;
}

/// The SHA-1 hash of a text.
[[nodiscard]] constexpr std::array<std::byte, 20> sha1(std::string_view text) noexcept {
    sha1_state state = sha1_begin;
    // The text, then 0x80, zeros up to 8 bytes before the end of a block, and the length in bits (RFC 3174 section 4).
    const std::size_t blocks = (text.size() + 8) / 64 + 1;
    for (std::size_t i = 0; i != blocks; ++i) {
        const std::size_t begin = i * 64;
        const std::size_t left = begin < text.size() ? text.size() - begin : 0;
        std::array<char, 64> block{};
        copy(block.data(), text.data() + (text.size() - left), left < 64 ? left : 64);
        if (left < 64 && begin <= text.size()) block[left] = '\x80';
        if (i + 1 == blocks) {
            for (std::size_t j = 0; j != 8; ++j) {
                block[63 - j] =
                    static_cast<char>(static_cast<unsigned char>(std::uint64_t{text.size()} * 8 >> (8 * j)));
            }
        }
        sha1_add(state, sha1_scheduled(sha1_words(block)));
    }
    return sha1_digest(state);
}

} // namespace sockless::detail
