// Encoding: frames one behind the other into one buffer, and the round that is timed.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstring>

#include "support.hpp"

namespace bench {

struct encode_workload {
    const char* name;
    bool masked; ///< as a client's frames are
    std::size_t payload;
};

inline constexpr encode_workload encode_workloads[] = {
    {"encode/server/20", false, 20}, {"encode/server/1K", false, 1024}, {"encode/server/64K", false, 65536},
    {"encode/client/20", true, 20},  {"encode/client/1K", true, 1024},  {"encode/client/64K", true, 65536},
};

/// Whether `frame` is a whole text frame with this payload, and nothing else.
[[nodiscard]] inline bool is_frame(const std::byte* frame, std::size_t frame_size, const encode_workload& workload,
                                   const std::byte* payload) {
    const auto at = [frame](std::size_t i) { return static_cast<std::uint64_t>(frame[i]); };
    const std::size_t size = workload.payload;
    const std::size_t extended = size <= 125 ? 0 : size <= 0xFFFF ? 2 : 8;
    const std::size_t header = 2 + extended + (workload.masked ? 4 : 0);
    if (frame_size != header + size || at(0) != 0x81) return false;
    if (at(1) != ((workload.masked ? 0x80U : 0U) | (extended == 0 ? size : extended == 2 ? 126U : 127U))) return false;
    std::uint64_t length = extended == 0 ? size : 0;
    for (std::size_t i = 0; i != extended; ++i) length = length << 8U | at(2 + i);
    if (length != size) return false;
    for (std::size_t i = 0; i != size; ++i) {
        const std::byte key = workload.masked ? frame[header - 4 + i % 4] : std::byte{0};
        if ((frame[header + i] ^ key) != payload[i]) return false;
    }
    return true;
}

/// One row. An `Encoder`, made from whether it masks, has `encode(out, payload, size, key)`, which writes a text frame
/// to `out`, which has room, and returns its end. Who makes masking keys of its own ignores `key`.
template <class Encoder>
void encode(benchmark::State& state, const encode_workload& workload) {
    numbers from(workload.payload);
    const std::vector<std::byte> payload = make_payload(content::ascii, workload.payload, from);
    std::vector<std::uint32_t> keys(65536 / workload.payload);
    for (std::uint32_t& key : keys) key = static_cast<std::uint32_t>(from.next());
    std::vector<std::byte> out(keys.size() * (payload.size() + 14));

    Encoder encoder(workload.masked);
    const std::byte* const end = encoder.encode(out.data(), payload.data(), payload.size(), keys[0]);
    const auto size = static_cast<std::size_t>(end - out.data());
    if (!check(state, is_frame(out.data(), size, workload, payload.data()))) return;

    measure(state, keys.size(), keys.size() * payload.size(), [&] {
        std::byte* to = out.data();
        for (const std::uint32_t key : keys) to = encoder.encode(to, payload.data(), payload.size(), key);
        benchmark::DoNotOptimize(to);
    });
}

template <class Encoder>
bool add_encoder(const char* implementation) {
    for (const encode_workload& workload : encode_workloads) {
        add({workload.name, implementation,
             [&workload](benchmark::State& state) { encode<Encoder>(state, workload); }});
    }
    return true;
}

} // namespace bench
