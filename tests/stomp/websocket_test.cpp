// STOMP over WebSocket: what a session has to send as messages, and the whole way between two sessions and back.
// SPDX-License-Identifier: MIT
#include <sockless/stomp/websocket.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <initializer_list>

#include "../support/allocations.hpp"
#include "scripted.hpp"

using namespace sockless;
using namespace sockless::test;
using lines = std::vector<std::string>;

namespace {

const std::string korean = "\xEC\x95\x88\xEB\x85\x95\xED\x95\x98\xEC\x84\xB8\xEC\x9A\x94"; // five syllables
const std::string emoji = "\xF0\x9F\x91\x8B\xF0\x9F\x8C\x8D";                              // two of four bytes each

// An endpoint that writes down what it was given; `room` bytes of it, and then it says `no_room`.
struct recorder {
    struct message {
        ws::message_type type;
        std::string text;

        friend bool operator==(const message&, const message&) = default;
    };

    error send(ws::message_type type, cbytes payload) {
        if (payload.size() > room) return ws::errc::no_room;
        room -= payload.size();
        messages.push_back({type, std::string(text_of(payload))});
        return {};
    }

    std::size_t room = SIZE_MAX;
    std::vector<message> messages{};
};

// A session that is only an output.
struct written_output {
    [[nodiscard]] cbytes output() const { return bytes_of(std::string_view(text)); }
    void sent(std::size_t size) { text.erase(0, size); }

    std::string text{};
};

constexpr ws::message_type text = ws::message_type::text;
constexpr ws::message_type binary = ws::message_type::binary;

std::string joined_text(const recorder& to) {
    std::string all;
    for (const recorder::message& each : to.messages) all += each.text;
    return all;
}

} // namespace

// --- W1

TEST_CASE("W1: a server chooses the best of the subprotocols that are offered") {
    struct {
        const char* offered;
        const char* chosen;
    } const cases[] = {{"v10.stomp, v11.stomp, v12.stomp", "v12.stomp"},
                       {"v10.stomp, v11.stomp", "v11.stomp"},
                       {"v10.stomp", "v10.stomp"},
                       {"chat, v11.stomp, V12.stomp, v13.stomp", "v11.stomp"},
                       {"V12.STOMP, v12.stomp2, stomp", ""},
                       {"chat", ""}};
    for (const auto& each : cases) {
        const field fields[] = {{"Sec-WebSocket-Protocol", each.offered}};
        CHECK(ws::choose_subprotocol(stomp::subprotocols, fields) == each.chosen);
    }
    for (const std::string_view each : stomp::subprotocols) CHECK(stomp::is_stomp(each));
    for (const std::string_view each : {"", "stomp", "V12.stomp", "v12.stomp ", "v13.stomp", "v1.stomp"}) {
        CHECK_FALSE(stomp::is_stomp(each));
    }
}

// --- W2

TEST_CASE("W2: a frame goes out as text, or as binary where it is not UTF-8") {
    struct {
        std::string body;
        ws::message_type type;
    } const cases[] = {{"plain", text},         {std::string("a\0b", 3), text}, {korean + emoji, text},
                       {"\xFF", binary},        {korean.substr(0, 2), binary},  {emoji.substr(1), binary},
                       {"\xED\xA0\x80", binary}};
    for (const auto& each : cases) {
        auto run = connected_run<stomp_client_side>();
        REQUIRE_FALSE(run.peer.send({.destination = "/a", .body = bytes_of(each.body)}));
        const std::string frame(text_of(run.peer.output()));
        recorder to;
        stomp::websocket_output output;
        CHECK_FALSE(output.pass(run.peer, to));
        CHECK(to.messages == std::vector<recorder::message>{{each.type, frame}});
        CHECK(run.peer.output().empty());
    }
    // A header that is not UTF-8 is seen too.
    auto run = connected_run<stomp_client_side>("1.1");
    REQUIRE_FALSE(run.peer.send({.destination = "/\xFF"}));
    recorder to;
    stomp::websocket_output output;
    CHECK_FALSE(output.pass(run.peer, to));
    CHECK(to.messages.at(0).type == binary);
}

