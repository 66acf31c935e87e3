// Whole STOMP frames, from bytes that come in pieces.
// SPDX-License-Identifier: MIT
#pragma once

#include "../buffer.hpp"
#include "parser.hpp"

#include "../detail/compiler_begin.inc"

namespace sockless::stomp::detail {

/// A frame, a heart-beat, or an error; none of them if more input is needed.
struct whole_frame {
    stomp::command command = stomp::command::none; ///< `none` if it is no frame
    errc error = errc::none;
    bool heart_beat = false;
    stomp::headers headers{}; ///< also those of a frame with an error, if they are known: they may ask for a receipt
    bytes body{};             ///< lies in the input or in the memory
};

/// Reads whole frames. A frame that comes in pieces is collected in `Buffer`. A frame that comes whole is not copied
/// but shown in the input.
template <class Buffer>
class frame_reader {
  public:
    frame_reader(Buffer memory, const stomp::limits& limits) noexcept
        : parser_(static_cast<Buffer&&>(memory), limits) {}

    /// Takes the next frame or heart-beat from the front of `in`, or, if `in` ends before, the part of it that is
    /// there. `judge(command)` returns the error of a frame with this command, or `none`. It is called before any of
    /// the body is kept. The result is valid until the next call, or until the input is reused.
    template <class Judge>
    [[nodiscard]] whole_frame next(bytes& in, Judge judge) noexcept {
        while (const auto found = parser_.next(in)) {
            switch (found.kind) {
            case kind::heart_beat: return {.heart_beat = true};
            case kind::error: return broken(found.error);
            case kind::head:
                in_frame_ = true;
                if (const errc wrong = judge(found.command); wrong != errc::none) {
                    blame_frame();
                    return broken(wrong);
                }
                break;
            case kind::body:
                if (!found.last && !parser_.keep()) return broken(errc::head_too_large);
                if (found.first && found.last) {
                    in_frame_ = false;
                    return {.command = found.command, .headers = found.headers, .body = found.payload};
                }
                if (!append(parser_.memory(), found.payload)) return broken(errc::body_too_large);
                if (found.last) {
                    in_frame_ = false;
                    return {.command = found.command,
                            .headers = parser_.headers(),
                            .body = bytes(parser_.memory().contents()).subspan(parser_.head_size())};
                }
                break;
            case kind::need_input: break;
            }
        }
        // The input may be gone before the body comes, so the head is copied.
        if (in_frame_ && !parser_.keep()) return broken(errc::head_too_large);
        return {};
    }

    /// Says that the input has ended; see `basic_parser::finish`.
    [[nodiscard]] errc finish() noexcept { return parser_.finish(); }

    /// Sets the version that the two sides have agreed on, and the limits of the frames that follow.
    void agree(stomp::version version, const stomp::limits& limits) noexcept {
        parser_.set_version(version);
        parser_.set_limits(limits);
    }
    [[nodiscard]] stomp::version version() const noexcept { return parser_.version(); }

    /// Says that the last frame breaks a rule that the parser does not know. `offset` then gives its first byte. No
    /// more input is given after that.
    void blame_frame() noexcept { is_blamed_ = true; }

    /// The number of bytes that were taken. After an error, the offset in the stream of the byte that breaks the rule.
    [[nodiscard]] std::uint64_t offset() const noexcept {
        return is_blamed_ ? parser_.frame_offset() : parser_.offset();
    }

    /// Gives back the memory if no frame has begun.
    void release() noexcept {
        if (!parser_.is_between_frames()) return;
        parser_.memory().clear();
        parser_.memory().release();
    }

  private:
    using kind = parser_kind;

    [[nodiscard]] whole_frame broken(errc error) const noexcept {
        return {.error = error, .headers = in_frame_ ? parser_.headers() : stomp::headers{}};
    }

    SOCKLESS_NO_UNIQUE_ADDRESS basic_parser<Buffer> parser_; // so that the rest lies in its padding
    bool in_frame_ = false;                                  // the head of a frame has come, but not its end
    bool is_blamed_ = false;                                 // `blame_frame` was called
};

} // namespace sockless::stomp::detail

#include "../detail/compiler_end.inc"
