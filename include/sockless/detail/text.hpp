// The work that all codecs of text share: to find and compare characters, many at once, and decimal numbers.
// SPDX-License-Identifier: MIT
#pragma once

#include "simd/characters.hpp"

#include "compiler_begin.inc"

namespace sockless::detail {

/// The fewest characters that `first_in_blocks` can look at.
inline constexpr std::size_t half_block = most_characters::size / 2;

/// The first character in [at, end) that `sought` finds, or `end`. `sought` returns a bit for each character of a
/// block. There is at least half a block. Never inlined: if g++ knows the size of a literal, it warns of blocks that
/// this never loads.
template <class Sought, class Byte>
[[nodiscard]] SOCKLESS_NEVER_INLINE inline const Byte* first_in_blocks(Sought sought, const Byte* at,
                                                                       const Byte* end) noexcept {
    using blocks = most_characters;
    const auto size = static_cast<std::size_t>(end - at);
    unsigned found = 0;
    if (size < blocks::size) {
        // The first half block and the last one may overlap.
        found = sought(blocks::load_halves(at, end - half_block));
        found = (found & ((1U << half_block) - 1)) | found >> half_block << (size - half_block);
    } else {
        // The last block may overlap with the one before it. Nothing was found in that one.
        const Byte* const last = end - blocks::size;
        found = sought(blocks::load(at));
        while (found == 0 && at != last) {
            at = static_cast<std::size_t>(last - at) < blocks::size ? last : at + blocks::size;
            found = sought(blocks::load(at));
        }
    }
    return found == 0 ? end : at + std::countr_zero(found);
}

/// The first `wanted` in [at, end), or `end`.
[[nodiscard]] constexpr const char* find(char wanted, const char* at, const char* end) noexcept {
    if (!std::is_constant_evaluated() && static_cast<std::size_t>(end - at) >= half_block) {
        return first_in_blocks([wanted](most_characters::block text) { return most_characters::equal(text, wanted); },
                               at, end);
    }
    while (at != end && *at != wanted) ++at;
    return at;
}

/// The next `looked_at_once` characters of a text from `begin`, or those that are left. A bit is set for each character
/// that is wanted. The lowest bit is that of the first one.
struct found_characters {
    std::size_t begin;
    std::uint64_t bits;
};

/// The first characters, in steps of `looked_at_once`, among which there is one of `Wanted`. If there is none, no bit
/// is set. It is not `constexpr`, so that compilers do not inline it into every loop that uses it.
template <char... Wanted>
found_characters first_found(const char* text, std::size_t size) noexcept {
    std::size_t at = 0;
    for (; size - at >= looked_at_once; at += looked_at_once) {
        const std::uint64_t bits = occurrences_in_64<most_characters>(text + at, Wanted...);
        if (bits != 0) return {at, bits};
    }
    return {at, occurrences_in_rest<most_characters>(text + at, size - at, Wanted...)};
}

/// Finds all characters in [begin, end) that are one of `Wanted`, one after the other. Looks at each character once and
/// keeps the results as bits. `Char` is `char` or `const char`. The text must outlive this object.
template <class Char, char... Wanted>
class occurrences {
  public:
    constexpr occurrences() noexcept = default;
    constexpr occurrences(Char* begin, Char* end) noexcept : seen_(begin), next_(begin), end_(end) {}

    /// The next of these characters, or the end.
    [[nodiscard]] constexpr Char* next() noexcept {
        if (found_ == 0 && !look_further()) return end_;
        Char* const at = seen_ + static_cast<std::size_t>(std::countr_zero(found_));
        found_ &= found_ - 1;
        return at;
    }

  private:
    constexpr bool look_further() noexcept {
        if (std::is_constant_evaluated()) {
            for (; found_ == 0 && next_ != end_; ++next_) {
                seen_ = next_;
                found_ = ((*next_ == Wanted) || ...) ? 1 : 0;
            }
            return found_ != 0;
        }
        const auto left = static_cast<std::size_t>(end_ - next_);
        const auto [begin, bits] = first_found<Wanted...>(next_, left);
        seen_ = next_ + begin;
        next_ = left - begin < looked_at_once ? end_ : seen_ + looked_at_once;
        found_ = bits;
        return bits != 0;
    }

