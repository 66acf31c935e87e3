// The open WebSocket, the same for both ends: messages, Pongs, the closing handshake, deadlines, output.
// SPDX-License-Identifier: MIT
#pragma once

#include <new>

#include "../detail/deadline.hpp"
#include "../detail/outbox.hpp"
#include "assembler.hpp"
#include "deflate/compression.hpp"
#include "encode.hpp"
#include "entropy.hpp"
#include "event.hpp"
#include "opening.hpp"
#include "pong.hpp"
#include "prepared_message.hpp"

#include "../detail/compiler_begin.inc"

namespace sockless::ws {

/// How a connection behaves. Durations are in milliseconds, sizes in bytes. Timeouts need a caller that calls `tick`.
struct options {
    ws::limits limits{};                   ///< on what the peer sends once the connection is open
    http::limits head{};                   ///< on what the peer sends before
    std::size_t output = 32 * 1024 * 1024; ///< the most that waits to be sent, if the memory comes from the heap
    ws::tolerated tolerated{};             ///< rules about frames that the peer may break

    std::uint32_t handshake_timeout = 10'000; ///< for the opening handshake, from the first `tick`
    std::uint32_t close_timeout = 5'000; ///< for the peer's Close after ours, and for the server to end the connection
    std::uint32_t ping_interval = never; ///< of silence, after which a Ping asks for a sign of life
    std::uint32_t pong_timeout = 20'000; ///< for any sign of life after that Ping

    bool automatic_pongs = true; ///< answer Pings; else the caller does, with `pong` (RFC 6455 section 5.5.2)
    bool whole_messages = true;  ///< `message` events; else `piece` events as bytes come, and no memory but to inflate
    bool show_frames = false;    ///< a `frame` event for each header, for programs that inspect
    bool show_requests = false;  ///< server: requests for no upgrade are shown (`http_request`), not refused with 426

    /// Requests, and responses with status 101, that break a rule which does not touch framing (`acceptable_faults`)
    /// are shown with their error, and the caller decides. Else they are refused, or fail the connection.
    bool show_faults = false;
};

/// The state of a connection (RFC 6455 section 7.1).
enum class state : std::uint8_t {
    opening, ///< the opening handshake is not done
    open,    ///< messages go both ways
    closing, ///< our Close was sent; messages still come until the peer's
    closed,  ///< nothing comes any more; what is queued still goes out
};

/// How `send_written` queues what was written. In bytes of payload.
struct written_message {
    std::size_t likely = 512; ///< the size that it will probably have: then it is written once
    std::size_t reserve = 0;  ///< so much can be sent afterwards

    /// The most bytes in one message; at least 4. A longer payload goes out as several messages, and text is cut
    /// between characters. For protocols that give no meaning to the boundaries of messages.
    std::size_t most = SIZE_MAX;
};

/// Makes a server or client begin open: another library, or HTTP/2, has done the opening handshake. See the
/// constructors of `basic_server` and `basic_client`.
struct already_open {};

} // namespace sockless::ws

namespace sockless::ws::detail {

struct no_keys {};

/// A connection that always begins open has no opening handshake.
struct no_handshake {};

} // namespace sockless::ws::detail

namespace sockless::ws {

/// One end of an open WebSocket: the part that `basic_server` and `basic_client` share, once their opening handshake is
/// done. See these two. `Buffer` holds messages that come in pieces, and output. `Compression` is `no_compression` or a
/// `deflate_stage`. `Handshake` is the state of the opening handshake. Nothing here does I/O, reads a clock, or
/// allocates but through `Buffer` and `Compression`.
template <role Own, class Buffer, compression Compression = no_compression, class Handshake = detail::no_handshake>
class connection {
  public:
    using event = ws::event;
    using kind = ws::kind;

    /// Queues a whole message. Text must be UTF-8. Errors: `not_open` before and after the connection is open and once
    /// a Close was sent (RFC 6455 section 5.5.1), `message_open` inside a message in pieces, `payload_not_utf8`,
    /// `no_room` if the output's limit would be passed, client: `no_entropy` if there is no masking key; then nothing
    /// was queued.
    [[nodiscard]] sockless::error send(message_type type, byte_view payload,
                                       compressed wish = compressed::automatic) noexcept {
        if (sending_ != sending::nothing) return is_open() ? errc::message_open : errc::not_open;
        return send_piece(type, payload, true, wish);
    }

    /// Queues a message that was prepared for many connections. A server with memory from the heap shares the bytes
    /// with all that wait to send them. Errors: those of `send`, and that of `message`.
    [[nodiscard]] sockless::error send(const prepared_message& message,
                                       compressed wish = compressed::automatic) noexcept {
        if (sending_ != sending::nothing) return is_open() ? errc::message_open : errc::not_open;
        if (!is_open()) return errc::not_open;
        if (message.error()) return message.error();
        if constexpr (Compression::available) {
            if (message.stays_ && wish == compressed::automatic) wish = compressed::never;
            if (compression_.wants(wish, message.payload().size(), true)) {
                if (!message.deflated_ || message.window_bits_ > compression_.window()) {
                    return queue_data(message.type(), true, message.payload(), wish);
                }
                const errc refused = queue_prepared(message, message.deflated_, rsv::rsv1);
                // Later messages must not count on what the peer's window held before [D8].
                if (refused == errc::none) compression_.abandon();
                return refused;
            }
        }
        return queue_prepared(message, message.frame_, 0);
    }

