#include <sockless/http/head_parser.hpp>

#include <doctest/doctest.h>
#include <sockless/http/lists.hpp>

#include <array>
#include <memory>

#include "../support/allocations.hpp"
#include "../support/processor.hpp"
#include "log.hpp"

using namespace sockless;
using namespace sockless::test;
using http::errc;
using http::message_kind;

namespace {

constexpr std::string_view rfc_request = "GET /chat HTTP/1.1\r\n"
                                         "Host: server.example.com\r\n"
                                         "Upgrade: websocket\r\n"
                                         "Connection: Upgrade\r\n"
                                         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                         "Origin: http://example.com\r\n"
                                         "Sec-WebSocket-Protocol: chat, superchat\r\n"
                                         "Sec-WebSocket-Version: 13\r\n"
                                         "\r\n";

// H20: whole, and in two pieces at each place, in constant evaluation, where undefined behaviour does not compile.
constexpr bool parses_in_constant_evaluation(std::size_t cut) {
    std::array<std::byte, 300> input{};
    for (std::size_t i = 0; i != rfc_request.size(); ++i) input[i] = static_cast<std::byte>(rfc_request[i]);
    std::array<char, 300> memory{};
    http::head_parser parser(message_kind::request, span_buffer<char>(memory));
    bytes first = bytes(input).first(cut);
    if (cut < rfc_request.size() && (parser.next(first) || !first.empty())) return false;
    bytes rest =
        bytes(input).subspan(cut == rfc_request.size() ? 0 : cut, rfc_request.size() + 1 - (cut % rfc_request.size()));
    const http::head_event event = parser.next(rest);
    return event.kind == http::head_kind::head && event.head.method == "GET" && event.head.target == "/chat" &&
           http::count(event.head.fields, "host") == 1 &&
           http::first(event.head.fields, "SEC-WEBSOCKET-KEY") == "dGhlIHNhbXBsZSBub25jZQ==" &&
           http::has_token(event.head.fields, "sec-websocket-protocol", "SuperChat") && rest.size() == 1 &&
           parser.offset() == rfc_request.size() && parser.finish() == errc::none;
}
static_assert(parses_in_constant_evaluation(rfc_request.size()));
static_assert(parses_in_constant_evaluation(1));
static_assert(parses_in_constant_evaluation(100));
static_assert(parses_in_constant_evaluation(rfc_request.size() - 1));

constexpr errc error_in_constant_evaluation(std::string_view text, message_kind kind) {
    std::array<std::byte, 100> input{};
    for (std::size_t i = 0; i != text.size(); ++i) input[i] = static_cast<std::byte>(text[i]);
    std::array<char, 100> memory{};
    http::head_parser parser(kind, span_buffer<char>(memory));
    bytes in = bytes(input).first(text.size());
    static_cast<void>(parser.next(in));
    return parser.finish();
}
static_assert(error_in_constant_evaluation("GET / HTTP/1.1\nHost: a\n\n", message_kind::request) == errc::bare_lf);
static_assert(error_in_constant_evaluation("GET / HTTP/1.1\r\nHost : a\r\n\r\n", message_kind::request) ==
              errc::space_in_name);
static_assert(error_in_constant_evaluation("GET / HTTP/1.1\r\nA: b\r\n c\r\n", message_kind::request) ==
              errc::obs_fold);
static_assert(error_in_constant_evaluation("HTTP/1.1 200 OK\r\nA: b\r\n", message_kind::response) == errc::truncated);

// H1 H3: what is not shown as it came is changed in constant evaluation too.
constexpr bool changes_in_constant_evaluation(message_kind kind, std::string_view text) {
    std::array<std::byte, 100> input{};
    for (std::size_t i = 0; i != text.size(); ++i) input[i] = static_cast<std::byte>(text[i]);
    std::array<char, 100> memory{};
    http::head_parser parser(kind, span_buffer<char>(memory));
    bytes in = bytes(input).first(text.size());
    const http::head head = parser.next(in).head;
    return kind == message_kind::request ? head.target == "http://a/?b" : http::first(head.fields, "A") == "b   c";
}
static_assert(changes_in_constant_evaluation(message_kind::request, "GET http://a?b HTTP/1.1\r\n\r\n"));
static_assert(changes_in_constant_evaluation(message_kind::response, "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"));

static_assert(sizeof(sockless::http::detail::head_scanner) <= 96);

message_kind kind_of(const vector_case& vector) {
    const std::string role = vector.setting("role", "request");
    REQUIRE((role == "request" || role == "response"));
    return role == "request" ? message_kind::request : message_kind::response;
}

http::limits limits_of(const vector_case& vector) {
    http::limits limits;
    set(vector, "limit start_line", limits.start_line);
    set(vector, "limit field_line", limits.field_line);
    set(vector, "limit fields", limits.fields);
    set(vector, "limit head", limits.head);
    set(vector, "limit empty_lines", limits.empty_lines);
    return limits;
}

// Collects the events of a parser while it is fed, and complains if the parser breaks a promise of all parsers.
template <class Memory>
class head_log {
  public:
    head_log(message_kind kind, unsigned heads, http::basic_head_parser<Memory> parser)
        : kind_(kind), heads_(heads), parser_(std::move(parser)) {}

