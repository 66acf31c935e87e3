// A client with Asio and coroutines that connects again, after longer and longer waits, until the program is ended.
// Its arguments are a URL (ws://…), and perhaps a text: then it sends that once, prints the answer, and ends.
// SPDX-License-Identifier: MIT
#include <sockless.hpp>
#include <sockless/adapters/asio.hpp>

#include <cstdio>
#include <random>
#include <unistd.h>

namespace adapters = sockless::adapters;
namespace net = adapters::net;
namespace ws = sockless::ws;
using connection = adapters::asio_connection<ws::client>;

namespace {

net::awaitable<void> sleep(double seconds) {
    const std::chrono::milliseconds time(static_cast<int>(seconds * 1000));
    co_await net::steady_timer(co_await net::this_coro::executor, time).async_wait(net::use_awaitable);
}

net::awaitable<void> say_hello(std::weak_ptr<connection> to) {
    for (auto server = to.lock(); server; server = to.lock()) {
        if (server->peer().state() == ws::state::open && server->peer().send_text("hello")) server->shut_down();
        server.reset();
        co_await sleep(1);
    }
}

// Whether an answer came to `text`. `attempt` begins anew if the server has accepted.
net::awaitable<bool> talk(const ws::url& to, const char* text, int& attempt) {
    net::ip::tcp::socket socket(co_await net::this_coro::executor);
    if (co_await adapters::asio_connect(socket, to, std::chrono::seconds(10))) co_return false;
    ws::entropy::seed seed; // for masking keys, which nobody may foresee
    if (::getentropy(seed.data(), seed.size()) != 0) co_return false;
    const auto server = std::make_shared<connection>(
        std::move(socket), ws::client(ws::entropy(seed), {.ping_interval = 20'000})); // to notice a server that is gone
    sockless::error error = server->peer().request({.host = to.authority, .target = to.target});
    while (!error) {
        const ws::event event = co_await server->receive();
        if (!event) break;
        if (event.kind == ws::kind::open) {
            attempt = 0;
            if (text != nullptr) error = server->peer().send_text(text);
            if (text == nullptr) co_spawn(co_await net::this_coro::executor, say_hello(server), net::detached);
        } else if (event.kind == ws::kind::message) {
            std::printf("%.*s\n", static_cast<int>(event.payload.size()), event.text().data());
            if (text != nullptr) co_return true; // the end of `server` says goodbye
        }
    }
    co_return false;
}

net::awaitable<void> run(ws::url to, const char* text) {
    std::minstd_rand random(std::random_device{}());
    for (int attempt = 0; !co_await talk(to, text, attempt); ++attempt) {
        // Longer and longer, and not all clients of a server that comes back at the same time.
        const double wait = std::uniform_real_distribution(0.5, 1.0)(random) * (attempt < 6 ? 1 << attempt : 60);
        std::fprintf(stderr, "no connection, the next attempt comes in %.1f s\n", wait);
        co_await sleep(wait);
    }
}

} // namespace

int main(int count, char** arguments) {
    const ws::url to = ws::parse_url(count > 1 ? arguments[1] : "ws://127.0.0.1:9001/");
    if (to.error || to.secure) return 1;
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    net::io_context context(1);
    co_spawn(context, run(to, count > 2 ? arguments[2] : nullptr), net::detached);
    context.run();
}
