// Runs code as a lesser processor would, so that each backend that the library may choose is chosen somewhere.
// SPDX-License-Identifier: MIT
#pragma once

// As in the library: 64-bit processors only, and no wide vectors by GCC for 64-bit Windows.
#if defined(__x86_64__) && defined(__SSE2__)
#define TESTS_SSE2
#if defined(__clang__) || !defined(_WIN64)
#define TESTS_WIDE_VECTORS
#endif
#endif

namespace sockless::test {

#if defined(__x86_64__)
/// Each has what those before it have.
enum class processor { sse2, ssse3, avx2 };

inline constexpr processor lesser_processors[] = {processor::sse2, processor::ssse3, processor::avx2};

/// While one of these lives, the library sees a processor that has this, or the true one if that has less.
class lesser_processor {
  public:
    explicit lesser_processor(processor seen) noexcept;
    ~lesser_processor();
    lesser_processor(const lesser_processor&) = delete;
    lesser_processor& operator=(const lesser_processor&) = delete;

  private:
    unsigned before_[3];
};
#endif

} // namespace sockless::test