    /// Queues a whole message of this type: see `send`.
    [[nodiscard]] sockless::error send_text(std::string_view text, compressed wish = compressed::automatic) noexcept {
        return send(message_type::text, bytes_of(text), wish);
    }
    [[nodiscard]] sockless::error send_binary(byte_view payload, compressed wish = compressed::automatic) noexcept {
        return send(message_type::binary, payload, wish);
    }

    /// Queues a piece of a message as a frame of its own; `last` ends the message. `type` must be the same for all its
    /// pieces. A character of text may be cut. The first piece says how the message is compressed; each is compressed
    /// so that the peer can read it at once. Errors: those of `send`; `message_open` if `type` differs.
    [[nodiscard]] sockless::error send_piece(message_type type, byte_view payload, bool last,
                                             compressed wish = compressed::automatic) noexcept {
        if (!is_open()) return errc::not_open;
        const auto as = type == message_type::text ? sending::text : sending::binary;
        if (sending_ != sending::nothing && sending_ != as) return errc::message_open;

        utf8_validator text = outgoing_text_;
        if (type == message_type::text && (text.feed(payload) != payload.size() || (last && !text.complete()))) {
            return errc::payload_not_utf8;
        }
        if (const errc refused = queue_data(type, last, payload, wish); refused != errc::none) return refused;
        outgoing_text_ = text;
        sending_ = last ? sending::nothing : as;
        return {};
    }

    /// Queues a whole message that `write` writes straight into the output, so that it is not copied: as text if it is
    /// UTF-8, else as binary. `write(room)` writes the message to the front of `room` and returns `written`. If `room`
    /// is too small, it returns `no_room` and the size that it needs, and is called again with so much room. `note()`
    /// is called once the message was written; if it returns an error, the message is not sent. Errors: those of
    /// `write` and `note`, `not_open`, `message_open`, `no_room`, `no_entropy`.
    template <class Write, class Note = detail::note_nothing>
    [[nodiscard]] sockless::error send_written(Write write, const written_message& settings = {},
                                               Note note = {}) noexcept {
        if (!is_open()) return errc::not_open;
        if (sending_ != sending::nothing) return errc::message_open;
        if constexpr (Compression::available) {
            if (compression_.wants(compressed::automatic, settings.likely, true)) {
                const sockless::error refused = put_messages<true>(write, settings, note);
                if (refused != errc::no_room) return refused;
            }
        }
        return put_messages<false>(write, settings, note);
    }

    /// Queues a Ping, with up to 125 bytes. Errors: `not_open`, `control_frame_too_long`, `no_room`, `no_entropy`.
    [[nodiscard]] sockless::error ping(byte_view payload = {}) noexcept { return send_control(opcode::ping, payload); }

    /// Queues a Pong, with up to 125 bytes: an answer if `automatic_pongs` is off, or an unsolicited one (RFC 6455
    /// section 5.5.3). Errors: those of `ping`.
    [[nodiscard]] sockless::error pong(byte_view payload = {}) noexcept { return send_control(opcode::pong, payload); }

    /// Begins the closing handshake: queues a Close, after which nothing more can be sent. Messages are still received
    /// until the peer's Close; then comes `closed`. 1005 sends a Close without a code. Errors: `not_open`,
    /// `close_code_not_sendable`, `close_reason_too_long`, `payload_not_utf8` (RFC 6455 sections 5.5.1 and 7.1.2),
    /// `no_entropy`, and `no_room` if the output is smaller than a Close.
    [[nodiscard]] sockless::error close(std::uint16_t code = ws::close_code::normal,
                                        std::string_view reason = {}) noexcept {
        if (!is_open()) return errc::not_open;
        if (const sockless::error refused = queue_close(code, bytes_of(reason))) return refused;
        phase_ = phase::closing;
        deadline_.begin(close_timeout_);
        return {};
    }

    /// Ends the connection in the way that its state asks for, as when the program ends: refuses a client that is not
    /// yet accepted with 503 (RFC 9110 section 15.6.4), says Close with 1001 if the connection is open, and else does
    /// nothing. Go on as before until `done()`.
    void shut_down() noexcept {
        if (is_opening()) {
            give_up(errc::shut_down);
        } else if (is_open()) {
            if (close(ws::close_code::going_away)) give_up(errc::shut_down);
        }
    }

    /// The bytes that are to be sent next, the oldest first; at most 64 KiB at a time. Empty if there are none. They
    /// neither move nor change until `sent` takes them: also while more is sent, received and ticked, and when memory
    /// is released. So an asynchronous write may read from them. The connection outlives the write.
    [[nodiscard]] cbytes output() const noexcept { return output_.output(); }

