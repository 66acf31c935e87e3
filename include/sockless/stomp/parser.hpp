// The parser of STOMP frames: bytes in pieces of any size in; heads, bodies in pieces and heart-beats out.
// SPDX-License-Identifier: MIT
#pragma once

#include "head_scanner.hpp"

namespace sockless::stomp {

/// The kinds of `parser_event`. Behind each kind stand the members of the event that it sets.
enum class parser_kind : std::uint8_t {
    need_input, ///< nothing yet: the input is used up, or the parser has ended
    head,       ///< a frame begins: `command`, `headers`. One or more `body` follow.
    body,       ///< a piece of the body: `first`, `last`, `payload`, which is empty if the frame has no body
    heart_beat, ///< an end of line between frames
    error,      ///< the input breaks a rule: `error`. Given once; no event follows.
};

/// The name of the enumerator, for logs.
[[nodiscard]] constexpr std::string_view name_of(parser_kind of) noexcept {
    constexpr literal names[] = {"need_input", "head", "body", "heart_beat", "error"};
    static_assert(std::size(names) == static_cast<std::size_t>(parser_kind::error) + 1);
    return names[static_cast<std::size_t>(of)];
}

/// The result of `next`, which says how long `headers` and `payload` are valid. False for `need_input`.
struct parser_event {
    parser_kind kind = parser_kind::need_input;
    stomp::command command = stomp::command::none; ///< of the frame, with `body` too
    bool first = false;                            ///< the first piece of the body
    bool last = false;                             ///< the last piece of the body, and the end of the frame
    errc error = errc::none;
    stomp::headers headers{};
    bytes payload{};

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return kind != parser_kind::need_input; }
};

} // namespace sockless::stomp

namespace sockless::stomp::detail {

/// The bytes of `memory` as characters that can be changed. `memory` holds characters, as that of a
/// `span_buffer<char>`, or bytes.
[[nodiscard]] constexpr char* characters(std::span<char> memory) noexcept { return memory.data(); }
[[nodiscard]] inline char* characters(bytes memory) noexcept { return reinterpret_cast<char*>(memory.data()); }

} // namespace sockless::stomp::detail

namespace sockless::stomp {

/// Parses the frames that one peer sends, in any version (STOMP 1.2 STOMP Frames, Augmented BNF).
///
/// `Memory` holds a head that comes in pieces: a `span_buffer<char>` or a `growing_buffer`. If it has room for
/// `limits::head` bytes, the events do not depend on the cuts between the pieces of input; only bodies may be cut
/// otherwise. If a head does not fit into it, the error is `head_too_large`. A head that comes whole is unescaped in
/// the input and not copied. In constant evaluation every head goes through the memory, a `span_buffer<char>`, as bytes
/// cannot be seen as text there.
///
///     std::array<char, 16384> memory; // for a head that comes in pieces
///     stomp::parser parser{span_buffer<char>(memory)};
///     while (const stomp::parser_event found = parser.next(in)) {
///         if (found.kind == stomp::parser_kind::head) print(text_of(found.command), found.headers.find("receipt"));
///         if (found.kind == stomp::parser_kind::body) print(text_of(found.payload));
///     }
template <class Memory>
class basic_parser {
  public:
    using event = parser_event;
    using kind = parser_kind;

    /// With this memory, and these limits on each frame.
    constexpr explicit basic_parser(Memory memory = {}, const stomp::limits& limits = {}) noexcept
        : memory_(static_cast<Memory&&>(memory)), limits_(limits) {}

    /// Sets the version that the two sides have agreed on (STOMP 1.2 Protocol Negotiation). It holds for the frames
    /// that begin after this call. At first the version is `unknown`, for frames that any version may send before there
    /// is an agreement: lines end in LF or CR LF, and nothing is escaped [S15]. A CONNECT without `accept-version` and
    /// a CONNECTED without `version` are then frames of 1.0 [S16].
    constexpr void set_version(stomp::version agreed) noexcept { version_ = agreed; }
    [[nodiscard]] constexpr stomp::version version() const noexcept { return version_; }

    /// Sets the limits of the frames that begin after this call. If a head is being read, they also hold for its rest.
    constexpr void set_limits(const stomp::limits& limits) noexcept { limits_ = limits; }
    [[nodiscard]] constexpr const stomp::limits& limits() const noexcept { return limits_; }

    /// Takes bytes from the front of `in` up to the end of the next event and returns it. Returns a false event when
    /// `in` is used up. `payload` lies in `in`, and is valid until the input is reused. The headers lie in `in` too, or
    /// in the memory. They are valid until the first call after the last `body` of their frame, or until the input that
    /// they lie in is reused. If the input may go before the frame has ended, call `keep`.
    [[nodiscard]] constexpr event next(bytes& in) noexcept {
        switch (phase_) {
        case phase::between:
        case phase::between_lf: return next_frame(in);
        case phase::head: return next_of_head(in);
        case phase::counted:
        case phase::until_nul: return next_of_body(in);
        case phase::failing: phase_ = phase::ended; return {.kind = kind::error, .error = error_};
        case phase::ended: break;
        }
        return {};
    }

