// Time: what is due after an hour without a tick, and peers that read and write slowly, or stop.
// SPDX-License-Identifier: MIT
#include "host.hpp"

using namespace sockless;
using namespace sockless::test;

// --- an hour of quiet: a wait that begins between two ticks counts from the next tick

namespace {

// A wait has begun since the last tick. Lets an hour pass and ticks: `is_over` must become true `duration` after that
// tick, and not before. A caller that asks for the next deadline must be told to tick earlier.
template <class Run, class Condition>
void counts_from_next_tick(Run& run, instant last_tick, instant duration, Condition is_over) {
    CHECK(run.peer.next_deadline() <= last_tick + duration);
    const instant begin = last_tick + hour;
    run.tick(begin);
    CHECK_FALSE(is_over());
    CHECK(run.peer.next_deadline() <= begin + duration);
    run.tick(begin + 1); // which does not begin it anew
    run.tick(begin + duration - 1);
    CHECK_FALSE(is_over());
    run.tick(begin + duration);
    CHECK(is_over());
}

// An open connection at the time 0, with nothing to send.
template <class Side>
auto open_at_0(const ws::options& options = {}) {
    auto run = opened<Side>(options);
    run.drains = false;
    run.tick(0);
    return run;
}

} // namespace

TEST_CASE_TEMPLATE("C6: after an hour of quiet, close() has its whole timeout", Side, server_side, client_side) {
    auto run = open_at_0<Side>();
    REQUIRE_FALSE(run.peer.close(1001));
    SUBCASE("whether the Close leaves at once") { run.drain(); }
    SUBCASE("or never") {}
    counts_from_next_tick(run, 0, 5000, [&] { return !run.log.empty(); });
    CHECK(run.log == lines{"closed 1006 unclean close_timeout"});
    CHECK(run.peer.done());
}

TEST_CASE_TEMPLATE("C6: the timeout of close() begins once the Close has left", Side, server_side, client_side) {
    auto run = open_at_0<Side>();
    REQUIRE_FALSE(run.peer.close(1001));
    run.tick(1000);
    run.tick(4000);
    run.drain(1);
    run.tick(8000);
    CHECK(run.log.empty());
    run.drain();
    counts_from_next_tick(run, 8000, 5000, [&] { return !run.log.empty(); });
    CHECK(run.log == lines{"closed 1006 unclean close_timeout"});
}

TEST_CASE_TEMPLATE("C6: close() before the first tick is counted from that", Side, server_side, client_side) {
    auto run = opened<Side>();
    REQUIRE_FALSE(run.peer.close());
    run.drain();
    counts_from_next_tick(run, 0, 5000, [&] { return !run.log.empty(); });
}

TEST_CASE_TEMPLATE("C6: after an hour of quiet, the answer to the peer's Close has time to leave", Side, server_side,
                   client_side) {
    auto run = open_at_0<Side>();
    run.feed_copy(close_frame(Side::other, 1000));
    CHECK(run.log == lines{"closed 1000 clean none"});
    counts_from_next_tick(run, 0, 5000, [&] { return run.peer.done(); });
    CHECK(run.log.size() == 1);
}

TEST_CASE("C6: after an hour of quiet, a client waits for the server to end the connection") {
    auto run = open_at_0<client_side>();
    SUBCASE("which has said Close first") {}
    SUBCASE("which has answered its Close") { REQUIRE_FALSE(run.peer.close()); }
    run.feed_copy(close_frame(role::server, 1000));
    run.drain();
    counts_from_next_tick(run, 0, 5000, [&] { return run.peer.done(); });
}

TEST_CASE_TEMPLATE("C7: after an hour of quiet, the Close of a failure has time to leave", Side, server_side,
                   client_side) {
    auto run = open_at_0<Side>();
    run.feed_copy(frame(Side::other, 0xFF));
    CHECK(run.log == lines{"closed 1006 unclean reserved_bit_set"});
    SUBCASE("and leaves") {
        run.tick(hour);
        CHECK_FALSE(run.peer.done());
        run.drain();
        CHECK(run.peer.done());
    }
    SUBCASE("or not, and is given up") {
        counts_from_next_tick(run, 0, 5000, [&] { return run.peer.done(); });
    }
}

