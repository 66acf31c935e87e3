// Judges the two heads of the opening handshake over HTTP/1.1 (RFC 6455 sections 4.1 and 4.2).
// SPDX-License-Identifier: MIT
#pragma once

#include "../../http/head_parser.hpp"
#include "../../http/host.hpp"
#include "accept_key.hpp"
#include "faults.hpp"
#include "subprotocols.hpp"

namespace sockless::ws {

/// A client's request. Its texts are views of the head, as far as they were found; also if `error` is set.
struct opening_request {
    sockless::error error{};       ///< what is wrong, with the status that answers it; if none, it may be accepted
    opening_faults faults{};       ///< with `on_fault::note`: all that is wrong, if all of it is acceptable
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

// The functions that follow judge the parts of a request in the order of their rules. They return early if the
// judgement ends.

[[nodiscard]] constexpr bool ends_with_version(const opening_fields& all, opening_judge& judge) noexcept {
    // There is one version, and it is 13 (RFC 6455 section 4.2.1, item 6) [H7].
    if (all.count(opening_field::version) != 1) return judge.ends_with(ws::errc::version_missing);
    if (sockless::equal(all.first(opening_field::version), "13")) return false;
    return judge.ends_with(ws::errc::version_unsupported);
}

[[nodiscard]] constexpr bool ends_with_extensions(const opening_fields& all, opening_judge& judge) noexcept {
    // The extensions keep to their grammar, and a field has at least one (RFC 6455 section 9.1) [H11].
    if (all.bad_extensions) return judge.ends_with(ws::errc::bad_extensions);
    return all.empty_extensions && judge.ends_with(ws::errc::empty_extensions);
}

template <class Fields>
constexpr void judge_offers(const Fields& fields, const opening_fields& all, opening_judge& judge) noexcept {
    // An expectation is not ignored, and only 100-continue can be met (RFC 9110 section 10.1.1) [H21].
    if (all.expectation_unknown && judge.ends_with(ws::errc::expectation_unknown)) return;
    // One Origin at most: the one that is checked has to be the one that counts (RFC 6454 section 7.3).
    if (all.count(opening_field::origin) > 1 && judge.ends_with(ws::errc::repeated_origin)) return;
    if (ends_with_extensions(all, judge) || !all.has(opening_field::subprotocol)) return;
    const ws::errc wrong = check_subprotocols(fields, all);
    if (wrong != ws::errc::none) static_cast<void>(judge.ends_with(wrong));
}

constexpr void judge_upgrade(const http::head& head, const opening_fields& all, opening_judge& judge) noexcept {
    // The bytes behind the head are frames, so nothing may announce a body (RFC 9112 section 6) [H8].
    if (all.body && judge.ends_with(ws::errc::unexpected_body)) return;
    // Upgrade has `websocket` (RFC 6455 section 4.2.1, item 3) [H5]. Else the request is for something else, and 426
    // tells what is needed (RFC 9110 section 15.5.22).
    if (!all.upgrade_to_websocket && judge.ends_with(ws::errc::upgrade_missing)) return;
    // Connection has `upgrade` (RFC 6455 section 4.2.1, item 4) [H5].
    if (!all.connection_upgrade && judge.ends_with(ws::errc::connection_upgrade_missing)) return;
    // The version is judged before the key: another version may have other keys, and its client needs to know the one
    // that is spoken (RFC 6455 section 4.4) [H7].
    if (ends_with_version(all, judge)) return;
    // There is one key, of 16 bytes (RFC 6455 section 4.2.1, item 5) [H6].
    if (all.count(opening_field::key) != 1 && judge.ends_with(ws::errc::key_missing)) return;
    if (!is_base64_of_16_bytes(all.first(opening_field::key)) && judge.ends_with(ws::errc::bad_key)) return;
    judge_offers(head.fields, all, judge);
}

constexpr void judge_opening(ws::opening_request& request, const http::head& head, const opening_fields& all,
                             opening_judge& judge) noexcept {
    // Lines end in CR LF (RFC 9112 section 2.2) [H2].
    if (head.bare_lf && judge.ends_with(http::errc::bare_lf)) return;
    // Only GET opens a WebSocket (RFC 6455 section 4.2.1, item 1) [H1].
    if (!sockless::equal(head.method, "GET") && judge.ends_with(ws::errc::method_not_get)) return;
    // Upgrade in HTTP/1.0 is ignored (RFC 9110 section 7.8) [H1]. So the request asks for no upgrade, and the answer is
    // 426; 505 is for other major versions.
    if (head.minor_version == 0 && judge.ends_with(ws::errc::http_version_too_old)) return;
    if (!split_target(request) && judge.ends_with(ws::errc::bad_request_target)) return;
    // There is exactly one Host, also beside an authority in the target (RFC 9112 section 3.2) [H4].
    if (all.count(opening_field::host) != 1 && judge.ends_with(ws::errc::host_missing)) return;
    const std::string_view host = all.first(opening_field::host);
    const bool absolute = request.host.data() != host.data();
    const bool right = http::is_host(host) && (!absolute || http::is_host(request.host));
    if (!right && judge.ends_with(ws::errc::bad_host)) return;
    judge_upgrade(head, all, judge);
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Whether a request asks for an upgrade to WebSocket, rightly or wrongly; else it is plain HTTP (RFC 6455 section
/// 4.2.1, item 3) [H1] [H5].
[[nodiscard]] constexpr bool is_upgrade(const http::head& head) noexcept {
    return head.minor_version != 0 && http::has_token(head.fields, "upgrade", "websocket");
}

/// Judges the head of a request (RFC 6455 section 4.2.1) [H1] [H4] [H5] [H6] [H7] [H8] [H10] [H11] [H21].
[[nodiscard]] constexpr opening_request check_request(const http::head& head,
                                                      on_fault reaction = on_fault::stop) noexcept {
    const detail::opening_fields all(head.fields);
    opening_request request{
        .target = head.target,
        .host = all.first(detail::opening_field::host),
        .origin = all.first(detail::opening_field::origin),
        .key = all.first(detail::opening_field::key),
        .expects_continue = all.has(detail::opening_field::expect) && !all.expectation_unknown,
    };
    detail::opening_judge judge(reaction);
    detail::judge_opening(request, head, all, judge);
    request.error = judge.error();
    request.faults = judge.faults();
    return request;
}

/// A server's answer. Its texts are views of the fields.
struct opening_response {
    sockless::error error{};          ///< what is wrong; if none, the connection is open
    opening_faults faults{};          ///< with `on_fault::note`: all that is wrong, if all of it is acceptable
    std::string_view subprotocol{};   ///< the one that was chosen; empty if none was
    std::string_view extensions{};    ///< the first line of those agreed to; `for_each_extension` has all lines
    bool subprotocol_missing = false; ///< some were offered and none was chosen: the caller decides [H17]
};

} // namespace sockless::ws

namespace sockless::ws::detail {

/// Judges the subprotocol and the extensions that were agreed to, in any list of fields.
template <class Fields>
constexpr void judge_answer(ws::opening_response& response, const Fields& fields, const opening_fields& all,
                            std::string_view offered_subprotocols, std::string_view offered_extensions,
                            opening_judge& judge) noexcept {
    response.extensions = all.first(opening_field::extensions);
    const ws::errc wrong = check_subprotocol(all, offered_subprotocols);
    // A subprotocol that is no token, or that is answered twice, counts as none.
    if (wrong != ws::errc::bad_subprotocol) response.subprotocol = all.first(opening_field::subprotocol);
    const http::list_elements offered(offered_subprotocols);
    response.subprotocol_missing = response.subprotocol.empty() && offered.begin() != offered.end();
    if (wrong != ws::errc::none && judge.ends_with(wrong)) return;
    if (ends_with_extensions(all, judge)) return;
    // A server agrees only to extensions that were offered (RFC 6455 section 4.1, item 5 of the response) [H17].
    ws::for_each_extension(fields, [&](const ws::extension& agreed) {
        if (ws::has_extension(offered_extensions, agreed.name)) return true;
        return !judge.ends_with(ws::errc::extension_not_offered);
    });
}

/// Judges the rest of a 101. Returns whether the judgement ends.
[[nodiscard]] constexpr bool ends_with_switch(const http::head& head, const opening_fields& all, std::string_view key,
                                              opening_judge& judge) noexcept {
    if (head.status != 101) return judge.ends_with(ws::errc::unexpected_status);
    // Lines end in CR LF (RFC 9112 section 2.2) [H2].
    if (head.bare_lf && judge.ends_with(http::errc::bare_lf)) return true;
    // The server switches to `websocket` and nothing else, and says so once (RFC 6455 section 4.1, item 2 of the
    // response) [H16]. The version of HTTP in its answer means nothing: the client's is 1.1.
    const auto is_another = [](std::string_view value) { return !http::equal_ignoring_case(value, "websocket"); };
    const bool once = all.count(opening_field::upgrade) == 1;
    if (is_another(all.first(opening_field::upgrade)) ||
        (!once && http::detail::visit_values(head.fields, "upgrade", is_another))) {
        return judge.ends_with(ws::errc::upgrade_not_confirmed);
    }
    if (!once && judge.ends_with(ws::errc::upgrade_repeated)) return true;
    // Connection has `upgrade` (RFC 6455 section 4.1, item 3 of the response) [H16].
    if (!all.connection_upgrade && judge.ends_with(ws::errc::connection_not_confirmed)) return true;
    // There is one Sec-WebSocket-Accept, that of the key: so the answer comes from a server that has read this very
    // request (RFC 6455 section 4.1, item 4 of the response) [H16].
    if (all.count(opening_field::accept) != 1) return judge.ends_with(ws::errc::accept_missing);
    const std::array<char, 28> right = ws::accept_key(key);
    const bool same = sockless::equal(all.first(opening_field::accept), {right.data(), right.size()});
    return !same && judge.ends_with(ws::errc::accept_wrong);
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Judges the head of the response to a request with this key (RFC 6455 section 4.1) [H16] [H17]. The offers are given
/// as the values of the fields that `write_request` wrote, empty if it wrote none. A status other than 101 is
/// `unexpected_status`.
[[nodiscard]] constexpr opening_response check_response(const http::head& head, std::string_view key,
                                                        std::string_view offered_subprotocols,
                                                        std::string_view offered_extensions,
                                                        on_fault reaction = on_fault::stop) noexcept {
    const detail::opening_fields all(head.fields);
    detail::opening_judge judge(reaction);
    opening_response response{};
    if (!detail::ends_with_switch(head, all, key, judge)) {
        detail::judge_answer(response, head.fields, all, offered_subprotocols, offered_extensions, judge);
    }
    response.error = judge.error();
    response.faults = judge.faults();
    return response;
}

} // namespace sockless::ws
