// A tree that finds keys by their bits. Its nodes lie in the records of the keys.
// SPDX-License-Identifier: MIT
#pragma once

#include <bit>

#include "text.hpp"

// This is a PATRICIA tree. A node knows the position of one bit, and has a link for keys in which the bit is 0 and one
// for keys in which it is 1. Positions rise on the way down. A leaf is an item, which has a key. So a search looks at
// one bit for each node, and compares the key of one item. Nothing is ever balanced: keys can be chosen that make the
// way down long, but it ends with the key that is sought. So it has at most as many nodes as that key has bits.
namespace sockless::detail {

/// A node. What positions mean is the key's.
struct tree_node {
    std::uint32_t position = 0;
    std::uint32_t links[2] = {};

    // Without an index: a copy of a node then need not lie in memory.
    [[nodiscard]] std::uint32_t link(unsigned side) const noexcept { return side != 0 ? links[1] : links[0]; }
};

/// A key that is a text of some kind. It may hold any bytes. A position is 16 for each byte, and 0 to 8 for its bits.
/// The kind is the first byte. The first bit of each byte says that there is this byte: so a text differs in a bit from
/// each longer text, too. So a text has less than 2^28 bytes.
struct text_key {
    std::uint8_t kind = 0;
    std::string_view text{};

    [[nodiscard]] friend bool operator==(const text_key& a, const text_key& b) noexcept {
        return a.kind == b.kind && equal(a.text, b.text);
    }

    /// The last position at which this key can differ from others: below a node with a later one all keys are longer.
    [[nodiscard]] std::uint32_t last_position() const noexcept {
        return static_cast<std::uint32_t>(16 * (text.size() + 1));
    }

    [[nodiscard]] unsigned bit(std::uint32_t position) const noexcept {
        return nine_bits(position / 16) >> (8 - position % 16) & 1U;
    }
    [[nodiscard]] std::uint32_t first_difference(const text_key& other) const noexcept {
        std::size_t index = 0;
        while (nine_bits(index) == other.nine_bits(index)) ++index;
        const unsigned different = nine_bits(index) ^ other.nine_bits(index);
        return static_cast<std::uint32_t>(index * 16 + 9 - static_cast<unsigned>(std::bit_width(different)));
    }

  private:
    // The byte at `index`, with a ninth bit before it that says that it is there.
    [[nodiscard]] unsigned nine_bits(std::size_t index) const noexcept {
        if (index == 0) return 0x100U | kind;
        return index <= text.size() ? 0x100U | static_cast<unsigned char>(text[index - 1]) : 0;
    }
};

/// A key that is a number. A position is that of a bit, from the highest one on.
struct number_key {
    std::uint32_t number = 0;

    [[nodiscard]] friend bool operator==(const number_key&, const number_key&) noexcept = default;

    [[nodiscard]] static std::uint32_t last_position() noexcept { return 31; }
    [[nodiscard]] unsigned bit(std::uint32_t position) const noexcept { return number >> (31 - position) & 1U; }
    [[nodiscard]] std::uint32_t first_difference(const number_key& other) const noexcept {
        return static_cast<std::uint32_t>(std::countl_zero(number ^ other.number));
    }
};

/// The tree. Each item has a number below `bit_tree::most`, a key, and room for one node. `Items` has `key(item)`,
/// `node(item)` and `set_node(item, node)`; it is the same for each call.
///
/// A tree of N items has N - 1 nodes. The node that lies at an item is above the leaf of this item, or is not in use.
/// So the way to the leaf of an item leads through its node.
class bit_tree {
  public:
    static constexpr std::uint32_t most = 0x7FFFFFFF, none = 0xFFFFFFFF;

    /// The item with this key, or `none`.
    template <class Items, class Key>
    [[nodiscard]] std::uint32_t find(const Items& items, const Key& key) const noexcept {
        if (root_ == none) return none;
        const std::uint32_t nearest = nearest_to(items, key);
        return items.key(nearest) == key ? nearest : none;
    }

    /// Adds an item. No other item has its key. The node that this makes lies at the item, and is above its leaf.
    template <class Items>
    void insert(const Items& items, std::uint32_t item) noexcept {
        if (root_ == none) {
            root_ = leaf | item;
            return;
        }
        const auto key = items.key(item);
        tree_node added{key.first_difference(items.key(nearest_to(items, key))), {}};
        place above{};
        std::uint32_t below = root_;
        while (!is_leaf(below)) {
            const tree_node node = items.node(below);
            if (node.position > added.position) break;
            above = {below, key.bit(node.position)};
            below = node.link(above.side);
        }
        const unsigned side = key.bit(added.position);
        added.links[side] = leaf | item;
        added.links[1 - side] = below;
        items.set_node(item, added);
        set_link(items, above, item);
    }

    /// Removes an item of the tree.
    template <class Items>
    void erase(const Items& items, std::uint32_t item) noexcept {
        const auto key = items.key(item);
        place to_leaf{}, to_parent{}, to_own{}; // where the links to these stand
        bool is_used = false;                   // the node that lies at the item
        for (std::uint32_t link = root_; !is_leaf(link);) {
            to_parent = to_leaf;
            if (link == item) {
                is_used = true;
                to_own = to_leaf;
            }
            const tree_node node = items.node(link);
            to_leaf = {link, key.bit(node.position)};
            link = node.link(to_leaf.side);
        }
        const std::uint32_t parent = to_leaf.node;
        if (parent == none) {
            root_ = none;
            return;
        }
        // The other child of the parent takes the place of the parent.
        set_link(items, to_parent, items.node(parent).link(1 - to_leaf.side));
        if (!is_used || parent == item) return;
        // The node of the item moves to the room that the parent had. The parent was above the leaf of the item that
        // has this room, and the node of `item` is above the parent. So it is above that leaf.
        items.set_node(parent, items.node(item));
        set_link(items, to_own, parent);
    }

    /// An item has another number now, and its key and its node have moved with it.
    template <class Items>
    void move(const Items& items, std::uint32_t from, std::uint32_t to) noexcept {
        const auto key = items.key(to);
        place at{};
        std::uint32_t link = root_;
        while (!is_leaf(link)) {
            if (link == from) set_link(items, at, link = to);
            const tree_node node = items.node(link);
            at = {link, key.bit(node.position)};
            link = node.link(at.side);
        }
        set_link(items, at, leaf | to);
    }

  private:
    static constexpr std::uint32_t leaf = 0x80000000;

    // A link stands in a node, on one of its sides, or is the root.
    struct place {
        std::uint32_t node = none;
        unsigned side = 0;
    };

    [[nodiscard]] static constexpr bool is_leaf(std::uint32_t link) noexcept { return (link & leaf) != 0; }

    // If there is an item with this key it is this one. Else no other item is equal to the key up to a later position.
    template <class Items, class Key>
    [[nodiscard]] std::uint32_t nearest_to(const Items& items, const Key& key) const noexcept {
        const std::uint32_t last = key.last_position();
        std::uint32_t link = root_;
        while (!is_leaf(link)) {
            const tree_node node = items.node(link);
            // Any item below this node will do. One is the item that the node lies at.
            if (node.position > last) break;
            link = node.link(key.bit(node.position));
        }
        return link & ~leaf;
    }

    template <class Items>
    void set_link(const Items& items, const place& at, std::uint32_t link) noexcept {
        if (at.node == none) {
            root_ = link;
            return;
        }
        tree_node node = items.node(at.node);
        node.links[at.side] = link;
        items.set_node(at.node, node);
    }

    std::uint32_t root_ = none;
};

} // namespace sockless::detail
