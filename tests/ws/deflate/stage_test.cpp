// Endpoints that compress: the handshake, messages both ways at any cuts, windows and context takeover (RFC 7692).
// SPDX-License-Identifier: MIT
#include <sockless/ws/deflate/stage.hpp>

#include <sockless/ws/deflate/zlib.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <utility>

#include "../../support/compressed.hpp"
#include "../../support/stored_codec.hpp"

using namespace sockless;
using namespace sockless::test;
using lines = std::vector<std::string>;
using sizes = std::initializer_list<std::size_t>;
using ws::message_type;

namespace {

// A log without its Pings, of which only the number is told; the pieces of a message that they stood between are
// joined.
lines without_pings(const lines& log) {
    lines out;
    std::size_t pings = 0;
    for (const std::string& line : log) {
        if (line == "ping: p") {
            ++pings;
        } else if (line.starts_with("piece") && line.find(" first: ") == std::string::npos && !out.empty()) {
            out.back() += line.substr(line.find(": ") + 2);
        } else {
            out.push_back(line);
        }
    }
    out.push_back(std::to_string(pings) + " pings");
    return out;
}

} // namespace

// --- the opening handshake

TEST_CASE("D1 D3 D4 H11: a server agrees to the first offer that it can grant, beside other extensions") {
    struct row {
        std::string_view offer;
        ws::deflate_policy policy;
        ws::acceptance how;
        std::string_view answer;
    };
    const ws::deflate_policy small = {.wanted = {.client_max_window_bits = 10}, .decline_larger_window = true};
    const std::string_view plain = "permessage-deflate";
    for (const row& each : {
             row{plain, {}, {}, plain},
             row{"permessage-deflate; client_max_window_bits", {}, {}, plain},
             row{"permessage-deflate; client_max_window_bits",
                 small,
                 {},
                 "permessage-deflate; client_max_window_bits=10"},
             row{"permessage-deflate; server_no_context_takeover; server_max_window_bits=\"9\"",
                 {},
                 {},
                 "permessage-deflate; server_no_context_takeover; server_max_window_bits=9"},
             row{"permessage-deflate; server_max_window_bits=8, permessage-deflate", {}, {}, plain},
             row{"permessage-deflate; x, x-a, permessage-deflate; server_max_window_bits=7, permessage-deflate",
                 {},
                 {},
                 plain},
             row{"x-a; b=1, permessage-deflate", {}, {.extensions = "x-a; b=1"}, "x-a; b=1, permessage-deflate"},
             row{"x-a; b=1, permessage-deflate; x", {}, {.extensions = "x-a; b=1"}, "x-a; b=1"},
             row{plain, small, {}, "(none)"},
             row{"permessage-deflate; server_max_window_bits=8", {}, {}, "(none)"},
             row{"x-a", {}, {}, "(none)"},
             row{plain, {}, {.compression = false}, "(none)"},
             row{"x-a, permessage-deflate", {}, {.extensions = "x-a", .compression = false}, "x-a"},
         }) {
        CAPTURE(each.offer);
        scripted<ws::zlib_server> run(ws::zlib_server({}, ws::zlib_compression(each.policy)),
                                      [&](ws::zlib_server& peer, const ws::event& event) {
                                          if (event.kind != ws::kind::request) return;
                                          CHECK_FALSE(peer.compression().agreement().agreed);
                                          CHECK_FALSE(peer.accept(each.how));
                                      });
        run.feed_text(upgrade_request("Sec-WebSocket-Extensions: " + std::string(each.offer) + "\r\n"));
        CHECK(head_in(run.take_sent())["Sec-WebSocket-Extensions"] == each.answer);
        const bool agrees = each.answer.find(plain) != std::string_view::npos;
        CHECK(run.peer.compression().agreement().agreed == agrees);

        // Without an agreement compressed messages are neither sent nor taken.
        CHECK_FALSE(run.peer.send_text(story, ws::compressed::always));
        CHECK(frames_in(run.take_sent())[0].first == (agrees ? 0xC1U : 0x81U));
        run.feed_copy(compressed_text(role::client, deflated("hello")));
        CHECK(run.log.back() == (agrees ? "message text compressed: hello" : "closed 1006 unclean reserved_bit_set"));
        CHECK(run.complaint == "");
        if (!agrees) CHECK(close_sent(run) == 1002);
    }
}

TEST_CASE("D1 H11: a server that cannot be answered with what the caller gives still waits for its answer") {
    scripted<ws::zlib_server> run(ws::zlib_server({}, ws::zlib_compression({.wanted = {.server_max_window_bits = 8}})),
                                  [](ws::zlib_server&, const ws::event&) {});
    run.feed_text(upgrade_request("Sec-WebSocket-Extensions: permessage-deflate\r\n"));
    CHECK(run.peer.accept() == ws::errc::bad_deflate_window);
    CHECK(run.peer.output().empty());
    CHECK(run.peer.state() == ws::state::opening);
    CHECK_FALSE(run.peer.accept({.compression = false}));
    CHECK(run.peer.is_open());

    scripted<ws::zlib_server> other(ws::zlib_server(), [](ws::zlib_server&, const ws::event&) {});
    other.feed_text(upgrade_request("Sec-WebSocket-Extensions: permessage-deflate\r\n"));
    for (const bool compression : {true, false}) {
        CHECK(other.peer.accept({.extensions = "permessage-deflate", .compression = compression}) ==
              ws::errc::bad_extensions);
    }
    CHECK(other.peer.accept({.extensions = "x-a"}) == ws::errc::extension_not_offered);
    CHECK(other.peer.output().empty());
    CHECK_FALSE(other.peer.compression().agreement().agreed);
    CHECK_FALSE(other.peer.accept());
    CHECK(other.peer.compression().agreement().agreed);
}

