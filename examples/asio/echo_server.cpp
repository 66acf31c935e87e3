// Sends every message back: a server with Asio and callbacks. Its argument is the port.
// SPDX-License-Identifier: MIT
#include <sockless.hpp>
#include <sockless/adapters/asio.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <set>

namespace net = sockless::adapters::net;
namespace ws = sockless::ws;
using error_code = sockless::adapters::asio_error_code;
using connection = sockless::adapters::asio_connection<ws::server>;

namespace {

class echo_server {
  public:
    echo_server(net::io_context& context, unsigned short port)
        : acceptor_(context, {net::ip::address_v4::loopback(), port}) {
        accept();
    }

    void shut_down() {
        acceptor_.close();
        for (connection* each : std::set(open_)) each->shut_down();
    }

  private:
    void accept() {
        acceptor_.async_accept([this](error_code error, net::ip::tcp::socket socket) {
            if (error) return;
            const auto each = std::make_shared<connection>(std::move(socket), ws::server());
            open_.insert(each.get());
            each->start([this](connection& from, const ws::event& event) { handle(from, event); });
            accept();
        });
    }

    void handle(connection& from, const ws::event& event) {
        sockless::error error;
        if (event.kind == ws::kind::request) error = from.peer().accept();
        if (event.kind == ws::kind::message) error = from.peer().send(event.type, event.payload);
        if (event.kind == ws::kind::closed) open_.erase(&from);
        if (error) from.shut_down();
    }

    net::ip::tcp::acceptor acceptor_;
    std::set<connection*> open_;
};

} // namespace

int main(int count, char** arguments) try {
    const int port = count > 1 ? std::atoi(arguments[1]) : 9001;
    net::io_context context(1);
    net::signal_set signals(context, SIGINT, SIGTERM);
    echo_server server(context, static_cast<unsigned short>(port));
    signals.async_wait([&](error_code, int) { server.shut_down(); });
    std::printf("listening on %d\n", port);
    std::fflush(stdout);
    context.run();
} catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
