// Pings and their Pongs: each Ping is answered, in order, at every cut and beside all other output; a flood is not.
// SPDX-License-Identifier: MIT
#include "../support/allocations.hpp"
#include "host.hpp"

using namespace sockless;
using namespace sockless::test;

namespace {

// No more than this may wait, however many Pings come.
constexpr std::size_t bounded = 8 * kib;

// The payloads of the Pings of a test: the first numbers.
std::string number(std::size_t i) { return std::to_string(i); }
lines numbers(std::size_t count) {
    lines all;
    for (std::size_t i = 0; i != count; ++i) all.push_back(number(i));
    return all;
}

// The payload of a Ping that is as large as it can be.
std::string large(std::size_t i) {
    std::string payload = number(i) + " ";
    payload.resize(125, '.');
    return payload;
}
std::size_t number_in(std::string_view payload) { return std::stoul(std::string(payload)); }

template <class Side>
buffer ping(std::string_view payload) {
    return frame(Side::other, 0x89, payload);
}
template <class Side>
buffer pings(std::size_t count) {
    buffer all;
    for (std::size_t i = 0; i != count; ++i) all = joined(all, ping<Side>(number(i)));
    return all;
}

// The payloads of the Pongs among these frames. A client masks them too.
template <class Side>
lines ponged(const std::vector<seen_frame>& frames) {
    lines payloads;
    for (const seen_frame& each : frames) {
        CHECK(each.masked == (Side::own == role::client));
        if (each.first == 0x8A) payloads.emplace_back(each.text());
    }
    return payloads;
}

// An endpoint whose output is not taken.
template <class Side>
auto stuck(const ws::options& options = {}) {
    auto run = opened<Side>(options);
    run.drains = false;
    return run;
}

} // namespace

TEST_CASE_TEMPLATE("F10: ten Pings in one read are ten Pongs, in order", Side, server_side, client_side) {
    for (const bool drains : {true, false}) {
        auto run = opened<Side>();
        run.drains = drains;
        run.feed_copy(pings<Side>(10));
        CHECK(run.log.size() == 10);
        CHECK(ponged<Side>(frames_in(run.take_sent())) == numbers(10));
    }
}

TEST_CASE_TEMPLATE("F10 F12: Pings that come byte by byte are answered likewise", Side, server_side, client_side) {
    auto run = stuck<Side>();
    for (const std::byte each : pings<Side>(10)) run.feed_copy(cbytes(&each, 1));
    CHECK(ponged<Side>(frames_in(run.take_sent())) == numbers(10));
}

TEST_CASE_TEMPLATE("F7 F10: Pings between the fragments of a message are answered, and the message is heard", Side,
                   server_side, client_side) {
    constexpr role by = Side::other;
    buffer input;
    for (std::size_t i = 0; i != 10; ++i) {
        input = joined(input, frame(by, i == 0 ? 0x01 : 0x00, "part " + number(i) + " "), ping<Side>(number(i)));
    }
    input = joined(input, frame(by, 0x80, "end"));
    for (const std::size_t most : {std::size_t{1}, std::size_t{3}, std::size_t{50}, input.size()}) {
        CAPTURE(most);
        auto run = stuck<Side>();
        for (cbytes rest = input; !rest.empty();) {
            const std::size_t size = std::min(most, rest.size());
            run.feed_copy(rest.first(size));
            rest = rest.subspan(size);
        }
        CHECK(run.log.size() == 11);
        CHECK(run.log.back() ==
              "message text: part 0 part 1 part 2 part 3 part 4 part 5 part 6 part 7 part 8 part 9 end");
        CHECK(ponged<Side>(frames_in(run.take_sent())) == numbers(10));
    }
}

