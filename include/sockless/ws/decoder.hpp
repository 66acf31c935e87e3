// Frames in, events out: every rule of RFC 6455 sections 5 to 8 that can be judged from what the peer sends.
// SPDX-License-Identifier: MIT
#pragma once

#include "close_code.hpp"
#include "limits.hpp"
#include "utf8.hpp"

namespace sockless::ws {

/// Decodes the frames that one peer sends, pushed in pieces of any size, in place and without memory of its own.
/// The events do not depend on how the bytes were cut into pieces (F12), only the cuts of data do.
/// 192 bytes; copies are independent. Everything runs in constant evaluation.
class decoder {
  public:
    enum class kind : std::uint8_t {
        need_input, ///< nothing yet: the input is used up, or the decoder has ended
        frame,      ///< the header of a frame, where `show_frames` asked for it: see `header`
        data,       ///< a piece of a message: `type`, `first`, `last`, `compressed`, `payload`
        ping,       ///< a whole Ping: `payload`
        pong,       ///< a whole Pong: `payload`
        close,      ///< the peer's Close: `code` (1005 where it had none), `payload` is the reason. Nothing follows it.
        error,      ///< a rule was broken: `error`. Given once; nothing follows it.
    };

    /// What `next` found. Falsy for `need_input`. `payload` is valid until the next call on the decoder, or until the
    /// input is reused, whichever comes first; it lies in the input, or, for a control frame that came in pieces, in
    /// the decoder.
    struct event {
        decoder::kind kind = kind::need_input;
        message_type type = message_type::text;
        bool first = false;      ///< the first piece of its message
        bool last = false;       ///< the last piece of its message; its payload may be empty
        bool compressed = false; ///< the message came with RSV1 (RFC 7692 section 6); its text was not checked
        errc error = errc::none;
        std::uint16_t code = 0;
        bytes payload{};

        [[nodiscard]] constexpr explicit operator bool() const noexcept { return kind != kind::need_input; }
    };

    /// A decoder in the part of `own`: a server takes what clients send, and the other way round.
    constexpr explicit decoder(role own, const ws::limits& limits = {}) noexcept
        : max_message_(limits.message),
          max_frame_(limits.frame),
          max_frames_(limits.frames),
          mask_bit_(own == role::server ? 0x80 : 0) {
        end_frame();
    }

    /// Says which reserved bits (of `ws::rsv`) an agreed extension gives a meaning; at first none. RSV1 stands for
    /// compression and is taken on the first frame of a message only (RFC 7692 section 6), the others on any data
    /// frame.
    constexpr void agree_to(std::uint8_t rsv_bits) noexcept {
        settings_ = static_cast<std::uint8_t>((settings_ & shows_frames) | (rsv_bits & all_rsv));
    }

    /// Whether each frame is announced by an event of its own, for those who inspect. At first not.
    constexpr void show_frames(bool on) noexcept {
        settings_ = static_cast<std::uint8_t>((settings_ & all_rsv) | (on ? shows_frames : 0));
        if (phase_ == phase::boundary || phase_ == phase::between) end_frame();
    }

    /// Takes bytes from the front of `in` up to the end of the next event, unmasks them where they lie, and returns it.
    [[nodiscard]] constexpr event next(bytes& in) noexcept {
        // Most frames on a busy connection are short, whole, and a message of their own: they are told apart by two
        // bytes and handled here. All else, and everything that is wrong, takes the long way.
        if (phase_ == phase::boundary && in.size() >= 6) {
            const auto first = static_cast<unsigned>(in[0]);
            const unsigned length = static_cast<unsigned>(in[1]) ^ mask_bit_;
            const std::size_t begin = masked() ? 6 : 2;
            if ((first == final_text || first == final_binary) && length <= 125 && length <= in.size() - begin) {
                return short_message(in, first, begin, length);
            }
        }
        return step(in);
    }

    /// Says that the input has ended. `end_of_input` where no Close came before (C8), else `none`.
    [[nodiscard]] constexpr errc finish() noexcept {
        if (phase_ != phase::ended && phase_ != phase::failing) error_ = errc::end_of_input;
        phase_ = phase::ended;
        return error_;
    }

