// The decoder of WebSocket frames: checks all rules of RFC 6455 sections 5 to 8 that the bytes of the peer can break.
// SPDX-License-Identifier: MIT
#pragma once

#include "../utf8.hpp"
#include "close_code.hpp"
#include "limits.hpp"
#include "mask.hpp"

#include "../detail/compiler_begin.inc"

namespace sockless::ws {

/// Decodes the frames that one peer sends. The bytes come in pieces of any size; payloads are unmasked in place, and no
/// memory is allocated. The events do not depend on the cuts between the pieces [F12]; only the data of a message may
/// be cut otherwise. A decoder is 192 bytes, and copies are independent. Everything runs in constant evaluation.
///
///     ws::decoder frames(role::server);
///     while (const ws::decoder::event found = frames.next(in)) {
///         if (found.kind == ws::decoder::kind::data) print(text_of(found.payload), found.last);
///         if (found.kind == ws::decoder::kind::error) print(sockless::error(found.error).sentence());
///     }
class decoder {
  public:
    /// The kinds of `event`. Behind each kind stand the members of the event that it sets.
    enum class kind : std::uint8_t {
        need_input, ///< nothing yet: the input is used up, or the decoder has ended
        frame,      ///< the header of a frame, if `show_frames` is on: see `header`
        data,       ///< a piece of a message: `type`, `first`, `last`, `compressed`, `payload`
        ping,       ///< a whole Ping: `payload`
        pong,       ///< a whole Pong: `payload`
        close,      ///< the peer's Close: `code` (1005 if it has none), `payload` is the reason. No event follows.
        error,      ///< the input breaks a rule: `error`. Given once; no event follows.
    };

    /// The result of `next`. False for `need_input`. `payload` lies in the input, or in the decoder if it is that of a
    /// control frame that came in pieces. It is valid until the next call on the decoder, or until the input is reused.
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

    /// The part of the input that `take_whole_message` took.
    enum class took : std::uint8_t {
        nothing, ///< nothing: there is no such message, or only `next_stepwise` can judge it
        header,  ///< the header of a message in one frame; only a part of its payload is there
        message, ///< a whole message
    };

    /// A decoder for the side `own`: a server decodes the frames of a client, a client those of a server. `peer` says
    /// which rules the other side may break.
    constexpr explicit decoder(role own, const ws::limits& limits = {}, ws::tolerated peer = {}) noexcept
        : max_message_(limits.message),
          max_frame_(limits.frame),
          max_frames_(limits.frames),
          settings_(settings_for(own, peer)) {
        show_frames(false);
    }

    /// Sets the reserved bits (of `ws::rsv`) to which an agreed extension gives a meaning; at first none. RSV1 stands
    /// for compression and is allowed only on the first frame of a message (RFC 7692 section 6). The others are allowed
    /// on every data frame.
    constexpr void agree_to(std::uint8_t rsv_bits) noexcept {
        settings_ = static_cast<std::uint8_t>((settings_ & ~agreed_rsv) | (rsv_bits & agreed_rsv));
    }

    /// Sets whether an event `frame` announces each frame, for programs that inspect frames. At first it is off.
    constexpr void show_frames(bool on) noexcept {
        // The short way announces no frames, and does not compare lengths of one byte with the limits.
        const bool short_way =
            !on && max_frames_ != 0 && max_frame_ >= max_control_payload && max_message_ >= max_control_payload;
        const unsigned kept = settings_ & (unsigned{masked} | agreed_rsv | longer_lengths | unmasked_frames);
        settings_ = static_cast<std::uint8_t>(kept | (on ? shows_frames : 0U) | (short_way ? has_short_way : 0U));
        if (phase_ == phase::before_message || phase_ == phase::before_frame) await_frame();
    }

