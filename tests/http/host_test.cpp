#include <sockless/http/host.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace sockless;

static_assert(http::is_host("a.example:80") && http::is_host("[::1]:443") && http::is_host("%C3%BC"));
static_assert(!http::is_host("") && !http::is_host("[:]") && !http::is_host("a:65536") && !http::is_host("%zz"));

TEST_CASE("H4: names, with octets in hexadecimal digits, and addresses, each with and without a port") {
    for (const std::string_view good :
         {"a", "server.example.com", "server.example.com:8080", "127.0.0.1", "127.0.0.1:80", "a_b", "a:", "%41",
          "a%41b%c3%BC", "%41:80", "xn--bcher-kva.example", "1.2.3.256",
          "a-name-of-more-than-sixteen-characters!$&'()*+,;=~"}) {
        CHECK_MESSAGE(http::is_host(good), good);
    }
    for (const std::string_view bad : {"",
                                       ":80",
                                       "a b",
                                       "a/b",
                                       "a:80x",
                                       "a:80:80",
                                       "user@a",
                                       "a?b",
                                       "a#b",
                                       "a\tb",
                                       "http://a",
                                       "b\xc3\xbc"
                                       "cher",
                                       "%",
                                       "%4",
                                       "a%",
                                       "a%4",
                                       "%zz",
                                       "%4z",
                                       "%z4",
                                       "a%41%",
                                       "a%41b%4",
                                       "%:80",
                                       "a[",
                                       "a[::1]",
                                       "%41[::1]"}) {
        CHECK_MESSAGE(!http::is_host(bad), bad);
    }
}

TEST_CASE("H4: a port is a decimal number up to 65535") {
    for (const std::string_view good : {"", "0", "1", "65535", "00080", "0000000000000000000065535"}) {
        CHECK_MESSAGE(http::is_host("a:" + std::string(good)), good);
        CHECK_MESSAGE(http::is_host("[::1]:" + std::string(good)), good);
    }
    for (const std::string_view bad :
         {"65536", "65540", "99999999", "4294967296", "18446744073709551616", "-1", "+1", " 1", "1 ", "0x1", "a"}) {
        CHECK_MESSAGE(!http::is_host("a:" + std::string(bad)), bad);
        CHECK_MESSAGE(!http::is_host("[::1]:" + std::string(bad)), bad);
    }
}

TEST_CASE("H4: in brackets stands an address of IPv6 or a later version, and of nothing else") {
    for (const std::string_view good :
         {"::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3::5:6:7:8", "1::8",
          "2001:db8::7", "fd00:10::1", "FFFF:ffff::0123", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "::1.2.3.4",
          "64:ff9b::192.0.2.255", "v1.a:b", "V1F.x", "vA.!$&'()*+,;=~-._:"}) {
        CHECK_MESSAGE(http::is_host("[" + std::string(good) + "]"), good);
        CHECK_MESSAGE(!http::is_host(std::string(good) + "]"), good);
    }
    for (const std::string_view bad : {"",
                                       ":",
                                       ":::",
                                       "1",
                                       "1:2",
                                       "1:2:3:4:5:6:7",
                                       "1:2:3:4:5:6:7:8:9",
                                       "1:2:3:4:5:6:7:8::",
                                       "::1:2:3:4:5:6:7:8",
                                       "1:2:3:4::5:6:7:8",
                                       "1::2::3",
                                       "::1::",
                                       "1:::2",
                                       ":1::",
                                       "::1:",
                                       "1:2:3:4:5:6:7:",
                                       ":2:3:4:5:6:7:8",
                                       "12345::",
                                       "g::",
                                       "::g",
                                       "1.2.3.4",
                                       "::1.2.3",
                                       "::1.2.3.4.5",
                                       "::1.2.3.256",
                                       "::1.2.3.04",
                                       "::1.2.3.",
                                       "::1..2.3",
                                       "::.1.2.3",
                                       "::1.2.3.4:5",
                                       "::1.2:3.4",
                                       "::1.2.3/4",
                                       "1.2.3.4::",
                                       "::a.2.3.4",
                                       "1:2:3:4:5:6:7:1.2.3.4",
                                       "1:2:3:4:5:1.2.3.4",
                                       "::1%25eth0",
                                       "fe80::1%eth0",
                                       "v.a",
                                       "v1",
                                       "v1.",
                                       "vg.a",
                                       "v1.a/b",
                                       "v1.%41",
                                       "g/",
                                       "a",
                                       " ::1",
                                       "::1 "}) {
        CHECK_MESSAGE(!http::is_host("[" + std::string(bad) + "]"), bad);
    }
    for (const std::string_view bad :
         {"::1", "fd00:10::1:8081", "[::1", "[::1]x", "[::1]:x", "[::1]]", "[[::1]]", "[]", "["}) {
        CHECK_MESSAGE(!http::is_host(bad), bad);
    }
}
