// A list of names in a buffer of any kind, each with a record of facts about it.
// SPDX-License-Identifier: MIT
#pragma once

#include "lazy_iterator.hpp"
#include "lists.hpp"
#include "text.hpp"

namespace sockless::detail {

/// Stands before each name in the list. `mode` and `number` mean what the owner of the list wants.
template <class Kind>
struct name_record {
    Kind kind{};
    std::uint8_t mode = 0;
    std::uint16_t unused = 0; // so that no byte is padding
    std::uint32_t number = 0;
    std::uint32_t size = 0; // of the name
};

/// One name with its record. `place` is the index of the record's first byte in the list. `text` lies in the list,
/// behind its record. Valid until the list changes.
template <class Kind>
struct named {
    name_record<Kind> record{};
    std::string_view text{};
    std::size_t place = 0;
};

/// Finds the names of one kind, one after the other, for `lazy_iterator`.
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

/// The names of one kind, oldest first. A forward range of `std::string_view`, valid until the list changes.
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

/// Names of several kinds, in the order in which they were added.
template <class Kind, class Buffer>
class name_list {
  public:
    using entry = named<Kind>;

    explicit name_list(Buffer memory) noexcept : memory_(static_cast<Buffer&&>(memory)) {}

    /// False if the memory is full; then nothing was added. `text` may lie in the list.
    [[nodiscard]] bool add(Kind kind, std::string_view text, std::uint8_t mode = 0, std::uint32_t number = 0) noexcept {
        const name_record<Kind> record{kind, mode, 0, number, static_cast<std::uint32_t>(text.size())};
        // `prepare` may move the list, and a name that lies in it moves too.
        const std::size_t place = place_of(text);
        const bytes room = memory_.prepare(sizeof record + text.size());
        if (room.empty()) return false;
        if (place < memory_.size()) text = text_of(memory_.contents().subspan(place, text.size()));
        std::memcpy(room.data(), &record, sizeof record);
        detail::copy(room.data() + sizeof record, text.data(), text.size());
        memory_.commit(room.size());
        return true;
    }

    /// The first name for which `wanted` is true. If there is none, the data of `text` is null.
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
    [[nodiscard]] entry find(Kind kind, std::string_view text) const noexcept {
        return find_if([&](const entry& each) { return each.record.kind == kind && equal(each.text, text); });
    }

    /// The name that was added last, which has `size` bytes.
    [[nodiscard]] entry last(std::size_t size) const noexcept {
        const cbytes all = memory_.contents();
        return at(all, all.size() - size - sizeof(name_record<Kind>));
    }

    /// Whether a name of `size` bytes can be added.
    [[nodiscard]] bool has_room(std::size_t size) noexcept {
        return !memory_.prepare(sizeof(name_record<Kind>) + size).empty();
    }

    void erase(const entry& name) noexcept { erase_bytes(memory_, name.place, sizeof name.record + name.record.size); }

    /// Erases the name that was added last, which has `size` bytes.
    void erase_last(std::size_t size) noexcept {
        const std::size_t record = sizeof(name_record<Kind>) + size;
        erase_bytes(memory_, memory_.size() - record, record);
    }

    void set_mode(const entry& name, std::uint8_t mode) noexcept {
        name_record<Kind> record = name.record;
        record.mode = mode;
        std::memcpy(memory_.contents().data() + name.place, &record, sizeof record);
    }

    /// How many names of a kind there are.
    [[nodiscard]] std::size_t count(Kind kind) const noexcept {
        std::size_t found = 0;
        for ([[maybe_unused]] const std::string_view each : of(kind)) ++found;
        return found;
    }

    [[nodiscard]] name_range<Kind> of(Kind kind) const noexcept { return {memory_.contents(), kind}; }

    /// Gives the memory back if the list is empty.
    void release() noexcept {
        if (memory_.size() == 0) memory_.release();
    }

  private:
    // The place of `text` in the list. If it does not lie there, the result is not less than the size of the list.
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
