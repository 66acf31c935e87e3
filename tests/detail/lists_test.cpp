// A list of records in the caller's memory, held against one that cannot be wrong.
// SPDX-License-Identifier: MIT
#include <sockless/detail/lists.hpp>

#include <doctest/doctest.h>

#include <algorithm>

#include "../support/allocations.hpp"
#include "../support/split.hpp"

using namespace sockless;
using namespace sockless::test;

namespace {

struct pair_record {
    std::uint64_t number = 0;
    std::uint32_t more = 0;

    friend bool operator==(const pair_record&, const pair_record&) = default;
};

template <class Buffer>
void behaves_as_a_list(detail::record_list<pair_record, Buffer> list, std::size_t limit, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<pair_record> model;
    for (int step = 0; step != 4000; ++step) {
        const pair_record made{random(), static_cast<std::uint32_t>(step)};
        const std::size_t place = model.empty() ? 0 : static_cast<std::size_t>(random()) % model.size();
        switch (random() % 8) {
        case 0:
            if (model.empty()) break;
            list.erase(place);
            model.erase(model.begin() + static_cast<std::ptrdiff_t>(place));
            break;
        case 1:
            if (model.empty()) break;
            list.set(place, made);
            model[place] = made;
            break;
        case 2: {
            const std::uint64_t modulus = 1 + random() % 4;
            const auto wanted = [&](const pair_record& each) { return each.number % modulus == 0; };
            if (random() % 8 != 0) break;
            const std::size_t count = random() % 2 == 0 ? place : model.size();
            list.erase_if(count, wanted);
            const auto end = model.begin() + static_cast<std::ptrdiff_t>(count);
            model.erase(std::remove_if(model.begin(), end, wanted), end);
            break;
        }
        case 3: list.release(); break;
        default:
            REQUIRE(list.push(made) == (model.size() < limit));
            if (model.size() < limit) model.push_back(made);
        }
        REQUIRE(list.size() == model.size());
        for (std::size_t i = 0; i != model.size(); ++i) REQUIRE(list[i] == model[i]);
    }
}

} // namespace

TEST_CASE("a list of records behaves as a list, in memory of either kind") {
    for (const std::size_t limit : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{40}}) {
        CAPTURE(limit);
        behaves_as_a_list(detail::record_list<pair_record, growing_buffer>(growing_buffer(limit * sizeof(pair_record))),
                          limit, limit);
        // One byte off any alignment, and with room for a part of one more.
        std::vector<std::byte> memory((limit + 1) * sizeof(pair_record));
        const bytes odd = bytes(memory).subspan(1);
        behaves_as_a_list(detail::record_list<pair_record, span_buffer<std::byte>>(span_buffer(odd)), limit, limit);
    }
}

TEST_CASE("memory that no record is in can be given back") {
    detail::record_list<pair_record, growing_buffer> list{growing_buffer(1 << 20)};
    const std::size_t before = allocations();
    REQUIRE(list.push({1, 2}));
    CHECK(allocations() == before + 1);
    list.release();
    CHECK(list.size() == 1);
    list.erase(0);
    REQUIRE(list.push({1, 2}));
    CHECK(allocations() == before + 1);
    list.erase(0);
    list.release();
    REQUIRE(list.push({1, 2}));
    CHECK(allocations() == before + 2);
}

TEST_CASE("an empty heap is a list that is full") {
    detail::record_list<pair_record, growing_buffer> list{growing_buffer(1 << 20)};
    const empty_heap none;
    CHECK_FALSE(list.push({}));
    CHECK(list.size() == 0);
}
