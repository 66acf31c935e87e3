// STOMP frames of any peer through the parser: whole and split give the same, within the limits; and what it read is
// written and read again as the same.
// SPDX-License-Identifier: MIT
#include <sockless/stomp/parser.hpp>
#include <sockless/stomp/writer.hpp>

#include <utility>

#include "fuzz.hpp"

using namespace sockless;
using fuzz::promise;
using stomp::command;
using stomp::version;

namespace {

struct settings {
    version known = version::unknown;  // when the input begins
    version agreed = version::unknown; // by CONNECT or CONNECTED
    stomp::limits limits{};
};

using header_list = std::vector<std::pair<std::string, std::string>>;

header_list list_of(const stomp::headers& all) {
    header_list list;
    for (const stomp::header& each : all) list.emplace_back(each.name, each.value);
    return list;
}

// A frame, as far as it came, or a heart-beat, or how the input ended.
struct entry {
    stomp::parser_kind kind = stomp::parser_kind::need_input;
    stomp::errc error = stomp::errc::none;
    command name = command::none;
    version in = version::unknown;
    std::uint64_t at = 0;
    header_list headers{};
    std::string body{};
    bool complete = false;

    bool operator==(const entry&) const = default;
};

// How a caller treats its parser, which must make no difference.
struct manner {
    bool keep = false;       // each head
    bool agree_late = false; // at the end of a frame that connects, not at its head
};

template <class Memory>
class listener {
  public:
    listener(const settings& how, manner treated, Memory memory)
        : parser_(std::move(memory), how.limits), how_(how), treated_(treated) {
        parser_.set_version(how.known);
    }

    void feed(bytes piece) {
        while (const stomp::parser_event event = parser_.next(piece)) {
            promise(!ended_, "nothing follows an error");
            take(event);
            promise(parser_.memory().size() <= how_.limits.head, "no more than a head is kept");
        }
        promise(piece.empty() || ended_, "all input is used up");
        in_input_ = false;
    }

    void finish() {
        const stomp::errc said = parser_.finish();
        const std::uint64_t place = parser_.offset();
        promise(!ended_ || said == entries.back().error, "an error stays");
        if (!ended_) entries.push_back({.error = said, .at = place});
        ended_ = true;
        std::byte more[] = {std::byte{'\n'}, std::byte{0}};
        bytes in = more;
        promise(!parser_.next(in) && in.size() == 2, "after the end nothing is taken");
        promise(parser_.finish() == said && parser_.error() == said && parser_.offset() == place, "the end stays");
    }

    std::vector<entry> entries{};

  private:
    void take(const stomp::parser_event& event) {
        switch (event.kind) {
        case stomp::parser_kind::error:
            promise(parser_.error() == event.error, "an error is known");
            entries.push_back({.kind = event.kind, .error = event.error, .at = parser_.offset()});
            ended_ = true;
            break;
        case stomp::parser_kind::heart_beat:
            entries.push_back({.kind = event.kind, .at = parser_.frame_offset()});
            break;
        case stomp::parser_kind::head:
            entries.push_back({.kind = event.kind,
                               .name = event.command,
                               .in = parser_.version(),
                               .at = parser_.frame_offset(),
                               .headers = list_of(event.headers)});
            in_input_ = true;
            if (treated_.keep) promise(parser_.keep(), "there is room for a head");
            if (!treated_.agree_late) agree(event.command);
            break;
        default: take_body(event);
        }
    }

    void take_body(const stomp::parser_event& event) {
        entry& open = entries.back();
        promise(open.kind == stomp::parser_kind::head && !open.complete, "a body belongs to a head");
        promise(event.last || !event.payload.empty(), "a piece says something");
        open.body += text_of(event.payload);
        open.complete = event.last;
        if (!event.last) return;
        // Where they were kept, or the input is still there.
        if (treated_.keep || in_input_) promise(list_of(event.headers) == open.headers, "headers stay");
        if (treated_.agree_late) agree(event.command);
    }

    void agree(command which) {
        const bool connects = which == command::connect || which == command::stomp || which == command::connected;
        if (connects && how_.agreed != version::unknown) parser_.set_version(how_.agreed);
    }

