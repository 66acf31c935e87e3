// A list of names in the caller's memory, held against one that cannot be wrong.
// SPDX-License-Identifier: MIT
#include <sockless/detail/names.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "../support/allocations.hpp"
#include "../support/split.hpp"

using namespace sockless;
using namespace sockless::test;

namespace {

enum class sort : std::uint8_t { one, two, second };

using plain_record = detail::name_record<sort, 2>;

struct numbered_record {
    static constexpr std::size_t kinds = 2;

    std::uint32_t size = 0;
    sort kind{};
    std::uint8_t mode = 0;
    detail::name_state state = detail::name_state::live;
    bool has_second = false;
    detail::tree_node by_text{};
    std::uint32_t number = 0;
    detail::tree_node by_number{};
    std::uint32_t facts = 0;
};

struct known_name {
    sort which{};
    std::string text{};
    std::uint8_t mode = 0;
    std::string second{};
    std::uint32_t number = 0;
    std::uint32_t facts = 0;
};

template <class Record, class Buffer>
class list_and_model {
  public:
    using list = detail::name_list<Record, Buffer>;

    list_and_model(Buffer memory, std::size_t limit, std::uint64_t seed)
        : random_(seed), names_(static_cast<Buffer&&>(memory)), limit_(limit) {}

    void run() {
        for (int step = 0; step != 4000; ++step) {
            // Now and then nearly all go, and at other times nearly none.
            const bool grows = step / 200 % 2 == 0;
            const known_name some{
                random_() % 2 == 0 ? sort::one : sort::two, text(), static_cast<std::uint8_t>(random_()), {}, 0, 0};
            const auto same = [&](const known_name& each) {
                return each.which == some.which && each.text == some.text;
            };
            const auto known = std::find_if(model_.begin(), model_.end(), same);
            const auto found = names_.find(some.which, some.text);
            REQUIRE(static_cast<bool>(found) == (known != model_.end()));
            if (known == model_.end()) {
                add(some);
            } else if (random_() % 2 == 0) {
                if constexpr (std::is_same_v<Record, numbered_record>) {
                    known->facts = static_cast<std::uint32_t>(random_());
                    names_.set(found.place, known->facts);
                }
            } else {
                names_.erase(found);
                model_.erase(known);
            }
            if (!grows && !model_.empty()) erase(static_cast<std::size_t>(random_()) % model_.size());
            if constexpr (std::is_same_v<Record, numbered_record>) {
                if (random_() % 8 == 0 && !model_.empty()) end(static_cast<std::size_t>(random_()) % model_.size());
                if (random_() % (grows ? 16 : 2) == 0 && !ended_.empty()) erase_ended(random_());
                while (ended_.size() > 5) erase_ended(0);
                if (random_() % 16 == 0) step_with_text_behind();
            }
            if (random_() % 16 == 0) names_.release();
            check();
        }
        while (!model_.empty()) erase(0);
        if constexpr (std::is_same_v<Record, numbered_record>) {
            while (!ended_.empty()) erase_ended(0);
        }
        CHECK(names_.fits(limit_));
    }

  private:
    std::string text() {
        std::string made(1, static_cast<char>('a' + random_() % 3));
        while (random_() % 4 != 0) made += static_cast<char>(random_() % 3);
        return made;
    }

    [[nodiscard]] std::size_t held() const {
        std::size_t size = 0;
        for (const known_name& each : model_) size += size_of(each);
        for (const known_name& each : ended_) size += sizeof(Record) + each.text.size();
        return size;
    }
    [[nodiscard]] static std::size_t size_of(const known_name& name) {
        const std::size_t own = sizeof(Record) + name.text.size();
        return own + (name.second.empty() ? 0 : sizeof(Record) + name.second.size());
    }

    void add(known_name some) {
        std::string_view text = some.text;
        if (std::is_same_v<Record, numbered_record> && random_() % 2 == 0) some.second = this->text().substr(0, 3);
        const std::size_t size = size_of(some);
        const bool fits = held() + size <= limit_;
        REQUIRE(names_.fits(size) == fits);
        REQUIRE((some.second.empty() ? names_.make_room(text)
                                     : names_.has_room(text, sizeof(Record) + some.second.size())) == fits);
        if (!fits) return;
        Record record{};
        record.kind = some.which;
        record.mode = some.mode;
        const std::uint32_t number = names_.add(record, text);
        model_.push_back(some);
        if constexpr (std::is_same_v<Record, numbered_record>) {
            REQUIRE(number == ++last_);
            if (!some.second.empty()) names_.add_second(sort::second, some.second);
        }
        model_.back().number = number;
    }

