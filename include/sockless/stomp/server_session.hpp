// The server's end of one STOMP session: bytes in, checked frames out, bytes back; no socket inside.
// SPDX-License-Identifier: MIT
#pragma once

#include "acknowledgements.hpp"
#include "owed_receipt.hpp"
#include "session.hpp"

namespace sockless::stomp {

/// What a server says of itself in CONNECTED.
struct acceptance {
    std::string_view session{}; ///< an id for this session
    std::string_view server{};  ///< name, `/`, version
    std::span<const header> headers{};
};

/// Why a server ends a session, for its ERROR.
struct refusal {
    std::string_view message{}; ///< a short description
    std::string_view receipt{}; ///< that the frame asked for, if `automatic_receipts` is off; else it is known
    std::string_view content_type{};
    std::span<const header> headers{};
    cbytes body{};
};

/// What became of a message that was delivered.
struct [[nodiscard]] delivered {
    std::uint64_t number = 0; ///< its number in this session, which is also its `message-id`
    sockless::error error{};  ///< if it is set nothing was queued
};

/// One session, seen from the server. Give what came to `next` until it returns no event; send what `output()` holds
/// and say so with `sent`; stop when `done()`. Anything can be sent, and any verb called, at any time: if something is
/// not possible an error says so, and nothing was queued. A frame that breaks a rule never reaches the caller: it is
/// answered with ERROR, and the session ends with `lost` (STOMP 1.2 ERROR) [S13].
///
/// `Buffer` is where frames that come in pieces, what is to be sent, and the session's lists are kept (see buffer.hpp).
/// `Output` is what takes the frames that are to be sent: see `carrier`.
template <class Buffer, class Output = detail::bare_output<Buffer>>
class basic_server_session : public session<role::server, Buffer, Output> {
    using base = session<role::server, Buffer, Output>;
    using base::usual_head, base::usual_receipt;
    using typename base::name_kind;

  public:
    using event = server_event;
    using kind = server_kind;

    /// With buffers that grow up to the limits of `settings`.
    explicit basic_server_session(
        const options& settings = {}) noexcept requires std::is_same_v<Output, detail::bare_output<growing_buffer>>
        : basic_server_session(growing_buffer(settings.output), settings) {}

    /// Likewise, but for `output`. `options::output` is not read.
    basic_server_session(Output output,
                         const options& settings) noexcept requires std::is_same_v<Buffer, growing_buffer>
        : basic_server_session(growing_buffer(base::input_limit(settings)), static_cast<Output&&>(output),
                               growing_buffer(settings.names),
                               growing_buffer(std::size_t{settings.unacknowledged} * sizeof(detail::unacknowledged)),
                               settings) {}

    /// With these buffers: `input` bounds frames that come in pieces; give it room for a head and a body of the limits
    /// of `settings`, or what is too large depends on how it came. `output` bounds what waits to be sent, `names` the
    /// ids of subscriptions, transactions and the receipt that is owed (each takes 12 bytes more), `unacknowledged` the
    /// messages that wait for an ACK (16 bytes each). `options::output` and `options::names` are not read.
    basic_server_session(Buffer input, Output output, Buffer names, Buffer unacknowledged,
                         const options& settings = {}) noexcept
        : base(settings, static_cast<Buffer&&>(input), static_cast<Output&&>(output), static_cast<Buffer&&>(names)),
          unacknowledged_(static_cast<Buffer&&>(unacknowledged)),
          most_unacknowledged_(settings.unacknowledged),
          automatic_receipts_(settings.automatic_receipts) {}

    /// Takes bytes from the front of `in` up to the end of the next event and returns it. Headers are unescaped where
    /// they lie. The RECEIPT that the event before asked for is queued first, as that has now been handled [S7].
    /// Nothing is taken between `connect` and the answer to it, nor while that RECEIPT has no room in the output: keep
    /// what is left in `in`, and give it again when the client was answered, or when something was sent.
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

    /// Accepts the client: queues CONNECTED with the highest version that both know, and what heart-beats this side
    /// promises and wishes (STOMP 1.2 CONNECTED Frame). Errors: `nothing_to_answer`, `no_room`, and those of `write`;
    /// the client then still waits.
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

