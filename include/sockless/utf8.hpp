// UTF-8, checked in pieces: one byte of state, and the place of the first byte that cannot stand (RFC 3629).
// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include "detail/octets.hpp"

// A state is a shift: the row of a byte holds, for each state, the next one in six bits, so that a step is one shift
// of a word that does not depend on the step before. The states after E0, ED, F0 and F4 are where RFC 3629 section 4
// narrows the second byte: to rule out overlong forms, surrogates, and what lies above U+10FFFF.
namespace sockless::detail::utf8 {

inline constexpr unsigned accept = 0, one_more = 6, two_more = 12, three_more = 18, after_e0 = 24, after_ed = 30,
                          after_f0 = 36, after_f4 = 42, reject = 48;

struct transition {
    unsigned from;
    unsigned first, last; // the bytes that lead
    unsigned to;
};

inline constexpr transition transitions[] = {
    {accept, 0x00, 0x7F, accept},     {accept, 0xC2, 0xDF, one_more},   {accept, 0xE0, 0xE0, after_e0},
    {accept, 0xE1, 0xEC, two_more},   {accept, 0xED, 0xED, after_ed},   {accept, 0xEE, 0xEF, two_more},
    {accept, 0xF0, 0xF0, after_f0},   {accept, 0xF1, 0xF3, three_more}, {accept, 0xF4, 0xF4, after_f4},
    {one_more, 0x80, 0xBF, accept},   {two_more, 0x80, 0xBF, one_more}, {three_more, 0x80, 0xBF, two_more},
    {after_e0, 0xA0, 0xBF, one_more}, {after_ed, 0x80, 0x9F, one_more}, {after_f0, 0x90, 0xBF, two_more},
    {after_f4, 0x80, 0x8F, two_more},
};

inline constexpr std::array<std::uint64_t, 256> rows = [] {
    std::array<std::uint64_t, 256> table{};
    for (unsigned state = accept; state <= reject; state += 6) {
        for (std::uint64_t& row : table) row |= std::uint64_t{reject} << state;
    }
    for (const transition& step : transitions) {
        for (unsigned octet = step.first; octet <= step.last; ++octet) {
            table[octet] ^= std::uint64_t{reject ^ step.to} << step.from;
        }
    }
    return table;
}();

} // namespace sockless::detail::utf8

namespace sockless {

/// Checks UTF-8 that comes in pieces, cut anywhere. RFC 3629; RFC 6455 section 8.1.
class utf8_validator {
  public:
    /// Takes the next piece and returns how many of its bytes may stand: all of them, or the index of the first byte
    /// that no continuation could make valid. After that the validator stays where it failed until `reset`.
    [[nodiscard]] constexpr std::size_t feed(cbytes piece) noexcept {
        std::size_t i = 0;
        while (i != piece.size()) {
            const cbytes rest = piece.subspan(i);
            const cbytes octets = rest.first(rest.size() < block_size ? rest.size() : block_size);
            const bool is_ascii = state_ == detail::utf8::accept && !detail::any_high_bit(octets);
            if (is_ascii && octets.size() == rest.size()) return piece.size();
            if (const std::size_t valid = feed_vectors(rest)) {
                i += valid;
                continue;
            }
            if (!is_ascii) {
                const unsigned before = state_;
                state_ = walk(before, octets);
                if (state_ == detail::utf8::reject) return i + first_rejected(before, octets);
            }
            i += octets.size();
        }
        return i;
    }

    /// Whether the text so far ends between characters.
    [[nodiscard]] constexpr bool complete() const noexcept { return state_ == detail::utf8::accept; }

    constexpr void reset() noexcept { state_ = detail::utf8::accept; }

  private:
    // Long enough to skip ASCII at speed, short enough not to walk long runs of it around one other character.
    static constexpr std::size_t block_size = 64;

    // Takes what holds from the front, many bytes at a time, but for the last character; 0 where that is not possible.
    [[nodiscard]] constexpr std::size_t feed_vectors(cbytes piece) noexcept {
        if (std::is_constant_evaluated() || piece.size() < detail::widest::least_utf8) return 0;
        // Vectors look three bytes back, and so cannot judge the first three.
        if (walk(state_, piece.first(3)) == detail::utf8::reject) return 0;
        std::size_t at = detail::widest::valid_utf8(piece.data(), piece.size());
        while (at != 0 && (piece[--at] & std::byte{0xC0}) == std::byte{0x80}) {
        }
        if (at != 0) state_ = detail::utf8::accept;
        return at;
    }

    [[nodiscard]] static constexpr std::uint8_t walk(std::uint64_t state, cbytes octets) noexcept {
        for (const std::byte octet : octets)
            state = detail::utf8::rows[static_cast<std::uint8_t>(octet)] >> (state & 63U);
        return static_cast<std::uint8_t>(state & 63U);
    }

    [[nodiscard]] static constexpr std::size_t first_rejected(unsigned state, cbytes octets) noexcept {
        std::size_t i = 0;
        while ((state = walk(state, octets.subspan(i, 1))) != detail::utf8::reject) ++i;
        return i;
    }

    std::uint8_t state_ = detail::utf8::accept;
};

/// Whether all of `text` is UTF-8, as a whole.
[[nodiscard]] constexpr bool is_utf8(cbytes text) noexcept {
    utf8_validator validator;
    return validator.feed(text) == text.size() && validator.complete();
}

} // namespace sockless
