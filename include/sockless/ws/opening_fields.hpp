// The fields that the opening handshake is made of, collected in one pass over any list of fields.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include "../detail/base64.hpp"
#include "errc.hpp"
#include "extensions.hpp"

namespace sockless::detail {

/// The fields that mean something to the handshake; all else is `other`.
enum class opening_field : std::uint8_t {
    host,
    origin,
    expect,
    upgrade,
    connection,
    content_length,
    transfer_encoding,
    key,
    accept,
    version,
    subprotocol,
    extensions,
    other,
};

/// Which one has this name, whatever its case. Their lengths tell nearly all of them apart.
[[nodiscard]] constexpr opening_field opening_field_of(std::string_view name) noexcept {
    const auto either = [name](std::string_view wanted, opening_field then, opening_field otherwise) {
        return http::equal_ignoring_case(name, wanted) ? then : otherwise;
    };
    constexpr auto other = opening_field::other;
    switch (name.size()) {
    case 4: return either("Host", opening_field::host, other);
    case 6: return either("Origin", opening_field::origin, either("Expect", opening_field::expect, other));
    case 7: return either("Upgrade", opening_field::upgrade, other);
    case 10: return either("Connection", opening_field::connection, other);
    case 14: return either("Content-Length", opening_field::content_length, other);
    case 17:
        return either("Sec-WebSocket-Key", opening_field::key,
                      either("Transfer-Encoding", opening_field::transfer_encoding, other));
    case 20: return either("Sec-WebSocket-Accept", opening_field::accept, other);
    case 21: return either("Sec-WebSocket-Version", opening_field::version, other);
    case 22: return either("Sec-WebSocket-Protocol", opening_field::subprotocol, other);
    case 24: return either("Sec-WebSocket-Extensions", opening_field::extensions, other);
    default: return other;
    }
}

/// What a head, or a list of fields, says about the handshake.
class opening_fields {
  public:
    template <class Fields>
    constexpr explicit opening_fields(const Fields& fields) noexcept {
        for (const field& each : fields) add(each);
    }

    /// The first value of a field, and how many of it there are.
    [[nodiscard]] constexpr std::string_view first(opening_field which) const noexcept { return first_[index(which)]; }
    [[nodiscard]] constexpr std::uint32_t count(opening_field which) const noexcept { return count_[index(which)]; }
    [[nodiscard]] constexpr bool has(opening_field which) const noexcept { return count(which) != 0; }

    bool upgrade_to_websocket = false; ///< H5: Upgrade holds the token `websocket`
    bool connection_upgrade = false;   ///< H5: Connection holds the token `upgrade`
    bool body = false;                 ///< H8: a Content-Length other than 0, or a Transfer-Encoding
    bool expectation_unknown = false;  ///< H21: an Expect other than `100-continue`
    bool bad_extensions = false;       ///< H11: a Sec-WebSocket-Extensions that is malformed

  private:
    [[nodiscard]] static constexpr std::size_t index(opening_field which) noexcept {
        return static_cast<std::size_t>(which);
    }

    constexpr void add(const field& each) noexcept {
        const opening_field which = opening_field_of(each.name);
        if (which == opening_field::other) return;
        if (count_[index(which)]++ == 0) first_[index(which)] = each.value;
        switch (which) {
        case opening_field::upgrade:
            upgrade_to_websocket = upgrade_to_websocket || http::list_has(each.value, "websocket");
            break;
        case opening_field::connection:
            connection_upgrade = connection_upgrade || http::list_has(each.value, "upgrade");
            break;
        case opening_field::content_length: {
            const decimal length = read_decimal(each.value);
            body = body || !length.valid || length.value != 0;
            break;
        }
        case opening_field::transfer_encoding: body = true; break;
        case opening_field::expect:
            expectation_unknown = expectation_unknown || !http::equal_ignoring_case(each.value, "100-continue");
            break;
        case opening_field::extensions: bad_extensions = bad_extensions || !ws::is_extension_list(each.value); break;
        default: break;
        }
    }

    std::array<std::string_view, 12> first_{};
    std::array<std::uint32_t, 12> count_{};
};

/// The most subprotocols that may be offered: each is compared with each.
inline constexpr std::size_t max_subprotocols = 64;

/// H10: what is offered are unique tokens, at least one where the field is there at all.
class subprotocol_offer {
  public:
    constexpr void add(std::string_view list) noexcept {
        for (const std::string_view name : http::list_elements(list)) {
            if (!http::is_token(name)) error_ = ws::errc::bad_subprotocol;
            for (std::size_t i = 0; i != size_; ++i) {
                if (sockless::equal({seen_[i].data, seen_[i].size}, name)) error_ = ws::errc::bad_subprotocol;
            }
            if (size_ == max_subprotocols) error_ = ws::errc::too_many_subprotocols;
            if (error_ != ws::errc::none) return;
            seen_[size_++] = {name.data(), name.size()};
        }
    }

    [[nodiscard]] constexpr ws::errc error() const noexcept { return size_ == 0 ? ws::errc::bad_subprotocol : error_; }

  private:
    struct view {
        const char* data;
        std::size_t size;
    };
    std::array<view, max_subprotocols> seen_; // only so many as there are; the rest is never read
    std::size_t size_ = 0;
    ws::errc error_ = ws::errc::none;
};

template <class Fields>
[[nodiscard]] constexpr ws::errc check_subprotocols(const Fields& fields, const opening_fields& all) noexcept {
    subprotocol_offer offer;
    if (all.count(opening_field::subprotocol) == 1) {
        offer.add(all.first(opening_field::subprotocol));
    } else {
        for (const field& each : fields) {
            if (opening_field_of(each.name) == opening_field::subprotocol) offer.add(each.value);
        }
    }
    return offer.error();
}

/// What an upgrade request and an extended CONNECT have in common: H7, H10, H11, and one Origin at most.
template <class Fields>
[[nodiscard]] constexpr ws::errc check_negotiation(const Fields& fields, const opening_fields& all) noexcept {
    if (all.count(opening_field::version) != 1) return ws::errc::version_missing;
    if (!sockless::equal(all.first(opening_field::version), "13")) return ws::errc::version_unsupported;
    // RFC 6454 7.3: one Origin at most; with two of them the one that is checked may not be the one that counts.
    if (all.count(opening_field::origin) > 1) return ws::errc::repeated_origin;
    if (all.bad_extensions) return ws::errc::bad_extensions;
    if (all.has(opening_field::subprotocol)) return check_subprotocols(fields, all);
    return ws::errc::none;
}

} // namespace sockless::detail
