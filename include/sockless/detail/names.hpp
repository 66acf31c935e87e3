// A list of names in a buffer of any kind, each with a record of facts about it.
// SPDX-License-Identifier: MIT
#pragma once

#include "../buffer.hpp"
#include "bit_tree.hpp"
#include "lazy_iterator.hpp"

// Names lie one behind the other in the order in which they were added, each behind its record. A tree finds them, with
// its nodes in the records: so no call costs more because there are other names. A name that is erased leaves a gap,
// unless it is the last one. If the gaps have more bytes than the names, the names move together and the tree is made
// anew: over time each byte that was added pays for one that moves. So the list needs a buffer of twice the bytes that
// the names may have, and what fits does not depend on what was there before.
namespace sockless::detail {

/// What each record begins with, in this order: it is the whole record if its owner needs no other facts. A record is
/// trivially copyable and has no padding. `Kind` counts from 0; a record says how many `kinds` there are. `mode` means
/// what the owner of the list wants. A record that also has a `number_key number` and a `tree_node by_number` is found
/// by its number, too; no other of its kind has the same number.
template <class Kind, std::size_t Kinds>
struct name_record {
    static constexpr std::size_t kinds = Kinds;

    std::uint32_t size = 0; // of the name
    Kind kind{};
    std::uint8_t mode = 0;
    bool is_erased = false;
    std::uint8_t unused = 0; // so that no byte is padding
    tree_node by_text{};
};

/// A number by which a record is found.
class number_key {
  public:
    constexpr number_key() noexcept = default;
    constexpr explicit number_key(std::uint32_t value) noexcept {
        for (char& each : digits_) {
            each = static_cast<char>(value >> 24U);
            value <<= 8U;
        }
    }

    [[nodiscard]] constexpr std::uint32_t value() const noexcept {
        std::uint32_t read = 0;
        for (const char each : digits_) read = read << 8U | static_cast<unsigned char>(each);
        return read;
    }
    /// Its bytes. Valid as long as this object.
    [[nodiscard]] constexpr std::string_view text() const noexcept { return text_at(digits_, sizeof digits_); }

  private:
    char digits_[4] = {};
};

/// One name with its record. `place` is the index of the record's first byte in the list. `text` lies in the list,
/// behind its record. Valid until a name is added or erased; but `place` stays until one is erased. False if there is
/// no such name.
template <class Record>
struct named {
    Record record{};
    std::string_view text{};
    std::uint32_t place = 0;

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return text.data() != nullptr; }
};

/// Finds the names of one kind, one after the other, for `lazy_iterator`.
template <class Record>
struct name_finder {
    using value_type = std::string_view;
    using kind_type = decltype(Record::kind);

    name_finder() noexcept = default;
    name_finder(cbytes names, kind_type wanted) noexcept : rest(names), kind(wanted) { advance(); }

    void advance() noexcept {
        current = {};
        while (!rest.empty() && current.data() == nullptr) {
            Record record;
            std::memcpy(&record, rest.data(), sizeof record);
            const cbytes text = rest.subspan(sizeof record, record.size);
            if (record.kind == kind && !record.is_erased) current = text_of(text);
            rest = rest.subspan(sizeof record + record.size);
        }
    }
    [[nodiscard]] const char* place() const noexcept { return current.data(); }

    cbytes rest{};
    kind_type kind{};
    std::string_view current{};
};

/// The names of one kind, oldest first. A forward range of `std::string_view`, valid until the list changes.
template <class Record>
class name_range {
  public:
    using iterator = lazy_iterator<name_finder<Record>>;

    name_range(cbytes names, decltype(Record::kind) kind) noexcept : names_(names), kind_(kind) {}

    [[nodiscard]] iterator begin() const noexcept { return iterator(names_, kind_); }
    [[nodiscard]] iterator end() const noexcept { return {}; }
    [[nodiscard]] bool empty() const noexcept { return begin() == end(); }

  private:
    cbytes names_;
    decltype(Record::kind) kind_;
};

/// Names of several kinds, in the order in which they were added. No name is empty, and none is twice of one kind.
template <class Record, class Buffer>
class name_list {
  public:
    using entry = named<Record>;
    using kind_type = decltype(Record::kind);

