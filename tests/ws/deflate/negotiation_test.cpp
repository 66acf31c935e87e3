#include <sockless/ws/deflate/negotiation.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "../../support/split.hpp"

using namespace sockless;
using namespace sockless::test;
using ws::deflate_agreement;
using ws::deflate_parameters;
using ws::deflate_policy;

namespace {

constexpr std::string_view field_name = "Sec-WebSocket-Extensions";

using one_field = std::array<field, 1>;
constexpr one_field field_of(std::string_view value) { return {field{field_name, value}}; }

// --- everything runs in constant evaluation

constexpr deflate_parameters chosen_of(std::string_view offers, const deflate_policy& policy = {}) {
    return ws::choose_deflate(field_of(offers), policy).parameters;
}
static_assert(ws::choose_deflate(field_of("permessage-deflate"), {}).agreed);
static_assert(!ws::choose_deflate(field_of("permessage-deflate; mystery"), {}).agreed);
static_assert(chosen_of("permessage-deflate; server_max_window_bits=\"1\\0\"").server_max_window_bits == 10);
static_assert(chosen_of("permessage-deflate; client_max_window_bits", {.wanted = {.client_max_window_bits = 9}}) ==
              deflate_parameters{.client_max_window_bits = 9});

constexpr bool writes(std::string_view wanted) {
    char room[ws::max_deflate_text] = {};
    const deflate_parameters offer =
        ws::offer_of({.wanted = {.server_no_context_takeover = true, .server_max_window_bits = 12}});
    const std::string_view offered = ws::write_deflate_offer(room, offer);
    return offered == wanted && ws::are_deflate_offers(offered) &&
           ws::check_deflate(field_of("permessage-deflate; server_no_context_takeover; server_max_window_bits=11"),
                             offered)
               .agreed;
}
static_assert(writes("permessage-deflate; server_no_context_takeover; server_max_window_bits=12; "
                     "client_max_window_bits"));
static_assert(ws::is_valid({}, role::server) && ws::is_valid({}, role::client));

// --- outcomes as text

std::string named(std::string_view parameters) {
    return std::string(ws::deflate_name) + (parameters.empty() ? "" : "; ") + std::string(parameters);
}

std::string response_text(const deflate_parameters& parameters) {
    char room[ws::max_deflate_text];
    return std::string(ws::write_deflate_response(room, parameters));
}

// The response, or that there is none.
std::string shown(const deflate_agreement& found) {
    if (found.error != ws::errc::none) return std::string(error(found.error).name());
    return found.agreed ? response_text(found.parameters) : "declined";
}

// The response of a server to one offer with these parameters; the name of the extension is left out in both.
std::string answer_to(std::string_view parameters, const deflate_policy& policy = {},
                      unsigned smallest_window = ws::smallest_deflate_window) {
    const std::string offer = named(parameters);
    const deflate_agreement found = ws::choose_deflate(field_of(offer), policy, smallest_window);
    CHECK(found.error == ws::errc::none);
    CHECK((found.agreed || found.parameters == deflate_parameters{}));
    if (!found.agreed) return "declined";
    const std::string response = response_text(found.parameters);
    return response == ws::deflate_name ? "" : response.substr(named("x").size() - 1);
}

struct offer_row {
    std::string_view offer, response;
};

template <std::size_t Size>
void check_rows(const offer_row (&rows)[Size], const deflate_policy& policy = {},
                unsigned smallest_window = ws::smallest_deflate_window) {
    for (const offer_row& row : rows) {
        INFO(row.offer);
        CHECK(answer_to(row.offer, policy, smallest_window) == row.response);
    }
}

std::string offer_text(const deflate_parameters& parameters) {
    char room[ws::max_deflate_text];
    return std::string(ws::write_deflate_offer(room, parameters));
}

// The result for a client of the response to its offers: the parameters, or that there is no agreement.
std::string finding_of(std::string_view offered, std::string_view response) {
    const deflate_agreement found = ws::check_deflate(field_of(response), offered);
    CHECK((found.agreed || found.parameters == deflate_parameters{}));
    CHECK((found.error == ws::errc::none || found.error == ws::errc::bad_deflate_response));
    if (found.error != ws::errc::none) CHECK(!found.agreed);
    return shown(found);
}

void is_good(const deflate_parameters& offer, std::string_view parameters) {
    INFO(parameters);
    CHECK(finding_of(offer_text(offer), named(parameters)) == named(parameters));
}
void is_bad(const deflate_parameters& offer, std::string_view parameters) {
    INFO(parameters);
    CHECK(finding_of(offer_text(offer), named(parameters)) == "bad_deflate_response");
}

constexpr deflate_parameters plain_offer{};
constexpr deflate_parameters usual_offer{.client_max_window_bits = 15};
constexpr std::string_view usual_text = "permessage-deflate; client_max_window_bits";

// Every window that a parameter can have, and 0 for a parameter that is not there.
constexpr std::array<std::uint8_t, 9> windows{0, 8, 9, 10, 11, 12, 13, 14, 15};

std::vector<deflate_parameters> all_parameters() {
    std::vector<deflate_parameters> all;
    for (const bool server_forgets : {false, true}) {
        for (const bool client_forgets : {false, true}) {
            for (const std::uint8_t server_window : windows) {
                for (const std::uint8_t client_window : windows) {
                    all.push_back({server_forgets, client_forgets, server_window, client_window});
                }
            }
        }
    }
    return all;
}

unsigned bits_of(std::uint8_t window) { return window == 0 ? 15 : window; }

} // namespace