    void end(std::size_t index) {
        names_.end(names_.find(model_[index].which, model_[index].text));
        ended_.push_back(model_[index]);
        model_.erase(model_.begin() + static_cast<std::ptrdiff_t>(index));
    }
    void erase_ended(std::uint64_t which) {
        const auto chosen = ended_.begin() + static_cast<std::ptrdiff_t>(which % ended_.size());
        names_.erase(names_.find(chosen->number));
        REQUIRE_FALSE(names_.find(chosen->number));
        ended_.erase(chosen);
    }
    // Names go while a text is behind them, which stays.
    void step_with_text_behind() {
        if (!names_.has_room({}, 5) || held() + 5 > limit_) return;
        names_.put_behind("12345");
        const char* const place = names_.behind().data();
        for (std::uint64_t i = random_() % 6; i != 0 && !model_.empty(); --i) erase(random_() % model_.size());
        if (!ended_.empty() && random_() % 2 == 0) erase_ended(random_());
        check();
        REQUIRE(names_.behind() == "12345");
        REQUIRE(names_.behind().data() == place);
        names_.drop_behind();
    }

    void erase(std::size_t index) {
        names_.erase(names_.find(model_[index].which, model_[index].text));
        if constexpr (std::is_same_v<Record, numbered_record>) REQUIRE_FALSE(names_.find(model_[index].number));
        model_.erase(model_.begin() + static_cast<std::ptrdiff_t>(index));
    }

    void check() const {
        for (const known_name& each : model_) {
            const auto found = names_.find(each.which, each.text);
            REQUIRE(found.text == each.text);
            REQUIRE(found.record.kind == each.which);
            REQUIRE(found.record.mode == each.mode);
            if constexpr (std::is_same_v<Record, numbered_record>) {
                REQUIRE(found.record.facts == each.facts);
                REQUIRE(names_.find(each.number).place == found.place);
                REQUIRE(names_.find(each.number).text == each.text);
                REQUIRE_FALSE(names_.find(last_ + 1));
                if (each.second.empty()) continue;
                const auto oldest = std::find_if(model_.begin(), model_.end(),
                                                 [&](const known_name& other) { return other.second == each.second; });
                REQUIRE(names_.find_second(sort::second, each.second).place == names_.find(oldest->number).place);
                REQUIRE_FALSE(names_.find(sort::second, each.second));
            }
        }
        if constexpr (std::is_same_v<Record, numbered_record>) {
            for (const known_name& each : ended_) {
                const auto found = names_.find(each.number);
                REQUIRE(found.text == each.text);
                REQUIRE(found.record.state == detail::name_state::ended);
                REQUIRE(found.record.facts == each.facts);
                const auto other = names_.find(each.which, each.text);
                if (other) REQUIRE(other.record.number != each.number);
            }
            REQUIRE(static_cast<bool>(names_.first_ended()) == !ended_.empty());
            if (!ended_.empty()) REQUIRE(names_.first_ended().record.number == ended_.front().number);
            for (const char* const each : {"zz", "", "a", "b", "c"}) {
                const auto has = std::any_of(model_.begin(), model_.end(),
                                             [&](const known_name& other) { return other.second == each; });
                if (*each != '\0') REQUIRE(static_cast<bool>(names_.find_second(sort::second, each)) == has);
            }
        }
        for (const sort which : {sort::one, sort::two}) {
            std::vector<std::string> expected, seen;
            for (const known_name& each : model_) {
                if (each.which == which) expected.push_back(each.text);
            }
            for (const std::string_view each : names_.of(which)) seen.emplace_back(each);
            REQUIRE(seen == expected);
            REQUIRE(names_.count(which) == expected.size());
            REQUIRE(names_.of(which).empty() == expected.empty());
        }
    }

    std::mt19937_64 random_;
    list names_;
    std::size_t limit_;
    std::vector<known_name> model_{};
    std::vector<known_name> ended_{}; // in the order in which they ended
    std::uint32_t last_ = 0;
};

using small_list = detail::name_list<plain_record, span_buffer<std::byte>>;
using growing_list = detail::name_list<plain_record, growing_buffer>;

template <class List>
bool add(List& list, sort which, std::string_view text) {
    if (!list.make_room(text)) return false;
    list.add({.kind = which}, text);
    return true;
}

template <class List>
std::vector<std::string> names_in(const List& list, sort which) {
    std::vector<std::string> found;
    for (const std::string_view each : list.of(which)) found.emplace_back(each);
    return found;
}

} // namespace

TEST_CASE_TEMPLATE("a list of names behaves as a list, in memory of either kind", Record, plain_record,
                   numbered_record) {
    // What fits does not depend on what was there before, so it takes twice as much memory.
    for (const std::size_t limit :
         {std::size_t{0}, sizeof(Record), sizeof(Record) + 5, std::size_t{150}, std::size_t{2000}}) {
        CAPTURE(limit);
        list_and_model<Record, growing_buffer>(growing_buffer(2 * limit), limit, limit).run();
        guarded_memory memory(2 * limit);
        const buffer none(2 * limit);
        for (const bool at_the_end : {false, true}) {
            const span_buffer<std::byte> room(memory.copy_of(none, at_the_end));
            list_and_model<Record, span_buffer<std::byte>>(room, limit, limit).run();
        }
    }
}

