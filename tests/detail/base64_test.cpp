#include <sockless/detail/base64.hpp>

#include <doctest/doctest.h>

#include <string>

#include "../support/split.hpp"

using namespace sockless;
using namespace sockless::test;
using sockless::detail::encode_base64;
using sockless::detail::is_base64_of_16_bytes;

namespace {

template <std::size_t Size>
constexpr bool encodes(const char (&text)[Size], std::string_view expected) {
    std::array<std::byte, Size - 1> data{};
    for (std::size_t i = 0; i != data.size(); ++i) data[i] = static_cast<std::byte>(text[i]);
    const auto made = encode_base64(std::span<const std::byte, Size - 1>(data));
    return std::string_view(made.data(), made.size()) == expected;
}

// The examples of RFC 4648 section 10.
static_assert(encodes("f", "Zg=="));
static_assert(encodes("fo", "Zm8="));
static_assert(encodes("foo", "Zm9v"));
static_assert(encodes("foob", "Zm9vYg=="));
static_assert(encodes("fooba", "Zm9vYmE="));
static_assert(encodes("foobar", "Zm9vYmFy"));
static_assert(is_base64_of_16_bytes("dGhlIHNhbXBsZSBub25jZQ=="));

} // namespace

TEST_CASE("H6: every character of the alphabet, in its place") {
    // The 64 values of six bits, one behind the other, are the alphabet.
    std::array<std::byte, 48> data{};
    for (unsigned value = 0; value != 64; ++value) {
        for (unsigned bit = 0; bit != 6; ++bit) {
            const unsigned place = value * 6 + bit;
            if ((value >> (5 - bit) & 1U) != 0) data[place / 8] |= static_cast<std::byte>(0x80U >> place % 8);
        }
    }
    const auto text = encode_base64(std::span<const std::byte, 48>(data));
    CHECK(std::string(text.data(), text.size()) == "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
}

TEST_CASE("H6: a key is the base64 of exactly 16 bytes, with its padding") {
    const std::string good = "dGhlIHNhbXBsZSBub25jZQ==";
    CHECK(is_base64_of_16_bytes(good));
    CHECK(is_base64_of_16_bytes("++++++++++//////////ZZ=="));
    CHECK(!is_base64_of_16_bytes(""));
    CHECK(!is_base64_of_16_bytes(good.substr(0, 22)));
    CHECK(!is_base64_of_16_bytes(good.substr(0, 23)));
    CHECK(!is_base64_of_16_bytes(good + "="));
    CHECK(!is_base64_of_16_bytes("dGhlIHNhbXBsZSBub25jZWU=")); // 17 bytes
    CHECK(!is_base64_of_16_bytes("dGhlIHNhbXBsZSBub25jZWVl")); // 18 bytes
    for (std::size_t place = 0; place != good.size(); ++place) {
        for (const char bad : {'-', '_', '=', ' ', '.', '\0', '@', '[', '`', '{', ':'}) {
            std::string text = good;
            if (text[place] == bad) continue;
            text[place] = bad;
            CHECK_MESSAGE(!is_base64_of_16_bytes(text), text);
        }
    }
}
