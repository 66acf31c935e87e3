// A client session of STOMP against a server session, both driven by bytes as a program, with what goes between them
// cut anywhere: what was sent arrives as it was, in order, and no session is lost unless a verb ends it.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless/stomp/websocket.hpp>
#include <sockless/ws/client.hpp>
#include <sockless/ws/server.hpp>

#include <algorithm>
#include <deque>

#include "fuzz.hpp"

namespace sockless::fuzz {

using stomp::ack_mode;
using stomp::client_kind;
using stomp::errc;
using stomp::server_kind;
using stomp::version;

/// The program, byte after byte; when it has ended all are 0.
class program {
  public:
    explicit program(cbytes code) : code_(code) {}

    [[nodiscard]] bool ended() const { return code_.empty(); }

    unsigned take() {
        if (code_.empty()) return 0;
        const auto value = static_cast<unsigned>(code_.front());
        code_ = code_.subspan(1);
        return value;
    }

    /// Names and values that are hard to carry, some of which no version can, or not all.
    std::string text() {
        using namespace std::string_view_literals;
        constexpr std::string_view texts[] = {
            "a",  "b:c",    "d\\e", "f\ng",         "h\ri", " j ",  ":",    "\\",       "\\n", "\r",
            "\n", "k\0l"sv, "\t",   "\xED\x95\x9C", "\xFF", "\\c:", "auto", "m\r\n\\r", "7",   "destination-"};
        const unsigned which = take();
        return which < std::size(texts) ? std::string(texts[which])
               : which < 0xF0           ? "t" + std::to_string(which % 8)
                                        : std::string((which & 15U) * 40, 'x') + ':';
    }

    std::string body() {
        const unsigned size = take();
        std::string made = size < 200 ? std::string(size % 20, 'b') : std::string((size - 200) * 50, '\0');
        for (std::size_t i = 0; i < made.size(); i += 7) made[i] = "\0\n:\\x"[size % 5];
        return made;
    }

  private:
    cbytes code_;
};

/// Whether a version can carry this header in a frame that is neither CONNECT nor CONNECTED.
inline bool can_carry(version in, std::string_view name, std::string_view value) {
    if (name.empty() || name == "content-length") return false;
    if ((std::string(name) + std::string(value)).find('\0') != std::string::npos) return false;
    if (in != version::v1_0) return true;
    if (detail::trimmed(value).size() != value.size()) return false;
    const auto ends_line = [](std::string_view text) { return text.find_first_of("\r\n") != std::string_view::npos; };
    return !ends_line(name) && !ends_line(value) && name.find(':') == std::string_view::npos;
}

/// An event or verb in words; two are equal if they mean the same.
class words {
  public:
    explicit words(std::string_view verb) { add(verb); }
    words& add(std::string_view text) {
        text_ += std::to_string(text.size());
        text_ += '=';
        text_ += text;
        return *this;
    }
    words& add(std::uint64_t number) { return add(std::to_string(number)); }
    words& add(const stomp::headers& all) {
        for (const stomp::header& each : all) {
            if (each.name.starts_with("X-")) add(each.name).add(each.value);
        }
        return *this;
    }
    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    std::string text_{};
};

/// A session over a connection as it is, with the functions of a `stomp::over_websocket`.
template <class Session>
class bare : public Session {
  public:
    using Session::Session;
    using session_type = Session;
    [[nodiscard]] Session& session() { return *this; }
};

/// The conversation of two ends, which are `bare` sessions, or sessions over WebSockets; then the client has requested
/// its WebSocket.
template <class Client, class Server>
class conversation {
    static constexpr bool is_carried = requires(Server & server) { server.web_socket(); };

  public:
    conversation(cbytes code, Client client, Server server, unsigned habits)
        : code_(code),
          client_end_(static_cast<Client&&>(client)),
          server_end_(static_cast<Server&&>(server)),
          habits_(habits) {}
    conversation(const conversation&) = delete;
    conversation& operator=(const conversation&) = delete;

