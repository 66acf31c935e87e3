#include <sockless/http/text.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "../support/split.hpp"

using namespace sockless;
using namespace sockless::test;

namespace {

static_assert(http::is_token("GET") && http::is_token("!#$%&'*+-.^_`|~") && http::is_token("v12.stomp"));
static_assert(!http::is_token("") && !http::is_token("a b") && !http::is_token("a,b") && !http::is_token("\"a\""));
static_assert(http::is_field_value("") && http::is_field_value("a\tb \xff") && !http::is_field_value("a\nb"));
static_assert(http::is_target("/chat?a=b|c") && !http::is_target("") && !http::is_target("/a b") &&
              !http::is_target("/\x80"));
static_assert(http::equal_ignoring_case("Sec-WebSocket-Key", "sec-websocket-KEY"));

// The words of the specifications, written down a second time: RFC 9110 sections 5.5 and 5.6.2.
bool is_tchar(unsigned c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != 0 && std::string("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string::npos);
}
bool is_value_char(unsigned c) { return c == '\t' || (c >= 0x20 && c != 0x7f); }

} // namespace

TEST_CASE("H3: which characters make tokens, values and targets") {
    for (unsigned c = 0; c != 256; ++c) {
        const std::string text(1, static_cast<char>(c));
        CHECK(http::is_token(text) == is_tchar(c));
        CHECK(http::is_field_value(text) == is_value_char(c));
        CHECK(http::is_target(text) == (c > 0x20 && c < 0x7f));
    }
}

TEST_CASE("H3: blocks of characters are judged like single ones") {
    // Every character at every place of texts up to some blocks long, between unreadable pages.
    guarded_memory memory(64);
    for (std::size_t size = 0; size != 40; ++size) {
        for (std::size_t place = 0; place <= size; ++place) {
            for (unsigned c = 0; c != 256; ++c) {
                std::string text(size, 'x');
                if (place != size) text[place] = static_cast<char>(c);
                const bytes copy = memory.copy_of(bytes_of(std::string_view(text)), c % 2 == 0);
                const char* const begin = text_of(copy).data();
                const char* const end = begin + size;
                const auto expected = [&](bool in_class) { return begin + (in_class || place == size ? size : place); };
                REQUIRE(sockless::http::detail::skip_value(begin, end) == expected(is_value_char(c)));
                REQUIRE(sockless::http::detail::skip_token(begin, end) == expected(is_tchar(c)));
                REQUIRE(sockless::http::detail::skip_target(begin, end) == expected(c > 0x20 && c < 0x7f));
                REQUIRE(sockless::detail::find(static_cast<char>(c), begin, end) == (c == 'x' ? begin : begin + place));
            }
        }
    }
}

TEST_CASE("H3: several characters of a block that stop the search are told apart by the first") {
    const std::string text = "0123456789\t\tabc\x01\x7f\x01"
                             "defghijklmn\x7f";
    const char* const end = text.data() + text.size();
    for (std::size_t before = 0; before != 15; ++before) {
        CHECK(sockless::http::detail::skip_value(text.data() + before, end) == text.data() + 15);
    }
}

TEST_CASE("H5: the case of ASCII letters, and of nothing else, is ignored") {
    for (unsigned a = 0; a != 256; ++a) {
        for (unsigned b = 0; b != 256; ++b) {
            const auto lower = [](unsigned c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; };
            for (const std::size_t before : {0u, 3u, 6u, 7u, 8u, 20u}) {
                const std::string left = std::string(before, 'q') + static_cast<char>(a);
                const std::string right = std::string(before, 'Q') + static_cast<char>(b);
                REQUIRE(http::equal_ignoring_case(left, right) == (lower(a) == lower(b)));
            }
        }
    }
    CHECK(!http::equal_ignoring_case("a", "ab"));
    CHECK(!http::equal_ignoring_case("upgrade", "upgradf"));
    CHECK(http::equal_ignoring_case("", ""));
}

TEST_CASE("H8: numbers are decimal digits and nothing else, and fit 64 bits") {
    using sockless::detail::read_decimal;
    CHECK((read_decimal("0").valid && read_decimal("0").value == 0));
    CHECK((read_decimal("0007").valid && read_decimal("0007").value == 7));
    CHECK((read_decimal("18446744073709551615").valid && read_decimal("18446744073709551615").value == UINT64_MAX));
    for (const std::string_view bad :
         {"", "-1", "+1", " 1", "1 ", "1,1", "0x1", "18446744073709551616", "99999999999999999999", "1a"}) {
        CHECK_MESSAGE(!read_decimal(bad).valid, bad);
    }
}