    /// Takes bytes from the front of `in` up to the end of the next event, unmasks them in place, and returns the
    /// event. Returns a false event when `in` is used up.
    [[nodiscard]] SOCKLESS_ALWAYS_INLINE constexpr event next(bytes& in) noexcept {
        event found;
        if (take_whole_message(in, found.type, found.payload) == took::message) {
            found.kind = kind::data;
            found.first = found.last = true;
        } else {
            go_on(in, found);
        }
        return found;
    }

    /// The short way of `next`, for callers with an event of their own. Looks for one thing only: a whole message in
    /// one frame, not compressed. If one lies at the front of `in`, takes it, sets `type` and `payload` (valid as in an
    /// event of `next`), and returns `took::message`. If not, sets neither, and the next event comes from
    /// `next_stepwise`.
    [[nodiscard]] SOCKLESS_ALWAYS_INLINE constexpr took take_whole_message(bytes& in, message_type& type,
                                                                           bytes& payload) noexcept {
        if (phase_ != phase::before_message || in.size() < 6) return took::nothing;
        if (in[0] != final_text && in[0] != final_binary) return took::nothing;
        std::size_t header = 2 + key_size();
        std::size_t length = static_cast<std::size_t>(in[1]) ^ mask_bit();
        if (length > 125) {
            if (length != 126 || in.size() < 8) return took::nothing;
            header += 2;
            length = static_cast<std::size_t>(in[2]) << 8U | static_cast<std::size_t>(in[3]);
            // The long way refuses a length that has a shorter form, and one that is above a limit.
            if (length <= 125 || length > max_frame_ || length > max_message_) return took::nothing;
        }
        const bytes rest = in.subspan(header);
        if (length > rest.size()) {
            if (rest.empty()) return took::nothing;
            take_judged_header(in.data(), header);
            in = rest;
            return took::header;
        }

        const bytes whole = rest.first(length);
        const bool text = in[0] == final_text;
        if (is_masked()) key_ = key_at(whole.data() - 4);
        if (!unmask(whole, key_, text) && text && !is_utf8_or_untouched(whole)) return took::nothing;
        first_byte_ = static_cast<std::uint8_t>(in[0]);
        header_size_ = static_cast<std::uint8_t>(header);
        length_ = length;
        payload_begin_ = position_ + header;
        position_ = payload_begin_ + length;
        in = rest.subspan(length);
        type = static_cast<message_type>(first_byte_ & type_bits);
        payload = whole;
        return took::message;
    }

    /// The rest of `next`, for callers to which `take_whole_message` has just given no message: it does not look for a
    /// whole message again. At any other time it gives the same events as `next`, only more slowly.
    [[nodiscard]] SOCKLESS_ALWAYS_INLINE constexpr event next_stepwise(bytes& in) noexcept {
        event found;
        go_on(in, found);
        return found;
    }

    /// Says that the input has ended. Returns the error that was found before, or `end_of_input` if no Close came (RFC
    /// 6455 section 7.1.5) [C8], or `none`.
    [[nodiscard]] constexpr errc finish() noexcept {
        if (phase_ != phase::ended && phase_ != phase::failing) error_ = errc::end_of_input;
        phase_ = phase::ended;
        return error_;
    }

    /// The error that has ended the decoder, or `none`. It stays.
    [[nodiscard]] constexpr errc error() const noexcept { return error_; }

    /// The number of bytes that were taken. After an error, the offset in the stream of the first byte that breaks the
    /// rule.
    [[nodiscard]] constexpr std::uint64_t offset() const noexcept { return position_; }

    /// The header of the frame that the last event came from. After an error only the parts before the error count.
    [[nodiscard]] constexpr frame_header header() const noexcept {
        return {opcode(),
                fin(),
                static_cast<std::uint8_t>(rsv_bits()),
                is_masked(),
                detail::bits_as<masking_key>(is_masked() ? key_ : 0),
                length_};
    }

    /// The offset in the stream of the first byte of that header.
    [[nodiscard]] constexpr std::uint64_t frame_offset() const noexcept { return payload_begin_ - header_size_; }

