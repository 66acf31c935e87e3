// Bytes on the heap that several queues hold at the same time.
// SPDX-License-Identifier: MIT
#pragma once

#include <new>

#include "../core.hpp"

namespace sockless::detail {

/// A handle on bytes that are written once and then only read. Copies of the handle share the bytes; the last one gives
/// the memory back. Copies may be used in different threads.
class shared_bytes {
  public:
    constexpr shared_bytes() noexcept = default;

    /// `size` bytes, without content. Holds nothing if the heap is used up.
    explicit shared_bytes(std::size_t size) noexcept {
        if (size > SIZE_MAX - sizeof(head)) return;
        void* const memory = ::operator new(sizeof(head) + size, std::nothrow);
        if (memory != nullptr) head_ = ::new (memory) head{1, size};
    }

    shared_bytes(const shared_bytes& other) noexcept : head_(other.head_) {
        if (head_ != nullptr) __atomic_fetch_add(&head_->holders, 1, __ATOMIC_RELAXED);
    }
    shared_bytes(shared_bytes&& other) noexcept : head_(other.head_) { other.head_ = nullptr; }
    shared_bytes& operator=(shared_bytes other) noexcept {
        head* const held = head_;
        head_ = other.head_;
        other.head_ = held;
        return *this;
    }
    ~shared_bytes() {
        // The last one sees all that the others have done.
        if (head_ != nullptr && __atomic_fetch_sub(&head_->holders, 1, __ATOMIC_ACQ_REL) == 1) ::operator delete(head_);
    }

    [[nodiscard]] explicit operator bool() const noexcept { return head_ != nullptr; }

    /// All bytes. Write to them before there is a copy of the handle.
    [[nodiscard]] bytes contents() const noexcept {
        return head_ == nullptr ? bytes{} : bytes{reinterpret_cast<std::byte*>(head_ + 1), head_->size};
    }

  private:
    struct head {
        std::size_t holders;
        std::size_t size;
    };

    head* head_ = nullptr;
};

} // namespace sockless::detail
