// Sends every message back over TLS: a server with Asio and coroutines. Its arguments are the port, and the files of
// the certificate and of its key.
// SPDX-License-Identifier: MIT
#include <sockless.hpp>
#include <sockless/adapters/asio.hpp>
#ifdef SOCKLESS_STANDALONE_ASIO
#include <asio/ssl.hpp>
#else
#include <boost/asio/ssl.hpp>
#endif

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <set>

namespace net = sockless::adapters::net;
namespace ws = sockless::ws;
using stream = net::ssl::stream<net::ip::tcp::socket>;
using connection = sockless::adapters::asio_connection<ws::server, stream>;

namespace {

struct echo_server {
    net::ip::tcp::acceptor acceptor;
    net::ssl::context tls{net::ssl::context::tls_server};
    std::set<connection*> open{};

    net::awaitable<void> serve(net::ip::tcp::socket socket) {
        connection peer(stream(std::move(socket), tls), stream::server, ws::server());
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
    if (count != 4) return 1;
    const int port = std::atoi(arguments[1]);
    net::io_context context(1);
    net::signal_set signals(context, SIGINT, SIGTERM);
    echo_server server{{context, {net::ip::address_v4::loopback(), static_cast<unsigned short>(port)}}};
    server.tls.use_certificate_chain_file(arguments[2]);
    server.tls.use_private_key_file(arguments[3], net::ssl::context::pem);
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
