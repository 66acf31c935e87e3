#include <sockless/stomp/errc.hpp>

#include <doctest/doctest.h>
#include <sockless/ws/close_code.hpp>

#include <set>
#include <utility>

using namespace sockless;
using stomp::errc;

namespace {

// The name of an enumerator as the compiler writes it: what stands between the last "::" and the bracket behind it.
template <errc Code>
constexpr std::string_view enumerator() {
    const std::string_view text = __PRETTY_FUNCTION__;
    const std::size_t begin = text.find("Code = ") + 7;
    const std::string_view value = text.substr(begin, text.find_first_of(";]", begin) - begin);
    return value.substr(value.rfind(':') + 1);
}

template <std::size_t... Codes>
constexpr bool names_are_enumerators(std::index_sequence<Codes...>) {
    return ((row_of(static_cast<errc>(Codes)).name == enumerator<static_cast<errc>(Codes)>()) && ...);
}

static_assert(enumerator<errc::bad_escape>() == "bad_escape");
static_assert(names_are_enumerators(std::make_index_sequence<std::size(stomp::errc_rows)>()));

// There is no enumerator behind the last row: the compiler writes a number for it, not a name.
constexpr std::string_view behind = enumerator<static_cast<errc>(std::size(stomp::errc_rows))>();
static_assert(behind.find("errc") != std::string_view::npos || (behind[0] >= '0' && behind[0] <= '9'));

static_assert(!error(errc::none) && error{} == errc::none);

bool is_of_the_caller(errc code) { return code >= errc::no_room; }

} // namespace

TEST_CASE("S1 S2 S3 S12: every error that a peer can cause has its Close code, for STOMP over WebSocket") {
    const auto all_have = [](std::uint16_t code, std::initializer_list<errc> codes) {
        for (const errc each : codes) {
            INFO(row_of(each).name);
            CHECK(row_of(each).close_code == code);
            CHECK(error(each).close_code() == code);
        }
    };
    all_have(1002, {errc::unknown_command, errc::nul_in_head, errc::bare_cr, errc::missing_colon, errc::empty_name,
                    errc::bad_escape, errc::bad_content_length, errc::unexpected_body, errc::body_not_terminated});
    all_have(1009, {errc::line_too_long, errc::too_many_headers, errc::head_too_large, errc::body_too_large});
    all_have(1006, {errc::truncated, errc::end_of_input});

    for (std::size_t i = 1; i != std::size(stomp::errc_rows); ++i) {
        const auto code = static_cast<errc>(i);
        INFO(row_of(code).name);
        if (is_of_the_caller(code)) {
            // A fault of the caller is not told to the peer.
            CHECK(row_of(code).close_code == 0);
        } else {
            CHECK((ws::is_sendable(row_of(code).close_code) || row_of(code).close_code == 1006));
            CHECK(row_of(code).section.substr(0, 6) == "STOMP ");
        }
    }
}

TEST_CASE("errors have names and sentences of their own") {
    std::set<std::string_view> names;
    std::set<std::string_view> sentences;
    for (const error_row& row : stomp::errc_rows) {
        INFO(row.name);
        CHECK(names.insert(row.name).second);
        CHECK(sentences.insert(row.sentence).second);
        CHECK(!row.sentence.empty());
        CHECK(row.status == 0);
    }
    const error some = errc::bad_escape;
    CHECK(static_cast<bool>(some));
    CHECK(some == errc::bad_escape);
    CHECK(some != errc::bare_cr);
    CHECK(some.name() == "bad_escape");
    CHECK(some.sentence() == row_of(errc::bad_escape).sentence);
    CHECK(some.section() == "STOMP 1.2 Value Encoding");
}
