// The opening handshake over HTTP/2 and HTTP/3.
// SPDX-License-Identifier: MIT
#include <sockless/ws/opening/extended_connect.hpp>

#include <doctest/doctest.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

using namespace sockless;
using ws::errc;

namespace {

using field_list = std::vector<field>;

// The example of RFC 8441 section 5.1.
const field_list connect{{":method", "CONNECT"},
                         {":protocol", "websocket"},
                         {":scheme", "https"},
                         {":path", "/chat"},
                         {":authority", "server.example.com"},
                         {"sec-websocket-protocol", "chat, superchat"},
                         {"sec-websocket-extensions", "permessage-deflate"},
                         {"sec-websocket-version", "13"},
                         {"origin", "http://www.example.com"}};

field_list connect_with(std::string_view name, std::string_view value) {
    field_list out = connect;
    for (field& each : out) {
        if (each.name == name) {
            each.value = value;
            return out;
        }
    }
    out.push_back({name, value});
    return out;
}
field_list connect_without(std::string_view name) {
    field_list out;
    for (const field& each : connect) {
        if (each.name != name) out.push_back(each);
    }
    return out;
}
sockless::error connect_error(const field_list& fields) { return ws::check_extended_connect(fields).error; }

} // namespace

TEST_CASE("H22: the negotiation works on a list of pseudo-fields and fields") {
    const ws::opening_request asked = ws::check_extended_connect(connect);
    CHECK(!asked.error);
    CHECK(asked.target == "/chat");
    CHECK(asked.host == "server.example.com");
    CHECK(asked.origin == "http://www.example.com");
    CHECK(asked.key.empty());
    const std::string_view supported[] = {"superchat", "chat"};
    CHECK(ws::choose_subprotocol(supported, connect) == "superchat");
    CHECK(!ws::check_extended_connect(std::span<const field>(connect)).error);
    CHECK(!connect_error(connect_with("sec-websocket-key", "whatever")));
    CHECK(!connect_error(connect_with("host", "Server.example.com")));
    CHECK(!connect_error(connect_with("sec-something", "x")));
    CHECK(!connect_error(connect_with("te", "trailers")));
}

TEST_CASE("H22: an unknown protocol is answered with 501, another request is none of ours") {
    CHECK(connect_error(connect_with(":protocol", "connect-udp")) == errc::protocol_unknown);
    CHECK(connect_error(connect_with(":protocol", "connect-udp")).status() == 501);
    CHECK(connect_error(connect_with(":protocol", "")) == errc::protocol_unknown);
    CHECK(connect_error(connect_without(":protocol")) == errc::not_extended_connect);
    CHECK(connect_error(connect_with(":method", "GET")) == errc::not_extended_connect);
    CHECK(connect_error(connect_without(":method")) == errc::not_extended_connect);
    CHECK(connect_error({}) == errc::not_extended_connect);
}

TEST_CASE("H22: pseudo-fields are complete, unique, known, and come first") {
    CHECK(connect_error(connect_without(":scheme")) == errc::bad_pseudo_field);
    CHECK(connect_error(connect_with(":scheme", "ftp")) == errc::bad_pseudo_field);
    CHECK(!connect_error(connect_with(":scheme", "http")));
    CHECK(connect_error(connect_without(":path")) == errc::bad_pseudo_field);
    for (const std::string_view path : {"", "chat", "/a b", "/a#b", "/\x80"}) {
        CHECK(connect_error(connect_with(":path", path)) == errc::bad_pseudo_field);
    }
    CHECK(connect_error(connect_without(":authority")) == errc::bad_pseudo_field);
    CHECK(connect_error(connect_with(":authority", "user@a")) == errc::bad_pseudo_field);
    CHECK(connect_error(connect_with(":unknown", "a")) == errc::bad_pseudo_field);
    CHECK(connect_error(connect_with(":status", "200")) == errc::bad_pseudo_field);
    field_list late = connect_without(":scheme");
    late.push_back({":scheme", "https"});
    CHECK(connect_error(late) == errc::bad_pseudo_field);
    field_list twice = connect;
    twice.insert(twice.begin(), {":path", "/other"});
    CHECK(connect_error(twice) == errc::bad_pseudo_field);
    for (const std::string_view unknown : {":unknown", ":", ":status"}) {
        field_list first = connect;
        first.insert(first.begin(), {unknown, "200"});
        CHECK(connect_error(first) == errc::bad_pseudo_field);
    }
    // One without a value is there.
    for (const field& each : connect) {
        if (each.name[0] != ':') continue;
        field_list empty = connect;
        empty.insert(empty.begin(), {each.name, {}});
        CHECK(connect_error(empty) == errc::bad_pseudo_field);
    }
    CHECK(connect_error(connect_with(":protocol", {})) == errc::protocol_unknown);
}

