// The host of a URI, with or without a port (RFC 3986 section 3.2, RFC 9110 section 7.2).
// SPDX-License-Identifier: MIT
#pragma once

#include "text.hpp"

#include "../detail/compiler_begin.inc"

namespace sockless::http::detail {

/// Whether [at, end) is an IPv4 address: four numbers up to 255, without leading zeros (RFC 3986 section 3.2.2).
[[nodiscard]] constexpr bool is_ipv4(const char* at, const char* end) noexcept {
    for (int left = 4; left != 0; --left) {
        const char* const begin = at;
        int value = 0;
        while (at != end && is_digit(*at) && value <= 255) value = value * 10 + (*at++ - '0');
        if (at == begin || value > 255 || (*begin == '0' && at - begin != 1)) return false;
        if (left == 1) break;
        if (at == end || *at != '.') return false;
        ++at;
    }
    return at == end;
}

/// Whether [at, end) is an IPv6 address: eight groups of up to four hexadecimal digits. One `::` stands for one or more
/// groups, and the last two may be an IPv4 address (RFC 3986 section 3.2.2).
[[nodiscard]] constexpr bool is_ipv6(const char* at, const char* end) noexcept {
    int groups = 0;
    bool has_gap = false;
    if (end - at >= 2 && at[0] == ':' && at[1] == ':') {
        has_gap = true;
        at += 2;
    }
    while (at != end) {
        const char* const begin = at;
        while (at != end && hex_digit(*at) >= 0) ++at;
        if (at != end && *at == '.') {
            if (!is_ipv4(begin, end)) return false;
            groups += 2;
            break;
        }
        if (at == begin || at - begin > 4) return false;
        ++groups;
        if (at == end) break;
        if (*at != ':' || ++at == end) return false;
        if (*at != ':') continue;
        if (has_gap) return false;
        has_gap = true;
        ++at;
    }
    return has_gap ? groups <= 7 : groups == 8;
}

/// Whether [at, end) is the address of a later version than IPv6: `v`, the version in hexadecimal digits, a dot, and
/// more (RFC 3986 section 3.2.2).
[[nodiscard]] constexpr bool is_later_address(const char* at, const char* end) noexcept {
    if (at == end || lower(*at) != 'v') return false;
    const char* const version = ++at;
    while (at != end && hex_digit(*at) >= 0) ++at;
    if (at == version || at == end || *at != '.') return false;
    const char* const rest = ++at;
    return at != end && skip(in_address, rest, end) == end;
}

/// The end of a host that has an address in brackets, or an octet in hexadecimal digits behind a `%`; null if it is
/// wrong (RFC 3986 section 3.2.2) [H4]. `at` is the first character that stands in no simple name.
[[nodiscard]] SOCKLESS_NEVER_INLINE constexpr const char* skip_unusual_host(const char* begin, const char* at,
                                                                            const char* end) noexcept {
    if (*at == '[') {
        const char* const close = find(']', at, end);
        if (at != begin || close == end) return nullptr;
        return is_ipv6(at + 1, close) || is_later_address(at + 1, close) ? close + 1 : nullptr;
    }
    while (at != end && *at == '%') {
        if (end - at < 3 || hex_digit(at[1]) < 0 || hex_digit(at[2]) < 0) return nullptr;
        at = skip_host(at + 3, end);
    }
    return at;
}

/// Whether [at, end) is empty, or a colon and a port: a decimal number up to 65535, which may be left out (RFC 3986
/// section 3.2.3) [H4].
[[nodiscard]] constexpr bool is_port(const char* at, const char* end) noexcept {
    if (at == end) return true;
    if (*at != ':') return false;
    std::uint32_t port = 0;
    while (++at != end) {
        if (!is_digit(*at)) return false;
        port = port * 10 + static_cast<std::uint32_t>(*at - '0');
        if (port > 65535) return false;
    }
    return true;
}

} // namespace sockless::http::detail

namespace sockless::http {

/// Whether `text` is a host with or without a port, as in a Host field: a name, an IPv4 address, or an IPv6 address in
/// brackets. RFC 9110 section 7.2, RFC 3986 section 3.2.2.
[[nodiscard]] constexpr bool is_host(std::string_view text) noexcept {
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const char* at = detail::skip_host(begin, end);
    if (at != end && *at != ':') at = detail::skip_unusual_host(begin, at, end);
    return at != nullptr && at != begin && detail::is_port(at, end);
}

} // namespace sockless::http

#include "../detail/compiler_end.inc"
