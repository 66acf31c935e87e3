// Messages that are written straight into the output of a connection: ws/connection.hpp, `send_written`.
// SPDX-License-Identifier: MIT
#include <sockless/ws/client.hpp>
#include <sockless/ws/deflate/zlib.hpp>
#include <sockless/ws/server.hpp>

#include <doctest/doctest.h>

#include <string>

#include "../support/wire.hpp"

using namespace sockless;
using namespace sockless::test;

namespace {

// Writes a text as writers do, and counts how often.
struct writing {
    std::string text;
    int* calls = nullptr;

    written operator()(bytes room) const {
        if (calls != nullptr) ++*calls;
        if (room.size() < text.size()) return {text.size(), ws::errc::no_room};
        std::copy_n(bytes_of(text).begin(), text.size(), room.begin());
        return {text.size(), {}};
    }
};

std::string text_of_size(std::size_t size) {
    std::string text(size, 'x');
    for (std::size_t i = 0; i < size; i += 7) text[i] = static_cast<char>('a' + i % 26);
    return text;
}

template <class Endpoint>
buffer all_output(Endpoint& peer) {
    buffer all;
    while (!peer.output().empty()) {
        all.insert(all.end(), peer.output().begin(), peer.output().end());
        peer.sent(peer.output().size());
    }
    return all;
}

struct written_by_server {
    static constexpr role own = role::server;
    static ws::server make(std::size_t limit = SIZE_MAX) { return ws::server(ws::already_open{}, {.output = limit}); }
    static ws::basic_server<span_buffer<std::byte>> make_small(bytes memory) {
        return {ws::already_open{}, span_buffer<std::byte>{}, span_buffer(memory)};
    }
};
struct written_by_client {
    static constexpr role own = role::client;
    static ws::client make(std::size_t limit = SIZE_MAX) {
        return ws::client(ws::already_open{}, sample_keys(), {.output = limit});
    }
    static ws::basic_client<span_buffer<std::byte>> make_small(bytes memory) {
        return {ws::already_open{}, sample_keys(), span_buffer<std::byte>{}, span_buffer(memory)};
    }
};

constexpr std::size_t close_reserve = 131;

} // namespace

TEST_CASE_TEMPLATE("a message of any size is written as one frame, whatever size was likely", Side, written_by_server,
                   written_by_client) {
    for (const std::size_t size : {0U,   1U,   100U, 123U,   124U,   125U,   126U,   127U,   128U,   129U,
                                   130U, 131U, 200U, 65531U, 65534U, 65535U, 65536U, 65537U, 65546U, 70000U}) {
        for (const std::size_t likely :
             {std::size_t{0}, std::size_t{125}, size, std::size_t{512}, std::size_t{66000}}) {
            CAPTURE(size);
            CAPTURE(likely);
            auto peer = Side::make();
            int calls = 0;
            REQUIRE_FALSE(peer.send_written(writing{text_of_size(size), &calls}, {.likely = likely}));
            CHECK(calls == (likely >= size ? 1 : 2));
            auto other = Side::make();
            REQUIRE_FALSE(other.send_text(text_of_size(size)));
            CHECK(all_output(peer) == all_output(other));
        }
    }
}

TEST_CASE_TEMPLATE("what is written goes out as text if it is UTF-8, and else as binary", Side, written_by_server,
                   written_by_client) {
    for (const std::string& text : {std::string(), std::string("a\0b", 3), std::string("\xEC\x95\x88")}) {
        auto peer = Side::make();
        REQUIRE_FALSE(peer.send_written(writing{text}));
        const auto frames = frames_in(all_output(peer));
        REQUIRE(frames.size() == 1);
        CHECK(frames[0].first == 0x81);
        CHECK(frames[0].text() == text);
    }
    for (const std::string& text : {std::string("\xFF"), std::string("\xEC\x95"), text_of_size(1000) + "\xC0"}) {
        auto peer = Side::make();
        REQUIRE_FALSE(peer.send_written(writing{text}));
        const auto frames = frames_in(all_output(peer));
        REQUIRE(frames.size() == 1);
        CHECK(frames[0].first == 0x82);
        CHECK(frames[0].text() == text);
    }
}

