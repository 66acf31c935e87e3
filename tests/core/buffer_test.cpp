#include <sockless/buffer.hpp>

#include <doctest/doctest.h>

#include <array>
#include <deque>
#include <utility>

#include "../support/allocations.hpp"
#include "../support/split.hpp"

using namespace sockless;
using namespace sockless::test;

namespace {

constexpr bool queues() {
    std::array<char, 4> memory{};
    span_buffer<char> queue(memory);
    const std::array<std::byte, 3> abc = {std::byte{'a'}, std::byte{'b'}, std::byte{'c'}};
    if (!append(queue, abc) || append(queue, abc) || queue.size() != 3) return false;
    queue.consume(2);
    if (!append(queue, abc) || queue.size() != 4 || append(queue, cbytes(abc).first(1))) return false;
    const auto held = queue.contents();
    return held[0] == 'c' && held[1] == 'a' && held[3] == 'c';
}
static_assert(queues());

// Held against a queue that cannot be wrong.
template <class Buffer>
void behaves_as_a_queue(Buffer& subject, std::size_t limit, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::deque<std::byte> model;
    for (int step = 0; step != 20000; ++step) {
        const std::size_t size = static_cast<std::size_t>(random() % (limit / 3 + 2));
        switch (random() % 8) {
        case 0:
        case 1:
        case 2: {
            buffer data(size);
            for (std::byte& octet : data) octet = static_cast<std::byte>(random());
            const bool fits = model.size() + size <= limit;
            REQUIRE(append(subject, data) == fits);
            if (fits) model.insert(model.end(), data.begin(), data.end());
            break;
        }
        case 3: {
            // More is prepared than is used.
            const auto room = subject.prepare(size);
            REQUIRE(room.size() == (model.size() + size <= limit ? size : 0));
            const std::size_t used = room.size() / 2;
            for (std::size_t i = 0; i != room.size(); ++i) room[i] = static_cast<std::byte>(i);
            subject.commit(used);
            for (std::size_t i = 0; i != used; ++i) model.push_back(static_cast<std::byte>(i));
            break;
        }
        case 4:
            if (random() % 16 == 0) {
                subject.clear();
                model.clear();
            } else if (random() % 16 == 0) {
                subject.release();
                model.clear();
            } else {
                const std::size_t kept = model.size() - (size < model.size() ? size : model.size());
                subject.truncate(kept);
                model.resize(kept);
            }
            break;
        default: {
            const std::size_t taken = size < model.size() ? size : model.size();
            subject.consume(taken);
            model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(taken));
            break;
        }
        }
        REQUIRE(subject.size() == model.size());
        const bytes held = subject.contents();
        REQUIRE(held.size() == model.size());
        REQUIRE(std::equal(held.begin(), held.end(), model.begin()));
        REQUIRE(subject.limit() == limit);
    }
}

} // namespace

TEST_CASE("a buffer on a span is a queue, and refuses what does not fit") {
    guarded_memory memory(1000);
    for (const std::size_t limit :
         {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{17}, std::size_t{1000}}) {
        span_buffer<std::byte> subject(memory.copy_of(buffer(limit), true));
        behaves_as_a_queue(subject, limit, limit);
    }
    span_buffer<std::byte> none;
    CHECK(none.limit() == 0);
    CHECK(none.contents().empty());
    CHECK(append(none, {}));
    CHECK(!append(none, octets({1})));
}

TEST_CASE("a growing buffer is a queue, and refuses what is beyond its limit") {
    for (const std::size_t limit :
         {std::size_t{0}, std::size_t{1}, std::size_t{255}, std::size_t{256}, std::size_t{300}, std::size_t{5000}}) {
        growing_buffer subject(limit);
        behaves_as_a_queue(subject, limit, limit);
    }
    growing_buffer none;
    CHECK(none.limit() == 0);
    CHECK(append(none, {}));
    CHECK(!append(none, octets({1})));
    growing_buffer endless(~std::size_t{0});
    CHECK(append(endless, octets({1, 2, 3})));
    CHECK(endless.prepare(~std::size_t{0} - 2).empty());
}

TEST_CASE("a buffer says how much room is there without taking or moving anything") {
    std::array<std::byte, 10> memory{};
    span_buffer fixed{bytes(memory)};
    growing_buffer growing(1000);
    CHECK(fixed.ready() == 10);
    CHECK(growing.ready() == 0);
    const auto hold_four = [](auto& buffer) {
        REQUIRE(append(buffer, bytes_of("12345678")));
        buffer.consume(4);
    };
    hold_four(fixed);
    hold_four(growing);
    CHECK(fixed.ready() == 2);
    const std::size_t ready = growing.ready();
    const std::byte* const place = growing.contents().data();
    REQUIRE(ready != 0);
    CHECK(growing.prepare(ready).data() == place + 4);
    CHECK(growing.contents().data() == place);
}

