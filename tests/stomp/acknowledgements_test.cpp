// The messages of a STOMP server that wait for an ACK, held against a model that keeps each one by itself.
// SPDX-License-Identifier: MIT
#include <sockless/stomp/acknowledgements.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <optional>
#include <random>
#include <vector>

#include "scripted.hpp"

using namespace sockless;
using namespace sockless::test;
using lines = std::vector<std::string>;
using stomp::ack_mode;
using stomp::errc;
using stomp::detail::name_kind;
using stomp::detail::server_name;

namespace {

using numbers = std::vector<std::uint64_t>;
using name_list = sockless::detail::name_list<server_name, growing_buffer>;

// Two subscriptions, and transactions. Odd messages are sent to subscription 1, even ones to 2.
class lists {
  public:
    explicit lists(ack_mode mode, std::uint64_t messages = 0, std::uint32_t limit = 1000)
        : waiting_(growing_buffer(64 * std::size_t{limit}), limit) {
        add({.kind = name_kind::subscription, .mode = mode}, "one");
        add({.kind = name_kind::destination, .mode = mode}, "two");
        for (std::uint64_t i = 1; i <= messages; ++i) REQUIRE(send(i));
    }

    bool send(std::uint64_t message) {
        sent_ = message;
        return waiting_.add(names_, subscription(message % 2 == 0 ? 2 : 1), message);
    }
    [[nodiscard]] bool waits(std::uint64_t message) const {
        const auto found = waiting_.find(names_, message);
        if (found) REQUIRE(found.message.number == message);
        return found && !found.is_late();
    }
    [[nodiscard]] bool is_late(std::uint64_t message) const {
        const auto found = waiting_.find(names_, message);
        return found && found.is_late();
    }
    // Those that can be acknowledged.
    [[nodiscard]] numbers free() const {
        numbers found;
        for (std::uint64_t i = 0; i <= sent_ + 1; ++i) {
            if (waits(i)) found.push_back(i);
        }
        return found;
    }
    [[nodiscard]] numbers late() const {
        numbers found;
        for (std::uint64_t i = 0; i <= sent_ + 1; ++i) {
            if (is_late(i)) found.push_back(i);
        }
        return found;
    }
    [[nodiscard]] std::size_t size() const { return waiting_.size(); }

    void acknowledge(std::uint64_t message, std::uint32_t transaction = 0) {
        const auto found = waiting_.find(names_, message);
        REQUIRE(found);
        if (transaction == 0) {
            waiting_.acknowledge(names_, found);
        } else {
            waiting_.acknowledge(names_, found, names_.find(name_kind::transaction, std::to_string(transaction)));
        }
    }
    void begin(std::uint32_t transaction) { add({.kind = name_kind::transaction}, std::to_string(transaction)); }
    void end(std::uint32_t transaction, bool commits) {
        const auto open = names_.find(name_kind::transaction, std::to_string(transaction));
        if (commits) waiting_.commit(names_, open);
        if (!commits) waiting_.abort(names_, open);
        names_.erase(names_.find(open.record.number));
    }
    void unsubscribe(std::uint32_t from) { waiting_.end(names_, subscription(from)); }
    void release() { waiting_.release(names_); }

  private:
    void add(const server_name& record, std::string_view text) {
        REQUIRE(names_.make_room(text));
        names_.add(record, text);
    }
    [[nodiscard]] name_list::entry subscription(std::uint32_t which) const { return names_.find(which); }