    /// Says that the input has ended. Returns the error that was found before, or `truncated` if the input ended inside
    /// a frame or after a CR between frames, or `none`.
    [[nodiscard]] constexpr errc finish() noexcept {
        if (phase_ != phase::between && phase_ < phase::failing) error_ = errc::truncated;
        phase_ = phase::ended;
        return error_;
    }

    /// The command and headers of the frame that the last event came from.
    [[nodiscard]] constexpr stomp::command command() const noexcept { return scanner_.command(); }
    [[nodiscard]] constexpr stomp::headers headers() const noexcept {
        return stomp::headers(scanner_.lines(in_memory_ ? detail::characters(memory_.contents()) : head_));
    }

    /// Copies the head of the open frame from the input into the memory, if it is not there yet. So it stays until the
    /// frame has ended, also if the input is reused. False if it does not fit. Views that were returned before still
    /// refer to the input; `headers` returns views of the copy. The memory then begins with the head, and the caller
    /// may append to it.
    [[nodiscard]] constexpr bool keep() noexcept {
        if (in_memory_ || !scanner_.done()) return true;
        const auto room = memory_.prepare(head_size_);
        if (room.empty()) return false;
        detail::copy(room.data(), head_, head_size_);
        memory_.commit(head_size_);
        in_memory_ = true;
        return true;
    }

    /// Whether the parser is between two frames, or before the first.
    [[nodiscard]] constexpr bool is_between_frames() const noexcept {
        return phase_ == phase::between || phase_ == phase::between_lf;
    }

    /// The size of the head of the open frame in bytes, which is also the room that it takes in the memory.
    [[nodiscard]] constexpr std::size_t head_size() const noexcept { return head_size_; }

    /// The error that has ended the parser, or `none`. It stays.
    [[nodiscard]] constexpr errc error() const noexcept { return error_; }

    /// The number of bytes that were taken. After an error, the offset in the stream of the byte that breaks the rule.
    [[nodiscard]] constexpr std::uint64_t offset() const noexcept { return position_; }

    /// The offset in the stream of the first byte of the frame or heart-beat that the last event came from.
    [[nodiscard]] constexpr std::uint64_t frame_offset() const noexcept { return frame_begin_; }

    /// The memory that the constructor was given.
    [[nodiscard]] constexpr Memory& memory() noexcept { return memory_; }
    [[nodiscard]] constexpr const Memory& memory() const noexcept { return memory_; }

  private:
    enum class phase : std::uint8_t {
        between,    // between frames
        between_lf, // between frames, after a CR that needs its LF
        head,
        counted,   // in a body of which `left_` bytes are left, or before the NUL after it
        until_nul, // in a body without content-length
        failing,   // the error event is still owed
        ended,
    };

    // A head is copied in parts of at most this size, as it is not known how much of a piece belongs to the head.
    static constexpr std::size_t copied_at_once = 512;

    static constexpr std::byte nul{0}, lf{'\n'}, cr{'\r'};

    constexpr event fail(errc error, std::uint64_t at) noexcept {
        error_ = error;
        position_ = at;
        phase_ = phase::ended;
        return {.kind = kind::error, .error = error};
    }

    constexpr void take(bytes& in, std::size_t size) noexcept {
        in = in.subspan(size);
        position_ += size;
    }

    // Ends of line between frames are heart-beats (STOMP 1.2 Heart-beating) [S4].
    [[nodiscard]] constexpr event next_frame(bytes& in) noexcept {
        if (in.empty()) return {};
        const bool after_cr = phase_ == phase::between_lf;
        if (after_cr && in[0] != lf) return fail(errc::bare_cr, position_ - 1);
        if (!after_cr && in[0] == cr && version_ != version::v1_1) {
            frame_begin_ = position_;
            take(in, 1);
            phase_ = phase::between_lf;
            return next_frame(in);
        }
        if (!after_cr) frame_begin_ = position_;
        if (in[0] == lf) {
            take(in, 1);
            phase_ = phase::between;
            return {.kind = kind::heart_beat};
        }
        memory_.clear();
        in_memory_ = std::is_constant_evaluated();
        scanner_ = detail::stomp_head_scanner(version_);
        phase_ = phase::head;
        return in_memory_ ? next_of_head(in) : whole_head(in);
    }

    [[nodiscard]] constexpr std::size_t limit_of_head() const noexcept {
        return in_memory_ && memory_.limit() < limits_.head ? memory_.limit() : limits_.head;
    }

