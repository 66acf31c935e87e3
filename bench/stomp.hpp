// STOMP: streams of frames in reads of a fixed size, and the round that is timed.
// SPDX-License-Identifier: MIT
#pragma once

#include "decode.hpp"

namespace bench {

/// What a broker or a browser sends: frames of one command, all with a body of the same size.
struct stomp_workload {
    const char* name;
    bool message; ///< MESSAGE with 8 headers as RabbitMQ sends it, or else SEND with 4 as stompjs does
    std::size_t body;
    std::size_t read = 65536;
};

inline constexpr stomp_workload stomp_workloads[] = {
    {"stomp/message/100", true, 100},
    {"stomp/message/4K", true, 4096},
    {"stomp/send/100", false, 100},
};

/// The same in small reads: body x read.
inline constexpr stomp_workload stomp_read_workloads[] = {
    {"stomp/reads/100x1", true, 100, 1},
    {"stomp/reads/100x7", true, 100, 7},
    {"stomp/reads/100x64", true, 100, 64},
    {"stomp/reads/100x1460", true, 100, 1460},
};

/// Frames that are written, without what RabbitMQ sends behind each.
inline constexpr stomp_workload stomp_write_workloads[] = {
    {"stomp/write/message/100", true, 100},
    {"stomp/write/message/4K", true, 4096},
    {"stomp/write/send/100", false, 100},
};

/// How an implementation gives headers out.
enum class rendering { unescaped, as_written, sorted };

/// The frames of a workload. Each element of a frame (command, names, values, body) counts as one message of a digest.
struct stomp_stream {
    stream input; ///< expects what `rendering::unescaped` gives
    digest as_written;
    digest sorted; ///< as written, by name
    std::uint64_t frames = 0;

    [[nodiscard]] const digest& expected(rendering how) const noexcept {
        return how == rendering::unescaped ? input.expected : how == rendering::as_written ? as_written : sorted;
    }
};

/// About 1 MiB of whole frames, made once.
[[nodiscard]] const stomp_stream& stomp_stream_of(const stomp_workload& workload);

/// Gives one whole element to a sink.
template <class Sink>
void element(Sink& sink, std::string_view text) {
    sink.piece(reinterpret_cast<const std::byte*>(text.data()), text.size(), true);
}

/// One row. A `Parser<Sink>` is made from a workload and a sink, says how it gives headers out (`headers`), and has
/// `round(socket&)`, which takes the whole stream, from its beginning, and gives all elements to the sink.
template <template <class> class Parser>
void parse_stomp(benchmark::State& state, const stomp_workload& workload) {
    const stomp_stream& stream = stomp_stream_of(workload);
    socket from(stream.input);
    const digest& expected = stream.expected(Parser<hashing>::headers);
    {
        hashing sink;
        Parser<hashing> parser(workload, sink);
        parser.round(from);
        if (!check(state, sink.result() == expected)) return;
    }
    counting sink;
    Parser<counting> parser(workload, sink);
    measure(state, stream.frames, stream.input.bytes.size(), [&] { parser.round(from); });
    check(state, sink.result().messages % expected.messages == 0);
}

template <template <class> class Parser, std::size_t N>
bool add_stomp_parser(const char* implementation, const stomp_workload (&workloads)[N]) {
    for (const stomp_workload& workload : workloads) {
        add({workload.name, implementation,
             [&workload](benchmark::State& state) { parse_stomp<Parser>(state, workload); }});
    }
    return true;
}

} // namespace bench
