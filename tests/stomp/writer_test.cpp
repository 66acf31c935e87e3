// Tests of stomp/writer.hpp: what each version and command can carry, and that what was written is read as it was.
// SPDX-License-Identifier: MIT
#include <sockless/stomp/writer.hpp>

#include <doctest/doctest.h>
#include <sockless/stomp/parser.hpp>

#include <array>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "../support/allocations.hpp"
#include "../support/split.hpp"

using namespace sockless;
using namespace sockless::test;
using namespace std::string_literals;
using namespace std::string_view_literals;
using stomp::command;
using stomp::content_length;
using stomp::errc;
using stomp::version;

namespace {

// The escapes of 1.2, written by the compiler into a room that they fill.
constexpr bool writes_in_constant_evaluation() {
    constexpr std::string_view expected = "SEND\na\\cb:c\\\\d\\n\\r\ncontent-length:2\n\nhi\0"sv;
    constexpr std::byte body[] = {std::byte{'h'}, std::byte{'i'}};
    std::array<std::byte, expected.size()> out{};
    const written done = stomp::writer(out, version::v1_2).begin(command::send).header("a:b", "c\\d\n\r").finish(body);
    for (std::size_t i = 0; i != expected.size(); ++i) {
        if (static_cast<char>(out[i]) != expected[i]) return false;
    }
    return !done.error && done.size == expected.size();
}
static_assert(writes_in_constant_evaluation());

constexpr version versions[] = {version::unknown, version::v1_0, version::v1_1, version::v1_2};

std::vector<command> commands_of(version in) {
    std::vector<command> some;
    for (int i = 1; i <= static_cast<int>(command::disconnect); ++i) {
        if (is_in(static_cast<command>(i), in)) some.push_back(static_cast<command>(i));
    }
    return some;
}

bool connects(command which) {
    return which == command::connect || which == command::stomp || which == command::connected;
}

// A character as it is written, or nothing if it cannot be written: the words of the specifications as a table.
std::optional<std::string> on_the_wire(char plain, version in, command which, bool in_name) {
    const bool escapes = (in == version::v1_1 || in == version::v1_2) && !connects(which);
    switch (plain) {
    case '\0': return {};
    case '\n': return escapes ? std::optional<std::string>("\\n") : std::nullopt;
    case '\r':
        if (escapes && in == version::v1_2) return "\\r";
        return escapes ? std::optional<std::string>("\r") : std::nullopt;
    case ':':
        if (escapes) return "\\c";
        return in_name ? std::nullopt : std::optional<std::string>(":");
    case '\\': return escapes ? "\\\\" : "\\";
    default: return std::string(1, plain);
    }
}

std::optional<std::string> on_the_wire(const std::string& plain, version in, command which, bool in_name) {
    std::string out;
    for (const char c : plain) {
        const auto one = on_the_wire(c, in, which, in_name);
        if (!one) return {};
        out += *one;
    }
    return out;
}

using build = std::function<written(stomp::writer&)>;

// The frame that is written, or the name of the error behind a `!`.
std::string result_of(version in, const build& write) {
    std::array<std::byte, 500> out{};
    stomp::writer writer(out, in);
    const written done = write(writer);
    if (done.error) {
        CHECK(done.size == 0);
        return "!" + std::string(done.error.name());
    }
    return std::string(text_of(cbytes(out).first(done.size)));
}

std::string result_of(version in, command which, const std::string& name, const std::string& value) {
    return result_of(in, [&](stomp::writer& to) { return to.begin(which).header(name, value).finish(); });
}

using header_list = std::vector<std::pair<std::string, std::string>>;

struct frame {
    command name = command::none;
    header_list headers{};
    std::string body{};

    bool operator==(const frame&) const = default;
};

// A parser without limits, and what it has read; `content-length` is left out, as it is the writer's.
class reader {
  public:
    explicit reader(version in)
        : parser_(growing_buffer(UINT32_MAX),
                  {.line = UINT32_MAX, .headers = UINT32_MAX, .head = UINT32_MAX, .body = UINT64_MAX}) {
        parser_.set_version(in);
    }