    void feed(bytes piece) {
        for (;;) {
            const http::head_event event = parser_.next(piece);
            if (!event) break;
            if (ended_) lines.push_back("an event after the end");
            add(event);
            if (event.kind == http::head_kind::error || --heads_ == 0) {
                ended_ = true;
            } else {
                parser_.restart();
            }
        }
        if (ended_) return;
        if (!piece.empty()) lines.push_back("falsy before the input was used up");
    }

    void finish() {
        const errc said = parser_.finish();
        const std::uint64_t offset = parser_.offset();
        if (!ended_) lines.push_back("ended " + std::string(row_of(said).name) + at(offset));
        if (said != parser_.error()) lines.push_back("finish and error differ");
        if (error_ != errc::none && error_ != said) lines.push_back("the error did not stay");
        buffer more = bytes_from("GET / HTTP/1.1\r\n\r\n");
        bytes in = more;
        if (said != errc::none) parser_.restart();
        if ((said != errc::none || ended_) && (parser_.next(in) || in.size() != more.size())) {
            lines.push_back("something was taken after the end");
        }
        if (parser_.error() != said || (said != errc::none && parser_.offset() != offset)) {
            lines.push_back("the error changed after the end");
        }
    }

    std::vector<std::string> lines{};

  private:
    void add(const http::head_event& event) {
        if (event.kind == http::head_kind::error) {
            error_ = event.error;
            if (parser_.error() != event.error) lines.push_back("the event and error() differ");
            lines.push_back("error " + std::string(row_of(event.error).name) + at(parser_.offset()));
            return;
        }
        const http::head& head = event.head;
        std::string version = " HTTP/1." + std::to_string(head.minor_version);
        if (head.bare_lf) version += " bare_lf";
        if (kind_ == message_kind::request) {
            lines.push_back("request " + std::string(head.method) + " " + in_quotes(head.target) + version +
                            at(parser_.offset()));
        } else {
            lines.push_back("response " + std::to_string(head.status) + " " + in_quotes(head.reason) + version +
                            at(parser_.offset()));
        }
        for (const field& each : head.fields)
            lines.push_back("field " + std::string(each.name) + " " + in_quotes(each.value));
    }

