// The common part of both ends of an open connection: messages, Pongs, the closing handshake, deadlines, memory.
// SPDX-License-Identifier: MIT
#include <sockless/ws/connection.hpp>

#include <doctest/doctest.h>

#include <array>
#include <set>
#include <utility>

#include "../support/aborts.hpp"
#include "../support/allocations.hpp"
#include "../support/wire.hpp"

using namespace sockless;
using namespace sockless::test;
using lines = std::vector<std::string>;
using sizes = std::initializer_list<std::size_t>;

namespace {

const std::string korean = "\xEC\x95\x88\xEB\x85\x95 \xF0\x9F\x91\x8B"; // two syllables and an emoji

// Whether a code may stand in a Close, as RFC 6455 section 7.4 and the IANA registry say.
bool is_legal(unsigned code) {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

// The bytes of a conversation, said by the peer of `Side`: all that has to do with the state of an endpoint.
template <class Side>
buffer conversation() {
    constexpr role by = Side::other;
    return joined(Side::opening(), frame(by, 0x81, "a\xC3\xA9"), frame(by, 0x02, "b"), frame(by, 0x89, "p"),
                  frame(by, 0x80, "c"), frame(by, 0x8A), close_frame(by, 1001, "x"), frame(by, 0x81, "late"));
}

// The same, with a fault: text that ends inside a character.
template <class Side>
buffer faulty_conversation() {
    constexpr role by = Side::other;
    return joined(Side::opening(), frame(by, 0x01, "\xE2"), frame(by, 0x89, "p"), frame(by, 0x00, "\x82"),
                  frame(by, 0x80, "("), frame(by, 0x81, "late"));
}

// Moves an endpoint away from its place after each byte of a head, and from there gives it the rest in single bytes.
template <class Make>
void can_be_moved_within(const buffer& head, const Make& make) {
    using endpoint = decltype(make());
    scripted<endpoint> whole(make());
    whole.feed_copy(head);
    REQUIRE(whole.peer.is_open());
    for (std::size_t cut = 0; cut != head.size(); ++cut) {
        auto before = std::make_unique<scripted<endpoint>>(make());
        before->feed_copy(cbytes(head).first(cut));
        scripted<endpoint> run(std::move(before->peer));
        run.sent = before->sent;
        before.reset();
        for (const std::byte each : cbytes(head).subspan(cut)) run.feed_copy({&each, 1});
        CAPTURE(cut);
        REQUIRE(run.complaint == "");
        REQUIRE(run.log == whole.log);
        REQUIRE(to_hex(run.sent) == to_hex(whole.sent));
    }
}

template <class Side>
void same_at_every_split(const buffer& input, const ws::options& how, bool answers = false) {
    const auto react = [answers](auto& peer, const ws::event& event) {
        using peer_type = std::remove_cvref_t<decltype(peer)>;
        if constexpr (is_server<peer_type>) {
            if (event.kind == ws::kind::request) REQUIRE_FALSE(peer.accept());
        }
        if (!answers) return;
        if (event.kind == ws::kind::message) REQUIRE_FALSE(peer.send(event.type, event.payload));
        if (event.kind == ws::kind::pong) REQUIRE_FALSE(peer.close(4000));
    };
    lines log;
    buffer sent;
    std::size_t splits = 0;
    std::size_t wrong = 0;
    for_each_split(input, [&](const auto& feed_all) {
        scripted<typename Side::endpoint> run(Side::make(how), react);
        feed_all([&](bytes piece) { run.feed(piece); });
        run.finish();
        if (splits++ == 0) {
            log = run.log;
            sent = run.sent;
        }
        const bool same = run.log == log && run.sent == sent && run.complaint.empty();
        if (!same && wrong++ == 0) {
            INFO(run.complaint);
            CHECK(run.log == log);
            CHECK(to_hex(run.sent) == to_hex(sent));
        }
    });
    CHECK(wrong == 0);
    CHECK(splits > input.size());
    CHECK(log.size() >= 3);
}

} // namespace

TEST_CASE("the endpoints are small") {
    CHECK(sizeof(ws::server) - 2 * sizeof(growing_buffer) <= 512);
    CHECK(sizeof(ws::client) - 2 * sizeof(growing_buffer) <= 512);
    using memory = span_buffer<std::byte>;
    CHECK(sizeof(ws::basic_server<memory>) - 2 * sizeof(memory) <= 512);
    CHECK(sizeof(ws::basic_client<memory>) - 2 * sizeof(memory) <= 512);
}

// --- the same at every split

TEST_CASE_TEMPLATE("F12 H19: a conversation is the same at every split", Side, server_side, client_side) {
    same_at_every_split<Side>(conversation<Side>(), {});
    same_at_every_split<Side>(conversation<Side>(), {.whole_messages = false});
    same_at_every_split<Side>(conversation<Side>(), {.show_frames = true});
    same_at_every_split<Side>(conversation<Side>(), {}, true);
}

TEST_CASE_TEMPLATE("F12 C7: a failure is the same at every split", Side, server_side, client_side) {
    same_at_every_split<Side>(faulty_conversation<Side>(), {});
    same_at_every_split<Side>(faulty_conversation<Side>(), {.whole_messages = false, .show_frames = true});
}

TEST_CASE_TEMPLATE("F12: an endpoint can be moved at any time", Side, server_side, client_side) {
    using endpoint = typename Side::endpoint;
    for (const buffer& input : {conversation<Side>(), faulty_conversation<Side>()}) {
        lines log;
        buffer sent;
        for (std::size_t cut = 0; cut <= input.size(); ++cut) {
            scripted<endpoint> run(Side::make());
            run.feed_copy(cbytes(input).first(cut));
            std::vector<endpoint> connections;
            connections.push_back(std::move(run.peer));
            connections.push_back(Side::make());
            connections.push_back(Side::make());
            run.peer = std::move(connections.front());
            run.feed_copy(cbytes(input).subspan(cut));
            run.finish();
            if (cut == 0) log = run.log, sent = run.sent;
            CAPTURE(cut);
            REQUIRE(run.complaint == "");
            REQUIRE(run.log == log);
            REQUIRE(to_hex(run.sent) == to_hex(sent));
        }
    }
}

TEST_CASE_TEMPLATE("F12 H20: an endpoint can be moved in the middle of a head", Side, server_side, client_side) {
    // A client reads more than one head with the same memory.
    const bool reads_interim = Side::own == role::client;
    const buffer head = joined(reads_interim ? "HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n" : "", Side::opening());
    can_be_moved_within(head, [] { return Side::make(); });
    std::array<std::byte, 512> input{}, output{};
    can_be_moved_within(head, [&] { return Side::make_small(input, output); });
}

TEST_CASE("F12: two endpoints understand each other at any cuts and with short writes") {
    std::vector<buffer> messages;
    std::mt19937_64 random(7);
    for (const std::size_t size : sizes{0, 1, 125, 126, 127, 1000, 65535, 65536, 70000}) {
        buffer message(size);
        for (std::byte& octet : message) octet = static_cast<std::byte>(random());
        messages.push_back(message);
    }
    for (std::uint64_t seed = 0; seed != 40; ++seed) {
        CAPTURE(seed);
        std::vector<buffer> at_server;
        std::vector<buffer> at_client;
        scripted<ws::client> client(
            ws::client(ws::entropy(seed_of(static_cast<unsigned>(seed)))),
            [&](ws::client& peer, const ws::event& event) {
                if (event.kind == ws::kind::open) {
                    for (const buffer& message : messages) {
                        CHECK_FALSE(peer.send(ws::message_type::binary, message));
                        CHECK_FALSE(peer.ping(bytes_of("are you there?")));
                        const cbytes all(message);
                        CHECK_FALSE(peer.send_piece(ws::message_type::binary, all.first(all.size() / 3), false));
                        CHECK_FALSE(peer.send_piece(ws::message_type::binary, all.subspan(all.size() / 3), true));
                    }
                } else if (event.kind == ws::kind::message) {
                    at_client.emplace_back(event.payload.begin(), event.payload.end());
                    if (at_client.size() == 2 * messages.size()) CHECK_FALSE(peer.close(3001, "enough"));
                }
            });
        scripted<ws::server> server(ws::server{}, [&](ws::server& peer, const ws::event& event) {
            if (event.kind == ws::kind::request) {
                CHECK_FALSE(peer.accept());
            } else if (event.kind == ws::kind::message) {
                at_server.emplace_back(event.payload.begin(), event.payload.end());
                CHECK_FALSE(peer.send(event.type, event.payload));
            }
        });
        REQUIRE_FALSE(client.peer.request({.host = "example.com", .target = "/"}));
        converse(client, server, seed);
        REQUIRE(at_server.size() == 2 * messages.size());
        for (std::size_t i = 0; i != at_server.size(); ++i) REQUIRE(at_server[i] == messages[i / 2]);
        CHECK(at_client == at_server);
        CHECK(server.log.back() == "closed 3001 clean none: enough");
        CHECK(client.log.back() == "closed 3001 clean none");
        CHECK(server.peer.done());
        CHECK_FALSE(client.peer.done());
        client.finish();
        CHECK(client.peer.done());
        CHECK(client.complaint + server.complaint == "");
    }
}

// --- messages

TEST_CASE_TEMPLATE("F12: a message that came whole is not copied", Side, server_side, client_side) {
    auto run = opened<Side>();
    for (const std::size_t size : sizes{0, 1, 125, 126, 65535, 65536}) {
        buffer input = frame(Side::other, 0x82, buffer(size, std::byte{7}));
        bytes in(input);
        const ws::event event = run.peer.next(in);
        REQUIRE(event.kind == ws::kind::message);
        CHECK(event.type == ws::message_type::binary);
        CHECK(event.first);
        CHECK(event.last);
        CHECK(event.payload.size() == size);
        CHECK(event.payload.data() + size == input.data() + input.size());
        CHECK(in.empty());
    }
    buffer two = joined(frame(Side::other, 0x81, "one"), frame(Side::other, 0x81, "two"));
    bytes in(two);
    CHECK(run.peer.next(in).text() == "one");
    CHECK(run.peer.next(in).text() == "two");
    CHECK_FALSE(run.peer.next(in));
}

TEST_CASE_TEMPLATE("F6: a message in fragments is handed out whole, or in the pieces that came", Side, server_side,
                   client_side) {
    constexpr role by = Side::other;
    const buffer input =
        joined(frame(by, 0x01, korean.substr(0, 2)), frame(by, 0x00), frame(by, 0x89, "!"),
               frame(by, 0x00, korean.substr(2, 7)), frame(by, 0x80, korean.substr(9)), frame(by, 0x82, "\xFF"));
    auto whole = opened<Side>();
    whole.feed_copy(input);
    CHECK(whole.log == lines{"ping: !", "message text: " + korean, "message binary: ff"});

    auto pieces = opened<Side>({.whole_messages = false});
    pieces.feed_copy(input);
    CHECK(pieces.log == lines{"piece text first: " + korean.substr(0, 2), "ping: !",
                              "piece text: " + korean.substr(2) + " (last)", "piece binary first: \xFF (last)"});
}

TEST_CASE_TEMPLATE("F9: a message is judged before it is stored", Side, server_side, client_side) {
    constexpr role by = Side::other;
    struct {
        ws::limits limits;
        buffer input;
        const char* closed;
        unsigned code;
    } const cases[] = {
        {{.message = 10}, frame(by, 0x82, std::string(11, 'x')), "closed 1006 unclean message_too_big", 1009},
        {{.message = 10},
         joined(frame(by, 0x02, std::string(6, 'x')), frame(by, 0x80, std::string(5, 'x'))),
         "closed 1006 unclean message_too_big",
         1009},
        {{.frame = 10}, frame(by, 0x82, std::string(11, 'x')), "closed 1006 unclean frame_too_big", 1009},
        {{.frames = 2},
         joined(frame(by, 0x02), frame(by, 0x00), frame(by, 0x00)),
         "closed 1006 unclean too_many_frames",
         1008},
    };
    for (const auto& each : cases) {
        for (const bool whole_messages : {true, false}) {
            auto run = opened<Side>({.limits = each.limits, .whole_messages = whole_messages});
            run.feed_copy(each.input);
            CHECK(run.log.back() == each.closed);
            const auto frames = frames_in(run.take_sent());
            REQUIRE(frames.size() == 1);
            CHECK(frames[0].close_code() == each.code);
        }
    }
}

TEST_CASE_TEMPLATE("F9: the memory that the caller gave is a limit too", Side, server_side, client_side) {
    std::array<std::byte, 256> input{};
    std::array<std::byte, 1024> output{};
    auto run = opened(Side::make_small(input, output), Side::opening());
    run.feed_copy(
        joined(frame(Side::other, 0x02, std::string(200, 'x')), frame(Side::other, 0x80, std::string(56, 'y'))));
    CHECK(run.log == lines{"message binary: " + std::string(200, 'x') + std::string(56, 'y')});
    run.feed_copy(
        joined(frame(Side::other, 0x02, std::string(200, 'x')), frame(Side::other, 0x80, std::string(57, 'y'))));
    CHECK(run.log.back() == "closed 1006 unclean message_too_big");
    REQUIRE_FALSE(run.sent.empty());
    CHECK(frames_in(run.sent).back().close_code() == 1009);
}

TEST_CASE_TEMPLATE("frames are shown where that was asked for", Side, server_side, client_side) {
    auto run = opened<Side>({.show_frames = true});
    const buffer first = frame(Side::other, 0x01, "abc");
    run.feed_copy(joined(first, frame(Side::other, 0x80, "d"), frame(Side::other, 0x88)));
    CHECK(run.log == lines{"frame 1 3 @0", "frame 0 1 @" + std::to_string(first.size()), "message text: abcd",
                           "frame 8 0 @" + std::to_string(2 * first.size() - 2), "closed 1005 clean none"});
}

// --- frames that break a rule which the caller can tolerate

namespace {

// The last line of the log after these frames behind the opening handshake, and the code of the Close that was sent;
// the same at every split.
template <class Side>
std::pair<std::string, unsigned> end_of(const buffer& frames, const ws::options& how) {
    const buffer input = joined(Side::opening(), frames);
    const std::size_t begin = input.size() - frames.size();
    cuts near_frames;
    for (std::size_t at = begin; at <= input.size(); ++at) near_frames.push_back(at);
    std::set<std::pair<std::string, unsigned>> ends;
    for_each_split_near(input, near_frames, [&](const auto& feed_all) {
        scripted<typename Side::endpoint> run(Side::make(how));
        feed_all([&](bytes piece) { run.feed(piece); });
        REQUIRE(run.complaint == "");
        const auto sent = frames_in(behind_head(run.sent));
        ends.emplace(run.log.back(), sent.empty() ? 0 : sent.back().close_code());
    });
    REQUIRE(ends.size() == 1);
    return *ends.begin();
}

} // namespace

TEST_CASE_TEMPLATE("F3: a length in more bytes than it needs fails with 1002, and is taken if that is tolerated", Side,
                   server_side, client_side) {
    for (const char* header : {"82 7e 00 02", "82 7f 00 00 00 00 00 00 00 02"}) {
        buffer message = from_hex(header);
        if (Side::own == role::server) {
            message[1] |= std::byte{0x80};
            message = joined(message, octets({0x5A, 0x01, 0xC3, 0x7E, 0x32, 0x68})); // "hi", masked
        } else {
            message = joined(message, "hi");
        }
        const std::pair<std::string, unsigned> failed{"closed 1006 unclean length_not_minimal", 1002};
        CHECK(end_of<Side>(message, {}) == failed);
        CHECK(end_of<Side>(message, {.tolerated = {.unmasked_frames = true}}) == failed);
        for (const bool shown : {false, true}) {
            const ws::options how{.tolerated = {.longer_lengths = true}, .show_frames = shown};
            CHECK(end_of<Side>(message, how) == std::pair<std::string, unsigned>{"message binary: hi", 0});
        }
    }
}

TEST_CASE("F4: a frame without a mask fails with 1002, and is taken by a server if that is tolerated") {
    const buffer message = joined(octets({0x81, 0x02}), "hi");
    const std::pair<std::string, unsigned> failed{"closed 1006 unclean mask_missing", 1002};
    CHECK(end_of<server_side>(message, {}) == failed);
    CHECK(end_of<server_side>(message, {.tolerated = {.longer_lengths = true}}) == failed);
    const ws::options tolerant{.tolerated = {.longer_lengths = true, .unmasked_frames = true}};
    for (const bool shown : {false, true}) {
        for (const bool whole : {false, true}) {
            ws::options how = tolerant;
            how.show_frames = shown;
            how.whole_messages = whole;
            const std::string line = whole ? "message text: hi" : "piece text first: hi (last)";
            CHECK(end_of<server_side>(message, how) == std::pair<std::string, unsigned>{line, 0});
        }
    }

    const buffer masked = frame(role::client, 0x81, "hi");
    CHECK(end_of<server_side>(masked, tolerant) == std::pair<std::string, unsigned>{"message text: hi", 0});
    CHECK(end_of<client_side>(masked, tolerant) ==
          std::pair<std::string, unsigned>{"closed 1006 unclean mask_forbidden", 1002});
}

TEST_CASE("F4 F10 C4: a server that tolerates frames without a mask sends what it sends to others") {
    const auto say = [](role by) {
        return joined(frame(by, 0x01, "a\xC3\xA9"), frame(by, 0x89, "p"), frame(by, 0x80, "b"),
                      close_frame(by, 1001, "bye"), frame(by, 0x81, "late"));
    };
    const ws::options tolerant{.tolerated = {.unmasked_frames = true}};
    auto bare = opened<server_side>(tolerant), masked = opened<server_side>(tolerant);
    bare.feed_copy(say(role::server));
    masked.feed_copy(say(role::client));
    CHECK(bare.log == masked.log);
    CHECK(bare.log == lines{"ping: p",
                            "message text: a\xC3\xA9"
                            "b",
                            "closed 1001 clean none: bye"});
    CHECK(to_hex(bare.take_sent()) == to_hex(masked.take_sent()));
}

// --- sending

TEST_CASE_TEMPLATE("F5 F3: messages of every form of length are sent as one frame", Side, server_side, client_side) {
    auto run = opened<Side>();
    CHECK_FALSE(run.peer.send_text(korean));
    for (const std::size_t size : sizes{0, 125, 126, 65535, 65536}) {
        CHECK_FALSE(run.peer.send(ws::message_type::binary, buffer(size, std::byte{0xFE})));
    }
    CHECK_FALSE(run.peer.ping(bytes_of("why")));
    CHECK_FALSE(run.peer.pong());
    const auto frames = frames_in(run.take_sent());
    REQUIRE(frames.size() == 8);
    CHECK(frames[0].first == 0x81);
    CHECK(frames[0].text() == korean);
    const std::size_t expected[] = {0, 125, 126, 65535, 65536};
    for (std::size_t i = 0; i != 5; ++i) {
        CHECK(frames[i + 1].first == 0x82);
        CHECK(frames[i + 1].payload == buffer(expected[i], std::byte{0xFE}));
    }
    CHECK(frames[6].first == 0x89);
    CHECK(frames[6].text() == "why");
    CHECK(frames[7].first == 0x8A);
    for (const seen_frame& each : frames) CHECK(each.masked == (Side::own == role::client));
}

TEST_CASE_TEMPLATE("a payload may be bytes of any type", Side, server_side, client_side) {
    const std::string text = "\x01 a";
    const auto each = [&](const auto& payload) {
        auto run = opened<Side>();
        CHECK_FALSE(run.peer.send_binary(payload));
        CHECK_FALSE(run.peer.send(ws::message_type::text, payload));
        CHECK_FALSE(run.peer.send_piece(ws::message_type::binary, payload, true));
        CHECK_FALSE(run.peer.ping(payload));
        CHECK_FALSE(run.peer.pong(payload));
        unsigned firsts = 0;
        for (const seen_frame& sent : frames_in(run.take_sent())) {
            CHECK(sent.text() == text);
            firsts = firsts << 4U | (sent.first & 15U);
        }
        CHECK(firsts == 0x2129A);
    };
    each(text);
    each(std::string_view(text));
    each(std::vector<char>(text.begin(), text.end()));
    each(std::vector<unsigned char>(text.begin(), text.end()));
    each(std::vector<signed char>(text.begin(), text.end()));
    each(std::array<std::uint8_t, 3>{1, ' ', 'a'});
    each(std::array<char, 3>{1, ' ', 'a'});
    each(std::u8string(text.begin(), text.end()));
    each(bytes_from(text));
    each(bytes_of(text));
    const std::uint8_t octets[] = {1, ' ', 'a'};
    each(octets);
    each(std::span(octets));
    each(std::span<const char>(text));
}

template <class Peer, class Payload>
concept takes = requires(Peer& peer, const Payload& payload) {
    peer.send_binary(payload);
};
static_assert(takes<ws::server, std::vector<char>> && takes<ws::client, std::string>);
static_assert(!takes<ws::server, std::vector<int>> && !takes<ws::client, std::vector<int>>);

TEST_CASE_TEMPLATE("F6 F8: a message is sent in pieces, its characters cut anywhere", Side, server_side, client_side) {
    using type = ws::message_type;
    auto run = opened<Side>();
    for (std::size_t cut = 0; cut <= korean.size(); ++cut) {
        const cbytes all = bytes_of(std::string_view(korean));
        CHECK_FALSE(run.peer.send_piece(type::text, all.first(cut), false));
        CHECK_FALSE(run.peer.ping());
        CHECK_FALSE(run.peer.send_piece(type::text, {}, false));
        CHECK_FALSE(run.peer.send_piece(type::text, all.subspan(cut), true));
        const auto frames = frames_in(run.take_sent());
        REQUIRE(frames.size() == 4);
        CHECK(frames[0].first == 0x01);
        CHECK(frames[1].first == 0x89);
        CHECK(frames[2].first == 0x00);
        CHECK(frames[3].first == 0x80);
        CHECK(std::string(frames[0].text()) + std::string(frames[3].text()) == korean);
    }
}

TEST_CASE_TEMPLATE("F6: inside a message in pieces no other can be sent", Side, server_side, client_side) {
    using type = ws::message_type;
    auto run = opened<Side>();
    REQUIRE_FALSE(run.peer.send_piece(type::binary, bytes_of("a"), false));
    const auto before = run.take_sent();
    CHECK(run.peer.send_text("b") == ws::errc::message_open);
    CHECK(run.peer.send(type::binary, {}) == ws::errc::message_open);
    CHECK(run.peer.send_piece(type::text, {}, true) == ws::errc::message_open);
    CHECK(run.peer.output().empty());
    CHECK_FALSE(run.peer.send_piece(type::binary, bytes_of("\xFF"), true));
    CHECK_FALSE(run.peer.send_text("b"));
    CHECK(frames_in(run.take_sent()).size() == 2);
}

TEST_CASE_TEMPLATE("F8: text that is not UTF-8 is not sent", Side, server_side, client_side) {
    using type = ws::message_type;
    auto run = opened<Side>();
    for (const std::string bad : {"\xFF", "a\x80", "\xC3", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xC0\x80"}) {
        CHECK(run.peer.send_text(bad) == ws::errc::payload_not_utf8);
        CHECK(run.peer.send_piece(type::text, bytes_of(bad), true) == ws::errc::payload_not_utf8);
        CHECK(run.peer.output().empty());
        CHECK_FALSE(run.peer.send(type::binary, bytes_of(bad)));
        static_cast<void>(run.take_sent());
    }
    // A refused piece has left no trace: the character that was begun goes on.
    REQUIRE_FALSE(run.peer.send_piece(type::text, bytes_of("\xE2\x82"), false));
    CHECK(run.peer.send_piece(type::text, bytes_of("x"), false) == ws::errc::payload_not_utf8);
    CHECK(run.peer.send_piece(type::text, {}, true) == ws::errc::payload_not_utf8);
    CHECK_FALSE(run.peer.send_piece(type::text, bytes_of("\xAC"), true));
    const auto frames = frames_in(run.take_sent());
    REQUIRE(frames.size() == 2);
    CHECK(std::string(frames[0].text()) + std::string(frames[1].text()) == "\xE2\x82\xAC");
}

TEST_CASE_TEMPLATE("C4: nothing is sent before the connection is open, and nothing after Close", Side, server_side,
                   client_side) {
    const auto refuses = [](auto& peer) {
        const std::size_t before = peer.output().size();
        CHECK(peer.send_text("x") == ws::errc::not_open);
        CHECK(peer.send(ws::message_type::binary, {}) == ws::errc::not_open);
        CHECK(peer.send_piece(ws::message_type::binary, {}, true) == ws::errc::not_open);
        CHECK(peer.ping() == ws::errc::not_open);
        CHECK(peer.pong() == ws::errc::not_open);
        CHECK(peer.close() == ws::errc::not_open);
        CHECK_FALSE(peer.is_open());
        CHECK(peer.output().size() == before);
    };
    auto fresh = Side::make();
    refuses(fresh);

    auto closing = opened<Side>();
    REQUIRE_FALSE(closing.peer.close());
    refuses(closing.peer);
    closing.feed_copy(close_frame(Side::other, 1000));
    refuses(closing.peer);

    auto half_sent = opened<Side>();
    REQUIRE_FALSE(half_sent.peer.send_piece(ws::message_type::text, bytes_of("\xE2"), false));
    REQUIRE_FALSE(half_sent.peer.close());
    refuses(half_sent.peer);

    auto closed = opened<Side>();
    closed.feed_copy(close_frame(Side::other, 1000));
    refuses(closed.peer);

    auto failed = opened<Side>();
    failed.feed_copy(octets({0xFF, 0xFF}));
    refuses(failed.peer);

    auto ended = opened<Side>();
    ended.finish();
    refuses(ended.peer);
}

TEST_CASE_TEMPLATE("F7: a Ping or Pong of more than 125 bytes is not sent", Side, server_side, client_side) {
    auto run = opened<Side>();
    CHECK(run.peer.ping(buffer(126)) == ws::errc::control_frame_too_long);
    CHECK(run.peer.pong(buffer(126)) == ws::errc::control_frame_too_long);
    CHECK(run.peer.output().empty());
    CHECK_FALSE(run.peer.ping(buffer(125)));
    CHECK_FALSE(run.peer.pong(buffer(125)));
    const auto frames = frames_in(run.take_sent());
    REQUIRE(frames.size() == 2);
    CHECK(frames[1].payload.size() == 125);
}

TEST_CASE_TEMPLATE("a send that does not fit writes nothing, and a Close fits always", Side, server_side, client_side) {
    using type = ws::message_type;
    std::array<std::byte, 256> input{};
    std::size_t opened_with = 0;
    std::size_t does_not_close = 0;
    for (std::size_t size = 0; size != 700; ++size) {
        CAPTURE(size);
        // Behind the memory that the endpoint was given lies what it must not touch.
        buffer memory(size + 64, std::byte{0xA5});
        scripted run(Side::make_small(input, bytes(memory).first(size)));
        run.drains = false;
        run.react = [](auto& peer, const ws::event& event) {
            if constexpr (is_server<std::remove_cvref_t<decltype(peer)>>) {
                if (event.kind == ws::kind::request) static_cast<void>(peer.accept());
            }
        };
        run.feed_copy(Side::opening());
        const auto unchanged = [&](auto&& send) {
            const buffer before(run.peer.output().begin(), run.peer.output().end());
            const error result = send();
            const cbytes after = run.peer.output();
            if (result) REQUIRE(buffer(after.begin(), after.end()) == before);
            return result;
        };
        if (run.peer.is_open()) {
            ++opened_with;
            for (const std::size_t each : sizes{300, 126, 125, 40, 3, 0}) {
                const buffer payload(each, std::byte{'x'});
                for (error result; !result;) result = unchanged([&] { return run.peer.send(type::binary, payload); });
                CHECK(unchanged([&] { return run.peer.send(type::text, payload); }) == ws::errc::no_room);
                // Nor has a message begun.
                CHECK(unchanged([&] { return run.peer.send_piece(type::text, payload, false); }) == ws::errc::no_room);
                if (each <= 125) CHECK(unchanged([&] { return run.peer.ping(payload); }) == ws::errc::no_room);
                if (each <= 125) CHECK(unchanged([&] { return run.peer.pong(payload); }) == ws::errc::no_room);
            }
            const bool closes = !unchanged([&] { return run.peer.close(4999, std::string(123, 'r')); });
            does_not_close += closes ? 0 : 1;
            CHECK(run.peer.output().size() <= size);
            if (closes) {
                const buffer all = run.take_sent();
                const auto frames = frames_in(behind_head(all));
                CHECK(frames.back().close_code() == 4999);
            }
        }
        for (std::size_t i = size; i != memory.size(); ++i) REQUIRE(memory[i] == std::byte{0xA5});
    }
    CHECK(opened_with > 300);
    CHECK(does_not_close == 0);
}

// --- Pings and Pongs

TEST_CASE_TEMPLATE("F10: a Ping is answered with its own payload", Side, server_side, client_side) {
    auto run = opened<Side>();
    for (const std::size_t size : sizes{0, 1, 125}) {
        const std::string payload(size, 'p');
        run.feed_copy(frame(Side::other, 0x89, payload));
        const auto frames = frames_in(run.take_sent());
        REQUIRE(frames.size() == 1);
        CHECK(frames[0].first == 0x8A);
        CHECK(frames[0].text() == payload);
        CHECK(frames[0].masked == (Side::own == role::client));
    }
    CHECK(run.log.size() == 3);
    CHECK(run.log[1] == "ping: p");
}

TEST_CASE_TEMPLATE("F10: the caller can answer Pings on their own", Side, server_side, client_side) {
    auto run = opened<Side>({.automatic_pongs = false});
    run.feed_copy(frame(Side::other, 0x89, "p"));
    CHECK(run.log == lines{"ping: p"});
    CHECK(run.take_sent().empty());
    CHECK_FALSE(run.peer.pong(bytes_of("p")));
    CHECK(frames_in(run.take_sent())[0].first == 0x8A);
}

TEST_CASE_TEMPLATE("F10: every Ping is answered, in order, while the Pongs that wait are small", Side, server_side,
                   client_side) {
    auto run = opened<Side>();
    run.drains = false;
    buffer block;
    for (int i = 0; i != 10; ++i) block = joined(block, frame(Side::other, 0x89, "payload-" + std::to_string(i)));
    REQUIRE_FALSE(run.peer.send_text("before"));
    run.feed_copy(block);
    REQUIRE_FALSE(run.peer.send_text("behind"));
    const auto frames = frames_in(run.take_sent());
    REQUIRE(frames.size() == 12);
    for (std::size_t i = 0; i != 10; ++i) {
        CHECK(frames[i + 1].first == 0x8A);
        CHECK(frames[i + 1].text() == "payload-" + std::to_string(i));
    }
}

TEST_CASE_TEMPLATE("F10: of a flood of Pings the first ones and the latest are answered, in bounded room", Side,
                   server_side, client_side) {
    auto run = opened<Side>();
    run.drains = false;
    buffer block;
    for (int i = 0; i != 1000; ++i) {
        const buffer ping = frame(Side::other, 0x89, buffer(125, static_cast<std::byte>(i)));
        block.insert(block.end(), ping.begin(), ping.end());
    }
    const std::size_t one = frame(Side::own, 0x8A, buffer(125)).size();
    const std::size_t first_ones = 4096 / one;
    const std::size_t allocated = allocations();
    std::size_t pings = 0;
    std::size_t most = 0;
    for (int i = 0; i != 1000; ++i) {
        buffer copy = block;
        bytes in(copy);
        while (const ws::event event = run.peer.next(in)) {
            pings += event.kind == ws::kind::ping ? 1 : 0;
            most = run.peer.waiting() > most ? run.peer.waiting() : most;
        }
    }
    CHECK(pings == 1'000'000);
    CHECK(most == first_ones * one);
    CHECK(allocations() - allocated <= 1000 + 6); // one for each copy of the block

    // Only when all of these Pongs have left the latest follows, and then nothing more.
    run.drain(first_ones * one - 1);
    CHECK(run.peer.waiting() == 1);
    run.drain(1);
    CHECK(run.peer.waiting() == one);
    const auto frames = frames_in(run.take_sent());
    REQUIRE(frames.size() == first_ones + 1);
    for (std::size_t i = 0; i != first_ones; ++i) CHECK(frames[i].payload == buffer(125, static_cast<std::byte>(i)));
    CHECK(frames.back().payload == buffer(125, static_cast<std::byte>(999 & 255)));
    CHECK(run.peer.output().empty());
}

TEST_CASE_TEMPLATE("F10: a Pong waits for room, not for other output", Side, server_side, client_side) {
    std::array<std::byte, 256> input{};
    std::array<std::byte, 512> output{};
    auto run = opened(Side::make_small(input, output), Side::opening());
    run.drains = false;
    while (!run.peer.send(ws::message_type::binary, {})) {
    }
    run.feed_copy(joined(frame(Side::other, 0x89, "a"), frame(Side::other, 0x89, "b")));
    run.drain(20);
    const auto frames = frames_in(run.take_sent());
    std::size_t pongs = 0;
    for (const seen_frame& each : frames) pongs += each.first == 0x8A ? 1 : 0;
    CHECK(pongs == 1);
    CHECK(frames.back().text() == "b");
}

TEST_CASE_TEMPLATE("F10 C4: no Pong is sent after a Close, sent or received", Side, server_side, client_side) {
    constexpr role by = Side::other;
    const buffer pings = joined(frame(by, 0x89, "a"), frame(by, 0x89, "b"));

    auto answered = opened<Side>();
    answered.drains = false;
    answered.feed_copy(joined(pings, close_frame(by, 1000), frame(by, 0x89, "c")));
    auto frames = frames_in(answered.take_sent());
    REQUIRE(frames.size() == 3);
    CHECK(frames[0].text() == "a");
    CHECK(frames[1].text() == "b");
    CHECK(frames[2].is_close());

    auto closing = opened<Side>();
    closing.drains = false;
    closing.feed_copy(pings);
    REQUIRE_FALSE(closing.peer.close());
    closing.feed_copy(frame(by, 0x89, "c"));
    CHECK(closing.log.back() == "ping: c");
    frames = frames_in(closing.take_sent());
    REQUIRE(frames.size() == 3);
    CHECK(frames[0].text() == "a");
    CHECK(frames[1].text() == "b");
    CHECK(frames[2].is_close());
}

TEST_CASE_TEMPLATE("F11: a Pong that nobody asked for is reported, and needs no answer", Side, server_side,
                   client_side) {
    auto run = opened<Side>();
    run.feed_copy(joined(frame(Side::other, 0x8A, "x"), frame(Side::other, 0x8A)));
    CHECK(run.log == lines{"pong: x", "pong"});
    CHECK(run.take_sent().empty());
}

// --- the closing handshake

TEST_CASE_TEMPLATE("C3 C4 C5: each legal code is echoed, once, and any other fails with 1002", Side, server_side,
                   client_side) {
    for (unsigned code = 0; code != 65536; code += code < 5100 || code % 256 == 255 ? 1 : 255 - code % 256) {
        CAPTURE(code);
        auto run = opened<Side>();
        run.feed_copy(joined(close_frame(Side::other, code, "why"), close_frame(Side::other, code)));
        const auto frames = frames_in(run.take_sent());
        REQUIRE(frames.size() == 1);
        REQUIRE(frames[0].is_close());
        if (is_legal(code)) {
            REQUIRE(run.log == lines{"closed " + std::to_string(code) + " clean none: why"});
            REQUIRE(frames[0].close_code() == code);
            REQUIRE_FALSE(run.peer.error());
        } else {
            REQUIRE(run.log == lines{"closed 1006 unclean close_code_invalid"});
            REQUIRE(frames[0].close_code() == 1002);
            REQUIRE(run.peer.error() == ws::errc::close_code_invalid);
        }
        REQUIRE(run.complaint == "");
    }
}

TEST_CASE_TEMPLATE("C3: only legal codes are sent", Side, server_side, client_side) {
    auto kept = opened<Side>();
    for (unsigned code = 0; code != 65536; ++code) {
        if (code == 1005) continue;
        const auto wire = static_cast<std::uint16_t>(code);
        if (!is_legal(code)) {
            REQUIRE(kept.peer.close(wire) == ws::errc::close_code_not_sendable);
            continue;
        }
        auto run = opened<Side>();
        REQUIRE_FALSE(run.peer.close(wire, "bye"));
        const auto frames = frames_in(run.take_sent());
        REQUIRE(frames.size() == 1);
        REQUIRE(frames[0].close_code() == code);
        REQUIRE(frames[0].text().substr(2) == "bye");
    }
    CHECK(kept.peer.is_open());
    CHECK(kept.peer.output().empty());
}

TEST_CASE_TEMPLATE("C2: a reason is UTF-8 of at most 123 bytes", Side, server_side, client_side) {
    auto run = opened<Side>();
    CHECK(run.peer.close(1000, std::string(124, 'r')) == ws::errc::close_reason_too_long);
    CHECK(run.peer.close(1000, "\xC3") == ws::errc::payload_not_utf8);
    CHECK(run.peer.close(1005, "r") == ws::errc::close_code_not_sendable);
    CHECK(run.peer.is_open());
    CHECK(run.peer.output().empty());
    CHECK_FALSE(run.peer.close(1000, std::string(123, 'r')));
    CHECK(frames_in(run.take_sent())[0].payload.size() == 125);

    auto bad = opened<Side>();
    bad.feed_copy(close_frame(Side::other, 1000, "a\xC3"));
    CHECK(bad.log == lines{"closed 1006 unclean close_reason_invalid_utf8"});
    CHECK(frames_in(bad.take_sent())[0].close_code() == 1007);
}

TEST_CASE_TEMPLATE("C1 C5: a Close without a code is 1005, and answered with such", Side, server_side, client_side) {
    auto run = opened<Side>();
    run.feed_copy(frame(Side::other, 0x88));
    CHECK(run.log == lines{"closed 1005 clean none"});
    auto frames = frames_in(run.take_sent());
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].close_code() == 1005);

