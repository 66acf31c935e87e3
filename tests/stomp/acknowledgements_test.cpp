// The messages of a STOMP server that wait for an ACK.
// SPDX-License-Identifier: MIT
#include <sockless/stomp/acknowledgements.hpp>

#include <doctest/doctest.h>

#include <initializer_list>
#include <vector>

using namespace sockless;
using stomp::detail::acknowledgements;

namespace {

using numbers = std::vector<std::uint64_t>;

// Odd numbers wait in subscription 1, even ones in 2.
acknowledgements<growing_buffer> with(std::uint64_t messages, bool cumulative) {
    acknowledgements<growing_buffer> list(growing_buffer(1000));
    for (std::uint64_t i = 1; i <= messages; ++i) REQUIRE(list.add({i, i % 2 == 0 ? 2U : 1U, 0, cumulative ? 1U : 0U}));
    return list;
}

numbers in(const acknowledgements<growing_buffer>& list) {
    numbers found;
    for (std::size_t i = 0; i != list.size(); ++i) found.push_back(list[i].number);
    return found;
}

} // namespace

TEST_CASE("S9: a message is found by its number, among any number of others") {
    for (std::uint64_t count = 0; count != 20; ++count) {
        auto list = with(count, false);
        if (count > 3) list.acknowledge(list.place_of(2), 0);
        for (std::uint64_t number = 0; number != 22; ++number) {
            const bool waits = number != 0 && number <= count && (count <= 3 || number != 2);
            const std::size_t place = list.place_of(number);
            CHECK((place != list.size()) == waits);
            if (waits) CHECK(list[place].number == number);
        }
    }
}

TEST_CASE("S9: an ACK means one message, or with all of its subscription before it") {
    auto single = with(6, false);
    single.acknowledge(single.place_of(3), 0);
    CHECK(in(single) == numbers{1, 2, 4, 5, 6});
    auto cumulative = with(6, true);
    cumulative.acknowledge(cumulative.place_of(5), 0);
    CHECK(in(cumulative) == numbers{2, 4, 6});
    cumulative.forget(2);
    CHECK(cumulative.size() == 0);
}

TEST_CASE("S10: what is acknowledged in a transaction is gone with COMMIT, and waits again after ABORT") {
    for (const bool commits : {true, false}) {
        auto list = with(6, true);
        list.acknowledge(list.place_of(3), 7);
        list.acknowledge(list.place_of(5), 8);
        CHECK(list.size() == 6);
        CHECK(list[list.place_of(1)].transaction == 7);
        CHECK(list[list.place_of(5)].transaction == 8);
        CHECK(list[list.place_of(2)].transaction == 0);
        if (commits) list.commit(7);
        if (!commits) list.abort(7);
        CHECK(in(list) == (commits ? numbers{2, 4, 5, 6} : numbers{1, 2, 3, 4, 5, 6}));
        // A message that another transaction has acknowledged is not in this one.
        list.acknowledge(list.place_of(6), 0);
        CHECK(in(list) == (commits ? numbers{5} : numbers{1, 3, 5}));
    }
}
