#include <sockless/detail/simd/backends.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string_view>

#include <sockless/detail/octets.hpp>
#include <sockless/detail/simd/characters.hpp>
#include <sockless/detail/simd/dispatch.hpp>
#include <sockless/utf8.hpp>

#include "../../support/processor.hpp"
#include "../../support/rfc6455_examples.hpp"
#include "../../support/split.hpp"

// Every backend that this processor has, against loops over single bytes. Of AVX-512, which few processors have, there
// is a model besides: the same algorithms on vectors of the same size, with each instruction as a loop over bytes. So
// the algorithms are tested on every machine, and the instructions are compared with the model wherever there are any.

#pragma GCC diagnostic ignored "-Wpsabi" // without AVX-512 vectors of 64 bytes are passed in memory

namespace sockless::detail::modelled {

using vector = unsigned char __attribute__((vector_size(64)));

inline vector splat(std::uint32_t key) noexcept {
    vector all{};
    for (std::size_t i = 0; i != sizeof all; i += sizeof key) std::memcpy(reinterpret_cast<char*>(&all) + i, &key, 4);
    return all;
}
inline bool any_high_bit(vector octets) noexcept {
    bool any = false;
    for (std::size_t i = 0; i != sizeof octets; ++i) any = any || octets[i] >= 0x80;
    return any;
}

#define SOCKLESS_TARGET
#include "../../../include/sockless/detail/simd/kernels_octets.inc"

// Looks up in the table of the same sixteen bytes. An index of 0x80 or more gives 0.
inline vector lookup(const nibble_table& table, vector nibbles) noexcept {
    const vector tables = load(table.bytes);
    vector found{};
    for (std::size_t i = 0; i != sizeof found; ++i) {
        found[i] = nibbles[i] < 0x80 ? tables[i / 16 * 16 + nibbles[i] % 16] : static_cast<unsigned char>(0);
    }
    return found;
}
inline std::uint64_t zeros(vector octets) noexcept {
    std::uint64_t found = 0;
    for (std::size_t i = 0; i != sizeof octets; ++i) found |= std::uint64_t{octets[i] == 0} << i;
    return found;
}

#include "../../../include/sockless/detail/simd/kernels_characters.inc"
#include "../../../include/sockless/detail/simd/kernels_utf8.inc"
#undef SOCKLESS_TARGET

} // namespace sockless::detail::modelled

using namespace sockless;
using namespace sockless::test;
namespace kernels = sockless::detail;

