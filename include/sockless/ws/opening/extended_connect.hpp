// The opening handshake over HTTP/2 and HTTP/3, from the pseudo-fields and fields of a request (RFC 8441, RFC 9220).
// SPDX-License-Identifier: MIT
#pragma once

#include "check.hpp"

namespace sockless::ws::detail {

/// Whether a name may stand in HTTP/2 and HTTP/3: a token without upper-case letters (RFC 9113 section 8.2.1).
[[nodiscard]] constexpr bool is_lower_case_token(std::string_view name) noexcept {
    for (const char c : name) {
        if (http::detail::lower(c) != c) return false;
    }
    return http::is_token(name);
}

/// Whether a value may stand in HTTP/2 and HTTP/3: no white space before it and behind it (RFC 9113 section 8.2.1).
[[nodiscard]] constexpr bool is_bare_value(std::string_view value) noexcept {
    if (value.empty()) return true;
    return !http::detail::is_white(value.front()) && !http::detail::is_white(value.back()) &&
           http::is_field_value(value);
}

/// Whether a field is about one connection of HTTP/1.1, and means nothing to a stream of HTTP/2 or HTTP/3. TE may stand
/// in a request if its value is `trailers` (RFC 9113 section 8.2.2).
[[nodiscard]] constexpr bool is_connection_field(const field& each, http::message_kind kind) noexcept {
    constexpr std::string_view names[] = {"connection", "upgrade",          "transfer-encoding",
                                          "keep-alive", "proxy-connection", "http2-settings"};
    for (const std::string_view name : names) {
        if (sockless::equal(each.name, name)) return true;
    }
    if (!sockless::equal(each.name, "te")) return false;
    return kind == http::message_kind::response || !http::equal_ignoring_case(each.value, "trailers");
}

/// The pseudo-fields of a request or response (RFC 9113 section 8.3), collected. All fields are checked, as the stack
/// below may not do it.
class pseudo_fields {
  public:
    enum name : std::uint8_t { method, protocol, scheme, path, authority, status };

    template <class Fields>
    constexpr pseudo_fields(const Fields& fields, http::message_kind kind) noexcept {
        bool fields_began = false;
        for (const field& each : fields) {
            if (each.name.empty() || each.name.front() != ':') {
                fields_began = true;
                note(check_field(each, kind));
            } else if (fields_began || !add(each, kind)) {
                // A pseudo-field is one of this kind of message, there once, and before all fields (RFC 9113 section
                // 8.3) [H22].
                note(ws::errc::bad_pseudo_field);
            } else if (!is_bare_value(each.value)) {
                note(ws::errc::malformed_field);
            }
        }
    }

    [[nodiscard]] constexpr std::string_view operator[](name one) const noexcept { return values_[one]; }
    [[nodiscard]] constexpr bool has(name one) const noexcept { return values_[one].data() != nullptr; }

    ws::errc error = ws::errc::none; ///< the first that was found

  private:
    constexpr void note(ws::errc found) noexcept {
        if (error == ws::errc::none) error = found;
    }

    [[nodiscard]] static constexpr ws::errc check_field(const field& each, http::message_kind kind) noexcept {
        // A name is in lower case, and a value has no white space around it (RFC 9113 section 8.2.1) [H22].
        if (!is_lower_case_token(each.name) || !is_bare_value(each.value)) return ws::errc::malformed_field;
        // Fields of a connection make a message malformed (RFC 9113 section 8.2.2; RFC 8441 section 5) [H22].
        return is_connection_field(each, kind) ? ws::errc::connection_field : ws::errc::none;
    }

    // The value of a pseudo-field that is there is never null, and so differs from one that is not there.
    constexpr bool add(const field& each, http::message_kind kind) noexcept {
        constexpr std::string_view names[] = {":method", ":protocol", ":scheme", ":path", ":authority", ":status"};
        for (std::size_t i = 0; i != values_.size(); ++i) {
            if (!sockless::equal(each.name, names[i])) continue;
            const bool of_response = i == status;
            if (of_response != (kind == http::message_kind::response) || values_[i].data() != nullptr) return false;
            values_[i] = each.value.data() == nullptr ? std::string_view("") : each.value;
            return true;
        }
        return false;
    }

