// Heads and bodies of HTTP/1.1, and what the opening handshake reads from them: whole and split give the same.
// SPDX-License-Identifier: MIT
#include <sockless/http/body.hpp>
#include <sockless/ws/opening.hpp>

#include "fuzz.hpp"

using namespace sockless;
using namespace sockless::fuzz;

namespace {

using parser = http::basic_head_parser<growing_buffer>;

// All that came of a stream, in an order that does not depend on how it was cut.
struct result {
    std::string log{};
    std::string body{};
    std::string rest{}; // what was not taken
};

bool is_text(std::string_view text) {
    for (const char c : text) {
        if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F) return false;
    }
    return text.empty() || (text.front() != ' ' && text.back() != ' ' && text.front() != '\t' && text.back() != '\t');
}

void add(std::string& log, std::string_view text) { log.append(text).append("\x1F"); }
void add(std::string& log, std::uint64_t number) { add(log, std::to_string(number)); }

// The grammar of extensions, on any text: ends, stays inside, and finds in what it takes for well formed only tokens.
void try_extensions(std::string_view value) {
    const bool whole = ws::is_extension_list(value);
    const auto inside = [&](std::string_view part) {
        return part.data() >= value.data() && part.data() + part.size() <= value.data() + value.size();
    };
    std::size_t found = 0;
    for (const ws::extension& one : ws::extension_list(value)) {
        promise(http::is_token(one.name) && inside(one.name), "the name of an extension is a token");
        ++found;
        for (const ws::extension_parameter& each : one.parameters) {
            promise(http::is_token(each.name) && inside(each.name), "the name of a parameter is a token");
            if (!each.has_value) continue;
            promise(inside(each.value), "a value lies in its field");
            std::string unescaped(each.value.size(), '\0');
            const std::string_view value_of = each.copy_value(unescaped);
            promise(http::is_token(value_of), "a value is a token once it is unescaped");
            promise(each.value_is(value_of), "a value is itself");
        }
        promise(ws::has_extension(value, one.name), "an extension that was found is there");
    }
    promise(found <= value.size(), "more extensions than bytes");
    promise(!whole || found != 0, "a well formed list has an extension");
    for (const auto syntax : {http::list_syntax::plain, http::list_syntax::quoted}) {
        for (const std::string_view each : http::list_elements(value, syntax)) {
            promise(!each.empty() && inside(each), "an element of a list lies in it");
        }
    }
}

// A head that is written again is read as the same head.
void write_again(const http::head& head, http::message_kind kind) {
    std::vector<std::byte> out(head.fields.text().size() * 2 + head.target.size() + head.reason.size() +
                               head.method.size() + 100);
    http::head_writer writer(out);
    if (kind == http::message_kind::request) {
        writer.request_line(head.method, head.target);
    } else {
        writer.status_line(head.status, head.reason);
    }
    for (const field& each : head.fields) writer.field(each.name, each.value);
    const written wrote = writer.finish();
    promise(!wrote.error, "a head that was read can be written");
    bytes again = bytes(out).first(wrote.size);
    parser reader(kind, growing_buffer(100000), {.start_line = 100000, .field_line = 100000, .head = 200000});
    const http::head_event found = reader.next(again);
    promise(found.kind == http::head_kind::head && again.empty(), "a head that was written can be read");
    promise(found.head.method == head.method && found.head.target == head.target && found.head.status == head.status,
            "the start line is the same again");
    auto at = head.fields.begin();
    for (const field& each : found.head.fields) {
        promise(at != head.fields.end() && each.name == at->name && each.value == at->value,
                "fields are the same again");
        ++at;
    }
    promise(at == head.fields.end(), "all fields are there again");
}

// A request with this key can be accepted, and its client takes the answer.
void accept(std::string_view key) {
    std::byte answer[1024];
    const written wrote = ws::write_acceptance(answer, key, {.any_key = true});
    promise(!wrote.error, "a request can be accepted, whatever its key is");
    bytes in = bytes(answer).first(wrote.size);
    http::head_parser reader(http::message_kind::response);
    promise(!ws::check_response(reader.next(in).head, key, {}, {}).error, "and that is taken for an answer");
}

// A judgement that notes faults finds what the strict one finds, and more only behind a fault.
template <class Judged>
void compare(const http::head& head, const Judged& strict, const Judged& noted) {
    promise(strict.faults.empty(), "a strict judgement notes nothing");
    promise(static_cast<bool>(strict.error) == static_cast<bool>(noted.error), "what is wrong is wrong either way");
    promise(noted.faults.empty() || (noted.error == strict.error && noted.faults.has(strict.error)),
            "the first fault is the strict judgement's error");
    promise(!noted.faults.other_than(ws::acceptable_faults), "a rule that touches framing is no fault");
    promise(!head.bare_lf || strict.error, "bare line feeds are an error");
}

