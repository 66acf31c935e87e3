// A list that the caller gives for the time of a call: `{a, b}`, an array, a span, a vector.
// SPDX-License-Identifier: MIT
#pragma once

#include <array> // and with it std::initializer_list
#include <concepts>

#include "core.hpp"

// Clang warns if a list of this kind ends before the view of it.
#if defined(__clang__)
#define SOCKLESS_VIEWED [[clang::lifetimebound]]
#else
#define SOCKLESS_VIEWED
#endif

namespace sockless::detail {

/// A container whose elements lie side by side and convert to `T`.
template <class List, class T>
concept list_for = requires(const List& list) {
    { *list.data() } -> std::convertible_to<T>;
    { list.size() } -> std::convertible_to<std::size_t>;
};

} // namespace sockless::detail

namespace sockless {

/// A view of a list of `T`, itself a view such as `std::string_view` or `field`. It is made from `{a, b}`, and from an
/// array, a span or a vector, whose elements may also be of a type that converts to `T`, such as `std::string`. Nothing
/// is copied. `{a, b}`, and what else is made for the call, lives until the end of the full expression, so pass it
/// directly: `peer.request({.subprotocols = {"a", "b"}})`. A forward range, and valid as long as what it was made from.
///
///     const auto offer = [](list_view<std::string_view> names) {
///         for (const std::string_view each : names) print(each);
///     };
///     offer({"chat", "superchat"});
template <class T>
class list_view {
  public:
    /// Goes through a list, which outlives it.
    class iterator {
      public:
        using value_type = T;
        using difference_type = std::ptrdiff_t;

        constexpr iterator() noexcept = default;
        /// At the element of this number.
        constexpr iterator(const list_view& list, std::size_t number) noexcept : list_(&list), number_(number) {}

        /// The element. `++` goes on to the next one.
        [[nodiscard]] constexpr T operator*() const noexcept { return (*list_)[number_]; }
        constexpr iterator& operator++() noexcept {
            ++number_;
            return *this;
        }
        constexpr iterator operator++(int) noexcept { return {*list_, number_++}; }
        [[nodiscard]] friend constexpr bool operator==(const iterator&, const iterator&) noexcept = default;

      private:
        const list_view* list_ = nullptr;
        std::size_t number_ = 0;
    };

    constexpr list_view() noexcept = default;

    /// Of a list in braces.
    constexpr list_view(std::initializer_list<T> elements SOCKLESS_VIEWED) noexcept {
        view(elements.begin(), elements.size());
    }

    /// An element in braces of its own would be made of two pointers: the beginning and the end of a text.
    constexpr list_view(std::initializer_list<std::initializer_list<const char*>> one_pair_of_braces_too_many) noexcept
        requires(std::is_same_v<T, std::string_view>) = delete;

    /// Of an array.
    template <std::convertible_to<T> Element, std::size_t Size>
    constexpr list_view(const Element (&elements)[Size]) noexcept {
        view(elements, Size);
    }

    /// Of a span, a vector or another container whose elements lie side by side.
    template <detail::list_for<T> List>
    constexpr list_view(const List& elements) noexcept {
        view(elements.data(), static_cast<std::size_t>(elements.size()));
    }

    /// Of nothing else: says so in a sentence.
    template <class Other>
    constexpr list_view(const Other&) noexcept {
        static_assert(detail::list_for<Other, T>,
                      "a list is given as {a, b}, or as an array, a span or a vector of elements that convert");
    }

    /// How many elements there are.
    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
    [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }

    /// `number` is less than `size()`.
    [[nodiscard]] constexpr T operator[](std::size_t number) const noexcept {
        return convert_ == nullptr ? elements_[number] : convert_(others_, number);
    }

    /// Iterators over the elements.
    [[nodiscard]] constexpr iterator begin() const noexcept { return {*this, 0}; }
    [[nodiscard]] constexpr iterator end() const noexcept { return {*this, size_}; }

  private:
    template <class Element>
    constexpr void view(const Element* elements, std::size_t size) noexcept {
        if constexpr (std::is_same_v<Element, T>) {
            elements_ = elements;
        } else {
            others_ = elements;
            convert_ = [](const void* others, std::size_t number) noexcept -> T {
                return static_cast<const Element*>(others)[number];
            };
        }
        size_ = size;
    }

    union {
        const T* elements_ = nullptr;
        const void* others_; // of another type, which `convert_` knows
    };
    T (*convert_)(const void* others, std::size_t number) noexcept = nullptr;
    std::size_t size_ = 0;
};

} // namespace sockless

#undef SOCKLESS_VIEWED