    // Takes a head that begins in `in`: in place if all of it is there. If not, its first part goes into the memory.
    [[nodiscard]] event whole_head(bytes& in) noexcept {
        const bytes piece = in.first(in.size() < limits_.head ? in.size() : limits_.head);
        head_ = detail::characters(piece);
        const std::size_t size = scanner_.scan(head_, 0, piece.size(), limits_);
        take(in, size);
        if (scanner_.done()) return begin_body(size);
        if (scanner_.error() != errc::none) return fail(scanner_.error(), position_);
        in_memory_ = true;
        if (size > limit_of_head()) return fail(errc::head_too_large, frame_begin_ + limit_of_head());
        if (!append(memory_, piece)) return fail(errc::head_too_large, position_);
        return next_of_head(in);
    }

    // Takes more of a head that comes in pieces. It is collected in the memory, within its limit (STOMP 1.2 Size
    // Limits) [S12]. The scan goes on where it stopped, so each byte is looked at once.
    [[nodiscard]] constexpr event next_of_head(bytes& in) noexcept {
        while (!in.empty()) {
            const std::size_t held = memory_.size();
            if (held >= limit_of_head()) return fail(errc::head_too_large, position_);
            const std::size_t left = limit_of_head() - held;
            std::size_t size = in.size() < copied_at_once ? in.size() : copied_at_once;
            if (size > left) size = left;
            const auto room = memory_.prepare(size);
            if (room.empty()) return fail(errc::head_too_large, position_);
            detail::copy(room.data(), in.data(), size);
            const std::size_t stop = scanner_.scan(detail::characters(memory_.contents()), held, held + size, limits_);
            memory_.commit(scanner_.done() ? stop - held : size);
            if (scanner_.error() != errc::none) return fail(scanner_.error(), frame_begin_ + stop);
            take(in, stop - held);
            if (scanner_.done()) return begin_body(stop);
        }
        return {};
    }

    // Only SEND, MESSAGE and ERROR have a body (STOMP 1.2 Body) [S1], and in 1.0 SUBSCRIBE [S16]. It ends after
    // content-length bytes, or, without that header, at the first NUL (STOMP 1.2 Header content-length) [S2].
    [[nodiscard]] constexpr event begin_body(std::size_t head_size) noexcept {
        head_size_ = static_cast<std::uint32_t>(head_size);
        const stomp::command command = scanner_.command();
        const bool is_counted = scanner_.has_length();
        left_ = is_counted ? scanner_.length() : limits_.body;
        phase_ = is_counted ? phase::counted : phase::until_nul;
        begun_ = false;
        if (!has_body(command, scanner_.version())) {
            if (is_counted && left_ != 0) return fail(errc::unexpected_body, position_);
            phase_ = phase::counted;
            left_ = 0;
        }
        return {.kind = kind::head, .command = command, .headers = headers()};
    }

    [[nodiscard]] constexpr event next_of_body(bytes& in) noexcept {
        if (in.empty()) return {};
        const std::size_t most = in.size() < left_ ? in.size() : static_cast<std::size_t>(left_);
        bytes piece = in.first(most);
        if (phase_ == phase::until_nul) piece = piece.first(detail::place_of_nul(piece));
        const bool ended = piece.size() != in.size() && in[piece.size()] == nul;
        left_ -= piece.size();
        take(in, piece.size() + (ended ? 1U : 0U));
        if (ended) {
            phase_ = phase::between;
        } else if (left_ == 0 && !in.empty()) {
            const errc wrong = !has_body(command(), scanner_.version()) ? errc::unexpected_body
                               : phase_ == phase::until_nul             ? errc::body_too_large
                                                                        : errc::body_not_terminated;
            const event failure = fail(wrong, position_);
            // The bytes before the wrong byte are given out first, so that the events do not depend on the cuts.
            if (piece.empty()) return failure;
            phase_ = phase::failing;
        }
        if (piece.empty() && !ended) return {};
        const bool first = !begun_;
        begun_ = true;
        return {kind::body, scanner_.command(), first, ended, errc::none, headers(), piece};
    }

    Memory memory_;
    stomp::limits limits_;
    detail::stomp_head_scanner scanner_{};
    char* head_ = nullptr; // the head of the open frame, if it lies in the input
    std::uint64_t position_ = 0;
    std::uint64_t frame_begin_ = 0;
    std::uint64_t left_ = 0; // bytes that the body still has, or, without content-length, may have
    std::uint32_t head_size_ = 0;
    stomp::version version_ = stomp::version::unknown;
    phase phase_ = phase::between;
    errc error_ = errc::none;
    bool in_memory_ = false;
    bool begun_ = false; // the first piece of the body was given out
};

/// A parser with memory that the caller owns.
using parser = basic_parser<span_buffer<char>>;

} // namespace sockless::stomp