TEST_CASE("a name that does not fit adds nothing") {
    std::array<std::byte, 2 * (2 * sizeof(plain_record) + 3)> memory{};
    small_list list{span_buffer<std::byte>(memory)};
    REQUIRE(add(list, sort::one, "a"));
    REQUIRE(add(list, sort::two, "ab"));
    CHECK_FALSE(add(list, sort::one, "c"));
    CHECK(list.count(sort::one) == 1);
    CHECK(names_in(list, sort::one) == std::vector<std::string>{"a"});
    CHECK_FALSE(list.find(sort::one, ""));
    CHECK_FALSE(list.find(sort::two, "a"));
}

TEST_CASE("names that lie in the list are added to it, several at once") {
    // Each addition needs more memory than there is; and in the caller's memory the first name is gone.
    const std::string long_one(300, 'l');
    growing_list growing{growing_buffer(1 << 20)};
    std::array<std::byte, 2000> memory{};
    small_list small{span_buffer<std::byte>(memory)};
    const auto check = [&](auto& list) {
        REQUIRE(add(list, sort::one, "gone"));
        REQUIRE(add(list, sort::one, long_one));
        REQUIRE(add(list, sort::one, "x"));
        list.erase(list.find(sort::one, "gone"));
        std::string_view first = *list.of(sort::one).begin(), second = first.substr(0, 100), third = "other";
        REQUIRE(list.make_room(first, second, third));
        const auto place = list.find(sort::one, "x").place;
        list.add({.kind = sort::two}, second);
        list.add({.kind = sort::two}, third);
        list.add({.kind = sort::two}, first);
        CHECK(names_in(list, sort::two) == std::vector<std::string>{long_one.substr(0, 100), "other", long_one});
        CHECK(list.find(sort::one, "x").place == place);
    };
    check(growing);
    check(small);
}

TEST_CASE("a text waits behind all names, and is none of them") {
    std::array<std::byte, 2 * (2 * sizeof(plain_record) + 8)> memory{};
    small_list list{span_buffer<std::byte>(memory)};
    CHECK(list.behind().empty());
    REQUIRE(add(list, sort::one, "abc"));
    CHECK(list.has_room("12345", 0));
    CHECK(list.has_room("", sizeof(plain_record) + 5));
    CHECK(list.has_room("12", 3));
    CHECK_FALSE(list.has_room("123", 3));
    list.put_behind("12345");
    CHECK(list.behind() == "12345");
    CHECK(names_in(list, sort::one) == std::vector<std::string>{"abc"});
    list.drop_behind();
    CHECK(list.behind().empty());
    REQUIRE(add(list, sort::one, "12345"));
    CHECK(list.count(sort::one) == 2);
}

TEST_CASE("names are a forward range") {
    growing_list list{growing_buffer(1000)};
    for (const char* const each : {"a", "b", "c"}) REQUIRE(add(list, sort::two, each));
    const auto names = list.of(sort::two);
    auto first = names.begin();
    const auto held = first++;
    CHECK(*held == "a");
    CHECK(*first == "b");
    CHECK(held == names.begin());
    CHECK(std::distance(names.begin(), names.end()) == 3);
}

TEST_CASE("memory that no name is in can be given back") {
    const std::size_t before = allocations();
    growing_list names{growing_buffer(1 << 20)};
    REQUIRE(add(names, sort::one, "a"));
    names.release();
    CHECK(names.count(sort::one) == 1);
    names.erase(names.find(sort::one, "a"));
    CHECK(allocations() == before + 1);
    names.release();
    REQUIRE(add(names, sort::one, "a"));
    CHECK(allocations() == before + 2);
}

TEST_CASE("an empty heap is a list of names that is full") {
    growing_list names{growing_buffer(1 << 20)};
    const empty_heap none;
    CHECK_FALSE(add(names, sort::one, "a"));
    CHECK(names.of(sort::one).empty());
}

TEST_CASE("the memory of names that are gone is used again, in any order of their going") {
    for (const bool oldest_first : {true, false}) {
        std::array<std::byte, 2 * 10 * (sizeof(plain_record) + 4)> memory{};
        small_list list{span_buffer<std::byte>(memory)};
        for (unsigned i = 0; i != 10; ++i) REQUIRE(add(list, sort::one, std::to_string(1000 + i)));
        for (unsigned i = 10; i != 1000; ++i) {
            REQUIRE_FALSE(add(list, sort::one, "more"));
            list.erase(list.find(sort::one, std::to_string(1000 + (oldest_first ? i - 10 : i - 1))));
            REQUIRE(add(list, sort::one, std::to_string(1000 + i)));
        }
        CHECK(list.count(sort::one) == 10);
    }
}