    auto ours = opened<Side>();
    REQUIRE_FALSE(ours.peer.close(1005));
    ours.feed_copy(close_frame(Side::other, 1001, korean));
    CHECK(ours.log == lines{"closed 1001 clean none: " + korean});
    frames = frames_in(ours.take_sent());
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].close_code() == 1005);

    auto one_byte = opened<Side>();
    one_byte.feed_copy(frame(Side::other, 0x88, "\x03"));
    CHECK(one_byte.log == lines{"closed 1006 unclean close_payload_too_short"});
    CHECK(frames_in(one_byte.take_sent())[0].close_code() == 1002);
}

TEST_CASE_TEMPLATE("C4: what comes after our Close is still received, what comes after the peer's is discarded", Side,
                   server_side, client_side) {
    constexpr role by = Side::other;
    auto run = opened<Side>();
    REQUIRE_FALSE(run.peer.close(1000, "done"));
    run.feed_copy(joined(frame(by, 0x81, "one"), frame(by, 0x02, "tw")));
    run.feed_copy(joined(frame(by, 0x80, "o"), close_frame(by, 1000), frame(by, 0x81, "three"), octets({0xFF})));
    CHECK(run.log == lines{"message text: one", "message binary: two", "closed 1000 clean none"});
    run.feed_copy(frame(by, 0x81, "four"));
    run.finish();
    CHECK(run.log.size() == 3);
    CHECK(run.left.empty());
    CHECK(run.complaint == "");
    CHECK(frames_in(run.take_sent()).size() == 1);
    CHECK_FALSE(run.peer.error());
}