TEST_CASE_TEMPLATE("F10: Pings are answered while a message is sent in pieces", Side, server_side, client_side) {
    auto run = stuck<Side>();
    std::size_t pinged = 0;
    for (std::size_t piece = 0; piece != 5; ++piece) {
        REQUIRE_FALSE(run.peer.send_piece(ws::message_type::text, bytes_of(std::string_view("piece ")), piece == 4));
        for (int i = 0; i != 4; ++i) run.feed_copy(ping<Side>(number(pinged++)));
    }
    const auto frames = frames_in(run.take_sent());
    CHECK(ponged<Side>(frames) == numbers(20));
    lines firsts;
    for (const seen_frame& each : frames) {
        if (each.first != 0x8A) firsts.push_back(to_hex(octets({static_cast<int>(each.first)})));
    }
    CHECK(firsts == lines{"01", "00", "00", "00", "80"});
}

TEST_CASE_TEMPLATE("F10: Pings are answered while a large message leaves slowly", Side, server_side, client_side) {
    auto run = stuck<Side>();
    const buffer message(mib, std::byte{'m'});
    REQUIRE_FALSE(run.peer.send(ws::message_type::binary, message));
    for (std::size_t i = 0; i != 20; ++i) {
        run.drain(10 * kib);
        run.feed_copy(ping<Side>(number(i)));
    }
    const auto frames = frames_in(run.take_sent());
    CHECK(frames.at(0).payload == message);
    CHECK(ponged<Side>(frames) == numbers(20));
}

TEST_CASE_TEMPLATE("F10: of a flood of Pings the first are answered and the latest, in bounded room", Side, server_side,
                   client_side) {
    constexpr std::size_t count = 10'000;
    buffer flood;
    for (std::size_t i = 0; i != count; ++i) {
        const buffer each = ping<Side>(large(i));
        flood.insert(flood.end(), each.begin(), each.end());
    }
    for (const std::size_t most : {std::size_t{100}, std::size_t{1000}, flood.size()}) {
        CAPTURE(most);
        auto run = stuck<Side>();
        std::size_t heard = 0;
        buffer copy = flood;
        const std::size_t allocated = allocations();
        for (bytes rest = copy; !rest.empty();) {
            bytes piece = rest.first(std::min(most, rest.size()));
            rest = rest.subspan(piece.size());
            while (const ws::event found = run.peer.next(piece)) {
                heard += found.kind == ws::kind::ping ? 1U : 0U;
                if (run.peer.output().size() > bounded) FAIL("too much waits");
            }
        }
        CHECK(allocations() - allocated < 20);
        CHECK(heard == count);

        const buffer sent = run.take_sent();
        CHECK(sent.size() <= bounded);
        const lines answered = ponged<Side>(frames_in(sent));
        REQUIRE(answered.size() > 10);
        for (std::size_t i = 0; i != 10; ++i) CHECK(answered[i] == large(i));
        for (std::size_t i = 1; i != answered.size(); ++i) {
            REQUIRE(number_in(answered[i]) > number_in(answered[i - 1]));
        }
        CHECK(answered.back() == large(count - 1));

        // And then everything is as before.
        run.feed_copy(pings<Side>(10));
        CHECK(ponged<Side>(frames_in(run.take_sent())) == numbers(10));
    }
}

TEST_CASE_TEMPLATE("F10: a small Ping that would still have room does not overtake the one before it", Side,
                   server_side, client_side) {
    auto run = stuck<Side>();
    const std::size_t one = frame(Side::own, 0x8A, large(0)).size();
    for (std::size_t i = 0; i <= 4096 / one; ++i) run.feed_copy(ping<Side>(large(i)));
    run.feed_copy(ping<Side>(number(1000)));
    run.feed_copy(ping<Side>(number(1001)));
    // The first of them has taken the place of the one that waited, and was answered.
    const lines answered = ponged<Side>(frames_in(run.take_sent()));
    REQUIRE(answered.size() == 4096 / one + 2);
    CHECK(number_in(answered[4096 / one - 1]) == 4096 / one - 1);
    CHECK(answered[4096 / one] == number(1000));
    CHECK(answered[4096 / one + 1] == number(1001));
}

