// permessage-deflate: messages that many applications send, and the rounds that are timed.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

#include <sockless/ws/deflate/zlib.hpp>

#include "handshake.hpp"

namespace bench {

enum class words { json, korean };

/// Messages of one kind and size, and whether each may refer to those before it.
struct deflate_workload {
    const char* name;
    words kind;
    std::size_t size;
    bool takeover;
};

inline constexpr deflate_workload deflate_workloads[] = {
    {"takeover/json/100", words::json, 100, true},         {"takeover/json/1K", words::json, 1024, true},
    {"takeover/json/64K", words::json, 65536, true},       {"takeover/korean/100", words::korean, 100, true},
    {"takeover/korean/1K", words::korean, 1024, true},     {"takeover/korean/64K", words::korean, 65536, true},
    {"no-takeover/json/100", words::json, 100, false},     {"no-takeover/json/1K", words::json, 1024, false},
    {"no-takeover/json/64K", words::json, 65536, false},   {"no-takeover/korean/100", words::korean, 100, false},
    {"no-takeover/korean/1K", words::korean, 1024, false}, {"no-takeover/korean/64K", words::korean, 65536, false},
};

using octets = std::vector<std::byte>;

/// A cycle of messages: far more of them than a window holds, so that when it starts over nothing is found of the cycle
/// before. Those that came deflated refer to nothing before the first.
struct message_cycle {
    std::vector<octets> plain;    ///< UTF-8
    std::vector<octets> deflated; ///< by zlib, in this order, without 00 00 FF FF
    std::uint64_t plain_bytes = 0;
    digest expected_plain;
    digest expected_deflated;
};

/// At least 256 KiB of messages, made once.
[[nodiscard]] const message_cycle& cycle_of(const deflate_workload& workload);

/// Room for any message of a workload, deflated or not.
[[nodiscard]] inline std::size_t room_for(const deflate_workload& workload) {
    return workload.size + workload.size / 8 + 256;
}

/// A masked frame with a whole compressed message.
[[nodiscard]] octets compressed_frame(sockless::ws::message_type type, const octets& deflated);

/// Lets a server take the request of a browser, and accept it.
template <class Server>
void open(Server& server) {
    octets request = received_request();
    sockless::bytes in(request);
    if (server.next(in).kind != sockless::ws::kind::request || server.accept()) std::abort();
    server.sent(server.output().size());
}

/// One row. An `Inflater<Sink>` is made from a workload and a sink; `received(deflated)` is what comes from the peer
/// for a message, and `take(data, size)` takes that, in memory that may be written to, and gives the message to the
/// sink.
template <template <class> class Inflater>
void inflate(benchmark::State& state, const deflate_workload& workload) {
    const message_cycle& cycle = cycle_of(workload);
    std::vector<octets> reads;
    std::size_t longest = 0;
    for (const octets& deflated : cycle.deflated) {
        reads.push_back(Inflater<counting>::received(deflated));
        longest = std::max(longest, reads.back().size());
    }
    // Each read is copied over the one before it, as `recv` does.
    octets memory(longest);
    const auto round = [&](auto& inflater) {
        for (const octets& read : reads) {
            std::memcpy(memory.data(), read.data(), read.size());
            inflater.take(memory.data(), read.size());
        }
    };
    {
        hashing sink;
        Inflater<hashing> inflater(workload, sink);
        round(inflater);
        if (!check(state, sink.result() == cycle.expected_plain)) return;
    }
    counting sink;
    Inflater<counting> inflater(workload, sink);
    measure(state, reads.size(), cycle.plain_bytes, [&] { round(inflater); });
    check(state, sink.result().messages % reads.size() == 0);
}

/// One row. A `Deflater<Sink>` is made from a workload and a sink; `give(data, size)` deflates a message, and gives
/// what goes to the peer, but for the header of a frame, to the sink.
template <template <class> class Deflater>
void deflate(benchmark::State& state, const deflate_workload& workload) {
    const message_cycle& cycle = cycle_of(workload);
    const auto round = [&](auto& deflater) {
        for (const octets& message : cycle.plain) deflater.give(message.data(), message.size());
    };
    {
        hashing sink;
        Deflater<hashing> deflater(workload, sink);
        round(deflater);
        if (!check(state, sink.result() == cycle.expected_deflated)) return;
    }
    counting sink;
    Deflater<counting> deflater(workload, sink);
    measure(state, cycle.plain.size(), cycle.plain_bytes, [&] { round(deflater); });
    check(state, sink.result().messages % cycle.plain.size() == 0);
    state.counters["deflated_to"] =
        static_cast<double>(cycle.expected_deflated.bytes) / static_cast<double>(cycle.plain_bytes);
}

template <template <class> class Inflater>
bool add_inflater(const char* implementation, bool with_takeover = true) {
    for (const deflate_workload& workload : deflate_workloads) {
        if (workload.takeover && !with_takeover) continue;
        add({std::string("inflate/") + workload.name, implementation,
             [&workload](benchmark::State& state) { inflate<Inflater>(state, workload); }});
    }
    return true;
}

template <template <class> class Deflater>
bool add_deflater(const char* implementation, bool with_takeover = true) {
    for (const deflate_workload& workload : deflate_workloads) {
        if (workload.takeover && !with_takeover) continue;
        add({std::string("deflate/") + workload.name, implementation,
             [&workload](benchmark::State& state) { deflate<Deflater>(state, workload); }});
    }
    return true;
}

} // namespace bench