    /// What went wrong, if anything did. Stays.
    [[nodiscard]] constexpr errc error() const noexcept { return error_; }

    /// How many bytes were taken; after an error, the place in the stream of the first byte that broke the rule.
    [[nodiscard]] constexpr std::uint64_t offset() const noexcept { return position_; }

    /// The header of the frame that the last event came from. After an error it is as far as it was read.
    [[nodiscard]] constexpr frame_header header() const noexcept {
        return {opcode(),
                fin(),
                static_cast<std::uint8_t>(first_byte_ >> 4U & 7U),
                masked(),
                std::bit_cast<masking_key>(masked() ? key_ : 0),
                length_};
    }

    /// The place in the stream of that header's first byte.
    [[nodiscard]] constexpr std::uint64_t frame_offset() const noexcept { return frame_begin_; }

  private:
    enum class phase : std::uint8_t {
        boundary, // before a frame, where a short message may be taken the short way
        between,  // before a frame, otherwise
        header,   // in a header, whose bytes so far are held
        data,     // in the payload of a data frame
        control,  // in the payload of a control frame, whose bytes so far are held
        failing,  // the error event is still owed
        ended,    // a Close was received, or the error given
    };

    static constexpr unsigned final_text = 0x81, final_binary = 0x82;

    // What was asked for, in `settings_`: the agreed reserved bits, and one more.
    static constexpr std::uint8_t all_rsv = rsv::rsv1 | rsv::rsv2 | rsv::rsv3, shows_frames = 8;

    // What is known of the open message, in `message_`.
    static constexpr std::uint8_t is_open = 1, is_begun = 2, is_binary = 4, is_compressed = 8;

    [[nodiscard]] constexpr bool masked() const noexcept { return mask_bit_ != 0; }
    [[nodiscard]] constexpr bool fin() const noexcept { return (first_byte_ & 0x80U) != 0; }
    [[nodiscard]] constexpr ws::opcode opcode() const noexcept { return static_cast<ws::opcode>(first_byte_ & 0x0FU); }

    // The one way to fail: `at` is the place in the stream of the first byte that broke the rule.
    constexpr void fail(errc code, std::uint64_t at) noexcept {
        error_ = code;
        position_ = at;
        phase_ = phase::failing;
    }

    constexpr void end_frame() noexcept {
        const bool ordinary = message_ == 0 && (settings_ & shows_frames) == 0 && max_frames_ != 0 &&
                              max_frame_ >= max_control_payload && max_message_ >= max_control_payload;
        phase_ = ordinary ? phase::boundary : phase::between;
    }

    [[nodiscard]] constexpr event short_message(bytes& in, unsigned first, std::size_t begin,
                                                std::size_t length) noexcept {
        const bytes payload = in.subspan(begin, length);
        bool ascii = true;
        if (masked()) {
            key_ = key_at(in.data() + 2);
            ascii = !detail::mask_bytes(payload.data(), payload.data(), length, key_);
        } else if (first == final_text) {
            ascii = !detail::any_high_bit(payload);
        }
        frame_begin_ = position_;
        first_byte_ = static_cast<std::uint8_t>(first);
        length_ = length;
        position_ += begin + length;
        in = in.subspan(begin + length);
        const auto type = static_cast<message_type>(first & 0x0FU);
        if (ascii || type == message_type::binary) return {kind::data, type, true, true, false, errc::none, 0, payload};
        open_message();
        if (const event found = checked_data(payload, ascii, true)) return found;
        return step(in);
    }

