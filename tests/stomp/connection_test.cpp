// Whole connections for STOMP: what carries the session, how that is found out, and that it makes no difference.
// SPDX-License-Identifier: MIT
#include <sockless/stomp/connection.hpp>

#include <doctest/doctest.h>

#include <array>
#include <initializer_list>

#include <sockless/endpoint.hpp>
#include <sockless/ws/deflate/zlib.hpp>

#include "../support/allocations.hpp"
#include "carried.hpp"

using namespace sockless;
using namespace sockless::test;
using lines = std::vector<std::string>;
using stomp::carried_by;
using stomp::errc;
using stomp::server_connection;

static_assert(endpoint<stomp::server_session> && endpoint<stomp::client_session>);
static_assert(endpoint<stomp::server_connection> && endpoint<stomp::client_connection>);
static_assert(endpoint<stomp::server_over_websocket<ws::server>> &&
              endpoint<stomp::client_over_websocket<ws::zlib_client>>);

namespace {

const std::string nul(1, '\0');

std::string request(std::string_view more = "Sec-WebSocket-Protocol: v12.stomp\r\n") { return upgrade_request(more); }

// Only what the session has found.
lines frames_of(const lines& log) {
    lines found;
    for (const std::string& each : log) {
        if (!each.starts_with("ws ")) found.push_back(each.substr(0, each.find(" | ")));
    }
    return found;
}

void answer(server_connection& peer, const server_connection::event& event) {
    auto& session = peer.session();
    if (event.kind == stomp::server_kind::connect) REQUIRE_FALSE(session.accept());
    if (event.kind == stomp::server_kind::subscribe) REQUIRE_FALSE(session.deliver(1, {.destination = "/a"}).error);
}

const std::string conversation[] = {connect_text(),
                                    "\n",
                                    framed("SUBSCRIBE\nid:1\ndestination:/a\nreceipt:1\n\n"),
                                    framed("SEND\ndestination:/b\ncontent-length:3\nx:\\c\n\na" + nul + "b"),
                                    framed("BEGIN\ntransaction:t\n\n", "COMMIT\ntransaction:t\nreceipt:2\n\n"),
                                    framed("DISCONNECT\nreceipt:3\n\n")};

} // namespace