  private:
    // docs/design.md ("The shape of a decoder") draws the ways between the phases. In the first four phases there is no
    // event without input.
    enum class phase : std::uint8_t {
        before_message, // before a frame; no message is open, and the short way may be taken
        before_frame,   // before a frame, and only the long way may be taken
        header,         // in a header, whose bytes so far are held
        data,           // in the payload of a data frame; at least one byte of it is left
        no_data,        // behind the header of a data frame without a payload
        control,        // in the payload of a control frame, whose bytes so far are held
        failing,        // the error event is still owed
        ended,          // a Close was received, or the error given, or the input has ended
    };

    // The open message: the opcode and RSV1 of its first frame. Control frames do not change it.
    enum class open_message : std::uint8_t {
        none = 0,
        text = 1,
        binary = 2,
        compressed_text = text | rsv::rsv1,
        compressed_binary = binary | rsv::rsv1,
    };
    static constexpr std::uint8_t type_bits = 3;

    // The bits of `settings_`. Only the caller changes them, not the input; but if `unmasked_frames` is set, `masked`
    // is that of the last frame. `masked` is the same bit as in a header. `has_short_way` follows from the limits and
    // from `shows_frames`. `longer_lengths` and `unmasked_frames` are those of `ws::tolerated`, the latter only in a
    // server.
    static constexpr std::uint8_t agreed_rsv = rsv::rsv1 | rsv::rsv2 | rsv::rsv3, shows_frames = 8, has_short_way = 16,
                                  longer_lengths = 32, unmasked_frames = 64, masked = 128;

    [[nodiscard]] static constexpr std::uint8_t settings_for(role own, ws::tolerated peer) noexcept {
        const bool serves = own == role::server;
        return static_cast<std::uint8_t>((serves ? masked : 0U) | (peer.longer_lengths ? longer_lengths : 0U) |
                                         (serves && peer.unmasked_frames ? unmasked_frames : 0U));
    }

    static constexpr std::byte final_text{0x81}, final_binary{0x82};

    // The mask of the current frame, and what is expected of the next one: the bit in its header, and the size of its
    // key in bytes.
    [[nodiscard]] constexpr unsigned mask_bit() const noexcept { return settings_ & unsigned{masked}; }
    [[nodiscard]] constexpr bool is_masked() const noexcept { return (settings_ & masked) != 0; }
    [[nodiscard]] constexpr unsigned key_size() const noexcept { return (settings_ & masked) != 0 ? 4 : 0; }

    // The parts of the first byte of the current frame.
    [[nodiscard]] constexpr bool fin() const noexcept { return (first_byte_ & 0x80U) != 0; }
    [[nodiscard]] constexpr unsigned rsv_bits() const noexcept { return first_byte_ >> 4U & 7U; }
    [[nodiscard]] constexpr ws::opcode opcode() const noexcept { return static_cast<ws::opcode>(first_byte_ & 0x0FU); }

    // Every failure goes this way. `at` is the offset in the stream of the first byte that breaks the rule.
    constexpr void fail(errc code, std::uint64_t at) noexcept {
        error_ = code;
        position_ = at;
        phase_ = phase::failing;
    }

    constexpr void await_frame() noexcept {
        const bool short_way = message_ == open_message::none && (settings_ & has_short_way) != 0;
        phase_ = short_way ? phase::before_message : phase::before_frame;
    }

    // --- the short ways

    // Finds the next event. Pieces of a payload take a short way, as the input may come in small reads. All else, and
    // everything that is wrong, takes the long way. The long way works on a copy of `in`, so that the `in` of the
    // caller can stay in registers.
    SOCKLESS_ALWAYS_INLINE constexpr void go_on(bytes& in, event& found) noexcept {
        // Callers call until there is no event, so once for each read there is no input.
        if (in.empty() && phase_ <= phase::data) return;
        if (phase_ == phase::data) {
            take_piece(in, found);
        } else {
            bytes rest = in;
            step(rest, found);
            in = rest;
        }
    }

