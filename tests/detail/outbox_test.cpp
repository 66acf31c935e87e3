// Both kinds of outbox: what was shown stays in place, in order, within the limit, and memory is given back.
// SPDX-License-Identifier: MIT
#include <sockless/detail/outbox.hpp>

#include <doctest/doctest.h>
#include <sockless/http/errc.hpp>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "../support/aborts.hpp"
#include "../support/allocations.hpp"
#include "../support/split.hpp"

using namespace sockless;
using namespace sockless::test;
using growing = detail::outbox<growing_buffer>;
using spanning = detail::outbox<span_buffer<std::byte>>;

namespace {

template <class Outbox>
bool add(Outbox& to, std::string_view text, std::size_t reserve = 0) {
    const bytes room = to.prepare(text.size(), reserve);
    if (room.size() < text.size() || room.data() == nullptr) return false;
    std::memcpy(room.data(), text.data(), text.size());
    to.commit(text.size());
    return true;
}

detail::shared_bytes shared(std::string_view text) {
    detail::shared_bytes all(text.size());
    std::memcpy(all.contents().data(), text.data(), text.size());
    return all;
}

template <class Outbox>
std::string take_all(Outbox& from) {
    std::string all;
    while (!from.output().empty()) {
        all += text_of(from.output());
        from.sent(from.output().size());
    }
    return all;
}

// The pieces that a host holds while it sends, and the bytes that must stay there.
struct held {
    std::vector<cbytes> shown{};
    std::string copy{};

    [[nodiscard]] bool stays() const {
        std::string now;
        for (const cbytes each : shown) now += text_of(each);
        return now == copy;
    }

    void take(std::size_t size) {
        copy.erase(0, size);
        for (cbytes& each : shown) {
            const std::size_t part = std::min(size, each.size());
            each = each.subspan(part);
            size -= part;
        }
    }
};

template <class Outbox>
held look(const Outbox& box, std::size_t pieces) {
    held found;
    if (pieces == 0) {
        found.shown = {box.output()};
    } else {
        found.shown.resize(pieces);
        found.shown.resize(box.output(found.shown));
        REQUIRE(std::ranges::none_of(found.shown, [](cbytes each) { return each.empty(); }));
    }
    for (const cbytes each : found.shown) found.copy += text_of(each);
    REQUIRE(found.copy.size() <= detail::most_shown);
    return found;
}

// Writes, shares, shows and sends at random; a second queue of the standard library says what must come out.
template <class Outbox>
void play(Outbox& box, std::size_t limit, std::size_t largest, unsigned seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    std::string expected, sent;
    held held;
    std::uint64_t in_all = 0;
    for (int step = 0; step != 4000; ++step) {
        switch (random() % 6) {
        case 0:
        case 1: {
            const std::size_t size = 1 + random() % largest, reserve = random() % 40;
            const std::size_t room = box.room(reserve);
            const std::string text(size, static_cast<char>('a' + step % 26));
            const bool fits = add(box, text, reserve);
            REQUIRE(fits == (size <= room));
            // The room that was reserved is free.
            if (fits) REQUIRE(box.room(0) >= reserve);
            if (fits) expected += text;
            break;
        }
        case 2:
            held = look(box, random() % 5);
            REQUIRE(held.copy.empty() == (expected.size() == sent.size()));
            break;
        case 3: {
            if (held.copy.empty()) break;
            REQUIRE(held.stays());
            const std::size_t size = random() % 2 == 0 ? held.copy.size() : random() % held.copy.size() + 1;
            sent += held.copy.substr(0, size);
            in_all += size;
            box.sent(size);
            held.take(size);
            break;
        }
        case 4: box.release(); break;
        case 5: {
            if constexpr (requires { box.least_shared; }) {
                const std::size_t size = box.least_shared + random() % largest, reserve = random() % 40;
                const std::size_t room = box.room(reserve);
                const std::string text(size, static_cast<char>('A' + step % 26));
                const bool fits = box.share(shared(text), reserve);
                REQUIRE(fits == (size <= room));
                if (fits) expected += text;
            }
            break;
        }
        }
        REQUIRE(held.stays());
        REQUIRE(box.size() == expected.size() - sent.size());
        REQUIRE(box.size() <= limit);
        REQUIRE(box.sent_in_all() == in_all);
    }
    sent += take_all(box);
    CHECK(sent == expected);
    CHECK(box.empty());
}

} // namespace

