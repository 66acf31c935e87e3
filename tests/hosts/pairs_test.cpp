// Two ends against each other and against a model, at random: all verbs, short writes, any cuts, a clock, a wire that
// may break. Each message that was taken arrives once, in order; each Ping has its Pong; each end has its reason.
// SPDX-License-Identifier: MIT
//
// The environment says how to run longer: SOCKLESS_SECONDS for each test, SOCKLESS_SEED the first seed.
#include <sockless/ws/deflate/zlib.hpp>

#include "../../fuzz/stomp_conversation.hpp"
#include "host.hpp"

#include <chrono>
#include <cstdlib>
#include <deque>
#include <stdexcept>

using namespace sockless;
using namespace sockless::test;
using fuzz::promise;

namespace {

// --- chance

class chance {
  public:
    explicit chance(std::uint64_t seed) : random_(seed) {}

    /// One of the numbers below `end`.
    std::size_t below(std::size_t end) { return static_cast<std::size_t>(random_() % end); }
    bool one_in(std::size_t count) { return below(count) == 0; }
    template <class T, std::size_t N>
    T one_of(const T (&values)[N]) {
        return values[below(N)];
    }

    /// Mostly small, up to `most`.
    std::size_t size(std::size_t most) {
        const std::size_t bits = below(18);
        return std::min(below((std::size_t{1} << bits) + 1), most);
    }

    std::string text(std::size_t size) {
        constexpr const char* characters[] = {"a",   "Z", " ", "0", "\xC3\x9F", "\xEA\xB0\x80", "\xF0\x9F\x98\x80",
                                              "\x7F"};
        std::string text;
        while (text.size() < size) text += one_of(characters);
        return text;
    }

    std::string octets(std::size_t size) {
        std::string octets(size, '\0');
        for (char& each : octets) each = static_cast<char>(random_() & 255U);
        return octets;
    }

  private:
    std::mt19937_64 random_;
};

/// Calls `run(seed)` for `count` seeds, or as long as the environment says.
template <class Run>
void for_each_seed(std::uint64_t count, Run run) {
    using clock = std::chrono::steady_clock;
    fuzz::on_broken_promise = [](const char* what) { throw std::runtime_error(what); };
    const char* const first = std::getenv("SOCKLESS_SEED");
    const char* const seconds = std::getenv("SOCKLESS_SECONDS");
    const auto until = clock::now() + std::chrono::seconds(seconds == nullptr ? 0 : std::atoi(seconds));
    const std::uint64_t begin = first == nullptr ? 0 : std::strtoull(first, nullptr, 10);
    std::uint64_t seed = begin;
    for (; seconds == nullptr ? seed != begin + count : clock::now() < until; ++seed) {
        CAPTURE(seed);
        run(seed);
    }
    CHECK(seed != begin);
}

// --- WebSockets

struct message {
    ws::message_type type;
    std::string content;
    friend bool operator==(const message&, const message&) = default;
};

/// How a connection ends, as both sides know it.
struct goodbye {
    std::uint16_t code;
    std::string reason;
};

/// One end with its wire to the other one, and the model of it.
template <class Peer>
struct modelled {
    explicit modelled(Peer with) : peer(static_cast<Peer&&>(with)) {}

    Peer peer;
    wire out{};
    bool has_finished = false; // it was told that the input has ended

    bool is_open = false;
    bool has_closed = false;               // it was told so
    std::unique_ptr<goodbye> said{};       // the Close that its program has sent
    std::unique_ptr<message> unfinished{}; // that is sent in pieces

    std::deque<message> on_the_way{};  // that it has sent
    std::deque<std::string> pings{};   // likewise
    std::deque<std::string> answers{}; // likewise, to Pings
    std::deque<std::string> pongs{};   // likewise, unsolicited; an answer that waits for room may be overtaken
    message heard{};                   // so far
};

template <class Server, class Client>
class websocket_pair {
  public:
    /// `has_room`: the memory for output never runs out. `most`: of bytes in a message.
    websocket_pair(Server server, Client client, std::uint64_t seed, bool has_room, std::size_t most)
        : server_(static_cast<Server&&>(server)),
          client_(static_cast<Client&&>(client)),
          chance_(seed),
          most_(most),
          has_room_(has_room) {}

