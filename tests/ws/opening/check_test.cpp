// The judgement of the two heads over HTTP/1.1.
// SPDX-License-Identifier: MIT
#include <sockless/ws/opening/check.hpp>

#include <doctest/doctest.h>
#include <sockless/ws/opening/write.hpp>

#include <array>
#include <string>
#include <string_view>

#include "heads.hpp"

using namespace sockless;
using namespace sockless::test;
using ws::errc;

// --- requests

TEST_CASE("H13: a good request shows target, host, origin and key, and all of its fields") {
    const request asked(with("", "Origin: http://example.com\r\nCookie: a=b\r\n"), "GET /chat?room=1 HTTP/1.1");
    CHECK(!asked.checked.error);
    CHECK(asked.checked.target == "/chat?room=1");
    CHECK(asked.checked.host == "server.example.com");
    CHECK(asked.checked.origin == "http://example.com");
    CHECK(asked.checked.key == rfc_key);
    CHECK(!asked.checked.expects_continue);
    CHECK(http::first(asked.head.fields, "cookie") == "a=b");
    CHECK(ws::is_upgrade(asked.head));

    // The fields that were found are shown also if another field is wrong.
    const request wrong(with("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8\r\nOrigin: null\r\n"));
    CHECK(wrong.checked.error == errc::version_unsupported);
    CHECK(wrong.checked.target == "/chat");
    CHECK(wrong.checked.origin == "null");
    CHECK(wrong.checked.host == "server.example.com");
}

TEST_CASE("H1: only GET of HTTP/1.1 or later can be upgraded") {
    CHECK(!error_of(good_fields));
    CHECK(!error_of(good_fields, "GET /chat HTTP/1.2"));
    for (const std::string_view line :
         {"POST /chat HTTP/1.1", "HEAD /chat HTTP/1.1", "get /chat HTTP/1.1", "GET2 /chat HTTP/1.1"}) {
        CHECK(error_of(good_fields, line) == errc::method_not_get);
        CHECK(error_of(good_fields, line).status() == 405);
    }
    CHECK(error_of(good_fields, "GET /chat HTTP/1.0") == errc::http_version_too_old);
    CHECK(error_of(good_fields, "GET /chat HTTP/1.0").status() == 426);
    CHECK(!ws::is_upgrade(request(good_fields, "GET / HTTP/1.0").head));
}

TEST_CASE("H1: the target is a path, or a URI of ws or http whose authority counts instead of Host") {
    for (const std::string_view line :
         {"GET * HTTP/1.1", "GET chat HTTP/1.1", "GET ftp://a/ HTTP/1.1", "GET a:80 HTTP/1.1", "GET http:/a HTTP/1.1",
          "GET /a#b HTTP/1.1", "GET http://a/#b HTTP/1.1", "GET http:// HTTP/1.1", "GET ws:// HTTP/1.1",
          "GET ws:/a HTTP/1.1", "GET wsss://a/ HTTP/1.1", "GET s://a/ HTTP/1.1"}) {
        CHECK_MESSAGE(error_of(good_fields, line) == errc::bad_request_target, line);
        CHECK(error_of(good_fields, line).status() == 400);
    }
    for (const std::string scheme : {"HTTP", "https", "ws", "wSS"}) {
        const auto asked = [&scheme](std::string_view rest) {
            const request seen(good_fields, "GET " + scheme + "://" + std::string(rest) + " HTTP/1.1");
            return std::string(seen.checked.error.name()) + " " + std::string(seen.checked.host) + " " +
                   std::string(seen.checked.target);
        };
        CHECK(asked("other.example:81/chat?a") == "none other.example:81 /chat?a");
        CHECK(asked("a") == "none a /");
        CHECK(asked("a?b") == "none a /?b");
        CHECK(asked("a?b/c?d") == "none a /?b/c?d");
        CHECK(asked("[::1]:8443/?b") == "none [::1]:8443 /?b");
        CHECK(asked("/chat") == "bad_host  /chat");
        CHECK(asked("user@a/") == "bad_host user@a /");
        CHECK(asked("a:65536/") == "bad_host a:65536 /");
    }
}

