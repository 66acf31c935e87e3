#include <sockless/ws/assembler.hpp>

#include <doctest/doctest.h>

#include "../support/allocations.hpp"
#include "../support/rfc6455_examples.hpp"
#include "../support/split.hpp"

using namespace sockless;
using namespace sockless::test;
using ws::assembler;
using ws::decoder;

namespace {

using on_span = assembler<span_buffer<std::byte>>;
using on_heap = assembler<growing_buffer>;

decoder::event piece(bytes payload, bool first, bool last) {
    return {.kind = decoder::kind::data, .first = first, .last = last, .payload = payload};
}

constexpr bool assembles() {
    std::array<std::byte, 8> memory{};
    on_span subject{span_buffer<std::byte>(memory)};
    decoder frames(role::client);
    auto one = examples::first_fragment;
    auto two = examples::last_fragment;
    bytes in(one);
    bytes message;
    if (subject.add(frames.next(in), message) != on_span::status::incomplete) return false;
    in = bytes(two);
    return subject.add(frames.next(in), message) == on_span::status::complete &&
           examples::equal(message, examples::hello);
}
static_assert(assembles());

// A message in two fragments with a Ping between, and a message in one.
buffer stream() {
    buffer out = octets({0x01, 3, 'H', 'e', 'l', 0x89, 1, '?', 0x00, 0, 0x80, 2, 'l', 'o', 0x82, 4, 1, 2, 3, 4});
    return out;
}

template <class Assembler, class Make>
void run_at_every_split(Make make) {
    const buffer input = stream();
    for_each_split(input, [&](auto&& feed_all) {
        Assembler subject = make();
        decoder frames(role::client);
        std::vector<buffer> messages;
        feed_all([&](bytes in) {
            while (const decoder::event event = frames.next(in)) {
                if (event.kind != decoder::kind::data) continue;
                bytes message;
                if (subject.add(event, message) == Assembler::status::complete) {
                    messages.emplace_back(message.begin(), message.end());
                }
            }
        });
        REQUIRE(messages == std::vector<buffer>{bytes_from("Hello"), octets({1, 2, 3, 4})});
    });
}

} // namespace

TEST_CASE("F6 F12: messages are the same however they were cut") {
    std::array<std::byte, 5> memory{};
    run_at_every_split<on_span>([&] { return on_span{span_buffer<std::byte>(memory)}; });
    run_at_every_split<on_heap>([] { return on_heap{growing_buffer(5)}; });
}

TEST_CASE("F9: a message that came whole is not copied, needs no memory, and takes none") {
    buffer payload(1000);
    on_heap subject{growing_buffer(10)};
    const std::size_t before = allocations();
    bytes message;
    CHECK(subject.add(piece(payload, true, true), message) == on_heap::status::complete);
    CHECK(message.data() == payload.data());
    CHECK(message.size() == 1000);
    CHECK(subject.add(piece({}, true, true), message) == on_heap::status::complete);
    CHECK(message.empty());
    CHECK(allocations() == before);
}

TEST_CASE("F9: a message as large as the memory fits, one byte more does not") {
    std::array<std::byte, 10> memory{};
    buffer data = bytes_from("0123456789ABCDEF");
    bytes message;
    for (std::size_t cut = 0; cut <= 10; ++cut) {
        on_span subject{span_buffer<std::byte>(memory)};
        CHECK(subject.add(piece(bytes(data).first(cut), true, false), message) == on_span::status::incomplete);
        CHECK(subject.add(piece(bytes(data).subspan(cut, 10 - cut), false, true), message) ==
              on_span::status::complete);
        CHECK(text_of(message) == "0123456789");

        // The next message begins with nothing of the one before, be that complete or not.
        CHECK(subject.add(piece(bytes(data).first(3), true, false), message) == on_span::status::incomplete);
        CHECK(subject.add(piece(bytes(data).first(cut), true, false), message) == on_span::status::incomplete);
        CHECK(subject.add(piece(bytes(data).subspan(cut, 11 - cut), false, true), message) == on_span::status::no_room);
    }
    on_heap heap{growing_buffer(10)};
    CHECK(heap.add(piece(bytes(data).first(11), true, false), message) == on_heap::status::no_room);
    on_heap none;
    CHECK(none.add(piece(bytes(data).first(1), true, false), message) == on_heap::status::no_room);
    CHECK(none.add(piece({}, true, false), message) == on_heap::status::incomplete);
    CHECK(none.add(piece({}, false, true), message) == on_heap::status::complete);
    CHECK(message.empty());
}

TEST_CASE("F9: of a message that did not fit nothing more is taken, and the next one is whole") {
    std::array<std::byte, 5> memory{};
    on_span subject{span_buffer<std::byte>(memory)};
    buffer data = bytes_from("abcdef");
    bytes message;
    CHECK(subject.add(piece(bytes(data).first(4), true, false), message) == on_span::status::incomplete);
    CHECK(subject.add(piece(bytes(data).last(2), false, false), message) == on_span::status::no_room);
    CHECK(subject.add(piece(bytes(data).first(1), false, false), message) == on_span::status::no_room);
    CHECK(subject.add(piece(bytes(data).first(1), false, true), message) == on_span::status::no_room);
    CHECK(message.empty());
    CHECK(subject.add(piece(bytes(data).first(2), true, false), message) == on_span::status::incomplete);
    CHECK(subject.add(piece(bytes(data).last(3), false, true), message) == on_span::status::complete);
    CHECK(text_of(message) == "abdef");
}

TEST_CASE("F9: many messages in pieces take memory once") {
    on_heap subject{growing_buffer(1 << 20)};
    buffer data(1000, std::byte{'x'});
    bytes message;
    std::size_t before = 0;
    for (int i = 0; i != 1000; ++i) {
        if (i == 1) before = allocations();
        for (int part = 0; part != 10; ++part) {
            const auto status = subject.add(piece(data, part == 0, part == 9), message);
            REQUIRE(status == (part == 9 ? on_heap::status::complete : on_heap::status::incomplete));
        }
        REQUIRE(message.size() == 10000);
    }
    CHECK(allocations() == before);
}

TEST_CASE("F9: memory is given back between messages, never within one") {
    on_heap subject{growing_buffer(100)};
    buffer data = bytes_from("abc");
    bytes message;
    CHECK(subject.add(piece(data, true, false), message) == on_heap::status::incomplete);
    subject.release();
    CHECK(subject.add(piece(data, false, true), message) == on_heap::status::complete);
    CHECK(text_of(message) == "abcabc");
    subject.release();
    CHECK(subject.memory().size() == 0);
    CHECK(subject.memory().limit() == 100);
    CHECK(subject.add(piece(data, true, false), message) == on_heap::status::incomplete);
    CHECK(subject.add(piece(data, false, true), message) == on_heap::status::complete);
    CHECK(text_of(message) == "abcabc");
}
