// What the codecs of text share: finding, comparing and counting characters, many at once.
// SPDX-License-Identifier: MIT
#pragma once

#include "block.hpp"

namespace sockless::detail {

/// The first `wanted` in [at, end), or `end`.
template <class Blocks = most_characters>
[[nodiscard]] constexpr const char* find(char wanted, const char* at, const char* end) noexcept {
    if (!std::is_constant_evaluated()) {
        for (; static_cast<std::size_t>(end - at) >= Blocks::size; at += Blocks::size) {
            const unsigned found = Blocks::equal(Blocks::load(at), wanted);
            if (found != 0) return at + std::countr_zero(found);
        }
    }
    while (at != end && *at != wanted) ++at;
    return at;
}

/// Which of the `size` characters at `text`, at most 64, are one of `Wanted`: the first is the lowest bit. No
/// `constexpr`, so that compilers do not put it into every loop that it serves.
template <char... Wanted>
std::uint64_t bits_of(const char* text, std::size_t size) noexcept {
    using blocks = most_characters;
    const auto bits = [text](std::size_t at) {
        return std::uint64_t{blocks::any_of(blocks::load(text + at), Wanted...)} << at;
    };
    std::uint64_t found = 0;
    std::size_t at = 0;
    if (size >= blocks::size) {
        for (; size - at > blocks::size; at += blocks::size) found |= bits(at);
        // The last ones are looked at together with some before them.
        return found | bits(size - blocks::size);
    }
    for (; at != size; ++at) {
        const char c = text[at];
        if (((c == Wanted) || ...)) found |= std::uint64_t{1} << at;
    }
    return found;
}

/// Finds, one after the other, all characters in [begin, end) that are one of `Wanted`. The text is looked at in
/// blocks, each once, and what was found in a block is kept as bits.
template <char... Wanted>
class occurrences {
  public:
    constexpr occurrences() noexcept = default;
    constexpr occurrences(const char* begin, const char* end) noexcept : block_(begin), next_(begin), end_(end) {}

    /// The next one, or the end.
    [[nodiscard]] constexpr const char* next() noexcept {
        while (found_ == 0) {
            if (next_ == end_) return end_;
            look_at_block();
        }
        const char* const at = block_ + std::countr_zero(found_);
        found_ &= found_ - 1;
        return at;
    }

  private:
    static constexpr std::size_t block_size = 64;

    constexpr void look_at_block() noexcept {
        block_ = next_;
        const auto left = static_cast<std::size_t>(end_ - block_);
        const std::size_t size = left < block_size ? left : block_size;
        next_ += size;
        if (!std::is_constant_evaluated()) {
            found_ = bits_of<Wanted...>(block_, size);
            return;
        }
        for (std::size_t at = 0; at != size; ++at) {
            const char c = block_[at];
            found_ |= std::uint64_t{((c == Wanted) || ...) ? 1U : 0U} << at;
        }
    }

    const char* block_ = nullptr;
    const char* next_ = nullptr;
    const char* end_ = nullptr;
    std::uint64_t found_ = 0; // in the block, from the next one on
};

/// How many characters two texts of one size have in common at the front; `b` is the one whose size a compiler may
/// know, and then there is no loop to warn of. In words of its own, as `==` becomes a call of `bcmp` with some
/// compilers, and codecs call nothing but `mem*`.
[[nodiscard]] constexpr std::size_t common_prefix(std::string_view a, std::string_view b) noexcept {
    std::size_t i = 0;
    if (!std::is_constant_evaluated()) {
        for (; b.size() - i >= sizeof(std::uint64_t); i += sizeof(std::uint64_t)) {
            std::uint64_t left, right;
            std::memcpy(&left, a.data() + i, sizeof left);
            std::memcpy(&right, b.data() + i, sizeof right);
            if (left != right) break;
        }
    }
    while (i != b.size() && a[i] == b[i]) ++i;
    return i;
}

/// Whether `size` characters, which are at least a word, are equal. The last word may overlap with the one before it.
template <class Word>
[[nodiscard]] inline bool equal_in_words(const char* a, const char* b, std::size_t size) noexcept {
    const auto differ = [a, b](std::size_t at) {
        Word left, right;
        std::memcpy(&left, a + at, sizeof left);
        std::memcpy(&right, b + at, sizeof right);
        return left != right;
    };
    for (std::size_t at = 0; size - at > sizeof(Word); at += sizeof(Word)) {
        if (differ(at)) return false;
    }
    return !differ(size - sizeof(Word));
}

[[nodiscard]] constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// A number in decimal digits and nothing else, and whether it was one that fits.
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

/// A number as decimal digits.
class decimal_text {
  public:
    constexpr explicit decimal_text(std::uint64_t value) noexcept {
        do {
            digits_[--begin_] = static_cast<char>('0' + value % 10);
            value /= 10;
        } while (value != 0);
    }

    /// Valid as long as this.
    [[nodiscard]] constexpr std::string_view text() const noexcept {
        return {digits_ + begin_, sizeof digits_ - begin_};
    }

  private:
    char digits_[20] = {};
    std::size_t begin_ = sizeof digits_;
};

} // namespace sockless::detail

namespace sockless {

/// Whether two texts are equal, the case of letters included.
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
