// UTF-8 and masking alone: their workloads, and the rounds that are timed.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstring>

#include "support.hpp"

namespace bench {

struct utf8_workload {
    const char* name;
    content kind;
    std::size_t size;
};

inline constexpr utf8_workload utf8_workloads[] = {
    {"utf8/ascii/64", content::ascii, 64},     {"utf8/ascii/1K", content::ascii, 1024},
    {"utf8/ascii/64K", content::ascii, 65536}, {"utf8/korean/64", content::korean, 64},
    {"utf8/korean/1K", content::korean, 1024}, {"utf8/korean/64K", content::korean, 65536},
};

struct mask_workload {
    const char* name;
    std::size_t size;
};

inline constexpr mask_workload mask_workloads[] = {
    {"mask/20", 20},     {"mask/125", 125},     {"mask/1K", 1024},
    {"mask/16K", 16384}, {"mask/256K", 262144}, {"mask/64M", 67108864},
};

/// `IsUtf8(data, size)` says whether the bytes are UTF-8 as a whole.
template <auto IsUtf8>
void utf8(benchmark::State& state, const utf8_workload& workload) {
    numbers from(workload.size);
    const std::vector<std::byte> text = make_payload(workload.kind, workload.size, from);
    std::vector<std::byte> broken = text;
    broken[broken.size() / 2] = std::byte{0xFF};
    if (!check(state, IsUtf8(text.data(), text.size()) && !IsUtf8(broken.data(), broken.size()))) return;
    measure(state, 1, text.size(), [&] {
        const std::byte* data = text.data();
        benchmark::DoNotOptimize(data);
        benchmark::DoNotOptimize(IsUtf8(data, text.size()));
    });
}

/// `Mask(data, size, key)` masks where the bytes lie; the lowest byte of the key comes first.
template <auto Mask>
void mask(benchmark::State& state, const mask_workload& workload) {
    numbers from(workload.size);
    std::vector<std::byte> data(workload.size);
    Mask(data.data(), data.size(), 0x04030201U);
    bool right = true;
    for (std::size_t i = 0; i != data.size(); ++i) right = right && data[i] == static_cast<std::byte>(1 + i % 4);
    if (!check(state, right)) return;
    const auto key = static_cast<std::uint32_t>(from.next());
    measure(state, 1, data.size(), [&] {
        Mask(data.data(), data.size(), key);
        benchmark::DoNotOptimize(data.data());
    });
}

template <auto IsUtf8>
bool add_utf8(const char* implementation) {
    for (const utf8_workload& workload : utf8_workloads) {
        add({workload.name, implementation, [&workload](benchmark::State& state) { utf8<IsUtf8>(state, workload); }});
    }
    return true;
}

template <auto Mask>
bool add_mask(const char* implementation) {
    for (const mask_workload& workload : mask_workloads) {
        add({workload.name, implementation, [&workload](benchmark::State& state) { mask<Mask>(state, workload); }});
    }
    return true;
}

} // namespace bench
