// What the processor allows: masking, UTF-8 and SHA-1 with the widest instructions that most x86-64 processors have.
// SPDX-License-Identifier: MIT
#pragma once

// The functions carry their targets themselves, so that the limit is the same whatever the flags are.
#include <array>
#include <bit>
#include <cpuid.h>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <immintrin.h>
#include <string_view>
#include <utility>

namespace bench::limit {

using std::byte;
using std::size_t;

[[nodiscard]] inline bool has_avx2() noexcept { return __builtin_cpu_supports("avx2") != 0; }

[[nodiscard]] inline bool has_sha() noexcept {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b >> 29U & 1U) != 0;
}

// --- masking, with the test for ASCII

template <class Word>
[[nodiscard]] inline Word load(const void* from) noexcept {
    Word word;
    std::memcpy(&word, from, sizeof word);
    return word;
}

/// A masking key as it applies `offset` bytes later.
[[nodiscard]] inline std::uint32_t rotated(std::uint32_t key, size_t offset) noexcept {
    return std::rotr(key, static_cast<int>(offset % 4) * 8);
}

/// `to[i] = from[i] ^ key`, at least 32 bytes; `to` is `from` or does not overlap it. Returns whether the result has a
/// byte that is not ASCII. Stores are aligned but for the first and the last, which overlap their neighbours.
[[nodiscard]] __attribute__((target("avx2"), noinline)) inline bool mask_avx2(byte* to, const byte* from, size_t size,
                                                                              std::uint32_t key) noexcept {
    const auto at = [](const byte* place) { return reinterpret_cast<const __m256i*>(place); };
    const auto out = [](byte* place) { return reinterpret_cast<__m256i*>(place); };
    const auto turned = [key](size_t offset) { return static_cast<int>(rotated(key, offset)); };
    const __m256i first = _mm256_xor_si256(_mm256_loadu_si256(at(from)), _mm256_set1_epi32(turned(0)));
    const __m256i last = _mm256_xor_si256(_mm256_loadu_si256(at(from + size - 32)), _mm256_set1_epi32(turned(size)));
    __m256i seen = _mm256_or_si256(first, last);
    size_t i = 32 - (reinterpret_cast<std::uintptr_t>(to) & 31U);
    const __m256i pattern = _mm256_set1_epi32(turned(i));
    for (; i + 128 <= size; i += 128) {
        const __m256i a = _mm256_xor_si256(_mm256_loadu_si256(at(from + i)), pattern);
        const __m256i b = _mm256_xor_si256(_mm256_loadu_si256(at(from + i + 32)), pattern);
        const __m256i c = _mm256_xor_si256(_mm256_loadu_si256(at(from + i + 64)), pattern);
        const __m256i d = _mm256_xor_si256(_mm256_loadu_si256(at(from + i + 96)), pattern);
        _mm256_store_si256(out(to + i), a);
        _mm256_store_si256(out(to + i + 32), b);
        _mm256_store_si256(out(to + i + 64), c);
        _mm256_store_si256(out(to + i + 96), d);
        seen = _mm256_or_si256(seen, _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d)));
    }
    for (; i + 32 <= size; i += 32) {
        const __m256i a = _mm256_xor_si256(_mm256_loadu_si256(at(from + i)), pattern);
        _mm256_store_si256(out(to + i), a);
        seen = _mm256_or_si256(seen, a);
    }
    _mm256_storeu_si256(out(to), first);
    _mm256_storeu_si256(out(to + size - 32), last);
    return _mm256_movemask_epi8(seen) != 0;
}

/// The same for any size: short ones inline, without a call.
[[nodiscard]] inline bool mask(byte* to, const byte* from, size_t size, std::uint32_t key) noexcept {
    if (size >= 128) return mask_avx2(to, from, size, key);
    if (size >= 16) {
        const auto splat = [](std::uint32_t word) { return _mm_set1_epi32(static_cast<int>(word)); };
        const __m128i pattern = splat(key);
        const __m128i last = _mm_xor_si128(load<__m128i>(from + size - 16), splat(rotated(key, size)));
        __m128i seen = last;
        for (size_t i = 0; i + 16 < size; i += 16) {
            const __m128i block = _mm_xor_si128(load<__m128i>(from + i), pattern);
            std::memcpy(to + i, &block, sizeof block);
            seen = _mm_or_si128(seen, block);
        }
        std::memcpy(to + size - 16, &last, sizeof last);
        return _mm_movemask_epi8(seen) != 0;
    }
    std::uint32_t seen = 0;
    for (size_t i = 0; i != size; ++i) {
        const std::uint32_t octet = static_cast<std::uint32_t>(from[i]) ^ (rotated(key, i) & 0xFFU);
        to[i] = static_cast<byte>(octet);
        seen |= octet;
    }
    return (seen & 0x80U) != 0;
}

