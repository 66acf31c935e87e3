// The server's end of one STOMP session: bytes in, checked frames out, bytes back; no socket inside.
// SPDX-License-Identifier: MIT
#pragma once

#include <cassert>

#include "acknowledgements.hpp"
#include "owed_receipt.hpp"
#include "session.hpp"

namespace sockless::stomp {

/// The members of CONNECTED that the caller sets. All are views, read during the call of `accept`.
struct acceptance {
    std::string_view session{}; ///< an id for this session
    std::string_view server{};  ///< the name of the server, `/`, its version
    std::span<const header> headers{};
};

/// The ERROR with which a server ends a session. All members are views, read during the call of `refuse`.
struct refusal {
    std::string_view message{}; ///< a short description
    std::string_view receipt{}; ///< the receipt that the frame asked for; not needed if `automatic_receipts` is on
    std::string_view content_type{};
    std::span<const header> headers{};
    cbytes body{};
};

/// The result of `deliver`.
struct [[nodiscard]] delivered {
    std::uint64_t number = 0; ///< the number of the message in this session, which is also its `message-id`
    sockless::error error{};  ///< if it is set, nothing was queued
};

/// The server's end of one session. Give the bytes that came to `next` until it returns no event, send `output()` and
/// report it with `sent`, and stop when `done()` is true. Each function may be called at any time: if its work is not
/// possible, it returns an error and queues nothing. A frame that breaks a rule never reaches the caller: the session
/// answers it with ERROR and ends with `lost` (STOMP 1.2 ERROR) [S13].
///
/// `Buffer` is the type of the memory: for frames that come in pieces, for output, and for the lists of the session
/// (see buffer.hpp). `Output` takes the frames that the session sends: bytes as they are, or a `carrier`.
///
///     stomp::server_session session;
///     std::uint32_t subscriber = 0;
///     while (const stomp::server_event event = session.next(in)) {
///         if (event.kind == stomp::server_kind::connect) error = session.accept();
///         if (event.kind == stomp::server_kind::subscribe) subscriber = event.subscription;
///         if (event.kind == stomp::server_kind::send) {
///             error = session.deliver(subscriber, {.destination = event.destination, .body = event.body}).error;
///         }
///     }
///     session.sent(write(session.output()));
template <class Buffer, class Output = detail::bare_output<Buffer>>
class basic_server_session : public session<role::server, Buffer, Output> {
    using base = session<role::server, Buffer, Output>;
    using base::usual_head, base::usual_receipt;
    using typename base::name, typename base::name_kind, typename base::name_list;

  public:
    using event = server_event;
    using kind = server_kind;

    /// With memory from the heap, up to the limits of `settings`.
    explicit basic_server_session(
        const options& settings = {}) noexcept requires std::is_same_v<Output, detail::bare_output<growing_buffer>>
        : basic_server_session(growing_buffer(settings.output), settings) {}

    /// Likewise, but with this `output`: `options::output` is not read.
    basic_server_session(Output output,
                         const options& settings) noexcept requires std::is_same_v<Buffer, growing_buffer>
        : basic_server_session(growing_buffer(base::input_limit(settings)), static_cast<Output&&>(output),
                               growing_buffer(base::list_limit(settings.names)),
                               growing_buffer(base::list_limit(settings.unacknowledged,
                                                               sizeof(detail::unacknowledged))),
                               settings) {}

    /// With memory of the caller's. `input` holds one frame that comes in pieces. Give it room for a head and a body of
    /// the limits of `settings`: else a large frame fails if it comes in pieces and passes if it comes whole. `output`
    /// holds the bytes that wait to be sent. `names` holds the ids of subscriptions and transactions, each with 48
    /// bytes beside its text, and of the receipt that is owed; in 1.0 also the destination of each subscription that
    /// has an id, as an id. `unacknowledged` holds the messages that wait for an ACK, 32 bytes each. Give these two
    /// twice as much, as half of them may hold what has ended. `options::output` and `options::names` are not read.
    basic_server_session(Buffer input, Output output, Buffer names, Buffer unacknowledged,
                         const options& settings = {}) noexcept
        : base(settings, static_cast<Buffer&&>(input), static_cast<Output&&>(output), static_cast<Buffer&&>(names)),
          automatic_receipts_(settings.automatic_receipts),
          requires_host_(settings.require_host),
          unacknowledged_(static_cast<Buffer&&>(unacknowledged), settings.unacknowledged) {}

