// The events of a ws::decoder, in a form that does not depend on the cuts of its input: pieces of data are joined.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless/ws/decoder.hpp>

#include <string>
#include <vector>

#include "split.hpp"

namespace sockless::test {

/// One event, with a copy of its payload. The last entry of a log may be of kind `error` with `end_of_input`, which is
/// what `finish` said.
struct frame_entry {
    ws::decoder::kind kind = ws::decoder::kind::need_input;
    ws::message_type type = ws::message_type::text;
    bool first = false;
    bool last = false;
    bool compressed = false;
    ws::errc error = ws::errc::none;
    unsigned number = 0;      // of a Close, its code; of an error, the one that answers it; of a frame, its first byte
    std::uint64_t length = 0; // of a frame
    std::uint64_t at = 0;     // the offset of the first byte of the (for data: first) frame; of an error, its offset
    buffer payload{};

    friend bool operator==(const frame_entry&, const frame_entry&) = default;
};

/// The entry as a line of a vector's expected events, the payload in hexadecimal.
inline std::string line_of(const frame_entry& entry) {
    using kind = ws::decoder::kind;
    std::string line;
    switch (entry.kind) {
    case kind::need_input: line = "need_input"; break;
    case kind::frame:
        line = "frame " + to_hex(octets({static_cast<int>(entry.number)})) + " " + std::to_string(entry.length);
        break;
    case kind::data:
        line = entry.type == ws::message_type::text ? "text" : "binary";
        if (entry.compressed) line += " compressed";
        if (entry.first) line += " first";
        if (entry.last) line += " last";
        break;
    case kind::ping: line = "ping"; break;
    case kind::pong: line = "pong"; break;
    case kind::close: line = "close " + std::to_string(entry.number); break;
    case kind::error:
        line = "error " + std::string(row_of(entry.error).name) + " " + std::to_string(entry.number);
        break;
    }
    return line + (entry.payload.empty() ? "" : " " + to_hex(entry.payload)) + " @" + std::to_string(entry.at);
}

inline std::string lines_of(const std::vector<frame_entry>& log) {
    std::string lines;
    for (const frame_entry& entry : log) lines += "    " + line_of(entry) + "\n";
    return lines;
}

/// The log that would be there if no frames were shown.
inline std::vector<frame_entry> without_frames(const std::vector<frame_entry>& log) {
    std::vector<frame_entry> out;
    for (const frame_entry& entry : log) {
        if (entry.kind == ws::decoder::kind::frame) continue;
        if (entry.kind == ws::decoder::kind::data && !entry.first && !out.empty() &&
            out.back().kind == ws::decoder::kind::data) {
            out.back().last = entry.last;
            out.back().payload.insert(out.back().payload.end(), entry.payload.begin(), entry.payload.end());
        } else {
            out.push_back(entry);
        }
    }
    return out;
}

/// Collects the events of one decoder and says, in `complaint`, if it breaks a promise of all decoders. `Decoder` is
/// `ws::decoder`, or has the same functions.
class frame_log {
  public:
    /// Feeds a piece and takes all events.
    template <class Decoder>
    void feed(Decoder& decoder, bytes piece) {
        const bytes whole = piece;
        const bool had_ended = ended_;
        while (const ws::decoder::event event = decoder.next(piece)) {
            if (ended_) complain("an event after the end");
            if (piece.size() > whole.size() || piece.data() + piece.size() != whole.data() + whole.size()) {
                complain("the input was not taken from its front");
            }
            add(decoder, event);
            if (!complaint.empty()) return;
        }
        if (!ended_ && !piece.empty()) complain("falsy before the input was used up");
        if (had_ended && piece.size() != whole.size()) complain("input was taken after the end");
    }

    /// Says that the input has ended, and that nothing comes after it.
    template <class Decoder>
    void finish(Decoder& decoder) {
        const ws::errc last = entries.empty() ? ws::errc::none : entries.back().error;
        const ws::errc said = decoder.finish();
        if (said != decoder.error()) complain("finish and error differ");
        if (ended_ && said != last) complain("the error did not stay");
        if (!ended_ && said != ws::errc::end_of_input) complain("no end_of_input");
        const std::uint64_t offset = decoder.offset();
        if (!ended_) {
            entries.push_back(
                {.kind = ws::decoder::kind::error, .error = said, .number = row_of(said).close_code, .at = offset});
        }
        ended_ = true;
        buffer more = octets({0x81, 0x81, 0, 0, 0, 0, 'x', 0x01, 0x02, 0x88, 0x00, 0x80, 0, 0});
        feed(decoder, more);
        if (decoder.error() != said || decoder.finish() != said) complain("the error changed after the end");
        if (decoder.offset() != offset) complain("the offset changed after the end");
    }

    std::vector<frame_entry> entries{};
    std::string complaint{};

  private:
    void complain(const char* what) {
        if (complaint.empty()) complaint = what;
    }

    template <class Decoder>
    void add(const Decoder& decoder, const ws::decoder::event& event) {
        using kind = ws::decoder::kind;
        if (event.kind == kind::data) {
            const bool goes_on = !entries.empty() && entries.back().kind == kind::data && !entries.back().last;
            if (event.payload.empty() && !event.last) complain("a piece that says nothing");
            if (goes_on && !event.first) {
                frame_entry& open = entries.back();
                if (open.type != event.type || open.compressed != event.compressed) complain("the message changed");
                open.payload.insert(open.payload.end(), event.payload.begin(), event.payload.end());
                open.last = event.last;
                return;
            }
        }
        frame_entry entry{.kind = event.kind, .at = decoder.frame_offset(), .payload = {}};
        entry.payload.assign(event.payload.begin(), event.payload.end());
        switch (event.kind) {
        case kind::need_input: complain("truthy without an event"); break;
        case kind::frame: {
            const ws::frame_header header = decoder.header();
            entry.number = (header.fin ? 0x80U : 0U) | static_cast<unsigned>(header.rsv) << 4U |
                           static_cast<unsigned>(header.opcode);
            entry.length = header.length;
            break;
        }
        case kind::data:
            entry.type = event.type;
            entry.first = event.first;
            entry.last = event.last;
            entry.compressed = event.compressed;
            break;
        case kind::ping:
        case kind::pong: break;
        case kind::close:
            entry.number = event.code;
            ended_ = true;
            if (decoder.error() != ws::errc::none) complain("an error beside a Close");
            break;
        case kind::error:
            entry.error = event.error;
            entry.number = row_of(event.error).close_code;
            entry.at = decoder.offset();
            ended_ = true;
            if (decoder.error() != event.error) complain("the event and error() differ");
            break;
        }
        entries.push_back(static_cast<frame_entry&&>(entry));
    }

    bool ended_ = false;
};

} // namespace sockless::test
