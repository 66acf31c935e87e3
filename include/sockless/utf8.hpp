// Checks UTF-8 that comes in pieces (RFC 3629). The state between two pieces is one byte.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include "detail/octets.hpp"

// A state machine. Each byte has a row, a word that holds the next state for each state, in six bits. A state is the
// number of bits by which to shift the row. So the load of a row does not wait for the step before.
// After E0, ED, F0 and F4 the second byte has a smaller range (RFC 3629 section 4). That rules out overlong forms,
// surrogates, and code points above U+10FFFF. So each of these bytes leads to a state of its own.
namespace sockless::detail::utf8 {

inline constexpr unsigned accept = 0, one_more = 6, two_more = 12, three_more = 18, after_e0 = 24, after_ed = 30,
                          after_f0 = 36, after_f4 = 42, reject = 48;

struct transition {
    unsigned from;
    unsigned first, last; // the bytes that lead from the one state to the other
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

/// Checks UTF-8 that comes in pieces. A piece may end within a character (RFC 3629; RFC 6455 section 8.1).
///
///     utf8_validator checked;
///     const bool is_valid = checked.feed(bytes_of("\xE2\x82")) == 2 && checked.feed(bytes_of("\xAC")) == 1;
///     if (is_valid && checked.complete()) print("a euro sign, in two pieces");
class utf8_validator {
  public:
    /// Takes the next piece and returns how many of its bytes are valid: all of them, or the index of the first byte
    /// that no later byte can make valid. After such a byte `feed` returns 0 until `reset`. The validator
    /// does not keep the piece.
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

    /// Whether all of the text so far is valid and ends with a whole character.
    [[nodiscard]] constexpr bool complete() const noexcept { return state_ == detail::utf8::accept; }

    /// Begins a new text.
    constexpr void reset() noexcept { state_ = detail::utf8::accept; }

  private:
    // A longer block skips ASCII faster. A shorter one walks over less ASCII around one other character.
    static constexpr std::size_t block_size = 64;

    // Takes valid bytes from the front, many at a time, but not the last character. 0 if there are too few bytes, if
    // the text is wrong at the front, or if the processor has no instructions for this.
    [[nodiscard]] constexpr std::size_t feed_vectors(cbytes piece) noexcept {
        if (std::is_constant_evaluated() || piece.size() < detail::widest::least_utf8) return 0;
        // Vectors look back three bytes, so they cannot judge the first three.
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

/// Whether `text` is valid UTF-8 that does not end within a character.
[[nodiscard]] constexpr bool is_utf8(cbytes text) noexcept {
    utf8_validator validator;
    return validator.feed(text) == text.size() && validator.complete();
}

} // namespace sockless
