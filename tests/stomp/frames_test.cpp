// Tests of stomp/frames.hpp: every frame as each version writes it, and what it must have.
// SPDX-License-Identifier: MIT
#include <sockless/stomp/frames.hpp>

#include <doctest/doctest.h>
#include <sockless/stomp/parser.hpp>

#include <array>
#include <string>
#include <vector>

#include "../support/allocations.hpp"
#include "../support/split.hpp"

using namespace sockless;
using namespace sockless::test;
using namespace std::string_literals;
using namespace std::string_view_literals;
using stomp::ack_mode;
using stomp::command;
using stomp::errc;
using stomp::header;
using stomp::version;

namespace {

// The CONNECT of a client of all versions, written by the compiler.
constexpr bool writes_in_constant_evaluation() {
    constexpr std::string_view expected = "CONNECT\naccept-version:1.0,1.1,1.2\nhost:h\nheart-beat:10,20\n\n\0"sv;
    std::array<std::byte, expected.size()> out{};
    const written done = stomp::write(out, stomp::connect_frame{.host = "h", .heart_beat = {10, 20}});
    for (std::size_t i = 0; i != expected.size(); ++i) {
        if (static_cast<char>(out[i]) != expected[i]) return false;
    }
    return !done.error && done.size == expected.size();
}
static_assert(writes_in_constant_evaluation());
static_assert(stomp::is_forwarded("x") && stomp::is_forwarded("content-type") && !stomp::is_forwarded("receipt"));
static_assert(stomp::text_of(ack_mode::client_individual) == "client-individual");

// The frame that is written, or the name of the error behind a `!`. It takes exactly the room that it asks for, and no
// memory.
template <class... Arguments>
std::string said(const Arguments&... arguments) {
    const std::size_t before = allocations();
    const written measured = stomp::write(bytes{}, arguments...);
    CHECK(allocations() == before);
    if (measured.error != errc::no_room) {
        CHECK(measured.size == 0);
        return "!" + std::string(measured.error.name());
    }
    buffer out(measured.size);
    const written short_of_room = stomp::write(bytes(out).first(out.size() - 1), arguments...);
    CHECK(short_of_room.error == errc::no_room);
    CHECK(short_of_room.size == out.size());
    const written done = stomp::write(bytes(out), arguments...);
    CHECK_FALSE(done.error);
    CHECK(done.size == out.size());
    return std::string(text_of(cbytes(out)));
}

constexpr version agreed[] = {version::v1_0, version::v1_1, version::v1_2};
constexpr header more[] = {{"a", "b"}, {"a", ""}};

cbytes body_of(std::string_view text) { return bytes_of(text); }

} // namespace

TEST_CASE("S6 S14: CONNECT, and STOMP, of each set of versions") {
    using stomp::connect_frame;
    using stomp::version_set;
    CHECK(said(connect_frame{.host = "h"}) == "CONNECT\naccept-version:1.0,1.1,1.2\nhost:h\n\n\0"s);
    CHECK(said(connect_frame{.versions = {version::v1_2}, .host = "h", .as = command::stomp}) ==
          "STOMP\naccept-version:1.2\nhost:h\n\n\0"s);
    CHECK(said(connect_frame{.versions = {version::v1_1, version::v1_2},
                             .host = "h",
                             .login = "u",
                             .passcode = "p:\\",
                             .heart_beat = {100, 0},
                             .headers = more}) ==
          "CONNECT\naccept-version:1.1,1.2\nhost:h\nlogin:u\npasscode:p:\\\nheart-beat:100,0\na:b\na:\n\n\0"s);

    // A client of 1.0 alone has no versions, no heart-beats, and need not name its host.
    const version_set only_1_0{version::v1_0};
    CHECK(said(connect_frame{.versions = only_1_0}) == "CONNECT\n\n\0"s);
    CHECK(said(connect_frame{.versions = only_1_0, .login = "u", .passcode = "p", .heart_beat = {1, 1}}) ==
          "CONNECT\nlogin:u\npasscode:p\n\n\0"s);
    CHECK(said(connect_frame{.versions = only_1_0, .host = "h"}) == "CONNECT\nhost:h\n\n\0"s);

    CHECK(said(connect_frame{}) == "CONNECT\naccept-version:1.0,1.1,1.2\n\n\0"s);
    // In 1.0 a reader would take the blank away.
    CHECK(said(connect_frame{.versions = only_1_0, .passcode = " p"}) == "!bad_header");
    CHECK(said(connect_frame{.passcode = " p"}) == "CONNECT\naccept-version:1.0,1.1,1.2\npasscode: p\n\n\0"s);
    CHECK(said(connect_frame{.versions = {}, .host = "h"}) == "!missing_header");
    CHECK(said(connect_frame{.host = "h\n"}) == "!bad_header");
    CHECK(said(connect_frame{.host = "h", .passcode = "p\r"}) == "!bad_header");
    CHECK(said(connect_frame{.host = "h", .login = "u\0"sv}) == "!bad_header");
    CHECK(said(connect_frame{.host = "h", .as = command::none}) == "!unexpected_command");
}

