// The two kinds of buffer: in memory of the caller's, and on the heap up to a limit.
// SPDX-License-Identifier: MIT
#pragma once

#include <new>

#include "core.hpp"

namespace sockless::detail {

/// Moves bytes to an earlier place. The two places may overlap.
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

/// A queue of bytes in memory that the caller owns: `append` at the end, `consume` from the front. The memory outlives
/// the buffer and never grows. If the queue is nearly full, each `prepare` can move the content. `Byte` is `std::byte`,
/// or `char` if the content must be text in constant evaluation.
///
/// A copy uses the same memory and knows nothing of what the other does later. Once a buffer is copied, use one of the
/// two only.
///
///     std::array<std::byte, 4096> memory;
///     span_buffer queue(std::span<std::byte>{memory});
///     if (append(queue, bytes_of("hello"))) queue.consume(write(queue.contents()));
template <class Byte>
class span_buffer {
  public:
    constexpr span_buffer() noexcept = default;
    /// An empty queue in this memory.
    constexpr explicit span_buffer(std::span<Byte> memory) noexcept : memory_(memory) {}

    /// The content, oldest first. Valid until the next call that is not const.
    [[nodiscard]] constexpr std::span<Byte> contents() const noexcept { return memory_.subspan(begin_, size()); }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return end_ - begin_; }

    /// The most bytes that the buffer can hold.
    [[nodiscard]] constexpr std::size_t limit() const noexcept { return memory_.size(); }

    /// All of the memory that the caller gave.
    [[nodiscard]] constexpr std::span<Byte> memory() const noexcept { return memory_; }

    /// Room for `size` more bytes behind the content, not yet part of it. An empty span if they do not fit; then
    /// nothing changes. Valid until the next call that is not const.
    [[nodiscard]] constexpr std::span<Byte> prepare(std::size_t size) noexcept {
        if (size > memory_.size() - this->size()) return {};
        if (size > memory_.size() - end_) {
            detail::copy_down(memory_.data(), memory_.data() + begin_, this->size());
            end_ -= begin_;
            begin_ = 0;
        }
        return memory_.subspan(end_, size);
    }

    /// For how many more bytes there is memory behind the content, so that `prepare` need not allocate or move any. May
    /// be more than the limit allows.
    [[nodiscard]] constexpr std::size_t ready() const noexcept { return memory_.size() - end_; }

    /// Makes the first `size` bytes of the room part of the content: at most as many as the last `prepare` gave.
    constexpr void commit(std::size_t size) noexcept { end_ += size; }

    /// Removes `size` bytes, at most `size()`, from the front.
    constexpr void consume(std::size_t size) noexcept {
        begin_ += size;
        if (begin_ == end_) clear();
    }

    /// Removes all but the first `size` bytes, at most `size()`.
    constexpr void truncate(std::size_t size) noexcept {
        end_ = begin_ + size;
        if (size == 0) clear();
    }

    /// Removes the content. The memory stays.
    constexpr void clear() noexcept { begin_ = end_ = 0; }

    /// Removes the content and gives back memory from the heap, of which there is none here.
    constexpr void release() noexcept { clear(); }

  private:
    std::span<Byte> memory_{};
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

template <class Byte>
span_buffer(std::span<Byte>) -> span_buffer<Byte>;

/// A queue of up to `limit` bytes in memory from the heap, with the verbs of `span_buffer`. It begins without memory
/// and doubles when it must grow. A queue that is never empty can come to take memory for twice the limit. If the heap
/// is used up, `prepare` returns an empty span, as it does at the limit. It moves and does not copy. After a move the
/// source has a limit of 0.
///
///     growing_buffer queue(64 * 1024);
///     if (const bytes room = queue.prepare(4096); !room.empty()) queue.commit(read(room));
///     queue.consume(write(queue.contents()));
class growing_buffer {
  public:
    growing_buffer() noexcept = default;
    /// An empty queue of up to `limit` bytes, without memory yet.
    explicit growing_buffer(std::size_t limit) noexcept : limit_(limit) {}
    growing_buffer(growing_buffer&& other) noexcept { swap(other); }
    growing_buffer& operator=(growing_buffer&& other) noexcept {
        growing_buffer taken(static_cast<growing_buffer&&>(other));
        swap(taken);
        return *this;
    }
    ~growing_buffer() { ::operator delete(memory_); }

    /// The content, oldest first, its size, and the most bytes that the buffer can hold. The content is valid until the
    /// next call that is not const.
    [[nodiscard]] bytes contents() const noexcept { return {memory_ + begin_, end_ - begin_}; }
    [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
    [[nodiscard]] std::size_t limit() const noexcept { return limit_; }

    /// Room for `size` more bytes behind the content, not yet part of it, for which it may take memory. An empty span
    /// if they do not fit, or if there is no memory; then nothing changes. Valid until the next call that is not const.
    [[nodiscard]] bytes prepare(std::size_t size) noexcept {
        const std::size_t held = end_ - begin_;
        if (size > limit_ - held) return {};
        if (size > capacity_ - end_ && !make_room(held + size)) return {};
        return {memory_ + end_, size};
    }

    /// For how many more bytes there is memory behind the content, so that `prepare` need not allocate or move any.
    [[nodiscard]] std::size_t ready() const noexcept { return capacity_ - end_; }

    /// Makes the first `size` bytes of the room part of the content: at most as many as the last `prepare` gave.
    void commit(std::size_t size) noexcept { end_ += size; }

    /// Removes `size` bytes, at most `size()`, from the front.
    void consume(std::size_t size) noexcept {
        begin_ += size;
        if (begin_ == end_) clear();
    }

    /// Removes all but the first `size` bytes, at most `size()`.
    void truncate(std::size_t size) noexcept {
        end_ = begin_ + size;
        if (size == 0) clear();
    }

    /// Removes the content. The memory stays.
    void clear() noexcept { begin_ = end_ = 0; }

    /// Removes the content and gives the memory back to the heap.
    void release() noexcept { *this = growing_buffer(limit_); }

  private:
    // Makes room for `needed` bytes from the front. Moves the content within the memory if at least as many bytes were
    // consumed before it. So over time each byte moves once. Otherwise the memory grows.
    bool make_room(std::size_t needed) noexcept {
        const std::size_t held = end_ - begin_;
        if (begin_ < held || needed > capacity_) {
            if (grow(needed)) return true;
            if (needed > capacity_) return false;
        }
        detail::copy_down(memory_, memory_ + begin_, held);
        begin_ = 0;
        end_ = held;
        return true;
    }

    bool grow(std::size_t needed) noexcept {
        // A queue that is never empty gets memory for twice its limit. Else it would never be time to move it.
        const std::size_t most = begin_ == 0 || limit_ > SIZE_MAX / 2 ? limit_ : limit_ * 2;
        std::size_t capacity = capacity_ > most / 2 ? most : capacity_ * 2;
        if (capacity < 256) capacity = most < 256 ? most : 256;
        if (capacity < needed) capacity = needed;
        if (capacity <= capacity_) return false;
        auto* const memory = static_cast<std::byte*>(::operator new(capacity, std::nothrow));
        if (memory == nullptr) return false;
        const std::size_t held = end_ - begin_;
        detail::copy(memory, memory_ + begin_, held);
        ::operator delete(memory_);
        memory_ = memory;
        capacity_ = capacity;
        begin_ = 0;
        end_ = held;
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

/// Appends all of `data` to a buffer of any kind. If it does not fit, appends nothing and returns false.
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
