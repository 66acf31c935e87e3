// The common part of both ends of a STOMP session: names, heart-beats, deadlines, output, and how a session ends.
// SPDX-License-Identifier: MIT
#pragma once

#include "../detail/deadline.hpp"
#include "../detail/outbox.hpp"
#include "event.hpp"
#include "frame_reader.hpp"
#include "name_records.hpp"

namespace sockless::stomp {

/// The options of a session. Durations are in milliseconds, sizes in bytes. Timeouts and heart-beats only work if the
/// caller calls `tick`.
struct options {
    version_set versions = version_set::all(); ///< the versions that this side speaks
    stomp::heart_beat heart_beat{};            ///< the heart-beats that this side promises and wants

    stomp::limits limits{}; ///< limits on the frames of the peer, once the session is open
    /// Limits on the frames that the peer sends before. A `passcode` may be a token of several thousand bytes. `body`
    /// is for ERROR, as CONNECT and CONNECTED have no body.
    stomp::limits limits_before{.line = 8192, .headers = 50, .head = 16384, .body = 65536};
    std::size_t output = 32 * 1024 * 1024; ///< the most bytes that wait to be sent, if the memory is from the heap
    /// The most bytes for the ids of subscriptions, transactions and receipts together, with the bytes that each takes
    /// more (see the constructors of the sessions), if the memory is from the heap. As much again is taken while ids
    /// come and go.
    std::size_t names = 512 * 1024;

    std::uint32_t subscriptions = 1000;    ///< subscriptions that the client may have
    std::uint32_t transactions = 100;      ///< transactions that the client may have open
    std::uint32_t unacknowledged = 10'000; ///< server: messages that may wait for an ACK
    std::uint32_t receipts = 10'000;       ///< client: receipts that may be outstanding

    /// The longest wait until the session is open, from the first `tick` on.
    std::uint32_t connect_timeout = 10'000;
    /// The longest wait, after DISCONNECT or the end of the session, for the peer to take the last output. Client: also
    /// for the receipt of DISCONNECT. The wait begins anew each time that the peer takes some output.
    std::uint32_t disconnect_timeout = 5'000;

    bool automatic_receipts = true; ///< server: the session sends each RECEIPT by itself; if false the caller does

    /// Server: whether a CONNECT of 1.1 or 1.2 without `host` is refused, as the specification demands this header. By
    /// default it is let in, as brokers let it in, and many clients send none if they are not told to (STOMP 1.2
    /// Connecting) [S17].
    bool require_host = false;
};

/// The states of a session.
enum class state : std::uint8_t {
    connecting,    ///< CONNECTED was not sent or received yet
    open,          ///< both sides can send frames
    disconnecting, ///< DISCONNECT was sent or received
    closed,        ///< the session has ended; the queued bytes are still to be sent
};

} // namespace sockless::stomp

namespace sockless::stomp::detail {

/// The `Output` of a session that no WebSocket carries: a queue of bytes. For a WebSocket see `carrier`.
template <class Buffer>
struct bare_output : outbox<Buffer> {
    bare_output(const Buffer& memory) noexcept : outbox<Buffer>(memory) {}
};

} // namespace sockless::stomp::detail

namespace sockless::stomp {

template <class Session>
class over_websocket;

/// The common part of `basic_server_session` and `basic_client_session`. `Buffer` holds frames that come in pieces, and
/// names. `Output` takes the frames that the session sends: bytes as they are, or a `carrier`. A session does no I/O
/// and reads no clock; it allocates only through `Buffer` and `Output`.
template <role Own, class Buffer, class Output>
class session {
  public:
    using output_type = Output;

    /// The version that the two sides have agreed on; `unknown` before the session is open.
    [[nodiscard]] stomp::version version() const noexcept { return reader_.version(); }

    /// The bytes to send next, the oldest first, at most 64 KiB at a time. Empty if there are none. Neither the bytes
    /// nor their place change until `sent` takes them, also if other functions are called, even `release_memory`. So an
    /// asynchronous write may read from them; the session must outlive it.
    [[nodiscard]] cbytes output() const noexcept { return output_.output(); }

