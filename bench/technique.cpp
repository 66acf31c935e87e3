// What each technique wins: the same work with it and without it, and by each backend that this processor has. The rows
// belong to docs/performance.md.
// SPDX-License-Identifier: MIT
#include "decode.hpp"
#include "handshake.hpp"
#include "octets.hpp"

#include <array>
#include <bit>
#include <cstdlib>

#include <sockless/detail/sha1.hpp>
#include <sockless/http/head_parser.hpp>
#include <sockless/ws/decoder.hpp>

namespace bench {
namespace {

namespace kernels = sockless::detail;

std::string technique(const std::string& workload) { return "technique/" + workload; }

// --- masking and UTF-8 by backends

template <auto Mask>
void mask_by(std::byte* data, std::size_t size, std::uint32_t key) {
    benchmark::DoNotOptimize(Mask(data, data, size, key));
}

template <auto Mask>
bool add_mask_backend(const char* backend) {
    for (const mask_workload& workload : mask_workloads) {
        if (workload.size < 1024 || workload.size > 262144) continue;
        add({technique(workload.name), backend,
             [&workload](benchmark::State& state) { mask<mask_by<Mask>>(state, workload); }});
    }
    return true;
}

// Pieces that are too short for vectors: what everything else goes back to.
bool is_utf8_by_automaton(const std::byte* data, std::size_t size) {
    sockless::utf8_validator validator;
    sockless::cbytes text(data, size);
    while (!text.empty()) {
        const sockless::cbytes piece = text.first(std::min<std::size_t>(text.size(), 16));
        if (validator.feed(piece) != piece.size()) return false;
        text = text.subspan(piece.size());
    }
    return validator.complete();
}

// A text that begins and ends between characters, as the validator gives it to a kernel.
template <auto ValidUtf8>
bool is_utf8_by(const std::byte* data, std::size_t size) {
    return is_utf8_by_automaton(data, 3) && ValidUtf8(data, size) == size;
}

template <auto IsUtf8>
bool add_utf8_backend(const char* backend) {
    for (const utf8_workload& workload : utf8_workloads) {
        if (workload.size < 1024 || workload.kind != content::korean) continue;
        add({technique(workload.name), backend,
             [&workload](benchmark::State& state) { utf8<IsUtf8>(state, workload); }});
    }
    return true;
}

// --- SHA-1, two blocks as for an accept key

template <auto Add>
bool add_sha1(const char* implementation) {
    return add({"technique/sha1/two-blocks", implementation, [](benchmark::State& state) {
                    const std::array<char, 128> blocks{};
                    kernels::sha1_state hash = kernels::sha1_begin, expected = hash;
                    Add(hash, blocks.data(), 2);
                    kernels::sha1_add_by_words(expected, blocks.data(), 2);
                    if (!check(state, hash == expected)) return;
                    measure(state, 1, blocks.size(), [&] {
                        Add(hash, blocks.data(), 2);
                        benchmark::DoNotOptimize(hash);
                    });
                }});
}

// --- two things in one pass

// `Take(to, from, size, key)` masks `from` to `to` and says whether the result has a byte that is not ASCII.
template <auto Take>
bool add_passes(const char* what, const char* implementation, bool in_place) {
    for (const std::size_t size : {std::size_t{125}, std::size_t{1024}, std::size_t{16384}}) {
        const std::string workload = technique(what) + (size == 125 ? "/125" : size == 1024 ? "/1K" : "/16K");
        add({workload, implementation, [size, in_place](benchmark::State& state) {
                 numbers numbers(size);
                 std::vector<std::byte> from = make_payload(content::ascii, size, numbers);
                 std::vector<std::byte> out(size);
                 std::byte* const to = in_place ? from.data() : out.data();
                 // A key of zeros leaves the text as it is, which costs what any other key does.
                 if (!check(state, !Take(to, from.data(), size, 0) && std::memcmp(to, from.data(), size) == 0)) return;
                 measure(state, 1, size, [&] {
                     benchmark::DoNotOptimize(Take(to, from.data(), size, 0));
                     benchmark::DoNotOptimize(to);
                 });
             }});
    }
    return true;
}

bool in_one_pass(std::byte* to, const std::byte* from, std::size_t size, std::uint32_t key) {
    return kernels::mask_bytes(to, from, size, key);
}

bool mask_then_look(std::byte* to, const std::byte* from, std::size_t size, std::uint32_t key) {
    static_cast<void>(kernels::mask_bytes(to, from, size, key));
    benchmark::ClobberMemory();
    return kernels::any_high_bit({to, size});
}

bool copy_then_mask(std::byte* to, const std::byte* from, std::size_t size, std::uint32_t key) {
    std::memcpy(to, from, size);
    benchmark::ClobberMemory();
    return kernels::mask_bytes(to, to, size, key);
}

// --- the short way of the decoder

// A limit below the largest short frame turns it off.
template <std::uint64_t FrameLimit>
struct decoder_with_limit {
    template <class Sink>
    class row {
      public:
        row(decoding_role, Sink& sink) : sink_(sink) {}