/// Whether a byte is not ASCII.
[[nodiscard]] __attribute__((target("avx2"), noinline)) inline bool not_ascii_avx2(const byte* data,
                                                                                   size_t size) noexcept {
    const auto at = [data](size_t i) { return reinterpret_cast<const __m256i*>(data + i); };
    __m256i seen = _mm256_loadu_si256(at(size - 32));
    size_t i = 0;
    for (; i + 128 <= size; i += 128) {
        const __m256i ab = _mm256_or_si256(_mm256_loadu_si256(at(i)), _mm256_loadu_si256(at(i + 32)));
        const __m256i cd = _mm256_or_si256(_mm256_loadu_si256(at(i + 64)), _mm256_loadu_si256(at(i + 96)));
        seen = _mm256_or_si256(seen, _mm256_or_si256(ab, cd));
    }
    for (; i + 32 < size; i += 32) seen = _mm256_or_si256(seen, _mm256_loadu_si256(at(i)));
    return _mm256_movemask_epi8(seen) != 0;
}

[[nodiscard]] inline bool not_ascii(const byte* data, size_t size) noexcept {
    if (size >= 128) return not_ascii_avx2(data, size);
    std::uint64_t seen = 0;
    size_t i = 0;
    for (; i + 8 <= size; i += 8) seen |= load<std::uint64_t>(data + i);
    if (i != size && size >= 8) seen |= load<std::uint64_t>(data + size - 8);
    for (; i != size && size < 8; ++i) seen |= static_cast<std::uint64_t>(data[i]);
    return (seen & 0x8080808080808080U) != 0;
}

// --- UTF-8

/// Whether `text` is UTF-8 as a whole: each pair of neighbouring bytes is classified by three look-ups of a nibble
/// each, and whatever classes all three share is an error (Keiser and Lemire, "Validating UTF-8 in less than one
/// instruction per byte").
[[nodiscard]] __attribute__((target("avx2"), noinline)) inline bool is_utf8_avx2(const byte* text,
                                                                                 size_t size) noexcept {
    // What is wrong with a pair, one bit each. `pair` is two continuations in a row, which is right after E0 and up.
    constexpr char short_ = 1, long_ = 2, overlong_3 = 4, large = 8, surrogate = 16, overlong_2 = 32, large_8 = 64,
                   overlong_4 = 64, pair = char(-128);
    constexpr char any = short_ | long_ | pair, c = any | large | large_8;
    const __m256i first_high = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        long_, long_, long_, long_, long_, long_, long_, long_, pair, pair, pair, pair, short_ | overlong_2, short_,
        short_ | overlong_3 | surrogate, short_ | large | large_8 | overlong_4));
    const __m256i first_low =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(any | overlong_3 | overlong_2 | overlong_4, any | overlong_2, any,
                                                  any, any | large, c, c, c, c, c, c, c, c, c | surrogate, c, c));
    constexpr char ab = long_ | overlong_2 | pair | surrogate | large;
    const __m256i second_high = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(short_, short_, short_, short_, short_, short_, short_, short_,
                      long_ | overlong_2 | pair | overlong_3 | large_8 | overlong_4,
                      long_ | overlong_2 | pair | overlong_3 | large, ab, ab, short_, short_, short_, short_));
    const __m256i nibble = _mm256_set1_epi8(0x0F);

    __m256i before = _mm256_setzero_si256(), wrong = before;
    for (size_t i = 0; i <= size; i += 32) {
        __m256i block;
        if (i + 32 <= size) {
            block = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text + i));
        } else {
            // The last block is filled up with zeros, at least one, so that a cut character is one that is too short.
            alignas(32) std::array<byte, 32> rest{};
            std::memcpy(rest.data(), text + i, size - i);
            block = _mm256_load_si256(reinterpret_cast<const __m256i*>(rest.data()));
        }
        const __m256i joint = _mm256_permute2x128_si256(before, block, 0x21);
        const __m256i back_1 = _mm256_alignr_epi8(block, joint, 15);
        const __m256i back_2 = _mm256_alignr_epi8(block, joint, 14);
        const __m256i back_3 = _mm256_alignr_epi8(block, joint, 13);
        const __m256i high_1 = _mm256_and_si256(_mm256_srli_epi16(back_1, 4), nibble);
        const __m256i high_0 = _mm256_and_si256(_mm256_srli_epi16(block, 4), nibble);
        const __m256i classes =
            _mm256_and_si256(_mm256_and_si256(_mm256_shuffle_epi8(first_high, high_1),
                                              _mm256_shuffle_epi8(first_low, _mm256_and_si256(back_1, nibble))),
                             _mm256_shuffle_epi8(second_high, high_0));
        // Two continuations in a row stand where two bytes before a three- or four-byte character began, or three
        // before a four-byte one, and nowhere else.
        const __m256i third = _mm256_subs_epu8(back_2, _mm256_set1_epi8(0xE0 - 0x80));
        const __m256i fourth = _mm256_subs_epu8(back_3, _mm256_set1_epi8(0xF0 - 0x80));
        const __m256i due = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8(pair));
        wrong = _mm256_or_si256(wrong, _mm256_xor_si256(classes, due));
        before = block;
    }
    return _mm256_testz_si256(wrong, wrong) != 0;
}