    void feed(bytes piece) {
        while (const stomp::parser_event event = parser_.next(piece)) {
            if (event.kind == stomp::parser_kind::head) {
                frames.push_back({event.command, {}, {}});
                for (const stomp::header& each : event.headers) {
                    if (each.name != "content-length") frames.back().headers.emplace_back(each.name, each.value);
                }
            }
            if (event.kind == stomp::parser_kind::body) frames.back().body += text_of(event.payload);
        }
    }

    [[nodiscard]] bool finish() { return parser_.finish() == errc::none; }

    std::vector<frame> frames{};

  private:
    stomp::basic_parser<growing_buffer> parser_;
};

class random_frames {
  public:
    explicit random_frames(unsigned seed) : random_(seed) {}

    std::size_t below(std::size_t most) { return static_cast<std::size_t>(random_()) % most; }

    // Mostly characters that mean something, now and then longer than a block of any scanner.
    std::string text(std::size_t most) {
        constexpr std::string_view nasty = ":\\\n\r:\\nrc\0 a"sv;
        std::string made(below(8) == 0 ? below(300) : below(most), 'x');
        const std::size_t every = 1 + below(20);
        for (std::size_t i = below(every); i < made.size(); i += 1 + below(every)) made[i] = nasty[below(nasty.size())];
        return made;
    }

    frame made(version in) {
        const std::vector<command> commands = commands_of(in);
        frame some;
        some.name = commands[below(commands.size())];
        for (std::size_t i = below(4); i != 0; --i) some.headers.emplace_back(text(12), text(20));
        if (has_body(some.name)) some.body = text(60);
        return some;
    }

  private:
    std::mt19937 random_;
};

std::string without_blanks(const std::string& value) {
    const std::size_t begin = value.find_first_not_of(" \t");
    return begin == std::string::npos ? "" : value.substr(begin, value.find_last_not_of(" \t") - begin + 1);
}

bool can_be_said(const frame& some, version in) {
    for (const auto& [name, value] : some.headers) {
        if (in == version::v1_0 && without_blanks(value) != value) return false;
        if (name.empty() || !on_the_wire(name, in, some.name, true) || !on_the_wire(value, in, some.name, false)) {
            return false;
        }
    }
    return true;
}

written write(bytes out, version in, const frame& some, content_length how) {
    stomp::writer to(out, in);
    to.begin(some.name);
    for (const auto& [name, value] : some.headers) to.header(name, value);
    return to.finish(bytes_of(std::string_view(some.body)), how);
}

} // namespace

TEST_CASE("S14: every character in a name and in a value is written, escaped or refused, by version and command") {
    for (const version in : versions) {
        for (const command which : commands_of(in)) {
            for (int c = 0; c != 256; ++c) {
                const std::string plain{'x', static_cast<char>(c), 'y'};
                for (const bool in_name : {true, false}) {
                    INFO(text_of(in), " ", text_of(which), " ", c, " ", in_name);
                    const std::string name = in_name ? plain : "n";
                    const std::string value = in_name ? "v" : plain;
                    const auto text = on_the_wire(plain, in, which, in_name);
                    const std::string expected = !text ? "!bad_header"
                                                       : std::string(text_of(which)) + "\n" +
                                                             (in_name ? *text + ":v" : "n:" + *text) + "\n\n" + '\0';
                    CHECK(result_of(in, which, name, value) == expected);
                }
            }
        }
    }
}

TEST_CASE("S14: escapes at the ends of a text, side by side, and far from each other") {
    const std::string far(100, 'x');
    const auto written_as = [](const std::string& value) {
        const std::string all = result_of(version::v1_2, command::message, "n", value);
        return all.substr(10, all.size() - 13);
    };
    CHECK(written_as("\n") == "\\n");
    CHECK(written_as(":\\\r\n") == "\\c\\\\\\r\\n");
    CHECK(written_as(":a:") == "\\ca\\c");
    CHECK(written_as(":" + far + "\\" + far + "\r") == "\\c" + far + "\\\\" + far + "\\r");
    CHECK(written_as("") == "");
    CHECK(written_as("\\n") == "\\\\n");
}

TEST_CASE("S14: a header has a name, and content-length is not written by hand") {
    for (const version in : versions) {
        CHECK(result_of(in, command::send, "", "value") == "!bad_header");
        CHECK(result_of(in, command::send, "content-length", "5") == "!bad_header");
        CHECK(result_of(in, command::disconnect, "content-length", "0") == "!bad_header");
        // Names are case-sensitive (S1), and this is another.
        CHECK(result_of(in, command::send, "Content-Length", "5") == "SEND\nContent-Length:5\n\n\0"sv);
        CHECK(result_of(in, command::send, "content-lengths", "5") == "SEND\ncontent-lengths:5\n\n\0"sv);
    }
}

