// Encoding: our own rows, and those of the copy alone.
// SPDX-License-Identifier: MIT
#include "encode.hpp"

#include <bit>

#include <sockless/ws/encode.hpp>

namespace bench {
namespace {

class sockless_encoder {
  public:
    explicit sockless_encoder(bool masked) : masked_(masked) {}

    std::byte* encode(std::byte* out, const std::byte* payload, std::size_t size, std::uint32_t key) const {
        const sockless::ws::frame_header header{
            .masked = masked_, .masking_key = std::bit_cast<sockless::ws::masking_key>(key), .length = size};
        return out + sockless::ws::encode({out, size + sockless::ws::max_header_size}, header, {payload, size}).size;
    }

  private:
    bool masked_;
};

void copy(benchmark::State& state, const encode_workload& workload) {
    numbers from(workload.payload);
    const std::vector<std::byte> payload = make_payload(content::ascii, workload.payload, from);
    std::vector<std::byte> out(65536);
    const std::size_t frames = out.size() / payload.size();
    const auto round = [&] {
        for (std::size_t i = 0; i != frames; ++i) {
            std::memcpy(out.data() + i * payload.size(), payload.data(), payload.size());
        }
        benchmark::DoNotOptimize(out.data());
    };
    round();
    if (!check(state, std::memcmp(out.data() + (frames - 1) * payload.size(), payload.data(), payload.size()) == 0)) {
        return;
    }
    measure(state, frames, frames * payload.size(), round);
}

bool add_copy() {
    for (const encode_workload& workload : encode_workloads) {
        add({workload.name, "copy", [&workload](benchmark::State& state) { copy(state, workload); }});
    }
    return true;
}

const bool added = add_encoder<sockless_encoder>("sockless") && add_copy();

} // namespace
} // namespace bench
