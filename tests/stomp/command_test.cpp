#include <sockless/stomp/command.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

using namespace sockless;
using stomp::command;
using stomp::version;

namespace {

struct expected_command {
    command which;
    std::string_view text;
    role sender;
};

// STOMP 1.2, Augmented BNF: the frames of a client, and those of a server.
constexpr expected_command commands[] = {
    {command::send, "SEND", role::client},
    {command::subscribe, "SUBSCRIBE", role::client},
    {command::unsubscribe, "UNSUBSCRIBE", role::client},
    {command::begin, "BEGIN", role::client},
    {command::commit, "COMMIT", role::client},
    {command::abort, "ABORT", role::client},
    {command::ack, "ACK", role::client},
    {command::nack, "NACK", role::client},
    {command::disconnect, "DISCONNECT", role::client},
    {command::connect, "CONNECT", role::client},
    {command::stomp, "STOMP", role::client},
    {command::connected, "CONNECTED", role::server},
    {command::message, "MESSAGE", role::server},
    {command::receipt, "RECEIPT", role::server},
    {command::error, "ERROR", role::server},
};

// All are there: the enumerators are those, `none`, and nothing else.
static_assert(std::size(sockless::stomp::detail::command_rows) == std::size(commands) + 1);
static_assert(stomp::command_of("SEND") == command::send && stomp::text_of(command::nack) == "NACK");

} // namespace

TEST_CASE("S1: the commands, their texts and who sends them") {
    std::set<command> all;
    for (const expected_command& each : commands) {
        INFO(each.text);
        CHECK(all.insert(each.which).second);
        CHECK(stomp::text_of(each.which) == each.text);
        CHECK(stomp::command_of(each.text) == each.which);
        CHECK(stomp::sender_of(each.which) == each.sender);
        CHECK(each.text.size() <= stomp::max_command);
    }
    CHECK(stomp::text_of(command::unsubscribe).size() == stomp::max_command);
    CHECK(stomp::text_of(command::none).empty());
}

TEST_CASE("S1: any other text is no command") {
    CHECK(stomp::command_of("") == command::none);
    CHECK(stomp::command_of({}) == command::none);
    for (const expected_command& each : commands) {
        std::string text(each.text);
        INFO(text);
        CHECK(stomp::command_of(text + " ") == command::none);
        CHECK(stomp::command_of(" " + text) == command::none);
        CHECK(stomp::command_of(text + "\r") == command::none);
        for (std::size_t i = 0; i != text.size(); ++i) {
            std::string other = text;
            other[i] = static_cast<char>(other[i] | 0x20);
            CHECK(stomp::command_of(other) == command::none);
            other[i] = '\0';
            CHECK(stomp::command_of(other) == command::none);
            const command found = stomp::command_of(text.substr(0, i));
            CHECK((found == command::none || (each.which == command::connected && found == command::connect)));
        }
    }
}

TEST_CASE("S1: only SEND, MESSAGE and ERROR have a body") {
    for (const expected_command& each : commands) {
        INFO(each.text);
        CHECK(stomp::has_body(each.which) ==
              (each.which == command::send || each.which == command::message || each.which == command::error));
    }
    CHECK(!stomp::has_body(command::none));
}

TEST_CASE("S1 S6: NACK and STOMP came with 1.1") {
    for (const expected_command& each : commands) {
        INFO(each.text);
        CHECK(stomp::is_in(each.which, version::v1_0) == (each.which != command::nack && each.which != command::stomp));
        for (const version later : {version::unknown, version::v1_1, version::v1_2})
            CHECK(stomp::is_in(each.which, later));
    }
}

TEST_CASE("S3: each version's escapes, and the frames that have none") {
    using sockless::stomp::detail::escaping;
    for (const expected_command& each : commands) {
        INFO(each.text);
        const bool connects =
            each.which == command::connect || each.which == command::stomp || each.which == command::connected;
        const auto of = [&](version in) { return sockless::stomp::detail::escaping_of(in, each.which); };
        CHECK(of(version::unknown) == escaping::none);
        CHECK(of(version::v1_0) == escaping::none);
        CHECK(of(version::v1_1) == (connects ? escaping::none : escaping::of_1_1));
        CHECK(of(version::v1_2) == (connects ? escaping::none : escaping::of_1_2));
    }
    const auto codes = [](escaping how) {
        std::string all;
        for (std::size_t i = 0; i != sockless::stomp::detail::number_of_escapes(how); ++i)
            all += sockless::stomp::detail::escapes[i].code;
        std::sort(all.begin(), all.end());
        return all;
    };
    CHECK(codes(escaping::none) == "");
    CHECK(codes(escaping::of_1_1) == "\\cn");
    CHECK(codes(escaping::of_1_2) == "\\cnr");
    for (const sockless::stomp::detail::escape& each : sockless::stomp::detail::escapes) {
        const std::string_view plain = each.code == 'n'   ? "\n"
                                       : each.code == 'r' ? "\r"
                                       : each.code == 'c' ? ":"
                                                          : "\\";
        CHECK(each.plain == plain[0]);
    }
}
