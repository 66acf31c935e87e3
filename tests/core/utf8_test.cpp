#include <sockless/utf8.hpp>

#include <doctest/doctest.h>

#include <random>

#include "../support/rfc6455_examples.hpp"
#include "../support/split.hpp"

using namespace sockless;
using namespace sockless::test;
using sockless::utf8_validator;

namespace {

constexpr bool valid(std::initializer_list<int> values) {
    std::byte out[16] = {};
    std::size_t size = 0;
    for (const int value : values) out[size++] = static_cast<std::byte>(value);
    return sockless::is_utf8(cbytes(out, size));
}
static_assert(valid({}) && valid({0}) && valid({'a', 0x7F}) && valid({0xC2, 0x80}) && valid({0xDF, 0xBF}));
static_assert(valid({0xE0, 0xA0, 0x80}) && valid({0xED, 0x9F, 0xBF}) && valid({0xEE, 0x80, 0x80}));
static_assert(valid({0xF0, 0x90, 0x80, 0x80}) && valid({0xF4, 0x8F, 0xBF, 0xBF}));
static_assert(!valid({0x80}) && !valid({0xC1, 0xBF}) && !valid({0xE0, 0x9F, 0xBF}) && !valid({0xED, 0xA0, 0x80}));
static_assert(!valid({0xF0, 0x8F, 0xBF, 0xBF}) && !valid({0xF4, 0x90, 0x80, 0x80}) && !valid({0xFF}));
static_assert(!valid({0xC2}) && !valid({0xE2, 0x82}) && !valid({0xF0, 0x9F, 0x98}));

// Writes a number in the given form, whether it may stand or not.
buffer encoded(std::uint32_t number, unsigned size) {
    if (size == 1) return octets({static_cast<int>(number)});
    buffer out(size);
    for (unsigned i = size; i-- != 1; number >>= 6) out[i] = static_cast<std::byte>(0x80 | (number & 0x3F));
    out[0] = static_cast<std::byte>((0xFF00U >> size & 0xFFU) | number);
    return out;
}

unsigned size_of(std::uint32_t point) { return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4; }

bool is_scalar(std::uint32_t point) { return point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF); }

// By another way than the one under test: which code points can a beginning of a character still become?
struct naive_result {
    std::size_t stands = 0;
    bool complete = true;
};

naive_result naive(cbytes text) {
    std::size_t i = 0;
    while (i != text.size()) {
        const auto lead = static_cast<unsigned>(text[i]);
        const unsigned size = lead < 0x80   ? 1
                              : lead < 0xC0 ? 0
                              : lead < 0xE0 ? 2
                              : lead < 0xF0 ? 3
                              : lead < 0xF8 ? 4
                                            : 0;
        if (size == 0) return {i, false};
        std::uint32_t low = size == 1 ? lead : lead & (0x7FU >> size);
        std::uint32_t high = low;
        for (unsigned more = 1; more < size; ++more) high = high << 6 | 0x3F;
        low <<= 6 * (size - 1);
        for (unsigned have = 1;; ++have) {
            const std::uint32_t least = size == 1 ? 0 : size == 2 ? 0x80 : size == 3 ? 0x800 : 0x10000;
            const std::uint32_t from = low < least ? least : low;
            const std::uint32_t to = high > 0x10FFFF ? 0x10FFFF : high;
            const bool only_surrogates = from >= 0xD800 && to <= 0xDFFF;
            if (from > to || only_surrogates) return {i + have - 1, false};
            if (have == size) break;
            if (i + have == text.size()) return {text.size(), false};
            const auto octet = static_cast<unsigned>(text[i + have]);
            if (octet < 0x80 || octet > 0xBF) return {i + have, false};
            const unsigned below = 6 * (size - 1 - have);
            low |= (octet & 0x3F) << below;
            high = (high & ~(0x3FU << below)) | (octet & 0x3F) << below;
        }
        i += size;
    }
    return {i, true};
}

bool agrees(cbytes text) {
    const naive_result expected = naive(text);
    utf8_validator validator;
    return validator.feed(text) == expected.stands && validator.complete() == expected.complete &&
           sockless::is_utf8(text) == expected.complete;
}

} // namespace

TEST_CASE("F8: every code point, whole and cut short, and no surrogate") {
    bool right = true;
    std::uint32_t last = 0;
    for (std::uint32_t point = 0; point <= 0x10FFFF && right; ++point) {
        const buffer text = encoded(point, size_of(point));
        if (!is_scalar(point)) {
            utf8_validator validator;
            right = validator.feed(text) == 1 && !sockless::is_utf8(text);
            continue;
        }
        right = sockless::is_utf8(text);
        for (std::size_t size = 1; size < text.size(); ++size) {
            utf8_validator validator;
            right = right && validator.feed(cbytes(text).first(size)) == size && !validator.complete();
            right = right && validator.feed(cbytes(text).subspan(size)) == text.size() - size && validator.complete();
        }
        last = point;
    }
    INFO("behind ", last);
    CHECK(right);
}

