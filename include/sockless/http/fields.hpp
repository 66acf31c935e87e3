// The fields of a head, read where they lie, and the questions that are asked of any list of fields.
// SPDX-License-Identifier: MIT
#pragma once

#include "../detail/lazy_iterator.hpp"
#include "text.hpp"

namespace sockless::http::detail {

/// The sizes of the first field lines of a head, as a scanner found them, so that whoever walks through the lines need
/// not look for their ends again. 0 for what was not found, or is too long: of that the ends are looked for.
struct field_line_sizes {
    static constexpr std::size_t most = 16;

    /// The line without its end is `line` characters long, of which the name is `name`.
    constexpr void add(std::size_t number, std::size_t name, std::size_t line) noexcept {
        if (number >= most || line > 255) return;
        names[number] = static_cast<std::uint8_t>(name);
        lines[number] = static_cast<std::uint8_t>(line);
    }

    std::uint8_t names[most]{};
    std::uint8_t lines[most]{};
};

/// Finds one field line after the other in [line, end).
struct field_finder {
    using value_type = field;

    constexpr field_finder() noexcept = default;
    [[gnu::always_inline]] constexpr field_finder(const char* first, const char* last,
                                                  const field_line_sizes& known) noexcept
        : line(first), end(last), sizes(known) {
        read();
    }

    [[gnu::always_inline]] constexpr void advance() noexcept {
        line = next;
        ++number;
        read();
    }
    [[nodiscard]] constexpr const char* place() const noexcept { return line == end ? nullptr : line; }

    [[gnu::always_inline]] constexpr void read() noexcept {
        if (line == end) return;
        const bool known = number < field_line_sizes::most && sizes.lines[number] != 0;
        const ends found =
            known ? ends{line + sizes.names[number], line + sizes.lines[number]} : look_for_ends(line, end);
        current.name = {line, static_cast<std::size_t>(found.name - line)};
        current.value = trimmed(found.name == found.line ? found.line : found.name + 1, found.line);
        next = end - found.line > 2 ? found.line + 2 : end;
    }

    struct ends {
        const char* name;
        const char* line;
    };

    [[nodiscard, gnu::noinline]] static constexpr ends look_for_ends(const char* line, const char* end) noexcept {
        // The end of the line first: so the next line does not have to wait for where the value of this one begins.
        const char* const line_end = find('\r', line, end);
        const char* const colon = find(':', line, end);
        return {colon < line_end ? colon : line_end, line_end};
    }

    const char* line = nullptr;
    const char* next = nullptr;
    const char* end = nullptr;
    std::size_t number = 0;
    field current{};
    field_line_sizes sizes{};
};

} // namespace sockless::http::detail

namespace sockless::http {

/// The field lines of one head in the order of the wire: a forward range of `field` that stores no views and makes each
/// as it goes. Views of the text it was made from, and valid as long.
class fields {
  public:
    using iterator = detail::lazy_iterator<detail::field_finder>;

    constexpr fields() noexcept = default;

    /// Of field lines that a head parser has checked, each with its end of line.
    constexpr explicit fields(std::string_view checked_lines, const detail::field_line_sizes& sizes = {}) noexcept
        : lines_(checked_lines), sizes_(sizes) {}

    [[nodiscard]] constexpr iterator begin() const noexcept {
        return iterator(lines_.data(), lines_.data() + lines_.size(), sizes_);
    }
    [[nodiscard]] constexpr iterator end() const noexcept { return {}; }
    [[nodiscard]] constexpr bool empty() const noexcept { return lines_.empty(); }

    /// The lines as they lie, each with its end of line.
    [[nodiscard]] constexpr std::string_view text() const noexcept { return lines_; }

  private:
    std::string_view lines_{};
    detail::field_line_sizes sizes_{};
};

/// How the elements of a list are written: tokens and the like, or elements that may hold quoted strings, in which a
/// comma does not end an element (RFC 9110 section 5.6.4).
enum class list_syntax : std::uint8_t { plain, quoted };

} // namespace sockless::http

namespace sockless::http::detail {

/// Finds one element of a comma list after the other.
struct element_finder {
    using value_type = std::string_view;

    constexpr element_finder() noexcept = default;
    constexpr element_finder(std::string_view value, http::list_syntax how) noexcept : rest(value), syntax(how) {
        advance();
    }

    [[gnu::always_inline]] constexpr void advance() noexcept {
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

/// The elements of one comma list, without the white space around them, empty ones left out (RFC 9110 section 5.6.1):
/// a forward range of `std::string_view`, views of the value it was made from.
class list_elements {
  public:
    using iterator = detail::lazy_iterator<detail::element_finder>;

    constexpr explicit list_elements(std::string_view value, list_syntax syntax = list_syntax::plain) noexcept
        : value_(value), syntax_(syntax) {}

    [[nodiscard]] constexpr iterator begin() const noexcept { return iterator(value_, syntax_); }
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
