#include <sockless/stomp/parser.hpp>

#include <doctest/doctest.h>
#include <sockless/http/head_parser.hpp>
#include <sockless/ws/decoder.hpp>

#include <utility>

#include "../http/log.hpp"
#include "inflating_decoder.hpp"

// What real STOMP clients and brokers sent to each other, and what was written by hand to see them refuse it, must
// decode to what is known of it. README.md in this folder says what the captures are and what a transcript holds.

using namespace sockless;
using namespace sockless::test;
using event_kind = stomp::parser_kind;

namespace {

using header_list = std::vector<std::pair<std::string, std::string>>;

struct entry {
    event_kind kind = event_kind::need_input; // which stands for the end
    std::uint64_t at = 0;
    sockless::error error{};
    stomp::command command = stomp::command::none;
    header_list headers{};
    buffer body{};
    bool whole = false; // the frame is
};

std::string transcript_line(const entry& of) {
    if (of.kind == event_kind::error) return "error " + std::string(of.error.name()) + at(of.at);
    if (of.kind == event_kind::heart_beat) return "heart-beat" + at(of.at);
    if (of.kind == event_kind::need_input) return "end" + at(of.at);
    std::string line = (of.whole ? "frame" : "unfinished") + at(of.at) + " " + std::string(text_of(of.command));
    for (const auto& [name, value] : of.headers) line += " " + in_quotes(name) + ":" + in_quotes(value);
    return line + " " + payload_line(of.body);
}

bool same(const stomp::headers& some, const header_list& known) {
    return std::equal(some.begin(), some.end(), known.begin(), known.end(), [](const auto& one, const auto& other) {
        return one.name == other.first && one.value == other.second;
    });
}

/// Feeds a parser, and writes down what it says, or compares it with what was written down. Copies nothing then.
template <class Memory>
class follower {
  public:
    follower(Memory memory, std::string_view agreed, std::vector<entry>& known, bool learn, bool keep)
        : parser_(std::move(memory)), agreed_(agreed), known_(known), learn_(learn), keep_(keep) {}

    /// Says what is wrong, or nothing.
    std::string feed(bytes piece) {
        while (const stomp::parser_event event = parser_.next(piece)) {
            if (!take(event)) return "another event at offset " + std::to_string(parser_.offset());
        }
        if (!ended_ && !piece.empty()) return "falsy before the input was used up";
        return "";
    }

    /// Ends, with the error of the WebSocket below where there is one.
    std::string finish(sockless::error below = {}) {
        const sockless::error said = below ? below : parser_.finish();
        if (!ended_) {
            const entry last{.kind = said ? event_kind::error : event_kind::need_input,
                             .at = parser_.offset(),
                             .error = said,
                             .headers = {},
                             .body = {}};
            if (!close_frame() || !take_entry(last)) return "another end";
        }
        return next_ == known_.size() ? "" : "events are missing";
    }

  private:
    bool take(const stomp::parser_event& event) {
        switch (event.kind) {
        case event_kind::head: return take_head(event);
        case event_kind::body: return take_body(event);
        case event_kind::heart_beat:
            return take_entry({.kind = event.kind, .at = parser_.frame_offset(), .headers = {}, .body = {}});
        case event_kind::error:
            ended_ = true;
            return close_frame() &&
                   take_entry(
                       {.kind = event.kind, .at = parser_.offset(), .error = event.error, .headers = {}, .body = {}});
        case event_kind::need_input: break;
        }
        return false;
    }

    bool take_entry(const entry& now) {
        if (learn_) known_.push_back(now);
        if (next_ == known_.size()) return false;
        const entry& then = known_[next_++];
        return now.kind == then.kind && now.at == then.at && now.error == then.error;
    }

    bool take_head(const stomp::parser_event& event) {
        open_ = true;
        taken_ = 0;
        if (learn_) {
            known_.push_back({.kind = event.kind,
                              .at = parser_.frame_offset(),
                              .command = event.command,
                              .headers = {},
                              .body = {}});
            for (const stomp::header& each : event.headers) known_.back().headers.emplace_back(each.name, each.value);
        }
        if (next_ == known_.size()) return false;
        const entry& then = known_[next_];
        if (then.kind != event.kind || then.at != parser_.frame_offset() || then.command != event.command) return false;
        if (!same(event.headers, then.headers)) return false;
        if (keep_ && !(parser_.keep() && same(parser_.headers(), then.headers))) return false;
        return agree(event);
    }

    // The version is that of the CONNECTED frame, 1.0 where it names none.
    bool agree(const stomp::parser_event& event) {
        using stomp::command;
        if (event.command != command::connect && event.command != command::stomp &&
            event.command != command::connected) {
            return true;
        }
        parser_.set_version(stomp::version_of(agreed_));
        if (event.command != command::connected) return true;
        const std::string_view version = event.headers.find("version");
        return agreed_ == (version.data() == nullptr ? "1.0" : version);
    }

    bool take_body(const stomp::parser_event& event) {
        entry& then = known_[next_];
        if (!open_ || event.first != (taken_ == 0)) return false;
        const bytes piece = event.payload;
        if (learn_) {
            then.body.insert(then.body.end(), piece.begin(), piece.end());
            then.whole = event.last;
        }
        if (piece.size() > then.body.size() - taken_) return false;
        if (!piece.empty() && std::memcmp(piece.data(), then.body.data() + taken_, piece.size()) != 0) return false;
        taken_ += piece.size();
        if (!event.last) return true;
        if (keep_ && !same(event.headers, then.headers)) return false;
        return then.whole && close_frame();
    }

