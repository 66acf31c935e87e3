#include <sockless/ws/decoder.hpp>

#include <doctest/doctest.h>
#include <sockless/ws/encode.hpp>

#include <algorithm>
#include <random>
#include <set>

#include "../support/allocations.hpp"
#include "../support/frame_log.hpp"
#include "../support/rfc6455_examples.hpp"
#include "../support/vectors.hpp"

using namespace sockless;
using namespace sockless::test;
using ws::decoder;
using ws::errc;
using ws::opcode;
using kind = ws::decoder::kind;

namespace {

// --- vectors

errc errc_named(const std::string& name) {
    for (std::size_t i = 0; i != std::size(ws::errc_rows); ++i) {
        if (ws::errc_rows[i].name == name) return static_cast<errc>(i);
    }
    throw std::invalid_argument("no such error: " + name);
}

frame_entry expected_entry(const std::string& line, const marked_bytes& input) {
    byte_reader reader(line, false);
    frame_entry entry;
    const std::string what = reader.word();
    if (what == "text" || what == "binary") {
        entry.kind = kind::data;
        entry.type = what == "text" ? ws::message_type::text : ws::message_type::binary;
        entry.compressed = reader.take("compressed");
        entry.first = reader.take("first");
        entry.last = reader.take("last");
    } else if (what == "ping" || what == "pong") {
        entry.kind = what == "ping" ? kind::ping : kind::pong;
    } else if (what == "close") {
        entry.kind = kind::close;
        entry.number = static_cast<unsigned>(std::stoul(reader.word()));
    } else if (what == "error") {
        entry.kind = kind::error;
        entry.error = errc_named(reader.word());
        entry.number = static_cast<unsigned>(std::stoul(reader.word()));
    } else if (what == "frame") {
        entry.kind = kind::frame;
        entry.number = static_cast<unsigned>(std::stoul(reader.word(), nullptr, 16));
        entry.length = std::stoull(reader.word());
    } else {
        throw std::invalid_argument("no such event: " + line);
    }
    const marked_bytes rest = reader.read();
    if (rest.names.size() != 1) throw std::invalid_argument("not one place: " + line);
    entry.payload = rest.data;
    entry.at = input.names.at(rest.names.begin()->first);
    return entry;
}

// --- the verbs that `next` is made of, in its place

struct stepwise_decoder : decoder {
    using decoder::decoder;
    explicit stepwise_decoder(const decoder& from) : decoder(from) {}
    event next(bytes& in) { return next_stepwise(in); }
};

// As endpoints ask. Looks also at what the short way leaves as it was.
struct short_way_decoder : decoder {
    using decoder::decoder;
    explicit short_way_decoder(const decoder& from) : decoder(from) {}
    event next(bytes& in) {
        const bytes before = in;
        const std::uint64_t begin = offset();
        event found;
        const took taken = take_whole_message(in, found.type, found.payload);
        if (taken == took::message) {
            found.kind = kind::data;
            found.first = found.last = true;
            return found;
        }
        const std::size_t size = before.size() - in.size();
        if (!found.payload.empty() || in.data() != before.data() + size || offset() != begin + size) std::abort();
        if ((taken == took::nothing) != (size == 0)) std::abort();
        if (taken == took::header && (in.empty() || in.size() >= header().length)) std::abort();
        return next_stepwise(in);
    }
};

ws::tolerated tolerated_by(const vector_case& vector) {
    const std::string words = vector.setting("tolerate", "");
    return {.longer_lengths = words.find("longer_lengths") != std::string::npos,
            .unmasked_frames = words.find("unmasked_frames") != std::string::npos};
}

decoder decoder_for(const vector_case& vector, role own, ws::tolerated tolerated) {
    ws::limits limits;
    limits.message = std::stoull(vector.setting("limit message", std::to_string(limits.message)));
    limits.frame = std::stoull(vector.setting("limit frame", std::to_string(limits.frame)));
    limits.frames =
        static_cast<std::uint32_t>(std::stoul(vector.setting("limit frames", std::to_string(limits.frames))));
    decoder made(own, limits, tolerated);
    const std::string agreed = vector.setting("agree", "");
    unsigned rsv = 0;
    if (agreed.find("rsv1") != std::string::npos) rsv |= ws::rsv::rsv1;
    if (agreed.find("rsv2") != std::string::npos) rsv |= ws::rsv::rsv2;
    if (agreed.find("rsv3") != std::string::npos) rsv |= ws::rsv::rsv3;
    made.agree_to(static_cast<std::uint8_t>(rsv));
    return made;
}

// Runs one vector for one role at all splits, with the headers shown and without; stops at the first that differs.
template <class Decoder>
void run(const vector_case& vector, role own, ws::tolerated tolerated) {
    const marked_bytes input = input_of(vector, own == role::server);
    std::vector<frame_entry> expected;
    for (const std::string& line : vector.events) expected.push_back(expected_entry(line, input));
    const bool shown = vector.setting("show", "") == "frames";

    for (const bool show : {false, true}) {
        const std::vector<frame_entry> wanted = show ? expected : without_frames(expected);
        std::string wrong;
        const auto run_cut = [&](auto&& feed_all) {
            if (!wrong.empty()) return;
            Decoder subject(decoder_for(vector, own, tolerated));
            subject.show_frames(show);
            frame_log log;
            std::string pieces;
            feed_all([&](bytes piece) {
                if (log.complaint.empty()) log.feed(subject, piece);
                if (pieces.size() < 60) pieces += " " + std::to_string(piece.size());
            });
            if (log.complaint.empty()) log.finish(subject);
            const auto got = show && !shown ? without_frames(log.entries) : log.entries;
            if (got == wanted && log.complaint.empty()) return;
            wrong = "pieces of" + pieces + " bytes; " + log.complaint + "\n  expected:\n" + lines_of(wanted) +
                    "  got:\n" + lines_of(got);
        };
        if (input.data.size() <= 64) {
            for_each_split(input.data, run_cut);
        } else {
            for_each_split_near(input.data, input.edges, run_cut);
        }
        const std::string where = vector.file + ": " + vector.title +
                                  (own == role::server ? ", a server" : ", a client") +
                                  (show ? ", headers shown: " : ": ");
        CHECK_MESSAGE(wrong.empty(), where, wrong);
    }
}

// Whether the rule that is broken is one that can be tolerated.
bool is_tolerable(const vector_case& vector, role own) {
    const std::string& last = vector.events.back();
    return last.rfind("error length_not_minimal", 0) == 0 ||
           (own == role::server && last.rfind("error mask_missing", 0) == 0);
}

void run_file(const char* name) {
    const auto vectors = read_vectors(std::filesystem::path(SOCKLESS_TESTS) / "vectors" / "ws" / name);
    CHECK(!vectors.empty());
    for (const vector_case& vector : vectors) {
        INFO(vector.title);
        const std::string who = vector.setting("role", "");
        CHECK((who == "server" || who == "client" || who == "both"));
        CHECK(!vector.events.empty());
        for (const role own : {role::server, role::client}) {
            if (who == (own == role::server ? "client" : "server")) continue;
            const ws::tolerated tolerated = tolerated_by(vector);
            run<decoder>(vector, own, tolerated);
            run<stepwise_decoder>(vector, own, tolerated);
            run<short_way_decoder>(vector, own, tolerated);
            // All else stays as it was.
            if (!is_tolerable(vector, own))
                run<decoder>(vector, own, {.longer_lengths = true, .unmasked_frames = true});
        }
    }
}

// --- the examples of RFC 6455 section 5.7, decoded by the compiler

template <std::size_t Size>
constexpr bool decodes(role own, std::array<std::byte, Size> wire, kind expected, ws::message_type type) {
    decoder subject(own);
    bytes in(wire);
    const decoder::event event = subject.next(in);
    return event.kind == expected && (expected != kind::data || (event.type == type && event.first && event.last)) &&
           examples::equal(event.payload, examples::hello) && in.empty() && !subject.next(in) &&
           subject.offset() == Size && subject.error() == errc::none;
}

static_assert(decodes(role::client, examples::text, kind::data, ws::message_type::text));
static_assert(decodes(role::server, examples::masked_text, kind::data, ws::message_type::text));
static_assert(decodes(role::client, examples::ping, kind::ping, {}));
static_assert(decodes(role::server, examples::masked_pong, kind::pong, {}));

constexpr bool decodes_fragments() {
    decoder subject(role::client);
    auto one = examples::first_fragment;
    auto two = examples::last_fragment;
    bytes in(one);
    const decoder::event hel = subject.next(in);
    if (hel.kind != kind::data || !hel.first || hel.last || !examples::equal(hel.payload, bytes(one).subspan(2)))
        return false;
    in = bytes(two);
    const decoder::event lo = subject.next(in);
    return lo.kind == kind::data && !lo.first && lo.last && lo.type == ws::message_type::text &&
           examples::equal(lo.payload, bytes(two).subspan(2));
}
static_assert(decodes_fragments());

template <std::size_t Payload, std::size_t HeaderSize>
constexpr bool decodes_long(const std::array<std::byte, HeaderSize>& header) {
    auto wire = examples::with_zeros<HeaderSize + Payload>(header);
    decoder subject(role::client);
    bytes in(wire);
    const decoder::event event = subject.next(in);
    return event.kind == kind::data && event.type == ws::message_type::binary && event.first && event.last &&
           event.payload.data() == wire.data() + HeaderSize && event.payload.size() == Payload && in.empty();
}
static_assert(decodes_long<256>(examples::header_of_256));
static_assert(decodes_long<65536>(examples::header_of_64k));

template <std::size_t Size>
constexpr bool fails(role own, std::array<std::byte, Size> wire, errc expected, std::uint64_t at) {
    // In single bytes, so that the compiler looks at every step of the state machine.
    decoder subject(own);
    for (std::byte& octet : wire) {
        bytes in(&octet, 1);
        while (const decoder::event event = subject.next(in)) {
            if (event.kind == kind::error) {
                return event.error == expected && subject.error() == expected && subject.offset() == at &&
                       !subject.next(in) && subject.finish() == expected;
            }
        }
    }
    return subject.finish() == expected && subject.offset() == at;
}
static_assert(fails(role::server, examples::text, errc::mask_missing, 1));
static_assert(fails(role::client, examples::masked_text, errc::mask_forbidden, 1));
static_assert(fails(role::client, examples::last_fragment, errc::unexpected_continuation, 0));
static_assert(fails(role::client, examples::first_fragment, errc::end_of_input, 5));
static_assert(fails(role::client, examples::wire(0x81, 3, 'a', 0xED, 0xA0), errc::invalid_utf8, 4));
static_assert(fails(role::client, examples::wire(0x88, 2, 0x03, 0xED), errc::close_code_invalid, 2));
static_assert(fails(role::server, examples::wire(0x88, 0x81, 1, 2, 3, 4, 5), errc::close_payload_too_short, 6));

static_assert(sizeof(decoder) <= 192);
static_assert(std::is_trivially_copyable_v<decoder>);

// --- frames for the tests that make their own

buffer frame(role from, unsigned first_byte, cbytes payload, std::uint32_t key = 0x3D21FA37) {
    buffer out(ws::max_header_size + payload.size());
    ws::frame_header header;
    header.opcode = static_cast<opcode>(first_byte & 15U);
    header.fin = (first_byte & 0x80U) != 0;
    header.rsv = static_cast<std::uint8_t>(first_byte >> 4U & 7U);
    header.masked = from == role::client;
    header.masking_key = std::bit_cast<ws::masking_key>(key);
    const written done = ws::encode(out, header, payload);
    REQUIRE_FALSE(done.error);
    out.resize(done.size);
    return out;
}

constexpr role other(role own) { return own == role::server ? role::client : role::server; }

void operator+=(buffer& to, const buffer& more) { to.insert(to.end(), more.begin(), more.end()); }

} // namespace

