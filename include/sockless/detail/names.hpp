// A list of names in a buffer of any kind, each with a record of facts about it.
// SPDX-License-Identifier: MIT
#pragma once

#include "../buffer.hpp"
#include "lazy_iterator.hpp"
#include "search_tree.hpp"

// Names lie one behind the other in the order in which they were added, each behind its record. A tree finds them, with
// its nodes in the records: so other names cost next to nothing, whatever a peer chooses. A name that is erased leaves
// a gap, unless it is the last one. If the gaps have more bytes than the names, the names move together: over time each
// byte that was added pays for one that moves. So the list needs a buffer of twice the bytes that the names may have,
// and what fits does not depend on what was there before.
namespace sockless::detail {

/// The states of a record.
enum class name_state : std::uint8_t {
    live,
    ended,  ///< found by its number only
    second, ///< no name of its own: a second text of the name before it
    erased,
};

/// What each record begins with, in this order: it is the whole record if its owner needs no other facts. A record is
/// trivially copyable and has no padding. `Kind` counts from 0; a record says how many `kinds` there are. `mode` means
/// what the owner of the list wants, and so do `facts`, if there are any. If a record also has a `std::uint32_t number`
/// and a `tree_node by_number`, it is found by its number, too; then it says instead of `unused` whether it
/// `has_second`.
template <class Kind, std::size_t Kinds>
struct name_record {
    static constexpr std::size_t kinds = Kinds;

    std::uint32_t size = 0; // of the name
    Kind kind{};
    std::uint8_t mode = 0;
    name_state state = name_state::live;
    std::uint8_t unused = 0; // so that no byte is padding
    tree_node by_text{};
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
            if (record.kind == kind && record.state == name_state::live) current = text_of(text);
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
        const texts in(memory_.contents());
        const std::uint32_t place = by_text_.find(in, text_key{static_cast<std::uint8_t>(kind), text});
        return place == none ? entry{} : in.name(place);
    }
    /// The name with this number, also if it has ended.
    [[nodiscard]] entry find(std::uint32_t number) const noexcept {
        const numbers in(memory_.contents());
        const std::uint32_t place = by_number_.find(in, number_key{number});
        return place == none ? entry{} : in.name(place);
    }
    /// The oldest name with this second text.
    [[nodiscard]] entry find_second(kind_type kind, std::string_view text) const noexcept {
        const texts in(memory_.contents());
        const text_key key{static_cast<std::uint8_t>(kind), text};
        const std::uint32_t place = by_text_.find_first(in, key);
        if (place == none || !equal(in.name(place).text, text) || in.record(place).kind != kind) return {};
        return find(in.record(place).number);
    }

    /// Whether `size` more bytes fit, those of records among them.
    [[nodiscard]] bool fits(std::size_t size) const noexcept {
        const std::size_t held = memory_.size() - dead_, half = memory_.limit() / 2;
        const std::size_t limit = half < most ? half : most;
        return held <= limit && size <= limit - held && last_number_ != last_of_all;
    }

    /// Makes room for a name and a text behind it, if there is any. Nothing moves that has its room already.
    [[nodiscard]] bool has_room(std::string_view name, std::size_t behind = 0) noexcept {
        const std::size_t size = size_with_record(name) + behind;
        return fits(size) && memory_.prepare(size).size() == size;
    }

    /// Makes room for these names, so that `add` moves nothing. False if there is none; then nothing changes. Names
    /// that lie in the list move with it: the views are then of where they are now. A text that is empty is no name.
    template <class... Text>
    [[nodiscard]] bool make_room(Text&... added) noexcept {
        const std::size_t places[] = {place_of(added)...};
        const std::size_t size = (size_with_record(added) + ...);
        const std::size_t held = memory_.size();
        if (!fits(size) || memory_.prepare(size).size() != size) return false;
        const std::size_t* place = places;
        const auto follow = [&](std::string_view& text) {
            if (*place < held) text = text_of(memory_.contents().subspan(*place, text.size()));
            ++place;
        };
        (follow(added), ...);
        return true;
    }