    /// Takes bytes from the front of `in` up to the end of the next event and returns it. Returns a false event when
    /// `in` is used up. Headers are unescaped in place, in `in`. With `automatic_receipts` the call first queues the
    /// RECEIPT for the last event, as the caller has handled that event by now (STOMP 1.2 RECEIPT) [S7].
    ///
    /// The call takes no bytes between the event `connect` and the caller's answer to it, and while that RECEIPT has no
    /// room in the output. So keep the bytes that are left in `in`, and give them again after `accept` or `sent`. After
    /// the session has ended, all of `in` is discarded.
    [[nodiscard]] event next(bytes& in) noexcept {
        if (is_asked_) return {};
        if (this->state() == stomp::state::closed) {
            // After an ERROR nothing more is read (STOMP 1.2 ERROR) [S13].
            in = in.subspan(in.size());
            return tell_loss();
        }
        if (automatic_receipts_ && receipt_.become_due()) {
            if (const sockless::error unsaid = say_receipt()) return fail(unsaid, receipt_.id(this->names_));
            if (receipt_.is_owed()) return {};
        }
        if (in.empty()) return {};
        const detail::whole_frame found = this->next_frame(in, [this](command sent) { return judge(sent); });
        if (found.error != errc::none) return fail(found.error, found.headers.find("receipt"));
        if (found.heart_beat) return {.kind = kind::heart_beat};
        return found.command == command::none ? event{} : take(found);
    }

    /// Accepts the client that the event `connect` has shown: queues CONNECTED with the highest version that both sides
    /// know, and with the heart-beats of the options (STOMP 1.2 CONNECTED Frame). Errors: `nothing_to_answer` if no
    /// CONNECT waits, `no_room`, and those of `write`. After an error the client still waits.
    [[nodiscard]] sockless::error accept(const acceptance& answer = {}) noexcept {
        if (!is_asked_) return errc::nothing_to_answer;
        const connected_frame frame{agreed_, answer.session, answer.server, this->own_heart_beat(), answer.headers};
        if (const sockless::error refused =
                this->queue([&](bytes out) { return write(out, frame); }, 256, room_for_error)) {
            return refused;
        }
        is_asked_ = false;
        this->become_open(agreed_, client_beat_);
        return {};
    }

    /// Ends the session with an ERROR, the last frame that is sent (STOMP 1.2 ERROR) [S13]. Call it instead of
    /// `accept`, or for the event that the caller is handling, or at any other time. If that event asked for a receipt,
    /// the ERROR names it (STOMP 1.2 Header receipt) [S7]. The next call of `next` or `finish` returns `lost`, with
    /// `error_sent`; `done()` takes account of the end at once. Errors: `not_open` if the session has ended, `no_room`,
    /// and those of `write`.
    [[nodiscard]] sockless::error refuse(const refusal& answer = {}) noexcept {
        if (this->state() == stomp::state::closed) return errc::not_open;
        // A receipt that is due belongs to a frame that was handled without a failure, so the ERROR does not name it.
        const std::string_view handled = receipt_.is_due() ? std::string_view{} : receipt_.id(this->names_);
        const error_frame frame{.message = answer.message,
                                .receipt_id = answer.receipt.empty() ? handled : answer.receipt,
                                .content_type = answer.content_type,
                                .headers = answer.headers,
                                .body = answer.body};
        if (const sockless::error refused = queue_error(frame)) return refused;
        end(errc::error_sent);
        loses_ = true;
        return {};
    }
    [[nodiscard]] sockless::error refuse(std::string_view message) noexcept {
        return refuse(refusal{.message = message});
    }

    /// Ends the session in the way that its state asks for, for a program that ends. If the client has a session or has
    /// asked for one, an ERROR is queued. If it has not asked yet, nothing is queued. The next call of `next` or
    /// `finish` returns `lost`, with `shut_down`. After DISCONNECT the call does nothing, as the session ends by
    /// itself. Drive the session as before until `done()`.
    void shut_down() noexcept {
        if (this->state() >= stomp::state::disconnecting) return;
        constexpr sockless::error reason = errc::shut_down;
        if (this->is_open() || is_asked_) static_cast<void>(queue_error({.message = reason.sentence()}));
        end(reason);
        loses_ = true;
    }

