// Passes messages between STOMP clients by destination; knows their sessions, and nothing of what carries those.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

/// Who has subscribed to what. A message goes to all that are subscribed when it comes, and is not kept.
class destinations {
  public:
    using session = sockless::stomp::server_connection::session_type;

    /// In bytes. While so much waits to be sent to a subscriber, nothing is read from the clients that send to it.
    static constexpr std::size_t back_pressure = 1024 * 1024;

    /// The number of a new session.
    [[nodiscard]] std::uint64_t next_session() { return ++sessions_; }

    void subscribe(session& who, const sockless::stomp::server_event& event) {
        all_[std::string(event.destination)].push_back({&who, event.subscription});
    }

    void unsubscribe(const session& who, std::uint32_t number) {
        erase_if([&](const subscriber& each) { return each.session == &who && each.number == number; });
    }

    /// Forgets a client that leaves.
    void forget(const session& who) {
        erase_if([&](const subscriber& each) { return each.session == &who; });
    }

    void publish(const sockless::stomp::message_frame& message) {
        const auto found = all_.find(message.destination);
        if (found == all_.end()) return;
        for (const subscriber& each : found->second) {
            const auto error = each.session->deliver(each.number, message).error;
            // A subscriber misses a message that its version cannot carry. If it is too slow for a message, its session
            // ends.
            if (!error || error == sockless::stomp::errc::bad_header) continue;
            static_cast<void>(each.session->refuse(error.sentence()));
        }
    }

    /// Whether a subscriber there does not keep up.
    [[nodiscard]] bool is_crowded(std::string_view destination) const {
        const auto found = all_.find(destination);
        if (found == all_.end()) return false;
        return std::any_of(found->second.begin(), found->second.end(), [](const subscriber& each) {
            return each.session->is_open() && each.session->waiting() >= back_pressure;
        });
    }

  private:
    struct subscriber {
        destinations::session* session;
        std::uint32_t number;
    };

    template <class Condition>
    void erase_if(Condition condition) {
        for (auto& [destination, subscribers] : all_) std::erase_if(subscribers, condition);
        std::erase_if(all_, [](const auto& each) { return each.second.empty(); });
    }

    std::map<std::string, std::vector<subscriber>, std::less<>> all_;
    std::uint64_t sessions_ = 0;
};

/// One client: does what the events of its session ask for.
class stomp_client {
  public:
    using session = destinations::session;

    stomp_client(destinations& among, session& own) : among_(among), session_(own) {}
    stomp_client(const stomp_client&) = delete;
    stomp_client& operator=(const stomp_client&) = delete;
    ~stomp_client() { among_.forget(session_); }

    void handle(const sockless::stomp::server_event& event) {
        using kind = sockless::stomp::server_kind;
        switch (event.kind) {
        case kind::connect: accept(); return;
        case kind::send: return event.transaction.empty() ? send(event) : keep(event);
        case kind::subscribe: return among_.subscribe(session_, event);
        case kind::unsubscribe: return among_.unsubscribe(session_, event.subscription);
        case kind::commit: return commit(event.transaction);
        case kind::abort: forget(event.transaction); return;
        case kind::closed:
        case kind::lost: return among_.forget(session_);
        // The session has done all that these want: a message that is not acknowledged is not sent again.
        case kind::ack:
        case kind::nack:
        case kind::late_ack:
        case kind::begin:
        case kind::disconnect:
        case kind::heart_beat:
        case kind::need_input: return;
        }
    }

    /// Ends a session whose client is too slow for the clients that send to it. Call it after every wait.
    void tick(sockless::instant now) {
        if (session_.waiting() < destinations::back_pressure) {
            slow_until_ = sockless::no_deadline;
        } else if (slow_until_ == sockless::no_deadline) {
            slow_until_ = now + patience;
        } else if (slow_until_ <= now) {
            refuse("the client is too slow");
        }
    }
    [[nodiscard]] sockless::instant next_deadline() const {
        return session_.is_open() ? slow_until_ : sockless::no_deadline;
    }

    /// Not while what it would lead to cannot be sent.
    [[nodiscard]] bool wants_input() const {
        return session_.waiting() < destinations::back_pressure && !among_.is_crowded(sends_to_);
    }

  private:
    // In milliseconds. It is less than the silence after which the clients that wait would look dead.
    static constexpr sockless::instant patience = 5'000;

    // Bytes that may be kept for open transactions.
    static constexpr std::size_t most_kept = 1024 * 1024;

    // A SEND that waits for COMMIT. The views that an event has do not last, so this has texts of its own.
    struct kept_send {
        std::string transaction, destination, headers, body;

        [[nodiscard]] std::size_t size() const {
            return sizeof(kept_send) + transaction.size() + destination.size() + headers.size() + body.size();
        }
    };

    void accept() {
        const std::string id = std::to_string(among_.next_session());
        if (const auto error = session_.accept({.session = id, .server = "sockless-example"})) refuse(error.sentence());
    }

    void send(const sockless::stomp::server_event& event) {
        sends_to_ = event.destination;
        among_.publish({.destination = event.destination, .forwarded = event.headers, .body = event.body});
    }

    void keep(const sockless::stomp::server_event& event) {
        kept_.push_back({std::string(event.transaction), std::string(event.destination),
                         std::string(event.headers.text()), std::string(event.text())});
        size_of_kept_ += kept_.back().size();
        if (size_of_kept_ > most_kept) refuse("the open transactions are too large");
    }

    void commit(std::string_view transaction) {
        for (const kept_send& each : kept_) {
            if (each.transaction != transaction) continue;
            sends_to_ = each.destination;
            among_.publish({.destination = each.destination,
                            .forwarded = sockless::stomp::headers(each.headers),
                            .body = sockless::bytes_of(std::string_view(each.body))});
        }
        forget(transaction);
    }

    void forget(std::string_view transaction) {
        std::erase_if(kept_, [&](const kept_send& each) {
            if (each.transaction == transaction) size_of_kept_ -= each.size();
            return each.transaction == transaction;
        });
    }

    void refuse(std::string_view why) { static_cast<void>(session_.refuse(why)); }

    destinations& among_;
    session& session_;
    std::vector<kept_send> kept_;
    std::size_t size_of_kept_ = 0;
    std::string sends_to_; // the last destination
    sockless::instant slow_until_ = sockless::no_deadline;
};
