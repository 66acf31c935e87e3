// Sends every message back: a server with Asio. Its argument is the port.
// SPDX-License-Identifier: MIT
#include <sockless.hpp>
#include <sockless/adapters/asio.hpp>

#include <cstdlib>
#include <memory>

namespace net = sockless::net;
namespace ws = sockless::ws;
using connection = sockless::adapters::asio_connection<ws::server>;

namespace {

void accept(net::ip::tcp::acceptor& from) {
    from.async_accept([&from](net::error_code error, net::ip::tcp::socket socket) {
        if (error) return;
        std::make_shared<connection>(std::move(socket), ws::server())
            ->start([](connection& on, const ws::event& event) {
                if (event.kind == ws::kind::request) on.report(on.peer().accept());
                if (event.kind == ws::kind::message) on.report(on.peer().send(event.type, event.payload));
            });
        accept(from);
    });
}

} // namespace

int main(int count, char** arguments) {
    const auto port = static_cast<unsigned short>(count > 1 ? std::atoi(arguments[1]) : 9001);
    net::io_context context;
    net::ip::tcp::acceptor acceptor(context, {net::ip::address_v4::loopback(), port});
    accept(acceptor);
    context.run();
}
