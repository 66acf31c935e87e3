// The events of a parser of STOMP, as the lines in which the vectors expect them: the pieces of a body are joined.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless/stomp/parser.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "../http/log.hpp"

namespace sockless::test {

inline std::string in_quotes(cbytes data) { return in_quotes(text_of(data)); }

/// How a log treats its parser, which must make no difference.
struct stomp_log_manner {
    stomp::version agreed = stomp::version::unknown; ///< said when a CONNECT or CONNECTED has come
    bool agree_late = false;                         ///< at the end of its frame
    bool keep = false;                               ///< each head
};

/// Collects the events of one parser, and adds a line if the parser breaks a promise of all parsers.
template <class Memory>
class stomp_log {
  public:
    stomp_log(stomp::basic_parser<Memory> parser, stomp_log_manner manner)
        : parser_(std::move(parser)), manner_(manner) {}

    /// Feeds a piece, takes all events, and overwrites the piece.
    void feed(bytes piece) {
        const bytes whole = piece;
        const bool had_ended = ended_;
        while (const stomp::parser_event event = parser_.next(piece)) {
            if (ended_) return complain("an event after the end");
            if (piece.data() + piece.size() != whole.data() + whole.size()) complain("not taken from the front");
            taken_ = fed_ + (whole.size() - piece.size());
            if (event.kind != stomp::parser_kind::error && parser_.offset() != taken_) complain("a wrong offset");
            add(event, whole);
        }
        if (!ended_ && !piece.empty()) complain("falsy before the input was used up");
        if (had_ended && piece.size() != whole.size()) complain("something was taken after the end");
        fed_ += whole.size();
        if (!ended_ && parser_.offset() != fed_) complain("a wrong offset behind a piece");
        if (parser_.memory().size() > parser_.limits().head) complain("more memory than limits::head");
        std::fill(whole.begin(), whole.end(), std::byte{'#'});
        head_readable_ = head_readable_ && !head_in_input_;
    }

    /// Says that the input has ended, and that nothing comes after it.
    void finish() {
        const stomp::errc said = parser_.finish();
        const std::uint64_t offset = parser_.offset();
        if (!ended_) {
            end_part();
            lines.push_back("ended " + std::string(row_of(said).name) + at(offset));
        } else if (said != error_) {
            complain("the error did not stay");
        }
        ended_ = true;
        if (said != parser_.error()) complain("finish and error differ");
        buffer more = bytes_from("SEND\n\n");
        more.push_back(std::byte{0});
        feed(more);
        if (parser_.error() != said || parser_.finish() != said || parser_.offset() != offset) {
            complain("something changed after the end");
        }
    }

    std::vector<std::string> lines{};

  private:
    enum class place { between, head, body };

    void complain(const char* what) { lines.push_back(std::string("!! ") + what); }

    void add(const stomp::parser_event& event, bytes piece) {
        if (event.kind == stomp::parser_kind::error) return add_error(event);
        if ((place_ == place::between) == (event.kind == stomp::parser_kind::body)) complain("an event out of order");
        if (event.error != stomp::errc::none) complain("an error beside an event");
        switch (event.kind) {
        case stomp::parser_kind::head: return add_head(event, piece);
        case stomp::parser_kind::body: return add_body(event, piece);
        case stomp::parser_kind::heart_beat: lines.push_back("heart_beat" + at(parser_.frame_offset())); return;
        default: complain("truthy without an event");
        }
    }

    void add_error(const stomp::parser_event& event) {
        end_part();
        error_ = event.error;
        if (parser_.error() != error_) complain("the event and error() differ");
        lines.push_back("error " + std::string(row_of(error_).name) + at(parser_.offset()));
        ended_ = true;
    }

