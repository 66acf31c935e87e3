#include <sockless/core.hpp>
#include <sockless/error.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

using namespace sockless;

// A layer of its own, to show what `error` asks of one.
namespace layer {

enum class errc : std::uint8_t { none = 0, one, two };
inline constexpr error_row rows[] = {
    {"none", "no error", "", 0, 0}, {"one", "the first", "1.1", 1002, 0}, {"two", "the second", "2.2", 0, 404}};
constexpr const error_row& row_of(errc code) noexcept { return rows[static_cast<std::size_t>(code)]; }

} // namespace layer

namespace other {

enum class errc : std::uint8_t { none = 0, one };
inline constexpr error_row rows[] = {{"none", "no error", "", 0, 0}, {"one", "another first", "1.1", 1009, 0}};
constexpr const error_row& row_of(errc code) noexcept { return rows[static_cast<std::size_t>(code)]; }

} // namespace other

// The first layer once more, as a library that was built apart has it: its table lies elsewhere.
namespace layer_elsewhere {

enum class errc : std::uint8_t { none = 0, one, two };
inline constexpr error_row rows[] = {
    {"none", "no error", "", 0, 0}, {"one", "the first", "1.1", 1002, 0}, {"two", "the second", "2.2", 0, 404}};
constexpr const error_row& row_of(errc code) noexcept { return rows[static_cast<std::size_t>(code)]; }

} // namespace layer_elsewhere

namespace {

enum class no_layer { one };
static_assert(std::is_convertible_v<layer::errc, error>);
static_assert(!std::is_convertible_v<no_layer, error>);
static_assert(!std::is_convertible_v<int, error>);
static_assert(sizeof(error) == sizeof(void*));

static_assert(!error{} && !error(layer::errc::none) && error{}.name() == "none");
static_assert(written{}.size == 0 && !written{}.error);

constexpr bool copies() {
    const char from[] = {'a', 'b', 'c'};
    std::byte to[3] = {};
    char back[3] = {};
    sockless::detail::copy(to, from, 3);
    sockless::detail::copy(back, to, 2);
    return to[2] == std::byte{'c'} && back[1] == 'b' && back[2] == 0;
}
static_assert(copies());

template <class T>
constexpr bool is_bytes = std::is_convertible_v<T, byte_view>;
static_assert(is_bytes<bytes> && is_bytes<cbytes> && is_bytes<std::span<std::byte, 4>>);
static_assert(is_bytes<std::vector<std::byte>> && is_bytes<std::vector<unsigned char>> && is_bytes<std::vector<char>>);
static_assert(is_bytes<std::vector<signed char>> && is_bytes<std::vector<char8_t>> && is_bytes<std::vector<char>&>);
static_assert(is_bytes<std::string> && is_bytes<std::string_view> && is_bytes<std::u8string_view>);
static_assert(is_bytes<std::array<char, 2>> && is_bytes<const std::array<std::uint8_t, 2>&>);
static_assert(is_bytes<std::span<char>> && is_bytes<std::span<const std::uint8_t>>);
static_assert(is_bytes<std::byte (&)[2]> && is_bytes<const unsigned char (&)[2]>);

// Elements of more than a byte, or of a type that is none; a literal, whose NUL would be a byte too; no elements.
static_assert(!is_bytes<std::vector<int>> && !is_bytes<std::span<const std::uint16_t>> && !is_bytes<int (&)[2]>);
static_assert(!is_bytes<std::vector<bool>> && !is_bytes<std::array<bool, 2>> && !is_bytes<std::wstring>);
static_assert(!is_bytes<const char (&)[2]> && !is_bytes<const char*> && !is_bytes<std::byte> && !is_bytes<int>);
static_assert(std::is_trivially_copyable_v<byte_view> && sizeof(byte_view) == sizeof(cbytes));

} // namespace

TEST_CASE("an error is any layer's, and knows its row") {
    const error one = layer::errc::one;
    CHECK(static_cast<bool>(one));
    CHECK(one.name() == "one");
    CHECK(one.sentence() == "the first");
    CHECK(one.section() == "1.1");
    CHECK(one.close_code() == 1002);
    CHECK(one.status() == 0);
    CHECK(error(layer::errc::two).status() == 404);

    CHECK(one == layer::errc::one);
    CHECK(one != layer::errc::two);
    CHECK(one != other::errc::one);
    CHECK(one != error{});
    CHECK(error{} == layer::errc::none);
    CHECK(error{} == other::errc::none);
    CHECK(error(layer::errc::none) == error(other::errc::none));
    CHECK(error{}.close_code() == 0);
    CHECK(error{}.status() == 0);
}

TEST_CASE("bytes and text are views of the same memory") {
    char memory[] = "Hello";
    const bytes seen = bytes_of(memory, 5);
    CHECK(static_cast<void*>(seen.data()) == memory);
    CHECK(seen.size() == 5);
    seen[0] = std::byte{'h'};
    CHECK(std::string_view(memory) == "hello");
    const char* const constant = memory;
    CHECK(bytes_of(constant, 2).size() == 2);
    const std::string_view text = text_of(seen);
    CHECK(text == "hello");
    CHECK(text.data() == memory);
    CHECK(static_cast<const void*>(bytes_of(text).data()) == memory);
    CHECK(bytes_of(std::string_view("안")).size() == 3);
    CHECK(bytes_of(std::string_view()).empty());
    CHECK(text_of({}).empty());
}

TEST_CASE("bytes of any type are seen where they lie") {
    const std::vector<unsigned char> vector{1, 2, 255};
    const byte_view seen = vector;
    CHECK(static_cast<const void*>(seen.data()) == vector.data());
    CHECK(seen.size() == 3);
    CHECK(seen[2] == std::byte{255});
    std::array<signed char, 2> array{-1, 1};
    CHECK(byte_view(array)[0] == std::byte{255});
    const std::uint8_t plain[] = {7, 0};
    CHECK(byte_view(plain).size() == 2);
    CHECK(text_of(byte_view(std::string_view("a\0b", 3))).size() == 3);
    CHECK(byte_view(std::string()).empty());
    CHECK(byte_view().empty());
    CHECK(byte_view(seen).data() == seen.data());
    CHECK(byte_view(seen.data(), 1).size() == 1);
}

TEST_CASE("errors are equal if they are the same error of the same layer, wherever its table lies") {
    CHECK(error(layer::errc::one) == error(layer_elsewhere::errc::one));
    CHECK(error(layer::errc::one) != error(layer_elsewhere::errc::two));
    CHECK(error(layer::errc::one) != error(other::errc::one));
    CHECK(error(layer::errc::one) != error{});
    CHECK(error(layer::errc::none) == error(other::errc::none));
}
