#include <sockless/stomp/parser.hpp>

#include <doctest/doctest.h>

#include <array>
#include <sstream>

#include "../support/allocations.hpp"
#include "log.hpp"

using namespace sockless;
using namespace sockless::test;
using stomp::command;
using stomp::errc;
using kind = stomp::parser_kind;
using stomp::version;

namespace {

// --- in constant evaluation, where undefined behaviour does not compile

struct expected_header {
    std::string_view name;
    std::string_view value;
};

// One frame, in pieces that end at `cut` and at the end of the frame, and a heart-beat behind it.
constexpr bool parses(version known, std::string_view frame, std::size_t cut, command expected,
                      std::initializer_list<expected_header> headers, std::string_view body) {
    std::array<std::byte, 300> input{};
    for (std::size_t i = 0; i != frame.size(); ++i) input[i] = static_cast<std::byte>(frame[i]);
    input[frame.size() + 1] = std::byte{'\n'};
    const std::size_t size = frame.size() + 2;
    std::array<char, 300> memory{};
    stomp::parser parser{span_buffer<char>(memory)};
    parser.set_version(known);

    std::size_t bodies = 0;
    std::size_t compared = 0;
    bool ended = false;
    for (bytes piece : {bytes(input).first(cut), bytes(input).subspan(cut, size - cut)}) {
        while (const stomp::parser_event event = parser.next(piece)) {
            if (event.kind == kind::head) {
                if (event.command != expected) return false;
                const expected_header* next = headers.begin();
                for (const stomp::header& each : event.headers) {
                    if (next == headers.end() || each.name != next->name || each.value != next->value) return false;
                    ++next;
                }
                if (next != headers.end()) return false;
            } else if (event.kind == kind::body) {
                if (event.first != (bodies == 0)) return false;
                for (const std::byte octet : event.payload) {
                    if (compared == body.size() || static_cast<char>(octet) != body[compared++]) return false;
                }
                ++bodies;
                ended = event.last;
            } else if (event.kind != kind::heart_beat || !ended || parser.frame_offset() != frame.size() + 1) {
                return false;
            }
        }
        if (!piece.empty()) return false;
    }
    return ended && compared == body.size() && parser.offset() == size && parser.finish() == errc::none;
}

constexpr bool parses_anyhow(version known, std::string_view frame, command expected,
                             std::initializer_list<expected_header> headers, std::string_view body = "") {
    for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, frame.size() / 2, frame.size(), frame.size() + 1}) {
        if (!parses(known, frame, cut, expected, headers, body)) return false;
    }
    return true;
}

// S1: the frames that STOMP 1.2 shows, with bodies of our own.
static_assert(parses_anyhow(version::unknown, "CONNECT\naccept-version:1.2\nhost:stomp.example.org\n\n",
                            command::connect, {{"accept-version", "1.2"}, {"host", "stomp.example.org"}}));
static_assert(parses_anyhow(version::unknown, "STOMP\r\naccept-version:1.0,1.1,2.0\r\nhost:a\r\n\r\n", command::stomp,
                            {{"accept-version", "1.0,1.1,2.0"}, {"host", "a"}}));
static_assert(parses_anyhow(version::unknown, "CONNECTED\nversion:1.1\n\n", command::connected, {{"version", "1.1"}}));
static_assert(parses_anyhow(version::v1_2, "SEND\ndestination:/queue/a\ncontent-type:text/plain\n\nhello queue a\n",
                            command::send, {{"destination", "/queue/a"}, {"content-type", "text/plain"}},
                            "hello queue a\n"));
static_assert(parses_anyhow(version::v1_2, "SUBSCRIBE\nid:0\ndestination:/queue/foo\nack:client\n\n",
                            command::subscribe, {{"id", "0"}, {"destination", "/queue/foo"}, {"ack", "client"}}));
static_assert(parses_anyhow(version::v1_2, "UNSUBSCRIBE\nid:0\n\n", command::unsubscribe, {{"id", "0"}}));
static_assert(parses_anyhow(version::v1_2, "ACK\nid:12345\ntransaction:tx1\n\n", command::ack,
                            {{"id", "12345"}, {"transaction", "tx1"}}));
static_assert(parses_anyhow(version::v1_2, "BEGIN\ntransaction:tx1\n\n", command::begin, {{"transaction", "tx1"}}));
static_assert(parses_anyhow(version::v1_2, "COMMIT\ntransaction:tx1\n\n", command::commit, {{"transaction", "tx1"}}));
static_assert(parses_anyhow(version::v1_2, "ABORT\ntransaction:tx1\n\n", command::abort, {{"transaction", "tx1"}}));
static_assert(parses_anyhow(version::v1_2, "DISCONNECT\nreceipt:77\n\n", command::disconnect, {{"receipt", "77"}}));
static_assert(parses_anyhow(version::v1_2, "MESSAGE\nsubscription:0\nmessage-id:007\ndestination:/queue/a\n\nhello",
                            command::message,
                            {{"subscription", "0"}, {"message-id", "007"}, {"destination", "/queue/a"}}, "hello"));
