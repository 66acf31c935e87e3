// The words that every layer shares: bytes, text, roles, fields, times.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

/// The version of these headers: major * 1,000,000 + minor * 1,000 + patch. It is a macro, the only one that the
/// headers leave behind, because names may change with each minor version before 1.0, and only `#if` can choose between
/// them.
#define SOCKLESS_VERSION 1000

namespace sockless {

/// The version of the headers as a number, the same as `SOCKLESS_VERSION`, and as text.
inline constexpr std::uint32_t version_number = SOCKLESS_VERSION;
inline constexpr std::string_view version_text = "0.1.0";

/// Bytes that the library may change in place. Payloads are unmasked in place.
using bytes = std::span<std::byte>;

/// Bytes that the library only reads.
using cbytes = std::span<const std::byte>;

/// A side of a connection. A client masks the frames that it sends, a server does not (RFC 6455 section 5.1).
enum class role : std::uint8_t { client, server };

/// One field of a head: a name, whose case does not matter, and a value without the white space around it
/// (RFC 9110 section 5). Both are views. The function that returns a field says how long they are valid.
struct field {
    std::string_view name;
    std::string_view value;
};

/// A view of the `size` bytes at `data`, for buffers of any type. Copies nothing. Valid as long as the buffer.
[[nodiscard]] inline bytes bytes_of(void* data, std::size_t size) noexcept {
    return {static_cast<std::byte*>(data), size};
}
[[nodiscard]] inline cbytes bytes_of(const void* data, std::size_t size) noexcept {
    return {static_cast<const std::byte*>(data), size};
}

/// A view of the characters of `text` as bytes. Valid as long as the characters.
[[nodiscard]] inline cbytes bytes_of(std::string_view text) noexcept {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// A view of the bytes of `data` as characters. Checks nothing. Valid as long as the bytes.
[[nodiscard]] inline std::string_view text_of(cbytes data) noexcept {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
}

namespace detail {

/// A type for bytes, and not for text.
template <class T>
concept octet = std::is_same_v<T, std::byte> || std::is_same_v<T, unsigned char> || std::is_same_v<T, signed char>;

template <class T>
concept octet_or_character = octet<T> || std::is_same_v<T, char> || std::is_same_v<T, char8_t>;

/// A container or a view whose elements lie side by side and take one byte each.
template <class T>
concept holds_octets = requires(const T& from) {
    requires std::is_pointer_v<decltype(from.data())>;
    requires octet_or_character<std::remove_const_t<std::remove_pointer_t<decltype(from.data())>>>;
    static_cast<std::size_t>(from.size());
};

} // namespace detail

/// Bytes that the caller gives for the time of a call, as the caller keeps them: in a vector, a `std::array`, an array,
/// a span, a string or a `string_view`, of `std::byte`, `unsigned char`, `signed char`, `char` or `char8_t`. Nothing is
/// copied. Valid as long as the object that it was made from.
struct byte_view : cbytes {
    constexpr byte_view() noexcept = default;
    /// Of these bytes.
    constexpr byte_view(cbytes from) noexcept : cbytes(from) {}
    constexpr byte_view(const std::byte* data, std::size_t size) noexcept : cbytes(data, size) {}

    /// Of the elements of a container or a view.
    template <detail::holds_octets From>
    byte_view(const From& from) noexcept : cbytes(bytes_of(from.data(), static_cast<std::size_t>(from.size()))) {}

    /// An array of characters is not taken: a literal would bring the NUL at its end. Write `"text"sv`.
    template <detail::octet Octet, std::size_t Size>
    byte_view(const Octet (&from)[Size]) noexcept : cbytes(bytes_of(from, Size)) {}
};

/// A time in milliseconds, since a moment that the caller chooses. Times that the caller gives never go back.
using instant = std::uint64_t;

/// The deadline that never comes. As it is no time, a `tick` with it does nothing.
inline constexpr instant no_deadline = UINT64_MAX;

/// The duration that never ends.
inline constexpr std::uint32_t never = UINT32_MAX;

/// A view of a literal. Its size comes from the type of the literal. A `string_view` counts characters, which costs
/// compile time in the tables of errors.
struct literal : std::string_view {
    /// Of the characters before the NUL.
    template <std::size_t Size>
    constexpr literal(const char (&text)[Size]) noexcept : std::string_view(text, Size - 1) {}
};

namespace detail {

/// `memcpy` that also runs in constant evaluation. `To` and `From` are `char` or `std::byte`.
template <class To, class From>
constexpr void copy(To* to, const From* from, std::size_t size) noexcept {
    static_assert(sizeof(To) == 1 && sizeof(From) == 1);
    if (std::is_constant_evaluated()) {
        for (std::size_t i = 0; i != size; ++i) to[i] = static_cast<To>(from[i]);
    } else if (size != 0) {
        std::memcpy(to, from, size);
    }
}

/// The same bits as a `To`. Is `std::bit_cast`, which older libraries of newer compilers lack.
template <class To, class From>
[[nodiscard]] constexpr To bits_as(const From& from) noexcept {
    static_assert(sizeof(To) == sizeof(From));
    return __builtin_bit_cast(To, from);
}

/// A view of the `size` characters at `begin`. With arguments of exactly the right types `string_view(begin, size)` is
/// as good. With other types a compiler weighs the constructor for iterators too, and that takes longer than most
/// headers do.
[[nodiscard]] constexpr std::string_view text_at(const char* begin, std::size_t size) noexcept { return {begin, size}; }

/// The time that is `duration` after `from`, or `no_deadline` if there is no such time.
[[nodiscard]] constexpr instant later(instant from, instant duration) noexcept {
    return duration < no_deadline - from ? from + duration : no_deadline;
}

} // namespace detail

// The `detail` of each layer also sees `sockless::detail`, which all layers share.
namespace http::detail {
using namespace sockless::detail;
}
namespace ws::detail {
using namespace sockless::detail;
}
namespace stomp::detail {
using namespace sockless::detail;
}

} // namespace sockless
