// A wait that ends at a deadline, for state machines that are told the time only now and then.
// SPDX-License-Identifier: MIT
#pragma once

#include "../core.hpp"

namespace sockless::detail {

/// One wait. Nothing here reads a clock: the time is known only while `pass` runs. A wait that begins between two calls
/// of `pass` therefore counts from the next call, however long ago the last one was.
class deadline {
  public:
    /// Begins to wait for `duration` milliseconds, instead of any other wait. `never` ends the waiting.
    constexpr void begin(std::uint32_t duration) noexcept {
        at_ = no_deadline;
        duration_ = duration;
        counts_from_next_ = duration != never;
    }

    /// Begins to wait at a time that is known.
    constexpr void begin_at(instant now, std::uint32_t duration) noexcept {
        at_ = duration == never ? no_deadline : later(now, duration);
        duration_ = duration;
        counts_from_next_ = false;
    }

    /// Begins the same wait anew. Nothing happens if there is no wait.
    constexpr void begin_again() noexcept {
        if (is_waiting()) begin(duration_);
    }

    constexpr void stop() noexcept { begin(never); }

    [[nodiscard]] constexpr bool is_waiting() const noexcept { return counts_from_next_ || at_ != no_deadline; }

    /// Says what time it is. True once, when the wait is over. `no_deadline` is no time: then nothing happens.
    [[nodiscard]] constexpr bool pass(instant now) noexcept {
        if (now == no_deadline) return false;
        if (counts_from_next_) begin_at(now, duration_);
        if (now < at_) return false;
        at_ = no_deadline;
        return true;
    }

    /// When `pass` has something to do: at once, which is 0, if a wait has begun since its last call.
    [[nodiscard]] constexpr instant next() const noexcept { return counts_from_next_ ? 0 : at_; }

  private:
    instant at_ = no_deadline;
    std::uint32_t duration_ = never;
    bool counts_from_next_ = false;
};

} // namespace sockless::detail
