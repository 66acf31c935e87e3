// What both ends of a STOMP session share: names, heart-beats, deadlines, output, and how a session ends.
// SPDX-License-Identifier: MIT
#pragma once

#include "../detail/deadline.hpp"
#include "../detail/names.hpp"
#include "../detail/outbox.hpp"
#include "event.hpp"
#include "frame_reader.hpp"

namespace sockless::stomp {

/// How a session behaves. Durations are in milliseconds, sizes in bytes. Timeouts and heart-beats need a caller that
/// calls `tick`.
struct options {
    version_set versions = version_set::all(); ///< that this side speaks
    stomp::heart_beat heart_beat{};            ///< what this side promises and wishes

    stomp::limits limits{}; ///< on what the peer sends once the session is connected
    /// On what it sends before. The body is that of an ERROR; CONNECT and CONNECTED have none.
    stomp::limits limits_before{.line = 4096, .headers = 50, .head = 8192, .body = 65536};
    std::size_t output = 32 * 1024 * 1024; ///< the most that waits to be sent, if the memory comes from the heap
    /// For the ids of subscriptions, transactions and receipts together, if the memory comes from the heap.
    std::size_t names = 256 * 1024;

    std::uint32_t subscriptions = 1000;    ///< that the client may have
    std::uint32_t transactions = 100;      ///< that the client may have open
    std::uint32_t unacknowledged = 10'000; ///< server: messages that may wait for an ACK
    std::uint32_t receipts = 10'000;       ///< client: receipts that may be outstanding

    std::uint32_t connect_timeout = 10'000; ///< for CONNECT or CONNECTED, from the first `tick`
    /// Client: for the receipt of DISCONNECT. Both: for the peer to take the last output. Counted without progress.
    std::uint32_t disconnect_timeout = 5'000;

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
    receipt,      ///< client: outstanding
    owed_receipt, ///< server: see `owed_receipt`
};

/// Where a session on bare bytes writes its frames, which is also where they are sent from. `carrier` is the other.
template <class Buffer>
struct bare_output : outbox<Buffer> {
    bare_output(const Buffer& memory) noexcept : outbox<Buffer>(memory) {}
};

} // namespace sockless::stomp::detail

namespace sockless::stomp {

template <class Session>
class over_websocket;

/// The part of `basic_server_session` and `basic_client_session` that is the same in both; see there. `Buffer` holds
/// frames that come in pieces, and names. `Output` takes the frames that are to be sent: bytes as they are, or a
/// `carrier`. Nothing here does I/O, reads a clock, or allocates but through `Buffer` and `Output`.
template <role Own, class Buffer, class Output>
class session {
  public:
    using output_type = Output;

    /// The version that was agreed on; `unknown` before.
    [[nodiscard]] stomp::version version() const noexcept { return reader_.version(); }

    /// The bytes that are to be sent next, the oldest first; at most 64 KiB at a time. Empty if there are none. They
    /// stay where they are, and as they are, until `sent` takes them: also while more is sent, received and ticked, and
    /// when memory is released. So an asynchronous write may read from them. The session outlives the write.
    [[nodiscard]] cbytes output() const noexcept { return output_.output(); }

    /// How many bytes wait to be sent in all, for callers that stop producing while there are too many.
    [[nodiscard]] std::size_t waiting() const noexcept { return output_.size(); }

    /// When `tick` has something to do next; `no_deadline` if nothing is waited for. 0, which is at once, if a wait has
    /// begun since the last `tick`: it counts from the next one.
    [[nodiscard]] instant next_deadline() const noexcept {
        const instant beat = own_beat_.next() < peer_beat_.next() ? own_beat_.next() : peer_beat_.next();
        return beat < deadline_.next() ? beat : deadline_.next();
    }

    /// Where the session stands. Frames can be sent while it is `open`.
    [[nodiscard]] stomp::state state() const noexcept { return state_; }
    [[nodiscard]] bool is_open() const noexcept { return state_ == stomp::state::open; }

    /// What went wrong, as told by the `lost` event. Stays.
    [[nodiscard]] sockless::error error() const noexcept { return error_; }