    message_kind kind_;
    unsigned heads_;
    http::basic_head_parser<Memory> parser_;
    errc error_ = errc::none;
    bool ended_ = false;
};

template <class Memory, class Feed>
std::vector<std::string> lines_of(const vector_case& vector, Memory memory, Feed&& feed_all) {
    unsigned heads = 1;
    set(vector, "heads", heads);
    const message_kind kind = kind_of(vector);
    http::basic_head_parser<Memory> parser(kind, std::move(memory), limits_of(vector));
    if (vector.setting("take", "") == "bare_lf") parser.take_bare_lf();
    head_log<Memory> seen(kind, heads, std::move(parser));
    feed_all([&](bytes piece) { seen.feed(piece); });
    seen.finish();
    return seen.lines;
}

void run_vectors(const std::string& file) {
    for (const vector_case& vector : http_vectors(file)) {
        const marked_bytes input = input_of(vector, false);
        const std::vector<std::string> expected = expected_lines(vector, input);
        std::vector<char> memory(limits_of(vector).head);
        std::size_t wrong = 0;
        const auto judge = [&](const std::vector<std::string>& lines) {
            if (lines == expected || ++wrong != 1) return;
            FAIL_CHECK(vector.file, ": ", vector.title, "\nexpected\n", indented(expected), "but got\n",
                       indented(lines));
        };
        bool growing = false;
        for_each_split(input.data, [&](auto&& feed_all) {
            growing = !growing;
            if (growing) {
                judge(lines_of(vector, growing_buffer(limits_of(vector).head), feed_all));
            } else {
                judge(lines_of(vector, span_buffer<char>(std::span<char>(memory)), feed_all));
            }
        });
        CHECK_MESSAGE(wrong == 0, vector.title);
    }
}

// A head of many bytes, in single bytes.
http::head_event feed_bytewise(http::basic_head_parser<growing_buffer>& parser, std::string text) {
    http::head_event event{};
    for (char& c : text) {
        bytes in = bytes_of(&c, 1);
        event = parser.next(in);
        if (event) break;
    }
    return event;
}

} // namespace

TEST_CASE("H1 H2 H19: request lines, ends of lines, and what is before and behind a head, at every split") {
    run_vectors("request.txt");
}

TEST_CASE("H2: lines that end in LF alone, for an owner that takes them, at every split") {
    run_vectors("bare_lf.txt");
}

TEST_CASE("H3: field lines, at every split") { run_vectors("fields.txt"); }

TEST_CASE("H3: fields are the same where the ends of their lines are remembered, and where they are looked for") {
    // Lines around the longest whose size is remembered, more of them than are; and one that only the long way takes.
    std::vector<std::pair<std::string, std::string>> sent;
    std::string text = "GET / HTTP/1.1\r\n";
    for (std::size_t i = 0; i != 30; ++i) {
        const std::string name(i % 5 == 4 ? 254 + i % 3 : 1 + i, static_cast<char>('a' + i % 26));
        const std::size_t sizes[] = {0, 1, 253 - name.size() % 250, 254 - name.size() % 250, 255 - name.size() % 250};
        std::string value(sizes[i % 5], '=');
        if (i == 7) value = "a\tb";
        text += name + (i % 2 == 0 ? ": " : ":") + value + (i % 4 == 3 ? " \t\r\n" : "\r\n");
        sent.emplace_back(name, value);
    }
    text += "\r\n";
    for (std::size_t cut = 0; cut < text.size(); cut += 50) {
        http::basic_head_parser<growing_buffer> parser(message_kind::request, growing_buffer(text.size()));
        bytes in = bytes_of(text.data(), cut);
        REQUIRE_FALSE(parser.next(in));
        in = bytes_of(text.data() + cut, text.size() - cut);
        const http::head_event event = parser.next(in);
        REQUIRE(event.kind == http::head_kind::head);
        for (const http::fields& fields : {event.head.fields, http::fields(event.head.fields.text())}) {
            auto each = fields.begin();
            for (const auto& [name, value] : sent) {
                REQUIRE(each != fields.end());
                CHECK(each->name == name);
                CHECK(each->value == value);
                ++each;
            }
            CHECK(each == fields.end());
        }
    }
}

