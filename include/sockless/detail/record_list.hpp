// Short lists in memory that the caller gives: records one behind the other, in the order in which they came.
// SPDX-License-Identifier: MIT
#pragma once

#include "../buffer.hpp"
#include "lazy_iterator.hpp"
#include "text.hpp"

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
        Record made;
        std::memcpy(&made, memory_.contents().data() + index * sizeof(Record), sizeof(Record));
        return made;
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

/// What is known of one name: its kind, and what whoever keeps the list wants to know of it.
template <class Kind>
struct name_record {
    Kind kind{};
    std::uint8_t mode = 0;
    std::uint16_t unused = 0;
    std::uint32_t number = 0;
    std::uint32_t size = 0;
};

/// One name with what is known of it. `text` lies in the list.
template <class Kind>
struct named {
    name_record<Kind> record{};
    std::string_view text{};
    std::size_t place = 0;
};

/// Finds one name of a kind after the other.
template <class Kind>
struct name_finder {
    using value_type = std::string_view;

    name_finder() noexcept = default;
    name_finder(cbytes names, Kind wanted) noexcept : rest(names), kind(wanted) { advance(); }

    void advance() noexcept {
        current = {};
        while (!rest.empty() && current.data() == nullptr) {
            name_record<Kind> record;
            std::memcpy(&record, rest.data(), sizeof record);
            const cbytes text = rest.subspan(sizeof record, record.size);
            if (record.kind == kind) current = text_of(text);
            rest = rest.subspan(sizeof record + record.size);
        }
    }
    [[nodiscard]] const char* place() const noexcept { return current.data(); }

    cbytes rest{};
    Kind kind{};
    std::string_view current{};
};

/// The names of one kind, oldest first: a forward range of `std::string_view`. Valid until the list changes.
template <class Kind>
class name_range {
  public:
    using iterator = lazy_iterator<name_finder<Kind>>;

    name_range(cbytes names, Kind kind) noexcept : names_(names), kind_(kind) {}

    [[nodiscard]] iterator begin() const noexcept { return iterator(names_, kind_); }
    [[nodiscard]] iterator end() const noexcept { return {}; }
    [[nodiscard]] bool empty() const noexcept { return begin() == end(); }

  private:
    cbytes names_;
    Kind kind_;
};

/// Names of several kinds, each with its record before it.
template <class Kind, class Buffer>
class name_list {
  public:
    using entry = named<Kind>;

    explicit name_list(Buffer memory) noexcept : memory_(static_cast<Buffer&&>(memory)) {}

    /// False where the memory is full; then nothing was added.
    [[nodiscard]] bool add(Kind kind, std::string_view text, std::uint8_t mode = 0, std::uint32_t number = 0) noexcept {
        const name_record<Kind> record{kind, mode, 0, number, static_cast<std::uint32_t>(text.size())};
        // A name that is in the list already moves with it.
        const std::size_t place = place_of(text);
        const bytes room = memory_.prepare(sizeof record + text.size());
        if (room.empty()) return false;
        if (place < memory_.size()) text = text_of(memory_.contents().subspan(place, text.size()));
        std::memcpy(room.data(), &record, sizeof record);
        detail::copy(room.data() + sizeof record, text.data(), text.size());
        memory_.commit(room.size());
        return true;
    }

    /// The first for which `wanted` says so; falsy, with no text, where there is none.
    template <class Wanted>
    [[nodiscard]] entry find_if(Wanted wanted) const noexcept {
        const cbytes all = memory_.contents();
        for (std::size_t place = 0; place != all.size();) {
            const entry each = at(all, place);
            if (wanted(each)) return each;
            place += sizeof each.record + each.record.size;
        }
        return {};
    }
    /// The name that was added last, which has `size` bytes.
    [[nodiscard]] entry last(std::size_t size) const noexcept {
        return at(memory_.contents(), memory_.size() - size - sizeof(name_record<Kind>));
    }

    /// Whether a name of `size` bytes can be added.
    [[nodiscard]] bool has_room(std::size_t size) noexcept {
        return !memory_.prepare(sizeof(name_record<Kind>) + size).empty();
    }

    [[nodiscard]] entry find(Kind kind, std::string_view text) const noexcept {
        return find_if([&](const entry& each) { return each.record.kind == kind && equal(each.text, text); });
    }

    void erase(const entry& which) noexcept {
        erase_bytes(memory_, which.place, sizeof which.record + which.record.size);
    }

    void set_mode(const entry& which, std::uint8_t mode) noexcept {
        name_record<Kind> record = which.record;
        record.mode = mode;
        std::memcpy(memory_.contents().data() + which.place, &record, sizeof record);
    }

    [[nodiscard]] std::size_t count(Kind kind) const noexcept {
        std::size_t found = 0;
        for (const std::string_view each : of(kind)) found += each.data() != nullptr ? 1U : 0U;
        return found;
    }

    [[nodiscard]] name_range<Kind> of(Kind kind) const noexcept { return {memory_.contents(), kind}; }

    void release() noexcept {
        if (memory_.size() == 0) memory_.release();
    }

  private:
    // Where it lies in the list; what does not lie there is somewhere behind its end.
    [[nodiscard]] std::size_t place_of(std::string_view text) const noexcept {
        return reinterpret_cast<std::uintptr_t>(text.data()) -
               reinterpret_cast<std::uintptr_t>(memory_.contents().data());
    }

    [[nodiscard]] static entry at(cbytes all, std::size_t place) noexcept {
        entry found;
        std::memcpy(&found.record, all.data() + place, sizeof found.record);
        found.text = text_of(all.subspan(place + sizeof found.record, found.record.size));
        found.place = place;
        return found;
    }

    Buffer memory_;
};

} // namespace sockless::detail
