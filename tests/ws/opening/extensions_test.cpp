#include <sockless/ws/opening/extensions.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "../../support/split.hpp"

using namespace sockless;
using namespace sockless::test;

namespace {

// A list as text: each extension in brackets, each parameter as it was found.
std::string shown(std::string_view value) {
    std::string out;
    for (const ws::extension& each : ws::extension_list(value)) {
        out += "[" + std::string(each.name);
        for (const ws::extension_parameter& one : each.parameters) {
            out += " " + std::string(one.name);
            if (one.has_value) out += "=" + std::string(one.value);
            if (one.escaped) out += "(escaped)";
        }
        out += "]";
    }
    return out;
}

constexpr ws::extension_parameter first_parameter(std::string_view value) {
    return *(*ws::extension_list(value).begin()).parameters.begin();
}

static_assert(ws::is_extension_list("permessage-deflate; client_max_window_bits; server_max_window_bits=10"));
static_assert(ws::has_extension("a, b; c=\"d\"", "b") && !ws::has_extension("a, b; c=\"d\"", "c"));
static_assert(ws::has_extension("A", "A") && !ws::has_extension("A", "a") && !ws::has_extension("a", "A"));
static_assert(first_parameter("a; b=\"1\\0\"").value_is("10") && !first_parameter("a; b=\"1\\0\"").value_is("1\\0"));
static_assert(first_parameter("a; b=10").value_is("10") && !first_parameter("a; b=10").value_is("1"));
static_assert(!first_parameter("a; b=10").value_is("100") && !first_parameter("a; b").value_is(""));

} // namespace

TEST_CASE("H11: the whole grammar of Sec-WebSocket-Extensions") {
    CHECK(shown("foo") == "[foo]");
    CHECK(shown("foo, bar; baz=2") == "[foo][bar baz=2]"); // RFC 6455 section 9.1
    CHECK(shown("deflate-stream") == "[deflate-stream]");
    CHECK(shown("mux; max-channels=4; flow-control, deflate-stream") ==
          "[mux max-channels=4 flow-control][deflate-stream]");
    CHECK(shown("private-extension") == "[private-extension]");
    CHECK(shown("permessage-deflate; client_max_window_bits; server_max_window_bits=10, permessage-deflate") ==
          "[permessage-deflate client_max_window_bits server_max_window_bits=10][permessage-deflate]");
    CHECK(shown("a;b=\"c\"") == "[a b=c]");
    CHECK(shown("a;b=\"\\c\\d\"") == "[a b=\\c\\d(escaped)]");
    CHECK(shown(" \ta\t ; b = c ;d=\t\"e\" , f ") == "[a b=c d=e][f]");
    CHECK(shown(",, a ,,b, ,") == "[a][b]");
    CHECK(shown("a;b;b;b=1") == "[a b b b=1]");
}

TEST_CASE("H11: a list is well formed to its end, or it is none") {
    for (const std::string_view good : {"a", "a,b", "a;b", "a;b=c", "a;b=\"c\"", ",a,", "a ; b = \"\\c\" , d"}) {
        CHECK_MESSAGE(ws::is_extension_list(good), good);
    }
    for (const std::string_view bad : {"",
                                       " ",
                                       ",",
                                       " ,\t,",
                                       ";",
                                       "a;",
                                       "a;;b",
                                       "a; ,b",
                                       "a b",
                                       "a;b c",
                                       "a;b=",
                                       "a;b=,c",
                                       "a;=c",
                                       "a=b",
                                       "a;b=c=d",
                                       "a;b=\"",
                                       "a;b=\"c",
                                       "a;b=\"\"",
                                       "a;b=\"c d\"",
                                       "a;b=\"c,d\"",
                                       "a;b=\"c\\",
                                       "a;b=\"c\\\"",
                                       "a;b=\"\\\"\"",
                                       "a;b=\"c\"d",
                                       "a;b=\"c\"\"d\"",
                                       "\"a\"",
                                       "a;\"b\"",
                                       "a, b;",
                                       "a, (",
                                       "a/b",
                                       "a;b=c, d;e=\"f",
                                       "\xc3\xa4"}) {
        CHECK_MESSAGE(!ws::is_extension_list(bad), bad);
    }
}

TEST_CASE("H11: text that is malformed, or cut anywhere, is never read beyond its end") {
    const std::string whole = "a; b = \"c\\d\" ; e=f, , g;h";
    guarded_memory memory(whole.size());
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        for (std::size_t place = 0; place != size; ++place) {
            for (const char c : {';', ',', '"', '\\', '=', ' ', 'x'}) {
                std::string text = whole.substr(0, size);
                text[place] = c;
                const bytes copy = memory.copy_of(bytes_of(std::string_view(text)), true);
                CHECK(ws::is_extension_list(text_of(copy)) == ws::is_extension_list(text));
                CHECK(shown(text_of(copy)) == shown(text));
            }
        }
    }
}

TEST_CASE("H11: values can be copied without their escapes, where there is room") {
    std::array<char, 2> room{};
    CHECK(first_parameter("a;b=\"1\\5\"").copy_value(room) == "15");
    CHECK(first_parameter("a;b=15").copy_value(room) == "15");
    CHECK(first_parameter("a;b=155").copy_value(room).empty());
    CHECK(first_parameter("a;b").copy_value(room).empty());
}

TEST_CASE("H11: values are compared without their escapes, and a missing one equals nothing") {
    for (const std::string_view text : {"a;b=15", "a;b=\"15\"", "a;b=\"\\1\\5\"", "a;b=\"1\\5\""}) {
        CAPTURE(text);
        const ws::extension_parameter found = first_parameter(text);
        CHECK(found.value_is("15"));
        for (const std::string_view other : {"", "1", "155", "16", "5", "\\1\\5"}) CHECK(!found.value_is(other));
    }
    CHECK(!first_parameter("a;b").value_is(""));
    CHECK(!first_parameter("a;b").value_is("15"));
}

TEST_CASE("H11: offers are those of all lines, in order, until the visitor has enough") {
    const field headers[] = {{"sec-websocket-extensions", "a;x=1, b"},
                             {"Other", "c"},
                             {"Sec-WebSocket-Extensions", "a;x=2"},
                             {"Sec-WebSocket-Extensions", "d"}};
    std::string seen;
    ws::for_each_extension(headers, [&](const ws::extension& each) {
        seen += std::string(each.name) + " ";
        return !(each.name == "a" && each.parameters.begin()->value_is("2"));
    });
    CHECK(seen == "a b a ");
}
