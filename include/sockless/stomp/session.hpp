// What both ends of a STOMP session share: frames as a whole, heart-beats, deadlines, output, and how a session ends.
// SPDX-License-Identifier: MIT
#pragma once

#include "../detail/names.hpp"
#include "frames.hpp"
#include "parser.hpp"

namespace sockless::stomp {

/// How a session behaves. Durations are in milliseconds, sizes in bytes. Deadlines and heart-beats only work for those
/// who call `tick`.
struct options {
    version_set versions = version_set::all(); ///< that this side speaks
    stomp::heart_beat heart_beat{};            ///< what this side promises and wishes

    stomp::limits limits{}; ///< on what the peer sends once the session is connected
    /// On what it sends before. The body is that of an ERROR; CONNECT and CONNECTED have none.
    stomp::limits limits_before{.line = 4096, .headers = 50, .head = 8192, .body = 65536};
    std::size_t output = 32 * 1024 * 1024; ///< the most that waits to be sent, where the session makes its own buffer
    /// For the ids of subscriptions, transactions and receipts together, where the session makes its own buffer.
    std::size_t names = 256 * 1024;

    std::uint32_t subscriptions = 1000;    ///< that the client may have
    std::uint32_t transactions = 100;      ///< that the client may have open
    std::uint32_t unacknowledged = 10'000; ///< server: messages that may wait for an ACK
    std::uint32_t receipts = 10'000;       ///< client: receipts that may be outstanding

    std::uint32_t connect_timeout = 10'000;   ///< for CONNECT or CONNECTED, from the first `tick`
    std::uint32_t disconnect_timeout = 5'000; ///< client: for the receipt of DISCONNECT; both: for the last output

    bool automatic_receipts = true; ///< server: a frame's RECEIPT follows by itself; else the caller sends it
};

/// Where a session stands.
enum class state : std::uint8_t {
    connecting,    ///< CONNECTED was not sent or received yet
    open,          ///< frames go both ways
    disconnecting, ///< DISCONNECT was sent or received
    closed,        ///< nothing comes any more; what is queued still goes out
};

} // namespace sockless::stomp

namespace sockless::stomp::detail {

/// What a session keeps the names of.
enum class name_kind : std::uint8_t {
    subscription,
    destination, ///< of a subscription in 1.0 that has no id
    transaction,
    receipt, ///< client: outstanding; server: owed for the frame that the caller handles
};

} // namespace sockless::stomp::detail

namespace sockless::stomp {

/// The part of `basic_server_session` and `basic_client_session` that is the same in both; see there. `Buffer` holds
/// frames that come in pieces, what goes out, and names. Nothing here does I/O, reads a clock, or allocates but through
/// `Buffer`, or knows what carries the bytes.
template <role Own, class Buffer>
class session {
  public:
    /// The version that was agreed on; `unknown` before.
    [[nodiscard]] stomp::version version() const noexcept { return parser_.version(); }

    /// What is to be sent next, oldest first. Valid until the next call that is not const. A short write is normal.
    [[nodiscard]] cbytes output() const noexcept { return output_.contents(); }

    /// Says that the first `size` bytes of `output()` were sent; more than there are count as all of them.
    void sent(std::size_t size) noexcept {
        if (size > output_.size()) size = output_.size();
        if (size == 0) return;
        output_.consume(size);
        arm_own_beat();
    }

    /// When `tick`, which was called before, has something to do next; `no_deadline` where nothing is waited for.
    [[nodiscard]] instant next_deadline() const noexcept {
        const instant beat = own_beat_ < peer_beat_ ? own_beat_ : peer_beat_;
        return beat < deadline_ ? beat : deadline_;
    }

    /// Whether there is nothing left to do but to end what carries the session.
    [[nodiscard]] bool done() const noexcept {
        if (waited_) return true;
        const bool ended = state_ == stomp::state::closed || (Own == role::server && is_disconnecting());
        return ended && output_.size() == 0 && (state_ == stomp::state::closed || !owes_receipt());
    }

    /// Where the session stands. Frames can be sent while it is `open`.
    [[nodiscard]] stomp::state state() const noexcept { return state_; }
    [[nodiscard]] bool is_open() const noexcept { return state_ == stomp::state::open; }

    /// What went wrong, as told by the `lost` event. Stays.
    [[nodiscard]] sockless::error error() const noexcept { return error_; }

    /// How many bytes were taken; after an error in what the peer sent, the offset of the byte that broke the rule.
    [[nodiscard]] std::uint64_t offset() const noexcept { return offset_ != no_offset ? offset_ : parser_.offset(); }

