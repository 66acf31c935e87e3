#include <sockless/endpoint.hpp>

#include <doctest/doctest.h>
#include <sockless/ws/client.hpp>
#include <sockless/ws/server.hpp>

using namespace sockless;

static_assert(endpoint<ws::server> && endpoint<ws::client>);
static_assert(endpoint<ws::basic_server<span_buffer<std::byte>>> && endpoint<ws::basic_client<span_buffer<std::byte>>>);
static_assert(!endpoint<ws::decoder> && !endpoint<int>);

namespace {

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
    ws::client client(ws::entropy(ws::entropy::seed{}));
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
