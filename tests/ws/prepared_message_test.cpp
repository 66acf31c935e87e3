// A message that is made once and sent by many connections.
// SPDX-License-Identifier: MIT
#include <sockless/ws/client.hpp>
#include <sockless/ws/deflate/zlib.hpp>
#include <sockless/ws/server.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "../support/allocations.hpp"
#include "../support/wire.hpp"

using namespace sockless;
using namespace sockless::test;
using namespace std::string_view_literals;
using ws::errc;

namespace {

buffer take_all(auto& peer) {
    buffer all;
    while (!peer.output().empty()) {
        const cbytes shown = peer.output();
        all.insert(all.end(), shown.begin(), shown.end());
        peer.sent(shown.size());
    }
    return all;
}

// Opens a server that compresses with a request that offers this.
error open_with(ws::zlib_server& peer, std::string_view offer) {
    buffer request = bytes_from(upgrade_request("Sec-WebSocket-Extensions: " + std::string(offer) + "\r\n"));
    bytes in(request);
    REQUIRE(peer.next(in).kind == ws::kind::request);
    const error refused = peer.accept();
    static_cast<void>(take_all(peer));
    return refused;
}

// A client that has agreed to what such a server answers.
ws::zlib_client reader_of(std::string_view offer) {
    ws::zlib_client peer(sample_keys());
    REQUIRE_FALSE(peer.request({.host = "h", .extensions = offer}));
    static_cast<void>(take_all(peer));
    ws::zlib_server other;
    buffer request = bytes_from(upgrade_request("Sec-WebSocket-Extensions: " + std::string(offer) + "\r\n"));
    bytes in(request);
    REQUIRE(other.next(in).kind == ws::kind::request);
    REQUIRE_FALSE(other.accept());
    buffer answer = take_all(other);
    in = answer;
    REQUIRE(peer.next(in).kind == ws::kind::open);
    return peer;
}

ws::server open_server(const ws::options& settings = {}) { return ws::server(ws::already_open{}, settings); }

} // namespace

