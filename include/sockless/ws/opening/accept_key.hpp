// The key of a request, and a server's answer to it (RFC 6455 sections 4.1 and 4.2.2).
// SPDX-License-Identifier: MIT
#pragma once

#include "../../detail/base64.hpp"
#include "../../detail/sha1.hpp"

namespace sockless::ws::detail {

/// The text that Sec-WebSocket-Accept is the hash of (RFC 6455 section 4.2.2, item 5), with zeros in the place of the
/// key.
inline constexpr sha1_padded accepted_key(text_at("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                                  "258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
                                                  60),
                                          0);

} // namespace sockless::ws::detail

namespace sockless::ws {

/// The value of Sec-WebSocket-Accept for this Sec-WebSocket-Key. A key has 24 characters: the rest of a longer one does
/// not count, and a shorter one is followed by zeros. RFC 6455 section 4.2.2, item 5.
[[nodiscard]] constexpr std::array<char, 28> accept_key(std::string_view key) noexcept {
    // The text is copied byte by byte: a copy of the constant as such is made of zeros first, which is slower.
    std::array<char, 2 * detail::sha1_block_size> blocks;
    detail::copy(blocks.data(), detail::accepted_key.text.data(), blocks.size());
    if (key.size() >= 24) {
        detail::copy(blocks.data(), key.data(), 24); // no call, as the size is known
    } else {
        detail::copy(blocks.data(), key.data(), key.size());
    }
    detail::sha1_state state = detail::sha1_begin;
    detail::sha1_add(state, blocks.data(), 2);
    const std::array<std::byte, 20> hash = detail::sha1_digest(state);
    return detail::encode_base64(std::span<const std::byte, 20>(hash));
}

/// A Sec-WebSocket-Key from 16 bytes, which should be fresh and unpredictable. RFC 6455 section 4.1, item 7.
[[nodiscard]] constexpr std::array<char, 24> encode_key(std::span<const std::byte, 16> nonce) noexcept {
    return detail::encode_base64(nonce);
}

} // namespace sockless::ws
