#include <sockless/http/body.hpp>

#include <doctest/doctest.h>

#include "log.hpp"

using namespace sockless;
using namespace sockless::test;
using http::body_kind;
using http::errc;
using http::framing;
using http::message_kind;

namespace {

http::body_framing framing_of(const vector_case& vector) {
    const std::string how = vector.setting("body", "");
    if (how == "none") return {};
    const bool responds = vector.setting("role", "request") == "response";
    const message_kind kind = responds ? message_kind::response : message_kind::request;
    if (how == "chunked") return {.framing = framing::chunked, .message = kind};
    if (how == "until_end") return {.framing = framing::until_end};
    REQUIRE(how.rfind("length ", 0) == 0);
    return {.framing = framing::length, .length = std::stoull(how.substr(7))};
}

http::limits limits_of(const vector_case& vector) {
    http::limits limits;
    set(vector, "limit body", limits.body);
    set(vector, "limit chunk_extensions", limits.chunk_extensions);
    set(vector, "limit field_line", limits.field_line);
    set(vector, "limit fields", limits.fields);
    set(vector, "limit head", limits.head);
    return limits;
}

class body_log {
  public:
    explicit body_log(const http::body_decoder& decoder) : decoder_(decoder) {}

    void feed(bytes piece) {
        for (;;) {
            const std::byte* const before = piece.data();
            const http::body_event event = decoder_.next(piece);
            if (!event) break;
            if (ended_) lines.push_back("an event after the end");
            if (event.kind == body_kind::data) {
                if (event.data.data() < before || event.data.empty()) lines.push_back("data that is not in the input");
                data_ += text_of(event.data);
                continue;
            }
            flush();
            ended_ = true;
            lines.push_back(event.kind == body_kind::end
                                ? "end" + at(decoder_.offset())
                                : "error " + std::string(row_of(event.error).name) + at(decoder_.offset()));
        }
        if (!ended_ && !piece.empty()) lines.push_back("falsy before the input was used up");
    }

    void finish() {
        const errc before = decoder_.error();
        flush();
        const errc said = decoder_.finish();
        if (!ended_) lines.push_back("ended " + std::string(row_of(said).name) + at(decoder_.offset()));
        if (ended_ && said != before) lines.push_back("the error changed at the end");
        buffer more = bytes_from("5\r\nhello\r\n");
        bytes in = more;
        if (decoder_.next(in) || in.size() != more.size() || decoder_.finish() != said || decoder_.error() != said) {
            lines.push_back("something came after the end");
        }
    }

    std::vector<std::string> lines{};

  private:
    void flush() {
        if (!data_.empty()) lines.push_back("data " + in_quotes(data_));
        data_.clear();
    }

    http::body_decoder decoder_;
    std::string data_{};
    bool ended_ = false;
};

http::body_framing framing_behind(std::string text, message_kind kind) {
    http::head_parser parser(kind);
    bytes in = bytes_of(text.data(), text.size());
    const http::head_event event = parser.next(in);
    REQUIRE(event.kind == http::head_kind::head);
    return http::framing_of(event.head, kind);
}

http::body_framing framing_of_response(const std::string& fields, const std::string& status = "403") {
    return framing_behind("HTTP/1.1 " + status + " x\r\n" + fields + "\r\n", message_kind::response);
}

constexpr bool decodes_in_constant_evaluation() {
    constexpr std::string_view text = "3\r\nabc\r\n0\r\n\r\n";
    std::array<std::byte, text.size()> input{};
    for (std::size_t i = 0; i != text.size(); ++i) input[i] = static_cast<std::byte>(text[i]);
    http::body_decoder decoder({.framing = framing::chunked});
    bytes in = input;
    const http::body_event data = decoder.next(in);
    return data.kind == body_kind::data && data.data.size() == 3 && decoder.next(in).kind == body_kind::end &&
           in.empty();
}
static_assert(decodes_in_constant_evaluation());

} // namespace

TEST_CASE("H18: bodies of any framing, at every split") {
    for (const vector_case& vector : http_vectors("body.txt")) {
        const marked_bytes input = input_of(vector, false);
        const std::vector<std::string> expected = expected_lines(vector, input);
        std::size_t wrong = 0;
        for_each_split(input.data, [&](auto&& feed_all) {
            body_log seen(http::body_decoder(framing_of(vector), limits_of(vector)));
            feed_all([&](bytes piece) { seen.feed(piece); });
            seen.finish();
            if (seen.lines == expected || ++wrong != 1) return;
            FAIL_CHECK(vector.file, ": ", vector.title, "\nexpected\n", indented(expected), "but got\n",
                       indented(seen.lines));
        });
        CHECK_MESSAGE(wrong == 0, vector.title);
    }
}

