// The characters of HTTP: tokens, field values, white space, case (RFC 9110 section 5, RFC 3986).
// SPDX-License-Identifier: MIT
#pragma once

#include <bit>

#include "../core.hpp"

namespace sockless::detail {

/// Classes of characters, as bits of one table.
enum character_class : std::uint8_t {
    in_token = 1,   ///< tchar, RFC 9110 section 5.6.2
    in_value = 2,   ///< VCHAR, obs-text, SP, HTAB, RFC 9110 section 5.5
    in_target = 4,  ///< VCHAR. More than RFC 3986 allows, as browsers leave some of `{}|\^` as they are.
    in_host = 8,    ///< reg-name, RFC 3986 section 3.2.2
    in_address = 16 ///< what stands in the brackets of an IP literal, RFC 3986 section 3.2.2
};

struct character_table {
    std::uint8_t classes[256];

    constexpr character_table() noexcept : classes{} {
        for (unsigned c = 0x20; c != 256; ++c) add(c, c == 0x7f ? 0 : in_value);
        for (unsigned c = 0x21; c != 0x7f; ++c) add(c, in_target);
        for (unsigned c = '0'; c <= '9'; ++c) add(c, in_token | in_host | in_address);
        for (unsigned c = 'a'; c <= 'z'; ++c) add(c, in_token | in_host | in_address);
        for (unsigned c = 'A'; c <= 'Z'; ++c) add(c, in_token | in_host | in_address);
        add('\t', in_value);
        for (const char c : std::string_view("!#$%&'*+-.^_`|~")) add(static_cast<unsigned char>(c), in_token);
        for (const char c : std::string_view("-._~!$&'()*+,;=%")) add(static_cast<unsigned char>(c), in_host);
        for (const char c : std::string_view("-._~!$&'()*+,;=:")) add(static_cast<unsigned char>(c), in_address);
    }

    constexpr void add(unsigned c, int more) noexcept { classes[c] = static_cast<std::uint8_t>(classes[c] | more); }
};

inline constexpr character_table characters{};

/// Whether the character `c`, a `char` or `std::byte`, is of a class.
template <class Byte>
[[nodiscard]] constexpr bool is_in(character_class wanted, Byte c) noexcept {
    return (characters.classes[static_cast<unsigned char>(c)] & wanted) != 0;
}

/// The first in [at, end) that is not of a class, or `end`.
template <class Byte>
[[nodiscard]] constexpr const Byte* skip(character_class wanted, const Byte* at, const Byte* end) noexcept {
    while (at != end && is_in(wanted, *at)) ++at;
    return at;
}

inline constexpr std::uint64_t every_byte = 0x0101010101010101u;

/// Eight bytes as a word whose lowest byte is the first. At run time only.
template <class Byte>
[[nodiscard]] inline std::uint64_t load_word(const Byte* at) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    return word;
}

/// `skip(in_value, …)`, eight bytes at a time: it is what most bytes of a head pass through.
template <class Byte>
[[nodiscard]] constexpr const Byte* skip_value(const Byte* at, const Byte* end) noexcept {
    if (!std::is_constant_evaluated() && std::endian::native == std::endian::little) {
        while (end - at >= 8) {
            // The top bit of each byte below 0x20 and of each 0x7f. A borrow can set it wrongly, but only above a byte
            // where it is right, and only the lowest is looked at.
            const std::uint64_t word = load_word(at);
            const std::uint64_t no_delete = word ^ (every_byte * 0x7f);
            const std::uint64_t controls =
                (((word - every_byte * 0x20) & ~word) | ((no_delete - every_byte) & ~no_delete)) & (every_byte * 0x80);
            if (controls == 0) {
                at += 8;
                continue;
            }
            at += std::countr_zero(controls) / 8;
            if (static_cast<char>(*at) != '\t') return at;
            ++at;
        }
    }
    return skip(in_value, at, end);
}

/// The first `wanted` in [at, end), or `end`.
[[nodiscard]] constexpr const char* find(char wanted, const char* at, const char* end) noexcept {
    if (!std::is_constant_evaluated() && std::endian::native == std::endian::little) {
        for (; end - at >= 8; at += 8) {
            const std::uint64_t other = load_word(at) ^ (every_byte * static_cast<unsigned char>(wanted));
            const std::uint64_t found = (other - every_byte) & ~other & (every_byte * 0x80);
            if (found != 0) return at + std::countr_zero(found) / 8;
        }
    }
    while (at != end && *at != wanted) ++at;
    return at;
}

[[nodiscard]] constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

[[nodiscard]] constexpr bool is_white(char c) noexcept { return c == ' ' || c == '\t'; }

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

/// Without the SP and HTAB at both ends.
[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && is_white(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_white(text.back())) text.remove_suffix(1);
    return text;
}

} // namespace sockless::detail

namespace sockless::http {

/// Whether `text` is a token: a method, a field name, a subprotocol … RFC 9110 section 5.6.2.
[[nodiscard]] constexpr bool is_token(std::string_view text) noexcept {
    const char* const end = text.data() + text.size();
    return !text.empty() && detail::skip(detail::in_token, text.data(), end) == end;
}

/// Whether `text` may stand as the value of a field: no control character but HTAB. May be empty. RFC 9110 section 5.5.
[[nodiscard]] constexpr bool is_field_value(std::string_view text) noexcept {
    const char* const end = text.data() + text.size();
    return detail::skip_value(text.data(), end) == end;
}

/// Whether `text` may stand as a request target: visible ASCII, at least one. RFC 9112 section 3.2.
[[nodiscard]] constexpr bool is_target(std::string_view text) noexcept {
    const char* const end = text.data() + text.size();
    return !text.empty() && detail::skip(detail::in_target, text.data(), end) == end;
}

/// Whether `text` is a host with or without a port, as in a Host field: a name, an IPv4 address, or an IPv6 address in
/// brackets. RFC 9110 section 7.2, RFC 3986 section 3.2.2.
[[nodiscard]] constexpr bool is_host(std::string_view text) noexcept {
    const char* at = text.data();
    const char* const end = at + text.size();
    if (!text.empty() && text.front() == '[') {
        const char* const inside = at + 1;
        at = detail::skip(detail::in_address, inside, end);
        if (at == inside || at == end || *at != ']') return false;
        ++at;
    } else {
        at = detail::skip(detail::in_host, at, end);
        if (at == text.data()) return false;
    }
    if (at == end) return true;
    if (*at != ':') return false;
    ++at;
    while (at != end && detail::is_digit(*at)) ++at;
    return at == end;
}

/// Whether two texts are equal where the case of ASCII letters does not count.
[[nodiscard]] constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i != a.size(); ++i) {
        if (a[i] != b[i] && detail::lower(a[i]) != detail::lower(b[i])) return false;
    }
    return true;
}

} // namespace sockless::http