TEST_CASE("F12: vectors of headers and fragments, at every split") { run_file("frames.txt"); }
TEST_CASE("F8 F12: vectors of text, at every split") { run_file("text.txt"); }
TEST_CASE("F9 F12: vectors of limits, at every split") { run_file("limits.txt"); }
TEST_CASE("F12: vectors of closing, at every split") { run_file("close.txt"); }
TEST_CASE("F12: the examples of RFC 6455 section 5.7, at every split") { run_file("rfc6455_section_5_7.txt"); }

TEST_CASE(
    "F1 F2 F4 F6 F7 C7: every pair of first bytes, for both roles, in and between messages, with every agreement") {
    for (const role own : {role::server, role::client}) {
        for (unsigned agreed = 0; agreed != 8; ++agreed) {
            for (const bool open : {false, true}) {
                decoder ready(own);
                ready.agree_to(static_cast<std::uint8_t>(agreed));
                buffer begin = frame(other(own), 0x02, octets({1}));
                bytes in(begin);
                if (open) REQUIRE(ready.next(in).kind == kind::data);
                const std::uint64_t at = ready.offset();

                for (unsigned pair = 0; pair != 65536; ++pair) {
                    const unsigned first = pair >> 8U;
                    const unsigned second = pair & 255U;
                    const unsigned code = first & 15U;
                    const bool control = code >= 8;

                    // Which rules the two bytes break, each judged by itself.
                    std::set<errc> wrong_first;
                    std::set<errc> wrong_second;
                    const unsigned meant = control ? 0 : code == 0 ? agreed & 3U : agreed;
                    if ((first >> 4U & 7U & ~meant) != 0) wrong_first.insert(errc::reserved_bit_set);
                    if ((code >= 3 && code <= 7) || code >= 11) wrong_first.insert(errc::unknown_opcode);
                    if (control && first < 128) wrong_first.insert(errc::fragmented_control_frame);
                    if (code == 0 && !open) wrong_first.insert(errc::unexpected_continuation);
                    if (!control && code != 0 && open) wrong_first.insert(errc::expected_continuation);
                    if (own == role::server && second < 128) wrong_second.insert(errc::mask_missing);
                    if (own == role::client && second >= 128) wrong_second.insert(errc::mask_forbidden);
                    if (control && (second & 127U) > 125) wrong_second.insert(errc::control_frame_too_long);

                    decoder subject = ready;
                    std::byte wire[2] = {static_cast<std::byte>(first), static_cast<std::byte>(second)};
                    in = wire;
                    decoder::event event = subject.next(in);
                    bool right = false;
                    if (!wrong_first.empty()) {
                        right =
                            event.kind == kind::error && wrong_first.count(event.error) == 1 && subject.offset() == at;
                    } else if (!wrong_second.empty()) {
                        right = event.kind == kind::error && wrong_second.count(event.error) == 1 &&
                                subject.offset() == at + 1;
                    } else {
                        const bool whole = second == 0; // an empty frame without a mask needs no more
                        const kind expected = !whole                 ? kind::need_input
                                              : code == 8            ? kind::close
                                              : code == 9            ? kind::ping
                                              : code == 10           ? kind::pong
                                              : (first & 0x80U) != 0 ? kind::data
                                                                     : kind::need_input;
                        right = event.kind == expected && subject.error() == errc::none && subject.offset() == at + 2;
                    }
                    if (!right) {
                        INFO("role ", static_cast<int>(own), " agreed ", agreed, " open ", open, " bytes ", first, " ",
                             second, " event ", static_cast<int>(event.kind), " ", row_of(event.error).name);
                        REQUIRE(right);
                    }
                }
            }
        }
    }
}