    // Everything but short messages, one element at a time.
    [[nodiscard]] constexpr event step(bytes& in) noexcept {
        for (;;) {
            switch (phase_) {
            case phase::boundary:
            case phase::between:
            case phase::header:
                if (!take_header(in)) return {};
                if ((settings_ & shows_frames) != 0 && phase_ != phase::failing) return {.kind = kind::frame};
                break;
            case phase::data:
                if (const event found = take_data(in)) return found;
                if (phase_ == phase::data) return {};
                break;
            case phase::control:
                if (const event found = take_control(in)) return found;
                if (phase_ == phase::control) return {};
                break;
            case phase::failing: phase_ = phase::ended; return {.kind = kind::error, .error = error_};
            case phase::ended:
                // Whatever follows a Close or a failure is nobody's (RFC 6455 sections 1.4 and 7.1.7; C4, C7).
                return {};
            }
        }
    }

    // --- headers

    // Takes a header, in place or, where it comes in pieces, by way of `held_`. False where more bytes are needed; else
    // it was judged, and the phase says what follows. The first two bytes are judged before the rest is waited for.
    [[nodiscard]] constexpr bool take_header(bytes& in) noexcept {
        if (phase_ != phase::header) {
            if (in.empty()) return false;
            frame_begin_ = position_;
            if (in.size() >= max_header_size) {
                const std::byte* const at = in.data();
                if (!judge_first_two(at)) return true;
                const std::size_t size = size_of_header(at);
                position_ += size;
                in = in.subspan(size);
                begin_payload(at, size);
                return true;
            }
            phase_ = phase::header;
        }
        if (!hold(in, position_ - frame_begin_, 2)) return false;
        if (!judge_first_two(held_)) return true;
        const std::size_t size = size_of_header(held_);
        if (!hold(in, position_ - frame_begin_, size)) return false;
        begin_payload(held_, size);
        return true;
    }

    // Adds to the `have` bytes in `held_`, up to `wanted`. False where that takes more input.
    [[nodiscard]] constexpr bool hold(bytes& in, std::uint64_t have, std::uint64_t wanted) noexcept {
        if (have >= wanted) return true;
        const std::size_t missing = static_cast<std::size_t>(wanted - have);
        const std::size_t taken = in.size() < missing ? in.size() : missing;
        detail::copy(held_ + have, in.data(), taken);
        position_ += taken;
        in = in.subspan(taken);
        return taken == missing;
    }

    [[nodiscard]] constexpr std::size_t size_of_header(const std::byte* at) const noexcept {
        const unsigned length = static_cast<unsigned>(at[1]) & 0x7FU;
        return (length <= 125 ? 2U : length == 126 ? 4U : 10U) + (masked() ? 4U : 0U);
    }

    // Judges what the first two bytes say, in the order of the bytes. False where they fail.
    [[nodiscard]] constexpr bool judge_first_two(const std::byte* at) noexcept {
        first_byte_ = static_cast<std::uint8_t>(at[0]);
        const auto second = static_cast<unsigned>(at[1]);
        const bool control = is_control(opcode());
        const bool continues = opcode() == ws::opcode::continuation;

        // Reserved bits are 0 unless an extension was agreed that gives them a meaning (RFC 6455 section 5.2; F1). What
        // was agreed for messages says nothing of control frames, and "compressed" is said once, on the first frame of
        // a message (RFC 7692 section 6; D5).
        const unsigned agreed = control     ? 0U
                                : continues ? settings_ & unsigned{rsv::rsv2 | rsv::rsv3}
                                            : settings_ & unsigned{all_rsv};
        if (((first_byte_ >> 4U & 7U) & ~agreed) != 0) return refuse(errc::reserved_bit_set, 0);

        // An unknown opcode fails the connection (RFC 6455 section 5.2; F2).
        if (!is_known(opcode())) return refuse(errc::unknown_opcode, 0);

        // A control frame is never fragmented (section 5.5; F7).
        if (control && !fin()) return refuse(errc::fragmented_control_frame, 0);

        // A continuation needs an open message, a new message needs none open (section 5.4; F6).
        if (continues && message_ == 0) return refuse(errc::unexpected_continuation, 0);
        if (!continues && !control && message_ != 0) return refuse(errc::expected_continuation, 0);

        // Frames are counted, because empty ones would cost time without end and no bytes (section 10.4; F9).
        if (!control && (continues ? frames_ : 0) >= max_frames_) return refuse(errc::too_many_frames, 0);

        // Every frame from a client is masked, none from a server is (section 5.1; F4).
        if ((second & 0x80U) != mask_bit_) return refuse(masked() ? errc::mask_missing : errc::mask_forbidden, 1);

        // A control frame has at most 125 bytes of payload (section 5.5; F7).
        if (control && (second & 0x7FU) > max_control_payload) return refuse(errc::control_frame_too_long, 1);
        return true;
    }

