// How much sockless-inspect reads: as much as there is memory for, or as much as the library does by default.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless/http/limits.hpp>
#include <sockless/stomp/limits.hpp>
#include <sockless/ws/limits.hpp>

namespace sockless::inspect {

/// The limits of all decoders. Those of the library are for peers that are not trusted; a capture is in memory already.
struct limits {
    http::limits http{};
    ws::limits ws{};
    stomp::limits stomp{};
};

inline constexpr limits no_limits = {
    {.start_line = UINT32_MAX,
     .field_line = UINT32_MAX,
     .fields = UINT32_MAX,
     .head = UINT32_MAX,
     .empty_lines = UINT32_MAX},
    {.message = UINT64_MAX, .frame = UINT64_MAX, .frames = UINT32_MAX},
    {.line = UINT32_MAX, .headers = UINT32_MAX, .head = UINT32_MAX, .body = UINT64_MAX},
};

} // namespace sockless::inspect