TEST_CASE("a growing buffer takes no memory until it must hold something, and gives it back") {
    const std::size_t before = allocations();
    growing_buffer subject(1000);
    CHECK(subject.contents().empty());
    CHECK(append(subject, {}));
    CHECK(allocations() == before);
    CHECK(append(subject, buffer(10)));
    subject.release();
    CHECK(subject.size() == 0);
    CHECK(subject.limit() == 1000);
    CHECK(append(subject, buffer(1000)));
}

TEST_CASE("a growing buffer grows a number of times that is logarithmic, and not at all when drained in turns") {
    growing_buffer subject(16 * 1024 * 1024);
    const buffer byte = octets({1});
    std::size_t before = allocations();
    for (int i = 0; i != 1000000; ++i) REQUIRE(append(subject, byte));
    CHECK(allocations() - before <= 13); // 256 bytes doubled 12 times are a million
    CHECK(subject.size() == 1000000);

    growing_buffer turns(16 * 1024 * 1024);
    const buffer some(100);
    CHECK(append(turns, some));
    before = allocations();
    for (int i = 0; i != 100000; ++i) {
        REQUIRE(append(turns, some));
        turns.consume(100);
    }
    CHECK(allocations() - before <= 2);
    CHECK(turns.size() == 100);
}

TEST_CASE("a queue that stays nearly full does not move its content for each addition") {
    constexpr std::size_t limit = 64 * 1024;
    constexpr std::size_t rounds = 100000;
    growing_buffer queue(limit);
    const buffer some(100);
    while (append(queue, some)) continue;
    const std::byte* before = queue.contents().data();
    std::size_t moves = 0;
    for (std::size_t i = 0; i != rounds; ++i) {
        queue.consume(100);
        REQUIRE(append(queue, some));
        if (queue.contents().data() != before + 100) ++moves;
        before = queue.contents().data();
    }
    // Once for each time that as much was consumed as is held, and once to grow.
    CHECK(moves <= rounds * 100 / (limit - 100) + 1);
}

TEST_CASE("a growing buffer moves") {
    growing_buffer one(100);
    CHECK(append(one, octets({1, 2, 3})));
    growing_buffer two(std::move(one));
    CHECK(to_hex(two.contents()) == "010203");
    growing_buffer three(7);
    CHECK(append(three, octets({9})));
    three = std::move(two);
    CHECK(to_hex(three.contents()) == "010203");
    CHECK(three.limit() == 100);
    growing_buffer& itself = three;
    three = std::move(itself);
    CHECK(to_hex(three.contents()) == "010203");
}

TEST_CASE("where the heap has no more, nothing is lost") {
    growing_buffer subject(100000);
    CHECK(append(subject, octets({1, 2, 3})));
    {
        const empty_heap none;
        CHECK(!append(subject, buffer(10000)));
        CHECK(subject.prepare(10000).empty());
        CHECK(to_hex(subject.contents()) == "010203");
        CHECK(append(subject, octets({4})));
    }
    CHECK(append(subject, buffer(10000)));
    CHECK(subject.size() == 10004);
}

TEST_CASE("if the heap has no more, the content moves within its memory") {
    growing_buffer subject(1000);
    CHECK(append(subject, buffer(200, std::byte{1})));
    subject.consume(50);
    const empty_heap none;
    // The memory has 256 bytes: 50 before the content, 56 behind it.
    CHECK(append(subject, buffer(100, std::byte{2})));
    CHECK(subject.size() == 250);
    CHECK(subject.contents()[149] == std::byte{1});
    CHECK(subject.contents()[150] == std::byte{2});
    CHECK(!append(subject, buffer(10)));
}

TEST_CASE("a growing buffer without a limit takes what it needs") {
    growing_buffer subject(SIZE_MAX);
    CHECK(append(subject, buffer(200, std::byte{1})));
    subject.consume(50);
    CHECK(append(subject, buffer(200, std::byte{2})));
    CHECK(subject.size() == 350);
    CHECK(subject.contents()[349] == std::byte{2});
    const empty_heap none; // no heap has so much
    CHECK(subject.prepare(SIZE_MAX / 2).empty());
}
