// The messages of a STOMP server that wait for an ACK.
// SPDX-License-Identifier: MIT
#pragma once

#include "../detail/lists.hpp"

namespace sockless::stomp::detail {

/// A message that waits for its acknowledgement.
struct unacknowledged {
    std::uint64_t number = 0;
    std::uint32_t subscription = 0;
    std::uint32_t transaction : 31 = 0; // the number of the open transaction that acknowledged it, or 0
    std::uint32_t cumulative : 1 = 0;   // its ACK also means all earlier messages of its subscription
};

/// All messages of a session that wait for an acknowledgement, in the order of their numbers. Each new message has a
/// higher number than the last.
template <class Buffer>
class acknowledgements {
  public:
    /// Numbers of transactions have 31 bits. 0 is none.
    static constexpr std::uint32_t max_transaction = 0x7FFFFFFF;

    explicit acknowledgements(Buffer memory) noexcept : messages_(static_cast<Buffer&&>(memory)) {}

    [[nodiscard]] std::size_t size() const noexcept { return messages_.size(); }
    [[nodiscard]] unacknowledged operator[](std::size_t place) const noexcept { return messages_[place]; }

    /// Adds a message, whose number is the highest so far. False if the memory is full.
    [[nodiscard]] bool add(const unacknowledged& message) noexcept { return messages_.push(message); }

    /// The place of the message with this number, or `size()` if no such message waits.
    [[nodiscard]] std::size_t place_of(std::uint64_t number) const noexcept {
        std::size_t first = 0, last = size();
        while (first != last) {
            const std::size_t middle = first + (last - first) / 2;
            if (messages_[middle].number < number) {
                first = middle + 1;
            } else {
                last = middle;
            }
        }
        return first != size() && messages_[first].number == number ? first : size();
    }

    /// Acknowledges the message at `place`. If the acknowledgement is cumulative, it also means all earlier messages of
    /// the same subscription (STOMP 1.2 ACK) [S9]. If `transaction` is not 0, the messages stay in the list until that
    /// transaction ends; else they leave the list now.
    void acknowledge(std::size_t place, std::uint32_t transaction) noexcept {
        const unacknowledged last = messages_[place];
        const auto is_meant = [&](const unacknowledged& each) {
            return each.subscription == last.subscription && each.transaction == 0 &&
                   (last.cumulative != 0 || each.number == last.number);
        };
        if (transaction != 0) {
            const std::size_t first = last.cumulative != 0 ? 0 : place;
            for (std::size_t i = first; i <= place; ++i) {
                if (is_meant(messages_[i])) put_into(i, transaction);
            }
        } else if (last.cumulative != 0) {
            messages_.erase_if(place + 1, is_meant);
        } else {
            messages_.erase(place);
        }
    }

    /// Ends a transaction. With COMMIT the messages that were acknowledged in it leave the list; with ABORT they wait
    /// for an acknowledgement again (STOMP 1.2 COMMIT, ABORT) [S10].
    void commit(std::uint32_t transaction) noexcept {
        messages_.erase_if(size(), [&](const unacknowledged& each) { return each.transaction == transaction; });
    }
    void abort(std::uint32_t transaction) noexcept {
        for (std::size_t i = 0; i != size(); ++i) {
            if (messages_[i].transaction == transaction) put_into(i, 0);
        }
    }

    /// Takes all messages of this subscription out of the list.
    void forget(std::uint32_t subscription) noexcept {
        messages_.erase_if(size(), [&](const unacknowledged& each) { return each.subscription == subscription; });
    }

    void release() noexcept { messages_.release(); }

  private:
    void put_into(std::size_t place, std::uint32_t transaction) noexcept {
        unacknowledged message = messages_[place];
        message.transaction = transaction & max_transaction;
        messages_.set(place, message);
    }

    record_list<unacknowledged, Buffer> messages_;
};

} // namespace sockless::stomp::detail
