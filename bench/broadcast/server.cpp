// A server that sends each message to all of its clients: epoll, a driver for each connection, writev.
// server PORT COMPRESSES(0 or 1)
// SPDX-License-Identifier: MIT
#include <sockless.hpp>
#include <sockless/ws/deflate/zlib.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <vector>

namespace {

namespace ws = sockless::ws;

struct connection {
    int socket;
    sockless::driver<ws::zlib_server> driver;
    bool waits = false; // until the socket can be written
};

bool compresses = false;
int events = -1;
std::vector<std::unique_ptr<connection>> all;

void watch(connection& each, int how, unsigned mask) {
    epoll_event wanted{};
    wanted.events = mask;
    wanted.data.ptr = &each;
    if (::epoll_ctl(events, how, each.socket, &wanted) != 0) std::abort();
}

void broadcast(ws::message_type type, sockless::cbytes payload) {
    ws::prepared_message message(type, payload);
    if (compresses && ws::zlib_compression::prepare(message)) std::abort();
    for (const auto& each : all) {
        if (each->driver.peer().is_open() && each->driver.peer().send(message)) std::abort();
    }
}

void write(connection& each) {
    std::array<sockless::cbytes, 16> room;
    std::array<iovec, 16> vectors;
    for (;;) {
        const auto pieces = each.driver.output(room);
        if (pieces.empty()) break;
        for (std::size_t i = 0; i != pieces.size(); ++i) {
            vectors[i] = {const_cast<std::byte*>(pieces[i].data()), pieces[i].size()};
        }
        msghdr message{};
        message.msg_iov = vectors.data();
        message.msg_iovlen = pieces.size();
        const ssize_t size = ::sendmsg(each.socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (size < 0 && errno != EAGAIN) each.driver.abandon([](const ws::event&) {});
        if (size < 0) break;
        each.driver.sent(static_cast<std::size_t>(size));
    }
    const bool waits = !each.driver.output().empty();
    if (waits != each.waits) watch(each, EPOLL_CTL_MOD, waits ? EPOLLIN | EPOLLOUT : EPOLLIN);
    each.waits = waits;
}

void read(connection& each) {
    static std::array<std::byte, 256 * 1024> buffer;
    const auto handle = [&](const ws::event& event) {
        if (event.kind == ws::kind::request && each.driver.peer().accept()) std::abort();
        if (event.kind == ws::kind::message) broadcast(event.type, event.payload);
    };
    const ssize_t size = ::recv(each.socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size > 0) each.driver.take(sockless::bytes(buffer).first(static_cast<std::size_t>(size)), handle);
    if (size == 0 || (size < 0 && errno != EAGAIN)) each.driver.abandon(handle);
}

void accept(int listener) {
    const int socket = ::accept(listener, nullptr, nullptr);
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const ws::deflate_policy policy{.threshold = 0, .threshold_without_takeover = 0};
    ws::zlib_server peer = compresses ? ws::zlib_server({}, ws::zlib_compression(policy)) : ws::zlib_server();
    all.push_back(std::make_unique<connection>(connection{socket, sockless::driver(std::move(peer))}));
    watch(*all.back(), EPOLL_CTL_ADD, EPOLLIN);
}

} // namespace

int main(int count, char** arguments) {
    if (count != 3) return 2;
    compresses = std::atoi(arguments[2]) != 0;
    const sockaddr_in address{
        AF_INET, htons(static_cast<std::uint16_t>(std::atoi(arguments[1]))), {htonl(INADDR_LOOPBACK)}, {}};
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0), on = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return 1;
    if (::listen(listener, 512) != 0) return 1;
    events = ::epoll_create1(0);
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    if (::epoll_ctl(events, EPOLL_CTL_ADD, listener, &wanted) != 0) return 1;
    for (;;) {
        std::array<epoll_event, 256> found;
        const int size = ::epoll_wait(events, found.data(), static_cast<int>(found.size()), 1000);
        for (int i = 0; i < size; ++i) {
            auto* const each = static_cast<connection*>(found[static_cast<std::size_t>(i)].data.ptr);
            if (each == nullptr) {
                accept(listener);
            } else if ((found[static_cast<std::size_t>(i)].events & ~EPOLLOUT) != 0) {
                read(*each);
            }
        }
        const auto now = std::chrono::steady_clock::now().time_since_epoch() / std::chrono::milliseconds(1);
        for (const auto& each : all) {
            each->driver.tick(static_cast<sockless::instant>(now), [](const ws::event&) {});
            write(*each);
        }
        std::erase_if(all, [](const auto& each) { return each->driver.is_over() && ::close(each->socket) == 0; });
    }
}
