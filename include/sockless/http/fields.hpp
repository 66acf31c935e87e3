// The fields of a head, read in place, and the questions that are asked of any list of fields.
// SPDX-License-Identifier: MIT
#pragma once

#include "../detail/lazy_iterator.hpp"
#include "text.hpp"

#include "../detail/compiler_begin.inc"

namespace sockless::http::detail {

/// The sizes of the first field lines of a head, as a scanner found them: so a walk through the lines does not look for
/// their ends again. 0 for a line that was not found as a whole, or is too long: its ends are looked for.
struct field_line_sizes {
    static constexpr std::size_t most = 16;

    /// The line without its end is `line` characters long, of which the name is `name`.
    constexpr void add(std::size_t number, std::size_t name, std::size_t line) noexcept {
        if (number >= most || line > 255) return;
        names[number] = static_cast<std::uint8_t>(name);
        lines[number] = static_cast<std::uint8_t>(line);
    }

    /// The line has turned out to be longer.
    constexpr void forget(std::size_t number) noexcept {
        if (number < most) lines[number] = 0;
    }

    std::uint8_t names[most]{};
    std::uint8_t lines[most]{};
};

/// The end of the name in a field line, the end of the line, and the place at which the next line begins.
struct field_line_ends {
    const char* name;
    const char* line;
    const char* next;
};

struct name_and_line_ends {
    const char* name;
    const char* line;
};

[[nodiscard]] SOCKLESS_NEVER_INLINE constexpr name_and_line_ends look_for_ends(const char* line,
                                                                               const char* end) noexcept {
    // The end of the line is found first, so that reading the next line does not wait for the colon of this one.
    const char* line_end = find('\n', line, end);
    if (line_end != end && line_end != line && line_end[-1] == '\r') --line_end;
    const char* const colon = find(':', line, end);
    return {colon < line_end ? colon : line_end, line_end};
}

/// The ends of the line that begins at `line` and is not empty, and is the `number`th of the lines up to `end`. The end
/// of a line whose sizes are known is CR LF.
[[nodiscard]] SOCKLESS_ALWAYS_INLINE constexpr field_line_ends
ends_of(const char* line, const char* end, const field_line_sizes& sizes, std::size_t number) noexcept {
    if (number < field_line_sizes::most && sizes.lines[number] != 0) {
        const char* const line_end = line + sizes.lines[number];
        return {line + sizes.names[number], line_end, line_end + 2};
    }
    const auto [name, line_end] = look_for_ends(line, end);
    if (line_end == end) return {name, line_end, end};
    return {name, line_end, line_end + (*line_end == '\r' ? 2 : 1)};
}

[[nodiscard]] constexpr std::string_view name_in(const char* line, const field_line_ends& ends) noexcept {
    return text_at(line, static_cast<std::size_t>(ends.name - line));
}

[[nodiscard]] SOCKLESS_ALWAYS_INLINE constexpr std::string_view value_in(const field_line_ends& ends) noexcept {
    return trimmed(ends.name == ends.line ? ends.line : ends.name + 1, ends.line);
}

/// Finds one field line after the other in [line, end).
struct field_finder {
    using value_type = field;

    constexpr field_finder() noexcept = default;
    SOCKLESS_ALWAYS_INLINE constexpr field_finder(const char* first, const char* last,
                                                  const field_line_sizes& known) noexcept
        : line(first), end(last), sizes(known) {
        read();
    }

    SOCKLESS_ALWAYS_INLINE constexpr void advance() noexcept {
        line = next;
        ++number;
        read();
    }
    [[nodiscard]] constexpr const char* place() const noexcept { return line == end ? nullptr : line; }