    void run() {
        promise(!client_.connect({.host = "h"}), "a client can ask");
        promise(!client_end_.tick(0) && !server_end_.tick(0), "nothing is due yet");
        while (!code_.ended() && !over_) step();
        flush();
        if (refused_) return;
        if (client_.is_open()) disconnect();
        flush();
        promise(closed_ && client_.done(), "the receipt for DISCONNECT has come");
        promise(server_end_.done(), "the server has no more to say");
        // The end of a WebSocket has told it already.
        promise(server_end_.finish().kind == (is_carried ? server_kind::need_input : server_kind::closed),
                "the server has seen DISCONNECT");
        promise(disconnected_ && server_ended_ == is_carried, "the server knows that the session has ended");
        promise(to_server_.empty() && to_client_.empty(), "all that was sent has arrived");
        promise(client_.receipts().empty(), "all receipts have come");
        promise(server_.unacknowledged() == messages_.size(), "what was not acknowledged waits");
    }

  private:
    struct subscription {
        std::string id; // or, in 1.0, empty
        std::string destination;
        ack_mode ack;
        std::uint32_t number;
    };

    struct message {
        std::uint64_t number;
        std::uint32_t subscription;
        bool received = false;
        std::string transaction{}; // that is open, in which it was acknowledged
    };

    // --- the bytes in between

    template <class From, class To, class See>
    bool pass(From& from, To& to, std::size_t most, See&& see) {
        const cbytes all = from.output();
        if (all.empty()) return false;
        const fuzz::exact_copy piece(all.first(all.size() < most ? all.size() : most));
        bytes in = piece.get();
        from.sent(in.size());
        while (const auto found = to.next(in)) see(found);
        promise(in.empty(), "all input is used up");
        return true;
    }

    bool to_server(std::size_t most) {
        return pass(client_end_, server_end_, most, [&](const auto& found) { see_all(found); });
    }
    bool to_client(std::size_t most) {
        return pass(server_end_, client_end_, most, [&](const auto& found) { see_all(found); });
    }

    void flush() {
        while (to_server(SIZE_MAX) || to_client(SIZE_MAX)) {
        }
    }

    void tick(unsigned amount) {
        if (amount >= 128) {
            client_end_.release_memory();
            server_end_.release_memory();
        }
        now_ += amount % 40;
        promise(!client_end_.tick(now_) && !server_end_.tick(now_), "nobody is lost in time");
        flush();
    }

    // --- what arrives

    void arrive(std::deque<std::string>& expected, const words& what) {
        promise(!expected.empty() && expected.front() == what.text(), "what arrives is what was sent");
        expected.pop_front();
    }

    template <class Event>
    void see_all(const Event& found) {
        if constexpr (is_carried) {
            const ws::event& carrier = found.web_socket;
            if (carrier.kind == ws::kind::request) {
                auto& peer = server_end_.web_socket();
                promise(!peer.accept({.subprotocol = ws::choose_subprotocol(stomp::subprotocols, peer.head().fields)}),
                        "a WebSocket can be accepted");
            }
            promise(carrier.kind != ws::kind::closed || carrier.clean, "the WebSocket ends cleanly");
        }
        if (found.kind != decltype(found.kind)::need_input) see(found);
    }

    void see(const stomp::server_event& found) {
        using kind = server_kind;
        constexpr std::string_view names[] = {"",      "connect",    "send",      "subscribe", "unsubscribe",
                                              "ack",   "nack",       "late_ack",  "begin",     "commit",
                                              "abort", "disconnect", "heart_beat"};
        switch (found.kind) {
        case kind::heart_beat: return;
        case kind::closed:
            promise(is_carried && disconnected_, "the end comes with that of the input");
            server_ended_ = true;
            return;
        case kind::lost: promise(refused_, "the server does not lose the session"); return;
        case kind::connect:
            promise(!server_.accept({.session = "1", .server = "s/1"}), "a client can be accepted");
            return;
        default: break;
        }
        words what(names[static_cast<std::size_t>(found.kind)]);
        what.add(found.receipt);
        switch (found.kind) {
        case kind::send:
            what.add(found.destination).add(found.content_type).add(found.transaction).add(found.headers);
            what.add(found.text());
            break;
        case kind::subscribe:
            what.add(found.id).add(found.destination).add(static_cast<unsigned>(found.ack)).add(found.headers);
            [[fallthrough]];
        case kind::unsubscribe: what.add(found.subscription); break;
        case kind::ack:
        case kind::nack:
        case kind::late_ack:
            what.add(found.subscription).add(found.number).add(found.cumulative ? 1U : 0U);
            [[fallthrough]];
        default: what.add(found.transaction); break;
        }
        arrive(to_server_, what);
        if (found.kind == kind::subscribe) {
            at_server_.push_back(
                {std::string(found.id), std::string(found.destination), found.ack, found.subscription});
        }
        if (found.kind == kind::unsubscribe) {
            std::erase_if(at_server_, [&](auto& each) { return each.number == found.subscription; });
        }
        if (found.kind == kind::disconnect) disconnected_ = true;
        // A broker would pass it on.
        if (found.kind == kind::send && (habits_ & 1U) != 0 && !at_server_.empty()) {
            deliver(at_server_[found.body.size() % at_server_.size()],
                    {.destination = found.destination, .forwarded = found.headers, .body = found.body},
                    found.content_type);
        }
    }

