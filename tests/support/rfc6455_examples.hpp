// The frames that RFC 6455 section 5.7 shows, as constants.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless/core.hpp>

#include <array>

namespace sockless::test::examples {

template <class... Octets>
constexpr std::array<std::byte, sizeof...(Octets)> wire(Octets... values) {
    return {static_cast<std::byte>(values)...};
}

/// A header, and behind it zeros in place of a payload.
template <std::size_t Size, std::size_t HeaderSize>
constexpr std::array<std::byte, Size> with_zeros(const std::array<std::byte, HeaderSize>& header) {
    std::array<std::byte, Size> out{};
    for (std::size_t i = 0; i != HeaderSize; ++i) out[i] = header[i];
    return out;
}

inline constexpr auto hello = wire('H', 'e', 'l', 'l', 'o');
inline constexpr auto key = wire(0x37, 0xFA, 0x21, 0x3D);

inline constexpr auto text = wire(0x81, 0x05, 'H', 'e', 'l', 'l', 'o');
inline constexpr auto masked_text = wire(0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58);
inline constexpr auto first_fragment = wire(0x01, 0x03, 'H', 'e', 'l');
inline constexpr auto last_fragment = wire(0x80, 0x02, 'l', 'o');
inline constexpr auto ping = wire(0x89, 0x05, 'H', 'e', 'l', 'l', 'o');
inline constexpr auto masked_pong = wire(0x8A, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58);
inline constexpr auto header_of_256 = wire(0x82, 0x7E, 0x01, 0x00);
inline constexpr auto header_of_64k = wire(0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0);

/// Equal, and that in constant evaluation too.
constexpr bool equal(cbytes a, cbytes b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i != a.size(); ++i) {
        if (a[i] != b[i]) return false;
    }
    return true;
}

} // namespace sockless::test::examples
