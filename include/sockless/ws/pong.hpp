// The answers a peer is owed for Pings: bounded, the latest wins.
// SPDX-License-Identifier: MIT
#pragma once

#include "encode.hpp"

namespace sockless::ws {

/// Remembers the latest Ping that was not answered yet. A flood of Pings so costs one Pong for each time that one could
/// be sent, and 125 bytes (RFC 6455 section 5.5.3; F10). After a Close was received nothing is owed.
class pending_pong {
  public:
    /// Takes a Ping's payload, at most 125 bytes, in place of an earlier one.
    constexpr void owe(cbytes ping) noexcept {
        size_ = static_cast<std::uint8_t>(ping.size() < max_control_payload ? ping.size() : max_control_payload);
        detail::copy(payload_, ping.data(), size_);
        owed_ = true;
    }

    [[nodiscard]] constexpr bool owed() const noexcept { return owed_; }

    /// What the Pong carries. Valid until the next call that is not const.
    [[nodiscard]] constexpr cbytes payload() const noexcept { return {payload_, size_}; }

    /// Says that the Pong was sent, or is no longer owed.
    constexpr void settle() noexcept { owed_ = false; }

  private:
    bool owed_ = false;
    std::uint8_t size_ = 0;
    std::byte payload_[max_control_payload] = {};
};

} // namespace sockless::ws
