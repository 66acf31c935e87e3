#include <sockless/ws/decoder.hpp>

#include <doctest/doctest.h>
#include <sockless/ws/opening.hpp>

#include <optional>

#include "../support/frame_log.hpp"
#include "inflating_decoder.hpp"

// What real clients and servers sent to each other must decode to what is known of it. README.md in this folder says
// what the captures are and what a transcript holds.

using namespace sockless;
using namespace sockless::test;
using ws::decoder;
using event_kind = ws::decoder::kind;

namespace {

// --- transcripts

// An entry of a log as the line of a transcript; `size` is that of the message's payload on the wire.
std::string transcript_line(const frame_entry& entry, std::uint64_t size) {
    const auto with_payload = [&](const std::string& line) { return line + " " + payload_line(entry.payload); };
    switch (entry.kind) {
    case event_kind::data: {
        std::string line = entry.type == ws::message_type::text ? "text" : "binary";
        if (!entry.last) line += " unfinished";
        if (entry.compressed) line += " compressed " + std::to_string(size);
        return with_payload(line);
    }
    case event_kind::ping: return with_payload("ping");
    case event_kind::pong: return with_payload("pong");
    case event_kind::close: return with_payload("close " + std::to_string(entry.number));
    default: return line_of(entry);
    }
}

std::vector<frame_entry> only_frames(const std::vector<frame_entry>& log) {
    std::vector<frame_entry> out;
    std::copy_if(log.begin(), log.end(), std::back_inserter(out),
                 [](const frame_entry& entry) { return entry.kind == event_kind::frame; });
    return out;
}

// What the frames of each data message hold, together.
std::vector<std::uint64_t> sizes_of_messages(const std::vector<frame_entry>& frames) {
    std::vector<std::uint64_t> sizes;
    for (const frame_entry& frame : frames) {
        const unsigned opcode = frame.number & 15U;
        if (opcode == 1 || opcode == 2) sizes.push_back(0);
        if (opcode <= 2) sizes.back() += frame.length;
    }
    return sizes;
}

// A message that a control frame interrupts is two entries of a log, but one line of a transcript, at its end.
std::vector<frame_entry> with_whole_messages(const std::vector<frame_entry>& log) {
    std::vector<frame_entry> out;
    std::optional<frame_entry> open;
    for (const frame_entry& entry : log) {
        if (entry.kind == event_kind::error && open) {
            out.push_back(*open);
            open.reset();
        }
        if (entry.kind != event_kind::data) {
            out.push_back(entry);
            continue;
        }
        if (entry.first) {
            open = entry;
        } else if (open) {
            open->payload.insert(open->payload.end(), entry.payload.begin(), entry.payload.end());
            open->last = entry.last;
        }
        if (open && open->last) {
            out.push_back(*open);
            open.reset();
        }
    }
    return out;
}

// --- heads

struct known_head {
    std::string line{};
    std::string fields{};
};

std::string first_line(const http::head& head, bool request) {
    const std::string version = "HTTP/1." + std::to_string(head.minor_version);
    if (request) return std::string(head.method) + " " + std::string(head.target) + " " + version;
    return version + " " + std::to_string(head.status) + " " + std::string(head.reason);
}

// --- one direction, once

// Compares events as they come with a log, and copies nothing.
class comparer {
  public:
    explicit comparer(const std::vector<frame_entry>& events, const std::vector<frame_entry>& frames)
        : events_(events), frames_(frames) {}

    bool take(const inflating_decoder& from, const decoder::event& event) {
        if (event.kind == event_kind::frame) return take_frame(from);
        if (event.kind != event_kind::data && taken_ != 0 && !end_of_entry()) return false;
        if (next_ == events_.size()) return false;
        const frame_entry& entry = events_[next_];
        if (entry.kind != event.kind) return false;
        switch (event.kind) {
        case event_kind::data: return take_data(entry, from, event);
        case event_kind::error: ++next_; return event.error == entry.error && from.offset() == entry.at;
        default:
            ++next_;
            return event.code == entry.number && from.frame_offset() == entry.at &&
                   std::equal(event.payload.begin(), event.payload.end(), entry.payload.begin(), entry.payload.end());
        }
    }

    bool finish(inflating_decoder& from) {
        const ws::errc said = from.finish();
        if (taken_ != 0 && !end_of_entry()) return false;
        if (said == ws::errc::end_of_input) {
            return next_ + 1 == events_.size() && events_[next_].error == said && events_[next_].at == from.offset();
        }
        return next_ == events_.size() && said == events_.back().error;
    }

    [[nodiscard]] bool all_frames() const { return frame_ == frames_.size(); }