TEST_CASE("W2 W3: each frame and each heart-beat is a message of its own, and of its own type") {
    written_output from{
        "\n\n" +
        framed("SEND\ndestination:/a\n\nshort", "SEND\ncontent-length:4\n\na" + std::string(1, '\0') + "b\xFF") + "\n" +
        framed("SEND\ndestination:/\\ccontent-length\\c9\nx-content-length:1\n\nbody", "BEGIN\n\n",
               "SEND\ncontent-length:0\n\n")};
    const std::string all = from.text;
    recorder to;
    stomp::websocket_output output;
    CHECK_FALSE(output.pass(from, to));
    CHECK(from.text.empty());
    CHECK(joined_text(to) == all);
    lines messages;
    for (const recorder::message& each : to.messages) messages.push_back((each.type == text ? "t " : "b ") + each.text);
    const std::string nul(1, '\0');
    CHECK(messages == lines{"t \n", "t \n", "t SEND\ndestination:/a\n\nshort" + nul,
                            "b SEND\ncontent-length:4\n\na" + nul + "b\xFF" + nul, "t \n",
                            "t SEND\ndestination:/\\ccontent-length\\c9\nx-content-length:1\n\nbody" + nul,
                            "t BEGIN\n\n" + nul, "t SEND\ncontent-length:0\n\n" + nul});
}

TEST_CASE("W3: a session's frames of every kind are cut where they end") {
    auto run = connected_run<stomp_client_side>("1.2", {.heart_beat = {1, 0}});
    stomp::client_session& peer = run.peer;
    REQUIRE_FALSE(peer.subscribe({.id = "1", .destination = "/a:\n"}));
    REQUIRE_FALSE(peer.send({.destination = "/a", .body = bytes_of("a\0b\n\nc", 6)}));
    REQUIRE_FALSE(peer.send({.destination = "/a", .body = bytes_of("x"), .length = stomp::content_length::omitted}));
    REQUIRE_FALSE(peer.begin("t"));
    REQUIRE_FALSE(peer.disconnect());
    recorder to;
    stomp::websocket_output output;
    REQUIRE_FALSE(output.pass(peer, to));
    REQUIRE(to.messages.size() == 5);
    for (const recorder::message& each : to.messages) {
        CHECK(each.text.back() == '\0');
        CHECK(stomp_frames_in(each.text).size() == 1);
    }
}

// --- W4

TEST_CASE("W4: a large frame is cut between characters, into messages that are nearly full") {
    for (std::size_t most = 4; most <= 20; ++most) {
        for (const std::string& body : {korean + emoji + "abc" + emoji + korean, emoji + emoji + emoji, "a" + korean,
                                        std::string(50, 'x'), emoji + "\xC3\xA9\xC3\xA9\xC3\xA9z" + korean}) {
            for (const bool is_text : {true, false}) {
                CAPTURE(most);
                CAPTURE(body);
                written_output from{framed("SEND\ndestination:/" + korean + "\n\n" + body + (is_text ? "" : "\xFF")) +
                                    "\n" + framed("BEGIN\ntransaction:t\n\n")};
                const std::string all = from.text;
                recorder to;
                stomp::websocket_output output(most);
                CHECK_FALSE(output.pass(from, to));
                CHECK(joined_text(to) == all);
                bool ends_frame = false;
                for (std::size_t i = 0; i != to.messages.size(); ++i) {
                    const recorder::message& each = to.messages[i];
                    ends_frame = each.text.back() == '\0' || each.text == "\n";
                    REQUIRE(each.text.size() <= most);
                    if (each.type == text) REQUIRE(sockless::is_utf8(bytes_of(each.text)));
                    // A character more would be too long; binary is cut anywhere.
                    if (!ends_frame) REQUIRE(each.text.size() + (each.type == text ? 3 : 0) >= most);
                    if (!is_text && each.text.find("\xFF") != std::string::npos) CHECK(each.type == binary);
                }
                CHECK(ends_frame);
                CHECK(to.messages.back().type == text);
                CHECK(to.messages.front().type == (is_text ? text : binary));
            }
        }
    }
}