static_assert(parses_anyhow(version::v1_2, "RECEIPT\nreceipt-id:message-12345\n\n", command::receipt,
                            {{"receipt-id", "message-12345"}}));
static_assert(parses_anyhow(version::v1_2, "ERROR\nreceipt-id:1\ncontent-length:3\nmessage:malformed frame\n\n1:2",
                            command::error,
                            {{"receipt-id", "1"}, {"content-length", "3"}, {"message", "malformed frame"}}, "1:2"));
static_assert(parses_anyhow(version::v1_2, "MESSAGE\nfoo:World\nfoo:Hello\n\n", command::message,
                            {{"foo", "World"}, {"foo", "Hello"}}));
static_assert(parses_anyhow(version::v1_2, "NACK\r\na\\c:\\r\\n\\\\\r\n\r\n", command::nack, {{"a:", "\r\n\\"}}));
// S16: frames of 1.0 as its document prints them.
static_assert(parses_anyhow(version::v1_0, "SUBSCRIBE\r\ndestination: /queue/foo\r\nack: client \r\n\r\nignored",
                            command::subscribe, {{"destination", "/queue/foo"}, {"ack", "client"}}, "ignored"));
static_assert(parses_anyhow(version::unknown, "CONNECT\nlogin: ada\npasscode:pw\n\n", command::connect,
                            {{"login", "ada"}, {"passcode", "pw"}}));

constexpr errc error_in_constant_evaluation(version known, std::string_view text, std::uint64_t offset) {
    std::array<std::byte, 100> input{};
    for (std::size_t i = 0; i != text.size(); ++i) input[i] = static_cast<std::byte>(text[i]);
    std::array<char, 100> memory{};
    stomp::parser parser{span_buffer<char>(memory)};
    parser.set_version(known);
    bytes in = bytes(input).first(text.size());
    while (parser.next(in)) {
    }
    static_cast<void>(parser.finish());
    return parser.offset() == offset ? parser.error() : errc::none;
}
static_assert(error_in_constant_evaluation(version::v1_2, "SENT\n\n", 0) == errc::unknown_command);
static_assert(error_in_constant_evaluation(version::v1_2, "SEND\na:b\rc\n\n", 8) == errc::bare_cr);
static_assert(error_in_constant_evaluation(version::v1_2, "SEND\nab\n\n", 7) == errc::missing_colon);
static_assert(error_in_constant_evaluation(version::v1_2, "SEND\n:b\n\n", 5) == errc::empty_name);
static_assert(error_in_constant_evaluation(version::v1_1, "SEND\na:\\r\n\n", 7) == errc::bad_escape);
static_assert(error_in_constant_evaluation(version::v1_1, "SEND\ncontent-length:1e3\n\n", 20) ==
              errc::bad_content_length);
static_assert(error_in_constant_evaluation(version::v1_1, "BEGIN\n\nx", 7) == errc::unexpected_body);
static_assert(error_in_constant_evaluation(version::v1_1, "SEND\r\n\r\n", 4) == errc::unexpected_cr);
static_assert(error_in_constant_evaluation(version::v1_1, "SEND\na:b\n", 9) == errc::truncated);

// --- vectors

errc errc_named(const std::string& name) {
    for (std::size_t i = 0; i != std::size(stomp::errc_rows); ++i) {
        if (stomp::errc_rows[i].name == name) return static_cast<errc>(i);
    }
    throw std::invalid_argument("no such error: " + name);
}

version version_named(const std::string& name) {
    const version found = stomp::version_of(name);
    if (found == version::unknown && name != "unknown") throw std::invalid_argument("no such version: " + name);
    return found;
}

std::vector<version> versions_of(const vector_case& vector) {
    const std::string names = vector.setting("version", "all");
    if (names == "all") return {version::unknown, version::v1_0, version::v1_1, version::v1_2};
    std::vector<version> some;
    std::istringstream words(names);
    for (std::string name; words >> name;) some.push_back(version_named(name));
    return some;
}

stomp::limits limits_of(const vector_case& vector) {
    stomp::limits limits;
    set(vector, "limit line", limits.line);
    set(vector, "limit headers", limits.headers);
    set(vector, "limit head", limits.head);
    set(vector, "limit body", limits.body);
    return limits;
}