TEST_CASE("H3: folded lines of a response are unfolded wherever the ends of lines are remembered") {
    // One of the lines is folded, or each: also such that the line is the last of a block of many characters.
    for (std::size_t which = 0; which != 31; ++which) {
        for (const std::size_t size : {1u, 60u, 240u}) {
            std::string text = "HTTP/1.1 200 OK\r\n";
            std::vector<std::string> values;
            for (std::size_t i = 0; i != 30; ++i) {
                const bool folded = i == which || which == 30;
                const std::string value(size + i % 3, static_cast<char>('a' + i % 26));
                text += "Name: " + value + (folded ? "\r\n\tand more\r\n" : "\r\n");
                values.push_back(value + (folded ? "   and more" : ""));
            }
            text += "\r\n";
            http::limits limits;
            limits.field_line = static_cast<std::uint32_t>(size + 19); // as long as the longest of them
            for (std::size_t cut = 1; cut < text.size(); cut += 7) {
                std::string copy = text;
                http::basic_head_parser<growing_buffer> parser(message_kind::response, growing_buffer(text.size()),
                                                               limits);
                bytes in = bytes_of(copy.data(), cut);
                REQUIRE_FALSE(parser.next(in));
                in = bytes_of(copy.data() + cut, copy.size() - cut);
                const http::head_event event = parser.next(in);
                REQUIRE(event.kind == http::head_kind::head);
                for (const http::fields& fields : {event.head.fields, http::fields(event.head.fields.text())}) {
                    auto value = values.begin();
                    for (const field& each : fields) REQUIRE(each.value == *value++);
                    CHECK(value == values.end());
                }
            }
        }
    }
}

TEST_CASE("H3 H20: a head of nothing but foldings is unfolded in one walk") {
    std::string text = "HTTP/1.1 200 OK\r\nA: b\r\n";
    http::limits limits{};
    limits.head = limits.field_line = 3'000'000;
    while (text.size() < 2'000'000) text += " \r\n";
    text += " c\r\n\r\n";
    http::head_parser parser(message_kind::response, {}, limits);
    bytes in = bytes_of(text.data(), text.size());
    const http::head_event event = parser.next(in);
    REQUIRE(event.kind == http::head_kind::head);
    const std::string_view value = http::first(event.head.fields, "A");
    CHECK(value.front() == 'b');
    CHECK(value.back() == 'c');
    CHECK(value.substr(1, value.size() - 2).find_first_not_of(' ') == std::string_view::npos);
}

TEST_CASE("H2 H3 H20: a line that is wrong is told behind and before many lines that are right") {
    // So many that whole lines are taken many characters at a time.
    std::string good;
    while (good.size() < 200) good += "Name: value\r\n";
    http::limits limits{};
    limits.field_line = 40;
    const std::string long_line = "A: " + std::string(limits.field_line - 3, 'v');
    const struct {
        std::string line;
        errc error;
        std::size_t place; // of the byte that is wrong, in the line
    } all[] = {{"no colon\r\n", errc::space_in_name, 2},
               {"colon\r\n", errc::bad_name, 5},
               {": no name\r\n", errc::bad_name, 0},
               {"A: \x01\r\n", errc::bad_value, 3},
               {"A: b\rc\r\n", errc::bare_cr, 5},
               {"A: b\nc\r\n", errc::bare_lf, 4},
               {" folded\r\n", errc::obs_fold, 0},
               {long_line + "\r\n", errc::none, 0},
               {long_line + "v\r\n", errc::field_line_too_long, long_line.size()}};
    for (const auto& each : all) {
        CAPTURE(each.line);
        const std::string before = "GET / HTTP/1.1\r\n" + good;
        std::string text = before + each.line + good + "\r\n";
        http::head_parser parser(message_kind::request, {}, limits);
        bytes in = bytes_of(text.data(), text.size());
        const http::head_event event = parser.next(in);
        CHECK(event.error == each.error);
        CHECK(parser.offset() == (each.error == errc::none ? text.size() : before.size() + each.place));
    }
}

