// zlib as an inflater and a deflater: what the two concepts ask for.
// SPDX-License-Identifier: MIT
#include <sockless/ws/deflate/zlib.hpp>

#include <doctest/doctest.h>

#if !defined(_WIN32)
#include <dlfcn.h>
#endif

#include <string>
#include <vector>

#include "../../support/compressed.hpp"
#include "../../support/pages.hpp"

using namespace sockless;
using namespace sockless::test;
using sizes = std::initializer_list<std::size_t>;
using status = ws::deflate_status;

static_assert(ws::inflater<ws::zlib_inflater>);
static_assert(ws::deflater<ws::zlib_deflater>);
static_assert(ws::zlib_deflater::smallest_window == 9);

namespace {

// Takes `input` in parts, with so much room at each step, and holds each step against the contract.
template <class Codec>
buffer stepped(Codec& codec, cbytes input, std::size_t part, std::size_t room) {
    buffer out;
    for (std::size_t at = 0; at < input.size();) {
        const std::size_t size = input.size() - at < part ? input.size() - at : part;
        cbytes in = input.subspan(at, size);
        at += size;
        for (bool more = true; more;) {
            buffer memory(room);
            bytes free(memory);
            const cbytes whole = in;
            const status said = codec.step(in, free);
            REQUIRE(in.data() + in.size() == whole.data() + whole.size());
            REQUIRE(free.data() + free.size() == memory.data() + memory.size());
            out.insert(out.end(), memory.begin(), memory.end() - static_cast<std::ptrdiff_t>(free.size()));
            REQUIRE((said == status::done || said == status::need_room || said == status::final_block));
            if (said == status::need_room) REQUIRE(free.empty());
            if (said == status::done) REQUIRE((in.empty() && !free.empty()));
            more = said == status::need_room || (said == status::final_block && !in.empty());
        }
    }
    return out;
}

// The same at once, for what cannot be too much.
template <class Codec>
buffer stepped(Codec& codec, cbytes input) {
    return stepped(codec, input, SIZE_MAX, 1'000'000);
}

#if !defined(_WIN32)
// While it lives, zlib has no memory to begin to inflate with.
struct no_memory_for_zlib {
    no_memory_for_zlib() { active = true; }
    no_memory_for_zlib(const no_memory_for_zlib&) = delete;
    no_memory_for_zlib& operator=(const no_memory_for_zlib&) = delete;
    ~no_memory_for_zlib() { active = false; }
    static inline bool active = false;
};
#endif

// One step with room for a few bytes.
status step(ws::zlib_inflater& codec, cbytes in) {
    buffer memory(100);
    bytes free(memory);
    return codec.step(in, free);
}

} // namespace

#if !defined(_WIN32)
// Stands before zlib's own function, as zlib asks for memory by itself.
extern "C" int inflateInit2_(z_streamp stream, int window_bits, const char* version, int size) {
    if (no_memory_for_zlib::active) return Z_MEM_ERROR;
    static const auto own = reinterpret_cast<decltype(&inflateInit2_)>(::dlsym(RTLD_NEXT, "inflateInit2_"));
    return own(stream, window_bits, version, size);
}
#endif

// --- the inflater