TEST_CASE("S14: a command is one of its version") {
    for (const version in : versions) {
        for (int i = 0; i <= static_cast<int>(command::disconnect); ++i) {
            const auto which = static_cast<command>(i);
            const bool came_later = in == version::v1_0 && (which == command::nack || which == command::stomp);
            const std::string expected = came_later || which == command::none
                                             ? "!unexpected_command"
                                             : std::string(text_of(which)) + "\n\n" + '\0';
            CHECK(result_of(in, [&](stomp::writer& to) { return to.begin(which).finish(); }) == expected);
        }
        CHECK(result_of(in, [](stomp::writer& to) { return to.finish(); }) == "!unexpected_command");
    }
}

TEST_CASE("S14 S2: a body has its content-length unless that is not wanted; then it has no NUL") {
    const auto with = [](std::string_view body, content_length how) {
        return result_of(version::v1_1,
                         [&](stomp::writer& to) { return to.begin(command::error).finish(bytes_of(body), how); });
    };
    CHECK(with("hello", content_length::automatic) == "ERROR\ncontent-length:5\n\nhello\0"s);
    CHECK(with("hello", content_length::omitted) == "ERROR\n\nhello\0"s);
    CHECK(with("", content_length::automatic) == "ERROR\n\n\0"s);
    CHECK(with("", content_length::omitted) == "ERROR\n\n\0"s);
    CHECK(with("a\0b\0"sv, content_length::automatic) == "ERROR\ncontent-length:4\n\na\0b\0\0"s);
    CHECK(with("a\0b"sv, content_length::omitted) == "!nul_in_body");
    CHECK(with("\0"sv, content_length::omitted) == "!nul_in_body");
    const std::string hundred(100, '\n');
    CHECK(with(hundred, content_length::automatic) == "ERROR\ncontent-length:100\n\n" + hundred + '\0');
}

TEST_CASE("S1 S14: only SEND, MESSAGE and ERROR are written with a body") {
    for (const command which : commands_of(version::v1_2)) {
        const bool may = which == command::send || which == command::message || which == command::error;
        for (const content_length how : {content_length::automatic, content_length::omitted}) {
            const std::string result =
                result_of(version::v1_2, [&](stomp::writer& to) { return to.begin(which).finish(bytes_of("b"), how); });
            CHECK((result == "!body_not_allowed") == !may);
        }
    }
}

TEST_CASE("S14: an optional header is left out where it is empty, a required one is missing") {
    const auto result = [](std::string_view value) {
        return result_of(version::v1_2, [&](stomp::writer& to) {
            return to.begin(command::begin).optional("o", value).required("transaction", "t").finish();
        });
    };
    CHECK(result("") == "BEGIN\ntransaction:t\n\n\0"s);
    CHECK(result("a:b") == "BEGIN\no:a\\cb\ntransaction:t\n\n\0"s);
    CHECK(result("\0"sv) == "!bad_header");
    CHECK(result_of(version::v1_2, [](stomp::writer& to) {
              return to.begin(command::begin).required("transaction", "").finish();
          }) == "!missing_header");
}

TEST_CASE("S14: the first error stays, whatever comes after it") {
    const auto result = [](const build& write) { return result_of(version::v1_0, write); };
    CHECK(result([](auto& to) { return to.begin(command::send).header("", "").begin(command::nack).finish(); }) ==
          "!bad_header");
    CHECK(result([](auto& to) { return to.begin(command::nack).header("", "").finish(bytes_of("b")); }) ==
          "!unexpected_command");
    CHECK(result([](auto& to) { return to.begin(command::ack).fail(errc::bad_ack_mode).header("", "").finish(); }) ==
          "!bad_ack_mode");
    CHECK(result([](auto& to) { return to.begin(command::ack).required("id", "").finish(bytes_of("b")); }) ==
          "!missing_header");
    // An error counts before the room does.
    CHECK(stomp::writer({}, version::v1_2).begin(command::send).header("", "").finish().error == errc::bad_header);
}

