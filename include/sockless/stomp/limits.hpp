// What a STOMP peer may ask of our memory and time.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace sockless::stomp {

/// Bounds on one frame (STOMP 1.2 Size Limits) [S12]. Each is exact: what is as large as the limit passes, one more is
/// an error, at that byte. There is no value that means "unlimited"; the largest number is the largest limit.
struct limits {
    /// Bytes of one header line, without its end of line. Tokens in `passcode` come near 4 KiB.
    std::uint32_t line = 8192;

    /// Header lines of one frame. Brokers send about 10, applications add their own.
    std::uint32_t headers = 100;

    /// Bytes of the command and all header lines, with their ends of line and the empty line. Also the most memory
    /// that a head which arrives in pieces can take.
    std::uint32_t head = 32768;

    /// Bytes of the body of one frame.
    std::uint64_t body = 16 * 1024 * 1024;
};

} // namespace sockless::stomp
