#include <sockless/detail/deadline.hpp>

#include <doctest/doctest.h>

using namespace sockless;
using detail::deadline;

namespace {

constexpr bool counts_from_the_next_call() {
    deadline wait;
    if (wait.is_waiting() || wait.next() != no_deadline || wait.pass(5)) return false;
    wait.begin(100);
    // An hour has gone by since the last call: the wait has only begun.
    if (!wait.is_waiting() || wait.next() != 0 || wait.pass(3'600'005)) return false;
    if (wait.next() != 3'600'105 || wait.pass(3'600'104) || !wait.pass(3'600'105)) return false;
    return !wait.is_waiting() && !wait.pass(3'600'105) && wait.next() == no_deadline;
}
static_assert(counts_from_the_next_call());

} // namespace

TEST_CASE("a wait whose beginning is known counts from there") {
    deadline wait;
    wait.begin_at(1000, 50);
    CHECK(wait.next() == 1050);
    CHECK_FALSE(wait.pass(1049));
    CHECK(wait.pass(2000));
    CHECK_FALSE(wait.pass(3000));
}

TEST_CASE("a wait that begins again has the same duration; one that is over does not begin again") {
    deadline wait;
    wait.begin_again();
    CHECK_FALSE(wait.is_waiting());
    wait.begin_at(0, 50);
    wait.begin_again();
    CHECK(wait.next() == 0);
    CHECK_FALSE(wait.pass(1000));
    CHECK(wait.next() == 1050);
    CHECK(wait.pass(1050));
    wait.begin_again();
    CHECK_FALSE(wait.is_waiting());
}

TEST_CASE("a wait without end, one that was stopped, and the end of time") {
    deadline wait;
    wait.begin(never);
    CHECK_FALSE(wait.pass(UINT64_MAX));
    CHECK(wait.next() == no_deadline);
    wait.begin_at(7, never);
    CHECK_FALSE(wait.pass(UINT64_MAX));
    wait.begin(1);
    wait.stop();
    CHECK_FALSE(wait.pass(UINT64_MAX));
    wait.begin_at(UINT64_MAX - 1, 10);
    CHECK_FALSE(wait.pass(UINT64_MAX));
    wait.begin(0);
    CHECK(wait.pass(3));

    // The deadline that never comes is no time.
    wait.begin_at(5, 10);
    CHECK_FALSE(wait.pass(no_deadline));
    CHECK(wait.next() == 15);
    wait.begin(10);
    CHECK_FALSE(wait.pass(no_deadline));
    CHECK(wait.next() == 0);
    CHECK_FALSE(wait.pass(7));
    CHECK(wait.next() == 17);
    CHECK(wait.pass(no_deadline - 1));
}