// An event of a vector as a log says it.
std::string expected_line(const std::string& line, const marked_bytes& input) {
    byte_reader reader(line, false);
    std::string out = reader.word();
    if (out == "header") {
        const buffer name = reader.quoted();
        return out + " " + in_quotes(cbytes(name)) + " " + in_quotes(cbytes(reader.quoted()));
    }
    if (out == "head") out += " " + reader.word();
    if (out == "error" || out == "ended") out += " " + std::string(row_of(errc_named(reader.word())).name);
    const marked_bytes rest = reader.read();
    if (out == "body" || out == "part") return out + " " + in_quotes(cbytes(rest.data));
    if (rest.names.size() != 1) throw std::invalid_argument("not one place: " + line);
    return out + at(input.names.at(rest.names.begin()->first));
}

template <class Memory, class Feed>
std::vector<std::string> lines_of(const vector_case& vector, version known, Memory memory, stomp_log_manner manner,
                                  Feed&& feed_all) {
    stomp::basic_parser<Memory> parser(std::move(memory), limits_of(vector));
    parser.set_version(known);
    stomp_log<Memory> seen(std::move(parser), manner);
    feed_all([&](bytes piece) { seen.feed(piece); });
    seen.finish();
    return seen.lines;
}

// The events do not depend on how the input was cut, nor on the kind of memory, on whether heads are kept, and on when
// within the frame the version is agreed.
void run_vector(const vector_case& vector, version known) {
    const marked_bytes input = input_of(vector, false);
    std::vector<std::string> expected;
    for (const std::string& line : vector.events) expected.push_back(expected_line(line, input));
    const version agreed = version_named(vector.setting("agree", "unknown"));
    const auto room =
        static_cast<std::size_t>(std::stoull(vector.setting("memory", std::to_string(limits_of(vector).head))));
    std::vector<char> memory(room);
    unsigned turn = 0;
    std::string wrong;
    for_each_split(input.data, [&](auto&& feed_all) {
        if (!wrong.empty()) return;
        // Each of the ways gets whole, bytewise and cut inputs.
        for (const unsigned way : {turn % 8, (turn + 5) % 8}) {
            const stomp_log_manner manner{agreed, (way & 2U) != 0, (way & 4U) != 0};
            const auto lines =
                (way & 1U) != 0 ? lines_of(vector, known, growing_buffer(room), manner, feed_all)
                                : lines_of(vector, known, span_buffer<char>(std::span<char>(memory)), manner, feed_all);
            if (lines != expected) wrong = indented(lines);
        }
        ++turn;
    });
    CHECK_MESSAGE(wrong.empty(), vector.file, ": ", vector.title, ", version ", text_of(known), "\nexpected\n",
                  indented(expected), "but got\n", wrong);
}

void run_vectors(const std::string& file) {
    const auto vectors = read_vectors(std::filesystem::path(SOCKLESS_TESTS) / "vectors" / "stomp" / file);
    CHECK(!vectors.empty());
    for (const vector_case& vector : vectors) {
        INFO(vector.title);
        CHECK(!vector.events.empty());
        for (const version known : versions_of(vector)) run_vector(vector, known);
    }
}

} // namespace

TEST_CASE("S1 S4: commands, header lines, bodies, and what stands between frames, at every split") {
    run_vectors("frames.txt");
}

TEST_CASE("S1: the frames that the specification shows, at every split") { run_vectors("specification.txt"); }

TEST_CASE("S1 S15: the ends of lines of each version, at every split") { run_vectors("ends_of_lines.txt"); }

TEST_CASE("S16: 1.0 as its document prints it, at every split") { run_vectors("as_1_0.txt"); }

TEST_CASE("S2: content-length, and bodies up to the first NUL, at every split") { run_vectors("bodies.txt"); }

TEST_CASE("S3: the escapes of each version, at every split") { run_vectors("escapes.txt"); }

TEST_CASE("S12: each limit is exact, at every split") { run_vectors("limits.txt"); }

TEST_CASE("S15: the version is agreed between two frames, at every split") { run_vectors("versions.txt"); }

namespace {

using growing_parser = stomp::basic_parser<growing_buffer>;

// The default limits, with memory for what they allow.
growing_parser growing(version known = version::v1_2, const stomp::limits& limits = {}) {
    growing_parser parser(growing_buffer(limits.head), limits);
    parser.set_version(known);
    return parser;
}

// Feeds single bytes, each of which is overwritten, up to the first event.
template <class Memory>
stomp::parser_event feed_bytewise(stomp::basic_parser<Memory>& parser, std::string_view text) {
    for (const char c : text) {
        std::byte octet{static_cast<unsigned char>(c)};
        bytes in(&octet, 1);
        const stomp::parser_event event = parser.next(in);
        if (event) return event;
    }
    return {};
}

std::string frame(std::string text) {
    text += '\0';
    return text;
}

bool lies_in(const void* begin, std::size_t size, const std::string& text) {
    const char* const at = static_cast<const char*>(begin);
    return at >= text.data() && at + size <= text.data() + text.size();
}

} // namespace

