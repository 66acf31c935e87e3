// Short lists of records in a buffer of any kind, in the order in which they were added.
// SPDX-License-Identifier: MIT
#pragma once

#include "../buffer.hpp"

namespace sockless::detail {

/// Removes `size` bytes at `place` from a queue of bytes. Moves the bytes before them: old records most often go first,
/// so there are few of these.
template <class Buffer>
void erase_bytes(Buffer& buffer, std::size_t place, std::size_t size) noexcept {
    if (place != 0) std::memmove(buffer.contents().data() + size, buffer.contents().data(), place);
    buffer.consume(size);
}

/// Records of one trivially copyable type. They are copied in and out byte by byte, as the memory may have any
/// alignment.
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

    /// False if the memory is full; then nothing was added.
    [[nodiscard]] bool push(const Record& record) noexcept { return append(memory_, bytes_of(&record, sizeof record)); }

    void erase(std::size_t index) noexcept { erase_bytes(memory_, index * sizeof(Record), sizeof(Record)); }

    /// Removes those of the first `count` records for which `wanted` is true.
    template <class Wanted>
    void erase_if(std::size_t count, Wanted wanted) noexcept {
        std::size_t first_kept = count;
        for (std::size_t i = count; i-- != 0;) {
            const Record record = (*this)[i];
            if (!wanted(record)) set(--first_kept, record);
        }
        if (first_kept != 0) memory_.consume(first_kept * sizeof(Record));
    }

    /// Gives the memory back if the list is empty.
    void release() noexcept {
        if (memory_.size() == 0) memory_.release();
    }

  private:
    Buffer memory_;
};

} // namespace sockless::detail
