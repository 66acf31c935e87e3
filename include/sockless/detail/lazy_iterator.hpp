// The iterator of ranges that store no elements and find each one when it is needed.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <type_traits>

namespace sockless::detail {

/// A forward iterator over the elements that a `Finder` finds. The finder holds the current element (`current`, of type
/// `value_type`) and goes on to the next one (`advance`). Its `place` differs between elements. At the end it equals
/// the `place` of a default-constructed finder.
template <class Finder>
class lazy_iterator {
  public:
    using value_type = typename Finder::value_type;
    using difference_type = std::ptrdiff_t;

    constexpr lazy_iterator() noexcept = default;

    /// Constructs the finder in its place. The copy of a new finder would wait for the stores of its construction.
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