    name_list names_{growing_buffer(10'000)};
    stomp::detail::acknowledgements<name_list, growing_buffer> waiting_;
    std::uint64_t sent_ = 0;
};

} // namespace

TEST_CASE("S9: a message is found by its number, among any number of others") {
    for (std::uint64_t count = 0; count != 20; ++count) {
        lists list(ack_mode::client_individual, count);
        if (count > 3) list.acknowledge(2);
        for (std::uint64_t number = 0; number != 22; ++number) {
            CHECK(list.waits(number) == (number != 0 && number <= count && (count <= 3 || number != 2)));
        }
    }
}

TEST_CASE("S9: an ACK means one message, or with all of its subscription before it") {
    lists single(ack_mode::client_individual, 6);
    single.acknowledge(3);
    CHECK(single.free() == numbers{1, 2, 4, 5, 6});
    lists cumulative(ack_mode::client, 6);
    cumulative.acknowledge(5);
    CHECK(cumulative.free() == numbers{2, 4, 6});
    CHECK(cumulative.size() == 3);
    cumulative.unsubscribe(2);
    CHECK(cumulative.free() == numbers{});
    CHECK(cumulative.late() == numbers{2, 4, 6});
    CHECK(cumulative.size() == 0);
}

TEST_CASE("S10: what is acknowledged in a transaction is gone with COMMIT, and waits again after ABORT") {
    for (const bool commits : {true, false}) {
        lists list(ack_mode::client, 8);
        list.begin(7);
        list.begin(8);
        list.acknowledge(3, 7);
        CHECK(list.free() == numbers{2, 4, 5, 6, 7, 8});
        list.acknowledge(5, 8);
        CHECK(list.free() == numbers{2, 4, 6, 7, 8});
        CHECK(list.size() == 8);
        list.end(7, commits);
        // The other one still means all up to 5.
        CHECK(list.free() == numbers{2, 4, 6, 7, 8});
        CHECK(list.size() == (commits ? 6 : 8));
        list.end(8, false);
        CHECK(list.free() == (commits ? numbers{2, 4, 5, 6, 7, 8} : numbers{1, 2, 3, 4, 5, 6, 7, 8}));
        list.acknowledge(7);
        CHECK(list.free() == numbers{2, 4, 6, 8});
    }
}

TEST_CASE("S10: a COMMIT means all before its message, also what another transaction has acknowledged") {
    for (const bool commits : {true, false}) {
        lists list(ack_mode::client, 9);
        for (const std::uint32_t transaction : {1U, 2U, 3U}) list.begin(transaction);
        list.acknowledge(1, 1);
        list.acknowledge(3, 2);
        list.acknowledge(5, 1);
        list.acknowledge(7, 3);
        list.end(1, true);
        CHECK(list.size() == 6); // 7 and 9, and the even ones
        CHECK(list.free() == numbers{2, 4, 6, 8, 9});
        list.end(2, commits);
        CHECK(list.size() == 6);
        list.end(3, false);
        CHECK(list.free() == numbers{2, 4, 6, 7, 8, 9});
        list.begin(4);
        list.acknowledge(7, 4);
        list.acknowledge(9);
        CHECK(list.size() == 4);
        list.end(4, commits);
        CHECK(list.free() == numbers{2, 4, 6, 8});
    }
}

TEST_CASE("S10: after an ABORT the longest of the others counts, in whatever order they end") {
    // Each order in which four transactions can end, each with one message more than the one before it.
    std::vector<std::uint32_t> order{1, 2, 3, 4};
    do {
        lists list(ack_mode::client, 7);
        for (const std::uint32_t each : {1U, 2U, 3U, 4U}) {
            list.begin(each);
            list.acknowledge(2 * each - 1, each);
        }
        std::vector<std::uint32_t> open{1, 2, 3, 4};
        for (const std::uint32_t each : order) {
            list.end(each, false);
            open.erase(std::find(open.begin(), open.end(), each));
            const std::uint32_t longest = open.empty() ? 0 : open.back();
            for (std::uint32_t i = 1; i <= 4; ++i) CHECK(list.waits(2 * i - 1) == (i > longest));
        }
        CHECK(list.size() == 7);
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("S12: the memory of messages that do not wait is used again, and those that are pending stay so") {
    for (const ack_mode mode : {ack_mode::client, ack_mode::client_individual}) {
        lists list(mode, 0, 4);
        list.begin(1);
        REQUIRE(list.send(1));
        REQUIRE(list.send(3));
        list.acknowledge(1, 1);
        REQUIRE(list.send(4));
        // Many come and go, while one waits for its transaction.
        for (std::uint64_t i = 3; i != 100; ++i) {
            REQUIRE(list.send(2 * i));
            CHECK_FALSE(list.send(1000));
            list.acknowledge(2 * i - 2);
        }
        CHECK(list.size() == 3);
        CHECK_FALSE(list.waits(1));
        CHECK(list.waits(3));
        list.end(1, mode == ack_mode::client);
        CHECK(list.size() == (mode == ack_mode::client ? 2 : 3));
        CHECK(list.waits(1) == (mode != ack_mode::client));
    }
    lists gone(ack_mode::client, 4);
    gone.begin(1);
    gone.acknowledge(3, 1);
    gone.acknowledge(4, 1);
    gone.unsubscribe(1);
    gone.unsubscribe(2);
    gone.release();
    gone.end(1, true);
    CHECK(gone.size() == 0);
}

// --- a session and a model of it

namespace {

// What S8, S9 and S10 say, in the plainest way. Returns the line of the event, or the error that ends the session.
class model {
  public:
    struct subscription {
        std::uint32_t number = 0;
        std::string id{};
        ack_mode mode{};
        numbers waiting{};
    };
    struct pending {
        std::uint32_t subscription = 0;
        std::uint64_t message = 0;
        std::string transaction{};
    };

    // `names` is the room for names, and `more` what the destination of a subscription takes of it.
    model(const stomp::options& limits, std::size_t names, std::size_t more)
        : limits_(limits), names_(names), more_(more) {}

    std::string subscribe(const std::string& id, ack_mode mode) {
        if (find(id) != nullptr) return fails(errc::repeated_subscription);
        if (subscriptions.size() == limits_.subscriptions) return fails(errc::too_many_subscriptions);
        make_room(sizeof(server_name) + id.size() + more_);
        subscriptions.push_back({++last_name_, id, mode, {}});
        return "subscribe #" + std::to_string(last_name_) + " id=" + id + " destination=/a " +
               std::string(text_of(mode));
    }
    std::string unsubscribe(const std::string& id) {
        const subscription* const ended = find(id);
        if (ended == nullptr) return fails(errc::unknown_subscription);
        const std::uint32_t number = ended->number;
        if (!ended->waiting.empty()) late.push_back(*ended);
        std::erase_if(subscriptions, [&](const subscription& each) { return each.number == number; });
        while (waiting(late) > std::max<std::size_t>(most_at_once_, 128)) forget_first();
        return "unsubscribe #" + std::to_string(number) + " id=" + id;
    }
    stomp::delivered deliver(std::uint32_t number) {
        for (subscription& each : subscriptions) {
            if (each.number != number) continue;
            if (each.mode == ack_mode::automatic) return {++last_message, {}};
            if (waiting() == limits_.unacknowledged) return {0, errc::too_many_unacknowledged};
            if (waiting() + waiting(late) == limits_.unacknowledged) forget_first();
            each.waiting.push_back(++last_message);
            most_at_once_ = std::max(most_at_once_, waiting());
            return {last_message, {}};
        }
        return {0, errc::unknown_subscription};
    }
    std::string acknowledge(const std::string& verb, std::uint64_t message, const std::string& transaction) {
        for (auto* const list : {&subscriptions, &late}) {
            for (subscription& each : *list) {
                if (std::count(each.waiting.begin(), each.waiting.end(), message) == 0) continue;
                if (is_pending(each, message)) return fails(errc::unknown_acknowledgement);
                if (!transaction.empty() && !is_open(transaction)) return fails(errc::unknown_transaction);
                const std::string line = (list == &late ? "late_ack" : verb) + " #" + std::to_string(each.number) +
                                         " message=" + std::to_string(message) +
                                         (each.mode == ack_mode::client ? " cumulative" : "");
                if (transaction.empty()) {
                    take(each, message);
                    return line;
                }
                pendings.push_back({each.number, message, transaction});
                return line + " transaction=" + transaction;
            }
        }
        return fails(errc::unknown_acknowledgement);
    }
    std::string begin(const std::string& transaction) {
        if (is_open(transaction)) return fails(errc::repeated_transaction);
        if (transactions.size() == limits_.transactions) return fails(errc::too_many_transactions);
        make_room(sizeof(server_name) + transaction.size());
        ++last_name_;
        transactions.push_back(transaction);
        return "begin transaction=" + transaction;
    }
    std::string end(const std::string& verb, const std::string& transaction) {
        if (!is_open(transaction)) return fails(errc::unknown_transaction);
        const std::vector<pending> before = pendings;
        for (const pending& each : before) {
            if (each.transaction != transaction || verb == "abort") continue;
            for (auto* const list : {&subscriptions, &late}) {
                const auto from = std::find_if(list->begin(), list->end(), [&](const subscription& one) {
                    return one.number == each.subscription &&
                           std::count(one.waiting.begin(), one.waiting.end(), each.message) != 0;
                });
                if (from != list->end()) take(*from, each.message);
            }
        }
        std::erase_if(pendings, [&](const pending& each) { return each.transaction == transaction; });
        std::erase(transactions, transaction);
        return verb + " transaction=" + transaction;
    }

    [[nodiscard]] bool is_open(const std::string& transaction) const {
        return std::count(transactions.begin(), transactions.end(), transaction) != 0;
    }
    [[nodiscard]] subscription* find(const std::string& id) {
        for (subscription& each : subscriptions) {
            if (each.id == id) return &each;
        }
        return nullptr;
    }
    // In `client` mode an acknowledgement is of all before its message, too.
    [[nodiscard]] bool is_pending(const subscription& from, std::uint64_t message) const {
        return std::any_of(pendings.begin(), pendings.end(), [&](const pending& each) {
            return each.subscription == from.number &&
                   (from.mode == ack_mode::client ? each.message >= message : each.message == message);
        });
    }
    [[nodiscard]] std::size_t waiting() const { return waiting(subscriptions); }

    std::vector<subscription> subscriptions{};
    std::vector<subscription> late{}; // that have ended, with messages that were not acknowledged
    std::vector<std::string> transactions{};
    std::vector<pending> pendings{};
    std::uint64_t last_message = 0;

  private:
    static std::string fails(errc reason) { return std::string(row_of(reason).name); }

    [[nodiscard]] static std::size_t waiting(const std::vector<subscription>& in) {
        std::size_t sum = 0;
        for (const subscription& each : in) sum += each.waiting.size();
        return sum;
    }

    void forget_first() {
        std::erase_if(pendings, [&](const pending& each) { return each.subscription == late.front().number; });
        late.erase(late.begin());
    }
    // What has ended goes if there is no room for a name beside it.
    void make_room(std::size_t size) {
        const auto held = [&] {
            std::size_t sum = size;
            for (const subscription& each : subscriptions) sum += sizeof(server_name) + each.id.size() + more_;
            for (const subscription& each : late) sum += sizeof(server_name) + each.id.size();
            for (const std::string& each : transactions) sum += sizeof(server_name) + each.size();
            return sum;
        };
        while (held() > names_) forget_first();
    }

    void take(subscription& from, std::uint64_t message) {
        std::erase_if(from.waiting, [&](std::uint64_t each) {
            return from.mode == ack_mode::client ? each <= message : each == message;
        });
        std::erase_if(pendings, [&](const pending& each) {
            return each.subscription == from.number &&
                   std::count(from.waiting.begin(), from.waiting.end(), each.message) == 0;
        });
        std::erase_if(late, [](const subscription& each) { return each.waiting.empty(); });
    }

    stomp::options limits_;
    std::size_t names_;
    std::size_t more_;
    std::size_t most_at_once_ = 0;
    std::uint32_t last_name_ = 0; // subscriptions and transactions are numbered together
};

template <class Session>
class session_and_model {
  public:
    session_and_model(Session made, std::string_view version, const stomp::options& limits, std::size_t names,
                      std::mt19937_64& random)
        : run_(connected_by(static_cast<Session&&>(made), connect_text(version))),
          version_(version),
          model_(limits, names, version == "1.0" ? sizeof(server_name) + 2 : 0),
          random_(random) {}

    // Until an error ends the session, or for so many steps. Returns how many there were.
    int run(int most) {
        for (int step = 0; step != most; ++step) {
            // Times in which messages pile up, and times in which they are acknowledged.
            const bool grows = step / 150 % 2 == 0;
            const std::uint64_t which = random_() % 20;
            if (which < (grows ? 9U : 3U)) {
                deliver();
            } else if (!act(which)) {
                return step;
            }
            REQUIRE(run_.peer.unacknowledged() == model_.waiting());
            REQUIRE(names_in(run_.peer.transactions()) == model_.transactions);
            lines ids;
            for (const model::subscription& each : model_.subscriptions) ids.push_back(each.id);
            REQUIRE(names_in(run_.peer.subscriptions()) == ids);
            if (random_() % 64 == 0) run_.peer.release_memory();
        }
        return most;
    }

  private:
    bool act(std::uint64_t which) {
        // An error ends a session, so there are few.
        const bool wrong = random_() % 256 == 0;
        switch (which) {
        case 9: {
            const std::string id = a_name(5);
            if (!wrong && model_.find(id) != nullptr) return true;
            const unsigned modes = version_ == "1.0" ? 2 : 3;
            const auto mode = static_cast<ack_mode>(random_() % 8 == 0 ? 0 : 1 + random_() % (modes - 1));
            return feed("SUBSCRIBE\nid:" + id + "\ndestination:/a\nack:" + std::string(text_of(mode)) + "\n\n",
                        model_.subscribe(id, mode));
        }
        case 10: {
            const std::string id = a_name(5);
            if (!wrong && (model_.find(id) == nullptr || random_() % 3 != 0)) return true;
            return feed("UNSUBSCRIBE\nid:" + id + "\n\n", model_.unsubscribe(id));
        }
        case 11:
        case 12:
        case 13: {
            const std::string transaction = a_name(4);
            const std::string more = "transaction:" + transaction + "\n\n";
            if (!model_.is_open(transaction)) {
                if (wrong) return feed("COMMIT\n" + more, model_.end("commit", transaction));
                return feed("BEGIN\n" + more, model_.begin(transaction));
            }
            if (wrong) return feed("BEGIN\n" + more, model_.begin(transaction));
            if (random_() % 2 == 0) return feed("COMMIT\n" + more, model_.end("commit", transaction));
            return feed("ABORT\n" + more, model_.end("abort", transaction));
        }
        default: return acknowledge(wrong);
        }
    }

    bool acknowledge(bool wrong) {
        // One that can be acknowledged, or any.
        std::vector<std::pair<std::uint64_t, std::string>> known;
        for (const auto* const list : {&model_.subscriptions, &model_.late}) {
            for (const model::subscription& each : *list) {
                for (const std::uint64_t message : each.waiting) {
                    if (!model_.is_pending(each, message)) known.emplace_back(message, each.id);
                }
            }
        }
        if (known.empty() && !wrong) return true;
        std::pair<std::uint64_t, std::string> chosen(1 + random_() % (model_.last_message + 1), "?");
        if (!wrong) chosen = known[static_cast<std::size_t>(random_()) % known.size()];
        if (wrong) {
            for (const auto* const list : {&model_.subscriptions, &model_.late}) {
                for (const model::subscription& each : *list) {
                    const auto& all = each.waiting;
                    if (std::count(all.begin(), all.end(), chosen.first) != 0) chosen.second = each.id;
                }
            }
            // In 1.1 the subscription is asked for first of all that can be wrong with what waits.
            if (version_ == "1.1" && chosen.second == "?") return true;
        }
        std::string transaction = random_() % 2 == 0 ? "" : a_name(4);
        if (!model_.is_open(transaction) && random_() % 256 != 0) transaction.clear();
        const std::string number = std::to_string(chosen.first);
        const bool negative = version_ != "1.0" && random_() % 4 == 0;
        std::string frame =
            std::string(negative ? "NACK" : "ACK") + "\n" + (version_ == "1.2" ? "id:" : "message-id:") + number + "\n";
        if (version_ == "1.1") frame += "subscription:" + chosen.second + "\n";
        if (!transaction.empty()) frame += "transaction:" + transaction + "\n";
        return feed(frame + "\n", model_.acknowledge(negative ? "nack" : "ack", chosen.first, transaction));
    }

    void deliver() {
        // Now and then to one that there is not, or not any more.
        const auto to =
            static_cast<std::uint32_t>(random_() % 16 == 0 || model_.subscriptions.empty()
                                           ? random_() % 40
                                           : model_.subscriptions[random_() % model_.subscriptions.size()].number);
        const stomp::delivered done = run_.peer.deliver(to, {.destination = "/a"});
        const stomp::delivered expected = model_.deliver(to);
        REQUIRE(done.error == expected.error);
        REQUIRE(done.number == expected.number);
        run_.drain();
    }

    // Says whether the session goes on.
    bool feed(const std::string& frame, const std::string& expected) {
        const bool ends = errc_names().count(expected) != 0;
        CAPTURE(frame);
        run_.feed(framed(frame));
        const lines log = run_.take_log();
        REQUIRE(log.size() == 1);
        if (!ends) REQUIRE(log[0] == expected);
        if (ends) REQUIRE(log[0].starts_with("lost " + expected + " @"));
        return !ends;
    }
    static const std::map<std::string, int>& errc_names() {
        static const std::map<std::string, int> names = {{"repeated_subscription", 0},  {"too_many_subscriptions", 0},
                                                         {"unknown_subscription", 0},   {"repeated_transaction", 0},
                                                         {"too_many_transactions", 0},  {"unknown_transaction", 0},
                                                         {"unknown_acknowledgement", 0}};
        return names;
    }

    std::string a_name(unsigned count) {
        return std::string(1 + random_() % 3, static_cast<char>('a' + random_() % count));
    }

    scripted_session<Session> run_;
    std::string version_;
    model model_;
    std::mt19937_64& random_;
};

} // namespace

TEST_CASE("S8 S9 S10: any subscriptions, messages, acknowledgements and transactions are as a model says") {
    for (std::uint64_t seed = 0; seed != 60; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random(seed);
        const std::string_view versions[] = {"1.2", "1.1", "1.0"};
        const std::string_view version = versions[seed % 3];
        const std::uint32_t waiting = seed % 4 == 0 ? 5 : seed % 4 == 1 ? 40 : 300;
        const stomp::options limits{.subscriptions = 10, .transactions = 8, .unacknowledged = waiting};
        const bool small = seed / 3 % 2 == 0;
        // In 1.0 a subscription also has its destination. Sometimes there is room for some that have ended.
        const std::size_t names = 18 * 51 + (version == "1.0" ? 10 * 50 : 0) + seed % 5 * 60;
        for (int steps = 0; steps < 2000;) {
            if (small) {
                std::vector<std::byte> input(1000), output(2000), names_memory(2 * names),
                    memory(64 * std::size_t{waiting});
                session_and_model<stomp_server_side::small_session> both(
                    stomp_server_side::make_small(input, output, names_memory, memory, limits), version, limits, names,
                    random);
                steps += 1 + both.run(2000 - steps);
            } else {
                session_and_model<stomp::server_session> both(stomp::server_session(limits), version, limits,
                                                              limits.names, random);
                steps += 1 + both.run(2000 - steps);
            }
        }
    }
}
