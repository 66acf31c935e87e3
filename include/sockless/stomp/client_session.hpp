// The client's end of one STOMP session: bytes in, messages and receipts out, bytes back; no socket inside.
// SPDX-License-Identifier: MIT
#pragma once

#include "session.hpp"

namespace sockless::stomp {

/// The client's end of one session. Call `connect` first. Then drive it like `basic_server_session`: give the bytes
/// that came to `next` until it returns no event, send `output()` and report it with `sent`, and stop when `done()` is
/// true. A call that would make the server answer with ERROR (an unknown transaction, a repeated subscription) fails
/// here, and nothing is sent, as an ERROR ends the session.
///
/// `Buffer` is the type of the memory: for frames that come in pieces, for output, and for the names that the session
/// keeps (see buffer.hpp). `Output` takes the frames that the session sends: bytes as they are, or a `carrier`.
///
///     stomp::client_session session;
///     error = session.connect({.host = "/", .login = "guest", .passcode = "guest"});
///     session.sent(write(session.output()));
///     while (const stomp::client_event event = session.next(in)) {
///         if (event.kind == stomp::client_kind::connected) {
///             error = session.subscribe({.id = "1", .destination = "/queue/a", .ack = stomp::ack_mode::client});
///         }
///         if (event.kind == stomp::client_kind::message) error = session.ack(event);
///     }
template <class Buffer, class Output = detail::bare_output<Buffer>>
class basic_client_session : public session<role::client, Buffer, Output> {
    using base = session<role::client, Buffer, Output>;
    using base::usual_head;
    using typename base::name, typename base::name_kind;

  public:
    using event = client_event;
    using kind = client_kind;

    /// With memory from the heap, up to the limits of `settings`.
    explicit basic_client_session(
        const options& settings = {}) noexcept requires std::is_same_v<Output, detail::bare_output<growing_buffer>>
        : basic_client_session(growing_buffer(settings.output), settings) {}

    /// Likewise, but with this `output`: `options::output` is not read.
    basic_client_session(Output output,
                         const options& settings) noexcept requires std::is_same_v<Buffer, growing_buffer>
        : basic_client_session(growing_buffer(base::input_limit(settings)), static_cast<Output&&>(output),
                               growing_buffer(base::list_limit(settings.names)), settings) {}

    /// With memory of the caller's. `input` holds one frame that comes in pieces. Give it room for a head and a body of
    /// the limits of `settings`: else a large frame fails if it comes in pieces and passes if it comes whole. `output`
    /// holds the bytes that wait to be sent. `names` holds the ids of subscriptions, transactions and outstanding
    /// receipts; each takes 20 bytes beside its text. Give it twice as much, as half of it may hold ids that have
    /// ended. `options::output` and `options::names` are not read.
    basic_client_session(Buffer input, Output output, Buffer names, const options& settings = {}) noexcept
        : base(settings, static_cast<Buffer&&>(input), static_cast<Output&&>(output), static_cast<Buffer&&>(names)),
          most_receipts_(settings.receipts) {}

    /// Asks for a session: queues CONNECT (STOMP 1.2 Connecting). `versions` and `heart_beat` of `frame` are not read:
    /// the options give them. The event `connected` follows if the server accepts. Errors: `not_open` if CONNECT was
    /// queued before or the session has ended, `no_room`, and those of `write`.
    [[nodiscard]] sockless::error connect(connect_frame frame) noexcept {
        if (this->state() != stomp::state::connecting || has_asked_) return errc::not_open;
        frame.versions = this->versions();
        frame.heart_beat = this->own_heart_beat();
        const sockless::error refused = this->queue([&](bytes out) { return write(out, frame); }, 256, 0);
        has_asked_ = !refused;
        return refused;
    }

    /// Ends the session in the way that its state asks for, for a program that ends. An open session is ended as by
    /// `disconnect`. If it is not open yet, or DISCONNECT cannot be queued, it ends at once: the next call of `next` or
    /// `finish` then returns `lost`, with `shut_down`. Drive the session as before until `done()`.
    void shut_down() noexcept {
        if (this->state() >= stomp::state::disconnecting) return;
        if (!disconnect()) return;
        this->become_closed(errc::shut_down);
        loses_ = true;
    }

    /// Says that the first `size` bytes of `output()` were sent. A short write is normal. It is a fault of the caller
    /// if `size` is more than `output()` had: an assertion fails or, with `NDEBUG`, the call does nothing.
    void sent(std::size_t size) noexcept { this->take_sent(size); }