    // Takes the header of a message, `size` bytes at `at`, which was judged before. The payload comes next.
    SOCKLESS_NEVER_INLINE constexpr void take_judged_header(const std::byte* at, std::size_t size) noexcept {
        first_byte_ = static_cast<std::uint8_t>(at[0]);
        payload_begin_ = position_;
        position_ += size;
        begin_payload(at, size);
    }

    // Whether the payload of a message is UTF-8. If it is not, it is masked again, so that the long way finds the input
    // as it came, and reports the error.
    [[nodiscard]] SOCKLESS_NEVER_INLINE constexpr bool is_utf8_or_untouched(bytes payload) noexcept {
        if (is_utf8(payload)) return true;
        if (is_masked()) static_cast<void>(detail::mask_bytes(payload.data(), payload.data(), payload.size(), key_));
        return false;
    }

    // --- the long way

    // Finds any event, one element of a frame at a time.
    SOCKLESS_NEVER_INLINE constexpr void step(bytes& in, event& found) noexcept {
        for (;;) {
            switch (phase_) {
            case phase::before_message:
            case phase::before_frame:
            case phase::header:
                if (!take_header(in)) return;
                if ((settings_ & shows_frames) != 0 && phase_ != phase::failing) {
                    found.kind = kind::frame;
                    return;
                }
                break;
            case phase::data:
                if (!in.empty()) take_piece(in, found);
                return;
            case phase::no_data:
                if (check_data(in.first(0), message_size_ == 0, true, true, found)) return;
                break;
            case phase::control:
                if (take_control(in, found) || phase_ == phase::control) return;
                break;
            case phase::failing: return give_error(found);
            case phase::ended:
                // Bytes behind a Close or a failure are not read (RFC 6455 sections 1.4 and 7.1.7) [C4] [C7].
                return;
            }
        }
    }

    constexpr void give_error(event& found) noexcept {
        phase_ = phase::ended;
        found.kind = kind::error;
        found.error = error_;
    }

    // --- headers

    // Takes and judges a header: in place, or in `held_` if it comes in pieces. False if more bytes are needed; else
    // the phase says what comes next. The first two bytes are judged as soon as they are there.
    [[nodiscard]] constexpr bool take_header(bytes& in) noexcept {
        if (phase_ != phase::header) {
            if (in.empty()) return false;
            payload_begin_ = position_;
            header_size_ = 0;
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
        if (!hold(in, position_ - payload_begin_, 2)) return false;
        if (!judge_first_two(held_)) return true;
        const std::size_t size = size_of_header(held_);
        if (!hold(in, position_ - payload_begin_, size)) return false;
        begin_payload(held_, size);
        return true;
    }

    // Adds bytes of `in` to the `have` bytes in `held_`, until there are `wanted`. False if `in` ends before.
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
        return (length <= 125 ? 2U : length == 126 ? 4U : 10U) + key_size();
    }

    // Judges the first two bytes of a header, in their order. False if they break a rule.
    [[nodiscard]] constexpr bool judge_first_two(const std::byte* at) noexcept {
        first_byte_ = static_cast<std::uint8_t>(at[0]);
        const auto second = static_cast<unsigned>(at[1]);
        const bool control = is_control(opcode());
        const bool continues = opcode() == ws::opcode::continuation;

        // Reserved bits are 0 unless an extension was agreed that gives them a meaning (RFC 6455 section 5.2) [F1]. An
        // agreement is about data frames, not about control frames. The bit for "compressed" stands only on the first
        // frame of a message (RFC 7692 section 6) [D5].
        const unsigned agreed = control     ? 0U
                                : continues ? settings_ & unsigned{rsv::rsv2 | rsv::rsv3}
                                            : settings_ & unsigned{agreed_rsv};
        if ((rsv_bits() & ~agreed) != 0) return refuse(errc::reserved_bit_set, 0);

        // An unknown opcode fails the connection (RFC 6455 section 5.2) [F2].
        if (!is_known(opcode())) return refuse(errc::unknown_opcode, 0);

        // A control frame is never fragmented (section 5.5) [F7].
        if (control && !fin()) return refuse(errc::fragmented_control_frame, 0);

        // A continuation needs an open message, a new message needs none open (section 5.4) [F6].
        if (continues && message_ == open_message::none) return refuse(errc::unexpected_continuation, 0);
        if (!continues && !control && message_ != open_message::none) return refuse(errc::expected_continuation, 0);

        // Frames are counted, because a message of endless empty frames would never reach the limit on its bytes
        // (section 10.4) [F9].
        if (!control && (continues ? frames_ : 0) >= max_frames_) return refuse(errc::too_many_frames, 0);

        // Every frame from a client is masked, none from a server is (section 5.1) [F4].
        if ((second & 0x80U) != mask_bit()) return judge_other_mask(second, control);
        return judge_length_of_control(second, control);
    }

