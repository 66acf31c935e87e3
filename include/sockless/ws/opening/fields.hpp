// All that a list of fields says about the opening handshake, collected in one pass over it.
// SPDX-License-Identifier: MIT
#pragma once

#include "../../http/lists.hpp"
#include "extensions.hpp"
#include "names.hpp"

#include "../../detail/compiler_begin.inc"

namespace sockless::ws::detail {

/// A view in an array that is set as far as there are elements: an array of `std::string_view` is set to zeros first.
struct unset_view {
    const char* data;
    std::size_t size;
};

/// All that a head, or a list of fields, says about the handshake.
class opening_fields {
  public:
    template <class Fields>
    constexpr explicit opening_fields(const Fields& fields) noexcept {
        http::detail::visit_fields(fields, [this](std::string_view name, auto value) {
            const opening_field known = opening_field_of(name);
            if (known != opening_field::other) add(known, value());
        });
    }

    /// The value of the first field of a name; empty if there is none.
    [[nodiscard]] constexpr std::string_view first(opening_field name) const noexcept {
        if (!has(name)) return {};
        return {first_[index(name)].data, first_[index(name)].size};
    }

    /// How many fields have this name.
    [[nodiscard]] constexpr std::uint32_t count(opening_field name) const noexcept { return count_[index(name)]; }
    [[nodiscard]] constexpr bool has(opening_field name) const noexcept { return count(name) != 0; }

    bool upgrade_to_websocket = false; ///< Upgrade holds the token `websocket` [H5]
    bool connection_upgrade = false;   ///< Connection holds the token `upgrade` [H5]
    bool body = false;                 ///< there is a Content-Length other than 0, or a Transfer-Encoding [H8]
    bool expectation_unknown = false;  ///< there is an Expect other than `100-continue` [H21]
    bool bad_extensions = false;       ///< a Sec-WebSocket-Extensions is malformed [H11]
    bool empty_extensions = false;     ///< a Sec-WebSocket-Extensions names none [H11]

  private:
    [[nodiscard]] static constexpr std::size_t index(opening_field name) noexcept {
        return static_cast<std::size_t>(name);
    }

    constexpr void add(opening_field name, std::string_view value) noexcept {
        if (count_[index(name)]++ == 0) first_[index(name)] = {value.data(), value.size()};
        switch (name) {
        case opening_field::upgrade:
            upgrade_to_websocket = upgrade_to_websocket || http::list_has(value, "websocket");
            break;
        case opening_field::connection:
            connection_upgrade = connection_upgrade || http::list_has(value, "upgrade");
            break;
        case opening_field::content_length: {
            const decimal length = read_decimal(value);
            body = body || !length.valid || length.value != 0;
            break;
        }
        case opening_field::transfer_encoding: body = true; break;
        case opening_field::expect:
            expectation_unknown = expectation_unknown || !http::equal_ignoring_case(value, "100-continue");
            break;
        case opening_field::extensions:
            if (!ws::is_extension_list(value)) note_wrong_extensions(value);
            break;
        default: break;
        }
    }

    SOCKLESS_NEVER_INLINE constexpr void note_wrong_extensions(std::string_view value) noexcept {
        const http::list_elements all(value);
        (all.begin() == all.end() ? empty_extensions : bad_extensions) = true;
    }

    std::array<unset_view, opening_name_table::count> first_; // set for the names that are there; the rest is not read
    std::array<std::uint32_t, opening_name_table::count> count_{};
};

} // namespace sockless::ws::detail

#include "../../detail/compiler_end.inc"
