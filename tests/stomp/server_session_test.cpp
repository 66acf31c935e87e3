// The server's end of a STOMP session.
// SPDX-License-Identifier: MIT
#include <sockless/stomp/server_session.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <random>

#include "../support/allocations.hpp"
#include "scripted.hpp"

using namespace sockless;
using namespace sockless::test;
using lines = std::vector<std::string>;
using server = stomp::server_session;
using stomp::server_kind;
using stomp::version;

namespace {

// A reaction that does nothing, so the test answers the client.
void wait(server&, const stomp::server_event&) {}

server_run open_server(std::string_view version = "1.2", const stomp::options& how = {},
                       server_run::reaction react = {}) {
    return connected_run<stomp_server_side>(version, how, static_cast<server_run::reaction&&>(react));
}

constexpr version all_versions[] = {version::v1_0, version::v1_1, version::v1_2};

stomp::version_set set_of(unsigned bits) {
    stomp::version_set made;
    for (unsigned i = 0; i != 3; ++i) {
        if ((bits & 1U << i) != 0) made.add(all_versions[i]);
    }
    return made;
}

// A message that this server owes to subscription `to`.
std::uint64_t deliver(server& peer, std::uint32_t to = 1) {
    const stomp::delivered done = peer.deliver(to, {.destination = "/a", .body = bytes_of("x")});
    REQUIRE_FALSE(done.error);
    return done.number;
}

// The ERROR of a rule, with what may stand behind its message, and the header that it names.
std::string error_frame(stomp::errc what, std::string_view more = {}, std::string_view missing = {}) {
    const std::string named = missing.empty() ? "" : " (" + std::string(missing) + ")";
    return "ERROR\nmessage:" + std::string(row_of(what).sentence) + named + "\n" + std::string(more) + "\n";
}

// Checks the end of a session that the last input should have ended.
void check_lost(server_run& run, stomp::errc what, std::uint64_t offset, std::string_view more = {},
                std::string_view missing = {}) {
    const lines log = run.take_log();
    CHECK(log == lines{"lost " + std::string(row_of(what).name) + " @" + std::to_string(offset)});
    CHECK(run.take_frames() == lines{error_frame(what, more, missing)});
    CHECK(run.complaint == "");
    CHECK(run.peer.error() == what);
    CHECK(run.peer.done());
    // S13: and nothing more is read or sent.
    run.feed(connect_text() + framed("SEND\ndestination:/a\nreceipt:1\n\n"));
    run.finish();
    CHECK(run.log.empty());
    CHECK(run.take_frames().empty());
    CHECK(run.peer.offset() == offset);
    CHECK(run.complaint == "");
}

} // namespace

TEST_CASE("the sessions are small") {
    CHECK(sizeof(stomp::server_session) <= 512);
    CHECK(sizeof(stomp::basic_server_session<small_memory>) <= 512);
}

// --- S6: connecting

TEST_CASE("S6: the highest version that both sides know is chosen, of every two sets") {
    constexpr const char* lists[] = {"", "1.0", "1.1", "1.1,1.0", "1.2", "2.0,1.2,1.0", "1.2,1.1", "1.0,1.1,0.9,1.2"};
    for (unsigned ours = 1; ours != 8; ++ours) {
        for (unsigned theirs = 0; theirs != 8; ++theirs) {
            for (const std::string command : {"CONNECT", "STOMP"}) {
                CAPTURE(ours);
                CAPTURE(theirs);
                server_run run(server({.versions = set_of(ours)}));
                run.feed(framed(command + "\naccept-version:" + lists[theirs] + "\nhost:h\n\n"));
                const unsigned common = ours & theirs;
                if (common == 0) {
                    const std::string supported(set_of(ours).list());
                    check_lost(run, stomp::errc::no_common_version, 0, "version:" + supported + "\n");
                    continue;
                }
                const unsigned best = (common & 4U) != 0 ? 2 : (common & 2U) != 0 ? 1 : 0;
                CHECK(run.peer.version() == all_versions[best]);
                const std::string said =
                    best == 0 ? "" : "version:" + std::string(text_of(all_versions[best])) + "\nheart-beat:0,0\n";
                CHECK(run.take_frames() == lines{"CONNECTED\n" + said + "\n"});
                CHECK(run.log == lines{"connect host=h"});
                CHECK(run.complaint == "");
            }
        }
    }
}

TEST_CASE("S6: without accept-version the client speaks 1.0") {
    for (unsigned ours = 1; ours != 8; ++ours) {
        server_run run(server({.versions = set_of(ours)}));
        run.feed(framed("CONNECT\nlogin:u\npasscode:p\n\n"));
        if ((ours & 1U) != 0) {
            CHECK(run.log == lines{"connect login=u passcode=p"});
            CHECK(run.take_frames() == lines{"CONNECTED\n\n"});
            CHECK(run.peer.version() == version::v1_0);
        } else {
            check_lost(run, stomp::errc::no_common_version, 0, "version:" + std::string(set_of(ours).list()) + "\n");
        }
    }
}

TEST_CASE("S6: STOMP, which came with 1.1, has accept-version") {
    server_run run{server()};
    run.feed(framed("STOMP\nhost:h\n\n"));
    check_lost(run, stomp::errc::missing_header, 0, "", "accept-version");
}

TEST_CASE("S6: what accept-version lists is taken by the letter, and the first header counts") {
    struct {
        const char* headers;
        version chosen;
    } const cases[] = {
        {"accept-version:1.1,\n", version::v1_1},
        {"accept-version:,,1.2,,\n", version::v1_2},
        {"accept-version:1.2,1.2\n", version::v1_2},
        {"accept-version:1.1, 1.2\n", version::v1_1},
        {"accept-version:1.1\naccept-version:1.2\n", version::v1_1},
        {"accept-version:1.10,1.1\n", version::v1_1},
        {"Accept-Version:1.2\n", version::v1_0},
        {"accept-version:\n", version::unknown},
        {"accept-version: 1.2\n", version::unknown},
        {"accept-version:1.3,2.0,1\n", version::unknown},
    };
    for (const auto& each : cases) {
        CAPTURE(each.headers);
        server_run run{server()};
        run.feed(framed("CONNECT\nhost:h\n" + std::string(each.headers) + "\n"));
        CHECK(run.peer.version() == each.chosen);
        if (each.chosen == version::unknown) {
            check_lost(run, stomp::errc::no_common_version, 0, "version:1.0,1.1,1.2\n");
        }
    }
}

TEST_CASE("S6 S17: a client without a host is let in, and the event says so; or is refused, if that is wished") {
    for (const bool required : {false, true}) {
        for (const std::string_view versions : {"", "1.0", "1.1", "1.2", "1.0,1.1,1.2"}) {
            for (const std::string_view host : {"", "host:\n", "host:h\n", "Host:h\n", "host:\nhost:h\n"}) {
                CAPTURE(versions);
                CAPTURE(host);
                std::string seen = "none";
                server_run run(server({.require_host = required}), [&](server& peer, const stomp::server_event& event) {
                    if (event.kind != server_kind::connect) return;
                    CHECK(event.has_host() == (event.host.data() != nullptr));
                    if (event.has_host()) seen = std::string(event.host);
                    CHECK_FALSE(peer.accept());
                });
                const std::string list = versions.empty() ? "" : "accept-version:" + std::string(versions) + "\n";
                run.feed(framed("CONNECT\n" + list + std::string(host) + "\n"));
                const bool has_host = host.starts_with("host");
                const bool is_1_0 = versions.empty() || versions == "1.0";
                if (has_host || is_1_0 || !required) {
                    CHECK(run.peer.is_open());
                    CHECK(seen == (!has_host ? "none" : host == "host:h\n" ? "h" : ""));
                } else {
                    check_lost(run, stomp::errc::missing_header, 0, "", "host");
                }
            }
        }
    }
    // What the versions of both sides do not allow is told first.
    server_run run{server({.versions = {version::v1_0, version::v1_2}, .require_host = true})};
    run.feed(framed("CONNECT\naccept-version:1.1\n\n"));
    check_lost(run, stomp::errc::no_common_version, 0, "version:1.0,1.2\n");
}

TEST_CASE("S6 S17: the frames with which clients connect if they are not told more") {
    // @stomp/stompjs, and a client with CR LF.
    for (const std::string& text :
         {framed("CONNECT\naccept-version:1.2,1.1,1.0\nheart-beat:10000,10000\n\n"),
          framed("CONNECT\r\naccept-version:1.2,1.1,1.0\r\nheart-beat:10000,10000\r\n\r\n")}) {
        server_run run{server()};
        run.feed(text);
        CHECK(run.take_log() == lines{"connect"});
        CHECK(run.take_frames() == lines{"CONNECTED\nversion:1.2\nheart-beat:0,0\n\n"});
        CHECK(run.complaint == "");
    }
    // A token of the size that they have.
    const std::string token(5000, 'e');
    server_run run{server()};
    run.feed(connect_text("1.2", "login:u\npasscode:" + token + "\n"));
    CHECK(run.take_log() == lines{"connect host=h login=u passcode=" + token});
    server_run two{server()};
    two.feed(connect_text("1.2", "passcode:" + token + "\nx-token:" + token + "\nx-more:" + token + "\n"));
    CHECK(two.peer.is_open());
}

TEST_CASE("S5 S6: heart-beat is two numbers, and in 1.0 nothing at all") {
    for (const std::string_view bad : {"", "1", "1,", ",1", "1,2,3", "a,b", "-1,0", " 1,2", "1, 2", "1e3,0", "0x1,1"}) {
        CAPTURE(bad);
        const std::string header = "heart-beat:" + std::string(bad) + "\n";
        server_run run{server()};
        run.feed(connect_text("1.1", header));
        check_lost(run, stomp::errc::bad_heart_beat, 0);
        for (const std::string& old : {framed("CONNECT\n" + header + "\n"), connect_text("1.0", header)}) {
            server_run plain{server()};
            plain.feed(old);
            CHECK(plain.peer.is_open());
        }
    }
    server_run run{server()};
    run.feed(connect_text("1.2", "heart-beat:4294967295,0\nheart-beat:x\n"));
    CHECK(run.peer.is_open());
}

