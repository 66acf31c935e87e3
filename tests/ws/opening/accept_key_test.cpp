// The key of a request and the answer to it.
// SPDX-License-Identifier: MIT
#include <sockless/ws/opening/accept_key.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>

using namespace sockless;

namespace {

// --- the examples of RFC 6455 sections 1.3 and 4.2.2

constexpr std::string_view rfc_key = "dGhlIHNhbXBsZSBub25jZQ==";

constexpr bool is_rfc_accept() {
    const auto accept = ws::accept_key(rfc_key);
    return std::string_view(accept.data(), accept.size()) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
}
static_assert(is_rfc_accept());

constexpr bool is_rfc_key() {
    std::array<std::byte, 16> nonce{};
    for (std::size_t i = 0; i != nonce.size(); ++i) nonce[i] = static_cast<std::byte>("the sample nonce"[i]);
    const auto key = ws::encode_key(nonce);
    return std::string_view(key.data(), key.size()) == rfc_key;
}
static_assert(is_rfc_key());

} // namespace

TEST_CASE("H9: the accept key of other keys, from another implementation") {
    const auto accept = [](std::string_view key) {
        const auto made = ws::accept_key(key);
        return std::string(made.data(), made.size());
    };
    CHECK(accept("x3JJHMbDL1EzLkh9GBhXDw==") == "HSmrc0sMlYUkAGmm5OPpG2HaGWk=");
    CHECK(accept("AAAAAAAAAAAAAAAAAAAAAA==") == "ICX+Yqv66kxgM0FcWaLWlFLwTAI=");
    CHECK(accept("/////////////////////w==") == "XXpj4jYzLM2yUE0C7TIgMwTQh2g=");
}

TEST_CASE("H15: keys are the base64 of what the caller gives") {
    std::array<std::byte, 16> nonce{};
    const auto key = [&] {
        const auto made = ws::encode_key(nonce);
        return std::string(made.data(), made.size());
    };
    CHECK(key() == "AAAAAAAAAAAAAAAAAAAAAA==");
    nonce.fill(std::byte{0xff});
    CHECK(key() == "/////////////////////w==");
    for (int i = 0; i != 16; ++i) nonce[static_cast<std::size_t>(i)] = static_cast<std::byte>(i + 1);
    CHECK(key() == "AQIDBAUGBwgJCgsMDQ4PEA=="); // RFC 6455 section 4.1
}
