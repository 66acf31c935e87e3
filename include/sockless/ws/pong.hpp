// The Pongs that are due for a peer's Pings: all of them, as long as those that wait stay small.
// SPDX-License-Identifier: MIT
#pragma once

#include "frame_header.hpp"

namespace sockless::ws {

/// The payload of one control frame, at most 125 bytes.
///
///     ws::control_payload latest;
///     latest.assign(in);
///     error = peer.pong(latest.view());
class control_payload {
  public:
    /// Copies `payload`, or its first 125 bytes.
    constexpr void assign(cbytes payload) noexcept {
        size_ = static_cast<std::uint8_t>(payload.size() < max_control_payload ? payload.size() : max_control_payload);
        detail::copy(bytes_, payload.data(), size_);
    }

    /// Valid as long as this object.
    [[nodiscard]] constexpr cbytes view() const noexcept { return {bytes_, size_}; }

  private:
    std::uint8_t size_ = 0;
    std::byte bytes_[max_control_payload] = {};
};

/// Keeps account of Pongs. Every Ping is answered, in order, while the Pongs that wait to be sent take at most
/// `most_waiting` bytes. Of the Pings that come beyond that only the latest is answered, as RFC 6455 section 5.5.3
/// allows [F10]: so a flood of Pings takes no more memory than that.
///
///     ws::pongs pongs;
///     if (pongs.may_put(7)) pongs.put(7, 1000); // a Pong of 7 bytes, which ends at the 1000th byte of the output
///     if (pongs.sent(1000)) print("a Pong is still owed");
class pongs {
  public:
    /// Bytes of the Pongs that may wait in the output.
    static constexpr std::size_t most_waiting = 4096;

    /// Whether a Pong of `size` bytes, with its header, may be put into the output now.
    [[nodiscard]] constexpr bool may_put(std::size_t size) const noexcept { return waiting_ + size <= most_waiting; }

    /// A Pong of `size` bytes was put into the output, and ends there at `end`, counted from the first byte of all
    /// output.
    constexpr void put(std::size_t size, std::uint64_t end) noexcept {
        waiting_ = static_cast<std::uint16_t>(waiting_ + size);
        end_ = end;
    }

    /// `in_all` bytes of output have been sent, counted from the first byte of all output. Says whether a Pong is owed.
    constexpr bool sent(std::uint64_t in_all) noexcept {
        if (in_all >= end_) waiting_ = 0;
        return owed_;
    }

    /// Whether the latest Ping still waits for its answer. The connection remembers its payload.
    [[nodiscard]] constexpr bool owed() const noexcept { return owed_; }
    constexpr void owe(bool yes) noexcept { owed_ = yes; }

  private:
    std::uint64_t end_ = 0;
    std::uint16_t waiting_ = 0;
    bool owed_ = false;
};

} // namespace sockless::ws
