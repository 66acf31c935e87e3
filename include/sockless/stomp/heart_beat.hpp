// The header `heart-beat`: its two numbers, its text, and the intervals that follow from the headers of both sides.
// SPDX-License-Identifier: MIT
#pragma once

#include "../detail/text_sink.hpp"

namespace sockless::stomp {

/// The header `heart-beat` that a side sends in its CONNECT or CONNECTED, in milliseconds (STOMP 1.2
/// Heart-beating) [S5].
struct heart_beat {
    std::uint32_t sends = 0; ///< the side promises to send something at least this often; 0: it promises nothing
    std::uint32_t wants = 0; ///< the side wants to receive something at least this often; 0: it wants nothing
};

} // namespace sockless::stomp

namespace sockless::stomp::detail {

/// Reads one number of a header `heart-beat`. The specification sets no limit, and some clients write "never" as a
/// number of 64 bits [S5].
[[nodiscard]] constexpr decimal read_interval(std::string_view text) noexcept {
    decimal read{0, !text.empty()};
    for (const char c : text) {
        if (!is_digit(c)) return {};
        read.value = read.value * 10 + static_cast<std::uint64_t>(c - '0');
        if (read.value > UINT32_MAX) read.value = UINT32_MAX;
    }
    return read;
}

} // namespace sockless::stomp::detail

namespace sockless::stomp {

/// The result of `parse_heart_beat`. `value` counts if `valid` is true.
struct parsed_heart_beat {
    heart_beat value{};
    bool valid = false;
};

/// Reads the value of a header `heart-beat`: two decimal numbers with a comma between them. No other text is valid
/// (STOMP 1.2 Heart-beating). A number of more than 32 bits is taken for the largest of 32 bits, which is seven weeks.
[[nodiscard]] constexpr parsed_heart_beat parse_heart_beat(std::string_view text) noexcept {
    const char* const end = text.data() + text.size();
    const char* const comma = detail::find(',', text.data(), end);
    if (comma == end) return {};
    const auto sends = detail::read_interval({text.data(), static_cast<std::size_t>(comma - text.data())});
    const auto wants = detail::read_interval({comma + 1, static_cast<std::size_t>(end - comma - 1)});
    if (!sends.valid || !wants.valid) return {};
    return {{static_cast<std::uint32_t>(sends.value), static_cast<std::uint32_t>(wants.value)}, true};
}

/// The agreed interval of heart-beats, in milliseconds, from a side that promises `sends` to a side that wishes for
/// `wants`: the larger of the two numbers. If one of them is 0 there are no heart-beats in this direction, and the
/// result is 0 (STOMP 1.2 Heart-beating) [S5].
[[nodiscard]] constexpr std::uint32_t agreed_interval(std::uint32_t sends, std::uint32_t wants) noexcept {
    if (sends == 0 || wants == 0) return 0;
    return sends > wants ? sends : wants;
}

/// The text of a `heart_beat` as the value of its header (STOMP 1.2 Heart-beating).
///
///     const stomp::heart_beat_text value({.sends = 10'000, .wants = 5'000});
///     print(value.text()); // 10000,5000
class heart_beat_text {
  public:
    /// Writes the text.
    constexpr explicit heart_beat_text(const heart_beat& value) noexcept {
        detail::text_sink<char> sink(text_);
        sink.put_number(value.sends);
        sink.put(",");
        sink.put_number(value.wants);
        size_ = sink.size();
    }

    /// The text. Valid as long as this object.
    [[nodiscard]] constexpr std::string_view text() const noexcept { return detail::text_at(text_, size_); }

  private:
    char text_[21] = {};
    std::size_t size_ = 0;
};

} // namespace sockless::stomp
