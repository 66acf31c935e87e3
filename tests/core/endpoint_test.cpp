#include <sockless/endpoint.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <sockless/stomp.hpp>
#include <sockless/ws/client.hpp>
#include <sockless/ws/deflate/zlib.hpp>
#include <sockless/ws/server.hpp>

using namespace sockless;

static_assert(endpoint<ws::server> && endpoint<ws::client>);
static_assert(endpoint<ws::basic_server<span_buffer<std::byte>>> && endpoint<ws::basic_client<span_buffer<std::byte>>>);
static_assert(!endpoint<ws::decoder> && !endpoint<int>);

namespace {

constexpr ws::entropy::seed some_seed{std::byte{1}};

// Two endpoints would share one memory, or one stream of masking keys.
template <class... Endpoint>
constexpr bool move_and_do_not_copy = ((std::is_nothrow_move_constructible_v<Endpoint> &&
                                        std::is_nothrow_move_assignable_v<Endpoint> &&
                                        !std::is_copy_constructible_v<Endpoint> &&
                                        !std::is_copy_assignable_v<Endpoint>)&&...);
using span = span_buffer<std::byte>;
static_assert(move_and_do_not_copy<ws::server, ws::client, ws::zlib_server, ws::zlib_client>);
static_assert(move_and_do_not_copy<ws::basic_server<span>, ws::basic_client<span>>);
static_assert(move_and_do_not_copy<stomp::server_session, stomp::client_session>);
static_assert(move_and_do_not_copy<stomp::basic_server_session<span>, stomp::basic_client_session<span>>);
static_assert(move_and_do_not_copy<stomp::server_connection, stomp::client_connection>);
static_assert(move_and_do_not_copy<stomp::basic_server_connection<span>, stomp::basic_client_connection<span>>);

// All that an endpoint has to say goes to the other one, and back, until both are silent.
template <endpoint From, endpoint To>
int pass_all(From& from, To& to) {
    int events = 0;
    while (!from.output().empty()) {
        const cbytes shown = from.output();
        std::byte copy[1024];
        REQUIRE(shown.size() <= sizeof copy);
        std::memcpy(copy, shown.data(), shown.size());
        bytes in(copy, shown.size());
        from.sent(shown.size());
        while (const auto event = to.next(in)) {
            ++events;
            if constexpr (requires { to.accept(); }) {
                if (event.kind == ws::kind::request) REQUIRE_FALSE(to.accept());
            }
        }
    }
    return events;
}

} // namespace

TEST_CASE("one loop drives any endpoint") {
    ws::client client{ws::entropy(some_seed)};
    ws::server server;
    REQUIRE_FALSE(client.request({.host = "h"}));
    CHECK(pass_all(client, server) == 1);
    CHECK(pass_all(server, client) == 1);
    REQUIRE_FALSE(client.send_text("hello"));
    CHECK(pass_all(client, server) == 1);
    client.shut_down();
    CHECK(pass_all(client, server) == 1);
    CHECK(pass_all(server, client) == 1);
    CHECK(server.done());
    CHECK(server.close_code() == 1001);
    static_cast<void>(client.finish());
    CHECK(client.done());
}

