// Frames of any peer through the decoder: whole and split give the same, within the limits.
// SPDX-License-Identifier: MIT
#include <sockless/ws/decoder.hpp>

#include "../tests/support/frame_log.hpp"
#include "fuzz.hpp"

using namespace sockless;
using namespace sockless::fuzz;

namespace {

struct settings {
    role own = role::server;
    std::uint8_t agreed = 0;
    bool show_frames = false;
    ws::limits limits{};
    ws::tolerated tolerated{};
};

test::frame_log run(cbytes stream, const std::vector<unsigned>& sizes, const settings& how) {
    ws::decoder decoder(how.own, how.limits, how.tolerated);
    decoder.agree_to(how.agreed);
    decoder.show_frames(how.show_frames);
    test::frame_log log;
    feed_cut(stream, sizes, [&](bytes piece) { log.feed(decoder, piece); });
    log.finish(decoder);
    promise(log.complaint.empty(), log.complaint.c_str());
    return log;
}

// The promises about the events of any input.
void check(const test::frame_log& log, cbytes stream, const settings& how) {
    using kind = ws::decoder::kind;
    std::size_t bytes_out = 0;
    std::size_t message = 0;
    test::buffer text;
    bool open = false;
    for (const test::frame_entry& each : log.entries) {
        bytes_out += each.payload.size();
        promise(each.at <= stream.size(), "an event is at a place in its stream");
        switch (each.kind) {
        case kind::data:
            promise(each.first != open, "a message begins once and ends before the next");
            promise(!each.compressed || (how.agreed & ws::rsv::rsv1) != 0, "nothing is compressed unless agreed");
            message = each.first ? each.payload.size() : message + each.payload.size();
            promise(message <= how.limits.message, "a message is no larger than its limit");
            open = !each.last;
            if (each.first) text.clear();
            text.insert(text.end(), each.payload.begin(), each.payload.end());
            if (each.type == ws::message_type::text && !each.compressed) {
                bool complete = false;
                promise(valid_utf8(text, complete) == text.size(), "text is UTF-8 as far as it goes");
                promise(complete || !each.last, "text ends between characters");
            }
            break;
        case kind::ping:
        case kind::pong: promise(each.payload.size() <= 125, "a control frame is short"); break;
        case kind::close:
            promise(each.number == 1005 ? each.payload.empty() : is_legal_code(each.number),
                    "a Close has a code that may be sent, or none");
            promise(each.payload.size() <= 123 && is_legal_utf8(each.payload), "a reason is short and UTF-8");
            promise(&each == &log.entries.back(), "nothing follows a Close");
            break;
        case kind::error:
            promise(&each == &log.entries.back(), "nothing follows an error");
            promise(each.number >= 1002 && each.number <= 1009, "an error has a Close code");
            break;
        default: promise(how.show_frames, "frames are shown where that was asked for"); break;
        }
    }
    promise(bytes_out <= stream.size(), "no more bytes come out than go in");
}

// A rule that is tolerated changes nothing but its own error: the events before it stay, and without it all of them.
void check_against_strict(const test::frame_log& tolerant, cbytes stream, settings how) {
    const ws::tolerated tolerated = how.tolerated;
    how.tolerated = {};
    const test::frame_log strict = run(stream, {}, how);
    const test::frame_entry& last = strict.entries.back();
    const bool is_let_through =
        (last.error == ws::errc::length_not_minimal && tolerated.longer_lengths) ||
        (last.error == ws::errc::mask_missing && tolerated.unmasked_frames && how.own == role::server);
    if (!is_let_through) return promise(tolerant.entries == strict.entries, "all else is judged as ever");

    const std::size_t before = strict.entries.size() - 1;
    promise(tolerant.entries.size() >= before, "events do not get lost");
    for (std::size_t i = 0; i != before; ++i) {
        test::frame_entry expected = strict.entries[i], got = tolerant.entries[i];
        if (!expected.last && got.payload.size() >= expected.payload.size()) {
            // A message may go on behind the frame that was an error.
            got.payload.resize(expected.payload.size());
            got.last = false;
        }
        promise(got == expected, "the events before the frame stay");
    }
    const test::frame_entry& end = tolerant.entries.back();
    promise(end.error != last.error || end.at > last.at, "a rule that is tolerated is no error");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    input from(data, size, 12);
    const unsigned flags = from.setting();
    constexpr std::uint64_t sizes_allowed[] = {16 * 1024 * 1024, 0, 1, 10, 125, 126, 300, UINT64_MAX};
    constexpr std::uint32_t counts[] = {65537, 0, 1, 2, 5, UINT32_MAX};
    settings how;
    how.own = (flags & 1U) == 0 ? role::server : role::client;
    how.show_frames = (flags & 2U) != 0;
    how.agreed = static_cast<std::uint8_t>(flags >> 2U & 7U);
    how.tolerated = {.longer_lengths = (flags & 32U) != 0, .unmasked_frames = (flags & 64U) != 0};
    how.limits.message = from.one_of(sizes_allowed);
    how.limits.frame = from.one_of(sizes_allowed);
    how.limits.frames = from.one_of(counts);
    const std::vector<unsigned> sizes = from.several(8);

    const test::frame_log whole = run(from.stream(), {}, how);
    check(whole, from.stream(), how);
    promise(run(from.stream(), sizes, how).entries == whole.entries, "the events are the same at any split");
    promise(run(from.stream(), {1}, how).entries == whole.entries, "the events are the same in single bytes");
    check_against_strict(whole, from.stream(), how);
    return 0;
}
