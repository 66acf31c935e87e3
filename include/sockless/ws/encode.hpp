// Frames out: into a span, around a payload that has room before it, or as a header for a gathered write.
// SPDX-License-Identifier: MIT
#pragma once

#include "../utf8.hpp"
#include "close_code.hpp"
#include "mask.hpp"

namespace sockless::ws {

/// Writes one frame: the header, and behind it `payload`, which is copied, and masked in the same pass if the header
/// says so. `header.length` is not read: it is the size of `payload`. A client gives a fresh masking key for each frame
/// (RFC 6455 section 5.3), a server none. `payload` and `out` do not overlap. Errors: those of `encode_header`.
///
///     std::array<std::byte, 64> memory;
///     const written frame = ws::encode(memory, {.opcode = ws::opcode::text}, bytes_of("hello"));
///     if (!frame.error) write(bytes(memory).first(frame.size));
[[nodiscard]] constexpr written encode(bytes out, frame_header header, cbytes payload) noexcept {
    header.length = payload.size();
    if (const errc refused = detail::refusal_of(header); refused != errc::none) return {0, refused};
    const std::size_t size = header_size(header.length, header.masked) + payload.size();
    if (out.size() < size) return {size, errc::no_room};
    std::byte* const to = detail::put_header(out.data(), header);
    if (header.masked) {
        static_cast<void>(
            detail::mask_bytes(to, payload.data(), payload.size(), detail::bits_as<std::uint32_t>(header.masking_key)));
    } else {
        detail::copy(to, payload.data(), payload.size());
    }
    return {size, {}};
}

/// Makes a frame of a payload that already lies in `room`, from `headroom` bytes on to its end: masks it there and
/// writes the header directly before it. The frame is then `room.last(size)`. `header.length` is not read. 14 bytes of
/// headroom are always enough. Errors: those of `encode_header`, and `no_room` if the headroom is too small: then the
/// payload is as it was, and `size` is the headroom that the header needs.
[[nodiscard]] constexpr written frame_in_place(bytes room, std::size_t headroom, frame_header header) noexcept {
    if (headroom > room.size()) return {headroom, errc::no_room};
    const bytes payload = room.subspan(headroom);
    header.length = payload.size();
    const std::size_t size = header_size(header.length, header.masked);
    const written head = encode_header(headroom < size ? bytes{} : room.subspan(headroom - size, size), header);
    if (head.error) return head;
    if (header.masked) mask(payload, header.masking_key);
    return {size + payload.size(), {}};
}

/// Writes the payload of a Close: `code` and `reason`, or nothing if `code` is 1005, which stands for a Close without a
/// status (RFC 6455 sections 5.5.1 and 7.4). At most 125 bytes. Errors: `close_code_not_sendable`,
/// `close_reason_too_long` beyond 123 bytes, `payload_not_utf8`, `no_room`.
[[nodiscard]] constexpr written encode_close_payload(bytes out, std::uint16_t code, cbytes reason = {}) noexcept {
    if (code == close_code::no_status && reason.empty()) return {0, {}};
    if (!is_sendable(code)) return {0, errc::close_code_not_sendable};
    if (reason.size() > max_control_payload - 2) return {0, errc::close_reason_too_long};
    if (!is_utf8(reason)) return {0, errc::payload_not_utf8};
    const std::size_t size = 2 + reason.size();
    if (out.size() < size) return {size, errc::no_room};
    out[0] = static_cast<std::byte>(code >> 8U);
    out[1] = static_cast<std::byte>(code & 0xFFU);
    detail::copy(out.data() + 2, reason.data(), reason.size());
    return {size, {}};
}

} // namespace sockless::ws