    /// The same bytes in several pieces, for a host that can write such at once (`writev`, `WSASend`): fills the front
    /// of `pieces`, the oldest first, and returns the part that was filled. 16 are enough for nearly all that waits.
    /// Say with `sent` how many bytes of them were sent in all.
    [[nodiscard]] std::span<const cbytes> output(std::span<cbytes> pieces) const noexcept {
        return pieces.first(output_.output(pieces));
    }

    /// Says that the first `size` bytes of `output()` were sent. A short write is normal. More bytes than `output()`
    /// had are a fault of the caller: an assertion fails, or, with `NDEBUG`, nothing is taken.
    void sent(std::size_t size) noexcept {
        if (!output_.sent(size)) return;
        const std::uint64_t in_all = output_.sent_in_all();
        const bool awaits_leaving = in_all - size < awaited_;
        if (awaits_leaving && in_all >= awaited_) {
            // An answer can be expected from now on.
            deadline_.begin_again();
        } else if (awaits_leaving || !output_.empty()) {
            // A peer that takes waiting output is alive. Output that leaves without waiting proves nothing.
            progresses_ = true;
        }
        if (decoding_ && open_.pongs.sent(in_all)) send_owed_pong();
    }

    /// How many bytes wait to be sent in all, for callers that stop producing while there are too many.
    [[nodiscard]] std::size_t waiting() const noexcept { return output_.size(); }

    /// Says that bytes of the peer wait which the caller does not give to `next` yet, as it cannot take what they
    /// bring. They count as a sign of life at the next `tick`. Call it before each `tick` as long as nothing is read:
    /// else a peer that answers Pings looks silent, as its Pongs wait behind those bytes.
    void hold_input() noexcept { heard_ = true; }

    /// Says what time it is. Call it after each wait, once the received bytes were given to `next`. Does all that is
    /// due: sends a Ping, or ends a wait that took too long, which is a `closed` event. A wait that has begun since the
    /// last call counts from this one, as the time at which it began is not known.
    [[nodiscard]] event tick(instant now) noexcept {
        if (now == no_deadline) return {};
        if (progresses_) deadline_.begin_again();
        if (heard_ && is_open()) {
            phase_ = phase::open;
            deadline_.begin(ping_interval_);
        }
        heard_ = progresses_ = false;
        if (!deadline_.pass(now)) return {};
        switch (phase_) {
        case phase::opening: return fail(errc::handshake_timeout);
        case phase::open:
            phase_ = phase::probing;
            // If there is no room for a Ping, output waits that the peer does not take. That is silence too.
            if (const sockless::error refused = ping(); refused == errc::no_entropy) return fail(refused);
            awaited_ = end_of_output();
            deadline_.begin_at(now, pong_timeout_);
            return {};
        case phase::probing: return fail(errc::pong_timeout);
        case phase::closing:
        case phase::failed: {
            const event end = end_input(errc::close_timeout);
            phase_ = phase::over;
            return end;
        }
        case phase::closed:
        case phase::over: phase_ = phase::over; return {};
        }
        return {};
    }

    /// When `tick` has something to do next; `no_deadline` if nothing is waited for. 0, which is at once, if a wait has
    /// begun since the last `tick`: it counts from the next one.
    [[nodiscard]] instant next_deadline() const noexcept { return deadline_.next(); }

    /// Says that the peer has ended its side of the connection (`recv` gave 0), or that it broke. Gives a `closed`
    /// event with 1006 if that was too soon (RFC 6455 section 7.1.5) [C8]. Queued bytes still go out: the peer may have
    /// ended only its own side.
    [[nodiscard]] event finish() noexcept { return end_input(errc::end_of_input); }

    /// Whether there is nothing left to do but to end the TCP connection. A server ends it as soon as the last bytes
    /// are sent; a client first waits for the server to do so (RFC 6455 section 7.1.1) [C6]. Neither waits for longer
    /// than `close_timeout` without progress. End it with `shutdown(SHUT_WR)` and read on until the peer has ended its
    /// side too, for a bounded time: closing a socket with bytes unread resets the connection, and the last Close may
    /// be lost.
    [[nodiscard]] bool done() const noexcept {
        if (phase_ >= phase::over) return true;
        if (phase_ < phase::failed) return false;
        return output_.empty() && (Own == role::server || !was_clean_ || input_ended_);
    }

    /// The state of the connection. Messages can be sent while it is `open`.
    [[nodiscard]] ws::state state() const noexcept {
        constexpr ws::state states[] = {state::opening, state::open,   state::open,  state::closing,
                                        state::closed,  state::closed, state::closed};
        return states[static_cast<std::size_t>(phase_)];
    }
    [[nodiscard]] bool is_open() const noexcept { return phase_ == phase::open || phase_ == phase::probing; }

    /// The error of the `closed` event, if it had one. It stays.
    [[nodiscard]] sockless::error error() const noexcept { return error_; }