// --- what may stand in an offer

TEST_CASE("D1: an offer of nothing else, and what is no offer") {
    const offer_row rows[] = {
        {"permessage-deflate", "permessage-deflate"},
        {" , permessage-deflate ,", "permessage-deflate"},
        {"permessage-compress", "declined"},
        {"permessage-deflat", "declined"},
        {"permessage-deflate2", "declined"},
        {"Permessage-Deflate", "declined"},
        {"x-webkit-deflate-frame; permessage-deflate", "declined"},
        {"", "declined"},
    };
    for (const offer_row& row : rows) {
        INFO(row.offer);
        CHECK(shown(ws::choose_deflate(field_of(row.offer), {})) == row.response);
    }
    CHECK(shown(ws::choose_deflate(std::vector<field>{}, {})) == "declined");
    CHECK(shown(ws::choose_deflate(std::vector<field>{{"Extensions", "permessage-deflate"}}, {})) == "declined");
}

TEST_CASE("D1: an unknown parameter declines the offer, with a value and without, wherever it stands") {
    check_rows({
        {"mystery", "declined"},
        {"mystery=1", "declined"},
        {"mystery; server_no_context_takeover", "declined"},
        {"server_no_context_takeover; mystery", "declined"},
        {"server_max_window_bits=10; mystery=10", "declined"},
        {"no_context_takeover", "declined"},
        {"max_window_bits=10", "declined"},
        {"s2c_max_window_bits=10", "declined"},
        {"server_max_window_bits2=10", "declined"},
        {"server_max_window_bit=10", "declined"},
        {"Server_No_Context_Takeover", "declined"},
        {"CLIENT_NO_CONTEXT_TAKEOVER", "declined"},
        {"Server_max_window_bits=10", "declined"},
        {"CLIENT_MAX_WINDOW_BITS", "declined"},
    });
}

TEST_CASE("D1: a repeated parameter declines the offer, also with the same value") {
    check_rows({
        {"server_no_context_takeover; server_no_context_takeover", "declined"},
        {"client_no_context_takeover; client_no_context_takeover", "declined"},
        {"server_max_window_bits=10; server_max_window_bits=10", "declined"},
        {"server_max_window_bits=10; server_max_window_bits=12", "declined"},
        {"server_max_window_bits=10; server_no_context_takeover; server_max_window_bits=10", "declined"},
        {"client_max_window_bits; client_max_window_bits", "declined"},
        {"client_max_window_bits=10; client_max_window_bits", "declined"},
        {"client_max_window_bits; client_max_window_bits=10", "declined"},
        {"client_max_window_bits=10; client_max_window_bits=10", "declined"},
    });
}

TEST_CASE("D2: what an offer asks of the server is granted, and what it says of the client made binding") {
    check_rows({
        {"server_no_context_takeover", "server_no_context_takeover"},
        {"client_no_context_takeover", "client_no_context_takeover"},
        {"server_no_context_takeover; client_no_context_takeover",
         "server_no_context_takeover; client_no_context_takeover"},
        {"client_no_context_takeover ;\tserver_no_context_takeover",
         "server_no_context_takeover; client_no_context_takeover"},
    });
}

TEST_CASE("D2: the takeover parameters have no value") {
    check_rows({
        {"server_no_context_takeover=1", "declined"},
        {"server_no_context_takeover=true", "declined"},
        {"server_no_context_takeover=\"x\"", "declined"},
        {"server_no_context_takeover=", "declined"},
        {"server_no_context_takeover=\"\"", "declined"},
        {"client_no_context_takeover=1", "declined"},
        {"client_no_context_takeover=10", "declined"},
        {"client_no_context_takeover=\"x\"", "declined"},
        {"client_no_context_takeover=", "declined"},
    });
}