    /// Takes bytes from the front of `in` up to the end of the next event and returns it. Returns a false event when
    /// `in` is used up. Headers are unescaped in place, in `in`. After the session has ended, all of `in` is discarded.
    [[nodiscard]] event next(bytes& in) noexcept {
        if (this->state() == stomp::state::closed) {
            // After an ERROR nothing more is read (STOMP 1.2 ERROR) [S13].
            in = in.subspan(in.size());
            const bool owed = loses_;
            loses_ = false;
            return owed ? lost() : event{};
        }
        if (in.empty()) return {};
        const detail::whole_frame found = this->next_frame(in, [this](command sent) { return judge(sent); });
        if (found.error != errc::none) return fail(found.error);
        if (found.heart_beat) return {.kind = kind::heart_beat};
        return found.command == command::none ? event{} : take(found);
    }

    /// Queues a SEND (STOMP 1.2 SEND). Errors: `not_open` if the session is not open, `unknown_transaction`,
    /// `repeated_receipt`, `too_many_receipts`, `no_room`, and those of `write`; after an error nothing was queued. The
    /// functions below have the same errors.
    [[nodiscard]] sockless::error send(const send_frame& frame) noexcept {
        return queue_request(frame, frame.transaction, frame.receipt, frame.body.size());
    }

    /// Queues a SUBSCRIBE (STOMP 1.2 SUBSCRIBE). Further errors: `repeated_subscription`, `too_many_subscriptions`.
    [[nodiscard]] sockless::error subscribe(const subscribe_frame& frame) noexcept {
        const named_by id = id_of(frame);
        const std::size_t others =
            this->names_.count(name_kind::subscription) + this->names_.count(name_kind::destination);
        if (!this->is_open()) return errc::not_open;
        if (this->names_.find(id.kind, id.text)) return errc::repeated_subscription;
        if (others >= this->most_subscriptions()) return errc::too_many_subscriptions;
        return queue_request(frame, {}, frame.receipt, 0, id, errc::too_many_subscriptions);
    }

    /// Queues an UNSUBSCRIBE (STOMP 1.2 UNSUBSCRIBE). Messages that the server has already sent still come. Further
    /// error: `unknown_subscription`.
    [[nodiscard]] sockless::error unsubscribe(const unsubscribe_frame& frame) noexcept {
        const named_by id = id_of(frame);
        const name known = this->names_.find(id.kind, id.text);
        if (!this->is_open()) return errc::not_open;
        if (!known) return errc::unknown_subscription;
        const sockless::error refused = queue_request(frame, {}, frame.receipt, 0);
        if (!refused) this->names_.erase(known);
        return refused;
    }

    /// Queues an ACK or NACK (STOMP 1.2 ACK, NACK): for the message that `frame` names, or for a `message` event that
    /// `next` has returned and that is still valid.
    [[nodiscard]] sockless::error ack(ack_frame frame) noexcept {
        frame.as = command::ack;
        return queue_request(frame, frame.transaction, frame.receipt, 0);
    }
    [[nodiscard]] sockless::error nack(ack_frame frame) noexcept {
        frame.as = command::nack;
        return queue_request(frame, frame.transaction, frame.receipt, 0);
    }
    template <class Event>
        requires std::is_base_of_v<event, Event> // so that braces make a frame
    [[nodiscard]] sockless::error ack(const Event& message, std::string_view transaction = {}) noexcept {
        return ack(answer_to(message, transaction));
    }
    template <class Event>
        requires std::is_base_of_v<event, Event> // so that braces make a frame
    [[nodiscard]] sockless::error nack(const Event& message, std::string_view transaction = {}) noexcept {
        return nack(answer_to(message, transaction));
    }

    /// Queues a BEGIN (STOMP 1.2 BEGIN). Further errors: `repeated_transaction`, `too_many_transactions`.
    [[nodiscard]] sockless::error begin(std::string_view transaction, std::string_view receipt = {}) noexcept {
        constexpr name_kind of = name_kind::transaction;
        if (!this->is_open()) return errc::not_open;
        if (this->names_.find(of, transaction)) return errc::repeated_transaction;
        if (this->names_.count(of) >= this->most_transactions()) return errc::too_many_transactions;
        const transaction_frame frame{.as = command::begin, .transaction = transaction, .receipt = receipt};
        return queue_request(frame, {}, receipt, 0, {of, transaction}, errc::too_many_transactions);
    }

    /// Queues a COMMIT or ABORT (STOMP 1.2 COMMIT, ABORT).
    [[nodiscard]] sockless::error commit(std::string_view transaction, std::string_view receipt = {}) noexcept {
        return end_transaction(command::commit, transaction, receipt);
    }
    [[nodiscard]] sockless::error abort(std::string_view transaction, std::string_view receipt = {}) noexcept {
        return end_transaction(command::abort, transaction, receipt);
    }

