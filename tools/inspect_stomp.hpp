// How sockless-inspect decodes STOMP, over TCP and out of the messages of a WebSocket.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless/stomp/parser.hpp>

#include <new>
#include <vector>

#include "inspect_printer.hpp"

namespace sockless::inspect {

/// Decoders unmask and unescape where the bytes lie, and the bytes are needed again: so each of them gets a copy.
using octets = std::vector<std::byte>;

/// The version of the frames; one that was given on the command line is that of all.
struct stomp_version {
    stomp::version version = stomp::version::unknown;
    bool given = false;
};

/// Looks for the frame in which a server says which version of STOMP the sides have agreed on.
class version_finder {
  public:
    explicit version_finder(const stomp::limits& most) : parser_(growing_buffer(most.head), most) {}

    void feed(bytes in) {
        while (const stomp::parser_event found = parser_.next(in)) {
            if (found.kind != stomp::parser_kind::head || found.command != stomp::command::connected) continue;
            const std::string_view named = found.headers.find("version");
            version = named.data() == nullptr ? stomp::version::v1_0 : stomp::version_of(named);
        }
    }

    stomp::version version = stomp::version::unknown;

  private:
    stomp::basic_parser<growing_buffer> parser_;
};

/// Shows the frames and heart-beats of one side.
class stomp_reader {
  public:
    stomp_reader(role from, stomp_version version, const stomp::limits& most, printer& out)
        : from_(from), version_(version), out_(out), parser_(growing_buffer(most.head), most) {
        if (version.given) parser_.set_version(version.version);
    }

    /// Takes what comes next in `stream`, which is all STOMP of this side, as far as it is known.
    void feed(bytes in, cbytes stream) {
        using kind = stomp::parser_kind;
        while (const stomp::parser_event found = parser_.next(in)) {
            switch (found.kind) {
            case kind::head: begin_frame(found.command); break;
            case kind::body: take_body(found); break;
            case kind::heart_beat: out_.show({what::heartbeat, from_, "stomp", parser_.frame_offset()}); break;
            case kind::error: fail(found.error, stream); break;
            case kind::need_input: break;
            }
        }
    }

    /// Whether the input ended inside a frame.
    [[nodiscard]] bool finish() { return parser_.finish() == stomp::errc::truncated; }

    [[nodiscard]] bool failed() const { return failed_; }
    /// Where it ended.
    [[nodiscard]] std::uint64_t offset() const { return parser_.offset(); }

  private:
    void begin_frame(stomp::command which) {
        using stomp::command;
        // The headers are shown when the body has come, and that may take more pieces.
        // The buffer holds what the limits let pass, so it is memory that has run out.
        if (!parser_.keep()) throw std::bad_alloc();
        body_.clear();
        const bool connects = which == command::connect || which == command::stomp || which == command::connected;
        if (connects) parser_.set_version(version_.version);
    }

    void take_body(const stomp::parser_event& body) {
        body_.insert(body_.end(), body.payload.begin(), body.payload.end());
        if (!body.last) return;
        event shown{what::frame, from_, "stomp", parser_.frame_offset()};
        shown.command = body.command;
        shown.headers = parser_.headers();
        shown.payload = body_;
        out_.show(shown);
    }

    void fail(stomp::errc error, cbytes stream) {
        failed_ = true;
        event shown{what::error, from_, "stomp", parser_.offset()};
        shown.payload = stream;
        shown.error = error;
        out_.show(shown);
    }

    role from_;
    stomp_version version_;
    printer& out_;
    stomp::basic_parser<growing_buffer> parser_;
    octets body_{};
    bool failed_ = false;
};

/// Decodes what one side sent over TCP: `feed` it in pieces, then `finish`.
class stomp_direction {
  public:
    stomp_direction(role from, cbytes stream, stomp_version version, const stomp::limits& most, printer& out)
        : from_(from), stream_(stream), out_(out), frames_(from, version, most, out) {}

    void feed(bytes in) { frames_.feed(in, stream_); }

    void finish() {
        const bool in_frame = frames_.finish();
        event end{what::end, from_, "end", stream_.size()};
        end.clean = !in_frame && !frames_.failed();
        end.remark = in_frame ? "inside a frame" : frames_.failed() ? "an error came before" : "between frames";
        if (frames_.failed()) end.remark += discarded(stream_.size() - frames_.offset());
        out_.show(end);
    }

  private:
    role from_;
    cbytes stream_;
    printer& out_;
    stomp_reader frames_;
};

} // namespace sockless::inspect
