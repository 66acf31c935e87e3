// A list of names in the caller's memory, held against one that cannot be wrong.
// SPDX-License-Identifier: MIT
#include <sockless/detail/names.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "../support/allocations.hpp"
#include "../support/split.hpp"

using namespace sockless;
using namespace sockless::test;

namespace {

enum class kind : std::uint8_t { one, two };

struct known_name {
    kind which{};
    std::string text{};
    std::uint8_t mode = 0;
    std::uint32_t number = 0;

    friend bool operator==(const known_name&, const known_name&) = default;
};

constexpr std::size_t record_size = sizeof(detail::name_record<kind>);

template <class List>
std::vector<known_name> contents_of(const List& list) {
    std::vector<known_name> found;
    static_cast<void>(list.find_if([&](const auto& each) {
        found.push_back({each.record.kind, std::string(each.text), each.record.mode, each.record.number});
        return false;
    }));
    return found;
}

template <class Buffer>
void behaves_as_names(detail::name_list<kind, Buffer> list, std::size_t limit, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<known_name> model;
    for (int step = 0; step != 4000; ++step) {
        const known_name made{
            random() % 2 == 0 ? kind::one : kind::two,
            std::string(static_cast<std::size_t>(random() % 12), static_cast<char>('a' + random() % 3)),
            static_cast<std::uint8_t>(random()), static_cast<std::uint32_t>(random())};
        const auto same = [&](const known_name& each) { return each.which == made.which && each.text == made.text; };
        const auto known = std::find_if(model.begin(), model.end(), same);
        const auto found = list.find(made.which, made.text);
        REQUIRE((found.text.data() != nullptr) == (known != model.end()));
        if (known != model.end()) {
            REQUIRE(found.record.number == known->number);
            REQUIRE(found.record.mode == known->mode);
            if (random() % 2 == 0) {
                list.erase(found);
                model.erase(known);
            } else {
                list.set_mode(found, made.mode);
                known->mode = made.mode;
            }
        } else {
            std::size_t held = 0;
            for (const known_name& each : model) held += record_size + each.text.size();
            const bool fits = held + record_size + made.text.size() <= limit;
            REQUIRE(list.add(made.which, made.text, made.mode, made.number) == fits);
            if (fits) model.push_back(made);
        }
        if (random() % 16 == 0) list.release();
        REQUIRE(contents_of(list) == model);
        for (const kind which : {kind::one, kind::two}) {
            std::vector<std::string> expected, seen;
            for (const known_name& each : model) {
                if (each.which == which) expected.push_back(each.text);
            }
            for (const std::string_view each : list.of(which)) seen.emplace_back(each);
            REQUIRE(seen == expected);
            REQUIRE(list.count(which) == expected.size());
            REQUIRE(list.of(which).empty() == expected.empty());
        }
    }
}

} // namespace

TEST_CASE("a list of names behaves as a list, in memory of either kind") {
    for (const std::size_t limit : {std::size_t{0}, record_size, record_size + 5, std::size_t{100}, std::size_t{900}}) {
        CAPTURE(limit);
        behaves_as_names(detail::name_list<kind, growing_buffer>(growing_buffer(limit)), limit, limit);
        guarded_memory memory(limit);
        const buffer none(limit);
        for (const bool at_the_end : {false, true}) {
            const span_buffer<std::byte> room(memory.copy_of(none, at_the_end));
            behaves_as_names(detail::name_list<kind, span_buffer<std::byte>>(room), limit, limit);
        }
    }
}

TEST_CASE("a name that does not fit adds nothing, and one that is empty is one") {
    std::array<std::byte, 3 * record_size + 2> memory{};
    detail::name_list<kind, span_buffer<std::byte>> list{span_buffer<std::byte>(memory)};
    REQUIRE(list.add(kind::one, ""));
    REQUIRE(list.add(kind::two, "ab"));
    CHECK_FALSE(list.add(kind::one, "c"));
    CHECK(list.count(kind::one) == 1);
    CHECK_FALSE(list.of(kind::one).empty());
    CHECK(list.of(kind::one).begin()->empty());
    CHECK(list.find(kind::one, "").text.data() != nullptr);
    CHECK(list.find(kind::two, "").text.data() == nullptr);
    CHECK(list.add(kind::one, ""));
    CHECK(list.count(kind::one) == 2);
}

TEST_CASE("names are a forward range") {
    detail::name_list<kind, growing_buffer> list{growing_buffer(1000)};
    for (const char* const each : {"a", "b", "c"}) REQUIRE(list.add(kind::two, each));
    const auto names = list.of(kind::two);
    auto first = names.begin();
    const auto held = first++;
    CHECK(*held == "a");
    CHECK(*first == "b");
    CHECK(held == names.begin());
    CHECK(std::distance(names.begin(), names.end()) == 3);
}

TEST_CASE("memory that no name is in can be given back") {
    const std::size_t before = allocations();
    detail::name_list<kind, growing_buffer> names{growing_buffer(1 << 20)};
    REQUIRE(names.add(kind::one, "a"));
    names.release();
    CHECK(names.count(kind::one) == 1);
    names.erase(names.find(kind::one, "a"));
    CHECK(allocations() == before + 1);
    names.release();
    REQUIRE(names.add(kind::one, "a"));
    CHECK(allocations() == before + 2);
}

TEST_CASE("an empty heap is a list of names that is full") {
    detail::name_list<kind, growing_buffer> names{growing_buffer(1 << 20)};
    const empty_heap none;
    CHECK_FALSE(names.add(kind::one, "a"));
    CHECK(names.of(kind::one).empty());
}