TEST_CASE("S14: where there is no room the writer says how much the whole takes, and writes nothing outside") {
    const auto written_to = [](bytes out) {
        return stomp::writer(out, version::v1_2)
            .begin(command::send)
            .header("destination", "/a:b")
            .optional("x\n", "\\")
            .finish(bytes_of("bo\0dy"sv));
    };
    const std::string expected = "SEND\ndestination:/a\\cb\nx\\n:\\\\\ncontent-length:5\n\nbo\0dy\0"s;
    guarded_memory memory(expected.size() + 1);
    for (std::size_t room = 0; room <= expected.size() + 1; ++room) {
        for (const bool at_the_end : {true, false}) {
            const buffer blank(room, std::byte{'.'});
            const bytes out = memory.copy_of(blank, at_the_end);
            const written done = written_to(out);
            CHECK(done.size == expected.size());
            if (room < expected.size()) {
                CHECK(done.error == errc::no_room);
            } else {
                CHECK(!done.error);
                CHECK(text_of(out.first(done.size)) == expected);
                CHECK(text_of(out.subspan(done.size)) == std::string(room - done.size, '.'));
            }
        }
    }
}

TEST_CASE("S14 S16: blanks around a value are refused in 1.0, where a reader would take them away") {
    for (const version in : versions) {
        for (const char* const value : {" x", "x ", "\tx", "x\t", " ", "\t \t"}) {
            const std::string result = result_of(in, command::send, "n", value);
            CHECK(result == (in == version::v1_0 ? "!bad_header" : "SEND\nn:" + std::string(value) + "\n\n\0"s));
        }
        for (const char* const value : {"", "x y", "x\ty", "\v", "\xA0x"}) {
            CHECK(result_of(in, command::send, "n", value) == "SEND\nn:" + std::string(value) + "\n\n\0"s);
        }
        CHECK(result_of(in, command::send, " n\t", "x") == "SEND\n n\t:x\n\n\0"s);
    }
}

TEST_CASE("S3 S14 S15: what a version can carry is read as it was written, at any cut; the rest is refused") {
    for (const version in : versions) {
        random_frames random(17 + static_cast<unsigned>(in));
        std::size_t carried = 0;
        std::size_t refused = 0;
        for (unsigned turn = 0; turn != 1500; ++turn) {
            std::vector<frame> sent;
            buffer stream;
            for (std::size_t i = 1 + random.below(3); i != 0; --i) {
                const frame some = random.made(in);
                const bool bare = some.body.find('\0') == std::string::npos && random.below(2) == 0;
                const content_length how = bare ? content_length::omitted : content_length::automatic;
                buffer out(write({}, in, some, how).size);
                const written done = write(out, in, some, how);
                const bool possible = can_be_said(some, in);
                REQUIRE(!done.error == possible);
                ++(possible ? carried : refused);
                if (!possible) {
                    REQUIRE(done.error == errc::bad_header);
                    continue;
                }
                REQUIRE(done.size == out.size());
                stream.insert(stream.end(), out.begin(), out.end());
                stream.insert(stream.end(), random.below(3), std::byte{'\n'});
                sent.push_back(some);
                // Without a list of versions they are frames of 1.0.
                if (in != version::unknown || (some.name != command::connect && some.name != command::connected))
                    continue;
                for (auto& [name, value] : sent.back().headers) value = without_blanks(value);
            }
            guarded_memory memory(stream.size());
            reader read(in);
            cuts at = random_cuts(stream.size(), turn);
            if (turn % 4 == 0) at = {stream.size()};
            feed_cut(stream, at, memory, [&](bytes piece) { read.feed(piece); });
            REQUIRE(read.finish());
            REQUIRE(read.frames == sent);
        }
        // Neither is an accident.
        CHECK(carried > 500);
        CHECK(refused > 500);
    }
}

TEST_CASE("S14: writing takes no memory") {
    std::array<std::byte, 300> out{};
    const std::size_t before = allocations();
    bool good = true;
    for (const version in : versions) {
        good = good && !stomp::writer(out, in)
                            .begin(command::message)
                            .header("destination", "/a:b\\c")
                            .optional("o", "")
                            .finish(bytes_of("hello"))
                            .error;
        good = good && stomp::writer({}, in).begin(command::send).header("a", "\n\r").finish().error;
    }
    CHECK(allocations() == before);
    CHECK(good);
}
