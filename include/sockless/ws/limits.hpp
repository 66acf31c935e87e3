// What a WebSocket peer may ask of our memory and time.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace sockless::ws {

/// Limits on what is received, judged from a frame's header before any of its payload is taken (RFC 6455 section
/// 10.4). There is no value that means "unlimited"; the largest number is the largest limit.
struct limits {
    /// Bytes of payload in one message, all its frames together; for a compressed one, inflated too. Beyond: 1009.
    std::uint64_t message = 16 * 1024 * 1024;

    /// Bytes of payload in one frame, where that is to be less than in a message. Beyond: 1009.
    std::uint64_t frame = 16 * 1024 * 1024;

    /// Frames in one message, empty ones too: they cost time and no bytes, so only a count can bound them. The default
    /// is 4 MiB in frames of 64 bytes, and one. Beyond: 1008.
    std::uint32_t frames = 65537;
};

} // namespace sockless::ws
