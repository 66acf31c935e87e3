// The server's end of the opening handshake.
// SPDX-License-Identifier: MIT
#include <sockless/ws/server.hpp>

#include <doctest/doctest.h>

#include <array>

#include "../support/allocations.hpp"
#include "../support/wire.hpp"

using namespace sockless;
using namespace sockless::test;
using lines = std::vector<std::string>;
using server = scripted<ws::server>;

namespace {

// A reaction that does nothing, so the test answers the request.
void wait(ws::server&, const ws::event&) {}

const server::reaction accept = [](ws::server& peer, const ws::event& event) {
    if (event.kind == ws::kind::request) REQUIRE_FALSE(peer.accept());
};

// The request that `upgrade_request` makes, with a line replaced or, if `by` is empty, left out.
std::string replaced(std::string_view line, std::string_view by) {
    std::string request = upgrade_request();
    const std::size_t begin = request.find(line);
    REQUIRE(begin != std::string::npos);
    const std::size_t end = request.find("\r\n", begin) + 2;
    request.replace(begin, end - begin, by.empty() ? "" : std::string(by) + "\r\n");
    return request;
}

std::string status_of(cbytes sent) { return std::string(text_of(sent).substr(9, 3)); }

} // namespace

TEST_CASE("H9: a request is accepted with a 101 that has what it must and no body") {
    server run(ws::server{}, accept);
    run.feed_text(upgrade_request());
    CHECK(run.log == lines{"request /chat h "});
    CHECK(run.peer.is_open());
    const seen_head head = head_in(run.sent);
    CHECK(head.start == "HTTP/1.1 101 Switching Protocols");
    CHECK(head["Upgrade"] == "websocket");
    CHECK(head["Connection"] == "Upgrade");
    CHECK(head["Sec-WebSocket-Accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    CHECK(head.fields.size() == 3);
    CHECK(head.rest == "");
}

TEST_CASE("H9: fields of the caller's go out with the 101, those of the handshake are refused") {
    const field fields[] = {{"Set-Cookie", "a=b"}, {"Set-Cookie", "c=d"}};
    server run(ws::server{}, [&](ws::server& peer, const ws::event&) {
        for (const std::string_view name : {"Upgrade", "connection", "Sec-WebSocket-Accept", "Content-Length",
                                            "transfer-encoding", "Sec-WebSocket-Protocol"}) {
            const field reserved[] = {{name, "1"}};
            CHECK(peer.accept({.fields = reserved}) == ws::errc::reserved_field);
            CHECK(peer.output().empty());
        }
        CHECK_FALSE(peer.accept({.extensions = "x-one; a=1", .fields = fields}));
    });
    run.feed_text(upgrade_request("Sec-WebSocket-Extensions: x-one\r\n"));
    CHECK(head_in(run.sent)["Set-Cookie"] == "a=b|c=d");
    CHECK(head_in(run.sent)["Sec-WebSocket-Extensions"] == "x-one; a=1");
}

TEST_CASE("H11: a server that cannot compress does not agree to it") {
    server run(ws::server{}, [&](ws::server& peer, const ws::event&) {
        CHECK(peer.accept({.extensions = "permessage-deflate"}) == ws::errc::bad_extensions);
        CHECK(peer.output().empty());
        CHECK_FALSE(peer.accept());
    });
    run.feed_text(upgrade_request("Sec-WebSocket-Extensions: permessage-deflate\r\n"));
    CHECK(head_in(run.sent)["Sec-WebSocket-Extensions"] == "(none)");
}

TEST_CASE("H11: only extensions that were offered are answered") {
    server run(ws::server{}, [&](ws::server& peer, const ws::event&) {
        for (const std::string_view agreed : {"x-two", "x-one, x-two", "X-one", "x"}) {
            CHECK(peer.accept({.extensions = agreed}) == ws::errc::extension_not_offered);
            CHECK(peer.output().empty());
        }
        CHECK_FALSE(peer.accept({.extensions = "x-three, x-one"}));
    });
    run.feed_text(
        upgrade_request("Sec-WebSocket-Extensions: x-one\r\nSec-WebSocket-Extensions: x-three; a, x-one\r\n"));
    CHECK(head_in(run.sent)["Sec-WebSocket-Extensions"] == "x-three, x-one");
}

TEST_CASE("H10: one subprotocol of those that were offered, or none") {
    const std::string offer = "Sec-WebSocket-Protocol: chat, v12.stomp\r\nSec-WebSocket-Protocol: V11.stomp\r\n";
    for (const std::string chosen : {"chat", "v12.stomp", "V11.stomp"}) {
        server run(ws::server{}, [&](ws::server& peer, const ws::event&) {
            CHECK(peer.accept({.subprotocol = "v11.stomp"}) == ws::errc::subprotocol_not_offered);
            CHECK(peer.accept({.subprotocol = "Chat"}) == ws::errc::subprotocol_not_offered);
            CHECK(peer.accept({.subprotocol = "chat, v12.stomp"}) == ws::errc::subprotocol_not_offered);
            CHECK(peer.output().empty());
            CHECK_FALSE(peer.is_open());
            CHECK_FALSE(peer.accept({.subprotocol = chosen}));
        });
        run.feed_text(upgrade_request(offer));
        CHECK(head_in(run.sent)["Sec-WebSocket-Protocol"] == chosen);
    }
    server none(ws::server{}, accept);
    none.feed_text(upgrade_request(offer));
    CHECK(head_in(none.sent)["Sec-WebSocket-Protocol"] == "(none)");

    server not_asked(ws::server{}, [](ws::server& peer, const ws::event&) {
        CHECK(peer.accept({.subprotocol = "chat"}) == ws::errc::subprotocol_not_offered);
    });
    not_asked.feed_text(upgrade_request());
    CHECK(not_asked.log.size() == 1);
}

TEST_CASE("H13: all of a request is shown before anything is answered") {
    server run(ws::server{}, [](ws::server& peer, const ws::event& event) {
        REQUIRE(event.kind == ws::kind::request);
        CHECK(peer.request().target == "/a?b=c");
        CHECK(peer.request().host == "h");
        CHECK(peer.request().origin == "https://example.com");
        CHECK(http::first(peer.head().fields, "authorization") == "Basic eDp5");
        CHECK(http::first(peer.head().fields, "COOKIE") == "a=b");
        CHECK(http::count(peer.head().fields, "Host") == 1);
        CHECK(peer.output().empty());
        CHECK_FALSE(peer.is_open());
    });
    run.feed_text(
        upgrade_request("Origin: https://example.com\r\nAuthorization: Basic eDp5\r\nCookie: a=b\r\n", "/a?b=c"));
    CHECK(run.log.size() == 1);
    CHECK(run.sent.empty());
}

TEST_CASE("H13 H19: nothing is taken between a request and its answer, and nothing lost") {
    server run(ws::server{}, wait);
    const buffer text = frame(role::client, 0x81, "early");
    buffer input = joined(upgrade_request(), text);
    run.feed(input); // and stays as it is, because the request lies in it
    CHECK(run.left == text);
    run.feed_copy(frame(role::client, 0x89, "p"));
    CHECK(run.log == lines{"request /chat h "});
    CHECK(run.left.size() == text.size() + frame(role::client, 0x89, "p").size());

    REQUIRE_FALSE(run.peer.accept());
    REQUIRE_FALSE(run.peer.send_text("at once"));
    run.feed_text("");
    CHECK(run.log == lines{"request /chat h ", "message text: early", "ping: p"});
    CHECK(run.left.empty());
    const auto frames = frames_in(behind_head(run.sent));
    REQUIRE(frames.size() == 2);
    CHECK(frames[0].text() == "at once");
    CHECK(frames[1].text() == "p");
}

TEST_CASE("H19: frames in the read of the head are decoded, with the head gone") {
    for (const bool bytewise : {false, true}) {
        server run(ws::server{}, accept);
        const buffer all = joined(upgrade_request(), frame(role::client, 0x01, "a"), frame(role::client, 0x80, "b"),
                                  close_frame(role::client, 1000));
        for (std::size_t at = 0; at < all.size(); at += bytewise ? 1 : all.size()) {
            run.feed_copy(cbytes(all).subspan(at, bytewise ? 1 : all.size()));
        }
        CHECK(run.log == lines{"request /chat h ", "message text: ab", "closed 1000 clean none"});
    }
}

TEST_CASE("H12: any status, fields and body refuse a request, after which nothing more is read") {
    const field fields[] = {{"WWW-Authenticate", "Basic realm=\"x\""}, {"Location", "/b"}};
    for (const int status : {200, 301, 400, 401, 403, 404, 405, 414, 426, 431, 500, 503}) {
        CAPTURE(status);
        server run(ws::server{}, [&](ws::server& peer, const ws::event& event) {
            if (event.kind == ws::kind::closed) return;
            REQUIRE(event.kind == ws::kind::request);
            CHECK_FALSE(peer.refuse({.status = static_cast<std::uint16_t>(status),
                                     .fields = fields,
                                     .body = "no\n",
                                     .content_type = "text/plain"}));
        });
        run.feed_copy(joined(upgrade_request(), frame(role::client, 0x81, "late"), upgrade_request()));
        run.feed_text(upgrade_request());
        CHECK(run.log == lines{"request /chat h ", "closed 1006 unclean none"});
        CHECK(run.left.empty());
        CHECK_FALSE(run.peer.is_open());
        CHECK(run.peer.done());
        CHECK_FALSE(run.peer.error());
        const seen_head head = head_in(run.sent);
        CHECK(head.start.substr(0, 13) == "HTTP/1.1 " + std::to_string(status) + " ");
        CHECK(head["Content-Length"] == "3");
        CHECK(head["Content-Type"] == "text/plain");
        CHECK(head["Connection"] == (status == 426 ? "close, Upgrade" : "close"));
        CHECK(head["WWW-Authenticate"] == "Basic realm=\"x\"");
        CHECK(head["Location"] == "/b");
        CHECK(head["Allow"] == (status == 405 ? "GET" : "(none)"));
        CHECK(head["Sec-WebSocket-Version"] == (status == 426 ? "13" : "(none)"));
        CHECK(head.rest == "no\n");
        run.finish();
        CHECK(run.complaint == "");
    }
    server plain(ws::server{}, [](ws::server& peer, const ws::event& event) {
        if (event.kind == ws::kind::request) CHECK_FALSE(peer.refuse(403));
    });
    plain.drains = false;
    plain.feed_text(upgrade_request());
    CHECK_FALSE(plain.peer.done());
    plain.drain();
    CHECK(plain.peer.done());
    CHECK(head_in(plain.sent)["Content-Length"] == "0");
}

TEST_CASE("H12 H14: an answer that cannot be written leaves the request waiting, and the output empty") {
    const field split[] = {{"X", "a\r\nSet-Cookie: b"}};
    const field nul[] = {{"X", std::string_view("a\0b", 3)}};
    const field name[] = {{"X Y", "a"}};
    server run(ws::server{}, [&](ws::server& peer, const ws::event&) {
        CHECK(peer.accept({.fields = split}) == http::errc::bad_value);
        CHECK(peer.accept({.fields = nul}) == http::errc::bad_value);
        CHECK(peer.accept({.fields = name}) == http::errc::bad_name);
        CHECK(peer.accept({.extensions = "a\r\nb"}) == ws::errc::bad_extensions);
        CHECK(peer.refuse({.status = 99}) == http::errc::bad_status);
        CHECK(peer.refuse({.status = 101}) == http::errc::bad_status);
        CHECK(peer.refuse({.status = 600}) == http::errc::bad_status);
        CHECK(peer.refuse({.status = 204, .body = "x"}) == http::errc::body_not_allowed);
        CHECK(peer.refuse({.status = 400, .fields = split}) == http::errc::bad_value);
        CHECK(peer.refuse({.status = 400, .fields = name}) == http::errc::bad_name);
        CHECK(peer.refuse({.status = 400, .content_type = "a\nb"}) == http::errc::bad_value);
        CHECK(peer.refuse({.status = 400, .reason = "a\rb"}) == http::errc::bad_reason);
        CHECK(peer.output().empty());
        CHECK_FALSE(peer.is_open());
        CHECK_FALSE(peer.accept());
    });
    run.feed_text(upgrade_request());
    CHECK(run.peer.is_open());
}

TEST_CASE("only a request that waits can be answered, and only once") {
    ws::server fresh;
    CHECK(fresh.accept() == ws::errc::nothing_to_answer);
    CHECK(fresh.refuse(403) == ws::errc::nothing_to_answer);
    CHECK(fresh.output().empty());

    server accepted(ws::server{}, accept);
    accepted.feed_text(upgrade_request());
    CHECK(accepted.peer.accept() == ws::errc::nothing_to_answer);
    CHECK(accepted.peer.refuse(403) == ws::errc::nothing_to_answer);
    CHECK(accepted.peer.output().empty());
    accepted.feed_copy(frame(role::client, 0x81, "x"));
    CHECK(accepted.peer.accept() == ws::errc::nothing_to_answer);
    CHECK(accepted.peer.refuse(403) == ws::errc::nothing_to_answer);

    server rejected(ws::server{}, [](ws::server& peer, const ws::event& event) {
        if (event.kind == ws::kind::request) CHECK_FALSE(peer.refuse(403));
    });
    rejected.feed_text(upgrade_request());
    CHECK(rejected.peer.accept() == ws::errc::nothing_to_answer);
    CHECK(rejected.peer.refuse(403) == ws::errc::nothing_to_answer);

    server failed(ws::server{}, wait);
    failed.feed_text("x\r\n");
    CHECK(failed.peer.accept() == ws::errc::nothing_to_answer);

    server ended(ws::server{}, wait);
    ended.feed_text(upgrade_request());
    ended.finish();
    CHECK(ended.log.back() == "closed 1006 unclean end_of_input");
    CHECK(ended.peer.accept() == ws::errc::nothing_to_answer);
    CHECK(ended.peer.refuse(403) == ws::errc::nothing_to_answer);
    CHECK(ended.peer.done());
}

TEST_CASE("H12: a request that breaks a rule is refused with its status") {
    struct {
        std::string request;
        const char* error;
        const char* status;
    } const cases[] = {
        {replaced("GET", "POST /chat HTTP/1.1"), "method_not_get", "405"},
        {replaced("GET", "GET /chat HTTP/1.0"), "http_version_too_old", "426"},
        {replaced("GET", "GET /chat HTTP/2.0"), "unsupported_version", "505"},
        {replaced("GET", "GET chat HTTP/1.1"), "bad_request_target", "400"},
        {replaced("GET", "GET  HTTP/1.1"), "bad_target", "400"},
        {replaced("GET", "GET "), "bad_target", "400"},
        {replaced("Host", "Host: [:]"), "bad_host", "400"},
        {replaced("Host", "Host: a:99999999"), "bad_host", "400"},
        {replaced("GET", "GET /chat#x HTTP/1.1"), "bad_request_target", "400"},
        {replaced("GET", "GET  /chat HTTP/1.1"), "bad_target", "400"},
        {replaced("Host", ""), "host_missing", "400"},
        {upgrade_request("Host: h\r\n"), "host_missing", "400"},
        {replaced("Upgrade:", ""), "upgrade_missing", "426"},
        {replaced("Upgrade:", "Upgrade: h2c"), "upgrade_missing", "426"},
        {replaced("Connection:", "Connection: keep-alive"), "connection_upgrade_missing", "400"},
        {replaced("Sec-WebSocket-Key", ""), "key_missing", "400"},
        {replaced("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ="), "bad_key", "400"},
        {upgrade_request("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), "key_missing", "400"},
        {replaced("Sec-WebSocket-Version", ""), "version_missing", "400"},
        {replaced("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8"), "version_unsupported", "426"},
        {upgrade_request("Content-Length: 1\r\n"), "unexpected_body", "400"},
        {upgrade_request("Transfer-Encoding: chunked\r\n"), "unexpected_body", "400"},
        {upgrade_request("Sec-WebSocket-Protocol: a, a\r\n"), "bad_subprotocol", "400"},
        {upgrade_request("Sec-WebSocket-Extensions: a;;\r\n"), "bad_extensions", "400"},
        {upgrade_request("Expect: 200-ok\r\n"), "expectation_unknown", "417"},
        {upgrade_request("X: a\n"), "bare_lf", "400"},
        {upgrade_request("X : a\r\n"), "space_in_name", "400"},
        {upgrade_request("X: a\r\n b\r\n"), "obs_fold", "400"},
        {upgrade_request("X: \x01\r\n"), "bad_value", "400"},
        {"\x16\x03\x01", "bad_method", "400"},
        {"\r\n\r\n\r\n\r\n\r\n" + upgrade_request(), "too_many_empty_lines", "400"},
    };
    for (const auto& each : cases) {
        CAPTURE(each.error);
        CAPTURE(each.request);
        for (const bool bytewise : {false, true}) {
            server run(ws::server{}, accept);
            for (std::size_t at = 0; at < each.request.size(); at += bytewise ? 1 : each.request.size()) {
                run.feed_text(std::string_view(each.request).substr(at, bytewise ? 1 : std::string_view::npos));
            }
            run.feed_copy(joined(upgrade_request(), frame(role::client, 0x81, "late")));
            CHECK(run.log == lines{"closed 1006 unclean " + std::string(each.error)});
            CHECK(run.peer.error().name() == each.error);
            CHECK(run.left.empty());
            CHECK(run.complaint == "");
            CHECK(run.peer.done());
            REQUIRE(run.sent.size() > 12);
            CHECK(status_of(run.sent) == each.status);
            const seen_head head = head_in(run.sent);
            CHECK(head["Content-Length"] == std::to_string(head.rest.size()));
            CHECK(head["Connection"].substr(0, 5) == "close");
            CHECK(head["Allow"] == (status_of(run.sent) == "405" ? "GET" : "(none)"));
            CHECK(head["Sec-WebSocket-Version"] == (status_of(run.sent) == "426" ? "13" : "(none)"));
            CHECK(head.rest == std::string(run.peer.error().sentence()) + "\n");
        }
    }
}

TEST_CASE("H1: a target in absolute-form without a path has the path `/`, whole and in single bytes") {
    for (const std::string scheme : {"http", "wss"}) {
        for (const bool bytewise : {false, true}) {
            server run(ws::server{}, accept);
            const std::string request = replaced("GET", "GET " + scheme + "://a?x HTTP/1.1");
            for (std::size_t at = 0; at < request.size(); at += bytewise ? 1 : request.size()) {
                run.feed_text(std::string_view(request).substr(at, bytewise ? 1 : std::string_view::npos));
            }
            CHECK(run.log == lines{"request /?x a "});
            CHECK(run.peer.is_open());
        }
    }
}

TEST_CASE("H12: an answer to HEAD has no content, whatever it says, at every split") {
    const std::string head = "HEAD / HTTP/1.1\r\nHost: h\r\n";
    struct {
        std::string request;
        const char* status;
    } const cases[] = {
        {head + "\r\n", "405"},
        {replaced("GET", "HEAD /chat HTTP/1.1"), "405"},
        {head + "X : a\r\n\r\n", "400"},
        {"\r\n" + head + "X: \x01\r\n\r\n", "400"},
        {"HEAD / HTTP/2.0\r\n\r\n", "505"},
        {"HEAD / HTTP/1.0\r\n\r\n", "405"},
        {"HEAD /" + std::string(100, 'a') + " HTTP/1.1\r\n\r\n", "414"},
        {"HEAD\r\n", "400"}, // not known to be HEAD before the space
        {"GET / HTTP/1.1\r\n\r\n", "400"},
        {"HEADS / HTTP/1.1\r\n\r\n", "405"},
        {"POST / HTTP/1.1\r\nHost: h\r\nX : a\r\n\r\n", "400"},
        {"head / HTTP/1.1\r\n\r\n", "405"},
    };
    for (const auto& each : cases) {
        CAPTURE(each.request);
        const bool is_head = each.request.find("HEAD ") < 3;
        buffer sent;
        for_each_split(bytes_of(std::string_view(each.request)), [&](const auto& feed_all) {
            server run(ws::server({.head = {.start_line = 100}}), accept);
            feed_all([&](bytes piece) { run.feed(piece); });
            REQUIRE(run.peer.done());
            REQUIRE(status_of(run.sent) == each.status);
            const seen_head answer = head_in(run.sent);
            const std::string sentence = std::string(run.peer.error().sentence()) + "\n";
            REQUIRE(answer["Content-Length"] == std::to_string(sentence.size()));
            REQUIRE(answer.rest == (is_head ? "" : sentence));
        });
    }

    // Also if the request never ends, or is answered by the caller.
    server slow(ws::server({.handshake_timeout = 50}), wait);
    slow.tick(100);
    slow.feed_text("HEAD / HTTP/1.1\r\nHo");
    slow.tick(150);
    CHECK(status_of(slow.sent) == "408");
    CHECK(head_in(slow.sent).rest == "");
    CHECK(head_in(slow.sent)["Content-Length"] != "0");
    server page(ws::server({.show_requests = true}), [](ws::server& peer, const ws::event& event) {
        if (event.kind == ws::kind::http_request) CHECK_FALSE(peer.refuse({.status = 200, .body = "page"}));
    });
    page.feed_text(head + "\r\n");
    CHECK(head_in(page.sent)["Content-Length"] == "4");
    CHECK(head_in(page.sent).rest == "");
}

TEST_CASE("H2 H5: what is unusual, but allowed, is accepted") {
    for (const std::string& request :
         {"\r\n\r\n" + upgrade_request(), replaced("Upgrade:", "uPGRADE: h2c,, WebSocket"),
          replaced("Connection:", "Connection: keep-alive\r\nconnection: foo , UPGRADE"),
          upgrade_request("Content-Length: 0\r\n"), replaced("GET", "GET http://h:80/chat HTTP/1.1"),
          replaced("GET", "GET ws://h/chat HTTP/1.1"), replaced("GET", "GET wss://h:443/chat HTTP/1.1"),
          upgrade_request("X:\r\nX: \xFF \r\n"), upgrade_request("Sec-WebSocket-Extensions: unknown; x=\"y\"\r\n")}) {
        CAPTURE(request);
        server run(ws::server{}, accept);
        run.feed_text(request);
        CHECK(run.peer.is_open());
        CHECK(run.log[0].substr(0, 14) == "request /chat ");
    }
}

namespace {

// The text with all lines ending in LF alone.
std::string with_bare_lf(std::string text) {
    for (std::size_t at; (at = text.find('\r')) != std::string::npos;) text.erase(at, 1);
    return text;
}

struct faulty_request {
    std::string request;
    error fault;
    std::string shown = "/chat h ";
    std::string accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
};

// Requests as some clients send them: docs/rules.md says which.
const std::vector<faulty_request>& faulty_requests() {
    const auto key = [](const std::string& other) {
        return replaced("Sec-WebSocket-Key", "Sec-WebSocket-Key: " + other);
    };
    static const std::vector<faulty_request> all = {
        {replaced("Connection:", ""), ws::errc::connection_upgrade_missing},
        {replaced("Connection:", "Connection: keep-alive"), ws::errc::connection_upgrade_missing},
        {key("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="), ws::errc::bad_key, "/chat h ",
         "mq4AI5vGpy1jRFbeqFuSeE5y7W0="},
        {key("AAECAwQFBgc="), ws::errc::bad_key, "/chat h ", "oREkqT/GYt5w/5rL7lgOpYK+HZ4="},
        {key("0f8a7c52-1d3e-4b6f-9a10-c2d4e6f80123"), ws::errc::bad_key, "/chat h ", "0YgsgRKGBsW42FcF7v8dLLgGQHQ="},
        {key(std::string(8000, 'k')), ws::errc::bad_key, "/chat h ", "cGmopETqU/DzSIOwINPTdkRWlrI="},
        {key(""), ws::errc::bad_key, "/chat h ", "Kfh9QIsMVZcl6xEPYxPHzW8SZ8w="},
        {upgrade_request("Sec-WebSocket-Protocol: \r\n"), ws::errc::bad_subprotocol},
        {upgrade_request("Sec-WebSocket-Protocol: a, a\r\n"), ws::errc::bad_subprotocol},
        {upgrade_request("Sec-WebSocket-Extensions: \r\n"), ws::errc::empty_extensions},
        {replaced("Host", "Host: fd00:10::1:8081"), ws::errc::bad_host, "/chat fd00:10::1:8081 "},
        {with_bare_lf(upgrade_request()), http::errc::bare_lf},
    };
    return all;
}

const ws::options showing{.show_faults = true};

} // namespace

TEST_CASE("H2 H4 H5 H6 H10 H11: a faulty request is shown if that is asked for, and can be accepted, wherever cut") {
    for (const faulty_request& each : faulty_requests()) {
        CAPTURE(each.request);
        const buffer stream = joined(each.request, frame(role::client, 0x81, "hi"));
        const std::string name(each.fault.name());
        const auto judge = [&](const auto& feed_all) {
            server run(ws::server(showing), [&](ws::server& peer, const ws::event& event) {
                if (event.kind != ws::kind::request) return;
                CHECK(peer.request().error == each.fault);
                CHECK_FALSE(peer.request().faults.other_than({each.fault}));
                CHECK(peer.output().empty());
                CHECK_FALSE(peer.is_open());
                CHECK_FALSE(peer.accept());
            });
            feed_all([&](bytes piece) { run.feed(piece); });
            REQUIRE(run.log == lines{"request " + each.shown + " but " + name, "message text: hi"});
            REQUIRE(head_in(run.sent)["Sec-WebSocket-Accept"] == each.accept);
            REQUIRE(head_in(run.sent).fields.size() == 3);
            REQUIRE(run.complaint == "");
        };
        for_each_split_near_lines(stream, judge);

        // Without the option it is refused, as ever.
        server strict(ws::server{}, accept);
        strict.feed_copy(stream);
        CHECK(strict.log == lines{"closed 1006 unclean " + name});
        CHECK(status_of(strict.sent) == std::to_string(each.fault.status()));

        // With the option the caller can refuse it in the same words.
        server refuses(ws::server(showing), [](ws::server& peer, const ws::event& event) {
            if (event.kind == ws::kind::request) CHECK_FALSE(peer.refuse(event.error));
        });
        refuses.feed_copy(stream);
        CHECK(refuses.log == lines{"request " + each.shown + " but " + name, "closed 1006 unclean none"});
        CHECK(refuses.sent == strict.sent);
        CHECK(refuses.peer.done());
        CHECK(refuses.peer.refuse(each.fault) == ws::errc::nothing_to_answer);
    }
}

TEST_CASE("H1 H4 H6 H7 H8 H10 H11 H12 H21: all other rules are kept also if faults are shown") {
    std::string more_names;
    for (int i = 0; i != 63; ++i) more_names += ", p" + std::to_string(i);
    struct {
        std::string request;
        const char* error;
    } const cases[] = {
        {upgrade_request("Content-Length: 5\r\n"), "unexpected_body"},
        {upgrade_request("Transfer-Encoding: chunked\r\n"), "unexpected_body"},
        {replaced("Connection:", "Content-Length: 5"), "unexpected_body"},
        {with_bare_lf(upgrade_request("Content-Length: 5\r\n")), "unexpected_body"},
        {with_bare_lf(upgrade_request("Transfer-Encoding: chunked\r\n")), "unexpected_body"},
        {replaced("Host", ""), "host_missing"},
        {upgrade_request("Host: h\r\n"), "host_missing"},
        {replaced("GET", "GET chat HTTP/1.1"), "bad_request_target"},
        {replaced("GET", "GET http://evil.example/chat#x HTTP/1.1"), "bad_request_target"},
        {replaced("Sec-WebSocket-Key", ""), "key_missing"},
        {upgrade_request("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"), "key_missing"},
        {upgrade_request("Origin: a\r\nOrigin: b\r\n"), "repeated_origin"},
        {upgrade_request("Expect: 100-continue, 200-ok\r\n"), "expectation_unknown"},
        {upgrade_request("Sec-WebSocket-Protocol: a, a" + more_names + "\r\n"), "too_many_subprotocols"},
        {replaced("Upgrade:", ""), "upgrade_missing"},
        {with_bare_lf(replaced("Upgrade:", "")), "upgrade_missing"},
        {replaced("GET", "POST /chat HTTP/1.1"), "method_not_get"},
        {replaced("GET", "GET /chat HTTP/1.0"), "http_version_too_old"},
        {replaced("Sec-WebSocket-Version", ""), "version_missing"},
        {replaced("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8"), "version_unsupported"},
        {upgrade_request("Sec-WebSocket-Extensions: a;;\r\n"), "bad_extensions"},
        {upgrade_request("X: a\n"), "bare_lf"},
        {replaced("GET", "GET /chat HTTP/1.1\nX: y"), "bare_lf"},
        {with_bare_lf(upgrade_request()).insert(with_bare_lf(upgrade_request()).size() - 1, "\r"), "bare_lf"},
        {upgrade_request("X : a\r\n"), "space_in_name"},
        {upgrade_request("X: a\r\n b\r\n"), "obs_fold"},
        {with_bare_lf(upgrade_request("X: a\r\n b\r\n")), "obs_fold"},
        {upgrade_request("X: \x01\r\n"), "bad_value"},
        {upgrade_request("X: a\rb\r\n"), "bare_cr"},
        {"\n" + upgrade_request(), "bare_lf"},
    };
    for (const auto& each : cases) {
        CAPTURE(each.request);
        for_each_split_near_lines(std::string_view(each.request), [&](const auto& feed_all) {
            server run(ws::server(showing), accept);
            feed_all([&](bytes piece) { run.feed(piece); });
            REQUIRE(run.log == lines{"closed 1006 unclean " + std::string(each.error)});
            REQUIRE(run.peer.done());
        });
    }
}

TEST_CASE("H2 H12: other requests with bare line feeds are never shown: there may be a body behind them") {
    for (const std::string request :
         {"GET / HTTP/1.1\nHost: h\n\n", "POST / HTTP/1.1\nHost: h\nContent-Length: 5\n\nhello"}) {
        server run(ws::server({.show_requests = true, .show_faults = true}), accept);
        run.feed_text(request);
        CHECK(run.log == lines{"closed 1006 unclean bare_lf"});
        CHECK(status_of(run.sent) == "400");
    }
    server right(ws::server({.show_requests = true, .show_faults = true}), wait);
    right.feed_text("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(right.log == lines{"http_request GET /"});
}

TEST_CASE("H5 H6: a caller sees all faults of a request, and its accepting knows of each") {
    server run(ws::server(showing), [](ws::server& peer, const ws::event& event) {
        if (event.kind != ws::kind::request) return;
        CHECK(event.error == ws::errc::connection_upgrade_missing);
        CHECK(peer.request().faults.other_than({ws::errc::connection_upgrade_missing}) == ws::errc::bad_key);
        CHECK_FALSE(peer.request().faults.other_than({ws::errc::bad_key, ws::errc::connection_upgrade_missing}));
        CHECK_FALSE(peer.accept());
    });
    std::string request = replaced("Connection:", "");
    request.replace(request.find("dGhl"), 24, "AAECAwQFBgc=");
    run.feed_text(request);
    CHECK(run.peer.is_open());
    CHECK(head_in(run.sent)["Connection"] == "Upgrade");
    CHECK(head_in(run.sent)["Sec-WebSocket-Accept"] == "oREkqT/GYt5w/5rL7lgOpYK+HZ4=");
    CHECK(run.peer.accept() == ws::errc::nothing_to_answer);
}

TEST_CASE("H10 H11: what was not offered cannot be agreed to, also if the offer is faulty") {
    server run(ws::server(showing), [](ws::server& peer, const ws::event& event) {
        if (event.kind != ws::kind::request) return;
        CHECK(peer.accept({.subprotocol = "a"}) == ws::errc::subprotocol_not_offered);
        CHECK(peer.accept({.extensions = "x"}) == ws::errc::extension_not_offered);
        CHECK(peer.output().empty());
        CHECK_FALSE(peer.accept());
    });
    run.feed_text(upgrade_request("Sec-WebSocket-Protocol:\r\nSec-WebSocket-Extensions:\r\n"));
    CHECK(run.peer.is_open());
}

TEST_CASE("H5: requests that break no rule are shown without an error, whatever is shown besides") {
    server run(ws::server(showing), accept);
    run.feed_text(upgrade_request());
    CHECK(run.log == lines{"request /chat h "});
    CHECK(run.peer.is_open());
}

TEST_CASE("H20: what is too large is refused with 414 or 431, in bounded memory") {
    struct {
        const char* error;
        const char* status;
        std::string begin;
        std::string repeated;
        std::size_t times;
    } const cases[] = {
        {"start_line_too_long", "414", "GET /", "a", 1'000'000},
        {"field_line_too_long", "431", "GET / HTTP/1.1\r\nX: ", "a", 1'000'000},
        {"field_line_too_long", "431", "GET / HTTP/1.1\r\n", "a", 1'000'000},
        {"too_many_fields", "431", "GET / HTTP/1.1\r\n", "X: y\r\n", 10'000},
        {"head_too_large", "431", "GET / HTTP/1.1\r\n", "X: " + std::string(4000, 'y') + "\r\n", 1'000},
    };
    for (const auto& each : cases) {
        CAPTURE(each.error);
        for (const std::size_t read : {std::size_t{1}, std::size_t{1460}, SIZE_MAX}) {
            std::string input = each.begin;
            for (std::size_t i = 0; i != each.times; ++i) input += each.repeated;
            server run(ws::server{}, accept);
            const std::size_t before = allocations();
            ws::event last{};
            std::size_t not_taken = 0;
            for (std::size_t at = 0; at < input.size();) {
                const std::size_t size = input.size() - at < read ? input.size() - at : read;
                bytes in = bytes_of(input.data() + at, size);
                while (const ws::event event = run.peer.next(in)) last = event;
                not_taken += in.size();
                at += size;
            }
            // Doubled from 256 bytes to 32 KiB at most, and the answer.
            CHECK(allocations() - before <= 9);
            CHECK(not_taken == 0);
            REQUIRE(last.kind == ws::kind::closed);
            CHECK(last.error.name() == each.error);
            CHECK(status_of(run.peer.output()) == each.status);
            CHECK(run.peer.output().size() < 512);
        }
    }
}

TEST_CASE("H20: what is as large as the limits is accepted, also in single bytes") {
    std::string more;
    for (int i = 0; i != 95; ++i) more += "X: " + std::string(300, 'y') + "\r\n";
    const std::string request = upgrade_request(more, "/" + std::string(8000, 't'));
    http::limits exact;
    exact.head = static_cast<std::uint32_t>(request.size());
    for (const bool too_small : {false, true}) {
        exact.head -= too_small ? 1 : 0;
        for (const std::size_t read : {std::size_t{1}, std::size_t{1000}, request.size()}) {
            server run(ws::server({.head = exact}), accept);
            for (std::size_t at = 0; at < request.size(); at += read) {
                run.feed_text(std::string_view(request).substr(at, read));
            }
            CHECK(run.peer.is_open() == !too_small);
            if (too_small) CHECK(run.log == lines{"closed 1006 unclean head_too_large"});
        }
    }
}

TEST_CASE("H21: an expectation of 100 is met before the 101, and by a refusal alone") {
    const std::string request = upgrade_request("Expect: 100-Continue\r\n");
    server run(ws::server{}, accept);
    run.feed_text(request);
    CHECK(run.peer.is_open());
    const seen_head first = head_in(run.sent);
    CHECK(first.start == "HTTP/1.1 100 Continue");
    CHECK(first.fields.empty());
    CHECK(first.rest == upgrade_response());

    server refuses(ws::server{}, [](ws::server& peer, const ws::event& event) {
        if (event.kind == ws::kind::closed) return;
        CHECK(event.kind == ws::kind::request);
        CHECK(peer.request().expects_continue);
        CHECK_FALSE(peer.refuse(403));
    });
    refuses.feed_text(request);
    CHECK(status_of(refuses.sent) == "403");
}

TEST_CASE("H12 H13: other requests are shown where that was asked for, and answered with anything") {
    const std::string page = "<!doctype html>";
    for (const std::string begin : {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET / HTTP/1.0\r\n\r\n",
                                    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"}) {
        CAPTURE(begin);
        server run(ws::server({.show_requests = true}), [&](ws::server& peer, const ws::event& event) {
            if (event.kind == ws::kind::closed) return;
            REQUIRE(event.kind == ws::kind::http_request);
            CHECK(peer.head().target == "/");
            CHECK(peer.accept() == ws::errc::nothing_to_answer);
            CHECK(peer.output().empty());
            CHECK_FALSE(peer.refuse({.status = 200, .body = page, .content_type = "text/html"}));
        });
        run.feed_text(begin);
        CHECK(run.log == lines{"http_request " + begin.substr(0, begin.find(' ')) + " /", "closed 1006 unclean none"});
        const seen_head head = head_in(run.sent);
        CHECK(head.start == "HTTP/1.1 200 OK");
        CHECK(head["Content-Length"] == std::to_string(page.size()));
        CHECK(head["Content-Type"] == "text/html");
        CHECK(head["Connection"] == "close");
        CHECK(head.rest == page);
        CHECK(run.peer.done());

        server hidden(ws::server{}, accept);
        hidden.feed_text(begin);
        CHECK(hidden.log.size() == 1);
        CHECK(hidden.log.back().substr(0, 20) == "closed 1006 unclean ");
    }
    server upgrade(ws::server({.show_requests = true}), accept);
    upgrade.feed_text(upgrade_request());
    CHECK(upgrade.log == lines{"request /chat h "});
    server bad(ws::server({.show_requests = true}), accept);
    bad.feed_text(replaced("Sec-WebSocket-Key", ""));
    CHECK(bad.log == lines{"closed 1006 unclean key_missing"});
}

TEST_CASE("H12: a client that waits for its answer gets 408 in the end") {
    server run(ws::server({.handshake_timeout = 50}), wait);
    run.tick(100);
    run.feed_copy(joined(upgrade_request(), frame(role::client, 0x81, "x")));
    run.tick(149);
    CHECK(run.sent.empty());
    run.tick(150);
    CHECK(run.log.back() == "closed 1006 unclean handshake_timeout");
    CHECK(status_of(run.sent) == "408");
    CHECK(run.peer.accept() == ws::errc::nothing_to_answer);
    CHECK(run.peer.done());
}

TEST_CASE("an answer that does not fit is not begun") {
    std::array<std::byte, 512> input{};
    for (std::size_t size = 0; size != 400; ++size) {
        CAPTURE(size);
        buffer memory(size + 16, std::byte{0xA5});
        using small = ws::basic_server<span_buffer<std::byte>>;
        const auto make = [&] { return small{span_buffer(bytes(input)), span_buffer(bytes(memory).first(size)), {}}; };

        scripted<small> accepts(make(), [](small& peer, const ws::event& event) {
            if (event.kind == ws::kind::closed) return;
            if (const error refused = peer.accept()) {
                CHECK(refused == ws::errc::no_room);
                CHECK(peer.output().empty());
            }
        });
        accepts.feed_text(upgrade_request());
        CHECK(accepts.complaint == "");
        CHECK(accepts.peer.is_open() == !accepts.sent.empty());
        if (!accepts.sent.empty()) CHECK(text_of(accepts.sent) == upgrade_response());

        scripted<small> rejects(make(), [](small& peer, const ws::event& event) {
            if (event.kind == ws::kind::closed) return;
            if (const error refused = peer.refuse(404)) {
                CHECK(refused == ws::errc::no_room);
                CHECK(peer.output().empty());
                CHECK_FALSE(peer.done());
            }
        });
        rejects.feed_text(upgrade_request());
        if (!rejects.sent.empty()) CHECK(head_in(rejects.sent)["Content-Length"] == "0");

        scripted<small> fails(make());
        fails.feed_text("?");
        CHECK(fails.log == lines{"closed 1006 unclean bad_method"});
        CHECK(fails.peer.done());
        if (!fails.sent.empty()) CHECK(head_in(fails.sent).rest.size() > 10);
        for (std::size_t i = size; i != memory.size(); ++i) REQUIRE(memory[i] == std::byte{0xA5});
    }
}

TEST_CASE("H20: the memory that the caller gave bounds a head that comes in pieces") {
    std::array<std::byte, 100> input{};
    std::array<std::byte, 512> output{};
    using small = ws::basic_server<span_buffer<std::byte>>;
    scripted<small> run(small{span_buffer(bytes(input)), span_buffer(bytes(output)), {}});
    for (const char c : upgrade_request()) run.feed_text({&c, 1});
    CHECK(run.log == lines{"closed 1006 unclean head_too_large"});
    CHECK(status_of(run.sent) == "431");
}

TEST_CASE("H13: a request can be answered when the input it came in is long gone") {
    for (const bool bytewise : {false, true}) {
        CAPTURE(bytewise);
        ws::server peer;
        {
            buffer request = bytes_from(upgrade_request("Sec-WebSocket-Protocol: chat\r\n"));
            for (std::size_t at = 0; at != request.size();) {
                bytes in = bytes(request).subspan(at, bytewise ? 1 : request.size());
                at += in.size();
                const ws::event event = peer.next(in);
                CHECK((event.kind == ws::kind::request) == (at == request.size()));
            }
            for (std::byte& octet : request) octet = std::byte{'?'};
        }
        CHECK(peer.request().target == "/chat");
        CHECK_FALSE(peer.accept({.subprotocol = "chat"}));
        const buffer sent(peer.output().begin(), peer.output().end());
        CHECK(head_in(sent)["Sec-WebSocket-Accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