TEST_CASE("D3: a server keeps to every window of an offer, and says so") {
    check_rows({
        {"server_max_window_bits=9", "server_max_window_bits=9"},
        {"server_max_window_bits=10", "server_max_window_bits=10"},
        {"server_max_window_bits=11", "server_max_window_bits=11"},
        {"server_max_window_bits=12", "server_max_window_bits=12"},
        {"server_max_window_bits=13", "server_max_window_bits=13"},
        {"server_max_window_bits=14", "server_max_window_bits=14"},
        {"server_max_window_bits=15", "server_max_window_bits=15"},
    });
}

TEST_CASE("D3 D4: a window is decimal, from 8 to 15, without a leading zero, quoted or not") {
    const offer_row rows[] = {
        {"10", "10"},
        {" 10", "10"},
        {"\"10\"", "10"},
        {"\"\\10\"", "10"},
        {"\"1\\0\"", "10"},
        {"\"\\1\\0\"", "10"},
        {"\"9\"", "9"},
        {"\"\\9\"", "9"},
        {"\t= 10", "declined"},
        {"", "declined"},
        {"\"\"", "declined"},
        {"0", "declined"},
        {"1", "declined"},
        {"7", "declined"},
        {"16", "declined"},
        {"19", "declined"},
        {"20", "declined"},
        {"80", "declined"},
        {"99", "declined"},
        {"00", "declined"},
        {"05", "declined"},
        {"08", "declined"},
        {"09", "declined"},
        {"010", "declined"},
        {"015", "declined"},
        {"\"015\"", "declined"},
        {"\"\\0\\9\"", "declined"},
        {"100", "declined"},
        {"150", "declined"},
        {"1024", "declined"},
        {"264", "declined"},
        {"4294967306", "declined"},
        {"18446744073709551626", "declined"},
        {"99999999999999999999999999999999999999999999999999", "declined"},
        {"+9", "declined"},
        {"-9", "declined"},
        {"+10", "declined"},
        {"-10", "declined"},
        {"1.", "declined"},
        {"9.0", "declined"},
        {"0xa", "declined"},
        {"a", "declined"},
        {"1a", "declined"},
        {"9a", "declined"},
        {"1/", "declined"},
        {"1:", "declined"},
        {"\"1 0\"", "declined"},
        {"\"10", "declined"},
        {"10\"", "declined"},
        {"'10'", "declined"},
        {"\xd9\xa9", "declined"},
    };
    for (const offer_row& row : rows) {
        INFO(row.offer);
        const std::string value(row.offer), taken(row.response);
        const bool good = taken != "declined";
        CHECK(answer_to("server_max_window_bits=" + value) == (good ? "server_max_window_bits=" + taken : taken));
        CHECK(answer_to("client_max_window_bits=" + value) == (good ? "client_max_window_bits=" + taken : taken));
    }
    CHECK(answer_to("server_max_window_bits = 10") == "server_max_window_bits=10");
    CHECK(answer_to("server_max_window_bits") == "declined"); // only the client's may be without
}

TEST_CASE("D4: an offer has the client's window without a value, or the most that it can be") {
    check_rows({
        {"client_max_window_bits", ""},
        {"client_max_window_bits=15", ""},
        {"client_max_window_bits=14", "client_max_window_bits=14"},
        {"client_max_window_bits=9", "client_max_window_bits=9"},
        {"client_max_window_bits=8", "client_max_window_bits=8"}, // the client compresses with it, not we
        {"client_max_window_bits; server_max_window_bits=10", "server_max_window_bits=10"},
        {"client_max_window_bits=11; server_max_window_bits=10; client_no_context_takeover",
         "client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=11"},
    });
}

// --- which offer is chosen

TEST_CASE("D1: the first offer that is valid is chosen, whatever stands between") {
    const auto chosen = [](std::string_view offers) { return shown(ws::choose_deflate(field_of(offers), {})); };
    CHECK(chosen("permessage-deflate; server_max_window_bits=10, permessage-deflate") ==
          "permessage-deflate; server_max_window_bits=10");
    CHECK(chosen("permessage-deflate, permessage-deflate; server_max_window_bits=10") == "permessage-deflate");
    CHECK(chosen("permessage-deflate; mystery, permessage-deflate; client_no_context_takeover") ==
          "permessage-deflate; client_no_context_takeover");
    CHECK(chosen("permessage-deflate; server_max_window_bits=16, permessage-deflate; server_max_window_bits=8, "
                 "permessage-deflate; server_max_window_bits=9, permessage-deflate") ==
          "permessage-deflate; server_max_window_bits=9");
    CHECK(chosen("x-webkit-deflate-frame, mux; max-channels=4, permessage-deflate; client_max_window_bits=9, other") ==
          "permessage-deflate; client_max_window_bits=9");
    CHECK(chosen("mystery; server_max_window_bits=9, permessage-deflate") == "permessage-deflate");
    CHECK(chosen("permessage-deflate; mystery, permessage-deflate; server_max_window_bits") == "declined");
}