TEST_CASE("S6 S14: CONNECTED of each version") {
    using stomp::connected_frame;
    const auto full = [](version in) {
        return said(
            connected_frame{.version = in, .session = "7", .server = "s/1", .heart_beat = {0, 20}, .headers = more});
    };
    CHECK(full(version::v1_0) == "CONNECTED\nsession:7\nserver:s/1\na:b\na:\n\n\0"s);
    CHECK(full(version::v1_1) == "CONNECTED\nversion:1.1\nsession:7\nserver:s/1\nheart-beat:0,20\na:b\na:\n\n\0"s);
    CHECK(full(version::v1_2) == "CONNECTED\nversion:1.2\nsession:7\nserver:s/1\nheart-beat:0,20\na:b\na:\n\n\0"s);
    CHECK(said(connected_frame{.version = version::v1_0}) == "CONNECTED\n\n\0"s);
    CHECK(said(connected_frame{}) == "CONNECTED\nversion:1.2\nheart-beat:0,0\n\n\0"s);
    CHECK(full(version::unknown) == "!missing_header");
    // Nothing is escaped in it, in any version.
    CHECK(said(connected_frame{.session = "a:\\c"}) == "CONNECTED\nversion:1.2\nsession:a:\\c\nheart-beat:0,0\n\n\0"s);
    CHECK(said(connected_frame{.session = "a\nb"}) == "!bad_header");
    CHECK(said(connected_frame{.session = "a "}) == "CONNECTED\nversion:1.2\nsession:a \nheart-beat:0,0\n\n\0"s);
    CHECK(said(connected_frame{.version = version::v1_0, .session = "a "}) == "!bad_header");
}

TEST_CASE("S14: SEND of each version") {
    using stomp::send_frame;
    const send_frame full{.destination = "/a",
                          .content_type = "text/plain",
                          .transaction = "t",
                          .receipt = "r",
                          .headers = more,
                          .body = body_of("b\0y"sv)};
    for (const version in : agreed) {
        CHECK(said(in, full) == "SEND\ndestination:/a\ncontent-type:text/plain\ntransaction:t\nreceipt:r\na:b\na:\n"
                                "content-length:3\n\nb\0y\0"s);
        CHECK(said(in, send_frame{.destination = "/a"}) == "SEND\ndestination:/a\n\n\0"s);
        CHECK(said(in,
                   send_frame{.destination = "/a", .body = body_of("by"), .length = stomp::content_length::omitted}) ==
              "SEND\ndestination:/a\n\nby\0"s);
        CHECK(said(in, send_frame{.body = body_of("b")}) == "!missing_header");
        CHECK(said(in, send_frame{.destination = "/a",
                                  .body = body_of("\0"sv),
                                  .length = stomp::content_length::omitted}) == "!nul_in_body");
    }
    CHECK(said(version::v1_0, send_frame{.destination = "a:\\"}) == "SEND\ndestination:a:\\\n\n\0"s);
    CHECK(said(version::v1_1, send_frame{.destination = "a:\\\r"}) == "SEND\ndestination:a\\c\\\\\r\n\n\0"s);
    CHECK(said(version::v1_2, send_frame{.destination = "a:\\\r"}) == "SEND\ndestination:a\\c\\\\\\r\n\n\0"s);
}

