// The messages of a STOMP server that wait for an ACK.
// SPDX-License-Identifier: MIT
#pragma once

#include "name_records.hpp"

// Messages are records in the order of their numbers, which only rise, so a number is found by halving. Whether one
// still waits follows from its record and that of its subscription: in `client` mode those wait that were sent last, in
// `client-individual` mode those that are not marked, and none without a subscription. So an ACK, and the end of a
// subscription, touch one record, whatever they mean. Records of messages that do not wait go once there are more of
// them than of others: over time each pays for one that moves.
//
// A subscription that ends while messages of it wait stays among the names, as one that has ended: these messages are
// late. An ACK of one is what it was before, but they do not count any more, and the subscriptions that ended first are
// forgotten with their messages. Late messages and those that wait are together no more than can wait, and late ones
// are no more than once waited, or a few. So they take no more memory than the session had use for before.
//
// An ACK in a transaction only marks its message as pending, and takes effect with COMMIT. The pending messages of a
// transaction are a list, the latest first. In `client` mode the pending messages of a subscription are another list.
// An ACK is then for all messages before it too, so a message before a pending one cannot become pending afterwards:
// this list is in the order of the messages.
namespace sockless::stomp::detail {

/// A message that was sent to be acknowledged. A link is the place of another message plus 1; 0 is none.
struct unacknowledged {
    static constexpr std::uint32_t for_good = 0xFFFFFFFF;

    std::uint64_t number = 0;
    std::uint32_t subscription = 0; // its number
    std::uint32_t order = 0;        // how many messages of its subscription were sent up to it
    std::uint32_t transaction = 0;  // that is open, and in which it was acknowledged; or `for_good`, or 0
    std::uint32_t next = 0;         // link to the one that was acknowledged before it in this transaction
    std::uint32_t below = 0;        // `client` mode: link to the one that was acknowledged before it in any
    std::uint32_t unused = 0;       // so that no byte is padding
};

/// All of a session. What it notes of subscriptions and transactions lies in their records. `Names` are the names of
/// the session, the same for each call. A subscription or transaction that is given has just been found in them.
template <class Names, class Buffer>
class acknowledgements {
    using name = typename Names::entry;

  public:
    /// A message that waits or is late, with its subscription. False if there is none, or if it was acknowledged in a
    /// transaction.
    struct found {
        unacknowledged message{};
        std::uint32_t place = 0;
        name subscription{};

        [[nodiscard]] explicit operator bool() const noexcept { return message.number != 0; }
        [[nodiscard]] bool is_late() const noexcept { return subscription.record.state == name_state::ended; }
    };

    /// At most `most` messages can wait, and at most one for each 64 bytes of this memory.
    acknowledgements(Buffer memory, std::uint32_t most) noexcept : memory_(static_cast<Buffer&&>(memory)), most_(most) {
        constexpr std::uint32_t limit = 0x40000000; // so that links have 32 bits
        const std::size_t held = memory_.limit() / (2 * sizeof(unacknowledged));
        if (most_ > held) most_ = static_cast<std::uint32_t>(held);
        if (most_ > limit) most_ = limit;
    }

    /// How many wait.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool is_full() const noexcept { return size_ >= most_; }

    /// Adds the next message. False if as many wait as can, or if there is no memory.
    [[nodiscard]] bool add(Names& names, name subscription, std::uint64_t number) noexcept {
        if (is_full()) return false;
        const bool is_crowded = size_ + late_ >= most_;
        if (is_crowded) forget_first(names);
        const std::uint32_t kept = size_ + late_;
        const bool has_room = memory_.limit() - memory_.size() >= sizeof(unacknowledged);
        const bool drops = places() - kept > kept + some || !has_room;
        if (drops) drop_others(names);
        if (is_crowded || drops) subscription = names.find(subscription.record.number);
        acknowledgement_facts to = subscription.record.facts;
        const unacknowledged added{.number = number, .subscription = subscription.record.number, .order = to.sent + 1};
        if (!append(memory_, bytes_of(&added, sizeof added))) return false;
        ++to.sent;
        ++to.waiting;
        ++size_;
        if (size_ > most_at_once_) most_at_once_ = size_;
        names.set(subscription.place, to);
        return true;
    }

