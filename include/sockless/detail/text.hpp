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
        std::size_t size = 0;
        if (!std::is_constant_evaluated()) {
            if (left >= block_size) {
                for (; size != block_size; size += blocks::size) look_at(size);
            } else {
                for (; left - size >= blocks::size; size += blocks::size) look_at(size);
            }
        }
        for (; size != left && size != block_size; ++size) {
            const char c = block_[size];
            found_ |= std::uint64_t{((c == Wanted) || ...) ? 1U : 0U} << size;
        }
        next_ = block_ + size;
    }

    void look_at(std::size_t place) noexcept {
        found_ |= std::uint64_t{blocks::any_of(blocks::load(block_ + place), Wanted...)} << place;
    }

    using blocks = most_characters;

    const char* block_ = nullptr;
    const char* next_ = nullptr;
    const char* end_ = nullptr;
    std::uint64_t found_ = 0;
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
    return a.size() == b.size() && detail::common_prefix(a, b) == a.size();
}

} // namespace sockless