    /// Queues a MESSAGE to a subscription of this client (STOMP 1.2 MESSAGE) [S11]. `subscription` is the number from
    /// the event `subscribe`. The members `subscription`, `message_id` and `ack` of `message` are not read: the session
    /// sets them as the version and the mode of the subscription demand. Errors: `not_open`, `unknown_subscription`,
    /// `too_many_unacknowledged`, `no_room` (also while a RECEIPT waits for room), and those of `write`.
    delivered deliver(std::uint32_t subscription, message_frame message) noexcept {
        if (!this->is_open()) return {0, errc::not_open};
        const name to = this->names_.find(subscription);
        const bool is_subscription =
            to && to.record.kind != name_kind::transaction && to.record.state == detail::name_state::live;
        if (!is_subscription) return {0, errc::unknown_subscription};
        const bool waits = to.record.mode != ack_mode::automatic;
        if (waits && unacknowledged_.is_full()) return {0, errc::too_many_unacknowledged};
        // A RECEIPT that waits for room comes first: else smaller messages could take the room again and again.
        if (receipt_.is_due()) return {0, errc::no_room};

        const std::uint64_t number = last_number_ + 1;
        const detail::decimal_text digits(number);
        message.message_id = digits.text();
        message.ack = waits ? digits.text() : std::string_view{};
        message.subscription = to.record.kind == name_kind::subscription ? to.text : std::string_view{};
        const auto note = [&]() -> sockless::error {
            return !waits || unacknowledged_.add(this->names_, to, number) ? errc::none : errc::too_many_unacknowledged;
        };
        if (const sockless::error refused =
                this->queue_frame(message, usual_head + message.body.size(), room_for_error, note)) {
            return {0, refused};
        }
        last_number_ = number;
        return {number, {}};
    }

    /// Queues a RECEIPT with this id (STOMP 1.2 RECEIPT) [S7]. Needed if `automatic_receipts` is off, for each event
    /// that `asks_for_receipt`. Errors: `not_open` before the session is open and after its end, `no_room`, and those
    /// of `write`: `missing_header` if the `data()` of `id` is null, as in an event that asks for no receipt.
    [[nodiscard]] sockless::error receipt(std::string_view id) noexcept {
        if (!this->is_open() && !this->is_disconnecting()) return errc::not_open;
        const receipt_frame frame{.receipt_id = id};
        const std::size_t likely = usual_receipt + id.size();
        if (const sockless::error refused = this->queue_frame(frame, likely, room_for_error)) return refused;
        if (equal(receipt_.id(this->names_), id)) receipt_.settle(this->names_);
        return {};
    }

    /// Says that the first `size` bytes of `output()` were sent. A short write is normal. It is a fault of the caller
    /// if `size` is more than `output()` had: an assertion fails or, with `NDEBUG`, no byte is taken.
    void sent(std::size_t size) noexcept {
        this->take_sent(size);
        if (!receipt_.is_due()) return;
        // If the RECEIPT cannot be written at all, `next` reports the error. After the end of the session nothing does,
        // so the RECEIPT is dropped.
        const bool unsaid = static_cast<bool>(say_receipt());
        if (unsaid && this->state() == stomp::state::closed) receipt_.settle(this->names_);
    }

    /// Says that the time is `now`, in milliseconds. Call it after each wait for input, but first give the bytes that
    /// came to `next`: else a client that is alive looks silent. The call does what is due: it queues a heart-beat, or
    /// it returns `lost` if a wait took too long. A wait that has begun since the last call counts from this one, as
    /// the session does not know the time when it began.
    [[nodiscard]] event tick(instant now) noexcept {
        const errc due = this->pass_time(now);
        return due == errc::none ? event{} : fail(due);
    }

    /// Says that the client has ended its side of the connection (`recv` returned 0), or that the connection broke.
    /// Returns `closed` after DISCONNECT, else `lost`; no event if the session had ended before and `lost` was
    /// returned. The queued bytes, and the RECEIPT for the last frame, are still to be sent, as the client may have
    /// ended only its own side.
    [[nodiscard]] event finish() noexcept {
        if (this->state() == stomp::state::closed) return tell_loss();
        if (automatic_receipts_ && receipt_.become_due()) {
            if (say_receipt()) receipt_.settle(this->names_);
        }
        const bool clean = this->is_disconnecting();
        const errc cut = this->reader_.finish();
        is_asked_ = false;
        this->become_closed(clean ? errc::none : cut != errc::none ? cut : errc::end_of_input);
        return clean ? event{.kind = kind::closed} : lost();
    }

