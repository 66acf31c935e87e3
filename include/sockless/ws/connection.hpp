// What both ends of an open WebSocket share: messages, Pongs, the closing handshake, deadlines, output.
// SPDX-License-Identifier: MIT
#pragma once

#include <new>

#include "assembler.hpp"
#include "deflate/compression.hpp"
#include "encode.hpp"
#include "opening.hpp"
#include "pong.hpp"

namespace sockless::ws {

/// How an endpoint behaves. Durations are in milliseconds, sizes in bytes. Deadlines only work for those who call
/// `tick`.
struct options {
    ws::limits limits{};                   ///< on what the peer sends once the connection is open
    http::limits head{};                   ///< on what the peer sends before
    std::size_t output = 32 * 1024 * 1024; ///< the most that waits to be sent, where the endpoint makes its own buffer

    std::uint32_t handshake_timeout = 10'000; ///< for the opening handshake, from the first `tick`
    std::uint32_t close_timeout = 5'000; ///< for the peer's Close after ours, and for the server to end the connection
    std::uint32_t ping_interval = never; ///< of silence, after which a Ping asks whether the peer is there
    std::uint32_t pong_timeout = 20'000; ///< for any sign of life after that Ping

    bool automatic_pongs = true; ///< answer Pings; else the caller does, with `pong` (RFC 6455 section 5.5.2)
    bool whole_messages = true;  ///< `message` events; else a `piece` for whatever came, and no memory but to inflate
    bool show_frames = false;    ///< a `frame` event for each header, for those who inspect
    bool show_requests = false;  ///< server: requests for no upgrade are shown (`http_request`), not refused with 426
};

/// Where a connection stands (RFC 6455 section 7.1).
enum class state : std::uint8_t {
    opening, ///< the opening handshake is not done
    open,    ///< messages go both ways
    closing, ///< our Close was sent; messages still come until the peer's
    closed,  ///< nothing comes any more; what is queued still goes out
};

enum class kind : std::uint8_t {
    need_input,   ///< nothing yet: the input is used up, or the connection has ended
    request,      ///< server: somebody asks for a WebSocket: see `request()`; answer with `accept()` or `reject()`
    http_request, ///< server: a request for something else, where `show_requests` asked for it; answer with `reject()`
    open,         ///< client: the server has accepted: see `response()`
    refused,      ///< client: the server has refused, with the status `code`: see `response()`
    body,         ///< client: a piece of the refusal's body: `payload`; behind the last one comes `closed`
    message,      ///< a whole message: `type`, `payload`
    piece,        ///< a piece of a message: `type`, `first`, `last`, `payload`
    ping,         ///< a Ping, answered already where `automatic_pongs` says so: `payload`
    pong,         ///< a Pong: `payload`
    frame,        ///< the header of a frame: see `frame()`
    closed,       ///< the end: `code`, `payload` (the reason), `clean`, `error`. Nothing follows it.
};

/// What an endpoint found. Falsy for `need_input`. `payload` is valid until the next call on the endpoint that is not
/// const, or until the input is reused, whichever comes first.
struct event {
    ws::kind kind = ws::kind::need_input;
    message_type type = message_type::text;
    bool first = false;
    bool last = false;

    /// With `message` and `piece`: the message came compressed; what is shown is not.
    bool compressed = false;

    /// With `closed`: both sides have said Close (RFC 6455 section 7.1.4).
    bool clean = false;

    /// With `closed`: the peer's code, 1005 where its Close had none, 1006 where no Close came (section 7.1.5), as
    /// after every failure on this side; the code that such a failure sends is `error.close_code()`.
    /// With `refused`: the HTTP status.
    std::uint16_t code = 0;

    /// With `closed`: what went wrong on this side of the wire. Falsy where the connection was closed by either side's
    /// wish, so a failure never looks like the peer's goodbye.
    sockless::error error{};

    bytes payload{};

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return kind != ws::kind::need_input; }

    /// The payload as text: a text message, or the reason of a Close.
    [[nodiscard]] std::string_view text() const noexcept { return text_of(payload); }
};

