// The characters of HTTP: tokens, field values, white space, case (RFC 9110 section 5, RFC 3986).
// SPDX-License-Identifier: MIT
#pragma once

#include "../detail/simd/dispatch.hpp"
#include "../detail/text.hpp"

namespace sockless::http::detail {

/// Classes of characters, as bits of one table.
enum character_class : std::uint8_t {
    in_token = 1,   ///< tchar, RFC 9110 section 5.6.2
    in_value = 2,   ///< VCHAR, obs-text, SP, HTAB, RFC 9110 section 5.5
    in_target = 4,  ///< VCHAR. More than RFC 3986 allows, as browsers leave some of `{}|\^` as they are.
    in_host = 8,    ///< reg-name but for the `%` of an octet in hexadecimal digits, RFC 3986 section 3.2.2
    in_address = 16 ///< an address of a later version than IPv6, RFC 3986 section 3.2.2
};

struct character_table {
    std::uint8_t classes[256];

    consteval character_table() noexcept : classes{} {
        for (unsigned c = 0x20; c != 256; ++c) add(c, c == 0x7f ? 0 : in_value);
        for (unsigned c = 0x21; c != 0x7f; ++c) add(c, in_target);
        for (unsigned c = '0'; c <= '9'; ++c) add(c, in_token | in_host | in_address);
        for (unsigned c = 'a'; c <= 'z'; ++c) add(c, in_token | in_host | in_address);
        for (unsigned c = 'A'; c <= 'Z'; ++c) add(c, in_token | in_host | in_address);
        add('\t', in_value);
        for (const char c : std::string_view("!#$%&'*+-.^_`|~")) add(static_cast<unsigned char>(c), in_token);
        for (const char c : std::string_view("-._~!$&'()*+,;=")) add(static_cast<unsigned char>(c), in_host);
        for (const char c : std::string_view("-._~!$&'()*+,;=:")) add(static_cast<unsigned char>(c), in_address);
    }