TEST_CASE("D1: a declined offer leaves nothing behind in the next") {
    const auto chosen = [](std::string_view offers) { return shown(ws::choose_deflate(field_of(offers), {})); };
    CHECK(chosen("permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
                 "server_max_window_bits=10; client_max_window_bits=10; mystery, permessage-deflate") ==
          "permessage-deflate");
    CHECK(chosen("permessage-deflate; server_no_context_takeover; server_max_window_bits=8, permessage-deflate") ==
          "permessage-deflate");
}

TEST_CASE("D1: offers in several fields are one list") {
    const std::vector<field> offered{
        {"Host", "permessage-deflate"},
        {"sec-websocket-extensions", "permessage-deflate; mystery, other"},
        {"Sec-WebSocket-Protocol", "permessage-deflate; server_max_window_bits=10"},
        {"SEC-WEBSOCKET-EXTENSIONS", "permessage-deflate; server_max_window_bits=12"},
        {"Sec-WebSocket-Extensions", "permessage-deflate"},
    };
    CHECK(shown(ws::choose_deflate(offered, {})) == "permessage-deflate; server_max_window_bits=12");
    CHECK(shown(ws::choose_deflate(std::span(offered).first(3), {})) == "declined");
    CHECK(shown(ws::choose_deflate(std::span(offered).last(1), {})) == "permessage-deflate");
}

// --- the policy of a server

TEST_CASE("D2: a server can ask for no takeover in each direction, unasked") {
    check_rows(
        {
            {"", "server_no_context_takeover"},
            {"server_no_context_takeover", "server_no_context_takeover"},
            {"client_no_context_takeover", "server_no_context_takeover; client_no_context_takeover"},
        },
        {.wanted = {.server_no_context_takeover = true}});
    check_rows(
        {
            {"", "client_no_context_takeover"},
            {"client_no_context_takeover", "client_no_context_takeover"},
            {"server_no_context_takeover", "server_no_context_takeover; client_no_context_takeover"},
        },
        {.wanted = {.client_no_context_takeover = true}});
}

TEST_CASE("D3: a server sends with the smaller of its own window and the offered one, and may say so unasked") {
    check_rows(
        {
            {"", "server_max_window_bits=12"},
            {"server_max_window_bits=15", "server_max_window_bits=12"},
            {"server_max_window_bits=12", "server_max_window_bits=12"},
            {"server_max_window_bits=11", "server_max_window_bits=11"},
            {"client_max_window_bits", "server_max_window_bits=12"},
        },
        {.wanted = {.server_max_window_bits = 12}});
    check_rows({{"", ""}, {"server_max_window_bits=15", "server_max_window_bits=15"}},
               {.wanted = {.server_max_window_bits = 15}});
}

TEST_CASE("D4: a server asks for a smaller window of the client only where the offer allows it") {
    const deflate_parameters wanted{.client_max_window_bits = 10};
    check_rows(
        {
            {"", ""},
            {"client_max_window_bits", "client_max_window_bits=10"},
            {"client_max_window_bits=15", "client_max_window_bits=10"},
            {"client_max_window_bits=10", "client_max_window_bits=10"},
            {"client_max_window_bits=9", "client_max_window_bits=9"},
        },
        {.wanted = wanted});
    check_rows(
        {
            {"", "declined"},
            {"server_no_context_takeover; server_max_window_bits=9", "declined"},
            {"client_max_window_bits", "client_max_window_bits=10"},
            {"client_max_window_bits=9", "client_max_window_bits=9"},
        },
        {.wanted = wanted, .decline_larger_window = true});
    const deflate_policy strict{.wanted = wanted, .decline_larger_window = true};
    CHECK(shown(ws::choose_deflate(field_of("permessage-deflate, permessage-deflate; client_max_window_bits"),
                                   strict)) == "permessage-deflate; client_max_window_bits=10");
    // Who wants no smaller window has nothing to decline.
    check_rows({{"", ""}, {"client_max_window_bits", ""}}, {.decline_larger_window = true});
    check_rows({{"", ""}, {"client_max_window_bits", ""}},
               {.wanted = {.client_max_window_bits = 15}, .decline_larger_window = true});
}

TEST_CASE("D8: a window that the compressor cannot keep to is not agreed to for sending, but for receiving it is") {
    check_rows(
        {
            {"server_max_window_bits=8", "declined"},
            {"server_max_window_bits=9", "server_max_window_bits=9"},
            {"client_max_window_bits=8", "client_max_window_bits=8"},
        },
        {}, 9);
    check_rows(
        {
            {"server_max_window_bits=8", "server_max_window_bits=8"},
            {"server_max_window_bits=9; client_max_window_bits=8",
             "server_max_window_bits=9; client_max_window_bits=8"},
        },
        {}, 8);
    check_rows({{"server_max_window_bits=14", "declined"}, {"server_max_window_bits=15", "server_max_window_bits=15"}},
               {}, 15);
    check_rows({{"client_max_window_bits", "client_max_window_bits=8"}}, {.wanted = {.client_max_window_bits = 8}});
}

