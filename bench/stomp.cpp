// STOMP: the streams, our own rows, and those of the copy that every row pays for.
// SPDX-License-Identifier: MIT
#include "stomp.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include <sockless/stomp/parser.hpp>
#include <sockless/stomp/writer.hpp>

namespace bench {

namespace {

using header = std::pair<std::string, std::string>;

struct frame {
    std::string_view command;
    std::vector<header> headers; ///< unescaped; `content-length` is the last
    std::vector<std::byte> body;

    /// The headers as they stand on the wire.
    [[nodiscard]] std::vector<header> escaped() const {
        std::vector<header> made = headers;
        for (auto& [name, value] : made) {
            for (std::size_t at = 0; (at = value.find(':', at)) != std::string::npos;) value.replace(at, 1, "\\c");
        }
        return made;
    }

    [[nodiscard]] std::string text() const {
        std::string made(command);
        for (const auto& [name, value] : escaped()) made.append("\n").append(name).append(":").append(value);
        made += "\n\n";
        made.append(reinterpret_cast<const char*>(body.data()), body.size());
        return made += '\0';
    }
};

// What applications add of their own is a URL in a quarter of the frames: there escapes come from.
frame make_frame(const stomp_workload& workload, numbers& from) {
    frame made{workload.message ? "MESSAGE" : "SEND", {}, make_payload(content::ascii, workload.body, from)};
    const std::string origin = from.below(4) == 0 ? "https://chat.example.com:8443/room" : "mobile";
    if (workload.message) {
        const std::string id = "T_sub-0@@session-2hPjJLg0h1vqe-OpDltOjw@@" + std::to_string(1 + from.below(100000));
        made.headers = {{"subscription", "sub-0"},
                        {"destination", "/exchange/amq.topic/room.42"},
                        {"message-id", id},
                        {"redelivered", "false"},
                        {"ack", id},
                        {"origin", origin}};
    } else {
        made.headers = {{"destination", "/exchange/amq.topic/room.42"}, {"origin", origin}};
    }
    made.headers.emplace_back("content-type", "application/json");
    made.headers.emplace_back("content-length", std::to_string(workload.body));
    return made;
}

void take(hashing& seen, const frame& taken, const std::vector<header>& headers) {
    element(seen, taken.command);
    for (const auto& [name, value] : headers) {
        element(seen, name);
        element(seen, value);
    }
    seen.piece(taken.body.data(), taken.body.size(), true);
}

stomp_stream make_stream(const stomp_workload& workload) {
    constexpr std::size_t wanted = 1024 * 1024;
    numbers from(workload.body + 1);
    hashing unescaped, as_written, sorted;
    stomp_stream made{{{}, {}, workload.read}, {}, {}, 0};
    for (std::vector<std::byte>& bytes = made.input.bytes; bytes.size() < wanted; ++made.frames) {
        const frame next = make_frame(workload, from);
        // RabbitMQ sends an end of line behind each frame.
        const std::string text = next.text() + (workload.message ? "\n" : "");
        for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
        std::vector<header> headers = next.escaped();
        take(unescaped, next, next.headers);
        take(as_written, next, headers);
        std::sort(headers.begin(), headers.end());
        take(sorted, next, headers);
    }
    made.input.expected = unescaped.result();
    made.as_written = as_written.result();
    made.sorted = sorted.result();
    return made;
}

} // namespace

const stomp_stream& stomp_stream_of(const stomp_workload& workload) {
    static std::map<const stomp_workload*, stomp_stream> made;
    const auto found = made.find(&workload);
    return found != made.end() ? found->second : made.emplace(&workload, make_stream(workload)).first->second;
}

namespace {

template <class Sink>
class sockless_parser {
  public:
    static constexpr rendering headers = rendering::unescaped;

    sockless_parser(const stomp_workload&, Sink& sink) : sink_(sink) {
        parser_.set_version(sockless::stomp::version::v1_2);
    }

