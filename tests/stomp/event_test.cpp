// The events of the sessions.
// SPDX-License-Identifier: MIT
#include <sockless/stomp/event.hpp>
#include <sockless/stomp/parser.hpp>

#include <doctest/doctest.h>

using namespace sockless;

TEST_CASE("each kind of event has its name") {
    CHECK(name_of(stomp::server_kind::need_input) == "need_input");
    CHECK(name_of(stomp::server_kind::subscribe) == "subscribe");
    CHECK(name_of(stomp::server_kind::nack) == "nack");
    CHECK(name_of(stomp::server_kind::late_ack) == "late_ack");
    CHECK(name_of(stomp::server_kind::begin) == "begin");
    CHECK(name_of(stomp::server_kind::disconnect) == "disconnect");
    CHECK(name_of(stomp::server_kind::lost) == "lost");
    CHECK(name_of(stomp::client_kind::need_input) == "need_input");
    CHECK(name_of(stomp::client_kind::receipt) == "receipt");
    CHECK(name_of(stomp::client_kind::lost) == "lost");
    CHECK(name_of(stomp::parser_kind::need_input) == "need_input");
    CHECK(name_of(stomp::parser_kind::error) == "error");
}

TEST_CASE("S7 S17: a header that is missing is told from one without a value") {
    CHECK_FALSE(stomp::server_event{}.has_host());
    CHECK_FALSE(stomp::server_event{}.asks_for_receipt());
    CHECK(stomp::server_event{.host = ""}.has_host());
    CHECK(stomp::server_event{.receipt = ""}.asks_for_receipt());
}

TEST_CASE("an event without a kind is none") {
    CHECK_FALSE(stomp::server_event{});
    CHECK_FALSE(stomp::client_event{});
    CHECK(stomp::server_event{.kind = stomp::server_kind::send});
    CHECK(stomp::client_event{.kind = stomp::client_kind::error});
}