    /// The message with this number, if it can be acknowledged.
    [[nodiscard]] found find(const Names& names, std::uint64_t number) const noexcept {
        std::uint32_t first = 0, last = places();
        while (first != last) {
            const std::uint32_t middle = first + (last - first) / 2;
            if (at(middle).number < number) {
                first = middle + 1;
            } else {
                last = middle;
            }
        }
        if (first == places()) return {};
        const found sought = message_at(names, first);
        const bool is_free = sought.message.number == number && waits(sought.message, sought.subscription) &&
                             !is_pending(sought.message, sought.subscription);
        return is_free ? sought : found{};
    }

    /// The message was acknowledged, with all before it that this means (STOMP 1.2 ACK) [S9]. May erase a name.
    void acknowledge(Names& names, const found& of) noexcept {
        acknowledgement_facts from = of.subscription.record.facts;
        const std::uint32_t left = is_cumulative(of.subscription) ? later(from, of.message) : from.waiting - 1;
        (of.is_late() ? late_ : size_) -= from.waiting - left;
        from.waiting = left;
        set_transaction(of.place, unacknowledged::for_good);
        // The last one that is pending may be among those that do not wait any more.
        if (from.pending != 0 && later(from, at(from.pending - 1)) >= left) from.pending = 0;
        names.set(of.subscription.place, from);
        if (of.is_late() && left == 0) names.erase(of.subscription);
    }

    /// The message was acknowledged in a transaction. This takes effect with `commit` (STOMP 1.2 BEGIN) [S10].
    void acknowledge(Names& names, found of, name transaction) noexcept {
        of.message.transaction = transaction.record.number;
        make_pending(names, of, transaction);
    }

    /// The transaction ends: what was acknowledged in it is so for good, as far as it still waits (STOMP 1.2 COMMIT)
    /// [S10]. May erase names.
    void commit(Names& names, const name& transaction) noexcept {
        for (std::uint32_t link = transaction.record.facts.pending; link != 0;) {
            const found each = message_at(names, link - 1);
            link = each.message.next;
            if (waits(each.message, each.subscription)) acknowledge(names, each);
        }
    }

    /// The transaction ends: what was acknowledged in it waits again (STOMP 1.2 ABORT) [S10].
    void abort(Names& names, const name& transaction) noexcept {
        for (std::uint32_t link = transaction.record.facts.pending; link != 0;) {
            found each = message_at(names, link - 1);
            acknowledgement_facts& from = each.subscription.record.facts;
            set_transaction(each.place, 0);
            if (from.pending == link) {
                from.pending = pending_before(each.message, each.subscription);
                names.set(each.subscription.place, from);
            }
            link = each.message.next;
        }
    }

    /// The subscription ends: the messages of it that wait are late (STOMP 1.2 UNSUBSCRIBE) [S9].
    void end(Names& names, const name& subscription) noexcept {
        const std::uint32_t waiting = subscription.record.facts.waiting;
        if (waiting == 0) return names.erase(subscription);
        names.end(subscription);
        size_ -= waiting;
        late_ += waiting;
        while (late_ > most_at_once_ && late_ > few) forget_first(names);
    }

    /// Forgets the subscription that has ended first, and its messages. False if there is none.
    bool forget_first(Names& names) noexcept {
        const name first = names.first_ended();
        if (!first) return false;
        late_ -= first.record.facts.waiting;
        names.erase(first);
        return true;
    }

    /// Gives the memory back if nothing waits or is late.
    void release(Names& names) noexcept {
        if (size_ + late_ != 0) return;
        drop_others(names);
        memory_.release();
    }

  private:
    // So many that do not wait are worth no look at all of them.
    static constexpr std::uint32_t some = 16;

    // So many can be late in any session.
    static constexpr std::uint32_t few = 128;