TEST_CASE("S8 S14: SUBSCRIBE and UNSUBSCRIBE of each version") {
    using stomp::subscribe_frame;
    using stomp::unsubscribe_frame;
    for (const version in : agreed) {
        CHECK(said(in,
                   subscribe_frame{
                       .id = "0", .destination = "/a", .ack = ack_mode::client, .receipt = "r", .headers = more}) ==
              "SUBSCRIBE\nid:0\ndestination:/a\nack:client\nreceipt:r\na:b\na:\n\n\0"s);
        CHECK(said(in, subscribe_frame{.id = "0", .destination = "/a"}) ==
              "SUBSCRIBE\nid:0\ndestination:/a\nack:auto\n\n\0"s);
        CHECK(said(in, subscribe_frame{.id = "0"}) == "!missing_header");
        CHECK(said(in, unsubscribe_frame{.id = "0", .destination = "/a", .receipt = "r", .headers = more}) ==
              "UNSUBSCRIBE\nid:0\nreceipt:r\na:b\na:\n\n\0"s);
        CHECK(said(in, unsubscribe_frame{}) == "!missing_header");

        // Only 1.0 does without an id, and only later versions acknowledge each message by itself.
        const bool is_1_0 = in == version::v1_0;
        CHECK(said(in, subscribe_frame{.destination = "/a"}) ==
              (is_1_0 ? "SUBSCRIBE\ndestination:/a\nack:auto\n\n\0"s : "!missing_header"s));
        CHECK(said(in, unsubscribe_frame{.destination = "/a"}) ==
              (is_1_0 ? "UNSUBSCRIBE\ndestination:/a\n\n\0"s : "!missing_header"s));
        CHECK(said(in, subscribe_frame{.id = "0", .destination = "/a", .ack = ack_mode::client_individual}) ==
              (is_1_0 ? "!bad_ack_mode"s : "SUBSCRIBE\nid:0\ndestination:/a\nack:client-individual\n\n\0"s));
    }
}

TEST_CASE("S9 S14: ACK and NACK name the message as their version does") {
    using stomp::ack_frame;
    for (const command which : {command::ack, command::nack}) {
        const std::string name(text_of(which));
        const ack_frame full{.id = "i",
                             .message_id = "m",
                             .subscription = "s",
                             .transaction = "t",
                             .receipt = "r",
                             .headers = more,
                             .as = which};
        const std::string rest = "transaction:t\nreceipt:r\na:b\na:\n\n\0"s;
        CHECK(said(version::v1_2, full) == name + "\nid:i\n" + rest);
        CHECK(said(version::v1_1, full) == name + "\nmessage-id:m\nsubscription:s\n" + rest);
        CHECK(said(version::v1_0, full) ==
              (which == command::ack ? "ACK\nmessage-id:m\n" + rest : "!unexpected_command"s));

        CHECK(said(version::v1_2, ack_frame{.message_id = "m", .subscription = "s", .as = which}) == "!missing_header");
        CHECK(said(version::v1_1, ack_frame{.id = "i", .subscription = "s", .as = which}) == "!missing_header");
        CHECK(said(version::v1_1, ack_frame{.id = "i", .message_id = "m", .as = which}) == "!missing_header");
    }
    CHECK(said(version::v1_0, ack_frame{.id = "i", .subscription = "s"}) == "!missing_header");
    CHECK(said(version::v1_2, ack_frame{.id = "i"}) == "ACK\nid:i\n\n\0"s);
    CHECK(said(version::v1_0, ack_frame{.message_id = "m"}) == "ACK\nmessage-id:m\n\n\0"s);
}

TEST_CASE("S10 S14: BEGIN, COMMIT and ABORT of each version") {
    using stomp::transaction_frame;
    for (const version in : agreed) {
        for (const command which : {command::begin, command::commit, command::abort}) {
            const std::string name(text_of(which));
            CHECK(said(in, transaction_frame{.as = which, .transaction = "t", .receipt = "r", .headers = more}) ==
                  name + "\ntransaction:t\nreceipt:r\na:b\na:\n\n\0"s);
            CHECK(said(in, transaction_frame{.as = which, .transaction = "t"}) == name + "\ntransaction:t\n\n\0"s);
            CHECK(said(in, transaction_frame{.as = which}) == "!missing_header");
        }
        for (const command which : {command::none, command::send, command::ack, command::disconnect}) {
            CHECK(said(in, transaction_frame{.as = which, .transaction = "t"}) == "!unexpected_command");
        }
    }
}

TEST_CASE("S14: DISCONNECT, RECEIPT and ERROR of each version") {
    using stomp::error_frame;
    for (const version in : agreed) {
        CHECK(said(in, stomp::disconnect_frame{}) == "DISCONNECT\n\n\0"s);
        CHECK(said(in, stomp::disconnect_frame{.receipt = "r", .headers = more}) ==
              "DISCONNECT\nreceipt:r\na:b\na:\n\n\0"s);
        CHECK(said(in, stomp::receipt_frame{.receipt_id = "r", .headers = more}) ==
              "RECEIPT\nreceipt-id:r\na:b\na:\n\n\0"s);
        CHECK(said(in, stomp::receipt_frame{}) == "!missing_header");
        CHECK(said(in, stomp::receipt_frame{.receipt_id = ""}) == "RECEIPT\nreceipt-id:\n\n\0"s);
        CHECK(said(in, error_frame{}) == "ERROR\n\n\0"s);
        CHECK(said(in, error_frame{.message = "no",
                                   .receipt_id = "r",
                                   .supported = {version::v1_0, version::v1_2},
                                   .content_type = "text/plain",
                                   .headers = more,
                                   .body = body_of("because")}) ==
              "ERROR\nmessage:no\nreceipt-id:r\nversion:1.0,1.2\ncontent-type:text/plain\na:b\na:\n"
              "content-length:7\n\nbecause\0"s);
    }
    // Before there is a version, nothing is escaped.
    CHECK(said(version::unknown, error_frame{.message = "a:b\\"}) == "ERROR\nmessage:a:b\\\n\n\0"s);
    CHECK(said(version::unknown, error_frame{.message = "a\nb"}) == "!bad_header");
}