TEST_CASE_TEMPLATE("F10: Pings and short writes in any order: Pongs keep it, and the latest Ping has its own", Side,
                   server_side, client_side) {
    for (std::uint64_t seed = 0; seed != 30; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random(seed);
        // From a peer that takes nearly all to one that takes nearly nothing.
        const std::size_t share = 1 + seed % 6;
        auto run = stuck<Side>();
        std::size_t count = 0;
        for (int step = 0; step != 1000; ++step) {
            if (random() % 6 < share) {
                run.feed_copy(ping<Side>(large(count++)));
            } else {
                run.drain(static_cast<std::size_t>(random()) % 400);
            }
            if (random() % 50 == 0) REQUIRE_FALSE(run.peer.send(ws::message_type::binary, buffer(100)));
        }
        REQUIRE(count != 0);
        const lines answered = ponged<Side>(frames_in(run.take_sent()));
        REQUIRE_FALSE(answered.empty());
        for (std::size_t i = 1; i != answered.size(); ++i) {
            REQUIRE(number_in(answered[i]) > number_in(answered[i - 1]));
        }
        CHECK(answered.back() == large(count - 1));
        // A peer that reads what it is owed misses none.
        if (share == 1) CHECK(answered.size() == count);
    }
}

TEST_CASE_TEMPLATE("F10 C4: after a Close, sent or received, no Ping is answered", Side, server_side, client_side) {
    constexpr role by = Side::other;
    auto closed = stuck<Side>();
    closed.feed_copy(joined(pings<Side>(5), close_frame(by, 1000), ping<Side>("late")));
    closed.feed_copy(ping<Side>("later"));
    auto frames = frames_in(closed.take_sent());
    REQUIRE_FALSE(frames.empty());
    CHECK(frames.back().close_code() == 1000);
    // The Pings before it were answered, in order. Some may be left out, as the peer does not wait for them any more.
    lines answered = ponged<Side>(frames);
    CHECK(answered.size() == frames.size() - 1);
    CHECK(answered == numbers(answered.size()));
    CHECK(closed.peer.output().empty());

    auto closing = stuck<Side>();
    closing.feed_copy(pings<Side>(5));
    REQUIRE_FALSE(closing.peer.close());
    closing.feed_copy(ping<Side>("late"));
    frames = frames_in(closing.take_sent());
    CHECK(ponged<Side>(frames) == numbers(5));
    CHECK(frames.back().is_close());
}

TEST_CASE_TEMPLATE("F10: where the caller answers, no Ping is answered twice", Side, server_side, client_side) {
    auto run = stuck<Side>({.automatic_pongs = false});
    run.feed_copy(pings<Side>(10));
    CHECK(run.peer.output().empty());
    for (const std::string& each : numbers(10)) REQUIRE_FALSE(run.peer.pong(bytes_of(std::string_view(each))));
    CHECK(ponged<Side>(frames_in(run.take_sent())) == numbers(10));
}

TEST_CASE_TEMPLATE("F10: where there is no room, the latest Ping is answered once there is some", Side, server_side,
                   client_side) {
    std::array<std::byte, 512> input{};
    std::array<std::byte, 600> output{};
    auto run = opened(Side::make_small(input, output), Side::opening());
    run.drains = false;
    std::size_t messages = 0;
    while (!run.peer.send_text("full")) ++messages;
    run.feed_copy(pings<Side>(10));
    run.drain(100);
    const auto frames = frames_in(run.take_sent());
    const lines answered = ponged<Side>(frames);
    REQUIRE_FALSE(answered.empty());
    CHECK(answered.back() == number(9));
    CHECK(frames.size() == messages + answered.size());
    for (std::size_t i = 1; i != answered.size(); ++i) CHECK(number_in(answered[i]) > number_in(answered[i - 1]));
}
