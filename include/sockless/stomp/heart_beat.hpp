// What a side says of heart-beats when it connects, and what follows from both.
// SPDX-License-Identifier: MIT
#pragma once

#include "../detail/text_sink.hpp"

namespace sockless::stomp {

/// The header `heart-beat` of CONNECT and CONNECTED, in milliseconds (STOMP 1.2 Heart-beating) [S5].
struct heart_beat {
    std::uint32_t sends = 0; ///< something is sent at least this often; 0: no promise
    std::uint32_t wants = 0; ///< something should come at least this often; 0: no wish
};

/// Two numbers with a comma between, and whether it was that.
struct parsed_heart_beat {
    heart_beat value{};
    bool valid = false;
};

[[nodiscard]] constexpr parsed_heart_beat parse_heart_beat(std::string_view text) noexcept {
    const char* const end = text.data() + text.size();
    const char* const comma = detail::find(',', text.data(), end);
    if (comma == end) return {};
    const auto sends = detail::read_decimal({text.data(), static_cast<std::size_t>(comma - text.data())});
    const auto wants = detail::read_decimal({comma + 1, static_cast<std::size_t>(end - comma - 1)});
    if (!sends.valid || !wants.valid || sends.value > UINT32_MAX || wants.value > UINT32_MAX) return {};
    return {{static_cast<std::uint32_t>(sends.value), static_cast<std::uint32_t>(wants.value)}, true};
}

/// How often, in milliseconds, something goes from a side that promises `sends` to one that `wants` it: the larger of
/// the two, or 0, never, where one of them is 0 (STOMP 1.2 Heart-beating) [S5].
[[nodiscard]] constexpr std::uint32_t agreed_interval(std::uint32_t sends, std::uint32_t wants) noexcept {
    if (sends == 0 || wants == 0) return 0;
    return sends > wants ? sends : wants;
}

/// A `heart_beat` as the value of its header; empty where both are 0, which is what a missing header means.
class heart_beat_text {
  public:
    constexpr explicit heart_beat_text(const heart_beat& value) noexcept {
        if (value.sends == 0 && value.wants == 0) return;
        detail::text_sink<char> sink(text_);
        sink.put_number(value.sends);
        sink.put(",");
        sink.put_number(value.wants);
        size_ = sink.size();
    }

    /// Valid as long as this.
    [[nodiscard]] constexpr std::string_view text() const noexcept { return detail::text_at(text_, size_); }

  private:
    char text_[21] = {};
    std::size_t size_ = 0;
};

} // namespace sockless::stomp