        void round(socket& from) {
            from.read_all([this](std::byte* data, std::size_t size) {
                sockless::bytes in(data, size);
                while (const auto event = decoder_.next(in)) {
                    if (event.kind != sockless::ws::decoder::kind::data) std::abort();
                    sink_.piece(event.payload.data(), event.payload.size(), event.last);
                }
            });
        }

      private:
        sockless::ws::decoder decoder_{sockless::role::server, {.frame = FrameLimit}};
        Sink& sink_;
    };
};

// --- heads

// Looks for the characters that a head is cut at, by one backend.
template <auto FindCharacters>
bool add_character_backend(const char* backend) {
    return add({technique("characters"), backend, [](benchmark::State& state) {
                    const std::vector<std::byte> request = received_request();
                    std::array<kernels::characters_found, browser_request.size() / 64 + 1> found{};
                    const auto find = [&] {
                        FindCharacters(request.data(), request.size(), sockless::http::detail::token_set,
                                       sockless::http::detail::control_set, found.data());
                    };
                    find();
                    int controls = 0;
                    for (const kernels::characters_found& each : found) controls += std::popcount(each.second);
                    if (!check(state, controls == 2 * 17)) return; // 17 lines, each with CR and LF
                    measure(state, 1, request.size(), [&] {
                        find();
                        benchmark::DoNotOptimize(found);
                    });
                }});
}

// Walks through the fields of a head whose ends of lines are remembered, or looked for.
template <bool Remembered>
bool add_fields(const char* implementation) {
    return add({technique("fields"), implementation, [](benchmark::State& state) {
                    std::vector<std::byte> request = received_request();
                    sockless::http::head_parser parser(sockless::http::message_kind::request);
                    sockless::bytes in(request);
                    sockless::http::fields fields = parser.next(in).head.fields;
                    if (!Remembered) fields = sockless::http::fields(fields.text());
                    const auto walk = [&] {
                        std::size_t size = 0;
                        for (const sockless::field& each : fields) size += each.name.size() + each.value.size();
                        return size;
                    };
                    // 15 lines, each with a colon, a space, CR and LF
                    if (!check(state, walk() == fields.text().size() - std::size_t{15 * 4})) return;
                    measure(state, 1, fields.text().size(), [&] {
                        benchmark::DoNotOptimize(fields);
                        benchmark::DoNotOptimize(walk());
                    });
                }});
}

constexpr decode_workload short_way[] = {
    {"technique/short-way/20", decoding_role::server, content::ascii, 20},
    {"technique/short-way/100", decoding_role::server, content::ascii, 100},
};

const bool added = add_mask_backend<kernels::words::mask_many>("words") &&
                   add_passes<in_one_pass>("mask-and-look", "one-pass", true) &&
                   add_passes<mask_then_look>("mask-and-look", "two-passes", true) &&
                   add_passes<in_one_pass>("copy-and-mask", "one-pass", false) &&
                   add_passes<copy_then_mask>("copy-and-mask", "two-passes", false) &&
                   add_utf8_backend<is_utf8_by_automaton>("automaton") &&
                   add_sha1<kernels::sha1_add_by_words>("words") && add_fields<true>("remembered") &&
                   add_fields<false>("looked-for") && add_decoder<decoder_with_limit<1024>::row>("with", short_way) &&
                   add_decoder<decoder_with_limit<100>::row>("without", short_way);

#if defined(__x86_64__) && defined(__SSE2__)
const bool added_sha = kernels::has_sha() && add_sha1<kernels::sha::add>("sha-ni");
const bool added_sse2 = add_mask_backend<kernels::sse2::mask_many>("sse2");
const bool added_ssse3 = kernels::has_ssse3() && add_utf8_backend<is_utf8_by<kernels::ssse3::valid_utf8>>("ssse3") &&
                         add_character_backend<kernels::ssse3::find_characters>("ssse3");
const bool added_avx2 = kernels::has_avx2() && add_mask_backend<kernels::avx2::mask_many>("avx2") &&
                        add_mask_backend<kernels::avx2::mask_few>("avx2-as-for-few") &&
                        add_utf8_backend<is_utf8_by<kernels::avx2::valid_utf8>>("avx2") &&
                        add_character_backend<kernels::avx2::find_characters>("avx2");
const bool added_avx512 = kernels::has_avx512() && add_mask_backend<kernels::avx512::mask_many>("avx512") &&
                          add_utf8_backend<is_utf8_by<kernels::avx512::valid_utf8>>("avx512") &&
                          add_character_backend<kernels::avx512::find_characters>("avx512");
#elif defined(__aarch64__)
const bool added_neon = add_mask_backend<kernels::neon::mask_many>("neon") &&
                        add_utf8_backend<is_utf8_by<kernels::neon::valid_utf8>>("neon") &&
                        add_character_backend<kernels::neon::find_characters>("neon");
#endif

} // namespace
} // namespace bench