/// UTF-8 in pieces: what is cut off at the end of one is put before the next.
class utf8_stream {
  public:
    [[nodiscard]] bool pending() const noexcept { return cut_size_ != 0; }

    [[nodiscard]] bool feed(const byte* piece, size_t size) noexcept {
        const byte* const end = piece + size;
        while (cut_size_ != 0 && piece != end) {
            cut_[cut_size_++] = *piece++;
            if (cut_size_ < length_of(cut_[0])) continue;
            if (!is_utf8_avx2(cut_.data(), cut_size_)) return false;
            cut_size_ = 0;
        }
        if (cut_size_ != 0) return true;
        size_t whole = static_cast<size_t>(end - piece);
        for (size_t back = 1; back <= 3 && back <= whole; ++back) {
            if (length_of(piece[whole - back]) == 0) continue;
            if (length_of(piece[whole - back]) > back) cut_size_ = back;
            break;
        }
        whole -= cut_size_;
        std::memcpy(cut_.data(), piece + whole, cut_size_);
        return is_utf8_avx2(piece, whole);
    }

  private:
    // Of the character that begins with `lead`; 0 for a continuation.
    [[nodiscard]] static size_t length_of(byte lead) noexcept {
        const auto octet = static_cast<unsigned>(lead);
        return octet < 0x80 ? 1 : octet < 0xC0 ? 0 : octet < 0xE0 ? 2 : octet < 0xF0 ? 3 : 4;
    }

    std::array<byte, 4> cut_{};
    size_t cut_size_ = 0;
};

// --- heads

/// The places of `:` and CR in up to 64 bytes, one bit each.
[[nodiscard]] __attribute__((target("avx2"))) inline std::uint64_t delimiters(const char* at) noexcept {
    std::uint64_t found = 0;
    for (unsigned half = 0; half != 64; half += 32) {
        const __m256i block = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + half));
        const __m256i either = _mm256_or_si256(_mm256_cmpeq_epi8(block, _mm256_set1_epi8(':')),
                                               _mm256_cmpeq_epi8(block, _mm256_set1_epi8('\r')));
        found |= std::uint64_t{static_cast<std::uint32_t>(_mm256_movemask_epi8(either))} << half;
    }
    return found;
}

/// Where the field lines of a head are, for those who trust it: after the colon one space, after the value CR LF.
struct lines {
    std::array<std::pair<std::string_view, std::string_view>, 64> fields;
    size_t count = 0;
};