    void round(socket& from) {
        from.read_all([this](std::byte* data, std::size_t size) {
            sockless::bytes in(data, size);
            while (const auto event = parser_.next(in)) take(event);
        });
    }

  private:
    void take(const sockless::stomp::parser_event& event) {
        switch (event.kind) {
        case sockless::stomp::parser_kind::head:
            element(sink_, text_of(event.command));
            for (const sockless::stomp::header& each : event.headers) {
                element(sink_, each.name);
                element(sink_, each.value);
            }
            break;
        case sockless::stomp::parser_kind::body:
            sink_.piece(event.payload.data(), event.payload.size(), event.last);
            break;
        case sockless::stomp::parser_kind::heart_beat: break;
        default: std::abort();
        }
    }

    std::vector<char> memory_ = std::vector<char>(sockless::stomp::limits{}.head);
    sockless::stomp::parser parser_{sockless::span_buffer<char>(memory_)};
    Sink& sink_;
};

// What stands for `recv`, alone.
void copy(benchmark::State& state, const stomp_workload& workload) {
    const stomp_stream& stream = stomp_stream_of(workload);
    socket from(stream.input);
    measure(state, stream.frames, stream.input.bytes.size(),
            [&] { from.read_all([](std::byte* data, std::size_t) { benchmark::DoNotOptimize(data); }); });
}

// Frames one behind the other into one buffer: `Write(out, room, frame, text)` says how long each became.
template <auto Write>
void write_stomp(benchmark::State& state, const stomp_workload& workload) {
    numbers from(workload.body);
    std::vector<frame> frames;
    std::vector<std::string> texts;
    std::size_t size = 0;
    while (size < 65536) {
        frames.push_back(make_frame(workload, from));
        texts.push_back(frames.back().text());
        size += texts.back().size();
    }
    std::vector<std::byte> out(size);
    const auto round = [&] {
        std::size_t at = 0;
        for (std::size_t i = 0; i != frames.size(); ++i) {
            at += Write(out.data() + at, out.size() - at, frames[i], texts[i]);
        }
        benchmark::DoNotOptimize(out.data());
    };
    round();
    std::string expected;
    for (const std::string& text : texts) expected += text;
    if (!check(state, std::memcmp(out.data(), expected.data(), expected.size()) == 0)) return;
    measure(state, frames.size(), size, round);
}

std::size_t write_frame(std::byte* out, std::size_t room, const frame& next, const std::string&) {
    const bool message = next.command == "MESSAGE";
    sockless::stomp::writer to({out, room}, sockless::stomp::version::v1_2);
    to.begin(message ? sockless::stomp::command::message : sockless::stomp::command::send);
    for (std::size_t i = 0; i + 1 != next.headers.size(); ++i) to.header(next.headers[i].first, next.headers[i].second);
    return to.finish(next.body).size;
}

std::size_t write_copy(std::byte* out, std::size_t, const frame&, const std::string& text) {
    std::memcpy(out, text.data(), text.size());
    return text.size();
}

template <std::size_t N>
bool add_copy(const stomp_workload (&workloads)[N]) {
    for (const stomp_workload& workload : workloads) {
        add({workload.name, "copy", [&workload](benchmark::State& state) { copy(state, workload); }});
    }
    return true;
}

template <auto Write>
bool add_writer(const char* implementation) {
    for (const stomp_workload& workload : stomp_write_workloads) {
        add({workload.name, implementation,
             [&workload](benchmark::State& state) { write_stomp<Write>(state, workload); }});
    }
    return true;
}

const bool added = add_stomp_parser<sockless_parser>("sockless", stomp_workloads) &&
                   add_stomp_parser<sockless_parser>("sockless", stomp_read_workloads) && add_copy(stomp_workloads) &&
                   add_copy(stomp_read_workloads) && add_writer<write_frame>("sockless") &&
                   add_writer<write_copy>("copy");

} // namespace
} // namespace bench