    // The caller may have said that frames of clients need no mask [F4]. Then the next frame is expected to be like
    // this one, so a client that never masks has the short ways too. Neither this nor `judge_longer_length` is inlined:
    // so `ws::tolerated` costs nothing as long as no frame needs it.
    [[nodiscard]] SOCKLESS_NEVER_INLINE constexpr bool judge_other_mask(unsigned second, bool control) noexcept {
        if ((settings_ & unmasked_frames) == 0) {
            return refuse(is_masked() ? errc::mask_missing : errc::mask_forbidden, 1);
        }
        settings_ ^= masked;
        return judge_length_of_control(second, control);
    }

    [[nodiscard]] SOCKLESS_ALWAYS_INLINE constexpr bool judge_length_of_control(unsigned second,
                                                                                bool control) noexcept {
        // A control frame has at most 125 bytes of payload (section 5.5) [F7].
        if (control && (second & 0x7FU) > max_control_payload) return refuse(errc::control_frame_too_long, 1);
        return true;
    }

    // While a header is read, `payload_begin_` is the offset of the first byte of the frame.
    constexpr bool refuse(errc code, std::uint64_t offset_in_frame) noexcept {
        fail(code, payload_begin_ + offset_in_frame);
        return false;
    }

    // Reads the rest of the header, which has `size` bytes in all, and judges the length. The payload comes next.
    constexpr void begin_payload(const std::byte* at, std::size_t size) noexcept {
        const std::size_t extended = size - 2 - key_size();
        if (is_masked()) key_ = key_at(at + size - 4);
        length_ = static_cast<std::uint64_t>(at[1]) & 0x7FU;
        if (extended != 0) {
            length_ = 0;
            for (std::size_t i = 0; i != extended; ++i) length_ = length_ << 8U | static_cast<std::uint64_t>(at[2 + i]);
            // The top bit of the longest form is 0, and the fewest bytes that can hold the length are used (section
            // 5.2) [F3].
            if (length_ >> 63U != 0) return fail(errc::length_top_bit_set, payload_begin_ + 2);
            if (length_ <= (extended == 2 ? 125U : 0xFFFFU)) return judge_longer_length(size);
        }
        end_header(size, extended == 0 ? 1 : 2);
    }

    // The caller may have said that its peer need not use the fewest bytes [F3].
    SOCKLESS_NEVER_INLINE constexpr void judge_longer_length(std::size_t size) noexcept {
        if ((settings_ & longer_lengths) == 0) return fail(errc::length_not_minimal, payload_begin_ + 2);
        end_header(size, 2);
    }

    // The header was judged but for the limits. `length_at` is the offset of the length in it.
    SOCKLESS_ALWAYS_INLINE constexpr void end_header(std::size_t size, unsigned length_at) noexcept {
        phase_ = phase::control;
        if (!is_control(opcode())) begin_data(payload_begin_ + length_at);
        payload_begin_ += size;
        header_size_ = static_cast<std::uint8_t>(size);
    }

