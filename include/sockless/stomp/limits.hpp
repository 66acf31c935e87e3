// The limits on one STOMP frame: how much memory and time a peer can cost us.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace sockless::stomp {

/// Limits on one frame (STOMP 1.2 Size Limits) [S12]. Each is exact: a size equal to the limit passes, and the first
/// byte or header beyond it is an error. No value means "unlimited"; the largest number is the largest limit.
struct limits {
    /// Bytes of one header line, without its end of line. Some applications send tokens of nearly 4 KiB in `passcode`.
    std::uint32_t line = 8192;

    /// Header lines of one frame. Brokers send about 10, and applications add their own.
    std::uint32_t headers = 100;

    /// Bytes of the head of one frame: the command and all header lines, with their ends of line, and the empty line.
    /// A head that comes in pieces takes at most so much memory.
    std::uint32_t head = 32768;

    /// Bytes of the body of one frame.
    std::uint64_t body = 16 * 1024 * 1024;
};

} // namespace sockless::stomp
