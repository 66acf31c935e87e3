// The client's end of a STOMP session.
// SPDX-License-Identifier: MIT
#include <sockless/stomp/client_session.hpp>

#include <doctest/doctest.h>

#include <initializer_list>

#include "../support/allocations.hpp"
#include "scripted.hpp"

using namespace sockless;
using namespace sockless::test;
using lines = std::vector<std::string>;
using client = stomp::client_session;
using stomp::client_kind;
using stomp::errc;
using stomp::version;

namespace {

client_run open_client(std::string_view version = "1.2", const stomp::options& how = {},
                       client_run::reaction react = {}) {
    return connected_run<stomp_client_side>(version, how, static_cast<client_run::reaction&&>(react));
}

// A client whose CONNECT is on its way.
client_run asking(const stomp::options& how = {}) {
    client_run run(stomp_client_side::make(how));
    static_cast<void>(run.take_frames());
    return run;
}

// Checks the end of a session that the last input should have ended: a client has no frame to say why.
void check_lost(client_run& run, errc what, std::uint64_t offset) {
    CHECK(run.take_log() == lines{"lost " + std::string(row_of(what).name) + " @" + std::to_string(offset)});
    CHECK(run.peer.error() == what);
    CHECK(run.take_frames().empty());
    CHECK(run.complaint == "");
    CHECK(run.peer.done());
    // S13: nothing more is read or sent.
    run.feed(connected_text() + framed("ERROR\n\n"));
    run.finish();
    CHECK(run.log.empty());
    CHECK(run.peer.send({.destination = "/a"}) == errc::not_open);
    CHECK(run.peer.output().empty());
    CHECK(run.complaint == "");
}

// Every verb of a session that is open, by its name; each is asked whether it is possible.
std::vector<std::pair<std::string, error>> all_verbs(client& peer) {
    return {{"send", peer.send({.destination = "/a"})},
            {"subscribe", peer.subscribe({.id = "1", .destination = "/a"})},
            {"subscribe again", peer.subscribe({.id = "known", .destination = "/a"})},
            {"unsubscribe", peer.unsubscribe({.id = "known"})},
            {"ack", peer.ack({.id = "1", .message_id = "1", .subscription = "1"})},
            {"nack", peer.nack({.id = "1", .message_id = "1", .subscription = "1"})},
            {"begin", peer.begin("other")},
            {"begin again", peer.begin("known")},
            {"commit", peer.commit("known")},
            {"abort", peer.abort("known")},
            {"disconnect", peer.disconnect()},
            {"connect", peer.connect({.host = "h"})}};
}

void nothing_is_possible(client_run& run) {
    for (const auto& each : all_verbs(run.peer)) {
        CAPTURE(each.first);
        CHECK(each.second == errc::not_open);
    }
    CHECK(run.peer.output().empty());
}

} // namespace

TEST_CASE("the sessions are small") {
    CHECK(sizeof(stomp::client_session) <= 512);
    CHECK(sizeof(stomp::basic_client_session<small_memory>) <= 512);
}

// --- S6: connecting

TEST_CASE("S6: CONNECT says the versions and the host, once") {
    struct {
        stomp::version_set versions;
        const char* headers;
    } const cases[] = {
        {stomp::version_set::all(),
         "accept-version:1.0,1.1,1.2\nhost:h\nlogin:u\npasscode:p:\\\nheart-beat:5,6\nx:1\n"},
        {{version::v1_1}, "accept-version:1.1\nhost:h\nlogin:u\npasscode:p:\\\nheart-beat:5,6\nx:1\n"},
        {{version::v1_0}, "host:h\nlogin:u\npasscode:p:\\\nx:1\n"},
    };
    for (const auto& each : cases) {
        client_run run{client({.versions = each.versions, .heart_beat = {5, 6}})};
        const stomp::header headers[] = {{"x", "1"}};
        const stomp::connect_frame frame{.versions = {version::v1_2}, // those of the options count
                                         .host = "h",
                                         .login = "u",
                                         .passcode = "p:\\",
                                         .heart_beat = {7, 8},
                                         .headers = headers};
        CHECK_FALSE(run.peer.connect(frame));
        CHECK(run.peer.connect(frame) == errc::not_open);
        CHECK(run.take_frames() == lines{"CONNECT\n" + std::string(each.headers) + "\n"});
    }
    client_run other{client()};
    CHECK_FALSE(other.peer.connect({.host = "h", .as = stomp::command::stomp}));
    CHECK(other.take_frames() == lines{"STOMP\naccept-version:1.0,1.1,1.2\nhost:h\n\n"});
}

TEST_CASE("S6 S14: a CONNECT that cannot be said is not sent, and can be said better") {
    client_run run{client()};
    CHECK(run.peer.connect({.host = "h\nadmin:1"}) == errc::bad_header);
    CHECK(run.peer.connect({.host = "h", .login = {"a\0b", 3}}) == errc::bad_header);
    CHECK(run.peer.connect({.host = "h", .as = stomp::command::send}) == errc::unexpected_command);
    CHECK(run.peer.output().empty());
    CHECK_FALSE(run.peer.connect({.host = "h"}));
    client_run none{client({.versions = {}})};
    CHECK(none.peer.connect({.host = "h"}) == errc::missing_header);
    // A server of 1.0 would take the blank away.
    client_run old{client({.versions = {version::v1_0}})};
    CHECK(old.peer.connect({.passcode = "p "}) == errc::bad_header);
}

