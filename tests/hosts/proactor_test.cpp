// Endpoints under a proactor: the span that a write has begun with stays as it is while everything else goes on.
// SPDX-License-Identifier: MIT
#include <sockless/ws/deflate/zlib.hpp>

#include "host.hpp"

using namespace sockless;
using namespace sockless::test;

namespace {

// Sizes of every order of magnitude, up to 128 KiB.
std::size_t some(std::mt19937_64& random) {
    return 1 + static_cast<std::size_t>(random()) % (std::size_t{1} << (random() % 18));
}

std::size_t up_to(std::size_t most, std::mt19937_64& random) { return static_cast<std::size_t>(random()) % (most + 1); }

// Texts and binaries, most of them small, some empty, some nearly as large as `largest`.
lines some_messages(std::size_t count, std::size_t largest, std::mt19937_64& random) {
    lines messages;
    for (std::size_t i = 0; i != count; ++i) {
        const std::size_t size = up_to(random() % 4 == 0 ? largest : std::min(largest, std::size_t{2000}), random);
        const bool is_text = random() % 2 == 0;
        std::string message = std::to_string(i) + " ";
        while (message.size() < size) {
            message += is_text ? std::to_string(random() % 1000) : std::string(1, static_cast<char>(random() & 255U));
        }
        message.resize(size);
        messages.push_back(static_cast<std::string&&>(message));
    }
    return messages;
}

// Whether `part` is `whole` without some of its elements.
bool is_subsequence(const lines& part, const lines& whole) {
    auto next = part.begin();
    for (const std::string& each : whole) {
        if (next != part.end() && *next == each) ++next;
    }
    return next == part.end();
}

// Large messages are not shown: the number of the first one that differs says enough.
void check_same(const lines& heard, const lines& said) {
    const auto differs = std::mismatch(heard.begin(), heard.end(), said.begin(), said.end());
    CHECK(differs.first - heard.begin() == static_cast<std::ptrdiff_t>(said.size()));
    CHECK(heard.size() == said.size());
}

// --- speakers: programs that have something to say

template <class Peer>
class websocket_speaker : public websocket_program<Peer> {
  public:
    websocket_speaker(Peer with, lines says)
        : websocket_program<Peer>(static_cast<Peer&&>(with)), messages(static_cast<lines&&>(says)) {}

    lines messages;
    lines pinged{};

    // Sends a message, a piece of one, or a Ping. If there is no room for it, it is tried again later.
    void say(std::mt19937_64& random) {
        if (!this->peer.is_open()) return;
        if (random() % 4 == 0) return ping(random);
        if (next_ == messages.size()) return;
        const std::string& message = messages[next_];
        const auto type =
            is_utf8(bytes_of(std::string_view(message))) ? ws::message_type::text : ws::message_type::binary;
        const cbytes rest = bytes_of(std::string_view(message)).subspan(begun_);
        const bool in_pieces = is_in_pieces_ || random() % 4 == 0;
        const bool is_last = !in_pieces || random() % 2 == 0;
        const cbytes piece = is_last ? rest : rest.first(up_to(rest.size(), random));
        if (const error refused =
                in_pieces ? this->peer.send_piece(type, piece, is_last) : this->peer.send(type, rest)) {
            REQUIRE(refused == ws::errc::no_room);
            return;
        }
        is_in_pieces_ = !is_last;
        begun_ = is_last ? 0 : begun_ + piece.size();
        if (is_last) ++next_;
    }
    [[nodiscard]] bool has_said_all() const { return next_ == messages.size(); }

    // A Close has room at any time.
    [[nodiscard]] bool say_goodbye() {
        REQUIRE_FALSE(this->peer.close());
        return true;
    }

  private:
    void ping(std::mt19937_64& random) {
        std::string payload = std::to_string(pinged.size());
        payload.resize(payload.size() + up_to(100, random), '.');
        if (!this->peer.ping(bytes_of(std::string_view(payload)))) pinged.push_back(payload);
    }

    std::size_t next_ = 0;
    std::size_t begun_ = 0; // of the message that is sent in pieces
    bool is_in_pieces_ = false;
};

// A client says SENDs, each with a receipt, a server MESSAGEs.
template <class Session>
class stomp_speaker : public stomp_program<Session> {
  public:
    stomp_speaker(Session with, lines says)
        : stomp_program<Session>(static_cast<Session&&>(with)), messages(static_cast<lines&&>(says)) {}

