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

// What all layers share is found in each layer's own `detail` too.
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
