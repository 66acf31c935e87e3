// Writes the heads of the opening handshake over HTTP/1.1: the request, the 101, and refusals (RFC 6455 section 4).
// SPDX-License-Identifier: MIT
#pragma once

#include "../../detail/text_sink.hpp"
#include "../../http/host.hpp"
#include "../../http/write_head.hpp"
#include "accept_key.hpp"
#include "subprotocols.hpp"

namespace sockless::ws {

/// A client's request. All views are read during the call that they are given to, and not after it.
struct opening {
    std::string_view host{};                    ///< with the port unless it is the default: see `write_host`
    std::string_view target = "/";              ///< path and query, or the query alone; without a fragment
    list_view<std::string_view> subprotocols{}; ///< in order of preference: unique tokens, at most 64
    std::string_view extensions{};              ///< the value of Sec-WebSocket-Extensions; empty for none
    bool compression = true;                    ///< offer it, if the endpoint can compress
    std::string_view origin{};                  ///< empty for none
    list_view<field> fields{};                  ///< more fields, such as Authorization and Cookie
};

/// A server's acceptance of a request. All views are read during the call that they are given to, and not after it.
struct acceptance {
    /// One of those offered: see `choose_subprotocol`. `accept` checks that it was offered, `write_acceptance` does
    /// not. Empty for none.
    std::string_view subprotocol{};
    std::string_view extensions{}; ///< the value of Sec-WebSocket-Extensions; empty for none
    bool compression = true;       ///< agree to it, if it is offered and the endpoint can compress
    list_view<field> fields{};     ///< more fields, such as Set-Cookie

    /// For `write_acceptance`: whether to answer a key that is not 16 bytes in base64 (`errc::bad_key`), with the value
    /// for the key as it was sent. `accept` of a `basic_server` needs no word of it.
    bool any_key = false;
};

/// A server's refusal of a request. All views are read during the call that they are given to, and not after it.
struct refusal {
    std::uint16_t status = 400; ///< 200 to 599
    list_view<field> fields{};  ///< more fields, such as WWW-Authenticate and Location
    std::string_view body{};
    std::string_view content_type{}; ///< of the body; empty for none
    std::string_view reason{};       ///< the reason phrase; empty for the standard one

    /// The request is HEAD: the fields are those of an answer with the body, and the body is left out (RFC 9110 section
    /// 9.3.2). A `basic_server` finds that out by itself.
    bool to_head = false;
};

} // namespace sockless::ws

