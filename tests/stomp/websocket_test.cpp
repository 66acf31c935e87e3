// STOMP over WebSocket: what a session says as messages, what comes in them, and how both end.
// SPDX-License-Identifier: MIT
#include <sockless/stomp/websocket.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <initializer_list>

#include <sockless/ws/deflate/zlib.hpp>

#include "../support/allocations.hpp"
#include "carried.hpp"

using namespace sockless;
using namespace sockless::test;
using lines = std::vector<std::string>;
using stomp::errc;

namespace {

using server = stomp::server_over_websocket<ws::server>;
using client = stomp::client_over_websocket<ws::client>;
using carried_server = scripted_connection<server>;
using carried_client = scripted_connection<client>;

const std::string korean = "\xEC\x95\x88\xEB\x85\x95\xED\x95\x98\xEC\x84\xB8\xEC\x9A\x94"; // five syllables
const std::string emoji = "\xF0\x9F\x91\x8B\xF0\x9F\x8C\x8D";                              // two of four bytes each
const std::string nul(1, '\0');

constexpr ws::options pieces{.whole_messages = false};

// A client whose WebSocket and session are open, with nothing in its output and its log.
carried_client open_client(const stomp::options& settings = {}, std::size_t most = SIZE_MAX,
                           std::string_view version = "1.2", std::string_view more = {}) {
    carried_client run(client(ws::client(ws::already_open{}, sample_keys(), pieces), settings, most));
    REQUIRE_FALSE(run.peer.session().connect({.host = "h"}));
    static_cast<void>(run.take_sent());
    run.feed(messages_from(role::server, connected_text(version, more)));
    REQUIRE(run.peer.session().is_open());
    static_cast<void>(run.take_log());
    return run;
}

carried_server open_server(const stomp::options& settings = {}, std::size_t most = SIZE_MAX,
                           const ws::options& web = pieces, std::string_view more = {}) {
    carried_server run(server(ws::server(ws::already_open{}, web), settings, most));
    run.feed(messages_from(role::client, connect_text("1.2", more)));
    REQUIRE(run.peer.session().is_open());
    static_cast<void>(run.take_sent());
    static_cast<void>(run.take_log());
    return run;
}

buffer subscribe_message(std::string_view more = {}) {
    return messages_from(role::client, framed("SUBSCRIBE\nid:1\ndestination:/a\n" + std::string(more) + "\n"));
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

// --- W2, W3: what goes out

TEST_CASE("W2: a frame goes out as text, or as binary if it is not UTF-8") {
    struct {
        std::string body;
        char type;
    } const cases[] = {{"plain", 't'},       {std::string("a\0b", 3), 't'}, {korean + emoji, 't'},
                       {"\xFF", 'b'},        {korean.substr(0, 2), 'b'},    {emoji.substr(1), 'b'},
                       {"\xED\xA0\x80", 'b'}};
    for (const auto& each : cases) {
        carried_client run = open_client();
        REQUIRE_FALSE(run.peer.session().send({.destination = "/a", .body = bytes_of(each.body)}));
        CHECK(run.take_messages() == lines{each.type + std::string(" SEND\ndestination:/a\ncontent-length:") +
                                           std::to_string(each.body.size()) + "\n\n" + each.body + nul});
    }
    // A header that is not UTF-8 is seen too.
    carried_client run = open_client({}, SIZE_MAX, "1.1");
    REQUIRE_FALSE(run.peer.session().send({.destination = "/\xFF"}));
    CHECK(run.take_messages() == lines{"b SEND\ndestination:/\xFF\n\n" + nul});
}

TEST_CASE("W2 W3: each frame and each heart-beat is a message of its own, and of its own type") {
    carried_client run = open_client({.heart_beat = {1000, 0}}, SIZE_MAX, "1.2", "heart-beat:0,1000\n");
    auto& session = run.peer.session();
    run.tick(0);
    REQUIRE_FALSE(session.subscribe({.id = "1", .destination = "/a:\n"}));
    REQUIRE_FALSE(session.send({.destination = "/a", .body = bytes_of("a\0b\n\nc", 6)}));
    REQUIRE_FALSE(
        session.send({.destination = "/a", .body = bytes_of("\xFF"), .length = stomp::content_length::omitted}));
    REQUIRE_FALSE(session.begin("t"));
    CHECK(run.take_messages() == lines{"t SUBSCRIBE\nid:1\ndestination:/a\\c\\n\nack:auto\n\n" + nul,
                                       "t SEND\ndestination:/a\ncontent-length:6\n\na" + nul + "b\n\nc" + nul,
                                       "b SEND\ndestination:/a\n\n\xFF" + nul, "t BEGIN\ntransaction:t\n\n" + nul});
    run.tick(750);
    CHECK(run.take_messages() == lines{"t \n"});
    REQUIRE_FALSE(session.disconnect());
    CHECK(run.take_messages() == lines{"t DISCONNECT\nreceipt:disconnect\n\n" + nul});
}

TEST_CASE("S5 W3: what the WebSocket says for itself is no sign of life of the session") {
    carried_server run = open_server({.heart_beat = {1000, 1000}}, SIZE_MAX, pieces, "heart-beat:1000,1000\n");
    run.tick(0);
    for (instant now = 0; now <= 2400; now += 100) {
        run.feed(frame(role::client, 0x89, "ping")); // which is answered
        run.tick(now);
    }
    std::size_t beats = 0;
    for (const std::string& each : run.take_messages()) beats += each == "t \n" ? 1U : 0U;
    CHECK(beats >= 2);
    CHECK(run.peer.session().is_open());
    run.feed(frame(role::client, 0x89, "ping"));
    run.tick(2500);
    CHECK(run.peer.error() == errc::heart_beat_timeout);
}

TEST_CASE("W3 W4: by default a frame of any size is one message, and one frame of the WebSocket") {
    const auto check = [](auto server, auto client) {
        const std::string body(70'000, 'x');
        scripted_connection<decltype(server)> to(std::move(server));
        to.feed(upgrade_request());
        to.feed(messages_from(role::client, connect_text(), framed("SUBSCRIBE\nid:1\ndestination:/a\n\n")));
        static_cast<void>(to.take_sent());
        REQUIRE_FALSE(to.peer.session().deliver(1, {.destination = "/a", .body = bytes_of(body)}).error);
        const lines messages = to.take_messages();
        REQUIRE(messages.size() == 1);
        CHECK(messages[0].size() > 70'000);
        CHECK(messages[0].starts_with("t MESSAGE\n"));

        scripted_connection<decltype(client)> from(std::move(client));
        REQUIRE_FALSE(from.peer.request({.host = "h"}));
        from.feed(upgrade_response());
        REQUIRE_FALSE(from.peer.session().connect({}));
        from.feed(messages_from(role::server, connected_text()));
        static_cast<void>(from.take_sent());
        REQUIRE_FALSE(from.peer.session().send({.destination = "/a", .body = bytes_of(body)}));
        const lines said = from.take_messages();
        REQUIRE(said.size() == 1);
        CHECK(said[0].size() > 70'000);
    };
    check(stomp::server_connection(), stomp::client_connection(sample_keys()));
}

TEST_CASE("W4: a large frame goes out in messages that are nearly full, if that is wished") {
    for (const std::size_t most : {std::size_t{0}, std::size_t{4}, std::size_t{13}, std::size_t{100}}) {
        for (const bool is_text : {true, false}) {
            carried_server run = open_server({}, most);
            run.feed(subscribe_message());
            const std::string body = korean + emoji + korean + std::string(300, 'x') + emoji + (is_text ? "" : "\xFF");
            REQUIRE_FALSE(run.peer.session().deliver(1, {.destination = "/" + korean, .body = bytes_of(body)}).error);
            const std::string whole = "MESSAGE\nsubscription:1\nmessage-id:1\ndestination:/" + korean +
                                      "\ncontent-length:" + std::to_string(body.size()) + "\n\n" + body + nul;
            const std::size_t limit = std::max<std::size_t>(4, most);
            std::string all;
            const lines messages = run.take_messages();
            for (const std::string& each : messages) {
                const std::string text = each.substr(2);
                REQUIRE(each[0] == (is_text ? 't' : 'b'));
                REQUIRE(text.size() <= limit);
                if (is_text) REQUIRE(is_utf8(bytes_of(text)));
                if (&each != &messages.back()) REQUIRE(text.size() + (is_text ? 3 : 0) >= limit);
                all += text;
            }
            CHECK(all == whole);
        }
    }
}

TEST_CASE("W4: the limit on messages holds too for a CONNECT that waited until the WebSocket was open") {
    for (const std::size_t most : {std::size_t{10}, SIZE_MAX}) {
        carried_client run(client(ws::client(sample_keys(), pieces), {}, most));
        REQUIRE_FALSE(run.peer.web_socket().request({.host = "h", .target = "/chat"}));
        REQUIRE_FALSE(run.peer.session().connect({.host = korean}));
        static_cast<void>(run.take_sent());
        run.feed(upgrade_response());
        const lines messages = run.take_messages();
        CHECK((messages.size() == 1) == (most == SIZE_MAX));
        std::string all;
        for (const std::string& each : messages) {
            REQUIRE(each.size() - 2 <= most);
            all += each.substr(2);
        }
        CHECK(all == "CONNECT\naccept-version:1.0,1.1,1.2\nhost:" + korean + "\n\n" + nul);
    }
}

TEST_CASE("W3: a frame that has no room is not sent, nothing of it, and an ERROR with its Close fits always") {
    for (const std::size_t most : {SIZE_MAX, std::size_t{100}}) {
        for (std::size_t output = 900; output < 1400; output += 7) {
            carried_server run = open_server({}, most, {.output = output, .whole_messages = false});
            run.drains = false;
            run.feed(subscribe_message("ack:client\n"));
            std::size_t delivered = 0;
            for (;;) {
                const auto done = run.peer.session().deliver(1, {.destination = "/a", .body = bytes_of("0123456789")});
                if (done.error) {
                    REQUIRE(done.error == errc::no_room);
                    break;
                }
                REQUIRE(++delivered < 100);
            }
            REQUIRE(run.peer.session().unacknowledged() == delivered);
            CHECK(run.peer.waiting() <= output);
            run.feed(messages_from(role::client, framed("SENT\n\n")));
            const lines messages = run.take_messages();
            std::string text;
            for (const std::string& each : messages) text += each.starts_with("t ") ? each.substr(2) : "";
            const lines frames = stomp_frames_in(text);
            REQUIRE(frames.size() == delivered + 1);
            CHECK(frames.back().starts_with("ERROR\nmessage:" + std::string(row_of(errc::unknown_command).sentence)));
            CHECK(messages.back().starts_with("close 1002 "));
        }
    }
}

// --- W3: what comes in

TEST_CASE("W3: the boundaries of messages and frames mean nothing, for whole messages and for pieces") {
    const std::string stream = connect_text() + "\n" + framed("SUBSCRIBE\nid:1\ndestination:/a\nreceipt:1\n\n") +
                               "\n\r\n" +
                               framed("SEND\ndestination:/a\ncontent-length:3\n\na" + nul + "b",
                                      "SEND\ndestination:/a\n\n" + korean, "DISCONNECT\nreceipt:2\n\n");
    lines expected, sent;
    std::mt19937_64 random(7);
    for (int round = 0; round != 200; ++round) {
        // One message with all of it, one message a byte, a fragment a byte, and anything between.
        buffer wire;
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
            if (!in_message && random() % 10 == 0) wire = joined(wire, frame(role::client, 0x82, ""));
        }
        carried_server run(server(ws::server(ws::already_open{}, {.whole_messages = round % 2 == 0})));
        for (std::size_t at = 0; at != wire.size();) {
            const std::size_t size = std::min(wire.size() - at, 1 + static_cast<std::size_t>(random() % 60));
            run.feed(cbytes(wire).subspan(at, size));
            at += size;
        }
        CHECK(run.complaint == "");
        const lines messages = run.take_messages();
        if (round == 0) {
            expected = run.log;
            sent = messages;
            CHECK(expected.size() == 8);
            CHECK(expected.back() == "disconnect receipt=2");
            CHECK(sent == lines{"t CONNECTED\nversion:1.2\nheart-beat:0,0\n\n" + nul,
                                "t RECEIPT\nreceipt-id:1\n\n" + nul, "t RECEIPT\nreceipt-id:2\n\n" + nul,
                                "close 1000 "});
        }
        CAPTURE(round);
        REQUIRE(run.log == expected);
        REQUIRE(messages == sent);
    }
}

TEST_CASE("W3: a frame that comes whole in a message is seen where it lies, and nothing is copied") {
    for (const bool whole_messages : {true, false}) {
        carried_server run = open_server({}, SIZE_MAX, {.whole_messages = whole_messages});
        const std::string one = framed("SEND\ndestination:/a\nx:\\c\n\n" + std::string(3000, 'b'));
        buffer input = joined(frame(role::client, 0x81, one + one), frame(role::client, 0x81, one));
        bytes in = input;
        const std::size_t held = allocations();
        std::size_t events = 0;
        while (const server::event each = run.peer.next(in)) {
            ++events;
            REQUIRE(each.kind == stomp::server_kind::send);
            REQUIRE(each.body.data() >= input.data());
            REQUIRE(each.body.data() + each.body.size() <= input.data() + input.size());
            REQUIRE(each.body.size() == 3000);
        }
        CHECK(events == 3);
        CHECK(allocations() == held);
    }
}

TEST_CASE("S6 W3: between CONNECT and its answer nothing is taken, wherever what follows lies") {
    for (const bool whole_messages : {true, false}) {
        for (const int messages : {1, 2, 3, 0}) { // 3: two, both of them in fragments; 0: one in fragments
            carried_server run(server(ws::server(ws::already_open{}, {.whole_messages = whole_messages})),
                               [](server&, const server::event&) {});
            const std::string send = framed("SEND\ndestination:/a\n\nearly");
            const std::string both = connect_text() + send;
            const buffer wire =
                messages == 1   ? messages_from(role::client, both, "\n")
                : messages == 2 ? messages_from(role::client, connect_text(), send, "\n")
                : messages == 3
                    ? joined(frame(role::client, 0x01, both.substr(0, 9)), frame(role::client, 0x80, both.substr(9)),
                             frame(role::client, 0x01, "\n"), frame(role::client, 0x80, ""))
                    : joined(frame(role::client, 0x01, both.substr(0, 9)), frame(role::client, 0x80, both.substr(9)),
                             messages_from(role::client, "\n"));
            // Half of it, and the rest when that was kept.
            run.feed(cbytes(wire).first(wire.size() - 5));
            run.peer.release_memory();
            run.feed("");
            CHECK(run.log == lines{"connect host=h"});
            run.feed(cbytes(wire).last(5));
            CHECK(run.log.size() == 1);
            REQUIRE_FALSE(run.peer.session().accept());
            run.feed("");
            CHECK(run.log == lines{"connect host=h", "send destination=/a: early", "heart_beat"});
            CHECK(run.left.empty());
            CHECK(run.complaint == "");
        }
    }
}

TEST_CASE("S6 W3: a client is not taken for silent while its bytes wait for the answer to CONNECT") {
    const ws::options settings{.ping_interval = 100, .pong_timeout = 50, .whole_messages = false};
    carried_server run(server(ws::server(ws::already_open{}, settings), {.connect_timeout = never}),
                       [](server&, const server::event&) {});
    const std::string send = framed("SEND\ndestination:/a\n\nearly");
    run.feed(joined(messages_from(role::client, connect_text(), send), frame(role::client, 0x8A, "a Pong")));
    instant now = 0;
    for (; now != 1000; now += 50) run.tick(now);
    CHECK(run.log == lines{"connect host=h"});
    CHECK(run.take_sent().empty());
    REQUIRE_FALSE(run.peer.session().accept());
    run.feed("");
    CHECK(run.log == lines{"connect host=h", "send destination=/a: early", "ws pong: a Pong"});
    for (const instant end = now + 200; now != end; now += 50) run.tick(now);
    CHECK(run.log.back() == "lost end_of_input @63 | ws closed 1006 pong_timeout");

    // If output waits, a client that takes none of it is silent, even if its bytes wait.
    carried_server full(server(ws::server(ws::already_open{}, settings), {.connect_timeout = never}),
                        [](server&, const server::event&) {});
    full.drains = false;
    full.feed(messages_from(role::client, connect_text(), send));
    REQUIRE_FALSE(full.peer.web_socket().ping());
    for (now = 0; now != 200; now += 50) full.tick(now);
    CHECK(full.log.back() == "lost end_of_input @36 | ws closed 1006 pong_timeout");
}

TEST_CASE("S7 W3: a receipt that has no room waits, and no session is lost by it") {
    carried_server run = open_server({}, SIZE_MAX, {.output = 800, .whole_messages = false});
    run.drains = false;
    std::string all;
    for (int i = 0; i != 50; ++i) {
        all += framed("BEGIN\ntransaction:" + std::to_string(i) + "\nreceipt:" + std::to_string(i) + "\n\n");
    }
    run.feed(messages_from(role::client, all));
    CHECK(run.log.size() < 20);
    CHECK(!run.left.empty());
    for (std::size_t rounds = 0; !run.left.empty() || run.peer.waiting() != 0; ++rounds) {
        run.drain(9);
        run.feed("");
        REQUIRE(rounds < 1000);
    }
    CHECK(run.log.size() == 50);
    CHECK(run.peer.session().is_open());
    CHECK(run.take_messages().size() == 50);
    CHECK(run.complaint == "");
}

// --- the whole way

namespace {

template <class ServerSocket, class ClientSocket>
void talk(const ServerSocket& make_server, const ClientSocket& make_client, std::size_t most, std::uint64_t seed) {
    using server_side = stomp::server_over_websocket<std::remove_cvref_t<decltype(make_server())>>;
    using client_side = stomp::client_over_websocket<std::remove_cvref_t<decltype(make_client())>>;
    const std::string bodies[] = {"",
                                  "short",
                                  std::string("a\0b\n", 4),
                                  korean + emoji,
                                  "\xFF\xFE",
                                  std::string(70'000, 'x') + korean,
                                  std::string(5000, '\xFF')};
    std::mt19937_64 random(seed);
    scripted_connection<server_side> to(
        server_side(make_server(), {}, most), [](server_side& peer, const typename server_side::event& event) {
            auto& session = peer.session();
            if (event.web_socket.kind == ws::kind::request) {
                REQUIRE_FALSE(peer.web_socket().accept());
            }
            if (event.kind == stomp::server_kind::connect) REQUIRE_FALSE(session.accept());
            if (event.kind != stomp::server_kind::send) return;
            REQUIRE_FALSE(
                session.deliver(1, {.destination = event.destination, .forwarded = event.headers, .body = event.body})
                    .error);
        });
    lines heard, said;
    scripted_connection<client_side> from(client_side(make_client(), {}, most),
                                          [&](client_side& peer, const typename client_side::event& event) {
                                              if (event.kind != stomp::client_kind::message) return;
                                              heard.emplace_back(event.text());
                                              REQUIRE_FALSE(peer.session().ack(event));
                                          });
    const bool whole = seed == 0;
    auto& session = from.peer.session();
    // At once: it waits until the WebSocket is open.
    REQUIRE_FALSE(session.connect({.host = "h"}));
    REQUIRE_FALSE(from.peer.web_socket().request({.host = "h", .subprotocols = stomp::subprotocols}));
    converse(from, to, random, whole);
    REQUIRE(session.is_open());
    REQUIRE_FALSE(
        session.subscribe({.id = "1", .destination = "/a", .ack = stomp::ack_mode::client_individual, .receipt = "s"}));
    for (const std::string& body : bodies) {
        if (most < 100 && body.size() > 1000) continue;
        REQUIRE_FALSE(session.send({.destination = "/a", .body = bytes_of(body)}));
        said.push_back(body);
        if (random() % 2 == 0) converse(from, to, random, whole);
        if (random() % 2 == 0) from.peer.release_memory(), to.peer.release_memory();
        // Each can be moved at any time.
        client_side moved(std::move(from.peer));
        from.peer = std::move(moved);
        server_side other(std::move(to.peer));
        to.peer = std::move(other);
    }
    converse(from, to, random, whole);
    CHECK((heard == said));
    CHECK(to.peer.session().unacknowledged() == 0);
    REQUIRE_FALSE(from.peer.session().disconnect());
    converse(from, to, random, whole);
    CHECK(from.log.back() == "ws closed 1000 clean");
    CHECK(from.log.at(from.log.size() - 2) == "closed receipt-id=disconnect");
    CHECK(to.log.back() == "closed | ws closed 1000 clean");
    CHECK(to.peer.done());
    CHECK_FALSE(from.peer.done()); // the server ends the TCP connection
    from.finish();
    CHECK(from.peer.done());
    CHECK_FALSE(from.peer.error());
    CHECK(from.complaint == "");
    CHECK(to.complaint == "");
}

} // namespace

TEST_CASE("W1 W2 W3 W4: two sessions talk over two WebSockets, in messages of any size and at any cuts") {
    for (const std::size_t most : {std::size_t{4}, std::size_t{13}, std::size_t{1000}, SIZE_MAX}) {
        for (const bool whole_messages : {true, false}) {
            for (std::uint64_t seed = 0; seed != 3; ++seed) {
                CAPTURE(most);
                CAPTURE(whole_messages);
                CAPTURE(seed);
                const ws::options options{.whole_messages = whole_messages};
                talk([&] { return ws::server(options); }, [&] { return ws::client(sample_keys(), options); }, most,
                     seed);
            }
        }
    }
}

TEST_CASE("D5 W3: two sessions talk over two WebSockets that compress") {
    for (const std::size_t most : {std::size_t{100}, SIZE_MAX}) {
        for (const bool whole_messages : {true, false}) {
            for (std::uint64_t seed = 0; seed != 3; ++seed) {
                CAPTURE(most);
                CAPTURE(whole_messages);
                CAPTURE(seed);
                const ws::options options{.whole_messages = whole_messages};
                talk([&] { return ws::zlib_server(options); }, [&] { return ws::zlib_client(sample_keys(), options); },
                     most, seed);
            }
        }
    }
}

// --- the end

TEST_CASE("S13: the end of a session closes the WebSocket with the code of its error, behind the ERROR") {
    struct {
        std::string frame;
        errc error;
        const char* code;
    } const cases[] = {
        {framed("SENT\n\n"), errc::unknown_command, "close 1002 "},
        {framed("SEND\n\n"), errc::missing_header, "close 1002 "},
        {framed("SEND\ndestination:" + std::string(9000, 'x') + "\n\n"), errc::line_too_long, "close 1009 "}};
    for (const auto& each : cases) {
        carried_server run = open_server();
        run.drains = false;
        run.feed(messages_from(role::client, each.frame));
        const std::string sentence(row_of(each.error).sentence);
        CHECK(run.take_log().back().starts_with("lost " + std::string(row_of(each.error).name)));
        CHECK(run.peer.error() == each.error);
        const std::string missing = each.error == errc::missing_header ? " (destination)" : "";
        CHECK(run.take_messages() ==
              lines{"t ERROR\nmessage:" + sentence + missing + "\n\n" + nul, each.code + sentence});
        CHECK_FALSE(run.peer.done());
        run.feed(joined(messages_from(role::client, "late"), close_frame(role::client, 1002)));
        CHECK(run.log == lines{"ws closed 1002 clean"});
        CHECK(run.peer.done());
        CHECK(run.peer.error() == each.error);
    }
    // A client says only the Close.
    carried_client run = open_client();
    run.feed(messages_from(role::server, framed("SENT\n\n")));
    CHECK(run.take_messages() == lines{"close 1002 " + std::string(row_of(errc::unknown_command).sentence)});
    carried_client told = open_client();
    told.feed(messages_from(role::server, framed("ERROR\nmessage:no\n\n")));
    CHECK(told.log.front() == "error message=no");
    CHECK(told.log.back().starts_with("lost error_received"));
    CHECK(told.take_messages() == lines{"close 1000 " + std::string(row_of(errc::error_received).sentence)});
}

TEST_CASE("S13: a refusal at any time is an ERROR and then a Close, which follows as soon as something happens") {
    for (const int happens : {0, 1, 2}) {
        carried_server run = open_server();
        run.tick(0);
        REQUIRE_FALSE(run.peer.session().refuse("no"));
        if (happens == 0) run.feed("");
        if (happens == 1) run.tick(1);
        CHECK(run.take_messages() ==
              lines{"t ERROR\nmessage:no\n\n" + nul, "close 1008 " + std::string(row_of(errc::error_sent).sentence)});
    }
}

TEST_CASE("C8 S13: the end of the WebSocket is that of the session, and one event tells both") {
    carried_server closed = open_server();
    closed.feed(close_frame(role::client, 1001, "bye"));
    CHECK(closed.log ==
          lines{"lost end_of_input @" + std::to_string(connect_text().size()) + " | ws closed 1001 clean: bye"});
    CHECK(closed.peer.session().state() == stomp::state::closed);
    CHECK(closed.peer.error() == errc::end_of_input);
    CHECK(closed.peer.done());

    carried_server cut = open_server();
    cut.finish();
    CHECK(cut.log.back().ends_with(" | ws closed 1006 end_of_input"));
    CHECK(cut.log.back().starts_with("lost end_of_input"));
    CHECK(cut.peer.error() == ws::errc::end_of_input);
    cut.finish();
    CHECK(cut.log.size() == 1);

    carried_server broken = open_server();
    broken.feed(frame(role::client, 0x81, "\xFF"));
    CHECK(broken.log.back().ends_with(" | ws closed 1006 invalid_utf8"));
    CHECK(broken.peer.error() == ws::errc::invalid_utf8);
    CHECK(broken.take_messages() == lines{"close 1007 " + std::string(row_of(ws::errc::invalid_utf8).sentence)});

    carried_server goodbye = open_server();
    goodbye.feed(messages_from(role::client, framed("DISCONNECT\n\n")));
    CHECK(goodbye.take_messages() == lines{"close 1000 "});
    goodbye.feed(close_frame(role::client, 1000));
    CHECK(goodbye.log == lines{"disconnect", "closed | ws closed 1000 clean"});
    CHECK_FALSE(goodbye.peer.error());

    // RabbitMQ answers a DISCONNECT with a Close, in place of the receipt.
    carried_client rabbit = open_client();
    REQUIRE_FALSE(rabbit.peer.session().disconnect());
    rabbit.feed(close_frame(role::server, 1000));
    CHECK(rabbit.log.back().starts_with("lost end_of_input"));
    CHECK(rabbit.log.back().ends_with(" | ws closed 1000 clean"));
    CHECK(names_in(rabbit.peer.session().receipts()) == lines{"disconnect"});
}

TEST_CASE("S7: what waits goes out after the client has ended its side") {
    carried_server run = open_server();
    run.drains = false;
    run.feed(joined(subscribe_message(), messages_from(role::client, framed("SEND\ndestination:/a\nreceipt:1\n\n"))));
    REQUIRE_FALSE(run.peer.session().deliver(1, {.destination = "/a"}).error);
    run.finish();
    CHECK_FALSE(run.peer.done());
    const lines messages = run.take_messages();
    REQUIRE(messages.size() == 2); // there is no Close that answers an end of input
    CHECK(messages[0] == "t RECEIPT\nreceipt-id:1\n\n" + nul);
    CHECK(messages[1].starts_with("t MESSAGE\n"));
    CHECK(run.peer.done());
}

TEST_CASE("S13: both are shut down as their states ask for it") {
    const std::string sentence(row_of(errc::shut_down).sentence);
    carried_server open = open_server();
    open.peer.shut_down();
    CHECK(open.take_messages() == lines{"t ERROR\nmessage:" + sentence + "\n\n" + nul, "close 1001 " + sentence});
    open.feed("");
    CHECK(open.log.back().starts_with("lost shut_down"));
    open.feed(close_frame(role::client, 1001));
    CHECK(open.log.back() == "ws closed 1001 clean");
    CHECK(open.peer.done());

    carried_server silent(server(ws::server(ws::already_open{}, pieces)));
    silent.peer.shut_down();
    CHECK(silent.take_messages() == lines{"close 1001 " + sentence});

    carried_server opening(server(ws::server(pieces)), [](server&, const server::event&) {});
    opening.feed(upgrade_request());
    CHECK(opening.log == lines{"ws request"});
    opening.peer.shut_down();
    CHECK(text_of(opening.take_sent()).starts_with("HTTP/1.1 503 "));
    opening.feed("");
    CHECK(opening.log.back() == "lost end_of_input @0 | ws closed 1006 shut_down");
    CHECK(opening.peer.error() == ws::errc::shut_down);
    CHECK(opening.peer.done());

    carried_client client_open = open_client();
    client_open.peer.shut_down();
    CHECK(client_open.take_messages() == lines{"t DISCONNECT\nreceipt:disconnect\n\n" + nul});
    client_open.feed(messages_from(role::server, framed("RECEIPT\nreceipt-id:disconnect\n\n")));
    CHECK(client_open.take_messages() == lines{"close 1000 "});

    carried_client connecting(client(ws::client(ws::already_open{}, sample_keys(), pieces)));
    connecting.peer.shut_down();
    CHECK(connecting.take_messages() == lines{"close 1001 " + sentence});
}

TEST_CASE("S6: a session that takes too long to begin ends the WebSocket, open or not") {
    carried_server open(server(ws::server(ws::already_open{}, pieces), {.connect_timeout = 500}));
    open.tick(0);
    open.tick(500);
    CHECK(open.log.back() == "lost connect_timeout @0");
    const std::string sentence(row_of(errc::connect_timeout).sentence);
    CHECK(open.take_messages() == lines{"t ERROR\nmessage:" + sentence + "\n\n" + nul, "close 1008 " + sentence});
    carried_server opening(
        server(ws::server({.handshake_timeout = 700, .whole_messages = false}), {.connect_timeout = 500}));
    opening.tick(0);
    CHECK(opening.peer.next_deadline() == 500);
    opening.tick(500);
    CHECK(opening.log.back() == "lost connect_timeout @0");
    CHECK(opening.peer.web_socket().state() == ws::state::closed);
    carried_server late(
        server(ws::server({.handshake_timeout = 500, .whole_messages = false}), {.connect_timeout = 700}));
    late.tick(0);
    late.tick(500);
    CHECK(late.log.back() == "lost end_of_input @0 | ws closed 1006 handshake_timeout");
    CHECK(text_of(late.take_sent()).starts_with("HTTP/1.1 408 "));
}

TEST_CASE("what output() returned stays in place until sent() takes it") {
    carried_server run = open_server();
    run.drains = false;
    run.feed(subscribe_message());
    REQUIRE_FALSE(run.peer.session().deliver(1, {.destination = "/a"}).error);
    const cbytes shown = run.peer.output();
    const std::string before(text_of(shown));
    for (int i = 0; i != 500; ++i) {
        REQUIRE_FALSE(run.peer.session().deliver(1, {.destination = "/a", .body = bytes_of(korean)}).error);
        run.feed(messages_from(role::client, framed("SEND\ndestination:/a\n\n")));
        run.tick(static_cast<instant>(i));
        if (i % 50 == 0) run.peer.release_memory();
        REQUIRE(run.peer.output().data() == shown.data());
        REQUIRE(text_of(shown) == before);
    }
    CHECK(run.take_messages().size() == 501);
}

TEST_CASE("a connection over WebSocket takes no memory in steady state") {
    carried_server run = open_server();
    run.feed(subscribe_message());
    run.react = nullptr;
    const std::string body(3000, 'b');
    const buffer wire = messages_from(role::client, framed("SEND\ndestination:/a\nreceipt:1\n\n" + body));
    std::size_t held = 0;
    for (int i = 0; i != 50; ++i) {
        buffer input = wire;
        const std::size_t before = allocations();
        bytes in = input;
        while (const server::event found = run.peer.next(in)) {
            const stomp::message_frame message{
                .destination = found.destination, .forwarded = found.headers, .body = found.body};
            if (found.kind == stomp::server_kind::send) REQUIRE_FALSE(run.peer.session().deliver(1, message).error);
        }
        while (!run.peer.output().empty()) run.peer.sent(std::min<std::size_t>(1000, run.peer.output().size()));
        if (i > 5) held += allocations() - before;
    }
    CHECK(held == 0);
}
