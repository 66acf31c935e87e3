// Judges the two heads of the opening handshake over HTTP/1.1 (RFC 6455 sections 4.1 and 4.2).
// SPDX-License-Identifier: MIT
#pragma once

#include "../../detail/sha1.hpp"
#include "../../http/head_parser.hpp"
#include "fields.hpp"

namespace sockless::ws::detail {

/// What Sec-WebSocket-Accept is the hash of (RFC 6455 section 4.2.2, item 5), with zeros where the key goes.
inline constexpr sha1_padded accepted_key(text_at("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                                  "258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
                                                  60),
                                          0);

} // namespace sockless::ws::detail

namespace sockless::ws {

/// What Sec-WebSocket-Accept has to be for this Sec-WebSocket-Key, which has 24 characters; of a longer one only so
/// many count, and a shorter one has zeros behind it. RFC 6455 section 4.2.2, item 5.
[[nodiscard]] constexpr std::array<char, 28> accept_key(std::string_view key) noexcept {
    // Copied byte by byte on purpose: a copy of the constant as such is made of zeros first, which is slower.
    std::array<char, 2 * detail::sha1_block_size> blocks;
    detail::copy(blocks.data(), detail::accepted_key.text.data(), blocks.size());
    if (key.size() >= 24) {
        detail::copy(blocks.data(), key.data(), 24); // no call, as the size is known
    } else {
        detail::copy(blocks.data(), key.data(), key.size());
    }
    detail::sha1_state state = detail::sha1_begin;
    detail::sha1_add(state, blocks.data(), 2);
    const std::array<std::byte, 20> hash = detail::sha1_digest(state);
    return detail::encode_base64(std::span<const std::byte, 20>(hash));
}

/// A Sec-WebSocket-Key from 16 bytes, which should be fresh and unpredictable. RFC 6455 section 4.1, item 7.
[[nodiscard]] constexpr std::array<char, 24> encode_key(std::span<const std::byte, 16> nonce) noexcept {
    return detail::encode_base64(nonce);
}

/// What a client asks for. Views of the head; they are there also where `error` is set, as far as they were found.
struct opening_request {
    sockless::error error{};       ///< what is wrong, with the status that answers it; where none, it may be accepted
    std::string_view target{};     ///< path and query; of a target in absolute-form what stands behind the authority
    std::string_view host{};       ///< with the port, if it has one
    std::string_view origin{};     ///< empty where there is none: no browser then
    std::string_view key{};        ///< empty over HTTP/2 and HTTP/3
    bool expects_continue = false; ///< H21: the client waits for `100 Continue` before it goes on
};

} // namespace sockless::ws

