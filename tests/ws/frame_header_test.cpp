#include <sockless/ws/frame_header.hpp>

#include <doctest/doctest.h>

#include <algorithm>

#include "../support/rfc6455_examples.hpp"
#include "../support/split.hpp"

using namespace sockless;
using namespace sockless::test;
using ws::errc;
using ws::frame_header;
using ws::opcode;

namespace {

template <std::size_t Size>
constexpr bool writes(const frame_header& header, const std::array<std::byte, Size>& expected,
                      std::size_t size = Size) {
    std::array<std::byte, ws::max_header_size> out{};
    const written done = encode_header(out, header);
    return !done.error && done.size == size && examples::equal(cbytes(out).first(size), cbytes(expected).first(size));
}

// RFC 6455 section 5.7.
static_assert(writes({.opcode = opcode::text, .length = 5}, examples::text, 2));
static_assert(writes({.opcode = opcode::text, .masked = true, .masking_key = examples::key, .length = 5},
                     examples::masked_text, 6));
static_assert(writes({.opcode = opcode::text, .fin = false, .length = 3}, examples::first_fragment, 2));
static_assert(writes({.opcode = opcode::continuation, .length = 2}, examples::last_fragment, 2));
static_assert(writes({.opcode = opcode::ping, .length = 5}, examples::ping, 2));
static_assert(writes({.opcode = opcode::pong, .masked = true, .masking_key = examples::key, .length = 5},
                     examples::masked_pong, 6));
static_assert(writes({.opcode = opcode::binary, .length = 256}, examples::header_of_256));
static_assert(writes({.opcode = opcode::binary, .length = 65536}, examples::header_of_64k));

static_assert(ws::header_size(0, false) == 2 && ws::header_size(125, true) == 6);
static_assert(ws::header_size(126, false) == 4 && ws::header_size(65535, true) == 8);
static_assert(ws::header_size(65536, false) == 10 && ws::header_size(~std::uint64_t{0} >> 1, true) == 14);

// The same by other means: as a text of bits.
std::string bits(std::uint64_t value, int count) {
    std::string out;
    while (count-- != 0) out += (value >> count & 1) != 0 ? '1' : '0';
    return out;
}

buffer reference(const frame_header& header) {
    std::string out = header.fin ? "1" : "0";
    out += bits(header.rsv, 3) + bits(static_cast<std::uint64_t>(header.opcode), 4) + (header.masked ? "1" : "0");
    if (header.length < 126) {
        out += bits(header.length, 7);
    } else if (header.length < 65536) {
        out += bits(126, 7) + bits(header.length, 16);
    } else {
        out += bits(127, 7) + bits(header.length, 64);
    }
    if (header.masked) {
        for (const std::byte octet : header.masking_key) out += bits(static_cast<std::uint64_t>(octet), 8);
    }
    buffer packed;
    for (std::size_t i = 0; i != out.size(); i += 8) {
        packed.push_back(static_cast<std::byte>(std::stoul(out.substr(i, 8), nullptr, 2)));
    }
    return packed;
}

const std::uint64_t lengths[] = {0,
                                 1,
                                 124,
                                 125,
                                 126,
                                 127,
                                 128,
                                 255,
                                 256,
                                 65534,
                                 65535,
                                 65536,
                                 65537,
                                 0x01020304,
                                 1u << 31,
                                 0xFFFFFFFF,
                                 0x100000000,
                                 0x0102030405060708,
                                 0x7FFFFFFFFFFFFFFF};

} // namespace

TEST_CASE("F2 F7: which opcodes are known, and which are those of control frames") {
    for (unsigned code = 0; code != 256; ++code) {
        INFO(code);
        CHECK(is_known(static_cast<opcode>(code)) == (code <= 2 || (code >= 8 && code <= 10)));
    }
    CHECK(is_control(opcode::close));
    CHECK(is_control(opcode::ping));
    CHECK(is_control(opcode::pong));
    CHECK(!is_control(opcode::continuation));
    CHECK(!is_control(opcode::text));
    CHECK(!is_control(opcode::binary));
}

TEST_CASE("F3 F5: every header that may be written, in the fewest bytes, and no byte beyond") {
    for (const opcode code :
         {opcode::continuation, opcode::text, opcode::binary, opcode::close, opcode::ping, opcode::pong}) {
        for (const bool fin : {false, true}) {
            for (std::uint8_t rsv = 0; rsv != 8; ++rsv) {
                for (const bool masked : {false, true}) {
                    for (const std::uint64_t length : lengths) {
                        if (is_control(code) && (!fin || rsv != 0 || length > 125)) continue;
                        const frame_header header{
                            code,  fin, rsv, masked, {std::byte{0x9A}, std::byte{1}, std::byte{0xFF}, std::byte{0}},
                            length};
                        const buffer expected = reference(header);
                        REQUIRE(ws::header_size(length, masked) == expected.size());
                        for (std::size_t room = 0; room <= 16; ++room) {
                            std::array<std::byte, 18> out;
                            out.fill(std::byte{0xEE});
                            const written done = encode_header(bytes(out).subspan(1, room), header);
                            REQUIRE(done.size == expected.size());
                            REQUIRE(!done.error == (room >= expected.size()));
                            if (done.error) REQUIRE(done.error == errc::no_room);
                            const std::size_t used = done.error ? 0 : expected.size();
                            REQUIRE(std::equal(out.begin() + 1, out.begin() + 1 + static_cast<std::ptrdiff_t>(used),
                                               expected.begin()));
                            REQUIRE(out[0] == std::byte{0xEE});
                            REQUIRE(std::all_of(out.begin() + 1 + static_cast<std::ptrdiff_t>(used), out.end(),
                                                [](std::byte octet) { return octet == std::byte{0xEE}; }));
                        }
                    }
                }
            }
        }
    }
}

TEST_CASE("F1 F2 F3 F7: headers that are refused write nothing") {
    const auto refused = [](const frame_header& header, errc expected) {
        std::array<std::byte, ws::max_header_size> out;
        out.fill(std::byte{0xEE});
        for (const std::size_t room : {std::size_t{0}, out.size()}) {
            const written done = encode_header(bytes(out).first(room), header);
            CHECK(done.error == expected);
            CHECK(done.size == 0);
            CHECK(std::all_of(out.begin(), out.end(), [](std::byte octet) { return octet == std::byte{0xEE}; }));
        }
    };
    for (unsigned code = 0; code != 256; ++code) {
        if (!is_known(static_cast<opcode>(code))) refused({.opcode = static_cast<opcode>(code)}, errc::unknown_opcode);
    }
    for (const opcode code : {opcode::close, opcode::ping, opcode::pong}) {
        refused({.opcode = code, .fin = false}, errc::fragmented_control_frame);
        refused({.opcode = code, .length = 126}, errc::control_frame_too_long);
        refused({.opcode = code, .length = 1u << 31}, errc::control_frame_too_long);
        for (const std::uint8_t rsv : {ws::rsv::rsv1, ws::rsv::rsv2, ws::rsv::rsv3}) {
            refused({.opcode = code, .rsv = rsv}, errc::reserved_bit_set);
        }
    }
    for (unsigned rsv = 8; rsv != 256; ++rsv) {
        refused({.opcode = opcode::text, .rsv = static_cast<std::uint8_t>(rsv)}, errc::reserved_bit_set);
    }
    refused({.opcode = opcode::binary, .length = std::uint64_t{1} << 63}, errc::length_top_bit_set);
    refused({.opcode = opcode::binary, .masked = true, .length = ~std::uint64_t{0}}, errc::length_top_bit_set);
}
