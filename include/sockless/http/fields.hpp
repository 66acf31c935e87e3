// The fields of a head, read where they lie, and the questions that are asked of any list of fields.
// SPDX-License-Identifier: MIT
#pragma once

#include "../detail/lazy_iterator.hpp"
#include "text.hpp"

namespace sockless::detail {

/// Finds one field line after the other in [line, end).
struct field_finder {
    using value_type = field;

    constexpr field_finder() noexcept = default;
    constexpr field_finder(const char* first, const char* last) noexcept : line(first), end(last) { read(); }

    constexpr void advance() noexcept {
        line = next;
        read();
    }
    [[nodiscard]] constexpr const char* place() const noexcept { return line == end ? nullptr : line; }

    constexpr void read() noexcept {
        if (line == end) return;
        // The end of the line first: so the next line does not have to wait for where the value of this one begins.
        const char* const line_end = find('\r', line, end);
        const char* const found = find(':', line, end);
        const char* const colon = found < line_end ? found : line_end;
        const char* const value = colon == line_end ? line_end : colon + 1;
        current.name = {line, static_cast<std::size_t>(colon - line)};
        current.value = trimmed(value, line_end);
        next = end - line_end > 2 ? line_end + 2 : end;
    }

    const char* line = nullptr;
    const char* next = nullptr;
    const char* end = nullptr;
    field current{};
};

} // namespace sockless::detail

namespace sockless::http {

/// The field lines of one head in the order of the wire: a forward range of `field` that stores nothing and finds each
/// line as it goes. Views of the text it was made from, and valid as long.
class fields {
  public:
    using iterator = detail::lazy_iterator<detail::field_finder>;

    constexpr fields() noexcept = default;

    /// Of field lines that a head parser has checked, each with its end of line.
    constexpr explicit fields(std::string_view checked_lines) noexcept : lines_(checked_lines) {}

    [[nodiscard]] constexpr iterator begin() const noexcept {
        return iterator({lines_.data(), lines_.data() + lines_.size()});
    }
    [[nodiscard]] constexpr iterator end() const noexcept { return {}; }
    [[nodiscard]] constexpr bool empty() const noexcept { return lines_.empty(); }

    /// The lines as they lie, each with its end of line.
    [[nodiscard]] constexpr std::string_view text() const noexcept { return lines_; }

  private:
    std::string_view lines_{};
};

/// How the elements of a list are written: tokens and the like, or elements that may hold quoted strings, in which a
/// comma does not end an element (RFC 9110 section 5.6.4).
enum class list_syntax : std::uint8_t { plain, quoted };

} // namespace sockless::http

namespace sockless::detail {

/// Finds one element of a comma list after the other.
struct element_finder {
    using value_type = std::string_view;

    constexpr element_finder() noexcept = default;
    constexpr element_finder(std::string_view value, http::list_syntax how) noexcept : rest(value), syntax(how) {
        advance();
    }

    constexpr void advance() noexcept {
        current = {};
        while (current.empty() && !rest.empty()) {
            const std::size_t size = size_of_first();
            current = trimmed(rest.data(), rest.data() + size);
            rest.remove_prefix(size == rest.size() ? size : size + 1);
        }
    }
    [[nodiscard]] constexpr const char* place() const noexcept { return current.empty() ? nullptr : current.data(); }

    [[nodiscard]] constexpr std::size_t size_of_first() const noexcept {
        bool quoted = false;
        for (std::size_t i = 0; i < rest.size(); ++i) {
            if (rest[i] == ',' && !quoted) return i;
            if (rest[i] == '"' && syntax == http::list_syntax::quoted) quoted = !quoted;
            if (rest[i] == '\\' && quoted) ++i;
        }
        return rest.size();
    }

    std::string_view current{};
    std::string_view rest{};
    http::list_syntax syntax = http::list_syntax::plain;
};

} // namespace sockless::detail

namespace sockless::http {

/// The elements of one comma list, without the white space around them, empty ones left out (RFC 9110 section 5.6.1):
/// a forward range of `std::string_view`, views of the value it was made from.
class list_elements {
  public:
    using iterator = detail::lazy_iterator<detail::element_finder>;

    constexpr explicit list_elements(std::string_view value, list_syntax syntax = list_syntax::plain) noexcept
        : value_(value), syntax_(syntax) {}

    [[nodiscard]] constexpr iterator begin() const noexcept { return iterator({value_, syntax_}); }
    [[nodiscard]] constexpr iterator end() const noexcept { return {}; }

  private:
    std::string_view value_;
    list_syntax syntax_;
};

/// How many of the fields have this name. Names are compared without regard to case; `Fields` is any range of `field`.
template <class Fields>
[[nodiscard]] constexpr std::size_t count(const Fields& all, std::string_view name) noexcept {
    std::size_t found = 0;
    for (const field& each : all) found += equal_ignoring_case(each.name, name) ? 1u : 0u;
    return found;
}

/// The value of the first field of this name; empty where there is none. Valid as long as the field.
template <class Fields>
[[nodiscard]] constexpr std::string_view first(const Fields& all, std::string_view name) noexcept {
    for (const field& each : all) {
        if (equal_ignoring_case(each.name, name)) return each.value;
    }
    return {};
}

/// Whether one comma list has this element, which is a token, compared without regard to case.
[[nodiscard]] constexpr bool list_has(std::string_view value, std::string_view element) noexcept {
    if (!element.empty() && equal_ignoring_case(value, element)) return true;
    for (const std::string_view each : list_elements(value)) {
        if (equal_ignoring_case(each, element)) return true;
    }
    return false;
}

/// Whether the comma list that all fields of this name make together has this token, compared without regard to case.
/// RFC 9110 sections 5.3 and 5.6.1.
template <class Fields>
[[nodiscard]] constexpr bool has_token(const Fields& all, std::string_view name, std::string_view token) noexcept {
    for (const field& each : all) {
        if (equal_ignoring_case(each.name, name) && list_has(each.value, token)) return true;
    }
    return false;
}

} // namespace sockless::http
