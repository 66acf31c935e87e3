// The common part of both ends of a STOMP session: splits, limits, malformed frames, heart-beats, deadlines, memory.
// SPDX-License-Identifier: MIT
#include <sockless/stomp/session.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <utility>

#include "../support/allocations.hpp"
#include "scripted.hpp"

using namespace sockless;
using namespace sockless::test;
using lines = std::vector<std::string>;
using stomp::errc;

namespace {

std::string repeated(std::size_t times, std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i != times; ++i) out += text;
    return out;
}

// How a session ends if its peer breaks a rule: a server says why, a client has no frame for it.
template <class Side>
void check_end(scripted_session<typename Side::session>& run, errc what, std::uint64_t offset) {
    REQUIRE(!run.log.empty());
    CHECK(run.log.back() == "lost " + std::string(row_of(what).name) + " @" + std::to_string(offset));
    const lines frames = run.take_frames();
    if (Side::own == role::server) {
        REQUIRE(!frames.empty());
        CHECK(frames.back().starts_with("ERROR\nmessage:" + std::string(row_of(what).sentence) + "\n"));
    } else {
        CHECK(frames.empty());
    }
    CHECK(run.complaint == "");
    CHECK(run.peer.done());
}

// The reaction of a caller in the tests of splits: calls that make the session say something.
void answer(stomp::server_session& peer, const stomp::server_event& event) {
    using kind = stomp::server_kind;
    if (event.kind == kind::connect) REQUIRE_FALSE(peer.accept({.session = "s"}));
    if (event.kind == kind::subscribe) REQUIRE_FALSE(peer.deliver(event.subscription, {.destination = "/a"}).error);
    if (event.kind == kind::send) {
        REQUIRE_FALSE(
            peer.deliver(1, {.destination = event.destination, .forwarded = event.headers, .body = event.body}).error);
    }
}
void answer(stomp::client_session& peer, const stomp::client_event& event) {
    using kind = stomp::client_kind;
    if (event.kind == kind::connected) {
        REQUIRE_FALSE(peer.subscribe({.id = "1", .destination = "/a", .ack = stomp::ack_mode::client, .receipt = "1"}));
        REQUIRE_FALSE(peer.begin("t"));
    }
    if (event.kind == kind::message && peer.is_open()) REQUIRE_FALSE(peer.ack(event, "t"));
    if (event.kind == kind::receipt && event.receipt_id == "1") REQUIRE_FALSE(peer.disconnect());
}

std::string conversation(const stomp_server_side&) {
    return "\n" + connect_text("1.1,1.2", "login:\\u\n") + "\r\n" +
           framed("SUBSCRIBE\nid:1\ndestination:/a\nack:client\nreceipt:1\n\n", "ACK\nid:1\n\n") +
           framed("SEND\ndestination:/\\c\ncontent-length:4\nx:\\\\\n\na" + std::string(1, '\0') + "\nb") +
           "DISCONNECT\r\nreceipt:2\r\n\r\n" + std::string(1, '\0') + "\n";
}
std::string conversation(const stomp_client_side&) {
    return connected_text("1.2", "server:\\c\n") + "\r\n" +
           framed("MESSAGE\nsubscription:1\nmessage-id:m\nack:a\\c\ndestination:/a\ncontent-length:4\n\na" +
                  std::string(1, '\0') + "\nb") +
           "RECEIPT\r\nreceipt-id:1\r\n\r\n" + std::string(1, '\0') +
           framed("MESSAGE\nsubscription:1\nmessage-id:n\nack:b\ndestination:/a\n\nbody") +
           framed("RECEIPT\nreceipt-id:disconnect\n\n", "ERROR\n\n");
}

template <class Side>
void same_at_every_split(const std::string& input, bool answers) {
    lines log;
    std::string sent;
    std::size_t splits = 0;
    std::size_t wrong = 0;
    for_each_split(bytes_of(input), [&](const auto& feed_all) {
        scripted_session<typename Side::session> run(Side::make());
        if (answers) run.react = [](auto& peer, const auto& event) { answer(peer, event); };
        run.shows_headers = true;
        feed_all([&](bytes piece) { run.feed(piece); });
        run.finish();
        if (splits++ == 0) {
            log = run.log;
            sent = run.sent;
        }
        const bool same = run.log == log && run.sent == sent && run.complaint.empty();
        if (!same && wrong++ == 0) {
            CHECK(run.complaint == "");
            CHECK(run.log == log);
            CHECK(run.sent == sent);
        }
    });
    CHECK(wrong == 0);
    CHECK(splits > input.size());
    CHECK(log.size() >= 2);
}

} // namespace

// --- the same at every split

TEST_CASE_TEMPLATE("S1 S4 S7 S15: a session is the same at every split", Side, stomp_server_side, stomp_client_side) {
    same_at_every_split<Side>(conversation(Side()), true);
}

TEST_CASE_TEMPLATE("S13: a session that fails is the same at every split", Side, stomp_server_side, stomp_client_side) {
    const std::string opening = Side::opening();
    same_at_every_split<Side>(opening + framed("ACK\nid\\q:1\n\n"), false);
    same_at_every_split<Side>(opening + "\n\rSEND\n", false);
    same_at_every_split<Side>(opening + Side::frame_with("") + framed("SENT\n\n") + Side::frame_with("late"), false);
    const std::string lie = Side::frame_with("abc");
    same_at_every_split<Side>(opening + lie.substr(0, lie.find("\n\n")) + "\ncontent-length:2\n\nabc" +
                                  std::string(1, '\0') + Side::frame_with("late"),
                              false);
}

TEST_CASE_TEMPLATE("a session can be moved at any time", Side, stomp_server_side, stomp_client_side) {
    using session = typename Side::session;
    const std::string input = conversation(Side());
    lines log;
    std::string sent;
    for (std::size_t cut = 0; cut <= input.size(); ++cut) {
        const auto react = [](session& peer, const auto& event) { answer(peer, event); };
        scripted_session<session> run(Side::make(), react);
        run.feed(std::string_view(input).substr(0, cut));
        std::vector<session> sessions;
        sessions.push_back(std::move(run.peer));
        sessions.push_back(Side::make());
        sessions.push_back(Side::make());
        run.peer = std::move(sessions.front());
        run.feed(std::string_view(input).substr(cut));
        run.finish();
        if (cut == 0) log = run.log, sent = run.sent;
        CAPTURE(cut);
        REQUIRE(run.complaint == "");
        REQUIRE(run.log == log);
        REQUIRE(run.sent == sent);
    }
}

