#include <sockless/stomp/headers.hpp>

#include <doctest/doctest.h>

#include <iterator>
#include <string>
#include <utility>
#include <vector>

using namespace sockless;
using namespace std::string_view_literals;
using stomp::header;
using stomp::headers;
using stomp::known_headers;

static_assert(std::forward_iterator<headers::iterator>);
static_assert(std::is_trivially_copyable_v<headers>);

namespace {

using pairs = std::vector<std::pair<std::string, std::string>>;

pairs list(const headers& all) {
    pairs out;
    for (const header& each : all) out.emplace_back(each.name, each.value);
    return out;
}

constexpr std::size_t count(std::string_view parsed) {
    std::size_t found = 0;
    for (const header& each : headers(parsed)) found += each.name.empty() ? 0U : 1U;
    return found;
}

// The text that the parser leaves: name, NUL, value, NUL, and more NULs if a line has become shorter.
constexpr std::string_view parsed = "a\0one\0b\0\0\0\0a\0two\0\0\0c\0\0d\0x:y\0\0"sv;

static_assert(count(parsed) == 5 && count("") == 0);
static_assert(headers(parsed).find("a") == "one" && headers(parsed).find("e").data() == nullptr);
static_assert(known_headers(headers("id\0one\0ack\0auto\0id\0two\0"sv)).id == "one");

} // namespace

TEST_CASE("S1: headers in the order of the wire, repeated and empty ones too") {
    CHECK(list(headers(parsed)) == pairs{{"a", "one"}, {"b", ""}, {"a", "two"}, {"c", ""}, {"d", "x:y"}});
    CHECK(list(headers()).empty());
    CHECK(headers().empty());
    CHECK(!headers(parsed).empty());
    CHECK(list(headers("a\0\0"sv)) == pairs{{"a", ""}});
    CHECK(list(headers("a\0\0b\0\0"sv)) == pairs{{"a", ""}, {"b", ""}});
    // Long ones, so that each begins in another place of what is looked at together.
    for (std::size_t size = 0; size != 200; ++size) {
        const std::string value(size, 'v');
        std::string text;
        pairs expected;
        for (int i = 0; i != 5; ++i) {
            const std::string name = "name" + std::to_string(i);
            text += name + '\0' + value + std::string(1 + size % 70, '\0');
            expected.emplace_back(name, value);
        }
        CHECK(list(headers(text)) == expected);
    }
}

TEST_CASE("S1: an iterator goes forward, as often as one likes, and says where it is") {
    const headers all(parsed);
    auto at = all.begin();
    const auto first = at;
    CHECK(at == all.begin());
    CHECK(at->name == "a");
    CHECK((*at).value == "one");
    const auto held = at++;
    CHECK(held == first);
    CHECK(at != first);
    CHECK(at->name == "b");
    auto other = all.begin();
    CHECK(++other == at);
    CHECK(std::distance(all.begin(), all.end()) == 5);
    CHECK(std::next(first, 5) == all.end());
    CHECK(std::next(first, 4) != all.end());
    CHECK(first->value == "one");
    CHECK(headers().begin() == headers().end());
    CHECK(headers::iterator() == all.end());
}

TEST_CASE("S1: of repeated headers the first is found, and names are case-sensitive") {
    const headers all(parsed);
    CHECK(all.find("a") == "one");
    CHECK(all.find("d") == "x:y");
    CHECK(all.find("a").data() == parsed.data() + 2);
    // Empty is not absent.
    CHECK(all.find("b").empty());
    CHECK(all.find("b").data() != nullptr);
    for (const std::string_view absent : {"A", "", "aa", "e", "one", "x"}) {
        INFO(absent);
        CHECK(all.find(absent).data() == nullptr);
    }
    CHECK(headers().find("a").data() == nullptr);
}

namespace {

struct known_name {
    std::string_view name;
    std::string_view known_headers::*value;
};

// Every header that the specifications name.
constexpr known_name known_names[] = {
    {"accept-version", &known_headers::accept_version},
    {"ack", &known_headers::ack},
    {"content-length", &known_headers::content_length},
    {"content-type", &known_headers::content_type},
    {"destination", &known_headers::destination},
    {"heart-beat", &known_headers::heart_beat},
    {"host", &known_headers::host},
    {"id", &known_headers::id},
    {"login", &known_headers::login},
    {"message", &known_headers::message},
    {"message-id", &known_headers::message_id},
    {"passcode", &known_headers::passcode},
    {"receipt", &known_headers::receipt},
    {"receipt-id", &known_headers::receipt_id},
    {"server", &known_headers::server},
    {"session", &known_headers::session},
    {"subscription", &known_headers::subscription},
    {"transaction", &known_headers::transaction},
    {"version", &known_headers::version},
};
static_assert(sizeof(known_headers) == std::size(known_names) * sizeof(std::string_view));

void add(std::string& text, std::string_view name, std::string_view value) {
    text.append(name).append(1, '\0').append(value).append(1, '\0');
}

} // namespace

TEST_CASE("S1: each known header is found, alone and among all others") {
    const known_headers none{headers()};
    std::string all;
    for (const known_name& each : known_names) add(all, each.name, std::string("value of ").append(each.name));
    const known_headers every{headers(all)};
    for (const known_name& each : known_names) {
        INFO(each.name);
        CHECK((none.*each.value).data() == nullptr);
        CHECK(every.*each.value == std::string("value of ").append(each.name));
        std::string text;
        add(text, "other", "x");
        add(text, each.name, "");
        add(text, each.name, "second");
        const known_headers one{headers(text)};
        for (const known_name& other : known_names) {
            // The first counts, even if it is empty; what is absent has no data.
            CHECK((one.*other.value).empty());
            CHECK(((one.*other.value).data() != nullptr) == (other.name == each.name));
        }
    }
}

TEST_CASE("S1: what only looks like a known header is none") {
    std::string text;
    for (const known_name& each : known_names) {
        std::string name(each.name);
        name[0] = static_cast<char>(name[0] - 0x20);
        add(text, name, "x");
        add(text, std::string(each.name) + " ", "x");
        add(text, " " + std::string(each.name), "x");
        add(text, std::string(each.name) + std::string(40, 'x'), "x");
        name = each.name;
        name.back() = '_';
        add(text, name, "x");
    }
    const known_headers known{headers(text)};
    for (const known_name& each : known_names) CHECK((known.*each.value).data() == nullptr);
}