/// The part of `basic_server` and `basic_client` that is the same in both; see there. `Buffer` holds what comes in
/// pieces and what goes out. `Handshake` is the state of the opening handshake, `Keys` gives masking keys (or, on a
/// server, is empty). `Compression` is `no_compression` or a `deflate_stage`. Nothing here does I/O, reads a clock, or
/// allocates but through `Buffer` and `Compression`.
template <role Own, class Buffer, class Handshake, class Keys, class Compression>
class endpoint {
  public:
    /// Queues a whole message. Text must be UTF-8. Errors: `not_open` before and after the connection is open and once
    /// Close was sent (RFC 6455 section 5.5.1), `message_open` inside a message in pieces, `payload_not_utf8`,
    /// `no_room` where the output's limit would be passed; then nothing was queued.
    [[nodiscard]] sockless::error send(message_type type, cbytes payload,
                                       compressed how = compressed::automatic) noexcept {
        if (sending_ != sending::nothing) return state_ == ws::state::open ? errc::message_open : errc::not_open;
        return send_piece(type, payload, true, how);
    }
    [[nodiscard]] sockless::error send_text(std::string_view text, compressed how = compressed::automatic) noexcept {
        return send(message_type::text, bytes_of(text), how);
    }

    /// Queues a piece of a message as a frame of its own; `last` ends the message. `type` must be the same for all its
    /// pieces. A character of text may be cut. The first piece says how the message is compressed; each is compressed
    /// so that the peer can read it at once. Errors: those of `send`; `message_open` where `type` differs.
    [[nodiscard]] sockless::error send_piece(message_type type, cbytes payload, bool last,
                                             compressed how = compressed::automatic) noexcept {
        if (state_ != ws::state::open) return errc::not_open;
        const auto as = type == message_type::text ? sending::text : sending::binary;
        if (sending_ != sending::nothing && sending_ != as) return errc::message_open;

        utf8_validator text = outgoing_text_;
        if (type == message_type::text && (text.feed(payload) != payload.size() || (last && !text.complete()))) {
            return errc::payload_not_utf8;
        }
        if (!queue_data(type, last, payload, how)) return errc::no_room;
        outgoing_text_ = text;
        sending_ = last ? sending::nothing : as;
        return {};
    }

    /// Queues a Ping, with up to 125 bytes. Errors: `not_open`, `control_frame_too_long`, `no_room`.
    [[nodiscard]] sockless::error ping(cbytes payload = {}) noexcept { return send_control(opcode::ping, payload); }

    /// Queues a Pong, with up to 125 bytes: an answer where `automatic_pongs` is off, or an unsolicited one (RFC 6455
    /// section 5.5.3). Errors: those of `ping`.
    [[nodiscard]] sockless::error pong(cbytes payload = {}) noexcept { return send_control(opcode::pong, payload); }

    /// Begins the closing handshake: queues a Close, after which nothing more can be sent. Messages are still received
    /// until the peer's Close; then comes `closed`. 1005 sends a Close without a code. Errors: `not_open`,
    /// `close_code_not_sendable`, `close_reason_too_long`, `payload_not_utf8` (RFC 6455 sections 5.5.1 and 7.1.2).
    [[nodiscard]] sockless::error close(std::uint16_t code = close_code::normal,
                                        std::string_view reason = {}) noexcept {
        if (state_ != ws::state::open) return errc::not_open;
        if (const sockless::error refused = queue_close(code, bytes_of(reason))) return refused;
        state_ = ws::state::closing;
        arm(close_timeout_);
        return {};
    }

    /// What is to be sent next, oldest first. Valid until the next call that is not const. A short write is normal.
    [[nodiscard]] cbytes output() const noexcept { return cbytes(output_.contents()).subspan(kept()); }

    /// Says that the first `size` bytes of `output()` were sent; more than there are count as all of them.
    void sent(std::size_t size) noexcept {
        if (size > output().size()) size = output().size();
        sent_ += size;
        if (!keeps_output()) output_.consume(size);
        send_owed_pong();
    }

    /// Says what time it is: call it once when the endpoint is made, as deadlines are counted from there, and whenever
    /// the caller has waited. Does what is due: a Ping, or the end of a wait that took too long, which is a `closed`
    /// event.
    [[nodiscard]] event tick(instant now) noexcept {
        if (!has_clock_) deadline_ = detail::later(now, deadline_);
        has_clock_ = true;
        now_ = now;
        if (heard_ && state_ == ws::state::open) {
            awaiting_life_ = false;
            arm(ping_interval_);
        }
        heard_ = false;
        if (now < deadline_) return {};
        deadline_ = no_deadline;
        switch (state_) {
        case ws::state::opening: return fail(errc::handshake_timeout);
        case ws::state::open:
            if (awaiting_life_) return fail(errc::pong_timeout);
            awaiting_life_ = true;
            arm(pong_timeout_);
            // Where there is no room for a Ping there is output that the peer does not take, which is silence too.
            static_cast<void>(ping());
            return {};
        case ws::state::closing: return end_input(errc::close_timeout);
        case ws::state::closed: waited_ = true; return {};
        }
        return {};
    }