TEST_CASE("W4: a limit below one character is one character") {
    for (const std::size_t most : {std::size_t{0}, std::size_t{1}, std::size_t{3}}) {
        written_output from{framed("SEND\n\n" + emoji)};
        const std::string all = from.text;
        recorder to;
        stomp::websocket_output output(most);
        CHECK_FALSE(output.pass(from, to));
        CHECK(joined_text(to) == all);
        for (const recorder::message& each : to.messages) CHECK(each.text.size() <= 4);
    }
}

TEST_CASE("what has no room now goes on later, at the place where it stopped and with its type") {
    for (std::size_t most : {std::size_t{4}, std::size_t{7}, std::size_t{1000}}) {
        written_output from{framed("SEND\n\n" + korean + emoji, "SEND\n\n\xFF" + korean) + "\n" +
                            framed("SEND\n\nlast")};
        written_output again = from;
        recorder at_once, in_steps;
        stomp::websocket_output whole(most), stepwise(most);
        REQUIRE_FALSE(whole.pass(again, at_once));
        in_steps.room = 0;
        std::size_t refused = 0;
        while (const error said = stepwise.pass(from, in_steps)) {
            REQUIRE(said == ws::errc::no_room);
            // Meanwhile more is queued behind it.
            if (refused == 3) from.text += "\n";
            REQUIRE(++refused < 1000);
            in_steps.room += 1;
        }
        CHECK(refused > 3);
        CHECK(in_steps.messages.size() == at_once.messages.size() + 1);
        in_steps.messages.pop_back();
        CHECK(in_steps.messages == at_once.messages);
    }
}

// --- the whole way

namespace {

// One end: a WebSocket, the session on it, and the loop that joins them, as a caller would write it.
template <class Peer, class Session>
class carried {
  public:
    using event = decltype(std::declval<Session&>().tick(0));

    carried(Peer&& made, Session&& with, std::size_t most = 65536)
        : peer(static_cast<Peer&&>(made)), session(static_cast<Session&&>(with)), output(most) {}

    void feed(bytes in) {
        while (const ws::event found = peer.next(in)) {
            if constexpr (is_server<Peer>) {
                if (found.kind == ws::kind::request) {
                    chosen = ws::choose_subprotocol(stomp::subprotocols, peer.head().fields);
                    REQUIRE_FALSE(peer.accept({.subprotocol = chosen}));
                }
            } else {
                if (found.kind == ws::kind::open) {
                    chosen = peer.subprotocol();
                    REQUIRE_FALSE(session.connect({.host = "h"}));
                }
            }
            if (found.kind == ws::kind::closed) {
                ended = found.clean;
                note(session.finish());
            }
            if (found.kind == ws::kind::message || found.kind == ws::kind::piece) {
                bytes payload = found.payload;
                while (const auto frame = session.next(payload)) note(frame);
            }
            flush();
        }
        flush();
    }

    void flush() {
        if (!peer.is_open()) return;
        const error said = output.pass(session, peer);
        REQUIRE((!said || said == ws::errc::no_room));
        if (session.done() && !said) REQUIRE_FALSE(peer.close(ws::close_code::normal));
    }

    Peer peer;
    Session session;
    stomp::websocket_output output;
    std::function<void(Session&, const event&)> react{};
    lines log{};
    std::string chosen{};
    bool ended = false;