    explicit name_list(Buffer memory) noexcept : memory_(static_cast<Buffer&&>(memory)) {}

    /// How many names of a kind there are.
    [[nodiscard]] std::size_t count(kind_type kind) const noexcept { return counts_[static_cast<std::size_t>(kind)]; }

    [[nodiscard]] name_range<Record> of(kind_type kind) const noexcept {
        const cbytes all = memory_.contents();
        return {all.first(all.size() - behind_), kind};
    }

    [[nodiscard]] entry find(kind_type kind, std::string_view text) const noexcept {
        return found(tree_.find(items(), {static_cast<std::uint8_t>(kind), text}));
    }
    /// By the number in its record.
    [[nodiscard]] entry find(kind_type kind, std::uint32_t number) const noexcept {
        const number_key digits(number);
        return found(tree_.find(items(), {number_kind(kind), digits.text()}));
    }

    /// Whether `size` more bytes fit, those of records among them.
    [[nodiscard]] bool fits(std::size_t size) const noexcept {
        const std::size_t held = memory_.size() - dead_, half = memory_.limit() / 2;
        const std::size_t limit = half < most ? half : most;
        return held <= limit && size <= limit - held;
    }

    /// Makes room for a name and a text behind it, if there is any. Nothing moves that has its room already.
    [[nodiscard]] bool has_room(std::string_view name, std::size_t behind = 0) noexcept {
        const std::size_t size = size_with_record(name) + behind;
        return fits(size) && memory_.prepare(size).size() == size;
    }

    /// Makes room for these names, so that `add` moves nothing. False if there is none; then nothing changes. Names
    /// that lie in the list move with it: the texts are then where they are now. A text that is empty is no name.
    template <class... Text>
    [[nodiscard]] bool make_room(Text&... texts) noexcept {
        const std::size_t places[] = {place_of(texts)...};
        const std::size_t size = (size_with_record(texts) + ...);
        const std::size_t held = memory_.size();
        if (!fits(size) || memory_.prepare(size).size() != size) return false;
        const std::size_t* place = places;
        const auto follow = [&](std::string_view& text) {
            if (*place < held) text = text_of(memory_.contents().subspan(*place, text.size()));
            ++place;
        };
        (follow(texts), ...);
        return true;
    }

    /// Adds a name for which `make_room` or `has_room` has made room. Of `record` it sets what the list itself needs.
    void add(Record record, std::string_view text) noexcept {
        const auto place = static_cast<std::uint32_t>(memory_.size());
        record.size = static_cast<std::uint32_t>(text.size());
        const bytes room = memory_.prepare(sizeof record + text.size());
        std::memcpy(room.data(), &record, sizeof record);
        detail::copy(room.data() + sizeof record, text.data(), text.size());
        memory_.commit(room.size());
        ++counts_[static_cast<std::size_t>(record.kind)];
        insert(place);
    }

    void erase(const entry& name) noexcept {
        const tree_items in = items();
        tree_.erase(in, name.place);
        if constexpr (is_numbered) tree_.erase(in, name.place | numbered);
        Record record = in.record(name.place);
        --counts_[static_cast<std::size_t>(record.kind)];
        const std::size_t size = sizeof record + record.size;
        if (name.place + size == memory_.size()) {
            memory_.truncate(name.place);
        } else {
            record.is_erased = true;
            in.set_record(name.place, record);
            dead_ += static_cast<std::uint32_t>(size);
        }
        if (dead_ > memory_.size() - dead_) move_together();
    }

    /// Replaces the record of a name. `name` is not older than the last name that was added.
    void set(const entry& name) noexcept { items().set_record(name.place, name.record); }

    /// Keeps a text that is no name behind all names, once. `has_room` has made room for it. Nothing is added or erased
    /// as long as it is there.
    void put_behind(std::string_view text) noexcept {
        const bytes room = memory_.prepare(text.size());
        detail::copy(room.data(), text.data(), room.size());
        memory_.commit(room.size());
        behind_ = static_cast<std::uint32_t>(room.size());
    }
    [[nodiscard]] std::string_view behind() const noexcept { return text_of(memory_.contents().last(behind_)); }
    void drop_behind() noexcept {
        memory_.truncate(memory_.size() - behind_);
        behind_ = 0;
    }