    void add_head(const stomp::parser_event& event, bytes piece) {
        place_ = place::head;
        command_ = event.command;
        frame_ = parser_.frame_offset();
        head_in_input_ = frame_ >= fed_;
        head_readable_ = true;
        if (parser_.head_size() != taken_ - frame_) complain("a wrong size of the head");
        // S12, and no copies: a head that came whole lies in the input, any other takes its own size of the memory.
        if (parser_.memory().size() != (head_in_input_ ? 0 : parser_.head_size())) complain("a wrong use of memory");
        for (const stomp::header& each : event.headers) {
            if (head_in_input_ && !(lies_in(each.name, piece) && lies_in(each.value, piece)))
                complain("a copied header");
        }
        if (manner_.keep) {
            if (!parser_.keep() || !parser_.keep()) complain("a head that fits was not kept");
            head_in_input_ = false;
            const std::size_t begin = std::max(frame_, fed_) - fed_;
            std::fill_n(piece.data() + begin, taken_ - fed_ - begin, std::byte{'#'});
        }
        lines.push_back("head " + std::string(text_of(command_)) + at(frame_));
        header_lines_ = lines_of(parser_.headers());
        lines.insert(lines.end(), header_lines_.begin(), header_lines_.end());
        if (!manner_.agree_late) agree();
    }

    void add_body(const stomp::parser_event& event, bytes piece) {
        if (event.first != (place_ == place::head)) complain("first is wrong");
        if (event.payload.empty() && !event.last) complain("a piece that says nothing");
        if (event.command != command_ || parser_.command() != command_) complain("another command");
        if (parser_.frame_offset() != frame_) complain("another frame");
        // The payload lies in the input, directly before the NUL that ends it, or before what is next.
        const std::byte* const end = piece.data() + (taken_ - fed_) - (event.last ? 1 : 0);
        if (event.payload.data() + event.payload.size() != end) complain("a payload that is not the input");
        if (event.last && *end != std::byte{0}) complain("an end of a body that is no NUL");
        if (head_readable_ &&
            (lines_of(event.headers) != header_lines_ || lines_of(parser_.headers()) != header_lines_)) {
            complain("other headers");
        }
        place_ = place::body;
        body_.insert(body_.end(), event.payload.begin(), event.payload.end());
        if (!event.last) return;
        lines.push_back("body " + in_quotes(cbytes(body_)));
        body_.clear();
        place_ = place::between;
        if (manner_.agree_late) agree();
    }

    // Adds the part that came of a body that did not end.
    void end_part() {
        if (place_ == place::body) lines.push_back("part " + in_quotes(cbytes(body_)));
        place_ = place::between;
    }

    void agree() {
        const bool connects = command_ == stomp::command::connect || command_ == stomp::command::stomp ||
                              command_ == stomp::command::connected;
        if (connects && manner_.agreed != stomp::version::unknown) parser_.set_version(manner_.agreed);
    }

    static bool lies_in(std::string_view text, bytes piece) {
        const char* const begin = reinterpret_cast<const char*>(piece.data());
        return text.data() >= begin && text.data() + text.size() <= begin + piece.size();
    }

    std::vector<std::string> lines_of(const stomp::headers& headers) {
        std::vector<std::string> out;
        for (const stomp::header& each : headers) {
            // Each name and value is a C string too.
            if (each.name.data()[each.name.size()] != '\0' || each.value.data()[each.value.size()] != '\0') {
                complain("no NUL behind a name or a value");
            }
            out.push_back("header " + in_quotes(each.name) + " " + in_quotes(each.value));
        }
        return out;
    }

    stomp::basic_parser<Memory> parser_;
    stomp_log_manner manner_;
    std::uint64_t fed_ = 0;   // before the piece
    std::uint64_t taken_ = 0; // up to the end of the event
    std::uint64_t frame_ = 0;
    std::vector<std::string> header_lines_{};
    buffer body_{};
    stomp::command command_ = stomp::command::none;
    stomp::errc error_ = stomp::errc::none;
    place place_ = place::between;
    bool head_in_input_ = false;
    bool head_readable_ = false;
    bool ended_ = false;
};

} // namespace sockless::test
