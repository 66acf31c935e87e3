// The iterator of ranges that store nothing and find each element as they go.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <type_traits>

namespace sockless::detail {

/// A forward iterator over what a `Finder` finds. It has the element that it is at (`current`, of its `value_type`),
/// goes on to the next (`advance`), and has a `place` that differs between elements and is that of a default one at the
/// end.
template <class Finder>
class lazy_iterator {
  public:
    using value_type = typename Finder::value_type;
    using difference_type = std::ptrdiff_t;

    constexpr lazy_iterator() noexcept = default;

    /// Makes the finder in its place: a copy of one that was just made would wait for its stores.
    template <class... Argument>
    constexpr explicit lazy_iterator(const Argument&... arguments) noexcept
        requires(std::is_constructible_v<Finder, const Argument&...>)
        : at_(arguments...) {}

    [[nodiscard]] constexpr const value_type& operator*() const noexcept { return at_.current; }
    [[nodiscard]] constexpr const value_type* operator->() const noexcept { return &at_.current; }

    constexpr lazy_iterator& operator++() noexcept {
        at_.advance();
        return *this;
    }
    constexpr lazy_iterator operator++(int) noexcept {
        const lazy_iterator held = *this;
        at_.advance();
        return held;
    }

    [[nodiscard]] friend constexpr bool operator==(const lazy_iterator& a, const lazy_iterator& b) noexcept {
        return a.at_.place() == b.at_.place();
    }

  private:
    Finder at_{};
};

} // namespace sockless::detail