    // The limits are checked before any payload is taken (section 10.4) [F9]. `length_at` is the offset of the length.
    constexpr void begin_data(std::uint64_t length_at) noexcept {
        if (opcode() != ws::opcode::continuation) begin_message();
        if (length_ > max_message_ - message_size_) return fail(errc::message_too_big, length_at);
        if (length_ > max_frame_) return fail(errc::frame_too_big, length_at);
        message_size_ += length_;
        ++frames_;
        phase_ = length_ != 0 ? phase::data : phase::no_data;
    }

    constexpr void begin_message() noexcept {
        message_ = static_cast<open_message>((first_byte_ & type_bits) | (rsv_bits() & rsv::rsv1));
        message_size_ = 0;
        frames_ = 0;
    }

    [[nodiscard]] static constexpr std::uint32_t key_at(const std::byte* at) noexcept {
        masking_key key{};
        detail::copy(key.data(), at, key.size());
        return detail::bits_as<std::uint32_t>(key);
    }

    // --- payloads

    // The bytes of the payload of the current frame that were taken, and those that are left.
    [[nodiscard]] constexpr std::uint64_t taken() const noexcept { return position_ - payload_begin_; }
    [[nodiscard]] constexpr std::uint64_t left() const noexcept { return length_ - taken(); }

    // Unmasks a piece of a message. Returns whether it is ASCII. If the message is not text, the result means nothing.
    [[nodiscard]] SOCKLESS_ALWAYS_INLINE constexpr bool unmask(bytes piece, std::uint32_t key,
                                                               bool text) const noexcept {
        if (is_masked()) return !detail::mask_bytes(piece.data(), piece.data(), piece.size(), key);
        return !text || !detail::any_high_bit(piece);
    }

    [[nodiscard]] constexpr event data_event(bytes piece, bool first, bool last) const noexcept {
        const auto message = static_cast<std::uint8_t>(message_);
        return {kind::data,
                static_cast<message_type>(message & type_bits),
                first,
                last,
                (message & rsv::rsv1) != 0,
                errc::none,
                0,
                piece};
    }

    // Takes a piece of the payload, of which at least one byte is left, from the front of `in`. Only a piece that must
    // be checked for UTF-8 needs `check_data`.
    SOCKLESS_ALWAYS_INLINE constexpr void take_piece(bytes& in, event& found) noexcept {
        const std::uint64_t size = left();
        // This is the first piece if no byte of those that the headers have announced for the message has come.
        const bool first = size == message_size_;
        const bool ends_frame = in.size() >= size;
        const bytes piece = in.first(ends_frame ? static_cast<std::size_t>(size) : in.size());
        const bool text = message_ == open_message::text;
        const bool ascii = unmask(piece, detail::rotated(key_, taken()), text);
        in = in.subspan(piece.size());
        position_ += piece.size();
        if (text && !(ascii && text_.complete())) {
            if (!check_data(piece, first, ends_frame, ascii, found)) give_error(found);
            return;
        }
        const bool last = ends_frame && fin();
        found = data_event(piece, first, last);
        if (ends_frame) end_data_frame();
    }

    // Makes the event of a piece that was taken and unmasked. `ends_frame` says whether it is the last of its frame.
    // False, without an event, if the piece is an empty fragment, or if its first byte already breaks the rule.
    [[nodiscard]] constexpr bool check_data(bytes piece, bool first, bool ends_frame, bool ascii,
                                            event& found) noexcept {
        bool last = ends_frame && fin();
        if (message_ == open_message::text) {
            // A text message is UTF-8 as a whole (RFC 6455 section 8.1) [F8]. The bytes before the first wrong byte are
            // still given out, so that the events do not depend on the cuts.
            const std::size_t valid = ascii && text_.complete() ? piece.size() : text_.feed(piece);
            if (valid != piece.size() || (last && !text_.complete())) {
                fail(errc::invalid_utf8, position_ - (piece.size() - valid));
                piece = piece.first(valid);
                last = false;
            }
        }
        const bool says_something = !piece.empty() || last;
        if (says_something) found = data_event(piece, first, last);
        if (ends_frame && phase_ != phase::failing) end_data_frame();
        return says_something;
    }

