#include <sockless/stomp/version.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

using namespace sockless;
using stomp::version;
using stomp::version_set;

namespace {

constexpr version known[] = {version::v1_0, version::v1_1, version::v1_2};

// Each of the eight sets.
std::vector<version_set> all_sets() {
    std::vector<version_set> sets;
    for (unsigned bits = 0; bits != 8; ++bits) {
        version_set some;
        for (unsigned i = 0; i != 3; ++i) {
            if ((bits >> i & 1U) != 0) some.add(known[i]);
        }
        sets.push_back(some);
    }
    return sets;
}

static_assert(stomp::version_of("1.2") == version::v1_2 && stomp::text_of(version::v1_2) == "1.2");
static_assert(version_set::of_list("1.0,1.1,2.0").highest_in_common(version_set::all()) == version::v1_1);
static_assert(version_set::all().list() == "1.0,1.1,1.2");
static_assert(version_set{version::unknown}.empty() && !version_set::all().has(version::unknown));

} // namespace

TEST_CASE("S6: versions and their names") {
    CHECK(stomp::text_of(version::v1_0) == "1.0");
    CHECK(stomp::text_of(version::v1_1) == "1.1");
    CHECK(stomp::text_of(version::v1_2) == "1.2");
    CHECK(stomp::text_of(version::unknown).empty());
    for (const version each : known) CHECK(stomp::version_of(stomp::text_of(each)) == each);
    for (const std::string_view each :
         {"", "1", "1.", "1.3", "2.0", "0.9", "1.20", "01.2", " 1.2", "1.2 ", "1.0,1.1", "1,2"}) {
        INFO(each);
        CHECK(stomp::version_of(each) == version::unknown);
    }
    CHECK(stomp::version_of({}) == version::unknown);
}

TEST_CASE("S6: accept-version is a list, of which only known versions count") {
    const auto listed = [](std::string_view list) { return version_set::of_list(list).list(); };
    CHECK(listed("1.0,1.1,1.2") == "1.0,1.1,1.2");
    CHECK(listed("1.2,1.0") == "1.0,1.2");
    CHECK(listed("1.1") == "1.1");
    CHECK(listed("1.1,1.1,1.1") == "1.1");
    CHECK(listed("1.3,1.2,2.0") == "1.2");
    CHECK(listed("2.0,1.0") == "1.0");
    CHECK(listed("") == "");
    CHECK(listed({}) == "");
    CHECK(listed(",") == "");
    CHECK(listed(",1.0,,1.2,") == "1.0,1.2");
    // White space belongs to a value.
    CHECK(listed("1.0, 1.1,1.2 ") == "1.0");
    CHECK(listed("1.01.1") == "");
    // Only the list is read, not what is behind it.
    CHECK(listed(std::string_view("1.0,1.2").substr(0, 4)) == "1.0");
    CHECK(listed(std::string_view("1.0,1.2").substr(0, 6)) == "1.0");
}

TEST_CASE("S6: sets of versions") {
    const version_set empty;
    CHECK(empty.empty());
    CHECK(!empty.has(version::v1_0));
    const version_set some{version::v1_2, version::v1_0};
    CHECK(some.has(version::v1_0));
    CHECK(!some.has(version::v1_1));
    CHECK(some.has(version::v1_2));
    CHECK(!some.empty());
    // `unknown` is no version that a set could have.
    version_set none{version::unknown};
    none.add(version::unknown);
    CHECK(none.empty());
    CHECK(!none.has(version::unknown));
    CHECK(!version_set::all().has(version::unknown));

    std::set<std::string_view> lists;
    for (const version_set each : all_sets()) {
        CHECK(lists.insert(each.list()).second);
        const version_set again = version_set::of_list(each.list());
        for (const version one : known) CHECK(again.has(one) == each.has(one));
    }
}

TEST_CASE("S6: the highest version that two sets have in common") {
    CHECK(version_set::all().highest_in_common(version_set::all()) == version::v1_2);
    CHECK(version_set{}.highest_in_common(version_set::all()) == version::unknown);
    CHECK(version_set{version::v1_0}.highest_in_common({version::v1_1, version::v1_2}) == version::unknown);
    for (const version_set a : all_sets()) {
        for (const version_set b : all_sets()) {
            const version found = a.highest_in_common(b);
            CHECK(found == b.highest_in_common(a));
            CHECK((found == version::unknown || (a.has(found) && b.has(found))));
            for (const version each : known) {
                if (each > found) CHECK(!(a.has(each) && b.has(each)));
            }
        }
    }
}

TEST_CASE("W1: the subprotocols that carry STOMP, the best first") {
    REQUIRE(std::size(stomp::subprotocols) == 3);
    CHECK(stomp::subprotocols[0] == "v12.stomp");
    CHECK(stomp::subprotocols[1] == "v11.stomp");
    CHECK(stomp::subprotocols[2] == "v10.stomp");
    for (const std::string_view each : stomp::subprotocols) CHECK(stomp::is_stomp(each));
    for (const std::string_view each : {"", "stomp", "v12.STOMP", "V12.stomp", "v13.stomp", "v12.stomp ", "v12.stom"}) {
        INFO(each);
        CHECK(!stomp::is_stomp(each));
    }
    CHECK(!stomp::is_stomp({}));
}
