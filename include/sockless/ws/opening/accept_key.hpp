// The key of a request, and a server's answer to it (RFC 6455 sections 4.1 and 4.2.2).
// SPDX-License-Identifier: MIT
#pragma once

#include "../../detail/base64.hpp"
#include "../../detail/sha1.hpp"

#include "../../detail/compiler_begin.inc"

namespace sockless::ws::detail {

/// The text that follows the key in the text that Sec-WebSocket-Accept is the hash of (RFC 6455 section 4.2.2, item 5).
inline constexpr std::array<char, 36> behind_key = [] {
    std::array<char, 36> text{};
    copy(text.data(), "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", text.size());
    return text;
}();

/// The whole text for a key of 24 characters, with zeros in the place of the key.
inline constexpr sha1_padded accepted_key = [] {
    std::array<char, 60> text{};
    copy(text.data() + 24, behind_key.data(), behind_key.size());
    return sha1_padded({text.data(), text.size()}, 0);
}();

/// The hash for a key of 24 characters.
[[nodiscard]] constexpr sha1_state hash_of_key(const char* key) noexcept {
    // The text is copied byte by byte: a copy of the constant as such is made of zeros first, which is slower.
    std::array<char, 2 * sha1_block_size> blocks;
    copy(blocks.data(), accepted_key.text.data(), blocks.size());
    copy(blocks.data(), key, 24); // no call, as the size is known
    sha1_state state = sha1_begin;
    sha1_add(state, blocks.data(), 2);
    return state;
}

/// Adds blocks to a hash. Never inlined, as each copy of the rounds is large.
SOCKLESS_NEVER_INLINE constexpr void hash_blocks(sha1_state& state, const char* blocks, std::size_t count) noexcept {
    sha1_add(state, blocks, count);
}

/// The hash for a key of any size.
[[nodiscard]] SOCKLESS_NEVER_INLINE constexpr sha1_state hash_of_unusual_key(std::string_view key) noexcept {
    sha1_state state = sha1_begin;
    std::size_t whole = key.size() / sha1_block_size;
    hash_blocks(state, key.data(), whole);
    key.remove_prefix(whole * sha1_block_size);
    // The rest of the key and the text behind it are less than two blocks.
    std::array<char, 2 * sha1_block_size> text{};
    copy(text.data(), key.data(), key.size());
    copy(text.data() + key.size(), behind_key.data(), behind_key.size());
    std::string_view rest(text.data(), key.size() + behind_key.size());
    if (rest.size() >= sha1_block_size) {
        hash_blocks(state, rest.data(), 1);
        rest.remove_prefix(sha1_block_size);
        ++whole;
    }
    const sha1_padded end(rest, whole);
    hash_blocks(state, end.text.data(), end.blocks);
    return state;
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// The value of Sec-WebSocket-Accept for this Sec-WebSocket-Key: the hash of the key as it was sent, also if it has not
/// 24 characters. RFC 6455 section 4.2.2, item 5.
[[nodiscard]] constexpr std::array<char, 28> accept_key(std::string_view key) noexcept {
    const bool usual = key.size() == 24;
    const detail::sha1_state state = usual ? detail::hash_of_key(key.data()) : detail::hash_of_unusual_key(key);
    const std::array<std::byte, 20> hash = detail::sha1_digest(state);
    return detail::encode_base64(std::span<const std::byte, 20>(hash));
}

/// A Sec-WebSocket-Key from 16 bytes, which should be fresh and unpredictable. RFC 6455 section 4.1, item 7.
[[nodiscard]] constexpr std::array<char, 24> encode_key(std::span<const std::byte, 16> nonce) noexcept {
    return detail::encode_base64(nonce);
}

} // namespace sockless::ws

#include "../../detail/compiler_end.inc"
