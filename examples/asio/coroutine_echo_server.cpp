// Sends every message back: a server with Asio and coroutines. Its argument is the port.
// SPDX-License-Identifier: MIT
#include <sockless.hpp>
#include <sockless/adapters/asio.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <set>

namespace net = sockless::adapters::net;
namespace ws = sockless::ws;
using connection = sockless::adapters::asio_connection<ws::server>;

namespace {

struct echo_server {
    net::ip::tcp::acceptor acceptor;
    std::set<connection*> open{};

    net::awaitable<void> serve(net::ip::tcp::socket socket) {
        connection peer(std::move(socket), ws::server());
        open.insert(&peer);
        sockless::error error;
        while (const ws::event event = co_await peer.receive()) {
            if (event.kind == ws::kind::request) error = peer.peer().accept();
            if (event.kind == ws::kind::message) error = peer.peer().send(event.type, event.payload);
            if (error) break; // the end of `peer` says goodbye
        }
        open.erase(&peer);
    }

    net::awaitable<void> accept() {
        for (sockless::adapters::asio_error_code error;;) {
            auto socket = co_await acceptor.async_accept(net::redirect_error(net::use_awaitable, error));
            if (error) co_return;
            co_spawn(acceptor.get_executor(), serve(std::move(socket)), net::detached);
        }
    }
};

} // namespace

int main(int count, char** arguments) try {
    const int port = count > 1 ? std::atoi(arguments[1]) : 9001;
    net::io_context context(1);
    net::signal_set signals(context, SIGINT, SIGTERM);
    echo_server server{{context, {net::ip::address_v4::loopback(), static_cast<unsigned short>(port)}}};
    co_spawn(context, server.accept(), net::detached);
    signals.async_wait([&](auto, int) {
        server.acceptor.close();
        for (connection* each : server.open) each->shut_down();
    });
    std::printf("listening on %d\n", port);
    std::fflush(stdout);
    context.run();
} catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