TEST_CASE("D1 H11: where there is no room for the answer nothing is agreed to") {
    std::array<std::byte, 512> input{};
    std::array<std::byte, 200> output{}; // the 101 would fit, but not with what was agreed, and a Close behind it
    auto peer =
        compressing_server::make({}, ws::zlib_compression(), span_buffer(bytes(input)), span_buffer(bytes(output)));
    buffer request = bytes_from(upgrade_request("Sec-WebSocket-Extensions: permessage-deflate\r\n"));
    bytes in(request);
    CHECK(peer.next(in).kind == ws::kind::request);
    CHECK(peer.accept() == ws::errc::no_room);
    CHECK_FALSE(peer.compression().agreement().agreed);
    CHECK(peer.output().empty());
    CHECK(peer.state() == ws::state::opening);
}

TEST_CASE("D2 D3 D4 H11: a client offers what its policy wants, beside other extensions") {
    struct row {
        ws::deflate_policy policy;
        ws::opening how;
        std::string_view offer;
    };
    const ws::deflate_policy none = {.wanted = {true, true, 9, 10}};
    for (const row& each : {
             row{{}, {}, "permessage-deflate; client_max_window_bits"},
             row{none,
                 {},
                 "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
                 "server_max_window_bits=9; client_max_window_bits=10"},
             row{{}, {.extensions = "x-a; b"}, "x-a; b, permessage-deflate; client_max_window_bits"},
             row{{}, {.compression = false}, "(none)"},
             row{{}, {.extensions = "x-a", .compression = false}, "x-a"},
             row{{.wanted = {.client_max_window_bits = 8}}, {.compression = false}, "(none)"},
         }) {
        ws::zlib_client peer(sample_keys(), {}, ws::zlib_compression(each.policy));
        ws::opening how = each.how;
        how.host = "h";
        CHECK_FALSE(peer.request(how));
        CHECK(head_in(peer.output())["Sec-WebSocket-Extensions"] == each.offer);
    }
}

TEST_CASE("D1 H11: a client offers what its caller says, in its order, and takes an answer to any of it") {
    struct row {
        std::string_view offers, answer, error;
    };
    const std::string_view bad = "bad_deflate_response";
    const std::string_view two = "permessage-deflate; server_max_window_bits=10; client_max_window_bits, x-a, "
                                 "permessage-deflate; client_max_window_bits";
    for (const row& each : {
             row{"permessage-deflate", "permessage-deflate", ""},
             row{"permessage-deflate", "permessage-deflate; server_no_context_takeover; server_max_window_bits=12", ""},
             row{"permessage-deflate", "permessage-deflate; client_max_window_bits=15", bad},
             row{"x-a, permessage-deflate; client_no_context_takeover", "x-a, permessage-deflate", ""},
             row{two, "permessage-deflate; server_max_window_bits=10", ""},
             row{two, "permessage-deflate; client_max_window_bits=12", ""},
             row{two, "permessage-deflate; server_no_context_takeover", ""},
             row{"permessage-deflate; server_max_window_bits=10, permessage-deflate; server_no_context_takeover",
                 "permessage-deflate", bad},
         }) {
        CAPTURE(each.offers);
        CAPTURE(each.answer);
        // The policy is not offered. It still says how this side compresses.
        ws::zlib_client peer(sample_keys(), {}, ws::zlib_compression({.wanted = {.client_no_context_takeover = true}}));
        REQUIRE_FALSE(peer.request({.host = "h", .extensions = each.offers}));
        CHECK(head_in(peer.output())["Sec-WebSocket-Extensions"] == each.offers);
        peer.sent(peer.output().size());
        buffer answer = bytes_from(upgrade_response("Sec-WebSocket-Extensions: " + std::string(each.answer) + "\r\n"));
        bytes in(answer);
        const ws::event event = peer.next(in);
        CHECK(event.error.name() == (each.error.empty() ? error().name() : each.error));
        REQUIRE(peer.is_open() == each.error.empty());
        if (!peer.is_open()) continue;
        CHECK(peer.compression().agreement().agreed);
        const std::string text(300, 'a');
        std::size_t size[2] = {};
        for (std::size_t& each_size : size) {
            REQUIRE_FALSE(peer.send_text(text));
            each_size = peer.output().size();
            CHECK(each_size < 50);
            peer.sent(each_size);
        }
        CHECK(size[0] == size[1]); // the second message does not refer to the first
    }
}