    /// Whether nothing is left to do but to end the connection: the session has ended and all output was sent, or the
    /// client did not take the output in time.
    [[nodiscard]] bool done() const noexcept {
        if (this->has_waited()) return true;
        return has_said_all() && this->waiting() == 0;
    }

    /// Whether the session queues nothing more.
    [[nodiscard]] bool has_said_all() const noexcept {
        if (this->state() == stomp::state::closed) return !receipt_.is_due();
        return this->is_disconnecting() && !receipt_.is_owed();
    }

    /// Gives back memory that is not in use; see `session::release_memory`.
    void release_memory() noexcept {
        unacknowledged_.release(this->names_);
        base::release_memory();
    }

    /// The number of messages that wait for an acknowledgement.
    [[nodiscard]] std::size_t unacknowledged() const noexcept { return unacknowledged_.size(); }

  private:
    using messages = detail::acknowledgements<name_list, Buffer>;

    // This room stays free for an ERROR, so that it always fits.
    static constexpr std::size_t room_for_error = 512;

    [[nodiscard]] event lost() noexcept { return {.kind = kind::lost, .error = this->error()}; }

    [[nodiscard]] event tell_loss() noexcept {
        const bool owed = loses_;
        loses_ = false;
        return owed ? lost() : event{};
    }

    // An ERROR is the last frame that is sent, so no RECEIPT follows it (STOMP 1.2 ERROR) [S13].
    void end(sockless::error reason) noexcept {
        is_asked_ = false;
        receipt_.settle(this->names_);
        this->become_closed(reason);
    }

    // If the ERROR does not fit, or its receipt-id cannot be written in this version, it goes out without the
    // receipt-id.
    [[nodiscard]] sockless::error queue_error(error_frame frame) noexcept {
        const sockless::error refused = this->queue_frame(frame, usual_head + frame.body.size(), 0);
        if (!refused || frame.receipt_id.empty()) return refused;
        frame.receipt_id = {};
        return this->queue_frame(frame, usual_head + frame.body.size(), 0);
    }

    // Every failure goes this way: the last frame that is sent is an ERROR with the sentence of the error, the name of
    // the header that is `missing`, and the receipt of the frame that caused it (STOMP 1.2 ERROR) [S7] [S13].
    [[nodiscard]] event fail(sockless::error reason, std::string_view receipt = {},
                             std::string_view missing = {}) noexcept {
        error_frame frame{.message = reason.sentence(), .receipt_id = receipt};
        constexpr auto number = static_cast<std::size_t>(errc::missing_header);
        char text[detail::errc_texts[number].sentence.size() + sizeof " (accept-version)"];
        if (!missing.empty()) {
            detail::text_sink<char> message(text);
            message.put(reason.sentence());
            message.put(" (");
            message.put(missing);
            message.put(")");
            frame.message = {text, message.size()};
        }
        if (reason == errc::no_common_version) frame.supported = this->versions();
        static_cast<void>(queue_error(frame));
        end(reason);
        return lost();
    }

    [[nodiscard]] event fail_frame(errc reason, const headers& cause, std::string_view missing) noexcept {
        this->reader_.blame_frame();
        return fail(reason, cause.find("receipt"), missing);
    }

    // The error of a frame with this command in this state, or `none` (STOMP 1.2 Connecting) [S6].
    [[nodiscard]] errc judge(command sent) const noexcept {
        const bool connects = sent == command::connect || sent == command::stomp;
        const stomp::state now = this->state();
        if (now == stomp::state::connecting) return connects ? errc::none : errc::not_connected;
        // A client sends nothing after DISCONNECT (STOMP 1.2 DISCONNECT).
        if (now == stomp::state::disconnecting) return errc::after_disconnect;
        if (connects) return errc::already_connected;
        const bool known = sender_of(sent) == role::client && is_in(sent, agreed_);
        return known ? errc::none : errc::unexpected_command;
    }