TEST_CASE(
    "F4 F7: if frames need no mask, all else in their first two bytes is judged as ever; a client takes no mask") {
    for (const role own : {role::server, role::client}) {
        for (const bool open : {false, true}) {
            decoder strict(own);
            decoder tolerant(own, {}, {.longer_lengths = true, .unmasked_frames = true});
            const buffer begin = frame(other(own), 0x02, octets({1}));
            for (decoder* each : {&strict, &tolerant}) {
                buffer copy = begin;
                bytes in(copy);
                if (open) REQUIRE(each->next(in).kind == kind::data);
            }
            const std::uint64_t at = strict.offset();
            bool same = true;
            for (unsigned pair = 0; pair != 65536; ++pair) {
                // A frame without a mask, and the same with one.
                const unsigned mask_bit = own == role::server ? 0x80 : 0;
                std::byte bare[2] = {static_cast<std::byte>(pair >> 8U), static_cast<std::byte>(pair & 255U)};
                std::byte masked[2] = {bare[0], bare[1] | static_cast<std::byte>(mask_bit)};
                decoder expected = strict, got = tolerant;
                bytes in_bare(bare), in_masked(masked);
                const decoder::event wanted = expected.next(in_masked), found = got.next(in_bare);
                same = same && got.error() == expected.error() && got.offset() == expected.offset() &&
                       got.offset() <= at + 2;
                // Without a mask an empty frame ends here.
                const bool ends = (pair & 255U) == 0 && wanted.kind == kind::need_input;
                if (!ends) same = same && found.kind == wanted.kind;
            }
            CHECK(same);
        }
    }
}