    /// When `tick`, which was called before, has something to do next; `no_deadline` where nothing is waited for.
    [[nodiscard]] instant next_deadline() const noexcept { return deadline_; }

    /// Says that the peer has ended its side of the connection (`recv` gave 0), or that it broke. A `closed` event with
    /// 1006 where that was too soon (RFC 6455 section 7.1.5; C8).
    [[nodiscard]] event finish() noexcept { return end_input(errc::end_of_input); }

    /// Whether there is nothing left to do but to end the TCP connection. A server ends it as soon as the last bytes
    /// are sent; a client first waits for the server to do so (RFC 6455 section 7.1.1; C6). Neither waits for longer
    /// than `close_timeout`. End it with `shutdown(SHUT_WR)` and read on until the peer has ended its side too, for a
    /// bounded time: closing a socket with bytes unread resets the connection, and the last Close may be lost.
    [[nodiscard]] bool done() const noexcept {
        if (state_ != ws::state::closed) return false;
        return waited_ || (output_.size() == 0 && (Own == role::server || !clean_ || input_ended_));
    }

    /// Where the connection stands. Messages can be sent while it is `open`.
    [[nodiscard]] ws::state state() const noexcept { return state_; }
    [[nodiscard]] bool is_open() const noexcept { return state_ == ws::state::open; }

    /// What went wrong on this side, as told by the `closed` event. Stays.
    [[nodiscard]] sockless::error error() const noexcept { return error_; }

    /// The header of the frame that the last event came from, and the place of its first byte, counted from the first
    /// byte after the opening handshake. Only once the connection is open.
    [[nodiscard]] frame_header frame() const noexcept { return decoding_ ? decoder_.header() : frame_header{}; }
    [[nodiscard]] std::uint64_t frame_offset() const noexcept { return decoding_ ? decoder_.frame_offset() : 0; }

    /// Gives back memory that is not in use, for a connection that will be idle. Ends the lifetime of what was handed
    /// out.
    void release_memory() noexcept {
        if constexpr (Compression::available) {
            compression_.release(sending_ != sending::nothing);
            if (decoding_ && !compression_.in_message()) assembler_.release();
        } else {
            if (decoding_) assembler_.release();
        }
        if (output_.size() == 0) output_.release();
    }

    /// What compresses: tells what was agreed to.
    [[nodiscard]] const Compression& compression() const noexcept { return compression_; }

  protected:
    endpoint(const options& how, Buffer input, Buffer output, const Handshake& handshake, const Keys& keys,
             Compression&& compression) noexcept
        : opening_{handshake, how.limits},
          assembler_(static_cast<Buffer&&>(input)),
          output_(static_cast<Buffer&&>(output)),
          keys_(keys),
          compression_(static_cast<Compression&&>(compression)),
          close_timeout_(how.close_timeout),
          ping_interval_(how.ping_interval),
          pong_timeout_(how.pong_timeout),
          automatic_pongs_(how.automatic_pongs),
          whole_messages_(how.whole_messages),
          show_frames_(how.show_frames) {
        arm(how.handshake_timeout);
    }

    [[nodiscard]] static std::size_t input_limit(const options& how) noexcept {
        const std::uint64_t most = how.limits.message > how.head.head ? how.limits.message : how.head.head;
        return most > SIZE_MAX ? SIZE_MAX : static_cast<std::size_t>(most);
    }

    // Not once decoding has begun.
    [[nodiscard]] bool has_handshake() const noexcept { return !decoding_; }
    [[nodiscard]] Handshake& handshake() noexcept { return opening_.handshake; }
    [[nodiscard]] const Handshake& handshake() const noexcept { return opening_.handshake; }
    [[nodiscard]] Buffer& input() noexcept { return assembler_.memory(); }
    [[nodiscard]] Keys& keys() noexcept { return keys_; }
    [[nodiscard]] Compression& compression_stage() noexcept { return compression_; }
    [[nodiscard]] bool is_opening() const noexcept { return state_ == ws::state::opening; }

    [[nodiscard]] bytes queued() const noexcept { return output_.contents(); }