    void see(const stomp::client_event& found) {
        using kind = client_kind;
        switch (found.kind) {
        case kind::connected: promise(client_.version() == server_.version(), "both know the version"); break;
        case kind::message: see_message(found); break;
        case kind::closed:
            promise(!closed_ && receipts_.size() == 1, "the last receipt is the end");
            closed_ = over_ = true;
            [[fallthrough]];
        case kind::receipt:
            promise(!receipts_.empty() && found.receipt_id == receipts_.front(), "receipts come in order");
            receipts_.pop_front();
            break;
        case kind::error:
            promise(refused_ && found.message == why_, "an ERROR has its reason");
            std::erase(receipts_, found.receipt_id);
            break;
        case kind::lost: {
            promise(refused_ && found.error == errc::error_received, "the client does not lose the session");
            auto left = receipts_.begin();
            for (const std::string_view each : client_.receipts()) {
                promise(left != receipts_.end() && *left++ == each, "receipts that never came are known");
            }
            promise(left == receipts_.end(), "all of them");
            over_ = true;
            break;
        }
        default: break;
        }
    }

    void see_message(const stomp::client_event& found) {
        words what("message");
        what.add(found.subscription).add(found.destination).add(found.content_type).add(found.message_id);
        arrive(to_client_, what.add(found.headers).add(found.text()));
        const auto known = std::find_if(messages_.begin(), messages_.end(),
                                        [&](auto& each) { return std::to_string(each.number) == found.message_id; });
        if (known == messages_.end()) return;
        known->received = true;
        if ((habits_ & 2U) == 0 || !client_.is_open()) return;
        expect_ack(*known, "ack", "", "");
        promise(!client_.ack(found), "a message can be acknowledged as it comes");
    }

    // --- the verbs

    void step() {
        const unsigned what = code_.take();
        const unsigned amount = what >> 4U;
        switch (what % 16) {
        case 0: send(); break;
        case 1: subscribe(); break;
        case 2: unsubscribe(amount); break;
        case 3: begin(); break;
        case 4: end_transaction("commit", amount); break;
        case 5: end_transaction("abort", amount); break;
        case 6: acknowledge("ack", amount); break;
        case 7: acknowledge("nack", amount); break;
        case 8:
            if (amount == 15) disconnect();
            break;
        case 9: deliver(amount); break;
        case 10:
            if (amount == 15) refuse();
            break;
        case 11: to_server(amount + 1); break;
        case 12: to_client(amount + 1); break;
        case 13: to_server(code_.take() * 4 + 1); break;
        case 14: to_client(code_.take() * 4 + 1); break;
        case 15: tick(code_.take()); break;
        }
    }

    // Judges the result of a verb: the session is not open, or a text cannot be carried, or a receipt is outstanding.
    // If there is no error, its frame is on the way.
    bool judge(error said, bool carried, std::string_view receipt, const words& what) {
        if (!was_open_) {
            promise(said == errc::not_open, "frames go out while the session is open");
            return false;
        }
        const bool outstanding = !receipt.empty() && std::count(receipts_.begin(), receipts_.end(), receipt) != 0;
        if (outstanding) {
            promise(said == errc::repeated_receipt, "a receipt is outstanding once");
            return false;
        }
        promise(static_cast<bool>(said) == !carried, "what can be said is sent");
        if (said) return false;
        to_server_.push_back(what.text());
        if (!receipt.empty()) receipts_.emplace_back(receipt);
        return true;
    }

    [[nodiscard]] bool carried(std::string_view value, std::string_view name = "a") const {
        return can_carry(client_.version(), name, value);
    }

    std::string receipt() {
        const unsigned which = code_.take();
        if (which < 128) return {};
        return which < 140 ? code_.text() : "r" + std::to_string(++last_receipt_);
    }

    std::string transaction() {
        const unsigned which = code_.take();
        return which < 128 || transactions_.empty() ? std::string() : transactions_[which % transactions_.size()];
    }