    [[nodiscard]] event take(const detail::whole_frame& frame) noexcept {
        assert(!receipt_.is_owed() && "its id lies behind the names, which the frame may change");
        const known_headers known(frame.headers);
        event found{.host = known.host,
                    .login = known.login,
                    .passcode = known.passcode,
                    .id = known.id,
                    .destination = known.destination,
                    .content_type = known.content_type,
                    .receipt = known.receipt,
                    .headers = frame.headers,
                    .body = frame.body};
        // All frames of a client but CONNECT may ask for a receipt (STOMP 1.2 Header receipt) [S7].
        const bool asks = known.receipt.data() != nullptr && this->state() != stomp::state::connecting;
        const bool owes = asks && (automatic_receipts_ || frame.command == command::disconnect);
        const std::string_view missing = missing_in(frame.command, known);
        errc wrong = missing.empty() ? errc::none : errc::missing_header;
        if (wrong == errc::none && owes) wrong = judge_receipt(frame.command, known);
        if (wrong == errc::none) wrong = take_as(frame.command, known, found);
        if (wrong != errc::none) return fail_frame(wrong, frame.headers, missing);
        if (owes) receipt_.owe(this->names_, known.receipt);
        return found;
    }

    // The name of a header that the frame must have and that is missing or empty; empty if there is none (STOMP 1.2
    // Standard Headers) [S17].
    [[nodiscard]] std::string_view missing_in(command sent, const known_headers& known) const noexcept {
        const auto unless = [](std::string_view value, std::string_view header) {
            return value.empty() ? header : std::string_view{};
        };
        switch (sent) {
        // The command STOMP came with 1.1, which demands accept-version (STOMP 1.2 Connecting) [S6]. It demands a host
        // too, but many clients send none (STOMP 1.2 Connecting) [S17].
        case command::connect:
        case command::stomp: {
            if (sent == command::stomp && known.accept_version.data() == nullptr) return "accept-version";
            const bool needs_host = requires_host_ && version_for(known) > stomp::version::v1_0;
            return needs_host && known.host.data() == nullptr ? "host" : std::string_view{};
        }
        case command::send: return unless(known.destination, "destination");
        // Since 1.1 a subscription has an id (STOMP 1.2 SUBSCRIBE id Header) [S8].
        case command::subscribe:
            if (known.destination.empty()) return "destination";
            return is_1_0() ? std::string_view{} : unless(known.id, "id");
        case command::unsubscribe:
            return is_1_0() && known.id.empty() ? unless(known.destination, "destination") : unless(known.id, "id");
        // A message is named by its `ack` in 1.2, by its `message-id` before, and in 1.1 also by its subscription
        // (STOMP 1.2 ACK) [S9].
        case command::ack:
        case command::nack:
            if (this->version() == stomp::version::v1_2) return unless(known.id, "id");
            if (known.message_id.empty()) return "message-id";
            return is_1_0() ? std::string_view{} : unless(known.subscription, "subscription");
        case command::begin:
        case command::commit:
        case command::abort: return unless(known.transaction, "transaction");
        default: return {};
        }
    }

    // Whether there is room for the id of the receipt, and for the name that the frame may add. This is judged before
    // the frame changes anything, so that a frame is taken as a whole or not at all.
    [[nodiscard]] errc judge_receipt(command sent, const known_headers& known) noexcept {
        const bool fits = sent == command::subscribe ? has_room_for_subscription(known, known.receipt.size())
                          : sent == command::begin   ? has_room(known.transaction, known.receipt.size())
                                                     : has_room({}, known.receipt.size());
        return fits ? errc::none : errc::too_many_receipts;
    }

    // Makes room for a name and a text behind it. Subscriptions that have ended are only remembered as long as nothing
    // else needs their room.
    [[nodiscard]] bool has_room(std::string_view added, std::size_t behind = 0) noexcept {
        while (!this->names_.has_room(added, behind)) {
            if (!unacknowledged_.forget_first(this->names_)) return false;
        }
        return true;
    }
    [[nodiscard]] bool has_room_for_subscription(const known_headers& known, std::size_t behind = 0) noexcept {
        if (known.id.empty()) return has_room(known.destination, behind);
        // In 1.0 the destination is kept too.
        return has_room(known.id, behind + (is_1_0() ? sizeof(detail::server_name) + known.destination.size() : 0));
    }