TEST_CASE("D8: a policy is valid where its windows exist and its own compressor can keep to them") {
    const auto valid = [](std::uint8_t server_window, std::uint8_t client_window, role own, unsigned smallest = 9) {
        return ws::is_valid(
            {.wanted = {.server_max_window_bits = server_window, .client_max_window_bits = client_window}}, own,
            smallest);
    };
    for (const role own : {role::server, role::client}) {
        CHECK(ws::is_valid({}, own));
        CHECK(valid(9, 9, own));
        CHECK(valid(15, 15, own));
        CHECK(valid(8, 8, own, 8));
        for (const std::uint8_t none : std::array<std::uint8_t, 4>{1, 7, 16, 255}) {
            CHECK(!valid(none, 0, own));
            CHECK(!valid(0, none, own));
        }
    }
    CHECK(!valid(8, 0, role::server));
    CHECK(valid(0, 8, role::server));
    CHECK(valid(8, 0, role::client));
    CHECK(!valid(0, 8, role::client));
    CHECK(!valid(14, 0, role::server, 15));
    CHECK(valid(0, 14, role::server, 15));
}

// --- a client's offer, and what it makes of the response

TEST_CASE("D4: a client offers what it wants, and always that the server may choose its window") {
    const auto offered = [](const deflate_parameters& wanted) {
        char room[ws::max_deflate_text];
        return std::string(ws::write_deflate_offer(room, ws::offer_of({.wanted = wanted})));
    };
    CHECK(offered({}) == "permessage-deflate; client_max_window_bits");
    CHECK(offered({.client_max_window_bits = 15}) == "permessage-deflate; client_max_window_bits");
    CHECK(offered({.client_max_window_bits = 14}) == "permessage-deflate; client_max_window_bits=14");
    CHECK(offered({.client_max_window_bits = 9}) == "permessage-deflate; client_max_window_bits=9");
    CHECK(offered({.server_max_window_bits = 15}) == "permessage-deflate; client_max_window_bits");
    CHECK(offered({.server_max_window_bits = 8}) ==
          "permessage-deflate; server_max_window_bits=8; client_max_window_bits");
    CHECK(offered({.server_no_context_takeover = true}) ==
          "permessage-deflate; server_no_context_takeover; client_max_window_bits");
    CHECK(offered({.client_no_context_takeover = true}) ==
          "permessage-deflate; client_no_context_takeover; client_max_window_bits");
    CHECK(offered({true, true, 10, 11}) == "permessage-deflate; server_no_context_takeover; "
                                           "client_no_context_takeover; server_max_window_bits=10; "
                                           "client_max_window_bits=11");
}

TEST_CASE("D1: a response without the extension declines the offer") {
    for (const std::string_view response : {"", "mux", "mux; server_max_window_bits=99", "permessage-bzip2"}) {
        INFO(response);
        CHECK(finding_of(usual_text, response) == "declined");
    }
    CHECK(shown(ws::check_deflate(std::vector<field>{}, usual_text)) == "declined");
    CHECK(shown(ws::check_deflate(std::vector<field>{{"Server", "permessage-deflate; mystery"}}, usual_text)) ==
          "declined");
}

TEST_CASE("D1: an invalid parameter in a response fails the connection") {
    const std::string_view parameters[] = {
        "mystery",
        "mystery=1",
        "server_max_window_bits",
        "server_max_window_bits=7",
        "server_max_window_bits=16",
        "server_max_window_bits=015",
        "server_max_window_bits=\"09\"",
        "server_max_window_bits=-9",
        "server_max_window_bits=18446744073709551626",
        "server_no_context_takeover=1",
        "client_no_context_takeover=true",
        "client_max_window_bits=7",
        "client_max_window_bits=16",
        "client_max_window_bits=010",
        "SERVER_NO_CONTEXT_TAKEOVER",
        "server_no_context_takeover; server_no_context_takeover",
        "client_no_context_takeover; client_no_context_takeover",
        "server_max_window_bits=10; server_max_window_bits=10",
        "client_max_window_bits=10; client_max_window_bits=10",
        "server_max_window_bits=10; mystery",
    };
    for (const std::string_view each : parameters) is_bad(usual_offer, each);
}