TEST_CASE("F8: every overlong form, and everything above U+10FFFF, fails at its first impossible byte") {
    bool right = true;
    const auto fails_at = [&](const buffer& text, std::size_t expected) {
        utf8_validator validator;
        right = right && validator.feed(text) == expected && !validator.complete();
    };
    for (std::uint32_t point = 0; point != 0x80; ++point) fails_at(encoded(point, 2), 0);
    for (std::uint32_t point = 0; point != 0x800; ++point) fails_at(encoded(point, 3), 1);
    for (std::uint32_t point = 0; point != 0x10000; ++point) fails_at(encoded(point, 4), 1);
    CHECK(right);
    for (std::uint32_t point = 0x110000; point != 0x200000; ++point)
        fails_at(encoded(point, 4), point < 0x140000 ? 1 : 0);
    CHECK(right);
    for (std::uint32_t point = 0x200000; point < 0x4000000; point += 0x1001) fails_at(encoded(point, 5), 0);
    for (std::uint32_t point = 0x4000000; point < 0x80000000; point += 0x100001) fails_at(encoded(point, 6), 0);
    for (const int octet : {0xFE, 0xFF}) fails_at(octets({octet, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80}), 0);
    CHECK(right);
}

TEST_CASE("F8: every two bytes, every three that begin with E, and four that begin with F, against a naive reader") {
    bool right = true;
    std::byte text[4] = {};
    for (unsigned pair = 0; pair != 65536; ++pair) {
        text[0] = static_cast<std::byte>(pair >> 8U);
        text[1] = static_cast<std::byte>(pair);
        right = right && agrees(cbytes(text, 2));
    }
    CHECK(right);
    for (unsigned rest = 0; rest != 0x100000; ++rest) {
        text[0] = static_cast<std::byte>(0xE0 | rest >> 16U);
        text[1] = static_cast<std::byte>(rest >> 8U);
        text[2] = static_cast<std::byte>(rest);
        right = right && agrees(cbytes(text, 3));
    }
    CHECK(right);
    const unsigned telling[] = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xFF};
    for (unsigned lead = 0xF0; lead != 0x100; ++lead) {
        for (unsigned second = 0; second != 256; ++second) {
            for (const unsigned third : telling) {
                for (const unsigned fourth : telling) {
                    text[0] = static_cast<std::byte>(lead);
                    text[1] = static_cast<std::byte>(second);
                    text[2] = static_cast<std::byte>(third);
                    text[3] = static_cast<std::byte>(fourth);
                    right = right && agrees(text);
                }
            }
        }
    }
    CHECK(right);
}

TEST_CASE("F8 F12: random text, whole or damaged, at every cut, against a naive reader") {
    std::mt19937 random(7);
    guarded_memory memory(512);
    for (int round = 0; round != 2000; ++round) {
        buffer text;
        const std::size_t wanted = random() % 180;
        const std::size_t mixture = random() % 4;
        while (text.size() < wanted) {
            const std::uint32_t limits[] = {0x80, 0x800, 0x10000, 0x110000};
            const std::uint32_t limit = limits[random() % 8 < 5 ? mixture : random() % 4];
            const auto point = static_cast<std::uint32_t>(random() % limit);
            if (!is_scalar(point)) continue;
            const buffer next = encoded(point, size_of(point));
            text.insert(text.end(), next.begin(), next.end());
        }
        if (!text.empty() && random() % 2 == 0) text[random() % text.size()] = static_cast<std::byte>(random());
        if (!text.empty() && random() % 4 == 0) text.resize(random() % text.size());

        const naive_result expected = naive(text);
        REQUIRE(agrees(memory.copy_of(text, round % 2 == 0)));
        for (std::size_t cut = 0; cut <= text.size(); ++cut) {
            utf8_validator validator;
            std::size_t stands = validator.feed(memory.copy_of(cbytes(text).first(cut), true));
            if (stands == cut) stands += validator.feed(memory.copy_of(cbytes(text).subspan(cut), false));
            REQUIRE(stands == expected.stands);
            REQUIRE(validator.complete() == expected.complete);
        }
    }
}

TEST_CASE("F8: one bad byte at every place of a long text") {
    for (const char* const good : {"a", "é", "가", "😀"}) {
        buffer text;
        while (text.size() < 200) {
            const buffer next = bytes_from(good);
            text.insert(text.end(), next.begin(), next.end());
        }
        for (std::size_t at = 0; at != text.size(); ++at) {
            const std::byte was = text[at];
            for (const int bad : {0xFF, 0x80, 0x41, 0xC3}) {
                text[at] = static_cast<std::byte>(bad);
                REQUIRE(agrees(text));
            }
            text[at] = was;
        }
    }
}

TEST_CASE("F8: what has failed stays failed until it is reset") {
    utf8_validator validator;
    CHECK(validator.complete());
    CHECK(validator.feed(octets({'a', 0xFF, 'b'})) == 1);
    CHECK(!validator.complete());
    CHECK(validator.feed(bytes_from("plain")) == 0);
    CHECK(validator.feed({}) == 0);
    CHECK(!validator.complete());
    validator.reset();
    CHECK(validator.complete());
    CHECK(validator.feed(octets({0xE2, 0x82})) == 2);
    CHECK(!validator.complete());
    CHECK(validator.feed({}) == 0);
    CHECK(validator.feed(octets({0xAC})) == 1);
    CHECK(validator.complete());
}
