// Limits on the memory and the time that a WebSocket peer can take.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace sockless::ws {

/// Limits on the frames that are received. They are judged from a frame's header before any of its payload is taken
/// (RFC 6455 section 10.4). There is no value that means "unlimited"; the largest number is the largest limit.
struct limits {
    /// Bytes of payload in one message, all its frames together; for a compressed message, both as sent and inflated.
    /// Beyond: 1009.
    std::uint64_t message = 16 * 1024 * 1024;

    /// Bytes of payload in one frame, if that is to be less than in a message. Beyond: 1009.
    std::uint64_t frame = 16 * 1024 * 1024;

    /// Frames in one message, empty ones too: they cost time and no bytes, so only a count can bound them. The default
    /// is 4 MiB in frames of 64 bytes, and one. Beyond: 1008.
    std::uint32_t frames = 65537;
};

} // namespace sockless::ws
