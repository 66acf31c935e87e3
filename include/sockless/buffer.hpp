// The two kinds of memory a caller can give: a span of their own, or one that grows up to a limit.
// SPDX-License-Identifier: MIT
#pragma once

#include <new>

#include "core.hpp"

namespace sockless::detail {

/// Moves bytes to a place before them, which may overlap with theirs.
template <class Byte>
constexpr void copy_down(Byte* to, const Byte* from, std::size_t size) noexcept {
    if (std::is_constant_evaluated()) {
        for (std::size_t i = 0; i != size; ++i) to[i] = from[i];
    } else if (size != 0) {
        std::memmove(to, from, size);
    }
}

} // namespace sockless::detail

namespace sockless {

/// Memory that the caller owns and that never grows; where a queue is nearly full, each `prepare` can move it. Holds a
/// queue of bytes: `append` at the end, `consume` from the front. `Byte` is `std::byte`, or `char` where the content
/// must be text in constant evaluation. The memory outlives the buffer.
template <class Byte>
class span_buffer {
  public:
    constexpr span_buffer() noexcept = default;
    constexpr explicit span_buffer(std::span<Byte> memory) noexcept : memory_(memory) {}

    /// What is held, oldest first. Valid until the next call that is not const.
    [[nodiscard]] constexpr std::span<Byte> contents() const noexcept { return memory_.subspan(begin_, size()); }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return end_ - begin_; }

    /// The most bytes that can be held.
    [[nodiscard]] constexpr std::size_t limit() const noexcept { return memory_.size(); }

    /// All of the memory that the caller gave.
    [[nodiscard]] constexpr std::span<Byte> memory() const noexcept { return memory_; }

    /// Room for `size` more bytes behind the content, not yet part of it; an empty span where it does not fit.
    /// Valid until the next call that is not const.
    [[nodiscard]] constexpr std::span<Byte> prepare(std::size_t size) noexcept {
        if (size > memory_.size() - this->size()) return {};
        if (size > memory_.size() - end_) {
            detail::copy_down(memory_.data(), memory_.data() + begin_, this->size());
            end_ -= begin_;
            begin_ = 0;
        }
        return memory_.subspan(end_, size);
    }

    /// How much `prepare` can give without taking memory or moving the content.
    [[nodiscard]] constexpr std::size_t ready() const noexcept { return memory_.size() - end_; }

    /// Makes the first `size` bytes of what `prepare` gave part of the content.
    constexpr void commit(std::size_t size) noexcept { end_ += size; }

    /// Takes `size` bytes, at most `size()`, from the front.
    constexpr void consume(std::size_t size) noexcept {
        begin_ += size;
        if (begin_ == end_) clear();
    }

    constexpr void clear() noexcept { begin_ = end_ = 0; }

    /// Drops the content and whatever memory can be given back (none here).
    constexpr void release() noexcept { clear(); }

  private:
    std::span<Byte> memory_{};
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

template <class Byte>
span_buffer(std::span<Byte>) -> span_buffer<Byte>;

/// Memory from the heap for up to `limit` bytes, that starts with none and doubles when it must grow; a queue that is
/// never empty can come to hold twice the limit. Same verbs as `span_buffer`. Where the heap has no more, `prepare`
/// says so as if the limit were reached. Moves, does not copy.
class growing_buffer {
  public:
    growing_buffer() noexcept = default;
    explicit growing_buffer(std::size_t limit) noexcept : limit_(limit) {}
    growing_buffer(growing_buffer&& other) noexcept { swap(other); }
    growing_buffer& operator=(growing_buffer&& other) noexcept {
        growing_buffer taken(static_cast<growing_buffer&&>(other));
        swap(taken);
        return *this;
    }
    ~growing_buffer() { ::operator delete(memory_); }

