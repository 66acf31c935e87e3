// A message that is made once and sent to many connections.
// SPDX-License-Identifier: MIT
#pragma once

#include "../detail/shared_bytes.hpp"
#include "../utf8.hpp"
#include "deflate/compression.hpp"
#include "encode.hpp"
#include "event.hpp"

namespace sockless::ws {

/// A whole message for many connections: text is checked once, and the frame that a server sends is written once. The
/// connections of servers with memory from the heap hold the bytes together, each for as long as it has not sent them;
/// short messages they copy, as that costs less. Clients mask a copy, as each frame needs a key of its own. Connections
/// that compress do so each for itself, unless `deflate_stage::prepare` has compressed the message for all.
///
///     const ws::prepared_message news(ws::message_type::text, bytes_of("hello, all"sv));
///     for (ws::server& each : peers) static_cast<void>(each.send(news));
///
/// A copy shares the bytes. Copies may be used in different threads.
class prepared_message {
  public:
    /// Copies the payload. Look at `error()`.
    prepared_message(message_type type, byte_view payload) noexcept : type_(type) {
        if (type == message_type::text && !is_utf8(payload)) {
            error_ = errc::payload_not_utf8;
            return;
        }
        frame_ = frame_of(payload, 0);
    }

    /// `payload_not_utf8` or `no_memory`; then it cannot be sent.
    [[nodiscard]] sockless::error error() const noexcept { return frame_ ? errc::none : error_; }

    /// Text or binary.
    [[nodiscard]] message_type type() const noexcept { return type_; }

    /// The payload. Valid as long as the message, or a copy of it.
    [[nodiscard]] cbytes payload() const noexcept { return payload_of(frame_); }

    /// Adds the payload as permessage-deflate sends it (RFC 7692 section 7.2.1), compressed with a window of so many
    /// bits and without reference to another message: for the connections that may send with such a window. Copies
    /// `deflated`. If that is empty, the message is not worth compressing, and all connections send it as it is.
    /// Errors: `no_memory`. See `deflate_stage::prepare`.
    [[nodiscard]] sockless::error add_deflated(cbytes deflated, unsigned window_bits) noexcept {
        stays_ = deflated.empty();
        if (stays_) return {};
        detail::shared_bytes frame = frame_of(deflated, rsv::rsv1);
        if (!frame) return errc::no_memory;
        deflated_ = static_cast<detail::shared_bytes&&>(frame);
        window_bits_ = static_cast<std::uint8_t>(window_bits);
        return {};
    }

  private:
    [[nodiscard]] detail::shared_bytes frame_of(cbytes payload, std::uint8_t reserved) const noexcept {
        const frame_header header{.opcode = static_cast<opcode>(type_), .rsv = reserved};
        detail::shared_bytes frame(header_size(payload.size(), false) + payload.size());
        if (frame) static_cast<void>(encode(frame.contents(), header, payload));
        return frame;
    }

    [[nodiscard]] static cbytes payload_of(const detail::shared_bytes& whole) noexcept {
        const cbytes frame = whole.contents();
        if (frame.empty()) return {};
        // The second byte says how many bytes the length takes (RFC 6455 section 5.2).
        return frame.subspan(frame[1] < std::byte{126} ? 2 : frame[1] == std::byte{126} ? 4 : 10);
    }

    template <role Own, class Buffer, compression Compression, class Handshake>
    friend class connection;

    detail::shared_bytes frame_{};
    detail::shared_bytes deflated_{}; // a frame too
    errc error_ = errc::no_memory;    // if there is no frame
    message_type type_;
    std::uint8_t window_bits_ = 0; // of `deflated_`
    bool stays_ = false;           // it is not worth compressing
};

} // namespace sockless::ws