    consteval void add(unsigned c, int more) noexcept { classes[c] = static_cast<std::uint8_t>(classes[c] | more); }
};

inline constexpr character_table character_classes{};

/// The ASCII characters that are of a class, or those that are not.
[[nodiscard]] consteval ascii_set ascii_characters(character_class wanted, bool of_class) noexcept {
    unsigned char columns[16] = {};
    for (unsigned c = 0; c != 0x80; ++c) {
        const bool in_class = (character_classes.classes[c] & wanted) != 0;
        if (in_class == of_class) columns[c % 16] = static_cast<unsigned char>(columns[c % 16] | 1U << c / 16);
    }
    return ascii_set(columns);
}

inline constexpr ascii_set token_set = ascii_characters(in_token, true);
inline constexpr ascii_set control_set = ascii_characters(in_value, false);

/// Whether the character `c`, a `char` or `std::byte`, is of a class.
template <class Byte>
[[nodiscard]] constexpr bool is_in(character_class wanted, Byte c) noexcept {
    return (character_classes.classes[static_cast<unsigned char>(c)] & wanted) != 0;
}

/// The first in [at, end) that is not of a class, or `end`.
template <class Byte>
[[nodiscard]] constexpr const Byte* skip(character_class wanted, const Byte* at, const Byte* end) noexcept {
    while (at != end && is_in(wanted, *at)) ++at;
    return at;
}

/// `skip(Class, at, end)`, a block at a time. `Suspect` says which characters of a block may not be of the class: all
/// that are not, and few others.
template <character_class Class, auto Suspect, class Byte>
[[nodiscard]] constexpr const Byte* skip_blocks(const Byte* at, const Byte* end) noexcept {
    if (!std::is_constant_evaluated()) {
        const auto sought = [](most_characters::block text) { return Suspect(text); };
        while (static_cast<std::size_t>(end - at) >= half_block) {
            at = first_in_blocks(sought, at, end);
            if (at == end || !is_in(Class, *at)) return at;
            ++at;
        }
    }
    return skip(Class, at, end);
}

/// `skip(in_token, at, end)`
template <class Byte>
[[nodiscard]] constexpr const Byte* skip_token(const Byte* at, const Byte* end) noexcept {
    return skip_blocks<in_token, most_characters::unusual>(at, end);
}

/// `skip(in_target, at, end)`
template <class Byte>
[[nodiscard]] constexpr const Byte* skip_target(const Byte* at, const Byte* end) noexcept {
    return skip_blocks<in_target, most_characters::invisible>(at, end);
}

/// `skip(in_value, at, end)`
template <class Byte>
[[nodiscard]] constexpr const Byte* skip_value(const Byte* at, const Byte* end) noexcept {
    return skip_blocks<in_value, most_characters::controls>(at, end);
}

/// `skip(in_host, at, end)`
template <class Byte>
[[nodiscard]] constexpr const Byte* skip_host(const Byte* at, const Byte* end) noexcept {
    return skip_blocks<in_host, most_characters::unusual>(at, end);
}

[[nodiscard]] constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

/// The value of a hexadecimal digit, or -1.
[[nodiscard]] constexpr int hex_digit(char c) noexcept {
    if (is_digit(c)) return c - '0';
    const char lowered = lower(c);
    return lowered >= 'a' && lowered <= 'f' ? lowered - 'a' + 10 : -1;
}

/// Whether words of eight characters, or less, differ in nothing but the case of ASCII letters.
[[nodiscard]] constexpr bool differ_in_case_only(std::uint64_t a, std::uint64_t b) noexcept {
    constexpr std::uint64_t each = 0x0101010101010101U;
    const std::uint64_t differences = a ^ b;
    if ((differences & ~(each * 0x20)) != 0) return false;
    // A letter, in lower case, is from `a` to `z`: the sum of a character below 0x80 and a constant reaches the top bit
    // if the character is large enough. Of two that differ in bit 0x20 only, both are letters or none is.
    const std::uint64_t lowered = (a | each * 0x20) & each * 0x7f;
    const std::uint64_t letters = (lowered + each * (0x80 - 'a')) & ~(lowered + each * (0x7f - 'z')) & ~a & each * 0x80;
    return (differences & ~(letters >> 2)) == 0;
}

/// Whether `size` characters, which are at least a word, are equal but for case. The last word may overlap with the one
/// before it.
template <class Word>
[[nodiscard]] inline bool equal_words_ignoring_case(const char* a, const char* b, std::size_t size) noexcept {
    const auto same = [a, b](std::size_t at) {
        Word left, right;
        std::memcpy(&left, a + at, sizeof left);
        std::memcpy(&right, b + at, sizeof right);
        return left == right || differ_in_case_only(left, right);
    };
    for (std::size_t at = 0; size - at > sizeof(Word); at += sizeof(Word)) {
        if (!same(at)) return false;
    }
    return same(size - sizeof(Word));
}

} // namespace sockless::http::detail

namespace sockless::http {

/// Whether `text` is a token: a method, a field name, a subprotocol and so on. RFC 9110 section 5.6.2.
[[nodiscard]] constexpr bool is_token(std::string_view text) noexcept {
    const char* const end = text.data() + text.size();
    return !text.empty() && detail::skip_token(text.data(), end) == end;
}

/// Whether `text` may stand as the value of a field: no control character but HTAB. May be empty. RFC 9110 section 5.5.
[[nodiscard]] constexpr bool is_field_value(std::string_view text) noexcept {
    const char* const end = text.data() + text.size();
    return detail::skip_value(text.data(), end) == end;
}

/// Whether `text` may stand as a request target: visible ASCII, at least one. RFC 9112 section 3.2.
[[nodiscard]] constexpr bool is_target(std::string_view text) noexcept {
    const char* const end = text.data() + text.size();
    return !text.empty() && detail::skip_target(text.data(), end) == end;
}

/// Whether two texts are equal if the case of ASCII letters does not count.
[[nodiscard]] constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    if (!std::is_constant_evaluated()) {
        if (b.size() >= 8) return detail::equal_words_ignoring_case<std::uint64_t>(a.data(), b.data(), b.size());
        if (b.size() >= 4) return detail::equal_words_ignoring_case<std::uint32_t>(a.data(), b.data(), b.size());
    }
    for (std::size_t i = 0; i != b.size(); ++i) {
        if (detail::lower(a[i]) != detail::lower(b[i])) return false;
    }
    return true;
}

} // namespace sockless::http
