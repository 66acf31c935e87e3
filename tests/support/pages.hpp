// Addresses whose pages cannot be read until they are opened.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <new>

#if !defined(_WIN32)
#include <sys/mman.h>
#include <unistd.h>
#else
// <windows.h> would bring its macros into every test.
extern "C" {
__declspec(dllimport) void* __stdcall VirtualAlloc(void* at, std::size_t size, unsigned long kind, unsigned long may);
__declspec(dllimport) int __stdcall VirtualFree(void* at, std::size_t size, unsigned long kind);
}
#endif

namespace sockless::test {

/// Whole pages of addresses, none of which can be read or written at first.
class pages {
  public:
    explicit pages(std::size_t size) : size_(size) {
#if !defined(_WIN32)
        void* const map = ::mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        begin_ = map == MAP_FAILED ? nullptr : static_cast<std::byte*>(map);
#else
        constexpr unsigned long reserve = 0x2000, no_access = 1;
        begin_ = static_cast<std::byte*>(::VirtualAlloc(nullptr, size, reserve, no_access));
#endif
        if (begin_ == nullptr) throw std::bad_alloc();
    }
    pages(const pages&) = delete;
    pages& operator=(const pages&) = delete;
    ~pages() {
#if !defined(_WIN32)
        ::munmap(begin_, size_);
#else
        constexpr unsigned long release = 0x8000;
        ::VirtualFree(begin_, 0, release);
#endif
    }

    /// Makes memory of `size` bytes from `offset` on, both multiples of the size of a page.
    void open(std::size_t offset, std::size_t size) {
#if !defined(_WIN32)
        const bool is_open = ::mprotect(begin_ + offset, size, PROT_READ | PROT_WRITE) == 0;
#else
        constexpr unsigned long commit = 0x1000, read_and_write = 4;
        const bool is_open = ::VirtualAlloc(begin_ + offset, size, commit, read_and_write) != nullptr;
#endif
        if (!is_open) throw std::bad_alloc();
    }

    [[nodiscard]] std::byte* begin() const noexcept { return begin_; }

    /// The size of a page.
    [[nodiscard]] static std::size_t page() noexcept {
#if !defined(_WIN32)
        return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
#else
        return 4096;
#endif
    }

  private:
    std::byte* begin_;
    std::size_t size_;
};

} // namespace sockless::test
