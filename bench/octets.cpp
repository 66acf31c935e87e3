// UTF-8 and masking alone: our own rows, and those of the copy.
// SPDX-License-Identifier: MIT
#include "octets.hpp"

#include <bit>

#include <sockless/utf8.hpp>
#include <sockless/ws/mask.hpp>

namespace bench {
namespace {

bool is_utf8(const std::byte* data, std::size_t size) { return sockless::is_utf8({data, size}); }

void mask_in_place(std::byte* data, std::size_t size, std::uint32_t key) {
    sockless::ws::mask({data, size},
                       {std::byte(key), std::byte(key >> 8U), std::byte(key >> 16U), std::byte(key >> 24U)});
}

void copy(benchmark::State& state, const mask_workload& workload) {
    const std::vector<std::byte> from(workload.size, std::byte{0x2A});
    std::vector<std::byte> to(workload.size);
    const auto round = [&] {
        std::memcpy(to.data(), from.data(), from.size());
        benchmark::DoNotOptimize(to.data());
    };
    round();
    if (!check(state, to == from)) return;
    measure(state, 1, from.size(), round);
}

bool add_copy() {
    for (const mask_workload& workload : mask_workloads) {
        add({workload.name, "copy", [&workload](benchmark::State& state) { copy(state, workload); }});
    }
    return true;
}

const bool added = add_utf8<is_utf8>("sockless") && add_mask<mask_in_place>("sockless") && add_copy();

} // namespace
} // namespace bench