  private:
    bool take_frame(const inflating_decoder& from) {
        if (frame_ == frames_.size()) return false;
        const frame_entry& entry = frames_[frame_++];
        const ws::frame_header header = from.header();
        return header.length == entry.length && from.frame_offset() == entry.at &&
               static_cast<unsigned>(header.opcode) == (entry.number & 15U) && header.fin == (entry.number >= 0x80) &&
               header.rsv == (entry.number >> 4U & 7U);
    }

    bool end_of_entry() {
        const bool right = taken_ == events_[next_].payload.size() && !events_[next_].last;
        taken_ = 0;
        ++next_;
        return right;
    }

    bool take_data(const frame_entry& entry, const inflating_decoder& from, const decoder::event& event) {
        const std::size_t size = event.payload.size();
        if (taken_ == 0 && (event.first != entry.first || from.frame_offset() != entry.at)) return false;
        if (event.type != entry.type || event.compressed != entry.compressed) return false;
        if (size > entry.payload.size() - taken_) return false;
        if (size != 0 && std::memcmp(event.payload.data(), entry.payload.data() + taken_, size) != 0) return false;
        taken_ += size;
        if (event.last) {
            if (!entry.last || taken_ != entry.payload.size()) return false;
            taken_ = 0;
            ++next_;
        }
        return true;
    }

    const std::vector<frame_entry>& events_;
    const std::vector<frame_entry>& frames_;
    std::size_t next_ = 0;
    std::size_t frame_ = 0;
    std::size_t taken_ = 0;
};

struct known_direction {
    known_head head{};
    std::vector<frame_entry> events{};
    std::vector<frame_entry> frames{};
};

// How a capture is decoded once.
struct manner {
    bool learn = false;
    bool show_frames = false;
    std::size_t room = 4096; // for what is inflated
};

// Parses the head and decodes what is behind it, cut at `at`. What is new is written to `known`, and else compared with
// it. Says what is wrong, or nothing.
std::string run(const direction& side, bool request, const ws::deflate_agreement& agreed, const cuts& at,
                guarded_memory& memory, known_direction& known, manner how) {
    static char head_memory[32768];
    http::basic_head_parser<span_buffer<char>> parser(request ? http::message_kind::request
                                                              : http::message_kind::response,
                                                      span_buffer<char>(std::span<char>(head_memory)));
    inflating_decoder frames(request ? role::server : role::client, agreed, how.room);
    frames.show_frames(how.show_frames);
    frame_log log;
    comparer compared(known.events, known.frames);
    bool headed = false;
    bool ended = false;
    std::string wrong;

    feed_cut(side.wire, at, memory, [&](bytes piece) {
        if (!wrong.empty()) return;
        if (!headed) {
            const http::head_event event = parser.next(piece);
            if (!event) return;
            if (event.kind != http::head_kind::head) {
                wrong = "the head is refused: " + std::string(row_of(event.error).name);
                return;
            }
            headed = true;
            const known_head now{first_line(event.head, request), std::string(event.head.fields.text())};
            if (how.learn) known.head = now;
            if (now.line != known.head.line || now.fields != known.head.fields) wrong = "another head";
        }
        if (!side.opened) return; // a body, or nothing
        if (how.learn) {
            log.feed(frames, piece);
            wrong = log.complaint;
            return;
        }
        while (const decoder::event event = frames.next(piece)) {
            ended = ended || event.kind == decoder::kind::close || event.kind == decoder::kind::error;
            if (!compared.take(frames, event)) {
                wrong = "another event at offset " + std::to_string(frames.offset());
                return;
            }
        }
        if (!ended && !piece.empty()) wrong = "falsy before the input was used up";
    });
    if (!headed && wrong.empty()) wrong = "no head";
    if (!wrong.empty() || !side.opened) return wrong;
    if (!how.learn) {
        if (!compared.finish(frames)) return "another end";
        return how.show_frames && !compared.all_frames() ? "frames are missing" : "";
    }
    log.finish(frames);
    known.events = without_frames(log.entries);
    known.frames = only_frames(log.entries);
    return log.complaint;
}

void check_transcript(const direction& side, const known_direction& known) {
    std::vector<std::string> frames;
    for (const frame_entry& entry : known.frames) {
        frames.push_back(to_hex(octets({static_cast<int>(entry.number)})) + ":" + std::to_string(entry.length));
    }
    CHECK(frames == side.frames);

    const std::vector<frame_entry> whole = with_whole_messages(known.events);
    REQUIRE(!whole.empty());
    CHECK(whole.size() == side.events.size());
    const std::vector<std::uint64_t> sizes = sizes_of_messages(known.frames);
    std::size_t messages = 0;
    for (std::size_t i = 0; i != whole.size() && i != side.events.size(); ++i) {
        const bool message = whole[i].kind == event_kind::data;
        CHECK(transcript_line(whole[i], message ? sizes.at(messages++) : 0) == side.events[i]);
    }
    CHECK((whole.back().kind == event_kind::error || whole.back().kind == event_kind::close));
}

void check_handshake(const capture& of) {
    buffer c2s = of.c2s.wire;
    buffer s2c = of.s2c.wire;
    const http::head request = head_in(c2s, http::message_kind::request);
    const http::head response = head_in(s2c, http::message_kind::response);
    CHECK(first_line(request, true) == of.request);
    CHECK(first_line(response, false) == of.response);

    const ws::opening_request asked = ws::check_request(request);
    const std::string_view subprotocols = http::first(request.fields, "Sec-WebSocket-Protocol");
    const std::string_view extensions = http::first(request.fields, "Sec-WebSocket-Extensions");
    const ws::opening_response answered = ws::check_response(response, asked.key, subprotocols, extensions);
    if (response.status == 101) {
        CHECK(of.c2s.opened);
        CHECK(of.s2c.opened);
        CHECK(asked.error.name() == "none");
        CHECK(answered.error.name() == "none");
        CHECK(answered.subprotocol == of.subprotocol);
        CHECK(answered.extensions == of.extensions);
        CHECK(answered.subprotocol_missing == (of.subprotocol.empty() && !subprotocols.empty()));
        if (!of.subprotocol.empty()) CHECK(ws::offers_subprotocol(request.fields, of.subprotocol));
    } else {
        CHECK(!of.c2s.opened);
        CHECK(!of.s2c.opened);
        CHECK(answered.error == ws::errc::unexpected_status);
        // What a server refused because of the request is refused here, too.
        const bool bad_request = of.name.find("-reject.") != std::string::npos;
        CHECK(static_cast<bool>(asked.error) == bad_request);
        CHECK((asked.error.status() >= 400) == bad_request);
    }
}

// For what is inflated.
constexpr std::size_t rooms[] = {65536, 16384, 1000, 64};

// Runs both sides of every capture, cut as `cuts_of(side, round)` says, for a number of rounds.
template <class CutsOf>
void run_all(std::uint64_t rounds, CutsOf cuts_of) {
    for (const capture& of : websocket_captures()) {
        const ws::deflate_agreement agreed = terms_of(of);
        for (const direction* const side : {&of.c2s, &of.s2c}) {
            const bool request = side == &of.c2s;
            guarded_memory memory(side->wire.size());
            known_direction known;
            const manner first{.learn = true, .show_frames = true};
            std::string wrong = run(*side, request, agreed, {side->wire.size()}, memory, known, first);
            for (std::uint64_t round = 0; round != rounds && wrong.empty(); ++round) {
                const manner how{.show_frames = round % 2 == 1, .room = rooms[round / 2 % std::size(rooms)]};
                wrong = run(*side, request, agreed, cuts_of(*side, round), memory, known, how);
                if (!wrong.empty()) wrong += ", in round " + std::to_string(round);
            }
            CHECK_MESSAGE(wrong.empty(), (of.name + (request ? ", client: " : ", server: ") + wrong));
        }
    }
}

} // namespace

