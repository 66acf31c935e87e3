// What a program with a socket is told to do, for endpoints of both protocols.
// SPDX-License-Identifier: MIT
#include <sockless/driver.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include <sockless/stomp/connection.hpp>

#include "../stomp/carried.hpp"

using namespace sockless;
using namespace sockless::test;
using lines = std::vector<std::string>;

static_assert(std::is_nothrow_move_constructible_v<driver<ws::server>>);

namespace {

// A program: what came and went, without a socket.
template <endpoint Endpoint, class Buffer = growing_buffer>
struct program {
    driver<Endpoint, Buffer> drive;
    lines log{};
    bool answers = true;
    bool pauses = false; // at each message

    auto handler() {
        return [this](const typename Endpoint::event& event) { handle(event); };
    }
    void handle(const ws::event& event) {
        log.push_back(std::string(name_of(event.kind)) + (event.payload.empty() ? "" : ": ") +
                      std::string(event.kind == ws::kind::request ? "" : event.text()));
        if (event.kind == ws::kind::request && answers) REQUIRE_FALSE(drive.peer().accept());
        if (event.kind == ws::kind::message) {
            REQUIRE_FALSE(drive.peer().send(event.type, event.payload));
            if (pauses) drive.pause();
        }
    }
    void handle(const stomp::server_event& event) { log.push_back(line_of(drive.peer(), event)); }

    // Memory of exactly its size, which is overwritten afterwards.
    void take(const buffer& piece) {
        buffer copy = piece;
        drive.take(copy, handler());
        std::fill(copy.begin(), copy.end(), std::byte{'#'});
    }
    void tick(instant now) { drive.tick(now, handler()); }
    std::size_t write(std::size_t most = SIZE_MAX) {
        std::size_t all = 0;
        while (!drive.output().empty() && all < most) {
            const std::size_t size = std::min(drive.output().size(), most - all);
            drive.sent(size);
            all += size;
        }
        return all;
    }
};

using web_program = program<ws::server>;

web_program open_program(const ws::options& settings = {}, const driver_options& driving = {}) {
    web_program run{driver<ws::server>(ws::server(settings), driving)};
    run.take(bytes_from(upgrade_request()));
    run.tick(1000);
    run.write();
    run.log.clear();
    return run;
}

} // namespace

TEST_CASE("what an endpoint does not take yet is kept, and nothing is read meanwhile") {
    web_program run{driver<ws::server>(ws::server())};
    run.answers = false;
    CHECK(run.drive.reads());
    run.take(joined(bytes_from(upgrade_request()), frame(role::client, 0x81, "first")));
    CHECK(run.log == lines{"request"});
    CHECK_FALSE(run.drive.reads());
    run.take(frame(role::client, 0x81, "second"));
    run.tick(1000);
    CHECK(run.log.size() == 1);
    REQUIRE_FALSE(run.drive.peer().accept());
    run.tick(1001);
    CHECK(run.log == lines{"request", "message: first", "message: second"});
    CHECK(run.drive.reads());
}

TEST_CASE("nothing is read while too much waits to be sent") {
    web_program run = open_program({}, {.most_waiting = 100});
    run.take(frame(role::client, 0x82, std::string(98, 'x')));
    CHECK(run.drive.peer().waiting() == 100);
    CHECK(run.drive.reads());
    run.take(frame(role::client, 0x82, "y"));
    CHECK_FALSE(run.drive.reads());
    run.write(3);
    CHECK(run.drive.reads());
}

TEST_CASE("a program that pauses gets no event, and the peer is not taken for silent") {
    web_program run = open_program({.ping_interval = 100, .pong_timeout = 50});
    run.pauses = true;
    run.take(joined(frame(role::client, 0x81, "first"), frame(role::client, 0x81, "second")));
    CHECK(run.log == lines{"message: first"});
    CHECK_FALSE(run.drive.reads());
    run.write();
    for (instant now = 1050; now != 3000; now += 50) run.tick(now);
    CHECK(run.drive.output().empty());
    run.drive.pause(false);
    run.tick(3000);
    CHECK(run.log == lines{"message: first", "message: second"});
    CHECK_FALSE(run.drive.reads());
    run.drive.pause(false);
    CHECK(run.drive.reads());
    run.write();
    for (instant now = 3050; now != 3500; now += 50) run.tick(now);
    CHECK(run.log.back() == "closed");
    CHECK(run.drive.peer().error() == ws::errc::pong_timeout);
}