    /// Ends the session with an ERROR, which is the last that is sent (STOMP 1.2 ERROR) [S13]: instead of `accept`, or
    /// for the frame that is being handled, whose receipt it names [S7], or at any other time. The next call of `next`
    /// or `finish` then tells `lost`, with `error_sent`; `done()` tells at once. Errors: `not_open` if the session has
    /// ended, `no_room`, and those of `write`.
    [[nodiscard]] sockless::error refuse(const refusal& answer = {}) noexcept {
        if (this->state() == stomp::state::closed) return errc::not_open;
        // A frame that was handled has not failed: its receipt is not named.
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

    /// Ends the session in the way that its state asks for, as when the program ends: with an ERROR if the client has a
    /// session or has asked for one, else without a word; after DISCONNECT it ends by itself. The next call of `next`
    /// or `finish` then tells `lost`, with `shut_down`. Go on as before until `done()`.
    void shut_down() noexcept {
        if (this->state() >= stomp::state::disconnecting) return;
        constexpr sockless::error reason = errc::shut_down;
        if (this->is_open() || is_asked_) static_cast<void>(queue_error({.message = reason.sentence()}));
        end(reason);
        loses_ = true;
    }

    /// Queues a MESSAGE to a subscription of this client (STOMP 1.2 MESSAGE) [S11]: to that of this number, with what
    /// of `message` is the caller's. `subscription`, `message-id` and `ack` are written as the version and the
    /// subscription's mode want them, and what `message` says of them is not read. Errors: `not_open`,
    /// `unknown_subscription`, `too_many_unacknowledged`, `no_room`, and those of `write`.
    delivered deliver(std::uint32_t subscription, message_frame message) noexcept {
        if (!this->is_open()) return {0, errc::not_open};
        const name to = subscription_of(subscription);
        if (to.text.data() == nullptr) return {0, errc::unknown_subscription};
        const auto mode = static_cast<ack_mode>(to.record.mode);
        const bool waits = mode != ack_mode::automatic;
        if (waits && unacknowledged_.size() >= most_unacknowledged_) return {0, errc::too_many_unacknowledged};
        // A RECEIPT that waits for room comes first, or smaller messages would take the room again and again.
        if (receipt_.is_due()) return {0, errc::no_room};

        const std::uint64_t number = last_number_ + 1;
        const detail::decimal_text digits(number);
        message.message_id = digits.text();
        message.ack = waits ? digits.text() : std::string_view{};
        message.subscription = to.record.kind == name_kind::subscription ? to.text : std::string_view{};
        const detail::unacknowledged record{number, subscription, 0, mode == ack_mode::client ? 1U : 0U};
        const auto note = [&]() -> sockless::error {
            return !waits || unacknowledged_.add(record) ? errc::none : errc::too_many_unacknowledged;
        };
        if (const sockless::error refused =
                this->queue_frame(message, usual_head + message.body.size(), room_for_error, note)) {
            return {0, refused};
        }
        last_number_ = number;
        return {number, {}};
    }

    /// Queues a RECEIPT, if `automatic_receipts` is off (STOMP 1.2 RECEIPT) [S7]. Errors: `not_open`, `no_room`, and
    /// those of `write`.
    [[nodiscard]] sockless::error receipt(std::string_view id) noexcept {
        if (!this->is_open() && !this->is_disconnecting()) return errc::not_open;
        const receipt_frame frame{.receipt_id = id};
        const std::size_t likely = usual_receipt + id.size();
        if (const sockless::error refused = this->queue_frame(frame, likely, room_for_error)) return refused;
        if (equal(receipt_.id(this->names_), id)) receipt_.settle(this->names_);
        return {};
    }

    /// Says that the first `size` bytes of `output()` were sent. A short write is normal. More bytes than `output()`
    /// had are a fault of the caller: an assertion fails, or, with `NDEBUG`, nothing is taken.
    void sent(std::size_t size) noexcept {
        this->take_sent(size);
        if (!receipt_.is_due()) return;
        // If it cannot be said at all, `next` says so, as long as there is a session.
        const bool unsaid = static_cast<bool>(say_receipt());
        if (unsaid && this->state() == stomp::state::closed) receipt_.settle(this->names_);
    }

    /// Says what time it is. Call it whenever the caller has waited, after what came was given to `next`: a caller that
    /// does not read takes a peer that lives for one that is silent. Does what is due: sends a heart-beat, or ends a
    /// wait that took too long, which is a `lost` event. A wait that has begun since the last call counts from this
    /// one, as nobody knows when it began.
    [[nodiscard]] event tick(instant now) noexcept {
        const errc due = this->pass_time(now, !receipt_.is_due());
        return due == errc::none ? event{} : fail(due);
    }

    /// Says that the client has ended its side of the connection (`recv` gave 0), or that it broke: `closed` after
    /// DISCONNECT, else `lost`. What is queued still goes out, and the RECEIPT of the last frame too: the client may
    /// have ended only its own side.
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

    /// Whether there is nothing left to do but to end what carries the session: all is said and sent, or the client
    /// had its time to take it.
    [[nodiscard]] bool done() const noexcept {
        if (this->has_waited()) return true;
        return has_said_all() && this->waiting() == 0;
    }

    /// Whether nothing more will be queued.
    [[nodiscard]] bool has_said_all() const noexcept {
        if (this->state() == stomp::state::closed) return !receipt_.is_due();
        return this->is_disconnecting() && !receipt_.is_owed();
    }

    /// As `session::release_memory`.
    void release_memory() noexcept {
        base::release_memory();
        unacknowledged_.release();
    }

    /// How many messages wait for an acknowledgement.
    [[nodiscard]] std::size_t unacknowledged() const noexcept { return unacknowledged_.size(); }

  private:
    using name = typename detail::name_list<name_kind, Buffer>::entry;

    // An ERROR always fits, whatever else is queued.
    static constexpr std::size_t room_for_error = 512;

    // The mode of a transaction that something is acknowledged in.
    static constexpr std::uint8_t acknowledges = 1;

    [[nodiscard]] event lost() noexcept { return {.kind = kind::lost, .error = this->error()}; }

    [[nodiscard]] event tell_loss() noexcept {
        const bool owed = loses_;
        loses_ = false;
        return owed ? lost() : event{};
    }

    // An ERROR is the last that is sent: no RECEIPT follows it.
    void end(sockless::error reason) noexcept {
        is_asked_ = false;
        receipt_.settle(this->names_);
        this->become_closed(reason);
    }

    // A receipt that cannot be said back, or is too long, is left out.
    [[nodiscard]] sockless::error queue_error(error_frame frame) noexcept {
        const sockless::error refused = this->queue_frame(frame, usual_head + frame.body.size(), 0);
        if (!refused || frame.receipt_id.empty()) return refused;
        frame.receipt_id = {};
        return this->queue_frame(frame, usual_head + frame.body.size(), 0);
    }

    // The one way to fail: ERROR with the error's sentence, and the receipt of the frame that caused it, is the last
    // that is sent (STOMP 1.2 ERROR) [S7] [S13].
    [[nodiscard]] event fail(sockless::error reason, std::string_view receipt = {}) noexcept {
        error_frame frame{.message = reason.sentence(), .receipt_id = receipt};
        if (reason == errc::no_common_version) frame.supported = this->versions();
        static_cast<void>(queue_error(frame));
        end(reason);
        return lost();
    }

    [[nodiscard]] event fail_frame(errc reason, const headers& cause) noexcept {
        this->reader_.blame_frame();
        return fail(reason, cause.find("receipt"));
    }

    // What is wrong with a frame of this command [S6].
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
        errc wrong = errc::none;
        if (asks && known.receipt.empty()) wrong = errc::missing_header;
        if (wrong == errc::none && owes) wrong = judge_receipt(frame.command, known);
        if (wrong == errc::none) wrong = take_as(frame.command, known, found);
        if (wrong == errc::none && owes && !receipt_.owe(this->names_, name_kind::owed_receipt, known.receipt)) {
            wrong = errc::too_many_receipts;
        }
        return wrong == errc::none ? found : fail_frame(wrong, frame.headers);
    }