TEST_CASE("D1: a second answer fails the connection, in one field and in two, the same or another") {
    const std::string_view twice[] = {
        "permessage-deflate, permessage-deflate",
        "permessage-deflate; server_max_window_bits=10, permessage-deflate",
        "permessage-deflate, mux, permessage-deflate; client_no_context_takeover",
        "permessage-deflate, permessage-deflate; mystery",
        "permessage-deflate; mystery, permessage-deflate",
    };
    for (const std::string_view each : twice) CHECK(finding_of(usual_text, each) == "bad_deflate_response");
    const std::array<field, 2> fields{field{field_name, "permessage-deflate"}, {field_name, "permessage-deflate"}};
    CHECK(shown(ws::check_deflate(fields, usual_text)) == "bad_deflate_response");
}

TEST_CASE("D1: one answer is found among those of other extensions") {
    CHECK(finding_of(usual_text, "mux; mystery, permessage-deflate; client_max_window_bits=10, other; a=b") ==
          "permessage-deflate; client_max_window_bits=10");
    const std::vector<field> fields{
        {"sec-websocket-extensions", "mux"},
        {"Server", "permessage-deflate; mystery"},
        {"Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=\"1\\0\""}};
    CHECK(shown(ws::check_deflate(fields, usual_text)) == "permessage-deflate; server_max_window_bits=10");
}

TEST_CASE("D1: of several offers a response has to fit one, whichever it is") {
    const std::string_view three =
        "permessage-deflate; server_max_window_bits=10; client_max_window_bits, x-other; a=b, "
        "permessage-deflate; server_no_context_takeover, permessage-deflate; "
        "server_max_window_bits=12";
    const auto fits = [&](std::string_view parameters) {
        return finding_of(three, named(parameters)) == named(parameters);
    };
    CHECK(fits("server_max_window_bits=10"));
    CHECK(fits("server_max_window_bits=9; client_max_window_bits=15"));
    CHECK(fits("server_no_context_takeover"));
    CHECK(fits("server_max_window_bits=12"));
    // Terms that no single offer has.
    CHECK(finding_of(three, "permessage-deflate") == "bad_deflate_response");
    CHECK(finding_of(three, named("server_max_window_bits=13")) == "bad_deflate_response");
    CHECK(finding_of(three, named("server_max_window_bits=12; client_max_window_bits=10")) == "bad_deflate_response");
    // An offer that no server may accept, and one of something else.
    CHECK(finding_of("permessage-deflate; x, permessage-bzip2", "permessage-deflate") == "bad_deflate_response");
    CHECK(finding_of("", "permessage-deflate") == "bad_deflate_response");
}

TEST_CASE("D2 D4: what the offers that fit say of the client's own messages is a promise, the strictest of each kind") {
    const auto promised = [](std::string_view offers, std::string_view response) {
        return ws::check_deflate(field_of(response), offers).promised;
    };
    const std::string_view plain = "permessage-deflate";
    CHECK(promised("permessage-deflate; client_max_window_bits", plain) == deflate_parameters{});
    CHECK(promised("permessage-deflate; client_max_window_bits=10", plain) ==
          deflate_parameters{.client_max_window_bits = 10});
    const std::string_view three = "permessage-deflate; client_max_window_bits=10, permessage-deflate; "
                                   "client_no_context_takeover; client_max_window_bits=12, permessage-deflate";
    CHECK(promised(three, plain) ==
          deflate_parameters{.client_no_context_takeover = true, .client_max_window_bits = 10});
    CHECK(promised(three, "permessage-deflate; client_max_window_bits=11") ==
          deflate_parameters{.client_no_context_takeover = true, .client_max_window_bits = 12});
    CHECK(promised(three, "permessage-deflate; client_max_window_bits=13") == deflate_parameters{}); // an error
    CHECK(promised(three, "x") == deflate_parameters{});
}

TEST_CASE("D1: offers can be made if all of them are right") {
    for (const std::string_view right : {"permessage-deflate", "permessage-deflate; server_max_window_bits=\"1\\0\"",
                                         "x; y=z, permessage-deflate; client_max_window_bits=8, permessage-deflate"}) {
        INFO(right);
        CHECK(ws::are_deflate_offers(right));
    }
    for (const std::string_view wrong :
         {"", "x", "permessage-bzip2", "permessage-deflate; x", "permessage-deflate; server_max_window_bits",
          "permessage-deflate, permessage-deflate; client_max_window_bits=16", "permessage-deflate;",
          "permessage-deflate, y z", "permessage-deflate; client_no_context_takeover=1, permessage-deflate"}) {
        INFO(wrong);
        CHECK(!ws::are_deflate_offers(wrong));
    }
}

