// URLs of WebSockets, and what a client makes of them.
// SPDX-License-Identifier: MIT
#include <sockless/ws/opening/write.hpp>
#include <sockless/ws/url.hpp>

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace sockless;
using ws::errc;

namespace {

static_assert(ws::parse_url("wss://a:8443/b?c").port == 8443);

// The parts in the order of the URL, with what is not there left out.
std::string parts_of(std::string_view text) {
    const ws::url found = ws::parse_url(text);
    if (found.error) return std::string(found.error.name());
    std::string all = found.secure ? "tls " : "tcp ";
    if (!found.userinfo.empty()) all += std::string(found.userinfo) + " at ";
    all += found.host;
    if (!found.zone.empty()) all += " zone " + std::string(found.zone);
    all +=
        " port " + std::to_string(found.port) + ", " + std::string(found.authority) + ", " + std::string(found.target);
    return all;
}

std::string credentials_for(std::string_view userinfo) {
    char room[100];
    return std::string(ws::write_basic_credentials(room, userinfo));
}

} // namespace

TEST_CASE("H15: a URL says where to connect, and what to ask for") {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"ws://example.com", "tcp example.com port 80, example.com, /"},
        {"wss://example.com/", "tls example.com port 443, example.com, /"},
        {"WSS://Example.com:443/chat?room=7", "tls Example.com port 443, Example.com, /chat?room=7"},
        {"ws://example.com:443/", "tcp example.com port 443, example.com:443, /"},
        {"http://a:80?x=/y@z", "tcp a port 80, a, ?x=/y@z"},
        {"https://a:/b", "tls a port 443, a, /b"},
        {"ws://127.0.0.1:9001/%7Eme", "tcp 127.0.0.1 port 9001, 127.0.0.1:9001, /%7Eme"},
        {"ws://[::1]/", "tcp ::1 port 80, [::1], /"},
        {"wss://[2001:db8::7]:8443/x", "tls 2001:db8::7 port 8443, [2001:db8::7]:8443, /x"},
        {"ws://[fe80::1%25eth0]:9001/", "tcp fe80::1 zone eth0 port 9001, , /"},
        {"ws://[fe80::1%en1]/", "tcp fe80::1 zone en1 port 80, , /"},
        {"ws://me:secret@a/", "tcp me:secret at a port 80, a, /"},
        {"ws://me@here:p@a:81/", "tcp me@here:p at a port 81, a:81, /"},
        {"ws://a%2Eb/", "tcp a%2Eb port 80, a%2Eb, /"},
        {"ws://a:065535/", "tcp a port 65535, a:065535, /"},
    };
    for (const auto& each : cases) {
        CAPTURE(each.first);
        CHECK(parts_of(each.first) == each.second);
    }
}

TEST_CASE("H15: a URL that is none, or none of a WebSocket, says what is wrong") {
    const std::pair<errc, std::vector<std::string_view>> cases[] = {
        {errc::bad_scheme,
         {"", "example.com", "//example.com", "ws:example.com", "ws:/a", "wss", "ftp://a/", "file:///a", " ws://a/",
          "ws//a", "wsss://a/"}},
        {errc::bad_host,
         {
             "ws://",
             "ws:///x",
             "ws://?x",
             "ws://:80/",
             "ws://a b/",
             "ws://a:b/",
             "ws://a:65536/",
             "ws://a:0/",
             "ws://a:-1/",
             "ws://[::1/",
             "ws://[::1]x/",
             "ws://[]/",
             "ws://[1.2.3.4]/",
             "ws://[fe80::1%]/",
             "ws://[fe80::1%25]/",
             "ws://[fe80::1%a/b]/",
             "ws://::1/",
             "ws://fd00:10::1:8081/",
             "ws://user@/",
             "ws://a\\@b/",
             "ws://a b@c/",
             "ws://a\n@b/",
             "ws://\xC3\xBC@a/",
             "ws://a\\b/",
             "ws://b\xC3\xBC"
             "cher/",
             "ws://%zz/",
         }},
        {errc::bad_request_target,
         {"ws://a/#", "ws://a#x", "ws://a/b#c", "ws://a/b c", "ws://a/\xC3\xBC", "ws://a/\n", "ws://a?b#c"}},
    };
    for (const auto& [error, texts] : cases) {
        for (const std::string_view text : texts) {
            CAPTURE(text);
            const ws::url found = ws::parse_url(text);
            CHECK(found.error == error);
            CHECK(found.host.empty());
            CHECK(found.target.empty());
        }
    }
}

TEST_CASE("H15: a URL's parts make a request") {
    std::byte room[400];
    const std::array<char, 24> key = {'d', 'G', 'h', 'l', 'I', 'H', 'N', 'h', 'b', 'X', 'B', 's',
                                      'Z', 'S', 'B', 'u', 'b', '2', '5', 'j', 'Z', 'Q', '=', '='};
    const auto request_for = [&](std::string_view text) {
        const ws::url to = ws::parse_url(text);
        char host[100];
        const std::string_view named =
            to.authority.empty() ? ws::write_host(host, to.host, to.port, to.secure) : to.authority;
        const written made = ws::write_request(room, key, {.host = named, .target = to.target});
        CHECK_FALSE(made.error);
        const std::string_view head = text_of(cbytes(room).first(made.size));
        return std::string(head.substr(0, head.find("\r\nUpgrade")));
    };
    CHECK(request_for("ws://example.com:9001/chat?x") == "GET /chat?x HTTP/1.1\r\nHost: example.com:9001");
    CHECK(request_for("wss://example.com?x") == "GET /?x HTTP/1.1\r\nHost: example.com");
    CHECK(request_for("wss://[fe80::1%25eth0]:444") == "GET / HTTP/1.1\r\nHost: [fe80::1]:444");
}

TEST_CASE("the userinfo of a URL makes the value of Authorization") {
    CHECK(credentials_for("Aladdin:open%20sesame") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="); // RFC 7617 section 2
    CHECK(credentials_for("test:123%C2%A3") == "Basic dGVzdDoxMjPCow==");                    // section 2.1
    CHECK(credentials_for("me") == "Basic bWU6");
    CHECK(credentials_for("a:") == "Basic YTo=");
    CHECK(credentials_for(":b") == "Basic OmI=");
    CHECK(credentials_for("a:b:c") == "Basic YTpiOmM=");
    CHECK(credentials_for("a:b%3Ac") == "Basic YTpiOmM=");
    for (const std::string_view wrong : {"", "a%", "a%4", "a%zz", "a%00", "a%0D%0Ab:c", "a%7F", "a%3Ab:c"}) {
        CAPTURE(wrong);
        CHECK(credentials_for(wrong).empty());
    }
    char room[9];
    CHECK(ws::write_basic_credentials(room, "me").empty()); // one too few
    char exact[10];
    CHECK(ws::write_basic_credentials(exact, "me") == "Basic bWU6");
}
