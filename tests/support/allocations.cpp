// The operators new of the test program, which count.
// SPDX-License-Identifier: MIT
#include "allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

#include <malloc.h>

namespace {

std::atomic<std::size_t> count{0};
std::atomic<std::size_t> in_use{0};
std::atomic<bool> empty{false};

std::size_t size_of(void* memory) noexcept {
#if defined(_WIN32)
    return memory != nullptr ? ::_msize(memory) : 0;
#else
    return ::malloc_usable_size(memory);
#endif
}

void* counted(std::size_t size) noexcept {
    ++count;
    void* const memory = std::malloc(size == 0 ? 1 : size);
    in_use += size_of(memory);
    return memory;
}

void release(void* memory) noexcept {
    in_use -= size_of(memory);
    std::free(memory);
}

void* counted_or_throw(std::size_t size) {
    if (void* const memory = counted(size)) return memory;
    throw std::bad_alloc();
}

} // namespace

std::size_t sockless::test::allocations() noexcept { return count; }
std::size_t sockless::test::heap_in_use() noexcept { return in_use; }

sockless::test::empty_heap::empty_heap() noexcept { empty = true; }
sockless::test::empty_heap::~empty_heap() { empty = false; }

void* operator new(std::size_t size) { return counted_or_throw(size); }
void* operator new[](std::size_t size) { return counted_or_throw(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return empty ? nullptr : counted(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return empty ? nullptr : counted(size); }
void operator delete(void* memory) noexcept { release(memory); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { release(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { release(memory); }