TEST_CASE_TEMPLATE("C4 C5: Closes that cross are each other's answer", Side, server_side, client_side) {
    auto run = opened<Side>();
    run.drains = false;
    REQUIRE_FALSE(run.peer.close(4001, "ours"));
    run.feed_copy(close_frame(Side::other, 4002, "theirs"));
    CHECK(run.log == lines{"closed 4002 clean none: theirs"});
    const auto frames = frames_in(run.take_sent());
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].close_code() == 4001);
}

TEST_CASE("C6: the server ends the connection first, the client waits for it, with a deadline") {
    for (const bool server_begins : {true, false}) {
        auto server = opened<server_side>();
        auto client = opened<client_side>({.close_timeout = 700});
        server.tick(1000);
        client.tick(1000);
        server.drains = client.drains = false;
        if (server_begins) {
            REQUIRE_FALSE(server.peer.close());
        } else {
            REQUIRE_FALSE(client.peer.close());
        }
        CHECK_FALSE(server.peer.done());
        CHECK_FALSE(client.peer.done());
        converse(server, client, 1);
        CHECK(server.log == lines{"closed 1000 clean none"});
        CHECK(client.log == lines{"closed 1000 clean none"});
        CHECK(server.peer.done());

        CHECK_FALSE(client.peer.done());
        CHECK(client.peer.next_deadline() == 0);
        client.tick(9000);
        CHECK(client.peer.next_deadline() == 9700);
        client.tick(9699);
        CHECK_FALSE(client.peer.done());
        if (server_begins) {
            client.tick(9700);
        } else {
            client.finish();
        }
        CHECK(client.peer.done());
        CHECK(client.log.size() == 1);
    }
}