    /// The content of the `closed` event: the code, 0 before that event; the reason of the peer's Close, valid as long
    /// as the connection; and whether both sides had sent a Close. All three stay.
    [[nodiscard]] std::uint16_t close_code() const noexcept { return close_code_; }
    [[nodiscard]] std::string_view close_reason() const noexcept {
        return close_code_ != 0 && decoding_ ? text_of(open_.held.view()) : std::string_view{};
    }
    [[nodiscard]] bool was_clean() const noexcept { return was_clean_; }

    /// The header of the frame that the last event came from, and the place of its first byte, counted from the first
    /// byte after the opening handshake. Only once the connection is open.
    [[nodiscard]] frame_header frame() const noexcept { return decoding_ ? open_.decoder.header() : frame_header{}; }
    [[nodiscard]] std::uint64_t frame_offset() const noexcept { return decoding_ ? open_.decoder.frame_offset() : 0; }

    /// Gives back memory that is not in use, for a connection that will be idle. Payloads that were handed out are then
    /// no longer valid; the bytes that `output()` shows stay.
    void release_memory() noexcept {
        if constexpr (Compression::available) {
            compression_.release(sending_ != sending::nothing);
            if (decoding_ && !compression_.in_message()) assembler_.release();
        } else {
            if (decoding_) assembler_.release();
        }
        output_.release();
    }

    /// The part that compresses. It tells the terms that were agreed to.
    [[nodiscard]] const Compression& compression() const noexcept { return compression_; }

  protected:
    using key_source = std::conditional_t<Own == role::client, entropy, detail::no_keys>;

    connection(const options& settings, Buffer input, Buffer output, const Handshake& handshake,
               key_source masking_keys, Compression&& compression) noexcept
        : before_{handshake, settings.limits, settings.tolerated},
          assembler_(static_cast<Buffer&&>(input)),
          output_(output),
          masking_keys_(static_cast<key_source&&>(masking_keys)),
          compression_(static_cast<Compression&&>(compression)),
          close_timeout_(settings.close_timeout),
          ping_interval_(settings.ping_interval),
          pong_timeout_(settings.pong_timeout),
          automatic_pongs_(settings.automatic_pongs),
          whole_messages_(settings.whole_messages),
          show_frames_(settings.show_frames) {
        deadline_.begin(settings.handshake_timeout);
        if constexpr (Own == role::client) output_.keep();
    }

    // A copy would share the memory of a `span_buffer`, and repeat masking keys.
    connection(connection&&) noexcept = default;
    connection& operator=(connection&&) noexcept = default;

    [[nodiscard]] static std::size_t input_limit(const options& settings) noexcept {
        const std::uint64_t head = settings.head.head, message = settings.limits.message;
        const std::uint64_t most = message > head ? message : head;
        return most > SIZE_MAX ? SIZE_MAX : static_cast<std::size_t>(most);
    }

    // True until the first frame is read: so long the results of the handshake can be asked for.
    [[nodiscard]] bool has_handshake() const noexcept { return !decoding_; }
    [[nodiscard]] Handshake& handshake() noexcept { return before_.handshake; }
    [[nodiscard]] const Handshake& handshake() const noexcept { return before_.handshake; }
    [[nodiscard]] bool is_opening() const noexcept { return phase_ == phase::opening; }

    // Holds heads that come in pieces, then messages.
    [[nodiscard]] Buffer& input() noexcept { return assembler_.memory(); }
    [[nodiscard]] key_source& masking_keys() noexcept { return masking_keys_; }
    [[nodiscard]] Compression& compression_stage() noexcept { return compression_; }

    // A client's request, until it was answered.
    [[nodiscard]] cbytes kept_output() const noexcept { return output_.kept(); }

    [[nodiscard]] event end_input(errc reason) noexcept {
        input_ended_ = true;
        return phase_ >= phase::failed ? tell_end() : fail(reason);
    }

    void note_input(cbytes in) noexcept {
        if (!in.empty()) heard_ = true;
    }

    // The short way to an event: a whole message in one frame, if frames are read and nothing else is under way. Says
    // whether `found` is that event; if not, the next event comes from `next_open`.
    [[nodiscard]] SOCKLESS_ALWAYS_INLINE bool find_whole_message(bytes& in, event& found) noexcept {
        if (!decoding_) return false;
        if constexpr (Compression::available) {
            if (compression_.inflating()) return false;
        }
        if (open_.decoder.take_whole_message(in, found.type, found.payload) != decoder::took::message) return false;
        found.kind = whole_messages_ ? kind::message : kind::piece;
        found.first = found.last = true;
        return true;
    }

    // The opening handshake is done. Its results can be read until the next call.
    void become_open() noexcept {
        if constexpr (Own == role::client) output_.let_go();
        phase_ = phase::open;
        deadline_.begin(ping_interval_);
    }

    // Queues a head that `write` writes to a span. A head that opens a connection leaves room for the Close that ends
    // it; a refusal needs none.
    template <class Write>
    [[nodiscard]] sockless::error queue_opening(std::size_t likely, Write write) noexcept {
        return detail::put(output_, likely, room_for_close, errc::no_room, write);
    }
    template <class Write>
    [[nodiscard]] sockless::error queue_refusal(std::size_t likely, Write write) noexcept {
        return detail::put(output_, likely, 0, errc::no_room, write);
    }