#if defined(TESTS_SSE2)
TEST_CASE("H3: a lesser processor finds the same fields") {
    for (const processor each : lesser_processors) {
        const lesser_processor lesser(each);
        std::string text(rfc_request);
        http::head_parser parser(message_kind::request);
        bytes in = bytes_of(text.data(), text.size());
        const http::head_event event = parser.next(in);
        REQUIRE(event.kind == http::head_kind::head);
        CHECK(http::first(event.head.fields, "Origin") == "http://example.com");
        CHECK(http::first(event.head.fields, "Sec-WebSocket-Version") == "13");
    }
}
#endif

TEST_CASE("H20: each limit of a head is exact, at every split") { run_vectors("limits.txt"); }

TEST_CASE("H2 H16 H18 H19: heads of responses, at every split") { run_vectors("response.txt"); }

TEST_CASE("H20: a head that comes whole is not copied, and takes no memory") {
    std::string text(rfc_request);
    text += "more";
    const std::size_t before = allocations();
    http::basic_head_parser<growing_buffer> parser(message_kind::request, growing_buffer(0));
    bytes in = bytes_of(text.data(), text.size());
    const http::head_event event = parser.next(in);
    REQUIRE(event.kind == http::head_kind::head);
    CHECK(allocations() == before);
    CHECK(event.head.method.data() == text.data());
    CHECK(event.head.target.data() == text.data() + 4);
    CHECK(text_of(in) == "more");
}

namespace {

// Memory that counts how often its content is looked at, and how many bytes are put into it.
struct watched_memory {
    span_buffer<char> memory{};
    unsigned* looks = nullptr;
    std::size_t* stored = nullptr;

    [[nodiscard]] std::span<char> contents() const {
        ++*looks;
        return memory.contents();
    }
    [[nodiscard]] std::size_t size() const { return memory.size(); }
    [[nodiscard]] std::size_t limit() const { return memory.limit(); }
    [[nodiscard]] std::span<char> prepare(std::size_t size) { return memory.prepare(size); }
    void commit(std::size_t size) {
        *stored += size;
        memory.commit(size);
    }
    void clear() { memory.clear(); }
};

} // namespace