    // Queues the RECEIPT that is due. If there is no room it stays due, until the client has taken something.
    [[nodiscard]] sockless::error say_receipt() noexcept {
        const std::string_view id = receipt_.id(this->names_);
        const receipt_frame frame{.receipt_id = id.empty() ? "" : id};
        const std::size_t likely = usual_receipt + frame.receipt_id.size();
        const sockless::error refused = this->queue_frame(frame, likely, room_for_error);
        if (!refused) {
            receipt_.settle(this->names_);
            return {};
        }
        if (refused != errc::no_room) return refused;
        return this->waiting() == 0 ? errc::output_full : errc::none;
    }

    // Judges a frame by the rules of its command, and changes the state of the session as the frame demands.
    [[nodiscard]] errc take_as(command sent, const known_headers& known, event& found) noexcept {
        switch (sent) {
        case command::connect:
        case command::stomp: return take_connect(known, found);
        case command::send: found.kind = kind::send; return judge_transaction(known, found);
        case command::subscribe: return take_subscribe(known, found);
        case command::unsubscribe: return take_unsubscribe(known, found);
        case command::ack:
        case command::nack: found.kind = sent == command::ack ? kind::ack : kind::nack; return take_ack(known, found);
        case command::begin: return take_begin(known, found);
        case command::commit:
        case command::abort:
            found.kind = sent == command::commit ? kind::commit : kind::abort;
            return end_transaction(known, found);
        default:
            found.kind = kind::disconnect;
            this->become_disconnecting();
            return errc::none;
        }
    }

    // The highest version that both sides know is chosen. A client without accept-version speaks 1.0 (STOMP 1.2
    // Protocol Negotiation) [S6].
    [[nodiscard]] stomp::version version_for(const known_headers& known) const noexcept {
        const bool lists = known.accept_version.data() != nullptr;
        return this->versions().highest_in_common(lists ? version_set::of_list(known.accept_version)
                                                        : version_set{stomp::version::v1_0});
    }

    [[nodiscard]] errc take_connect(const known_headers& known, event& found) noexcept {
        agreed_ = version_for(known);
        if (agreed_ == stomp::version::unknown) return errc::no_common_version;
        if (agreed_ != stomp::version::v1_0 && known.heart_beat.data() != nullptr) {
            const parsed_heart_beat beat = parse_heart_beat(known.heart_beat);
            if (!beat.valid) return errc::bad_heart_beat;
            client_beat_ = beat.value;
        }
        found.kind = kind::connect;
        is_asked_ = true;
        return errc::none;
    }

    // Ids of subscriptions are unique in a session. In 1.0 a subscription without an id is named by its destination
    // (STOMP 1.2 SUBSCRIBE id Header) [S8].
    [[nodiscard]] errc take_subscribe(const known_headers& known, event& found) noexcept {
        found.kind = kind::subscribe;
        found.body = {}; // In 1.0 it may have one, which is ignored (STOMP 1.0 SUBSCRIBE) [S16].
        const bool named = !known.id.empty();
        const name_kind named_by = named ? name_kind::subscription : name_kind::destination;
        const std::string_view text = named ? known.id : known.destination;
        if (this->names_.find(named_by, text)) return errc::repeated_subscription;

        bool valid = known.ack.data() == nullptr;
        for (const ack_mode mode : all_ack_modes) {
            if (valid || !equal(known.ack, text_of(mode))) continue;
            found.ack = mode;
            valid = mode != ack_mode::client_individual || !is_1_0();
        }
        if (!valid) return errc::bad_ack_mode;

        const std::size_t count =
            this->names_.count(name_kind::subscription) + this->names_.count(name_kind::destination);
        const bool full = count >= this->most_subscriptions();
        if (full || !has_room_for_subscription(known)) return errc::too_many_subscriptions;
        found.subscription = this->names_.add({.kind = named_by, .mode = found.ack}, text);
        if (named && is_1_0()) this->names_.add_second(name_kind::named_destination, known.destination);
        return errc::none;
    }

    [[nodiscard]] errc take_unsubscribe(const known_headers& known, event& found) noexcept {
        found.kind = kind::unsubscribe;
        const name ended = known.id.empty() ? subscription_to(known.destination)
                                            : this->names_.find(name_kind::subscription, known.id);
        if (!ended) return errc::unknown_subscription;
        found.subscription = ended.record.number;
        unacknowledged_.end(this->names_, ended);
        return errc::none;
    }