TEST_CASE("a tick with no_deadline, which is no time, does nothing, whatever waits") {
    // Whether it is as if the call had not been.
    const auto is_ignored = [](auto& endpoint) {
        const instant next = endpoint.next_deadline();
        const auto state = endpoint.state();
        const std::size_t waiting = endpoint.waiting();
        bool quiet = true;
        for (int i = 0; i != 2; ++i) quiet = quiet && !endpoint.tick(no_deadline);
        return quiet && endpoint.next_deadline() == next && endpoint.state() == state && endpoint.waiting() == waiting;
    };
    const auto sends_all = [](auto& endpoint) { endpoint.sent(endpoint.output().size()); };

    const ws::options options{.ping_interval = 1000};
    ws::server server(options);
    ws::client client(ws::entropy(some_seed), options);
    const auto both = [&] { return is_ignored(server) && is_ignored(client); };
    // Before the first tick, after it, and when the deadline has come.
    const auto at_each_tick = [&](instant now, auto then) {
        CHECK(both());
        static_cast<void>(server.tick(now));
        static_cast<void>(client.tick(now));
        CHECK(both());
        then();
        CHECK(both());
    };
    REQUIRE_FALSE(client.request({.host = "h"}));
    at_each_tick(5, [&] { pass_all(client, server); });
    at_each_tick(6, [&] { pass_all(server, client); });
    REQUIRE(client.is_open());
    at_each_tick(7, [&] { REQUIRE_FALSE(client.send_text("hello")); });
    at_each_tick(8, [&] { pass_all(client, server); });
    // A Ping asks for a sign of life.
    at_each_tick(9, [] {});
    at_each_tick(2000, [&] { CHECK((server.waiting() != 0 && client.waiting() != 0)); });
    at_each_tick(2001, [&] { sends_all(server), sends_all(client); });
    REQUIRE_FALSE(server.close());
    at_each_tick(2002, [&] { pass_all(server, client); });
    at_each_tick(2003, [&] { pass_all(client, server); });
    at_each_tick(100'000, [] {});
    CHECK(server.done());

    const stomp::options beats{.heart_beat = {.sends = 1000, .wants = 1000}};
    stomp::server_session serving(beats);
    stomp::client_session asking(beats);
    const auto give = [](auto& from, auto& to) {
        const cbytes shown = from.output();
        std::vector<std::byte> copy(shown.begin(), shown.end());
        bytes in(copy);
        from.sent(shown.size());
        while (to.next(in)) {
        }
    };
    instant now = 0;
    const auto check_both = [&](instant time) {
        CHECK((is_ignored(serving) && is_ignored(asking)));
        now += time;
        static_cast<void>(serving.tick(now));
        static_cast<void>(asking.tick(now));
        CHECK((is_ignored(serving) && is_ignored(asking)));
    };
    check_both(1);
    REQUIRE_FALSE(asking.connect({.host = "h"}));
    check_both(1);
    give(asking, serving);
    REQUIRE_FALSE(serving.accept());
    check_both(1);
    give(serving, asking);
    REQUIRE(asking.is_open());
    check_both(1);
    // The heart-beats go on.
    for (int i = 0; i != 3; ++i) {
        check_both(800);
        CHECK(asking.waiting() == 1);
        CHECK(serving.waiting() == 1);
        give(asking, serving);
        give(serving, asking);
    }
    REQUIRE_FALSE(asking.disconnect());
    check_both(1);
    give(asking, serving);
    give(serving, asking);
    check_both(1);
    check_both(100'000);
    CHECK(asking.state() == stomp::state::closed);
    CHECK_FALSE(asking.error());
}

TEST_CASE("the last time there is lets no wait end that was never begun") {
    for (const bool is_open : {false, true}) {
        ws::options waits_for_nothing;
        waits_for_nothing.handshake_timeout = never;
        ws::server server = is_open ? ws::server(ws::already_open{}, waits_for_nothing) : ws::server(waits_for_nothing);
        ws::client client = is_open ? ws::client(ws::already_open{}, ws::entropy(some_seed), waits_for_nothing)
                                    : ws::client(ws::entropy(some_seed), waits_for_nothing);
        stomp::server_session server_session({.connect_timeout = never});
        stomp::client_session client_session({.connect_timeout = never});
        if (is_open) {
            REQUIRE_FALSE(client_session.connect({.host = "h"}));
            std::byte copy[1024];
            const auto give = [&copy](auto& from, auto& to) {
                const cbytes shown = from.output();
                std::memcpy(copy, shown.data(), shown.size());
                bytes in(copy, shown.size());
                from.sent(shown.size());
                return static_cast<bool>(to.next(in));
            };
            REQUIRE(give(client_session, server_session));
            REQUIRE_FALSE(server_session.accept());
            REQUIRE(give(server_session, client_session));
            REQUIRE(client_session.is_open());
        }
        const auto is_quiet = [](auto& endpoint) {
            const auto before = endpoint.state();
            const bool quiet = !endpoint.tick(0) && !endpoint.tick(UINT64_MAX) && !endpoint.tick(UINT64_MAX);
            return quiet && endpoint.output().empty() && endpoint.state() == before;
        };
        CHECK(is_quiet(server));
        CHECK(is_quiet(client));
        CHECK(is_quiet(server_session));
        CHECK(is_quiet(client_session));
    }
}

TEST_CASE("no two errors of all layers are the same") {
    std::vector<const error_row*> rows;
    for (const error_row& row : http::errc_rows) rows.push_back(&row);
    for (const error_row& row : ws::errc_rows) rows.push_back(&row);
    for (const error_row& row : stomp::errc_rows) rows.push_back(&row);
    for (std::size_t i = 0; i != rows.size(); ++i) {
        for (std::size_t other = 0; other != i; ++other) {
            CAPTURE(std::string(rows[i]->name));
            const auto all_of = [](const error_row& row) {
                return std::string(row.name) + ": " + std::string(row.sentence) + ": " + std::string(row.section);
            };
            CHECK((rows[i]->name == "none" || all_of(*rows[i]) != all_of(*rows[other])));
        }
    }
}