TEST_CASE("H22: names are in lower case, and values have no white space around them") {
    for (const std::string_view name :
         {"a b", "", "A", "Sec-WebSocket-Version", "sec-websocket-Key", "Origin", "a:", "a\xff", "X-Something"}) {
        CHECK_MESSAGE(connect_error(connect_with(name, "b")) == errc::malformed_field, name);
        CHECK(connect_error(connect_with(name, "b")).status() == 400);
    }
    for (const std::string_view name : {"x-something", "origin", ":path", ":authority", ":scheme"}) {
        const std::string value = name == ":path" ? "/chat" : name == ":scheme" ? "https" : "server.example.com";
        for (const std::string& wrong : {" " + value, value + " ", "\t" + value, value + "\t", value + "\n" + value,
                                         value + "\r", std::string(" "), value + std::string(1, '\0')}) {
            CHECK(connect_error(connect_with(name, wrong)) == errc::malformed_field);
        }
    }
    CHECK(!connect_error(connect_with("x-something", "")));
    CHECK(!connect_error(connect_with("x-something", "a b\tc")));
}

TEST_CASE("H22: there is no Connection or Upgrade, no other Host, and the rest is judged as over HTTP/1.1") {
    for (const std::string_view name :
         {"connection", "upgrade", "transfer-encoding", "keep-alive", "proxy-connection", "http2-settings", "te"}) {
        CHECK(connect_error(connect_with(name, "x")) == errc::connection_field);
        CHECK(connect_error(connect_with(name, "x")).status() == 400);
    }
    for (const std::string_view value : {"gzip", "", "trailers, gzip", "trailers2"}) {
        CHECK(connect_error(connect_with("te", value)) == errc::connection_field);
    }
    for (const std::string_view value : {"0", "5", "x", ""}) {
        CHECK(connect_error(connect_with("content-length", value)) == errc::unexpected_body);
    }
    CHECK(connect_error(connect_with("host", "other")) == errc::bad_host);
    field_list two_hosts = connect_with("host", "server.example.com");
    two_hosts.push_back({"host", "server.example.com"});
    CHECK(connect_error(two_hosts) == errc::host_missing);
    CHECK(connect_error(connect_with("sec-websocket-version", "8")) == errc::version_unsupported);
    CHECK(connect_error(connect_without("sec-websocket-version")) == errc::version_missing);
    CHECK(connect_error(connect_with("sec-websocket-protocol", "a, a")) == errc::bad_subprotocol);
    CHECK(connect_error(connect_with("sec-websocket-extensions", "a;")) == errc::bad_extensions);
    CHECK(connect_error(connect_with("expect", "x")) == errc::expectation_unknown);
    CHECK(ws::check_extended_connect(connect_with("expect", "100-continue")).expects_continue);
}

TEST_CASE("H22: any 2xx accepts, without an accept key; only what was offered may come back") {
    const auto answer = [](field_list fields) {
        return ws::check_connect_response(fields, "chat, superchat", "permessage-deflate");
    };
    const ws::opening_response good = answer(
        {{":status", "200"}, {"sec-websocket-protocol", "chat"}, {"sec-websocket-extensions", "permessage-deflate"}});
    CHECK(!good.error);
    CHECK(good.subprotocol == "chat");
    CHECK(good.extensions == "permessage-deflate");
    CHECK(!answer({{":status", "204"}}).error);
    CHECK(answer({{":status", "204"}}).subprotocol_missing);
    CHECK(answer({{":status", "403"}}).error == errc::unexpected_status);
    CHECK(answer({{":status", "101"}}).error == errc::unexpected_status);
    CHECK(answer({{":status", "20"}}).error == errc::bad_pseudo_field);
    CHECK(answer({{":status", "2xx"}}).error == errc::bad_pseudo_field);
    CHECK(answer({}).error == errc::bad_pseudo_field);
    CHECK(answer({{":status", "200"}, {":status", "200"}}).error == errc::bad_pseudo_field);
    CHECK(answer({{":status", "200"}, {"upgrade", "websocket"}}).error == errc::connection_field);
    for (const std::string_view name :
         {"connection", "transfer-encoding", "keep-alive", "proxy-connection", "http2-settings", "te"}) {
        CHECK(answer({{":status", "200"}, {name, "trailers"}}).error == errc::connection_field);
    }
    CHECK(answer({{":status", "200"}, {"Server", "x"}}).error == errc::malformed_field);
    CHECK(answer({{":status", "200"}, {"server", "x "}}).error == errc::malformed_field);
    CHECK(answer({{":status", "200 "}}).error == errc::malformed_field);
    CHECK(answer({{":path", "/"}, {":status", "200"}}).error == errc::bad_pseudo_field);
    // A client ignores it in an answer that accepts (RFC 9110 section 9.3.6).
    CHECK(!answer({{":status", "200"}, {"content-length", "5"}}).error);
    CHECK(answer({{":status", "200"}, {"sec-websocket-protocol", "other"}}).error == errc::subprotocol_not_offered);
    CHECK(answer({{":status", "200"}, {"sec-websocket-extensions", "x"}}).error == errc::extension_not_offered);
}