    /// The same bytes in several pieces: see `ws::connection::output`.
    [[nodiscard]] std::span<const cbytes> output(std::span<cbytes> pieces) const noexcept {
        return pieces.first(output_.output(pieces));
    }

    /// The number of all bytes that wait to be sent. A caller can stop producing messages while there are too many.
    [[nodiscard]] std::size_t waiting() const noexcept { return output_.size(); }

    /// Says that bytes of the peer wait which the caller does not give to `next` yet. They count as a sign of life at
    /// the next `tick`: see `ws::connection::hold_input`.
    void hold_input() noexcept { heard_ = true; }

    /// The time at which `tick` has something to do next; `no_deadline` if there is no such time. It is 0, which means
    /// at once, if a wait has begun since the last `tick`: the wait counts from the next `tick`.
    [[nodiscard]] instant next_deadline() const noexcept {
        const instant beat = own_beat_.next() < peer_beat_.next() ? own_beat_.next() : peer_beat_.next();
        return beat < deadline_.next() ? beat : deadline_.next();
    }

    /// The state of the session. The caller can send frames while it is `open`.
    [[nodiscard]] stomp::state state() const noexcept { return state_; }
    [[nodiscard]] bool is_open() const noexcept { return state_ == stomp::state::open; }

    /// The error that has ended the session, as in the `lost` event. It stays.
    [[nodiscard]] sockless::error error() const noexcept { return error_; }

    /// The number of bytes that were taken. If the peer broke a rule, the offset of the first byte that breaks it.
    [[nodiscard]] std::uint64_t offset() const noexcept { return reader_.offset(); }

    /// The names of the open transactions. After the end of the session these transactions were never committed, and
    /// the caller takes them for aborted (STOMP 1.2 BEGIN) [S10]. A range of `std::string_view`, valid until the next
    /// call that is not const.
    [[nodiscard]] auto transactions() const noexcept { return names_.of(name_kind::transaction); }

    /// The ids of the subscriptions, without those that have no id (in 1.0). A range that is valid as long as that of
    /// `transactions`.
    [[nodiscard]] auto subscriptions() const noexcept { return names_.of(name_kind::subscription); }

    /// Gives back memory that is not in use, for a session that will be idle. Views and spans of events and ranges are
    /// no longer valid; those of `output()` are.
    void release_memory() noexcept {
        reader_.release();
        output_.release();
        names_.release();
    }

  protected:
    using name_kind = detail::name_kind;
    using name_record = std::conditional_t<Own == role::server, detail::server_name, detail::client_name>;
    using name_list = detail::name_list<name_record, Buffer>;
    using name = typename name_list::entry;

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

    // A copy would share the memory of a `span_buffer`.
    session(session&&) noexcept = default;
    session& operator=(session&&) noexcept = default;

    [[nodiscard]] static std::size_t input_limit(const options& settings) noexcept {
        const stomp::limits &open = settings.limits, &before = settings.limits_before;
        const std::uint64_t head = open.head > before.head ? open.head : before.head;
        const std::uint64_t body = open.body > before.body ? open.body : before.body;
        return body > SIZE_MAX - head ? SIZE_MAX : static_cast<std::size_t>(head + body);
    }

    // The memory for a list that can hold so many bytes or records: see `name_list` and `acknowledgements`.
    [[nodiscard]] static std::size_t list_limit(std::size_t records, std::size_t each = 1) noexcept {
        return records > SIZE_MAX / 2 / each ? SIZE_MAX : 2 * each * records;
    }

    [[nodiscard]] bool is_disconnecting() const noexcept { return state_ == stomp::state::disconnecting; }

    // Takes the next frame or heart-beat from the front of `in`, which is not empty: see `frame_reader::next`.
    template <class Judge>
    [[nodiscard]] detail::whole_frame next_frame(bytes& in, Judge judge) noexcept {
        heard_ = true;
        return reader_.next(in, judge);
    }

    // Queues the frame that `write` writes to a span, all of it or nothing. `likely` is its probable size. `reserve`
    // bytes of the output stay free. `note` is called after the frame was written, and can still refuse it. So the
    // frame may have views of memory that `note` changes.
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