    void send() {
        was_open_ = client_.is_open();
        const std::string destination = code_.text(), type = code_.take() < 128 ? "" : code_.text(),
                          name = "X-" + code_.text(), value = code_.text(), body = code_.body(), in = transaction(),
                          asked = receipt();
        const bool bare = code_.take() % 4 == 0 && body.find('\0') == std::string::npos;
        const stomp::header more[] = {{name, value}};
        words what("send");
        what.add(asked).add(destination).add(type).add(in).add(name).add(value).add(body);
        const error said =
            client_.send({.destination = destination,
                          .content_type = type,
                          .transaction = in,
                          .receipt = asked,
                          .headers = more,
                          .body = bytes_of(std::string_view(body)),
                          .length = bare ? stomp::content_length::omitted : stomp::content_length::automatic});
        judge(said, carried(destination) && carried(type) && carried(value, name) && carried(asked), asked, what);
    }

    void subscribe() {
        was_open_ = client_.is_open();
        const bool is_1_0 = client_.version() == version::v1_0;
        const auto mode = static_cast<ack_mode>(code_.take() % 3);
        const std::string id = code_.take() < 128 && is_1_0 ? "" : code_.text(), destination = code_.text(),
                          name = "X-" + code_.text(), asked = receipt();
        const stomp::header more[] = {{name, ""}};
        const error said =
            client_.subscribe({.id = id, .destination = destination, .ack = mode, .receipt = asked, .headers = more});
        const bool repeated = std::any_of(subscriptions_.begin(), subscriptions_.end(), [&](auto& each) {
            return each.id == id && (!id.empty() || each.destination == destination);
        });
        if (was_open_ && repeated) return promise(said == errc::repeated_subscription, "ids are unique");
        const subscription made{id, destination, mode, last_number_ + 1};
        words what("subscribe");
        what.add(asked).add(id).add(destination).add(static_cast<unsigned>(mode)).add(name).add("").add(made.number);
        const bool known_mode = !is_1_0 || mode != ack_mode::client_individual;
        if (!judge(said, known_mode && carried(id) && carried(destination) && carried("", name) && carried(asked),
                   asked, what)) {
            return;
        }
        ++last_number_;
        subscriptions_.push_back(made);
    }

    void unsubscribe(unsigned which) {
        was_open_ = client_.is_open();
        if (subscriptions_.empty()) return;
        const subscription chosen = subscriptions_[which % subscriptions_.size()];
        const std::string asked = receipt();
        const error said = client_.unsubscribe({.id = chosen.id, .destination = chosen.destination, .receipt = asked});
        if (!judge(said, carried(asked), asked, words("unsubscribe").add(asked).add(chosen.number))) return;
        for (const message& each : messages_) {
            if (each.subscription == chosen.number && each.received && !is_pending(each)) late_.push_back(each);
        }
        ended_.push_back(chosen);
        std::erase_if(subscriptions_, [&](auto& each) { return each.number == chosen.number; });
        std::erase_if(messages_, [&](auto& each) { return each.subscription == chosen.number; });
    }

    void begin() {
        was_open_ = client_.is_open();
        const std::string name = code_.text(), asked = receipt();
        const error said = client_.begin(name, asked);
        if (was_open_ && std::count(transactions_.begin(), transactions_.end(), name) != 0) {
            return promise(said == errc::repeated_transaction, "names of transactions are unique");
        }
        if (judge(said, carried(name) && carried(asked) && !name.empty(), asked, words("begin").add(asked).add(name))) {
            ++last_number_;
            transactions_.push_back(name);
        }
    }

    void end_transaction(std::string_view verb, unsigned which) {
        was_open_ = client_.is_open();
        const bool commits = verb == "commit";
        if (transactions_.empty()) {
            const error said = client_.abort("none");
            return promise(said == (was_open_ ? errc::unknown_transaction : errc::not_open), "transactions are known");
        }
        const std::string name = transactions_[which % transactions_.size()], asked = receipt();
        const error said = commits ? client_.commit(name, asked) : client_.abort(name, asked);
        if (!judge(said, carried(asked), asked, words(verb).add(asked).add(name))) return;
        std::erase(transactions_, name);
        for (const message& each : std::vector<message>(messages_)) {
            if (commits && each.transaction == name) take_acknowledged(each);
        }
        for (message& each : messages_) {
            if (each.transaction == name) each.transaction.clear();
        }
    }