TEST_CASE("S1 S12: a frame that comes whole is not copied, takes no memory, and allocates nothing") {
    std::string text = frame("MESSAGE\ndestination:/a\nname\\cd:with \\n and \\\\\nmessage-id:1\n\nthe body");
    const std::size_t size = text.size();
    text += frame("\nSEND\ncontent-length:2\n\n12");
    const std::size_t before = allocations();
    growing_parser parser(growing_buffer(0));
    parser.set_version(version::v1_2);
    bytes in = bytes_of(text.data(), text.size());
    const stomp::parser_event head = parser.next(in);
    REQUIRE(head.kind == kind::head);
    std::size_t headers = 0;
    for (const stomp::header& each : head.headers) {
        CHECK(lies_in(each.name.data(), each.name.size(), text));
        CHECK(lies_in(each.value.data(), each.value.size(), text));
        ++headers;
    }
    CHECK(headers == 3);
    CHECK(head.headers.find("destination").data() == text.data() + 20);
    CHECK(head.headers.find("name:d") == "with \n and \\");
    CHECK(stomp::known_headers(head.headers).message_id == "1");
    const stomp::parser_event body = parser.next(in);
    CHECK(body.first);
    CHECK(body.last);
    CHECK(text_of(body.payload) == "the body");
    CHECK(body.payload.data() + 9 == bytes_of(text.data(), text.size()).data() + size);
    CHECK(parser.next(in).kind == kind::heart_beat);
    CHECK(parser.next(in).kind == kind::head);
    CHECK(text_of(parser.next(in).payload) == "12");
    CHECK(!parser.next(in));
    CHECK(parser.finish() == errc::none);
    CHECK(allocations() == before);
    CHECK(parser.memory().size() == 0);
}

TEST_CASE("S1 S12: the codec allocates nothing where frames come in pieces either") {
    std::string text = frame("MESSAGE\r\ndestination:/a\r\nx\\cy:\\\\\r\ncontent-length:4\r\n\r\nbody");
    std::array<char, 100> memory{};
    const std::size_t before = allocations();
    stomp::parser parser{span_buffer<char>(memory)};
    parser.set_version(version::v1_2);
    std::size_t events = 0;
    for (int i = 0; i != 100; ++i) {
        for (char c : text) {
            bytes in = bytes_of(&c, 1);
            while (parser.next(in)) ++events;
        }
    }
    CHECK(allocations() == before);
    CHECK(events == 100 * (1 + 4 + 1));
    CHECK(parser.offset() == 100 * text.size());
    CHECK(parser.error() == errc::none);
}

namespace {

// Memory that blots out what was looked at: when more is asked for, all that it holds, but a command, becomes NULs,
// which are an error wherever a head has one. `restore` brings back what was there.
struct blotting_memory {
    static constexpr std::size_t command_line = 5; // of SEND

    std::span<char> memory{};
    std::vector<char>* seen = nullptr;
    std::size_t* stored = nullptr;

    [[nodiscard]] std::span<char> contents() const { return memory.first(*stored); }
    [[nodiscard]] std::size_t size() const { return *stored; }
    [[nodiscard]] std::size_t limit() const { return memory.size(); }
    [[nodiscard]] std::span<char> prepare(std::size_t size) {
        for (std::size_t i = seen->size(); i != *stored; ++i) {
            seen->push_back(memory[i]);
            if (i >= command_line) memory[i] = '\0';
        }
        return memory.subspan(*stored, size);
    }
    void commit(std::size_t size) { *stored += size; }
    void clear() { *stored = 0; }
    void restore() { std::copy(seen->begin(), seen->end(), memory.begin()); }
};

} // namespace