TEST_CASE_TEMPLATE("a written message fits or is not sent, and leaves room for a Close and for what is reserved", Side,
                   written_by_server, written_by_client) {
    constexpr std::size_t mask = Side::own == role::client ? 4 : 0;
    for (const std::size_t size : {1U, 125U, 126U, 127U, 128U, 129U, 130U, 131U, 132U, 133U, 134U, 500U}) {
        for (const std::size_t reserve : {0U, 10U, 200U}) {
            const std::size_t reserved = reserve == 0 ? 0 : reserve + (reserve > 125 ? 4 : 2) + mask;
            const std::size_t least = size + (size > 125 ? 4 : 2) + mask + reserved + close_reserve;
            for (const std::size_t missing : {0U, 1U, 2U, 3U}) {
                CAPTURE(size);
                CAPTURE(reserve);
                CAPTURE(missing);
                const auto check = [&](auto peer) {
                    const error said = peer.send_written(writing{text_of_size(size)}, {.reserve = reserve});
                    CHECK(said == (missing == 0 ? error() : error(ws::errc::no_room)));
                    CHECK((peer.waiting() != 0) == (missing == 0));
                    if (missing == 0 && reserve != 0) {
                        CHECK_FALSE(peer.send_written(writing{text_of_size(reserve)}));
                    }
                    CHECK_FALSE(peer.close(1000, std::string(123, 'r')));
                };
                check(Side::make(least - missing));
                buffer memory(least - missing);
                check(Side::make_small(memory));
            }
            for (const std::size_t more : {1U, 2U, 3U, 4U}) {
                auto peer = Side::make(least + more);
                CHECK_FALSE(peer.send_written(writing{text_of_size(size)}, {.reserve = reserve}));
            }
        }
    }
}

TEST_CASE_TEMPLATE("a note can refuse what was written, and a writer can fail", Side, written_by_server,
                   written_by_client) {
    auto peer = Side::make();
    const auto refuse = []() -> error { return ws::errc::message_too_big; };
    CHECK(peer.send_written(writing{"text"}, {}, refuse) == ws::errc::message_too_big);
    CHECK(peer.send_written([](bytes) -> written {
        return {0, ws::errc::close_reason_too_long};
    }) == ws::errc::close_reason_too_long);
    CHECK(peer.waiting() == 0);
    REQUIRE_FALSE(peer.send_piece(ws::message_type::text, bytes_of("a"), false));
    CHECK(peer.send_written(writing{"text"}) == ws::errc::message_open);
    REQUIRE_FALSE(peer.send_piece(ws::message_type::text, bytes_of("b"), true));
    CHECK_FALSE(peer.send_written(writing{"text"}));
    REQUIRE_FALSE(peer.close());
    CHECK(peer.send_written(writing{"text"}) == ws::errc::not_open);
    CHECK(frames_in(all_output(peer)).size() == 4);
}

TEST_CASE_TEMPLATE("W4: what is longer than a message may be goes out as several, cut between characters", Side,
                   written_by_server, written_by_client) {
    const std::string korean = "\xEC\x95\x88\xEB\x85\x95\xED\x95\x98\xEC\x84\xB8\xEC\x9A\x94";
    const std::string emoji = "\xF0\x9F\x91\x8B\xF0\x9F\x8C\x8D";
    for (const std::string& body :
         {korean + emoji + "abc" + emoji + korean, emoji + emoji + emoji, "a" + korean, std::string(50, 'x'),
          emoji + "\xC3\xA9\xC3\xA9\xC3\xA9z" + korean, text_of_size(700) + korean, std::string()}) {
        for (const bool is_text : {true, false}) {
            for (std::size_t most = 0; most <= 140; most += most < 20 ? 1 : 15) {
                CAPTURE(most);
                const std::string all = body + (is_text ? "" : "\xFF");
                auto peer = Side::make();
                REQUIRE_FALSE(peer.send_written(writing{all}, {.likely = most % 2 == 0 ? 512U : 0U, .most = most}));
                const std::size_t limit = most < 4 ? 4 : most;
                std::string joined_text;
                const auto frames = frames_in(all_output(peer));
                for (std::size_t i = 0; i != frames.size(); ++i) {
                    const std::string_view text = frames[i].text();
                    joined_text += text;
                    REQUIRE(frames[i].first == (is_text ? 0x81U : 0x82U));
                    REQUIRE(text.size() <= limit);
                    if (is_text) REQUIRE(is_utf8(bytes_of(text)));
                    // A character more would be too long; binary is cut anywhere.
                    if (i + 1 != frames.size()) REQUIRE(text.size() + (is_text ? 3 : 0) >= limit);
                }
                CHECK(joined_text == all);
            }
        }
    }
}

TEST_CASE_TEMPLATE("W4: of exactly the largest size it is one message, and takes the room of one", Side,
                   written_by_server, written_by_client) {
    constexpr std::size_t mask = Side::own == role::client ? 4 : 0;
    for (const std::size_t size : {4U, 10U, 125U, 126U, 300U}) {
        const std::size_t least = size + (size > 125 ? 4 : 2) + mask + close_reserve;
        for (const std::size_t missing : {0U, 1U}) {
            CAPTURE(size);
            CAPTURE(missing);
            auto peer = Side::make(least - missing);
            const error said = peer.send_written(writing{text_of_size(size)}, {.most = size});
            CHECK(said == (missing == 0 ? error() : error(ws::errc::no_room)));
            CHECK(frames_in(all_output(peer)).size() == 1 - missing);
        }
        auto peer = Side::make();
        REQUIRE_FALSE(peer.send_written(writing{text_of_size(size)}, {.most = size - 1}));
        CHECK(frames_in(all_output(peer)).size() == (size == 4 ? 1 : 2));
    }
}

