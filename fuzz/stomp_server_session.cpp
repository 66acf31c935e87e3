// A server session of STOMP under any client and any caller.
// SPDX-License-Identifier: MIT
#include "stomp_session.hpp"

using namespace sockless;
using fuzz::promise;
using stomp::server_kind;

namespace {

class caller final : public fuzz::stomp_caller<stomp::server_session> {
  public:
    caller(const stomp::options& how, const std::vector<unsigned>& script, bool in_step)
        : stomp_caller(how, role::server, script, in_step) {}

  private:
    struct message {
        std::uint64_t number;
        std::uint32_t subscription;
        bool cumulative = false;   // an ACK of it means all of its subscription before it
        std::string transaction{}; // that is open, in which it was acknowledged
    };

    struct subscription {
        std::uint32_t number;
        std::string id;
        stomp::ack_mode ack;
    };

    [[nodiscard]] bool waits() const override { return asked_; }

    void see(const event& what) override {
        line(what.subscription);
        line(what.number);
        line(static_cast<unsigned>(what.ack));
        for (const std::string_view each : {what.id, what.destination, what.transaction, what.receipt}) line(each);
        const bool over = what.kind == server_kind::closed || what.kind == server_kind::lost;
        const bool any_time = over || what.kind == server_kind::heart_beat;
        promise(connected_ || any_time || what.kind == server_kind::connect, "nothing comes before CONNECT");
        promise(!disconnected_ || any_time, "nothing comes after DISCONNECT");
        const bool handled = !any_time && what.kind != server_kind::connect;
        if (handled && how_.automatic_receipts && what.asks_for_receipt()) owed_.emplace_back(what.receipt);
        constexpr server_kind in_one[] = {server_kind::send,     server_kind::ack,    server_kind::nack,
                                          server_kind::late_ack, server_kind::commit, server_kind::abort};
        promise(what.transaction.empty() || std::count(std::begin(in_one), std::end(in_one), what.kind) == 0 ||
                    std::count(transactions_.begin(), transactions_.end(), what.transaction) == 1,
                "a transaction is known");
        if (over) asked_ = false;
        take(what);
    }

    void take(const event& what) {
        switch (what.kind) {
        case server_kind::connect:
            promise(!connected_ && !asked_, "there is one CONNECT");
            asked_ = true;
            has_host_ = what.has_host();
            break;
        case server_kind::subscribe: {
            promise(last_ < what.subscription, "numbers rise");
            promise(!what.destination.empty(), "a subscription has a destination");
            last_ = what.subscription;
            subscriptions_.push_back({what.subscription, std::string(what.id), what.ack});
            promise(subscriptions_.size() <= how_.subscriptions, "subscriptions are bounded");
            break;
        }
        case server_kind::unsubscribe:
            promise(std::erase_if(subscriptions_, [&](auto& each) { return each.number == what.subscription; }) == 1,
                    "what ends was there");
            for (const message& each : waiting_) {
                if (each.subscription == what.subscription) late_.push_back(each);
            }
            std::erase_if(waiting_, [&](auto& each) { return each.subscription == what.subscription; });
            break;
        case server_kind::ack:
        case server_kind::nack:
        case server_kind::late_ack: take_ack(what); break;
        case server_kind::begin:
            promise(std::count(transactions_.begin(), transactions_.end(), what.transaction) == 0, "names are unique");
            transactions_.emplace_back(what.transaction);
            promise(transactions_.size() <= how_.transactions, "transactions are bounded");
            break;
        case server_kind::commit:
            for (const auto& list : {std::vector<message>(waiting_), std::vector<message>(late_)}) {
                for (const message& each : list) {
                    if (each.transaction == what.transaction) acknowledge(each);
                }
            }
            std::erase(transactions_, what.transaction);
            break;
        case server_kind::abort:
            for (auto* const list : {&waiting_, &late_}) {
                for (message& each : *list) {
                    if (each.transaction == what.transaction) each.transaction.clear();
                }
            }
            std::erase(transactions_, what.transaction);
            break;
        case server_kind::send: promise(!what.destination.empty(), "a SEND has a destination"); break;
        case server_kind::disconnect: disconnected_ = true; break;
        default: break;
        }
    }

    void take_ack(const event& what) {
        const bool is_late = what.kind == server_kind::late_ack;
        promise(is_late == std::none_of(subscriptions_.begin(), subscriptions_.end(),
                                        [&](auto& each) { return each.number == what.subscription; }),
                "an ACK is of a subscription, or late");
        // It may have been forgotten, but then there is no event.
        std::vector<message>& list = is_late ? late_ : waiting_;
        const auto acknowledged = std::find_if(list.begin(), list.end(), [&](auto& each) {
            return each.subscription == what.subscription && each.number == what.number;
        });
        promise(acknowledged != list.end(), "what is acknowledged was waiting");
        promise(what.cumulative == acknowledged->cumulative, "the mode says what an ACK means");
        promise(std::none_of(list.begin(), list.end(),
                             [&](auto& each) { return !each.transaction.empty() && means(each, *acknowledged); }),
                "and no transaction has acknowledged it");
        if (what.transaction.empty()) {
            acknowledge(message(*acknowledged));
        } else {
            acknowledged->transaction = what.transaction;
        }
    }

    // Whether an ACK of one message is one of the other.
    [[nodiscard]] static bool means(const message& one, const message& other) {
        return one.subscription == other.subscription &&
               (one.cumulative ? other.number <= one.number : other.number == one.number);
    }
    void acknowledge(const message& one) {
        std::erase_if(waiting_, [&](const message& each) { return means(one, each); });
        std::erase_if(late_, [&](const message& each) { return means(one, each); });
    }