    // Whether the request that a server reads, or has read, is HEAD.
    [[nodiscard]] bool is_head() noexcept {
        if constexpr (requires { handshake().is_head(input()); }) {
            return handshake().is_head(input());
        } else {
            return false;
        }
    }

    // A refusal was queued, or the request was given up: the end without an error.
    void become_refused() noexcept { become_closed(phase::failed); }

    // Everything after the opening handshake.
    [[nodiscard]] event next_open(bytes& in) noexcept {
        if (phase_ >= phase::failed) {
            // After the closing handshake, a failure or a refusal nothing more is read (RFC 6455 section 7.1.7) [C7]
            // [H19].
            in = in.subspan(in.size());
            return tell_end();
        }
        if (!decoding_) begin_decoding();
        if constexpr (Compression::available) {
            if (compression_.inflating()) {
                const event found = take_inflated(in);
                if (found || compression_.inflating()) return found;
            }
        }
        for (;;) {
            const bytes before = in;
            const decoder::event found = open_.decoder.next_stepwise(in);
            if (!found) return {};
            switch (found.kind) {
            case decoder::kind::data:
                if constexpr (Compression::available) {
                    if (found.compressed) {
                        if (const event message = take_compressed(found, before, in)) return message;
                        break;
                    }
                }
                if (const event message = take_data(found)) return message;
                break;
            case decoder::kind::ping: return take_ping(found.payload);
            case decoder::kind::pong: return {.kind = kind::pong, .payload = found.payload};
            case decoder::kind::close: return take_close(found);
            case decoder::kind::error: return fail(found.error);
            case decoder::kind::frame: return {.kind = kind::frame};
            case decoder::kind::need_input: break;
            }
        }
    }

    // The one way to fail (RFC 6455 section 7.1.7) [C7]: the Close with the code of the error, or before the connection
    // is open the refusal with its status, is the last thing sent; nothing more is read.
    [[nodiscard]] event fail(sockless::error reason) noexcept {
        give_up(reason);
        return tell_end();
    }

    void give_up(sockless::error reason) noexcept {
        error_ = reason;
        if (is_open()) static_cast<void>(queue_close(reason.close_code(), bytes_of(reason.sentence())));
        if constexpr (Own == role::server) {
            if (is_opening() && reason.status() != 0) {
                const bool to_head = is_head();
                const auto write = [=](bytes out) { return write_refusal(out, reason, to_head); };
                static_cast<void>(queue_refusal(256, write));
            }
        }
        become_closed(phase::failed);
    }

    // The `closed` event of an end without the peer's Close, once.
    [[nodiscard]] event tell_end() noexcept {
        if (phase_ != phase::failed) return {};
        phase_ = phase::closed;
        close_code_ = ws::close_code::abnormal;
        return {.kind = kind::closed, .code = close_code_, .error = error_};
    }

  private:
    // Drawn in docs/design.md. The order counts: before `failed` frames are read, from `over` on all is done.
    enum class phase : std::uint8_t {
        opening, // the opening handshake is not done
        open,    // messages go both ways
        probing, // likewise, and a Ping of ours asks for a sign of life
        closing, // our Close was sent, the peer's is awaited
        failed,  // nothing is read any more; the `closed` event is still to be given
        closed,  // likewise, and it was given
        over,    // as `closed`, and nothing is waited for
    };

    // The type of the message in pieces that is being sent, if there is one.
    enum class sending : std::uint8_t { nothing, text, binary };

    // A Close always fits, even if the queue is full.
    static constexpr std::size_t room_for_close = 6 + max_control_payload;

    // Bytes: the largest piece that compressed data is handed out in, and the least that a message is inflated to.
    static constexpr std::size_t largest_inflated_piece = 16 * 1024, least_inflated_piece = 512;

    struct before_frames {
        SOCKLESS_NO_UNIQUE_ADDRESS Handshake handshake;
        ws::limits limits;
        ws::tolerated tolerated;
    };

    struct while_frames {
        ws::decoder decoder;
        ws::pongs pongs;
        control_payload held; // the Ping that waits for its Pong; after the end the reason of the peer's Close
    };

    // The place in the output behind all that is queued, counted from the first byte of all output.
    [[nodiscard]] std::uint64_t end_of_output() const noexcept { return output_.sent_in_all() + output_.size(); }

    // Queued bytes still go out. The wait for that, or for the server to end the connection, has an end.
    void become_closed(phase end) noexcept {
        if constexpr (Compression::available) compression_.end();
        if (decoding_) {
            static_cast<void>(open_.decoder.finish());
            open_.held.assign({});
            open_.pongs.owe(false);
        }
        if constexpr (Own == role::client) output_.let_go();
        phase_ = end;
        awaited_ = end_of_output();
        deadline_.begin(close_timeout_);
    }