    void acknowledge(std::string_view verb, unsigned which) {
        std::vector<std::uint64_t> numbers;
        for (const message& each : messages_) {
            if (each.received && !is_pending(each)) numbers.push_back(each.number);
        }
        if (!client_.is_open()) return;
        // So many are surely not forgotten.
        if ((habits_ & 32U) != 0 && !late_.empty() && delivered_ <= 128) return acknowledge_late(which);
        if (numbers.empty()) return;
        was_open_ = true;
        const std::uint64_t number = numbers[which % numbers.size()];
        const message chosen =
            *std::find_if(messages_.begin(), messages_.end(), [&](auto& each) { return each.number == number; });
        const std::string in = transaction(), asked = receipt(), id = std::to_string(number);
        const stomp::ack_frame frame{
            .id = id, .message_id = id, .subscription = of(chosen).id, .transaction = in, .receipt = asked};
        const error said = verb == "ack" ? client_.ack(frame) : client_.nack(frame);
        const bool outstanding = !asked.empty() && std::count(receipts_.begin(), receipts_.end(), asked) != 0;
        const bool possible = carried(asked) && (verb == "ack" || client_.version() != version::v1_0);
        if (outstanding || !possible) return promise(static_cast<bool>(said), "this cannot be said");
        promise(!said, "what waits can be acknowledged");
        expect_ack(chosen, verb, in, asked);
    }

    // A message of a subscription that has ended is acknowledged.
    void acknowledge_late(unsigned which) {
        const message chosen = late_[which % late_.size()];
        const subscription from =
            *std::find_if(ended_.begin(), ended_.end(), [&](auto& each) { return each.number == chosen.subscription; });
        const std::string id = std::to_string(chosen.number);
        const stomp::ack_frame frame{.id = id, .message_id = id, .subscription = from.id};
        // In 1.1 a message without the id of its subscription cannot be named; only 1.0 has such.
        promise(!client_.ack(frame), "what is late can be acknowledged");
        const bool cumulative = from.ack == ack_mode::client;
        words what("late_ack");
        what.add("").add(chosen.subscription).add(chosen.number).add(cumulative ? 1U : 0U).add("");
        to_server_.push_back(what.text());
        std::erase_if(late_, [&](const message& each) {
            return each.subscription == chosen.subscription &&
                   (cumulative ? each.number <= chosen.number : each.number == chosen.number);
        });
    }

    // A message is acknowledged, in `client` mode with all of its subscription before it.
    void expect_ack(message chosen, std::string_view verb, std::string_view in, std::string_view asked) {
        const bool cumulative = of(chosen).ack == ack_mode::client;
        words what(verb);
        what.add(asked).add(chosen.subscription).add(chosen.number).add(cumulative ? 1U : 0U).add(in);
        to_server_.push_back(what.text());
        if (!asked.empty()) receipts_.emplace_back(asked);
        for (message& each : messages_) {
            if (each.number == chosen.number) each.transaction = in;
        }
        if (in.empty()) take_acknowledged(chosen);
    }

    // Whether an ACK of one message is one of the other.
    [[nodiscard]] bool means(const message& one, const message& other) const {
        return one.subscription == other.subscription &&
               (of(one).ack == ack_mode::client ? other.number <= one.number : other.number == one.number);
    }
    [[nodiscard]] bool is_pending(const message& which) const {
        return std::any_of(messages_.begin(), messages_.end(),
                           [&](const message& other) { return !other.transaction.empty() && means(other, which); });
    }
    void take_acknowledged(const message& one) {
        std::erase_if(messages_, [&](const message& each) { return means(one, each); });
    }

    [[nodiscard]] const subscription& of(const message& which) const {
        const auto found = std::find_if(subscriptions_.begin(), subscriptions_.end(),
                                        [&](auto& each) { return each.number == which.subscription; });
        promise(found != subscriptions_.end(), "a message that waits has its subscription");
        return *found;
    }

    void disconnect() {
        was_open_ = client_.is_open();
        const error said = client_.disconnect();
        if (!was_open_) return promise(said == errc::not_open, "one says goodbye once");
        promise(!said, "an open session can be ended");
        to_server_.push_back(words("disconnect").add("disconnect").add("").text());
        receipts_.emplace_back("disconnect");
    }

