// A message that is made once and sent by many connections.
// SPDX-License-Identifier: MIT
#include <sockless/ws/client.hpp>
#include <sockless/ws/deflate/zlib.hpp>
#include <sockless/ws/server.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <utility>
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
    ws::server peer = open_server({.output = 2 * 10'004 + 130});
    REQUIRE_FALSE(peer.send(message));
    // The message would fit, but not a Close behind it.
    CHECK(peer.send(message) == errc::no_room);
    CHECK(peer.waiting() == 10'004);
    ws::server other = open_server({.output = 2 * 10'004 + 131});
    REQUIRE_FALSE(other.send(message));
    REQUIRE_FALSE(other.send(message));
    CHECK(other.send_text({}) == errc::no_room);
    CHECK(other.waiting() == 2 * 10'004);
    CHECK_FALSE(other.close(1000, std::string(123, 'x')));
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

TEST_CASE("D10: a prepared message that does not become smaller is compressed by no connection") {
    std::string noise;
    for (unsigned i = 0, state = 1; i != 5000; ++i) {
        state = state * 1664525U + 1013904223U;
        noise += static_cast<char>(state >> 24U);
    }
    ws::prepared_message message(ws::message_type::binary, noise);
    REQUIRE_FALSE(ws::zlib_compression::prepare(message));
    for (const std::string_view offer : {"permessage-deflate", "permessage-deflate; server_max_window_bits=9"}) {
        ws::zlib_server peer;
        CHECK_FALSE(open_with(peer, offer));
        REQUIRE_FALSE(peer.send(message));
        CHECK(peer.output().data() + 4 == message.payload().data());
        const auto frames = frames_in(take_all(peer));
        REQUIRE(frames.size() == 1);
        CHECK(frames[0].first == 0x82);
        CHECK(frames[0].text() == noise);
        // Unless it is said so.
        REQUIRE_FALSE(peer.send(message, ws::compressed::always));
        CHECK(frames_in(take_all(peer))[0].first == 0xC2);
    }
}

TEST_CASE("D10: a prepared message goes as the connection and its caller wish") {
    const std::string text(5000, 'x'), few(20, 'x');
    ws::prepared_message message(ws::message_type::text, text), small(ws::message_type::text, few);
    REQUIRE_FALSE(ws::zlib_compression::prepare(message));
    REQUIRE_FALSE(ws::zlib_compression::prepare(small));
    ws::zlib_server plain{ws::already_open{}};
    REQUIRE_FALSE(plain.send(message));
    REQUIRE_FALSE(plain.send(message, ws::compressed::always));
    ws::zlib_server peer{ws::options{}, ws::zlib_compression({.threshold = 100})};
    CHECK_FALSE(open_with(peer, "permessage-deflate"));
    REQUIRE_FALSE(peer.send(message, ws::compressed::never));
    REQUIRE_FALSE(peer.send(small));
    for (const auto& each : frames_in(joined(take_all(plain), take_all(peer)))) CHECK(each.first == 0x81);
    REQUIRE_FALSE(peer.send(small, ws::compressed::always));
    const auto frames = frames_in(take_all(peer));
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].first == 0xC1);
}

TEST_CASE("D3 D5 F5: a client sends what was compressed once, masked") {
    const std::string text(5000, 'x');
    ws::prepared_message message(ws::message_type::text, text);
    REQUIRE_FALSE(ws::zlib_compression::prepare(message, 12));
    for (const std::string_view offer :
         {"permessage-deflate", "permessage-deflate; client_no_context_takeover; client_max_window_bits=12",
          "permessage-deflate; client_max_window_bits=9"}) {
        CAPTURE(offer);
        ws::zlib_server server;
        ws::zlib_client client(sample_keys());
        REQUIRE_FALSE(client.request({.host = "h", .extensions = offer}));
        buffer wire = take_all(client);
        bytes in(wire);
        REQUIRE(server.next(in).kind == ws::kind::request);
        REQUIRE_FALSE(server.accept());
        wire = take_all(server);
        in = wire;
        REQUIRE(client.next(in).kind == ws::kind::open);
        const std::size_t before = allocations();
        REQUIRE_FALSE(client.send(message));
        // Only a client with a small window compresses for itself, and takes memory for that.
        CHECK((allocations() - before > 1) == (offer.find("=9") != std::string_view::npos));
        REQUIRE_FALSE(client.send_text(text));
        REQUIRE_FALSE(client.send(message));
        wire = take_all(client);
        in = wire;
        for (int count = 0; count != 3; ++count) {
            const ws::event event = server.next(in);
            REQUIRE(event.kind == ws::kind::message);
            CHECK(event.compressed);
            CHECK(event.text() == text);
        }
    }
}

TEST_CASE("D3: a window that no deflater has is the nearest one") {
    const std::string text(5000, 'x');
    for (const unsigned bits : {0U, 8U, 16U, 1000U}) {
        ws::prepared_message message(ws::message_type::text, text);
        REQUIRE_FALSE(ws::zlib_compression::prepare(message, bits));
        ws::zlib_server peer;
        CHECK_FALSE(open_with(peer, bits < 15 ? "permessage-deflate; server_max_window_bits=9" : "permessage-deflate"));
        const std::size_t before = allocations();
        REQUIRE_FALSE(peer.send(message));
        CHECK(allocations() - before <= 1);
        CHECK(frames_in(take_all(peer))[0].first == 0xC1);
    }
}

TEST_CASE(
    "D8: a connection that was sent such a message still holds its compressor, which begins anew when it is used") {
    const std::string text = "the words, the words, the words, and again the words";
    ws::prepared_message message(ws::message_type::text, text);
    REQUIRE_FALSE(ws::zlib_compression::prepare(message));
    ws::zlib_pool pool(1);
    const ws::deflate_policy every{.threshold = 0, .threshold_without_takeover = 0};
    for (const std::string_view offer : {"permessage-deflate", "permessage-deflate; server_no_context_takeover"}) {
        for (const bool shares : {false, true}) {
            CAPTURE(offer);
            ws::zlib_server peer{ws::options{}, ws::zlib_compression(every, shares ? &pool : nullptr)};
            CHECK_FALSE(open_with(peer, offer));
            REQUIRE_FALSE(peer.send_text(text));
            const buffer first = take_all(peer);
            for (int count = 0; count != 3; ++count) REQUIRE_FALSE(peer.send(message));
            static_cast<void>(take_all(peer));
            REQUIRE_FALSE(peer.send_text(text));
            CHECK(take_all(peer) == first);
            REQUIRE_FALSE(peer.send_text(text));
            CHECK((take_all(peer) == first) == (offer.size() > 20));
            // If it is not queued, the window is as it was.
            REQUIRE_FALSE(peer.send_piece(ws::message_type::text, text, false));
            CHECK(peer.send(message) == errc::message_open);
            REQUIRE_FALSE(peer.send_piece(ws::message_type::text, text, true));
        }
    }
}

TEST_CASE("a prepared message that was moved from cannot be sent") {
    ws::prepared_message message(ws::message_type::text, "text"sv);
    const ws::prepared_message moved(std::move(message));
    CHECK(message.error() == errc::no_memory);
    CHECK_FALSE(moved.error());
    ws::client client(ws::already_open{}, sample_keys());
    CHECK(client.send(message) == errc::no_memory);
    CHECK(ws::zlib_compression::prepare(message) == errc::no_memory);
}

TEST_CASE("a server with memory of the caller's copies a prepared message, if it has room") {
    const std::string large(5000, 'x');
    const ws::prepared_message message(ws::message_type::text, large), empty(ws::message_type::binary, {});
    std::vector<std::byte> in(100), out(10'000);
    using server = ws::basic_server<span_buffer<std::byte>>;
    server peer(ws::already_open{}, span_buffer<std::byte>(in), span_buffer<std::byte>(out));
    REQUIRE_FALSE(peer.send(message));
    CHECK(peer.send(message) == errc::no_room);
    REQUIRE_FALSE(peer.send(empty));
    REQUIRE_FALSE(peer.close());
    std::array<cbytes, 4> room;
    const std::span<const cbytes> pieces = peer.output(room);
    REQUIRE(pieces.size() == 1);
    CHECK(pieces[0].data() == out.data());
    const auto frames = frames_in(take_all(peer));
    REQUIRE(frames.size() == 3);
    CHECK(frames[0].text() == large);
    CHECK(frames[1].payload.empty());
    CHECK(frames[2].is_close());
}

TEST_CASE("if the heap is used up a prepared message is not queued, and the connection goes on") {
    const std::string large(5000, 'x');
    const ws::prepared_message message(ws::message_type::text, large);
    ws::server peer = open_server();
    {
        const empty_heap all_is_used;
        CHECK(peer.send(message) == errc::no_room);
    }
    CHECK(peer.waiting() == 0);
    REQUIRE_FALSE(peer.send(message));
    CHECK(frames_in(take_all(peer))[0].text() == large);
}

TEST_CASE("D10: what cannot be compressed is sent as it is") {
    ws::zlib_server plain{ws::already_open{}};
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

#ifdef __unix__
TEST_CASE("connections in several threads send one message, and the last gives it back") {
    const std::size_t before = heap_in_use();
    {
        const std::string large(5000, 'x');
        std::vector<std::thread> threads;
        std::atomic<int> right = 0;
        {
            ws::prepared_message message(ws::message_type::text, large);
            REQUIRE_FALSE(ws::zlib_compression::prepare(message));
            for (int i = 0; i != 4; ++i) {
                threads.emplace_back([message, &right] {
                    for (int count = 0; count != 500; ++count) {
                        const ws::prepared_message copy = message;
                        ws::server peer = open_server();
                        if (peer.send(copy) || peer.send(message)) return;
                        const buffer wire = take_all(peer);
                        if (wire.size() != 2 * (message.payload().size() + 4)) return;
                    }
                    ++right;
                });
            }
        }
        for (std::thread& each : threads) each.join();
        CHECK(right == 4);
    }
    CHECK(heap_in_use() <= before + 2000);
}
#endif