TEST_CASE("H12: after an hour of quiet, a refusal has time to leave") {
    scripted run(server_side::make());
    run.drains = false;
    run.tick(0);
    run.feed_text("POST / HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(run.log == lines{"closed 1006 unclean method_not_get"});
    run.tick(hour);
    CHECK_FALSE(run.peer.done());
    CHECK(text_of(run.peer.output()).substr(0, 13) == "HTTP/1.1 405 ");
    run.drain();
    CHECK(run.peer.done());
}

TEST_CASE_TEMPLATE("C8: after an hour of quiet, what is queued when the peer ends its side has time to leave", Side,
                   server_side, client_side) {
    auto run = open_at_0<Side>();
    REQUIRE_FALSE(run.peer.send_text("last words"));
    run.finish();
    CHECK(run.log == lines{"closed 1006 unclean end_of_input"});
    counts_from_next_tick(run, 0, 5000, [&] { return run.peer.done(); });
}

TEST_CASE_TEMPLATE("C8: the opening handshake has its whole timeout from the first tick, however late", Side,
                   server_side, client_side) {
    scripted run(Side::make());
    run.drains = false;
    run.tick(hour);
    run.feed_copy(cbytes(Side::opening()).first(30));
    run.tick(hour + 9999);
    CHECK(run.log.empty());
    run.tick(hour + 10'000);
    CHECK(run.log == lines{"closed 1006 unclean handshake_timeout"});
}

TEST_CASE_TEMPLATE("after an hour of quiet, a connection that has just opened is not asked with a Ping", Side,
                   server_side, client_side) {
    scripted<typename Side::endpoint> run(Side::make({.ping_interval = 1000}), [](auto&, const ws::event&) {});
    run.tick(0);
    if constexpr (Side::own == role::server) {
        // The caller looks something up before it answers.
        run.feed_copy(Side::opening());
        run.tick(1);
        REQUIRE_FALSE(run.peer.accept());
        run.drain();
    } else {
        run.tick(1);
        run.feed_copy(Side::opening());
    }
    run.drains = false;
    counts_from_next_tick(run, 1, 1000, [&] { return !run.peer.output().empty(); });
    CHECK(frames_in(run.peer.output()).at(0).first == 0x89);
}

TEST_CASE_TEMPLATE("after an hour of quiet, silence is counted from the last sign of life", Side, server_side,
                   client_side) {
    auto run = open_at_0<Side>({.ping_interval = 1000});
    const auto pings = [&] { return !run.peer.output().empty(); };
    SUBCASE("something came meanwhile") {
        run.feed_copy(frame(Side::other, 0x8A));
        counts_from_next_tick(run, 0, 1000, pings);
    }
    SUBCASE("something that had waited left meanwhile") {
        REQUIRE_FALSE(run.peer.send_text("xyz"));
        run.drain(1);
        counts_from_next_tick(run, 0, 1000,
                              [&] { return run.peer.waiting() > 4 + (Side::own == role::client ? 4 : 0); });
    }
    SUBCASE("something left at once meanwhile, for which the system has room even if the peer is gone") {
        REQUIRE_FALSE(run.peer.send_text("x"));
        run.drain();
        run.tick(hour);
        CHECK(pings());
    }
    SUBCASE("there was none") {
        run.tick(hour);
        CHECK(pings());
    }
}

TEST_CASE_TEMPLATE("after an hour of quiet, a Ping has its whole timeout, from when it has left", Side, server_side,
                   client_side) {
    auto run = open_at_0<Side>({.ping_interval = 1000, .pong_timeout = 300});
    const auto is_given_up = [&] { return !run.log.empty(); };
    run.tick(1000);
    REQUIRE(run.peer.output().size() > 1);
    CHECK(run.peer.next_deadline() <= 1300);
    SUBCASE("it leaves at once") {
        run.drain();
        counts_from_next_tick(run, 1000, 300, is_given_up);
    }
    SUBCASE("it leaves by and by") {
        run.drain(1);
        run.tick(1200);
        run.drain();
        counts_from_next_tick(run, 1200, 300, is_given_up);
    }
    SUBCASE("it never leaves") {
        run.tick(1299);
        CHECK_FALSE(is_given_up());
        run.tick(1300);
        CHECK(is_given_up());
    }
    CHECK(run.log == lines{"closed 1006 unclean pong_timeout"});
}

TEST_CASE_TEMPLATE("a caller that ticks at deadlines alone comes to an end", Side, server_side, client_side) {
    auto run = open_at_0<Side>();
    instant now = 0;
    const auto tick_at_deadline = [&] {
        REQUIRE(run.peer.next_deadline() != no_deadline);
        now = std::max(now, run.peer.next_deadline());
        run.tick(now);
    };
    REQUIRE_FALSE(run.peer.close());
    // The first of these ticks tells when the wait began, the next ends it.
    for (int ticks = 0; ticks != 6 && !run.peer.done(); ++ticks) tick_at_deadline();
    CHECK(run.peer.done());
    CHECK(now <= 2 * 5000);
}

// --- the same for sessions

namespace {

template <class Side>
auto connected_at_0(const stomp::options& options = {}, std::string_view heart_beat = {}) {
    scripted_session<typename Side::session> run(Side::make(options));
    run.tick(0);
    run.feed(Side::opening("1.2", heart_beat));
    run.drains = false;
    run.sent.clear();
    run.log.clear();
    return run;
}

template <class Run>
bool is_lost_by(const Run& run, stomp::errc why) {
    return run.log.size() == 1 && run.log[0].substr(0, 5) == "lost " && run.peer.error() == why;
}

} // namespace

TEST_CASE("S7: after an hour of quiet, DISCONNECT has its whole timeout, from when it has left") {
    auto run = connected_at_0<stomp_client_side>();
    REQUIRE_FALSE(run.peer.disconnect());
    instant last_tick = 0;
    SUBCASE("it leaves at once") { run.drain(); }
    SUBCASE("it leaves by and by") {
        run.tick(1000);
        run.tick(4000);
        run.drain(1);
        run.tick(8000);
        run.drain();
        last_tick = 8000;
    }
    SUBCASE("it never leaves") {}
    counts_from_next_tick(run, last_tick, 5000, [&] { return !run.log.empty(); });
    CHECK(is_lost_by(run, stomp::errc::receipt_timeout));
}

TEST_CASE("S7: after an hour of quiet, the answer to DISCONNECT has time to leave") {
    auto run = connected_at_0<stomp_server_side>();
    run.feed(framed("DISCONNECT\nreceipt:r\n\n"));
    CHECK_FALSE(run.peer.output().empty());
    counts_from_next_tick(run, 0, 5000, [&] { return run.peer.done(); });
}

TEST_CASE_TEMPLATE("S13: after an hour of quiet, what is queued when a session is lost has time to leave", Side,
                   stomp_server_side, stomp_client_side) {
    auto run = connected_at_0<Side>();
    REQUIRE_FALSE(Side::say_something(run.peer));
    SUBCASE("by a frame that breaks a rule") { run.feed("?\n"); }
    SUBCASE("by the end of the input") { run.finish(); }
    CHECK(run.log.size() == 1);
    counts_from_next_tick(run, 0, 5000, [&] { return run.peer.done(); });
}

TEST_CASE("S13: after an hour of quiet, an ERROR of the caller's has time to leave") {
    auto run = connected_at_0<stomp_server_side>();
    REQUIRE_FALSE(run.peer.refuse("no more"));
    counts_from_next_tick(run, 0, 5000, [&] { return run.peer.done(); });
}

TEST_CASE_TEMPLATE("S6: connecting has its whole timeout from the first tick, however late", Side, stomp_server_side,
                   stomp_client_side) {
    scripted_session<typename Side::session> run(Side::make());
    run.drains = false;
    run.tick(hour);
    run.feed(Side::opening().substr(0, 9));
    run.tick(hour + 9999);
    CHECK(run.log.empty());
    run.tick(hour + 10'000);
    CHECK(is_lost_by(run, stomp::errc::connect_timeout));
}

TEST_CASE_TEMPLATE("S5: after an hour of quiet, the heart-beats of the peer are awaited from the last sign of life",
                   Side, stomp_server_side, stomp_client_side) {
    const stomp::options options{.heart_beat = {0, 1000}};
    const std::string promise = "heart-beat:1000,0\n";
    const auto is_given_up = [](const auto& run) {
        return [&run] { return run.peer.error() == stomp::errc::heart_beat_timeout; };
    };
    SUBCASE("which is the opening") {
        auto run = connected_at_0<Side>(options, promise);
        counts_from_next_tick(run, 0, 2500, is_given_up(run));
    }
    SUBCASE("which came meanwhile") {
        auto run = connected_at_0<Side>(options, promise);
        run.tick(1);
        run.feed("\n");
        counts_from_next_tick(run, 1, 2500, is_given_up(run));
    }
    SUBCASE("and there was none") {
        auto run = connected_at_0<Side>(options, promise);
        run.tick(1);
        run.tick(hour);
        CHECK(is_given_up(run)());
    }
}

TEST_CASE_TEMPLATE("S5: own heart-beats are never late, also after an hour of quiet", Side, stomp_server_side,
                   stomp_client_side) {
    auto run = connected_at_0<Side>({.heart_beat = {1000, 0}}, "heart-beat:0,1000\n");
    run.drain();
    SUBCASE("what has left between two ticks may have left right after the first") {
        run.tick(1);
        REQUIRE_FALSE(Side::say_something(run.peer));
        run.drain();
        CHECK(run.peer.next_deadline() <= 1 + 1000);
        run.tick(hour);
    }
    SUBCASE("the opening counts from the next tick, as nothing was promised before") {
        run.tick(hour);
        run.tick(hour + 499);
        CHECK(run.peer.output().empty());
        run.tick(hour + 1000);
    }
    CHECK(text_of(run.peer.output()) == "\n");
}

TEST_CASE_TEMPLATE("S5: after an hour in which nothing has left, a heart-beat does at once", Side, stomp_server_side,
                   stomp_client_side) {
    auto run = connected_at_0<Side>({.heart_beat = {1000, 0}}, "heart-beat:0,1000\n");
    run.drain();
    run.tick(1);
    run.tick(hour);
    CHECK(text_of(run.peer.output()) == "\n");
}

TEST_CASE("S5: after an hour of quiet, a client that is accepted late is not given up") {
    scripted_session<stomp::server_session> run(stomp_server_side::make({.heart_beat = {0, 1000}}),
                                                [](auto&, const auto&) {});
    run.tick(0);
    run.feed(connect_text("1.2", "heart-beat:1000,0\n"));
    run.log.clear();
    run.tick(1);
    REQUIRE_FALSE(run.peer.accept());
    run.drain();
    counts_from_next_tick(run, 1, 2500, [&] { return !run.log.empty(); });
}

// --- slow peers

namespace {

constexpr std::uint64_t unlimited = UINT64_MAX;

// A program, `near`, and its peer, `far`, which takes and gives so many bytes a second. Nothing lies between them: what
// has left the one has come to the other.
template <class Near, class Far>
class slow_connection {
  public:
    static constexpr instant step = 20;

    slow_connection(Near hosted, Far peer, bool only_at_deadlines = false)
        : near(static_cast<Near&&>(hosted)), far(static_cast<Far&&>(peer)), ticks_only_at_deadlines(only_at_deadlines) {
        near.tick(now);
        far.tick(now);
    }

    Near near;
    Far far;
    std::uint64_t reads = unlimited;  // bytes per second that the peer takes
    std::uint64_t writes = unlimited; // and that it gives
    bool far_ticks = false;           // whether the peer knows the time
    bool ticks_only_at_deadlines;     // whether the host ticks only when a deadline has come
    instant now = 0;

    // Lets time pass until something is so, at most until `latest`; whether it is.
    template <class Condition>
    [[nodiscard]] bool is_by(instant latest, Condition condition) {
        while (!condition() && now < latest) pass_a_step();
        return condition();
    }
    void pass_until(instant time) {
        static_cast<void>(is_by(time, [] { return false; }));
    }

  private:
    void pass_a_step() {
        now += step;
        if (!near.done()) move(near, far, reads, left_to_read_);
        move(far, near, writes, left_to_write_);
        if (far_ticks) far.tick(now);
        if (!ticks_only_at_deadlines || near.next_deadline() <= now) near.tick(now);
        // An end that is done ends its side of the TCP connection.
        if (near.done() && !std::exchange(far_has_finished_, true)) far.finish();
        if (far.done() && !near.done() && !std::exchange(near_has_finished_, true)) near.finish();
    }

    // Moves what the rate allows for a step; what is too little for a byte adds up.
    template <class From, class To>
    static void move(From& from, To& to, std::uint64_t rate, std::uint64_t& left) {
        left = rate == unlimited ? unlimited : left % 1000 + rate * step;
        while (left >= 1000 && !from.output().empty()) {
            const std::size_t size = std::min<std::uint64_t>(from.output().size(), left / 1000);
            buffer piece(from.output().begin(), from.output().begin() + static_cast<std::ptrdiff_t>(size));
            from.sent(size);
            if (rate != unlimited) left -= size * 1000;
            to.hear(piece);
        }
    }

    std::uint64_t left_to_read_ = 0; // thousandths of a byte
    std::uint64_t left_to_write_ = 0;
    bool near_has_finished_ = false;
    bool far_has_finished_ = false;
};

std::string block(std::size_t number) {
    std::string text = std::to_string(number);
    text.resize(64 * kib, '.');
    return text;
}

// Queues so much as messages.
template <class Peer>
void queue(Peer& peer, std::size_t size) {
    for (std::size_t i = 0; i != size / (64 * kib); ++i) REQUIRE_FALSE(peer.send_text(block(i)));
}

// Whether exactly these messages came.
bool has_come(const lines& heard, std::size_t size) {
    for (std::size_t i = 0; i != heard.size(); ++i) {
        if (heard[i] != block(i)) return false;
    }
    return heard.size() == size / (64 * kib);
}

// A WebSocket of this side, with a peer that is open too.
template <class Side>
auto open_connection(const ws::options& options = {}, bool only_at_deadlines = false) {
    ws::client client(ws::entropy(seed_of(1)), Side::own == role::client ? options : ws::options{});
    ws::server server(Side::own == role::server ? options : ws::options{});
    REQUIRE_FALSE(client.request({.host = "h", .target = "/"}));
    websocket_program client_program(static_cast<ws::client&&>(client));
    websocket_program server_program(static_cast<ws::server&&>(server));
    const auto open = [](auto run) {
        REQUIRE(run.is_by(second, [&] { return run.near.peer.is_open() && run.far.peer.is_open(); }));
        return run;
    };
    if constexpr (Side::own == role::server) {
        return open(slow_connection(std::move(server_program), std::move(client_program), only_at_deadlines));
    } else {
        return open(slow_connection(std::move(client_program), std::move(server_program), only_at_deadlines));
    }
}

} // namespace

TEST_CASE_TEMPLATE("a slow reader is not declared dead, nor is one that has read all", Side, server_side, client_side) {
    for (const bool only_at_deadlines : {false, true}) {
        CAPTURE(only_at_deadlines);
        auto run = open_connection<Side>({.ping_interval = 5000, .pong_timeout = 2000}, only_at_deadlines);
        queue(run.near.peer, 16 * mib);
        run.reads = 200'000;
        CHECK(run.is_by(run.now + 2 * minute, [&] { return run.near.output().empty() || !run.near.told.empty(); }));
        CHECK(run.near.told == lines{});
        CHECK(has_come(run.far.heard, 16 * mib));
        run.pass_until(run.now + minute);
        CHECK(run.near.told == lines{});
        // It lives, as its Pongs say.
        CHECK(run.near.ponged.size() > 5);
    }
}

TEST_CASE_TEMPLATE("a reader that stops is declared dead in time", Side, server_side, client_side) {
    auto run = open_connection<Side>({.close_timeout = 1000, .ping_interval = 5000, .pong_timeout = 2000});
    queue(run.near.peer, 16 * mib);
    run.reads = 200'000;
    run.pass_until(run.now + 20 * second);
    CHECK(run.near.told == lines{});
    run.reads = run.writes = 0;
    const instant stopped = run.now;
    run.pass_until(stopped + 5000 - run.step);
    CHECK(run.near.told == lines{});
    CHECK(run.is_by(stopped + 5000 + 2000 + 2 * run.step, [&] { return !run.near.told.empty(); }));
    CHECK(run.near.told == lines{"closed 1006 unclean pong_timeout"});
    CHECK(run.is_by(run.now + 1000 + 2 * run.step, [&] { return run.near.done(); }));
}

TEST_CASE_TEMPLATE("a peer that writes slowly lives", Side, server_side, client_side) {
    auto run = open_connection<Side>({.ping_interval = 5000, .pong_timeout = 2000});
    REQUIRE_FALSE(run.far.peer.send_text("a message that takes a minute"));
    run.writes = 1;
    run.pass_until(run.now + minute);
    CHECK(run.near.told == lines{});
    CHECK(run.near.heard == lines{"a message that takes a minute"});
}

TEST_CASE_TEMPLATE("C6: all that is queued before close() comes to a slow reader, and the end is clean", Side,
                   server_side, client_side) {
    for (const bool only_at_deadlines : {false, true}) {
        CAPTURE(only_at_deadlines);
        auto run = open_connection<Side>({}, only_at_deadlines);
        queue(run.near.peer, 8 * mib);
        REQUIRE_FALSE(run.near.peer.close());
        run.reads = mib;
        CHECK(run.is_by(run.now + minute, [&] { return run.near.done() && run.far.done(); }));
        CHECK(has_come(run.far.heard, 8 * mib));
        CHECK(run.near.told == lines{"closed 1000 clean none"});
        CHECK(run.far.told == lines{"closed 1000 clean none"});
    }
}

TEST_CASE_TEMPLATE("C6: a reader that stops after close() is not waited for without end", Side, server_side,
                   client_side) {
    auto run = open_connection<Side>();
    queue(run.near.peer, 8 * mib);
    REQUIRE_FALSE(run.near.peer.close());
    run.reads = mib;
    run.pass_until(run.now + 4 * second);
    run.reads = 0;
    const instant stopped = run.now;
    run.pass_until(stopped + 5000 - run.step);
    CHECK(run.near.told == lines{});
    CHECK(run.is_by(stopped + 5000 + 2 * run.step, [&] { return run.near.done(); }));
    CHECK(run.near.told == lines{"closed 1006 unclean close_timeout"});
}

TEST_CASE_TEMPLATE("C7: what was queued before a failure, and its Close, come to a slow reader", Side, server_side,
                   client_side) {
    for (const bool only_at_deadlines : {false, true}) {
        CAPTURE(only_at_deadlines);
        auto run = open_connection<Side>({}, only_at_deadlines);
        queue(run.near.peer, mib);
        buffer wrong = frame(Side::other, 0xFF);
        run.near.hear(wrong);
        CHECK(run.near.told == lines{"closed 1006 unclean reserved_bit_set"});
        run.reads = 100'000;
        CHECK(run.is_by(run.now + minute, [&] { return run.near.done(); }));
        CHECK(has_come(run.far.heard, mib));
        CHECK(run.far.told == lines{"closed 1002 clean none"});
        CHECK(run.near.told.size() == 1);
    }
}

TEST_CASE_TEMPLATE("C7: a reader that stops after a failure is not waited for without end", Side, server_side,
                   client_side) {
    auto run = open_connection<Side>();
    queue(run.near.peer, mib);
    buffer wrong = frame(Side::other, 0xFF);
    run.near.hear(wrong);
    run.reads = 100'000;
    run.pass_until(run.now + 8 * second);
    CHECK_FALSE(run.near.done());
    run.reads = 0;
    const instant stopped = run.now;
    run.pass_until(stopped + 5000 - run.step);
    CHECK_FALSE(run.near.done());
    CHECK(run.is_by(stopped + 5000 + 2 * run.step, [&] { return run.near.done(); }));
}

TEST_CASE_TEMPLATE("C8: a peer that sends a message and ends its side gets the echo", Side, server_side, client_side) {
    auto run = opened<Side>({}, [](auto& peer, const ws::event& event) {
        if (event.kind == ws::kind::message) REQUIRE_FALSE(peer.send(event.type, event.payload));
    });
    run.drains = false;
    run.feed_copy(frame(Side::other, 0x81, "hello"));
    run.finish();
    CHECK(run.log == lines{"message text: hello", "closed 1006 unclean end_of_input"});
    CHECK(run.peer.state() == ws::state::closed);
    CHECK_FALSE(run.peer.done());
    const cbytes waits = run.peer.output();
    const auto frames = frames_in(waits);
    REQUIRE_FALSE(frames.empty());
    CHECK(frames[0].text() == "hello");
    run.drain(3);
    CHECK_FALSE(run.peer.done());
    run.drain();
    CHECK(run.peer.done());
}

TEST_CASE_TEMPLATE("C8: a peer that ends its side and reads slowly gets all that is queued", Side, server_side,
                   client_side) {
    for (const bool only_at_deadlines : {false, true}) {
        for (const bool closes : {false, true}) {
            CAPTURE(only_at_deadlines);
            CAPTURE(closes);
            auto run = open_connection<Side>({}, only_at_deadlines);
            queue(run.near.peer, mib);
            if (closes) REQUIRE_FALSE(run.near.peer.close());
            run.near.finish();
            CHECK(run.near.told == lines{"closed 1006 unclean end_of_input"});
            run.reads = 100'000;
            CHECK(run.is_by(run.now + minute, [&] { return run.near.done(); }));
            CHECK(has_come(run.far.heard, mib));
        }
    }
}

TEST_CASE_TEMPLATE("C8: a peer that ends its side and reads nothing is not waited for without end", Side, server_side,
                   client_side) {
    auto run = open_connection<Side>();
    queue(run.near.peer, mib);
    run.near.finish();
    run.reads = run.writes = 0;
    const instant stopped = run.now;
    run.pass_until(stopped + 5000 - run.step);
    CHECK_FALSE(run.near.done());
    CHECK(run.is_by(stopped + 5000 + 2 * run.step, [&] { return run.near.done(); }));
}

TEST_CASE_TEMPLATE("C8: a handshake that comes slowly ends at its deadline, whatever comes", Side, server_side,
                   client_side) {
    ws::client client(ws::entropy(seed_of(1)));
    REQUIRE_FALSE(client.request({.host = "h", .target = "/" + std::string(200, 'x')}));
    websocket_program client_program(static_cast<ws::client&&>(client));
    websocket_program server_program{ws::server()};
    const auto play = [](auto run) {
        run.writes = 10;
        run.pass_until(10'000 - run.step);
        CHECK(run.near.told == lines{});
        CHECK(run.is_by(10'000 + 2 * run.step, [&] { return !run.near.told.empty(); }));
        CHECK(run.near.told == lines{"closed 1006 unclean handshake_timeout"});
        CHECK(run.is_by(run.now + minute, [&] { return run.near.done(); }));
    };
    if constexpr (Side::own == role::server) {
        play(slow_connection(std::move(server_program), std::move(client_program)));
    } else {
        play(slow_connection(std::move(client_program), std::move(server_program)));
    }
}

// --- slow peers of sessions

namespace {

// A session of this side, with a peer that is connected too.
template <class Side>
auto connected_sessions(const stomp::options& options = {}, bool only_at_deadlines = false,
                        const stomp::options& peer = {}) {
    stomp::client_session client(Side::own == role::client ? options : peer);
    REQUIRE_FALSE(client.connect({.host = "h"}));
    stomp_program client_program(static_cast<stomp::client_session&&>(client));
    stomp_program server_program(stomp::server_session(Side::own == role::server ? options : peer));
    const auto connect = [](auto run) {
        REQUIRE(run.is_by(second, [&] { return run.near.session.is_open() && run.far.session.is_open(); }));
        run.pass_until(run.now + run.step);
        return run;
    };
    if constexpr (Side::own == role::server) {
        return connect(slow_connection(std::move(server_program), std::move(client_program), only_at_deadlines));
    } else {
        return connect(slow_connection(std::move(client_program), std::move(server_program), only_at_deadlines));
    }
}

template <class Session>
void queue(stomp_program<Session>& program, std::size_t size) {
    for (std::size_t i = 0; i != size / (64 * kib); ++i) {
        const std::string text = block(i);
        const cbytes body = bytes_of(std::string_view(text));
        if constexpr (stomp_program<Session>::is_server) {
            REQUIRE_FALSE(program.session.deliver(program.subscription, {.destination = "/all", .body = body}).error);
        } else {
            REQUIRE_FALSE(program.session.send({.destination = "/all", .body = body}));
        }
    }
}

} // namespace

TEST_CASE("S7: all that a client sends before DISCONNECT comes to a slow reader, and the end is clean") {
    for (const bool only_at_deadlines : {false, true}) {
        CAPTURE(only_at_deadlines);
        auto run = connected_sessions<stomp_client_side>({}, only_at_deadlines);
        queue(run.near, 8 * mib);
        REQUIRE_FALSE(run.near.session.disconnect());
        run.reads = mib;
        CHECK(run.is_by(run.now + minute, [&] { return run.near.done() && run.far.done(); }));
        CHECK(has_come(run.far.heard, 8 * mib));
        CHECK(run.near.told == lines{"closed"});
        CHECK(run.far.told == lines{"disconnect", "closed"});
    }
}

TEST_CASE("S7: a server that stops reading after DISCONNECT is not waited for without end") {
    auto run = connected_sessions<stomp_client_side>();
    queue(run.near, 8 * mib);
    REQUIRE_FALSE(run.near.session.disconnect());
    run.reads = mib;
    run.pass_until(run.now + 4 * second);
    run.reads = 0;
    const instant stopped = run.now;
    run.pass_until(stopped + 5000 - run.step);
    CHECK(run.near.told == lines{});
    CHECK(run.is_by(stopped + 5000 + 2 * run.step, [&] { return !run.near.told.empty(); }));
    CHECK(run.near.told == lines{"lost receipt_timeout"});
    CHECK(run.is_by(stopped + 10'000 + 4 * run.step, [&] { return run.near.done(); }));
}

TEST_CASE("S7: a client that says DISCONNECT and reads slowly gets all MESSAGEs and its RECEIPT") {
    for (const bool only_at_deadlines : {false, true}) {
        CAPTURE(only_at_deadlines);
        auto run = connected_sessions<stomp_server_side>({}, only_at_deadlines);
        queue(run.near, 8 * mib);
        REQUIRE_FALSE(run.far.session.disconnect());
        run.reads = mib;
        CHECK(run.is_by(run.now + minute, [&] { return run.near.done() && run.far.done(); }));
        CHECK(has_come(run.far.heard, 8 * mib));
        CHECK(run.far.told == lines{"closed"});
        CHECK(run.near.told.at(0) == "disconnect");
    }
}

TEST_CASE_TEMPLATE("S13: what was queued before a failure comes to a slow reader, and from a server its ERROR", Side,
                   stomp_server_side, stomp_client_side) {
    for (const bool only_at_deadlines : {false, true}) {
        CAPTURE(only_at_deadlines);
        auto run = connected_sessions<Side>({}, only_at_deadlines);
        queue(run.near, mib);
        buffer wrong = bytes_from("?\n");
        run.near.hear(wrong);
        REQUIRE(run.near.told.size() == 1);
        run.reads = 100'000;
        CHECK(run.is_by(run.now + minute, [&] { return run.near.done(); }));
        CHECK(has_come(run.far.heard, mib));
        REQUIRE_FALSE(run.far.told.empty());
        if (Side::own == role::server) CHECK(run.far.told[0].substr(0, 6) == "error ");
        if (Side::own == role::client) CHECK(run.far.told == lines{"lost end_of_input"});
    }
}

TEST_CASE_TEMPLATE("S13: a reader that stops after a failure is not waited for without end", Side, stomp_server_side,
                   stomp_client_side) {
    auto run = connected_sessions<Side>();
    queue(run.near, mib);
    buffer wrong = bytes_from("?\n");
    run.near.hear(wrong);
    run.reads = 100'000;
    run.pass_until(run.now + 8 * second);
    CHECK_FALSE(run.near.done());
    run.reads = 0;
    const instant stopped = run.now;
    run.pass_until(stopped + 5000 - run.step);
    CHECK_FALSE(run.near.done());
    CHECK(run.is_by(stopped + 5000 + 2 * run.step, [&] { return run.near.done(); }));
}

TEST_CASE_TEMPLATE("S13: a peer that ends its side and reads slowly gets all that is queued", Side, stomp_server_side,
                   stomp_client_side) {
    for (const bool only_at_deadlines : {false, true}) {
        CAPTURE(only_at_deadlines);
        auto run = connected_sessions<Side>({}, only_at_deadlines);
        queue(run.near, mib);
        run.near.finish();
        CHECK(run.near.told == lines{"lost end_of_input"});
        run.reads = 100'000;
        CHECK(run.is_by(run.now + minute, [&] { return run.near.done(); }));
        CHECK(has_come(run.far.heard, mib));
    }
}

TEST_CASE_TEMPLATE("S5: a slow reader that sends heart-beats is not given up, and does not give up", Side,
                   stomp_server_side, stomp_client_side) {
    const stomp::options options{.heart_beat = {1000, 1000}};
    auto run = connected_sessions<Side>(options, false, options);
    run.far_ticks = true;
    queue(run.near, 8 * mib);
    run.reads = 200'000;
    CHECK(run.is_by(run.now + minute, [&] { return run.near.output().empty(); }));
    run.pass_until(run.now + minute);
    CHECK(run.near.told == lines{});
    CHECK(run.far.told == lines{});
    CHECK(has_come(run.far.heard, 8 * mib));
}

TEST_CASE_TEMPLATE("S5: a peer that stops is given up in time, whatever is queued", Side, stomp_server_side,
                   stomp_client_side) {
    const stomp::options options{.heart_beat = {1000, 1000}};
    auto run = connected_sessions<Side>(options, false, options);
    run.far_ticks = true;
    queue(run.near, 8 * mib);
    run.reads = 200'000;
    run.pass_until(run.now + 10 * second);
    CHECK(run.near.told == lines{});
    run.reads = run.writes = 0;
    CHECK(run.is_by(run.now + 2500 + 2 * run.step, [&] { return !run.near.told.empty(); }));
    CHECK(run.near.told == lines{"lost heart_beat_timeout"});
    CHECK(run.is_by(run.now + 10'000 + 4 * run.step, [&] { return run.near.done(); }));
}

TEST_CASE_TEMPLATE("S6: a connect frame that comes slowly ends at its deadline, whatever comes", Side,
                   stomp_server_side, stomp_client_side) {
    stomp::client_session client;
    REQUIRE_FALSE(client.connect({.host = std::string(200, 'h')}));
    stomp_program client_program(static_cast<stomp::client_session&&>(client));
    stomp_program server_program{stomp::server_session()};
    const auto play = [](auto run) {
        run.writes = 1;
        run.pass_until(10'000 - run.step);
        CHECK(run.near.told == lines{});
        CHECK(run.is_by(10'000 + 2 * run.step, [&] { return !run.near.told.empty(); }));
        CHECK(run.near.told == lines{"lost connect_timeout"});
    };
    if constexpr (Side::own == role::server) {
        play(slow_connection(std::move(server_program), std::move(client_program)));
    } else {
        play(slow_connection(std::move(client_program), std::move(server_program)));
    }
}