    void run() {
        promise(!client_.peer.request({.host = "h", .target = "/"}), "a client can ask");
        promise(!server_.peer.tick(0) && !client_.peer.tick(0), "nothing is due yet");
        const std::size_t steps = 20 + chance_.below(600);
        for (std::size_t i = 0; i != steps && !is_cut_; ++i) step();
        if (!is_cut_) settle();
        promise(server_.has_closed && client_.has_closed, "both ends are told of the end");
        promise(server_.peer.done() && client_.peer.done(), "and are done");
        promise(is_cut_ || (server_.on_the_way.empty() && client_.on_the_way.empty()), "all that was sent has arrived");
    }

  private:
    void step() {
        if (chance_.one_in(2)) {
            act(server_, client_);
        } else {
            act(client_, server_);
        }
    }

    template <class Near, class Far>
    void act(Near& self, Far& other) {
        switch (chance_.below(20)) {
        case 0:
        case 1:
        case 2: say(self); break;
        case 3:
        case 4: say_piece(self); break;
        case 5: ping(self); break;
        case 6:
            if (chance_.one_in(3)) pong(self);
            break;
        case 7:
            if (chance_.one_in(20)) close(self);
            break;
        case 8:
            if (chance_.one_in(100)) shut_down(self);
            break;
        case 9:
            if (chance_.one_in(300)) cut();
            break;
        case 10:
            now_ += chance_.below(50);
            promise(!self.peer.tick(now_), "nobody is given up in time");
            break;
        case 11: self.peer.release_memory(); break;
        case 12:
        case 13:
        case 14:
        case 15: write(self, 1 + chance_.size(100'000)); break;
        default: read(self, other, 1 + chance_.size(100'000)); break;
        }
    }

    // --- the wire

    template <class Near>
    void write(Near& self, std::size_t most) {
        const cbytes output = self.peer.output();
        const std::size_t size = std::min(most, output.size());
        self.out.carry(output.first(size));
        self.peer.sent(size);
    }

    template <class Near, class Far>
    void read(Near& self, Far& other, std::size_t most) {
        self.out.deliver(most, [&](bytes in) {
            while (const ws::event found = other.peer.next(in)) see(other, self, found);
            promise(in.empty(), "all input is used up");
        });
    }

    // The wire breaks. What is on it is lost.
    void cut() {
        is_cut_ = true;
        finish(server_, client_);
        finish(client_, server_);
        // What is queued leaves into nothing.
        while (!server_.peer.output().empty() || !client_.peer.output().empty()) {
            write(server_, SIZE_MAX);
            write(client_, SIZE_MAX);
        }
        promise(!server_.peer.tick(now_ + hour) && !client_.peer.tick(now_ + hour), "the end is told once");
    }

    template <class Near, class Far>
    void finish(Near& self, Far& other) {
        self.has_finished = true;
        const ws::event found = self.peer.finish();
        promise(static_cast<bool>(found) == !self.has_closed, "the end is told once");
        if (found) see(self, other, found);
    }

    // The last Close is said, and all arrives.
    void settle() {
        for (std::size_t i = 0; !server_.peer.done() || !client_.peer.done(); ++i) {
            promise(i < 100'000, "it comes to an end");
            if (server_.is_open && client_.is_open && i > 50) close(server_);
            write(server_, SIZE_MAX);
            write(client_, SIZE_MAX);
            read(server_, client_, SIZE_MAX);
            read(client_, server_, SIZE_MAX);
            end_connection(server_, client_);
            end_connection(client_, server_);
        }
    }

    template <class Near, class Far>
    void end_connection(Near& self, Far& other) {
        if (self.peer.done() && self.out.is_empty() && !other.has_finished) finish(other, self);
    }

    // --- the events

    template <class Near, class Far>
    void see(Near& self, Far& from, const ws::event& found) {
        promise(!self.has_closed, "nothing follows the end");
        switch (found.kind) {
        case ws::kind::request:
            if constexpr (is_server<decltype(self.peer)>) promise(!self.peer.accept(), "a client can be accepted");
            self.is_open = true;
            break;
        case ws::kind::open: self.is_open = true; break;
        case ws::kind::message:
        case ws::kind::piece:
            if (found.first) self.heard = {found.type, {}};
            self.heard.content += found.text();
            promise(self.heard.type == found.type, "a message has one type");
            if (found.last) arrive(from.on_the_way, std::exchange(self.heard, {}));
            break;
        case ws::kind::ping:
            // Only a connection that is open answers. With little room the answer may be left out for a later one.
            arrive(from.pings, std::string(found.text()));
            if (self.peer.is_open()) self.answers.emplace_back(found.text());
            break;
        case ws::kind::pong:
            if (found.text().starts_with('u')) {
                arrive(from.pongs, std::string(found.text()));
                break;
            }
            while (!has_room_ && !from.answers.empty() && from.answers.front() != found.text())
                from.answers.pop_front();
            arrive(from.answers, std::string(found.text()));
            break;
        case ws::kind::closed: see_end(self, from, found); break;
        default: promise(false, "no other event comes"); break;
        }
    }

    template <class T>
    static void arrive(std::deque<T>& expected, const T& found) {
        promise(!expected.empty() && expected.front() == found, "what arrives is what was sent, in order");
        expected.pop_front();
    }

    template <class Near, class Far>
    void see_end(Near& self, Far& from, const ws::event& found) {
        self.has_closed = true;
        self.is_open = false;
        promise(self.peer.state() == ws::state::closed && !self.peer.is_open(), "it knows that it is closed");
        promise(self.peer.close_code() == found.code && self.peer.was_clean() == found.clean &&
                    self.peer.close_reason() == found.text() && self.peer.error() == found.error,
                "the end stays readable");
        if (self.has_finished) {
            promise(found.code == 1006 && !found.clean && found.error == ws::errc::end_of_input,
                    "a cut is told as one");
            return;
        }
        promise(from.on_the_way.empty(), "all messages come before the end");
        promise(from.pongs.empty() && (!has_room_ || from.answers.empty()), "all Pongs come before the end");
        promise(found.clean && !found.error, "Close was said on both sides");
        // The other side has said goodbye by itself, or with the code of the one that it has heard.
        promise(from.said || self.said, "one of the sides has said Close");
        promise(found.code == (from.said ? from.said->code : self.said->code), "a Close has the right code");
        promise(found.text() == (from.said ? from.said->reason : ""), "a Close has the right reason");
    }

    // --- the verbs

    // Judges the result of a verb; true if something was queued.
    template <class Near>
    bool judge(const Near& self, error refused, ws::errc expected, std::size_t waited) {
        if (!has_room_ && expected == ws::errc::none && refused == ws::errc::no_room) {
            promise(self.peer.waiting() == waited, "what has no room is not there in part");
            return false;
        }
        promise(expected == ws::errc::none ? !refused : refused == expected, "a verb is refused for its reason");
        promise(!refused || self.peer.waiting() == waited, "what is refused is not queued");
        return !refused;
    }

    message some_message() {
        const std::size_t size = chance_.size(most_);
        const bool is_text = chance_.one_in(2);
        message next{is_text ? ws::message_type::text : ws::message_type::binary,
                     is_text ? chance_.text(size) : chance_.octets(size)};
        if (is_text && chance_.one_in(20)) next.content += "\xE2\x82";
        return next;
    }

    ws::compressed some_wish() {
        constexpr ws::compressed wishes[] = {ws::compressed::automatic, ws::compressed::always, ws::compressed::never};
        return chance_.one_of(wishes);
    }

    // Whether the text can stand, so far or as a whole.
    static bool is_text(std::string_view text, bool is_whole) {
        bool complete = false;
        return fuzz::valid_utf8(bytes_of(text), complete) == text.size() && (complete || !is_whole);
    }

    template <class Near>
    void say(Near& self) {
        message next = some_message();
        const bool is_right = next.type == ws::message_type::binary || is_text(next.content, true);
        const auto expected = !self.is_open     ? ws::errc::not_open
                              : self.unfinished ? ws::errc::message_open
                              : !is_right       ? ws::errc::payload_not_utf8
                                                : ws::errc::none;
        const std::size_t waited = self.peer.waiting();
        if (judge(self, self.peer.send(next.type, next.content, some_wish()), expected, waited)) {
            self.on_the_way.push_back(static_cast<message&&>(next));
        }
    }

    template <class Near>
    void say_piece(Near& self) {
        message piece = some_message();
        if (self.unfinished && !chance_.one_in(10)) piece.type = self.unfinished->type;
        const bool is_last = chance_.one_in(3);
        // A character may be cut, and go on in the next piece.
        if (!is_last && chance_.one_in(3) && !piece.content.empty()) piece.content.pop_back();
        const std::string before = self.unfinished ? self.unfinished->content : std::string();
        const bool is_right = piece.type == ws::message_type::binary || is_text(before + piece.content, is_last);
        const auto expected = !self.is_open                                            ? ws::errc::not_open
                              : self.unfinished && self.unfinished->type != piece.type ? ws::errc::message_open
                              : !is_right                                              ? ws::errc::payload_not_utf8
                                                                                       : ws::errc::none;
        if (before.size() + piece.content.size() > most_ && expected == ws::errc::none) return;
        const std::size_t waited = self.peer.waiting();
        if (!judge(self, self.peer.send_piece(piece.type, piece.content, is_last, some_wish()), expected, waited))
            return;
        piece.content = before + piece.content;
        if (is_last) {
            self.on_the_way.push_back(static_cast<message&&>(piece));
            self.unfinished.reset();
        } else {
            self.unfinished = std::make_unique<message>(static_cast<message&&>(piece));
        }
    }

    template <class Near>
    void ping(Near& self) {
        // So few that all are answered.
        if (self.pings.size() >= 30) return;
        const std::string payload = "p" + chance_.octets(chance_.one_in(20) ? 125 : chance_.below(20));
        const auto expected = !self.is_open          ? ws::errc::not_open
                              : payload.size() > 125 ? ws::errc::control_frame_too_long
                                                     : ws::errc::none;
        const std::size_t waited = self.peer.waiting();
        if (judge(self, self.peer.ping(payload), expected, waited)) self.pings.push_back(payload);
    }

    template <class Near>
    void pong(Near& self) {
        const std::string payload = "u" + std::to_string(++count_);
        const std::size_t waited = self.peer.waiting();
        const auto expected = self.is_open ? ws::errc::none : ws::errc::not_open;
        if (judge(self, self.peer.pong(payload), expected, waited)) self.pongs.push_back(payload);
    }

    template <class Near>
    void close(Near& self) {
        constexpr std::uint16_t codes[] = {1000, 1001, 1003, 1009, 1014, 3000, 4999};
        constexpr std::uint16_t bad_codes[] = {0, 999, 1004, 1006, 1015, 1016, 2999, 5000};
        goodbye next{chance_.one_of(codes), chance_.text(chance_.below(100))};
        ws::errc expected = ws::errc::none;
        switch (chance_.below(8)) {
        case 0:
            next.code = chance_.one_of(bad_codes);
            expected = ws::errc::close_code_not_sendable;
            break;
        case 1:
            next.reason += std::string(124, 'x');
            expected = ws::errc::close_reason_too_long;
            break;
        case 2:
            next.reason += "\xFF";
            expected = ws::errc::payload_not_utf8;
            break;
        case 3: next = {1005, ""}; break;
        default: break;
        }
        if (!self.is_open) expected = ws::errc::not_open;
        const error refused = self.peer.close(next.code, next.reason);
        promise(expected == ws::errc::none ? !refused : refused == expected, "Close always has room");
        if (refused) return;
        self.said = std::make_unique<goodbye>(static_cast<goodbye&&>(next));
        self.is_open = false;
        self.unfinished.reset();
    }

    template <class Near>
    void shut_down(Near& self) {
        // Before it is open that would be a refusal.
        if (self.peer.state() == ws::state::opening) return;
        const std::size_t waited = self.peer.waiting();
        self.peer.shut_down();
        promise(self.is_open || self.peer.waiting() == waited, "an end that has said Close says no more");
        if (self.is_open) self.said = std::make_unique<goodbye>(goodbye{1001, ""});
        self.is_open = false;
        self.unfinished.reset();
    }

    modelled<Server> server_;
    modelled<Client> client_;
    chance chance_;
    std::size_t most_;
    std::size_t count_ = 0;
    instant now_ = 0;
    bool has_room_;
    bool is_cut_ = false;
};

ws::options some_options(chance& with) {
    ws::options options{.handshake_timeout = never, .close_timeout = never};
    options.whole_messages = with.one_in(2);
    return options;
}

ws::entropy some_keys(std::uint64_t seed) { return ws::entropy(seed_of(static_cast<unsigned>(seed))); }

} // namespace

TEST_CASE("F10 F12 C4 C5: two WebSockets do what the model of them does") {
    for_each_seed(150, [](std::uint64_t seed) {
        chance with(seed);
        websocket_pair(ws::server(some_options(with)), ws::client(some_keys(seed), some_options(with)), seed, true,
                       80'000)
            .run();
    });
}

TEST_CASE("D5 D8 D10: two WebSockets that compress do what the model of them does") {
    for_each_seed(60, [](std::uint64_t seed) {
        chance with(seed);
        const auto compression = [&with] {
            ws::deflate_policy policy{.threshold = with.below(100), .threshold_without_takeover = with.below(100)};
            policy.wanted.server_no_context_takeover = with.one_in(3);
            policy.wanted.client_no_context_takeover = with.one_in(3);
            if (with.one_in(2)) policy.wanted.server_max_window_bits = static_cast<std::uint8_t>(9 + with.below(7));
            if (with.one_in(2)) policy.wanted.client_max_window_bits = static_cast<std::uint8_t>(9 + with.below(7));
            return ws::zlib_compression(policy);
        };
        websocket_pair(ws::zlib_server(some_options(with), compression()),
                       ws::zlib_client(some_keys(seed), some_options(with), compression()), seed, true, 80'000)
            .run();
    });
}

TEST_CASE("F10 C4: two WebSockets in small memory of the caller's do what the model of them does") {
    for_each_seed(200, [](std::uint64_t seed) {
        chance with(seed);
        std::array<std::byte, 2048> memory[4];
        const auto part = [&](std::size_t number) { return span_buffer<std::byte>(memory[number]); };
        websocket_pair(ws::basic_server(part(0), part(1), some_options(with)),
                       ws::basic_client(some_keys(seed), part(2), part(3), some_options(with)), seed, false, 700)
            .run();
    });
}

TEST_CASE("S7 S8 S9 S10 S11 W3 W4: two STOMP sessions, bare and over WebSockets, do what the model of them does") {
    for_each_seed(1000, [](std::uint64_t seed) {
        chance with(seed);
        // A byte of a verb, and those that it takes. Both ends of a session are rare.
        std::string program = with.octets(with.below(3000));
        program += with.octets(3);
        fuzz::converse(fuzz::input(reinterpret_cast<const std::uint8_t*>(program.data()), program.size(), 3));
    });
}
