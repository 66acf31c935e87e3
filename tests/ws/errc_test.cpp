#include <sockless/ws/errc.hpp>

#include <doctest/doctest.h>
#include <sockless/ws/close_code.hpp>

#include <set>
#include <string>
#include <utility>

using namespace sockless;
using ws::errc;

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

static_assert(enumerator<errc::invalid_utf8>() == "invalid_utf8");
static_assert(enumerator<static_cast<errc>(255)>() != "invalid_utf8");
static_assert(names_are_enumerators(std::make_index_sequence<std::size(ws::errc_rows)>()));

// There is no enumerator behind the last row: the compiler writes a number for it, not a name.
constexpr std::string_view behind = enumerator<static_cast<errc>(std::size(ws::errc_rows))>();
static_assert(behind.find("errc") != std::string_view::npos || (behind[0] >= '0' && behind[0] <= '9'));

static_assert(!error{} && !error(errc::none) && error{} == errc::none);

} // namespace

TEST_CASE("C7: every error that a peer can cause has its Close code") {
    const auto all_have = [](std::uint16_t code, std::initializer_list<errc> codes) {
        for (const errc each : codes) {
            INFO(row_of(each).name);
            CHECK(row_of(each).close_code == code);
            CHECK(error(each).close_code() == code);
            CHECK(row_of(each).section.substr(0, 9) == "RFC 6455 ");
        }
    };
    all_have(1002, {errc::reserved_bit_set, errc::unknown_opcode, errc::unexpected_continuation,
                    errc::expected_continuation, errc::fragmented_control_frame, errc::control_frame_too_long,
                    errc::mask_missing, errc::mask_forbidden, errc::length_not_minimal, errc::length_top_bit_set,
                    errc::close_payload_too_short, errc::close_code_invalid});
    all_have(1007, {errc::invalid_utf8, errc::close_reason_invalid_utf8});
    all_have(1008, {errc::too_many_frames});
    all_have(1009, {errc::frame_too_big, errc::message_too_big});
    all_have(1006, {errc::end_of_input, errc::close_timeout});

    // None is forgotten: the errors of frames and of closing are those before the end of input.
    for (std::size_t i = 1; i != static_cast<std::size_t>(errc::end_of_input); ++i) {
        INFO(ws::errc_rows[i].name);
        CHECK(ws::is_sendable(ws::errc_rows[i].close_code));
        CHECK(ws::errc_rows[i].status == 0);
    }
}

TEST_CASE("C7: what the caller did wrong is not told to the peer") {
    for (const errc each : {errc::no_room, errc::close_code_not_sendable, errc::close_reason_too_long,
                            errc::payload_not_utf8, errc::message_open, errc::not_open, errc::nothing_to_answer}) {
        INFO(row_of(each).name);
        CHECK(row_of(each).close_code == 0);
        CHECK(row_of(each).status == 0);
    }
}

TEST_CASE("errors have names and sentences of their own") {
    std::set<std::string_view> names;
    std::set<std::string_view> sentences;
    for (const error_row& row : ws::errc_rows) {
        INFO(row.name);
        CHECK(names.insert(row.name).second);
        CHECK(sentences.insert(row.sentence).second);
        CHECK(!row.sentence.empty());
        CHECK((row.status == 0 || (row.status >= 400 && row.status <= 599)));
    }
    const error none;
    CHECK(!none);
    CHECK(none == error(errc::none));
    CHECK(static_cast<bool>(error(errc::no_room)));
    CHECK(error(errc::no_room) == errc::no_room);
    CHECK(error(errc::no_room) != errc::not_open);
    CHECK(none.name() == "none");
    CHECK(none.close_code() == 0);
    CHECK(none.status() == 0);
    const error some = errc::invalid_utf8;
    CHECK(some.name() == "invalid_utf8");
    CHECK(some.sentence() == row_of(errc::invalid_utf8).sentence);
    CHECK(some.section() == "RFC 6455 8.1");
}