    constexpr void end_data_frame() noexcept {
        if (fin()) message_ = open_message::none;
        await_frame();
    }

    [[nodiscard]] constexpr bool take_control(bytes& in, event& found) noexcept {
        const std::uint64_t have = taken();
        bytes payload{held_, static_cast<std::size_t>(length_)};
        if (have == 0 && in.size() >= length_) {
            payload = in.first(payload.size());
            in = in.subspan(payload.size());
            position_ += payload.size();
        } else if (!hold(in, have, length_)) {
            return false;
        }
        if (is_masked()) static_cast<void>(detail::mask_bytes(payload.data(), payload.data(), payload.size(), key_));
        if (opcode() == ws::opcode::close) return judge_close(payload, found);
        await_frame();
        found.kind = opcode() == ws::opcode::ping ? kind::ping : kind::pong;
        found.payload = payload;
        return true;
    }

    [[nodiscard]] constexpr bool judge_close(bytes payload, event& found) noexcept {
        phase_ = phase::ended;
        found.kind = kind::close;
        // Without a payload the status is "no status received" (RFC 6455 section 7.1.5) [C5].
        found.code = close_code::no_status;
        if (payload.empty()) return true;

        // If there is a payload, it begins with a code of two bytes (section 5.5.1) [C1].
        if (payload.size() == 1) return refuse_close(errc::close_payload_too_short, 0, found);

        // Some codes never stand on the wire (section 7.4) [C3].
        found.code =
            static_cast<std::uint16_t>(static_cast<unsigned>(payload[0]) << 8U | static_cast<unsigned>(payload[1]));
        if (!is_sendable(found.code)) return refuse_close(errc::close_code_invalid, 0, found);

        // The reason is UTF-8 (section 5.5.1) [C2].
        found.payload = payload.subspan(2);
        utf8_validator text;
        const std::size_t valid = text.feed(found.payload);
        if (valid == found.payload.size() && text.complete()) return true;
        return refuse_close(errc::close_reason_invalid_utf8, 2 + valid, found);
    }

    [[nodiscard]] constexpr bool refuse_close(errc code, std::uint64_t offset_in_payload, event& found) noexcept {
        found = {};
        fail(code, payload_begin_ + offset_in_payload);
        return false;
    }

    std::uint64_t position_ = 0;      // the offset in the stream of the next byte, or of the one that broke a rule
    std::uint64_t payload_begin_ = 0; // the offset in the stream of the payload of the current frame
    std::uint64_t length_ = 0;        // of the payload of the current frame
    std::uint64_t message_size_ = 0;  // of the open message, counted by the headers of its frames
    std::uint64_t max_message_;
    std::uint64_t max_frame_;
    std::uint32_t max_frames_;
    std::uint32_t frames_ = 0; // of the open message
    std::uint32_t key_ = 0;
    std::uint8_t header_size_ = 0; // of the current frame, once it is read
    std::uint8_t first_byte_ = 0;
    std::uint8_t settings_;
    open_message message_ = open_message::none;
    errc error_ = errc::none;
    phase phase_ = phase::before_frame;
    utf8_validator text_;
    std::byte held_[max_control_payload] = {}; // a header, or a control frame's payload, that came in pieces
};

static_assert(sizeof(decoder) <= 192);

/// The name of the enumerator, for logs.
[[nodiscard]] constexpr std::string_view name_of(decoder::kind of) noexcept {
    constexpr literal names[] = {"need_input", "frame", "data", "ping", "pong", "close", "error"};
    static_assert(std::size(names) == static_cast<std::size_t>(decoder::kind::error) + 1);
    return names[static_cast<std::size_t>(of)];
}

} // namespace sockless::ws

#include "../detail/compiler_end.inc"