TEST_CASE("H18: the end, and an error that needs no input, are told without input") {
    http::body_decoder empty;
    bytes none;
    CHECK(empty.next(none).kind == body_kind::end);
    CHECK(!empty.next(none));
    http::body_decoder large({.framing = framing::length, .length = 65537});
    CHECK(large.next(none).error == errc::body_too_large);
    CHECK(!large.next(none));
    CHECK(large.error() == errc::body_too_large);
}

TEST_CASE("H18: an end of the input after the last byte of the body is right, also before the end was told") {
    http::body_decoder empty;
    CHECK(empty.finish() == errc::none);
    buffer data = bytes_from("abc");
    bytes in = data;
    http::body_decoder counted({.framing = framing::length, .length = 3});
    CHECK(counted.next(in).data.size() == 3);
    CHECK(counted.finish() == errc::none);
    bytes none;
    CHECK(!counted.next(none));
    // An error that was not told yet is the one that stays.
    http::body_decoder large({.framing = framing::length, .length = 65537});
    CHECK(large.finish() == errc::body_too_large);
    CHECK(large.next(none).error == errc::body_too_large);
}

TEST_CASE("H18: how the body of a response is framed") {
    CHECK(framing_of_response("").framing == framing::until_end);
    CHECK(framing_of_response("Content-Length: 12\r\n").framing == framing::length);
    CHECK(framing_of_response("Content-Length: 12\r\n").length == 12);
    CHECK(framing_of_response("Content-Length: 12\r\nContent-Length: 12\r\n").length == 12);
    CHECK(framing_of_response("Transfer-Encoding: Chunked\r\n").framing == framing::chunked);
    CHECK(framing_of_response("Transfer-Encoding: , chunked ,\r\n").framing == framing::chunked);

    for (const std::string status : {"101", "100", "204", "304"}) {
        CHECK(framing_of_response("Content-Length: 12\r\n", status).framing == framing::none);
        CHECK(framing_of_response("Transfer-Encoding: chunked\r\n", status).framing == framing::none);
    }

    CHECK(framing_of_response("Content-Length: 12\r\nContent-Length: 13\r\n").error == errc::bad_content_length);
    CHECK(framing_of_response("Content-Length: 12, 12\r\n").error == errc::bad_content_length);
    CHECK(framing_of_response("Content-Length: -1\r\n").error == errc::bad_content_length);
    CHECK(framing_of_response("Content-Length:\r\n").error == errc::bad_content_length);
    CHECK(framing_of_response("Content-Length: 18446744073709551616\r\n").error == errc::bad_content_length);
    CHECK(framing_of_response("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n").error == errc::ambiguous_length);
    CHECK(framing_of_response("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n").error == errc::ambiguous_length);
    CHECK(framing_of_response("Transfer-Encoding: gzip, chunked\r\n").error == errc::unsupported_transfer_coding);
    CHECK(framing_of_response("Transfer-Encoding: chunked, chunked\r\n").error == errc::unsupported_transfer_coding);
    CHECK(framing_of_response("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n").error ==
          errc::unsupported_transfer_coding);
    CHECK(framing_of_response("Transfer-Encoding: identity\r\n").error == errc::unsupported_transfer_coding);
    CHECK(framing_of_response("Transfer-Encoding:\r\n").error == errc::unsupported_transfer_coding);
}

TEST_CASE("H8 H18: a request without a length has no body; a framing that is wrong is an error of its decoder") {
    CHECK(framing_behind("POST / HTTP/1.1\r\n\r\n", message_kind::request).framing == framing::none);
    CHECK(framing_behind("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n", message_kind::request).length == 2);
    http::body_decoder decoder(framing_of_response("Content-Length: x\r\n"));
    buffer data = bytes_from("x");
    bytes in = data;
    const http::body_event event = decoder.next(in);
    CHECK(event.kind == body_kind::error);
    CHECK(event.error == errc::bad_content_length);
    CHECK(in.size() == 1);
    CHECK(!decoder.next(in));
    CHECK(decoder.finish() == errc::bad_content_length);
}

TEST_CASE("each kind of event of a body has its name") {
    CHECK(name_of(http::body_kind::need_input) == "need_input");
    CHECK(name_of(http::body_kind::data) == "data");
    CHECK(name_of(http::body_kind::end) == "end");
    CHECK(name_of(http::body_kind::error) == "error");
}