    [[nodiscard]] std::uint32_t places() const noexcept {
        return static_cast<std::uint32_t>(memory_.size() / sizeof(unacknowledged));
    }
    [[nodiscard]] unacknowledged at(std::uint32_t place) const noexcept {
        unacknowledged message;
        std::memcpy(&message, memory_.contents().data() + place * sizeof message, sizeof message);
        return message;
    }
    void put(std::uint32_t place, const unacknowledged& message) noexcept {
        std::memcpy(memory_.contents().data() + place * sizeof message, &message, sizeof message);
    }
    void set_transaction(std::uint32_t place, std::uint32_t transaction) noexcept {
        std::byte* const message = memory_.contents().data() + place * sizeof(unacknowledged);
        std::memcpy(message + offsetof(unacknowledged, transaction), &transaction, sizeof transaction);
    }
    [[nodiscard]] found message_at(const Names& names, std::uint32_t place) const noexcept {
        const unacknowledged message = at(place);
        return {message, place, names.find(message.subscription)};
    }

    [[nodiscard]] static bool is_cumulative(const name& subscription) noexcept {
        return subscription.record.mode == ack_mode::client;
    }
    // How many messages were sent to the subscription after this one.
    [[nodiscard]] static std::uint32_t later(const acknowledgement_facts& subscription,
                                             const unacknowledged& message) noexcept {
        return subscription.sent - message.order;
    }

    [[nodiscard]] static bool waits(const unacknowledged& message, const name& from) noexcept {
        if (!from) return false;
        if (!is_cumulative(from)) return message.transaction != unacknowledged::for_good;
        return later(from.record.facts, message) < from.record.facts.waiting;
    }
    // Whether an open transaction has acknowledged it.
    [[nodiscard]] bool is_pending(const unacknowledged& message, const name& from) const noexcept {
        const acknowledgement_facts& facts = from.record.facts;
        if (!is_cumulative(from)) return message.transaction != 0;
        return facts.pending != 0 && later(facts, message) >= later(facts, at(facts.pending - 1));
    }

    // The link to the last message before this one that an open transaction has acknowledged. Those of transactions
    // that were aborted are passed by, once.
    [[nodiscard]] std::uint32_t pending_before(unacknowledged message, const name& from) const noexcept {
        for (std::uint32_t link = message.below; link != 0; link = message.below) {
            message = at(link - 1);
            if (!waits(message, from)) return 0;
            if (message.transaction != 0) return link;
        }
        return 0;
    }

    // Puts a message into the lists of those that are pending.
    void make_pending(Names& names, found& of, name& transaction) noexcept {
        of.message.next = transaction.record.facts.pending;
        transaction.record.facts.pending = of.place + 1;
        names.set(transaction.place, transaction.record.facts);
        acknowledgement_facts& from = of.subscription.record.facts;
        if (is_cumulative(of.subscription)) {
            of.message.below = from.pending;
            from.pending = of.place + 1;
            names.set(of.subscription.place, from);
        }
        put(of.place, of.message);
    }

    // Drops the messages that neither wait nor are late. Links are places, so each list is made anew.
    void drop_others(Names& names) noexcept {
        const std::uint32_t count = places();
        for (std::uint32_t place = 0; place != count; ++place) {
            const std::uint32_t number = at(place).transaction;
            if (number == 0 || number == unacknowledged::for_good) continue;
            begin_anew(names, names.find(number));
            begin_anew(names, names.find(at(place).subscription));
        }
        std::uint32_t kept = 0;
        for (std::uint32_t place = 0; kept != size_ + late_ && place != count; ++place) {
            if (at(place).transaction == unacknowledged::for_good) continue;
            found each = message_at(names, place);
            if (!waits(each.message, each.subscription)) continue;
            each.place = kept++;
            put(each.place, each.message);
            if (each.message.transaction == 0) continue;
            name transaction = names.find(each.message.transaction);
            make_pending(names, each, transaction);
        }
        memory_.truncate(kept * sizeof(unacknowledged));
    }
    static void begin_anew(Names& names, name of) noexcept {
        if (!of) return;
        of.record.facts.pending = 0;
        names.set(of.place, of.record.facts);
    }

    Buffer memory_;
    std::uint32_t size_ = 0; // of those that wait
    std::uint32_t late_ = 0;
    std::uint32_t most_at_once_ = 0; // that have waited
    std::uint32_t most_;
};

} // namespace sockless::stomp::detail