    // A frame ends here: its body must be all that is known of it.
    bool close_frame() {
        if (!open_) return true;
        open_ = false;
        return taken_ == known_[next_++].body.size();
    }

    stomp::basic_parser<Memory> parser_;
    std::string_view agreed_;
    std::vector<entry>& known_;
    bool learn_;
    bool keep_; // each head
    bool ended_ = false;
    bool open_ = false; // a frame is
    std::size_t next_ = 0;
    std::size_t taken_ = 0; // of the open frame's body
};

// How a capture is decoded once.
struct manner {
    bool learn = false;
    bool keep = false;
};

// Parses what is in a TCP stream.
std::string run_tcp(const direction& side, std::string_view agreed, const cuts& at, guarded_memory& memory,
                    std::vector<entry>& known, manner how) {
    follower<growing_buffer> heard(growing_buffer(stomp::limits{}.head), agreed, known, how.learn, how.keep);
    std::string wrong;
    feed_cut(side.wire, at, memory, [&](bytes piece) {
        if (wrong.empty()) wrong = heard.feed(piece);
    });
    return wrong.empty() ? heard.finish() : wrong;
}

// Parses what is in the messages of a WebSocket stream, as the pieces of them come.
std::string run_websocket(const capture& of, const direction& side, const cuts& at, guarded_memory& memory,
                          std::vector<entry>& known, manner how) {
    static char http_memory[32768], stomp_memory[32768];
    const bool request = &side == &of.c2s;
    http::head_parser head(request ? http::message_kind::request : http::message_kind::response,
                           span_buffer<char>(std::span<char>(http_memory)));
    inflating_decoder frames(request ? role::server : role::client, terms_of(of), 1000);
    follower<span_buffer<char>> heard(span_buffer<char>(std::span<char>(stomp_memory)), of.version, known, how.learn,
                                      how.keep);
    bool opened = false;
    std::string wrong;
    feed_cut(side.wire, at, memory, [&](bytes piece) {
        if (!opened) opened = head.next(piece).kind == http::head_kind::head;
        if (!opened) return;
        while (const ws::decoder::event event = frames.next(piece)) {
            if (event.kind == ws::decoder::kind::data && wrong.empty()) wrong = heard.feed(event.payload);
        }
    });
    // That a side ends without a Close means nothing to STOMP.
    const ws::errc below = frames.error();
    return wrong.empty() ? heard.finish(below) : wrong;
}

std::string run(const capture& of, const direction& side, const cuts& at, guarded_memory& memory,
                std::vector<entry>& known, manner how) {
    if (of.is_websocket()) return run_websocket(of, side, at, memory, known, how);
    return run_tcp(side, of.version, at, memory, known, how);
}

// Calls `check(capture, side, memory, known)` for both sides of every capture, with what the side says when it
// is decoded whole.
template <class Check>
void for_each_side(Check check) {
    for (const capture& of : stomp_captures()) {
        for (const direction* const side : {&of.c2s, &of.s2c}) {
            INFO((of.name + (side == &of.c2s ? ", client" : ", server")));
            guarded_memory memory(side->wire.size());
            std::vector<entry> known;
            CHECK(run(of, *side, {side->wire.size()}, memory, known, {.learn = true}) == "");
            check(of, *side, memory, known);
        }
    }
}

} // namespace

TEST_CASE("every capture of STOMP is there, with both sides, their reads and their ends") {
    std::size_t over_tcp = 0, over_websocket = 0, compressed = 0;
    for (const capture& of : stomp_captures()) {
        INFO(of.name);
        ++(of.is_websocket() ? over_websocket : over_tcp);
        if (of.compressed()) ++compressed;
        CHECK((of.version.empty() || stomp::version_of(of.version) != stomp::version::unknown));
        CHECK(of.is_websocket() == stomp::is_stomp(of.subprotocol));
        for (const direction* const side : {&of.c2s, &of.s2c}) {
            CHECK((real_cuts(*side).empty() ? 0 : real_cuts(*side).back()) == side->wire.size());
            REQUIRE(!side->stomp.empty());
            const std::string last = side->stomp.back().substr(0, side->stomp.back().find(' '));
            CHECK((last == "end" || last == "error"));
        }
    }
    CHECK(over_tcp >= 90);
    CHECK(over_websocket >= 31);
    CHECK(compressed >= 25);
}

TEST_CASE("W2 W3 D7 D9: every capture of STOMP gives its transcript, and the error where a peer breaks a rule") {
    for_each_side([](const capture&, const direction& side, guarded_memory&, const std::vector<entry>& known) {
        CHECK(known.size() == side.stomp.size());
        for (std::size_t i = 0; i != known.size() && i != side.stomp.size(); ++i) {
            CHECK(transcript_line(known[i]) == side.stomp[i]);
        }
    });
}

TEST_CASE("W3 D7: every capture of STOMP gives the same events by its real reads and at 200 random splits") {
    for_each_side([](const capture& of, const direction& side, guarded_memory& memory, std::vector<entry>& known) {
        std::string wrong = run(of, side, real_cuts(side), memory, known, {});
        for (std::uint64_t round = 0; round != 200 && wrong.empty(); ++round) {
            wrong = run(of, side, random_cuts(side.wire.size(), round), memory, known, {.keep = round % 2 == 1});
            if (!wrong.empty()) wrong += ", in round " + std::to_string(round);
        }
        CHECK(wrong == "");
    });
}