    lines messages;
    lines expected_receipts{};

    void say(std::mt19937_64&) {
        if (!this->session.is_open() || has_said_all()) return;
        const cbytes body = bytes_of(std::string_view(messages[next_]));
        error refused{};
        if constexpr (stomp_program<Session>::is_server) {
            if (this->subscription == 0) return;
            refused = this->session.deliver(this->subscription, {.destination = "/all", .body = body}).error;
        } else {
            const std::string receipt = "r" + std::to_string(next_);
            refused = this->session.send({.destination = "/all", .receipt = receipt, .body = body});
            if (!refused) expected_receipts.push_back(receipt);
        }
        REQUIRE((!refused || refused == stomp::errc::no_room));
        if (!refused) ++next_;
    }
    [[nodiscard]] bool has_said_all() const { return next_ == messages.size(); }

    [[nodiscard]] bool say_goodbye() {
        if constexpr (!stomp_program<Session>::is_server) {
            const error refused = this->session.disconnect();
            REQUIRE((!refused || refused == stomp::errc::no_room));
            return !refused;
        }
        return true;
    }

  private:
    std::size_t next_ = 0;
};

// --- the proactor

// Hosts both ends. In each step one of them does one thing, by chance: begin, continue or complete a write, hear,
// speak, look at the clock, give back memory. After each step the span that a write has begun with is still in place.
template <class Server, class Client>
class proactor {
  public:
    proactor(Server server, Client client, std::uint64_t seed)
        : server_{static_cast<Server&&>(server)}, client_{static_cast<Client&&>(client)}, random_(seed) {
        server_.program.tick(now_);
        client_.program.tick(now_);
    }

    [[nodiscard]] Server& server() { return server_.program; }
    [[nodiscard]] Client& client() { return client_.program; }

