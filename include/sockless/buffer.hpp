// The two kinds of memory a caller can give: a span of their own, or one that grows up to a limit.
// SPDX-License-Identifier: MIT
#pragma once

#include <new>

#include "core.hpp"

namespace sockless {

/// Memory that the caller owns and that never grows. Holds a queue of bytes: `append` at the end, `consume` from the
/// front. `Byte` is `std::byte`, or `char` where the content must be text in constant evaluation.
/// The memory outlives the buffer.
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

    /// Room for `size` more bytes behind the content, not yet part of it; an empty span where it does not fit.
    /// Valid until the next call that is not const.
    [[nodiscard]] constexpr std::span<Byte> prepare(std::size_t size) noexcept {
        if (size > memory_.size() - this->size()) return {};
        if (size > memory_.size() - end_) {
            for (std::size_t i = begin_; i != end_; ++i) memory_[i - begin_] = memory_[i];
            end_ -= begin_;
            begin_ = 0;
        }
        return memory_.subspan(end_, size);
    }

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

/// Memory from the heap that starts with none and at most doubles when it must grow, up to `limit` bytes. Same verbs
/// as `span_buffer`. Where the heap has no more, `prepare` says so as if the limit were reached. Moves, does not copy.
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

    void commit(std::size_t size) noexcept { end_ += size; }

    void consume(std::size_t size) noexcept {
        begin_ += size;
        if (begin_ == end_) clear();
    }

    void clear() noexcept { begin_ = end_ = 0; }

    /// Drops the content and gives the memory back to the heap.
    void release() noexcept { *this = growing_buffer(limit_); }

  private:
    // Moves the content to the front, into larger memory only where more than half of it is in use: so a queue that
    // is filled and drained in turns neither grows nor copies each byte more than once.
    bool make_room(std::size_t needed) noexcept {
        const std::size_t held = size();
        if (needed > capacity_ / 2) {
            std::size_t grown = capacity_ > limit_ / 2 ? limit_ : capacity_ * 2;
            if (grown < 256) grown = limit_ < 256 ? limit_ : 256;
            if (grown < needed) grown = needed;
            if (grown > capacity_) {
                auto* larger = static_cast<std::byte*>(::operator new(grown, std::nothrow));
                if (larger == nullptr) return false;
                detail::copy(larger, memory_ + begin_, held);
                ::operator delete(memory_);
                memory_ = larger;
                capacity_ = grown;
                begin_ = 0;
                end_ = held;
                return true;
            }
        }
        if (held != 0) std::memmove(memory_, memory_ + begin_, held);
        begin_ = 0;
        end_ = held;
        return needed <= capacity_;
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
