#include <sockless/ws/deflate/message.hpp>

#include <sockless/ws/deflate/zlib.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "../../support/deflate.hpp"
#include "../../support/split.hpp"
#include "../../support/stored_codec.hpp"

using namespace sockless;
using namespace sockless::test;
using ws::decoder;
using ws::deflate_status;
using ws::errc;
using ws::message_deflater;
using ws::message_inflater;
using ws::message_type;
using ws::zlib_deflater;
using ws::zlib_inflater;

namespace {

static_assert(ws::inflater<zlib_inflater> && ws::deflater<zlib_deflater>);
static_assert(!ws::inflater<zlib_deflater> && !ws::deflater<zlib_inflater>);
static_assert(sizeof(message_inflater) <= 32 && sizeof(message_deflater) <= 8);

// --- everything but zlib runs in constant evaluation

// Stores a message and reads it again, in pieces both.
constexpr bool stores_and_inflates() {
    std::array<std::byte, 40> content{}, compressed{}, room{};
    for (std::size_t i = 0; i != content.size(); ++i) content[i] = static_cast<std::byte>('0' + i);
    stored_deflater to(15, {});
    stored_inflater from;
    message_deflater deflater;
    message_inflater inflater(40);
    inflater.begin(message_type::text);
    cbytes left = content;
    std::size_t seen = 0;
    for (;;) {
        const auto made = deflater.next(to, left, true, bytes(compressed).first(20));
        cbytes in = cbytes(compressed).first(made.size);
        while (const auto event = inflater.next(from, in, static_cast<bool>(made), bytes(room).first(7))) {
            for (const std::byte each : event.payload) {
                if (each != content[seen++]) return false;
            }
            if (event.last) return seen == content.size() && inflater.size() == seen;
        }
    }
}
static_assert(stores_and_inflates());

// --- inflating

// The result of a message.
struct outcome {
    buffer content{};
    errc error = errc::none;
    bool whole = false; // it has ended well

    friend bool operator==(const outcome&, const outcome&) = default;
};

outcome whole(std::string_view content) { return {bytes_from(content), errc::none, true}; }
outcome whole(cbytes content) { return {{content.begin(), content.end()}, errc::none, true}; }
outcome failed(errc error, std::string_view content = {}) { return {bytes_from(content), error, false}; }

// Inflates one message, a piece after the other, and holds each event against the contract.
template <class Codec>
class reading {
  public:
    reading(message_inflater& subject, Codec& codec, message_type type, std::size_t room)
        : subject_(subject), codec_(codec), type_(type), memory_(room) {
        subject_.begin(type);
    }

    // Whether the message goes on.
    bool add(cbytes in, bool last) {
        for (;;) {
            const decoder::event event = subject_.next(codec_, in, last, memory_);
            if (event.kind == decoder::kind::error) return fail(event, in, last);
            if (!event) {
                REQUIRE(in.empty());
                REQUIRE(!last);
                return true;
            }
            REQUIRE(event.kind == decoder::kind::data);
            REQUIRE(event.error == errc::none);
            REQUIRE(event.compressed);
            REQUIRE(event.type == type_);
            REQUIRE(event.first == !begun_);
            REQUIRE((event.last || !event.payload.empty()));
            REQUIRE(event.payload.size() <= memory_.size());
            REQUIRE((event.payload.empty() || event.payload.data() == memory_.data()));
            begun_ = true;
            found_.content.insert(found_.content.end(), event.payload.begin(), event.payload.end());
            REQUIRE(subject_.size() == found_.content.size());
            if (!event.last) continue;
            REQUIRE(last);
            REQUIRE(in.empty());
            found_.whole = true;
            return false;
        }
    }

    [[nodiscard]] const outcome& found() const { return found_; }

  private:
    bool fail(const decoder::event& event, cbytes in, bool last) {
        REQUIRE(event.error != errc::none);
        REQUIRE(event.payload.empty());
        REQUIRE(!event.last);
        // It stays so.
        REQUIRE(subject_.next(codec_, in, last, memory_).error == event.error);
        found_.error = event.error;
        return false;
    }

    message_inflater& subject_;
    Codec& codec_;
    message_type type_;
    buffer memory_;
    outcome found_{};
    bool begun_ = false;
};

constexpr std::size_t much_room = std::size_t{1} << 16U;
constexpr std::size_t rooms[] = {1, 2, 3, 4, 5, 7, 64};

// The result of a message that is given at once.
template <class Codec>
outcome inflated(message_inflater& subject, Codec& codec, cbytes payload, std::size_t room = much_room,
                 message_type type = message_type::binary) {
    reading message(subject, codec, type, room);
    message.add(payload, true);
    return message.found();
}

// The same with an inflater that is new.
template <class Codec = zlib_inflater>
outcome inflated(cbytes payload, std::size_t room = much_room, message_type type = message_type::binary,
                 std::uint64_t limit = UINT64_MAX) {
    Codec codec;
    message_inflater subject(limit);
    return inflated(subject, codec, payload, room, type);
}

// One message, what it comes to, and the messages before it.
struct sample {
    buffer payload;
    outcome expected;
    std::vector<buffer> before{};
    std::uint64_t limit = UINT64_MAX;
    message_type type = message_type::binary;
};

// Holds it against what it must come to: cut at every place and every two, with little room and with enough, the end
// told with the last piece and behind it.
template <class Codec = zlib_inflater>
void check_at_every_split(const sample& each) {
    for (const std::size_t room : rooms) {
        for (const bool end_is_told_late : {false, true}) {
            for_each_split(each.payload, [&](auto&& feed_all) {
                Codec codec;
                message_inflater subject(each.limit);
                for (const buffer& message : each.before) REQUIRE(inflated(subject, codec, message).whole);
                reading<Codec> message(subject, codec, each.type, room);
                bool goes_on = true;
                std::size_t taken = 0;
                feed_all([&](bytes piece) {
                    taken += piece.size();
                    if (goes_on) goes_on = message.add(piece, taken == each.payload.size() && !end_is_told_late);
                });
                if (goes_on) message.add({}, true);
                REQUIRE(message.found() == each.expected);
            });
        }
    }
}

// Counts what another inflater does.
class counting_inflater {
  public:
    [[nodiscard]] deflate_status step(cbytes& in, bytes& out) noexcept {
        const std::size_t room = out.size();
        const deflate_status status = codec_.step(in, out);
        given += room - out.size();
        ++steps;
        return status;
    }
    [[nodiscard]] bool between_blocks() const noexcept { return codec_.between_blocks(); }
    void reset() noexcept { codec_.reset(); }

