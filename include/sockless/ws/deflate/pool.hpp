// Inflaters and deflaters on the heap, of one connection or shared by many.
// SPDX-License-Identifier: MIT
#pragma once

#include <new>

#include "message.hpp"

namespace sockless::ws::detail {

/// The window of each inflater.
inline constexpr unsigned largest_window = 15;

/// An inflater or deflater on the heap, which can wait in a list.
template <class Codec>
struct boxed {
    boxed() noexcept : codec(), window_bits(largest_window) {}
    template <class Settings>
    boxed(unsigned bits, const Settings& settings) noexcept : codec(bits, settings), window_bits(bits) {}

    Codec codec;
    unsigned window_bits;
    boxed* next = nullptr;
};

/// Owns a box, or none.
template <class Codec>
class box_owner {
  public:
    box_owner() noexcept = default;
    explicit box_owner(boxed<Codec>* box) noexcept : box_(box) {}
    box_owner(box_owner&& other) noexcept : box_(other.let_go()) {}
    box_owner& operator=(box_owner&& other) noexcept {
        boxed<Codec>* const taken = other.let_go();
        delete box_;
        box_ = taken;
        return *this;
    }
    ~box_owner() { delete box_; }

    [[nodiscard]] explicit operator bool() const noexcept { return box_ != nullptr; }
    [[nodiscard]] Codec& codec() const noexcept { return box_->codec; }

    boxed<Codec>* let_go() noexcept {
        boxed<Codec>* const box = box_;
        box_ = nullptr;
        return box;
    }

  private:
    boxed<Codec>* box_ = nullptr;
};

/// Boxes that are not in use, all of them reset, up to a number.
template <class Codec>
class idle_boxes {
  public:
    explicit idle_boxes(std::size_t most) noexcept : free_(most) {}
    idle_boxes(const idle_boxes&) = delete;
    idle_boxes& operator=(const idle_boxes&) = delete;
    ~idle_boxes() {
        while (first_ != nullptr) delete pop(&first_);
    }

    /// Gives a box with a window of so many bits, or none.
    [[nodiscard]] box_owner<Codec> take(unsigned window_bits) noexcept {
        for (boxed<Codec>** at = &first_; *at != nullptr; at = &(*at)->next) {
            if ((*at)->window_bits == window_bits) {
                ++free_;
                return box_owner<Codec>(pop(at));
            }
        }
        return {};
    }

    /// Takes a box back, or deletes it if there are enough.
    void give(box_owner<Codec> box) noexcept {
        if (free_ == 0 || !box) return;
        --free_;
        box.codec().reset();
        boxed<Codec>* const added = box.let_go();
        added->next = first_;
        first_ = added;
    }

  private:
    static boxed<Codec>* pop(boxed<Codec>** at) noexcept {
        boxed<Codec>* const taken = *at;
        *at = taken->next;
        return taken;
    }

    boxed<Codec>* first_ = nullptr;
    std::size_t free_;
};

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Inflaters and deflaters that the connections of one thread share if context takeover is off: each has one only while
/// a message is on its way, so that an idle connection holds no window. The pool outlives the connections. All
/// connections that share a pool have the same settings of the deflater.
///
///     ws::zlib_pool pool; // a deflate_pool; one for each thread
///     ws::zlib_server first({}, ws::zlib_compression(pool));
///     ws::zlib_server second({}, ws::zlib_compression(pool));
template <inflater Inflater, deflater Deflater>
class deflate_pool {
  public:
    /// Up to `most_idle` of each are kept for later. If more messages are on their way at the same time, more are made,
    /// and given back to the heap afterwards.
    explicit deflate_pool(std::size_t most_idle = 16) noexcept : inflaters(most_idle), deflaters(most_idle) {}

  private:
    template <inflater, deflater>
    friend class deflate_stage;

    detail::idle_boxes<Inflater> inflaters;
    detail::idle_boxes<Deflater> deflaters;
};

} // namespace sockless::ws