    /// Adds a name for which `make_room` or `has_room` has made room. Of `record` it sets what the list itself needs.
    /// Returns the number of the name, if it has one: one more than that of the last, so none is given twice.
    std::uint32_t add(Record record, std::string_view text) noexcept {
        const auto place = static_cast<std::uint32_t>(memory_.size()), size = static_cast<std::uint32_t>(text.size());
        const bytes room = memory_.prepare(sizeof record + size);
        // Field by field: a copy of the whole record would wait for the stores of its fields.
        std::memcpy(room.data(), &record, sizeof record);
        std::memcpy(room.data() + offsetof(Record, size), &size, sizeof size);
        detail::copy(room.data() + sizeof record, text.data(), size);
        memory_.commit(room.size());
        ++counts_[static_cast<std::size_t>(record.kind)];
        by_text_.insert(texts(memory_.contents()), place);
        if constexpr (is_numbered) {
            ++last_number_;
            std::memcpy(room.data() + offsetof(Record, number), &last_number_, sizeof last_number_);
            by_number_.insert(numbers(memory_.contents()), place);
        }
        return last_number_;
    }

    /// Gives the name that was added last a second text, of a kind that only second texts have. The text takes room as
    /// a name does, which was made. Many names may have the same second text.
    void add_second(kind_type kind, std::string_view text) noexcept {
        Record record{};
        record.size = static_cast<std::uint32_t>(text.size());
        record.kind = kind;
        record.state = name_state::second;
        record.number = last_number_;
        const auto added = static_cast<std::uint32_t>(memory_.size());
        const bytes room = memory_.prepare(sizeof record + text.size());
        std::memcpy(room.data(), &record, sizeof record);
        detail::copy(room.data() + sizeof record, text.data(), text.size());
        memory_.commit(room.size());
        const texts in(memory_.contents());
        by_text_.insert(in, added);
        entry name = find(last_number_);
        name.record.has_second = true;
        in.set_record(name.place, name.record);
    }

    /// Erases a name, which may have ended.
    void erase(const entry& name) noexcept {
        const texts in(memory_.contents());
        Record record = in.record(name.place);
        if (record.state == name_state::live) {
            by_text_.erase(in, name.place);
            --counts_[static_cast<std::size_t>(record.kind)];
        }
        std::size_t size = sizeof record + record.size;
        if constexpr (is_numbered) {
            by_number_.erase(numbers(memory_.contents()), name.place);
            if (record.state == name_state::ended) leave_queue(record);
            if (record.has_second) size += erase_second(name.place, record);
        }
        if (name.place + size == memory_.size()) {
            memory_.truncate(name.place);
        } else {
            record.state = name_state::erased;
            in.set_record(name.place, record);
            dead_ += static_cast<std::uint32_t>(size);
        }
        close_gaps();
    }

    /// A name ends: from now on it is found by its number only, and it is in no range and not counted. Those that have
    /// ended are a queue.
    void end(const entry& name) noexcept {
        const texts in(memory_.contents());
        Record record = in.record(name.place);
        by_text_.erase(in, name.place);
        --counts_[static_cast<std::size_t>(record.kind)];
        if (record.has_second) dead_ += erase_second(name.place, record);
        record.has_second = false;
        record.state = name_state::ended;
        // Its node in the tree of texts is free: it links the queue.
        record.by_text = {{last_ended_, 0}, 0};
        in.set_record(name.place, record);
        link(last_ended_, 1, record.number);
        last_ended_ = record.number;
        if (first_ended_ == 0) first_ended_ = record.number;
        close_gaps();
    }
    /// The one that has ended first of those that are left.
    [[nodiscard]] entry first_ended() const noexcept { return first_ended_ == 0 ? entry{} : find(first_ended_); }

    /// Replaces the `facts` in the record at this place.
    template <class Facts>
    void set(std::uint32_t place, const Facts& facts) noexcept {
        static_assert(std::is_same_v<Facts, decltype(Record::facts)>);
        std::memcpy(memory_.contents().data() + place + offsetof(Record, facts), &facts, sizeof facts);
    }

