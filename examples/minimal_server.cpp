// The least that serves many WebSockets: poll, and a driver for each connection. Sends messages back.
// SPDX-License-Identifier: MIT
#include <sockless.hpp>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <list>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

struct connection {
    int socket;
    sockless::driver<sockless::ws::server> driver{sockless::ws::server()};

    void serve(bool is_ready, sockless::instant now) {
        const auto handle = [this](const sockless::ws::event& event) {
            sockless::error error;
            if (event.kind == sockless::ws::kind::request) error = driver.peer().accept();
            if (event.kind == sockless::ws::kind::message) error = driver.peer().send(event.type, event.payload);
            if (error) driver.shut_down();
        };
        static std::byte buffer[65536];
        if (is_ready && driver.reads()) {
            const auto size = ::recv(socket, buffer, sizeof buffer, MSG_DONTWAIT);
            if (size > 0) driver.take(sockless::bytes_of(buffer, static_cast<std::size_t>(size)), handle);
            if (size == 0) driver.finish(handle);
            if (size < 0 && errno != EAGAIN) driver.abandon(handle);
        }
        driver.tick(now, handle);
        for (auto out = driver.output(); !out.empty(); out = driver.output()) {
            const auto size = ::send(socket, out.data(), out.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
            if (size < 0 && errno != EAGAIN) driver.abandon(handle);
            if (size < 0) break;
            driver.sent(static_cast<std::size_t>(size));
        }
        if (!driver.ends_writing()) return;
        ::shutdown(socket, SHUT_WR);
        driver.did_end_writing();
    }
};

int main(int count, char** words) { // its argument is the port
    const auto port = static_cast<std::uint16_t>(count > 1 ? std::atoi(words[1]) : 9001);
    const sockaddr_in address{AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}, {}};
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return 1;
    if (::listen(listener, 128) != 0) return 1;
    for (std::list<connection> all;;) {
        std::vector<pollfd> files{{listener, POLLIN, 0}};
        for (const connection& each : all) {
            const int events = (each.driver.reads() ? POLLIN : 0) | (each.driver.output().empty() ? 0 : POLLOUT);
            files.push_back({each.socket, static_cast<short>(events), 0});
        }
        ::poll(files.data(), files.size(), 100); // the deadlines of connections are seconds
        const auto time = std::chrono::steady_clock::now().time_since_epoch() / std::chrono::milliseconds(1);
        auto file = files.begin();
        for (connection& each : all) each.serve((++file)->revents != 0, static_cast<sockless::instant>(time));
        std::erase_if(all, [](connection& each) { return each.driver.is_over() && ::close(each.socket) == 0; });
        if (files[0].revents != 0) all.push_back({::accept(listener, nullptr, nullptr)});
    }
}
