// The fields of a head, read where they lie, and the questions that are asked of any list of fields.
// SPDX-License-Identifier: MIT
#pragma once

#include "text.hpp"

namespace sockless::http {

/// The field lines of one head in the order of the wire: a forward range of `field` that stores nothing and finds each
/// line as it goes. Views of the text it was made from, and valid as long.
class fields {
  public:
    class iterator {
      public:
        using value_type = field;
        using difference_type = std::ptrdiff_t;

        constexpr iterator() noexcept = default;
        [[nodiscard]] constexpr const field& operator*() const noexcept { return field_; }
        [[nodiscard]] constexpr const field* operator->() const noexcept { return &field_; }

        constexpr iterator& operator++() noexcept {
            line_ = next_;
            read();
            return *this;
        }
        constexpr iterator operator++(int) noexcept {
            const iterator held = *this;
            ++*this;
            return held;
        }
        [[nodiscard]] friend constexpr bool operator==(const iterator& a, const iterator& b) noexcept {
            return a.line_ == b.line_;
        }

      private:
        friend class fields;
        constexpr iterator(const char* line, const char* end) noexcept : line_(line), end_(end) { read(); }

        constexpr void read() noexcept {
            if (line_ == end_) return;
            // The end of the line first: so the next line does not have to wait for where the value of this one begins.
            const char* const line_end = detail::find('\r', line_, end_);
            const char* const found = detail::find(':', line_, end_);
            const char* const colon = found < line_end ? found : line_end;
            const char* const value = colon == line_end ? line_end : colon + 1;
            field_.name = {line_, static_cast<std::size_t>(colon - line_)};
            field_.value = detail::trimmed({value, static_cast<std::size_t>(line_end - value)});
            next_ = end_ - line_end > 2 ? line_end + 2 : end_;
        }

        const char* line_ = nullptr;
        const char* next_ = nullptr;
        const char* end_ = nullptr;
        field field_{};
    };

    constexpr fields() noexcept = default;

    /// Of field lines that a head parser has checked, each with its end of line.
    constexpr explicit fields(std::string_view checked_lines) noexcept : lines_(checked_lines) {}

    [[nodiscard]] constexpr iterator begin() const noexcept { return {lines_.data(), lines_.data() + lines_.size()}; }
    [[nodiscard]] constexpr iterator end() const noexcept {
        return {lines_.data() + lines_.size(), lines_.data() + lines_.size()};
    }
    [[nodiscard]] constexpr bool empty() const noexcept { return lines_.empty(); }

    /// The lines as they lie, each with its end of line.
    [[nodiscard]] constexpr std::string_view text() const noexcept { return lines_; }

  private:
    std::string_view lines_{};
};

/// How the elements of a list are written: tokens and the like, or elements that may hold quoted strings, in which a
/// comma does not end an element (RFC 9110 section 5.6.4).
enum class list_syntax : std::uint8_t { plain, quoted };

/// The elements of one comma list, without the white space around them, empty ones left out (RFC 9110 section 5.6.1):
/// a forward range of `std::string_view`, views of the value it was made from.
class list_elements {
  public:
    class iterator {
      public:
        using value_type = std::string_view;
        using difference_type = std::ptrdiff_t;

        constexpr iterator() noexcept = default;
        [[nodiscard]] constexpr const std::string_view& operator*() const noexcept { return element_; }
        [[nodiscard]] constexpr const std::string_view* operator->() const noexcept { return &element_; }

        constexpr iterator& operator++() noexcept {
            element_ = {};
            while (element_.empty() && !rest_.empty()) {
                const std::size_t size = size_of_first();
                element_ = detail::trimmed({rest_.data(), size});
                rest_.remove_prefix(size == rest_.size() ? size : size + 1);
            }
            return *this;
        }
        constexpr iterator operator++(int) noexcept {
            const iterator held = *this;
            ++*this;
            return held;
        }
        [[nodiscard]] friend constexpr bool operator==(const iterator& a, const iterator& b) noexcept {
            return a.element_.size() == b.element_.size() && a.rest_.size() == b.rest_.size();
        }

      private:
        friend class list_elements;
        constexpr iterator(std::string_view value, list_syntax syntax) noexcept : rest_(value), syntax_(syntax) {
            ++*this;
        }

        [[nodiscard]] constexpr std::size_t size_of_first() const noexcept {
            bool quoted = false;
            for (std::size_t i = 0; i < rest_.size(); ++i) {
                if (rest_[i] == ',' && !quoted) return i;
                if (rest_[i] == '"' && syntax_ == list_syntax::quoted) quoted = !quoted;
                if (rest_[i] == '\\' && quoted) ++i;
            }
            return rest_.size();
        }

        std::string_view element_{};
        std::string_view rest_{};
        list_syntax syntax_ = list_syntax::plain;
    };

    constexpr explicit list_elements(std::string_view value, list_syntax syntax = list_syntax::plain) noexcept
        : value_(value), syntax_(syntax) {}

    [[nodiscard]] constexpr iterator begin() const noexcept { return {value_, syntax_}; }
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
