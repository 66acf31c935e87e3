// Joins the pieces of a message in the caller's memory. A message that came whole is not copied.
// SPDX-License-Identifier: MIT
#pragma once

#include "../buffer.hpp"
#include "decoder.hpp"

namespace sockless::ws {

/// Collects the data events of a `decoder` into whole messages. `Buffer` is one of buffer.hpp: it holds the part of a
/// message that has come so far, and its limit is the size of the largest message that can be joined.
///
///     ws::decoder frames(role::server);
///     ws::assembler messages(growing_buffer(64 * 1024));
///     while (const ws::decoder::event found = frames.next(in)) {
///         bytes message;
///         if (found.kind != ws::decoder::kind::data) continue;
///         if (messages.add(found, message) == decltype(messages)::status::complete) print(text_of(message));
///     }
template <class Buffer = span_buffer<std::byte>>
class assembler {
  public:
    /// The result of `add`: more pieces must come, the message is whole, or it does not fit.
    enum class status : std::uint8_t { incomplete, complete, no_room };

    constexpr assembler() noexcept = default;
    /// With this buffer.
    constexpr explicit assembler(Buffer memory) noexcept : memory_(static_cast<Buffer&&>(memory)) {}

    /// Takes the next data event. `complete`: `payload` is the whole message. It lies in the event's own bytes if the
    /// message came in one piece, and else in the buffer. It is valid until the next call, or until the event's bytes
    /// are reused. `no_room`: the message does not fit into the buffer, and the rest of it is not taken. Answer it like
    /// a message that is too big (1009; RFC 6455 section 10.4).
    [[nodiscard]] constexpr status add(const decoder::event& data, bytes& payload) noexcept {
        if (!data.first && !open_) return status::no_room;
        if (data.first) {
            memory_.clear();
            if (data.last) {
                payload = data.payload;
                return status::complete;
            }
        }
        open_ = !data.last;
        if (!append(memory_, data.payload)) {
            open_ = false;
            return status::no_room;
        }
        if (!data.last) return status::incomplete;
        payload = memory_.contents();
        return status::complete;
    }

    /// Gives back the memory that the buffer can give back, unless a message has begun. Payloads that were handed out
    /// are then no longer valid.
    constexpr void release() noexcept {
        if (!open_) memory_.release();
    }

    /// The buffer, for a caller that lends it to others between two messages.
    [[nodiscard]] constexpr Buffer& memory() noexcept { return memory_; }

  private:
    Buffer memory_{};
    bool open_ = false;
};

template <class Buffer>
assembler(Buffer) -> assembler<Buffer>;

} // namespace sockless::ws
