// Subprotocols: offered, checked, chosen.
// SPDX-License-Identifier: MIT
#include <sockless/ws/opening/subprotocols.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "heads.hpp"

using namespace sockless;
using namespace sockless::test;
using ws::errc;

TEST_CASE("H10: what is offered are unique tokens, at least one") {
    const auto offered = [](std::string_view lines) { return error_of(with("", lines)); };
    CHECK(!offered("Sec-WebSocket-Protocol: chat\r\n"));
    CHECK(!offered("Sec-WebSocket-Protocol: chat, superchat, Chat\r\n"));
    CHECK(!offered("Sec-WebSocket-Protocol: a,, b,\r\nOther: x\r\nsec-websocket-protocol: c\r\n"));
    for (const std::string_view lines :
         {"Sec-WebSocket-Protocol:\r\n", "Sec-WebSocket-Protocol: ,\r\n", "Sec-WebSocket-Protocol: a b\r\n",
          "Sec-WebSocket-Protocol: a/b\r\n", "Sec-WebSocket-Protocol: a, b, a\r\n",
          "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b, a\r\n", "Sec-WebSocket-Protocol: \"a\"\r\n",
          "Sec-WebSocket-Protocol: ,\r\nSec-WebSocket-Protocol:\r\n"}) {
        CHECK_MESSAGE(offered(lines) == errc::bad_subprotocol, lines);
        CHECK(offered(lines).status() == 400);
    }
    std::string many = "Sec-WebSocket-Protocol: p0";
    for (std::size_t i = 1; i != sockless::ws::detail::max_subprotocols; ++i) many += ",p" + std::to_string(i);
    CHECK(!offered(many + "\r\n"));
    CHECK(offered(many + ",p\r\n") == errc::too_many_subprotocols);
    CHECK(offered(many + "\r\nSec-WebSocket-Protocol: p\r\n") == errc::too_many_subprotocols);
}

TEST_CASE("H10: the server chooses by its own order, with regard to case, one or none") {
    const request asked(
        with("", "Sec-WebSocket-Protocol: v10.stomp, V12.STOMP\r\nSec-WebSocket-Protocol: v11.stomp\r\n"));
    REQUIRE(!asked.checked.error);
    const auto choose = [&](std::vector<std::string_view> supported) {
        return ws::choose_subprotocol(supported, asked.head.fields);
    };
    CHECK(choose({"v12.stomp", "v11.stomp", "v10.stomp"}) == "v11.stomp");
    CHECK(choose({"v10.stomp", "v11.stomp"}) == "v10.stomp");
    CHECK(choose({"v12.stomp", "mqtt"}).empty());
    CHECK(choose({}).empty());
    CHECK(ws::offers_subprotocol(asked.head.fields, "V12.STOMP"));
    CHECK(!ws::offers_subprotocol(asked.head.fields, "v12.stomp"));
    CHECK(!ws::offers_subprotocol(asked.head.fields, ""));
}

TEST_CASE(
    "H10: the first supported name that is offered anywhere is chosen, in whatever order and lines it is offered") {
    const std::vector<std::string_view> names{"a", "b", "c", "d"};
    const std::size_t most = names.size() * names.size() * names.size();
    const auto three = [&](std::size_t number) {
        return std::vector<std::string_view>{names[number % 4], names[number / 4 % 4], names[number / 16]};
    };
    for (std::size_t i = 0; i != most; ++i) {
        for (std::size_t j = 0; j != most; ++j) {
            const std::vector<std::string_view> supported = three(i);
            const std::vector<std::string_view> offered = three(j);
            std::string_view expected;
            for (const std::string_view one : supported) {
                const bool is_offered = std::find(offered.begin(), offered.end(), one) != offered.end();
                if (expected.empty() && is_offered) expected = one;
            }
            const std::string line = std::string(offered[0]) + "," + std::string(offered[1]);
            const field fields[] = {
                {"sec-websocket-protocol", line}, {"x", "a,b,c,d"}, {"Sec-WebSocket-Protocol", offered[2]}};
            CHECK(ws::choose_subprotocol(supported, fields) == expected);
        }
    }
}

TEST_CASE("H10: what comes and what is written is held to one rule") {
    const auto error_of_offer = [](const std::vector<std::string>& names) {
        std::string line;
        for (const std::string& name : names) line += (line.empty() ? "" : ",") + name;
        std::array<std::byte, 1000> out{};
        http::head_writer head(out);
        ws::detail::put_subprotocols(head, names);
        const sockless::error written = head.finish().error;
        CHECK(error_of(with("", "Sec-WebSocket-Protocol: " + line + "\r\n")) == written);
        return written;
    };
    std::vector<std::string> names;
    for (std::size_t i = 0; i != ws::detail::max_subprotocols; ++i) names.push_back("p" + std::to_string(i));
    CHECK(!error_of_offer(names));
    names.push_back("p");
    CHECK(error_of_offer(names) == errc::too_many_subprotocols);
    names.back() = names.front();
    CHECK(error_of_offer(names) == errc::too_many_subprotocols);
    names.resize(ws::detail::max_subprotocols);
    names.back() = names.front();
    CHECK(error_of_offer(names) == errc::bad_subprotocol);
    CHECK(error_of_offer({"a b"}) == errc::bad_subprotocol);
    CHECK(error_of_offer({"a", "A", "a"}) == errc::bad_subprotocol);
    CHECK(!error_of_offer({"a", "A"}));
}