namespace {

// A frame whose header has this many bytes of extended length, with a mask or without.
buffer frame_in_form(unsigned first, cbytes payload, unsigned extended, bool masked, std::uint32_t key) {
    const auto seven_bits = static_cast<unsigned>(extended == 0 ? payload.size() : extended == 2 ? 126 : 127);
    buffer out = octets({static_cast<int>(first), static_cast<int>(seven_bits | (masked ? 0x80U : 0U))});
    for (unsigned i = extended; i-- != 0;)
        out.push_back(static_cast<std::byte>(std::uint64_t{payload.size()} >> (8 * i)));
    const auto mask = std::bit_cast<ws::masking_key>(key);
    if (masked) out.insert(out.end(), mask.begin(), mask.end());
    for (std::size_t i = 0; i != payload.size(); ++i) out.push_back(masked ? payload[i] ^ mask[i % 4] : payload[i]);
    return out;
}

} // namespace

TEST_CASE("F3 F4 F12: frames without a mask, and with any form of length, give the events of others, at any cuts") {
    std::mt19937_64 random(20);
    const auto below = [&random](std::size_t most) { return static_cast<std::size_t>(random() % most); };
    constexpr std::size_t sizes[] = {0, 1, 2, 5, 30, 124, 125, 126, 127, 1000, 65535, 65536, 65600};
    const auto read = [&below](decoder subject, bool shown, buffer wire, bool cut) {
        subject.show_frames(shown);
        frame_log log;
        for (std::size_t at = 0, size = 0; at != wire.size(); at += size) {
            size = cut ? 1 + below(std::size_t{1} << below(18)) : wire.size();
            if (size > wire.size() - at) size = wire.size() - at;
            log.feed(subject, bytes(wire).subspan(at, size));
        }
        log.finish(subject);
        REQUIRE(log.complaint == "");
        return log.entries;
    };
    for (const role own : {role::server, role::client}) {
        for (unsigned round = 0; round != 120; ++round) {
            // Of every frame the usual form, and another one. Some streams have no mask at all.
            buffer usual, other_form;
            std::vector<std::uint64_t> begins;
            bool open = false;
            for (unsigned i = 0; i != 12; ++i) {
                const bool control = below(4) == 0, fin = control || below(2) == 0;
                const auto code = static_cast<unsigned>(control ? 9 + below(2) : open ? 0 : 1 + below(2));
                buffer payload(control ? below(126) : sizes[below(std::size(sizes))]);
                for (std::byte& each : payload) each = static_cast<std::byte>('a' + below(26));
                if (!payload.empty() && below(40) == 0) payload.back() = std::byte{0xFF};
                const unsigned least = payload.size() <= 125 ? 0 : payload.size() <= 0xFFFF ? 2 : 8;
                const unsigned forms[] = {least, least == 0 ? 2U : 8U, 8};
                const bool masked = own == role::server && round % 3 != 0 && below(2) == 0;
                const auto key = static_cast<std::uint32_t>(random());
                const unsigned first = (fin ? 0x80U : 0U) | code;
                begins.push_back(other_form.size());
                usual += frame(other(own), first, payload, key);
                other_form += frame_in_form(first, payload, control ? 0 : forms[below(3)], masked, key);
                if (!control) open = !fin;
            }
            const decoder tolerant(own, {}, {.longer_lengths = true, .unmasked_frames = own == role::server});
            for (const bool shown : {true, false}) {
                auto expected = read(decoder(own), shown, usual, false);
                auto got = read(tolerant, shown, other_form, false);
                REQUIRE(read(tolerant, shown, other_form, true) == got);
                for (const frame_entry& each : got) {
                    const bool begins_frame = std::find(begins.begin(), begins.end(), each.at) != begins.end();
                    REQUIRE((begins_frame || each.kind == kind::error));
                }
                for (auto* entries : {&expected, &got}) {
                    for (frame_entry& each : *entries) each.at = 0;
                }
                REQUIRE(got == expected);
            }
        }
    }
}

TEST_CASE("F4: the header says whether a frame had a mask, and which") {
    decoder subject(role::server, {}, {.unmasked_frames = true});
    buffer wire = frame_in_form(0x82, octets({1, 2}), 0, false, 0);
    wire += frame(role::client, 0x82, octets({1, 2}), 0x01020304);
    wire += frame_in_form(0x89, octets({3}), 0, false, 0);
    bytes in(wire);
    for (const bool masked : {false, true, false}) {
        const decoder::event found = subject.next(in);
        CHECK(found.payload[0] == (found.kind == kind::ping ? std::byte{3} : std::byte{1}));
        CHECK(subject.header().masked == masked);
        CHECK(subject.header().masking_key == std::bit_cast<ws::masking_key>(masked ? 0x01020304U : 0U));
    }
    CHECK(in.empty());
}

