// Frames of any content: what is encoded is decoded as the same, and what does not fit is not begun.
// SPDX-License-Identifier: MIT
#include <sockless/ws/decoder.hpp>
#include <sockless/ws/encode.hpp>

#include "fuzz.hpp"

using namespace sockless;
using namespace sockless::fuzz;

namespace {

// A frame in memory of exactly `room` bytes.
written encode_into(std::vector<std::byte>& out, std::size_t room, const ws::frame_header& header, cbytes payload) {
    out.assign(room, std::byte{0xA5});
    const exact_copy memory(out);
    const written wrote = ws::encode(memory.get(), header, payload);
    out.assign(memory.get().begin(), memory.get().end());
    return wrote;
}

void decode_again(cbytes frame, const ws::frame_header& header, cbytes payload) {
    const exact_copy copy(frame);
    bytes in = copy.get();
    ws::decoder decoder(header.masked ? role::server : role::client,
                        {.message = UINT64_MAX, .frame = UINT64_MAX, .frames = UINT32_MAX});
    decoder.agree_to(7);
    decoder.show_frames(true);
    const bool continues = header.opcode == ws::opcode::continuation;
    if (continues) {
        // Only inside a message.
        std::byte first[6] = {std::byte{0x02}, std::byte(header.masked ? 0x80 : 0)};
        bytes begin = bytes(first).first(header.masked ? 6 : 2);
        promise(decoder.next(begin).kind == ws::decoder::kind::frame && !decoder.next(begin), "a message begins");
    }
    const ws::decoder::event head = decoder.next(in);
    if (head.kind == ws::decoder::kind::error) {
        promise(continues && (header.rsv & ws::rsv::rsv1) != 0, "what is encoded can be decoded");
        return;
    }
    promise(head.kind == ws::decoder::kind::frame && decoder.header() == header, "the header is the same again");
    std::vector<std::byte> seen;
    bool last = false;
    using kind = ws::decoder::kind;
    while (const ws::decoder::event found = decoder.next(in)) {
        if (found.kind == kind::error) {
            const bool text = header.opcode == ws::opcode::text && (header.rsv & ws::rsv::rsv1) == 0;
            bool complete = false;
            const bool broken = valid_utf8(payload, complete) != payload.size() || (header.fin && !complete);
            promise((text && broken) || header.opcode == ws::opcode::close, "only what is said wrongly fails");
            return;
        }
        if (found.kind == kind::close && found.code != 1005) {
            seen.push_back(static_cast<std::byte>(found.code >> 8U));
            seen.push_back(static_cast<std::byte>(found.code & 255U));
        }
        seen.insert(seen.end(), found.payload.begin(), found.payload.end());
        last = found.kind != kind::data || found.last;
    }
    promise(in.empty(), "all of the frame is taken");
    promise(seen == std::vector<std::byte>(payload.begin(), payload.end()), "the payload is the same again");
    promise(last == header.fin, "the end is the same again");
}

void try_frame(const ws::frame_header& asked, cbytes payload, std::size_t less) {
    ws::frame_header header = asked;
    header.length = payload.size();
    std::vector<std::byte> out;
    const written wrote = encode_into(out, payload.size() + ws::max_header_size, asked, payload);
    const bool control = ws::is_control(header.opcode);
    const bool legal = ws::is_known(header.opcode) && header.rsv <= 7 &&
                       (!control || (header.fin && header.rsv == 0 && payload.size() <= 125));
    promise(legal == !wrote.error, "what is legal is encoded, and nothing else");
    if (!legal) return;
    promise(wrote.size == payload.size() + ws::header_size(payload.size(), header.masked), "a frame has its size");
    const std::vector<std::byte> frame(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(wrote.size));
    if (!header.masked) header.masking_key = {};
    decode_again(frame, header, payload);

    // Exactly so much room is enough, and less is not.
    promise(encode_into(out, wrote.size, asked, payload).size == wrote.size && out == frame, "it fits into its size");
    const std::size_t short_by = 1 + less % wrote.size;
    const written refused = encode_into(out, wrote.size - short_by, asked, payload);
    promise(refused.error == ws::errc::no_room && refused.size == wrote.size, "what does not fit says so");

    // The two other ways to the same frame.
    const exact_copy whole(frame);
    const bytes room = whole.get();
    const std::size_t headroom = wrote.size - payload.size();
    if (!payload.empty()) std::memcpy(room.data() + headroom, payload.data(), payload.size());
    promise(ws::frame_in_place(room, headroom, asked).size == wrote.size, "a frame is made in place");
    promise(std::memcmp(room.data(), frame.data(), frame.size()) == 0, "in place it is the same");
    std::byte head[ws::max_header_size];
    promise(ws::encode_header(head, header).size == headroom, "a header has its size");
    promise(std::memcmp(head, frame.data(), headroom) == 0, "the header alone is the same");
}

void try_close(std::uint16_t code, cbytes reason) {
    std::byte payload[125];
    const written wrote = ws::encode_close_payload(payload, code, reason);
    const bool legal =
        (code == 1005 && reason.empty()) || (is_legal_code(code) && reason.size() <= 123 && is_legal_utf8(reason));
    promise(legal == !wrote.error, "a Close that may be sent is encoded, and no other");
    if (!legal) return;
    std::byte frame[131];
    const written framed = ws::encode(frame, {.opcode = ws::opcode::close}, bytes(payload).first(wrote.size));
    bytes in = bytes(frame).first(framed.size);
    ws::decoder decoder(role::client);
    const ws::decoder::event found = decoder.next(in);
    promise(found.kind == ws::decoder::kind::close && found.code == code, "a Close is the same again");
    promise(text_of(found.payload) == text_of(reason), "a reason is the same again");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    input from(data, size, 9);
    ws::frame_header header;
    const unsigned first = from.setting();
    const unsigned flags = from.setting();
    header.opcode = static_cast<ws::opcode>(first & 15U);
    header.fin = (first & 128U) != 0;
    header.rsv = static_cast<std::uint8_t>((first >> 4U & 7U) | ((flags & 30U) == 30U ? 8U : 0U));
    header.masked = (flags & 1U) != 0;
    for (std::byte& octet : header.masking_key) octet = static_cast<std::byte>(from.setting());
    const unsigned more = from.setting();

    const cbytes stream = from.stream();
    // Sizes beyond those that fuzzers reach on their own.
    constexpr std::size_t sizes[] = {125, 126, 127, 65535, 65536, 70000};
    std::vector<std::byte> payload(stream.begin(), stream.end());
    if (more < std::size(sizes)) {
        payload.resize(sizes[more]);
        for (std::size_t i = stream.size(); i < payload.size(); ++i) {
            payload[i] = stream.empty() ? std::byte{'x'} : stream[i % stream.size()];
        }
    }
    const unsigned high = from.setting();
    const unsigned low = from.setting();
    try_frame(header, payload, high * 256 + low);
    try_close(static_cast<std::uint16_t>(high << 8U | low), stream);
    return 0;
}
