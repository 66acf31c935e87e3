// Lists that a caller gives for the time of a call.
// SPDX-License-Identifier: MIT
#include <sockless/list_view.hpp>

#include <doctest/doctest.h>

#include <array>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

using namespace sockless;

namespace {

using names = list_view<std::string_view>;

// As the structs of the handshake have them.
struct asked {
    names subprotocols{};
    list_view<field> fields{};
};

constexpr std::size_t characters_of(const asked& all) {
    std::size_t size = 0;
    for (const std::string_view each : all.subprotocols) size += each.size();
    for (const field& each : all.fields) size += each.name.size() + each.value.size();
    return size;
}
static_assert(characters_of({}) == 0);
static_assert(characters_of({.subprotocols = {"a", "bc"}}) == 3);
static_assert(characters_of({.subprotocols = {"abc"}, .fields = {{"A", "b"}, {.name = "C", .value = "d"}}}) == 7);

constexpr std::string_view two[] = {"x", "yz"};
static_assert(names(two).size() == 2 && names(two)[1] == "yz" && names().empty());
static_assert(characters_of({.subprotocols = std::span(two).first(1)}) == 1);
static_assert(*names(two).begin() == "x" && ++names::iterator() != names::iterator());

// Three words, which are copied like a span's.
static_assert(std::is_trivially_copyable_v<names> && sizeof(names) == 3 * sizeof(void*));

std::string joined(const asked& all) {
    std::string out;
    for (const std::string_view each : all.subprotocols) out += std::string(each) + ",";
    for (const field& each : all.fields) out += std::string(each.name) + "=" + std::string(each.value) + ";";
    return out;
}

// On the heap, so that a sanitizer sees one that has gone.
std::string long_name(char c) { return std::string(40, c); }

} // namespace

TEST_CASE("H15: a list is given in braces, or as an array, a span or a vector") {
    const std::string a = long_name('a');
    const std::string expected = a + ",b,";
    CHECK(joined({.subprotocols = {a, "b"}}) == expected);
    CHECK(joined({.subprotocols = {long_name('a'), std::string("b")}}) == expected);

    const std::string_view views[] = {a, "b"};
    const char* const pointers[] = {a.c_str(), "b"};
    const std::string strings[] = {a, "b"};
    const std::array<std::string_view, 2> array{a, "b"};
    const std::vector<std::string_view> vector{a, "b"};
    std::vector<std::string> of_strings{a, "b"};
    CHECK(joined({.subprotocols = views}) == expected);
    CHECK(joined({.subprotocols = pointers}) == expected);
    CHECK(joined({.subprotocols = strings}) == expected);
    CHECK(joined({.subprotocols = array}) == expected);
    CHECK(joined({.subprotocols = vector}) == expected);
    CHECK(joined({.subprotocols = {vector}}) == expected);
    CHECK(joined({.subprotocols = of_strings}) == expected);
    CHECK(joined({.subprotocols = std::vector<std::string>{long_name('a'), "b"}}) == expected);
    CHECK(joined({.subprotocols = std::span<const std::string_view>(views)}) == expected);
    CHECK(joined({.subprotocols = std::span(of_strings).first(1)}) == a + ",");
    CHECK(joined({.subprotocols = std::vector<std::string>()}) == "");

    names copied = of_strings;
    names other;
    other = copied;
    CHECK(joined({.subprotocols = other}) == expected);
    CHECK(joined({.subprotocols = {other}}) == expected);
}

TEST_CASE("H15: a list of fields is given in the same ways") {
    const std::string b = long_name('b');
    const std::string expected = "A=" + b + ";C=d;";
    CHECK(joined({.fields = {{"A", b}, {"C", "d"}}}) == expected);
    CHECK(joined({.fields = {{"A", long_name('b')}, {.name = "C", .value = std::string("d")}}}) == expected);
    CHECK(joined({.fields = {{"A", b}}}) == "A=" + b + ";");
    const field array[] = {{"A", b}, {"C", "d"}};
    const std::vector<field> vector(std::begin(array), std::end(array));
    CHECK(joined({.fields = array}) == expected);
    CHECK(joined({.fields = vector}) == expected);
    CHECK(joined({.fields = std::span(vector)}) == expected);
    CHECK(joined({.fields = {array[0], array[1]}}) == expected);

    // A type of the caller's that converts.
    struct pair {
        std::string name;
        std::string value;
        operator field() const { return {name, value}; }
    };
    CHECK(joined({.fields = std::vector<pair>{{"A", b}, {"C", "d"}}}) == expected);
}

TEST_CASE("places in a list are equal if list and number are") {
    const names first(two), second(two);
    CHECK(first.begin() == first.begin());
    CHECK(first.begin() != second.begin());
    CHECK(first.begin() != first.end());
    auto at = first.begin();
    CHECK(*at++ == "x");
    CHECK(*at++ == "yz");
    CHECK(at == first.end());
}
