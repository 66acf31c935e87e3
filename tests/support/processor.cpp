// A lesser processor, by what the compiler's runtime remembers of the true one.
// SPDX-License-Identifier: MIT
#include "processor.hpp"

#if defined(__x86_64__)

// `__builtin_cpu_supports` reads these, which the compiler's runtime has in each program. The numbers of the bits are
// fixed: they are part of the interface between compilers and runtime.
extern "C" {
struct cpu_model {
    unsigned vendor, type, subtype, features;
};
extern cpu_model __cpu_model;
extern unsigned __cpu_features2[2];
}

namespace sockless::test {

lesser_processor::lesser_processor(processor seen) noexcept
    : before_{__cpu_model.features, __cpu_features2[0], __cpu_features2[1]} {
    constexpr unsigned ssse3 = 1U << 6, avx2 = 1U << 10;
    unsigned kept = 0;
    if (seen >= processor::ssse3) kept |= ssse3;
    if (seen >= processor::avx2) kept |= avx2;
    __cpu_model.features &= kept;
    __cpu_features2[0] = __cpu_features2[1] = 0;
}

lesser_processor::~lesser_processor() {
    __cpu_model.features = before_[0];
    __cpu_features2[0] = before_[1];
    __cpu_features2[1] = before_[2];
}

} // namespace sockless::test

#endif