    /// Ends the session in order: queues DISCONNECT with this receipt (STOMP 1.2 DISCONNECT). After that nothing more
    /// can be sent. Messages still come until the server has sent the receipt; the event of the receipt is `closed`.
    /// Further error: `missing_header` if `receipt` is empty.
    [[nodiscard]] sockless::error disconnect(std::string_view receipt = "disconnect") noexcept {
        if (receipt.empty()) return errc::missing_header;
        const sockless::error refused = queue_request(disconnect_frame{.receipt = receipt}, {}, receipt, 0);
        if (!refused) this->become_disconnecting();
        return refused;
    }

    /// Says that the time is `now`, in milliseconds. Call it after each wait for input, but first give the bytes that
    /// came to `next`: else a server that is alive looks silent. The call does what is due: it queues a heart-beat, or
    /// it returns `lost` if a wait took too long. A wait that has begun since the last call counts from this one, as
    /// the session does not know the time when it began.
    [[nodiscard]] event tick(instant now) noexcept {
        const errc due = this->pass_time(now);
        return due == errc::none ? event{} : fail(due);
    }

    /// Says that the server has ended its side of the connection (`recv` returned 0), or that the connection broke.
    /// Returns `lost`, or no event if the session had ended before. The queued bytes are still to be sent, as the
    /// server may have ended only its own side.
    [[nodiscard]] event finish() noexcept {
        if (this->state() == stomp::state::closed) {
            bytes none{};
            return next(none);
        }
        const errc cut = this->reader_.finish();
        return fail(cut != errc::none ? cut : errc::end_of_input);
    }

    /// Whether nothing is left to do but to end the connection: the session has ended and all output was sent, or the
    /// server did not take the output in time.
    [[nodiscard]] bool done() const noexcept { return this->has_waited() || (has_said_all() && this->waiting() == 0); }

    /// Whether the session queues nothing more.
    [[nodiscard]] bool has_said_all() const noexcept { return this->state() == stomp::state::closed; }

    /// The ids of the receipts that this client has asked for and that were not answered yet, by RECEIPT or ERROR, the
    /// oldest first. After `lost` they never are: it is not known whether the server has handled the frames that asked
    /// for them (STOMP 1.2 RECEIPT) [S7]. A range of `std::string_view`, valid until the next call that is not const.
    [[nodiscard]] auto receipts() const noexcept { return this->names_.of(name_kind::receipt); }

  private:
    // What a name is of, and its text.
    struct named_by {
        name_kind kind{};
        std::string_view text{};
    };

    // [S8] In 1.0 the destination stands for an id that is missing.
    template <class Frame>
    [[nodiscard]] static named_by id_of(const Frame& frame) noexcept {
        if (frame.id.empty()) return {name_kind::destination, frame.destination};
        return {name_kind::subscription, frame.id};
    }

    [[nodiscard]] event lost() noexcept { return {.kind = kind::lost, .error = this->error()}; }

    // Every failure goes this way. A client has no frame that tells the server of an error.
    [[nodiscard]] event fail(sockless::error reason) noexcept {
        this->become_closed(reason);
        return lost();
    }

    [[nodiscard]] errc judge(command sent) const noexcept {
        if (sender_of(sent) != role::server) return errc::unexpected_command;
        if (sent == command::error) return errc::none;
        const bool connects = sent == command::connected;
        // The first frame of a server is CONNECTED or ERROR, and there is one CONNECTED (STOMP 1.2 Connecting) [S6].
        if (this->state() == stomp::state::connecting) {
            return connects && has_asked_ ? errc::none : errc::not_connected;
        }
        return connects ? errc::already_connected : errc::none;
    }

    [[nodiscard]] event take(const detail::whole_frame& frame) noexcept {
        const known_headers known(frame.headers);
        event found{.server = known.server,
                    .session = known.session,
                    .subscription = known.subscription,
                    .message_id = known.message_id,
                    .destination = known.destination,
                    .ack = known.ack,
                    .content_type = known.content_type,
                    .receipt_id = known.receipt_id,
                    .message = known.message,
                    .headers = frame.headers,
                    .body = frame.body};
        errc wrong = errc::none;
        switch (frame.command) {
        case command::connected:
            found.kind = kind::connected;
            wrong = take_connected(known);
            break;
        case command::message:
            found.kind = kind::message;
            // A MESSAGE has an id. One without destination or subscription is shown as it is, as brokers exist that
            // send such (STOMP 1.2 MESSAGE) [S17].
            if (known.message_id.empty()) wrong = errc::missing_header;
            break;
        case command::receipt:
            // It says which frame it answers (STOMP 1.2 RECEIPT) [S7].
            if (!known.receipt_id.empty()) return take_receipt(found);
            wrong = errc::missing_header;
            break;
        default:
            found.kind = kind::error;
            // The ERROR answers the frame that it names the receipt of (STOMP 1.2 ERROR) [S7].
            take_answer(found.receipt_id);
            this->become_closed(errc::error_received);
            loses_ = true;
        }
        if (wrong == errc::none) return found;
        this->reader_.blame_frame();
        return fail(wrong);
    }