TEST_CASE("S12: each byte is looked at once and stored once, however many pieces there are") {
    std::string text = "SEND\n";
    for (int i = 0; i != 99; ++i) text += "Name" + std::to_string(i) + ":value of some length\n";
    text += "last:" + std::string(8000, 'v') + "\n\n";
    for (const std::size_t size : {1u, 2u, 3u, 7u, 500u}) {
        std::vector<char> room(32'768);
        std::vector<char> seen;
        std::size_t stored = 0;
        stomp::basic_parser<blotting_memory> parser({room, &seen, &stored});
        parser.set_version(version::v1_2);
        stomp::parser_event event{};
        for (std::size_t at = 0; at < text.size(); at += size) {
            REQUIRE(!event);
            std::string piece = text.substr(at, size);
            bytes in = bytes_of(piece.data(), piece.size());
            event = parser.next(in);
            REQUIRE(in.empty());
            REQUIRE(parser.offset() == at + piece.size());
        }
        REQUIRE(event.kind == kind::head);
        CHECK(stored == text.size());
        parser.memory().restore();
        std::size_t headers = 0;
        for (const stomp::header& each : event.headers) {
            if (headers < 99) {
                CHECK(each.name == "Name" + std::to_string(headers));
                CHECK(each.value == "value of some length");
            } else {
                CHECK(each.name == "last");
                CHECK(each.value == std::string(8000, 'v'));
            }
            ++headers;
        }
        CHECK(headers == 100);
    }
}

TEST_CASE("S12: a head of 32 KiB in single bytes, with lines as long as they may be") {
    const stomp::limits limits;
    std::string text = "SEND\n";
    while (text.size() + limits.line + 2 <= limits.head) text += "n:" + std::string(limits.line - 2, 'x') + "\n";
    text += "m:" + std::string(limits.head - text.size() - 4, 'y') + "\n\n";
    REQUIRE(text.size() == limits.head);
    growing_parser parser = growing();
    const stomp::parser_event event = feed_bytewise(parser, text);
    REQUIRE(event.kind == kind::head);
    CHECK(parser.offset() == limits.head);
    CHECK(parser.memory().size() == limits.head);
    CHECK(event.headers.find("n") == std::string(limits.line - 2, 'x'));
    CHECK(event.headers.find("m").size() == text.size() - text.rfind("m:") - 4);

    // And one byte more.
    text.insert(text.size() - 2, "y");
    parser = growing();
    CHECK(feed_bytewise(parser, text).error == errc::head_too_large);
    CHECK(parser.offset() == limits.head);
    CHECK(parser.memory().size() == limits.head);
    parser = growing();
    bytes in = bytes_of(text.data(), text.size());
    CHECK(parser.next(in).error == errc::head_too_large);
    CHECK(parser.offset() == limits.head);
}

TEST_CASE("S12: 10,000 headers end in an error at the first one too many") {
    std::string text = "SEND\n";
    for (int i = 0; i != 10'000; ++i) text += "a:b\n";
    growing_parser parser = growing();
    CHECK(feed_bytewise(parser, text).error == errc::too_many_headers);
    CHECK(parser.offset() == 5 + 100 * 4);
    CHECK(parser.memory().size() <= 5 + 100 * 4 + 2);

    parser = growing();
    std::string whole = text;
    bytes in = bytes_of(whole.data(), whole.size());
    CHECK(parser.next(in).error == errc::too_many_headers);
    CHECK(parser.offset() == 5 + 100 * 4);
    CHECK(parser.memory().size() == 0);

    // Where the limits allow them, they are all there.
    stomp::limits limits;
    limits.headers = 10'000;
    limits.head = 50'000;
    text += "\n";
    parser = growing(version::v1_2, limits);
    const stomp::parser_event event = feed_bytewise(parser, text);
    REQUIRE(event.kind == kind::head);
    std::size_t headers = 0;
    for (const stomp::header& each : event.headers) headers += each.name == "a" && each.value == "b" ? 1u : 0u;
    CHECK(headers == 10'000);
}

TEST_CASE("S12: lines without end end in an error at the limit, and memory stays below it") {
    struct row {
        std::string text;
        errc error;
        std::uint64_t offset;
        std::uint64_t memory; // at most
    };
    const stomp::limits limits;
    const std::string endless(1'000'000, 'a');
    const row rows[] = {
        {endless, errc::unknown_command, 0, 16},
        {"SEND\n" + endless, errc::line_too_long, 5 + limits.line, 5 + limits.line + 1},
        {"SEND\na:" + endless, errc::line_too_long, 5 + limits.line, 5 + limits.line + 1},
        {"SEND\ncontent-length:" + std::string(1'000'000, '1'), errc::line_too_long, 5 + limits.line,
         5 + limits.line + 1},
    };
    for (const row& each : rows) {
        for (const version known : {version::unknown, version::v1_0, version::v1_1, version::v1_2}) {
            growing_parser parser = growing(known);
            CHECK(feed_bytewise(parser, each.text).error == each.error);
            CHECK(parser.offset() == each.offset);
            CHECK(parser.memory().size() <= each.memory);
        }
    }

    // In less memory than the limits allow, as far as that goes.
    for (const row& each : rows) {
        std::array<char, 64> memory{};
        stomp::parser parser{span_buffer<char>(memory)};
        CHECK(feed_bytewise(parser, each.text).error ==
              (each.error == errc::unknown_command ? each.error : errc::head_too_large));
        CHECK(parser.offset() == (each.error == errc::unknown_command ? 0 : memory.size()));
        CHECK(parser.memory().size() <= memory.size());
    }

    // The same if all of it comes at once.
    for (row each : rows) {
        growing_parser parser = growing();
        bytes in = bytes_of(each.text.data(), each.text.size());
        CHECK(parser.next(in).error == each.error);
        CHECK(parser.offset() == each.offset);
        CHECK(parser.memory().size() == 0);
    }
}

TEST_CASE("S12: nothing but escapes, in a line as long as the limit") {
    const stomp::limits limits;
    std::string text = "SEND\na:";
    for (std::uint32_t i = 2; i + 2 <= limits.line; i += 2) text += "\\\\";
    text += "\nb:\\c\n\n";
    for (const bool whole : {false, true}) {
        std::string fed = text;
        growing_parser parser = growing();
        bytes in = bytes_of(fed.data(), fed.size());
        const stomp::parser_event event = whole ? parser.next(in) : feed_bytewise(parser, text);
        REQUIRE(event.kind == kind::head);
        CHECK(event.headers.find("a") == std::string((limits.line - 2) / 2, '\\'));
        CHECK(event.headers.find("b") == ":");
    }
}

TEST_CASE("S12: a head that does not fit the caller's memory is refused where it comes in pieces") {
    const std::string text = "SEND\ndestination:/queue/a\r\nx\\cy:z\n\n";
    for (std::size_t room = 0; room <= text.size(); ++room) {
        std::vector<char> memory(room);
        stomp::parser parser{span_buffer<char>(std::span<char>(memory))};
        parser.set_version(version::v1_2);
        const stomp::parser_event event = feed_bytewise(parser, text);
        CHECK(parser.memory().size() <= room);
        if (room == text.size()) {
            CHECK(event.kind == kind::head);
        } else {
            CHECK(event.error == errc::head_too_large);
            CHECK(parser.offset() == room);
        }

        // In two pieces the same, as soon as the first does not fit.
        stomp::parser two{span_buffer<char>(std::span<char>(memory))};
        two.set_version(version::v1_2);
        std::string fed = text;
        bytes in = bytes_of(fed.data(), fed.size() - 1);
        const stomp::parser_event first = two.next(in);
        CHECK(first.error == (room < text.size() - 1 ? errc::head_too_large : errc::none));
        if (first) CHECK(two.offset() == room);
    }
}

TEST_CASE("S12: where the heap has no more memory, the head is refused, and a whole one is not") {
    const std::string text = frame("SEND\na:b\n\n");
    growing_parser parser = growing();
    std::string fed = text;
    {
        const empty_heap none;
        bytes in = bytes_of(fed.data(), fed.size());
        CHECK(parser.next(in).kind == kind::head);
        CHECK(!parser.keep());
        CHECK(parser.next(in).last);
        CHECK(feed_bytewise(parser, text).error == errc::head_too_large);
    }
}

TEST_CASE("S12: memory that is used up by one head serves the next, and holds no more than heads") {
    const std::string text = frame("MESSAGE\na:b\n\nbody");
    const std::size_t head = text.find("body");
    std::vector<char> memory(head);
    for (std::size_t size = 1; size <= text.size(); ++size) {
        stomp::parser parser{span_buffer<char>(std::span<char>(memory))};
        std::size_t frames = 0;
        std::string all;
        for (int i = 0; i != 20; ++i) all += text;
        for (std::size_t at = 0; at < all.size(); at += size) {
            std::string piece = all.substr(at, size);
            bytes in = bytes_of(piece.data(), piece.size());
            while (const stomp::parser_event event = parser.next(in)) {
                REQUIRE(event.kind != kind::error);
                frames += event.kind == kind::head ? 1u : 0u;
            }
        }
        CHECK(frames == 20);
        CHECK(parser.offset() == all.size());
    }
}

TEST_CASE("S12: a head that is kept survives the input, and the memory takes what comes behind it") {
    const std::string text = frame("MESSAGE\nmessage-id:1\na:\\n\n\nthe body");
    const std::size_t head = text.find("the body");
    for (std::size_t cut = 0; cut != head; ++cut) {
        INFO(cut);
        growing_parser parser = growing();
        CHECK(parser.keep()); // nothing to keep
        CHECK(parser.headers().empty());
        std::string first = text.substr(0, cut);
        bytes in = bytes_of(first.data(), first.size());
        CHECK(!parser.next(in));
        first.assign(first.size(), '#');
        CHECK(parser.keep());
        CHECK(parser.headers().empty());

        std::string rest = text.substr(cut, text.size() - cut - 5);
        in = bytes_of(rest.data(), rest.size());
        REQUIRE(parser.next(in).kind == kind::head);
        CHECK(parser.head_size() == head);
        const stomp::parser_event piece = parser.next(in);
        CHECK(text_of(piece.payload) == "the ");
        CHECK(!piece.last);
        CHECK(parser.keep());
        CHECK(parser.keep());
        CHECK(parser.memory().size() == parser.head_size());
        CHECK(append(parser.memory(), piece.payload));
        rest.assign(rest.size(), '#');

        std::string end = text.substr(text.size() - 5);
        in = bytes_of(end.data(), end.size());
        const stomp::parser_event last = parser.next(in);
        REQUIRE(last.last);
        CHECK(append(parser.memory(), last.payload));
        for (const stomp::headers& headers : {last.headers, parser.headers()}) {
            CHECK(headers.find("message-id") == "1");
            CHECK(headers.find("a") == "\n");
            const std::string_view memory = text_of(parser.memory().contents());
            CHECK(headers.find("a").data() > memory.data());
            CHECK(headers.find("a").data() < memory.data() + parser.head_size());
        }
        CHECK(text_of(parser.memory().contents().subspan(parser.head_size())) == "the body");

        // The next frame begins with empty memory.
        std::string next = "SEND\n";
        in = bytes_of(next.data(), next.size());
        CHECK(!parser.next(in));
        CHECK(parser.memory().size() == next.size());
        CHECK(parser.headers().empty());
    }
}

TEST_CASE("S12: a head that does not fit is not kept, and stays readable where it is") {
    std::string text = frame("SEND\na:b\n\nbody");
    for (std::size_t room = 0; room <= 10; ++room) {
        std::string fed = text;
        std::vector<char> memory(room);
        stomp::parser parser{span_buffer<char>(std::span<char>(memory))};
        bytes in = bytes_of(fed.data(), fed.size());
        REQUIRE(parser.next(in).kind == kind::head);
        CHECK(parser.keep() == (room == 10));
        CHECK(parser.headers().find("a") == "b");
        CHECK(lies_in(parser.headers().find("a").data(), 1, fed) == (room != 10));
        CHECK(parser.next(in).last);
        CHECK(parser.finish() == errc::none);
    }
}

TEST_CASE("S12: limits can change between frames") {
    growing_parser parser = growing();
    stomp::limits limits;
    limits.headers = 1;
    limits.body = 2;
    parser.set_limits(limits);
    CHECK(parser.limits().headers == 1);
    std::string text = frame("SEND\na:b\n\n12") + frame("SEND\na:b\nc:d\n\n12345") + frame("SEND\na:b\nc:d\n\n");
    bytes in = bytes_of(text.data(), text.size());
    REQUIRE(parser.next(in).kind == kind::head);
    REQUIRE(parser.next(in).last);
    parser.set_limits({});
    REQUIRE(parser.next(in).kind == kind::head);
    // The limits that held when the body began hold to its end.
    parser.set_limits(limits);
    CHECK(text_of(parser.next(in).payload) == "12345");
    CHECK(parser.next(in).error == errc::too_many_headers);

    // A smaller limit takes hold of a head that is larger already, and is never passed by.
    const std::string head = "SEND\n" + std::string(60, 'a');
    parser = growing();
    CHECK(!feed_bytewise(parser, head));
    limits.head = 50;
    parser.set_limits(limits);
    CHECK(feed_bytewise(parser, "aaaaaaaaaaaa:a\n\n").error == errc::head_too_large);
}

TEST_CASE("S1 S4: the end of the input, in each state") {
    struct row {
        std::string_view text;
        errc said;
    };
    using namespace std::string_view_literals;
    const row rows[] = {
        {"", errc::none},
        {"\n", errc::none},
        {"\r", errc::truncated},
        {"\r\n", errc::none},
        {"S", errc::truncated},
        {"SEND\n", errc::truncated},
        {"SEND\na:b\n\r", errc::truncated},
        {"SEND\na:\\", errc::truncated},
        {"SEND\n\n", errc::truncated},
        {"SEND\n\nbody", errc::truncated},
        {"SEND\ncontent-length:1\n\n\0"sv, errc::truncated},
        {"BEGIN\n\n", errc::truncated},
        {"BEGIN\n\n\0"sv, errc::none},
        {"SEND\n\nbody\0"sv, errc::none},
        {"SEND\n\nbody\0\n"sv, errc::none},
        {"BEGIN\n\nx", errc::unexpected_body},
        {"X\n", errc::unknown_command},
    };
    for (const row& each : rows) {
        INFO(each.text);
        growing_parser parser = growing();
        std::string text(each.text);
        bytes in = bytes_of(text.data(), text.size());
        while (parser.next(in)) {
        }
        CHECK(parser.finish() == each.said);
        CHECK(parser.error() == each.said);
        CHECK(parser.finish() == each.said);
        std::string more = "SEND\n\n";
        in = bytes_of(more.data(), more.size());
        CHECK(!parser.next(in));
        CHECK(in.size() == more.size());
        CHECK(parser.error() == each.said);
    }

    // Where an error is owed, it is what the end says too.
    growing_parser parser = growing();
    std::string text = "SEND\ncontent-length:1\n\nxyz";
    bytes in = bytes_of(text.data(), text.size());
    REQUIRE(parser.next(in).kind == kind::head);
    REQUIRE(parser.next(in).kind == kind::body);
    CHECK(parser.finish() == errc::body_not_terminated);
    CHECK(!parser.next(in));
}

TEST_CASE("S1: after an error nothing is taken, and what was wrong stays") {
    growing_parser parser = growing();
    std::string text = "SEND\na:b\n:c\n\n";
    bytes in = bytes_of(text.data(), text.size());
    CHECK(parser.next(in).error == errc::empty_name);
    for (int i = 0; i != 3; ++i) {
        const std::size_t left = in.size();
        CHECK(!parser.next(in));
        CHECK(in.size() == left);
        CHECK(parser.error() == errc::empty_name);
        CHECK(parser.offset() == 9);
        CHECK(parser.finish() == errc::empty_name);
    }
    bytes none;
    CHECK(!parser.next(none));
}

TEST_CASE("S15: each version's frames, one parser after the other version's") {
    // The version is that of the frames after the one that was last begun: a head in pieces is not changed by it.
    growing_parser parser = growing(version::unknown);
    CHECK(!feed_bytewise(parser, "SEND\na:\\"));
    parser.set_version(version::v1_2);
    CHECK(parser.version() == version::v1_2);
    const stomp::parser_event event = feed_bytewise(parser, "n\r\n\n");
    REQUIRE(event.kind == kind::head);
    CHECK(event.headers.find("a") == "\\n");
    CHECK(feed_bytewise(parser, std::string_view("\0", 1)).last);
    const stomp::parser_event next = feed_bytewise(parser, "SEND\na:\\n\r\n\n");
    REQUIRE(next.kind == kind::head);
    CHECK(next.headers.find("a") == "\n");
}

TEST_CASE("S1: any input, at random places in pieces, gives the events that it gives as a whole") {
    // Made of what the grammar is made of, so that much of it is nearly right.
    constexpr std::string_view parts[] = {
        "SEND", "MESSAGE", "BEGIN",           "\n", "\n",   "\r\n",
        "\r",   ":",       "a:b\n",           "\\", "\\n",  "\\c",
        "\\\\", "x",       "content-length:", "2",  "\n\n", std::string_view("\0", 1)};
    std::mt19937_64 random(1);
    std::size_t heads = 0;
    for (int i = 0; i != 3000; ++i) {
        std::string text;
        if (random() % 4 != 0) text = "SEND\na:b\n";
        for (std::uint64_t count = random() % 24; count != 0; --count) text += parts[random() % std::size(parts)];
        const auto known = static_cast<version>(random() % 4);
        stomp::limits limits;
        limits.line = random() % 2 == 0 ? 8192 : static_cast<std::uint32_t>(random() % 12);
        limits.head = random() % 2 == 0 ? 32768 : 5 + static_cast<std::uint32_t>(random() % 40);
        limits.body = random() % 2 == 0 ? 100 : random() % 4;
        std::vector<std::string> whole;
        const buffer data = bytes_from(text);
        guarded_memory memory(data.size());
        for (std::uint64_t turn = 0; turn != 4; ++turn) {
            cuts places{data.size()};
            if (turn == 1) {
                places.clear();
                for (std::size_t at = 1; at <= data.size(); ++at) places.push_back(at);
            } else if (turn > 1 && data.size() > 1) {
                places.insert(places.begin(), 1 + random() % (data.size() - 1));
            }
            growing_parser parser = growing(known, limits);
            stomp_log<growing_buffer> log(std::move(parser), {.keep = turn % 2 == 0});
            feed_cut(data, places, memory, [&](bytes piece) { log.feed(piece); });
            log.finish();
            if (turn == 0) whole = log.lines;
            const bool complained = indented(log.lines).find("!!") != std::string::npos;
            CHECK_MESSAGE((log.lines == whole && !complained), in_quotes(text), "\nwhole\n", indented(whole),
                          "in pieces\n", indented(log.lines));
            heads += !log.lines.empty() && log.lines[0].rfind("head", 0) == 0 ? 1u : 0u;
        }
    }
    CHECK(heads > 1000);
}