    /// How many bytes were taken; after an error in what the peer sent, the offset of the byte that broke the rule.
    [[nodiscard]] std::uint64_t offset() const noexcept { return reader_.offset(); }

    /// The names of the transactions that are open; after the end, of those that were never committed, and are to be
    /// taken for aborted (STOMP 1.2 BEGIN) [S10]. A range of `std::string_view`, valid until the next call that is not
    /// const.
    [[nodiscard]] auto transactions() const noexcept { return names_.of(name_kind::transaction); }

    /// The ids of the subscriptions there are. Valid as long.
    [[nodiscard]] auto subscriptions() const noexcept { return names_.of(name_kind::subscription); }

    /// Gives back memory that is not in use, for a session that will be idle. Ends the lifetime of what was handed out;
    /// what `output()` shows stays.
    void release_memory() noexcept {
        reader_.release();
        output_.release();
        names_.release();
    }

  protected:
    using name_kind = detail::name_kind;

    // The sizes that nearly all frames keep within, but for bodies and for the id of a RECEIPT.
    static constexpr std::size_t usual_head = 512, usual_receipt = 32;

    session(const options& settings, Buffer input, Output output, Buffer names) noexcept
        : reader_(static_cast<Buffer&&>(input), settings.limits_before),
          output_(static_cast<Output&&>(output)),
          names_(static_cast<Buffer&&>(names)),
          limits_(settings.limits),
          heart_beat_(settings.heart_beat),
          disconnect_timeout_(settings.disconnect_timeout),
          most_subscriptions_(settings.subscriptions),
          most_transactions_(settings.transactions),
          versions_(settings.versions) {
        deadline_.begin(settings.connect_timeout);
    }

    [[nodiscard]] static std::size_t input_limit(const options& settings) noexcept {
        const stomp::limits &open = settings.limits, &before = settings.limits_before;
        const std::uint64_t head = open.head > before.head ? open.head : before.head;
        const std::uint64_t body = open.body > before.body ? open.body : before.body;
        return body > SIZE_MAX - head ? SIZE_MAX : static_cast<std::size_t>(head + body);
    }

    [[nodiscard]] bool is_disconnecting() const noexcept { return state_ == stomp::state::disconnecting; }

    // Takes the next frame or heart-beat from `in`, which is not empty: see `frame_reader::next`.
    template <class Judge>
    [[nodiscard]] detail::whole_frame next_frame(bytes& in, Judge judge) noexcept {
        heard_ = true;
        return reader_.next(in, judge);
    }

    // Queues what `write` writes to a span, all of it or nothing. `likely` is the size that it will probably have.
    // `reserve` bytes of the output stay free. `note` is called when the frame was written, and still can refuse it: so
    // what the frame says may lie in what `note` changes.
    template <class Write, class Note = detail::note_nothing>
    [[nodiscard]] sockless::error queue(Write write, std::size_t likely, std::size_t reserve, Note note = {}) noexcept {
        if (const sockless::error refused = put(output_, likely, reserve, errc::no_room, write, note)) return refused;
        begin_own_beat();
        return {};
    }
    template <class Frame, class Note = detail::note_nothing>
    [[nodiscard]] sockless::error queue_frame(const Frame& frame, std::size_t likely, std::size_t reserve,
                                              Note note = {}) noexcept {
        return queue([&](bytes out) { return write(out, version(), frame); }, likely, reserve, note);
    }

    // The peer has taken `size` bytes.
    void take_sent(std::size_t size) noexcept {
        output_.sent(size);
        if (size == 0) return;
        const bool said_goodbye = state_ >= stomp::state::disconnecting;
        if (said_goodbye && output_.empty()) {
            // An answer can be expected from now on.
            deadline_.begin_again();
        } else if (said_goodbye || !output_.empty()) {
            // A peer that takes what waits for it is there. What leaves without waiting proves nothing: the system has
            // room for it.
            progresses_ = true;
        }
    }

