// Endpoints that compress: hostile peers, errors of the caller, memory that is given back or shared (RFC 7692).
// SPDX-License-Identifier: MIT
#include <sockless/ws/deflate/stage.hpp>

#include <sockless/ws/deflate/zlib.hpp>

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <utility>

#include "../../support/allocations.hpp"
#include "../../support/compressed.hpp"

using namespace sockless;
using namespace sockless::test;
using lines = std::vector<std::string>;
using sizes = std::initializer_list<std::size_t>;
using namespace std::string_view_literals;
using ws::message_type;

namespace {

// A codec that counts how many of its kind there are, and can have no memory.
template <class Codec>
struct counted : Codec {
    template <class... Arguments>
    explicit counted(const Arguments&... all) noexcept : Codec(all...) {
        ++alive;
    }
    ~counted() { --alive; }
    [[nodiscard]] ws::deflate_status step(cbytes& in, bytes& out) noexcept {
        return starved ? ws::deflate_status::no_memory : Codec::step(in, out);
    }
    static inline int alive = 0;
    static inline bool starved = false;
};
using counted_inflater = counted<ws::zlib_inflater>;
using counted_deflater = counted<ws::zlib_deflater>;
using counted_compression = ws::deflate_stage<counted_inflater, counted_deflater>;

// A growing buffer that notes the most that it was asked to hold.
struct measured_buffer : growing_buffer {
    measured_buffer(std::size_t limit, std::size_t& to) : growing_buffer(limit), most(&to) {}
    bytes prepare(std::size_t wanted) noexcept {
        const bytes room = growing_buffer::prepare(wanted);
        if (size() + room.size() > *most) *most = size() + room.size();
        return room;
    }
    std::size_t* most;
};

// The result of an input: the last event, and how many bytes were given out before it.
struct outcome {
    std::string end{};
    std::size_t given = 0;
    std::size_t largest = 0;
};

template <class Peer>
outcome fed(Peer& peer, cbytes input, std::size_t read = SIZE_MAX) {
    outcome found;
    for (std::size_t at = 0; at < input.size();) {
        const std::size_t size = input.size() - at < read ? input.size() - at : read;
        buffer piece(input.begin() + static_cast<std::ptrdiff_t>(at),
                     input.begin() + static_cast<std::ptrdiff_t>(at + size));
        at += size;
        bytes in(piece);
        while (const ws::event event = peer.next(in)) {
            found.end = line_of(peer, event);
            found.given += event.payload.size();
            found.largest = event.payload.size() > found.largest ? event.payload.size() : found.largest;
        }
    }
    return found;
}

} // namespace

// --- hostile peers