    [[nodiscard]] bytes contents() const noexcept { return {memory_ + begin_, size()}; }
    [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
    [[nodiscard]] std::size_t limit() const noexcept { return limit_; }

    [[nodiscard]] bytes prepare(std::size_t size) noexcept {
        const std::size_t held = this->size();
        if (size > limit_ - held) return {};
        if (size > capacity_ - end_ && !make_room(held + size)) return {};
        return {memory_ + end_, size};
    }

    [[nodiscard]] std::size_t ready() const noexcept { return capacity_ - end_; }

    void commit(std::size_t size) noexcept { end_ += size; }

    void consume(std::size_t size) noexcept {
        begin_ += size;
        if (begin_ == end_) clear();
    }

    void clear() noexcept { begin_ = end_ = 0; }

    /// Drops the content and gives the memory back to the heap.
    void release() noexcept { *this = growing_buffer(limit_); }

  private:
    // Room for `needed` bytes from the front. The content is moved within the memory only when at least as much was
    // consumed before it, so over time each byte is moved once; else the memory grows.
    bool make_room(std::size_t needed) noexcept {
        if (begin_ < size() || needed > capacity_) {
            if (grow(needed)) return true;
            if (needed > capacity_) return false;
        }
        detail::copy_down(memory_, memory_ + begin_, size());
        end_ -= begin_;
        begin_ = 0;
        return true;
    }

    bool grow(std::size_t needed) noexcept {
        // A queue that is never empty takes twice its limit, so that there comes a time to move it.
        const std::size_t most = begin_ == 0 || limit_ > SIZE_MAX / 2 ? limit_ : limit_ * 2;
        std::size_t capacity = capacity_ > most / 2 ? most : capacity_ * 2;
        if (capacity < 256) capacity = most < 256 ? most : 256;
        if (capacity < needed) capacity = needed;
        if (capacity <= capacity_) return false;
        auto* const memory = static_cast<std::byte*>(::operator new(capacity, std::nothrow));
        if (memory == nullptr) return false;
        detail::copy(memory, memory_ + begin_, size());
        ::operator delete(memory_);
        memory_ = memory;
        capacity_ = capacity;
        end_ -= begin_;
        begin_ = 0;
        return true;
    }

    void swap(growing_buffer& other) noexcept {
        exchange(memory_, other.memory_);
        exchange(begin_, other.begin_);
        exchange(end_, other.end_);
        exchange(capacity_, other.capacity_);
        exchange(limit_, other.limit_);
    }

    template <class T>
    static void exchange(T& a, T& b) noexcept {
        const T held = a;
        a = b;
        b = held;
    }

    std::byte* memory_ = nullptr;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::size_t capacity_ = 0;
    std::size_t limit_ = 0;
};

/// A buffer that somebody else owns, for those who take theirs by value. The buffer outlives it.
template <class Buffer>
class buffer_reference {
  public:
    constexpr buffer_reference() noexcept = default;
    constexpr explicit buffer_reference(Buffer& to) noexcept : to_(&to) {}

    [[nodiscard]] constexpr auto contents() const noexcept { return to_->contents(); }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return to_->size(); }
    [[nodiscard]] constexpr std::size_t limit() const noexcept { return to_->limit(); }
    [[nodiscard]] constexpr auto prepare(std::size_t size) noexcept { return to_->prepare(size); }
    [[nodiscard]] constexpr std::size_t ready() const noexcept { return to_->ready(); }
    constexpr void commit(std::size_t size) noexcept { to_->commit(size); }
    constexpr void consume(std::size_t size) noexcept { to_->consume(size); }
    constexpr void clear() noexcept { to_->clear(); }
    constexpr void release() noexcept { to_->release(); }

  private:
    Buffer* to_ = nullptr;
};

/// Appends all of `data` to a buffer of any kind, or nothing where it does not fit.
template <class Buffer>
[[nodiscard]] constexpr bool append(Buffer& buffer, cbytes data) noexcept {
    if (data.empty()) return true;
    const auto room = buffer.prepare(data.size());
    if (room.empty()) return false;
    detail::copy(room.data(), data.data(), data.size());
    buffer.commit(data.size());
    return true;
}

} // namespace sockless