  private:
    void note(const event& found) {
        if (!found) return;
        log.push_back(line_of(session, found));
        if (react) react(session, found);
    }
};

using carried_server = carried<ws::server, stomp::server_session>;
using carried_client = carried<ws::client, stomp::client_session>;

template <class From, class To>
bool carry(From& from, To& to, std::mt19937_64& random, bool whole) {
    const std::size_t size = from.peer.output().size();
    if (size == 0) return false;
    const std::size_t taken =
        whole ? size : std::min(size, 1 + static_cast<std::size_t>(random()) % (random() % 2 ? 9 : 5000));
    const cbytes out = from.peer.output().first(taken);
    buffer piece(out.begin(), out.end());
    from.peer.sent(taken);
    to.feed(piece);
    from.flush();
    return true;
}

void converse(carried_client& client, carried_server& server, std::mt19937_64& random, bool whole) {
    client.flush();
    server.flush();
    for (bool busy = true; busy;) {
        busy = carry(client, server, random, whole);
        busy = carry(server, client, random, whole) || busy;
    }
}

carried_client make_client(std::vector<std::string_view> subprotocols, const ws::options& how, std::size_t most,
                           stomp::version_set versions = stomp::version_set::all()) {
    carried_client made(ws::client(ws::entropy(seed_of(1)), how), stomp::client_session({.versions = versions}), most);
    REQUIRE_FALSE(made.peer.request({.host = "h", .target = "/stomp", .subprotocols = subprotocols}));
    return made;
}

carried_server make_server(const ws::options& how, std::size_t most) {
    carried_server made(ws::server(how), stomp::server_session(), most);
    made.react = [](stomp::server_session& peer, const stomp::server_event& event) {
        if (event.kind == stomp::server_kind::connect) REQUIRE_FALSE(peer.accept());
        if (event.kind != stomp::server_kind::send) return;
        REQUIRE_FALSE(
            peer.deliver(1, {.destination = event.destination, .forwarded = event.headers, .body = event.body}).error);
    };
    return made;
}

} // namespace

TEST_CASE("W1: the CONNECT frame decides the version, whatever the subprotocol says") {
    const std::vector<std::vector<std::string_view>> offers = {
        {"v12.stomp"}, {"v11.stomp"}, {"v10.stomp"}, {"v10.stomp", "v11.stomp", "v12.stomp"}};
    for (const std::vector<std::string_view>& offered : offers) {
        for (const stomp::version spoken : {stomp::version::v1_0, stomp::version::v1_1, stomp::version::v1_2}) {
            std::mt19937_64 random(1);
            carried_client client = make_client(offered, {}, 65536, {spoken});
            carried_server server = make_server({}, 65536);
            converse(client, server, random, true);
            CHECK(client.chosen == offered.back());
            CHECK(server.chosen == client.chosen);
            CHECK(client.session.version() == spoken);
            CHECK(server.session.version() == spoken);
        }
    }
}