// --- malformed frames

TEST_CASE_TEMPLATE("S13: what is malformed ends the session at the byte that is wrong, at every cut", Side,
                   stomp_server_side, stomp_client_side) {
    struct {
        const char* version;
        const char* frame; // behind a head that may have a body, if it begins with a header
        errc what;
    } const cases[] = {
        {"1.2", "no colon^\n\n", errc::missing_colon},
        {"1.2", "^:value\n\n", errc::empty_name},
        {"1.2", "name:^\\t\n\n", errc::bad_escape},
        {"1.2", "na^\\me:\n\n", errc::bad_escape},
        {"1.1", "name:^\\r\n\n", errc::bad_escape},
        {"1.1", "name:\\n\\c\\\\^\\\n\n\n", errc::bad_escape},
        {"1.2", "content-length:^-1\n\n", errc::bad_content_length},
        {"1.2", "content-length:^1e3\n\n", errc::bad_content_length},
        {"1.2", "content-length:^\n\n", errc::bad_content_length},
        {"1.2", "content-length:^ 1\n\n", errc::bad_content_length},
        {"1.2", "content-length:^18446744073709551616\n\n", errc::body_too_large},
        {"1.2", "content-length:^1001\n\n", errc::body_too_large},
        {"1.2", "content-length:2\n\nab^cd", errc::body_not_terminated},
        {"1.2", "name:va^\1lue\n\n", errc::nul_in_head}, // \1 stands for NUL
        {"1.2", "na^\1me:\n\n", errc::nul_in_head},
        {"1.2", "name:va^\rlue\n\n", errc::bare_cr},
        {"1.2", "name:value^\r\r\n\n", errc::bare_cr},
        {"1.2", "^1234567890:12345678901234567890123456789\n\n", errc::line_too_long},
        {"1.0", "a:\nb:\nc:\nd:\n^e:\n\n", errc::too_many_headers},
    };
    for (const auto& each : cases) {
        CAPTURE(each.version);
        CAPTURE(each.frame);
        const std::string whole = Side::frame_with("");
        const std::string head = whole.substr(0, whole.find("\n\n") + 1);
        std::string frame = head + each.frame;
        for (char& c : frame) c = c == '\1' ? '\0' : c;
        const marked_text bad(frame);
        const std::size_t known = static_cast<std::size_t>(std::count(head.begin(), head.end(), '\n')) - 1;
        stomp::options how;
        how.limits = {.line = 39, .headers = static_cast<std::uint32_t>(known + 4), .head = 300, .body = 1000};
        const std::size_t place = each.what == errc::line_too_long ? bad.place + 39 : bad.place;
        const std::string input = Side::frame_with("") + "\n" + bad.text + std::string(1, '\0');
        const std::uint64_t offset = begin_of_frames<Side>(each.version) + Side::frame_with("").size() + 1 + place;
        for (std::size_t cut = 0; cut <= input.size(); ++cut) {
            CAPTURE(cut);
            auto run = connected_run<Side>(each.version, how);
            run.feed(std::string_view(input).substr(0, cut));
            run.feed(std::string_view(input).substr(cut));
            REQUIRE(run.log.size() == 3);
            check_end<Side>(run, each.what, offset);
            CHECK(run.peer.error() == each.what);
        }
    }
}

TEST_CASE_TEMPLATE("S1: an unknown command, and a body where there is none, end the session", Side, stomp_server_side,
                   stomp_client_side) {
    struct {
        const char* frame;
        errc what;
    } const cases[] = {{"^SENT\n\n", errc::unknown_command},
                       {"^send\n\n", errc::unknown_command},
                       {"^ SEND\n\n", errc::unknown_command},
                       {"^SEND \n\n", errc::unknown_command},
                       {"^UNSUBSCRIBED\n\n", errc::unknown_command},
                       {"^GET / HTTP/1.1\r\n\r\n", errc::unknown_command},
                       {"RECEIPT\nreceipt-id:1\n\n^body", errc::unexpected_body},
                       {"BEGIN\ntransaction:1\n\n^body", errc::unexpected_body},
                       {"BEGIN\ntransaction:1\ncontent-length:1\n\n^b", errc::unexpected_body}};
    for (const auto& each : cases) {
        const bool of_client = std::string_view(each.frame).starts_with("BEGIN");
        const bool of_server = std::string_view(each.frame).starts_with("RECEIPT");
        if ((of_client && Side::own == role::client) || (of_server && Side::own == role::server)) continue;
        CAPTURE(each.frame);
        const marked_text bad(framed(each.frame));
        auto run = connected_run<Side>();
        run.feed(bad.text);
        check_end<Side>(run, each.what, begin_of_frames<Side>() + bad.place);
    }
}

// --- S12: limits