TEST_CASE("S9 S14: MESSAGE of each version") {
    using stomp::message_frame;
    const message_frame full{.destination = "/a",
                             .message_id = "m",
                             .subscription = "s",
                             .ack = "k",
                             .content_type = "text/plain",
                             .headers = more,
                             .body = body_of("hi")};
    const std::string rest = "content-type:text/plain\na:b\na:\ncontent-length:2\n\nhi\0"s;
    const std::string names = "MESSAGE\nsubscription:s\nmessage-id:m\ndestination:/a\n";
    CHECK(said(version::v1_0, full) == names + rest);
    CHECK(said(version::v1_1, full) == names + rest);
    CHECK(said(version::v1_2, full) == names + "ack:k\n" + rest);
    for (const version in : agreed) {
        CHECK(said(in, message_frame{.destination = "/a",
                                     .message_id = "m",
                                     .subscription = "s",
                                     .body = body_of("hi"),
                                     .length = stomp::content_length::omitted}) == names + "\nhi\0"s);
        CHECK(said(in, message_frame{.message_id = "m", .subscription = "s"}) == "!missing_header");
        CHECK(said(in, message_frame{.destination = "/a", .subscription = "s"}) == "!missing_header");
        CHECK(said(in, message_frame{.destination = "/a", .message_id = "m"}) ==
              (in == version::v1_0 ? "MESSAGE\nmessage-id:m\ndestination:/a\n\n\0"s : "!missing_header"s));
    }
}

TEST_CASE("S11: the headers of a SEND pass to the MESSAGE, but for those of the sender and of the server") {
    buffer input = bytes_from("SEND\ndestination:/from\nreceipt:r\ntransaction:t\ncontent-length:2\nsubscription:9\n"
                              "message-id:9\nack:9\ncontent-type:text/x\nx\\c:1\nx\\c:\\n\nReceipt:2\nid:3\n\nhi");
    input.push_back(std::byte{0});
    stomp::parser parser;
    parser.set_version(version::v1_2);
    bytes in = input;
    const stomp::parser_event send = parser.next(in);
    REQUIRE(send.kind == stomp::parser_kind::head);
    const stomp::message_frame message{.destination = "/to",
                                       .message_id = "1",
                                       .subscription = "0",
                                       .ack = "1",
                                       .headers = more,
                                       .forwarded = send.headers,
                                       .body = body_of("hey")};
    const std::string names = "MESSAGE\nsubscription:0\nmessage-id:1\ndestination:/to\n";
    const std::string rest =
        "content-type:text/x\nx\\c:1\nx\\c:\\n\nReceipt:2\nid:3\na:b\na:\ncontent-length:3\n\nhey\0"s;
    CHECK(said(version::v1_2, message) == names + "ack:1\n" + rest);
    CHECK(said(version::v1_1, message) == names + rest);
    // A receiver of 1.0 cannot be told of a colon in a name, and it would take the blanks around a value away.
    CHECK(said(version::v1_0, message) == "!bad_header");
    const std::string padded("x\0 1 \0y\0\t\0", 10);
    const stomp::message_frame other{.destination = "/to", .message_id = "1", .forwarded = stomp::headers(padded)};
    CHECK(said(version::v1_0, other) == "MESSAGE\nmessage-id:1\ndestination:/to\nx:1\ny:\n\n\0"s);
    const stomp::message_frame later{
        .destination = "/to", .message_id = "1", .subscription = "0", .forwarded = stomp::headers(padded)};
    CHECK(said(version::v1_1, later) == "MESSAGE\nsubscription:0\nmessage-id:1\ndestination:/to\nx: 1 \ny:\t\n\n\0"s);

    for (const char* const kept_back :
         {"destination", "receipt", "transaction", "content-length", "subscription", "message-id", "ack"}) {
        CHECK_FALSE(stomp::is_forwarded(kept_back));
    }
    for (const char* const passed : {"", "x", "id", "content-type", "Receipt", "receipt-id", "host", "acks", "ac"}) {
        CHECK(stomp::is_forwarded(passed));
    }
}
