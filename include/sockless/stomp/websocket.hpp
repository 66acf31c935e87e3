// STOMP over WebSocket: the way from a session's output to messages.
// SPDX-License-Identifier: MIT
#pragma once

#include "../utf8.hpp"
#include "../ws/frame_header.hpp"
#include "frames.hpp"

namespace sockless::stomp::detail {

/// Bytes of the first frame, or of the one heart-beat, of what a session has written; at least one is there as a whole.
[[nodiscard]] inline std::size_t size_of_first_frame(std::string_view written) noexcept {
    constexpr std::string_view length = "content-length:";
    const char* const end = written.data() + written.size();
    const char* line = written.data();
    const char* line_end = find('\n', line, end);
    decimal body{};
    while (line_end != line) {
        const std::string_view text(line, static_cast<std::size_t>(line_end - line));
        if (text.size() > length.size() && equal(text.substr(0, length.size()), length)) {
            body = read_decimal(text.substr(length.size()));
        }
        line = line_end + 1;
        line_end = find('\n', line, end);
    }
    if (line == written.data()) return 1;
    const char* const body_begin = line_end + 1;
    const char* const nul = body.valid ? body_begin + body.value : find('\0', body_begin, end);
    return static_cast<std::size_t>(nul - written.data()) + 1;
}

} // namespace sockless::stomp::detail

namespace sockless::stomp {

/// Passes what a session has to send to the WebSocket that carries it. The other way needs nothing of its own: give
/// each payload, of whole messages or of pieces, text or binary, to the session's `next` as it comes, without regard to
/// where messages end (W2, W3). With `ws::options::whole_messages` off nothing is copied on that way.
///
///     case ws::kind::piece:
///         for (bytes payload = event.payload; auto frame = session.next(payload);) handle(frame);
///         break;
///
/// and, after what came was handled, or time has passed:
///
///     output.pass(session, peer);
///     if (session.done()) peer.close(ws::close_code::normal);
class websocket_output {
  public:
    /// No message is longer than `most` bytes, at least 4: some peers have low limits.
    explicit websocket_output(std::size_t most = 65536) noexcept : most_(most < 4 ? 4 : most) {}

    /// Sends the output of `from`, a session, through `to`, a `ws::server` or `ws::client`, as far as there is room:
    /// each frame as a message, or as several where it is longer than `most`, and each heart-beat as one (W3, W4).
    /// A frame that is not UTF-8 goes out as binary, else as text (W2). Falsy where all was passed on; `no_room` where
    /// the rest is for later; else the error of `to.send`.
    template <class Session, class Endpoint>
    [[nodiscard]] sockless::error pass(Session& from, Endpoint& to) noexcept {
        while (!from.output().empty()) {
            const cbytes message = next_message(from.output());
            if (const sockless::error refused = to.send(type_, message)) return refused;
            left_ -= message.size();
            from.sent(message.size());
        }
        return {};
    }

  private:
    [[nodiscard]] cbytes next_message(cbytes output) noexcept {
        if (left_ == 0) {
            left_ = detail::size_of_first_frame(sockless::text_of(output));
            type_ = is_utf8(output.first(left_)) ? ws::message_type::text : ws::message_type::binary;
        }
        if (left_ <= most_) return output.first(left_);
        std::size_t size = most_;
        if (type_ == ws::message_type::text) {
            // W4: between characters, each of which is at most four bytes.
            while ((output[size] & std::byte{0xC0}) == std::byte{0x80}) --size;
        }
        return output.first(size);
    }

    std::size_t most_;
    std::size_t left_ = 0; // of the frame that is being sent
    ws::message_type type_ = ws::message_type::text;
};

} // namespace sockless::stomp