    stomp::basic_parser<Memory> parser_;
    settings how_;
    manner treated_;
    bool in_input_ = false;
    bool ended_ = false;
};

template <class Memory>
std::vector<entry> run(cbytes stream, const std::vector<unsigned>& sizes, const settings& how, manner treated,
                       Memory memory) {
    listener<Memory> seen(how, treated, std::move(memory));
    fuzz::feed_cut(stream, sizes, [&](bytes piece) { seen.feed(piece); });
    seen.finish();
    return std::move(seen.entries);
}

// The promises about a frame of any input.
void check(const entry& frame, const stomp::limits& limits) {
    std::size_t size = text_of(frame.name).size() + 2;
    for (const auto& [name, value] : frame.headers) {
        const std::size_t line = name.size() + value.size() + 1;
        promise(!name.empty(), "a name is not empty");
        promise(line <= limits.line, "a line is no longer than its limit");
        size += line + 1;
    }
    promise(frame.headers.size() <= limits.headers && size <= limits.head, "a head is no larger than its limits");
    promise(frame.body.size() <= limits.body, "a body is no larger than its limit");
    promise(frame.body.empty() || has_body(frame.name, frame.in), "only frames that may have a body have one");
    for (const auto& [name, value] : frame.headers) {
        const bool is_trimmed = frame.in != version::v1_0 || detail::trimmed(value).size() == value.size();
        promise(is_trimmed, "in 1.0 a value has no blanks around it");
    }
}

// The length of the body is the writer's to say.
void without_length(header_list& headers) {
    std::erase_if(headers, [](const auto& each) { return each.first == "content-length"; });
}

// S14: a CR can be written only if the version escapes it or takes it for data, and an escape only if there are
// escapes. A body that is ignored is not written.
bool can_be_written(const entry& what) {
    if (!is_in(what.name, what.in) || (!what.body.empty() && !has_body(what.name))) return false;
    if (stomp::detail::escaping_of(what.in, what.name) != stomp::detail::escaping::none) return true;
    for (const auto& [name, value] : what.headers) {
        if ((name + value).find('\r') != std::string::npos) return false;
    }
    return true;
}

void write_and_read_again(const entry& what, const std::vector<unsigned>& sizes) {
    const bool bare = (sizes[0] & 1U) != 0 && what.body.find('\0') == std::string::npos;
    const auto write = [&](bytes out) {
        stomp::writer to(out, what.in);
        to.begin(what.name);
        for (const auto& [name, value] : what.headers) to.header(name, value);
        return to.finish(bytes_of(std::string_view(what.body)),
                         bare ? stomp::content_length::omitted : stomp::content_length::automatic);
    };
    const written measured = write({});
    promise((measured.error == stomp::errc::no_room) == can_be_written(what), "what can be said is written");
    if (measured.error != stomp::errc::no_room) return;
    std::vector<std::byte> out(measured.size);
    const fuzz::exact_copy memory(out);
    const written wrote = write(memory.get());
    promise(!wrote.error && wrote.size == measured.size, "the room that was asked for is enough");

    const settings unlimited{
        what.in, version::unknown, {.line = UINT32_MAX, .headers = UINT32_MAX, .head = UINT32_MAX, .body = UINT64_MAX}};
    const auto read = run(memory.get(), sizes, unlimited, {}, growing_buffer(UINT32_MAX));
    promise(read.size() == 2 && read.front().complete && read.back().error == stomp::errc::none,
            "what is written breaks no rule");
    entry again = read.front();
    without_length(again.headers);
    promise(again.name == what.name && again.headers == what.headers && again.body == what.body,
            "what is written is read as the same");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::input from(data, size, 13);
    constexpr version versions[] = {version::unknown, version::v1_0, version::v1_1, version::v1_2};
    constexpr std::uint32_t numbers[] = {8192, 0, 1, 5, 12, 40, 100, UINT32_MAX};
    settings how;
    how.known = from.one_of(versions);
    how.agreed = from.one_of(versions);
    how.limits.line = from.one_of(numbers);
    how.limits.headers = from.one_of(numbers);
    how.limits.head = from.one_of(numbers);
    how.limits.body = from.one_of(numbers);
    const std::vector<unsigned> sizes = from.several(7);
    const cbytes stream = from.stream();

    // A limit that has nothing to do with the memory there is.
    std::vector<char> memory(how.limits.head < stream.size() ? how.limits.head : stream.size());
    const auto fixed = [&] { return span_buffer<char>(std::span<char>(memory)); };
    const auto growing = [&] { return growing_buffer(how.limits.head); };

    const auto whole = run(stream, {}, how, {}, growing());
    promise(run(stream, sizes, how, {}, growing()) == whole, "the events are the same at any split");
    promise(run(stream, {1}, how, {.agree_late = true}, growing()) == whole, "and in single bytes");
    promise(run(stream, sizes, how, {.keep = true, .agree_late = true}, fixed()) == whole, "and with other memory");
    promise(run(stream, {}, how, {.keep = true}, fixed()) == whole, "and with heads kept");
    for (entry each : whole) {
        if (each.kind != stomp::parser_kind::head) continue;
        check(each, how.limits);
        if (!each.complete) continue;
        without_length(each.headers);
        write_and_read_again(each, sizes);
    }
    return 0;
}