TEST_CASE("D2 D4 D8: a client keeps to what its own offers say of its messages, also if the answer does not") {
    std::string once;
    for (unsigned i = 0, state = 1; i != 2000; ++i) {
        state = state * 1664525U + 1013904223U;
        once += static_cast<char>('a' + (state >> 24U) % 26U);
    }
    // The sizes of a message that repeats itself after 2,000 bytes, and of the same message once more.
    const auto sizes_with = [&](std::string_view offers, std::string_view answer) {
        ws::zlib_client peer(sample_keys());
        REQUIRE_FALSE(peer.request({.host = "h", .extensions = offers}));
        peer.sent(peer.output().size());
        buffer head = bytes_from(upgrade_response("Sec-WebSocket-Extensions: " + std::string(answer) + "\r\n"));
        bytes in(head);
        REQUIRE(peer.next(in).kind == ws::kind::open);
        std::array<std::size_t, 2> found{};
        for (std::size_t& size : found) {
            REQUIRE_FALSE(peer.send_text(once + once));
            size = peer.output().size();
            peer.sent(size);
        }
        return found;
    };
    const std::string_view plain = "permessage-deflate";
    const auto [usual, usual_again] = sizes_with(plain, plain);
    CHECK(usual_again < 100);
    const std::string_view forgets = "permessage-deflate; client_no_context_takeover";
    for (const std::string_view offers :
         {forgets, std::string_view("permessage-deflate, permessage-deflate; client_no_context_takeover")}) {
        const auto [size, again] = sizes_with(offers, plain);
        CHECK(size == usual);
        CHECK(again == usual);
    }
    const auto [size, again] = sizes_with("permessage-deflate; client_max_window_bits=9", plain);
    CHECK(size > usual * 9 / 5);
    CHECK(again > usual * 9 / 5);
    // An offer that does not fit the answer promises nothing.
    const auto [other, other_again] = sizes_with(
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover, permessage-deflate", plain);
    CHECK(other == usual);
    CHECK(other_again < 100);
}

TEST_CASE("D1 H11: a client whose request cannot be written can ask again") {
    ws::zlib_client named(sample_keys());
    CHECK(named.request({.host = "h", .extensions = "x-a, permessage-deflate", .compression = false}) ==
          ws::errc::bad_deflate_offer);
    for (const std::string_view wrong :
         {"permessage-deflate; x", "permessage-deflate, permessage-deflate; server_max_window_bits=7",
          "permessage-deflate; client_max_window_bits=8; client_max_window_bits"}) {
        CAPTURE(wrong);
        CHECK(named.request({.host = "h", .extensions = wrong}) == ws::errc::bad_deflate_offer);
    }
    CHECK(named.output().empty());
    CHECK_FALSE(named.request({.host = "h", .extensions = "x-a"}));

    for (const std::uint8_t bits : {std::uint8_t{8}, std::uint8_t{16}}) {
        ws::zlib_client small(sample_keys(), {}, ws::zlib_compression({.wanted = {.client_max_window_bits = bits}}));
        CHECK(small.request({.host = "h"}) == ws::errc::bad_deflate_window);
        CHECK(small.output().empty());
        CHECK_FALSE(small.request({.host = "h", .compression = false}));
    }
}

TEST_CASE("D1 D2 D3 D4: a client judges what the server agrees to") {
    struct row {
        ws::deflate_parameters wanted;
        std::string_view answer;
        std::string_view error;
    };
    const std::string_view bad = "bad_deflate_response";
    const ws::deflate_parameters all = {.server_no_context_takeover = true, .server_max_window_bits = 10};
    for (const row& each : {
             row{{}, "", ""},
             row{{}, "permessage-deflate", ""},
             row{{}, "permessage-deflate; server_no_context_takeover; server_max_window_bits=9", ""},
             row{{}, "permessage-deflate; client_no_context_takeover; client_max_window_bits=8", ""},
             row{all, "permessage-deflate; server_no_context_takeover; server_max_window_bits=9", ""},
             row{all, "", ""},
             row{all, "permessage-deflate; server_no_context_takeover", bad},
             row{all, "permessage-deflate; server_no_context_takeover; server_max_window_bits=11", bad},
             row{all, "permessage-deflate; server_max_window_bits=10", bad},
             row{{.client_max_window_bits = 9}, "permessage-deflate; client_max_window_bits=10", bad},
             row{{}, "permessage-deflate; client_max_window_bits", bad},
             row{{}, "permessage-deflate; server_max_window_bits=16", bad},
             row{{}, "permessage-deflate; x", bad},
             row{{}, "permessage-deflate, permessage-deflate", bad},
             row{{}, "x-a", "extension_not_offered"},
         }) {
        CAPTURE(each.answer);
        scripted<ws::zlib_client> run(
            compressing_client::make({}, ws::zlib_compression({.wanted = each.wanted, .threshold = 1})));
        static_cast<void>(run.take_sent());
        const std::string field = "Sec-WebSocket-Extensions: " + std::string(each.answer) + "\r\n";
        run.feed_text(upgrade_response(each.answer.empty() ? "" : field));
        CHECK(run.complaint == "");
        if (!each.error.empty()) {
            CHECK(run.log == lines{"closed 1006 unclean " + std::string(each.error)});
            CHECK(run.take_sent().empty());
            CHECK_FALSE(run.peer.compression().agreement().agreed);
            continue;
        }
        CHECK(run.peer.is_open());
        CHECK(run.peer.compression().agreement().agreed == !each.answer.empty());
    }
}

TEST_CASE("D1 H5 H16: compression is agreed to beside a fault that the caller accepts, and judged as ever") {
    const std::string twice = "Upgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate";
    const ws::options showing{.show_faults = true};
    scripted<ws::zlib_client> client(compressing_client::make(showing, ws::zlib_compression()),
                                     [](ws::zlib_client& peer, const ws::event& event) {
                                         if (event.kind == ws::kind::open) CHECK_FALSE(peer.accept());
                                     });
    client.feed_copy(joined(upgrade_response(twice + "\r\n"), compressed_text(role::server, deflated("hello"))));
    CHECK(client.log.back() == "message text compressed: hello");
    CHECK(client.complaint == "");
    scripted<ws::zlib_client> wrong(compressing_client::make(showing, ws::zlib_compression()));
    wrong.feed_text(upgrade_response(twice + "; x\r\n"));
    CHECK(wrong.log == lines{"closed 1006 unclean bad_deflate_response"});

    std::string request = upgrade_request("Sec-WebSocket-Extensions: permessage-deflate\r\n");
    request.erase(request.find("Connection:"), std::string_view("Connection: Upgrade\r\n").size());
    scripted<ws::zlib_server> server(ws::zlib_server(showing, ws::zlib_compression()));
    server.feed_copy(joined(request, compressed_text(role::client, deflated("hello"))));
    CHECK(server.log.back() == "message text compressed: hello");
    scripted<ws::zlib_server> none(ws::zlib_server(showing, ws::zlib_compression()));
    none.feed_text(upgrade_request("Sec-WebSocket-Extensions:\r\n"));
    CHECK(none.peer.is_open());
    CHECK_FALSE(none.peer.compression().agreement().agreed);
}

TEST_CASE("D1 H11: a client without agreement sends and takes what is not compressed") {
    SUBCASE("the server agrees to nothing") {
        auto run = opened(compressing_client::make({}, ws::zlib_compression()), bytes_from(upgrade_response()));
        CHECK_FALSE(run.peer.compression().agreement().agreed);
        CHECK_FALSE(run.peer.send_text(story, ws::compressed::always));
        CHECK(frames_in(run.take_sent())[0].first == 0x81);
        run.feed_copy(compressed_text(role::server, deflated("hello")));
        CHECK(run.log == lines{"closed 1006 unclean reserved_bit_set"});
        CHECK(close_sent(run) == 1002);
    }
    SUBCASE("the server agrees to what was not offered") {
        ws::zlib_client peer(sample_keys());
        CHECK_FALSE(peer.request({.host = "h", .compression = false}));
        scripted<ws::zlib_client> run(std::move(peer));
        run.feed_text(upgrade_response("Sec-WebSocket-Extensions: permessage-deflate\r\n"));
        CHECK(run.log == lines{"closed 1006 unclean extension_not_offered"});
    }
}

TEST_CASE("the endpoints that compress are small") {
    CHECK(sizeof(ws::zlib_server) - 2 * sizeof(growing_buffer) <= 640);
    CHECK(sizeof(ws::zlib_client) - 2 * sizeof(growing_buffer) <= 640);
}

// --- frames

TEST_CASE_TEMPLATE("D5: RSV1 stands on the first frame of a compressed message, and on nothing else", Side,
                   compressing_server, compressing_client) {
    auto run = compressing<Side>();
    for (const std::string& part : {story.substr(0, 40), story.substr(40, 1), std::string(), story.substr(41)}) {
        CHECK_FALSE(run.peer.send_piece(message_type::text, bytes_of(part), false, ws::compressed::always));
        CHECK_FALSE(run.peer.ping(bytes_of("p")));
    }
    CHECK_FALSE(run.peer.send_piece(message_type::text, {}, true));
    const buffer sent = run.take_sent();
    std::string firsts;
    for (const seen_frame& each : frames_in(sent)) firsts += to_hex(octets({static_cast<int>(each.first)})) + " ";
    CHECK(firsts == "41 89 00 89 00 89 00 89 80 ");
    reference_inflater peer;
    CHECK(lines_sent(sent, peer) == lines{"ping: p", "ping: p", "ping: p", "ping: p", "text compressed: " + story});
}

TEST_CASE_TEMPLATE("D5 F2: RSV1 on a continuation or a control frame fails, also where it was agreed to", Side,
                   compressing_server, compressing_client) {
    constexpr role by = Side::other;
    const buffer payload = deflated(story);
    for (const buffer& faulty :
         {joined(frame(by, 0x41, payload), frame(by, 0xC0)), joined(frame(by, 0x01, "a"), frame(by, 0x40, payload)),
          frame(by, 0xC9), frame(by, 0xCA), frame(by, 0xC8), frame(by, 0xA1, payload), frame(by, 0x91, payload),
          frame(by, 0xF1, payload)}) {
        for (const bool whole : {true, false}) {
            auto run = compressing<Side>({}, {.whole_messages = whole});
            run.feed_copy(faulty);
            CHECK(run.log.back() == "closed 1006 unclean reserved_bit_set");
            CHECK(close_sent(run) == 1002);
        }
    }
}

TEST_CASE_TEMPLATE("D5 D10: a message without RSV1 leaves the windows alone", Side, compressing_server,
                   compressing_client) {
    constexpr role by = Side::other;
    auto run = compressing<Side>();
    reference_deflater deflater;
    const buffer first = deflater.message(bytes_of(story));
    const buffer second = deflater.message(bytes_of(story));
    REQUIRE(second.size() < first.size() / 2);
    const std::string other = random_text(300);
    run.feed_copy(joined(compressed_text(by, first), frame(by, 0x81, other), frame(by, 0x01, other),
                         frame(by, 0x80, other), compressed_text(by, second)));
    CHECK(run.log == lines{"message text compressed: " + story, "message text: " + other,
                           "message text: " + other + other, "message text compressed: " + story});

    for (const ws::compressed how : {ws::compressed::always, ws::compressed::never, ws::compressed::always}) {
        CHECK_FALSE(run.peer.send_text(how == ws::compressed::never ? other : story, how));
    }
    const buffer sent = run.take_sent();
    reference_inflater peer;
    CHECK(lines_sent(sent, peer) == lines{"text compressed: " + story, "text: " + other, "text compressed: " + story});
    CHECK(frames_in(sent)[2].payload.size() < frames_in(sent)[0].payload.size() / 2);
}

TEST_CASE_TEMPLATE("D7 D5: a compressed message can be cut into frames anywhere, with Pings between", Side,
                   compressing_server, compressing_client) {
    reference_deflater deflater;
    const buffer first = deflater.message(bytes_of(story));
    const buffer second = deflater.message(bytes_of(story + "!"));
    cuts each;
    for (std::size_t i = 0; i <= first.size(); ++i) each.push_back(i);
    const auto check = [&](const cuts& at, bool whole) {
        auto run = compressing<Side>({}, {.whole_messages = whole});
        run.feed_copy(joined(fragments(Side::other, first, at), compressed_text(Side::other, second)));
        const std::string as = whole ? "message text compressed: " : "piece text compressed first: ";
        const std::string end = whole ? "" : " (last)";
        CHECK(run.log == lines{as + story + end, as + story + "!" + end});

        auto pinged = compressing<Side>({}, {.whole_messages = whole});
        pinged.feed_copy(fragments(Side::other, first, at, true));
        CHECK(without_pings(pinged.log) == lines{as + story + end, std::to_string(at.size() - 1) + " pings"});
    };
    for (const bool whole : {true, false}) {
        check(each, whole);
        for (std::size_t at = 0; at <= first.size(); ++at) check({at, first.size()}, whole);
    }
}

TEST_CASE_TEMPLATE("F12 D7: a compressed conversation is the same at every split", Side, compressing_server,
                   compressing_client) {
    constexpr role by = Side::other;
    reference_deflater deflater;
    const std::string text = "words, words, " + korean;
    const buffer first = deflater.message(bytes_of(text));
    const buffer second = deflater.message(bytes_of(text + "!"));
    const buffer input =
        joined(frame(by, 0x41, cbytes(first).first(5)), frame(by, 0x89, "p"), frame(by, 0x80, cbytes(first).subspan(5)),
               compressed_text(by, octets({0})), frame(by, 0x81, "plain"), compressed_text(by, second),
               compressed_text(by, from_hex("ff")));
    for (const bool whole : {true, false}) {
        const std::string as = whole ? "message text" : "piece text";
        const std::string begin = whole ? ": " : " first: ";
        const std::string end = whole ? "" : " (last)";
        const std::string empty = whole ? "" : " first:  (last)";
        const lines expected = {as + " compressed" + begin + text + end,
                                as + " compressed" + empty,
                                as + begin + "plain" + end,
                                as + " compressed" + begin + text + "!" + end,
                                "closed 1006 unclean deflate_corrupt",
                                "1 pings"};
        std::size_t wrong = 0;
        for_each_split(input, [&](const auto& feed_all) {
            auto run = compressing<Side>({}, {.whole_messages = whole});
            feed_all([&](bytes piece) { run.feed(piece); });
            const lines log = without_pings(run.log);
            if ((log != expected || run.complaint != "") && wrong++ == 0) {
                CHECK(run.complaint == "");
                CHECK(log == expected);
            }
        });
        CHECK(wrong == 0);
    }
}

TEST_CASE("F4 F12 D7: compressed messages without a mask, and in pieces, beside those with one") {
    buffer stream;
    reference_deflater by;
    for (const role from : {role::server, role::client, role::server, role::server}) {
        stream = joined(stream, compressed_text(from, by.message(bytes_of(story))));
    }
    const lines expected(4, "message text compressed: " + story);
    for (const std::size_t size : {std::size_t{1}, std::size_t{7}, stream.size()}) {
        auto run = compressing<compressing_server>({}, {.tolerated = {.unmasked_frames = true}});
        for (cbytes rest = stream; !rest.empty(); rest = rest.subspan(std::min(size, rest.size()))) {
            run.feed_copy(rest.first(std::min(size, rest.size())));
        }
        CHECK(run.complaint == "");
        CHECK(run.log == expected);
    }
}

TEST_CASE_TEMPLATE("D6 D7: an empty message has many forms, and leaves the window alone", Side, compressing_server,
                   compressing_client) {
    constexpr role by = Side::other;
    for (const bool whole : {true, false}) {
        for (const buffer& empty : {
                 compressed_text(by, octets({0})),                              // as it is sent
                 compressed_text(by, {}),                                       // no data at all
                 compressed_text(by, octets({0x02, 0x00})),                     // an empty block with the fixed codes
                 compressed_text(by, octets({0x03, 0x00})),                     // the same, marked as the last
                 compressed_text(by, octets({1, 0, 0, 0xFF, 0xFF})),            // a stored one, marked as the last
                 compressed_text(by, octets({0, 0, 0, 0xFF, 0xFF, 0})),         // another block, and the end
                 fragments(by, octets({0}), {0, 0, 1, 1}),                      // fragments without data
                 fragments(by, {}, {0, 0}),                                     // nothing else
                 fragments(by, octets({0x03, 0x00, 0x03, 0x00}), {1, 2, 3, 4}), // blocks in fragments
             }) {
            CAPTURE(to_hex(empty));
            auto run = compressing<Side>({}, {.whole_messages = whole});
            run.feed_copy(joined(empty, compressed_text(by, deflated(story)), empty,
                                 compressed_text(by, reaching_back(static_cast<unsigned>(story.size())))));
            const std::string none = whole ? "message text compressed" : "piece text compressed first:  (last)";
            const std::string as = whole ? "message text compressed: " : "piece text compressed first: ";
            const std::string end = whole ? "" : " (last)";
            CHECK(run.log == lines{none, as + story + end, none, as + story.substr(0, 10) + end});
        }
    }
    auto run = compressing<Side>();
    CHECK_FALSE(run.peer.send_text({}, ws::compressed::always));
    const auto frames = frames_in(run.take_sent());
    CHECK(frames[0].first == 0xC1);
    CHECK(to_hex(frames[0].payload) == "00");
}

TEST_CASE_TEMPLATE("D7: between events the caller can move what is left of the input", Side, compressing_server,
                   compressing_client) {
    constexpr role by = Side::other;
    const std::string large = numbered_lines(100'000);
    reference_deflater deflater;
    const buffer first = deflater.message(bytes_of(large));
    const buffer input = joined(frame(by, 0x41, cbytes(first).first(3000)), frame(by, 0x89, "p"),
                                frame(by, 0x80, cbytes(first).subspan(3000)), frame(by, 0x82, "plain"),
                                compressed_text(by, deflater.message(bytes_of(story))));
    for (const bool whole : {true, false}) {
        for (const std::size_t read : sizes{100'000, 1000, 7}) {
            auto run = compressing<Side>({}, {.whole_messages = whole});
            std::string content;
            lines kinds;
            std::size_t largest = 0;
            buffer held;
            for (std::size_t at = 0; at < input.size(); at += read) {
                const std::size_t size = input.size() - at < read ? input.size() - at : read;
                held = joined(held, cbytes(input).subspan(at, size));
                for (bool more = true; more;) {
                    buffer moved = held; // elsewhere than the last time
                    bytes in(moved);
                    const ws::event event = run.peer.next(in);
                    if ((more = static_cast<bool>(event))) kinds.push_back(line_of(run.peer, event));
                    if (event.kind != ws::kind::ping) content += event.text();
                    largest = event.payload.size() > largest ? event.payload.size() : largest;
                    held.assign(in.begin(), in.end());
                }
                REQUIRE(held.empty());
            }
            CHECK(content == large + "plain" + story);
            const lines messages = {"ping", "message text compressed", "message binary", "message text compressed"};
            if (whole) CHECK(kinds == messages);
            // Pieces are bounded, also if a read inflates to much more.
            if (!whole) CHECK(largest <= 16 * 1024);
            if (!whole) CHECK(kinds.size() > 100'000 / (16 * 1024));
        }
    }
}

TEST_CASE_TEMPLATE("D7: what is left of the input can be given in smaller parts", Side, compressing_server,
                   compressing_client) {
    const std::string large = numbered_lines(100'000);
    buffer left = compressed_text(Side::other, deflated(large));
    auto run = compressing<Side>({}, {.whole_messages = false});
    std::string content;
    std::size_t most = left.size(); // all of the frame, then parts of what is left of it
    for (bool more = true; more || !left.empty();) {
        bytes in = bytes(left).first(std::min(most, left.size()));
        const std::size_t before = in.size();
        const ws::event event = run.peer.next(in);
        more = static_cast<bool>(event);
        REQUIRE(event.kind != ws::kind::closed);
        content += event.text();
        left.erase(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(before - in.size()));
        most = 7;
    }
    CHECK(content == large);
}

TEST_CASE_TEMPLATE("F12: an endpoint can be moved inside a compressed message", Side, compressing_server,
                   compressing_client) {
    reference_deflater deflater;
    const buffer first = deflater.message(bytes_of(story));
    const buffer input = joined(fragments(Side::other, first, {10, first.size()}),
                                compressed_text(Side::other, deflater.message(bytes_of(story))));
    for (std::size_t cut = 0; cut <= input.size(); ++cut) {
        auto before = compressing<Side>();
        CHECK_FALSE(before.peer.send_piece(message_type::text, bytes_of(story), false));
        before.feed_copy(cbytes(input).first(cut));
        scripted<typename Side::endpoint> after(std::move(before.peer));
        after.log = before.log;
        after.feed_copy(cbytes(input).subspan(cut));
        CHECK_FALSE(after.peer.send_piece(message_type::text, bytes_of(story), true));
        reference_inflater peer;
        CHECK(lines_sent(joined(before.take_sent(), after.take_sent()), peer) ==
              lines{"text compressed: " + story + story});
        CHECK(after.log == lines{"message text compressed: " + story, "message text compressed: " + story});
    }
}

// --- windows and context takeover

TEST_CASE_TEMPLATE("D8: what is sent refers to messages before it where that was agreed to", Side, compressing_server,
                   compressing_client) {
    for (const terms& to : all_takeovers) {
        for (const bool shares : {false, true}) {
            ws::zlib_pool pool;
            auto run = compressing<Side>(to, {}, shares ? &pool : nullptr);
            const std::string long_story = numbered_lines(3000);
            for (int i = 0; i != 3; ++i) {
                CHECK_FALSE(run.peer.send_text(long_story));
                CHECK_FALSE(run.peer.send_piece(message_type::text, bytes_of(story), false));
                CHECK_FALSE(run.peer.send_piece(message_type::text, bytes_of(story), true));
            }
            const buffer sent = run.take_sent();
            const auto frames = frames_in(sent);
            REQUIRE(frames.size() == 9);
            if (to.takes_over) {
                CHECK(frames[3].payload.size() < frames[0].payload.size() / 4);
            } else {
                CHECK(frames[3].payload == frames[0].payload);
                CHECK(frames[4].payload == frames[1].payload);
                CHECK(frames[8].payload == frames[2].payload);
            }
            // Inside one message pieces always refer to those before them.
            CHECK(frames[2].payload.size() < frames[1].payload.size() / 2);
            reference_inflater peer(15, to.takes_over);
            const lines three = {"text compressed: " + long_story, "text compressed: " + story + story};
            CHECK(lines_sent(sent, peer) == lines{three[0], three[1], three[0], three[1], three[0], three[1]});
        }
    }
}

TEST_CASE_TEMPLATE("D8: what comes can refer to messages before it where that was agreed to", Side, compressing_server,
                   compressing_client) {
    for (const terms& to : all_takeovers) {
        for (const bool shares : {false, true}) {
            ws::zlib_pool pool;
            auto run = compressing<Side>(to, {}, shares ? &pool : nullptr);
            reference_deflater deflater;
            lines expected;
            for (int i = 0; i != 3; ++i) {
                run.feed_copy(compressed_text(Side::other, to.peer_takes_over ? deflater.message(bytes_of(story))
                                                                              : deflated(story)));
                expected.push_back("message text compressed: " + story);
            }
            CHECK(run.log == expected);

            // An endpoint with an inflater of its own can read a peer that forgets to reset. A shared inflater must not
            // show the messages of other connections.
            run.feed_copy(compressed_text(Side::other, reaching_back(static_cast<unsigned>(story.size()))));
            const bool refuses = shares && !to.peer_takes_over;
            CHECK(run.log.back() == (refuses ? "closed 1006 unclean deflate_corrupt"
                                             : "message text compressed: " + story.substr(0, 10)));
        }
    }
}

TEST_CASE_TEMPLATE("F12 D3 D4 D8: whatever window was agreed to, a reference reaches 32 KiB back, at every cut", Side,
                   compressing_server, compressing_client) {
    constexpr unsigned largest = 32'768;
    const auto check = [](const terms& to, bool shares, cbytes stream, const lines& expected) {
        for (const std::size_t part : {std::size_t{1}, std::size_t{999}, stream.size()}) {
            for (const bool small : {false, true}) {
                ws::zlib_pool pool;
                buffer in(50'000), out(1000);
                const auto read = [&](auto run) {
                    for (std::size_t at = 0; at < stream.size(); at += part) {
                        run.feed_copy(stream.subspan(at, std::min(part, stream.size() - at)));
                    }
                    REQUIRE(run.complaint == "");
                    REQUIRE(run.log == expected);
                };
                ws::zlib_pool* const shared = shares ? &pool : nullptr;
                // In little room, what comes of a step is cut, too.
                if (small) {
                    read(compressing<Side, ws::zlib_compression>(to, {}, shared, span_buffer(bytes(in)),
                                                                 span_buffer(bytes(out))));
                } else {
                    read(compressing<Side>(to, {}, shared));
                }
            }
        }
    };
    for (const unsigned bits : {8U, 9U, 12U, 15U}) {
        const unsigned window = 1U << bits;
        for (const unsigned distance : {window, window + 1, 3 * window, largest}) {
            if (distance > largest || (distance == largest && bits != 9 && bits != 15)) continue;
            CAPTURE(bits);
            CAPTURE(distance);
            const std::string text = random_text(distance);
            const auto referring = [&](std::size_t behind) {
                block_writer content;
                content.stored(std::string_view(text).substr(0, behind));
                return content.begin_fixed().match_of_ten(distance).end().end_message().data();
            };
            const buffer good = referring(distance), bad = referring(distance - 1);
            const cuts at = {1, distance / 2, good.size() - 1, good.size()};
            const buffer twice = joined(compressed_text(Side::other, good), fragments(Side::other, good, at));
            const std::string line = "message text compressed: " + text + text.substr(0, 10);
            for (const bool takes_over : {true, false}) {
                const terms to{.peer_takes_over = takes_over, .peer_window = bits};
                for (const bool shares : {false, true}) {
                    check(to, shares, twice, {line, line});
                    check(to, shares, compressed_text(Side::other, bad), {"closed 1006 unclean deflate_corrupt"});
                }
            }
            if (distance + 10 > largest) continue;
            // Back into an earlier message.
            const buffer later =
                joined(compressed_text(Side::other, good), compressed_text(Side::other, reaching_back(distance + 10)));
            check({.peer_window = bits}, false, later, {line, "message text compressed: " + text.substr(0, 10)});
        }
    }
}

TEST_CASE_TEMPLATE("D3 D4 D8: what is sent keeps to a window of 9 to 15 bits", Side, compressing_server,
                   compressing_client) {
    const std::string block = random_text(300);
    for (unsigned bits = 9; bits <= 15; ++bits) {
        CAPTURE(bits);
        const std::size_t size = std::size_t{1} << bits;
        auto run = compressing<Side>({.window = bits});
        lines expected;
        // Text that comes again after less than a window, and after more.
        for (const std::size_t gap : {size / 4, size / 2, size, 2 * size}) {
            const std::string text = block + random_text(gap, gap) + block;
            CHECK_FALSE(run.peer.send_text(text));
            CHECK_FALSE(run.peer.send_text(block));
            expected.insert(expected.end(), {"text compressed: " + text, "text compressed: " + block});
        }
        const buffer sent = run.take_sent();
        reference_inflater peer(bits);
        CHECK(lines_sent(sent, peer) == expected);
        // And uses it: a smaller one would not do.
        if (bits == 9) continue;
        reference_inflater smaller(bits - 1);
        CHECK_THROWS(lines_sent(sent, smaller));
    }
}

TEST_CASE("D8: a client that is answered with a window of 8 bits sends nothing compressed, and reads what is") {
    auto run = compressing<compressing_client>({.window = 8});
    CHECK(run.peer.compression().agreement().parameters.client_max_window_bits == 8);
    CHECK_FALSE(run.peer.send_text(story, ws::compressed::always));
    CHECK_FALSE(run.peer.send_piece(message_type::text, bytes_of(story), false, ws::compressed::always));
    CHECK_FALSE(run.peer.send_piece(message_type::text, {}, true, ws::compressed::always));
    reference_inflater peer(8);
    CHECK(lines_sent(run.take_sent(), peer) == lines{"text: " + story, "text: " + story});
    run.feed_copy(compressed_text(role::server, deflated(story)));
    CHECK(run.log == lines{"message text compressed: " + story});
}

TEST_CASE("D2 D4 D8: a client keeps to what it wants of itself, whatever the server answers") {
    const std::string text = numbered_lines(2000);
    ws::deflate_policy policy{.wanted = {.client_no_context_takeover = true, .client_max_window_bits = 9}};
    auto run = opened(compressing_client::make({}, ws::zlib_compression(policy)), compressing_client::opening({}));
    for (int i = 0; i != 2; ++i) CHECK_FALSE(run.peer.send_text(text));
    const buffer sent = run.take_sent();
    CHECK(frames_in(sent)[0].payload == frames_in(sent)[1].payload);
    reference_inflater peer(9, false);
    CHECK(lines_sent(sent, peer) == lines{"text compressed: " + text, "text compressed: " + text});
}

namespace {

// As usual compressors, which cannot keep to a window of 8 bits.
struct usual_deflater : stored_deflater {
    using stored_deflater::stored_deflater;
    static constexpr unsigned smallest_window = 9;
};

} // namespace

TEST_CASE("D8 D10: nothing is compressed for a window that the compressor cannot keep to, whatever the sender wishes") {
    for (const std::uint8_t bits : {std::uint8_t{8}, std::uint8_t{9}, std::uint8_t{15}}) {
        for (const role own : {role::client, role::server}) {
            ws::deflate_stage<stored_inflater, usual_deflater> stage;
            const std::uint8_t others = 8;
            stage.agree(own, {.agreed = true,
                              .parameters = {.server_max_window_bits = own == role::server ? bits : others,
                                             .client_max_window_bits = own == role::client ? bits : others}});
            for (const ws::compressed wish : {ws::compressed::always, ws::compressed::automatic}) {
                CHECK(stage.wants(wish, 1000, true) == (bits != 8));
            }
            CHECK_FALSE(stage.wants(ws::compressed::never, 1000, true));
        }
    }
}
