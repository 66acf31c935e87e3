// An error of any layer in one word, and the result of a writer.
// SPDX-License-Identifier: MIT
#pragma once

#include "core.hpp"
#include "detail/text.hpp"

namespace sockless {

/// All that the library knows about one error. Each layer has one table of rows, one row for each code of its `errc`.
/// A program that defines SOCKLESS_NO_ERROR_TEXTS has no texts in it: see `error`.
struct error_row {
    literal name;                 ///< the name of the enumerator, for logs and machines
    literal sentence;             ///< what went wrong, for people
    literal section;              ///< the section of the specification that has the rule
    std::uint16_t close_code = 0; ///< the code of the Close that answers it (RFC 6455 section 7.4), or 0
    std::uint16_t status = 0;     ///< the HTTP status that answers it (RFC 9110 section 15), or 0
};

namespace detail {

#if !defined(SOCKLESS_NO_ERROR_TEXTS)
/// A row as the program keeps it.
using kept_error_row = error_row;

/// The rows of a layer as the program keeps them.
template <char Layer, std::size_t Count>
[[nodiscard]] consteval const error_row (&kept(const error_row (&rows)[Count]) noexcept)[Count] {
    return rows;
}
#else
// For little memory: a program that defines SOCKLESS_NO_ERROR_TEXTS, the same in each of its units, keeps no sentence,
// section or name. In their place an error has a letter for its layer and the number of the code, such as "W17".
struct short_name {
    char text[3];
    std::uint8_t size;

    constexpr operator std::string_view() const noexcept { return {text, size}; }
};

struct kept_error_row {
    static constexpr literal section{""};

    short_name name;
    std::uint16_t close_code;
    std::uint16_t status;
};

template <std::size_t Count>
struct kept_error_rows {
    [[nodiscard]] constexpr const kept_error_row& operator[](std::size_t code) const noexcept { return rows[code]; }

    kept_error_row rows[Count];
};

template <char Layer, std::size_t Count>
[[nodiscard]] consteval kept_error_rows<Count> kept(const error_row (&rows)[Count]) noexcept {
    static_assert(Count <= 100);
    kept_error_rows<Count> all{};
    for (std::size_t code = 0; code != Count; ++code) {
        const auto digit = [](std::size_t value) { return static_cast<char>('0' + value); };
        short_name name{{Layer, digit(code / 10), digit(code % 10)}, 3};
        all.rows[code] = {name, rows[code].close_code, rows[code].status};
    }
    return all;
}
#endif

} // namespace detail

/// An error of any layer in one word. True if something went wrong. The `errc` of each layer converts to it and
/// compares with it. `row_of`, a function beside that `errc`, finds the row of a code.
///
/// A program that defines SOCKLESS_NO_ERROR_TEXTS in all of its units, for little memory, has no texts of errors:
/// `name` and `sentence` are then a letter and the number of the code, such as "W17" for code 17 of `ws::errc` ("H" is
/// for `http`, "S" for `stomp`), and `section` is empty.
///
///     if (const sockless::error refused = peer.send_text(text)) print(refused.name(), refused.sentence());
///     if (peer.error() == ws::errc::pong_timeout) print("the peer is gone");
class error {
  public:
    constexpr error() noexcept = default;

    /// Of the `errc` of any layer. `none` is no error.
    template <class Errc>
        requires std::is_enum_v<Errc> && requires(Errc code) { row_of(code); }
    constexpr error(Errc code) noexcept : row_(code == Errc{} ? nullptr : &row_of(code)) {}

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return row_ != nullptr; }

    /// The members of the `error_row`: the name of the code, what went wrong in a sentence, the section of the
    /// specification, the Close code and the HTTP status that answer it, or 0. The texts are constants.
    [[nodiscard]] constexpr std::string_view name() const noexcept { return row().name; }
    [[nodiscard]] constexpr std::string_view sentence() const noexcept {
#if !defined(SOCKLESS_NO_ERROR_TEXTS)
        return row().sentence;
#else
        return row().name;
#endif
    }
    [[nodiscard]] constexpr std::string_view section() const noexcept { return row().section; }
    [[nodiscard]] constexpr std::uint16_t close_code() const noexcept { return row().close_code; }
    [[nodiscard]] constexpr std::uint16_t status() const noexcept { return row().status; }

    /// Whether both are the same error of the same layer. Two libraries of one program may each have a table of their
    /// own, so rows are compared, not only their places.
    [[nodiscard]] friend constexpr bool operator==(const error& a, const error& b) noexcept {
        if (!std::is_constant_evaluated() && a.row_ == b.row_) return true;
        return equal(a.name(), b.name()) && equal(a.sentence(), b.sentence()) && equal(a.section(), b.section());
    }

  private:
    static constexpr error_row no_error[] = {{"none", "no error", "", 0, 0}};
    static constexpr decltype(auto) none = detail::kept<'0'>(no_error);

    [[nodiscard]] constexpr const detail::kept_error_row& row() const noexcept {
        return row_ != nullptr ? *row_ : none[0];
    }

    const detail::kept_error_row* row_ = nullptr;
};

/// The result of a writer: how many bytes it wrote. If there is an error, no byte of the output counts. If the error is
/// the `errc::no_room` of the writer's layer, `size` is the room that the whole output needs.
struct [[nodiscard]] written {
    std::size_t size = 0;
    sockless::error error{};
};

} // namespace sockless