    SOCKLESS_ALWAYS_INLINE constexpr void read() noexcept {
        if (line == end) return;
        const field_line_ends ends = ends_of(line, end, sizes, number);
        current = {name_in(line, ends), value_in(ends)};
        next = ends.next;
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
/// as it goes. Views of the text that it was made from, and valid as long.
///
///     for (const field& each : head.fields) print(each.name, each.value);
///     const std::string_view host = http::first(head.fields, "host");
class fields {
  public:
    using iterator = detail::lazy_iterator<detail::field_finder>;

    constexpr fields() noexcept = default;

    /// Of field lines that a head parser has checked, each with its end of line.
    constexpr explicit fields(std::string_view checked_lines, const detail::field_line_sizes& sizes = {}) noexcept
        : lines_(checked_lines), sizes_(sizes) {}

    /// Iterators over the fields, and whether there is none.
    [[nodiscard]] constexpr iterator begin() const noexcept {
        return iterator(lines_.data(), lines_.data() + lines_.size(), sizes_);
    }
    [[nodiscard]] constexpr iterator end() const noexcept { return {}; }
    [[nodiscard]] constexpr bool empty() const noexcept { return lines_.empty(); }

    /// The lines as they lie, each with its end of line.
    [[nodiscard]] constexpr std::string_view text() const noexcept { return lines_; }

    /// The sizes of the first of them, as far as they are known.
    [[nodiscard]] constexpr const detail::field_line_sizes& sizes() const noexcept { return sizes_; }

  private:
    std::string_view lines_{};
    detail::field_line_sizes sizes_{};
};

} // namespace sockless::http

namespace sockless::http::detail {

/// Calls `visit(name, value)` for each field, in their order; `value()` gives the value.
template <class Fields, class Visit>
SOCKLESS_ALWAYS_INLINE constexpr void visit_fields(const Fields& all, Visit visit) noexcept {
    for (const field& each : all) {
        visit(each.name, [&each] { return each.value; });
    }
}

/// The same for a head: a value costs nothing before it is asked for.
template <class Visit>
SOCKLESS_ALWAYS_INLINE constexpr void visit_fields(const http::fields& all, Visit visit) noexcept {
    const char* line = all.text().data();
    const char* const end = line + all.text().size();
    for (std::size_t number = 0; line != end; ++number) {
        const field_line_ends ends = ends_of(line, end, all.sizes(), number);
        visit(name_in(line, ends), [&ends] { return value_in(ends); });
        line = ends.next;
    }
}

/// Gives `visit` the value of each field of this name, in their order, until it returns true. Returns whether it did.
template <class Fields, class Visit>
constexpr bool visit_values(const Fields& all, std::string_view name, Visit visit) noexcept {
    for (const field& each : all) {
        if (http::equal_ignoring_case(each.name, name) && visit(each.value)) return true;
    }
    return false;
}

/// The same for a head: lines that are known to have a name of another size are passed over.
template <class Visit>
constexpr bool visit_values(const http::fields& all, std::string_view name, Visit visit) noexcept {
    const char* line = all.text().data();
    const char* const end = line + all.text().size();
    const field_line_sizes& sizes = all.sizes();
    for (std::size_t number = 0;; ++number) {
        while (number < field_line_sizes::most && sizes.lines[number] != 0 && sizes.names[number] != name.size()) {
            line += sizes.lines[number++] + 2;
        }
        if (line == end) return false;
        const field_line_ends ends = ends_of(line, end, sizes, number);
        if (http::equal_ignoring_case(name_in(line, ends), name) && visit(value_in(ends))) return true;
        line = ends.next;
    }
}

} // namespace sockless::http::detail

namespace sockless::http {

/// How many of the fields have this name. Names are compared without regard to case; `Fields` is any range of `field`.
template <class Fields>
[[nodiscard]] constexpr std::size_t count(const Fields& all, std::string_view name) noexcept {
    std::size_t found = 0;
    detail::visit_values(all, name, [&found](std::string_view) {
        ++found;
        return false;
    });
    return found;
}

/// The value of the first field of this name; empty if there is none. Valid as long as the field.
template <class Fields>
[[nodiscard]] constexpr std::string_view first(const Fields& all, std::string_view name) noexcept {
    std::string_view found{};
    detail::visit_values(all, name, [&found](std::string_view value) {
        found = value;
        return true;
    });
    return found;
}

} // namespace sockless::http

#include "../detail/compiler_end.inc"