TEST_CASE("H4: Host exactly once, and a host") {
    for (const std::string_view lines : {"", "Host: a\r\nHost: a\r\n", "Host: a\r\nHOST: b\r\n"}) {
        CHECK_MESSAGE(error_of(with("Host", lines)) == errc::host_missing, lines);
        CHECK(error_of(with("Host", lines)).status() == 400);
        CHECK(error_of(with("Host", lines), "GET http://a/ HTTP/1.1") == errc::host_missing);
    }
    for (const std::string_view lines : {"Host:\r\n", "Host: a b\r\n", "Host: a/b\r\n"}) {
        CHECK_MESSAGE(error_of(with("Host", lines)) == errc::bad_host, lines);
        CHECK(error_of(with("Host", lines)).status() == 400);
        CHECK(error_of(with("Host", lines), "GET http://a/ HTTP/1.1") == errc::bad_host);
    }
    CHECK(!error_of(with("Host", "host: [::1]:9001\r\n")));
    for (const std::string host : {"[:]", "[1.2.3.4]", "%zz", "a:99999999", "fd00:10::1:8081"}) {
        CHECK_MESSAGE(error_of(with("Host", "Host: " + host + "\r\n")) == errc::bad_host, host);
    }
}

TEST_CASE(
    "H5: Upgrade holds websocket and Connection holds upgrade, in lists over repeated lines, whatever their case") {
    for (const std::string_view lines :
         {"upgrade: WebSocket\r\n", "Upgrade: h2c, websocket\r\n", "Upgrade: h2c\r\nUpgrade:,WEBSOCKET ,\r\n"}) {
        CHECK_MESSAGE(!error_of(with("Upgrade", lines)), lines);
        CHECK(ws::is_upgrade(request(with("Upgrade", lines)).head));
    }
    for (const std::string_view lines :
         {"", "Upgrade: h2c\r\n", "Upgrade:\r\n", "Upgrade: web socket\r\n", "Upgrade: websocket2\r\n",
          "Upgrade: websocket/13\r\n", "Upgrade: \"websocket\"\r\n"}) {
        CHECK_MESSAGE(error_of(with("Upgrade", lines)) == errc::upgrade_missing, lines);
        CHECK(error_of(with("Upgrade", lines)).status() == 426);
        CHECK(!ws::is_upgrade(request(with("Upgrade", lines)).head));
    }
    for (const std::string_view lines : {"Connection: keep-alive, Upgrade\r\n", "connection:, ,UPGRADE\r\n",
                                         "Connection: keep-alive\r\nConnection: upgrade\r\n"}) {
        CHECK_MESSAGE(!error_of(with("Connection", lines)), lines);
    }
    for (const std::string_view lines :
         {"", "Connection: keep-alive\r\n", "Connection: upgraded\r\n", "Connection:\r\n"}) {
        CHECK_MESSAGE(error_of(with("Connection", lines)) == errc::connection_upgrade_missing, lines);
        CHECK(error_of(with("Connection", lines)).status() == 400);
    }
}