    /// Keeps a text that is no name behind all names, once. `has_room` has made room for it. Nothing is added as long
    /// as it is there, and no name moves.
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
        close_gaps();
    }

    /// Gives the memory back if the list is empty.
    void release() noexcept {
        if (memory_.size() == 0) memory_.release();
    }

  private:
    static constexpr bool is_numbered = requires(Record record) { record.by_number; };

    static constexpr std::uint32_t none = search_tree::none, last_of_all = 0xFFFFFFFE;

    // More bytes than this are not used: a place has 32 bits.
    static constexpr std::size_t most = 0x7FFFFFFF;

    // The records, by their places.
    struct records {
        explicit records(bytes names) noexcept : data(names.data()) {}

        [[nodiscard]] Record record(std::uint32_t place) const noexcept {
            Record found;
            std::memcpy(&found, data + place, sizeof found);
            return found;
        }
        void set_record(std::uint32_t place, const Record& changed) const noexcept {
            std::memcpy(data + place, &changed, sizeof changed);
        }
        [[nodiscard]] entry name(std::uint32_t place) const noexcept {
            const Record found = record(place);
            const auto* const text = reinterpret_cast<const char*>(data + place + sizeof found);
            return {found, text_at(text, found.size), place};
        }

        std::byte* data;
    };

    // As the items of either tree. Only the bytes of a node are read and written: this is most of what a call does.
    template <std::size_t Offset>
    struct items : records {
        using records::records;

        [[nodiscard]] tree_node node(std::uint32_t place) const noexcept {
            tree_node found;
            std::memcpy(&found, this->data + place + Offset, sizeof found);
            return found;
        }
        void set_node(std::uint32_t place, const tree_node& node) const noexcept {
            std::memcpy(this->data + place + Offset, &node, sizeof node);
        }
    };
    struct texts : items<offsetof(Record, by_text)> {
        using items<offsetof(Record, by_text)>::items;

        [[nodiscard]] text_key key(std::uint32_t place) const noexcept {
            const entry found = this->name(place);
            std::uint32_t number = 0;
            if constexpr (is_numbered) number = found.record.state == name_state::second ? found.record.number : 0;
            return {static_cast<std::uint8_t>(found.record.kind), found.text, number};
        }
    };
    struct numbers : items<offsetof(Record, by_number)> {
        using items<offsetof(Record, by_number)>::items;

        [[nodiscard]] number_key key(std::uint32_t place) const noexcept { return {this->record(place).number}; }
    };

    [[nodiscard]] static constexpr std::size_t size_with_record(std::string_view text) noexcept {
        return text.empty() ? 0 : sizeof(Record) + text.size();
    }

    // The place of `text` in the list. If it does not lie there, the result is not less than the size of the list.
    [[nodiscard]] std::size_t place_of(std::string_view text) const noexcept {
        return reinterpret_cast<std::uintptr_t>(text.data()) -
               reinterpret_cast<std::uintptr_t>(memory_.contents().data());
    }

    // Erases the second text of the name at `place`. Returns its size, with its record.
    [[nodiscard]] std::uint32_t erase_second(std::uint32_t place, const Record& of) noexcept {
        const texts in(memory_.contents());
        place += static_cast<std::uint32_t>(sizeof of + of.size);
        by_text_.erase(in, place);
        Record record = in.record(place);
        record.state = name_state::erased;
        in.set_record(place, record);
        return static_cast<std::uint32_t>(sizeof record + record.size);
    }

    // Sets the link of an ended name to the one before it (0) or behind it (1) in the queue. 0 is no name.
    void link(std::uint32_t number, unsigned side, std::uint32_t to) noexcept {
        if (number == 0) return;
        const entry name = find(number);
        tree_node links = name.record.by_text;
        links.links[side] = to;
        texts(memory_.contents()).set_node(name.place, links);
    }
    void leave_queue(const Record& record) noexcept {
        const std::uint32_t before = record.by_text.links[0], behind = record.by_text.links[1];
        link(before, 1, behind);
        link(behind, 0, before);
        if (before == 0) first_ended_ = behind;
        if (behind == 0) last_ended_ = before;
    }

    // Closes the gaps, once they are more than the names; but a text behind the names stays where it is.
    void close_gaps() noexcept {
        if (behind_ == 0 && dead_ > memory_.size() - dead_) move_together();
    }
    void move_together() noexcept {
        const bytes all = memory_.contents();
        const texts in(all);
        std::uint32_t kept = 0;
        for (std::uint32_t place = 0; place != all.size();) {
            const Record record = in.record(place);
            const auto size = static_cast<std::uint32_t>(sizeof record + record.size);
            if (record.state != name_state::erased) {
                copy_down(all.data() + kept, all.data() + place, size);
                if (record.state != name_state::ended) by_text_.move(in, place, kept);
                if constexpr (is_numbered) {
                    if (record.state != name_state::second) by_number_.move(numbers(all), place, kept);
                }
                kept += size;
            }
            place += size;
        }
        memory_.truncate(kept);
        dead_ = 0;
    }

    Buffer memory_;
    search_tree by_text_;
    search_tree by_number_;
    std::uint32_t last_number_ = 0;
    std::uint32_t first_ended_ = 0; // the number of a name, or 0
    std::uint32_t last_ended_ = 0;
    std::uint32_t dead_ = 0;   // bytes of names that were erased
    std::uint32_t behind_ = 0; // bytes of the text behind all names
    std::uint32_t counts_[Record::kinds] = {};
};

} // namespace sockless::detail
