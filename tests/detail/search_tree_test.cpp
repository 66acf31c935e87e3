// A balanced tree, held against a map.
// SPDX-License-Identifier: MIT
#include <sockless/detail/search_tree.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace sockless;
using detail::search_tree;
using detail::text_key;
using detail::tree_node;

namespace {

struct known_key {
    std::uint8_t kind = 0;
    std::string text{};
    std::uint32_t number = 0;

    friend auto operator<=>(const known_key&, const known_key&) = default;
};

// Items are places in an array. Counts the nodes that are looked at.
struct items {
    [[nodiscard]] text_key key(std::uint32_t item) const {
        return {keys[item].kind, keys[item].text, keys[item].number};
    }
    [[nodiscard]] tree_node node(std::uint32_t item) const {
        ++looks;
        return nodes[item];
    }
    void set_node(std::uint32_t item, const tree_node& node) const { nodes[item] = node; }

    std::vector<known_key> keys{};
    mutable std::vector<tree_node> nodes{};
    mutable std::size_t looks = 0;
};

// A tree of keys, and how many nodes a search for each looks at.
class keys_in_tree {
  public:
    void insert(known_key key) {
        std::uint32_t item = 0;
        if (free_.empty()) {
            item = static_cast<std::uint32_t>(items_.keys.size());
            items_.keys.emplace_back();
            items_.nodes.emplace_back();
        } else {
            item = free_.back();
            free_.pop_back();
        }
        items_.keys[item] = key;
        tree_.insert(items_, item);
        model_[std::move(key)] = item;
    }
    void erase(const known_key& key) {
        const auto found = model_.find(key);
        tree_.erase(items_, found->second);
        // What is erased is not looked at any more.
        items_.keys[found->second] = {0xEE, "erased", 0};
        items_.nodes[found->second] = {{0xEEEEEEEE, 0xEEEEEEEE}, 0xEEEEEEEE};
        free_.push_back(found->second);
        model_.erase(found);
    }
    [[nodiscard]] std::uint32_t find(const known_key& key) const {
        return tree_.find(items_, text_key{key.kind, key.text, key.number});
    }
    // The item with this text and the lowest number.
    [[nodiscard]] std::uint32_t find_first(const known_key& key) const {
        const std::uint32_t item = tree_.find_first(items_, text_key{key.kind, key.text});
        const bool has =
            item != search_tree::none && items_.keys[item].kind == key.kind && items_.keys[item].text == key.text;
        return has ? item : search_tree::none;
    }
    [[nodiscard]] std::uint32_t expected_first(const known_key& key) const {
        const auto found = model_.lower_bound({key.kind, key.text, 0});
        const bool has = found != model_.end() && found->first.kind == key.kind && found->first.text == key.text;
        return has ? found->second : search_tree::none;
    }
    [[nodiscard]] std::uint32_t expected(const known_key& key) const {
        const auto found = model_.find(key);
        return found == model_.end() ? search_tree::none : found->second;
    }
    [[nodiscard]] std::size_t looks_for(const known_key& key) const {
        items_.looks = 0;
        static_cast<void>(find(key));
        return items_.looks;
    }
    void check_all() const {
        for (const auto& [key, item] : model_) REQUIRE(find(key) == item);
    }
    [[nodiscard]] std::size_t size() const { return model_.size(); }
    [[nodiscard]] const known_key& any(std::size_t number) const {
        return std::next(model_.begin(), static_cast<std::ptrdiff_t>(number % model_.size()))->first;
    }

  private:
    items items_{};
    search_tree tree_{};
    std::map<known_key, std::uint32_t> model_{};
    std::vector<std::uint32_t> free_{};
};

known_key random_key(std::mt19937_64& random, std::string_view characters, std::size_t most) {
    known_key key{static_cast<std::uint8_t>(random() % 2 * 0x83U), {}, 0};
    for (std::size_t size = random() % (most + 1); size != 0; --size)
        key.text += characters[random() % characters.size()];
    return key;
}

} // namespace