    void begin_decoding() noexcept {
        const ws::limits limits = before_.limits;
        const ws::tolerated tolerated = before_.tolerated;
        ::new (static_cast<void*>(&open_)) while_frames{decoder(Own, limits, tolerated), {}, {}};
        open_.decoder.show_frames(show_frames_);
        if constexpr (Compression::available) {
            open_.decoder.agree_to(compression_.agreement().agreed ? rsv::rsv1 : std::uint8_t{0});
            compression_.limit(limits.message);
        }
        input().release();
        decoding_ = true;
    }

    [[nodiscard]] event take_data(const decoder::event& found) noexcept {
        if (!whole_messages_) {
            return {.kind = kind::piece,
                    .type = found.type,
                    .first = found.first,
                    .last = found.last,
                    .payload = found.payload};
        }
        event message{.kind = kind::message, .type = found.type, .first = true, .last = true};
        switch (assembler_.add(found, message.payload)) {
        case assembler<Buffer>::status::complete: return message;
        case assembler<Buffer>::status::incomplete: return {};
        case assembler<Buffer>::status::no_room: break;
        }
        return fail(errc::message_too_big);
    }

    // The functions that only a compression has work for are templates. So nothing compiles them without one, also not
    // a unit that instantiates the whole class.

    // Inflates data that came compressed. The data lies directly before the rest of the input, and is inflated from
    // there: so its place need not be remembered. `before` is the input as it was before this frame.
    template <class = Compression>
    [[nodiscard]] event take_compressed(const decoder::event& found, bytes before, bytes& in) noexcept {
        if (found.first && whole_messages_) input().clear();
        compression_.add(found);
        in = before.last(found.payload.size() + in.size());
        return take_inflated(in);
    }

    // Inflates from the front of `in`, up to the next event, or up to the end of the compressed data in it.
    template <class = Compression>
    [[nodiscard]] event take_inflated(bytes& in) noexcept {
        std::size_t wanted = whole_messages_ ? least_inflated_piece : largest_inflated_piece;
        // Text shrinks to a quarter or less. Room that is there already costs nothing; further steps cost time.
        if (whole_messages_ && compression_.pending() > wanted / 4) wanted = 4 * compression_.pending();
        if (whole_messages_ && input().ready() > wanted) wanted = input().ready();
        for (;;) {
            const std::size_t free = input().limit() - input().size();
            if (wanted > free) wanted = free;
            const decoder::event found = compression_.inflate(in, input().prepare(wanted));
            if (found.kind == decoder::kind::error) return fail(found.error);
            if (!found) return {};
            event piece{.kind = kind::piece,
                        .type = found.type,
                        .first = found.first,
                        .last = found.last,
                        .compressed = true,
                        .payload = found.payload};
            if (!whole_messages_) return piece;
            input().commit(found.payload.size());
            if (found.last) {
                piece.kind = kind::message;
                piece.first = true;
                piece.payload = input().contents();
                return piece;
            }
            // More room is only needed if this was used up: else a message in many small pieces would take ever more.
            wanted = found.payload.size() == wanted ? 2 * wanted : wanted - found.payload.size();
        }
    }

    [[nodiscard]] event take_ping(bytes payload) noexcept {
        if (automatic_pongs_) {
            const errc refused = open_.pongs.owed() ? errc::no_room : queue_pong(payload);
            if (refused == errc::no_entropy) return fail(refused);
            if (refused != errc::none) {
                open_.held.assign(payload);
                open_.pongs.owe(true);
                send_owed_pong();
            }
        }
        return {.kind = kind::ping, .payload = payload};
    }

    [[nodiscard]] errc queue_pong(cbytes payload) noexcept {
        const std::size_t size = header_size(payload.size(), Own == role::client) + payload.size();
        if (!is_open() || !open_.pongs.may_put(size)) return errc::no_room;
        const errc refused = queue(opcode::pong, true, payload, room_for_close);
        if (refused == errc::none) open_.pongs.put(size, end_of_output());
        return refused;
    }

    void send_owed_pong() noexcept {
        const errc refused = queue_pong(open_.held.view());
        if (refused == errc::none) open_.pongs.owe(false);
        // No Pong can be sent any more.
        if (refused == errc::no_entropy) give_up(refused);
    }

    // A Close is answered once, with its own code (RFC 6455 section 5.5.1) [C4], and then no Pong is owed any more.
    [[nodiscard]] event take_close(const decoder::event& found) noexcept {
        if (is_open()) error_ = queue_close(found.code, {});
        was_clean_ = !error_;
        become_closed(phase::closed);
        open_.held.assign(found.payload);
        close_code_ = found.code;
        return {
            .kind = kind::closed, .clean = was_clean_, .code = found.code, .error = error_, .payload = found.payload};
    }

    [[nodiscard]] sockless::error send_control(opcode code, cbytes payload) noexcept {
        if (!is_open()) return errc::not_open;
        if (payload.size() > max_control_payload) return errc::control_frame_too_long;
        return queue(code, true, payload, room_for_close);
    }

    [[nodiscard]] sockless::error queue_close(std::uint16_t code, cbytes reason) noexcept {
        std::array<std::byte, max_control_payload> payload;
        const written close = encode_close_payload(payload, code, reason);
        if (close.error) return close.error;
        const errc refused = queue(opcode::close, true, bytes(payload).first(close.size), 0);
        if (refused == errc::none) awaited_ = end_of_output();
        return refused;
    }

