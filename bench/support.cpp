// What all benchmarks share, and main.
// SPDX-License-Identifier: MIT
#include "support.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>

#if defined(BENCH_HAS_MALLINFO2)
#include <malloc.h>
#endif

namespace {

std::size_t allocation_count = 0;

std::vector<bench::row>& rows() {
    static std::vector<bench::row> all;
    return all;
}

} // namespace

void* operator new(std::size_t size) {
    ++allocation_count;
    if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
    throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    ++allocation_count;
    return std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace bench {

std::size_t allocations() noexcept { return allocation_count; }

std::size_t heap_in_use() noexcept {
#if defined(BENCH_HAS_MALLINFO2)
    const struct mallinfo2 heap = ::mallinfo2();
    return heap.uordblks + heap.hblkhd;
#else
    return 0;
#endif
}

bool add(row added) {
    rows().push_back(std::move(added));
    return true;
}

std::vector<std::byte> make_payload(content kind, std::size_t size, numbers& from) {
    std::vector<std::byte> payload;
    payload.reserve(size + 4);
    const auto put = [&payload](std::uint64_t octet) { payload.push_back(static_cast<std::byte>(octet)); };
    while (payload.size() < size) {
        const std::size_t left = size - payload.size();
        const std::uint64_t number = from.next();
        if (kind == content::binary) {
            put(number & 0xFFU);
        } else if (kind == content::ascii || left < 4 || number % 8 == 0) {
            put(0x20 + number / 8 % 0x5F);
        } else {
            // Hangul syllables, and one emoji in eight characters.
            const bool emoji = number / 8 % 8 == 0;
            const std::uint64_t point = emoji ? 0x1F600 + number / 64 % 80 : 0xAC00 + number / 64 % 11172;
            put(emoji ? 0xF0 : 0xE0 | point >> 12U);
            if (emoji) put(0x80 | (point >> 12U & 0x3FU));
            put(0x80 | (point >> 6U & 0x3FU));
            put(0x80 | (point & 0x3FU));
        }
    }
    return payload;
}

} // namespace bench

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;

    std::vector<std::string> workloads;
    for (const bench::row& row : rows()) {
        if (std::find(workloads.begin(), workloads.end(), row.workload) == workloads.end()) {
            workloads.push_back(row.workload);
        }
    }
    for (const std::string& workload : workloads) {
        for (const bench::row& row : rows()) {
            if (row.workload != workload) continue;
            benchmark::RegisterBenchmark((workload + '/' + row.implementation).c_str(), row.run);
        }
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