TEST_CASE("every capture is there, with both sides and its reads") {
    CHECK(websocket_captures().size() > 130);
    for (const capture& of : websocket_captures()) {
        INFO(of.name);
        CHECK(!of.request.empty());
        CHECK(!of.response.empty());
        for (const direction* const side : {&of.c2s, &of.s2c}) {
            CHECK(!side->wire.empty());
            std::size_t sum = 0;
            for (const std::size_t size : side->reads) sum += size;
            CHECK(sum == side->wire.size());
        }
    }
}

TEST_CASE("H4 H5 H6 H7 H10 H11 H17: the openings of real clients and servers are what they are, or refused") {
    for (const capture& of : websocket_captures()) {
        INFO(of.name);
        check_handshake(of);
    }
}

TEST_CASE("D5 D7 D8 D9: every capture gives its transcript, and the error where a peer breaks a rule") {
    for (const capture& of : websocket_captures()) {
        for (const direction* const side : {&of.c2s, &of.s2c}) {
            INFO((of.name + (side == &of.c2s ? ", client" : ", server")));
            guarded_memory memory(side->wire.size());
            known_direction known;
            const ws::deflate_agreement agreed = terms_of(of);
            const bool request = side == &of.c2s;
            const cuts whole{side->wire.size()};
            const manner first{.learn = true, .show_frames = true};
            CHECK(run(*side, request, agreed, whole, memory, known, first).empty());
            if (side->opened) check_transcript(*side, known);
            CHECK(run(*side, request, agreed, whole, memory, known, {}).empty());
        }
    }
}

TEST_CASE("F12 H19 D7 D8: every capture gives the same events by its real reads") {
    run_all(2, [](const direction& side, std::uint64_t) { return real_cuts(side); });
}

TEST_CASE("F12 H19 H20 D7 D8: every capture gives the same events at 200 random splits") {
    run_all(200, [](const direction& side, std::uint64_t round) { return random_cuts(side.wire.size(), round); });
}