    Char* seen_ = nullptr; // the character of the lowest bit of `found_`
    Char* next_ = nullptr; // the first character that was not looked at
    Char* end_ = nullptr;
    std::uint64_t found_ = 0; // the characters that `next` has not returned yet
};

/// The index of the first byte that is 0, or the size.
[[nodiscard]] constexpr std::size_t place_of_nul(cbytes data) noexcept {
    if (std::is_constant_evaluated()) {
        std::size_t i = 0;
        while (i != data.size() && data[i] != std::byte{0}) ++i;
        return i;
    }
    if (data.empty()) return 0;
    const void* const found = std::memchr(data.data(), 0, data.size());
    return found == nullptr ? data.size()
                            : static_cast<std::size_t>(static_cast<const std::byte*>(found) - data.data());
}

/// Whether `size` characters, at least a word, are equal. The last word may overlap with the one before it.
template <class Word>
[[nodiscard]] inline bool equal_in_words(const char* a, const char* b, std::size_t size) noexcept {
    std::size_t at = 0;
    for (;;) {
        Word left, right;
        std::memcpy(&left, a + at, sizeof left);
        std::memcpy(&right, b + at, sizeof right);
        if (left != right) return false;
        const std::size_t last = size - sizeof(Word);
        if (at == last) return true;
        at = last - at < sizeof(Word) ? last : at + sizeof(Word);
    }
}

[[nodiscard]] constexpr bool is_white(char c) noexcept { return c == ' ' || c == '\t'; }

/// Without the SP and HTAB at both ends.
[[nodiscard]] constexpr std::string_view trimmed(const char* begin, const char* end) noexcept {
    while (begin != end && is_white(*begin)) ++begin;
    while (begin != end && is_white(end[-1])) --end;
    return {begin, static_cast<std::size_t>(end - begin)};
}

[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) noexcept {
    return trimmed(text.data(), text.data() + text.size());
}

[[nodiscard]] constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// A number that was read from text. `valid` is true if the text was decimal digits only and the number fits.
struct decimal {
    std::uint64_t value = 0;
    bool valid = false;
};

[[nodiscard]] constexpr decimal read_decimal(std::string_view text) noexcept {
    decimal read{0, !text.empty()};
    for (const char c : text) {
        const auto digit = static_cast<std::uint64_t>(c - '0');
        if (!is_digit(c) || read.value > (UINT64_MAX - digit) / 10) return {};
        read.value = read.value * 10 + digit;
    }
    return read;
}

/// A number in decimal digits.
class decimal_text {
  public:
    constexpr explicit decimal_text(std::uint64_t value) noexcept {
        do {
            digits_[--begin_] = static_cast<char>('0' + value % 10);
            value /= 10;
        } while (value != 0);
    }

    /// Valid as long as this object.
    [[nodiscard]] constexpr std::string_view text() const noexcept {
        return {digits_ + begin_, sizeof digits_ - begin_};
    }

  private:
    char digits_[20] = {};
    std::size_t begin_ = sizeof digits_;
};

} // namespace sockless::detail

namespace sockless {

/// Whether two texts are equal. Case matters.
[[nodiscard]] constexpr bool equal(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    if (!std::is_constant_evaluated()) {
        if (b.size() >= 8) return detail::equal_in_words<std::uint64_t>(a.data(), b.data(), b.size());
        if (b.size() >= 4) return detail::equal_in_words<std::uint32_t>(a.data(), b.data(), b.size());
    }
    std::size_t i = 0;
    while (i != b.size() && a[i] == b[i]) ++i;
    return i == b.size();
}

} // namespace sockless

#include "compiler_end.inc"
