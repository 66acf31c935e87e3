// The client's end of the opening handshake, and what a client does to what it sends.
// SPDX-License-Identifier: MIT
#include <sockless/ws/client.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>

#include "../support/allocations.hpp"
#include "../support/wire.hpp"

using namespace sockless;
using namespace sockless::test;
using lines = std::vector<std::string>;
using client = scripted<ws::client>;

namespace {

ws::client asking(const ws::options& how = {}, const ws::opening& what = {.host = "h", .target = "/chat"}) {
    ws::client made(sample_keys(), how);
    REQUIRE_FALSE(made.request(what));
    return made;
}

// The request of the client.
std::string asked() {
    const ws::client made = asking();
    return std::string(text_of(made.output()));
}

// The response that `upgrade_response` makes, with a line replaced or, if `by` is empty, left out.
std::string replaced(std::string_view line, std::string_view by) {
    std::string response = upgrade_response();
    const std::size_t begin = response.find(line);
    REQUIRE(begin != std::string::npos);
    const std::size_t end = response.find("\r\n", begin) + 2;
    response.replace(begin, end - begin, by.empty() ? "" : std::string(by) + "\r\n");
    return response;
}

} // namespace

TEST_CASE("H15 H4 H5 H6 H7: the request has what it must, and the fields of the caller's") {
    const std::string_view subprotocols[] = {"v12.stomp", "v11.stomp"};
    const field fields[] = {{"Authorization", "Basic eDp5"}, {"Cookie", "a=b; c=d"}};
    CHECK(head_in(bytes_of(std::string_view(asked()))).start == "GET /chat HTTP/1.1");
    CHECK(head_in(bytes_of(std::string_view(asked()))).fields.size() == 5);
    CHECK(head_in(bytes_of(std::string_view(asked())))["Sec-WebSocket-Key"] == "dGhlIHNhbXBsZSBub25jZQ==");

    ws::client full(ws::entropy(seed_of(1)));
    REQUIRE_FALSE(full.request({.host = "example.com:8080",
                                .target = "/a?b=c",
                                .subprotocols = subprotocols,
                                .extensions = "x-one; a=1, x-two",
                                .origin = "https://example.com",
                                .fields = fields}));
    const seen_head head = head_in(full.output());
    CHECK(head.start == "GET /a?b=c HTTP/1.1");
    CHECK(head["Host"] == "example.com:8080");
    CHECK(head["Upgrade"] == "websocket");
    CHECK(head["Connection"] == "Upgrade");
    CHECK(head["Sec-WebSocket-Version"] == "13");
    CHECK(head["Sec-WebSocket-Key"].size() == 24);
    CHECK(head["Sec-WebSocket-Protocol"] == "v12.stomp, v11.stomp");
    CHECK(head["Sec-WebSocket-Extensions"] == "x-one; a=1, x-two");
    CHECK(head["Origin"] == "https://example.com");
    CHECK(head["Authorization"] == "Basic eDp5");
    CHECK(head["Cookie"] == "a=b; c=d");
    CHECK(head.fields.size() == 10);
    CHECK(head.rest == "");
}

TEST_CASE("H15: a request is made once, and nothing is read before") {
    client run{ws::client(sample_keys())};
    run.feed_text("HTTP/1.1 ");
    CHECK(run.left.size() == 9);
    CHECK(run.sent.empty());
    REQUIRE_FALSE(run.peer.request({.host = "h", .target = "/chat"}));
    CHECK(run.peer.request({.host = "h", .target = "/chat"}) == ws::errc::not_open);
    CHECK(text_of(run.peer.output()) == asked());
    run.feed_text(upgrade_response().substr(9));
    CHECK(run.peer.is_open());
    CHECK(run.peer.request({.host = "h"}) == ws::errc::not_open);
    run.feed_copy(frame(role::server, 0x81, "x"));
    CHECK(run.peer.request({.host = "h"}) == ws::errc::not_open);
    CHECK(text_of(run.sent) == asked());
}

TEST_CASE("H14 H15: a request that cannot be written writes nothing, and can be made again") {
    const field split[] = {{"X", "a\r\nY: b"}};
    const field name[] = {{"X:", "a"}};
    const field reserved[] = {{"sec-websocket-key", "a"}};
    const field host[] = {{"Host", "a"}};
    const std::string_view twice[] = {"a", "a"};
    const std::string_view no_token[] = {"a b"};
    const std::string_view empty[] = {""};
    ws::client run(sample_keys());
    CHECK(run.request({.host = ""}) == ws::errc::bad_host);
    CHECK(run.request({.host = "a b"}) == ws::errc::bad_host);
    CHECK(run.request({.host = "a\r\nX: y"}) == ws::errc::bad_host);
    CHECK(run.request({.host = "h", .target = "/#a"}) == ws::errc::bad_request_target);
    CHECK(run.request({.host = "h", .target = "a"}) == ws::errc::bad_request_target);
    CHECK(run.request({.host = "h", .target = "/a b"}) == http::errc::bad_target);
    CHECK(run.request({.host = "h", .target = "/\r\n"}) == http::errc::bad_target);
    CHECK(run.request({.host = "h", .subprotocols = twice}) == ws::errc::bad_subprotocol);
    CHECK(run.request({.host = "h", .subprotocols = no_token}) == ws::errc::bad_subprotocol);
    CHECK(run.request({.host = "h", .subprotocols = empty}) == ws::errc::bad_subprotocol);
    CHECK(run.request({.host = "h", .extensions = "a;"}) == ws::errc::bad_extensions);
    CHECK(run.request({.host = "h", .extensions = "a, permessage-deflate"}) == ws::errc::bad_deflate_offer);
    CHECK(run.request({.host = "h", .origin = "a\nb"}) == http::errc::bad_value);
    CHECK(run.request({.host = "h", .fields = split}) == http::errc::bad_value);
    CHECK(run.request({.host = "h", .fields = name}) == http::errc::bad_name);
    CHECK(run.request({.host = "h", .fields = reserved}) == ws::errc::reserved_field);
    CHECK(run.request({.host = "h", .fields = host}) == ws::errc::reserved_field);
    CHECK(run.output().empty());
    CHECK_FALSE(run.request({.host = "h", .target = "/chat"}));
    CHECK(text_of(run.output()) == asked());
}