TEST_CASE("D7: an inflater gives the same, whatever the parts and the room") {
    const std::string text = numbered_lines(5000);
    reference_deflater deflater;
    const buffer with_end = deflater.flushed(bytes_of(text), Z_SYNC_FLUSH);
    const buffer stored = reference_deflater(15, 0).flushed(bytes_of(text), Z_FULL_FLUSH);
    for (const buffer& input : {with_end, stored}) {
        for (const std::size_t part : sizes{1, 2, 7, 100, 100'000}) {
            for (const std::size_t room : sizes{1, 2, 7, 100, 5000, 5001}) {
                ws::zlib_inflater inflater;
                CHECK(inflater.between_blocks());
                CHECK(stepped(inflater, input, part, room) == bytes_from(text));
                CHECK(inflater.between_blocks());
            }
        }
    }
}

TEST_CASE("D7: between_blocks is true behind a block, and only there") {
    const buffer input = deflated("some words");
    ws::zlib_inflater inflater;
    for (std::size_t i = 0; i != input.size(); ++i) {
        CHECK(inflater.between_blocks() == (i == 0));
        CHECK(step(inflater, cbytes(input).subspan(i, 1)) == status::done);
    }
    // The rest of the empty stored block comes now.
    CHECK_FALSE(inflater.between_blocks());
    CHECK(step(inflater, from_hex("0000ff")) == status::done);
    CHECK_FALSE(inflater.between_blocks());
    CHECK(step(inflater, from_hex("ff")) == status::done);
    CHECK(inflater.between_blocks());
    // Nothing more changes nothing.
    CHECK(step(inflater, {}) == status::done);
    CHECK(inflater.between_blocks());
}

TEST_CASE("D7: an inflater without room takes nothing") {
    const buffer input = deflated("some words");
    ws::zlib_inflater inflater;
    for (int i = 0; i != 2; ++i) {
        cbytes in(input);
        bytes none;
        CHECK(inflater.step(in, none) == status::need_room);
        CHECK(in.size() == input.size());
    }
    CHECK(stepped(inflater, input) == bytes_from("some words"));
}

TEST_CASE("D7: a block that is marked as the last ends a step, and the window stays") {
    reference_deflater deflater;
    const buffer first = deflater.flushed(bytes_of(story), Z_FINISH);
    const buffer second = joined(reaching_back(static_cast<unsigned>(story.size())), octets({0, 0, 0xFF, 0xFF}));
    const buffer both = joined(first, second);
    const buffer content = bytes_from(story + story.substr(0, 10));
    for (const std::size_t part : sizes{1, 7, 1000}) {
        for (const std::size_t room : sizes{1, 7, 1000}) {
            ws::zlib_inflater inflater;
            CHECK(stepped(inflater, both, part, room) == content);
            CHECK(inflater.between_blocks());
        }
    }

    ws::zlib_inflater inflater;
    buffer memory(1000);
    bytes free(memory);
    cbytes in(both);
    CHECK(inflater.step(in, free) == status::final_block);
    CHECK(in.size() == second.size());
    CHECK(memory.size() - free.size() == story.size());
    CHECK(inflater.between_blocks());

    // However many there are, and empty.
    buffer blocks;
    for (int i = 0; i != 1000; ++i) blocks = joined(blocks, from_hex("0300"));
    in = cbytes(blocks);
    for (int i = 0; i != 1000; ++i) REQUIRE(inflater.step(in, free) == status::final_block);
    CHECK(in.empty());
    CHECK(stepped(inflater, second) == bytes_from(story.substr(0, 10)));
}

TEST_CASE("F12 D8: an inflater remembers 32 KiB, in steps of any size") {
    constexpr unsigned size = 32'768;
    const std::string text = random_text(size + 100);
    const buffer input = reference_deflater(15, 1, Z_HUFFMAN_ONLY).flushed(bytes_of(text), Z_SYNC_FLUSH);
    for (const std::size_t part : sizes{1, 100, 100'000}) {
        for (const std::size_t room : sizes{1, 100, 100'000}) {
            ws::zlib_inflater inflater;
            CHECK(stepped(inflater, input, part, room) == bytes_from(text));
            CHECK(stepped(inflater, reaching_back(size), part, room) == bytes_from(text.substr(100, 10)));
        }
    }
}

TEST_CASE("D9: an inflater says that data is corrupt, and can be used again after a reset") {
    for (const buffer& input : {
             from_hex("06"),         // a block of the type that is not defined
             from_hex("0001000100"), // a stored block whose length does not fit its complement
             from_hex("04ffffff"),   // codes of which there are too many
             reaching_back(100),     // further than anything came
         }) {
        ws::zlib_inflater inflater;
        CHECK(step(inflater, input) == status::corrupt);
        inflater.reset();
        CHECK(inflater.between_blocks());
        CHECK(stepped(inflater, deflated(story)) == bytes_from(story));
    }
}

TEST_CASE("D8: a reset inflater remembers nothing, and begins anew also inside a block") {
    ws::zlib_inflater inflater;
    inflater.reset(); // before it began
    const buffer input = joined(deflated(story), octets({0, 0, 0xFF, 0xFF}));
    CHECK(stepped(inflater, input) == bytes_from(story));
    inflater.reset();
    CHECK(step(inflater, reaching_back(50)) == status::corrupt);
    inflater.reset();
    CHECK(step(inflater, cbytes(input).first(10)) == status::done);
    CHECK_FALSE(inflater.between_blocks());
    inflater.reset();
    CHECK(inflater.between_blocks());
    CHECK(stepped(inflater, input) == bytes_from(story));
}

TEST_CASE("what zlib cannot begin with has no memory, and takes nothing") {
#if !defined(_WIN32)
    {
        const no_memory_for_zlib none;
        ws::zlib_inflater inflater;
        CHECK(step(inflater, deflated(story)) == status::no_memory);
        inflater.reset();
        CHECK(step(inflater, deflated(story)) == status::no_memory);
    }
#endif

    // A deflater can be given settings that zlib refuses.
    const auto fails = [](unsigned bits, const ws::zlib_deflater::settings& how) {
        ws::zlib_deflater deflater(bits, how);
        buffer memory(100);
        bytes free(memory);
        cbytes in = bytes_of(story);
        const bool failed = deflater.step(in, free) == status::no_memory;
        deflater.reset();
        return failed && in.size() == story.size() && free.size() == memory.size();
    };
    CHECK(fails(8, {}));
    CHECK(fails(16, {}));
    CHECK(fails(15, {.level = 10}));
    CHECK(fails(15, {.memory_level = 0}));
    CHECK(fails(15, {.memory_level = 10}));
}

#if SIZE_MAX > 0xFFFFFFFF
TEST_CASE("zlib counts in less than a size_t: for more it is called several times") {
    constexpr std::size_t most = static_cast<uInt>(-1);
    constexpr std::size_t size = most + 10;
    // Addresses without memory: nothing is read or written.
    const pages place(size);
    cbytes in(place.begin(), size);
    bytes out(place.begin(), size);
    z_stream stream{};
    std::vector<std::size_t> given;
    const auto take_all = [&] {
        CHECK(stream.next_in == reinterpret_cast<const Bytef*>(in.data()));
        CHECK(stream.next_out == reinterpret_cast<const Bytef*>(out.data()));
        given.push_back(stream.avail_in);
        given.push_back(stream.avail_out);
        stream.avail_in = 0;
        stream.avail_out = 1;
        return static_cast<int>(Z_OK);
    };
    CHECK(ws::detail::run_zlib(stream, in, out, take_all) == Z_OK);
    CHECK(given == std::vector<std::size_t>{most, most, 10, 11});
    CHECK(in.empty());
    CHECK(out.size() == 1);

    // The output of a small input can be more than zlib counts at once, too.
    in = cbytes(place.begin(), 1);
    out = bytes(place.begin(), size);
    given.clear();
    const auto fill = [&] {
        given.push_back(stream.avail_in);
        given.push_back(stream.avail_out);
        stream.avail_in = 0;
        stream.avail_out = given.size() == 2 ? 0 : 3;
        return static_cast<int>(Z_OK);
    };
    CHECK(ws::detail::run_zlib(stream, in, out, fill) == Z_OK);
    CHECK(given == std::vector<std::size_t>{1, most, 0, 10});
    CHECK(out.size() == 3);

    in = cbytes(place.begin(), size);
    const auto fail = [] { return static_cast<int>(Z_DATA_ERROR); };
    CHECK(ws::detail::run_zlib(stream, in, out, fail) == Z_DATA_ERROR);
    CHECK(in.size() == size);
}
#endif

// --- the deflater

TEST_CASE("D6: a deflater takes all that is given, in any room from 12 bytes on, and ends with an empty block") {
    for (const std::string& text : {numbered_lines(5000), random_text(300), std::string("a")}) {
        for (std::size_t room = 12; room <= 80; ++room) {
            CAPTURE(room);
            ws::zlib_deflater deflater(15, {});
            reference_inflater peer;
            // All at once, then the same in parts, each of which can be read at once.
            buffer first = stepped(deflater, bytes_of(text), SIZE_MAX, room);
            REQUIRE(first.size() >= 5);
            CHECK(to_hex(cbytes(first).last(4)) == "0000ffff");
            first.erase(first.end() - 4, first.end());
            CHECK(peer.message(first) == bytes_from(text));
            buffer parts = stepped(deflater, bytes_of(text), 1000, room);
            CHECK(to_hex(cbytes(parts).last(4)) == "0000ffff");
            parts.erase(parts.end() - 4, parts.end());
            CHECK(peer.message(parts) == bytes_from(text));
        }
    }
}

TEST_CASE("D8: a deflater refers to what came before, unless it was reset") {
    for (const std::size_t room : sizes{12, 1000}) {
        ws::zlib_deflater deflater(15, {});
        deflater.reset(); // before it began
        const buffer first = stepped(deflater, bytes_of(story), SIZE_MAX, room);
        CHECK(stepped(deflater, bytes_of(story), SIZE_MAX, room).size() < first.size() / 2);
        deflater.reset();
        CHECK(stepped(deflater, bytes_of(story), SIZE_MAX, room) == first);
        // Also if it stopped for want of room.
        const std::string other = random_text(100);
        buffer memory(12);
        bytes free(memory);
        cbytes in = bytes_of(other);
        CHECK(deflater.step(in, free) == status::need_room);
        deflater.reset();
        CHECK(stepped(deflater, bytes_of(story), SIZE_MAX, room) == first);
    }
}

TEST_CASE("D8: a deflater keeps to its window, with all of zlib's settings") {
    const std::string text = numbered_lines(3000);
    for (unsigned bits = 9; bits <= 15; ++bits) {
        for (int level = 1; level <= 9; ++level) {
            for (int memory_level = 1; memory_level <= 9; ++memory_level) {
                CAPTURE(bits);
                CAPTURE(level);
                CAPTURE(memory_level);
                ws::zlib_deflater deflater(bits, {.level = level, .memory_level = memory_level});
                reference_inflater peer(bits);
                for (int i = 0; i != 2; ++i) {
                    buffer out = stepped(deflater, bytes_of(text));
                    REQUIRE(out.size() < text.size() / 2);
                    out.erase(out.end() - 4, out.end());
                    REQUIRE(peer.message(out) == bytes_from(text));
                }
            }
        }
    }
}

TEST_CASE("the settings of a deflater reach zlib, also through an endpoint") {
    const std::string text = numbered_lines(20'000) + random_text(1000) + random_text(1000);
    const auto size_with = [&](unsigned bits, const ws::zlib_deflater::settings& how) {
        ws::zlib_deflater deflater(bits, how);
        return stepped(deflater, bytes_of(text)).size();
    };
    CHECK(size_with(15, {.level = 9}) < size_with(15, {.level = 1}));
    CHECK(size_with(15, {.memory_level = 9}) != size_with(15, {.memory_level = 1}));
    CHECK(size_with(15, {.level = 9}) == size_with(15, {.level = 9, .memory_level = 8}));
    CHECK(size_with(15, {}) == size_with(15, {.level = 6, .memory_level = 8}));
    CHECK(size_with(9, {}) > size_with(15, {}));

    for (const int level : {1, 9}) {
        const ws::zlib_deflater::settings how{.level = level};
        auto run = opened(ws::zlib_server({}, ws::zlib_compression({}, nullptr, how)), compressing_server::opening({}));
        CHECK_FALSE(run.peer.send_text(text));
        // The end of the data is not sent.
        CHECK(frames_in(run.take_sent())[0].payload.size() == size_with(15, how) - 4);

        ws::zlib_pool pool;
        auto shares = opened(ws::zlib_server({}, ws::zlib_compression(pool, how)), compressing_server::opening({}));
        CHECK(shares.peer.compression().agreement().parameters ==
              ws::deflate_parameters{.server_no_context_takeover = true, .client_no_context_takeover = true});
        CHECK_FALSE(shares.peer.send_text(text));
        CHECK(frames_in(shares.take_sent())[0].payload.size() == size_with(15, how) - 4);
    }
}
