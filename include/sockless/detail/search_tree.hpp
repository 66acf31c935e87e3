// A balanced tree that finds items by their keys. Its nodes lie in the records of the items.
// SPDX-License-Identifier: MIT
#pragma once

#include "text.hpp"

// This is an AVL tree: of the two subtrees below an item, one is at most one level higher than the other. So the way to
// an item among N is at most 1.44 times the binary logarithm of N long, whatever keys a peer chooses and in whatever
// order: neither chance nor a secret is needed.
namespace sockless::detail {

/// The node of an item: the items below it, with lesser keys and with greater ones, and how many levels it is high.
struct tree_node {
    std::uint32_t links[2] = {0xFFFFFFFF, 0xFFFFFFFF};
    std::uint32_t height = 1;
};

/// A key that is a text of some kind. It may hold any bytes. Shorter texts come before longer ones: so texts of
/// different sizes are told apart without a look at them. Texts that are equal may have different numbers.
struct text_key {
    std::uint8_t kind = 0;
    std::string_view text{};
    std::uint32_t number = 0;

    /// Less than 0 if this key comes before `other`, 0 if they are equal, else more than 0.
    [[nodiscard]] int order(const text_key& other) const noexcept {
        if (kind != other.kind) return kind < other.kind ? -1 : 1;
        if (text.size() != other.text.size()) return text.size() < other.text.size() ? -1 : 1;
        const int texts = text.empty() ? 0 : std::memcmp(text.data(), other.text.data(), text.size());
        if (texts != 0 || number == other.number) return texts;
        return number < other.number ? -1 : 1;
    }
};

/// A key that is a number.
struct number_key {
    std::uint32_t number = 0;

    [[nodiscard]] int order(const number_key& other) const noexcept {
        return number < other.number ? -1 : static_cast<int>(number != other.number);
    }
};

/// The tree. Each item has a number other than `none`, a key, and room for one node. `Items` has `key(item)`,
/// `node(item)` and `set_node(item, node)`; it is the same for each call.
class search_tree {
  public:
    static constexpr std::uint32_t none = 0xFFFFFFFF;

    /// The item with this key, or `none`.
    template <class Items, class Key>
    [[nodiscard]] std::uint32_t find(const Items& items, const Key& key) const noexcept {
        std::uint32_t item = root_;
        while (item != none) {
            const int order = key.order(items.key(item));
            if (order == 0) break;
            item = items.node(item).links[order > 0];
        }
        return item;
    }

    /// The item with the least key that does not come before this one, or `none`.
    template <class Items, class Key>
    [[nodiscard]] std::uint32_t find_first(const Items& items, const Key& key) const noexcept {
        std::uint32_t first = none;
        for (std::uint32_t item = root_; item != none;) {
            const bool is_before = key.order(items.key(item)) > 0;
            if (!is_before) first = item;
            item = items.node(item).links[is_before];
        }
        return first;
    }

    /// Adds an item. No other item has its key.
    template <class Items>
    void insert(const Items& items, std::uint32_t item) noexcept {
        way above;
        go_down(items, items.key(item), above, none);
        items.set_node(item, {});
        set_link(items, above, above.size, item);
        balance(items, above);
    }

    /// Removes an item of the tree.
    template <class Items>
    void erase(const Items& items, std::uint32_t item) noexcept {
        way above;
        go_down(items, items.key(item), above, item);
        const tree_node erased = items.node(item);
        if (erased.links[0] == none || erased.links[1] == none) {
            set_link(items, above, above.size, erased.links[erased.links[0] == none]);
        } else {
            // The item with the next greater key takes the place of the one that goes. It has nothing on its lesser
            // side.
            const std::size_t depth = above.size;
            above.add(item, 1);
            std::uint32_t next = erased.links[1];
            tree_node taken = items.node(next);
            while (taken.links[0] != none) {
                above.add(next, 0);
                next = taken.links[0];
                taken = items.node(next);
            }
            set_link(items, above, above.size, taken.links[1]);
            items.set_node(next, items.node(item));
            set_link(items, above, depth, next);
            above.steps[depth].item = next;
        }
        balance(items, above);
    }