TEST_CASE("F4 F8: text without a mask that is not UTF-8 stays as it came") {
    decoder subject(role::server, {}, {.unmasked_frames = true});
    for (int i = 0; i != 2; ++i) {
        buffer first = frame_in_form(0x81, bytes_from("abcd"), 0, false, 0);
        bytes in(first);
        CHECK(text_of(subject.next(in).payload) == "abcd");
    }
    buffer wire = frame_in_form(0x81, octets({'a', 0xFF, 'b', 'c', 'd', 'e'}), 0, false, 0);
    bytes in(wire);
    const decoder::event piece = subject.next(in);
    CHECK(text_of(piece.payload) == "a");
    CHECK(subject.next(in).error == errc::invalid_utf8);
    CHECK(subject.offset() == 12 + 3);
    CHECK(wire == frame_in_form(0x81, octets({'a', 0xFF, 'b', 'c', 'd', 'e'}), 0, false, 0));
}

TEST_CASE("F3: every length of two bytes, and those of eight at the borders") {
    constexpr std::uint64_t no_limit = ~std::uint64_t{0};
    for (const role own : {role::server, role::client}) {
        bool tolerates = false;
        const auto judge = [&](unsigned form, std::uint64_t length) {
            buffer wire = octets({0x82, static_cast<int>(form)});
            if (own == role::server) wire[1] |= std::byte{0x80};
            for (unsigned i = form == 126 ? 2 : 8; i-- != 0;) wire.push_back(static_cast<std::byte>(length >> (8 * i)));
            if (own == role::server) wire += octets({1, 2, 3, 4});
            decoder subject(own, {.message = no_limit, .frame = no_limit}, {.longer_lengths = tolerates});
            subject.show_frames(true);
            bytes in(wire);
            const decoder::event event = subject.next(in);
            if (event.kind == kind::frame) {
                CHECK(subject.header().length == length);
                CHECK(in.empty());
                return errc::none;
            }
            CHECK(event.kind == kind::error);
            CHECK(subject.offset() == 2);
            return event.error;
        };
        for (const bool on : {false, true}) {
            tolerates = on;
            const errc not_minimal = tolerates ? errc::none : errc::length_not_minimal;
            bool right = true;
            for (std::uint64_t length = 0; length != 65536; ++length) {
                right = right && judge(126, length) == (length < 126 ? not_minimal : errc::none);
            }
            CHECK(right);
            for (const std::uint64_t length : {std::uint64_t{0}, std::uint64_t{125}, std::uint64_t{65535}}) {
                CHECK(judge(127, length) == not_minimal);
            }
            for (unsigned bit = 16; bit != 63; ++bit) CHECK(judge(127, std::uint64_t{1} << bit) == errc::none);
            CHECK(judge(127, (std::uint64_t{1} << 63) - 1) == errc::none);
            CHECK(judge(127, std::uint64_t{1} << 63) == errc::length_top_bit_set);
            CHECK(judge(127, no_limit) == errc::length_top_bit_set);
        }
    }
}

TEST_CASE("F4: a mask of zeros is a mask, and each key is applied from its own first byte") {
    for (const std::uint32_t key : {0x00000000U, 0x000000FFU, 0xFF000000U, 0x12345678U}) {
        for (std::size_t size = 0; size != 300; ++size) {
            const buffer payload(size, std::byte{'z'});
            buffer wire = frame(role::client, 0x81, payload, key);
            buffer twice = wire;
            twice += wire;
            decoder subject(role::server);
            bytes in(twice);
            for (int i = 0; i != 2; ++i) {
                const decoder::event event = subject.next(in);
                REQUIRE(event.kind == kind::data);
                REQUIRE(std::equal(payload.begin(), payload.end(), event.payload.begin(), event.payload.end()));
                REQUIRE(event.last);
            }
            REQUIRE(in.empty());
        }
    }
}

TEST_CASE("F6 F8 F12: a text message in two fragments and three reads, wherever they are cut") {
    const buffer text =
        bytes_from("aé€𝄞안 a long run of letters, longer than any block 👩‍👩‍👧‍👦!");
    for (const role own : {role::server, role::client}) {
        for (std::size_t cut = 0; cut <= text.size(); ++cut) {
            buffer wire = frame(other(own), 0x01, cbytes(text).first(cut), 0xA1B2C3D4);
            wire += frame(other(own), 0x80, cbytes(text).subspan(cut), 0x01020304);
            for (std::size_t read = 1; read <= wire.size(); ++read) {
                buffer copy = wire;
                decoder subject(own);
                frame_log log;
                log.feed(subject, bytes(copy).first(read));
                log.feed(subject, bytes(copy).subspan(read));
                REQUIRE(log.complaint.empty());
                REQUIRE(log.entries.size() == 1);
                REQUIRE(log.entries[0].payload == text);
                REQUIRE(log.entries[0].first);
                REQUIRE(log.entries[0].last);
            }
        }
    }
}

TEST_CASE("F7: control frames in place, or held where they come in pieces") {
    const buffer payload = bytes_from("0123456789");
    for (const role own : {role::server, role::client}) {
        for (std::size_t cut = 0; cut <= 16; ++cut) {
            buffer wire = frame(other(own), 0x89, payload);
            if (cut >= wire.size()) continue;
            const std::size_t header = wire.size() - payload.size();
            decoder subject(own);
            bytes in = bytes(wire).first(cut);
            CHECK(!subject.next(in));
            in = bytes(wire).subspan(cut);
            const decoder::event event = subject.next(in);
            REQUIRE(event.kind == kind::ping);
            CHECK(text_of(event.payload) == "0123456789");
            const bool in_place = event.payload.data() == wire.data() + header;
            CHECK(in_place == (cut <= header));
        }
    }
}