TEST_CASE_TEMPLATE("S12: each limit on a frame is exact, and smaller before the session is connected", Side,
                   stomp_server_side, stomp_client_side) {
    const std::string whole = Side::frame_with("");
    const std::string head = whole.substr(0, whole.size() - 2); // up to the empty line
    const auto lines_in = [](std::string_view text) {
        return static_cast<std::uint32_t>(std::count(text.begin(), text.end(), '\n'));
    };
    const std::string more = "x:" + std::string(48, 'y') + "\n"; // a line of 50
    const std::string frame = framed(head + more + "\n" + std::string(60, 'b'));
    const std::uint32_t head_size = static_cast<std::uint32_t>(frame.size() - 61);
    const stomp::limits exact{.line = 50, .headers = lines_in(head), .head = head_size, .body = 60};
    const auto end_with = [&](stomp::limits limits, std::string_view input) {
        auto run = connected_run<Side>("1.2", {.limits = limits});
        run.feed(input);
        CHECK(run.complaint == "");
        return run.peer.error();
    };
    CHECK_FALSE(end_with(exact, frame));
    stomp::limits less = exact;
    less.line = 49;
    CHECK(end_with(less, frame) == errc::line_too_long);
    less = exact, less.headers -= 1;
    CHECK(end_with(less, frame) == errc::too_many_headers);
    less = exact, less.head -= 1;
    CHECK(end_with(less, frame) == errc::head_too_large);
    less = exact, less.body -= 1;
    CHECK(end_with(less, frame) == errc::body_too_large);

    // Before: with the same numbers, on the first frame.
    const std::string opening = Side::opening("1.2", more);
    const stomp::limits before{.line = 50,
                               .headers = lines_in(opening) - 2,
                               .head = static_cast<std::uint32_t>(opening.size() - 1),
                               .body = 0};
    const auto open_with = [&](stomp::limits limits) {
        scripted_session<typename Side::session> run(Side::make({.limits_before = limits}));
        run.feed(opening);
        CHECK(run.peer.is_open() == !run.peer.error());
        // Then the others hold.
        if (run.peer.is_open()) {
            run.feed(Side::frame_with(std::string(100'000, 'b')));
            CHECK(run.peer.is_open());
        }
        return run.peer.error();
    };
    CHECK_FALSE(open_with(before));
    less = before, less.line -= 1;
    CHECK(open_with(less) == errc::line_too_long);
    less = before, less.headers -= 1;
    CHECK(open_with(less) == errc::too_many_headers);
    less = before, less.head -= 1;
    CHECK(open_with(less) == errc::head_too_large);
}

TEST_CASE_TEMPLATE("S12: by default a peer that is not connected gets less memory than one that is", Side,
                   stomp_server_side, stomp_client_side) {
    const stomp::options how;
    CHECK(how.limits_before.line <= how.limits.line);
    CHECK(how.limits_before.headers < how.limits.headers);
    CHECK(how.limits_before.head < how.limits.head);
    CHECK(how.limits_before.body < how.limits.body);
}

TEST_CASE_TEMPLATE("S12: a head without end takes bounded memory, and is ended at its limit", Side, stomp_server_side,
                   stomp_client_side) {
    const std::string begin = Side::opening().substr(0, Side::opening().find('\n') + 1);
    struct {
        const char* unit;
        std::size_t times;
        errc what;
        std::size_t offset;
    } const cases[] = {
        {"x", 1'000'000, errc::line_too_long, 8192},
        {"x:y\n", 10'000, errc::too_many_headers, 50 * 4},
        {"long-enough:to-reach-the-limit-of-the-head-before-that-of-the-number-of-headers-because-this-is-"
         "one-of-nearly-four-hundred-characters-in-all-so-that-fifty-of-them-are-more-than-sixteen-thousand-"
         "which-is-what-a-peer-may-send-before-the-session-is-open-as-some-of-them-have-a-token-of-thousands-"
         "of-characters-in-the-passcode-of-their-connect-and-would-not-be-let-in-if-the-limit-were-smaller\n",
         10'000, errc::head_too_large, 0}};
    for (const auto& each : cases) {
        for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1000}, std::size_t{1'000'000}}) {
            CAPTURE(each.unit);
            CAPTURE(piece);
            std::string input = begin + repeated(each.times, each.unit);
            auto session = Side::make();
            const std::size_t before = allocations();
            bool lost = false;
            for (std::size_t at = 0; at < input.size(); at += piece) {
                bytes in = bytes_of(input.data() + at, std::min(piece, input.size() - at));
                while (const auto event = session.next(in)) lost = lost || event.error;
                REQUIRE(in.empty());
                if (at > 20'000) break;
            }
            CHECK(lost);
            CHECK(session.error() == each.what);
            const std::size_t place = each.offset != 0 ? begin.size() + each.offset : 16384;
            CHECK(session.offset() == place);
            // The memory doubles, from 256 bytes to 16 KiB; one more is for the ERROR.
            CHECK(allocations() - before <= 9);
        }
    }
}

TEST_CASE_TEMPLATE("S12: 10,000 headers in a frame are refused at the first that is too many", Side, stomp_server_side,
                   stomp_client_side) {
    const std::string whole = Side::frame_with("");
    const std::string head = whole.substr(0, whole.size() - 2);
    const auto known = static_cast<std::size_t>(std::count(head.begin(), head.end(), '\n')) - 1;
    auto run = connected_run<Side>();
    run.feed(head + repeated(10'000, "x:y\n") + "\n" + std::string(1, '\0'));
    check_end<Side>(run, errc::too_many_headers, begin_of_frames<Side>() + head.size() + (100 - known) * 4);
}

TEST_CASE_TEMPLATE("S2 S12: no memory is taken because a length was announced", Side, stomp_server_side,
                   stomp_client_side) {
    const std::string whole = Side::frame_with("");
    auto run = connected_run<Side>("1.2", {.limits = {.body = std::uint64_t{1} << 60}});
    const std::string head = whole.substr(0, whole.size() - 2) + "content-length:1000000000000\n\n";
    run.feed(head + "abc");
    CHECK(run.log.empty());
    CHECK(run.peer.is_open());
}

TEST_CASE_TEMPLATE("S12: the memory that the caller gave is a limit too", Side, stomp_server_side, stomp_client_side) {
    std::array<std::byte, 300> input{};
    std::array<std::byte, 2000> output{}, names{}, more{};
    for (const std::size_t body : {std::size_t{100}, std::size_t{1000}}) {
        auto small = connected_by(Side::make_small(input, output, names, more), Side::opening());
        const std::string frame = Side::frame_with(std::string(body, 'b'));
        // Whole it takes none of it.
        small.feed(frame);
        CHECK(small.log.size() == 1);
        CHECK_FALSE(small.peer.error());
        for (const char& each : frame) small.feed(std::string_view(&each, 1));
        CHECK(small.peer.error() == (body == 100 ? error() : error(errc::body_too_large)));
        CHECK(small.complaint == "");
    }
}

// --- S5: heart-beats

namespace {

struct beats {
    std::uint32_t sends, wants;
};

template <class Side>
scripted_session<typename Side::session> beating(beats own, beats peer, std::string_view version = "1.2",
                                                 sockless::instant start = 0) {
    scripted_session<typename Side::session> run(Side::make({.heart_beat = {own.sends, own.wants}}));
    run.tick(start);
    run.feed(
        Side::opening(version, "heart-beat:" + std::to_string(peer.sends) + "," + std::to_string(peer.wants) + "\n"));
    REQUIRE(run.peer.is_open());
    static_cast<void>(run.take_frames());
    run.tick(start);
    static_cast<void>(run.take_log());
    return run;
}

std::uint32_t larger(std::uint32_t a, std::uint32_t b) { return a == 0 || b == 0 ? 0 : a > b ? a : b; }

} // namespace

TEST_CASE_TEMPLATE("S5: a heart-beat goes out in time, and only where one side promises and the other wants it", Side,
                   stomp_server_side, stomp_client_side) {
    for (const std::uint32_t sends : {0U, 1000U, 3000U}) {
        for (const std::uint32_t wants : {0U, 1000U, 3000U}) {
            CAPTURE(sends);
            CAPTURE(wants);
            // The other direction has its own numbers, which are not taken for these.
            for (const std::uint32_t other : {0U, 7000U}) {
                const std::uint32_t interval = larger(sends, wants);
                auto run = beating<Side>({sends, 0}, {other, wants});
                if (interval == 0) {
                    CHECK(run.peer.next_deadline() == no_deadline);
                    run.tick(1'000'000);
                    CHECK(run.take_frames().empty());
                    continue;
                }
                // Woken at its deadlines alone.
                sockless::instant last = 0;
                for (int i = 0; i != 20; ++i) {
                    const sockless::instant due = run.peer.next_deadline();
                    REQUIRE(due > last);
                    REQUIRE(due <= last + interval);
                    REQUIRE(due >= last + interval / 2);
                    run.tick(due - 1);
                    REQUIRE(run.take_frames().empty());
                    run.tick(due);
                    REQUIRE(run.take_frames() == lines{"\n"});
                    last = due;
                }
                CHECK(run.log.empty());
            }
        }
    }
}

TEST_CASE_TEMPLATE("S5: a peer is given up after two and a half intervals of silence, and only where both agreed", Side,
                   stomp_server_side, stomp_client_side) {
    for (const std::uint32_t sends : {0U, 1000U, 3000U}) {
        for (const std::uint32_t wants : {0U, 1000U, 3000U}) {
            CAPTURE(sends);
            CAPTURE(wants);
            for (const std::uint32_t other : {0U, 7000U}) {
                const std::uint32_t interval = larger(sends, wants);
                auto run = beating<Side>({0, wants}, {sends, other});
                run.tick(0);
                if (interval == 0) {
                    CHECK(run.peer.next_deadline() == no_deadline);
                    run.tick(1'000'000);
                    CHECK(run.log.empty());
                    continue;
                }
                const std::uint32_t silence = interval * 5 / 2;
                CHECK(run.peer.next_deadline() == silence);
                // Any byte is life, a part of a frame too.
                const std::string frame = Side::frame_with("a body");
                sockless::instant now = 0;
                for (const char& each : frame) {
                    now += silence - 1;
                    run.tick(now);
                    run.feed(std::string_view(&each, 1));
                    run.tick(now);
                }
                CHECK(run.take_log().size() == 1);
                run.tick(now + silence - 1);
                CHECK(run.log.empty());
                run.tick(now + silence);
                check_end<Side>(run, errc::heart_beat_timeout, run.peer.offset());
                CHECK(run.log.size() == 1);
            }
        }
    }
}

TEST_CASE_TEMPLATE("S4 S5: heart-beats of the peer keep the session and are told", Side, stomp_server_side,
                   stomp_client_side) {
    auto run = beating<Side>({0, 1000}, {1000, 0});
    for (sockless::instant now = 0; now != 100'000; now += 1000) {
        run.tick(now);
        run.feed("\n");
    }
    CHECK(run.log.size() == 100);
    CHECK(run.log.back() == "heart_beat");
    CHECK(run.take_frames().empty());
}

TEST_CASE_TEMPLATE("S5: what is sent anyway is a sign of life, but nothing sent is none", Side, stomp_server_side,
                   stomp_client_side) {
    auto run = beating<Side>({1000, 0}, {0, 1000});
    sockless::instant last = 0;
    for (sockless::instant now = 0; now <= 10'000; now += 100) {
        run.tick(now);
        run.peer.sent(0); // of a socket that takes nothing
        if (now == 5000) REQUIRE_FALSE(Side::say_something(run.peer));
        if (run.take_frames().empty()) continue;
        REQUIRE(now - last <= 1000);
        last = now;
    }
    CHECK(10'000 - last <= 1000);

    // A frame at 500 is as good as a heart-beat.
    auto busy = beating<Side>({1000, 0}, {0, 1000});
    busy.tick(500);
    REQUIRE_FALSE(Side::say_something(busy.peer));
    CHECK(busy.take_frames().size() == 1);
    CHECK(busy.peer.next_deadline() > 1000);
    CHECK(busy.peer.next_deadline() <= 1500);
}

TEST_CASE_TEMPLATE("S5: heart-beats do not pile up behind output that nobody takes", Side, stomp_server_side,
                   stomp_client_side) {
    auto run = beating<Side>({1000, 0}, {0, 1000});
    run.drains = false;
    for (sockless::instant now = 0; now <= 10'000; now += 100) run.tick(now);
    CHECK(text_of(run.peer.output()) == "\n");
    run.peer.sent(1);
    REQUIRE_FALSE(Side::say_something(run.peer));
    const std::string waits(text_of(run.peer.output()));
    for (sockless::instant now = 10'000; now <= 20'000; now += 100) run.tick(now);
    CHECK(text_of(run.peer.output()) == waits);
    // And once it is taken they go on.
    run.drains = true;
    static_cast<void>(run.take_frames());
    run.tick(21'001);
    CHECK(run.take_frames() == lines{"\n"});
}

TEST_CASE_TEMPLATE("S5: there are no heart-beats in 1.0", Side, stomp_server_side, stomp_client_side) {
    auto run = beating<Side>({1000, 1000}, {1000, 1000}, "1.0");
    CHECK(run.peer.next_deadline() == no_deadline);
    run.tick(1'000'000);
    CHECK(run.log.empty());
    CHECK(run.take_frames().empty());
}

TEST_CASE_TEMPLATE("S5: without a header there are no heart-beats", Side, stomp_server_side, stomp_client_side) {
    scripted_session<typename Side::session> run(Side::make({.heart_beat = {1000, 1000}}));
    run.tick(0);
    run.feed(Side::opening());
    CHECK(run.peer.next_deadline() == no_deadline);
}

TEST_CASE_TEMPLATE("S5: heart-beats are counted from the first tick, where the session was connected before", Side,
                   stomp_server_side, stomp_client_side) {
    scripted_session<typename Side::session> run(Side::make({.heart_beat = {1000, 1000}}));
    run.feed(Side::opening("1.2", "heart-beat:1000,1000\n"));
    static_cast<void>(run.take_frames());
    static_cast<void>(run.take_log());
    run.tick(1'000'000);
    CHECK(run.take_frames().empty());
    CHECK(run.log.empty());
    CHECK(run.peer.next_deadline() > 1'000'000);
    CHECK(run.peer.next_deadline() <= 1'001'000);
    run.tick(1'002'499);
    CHECK(run.log.empty());
    run.tick(1'002'500);
    CHECK(run.log.size() == 1);
}

TEST_CASE("S5: each side says what it promises and wishes") {
    scripted_session<stomp::client_session> client(stomp_client_side::make({.heart_beat = {1, 4'000'000'000U}}));
    CHECK(client.take_frames() == lines{"CONNECT\naccept-version:1.0,1.1,1.2\nhost:h\nheart-beat:1,4000000000\n\n"});
    scripted_session<stomp::server_session> server(stomp_server_side::make({.heart_beat = {0, 5}}));
    server.feed(connect_text());
    CHECK(server.take_frames() == lines{"CONNECTED\nversion:1.2\nheart-beat:0,5\n\n"});
}

TEST_CASE("S5: a client that is accepted late has its interval all the same") {
    scripted_session<stomp::server_session> run(stomp_server_side::make({.heart_beat = {1000, 1000}}),
                                                [](auto&, const auto&) {});
    run.tick(0);
    run.feed(connect_text("1.2", "heart-beat:1000,1000\n"));
    run.tick(1);
    // Here the caller looked up the password, for five seconds.
    REQUIRE_FALSE(run.peer.accept());
    run.drain();
    run.tick(5000);
    CHECK(run.log.size() == 1);
    CHECK(run.peer.next_deadline() > 5000);
    run.tick(7499);
    CHECK(run.log.size() == 1);
    run.tick(7500);
    CHECK(run.log.size() == 2);
}

TEST_CASE_TEMPLATE("S5: after the goodbye there are no heart-beats", Side, stomp_server_side, stomp_client_side) {
    auto run = beating<Side>({1000, 1000}, {1000, 1000});
    if constexpr (Side::own == role::server) {
        run.feed(framed("DISCONNECT\n\n"));
    } else {
        REQUIRE_FALSE(run.peer.disconnect());
    }
    static_cast<void>(run.take_frames());
    run.tick(4000);
    CHECK(run.take_frames().empty());
    CHECK_FALSE(run.peer.error());
}

// --- deadlines

TEST_CASE_TEMPLATE("S6: connecting has a deadline, from the first tick on", Side, stomp_server_side,
                   stomp_client_side) {
    for (const sockless::instant start :
         {sockless::instant{0}, sockless::instant{1}, sockless::instant{1'000'000'000'000}}) {
        scripted_session<typename Side::session> run(Side::make({.connect_timeout = 700}));
        run.drain();
        run.sent.clear();
        run.tick(start);
        CHECK(run.peer.next_deadline() == start + 700);
        run.feed("\n"); // which is not yet a CONNECT
        run.tick(start + 699);
        CHECK(run.take_log() == lines{"heart_beat"});
        run.tick(start + 700);
        check_end<Side>(run, errc::connect_timeout, 1);
        run.feed(Side::opening());
        CHECK(run.log.size() == 1);
    }
    scripted_session<typename Side::session> patient(Side::make({.connect_timeout = never}));
    patient.tick(5);
    CHECK(patient.peer.next_deadline() == no_deadline);
    patient.tick(no_deadline - 1);
    CHECK(patient.log.empty());
    scripted_session<typename Side::session> open(Side::make({.connect_timeout = 700}));
    open.tick(0);
    open.feed(Side::opening());
    CHECK(open.peer.next_deadline() == no_deadline);
}

TEST_CASE_TEMPLATE("S13: the last output is waited for, but not without end", Side, stomp_server_side,
                   stomp_client_side) {
    auto run = connected_run<Side>("1.2", {.disconnect_timeout = 500});
    run.tick(1000);
    REQUIRE_FALSE(Side::say_something(run.peer));
    run.drains = false;
    run.feed("?\n");
    CHECK(run.peer.state() == stomp::state::closed);
    CHECK_FALSE(run.peer.done());
    run.tick(5000); // the time when it failed is not known
    CHECK(run.peer.next_deadline() == 5500);
    run.tick(5499);
    CHECK_FALSE(run.peer.done());
    run.tick(5500);
    CHECK(run.peer.done());
    CHECK(run.peer.next_deadline() == no_deadline);
    CHECK(run.log.size() == 1);

    auto taken = connected_run<Side>();
    REQUIRE_FALSE(Side::say_something(taken.peer));
    taken.drains = false;
    taken.feed("?\n");
    taken.drain(1);
    CHECK_FALSE(taken.peer.done());
    taken.drain();
    CHECK(taken.peer.done());
}

TEST_CASE_TEMPLATE("S5: deadlines do not wrap around", Side, stomp_server_side, stomp_client_side) {
    auto run =
        beating<Side>({4'000'000'000U, 4'000'000'000U}, {4'000'000'000U, 4'000'000'000U}, "1.2", no_deadline - 10);
    run.tick(no_deadline - 5);
    CHECK(run.peer.next_deadline() == no_deadline);
    CHECK(run.log.empty());
    // Silence that is longer than the clock of a wait counts is not waited for.
    auto patient = beating<Side>({0, 1'717'986'917U}, {1, 0});
    CHECK(patient.peer.next_deadline() == 4'294'967'292U);
    auto endless = beating<Side>({0, 1'717'986'918U}, {1, 0});
    CHECK(endless.peer.next_deadline() == no_deadline);
    scripted_session<typename Side::session> opening(Side::make());
    opening.tick(no_deadline - 1);
    CHECK(opening.peer.next_deadline() == no_deadline);
}

TEST_CASE_TEMPLATE("S5 S6: after an hour without a tick each wait counts from the next tick", Side, stomp_server_side,
                   stomp_client_side) {
    constexpr instant hour = 3'600'000;
    const auto fresh = [](scripted_session<typename Side::session>& run, std::uint32_t wait) {
        CHECK(run.peer.next_deadline() == 0);
        run.tick(hour);
        CHECK(run.peer.next_deadline() == hour + wait);
        run.tick(hour + wait - 1);
    };
    {
        auto run = connected_run<Side>("1.2", {.disconnect_timeout = 500});
        run.tick(0);
        CHECK(run.peer.next_deadline() == no_deadline);
        REQUIRE_FALSE(Side::say_something(run.peer));
        CHECK(run.peer.next_deadline() == no_deadline);
        run.drains = false;
        if constexpr (Side::own == role::server) {
            run.feed(framed("DISCONNECT\nreceipt:1\n\n"));
        } else {
            REQUIRE_FALSE(run.peer.disconnect());
        }
        fresh(run, 500);
        CHECK_FALSE(run.peer.done());
        CHECK_FALSE(run.peer.error());
        run.tick(hour + 500);
        CHECK(run.peer.done());
    }
    {
        auto run = connected_run<Side>("1.2", {.disconnect_timeout = 500});
        run.tick(0);
        REQUIRE_FALSE(Side::say_something(run.peer));
        run.drains = false;
        run.feed("?\n");
        fresh(run, 500);
        CHECK_FALSE(run.peer.done());
        run.tick(hour + 500);
        CHECK(run.peer.done());
    }
    {
        // The peer's heart-beats are awaited from the opening on.
        scripted_session<typename Side::session> run(Side::make({.heart_beat = {0, 1000}, .connect_timeout = never}));
        run.tick(0);
        run.tick(hour - 1);
        run.feed(Side::opening("1.2", "heart-beat:1000,0\n"));
        fresh(run, 2500);
        CHECK_FALSE(run.peer.error());
        run.tick(hour + 2500);
        CHECK(run.peer.error() == errc::heart_beat_timeout);
    }
    {
        // And so is the own one sent.
        scripted_session<typename Side::session> run(Side::make({.heart_beat = {1000, 0}, .connect_timeout = never}));
        run.tick(0);
        run.feed(Side::opening("1.2", "heart-beat:0,1000\n"));
        static_cast<void>(run.take_frames());
        fresh(run, 750);
        CHECK(run.take_frames().empty());
        run.tick(hour + 750);
        CHECK(run.take_frames() == lines{"\n"});
    }
}

TEST_CASE_TEMPLATE("S5: what is sent counts from the last tick, and asks for no tick of its own", Side,
                   stomp_server_side, stomp_client_side) {
    auto run = beating<Side>({1000, 0}, {0, 1000});
    for (const instant now : {instant{300}, instant{700}, instant{1400}}) {
        run.tick(now);
        REQUIRE_FALSE(Side::say_something(run.peer));
        CHECK(run.take_frames().size() == 1);
        CHECK(run.peer.next_deadline() == now + 750);
    }
    // Input asks for no tick either; its wait counts from the next one.
    auto heard = beating<Side>({0, 1000}, {1000, 0});
    heard.tick(100);
    heard.feed("\n");
    CHECK(heard.peer.next_deadline() == 2500);
    heard.tick(2400);
    CHECK(heard.peer.next_deadline() == 4900);
}

TEST_CASE_TEMPLATE("S5: a heart-beat that finds output before it looks again soon", Side, stomp_server_side,
                   stomp_client_side) {
    for (const std::uint32_t interval : {1U, 2U, 1000U}) {
        auto run = beating<Side>({interval, 0}, {0, interval});
        run.drains = false;
        REQUIRE_FALSE(Side::say_something(run.peer));
        const instant due = run.peer.next_deadline();
        run.tick(due);
        CHECK(run.peer.next_deadline() > due);
        CHECK(run.peer.next_deadline() <= due + interval / 4 + 1);
        static_cast<void>(run.take_frames());
        run.tick(run.peer.next_deadline());
        CHECK(run.take_frames() == lines{"\n"});
    }
}

TEST_CASE_TEMPLATE("S13: a peer that takes the last output slowly has its time with each part", Side, stomp_server_side,
                   stomp_client_side) {
    auto run = connected_run<Side>("1.2", {.disconnect_timeout = 500});
    run.tick(0);
    for (int i = 0; i != 10; ++i) REQUIRE_FALSE(Side::say_something(run.peer));
    run.drains = false;
    run.feed("?\n");
    run.tick(0);
    instant now = 0;
    while (!run.peer.output().empty()) {
        REQUIRE_FALSE(run.peer.done());
        now += 499;
        run.tick(now);
        run.drain(5);
        run.tick(now);
    }
    CHECK(run.peer.done());
    CHECK(now > 5000);
}

TEST_CASE_TEMPLATE("S13: what is queued goes out after the end of the input", Side, stomp_server_side,
                   stomp_client_side) {
    auto run = connected_run<Side>("1.2", {.disconnect_timeout = 500});
    run.drains = false;
    REQUIRE_FALSE(Side::say_something(run.peer));
    REQUIRE_FALSE(Side::say_something(run.peer));
    const std::size_t queued = run.peer.waiting();
    run.finish();
    CHECK(run.peer.error() == errc::end_of_input);
    CHECK(run.peer.waiting() == queued);
    CHECK_FALSE(run.peer.done());
    CHECK(run.take_frames().size() == 2);
    CHECK(run.peer.done());

    auto gone = connected_run<Side>("1.2", {.disconnect_timeout = 500});
    gone.drains = false;
    REQUIRE_FALSE(Side::say_something(gone.peer));
    gone.finish();
    gone.tick(1000);
    gone.tick(1499);
    CHECK_FALSE(gone.peer.done());
    gone.tick(1500);
    CHECK(gone.peer.done());
    CHECK(gone.log.size() == 1);
}

// --- output and memory

TEST_CASE_TEMPLATE("what output() returned stays in place until sent() takes it, in memory of either kind", Side,
                   stomp_server_side, stomp_client_side) {
    const auto check = [](auto run) {
        run.drains = false;
        REQUIRE_FALSE(Side::say_something(run.peer));
        const cbytes shown = run.peer.output();
        const std::string before(text_of(shown));
        std::size_t taken = 0;
        const auto stays = [&] { return text_of(shown) == before && run.peer.output().data() == shown.data() + taken; };
        const auto fill = [&] {
            for (int i = 0; i != 200; ++i) {
                static_cast<void>(Side::say_something(run.peer));
                REQUIRE(stays());
            }
        };
        fill();
        run.tick(0);
        run.feed(Side::frame_with("a body"));
        REQUIRE(stays());
        run.peer.release_memory();
        REQUIRE(stays());
        const std::size_t waiting = run.peer.waiting();
        run.peer.sent(taken = 2);
        CHECK(run.peer.waiting() == waiting - 2);
        CHECK(text_of(run.peer.output()).starts_with(before.substr(2)));
        fill();
        run.feed("?\n");
        REQUIRE(stays());
        run.sent = before.substr(0, 2);
        CHECK(run.take_frames().size() > 3);
        CHECK(run.peer.done());
    };
    std::array<std::byte, 300> input{};
    std::array<std::byte, 2000> output{}, names{}, more{};
    check(connected_by(Side::make_small(input, output, names, more), Side::opening()));
    check(connected_run<Side>());
}

TEST_CASE_TEMPLATE("output() shows at most 64 KiB at a time", Side, stomp_server_side, stomp_client_side) {
    auto run = connected_run<Side>();
    run.drains = false;
    while (run.peer.waiting() < 1'000'000) REQUIRE_FALSE(Side::say_something(run.peer));
    std::size_t parts = 0;
    while (!run.peer.output().empty()) {
        REQUIRE(run.peer.output().size() <= 64 * 1024);
        run.peer.sent(run.peer.output().size());
        ++parts;
    }
    CHECK(parts > 15);
    CHECK(run.peer.waiting() == 0);
}

TEST_CASE_TEMPLATE("memory that is not in use can be given back, at any time", Side, stomp_server_side,
                   stomp_client_side) {
    const std::string input = conversation(Side());
    lines log;
    std::string sent;
    for (std::size_t cut = 0; cut <= input.size(); ++cut) {
        const auto react = [](auto& peer, const auto& event) { answer(peer, event); };
        scripted_session<typename Side::session> run(Side::make(), react);
        run.drains = cut % 2 == 0;
        run.peer.release_memory();
        run.feed(std::string_view(input).substr(0, cut));
        run.peer.release_memory();
        run.peer.release_memory();
        run.feed(std::string_view(input).substr(cut));
        run.finish();
        run.peer.release_memory();
        run.drain();
        if (cut == 0) log = run.log, sent = run.sent;
        CAPTURE(cut);
        REQUIRE(run.complaint == "");
        REQUIRE(run.log == log);
        REQUIRE(run.sent == sent);
    }
    // And it is given back: what comes next takes memory anew.
    auto run = connected_run<Side>();
    const std::string frame = Side::frame_with("abc");
    const auto in_pieces = [&] {
        const std::size_t before = allocations();
        for (const char& each : frame) {
            std::byte octet{static_cast<unsigned char>(each)};
            bytes in(&octet, 1);
            static_cast<void>(run.peer.next(in));
        }
        return allocations() - before;
    };
    static_cast<void>(in_pieces());
    CHECK(in_pieces() == 0);
    run.peer.release_memory();
    CHECK(in_pieces() == 1);
}

TEST_CASE_TEMPLATE("no memory is taken in steady state, and none at all for frames that come whole", Side,
                   stomp_server_side, stomp_client_side) {
    for (const std::size_t piece : {std::size_t{1'000'000}, std::size_t{5}}) {
        auto run = connected_run<Side>();
        const std::string frame = "\n" + Side::frame_with(std::string(3000, 'b'));
        std::string input = frame;
        std::size_t warm = 0;
        for (int round = 0; round != 100; ++round) {
            input.assign(frame);
            const std::size_t before = allocations();
            std::size_t seen = 0;
            for (std::size_t at = 0; at < input.size(); at += piece) {
                bytes in = bytes_of(input.data() + at, std::min(piece, input.size() - at));
                while (const auto event = run.peer.next(in)) seen += event.body.size();
            }
            REQUIRE(seen == 3000);
            if (piece > input.size()) REQUIRE(allocations() == before);
            REQUIRE_FALSE(Side::say_something(run.peer));
            while (!run.peer.output().empty()) run.peer.sent(std::min<std::size_t>(3, run.peer.output().size()));
            if (round == 3) warm = allocations();
            if (round > 3) REQUIRE(allocations() == warm);
        }
    }
}

TEST_CASE_TEMPLATE("an event of a frame that came whole lies in the input", Side, stomp_server_side,
                   stomp_client_side) {
    auto run = connected_run<Side>();
    const std::string whole = Side::frame_with("the body");
    const std::string frame = whole.substr(0, whole.find("\n\n")) + "\nx-\\c:a\\\\b\n\nthe body" + std::string(1, '\0');
    std::string input = frame + frame;
    const auto lies_in = [&](std::string_view text) {
        return text.data() >= input.data() && text.data() + text.size() <= input.data() + input.size();
    };
    bytes in = bytes_of(input.data(), input.size());
    const std::size_t before = allocations();
    for (int i = 0; i != 2; ++i) {
        const auto event = run.peer.next(in);
        REQUIRE(event);
        CHECK(event.text() == "the body");
        CHECK(lies_in(event.text()));
        CHECK(lies_in(event.destination));
        std::size_t headers = 0;
        for (const stomp::header& each : event.headers) {
            CHECK(lies_in(each.name));
            CHECK(lies_in(each.value));
            ++headers;
        }
        CHECK(headers >= 2);
        CHECK(event.headers.find("x-:") == "a\\b");
    }
    CHECK(allocations() == before);
}

TEST_CASE_TEMPLATE("a session without memory left says so and goes on", Side, stomp_server_side, stomp_client_side) {
    auto run = connected_run<Side>();
    run.peer.release_memory();
    {
        const empty_heap none;
        CHECK(Side::say_something(run.peer) == errc::no_room);
        CHECK(run.peer.output().empty());
        std::string frame = Side::frame_with("whole");
        bytes in = bytes_of(frame.data(), frame.size());
        CHECK(run.peer.next(in));
    }
    CHECK_FALSE(Side::say_something(run.peer));
    CHECK(run.take_frames().size() == 1);
    {
        const empty_heap none;
        std::string frame = "SEN";
        bytes in = bytes_of(frame.data(), frame.size());
        run.peer.release_memory();
        const auto event = run.peer.next(in);
        CHECK(event.error == errc::head_too_large);
    }
    CHECK(run.peer.state() == stomp::state::closed);
}

// --- both ends together

namespace {

// Carries bytes between two sessions, cut at random and with short writes, until neither has anything to send.
void converse(client_run& client, server_run& server, std::mt19937_64& random) {
    client.drains = server.drains = false;
    const auto carry = [&](auto& from, auto& to) {
        const std::size_t size = from.peer.output().size();
        if (size == 0) return false;
        const std::size_t most = std::size_t{1} << (random() % 12);
        const std::size_t taken = std::min(size, 1 + static_cast<std::size_t>(random()) % most);
        const std::string piece(text_of(from.peer.output().first(taken)));
        from.peer.sent(taken);
        to.feed(piece);
        return true;
    };
    for (bool busy = true; busy;) {
        busy = carry(client, server);
        busy = carry(server, client) || busy;
    }
}

std::string random_text(std::mt19937_64& random, std::string_view characters, std::size_t most) {
    std::string out(static_cast<std::size_t>(random() % (most + 1)), ' ');
    for (char& c : out) c = characters[static_cast<std::size_t>(random()) % characters.size()];
    return out;
}

} // namespace

TEST_CASE("S5 S6 S7 S9 S10 S11: two sessions understand each other at any cuts, in every version") {
    for (std::uint64_t seed = 0; seed != 60; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random(seed);
        const stomp::version versions[] = {stomp::version::v1_0, stomp::version::v1_1, stomp::version::v1_2};
        const stomp::version agreed = versions[seed % 3];
        const stomp::ack_mode mode = seed % 2 == 0 ? stomp::ack_mode::client : stomp::ack_mode::automatic;
        const std::string_view characters = agreed == stomp::version::v1_0   ? "ab\\ "
                                            : agreed == stomp::version::v1_1 ? "ab:\\\n\r"
                                                                             : "ab:\\\n\r\xEA";
        std::vector<std::string> said, heard, receipts, got;

        server_run server(stomp::server_session{}, [](stomp::server_session& peer, const stomp::server_event& event) {
            if (event.kind == stomp::server_kind::connect) REQUIRE_FALSE(peer.accept());
            if (event.kind != stomp::server_kind::send) return;
            REQUIRE_FALSE(
                peer.deliver(1, {.destination = event.destination, .forwarded = event.headers, .body = event.body})
                    .error);
        });
        client_run client(stomp_client_side::make({.versions = {agreed}}),
                          [&](stomp::client_session& peer, const stomp::client_event& event) {
                              if (event.kind == stomp::client_kind::receipt) got.emplace_back(event.receipt_id);
                              if (event.kind != stomp::client_kind::message) return;
                              heard.push_back(std::string(event.destination) + "|" +
                                              std::string(event.headers.find("x-:")) + "|" + std::string(event.text()));
                              if (mode == stomp::ack_mode::client && random() % 2 == 0) REQUIRE_FALSE(peer.ack(event));
                          });
        converse(client, server, random);
        REQUIRE(client.peer.version() == agreed);
        REQUIRE(server.peer.version() == agreed);
        REQUIRE_FALSE(client.peer.subscribe({.id = "s:1", .destination = "/a", .ack = mode, .receipt = "first"}));
        receipts.push_back("first");
        for (int i = 0; i != 30; ++i) {
            // In 1.0 there are no blanks around a value.
            const std::string end = agreed == stomp::version::v1_0 ? "." : "";
            const std::string destination = "/" + random_text(random, characters, 6) + end;
            const std::string value = end + random_text(random, characters, 20) + end;
            const std::string body = random_text(random, std::string_view("ab\0\n", 4), random() % 8 == 0 ? 5000 : 30);
            const std::string receipt =
                random() % 3 == 0 ? "r" + std::to_string(i) + random_text(random, characters, 3) + end : std::string();
            const std::string_view name = agreed == stomp::version::v1_0 ? "x-" : "x-:";
            const stomp::header header[] = {{name, value}};
            REQUIRE_FALSE(client.peer.send(
                {.destination = destination, .receipt = receipt, .headers = header, .body = bytes_of(body)}));
            said.push_back(destination + "|" + (agreed == stomp::version::v1_0 ? "" : value) + "|" + body);
            if (!receipt.empty()) receipts.push_back(receipt);
            if (random() % 3 == 0) converse(client, server, random);
        }
        converse(client, server, random);
        CHECK(heard == said);
        CHECK(got == receipts);
        CHECK(names_in(client.peer.receipts()).empty());
        REQUIRE_FALSE(client.peer.disconnect());
        converse(client, server, random);
        CHECK(client.log.back() == "closed receipt-id=disconnect");
        CHECK(client.peer.done());
        CHECK(server.peer.done());
        server.finish();
        CHECK(server.log.back() == "closed");
        CHECK(client.complaint == "");
        CHECK(server.complaint == "");
    }
}

TEST_CASE("S5: two sessions keep each other alive for as long as both are woken at their deadlines") {
    for (const std::uint32_t interval : {1U, 2U, 3U, 10U, 1000U, 60'000U}) {
        std::mt19937_64 random(interval);
        const stomp::options how{.heart_beat = {interval, interval}};
        server_run server{stomp_server_side::make(how)};
        client_run client{stomp_client_side::make(how)};
        server.tick(0);
        client.tick(0);
        converse(client, server, random);
        REQUIRE(client.peer.is_open());
        sockless::instant now = 0;
        for (int i = 0; i != 200; ++i) {
            now = std::min(client.peer.next_deadline(), server.peer.next_deadline());
            if (now == client.peer.next_deadline()) client.tick(now);
            if (now == server.peer.next_deadline()) server.tick(now);
            converse(client, server, random);
        }
        CHECK(now >= 50 * interval);
        CHECK(client.peer.is_open());
        CHECK(server.peer.is_open());
        // And one that is gone is noticed.
        client.tick(now);
        client.tick(now + 5 * interval / 2);
        CHECK(client.peer.error() == errc::heart_beat_timeout);
    }
}