TEST_CASE("H20: each byte is looked at once and stored once, however many pieces there are") {
    // Each piece is overwritten once it was fed, so what was stored is all that could be looked at again; and it is
    // looked at only once, when the head is whole.
    std::string text = "GET / HTTP/1.1\r\n";
    for (int i = 0; i != 10'000; ++i) text += "Name: value\r\n";
    text += "\r\n";
    http::limits limits;
    limits.fields = 10'000;
    limits.head = 1'000'000;
    for (const std::size_t size : {1u, 2u, 3u, 7u, 1460u}) {
        std::vector<char> room(limits.head);
        unsigned looks = 0;
        std::size_t stored = 0;
        http::basic_head_parser<watched_memory> parser(message_kind::request,
                                                       {span_buffer<char>(room), &looks, &stored}, limits);
        http::head_event event{};
        for (std::size_t at = 0; at < text.size(); at += size) {
            REQUIRE(!event);
            CHECK_MESSAGE(looks == 0, "looked at before the head was whole");
            std::string piece = text.substr(at, size);
            bytes in = bytes_of(piece.data(), piece.size());
            event = parser.next(in);
            REQUIRE(in.empty());
            REQUIRE(parser.offset() == at + piece.size());
            piece.assign(piece.size(), '#');
        }
        REQUIRE(event.kind == http::head_kind::head);
        CHECK(looks == 1);
        CHECK(stored == text.size());
        std::size_t fields = 0;
        for (const field& each : event.head.fields) fields += each.name == "Name" && each.value == "value" ? 1u : 0u;
        CHECK(fields == 10'000);
    }
}

TEST_CASE("H20: 10,000 fields end in an error at the first one too many") {
    std::string text = "GET / HTTP/1.1\r\n";
    for (int i = 0; i != 10'000; ++i) text += "A: b\r\n";
    http::basic_head_parser<growing_buffer> parser(message_kind::request, growing_buffer(http::limits{}.head));
    const http::head_event event = feed_bytewise(parser, text);
    CHECK(event.error == errc::too_many_fields);
    CHECK(row_of(event.error).status == 431);
    CHECK(parser.offset() == 16 + 100 * 6);
}

TEST_CASE("H20: lines without end end in an error at the limit, and memory stays below it") {
    struct row {
        std::string text;
        errc error;
        std::uint16_t status;
        std::uint64_t offset;
    };
    const http::limits limits;
    const std::string endless(1'000'000, 'a');
    const row rows[] = {
        {endless, errc::start_line_too_long, 414, limits.start_line},
        {"GET /" + endless, errc::start_line_too_long, 414, limits.start_line},
        {"GET / HTTP/1.1\r\n" + endless, errc::field_line_too_long, 431, 16 + limits.field_line},
        {"GET / HTTP/1.1\r\nA: " + endless, errc::field_line_too_long, 431, 16 + limits.field_line},
    };
    for (const row& each : rows) {
        http::basic_head_parser<growing_buffer> parser(message_kind::request, growing_buffer(limits.head));
        const http::head_event event = feed_bytewise(parser, each.text);
        CHECK(event.error == each.error);
        CHECK(row_of(event.error).status == each.status);
        CHECK(parser.offset() == each.offset);
        CHECK(parser.memory().size() <= each.offset);
    }

    // The same if all of it comes at once.
    for (row each : rows) {
        http::basic_head_parser<growing_buffer> parser(message_kind::request, growing_buffer(limits.head));
        bytes in = bytes_of(each.text.data(), each.text.size());
        CHECK(parser.next(in).error == each.error);
        CHECK(parser.offset() == each.offset);
        CHECK(parser.memory().size() == 0);
    }
}

TEST_CASE("H2 H3 H20: a field line that is wrong is refused at the same byte, however much is there at once") {
    // Many characters at once are looked at only if many are there, so a head in single bytes is read in another way.
    const std::string value(20, 'v');
    const struct {
        std::string line;
        errc error;
        std::size_t place;
    } wrong[] = {
        {"Name: a\nb\r\n", errc::bare_lf, 7},
        {"Name: a\rb\r\n", errc::bare_cr, 8},
        {std::string("Name: a\0\n", 9) + "b\r\n", errc::bad_value, 7},
        {"Name: a\x7f\n", errc::bad_value, 7},
        {"Name: a\r\r\n", errc::bare_cr, 8},
        {"Name\r\n", errc::bad_name, 4},
        {"Name=a: b\r\n", errc::bad_name, 4},
        {"Name : a\r\n", errc::space_in_name, 4},
        {": a\r\n", errc::bad_name, 0},
        {" folded: a\r\n", errc::obs_fold, 0},
        {"Name: " + value + "+\r\n", errc::field_line_too_long, 26},
    };
    http::limits limits;
    limits.field_line = 26;
    for (const auto& each : wrong) {
        CAPTURE(each.line);
        for (std::size_t before = 1; before != 8; ++before) {
            std::string text = "GET / HTTP/1.1\r\n";
            for (std::size_t i = 0; i != before; ++i) text += "Name: " + value + "\r\n";
            const std::uint64_t place = text.size() + each.place;
            text += each.line;
            for (std::size_t i = 0; i != 8; ++i) text += "Name: " + value + "\r\n";
            http::basic_head_parser<growing_buffer> whole(message_kind::request, growing_buffer(text.size()), limits);
            bytes in = bytes_of(text.data(), text.size());
            CHECK(whole.next(in).error == each.error);
            CHECK(whole.offset() == place);
            http::basic_head_parser<growing_buffer> slow(message_kind::request, growing_buffer(text.size()), limits);
            CHECK(feed_bytewise(slow, text).error == each.error);
            CHECK(slow.offset() == place);
        }
    }
}

TEST_CASE("H3 H20: a folded line that is too long is refused at the same byte, however much is there at once") {
    http::limits limits;
    limits.field_line = 26;
    for (std::size_t before = 0; before != 8; ++before) {
        for (const std::size_t size : {10u, 17u, 18u, 20u}) {
            std::string text = "HTTP/1.1 200 OK\r\n";
            for (std::size_t i = 0; i != before; ++i) text += "Name: " + std::string(20, 'v') + "\r\n";
            // The white space that folds a line which is full already stands beyond the end of that line.
            const std::uint64_t place = text.size() + (6 + size + 2 > 26 ? 6 + size + 2 : 26);
            text += "Name: " + std::string(size, 'v') + "\r\n 1234567890123456\r\n";
            for (std::size_t i = 0; i != 8; ++i) text += "Name: " + std::string(20, 'v') + "\r\n";
            http::basic_head_parser<growing_buffer> whole(message_kind::response, growing_buffer(text.size()), limits);
            bytes in = bytes_of(text.data(), text.size());
            CHECK(whole.next(in).error == errc::field_line_too_long);
            CHECK(whole.offset() == place);
            http::basic_head_parser<growing_buffer> slow(message_kind::response, growing_buffer(text.size()), limits);
            CHECK(feed_bytewise(slow, text).error == errc::field_line_too_long);
            CHECK(slow.offset() == place);
        }
    }
}

TEST_CASE("H20: one field too many is refused where it begins, however much is there at once") {
    http::limits limits;
    for (limits.fields = 0; limits.fields != 20; ++limits.fields) {
        std::string text = "GET / HTTP/1.1\r\n";
        for (std::size_t i = 0; i != 30; ++i) text += "Name: value\r\n";
        http::basic_head_parser<growing_buffer> parser(message_kind::request, growing_buffer(text.size()), limits);
        bytes in = bytes_of(text.data(), text.size());
        CHECK(parser.next(in).error == errc::too_many_fields);
        CHECK(parser.offset() == 16 + 13 * limits.fields);
    }
}

TEST_CASE("H20: a head of many short lines ends in an error at the limit of the head") {
    std::string text = "GET / HTTP/1.1\r\n";
    while (text.size() < 40'000)
        text += "Some-Field: with a value of a certain length, so that there are not too many of them. "
                "It needs to be about four hundred bytes long, which is not a lot, but there is not "
                "much to say about it except that it goes on and on and on and on and on and on and "
                "on and on and on and on and on and on and on and on and on and on and on and on and "
                "on and on and on and on and on and on and on and on and on and on and on\r\n";
    http::basic_head_parser<growing_buffer> parser(message_kind::request, growing_buffer(http::limits{}.head));
    const http::head_event event = feed_bytewise(parser, text);
    CHECK(event.error == errc::head_too_large);
    CHECK(row_of(event.error).status == 431);
    CHECK(parser.offset() == http::limits{}.head);
}

TEST_CASE("H20: a head that does not fit the caller's memory is refused where it comes in pieces") {
    std::string text(rfc_request);
    for (std::size_t room = 0; room <= text.size(); ++room) {
        std::vector<char> memory(room);
        http::head_parser parser(message_kind::request, span_buffer<char>(std::span<char>(memory)));
        http::head_event event{};
        for (std::size_t i = 0; i != text.size() && !event; ++i) {
            bytes in = bytes_of(text.data() + i, 1);
            event = parser.next(in);
        }
        if (room == text.size()) {
            CHECK(event.kind == http::head_kind::head);
        } else {
            CHECK(event.error == errc::head_too_large);
            CHECK(parser.offset() == room);
        }

        // In two pieces the same, as soon as the first does not fit.
        http::head_parser two(message_kind::request, span_buffer<char>(std::span<char>(memory)));
        bytes in = bytes_of(text.data(), text.size() - 1);
        event = two.next(in);
        CHECK(event.error == (room < text.size() - 1 ? errc::head_too_large : errc::none));
        if (event) CHECK(two.offset() == room);
    }
}

TEST_CASE("H20: a head is kept if the memory has room for it, and stays where it is if not") {
    for (const std::size_t room : {rfc_request.size(), rfc_request.size() - 1}) {
        std::string text(rfc_request);
        std::vector<char> memory(room);
        http::head_parser parser(message_kind::request, span_buffer<char>(std::span<char>(memory)));
        bytes in = bytes_of(text.data(), text.size());
        REQUIRE(parser.next(in).kind == http::head_kind::head);
        const bool fits = room == text.size();
        CHECK(parser.keep() == fits);
        CHECK(parser.keep() == fits);
        CHECK(http::first(parser.head().fields, "Host") == "server.example.com");
        if (fits) text.assign(text.size(), 'x');
        CHECK(http::first(parser.head().fields, "Host") == "server.example.com");
    }
}

TEST_CASE("H20: a head that comes in pieces is refused if the heap is empty, at the place it had come to") {
    std::string text(rfc_request);
    http::basic_head_parser<growing_buffer> parser(message_kind::request, growing_buffer(text.size()));
    bytes in = bytes_of(text.data(), 100);
    const empty_heap none;
    CHECK(parser.next(in).error == errc::head_too_large);
    CHECK(parser.offset() == 100);
}

TEST_CASE("H20: what is wrong beyond the caller's memory is beyond the limit, however the head is cut") {
    std::string text = std::string("GET / HTTP/1.1\r\nA: bbbbbbbb\0", 28) + "\r\n\r\n";
    std::array<char, 20> memory{};
    for (std::size_t cut = 1; cut != 20; ++cut) {
        http::head_parser parser(message_kind::request, span_buffer<char>(memory));
        bytes in = bytes_of(text.data(), cut);
        REQUIRE_FALSE(parser.next(in));
        in = bytes_of(text.data() + cut, text.size() - cut);
        CHECK(parser.next(in).error == errc::head_too_large);
        CHECK(parser.offset() == 20);
    }
}

TEST_CASE("H20: memory that is used up by one head serves the next") {
    std::string text = "HTTP/1.1 100 Continue\r\n\r\n";
    std::vector<char> memory(text.size());
    http::head_parser parser(message_kind::response, span_buffer<char>(std::span<char>(memory)));
    for (int i = 0; i != 1000; ++i) {
        for (char& c : text) {
            bytes in = bytes_of(&c, 1);
            const http::head_event event = parser.next(in);
            REQUIRE(event.kind == (&c == &text.back() ? http::head_kind::head : http::head_kind::need_input));
        }
        parser.restart();
    }
    CHECK(parser.offset() == 1000 * text.size());
}

TEST_CASE("H1 H2 H3 H20: each error has a row of its own, and a request is answered with its status") {
    for (std::size_t i = 0; i != std::size(http::errc_rows); ++i) {
        const auto code = static_cast<errc>(i);
        const sockless::error error = code;
        CHECK(static_cast<bool>(error) == (code != errc::none));
        CHECK(!row_of(code).sentence.empty());
        CHECK(row_of(code).close_code == 0);
        for (std::size_t j = 0; j != i; ++j) CHECK(http::errc_rows[j].name != row_of(code).name);
    }
    CHECK(row_of(errc::bad_method).status == 400);
    CHECK(row_of(errc::unsupported_version).status == 505);
    CHECK(row_of(errc::start_line_too_long).status == 414);
    CHECK(row_of(errc::field_line_too_long).status == 431);
    CHECK(row_of(errc::too_many_fields).status == 431);
    CHECK(row_of(errc::head_too_large).status == 431);
    CHECK(row_of(errc::no_room).status == 0);
}

TEST_CASE("each kind of event of a head has its name") {
    CHECK(name_of(http::head_kind::need_input) == "need_input");
    CHECK(name_of(http::head_kind::head) == "head");
    CHECK(name_of(http::head_kind::error) == "error");
}