TEST_CASE("F9: limits on lengths of two bytes are exact too, also for a message that is there as a whole") {
    for (const role own : {role::server, role::client}) {
        for (const std::size_t most : {126U, 200U, 1000U, 65535U}) {
            for (const bool of_frame : {true, false}) {
                const ws::limits limits{.message = of_frame ? SIZE_MAX : most, .frame = of_frame ? most : SIZE_MAX};
                buffer fits = frame(other(own), 0x82, buffer(most));
                bytes in(fits);
                CHECK(decoder(own, limits).next(in).payload.size() == most);
                for (const bool whole : {true, false}) {
                    buffer large = frame(other(own), 0x82, buffer(most + 1));
                    in = bytes(large).first(large.size() - (whole ? 0 : most));
                    decoder subject(own, limits);
                    CHECK(subject.next(in).error == (of_frame ? errc::frame_too_big : errc::message_too_big));
                    CHECK(subject.offset() == 2);
                }
            }
        }
    }
}

TEST_CASE("F9: a million empty fragments end in too_many_frames, whatever their limit") {
    for (const role own : {role::server, role::client}) {
        const buffer first = frame(other(own), 0x01, {});
        const buffer next = frame(other(own), 0x00, {});
        for (const std::uint32_t most : {ws::limits{}.frames, 1000U, 1000000U}) {
            ws::limits limits;
            limits.frames = most;
            decoder subject(own, limits);
            std::uint64_t frames = 0;
            decoder::event event;
            while (!event && frames <= 1000000) {
                buffer wire = frames == 0 ? first : next;
                bytes in(wire);
                event = subject.next(in);
                ++frames;
            }
            CHECK(event.kind == kind::error);
            CHECK(event.error == errc::too_many_frames);
            CHECK(row_of(event.error).close_code == 1008);
            CHECK(frames == std::uint64_t{most} + 1);
            CHECK(subject.offset() == std::uint64_t{most} * next.size());
        }
    }
    CHECK(ws::limits{}.frames == 4 * 1024 * 1024 / 64 + 1);
    CHECK(ws::limits{}.message == 16 * 1024 * 1024);
}

TEST_CASE("F9: 4 MiB in frames of 64 bytes pass the default limits, one frame more does not") {
    const buffer chunk(64, std::byte{'a'});
    buffer first = frame(role::server, 0x01, chunk);
    buffer next = frame(role::server, 0x00, chunk);
    decoder subject(role::client);
    for (int i = 0; i != 65536; ++i) {
        bytes in(i == 0 ? first : next);
        REQUIRE(subject.next(in).payload.size() == 64);
    }
    decoder again = subject;
    buffer end = frame(role::server, 0x80, {});
    bytes in(end);
    CHECK(again.next(in).last);
    buffer empty = frame(role::server, 0x00, {});
    in = empty;
    CHECK(!subject.next(in));
    in = end;
    CHECK(subject.next(in).error == errc::too_many_frames);
}

TEST_CASE("F9: a length near 2^63 costs neither memory nor time, and what comes of it is given out") {
    ws::limits limits;
    limits.message = limits.frame = ~std::uint64_t{0};
    decoder subject(role::client, limits);
    buffer wire = octets({0x82, 127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF});
    bytes in(wire);
    CHECK(!subject.next(in));
    std::uint64_t given = 0;
    buffer block(65536);
    for (int i = 0; i != 100; ++i) {
        in = block;
        const decoder::event event = subject.next(in);
        REQUIRE(event.kind == kind::data);
        CHECK(!event.last);
        given += event.payload.size();
    }
    CHECK(given == 100 * 65536);
    CHECK(subject.offset() == 10 + given);
    CHECK(subject.header().length == (std::uint64_t{1} << 63) - 1);

    // Sums of lengths do not wrap around.
    limits.message = ~std::uint64_t{0} - 5;
    decoder sums(role::client, limits);
    buffer some = octets({0x02, 1, 0x00, 0x00, 127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF});
    in = some;
    CHECK(sums.next(in).kind == kind::data);
    CHECK(!sums.next(in));
    CHECK(sums.error() == errc::none);
}

TEST_CASE("F12: headers, places and keys of the last frame can be asked for") {
    for (const role own : {role::server, role::client}) {
        for (const std::size_t size :
             {std::size_t{0}, std::size_t{5}, std::size_t{125}, std::size_t{126}, std::size_t{70000}}) {
            decoder subject(own);
            buffer wire = frame(other(own), 0x89, octets({7}), 0x11223344);
            const std::size_t at = wire.size();
            wire += frame(other(own), 0x82, buffer(size), 0x55667788);
            bytes in(wire);
            CHECK(subject.next(in).kind == kind::ping);
            CHECK(subject.header().opcode == opcode::ping);
            CHECK(subject.header().length == 1);
            CHECK(subject.frame_offset() == 0);
            CHECK(subject.next(in).kind == kind::data);
            ws::frame_header expected{.opcode = opcode::binary, .masked = own == role::server, .length = size};
            if (expected.masked) expected.masking_key = std::bit_cast<ws::masking_key>(0x55667788U);
            CHECK(subject.header() == expected);
            CHECK(subject.frame_offset() == at);
            CHECK(subject.offset() == wire.size());
        }
    }
}

TEST_CASE("F12: copies of a decoder are independent") {
    buffer wire = frame(role::client, 0x81, bytes_from("안녕 a message of some length 안녕"));
    for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
        buffer one = wire;
        buffer two = wire;
        decoder subject(role::server);
        frame_log log;
        log.feed(subject, bytes(one).first(cut));
        decoder copy = subject;
        frame_log log_of_copy = log;
        log.feed(subject, bytes(one).subspan(cut));
        log_of_copy.feed(copy, bytes(two).subspan(cut));
        REQUIRE(log.entries == log_of_copy.entries);
        REQUIRE(log.entries.back().last);
    }
}

