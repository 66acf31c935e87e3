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

constexpr bool hashes_any_key_in_constant_evaluation() {
    const auto accept = ws::accept_key("a key of more than sixty-four characters, so that it is more than one block");
    return accept.back() == '=' && accept != ws::accept_key("");
}
static_assert(hashes_any_key_in_constant_evaluation());

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

TEST_CASE("H6: the accept key of a key of any size, from another implementation") {
    const auto accept = [](const std::string& key) {
        const auto found = ws::accept_key(key);
        return std::string(found.data(), found.size());
    };
    CHECK(accept("AAECAwQFBgc=") == "oREkqT/GYt5w/5rL7lgOpYK+HZ4=");
    CHECK(accept("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=") == "mq4AI5vGpy1jRFbeqFuSeE5y7W0=");
    CHECK(accept("0f8a7c52-1d3e-4b6f-9a10-c2d4e6f80123") == "0YgsgRKGBsW42FcF7v8dLLgGQHQ=");
    CHECK(accept("dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==") == "motd92hNo/XZm4ZNfS/a+cB0Id4=");
    CHECK(accept("") == "Kfh9QIsMVZcl6xEPYxPHzW8SZ8w=");
    CHECK(accept("a") == "FtgH8qqfEKHvZKEZYEWkYDhlXNY=");
    // Around the ends of the blocks of SHA-1.
    CHECK(accept(std::string(27, 'k')) == "qUNe7W8rvas6tQS5F4QBTf/JpvE=");
    CHECK(accept(std::string(28, 'k')) == "x9bmfLYIxLMaaT5h0sFuRlAhhb8=");
    CHECK(accept(std::string(63, 'k')) == "+YEa9t+xlh2r1/phVksN4QALRuU=");
    CHECK(accept(std::string(64, 'k')) == "d3g+v0T8vq/Wjewzan1FGbXRhkk=");
    CHECK(accept(std::string(65, 'k')) == "aOKJdH29/ITREEtmNaixnLrP3tI=");
    CHECK(accept(std::string(91, 'k')) == "Mxd/SwBPfhz1zQHW7M6srlOA0TM=");
    CHECK(accept(std::string(92, 'k')) == "LY9EluoxzTck+ySKVLqXrQNaqCc=");
    CHECK(accept(std::string(100, 'k')) == "rWzVOVhJgr+k5nChyKqRW0+OIwk=");
    CHECK(accept(std::string(8000, 'k')) == "cGmopETqU/DzSIOwINPTdkRWlrI=");
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