    // In 1.0 a destination names the subscription without an id, and if there is none, the oldest one with an id (STOMP
    // 1.0 UNSUBSCRIBE) [S16].
    [[nodiscard]] name subscription_to(std::string_view destination) const noexcept {
        const name plain = this->names_.find(name_kind::destination, destination);
        return plain ? plain : this->names_.find_second(name_kind::named_destination, destination);
    }

    // Both ids of a message are its number. A message that is acknowledged in a transaction stays in the list until the
    // transaction is committed.
    [[nodiscard]] errc take_ack(const known_headers& known, event& found) noexcept {
        const bool is_1_2 = this->version() == stomp::version::v1_2;
        const std::string_view text = is_1_2 ? known.id : known.message_id;
        const detail::decimal number = detail::read_decimal(text);
        const bool is_ours = number.valid && equal(text, detail::decimal_text(number.value).text());
        if (!is_ours) return errc::unknown_acknowledgement;
        const auto message = unacknowledged_.find(this->names_, number.value);
        if (!message) return errc::unknown_acknowledgement;
        const bool names_subscription = this->version() == stomp::version::v1_1;
        if (names_subscription && !equal(message.subscription.text, known.subscription)) {
            const bool is_known = static_cast<bool>(this->names_.find(name_kind::subscription, known.subscription));
            return is_known ? errc::unknown_acknowledgement : errc::unknown_subscription;
        }
        if (const errc wrong = judge_transaction(known, found); wrong != errc::none) return wrong;

        found.number = message.message.number;
        found.subscription = message.message.subscription;
        found.cumulative = message.subscription.record.mode == ack_mode::client;
        // A worker may still hold a message when its subscription ends, and acknowledge it then (STOMP 1.2 UNSUBSCRIBE)
        // [S9].
        if (message.is_late()) found.kind = kind::late_ack;
        if (found.transaction.empty()) {
            unacknowledged_.acknowledge(this->names_, message);
        } else {
            const name open = this->names_.find(name_kind::transaction, found.transaction);
            unacknowledged_.acknowledge(this->names_, message, open);
        }
        return errc::none;
    }

    // Names are unique among the open transactions (STOMP 1.2 BEGIN) [S10].
    [[nodiscard]] errc take_begin(const known_headers& known, event& found) noexcept {
        found.kind = kind::begin;
        found.transaction = known.transaction;
        constexpr name_kind named_by = name_kind::transaction;
        if (this->names_.find(named_by, known.transaction)) return errc::repeated_transaction;
        const bool full = this->names_.count(named_by) >= this->most_transactions();
        if (full || !has_room(known.transaction)) return errc::too_many_transactions;
        this->names_.add({.kind = named_by}, known.transaction);
        return errc::none;
    }

    [[nodiscard]] errc end_transaction(const known_headers& known, event& found) noexcept {
        found.transaction = known.transaction;
        const name open = this->names_.find(name_kind::transaction, known.transaction);
        if (!open) return errc::unknown_transaction;
        if (found.kind == kind::commit) {
            unacknowledged_.commit(this->names_, open);
        } else {
            unacknowledged_.abort(this->names_, open);
        }
        // COMMIT may have moved the names.
        this->names_.erase(this->names_.find(open.record.number));
        return errc::none;
    }

    [[nodiscard]] errc judge_transaction(const known_headers& known, event& found) const noexcept {
        found.transaction = known.transaction;
        const bool is_open =
            known.transaction.data() == nullptr || this->names_.find(name_kind::transaction, known.transaction);
        return is_open ? errc::none : errc::unknown_transaction;
    }

    [[nodiscard]] bool is_1_0() const noexcept { return this->version() == stomp::version::v1_0; }

    // Small members first: they lie in the padding of the base.
    stomp::version agreed_ = stomp::version::unknown;
    bool automatic_receipts_ : 1;
    bool requires_host_ : 1;
    bool is_asked_ : 1 = false; // a CONNECT waits for its answer
    bool loses_ : 1 = false;    // the `lost` event is still owed
    detail::owed_receipt receipt_;
    messages unacknowledged_;
    std::uint64_t last_number_ = 0;
    stomp::heart_beat client_beat_{};
};

template <class Buffer>
basic_server_session(Buffer, Buffer, Buffer, Buffer, const options& = {}) -> basic_server_session<Buffer>;

/// The usual server session: memory from the heap, up to the limits of its options.
using server_session = basic_server_session<growing_buffer>;

} // namespace sockless::stomp