TEST_CASE("C8: the end of input at every byte of a connection, of which only the one behind a Close is no error") {
    for (const role own : {role::server, role::client}) {
        buffer wire = frame(other(own), 0x81, bytes_from("Hello"));
        wire += frame(other(own), 0x01, bytes_from("one"));
        wire += frame(other(own), 0x89, bytes_from("ping"));
        wire += frame(other(own), 0x80, buffer(130, std::byte{'b'}));
        wire += frame(other(own), 0x88, octets({3, 0xE8}));
        for (std::size_t size = 0; size <= wire.size(); ++size) {
            buffer copy = wire;
            decoder subject(own);
            frame_log log;
            log.feed(subject, bytes(copy).first(size));
            const errc said = subject.finish();
            REQUIRE(said == (size == wire.size() ? errc::none : errc::end_of_input));
            REQUIRE(subject.error() == said);
            REQUIRE(subject.offset() == size);
            bytes in(copy);
            REQUIRE(!subject.next(in));
            REQUIRE(subject.finish() == said);
        }
    }
    CHECK(row_of(errc::end_of_input).close_code == 1006);
}

TEST_CASE("C3: every code of a Close") {
    for (unsigned code = 0; code != 65536; ++code) {
        const bool legal =
            (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
        std::byte wire[] = {std::byte{0x88}, std::byte{2}, static_cast<std::byte>(code >> 8U),
                            static_cast<std::byte>(code & 255U)};
        decoder subject(role::client);
        bytes in(wire);
        const decoder::event event = subject.next(in);
        REQUIRE(event.kind == (legal ? kind::close : kind::error));
        if (legal) REQUIRE(event.code == code);
        if (!legal) REQUIRE(event.error == errc::close_code_invalid);
    }
}

TEST_CASE("C4 C7: nothing comes of a million bytes after a Close or an error, and they cost nothing") {
    for (const bool failing : {false, true}) {
        decoder subject(role::client);
        buffer end = failing ? octets({0x83, 0x00}) : octets({0x88, 0x00});
        bytes in(end);
        CHECK(subject.next(in).kind == (failing ? kind::error : kind::close));
        const std::uint64_t offset = subject.offset();
        buffer more(1000000, std::byte{0x81});
        in = more;
        CHECK(!subject.next(in));
        CHECK(in.size() == more.size());
        CHECK(subject.offset() == offset);
        CHECK(std::all_of(more.begin(), more.end(), [](std::byte octet) { return octet == std::byte{0x81}; }));
    }
}

TEST_CASE("F5 F12: what was encoded is what is decoded, for both roles, at random") {
    std::mt19937_64 random(1);
    const auto below = [&](std::uint64_t limit) { return static_cast<std::size_t>(random() % limit); };
    guarded_memory memory(1 << 20);
    for (int round = 0; round != 400; ++round) {
        const role own = round % 2 == 0 ? role::server : role::client;
        buffer wire;
        std::vector<frame_entry> expected;
        for (std::size_t messages = 1 + below(6); messages != 0; --messages) {
            frame_entry entry{.kind = kind::data, .first = true, .last = true, .at = wire.size(), .payload = {}};
            entry.type = below(2) == 0 ? ws::message_type::text : ws::message_type::binary;
            entry.compressed = below(4) == 0;
            const unsigned rsv = entry.compressed ? 0x40 : 0;
            const std::size_t fragments = 1 + below(4);
            bool begun = false;
            for (std::size_t i = 0; i != fragments; ++i) {
                const std::size_t sizes[] = {0, below(20), 125, 126, below(3000), below(70000)};
                buffer payload(sizes[below(below(8) == 0 ? 6 : 3)]);
                for (std::byte& octet : payload) {
                    const bool ascii = entry.type == ws::message_type::text && !entry.compressed;
                    octet = static_cast<std::byte>(random() & (ascii ? 127U : 255U));
                }
                const bool fin = i + 1 == fragments;
                const unsigned code = i == 0 ? static_cast<unsigned>(entry.type) | rsv : 0U;
                if (!begun) entry.at = wire.size();
                begun = begun || !payload.empty();
                wire += frame(other(own), (fin ? 0x80U : 0U) | code, payload, static_cast<std::uint32_t>(random()));
                entry.payload += payload;
            }
            expected.push_back(entry);
            if (below(3) == 0) {
                const buffer payload(below(126), static_cast<std::byte>(random() & 255U));
                const bool ping = below(2) == 0;
                expected.push_back({.kind = ping ? kind::ping : kind::pong, .at = wire.size(), .payload = payload});
                wire += frame(other(own), ping ? 0x89 : 0x8A, payload, static_cast<std::uint32_t>(random()));
            }
        }
        const auto judge = [&](auto subject) {
            subject.agree_to(ws::rsv::rsv1);
            buffer copy = wire;
            frame_log log;
            feed_cut(copy, random_cuts(copy.size(), random()), memory, [&](bytes piece) { log.feed(subject, piece); });
            REQUIRE(log.complaint.empty());
            REQUIRE(log.entries == expected);
        };
        judge(decoder(own));
        judge(stepwise_decoder(own));
        judge(short_way_decoder(own));
    }
}

TEST_CASE("F9 F12: nothing is taken from the heap") {
    for (const role own : {role::server, role::client}) {
        buffer wire = frame(other(own), 0x81, bytes_from("Hello 안녕"));
        wire += frame(other(own), 0x89, buffer(125));
        wire += frame(other(own), 0x02, buffer(70000));
        wire += frame(other(own), 0x80, buffer(200));
        wire += frame(other(own), 0x88, octets({3, 0xE8, 'b', 'y', 'e'}));
        buffer bytewise = wire;
        decoder subject(own);
        decoder slow(own);
        int events = 0;
        const std::size_t before = allocations();
        bytes in(wire);
        while (subject.next(in)) ++events;
        for (std::byte& octet : bytewise) {
            in = bytes(&octet, 1);
            while (slow.next(in)) ++events;
        }
        static_cast<void>(subject.finish());
        static_cast<void>(slow.finish());
        CHECK(allocations() == before);
        CHECK(events > 70000);
        CHECK(subject.error() == errc::none);
        CHECK(slow.error() == errc::none);
    }
    const std::size_t before = allocations();
    ::operator delete(::operator new(1));
    CHECK(allocations() > before); // the counter counts
}

TEST_CASE("F12: showing frames can begin and end between frames") {
    buffer wire = frame(role::client, 0x81, bytes_from("one"));
    wire += frame(role::client, 0x81, bytes_from("two"));
    wire += frame(role::client, 0x81, bytes_from("three"));
    decoder subject(role::server);
    bytes in(wire);
    CHECK(text_of(subject.next(in).payload) == "one");
    subject.show_frames(true);
    CHECK(subject.next(in).kind == kind::frame);
    CHECK(subject.header().length == 3);
    CHECK(text_of(subject.next(in).payload) == "two");
    subject.show_frames(false);
    CHECK(text_of(subject.next(in).payload) == "three");
    CHECK(in.empty());
}

TEST_CASE("F12: the short way takes a whole message, or the header of one that is cut, or nothing, and says so") {
    using took = decoder::took;
    const auto take = [](decoder& subject, bytes& in) {
        ws::message_type type{};
        bytes payload;
        const took taken = subject.take_whole_message(in, type, payload);
        if (taken != took::message) CHECK((type == ws::message_type{} && payload.data() == nullptr));
        return taken;
    };
    for (const role own : {role::server, role::client}) {
        for (const std::size_t size : {std::size_t{4}, std::size_t{125}, std::size_t{126}, std::size_t{65535}}) {
            const buffer payload(size, std::byte{'a'});
            const buffer wire = frame(other(own), 0x81, payload);
            const std::size_t header = wire.size() - size;
            for (const std::size_t cut : {std::size_t{1}, header, header + 1, wire.size() - 1, wire.size()}) {
                buffer copy = wire;
                decoder subject(own);
                bytes in = bytes(copy).first(cut);
                const bool tells = cut > header && cut >= 6; // fewer bytes are not looked at
                if (cut == wire.size()) {
                    ws::message_type type{};
                    bytes found;
                    CHECK(subject.take_whole_message(in, type, found) == took::message);
                    CHECK(type == ws::message_type::text);
                    CHECK(std::equal(found.begin(), found.end(), payload.begin(), payload.end()));
                    CHECK(in.empty());
                    CHECK(subject.offset() == wire.size());
                    CHECK(subject.header().length == size);
                } else if (tells) {
                    CHECK(take(subject, in) == took::header);
                    CHECK(in.data() == copy.data() + header);
                    CHECK(in.size() == cut - header);
                    CHECK(subject.offset() == header);
                    // Only pieces of that message can come now.
                    CHECK(take(subject, in) == took::nothing);
                    const decoder::event event = subject.next_stepwise(in);
                    CHECK(event.kind == kind::data);
                    CHECK(event.first);
                    CHECK(!event.last);
                } else {
                    CHECK(take(subject, in) == took::nothing);
                    CHECK(in.size() == cut);
                    CHECK(subject.offset() == 0);
                }
            }
        }

        // It takes nothing of these: another frame, an open message, shown frames, tiny limits, text that is wrong.
        const auto leaves = [&](decoder subject, const buffer& wire) {
            buffer copy = wire;
            bytes in(copy);
            CHECK(take(subject, in) == took::nothing);
            CHECK(in.size() == wire.size());
            CHECK(copy == wire);
            return subject.next_stepwise(in);
        };
        const buffer message = frame(other(own), 0x81, bytes_from("message"));
        CHECK(leaves(decoder(own), frame(other(own), 0x89, bytes_from("ping"))).kind == kind::ping);
        CHECK(leaves(decoder(own), frame(other(own), 0x01, bytes_from("fragment"))).first);
        CHECK(leaves(decoder(own), frame(other(own), 0x81, octets({'a', 'b', 'c', 0xFF}))).payload.size() == 3);
        CHECK(leaves(decoder(own, {.message = 6}), message).error == errc::message_too_big);
        CHECK(leaves(decoder(own, {.frames = 0}), message).error == errc::too_many_frames);
        decoder showing(own);
        showing.show_frames(true);
        CHECK(leaves(showing, message).kind == kind::frame);
        decoder open(own);
        buffer begin = frame(other(own), 0x01, bytes_from("begin"));
        bytes in(begin);
        CHECK(open.next(in).first);
        CHECK(leaves(open, message).error == errc::expected_continuation);
    }
}

TEST_CASE("each kind of event of a decoder has its name") {
    CHECK(name_of(kind::need_input) == "need_input");
    CHECK(name_of(kind::data) == "data");
    CHECK(name_of(kind::ping) == "ping");
    CHECK(name_of(kind::close) == "close");
    CHECK(name_of(kind::error) == "error");
}