TEST_CASE("the first byte tells what carries a session") {
    for (const std::string_view first : {"C", "S", "\n", "\r", "X", "\x16"}) {
        server_connection_run run{server_connection()};
        run.feed("");
        CHECK(run.peer.carried() == carried_by::unknown);
        run.feed(first);
        CHECK(run.peer.carried() == carried_by::bytes);
    }
    server_connection_run run{server_connection()};
    run.feed("G");
    CHECK(run.peer.carried() == carried_by::web_socket);
    run.feed("ET / HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(text_of(run.take_sent()).starts_with("HTTP/1.1 426 "));
    CHECK(run.log == lines{"lost end_of_input @0 | ws closed 1006 upgrade_missing"});
}

TEST_CASE("S1 S7 W3: what carries a session makes no difference to it, at every split") {
    std::string stream;
    buffer web = bytes_from(request());
    for (const std::string& each : conversation) {
        stream += each;
        web = joined(web, messages_from(role::client, each));
    }
    const lines expected{"connect host=h",
                         "heart_beat",
                         "subscribe #1 receipt=1 id=1 destination=/a auto",
                         "send destination=/b: a" + nul + "b",
                         "begin transaction=t",
                         "commit transaction=t receipt=2",
                         "disconnect receipt=3",
                         "closed"};
    const lines frames{"CONNECTED\nversion:1.2\nheart-beat:0,0\n\n",
                       "MESSAGE\nsubscription:1\nmessage-id:1\ndestination:/a\n\n", "RECEIPT\nreceipt-id:1\n\n",
                       "RECEIPT\nreceipt-id:2\n\n", "RECEIPT\nreceipt-id:3\n\n"};
    for (const bool over_web : {false, true}) {
        const buffer input = over_web ? web : bytes_from(stream);
        std::size_t splits = 0;
        for_each_split(cbytes(input), [&](const auto& feed_all) {
            server_connection_run run(server_connection(), answer);
            feed_all([&](bytes piece) { run.feed(cbytes(piece)); });
            if (over_web) run.feed(close_frame(role::client, 1000));
            if (!over_web) run.finish();
            ++splits;
            lines log = frames_of(run.log);
            for (std::string& each : log) {
                if (each.starts_with("subscribe")) each = expected[2];
            }
            REQUIRE(log == expected);
            REQUIRE(run.complaint == "");
            REQUIRE(run.peer.done());
            REQUIRE_FALSE(run.peer.error());
            if (!over_web) {
                REQUIRE(stomp_frames_in(text_of(run.sent)) == frames);
                return;
            }
            const seen_head head = head_in(run.sent);
            REQUIRE(head["Sec-WebSocket-Protocol"] == "v12.stomp");
            lines messages;
            for (const seen_frame& each : frames_in(behind_head(run.sent))) {
                if (each.is_close()) {
                    messages.push_back(std::to_string(each.close_code()));
                } else {
                    messages.emplace_back(each.text().substr(0, each.text().size() - 1));
                }
            }
            lines all = frames;
            all.emplace_back("1000");
            REQUIRE(messages == all);
        });
        CHECK(splits > 100);
    }
}

TEST_CASE("W1: by default a WebSocket is accepted that offers a subprotocol of STOMP or none, and no other") {
    struct {
        const char* fields;
        const char* status;
        const char* chosen;
    } const cases[] = {
        {"", "101", "(none)"},
        {"Sec-WebSocket-Protocol: v10.stomp, v12.stomp, v11.stomp\r\n", "101", "v12.stomp"},
        {"Sec-WebSocket-Protocol: chat, v11.stomp\r\n", "101", "v11.stomp"},
        {"Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: v10.stomp\r\n", "101", "v10.stomp"},
        {"Sec-WebSocket-Protocol: chat\r\n", "400", "(none)"},
        {"Sec-WebSocket-Protocol: V12.STOMP\r\n", "400", "(none)"},
        {"Sec-WebSocket-Protocol:\r\nSec-WebSocket-Protocol: chat\r\n", "400", "(none)"},
    };
    for (const auto& each : cases) {
        CAPTURE(each.fields);
        server_connection_run run{server_connection()};
        run.feed(request(each.fields));
        const seen_head head = head_in(run.take_sent());
        CHECK(head.start.substr(9, 3) == each.status);
        CHECK(head["Sec-WebSocket-Protocol"] == each.chosen);
        CHECK(run.peer.web_socket().is_open() == (head.start.substr(9, 3) == "101"));
        CHECK(run.log == (run.peer.web_socket().is_open() ? lines{} : lines{"lost end_of_input @0 | ws closed 1006"}));
        CHECK(run.peer.done() != run.peer.web_socket().is_open());
        CHECK(run.complaint == "");
    }
    // If there is no room for an answer, there is no connection.
    server_connection_run none{server_connection({.session = {.output = 200}})};
    none.feed(request());
    CHECK(none.log.back().starts_with("lost end_of_input @0 | ws closed 1006 shut_down"));
    CHECK(none.peer.done());
}

TEST_CASE("a caller decides on each request, by its Origin and its target") {
    for (const std::string origin : {"https://good.example", "https://bad.example", ""}) {
        server_connection_run run(server_connection({.accept_requests = false}),
                                  [&](server_connection& peer, const server_connection::event& event) {
                                      if (event.web_socket.kind == ws::kind::request) {
                                          CHECK(peer.web_socket().request().origin == origin);
                                          CHECK(peer.web_socket().request().target == "/chat");
                                          const bool good = origin != "https://bad.example";
                                          const error said =
                                              good ? peer.accept_request() : peer.web_socket().refuse(403);
                                          REQUIRE_FALSE(said);
                                      }
                                      answer(peer, event);
                                  });
        run.feed(request(origin.empty() ? "" : "Origin: " + origin + "\r\n") + "early");
        CHECK(
            text_of(run.take_sent()).starts_with(origin == "https://bad.example" ? "HTTP/1.1 403 " : "HTTP/1.1 101 "));
        CHECK(run.log.front() == "ws request");
        CHECK(run.complaint == "");
    }
    // Late, when the input is gone.
    server_connection_run late(
        server_connection({.accept_requests = false}),
        [](server_connection& peer, const server_connection::event& event) { answer(peer, event); });
    late.feed(joined(request(), messages_from(role::client, connect_text())));
    CHECK(late.log == lines{"ws request"});
    CHECK(late.take_sent().empty());
    REQUIRE_FALSE(late.peer.accept_request());
    CHECK(late.peer.accept_request() == ws::errc::nothing_to_answer);
    late.feed("");
    CHECK(late.log == lines{"ws request", "connect host=h"});
    CHECK(late.peer.session().is_open());
}

TEST_CASE("H5: a connection that accepts requests by itself leaves those with a fault to its caller") {
    ws::options web;
    web.show_faults = true;
    std::string faulty = request();
    faulty.erase(faulty.find("Connection:"), std::string_view("Connection: Upgrade\r\n").size());
    for (const bool accepts : {true, false}) {
        server_connection_run run(server_connection({.web_socket = web}), [&](server_connection& peer,
                                                                              const server_connection::event& event) {
            if (event.web_socket.kind == ws::kind::request) {
                CHECK(event.web_socket.error == ws::errc::connection_upgrade_missing);
                CHECK(peer.output().empty());
                const error said = accepts ? peer.accept_request() : peer.web_socket().refuse(event.web_socket.error);
                CHECK_FALSE(said);
            }
            answer(peer, event);
        });
        run.feed(joined(faulty, messages_from(role::client, connect_text())));
        CHECK(run.log[0] == "ws request connection_upgrade_missing");
        CHECK(run.peer.session().is_open() == accepts);
        CHECK(text_of(run.take_sent()).starts_with(accepts ? "HTTP/1.1 101 " : "HTTP/1.1 400 "));
        CHECK(run.complaint == "");
    }
    // An offer without a name is none.
    for (const char* const fields : {"Sec-WebSocket-Protocol:\r\n", "Sec-WebSocket-Protocol: ,\r\n"}) {
        server_connection_run run(server_connection({.web_socket = web}),
                                  [](server_connection& peer, const server_connection::event& event) {
                                      if (event.web_socket.kind == ws::kind::request)
                                          CHECK_FALSE(peer.accept_request());
                                  });
        run.feed(request(fields));
        CHECK(head_in(run.take_sent()).start.substr(9, 3) == "101");
    }
    server_connection_run right(server_connection({.web_socket = web}), answer);
    right.feed(joined(request(), messages_from(role::client, connect_text())));
    CHECK(right.log.size() == 1);
    CHECK(right.log[0].starts_with("connect "));
}

TEST_CASE("H16: the CONNECT of a client waits until the caller has accepted a faulty 101") {
    ws::options web;
    web.show_faults = true;
    for (const bool at_once : {true, false}) {
        using connection = stomp::client_connection;
        scripted_connection<connection> run(connection(sample_keys(), {.web_socket = web}),
                                            [&](connection& peer, const connection::event& event) {
                                                if (event.web_socket.kind == ws::kind::open && at_once) {
                                                    CHECK_FALSE(peer.web_socket().accept());
                                                }
                                            });
        REQUIRE_FALSE(run.peer.request({.host = "h", .target = "/chat"}));
        REQUIRE_FALSE(run.peer.session().connect({.host = "h"}));
        static_cast<void>(run.take_sent());
        run.feed(upgrade_response("Sec-WebSocket-Protocol: v12.stomp\r\nUpgrade: websocket\r\n"));
        CHECK(run.log == lines{"ws open upgrade_repeated"});
        if (!at_once) {
            static_cast<void>(run.peer.tick(1));
            CHECK(run.take_sent().empty());
            CHECK(run.peer.next_deadline() != 0);
            CHECK_FALSE(run.peer.web_socket().accept());
            CHECK(run.peer.next_deadline() == 0);
            static_cast<void>(run.peer.tick(2));
        }
        const buffer sent = run.take_sent();
        REQUIRE(frames_in(sent).size() == 1);
        CHECK(frames_in(sent)[0].text().starts_with("CONNECT\n"));
    }
}

TEST_CASE("a server that serves pages too sees requests for them") {
    ws::options web;
    web.show_requests = true;
    server_connection_run run(server_connection({.web_socket = web}),
                              [](server_connection& peer, const server_connection::event& event) {
                                  if (event.web_socket.kind != ws::kind::http_request) return;
                                  CHECK(peer.web_socket().head().target == "/");
                                  REQUIRE_FALSE(peer.web_socket().refuse({.status = 200, .body = "a page"}));
                              });
    run.feed("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(text_of(run.sent).starts_with("HTTP/1.1 200 "));
    CHECK(text_of(run.sent).ends_with("a page"));
    CHECK(run.log == lines{"ws http_request", "lost end_of_input @0 | ws closed 1006"});
    CHECK(run.peer.done());
}

TEST_CASE("W1: a client offers the subprotocols of the versions that it speaks") {
    using stomp::version;
    struct {
        stomp::version_set versions;
        const char* offered;
    } const cases[] = {{stomp::version_set::all(), "v12.stomp, v11.stomp, v10.stomp"},
                       {{version::v1_1}, "v11.stomp"},
                       {{version::v1_0, version::v1_2}, "v12.stomp, v10.stomp"}};
    for (const auto& each : cases) {
        client_connection_run run(stomp::client_connection(sample_keys(), {.session = {.versions = each.versions}}));
        REQUIRE_FALSE(run.peer.request({.host = "h", .target = "/stomp"}));
        CHECK(head_in(run.take_sent())["Sec-WebSocket-Protocol"] == each.offered);
    }
    const std::string_view own[] = {"mine"};
    client_connection_run run{stomp::client_connection(sample_keys())};
    REQUIRE_FALSE(run.peer.request({.host = "h", .subprotocols = own}));
    CHECK(head_in(run.take_sent())["Sec-WebSocket-Protocol"] == "mine");
    CHECK(run.peer.request({.host = "h"}) == ws::errc::not_open);
    stomp::client_connection bare;
    CHECK(bare.request({.host = "h"}) == ws::errc::not_open);
}

TEST_CASE("S6: CONNECT waits until there is a WebSocket to carry it") {
    client_connection_run run{stomp::client_connection(sample_keys())};
    REQUIRE_FALSE(run.peer.session().connect({.host = "h"}));
    CHECK(run.take_sent().empty());
    REQUIRE_FALSE(run.peer.request({.host = "h"}));
    CHECK(head_in(run.take_sent()).rest.empty());
    run.feed(upgrade_response());
    CHECK(run.log == lines{"ws open"});
    CHECK(run.take_messages() == lines{"t CONNECT\naccept-version:1.0,1.1,1.2\nhost:h\n\n" + nul});
    run.feed(messages_from(role::server, connected_text()));
    CHECK(run.log.back() == "connected");
    CHECK(run.peer.session().is_open());

    client_connection_run bare{stomp::client_connection()};
    REQUIRE_FALSE(bare.peer.session().connect({.host = "h"}));
    CHECK(bare.take_sent() == bytes_from("CONNECT\naccept-version:1.0,1.1,1.2\nhost:h\n\n" + nul));
    bare.feed(connected_text());
    CHECK(bare.log == lines{"connected"});
}

TEST_CASE("H18: a client sees why there is no WebSocket, with status, fields and body") {
    std::string server;
    client_connection_run run(stomp::client_connection(sample_keys()),
                              [&](stomp::client_connection& peer, const stomp::client_connection::event& event) {
                                  if (event.web_socket.kind != ws::kind::refused) return;
                                  server = http::first(peer.web_socket().response().fields, "Server");
                              });
    REQUIRE_FALSE(run.peer.session().connect({.host = "h"}));
    REQUIRE_FALSE(run.peer.request({.host = "h"}));
    static_cast<void>(run.take_sent());
    run.feed("HTTP/1.1 404 Not Found\r\nServer: s\r\nContent-Length: 4\r\n\r\ngone");
    CHECK(run.log == lines{"ws refused 404", "ws body: gone", "lost end_of_input @0 | ws closed 1006 refused"});
    CHECK(server == "s");
    CHECK(run.peer.error() == ws::errc::refused);
    CHECK(run.take_sent().empty());
    CHECK(run.peer.done());
}

TEST_CASE("S6 H20: a peer that says nothing, or not enough, has its time") {
    const auto starts = [](std::string_view first, const lines& log, std::string_view said) {
        server_connection_run run{
            server_connection({.session = {.connect_timeout = 500}, .web_socket = {.handshake_timeout = 500}})};
        CHECK(run.peer.next_deadline() == 0);
        run.tick(1000);
        CHECK(run.peer.next_deadline() == 1500);
        run.feed(first);
        run.tick(1499);
        CHECK(run.log.empty());
        run.tick(1500);
        CHECK(run.log == log);
        CHECK(text_of(run.take_sent()).starts_with(said));
        CHECK(run.peer.done());
    };
    const std::string timeout(row_of(errc::connect_timeout).sentence);
    starts("", {"lost connect_timeout @0"}, "ERROR\nmessage:" + timeout);
    starts("CONN", {"lost connect_timeout @4"}, "ERROR\nmessage:" + timeout);
    starts("GET / HT", {"lost end_of_input @0 | ws closed 1006 handshake_timeout"}, "HTTP/1.1 408 ");
}

TEST_CASE("S6 H20: while it is unknown what the connection carries, the shorter timeout ends it") {
    server_connection_run web{
        server_connection({.session = {.connect_timeout = 500}, .web_socket = {.handshake_timeout = 300}})};
    web.tick(1000);
    CHECK(web.peer.next_deadline() == 1300);
    web.tick(1300);
    CHECK(web.log == lines{"lost end_of_input @0 | ws closed 1006 handshake_timeout"});
    CHECK(text_of(web.take_sent()).starts_with("HTTP/1.1 408 "));
    CHECK(web.peer.done());
    web.feed("GET / HTTP/1.1\r\n");
    CHECK(web.log.size() == 1);

    server_connection_run bytes{
        server_connection({.session = {.connect_timeout = 300}, .web_socket = {.handshake_timeout = 500}})};
    bytes.tick(1000);
    bytes.tick(1300);
    CHECK(bytes.log == lines{"lost connect_timeout @0"});
    CHECK(bytes.peer.done());
}

TEST_CASE("S6 S13: an undecided connection that has ended stays as it is, whatever time it is and whatever comes") {
    for (const bool shuts_down : {false, true}) {
        server_connection_run run{server_connection()};
        run.drains = false;
        run.tick(1000);
        if (shuts_down) {
            run.peer.shut_down();
        } else {
            run.tick(11'000);
        }
        const cbytes shown = run.peer.output();
        const std::string said(text_of(shown));
        CHECK(said.starts_with("ERROR") == !shuts_down);
        run.tick(11'001);
        run.feed("GET / HTTP/1.1\r\n\r\n");
        run.tick(30'000);
        CHECK(run.log == lines{shuts_down ? "lost shut_down @0" : "lost connect_timeout @0"});
        CHECK(run.peer.output().data() == shown.data());
        CHECK(text_of(run.peer.output()) == said);
        CHECK(run.peer.done());
    }
}

TEST_CASE("the end of the input, before and after it is known what it carries") {
    server_connection_run nothing{server_connection()};
    nothing.finish();
    CHECK(nothing.log == lines{"lost end_of_input @0"});
    CHECK(nothing.peer.done());
    server_connection_run half{server_connection()};
    half.feed("CONN");
    half.finish();
    CHECK(half.log == lines{"lost truncated @4"});
    CHECK(half.peer.error() == errc::truncated);
    server_connection_run head{server_connection()};
    head.feed("GET / HT");
    head.finish();
    CHECK(head.log == lines{"lost end_of_input @0 | ws closed 1006 end_of_input"});
    CHECK(head.peer.error() == ws::errc::end_of_input);
}

TEST_CASE("S13: a connection is shut down as its state asks for it") {
    const std::string error = "ERROR\nmessage:" + std::string(row_of(errc::shut_down).sentence) + "\n\n" + nul;
    server_connection_run unknown{server_connection()};
    unknown.peer.shut_down();
    CHECK(unknown.take_sent().empty());
    CHECK(unknown.peer.done());
    server_connection_run bare{server_connection()};
    bare.feed(connect_text());
    static_cast<void>(bare.take_sent());
    bare.peer.shut_down();
    CHECK(bare.take_sent() == bytes_from(error));
    CHECK(bare.peer.done());
    server_connection_run half{server_connection()};
    half.feed("GET ");
    half.peer.shut_down();
    CHECK(text_of(half.take_sent()).starts_with("HTTP/1.1 503 "));
    half.feed("/");
    CHECK(half.log == lines{"lost end_of_input @0 | ws closed 1006 shut_down"});
    server_connection_run web{server_connection()};
    web.feed(joined(request(), messages_from(role::client, connect_text())));
    static_cast<void>(web.take_sent());
    web.peer.shut_down();
    const lines messages = web.take_messages();
    REQUIRE(messages.size() == 2);
    CHECK(messages[0] == "t " + error);
    CHECK(messages[1].starts_with("close 1001 "));
}

TEST_CASE("two connections talk over bytes and over WebSocket, compressed or not") {
    const auto talk = [](auto server, auto client, bool over_web, std::uint64_t seed) {
        using server_type = decltype(server);
        using client_type = decltype(client);
        std::mt19937_64 random(seed);
        scripted_connection<server_type> to(std::move(server), [](server_type& peer, const auto& event) {
            auto& session = peer.session();
            if (event.kind == stomp::server_kind::connect) REQUIRE_FALSE(session.accept());
            if (event.kind != stomp::server_kind::send) return;
            REQUIRE_FALSE(
                session.deliver(1, {.destination = event.destination, .forwarded = event.headers, .body = event.body})
                    .error);
        });
        lines heard, said;
        scripted_connection<client_type> from(std::move(client), [&](client_type&, const auto& event) {
            if (event.kind == stomp::client_kind::message) heard.emplace_back(event.text());
        });
        auto& session = from.peer.session();
        REQUIRE_FALSE(session.connect({.host = "h"}));
        if (over_web) REQUIRE_FALSE(from.peer.request({.host = "h"}));
        converse(from, to, random);
        REQUIRE(session.is_open());
        CHECK(to.peer.carried() == from.peer.carried());
        REQUIRE_FALSE(session.subscribe({.id = "1", .destination = "/a"}));
        for (int i = 0; i != 20; ++i) {
            std::string body(static_cast<std::size_t>(random() % 3000), 'x');
            for (std::size_t k = 0; k < body.size(); k += 3)
                body[k] = static_cast<char>(random() % (i % 2 == 0 ? 128 : 256));
            REQUIRE_FALSE(session.send({.destination = "/a", .body = bytes_of(body)}));
            said.push_back(body);
            if (i % 3 == 0) converse(from, to, random);
        }
        converse(from, to, random);
        CHECK((heard == said));
        REQUIRE_FALSE(session.disconnect());
        converse(from, to, random);
        to.finish();
        from.finish();
        CHECK(frames_of(to.log).back() == "closed");
        CHECK(frames_of(from.log).back() == "closed receipt-id=disconnect");
        CHECK(to.peer.done());
        CHECK(from.peer.done());
        CHECK(to.complaint == "");
        CHECK(from.complaint == "");
    };
    using zlib_server = stomp::basic_server_connection<growing_buffer, ws::zlib_compression>;
    using zlib_client = stomp::basic_client_connection<growing_buffer, ws::zlib_compression>;
    for (std::uint64_t seed = 0; seed != 4; ++seed) {
        talk(server_connection(), stomp::client_connection(), false, seed);
        talk(server_connection(), stomp::client_connection(sample_keys()), true, seed);
        talk(zlib_server(), zlib_client(sample_keys()), true, seed);
        talk(zlib_server(), stomp::client_connection(sample_keys(), {.most = 50}), true, seed);
        talk(server_connection(), zlib_client(), false, seed);
    }
}

TEST_CASE("a connection works in memory of the caller's alone, whatever carries it") {
    using small_socket = ws::basic_server<small_memory>;
    using small_carrier = stomp::carrier<small_socket, small_memory>;
    using small_session = stomp::carried_server_session<small_socket, small_memory>;
    using small_connection = stomp::basic_server_connection<small_memory>;
    buffer request_text = bytes_from(request());
    for (const bool over_web : {false, true}) {
        std::array<std::byte, 2000> web_input{}, output{}, input{};
        std::array<std::byte, 300> names{};
        std::array<std::byte, 15 * 2 * 32> unacknowledged{};
        // Only one of the two outputs is used.
        small_connection peer(
            small_session(small_memory(bytes(input)),
                          small_carrier(small_socket(small_memory(bytes(web_input)), small_memory(bytes(output)),
                                                     {.whole_messages = false}),
                                        small_memory(bytes(output)), carried_by::unknown),
                          small_memory(bytes(names)), small_memory(bytes(unacknowledged))));
        scripted_connection<small_connection> run(std::move(peer), [](small_connection& at, const auto& event) {
            auto& session = at.session();
            if (event.kind == stomp::server_kind::connect) REQUIRE_FALSE(session.accept());
            if (event.kind == stomp::server_kind::send) REQUIRE_FALSE(session.deliver(1, {.destination = "/a"}).error);
        });
        if (over_web) run.feed(request_text);
        const auto say = [&](const std::string& text) {
            run.feed(over_web ? messages_from(role::client, text) : bytes_from(text));
        };
        say(connect_text());
        say(framed("SUBSCRIBE\nid:1\ndestination:/a\nack:client\nreceipt:1\n\n"));
        for (int i = 0; i != 15; ++i) say(framed("SEND\ndestination:/a\nreceipt:1\n\nbody"));
        CHECK(run.peer.session().is_open());
        CHECK(run.peer.session().unacknowledged() == 15);
        CHECK(run.complaint == "");
    }
}

TEST_CASE("S7 C5: a client that takes no RECEIPT after DISCONNECT has its time, over WebSocket too") {
    for (const bool over_web : {false, true}) {
        server_connection_run run(server_connection({.session = {.automatic_receipts = false}}), answer);
        if (over_web) run.feed(request());
        const auto say = [&](const std::string& text) {
            run.feed(over_web ? messages_from(role::client, text) : bytes_from(text));
        };
        say(connect_text());
        run.tick(0);
        say(framed("DISCONNECT\nreceipt:1\n\n")); // the program never sends the RECEIPT
        for (instant now = 0; now <= 20'000; now += 1000) {
            run.tick(now);
            run.drain();
        }
        CHECK(run.peer.done());
    }
}

TEST_CASE("F5 S13: a client without masking keys ends when its session does") {
    struct source {
        bool works = true;
        static bool give(void* context, bytes out) {
            for (std::byte& octet : out) octet = std::byte{0x5A};
            return static_cast<source*>(context)->works;
        }
    } keys;
    stomp::client_over_websocket<ws::client> peer(ws::client(ws::already_open{}, ws::entropy(source::give, &keys)));
    REQUIRE_FALSE(peer.session().connect({.host = "h"}));
    keys.works = false;
    buffer text = messages_from(role::server, framed("ERROR\nmessage:no\n\n"));
    bytes in(text);
    while (peer.next(in)) {
    }
    peer.sent(peer.output().size());
    CHECK_FALSE(peer.web_socket().is_open());
    CHECK(peer.web_socket().error() == ws::errc::shut_down);
    static_cast<void>(peer.finish());
    CHECK(peer.done());
}

TEST_CASE("W3: a CONNECT that waits for the WebSocket is one message, also if it is large") {
    client_connection_run run{stomp::client_connection(sample_keys())};
    const std::string passcode(70'000, 'p');
    REQUIRE_FALSE(run.peer.session().connect({.host = "h", .passcode = passcode}));
    REQUIRE_FALSE(run.peer.request({.host = "h", .target = "/chat"}));
    static_cast<void>(run.take_sent());
    run.feed(upgrade_response());
    const auto frames = frames_in(run.take_sent());
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].payload.size() > 70'000);
}
