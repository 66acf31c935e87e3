// Sends every message back over TLS: a server with OpenSSL and poll. Its arguments are the port, and the files of the
// certificate and of its key.
// SPDX-License-Identifier: MIT
#include "connection.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <list>
#include <netinet/in.h>
#include <vector>

namespace ws = sockless::ws;

namespace {

volatile std::sig_atomic_t is_asked_to_end = 0;

struct connection : tls_connection<ws::server> {
    connection(int socket, SSL_CTX* context) : tls_connection(socket, SSL_new(context), ws::server()) {}

    void handle(const ws::event& event) {
        sockless::error error;
        if (event.kind == ws::kind::request) error = peer().accept();
        if (event.kind == ws::kind::message) error = peer().send(event.type, event.payload);
        if (error) shut_down();
    }
};

} // namespace

int main(int count, char** arguments) {
    if (count != 4) return 1;
    for (const int each : {SIGINT, SIGTERM}) std::signal(each, [](int) { is_asked_to_end = 1; });
    std::signal(SIGPIPE, SIG_IGN);
    const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
    if (SSL_CTX_use_certificate_chain_file(context.get(), arguments[2]) != 1) return 1;
    if (SSL_CTX_use_PrivateKey_file(context.get(), arguments[3], SSL_FILETYPE_PEM) != 1) return 1;
    const auto port = static_cast<std::uint16_t>(std::atoi(arguments[1]));
    const sockaddr_in address{AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}, {}};
    int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener, 128) != 0) {
        std::perror("listen");
        return 1;
    }
    std::printf("listening on %d\n", port);
    std::fflush(stdout);
    auto next_round = std::chrono::steady_clock::now();
    for (std::list<connection> all; listener >= 0 || !all.empty();) {
        std::vector<pollfd> files{{listener, POLLIN, 0}};
        for (const connection& each : all) files.push_back(each.file());
        ::poll(files.data(), files.size(), 100);
        bool is_all_due = std::chrono::steady_clock::now() >= next_round;
        if (is_asked_to_end != 0 && listener >= 0) {
            ::close(std::exchange(listener, -1));
            for (connection& each : all) each.shut_down();
            is_all_due = true;
        }
        if (is_all_due) next_round = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
        auto file = files.begin();
        for (connection& each : all) {
            if ((++file)->revents != 0 || is_all_due) each.serve([&](const ws::event& event) { each.handle(event); });
        }
        std::erase_if(all, [](const connection& each) { return each.is_over(); });
        if (files[0].revents == 0) continue;
        for (int socket; (socket = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
            SSL_set_accept_state(all.emplace_back(socket, context.get()).tls());
        }
    }
}