TEST_CASE("C6: a server is not done before its last bytes are sent") {
    auto run = opened<server_side>();
    run.drains = false;
    run.feed_copy(close_frame(role::client, 1000));
    CHECK_FALSE(run.peer.done());
    run.drain(1);
    CHECK_FALSE(run.peer.done());
    run.drain();
    CHECK(run.peer.done());
}

TEST_CASE_TEMPLATE("C7: after a failure its Close is the last thing sent, and nothing more is read", Side, server_side,
                   client_side) {
    constexpr role by = Side::other;
    constexpr bool masked = by == role::client;
    struct {
        buffer input;
        ws::errc error;
        unsigned code;
    } const cases[] = {
        {frame(by, 0xC1, "x"), ws::errc::reserved_bit_set, 1002},
        {frame(by, 0x83, "x"), ws::errc::unknown_opcode, 1002},
        {frame(by, 0x80, "x"), ws::errc::unexpected_continuation, 1002},
        {joined(frame(by, 0x01, "x"), frame(by, 0x81, "x")), ws::errc::expected_continuation, 1002},
        {frame(by, 0x09, "x"), ws::errc::fragmented_control_frame, 1002},
        {frame(by, 0x89, std::string(126, 'x')), ws::errc::control_frame_too_long, 1002},
        {frame(Side::own, 0x81, "x"), masked ? ws::errc::mask_missing : ws::errc::mask_forbidden, 1002},
        {octets({0x81, masked ? 0xFE : 0x7E, 0, 125, 0, 0, 0, 0, 0, 0, 0, 0}), ws::errc::length_not_minimal, 1002},
        {octets({0x81, masked ? 0xFF : 0x7F, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}), ws::errc::length_top_bit_set,
         1002},
        {octets({0x82, masked ? 0xFF : 0x7F, 0x7F, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0}),
         ws::errc::message_too_big, 1009},
        {frame(by, 0x81, "ab\xFFxyz"), ws::errc::invalid_utf8, 1007},
    };
    for (const auto& each : cases) {
        CAPTURE(row_of(each.error).name);
        auto run = opened<Side>();
        run.drains = false;
        REQUIRE_FALSE(run.peer.send_text("before"));
        // Two Pongs are on their way.
        run.feed_copy(joined(frame(by, 0x89, "1"), frame(by, 0x89, "2"), each.input, frame(by, 0x81, "late"),
                             close_frame(by, 1000)));
        CHECK(run.log.back() == "closed 1006 unclean " + std::string(row_of(each.error).name));
        CHECK(run.log.size() == 3);
        CHECK(run.peer.error() == each.error);
        CHECK(run.left.empty());

        CHECK_FALSE(run.peer.done());
        run.feed_copy(joined(frame(by, 0x89, "3"), close_frame(by, 1000)));
        run.finish();
        run.tick(1'000'000'000);
        CHECK(run.log.size() == 3);
        CHECK(run.complaint == "");
        CHECK(run.peer.error() == each.error);

        // The bytes that were queued when the failure came go out, and then the Close.
        auto sends = opened<Side>();
        sends.drains = false;
        REQUIRE_FALSE(sends.peer.send_text("before"));
        sends.feed_copy(joined(frame(by, 0x89, "1"), frame(by, 0x89, "2"), each.input));
        const auto frames = frames_in(sends.take_sent());
        REQUIRE(frames.size() == 4);
        CHECK(frames[0].text() == "before");
        CHECK(frames[1].text() == "1");
        CHECK(frames[2].text() == "2");
        CHECK(frames[3].close_code() == each.code);
        CHECK(sends.peer.output().empty());
        CHECK(sends.peer.done());
    }
}

TEST_CASE_TEMPLATE("C7 C5: a failure of ours differs from a Close of the peer with the same code", Side, server_side,
                   client_side) {
    auto ours = opened<Side>();
    ours.feed_copy(octets({0xFF, 0xFF}));
    auto theirs = opened<Side>();
    theirs.feed_copy(close_frame(Side::other, 1002, "you broke a rule"));
    CHECK(ours.log == lines{"closed 1006 unclean reserved_bit_set"});
    CHECK(theirs.log == lines{"closed 1002 clean none: you broke a rule"});
    CHECK(ours.peer.error() == ws::errc::reserved_bit_set);
    CHECK_FALSE(theirs.peer.error());
}

TEST_CASE_TEMPLATE("C7: a failure after our Close sends no other", Side, server_side, client_side) {
    auto run = opened<Side>();
    REQUIRE_FALSE(run.peer.close());
    run.feed_copy(frame(Side::other, 0x83));
    CHECK(run.log == lines{"closed 1006 unclean unknown_opcode"});
    CHECK(frames_in(run.take_sent()).size() == 1);
    CHECK(run.peer.done());
}

TEST_CASE_TEMPLATE("C8: an end of input without Close is abnormal, whenever it comes", Side, server_side, client_side) {
    constexpr role by = Side::other;
    const buffer opening = Side::opening();
    const auto ends = [](auto run) {
        run.finish();
        CHECK(run.log.back() == "closed 1006 unclean end_of_input");
        CHECK(run.peer.error() == ws::errc::end_of_input);
        CHECK(run.peer.output().empty());
        CHECK(run.peer.done());
        run.finish();
        run.feed_copy(joined(Side::opening(), frame(by, 0x81, "x")));
        CHECK(run.complaint == "");
    };
    ends(scripted(Side::make()));
    scripted in_head(Side::make());
    in_head.feed_copy(cbytes(opening).first(20));
    ends(std::move(in_head));
    ends(opened<Side>());
    for (const buffer& some : {octets({0x81}), buffer(frame(by, 0x81, "ab")), buffer(frame(by, 0x01, "ab")),
                               octets({0x89, by == role::client ? 0x85 : 0x05})}) {
        auto run = opened<Side>();
        run.feed_copy(some);
        ends(std::move(run));
    }
    auto closing = opened<Side>();
    REQUIRE_FALSE(closing.peer.close());
    ends(std::move(closing));

    auto closed = opened<Side>();
    closed.feed_copy(close_frame(by, 1000));
    closed.finish();
    CHECK(closed.log == lines{"closed 1000 clean none"});
    CHECK(closed.peer.done());
}

// --- deadlines

TEST_CASE_TEMPLATE("C8: the opening handshake has a deadline, from the first tick on", Side, server_side, client_side) {
    for (const sockless::instant begin : {sockless::instant{0}, sockless::instant{5}, sockless::instant{1} << 60U}) {
        scripted run(Side::make());
        run.tick(begin);
        CHECK(run.peer.next_deadline() == begin + 10'000);
        run.feed_copy(cbytes(Side::opening()).first(30));
        run.tick(begin + 9'999);
        CHECK(run.log.empty());
        run.take_sent();
        run.tick(begin + 10'000);
        CHECK(run.log == lines{"closed 1006 unclean handshake_timeout"});
        const buffer sent = run.take_sent();
        if (Side::own == role::server) {
            CHECK(text_of(sent).substr(0, 13) == "HTTP/1.1 408 ");
        } else {
            CHECK(sent.empty());
        }
        CHECK(run.peer.done());
    }
}

TEST_CASE_TEMPLATE("deadlines do not wrap around", Side, server_side, client_side) {
    scripted run(Side::make());
    run.tick(UINT64_MAX - 1);
    CHECK(run.log.empty());
    run.feed_copy(Side::opening());
    run.tick(UINT64_MAX - 1);
    CHECK(run.peer.is_open());
    REQUIRE_FALSE(run.peer.close());
    run.tick(UINT64_MAX - 1);
    CHECK(run.log.size() == 1);
}

TEST_CASE_TEMPLATE("without a tick, and where it is switched off, no deadline comes", Side, server_side, client_side) {
    scripted run(Side::make({.handshake_timeout = sockless::never, .close_timeout = sockless::never}));
    CHECK(run.peer.next_deadline() == sockless::no_deadline);
    run.tick(1);
    run.tick(UINT64_MAX - 1);
    run.feed_copy(Side::opening());
    CHECK(run.peer.next_deadline() == sockless::no_deadline);
    run.tick(UINT64_MAX - 1);
    REQUIRE_FALSE(run.peer.close());
    run.tick(UINT64_MAX - 1);
    CHECK(run.peer.next_deadline() == sockless::no_deadline);
    CHECK(run.log.size() == 1);
}

TEST_CASE_TEMPLATE("a silent peer is asked with a Ping, and given up where no sign of life follows", Side, server_side,
                   client_side) {
    auto run = opened<Side>({.ping_interval = 1000, .pong_timeout = 300});
    run.tick(50'000);
    CHECK(run.peer.next_deadline() == 51'000);
    run.tick(50'999);
    CHECK(run.take_sent().empty());
    run.tick(51'000);
    auto frames = frames_in(run.take_sent());
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].first == 0x89);
    // The Pong can come now that the Ping has left.
    CHECK(run.peer.next_deadline() == 0);
    run.tick(51'000);
    CHECK(run.peer.next_deadline() == 51'300);
    run.tick(51'299);
    CHECK(run.log.empty());

    SUBCASE("nothing comes") {
        run.tick(51'300);
        CHECK(run.log == lines{"closed 1006 unclean pong_timeout"});
        frames = frames_in(run.take_sent());
        REQUIRE(frames.size() == 1);
        CHECK(frames[0].close_code() == 1011);
        CHECK(run.peer.done());
    }
    SUBCASE("a byte comes, and then silence again") {
        run.feed_copy(octets({0x81}));
        run.tick(51'300);
        CHECK(run.peer.next_deadline() == 52'300);
        CHECK(run.peer.is_open());
        CHECK(run.take_sent().empty());
        run.tick(52'300);
        CHECK(run.log.empty());
        frames = frames_in(run.take_sent());
        REQUIRE(frames.size() == 1);
        CHECK(frames[0].first == 0x89);
        run.tick(52'300);
        run.tick(52'599);
        CHECK(run.log.empty());
        run.tick(52'600);
        CHECK(run.log == lines{"closed 1006 unclean pong_timeout"});
    }
    SUBCASE("a byte comes every now and then") {
        for (sockless::instant now = 51'300; now != 90'300; now += 250) {
            run.feed_copy(frame(Side::other, 0x8A));
            run.tick(now);
        }
        CHECK(run.peer.is_open());
        CHECK(run.take_sent().empty());
    }
    SUBCASE("nothing is asked while a Close is waited for") {
        REQUIRE_FALSE(run.peer.close());
        run.take_sent();
        CHECK(run.peer.next_deadline() == 0);
        run.tick(60'000);
        CHECK(run.peer.next_deadline() == 65'000);
        run.feed_copy(frame(Side::other, 0x8A));
        run.tick(64'999);
        CHECK(run.take_sent().empty());
        run.tick(65'000);
        CHECK(run.log.back() == "closed 1006 unclean close_timeout");
        CHECK(run.take_sent().empty());
        CHECK(run.peer.done());
    }
}

// --- memory

TEST_CASE_TEMPLATE("no memory is taken for a message in steady state", Side, server_side, client_side) {
    constexpr role by = Side::other;
    auto run = opened<Side>();
    const buffer whole = frame(by, 0x81, std::string(1000, 'x'));
    const buffer fragments = joined(frame(by, 0x02, std::string(700, 'x')), frame(by, 0x89, "ping"),
                                    frame(by, 0x00, std::string(700, 'y')), frame(by, 0x80, std::string(700, 'z')));
    std::array<std::byte, 4096> memory{};
    std::size_t messages = 0;
    std::size_t sent = 0;
    const auto exchange = [&](const buffer& input, std::size_t read) {
        for (std::size_t at = 0; at < input.size(); at += read) {
            const std::size_t size = input.size() - at < read ? input.size() - at : read;
            std::memcpy(memory.data(), input.data() + at, size);
            bytes in = bytes(memory).first(size);
            while (const ws::event event = run.peer.next(in)) {
                if (event.kind != ws::kind::message) continue;
                ++messages;
                static_cast<void>(run.peer.send(event.type, event.payload));
                static_cast<void>(run.peer.ping());
            }
            while (!run.peer.output().empty()) {
                const std::size_t part = run.peer.output().size() > 100 ? 100 : run.peer.output().size();
                sent += part;
                run.peer.sent(part);
            }
        }
    };
    for (const buffer& input : {whole, fragments}) {
        for (const std::size_t read : sizes{4096, 500, 1}) exchange(input, read);
        const std::size_t before = allocations();
        for (int i = 0; i != 200; ++i) {
            for (const std::size_t read : sizes{4096, 500, 1}) exchange(input, read);
        }
        CHECK(allocations() == before);
    }
    CHECK(messages == 2 * 201 * 3);
    CHECK(sent > messages * 1000);
}

TEST_CASE_TEMPLATE("F9: memory does not grow with what a hostile peer sends", Side, server_side, client_side) {
    constexpr role by = Side::other;
    auto run = opened<Side>({.limits = {.frames = UINT32_MAX}});
    buffer block;
    lines end;
    unsigned code = 0;
    std::uint64_t blocks = 1;

    SUBCASE("a million empty fragments") {
        run.feed_copy(frame(by, 0x01));
        for (int i = 0; i != 1000; ++i) block = joined(block, frame(by, 0x00));
        blocks = 1000;
    }
    SUBCASE("too many empty fragments") {
        run = opened<Side>();
        run.feed_copy(frame(by, 0x01));
        for (int i = 0; i != 1000; ++i) block = joined(block, frame(by, 0x00));
        blocks = 100;
        end = {"closed 1006 unclean too_many_frames"};
        code = 1008;
    }
    SUBCASE("a length of 2^63") {
        block = octets({0x82, by == role::client ? 0xFF : 0x7F, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
        end = {"closed 1006 unclean length_top_bit_set"};
        code = 1002;
    }
    SUBCASE("a length of 2^62, which never comes") {
        block = octets({0x82, by == role::client ? 0xFF : 0x7F, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
        end = {"closed 1006 unclean message_too_big"};
        code = 1009;
    }
    SUBCASE("a Close with one byte") {
        block = frame(by, 0x88, "x");
        end = {"closed 1006 unclean close_payload_too_short"};
        code = 1002;
    }
    SUBCASE("messages that were announced as large and do not come") {
        block = octets({0x02, by == role::client ? 0xFF : 0x7F, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0});
    }

    buffer copy(block.size());
    run.log.reserve(8);
    run.sent.reserve(256);
    const std::size_t before = allocations();
    std::size_t most = 0;
    ws::event last{};
    for (std::uint64_t i = 0; i != blocks; ++i) {
        std::memcpy(copy.data(), block.data(), block.size());
        bytes in(copy);
        while (const ws::event event = run.peer.next(in)) last = event;
        most = run.peer.output().size() > most ? run.peer.output().size() : most;
    }
    CHECK(allocations() - before <= 1);
    CHECK(most <= 131);
    if (end.empty()) {
        CHECK_FALSE(last);
        CHECK(run.peer.is_open());
    } else {
        REQUIRE(last.kind == ws::kind::closed);
        CHECK(line_of(run.peer, last) == end[0]);
        REQUIRE_FALSE(run.peer.output().empty());
        CHECK(frames_in(run.peer.output()).back().close_code() == code);
    }
}

TEST_CASE_TEMPLATE("more than there is cannot be said to be sent, as by a caller whose `send` returned -1", Side,
                   server_side, client_side) {
    auto run = opened<Side>();
    run.drains = false;
    REQUIRE_FALSE(run.peer.send_text("first"));
    for (const std::size_t size : {SIZE_MAX, run.peer.output().size() + 1}) {
#ifdef NDEBUG
        run.peer.sent(size);
        const auto frames = frames_in(run.peer.output());
        REQUIRE(frames.size() == 1);
        CHECK(frames[0].text() == "first");
#else
        CHECK(aborts([&] { run.peer.sent(size); }));
#endif
    }
}

TEST_CASE_TEMPLATE("memory that is not in use can be given back", Side, server_side, client_side) {
    constexpr role by = Side::other;
    auto run = opened<Side>();
    run.peer.release_memory();
    run.feed_copy(joined(frame(by, 0x02, "a"), frame(by, 0x00, "b")));
    run.peer.release_memory(); // a message is open
    run.feed_copy(frame(by, 0x80, "c"));
    REQUIRE_FALSE(run.peer.send_text("kept"));
    run.peer.release_memory(); // something waits to be sent
    CHECK(frames_in(run.take_sent())[0].text() == "kept");
    run.peer.release_memory();
    run.feed_copy(joined(frame(by, 0x02, "d"), frame(by, 0x80, "e"), frame(by, 0x89, "p")));
    CHECK(run.log == lines{"message binary: abc", "message binary: de", "ping: p"});
    CHECK(frames_in(run.take_sent())[0].text() == "p");
    CHECK(run.complaint == "");
}

TEST_CASE_TEMPLATE("endpoints work in memory of the caller's alone", Side, server_side, client_side) {
    std::array<std::byte, 1024> input{};
    std::array<std::byte, 1024> output{};
    const buffer said = conversation<Side>();
    scripted<typename Side::endpoint> usual(Side::make());
    usual.feed_copy(said);
    const cuts each = random_cuts(said.size(), 3);
    scripted run(Side::make_small(input, output));
    const std::size_t before = allocations();
    const auto alone = Side::make_small(input, output);
    CHECK(alone.next_deadline() == 0);
    CHECK(allocations() == before);
    guarded_memory memory(said.size());
    run.peer = Side::make_small(input, output);
    feed_cut(said, each, memory, [&](bytes piece) { run.feed(piece); });
    CHECK(run.log == usual.log);
    CHECK(to_hex(run.sent) == to_hex(usual.sent));
}

// --- what is told, and for how long

TEST_CASE_TEMPLATE("C4 C5: what the end was can be asked for afterwards", Side, server_side, client_side) {
    auto run = opened<Side>();
    CHECK(run.peer.close_code() == 0);
    CHECK(run.peer.close_reason().empty());
    CHECK_FALSE(run.peer.was_clean());
    // A Pong that was still owed has nothing to do with the reason.
    for (int i = 0; i != 100; ++i) run.feed_copy(frame(Side::other, 0x89, std::string(125, 'p')));
    run.feed_copy(close_frame(Side::other, 4001, "going home"));
    run.take_sent();
    run.tick(1'000'000);
    run.peer.release_memory();
    CHECK(run.peer.close_code() == 4001);
    CHECK(run.peer.close_reason() == "going home");
    CHECK(run.peer.was_clean());

    auto cut = opened<Side>();
    cut.finish();
    CHECK(cut.peer.close_code() == 1006);
    CHECK(cut.peer.close_reason().empty());
    CHECK_FALSE(cut.peer.was_clean());

    scripted<typename Side::endpoint> early(Side::make());
    early.finish();
    CHECK(early.peer.close_code() == 1006);
    CHECK(early.peer.close_reason().empty());
}

TEST_CASE_TEMPLATE("a payload stays valid while the caller sends, pings and closes", Side, server_side, client_side) {
    constexpr role by = Side::other;
    auto run = opened<Side>();
    run.drains = false;
    // In pieces, so that the message lies in the connection.
    const std::string text(5000, 'm');
    buffer input = joined(frame(by, 0x01, text.substr(0, 2000)), frame(by, 0x80, text.substr(2000)));
    bytes in(input);
    const ws::event event = run.peer.next(in);
    REQUIRE(event.kind == ws::kind::message);
    const std::byte* const place = event.payload.data();
    for (int i = 0; i != 100; ++i) REQUIRE_FALSE(run.peer.send(event.type, event.payload));
    REQUIRE_FALSE(run.peer.ping(bytes_of("p")));
    static_cast<void>(run.peer.tick(1));
    run.take_sent();
    REQUIRE_FALSE(run.peer.close());
    CHECK(event.payload.data() == place);
    CHECK(event.text() == text);
}

TEST_CASE("a Ping that came in pieces stays valid while it is answered") {
    auto run = opened<server_side>();
    run.drains = false;
    buffer input = frame(role::client, 0x89, "payload");
    bytes first = bytes(input).first(8), second = bytes(input).subspan(8);
    CHECK_FALSE(run.peer.next(first));
    const ws::event event = run.peer.next(second);
    REQUIRE(event.kind == ws::kind::ping);
    for (int i = 0; i != 10; ++i) REQUIRE_FALSE(run.peer.send_text("x"));
    CHECK(event.text() == "payload");
}

TEST_CASE_TEMPLATE("shut_down does what the state asks for", Side, server_side, client_side) {
    scripted<typename Side::endpoint> fresh(Side::make());
    fresh.peer.shut_down();
    const buffer said = fresh.take_sent();
    if (Side::own == role::server) {
        CHECK(head_in(said).start == "HTTP/1.1 503 Service Unavailable");
    } else {
        CHECK(head_in(said).rest.empty()); // the request, and nothing behind it
    }
    fresh.feed_copy(Side::opening());
    CHECK(fresh.log == lines{"closed 1006 unclean shut_down"});
    CHECK(fresh.peer.done());

    auto open = opened<Side>();
    open.peer.shut_down();
    open.peer.shut_down();
    const auto frames = frames_in(open.take_sent());
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].close_code() == 1001);
    open.feed_copy(close_frame(Side::other, 1001));
    CHECK(open.log == lines{"closed 1001 clean none"});
    open.peer.shut_down();
    CHECK(open.take_sent().empty());
    CHECK(open.peer.close_code() == 1001);
}

TEST_CASE_TEMPLATE("shut_down ends in time, also if its bytes stay and nothing comes", Side, server_side, client_side) {
    auto peer = Side::make({.close_timeout = 50});
    peer.shut_down();
    CHECK_FALSE(peer.output().empty());
    CHECK_FALSE(peer.tick(100));
    CHECK_FALSE(peer.tick(149));
    CHECK_FALSE(peer.done());
    const ws::event end = peer.tick(150);
    CHECK(end.kind == ws::kind::closed);
    CHECK(end.error == ws::errc::shut_down);
    CHECK(peer.done());
    CHECK(peer.next_deadline() == no_deadline);
    bytes none;
    CHECK_FALSE(peer.next(none));
    CHECK_FALSE(peer.finish());
    CHECK(peer.done());
}

TEST_CASE("shut_down refuses a client that waits for its answer") {
    scripted<ws::server> run(server_side::make(), [](auto&, const auto&) {});
    run.feed_text(upgrade_request());
    run.peer.shut_down();
    CHECK(head_in(run.take_sent())["Connection"] == "close");
    CHECK(run.peer.accept() == ws::errc::nothing_to_answer);
    CHECK(run.peer.done());
}

TEST_CASE("kinds have names for logs") {
    CHECK(name_of(ws::kind::need_input) == "need_input");
    CHECK(name_of(ws::kind::http_request) == "http_request");
    CHECK(name_of(ws::kind::closed) == "closed");
}

// --- a handshake that was done elsewhere

TEST_CASE("a connection can begin open") {
    ws::server server{ws::already_open{}};
    ws::client client{ws::already_open{}, sample_keys()};
    CHECK(server.is_open());
    CHECK(server.accept() == ws::errc::nothing_to_answer);
    CHECK(server.refuse(403) == ws::errc::nothing_to_answer);
    CHECK(client.request({.host = "h"}) == ws::errc::not_open);
    CHECK(server.request().target.empty());
    CHECK(client.response().status == 0);
    REQUIRE_FALSE(client.send_text("hello"));
    CHECK(server.output().empty());

    // The bytes that were read behind the handshake are simply the first input.
    buffer input(client.output().begin(), client.output().end());
    bytes in(input);
    const ws::event event = server.next(in);
    CHECK(event.kind == ws::kind::message);
    CHECK(event.text() == "hello");

    // And a deadline of the handshake does not come.
    CHECK_FALSE(server.tick(0));
    CHECK_FALSE(server.tick(1'000'000));
    CHECK(server.next_deadline() == no_deadline);
}

TEST_CASE("a connection can begin open in memory of the caller's") {
    std::array<std::byte, 64> input{}, output{};
    using memory = span_buffer<std::byte>;
    ws::basic_server<memory> server(ws::already_open{}, memory(input), memory(output));
    // As large as there is room for it, with a Close.
    CHECK(server.send_text("x") == ws::errc::no_room);
    std::array<std::byte, 256> more{};
    ws::basic_client<memory> client(ws::already_open{}, sample_keys(), memory(input), memory(more));
    CHECK_FALSE(client.send_text("x"));
}