    // Whether there is room for the receipt, beside the name that the frame may add: said before anything is changed,
    // so that a frame is taken as a whole or not at all.
    [[nodiscard]] errc judge_receipt(command sent, const known_headers& known) noexcept {
        constexpr std::size_t each = sizeof(detail::name_record<name_kind>);
        std::size_t size = known.receipt.size();
        if (sent == command::subscribe) size += each + (known.id.empty() ? known.destination : known.id).size();
        if (sent == command::begin) size += each + known.transaction.size();
        return this->names_.has_room(size) ? errc::none : errc::too_many_receipts;
    }

    // Queues the RECEIPT that is due. If there is no room it stays due, until the client has taken something.
    [[nodiscard]] sockless::error say_receipt() noexcept {
        const receipt_frame frame{.receipt_id = receipt_.id(this->names_)};
        const std::size_t likely = usual_receipt + frame.receipt_id.size();
        const sockless::error refused = this->queue_frame(frame, likely, room_for_error);
        if (!refused) {
            receipt_.settle(this->names_);
            return {};
        }
        if (refused != errc::no_room) return refused;
        return this->waiting() == 0 ? errc::output_full : errc::none;
    }

    // What the rules of its command say of a frame, and what it changes here.
    [[nodiscard]] errc take_as(command sent, const known_headers& known, event& found) noexcept {
        switch (sent) {
        case command::connect:
        case command::stomp: return take_connect(sent, known, found);
        case command::send:
            found.kind = kind::send;
            if (known.destination.empty()) return errc::missing_header;
            return judge_transaction(known, found);
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

    // [S6] The highest version that both have; a client of 1.0 does not say which it has.
    [[nodiscard]] errc take_connect(command sent, const known_headers& known, event& found) noexcept {
        const bool lists = known.accept_version.data() != nullptr;
        // STOMP came with 1.1, which wants accept-version and host (STOMP 1.2 Connecting).
        if (!lists && sent == command::stomp) return errc::missing_header;
        const version_set asked =
            lists ? version_set::of_list(known.accept_version) : version_set{stomp::version::v1_0};
        agreed_ = this->versions().highest_in_common(asked);
        if (agreed_ == stomp::version::unknown) return errc::no_common_version;
        if (agreed_ != stomp::version::v1_0 && known.host.data() == nullptr) return errc::missing_header;
        if (agreed_ != stomp::version::v1_0 && known.heart_beat.data() != nullptr) {
            const parsed_heart_beat beat = parse_heart_beat(known.heart_beat);
            if (!beat.valid) return errc::bad_heart_beat;
            client_beat_ = beat.value;
        }
        found.kind = kind::connect;
        is_asked_ = true;
        return errc::none;
    }

    // [S8] Ids are unique in a session; in 1.0 the destination stands for one that is missing.
    [[nodiscard]] errc take_subscribe(const known_headers& known, event& found) noexcept {
        found.kind = kind::subscribe;
        const bool named = !known.id.empty();
        if (known.destination.empty() || (!named && !is_1_0())) return errc::missing_header;
        const name_kind named_by = named ? name_kind::subscription : name_kind::destination;
        const std::string_view text = named ? known.id : known.destination;
        if (this->names_.find(named_by, text).text.data() != nullptr) return errc::repeated_subscription;

        bool valid = known.ack.data() == nullptr;
        for (const ack_mode mode : all_ack_modes) {
            if (valid || !equal(known.ack, text_of(mode))) continue;
            found.ack = mode;
            valid = mode != ack_mode::client_individual || !is_1_0();
        }
        if (!valid) return errc::bad_ack_mode;

        const std::size_t count =
            this->names_.count(name_kind::subscription) + this->names_.count(name_kind::destination);
        if (count >= this->most_subscriptions() ||
            !this->names_.add(named_by, text, static_cast<std::uint8_t>(found.ack), ++last_subscription_)) {
            return errc::too_many_subscriptions;
        }
        found.subscription = last_subscription_;
        return errc::none;
    }

    [[nodiscard]] errc take_unsubscribe(const known_headers& known, event& found) noexcept {
        found.kind = kind::unsubscribe;
        const bool named = !known.id.empty();
        const std::string_view text = named ? known.id : is_1_0() ? known.destination : std::string_view{};
        if (text.empty()) return errc::missing_header;
        const name ended = this->names_.find(named ? name_kind::subscription : name_kind::destination, text);
        if (ended.text.data() == nullptr) return errc::unknown_subscription;
        found.subscription = ended.record.number;
        this->names_.erase(ended);
        unacknowledged_.forget(found.subscription);
        return errc::none;
    }

    // [S9] In 1.2 by the `ack` of the MESSAGE, before by its `message-id`, in 1.1 with the subscription; here all are
    // the number of the message. What is acknowledged in a transaction still waits until that is committed.
    [[nodiscard]] errc take_ack(const known_headers& known, event& found) noexcept {
        const bool is_1_2 = this->version() == stomp::version::v1_2;
        const std::string_view text = is_1_2 ? known.id : known.message_id;
        const bool needs_subscription = this->version() == stomp::version::v1_1;
        if (text.empty() || (needs_subscription && known.subscription.empty())) return errc::missing_header;
        const detail::decimal number = detail::read_decimal(text);
        const bool is_ours = number.valid && equal(text, detail::decimal_text(number.value).text());
        const std::size_t place = is_ours ? unacknowledged_.place_of(number.value) : unacknowledged_.size();
        if (place == unacknowledged_.size()) return errc::unknown_acknowledgement;
        const detail::unacknowledged message = unacknowledged_[place];
        if (message.transaction != 0) return errc::unknown_acknowledgement;
        if (needs_subscription) {
            const name from = this->names_.find(name_kind::subscription, known.subscription);
            if (from.text.data() == nullptr) return errc::unknown_subscription;
            if (from.record.number != message.subscription) return errc::unknown_acknowledgement;
        }
        if (const errc wrong = judge_transaction(known, found); wrong != errc::none) return wrong;

        found.number = message.number;
        found.subscription = message.subscription;
        found.cumulative = message.cumulative != 0;
        std::uint32_t transaction = 0;
        if (!found.transaction.empty()) {
            const name open = this->names_.find(name_kind::transaction, found.transaction);
            this->names_.set_mode(open, acknowledges);
            transaction = open.record.number;
        }
        unacknowledged_.acknowledge(place, transaction);
        return errc::none;
    }

    // [S10] Names are unique among the transactions that are open.
    [[nodiscard]] errc take_begin(const known_headers& known, event& found) noexcept {
        found.kind = kind::begin;
        found.transaction = known.transaction;
        if (known.transaction.empty()) return errc::missing_header;
        if (this->names_.find(name_kind::transaction, known.transaction).text.data() != nullptr) {
            return errc::repeated_transaction;
        }
        last_transaction_ = last_transaction_ % unacknowledged_.max_transaction + 1;
        const bool full = this->names_.count(name_kind::transaction) >= this->most_transactions();
        if (full || !this->names_.add(name_kind::transaction, known.transaction, 0, last_transaction_)) {
            return errc::too_many_transactions;
        }
        return errc::none;
    }

    [[nodiscard]] errc end_transaction(const known_headers& known, event& found) noexcept {
        found.transaction = known.transaction;
        if (known.transaction.empty()) return errc::missing_header;
        const name open = this->names_.find(name_kind::transaction, known.transaction);
        if (open.text.data() == nullptr) return errc::unknown_transaction;
        if (open.record.mode == acknowledges) {
            if (found.kind == kind::commit) {
                unacknowledged_.commit(open.record.number);
            } else {
                unacknowledged_.abort(open.record.number);
            }
        }
        this->names_.erase(open);
        return errc::none;
    }

    [[nodiscard]] errc judge_transaction(const known_headers& known, event& found) const noexcept {
        found.transaction = known.transaction;
        const bool is_open = known.transaction.data() == nullptr ||
                             this->names_.find(name_kind::transaction, known.transaction).text.data() != nullptr;
        return is_open ? errc::none : errc::unknown_transaction;
    }

    [[nodiscard]] bool is_1_0() const noexcept { return this->version() == stomp::version::v1_0; }

    [[nodiscard]] name subscription_of(std::uint32_t number) const noexcept {
        return this->names_.find_if([&](const name& each) {
            const bool subscribed =
                each.record.kind == name_kind::subscription || each.record.kind == name_kind::destination;
            return subscribed && each.record.number == number;
        });
    }

    detail::acknowledgements<Buffer> unacknowledged_;
    std::uint64_t last_number_ = 0;
    detail::owed_receipt receipt_;
    std::uint32_t last_subscription_ = 0;
    std::uint32_t last_transaction_ = 0;
    std::uint32_t most_unacknowledged_;
    stomp::heart_beat client_beat_{};
    stomp::version agreed_ = stomp::version::unknown;
    bool automatic_receipts_ : 1;
    bool is_asked_ : 1 = false; // a CONNECT waits for its answer
    bool loses_ : 1 = false;    // the `lost` event is still owed
};

template <class Buffer>
basic_server_session(Buffer, Buffer, Buffer, Buffer, const options& = {}) -> basic_server_session<Buffer>;

/// The usual one: memory from the heap, up to the limits of its options.
using server_session = basic_server_session<growing_buffer>;

} // namespace sockless::stomp
