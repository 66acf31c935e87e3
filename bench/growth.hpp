// Many connections in one process: each gets one small message in turn, and the round that is timed.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstring>

#include "support.hpp"

namespace bench {

struct connections_workload {
    const char* size;
    std::size_t connections;
};

inline constexpr connections_workload connections_workloads[] = {
    {"1", 1}, {"10", 10}, {"100", 100}, {"1K", 1'000}, {"10K", 10'000}, {"100K", 100'000}, {"1M", 1'000'000},
};

/// Masked text frames of 20 bytes that connections get in turn, and what is in them.
class small_frames {
  public:
    static constexpr std::size_t payload = 20, size = 6 + payload;

    small_frames() {
        numbers from(payload);
        for (std::array<std::byte, size>& frame : frames_) {
            const auto key = static_cast<std::uint32_t>(from.next());
            payloads_.push_back(make_payload(content::ascii, payload, from));
            frame[0] = std::byte{0x81};
            frame[1] = std::byte{0x80 | payload};
            std::memcpy(frame.data() + 2, &key, sizeof key);
            for (std::size_t i = 0; i != payload; ++i) frame[6 + i] = payloads_.back()[i] ^ frame[2 + i % 4];
        }
    }

    /// Stands for `recv`.
    void read(std::size_t message, std::byte* to) const noexcept {
        std::memcpy(to, frames_[message % frames_.size()].data(), size);
    }

    [[nodiscard]] digest expected(std::size_t messages) const {
        hashing seen;
        for (std::size_t i = 0; i != messages; ++i) seen.piece(payloads_[i % frames_.size()].data(), payload, true);
        return seen.result();
    }

  private:
    std::array<std::array<std::byte, size>, 64> frames_;
    std::vector<std::vector<std::byte>> payloads_;
};

/// One row. A `Connection` is open and idle once it is made, and has `take(data, size, sink)`, which takes a read and
/// gives what is in it to the sink. Besides time, the row reports the memory that an idle connection holds.
template <class Connection>
void visit(benchmark::State& state, const connections_workload& workload) {
    const std::size_t count = workload.connections;
    const std::size_t before = heap_in_use();
    std::vector<Connection> connections(count);
    const std::size_t idle = heap_in_use() - before;

    const small_frames frames;
    // Each connection once in `count` messages, in an order that the processor cannot foresee from addresses: in a
    // server, the next to get something is seldom the next in memory. The step has no divisor in common with `count`.
    const std::size_t messages = std::max<std::size_t>(count, 10'000), step = 618'033 % count;
    const auto round = [&](auto& sink) {
        std::array<std::byte, 64> memory;
        std::size_t at = 0;
        for (std::size_t i = 0; i != messages; ++i) {
            frames.read(i, memory.data());
            connections[at].take(memory.data(), small_frames::size, sink);
            at += step;
            if (at >= count) at -= count;
        }
    };
    hashing seen;
    round(seen);
    if (!check(state, seen.result() == frames.expected(messages))) return;
    counting sink;
    measure(state, messages, messages * small_frames::payload, [&] { round(sink); });
    check(state, sink.result().messages % messages == 0);
    // Of few connections, what the heap keeps for next time would be the larger part.
    if (idle == 0 || count < 1'000) return;
    state.counters["bytes_per_connection"] = static_cast<double>(idle) / static_cast<double>(count);
}

/// `of` says what the connections are made of: `connections` are endpoints, `decoders` decode frames only.
template <class Connection>
bool add_connections(const std::string& of, const char* implementation) {
    for (const connections_workload& workload : connections_workloads) {
        add({"growth/" + of + '/' + workload.size, implementation,
             [&workload](benchmark::State& state) { visit<Connection>(state, workload); }});
    }
    return true;
}

} // namespace bench
