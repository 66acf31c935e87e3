// A tree that finds keys by their bits. Its nodes lie in the records of the keys.
// SPDX-License-Identifier: MIT
#pragma once

#include <bit>

#include "text.hpp"

// This is a PATRICIA tree. A node knows the position of one bit, and has a link for keys in which the bit is 0 and one
// for keys in which it is 1. Positions rise on the way down. A leaf is an item, which has a key. So a search looks at
// one bit for each node, and compares the key of one item. The way down has at most as many nodes as the key has bits:
// nobody can choose keys that make it longer than what was read of the key. Nothing is ever balanced.
namespace sockless::detail {

/// Keys of different kinds are different. A text may hold any bytes.
struct tree_key {
    std::uint8_t kind = 0;
    std::string_view text{};
};

/// A position is 16 for each byte, and 0 to 8 for its bits. The kind is the first byte. The first bit of each byte says
/// that there is this byte: so a text differs in a bit from each longer text, too.
struct tree_node {
    std::uint32_t position = 0;
    std::uint32_t links[2] = {};
};

/// The tree. Each item has a number below `bit_tree::most` and room for one node. `Items` has `key(item)`,
/// `node(item)` and `set_node(item, node)`; it is the same for each call. A key has less than 2^28 bytes.
///
/// A tree of N items has N - 1 nodes. The node that lies at an item is above the leaf of this item, or is not in use.
/// So the way to the leaf of an item leads through its node.
class bit_tree {
  public:
    static constexpr std::uint32_t most = 0x7FFFFFFF, none = 0xFFFFFFFF;

    /// The item with this key, or `none`.
    template <class Items>
    [[nodiscard]] std::uint32_t find(const Items& items, const tree_key& key) const noexcept {
        if (root_ == none) return none;
        const std::uint32_t nearest = nearest_to(items, key);
        const tree_key there = items.key(nearest);
        return there.kind == key.kind && equal(there.text, key.text) ? nearest : none;
    }

    /// Adds an item. No other item has its key. The node that this makes lies at the item, and is above its leaf.
    template <class Items>
    void insert(const Items& items, std::uint32_t item) noexcept {
        if (root_ == none) {
            root_ = leaf | item;
            return;
        }
        const tree_key key = items.key(item);
        tree_node added{first_difference(key, items.key(nearest_to(items, key))), {}};
        place above{};
        std::uint32_t below = root_;
        while (!is_leaf(below)) {
            const tree_node node = items.node(below);
            if (node.position > added.position) break;
            above = {below, bit_of(key, node.position)};
            below = node.links[above.side];
        }
        const unsigned side = bit_of(key, added.position);
        added.links[side] = leaf | item;
        added.links[1 - side] = below;
        items.set_node(item, added);
        set_link(items, above, item);
    }

    /// Removes an item of the tree.
    template <class Items>
    void erase(const Items& items, std::uint32_t item) noexcept {
        const tree_key key = items.key(item);
        place to_leaf{}, to_parent{}, to_own{}; // where the links to these stand
        bool is_used = false;                   // the node that lies at the item
        for (std::uint32_t link = root_; !is_leaf(link);) {
            to_parent = to_leaf;
            if (link == item) {
                is_used = true;
                to_own = to_leaf;
            }
            const tree_node node = items.node(link);
            to_leaf = {link, bit_of(key, node.position)};
            link = node.links[to_leaf.side];
        }
        const std::uint32_t parent = to_leaf.node;
        if (parent == none) {
            root_ = none;
            return;
        }
        // The other child of the parent takes the place of the parent.
        set_link(items, to_parent, items.node(parent).links[1 - to_leaf.side]);
        if (!is_used || parent == item) return;
        // The node of the item moves to the room that the parent had. The parent was above the leaf of the item that
        // has this room, and the node of `item` is above the parent. So it is above that leaf.
        items.set_node(parent, items.node(item));
        set_link(items, to_own, parent);
    }

  private:
    static constexpr std::uint32_t leaf = 0x80000000;

    // A link stands in a node, on one of its sides, or is the root.
    struct place {
        std::uint32_t node = none;
        unsigned side = 0;
    };

    [[nodiscard]] static constexpr bool is_leaf(std::uint32_t link) noexcept { return (link & leaf) != 0; }

    // The byte at `index`, with a ninth bit before it that says that it is there.
    [[nodiscard]] static unsigned nine_bits(const tree_key& key, std::size_t index) noexcept {
        if (index == 0) return 0x100U | key.kind;
        return index <= key.text.size() ? 0x100U | static_cast<unsigned char>(key.text[index - 1]) : 0;
    }
    [[nodiscard]] static unsigned bit_of(const tree_key& key, std::uint32_t position) noexcept {
        return nine_bits(key, position / 16) >> (8 - position % 16) & 1U;
    }
    [[nodiscard]] static std::uint32_t first_difference(const tree_key& a, const tree_key& b) noexcept {
        std::size_t index = 0;
        while (nine_bits(a, index) == nine_bits(b, index)) ++index;
        const unsigned different = nine_bits(a, index) ^ nine_bits(b, index);
        return static_cast<std::uint32_t>(index * 16 + 9 - static_cast<unsigned>(std::bit_width(different)));
    }

    // If there is an item with this key it is this one. Else no other item is equal to the key up to a later position.
    template <class Items>
    [[nodiscard]] std::uint32_t nearest_to(const Items& items, const tree_key& key) const noexcept {
        std::uint32_t link = root_;
        while (!is_leaf(link)) {
            const tree_node node = items.node(link);
            link = node.links[bit_of(key, node.position)];
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
