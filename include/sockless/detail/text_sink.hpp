// Writes text into a span, and says how much room all of it takes.
// SPDX-License-Identifier: MIT
#pragma once

#include "text.hpp"

#include "compiler_begin.inc"

namespace sockless::detail {

/// Writes to the front of a span, which outlives the sink. If the span is too small, the sink goes on counting, so
/// `size` is always the room that all of the text takes. `Byte` is `std::byte` or `char`.
template <class Byte>
class text_sink {
  public:
    constexpr explicit text_sink(std::span<Byte> out) noexcept : out_(out) {}

    /// Most texts are literals: inlined, a copy of one is a few stores.
    SOCKLESS_ALWAYS_INLINE constexpr void put(std::string_view text) noexcept {
        const std::size_t begin = size_;
        size_ += text.size();
        if (size_ <= out_.size()) copy(out_.data() + begin, text.data(), text.size());
    }

    constexpr void put(cbytes data) noexcept {
        const std::size_t begin = size_;
        size_ += data.size();
        if (size_ <= out_.size()) copy(out_.data() + begin, data.data(), data.size());
    }

    /// A number in decimal digits.
    constexpr void put_number(std::uint64_t value) noexcept { put(decimal_text(value).text()); }

    /// The place of the next `size` bytes, which the caller writes; null if there is no room for them.
    [[nodiscard]] constexpr Byte* take(std::size_t size) noexcept {
        const std::size_t begin = size_;
        size_ += size;
        return size_ <= out_.size() ? out_.data() + begin : nullptr;
    }

    /// The room that the text so far takes, in bytes.
    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }

    /// Whether all of the text so far is written.
    [[nodiscard]] constexpr bool complete() const noexcept { return size_ <= out_.size(); }

  private:
    std::span<Byte> out_;
    std::size_t size_ = 0;
};

} // namespace sockless::detail

#include "compiler_end.inc"
