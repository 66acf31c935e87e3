// STOMP frames in, events out: heads, bodies in pieces, heart-beats, from bytes that come in pieces.
// SPDX-License-Identifier: MIT
#pragma once

#include "head_scanner.hpp"

namespace sockless::stomp {

enum class parser_kind : std::uint8_t {
    need_input, ///< nothing yet: the input is used up, or the parser has ended
    head,       ///< a frame begins: `command`, `headers`. One or more `body` follow.
    body,       ///< a piece of its body: `first`, `last`, `payload`, which is empty if there is no body
    heart_beat, ///< an end of line between frames
    error,      ///< a rule was broken: `error`. Given once; nothing follows it.
};

/// The name of the enumerator, for logs.
[[nodiscard]] constexpr std::string_view name_of(parser_kind of) noexcept {
    constexpr literal names[] = {"need_input", "head", "body", "heart_beat", "error"};
    static_assert(std::size(names) == static_cast<std::size_t>(parser_kind::error) + 1);
    return names[static_cast<std::size_t>(of)];
}

/// What `next` found. False for `need_input`.
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

/// The same bytes as characters that can be changed: those of a `span_buffer<char>`, or of memory that holds bytes.
[[nodiscard]] constexpr char* characters(std::span<char> memory) noexcept { return memory.data(); }
[[nodiscard]] inline char* characters(bytes memory) noexcept { return reinterpret_cast<char*>(memory.data()); }

} // namespace sockless::stomp::detail

namespace sockless::stomp {

/// Parses the frames that one peer sends, of any version (STOMP 1.2 STOMP Frames and Augmented BNF). The events do not
/// depend on how the input was cut into pieces, only the cuts of bodies do, given a `Memory` with room for
/// `limits::head` bytes: a `span_buffer<char>`, or a `growing_buffer` of that limit. It is used only where a head comes
/// in pieces; then a head that does not fit ends in `head_too_large`. A head that lies in `in` as a whole is unescaped
/// there and not copied. In constant evaluation every head goes through a `span_buffer<char>`, as bytes are no text
/// there.
template <class Memory>
class basic_parser {
  public:
    using event = parser_event;
    using kind = parser_kind;

    constexpr explicit basic_parser(Memory memory = {}, const stomp::limits& limits = {}) noexcept
        : memory_(static_cast<Memory&&>(memory)), limits_(limits) {}

    /// Says which version the sides have agreed on; it is that of the frames after the one that was last begun. At
    /// first it is `unknown`, which reads what any version may send before that: lines end in LF or CR LF, and nothing
    /// is escaped [S15].
    constexpr void set_version(stomp::version agreed) noexcept { version_ = agreed; }
    [[nodiscard]] constexpr stomp::version version() const noexcept { return version_; }

    /// The limits of frames that begin from now on.
    constexpr void set_limits(const stomp::limits& limits) noexcept { limits_ = limits; }
    [[nodiscard]] constexpr const stomp::limits& limits() const noexcept { return limits_; }

    /// Takes bytes from the front of `in` up to the end of the next event and returns it. `payload` lies in `in`.
    /// Headers lie in `in` too, or in the memory; they are valid until the call that follows the last `body` of their
    /// frame, or until the bytes they lie in are reused, whichever comes first: where a body may come later than the
    /// input stays, `keep` them.
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

    /// Says that the input has ended: `truncated` inside a frame, `none` between frames; what was wrong, if anything
    /// was.
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

    /// Copies the head of the open frame into the memory, if it lies in the input: so it stays until the frame has
    /// ended, whatever becomes of the input. False where it does not fit. Views that were handed out stay where they
    /// were: ask `headers` for new ones. The memory then begins with the head, and takes what the caller appends.
    [[nodiscard]] constexpr bool keep() noexcept {
        if (in_memory_ || !scanner_.done()) return true;
        const auto room = memory_.prepare(head_size_);
        if (room.empty()) return false;
        detail::copy(room.data(), head_, head_size_);
        memory_.commit(head_size_);
        in_memory_ = true;
        return true;
    }

    /// Whether a frame has ended and none has begun.
    [[nodiscard]] constexpr bool is_between_frames() const noexcept {
        return phase_ == phase::between || phase_ == phase::between_lf;
    }

    /// Bytes of the head of the open frame, which is what it takes in the memory.
    [[nodiscard]] constexpr std::size_t head_size() const noexcept { return head_size_; }

    /// What went wrong, if anything did. Stays.
    [[nodiscard]] constexpr errc error() const noexcept { return error_; }

    /// How many bytes of the stream were taken; after an error, the offset of the byte that broke the rule.
    [[nodiscard]] constexpr std::uint64_t offset() const noexcept { return position_; }

    /// The place in the stream of the first byte of the frame that the last event came from.
    [[nodiscard]] constexpr std::uint64_t frame_offset() const noexcept { return frame_begin_; }

    /// The memory that was given.
    [[nodiscard]] constexpr Memory& memory() noexcept { return memory_; }
    [[nodiscard]] constexpr const Memory& memory() const noexcept { return memory_; }

  private:
    enum class phase : std::uint8_t {
        between,    // between frames
        between_lf, // there, behind a CR
        head,
        counted,   // in a body of `left_` more bytes, or before the NUL behind it
        until_nul, // in a body without content-length
        failing,   // the error event is still owed
        ended,
    };

    // A head is copied in parts of this size at most, as nobody knows how much of a piece belongs to it.
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
        if (!after_cr && in[0] == cr && version_ != version::v1_0 && version_ != version::v1_1) {
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

    // A head that lies in `in`, or what has come of it.
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

    // [S12], and each byte is looked at once: a head in pieces is collected, and the scan goes on where it stopped.
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

    // [S1] Only SEND, MESSAGE and ERROR have a body; [S2] content-length says where it ends, or the first NUL.
    [[nodiscard]] constexpr event begin_body(std::size_t head_size) noexcept {
        head_size_ = static_cast<std::uint32_t>(head_size);
        const stomp::command command = scanner_.command();
        const bool is_counted = scanner_.has_length();
        left_ = is_counted ? scanner_.length() : limits_.body;
        phase_ = is_counted ? phase::counted : phase::until_nul;
        begun_ = false;
        if (!has_body(command)) {
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
            const errc wrong = !has_body(command())         ? errc::unexpected_body
                               : phase_ == phase::until_nul ? errc::body_too_large
                                                            : errc::body_not_terminated;
            const event failure = fail(wrong, position_);
            // What came before the byte that is wrong is given out, so that the events are those of any other cut.
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
    char* head_ = nullptr; // of the open frame, where it lies in the input
    std::uint64_t position_ = 0;
    std::uint64_t frame_begin_ = 0;
    std::uint64_t left_ = 0; // of the body, or of the limit on it
    std::uint32_t head_size_ = 0;
    stomp::version version_ = stomp::version::unknown;
    phase phase_ = phase::between;
    errc error_ = errc::none;
    bool in_memory_ = false;
    bool begun_ = false; // the body
};

/// With memory that the caller owns.
using parser = basic_parser<span_buffer<char>>;

} // namespace sockless::stomp
