// STOMP frames as a whole, from bytes that come in pieces.
// SPDX-License-Identifier: MIT
#pragma once

#include "../buffer.hpp"
#include "parser.hpp"

namespace sockless::stomp::detail {

/// A frame, a heart-beat, or what is wrong.
struct whole_frame {
    stomp::command command = stomp::command::none; ///< `none` if it is no frame
    errc error = errc::none;
    bool heart_beat = false;
    stomp::headers headers{}; ///< with an error too, as far as they are known: they may ask for a receipt
    bytes body{};             ///< lies in the input or in the memory
};

/// Reads whole frames. A frame that comes in pieces is collected in `Buffer`, one that comes whole is shown where it
/// lies in the input.
template <class Buffer>
class frame_reader {
  public:
    frame_reader(Buffer memory, const stomp::limits& limits) noexcept
        : parser_(static_cast<Buffer&&>(memory), limits) {}

    /// Takes the next frame or heart-beat from the front of `in`, or as much of a frame as there is.
    /// `judge(command)` says, before any of its body is kept, what is wrong with a frame.
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
        // The input is gone before the body comes.
        if (in_frame_ && !parser_.keep()) return broken(errc::head_too_large);
        return {};
    }

    /// As `basic_parser::finish`.
    [[nodiscard]] errc finish() noexcept { return parser_.finish(); }

    /// The sides have agreed on a version. From now on these limits hold.
    void agree(stomp::version version, const stomp::limits& limits) noexcept {
        parser_.set_version(version);
        parser_.set_limits(limits);
    }
    [[nodiscard]] stomp::version version() const noexcept { return parser_.version(); }

    /// The last frame is wrong, and the place of what is wrong is its first byte.
    void blame_frame() noexcept { blamed_ = parser_.frame_offset(); }

    /// How many bytes were taken; after an error the offset of the byte that broke the rule.
    [[nodiscard]] std::uint64_t offset() const noexcept { return blamed_ != nothing ? blamed_ : parser_.offset(); }

    /// Gives back the memory if no frame has begun.
    void release() noexcept {
        if (!parser_.is_between_frames()) return;
        parser_.memory().clear();
        parser_.memory().release();
    }

  private:
    using kind = parser_kind;

    static constexpr std::uint64_t nothing = UINT64_MAX;

    [[nodiscard]] whole_frame broken(errc error) const noexcept {
        return {.error = error, .headers = in_frame_ ? parser_.headers() : stomp::headers{}};
    }

    basic_parser<Buffer> parser_;
    std::uint64_t blamed_ = nothing; // an offset that the parser does not know to be wrong
    bool in_frame_ = false;          // the head of a frame has come, its end has not
};

} // namespace sockless::stomp::detail