    /// The names of the transactions that are open; after the end, of those that were never committed, and are to be
    /// taken for aborted (STOMP 1.2 BEGIN; S10). A range of `std::string_view`, valid until the next call that is not
    /// const.
    [[nodiscard]] auto transactions() const noexcept { return names_.of(name_kind::transaction); }

    /// The ids of the subscriptions there are. Valid as long.
    [[nodiscard]] auto subscriptions() const noexcept { return names_.of(name_kind::subscription); }

    /// Gives back memory that is not in use, for a session that will be idle. Ends the lifetime of what was handed out.
    void release_memory() noexcept {
        if (parser_.is_between_frames()) {
            parser_.memory().clear();
            parser_.memory().release();
        }
        if (output_.size() == 0) output_.release();
        names_.release();
    }

  protected:
    using name_kind = detail::name_kind;

    session(const options& how, Buffer input, Buffer output, Buffer names) noexcept
        : how_(how),
          parser_(static_cast<Buffer&&>(input), how.limits_before),
          output_(static_cast<Buffer&&>(output)),
          names_(static_cast<Buffer&&>(names)) {
        begin_wait(how.connect_timeout);
    }

    [[nodiscard]] static std::size_t input_limit(const options& how) noexcept {
        const std::uint64_t head = how.limits.head > how.limits_before.head ? how.limits.head : how.limits_before.head;
        const std::uint64_t body = how.limits.body > how.limits_before.body ? how.limits.body : how.limits_before.body;
        return body > SIZE_MAX - head ? SIZE_MAX : static_cast<std::size_t>(head + body);
    }

    [[nodiscard]] bool is_disconnecting() const noexcept { return state_ == stomp::state::disconnecting; }

    // A frame as a whole. `body` is a span of the input, or of the memory.
    struct whole_frame {
        stomp::command command = stomp::command::none; // `none` where the input is used up
        errc error = errc::none;
        bool heart_beat = false;
        stomp::headers headers{};
        bytes body{};
    };