namespace sockless::ws::detail {

/// Writes more fields of the caller's, but none of those that the handshake itself is made of.
constexpr void put_fields(http::head_writer& head, list_view<field> fields, bool origin_written) noexcept {
    for (const field& each : fields) {
        const opening_field known = opening_field_of(each.name);
        const bool free = known == opening_field::other || (known == opening_field::origin && !origin_written);
        if (!free) head.fail(ws::errc::reserved_field);
        head.field(each.name, each.value);
    }
}

/// Writes all extensions into one field: a response may not have it twice (RFC 6455 section 11.3.2).
constexpr void put_extensions(http::head_writer& head, std::string_view extensions, std::string_view more) noexcept {
    if (!extensions.empty() && !ws::is_extension_list(extensions)) head.fail(ws::errc::bad_extensions);
    const std::string_view lists[] = {extensions, more};
    const std::size_t begin = extensions.empty() ? 1 : 0, end = more.empty() ? 1 : 2;
    if (begin < end)
        head.field("Sec-WebSocket-Extensions", std::span<const std::string_view>(lists + begin, end - begin));
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// The value of Host for a host and a port: without the port if that is the default of `ws:` (80) or `wss:` (443), and
/// an IPv6 address in brackets [H15]. A zone of the address, such as `%eth0`, says something to this machine only, and
/// is left out (RFC 6874 section 1). Written to the front of `out`; empty if there is no room or `host` is no host.
[[nodiscard]] constexpr std::string_view write_host(std::span<char> out, std::string_view host, std::uint16_t port,
                                                    bool secure) noexcept {
    detail::text_sink<char> sink(out);
    if (host.find(':') == std::string_view::npos) {
        sink.put(host);
    } else {
        if (host.front() == '[' && host.back() == ']') {
            host.remove_prefix(1);
            host.remove_suffix(1);
        }
        sink.put("[");
        sink.put(host.substr(0, host.find('%')));
        sink.put("]");
    }
    if (port != (secure ? 443 : 80)) {
        sink.put(":");
        sink.put_number(port);
    }
    if (!sink.complete() || !http::is_host(detail::text_at(out.data(), sink.size()))) return {};
    return detail::text_at(out.data(), sink.size());
}

/// Writes the request that opens a connection (RFC 6455 section 4.1) [H15], with a key from `encode_key`. Errors: those
/// of `head_writer` [H14], `bad_request_target`, `bad_host`, `bad_key`, `bad_subprotocol`, `too_many_subprotocols`,
/// `bad_extensions`, and `reserved_field` if a field of the caller's belongs to the handshake. `more_extensions` is a
/// list that follows `asked.extensions`, if the caller has the whole in two parts.
[[nodiscard]] constexpr written write_request(bytes out, std::span<const char, 24> key, const opening& asked,
                                              std::string_view more_extensions = {}) noexcept {
    http::head_writer head(out);
    // The target is a path, and never has a fragment (RFC 6455 section 3) [H15]. An empty path is `/` (RFC 3986 section
    // 6.2.3).
    const bool has_path = !asked.target.empty() && asked.target.front() == '/';
    const bool has_query = !asked.target.empty() && asked.target.front() == '?';
    if (!http::is_target(asked.target)) head.fail(http::errc::bad_target);
    if (!(has_path || has_query) || asked.target.find('#') != std::string_view::npos) {
        head.fail(errc::bad_request_target);
    }
    head.known(has_query ? "GET /" : "GET ").known(asked.target).known(" HTTP/1.1\r\n");
    if (!http::is_host(asked.host)) head.fail(errc::bad_host);
    head.field("Host", asked.host);
    head.known("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n");
    if (!detail::is_base64_of_16_bytes({key.data(), key.size()})) head.fail(errc::bad_key);
    head.field("Sec-WebSocket-Key", std::string_view(key.data(), key.size()));
    if (!asked.origin.empty()) head.field("Origin", asked.origin);
    detail::put_subprotocols(head, asked.subprotocols);
    detail::put_extensions(head, asked.extensions, more_extensions);
    detail::put_fields(head, asked.fields, !asked.origin.empty());
    return head.finish();
}

} // namespace sockless::ws

namespace sockless::ws::detail {

/// Writes a 101 for a key that was judged.
[[nodiscard]] constexpr written write_switch(bytes out, std::string_view key, const ws::acceptance& accepted,
                                             std::string_view more_extensions) noexcept {
    http::head_writer head(out);
    std::array<char, 28> accept{};
    if (!out.empty()) accept = ws::accept_key(key);
    head.known("HTTP/1.1 101 Switching Protocols\r\n"
               "Upgrade: websocket\r\n"
               "Connection: Upgrade\r\n"
               "Sec-WebSocket-Accept: ");
    head.known({accept.data(), accept.size()}).known("\r\n");
    put_subprotocol(head, accepted.subprotocol);
    put_extensions(head, accepted.extensions, more_extensions);
    // A 101 has no body, so the fields that announce one are reserved too (RFC 9112 section 6) [H9].
    put_fields(head, accepted.fields, true);
    return head.finish();
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Writes the 101 that accepts a request with this key (RFC 6455 section 4.2.2, item 5) [H9]. Errors: those of
/// `head_writer` [H14], `bad_key`, `bad_subprotocol`, `bad_extensions`, `reserved_field`. `more_extensions` as with
/// `write_request`. An empty `out` only asks for the room that the head takes, which costs no hash.
[[nodiscard]] constexpr written write_acceptance(bytes out, std::string_view key, const acceptance& accepted,
                                                 std::string_view more_extensions = {}) noexcept {
    if (!accepted.any_key && !detail::is_base64_of_16_bytes(key)) return {0, errc::bad_key};
    return detail::write_switch(out, key, accepted, more_extensions);
}

} // namespace sockless::ws

namespace sockless::ws::detail {

/// Writes all of a refusal but the empty line and the body, which is `size` bytes long.
constexpr void put_refusal(http::head_writer& head, const ws::refusal& refused, std::uint64_t size) noexcept {
    if (refused.status < 200 || refused.status > 599) head.fail(http::errc::bad_status);
    head.status_line(refused.status, refused.reason);

    const auto given = [&](std::string_view name) { return http::count(refused.fields, name) != 0; };
    const bool upgrade = refused.status == 426 || given("upgrade");
    // Upgrade is for the next peer only, so Connection names it (RFC 9110 section 7.8).
    std::string_view connection = "close";
    if (upgrade) connection = "close, Upgrade";
    head.field("Connection", connection);
    if (refused.status == 405 && !given("allow")) head.field("Allow", "GET");
    if (refused.status == 426 && !given("upgrade")) head.field("Upgrade", "websocket");
    // A client with another version is told the one that is spoken (RFC 6455 section 4.4) [H7].
    if (refused.status == 426 && !given("sec-websocket-version")) head.field("Sec-WebSocket-Version", "13");

    for (const field& each : refused.fields) {
        const opening_field known = opening_field_of(each.name);
        const bool reserved = known == opening_field::connection || known == opening_field::content_length ||
                              known == opening_field::transfer_encoding ||
                              (!refused.content_type.empty() && http::equal_ignoring_case(each.name, "content-type"));
        if (reserved) head.fail(ws::errc::reserved_field);
        head.field(each.name, each.value);
    }

    if (!refused.content_type.empty()) head.field("Content-Type", refused.content_type);
    const bool has_body = refused.status != 204 && refused.status != 205 && refused.status != 304;
    if (!has_body && size != 0) head.fail(http::errc::body_not_allowed);
    // 204 has no length, and with 304 it would be the length of another response (RFC 9110 section 8.6).
    if (has_body || refused.status == 205) head.field("Content-Length", size);
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Writes a response that refuses a request, with its body (RFC 6455 section 4.2.2) [H12]. Adds Content-Length and
/// `Connection: close`, and the fields that a status must have if the caller did not give them: Allow with 405, Upgrade
/// and Sec-WebSocket-Version with 426. Errors: those of `head_writer` [H14], `reserved_field`, `http::errc::bad_status`
/// for a status that is not from 200 to 599, `http::errc::body_not_allowed` for a body with 204, 205 or 304.
[[nodiscard]] constexpr written write_refusal(bytes out, const refusal& refused) noexcept {
    http::head_writer head(out);
    detail::put_refusal(head, refused, refused.body.size());
    // An answer to HEAD has no content (RFC 9110 section 9.3.2) [H12].
    return head.finish(refused.to_head ? std::string_view{} : refused.body);
}

/// Writes the refusal that answers an error: its status, or 400 if it has none, and its sentence as a line of text,
/// unless it goes `to_head` (see `refusal`).
[[nodiscard]] constexpr written write_refusal(bytes out, sockless::error error, bool to_head = false) noexcept {
    const refusal refused{
        .status = error.status() != 0 ? error.status() : std::uint16_t{400},
        .content_type = "text/plain",
    };
    http::head_writer head(out);
    detail::put_refusal(head, refused, error.sentence().size() + 1);
    return to_head ? head.finish() : head.finish(error.sentence(), "\n");
}

} // namespace sockless::ws
