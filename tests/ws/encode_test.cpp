#include <sockless/ws/encode.hpp>

#include <doctest/doctest.h>

#include <algorithm>

#include "../support/frame_log.hpp"
#include "../support/rfc6455_examples.hpp"

using namespace sockless;
using namespace sockless::test;
using ws::errc;
using ws::frame_header;
using ws::opcode;

namespace {

// RFC 6455 section 5.7, encoded by the compiler, in a room that it fills.
template <std::size_t Size>
constexpr bool encodes(const frame_header& header, cbytes payload, const std::array<std::byte, Size>& expected) {
    std::array<std::byte, Size> out{};
    const written done = ws::encode(out, header, payload);
    if (done.error || done.size != Size || !examples::equal(out, expected)) return false;

    // The same in place, behind 14 bytes of headroom.
    std::array<std::byte, 14 + Size> room{};
    const bytes frame_room = bytes(room).first(14 + payload.size());
    for (std::size_t i = 0; i != payload.size(); ++i) room[14 + i] = payload[i];
    const written in_place = ws::frame_in_place(frame_room, 14, header);
    return !in_place.error && in_place.size == Size && examples::equal(frame_room.last(Size), expected);
}
constexpr cbytes hello = examples::hello;
static_assert(encodes({.opcode = opcode::text}, hello, examples::text));
static_assert(encodes({.opcode = opcode::text, .masked = true, .masking_key = examples::key}, hello,
                      examples::masked_text));
static_assert(encodes({.opcode = opcode::text, .fin = false}, hello.first(3), examples::first_fragment));
static_assert(encodes({.opcode = opcode::continuation}, hello.subspan(3), examples::last_fragment));
static_assert(encodes({.opcode = opcode::ping}, hello, examples::ping));
static_assert(encodes({.opcode = opcode::pong, .masked = true, .masking_key = examples::key}, hello,
                      examples::masked_pong));
static_assert(encodes({.opcode = opcode::binary}, std::array<std::byte, 256>{},
                      examples::with_zeros<260>(examples::header_of_256)));

constexpr bool closes() {
    std::array<std::byte, 7> out{};
    const written done = ws::encode_close_payload(out, 1001, hello);
    return !done.error && done.size == 7 && out[0] == std::byte{0x03} && out[1] == std::byte{0xE9} &&
           examples::equal(bytes(out).subspan(2), hello);
}
static_assert(closes());

constexpr std::byte canary{0xEE};

bool untouched(cbytes data) {
    return std::all_of(data.begin(), data.end(), [](std::byte octet) { return octet == canary; });
}

const std::size_t sizes[] = {0, 1, 5, 125, 126, 127, 1000, 65535, 65536, 70000};

} // namespace

TEST_CASE("F5: a frame is written where it fits, and where not nothing is written and the size is said") {
    for (const std::size_t size : sizes) {
        buffer payload(size);
        for (std::size_t i = 0; i != size; ++i) payload[i] = static_cast<std::byte>(i * 3 + 1);
        for (const bool masked : {false, true}) {
            const frame_header header{
                .opcode = opcode::binary, .masked = masked, .masking_key = examples::key, .length = 999};
            const std::size_t head = ws::header_size(size, masked);
            const std::size_t whole = head + size;
            for (const std::size_t room :
                 {std::size_t{0}, std::size_t{1}, head - 1, head, head + size / 2, whole - 1, whole, whole + 7}) {
                buffer out(whole + 20, canary);
                const written done = ws::encode(bytes(out).subspan(3, room), header, payload);
                CHECK(done.size == whole);
                if (room < whole) {
                    CHECK(done.error == errc::no_room);
                    CHECK(untouched(out));
                    continue;
                }
                CHECK_FALSE(done.error);
                CHECK(untouched(cbytes(out).first(3)));
                CHECK(untouched(cbytes(out).subspan(3 + whole)));
                buffer expected = payload;
                for (std::size_t i = 0; masked && i != size; ++i) expected[i] ^= examples::key[i % 4];
                CHECK(examples::equal(cbytes(out).subspan(3 + head, size), expected));
                frame_header read = header;
                read.length = size;
                std::array<std::byte, ws::max_header_size> alone{};
                CHECK(ws::encode_header(alone, read).size == head);
                CHECK(examples::equal(cbytes(out).subspan(3, head), cbytes(alone).first(head)));
            }
        }
    }
}

TEST_CASE("F5: a frame is made around its payload, with any headroom that is enough") {
    for (const std::size_t size : sizes) {
        for (const bool masked : {false, true}) {
            const frame_header header{
                .opcode = opcode::text, .fin = false, .masked = masked, .masking_key = examples::key};
            const std::size_t head = ws::header_size(size, masked);
            buffer expected(head + size);
            CHECK_FALSE(ws::encode(expected, header, buffer(size, std::byte{'x'})).error);
            for (std::size_t headroom = 0; headroom != 20; ++headroom) {
                buffer room(headroom, canary);
                room.resize(headroom + size, std::byte{'x'});
                const written done = ws::frame_in_place(room, headroom, header);
                if (headroom < head) {
                    CHECK(done.error == errc::no_room);
                    CHECK(done.size == head);
                    CHECK(untouched(cbytes(room).first(headroom)));
                    CHECK(std::count(room.begin(), room.end(), std::byte{'x'}) == static_cast<std::ptrdiff_t>(size));
                } else {
                    CHECK_FALSE(done.error);
                    CHECK(done.size == head + size);
                    CHECK(examples::equal(cbytes(room).last(done.size), expected));
                    CHECK(untouched(cbytes(room).first(headroom - head)));
                }
            }
        }
    }
}