TEST_CASE("an outbox in memory of the caller's keeps what it has shown, and the order") {
    for (unsigned seed = 0; seed != 30; ++seed) {
        std::array<std::byte, 300> memory{};
        spanning box{span_buffer<std::byte>(memory)};
        play(box, memory.size(), 120, seed);
        // Once it is empty, all of its memory can be had again.
        CHECK(box.room(0) == memory.size());
        CHECK(box.prepare(memory.size(), 0).data() == memory.data());
    }
}

TEST_CASE("an outbox on the heap keeps what it has shown, and the order") {
    for (unsigned seed = 0; seed != 30; ++seed) {
        growing box{growing_buffer(400'000)};
        play(box, 400'000, seed % 2 == 0 ? 300 : 90'000, seed);
    }
}

TEST_CASE("small memory is used as a whole: what has no room behind goes before") {
    std::array<std::byte, 10> memory{};
    spanning box{span_buffer<std::byte>(memory)};
    REQUIRE(add(box, "12345678"));
    CHECK(text_of(box.output()) == "12345678");
    box.sent(6);
    // "78" was shown, so it stays; "abcdef" goes before it.
    CHECK(box.room(0) == 6);
    REQUIRE(add(box, "abcdef"));
    CHECK(text_of(box.output()) == "78");
    CHECK_FALSE(add(box, "x"));
    box.sent(2);
    CHECK(text_of(box.output()) == "abcdef");
    box.sent(6);
    CHECK(box.empty());
    REQUIRE(add(box, "0123456789"));
    CHECK_FALSE(add(box, "x"));
}

TEST_CASE("small pieces are joined until they are shown, then at most 64 KiB are shown at a time") {
    growing box{growing_buffer(1'000'000)};
    for (int i = 0; i != 1000; ++i) REQUIRE(add(box, "0123456789"));
    CHECK(box.output().size() == 10'000);
    REQUIRE(add(box, std::string(200'000, 'x')));
    CHECK(box.output().size() == 10'000);
    box.sent(10'000);
    CHECK(box.output().size() == 65'536);
    CHECK(take_all(box) == std::string(200'000, 'x'));
}

TEST_CASE("memory that was needed once is given back as soon as all of it was sent") {
    const auto bytes_held = [](growing& box) {
        const std::size_t before = allocations();
        REQUIRE(add(box, "small"));
        const bool had_none = allocations() != before;
        take_all(box);
        return had_none ? 0 : 1;
    };
    growing box{growing_buffer(64 << 20)};
    REQUIRE(add(box, std::string(8 << 20, 'x')));
    take_all(box);
    CHECK(bytes_held(box) == 0);

    // A sender that needs as much again and again does not pay for it each time.
    std::size_t before = 0;
    for (int i = 0; i != 10; ++i) {
        if (i == 3) before = allocations();
        const bytes room = box.prepare(1 << 20, 0);
        REQUIRE(room.size() == 1 << 20);
        box.commit(1 << 20);
        while (!box.empty()) box.sent(box.output().size());
    }
    CHECK(allocations() == before);

    // One that then sends small messages gives the large block back once, and takes a small one.
    before = allocations();
    for (int i = 0; i != 40; ++i) {
        REQUIRE(add(box, "small"));
        take_all(box);
    }
    const std::size_t settled = allocations();
    for (int i = 0; i != 100; ++i) {
        REQUIRE(add(box, "small"));
        take_all(box);
    }
    CHECK(settled - before == 1);
    CHECK(allocations() == settled);
}

TEST_CASE("what is kept can be read after it was sent, until it is let go") {
    const auto keeps = [](auto& box) {
        box.keep();
        REQUIRE(add(box, "request"));
        CHECK(text_of(box.output()) == "request");
        box.sent(3);
        CHECK(text_of(box.kept()) == "request");
        box.sent(4);
        CHECK(box.empty());
        box.release();
        CHECK(text_of(box.kept()) == "request");
        box.let_go();
        REQUIRE(add(box, "frames"));
        CHECK(take_all(box) == "frames");
    };
    growing on_heap{growing_buffer(100'000)};
    keeps(on_heap);
    std::array<std::byte, 7> memory{};
    spanning in_span{span_buffer<std::byte>(memory)};
    keeps(in_span);
}

TEST_CASE("put writes once if the size was guessed, twice if not, and all or nothing") {
    growing box{growing_buffer(100)};
    const error no_room = http::errc::no_room;
    int calls = 0;
    const auto writes = [&calls, no_room](std::size_t size) {
        return [&calls, no_room, size](bytes out) -> written {
            ++calls;
            if (out.size() < size) return {size, no_room};
            std::memset(out.data(), 'x', size);
            return {size, {}};
        };
    };
    CHECK_FALSE(detail::put(box, 50, 10, no_room, writes(40)));
    CHECK(std::exchange(calls, 0) == 1);
    CHECK_FALSE(detail::put(box, 5, 10, no_room, writes(40)));
    CHECK(std::exchange(calls, 0) == 2);
    CHECK(detail::put(box, 5, 10, no_room, writes(11)) == no_room);
    CHECK_FALSE(detail::put(box, 5, 10, no_room, writes(10)));
    CHECK(box.size() == 90);

    // Neither what fails by itself nor what is refused afterwards is put.
    const auto fails = [](bytes) -> written { return {0, http::errc::bad_name}; };
    CHECK(detail::put(box, 5, 0, no_room, fails) == http::errc::bad_name);
    const auto refuses = []() -> error { return http::errc::bad_value; };
    CHECK(detail::put(box, 5, 0, no_room, writes(5), refuses) == http::errc::bad_value);
    CHECK(take_all(box) == std::string(90, 'x'));
}

TEST_CASE("more than is shown cannot have been sent") {
    growing box{growing_buffer(100)};
    REQUIRE(add(box, "abc"));
#ifdef NDEBUG
    box.sent(4);
    CHECK(text_of(box.output()) == "abc");
#else
    CHECK(aborts([&] { box.sent(4); }));
    CHECK(aborts([&] { box.sent(SIZE_MAX); }));
#endif
}

TEST_CASE("an outbox that is moved leaves in place what it has shown") {
    growing box{growing_buffer(1000)};
    REQUIRE(add(box, "abc"));
    const cbytes shown = box.output();
    growing other = std::move(box);
    CHECK(other.output().data() == shown.data());
    CHECK(box.empty());
    CHECK(take_all(other) == "abc");
}

TEST_CASE("room that was prepared and is not used delays nothing and leaves nothing behind") {
    growing box{growing_buffer(1'000'000)};
    REQUIRE(add(box, "abc"));
    CHECK(text_of(box.output()) == "abc");
    REQUIRE(box.prepare(100'000, 0).size() == 100'000);
    box.sent(3);
    CHECK(box.empty());
    CHECK(box.output().empty());
    REQUIRE(add(box, "def"));
    CHECK(take_all(box) == "def");

    // Nor if bytes are kept meanwhile.
    growing keeper{growing_buffer(1'000'000)};
    CHECK(keeper.kept().empty());
    keeper.keep();
    REQUIRE(add(keeper, "request"));
    CHECK(take_all(keeper) == "request");
    REQUIRE(keeper.prepare(100'000, 0).size() == 100'000);
    CHECK(text_of(keeper.kept()) == "request");
    keeper.let_go();
    CHECK(keeper.empty());
    REQUIRE(add(keeper, "frames"));
    CHECK(take_all(keeper) == "frames");
}

TEST_CASE("no block is left mostly empty: what is written may be much smaller than its room, or not be written") {
    for (const bool shows : {false, true}) {
        std::string expected;
        expected.reserve(100'000);
        const std::size_t before = heap_in_use();
        growing box{growing_buffer(8'000'000)};
        for (int i = 0; i != 3000; ++i) {
            const bytes room = box.prepare(100'000, 0);
            REQUIRE(room.size() == 100'000);
            const std::string text = "frame " + std::to_string(i);
            std::memcpy(room.data(), text.data(), text.size());
            box.commit(text.size());
            expected += text;
            if (shows && i % 7 == 0) REQUIRE_FALSE(box.output().empty());
            REQUIRE(box.prepare(200'000, 0).size() == 200'000); // and nothing is written
        }
        // Twice what waits, and the room of one block that was shown and of one that is written.
        CHECK(heap_in_use() - before < 2 * expected.size() + 2 * 300'000);
        CHECK(take_all(box) == expected);
        CHECK(heap_in_use() - before <= 4096);
    }
}

TEST_CASE("writes that are refused take no memory") {
    growing box{growing_buffer(1'000'000)};
    while (add(box, std::string(100'000, 'x'))) {
    }
    const std::size_t held = heap_in_use();
    const error no_room = http::errc::no_room;
    for (int i = 0; i != 100; ++i) {
        REQUIRE_FALSE(box.output().empty());
        box.sent(10);
        const auto write = [&](bytes out) -> written { return {200'000, out.size() < 200'000 ? no_room : error()}; };
        REQUIRE(detail::put(box, 150'000, 0, no_room, write) == no_room);
    }
    CHECK(heap_in_use() == held);
}

TEST_CASE("a size that no memory has is refused, whatever the limit") {
    growing box{growing_buffer(SIZE_MAX)};
    CHECK(box.prepare(SIZE_MAX, 0).empty());
    REQUIRE(add(box, "abc"));
    CHECK(box.prepare(SIZE_MAX - 3, 0).empty());
    CHECK(take_all(box) == "abc");
}

TEST_CASE("memory of the caller's shows at most 64 KiB at a time too") {
    std::vector<std::byte> memory(100'000);
    spanning box{span_buffer<std::byte>(memory)};
    REQUIRE(add(box, std::string(100'000, 'x')));
    CHECK(box.output().size() == 65'536);
    CHECK(take_all(box) == std::string(100'000, 'x'));
}

TEST_CASE("what many queues share is there once, until the last of them has sent it") {
    const std::string text(200'000, 'x');
    const std::string all = "before " + text + text + " behind";
    const std::size_t before = heap_in_use();
    {
        std::vector<growing> boxes;
        for (int i = 0; i != 20; ++i) boxes.emplace_back(growing_buffer(1'000'000));
        {
            const detail::shared_bytes message = shared(text);
            for (growing& each : boxes) {
                REQUIRE(add(each, "before "));
                REQUIRE(each.share(message, 0));
                REQUIRE(each.share(message, 0));
                REQUIRE(add(each, " behind"));
            }
        }
        CHECK(heap_in_use() - before < text.size() + 20 * 3000);
        for (growing& each : boxes) {
            const bool same = take_all(each) == all;
            CHECK(same);
        }
        CHECK(heap_in_use() - before < 20 * 3000);
    }
    CHECK(heap_in_use() <= before + 100);
}

TEST_CASE("pieces of several blocks are shown together, at most 64 KiB, and may be sent together") {
    const std::string text(50'000, 'x');
    growing box{growing_buffer(1'000'000)};
    REQUIRE(add(box, "ab"));
    REQUIRE(box.share(shared(text), 0));
    REQUIRE(add(box, "cd"));
    REQUIRE(box.share(shared(text), 0));
    std::array<cbytes, 8> pieces;
    REQUIRE(box.output(pieces) == 4);
    CHECK(pieces[0].size() == 2);
    CHECK(pieces[1].size() == 50'000);
    CHECK(pieces[2].size() == 2);
    CHECK(pieces[3].size() == detail::most_shown - 50'004);
    CHECK(box.output(std::span(pieces).first(2)) == 2);
    CHECK(box.output(std::span(pieces).first(0)) == 0);
    CHECK(box.sent(50'003));
    CHECK(text_of(box.output()) == "d");
    CHECK(box.sent(1));
    CHECK(take_all(box) == text);
    CHECK(box.output(pieces) == 0);
}

TEST_CASE("room that was prepared and is not used does not stand between pieces that are sent together") {
    const std::string text(5000, 'x');
    growing box{growing_buffer(1'000'000)};
    REQUIRE(add(box, "ab"));
    CHECK(text_of(box.output()) == "ab");
    REQUIRE(box.prepare(1000, 0).size() == 1000);
    REQUIRE(box.share(shared(text), 0));
    REQUIRE(add(box, "cd"));
    std::array<cbytes, 8> pieces;
    REQUIRE(box.output(pieces) == 3);
    CHECK(box.sent(5003));
    CHECK(text_of(box.output()) == "d");
    CHECK(box.sent(1));
    CHECK(box.empty());
}

TEST_CASE("more than was shown in pieces cannot have been sent") {
    growing box{growing_buffer(1'000'000)};
    REQUIRE(add(box, "ab"));
    REQUIRE(box.share(shared(std::string(5000, 'x')), 0));
    std::array<cbytes, 1> pieces;
    REQUIRE(box.output(pieces) == 1);
#ifdef NDEBUG
    CHECK_FALSE(box.sent(3));
    CHECK(box.size() == 5002);
#else
    CHECK(aborts([&] { box.sent(3); }));
    CHECK(aborts([&] { box.sent(SIZE_MAX); }));
#endif
}
