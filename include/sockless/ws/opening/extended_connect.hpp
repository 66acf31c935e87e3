// The opening handshake over HTTP/2 and HTTP/3, from the pseudo-fields and fields of a request (RFC 8441, RFC 9220).
// SPDX-License-Identifier: MIT
#pragma once

#include "check.hpp"

namespace sockless::ws::detail {

/// The pseudo-fields of a request or response (RFC 9113 section 8.3), collected and checked.
class pseudo_fields {
  public:
    enum name : std::uint8_t { method, protocol, scheme, path, authority, status };

    template <class Fields>
    constexpr explicit pseudo_fields(const Fields& fields) noexcept {
        bool fields_began = false;
        for (const field& each : fields) {
            const bool pseudo = !each.name.empty() && each.name.front() == ':';
            // Names and values are checked here too, as the stack below may not do it (RFC 9113 section 8.2.1).
            malformed = malformed || !http::is_field_value(each.value) || (!pseudo && !http::is_token(each.name));
            if (!pseudo) {
                fields_began = true;
            } else if (fields_began || !add(each)) {
                malformed = true;
            }
        }
    }

    [[nodiscard]] constexpr std::string_view operator[](name one) const noexcept { return values_[one]; }
    [[nodiscard]] constexpr bool has(name one) const noexcept { return values_[one].data() != nullptr; }

    bool malformed = false; ///< one is repeated, unknown, or late, or the text of a field is not allowed

  private:
    // The value of a pseudo-field that is there is never null, and so differs from one that is not there.
    constexpr bool add(const field& each) noexcept {
        constexpr std::string_view names[] = {":method", ":protocol", ":scheme", ":path", ":authority", ":status"};
        for (std::size_t i = 0; i != values_.size(); ++i) {
            if (!sockless::equal(each.name, names[i])) continue;
            if (values_[i].data() != nullptr) return false;
            values_[i] = each.value.data() == nullptr ? std::string_view("") : each.value;
            return true;
        }
        return false;
    }

    std::array<std::string_view, 6> values_{};
};

[[nodiscard]] constexpr ws::errc check_pseudo_fields(const pseudo_fields& pseudo, const opening_fields& all) noexcept {
    if (pseudo.malformed || pseudo.has(pseudo_fields::status)) return ws::errc::bad_pseudo_field;
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
    // There is neither Connection nor Upgrade (RFC 8441 section 5) [H22]. Sec-WebSocket-Key means nothing, and is not
    // looked at.
    if (all.has(opening_field::connection) || all.has(opening_field::upgrade) ||
        all.has(opening_field::transfer_encoding)) {
        return ws::errc::connection_field;
    }
    // A Host is the same as `:authority`, else the request is ambiguous (RFC 9113 section 8.3.1) [H22].
    if (all.count(opening_field::host) > 1) return ws::errc::bad_host;
    if (all.has(opening_field::host) && !http::equal_ignoring_case(all.first(opening_field::host), authority)) {
        return ws::errc::bad_host;
    }
    return ws::errc::none;
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Judges a request of HTTP/2 or HTTP/3 from its pseudo-fields and fields, in their order (RFC 8441 section 5) [H22].
/// `Fields` is any range of `field`. `error` has the status that answers it. To accept, answer 2xx with
/// Sec-WebSocket-Protocol and Sec-WebSocket-Extensions as they were agreed, and take the data of the stream for frames.
template <class Fields>
[[nodiscard]] constexpr opening_request check_extended_connect(const Fields& fields) noexcept {
    const detail::opening_fields all(fields);
    const detail::pseudo_fields pseudo(fields);
    opening_request request{
        .target = pseudo[detail::pseudo_fields::path],
        .host = pseudo[detail::pseudo_fields::authority],
        .origin = all.first(detail::opening_field::origin),
        .expects_continue = all.has(detail::opening_field::expect) && !all.expectation_unknown,
    };
    errc wrong = detail::check_pseudo_fields(pseudo, all);
    if (wrong == errc::none && all.expectation_unknown) wrong = errc::expectation_unknown;
    if (wrong == errc::none) wrong = detail::check_negotiation(fields, all);
    request.error = wrong;
    return request;
}

/// Judges a response of HTTP/2 or HTTP/3, like `check_response` (RFC 8441 section 5) [H22]: any 2xx accepts, and there
/// is no Sec-WebSocket-Accept, Upgrade or Connection. `Fields` is any range of `field`.
template <class Fields>
[[nodiscard]] constexpr opening_response check_connect_response(const Fields& fields,
                                                                std::string_view offered_subprotocols,
                                                                std::string_view offered_extensions) noexcept {
    const detail::opening_fields all(fields);
    const detail::pseudo_fields pseudo(fields);
    const std::string_view status = pseudo[detail::pseudo_fields::status];
    opening_response response{};
    if (pseudo.malformed || status.size() != 3 || !detail::read_decimal(status).valid) {
        response.error = errc::bad_pseudo_field;
    } else if (status.front() != '2') {
        response.error = errc::unexpected_status;
    } else if (all.has(detail::opening_field::connection) || all.has(detail::opening_field::upgrade)) {
        response.error = errc::connection_field;
    } else {
        detail::check_answer(response, fields, all, offered_subprotocols, offered_extensions);
    }
    return response;
}

} // namespace sockless::ws
