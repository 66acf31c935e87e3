// Comma lists in the values of fields, element by element, and the question whether one holds a token.
// SPDX-License-Identifier: MIT
#pragma once

#include "fields.hpp"

#include "../detail/compiler_begin.inc"

namespace sockless::http {

/// How the elements of a list are written: tokens and the like, or elements that may hold quoted strings, in which a
/// comma does not end an element (RFC 9110 section 5.6.4).
enum class list_syntax : std::uint8_t { plain, quoted };

} // namespace sockless::http

namespace sockless::http::detail {

/// Finds one element of a comma list after the other.
struct element_finder {
    using value_type = std::string_view;

    constexpr element_finder() noexcept = default;
    constexpr element_finder(std::string_view value, http::list_syntax written) noexcept
        : rest(value), syntax(written) {
        advance();
    }

    SOCKLESS_ALWAYS_INLINE constexpr void advance() noexcept {
        current = {};
        while (current.empty() && !rest.empty()) {
            const std::size_t size = size_of_first();
            current = trimmed(rest.data(), rest.data() + size);
            rest.remove_prefix(size == rest.size() ? size : size + 1);
        }
    }
    [[nodiscard]] constexpr const char* place() const noexcept { return current.empty() ? nullptr : current.data(); }

    [[nodiscard]] constexpr std::size_t size_of_first() const noexcept {
        if (syntax == http::list_syntax::plain) {
            return static_cast<std::size_t>(find(',', rest.data(), rest.data() + rest.size()) - rest.data());
        }
        bool quoted = false;
        for (std::size_t i = 0; i < rest.size(); ++i) {
            if (rest[i] == ',' && !quoted) return i;
            if (rest[i] == '"') quoted = !quoted;
            if (rest[i] == '\\' && quoted) ++i;
        }
        return rest.size();
    }

    std::string_view current{};
    std::string_view rest{};
    http::list_syntax syntax = http::list_syntax::plain;
};

} // namespace sockless::http::detail

namespace sockless::http {

/// The elements of one comma list, without the white space around them; empty ones are left out (RFC 9110 section
/// 5.6.1). A forward range of `std::string_view`, views of the value that it was made from.
///
///     for (const std::string_view each : http::list_elements("keep-alive, , Upgrade")) print(each); // two
class list_elements {
  public:
    using iterator = detail::lazy_iterator<detail::element_finder>;

    /// The elements of this value.
    constexpr explicit list_elements(std::string_view value, list_syntax syntax = list_syntax::plain) noexcept
        : value_(value), syntax_(syntax) {}

    /// Iterators over the elements.
    [[nodiscard]] constexpr iterator begin() const noexcept { return iterator(value_, syntax_); }
    [[nodiscard]] constexpr iterator end() const noexcept { return {}; }

  private:
    std::string_view value_;
    list_syntax syntax_;
};

/// Whether one comma list has this element, which is a token, compared without regard to case.
[[nodiscard]] constexpr bool list_has(std::string_view value, std::string_view element) noexcept {
    if (!element.empty() && equal_ignoring_case(value, element)) return true;
    for (const std::string_view each : list_elements(value)) {
        if (equal_ignoring_case(each, element)) return true;
    }
    return false;
}

/// Whether the comma list that all fields of this name make together has this token, compared without regard to case.
/// `Fields` is any range of `field`. RFC 9110 sections 5.3 and 5.6.1.
template <class Fields>
[[nodiscard]] constexpr bool has_token(const Fields& all, std::string_view name, std::string_view token) noexcept {
    return detail::visit_values(all, name, [token](std::string_view value) { return list_has(value, token); });
}

} // namespace sockless::http

#include "../detail/compiler_end.inc"