    /// Gives the memory back if the list is empty.
    void release() noexcept {
        if (memory_.size() == 0) memory_.release();
    }

  private:
    static constexpr bool is_numbered = requires(Record record) { record.by_number; };

    // More bytes than this are not used: a position in the tree has 28 bits for the index of a byte.
    static constexpr std::size_t most = 0x0FFFFFFF;

    // An item of the tree is the place of a record, and whether it is found by the number in it.
    static constexpr std::uint32_t numbered = 0x40000000;

    [[nodiscard]] static constexpr std::uint8_t number_kind(kind_type kind) noexcept {
        return static_cast<std::uint8_t>(0x80U | static_cast<unsigned>(kind));
    }

    // What the tree asks for.
    struct tree_items {
        explicit tree_items(bytes names) noexcept : data(names.data()) {}

        [[nodiscard]] Record record(std::uint32_t item) const noexcept {
            Record found;
            std::memcpy(&found, data + (item & ~numbered), sizeof found);
            return found;
        }
        void set_record(std::uint32_t item, const Record& changed) const noexcept {
            std::memcpy(data + (item & ~numbered), &changed, sizeof changed);
        }
        [[nodiscard]] std::string_view text(std::uint32_t place) const noexcept {
            return text_at(reinterpret_cast<const char*>(data + place + sizeof(Record)), record(place).size);
        }

        [[nodiscard]] tree_key key(std::uint32_t item) const noexcept {
            const kind_type kind = record(item).kind;
            if constexpr (is_numbered) {
                const auto* const number =
                    reinterpret_cast<const char*>(data + (item & ~numbered)) + offsetof(Record, number);
                if ((item & numbered) != 0) return {number_kind(kind), text_at(number, sizeof(number_key))};
            }
            return {static_cast<std::uint8_t>(kind), text(item)};
        }
        [[nodiscard]] tree_node node(std::uint32_t item) const noexcept {
            if constexpr (is_numbered) {
                if ((item & numbered) != 0) return record(item).by_number;
            }
            return record(item).by_text;
        }
        void set_node(std::uint32_t item, const tree_node& node) const noexcept {
            Record changed = record(item);
            if constexpr (is_numbered) {
                ((item & numbered) != 0 ? changed.by_number : changed.by_text) = node;
            } else {
                changed.by_text = node;
            }
            set_record(item, changed);
        }

        std::byte* data;
    };

    [[nodiscard]] tree_items items() const noexcept { return tree_items(memory_.contents()); }

    [[nodiscard]] entry found(std::uint32_t item) const noexcept {
        if (item == bit_tree::none) return {};
        const tree_items in = items();
        const std::uint32_t place = item & ~numbered;
        return {in.record(place), in.text(place), place};
    }

    [[nodiscard]] static constexpr std::size_t size_with_record(std::string_view text) noexcept {
        return text.empty() ? 0 : sizeof(Record) + text.size();
    }

    // The place of `text` in the list. If it does not lie there, the result is not less than the size of the list.
    [[nodiscard]] std::size_t place_of(std::string_view text) const noexcept {
        return reinterpret_cast<std::uintptr_t>(text.data()) -
               reinterpret_cast<std::uintptr_t>(memory_.contents().data());
    }

    void insert(std::uint32_t place) noexcept {
        tree_.insert(items(), place);
        if constexpr (is_numbered) tree_.insert(items(), place | numbered);
    }

    // Closes the gaps.
    void move_together() noexcept {
        const bytes all = memory_.contents();
        const tree_items in = items();
        std::uint32_t kept = 0;
        tree_ = {};
        for (std::uint32_t place = 0; place != all.size();) {
            const Record record = in.record(place);
            const auto size = static_cast<std::uint32_t>(sizeof record + record.size);
            if (!record.is_erased) {
                copy_down(all.data() + kept, all.data() + place, size);
                insert(kept);
                kept += size;
            }
            place += size;
        }
        memory_.truncate(kept);
        dead_ = 0;
    }

    Buffer memory_;
    bit_tree tree_;
    std::uint32_t dead_ = 0;   // bytes of names that were erased
    std::uint32_t behind_ = 0; // bytes of the text behind all names
    std::uint32_t counts_[Record::kinds] = {};
};

} // namespace sockless::detail
