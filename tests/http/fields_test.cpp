// The fields of a head, walked through and looked up.
// SPDX-License-Identifier: MIT
#include <sockless/http/fields.hpp>

#include <doctest/doctest.h>
#include <sockless/http/head_parser.hpp>

#include <random>
#include <string>
#include <vector>

using namespace sockless;

namespace {

using list = std::vector<std::string>;

constexpr field some[] = {{"Upgrade", "h2c, WebSocket"}, {"upgrade", "x"}, {"A", ""}, {"A", "1"}};
static_assert(http::count(some, "UPGRADE") == 2 && http::count(some, "b") == 0);
static_assert(http::first(some, "upgrade") == "h2c, WebSocket" && http::first(some, "b").empty());

constexpr http::fields lines("Host: a\r\nX:\r\nCookie:  b=c; d=e \t\r\n");
static_assert(http::count(lines, "x") == 1 && http::first(lines, "cookie") == "b=c; d=e");
static_assert(lines.begin()->name == "Host" && !lines.empty() && http::fields().empty());
static_assert(http::fields().begin() == http::fields().end());
static_assert(http::count(http::fields(), "x") == 0 && http::first(http::fields(), "").empty());

} // namespace

TEST_CASE("H13: all fields can be walked, in the order of the wire, as often as one likes") {
    list seen;
    for (const field& each : lines) seen.push_back(std::string(each.name) + "=" + std::string(each.value));
    CHECK(seen == list{"Host=a", "X=", "Cookie=b=c; d=e"});
    CHECK_FALSE(lines.empty());
    CHECK(http::fields().empty());
    auto at = lines.begin();
    const auto first = at++;
    CHECK(first->name == "Host");
    CHECK(at->name == "X");
    CHECK(first == lines.begin());
    CHECK(at != lines.begin());
}

TEST_CASE("H13: text that no parser has checked is never read beyond its end") {
    for (const std::string_view text :
         {"", ":", "a", "a:", "a:b", "a:b\r", "a:b\r\n", "\r", "\r\n", "a\r\nb", "::\r\r\n"}) {
        const std::string copy(text);
        for (const field& each : http::fields(copy)) {
            REQUIRE(each.name.data() >= copy.data());
            REQUIRE(each.value.data() + each.value.size() <= copy.data() + copy.size());
        }
        for (const std::string_view name : {"", "a", "aa"}) {
            const std::string_view found = http::first(http::fields(copy), name);
            REQUIRE((found.empty() ||
                     (found.data() >= copy.data() && found.data() + found.size() <= copy.data() + copy.size())));
        }
    }
}

TEST_CASE("H13: a name finds its lines whatever stands around them, short lines and long ones, few and many") {
    std::mt19937 random(5);
    const list names = {"a", "b", "ab", "A", "AB", "cookie", "X-Forwarded-For", std::string(300, 'n')};
    for (int round = 0; round != 300; ++round) {
        std::string head = "GET / HTTP/1.1\r\n";
        for (std::size_t left = random() % 40; left != 0; --left) {
            head += names[random() % names.size()] + ":" + std::string(random() % 3, ' ');
            if (random() % 3 != 0) head += std::string(random() % (random() % 8 == 0 ? 400 : 20) + 1, 'v');
            head += std::string(random() % 2, '\t') + "\r\n";
        }
        head += "\r\n";
        http::head_parser parser(http::message_kind::request);
        bytes in = bytes_of(head.data(), head.size());
        const http::head_event event = parser.next(in);
        REQUIRE(event.kind == http::head_kind::head);
        const http::fields& all = event.head.fields;
        for (const std::string& name : names) {
            std::vector<std::string_view> walked;
            std::vector<std::string_view> found;
            for (const field& each : all) {
                if (http::equal_ignoring_case(each.name, name)) walked.push_back(each.value);
            }
            http::detail::visit_values(all, name, [&](std::string_view value) {
                found.push_back(value);
                return false;
            });
            CHECK(found == walked);
            CHECK(http::count(all, name) == walked.size());
            CHECK(http::first(all, name) == (walked.empty() ? std::string_view() : walked[0]));
        }
        list seen;
        http::detail::visit_fields(all, [&](std::string_view name, auto value) {
            seen.push_back(std::string(name) + "=" + std::string(value()));
        });
        list expected;
        for (const field& each : all) expected.push_back(std::string(each.name) + "=" + std::string(each.value));
        CHECK(seen == expected);
    }
}
