#include <sockless/ws/mask.hpp>

#include <doctest/doctest.h>

#include <algorithm>

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
constexpr std::uint32_t key_word = std::bit_cast<std::uint32_t>(key);

// For any size, and for those that a backend is made for.
struct any_size {
    static constexpr std::size_t least = 0;
    static bool mask(std::byte* to, const std::byte* from, std::size_t size, std::uint32_t with) {
        return sockless::detail::mask_bytes(to, from, size, with);
    }
    static bool any_high_bit(cbytes data) { return sockless::detail::any_high_bit(data); }
};
template <class Backend>
struct blocks {
    static constexpr std::size_t least = Backend::size;
    static bool mask(std::byte* to, const std::byte* from, std::size_t size, std::uint32_t with) {
        return sockless::detail::mask_blocks<Backend>(to, from, size, with);
    }
    static bool any_high_bit(cbytes data) {
        return sockless::detail::any_high_bit_blocks<Backend>(data.data(), data.size());
    }
};

constexpr std::size_t longest = 300, alignments = 32;

buffer numbers(std::size_t size) {
    buffer out(size);
    for (std::size_t i = 0; i != size; ++i) out[i] = static_cast<std::byte>(i * 7 + i / 13);
    return out;
}

template <class Subject>
void compare_with_bytes(std::uint64_t phase) {
    const std::uint32_t turned = sockless::detail::rotated(key_word, phase);
    const buffer data = numbers(longest);
    buffer expected = data;
    for (std::size_t i = 0; i != longest; ++i) expected[i] ^= key[(i + phase) % 4];
    guarded_memory memory(longest + alignments);
    guarded_memory target(longest + alignments);
    const std::byte canary{0xEE};

    for (std::size_t size = Subject::least; size <= longest; ++size) {
        const cbytes wanted = cbytes(expected).first(size);
        const bool high = std::any_of(wanted.begin(), wanted.end(), [](std::byte b) { return b >= std::byte{0x80}; });

        // Against the unreadable pages, in place.
        for (const bool at_the_end : {false, true}) {
            const bytes here = memory.copy_of(cbytes(data).first(size), at_the_end);
            REQUIRE(Subject::mask(here.data(), here.data(), size, turned) == high);
            REQUIRE(examples::equal(here, wanted));
        }
        // At every alignment, in place and copied to every fourth alignment, with bytes around that stay as they are.
        for (std::size_t at = 0; at != alignments; ++at) {
            const bytes all = memory.copy_of(buffer(longest + alignments, canary), false);
            const bytes here = all.subspan(at, size);
            std::copy_n(data.begin(), size, here.begin());
            for (std::size_t to = at % 4; to < alignments; to += 4) {
                const bytes there_all = target.copy_of(buffer(size + alignments, canary), true);
                const bytes there = there_all.subspan(to, size);
                REQUIRE(Subject::mask(there.data(), here.data(), size, turned) == high);
                REQUIRE(examples::equal(there, wanted));
                REQUIRE(std::count(there_all.begin(), there_all.begin() + static_cast<std::ptrdiff_t>(to), canary) ==
                        static_cast<std::ptrdiff_t>(to));
                REQUIRE(std::count(there_all.begin() + static_cast<std::ptrdiff_t>(to + size), there_all.end(),
                                   canary) == static_cast<std::ptrdiff_t>(alignments - to));
            }
            REQUIRE(examples::equal(here, cbytes(data).first(size)));
            REQUIRE(Subject::mask(here.data(), here.data(), size, turned) == high);
            REQUIRE(examples::equal(here, wanted));
            REQUIRE(std::count(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(at), canary) ==
                    static_cast<std::ptrdiff_t>(at));
            REQUIRE(std::count(all.begin() + static_cast<std::ptrdiff_t>(at + size), all.end(), canary) ==
                    static_cast<std::ptrdiff_t>(all.size() - at - size));
        }
    }
}

// One byte with its high bit set, at each place, and none.
template <class Subject>
void find_high_bits() {
    guarded_memory memory(longest);
    for (std::size_t size = Subject::least; size <= longest; ++size) {
        buffer plain(size, std::byte{0x7F});
        for (const bool at_the_end : {false, true}) {
            const bytes here = memory.copy_of(plain, at_the_end);
            REQUIRE(!Subject::any_high_bit(here));
            REQUIRE(!Subject::mask(here.data(), here.data(), size, 0));
            for (std::size_t at = 0; at != size; ++at) {
                here[at] = std::byte{0x80};
                REQUIRE(Subject::any_high_bit(here));
                REQUIRE(Subject::mask(here.data(), here.data(), size, 0));
                here[at] = std::byte{0x7F};
            }
        }
    }
}

template <class Subject>
void test_all() {
    for (std::uint64_t phase = 0; phase != 4; ++phase) compare_with_bytes<Subject>(phase);
    find_high_bits<Subject>();
}

} // namespace

TEST_CASE("F5 F8: masking, and the test for ASCII, by words") { test_all<blocks<sockless::detail::words>>(); }
#if defined(__SSE2__)
TEST_CASE("F5 F8: masking, and the test for ASCII, by SSE2") { test_all<blocks<sockless::detail::sse2>>(); }
#endif
TEST_CASE("F5 F8: masking, and the test for ASCII, of any size") { test_all<any_size>(); }

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
