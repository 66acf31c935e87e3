// URLs of WebSockets: what a client connects to, and asks for (RFC 6455 section 3).
// SPDX-License-Identifier: MIT
#pragma once

#include "../detail/base64.hpp"
#include "../detail/text_sink.hpp"
#include "../http/host.hpp"
#include "errc.hpp"

namespace sockless::ws {

/// The parts of a URL. All texts are views of it.
struct url {
    sockless::error error{}; ///< if there is one, nothing else is valid
    bool secure = false;     ///< TLS carries the connection: the scheme is `wss` or `https`

    /// The name or the address to connect to: an IPv6 address without brackets and without its zone.
    std::string_view host{};

    /// The zone of an IPv6 address, such as `eth0`; empty if it has none. `getaddrinfo` takes `host`, `%` and the zone
    /// (RFC 6874 section 2).
    std::string_view zone{};

    std::uint16_t port = 0; ///< 80 or 443 if the URL has none

    /// For `opening::host`: the host, and the port unless it is the default of the scheme. Empty if the host has a
    /// zone, which no Host field may have: then use `write_host`.
    std::string_view authority{};

    /// For `opening::target`: path and query. `/` if there is neither; if there is only a query, it begins with `?`.
    std::string_view target{};

    /// What stands before an `@` in front of the host: for `write_basic_credentials`.
    std::string_view userinfo{};
};

} // namespace sockless::ws