TEST_CASE("S6 S17: a client need not name a host") {
    client_run run{client()};
    CHECK_FALSE(run.peer.connect({.login = "u"}));
    CHECK(run.take_frames() == lines{"CONNECT\naccept-version:1.0,1.1,1.2\nlogin:u\n\n"});
    // A token of the size that they have.
    client_run other{client()};
    CHECK_FALSE(other.peer.connect({.passcode = std::string(5000, 't')}));
    CHECK(other.take_frames().front().size() > 5000);
}

TEST_CASE("S15 S16: a server of 1.0 that writes as its document does") {
    client_run run = asking();
    run.feed(framed("CONNECTED\nsession: s77\n\n",
                    "MESSAGE\ndestination:/queue/a\nmessage-id: m1\ncontent-length: 5\n\nhello",
                    "RECEIPT\r\nreceipt-id: r\r\n\r\n", "ERROR\nmessage: malformed packet received\n\nThe message:"));
    CHECK(run.log == lines{"connected session=s77", "message message-id=m1 destination=/queue/a: hello",
                           "receipt receipt-id=r", "error message=malformed packet received: The message:",
                           "lost error_received @" + std::to_string(run.peer.offset())});
    CHECK(run.complaint == "");
}

TEST_CASE("S6: CONNECTED tells the version, which must be one that was offered") {
    const stomp::version_set sets[] = {stomp::version_set::all(),
                                       {version::v1_0},
                                       {version::v1_1},
                                       {version::v1_2},
                                       {version::v1_0, version::v1_2},
                                       {version::v1_1, version::v1_2},
                                       {version::v1_0, version::v1_1}};
    for (const stomp::version_set offered : sets) {
        for (const std::string_view answer : {"1.0", "1.1", "1.2", "", "1.3", "2.0", "1.2 ", "1.1,1.2", "none"}) {
            CAPTURE(offered.list());
            CAPTURE(answer);
            client_run run = asking({.versions = offered});
            // Without the header it is 1.0.
            run.feed(framed("CONNECTED\n" + (answer == "none" ? "" : "version:" + std::string(answer) + "\n") +
                            "server:s/1\nsession:id\n\n"));
            const version said = answer == "none" ? version::v1_0 : stomp::version_of(answer);
            if (offered.has(said)) {
                CHECK(run.take_log() == lines{"connected server=s/1 session=id"});
                CHECK(run.peer.version() == said);
                CHECK(run.peer.is_open());
            } else {
                check_lost(run, errc::no_common_version, 0);
            }
        }
    }
}