    // Takes the next frame or heart-beat from `in`, or as much of a frame as there is. `judge(command)` says, before
    // any of its body is kept, what is wrong with it.
    template <class Judge>
    [[nodiscard]] whole_frame next_frame(bytes& in, Judge judge) noexcept {
        heard_ = heard_ || !in.empty();
        while (const stomp::event found = parser_.next(in)) {
            switch (found.kind) {
            case kind::heart_beat: return {.heart_beat = true};
            case kind::error: return broken(found.error);
            case kind::head:
                in_frame_ = true;
                if (const errc wrong = judge(found.command); wrong != errc::none) {
                    note_offset_of_frame();
                    return broken(wrong);
                }
                break;
            case kind::body:
                if (!found.last && !parser_.keep()) return broken(errc::head_too_large);
                if (found.first && found.last) {
                    in_frame_ = false;
                    return {.command = found.command, .headers = parser_.headers(), .body = found.payload};
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

    // What is wrong, with the headers of the frame, as far as they are known: they may ask for a receipt.
    [[nodiscard]] whole_frame broken(errc what) const noexcept {
        return {.error = what, .headers = in_frame_ ? parser_.headers() : stomp::headers{}};
    }

    // What is wrong with a frame is at its first byte.
    void note_offset_of_frame() noexcept { offset_ = parser_.frame_offset(); }

    // Queues what `write` writes to a span, all of it or nothing. `reserve` bytes of the output stay free. `note` is
    // called when the frame was written, and still can refuse it: so what the frame says may lie in what `note`
    // changes.
    template <class Write, class Note>
    [[nodiscard]] sockless::error queue(Write write, std::size_t likely, std::size_t reserve, Note note) noexcept {
        const std::size_t free = output_.limit() - output_.size();
        if (free < reserve) return errc::no_room;
        const std::size_t most = free - reserve;
        bytes room = output_.prepare(likely < most ? likely : most);
        written wrote = write(room);
        if (wrote.error == errc::no_room && wrote.size <= most) {
            room = output_.prepare(wrote.size);
            wrote = write(room);
        }
        if (wrote.error) return wrote.error;
        if (const errc refused = note(); refused != errc::none) return refused;
        output_.commit(wrote.size);
        return {};
    }
    template <class Write>
    [[nodiscard]] sockless::error queue(Write write, std::size_t likely, std::size_t reserve) noexcept {
        return queue(write, likely, reserve, [] { return errc::none; });
    }
    template <class Frame, class Note>
    [[nodiscard]] sockless::error queue_frame(const Frame& frame, std::size_t body, std::size_t reserve,
                                              Note note) noexcept {
        return queue([&](bytes out) { return write(out, version(), frame); }, usual_head + body, reserve, note);
    }
    template <class Frame>
    [[nodiscard]] sockless::error queue_frame(const Frame& frame, std::size_t body, std::size_t reserve) noexcept {
        return queue_frame(frame, body, reserve, [] { return errc::none; });
    }

    // The time that was told, and what is due. An error where the session has ended by it.
    [[nodiscard]] errc pass_time(instant now) noexcept {
        now_ = now;
        // What began since the last call is counted from now, as nobody knows when it was.
        if (begun_wait_ != 0) arm(begun_wait_);
        if (heard_) arm_peer_beat();
        if (!has_clock_) arm_own_beat();
        begun_wait_ = 0;
        heard_ = false;
        has_clock_ = true;
        if (now >= deadline_) {
            deadline_ = no_deadline;
            switch (state_) {
            case stomp::state::connecting: return errc::connect_timeout;
            case stomp::state::disconnecting:
                if (Own == role::client) return errc::receipt_timeout;
                waited_ = true;
                break;
            case stomp::state::closed: waited_ = true; break;
            case stomp::state::open: break;
            }
        }
        if (now >= peer_beat_) return errc::heart_beat_timeout;
        if (now >= own_beat_) {
            // Output that waits is a sign of life as soon as the peer takes it; more of it would be none.
            if (output_.size() == 0) static_cast<void>(queue([](bytes out) { return write_beat(out); }, 1, 0));
            arm_own_beat();
        }
        return errc::none;
    }

    void become_open(stomp::version agreed, const stomp::heart_beat& peer) noexcept {
        parser_.set_version(agreed);
        parser_.set_limits(how_.limits);
        state_ = stomp::state::open;
        deadline_ = no_deadline;
        begun_wait_ = 0;
        own_interval_ = agreed_interval(how_.heart_beat.sends, peer.wants);
        peer_interval_ = agreed_interval(peer.sends, how_.heart_beat.wants);
        arm_own_beat();
        arm_peer_beat();
        heard_ = true;
    }

    void become_disconnecting() noexcept {
        state_ = stomp::state::disconnecting;
        own_interval_ = peer_interval_ = 0;
        own_beat_ = peer_beat_ = no_deadline;
        begin_wait(how_.disconnect_timeout);
    }

    // What is still queued goes out, but nobody waits for that without end.
    void become_closed(sockless::error why) noexcept {
        become_disconnecting();
        state_ = stomp::state::closed;
        error_ = why;
    }

    [[nodiscard]] bool owes_receipt() const noexcept {
        return Own == role::server && !names_.of(name_kind::receipt).empty();
    }

    options how_;
    basic_parser<Buffer> parser_;
    Buffer output_;
    detail::name_list<detail::name_kind, Buffer> names_;

  private:
    static constexpr std::uint64_t no_offset = UINT64_MAX;
    static constexpr std::size_t usual_head = 512;

    [[nodiscard]] static written write_beat(bytes out) noexcept {
        if (out.empty()) return {1, errc::no_room};
        out[0] = std::byte{'\n'};
        return {1, {}};
    }

    void begin_wait(std::uint32_t duration) noexcept {
        begun_wait_ = duration;
        arm(duration);
    }

    void arm(std::uint32_t duration) noexcept {
        deadline_ = duration == never ? no_deadline : detail::later(now_, duration);
    }

    // A quarter early, so that it is not late at the other end (STOMP 1.2 Heart-beating; S5).
    void arm_own_beat() noexcept {
        if (own_interval_ != 0) own_beat_ = detail::later(now_, own_interval_ - own_interval_ / 4);
    }

    // The margin of the reader is one and a half times as much again, as some servers let two intervals pass before
    // their first heart-beat.
    void arm_peer_beat() noexcept {
        const instant silence = instant{2} * peer_interval_ + peer_interval_ / 2;
        if (silence != 0) peer_beat_ = detail::later(now_, silence);
    }

    std::uint64_t offset_ = no_offset; // of what is wrong, where the parser does not know it
    instant now_ = 0;
    instant deadline_ = no_deadline;  // of what the state waits for
    instant own_beat_ = no_deadline;  // when something must be sent
    instant peer_beat_ = no_deadline; // when something must have come
    sockless::error error_{};
    std::uint32_t begun_wait_ = 0; // how long is to be waited, where the clock was not looked at since
    std::uint32_t own_interval_ = 0;
    std::uint32_t peer_interval_ = 0;
    stomp::state state_ = stomp::state::connecting;
    bool has_clock_ : 1 = false;
    bool heard_ : 1 = false;    // something came since the last `tick`
    bool in_frame_ : 1 = false; // the head of a frame has come, its end has not
    bool waited_ : 1 = false;   // long enough for the last output to be taken
};

} // namespace sockless::stomp