TEST_CASE("F3 F8: a prepared message is the message, of any size, from servers and clients") {
    for (const std::size_t size : {0U, 1U, 125U, 126U, 4096U, 4097U, 65535U, 65536U, 200'000U}) {
        const std::string text(size, 'x');
        for (const auto type : {ws::message_type::text, ws::message_type::binary}) {
            const ws::prepared_message message(type, text);
            REQUIRE_FALSE(message.error());
            CHECK(message.type() == type);
            CHECK(text_of(message.payload()) == text);
            ws::server prepared = open_server(), usual = open_server();
            REQUIRE_FALSE(prepared.send(message));
            REQUIRE_FALSE(usual.send(type, text));
            CHECK(take_all(prepared) == take_all(usual));
            ws::client client(ws::already_open{}, sample_keys()), same(ws::already_open{}, sample_keys());
            REQUIRE_FALSE(client.send(message));
            REQUIRE_FALSE(same.send(type, text));
            CHECK(take_all(client) == take_all(same));
        }
    }
}

TEST_CASE("F8: what cannot be a message is none") {
    const ws::prepared_message wrong(ws::message_type::text, "\xFF"sv);
    CHECK(wrong.error() == errc::payload_not_utf8);
    CHECK(wrong.payload().empty());
    ws::server peer = open_server();
    CHECK(peer.send(wrong) == errc::payload_not_utf8);
    CHECK(peer.output().empty());

    const ws::prepared_message none = [] {
        const empty_heap all_is_used;
        return ws::prepared_message(ws::message_type::binary, "x"sv);
    }();
    CHECK(none.error() == errc::no_memory);
    CHECK(peer.send(none) == errc::no_memory);
}

TEST_CASE("F6 C5: a prepared message keeps its place among others, and its state") {
    const std::string large(10'000, 'x');
    const ws::prepared_message message(ws::message_type::text, large);
    ws::server peer = open_server();
    REQUIRE_FALSE(peer.send_text("before"));
    REQUIRE_FALSE(peer.send(message));
    REQUIRE_FALSE(peer.ping("p"sv));
    REQUIRE_FALSE(peer.send(message));
    REQUIRE_FALSE(peer.send_piece(ws::message_type::text, "a"sv, false));
    CHECK(peer.send(message) == errc::message_open);
    REQUIRE_FALSE(peer.send_piece(ws::message_type::text, "b"sv, true));
    REQUIRE_FALSE(peer.close());
    CHECK(peer.send(message) == errc::not_open);
    std::string all;
    for (const auto& each : frames_in(take_all(peer))) all += std::string(each.text().substr(0, 6)) + "|";
    CHECK(all == std::string("before|xxxxxx|p|xxxxxx|a|b|\x03\xE8|"));
}

TEST_CASE("what waits counts for the limit of the output, also if it is shared; a Close has its room") {
    const std::string large(10'000, 'x');
    const ws::prepared_message message(ws::message_type::text, large);
    ws::server peer = open_server({.output = 30'000});
    REQUIRE_FALSE(peer.send(message));
    REQUIRE_FALSE(peer.send(message));
    CHECK(peer.waiting() == 2 * 10'004);
    CHECK(peer.send(message) == errc::no_room);
    CHECK(peer.waiting() == 2 * 10'004);
    CHECK_FALSE(peer.close());
}

TEST_CASE("sixty messages of 128 KB to 120 connections, of which 100 do not send, take the memory of the messages") {
    const std::string text(128 * 1024, 'x');
    const std::size_t before = heap_in_use();
    std::vector<ws::server> peers;
    for (int i = 0; i != 120; ++i) peers.push_back(open_server());
    for (int count = 0; count != 60; ++count) {
        const ws::prepared_message message(ws::message_type::text, text);
        for (std::size_t i = 0; i != peers.size(); ++i) {
            REQUIRE_FALSE(peers[i].send(message));
            if (i < 20) static_cast<void>(take_all(peers[i]));
        }
    }
    const std::size_t used = heap_in_use() - before;
    CHECK(used < 60 * text.size() * 6 / 5);
}

TEST_CASE(
    "a host that writes several pieces at once gets those of the connection and those that are shared, in order") {
    const std::string large(20'000, 'x');
    const ws::prepared_message message(ws::message_type::text, large);
    ws::server peer = open_server();
    REQUIRE_FALSE(peer.send_text("a"));
    REQUIRE_FALSE(peer.send(message));
    REQUIRE_FALSE(peer.send_text("b"));
    std::array<cbytes, 16> room;
    const std::span<const cbytes> pieces = peer.output(room);
    REQUIRE(pieces.size() == 3);
    CHECK(pieces[1].data() + 4 == message.payload().data());
    peer.sent(pieces[0].size() + pieces[1].size() + 1);
    CHECK(peer.waiting() == 2);
}

TEST_CASE("D2 D3 D5 D8: a message that was compressed once goes to every connection whose window is large enough") {
    std::string text;
    for (int i = 0; i != 3000; ++i) text += "line " + std::to_string(i * 7919 % 1000) + "; ";
    ws::prepared_message message(ws::message_type::text, text);
    REQUIRE_FALSE(ws::zlib_compression::prepare(message, 12));
    const buffer once = [&] {
        ws::zlib_server peer;
        CHECK_FALSE(open_with(peer, "permessage-deflate"));
        REQUIRE_FALSE(peer.send(message));
        return take_all(peer);
    }();
    CHECK(once.size() < text.size() / 2);
    for (const std::string_view offer :
         {"permessage-deflate", "permessage-deflate; server_no_context_takeover",
          "permessage-deflate; server_max_window_bits=12", "permessage-deflate; server_max_window_bits=10"}) {
        CAPTURE(offer);
        ws::zlib_server peer;
        CHECK_FALSE(open_with(peer, offer));
        ws::zlib_client reader = reader_of(offer);
        std::string seen;
        const auto pass = [&] {
            const buffer wire = take_all(peer);
            buffer copy = wire;
            bytes in(copy);
            while (const ws::event event = reader.next(in)) {
                REQUIRE(event.kind == ws::kind::message);
                CHECK(event.compressed);
                seen += event.text();
            }
            return wire;
        };
        std::string expected;
        for (int round = 0; round != 3; ++round) {
            REQUIRE_FALSE(peer.send_text(text.substr(0, 5000)));
            pass();
            REQUIRE_FALSE(peer.send(message));
            CHECK((pass() == once) == (offer.find("=10") == std::string_view::npos));
            expected += text.substr(0, 5000) + text;
        }
        REQUIRE_FALSE(peer.send_text(text.substr(0, 5000)));
        pass();
        const bool same = seen == expected + text.substr(0, 5000);
        CHECK(same);
    }
}

TEST_CASE("D10: a prepared message is not compressed if that makes it larger, or if no one compresses") {
    std::string noise;
    for (unsigned i = 0, state = 1; i != 5000; ++i) {
        state = state * 1664525U + 1013904223U;
        noise += static_cast<char>(state >> 24U);
    }
    ws::prepared_message message(ws::message_type::binary, noise);
    REQUIRE_FALSE(ws::zlib_compression::prepare(message));
    ws::zlib_server plain{ws::already_open{}};
    REQUIRE_FALSE(plain.send(message));
    const buffer wire = take_all(plain);
    REQUIRE(frames_in(wire).size() == 1);
    CHECK(frames_in(wire)[0].text() == noise);
    ws::prepared_message wrong(ws::message_type::text, "\xFF"sv);
    CHECK(ws::zlib_compression::prepare(wrong) == errc::payload_not_utf8);
    const std::string text(5000, 'x');
    ws::prepared_message late(ws::message_type::text, text);
    {
        const empty_heap all_is_used;
        CHECK(ws::zlib_compression::prepare(late) == errc::no_memory);
    }
    REQUIRE_FALSE(plain.send(late));
    CHECK(frames_in(take_all(plain))[0].text() == text);
}