TEST_CASE("S5 S6: heart-beat of CONNECTED is two numbers, and in 1.0 nothing at all") {
    for (const std::string_view bad : {"", "1", "1,2,3", "a,b", "-1,0", "1, 2"}) {
        const std::string header = "heart-beat:" + std::string(bad) + "\n";
        client_run run = asking();
        run.feed("\n" + connected_text("1.2", header));
        run.log.erase(run.log.begin());
        check_lost(run, errc::bad_heart_beat, 1);
        client_run old = asking();
        old.feed(framed("CONNECTED\n" + header + "\n"));
        CHECK(old.peer.is_open());
    }
    // A number that is too large is the largest.
    client_run run = asking({.heart_beat = {1000, 1000}});
    run.feed(connected_text("1.2", "heart-beat:99999999999999999999999,4294967296\n"));
    run.tick(0);
    run.tick(100'000'000'000);
    CHECK(run.peer.is_open());
}

TEST_CASE(
    "S6: the first frame of a server is CONNECTED or ERROR, and CONNECTED comes once and where it was asked for") {
    for (const std::string command : {"MESSAGE", "RECEIPT"}) {
        client_run run = asking();
        run.feed(framed(command + "\nsubscription:1\nmessage-id:1\ndestination:/a\nreceipt-id:1\n\n"));
        check_lost(run, errc::not_connected, 0);
    }
    client_run again = open_client();
    again.feed(connected_text());
    check_lost(again, errc::already_connected, connected_text().size());
    client_run leaving = open_client();
    REQUIRE_FALSE(leaving.peer.disconnect());
    static_cast<void>(leaving.take_frames());
    leaving.feed(connected_text());
    check_lost(leaving, errc::already_connected, connected_text().size());
    client_run unasked{client()};
    unasked.feed(connected_text());
    check_lost(unasked, errc::not_connected, 0);
}

TEST_CASE("S6: a server does not send what only a client sends") {
    for (const std::string command : {"SEND", "SUBSCRIBE", "UNSUBSCRIBE", "ACK", "NACK", "BEGIN", "COMMIT", "ABORT",
                                      "DISCONNECT", "CONNECT", "STOMP"}) {
        client_run run = open_client();
        run.feed(framed(command + "\ndestination:/a\nid:1\n\n"));
        check_lost(run, errc::unexpected_command, connected_text().size());
        client_run early = asking();
        early.feed(framed(command + "\ndestination:/a\nid:1\n\n"));
        check_lost(early, errc::unexpected_command, 0);
    }
}

TEST_CASE("S13: an ERROR instead of CONNECTED is told, and is the last") {
    client_run run = asking();
    const std::string input =
        framed("ERROR\nmessage:Bad\\clogin\nversion:1.3\ncontent-type:text/plain\n\nNo such user.");
    run.feed(input + connected_text() + "?");
    CHECK(run.take_log() == lines{"error type=text/plain message=Bad\\clogin: No such user.",
                                  "lost error_received @" + std::to_string(input.size())});
    CHECK(run.peer.error() == errc::error_received);
    CHECK(run.peer.done());
    CHECK(run.peer.offset() == input.size());
    nothing_is_possible(run);
    run.feed("more");
    run.finish();
    CHECK(run.log.empty());
    CHECK(run.complaint == "");
}

TEST_CASE("S13: an ERROR ends an open session at once, whoever tells the loss") {
    for (const bool by_finish : {false, true}) {
        client_run run = open_client();
        REQUIRE_FALSE(run.peer.send({.destination = "/a", .receipt = "r"}));
        std::string input = framed("ERROR\nmessage:a\\nb\nreceipt-id:r\n\n", "MESSAGE\n\n");
        bytes in = bytes_of(input.data(), input.size());
        const stomp::client_event event = run.peer.next(in);
        CHECK(line_of(run.peer, event) == "error receipt-id=r message=a\nb");
        CHECK(run.peer.state() == stomp::state::closed);
        CHECK(run.peer.send({.destination = "/a"}) == errc::not_open);
        const stomp::client_event lost = by_finish ? run.peer.finish() : run.peer.next(in);
        CHECK(lost.kind == client_kind::lost);
        CHECK(lost.error == errc::error_received);
        CHECK_FALSE(run.peer.finish());
        CHECK_FALSE(run.peer.next(in));
        CHECK(in.empty());
    }
}

TEST_CASE("S6: nothing can be sent before a session is open, and nothing after") {
    client_run before = asking();
    nothing_is_possible(before);
    client_run fresh{client()};
    for (const auto& [verb, said] : all_verbs(fresh.peer))
        CHECK(said == (verb == "connect" ? error() : errc::not_open));

    const auto prepared = [] {
        client_run run = open_client();
        REQUIRE_FALSE(run.peer.subscribe({.id = "known", .destination = "/a"}));
        REQUIRE_FALSE(run.peer.begin("known"));
        return run;
    };
    client_run leaving = prepared();
    REQUIRE_FALSE(leaving.peer.disconnect());
    static_cast<void>(leaving.take_frames());
    nothing_is_possible(leaving);
    client_run lost = prepared();
    lost.finish();
    static_cast<void>(lost.take_frames());
    nothing_is_possible(lost);
    client_run closed = prepared();
    REQUIRE_FALSE(closed.peer.disconnect());
    closed.feed(framed("RECEIPT\nreceipt-id:disconnect\n\n"));
    static_cast<void>(closed.take_frames());
    nothing_is_possible(closed);
}

// --- what is sent

TEST_CASE("S8 S9 S10 S14: each verb writes its frame as the version wants it") {
    struct {
        std::string_view version;
        const char* ack;
        const char* escaped;
    } const cases[] = {{"1.0", "message-id:m\n", "a:\\b"},
                       {"1.1", "message-id:m\nsubscription:s\n", "a\\c\\\\b"},
                       {"1.2", "id:k\n", "a\\c\\\\b"}};
    for (const auto& each : cases) {
        CAPTURE(each.version);
        const std::string escaped = each.escaped;
        client_run run = open_client(each.version);
        client& peer = run.peer;
        const stomp::header headers[] = {{"x", "a:\\b"}};
        REQUIRE_FALSE(peer.begin("t"));
        REQUIRE_FALSE(peer.send({.destination = "/a:\\b",
                                 .content_type = "text/plain",
                                 .transaction = "t",
                                 .receipt = "1",
                                 .headers = headers,
                                 .body = bytes_of("x\0y", 3)}));
        REQUIRE_FALSE(
            peer.send({.destination = "/a", .body = bytes_of("x"), .length = stomp::content_length::omitted}));
        REQUIRE_FALSE(peer.subscribe({.id = "s", .destination = "/a", .ack = stomp::ack_mode::client, .receipt = "2"}));
        const stomp::ack_frame named{.id = "k", .message_id = "m", .subscription = "s"};
        REQUIRE_FALSE(peer.ack(named));
        if (each.version != "1.0")
            REQUIRE_FALSE(
                peer.nack({.id = "k", .message_id = "m", .subscription = "s", .transaction = "t", .receipt = "3"}));
        REQUIRE_FALSE(peer.commit("t", "4"));
        REQUIRE_FALSE(peer.begin("u", "5"));
        REQUIRE_FALSE(peer.abort("u"));
        REQUIRE_FALSE(peer.unsubscribe({.id = "s", .receipt = "6"}));
        REQUIRE_FALSE(peer.disconnect("a:\\b"));
        const std::string ack = each.ack;
        lines expected{"BEGIN\ntransaction:t\n\n",
                       "SEND\ndestination:/" + escaped + "\ncontent-type:text/plain\ntransaction:t\nreceipt:1\nx:" +
                           escaped + "\ncontent-length:3\n\nx" + std::string(1, '\0') + "y",
                       "SEND\ndestination:/a\n\nx",
                       "SUBSCRIBE\nid:s\ndestination:/a\nack:client\nreceipt:2\n\n",
                       "ACK\n" + ack + "\n",
                       "NACK\n" + ack + "transaction:t\nreceipt:3\n\n",
                       "COMMIT\ntransaction:t\nreceipt:4\n\n",
                       "BEGIN\ntransaction:u\nreceipt:5\n\n",
                       "ABORT\ntransaction:u\n\n",
                       "UNSUBSCRIBE\nid:s\nreceipt:6\n\n",
                       "DISCONNECT\nreceipt:" + escaped + "\n\n"};
        if (each.version == "1.0") expected.erase(expected.begin() + 5);
        CHECK(run.take_frames() == expected);
    }
}

TEST_CASE("S8 S9 S10 S14: what is not possible is said, and leaves nothing behind") {
    for (const std::string_view version : {"1.0", "1.1", "1.2"}) {
        CAPTURE(version);
        client_run run = open_client(version);
        client& peer = run.peer;
        REQUIRE_FALSE(peer.subscribe({.id = "s", .destination = "/a", .receipt = "r"}));
        REQUIRE_FALSE(peer.begin("t"));
        const std::string sent(text_of(peer.output()));
        const bool is_1_0 = version == "1.0";
        const stomp::header no_name[] = {{"", "x"}};
        const stomp::header length[] = {{"content-length", "1"}};
        const stomp::header nul[] = {{"x", std::string_view("\0", 1)}};
        const std::pair<error, errc> cases[] = {
            {peer.send({}), errc::missing_header},
            {peer.send({.destination = "/a", .transaction = "u"}), errc::unknown_transaction},
            {peer.send({.destination = "/a", .receipt = "r"}), errc::repeated_receipt},
            {peer.send({.destination = "/a", .receipt = "new", .headers = no_name}), errc::bad_header},
            {peer.send({.destination = "/a", .receipt = "new", .headers = length}), errc::bad_header},
            {peer.send({.destination = "/a", .receipt = "new", .headers = nul}), errc::bad_header},
            {peer.send({.destination = {"/\0", 2}}), errc::bad_header},
            {peer.send({.destination = "/a",
                        .receipt = "new",
                        .body = bytes_of("a\0b", 3),
                        .length = stomp::content_length::omitted}),
             errc::nul_in_body},
            {peer.subscribe({.id = "s", .destination = "/b", .receipt = "new"}), errc::repeated_subscription},
            {peer.subscribe({.id = "new", .receipt = "new"}), errc::missing_header},
            {peer.subscribe({.id = "new", .destination = "/b", .receipt = "r"}), errc::repeated_receipt},
            {peer.unsubscribe({.id = "new", .receipt = "new"}), errc::unknown_subscription},
            {peer.unsubscribe({.id = "s", .receipt = "r"}), errc::repeated_receipt},
            {peer.ack({.receipt = "new"}), errc::missing_header},
            {peer.ack({.id = "1", .message_id = "1", .subscription = "1", .transaction = "u"}),
             errc::unknown_transaction},
            {peer.begin("t", "new"), errc::repeated_transaction},
            {peer.begin("", "new"), errc::missing_header},
            {peer.begin("new", "r"), errc::repeated_receipt},
            {peer.commit("u", "new"), errc::unknown_transaction},
            {peer.abort("new", "new"), errc::unknown_transaction},
            {peer.commit("t", "r"), errc::repeated_receipt},
            {peer.disconnect("r"), errc::repeated_receipt},
            {peer.disconnect(""), errc::missing_header},
            {peer.connect({.host = "h"}), errc::not_open},
        };
        for (const auto& [said, what] : cases) CHECK(said == what);
        if (is_1_0) {
            CHECK(peer.nack({.message_id = "1"}) == errc::unexpected_command);
            CHECK(peer.subscribe({.id = "new", .destination = "/b", .ack = stomp::ack_mode::client_individual}) ==
                  errc::bad_ack_mode);
            CHECK(peer.send({.destination = "a\nb"}) == errc::bad_header);
        } else {
            CHECK(peer.subscribe({.destination = "/b"}) == errc::missing_header);
        }
        CHECK(text_of(peer.output()) == sent);
        CHECK(names_in(peer.subscriptions()) == lines{"s"});
        CHECK(names_in(peer.transactions()) == lines{"t"});
        CHECK(names_in(peer.receipts()) == lines{"r"});
        CHECK(peer.is_open());
        // And each name is free.
        CHECK_FALSE(peer.subscribe({.id = "new", .destination = "/b"}));
        CHECK_FALSE(peer.begin("new", "new"));
    }
}

TEST_CASE("S8: in 1.0 a destination stands for an id that is missing") {
    client_run run = open_client("1.0");
    REQUIRE_FALSE(run.peer.subscribe({.destination = "/a"}));
    CHECK(run.peer.subscribe({.destination = "/a"}) == errc::repeated_subscription);
    REQUIRE_FALSE(run.peer.subscribe({.id = "/a", .destination = "/a"}));
    CHECK(run.peer.unsubscribe({.destination = "/b"}) == errc::unknown_subscription);
    REQUIRE_FALSE(run.peer.unsubscribe({.destination = "/a"}));
    CHECK(run.peer.unsubscribe({.destination = "/a"}) == errc::unknown_subscription);
    CHECK(names_in(run.peer.subscriptions()) == lines{"/a"});
    CHECK(run.take_frames() == lines{"SUBSCRIBE\ndestination:/a\nack:auto\n\n",
                                     "SUBSCRIBE\nid:/a\ndestination:/a\nack:auto\n\n",
                                     "UNSUBSCRIBE\ndestination:/a\n\n"});
}

TEST_CASE("S8 S10: names are free again once they are ended, and can be taken from the lists there are") {
    const std::string name(200, 't'); // long enough for the lists to move while it is read
    for (int i = 0; i != 4; ++i) {
        CAPTURE(i);
        client_run run = open_client();
        client& peer = run.peer;
        REQUIRE_FALSE(peer.begin(name));
        REQUIRE_FALSE(peer.subscribe({.id = name, .destination = "/a"}));
        static_cast<void>(run.take_frames());
        const auto transaction = [&] { return *peer.transactions().begin(); };
        const std::string receipt(1000, 'r');
        if (i == 0) REQUIRE_FALSE(peer.commit(transaction(), receipt));
        if (i == 1) REQUIRE_FALSE(peer.abort(transaction(), transaction()));
        if (i == 2) REQUIRE_FALSE(peer.unsubscribe({.id = *peer.subscriptions().begin(), .receipt = receipt}));
        if (i == 3) REQUIRE_FALSE(peer.subscribe({.id = "2", .destination = "/a", .receipt = transaction()}));
        CHECK(names_in(peer.transactions()) == (i < 2 ? lines{} : lines{name}));
        CHECK(names_in(peer.receipts()) == lines{i % 2 == 0 ? receipt : name});
        const lines frames = run.take_frames();
        REQUIRE(frames.size() == 1);
        if (i == 1) CHECK(frames[0] == "ABORT\ntransaction:" + name + "\nreceipt:" + name + "\n\n");
        if (i == 2) CHECK(frames[0] == "UNSUBSCRIBE\nid:" + name + "\nreceipt:" + receipt + "\n\n");
        if (i < 2) REQUIRE_FALSE(peer.begin(name));
        if (i == 2) REQUIRE_FALSE(peer.subscribe({.id = name, .destination = "/a"}));
    }
}

TEST_CASE("S8 S10: a name that lies in a list of the session begins again as what it is, though the list moves") {
    // With a receipt there are two names to add, and the first needs more memory, or what is there moves.
    const auto check = [](auto run) {
        auto& peer = run.peer;
        REQUIRE_FALSE(peer.subscribe({.id = "old", .destination = "/a"}));
        REQUIRE_FALSE(peer.subscribe({.id = "first", .destination = "/a"}));
        REQUIRE_FALSE(peer.unsubscribe({.id = "old"}));
        static_cast<void>(run.take_frames());
        const std::string receipt(250, 'r');
        REQUIRE_FALSE(peer.begin(*peer.subscriptions().begin(), receipt));
        CHECK(names_in(peer.transactions()) == lines{"first"});
        CHECK(names_in(peer.receipts()) == lines{receipt});
        REQUIRE_FALSE(peer.subscribe({.id = *peer.receipts().begin(), .destination = "/a", .receipt = "r2"}));
        CHECK(names_in(peer.subscriptions()) == lines{"first", receipt});
        CHECK(run.take_frames() == lines{"BEGIN\ntransaction:first\nreceipt:" + receipt + "\n\n",
                                         "SUBSCRIBE\nid:" + receipt + "\ndestination:/a\nack:auto\nreceipt:r2\n\n"});
        REQUIRE_FALSE(peer.commit("first", *peer.transactions().begin()));
        CHECK(names_in(peer.receipts()) == lines{receipt, "r2", "first"});
        CHECK(names_in(peer.transactions()).empty());
    };
    check(open_client());
    buffer input(1000), output(4000), names(2 * 700);
    check(connected_by(stomp_client_side::make_small(input, output, names, {}), connected_text()));
}

TEST_CASE("S12: the numbers of subscriptions, transactions and receipts are exact limits") {
    client_run run = open_client("1.2", {.subscriptions = 2, .transactions = 1, .receipts = 2});
    client& peer = run.peer;
    REQUIRE_FALSE(peer.subscribe({.id = "1", .destination = "/a", .receipt = "1"}));
    REQUIRE_FALSE(peer.subscribe({.id = "2", .destination = "/a"}));
    REQUIRE_FALSE(peer.begin("t", "2"));
    const std::string sent(text_of(peer.output()));
    CHECK(peer.subscribe({.id = "3", .destination = "/a"}) == errc::too_many_subscriptions);
    CHECK(peer.begin("u") == errc::too_many_transactions);
    CHECK(peer.send({.destination = "/a", .receipt = "3"}) == errc::too_many_receipts);
    CHECK(peer.disconnect() == errc::too_many_receipts);
    CHECK(text_of(peer.output()) == sent);
    run.feed(framed("RECEIPT\nreceipt-id:1\n\n"));
    REQUIRE_FALSE(peer.send({.destination = "/a", .receipt = "3"}));
    REQUIRE_FALSE(peer.unsubscribe({.id = "1"}));
    REQUIRE_FALSE(peer.subscribe({.id = "3", .destination = "/a"}));
    REQUIRE_FALSE(peer.commit("t"));
    REQUIRE_FALSE(peer.begin("u"));
    CHECK(names_in(peer.receipts()) == lines{"2", "3"});
}

TEST_CASE("S12: a frame fits or is not sent, in output and in names") {
    const std::string frame = framed("SEND\ndestination:/a\nreceipt:1\ncontent-length:100\n\n" + std::string(100, 'b'));
    const std::string body(100, 'b');
    for (const std::size_t missing : {std::size_t{0}, std::size_t{1}, frame.size() - 60}) {
        for (const bool small : {false, true}) {
            const auto check = [&](auto run) {
                run.drains = false;
                const error said = run.peer.send({.destination = "/a", .receipt = "1", .body = bytes_of(body)});
                CHECK(said == (missing == 0 ? error() : error(errc::no_room)));
                CHECK(text_of(run.peer.output()) == (missing == 0 ? frame : ""));
                CHECK(names_in(run.peer.receipts()).size() == (missing == 0 ? 1 : 0));
                CHECK(run.peer.is_open());
            };
            buffer input(1000), output(frame.size() - missing), names(200);
            if (small) check(connected_by(stomp_client_side::make_small(input, output, names, {}), connected_text()));
            if (!small) check(open_client("1.2", {.output = frame.size() - missing}));
        }
    }
    // 20 bytes and the name for each: a SUBSCRIBE with a receipt takes two.
    for (const std::size_t missing : {std::size_t{0}, std::size_t{1}, std::size_t{14}}) {
        client_run run = open_client("1.2", {.names = 2 * 20 + 3 + 4 - missing});
        const error said = run.peer.subscribe({.id = "123", .destination = "/a", .receipt = "1234"});
        CHECK(static_cast<bool>(said) == (missing != 0));
        CHECK(run.peer.output().empty() == (missing != 0));
        CHECK(names_in(run.peer.receipts()).size() == (missing == 0 ? 1 : 0));
        CHECK(names_in(run.peer.subscriptions()).size() == (missing == 0 ? 1 : 0));
        if (missing != 0) CHECK_FALSE(run.peer.send({.destination = "/a", .receipt = "1234"}));
    }
}

// --- what comes

TEST_CASE("a MESSAGE is handed out with its headers and its body, of any bytes") {
    lines headers;
    client_run run =
        open_client("1.2", {}, [&](client&, const stomp::client_event& event) { headers = lines_of(event.headers); });
    const std::string body("a\0\n\xFF", 4);
    run.feed(framed("MESSAGE\nsubscription:s\\c\nmessage-id:m\ndestination:/a\nack:k\\\\\ncontent-type:text/plain\n"
                    "content-length:4\nx:1\nx:2\nmessage-id:n\n\n" +
                    body));
    CHECK(run.take_log() ==
          lines{"message subscription=s: message-id=m destination=/a ack=k\\ type=text/plain: " + body});
    CHECK(headers == lines{"subscription:s:", "message-id:m", "destination:/a", "ack:k\\", "content-type:text/plain",
                           "content-length:4", "x:1", "x:2", "message-id:n"});
}

TEST_CASE("S9 S17: a MESSAGE has an id; what else it lacks is shown as it is") {
    struct {
        const char* headers;
        const char* line;
    } const cases[] = {
        {"subscription:s\nmessage-id:m\ndestination:/a\n", "message subscription=s message-id=m destination=/a: body"},
        {"message-id:m\ndestination:/a\n", "message message-id=m destination=/a: body"},
        {"subscription:\nmessage-id:m\ndestination:/a\n", "message message-id=m destination=/a: body"},
        {"subscription:s\nmessage-id:m\n", "message subscription=s message-id=m: body"},
        {"message-id:m\n", "message message-id=m: body"},
        {"subscription:s\ndestination:/a\n", nullptr},
        {"subscription:s\nmessage-id:\ndestination:/a\n", nullptr},
        {"", nullptr}};
    for (const std::string_view version : {"1.0", "1.1", "1.2"}) {
        for (const auto& each : cases) {
            CAPTURE(version);
            CAPTURE(each.headers);
            client_run run = open_client(version);
            run.feed("\n" + framed("MESSAGE\n" + std::string(each.headers) + "\nbody"));
            run.log.erase(run.log.begin());
            if (each.line != nullptr) {
                CHECK(run.log == lines{each.line});
                CHECK(run.peer.is_open());
            } else {
                check_lost(run, errc::missing_header, connected_text(version).size() + 1);
            }
        }
    }
}

TEST_CASE("S7 S17: a RECEIPT says what it is for") {
    for (const std::string_view version : {"1.0", "1.1", "1.2"}) {
        for (const std::string_view headers : {"", "receipt-id:\n", "receipt:r\n", "Receipt-Id:r\n"}) {
            CAPTURE(headers);
            client_run run = open_client(version);
            REQUIRE_FALSE(run.peer.send({.destination = "/a", .receipt = "r"}));
            static_cast<void>(run.take_frames());
            run.feed(framed("RECEIPT\n" + std::string(headers) + "\n"));
            check_lost(run, errc::missing_header, connected_text(version).size());
            CHECK(names_in(run.peer.receipts()) == lines{"r"});
        }
    }
}

TEST_CASE("S9: a message is acknowledged as it came, in or outside of a transaction") {
    for (const std::string_view version : {"1.0", "1.1", "1.2"}) {
        client_run run = open_client(version, {}, [&](client& peer, const stomp::client_event& event) {
            REQUIRE(event.kind == client_kind::message);
            CHECK(peer.ack(event, "u") == errc::unknown_transaction);
            CHECK_FALSE(peer.ack(event));
            CHECK_FALSE(peer.ack(event, "t"));
            CHECK(peer.nack(event) == (version == "1.0" ? error(errc::unexpected_command) : error()));
        });
        REQUIRE_FALSE(run.peer.begin("t"));
        static_cast<void>(run.take_frames());
        run.feed(framed("MESSAGE\nsubscription:s\nmessage-id:m\ndestination:/a\nack:k\n\n"));
        const std::string names = version == "1.0"   ? "message-id:m\n"
                                  : version == "1.1" ? "message-id:m\nsubscription:s\n"
                                                     : "id:k\n";
        lines expected{"ACK\n" + names + "\n", "ACK\n" + names + "transaction:t\n\n", "NACK\n" + names + "\n"};
        if (version == "1.0") expected.pop_back();
        CHECK(run.take_frames() == expected);
    }
    // In 1.2 without an `ack` header there is nothing to acknowledge.
    client_run run = open_client("1.2", {}, [&](client& peer, const stomp::client_event& event) {
        CHECK(peer.ack(event) == errc::missing_header);
        CHECK(peer.output().empty());
    });
    run.feed(framed("MESSAGE\nsubscription:s\nmessage-id:m\ndestination:/a\n\n"));
}

TEST_CASE("S13: the receipt of DISCONNECT is awaited from when that has left") {
    client_run run = open_client("1.2", {.disconnect_timeout = 500});
    run.drains = false;
    run.tick(0);
    REQUIRE_FALSE(run.peer.disconnect());
    run.tick(0);
    run.tick(400);
    CHECK(run.peer.next_deadline() == 500);
    run.drain();
    CHECK(run.peer.next_deadline() == 0);
    run.tick(450);
    run.tick(949);
    CHECK(run.log.empty());
    CHECK_FALSE(run.peer.done());
    run.tick(950);
    CHECK(run.peer.error() == errc::receipt_timeout);
    CHECK(run.peer.done());
    CHECK(run.peer.next_deadline() == no_deadline);
}

TEST_CASE("S6: a client shuts a session down as its state asks for it") {
    client_run run = open_client();
    run.peer.shut_down();
    run.peer.shut_down();
    CHECK(run.take_frames() == lines{"DISCONNECT\nreceipt:disconnect\n\n"});
    CHECK(run.peer.state() == stomp::state::disconnecting);
    run.feed(framed("RECEIPT\nreceipt-id:disconnect\n\n"));
    CHECK(run.log == lines{"closed receipt-id=disconnect"});
    CHECK(run.peer.done());
    run.peer.shut_down();
    CHECK_FALSE(run.peer.error());

    // A session that cannot queue DISCONNECT ends without it.
    client_run taken = open_client();
    REQUIRE_FALSE(taken.peer.send({.destination = "/a", .receipt = "disconnect"}));
    static_cast<void>(taken.take_frames());
    {
        client_run* const each = &taken;
        each->peer.shut_down();
        CHECK(each->peer.error() == errc::shut_down);
        CHECK(each->peer.done());
        each->feed("?");
        REQUIRE(!each->log.empty());
        CHECK(each->log.back().starts_with("lost shut_down"));
        each->finish();
        CHECK(each->log.size() == 1);
        nothing_is_possible(*each);
    }
    client_run connecting = asking();
    connecting.peer.shut_down();
    connecting.finish();
    CHECK(connecting.log == lines{"lost shut_down @0"});
    CHECK(connecting.peer.done());
}

// --- S7: receipts

TEST_CASE("S7: receipts are outstanding until they come, in any order") {
    client_run run = open_client();
    for (const std::string_view id : {"1", "2", "3", "a:b"}) {
        REQUIRE_FALSE(run.peer.send({.destination = "/a", .receipt = id}));
    }
    CHECK(names_in(run.peer.receipts()) == lines{"1", "2", "3", "a:b"});
    run.feed(framed("RECEIPT\nreceipt-id:2\n\n", "RECEIPT\nreceipt-id:a\\cb\n\n", "RECEIPT\nreceipt-id:other\n\n"));
    CHECK(run.take_log() == lines{"receipt receipt-id=2", "receipt receipt-id=a:b", "receipt receipt-id=other"});
    CHECK(names_in(run.peer.receipts()) == lines{"1", "3"});
    // Then its id is free.
    CHECK(run.peer.send({.destination = "/a", .receipt = "1"}) == errc::repeated_receipt);
    CHECK_FALSE(run.peer.send({.destination = "/a", .receipt = "2"}));
    CHECK(names_in(run.peer.receipts()) == lines{"1", "3", "2"});
}

TEST_CASE("S7: what is lost names the receipts that will never come, however it is lost") {
    const auto prepared = [] {
        client_run run = open_client("1.2", {.heart_beat = {0, 0}, .disconnect_timeout = 100});
        run.tick(0);
        for (const std::string_view id : {"1", "2", "3"}) {
            REQUIRE_FALSE(run.peer.send({.destination = "/a", .receipt = id}));
        }
        run.feed(framed("RECEIPT\nreceipt-id:2\n\n"));
        static_cast<void>(run.take_log());
        return run;
    };
    const std::string at = " @" + std::to_string(connected_text().size() + framed("RECEIPT\nreceipt-id:2\n\n").size());

    client_run cut = prepared();
    cut.finish();
    CHECK(cut.log == lines{"lost end_of_input" + at});
    CHECK(names_in(cut.peer.receipts()) == lines{"1", "3"});
    cut.finish();
    CHECK(cut.log.size() == 1);
    CHECK(names_in(cut.peer.receipts()) == lines{"1", "3"});

    client_run broken = prepared();
    broken.feed("?\n");
    CHECK(broken.log == lines{"lost unknown_command" + at});
    CHECK(names_in(broken.peer.receipts()) == lines{"1", "3"});

    client_run leaving = prepared();
    REQUIRE_FALSE(leaving.peer.disconnect("bye"));
    leaving.finish();
    CHECK(leaving.log == lines{"lost end_of_input" + at});
    CHECK(names_in(leaving.peer.receipts()) == lines{"1", "3", "bye"});

    // The goodbye was answered, the others were not: those the server forgot.
    client_run closed = prepared();
    REQUIRE_FALSE(closed.peer.disconnect("bye"));
    closed.feed(framed("RECEIPT\nreceipt-id:1\n\n", "RECEIPT\nreceipt-id:bye\n\n"));
    CHECK(closed.log == lines{"receipt receipt-id=1", "closed receipt-id=bye"});
    CHECK(names_in(closed.peer.receipts()) == lines{"3"});
}

TEST_CASE("S7 S13: a receipt that an ERROR names is not outstanding any more") {
    for (const std::string_view named : {"receipt-id:2\n", "receipt-id:other\n", ""}) {
        client_run run = open_client();
        for (const std::string_view id : {"1", "2", "3"})
            REQUIRE_FALSE(run.peer.send({.destination = "/a", .receipt = id}));
        REQUIRE_FALSE(run.peer.disconnect("bye"));
        run.feed(framed("ERROR\nmessage:no\n" + std::string(named) + "\n"));
        CHECK(run.log.size() == 2);
        CHECK(run.log.back().starts_with("lost error_received"));
        CHECK(names_in(run.peer.receipts()) ==
              (named == "receipt-id:2\n" ? lines{"1", "3", "bye"} : lines{"1", "2", "3", "bye"}));
    }
    client_run run = open_client();
    REQUIRE_FALSE(run.peer.disconnect("bye"));
    run.feed(framed("ERROR\nmessage:no\nreceipt-id:bye\n\n"));
    CHECK(run.log.back().starts_with("lost error_received"));
    CHECK(names_in(run.peer.receipts()).empty());
}

TEST_CASE("S12: by default as many receipts as may be are kept, with ids as people use them") {
    client_run run = open_client();
    for (int i = 0; i != 10'000; ++i) {
        const std::string id = "message-" + std::to_string(1'000'000 + i);
        REQUIRE_FALSE(run.peer.send({.destination = "/a", .receipt = id}));
    }
    CHECK(run.peer.send({.destination = "/a", .receipt = "more"}) == errc::too_many_receipts);
    for (int i = 0; i != 10'000; ++i) {
        run.feed(framed("RECEIPT\nreceipt-id:message-" + std::to_string(1'000'000 + i) + "\n\n"));
    }
    CHECK(run.peer.receipts().empty());
}

TEST_CASE("S6 S7: DISCONNECT is answered by its receipt; until then messages come") {
    client_run run = open_client();
    run.tick(1000);
    REQUIRE_FALSE(run.peer.send({.destination = "/a", .receipt = "1"}));
    REQUIRE_FALSE(run.peer.disconnect());
    CHECK(run.peer.state() == stomp::state::disconnecting);
    CHECK(run.take_frames() == lines{"SEND\ndestination:/a\nreceipt:1\n\n", "DISCONNECT\nreceipt:disconnect\n\n"});
    CHECK_FALSE(run.peer.done());
    run.feed(framed("MESSAGE\nsubscription:s\nmessage-id:m\ndestination:/a\n\n", "RECEIPT\nreceipt-id:1\n\n") + "\n");
    CHECK(run.peer.state() == stomp::state::disconnecting);
    run.feed(framed("RECEIPT\nreceipt-id:disconnect\n\n", "MESSAGE\nlate:1\n\n") + "?");
    CHECK(run.take_log() == lines{"message subscription=s message-id=m destination=/a", "receipt receipt-id=1",
                                  "heart_beat", "closed receipt-id=disconnect"});
    CHECK(run.peer.done());
    CHECK_FALSE(run.peer.error());
    run.finish();
    run.tick(100'000);
    CHECK(run.log.empty());
    CHECK(run.complaint == "");
}

TEST_CASE("S7: a receipt of this name that is no goodbye does not end a session") {
    client_run run = open_client();
    REQUIRE_FALSE(run.peer.send({.destination = "/a", .receipt = "disconnect"}));
    CHECK(run.peer.disconnect() == errc::repeated_receipt);
    CHECK(run.peer.is_open());
    run.feed(framed("RECEIPT\nreceipt-id:disconnect\n\n"));
    CHECK(run.log == lines{"receipt receipt-id=disconnect"});
    CHECK(run.peer.is_open());
}

TEST_CASE("S6: the receipt of DISCONNECT has a deadline") {
    client_run run = open_client("1.2", {.disconnect_timeout = 700});
    run.tick(0);
    REQUIRE_FALSE(run.peer.disconnect());
    static_cast<void>(run.take_frames());
    run.tick(5000); // the time when it was said is not known
    CHECK(run.peer.next_deadline() == 5700);
    run.feed("\n");
    run.tick(5699);
    static_cast<void>(run.take_log());
    run.tick(5700);
    check_lost(run, errc::receipt_timeout, connected_text().size() + 1);

    client_run patient = open_client("1.2", {.disconnect_timeout = never});
    patient.tick(0);
    REQUIRE_FALSE(patient.peer.disconnect());
    CHECK(patient.peer.next_deadline() == no_deadline);
}

// --- the end of the input

TEST_CASE("S6: an end of the input is a loss, whenever it comes") {
    client_run fresh{client()};
    fresh.finish();
    CHECK(fresh.log == lines{"lost end_of_input @0"});
    client_run asked = asking();
    asked.feed("\n");
    asked.finish();
    CHECK(asked.log == lines{"heart_beat", "lost end_of_input @1"});
    client_run half = asking();
    half.feed("CONNECTED\nver");
    half.finish();
    CHECK(half.log == lines{"lost truncated @13"});
    client_run open = open_client();
    open.finish();
    check_lost(open, errc::end_of_input, connected_text().size());
    const std::string frame = framed("MESSAGE\nsubscription:s\nmessage-id:m\ndestination:/a\n\nbody");
    for (std::size_t cut = 1; cut != frame.size(); ++cut) {
        client_run run = open_client();
        run.feed(std::string_view(frame).substr(0, cut));
        run.finish();
        check_lost(run, errc::truncated, connected_text().size() + cut);
    }
}

TEST_CASE("S10: transactions that are open at the end are named") {
    client_run run = open_client();
    REQUIRE_FALSE(run.peer.begin("t"));
    REQUIRE_FALSE(run.peer.begin("u"));
    REQUIRE_FALSE(run.peer.abort("t"));
    run.finish();
    CHECK(names_in(run.peer.transactions()) == lines{"u"});
}

TEST_CASE("S15: CONNECTED is read as any version, what follows as the one that was agreed on") {
    for (const std::string_view version : {"1.0", "1.1", "1.2"}) {
        CAPTURE(version);
        client_run run = asking();
        const std::string escapes = version == "1.0" ? "\\c\\q" : "\\c";
        run.feed("CONNECTED\r\nversion:" + std::string(version) + "\r\nserver:\\c\\q\r\n\r\n" + std::string(1, '\0') +
                 framed("MESSAGE\nsubscription:s\nmessage-id:m\ndestination:" + escapes + "\n\n"));
        CHECK(run.log == lines{"connected server=\\c\\q", "message subscription=s message-id=m destination=" +
                                                              (version == "1.0" ? escapes : std::string(":"))});
    }
}
