// Subprotocols: offered, checked, chosen and answered (RFC 6455 sections 4.1, 4.2.2 and 11.3.4).
// SPDX-License-Identifier: MIT
#pragma once

#include "../../http/write_head.hpp"
#include "../../list_view.hpp"
#include "../errc.hpp"
#include "fields.hpp"

namespace sockless::ws::detail {

/// The most subprotocols that may be offered: each is compared with each.
inline constexpr std::size_t max_subprotocols = 64;

/// The subprotocols of one offer, as they are read, or before they are written.
class subprotocol_offer {
  public:
    /// Adds a name, and returns its error, if it has one: an offer is made of unique tokens (RFC 6455 section 4.1, item
    /// 10) [H10]. Names that are wrong count for the limit too.
    [[nodiscard]] constexpr ws::errc add(std::string_view name) noexcept {
        if (++count_ > max_subprotocols) return ws::errc::too_many_subprotocols;
        if (!http::is_token(name)) return ws::errc::bad_subprotocol;
        for (std::size_t i = 0; i != size_; ++i) {
            if (sockless::equal({names_[i].data, names_[i].size}, name)) return ws::errc::bad_subprotocol;
        }
        names_[size_++] = {name.data(), name.size()};
        return ws::errc::none;
    }

    [[nodiscard]] constexpr bool empty() const noexcept { return count_ == 0; }

  private:
    std::array<unset_view, max_subprotocols> names_; // set for those that were added; the rest is not read
    std::size_t size_ = 0;
    std::size_t count_ = 0;
};

/// Judges the offer of a request that has the field.
template <class Fields>
[[nodiscard]] constexpr ws::errc check_subprotocols(const Fields& fields, const opening_fields& all) noexcept {
    subprotocol_offer offer;
    ws::errc error = ws::errc::none;
    const auto is_wrong = [&](std::string_view list) {
        for (const std::string_view name : http::list_elements(list)) {
            const ws::errc wrong = offer.add(name);
            if (wrong == ws::errc::too_many_subprotocols) {
                error = wrong;
                return true;
            }
            if (error == ws::errc::none) error = wrong;
        }
        return false;
    };
    if (all.count(opening_field::subprotocol) == 1) {
        is_wrong(all.first(opening_field::subprotocol));
    } else {
        http::detail::visit_values(fields, "sec-websocket-protocol", is_wrong);
    }
    // A field without a name in it is no offer (RFC 6455 section 4.1, item 10) [H10].
    return error == ws::errc::none && offer.empty() ? ws::errc::bad_subprotocol : error;
}

/// Writes an offer.
constexpr void put_subprotocols(http::head_writer& head, list_view<std::string_view> names) noexcept {
    if (names.empty()) return;
    subprotocol_offer offer;
    std::string_view before = "Sec-WebSocket-Protocol: ";
    for (const std::string_view name : names) {
        const ws::errc error = offer.add(name);
        if (error != ws::errc::none) {
            head.fail(error);
            return;
        }
        head.known(before).known(name);
        before = ", ";
    }
    head.known("\r\n");
}

/// Writes a server's choice.
constexpr void put_subprotocol(http::head_writer& head, std::string_view chosen) noexcept {
    if (chosen.empty()) return;
    // A server answers with exactly one, and a comma would make two of it (RFC 6455 section 4.2.2, item 5) [H10].
    if (!http::is_token(chosen)) head.fail(ws::errc::bad_subprotocol);
    head.known("Sec-WebSocket-Protocol: ").known(chosen).known("\r\n");
}

/// Whether a list has this name, compared with regard to case.
[[nodiscard]] constexpr bool list_has_exactly(std::string_view list, std::string_view name) noexcept {
    for (const std::string_view each : http::list_elements(list)) {
        if (sockless::equal(each, name)) return true;
    }
    return false;
}

/// Judges a server's choice, if it has made one.
[[nodiscard]] constexpr ws::errc check_subprotocol(const opening_fields& all, std::string_view offered) noexcept {
    if (!all.has(opening_field::subprotocol)) return ws::errc::none;
    // A server answers with one of the names that were offered (RFC 6455 section 4.1, item 6 of the response) [H17].
    const std::string_view chosen = all.first(opening_field::subprotocol);
    if (all.count(opening_field::subprotocol) != 1 || !http::is_token(chosen)) return ws::errc::bad_subprotocol;
    return list_has_exactly(offered, chosen) ? ws::errc::none : ws::errc::subprotocol_not_offered;
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Whether a request's fields offer this subprotocol, compared with regard to case (RFC 6455 section 4.2.2, item 4)
/// [H10]. `Fields` is any range of `field`.
template <class Fields>
[[nodiscard]] constexpr bool offers_subprotocol(const Fields& offered, std::string_view name) noexcept {
    return http::detail::visit_values(offered, "sec-websocket-protocol",
                                      [name](std::string_view list) { return detail::list_has_exactly(list, name); });
}

/// The first of `supported`, which is in the server's order of preference, that a request's fields offer (RFC 6455
/// section 4.2.2, item 4) [H10]; empty if they offer none of them. The view is the one in `supported`. `Fields` is any
/// range of `field`.
template <class Fields>
[[nodiscard]] constexpr std::string_view choose_subprotocol(list_view<std::string_view> supported,
                                                            const Fields& offered) noexcept {
    // The offers are looked at once: after each name that is found, only the names before it in `supported` are still
    // looked for.
    std::size_t best = supported.size();
    http::detail::visit_values(offered, "sec-websocket-protocol", [&](std::string_view list) {
        for (const std::string_view name : http::list_elements(list)) {
            for (std::size_t i = 0; i != best; ++i) {
                if (!sockless::equal(supported[i], name)) continue;
                best = i;
                break;
            }
        }
        return best == 0;
    });
    return best == supported.size() ? std::string_view{} : supported[best];
}

} // namespace sockless::ws