    // The version is one that the client has offered. A server that names no version speaks 1.0 (STOMP 1.2 Protocol
    // Negotiation) [S6].
    [[nodiscard]] errc take_connected(const known_headers& known) noexcept {
        const stomp::version agreed =
            known.version.data() == nullptr ? stomp::version::v1_0 : version_of(known.version);
        if (!this->versions().has(agreed)) return errc::no_common_version;
        stomp::heart_beat server_beat{};
        if (agreed != stomp::version::v1_0 && known.heart_beat.data() != nullptr) {
            const parsed_heart_beat beat = parse_heart_beat(known.heart_beat);
            if (!beat.valid) return errc::bad_heart_beat;
            server_beat = beat.value;
        }
        this->become_open(agreed, server_beat);
        return errc::none;
    }

    [[nodiscard]] event take_receipt(event& found) noexcept {
        found.kind = kind::receipt;
        const bool is_goodbye = take_answer(found.receipt_id) == goodbye && this->is_disconnecting();
        if (!is_goodbye) return found;
        this->become_closed({});
        found.kind = kind::closed;
        return found;
    }

    // The receipt is not outstanding any more. Returns its mode.
    std::uint8_t take_answer(std::string_view receipt) noexcept {
        const name outstanding = this->names_.find(name_kind::receipt, receipt);
        if (outstanding) this->names_.erase(outstanding);
        return outstanding.record.mode;
    }

    [[nodiscard]] static ack_frame answer_to(const event& message, std::string_view transaction) noexcept {
        return {.id = message.ack,
                .message_id = message.message_id,
                .subscription = message.subscription,
                .transaction = transaction};
    }

    [[nodiscard]] sockless::error end_transaction(command as, std::string_view transaction,
                                                  std::string_view receipt) noexcept {
        const transaction_frame frame{.as = as, .transaction = transaction, .receipt = receipt};
        const name open = this->names_.find(name_kind::transaction, transaction);
        const sockless::error refused = queue_request(frame, transaction, receipt, 0);
        if (!refused) this->names_.erase(open);
        return refused;
    }

    // Queues a frame that may be in a transaction and may ask for a receipt. The receipt is then outstanding. With the
    // frame a name may begin; `full` is the error if it does not fit. The frame may have views of names. So the names
    // change only after the frame was written, and stay where they are until then.
    template <class Frame>
    [[nodiscard]] sockless::error queue_request(const Frame& frame, std::string_view transaction,
                                                std::string_view receipt, std::size_t body, named_by begun = {},
                                                errc full = errc::too_many_receipts) noexcept {
        constexpr std::uint8_t mode = std::is_same_v<Frame, disconnect_frame> ? goodbye : 0;
        if (!this->is_open()) return errc::not_open;
        if (!transaction.empty() && !this->names_.find(name_kind::transaction, transaction)) {
            return errc::unknown_transaction;
        }
        const bool asks = !receipt.empty();
        if (asks && this->names_.find(name_kind::receipt, receipt)) return errc::repeated_receipt;
        if (asks && this->names_.count(name_kind::receipt) >= most_receipts_) return errc::too_many_receipts;
        const bool begins = !begun.text.empty();
        if (!asks && !begins) return this->queue_frame(frame, usual_head + body, 0);
        return this->queue_frame(frame, usual_head + body, 0, [&]() -> sockless::error {
            if (!this->names_.make_room(receipt, begun.text)) return full;
            if (asks) this->names_.add({.kind = name_kind::receipt, .mode = mode}, receipt);
            if (begins) this->names_.add({.kind = begun.kind}, begun.text);
            return {};
        });
    }

    // The mode of the receipt that ends the session.
    static constexpr std::uint8_t goodbye = 1;

    std::uint32_t most_receipts_;
    bool has_asked_ = false;
    bool loses_ = false; // the `lost` event is still owed
};

template <class Buffer>
basic_client_session(Buffer, Buffer, Buffer, const options& = {}) -> basic_client_session<Buffer>;

/// The usual client session: memory from the heap, up to the limits of its options.
using client_session = basic_client_session<growing_buffer>;

} // namespace sockless::stomp