TEST_CASE_TEMPLATE("D9: of a bomb no more is inflated than the limit", Side, compressing_server, compressing_client) {
    constexpr std::size_t limit = 1'000'000;
    const buffer small = bomb(10'000'000);
    REQUIRE(small.size() < 10'500);
    for (const bool whole : {true, false}) {
        for (const std::size_t read : sizes{100'000, 1000, 1}) {
            std::size_t most = 0;
            std::size_t most_sent = 0;
            auto run = compressing<Side, ws::zlib_compression>(
                {}, {.limits = {.message = limit}, .whole_messages = whole}, nullptr, measured_buffer(limit, most),
                measured_buffer(4096, most_sent));
            most = 0;
            const outcome found = fed(run.peer, compressed_text(Side::other, small), read);
            CHECK(found.end == "closed 1006 unclean message_too_big");
            CHECK(close_sent(run) == 1009);
            // In pieces all that is within the limit was given out, and nothing else was held.
            CHECK(found.given == (whole ? 0 : limit));
            CHECK(found.largest <= 16 * 1024);
            CHECK(most <= (whole ? limit : 16 * 1024));
        }
    }
}

TEST_CASE_TEMPLATE("D9: a bomb without end ends at the limit", Side, compressing_server, compressing_client) {
    constexpr role by = Side::other;
    constexpr std::size_t limit = 1'000'000;
    for (const bool whole : {true, false}) {
        std::size_t most = 0;
        std::size_t most_sent = 0;
        auto run = compressing<Side, ws::zlib_compression>({}, {.limits = {.message = limit}, .whole_messages = whole},
                                                           nullptr, measured_buffer(limit, most),
                                                           measured_buffer(4096, most_sent));
        most = 0;
        reference_deflater deflater;
        std::size_t fragments = 0;
        std::size_t given = 0;
        outcome found;
        while (run.peer.is_open() && fragments != 1000) {
            const buffer zeros = deflater.flushed(buffer(30'000), Z_SYNC_FLUSH);
            found = fed(run.peer, frame(by, fragments++ == 0 ? 0x41 : 0x00, zeros));
            given += found.given;
        }
        CHECK(found.end == "closed 1006 unclean message_too_big");
        CHECK(fragments == limit / 30'000 + 1);
        CHECK(given == (whole ? 0 : limit));
        CHECK(most <= (whole ? limit : 16 * 1024));
    }
}

TEST_CASE_TEMPLATE("D9: compressed data that comes to nothing is bounded too", Side, compressing_server,
                   compressing_client) {
    constexpr role by = Side::other;
    buffer blocks;
    for (int i = 0; i != 200; ++i) blocks = joined(blocks, octets({0, 0, 0, 0xFF, 0xFF}));
    auto run = compressing<Side>({}, {.limits = {.message = 100'000}});
    std::size_t fragments = 0;
    while (run.peer.is_open() && fragments != 1000) {
        run.feed_copy(frame(by, fragments++ == 0 ? 0x42 : 0x00, blocks));
    }
    CHECK(fragments == 101);
    CHECK(run.log == lines{"closed 1006 unclean message_too_big"});
}

TEST_CASE_TEMPLATE("D9: of what was compressed twice one layer is inflated", Side, compressing_server,
                   compressing_client) {
    const buffer inner = bomb(10'000'000);
    auto run = compressing<Side>({}, {.limits = {.message = 20'000}});
    run.feed_copy(frame(Side::other, 0xC2, deflated(inner)));
    CHECK(run.log == lines{"message binary compressed: " + to_hex(inner)});
}

TEST_CASE_TEMPLATE("D9: a message of just the limit passes, one byte more does not", Side, compressing_server,
                   compressing_client) {
    struct row {
        std::size_t limit;
        std::size_t room; // of the buffer, which can be larger
    };
    for (const row& each : {row{500, 500}, row{500, 501}, row{500, 20'000}, row{16 * 1024, 16 * 1024},
                            row{20'000, 20'000}, row{20'000, 100'000}}) {
        for (const bool whole : {true, false}) {
            const auto last = [&](cbytes input, std::size_t read) {
                buffer in(each.room);
                buffer out(512);
                auto run = compressing<Side, ws::zlib_compression>(
                    {}, {.limits = {.message = each.limit}, .whole_messages = whole}, nullptr, span_buffer(bytes(in)),
                    span_buffer(bytes(out)));
                return fed(run.peer, input, read);
            };
            const std::string content = numbered_lines(each.limit + 1);
            const buffer fits = deflated(content.substr(0, each.limit));
            const buffer more = deflated(content);
            const buffer twice = joined(compressed_text(Side::other, fits), compressed_text(Side::other, fits));
            const buffer larger = joined(compressed_text(Side::other, fits), compressed_text(Side::other, more));
            const buffer cut = fragments(Side::other, more, {100, more.size() - 1, more.size()});
            for (const std::size_t read : sizes{100'000, 7, 1}) {
                CHECK(last(twice, read).given == 2 * each.limit);
                CHECK(last(twice, read).end.starts_with(whole ? "message text" : "piece text"));
                CHECK(last(larger, read).end == "closed 1006 unclean message_too_big");
                CHECK(last(larger, read).given == (whole ? each.limit : 2 * each.limit));
                CHECK(last(cut, read).end == "closed 1006 unclean message_too_big");
            }
        }
    }
}

TEST_CASE_TEMPLATE("D9: corrupt data fails with 1007, and what came before it is given out first", Side,
                   compressing_server, compressing_client) {
    reference_deflater deflater;
    const buffer good = deflater.flushed(bytes_of(story), Z_SYNC_FLUSH);
    for (const buffer& bad : {
             octets({0x06}),                   // a block of the type that is not defined
             octets({0, 1, 0, 1, 0, 'x'}),     // a stored block whose length does not fit its complement
             octets({0x04, 0xFF, 0xFF, 0xFF}), // codes of which there are too many
             reaching_back(4000),              // further than anything came
         }) {
        for (const bool whole : {true, false}) {
            auto run = compressing<Side>({}, {.whole_messages = whole});
            run.feed_copy(joined(compressed_text(Side::other, joined(good, bad)), frame(Side::other, 0x81, "late")));
            const std::string end = "closed 1006 unclean deflate_corrupt";
            if (whole) CHECK(run.log == lines{end});
            if (!whole) CHECK(run.log == lines{"piece text compressed first: " + story, end});
            CHECK(close_sent(run) == 1007);
            CHECK(run.complaint == "");
        }
    }
}

TEST_CASE_TEMPLATE("D9 D7: a message that ends anywhere before its end fails with 1007", Side, compressing_server,
                   compressing_client) {
    for (const int strategy : {Z_DEFAULT_STRATEGY, Z_FIXED}) {
        const std::string content = numbered_lines(300);
        const buffer payload = deflated(content, 15, 6, strategy);
        for (std::size_t size = 1; size != payload.size(); ++size) {
            CAPTURE(size);
            for (const bool whole : {true, false}) {
                auto run = compressing<Side>({}, {.whole_messages = whole});
                run.feed_copy(compressed_text(Side::other, cbytes(payload).first(size)));
                CHECK(run.log.back() == "closed 1006 unclean deflate_truncated");
                if (whole) CHECK(run.log.size() == 1);
                // Nothing is made up of what was not there.
                if (run.log.size() == 2) {
                    const std::string given = run.log[0].substr(run.log[0].find(": ") + 2);
                    CHECK(given == content.substr(0, given.size()));
                }
                CHECK(close_sent(run) == 1007);
            }
        }
    }
}

TEST_CASE_TEMPLATE("D9 F8: inflated text that is not UTF-8 fails with 1007 behind what is valid", Side,
                   compressing_server, compressing_client) {
    for (const std::string bad : {"\xFF", "\xC0\xAF", "\xED\xA0\x80", "\xE2\x82", "\xF4\x90\x80\x80"}) {
        const std::string content = korean + bad;
        const buffer payload = deflated(content);
        for (std::size_t cut = 0; cut <= payload.size(); ++cut) {
            for (const bool whole : {true, false}) {
                auto run = compressing<Side>({}, {.whole_messages = whole});
                run.feed_copy(fragments(Side::other, payload, {cut, payload.size()}));
                CHECK(run.log.back() == "closed 1006 unclean invalid_utf8");
                CHECK(close_sent(run) == 1007);
                if (whole) CHECK(run.log.size() == 1);
                if (!whole) REQUIRE(run.log.size() == 2);
                if (!whole) CHECK(run.log[0].starts_with("piece text compressed first: " + korean));
            }
        }
        auto binary = compressing<Side>();
        binary.feed_copy(frame(Side::other, 0xC2, payload));
        CHECK(binary.log == lines{"message binary compressed: " + to_hex(bytes_of(content))});
    }
}

// --- what is compressed, and what goes wrong while sending

TEST_CASE_TEMPLATE("D10: the caller or the threshold decides for each message", Side, compressing_server,
                   compressing_client) {
    constexpr unsigned plain = 0x81;
    constexpr unsigned packed = 0xC1;
    const auto first_byte = [](auto& run, std::size_t size, ws::compressed how) {
        CHECK_FALSE(run.peer.send_text(numbered_lines(size), how));
        return frames_in(run.take_sent())[0].first;
    };
    const auto with = [](const ws::deflate_policy& policy, const terms& to = {}) {
        return opened(Side::make({}, ws::zlib_compression(policy)), Side::opening(to));
    };
    using ws::compressed;
    const terms alone = {.takes_over = false, .peer_takes_over = true};
    const ws::deflate_parameters wanted = parameters_of(alone, Side::own);
    struct row {
        decltype(with({})) run;
        std::size_t threshold;
    };
    row rows[] = {
        {with({.threshold = 64, .threshold_without_takeover = SIZE_MAX}), 64},
        {with({.threshold = 1000, .threshold_without_takeover = 1}), 1000},
        {with({.wanted = wanted, .threshold = SIZE_MAX, .threshold_without_takeover = 64}, alone), 64},
        {with({.wanted = wanted, .threshold = 1, .threshold_without_takeover = 1000}, alone), 1000},
    };
    for (auto& [run, threshold] : rows) {
        CHECK(first_byte(run, threshold - 1, compressed::automatic) == plain);
        CHECK(first_byte(run, threshold, compressed::automatic) == packed);
        CHECK(first_byte(run, threshold - 1, compressed::always) == packed);
        CHECK(first_byte(run, 0, compressed::always) == packed);
        CHECK(first_byte(run, 100 * threshold, compressed::never) == plain);
    }
    auto all = with({.threshold = 0});
    CHECK(first_byte(all, 0, compressed::automatic) == packed);
    auto none = with({.threshold = SIZE_MAX});
    CHECK(first_byte(none, 100'000, compressed::automatic) == plain);
    // The default threshold is less than this.
    auto usual = with({});
    CHECK(first_byte(usual, 1000, compressed::automatic) == packed);
    CHECK(first_byte(usual, 10, compressed::automatic) == plain);
}

TEST_CASE_TEMPLATE("D10: the first piece decides for its message", Side, compressing_server, compressing_client) {
    using ws::compressed;
    auto run = compressing<Side>();
    const auto send = [&](std::string_view text, bool last, compressed how) {
        CHECK_FALSE(run.peer.send_piece(message_type::text, bytes_of(text), last, how));
    };
    send("a", false, compressed::automatic); // more will come, but the size is not known
    send("b", true, compressed::never);
    send("c", false, compressed::never);
    send(story, true, compressed::always);
    send("d", true, compressed::automatic); // a piece that is all of it is as a message
    send("", false, compressed::always);
    send("", true, compressed::never);
    reference_inflater peer;
    CHECK(lines_sent(run.take_sent(), peer) ==
          lines{"text compressed: ab", "text: c" + story, "text: d", "text compressed: "});
}

TEST_CASE_TEMPLATE("D10 D8: a message for which there is no room leaves nothing behind, however much room there is",
                   Side, compressing_server, compressing_client) {
    constexpr std::size_t reserve = 131; // for the Close
    for (const std::string& text : {story + story, random_text(200), random_text(100)}) {
        for (const terms& to : {terms{}, terms{.takes_over = false}}) {
            ws::zlib_pool pool;
            std::string course;
            for (std::size_t free = reserve; free != reserve + 400; ++free) {
                buffer in(4096);
                buffer out(1000);
                auto run = compressing<Side, ws::zlib_compression>(to, {}, &pool, span_buffer(bytes(in)),
                                                                   span_buffer(bytes(out)));
                run.drains = false;
                lines expected = {"text compressed: " + story};
                CHECK_FALSE(run.peer.send_text(story));
                run.drain();
                const std::size_t header = Side::own == role::client ? 8 : 4;
                const std::string filler(out.size() - free - header, '.');
                CHECK_FALSE(run.peer.send_text(filler, ws::compressed::never));
                expected.push_back("text: " + filler);
                REQUIRE(run.peer.output().size() == out.size() - free);

                if (const sockless::error refused = run.peer.send_text(text)) {
                    CHECK(refused == ws::errc::no_room);
                    CHECK(run.peer.output().size() == out.size() - free);
                    if (course.empty() || course.back() != 'n') course += 'n';
                } else {
                    const unsigned first = static_cast<unsigned>(run.peer.output()[out.size() - free]);
                    const bool packed = first == 0xC1;
                    expected.push_back((packed ? "text compressed: " : "text: ") + text);
                    const char mark = packed ? 'c' : 'p';
                    if (course.empty() || course.back() != mark) course += mark;
                }
                run.drain();
                for (const std::string& each : {text, story}) {
                    CHECK_FALSE(run.peer.send_text(each));
                    expected.push_back("text compressed: " + each);
                }
                reference_inflater peer(15, to.takes_over);
                CHECK(lines_sent(run.take_sent(), peer) == expected);
            }
            // More room never makes it worse: no room, perhaps room for it as it is, room for it compressed.
            CHECK((course == "nc" || course == "npc"));
        }
    }
}

TEST_CASE_TEMPLATE("D8: a message in pieces goes on when there is room again", Side, compressing_server,
                   compressing_client) {
    for (const terms& to : {terms{}, terms{.takes_over = false}}) {
        ws::zlib_pool pool;
        buffer in(4096);
        buffer out(700);
        auto run =
            compressing<Side, ws::zlib_compression>(to, {}, &pool, span_buffer(bytes(in)), span_buffer(bytes(out)));
        run.drains = false;
        std::string content;
        std::size_t refused = 0;
        for (std::uint64_t i = 0; i != 40; ++i) {
            const std::string piece = story + random_text(100, i % 8);
            for (;;) {
                const sockless::error failed = run.peer.send_piece(message_type::text, bytes_of(piece), i == 39);
                if (!failed) break;
                REQUIRE(failed == ws::errc::no_room);
                ++refused;
                REQUIRE(run.drain() != 0);
            }
            content += piece;
        }
        CHECK(refused > 5);
        run.drain();
        CHECK_FALSE(run.peer.send_text(story));
        reference_inflater peer(15, to.takes_over);
        CHECK(lines_sent(run.take_sent(), peer) == lines{"text compressed: " + content, "text compressed: " + story});
    }
}

TEST_CASE_TEMPLATE("F8 C4 D8: what is refused for another reason leaves nothing behind", Side, compressing_server,
                   compressing_client) {
    using ws::compressed;
    auto run = compressing<Side>();
    CHECK_FALSE(run.peer.send_text(story));
    CHECK(run.peer.send_text(story + "\xFF", compressed::always) == ws::errc::payload_not_utf8);
    CHECK(run.peer.send_text(story + "\xE2", compressed::always) == ws::errc::payload_not_utf8);
    CHECK_FALSE(run.peer.send_piece(message_type::text, bytes_of(story + "\xE2"), false));
    CHECK(run.peer.send_piece(message_type::text, bytes_of("("), false) == ws::errc::payload_not_utf8);
    CHECK(run.peer.send_piece(message_type::text, {}, true) == ws::errc::payload_not_utf8);
    CHECK(run.peer.send_text(story) == ws::errc::message_open);
    CHECK(run.peer.send_piece(message_type::binary, bytes_of(story), true) == ws::errc::message_open);
    CHECK_FALSE(run.peer.send_piece(message_type::text, bytes_of("\x82\xAC"), true));
    CHECK_FALSE(run.peer.send_text(story));
    CHECK_FALSE(run.peer.close());
    CHECK(run.peer.send_text(story, compressed::always) == ws::errc::not_open);
    CHECK(run.peer.send_piece(message_type::text, bytes_of(story), false) == ws::errc::not_open);
    reference_inflater peer;
    const std::string text = "text compressed: " + story;
    CHECK(lines_sent(run.take_sent(), peer) == lines{text, text + "\xE2\x82\xAC", text, "close 1000"});

    // After our Close messages still come.
    run.feed_copy(compressed_text(Side::other, deflated(story)));
    CHECK(run.log == lines{"message text compressed: " + story});
}

TEST_CASE("F5 D8: a message for which there is no masking key leaves nothing behind in the window") {
    bool works = true;
    const ws::entropy::function keys = [](void* context, bytes out) {
        for (std::byte& octet : out) octet = std::byte{1};
        return *static_cast<bool*>(context);
    };
    for (const bool takes_over : {true, false}) {
        ws::zlib_compression compression;
        compression.agree(role::client, {.agreed = true, .parameters = {.client_no_context_takeover = !takes_over}});
        ws::zlib_client client(ws::already_open{}, ws::entropy(keys, &works), {}, std::move(compression));
        const auto write = [](bytes out) -> written {
            if (out.size() < story.size()) return {story.size(), ws::errc::no_room};
            std::memcpy(out.data(), story.data(), story.size());
            return {story.size(), {}};
        };
        for (const bool now : {true, false, true, false, true}) {
            works = now;
            const sockless::error expected = now ? ws::errc::none : ws::errc::no_entropy;
            CHECK(client.send_text(story, ws::compressed::always) == expected);
            CHECK(client.send_piece(message_type::text, bytes_of(story), false, ws::compressed::always) == expected);
            if (now) CHECK_FALSE(client.send_piece(message_type::text, std::string_view("."), true));
            CHECK(client.send_written(write) == expected);
        }
        reference_inflater peer(15, takes_over);
        lines all;
        for (int i = 0; i != 3; ++i) {
            all.insert(all.end(), {"text compressed: " + story, "text compressed: " + story + ".",
                                   (takes_over ? "text compressed: " : "text: ") + story});
        }
        CHECK(lines_sent(client.output(), peer) == all);
    }
}

// --- memory

TEST_CASE_TEMPLATE("D9 D10: where the heap is empty what comes cannot be read, and what is sent goes as it is", Side,
                   compressing_server, compressing_client) {
    auto run = compressing<Side>();
    CHECK_FALSE(run.peer.send_text(story + story, ws::compressed::never)); // memory for the output
    run.drain();
    {
        const empty_heap none;
        CHECK_FALSE(run.peer.send_text(story));
        CHECK_FALSE(run.peer.send_piece(message_type::text, bytes_of(story), false));
    }
    // The window may come late, but not inside a message.
    CHECK_FALSE(run.peer.send_piece(message_type::text, bytes_of(story), true));
    CHECK_FALSE(run.peer.send_text(story));
    reference_inflater peer;
    CHECK(lines_sent(run.take_sent(), peer) ==
          lines{"text: " + story + story, "text: " + story, "text: " + story + story, "text compressed: " + story});
    buffer message = compressed_text(Side::other, deflated(story));
    {
        const empty_heap none;
        run.feed(message);
    }
    CHECK(run.log == lines{"closed 1006 unclean no_memory"});
    CHECK(close_sent(run) == 1011);
}

TEST_CASE_TEMPLATE("D9 D10: the same where it is the codec that has no memory", Side, compressing_server,
                   compressing_client) {
    auto run = compressing<Side, counted_compression>();
    counted_deflater::starved = counted_inflater::starved = true;
    CHECK_FALSE(run.peer.send_text(story));
    counted_deflater::starved = false;
    CHECK_FALSE(run.peer.send_piece(message_type::text, bytes_of(story), false));
    counted_deflater::starved = true;
    CHECK(run.peer.send_piece(message_type::text, bytes_of(story), false) == ws::errc::no_room);
    counted_deflater::starved = false;
    CHECK_FALSE(run.peer.send_piece(message_type::text, bytes_of(story), true));
    reference_inflater peer;
    CHECK(lines_sent(run.take_sent(), peer) == lines{"text: " + story, "text compressed: " + story + story});
    run.feed_copy(compressed_text(Side::other, deflated(story)));
    CHECK(run.log == lines{"closed 1006 unclean no_memory"});
    CHECK(close_sent(run) == 1011);
    counted_inflater::starved = false;
}

TEST_CASE_TEMPLATE("D8: memory can be given back at any time", Side, compressing_server, compressing_client) {
    constexpr role by = Side::other;
    for (const terms& to : all_takeovers) {
        for (const bool shares : {false, true}) {
            for (const bool whole : {false, true}) {
                ws::zlib_pool pool;
                auto run = compressing<Side>(to, {.whole_messages = whole}, shares ? &pool : nullptr);
                reference_deflater kept;
                const buffer first = kept.message(bytes_of(story));
                const buffer second = to.peer_takes_over ? kept.message(bytes_of(story)) : first;
                std::string content;
                const auto read = [&](const buffer& input) {
                    buffer held = input;
                    bytes in(held);
                    while (const ws::event event = run.peer.next(in)) {
                        content += event.text();
                        run.peer.release_memory();
                    }
                    run.peer.release_memory();
                };
                const buffer large = deflated(numbered_lines(50'000));
                read(frame(by, 0x41, cbytes(first).first(20)));
                read(frame(by, 0x80, cbytes(first).subspan(20)));
                read(compressed_text(by, second));
                read(frame(by, 0x41, cbytes(large).first(5000)));
                read(frame(by, 0x80, cbytes(large).subspan(5000)));
                CHECK(content == story + story + numbered_lines(50'000));

                for (int i = 0; i != 2; ++i) {
                    for (const bool last : {false, false, true}) {
                        CHECK_FALSE(run.peer.send_piece(message_type::text, bytes_of(story), last));
                        run.peer.release_memory();
                        run.drain();
                        run.peer.release_memory();
                    }
                    CHECK_FALSE(run.peer.send_text(story));
                }
                reference_inflater peer(15, to.takes_over);
                const lines two = {"text compressed: " + story + story + story, "text compressed: " + story};
                CHECK(lines_sent(run.take_sent(), peer) == lines{two[0], two[1], two[0], two[1]});
            }
        }
    }
}

TEST_CASE_TEMPLATE("D8: a window is taken with the first message, and given back where it is not needed", Side,
                   compressing_server, compressing_client) {
    for (const terms& to : all_takeovers) {
        const int inflaters = counted_inflater::alive;
        const int deflaters = counted_deflater::alive;
        const auto held = [&] {
            return std::pair(counted_inflater::alive - inflaters, counted_deflater::alive - deflaters);
        };
        {
            auto run = compressing<Side, counted_compression>(to);
            CHECK_FALSE(run.peer.send_text(story, ws::compressed::never));
            run.feed_copy(frame(Side::other, 0x81, story));
            CHECK(held() == std::pair(0, 0));
            CHECK_FALSE(run.peer.send_text(story));
            CHECK(held() == std::pair(0, 1));
            run.feed_copy(compressed_text(Side::other, deflated(story)));
            CHECK(held() == std::pair(1, 1));
            // The bytes to which the peer refers must stay.
            run.peer.release_memory();
            CHECK(held() == std::pair(to.peer_takes_over ? 1 : 0, 0));
            CHECK_FALSE(run.peer.send_piece(message_type::text, bytes_of(story), false));
            run.feed_copy(frame(Side::other, 0x41, deflated(story)));
            run.peer.release_memory();
            CHECK(held() == std::pair(1, 1));
        }
        CHECK(held() == std::pair(0, 0));
    }
}

TEST_CASE_TEMPLATE("D8: connections share inflaters and deflaters, and never see each other's data", Side,
                   compressing_server, compressing_client) {
    constexpr role by = Side::other;
    const int inflaters = counted_inflater::alive;
    const int deflaters = counted_deflater::alive;
    const auto held = [&] {
        return std::pair(counted_inflater::alive - inflaters, counted_deflater::alive - deflaters);
    };
    counted_compression::pool pool(2);
    const terms alone = {.takes_over = false, .peer_takes_over = false};
    using run_type = decltype(compressing<Side, counted_compression>());
    std::vector<std::unique_ptr<run_type>> all;
    for (int i = 0; i != 5; ++i) {
        all.push_back(std::make_unique<run_type>(compressing<Side, counted_compression>(alone, {}, &pool)));
    }
    const auto text = [](std::size_t i) { return numbered_lines(100 + i) + random_text(50, i); };
    for (int round = 0; round != 3; ++round) {
        // All at the same time.
        for (std::size_t i = 0; i != all.size(); ++i) {
            const buffer payload = deflated(text(i));
            all[i]->feed_copy(frame(by, 0x41, cbytes(payload).first(30)));
            CHECK_FALSE(all[i]->peer.send_piece(message_type::text, bytes_of(text(i)), false));
        }
        CHECK(held() == std::pair(5, 5));
        for (std::size_t i = 0; i != all.size(); ++i) {
            const buffer payload = deflated(text(i));
            all[i]->feed_copy(frame(by, 0x80, cbytes(payload).subspan(30)));
            CHECK_FALSE(all[i]->peer.send_piece(message_type::text, {}, true));
            CHECK(all[i]->take_log() == lines{"message text compressed: " + text(i)});
            reference_inflater peer(15, false);
            CHECK(lines_sent(all[i]->take_sent(), peer) == lines{"text compressed: " + text(i)});
        }
        // Two of those that are not in use are kept.
        CHECK(held() == std::pair(2, 2));
    }
    // One after the other uses the same.
    for (const auto& each : all) {
        each->feed_copy(compressed_text(by, deflated(story)));
        CHECK_FALSE(each->peer.send_text(story));
    }
    CHECK(held() == std::pair(2, 2));
    // A message cannot refer to bytes that another connection has read.
    all[0]->feed_copy(compressed_text(by, reaching_back(50)));
    CHECK(all[0]->log.back() == "closed 1006 unclean deflate_corrupt");
    CHECK(all[1]->peer.is_open());
    all.clear();
    CHECK(held() == std::pair(2, 2));
}

TEST_CASE_TEMPLATE("D8: connections with other windows share inflaters, but no deflaters", Side, compressing_server,
                   compressing_client) {
    counted_compression::pool pool(2);
    const auto with_window = [&](unsigned bits) {
        return compressing<Side, counted_compression>(
            {.takes_over = false, .peer_takes_over = false, .window = bits, .peer_window = bits}, {}, &pool);
    };
    auto small = with_window(9), large = with_window(15);
    const int inflaters = counted_inflater::alive;
    const int deflaters = counted_deflater::alive;
    for (int round = 0; round != 3; ++round) {
        for (auto* const each : {&small, &large}) {
            const unsigned bits = each == &small ? 9 : 15;
            each->feed_copy(compressed_text(Side::other, deflated(story, static_cast<int>(bits))));
            CHECK(each->take_log() == lines{"message text compressed: " + std::string(story)});
            CHECK_FALSE(each->peer.send_text(story));
            reference_inflater peer(bits, false);
            CHECK(lines_sent(each->take_sent(), peer) == lines{"text compressed: " + std::string(story)});
        }
        // An inflater with the largest window reads what was written with any.
        CHECK(counted_inflater::alive - inflaters == 1);
        CHECK(counted_deflater::alive - deflaters == 2);
    }
}

TEST_CASE_TEMPLATE("D8: a connection that ends or gives up inside a message gives back what it shares", Side,
                   compressing_server, compressing_client) {
    const int inflaters = counted_inflater::alive;
    const int deflaters = counted_deflater::alive;
    const auto held = [&] {
        return std::pair(counted_inflater::alive - inflaters, counted_deflater::alive - deflaters);
    };
    const terms alone = {.takes_over = false, .peer_takes_over = false};
    {
        counted_compression::pool pool(1);
        for (int i = 0; i != 3; ++i) {
            auto run = compressing<Side, counted_compression>(alone, {}, &pool);
            CHECK_FALSE(run.peer.send_piece(message_type::text, bytes_of(story), false));
            run.feed_copy(frame(Side::other, 0x41, deflated(story)));
        }
        CHECK(held() == std::pair(1, 1));
    }
    CHECK(held() == std::pair(0, 0));
    counted_compression::pool none(0);
    buffer in(1000);
    buffer out(1000);
    auto run =
        compressing<Side, counted_compression>(alone, {}, &none, span_buffer(bytes(in)), span_buffer(bytes(out)));
    CHECK(run.peer.send(message_type::binary, deflated(random_text(2000))) == ws::errc::no_room);
    CHECK(held() == std::pair(0, 0));
    CHECK_FALSE(run.peer.send_text(story));
    run.feed_copy(compressed_text(Side::other, deflated(story)));
    CHECK(held() == std::pair(0, 0));
    // After the end nothing is held, although the connection is still there.
    CHECK_FALSE(run.peer.send_piece(message_type::text, bytes_of(story), false));
    run.feed_copy(joined(frame(Side::other, 0x41, deflated(story)), frame(Side::other, 0x81)));
    CHECK(run.log.back() == "closed 1006 unclean expected_continuation");
    CHECK(held() == std::pair(0, 0));
}

TEST_CASE_TEMPLATE("D8: no message takes memory once there are windows", Side, compressing_server, compressing_client) {
    constexpr role by = Side::other;
    for (const terms& to : all_takeovers) {
        for (const bool shares : {false, true}) {
            for (const bool whole : {false, true}) {
                ws::zlib_pool pool;
                auto run = compressing<Side>(to, {.whole_messages = whole}, shares ? &pool : nullptr);
                const buffer payload = deflated(numbered_lines(20'000));
                const buffer input = joined(compressed_text(by, payload), compressed_text(by, deflated(story)),
                                            fragments(by, payload, {100, 200, payload.size()}));
                buffer memory(input.size());
                std::size_t given = 0;
                const auto exchange = [&] {
                    std::memcpy(memory.data(), input.data(), input.size());
                    bytes in(memory);
                    while (const ws::event event = run.peer.next(in)) {
                        given += event.payload.size();
                        if (run.peer.send_text(story)) given = 0;
                        if (run.peer.send_piece(event.type, event.payload, event.last)) given = 0;
                        if (!event.last && run.peer.send_piece(event.type, {}, true)) given = 0;
                        run.peer.sent(run.peer.output().size());
                    }
                };
                for (int i = 0; i != 5; ++i) exchange();
                const std::size_t before = allocations();
                for (int i = 0; i != 20; ++i) exchange();
                CHECK(allocations() == before);
                CHECK(given == 25 * (40'000 + story.size()));
            }
        }
    }
}

TEST_CASE("a compressed message in many small pieces takes the memory that it needs") {
    ws::zlib_server server;
    ws::zlib_client client(sample_keys());
    const auto pass = [](auto& from, auto& to) {
        buffer wire(from.output().begin(), from.output().end());
        from.sent(wire.size());
        bytes in(wire);
        return to.next(in);
    };
    REQUIRE_FALSE(client.request({.host = "h"}));
    REQUIRE(pass(client, server).kind == ws::kind::request);
    REQUIRE_FALSE(server.accept());
    REQUIRE(pass(server, client).kind == ws::kind::open);
    std::size_t before = 0;
    for (int count = 0; count != 100; ++count) {
        REQUIRE_FALSE(client.send_piece(message_type::text, "hello"sv, false, ws::compressed::always));
        REQUIRE_FALSE(pass(client, server));
        if (count == 0) before = heap_in_use();
    }
    CHECK(heap_in_use() - before < 4000);
    REQUIRE_FALSE(client.send_piece(message_type::text, ""sv, true));
    CHECK(pass(client, server).payload.size() == 500);
}