TEST_CASE("S5 S17: an interval of more than 32 bits is a very long one") {
    for (const std::string_view beats : {"4294967296,4294967296", "9223372036854775807,18446744073709551616",
                                         "99999999999999999999999,99999999999999999999999"}) {
        CAPTURE(beats);
        server_run run(server({.heart_beat = {1000, 1000}}));
        run.tick(0);
        run.feed(connect_text("1.2", "heart-beat:" + std::string(beats) + "\n"));
        REQUIRE(run.peer.is_open());
        run.tick(0);
        static_cast<void>(run.take_frames());
        // A quarter before the end of 32 bits, 49 days, a heart-beat is due, and never is the client lost.
        CHECK(run.peer.next_deadline() == 4294967295 - 4294967295 / 4);
        run.tick(run.peer.next_deadline());
        CHECK(run.take_frames() == lines{"\n"});
        run.tick(100'000'000'000);
        CHECK(run.peer.is_open());
    }
}

TEST_CASE("S6: the caller sees all of a CONNECT before anything is answered") {
    lines headers;
    server_run run(server(), [&](server& peer, const stomp::server_event& event) {
        REQUIRE(event.kind == server_kind::connect);
        headers = lines_of(event.headers);
        CHECK(peer.output().empty());
        CHECK(peer.state() == stomp::state::connecting);
        CHECK(peer.version() == version::unknown);
    });
    run.feed(connect_text("1.2,1.1", "login:u\\n\npasscode: p:\nlogin:other\nx-app:1\n"));
    CHECK(run.log == lines{"connect host=h login=u\\n passcode= p:"});
    CHECK(headers == lines{"accept-version:1.2,1.1", "host:h", "login:u\\n", "passcode: p:", "login:other", "x-app:1"});
    CHECK(run.sent.empty());
}

TEST_CASE("S6: between CONNECT and its answer nothing is taken, and nothing lost") {
    const std::string early = framed("SEND\ndestination:/a\n\nearly") + "\n";
    server_run run(server(), wait);
    run.feed(connect_text() + early);
    CHECK(run.left == early);
    run.feed("\n");
    run.feed(framed("BEGIN\ntransaction:t\n\n"));
    CHECK(run.log == lines{"connect host=h"});
    CHECK(run.left.size() == early.size() + 1 + framed("BEGIN\ntransaction:t\n\n").size());
    CHECK(run.peer.offset() == connect_text().size());

    REQUIRE_FALSE(run.peer.accept());
    run.feed("");
    CHECK(run.log ==
          lines{"connect host=h", "send destination=/a: early", "heart_beat", "heart_beat", "begin transaction=t"});
    CHECK(run.left.empty());
    CHECK(run.take_frames() == lines{"CONNECTED\nversion:1.2\nheart-beat:0,0\n\n"});
    CHECK(run.complaint == "");
}

TEST_CASE("S6: CONNECTED says what the caller wants it to, once") {
    const stomp::header headers[] = {{"x-a", "1:2"}, {"x-b", ""}};
    server_run run(server({.heart_beat = {100, 200}}), wait);
    CHECK(run.peer.accept() == stomp::errc::nothing_to_answer);
    run.feed(connect_text());
    const stomp::header bad_name[] = {{"a:b", "c"}};
    CHECK(run.peer.accept({.session = "two\nlines"}) == stomp::errc::bad_header);
    CHECK(run.peer.accept({.headers = bad_name}) == stomp::errc::bad_header);
    CHECK(run.peer.output().empty());
    CHECK_FALSE(run.peer.is_open());

    CHECK_FALSE(run.peer.accept({.session = "s-1", .server = "name/1.0", .headers = headers}));
    CHECK(run.peer.accept() == stomp::errc::nothing_to_answer);
    CHECK(run.take_frames() ==
          lines{"CONNECTED\nversion:1.2\nsession:s-1\nserver:name/1.0\nheart-beat:100,200\nx-a:1:2\nx-b:\n\n"});
}

TEST_CASE("S6 S13: the caller refuses with an ERROR of its own, after which nothing is read") {
    const stomp::header headers[] = {{"x-a", "1"}};
    server_run run(server(), [&](server& peer, const stomp::server_event& event) {
        if (event.kind != server_kind::connect) return;
        CHECK(peer.refuse("two\nlines") == stomp::errc::bad_header);
        CHECK(peer.output().empty());
        CHECK_FALSE(peer.refuse(
            {.message = "Bad login", .content_type = "text/plain", .headers = headers, .body = bytes_of("no\0pe", 5)}));
        CHECK(peer.refuse("again") == stomp::errc::not_open);
        CHECK(peer.accept() == stomp::errc::nothing_to_answer);
    });
    const std::string input = connect_text();
    run.feed(input + framed("SEND\ndestination:/a\n\n", "CONNECT\n\n"));
    CHECK(run.log == lines{"connect host=h", "lost error_sent @" + std::to_string(input.size())});
    CHECK(run.left.empty());
    CHECK(run.take_frames() ==
          lines{"ERROR\nmessage:Bad login\ncontent-type:text/plain\nx-a:1\ncontent-length:5\n\nno" +
                std::string("\0pe", 3)});
    CHECK(run.peer.error() == stomp::errc::error_sent);
    CHECK(run.peer.done());
    run.finish();
    CHECK(run.log.size() == 2);
    CHECK(run.complaint == "");
}

TEST_CASE("S13: a session can be refused before a CONNECT, and at any time after") {
    server_run before{server()};
    REQUIRE_FALSE(before.peer.refuse("Shutting down"));
    before.feed("");
    CHECK(before.log == lines{"lost error_sent @0"});
    CHECK(before.take_frames() == lines{"ERROR\nmessage:Shutting down\n\n"});

    server_run after = open_server();
    REQUIRE_FALSE(after.peer.refuse("Shutting down"));
    after.finish();
    CHECK(after.log.size() == 1);
    CHECK(after.take_frames() == lines{"ERROR\nmessage:Shutting down\n\n"});

    server_run leaving = open_server();
    leaving.feed(framed("DISCONNECT\n\n"));
    REQUIRE_FALSE(leaving.peer.refuse("Too late"));
    leaving.feed("");
    CHECK(leaving.log.back().starts_with("lost error_sent"));
}

TEST_CASE("S13: a server shuts a session down as its state asks for it") {
    const std::string error = error_frame(stomp::errc::shut_down);
    const auto end_of = [](server_run run) {
        run.peer.shut_down();
        run.peer.shut_down();
        CHECK(run.peer.state() == stomp::state::closed);
        CHECK(run.peer.accept() == stomp::errc::nothing_to_answer);
        run.feed("left" + connect_text());
        CHECK(run.log.back().starts_with("lost shut_down"));
        run.finish();
        CHECK(run.log.back().starts_with("lost shut_down"));
        const lines frames = run.take_frames();
        CHECK(run.peer.done());
        CHECK(run.complaint == "");
        return frames;
    };
    CHECK(end_of(server_run(server())) == lines{});
    server_run asked(server(), wait);
    asked.feed(connect_text());
    CHECK(end_of(std::move(asked)) == lines{error});
    CHECK(end_of(open_server()) == lines{error});

    server_run leaving = open_server();
    leaving.feed(framed("DISCONNECT\nreceipt:1\n\n"));
    leaving.peer.shut_down();
    leaving.finish();
    CHECK(leaving.log.back() == "closed");
    CHECK(leaving.take_frames() == lines{"RECEIPT\nreceipt-id:1\n\n"});
    CHECK_FALSE(leaving.peer.error());
}

TEST_CASE("S6: the first frame is CONNECT or STOMP") {
    for (const std::string command : {"SEND", "SUBSCRIBE", "UNSUBSCRIBE", "ACK", "NACK", "BEGIN", "COMMIT", "ABORT",
                                      "DISCONNECT", "CONNECTED", "MESSAGE", "RECEIPT", "ERROR"}) {
        CAPTURE(command);
        server_run run{server()};
        run.feed(framed(command + "\nid:1\ndestination:/a\ntransaction:t\n\n"));
        check_lost(run, stomp::errc::not_connected, 0);
    }
    // It is judged by its head: no body is waited for.
    server_run run{server()};
    run.feed("\n\r\nSEND\ndestination:/a\nreceipt:7\n\nbod");
    CHECK(run.take_log() == lines{"heart_beat", "heart_beat", "lost not_connected @3"});
    CHECK(run.take_frames() == lines{error_frame(stomp::errc::not_connected, "receipt-id:7\n")});
}

TEST_CASE("S6: there is one CONNECT") {
    for (const std::string command : {"CONNECT", "STOMP"}) {
        for (const std::string_view version : {"1.0", "1.1", "1.2"}) {
            server_run run = open_server(version);
            run.feed("\n" + framed(command + "\naccept-version:1.2\nhost:h\n\n"));
            REQUIRE(run.log.size() == 2);
            run.log.erase(run.log.begin());
            check_lost(run, stomp::errc::already_connected, connect_text(version).size() + 1);
        }
    }
}

TEST_CASE("S6: after DISCONNECT nothing comes but ends of line") {
    for (const std::string command : {"SEND", "SUBSCRIBE", "UNSUBSCRIBE", "ACK", "NACK", "BEGIN", "COMMIT", "ABORT",
                                      "DISCONNECT", "CONNECT", "STOMP", "CONNECTED", "MESSAGE", "RECEIPT", "ERROR"}) {
        CAPTURE(command);
        server_run run = open_server();
        const std::string goodbye = framed("DISCONNECT\n\n") + "\n\r\n";
        run.feed(goodbye);
        CHECK(run.take_log() == lines{"disconnect", "heart_beat", "heart_beat"});
        CHECK(run.peer.state() == stomp::state::disconnecting);
        run.feed(framed(command + "\nid:1\ndestination:/a\ntransaction:t\n\n"));
        check_lost(run, stomp::errc::after_disconnect, connect_text().size() + goodbye.size());
    }
}

TEST_CASE("S6: a client does not send what only a server sends, and no NACK in 1.0") {
    for (const std::string_view version : {"1.0", "1.1", "1.2"}) {
        for (const std::string command : {"CONNECTED", "MESSAGE", "RECEIPT", "ERROR", "NACK"}) {
            if (command == "NACK" && version != "1.0") continue;
            CAPTURE(command);
            server_run run = open_server(version);
            run.feed(framed(command + "\nmessage-id:1\nsubscription:1\ndestination:/a\nreceipt:r\n\n"));
            check_lost(run, stomp::errc::unexpected_command, connect_text(version).size(), "receipt-id:r\n");
        }
    }
}

TEST_CASE("S6: DISCONNECT ends a session, and so does the end of the input, but not as well") {
    server_run clean = open_server();
    clean.feed(framed("DISCONNECT\nreceipt:bye\n\n"));
    CHECK(clean.take_frames() == lines{"RECEIPT\nreceipt-id:bye\n\n"});
    CHECK(clean.peer.done());
    clean.finish();
    CHECK(clean.log == lines{"disconnect receipt=bye", "closed"});
    CHECK_FALSE(clean.peer.error());
    clean.finish();
    CHECK(clean.log.size() == 2);
    CHECK(clean.peer.deliver(1, {.destination = "/a"}).error == stomp::errc::not_open);

    struct {
        const char* input;
        const char* event;
    } const cases[] = {{"", "lost end_of_input @0"},
                       {"\n", "lost end_of_input @1"},
                       {"CONN", "lost truncated @4"},
                       {"CONNECT\nhost:h\n", "lost truncated @15"}};
    for (const auto& each : cases) {
        CAPTURE(each.input);
        server_run run{server()};
        run.feed(each.input);
        run.finish();
        CHECK(run.log.back() == each.event);
        CHECK(run.take_frames().empty());
        CHECK(run.peer.done());
    }
    for (const std::string more : {"", "SEND\ndestination:/a\n\nbody", "SEND\n"}) {
        server_run run = open_server();
        run.feed(more);
        run.finish();
        CHECK(run.log == lines{(more.empty() ? "lost end_of_input @" : "lost truncated @") +
                               std::to_string(connect_text().size() + more.size())});
    }
    server_run asked(server(), wait);
    asked.feed(connect_text());
    asked.finish();
    CHECK(asked.log.back() == "lost end_of_input @" + std::to_string(connect_text().size()));
    CHECK(asked.peer.accept() == stomp::errc::nothing_to_answer);
}

TEST_CASE("S6: a client that says goodbye and takes nothing any more is not waited for without end") {
    server_run run = open_server("1.2", {.disconnect_timeout = 500});
    run.drains = false;
    run.tick(1000);
    run.feed(framed("DISCONNECT\nreceipt:r\n\n"));
    CHECK_FALSE(run.peer.done());
    run.tick(2000); // the time when it came is not known
    CHECK(run.peer.next_deadline() == 2500);
    run.tick(2499);
    CHECK_FALSE(run.peer.done());
    run.tick(2500);
    CHECK(run.peer.done());
    CHECK(run.peer.next_deadline() == no_deadline);
    run.finish();
    CHECK(run.log == lines{"disconnect receipt=r", "closed"});
}

TEST_CASE("S15: CONNECT is read as any version, what follows as the one that was agreed on") {
    struct {
        std::string_view version;
        const char* destination;
    } const cases[] = {{"1.0", "\\c\\n\\q"}, {"1.1", ":\n"}, {"1.2", ":\n\r"}};
    for (const auto& each : cases) {
        CAPTURE(each.version);
        const std::string_view escapes = each.version == "1.0"   ? "\\c\\n\\q"
                                         : each.version == "1.1" ? "\\c\\n"
                                                                 : "\\c\\n\\r";
        for (const bool crlf : {false, true}) {
            const std::string end = crlf ? "\r\n" : "\n";
            server_run run{server()};
            run.feed("CONNECT" + end + "accept-version:" + std::string(each.version) + end + "host:\\c\\q" + end + end +
                     std::string(1, '\0') + framed("SEND\ndestination:" + std::string(escapes) + "\n\n"));
            CHECK(run.log == lines{"connect host=\\c\\q", "send destination=" + std::string(each.destination)});
        }
    }
    // A CR before the LF is data in 1.1, else a part of the end of line.
    for (const std::string_view version : {"1.0", "1.1", "1.2"}) {
        server_run run = open_server(version);
        run.feed(framed("SEND\ndestination:/a\r\n\n"));
        CHECK(run.log == lines{version == "1.1" ? "send destination=/a\r" : "send destination=/a"});
    }
}

TEST_CASE("S1: CR LF is an error in 1.1, and its sentence names the CR") {
    for (const std::string_view frame : {"SEND^\r\ndestination:/a\r\n\r\n", "SEND\ndestination:/a\n^\r\n", "^\r\n"}) {
        CAPTURE(frame);
        const marked_text marked{std::string(frame)};
        server_run run = open_server("1.1");
        run.feed(framed(marked.text));
        check_lost(run, stomp::errc::unexpected_cr, connect_text("1.1").size() + marked.place);
        CHECK(run.peer.error().sentence().find("carriage return") != std::string_view::npos);
    }
}

TEST_CASE("S15 S16: a client of 1.0 that writes as its document does") {
    server_run run{server()};
    run.feed(framed("CONNECT\nlogin: ada\npasscode:pw\n\n", "SUBSCRIBE\ndestination: /queue/foo\nack: client\n\n",
                    "SEND\ndestination: /queue/foo\ncontent-length: 5\nx: y \n\nhello"));
    CHECK(run.take_log() == lines{"connect login=ada passcode=pw", "subscribe #1 destination=/queue/foo client",
                                  "send destination=/queue/foo: hello"});
    deliver(run.peer);
    run.feed(framed("ACK\nmessage-id: 1\n\n", "BEGIN\ntransaction: t\n\n", "COMMIT\ntransaction: t\nreceipt: r \n\n",
                    "UNSUBSCRIBE\ndestination: /queue/foo\n\n", "DISCONNECT\n\n"));
    CHECK(run.take_log() == lines{"ack #1 message=1 cumulative", "begin transaction=t",
                                  "commit transaction=t receipt=r", "unsubscribe #1 destination=/queue/foo",
                                  "disconnect"});
    CHECK(run.take_frames().back() == "RECEIPT\nreceipt-id:r\n\n");

    server_run crlf{server()};
    crlf.feed(framed("CONNECT\r\n\r\n", "SEND\r\ndestination:/q\r\n\r\nx") + "\r\n");
    CHECK(crlf.take_log() == lines{"connect", "send destination=/q: x", "heart_beat"});
    CHECK(crlf.complaint == "");
}

TEST_CASE("S16: in 1.0 the body of a SUBSCRIBE is ignored") {
    const std::string frame = framed("SUBSCRIBE\ndestination:/a\nreceipt:r\n\nsome body");
    for (std::size_t cut = 0; cut <= frame.size(); ++cut) {
        server_run run = open_server("1.0");
        run.feed(std::string_view(frame).substr(0, cut));
        run.feed(std::string_view(frame).substr(cut));
        CHECK(run.take_log() == lines{"subscribe #1 destination=/a receipt=r auto"});
        CHECK(run.complaint == "");
    }
    for (const std::string_view version : {"1.1", "1.2"}) {
        server_run run = open_server(version);
        run.feed(framed("SUBSCRIBE\nid:1\ndestination:/a\n\nsome body"));
        CHECK(run.log.back().starts_with("lost unexpected_body"));
    }
}

// --- events

TEST_CASE("a SEND is handed out with its headers and its body, of any bytes") {
    lines headers;
    server_run run =
        open_server("1.2", {}, [&](server&, const stomp::server_event& event) { headers = lines_of(event.headers); });
    run.feed(framed("SEND\ndestination:/a\ncontent-type:text/plain\nx:1\\n2\nx:2\ndestination:/b\n\nhello"));
    CHECK(run.take_log() == lines{"send destination=/a type=text/plain: hello"});
    CHECK(headers == lines{"destination:/a", "content-type:text/plain", "x:1\n2", "x:2", "destination:/b"});
    const std::string body("a\0\n\xFF", 4);
    run.feed(framed("SEND\ndestination:/a\ncontent-length:4\n\n" + body));
    CHECK(run.take_log() == lines{"send destination=/a: " + body});
    run.feed(framed("SEND\ndestination:/a\n\n"));
    CHECK(run.take_log() == lines{"send destination=/a"});
}

TEST_CASE("SEND has a destination") {
    for (const std::string_view headers : {"", "destination:\n", "Destination:/a\n", "receipt:r\n"}) {
        server_run run = open_server();
        run.feed(framed("SEND\n" + std::string(headers) + "\nx"));
        check_lost(run, stomp::errc::missing_header, connect_text().size(),
                   headers == "receipt:r\n" ? "receipt-id:r\n" : "", "destination");
    }
}

// --- S7: receipts

TEST_CASE("S7: each frame but CONNECT is answered with its RECEIPT, in order, once the caller has handled it") {
    for (const std::string_view version : {"1.0", "1.1", "1.2"}) {
        CAPTURE(version);
        const std::string ack = version == "1.2" ? "id:1" : "message-id:1\nsubscription:s";
        const std::string nack = version == "1.2" ? "id:2" : "message-id:2\nsubscription:s";
        std::string input =
            framed("SUBSCRIBE\nid:s\ndestination:/a\nack:client\nreceipt:1\n\n", "SEND\ndestination:/a\nreceipt:2\n\nx",
                   "ACK\n" + ack + "\nreceipt:3\n\n", "BEGIN\ntransaction:t\nreceipt:4\n\n",
                   "SEND\ndestination:/a\ntransaction:t\nreceipt:5\n\nx", "COMMIT\ntransaction:t\nreceipt:6\n\n",
                   "BEGIN\ntransaction:t\n\n", "ABORT\ntransaction:t\nreceipt:7\n\n");
        if (version != "1.0") input += framed("NACK\n" + nack + "\nreceipt:8\n\n");
        input += "\n" + framed("UNSUBSCRIBE\nid:s\nreceipt:9\n\n", "DISCONNECT\nreceipt:10\n\n");

        lines sent; // in the order of events: a line per event, then what stands in the output
        server_run run = open_server(version);
        run.drains = false;
        run.react = [&](server& peer, const stomp::server_event& event) {
            for (const std::string& each : stomp_frames_in(take_output(peer))) sent.push_back(each);
            sent.push_back("> " + std::string(event.receipt));
            // Frames that the caller sends while it handles a frame go out before its RECEIPT.
            if (event.kind == server_kind::subscribe) deliver(peer), deliver(peer);
        };
        run.feed(connect_text().substr(0, 0) + input);
        lines expected;
        for (const std::string id : {"1", "2", "3", "4", "5", "6", "", "7", "8", "", "9", "10"}) {
            if (id == "8" && version == "1.0") continue;
            expected.push_back("> " + id);
            if (id == "1") expected.insert(expected.end(), {"message", "message"});
            if (!id.empty() && id != "10") expected.push_back("RECEIPT\nreceipt-id:" + id + "\n\n");
        }
        for (std::string& each : sent) {
            if (each.starts_with("MESSAGE\n")) each = "message";
        }
        CHECK(sent == expected);
        CHECK(run.take_frames() == lines{"RECEIPT\nreceipt-id:10\n\n"});
        CHECK(run.peer.done());
        CHECK(run.complaint == "");
    }
}

TEST_CASE("S7: CONNECT is not answered with a RECEIPT") {
    server_run run{server()};
    run.feed(connect_text("1.2", "receipt:1\n") + "\n" + framed("SEND\ndestination:/a\nreceipt:2\n\n"));
    CHECK(run.take_frames() == lines{"CONNECTED\nversion:1.2\nheart-beat:0,0\n\n", "RECEIPT\nreceipt-id:2\n\n"});
}

TEST_CASE("S7 S14: a receipt is said back as the version writes it") {
    struct {
        std::string_view version;
        const char* written;
    } const cases[] = {{"1.0", "a:b\\c \\n"}, {"1.1", "a\\cb\\\\\\n\r"}, {"1.2", "a\\cb\\\\\\n\\r"}};
    for (const auto& each : cases) {
        CAPTURE(each.version);
        server_run run = open_server(each.version);
        run.feed(framed("SEND\ndestination:/a\nreceipt:" + std::string(each.written) + "\n\n"));
        CHECK(run.take_frames() == lines{"RECEIPT\nreceipt-id:" + std::string(each.written) + "\n\n"});
    }
}

TEST_CASE("S7: the ERROR that the caller sends for a frame names its receipt") {
    server_run run = open_server("1.2", {}, [](server& peer, const stomp::server_event& event) {
        if (event.kind == server_kind::send) REQUIRE_FALSE(peer.refuse("No such destination"));
    });
    run.feed(framed("BEGIN\ntransaction:t\nreceipt:1\n\n", "SEND\ndestination:/a\nreceipt:2\n\n",
                    "SEND\ndestination:/a\nreceipt:3\n\n"));
    CHECK(run.take_frames() ==
          lines{"RECEIPT\nreceipt-id:1\n\n", "ERROR\nmessage:No such destination\nreceipt-id:2\n\n"});
    CHECK(run.log.back().starts_with("lost error_sent"));

    // Where there is none it names none.
    server_run later = open_server();
    later.feed(framed("SEND\ndestination:/a\nreceipt:1\n\n"));
    static_cast<void>(later.take_frames());
    REQUIRE_FALSE(later.peer.refuse("Shutting down"));
    CHECK(later.take_frames() == lines{"ERROR\nmessage:Shutting down\n\n"});
}

TEST_CASE("S7: the ERROR names the receipt of a frame whose body is wrong too, however it comes") {
    struct {
        const char* frame;
        stomp::errc what;
    } const cases[] = {
        {"SEND\ndestination:/a\nreceipt:77\ncontent-length:3\n\nabc^d", stomp::errc::body_not_terminated},
        {"BEGIN\ntransaction:t\nreceipt:77\n\n^body", stomp::errc::unexpected_body},
        {"SEND\ndestination:/a\nreceipt:77\n\n0123456789^a", stomp::errc::body_too_large},
    };
    const std::string before = framed("SEND\ndestination:/a\nreceipt:1\n\n");
    for (const auto& each : cases) {
        const marked_text frame(framed(each.frame));
        for (std::size_t cut = 0; cut <= frame.text.size(); ++cut) {
            CAPTURE(each.frame);
            CAPTURE(cut);
            server_run run = open_server("1.2", {.limits = {.body = 10}});
            run.feed(before);
            static_cast<void>(run.take_log());
            static_cast<void>(run.take_frames());
            run.feed(std::string_view(frame.text).substr(0, cut));
            run.feed(std::string_view(frame.text).substr(cut));
            check_lost(run, each.what, connect_text().size() + before.size() + frame.place, "receipt-id:77\n");
        }
    }
    // A head that is wrong tells no receipt, least of all that of the frame before.
    server_run run = open_server();
    run.feed(framed("SEND\ndestination:/a\nreceipt:1\n\n", "SEND\nreceipt:2\nreceipt\n\n"));
    CHECK(run.take_frames() == lines{"RECEIPT\nreceipt-id:1\n\n", error_frame(stomp::errc::missing_colon)});
    server_run between = open_server();
    between.feed(framed("SEND\ndestination:/a\nreceipt:1\n\n") + "\rSEND");
    CHECK(between.take_frames() == lines{"RECEIPT\nreceipt-id:1\n\n", error_frame(stomp::errc::bare_cr)});
}

TEST_CASE("S7: an ERROR goes out without a receipt that it cannot carry") {
    // A CR is data in a header of 1.0, but cannot be written in one.
    const std::string frame = framed("SEND\nreceipt:7\r8\n\n");
    server_run run = open_server("1.0");
    run.feed(frame);
    check_lost(run, stomp::errc::missing_header, connect_text("1.0").size(), "", "destination");

    server_run refused = open_server("1.0", {}, [](server& peer, const stomp::server_event& event) {
        if (event.kind == server_kind::send) CHECK_FALSE(peer.refuse("no"));
    });
    refused.feed(framed("SEND\ndestination:/a\nreceipt:7\r8\n\n"));
    CHECK(refused.take_frames() == lines{"ERROR\nmessage:no\n\n"});
}

TEST_CASE("S7: the caller can send RECEIPTs of its own, late and in any order") {
    server_run run = open_server("1.2", {.automatic_receipts = false});
    run.feed(framed("SEND\ndestination:/a\nreceipt:1\n\n", "SEND\ndestination:/a\nreceipt:2\n\n",
                    "DISCONNECT\nreceipt:3\n\n"));
    CHECK(run.log == lines{"send destination=/a receipt=1", "send destination=/a receipt=2", "disconnect receipt=3"});
    CHECK(run.take_frames().empty());
    CHECK_FALSE(run.peer.done());
    CHECK(run.peer.receipt({}) == stomp::errc::missing_header);
    CHECK_FALSE(run.peer.receipt("2"));
    CHECK_FALSE(run.peer.receipt("1"));
    CHECK(run.take_frames() == lines{"RECEIPT\nreceipt-id:2\n\n", "RECEIPT\nreceipt-id:1\n\n"});
    CHECK_FALSE(run.peer.done());
    CHECK_FALSE(run.peer.receipt("3"));
    CHECK_FALSE(run.peer.done());
    run.drain();
    CHECK(run.peer.done());
    run.finish();
    CHECK(run.log.back() == "closed");
    CHECK(run.peer.receipt("4") == stomp::errc::not_open);
    CHECK(run.peer.output().empty());

    server_run early{server()};
    CHECK(early.peer.receipt("1") == stomp::errc::not_open);
}

TEST_CASE("S7: a caller that sends its own RECEIPTs names the one of an ERROR") {
    const auto react = [](server& peer, const stomp::server_event& event) {
        if (event.kind != server_kind::send) return;
        REQUIRE_FALSE(peer.refuse({.message = "no", .receipt = event.receipt}));
    };
    server_run run = open_server("1.2", {.automatic_receipts = false}, react);
    run.feed(framed("BEGIN\ntransaction:t\nreceipt:1\n\n", "SEND\ndestination:/a\nreceipt:2\n\n"));
    CHECK(run.take_frames() == lines{"ERROR\nmessage:no\nreceipt-id:2\n\n"});

    // And it is never that of another frame.
    server_run after = open_server("1.2", {.automatic_receipts = false});
    after.feed(framed("DISCONNECT\nreceipt:1\n\n", "SEND\ndestination:/a\n\n"));
    CHECK(after.take_frames() == lines{error_frame(stomp::errc::after_disconnect)});
    server_run named = open_server("1.2", {.automatic_receipts = false});
    named.feed(framed("DISCONNECT\nreceipt:1\n\n", "SEND\ndestination:/a\nreceipt:2\n\n"));
    CHECK(named.take_frames() == lines{error_frame(stomp::errc::after_disconnect, "receipt-id:2\n")});
}

TEST_CASE("S7: a receipt that has no room waits, and nothing is read meanwhile; no session is lost by it") {
    for (const std::size_t room : {std::size_t{600}, std::size_t{700}, std::size_t{1000}}) {
        server_run run = open_server("1.2", {.output = room});
        run.drains = false;
        std::string all;
        lines expected;
        for (int i = 0; i != 100; ++i) {
            all += framed("BEGIN\ntransaction:" + std::to_string(i) + "\nreceipt:" + std::to_string(i) + "\n\n");
            expected.push_back("RECEIPT\nreceipt-id:" + std::to_string(i) + "\n\n");
        }
        run.feed(all);
        CHECK(run.log.size() < 50);
        CHECK(!run.left.empty());
        CHECK(run.peer.waiting() <= room - 512);
        // Without progress nothing is taken, however often it is asked.
        const std::string left = run.left;
        run.feed("");
        CHECK(run.left == left);
        // The client reads slowly.
        std::size_t rounds = 0;
        while (!run.left.empty() || run.peer.waiting() != 0) {
            run.drain(7);
            run.feed("");
            REQUIRE(run.peer.waiting() <= room - 512);
            REQUIRE(++rounds < 10'000);
        }
        CHECK(run.peer.is_open());
        CHECK(run.log.size() == 100);
        CHECK(run.take_frames() == expected);
        CHECK(run.complaint == "");
    }
}

TEST_CASE("S5 S7: a client that reads slowly lives, although nothing of it is read while a receipt waits") {
    for (const bool reads : {true, false}) {
        server_run run(server({.heart_beat = {0, 100}, .output = 800}));
        run.tick(0);
        run.feed(connect_text("1.2", "heart-beat:100,0\n"));
        run.drain();
        run.drains = false;
        run.tick(0);
        std::string all;
        for (int i = 0; i != 20; ++i) all += framed("SEND\ndestination:/a\nreceipt:" + std::string(100, 'r') + "\n\n");
        run.feed(all);
        REQUIRE(!run.left.empty());
        const std::string left = run.left;
        for (instant now = 0; now != 2000; now += 50) {
            if (reads && run.peer.waiting() > 1) run.drain(1);
            run.tick(now);
        }
        CHECK(run.left == left);
        CHECK(run.peer.is_open() == reads);
        if (!reads) CHECK(run.peer.error() == stomp::errc::heart_beat_timeout);
    }
}

TEST_CASE("S4 S5: a client that takes output which waits lives, and so does one whose bytes wait to be read") {
    for (const std::string_view sign : {"takes", "waits", "none"}) {
        server_run run(server({.heart_beat = {0, 100}}));
        run.tick(0);
        run.feed(connect_text("1.2", "heart-beat:100,0\n"));
        run.drain();
        run.drains = false;
        run.feed(framed("SUBSCRIBE\nid:1\ndestination:/a\n\n"));
        run.tick(0);
        REQUIRE_FALSE(run.peer.deliver(1, {.destination = "/a", .body = bytes_of(std::string(1000, 'x'))}).error);
        for (instant now = 0; now != 2000; now += 50) {
            if (sign == "takes") run.drain(1);
            if (sign == "waits") run.peer.hold_input();
            run.tick(now);
        }
        CHECK(run.peer.is_open() == (sign != "none"));
        if (sign == "none") CHECK(run.peer.error() == stomp::errc::heart_beat_timeout);
    }
}

TEST_CASE("S7: messages may fill the output, and a client that reads slowly still gets its receipts, first of all") {
    server_run run = open_server("1.2", {.output = 2000});
    run.drains = false;
    run.feed(framed("SUBSCRIBE\nid:1\ndestination:/a\n\n"));
    const auto fill = [&] {
        while (!run.peer.deliver(1, {.destination = "/a"}).error) {
        }
    };
    fill();
    const std::string id(60, 'r'); // for which there is no room beside the messages
    run.feed(framed("SEND\ndestination:/a\nreceipt:1" + id + "\n\n", "SEND\ndestination:/a\nreceipt:2" + id + "\n\n") +
             "\n");
    CHECK(run.take_log() == lines{"subscribe #1 id=1 destination=/a auto", "send destination=/a receipt=1" + id});
    // The room of bytes that were sent goes to the receipt before the caller can use it.
    for (int i = 0; i != 5000; ++i) {
        run.drain(1);
        fill();
        run.feed("");
    }
    CHECK(run.log == lines{"send destination=/a receipt=2" + id, "heart_beat"});
    CHECK(run.sent.find("receipt-id:1r") < run.sent.find("receipt-id:2r"));
    CHECK(run.sent.find("receipt-id:2r") != std::string::npos);
    CHECK(run.peer.is_open());
    CHECK(run.complaint == "");
}

TEST_CASE("S7: a receipt for which an empty output is too small ends the session") {
    server_run run = open_server("1.2", {.output = 600});
    const std::string id(300, 'r');
    run.feed(framed("SEND\ndestination:/a\nreceipt:" + id + "\n\n"));
    REQUIRE(run.log.size() == 2);
    CHECK(run.log.back().starts_with("lost output_full"));
    // There is room for the ERROR, and even for the receipt in it.
    CHECK(run.take_frames() == lines{error_frame(stomp::errc::output_full, "receipt-id:" + id + "\n")});
}

TEST_CASE("S7: the client may end its side and still gets the receipt of its last frame, and what waits before it") {
    for (const std::size_t room : {std::size_t{640}, std::size_t{100'000}}) {
        server_run run = open_server("1.2", {.output = room});
        run.drains = false;
        run.feed(framed("SUBSCRIBE\nid:1\ndestination:/a\n\n"));
        std::size_t delivered = 0;
        while (delivered < 10 && !run.peer.deliver(1, {.destination = "/a"}).error) ++delivered;
        std::string last = framed("SEND\ndestination:/a\nreceipt:1\n\n");
        bytes in = bytes_of(last.data(), last.size());
        REQUIRE(run.peer.next(in).kind == server_kind::send);
        run.finish();
        CHECK(run.log.back().starts_with("lost end_of_input"));
        CHECK_FALSE(run.peer.done());
        const lines frames = run.take_frames();
        REQUIRE(frames.size() == delivered + 1);
        CHECK(frames.back() == "RECEIPT\nreceipt-id:1\n\n");
        CHECK(run.peer.done());
    }
    // Also if nothing else waits.
    server_run alone = open_server();
    std::string only = framed("SEND\ndestination:/a\nreceipt:1\n\n");
    bytes rest = bytes_of(only.data(), only.size());
    REQUIRE(alone.peer.next(rest).kind == server_kind::send);
    alone.finish();
    CHECK(alone.take_frames() == lines{"RECEIPT\nreceipt-id:1\n\n"});
    CHECK(alone.peer.done());
    // The session does not wait for a receipt that cannot be written.
    server_run old = open_server("1.0");
    std::string odd = framed("SEND\ndestination:/a\nreceipt:7\r8\n\n");
    rest = bytes_of(odd.data(), odd.size());
    REQUIRE(old.peer.next(rest).kind == server_kind::send);
    old.finish();
    CHECK(old.take_frames().empty());
    CHECK(old.peer.done());
    // A client that takes nothing any more is not waited for without end.
    server_run gone = open_server("1.2", {.output = 600, .disconnect_timeout = 500});
    gone.drains = false;
    gone.feed(framed("SEND\ndestination:/a\nreceipt:12345678901234567890\n\n",
                     "SEND\ndestination:/a\nreceipt:12345678901234567890\n\n",
                     "SEND\ndestination:/a\nreceipt:12345678901234567890\n\n") +
              "\n");
    CHECK(!gone.left.empty());
    gone.finish();
    gone.tick(0);
    gone.tick(499);
    CHECK_FALSE(gone.peer.done());
    gone.tick(500);
    CHECK(gone.peer.done());
}

TEST_CASE("S7: an ERROR for another reason does not name the receipt of a frame that was handled") {
    server_run run = open_server("1.2", {.output = 580});
    run.drains = false;
    run.feed(framed("SEND\ndestination:/a\nreceipt:123456789012345\n\n",
                    "SEND\ndestination:/a\nreceipt:123456789012345\n\n") +
             "\n");
    REQUIRE(!run.left.empty());
    REQUIRE_FALSE(run.peer.refuse("The server ends"));
    CHECK(run.take_frames() == lines{"RECEIPT\nreceipt-id:123456789012345\n\n", "ERROR\nmessage:The server ends\n\n"});
    run.feed("");
    CHECK(run.log.back().starts_with("lost error_sent"));
    CHECK(run.peer.done());
}

// --- S8: subscriptions

TEST_CASE("S8: a subscription has an id of its own") {
    for (const std::string_view version : {"1.0", "1.1", "1.2"}) {
        CAPTURE(version);
        server_run run = open_server(version);
        run.feed(framed("SUBSCRIBE\nid:0\ndestination:/a\n\n", "SUBSCRIBE\nid:1\ndestination:/a\nack:auto\n\n",
                        "SUBSCRIBE\nid:a\\\\b\ndestination:/b\nack:client\n\n", "UNSUBSCRIBE\nid:0\n\n",
                        "SUBSCRIBE\nid:0\ndestination:/c\n\n"));
        const std::string id = version == "1.0" ? "a\\\\b" : "a\\b";
        CHECK(run.take_log() == lines{"subscribe #1 id=0 destination=/a auto", "subscribe #2 id=1 destination=/a auto",
                                      "subscribe #3 id=" + id + " destination=/b client", "unsubscribe #1 id=0",
                                      "subscribe #4 id=0 destination=/c auto"});
        CHECK(names_in(run.peer.subscriptions()) == lines{"1", id, "0"});
        const std::uint64_t offset = run.peer.offset();
        run.feed(framed("SUBSCRIBE\nid:1\ndestination:/other\nreceipt:r\n\n"));
        check_lost(run, stomp::errc::repeated_subscription, offset, "receipt-id:r\n");
    }
}

TEST_CASE("S8: what is not subscribed to cannot be ended") {
    for (const std::string_view version : {"1.0", "1.1", "1.2"}) {
        for (const std::string_view id : {"0", "11", "1 ", "", "/a"}) {
            if (id == "1 " && version == "1.0") continue;
            CAPTURE(version);
            CAPTURE(id);
            server_run run = open_server(version);
            run.feed(framed("SUBSCRIBE\nid:1\ndestination:/a\n\n"));
            static_cast<void>(run.take_log());
            const std::uint64_t offset = run.peer.offset();
            run.feed(framed("UNSUBSCRIBE\nid:" + std::string(id) + "\n\n"));
            const std::string_view missing = !id.empty() ? "" : version == "1.0" ? "destination" : "id";
            check_lost(run, id.empty() ? stomp::errc::missing_header : stomp::errc::unknown_subscription, offset, "",
                       missing);
        }
        server_run run = open_server(version);
        run.feed(framed("SUBSCRIBE\nid:1\ndestination:/a\n\n", "UNSUBSCRIBE\nid:1\n\n"));
        const std::uint64_t offset = run.peer.offset();
        run.feed(framed("UNSUBSCRIBE\nid:1\n\n"));
        CHECK(run.log.back() == "lost unknown_subscription @" + std::to_string(offset));
    }
}

TEST_CASE("S8: SUBSCRIBE has a destination and, since 1.1, an id") {
    for (const std::string_view version : {"1.0", "1.1", "1.2"}) {
        CAPTURE(version);
        server_run none = open_server(version);
        none.feed(framed("SUBSCRIBE\nid:1\n\n"));
        check_lost(none, stomp::errc::missing_header, connect_text(version).size(), "", "destination");
        server_run run = open_server(version);
        run.feed(framed("SUBSCRIBE\ndestination:/a\n\n"));
        if (version == "1.0") {
            CHECK(run.log == lines{"subscribe #1 destination=/a auto"});
        } else {
            check_lost(run, stomp::errc::missing_header, connect_text(version).size(), "", "id");
        }
        server_run unsubscribe = open_server(version);
        unsubscribe.feed(framed("SUBSCRIBE\nid:1\ndestination:/a\n\n"));
        static_cast<void>(unsubscribe.take_log());
        const std::uint64_t offset = unsubscribe.peer.offset();
        unsubscribe.feed(framed("UNSUBSCRIBE\ndestination:/a\n\n"));
        if (version == "1.0") {
            CHECK(unsubscribe.log == lines{"unsubscribe #1 destination=/a"});
        } else {
            check_lost(unsubscribe, stomp::errc::missing_header, offset, "", "id");
        }
    }
}

TEST_CASE("S8: in 1.0 a destination stands for an id that is missing") {
    server_run run = open_server("1.0");
    run.feed(framed("SUBSCRIBE\ndestination:/a\nack:client\n\n", "SUBSCRIBE\nid:/a\ndestination:/a\n\n",
                    "SUBSCRIBE\ndestination:/b\n\n"));
    CHECK(run.take_log() == lines{"subscribe #1 destination=/a client", "subscribe #2 id=/a destination=/a auto",
                                  "subscribe #3 destination=/b auto"});
    deliver(run.peer, 1);
    deliver(run.peer, 2);
    CHECK(run.take_frames() == lines{"MESSAGE\nmessage-id:1\ndestination:/a\ncontent-length:1\n\nx",
                                     "MESSAGE\nsubscription:/a\nmessage-id:2\ndestination:/a\ncontent-length:1\n\nx"});
    run.feed(framed("UNSUBSCRIBE\ndestination:/a\n\n"));
    CHECK(run.take_log() == lines{"unsubscribe #1 destination=/a"});
    CHECK(run.peer.deliver(1, {.destination = "/a"}).error == stomp::errc::unknown_subscription);
    deliver(run.peer, 2);
    run.feed(framed("SUBSCRIBE\ndestination:/b\n\n"));
    CHECK(run.log.back().starts_with("lost repeated_subscription"));
}

TEST_CASE("S8 S16: in 1.0 a destination ends a subscription that has an id, too: the oldest, and one without first") {
    server_run run = open_server("1.0");
    const auto ended = [&](std::string_view headers) {
        run.feed(framed("UNSUBSCRIBE\n" + std::string(headers) + "\n\n"));
        return run.take_log().back();
    };
    run.feed(framed("SUBSCRIBE\nid:9\ndestination:/a\n\n", "SUBSCRIBE\nid:1\ndestination:/a\n\n",
                    "SUBSCRIBE\ndestination:/a\n\n", "SUBSCRIBE\nid:2\ndestination:/ab\n\n",
                    "SUBSCRIBE\nid:3\ndestination:/\n\n", "SUBSCRIBE\nid:5\ndestination:/a\n\n"));
    CHECK(ended("destination:/a") == "unsubscribe #3 destination=/a");
    CHECK(ended("destination:/a") == "unsubscribe #1 destination=/a");
    CHECK(run.peer.deliver(1, {.destination = "/a"}).error == stomp::errc::unknown_subscription);
    deliver(run.peer, 2);
    // By its id it ends for the destination, too; and what has gone may come again.
    CHECK(ended("id:1\ndestination:/ab") == "unsubscribe #2 id=1 destination=/ab");
    run.feed(framed("SUBSCRIBE\nid:9\ndestination:/a\n\n"));
    CHECK(ended("destination:/a") == "unsubscribe #6 destination=/a");
    CHECK(ended("destination:/a") == "unsubscribe #7 destination=/a");
    CHECK(names_in(run.peer.subscriptions()) == lines{"2", "3"});
    CHECK(ended("destination:/") == "unsubscribe #5 destination=/");
    CHECK(ended("destination:/a").starts_with("lost unknown_subscription"));
}

TEST_CASE("S8 S16: with many subscriptions, the oldest each time") {
    server_run run = open_server("1.0");
    std::vector<std::pair<std::string, std::string>> model; // id and destination
    std::mt19937 random(1);
    for (int step = 0; step != 3000; ++step) {
        const std::string destination = "/" + std::string(random() % 4, 'd');
        const bool grows = step / 300 % 2 == 0;
        if (random() % 4 < (grows ? 3 : 1)) {
            const std::string id = std::to_string(random() % 5000);
            if (std::count_if(model.begin(), model.end(), [&](const auto& each) { return each.first == id; }) != 0)
                continue;
            run.feed(framed("SUBSCRIBE\nid:" + id + "\ndestination:" + destination + "\n\n"));
            model.emplace_back(id, destination);
        } else if (random() % 2 == 0 && !model.empty()) {
            const auto chosen = model.begin() + static_cast<std::ptrdiff_t>(random() % model.size());
            run.feed(framed("UNSUBSCRIBE\nid:" + chosen->first + "\n\n"));
            model.erase(chosen);
        } else {
            const auto oldest =
                std::find_if(model.begin(), model.end(), [&](const auto& each) { return each.second == destination; });
            if (oldest == model.end()) continue;
            run.feed(framed("UNSUBSCRIBE\ndestination:" + destination + "\n\n"));
            model.erase(oldest);
        }
        lines ids;
        for (const auto& each : model) ids.push_back(each.first);
        REQUIRE(names_in(run.peer.subscriptions()) == ids);
    }
}

TEST_CASE("S8: the modes of acknowledgement are those of the version") {
    for (const std::string_view version : {"1.0", "1.1", "1.2"}) {
        for (const std::string_view mode :
             {"auto", "client", "client-individual", "", "Auto", "individual", "client ", "none"}) {
            if (mode == "client " && version == "1.0") continue;
            CAPTURE(version);
            CAPTURE(mode);
            server_run run = open_server(version);
            run.feed(framed("SUBSCRIBE\nid:1\ndestination:/a\nack:" + std::string(mode) + "\n\n"));
            const bool known = mode == "auto" || mode == "client" || (mode == "client-individual" && version != "1.0");
            if (known) {
                CHECK(run.log == lines{"subscribe #1 id=1 destination=/a " + std::string(mode)});
            } else {
                check_lost(run, stomp::errc::bad_ack_mode, connect_text(version).size());
            }
        }
    }
}

// --- S9: acknowledgements

namespace {

// The headers by which a version names a message.
std::string ack_headers(std::string_view version, std::uint64_t number, std::string_view subscription) {
    const std::string text = std::to_string(number);
    if (version == "1.2") return "id:" + text + "\n";
    return "message-id:" + text + "\n" + (version == "1.1" ? "subscription:" + std::string(subscription) + "\n" : "");
}

std::string ack(std::string_view version, std::uint64_t number, std::string_view subscription,
                std::string_view more = {}, std::string_view command = "ACK") {
    return framed(std::string(command) + "\n" + ack_headers(version, number, subscription) + std::string(more) + "\n");
}

// Two subscriptions, "a" (#1) and "b" (#2), with messages delivered to them by turns: odd numbers to "a".
server_run with_messages(std::string_view version, std::string_view mode, unsigned messages) {
    server_run run = open_server(version);
    const std::string ack = "\nack:" + std::string(mode) + "\n\n";
    run.feed(framed("SUBSCRIBE\nid:a\ndestination:/a" + ack, "SUBSCRIBE\nid:b\ndestination:/a" + ack));
    for (unsigned i = 0; i != messages; ++i) REQUIRE(deliver(run.peer, 1 + i % 2) == i + 1);
    static_cast<void>(run.take_log());
    static_cast<void>(run.take_frames());
    return run;
}

} // namespace

TEST_CASE("S9: a MESSAGE says how it is acknowledged, as the version wants it") {
    for (const std::string_view version : {"1.0", "1.1", "1.2"}) {
        for (const std::string_view mode : {"auto", "client", "client-individual"}) {
            if (mode == "client-individual" && version == "1.0") continue;
            server_run run = with_messages(version, mode, 0);
            const stomp::header more[] = {{"x", "1"}};
            const auto done = run.peer.deliver(2, {.destination = "/a",
                                                   .message_id = "mine",
                                                   .subscription = "mine",
                                                   .ack = "mine",
                                                   .content_type = "text/plain",
                                                   .headers = more,
                                                   .body = bytes_of("x")});
            CHECK(done.number == 1);
            const std::string ack = version == "1.2" && mode != "auto" ? "ack:1\n" : "";
            CHECK(run.take_frames() == lines{"MESSAGE\nsubscription:b\nmessage-id:1\ndestination:/a\n" + ack +
                                             "content-type:text/plain\nx:1\ncontent-length:1\n\nx"});
            CHECK(run.peer.unacknowledged() == (mode == "auto" ? 0 : 1));
        }
    }
}

TEST_CASE("S9: in client mode an acknowledgement is of all messages of the subscription up to its own") {
    for (const std::string_view version : {"1.0", "1.1", "1.2"}) {
        CAPTURE(version);
        server_run run = with_messages(version, "client", 10);
        CHECK(run.peer.unacknowledged() == 10);
        run.feed(ack(version, 5, "a"));
        CHECK(run.take_log() == lines{"ack #1 message=5 cumulative"});
        CHECK(run.peer.unacknowledged() == 7); // 2 4 6 8 10 of b, and 7 9
        run.feed(ack(version, 4, "b", "receipt:r\n"));
        CHECK(run.take_log() == lines{"ack #2 message=4 cumulative receipt=r"});
        CHECK(run.peer.unacknowledged() == 5);
        run.feed(ack(version, 9, "a") + ack(version, 10, "b"));
        CHECK(run.take_log() == lines{"ack #1 message=9 cumulative", "ack #2 message=10 cumulative"});
        CHECK(run.peer.unacknowledged() == 0);
        if (version == "1.0") continue;
        server_run nack = with_messages(version, "client", 4);
        nack.feed(ack(version, 3, "a", "", "NACK"));
        CHECK(nack.take_log() == lines{"nack #1 message=3 cumulative"});
        CHECK(nack.peer.unacknowledged() == 2);
    }
}

TEST_CASE("S9: in client-individual mode an acknowledgement is of one message") {
    for (const std::string_view version : {"1.1", "1.2"}) {
        server_run run = with_messages(version, "client-individual", 6);
        run.feed(ack(version, 5, "a") + ack(version, 2, "b", "", "NACK") + ack(version, 1, "a"));
        CHECK(run.take_log() == lines{"ack #1 message=5", "nack #2 message=2", "ack #1 message=1"});
        CHECK(run.peer.unacknowledged() == 3);
        run.feed(ack(version, 6, "b") + ack(version, 3, "a") + ack(version, 4, "b"));
        CHECK(run.peer.unacknowledged() == 0);
        CHECK(run.log.size() == 3);
    }
}

TEST_CASE("S9: what does not wait for an acknowledgement cannot get one") {
    for (const std::string_view version : {"1.0", "1.1", "1.2"}) {
        CAPTURE(version);
        struct {
            const char* id;
            const char* subscription;
            stomp::errc what;
        } const cases[] = {
            {"7", "a", stomp::errc::unknown_acknowledgement},  // not delivered yet
            {"0", "a", stomp::errc::unknown_acknowledgement},  // never
            {"1", "a", stomp::errc::unknown_acknowledgement},  // acknowledged already, by a later one
            {"3", "a", stomp::errc::unknown_acknowledgement},  // by itself
            {"05", "a", stomp::errc::unknown_acknowledgement}, // not as it was given
            {"+5", "a", stomp::errc::unknown_acknowledgement},
            {"5 ", "a", stomp::errc::unknown_acknowledgement},
            {"18446744073709551621", "a", stomp::errc::unknown_acknowledgement}, // 5 + 2^64
            {"x", "a", stomp::errc::unknown_acknowledgement},
            {"", "a", stomp::errc::missing_header},
        };
        for (const auto& each : cases) {
            if (each.id == std::string_view("5 ") && version == "1.0") continue;
            CAPTURE(each.id);
            server_run run = with_messages(version, "client", 6);
            run.feed(ack(version, 3, "a"));
            static_cast<void>(run.take_log());
            const std::uint64_t offset = run.peer.offset();
            const std::string name = version == "1.2" ? "id:" : "message-id:";
            run.feed(framed("ACK\n" + name + each.id + "\nsubscription:" + each.subscription + "\nreceipt:r\n\n"));
            const bool misses = each.what == stomp::errc::missing_header;
            check_lost(run, each.what, offset, "receipt-id:r\n",
                       misses ? std::string_view(name).substr(0, name.size() - 1) : std::string_view());
        }
    }
    server_run automatic = with_messages("1.2", "auto", 2);
    automatic.feed(ack("1.2", 1, "a"));
    CHECK(automatic.log.back().starts_with("lost unknown_acknowledgement"));
}

TEST_CASE("S9: each version names a message by its own headers") {
    struct {
        std::string_view version;
        const char* headers;
        stomp::errc what;
        const char* missing = "";
    } const cases[] = {
        {"1.2", "message-id:1\nsubscription:a\n", stomp::errc::missing_header, "id"},
        {"1.1", "id:1\nsubscription:a\n", stomp::errc::missing_header, "message-id"},
        {"1.1", "message-id:1\n", stomp::errc::missing_header, "subscription"},
        {"1.1", "message-id:1\nsubscription:c\n", stomp::errc::unknown_subscription},
        {"1.1", "message-id:1\nsubscription:b\n", stomp::errc::unknown_acknowledgement}, // it is one of a
        {"1.0", "id:1\n", stomp::errc::missing_header, "message-id"},
        {"1.0", "", stomp::errc::missing_header, "message-id"},
    };
    for (const auto& each : cases) {
        CAPTURE(each.headers);
        server_run run = with_messages(each.version, "client", 2);
        const std::uint64_t offset = run.peer.offset();
        run.feed(framed("ACK\n" + std::string(each.headers) + "\n"));
        check_lost(run, each.what, offset, "", each.missing);
    }
}

TEST_CASE("S9: with the end of a subscription nothing of it waits any more") {
    server_run run = with_messages("1.2", "client", 6);
    run.feed(framed("UNSUBSCRIBE\nid:a\n\n"));
    CHECK(run.peer.unacknowledged() == 3);
    run.feed(ack("1.2", 6, "b"));
    CHECK(run.peer.unacknowledged() == 0);
    CHECK(run.take_log() == lines{"unsubscribe #1 id=a", "ack #2 message=6 cumulative"});
}

TEST_CASE("S9: what was delivered before UNSUBSCRIBE can be acknowledged after it, once and without effect") {
    for (const std::string_view version : {"1.0", "1.1", "1.2"}) {
        for (const std::string_view mode : {"client", "client-individual"}) {
            if (version == "1.0" && mode == "client-individual") continue;
            CAPTURE(version);
            CAPTURE(mode);
            const bool cumulative = mode == "client";
            const std::string tail = cumulative ? " cumulative" : "";
            const auto after_unsubscribe = [&] {
                server_run run = with_messages(version, mode, 10); // 1 3 5 7 9 of a
                run.feed(ack(version, 3, "a") + framed("UNSUBSCRIBE\nid:a\n\n"));
                CHECK(run.peer.unacknowledged() == 5);
                static_cast<void>(run.take_log());
                return run;
            };
            server_run run = after_unsubscribe();
            run.feed(ack(version, 7, "a", "receipt:r\n"));
            CHECK(run.take_log() == lines{"late_ack #1 message=7" + tail + " receipt=r"});
            CHECK(run.take_frames() == lines{"RECEIPT\nreceipt-id:r\n\n"});
            CHECK(run.peer.unacknowledged() == 5);
            run.feed(ack(version, 4, "b") + ack(version, 9, "a", "", version == "1.0" ? "ACK" : "NACK"));
            CHECK(run.take_log() == lines{"ack #2 message=4" + tail, "late_ack #1 message=9" + tail});
            CHECK(run.peer.unacknowledged() == (cumulative ? 3 : 4));
            // The id is free again, and means another subscription.
            run.feed(framed("SUBSCRIBE\nid:a\ndestination:/a\nack:client\n\n"));
            CHECK(run.take_log() == lines{"subscribe #3 id=a destination=/a client"});
            CHECK(run.peer.deliver(1, {.destination = "/a"}).error == stomp::errc::unknown_subscription);
            CHECK(deliver(run.peer, 3) == 11);
            run.feed(ack(version, 11, "a"));
            CHECK(run.take_log() == lines{"ack #3 message=11 cumulative"});

            // What was acknowledged already, and what never was delivered.
            for (const std::uint64_t number : {3U, 1U, 7U, 11U, 12U}) {
                if (number == 1 && !cumulative) continue;
                server_run other = after_unsubscribe();
                other.feed(ack(version, 7, "a"));
                static_cast<void>(other.take_log());
                const std::uint64_t offset = other.peer.offset();
                other.feed(ack(version, number, "a"));
                check_lost(other, stomp::errc::unknown_acknowledgement, offset);
            }
            server_run in_between = after_unsubscribe();
            in_between.feed(ack(version, 7, "a") + ack(version, 5, "a"));
            CHECK(in_between.log.back().starts_with(cumulative ? "lost unknown_ack" : "late_ack"));
        }
    }
    // In 1.1 it names its subscription, as before.
    for (const std::string_view subscription : {"b", "c"}) {
        server_run run = with_messages("1.1", "client", 4);
        run.feed(framed("UNSUBSCRIBE\nid:a\n\n") + ack("1.1", 3, subscription));
        CHECK(run.log.back().starts_with(subscription == "b" ? "lost unknown_ack" : "lost unknown_sub"));
    }
    // Messages that want no acknowledgement get none.
    server_run automatic = with_messages("1.2", "auto", 2);
    automatic.feed(framed("UNSUBSCRIBE\nid:a\n\n") + ack("1.2", 1, "a"));
    CHECK(automatic.log.back().starts_with("lost unknown_acknowledgement"));
    // The caller sends the receipt by itself.
    server_run by_hand = open_server("1.2", {.automatic_receipts = false});
    by_hand.feed(framed("SUBSCRIBE\nid:a\ndestination:/a\nack:client\n\n"));
    deliver(by_hand.peer);
    by_hand.feed(framed("UNSUBSCRIBE\nid:a\n\n") + ack("1.2", 1, "a", "receipt:r\n"));
    CHECK(by_hand.take_log().back() == "late_ack #1 message=1 cumulative receipt=r");
}

TEST_CASE("S9 S10: a transaction may acknowledge what is late, or was so before UNSUBSCRIBE") {
    for (const std::string_view mode : {"client", "client-individual"}) {
        const std::string tail = mode == "client" ? " cumulative" : "";
        for (const bool commits : {true, false}) {
            for (const bool before : {true, false}) {
                server_run run = with_messages("1.2", mode, 8); // 1 3 5 7 of a
                const std::string end = framed(commits ? "COMMIT\ntransaction:t\n\n" : "ABORT\ntransaction:t\n\n");
                const std::string unsubscribe = framed("UNSUBSCRIBE\nid:a\n\n");
                const std::string ack_3 = ack("1.2", 3, "a", "transaction:t\n");
                run.feed(framed("BEGIN\ntransaction:t\n\n") + (before ? ack_3 + unsubscribe : unsubscribe + ack_3));
                CHECK(run.peer.unacknowledged() == 4);
                CHECK(run.take_log().back() ==
                      (before ? "unsubscribe #1 id=a" : "late_ack #1 message=3" + tail + " transaction=t"));
                run.feed(end + ack("1.2", 3, "a"));
                if (commits) {
                    CHECK(run.log.back().starts_with("lost unknown_acknowledgement"));
                } else {
                    CHECK(run.log.back() == "late_ack #1 message=3" + tail);
                    CHECK(run.peer.unacknowledged() == 4);
                }
            }
        }
        // A COMMIT that takes the last of them moves the names of the others, and ends its transaction all the same.
        server_run run = open_server();
        const std::string id(200, 'i');
        run.feed(framed("SUBSCRIBE\nid:" + id + "\ndestination:/a\nack:" + std::string(mode) + "\n\n",
                        "BEGIN\ntransaction:t\n\n", "BEGIN\ntransaction:u\n\n"));
        deliver(run.peer);
        run.feed(framed("UNSUBSCRIBE\nid:" + id + "\n\n") + ack("1.2", 1, "", "transaction:t\n") +
                 framed("COMMIT\ntransaction:t\n\n"));
        CHECK(run.log.back() == "commit transaction=t");
        CHECK(names_in(run.peer.transactions()) == lines{"u"});
        run.feed(framed("BEGIN\ntransaction:t\n\n", "ABORT\ntransaction:u\n\n"));
        CHECK(run.log.back() == "abort transaction=u");
        CHECK(names_in(run.peer.transactions()) == lines{"t"});
    }
}

namespace {

// A session in which subscriptions come and end while messages of theirs wait. The messages of one are numbered one
// after the other.
class ending {
  public:
    explicit ending(const stomp::options& how = {}, std::string_view mode = "client")
        : run_(open_server("1.2", how)), mode_(mode) {}

    // A subscription with so many messages, which ends unless it `stays`.
    ending& subscribe(unsigned messages, bool stays = false) {
        const std::string id = std::to_string(++last_);
        run_.feed(framed("SUBSCRIBE\nid:" + id + "\ndestination:/a\nack:" + mode_ + "\n\n"));
        for (unsigned i = 0; i != messages; ++i) deliver(run_.peer, last_);
        if (!stays) run_.feed(framed("UNSUBSCRIBE\nid:" + id + "\n\n"));
        static_cast<void>(run_.take_log());
        return *this;
    }
    // Whether an ACK of this message is taken, without effect. If not, the session is over.
    bool knows(std::uint64_t number) {
        const std::size_t waiting = run_.peer.unacknowledged();
        run_.feed(ack("1.2", number, ""));
        const std::string line = run_.take_log().back();
        CHECK((line.starts_with("late_ack") || line.starts_with("lost unknown_acknowledgement")));
        CHECK(run_.peer.unacknowledged() == waiting);
        return line.starts_with("late_ack");
    }
    server_run& run() { return run_; }

  private:
    server_run run_;
    std::string mode_;
    std::uint32_t last_ = 0;
};

} // namespace

TEST_CASE("S9 S12: of subscriptions that have ended as many messages are remembered as ever waited, or a few") {
    for (const std::string_view mode : {"client", "client-individual"}) {
        // 128 are a few: 12 subscriptions with 10 each, and not one more.
        for (const std::uint64_t number : {1U, 10U, 11U, 20U, 130U}) {
            ending session({}, mode);
            for (int i = 0; i != 12; ++i) session.subscribe(10);
            if (number == 1) CHECK(session.knows(1));
            session.subscribe(10);
            CHECK(session.knows(number) == (number > 10));
        }
        // All that have waited at one time, of any subscriptions.
        for (const std::uint64_t number : {1U, 300U, 301U, 600U}) {
            ending session({}, mode);
            session.subscribe(300).subscribe(300);
            CHECK(session.knows(number) == (number > 300));
        }
        ending both({}, mode);
        both.subscribe(300, true).subscribe(300, true);
        both.run().feed(framed("UNSUBSCRIBE\nid:1\n\n", "UNSUBSCRIBE\nid:2\n\n"));
        for (const std::uint64_t number : {1U, 300U, 301U, 600U}) CHECK(both.knows(number));
    }
}

TEST_CASE("S9 S12: what is remembered of ended subscriptions leaves room for what is not") {
    // Of messages that wait.
    const stomp::options ten{.unacknowledged = 10};
    for (const unsigned more : {4U, 5U}) {
        ending session(ten);
        session.subscribe(6).subscribe(more, true);
        CHECK(session.run().peer.unacknowledged() == more);
        CHECK(session.knows(6) == (more == 4));
    }
    ending full(ten);
    full.subscribe(6).subscribe(10, true);
    CHECK(full.run().peer.deliver(2, {.destination = "/a"}).error == stomp::errc::too_many_unacknowledged);
    // Of names.
    const stomp::options two_names{.names = 2 * 49};
    for (const bool second : {false, true}) {
        ending session(two_names);
        session.subscribe(1).subscribe(0, true);
        if (second) session.subscribe(0, true);
        CHECK(names_in(session.run().peer.subscriptions()).size() == (second ? 2 : 1));
        CHECK(session.knows(1) == !second);
    }
    // For a transaction, and for the id of a receipt.
    for (const std::string_view frame : {"BEGIN\ntransaction:t\n\n", "SEND\ndestination:/a\nreceipt:r\n\n"}) {
        ending session(two_names);
        session.subscribe(1).subscribe(0, true);
        session.run().feed(framed(frame));
        CHECK_FALSE(session.run().peer.error());
        CHECK_FALSE(session.knows(1));
    }
}

TEST_CASE("S7 S9: messages are forgotten while a receipt is owed, and it is right") {
    server_run run = open_server("1.2", {.unacknowledged = 4}, [](server& peer, const stomp::server_event& event) {
        if (event.kind != server_kind::send) return;
        for (int i = 0; i != 4; ++i) CHECK_FALSE(peer.deliver(1, {.destination = "/b"}).error);
    });
    run.feed(framed("SUBSCRIBE\nid:b\ndestination:/b\nack:client\n\n"));
    for (unsigned i = 2; i != 5; ++i) {
        run.feed(framed("SUBSCRIBE\nid:some-longer-name\ndestination:/a\nack:client\n\n"));
        deliver(run.peer, i);
        run.feed(framed("UNSUBSCRIBE\nid:some-longer-name\n\n"));
    }
    static_cast<void>(run.take_frames());
    run.feed(framed("SEND\ndestination:/b\nreceipt:the-receipt\n\n", "ACK\nid:7\n\n"));
    CHECK(run.log.back() == "ack #1 message=7 cumulative");
    const lines frames = run.take_frames();
    REQUIRE(frames.size() == 5);
    CHECK(frames.back() == "RECEIPT\nreceipt-id:the-receipt\n\n");
    CHECK(names_in(run.peer.subscriptions()) == lines{"b"});
    CHECK_FALSE(run.peer.error());
}

TEST_CASE("S9: subscriptions that come and end with messages that wait take no memory in steady state") {
    ending session;
    for (int i = 0; i != 200; ++i) session.subscribe(10);
    const std::string frames = framed("SUBSCRIBE\nid:s\ndestination:/a\nack:client\n\n", "UNSUBSCRIBE\nid:s\n\n");
    std::string text = frames;
    server& peer = session.run().peer;
    const std::size_t before = allocations();
    for (int i = 0; i != 1000; ++i) {
        text.assign(frames);
        bytes in = bytes_of(text.data(), text.size());
        const std::uint32_t to = peer.next(in).subscription;
        for (int j = 0; j != 10; ++j) {
            if (peer.deliver(to, {.destination = "/a"}).error) FAIL("not delivered");
            send_all(peer);
        }
        if (peer.next(in).kind != server_kind::unsubscribe) FAIL("not ended");
    }
    CHECK(allocations() == before);
    CHECK(peer.unacknowledged() == 0);
}

TEST_CASE(
    "S9 S10: what is acknowledged in a transaction waits until that is committed, and again where it is aborted") {
    for (const std::string_view version : {"1.0", "1.1", "1.2"}) {
        CAPTURE(version);
        const std::string in_t = "transaction:t\n";
        for (const bool commits : {true, false}) {
            server_run run = with_messages(version, "client", 10);
            run.feed(framed("BEGIN\ntransaction:t\n\n") + ack(version, 5, "a", in_t));
            CHECK(run.take_log() == lines{"begin transaction=t", "ack #1 message=5 cumulative transaction=t"});
            CHECK(run.peer.unacknowledged() == 10);
            run.feed(framed(std::string(commits ? "COMMIT" : "ABORT") + "\ntransaction:t\n\n"));
            CHECK(run.peer.unacknowledged() == (commits ? 7 : 10));
            run.feed(ack(version, 3, "a"));
            const bool waits_again = run.log.back() == "ack #1 message=3 cumulative";
            CHECK(waits_again == !commits);
            CHECK(run.peer.error() == (commits ? error(stomp::errc::unknown_acknowledgement) : error()));
        }
        // Outside of it, and in another one, all before a later message can be acknowledged: then it is so for good.
        for (const std::string_view in : {"", "transaction:u\n"}) {
            for (const std::string_view end : {"COMMIT", "ABORT"}) {
                server_run run = with_messages(version, "client", 10);
                run.feed(framed("BEGIN\ntransaction:t\n\n", "BEGIN\ntransaction:u\n\n") + ack(version, 5, "a", in_t) +
                         ack(version, 9, "a", in) + framed("COMMIT\ntransaction:u\n\n"));
                CHECK(run.peer.unacknowledged() == 5); // those of b
                run.feed(framed(std::string(end) + "\ntransaction:t\n\n"));
                CHECK(run.peer.unacknowledged() == 5);
                CHECK_FALSE(run.peer.error());
            }
        }
        // Twice, while the transaction is open.
        for (const std::string_view second : {"", "transaction:t\n", "transaction:u\n"}) {
            server_run run = with_messages(version, "client", 4);
            run.feed(framed("BEGIN\ntransaction:t\n\n", "BEGIN\ntransaction:u\n\n") + ack(version, 1, "a", in_t));
            const std::uint64_t offset = run.peer.offset();
            static_cast<void>(run.take_log());
            run.feed(ack(version, 1, "a", second));
            check_lost(run, stomp::errc::unknown_acknowledgement, offset);
        }
    }
    // Single ones, of two transactions.
    server_run run = with_messages("1.2", "client-individual", 8);
    run.feed(framed("BEGIN\ntransaction:t\n\n", "BEGIN\ntransaction:u\n\n") + ack("1.2", 7, "a", "transaction:t\n") +
             ack("1.2", 2, "b", "transaction:u\n", "NACK") + ack("1.2", 3, "a", "transaction:t\n") +
             ack("1.2", 5, "a", "transaction:u\n") + ack("1.2", 1, "a"));
    CHECK(run.peer.unacknowledged() == 7);
    run.feed(framed("COMMIT\ntransaction:t\n\n"));
    CHECK(run.peer.unacknowledged() == 5);
    run.feed(framed("ABORT\ntransaction:u\n\n"));
    CHECK(run.peer.unacknowledged() == 5);
    run.feed(ack("1.2", 5, "a") + ack("1.2", 2, "b"));
    CHECK(run.peer.unacknowledged() == 3);
    CHECK_FALSE(run.peer.error());
    // With its subscription goes what waits for a COMMIT.
    server_run gone = with_messages("1.2", "client", 4);
    gone.feed(framed("BEGIN\ntransaction:t\n\n") + ack("1.2", 3, "a", "transaction:t\n") +
              framed("UNSUBSCRIBE\nid:a\n\n"));
    CHECK(gone.peer.unacknowledged() == 2);
    gone.feed(framed("ABORT\ntransaction:t\n\n"));
    CHECK(gone.peer.unacknowledged() == 2);
}

// --- S10: transactions

TEST_CASE("S10: a transaction has a name of its own while it is open") {
    server_run run = open_server();
    run.feed(framed("BEGIN\ntransaction:a\\c\n\n", "BEGIN\ntransaction:b\n\n", "BEGIN\ntransaction:A\n\n"));
    CHECK(names_in(run.peer.transactions()) == lines{"a:", "b", "A"});
    run.feed(framed("COMMIT\ntransaction:a\\c\n\n", "ABORT\ntransaction:b\n\n"));
    CHECK(names_in(run.peer.transactions()) == lines{"A"});
    // Then it is free.
    run.feed(framed("BEGIN\ntransaction:b\n\n", "BEGIN\ntransaction:a\\c\n\n"));
    CHECK(names_in(run.peer.transactions()) == lines{"A", "b", "a:"});
    CHECK(run.take_log() == lines{"begin transaction=a:", "begin transaction=b", "begin transaction=A",
                                  "commit transaction=a:", "abort transaction=b", "begin transaction=b",
                                  "begin transaction=a:"});
    const std::uint64_t offset = run.peer.offset();
    run.feed(framed("BEGIN\ntransaction:b\nreceipt:r\n\n"));
    check_lost(run, stomp::errc::repeated_transaction, offset, "receipt-id:r\n");
    // At the end those that are open are named: they are to be aborted.
    CHECK(names_in(run.peer.transactions()) == lines{"A", "b", "a:"});
}

TEST_CASE("S10: no frame is in a transaction that is not open") {
    for (const std::string_view version : {"1.0", "1.1", "1.2"}) {
        for (const std::string command : {"SEND", "ACK", "NACK", "COMMIT", "ABORT"}) {
            if (version == "1.0" && command == "NACK") continue;
            for (const std::string_view transaction : {"other", "T", "done", "aborted", "a"}) {
                CAPTURE(version);
                CAPTURE(command);
                CAPTURE(transaction);
                server_run run = with_messages(version, "client", 2);
                run.feed(framed("BEGIN\ntransaction:t\n\n", "BEGIN\ntransaction:done\n\n",
                                "COMMIT\ntransaction:done\n\n", "BEGIN\ntransaction:aborted\n\n",
                                "ABORT\ntransaction:aborted\n\n"));
                static_cast<void>(run.take_log());
                const std::uint64_t offset = run.peer.offset();
                run.feed(framed(command + "\ndestination:/a\n" + ack_headers(version, 1, "a") +
                                "transaction:" + std::string(transaction) + "\n\n"));
                check_lost(run, stomp::errc::unknown_transaction, offset);
            }
        }
    }
}

TEST_CASE("S7 S10: an empty name is not taken for none") {
    for (const std::string command : {"SEND", "ACK"}) {
        server_run run = with_messages("1.2", "client", 2);
        const std::uint64_t offset = run.peer.offset();
        run.feed(framed(command + "\ndestination:/a\nid:1\ntransaction:\n\n"));
        check_lost(run, stomp::errc::unknown_transaction, offset);
    }
}

TEST_CASE("S7 S17: an empty receipt is answered, like any other") {
    for (const std::string_view version : {"1.0", "1.1", "1.2"}) {
        server_run run = open_server(version, {}, [](server&, const stomp::server_event& event) {
            CHECK(event.asks_for_receipt() == event.content_type.empty());
        });
        run.feed(framed("SEND\ndestination:/a\nreceipt:\n\n", "SEND\ndestination:/a\ncontent-type:t\n\n",
                        "SEND\ndestination:/a\nreceipt:r\n\n", "DISCONNECT\nreceipt:\n\n"));
        CHECK(run.take_frames() ==
              lines{"RECEIPT\nreceipt-id:\n\n", "RECEIPT\nreceipt-id:r\n\n", "RECEIPT\nreceipt-id:\n\n"});
        CHECK(run.peer.done());
        CHECK(run.complaint == "");
    }
    // By the caller too.
    server_run run =
        open_server("1.2", {.automatic_receipts = false}, [](server& peer, const stomp::server_event& event) {
            CHECK(peer.receipt(event.receipt) == (event.asks_for_receipt() ? error() : stomp::errc::missing_header));
        });
    run.feed(framed("SEND\ndestination:/a\n\n", "SEND\ndestination:/a\nreceipt:\n\n", "DISCONNECT\nreceipt:\n\n"));
    CHECK(run.take_frames() == lines{"RECEIPT\nreceipt-id:\n\n", "RECEIPT\nreceipt-id:\n\n"});
    // It waits for room, like any other.
    server_run full = open_server("1.2", {.output = 512 + 40});
    full.drains = false;
    full.feed(framed("SEND\ndestination:/a\nreceipt:\n\n", "SEND\ndestination:/a\nreceipt:\n\n") + "\n");
    CHECK(!full.left.empty());
    CHECK_FALSE(full.peer.done());
    full.drain();
    full.feed("");
    CHECK(full.take_frames() == lines{"RECEIPT\nreceipt-id:\n\n", "RECEIPT\nreceipt-id:\n\n"});
}

TEST_CASE("S10: BEGIN, COMMIT and ABORT name their transaction") {
    for (const std::string command : {"BEGIN", "COMMIT", "ABORT"}) {
        for (const std::string_view header : {"", "transaction:\n", "Transaction:t\n"}) {
            server_run run = open_server();
            run.feed(framed(command + "\n" + std::string(header) + "\n"));
            check_lost(run, stomp::errc::missing_header, connect_text().size(), "", "transaction");
        }
    }
}

TEST_CASE("S10: transactions that are open at the end are named, however it ends") {
    const std::string begin =
        framed("BEGIN\ntransaction:t\n\n", "BEGIN\ntransaction:u\n\n", "COMMIT\ntransaction:t\n\n");
    server_run left = open_server();
    left.feed(begin + framed("DISCONNECT\nreceipt:r\n\n"));
    left.finish();
    CHECK(left.log.back() == "closed");
    CHECK(names_in(left.peer.transactions()) == lines{"u"});
    server_run cut = open_server();
    cut.feed(begin);
    cut.finish();
    CHECK(names_in(cut.peer.transactions()) == lines{"u"});
    server_run refused = open_server();
    refused.feed(begin);
    REQUIRE_FALSE(refused.peer.refuse("no"));
    CHECK(names_in(refused.peer.transactions()) == lines{"u"});
}

// --- S11: messages

TEST_CASE("S11: the headers of a SEND pass to the MESSAGE, but not those that are between two parties") {
    for (const std::string_view version : {"1.0", "1.1", "1.2"}) {
        CAPTURE(version);
        server_run to = with_messages(version, "client", 0);
        server_run from = open_server("1.2", {}, [&](server&, const stomp::server_event& event) {
            if (event.kind != server_kind::send) return;
            const auto done =
                to.peer.deliver(1, {.destination = event.destination, .forwarded = event.headers, .body = event.body});
            CHECK_FALSE(done.error);
        });
        from.feed(framed("BEGIN\ntransaction:t\n\n",
                         "SEND\nx-first:1\ndestination:/a\nreceipt:r\ntransaction:t\ncontent-length:4\nsubscription:s\n"
                         "message-id:m\nack:k\ncontent-type:text/plain\nx-second: \\\\2\nx-second:3\npriority:4\n"
                         "Receipt:kept\n\nbody"));
        // A reader of 1.0 would take the blank away.
        const std::string second = version == "1.0" ? "\\2" : " \\\\2";
        const std::string ack = version == "1.2" ? "ack:1\n" : "";
        CHECK(to.take_frames() == lines{"MESSAGE\nsubscription:a\nmessage-id:1\ndestination:/a\n" + ack +
                                        "x-first:1\ncontent-type:text/plain\nx-second:" + second +
                                        "\nx-second:3\npriority:4\nReceipt:kept\ncontent-length:4\n\nbody"});
    }
}

TEST_CASE("S11 S14: what a version cannot say is not sent, and nothing of it") {
    server_run run = with_messages("1.0", "client", 0);
    const stomp::header two_lines[] = {{"x", "1\n2"}};
    CHECK(run.peer.deliver(1, {.destination = "/a", .headers = two_lines}).error == stomp::errc::bad_header);
    CHECK(run.peer.deliver(1, {.body = bytes_of("x")}).error == stomp::errc::missing_header);
    CHECK(run.peer.deliver(0, {.destination = "/a"}).error == stomp::errc::unknown_subscription);
    CHECK(run.peer.deliver(3, {.destination = "/a"}).error == stomp::errc::unknown_subscription);
    CHECK(run.peer.output().empty());
    CHECK(run.peer.unacknowledged() == 0);
    CHECK(deliver(run.peer) == 1);
}

TEST_CASE("S6: nothing is delivered before a session is open, and nothing after") {
    server_run run{server()};
    CHECK(run.peer.deliver(1, {.destination = "/a"}).error == stomp::errc::not_open);
    run.feed(connect_text() + framed("SUBSCRIBE\nid:1\ndestination:/a\n\n"));
    deliver(run.peer);
    run.feed(framed("DISCONNECT\n\n"));
    static_cast<void>(run.take_frames());
    CHECK(run.peer.deliver(1, {.destination = "/a"}).error == stomp::errc::not_open);
    run.feed(framed("DISCONNECT\n\n"));
    static_cast<void>(run.take_frames());
    CHECK(run.peer.deliver(1, {.destination = "/a"}).error == stomp::errc::not_open);
    CHECK(run.peer.receipt("1") == stomp::errc::not_open);
    CHECK(run.peer.refuse("x") == stomp::errc::not_open);
    CHECK(run.peer.accept() == stomp::errc::nothing_to_answer);
    CHECK(run.peer.output().empty());
}

// --- S12: limits on what a session holds

TEST_CASE("S12: by default the names of all that may be are kept, with ids as people use them") {
    server_run run = open_server();
    const std::string id(36, 'u');
    for (int i = 0; i != 1000; ++i) {
        run.feed(framed("SUBSCRIBE\nid:" + id + std::to_string(i) + "\ndestination:/a\nack:client\n\n"));
    }
    for (int i = 0; i != 100; ++i) run.feed(framed("BEGIN\ntransaction:" + id + std::to_string(i) + "\n\n"));
    run.feed(framed("SEND\ndestination:/a\nreceipt:" + std::string(1000, 'r') + "\n\n"));
    for (std::uint32_t i = 0; i != 10'000; ++i) deliver(run.peer, 1 + i % 1000);
    CHECK(run.peer.deliver(1, {.destination = "/a"}).error == stomp::errc::too_many_unacknowledged);
    CHECK_FALSE(run.peer.error());
    CHECK(names_in(run.peer.subscriptions()).size() == 1000);
    CHECK(names_in(run.peer.transactions()).size() == 100);
}

namespace {

using small_server = stomp::basic_server_session<small_memory>;

// Memory of the caller's for one session: output and names of these sizes, and messages that wait.
struct memory_of_a_server {
    memory_of_a_server(std::size_t output_size, std::size_t names_size, std::size_t waiting)
        : input(65536), output(output_size), names(2 * names_size), unacknowledged(2 * 32 * waiting) {}

    [[nodiscard]] small_server make(const stomp::options& how = {}) {
        return stomp_server_side::make_small(input, output, names, unacknowledged, how);
    }

    buffer input, output, names, unacknowledged;
};

// Runs a test with memory of either kind, of these sizes.
template <class Test>
void in_either_memory(std::size_t output, std::size_t names, std::size_t unacknowledged, stomp::options how,
                      Test&& test) {
    memory_of_a_server memory(output, names, unacknowledged);
    test(connected_by(memory.make(how), connect_text()));
    how.output = output;
    how.names = names;
    how.unacknowledged = static_cast<std::uint32_t>(unacknowledged);
    test(open_server("1.2", how));
}

constexpr std::size_t plenty = 65536;

} // namespace

TEST_CASE("S12 S16: in 1.0 the destination of a subscription that has an id needs room, too") {
    const std::string id(10, 'i'), destination(30, 'd'), receipt(20, 'r');
    const std::size_t needed = 48 + id.size() + 48 + destination.size();
    for (const bool asks : {false, true}) {
        const std::string frame = framed("SUBSCRIBE\nid:" + id + "\ndestination:" + destination + "\n" +
                                         (asks ? "receipt:" + receipt + "\n" : "") + "\n");
        const std::size_t all = needed + (asks ? receipt.size() : 0);
        for (const std::size_t room : {all - 1, all}) {
            const auto check = [&](auto run) {
                run.feed(frame);
                if (room == all) {
                    CHECK(run.log.back().starts_with("subscribe #1"));
                    run.feed(framed("UNSUBSCRIBE\ndestination:" + destination + "\n\n"));
                    CHECK(run.log.back().starts_with("unsubscribe #1"));
                } else {
                    CHECK(run.log.back().starts_with(asks ? "lost too_many_receipts" : "lost too_many_subscriptions"));
                }
            };
            memory_of_a_server memory(plenty, room, 10);
            check(connected_by(memory.make(), connect_text("1.0")));
            check(open_server("1.0", {.names = room}));
        }
    }
}

TEST_CASE("S12: the numbers of subscriptions, transactions and messages that wait are exact limits") {
    const stomp::options how{.subscriptions = 2, .transactions = 2, .unacknowledged = 2};
    in_either_memory(plenty, plenty, 2, how, [](auto run) {
        run.feed(framed("SUBSCRIBE\nid:1\ndestination:/a\nack:client\n\n", "SUBSCRIBE\nid:2\ndestination:/a\n\n",
                        "UNSUBSCRIBE\nid:2\n\n", "SUBSCRIBE\nid:3\ndestination:/a\n\n"));
        for (int i = 0; i != 2; ++i) CHECK_FALSE(run.peer.deliver(1, {.destination = "/a"}).error);
        static_cast<void>(run.take_frames());
        CHECK(run.peer.deliver(1, {.destination = "/a"}).error == stomp::errc::too_many_unacknowledged);
        CHECK(run.peer.output().empty());
        CHECK(run.peer.unacknowledged() == 2);
        // Those that need none still go, and so does another after an ACK.
        CHECK_FALSE(run.peer.deliver(3, {.destination = "/a"}).error);
        run.feed(framed("ACK\nid:1\n\n"));
        CHECK(run.peer.deliver(1, {.destination = "/a"}).number == 4);
        CHECK_FALSE(run.peer.error());
        const std::uint64_t offset = run.peer.offset();
        run.feed(framed("SUBSCRIBE\nid:4\ndestination:/a\n\n"));
        CHECK(run.log.back() == "lost too_many_subscriptions @" + std::to_string(offset));
    });
    in_either_memory(plenty, plenty, 2, how, [](auto run) {
        run.feed(framed("BEGIN\ntransaction:1\n\n", "BEGIN\ntransaction:2\n\n", "COMMIT\ntransaction:1\n\n",
                        "BEGIN\ntransaction:3\n\n"));
        CHECK_FALSE(run.peer.error());
        const std::uint64_t offset = run.peer.offset();
        run.feed(framed("BEGIN\ntransaction:4\n\n"));
        CHECK(run.log.back() == "lost too_many_transactions @" + std::to_string(offset));
    });
    // In 1.0 the subscriptions without an id count too.
    server_run old = open_server("1.0", how);
    old.feed(framed("SUBSCRIBE\nid:1\ndestination:/a\n\n", "SUBSCRIBE\ndestination:/a\n\n"));
    CHECK_FALSE(old.peer.error());
    old.feed(framed("SUBSCRIBE\ndestination:/b\n\n"));
    CHECK(old.peer.error() == stomp::errc::too_many_subscriptions);
}

TEST_CASE("S12: the number of messages that wait is a limit though the memory has room for more") {
    const auto memory = [] { return growing_buffer(plenty); };
    for (const std::uint32_t most : {0U, 1U, 2U, 5U}) {
        server_run run(
            stomp::server_session(memory(), memory(), memory(), memory(), stomp::options{.unacknowledged = most}));
        run.feed(connect_text("1.2") + framed("SUBSCRIBE\nid:1\ndestination:/a\nack:client\n\n"));
        for (std::uint32_t i = 0; i != most; ++i) CHECK_FALSE(run.peer.deliver(1, {.destination = "/a"}).error);
        CHECK(run.peer.deliver(1, {.destination = "/a"}).error == stomp::errc::too_many_unacknowledged);
        CHECK(run.peer.unacknowledged() == most);
    }
}

TEST_CASE("S12: the memory for names is an exact limit") {
    // 48 bytes and the name for each, and the receipt that is owed.
    for (const std::size_t missing : {std::size_t{0}, std::size_t{1}}) {
        in_either_memory(plenty, 2 * 48 + 3 + 4 - missing, 10, {}, [&](auto run) {
            run.feed(framed("SUBSCRIBE\nid:123\ndestination:/a\n\n", "SUBSCRIBE\nid:1234\ndestination:/a\n\n"));
            CHECK(run.peer.error() == (missing == 0 ? error() : error(stomp::errc::too_many_subscriptions)));
        });
        in_either_memory(plenty, 2 * 48 + 3 + 4 - missing, 10, {}, [&](auto run) {
            run.feed(framed("SUBSCRIBE\nid:123\ndestination:/a\n\n", "BEGIN\ntransaction:1234\n\n"));
            CHECK(run.peer.error() == (missing == 0 ? error() : error(stomp::errc::too_many_transactions)));
        });
        // A receipt takes its own while its frame is handled, and no longer.
        in_either_memory(plenty, 48 + 3 + 4 - missing, 10, {}, [&](auto run) {
            run.feed(framed("SUBSCRIBE\nid:123\ndestination:/a\n\n", "SEND\ndestination:/a\nreceipt:1234\n\n",
                            "SEND\ndestination:/a\nreceipt:5678\n\n"));
            CHECK(run.peer.error() == (missing == 0 ? error() : error(stomp::errc::too_many_receipts)));
            const lines frames = run.take_frames();
            REQUIRE(!frames.empty());
            if (missing == 0) CHECK(frames.size() == 2);
            if (missing == 1) CHECK(frames == lines{error_frame(stomp::errc::too_many_receipts, "receipt-id:1234\n")});
        });
    }
}

TEST_CASE("S12: a frame for whose receipt there is no memory changes nothing") {
    for (const std::string frame :
         {"SUBSCRIBE\nid:123\ndestination:/a\nreceipt:1234\n\n", "BEGIN\ntransaction:123\nreceipt:1234\n\n"}) {
        for (const std::size_t missing : {std::size_t{0}, std::size_t{1}, std::size_t{14}}) {
            in_either_memory(plenty, 48 + 3 + 4 - missing, 10, {}, [&](auto run) {
                run.feed(framed(frame));
                CHECK(run.peer.error() == (missing == 0 ? error() : error(stomp::errc::too_many_receipts)));
                const std::size_t names =
                    names_in(run.peer.subscriptions()).size() + names_in(run.peer.transactions()).size();
                CHECK(names == (missing == 0 ? 1 : 0));
            });
        }
    }
}

TEST_CASE("S12: a MESSAGE fits or is not sent, nothing is half-written, and an ERROR fits always") {
    const std::string message =
        "MESSAGE\nsubscription:1\nmessage-id:1\ndestination:/a\nack:1\ncontent-length:100\n\n" + std::string(100, 'b');
    const std::size_t size = message.size() + 1;
    for (const std::size_t missing : {std::size_t{0}, std::size_t{1}, std::size_t{100}, size - 45}) {
        in_either_memory(size + 512 - missing, plenty, 10, {}, [&](auto run) {
            run.drains = false;
            run.feed(framed("SUBSCRIBE\nid:1\ndestination:/a\nack:client\n\n"));
            const std::string body(100, 'b');
            const auto done = run.peer.deliver(1, {.destination = "/a", .body = bytes_of(body)});
            if (missing == 0) {
                CHECK(done.number == 1);
                CHECK(run.peer.unacknowledged() == 1);
            } else {
                CHECK(done.error == stomp::errc::no_room);
                CHECK(run.peer.output().empty());
                CHECK(run.peer.unacknowledged() == 0);
            }
            CHECK(run.peer.deliver(1, {.destination = "/a", .body = bytes_of(body)}).error == stomp::errc::no_room);
            static_cast<void>(run.take_log());
            run.feed(framed("SENT\n\n"));
            CHECK(run.log.size() == 1);
            const lines frames = run.take_frames();
            CHECK(frames.back() == error_frame(stomp::errc::unknown_command));
            CHECK(run.complaint == "");
        });
    }
}

TEST_CASE("S12 S13: an ERROR fits whatever was queued before it, of any errors, and leaves out what is too long") {
    // The caller fills the output with what it may; then each error still has its frame.
    const std::string id(3000, 'r');
    const std::string wrong[] = {
        framed("SENT\n\n"), framed("SEND\nreceipt:" + id + "\n\n"), framed("SEND\nreceipt:7\n\n"),
        framed("SEND\ndestination:/a\ncontent-length:1\nreceipt:" + id + "\n\nab"), framed("BEGIN\n\n")};
    for (const std::string& last : wrong) {
        for (std::size_t room = 558; room < 900; room += 7) {
            in_either_memory(room, plenty, 1000, {}, [&](auto run) {
                run.drains = false;
                run.feed(framed("SUBSCRIBE\nid:1\ndestination:/a\n\n"));
                std::size_t delivered = 0;
                while (!run.peer.deliver(1, {.destination = "/a"}).error) REQUIRE(++delivered < 100);
                run.feed(last);
                CHECK(run.peer.state() == stomp::state::closed);
                const lines frames = run.take_frames();
                REQUIRE(frames.size() == delivered + 1);
                CHECK(frames.back().starts_with("ERROR\nmessage:" + std::string(run.peer.error().sentence())));
                const bool long_one = frames.back().find("receipt-id:rrr") != std::string::npos;
                CHECK_FALSE(long_one);
                CHECK((frames.back().find("receipt-id:7") != std::string::npos) ==
                      (last.find("receipt:7") != std::string::npos));
            });
        }
    }
}

TEST_CASE("S12: CONNECTED waits for room, and the client with it") {
    memory_of_a_server memory(555, 0, 0);
    scripted_session<small_server> run(memory.make(), [](auto&, const auto&) {});
    run.feed(connect_text());
    CHECK(run.peer.accept({.session = "a session with a name that is too long"}) == stomp::errc::no_room);
    CHECK(run.peer.output().empty());
    CHECK_FALSE(run.peer.is_open());
    CHECK_FALSE(run.peer.accept());
    CHECK(run.take_frames() == lines{"CONNECTED\nversion:1.2\nheart-beat:0,0\n\n"});

    // Where there is not even room for an ERROR behind it, nothing else is sent.
    memory_of_a_server little(500, 0, 0);
    scripted_session<small_server> refusing(little.make(), [](auto&, const auto&) {});
    refusing.feed(connect_text());
    CHECK(refusing.peer.accept() == stomp::errc::no_room);
    CHECK(refusing.peer.output().empty());
    CHECK_FALSE(refusing.peer.refuse("no"));
    CHECK(refusing.take_frames() == lines{"ERROR\nmessage:no\n\n"});
}

TEST_CASE("a session works in memory of the caller's alone") {
    memory_of_a_server memory(4096, 500, 5);
    auto run = connected_by(memory.make(), connect_text());
    const std::string round = framed("SUBSCRIBE\nid:1\ndestination:/a\nack:client\nreceipt:1\n\n",
                                     "BEGIN\ntransaction:t\n\n", "SEND\ndestination:/a\ntransaction:t\n\nhello") +
                              "\n" + framed("COMMIT\ntransaction:t\n\n", "UNSUBSCRIBE\nid:1\n\n");
    run.react = [](small_server& peer, const stomp::server_event& event) {
        if (event.kind != server_kind::subscribe) return;
        REQUIRE_FALSE(peer.deliver(event.subscription, {.destination = "/a", .body = bytes_of("x")}).error);
    };
    for (int i = 0; i != 50; ++i) {
        const std::size_t cut = static_cast<std::size_t>(i) * 3 % round.size();
        run.feed(std::string_view(round).substr(0, cut));
        run.feed(std::string_view(round).substr(cut));
        REQUIRE_FALSE(run.peer.error());
        REQUIRE(run.take_frames().size() == 2);
    }
    std::string input = round;
    bytes in = bytes_of(input.data(), input.size());
    run.react = nullptr;
    const std::size_t before = allocations();
    while (const stomp::server_event event = run.peer.next(in)) {
        if (event.kind == server_kind::subscribe) {
            static_cast<void>(run.peer.deliver(event.subscription, {.destination = "/a"}));
        }
        send_all(run.peer);
    }
    CHECK(allocations() == before);
    CHECK(in.empty());
}

TEST_CASE("the memory of lists that are empty can be given back") {
    server_run run = open_server();
    const auto round = [&](bool releases) {
        std::string begin = framed("SUBSCRIBE\nid:1\ndestination:/a\nack:client\n\n");
        std::string end = framed("ACK\nid:" + std::to_string(run.log.size() + 1) + "\n\n", "UNSUBSCRIBE\nid:1\n\n");
        run.log.emplace_back();
        const std::size_t before = allocations();
        bytes in = bytes_of(begin.data(), begin.size());
        const std::uint32_t subscription = run.peer.next(in).subscription;
        const std::size_t named = allocations();
        REQUIRE_FALSE(run.peer.deliver(subscription, {.destination = "/a"}).error);
        if (releases) run.peer.release_memory(); // of what is in use nothing
        send_all(run.peer);
        in = bytes_of(end.data(), end.size());
        REQUIRE(run.peer.next(in).kind == server_kind::ack);
        REQUIRE(run.peer.next(in).kind == server_kind::unsubscribe);
        const std::size_t after = allocations();
        if (releases) run.peer.release_memory();
        return std::pair(named - before, after - named);
    };
    run.log.reserve(100);
    static_cast<void>(round(false));
    CHECK(round(true) == std::pair<std::size_t, std::size_t>(0, 0));
    // For the names, and then for the output and the message that waits.
    CHECK(round(true) == std::pair<std::size_t, std::size_t>(1, 2));
    CHECK(round(false) == std::pair<std::size_t, std::size_t>(1, 2));
    CHECK(round(false) == std::pair<std::size_t, std::size_t>(0, 0));
    CHECK_FALSE(run.peer.error());
}
