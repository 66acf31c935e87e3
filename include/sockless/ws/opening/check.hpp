// Judges the two heads of the opening handshake over HTTP/1.1 (RFC 6455 sections 4.1 and 4.2).
// SPDX-License-Identifier: MIT
#pragma once

#include "../../http/head_parser.hpp"
#include "../../http/host.hpp"
#include "accept_key.hpp"
#include "subprotocols.hpp"

namespace sockless::ws {

/// A client's request. Its texts are views of the head, as far as they were found; also if `error` is set.
struct opening_request {
    sockless::error error{};       ///< what is wrong, with the status that answers it; if none, it may be accepted
    std::string_view target{};     ///< path and query; of a target in absolute-form the part behind the authority
    std::string_view host{};       ///< with the port, if it has one
    std::string_view origin{};     ///< empty if there is none: then the client is no browser
    std::string_view key{};        ///< empty over HTTP/2 and HTTP/3
    bool expects_continue = false; ///< the client waits for `100 Continue` before it goes on [H21]
};

} // namespace sockless::ws

namespace sockless::ws::detail {

/// Leaves the path and query in `request.target`, and the authority, if the target has one, in `request.host`. Returns
/// whether the target may stand in a request.
[[nodiscard]] constexpr bool split_target(ws::opening_request& request) noexcept {
    std::string_view& target = request.target;
    const char* const end = target.data() + target.size();
    // A target has no fragment (RFC 6455 section 3) [H1].
    if (find('#', target.data(), end) != end) return false;
    // A target is a path, or a URI with an authority that counts instead of Host (RFC 9112 sections 3.2.1 and 3.2.2)
    // [H1]. Its scheme is that of WebSocket, or that of HTTP, whose request this is (RFC 6455 section 3).
    if (target.front() == '/') return true;
    constexpr std::string_view schemes[] = {"ws://", "wss://", "http://", "https://"};
    std::size_t scheme = 0;
    for (const std::string_view each : schemes) {
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

/// Judges the parts that an upgrade request and an extended CONNECT have in common.
template <class Fields>
[[nodiscard]] constexpr ws::errc check_negotiation(const Fields& fields, const opening_fields& all) noexcept {
    // There is one version, and it is 13 (RFC 6455 section 4.2.1, item 6) [H7].
    if (all.count(opening_field::version) != 1) return ws::errc::version_missing;
    if (!sockless::equal(all.first(opening_field::version), "13")) return ws::errc::version_unsupported;
    // One Origin at most: the one that is checked has to be the one that counts (RFC 6454 section 7.3).
    if (all.count(opening_field::origin) > 1) return ws::errc::repeated_origin;
    // The extensions keep to their grammar (RFC 6455 section 9.1) [H11].
    if (all.bad_extensions) return ws::errc::bad_extensions;
    if (all.has(opening_field::subprotocol)) return check_subprotocols(fields, all);
    return ws::errc::none;
}

[[nodiscard]] constexpr ws::errc check_upgrade(const http::head& head, const opening_fields& all) noexcept {
    // The bytes behind the head are frames, so nothing may announce a body (RFC 9112 section 6) [H8].
    if (all.body) return ws::errc::unexpected_body;
    // Upgrade has `websocket` (RFC 6455 section 4.2.1, item 3) [H5]. Else the request is for something else, and 426
    // tells what is needed (RFC 9110 section 15.5.22).
    if (!all.upgrade_to_websocket) return ws::errc::upgrade_missing;
    // Connection has `upgrade` (RFC 6455 section 4.2.1, item 4) [H5].
    if (!all.connection_upgrade) return ws::errc::connection_upgrade_missing;
    // The version is judged before the key: another version may have other keys, and its client needs to know the one
    // that is spoken (RFC 6455 section 4.4) [H7].
    const ws::errc negotiation = check_negotiation(head.fields, all);
    if (negotiation == ws::errc::version_missing || negotiation == ws::errc::version_unsupported) return negotiation;
    // There is one key, of 16 bytes (RFC 6455 section 4.2.1, item 5) [H6].
    if (all.count(opening_field::key) != 1 || !is_base64_of_16_bytes(all.first(opening_field::key)))
        return ws::errc::bad_key;
    // An expectation is not ignored, and only 100-continue can be met (RFC 9110 section 10.1.1) [H21].
    if (all.expectation_unknown) return ws::errc::expectation_unknown;
    return negotiation;
}

[[nodiscard]] constexpr ws::errc check_opening(ws::opening_request& request, const http::head& head,
                                               const opening_fields& all) noexcept {
    // Only GET opens a WebSocket (RFC 6455 section 4.2.1, item 1) [H1].
    if (!sockless::equal(head.method, "GET")) return ws::errc::method_not_get;
    // Upgrade in HTTP/1.0 is ignored (RFC 9110 section 7.8) [H1]. So the request asks for no upgrade, and the answer is
    // 426; 505 is for other major versions.
    if (head.minor_version == 0) return ws::errc::http_version_too_old;
    if (!split_target(request)) return ws::errc::bad_request_target;
    // There is exactly one Host, also beside an authority in the target (RFC 9112 section 3.2) [H4].
    const std::string_view host = all.first(opening_field::host);
    if (all.count(opening_field::host) != 1 || !http::is_host(host)) return ws::errc::bad_host;
    const bool absolute = request.host.data() != host.data();
    if (absolute && !http::is_host(request.host)) return ws::errc::bad_host;
    return check_upgrade(head, all);
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Whether a request asks for an upgrade to WebSocket, rightly or wrongly; else it is plain HTTP (RFC 6455 section
/// 4.2.1, item 3) [H1] [H5].
[[nodiscard]] constexpr bool is_upgrade(const http::head& head) noexcept {
    return head.minor_version != 0 && http::has_token(head.fields, "upgrade", "websocket");
}

/// Judges the head of a request (RFC 6455 section 4.2.1) [H1] [H4] [H5] [H6] [H7] [H8] [H10] [H11] [H21].
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

/// A server's answer. Its texts are views of the fields.
struct opening_response {
    sockless::error error{};          ///< what is wrong; if none, the connection is open
    std::string_view subprotocol{};   ///< the one that was chosen; empty if none was
    std::string_view extensions{};    ///< the first line of those agreed to; `for_each_extension` has all lines
    bool subprotocol_missing = false; ///< some were offered and none was chosen: the caller decides [H17]
};

} // namespace sockless::ws

namespace sockless::ws::detail {

/// Judges the subprotocol and the extensions that were agreed to, in any list of fields.
template <class Fields>
constexpr void check_answer(ws::opening_response& response, const Fields& fields, const opening_fields& all,
                            std::string_view offered_subprotocols, std::string_view offered_extensions) noexcept {
    response.extensions = all.first(opening_field::extensions);
    response.subprotocol = all.first(opening_field::subprotocol);
    const http::list_elements offered(offered_subprotocols);
    response.subprotocol_missing = response.subprotocol.empty() && offered.begin() != offered.end();
    response.error = check_subprotocol(all, offered_subprotocols);
    if (response.error) return;
    // A server agrees only to extensions that were offered (RFC 6455 section 4.1, item 5 of the response) [H17].
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
    // The server switches to `websocket` and nothing else, and says so once (RFC 6455 section 4.1, item 2 of the
    // response) [H16]. The version of HTTP in its answer means nothing: the client's is 1.1.
    const auto is_another = [](std::string_view value) { return !http::equal_ignoring_case(value, "websocket"); };
    if (is_another(all.first(opening_field::upgrade))) return ws::errc::upgrade_not_confirmed;
    if (all.count(opening_field::upgrade) != 1) {
        const bool another = http::detail::visit_values(head.fields, "upgrade", is_another);
        return another ? ws::errc::upgrade_not_confirmed : ws::errc::upgrade_repeated;
    }
    // Connection has `upgrade` (RFC 6455 section 4.1, item 3 of the response) [H16].
    if (!all.connection_upgrade) return ws::errc::connection_not_confirmed;
    // There is one Sec-WebSocket-Accept, that of the key: so the answer comes from a server that has read this very
    // request (RFC 6455 section 4.1, item 4 of the response) [H16].
    if (all.count(opening_field::accept) != 1) return ws::errc::accept_missing;
    const std::array<char, 28> right = ws::accept_key(key);
    const bool same = sockless::equal(all.first(opening_field::accept), {right.data(), right.size()});
    return same ? ws::errc::none : ws::errc::accept_wrong;
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Judges the head of the response to a request with this key (RFC 6455 section 4.1) [H16] [H17]. The offers are given
/// as the values of the fields that `write_request` wrote, empty if it wrote none. A status other than 101 is
/// `unexpected_status`.
[[nodiscard]] constexpr opening_response check_response(const http::head& head, std::string_view key,
                                                        std::string_view offered_subprotocols,
                                                        std::string_view offered_extensions) noexcept {
    const detail::opening_fields all(head.fields);
    opening_response response{.error = detail::check_switch(head, all, key)};
    if (!response.error) detail::check_answer(response, head.fields, all, offered_subprotocols, offered_extensions);
    return response;
}

} // namespace sockless::ws
