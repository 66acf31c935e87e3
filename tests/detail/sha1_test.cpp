#include <sockless/detail/sha1.hpp>

#include <doctest/doctest.h>

#include <string>

#include "../support/processor.hpp"
#include "../support/split.hpp"

using namespace sockless;
using namespace sockless::test;

namespace {

constexpr bool is(std::string_view text, std::string_view hex) {
    const auto digest = sockless::detail::sha1(text);
    for (std::size_t i = 0; i != digest.size(); ++i) {
        constexpr std::string_view digits = "0123456789abcdef";
        const auto octet = static_cast<unsigned>(digest[i]);
        if (hex[2 * i] != digits[octet >> 4] || hex[2 * i + 1] != digits[octet & 15]) return false;
    }
    return true;
}

// The examples of RFC 3174 section 7.3 and FIPS 180, and the text of RFC 6455 section 1.3.
static_assert(is("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"));
static_assert(is("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"));
static_assert(is("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                 "84983e441c3bd26ebaae4aa1f95129e5e54670f1"));
static_assert(is("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
                 "b37a4f2cc0624f1690f64606cf385945b2bec4ea"));

} // namespace

TEST_CASE("H9: SHA-1 of texts whose padding begins at each place of a block") {
    // The hash of the hashes (in hexadecimal) of `a` repeated 0 to 199 times, from another implementation.
    std::string all;
    for (std::size_t size = 0; size != 200; ++size) all += to_hex(sockless::detail::sha1(std::string(size, 'a')));
    CHECK(to_hex(sockless::detail::sha1(all)) == "cb062fe66512892ec8c722ee74ff9ac151cc4b61");
    CHECK(to_hex(sockless::detail::sha1(std::string(1'000'000, 'a'))) == "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

#if defined(TESTS_SSE2)
TEST_CASE("H9: SHA-1 with and without the instructions for it, at every alignment") {
    if (!sockless::detail::has_sha()) return;
    guarded_memory memory(64 + 4 * 64);
    for (std::size_t at = 0; at != 64; ++at) {
        for (std::size_t count = 0; count != 5; ++count) {
            const bytes all = memory.copy_of(buffer(at + 64 * count), true);
            for (std::size_t i = 0; i != all.size(); ++i) all[i] = static_cast<std::byte>(i * 7 + i / 13 + count);
            const char* const blocks = text_of(all).data() + at;
            auto expected = sockless::detail::sha1_begin;
            auto found = expected;
            sockless::detail::sha1_add_by_words(expected, blocks, count);
            sockless::detail::sha::add(found, blocks, count);
            REQUIRE(found == expected);
        }
    }
}

TEST_CASE("H9: SHA-1 on a processor without instructions for it") {
    const lesser_processor lesser(processor::sse2);
    REQUIRE_FALSE(sockless::detail::has_sha());
    CHECK(to_hex(sockless::detail::sha1("abc")) == "a9993e364706816aba3e25717850c26c9cd0d89d");
    CHECK(to_hex(sockless::detail::sha1(std::string(1'000'000, 'a'))) == "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}
#endif