    void deliver(unsigned which) {
        if (at_server_.empty()) return;
        const subscription to = at_server_[which % at_server_.size()];
        const std::string name = "X-" + code_.text(), value = code_.text(), body = code_.body();
        const stomp::header more[] = {{name, value}};
        deliver(to, {.destination = "/d", .headers = more, .body = bytes_of(std::string_view(body))}, "");
    }

    void deliver(const subscription& to, const stomp::message_frame& what, std::string_view type) {
        const stomp::delivered done = server_.deliver(to.number, what);
        bool possible = server_.is_open();
        words said("message");
        said.add(to.id).add(what.destination).add(type).add(delivered_ + 1).add(what.forwarded);
        for (const stomp::header& each : what.headers) {
            possible = possible && carried(each.value, each.name);
            said.add(each.name).add(each.value);
        }
        promise(!done.error == possible, "what can be said is delivered");
        if (done.error) return;
        promise(done.number == ++delivered_, "messages are counted");
        to_client_.push_back(said.add(text_of(what.body)).text());
        // Of a subscription that the client has ended meanwhile, nothing is acknowledged.
        const bool lives = std::any_of(subscriptions_.begin(), subscriptions_.end(),
                                       [&](auto& each) { return each.number == to.number; });
        if (lives && to.ack != ack_mode::automatic) messages_.push_back({done.number, to.number});
    }

    void refuse() {
        const std::string why = "no:" + code_.text();
        if (!server_.is_open()) return;
        // The client may not have seen the version yet.
        const bool possible = can_carry(server_.version(), "message", why);
        promise(!server_.refuse(why) == possible, "a session can be ended at any time");
        if (possible) why_ = why;
        refused_ = server_.state() == stomp::state::closed;
    }

    program code_;
    Client client_end_;
    Server server_end_;
    typename Client::session_type& client_ = client_end_.session();
    typename Server::session_type& server_ = server_end_.session();
    unsigned habits_;
    sockless::instant now_ = 0;
    std::deque<std::string> to_server_{};
    std::deque<std::string> to_client_{};
    std::deque<std::string> receipts_{};        // that the client has asked for
    std::vector<subscription> subscriptions_{}; // as the client has them
    std::vector<subscription> ended_{};
    std::vector<subscription> at_server_{};
    std::vector<std::string> transactions_{};
    std::vector<message> messages_{}; // that wait for an acknowledgement
    std::vector<message> late_{};     // that have come, of subscriptions that have ended since
    std::string why_{};
    std::uint64_t delivered_ = 0;
    std::uint32_t last_number_ = 0; // of a subscription or transaction
    unsigned last_receipt_ = 0;
    bool was_open_ = false;
    bool disconnected_ = false;
    bool server_ended_ = false;
    bool refused_ = false;
    bool closed_ = false;
    bool over_ = false;
};

/// A conversation whose program is the stream of the input, and whose settings are three bytes: how versions and
/// heart-beats are negotiated, what the programs do by themselves, and what carries the sessions.
inline void converse(input from) {
    constexpr stomp::version_set versions[] = {
        stomp::version_set::all(), {version::v1_1}, {version::v1_0}, {version::v1_0, version::v1_1}};
    constexpr std::uint32_t beats[] = {100, 0, 250};
    stomp::options client, server;
    server.versions = from.one_of(versions);
    const unsigned beat = from.setting();
    client.heart_beat = {beats[beat % 3], beats[beat / 3 % 3]};
    server.heart_beat = {beats[beat / 9 % 3], beats[beat / 27 % 3]};
    const unsigned habits = from.setting();
    if ((habits & 4U) == 0) {
        using client_end = bare<stomp::client_session>;
        using server_end = bare<stomp::server_session>;
        conversation<client_end, server_end>(from.stream(), client_end(client), server_end(server), habits).run();
        return;
    }
    using client_end = stomp::client_over_websocket<ws::client>;
    using server_end = stomp::server_over_websocket<ws::server>;
    const ws::options carrier{.whole_messages = (habits & 8U) != 0};
    const std::size_t most = (habits & 16U) != 0 ? 40 : SIZE_MAX;
    client_end asking(ws::client(ws::entropy(ws::entropy::seed{std::byte{1}}), carrier), client, most);
    promise(!asking.web_socket().request({.host = "h", .target = "/", .subprotocols = stomp::subprotocols}),
            "a client can ask for a WebSocket");
    conversation<client_end, server_end>(from.stream(), static_cast<client_end&&>(asking),
                                         server_end(ws::server(carrier), server, most), habits)
        .run();
}

} // namespace sockless::fuzz