TEST_CASE("F2 F7: frames that may not be sent are refused, and nothing is written") {
    const auto refused = [](const frame_header& header, std::size_t size, errc expected) {
        buffer out(size + 20, canary);
        const written done = ws::encode(out, header, buffer(size));
        CHECK(done.error == expected);
        CHECK(done.size == 0);
        CHECK(untouched(out));
        CHECK(ws::frame_in_place(bytes(out).first(14 + size), 14, header).error == expected);
        CHECK(untouched(out));
        CHECK(ws::encode({}, header, buffer(size)).error == expected);
    };
    for (const opcode code : {opcode::close, opcode::ping, opcode::pong}) {
        refused({.opcode = code}, 126, errc::control_frame_too_long);
        refused({.opcode = code, .masked = true, .masking_key = examples::key}, 70000, errc::control_frame_too_long);
        refused({.opcode = code, .fin = false}, 126, errc::fragmented_control_frame);
        refused({.opcode = code, .rsv = ws::rsv::rsv1}, 120, errc::reserved_bit_set);
    }
    for (const int code : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15, 16, 0x81}) {
        refused({.opcode = static_cast<opcode>(code)}, 5, errc::unknown_opcode);
    }
    refused({.opcode = opcode::text, .rsv = 8}, 5, errc::reserved_bit_set);
}

TEST_CASE("C1 C2 C3: the payload of a Close") {
    buffer out(130, canary);
    for (unsigned code = 0; code != 65536; ++code) {
        std::fill(out.begin(), out.end(), canary);
        const auto number = static_cast<std::uint16_t>(code);
        const written done = ws::encode_close_payload(bytes(out).subspan(1), number, bytes_from("x"));
        if (ws::is_sendable(number)) {
            REQUIRE_FALSE(done.error);
            REQUIRE(done.size == 3);
            REQUIRE(cbytes(out).first(4)[1] == static_cast<std::byte>(code >> 8U));
            REQUIRE(cbytes(out).first(4)[2] == static_cast<std::byte>(code & 255U));
            REQUIRE(untouched(cbytes(out).subspan(4)));
        } else {
            REQUIRE(done.error == errc::close_code_not_sendable);
            REQUIRE(done.size == 0);
            REQUIRE(untouched(out));
        }
        REQUIRE(out[0] == canary);
        const bool without_reason = !ws::encode_close_payload(out, number).error;
        REQUIRE(without_reason == (ws::is_sendable(number) || code == 1005));
    }
}

TEST_CASE("C5: a Close without a status is written as 1005, and has no payload") {
    buffer out(4, canary);
    const written done = ws::encode_close_payload(out, 1005);
    CHECK_FALSE(done.error);
    CHECK(done.size == 0);
    CHECK(untouched(out));
    CHECK_FALSE(ws::encode_close_payload({}, 1005).error);
}

TEST_CASE("C2: the reason of a Close has at most 123 bytes, and is UTF-8") {
    buffer out(140, canary);
    const auto refused = [&](const buffer& reason, errc expected) {
        CHECK(ws::encode_close_payload(out, 1000, reason).error == expected);
        CHECK(untouched(out));
    };
    refused(buffer(124, std::byte{'r'}), errc::close_reason_too_long);
    refused(buffer(100000, std::byte{'r'}), errc::close_reason_too_long);
    refused(octets({'a', 0xFF}), errc::payload_not_utf8);
    refused(octets({0xED, 0xA0, 0x80}), errc::payload_not_utf8);
    refused(octets({'a', 0xE2, 0x82}), errc::payload_not_utf8);

    for (std::size_t size = 0; size <= 123; ++size) {
        const buffer reason(size, std::byte{'r'});
        for (std::size_t room = 0; room <= 126; ++room) {
            std::fill(out.begin(), out.end(), canary);
            const written done = ws::encode_close_payload(bytes(out).first(room), 4999, reason);
            REQUIRE(done.size == size + 2);
            REQUIRE(!done.error == (room >= size + 2));
            REQUIRE(untouched(cbytes(out).subspan(done.error ? 0 : size + 2)));
            if (!done.error) REQUIRE(examples::equal(cbytes(out).subspan(2, size), reason));
            if (done.error) REQUIRE(done.error == errc::no_room);
        }
    }
}

TEST_CASE("C3 C5 F12: every Close that can be written is read as it was written") {
    for (unsigned code = 1000; code != 5000; ++code) {
        const auto number = static_cast<std::uint16_t>(code);
        const std::string_view reason = code % 2 == 0 ? "done 끝" : "";
        std::array<std::byte, 125> payload{};
        const written close = ws::encode_close_payload(payload, number, code == 1005 ? cbytes{} : bytes_of(reason));
        if (close.error) continue;
        std::array<std::byte, 139> wire{};
        const written done = ws::encode(wire, {.opcode = opcode::close}, cbytes(payload).first(close.size));
        REQUIRE_FALSE(done.error);
        ws::decoder decoder(role::client);
        bytes in = bytes(wire).first(done.size);
        const ws::decoder::event event = decoder.next(in);
        REQUIRE(event.kind == ws::decoder::kind::close);
        REQUIRE(event.code == code);
        REQUIRE(text_of(event.payload) == (code == 1005 ? "" : reason));
    }
}
