#include <sockless/ws/pong.hpp>

#include <doctest/doctest.h>
#include <sockless/ws/decoder.hpp>

#include "../support/allocations.hpp"
#include "../support/rfc6455_examples.hpp"
#include "../support/split.hpp"

using namespace sockless;
using namespace sockless::test;
using ws::pending_pong;

namespace {

constexpr bool answers() {
    pending_pong pong;
    if (pong.owed()) return false;
    pong.owe(examples::hello);
    if (!pong.owed() || !examples::equal(pong.payload(), examples::hello)) return false;
    pong.settle();
    return !pong.owed();
}
static_assert(answers());
static_assert(sizeof(pending_pong) <= 128);

} // namespace

TEST_CASE("F10: the latest Ping is answered, with its own payload") {
    pending_pong pong;
    pong.owe(bytes_from("one"));
    pong.owe(bytes_from("a longer second"));
    CHECK(text_of(pong.payload()) == "a longer second");
    pong.owe(bytes_from("3"));
    CHECK(pong.owed());
    CHECK(text_of(pong.payload()) == "3");
    pong.settle();
    CHECK(!pong.owed());
    pong.owe({});
    CHECK(pong.owed());
    CHECK(pong.payload().empty());
}

TEST_CASE("F10: the payload is a copy, of at most 125 bytes") {
    pending_pong pong;
    buffer ping(125, std::byte{'p'});
    pong.owe(ping);
    ping.assign(125, std::byte{'q'});
    CHECK(text_of(pong.payload()) == std::string(125, 'p'));
    pong.owe(buffer(100000, std::byte{'x'}));
    CHECK(text_of(pong.payload()) == std::string(125, 'x'));
}

TEST_CASE("F9 F10: a flood of Pings costs one Pong, 125 bytes and no memory") {
    buffer flood;
    for (int i = 0; i != 10000; ++i) {
        const buffer ping = octets({0x89, 4, i >> 8 & 255, i & 255, 1, 2});
        flood.insert(flood.end(), ping.begin(), ping.end());
    }
    ws::decoder decoder(role::client);
    pending_pong pong;
    int pings = 0;
    const std::size_t before = allocations();
    bytes in(flood);
    while (const ws::decoder::event event = decoder.next(in)) {
        if (event.kind == ws::decoder::kind::ping) {
            pong.owe(event.payload);
            ++pings;
        }
    }
    CHECK(allocations() == before);
    CHECK(pings == 10000);
    CHECK(pong.owed());
    CHECK(to_hex(pong.payload()) == to_hex(octets({9999 >> 8, 9999 & 255, 1, 2})));
}