TEST_CASE("H6: Sec-WebSocket-Key exactly once, 16 bytes in base64") {
    for (const std::string_view lines :
         {"", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"}) {
        CHECK_MESSAGE(error_of(with("Sec-WebSocket-Key", lines)) == errc::key_missing, lines);
        CHECK(error_of(with("Sec-WebSocket-Key", lines)).status() == 400);
    }
    for (const std::string_view lines :
         {"Sec-WebSocket-Key:\r\n", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWU=\r\n",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!==\r\n",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==\r\n"}) {
        CHECK_MESSAGE(error_of(with("Sec-WebSocket-Key", lines)) == errc::bad_key, lines);
        CHECK(error_of(with("Sec-WebSocket-Key", lines)).status() == 400);
    }
    CHECK(!error_of(with("Sec-WebSocket-Key", "SEC-WEBSOCKET-KEY:AAAAAAAAAAAAAAAAAAAAAA==\r\n")));
}

TEST_CASE("H7: Sec-WebSocket-Version exactly once and 13; another version is told which one is spoken") {
    for (const std::string_view lines : {"", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13\r\n"}) {
        CHECK(error_of(with("Sec-WebSocket-Version", lines)) == errc::version_missing);
        CHECK(error_of(with("Sec-WebSocket-Version", lines)).status() == 400);
    }
    for (const std::string_view value : {"8", "7", "14", "013", "13, 8", "", "x", "1 3"}) {
        const std::string fields =
            with("Sec-WebSocket-Version", "Sec-WebSocket-Version: " + std::string(value) + "\r\n");
        CHECK_MESSAGE(error_of(fields) == errc::version_unsupported, value);
    }

    // Also without a key, as another version may have no such key: the error is about the version, so that it helps.
    CHECK(error_of("Host: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 0\r\n") ==
          errc::version_unsupported);
    std::array<std::byte, 400> out{};
    const written done = ws::write_refusal(out, errc::version_unsupported);
    REQUIRE_FALSE(done.error);
    const parsed answer(text_of(bytes(out).first(done.size)), http::message_kind::response);
    CHECK(answer.head.status == 426);
    CHECK(http::first(answer.head.fields, "sec-websocket-version") == "13");
    CHECK(http::first(answer.head.fields, "upgrade") == "websocket");
    CHECK(http::has_token(answer.head.fields, "connection", "upgrade"));
    CHECK(http::has_token(answer.head.fields, "connection", "close"));
}

TEST_CASE("H8: a request with a body cannot be upgraded") {
    for (const std::string_view lines :
         {"Content-Length: 1\r\n", "Content-Length: 0\r\nContent-Length: 5\r\n", "Content-Length: x\r\n",
          "Content-Length:\r\n", "Content-Length: -0\r\n", "Content-Length: 0, 0\r\n",
          "Content-Length: 18446744073709551616\r\n", "Transfer-Encoding: chunked\r\n",
          "transfer-encoding: identity\r\n", "Transfer-Encoding:\r\n"}) {
        CHECK_MESSAGE(error_of(with("", lines)) == errc::unexpected_body, lines);
        CHECK(error_of(with("", lines)).status() == 400);
    }
    CHECK(!error_of(with("", "Content-Length: 0\r\n")));
}

TEST_CASE("H11: malformed extensions are refused, those that nobody knows are not") {
    CHECK(!error_of(with("", "Sec-WebSocket-Extensions: x-unknown; a=\"b\", permessage-deflate\r\n")));
    for (const std::string_view lines : {"Sec-WebSocket-Extensions: a;\r\n", "Sec-WebSocket-Extensions: ;\r\n",
                                         "Sec-WebSocket-Extensions:\r\nSec-WebSocket-Extensions: a b\r\n",
                                         "Sec-WebSocket-Extensions: a\r\nSec-WebSocket-Extensions: b;c=\"d\r\n"}) {
        CHECK_MESSAGE(error_of(with("", lines)) == errc::bad_extensions, lines);
        CHECK(error_of(with("", lines)).status() == 400);
    }
    for (const std::string_view lines : {"Sec-WebSocket-Extensions:\r\n", "Sec-WebSocket-Extensions: ,, \r\n",
                                         "Sec-WebSocket-Extensions: a\r\nSec-WebSocket-Extensions:\r\n"}) {
        CHECK_MESSAGE(error_of(with("", lines)) == errc::empty_extensions, lines);
        CHECK(error_of(with("", lines)).status() == 400);
    }
}

TEST_CASE("H13: two Origins are refused, so that the one that was checked is the one that counts") {
    CHECK(error_of(with("", "Origin: a\r\nOrigin: b\r\n")) == errc::repeated_origin);
    CHECK(error_of(with("", "Origin: a\r\nOrigin: b\r\n")).status() == 400);
}

TEST_CASE("H21: 100-continue is told to the caller, any other expectation is refused") {
    CHECK(request(with("", "Expect: 100-Continue\r\n")).checked.expects_continue);
    CHECK(!request(with("", "Expect: 100-Continue\r\n")).checked.error);
    for (const std::string_view lines :
         {"Expect: 200-ok\r\n", "Expect:\r\n", "Expect: 100-continue\r\nExpect: x\r\n"}) {
        CHECK(error_of(with("", lines)) == errc::expectation_unknown);
        CHECK(error_of(with("", lines)).status() == 417);
        CHECK(!request(with("", lines)).checked.expects_continue);
    }
}

TEST_CASE("H2 H4 H5 H6 H10 H11: all faults of a request are noted, and an error that is none hides none of them") {
    const auto judged = [](std::string_view fields, std::string_view line = "GET /chat HTTP/1.1") {
        const ws::opening_request found = ws::check_request(request(fields, line).head, ws::on_fault::note);
        return std::pair(found.error, found.faults);
    };
    const std::string many = "Upgrade: websocket\r\nSec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Extensions:\r\nSec-WebSocket-Protocol:\r\nHost: fd00:10::1:8081\r\n";
    const request seen(many);
    const ws::opening_request all = ws::check_request(seen.head, ws::on_fault::note);
    CHECK(all.error == errc::bad_host);
    for (const errc each : {errc::bad_host, errc::connection_upgrade_missing, errc::bad_key, errc::empty_extensions,
                            errc::bad_subprotocol}) {
        CHECK(all.faults.has(each));
        CHECK(all.faults.other_than({each}));
    }
    CHECK(all.target == "/chat");
    CHECK(all.host == "fd00:10::1:8081");
    CHECK(all.key == "short");

    // Any other rule is the error, wherever it stands, and then there are no faults.
    std::string many_names;
    for (int i = 0; i != 63; ++i) many_names += ", p" + std::to_string(i);
    const std::pair<std::string, errc> framing[] = {
        {many + "Content-Length: 5\r\n", errc::unexpected_body},
        {many + "Transfer-Encoding: chunked\r\n", errc::unexpected_body},
        {many + "Sec-WebSocket-Version: 13\r\n", errc::version_missing},
        {many + "Sec-WebSocket-Extensions: a;\r\n", errc::bad_extensions},
        {many + "Origin: a\r\nOrigin: b\r\n", errc::repeated_origin},
        {many + "Expect: 100-continue\r\nExpect: x\r\n", errc::expectation_unknown},
        {many + "Host: h\r\n", errc::host_missing},
        {many + "Sec-WebSocket-Protocol: a, a" + many_names + "\r\n", errc::too_many_subprotocols},
        {many + "Sec-WebSocket-Key: short\r\n", errc::key_missing},
    };
    for (const auto& [fields, error] : framing) {
        CHECK(judged(fields).first == error);
        CHECK(judged(fields).second.empty());
    }
    CHECK(judged(many, "POST /chat HTTP/1.1").first == errc::method_not_get);
    CHECK(judged(many, "GET /chat HTTP/1.0").first == errc::http_version_too_old);
    CHECK(judged(many, "GET chat HTTP/1.1").first == errc::bad_request_target);
    CHECK(judged(many, "GET http://[x/chat#y HTTP/1.1").first == errc::bad_request_target);
    CHECK(judged("Host: a b\r\n").first == errc::upgrade_missing);

    // Without being asked, the first is the error, and nothing is noted.
    CHECK(request(many).checked.error == errc::bad_host);
    CHECK(request(many).checked.faults.empty());
    // A name that is wrong stays wrong, whatever follows it.
    CHECK(judged(std::string(good_fields) + "Sec-WebSocket-Protocol: a, a, b\r\n").first == errc::bad_subprotocol);
    CHECK(!judged(good_fields).first);
    CHECK(judged(good_fields).second.empty());
}

TEST_CASE("H2: bare line feeds are an error, or noted, also if a parser has taken them") {
    std::string text = "GET /chat HTTP/1.1\n";
    for (const char c : good_fields) text += c == '\r' ? "" : std::string(1, c);
    text += "\n";
    http::head_parser parser(http::message_kind::request);
    parser.take_bare_lf();
    bytes in = bytes_of(text.data(), text.size());
    const http::head head = parser.next(in).head;
    CHECK(ws::check_request(head).error == http::errc::bare_lf);
    const ws::opening_request noted = ws::check_request(head, ws::on_fault::note);
    CHECK(noted.error == http::errc::bare_lf);
    CHECK_FALSE(noted.faults.other_than({http::errc::bare_lf}));
    CHECK(noted.key == rfc_key);
}

// --- responses

namespace {

struct response : parsed {
    explicit response(std::string_view fields, std::string_view offered_subprotocols = "",
                      std::string_view offered_extensions = "", std::string_view line = "HTTP/1.1 101 x")
        : parsed(std::string(line) + "\r\n" + std::string(fields) + "\r\n", http::message_kind::response),
          checked(ws::check_response(head, rfc_key, offered_subprotocols, offered_extensions)) {}
    ws::opening_response checked;
};

const std::string good_accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
const std::string good_response = "Upgrade: websocket\r\nConnection: Upgrade\r\n" + good_accept;

} // namespace

TEST_CASE("H16: a 101 has Upgrade equal to websocket, Connection with upgrade, and the accept key of the key, once") {
    CHECK(!response(good_response).checked.error);
    CHECK(!response("UPGRADE: WebSocket\r\nconnection: close, UPGRADE\r\n" + good_accept).checked.error);

    for (const std::string_view lines :
         {"", "Upgrade: websocket, h2c\r\n", "Upgrade: h2c\r\n", "Upgrade:\r\n", "Upgrade: websocket2\r\n",
          "Upgrade: websocket\r\nUpgrade: h2c\r\n", "Upgrade: h2c\r\nUpgrade: websocket\r\n",
          "Upgrade: websocket\r\nUpgrade:\r\n"}) {
        const sockless::error error =
            response(std::string(lines) + "Connection: upgrade\r\n" + good_accept).checked.error;
        CHECK_MESSAGE(error == errc::upgrade_not_confirmed, lines);
        CHECK(error.section() == "RFC 6455 4.1");
    }
    const sockless::error twice =
        response("Upgrade: websocket\r\n" + good_response + "upgrade: WebSocket\r\n").checked.error;
    CHECK(twice == errc::upgrade_repeated);
    CHECK(twice.section() == "RFC 6455 4.1");
    for (const std::string_view lines : {"", "Connection: close\r\n", "Connection: upgrades\r\n"}) {
        const sockless::error error =
            response("Upgrade: websocket\r\n" + std::string(lines) + good_accept).checked.error;
        CHECK(error == errc::connection_not_confirmed);
        CHECK(error.section() == "RFC 6455 4.1");
    }
    const std::string before = "Upgrade: websocket\r\nConnection: upgrade\r\n";
    CHECK(response(before).checked.error == errc::accept_missing);
    CHECK(response(before + good_accept + good_accept).checked.error == errc::accept_missing);
    for (const std::string_view value : {"", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo", "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
                                         "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=, a"}) {
        CHECK(response(before + "Sec-WebSocket-Accept: " + std::string(value) + "\r\n").checked.error ==
              errc::accept_wrong);
    }
    for (const std::string_view line : {"HTTP/1.0 101 x", "HTTP/1.2 101 x"}) {
        CHECK(!response(good_response, "", "", line).checked.error);
    }
}

TEST_CASE("H16 H18: any other status is told apart, for the caller to look at") {
    for (const std::string_view line :
         {"HTTP/1.1 200 x", "HTTP/1.1 401 x", "HTTP/1.1 302 x", "HTTP/1.1 503 x", "HTTP/1.1 102 x"}) {
        CHECK(response(good_response, "", "", line).checked.error == errc::unexpected_status);
    }
}

TEST_CASE("H17: only what was offered may come back") {
    const auto with_line = [](const std::string& lines, std::string_view subprotocols, std::string_view extensions) {
        return response(good_response + lines, subprotocols, extensions).checked;
    };
    const std::string chat = "Sec-WebSocket-Protocol: chat\r\n";
    const ws::opening_response chosen = response(good_response + chat, "superchat, chat", "").checked;
    CHECK(!chosen.error);
    CHECK(!chosen.subprotocol_missing);
    CHECK(with_line(chat, "", "").error == errc::subprotocol_not_offered);
    CHECK(with_line(chat, "Chat, superchat", "").error == errc::subprotocol_not_offered);
    CHECK(with_line(chat + chat, "chat", "").error == errc::bad_subprotocol);
    CHECK(with_line("Sec-WebSocket-Protocol:\r\n", "chat", "").error == errc::bad_subprotocol);
    CHECK(with_line("Sec-WebSocket-Protocol: chat, superchat\r\n", "chat, superchat", "").error ==
          errc::bad_subprotocol);

    CHECK(!with_line("", "chat", "").error);
    CHECK(with_line("", "chat", "").subprotocol_missing);
    CHECK(!with_line("", "", "").subprotocol_missing);

    const std::string deflate = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n";
    CHECK(!with_line(deflate, "", "x, permessage-deflate; client_max_window_bits").error);
    CHECK(with_line(deflate, "", "").error == errc::extension_not_offered);
    CHECK(with_line(deflate, "", "permessage-deflate2").error == errc::extension_not_offered);
    CHECK(with_line(deflate + "Sec-WebSocket-Extensions: x\r\n", "", "permessage-deflate").error ==
          errc::extension_not_offered);
    CHECK(with_line("Sec-WebSocket-Extensions:\r\n", "", "a").error == errc::empty_extensions);
    CHECK(with_line("Sec-WebSocket-Extensions: a;\r\n", "", "a").error == errc::bad_extensions);
    CHECK(with_line(chat + deflate, "", "").error == errc::subprotocol_not_offered);

    const response seen(good_response + chat + deflate, "chat", "permessage-deflate");
    CHECK(seen.checked.subprotocol == "chat");
    CHECK(seen.checked.extensions == "permessage-deflate; server_no_context_takeover");
}

TEST_CASE("H16 H17: all faults of a response are noted, and an error that is none hides none of them") {
    const auto judged = [](const std::string& fields, std::string_view line = "HTTP/1.1 101 x") {
        const response seen(fields, "", "", line);
        const ws::opening_response found = ws::check_response(seen.head, rfc_key, "chat", "x", ws::on_fault::note);
        return std::pair(found.error, found.faults);
    };
    const std::string many = "Upgrade: websocket\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: other\r\n"
                             "Sec-WebSocket-Extensions:\r\n";
    const response seen(many + good_accept);
    const ws::opening_response all = ws::check_response(seen.head, rfc_key, "chat", "x", ws::on_fault::note);
    CHECK(all.error == errc::upgrade_repeated);
    CHECK_FALSE(all.faults.other_than({errc::upgrade_repeated, errc::connection_not_confirmed,
                                       errc::subprotocol_not_offered, errc::empty_extensions}));
    for (const errc each : {errc::upgrade_repeated, errc::connection_not_confirmed, errc::subprotocol_not_offered,
                            errc::empty_extensions}) {
        CHECK(all.faults.has(each));
    }
    CHECK(all.subprotocol == "other");
    const response twice(many + "Sec-WebSocket-Protocol: chat\r\n" + good_accept);
    const ws::opening_response none = ws::check_response(twice.head, rfc_key, "chat", "x", ws::on_fault::note);
    CHECK(none.faults.has(errc::bad_subprotocol));
    CHECK(none.subprotocol.empty());
    CHECK(none.subprotocol_missing);

    const std::pair<std::string, errc> framing[] = {
        {many, errc::accept_missing},
        {many + good_accept + good_accept, errc::accept_missing},
        {many + "Sec-WebSocket-Accept: x\r\n", errc::accept_wrong},
        {many + good_accept + "Sec-WebSocket-Extensions: a;\r\n", errc::bad_extensions},
        {many + good_accept + "Sec-WebSocket-Extensions: y\r\n", errc::extension_not_offered},
        {many + good_accept + "Upgrade: h2c\r\n", errc::upgrade_not_confirmed},
    };
    for (const auto& [fields, error] : framing) {
        CHECK(judged(fields).first == error);
        CHECK(judged(fields).second.empty());
    }
    CHECK(judged(many + good_accept, "HTTP/1.1 200 x").first == errc::unexpected_status);
    CHECK(!judged(good_response).first);
    CHECK(judged(good_response).second.empty());
}