TEST_CASE("H16: a 101 that is right opens the connection, and what follows it is decoded (H19)") {
    client run(asking());
    run.feed_copy(joined(upgrade_response("X: y\r\n"), frame(role::server, 0x81, "early"), frame(role::server, 0x89)));
    REQUIRE(run.log.size() == 3);
    CHECK(run.log[0] == "open  101; Upgrade=websocket; Connection=Upgrade; "
                        "Sec-WebSocket-Accept=s3pPLMBiTxaQ9kYGzzhZRbK+xOo=; X=y");
    CHECK(run.log[1] == "message text: early");
    CHECK(run.log[2] == "ping");
    CHECK(frames_in(behind_head(run.sent)).size() == 1);
}

TEST_CASE("H16 H3: HTTP/1.0 and folded lines in the server's answer change nothing, at every split") {
    const std::string early = "\x81\x02hi";
    const std::pair<std::string, std::string> cases[] = {
        {replaced("HTTP", "HTTP/1.0 101 Switching Protocols"), ""},
        {upgrade_response("Server: one\r\n two\r\n"), "; Server=one   two"},
        {replaced("Upgrade:", "Upgrade:\r\n\twebsocket"), ""},
    };
    for (const auto& entry : cases) {
        const std::string& response = entry.first;
        const std::string& more = entry.second;
        CAPTURE(response);
        const std::string stream = response + early;
        for_each_split(bytes_of(std::string_view(stream)), [&](const auto& feed_all) {
            client run(asking());
            feed_all([&](bytes piece) { run.feed(piece); });
            REQUIRE(run.log == lines{"open  101; Upgrade=websocket; Connection=Upgrade; "
                                     "Sec-WebSocket-Accept=s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" +
                                         more,
                                     "message text: hi"});
        });
    }
}

TEST_CASE("H18 H3: a refusal with a folded line, or of HTTP/1.0, is handed out with its status, at every split") {
    const std::string_view stream = "HTTP/1.0 401 Unauthorized\r\nX-Message: wrong password,\r\n  try again\r\n"
                                    "Content-Length: 0\r\n\r\n";
    for_each_split(bytes_of(stream), [&](const auto& feed_all) {
        client run(asking());
        feed_all([&](bytes piece) { run.feed(piece); });
        REQUIRE(run.log == lines{"refused 401 401; X-Message=wrong password,    try again; Content-Length=0",
                                 "closed 1006 unclean refused"});
    });
}

