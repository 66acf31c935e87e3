#include <sockless/ws/entropy.hpp>

#include <doctest/doctest.h>

#include <set>
#include <type_traits>
#include <utility>

#include "../support/split.hpp"

using namespace sockless;
using namespace sockless::test;
using ws::entropy;

namespace {

// The ChaCha20 block of RFC 8439 section 2.3 with counter and nonce 0: for a key of zeros the block that RFC 8439
// appendix A.1 shows, and then the blocks of the keys that are the first half of the block before. The second halves
// are what is given out.
const char* const of_zeros = "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586"
                             "afbdad2845b93cdbb2fe6463d2fe162adae0f6e676f0494218f5ce0596e79f5c"
                             "835c9677f558611a69389b6ee93b043029b657d23144c775f0d0454bce601267";
const char* const of_a_count = "2b23cce7a26023ab3f0eef693ac87f64258235eab1f7a32dc22762a0485b410c"
                               "2d41a59c90e41a8e7a4dccaa1c46069983b1a333ce25719ec3437768ab57fa42";

entropy::seed count() {
    entropy::seed out{};
    for (std::size_t i = 0; i != out.size(); ++i) out[i] = static_cast<std::byte>(i);
    return out;
}

template <std::size_t N>
constexpr std::array<std::byte, N> take(entropy& source) {
    std::array<std::byte, N> out{};
    if (!source.fill(out)) out.fill(std::byte{0xEE});
    return out;
}
template <std::size_t N>
constexpr std::array<std::byte, N> take(entropy&& source) {
    return take<N>(source);
}

constexpr bool begins_as_known() {
    entropy source(entropy::seed{});
    const auto one = take<3>(source);
    const auto two = take<1>(source);
    return one[0] == std::byte{0xDA} && one[1] == std::byte{0x41} && one[2] == std::byte{0x59} &&
           two[0] == std::byte{0x7C};
}
static_assert(begins_as_known());

} // namespace

TEST_CASE("F5: the bytes are those of ChaCha20, with the key replaced after every block") {
    CHECK(to_hex(take<96>(entropy(entropy::seed{}))) == of_zeros);
    CHECK(to_hex(take<64>(entropy(count()))) == of_a_count);
}

TEST_CASE("F5: the bytes do not depend on how they are asked for") {
    for (std::size_t step = 1; step <= 96; ++step) {
        entropy source(entropy::seed{});
        buffer out(96, std::byte{0xEE});
        for (std::size_t i = 0; i < out.size(); i += step) {
            CHECK(source.fill({}));
            CHECK(source.fill(bytes(out).subspan(i, out.size() - i < step ? out.size() - i : step)));
        }
        CHECK(to_hex(out) == of_zeros);
    }
}

TEST_CASE("F5: masking keys do not repeat, and hold no byte that stays as it is") {
    entropy source(count());
    std::set<std::array<std::byte, 4>> keys;
    std::size_t ones[32] = {};
    for (int i = 0; i != 20000; ++i) {
        const auto key = take<4>(source);
        keys.insert(key);
        for (std::size_t bit = 0; bit != 32; ++bit) {
            ones[bit] += static_cast<unsigned>(key[bit / 8]) >> bit % 8 & 1U;
        }
    }
    CHECK(keys.size() >= 19990);
    for (const std::size_t each : ones) {
        CHECK(each > 9500);
        CHECK(each < 10500);
    }
    CHECK(take<16>(entropy(entropy::seed{})) != take<16>(entropy(count())));
}

TEST_CASE("F5: what was given out is not left in the generator") {
    entropy source(count());
    const auto given = take<16>(source);
    const cbytes inside = bytes_of(static_cast<const void*>(&source), sizeof source);
    const std::string held = to_hex(inside);
    for (std::size_t i = 0; i + 4 <= given.size(); i += 4) {
        CHECK(held.find(to_hex(cbytes(given).subspan(i, 4))) == std::string::npos);
    }
    CHECK(held.find(to_hex(count())) == std::string::npos);
}

TEST_CASE("F5: a function of the caller's is asked instead, each time") {
    struct asked {
        int calls = 0;
        std::size_t size = 0;
    } seen;
    entropy source(
        [](void* context, bytes out) {
            auto& to = *static_cast<asked*>(context);
            ++to.calls;
            to.size += out.size();
            for (std::byte& octet : out) octet = static_cast<std::byte>(to.calls);
            return true;
        },
        &seen);
    CHECK(to_hex(take<4>(source)) == "01010101");
    CHECK(to_hex(take<16>(source)) == "02020202020202020202020202020202");
    CHECK(seen.calls == 2);
    CHECK(seen.size == 20);
    entropy without_context([](void* context, bytes out) {
        for (std::byte& octet : out) octet = context == nullptr ? std::byte{7} : std::byte{8};
        return true;
    });
    CHECK(to_hex(take<2>(without_context)) == "0707");
}

TEST_CASE("F5: no source gives no bytes, and does not compile if it is known to be none") {
    static_assert(!std::is_constructible_v<entropy, std::nullptr_t>);
    static_assert(!std::is_constructible_v<entropy, std::nullptr_t, void*>);
    static_assert(!std::is_default_constructible_v<entropy>);
    entropy none{entropy::function()};
    CHECK_FALSE(none.works());
    std::array<std::byte, 4> out{};
    CHECK_FALSE(none.fill(out));
}

TEST_CASE("F5: two connections never get the same bytes: entropy moves, and what it was moved from gives none") {
    static_assert(!std::is_copy_constructible_v<entropy> && !std::is_copy_assignable_v<entropy>);
    entropy source(count());
    const auto first = take<3>(source);
    entropy moved(std::move(source));
    CHECK(to_hex(first) + to_hex(take<61>(moved)) == of_a_count);
    std::array<std::byte, 4> out{};
    CHECK_FALSE(source.works());
    CHECK_FALSE(source.fill(out));
    source = std::move(moved);
    CHECK(source.fill(out));
    CHECK_FALSE(moved.fill(out));
    entropy& same = source;
    source = std::move(same);
    CHECK(source.fill(out));
}

TEST_CASE("F5: a source that has failed is not asked again") {
    int calls = 0;
    entropy source(
        [](void* context, bytes) {
            auto& count = *static_cast<int*>(context);
            return ++count != 2;
        },
        &calls);
    std::array<std::byte, 4> out{};
    CHECK(source.fill(out));
    CHECK_FALSE(source.fill(out));
    CHECK_FALSE(source.works());
    CHECK_FALSE(source.fill(out));
    CHECK(calls == 2);
}