    // Does what is due at this time. An error if the session has ended by it. While nothing is read, that the peer
    // takes what waits for it is its only sign of life.
    [[nodiscard]] errc pass_time(instant now, bool reads = true) noexcept {
        now_ = now;
        if (progresses_) deadline_.begin_again();
        if (heard_ || (progresses_ && !reads)) peer_beat_.begin_again();
        progresses_ = heard_ = false;
        if (deadline_.pass(now)) {
            if (state_ == stomp::state::connecting) return errc::connect_timeout;
            waited_ = true;
            if (Own == role::client && is_disconnecting()) return errc::receipt_timeout;
        }
        if (peer_beat_.pass(now)) return errc::heart_beat_timeout;
        if (own_beat_.pass(now)) {
            // Output that waits is a sign of life as soon as the peer takes it; more of it would be none.
            if (!output_.empty() || queue([](bytes out) { return write_beat(out); }, 1, 0)) {
                own_beat_.begin_at(now, own_silence_ / 3 + 1);
            }
        }
        return errc::none;
    }

    void become_open(stomp::version agreed, const stomp::heart_beat& peer) noexcept {
        reader_.agree(agreed, limits_);
        state_ = stomp::state::open;
        deadline_.stop();
        const std::uint32_t own_interval = agreed_interval(heart_beat_.sends, peer.wants);
        const std::uint32_t peer_interval = agreed_interval(peer.sends, heart_beat_.wants);
        // A quarter early, so that it is not late at the other end (STOMP 1.2 Heart-beating) [S5].
        own_silence_ = own_interval != 0 ? own_interval - own_interval / 4 : never;
        own_beat_.begin(own_silence_);
        // The margin of the reader is one and a half times as much again, as some servers let two intervals pass before
        // their first heart-beat. Silence of seven weeks is not waited for.
        const std::uint64_t silence = std::uint64_t{2} * peer_interval + peer_interval / 2;
        peer_beat_.begin(silence != 0 && silence < never ? static_cast<std::uint32_t>(silence) : never);
    }

    void become_disconnecting() noexcept {
        state_ = stomp::state::disconnecting;
        own_silence_ = never;
        own_beat_.stop();
        peer_beat_.stop();
        deadline_.begin(disconnect_timeout_);
    }

    // What is still queued goes out, but nobody waits for that without end.
    void become_closed(sockless::error reason) noexcept {
        become_disconnecting();
        if (waited_) deadline_.stop();
        state_ = stomp::state::closed;
        error_ = reason;
    }

    // The peer had its time to take the last output.
    [[nodiscard]] bool has_waited() const noexcept { return waited_; }

    [[nodiscard]] version_set versions() const noexcept { return versions_; }
    [[nodiscard]] const stomp::heart_beat& own_heart_beat() const noexcept { return heart_beat_; }
    [[nodiscard]] std::uint32_t most_subscriptions() const noexcept { return most_subscriptions_; }
    [[nodiscard]] std::uint32_t most_transactions() const noexcept { return most_transactions_; }

    detail::frame_reader<Buffer> reader_;
    Output output_;
    detail::name_list<detail::name_kind, Buffer> names_;

  private:
    template <class Session>
    friend class over_websocket;

    [[nodiscard]] static written write_beat(bytes out) noexcept {
        if (out.empty()) return {1, errc::no_room};
        out[0] = std::byte{'\n'};
        return {1, {}};
    }

    // What is sent counts from the last tick, as nobody knows how long ago that was: so a heart-beat is early, not
    // late.
    void begin_own_beat() noexcept {
        const bool has_clock = own_beat_.next() != 0;
        if (has_clock) own_beat_.begin_at(now_, own_silence_);
    }

    instant now_ = 0;            // the last tick
    detail::deadline deadline_;  // of what the state waits for
    detail::deadline own_beat_;  // when something must be sent
    detail::deadline peer_beat_; // when something must have come
    sockless::error error_{};
    stomp::limits limits_; // once the session is open
    stomp::heart_beat heart_beat_;
    std::uint32_t disconnect_timeout_;
    std::uint32_t most_subscriptions_;
    std::uint32_t most_transactions_;
    std::uint32_t own_silence_ = never; // after which a heart-beat is sent
    version_set versions_;
    stomp::state state_ = stomp::state::connecting;
    bool heard_ : 1 = false;      // something came since the last `tick`
    bool progresses_ : 1 = false; // the peer took what had waited for it since then
    bool waited_ : 1 = false;     // long enough for the last output to be taken
};

} // namespace sockless::stomp