TEST_CASE("H16 H17 H2 H3: a 101 that is wrong fails, without a Close, and nothing more is read") {
    const std::string_view subprotocols[] = {"a", "b"};
    const std::string accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    struct {
        std::string response;
        const char* error;
    } const cases[] = {
        {replaced("Upgrade:", ""), "upgrade_not_confirmed"},
        {replaced("Upgrade:", "Upgrade: h2c"), "upgrade_not_confirmed"},
        {replaced("Upgrade:", "Upgrade: websocket, h2c"), "upgrade_not_confirmed"},
        {upgrade_response("Upgrade: websocket\r\n"), "upgrade_repeated"},
        {replaced("Connection:", ""), "connection_not_confirmed"},
        {replaced("Connection:", "Connection: close"), "connection_not_confirmed"},
        {replaced("Sec-WebSocket-Accept", ""), "accept_missing"},
        {upgrade_response(accept), "accept_missing"},
        {replaced("Sec-WebSocket-Accept", "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "accept_wrong"},
        {replaced("Sec-WebSocket-Accept", "Sec-WebSocket-Accept:"), "accept_wrong"},
        {replaced("HTTP", "HTTP/2.0 101 x"), "unsupported_version"},
        {upgrade_response("Sec-WebSocket-Protocol: c\r\n"), "subprotocol_not_offered"},
        {upgrade_response("Sec-WebSocket-Protocol: A\r\n"), "subprotocol_not_offered"},
        {upgrade_response("Sec-WebSocket-Protocol: a, b\r\n"), "bad_subprotocol"},
        {upgrade_response("Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: a\r\n"), "bad_subprotocol"},
        {upgrade_response("Sec-WebSocket-Protocol:\r\n"), "bad_subprotocol"},
        {upgrade_response("Sec-WebSocket-Extensions: x-two\r\n"), "extension_not_offered"},
        {upgrade_response("Sec-WebSocket-Extensions: x-one;\r\n"), "bad_extensions"},
        {upgrade_response("Sec-WebSocket-Extensions: ;\r\n"), "bad_extensions"},
        {upgrade_response("Sec-WebSocket-Extensions:\r\n"), "empty_extensions"},
        {upgrade_response("X: a\n"), "bare_lf"},
        {replaced("Upgrade:", "  folded\r\nUpgrade: websocket"), "space_before_fields"},
        {upgrade_response("X : a\r\n"), "space_in_name"},
        {"SSH-2.0-OpenSSH\r\n", "bad_version"},
        {"HTTP/1.1 1x1\r\n", "bad_status"},
    };
    for (const auto& each : cases) {
        CAPTURE(each.error);
        CAPTURE(each.response);
        client run(asking({}, {.host = "h", .target = "/chat", .subprotocols = subprotocols, .extensions = "x-one"}));
        run.drain();
        const buffer request = run.sent;
        run.feed_copy(joined(each.response, frame(role::server, 0x81, "late")));
        run.feed_text(upgrade_response());
        CHECK(run.log == lines{"closed 1006 unclean " + std::string(each.error)});
        CHECK(run.peer.error().name() == each.error);
        CHECK(run.left.empty());
        CHECK(run.complaint == "");
        CHECK(run.peer.done());
        CHECK(run.sent == request);
    }
}

namespace {

// The text with all lines ending in LF alone.
std::string with_bare_lf(std::string text) {
    for (std::size_t at; (at = text.find('\r')) != std::string::npos;) text.erase(at, 1);
    return text;
}

const ws::options showing{.show_faults = true};

void look(ws::client&, const ws::event&) {}

} // namespace

TEST_CASE("H2 H16 H17: a faulty 101 is shown if that is asked for, and can be accepted, wherever it is cut") {
    const std::string_view subprotocols[] = {"a", "b"};
    const ws::opening opening{.host = "h", .target = "/chat", .subprotocols = subprotocols, .extensions = "x"};
    struct {
        std::string response;
        error fault;
        std::string subprotocol = "";
    } const cases[] = {
        {upgrade_response("Upgrade: websocket\r\n"), ws::errc::upgrade_repeated},
        {upgrade_response("upgrade: WebSocket\r\nUpgrade: websocket\r\n"), ws::errc::upgrade_repeated},
        {replaced("Connection:", ""), ws::errc::connection_not_confirmed},
        {replaced("Connection:", "Connection: keep-alive"), ws::errc::connection_not_confirmed},
        {upgrade_response("Sec-WebSocket-Protocol: \r\n"), ws::errc::bad_subprotocol},
        {upgrade_response("Sec-WebSocket-Protocol: a, b\r\n"), ws::errc::bad_subprotocol},
        {upgrade_response("Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: c\r\n"), ws::errc::bad_subprotocol},
        {upgrade_response("Sec-WebSocket-Protocol: c\r\n"), ws::errc::subprotocol_not_offered, "c"},
        {upgrade_response("Sec-WebSocket-Extensions: \r\n"), ws::errc::empty_extensions},
        {upgrade_response("Sec-WebSocket-Extensions: x\r\nSec-WebSocket-Extensions: ,\r\n"),
         ws::errc::empty_extensions},
        {with_bare_lf(upgrade_response()), http::errc::bare_lf},
        {with_bare_lf(upgrade_response("Server: a\r\n b\r\n")), http::errc::bare_lf},
    };
    for (const auto& each : cases) {
        CAPTURE(each.response);
        const std::string name(each.fault.name());
        const buffer stream = joined(each.response, frame(role::server, 0x81, "hi"));
        for_each_split_near_lines(stream, [&](const auto& feed_all) {
            client run(asking(showing, opening), [&](ws::client& peer, const ws::event& event) {
                if (event.kind != ws::kind::open) return;
                CHECK(event.error == each.fault);
                CHECK_FALSE(peer.faults().other_than({each.fault}));
                CHECK(peer.subprotocol() == each.subprotocol);
                CHECK(peer.state() == ws::state::opening);
                CHECK(peer.send_text("x") == ws::errc::not_open);
                CHECK_FALSE(peer.accept());
                CHECK(peer.is_open());
                CHECK(peer.accept() == ws::errc::nothing_to_answer);
                CHECK(peer.refuse(each.fault) == ws::errc::nothing_to_answer);
            });
            feed_all([&](bytes piece) { run.feed(piece); });
            REQUIRE(run.log.size() == 2);
            REQUIRE(run.log[0].ends_with(" but " + name));
            REQUIRE(run.log[1] == "message text: hi");
            REQUIRE(run.complaint == "");
        });

        // Without the option it fails, as ever.
        client strict(asking({}, opening));
        strict.feed_copy(stream);
        CHECK(strict.log == lines{"closed 1006 unclean " + name});

        // With the option nothing is taken until the caller has decided, and it may refuse.
        client run(asking(showing, opening), look);
        run.feed_copy(stream);
        CHECK(run.log.size() == 1);
        CHECK(run.left == frame(role::server, 0x81, "hi"));
        CHECK(run.peer.state() == ws::state::opening);
        CHECK_FALSE(run.peer.done());
        CHECK(run.peer.response().status == 101);
        CHECK_FALSE(run.peer.refuse(each.fault));
        run.feed_text("");
        CHECK(run.log.back() == "closed 1006 unclean " + name);
        CHECK(run.peer.done());
        CHECK(run.peer.accept() == ws::errc::nothing_to_answer);

        // Or say nothing at all, until it is too late, or the server is gone.
        client late(asking({.handshake_timeout = 50, .show_faults = true}, opening), look);
        late.tick(1);
        late.feed_copy(stream);
        late.tick(51);
        CHECK(late.log.back() == "closed 1006 unclean handshake_timeout");
        client gone(asking(showing, opening), look);
        gone.feed_copy(stream);
        gone.finish();
        CHECK(gone.log.back() == "closed 1006 unclean end_of_input");
    }
}

TEST_CASE("H16 H17 H18: a rule that touches framing is kept also if faults are shown") {
    struct {
        std::string response;
        const char* error;
    } const cases[] = {
        {replaced("Upgrade:", ""), "upgrade_not_confirmed"},
        {upgrade_response("Upgrade: h2c\r\n"), "upgrade_not_confirmed"},
        {replaced("Sec-WebSocket-Accept", ""), "accept_missing"},
        {replaced("Sec-WebSocket-Accept", "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "accept_wrong"},
        {with_bare_lf(replaced("Sec-WebSocket-Accept", "")), "accept_missing"},
        {upgrade_response("Sec-WebSocket-Extensions: x-two\r\n"), "extension_not_offered"},
        {upgrade_response("Upgrade: websocket\r\nSec-WebSocket-Extensions: x-two\r\n"), "extension_not_offered"},
        {upgrade_response("Sec-WebSocket-Extensions: x;\r\n"), "bad_extensions"},
        {upgrade_response("X: a\n"), "bare_lf"},
        {replaced("HTTP", "HTTP/1.1 101 OK\nX: y"), "bare_lf"},
        {with_bare_lf("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"), "bare_lf"},
        {with_bare_lf("HTTP/1.1 100 Continue\r\n\r\n") + upgrade_response(), "bare_lf"},
        {upgrade_response("X : a\r\n"), "space_in_name"},
    };
    for (const auto& each : cases) {
        CAPTURE(each.response);
        for_each_split_near_lines(std::string_view(each.response), [&](const auto& feed_all) {
            client run(asking(showing, {.host = "h", .target = "/chat", .extensions = "x"}));
            feed_all([&](bytes piece) { run.feed(piece); });
            REQUIRE(run.log == lines{"closed 1006 unclean " + std::string(each.error)});
            REQUIRE(run.peer.done());
        });
    }
    client right(asking(showing));
    CHECK(right.peer.accept() == ws::errc::nothing_to_answer);
    CHECK(right.peer.refuse(ws::errc::refused) == ws::errc::nothing_to_answer);
    right.feed_text(upgrade_response());
    CHECK(right.peer.is_open());
    CHECK(right.peer.faults().empty());
    CHECK(right.log[0].find(" but ") == std::string::npos);
    client refused(asking(showing));
    refused.feed_text("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
    CHECK(refused.log == lines{"refused 403 403; Content-Length=0", "closed 1006 unclean refused"});
}

TEST_CASE("H17: a subprotocol and extensions that were offered may come back, or none") {
    const std::string_view subprotocols[] = {"v12.stomp", "v11.stomp", "chat"};
    for (const std::string chosen : {"v12.stomp", "v11.stomp", "chat", ""}) {
        client run(
            asking({}, {.host = "h", .target = "/chat", .subprotocols = subprotocols, .extensions = "x, x; y=1"}));
        const std::string more = chosen.empty() ? "" : "Sec-WebSocket-Protocol: " + chosen + "\r\n";
        run.feed_text(upgrade_response(more + "Sec-WebSocket-Extensions: x; y=\"1\"\r\n"));
        REQUIRE(run.peer.is_open());
        CHECK(run.log[0].substr(0, 10 + chosen.size()) == "open " + chosen + " 101;");
    }
    client not_asked(asking());
    not_asked.feed_text(upgrade_response("Sec-WebSocket-Protocol: chat\r\n"));
    CHECK(not_asked.log == lines{"closed 1006 unclean subprotocol_not_offered"});
}

TEST_CASE("H18: a bounded number of 1xx responses is skipped") {
    const std::string interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 7\r\n\r\n";
    std::string some;
    for (int i = 0; i != 8; ++i) some += i % 2 == 0 ? interim : "HTTP/1.1 100 Continue\r\n\r\n";
    for (const std::size_t read : {std::size_t{1}, std::size_t{50}, std::size_t{5000}}) {
        client run(asking());
        const std::string all = some + upgrade_response();
        for (std::size_t at = 0; at < all.size(); at += read) run.feed_text(std::string_view(all).substr(at, read));
        CHECK(run.peer.is_open());
        CHECK(run.log.size() == 1);

        client refused(asking());
        const std::string no = some + "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n";
        for (std::size_t at = 0; at < no.size(); at += read) refused.feed_text(std::string_view(no).substr(at, read));
        CHECK(refused.log == lines{"refused 403 403; Content-Length=0", "closed 1006 unclean refused"});

        client many(asking());
        const std::string more = some + interim + upgrade_response();
        for (std::size_t at = 0; at < more.size(); at += read) many.feed_text(std::string_view(more).substr(at, read));
        CHECK(many.log == lines{"closed 1006 unclean too_many_interim_responses"});
        CHECK(many.peer.done());
    }
}

TEST_CASE("H18: any other status is handed out with its fields and its body") {
    struct {
        std::string response;
        const char* refused;
        const char* body;
        const char* closed;
    } const cases[] = {
        {"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 5\r\n\r\nhello",
         "refused 401 401; WWW-Authenticate=Basic; Content-Length=5", "body: hello", "closed 1006 unclean refused"},
        {"HTTP/1.1 302 Found\r\nLocation: /b\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: "
         "u\r\n\r\n",
         "refused 302 302; Location=/b; Transfer-Encoding=chunked", "body: abcde", "closed 1006 unclean refused"},
        {"HTTP/1.1 302 Found\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nT: u\r\n v\r\n\r\n",
         "refused 302 302; Transfer-Encoding=chunked", "body: a", "closed 1006 unclean refused"},
        {"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
         "refused 503 503; Retry-After=1; Content-Length=0", "", "closed 1006 unclean refused"},
        {"HTTP/1.1 204 No Content\r\n\r\n", "refused 204 204", "", "closed 1006 unclean refused"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "refused 200 200; Content-Length=2", "body: ok",
         "closed 1006 unclean refused"},
        {"HTTP/1.0 500 Oh\r\n\r\nall there is", "refused 500 500", "body: all there is", nullptr},
        {"HTTP/1.1 404 No\r\nContent-Length: 9\r\n\r\nhal", "refused 404 404; Content-Length=9", "body: hal", nullptr},
        {"HTTP/1.1 404 No\r\nContent-Length: 21\r\n\r\n" + std::string(21, 'x'), "refused 404 404; Content-Length=21",
         "", "closed 1006 unclean body_too_large"},
        {"HTTP/1.1 404 No\r\n\r\n" + std::string(21, 'x'), "refused 404 404", "body: xxxxxxxxxxxxxxxxxxxx",
         "closed 1006 unclean body_too_large"},
        {"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\nB\r\n01234567890\r\n0\r\n\r\n",
         "refused 404 404; Transfer-Encoding=chunked", "body: 0123456789", "closed 1006 unclean body_too_large"},
        {"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
         "refused 404 404; Transfer-Encoding=chunked", "body: ab", "closed 1006 unclean bad_chunk_end"},
        {"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\nx",
         "refused 404 404; Transfer-Encoding=chunked; Content-Length=1", "", "closed 1006 unclean ambiguous_length"},
    };
    for (const auto& each : cases) {
        CAPTURE(each.response);
        const ws::options how{.head = {.body = 20}};
        lines expected{each.refused};
        if (*each.body != '\0') expected.emplace_back(each.body);
        for_each_split(bytes_of(std::string_view(each.response)), [&](const auto& feed_all) {
            client run(asking(how));
            run.drain();
            const buffer request = run.sent;
            feed_all([&](bytes piece) { run.feed(piece); });
            lines all = expected;
            if (each.closed != nullptr) all.emplace_back(each.closed);
            REQUIRE(run.log == all);
            CHECK(run.peer.done() == (each.closed != nullptr));
            CHECK(run.complaint == "");
            CHECK_FALSE(run.peer.is_open());
            CHECK(run.peer.send_text("x") == ws::errc::not_open);
            if (each.closed != nullptr) {
                run.feed_text("HTTP/1.1 101 late");
                CHECK(run.left.empty());
            }
            run.finish();
            CHECK(run.log.size() == all.size() + (each.closed == nullptr ? 1 : 0));
            CHECK(run.complaint == "");
            CHECK(run.sent == request);
        });
    }
}

TEST_CASE("H18 C8: the end of the connection ends a body without a length, and cuts any other short") {
    const auto end_of = [](std::string_view response) {
        client run(asking());
        run.feed_text(response);
        run.finish();
        CHECK(run.peer.done());
        return run.log.back();
    };
    CHECK(end_of("HTTP/1.1 500 Oh\r\n\r\nall") == "closed 1006 unclean refused");
    CHECK(end_of("HTTP/1.1 500 Oh\r\n\r\n") == "closed 1006 unclean refused");
    CHECK(end_of("HTTP/1.1 500 Oh\r\nContent-Length: 3\r\n\r\nab") == "closed 1006 unclean end_of_input");
    CHECK(end_of("HTTP/1.1 500 Oh\r\nContent-Length: 3\r\n\r\n") == "closed 1006 unclean end_of_input");
    CHECK(end_of("HTTP/1.1 500 Oh\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n") ==
          "closed 1006 unclean end_of_input");
    CHECK(end_of("HTTP/1.1 500 Oh\r\n") == "closed 1006 unclean end_of_input");
    CHECK(end_of("HTTP/1.1 100 Continue\r\n\r\n") == "closed 1006 unclean end_of_input");
}

TEST_CASE("H18 C8: the connection may end before anything of the body of a refusal was asked for") {
    const auto end_of = [](std::string_view response) {
        ws::client peer = asking();
        buffer head = bytes_from(response);
        bytes in(head);
        CHECK(peer.next(in).kind == ws::kind::refused);
        const ws::event end = peer.finish();
        CHECK(end.kind == ws::kind::closed);
        CHECK(peer.response().fields.empty());
        return end.error;
    };
    CHECK(end_of("HTTP/1.1 500 Oh\r\n\r\n") == ws::errc::refused);
    CHECK(end_of("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n") == ws::errc::refused);
    CHECK(end_of("HTTP/1.1 500 Oh\r\nContent-Length: 3\r\n\r\n") == ws::errc::end_of_input);
}

TEST_CASE("H18: a refusal that never ends has the deadline of the handshake") {
    client run(asking({.handshake_timeout = 100}));
    run.tick(1);
    run.feed_text("HTTP/1.1 500 Oh\r\n\r\nand so");
    run.tick(100);
    run.feed_text(" on");
    CHECK(run.log == lines{"refused 500 500", "body: and so on"});
    run.tick(101);
    CHECK(run.log.back() == "closed 1006 unclean handshake_timeout");
    CHECK(run.peer.done());
}

TEST_CASE("H16: the answer is judged by the request, however much of that was sent") {
    const std::string request = asked();
    for (std::size_t sent = 0; sent <= request.size(); ++sent) {
        CAPTURE(sent);
        client run(asking());
        run.drains = false;
        for (std::size_t i = 0; i != sent; ++i) REQUIRE(run.drain(1) == 1);
        CHECK(text_of(run.peer.output()) == request.substr(sent));
        run.feed_text(upgrade_response());
        REQUIRE(run.log.size() == 1);
        REQUIRE(run.peer.is_open());
        REQUIRE_FALSE(run.peer.send_text("first"));
        run.drain();
        REQUIRE(text_of(run.sent).substr(0, request.size()) == request);
        const auto frames = frames_in(cbytes(run.sent).subspan(request.size()));
        REQUIRE(frames.size() == 1);
        CHECK(frames[0].text() == "first");
    }
}

TEST_CASE("H16: the size of the request does not matter") {
    std::vector<field> fields(150, field{"X-Field", "value"});
    const std::string token(20'000, 't');
    fields.push_back({"Authorization", token});
    client run(asking({.head = {.start_line = 100, .field_line = 100, .fields = 5, .head = 500}},
                      {.host = "h", .target = "/", .fields = fields}));
    run.feed_text(upgrade_response());
    CHECK(run.peer.is_open());
    CHECK(run.peer.error() == error{});
}

TEST_CASE("H20: a response that is too large fails, in bounded memory") {
    struct {
        const char* error;
        std::string begin;
        std::string repeated;
        std::size_t times;
    } const cases[] = {
        {"start_line_too_long", "HTTP/1.1 101 ", "a", 1'000'000},
        {"field_line_too_long", "HTTP/1.1 101 x\r\nX: ", "a", 1'000'000},
        {"too_many_fields", "HTTP/1.1 101 x\r\n", "X: y\r\n", 10'000},
        {"head_too_large", "HTTP/1.1 101 x\r\n", "X: " + std::string(4000, 'y') + "\r\n", 1'000},
        {"body_too_large", "HTTP/1.1 500 x\r\n\r\n", "body", 1'000'000},
        {"too_many_interim_responses", "", "HTTP/1.1 100 x\r\nX: y\r\n\r\n", 10'000},
    };
    for (const auto& each : cases) {
        CAPTURE(each.error);
        for (const std::size_t read : {std::size_t{1}, std::size_t{1460}}) {
            std::string input = each.begin;
            for (std::size_t i = 0; i != each.times; ++i) input += each.repeated;
            ws::client peer = asking();
            const std::size_t before = allocations();
            ws::event last{};
            std::size_t not_taken = 0;
            for (std::size_t at = 0; at < input.size();) {
                const std::size_t size = input.size() - at < read ? input.size() - at : read;
                bytes in = bytes_of(input.data() + at, size);
                while (const ws::event event = peer.next(in)) last = event;
                not_taken += in.size();
                at += size;
            }
            CHECK(allocations() - before <= 8);
            CHECK(not_taken == 0);
            REQUIRE(last.kind == ws::kind::closed);
            CHECK(last.error.name() == each.error);
        }
    }
}

TEST_CASE("H20 F12: heads in single bytes open the connection as one read does") {
    std::string more;
    for (int i = 0; i != 90; ++i) more += "X: " + std::string(300, 'y') + "\r\n";
    client whole(asking());
    whole.feed_text(upgrade_response(more));
    client bytewise(asking());
    for (const char c : upgrade_response(more)) bytewise.feed_text({&c, 1});
    CHECK(whole.peer.is_open());
    CHECK(whole.log == bytewise.log);
}

TEST_CASE("H15 F5: nonce and masking keys come from the seed, and differ where it does") {
    struct talk {
        std::string key;
        std::vector<std::uint32_t> masks{};
    };
    const auto talk_of = [](unsigned number) {
        ws::client peer{ws::entropy(seed_of(number))};
        REQUIRE_FALSE(peer.request({.host = "h"}));
        talk out{.key = head_in(peer.output())["Sec-WebSocket-Key"]};
        const auto accept = ws::accept_key(out.key);
        client run(std::move(peer));
        run.feed_text(
            replaced("Sec-WebSocket-Accept", "Sec-WebSocket-Accept: " + std::string(accept.data(), accept.size())));
        REQUIRE(run.peer.is_open());
        static_cast<void>(run.take_sent());
        for (int i = 0; i != 500; ++i) {
            REQUIRE_FALSE(run.peer.send_text("the same"));
            REQUIRE_FALSE(run.peer.ping());
        }
        REQUIRE_FALSE(run.peer.close());
        for (const seen_frame& each : frames_in(run.take_sent())) {
            CHECK(each.masked);
            out.masks.push_back(each.key);
        }
        return out;
    };
    const talk one = talk_of(1);
    const talk same = talk_of(1);
    const talk other = talk_of(2);
    CHECK(one.masks.size() == 1001);
    CHECK(one.key == same.key);
    CHECK(one.masks == same.masks);
    CHECK(one.key != other.key);

    // No key twice, none shared, and no bit that stands still: 1001 fair coins land within 400 and 600.
    std::set<std::uint32_t> all(one.masks.begin(), one.masks.end());
    all.insert(other.masks.begin(), other.masks.end());
    CHECK(all.size() == 2002);
    for (unsigned bit = 0; bit != 32; ++bit) {
        const auto ones = std::count_if(one.masks.begin(), one.masks.end(),
                                        [bit](std::uint32_t key) { return (key >> bit & 1U) != 0; });
        CHECK(ones > 400);
        CHECK(ones < 600);
    }
}

TEST_CASE("F5 H15: nonce and masking keys can come from a function of the caller's") {
    struct source {
        std::vector<std::size_t> asked{};
        unsigned next = 1;
        static bool give(void* context, bytes out) {
            auto& self = *static_cast<source*>(context);
            self.asked.push_back(out.size());
            for (std::byte& octet : out) octet = static_cast<std::byte>(self.next);
            ++self.next;
            return true;
        }
    } from;
    ws::client peer{ws::entropy(source::give, &from)};
    REQUIRE_FALSE(peer.request({.host = "h"}));
    CHECK(from.asked == std::vector<std::size_t>{16});
    const std::string key = head_in(peer.output())["Sec-WebSocket-Key"];
    CHECK(key == "AQEBAQEBAQEBAQEBAQEBAQ==");
    client run(std::move(peer));
    const auto accept = ws::accept_key(key);
    run.feed_text(
        replaced("Sec-WebSocket-Accept", "Sec-WebSocket-Accept: " + std::string(accept.data(), accept.size())));
    static_cast<void>(run.take_sent());
    REQUIRE_FALSE(run.peer.send_text("a"));
    REQUIRE_FALSE(run.peer.send_text("b"));
    const auto frames = frames_in(run.take_sent());
    REQUIRE(frames.size() == 2);
    CHECK(frames[0].key == 0x02020202);
    CHECK(frames[1].key == 0x03030303);
    CHECK(from.asked == std::vector<std::size_t>{16, 4, 4});
}

namespace {

// Gives keys as long as it works.
struct failing_source {
    bool works = true;
    std::size_t left = SIZE_MAX; // the calls that still work

    [[nodiscard]] ws::entropy keys() {
        return ws::entropy(
            [](void* context, bytes out) {
                auto& self = *static_cast<failing_source*>(context);
                if (!self.works || self.left == 0) return false;
                --self.left;
                for (std::byte& octet : out) octet = std::byte{0x5A};
                return true;
            },
            this);
    }
};

// What the frames of an open client say, unmasked.
template <class Peer>
lines texts_sent(Peer& peer) {
    lines out;
    const buffer sent(peer.output().begin(), peer.output().end());
    for (const seen_frame& each : frames_in(sent)) out.push_back(std::string(each.text()));
    peer.sent(sent.size());
    return out;
}

} // namespace

TEST_CASE("F5 H15: a client without entropy asks for nothing and sends nothing") {
    ws::entropy source(seed_of(1));
    const ws::entropy taken(std::move(source));
    ws::client peers[] = {ws::client(ws::entropy()), ws::client(std::move(source)),
                          ws::client(ws::entropy(ws::entropy::seed{})),
                          ws::client(ws::entropy(ws::entropy::function{}))};
    for (ws::client& peer : peers) {
        for (int i = 0; i != 2; ++i) CHECK(peer.request({.host = "h"}) == ws::errc::no_entropy);
        CHECK(peer.output().empty());
        CHECK(peer.state() == ws::state::opening);
        CHECK_FALSE(peer.done());
    }
    ws::client open(ws::already_open{}, ws::entropy());
    CHECK(open.send_text("a") == ws::errc::no_entropy);
    CHECK(open.output().empty());
    CHECK(open.tick(0).kind == ws::kind::need_input);
    open.shut_down();
    CHECK(open.output().empty());
}

TEST_CASE("F5 H15: a request can be made again when there is entropy") {
    failing_source source{.works = false};
    ws::client peer(source.keys());
    CHECK(peer.request({.host = "h"}) == ws::errc::no_entropy);
    source.works = true;
    CHECK_FALSE(peer.request({.host = "h"}));
    CHECK(head_in(peer.output())["Sec-WebSocket-Key"] == "WlpaWlpaWlpaWlpaWlpaWg==");
}

TEST_CASE("F5: without a masking key a send is refused as a whole, and can be done again") {
    failing_source source;
    ws::client peer(ws::already_open{}, source.keys());
    const auto hello = [](bytes out) -> written {
        if (out.size() < 5) return {5, ws::errc::no_room};
        std::memcpy(out.data(), "hello", 5);
        return {5, {}};
    };
    for (const bool works : {false, true, false, true}) {
        source.works = works;
        const error expected = works ? ws::errc::none : ws::errc::no_entropy;
        CHECK(peer.send_text("a") == expected);
        CHECK(peer.send_binary(std::string_view("b")) == expected);
        CHECK(peer.send_piece(ws::message_type::text, std::string_view("\xC3"), false) == expected);
        CHECK(peer.send_piece(ws::message_type::text, std::string_view("\xA4"), true) ==
              (works ? error{} : ws::errc::payload_not_utf8));
        CHECK(peer.send_written(hello) == expected);
        CHECK(peer.ping(std::string_view("p")) == expected);
        CHECK(peer.pong(std::string_view("q")) == expected);
        CHECK(texts_sent(peer) == (works ? lines{"a", "b", "\xC3", "\xA4", "hello", "p", "q"} : lines{}));
    }
    source.works = false;
    CHECK(peer.close() == ws::errc::no_entropy);
    CHECK(peer.is_open());
    source.works = true;
    CHECK_FALSE(peer.close());
    CHECK(peer.state() == ws::state::closing);
}

TEST_CASE("F5: a message that is cut into several is refused as a whole, if there is no key for one of them") {
    failing_source source;
    ws::client peer(ws::already_open{}, source.keys());
    const auto hello = [](bytes out) -> written {
        if (out.size() < 10) return {10, ws::errc::no_room};
        std::memcpy(out.data(), "hellohello", 10);
        return {10, {}};
    };
    for (std::size_t keys = 0; keys != 3; ++keys) {
        source.left = keys;
        CHECK(peer.send_written(hello, {.most = 4}) == ws::errc::no_entropy);
        CHECK(peer.output().empty());
    }
    source.left = 3;
    CHECK_FALSE(peer.send_written(hello, {.most = 4}));
    CHECK(texts_sent(peer) == lines{"hell", "ohel", "lo"});
}

TEST_CASE("F5 F10 C7: a client that must send by itself fails without entropy") {
    failing_source source;
    for (const bool whole : {true, false}) {
        source.works = true;
        ws::client pinged(ws::already_open{}, source.keys(), {.whole_messages = whole});
        CHECK_FALSE(pinged.send_text("a"));
        source.works = false;
        buffer input = frame(role::server, 0x89, "p");
        bytes in(input);
        ws::event event = pinged.next(in);
        CHECK(event.kind == ws::kind::closed);
        CHECK(event.error == ws::errc::no_entropy);
        CHECK_FALSE(event.clean);
        CHECK(texts_sent(pinged) == lines{"a"});
        CHECK(pinged.done());
    }

    source.works = true;
    ws::client silent(ws::already_open{}, source.keys(), {.ping_interval = 100});
    CHECK_FALSE(silent.tick(0));
    source.works = false;
    const ws::event event = silent.tick(100);
    CHECK(event.kind == ws::kind::closed);
    CHECK(event.error == ws::errc::no_entropy);
    CHECK(silent.output().empty());

    // The server's Close has no answer then.
    source.works = true;
    ws::client closing(ws::already_open{}, source.keys());
    source.works = false;
    buffer input = frame(role::server, 0x88, "\x03\xE8");
    bytes in(input);
    const ws::event closed = closing.next(in);
    CHECK(closed.kind == ws::kind::closed);
    CHECK(closed.error == ws::errc::no_entropy);
    CHECK_FALSE(closed.clean);
    CHECK(closing.output().empty());
}

TEST_CASE("a request that does not fit is not begun") {
    std::array<std::byte, 512> input{};
    const std::size_t fits = asked().size();
    for (std::size_t size = 0; size != 400; ++size) {
        CAPTURE(size);
        buffer memory(size + 16, std::byte{0xA5});
        using small = ws::basic_client<span_buffer<std::byte>>;
        small peer(sample_keys(), span_buffer(bytes(input)), span_buffer(bytes(memory).first(size)));
        const error refused = peer.request({.host = "h", .target = "/chat"});
        if (refused) CHECK(refused == ws::errc::no_room);
        if (size < fits) CHECK(refused);
        CHECK(text_of(peer.output()) == (refused ? "" : asked()));
        for (std::size_t i = size; i != memory.size(); ++i) REQUIRE(memory[i] == std::byte{0xA5});
    }
}

TEST_CASE("H18: the body of a refusal is read by its head when the input that held that is long gone") {
    ws::client peer(ws::entropy(seed_of(1)));
    REQUIRE_FALSE(peer.request({.host = "h"}));
    buffer head = bytes_from("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nX-Why: no\r\n\r\n");
    bytes in(head);
    CHECK(peer.next(in).kind == ws::kind::refused);
    for (std::byte& octet : head) octet = std::byte{'?'};
    CHECK(http::first(peer.response().fields, "X-Why") == "no");
    buffer body = bytes_from("ok and more");
    in = body;
    const ws::event piece = peer.next(in);
    CHECK(piece.kind == ws::kind::body);
    CHECK(piece.text() == "ok");
    CHECK(peer.next(in).error == ws::errc::refused);
}

TEST_CASE("F5 F10: a client that owes a Pong and gets no more masking keys ends when the Pong could leave") {
    struct source {
        bool works = true;
        static bool give(void* context, bytes out) {
            for (std::byte& octet : out) octet = std::byte{0x5A};
            return static_cast<source*>(context)->works;
        }
    } keys;
    ws::client peer(ws::already_open{}, ws::entropy(source::give, &keys));
    for (int i = 0; i != 60; ++i) {
        buffer ping = frame(role::server, 0x89, std::string(125, 'x'));
        bytes in(ping);
        REQUIRE(peer.next(in).kind == ws::kind::ping);
    }
    keys.works = false;
    while (!peer.output().empty()) peer.sent(peer.output().size());
    CHECK_FALSE(peer.is_open());
    bytes none{};
    const ws::event end = peer.next(none);
    CHECK(end.kind == ws::kind::closed);
    CHECK(end.error == ws::errc::no_entropy);
    CHECK(peer.done());
}