namespace sockless::ws::detail {

/// H1: origin-form, or the absolute-form of an http URI, whose authority then counts instead of Host (RFC 9112 3.2.2).
/// RFC 6455 section 3: no fragment. Says whether `request.target` was one, and leaves the path and query in it.
[[nodiscard]] constexpr bool split_target(ws::opening_request& request) noexcept {
    std::string_view& target = request.target;
    const char* const end = target.data() + target.size();
    if (find('#', target.data(), end) != end) return false;
    if (target.front() == '/') return true;
    std::size_t scheme = 0;
    for (const std::string_view each : {std::string_view("http://"), std::string_view("https://")}) {
        if (target.size() > each.size() && http::equal_ignoring_case({target.data(), each.size()}, each))
            scheme = each.size();
    }
    if (scheme == 0) return false;
    target.remove_prefix(scheme);
    std::size_t size = 0;
    while (size != target.size() && target[size] != '/' && target[size] != '?') ++size;
    request.host = {target.data(), size};
    target.remove_prefix(size);
    if (target.empty()) target = "/";
    return true;
}

[[nodiscard]] constexpr ws::errc check_upgrade(const http::head& head, const opening_fields& all) noexcept {
    // H8: the bytes behind the head are frames, so there can be no body that others would take them for.
    if (all.body) return ws::errc::unexpected_body;
    // H5: without `websocket` it is a request for something else, which 426 tells the way (RFC 9110 15.5.22).
    if (!all.upgrade_to_websocket) return ws::errc::upgrade_missing;
    if (!all.connection_upgrade) return ws::errc::connection_upgrade_missing;
    // H7 before H6: other versions may have other keys, and 426 tells them the one that is spoken.
    const ws::errc negotiation = check_negotiation(head.fields, all);
    if (negotiation == ws::errc::version_missing || negotiation == ws::errc::version_unsupported) return negotiation;
    // H6: one key, of 16 bytes.
    if (all.count(opening_field::key) != 1 || !is_base64_of_16_bytes(all.first(opening_field::key)))
        return ws::errc::bad_key;
    // H21: an expectation must not be ignored; the only one that can be met is 100-continue.
    if (all.expectation_unknown) return ws::errc::expectation_unknown;
    return negotiation;
}

[[nodiscard]] constexpr ws::errc check_opening(ws::opening_request& request, const http::head& head,
                                               const opening_fields& all) noexcept {
    // H1: only GET opens a WebSocket.
    if (!sockless::equal(head.method, "GET")) return ws::errc::method_not_get;
    // H1: Upgrade in HTTP/1.0 must be ignored (RFC 9110 7.8), which leaves a request that asks for no upgrade, and for
    // that the answer is 426; 505 is for other major versions.
    if (head.minor_version == 0) return ws::errc::http_version_too_old;
    if (!split_target(request)) return ws::errc::bad_request_target;
    // H4: exactly one Host, also beside an authority in the target.
    const std::string_view host = all.first(opening_field::host);
    if (all.count(opening_field::host) != 1 || !http::is_host(host)) return ws::errc::bad_host;
    const bool absolute = request.host.data() != host.data();
    if (absolute && !http::is_host(request.host)) return ws::errc::bad_host;
    return check_upgrade(head, all);
}

/// Whether `value` is one of the names in a comma list, with regard to case.
[[nodiscard]] constexpr bool list_has_exactly(std::string_view list, std::string_view value) noexcept {
    for (const std::string_view each : http::list_elements(list)) {
        if (sockless::equal(each, value)) return true;
    }
    return false;
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Whether a request asks for an upgrade to WebSocket at all, well or badly: else it is plain HTTP. H1, H5.
[[nodiscard]] constexpr bool is_upgrade(const http::head& head) noexcept {
    return head.minor_version != 0 && http::has_token(head.fields, "upgrade", "websocket");
}

/// Judges the head of a request: H1, H4 to H8, H10, H11, H21.
[[nodiscard]] constexpr opening_request check_request(const http::head& head) noexcept {
    const detail::opening_fields all(head.fields);
    opening_request request{
        .target = head.target,
        .host = all.first(detail::opening_field::host),
        .origin = all.first(detail::opening_field::origin),
        .key = all.first(detail::opening_field::key),
        .expects_continue = all.has(detail::opening_field::expect) && !all.expectation_unknown,
    };
    request.error = detail::check_opening(request, head, all);
    return request;
}

/// H10: whether a request's fields offer this subprotocol, compared with regard to case.
template <class Fields>
[[nodiscard]] constexpr bool offers_subprotocol(const Fields& offered, std::string_view name) noexcept {
    for (const field& each : offered) {
        if (http::equal_ignoring_case(each.name, "sec-websocket-protocol") &&
            detail::list_has_exactly(each.value, name)) {
            return true;
        }
    }
    return false;
}

/// H10: the first of `supported`, which is in the server's order of preference, that a request's fields offer; empty
/// where they offer none of them.
template <class Fields>
[[nodiscard]] constexpr std::string_view choose_subprotocol(std::span<const std::string_view> supported,
                                                            const Fields& offered) noexcept {
    for (const std::string_view each : supported) {
        if (offers_subprotocol(offered, each)) return each;
    }
    return {};
}

/// What a server answered. Views of its fields.
struct opening_response {
    sockless::error error{};          ///< what is wrong; where none, the connection is open
    std::string_view subprotocol{};   ///< the one that was chosen; empty where none was
    std::string_view extensions{};    ///< the first line of what was agreed to; see `for_each_extension` for all lines
    bool subprotocol_missing = false; ///< H17: some were offered and none was chosen; the caller decides
};

} // namespace sockless::ws

namespace sockless::ws::detail {

/// H17, on any list of fields: only what was offered may come back.
template <class Fields>
constexpr void check_answer(ws::opening_response& response, const Fields& fields, const opening_fields& all,
                            std::string_view offered_subprotocols, std::string_view offered_extensions) noexcept {
    response.extensions = all.first(opening_field::extensions);
    response.subprotocol = all.first(opening_field::subprotocol);
    const http::list_elements offered(offered_subprotocols);
    response.subprotocol_missing = response.subprotocol.empty() && offered.begin() != offered.end();
    if (all.has(opening_field::subprotocol)) {
        if (all.count(opening_field::subprotocol) != 1 || !http::is_token(response.subprotocol)) {
            response.error = ws::errc::bad_subprotocol;
        } else if (!list_has_exactly(offered_subprotocols, response.subprotocol)) {
            response.error = ws::errc::subprotocol_not_offered;
        }
    }
    if (response.error) return;
    if (all.bad_extensions) {
        response.error = ws::errc::bad_extensions;
        return;
    }
    ws::for_each_extension(fields, [&](const ws::extension& agreed) {
        if (ws::has_extension(offered_extensions, agreed.name)) return true;
        response.error = ws::errc::extension_not_offered;
        return false;
    });
}

[[nodiscard]] constexpr ws::errc check_switch(const http::head& head, const opening_fields& all,
                                              std::string_view key) noexcept {
    if (head.status != 101) return ws::errc::unexpected_status;
    if (head.minor_version == 0) return ws::errc::http_version_too_old;
    // H16: Upgrade is `websocket` and nothing else: the server must not switch to more than one protocol.
    if (all.count(opening_field::upgrade) != 1 ||
        !http::equal_ignoring_case(all.first(opening_field::upgrade), "websocket")) {
        return ws::errc::upgrade_missing;
    }
    // H16: Connection holds the token `upgrade`.
    if (!all.connection_upgrade) return ws::errc::connection_upgrade_missing;
    // H16: one Sec-WebSocket-Accept, that of the key: so the answer comes from one who read this very request.
    if (all.count(opening_field::accept) != 1) return ws::errc::accept_missing;
    const std::array<char, 28> right = ws::accept_key(key);
    const bool same = sockless::equal(all.first(opening_field::accept), {right.data(), right.size()});
    return same ? ws::errc::none : ws::errc::accept_wrong;
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Judges the head of a response to a request with this key: H16, H17. What was offered is given as the value of the
/// field that `write_request` wrote, empty where it wrote none. A status other than 101 is `unexpected_status`.
[[nodiscard]] constexpr opening_response check_response(const http::head& head, std::string_view key,
                                                        std::string_view offered_subprotocols,
                                                        std::string_view offered_extensions) noexcept {
    const detail::opening_fields all(head.fields);
    opening_response response{.error = detail::check_switch(head, all, key)};
    if (!response.error) detail::check_answer(response, head.fields, all, offered_subprotocols, offered_extensions);
    return response;
}

} // namespace sockless::ws
