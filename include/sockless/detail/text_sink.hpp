// Writes text into a span, and says how much room all of it takes.
// SPDX-License-Identifier: MIT
#pragma once

#include "text.hpp"

namespace sockless::detail {

/// Writes to the front of a span, which outlives the sink. If the span is too small, the sink goes on counting, so
/// `size` is always the room that all of the text takes. `Byte` is `std::byte` or `char`.
template <class Byte>
class text_sink {
  public:
    constexpr explicit text_sink(std::span<Byte> out) noexcept : out_(out) {}

    /// Most texts are literals: inlined, a copy of one is a few stores.
    [[gnu::always_inline]] constexpr void put(std::string_view text) noexcept {
        if (has_room(text.size())) copy(out_.data() + size_, text.data(), text.size());
        size_ += text.size();
    }

    constexpr void put(cbytes data) noexcept {
        if (has_room(data.size())) copy(out_.data() + size_, data.data(), data.size());
        size_ += data.size();
    }

    /// A number in decimal digits.
    constexpr void put_number(std::uint64_t value) noexcept { put(decimal_text(value).text()); }

    /// The place of the next `size` bytes, which the caller writes; null if there is no room for them.
    [[nodiscard]] constexpr Byte* take(std::size_t size) noexcept {
        Byte* const place = has_room(size) ? out_.data() + size_ : nullptr;
        size_ += size;
        return place;
    }

    /// The room that the text so far takes, in bytes.
    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }

    /// Whether all of the text so far is written.
    [[nodiscard]] constexpr bool complete() const noexcept { return size_ <= out_.size(); }

  private:
    [[nodiscard]] constexpr bool has_room(std::size_t size) const noexcept {
        return size_ <= out_.size() && size <= out_.size() - size_;
    }

    std::span<Byte> out_;
    std::size_t size_ = 0;
};

} // namespace sockless::detail