    std::size_t steps = 0;
    std::size_t given = 0;

  private:
    zlib_inflater codec_{};
};

// --- content

buffer noise(std::size_t size, unsigned seed = 1) {
    std::mt19937 random(seed);
    buffer out(size);
    for (std::byte& each : out) each = static_cast<std::byte>(random() & 0xFFU);
    return out;
}

buffer prose(std::size_t size) {
    static constexpr std::string_view words[] = {"the ",  "window ", "slides ", "over ", "what ",
                                                 "came ", "before ", "it, ",    "and ",  "forgets. "};
    std::mt19937 random(7);
    std::string out;
    while (out.size() < size) out += words[random() % std::size(words)];
    return bytes_from(std::string_view(out).substr(0, size));
}

struct content_row {
    std::string_view name;
    buffer data;
};

std::vector<content_row> contents() {
    return {{"nothing", {}},          {"one byte", octets({'x'})}, {"zeros", buffer(70'000)},
            {"noise", noise(70'000)}, {"prose", prose(70'000)},    {"short prose", prose(100)}};
}

// The type of the first block: 0 stored, 1 fixed, 2 dynamic.
unsigned first_block(const buffer& payload) { return static_cast<unsigned>(payload.at(0)) >> 1U & 3U; }

// The examples of RFC 7692 section 7.2.3.
const buffer hello = from_hex("f2 48 cd c9 c9 07 00");
const buffer hello_again = from_hex("f2 00 11 00 00"); // refers to the one before
const buffer stored_hello = from_hex("00 05 00 fa ff 48 65 6c 6c 6f 00");
const buffer final_hello = from_hex("f3 48 cd c9 c9 07 00 00");
const buffer hello_in_two_blocks = from_hex("f2 48 05 00 00 00 ff ff ca c9 c9 07 00");
const buffer empty_message = from_hex("00");

} // namespace

// --- what a message may look like

TEST_CASE("D6 D7: the messages that RFC 7692 section 7.2.3 shows, at every split and with any room") {
    check_at_every_split({.payload = hello, .expected = whole("Hello")});
    check_at_every_split({.payload = hello_again, .expected = whole("Hello"), .before = {hello}});
    check_at_every_split({.payload = stored_hello, .expected = whole("Hello")});
    check_at_every_split<stored_inflater>({.payload = stored_hello, .expected = whole("Hello")});
    check_at_every_split({.payload = final_hello, .expected = whole("Hello")});
    check_at_every_split({.payload = hello_in_two_blocks, .expected = whole("Hello")});
    check_at_every_split({.payload = empty_message, .expected = whole("")});
    check_at_every_split<stored_inflater>({.payload = empty_message, .expected = whole("")});
}

TEST_CASE("D5 D7: its frames, from the stream to the content, at every split") {
    const buffer stream = from_hex("c1 07 f2 48 cd c9 c9 07 00"               // in one frame
                                   "41 03 f2 48 cd  89 00  80 04 c9 c9 07 00" // in two, a Ping between them
                                   "01 03 6f 74 68  80 02 65 72"              // not compressed: "other"
                                   "c1 01 00  41 00 80 00"                    // empty in both forms
                                   "c1 05 f2 00 11 00 00");
    for_each_split(stream, [&](auto&& feed_all) {
        decoder frames(role::client);
        frames.agree_to(ws::rsv::rsv1);
        zlib_inflater codec;
        message_inflater subject;
        std::string seen;
        std::byte memory[3];
        feed_all([&](bytes in) {
            while (const decoder::event event = frames.next(in)) {
                if (event.kind == decoder::kind::ping) continue;
                REQUIRE(event.kind == decoder::kind::data);
                if (!event.compressed) {
                    seen += std::string(text_of(event.payload)) + (event.last ? "." : "");
                    continue;
                }
                if (event.first) subject.begin(event.type);
                cbytes compressed = event.payload;
                while (const decoder::event part = subject.next(codec, compressed, event.last, memory)) {
                    REQUIRE(part.kind == decoder::kind::data);
                    seen += std::string(text_of(part.payload)) + (part.last ? "." : "");
                    if (part.last) break;
                }
            }
        });
        REQUIRE(seen == "Hello.Hello.other...Hello.");
    });
}

TEST_CASE("D7: blocks of all types, many of them, and empty ones between") {
    check_at_every_split(
        {.payload = block_writer().stored("ab").fixed("cd").stored("ef").fixed("g").end_message().data(),
         .expected = whole("abcdefg")});
    check_at_every_split(
        {.payload = block_writer().stored("").fixed("").stored("").fixed("x").stored("").end_message().data(),
         .expected = whole("x")});
    check_at_every_split<stored_inflater>(
        {.payload = block_writer().stored("").stored("abc").stored("").stored("d").end_message().data(),
         .expected = whole("abcd")});
    // Behind a block that is not compressed, and within one that is.
    check_at_every_split({.payload = block_writer()
                                         .stored("abc")
                                         .begin_fixed()
                                         .match_of_three(3)
                                         .literal('x')
                                         .match_of_three(1)
                                         .end()
                                         .end_message()
                                         .data(),
                          .expected = whole("abcabcxxxx")});
    // A message can end with the whole of an empty block; its end is then there twice.
    check_at_every_split({.payload = from_hex("f2 48 cd c9 c9 07 00 00 00 ff ff 00"), .expected = whole("Hello")});
}

TEST_CASE("D7: what zlib makes at all levels and with all strategies, cut at random, with any room") {
    std::array<unsigned, 3> seen{};
    std::uint64_t seed = 0;
    for (const content_row& content : contents()) {
        for (const int level : {0, 1, 6, 9}) {
            for (const int strategy : {Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED}) {
                INFO(content.name << ", level " << level << ", strategy " << strategy);
                const buffer payload = deflated(content.data, 15, level, strategy);
                if (!content.data.empty()) ++seen.at(first_block(payload));
                zlib_inflater codec;
                message_inflater subject;
                reading<zlib_inflater> message(subject, codec, message_type::binary, 1 + seed * 797 % 20'000);
                std::size_t begin = 0;
                for (const std::size_t end : random_cuts(payload.size(), seed++)) {
                    message.add(cbytes(payload).subspan(begin, end - begin), end == payload.size());
                    begin = end;
                }
                CHECK(message.found().error == errc::none);
                CHECK(message.found().whole);
                CHECK((message.found().content == content.data));
            }
        }
    }
    for (const unsigned count : seen) CHECK(count != 0);
}

TEST_CASE("D7: a block marked as the last may stand in the middle") {
    check_at_every_split({.payload = block_writer().fixed("ab", true).align().fixed("cd").end_message().data(),
                          .expected = whole("abcd")});
    check_at_every_split(
        {.payload = block_writer().stored("ab", true).stored("", true).fixed("cd").end_message().data(),
         .expected = whole("abcd")});
    check_at_every_split(
        {.payload = block_writer().fixed("", true).align().fixed("", true).align().stored("ab").end_message().data(),
         .expected = whole("ab")});
    check_at_every_split<stored_inflater>(
        {.payload = block_writer().stored("ab", true).stored("", true).stored("cd").end_message().data(),
         .expected = whole("abcd")});

    // One with codes of its own.
    reference_deflater deflater;
    const buffer content = prose(3000);
    buffer payload = deflater.flushed(content, Z_FINISH);
    REQUIRE(first_block(payload) == 2);
    REQUIRE((payload[0] & std::byte{1}) == std::byte{1});
    const buffer more = deflater.message(bytes_of("more"));
    payload.insert(payload.end(), more.begin(), more.end());
    buffer both = content;
    for (const char c : std::string_view("more")) both.push_back(static_cast<std::byte>(c));
    for (const std::size_t room : rooms) CHECK((inflated(payload, room) == whole(both)));
}

TEST_CASE("D7: a block marked as the last may stand at the end, with what is left of an empty block behind it or not") {
    check_at_every_split({.payload = block_writer().fixed("Hello", true).data(), .expected = whole("Hello")});
    check_at_every_split(
        {.payload = block_writer().fixed("Hello", true).align().end_message().data(), .expected = whole("Hello")});
    check_at_every_split({.payload = block_writer().stored("Hello", true).data(), .expected = whole("Hello")});
    check_at_every_split<stored_inflater>(
        {.payload = block_writer().stored("Hello", true).data(), .expected = whole("Hello")});
    check_at_every_split(
        {.payload = block_writer().stored("Hello", true).end_message().data(), .expected = whole("Hello")});
    // The empty block whose end is not sent is itself marked as the last.
    check_at_every_split({.payload = from_hex("00 05 00 fa ff 48 65 6c 6c 6f 01"), .expected = whole("Hello")});
    check_at_every_split<stored_inflater>(
        {.payload = from_hex("00 05 00 fa ff 48 65 6c 6c 6f 01"), .expected = whole("Hello")});
}

TEST_CASE("D7: the window stays across a block marked as the last, in a message and to the next") {
    const buffer within =
        block_writer().fixed("abcdef", true).align().begin_fixed().match_of_three(6).end().end_message().data();
    check_at_every_split({.payload = within, .expected = whole("abcdefabc")});

    const buffer ends_final = block_writer().fixed("abcdef", true).data();
    const buffer ends_final_and_empty = block_writer().fixed("abcdef", true).align().end_message().data();
    const buffer refers_back = block_writer().begin_fixed().match_of_three(6).end().end_message().data();
    check_at_every_split({.payload = refers_back, .expected = whole("abc"), .before = {ends_final}});
    check_at_every_split({.payload = refers_back, .expected = whole("abc"), .before = {ends_final_and_empty}});
    check_at_every_split({.payload = refers_back, .expected = whole("def"), .before = {ends_final, refers_back}});
    check_at_every_split({.payload = hello_again, .expected = whole("Hello"), .before = {final_hello}});
}

TEST_CASE("D7: many empty blocks marked as the last cost two bytes and one step each") {
    constexpr std::size_t count = 100'000;
    buffer payload;
    for (std::size_t i = 0; i != count; ++i) {
        payload.push_back(std::byte{0x03});
        payload.push_back(std::byte{0x00});
    }
    counting_inflater codec;
    message_inflater subject;
    REQUIRE(inflated(subject, codec, deflated(noise(1U << 15U), 15, 0)).whole); // so that a window can be lost
    codec.steps = 0;
    const std::clock_t begin = std::clock();
    CHECK((inflated(subject, codec, payload) == whole("")));
    CHECK(std::clock() - begin < 10 * CLOCKS_PER_SEC);
    CHECK(codec.steps <= count + 1);
    // And the window is what it was.
    const buffer refers_back = block_writer().begin_fixed().match_of_three(1U << 15U).end().end_message().data();
    CHECK((inflated(subject, codec, refers_back) == whole(cbytes(noise(1U << 15U)).first(3))));
}

namespace {

// Takes all input at once, and gives what comes of it when there is room.
class hoarding_inflater {
  public:
    [[nodiscard]] deflate_status step(cbytes& in, bytes& out) noexcept {
        held_.insert(held_.end(), in.begin(), in.end());
        in = in.last(0);
        cbytes left = held_;
        const deflate_status status = codec_.step(left, out);
        held_ = buffer(left.begin(), left.end());
        return status;
    }
    [[nodiscard]] bool between_blocks() const noexcept { return codec_.between_blocks(); }
    void reset() noexcept {
        held_.clear();
        codec_.reset();
    }

  private:
    zlib_inflater codec_{};
    buffer held_{};
};

} // namespace

TEST_CASE("D7: input may be taken long before there is room for what comes of it") {
    check_at_every_split<hoarding_inflater>({.payload = hello, .expected = whole("Hello")});
    check_at_every_split<hoarding_inflater>({.payload = hello, .expected = whole("Hello"), .limit = 5});
    check_at_every_split<hoarding_inflater>(
        {.payload = hello, .expected = failed(errc::message_too_big, "Hel"), .limit = 3});
    check_at_every_split<hoarding_inflater>({.payload = hello_again, .expected = whole("Hello"), .before = {hello}});
    // zlib does it too: the end of this block is in the same byte as the end of its last match.
    check_at_every_split({.payload = block_writer().begin_fixed(true).text("123456789").match_of_three(9).end().data(),
                          .expected = whole("123456789123")});
}

TEST_CASE("D6 D7: an empty message is 00 or no byte at all, and leaves the window alone") {
    const buffer nothing;
    for (const message_type type : {message_type::text, message_type::binary}) {
        check_at_every_split({.payload = empty_message, .expected = whole(""), .type = type});
        check_at_every_split({.payload = nothing, .expected = whole(""), .type = type});
    }
    const buffer final_and_empty = from_hex("03 00");
    const buffer whole_empty_block = from_hex("00 00 00 ff ff 00");
    for (const buffer& empty : {empty_message, nothing, final_and_empty, whole_empty_block}) {
        check_at_every_split({.payload = empty, .expected = whole("")});
        check_at_every_split({.payload = empty, .expected = whole(""), .limit = 0});
        check_at_every_split({.payload = hello_again, .expected = whole("Hello"), .before = {hello, empty, empty}});
        CHECK((inflated(empty, 0) == whole(""))); // needs no room
    }

    counting_inflater codec;
    message_inflater subject;
    CHECK((inflated(subject, codec, nothing) == whole("")));
    CHECK(codec.steps == 0);
    // Nor is anything left over of what came before.
    message_inflater limited(4);
    for (const std::size_t room : rooms) {
        CHECK(inflated(subject, codec, hello, room).whole);
        codec.steps = 0;
        CHECK((inflated(subject, codec, nothing) == whole("")));
        CHECK(codec.steps == 0);
        CHECK(inflated(limited, codec, hello, room).error == errc::message_too_big);
        codec.reset();
        codec.steps = 0;
        CHECK((inflated(limited, codec, nothing) == whole("")));
        CHECK(codec.steps == 0);
    }
}

// --- windows

TEST_CASE("F12 D8: a reference is good as far as 32 KiB back, and else corrupt, at every split") {
    constexpr unsigned largest = 32'768;
    const buffer content = noise(largest + 1);
    const auto stored = [&](std::size_t size) {
        return block_writer().stored(text_of(cbytes(content).first(size))).end_message().data();
    };
    const auto referring = [](unsigned distance) {
        return block_writer().begin_fixed().match_of_three(distance).end().end_message().data();
    };
    const auto from = [&](std::size_t place) { return whole(cbytes(content).subspan(place, 3)); };
    for (unsigned distance = 256; distance <= largest; distance *= 2) {
        INFO("distance: " << distance);
        const outcome beyond = failed(errc::deflate_corrupt);
        check_at_every_split({.payload = referring(distance), .expected = from(0), .before = {stored(distance)}});
        check_at_every_split({.payload = referring(distance), .expected = beyond, .before = {stored(distance - 1)}});
        check_at_every_split({.payload = referring(distance), .expected = from(1), .before = {stored(distance + 1)}});
        if (distance == largest) continue; // there is no longer distance
        check_at_every_split(
            {.payload = referring(distance + 1), .expected = from(0), .before = {stored(distance + 1)}});
        check_at_every_split({.payload = referring(distance + 1), .expected = beyond, .before = {stored(distance)}});
    }
}

TEST_CASE("F12 D8: the same inside of one message, whose output is cut at any place") {
    constexpr unsigned largest = 32'768;
    const buffer content = noise(largest + 10);
    for (const unsigned distance : {257U, 513U, 1025U, 20'000U, largest}) {
        for (const unsigned before : {distance - 1, distance, distance + 9}) {
            const cbytes literal = cbytes(content).first(before);
            const buffer payload = block_writer()
                                       .stored(text_of(literal))
                                       .begin_fixed()
                                       .match_of_three(distance)
                                       .end()
                                       .end_message()
                                       .data();
            outcome expected = failed(errc::deflate_corrupt, text_of(literal));
            if (before >= distance) {
                expected = whole(literal);
                const auto at = content.begin() + (before - distance);
                expected.content.insert(expected.content.end(), at, at + 3);
            }
            for (const std::size_t part : {std::size_t{1}, std::size_t{7}, std::size_t{500}, SIZE_MAX}) {
                for (const std::size_t room : {std::size_t{1}, std::size_t{100}, std::size_t{4096}, much_room}) {
                    INFO("distance " << distance << " behind " << before << ", parts " << part << ", room " << room);
                    zlib_inflater codec;
                    message_inflater subject;
                    reading<zlib_inflater> message(subject, codec, message_type::binary, room);
                    bool goes_on = true;
                    for (cbytes left = payload; goes_on;) {
                        const cbytes piece = left.first(left.size() < part ? left.size() : part);
                        left = left.subspan(piece.size());
                        goes_on = message.add(piece, left.empty());
                    }
                    CHECK((message.found() == expected));
                }
            }
        }
    }
}

TEST_CASE("D8: after a reset there is nothing to refer to") {
    zlib_inflater codec;
    message_inflater subject;
    CHECK((inflated(subject, codec, hello) == whole("Hello")));
    codec.reset();
    CHECK((inflated(subject, codec, hello_again) == failed(errc::deflate_corrupt, "H")));
}

// --- limits

TEST_CASE("D9: a message may have as many bytes as the limit; the next is noticed, and no more is given out") {
    for (const buffer& payload : {hello, stored_hello, final_hello, hello_in_two_blocks}) {
        check_at_every_split({.payload = payload, .expected = whole("Hello"), .limit = 5});
        check_at_every_split({.payload = payload, .expected = failed(errc::message_too_big, "Hell"), .limit = 4});
        check_at_every_split({.payload = payload, .expected = failed(errc::message_too_big, "H"), .limit = 1});
        check_at_every_split({.payload = payload, .expected = failed(errc::message_too_big), .limit = 0});
    }
    check_at_every_split<stored_inflater>({.payload = stored_hello, .expected = whole("Hello"), .limit = 5});
    check_at_every_split<stored_inflater>(
        {.payload = stored_hello, .expected = failed(errc::message_too_big, "Hell"), .limit = 4});
    // Each message has the limit to itself.
    check_at_every_split({.payload = hello_again, .expected = whole("Hello"), .before = {hello}, .limit = 5});
    check_at_every_split(
        {.payload = hello, .expected = failed(errc::message_too_big, "Hell"), .limit = 4, .type = message_type::text});
    // A character that the limit cuts is too much, not wrong.
    check_at_every_split({.payload = deflated("\xc3\xa4\xc3\xb6"),
                          .expected = failed(errc::message_too_big, "\xc3\xa4\xc3"),
                          .limit = 3,
                          .type = message_type::text});
}

TEST_CASE("D9: without room the first byte is too much") {
    CHECK((inflated(hello, 0) == failed(errc::message_too_big)));
    CHECK((inflated<stored_inflater>(stored_hello, 0) == failed(errc::message_too_big)));
    // What needs no room is taken before that.
    zlib_inflater codec;
    message_inflater subject;
    reading<zlib_inflater> message(subject, codec, message_type::binary, 0);
    CHECK(message.add(from_hex("00 00 00 ff ff"), false));
    CHECK(message.add(from_hex("00 00 00 ff ff"), false));
    CHECK(!message.add(empty_message, true));
    CHECK((message.found() == whole("")));
}

TEST_CASE("D9: a bomb is inflated to one byte beyond the limit at most") {
    constexpr std::size_t limit = 100'000;
    const buffer payload = bomb(10'000'000);
    CHECK(payload.size() < 10'240);
    for (const std::size_t room :
         {std::size_t{7}, std::size_t{1000}, std::size_t{16'384}, limit, limit + 1, 10 * limit}) {
        INFO("room: " << room);
        counting_inflater codec;
        message_inflater subject(limit);
        const outcome found = inflated(subject, codec, payload, room);
        CHECK(found.error == errc::message_too_big);
        CHECK((found.content == buffer(limit)));
        CHECK(codec.given <= limit + 1);
    }
    // One that is as large as allowed.
    CHECK((inflated(bomb(limit), 16'384, message_type::binary, limit) == whole(buffer(limit))));
}

// --- what is wrong

TEST_CASE("D9: data that is no deflate data is corrupt, and what came before it is given out first") {
    const auto padded = [](block_writer& blocks) { return blocks.align().bits(0, 32).data(); };
    const auto dynamic = [](unsigned literals, unsigned distances, unsigned lengths) {
        return block_writer().bits(0, 1).bits(2, 2).bits(literals, 5).bits(distances, 5).bits(lengths, 4);
    };
    const auto corrupt = [&](block_writer blocks, std::string_view before) {
        INFO(before);
        check_at_every_split({.payload = padded(blocks), .expected = failed(errc::deflate_corrupt, before)});
    };
    // A type of block that is not there.
    corrupt(block_writer().bits(6, 3), "");
    corrupt(block_writer().bits(7, 3), "");
    corrupt(block_writer().fixed("Hello").bits(6, 3), "Hello");
    corrupt(block_writer().stored("Hello").bits(7, 3), "Hello");
    corrupt(block_writer().fixed("Hello", true).align().bits(6, 3), "Hello");
    // A length that does not match its complement.
    corrupt(block_writer().bits(0, 8).bits(1, 16).bits(0xFFFF, 16), "");
    corrupt(block_writer().fixed("abc").bits(0, 3).align().bits(5, 16).bits(0xFEFA, 16), "abc");
    // Codes for lengths that stand for none, and for distances.
    corrupt(block_writer().begin_fixed().text("ab").code(0xC6, 8), "ab");
    corrupt(block_writer().begin_fixed().text("ab").code(0xC7, 8), "ab");
    corrupt(block_writer().begin_fixed().text("ab").code(1, 7).code(30, 5), "ab");
    corrupt(block_writer().begin_fixed().text("ab").code(1, 7).code(31, 5), "ab");
    // References to before the beginning.
    corrupt(block_writer().begin_fixed().match_of_three(1), "");
    corrupt(block_writer().begin_fixed().text("ab").match_of_three(3), "ab");
    corrupt(block_writer().begin_fixed().text("ab").match_of_three(2).match_of_three(32'768), "ababa");
    // Codes of a block's own: too many, too short for all of them, a repetition of nothing, and none for the end.
    corrupt(dynamic(31, 0, 0), "");
    corrupt(dynamic(0, 31, 0), "");
    block_writer too_short = dynamic(0, 0, 15);
    for (unsigned i = 0; i != 19; ++i) too_short.bits(1, 3);
    corrupt(too_short, "");
    corrupt(dynamic(0, 0, 0).bits(1, 3).bits(0, 6).bits(1, 3).code(1, 1), "");
    corrupt(dynamic(0, 0, 0).bits(0, 6).bits(1, 3).bits(1, 3).code(1, 1).bits(127, 7).code(1, 1).bits(109, 7), "");
}

TEST_CASE("D9: a message that is cut at any byte is truncated, but where a part of it is a message too") {
    struct row {
        std::string_view name;
        buffer payload;
        std::vector<std::size_t> also_whole; // such beginnings of it
    };
    const row rows[] = {
        {"fixed", hello, {0}},
        {"stored", stored_hello, {0, 1}}, // 00 is an empty message
        {"final", final_hello, {0, 7}},   // the end of the final block
        {"two blocks", hello_in_two_blocks, {0, 4}},
        {"final in the middle", block_writer().fixed("ab", true).align().fixed("cd").end_message().data(), {0, 4}},
        {"dynamic", deflated(prose(600)), {0}},
        {"zeros", bomb(100'000), {0}},
    };
    for (const row& each : rows) {
        INFO(each.name);
        const outcome all = inflated(each.payload);
        REQUIRE(all.whole);
        for (std::size_t size = 0; size != each.payload.size(); ++size) {
            INFO("cut at: " << size);
            const bool ends_well =
                std::find(each.also_whole.begin(), each.also_whole.end(), size) != each.also_whole.end();
            for (const std::size_t room : {std::size_t{1}, std::size_t{3}, much_room}) {
                if (room < 100 && all.content.size() > 10'000) continue;
                const outcome found = inflated(cbytes(each.payload).first(size), room);
                CHECK(found.whole == ends_well);
                CHECK(found.error == (ends_well ? errc::none : errc::deflate_truncated));
                REQUIRE(found.content.size() <= all.content.size());
                CHECK(std::equal(found.content.begin(), found.content.end(), all.content.begin()));
            }
        }
    }
    REQUIRE(first_block(deflated(prose(600))) == 2);
}

TEST_CASE("D9: a stored block that would take the end of the data for its content is truncated") {
    for (const unsigned missing : {1U, 2U, 3U, 4U, 5U, 100U}) {
        buffer payload = block_writer().stored("Hello" + std::string(missing, '!')).data();
        payload.erase(payload.end() - missing, payload.end());
        check_at_every_split({.payload = payload, .expected = failed(errc::deflate_truncated, "Hello")});
        check_at_every_split<stored_inflater>(
            {.payload = payload, .expected = failed(errc::deflate_truncated, "Hello")});
    }
}

namespace {

// Takes a message, and does at its end what the test says.
struct scripted_inflater {
    [[nodiscard]] deflate_status step(cbytes& in, bytes& out) noexcept {
        const bool at_the_end = in.size() == 4;
        in = in.last(at_the_end ? left : 0);
        if (!at_the_end) return before_the_end;
        out = out.subspan(given);
        return status;
    }
    [[nodiscard]] bool between_blocks() const noexcept { return between; }
    void reset() noexcept {}

    deflate_status before_the_end = deflate_status::done;
    deflate_status status = deflate_status::done;
    bool between = true;
    std::size_t left = 0;
    std::size_t given = 0;
};

} // namespace

TEST_CASE("D7 D9: the end of the data ends a block and nothing comes of it, or the message is truncated") {
    const auto ends_with = [](deflate_status status, bool between, std::size_t left, std::size_t given) {
        scripted_inflater codec;
        codec.status = status;
        codec.between = between;
        codec.left = left;
        codec.given = given;
        message_inflater subject;
        return inflated(subject, codec, octets({1})).error;
    };
    CHECK(ends_with(deflate_status::done, true, 0, 0) == errc::none);
    CHECK(ends_with(deflate_status::final_block, false, 0, 0) == errc::none);
    CHECK(ends_with(deflate_status::done, false, 0, 0) == errc::deflate_truncated);
    CHECK(ends_with(deflate_status::done, true, 0, 1) == errc::deflate_truncated);
    CHECK(ends_with(deflate_status::final_block, true, 1, 0) == errc::deflate_truncated);
    CHECK(ends_with(deflate_status::final_block, true, 0, 1) == errc::deflate_truncated);
    CHECK(ends_with(deflate_status::need_room, true, 0, 1) == errc::deflate_truncated);
    CHECK(ends_with(deflate_status::corrupt, true, 0, 0) == errc::deflate_truncated);
}

TEST_CASE("D9: an inflater without memory ends the message") {
    scripted_inflater codec;
    codec.before_the_end = deflate_status::no_memory;
    message_inflater subject;
    CHECK((inflated(subject, codec, octets({1})) == failed(errc::no_memory)));
    CHECK((inflated(subject, codec, {}) == whole(""))); // which needs none
}

TEST_CASE("D9: after an error both are as new once they are reset") {
    const std::vector<buffer> wrong{from_hex("06"), from_hex("f2 48"), from_hex("f2 48 cd c9 c9 07 06"),
                                    from_hex("00 05 00 fa ff 48")};
    zlib_inflater codec;
    message_inflater subject(5);
    for (const buffer& each : wrong) {
        CHECK(inflated(subject, codec, each).error != errc::none);
        codec.reset();
        CHECK((inflated(subject, codec, hello) == whole("Hello")));
        CHECK((inflated(subject, codec, hello_again) == whole("Hello")));
    }
    CHECK(inflated(subject, codec, deflated("Hello!")).error == errc::message_too_big);
    codec.reset();
    CHECK((inflated(subject, codec, empty_message) == whole("")));
    CHECK((inflated(subject, codec, hello, 1, message_type::text) == whole("Hello")));
}

// --- text

TEST_CASE("D9: text is UTF-8 as a whole, however it was cut and whatever room there was") {
    for (const std::string_view text :
         {"\xea\xb0\x80\xeb\x82\x98", "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z", "\xf4\x8f\xbf\xbf"}) {
        check_at_every_split({.payload = deflated(text), .expected = whole(text), .type = message_type::text});
        check_at_every_split(
            {.payload = block_writer().stored(text, true).data(), .expected = whole(text), .type = message_type::text});
    }
    // What an earlier message left open says nothing of this one.
    zlib_inflater codec;
    message_inflater subject;
    CHECK(inflated(subject, codec, deflated("\xc3"), 10, message_type::text).error == errc::invalid_utf8);
    codec.reset();
    CHECK((inflated(subject, codec, hello, 10, message_type::text) == whole("Hello")));
}

TEST_CASE("D9: text that is not UTF-8 fails behind the last byte that may stand; of binary data nothing is asked") {
    struct row {
        std::string_view content;
        std::size_t stands;
    };
    const row rows[] = {
        {"\xff", 0},
        {"Hello\x80", 5},
        {"ab\xc3(cd", 3},
        {"\xed\xa0\x80", 1},     // a surrogate
        {"\xf0\x9f\x98z", 3},    // cut by another character
        {"Hello\xc0\xaf", 5},    // too long a form
        {"\xf4\x90\x80\x80", 1}, // beyond the last
        {"Hell\xc3", 5},         // incomplete at the end
        {"\xe2\x82", 2},
        {"ab\xf0\x9f\x98", 5},
    };
    for (const row& each : rows) {
        INFO(to_hex(bytes_of(each.content)));
        const buffer payload = deflated(each.content);
        check_at_every_split({.payload = payload,
                              .expected = failed(errc::invalid_utf8, each.content.substr(0, each.stands)),
                              .type = message_type::text});
        check_at_every_split({.payload = payload, .expected = whole(each.content)});
    }
}

// --- deflating

namespace {

bool ends_with_tail(cbytes data) { return data.size() >= 4 && to_hex(data.last(4)) == "0000ffff"; }

// The result of one piece with so much room at a time.
template <class Codec>
buffer deflated_piece(message_deflater& subject, Codec& codec, cbytes piece, bool last, std::size_t room) {
    buffer out;
    for (std::size_t calls_left = piece.size() + 4;; --calls_left) {
        REQUIRE(calls_left != 0); // each call gets on
        buffer memory(room);
        const auto made = subject.next(codec, piece, last, memory);
        REQUIRE((made.status == deflate_status::done || made.status == deflate_status::need_room));
        REQUIRE(made.size <= room);
        out.insert(out.end(), memory.begin(), memory.begin() + static_cast<std::ptrdiff_t>(made.size));
        if (!made) continue;
        REQUIRE(piece.empty());
        return out;
    }
}

// The payload of a message that is given in pieces.
template <class Codec>
buffer deflated_pieces(message_deflater& subject, Codec& codec, const std::vector<cbytes>& pieces,
                       std::size_t room = much_room) {
    buffer out;
    for (std::size_t i = 0; i != pieces.size(); ++i) {
        const buffer some = deflated_piece(subject, codec, pieces[i], i + 1 == pieces.size(), room);
        out.insert(out.end(), some.begin(), some.end());
    }
    return out;
}

// Pieces of at most so many bytes, at least one.
std::vector<cbytes> pieces_of(cbytes content, std::size_t size) {
    std::vector<cbytes> pieces;
    while (content.size() > size) {
        pieces.push_back(content.first(size));
        content = content.subspan(size);
    }
    pieces.push_back(content);
    return pieces;
}

template <class Codec = zlib_deflater>
struct deflating {
    explicit deflating(unsigned window_bits = 15) : codec(window_bits, typename Codec::settings{}) {}

    buffer message(cbytes content, std::size_t piece = SIZE_MAX, std::size_t room = much_room) {
        return deflated_pieces(subject, codec, pieces_of(content, piece), room);
    }
    buffer message(std::string_view content) { return message(bytes_of(content)); }

    Codec codec;
    message_deflater subject{};
};

} // namespace

TEST_CASE("D6: messages are compressed as RFC 7692 section 7.2.3 shows, without the end of the data") {
    deflating own;
    CHECK(to_hex(own.message("Hello")) == to_hex(hello));
    CHECK(to_hex(own.message("Hello")) == to_hex(hello_again));
    own.codec.reset();
    CHECK(to_hex(own.message("Hello")) == to_hex(hello));
    CHECK(to_hex(deflating<stored_deflater>().message("Hello")) == to_hex(stored_hello));
}

TEST_CASE("D6: an empty message is the byte 00, and does not touch the window") {
    deflating own;
    CHECK(to_hex(own.message("")) == "00");
    CHECK(to_hex(own.message("Hello")) == to_hex(hello));
    CHECK(to_hex(own.message("")) == "00");
    CHECK(to_hex(own.message("Hello")) == to_hex(hello_again));
    CHECK(to_hex(deflated_pieces(own.subject, own.codec, {{}, {}, {}})) == "00");
}

TEST_CASE("D6: empty pieces add nothing, but an empty last one ends the message") {
    const cbytes hel = bytes_of("Hel"), lo = bytes_of("lo");
    const auto deflated_as = [](const std::vector<cbytes>& pieces) {
        deflating own;
        return deflated_pieces(own.subject, own.codec, pieces);
    };
    const buffer plain = deflated_as({hel, lo});
    CHECK((inflated(plain) == whole("Hello")));
    CHECK((deflated_as({{}, hel, {}, {}, lo}) == plain));
    const buffer ended_late = deflated_as({hel, lo, {}});
    CHECK((inflated(ended_late) == whole("Hello")));
    CHECK(ended_late.back() == std::byte{0});
    CHECK(ends_with_tail(cbytes(ended_late).first(ended_late.size() - 1)));
    // The next message is whole all the same.
    deflating own;
    zlib_inflater codec;
    message_inflater reader;
    for (unsigned i = 0; i != 3; ++i) {
        CHECK((inflated(reader, codec, deflated_pieces(own.subject, own.codec, {hel, lo, {}})) == whole("Hello")));
        CHECK((inflated(reader, codec, own.message("Hello")) == whole("Hello")));
    }
}

TEST_CASE("D6: a receiver can read all of a piece before the next comes") {
    const buffer content = prose(5000);
    deflating own;
    zlib_inflater codec;
    message_inflater reader;
    reading<zlib_inflater> message(reader, codec, message_type::binary, much_room);
    std::size_t given = 0;
    for (const cbytes piece : pieces_of(content, 700)) {
        given += piece.size();
        const bool last = given == content.size();
        const buffer compressed = deflated_piece(own.subject, own.codec, piece, last, 64);
        CHECK(ends_with_tail(compressed) == !last);
        message.add(compressed, last);
        REQUIRE(
            (message.found().content == buffer(content.begin(), content.begin() + static_cast<std::ptrdiff_t>(given))));
    }
    CHECK(message.found().whole);
}

TEST_CASE("D6: the end of the data is held back with room of any size") {
    for (const buffer& content : {noise(300), prose(300), buffer(300), octets({'x'})}) {
        for (std::size_t room = message_deflater::least_room; room <= 340; ++room) {
            INFO("room: " << room);
            const buffer compressed = deflating().message(content, SIZE_MAX, room);
            CHECK((inflated(compressed) == whole(content)));
            CHECK(!ends_with_tail(compressed));
            CHECK((inflated(deflating().message(content, 100, room)) == whole(content)));

            const buffer stored = deflating<stored_deflater>().message(content, SIZE_MAX, room);
            CHECK((inflated<stored_inflater>(stored) == whole(content)));
            CHECK((inflated(stored) == whole(content)));
            CHECK(!ends_with_tail(stored));
        }
    }
    // Messages one after the other, each with the window of those before.
    for (std::size_t room = message_deflater::least_room; room <= 40; ++room) {
        deflating own;
        zlib_inflater codec;
        message_inflater reader;
        for (unsigned i = 0; i != 4; ++i) {
            const buffer content = prose(50 + 20 * i);
            CHECK((inflated(reader, codec, own.message(content, 60, room)) == whole(content)));
        }
    }
}

TEST_CASE("D6: with less room than it needs a deflater does nothing, and goes on when there is more") {
    const buffer content = prose(300);
    for (const std::size_t first_room : {std::size_t{0}, message_deflater::least_room}) {
        deflating own;
        buffer compressed;
        cbytes left = content;
        const auto add = [&](std::size_t room) {
            buffer memory(room);
            const auto made = own.subject.next(own.codec, left, true, memory);
            compressed.insert(compressed.end(), memory.begin(),
                              memory.begin() + static_cast<std::ptrdiff_t>(made.size));
            return made;
        };
        if (first_room != 0) CHECK(add(first_room).status == deflate_status::need_room);
        for (std::size_t room = 0; room != message_deflater::least_room; ++room) {
            const auto made = add(room);
            CHECK(made.status == deflate_status::need_room);
            CHECK(made.size == 0);
        }
        CHECK(add(1000));
        CHECK((inflated(compressed) == whole(content)));
    }
    // Also if the message is empty.
    deflating own;
    cbytes nothing;
    CHECK(own.subject.next(own.codec, nothing, true, {}).status == deflate_status::need_room);
}

TEST_CASE("D6 D7: what was deflated inflates to what it was, in pieces of any size, with every window") {
    for (unsigned bits = zlib_deflater::smallest_window; bits <= 15; ++bits) {
        deflating own(bits);
        zlib_inflater codec;
        message_inflater reader(70'000);
        for (const std::size_t piece : {std::size_t{333}, std::size_t{4096}, std::size_t{65'536}, SIZE_MAX}) {
            for (const content_row& content : contents()) {
                INFO(content.name << ", window " << bits << ", pieces of " << piece);
                const buffer compressed = own.message(content.data, piece, 1024);
                const outcome found = inflated(reader, codec, compressed, 100);
                CHECK(found.whole);
                CHECK((found.content == content.data));
            }
        }
    }
    deflating own;
    const buffer content = prose(200);
    for (std::size_t piece = 1; piece <= content.size(); ++piece) {
        own.codec.reset();
        CHECK((inflated(own.message(content, piece, 16)) == whole(content)));
    }
}

TEST_CASE("D6: a message that is given up leaves nothing behind") {
    const buffer content = noise(500);
    for (const bool last : {false, true}) {
        deflating own;
        cbytes in = content;
        std::byte memory[message_deflater::least_room];
        REQUIRE(own.subject.next(own.codec, in, last, memory).status == deflate_status::need_room);
        own.subject.reset();
        own.codec.reset();
        CHECK(to_hex(own.message("Hello")) == to_hex(hello));
        CHECK(to_hex(own.message("")) == "00");
    }
}

namespace {

// Takes everything, and gives what the test says.
struct scripted_deflater {
    struct settings {
        buffer output{};
        deflate_status status = deflate_status::done;
    };
    static constexpr unsigned smallest_window = 8;

    scripted_deflater(unsigned, const settings& how) noexcept : script(how) {}

    [[nodiscard]] deflate_status step(cbytes& in, bytes& out) noexcept {
        in = in.last(0);
        cbytes from = script.output;
        move_front(from, out, SIZE_MAX);
        return script.status;
    }
    void reset() noexcept {}

    settings script;
};

message_deflater::result result_of(scripted_deflater::settings script, bool last) {
    scripted_deflater codec(15, script);
    message_deflater subject;
    cbytes in = bytes_of("x");
    std::byte memory[32];
    return subject.next(codec, in, last, memory);
}

} // namespace

TEST_CASE("D6: a deflater that does not end the last piece with 00 00 FF FF breaks its contract") {
    const auto status_of = [](const buffer& output, deflate_status status = deflate_status::done) {
        const auto made = result_of({output, status}, true);
        CHECK((made || made.size == 0));
        return made.status;
    };
    CHECK(status_of(octets({0x00, 0x00, 0xFF, 0xFF})) == deflate_status::done);
    CHECK(status_of(octets({0x02, 0x00, 0x00, 0x00, 0xFF, 0xFF})) == deflate_status::done);
    CHECK(result_of({octets({0x02, 0x00, 0x00, 0x00, 0xFF, 0xFF})}, true).size == 2);
    CHECK(status_of({}) == deflate_status::corrupt);
    CHECK(status_of(octets({0x00, 0xFF, 0xFF})) == deflate_status::corrupt);
    CHECK(status_of(octets({0x02, 0x01, 0x00, 0xFF, 0xFF})) == deflate_status::corrupt);
    CHECK(status_of(octets({0x02, 0x00, 0x01, 0xFF, 0xFF})) == deflate_status::corrupt);
    CHECK(status_of(octets({0x02, 0x00, 0x00, 0xFE, 0xFF})) == deflate_status::corrupt);
    CHECK(status_of(octets({0x02, 0x00, 0x00, 0xFF, 0xFE})) == deflate_status::corrupt);
    CHECK(status_of(octets({0x00, 0x00, 0xFF, 0xFF, 0x00})) == deflate_status::corrupt);
    // It left room, and asks for more.
    CHECK(status_of(octets({0x02}), deflate_status::need_room) == deflate_status::corrupt);
}

TEST_CASE("D6: a deflater without memory ends the message, but an empty one needs none") {
    for (const bool last : {false, true}) {
        const auto made = result_of({octets({1, 2, 3, 4, 5}), deflate_status::no_memory}, last);
        CHECK(made.status == deflate_status::no_memory);
        CHECK(made.size == 0);
    }
    scripted_deflater codec(15, {.output = {}, .status = deflate_status::no_memory});
    message_deflater subject;
    CHECK(to_hex(deflated_pieces(subject, codec, {{}})) == "00");
}