    // Says that the peer has taken `size` bytes.
    void take_sent(std::size_t size) noexcept {
        output_.sent(size);
        if (size == 0) return;
        const bool said_goodbye = state_ >= stomp::state::disconnecting;
        if (said_goodbye && output_.empty()) {
            // Only now can the peer answer, so the wait for its answer begins.
            deadline_.begin_again();
        } else if (said_goodbye || !output_.empty()) {
            // Output waits, and the peer takes some of it: this is a sign of life. Output that leaves at once is none,
            // as the operating system may just have had room for it.
            progresses_ = true;
        }
    }

    // Does the work that is due at the time `now`. Returns an error if a wait took too long and the session must end.
    // It is a sign of life, too, if the peer takes output that waits: while much waits a program may read nothing.
    [[nodiscard]] errc pass_time(instant now) noexcept {
        if (now == no_deadline) return errc::none;
        now_ = now;
        if (progresses_) deadline_.begin_again();
        if (heard_ || progresses_) peer_beat_.begin_again();
        progresses_ = heard_ = false;
        if (deadline_.pass(now)) {
            if (state_ == stomp::state::connecting) return errc::connect_timeout;
            waited_ = true;
            if (Own == role::client && is_disconnecting()) return errc::receipt_timeout;
        }
        if (peer_beat_.pass(now)) return errc::heart_beat_timeout;
        if (own_beat_.pass(now)) {
            // Output that waits is our sign of life as soon as the peer reads it, so a heart-beat is only queued if
            // there is none.
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
        // The reader waits for two and a half intervals, as some servers let two intervals pass before their first
        // heart-beat. A silence that does not fit into 32 bits, seven weeks, is not watched.
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

    // The queued bytes are still to be sent, but only for a limited time.
    void become_closed(sockless::error reason) noexcept {
        become_disconnecting();
        if (waited_) deadline_.stop();
        state_ = stomp::state::closed;
        error_ = reason;
    }

    // Whether the time for the peer to take the last output is over.
    [[nodiscard]] bool has_waited() const noexcept { return waited_; }

    [[nodiscard]] version_set versions() const noexcept { return versions_; }
    [[nodiscard]] const stomp::heart_beat& own_heart_beat() const noexcept { return heart_beat_; }
    [[nodiscard]] std::uint32_t most_subscriptions() const noexcept { return most_subscriptions_; }
    [[nodiscard]] std::uint32_t most_transactions() const noexcept { return most_transactions_; }

    detail::frame_reader<Buffer> reader_;
    Output output_;
    name_list names_;

  private:
    template <class Session>
    friend class over_websocket;

    [[nodiscard]] static written write_beat(bytes out) noexcept {
        if (out.empty()) return {1, errc::no_room};
        out[0] = std::byte{'\n'};
        return {1, {}};
    }

    // The wait for the next own heart-beat counts from the last tick, as the time since then is not known. So a
    // heart-beat may be early but is never late.
    void begin_own_beat() noexcept {
        const bool has_clock = own_beat_.next() != 0;
        if (has_clock) own_beat_.begin_at(now_, own_silence_);
    }

    instant now_ = 0;            // the time of the last tick
    detail::deadline deadline_;  // of the wait that belongs to the state
    detail::deadline own_beat_;  // until which something must be sent
    detail::deadline peer_beat_; // until which something must have come
    sockless::error error_{};
    stomp::limits limits_; // of the frames that come once the session is open
    stomp::heart_beat heart_beat_;
    std::uint32_t disconnect_timeout_;
    std::uint32_t most_subscriptions_;
    std::uint32_t most_transactions_;
    std::uint32_t own_silence_ = never; // the silence after which a heart-beat is sent
    version_set versions_;
    stomp::state state_ = stomp::state::connecting;
    bool heard_ : 1 = false;      // something came since the last `tick`
    bool progresses_ : 1 = false; // the peer took output that had waited, since the last `tick`
    bool waited_ : 1 = false;     // the time for the last output, or for the receipt of DISCONNECT, is over
};

} // namespace sockless::stomp