    // Queues a frame of a message that many connections send.
    [[nodiscard]] errc queue_prepared(const prepared_message& message, const detail::shared_bytes& frame,
                                      std::uint8_t reserved) noexcept {
        if constexpr (Own == role::client) {
            const cbytes payload = prepared_message::payload_of(frame);
            return queue(static_cast<opcode>(message.type()), true, payload, room_for_close, reserved);
        }
        const cbytes all = frame.contents();
        if constexpr (requires { output_.share(frame, room_for_close); }) {
            if (all.size() >= output_.least_shared)
                return output_.share(frame, room_for_close) ? errc::none : errc::no_room;
        }
        const bytes room = output_.prepare(all.size(), room_for_close);
        if (room.empty()) return errc::no_room;
        detail::copy(room.data(), all.data(), all.size());
        output_.commit(all.size());
        return errc::none;
    }

    // Queues one frame if it fits. Errors: `no_room`, `no_entropy`.
    [[nodiscard]] errc queue(opcode code, bool fin, cbytes payload, std::size_t reserve,
                             std::uint8_t reserved = 0) noexcept {
        const std::size_t size = header_size(payload.size(), Own == role::client) + payload.size();
        const bytes room = output_.prepare(size, reserve);
        if (room.empty()) return errc::no_room;
        frame_header frame{.opcode = code, .fin = fin, .rsv = reserved};
        if (!mask(frame)) return errc::no_entropy;
        output_.commit(encode(room, frame, payload).size);
        return errc::none;
    }

    // False if a client has no key for the frame.
    [[nodiscard]] bool mask(frame_header& frame) noexcept {
        if constexpr (Own == role::server) {
            return true;
        } else {
            frame.masked = true;
            // A fresh, unpredictable key for each frame (RFC 6455 section 5.3) [F5].
            return masking_keys_.fill(frame.masking_key);
        }
    }

    // Queues one frame of a message if it fits, compressed if that is wanted. Errors: those of `queue`.
    [[nodiscard]] errc queue_data(message_type type, bool last, cbytes payload, compressed wish) noexcept {
        const bool first = sending_ == sending::nothing;
        const auto code = first ? static_cast<opcode>(type) : opcode::continuation;
        if constexpr (Compression::available) {
            if (first) compresses_ = compression_.wants(wish, payload.size(), last);
            if (compresses_) {
                const errc refused = queue_compressed(code, last, payload);
                if (refused != errc::no_room || !first) return refused;
                // If there is no memory for a window the message goes as it is (RFC 7692 section 6) [D10].
                compresses_ = false;
            }
        }
        return queue(code, last, payload, room_for_close);
    }

    // Deflates behind the largest header that there can be, as the size is known only afterwards.
    template <class = Compression>
    [[nodiscard]] errc queue_compressed(opcode code, bool fin, cbytes payload) noexcept {
        constexpr std::size_t headroom = Own == role::client ? max_header_size : max_header_size - 4;
        const std::size_t most = output_.room(room_for_close);
        if (most < headroom + Compression::least_room) return errc::no_room;
        const std::size_t wanted = headroom + Compression::room_for(payload.size());
        const bytes room = output_.prepare(wanted < most ? wanted : most, room_for_close);
        if (room.empty()) return errc::no_room;
        frame_header frame{.opcode = code, .fin = fin};
        const auto deflated = compression_.deflate(payload, fin, room.subspan(headroom));
        const errc refused = !deflated ? errc::no_room : !mask(frame) ? errc::no_entropy : errc::none;
        if (refused != errc::none) {
            compression_.abandon();
            return refused;
        }
        // The first frame says that the message is compressed (RFC 7692 section 6) [D5].
        if (code != opcode::continuation) frame.rsv = rsv::rsv1;
        const std::size_t size = header_size(deflated.size, frame.masked);
        detail::copy_down(room.data() + size, room.data() + headroom, deflated.size);
        output_.commit(frame_in_place(room.first(size + deflated.size), size, frame).size);
        return errc::none;
    }

    // The bytes of headers for a payload of this size, or for the messages that it is cut into: those of text may be
    // three bytes shorter than they could be.
    [[nodiscard]] static constexpr std::size_t headers_of(std::size_t payload, std::size_t most) noexcept {
        constexpr bool masked = Own == role::client;
        if (payload <= most) return header_size(payload, masked);
        return (payload / (most - 3) + 1) * header_size(most, masked);
    }

    // Before a payload that fits into `room` bytes with its header, the least that its header takes.
    [[nodiscard]] static constexpr std::size_t headroom_in(std::size_t room) noexcept {
        constexpr std::size_t mask_size = Own == role::client ? 4 : 0;
        return (room < 126 + 4 + mask_size ? 2U : room < 65536 + 10 + mask_size ? 4U : 10U) + mask_size;
    }