TEST_CASE("W1 W2 W3 W4: two sessions talk over two WebSockets, in messages of any size and at any cuts") {
    const std::string bodies[] = {"",
                                  "short",
                                  std::string("a\0b\n", 4),
                                  korean + emoji,
                                  "\xFF\xFE",
                                  std::string(70'000, 'x') + korean,
                                  std::string(5000, '\xFF')};
    for (const std::size_t most : {std::size_t{4}, std::size_t{13}, std::size_t{1000}, std::size_t{65536}}) {
        for (const bool whole_messages : {true, false}) {
            for (std::uint64_t seed = 0; seed != 3; ++seed) {
                CAPTURE(most);
                CAPTURE(whole_messages);
                CAPTURE(seed);
                std::mt19937_64 random(seed);
                const bool small = most < 100;
                const ws::options how{.whole_messages = whole_messages};
                carried_client client = make_client({"v12.stomp"}, how, most);
                carried_server server = make_server(how, most);
                lines heard, said;
                client.react = [&](stomp::client_session& peer, const stomp::client_event& event) {
                    if (event.kind != stomp::client_kind::message) return;
                    heard.emplace_back(event.text());
                    REQUIRE_FALSE(peer.ack(event));
                };
                converse(client, server, random, seed == 0);
                REQUIRE(client.session.is_open());
                REQUIRE_FALSE(client.session.subscribe(
                    {.id = "1", .destination = "/a", .ack = stomp::ack_mode::client_individual, .receipt = "s"}));
                for (const std::string& body : bodies) {
                    if (small && body.size() > 1000) continue;
                    REQUIRE_FALSE(client.session.send({.destination = "/a", .body = bytes_of(body)}));
                    said.push_back(body);
                    if (random() % 2 == 0) converse(client, server, random, seed == 0);
                }
                converse(client, server, random, seed == 0);
                CHECK(heard == said);
                CHECK(server.session.unacknowledged() == 0);
                REQUIRE_FALSE(client.session.disconnect());
                converse(client, server, random, seed == 0);
                CHECK(client.log.back() == "closed receipt-id=disconnect");
                CHECK(server.log.back() == "closed");
                CHECK(client.ended);
                CHECK(server.ended);
            }
        }
    }
}

TEST_CASE("W3: the boundaries of messages and frames mean nothing") {
    const std::string stream = connect_text() + "\n" + framed("SUBSCRIBE\nid:1\ndestination:/a\nreceipt:1\n\n") +
                               "\n\r\n" +
                               framed("SEND\ndestination:/a\ncontent-length:3\n\na" + std::string(1, '\0') + "b",
                                      "SEND\ndestination:/a\n\n" + korean, "DISCONNECT\nreceipt:2\n\n");
    lines expected;
    std::mt19937_64 random(7);
    for (int round = 0; round != 200; ++round) {
        // One message with all of it, one message a byte, a fragment a byte, and anything between.
        buffer wire = bytes_from(upgrade_request());
        bool in_message = false;
        for (std::size_t at = 0; at != stream.size();) {
            const std::size_t most = round == 0  ? stream.size()
                                     : round < 3 ? 1
                                                 : 1 + static_cast<std::size_t>(random() % 40);
            const std::size_t size = std::min(most, stream.size() - at);
            const std::string_view part = std::string_view(stream).substr(at, size);
            at += size;
            const bool last = at == stream.size() || (round == 2 ? false : random() % 3 != 0);
            wire = joined(wire, frame(role::client, (last ? 0x80U : 0U) | (in_message ? 0U : 2U), part));
            in_message = !last;
            if (random() % 10 == 0) wire = joined(wire, frame(role::client, 0x89, "ping"));
            if (!in_message && random() % 10 == 0) wire = joined(wire, frame(role::client, 0x82, ""));
        }
        carried_server server = make_server({.whole_messages = round % 2 == 0}, 65536);
        for (std::size_t at = 0; at != wire.size();) {
            const std::size_t size = std::min(wire.size() - at, 1 + static_cast<std::size_t>(random() % 60));
            buffer piece(wire.begin() + static_cast<std::ptrdiff_t>(at),
                         wire.begin() + static_cast<std::ptrdiff_t>(at + size));
            server.feed(piece);
            at += size;
        }
        if (round == 0) {
            expected = server.log;
            CHECK(expected.size() == 8);
            CHECK(expected.back() == "disconnect receipt=2");
        }
        CAPTURE(round);
        REQUIRE(server.log == expected);
    }
}

TEST_CASE("W3: a frame that comes whole in a message is seen where it lies, and nothing is copied") {
    for (const bool whole_messages : {true, false}) {
        carried_server server = make_server({.whole_messages = whole_messages}, 65536);
        server.react = [](stomp::server_session& peer, const stomp::server_event& event) {
            if (event.kind == stomp::server_kind::connect) REQUIRE_FALSE(peer.accept());
        };
        buffer opening = joined(upgrade_request(), frame(role::client, 0x81, connect_text()));
        server.feed(opening);
        const std::string one = framed("SEND\ndestination:/a\nx:\\c\n\n" + std::string(3000, 'b'));
        const buffer wire = frame(role::client, 0x81, one + one + one);
        buffer input = wire;
        bytes in = input;
        const std::size_t held = allocations();
        std::size_t events = 0;
        while (const ws::event event = server.peer.next(in)) {
            bytes payload = event.payload;
            while (const stomp::server_event each = server.session.next(payload)) {
                ++events;
                const std::byte* const begin = input.data();
                REQUIRE(each.body.data() >= begin);
                REQUIRE(each.body.data() + each.body.size() <= begin + input.size());
                REQUIRE(each.body.size() == 3000);
            }
        }
        CHECK(events == 3);
        CHECK(allocations() == held);
    }
}