    void check() override {
        promise(peer_.unacknowledged() == waiting_.size() && waiting_.size() <= how_.unacknowledged,
                "what waits is known");
        promise(names_of(peer_.transactions()) == transactions_, "transactions are known");
        std::vector<std::string> ids;
        std::size_t memory = 0;
        for (const subscription& each : subscriptions_) {
            memory += 48 + each.id.size();
            if (!each.id.empty()) ids.push_back(each.id);
        }
        for (const std::string& each : transactions_) memory += 48 + each.size();
        promise(names_of(peer_.subscriptions()) == ids, "subscriptions are known");
        promise(memory <= how_.names, "names are bounded");
        promise(connected_ || !peer_.is_open(), "a session opens by CONNECT");
    }

    void check_end() override {
        // An ERROR always fits, if the output is not smaller than one.
        if (how_.output >= 512) promise(reader_.ended() == sends_error_, "who failed has said so");
        if (!how_.automatic_receipts || by_hand_) return;
        // If the session was lost, its last receipt may still be owed.
        const auto& got = reader_.receipts();
        promise(got.size() + 1 >= owed_.size() && got.size() <= owed_.size() &&
                    std::equal(got.begin(), got.end(), owed_.begin()),
                "each receipt comes once, in order");
    }

    void answer(unsigned how) {
        if (how % 8 == 7) return;
        if (how % 8 == 6) {
            refuse(
                {.message = "no:\r\n", .content_type = "text/plain", .body = bytes_of(std::string_view("why\0", 4))});
        } else {
            const stomp::header more[] = {{"x", "y"}};
            if (attempt([&] { return peer_.accept({.session = "1", .server = "s/1", .headers = more}); })) {
                asked_ = false;
                connected_ = true;
                promise(peer_.is_open() && how_.versions.has(peer_.version()), "an accepted session is open");
                promise(has_host_ || !how_.require_host || peer_.version() == stomp::version::v1_0,
                        "a host that is required is there");
            }
        }
    }

    void refuse(const stomp::refusal& why) {
        if (attempt([&] { return peer_.refuse(why); })) {
            asked_ = false;
            sends_error_ = true;
        }
    }

    void deliver(std::uint32_t to, const stomp::message_frame& what) {
        const auto found =
            std::find_if(subscriptions_.begin(), subscriptions_.end(), [&](auto& each) { return each.number == to; });
        const bool known = found != subscriptions_.end();
        stomp::delivered done;
        attempt([&] {
            done = peer_.deliver(to, what);
            return done.error;
        });
        promise(peer_.is_open() || done.error == stomp::errc::not_open, "messages go out while the session is open");
        promise(!peer_.is_open() || known == (done.error != stomp::errc::unknown_subscription),
                "subscriptions are known");
        if (done.error) return;
        promise(done.number == ++delivered_, "messages are counted");
        if (found->ack != stomp::ack_mode::automatic)
            waiting_.push_back({done.number, to, found->ack == stomp::ack_mode::client});
    }

    void act(const event* what) override {
        if (what != nullptr && what->kind == server_kind::lost) note_loss(what->error);
        const unsigned step = next_step();
        if (what != nullptr && what->kind == server_kind::connect) return answer(step);
        const cbytes some = bytes_of(std::string_view("hello \xE2\x82\xAC\0 and more", 20));
        const unsigned amount = step >> 4U;
        const stomp::header odd[] = {{"a:b\n", "\\c\r"}, {"content-type", ""}};
        switch (step % 16) {
        case 0: drain(SIZE_MAX); break;
        case 1:
        case 2:
            if (what != nullptr && what->kind == server_kind::send) {
                deliver(last_, {.destination = what->destination, .forwarded = what->headers, .body = what->body});
            } else {
                deliver(last_, {.destination = "/a", .body = some.first(amount)});
            }
            if (step % 16 == 1) drain(SIZE_MAX);
            break;
        case 3: deliver(amount, {.destination = "/a", .content_type = "text/plain", .body = some}); break;
        case 4: deliver(last_, {.destination = "/a\n", .headers = odd}); break;
        case 5: refuse({.message = "no"}); break;
        case 6:
            by_hand_ = true;
            attempt([&] { return peer_.receipt(what != nullptr ? what->receipt : "r\n"); });
            break;
        case 7: {
            const bool was_asked = asked_;
            if (was_asked) {
                answer(amount);
            } else {
                promise(!attempt([&] { return peer_.accept(); }), "there is nothing to answer");
            }
            break;
        }
        case 8: drain(amount); break;
        case 9: peer_.release_memory(); break;
        case 10: move(); break;
        case 11: tick(amount); break;
        case 12: deliver(last_, {.destination = "/a", .body = std::vector<std::byte>(amount * 100)}); break;
        case 13: deliver(last_, {.destination = "/a", .body = some, .length = stomp::content_length::omitted}); break;
        case 14: deliver(last_, {.destination = "/a"}); break;
        default: break;
        }
    }

    // An ERROR is owed by any loss but that of the connection itself.
    void note_loss(error why) {
        sends_error_ = sends_error_ || (why != stomp::errc::end_of_input && why != stomp::errc::truncated);
    }

    std::vector<subscription> subscriptions_{};
    std::vector<std::string> transactions_{};
    std::vector<message> waiting_{};
    std::vector<message> late_{}; // of subscriptions that have ended
    std::vector<std::string> owed_{};
    std::uint32_t last_ = 0;
    std::uint64_t delivered_ = 0;
    bool asked_ = false;
    bool has_host_ = false;
    bool connected_ = false;
    bool disconnected_ = false;
    bool sends_error_ = false;
    bool by_hand_ = false;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::run_stomp_session<caller>(data, size);
    return 0;
}
