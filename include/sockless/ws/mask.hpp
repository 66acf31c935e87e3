// Masking and unmasking, which are one operation, with the test for ASCII in the same pass (RFC 6455 section 5.3).
// SPDX-License-Identifier: MIT
#pragma once

#include "../detail/octets.hpp"
#include "frame_header.hpp"

namespace sockless::ws {

/// Masks or unmasks `data` in place. `offset` is the place of its first byte in the payload, for payloads that come in
/// pieces. RFC 6455 section 5.3.
///
///     ws::mask(in, {std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}}); // twice gives the bytes again
constexpr void mask(bytes data, const masking_key& key, std::uint64_t offset = 0) noexcept {
    static_cast<void>(detail::mask_bytes(data.data(), data.data(), data.size(),
                                         detail::rotated(detail::bits_as<std::uint32_t>(key), offset)));
}

/// Writes `from`, masked, to the front of `to`, which has at least its size and does not overlap it. This is one pass
/// over the bytes; a copy and a mask would be two. RFC 6455 section 5.3.
constexpr void mask_copy(bytes to, cbytes from, const masking_key& key, std::uint64_t offset = 0) noexcept {
    static_cast<void>(detail::mask_bytes(to.data(), from.data(), from.size(),
                                         detail::rotated(detail::bits_as<std::uint32_t>(key), offset)));
}

} // namespace sockless::ws