TEST_CASE("a tree of keys finds what a map finds, whatever the keys and the order of changes") {
    // Texts that begin alike, that differ in their length only, with bytes that are 0, with all bits.
    using namespace std::string_view_literals;
    for (const std::string_view characters : {"\0"sv, "ab"sv, "\0\x01\x80\xFF"sv, "0123456789abcdef"sv}) {
        for (std::uint64_t seed = 0; seed != 12; ++seed) {
            std::mt19937_64 random(seed);
            keys_in_tree tree;
            const std::size_t most = 1 + seed % 6 * 3, usual = seed % 3 == 0 ? 3 : seed % 3 == 1 ? 40 : 400;
            for (int step = 0; step != 3000; ++step) {
                const known_key key = random_key(random, characters, most);
                REQUIRE(tree.find(key) == tree.expected(key));
                if (tree.expected(key) != search_tree::none) {
                    tree.erase(key);
                } else {
                    tree.insert(key);
                }
                if (tree.size() > usual) tree.erase(tree.any(random()));
                if (step % 100 == 0 || tree.size() < 5) tree.check_all();
            }
            while (tree.size() != 0) {
                tree.erase(tree.any(random()));
                if (tree.size() % 8 == 0) tree.check_all();
            }
        }
    }
}

TEST_CASE("of keys that differ in their number only the lowest is found first") {
    using namespace std::string_view_literals;
    for (const std::string_view characters : {"\0"sv, "ab"sv, "\0\x01\x80\xFF"sv}) {
        for (std::uint64_t seed = 0; seed != 12; ++seed) {
            std::mt19937_64 random(seed);
            keys_in_tree tree;
            for (int step = 0; step != 3000; ++step) {
                known_key key = random_key(random, characters, 1 + seed % 4);
                key.number = static_cast<std::uint32_t>(random() % 5 * (seed % 2 == 0 ? 1 : 0x01000100));
                REQUIRE(tree.find(key) == tree.expected(key));
                if (tree.expected(key) != search_tree::none) {
                    tree.erase(key);
                } else {
                    tree.insert(key);
                }
                if (tree.size() > 30) tree.erase(tree.any(random()));
                REQUIRE(tree.find_first(key) == tree.expected_first(key));
                const known_key other = random_key(random, characters, 5);
                REQUIRE(tree.find_first(other) == tree.expected_first(other));
                if (step % 100 == 0) tree.check_all();
            }
        }
    }
    CHECK(keys_in_tree().find_first({1, "a", 0}) == search_tree::none);
}

TEST_CASE("a search looks at few nodes, whatever the keys are and in whatever order they come") {
    // 1.44 times the binary logarithm of 4096.
    constexpr std::size_t most = 17;
    using keys = std::vector<known_key>;
    const auto made_of = [](auto make) {
        keys all;
        for (std::uint32_t i = 0; i != 4096; ++i) all.push_back({1, make(i), 0});
        return all;
    };
    const keys rising = made_of([](std::uint32_t i) { return std::to_string(10'000 + i); });
    const keys falling(rising.rbegin(), rising.rend());
    const keys longer = made_of([](std::uint32_t i) { return std::string(i, 'a'); });
    // Each differs from `@@@…` in one bit.
    const keys chosen = made_of([](std::uint32_t i) {
        std::string text(1000, '@');
        text[i / 5] = static_cast<char>('@' | 1 << i % 5);
        return text;
    });
    for (const keys& each : {rising, falling, longer, chosen}) {
        keys_in_tree tree;
        for (const known_key& key : each) tree.insert(key);
        for (const known_key& key : each) REQUIRE(tree.looks_for(key) <= most);
        for (const char* absent : {"", "@", "1", "9999999"}) CHECK(tree.looks_for({0, absent, 0}) <= most);
        // Also when most of them have gone, and others have come.
        for (std::size_t i = 0; i != 4000; ++i) tree.erase(each[i]);
        CHECK(tree.looks_for(each[4095]) <= 9);
        for (std::size_t i = 0; i != 4000; ++i) tree.insert({2, each[i].text, 0});
        CHECK(tree.looks_for(each[4095]) <= most);
    }
}
