#include <sockless/ws/mask.hpp>

#include <doctest/doctest.h>

#include "../support/rfc6455_examples.hpp"
#include "../support/split.hpp"

using namespace sockless;
using namespace sockless::test;

namespace {

// RFC 6455 section 5.7: a masked "Hello", and unmasked again.
constexpr bool masks_hello() {
    auto data = examples::hello;
    ws::mask(data, examples::key);
    if (!examples::equal(data, cbytes(examples::masked_text).subspan(6))) return false;
    ws::mask(bytes(data).first(2), examples::key, 0);
    ws::mask(bytes(data).subspan(2), examples::key, 2);
    if (!examples::equal(data, examples::hello)) return false;
    std::array<std::byte, 5> copied{};
    ws::mask_copy(copied, data, examples::key);
    return examples::equal(copied, cbytes(examples::masked_text).subspan(6)) && examples::equal(data, examples::hello);
}
static_assert(masks_hello());
static_assert(!sockless::detail::any_high_bit(examples::hello) && sockless::detail::any_high_bit(examples::key));
static_assert(!sockless::detail::any_high_bit({}));

constexpr std::array<std::byte, 4> key = {std::byte{0xA5}, std::byte{0x3C}, std::byte{0x81}, std::byte{0x7E}};

buffer numbers(std::size_t size) {
    buffer out(size);
    for (std::size_t i = 0; i != size; ++i) out[i] = static_cast<std::byte>(i * 7 + i / 13);
    return out;
}

} // namespace

TEST_CASE("F5 F12: a payload masked in three pieces is the payload masked at once") {
    const buffer data = numbers(70);
    buffer whole = data;
    ws::mask(whole, key);
    for (std::size_t a = 0; a <= data.size(); ++a) {
        for (std::size_t b = a; b <= data.size(); ++b) {
            buffer pieces = data;
            ws::mask(bytes(pieces).first(a), key);
            ws::mask(bytes(pieces).subspan(a, b - a), key, a);
            ws::mask_copy(bytes(pieces).subspan(b), cbytes(data).subspan(b), key, b);
            REQUIRE(pieces == whole);
        }
    }
    buffer far = data;
    ws::mask(far, key, (std::uint64_t{1} << 62) + 3);
    buffer near = data;
    ws::mask(near, key, 3);
    CHECK(far == near);
    ws::mask({}, key);
    ws::mask_copy(far, {}, key);
    CHECK(far == near);
}