TEST_CASE_TEMPLATE("W4: several messages fit or are not sent, none of them", Side, written_by_server,
                   written_by_client) {
    std::size_t sent = 0;
    for (std::size_t limit = 0; limit != 1200; ++limit) {
        auto peer = Side::make(limit);
        const error said = peer.send_written(writing{text_of_size(400)}, {.most = 10});
        if (said) {
            REQUIRE(said == ws::errc::no_room);
            REQUIRE(peer.waiting() == 0);
            REQUIRE(sent == 0);
        } else {
            ++sent;
            REQUIRE(frames_in(all_output(peer)).size() == 40);
        }
    }
    CHECK(sent > 100);
}

TEST_CASE("D5 D10: what is written is compressed where that was agreed to, and is read as it was") {
    for (const bool takes_over : {true, false}) {
        for (const std::size_t most : {SIZE_MAX, std::size_t{1000}, std::size_t{5}}) {
            CAPTURE(takes_over);
            CAPTURE(most);
            ws::zlib_pool pool;
            const ws::deflate_policy policy{
                .wanted = {.server_no_context_takeover = !takes_over, .client_no_context_takeover = !takes_over}};
            scripted<ws::zlib_client> client(
                ws::zlib_client(sample_keys(), {}, ws::zlib_compression(policy, takes_over ? nullptr : &pool)));
            scripted<ws::zlib_server> server(ws::zlib_server({}, ws::zlib_compression(policy)));
            REQUIRE_FALSE(client.peer.request({.host = "h"}));
            converse(client, server, 1);
            REQUIRE(client.peer.is_open());
            REQUIRE(client.peer.compression().agreement().agreed);
            static_cast<void>(client.take_log());

            std::mt19937_64 random(7);
            std::string noise(5000, ' ');
            for (char& c : noise) c = static_cast<char>(random());
            std::string heard, said;
            std::size_t bytes_sent = 0;
            for (int round = 0; round != 6; ++round) {
                for (const std::string& text :
                     {text_of_size(3000), std::string("short"), noise, text_of_size(200), std::string(70'000, 'y')}) {
                    const auto refuse = []() -> error { return ws::errc::no_memory; };
                    if (round % 2 == 1) {
                        CHECK(server.peer.send_written(writing{text_of_size(1000 + static_cast<std::size_t>(round))},
                                                       {}, refuse) == ws::errc::no_memory);
                    }
                    const std::size_t before = server.peer.waiting();
                    REQUIRE_FALSE(server.peer.send_written(writing{text}, {.likely = 512 + text.size(), .most = most}));
                    if (most == SIZE_MAX && text.size() > 2000 && text != noise) {
                        CHECK(server.peer.waiting() - before < text.size() / 2);
                    }
                    bytes_sent += server.peer.waiting() - before;
                    said += text;
                }
                while (!server.peer.output().empty()) {
                    buffer copy(server.peer.output().begin(), server.peer.output().end());
                    server.peer.sent(copy.size());
                    bytes in = copy;
                    while (const ws::event found = client.peer.next(in)) {
                        REQUIRE(found.kind == ws::kind::message);
                        CHECK(found.payload.size() <= most);
                        heard += found.text();
                    }
                }
                if (round == 3) server.peer.release_memory();
            }
            CHECK((heard == said));
            CHECK(bytes_sent != 0);
        }
    }
}

TEST_CASE("D10: a compressed message for which there is no room goes out as it is, if that fits") {
    const std::string text = text_of_size(3000);
    std::size_t plain = 0, compressed = 0;
    for (std::size_t limit = 200; limit < 8000; limit += 20) {
        scripted<ws::zlib_client> client{ws::zlib_client(sample_keys())};
        scripted<ws::zlib_server> server{ws::zlib_server({.output = limit})};
        REQUIRE_FALSE(client.peer.request({.host = "h"}));
        converse(client, server, 1);
        if (!client.peer.is_open()) continue;
        const error said = server.peer.send_written(writing{text}, {.likely = 100});
        const std::size_t waiting = server.peer.waiting();
        if (said) {
            REQUIRE(said == ws::errc::no_room);
            CHECK(waiting == 0);
            CHECK(limit < 3000 + 4 + close_reserve);
            continue;
        }
        ++(waiting == 3004 ? plain : compressed);
        static_cast<void>(client.take_log());
        converse(client, server, 2);
        CHECK(client.log.size() == 1);
        CHECK(client.log.back().substr(client.log.back().find(": ") + 2) == text);
    }
    CHECK(plain > 10);
    CHECK(compressed > 10);
}