void judge(const http::head& head, http::message_kind kind, std::string& log) {
    if (kind == http::message_kind::response) {
        const ws::opening_response answer = ws::check_response(head, "dGhlIHNhbXBsZSBub25jZQ==", "a, b", "x");
        const ws::opening_response noted =
            ws::check_response(head, "dGhlIHNhbXBsZSBub25jZQ==", "a, b", "x", ws::on_fault::note);
        compare(head, answer, noted);
        add(log, answer.error.name());
        add(log, answer.subprotocol);
        add(log, answer.extensions);
        const bool right = http::first(head.fields, "sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
        promise(answer.error || (head.status == 101 && right), "only the right answer is taken for one");
        promise(noted.faults.empty() || (head.status == 101 && right), "a fault does not make an answer right");
        return;
    }
    const ws::opening_request asked = ws::check_request(head);
    const ws::opening_request noted = ws::check_request(head, ws::on_fault::note);
    compare(head, asked, noted);
    const http::body_framing body = framing_of(head, kind);
    promise(noted.faults.empty() || (body.error == http::errc::none && body.length == 0 &&
                                     body.framing != http::framing::chunked && ws::is_upgrade(head)),
            "no body is behind a request that can be accepted");
    if (!noted.error || !noted.faults.empty()) accept(noted.key);
    add(log, asked.error.name());
    add(log, asked.target);
    add(log, asked.host);
    add(log, asked.origin);
    add(log, asked.key);
    if (asked.error) {
        std::byte answer[1024];
        promise(asked.error.status() >= 400 && !ws::write_refusal(answer, asked.error).error,
                "a wrong request has a refusal");
        return;
    }
    promise(ws::is_upgrade(head) && head.method == "GET", "only an upgrade is taken for one");
    std::byte answer[1024];
    promise(!ws::write_acceptance(answer, asked.key, {}).error, "a right request can be accepted");
}

void note(const http::head_event& found, http::message_kind kind, std::string& log) {
    if (found.kind == http::head_kind::error) return add(log, row_of(found.error).name);
    const http::head& head = found.head;
    add(log, head.method);
    add(log, head.target);
    add(log, head.reason);
    add(log, std::uint64_t{head.status} * 10 + head.minor_version);
    add(log, head.bare_lf ? "bare_lf" : "");
    promise(is_text(head.target) && is_text(head.method), "a start line is text");
    for (const field& each : head.fields) {
        promise(http::is_token(each.name), "the name of a field is a token");
        promise(is_text(each.value), "the value of a field is text, and trimmed");
        add(log, each.name);
        add(log, each.value);
        try_extensions(each.value);
    }
    judge(head, kind, log);
    write_again(head, kind);
}

result run(cbytes stream, const std::vector<unsigned>& sizes, http::message_kind kind, const http::limits& limits,
           bool takes_bare_lf) {
    result out;
    parser heads(kind, growing_buffer(limits.head), limits);
    if (takes_bare_lf) heads.take_bare_lf();
    http::body_decoder body;
    bool in_body = false;
    bool ended = false;
    std::uint64_t taken = 0;
    const auto take_body = [&](bytes& in) {
        while (const http::body_event found = body.next(in)) {
            promise(!ended, "nothing follows the end of a body");
            ended = found.kind != http::body_kind::data;
            out.body += text_of(found.data);
            if (found.kind == http::body_kind::error) add(out.log, row_of(found.error).name);
            if (found.kind == http::body_kind::end) add(out.log, "end");
        }
    };
    feed_cut(stream, sizes, [&](bytes in) {
        const std::size_t size = in.size();
        while (!in_body && !ended) {
            const http::head_event found = heads.next(in);
            promise(heads.memory().size() <= limits.head, "a head takes no more memory than its limit");
            if (!found) break;
            note(found, kind, out.log);
            add(out.log, heads.offset());
            if (found.kind == http::head_kind::error) {
                ended = true;
            } else if (kind == http::message_kind::response && found.head.status < 200 && found.head.status != 101) {
                heads.restart(); // as a client does, over and over
            } else {
                body = http::body_decoder(framing_of(found.head, kind), limits);
                in_body = true;
                promise(!heads.next(in), "nothing follows a head");
            }
        }
        if (in_body) take_body(in);
        promise(ended || in.empty(), "all input is used up");
        taken += size - in.size();
        out.rest += text_of(in);
    });
    promise(out.body.size() <= limits.body, "a body is no larger than its limit");
    add(out.log, row_of(heads.finish()).name);
    add(out.log, heads.offset());
    if (in_body) {
        add(out.log, row_of(body.finish()).name);
        add(out.log, body.offset());
    }
    add(out.log, taken);
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    input from(data, size, 12);
    const unsigned flags = from.setting();
    const http::message_kind kind = flags % 2 == 0 ? http::message_kind::request : http::message_kind::response;
    const bool takes_bare_lf = (flags & 2U) != 0;
    constexpr std::uint32_t lines[] = {8192, 4, 40, 100};
    constexpr std::uint32_t heads[] = {32768, 60, 300};
    constexpr std::uint32_t counts[] = {100, 1, 5};
    constexpr std::uint64_t bodies[] = {65536, 0, 10};
    http::limits limits;
    limits.start_line = from.one_of(lines);
    limits.field_line = limits.start_line;
    limits.head = from.one_of(heads);
    limits.fields = from.one_of(counts);
    limits.body = from.one_of(bodies);
    limits.chunk_extensions = limits.fields;
    const std::vector<unsigned> sizes = from.several(7);

    const result whole = run(from.stream(), {}, kind, limits, takes_bare_lf);
    for (const std::vector<unsigned>& each : {sizes, std::vector<unsigned>{1}}) {
        const result split = run(from.stream(), each, kind, limits, takes_bare_lf);
        promise(whole.log == split.log, "the events are the same at every split");
        promise(whole.body == split.body, "the body is the same at every split");
        promise(whole.rest == split.rest, "what is left is the same at every split");
    }
    try_extensions(text_of(from.stream()));
    return 0;
}
