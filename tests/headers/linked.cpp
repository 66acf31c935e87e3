// A program of this file and codecs.cpp twice: built as it is, and as use_codecs_wide with wider instructions. Both
// were given every header, so they are linked only if no header defines a thing twice; and they must agree.
// SPDX-License-Identifier: MIT
#include <cstddef>
#include <cstdint>

std::uint64_t use_codecs(std::byte* data, std::size_t size) noexcept;
std::uint64_t use_codecs_wide(std::byte* data, std::size_t size) noexcept;

namespace {

struct input {
    std::byte data[4096]{};

    input() noexcept {
        std::uint32_t state = 1;
        for (auto& byte : data) byte = static_cast<std::byte>((state = state * 1664525U + 1013904223U) >> 24);
    }
};

} // namespace

int main() {
#if defined(__x86_64__)
    if (!__builtin_cpu_supports("avx2")) return 0;
#endif
    input one;
    input other;
    return use_codecs(one.data, sizeof one.data) == use_codecs_wide(other.data, sizeof other.data) ? 0 : 1;
}
