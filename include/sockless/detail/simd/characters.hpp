// Which of sixteen, or eight, characters are of a kind. The result is a bit for each, the lowest for the first.
// SPDX-License-Identifier: MIT
#pragma once

#include <bit>

#include "../../core.hpp"

#include "../compiler_begin.inc"

namespace sockless::detail {

/// Eight characters, on any machine. A backend is a type, and the algorithms are templates on it. So two units that are
/// compiled with different flags never have two bodies for one function.
struct eight_characters {
    using block = std::uint64_t;
    static constexpr std::size_t size = 8;
    static constexpr block each = 0x0101010101010101u;
    static constexpr block high = each * 0x80;

    static block load(const void* from) noexcept {
        block text = 0;
        std::memcpy(&text, from, size);
        if constexpr (std::endian::native == std::endian::big) text = reversed(text);
        return text;
    }

    /// A block of half a block each from two places.
    static block load_halves(const void* first, const void* second) noexcept {
        std::uint32_t halves[2];
        std::memcpy(&halves[0], first, size / 2);
        std::memcpy(&halves[1], second, size / 2);
        return load(halves);
    }

    /// The characters that are `wanted`.
    static unsigned equal(block text, char wanted) noexcept { return any_of(text, wanted); }

    /// The characters that are one of `wanted`.
    template <class... Char>
    static unsigned any_of(block text, Char... wanted) noexcept {
        return mask((between(text ^ each * static_cast<unsigned char>(wanted), 0, 0) | ...));
    }

    /// All but letters, digits, `-`, `.` and `_`. Nearly all tokens and hosts have only these.
    static unsigned unusual(block text) noexcept {
        const block letters = between(text | each * 0x20, 'a', 'z');
        const block marks = between(text, '-', '.') | between(text, '_', '_');
        return mask(~(letters | between(text, '0', '9') | marks) & high);
    }

    /// All but the digits of base64 (RFC 4648 section 4): letters, digits, `+` and `/`.
    static unsigned not_base64(block text) noexcept {
        const block letters = between(text | each * 0x20, 'a', 'z');
        return mask(~(letters | between(text, '/', '9') | between(text, '+', '+')) & high);
    }

    /// Control characters: those below 0x20, and 0x7f.
    static unsigned controls(block text) noexcept { return mask(between(text, 0, 0x1f) | between(text, 0x7f, 0x7f)); }

    /// All but visible ASCII.
    static unsigned invisible(block text) noexcept { return mask(~between(text, 0x21, 0x7e) & high); }

  private:
    // The top bit of each byte that is from `least` to `most`, both below 0x80. The top bits are cleared before the
    // additions. A sum then sets the top bit if the byte is large enough, and never carries into the next byte.
    static constexpr block between(block text, unsigned least, unsigned most) noexcept {
        const block low = text & ~high;
        return (low + each * (0x80 - least)) & ~(low + each * (0x7f - most)) & ~text & high;
    }

    // Moves the top bits of all bytes side by side.
    static constexpr unsigned mask(block tops) noexcept {
        return static_cast<unsigned>((tops >> 7) * 0x0102040810204080u >> 56);
    }

    static constexpr block reversed(block text) noexcept {
        block turned = 0;
        for (int i = 0; i != 8; ++i, text >>= 8) turned = turned << 8 | (text & 0xff);
        return turned;
    }
};

#if defined(SOCKLESS_SSE2)
/// Sixteen characters, on every x86-64. The functions are those of `eight_characters`.
struct sixteen_characters {
    using block = unsigned char __attribute__((vector_size(16)));
    static constexpr std::size_t size = 16;

    static block load(const void* from) noexcept {
        block text;
        std::memcpy(&text, from, size);
        return text;
    }

    static block load_halves(const void* first, const void* second) noexcept {
        std::uint64_t low, high;
        std::memcpy(&low, first, size / 2);
        std::memcpy(&high, second, size / 2);
        using halves = std::uint64_t __attribute__((vector_size(16)));
        return block(halves{low, high});
    }

    static unsigned equal(block text, char wanted) noexcept { return any_of(text, wanted); }

    template <class... Char>
    static unsigned any_of(block text, Char... wanted) noexcept {
        const block found = (block(text == static_cast<unsigned char>(wanted)) | ...);
        return static_cast<unsigned>(__builtin_ia32_pmovmskb128(characters(found)));
    }

    static unsigned unusual(block text) noexcept {
        const block letters = between(text | 0x20, 'a', 'z');
        const block marks = between(text, '-', '.') | block(text == '_');
        return mask(letters | between(text, '0', '9') | marks) ^ all;
    }

    static unsigned not_base64(block text) noexcept {
        const block letters = between(text | 0x20, 'a', 'z');
        return mask(letters | between(text, '/', '9') | block(text == '+')) ^ all;
    }

    static unsigned controls(block text) noexcept { return mask(between(text, 0, 0x1f) | block(text == 0x7f)); }

    static unsigned invisible(block text) noexcept { return mask(between(text, 0x21, 0x7e)) ^ all; }

  private:
    using characters = char __attribute__((vector_size(16)));
    static constexpr unsigned all = 0xffff;

    static block between(block text, unsigned char least, unsigned char most) noexcept {
        return block(text - least <= static_cast<unsigned char>(most - least));
    }

    static unsigned mask(block found) noexcept {
        return static_cast<unsigned>(__builtin_ia32_pmovmskb128(characters(found)));
    }
};
using most_characters = sixteen_characters;
#else
using most_characters = eight_characters;
#endif

/// So many characters are looked at for one result, as a word has so many bits.
inline constexpr std::size_t looked_at_once = 64;

/// A bit for each of the `looked_at_once` characters at `text`, set if it is one of `wanted`. The lowest bit is that of
/// the first character.
template <class Blocks, class... Char>
std::uint64_t occurrences_in_64(const char* text, Char... wanted) noexcept {
    std::uint64_t found = 0;
    SOCKLESS_UNROLL
    for (std::size_t at = 0; at != looked_at_once; at += Blocks::size) {
        found |= std::uint64_t{Blocks::any_of(Blocks::load(text + at), wanted...)} << at;
    }
    return found;
}

/// The same of `size` characters, fewer than `looked_at_once`.
template <class Blocks, class... Char>
std::uint64_t occurrences_in_rest(const char* text, std::size_t size, Char... wanted) noexcept {
    std::uint64_t found = 0;
    if (size < Blocks::size) {
        for (std::size_t at = 0; at != size; ++at) found |= std::uint64_t{((text[at] == wanted) || ...)} << at;
        return found;
    }
    // The last block overlaps with the one before it.
    found = std::uint64_t{Blocks::any_of(Blocks::load(text + size - Blocks::size), wanted...)} << (size - Blocks::size);
    for (std::size_t at = 0; size - at > Blocks::size; at += Blocks::size) {
        found |= std::uint64_t{Blocks::any_of(Blocks::load(text + at), wanted...)} << at;
    }
    return found;
}

} // namespace sockless::detail

#include "../compiler_end.inc"