    constexpr bool refuse(errc code, std::uint64_t offset_in_frame) noexcept {
        fail(code, frame_begin_ + offset_in_frame);
        return false;
    }

    // Reads the rest of the header, `size` bytes in all, judges the length, and turns to the payload.
    constexpr void begin_payload(const std::byte* at, std::size_t size) noexcept {
        const std::size_t extended = size - 2 - (masked() ? 4U : 0U);
        if (masked()) key_ = key_at(at + size - 4);
        length_ = static_cast<std::uint64_t>(at[1]) & 0x7FU;
        if (extended != 0) {
            length_ = 0;
            for (std::size_t i = 0; i != extended; ++i) length_ = length_ << 8U | static_cast<std::uint64_t>(at[2 + i]);
            // The top bit of the longest form is 0, and the fewest bytes that can hold the length are used
            // (section 5.2; F3).
            if (length_ >> 63U != 0) return fail(errc::length_top_bit_set, frame_begin_ + 2);
            if (length_ <= (extended == 2 ? 125U : 0xFFFFU)) return fail(errc::length_not_minimal, frame_begin_ + 2);
        }
        phase_ = phase::control;
        if (!is_control(opcode())) begin_data(frame_begin_ + (extended == 0 ? 1 : 2));
    }

    // Limits hold before any payload is taken (section 10.4; F9). `length_at` is where the length stands.
    constexpr void begin_data(std::uint64_t length_at) noexcept {
        if (opcode() != ws::opcode::continuation) open_message();
        if (length_ > max_message_ - message_size_) return fail(errc::message_too_big, length_at);
        if (length_ > max_frame_) return fail(errc::frame_too_big, length_at);
        message_size_ += length_;
        ++frames_;
        phase_ = phase::data;
    }

    constexpr void open_message() noexcept {
        message_ = is_open;
        if (opcode() == ws::opcode::binary) message_ |= is_binary;
        if ((first_byte_ >> 4U & rsv::rsv1) != 0) message_ |= is_compressed;
        message_size_ = 0;
        frames_ = 0;
    }

    [[nodiscard]] static constexpr std::uint32_t key_at(const std::byte* at) noexcept {
        masking_key key{};
        detail::copy(key.data(), at, key.size());
        return std::bit_cast<std::uint32_t>(key);
    }

    // --- payloads

    [[nodiscard]] constexpr std::uint64_t payload_begin() const noexcept {
        return frame_begin_ + header_size(length_, masked());
    }

    [[nodiscard]] constexpr event take_data(bytes& in) noexcept {
        const std::uint64_t taken = position_ - payload_begin();
        const std::uint64_t left = length_ - taken;
        const bytes piece = in.first(in.size() < left ? in.size() : static_cast<std::size_t>(left));
        if (piece.empty() && left != 0) return {};
        in = in.subspan(piece.size());
        position_ += piece.size();

        bool ascii = true;
        if (masked()) {
            ascii = !detail::mask_bytes(piece.data(), piece.data(), piece.size(), detail::rotated(key_, taken));
        } else if ((message_ & (is_binary | is_compressed)) == 0) {
            ascii = !detail::any_high_bit(piece);
        }
        return checked_data(piece, ascii, piece.size() == left);
    }