    // Fails where the peer is gone, so that nothing can be sent any more.
    [[nodiscard]] event end_input(errc what) noexcept {
        input_ended_ = true;
        if (state_ == ws::state::closed) return end_told_ ? event{} : closed_event();
        return fail(what);
    }

    void note_input(cbytes in) noexcept {
        if (!in.empty()) heard_ = true;
    }

    // A whole message in one frame, where frames are read and nothing else is under way. False where nothing was taken.
    [[nodiscard, gnu::always_inline]] bool take_message(bytes& in, event& made) noexcept {
        if (!reads_frames_) return false;
        if constexpr (Compression::available) {
            if (compression_.inflating()) return false;
        }
        if (!decoder_.take_message(in, made.type, made.payload)) return false;
        made.kind = whole_messages_ ? kind::message : kind::piece;
        made.first = made.last = true;
        return true;
    }

    // The opening handshake is done. What it left to be read stays as it is until the next call.
    void become_open() noexcept {
        if (keeps_output()) output_.consume(static_cast<std::size_t>(sent_));
        state_ = ws::state::open;
        arm(ping_interval_);
    }

    // Queues a head that `write` writes to a span, or says how much room it takes. What opens a connection leaves room
    // for the Close that ends it, what refuses one needs none.
    template <class Write>
    [[nodiscard]] sockless::error queue_opening(Write write) noexcept {
        return queue_head(write, room_for_close);
    }
    template <class Write>
    [[nodiscard]] sockless::error queue_refusal(Write write) noexcept {
        return queue_head(write, 0);
    }

