#include <sockless/ws/pong.hpp>

#include <doctest/doctest.h>

#include "../support/rfc6455_examples.hpp"
#include "../support/split.hpp"

using namespace sockless;
using namespace sockless::test;

namespace {

constexpr bool keeps_account() {
    ws::pongs pongs;
    if (pongs.owed() || !pongs.may_put(131)) return false;
    pongs.put(131, 1000);
    pongs.owe(true);
    return pongs.owed();
}
static_assert(keeps_account());
static_assert(sizeof(ws::pongs) <= 16);
static_assert(sizeof(ws::control_payload) <= 126);

} // namespace

TEST_CASE("F10: Pongs may wait until they take 4 KiB, and again once the last of them was sent") {
    ws::pongs pongs;
    std::uint64_t end = 100'000;
    int waiting = 0;
    for (; pongs.may_put(131); ++waiting) pongs.put(131, end += 131);
    CHECK(waiting == 4096 / 131);
    CHECK(pongs.may_put(4096 - static_cast<std::size_t>(waiting) * 131));

    pongs.sent(end - 1);
    CHECK_FALSE(pongs.may_put(131));
    pongs.sent(end);
    CHECK(pongs.may_put(4096));
    CHECK_FALSE(pongs.may_put(4097));
}

TEST_CASE("F10: the payload of a Ping is kept as a copy, of at most 125 bytes") {
    ws::control_payload kept;
    CHECK(kept.view().empty());
    buffer ping(125, std::byte{'p'});
    kept.assign(ping);
    ping.assign(125, std::byte{'q'});
    CHECK(text_of(kept.view()) == std::string(125, 'p'));
    kept.assign(buffer(100000, std::byte{'x'}));
    CHECK(text_of(kept.view()) == std::string(125, 'x'));
    kept.assign(examples::hello);
    CHECK(examples::equal(kept.view(), examples::hello));
    kept.assign({});
    CHECK(kept.view().empty());
}