    std::array<std::string_view, 6> values_{};
};

[[nodiscard]] constexpr ws::errc check_pseudo_fields(const pseudo_fields& pseudo, const opening_fields& all) noexcept {
    if (pseudo.error != ws::errc::none) return pseudo.error;
    // The method is CONNECT and there is a `:protocol`; other requests ask for no WebSocket (RFC 8441 section 4) [H22].
    if (!sockless::equal(pseudo[pseudo_fields::method], "CONNECT") || !pseudo.has(pseudo_fields::protocol)) {
        return ws::errc::not_extended_connect;
    }
    // The protocol is `websocket` (RFC 8441 section 5); the answer to another one is 501 (RFC 9220 section 3) [H22].
    if (!http::equal_ignoring_case(pseudo[pseudo_fields::protocol], "websocket")) return ws::errc::protocol_unknown;
    // `:scheme` and `:path` are there, unlike in a plain CONNECT (RFC 8441 section 4) [H22], and are those of an http
    // or https URI without a fragment (section 5).
    const std::string_view path = pseudo[pseudo_fields::path];
    const std::string_view scheme = pseudo[pseudo_fields::scheme];
    if (!sockless::equal(scheme, "https") && !sockless::equal(scheme, "http")) return ws::errc::bad_pseudo_field;
    if (!http::is_target(path) || path.front() != '/') return ws::errc::bad_pseudo_field;
    for (const char c : path) {
        if (c == '#') return ws::errc::bad_pseudo_field;
    }
    const std::string_view authority = pseudo[pseudo_fields::authority];
    if (!http::is_host(authority)) return ws::errc::bad_pseudo_field;
    // What follows the request are frames, and no content whose size could be announced (RFC 9110 section 9.3.6) [H22].
    // Sec-WebSocket-Key means nothing, and is not looked at.
    if (all.has(opening_field::content_length)) return ws::errc::unexpected_body;
    // A Host is the same as `:authority`, else the request is ambiguous (RFC 9113 section 8.3.1) [H22].
    if (all.count(opening_field::host) > 1) return ws::errc::host_missing;
    if (all.has(opening_field::host) && !http::equal_ignoring_case(all.first(opening_field::host), authority)) {
        return ws::errc::bad_host;
    }
    return ws::errc::none;
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Judges a request of HTTP/2 or HTTP/3 from its pseudo-fields and fields, in their order (RFC 8441 section 5) [H22].
/// All that makes a request malformed is checked, so the stack below need not do it (RFC 9113 section 8). `Fields` is
/// any range of `field`. `error` has the status that answers it. To accept, answer 2xx with Sec-WebSocket-Protocol and
/// Sec-WebSocket-Extensions as they were agreed, and take the data of the stream for frames.
template <class Fields>
[[nodiscard]] constexpr opening_request check_extended_connect(const Fields& fields) noexcept {
    const detail::opening_fields all(fields);
    const detail::pseudo_fields pseudo(fields, http::message_kind::request);
    opening_request request{
        .target = pseudo[detail::pseudo_fields::path],
        .host = pseudo[detail::pseudo_fields::authority],
        .origin = all.first(detail::opening_field::origin),
        .expects_continue = all.has(detail::opening_field::expect) && !all.expectation_unknown,
    };
    request.error = detail::check_pseudo_fields(pseudo, all);
    if (request.error) return request;
    detail::opening_judge judge(on_fault::stop);
    const bool ends = all.expectation_unknown && judge.ends_with(errc::expectation_unknown);
    if (!ends && !detail::ends_with_version(all, judge)) detail::judge_offers(fields, all, judge);
    request.error = judge.error();
    return request;
}

/// Judges a response of HTTP/2 or HTTP/3, like `check_response` (RFC 8441 section 5) [H22]: any 2xx accepts, and there
/// is no Sec-WebSocket-Accept, Upgrade or Connection. `Fields` is any range of `field`.
template <class Fields>
[[nodiscard]] constexpr opening_response check_connect_response(const Fields& fields,
                                                                std::string_view offered_subprotocols,
                                                                std::string_view offered_extensions) noexcept {
    const detail::opening_fields all(fields);
    const detail::pseudo_fields pseudo(fields, http::message_kind::response);
    const std::string_view status = pseudo[detail::pseudo_fields::status];
    opening_response response{};
    if (pseudo.error != errc::none) {
        response.error = pseudo.error;
    } else if (status.size() != 3 || !detail::read_decimal(status).valid) {
        response.error = errc::bad_pseudo_field;
    } else if (status.front() != '2') {
        response.error = errc::unexpected_status;
    } else {
        detail::opening_judge judge(on_fault::stop);
        detail::judge_answer(response, fields, all, offered_subprotocols, offered_extensions, judge);
        response.error = judge.error();
    }
    return response;
}

} // namespace sockless::ws