    // Everything after the opening handshake.
    [[nodiscard]] event next_open(bytes& in) noexcept {
        if (state_ == ws::state::closed) {
            // After the closing handshake, a failure or a refusal nothing more is read (RFC 6455 section 7.1.7; C7,
            // H19).
            in = in.subspan(in.size());
            return end_told_ ? event{} : closed_event();
        }
        if (!decoding_) begin_decoding();
        if constexpr (Compression::available) {
            if (compression_.inflating()) {
                const event found = take_inflated(in);
                if (found || compression_.inflating()) return found;
            }
        }
        while (const decoder::event found = decoder_.next(in)) {
            switch (found.kind) {
            case decoder::kind::data:
                if constexpr (Compression::available) {
                    if (found.compressed) {
                        if (const event message = take_compressed(found, in)) return message;
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
        return {};
    }

    // The one way to fail (RFC 6455 section 7.1.7; C7): the Close with the code of the error, or before the connection
    // is open the refusal with its status, is the last thing sent; nothing more is read.
    [[nodiscard]] event fail(sockless::error what) noexcept {
        error_ = what;
        if (state_ == ws::state::open) static_cast<void>(queue_close(what.close_code(), bytes_of(what.sentence())));
        if constexpr (Own == role::server) {
            if (state_ == ws::state::opening && what.status() != 0) {
                static_cast<void>(queue_refusal([what](bytes out) { return write_refusal(out, what); }));
            }
        }
        become_closed(false);
        return closed_event();
    }

    // The end, where no Close came.
    [[nodiscard]] event closed_event() noexcept {
        end_told_ = true;
        return {.kind = kind::closed, .code = close_code::abnormal, .error = error_};
    }

    // What is still queued goes out, but nobody waits for that, or for the server to end the connection, without end.
    void become_closed(bool clean) noexcept {
        if constexpr (Compression::available) compression_.end();
        if (keeps_output() || input_ended_) output_.clear();
        state_ = ws::state::closed;
        reads_frames_ = false;
        clean_ = clean;
        arm(close_timeout_);
    }

  private:
    // What of a message in pieces has been sent.
    enum class sending : std::uint8_t { nothing, text, binary };

    // A Close always fits, whatever else is queued.
    static constexpr std::size_t room_for_close = 6 + max_control_payload;

    // Bytes: the largest piece that compressed data is handed out in, and the least that a message is inflated to.
    static constexpr std::size_t largest_inflated_piece = 16 * 1024, least_inflated_piece = 512;

    struct opening_state {
        Handshake handshake;
        ws::limits limits;
    };

    // What the client asked for is needed to judge the answer, so the request stays in the output until then.
    [[nodiscard]] bool keeps_output() const noexcept { return Own == role::client && state_ == ws::state::opening; }
    [[nodiscard]] std::size_t kept() const noexcept { return keeps_output() ? static_cast<std::size_t>(sent_) : 0; }

    void arm(std::uint32_t duration) noexcept {
        deadline_ = duration == never ? no_deadline : detail::later(now_, duration);
    }

    void begin_decoding() noexcept {
        const ws::limits limits = opening_.limits;
        ::new (static_cast<void*>(&decoder_)) decoder(Own, limits);
        decoder_.show_frames(show_frames_);
        if constexpr (Compression::available) {
            decoder_.agree_to(compression_.agreement().agreed ? rsv::rsv1 : std::uint8_t{0});
            compression_.limit(limits.message);
        }
        input().release();
        decoding_ = true;
        reads_frames_ = true;
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

    // Inflates data that came compressed. It lies directly before what is left of the input, and goes back there, so
    // that nothing needs to be remembered of where it was.
    [[nodiscard]] event take_compressed(const decoder::event& found, bytes& in) noexcept {
        if (found.first && whole_messages_) input().clear();
        compression_.add(found);
        in = bytes(found.payload.data(), found.payload.size() + in.size());
        return take_inflated(in);
    }

    // Inflates from the front of `in`, up to the next event, or up to the end of what is there of it.
    [[nodiscard]] event take_inflated(bytes& in) noexcept {
        std::size_t wanted = whole_messages_ ? least_inflated_piece : largest_inflated_piece;
        // Text shrinks to a quarter or less. Room that is there already costs nothing, further steps do.
        if (whole_messages_ && compression_.pending() > wanted / 4) wanted = 4 * compression_.pending();
        if (whole_messages_ && input().ready() > wanted) wanted = input().ready();
        for (;; wanted *= 2) {
            const std::size_t free = input().limit() - input().size();
            if (wanted > free) wanted = free;
            const decoder::event found = compression_.inflate(in, input().prepare(wanted));
            if (found.kind == decoder::kind::error) return fail(found.error);
            if (!found) return {};
            event made{.kind = kind::piece,
                       .type = found.type,
                       .first = found.first,
                       .last = found.last,
                       .compressed = true,
                       .payload = found.payload};
            if (!whole_messages_) return made;
            input().commit(found.payload.size());
            if (found.last) {
                made.kind = kind::message;
                made.first = true;
                made.payload = input().contents();
                return made;
            }
        }
    }

    [[nodiscard]] event take_ping(bytes payload) noexcept {
        if (automatic_pongs_) {
            pong_.owe(payload);
            send_owed_pong();
        }
        return {.kind = kind::ping, .payload = payload};
    }

    // One Pong at a time is on its way; meanwhile only the latest Ping is remembered (RFC 6455 section 5.5.3; F10).
    void send_owed_pong() noexcept {
        if (!pong_.owed() || state_ != ws::state::open || pong_end_ > sent_) return;
        if (!queue(opcode::pong, true, pong_.payload(), room_for_close)) return;
        pong_.settle();
        pong_end_ = sent_ + output_.size();
    }

    // A Close is answered once, with its own code (RFC 6455 section 5.5.1; C4), and then no Pong is owed any more.
    [[nodiscard]] event take_close(const decoder::event& found) noexcept {
        if (state_ == ws::state::open) error_ = queue_close(found.code, {});
        become_closed(!error_);
        end_told_ = true;
        return {.kind = kind::closed, .clean = clean_, .code = found.code, .error = error_, .payload = found.payload};
    }

    [[nodiscard]] sockless::error send_control(opcode code, cbytes payload) noexcept {
        if (state_ != ws::state::open) return errc::not_open;
        if (payload.size() > max_control_payload) return errc::control_frame_too_long;
        if (!queue(code, true, payload, room_for_close)) return errc::no_room;
        return {};
    }

    [[nodiscard]] sockless::error queue_close(std::uint16_t code, cbytes reason) noexcept {
        std::array<std::byte, max_control_payload> payload;
        const written wrote = encode_close_payload(payload, code, reason);
        if (!wrote) return wrote.error;
        if (!queue(opcode::close, true, bytes(payload).first(wrote.size), 0)) return errc::no_room;
        return {};
    }

    template <class Write>
    [[nodiscard]] sockless::error queue_head(Write write, std::size_t reserve) noexcept {
        const written wanted = write(bytes{});
        if (wanted.error != http::errc::no_room) return wanted.error;
        const bytes room = room_for(wanted.size, reserve);
        if (room.empty()) return errc::no_room;
        output_.commit(write(room).size);
        return {};
    }

    // Room for `size` bytes, at least one, that leaves `reserve` free; empty where there is none.
    [[nodiscard]] bytes room_for(std::size_t size, std::size_t reserve) noexcept {
        const std::size_t free = output_.limit() - output_.size();
        return free < reserve || free - reserve < size ? bytes{} : output_.prepare(size);
    }

    // Queues one frame where it fits.
    [[nodiscard]] bool queue(opcode code, bool fin, cbytes payload, std::size_t reserve) noexcept {
        const bytes room = room_for(header_size(payload.size(), Own == role::client) + payload.size(), reserve);
        if (room.empty()) return false;
        output_.commit(encode(room, header_of(code, fin), payload).size);
        return true;
    }

    [[nodiscard]] frame_header header_of(opcode code, bool fin) noexcept {
        frame_header frame{.opcode = code, .fin = fin};
        if constexpr (Own == role::client) {
            frame.masked = true;
            // A fresh, unpredictable key for each frame (RFC 6455 section 5.3; F5).
            frame.masking_key = keys_.template take<4>();
        }
        return frame;
    }

    // Queues one frame of a message where it fits, compressed where that is wanted.
    [[nodiscard]] bool queue_data(message_type type, bool last, cbytes payload, compressed how) noexcept {
        const bool first = sending_ == sending::nothing;
        const auto code = first ? static_cast<opcode>(type) : opcode::continuation;
        if constexpr (Compression::available) {
            if (first) compresses_ = compression_.wants(how, payload.size(), last);
            if (compresses_) {
                if (queue_compressed(code, last, payload)) return true;
                if (!first) return false;
                // Where there is no memory for a window the message goes as it is (RFC 7692 section 6; D10).
                compresses_ = false;
            }
        }
        return queue(code, last, payload, room_for_close);
    }

    // Deflates behind the largest header that there can be, as the size is known only afterwards.
    [[nodiscard]] bool queue_compressed(opcode code, bool fin, cbytes payload) noexcept {
        constexpr std::size_t headroom = Own == role::client ? max_header_size : max_header_size - 4;
        const std::size_t free = output_.limit() - output_.size();
        if (free < room_for_close + headroom + Compression::least_room) return false;
        const std::size_t wanted = headroom + Compression::room_for(payload.size());
        const bytes room = output_.prepare(wanted < free - room_for_close ? wanted : free - room_for_close);
        if (room.empty()) return false;
        const auto deflated = compression_.deflate(payload, fin, room.subspan(headroom));
        if (!deflated) {
            compression_.abandon();
            return false;
        }
        frame_header frame = header_of(code, fin);
        // The first frame says that the message is compressed (RFC 7692 section 6; D5).
        if (code != opcode::continuation) frame.rsv = rsv::rsv1;
        const std::size_t size = header_size(deflated.size, frame.masked);
        detail::copy_down(room.data() + size, room.data() + headroom, deflated.size);
        output_.commit(frame_in_place(room.first(size + deflated.size), size, frame).size);
        return true;
    }

    union {
        opening_state opening_; // until `decoding_`
        decoder decoder_;
    };
    assembler<Buffer> assembler_; // its memory holds a head in pieces while the handshake lasts
    Buffer output_;
    std::uint64_t sent_ = 0;     // bytes, from the first of all
    std::uint64_t pong_end_ = 0; // the place in the output, counted likewise, where the last Pong ends
    instant now_ = 0;
    instant deadline_ = no_deadline;
    sockless::error error_{};
    [[no_unique_address]] Keys keys_;
    [[no_unique_address]] Compression compression_;
    std::uint32_t close_timeout_;
    std::uint32_t ping_interval_;
    std::uint32_t pong_timeout_;
    pending_pong pong_;
    utf8_validator outgoing_text_;
    ws::state state_ = ws::state::opening;
    sending sending_ = sending::nothing;
    bool reads_frames_ = false;
    bool heard_ = false; // something came since the last `tick`
    bool automatic_pongs_ : 1;
    bool whole_messages_ : 1;
    bool show_frames_ : 1;
    bool decoding_ : 1 = false;
    bool has_clock_ : 1 = false;
    bool awaiting_life_ : 1 = false; // a Ping of ours asked for it
    bool clean_ : 1 = false;
    bool end_told_ : 1 = false; // by a `closed` event
    bool input_ended_ : 1 = false;
    bool waited_ : 1 = false;     // long enough for the server to end the connection
    bool compresses_ : 1 = false; // the message that is sent
};

} // namespace sockless::ws
