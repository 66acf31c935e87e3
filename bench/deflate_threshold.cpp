// Small messages: what it takes to compress them, and what it saves, which is what a threshold weighs.
// SPDX-License-Identifier: MIT
#include "deflate.hpp"

namespace bench {
namespace {

using namespace sockless;

// Deflates each message, inflates it again, and gives it to the sink.
template <class Sink>
class round_trip {
  public:
    round_trip(const deflate_workload& workload, Sink& sink)
        : sink_(sink), takeover_(workload.takeover), deflated_(room_for(workload)), inflated_(room_for(workload)) {}

    void take(const octets& message) {
        cbytes in(message);
        const auto sent = deflating_.next(deflater_, in, true, deflated_);
        cbytes received(deflated_.data(), sent.size);
        inflating_.begin(ws::message_type::text);
        const ws::decoder::event found = inflating_.next(inflater_, received, true, inflated_);
        if (!sent || !found.last) std::abort();
        sink_.piece(found.payload.data(), found.payload.size(), true);
        if (takeover_) return;
        deflater_.reset();
        inflater_.reset();
    }

  private:
    Sink& sink_;
    bool takeover_;
    ws::zlib_deflater deflater_{15, {}};
    ws::zlib_inflater inflater_{};
    ws::message_deflater deflating_{};
    ws::message_inflater inflating_{};
    octets deflated_;
    octets inflated_;
};

void compress_small(benchmark::State& state, const deflate_workload& workload) {
    const message_cycle& cycle = cycle_of(workload);
    const auto round = [&](auto& both) {
        for (const octets& message : cycle.plain) both.take(message);
    };
    {
        hashing sink;
        round_trip<hashing> both(workload, sink);
        round(both);
        if (!check(state, sink.result() == cycle.expected_plain)) return;
    }
    counting sink;
    round_trip<counting> both(workload, sink);
    measure(state, cycle.plain.size(), cycle.plain_bytes, [&] { round(both); });
    const double saved = static_cast<double>(cycle.plain_bytes) - static_cast<double>(cycle.expected_deflated.bytes);
    state.counters["bytes_saved"] = saved / static_cast<double>(cycle.plain.size());
}

bool add_threshold() {
    static constexpr std::size_t sizes[] = {16, 32, 48, 64, 96, 128, 192, 256, 384, 512};
    static std::vector<deflate_workload> workloads;
    for (const bool takeover : {true, false}) {
        for (const words kind : {words::json, words::korean}) {
            for (const std::size_t size : sizes) workloads.push_back({"", kind, size, takeover});
        }
    }
    for (const deflate_workload& workload : workloads) {
        const std::string name = std::string("threshold/") + (workload.takeover ? "takeover/" : "no-takeover/") +
                                 (workload.kind == words::json ? "json/" : "korean/") + std::to_string(workload.size);
        add({name, "stage", [&workload](benchmark::State& state) { compress_small(state, workload); }});
    }
    return true;
}

const bool added = add_threshold();

} // namespace
} // namespace bench
