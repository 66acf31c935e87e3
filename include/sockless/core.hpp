// The words every layer shares: bytes, text, roles, fields, errors, and what a writer returns.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace sockless {

/// Bytes that may be changed where they lie: payloads are unmasked in place.
using bytes = std::span<std::byte>;

/// Bytes that are only read.
using cbytes = std::span<const std::byte>;

/// Which side of a connection this is. A client masks what it sends, a server expects it (RFC 6455 section 5.1).
enum class role : std::uint8_t { client, server };

/// One field of a head: a name, compared without regard to case, and a value without the white space around it
/// (RFC 9110 section 5). Both are views; who hands one out says how long they stay valid.
struct field {
    std::string_view name;
    std::string_view value;
};

/// A view of the `size` bytes at `data`, for buffers of any byte-like or `void` type. Nothing is copied.
[[nodiscard]] inline bytes bytes_of(void* data, std::size_t size) noexcept {
    return {static_cast<std::byte*>(data), size};
}
[[nodiscard]] inline cbytes bytes_of(const void* data, std::size_t size) noexcept {
    return {static_cast<const std::byte*>(data), size};
}

/// The same bytes, seen as bytes. Valid as long as `text`.
[[nodiscard]] inline cbytes bytes_of(std::string_view text) noexcept {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// The same bytes, seen as text; nothing is checked. Valid as long as `data`.
[[nodiscard]] inline std::string_view text_of(cbytes data) noexcept {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
}

/// A time, in milliseconds since any moment the caller likes, that never goes back.
using instant = std::uint64_t;

/// A deadline that does not come.
inline constexpr instant no_deadline = UINT64_MAX;

/// A duration that does not end.
inline constexpr std::uint32_t never = UINT32_MAX;

/// A view of a literal, whose characters no compiler has to count: in the tables of errors each unit would.
struct literal : std::string_view {
    template <std::size_t Size>
    constexpr literal(const char (&text)[Size]) noexcept : std::string_view(text, Size - 1) {}
};

/// What is known about one error. Each layer has one table of these, one row per code of its `errc`.
struct error_row {
    literal name;                 ///< the enumerator's name, for logs and for machines
    literal sentence;             ///< what went wrong, for people
    literal section;              ///< the rule's place in its specification
    std::uint16_t close_code = 0; ///< the Close code that answers it (RFC 6455 section 7.4), or 0
    std::uint16_t status = 0;     ///< the HTTP status that answers it (RFC 9110 section 15), or 0
};

/// Any layer's error in one word. Falsy where there is none. Made from, and compared with, the enumerators of any
/// layer (`http::errc`, `ws::errc`); those layers find their table by `row_of(errc)`.
class error {
  public:
    constexpr error() noexcept = default;

    template <class Errc>
        requires std::is_enum_v<Errc> && requires(Errc code) { row_of(code); }
    constexpr error(Errc code) noexcept : row_(code == Errc{} ? nullptr : &row_of(code)) {}

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return row_ != nullptr; }
    [[nodiscard]] constexpr std::string_view name() const noexcept { return row().name; }
    [[nodiscard]] constexpr std::string_view sentence() const noexcept { return row().sentence; }
    [[nodiscard]] constexpr std::string_view section() const noexcept { return row().section; }
    [[nodiscard]] constexpr std::uint16_t close_code() const noexcept { return row().close_code; }
    [[nodiscard]] constexpr std::uint16_t status() const noexcept { return row().status; }

    [[nodiscard]] friend constexpr bool operator==(const error&, const error&) noexcept = default;

  private:
    static constexpr error_row none{"none", "no error", "", 0, 0};

    [[nodiscard]] constexpr const error_row& row() const noexcept { return row_ != nullptr ? *row_ : none; }

    const error_row* row_ = nullptr;
};

/// What a writer did. Where `error` is set nothing of the output counts, and if it is `errc::no_room` of the
/// writer's layer, `size` is the room that the whole output takes.
struct [[nodiscard]] written {
    std::size_t size = 0;
    sockless::error error{};

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return !error; }
};

namespace detail {

/// memcpy that also runs in constant evaluation, between any two of `char` and `std::byte`.
template <class To, class From>
constexpr void copy(To* to, const From* from, std::size_t size) noexcept {
    static_assert(sizeof(To) == 1 && sizeof(From) == 1);
    if (std::is_constant_evaluated()) {
        for (std::size_t i = 0; i != size; ++i) to[i] = static_cast<To>(from[i]);
    } else if (size != 0) {
        std::memcpy(to, from, size);
    }
}

/// A view of `size` characters. For those who have them, or their number, in another type than the constructor takes:
/// that would be weighed against the one for iterators, and costs a compiler more than most headers do.
[[nodiscard]] constexpr std::string_view text_at(const char* begin, std::size_t size) noexcept { return {begin, size}; }

/// The time that is `duration` after `from`. At the end of time there are no deadlines.
[[nodiscard]] constexpr instant later(instant from, instant duration) noexcept {
    return duration < no_deadline - from ? from + duration : no_deadline;
}

} // namespace detail
} // namespace sockless
