#include <sockless/ws/entropy.hpp>

#include <doctest/doctest.h>

#include <array>
#include <set>
#include <string>
#include <type_traits>
#include <utility>

#include "../support/split.hpp"

using namespace sockless;
using namespace sockless::test;
using ws::entropy;

// Nothing that cannot be a source is one.
template <class... From>
inline constexpr bool is_source = requires(From&&... from) {
    entropy(static_cast<From&&>(from)...);
};
using returns_nothing = void (*)(void*, bytes);
static_assert(is_source<entropy::seed> && is_source<entropy::function> && is_source<entropy::function, void*>);
static_assert(!is_source<std::nullptr_t> && !is_source<std::nullptr_t, void*> && !is_source<decltype(NULL)>);
static_assert(!is_source<int> && !is_source<bool> && !is_source<const char (&)[33]> && !is_source<std::string_view>);
static_assert(!is_source<std::byte (&)[16]> && !is_source<std::array<std::byte, 16>> && !is_source<bytes>);
static_assert(!is_source<returns_nothing> && !is_source<void*>);
template <class Entropy>
concept takes_zero = requires {
    Entropy(0);
}
|| requires { Entropy({}); }
|| requires { Entropy(0, nullptr); };
static_assert(!takes_zero<entropy>);
static_assert(!std::is_convertible_v<entropy::seed, entropy> && !std::is_convertible_v<entropy::function, entropy>);

// Two that give the same bytes cannot be made of one.
static_assert(!std::is_copy_constructible_v<entropy> && !std::is_copy_assignable_v<entropy>);
static_assert(std::is_nothrow_move_constructible_v<entropy> && std::is_nothrow_move_assignable_v<entropy>);

namespace {

// The ChaCha20 blocks of RFC 8439 section 2.3 with counter and nonce 0: for a key of 00, 01, …, and then for the keys
// that are the first half of the block before. The second halves are what is given out.
const char* const of_a_count = "2b23cce7a26023ab3f0eef693ac87f64258235eab1f7a32dc22762a0485b410c"
                               "2d41a59c90e41a8e7a4dccaa1c46069983b1a333ce25719ec3437768ab57fa42"
                               "5fd844af20c38ddcd79cb934b6ac59c970ec0eea9efc46491e2da0e663d74bb5";
const char* const of_a_one = "bbe2a0b6ea7566d2a5d1e7e20d42af2c53d792b1c43fea817e9ad275ae546963"
                             "e89479ce6f501bb04a4a1eac77441480da1f6a2344ebe808495e7dc9ae167d0b";

constexpr entropy::seed count() {
    entropy::seed out{};
    for (std::size_t i = 0; i != out.size(); ++i) out[i] = static_cast<std::byte>(i);
    return out;
}
constexpr entropy::seed one() {
    entropy::seed out{};
    out.back() = std::byte{1};
    return out;
}

// The next bytes; none if there is no source.
buffer next(entropy& source, std::size_t size) {
    buffer out(size, std::byte{0xEE});
    return source.fill(out) ? out : buffer{};
}

constexpr bool begins_as_known() {
    entropy source(count());
    std::array<std::byte, 4> out{};
    if (!source.fill(bytes(out).first(3)) || !source.fill(bytes(out).last(1))) return false;
    return out == std::array{std::byte{0x2B}, std::byte{0x23}, std::byte{0xCC}, std::byte{0xE7}};
}
static_assert(begins_as_known());

constexpr bool is_empty(entropy source) {
    std::array<std::byte, 4> out{};
    return !source.fill(out);
}

} // namespace

TEST_CASE("F5: the bytes are those of ChaCha20, with the key replaced after every block") {
    entropy of_count(count()), of_one(one());
    CHECK(to_hex(next(of_count, 96)) == of_a_count);
    CHECK(to_hex(next(of_one, 64)) == of_a_one);
}

TEST_CASE("F5: the bytes do not depend on how they are asked for") {
    for (std::size_t step = 1; step <= 96; ++step) {
        entropy source(count());
        buffer out(96, std::byte{0xEE});
        for (std::size_t i = 0; i < out.size(); i += step) {
            CHECK(source.fill({}));
            CHECK(source.fill(bytes(out).subspan(i, out.size() - i < step ? out.size() - i : step)));
        }
        CHECK(to_hex(out) == of_a_count);
    }
}

TEST_CASE("F5: what was moved goes on elsewhere, and nothing is left behind") {
    entropy source(count());
    CHECK(next(source, 33).size() == 33);
    entropy moved(std::move(source));
    CHECK(to_hex(next(moved, 31)) == std::string(of_a_count).substr(66, 62));
    CHECK(next(source, 4).empty()); // NOLINT: what is left is the point
    CHECK(next(source, 0).empty());

    entropy assigned(one());
    CHECK(next(assigned, 1).size() == 1);
    assigned = std::move(moved);
    CHECK(to_hex(next(assigned, 32)) == std::string(of_a_count).substr(128));
    CHECK(next(moved, 4).empty());
    entropy& same = assigned;
    assigned = std::move(same);
    CHECK(next(assigned, 4).size() == 4);
    source = entropy(count());
    CHECK(to_hex(next(source, 96)) == of_a_count);

    const std::string left = to_hex(bytes_of(static_cast<const void*>(&moved), sizeof moved));
    entropy other(count());
    const std::string held = to_hex(bytes_of(static_cast<const void*>(&other), sizeof other));
    CHECK((held.starts_with("00010203") || held.starts_with("03020100"))); // words, in the order of the machine
    CHECK(left.substr(0, 128) == std::string(128, '0'));
}

TEST_CASE("F5: a source that fails says so each time that it does") {
    bool works = false;
    entropy source(
        [](void* context, bytes out) {
            for (std::byte& octet : out) octet = std::byte{5};
            return *static_cast<bool*>(context);
        },
        &works);
    CHECK(next(source, 4).empty());
    works = true;
    CHECK(to_hex(next(source, 4)) == "05050505");
    works = false;
    CHECK(next(source, 4).empty());
}

TEST_CASE("F5: masking keys do not repeat, and hold no byte that stays as it is") {
    entropy source(count());
    std::set<std::array<std::byte, 4>> keys;
    std::size_t ones[32] = {};
    for (int i = 0; i != 20000; ++i) {
        std::array<std::byte, 4> key{};
        REQUIRE(source.fill(key));
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
}

TEST_CASE("F5: what was given out is not left in the generator") {
    entropy source(count());
    const buffer given = next(source, 16);
    REQUIRE(given.size() == 16);
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
    CHECK(to_hex(next(source, 4)) == "01010101");
    CHECK(to_hex(next(source, 16)) == "02020202020202020202020202020202");
    CHECK(seen.calls == 2);
    CHECK(seen.size == 20);
    entropy without_context([](void* context, bytes out) {
        for (std::byte& octet : out) octet = context == nullptr ? std::byte{7} : std::byte{8};
        return true;
    });
    CHECK(to_hex(next(without_context, 2)) == "0707");
}

TEST_CASE("F5: what has no source gives no bytes") {
    CHECK(is_empty(entropy()));
    CHECK(is_empty(entropy(entropy::seed{})));
    CHECK_FALSE(is_empty(entropy(one())));
    CHECK(is_empty(entropy(entropy::function{})));
    CHECK(is_empty(entropy(entropy::function{}, nullptr)));
}
