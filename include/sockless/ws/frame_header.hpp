// The header of a frame: the meaning of its bits, and how it is written (RFC 6455 section 5.2).
// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include "errc.hpp"

namespace sockless::ws {

/// The kind of a frame (RFC 6455 section 11.8). The other ten values are unknown and fail a connection.
enum class opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// Whether frames of this opcode are control frames, and whether the specification defines it (RFC 6455 section 5.2).
[[nodiscard]] constexpr bool is_control(opcode code) noexcept { return (static_cast<unsigned>(code) & 8U) != 0; }
[[nodiscard]] constexpr bool is_known(opcode code) noexcept {
    // One bit for each of the sixteen opcodes; a caller may give a value that has more than four bits.
    return static_cast<unsigned>(code) < 16 && ((0x0707U >> static_cast<unsigned>(code)) & 1U) != 0;
}

/// The kind of data in a message: text is UTF-8, binary is any bytes (RFC 6455 section 5.6). The values are those of
/// the opcodes.
enum class message_type : std::uint8_t { text = 1, binary = 2 };

/// The four bytes that a client's payload is combined with, in the order of the wire (RFC 6455 section 5.3).
using masking_key = std::array<std::byte, 4>;

/// The most payload that a control frame can have, in bytes (RFC 6455 section 5.5).
inline constexpr std::size_t max_control_payload = 125;

/// The longest header, in bytes: two, eight of extended length, four of masking key.
inline constexpr std::size_t max_header_size = 14;

/// The reserved bits, as they are given to and shown by decoders and encoders (RFC 6455 section 5.2).
namespace rsv {
inline constexpr std::uint8_t rsv1 = 4; ///< "compressed", if permessage-deflate was agreed (RFC 7692 section 6)
inline constexpr std::uint8_t rsv2 = 2; ///< for extensions that the library does not know
inline constexpr std::uint8_t rsv3 = 1; ///< likewise
} // namespace rsv

/// The rules about the header of a frame that a receiver can let its peer break, on the caller's word; at first none.
/// Each is for peers that people use (docs/rules.md names some). Everything else stays an error.
struct tolerated {
    /// The length of a data frame may be written with more bytes than it needs (RFC 6455 section 5.2) [F3]. A control
    /// frame still has a length of one byte (section 5.5).
    bool longer_lengths : 1 = false;

    /// Server: frames need no mask (section 5.1) [F4]; those that have one are taken as ever. A mask keeps the code of
    /// a page from choosing the bytes that a proxy sees (section 10.3). So this is for clients that are no browser,
    /// over a hop that is trusted. A client ignores it, and takes no masks.
    bool unmasked_frames : 1 = false;
};

/// All that a header says.
struct frame_header {
    ws::opcode opcode = opcode::text;
    bool fin = true;
    std::uint8_t rsv = 0; ///< bits of `ws::rsv`
    bool masked = false;
    ws::masking_key masking_key{};
    std::uint64_t length = 0; ///< of the payload, in bytes

    [[nodiscard]] friend constexpr bool operator==(const frame_header&, const frame_header&) noexcept = default;
};

/// The size in bytes of the header of a frame with `length` bytes of payload: 2, 4 or 10, and 4 more if it is masked.
[[nodiscard]] constexpr std::size_t header_size(std::uint64_t length, bool masked) noexcept {
    return (length <= 125 ? 2U : length <= 0xFFFF ? 4U : 10U) + (masked ? 4U : 0U);
}

} // namespace sockless::ws

namespace sockless::ws::detail {

/// The reason why a header may not be written; no error if it may.
[[nodiscard]] constexpr ws::errc refusal_of(const ws::frame_header& header) noexcept {
    if (!is_known(header.opcode)) return ws::errc::unknown_opcode;
    if (is_control(header.opcode)) {
        if (!header.fin) return ws::errc::fragmented_control_frame;
        if (header.length > ws::max_control_payload) return ws::errc::control_frame_too_long;
        if (header.rsv != 0) return ws::errc::reserved_bit_set;
    }
    if (header.rsv > 7) return ws::errc::reserved_bit_set;
    return header.length >> 63U != 0 ? ws::errc::length_top_bit_set : ws::errc::none;
}

/// A number in `size` bytes, the most significant first.
constexpr std::byte* put_number(std::byte* to, std::uint64_t number, std::size_t size) noexcept {
    for (std::size_t i = size; i-- != 0;) *to++ = static_cast<std::byte>(number >> (8 * i));
    return to;
}

/// Writes a header to `to`. The header is known to be valid, and there is room for it. Returns the place behind it.
constexpr std::byte* put_header(std::byte* to, const ws::frame_header& header) noexcept {
    const unsigned mask_bit = header.masked ? 0x80U : 0U;
    const auto put_length = [&to, mask_bit](std::uint64_t length) {
        *to++ = static_cast<std::byte>(mask_bit | length);
    };
    *to++ = static_cast<std::byte>((header.fin ? 0x80U : 0U) | static_cast<unsigned>(header.rsv) << 4U |
                                   static_cast<unsigned>(header.opcode));
    if (header.length <= 125) {
        put_length(header.length);
    } else if (header.length <= 0xFFFF) {
        put_length(126);
        to = put_number(to, header.length, 2);
    } else {
        put_length(127);
        to = put_number(to, header.length, 8);
    }
    if (!header.masked) return to;
    copy(to, header.masking_key.data(), 4);
    return to + 4;
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Writes a header to `out`, its length in the fewest bytes.
/// Errors: those of the caller's header (an unknown opcode, a control frame that is not final, is longer than 125 bytes
/// or has reserved bits, a length of 2^63 and up), and `no_room`, with the room it takes in `size`.
[[nodiscard]] constexpr written encode_header(bytes out, const frame_header& header) noexcept {
    if (const errc refused = detail::refusal_of(header); refused != errc::none) return {0, refused};
    const std::size_t size = header_size(header.length, header.masked);
    if (out.size() < size) return {size, errc::no_room};
    detail::put_header(out.data(), header);
    return {size, {}};
}

} // namespace sockless::ws
