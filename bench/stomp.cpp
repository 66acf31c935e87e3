// STOMP: the streams, our own rows, and those of the copy that every row pays for.
// SPDX-License-Identifier: MIT
#include "stomp.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include <sockless/stomp/parser.hpp>

namespace bench {

using stomp_header = std::pair<std::string, std::string>;

// RabbitMQ passes on what the sender wrote of its own; a URL in it is where escapes come from in practice.
static std::vector<stomp_header> make_headers(const stomp_workload& workload, numbers& from) {
    const std::string origin = from.below(4) == 0 ? "https://chat.example.com:8443/room" : "mobile";
    const std::string length = std::to_string(workload.body);
    if (!workload.message) {
        return {{"destination", "/exchange/amq.topic/room.42"},
                {"content-type", "application/json"},
                {"origin", origin},
                {"content-length", length}};
    }
    const std::string id = "T_sub-0@@session-2hPjJLg0h1vqe-OpDltOjw@@" + std::to_string(1 + from.below(100000));
    return {{"subscription", "sub-0"},
            {"destination", "/exchange/amq.topic/room.42"},
            {"message-id", id},
            {"redelivered", "false"},
            {"ack", id},
            {"origin", origin},
            {"content-type", "application/json"},
            {"content-length", length}};
}

static std::string escaped(std::string_view text) {
    std::string made;
    for (const char c : text) {
        if (c == ':')
            made += "\\c";
        else
            made += c;
    }
    return made;
}

static void take_frame(hashing& seen, std::string_view command, const std::vector<stomp_header>& headers,
                       std::string_view body) {
    element(seen, command);
    for (const auto& [name, value] : headers) {
        element(seen, name);
        element(seen, value);
    }
    element(seen, body);
}

static stomp_stream make_stream(const stomp_workload& workload) {
    constexpr std::size_t wanted = 1024 * 1024;
    numbers from(workload.body + 1);
    hashing unescaped, as_written, sorted;
    stomp_stream made{{{}, {}, workload.read}, {}, {}, 0};
    std::string text;
    for (; text.size() < wanted; ++made.frames) {
        const std::string_view command = workload.message ? "MESSAGE" : "SEND";
        const std::vector<std::byte> payload = make_payload(content::ascii, workload.body, from);
        const std::string_view body(reinterpret_cast<const char*>(payload.data()), payload.size());
        std::vector<stomp_header> headers = make_headers(workload, from);
        take_frame(unescaped, command, headers, body);
        text.append(command) += '\n';
        for (auto& [name, value] : headers) {
            value = escaped(value);
            text.append(name).append(":").append(value) += '\n';
        }
        // RabbitMQ ends each frame with an end of line.
        text.append("\n").append(body).append(workload.message ? std::string_view("\0\n", 2)
                                                               : std::string_view("\0", 1));
        take_frame(as_written, command, headers, body);
        std::sort(headers.begin(), headers.end());
        take_frame(sorted, command, headers, body);
    }
    const auto* const data = reinterpret_cast<const std::byte*>(text.data());
    made.input.bytes.assign(data, data + text.size());
    made.input.expected = unescaped.result();
    made.as_written = as_written.result();
    made.sorted = sorted.result();
    return made;
}

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
    void take(const sockless::stomp::event& event) {
        switch (event.kind) {
        case sockless::stomp::kind::head:
            element(sink_, text_of(event.command));
            for (const sockless::stomp::header& header : event.headers) {
                element(sink_, header.name);
                element(sink_, header.value);
            }
            break;
        case sockless::stomp::kind::body: sink_.piece(event.payload.data(), event.payload.size(), event.last); break;
        case sockless::stomp::kind::heart_beat: break;
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

template <std::size_t N>
bool add_copy(const stomp_workload (&workloads)[N]) {
    for (const stomp_workload& workload : workloads) {
        add({workload.name, "copy", [&workload](benchmark::State& state) { copy(state, workload); }});
    }
    return true;
}

const bool added = add_stomp_parser<sockless_parser>("sockless", stomp_workloads) &&
                   add_stomp_parser<sockless_parser>("sockless", stomp_read_workloads) && add_copy(stomp_workloads) &&
                   add_copy(stomp_read_workloads);

} // namespace
} // namespace bench
