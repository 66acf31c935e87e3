#include <sockless/ws/close_code.hpp>

#include <doctest/doctest.h>

#include <set>

using namespace sockless;

static_assert(ws::is_sendable(ws::close_code::normal) && !ws::is_sendable(ws::close_code::no_status));

TEST_CASE("C3: which codes may stand in a Close, of all 65536") {
    const std::set<unsigned> assigned{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014};
    for (unsigned code = 0; code != 65536; ++code) {
        const bool expected = assigned.count(code) == 1 || code / 1000 == 3 || code / 1000 == 4;
        REQUIRE(ws::is_sendable(static_cast<std::uint16_t>(code)) == expected);
    }
}

TEST_CASE("C3 C5: the codes that have a name") {
    namespace code = ws::close_code;
    const std::uint16_t sent[] = {code::normal,           code::going_away,          code::protocol_error,
                                  code::unsupported_data, code::invalid_payload,     code::policy_violation,
                                  code::message_too_big,  code::mandatory_extension, code::internal_error,
                                  code::service_restart,  code::try_again_later,     code::bad_gateway};
    const std::uint16_t numbers[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014};
    for (std::size_t i = 0; i != std::size(sent); ++i) {
        CHECK(sent[i] == numbers[i]);
        CHECK(ws::is_sendable(sent[i]));
    }
    CHECK(code::no_status == 1005);
    CHECK(code::abnormal == 1006);
}
