// Counts what the whole program takes from the heap by `new`.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace sockless::test {

/// How often memory was asked for since the program began.
std::size_t allocations() noexcept;

/// The bytes that `new` has given and that were not deleted.
std::size_t heap_in_use() noexcept;

/// While one of these lives, `new (std::nothrow)` finds no memory.
class empty_heap {
  public:
    empty_heap() noexcept;
    ~empty_heap();
    empty_heap(const empty_heap&) = delete;
    empty_heap& operator=(const empty_heap&) = delete;
};

} // namespace sockless::test