    /// An item has another number now, and its key and its node have moved with it.
    template <class Items>
    void move(const Items& items, std::uint32_t from, std::uint32_t to) noexcept {
        way above;
        go_down(items, items.key(to), above, from);
        set_link(items, above, above.size, to);
    }

  private:
    // The way from the root down to a link: the items, and on which side of each it goes on. It is long enough for as
    // many items as there are numbers.
    struct way {
        struct step {
            std::uint32_t item;
            std::uint32_t side;
        };
        static constexpr std::size_t longest = 48;

        void add(std::uint32_t item, std::uint32_t side) noexcept { steps[size++] = {item, side}; }

        step steps[longest];
        std::size_t size = 0;
    };

    // Goes down to the place of a key: to `end`, or to where it would be added.
    template <class Items, class Key>
    void go_down(const Items& items, const Key& key, way& passed, std::uint32_t end) const noexcept {
        for (std::uint32_t item = root_; item != end && item != none;) {
            const std::uint32_t side = key.order(items.key(item)) > 0 ? 1 : 0;
            passed.add(item, side);
            item = items.node(item).links[side];
        }
    }

    // Sets the link at the end of the first `depth` steps of a way.
    template <class Items>
    void set_link(const Items& items, const way& passed, std::size_t depth, std::uint32_t link) noexcept {
        if (depth == 0) {
            root_ = link;
            return;
        }
        const auto [item, side] = passed.steps[depth - 1];
        tree_node node = items.node(item);
        node.links[side] = link;
        items.set_node(item, node);
    }

    // Goes up again, and balances each item on the way, until nothing changes.
    template <class Items>
    void balance(const Items& items, way& changed) noexcept {
        while (changed.size != 0) {
            const std::uint32_t item = changed.steps[--changed.size].item;
            const std::uint32_t height = items.node(item).height;
            const std::uint32_t top = balanced(items, item);
            if (top != item) set_link(items, changed, changed.size, top);
            if (items.node(top).height == height) return;
        }
    }

    template <class Items>
    [[nodiscard]] static std::uint32_t height(const Items& items, std::uint32_t item) noexcept {
        return item == none ? 0 : items.node(item).height;
    }
    template <class Items>
    static void set_height(const Items& items, tree_node& node) noexcept {
        const std::uint32_t lesser = height(items, node.links[0]), greater = height(items, node.links[1]);
        node.height = 1 + (lesser > greater ? lesser : greater);
    }

    // Balances an item, both sides of which are balanced. Returns the item that is in its place then.
    template <class Items>
    [[nodiscard]] static std::uint32_t balanced(const Items& items, std::uint32_t item) noexcept {
        tree_node node = items.node(item);
        const std::uint32_t lesser = height(items, node.links[0]), greater = height(items, node.links[1]);
        const std::uint32_t side = greater > lesser ? 1 : 0;
        if (greater + 1 >= lesser && lesser + 1 >= greater) {
            node.height = 1 + (side != 0 ? greater : lesser);
            items.set_node(item, node);
            return item;
        }
        // The higher side must be highest on its outer side before it rises.
        const tree_node higher = items.node(node.links[side]);
        if (height(items, higher.links[1 - side]) > height(items, higher.links[side])) {
            node.links[side] = raised(items, node.links[side], higher, 1 - side);
        }
        return raised(items, item, node, side);
    }

    // The item below `item` on this side takes its place. Returns it.
    template <class Items>
    [[nodiscard]] static std::uint32_t raised(const Items& items, std::uint32_t item, tree_node node,
                                              std::uint32_t side) noexcept {
        const std::uint32_t top = node.links[side];
        tree_node rising = items.node(top);
        node.links[side] = rising.links[1 - side];
        set_height(items, node);
        items.set_node(item, node);
        rising.links[1 - side] = item;
        set_height(items, rising);
        items.set_node(top, rising);
        return top;
    }

    std::uint32_t root_ = none;
};

} // namespace sockless::detail