TEST_CASE("D2: no takeover of the server must be granted where it was asked for, and all else may come unasked") {
    const deflate_parameters asked{.server_no_context_takeover = true, .client_max_window_bits = 15};
    is_good(asked, "server_no_context_takeover");
    is_good(asked, "server_no_context_takeover; client_no_context_takeover");
    is_bad(asked, "");
    is_bad(asked, "client_no_context_takeover");
    is_bad(asked, "server_max_window_bits=9");

    is_good(plain_offer, "server_no_context_takeover");
    is_good(plain_offer, "client_no_context_takeover");

    // A parameter of an offer about the client is a hint, which the server may ignore.
    const deflate_parameters hinted{.client_no_context_takeover = true};
    is_good(hinted, "");
    is_good(hinted, "client_no_context_takeover");
}

TEST_CASE("D3: the server's window must be in the response where it was asked for, and not be larger") {
    const deflate_parameters asked{.server_max_window_bits = 10, .client_max_window_bits = 15};
    is_bad(asked, "");
    is_bad(asked, "client_max_window_bits=10");
    is_bad(asked, "server_max_window_bits=15");
    is_bad(asked, "server_max_window_bits=11");
    is_good(asked, "server_max_window_bits=10");
    is_good(asked, "server_max_window_bits=9");
    is_good(asked, "server_max_window_bits=8"); // what comes with it can be inflated

    // Some servers take the largest window, which is what they have anyway, as granted.
    is_good({.server_max_window_bits = 15}, "");
    is_good({.server_max_window_bits = 15}, "server_max_window_bits=15");

    is_good(plain_offer, "server_max_window_bits=15");
    is_good(plain_offer, "server_max_window_bits=8");
    CHECK(finding_of(ws::deflate_name, named("server_max_window_bits=\"12\"")) == named("server_max_window_bits=12"));
}

TEST_CASE("D4: the client's window is in a response only where it was offered, with a value, and not larger") {
    is_bad(plain_offer, "client_max_window_bits=15");
    is_bad(plain_offer, "client_max_window_bits=10");
    is_bad(plain_offer, "client_max_window_bits");

    is_bad(usual_offer, "client_max_window_bits");
    is_good(usual_offer, "");
    is_good(usual_offer, "client_max_window_bits=15");
    is_good(usual_offer, "client_max_window_bits=9");
    is_good(usual_offer, "client_max_window_bits=8");

    const deflate_parameters less{.client_max_window_bits = 10};
    is_good(less, "");
    is_good(less, "client_max_window_bits=10");
    is_good(less, "client_max_window_bits=8");
    is_bad(less, "client_max_window_bits=11");
    is_bad(less, "client_max_window_bits=15");
}

// --- both sides

TEST_CASE("D1 D2 D3 D4: the negotiations that RFC 7692 shows") {
    const auto response_to = [](std::string_view offers, const deflate_policy& policy = {}) {
        return shown(ws::choose_deflate(field_of(offers), policy));
    };
    // Section 7.1.3: the simplest, which are the same.
    CHECK(response_to("permessage-deflate") == "permessage-deflate");
    CHECK(finding_of(ws::deflate_name, "permessage-deflate") == "permessage-deflate");

    // A window of 1024 bytes asked of the server, one that the server may choose for the client, and a fallback.
    constexpr std::string_view one = "permessage-deflate; client_max_window_bits; server_max_window_bits=10";
    constexpr std::string_view both = "permessage-deflate; client_max_window_bits; server_max_window_bits=10, "
                                      "permessage-deflate; client_max_window_bits";
    const deflate_policy small{.wanted = {.client_max_window_bits = 10}};
    CHECK(response_to(one) == "permessage-deflate; server_max_window_bits=10");
    CHECK(response_to(both) == "permessage-deflate; server_max_window_bits=10");
    CHECK(response_to(both, small) == "permessage-deflate; server_max_window_bits=10; client_max_window_bits=10");
    // A compressor without such a small window takes the fallback.
    CHECK(shown(ws::choose_deflate(field_of(one), {}, 15)) == "declined");
    CHECK(shown(ws::choose_deflate(field_of(both), {}, 15)) == "permessage-deflate");
    CHECK(shown(ws::choose_deflate(field_of(both), small, 15)) == "permessage-deflate; client_max_window_bits=10");

    // Sections 7.1.1.1 and 7.1.1.2.
    CHECK(response_to("permessage-deflate; server_no_context_takeover") ==
          "permessage-deflate; server_no_context_takeover");
    CHECK(response_to("permessage-deflate; client_no_context_takeover") ==
          "permessage-deflate; client_no_context_takeover");
}

