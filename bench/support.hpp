// What all benchmarks share: rows, deterministic bytes, sinks that check or count, and what a row reports.
// SPDX-License-Identifier: MIT
#pragma once

// C++17, as one of the peers does not compile as C++20.
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

namespace bench {

/// One row of the output, named `WORKLOAD/IMPLEMENTATION`, so that any two implementations can be divided.
struct row {
    std::string workload;
    std::string implementation;
    std::function<void(benchmark::State&)> run;
};

/// Adds a row; those of one workload stand together, in the order in which they were added. A constant of a unit is
/// initialised with the result, so that a unit that is linked has its rows.
bool add(row added);

/// How often `operator new` was called so far. What a C library takes from `malloc` is not counted.
[[nodiscard]] std::size_t allocations() noexcept;

/// Bytes of the heap in use, those that C libraries took too; 0 where the C library does not say (only glibc does).
[[nodiscard]] std::size_t heap_in_use() noexcept;

/// What came out of a stream. Two implementations that agree in it saw the same messages.
struct digest {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
    std::uint64_t hash = 0;

    [[nodiscard]] friend bool operator==(const digest& a, const digest& b) noexcept {
        return a.messages == b.messages && a.bytes == b.bytes && a.hash == b.hash;
    }
};

/// Takes pieces of messages and hashes them (FNV-1a); how messages were cut does not matter, where they end does.
class hashing {
  public:
    void piece(const std::byte* data, std::size_t size, bool last) noexcept {
        for (std::size_t i = 0; i != size; ++i) mix(static_cast<std::uint64_t>(data[i]));
        result_.bytes += size;
        if (last) {
            ++result_.messages;
            mix(0x100);
        }
    }

    [[nodiscard]] const digest& result() const noexcept { return result_; }

  private:
    void mix(std::uint64_t value) noexcept { result_.hash = (result_.hash ^ value) * 0x00000100000001B3; }

    digest result_{};
};

/// Takes pieces of messages and only counts, as cheaply as can be: what stands in the timed loops.
class counting {
  public:
    void piece(const std::byte*, std::size_t size, bool last) noexcept {
        result_.bytes += size;
        result_.messages += last ? 1 : 0;
    }

    [[nodiscard]] const digest& result() const noexcept { return result_; }

  private:
    digest result_{};
};

/// The same numbers on every machine and in every run (splitmix64).
class numbers {
  public:
    explicit numbers(std::uint64_t seed) noexcept : state_(seed) {}

    std::uint64_t next() noexcept {
        std::uint64_t value = state_ += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27U)) * 0x94D049BB133111EB;
        return value ^ (value >> 31U);
    }

    std::uint64_t below(std::uint64_t limit) noexcept { return next() % limit; }

  private:
    std::uint64_t state_;
};

enum class content { ascii, korean, binary };

/// `size` bytes of a kind; text is whole characters.
[[nodiscard]] std::vector<std::byte> make_payload(content kind, std::size_t size, numbers& from);

/// Runs `round` over and over, after a first time that does not count, and reports the processor's time per frame and
/// per payload byte in nanoseconds, frames and payload bytes a second, and allocations per frame.
template <class Round>
void measure(benchmark::State& state, std::uint64_t frames, std::uint64_t payload_bytes, Round&& round) {
    round();
    const std::size_t before = allocations();
    std::size_t spent = 0;
    const std::clock_t begin = std::clock();
    for (auto _ : state) {
        round();
        benchmark::ClobberMemory();
        spent = allocations() - before;
    }
    const double ns = 1e9 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    const double all_frames = static_cast<double>(frames) * static_cast<double>(state.iterations());
    const double all_bytes = static_cast<double>(payload_bytes) * static_cast<double>(state.iterations());
    state.SetItemsProcessed(static_cast<std::int64_t>(all_frames));
    state.SetBytesProcessed(static_cast<std::int64_t>(all_bytes));
    // A rate turned over would be printed as seconds, so the time is taken here.
    state.counters["ns_per_frame"] = ns / all_frames;
    state.counters["ns_per_byte"] = ns / all_bytes;
    state.counters["allocations_per_frame"] = static_cast<double>(spent) / all_frames;
}

/// Ends a row that does not do its work, before it is timed.
inline bool check(benchmark::State& state, bool right) {
    if (!right) state.SkipWithError("the result is not the expected one");
    return right;
}

} // namespace bench