TEST_CASE("output is shown in several pieces for those who gather, and none once nothing more is written") {
    web_program run = open_program({.close_timeout = 100});
    const std::string large(20'000, 'x');
    const ws::prepared_message shared(ws::message_type::text, bytes_of(large));
    REQUIRE_FALSE(run.drive.peer().send_text("first"));
    REQUIRE_FALSE(run.drive.peer().send(shared));
    cbytes room[4];
    const auto pieces = run.drive.output(room);
    REQUIRE(pieces.size() == 2);
    CHECK(pieces[0].data() == run.drive.output().data());
    CHECK(pieces[0].size() + pieces[1].size() == run.drive.peer().waiting());

    // A peer that takes nothing in time: the rest is not written any more.
    run.drive.peer().shut_down();
    run.tick(1001);
    run.tick(1101);
    REQUIRE(run.drive.ends_writing());
    CHECK_FALSE(run.drive.output(room).empty());
    run.drive.did_end_writing();
    CHECK(run.drive.output(room).empty());
    CHECK(run.drive.output().empty());
}

TEST_CASE("a peer that ends its side still gets its answers") {
    web_program run = open_program();
    run.pauses = true;
    run.take(joined(frame(role::client, 0x81, "first"), frame(role::client, 0x81, "second")));
    run.drive.finish(run.handler());
    run.drive.finish(run.handler());
    CHECK(run.log == lines{"message: first"});
    run.pauses = false;
    run.drive.pause(false);
    run.tick(1001);
    CHECK(run.log == lines{"message: first", "message: second", "closed"});
    run.tick(1002);
    CHECK(run.log.size() == 3);
    CHECK_FALSE(run.drive.reads());
    CHECK_FALSE(run.drive.ends_writing());
    CHECK(run.write() == 15); // both
    CHECK(run.drive.ends_writing());
    run.drive.did_end_writing();
    CHECK_FALSE(run.drive.ends_writing());
    CHECK(run.drive.is_over());
}

TEST_CASE("after the end of our side what comes is dropped, until the peer ends its side or has had its time") {
    for (const bool ends : {true, false}) {
        web_program run = open_program({}, {.linger = 300});
        run.drive.peer().shut_down();
        run.write();
        run.take(close_frame(role::client, 1001));
        CHECK(run.log.size() == 1);
        REQUIRE(run.drive.ends_writing());
        run.drive.did_end_writing();
        CHECK(run.drive.next_deadline() == 0);
        run.tick(5000);
        CHECK(run.drive.next_deadline() == 5300);
        run.take(frame(role::client, 0x81, "late"));
        CHECK(run.log.size() == 1);
        CHECK(run.drive.reads());
        CHECK_FALSE(run.drive.is_over());
        if (ends) run.drive.finish(run.handler());
        run.tick(ends ? 5001 : 5299);
        CHECK(run.drive.is_over() == ends);
        run.tick(5300);
        CHECK(run.drive.is_over());
        CHECK(run.log.size() == 1);
    }
}

TEST_CASE("a shutdown ends in bounded time, also with a peer that takes its output a few bytes at a time") {
    for (const bool takes_all : {false, true}) {
        web_program run = open_program({.close_timeout = 100}, {.shut_down_timeout = 1000, .linger = 300});
        REQUIRE_FALSE(run.drive.peer().send_text(std::string(5000, 'x')));
        run.drive.shut_down();
        CHECK(run.drive.next_deadline() == 0);
        for (instant now = 2000; now != 3000; now += 50) {
            run.write(1);
            run.tick(now);
            run.drive.shut_down(); // again, which does not begin anew
            REQUIRE_FALSE(run.drive.is_over());
            REQUIRE_FALSE(run.drive.ends_writing());
        }
        CHECK(run.drive.next_deadline() <= 3000);
        CHECK(run.log.empty());
        if (takes_all) {
            run.write();
            run.take(close_frame(role::client, 1001));
            REQUIRE(run.drive.ends_writing());
            run.drive.did_end_writing();
            run.drive.shut_down();
        }
        run.tick(3000);
        CHECK(run.drive.is_over() != takes_all);
        CHECK(run.drive.output().empty());
        CHECK(run.log.size() == 1); // it is told
        run.tick(3299);
        CHECK(run.drive.is_over() != takes_all);
        run.tick(3300);
        CHECK(run.drive.is_over());
        CHECK(run.log.size() == 1);
    }
}

TEST_CASE("a connection that broke is over at once, and its endpoint is told") {
    web_program run = open_program();
    run.take(frame(role::client, 0x81, "first"));
    run.drive.abandon(run.handler());
    run.drive.abandon(run.handler());
    CHECK(run.log == lines{"message: first", "closed"});
    CHECK(run.drive.is_over());
    CHECK_FALSE(run.drive.reads());
    CHECK(run.drive.output().empty());
    CHECK_FALSE(run.drive.ends_writing());
    run.take(frame(role::client, 0x81, "late"));
    run.drive.finish(run.handler());
    run.tick(9000);
    CHECK(run.log.size() == 2);
}

TEST_CASE("without memory for input that waits a connection is abandoned") {
    std::array<std::byte, 8> memory;
    using span = span_buffer<std::byte>;
    program<ws::server, span> run{driver<ws::server, span>(ws::server(), span(memory))};
    run.answers = false;
    run.take(joined(bytes_from(upgrade_request()), buffer(8)));
    CHECK_FALSE(run.drive.is_over());
    run.take(buffer(1));
    CHECK(run.drive.is_over());
    CHECK(run.log == lines{"request", "closed"});
}

TEST_CASE("an event that a call of the program has caused comes with the next tick") {
    program<stomp::server_session> run{driver<stomp::server_session>(stomp::server_session())};
    run.take(bytes_from(connect_text()));
    REQUIRE_FALSE(run.drive.peer().refuse("not today"));
    run.tick(1000);
    CHECK(run.log == lines{"connect host=h", "lost error_sent @36"});
    CHECK(run.write() != 0);
    CHECK(run.drive.ends_writing());
}

TEST_CASE("what waits is shown in several pieces too, by every endpoint") {
    // `queue` writes something large. The second time it has no room behind the bytes that were shown.
    const std::string large(5000, 'x');
    const auto shows_pieces = [](auto& drive, auto queue) {
        queue();
        CHECK_FALSE(drive.output().empty());
        queue();
        std::array<cbytes, 4> room;
        const std::span<const cbytes> pieces = drive.output(room);
        REQUIRE(pieces.size() == 2);
        CHECK(pieces[0].data() == drive.output().data());
        CHECK(drive.output(std::span(room).first(1)).size() == 1);
        CHECK(drive.output(std::span(room).first(0)).empty());
        drive.sent(pieces[0].size() + pieces[1].size());
        CHECK(drive.peer().waiting() == 0);
        CHECK(drive.output(room).empty());
        queue();
        drive.abandon([](const auto&) {});
        CHECK(drive.output(room).empty());
    };
    web_program web = open_program();
    shows_pieces(web.drive, [&] { REQUIRE_FALSE(web.drive.peer().send_text(large)); });

    program<stomp::server_session> session{driver<stomp::server_session>(stomp::server_session())};
    session.take(bytes_from(connect_text()));
    REQUIRE_FALSE(session.drive.peer().accept());
    session.write();
    shows_pieces(session.drive, [&] { REQUIRE_FALSE(session.drive.peer().receipt(large)); });

    for (const bool carried : {false, true}) {
        driver<stomp::server_connection> drive{stomp::server_connection()};
        const auto handle = [&](const stomp::server_connection::event& event) {
            if (event.web_socket.kind == ws::kind::request) REQUIRE_FALSE(drive.peer().web_socket().accept());
            if (event.kind == stomp::server_kind::connect) REQUIRE_FALSE(drive.peer().session().accept());
        };
        const auto take = [&](buffer piece) { drive.take(piece, handle); };
        if (carried) take(bytes_from(upgrade_request("Sec-WebSocket-Protocol: v12.stomp\r\n")));
        take(carried ? frame(role::client, 0x81, connect_text()) : bytes_from(connect_text()));
        while (!drive.output().empty()) drive.sent(drive.output().size());
        shows_pieces(drive, [&] { REQUIRE_FALSE(drive.peer().session().receipt(large)); });
    }
}

TEST_CASE("an endpoint that shows its output in one piece does so to a host that can write several") {
    struct simple : ws::server {
        [[nodiscard]] cbytes output() const noexcept { return ws::server::output(); }
    };
    driver<simple> drive{simple()};
    std::array<cbytes, 4> room;
    CHECK(drive.output(room).empty());
    buffer request = bytes_from(upgrade_request());
    drive.take(request, [&](const ws::event&) { REQUIRE_FALSE(drive.peer().accept()); });
    REQUIRE(drive.output(room).size() == 1);
    CHECK(room[0].data() == drive.output().data());
    CHECK(drive.output(std::span(room).first(0)).empty());
}