TEST_CASE("D1 D2 D3 D4 D8: for each policy and each offer, the client accepts what the server responds") {
    const std::vector<deflate_parameters> all = all_parameters();
    char offer_room[ws::max_deflate_text], response_room[ws::max_deflate_text];
    unsigned wrong = 0, declined = 0;
    for (const deflate_parameters& offer : all) {
        const std::string_view text = ws::write_deflate_offer(offer_room, offer);
        const auto offered = field_of(text);
        for (const deflate_parameters& wanted : all) {
            for (const unsigned variant : {0U, 1U, 2U, 3U}) {
                const unsigned smallest_window = 8 + (variant & 1U);
                const deflate_policy policy{.wanted = wanted, .decline_larger_window = variant >= 2};
                if (!ws::is_valid(policy, role::server, smallest_window)) continue;
                const deflate_agreement chosen = ws::choose_deflate(offered, policy, smallest_window);

                const bool no_compressor = bits_of(offer.server_max_window_bits) < smallest_window;
                const bool too_large = offer.client_max_window_bits == 0 && bits_of(wanted.client_max_window_bits) < 15;
                const bool expected = !no_compressor && !(too_large && policy.decline_larger_window);
                if (chosen.agreed != expected || chosen.error != ws::errc::none) ++wrong;
                if (!chosen.agreed) {
                    ++declined;
                    continue;
                }
                const deflate_parameters& made = chosen.parameters;
                const auto response = field_of(ws::write_deflate_response(response_room, made));
                const deflate_agreement found = ws::check_deflate(response, text);
                if (!found.agreed || found.parameters != made) ++wrong;

                // Both get what they asked of each other, and the server what it wants for itself.
                const unsigned server_window = bits_of(made.server_max_window_bits);
                if (server_window > bits_of(offer.server_max_window_bits) || server_window < smallest_window ||
                    server_window > bits_of(wanted.server_max_window_bits) ||
                    bits_of(made.client_max_window_bits) > bits_of(offer.client_max_window_bits) ||
                    (!too_large && bits_of(made.client_max_window_bits) > bits_of(wanted.client_max_window_bits)) ||
                    made.server_no_context_takeover !=
                        (offer.server_no_context_takeover || wanted.server_no_context_takeover) ||
                    made.client_no_context_takeover !=
                        (offer.client_no_context_takeover || wanted.client_no_context_takeover)) {
                    ++wrong;
                }
            }
        }
    }
    CHECK(wrong == 0);
    CHECK(declined != 0);
}

TEST_CASE("D2 D3 D4: what a client offers, a server without wishes grants in full") {
    for (const deflate_parameters& wanted : all_parameters()) {
        if (wanted.server_max_window_bits == 8) continue;
        char room[ws::max_deflate_text];
        const deflate_parameters offer = ws::offer_of({.wanted = wanted});
        const deflate_agreement chosen = ws::choose_deflate(field_of(ws::write_deflate_offer(room, offer)), {});
        REQUIRE(chosen.agreed);
        CHECK(chosen.parameters.server_no_context_takeover == wanted.server_no_context_takeover);
        CHECK(chosen.parameters.client_no_context_takeover == wanted.client_no_context_takeover);
        CHECK(bits_of(chosen.parameters.server_max_window_bits) == bits_of(wanted.server_max_window_bits));
        CHECK(bits_of(chosen.parameters.client_max_window_bits) == bits_of(wanted.client_max_window_bits));
    }
}

TEST_CASE("D1: offers and responses are written whole or not at all, and never beyond the room") {
    const auto check_at_every_size = [](auto write, const deflate_parameters& parameters) {
        char room[ws::max_deflate_text];
        const std::string whole(write(room, parameters));
        REQUIRE(!whole.empty());
        for (std::size_t size = 0; size <= whole.size(); ++size) {
            std::vector<char> exact(size); // the sanitizer sees a byte too many
            CHECK(write(exact, parameters) == (size < whole.size() ? "" : whole));
        }
        return whole.size();
    };
    std::size_t longest = 0;
    for (const deflate_parameters& each :
         {deflate_parameters{}, usual_offer, {true, true, 15, 15}, {true, true, 15, 14}}) {
        const std::size_t offer = check_at_every_size(
            [](std::span<char> out, const deflate_parameters& what) { return ws::write_deflate_offer(out, what); },
            each);
        const std::size_t response = check_at_every_size(
            [](std::span<char> out, const deflate_parameters& what) { return ws::write_deflate_response(out, what); },
            each);
        for (const std::size_t size : {offer, response}) longest = size > longest ? size : longest;
    }
    CHECK(longest == ws::max_deflate_text);
}

TEST_CASE("D1: parameters are equal if all of them are") {
    const deflate_parameters all{.server_no_context_takeover = true,
                                 .client_no_context_takeover = true,
                                 .server_max_window_bits = 10,
                                 .client_max_window_bits = 11};
    CHECK(all == deflate_parameters(all));
    for (int changed = 0; changed != 4; ++changed) {
        deflate_parameters other = all;
        if (changed == 0) other.server_no_context_takeover = false;
        if (changed == 1) other.client_no_context_takeover = false;
        if (changed == 2) other.server_max_window_bits = 9;
        if (changed == 3) other.client_max_window_bits = 9;
        CHECK(other != all);
    }
}
