// Short lists in memory that the caller gives: records one behind the other, in the order in which they came.
// SPDX-License-Identifier: MIT
#pragma once

#include "../buffer.hpp"

namespace sockless::detail {

/// Takes `size` bytes at `place` out of a queue of bytes. What stood before them is moved, as a queue is taken from the
/// front, and what is old is most often the first to go.
template <class Buffer>
void erase_bytes(Buffer& buffer, std::size_t place, std::size_t size) noexcept {
    if (place != 0) std::memmove(buffer.contents().data() + size, buffer.contents().data(), place);
    buffer.consume(size);
}

/// Records of one trivial type. Their bytes are copied in and out, as memory of the caller's may lie anywhere.
template <class Record, class Buffer>
class record_list {
    static_assert(std::is_trivially_copyable_v<Record>);

  public:
    explicit record_list(Buffer memory) noexcept : memory_(static_cast<Buffer&&>(memory)) {}

    [[nodiscard]] std::size_t size() const noexcept { return memory_.size() / sizeof(Record); }

    [[nodiscard]] Record operator[](std::size_t index) const noexcept {
        Record record;
        std::memcpy(&record, memory_.contents().data() + index * sizeof(Record), sizeof(Record));
        return record;
    }
    void set(std::size_t index, const Record& record) noexcept {
        std::memcpy(memory_.contents().data() + index * sizeof(Record), &record, sizeof(Record));
    }

    /// False where the memory is full.
    [[nodiscard]] bool push(const Record& record) noexcept { return append(memory_, bytes_of(&record, sizeof record)); }

    void erase(std::size_t index) noexcept { erase_bytes(memory_, index * sizeof(Record), sizeof(Record)); }

    /// Takes out those of the first `count` records for which `wanted` says so.
    template <class Wanted>
    void erase_if(std::size_t count, Wanted wanted) noexcept {
        std::size_t first_kept = count;
        for (std::size_t i = count; i-- != 0;) {
            const Record record = (*this)[i];
            if (!wanted(record)) set(--first_kept, record);
        }
        if (first_kept != 0) memory_.consume(first_kept * sizeof(Record));
    }

    void release() noexcept {
        if (memory_.size() == 0) memory_.release();
    }

  private:
    Buffer memory_;
};

} // namespace sockless::detail