namespace sockless::ws::detail {

struct url_scheme {
    std::string_view begin;
    bool secure;
};

/// The schemes of WebSocket (RFC 6455 section 3), and those of HTTP, whose connections the opening handshake uses.
inline constexpr url_scheme url_schemes[] = {
    {"ws://", false}, {"wss://", true}, {"http://", false}, {"https://", true}};

/// Takes the scheme away from the front of `text`.
[[nodiscard]] constexpr bool take_scheme(std::string_view& text, ws::url& found) noexcept {
    for (const url_scheme& each : url_schemes) {
        if (!http::equal_ignoring_case(text.substr(0, each.begin.size()), each.begin)) continue;
        text.remove_prefix(each.begin.size());
        found.secure = each.secure;
        return true;
    }
    return false;
}

/// Splits an authority without userinfo into the host, its zone and the port. False if one of them is malformed (RFC
/// 3986 section 3.2, RFC 6874 section 2).
[[nodiscard]] constexpr bool split_authority(std::string_view text, ws::url& found) noexcept {
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const char* host_end = find(':', begin, end);
    if (begin != end && *begin == '[') {
        const char* const close = find(']', begin, end);
        if (close == end) return false;
        host_end = close + 1;
        const char* const percent = find('%', begin, close);
        found.host = text_at(begin + 1, static_cast<std::size_t>(percent - begin) - 1);
        if (percent != close) {
            // The `%` of a zone is written as `%25`; many programs take it as it is.
            const bool escaped = close - percent >= 3 && percent[1] == '2' && percent[2] == '5';
            const char* const zone = percent + (escaped ? 3 : 1);
            found.zone = text_at(zone, static_cast<std::size_t>(close - zone));
            if (found.zone.empty() || http::detail::skip_host(zone, close) != close) return false;
        }
        if (!http::detail::is_ipv6(begin + 1, percent)) return false;
    } else {
        found.host = text_at(begin, static_cast<std::size_t>(host_end - begin));
        if (!http::is_host(found.host)) return false;
    }
    if (!http::detail::is_port(host_end, end)) return false;
    const std::uint16_t usual = found.secure ? 443 : 80;
    found.port = usual;
    if (end - host_end > 1) {
        std::uint32_t port = 0;
        for (const char* at = host_end + 1; at != end; ++at) port = port * 10 + static_cast<std::uint32_t>(*at - '0');
        found.port = static_cast<std::uint16_t>(port);
    }
    if (found.zone.empty()) {
        found.authority = found.port == usual ? text_at(begin, static_cast<std::size_t>(host_end - begin)) : text;
    }
    return found.port != 0;
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Splits a URL of the schemes `ws`, `wss`, `http` or `https` (RFC 6455 section 3, RFC 3986):
///
///     const ws::url to = ws::parse_url("wss://example.com/chat?room=7");
///     if (!to.error) error = client.request({.host = to.authority, .target = to.target});
///
/// Errors: `bad_scheme`; `bad_host` if the host or the port is malformed or missing, or the userinfo has a backslash or
/// anything but visible ASCII; `bad_request_target` if the path or the query has anything but visible ASCII, or if
/// there is a fragment, which a WebSocket has no use for.
[[nodiscard]] constexpr url parse_url(std::string_view text) noexcept {
    url found{};
    if (!detail::take_scheme(text, found)) return {.error = errc::bad_scheme};
    std::size_t size = 0;
    while (size != text.size() && text[size] != '/' && text[size] != '?' && text[size] != '#') ++size;
    std::string_view authority = text.substr(0, size);
    text.remove_prefix(size);
    found.target = text;
    if (found.target.empty()) found.target = "/";
    for (std::size_t i = authority.size(); i-- != 0;) {
        if (authority[i] != '@') continue;
        found.userinfo = authority.substr(0, i);
        authority.remove_prefix(i + 1);
        break;
    }
    // A backslash is a slash to browsers: for them the host of `ws://a\@b/` is `a`.
    const bool has_backslash = found.userinfo.find('\\') != std::string_view::npos;
    if (has_backslash || !(found.userinfo.empty() || http::is_target(found.userinfo))) return {.error = errc::bad_host};
    if (!detail::split_authority(authority, found)) return {.error = errc::bad_host};
    const bool has_fragment = found.target.find('#') != std::string_view::npos;
    if (has_fragment || !http::is_target(found.target)) return {.error = errc::bad_request_target};
    return found;
}

/// The value of Authorization for the userinfo of a URL: `Basic`, and the name and the password in base64 (RFC 7617
/// section 2). What is escaped in the URL is unescaped first. Written to the front of `out`; empty if there is no room,
/// or if the userinfo is empty or cannot be sent: an escape is malformed, a character is a control, or the name holds a
/// colon.
[[nodiscard]] constexpr std::string_view write_basic_credentials(std::span<char> out,
                                                                 std::string_view userinfo) noexcept {
    detail::text_sink<char> sink(out);
    sink.put("Basic ");
    std::array<std::byte, 3> group{};
    std::size_t filled = 0;
    const auto add = [&](char c) {
        group[filled++] = static_cast<std::byte>(c);
        if (filled != group.size()) return;
        const auto text = detail::encode_base64(std::span<const std::byte, 3>(group));
        sink.put({text.data(), text.size()});
        filled = 0;
    };
    bool in_name = true;
    for (std::size_t i = 0; i != userinfo.size(); ++i) {
        char c = userinfo[i];
        const bool escaped = c == '%';
        if (escaped) {
            if (userinfo.size() - i < 3) return {};
            const int high = http::detail::hex_digit(userinfo[i + 1]), low = http::detail::hex_digit(userinfo[i + 2]);
            if (high < 0 || low < 0) return {};
            c = static_cast<char>(high * 16 + low);
            i += 2;
        }
        const auto value = static_cast<unsigned char>(c);
        if (value < 0x20 || value == 0x7f) return {};
        // The first colon ends the name.
        if (c == ':' && in_name) {
            if (escaped) return {};
            in_name = false;
        }
        add(c);
    }
    if (in_name) add(':');
    if (filled == 1) {
        const auto text = detail::encode_base64(std::span<const std::byte, 1>(group.data(), 1));
        sink.put({text.data(), text.size()});
    } else if (filled == 2) {
        const auto text = detail::encode_base64(std::span<const std::byte, 2>(group.data(), 2));
        sink.put({text.data(), text.size()});
    }
    if (userinfo.empty() || !sink.complete()) return {};
    return detail::text_at(out.data(), sink.size());
}

} // namespace sockless::ws