    // The event of a piece that was taken and unmasked, and that ends its frame or does not. None where the piece says
    // nothing (an empty fragment), or where not even its first byte may stand.
    [[nodiscard]] constexpr event checked_data(bytes piece, bool ascii, bool ends_frame) noexcept {
        bool last = ends_frame && fin();
        if ((message_ & (is_binary | is_compressed)) == 0) {
            // A text message is UTF-8 as a whole (RFC 6455 section 8.1; F8). The bytes before the first that cannot
            // stand are still given out, so that the events are those of any other cut.
            const std::size_t valid = ascii && text_.complete() ? piece.size() : text_.feed(piece);
            if (valid != piece.size() || (last && !text_.complete())) {
                fail(errc::invalid_utf8, position_ - (piece.size() - valid));
                piece = piece.first(valid);
                last = false;
            }
        }
        if (piece.empty() && !last) {
            if (phase_ != phase::failing) end_frame();
            return {};
        }
        const event found{kind::data,
                          (message_ & is_binary) != 0 ? message_type::binary : message_type::text,
                          (message_ & is_begun) == 0,
                          last,
                          (message_ & is_compressed) != 0,
                          errc::none,
                          0,
                          piece};
        message_ = last ? std::uint8_t{0} : static_cast<std::uint8_t>(message_ | is_begun);
        if (ends_frame && phase_ != phase::failing) end_frame();
        return found;
    }

    [[nodiscard]] constexpr event take_control(bytes& in) noexcept {
        const std::uint64_t have = position_ - payload_begin();
        bytes payload{held_, static_cast<std::size_t>(length_)};
        if (have == 0 && in.size() >= length_) {
            payload = in.first(payload.size());
            in = in.subspan(payload.size());
            position_ += payload.size();
        } else if (!hold(in, have, length_)) {
            return {};
        }
        if (masked()) static_cast<void>(detail::mask_bytes(payload.data(), payload.data(), payload.size(), key_));
        if (opcode() == ws::opcode::close) return judge_close(payload);
        end_frame();
        return {.kind = opcode() == ws::opcode::ping ? kind::ping : kind::pong, .payload = payload};
    }

    [[nodiscard]] constexpr event judge_close(bytes payload) noexcept {
        phase_ = phase::ended;
        // Without a payload the status is "no status received" (RFC 6455 section 7.1.5; C5).
        if (payload.empty()) return {.kind = kind::close, .code = close_code::no_status};

        // Where there is a payload it begins with a code of two bytes (section 5.5.1; C1).
        if (payload.size() == 1) return failed(errc::close_payload_too_short, 0);

        // Some codes never stand on the wire (section 7.4; C3).
        const auto code =
            static_cast<std::uint16_t>(static_cast<unsigned>(payload[0]) << 8U | static_cast<unsigned>(payload[1]));
        if (!is_sendable(code)) return failed(errc::close_code_invalid, 0);

        // The reason is UTF-8 (section 5.5.1; C2).
        const bytes reason = payload.subspan(2);
        utf8_validator text;
        const std::size_t valid = text.feed(reason);
        if (valid != reason.size() || !text.complete()) return failed(errc::close_reason_invalid_utf8, 2 + valid);
        return {.kind = kind::close, .code = code, .payload = reason};
    }

    [[nodiscard]] constexpr event failed(errc code, std::uint64_t offset_in_payload) noexcept {
        fail(code, payload_begin() + offset_in_payload);
        return {};
    }

    std::uint64_t position_ = 0;     // in the stream: of the next byte, or of the one that failed
    std::uint64_t frame_begin_ = 0;  // in the stream: of the current frame
    std::uint64_t length_ = 0;       // of the current frame's payload
    std::uint64_t message_size_ = 0; // of the open message, counted by the headers of its frames
    std::uint64_t max_message_;
    std::uint64_t max_frame_;
    std::uint32_t max_frames_;
    std::uint32_t frames_ = 0; // of the open message
    std::uint32_t key_ = 0;
    std::uint8_t mask_bit_; // as it must be in what is received
    std::uint8_t first_byte_ = 0;
    std::uint8_t settings_ = 0;
    std::uint8_t message_ = 0;
    errc error_ = errc::none;
    phase phase_ = phase::between;
    utf8_validator text_;
    std::byte held_[max_control_payload] = {}; // a header, or a control frame's payload, that came in pieces
};

static_assert(sizeof(decoder) <= 192);

} // namespace sockless::ws