namespace {

bool everywhere() { return true; }

// --- masking, and the test for ASCII

using mask_kernel = bool (*)(std::byte*, const std::byte*, std::size_t, std::uint32_t) noexcept;
using ascii_kernel = bool (*)(const std::byte*, std::size_t) noexcept;

template <mask_kernel Mask, ascii_kernel NotAscii, class Vector>
struct octets_backend {
    static constexpr std::size_t least = sizeof(Vector);
    static bool mask(std::byte* to, const std::byte* from, std::size_t size, std::uint32_t key) {
        return Mask(to, from, size, key);
    }
    static bool any_high_bit(cbytes data) { return NotAscii(data.data(), data.size()); }
};

// The functions that choose among the backends.
struct any_size {
    static constexpr std::size_t least = 0;
    static bool mask(std::byte* to, const std::byte* from, std::size_t size, std::uint32_t key) {
        return kernels::mask_bytes(to, from, size, key);
    }
    static bool any_high_bit(cbytes data) { return kernels::any_high_bit(data); }
};

constexpr std::array<std::byte, 4> key = {std::byte{0xA5}, std::byte{0x3C}, std::byte{0x81}, std::byte{0x7E}};
constexpr std::uint32_t key_word = std::bit_cast<std::uint32_t>(key);

constexpr std::size_t longest = 300, alignments = 64;

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
        // At every alignment, in place and copied to every sixteenth, with bytes around that stay as they are.
        for (std::size_t at = 0; at != alignments; ++at) {
            const bytes all = memory.copy_of(buffer(longest + alignments, canary), false);
            const bytes here = all.subspan(at, size);
            std::copy_n(data.begin(), size, here.begin());
            for (std::size_t to = at % 16; to < alignments; to += 16) {
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

template <mask_kernel MaskFew, mask_kernel MaskMany, ascii_kernel NotAsciiFew, ascii_kernel NotAsciiMany, class Vector>
void test_octets(bool (*is_here)()) {
    if (!is_here()) return;
    test_all<octets_backend<MaskFew, NotAsciiFew, Vector>>();
    test_all<octets_backend<MaskMany, NotAsciiMany, Vector>>();
}

// --- UTF-8

using utf8_kernel = std::size_t (*)(const std::byte*, std::size_t) noexcept;

// How many bytes of a text may stand, one by one.
std::size_t bytewise(cbytes text) {
    sockless::utf8_validator validator;
    std::size_t i = 0;
    while (i != text.size() && validator.feed(text.subspan(i, 1)) == 1) ++i;
    return i;
}

// Characters of all sizes in random order, `size` bytes or a few more.
buffer some_text(std::size_t size, std::uint32_t seed) {
    std::mt19937 random(seed);
    buffer text;
    while (text.size() < size) {
        static constexpr std::string_view characters[] = {
            "a", "~", "\xC3\xA9", "\xED\x95\x9C", "\xEF\xBF\xBD", "\xF0\x9F\x98\x80"};
        for (const char c : characters[random() % std::size(characters)]) text.push_back(static_cast<std::byte>(c));
    }
    return text;
}

// A kernel says how many bytes are valid, to within a group of vectors. It does not judge the first three bytes, nor
// the last valid byte if a character begins with it.
template <class Vector>
void agrees(utf8_kernel valid_utf8, cbytes text) {
    const std::size_t stands = bytewise(text);
    if (stands < 3) return;
    const std::size_t found = valid_utf8(text.data(), text.size());
    if (found == text.size()) {
        REQUIRE(stands >= text.size() - 1);
    } else {
        REQUIRE(stands < text.size());
        REQUIRE(found >= 3);
        REQUIRE(found <= stands + 1);
        REQUIRE(stands <= found + 4 * sizeof(Vector));
    }
}

template <class Vector>
void test_utf8(utf8_kernel valid_utf8, bool (*is_here)()) {
    if (!is_here()) return;
    constexpr std::size_t least = sizeof(Vector) + 3;
    guarded_memory memory(2 * longest);

    // Every length at every alignment, and against the unreadable pages.
    const buffer text = some_text(longest, 1);
    for (std::size_t size = least; size <= longest; ++size) {
        for (std::size_t at = 0; at != alignments; ++at) {
            const bytes here = memory.copy_of(buffer(alignments + size), false).subspan(at, size);
            std::copy_n(text.begin(), size, here.begin());
            REQUIRE(valid_utf8(here.data(), size) == size);
        }
        for (const bool at_the_end : {false, true})
            agrees<Vector>(valid_utf8, memory.copy_of(cbytes(text).first(size), at_the_end));
    }

    // One wrong byte at every place of every length, in text and in ASCII.
    for (const buffer& from : {some_text(longest, 2), buffer(longest, std::byte{'a'})}) {
        for (std::size_t size = least; size <= longest; ++size) {
            buffer broken(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(size));
            for (std::size_t at = 3; at != size - 1; ++at) {
                const std::byte right = broken[at];
                broken[at] = std::byte{0xFF};
                REQUIRE(valid_utf8(broken.data(), size) <= at + 1);
                broken[at] = right;
            }
        }
    }

    // All sequences of four bytes, each of which stands for those that are judged alike.
    static constexpr int kinds[] = {0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF,
                                    0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF};
    buffer around(least + 8, std::byte{'a'});
    std::byte* const place = around.data() + sizeof(Vector) - 1; // over the edge of the first vector
    for (const int first : kinds) {
        for (const int second : kinds) {
            for (const int third : kinds) {
                for (const int fourth : kinds) {
                    place[0] = static_cast<std::byte>(first);
                    place[1] = static_cast<std::byte>(second);
                    place[2] = static_cast<std::byte>(third);
                    place[3] = static_cast<std::byte>(fourth);
                    const bool stands = bytewise(cbytes(place, 5)) == 5;
                    REQUIRE((valid_utf8(around.data(), around.size()) == around.size()) == stands);
                }
            }
        }
    }

    // Random cuts of random text, with random bytes in it.
    std::mt19937 random(3);
    for (std::uint32_t seed = 0; seed != 2000; ++seed) {
        buffer mixed = some_text(2 * longest, seed);
        if (seed % 2 == 0) mixed[random() % mixed.size()] = static_cast<std::byte>(random());
        const std::size_t begin = random() % longest;
        const std::size_t size = least + random() % (longest - least);
        agrees<Vector>(valid_utf8, cbytes(mixed).subspan(begin, size));
    }
}

// --- sets of characters

using characters_kernel = void (*)(const std::byte*, std::size_t, const kernels::ascii_set&, const kernels::ascii_set&,
                                   kernels::characters_found*) noexcept;

bool has(const kernels::ascii_set& set, std::byte character) {
    const auto c = static_cast<unsigned>(character);
    return c < 0x80 && (static_cast<unsigned>(set.bytes[c % 16]) >> c / 16 & 1U) != 0;
}

[[maybe_unused]] void test_characters(characters_kernel find_characters, bool (*is_here)()) {
    if (!is_here()) return;
    std::mt19937 random(4);
    unsigned char columns[2][16];
    for (unsigned char(&set)[16] : columns) {
        for (unsigned char& each : set) each = static_cast<unsigned char>(random());
    }
    const kernels::ascii_set first(columns[0]), second(columns[1]);
    // All characters are there, each at another place in its vector than before.
    buffer text(longest);
    for (std::size_t i = 0; i != longest; ++i) text[i] = static_cast<std::byte>(i % 257);

    guarded_memory memory(longest + alignments);
    for (std::size_t size = 64; size <= longest; ++size) {
        for (std::size_t at = 0; at != alignments; ++at) {
            // The text ends at an unreadable page. If there is no offset, it also begins behind one.
            const bytes here = memory.copy_of(buffer(at + size), at != 0).subspan(at);
            std::copy_n(text.begin() + static_cast<std::ptrdiff_t>(longest - size), size, here.begin());
            std::array<kernels::characters_found, longest / 64 + 2> found;
            const kernels::characters_found canary{0x0123456789ABCDEF, 0xFEDCBA9876543210};
            found.fill(canary);
            find_characters(here.data(), size, first, second, found.data());
            std::size_t wrong = 0;
            for (std::size_t i = 0; i != (size / 64 + 1) * 64; ++i) {
                const bool in_first = i < size && has(first, here[i]), in_second = i < size && has(second, here[i]);
                wrong += ((found[i / 64].first >> i % 64 & 1U) != 0) != in_first ? 1U : 0U;
                wrong += ((found[i / 64].second >> i % 64 & 1U) != 0) != in_second ? 1U : 0U;
            }
            REQUIRE(wrong == 0);
            REQUIRE(found[size / 64 + 1].first == canary.first);
            REQUIRE(found[size / 64 + 1].second == canary.second);
        }
    }
}

// --- the instructions of AVX-512

#if defined(TESTS_WIDE_VECTORS)
struct instruction_results {
    unsigned char splat[64];
    unsigned char lookup[64];
    std::uint64_t zeros;
    bool any_high_bit;
};

[[gnu::target("avx512bw")]] void use_instructions(const unsigned char* octets, const kernels::nibble_table& table,
                                                  std::uint32_t word, instruction_results& to) {
    using namespace kernels::avx512;
    const vector all = load(octets);
    store(to.splat, splat(word));
    store(to.lookup, lookup(table, all));
    to.zeros = zeros(all);
    to.any_high_bit = any_high_bit(all);
}

void use_model(const unsigned char* octets, const kernels::nibble_table& table, std::uint32_t word,
               instruction_results& to) {
    using namespace kernels::modelled;
    const vector all = load(octets);
    store(to.splat, splat(word));
    store(to.lookup, lookup(table, all));
    to.zeros = zeros(all);
    to.any_high_bit = any_high_bit(all);
}
#endif

// --- blocks of characters

// Every character at every place of a block, among letters.
template <class Blocks>
void test_blocks() {
    const auto is_letter = [](unsigned c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; };
    const auto is_one_of = [](unsigned c, std::string_view all) { return all.find(static_cast<char>(c)) != all.npos; };
    std::array<char, Blocks::size> text{};
    for (std::size_t at = 0; at != text.size(); ++at) {
        for (unsigned c = 0; c != 256; ++c) {
            text.fill('x');
            text[at] = static_cast<char>(c);
            const auto block = Blocks::load_halves(text.data(), text.data() + text.size() / 2);
            REQUIRE(Blocks::equal(Blocks::load(text.data()), text[at]) == Blocks::equal(block, text[at]));
            const auto expected = [&](bool found) { return found ? 1U << at : 0U; };
            const bool letter_or_digit = is_letter(c) || is_one_of(c, "0123456789");
            REQUIRE(Blocks::equal(block, ':') == expected(c == ':'));
            REQUIRE(Blocks::any_of(block, '\r', '\n', '\0') == expected(c == '\r' || c == '\n' || c == 0));
            REQUIRE(Blocks::unusual(block) == expected(!letter_or_digit && !is_one_of(c, "-._")));
            REQUIRE(Blocks::not_base64(block) == expected(!letter_or_digit && !is_one_of(c, "+/")));
            REQUIRE(Blocks::controls(block) == expected(c < 0x20 || c == 0x7f));
            REQUIRE(Blocks::invisible(block) == expected(c < 0x21 || c > 0x7e));
        }
    }
}

} // namespace

TEST_CASE("H3 H6: kinds of characters by blocks of eight") { test_blocks<kernels::eight_characters>(); }
#if defined(TESTS_SSE2)
TEST_CASE("H3 H6: kinds of characters by blocks of sixteen") { test_blocks<kernels::sixteen_characters>(); }
#endif

TEST_CASE("F5 F8: masking, and the test for ASCII, by words") {
    using namespace kernels::words;
    test_octets<mask_few, mask_many, not_ascii_few, not_ascii_many, vector>(everywhere);
}
TEST_CASE("F5 F8: masking, and the test for ASCII, by half words") {
    using namespace kernels::half_words;
    test_octets<mask_few, mask_many, not_ascii_few, not_ascii_many, vector>(everywhere);
}
TEST_CASE("F5 F8: masking, and the test for ASCII, by the model of AVX-512") {
    using namespace kernels::modelled;
    test_octets<mask_few, mask_many, not_ascii_few, not_ascii_many, vector>(everywhere);
}
TEST_CASE("H3: sets of characters by the model of AVX-512") {
    test_characters(kernels::modelled::find_characters, everywhere);
}
TEST_CASE("F8: UTF-8 by the model of AVX-512") {
    test_utf8<kernels::modelled::vector>(kernels::modelled::valid_utf8, everywhere);
}
TEST_CASE("F5 F8: masking, and the test for ASCII, of any size") { test_all<any_size>(); }

#if defined(TESTS_SSE2)
TEST_CASE("F5 F8: masking, and the test for ASCII, by SSE2") {
    using namespace kernels::sse2;
    test_octets<mask_few, mask_many, not_ascii_few, not_ascii_many, vector>(everywhere);
}
TEST_CASE("H3: sets of characters by SSSE3") { test_characters(kernels::ssse3::find_characters, kernels::has_ssse3); }
TEST_CASE("F8: UTF-8 by SSSE3") { test_utf8<kernels::ssse3::vector>(kernels::ssse3::valid_utf8, kernels::has_ssse3); }
#if defined(TESTS_WIDE_VECTORS)
TEST_CASE("F5 F8: masking, and the test for ASCII, by AVX2") {
    using namespace kernels::avx2;
    test_octets<mask_few, mask_many, not_ascii_few, not_ascii_many, vector>(kernels::has_avx2);
}
TEST_CASE("F5 F8: masking, and the test for ASCII, by AVX-512") {
    using namespace kernels::avx512;
    test_octets<mask_few, mask_many, not_ascii_few, not_ascii_many, vector>(kernels::has_avx512);
}
TEST_CASE("F8 H3: each instruction of AVX-512 does what its model does") {
    if (!kernels::has_avx512()) return;
    std::mt19937 random(5);
    for (int round = 0; round != 10'000; ++round) {
        // Few bits, so that zeros, and bytes without a high bit, are frequent.
        unsigned char octets[64], values[16];
        for (unsigned char& each : octets) each = static_cast<unsigned char>(random() & random() & random());
        for (unsigned char& each : values) each = static_cast<unsigned char>(random());
        if (round % 4 == 0) std::fill(std::begin(octets), std::end(octets), values[0] & 0x7F);
        const kernels::nibble_table table(values);
        const auto word = static_cast<std::uint32_t>(random());
        instruction_results real, model;
        use_instructions(octets, table, word, real);
        use_model(octets, table, word, model);
        REQUIRE(std::memcmp(real.splat, model.splat, sizeof real.splat) == 0);
        REQUIRE(std::memcmp(real.lookup, model.lookup, sizeof real.lookup) == 0);
        REQUIRE(real.zeros == model.zeros);
        REQUIRE(real.any_high_bit == model.any_high_bit);
    }
}
TEST_CASE("H3: sets of characters by AVX2") { test_characters(kernels::avx2::find_characters, kernels::has_avx2); }
TEST_CASE("H3: sets of characters by AVX-512") {
    test_characters(kernels::avx512::find_characters, kernels::has_avx512);
}
TEST_CASE("F8: UTF-8 by AVX2") { test_utf8<kernels::avx2::vector>(kernels::avx2::valid_utf8, kernels::has_avx2); }
TEST_CASE("F8: UTF-8 by AVX-512") {
    test_utf8<kernels::avx512::vector>(kernels::avx512::valid_utf8, kernels::has_avx512);
}
#endif

TEST_CASE("F5 F8 H3: a lesser processor uses the best that it has, with the same results") {
    for (const processor each : lesser_processors) {
        const lesser_processor lesser(each);
        REQUIRE_FALSE(kernels::has_avx512());
        REQUIRE_FALSE(kernels::has_sha());
        REQUIRE((each == processor::avx2 || !kernels::has_avx2()));
        REQUIRE((each != processor::sse2 || !kernels::has_ssse3()));

        compare_with_bytes<any_size>(1);
        find_high_bits<any_size>();
        buffer data = numbers(5000);
        buffer expected = data;
        for (std::size_t i = 0; i != data.size(); ++i) expected[i] ^= key[i % 4];
        CHECK(kernels::mask_bytes(data.data(), data.data(), data.size(), key_word));
        CHECK(data == expected);

        std::mt19937 random(6);
        for (std::uint32_t seed = 0; seed != 500; ++seed) {
            buffer text = some_text(longest, seed);
            text.resize(random() % longest);
            if (!text.empty()) text[random() % text.size()] = static_cast<std::byte>(random());
            CHECK(utf8_validator().feed(text) == bytewise(text));
        }
        CHECK(utf8_validator().feed(buffer(longest, std::byte{'a'})) == longest);

        if (kernels::has_ssse3()) {
            test_characters(
                [](const std::byte* text, std::size_t size, const kernels::ascii_set& first,
                   const kernels::ascii_set& second, kernels::characters_found* found) noexcept {
                    REQUIRE(kernels::widest::find_characters(text, size, first, second, found));
                },
                everywhere);
        }
    }
}
#elif defined(__aarch64__)
TEST_CASE("F5 F8: masking, and the test for ASCII, by NEON") {
    using namespace kernels::neon;
    test_octets<mask_few, mask_many, not_ascii_few, not_ascii_many, vector>(everywhere);
}
TEST_CASE("H3: sets of characters by NEON") { test_characters(kernels::neon::find_characters, everywhere); }
TEST_CASE("F8: UTF-8 by NEON") { test_utf8<kernels::neon::vector>(kernels::neon::valid_utf8, everywhere); }
#endif