    // `Compresses`: the payload is written with as much room before it as it takes, to deflate into.
    template <bool Compresses, class Write, class Note>
    [[nodiscard]] sockless::error put_messages(Write& write, const written_message& settings, Note& note) noexcept {
        const std::size_t most = settings.most < 4 ? 4 : settings.most;
        const auto room_for = [most](std::size_t payload) {
            return (Compresses ? 2 : 1) * (payload + headers_of(payload, most));
        };
        bool is_framed = false;
        const auto write_messages = [&](bytes out) -> written {
            std::size_t before = Compresses ? out.size() / 2 : headroom_in(out.size());
            const written message = write(before > out.size() ? bytes{} : out.subspan(before));
            const std::size_t size = room_for(message.size);
            if (message.error) return {message.size == 0 ? 0 : size, message.error};
            if (size > out.size()) return {size, errc::no_room};
            if (const std::size_t headers = headers_of(message.size, most); headers > before) {
                std::memmove(out.data() + headers, out.data() + before, message.size);
                before = headers;
            }
            is_framed = true;
            return frame_messages<Compresses>(out, out.subspan(before, message.size), most);
        };
        const std::size_t reserve = settings.reserve == 0 ? 0 : settings.reserve + headers_of(settings.reserve, most);
        const sockless::error refused = detail::put(output_, room_for(settings.likely), room_for_close + reserve,
                                                    errc::no_room, write_messages, note);
        if constexpr (Compresses) {
            // The peer will never see what was deflated.
            if (refused && is_framed) compression_.abandon();
        }
        return refused;
    }

    // Makes messages of a payload that lies in `out`, behind room for their headers. They begin at the front of `out`.
    template <bool Compresses>
    [[nodiscard]] written frame_messages(bytes out, bytes payload, std::size_t most) noexcept {
        const opcode code = is_utf8(payload) ? opcode::text : opcode::binary;
        std::size_t size = 0;
        do {
            std::size_t next = payload.size() < most ? payload.size() : most;
            while (next != payload.size() && code == opcode::text &&
                   (payload[next] & std::byte{0xC0}) == std::byte{0x80}) {
                --next;
            }
            const std::size_t added = frame_message<Compresses>(out.subspan(size), payload.first(next), code);
            if (added == 0) return {0, errc::no_entropy};
            size += added;
            payload = payload.subspan(next);
        } while (!payload.empty());
        return {size, {}};
    }

    // The size of the frame, or 0 if there is no key for it.
    template <bool Compresses>
    [[nodiscard]] std::size_t frame_message(bytes out, bytes payload, opcode code) noexcept {
        frame_header frame{.opcode = code, .fin = true};
        if (!mask(frame)) return 0;
        if constexpr (Compresses) {
            const bytes room = out.first(static_cast<std::size_t>(payload.data() - out.data()));
            if (const bytes deflated = deflate_into(room, payload); !deflated.empty()) {
                payload = deflated;
                frame.rsv = rsv::rsv1;
            }
        }
        const std::size_t headroom = header_size(payload.size(), frame.masked);
        if (out.data() + headroom != payload.data()) {
            detail::copy_down(out.data() + headroom, payload.data(), payload.size());
        }
        return frame_in_place(out.first(headroom + payload.size()), headroom, frame).size;
    }

    // Deflates a whole message into `room`, and leaves room before it for the header. Empty if the message is not to be
    // compressed, or would grow.
    template <class = Compression>
    [[nodiscard]] bytes deflate_into(bytes room, cbytes payload) noexcept {
        const bool wants = compression_.wants(compressed::automatic, payload.size(), true);
        if (!wants || room.size() < max_header_size + Compression::least_room) return {};
        room = room.subspan(max_header_size);
        const auto deflated = compression_.deflate(payload, true, room);
        if (deflated && deflated.size <= payload.size()) return room.first(deflated.size);
        compression_.abandon();
        return {};
    }

    union {
        before_frames before_; // until `decoding_`
        while_frames open_;
    };
    assembler<Buffer> assembler_;
    detail::outbox<Buffer> output_;
    std::uint64_t awaited_ = 0; // the place in the output behind the frame that awaits an answer, or behind all
    detail::deadline deadline_;
    sockless::error error_{};
    SOCKLESS_NO_UNIQUE_ADDRESS key_source masking_keys_;
    SOCKLESS_NO_UNIQUE_ADDRESS Compression compression_;
    std::uint32_t close_timeout_;
    std::uint32_t ping_interval_;
    std::uint32_t pong_timeout_;
    std::uint16_t close_code_ = 0;
    utf8_validator outgoing_text_;
    phase phase_ = phase::opening;
    sending sending_ = sending::nothing;
    bool heard_ = false;      // something came since the last `tick`
    bool progresses_ = false; // the peer took waiting output since then
    bool decoding_ = false;   // frames have begun
    bool automatic_pongs_ : 1;
    bool whole_messages_ : 1;
    bool show_frames_ : 1;
    bool was_clean_ : 1 = false;
    bool input_ended_ : 1 = false;
    bool compresses_ : 1 = false; // the message that is sent
};

} // namespace sockless::ws

#include "../detail/compiler_end.inc"