/// Finds the field lines of a head that begins at `at` and is whole.
__attribute__((target("avx2"), noinline)) inline void find_lines(const char* at, const char* end,
                                                                 lines& found) noexcept {
    const char* begin = nullptr; // of the line, once the first is over
    const char* colon = nullptr;
    found.count = 0;
    for (; at < end; at += 64) {
        std::array<char, 64> rest{};
        const char* block = at;
        if (end - at < 64) {
            std::memcpy(rest.data(), at, static_cast<size_t>(end - at));
            block = rest.data();
        }
        for (std::uint64_t left = delimiters(block); left != 0; left &= left - 1) {
            const char* const place = at + std::countr_zero(left);
            if (block[place - at] == ':') {
                if (colon == nullptr) colon = place;
                continue;
            }
            if (begin == place) return;
            if (begin != nullptr && found.count != found.fields.size()) {
                found.fields[found.count++] = {{begin, static_cast<size_t>(colon - begin)},
                                               {colon + 2, static_cast<size_t>(place - colon - 2)}};
            }
            begin = place + 2;
            colon = nullptr;
        }
    }
}

// --- SHA-1 and base64

/// Five groups of four rounds with the function `F`, the words of the message schedule made along the way.
template <int F>
__attribute__((target("sha,ssse3"), always_inline)) inline void five_groups(__m128i* words, __m128i& abcd,
                                                                            __m128i& e) noexcept {
    for (size_t i = 5 * F; i != 5 * F + 5; ++i) {
        if (i >= 4) {
            words[i] = _mm_sha1msg2_epu32(_mm_xor_si128(_mm_sha1msg1_epu32(words[i - 4], words[i - 3]), words[i - 2]),
                                          words[i - 1]);
        }
        const __m128i taken = i == 0 ? _mm_add_epi32(e, words[0]) : _mm_sha1nexte_epu32(e, words[i]);
        e = abcd;
        abcd = _mm_sha1rnds4_epu32(abcd, taken, F);
    }
}

/// The SHA-1 of the 60 bytes of a key and the GUID, which with their padding are two blocks.
[[nodiscard]] __attribute__((target("sha,ssse3"), noinline)) inline std::array<byte, 20>
sha1_of_60(const byte* data) noexcept {
    alignas(16) std::array<byte, 128> padded{};
    std::memcpy(padded.data(), data, 60);
    padded[60] = byte{0x80};
    padded[126] = byte{60 * 8 >> 8};
    padded[127] = byte{60 * 8 & 0xFF};

    const __m128i swap = _mm_set_epi64x(0x0001020304050607, 0x08090A0B0C0D0E0F);
    __m128i abcd = _mm_setr_epi32(0x10325476, static_cast<int>(0x98BADCFE), static_cast<int>(0xEFCDAB89), 0x67452301);
    __m128i e = _mm_setr_epi32(0, 0, 0, static_cast<int>(0xC3D2E1F0));
    for (size_t block = 0; block != 128; block += 64) {
        __m128i words[20];
        for (size_t i = 0; i != 4; ++i) {
            words[i] = _mm_shuffle_epi8(load<__m128i>(padded.data() + block + 16 * i), swap);
        }
        const __m128i abcd_before = abcd, e_before = e;
        five_groups<0>(words, abcd, e);
        five_groups<1>(words, abcd, e);
        five_groups<2>(words, abcd, e);
        five_groups<3>(words, abcd, e);
        e = _mm_sha1nexte_epu32(e, e_before);
        abcd = _mm_add_epi32(abcd, abcd_before);
    }
    std::array<byte, 20> out;
    abcd = _mm_shuffle_epi8(abcd, swap);
    std::memcpy(out.data(), &abcd, 16);
    const std::uint32_t last = __builtin_bswap32(static_cast<std::uint32_t>(_mm_cvtsi128_si32(_mm_srli_si128(e, 12))));
    std::memcpy(out.data() + 16, &last, 4);
    return out;
}

inline void base64_of_20(const std::array<byte, 20>& from, char* to) noexcept {
    constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i != 7; ++i) {
        const auto at = [&from, i](size_t j) { return 3 * i + j < 20 ? static_cast<unsigned>(from[3 * i + j]) : 0; };
        const unsigned group = at(0) << 16U | at(1) << 8U | at(2);
        for (size_t j = 0; j != 4; ++j) to[4 * i + j] = digits[group >> (18 - 6 * j) & 63U];
    }
    to[27] = '=';
}

inline void accept_key(std::string_view key, char* to) noexcept {
    std::array<byte, 60> text;
    std::memcpy(text.data(), key.data(), 24);
    std::memcpy(text.data() + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
    base64_of_20(sha1_of_60(text.data()), to);
}

} // namespace bench::limit