    template <class Condition>
    void run_until(Condition is_met) {
        for (std::size_t steps = 0; !is_met(); ++steps) {
            REQUIRE(steps < 500'000);
            if (random_() % 2 == 0) {
                act(server_, client_);
            } else {
                act(client_, server_);
            }
            REQUIRE(server_.write.is_in_place(server_.program.output()));
            REQUIRE(client_.write.is_in_place(client_.program.output()));
        }
    }

    void run_until_all_is_said() {
        run_until([this] { return server().has_said_all() && client().has_said_all(); });
        speaks_ = false;
    }
    void run_until_nothing_is_on_its_way() {
        run_until([this] { return is_quiet(server_) && is_quiet(client_); });
    }
    void run_until_both_are_done() {
        run_until([this] {
            end_connection(server_, client_);
            end_connection(client_, server_);
            return server().done() && client().done();
        });
    }

  private:
    template <class Program>
    struct hosted {
        explicit hosted(Program with) : program(static_cast<Program&&>(with)) {}

        Program program;
        write_under_way write{};
        wire out{};
        bool has_finished = false;
    };

    template <class Near, class Far>
    void act(Near& self, Far& other) {
        switch (random_() % 12) {
        case 0:
        case 1:
            if (!self.write.is_begun()) self.write.begin(self.program.output(), some(random_));
            break;
        case 2:
        case 3:
        case 4: self.out.carry(self.write.read(some(random_))); break;
        case 5:
        case 6: self.write.complete(self.program, random_() % 2 == 0); break;
        case 7:
        case 8:
        case 9:
            // This may be before the write is complete: then an answer comes before `sent` was called.
            self.out.deliver(some(random_), [&](bytes piece) { other.program.hear(piece); });
            break;
        case 10:
            if (speaks_) self.program.say(random_);
            break;
        case 11:
            now_ += random_() % 20;
            if (random_() % 2 == 0) {
                self.program.tick(now_);
            } else {
                self.program.release_memory();
            }
            break;
        }
    }

    template <class Hosted>
    [[nodiscard]] static bool is_quiet(const Hosted& each) {
        return each.program.output().empty() && each.out.is_empty();
    }

    // An end that is done ends its side of the TCP connection, behind the last byte.
    template <class Near, class Far>
    static void end_connection(Near& self, Far& other) {
        if (!self.program.done() || !self.out.is_empty() || other.has_finished) return;
        other.has_finished = true;
        other.program.finish();
    }

    hosted<Server> server_;
    hosted<Client> client_;
    std::mt19937_64 random_;
    instant now_ = 0;
    bool speaks_ = true;
};

// Nothing but the end of the conversation ends it; Pings of the endpoint's own come between.
ws::options patient(std::mt19937_64& random) {
    ws::options options{
        .handshake_timeout = never, .close_timeout = never, .ping_interval = 200, .pong_timeout = never};
    options.whole_messages = random() % 2 == 0;
    return options;
}

// Pongs answer Pings in their order; of many some may be left out, but not the latest.
template <class Speaker>
void check_pongs(const Speaker& speaker, bool has_heard_all) {
    lines ponged = speaker.ponged;
    ponged.erase(std::remove(ponged.begin(), ponged.end(), ""), ponged.end()); // to Pings of the endpoint's own
    CHECK(is_subsequence(ponged, speaker.pinged));
    if (has_heard_all && !speaker.pinged.empty()) CHECK(ponged.back() == speaker.pinged.back());
}

template <class Server, class Client>
void talk_by_websocket(Server server, Client client, std::uint64_t seed, std::size_t count, std::size_t largest) {
    std::mt19937_64 random(seed ^ 0x5EEDU);
    REQUIRE_FALSE(client.request({.host = "h", .target = "/"}));
    proactor run(websocket_speaker<Server>(static_cast<Server&&>(server), some_messages(count, largest, random)),
                 websocket_speaker<Client>(static_cast<Client&&>(client), some_messages(count, largest, random)), seed);
    run.run_until_all_is_said();
    const bool hears_all_first = random() % 2 == 0;
    if (hears_all_first) run.run_until_nothing_is_on_its_way();
    const bool has_ended = random() % 2 == 0 ? run.server().say_goodbye() : run.client().say_goodbye();
    CHECK(has_ended);
    run.run_until_both_are_done();

    check_same(run.server().heard, run.client().messages);
    check_same(run.client().heard, run.server().messages);
    check_pongs(run.server(), hears_all_first);
    check_pongs(run.client(), hears_all_first);
    CHECK(run.server().told == lines{"closed 1000 clean none"});
    CHECK(run.client().told == lines{"closed 1000 clean none"});
}

// The checks after the conversation of two sessions, however they are carried.
template <class Proactor>
void end_and_check_sessions(Proactor& run) {
    run.run_until_all_is_said();
    run.run_until([&] {
        return run.client().heard.size() == run.server().messages.size() && !run.client().owes_acknowledgements() &&
               run.client().receipts.size() == run.client().expected_receipts.size();
    });
    run.run_until([&] { return run.client().say_goodbye(); });
    run.run_until_both_are_done();

    check_same(run.server().heard, run.client().messages);
    check_same(run.client().heard, run.server().messages);
    CHECK(run.client().receipts == run.client().expected_receipts);
    CHECK(run.server().session.unacknowledged() == 0);
    CHECK(run.server().told == lines{"disconnect", "closed"});
    CHECK(run.client().told == lines{"closed"});
}

} // namespace

// --- conversations

TEST_CASE("F12: two WebSockets under proactors hear each other, whatever comes between") {
    for (std::uint64_t seed = 0; seed != 20; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random(seed);
        talk_by_websocket(ws::server(patient(random)), ws::client(ws::entropy(seed_of(1)), patient(random)), seed, 12,
                          300'000);
    }
}

TEST_CASE("F12: two WebSockets under proactors, in small memory of the caller's") {
    for (std::uint64_t seed = 0; seed != 60; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random(seed);
        std::array<std::byte, 2048> memory[4];
        talk_by_websocket(
            ws::basic_server(span_buffer<std::byte>(memory[0]), span_buffer<std::byte>(memory[1]), patient(random)),
            ws::basic_client(ws::entropy(seed_of(1)), span_buffer<std::byte>(memory[2]),
                             span_buffer<std::byte>(memory[3]), patient(random)),
            seed, 40, 700);
    }
}

TEST_CASE("F12 D5 D7: two WebSockets that compress, under proactors") {
    for (std::uint64_t seed = 0; seed != 12; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random(seed);
        talk_by_websocket(ws::zlib_server(patient(random)), ws::zlib_client(ws::entropy(seed_of(1)), patient(random)),
                          seed, 12, 100'000);
    }
}

TEST_CASE("S7 S9 S11: two STOMP sessions under proactors hear each other, and every receipt comes") {
    for (std::uint64_t seed = 0; seed != 20; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random(seed);
        const stomp::options options{.heart_beat = {1000, 1000}, .connect_timeout = never, .disconnect_timeout = never};
        stomp::client_session client(options);
        REQUIRE_FALSE(client.connect({.host = "h"}));
        proactor run(stomp_speaker(stomp::server_session(options), some_messages(12, 300'000, random)),
                     stomp_speaker(static_cast<stomp::client_session&&>(client), some_messages(12, 300'000, random)),
                     seed);
        end_and_check_sessions(run);
    }
}

TEST_CASE("S7 S9 S11: two STOMP sessions under proactors, in small memory of the caller's") {
    for (std::uint64_t seed = 0; seed != 60; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random(seed);
        std::array<std::byte, 4096> memory[7];
        const auto part = [&](std::size_t number) { return small_memory(memory[number]); };
        const stomp::options options{.connect_timeout = never, .disconnect_timeout = never};
        stomp::basic_client_session client(part(0), part(1), part(2), options);
        REQUIRE_FALSE(client.connect({.host = "h"}));
        proactor run(stomp_speaker(stomp::basic_server_session(part(3), part(4), part(5), part(6), options),
                                   some_messages(20, 600, random)),
                     stomp_speaker(static_cast<decltype(client)&&>(client), some_messages(20, 600, random)), seed);
        end_and_check_sessions(run);
    }
}

TEST_CASE("W3 W4: two STOMP sessions over two WebSockets under proactors") {
    for (std::uint64_t seed = 0; seed != 20; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random(seed);
        const stomp::options options{.connect_timeout = never, .disconnect_timeout = never};
        const std::size_t most = 100 + some(random);
        using client_side = stomp::client_over_websocket<ws::client>;
        using server_side = stomp::server_over_websocket<ws::server>;
        client_side client(ws::client(ws::entropy(seed_of(1)), patient(random)), options, most);
        REQUIRE_FALSE(client.web_socket().request({.host = "h", .target = "/", .subprotocols = stomp::subprotocols}));
        REQUIRE_FALSE(client.session().connect({.host = "h"}));
        server_side server(ws::server(patient(random)), options, most);
        proactor run(
            stomp_speaker(carried_session(static_cast<server_side&&>(server)), some_messages(12, 100'000, random)),
            stomp_speaker(carried_session(static_cast<client_side&&>(client)), some_messages(12, 100'000, random)),
            seed);
        end_and_check_sessions(run);
        CHECK(run.server().session.carrier_told == lines{"closed 1000 clean none"});
        CHECK(run.client().session.carrier_told == lines{"closed 1000 clean none"});
    }
}

// --- one write, and one thing that happens meanwhile

namespace {

// An endpoint, a write of its output that is under way, and what may happen until that is complete.
template <class Side>
struct meanwhile {
    scripted<typename Side::endpoint> run = opened<Side>({.ping_interval = 1000, .pong_timeout = 1000});
    write_under_way write{};

    meanwhile() {
        run.drains = false;
        run.tick(0);
        REQUIRE_FALSE(run.peer.send_text("the first message"));
        write.begin(run.peer.output());
    }

    void more_is_sent() {
        for (const std::size_t size : {0U, 10U, 1000U, 100'000U, 1'000'000U}) {
            REQUIRE_FALSE(run.peer.send(ws::message_type::binary, buffer(size)));
        }
    }
    void a_message_is_sent_in_pieces() {
        for (int i = 0; i != 1000; ++i) {
            REQUIRE_FALSE(run.peer.send_piece(ws::message_type::binary, buffer(100), i == 999));
        }
    }
    void pings_are_answered() {
        for (int i = 0; i != 20; ++i) run.feed_copy(frame(Side::other, 0x89, std::string(125, 'p')));
    }
    void silence_ends_it() {
        for (instant now = 0; run.log.empty() && now != minute; now += 500) run.tick(now);
        CHECK(run.log == lines{"closed 1006 unclean pong_timeout"});
    }
    void memory_is_given_back() {
        run.peer.release_memory();
        REQUIRE_FALSE(run.peer.send_text("x"));
        run.peer.release_memory();
    }
    void close_is_said() { REQUIRE_FALSE(run.peer.close(1001, "reason")); }
    void close_is_said_and_answered() {
        close_is_said();
        run.feed_copy(close_frame(Side::other, 1000));
    }
    void close_is_said_and_not_answered() {
        close_is_said();
        run.finish();
    }
    void the_peer_says_close() { run.feed_copy(close_frame(Side::other, 1000)); }
    void the_peer_says_close_and_ends_its_side() {
        the_peer_says_close();
        run.finish();
    }
    void the_peer_breaks_a_rule() { run.feed_copy(frame(Side::other, 0xFF)); }
    void the_peer_ends_its_side() { run.finish(); }
};

} // namespace

TEST_CASE_TEMPLATE("output that a write has begun with stays, whatever is sent, received, ticked or released", Side,
                   server_side, client_side) {
    using meanwhile = meanwhile<Side>;
    const struct {
        std::string name;
        void (meanwhile::*happens)();
    } cases[] = {
        {"more is sent", &meanwhile::more_is_sent},
        {"a message is sent in pieces", &meanwhile::a_message_is_sent_in_pieces},
        {"Pings are answered", &meanwhile::pings_are_answered},
        {"silence ends it", &meanwhile::silence_ends_it},
        {"memory is given back", &meanwhile::memory_is_given_back},
        {"Close is said", &meanwhile::close_is_said},
        {"Close is said and answered", &meanwhile::close_is_said_and_answered},
        {"Close is said and not answered", &meanwhile::close_is_said_and_not_answered},
        {"the peer says Close", &meanwhile::the_peer_says_close},
        {"the peer says Close and ends its side", &meanwhile::the_peer_says_close_and_ends_its_side},
        {"the peer breaks a rule", &meanwhile::the_peer_breaks_a_rule},
        {"the peer ends its side", &meanwhile::the_peer_ends_its_side},
    };
    for (const auto& each : cases) {
        CAPTURE(each.name);
        meanwhile play;
        (play.*each.happens)();
        auto& [run, write] = play;
        const bool stays = write.is_as_it_was(run.peer.output());
        CHECK(stays);
        if (!stays) continue;
        // Then the first message leaves in two parts, and what was queued behind it follows.
        buffer left;
        for (const std::size_t part : {std::size_t{7}, SIZE_MAX}) {
            const cbytes data = write.read(part);
            left.insert(left.end(), data.begin(), data.end());
            write.complete(run.peer, true);
        }
        run.drain();
        const auto frames = frames_in(joined(left, run.sent));
        CHECK(frames.at(0).text() == "the first message");
        CHECK(run.peer.output().empty());
    }
}

TEST_CASE_TEMPLATE("output that a write has begun with stays in small memory, which is then used again", Side,
                   server_side, client_side) {
    std::array<std::byte, 512> input{};
    std::array<std::byte, 1000> output{};
    for (std::size_t size = 1; size < 200; size += 9) {
        auto run = opened(Side::make_small(input, output), Side::opening());
        run.drains = false;
        buffer left;
        lines said;
        for (std::size_t round = 0; round != 200; ++round) {
            CAPTURE(size);
            CAPTURE(round);
            write_under_way write;
            write.begin(run.peer.output(), 1 + round * 13 % 90);
            // As many as there is room for.
            for (;;) {
                const std::string text = std::to_string(said.size()) + std::string(size, '.');
                const error refused = run.peer.send_text(text);
                REQUIRE(write.is_as_it_was(run.peer.output()));
                if (refused) break;
                said.push_back(text);
            }
            const cbytes part = write.read();
            left.insert(left.end(), part.begin(), part.end());
            write.complete(run.peer);
        }
        run.drain();
        lines heard;
        for (const seen_frame& each : frames_in(joined(left, run.sent))) heard.emplace_back(each.text());
        CHECK(heard == said);
        CHECK(left.size() > 5 * output.size());
    }
}

TEST_CASE("the answer to a client's request comes before the proactor tells that the request has left") {
    // Both completions wait, and a proactor promises nothing about their order.
    struct {
        std::string name;
        std::string answer;
        const char* log; // the begin of the only line
    } const cases[] = {
        {"it is accepted", upgrade_response(), "open"},
        {"it is refused, with a body", "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", "refused 403"},
        {"it is refused, without one", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "refused 403"},
        {"the answer is no HTTP", "SSH-2.0\r\n\r\n", "closed 1006 unclean"},
        {"there is no answer", "", "closed 1006 unclean"},
    };
    for (const auto& each : cases) {
        CAPTURE(each.name);
        scripted run(client_side::make());
        run.drains = false;
        run.tick(0);
        const std::size_t size = run.peer.output().size();
        write_under_way write;
        write.begin(run.peer.output());
        CHECK(write.read().size() == size);

        run.feed_text(each.answer);
        if (each.answer.empty()) run.finish();
        REQUIRE_FALSE(run.log.empty());
        CHECK(run.log.at(0).substr(0, std::strlen(each.log)) == each.log);
        if (run.peer.is_open()) REQUIRE_FALSE(run.peer.send(ws::message_type::binary, buffer(10'000)));
        run.peer.release_memory();
        const bool stays = write.is_as_it_was(run.peer.output());
        CHECK(stays);
        if (!stays) continue;

        write.complete(run.peer);
        if (run.peer.is_open()) {
            const auto frames = frames_in(run.take_sent());
            REQUIRE(frames.size() == 1);
            CHECK(frames[0].payload.size() == 10'000);
        }
        CHECK(run.peer.output().empty());
    }
}

namespace {

// The same for a session.
template <class Side>
struct meanwhile_in_session {
    scripted_session<typename Side::session> run{
        Side::make({.heart_beat = {1000, 1000}, .disconnect_timeout = 10 * minute})};
    write_under_way write{};

    meanwhile_in_session() {
        run.tick(0);
        run.feed(Side::opening("1.2", "heart-beat:1000,1000\n"));
        run.drains = false;
        run.sent.clear();
        run.log.clear();
        REQUIRE_FALSE(Side::say_something(run.peer));
        write.begin(run.peer.output());
    }

    void more_is_sent() {
        for (int i = 0; i != 1000; ++i) REQUIRE_FALSE(Side::say_something(run.peer));
    }
    void silence_ends_it() {
        for (instant now = 0; run.log.empty() && now != minute; now += 500) run.tick(now);
        CHECK(run.peer.error() == stomp::errc::heart_beat_timeout);
    }
    void memory_is_given_back() { run.peer.release_memory(); }
    void a_frame_comes() { run.feed(Side::frame_with(std::string(1000, 'x'))); }
    void the_client_says_goodbye() {
        if constexpr (Side::own == role::server) {
            run.feed(framed("DISCONNECT\nreceipt:r\n\n"));
        } else {
            REQUIRE_FALSE(run.peer.disconnect());
        }
        run.finish();
    }
    void the_peer_breaks_a_rule() { run.feed("?\n"); }
    void the_peer_ends_its_side() { run.finish(); }
};

} // namespace

TEST_CASE_TEMPLATE("S13: output of a session that a write has begun with stays, whatever happens", Side,
                   stomp_server_side, stomp_client_side) {
    using meanwhile = meanwhile_in_session<Side>;
    const struct {
        std::string name;
        void (meanwhile::*happens)();
    } cases[] = {
        {"more is sent", &meanwhile::more_is_sent},
        {"silence ends it", &meanwhile::silence_ends_it},
        {"memory is given back", &meanwhile::memory_is_given_back},
        {"a frame comes", &meanwhile::a_frame_comes},
        {"the client says goodbye", &meanwhile::the_client_says_goodbye},
        {"the peer breaks a rule", &meanwhile::the_peer_breaks_a_rule},
        {"the peer ends its side", &meanwhile::the_peer_ends_its_side},
    };
    for (const auto& each : cases) {
        CAPTURE(each.name);
        meanwhile play;
        (play.*each.happens)();
        auto& [run, write] = play;
        const bool stays = write.is_as_it_was(run.peer.output());
        CHECK(stays);
        if (!stays) continue;
        std::string left;
        for (const std::size_t part : {std::size_t{7}, SIZE_MAX}) {
            left += text_of(write.read(part));
            write.complete(run.peer, true);
        }
        run.drain();
        CHECK_FALSE(stomp_frames_in(left + run.sent).empty());
        CHECK(run.peer.output().empty());
    }
}
