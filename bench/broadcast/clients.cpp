// Many clients of a server that sends each message to all of them. The first one sends, and has a few messages under
// way. Prints how many messages were delivered a second. Each first message is looked at, later ones are counted.
// clients PORT COMPRESSES(0 or 1) CLIENTS SIZE MILLISECONDS
// SPDX-License-Identifier: MIT
#include <sockless.hpp>
#include <sockless/ws/deflate/zlib.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

namespace ws = sockless::ws;
using clock_type = std::chrono::steady_clock;

constexpr std::uint64_t under_way = 8;

void require(bool right, const char* what) {
    if (right) return;
    std::fprintf(stderr, "clients: %s\n", what);
    std::exit(1);
}

// Text that looks like what is broadcast, another one each time.
std::string message(std::size_t size, std::uint64_t number) {
    std::string text;
    std::uint64_t state = number;
    while (text.size() < size) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        text +=
            "{\"symbol\":\"S" + std::to_string(state >> 58U) + "\",\"price\":" + std::to_string(state >> 40U) + "},";
    }
    text.resize(size);
    return text;
}

// A client that looks at its first message and then counts headers.
template <class Peer>
struct client {
    int socket = -1;
    Peer peer{ws::entropy()};
    std::uint64_t messages = 0;
    std::uint64_t left = 0; // of the frame that comes
    std::array<unsigned char, 10> header{};
    std::size_t held = 0;

    void count(sockless::cbytes in) {
        while (!in.empty()) {
            const std::size_t part = in.size() < left ? in.size() : static_cast<std::size_t>(left);
            in = in.subspan(part);
            left -= part;
            if (part != 0 && left == 0) ++messages;
            if (in.empty()) return;
            header[held++] = static_cast<unsigned char>(in[0]);
            in = in.subspan(1);
            const std::size_t more = held < 2 ? 2 : header[1] < 126 ? 0 : header[1] == 126 ? 2 : 8;
            if (held != 2 + more) continue;
            require((header[0] & 0x8FU) == 0x81U, "not a whole text message");
            left = more == 0 ? header[1] : 0;
            for (std::size_t i = 2; i != 2 + more; ++i) left = left << 8U | header[i];
            held = 0;
        }
    }
};

void send_all(int socket, sockless::cbytes out) {
    while (!out.empty()) {
        const ssize_t size = ::send(socket, out.data(), out.size(), MSG_NOSIGNAL);
        require(size > 0, "the server does not read");
        out = out.subspan(static_cast<std::size_t>(size));
    }
}

template <class Peer>
void flush(client<Peer>& each) {
    while (!each.peer.output().empty()) {
        const sockless::cbytes out = each.peer.output();
        send_all(each.socket, out);
        each.peer.sent(out.size());
    }
}

template <class Peer>
int run(char** values) {
    constexpr bool compresses = std::is_same_v<Peer, ws::zlib_client>;
    const sockaddr_in address{
        AF_INET, htons(static_cast<std::uint16_t>(std::atoi(values[1]))), {htonl(INADDR_LOOPBACK)}, {}};
    std::vector<client<Peer>> all(static_cast<std::size_t>(std::atoi(values[3])));
    const auto size = static_cast<std::size_t>(std::atoi(values[4]));
    std::vector<std::byte> buffer(1024 * 1024);
    const int events = ::epoll_create1(0);
    for (client<Peer>& each : all) {
        each.socket = ::socket(AF_INET, SOCK_STREAM, 0);
        const int on = 1;
        ::setsockopt(each.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        require(::connect(each.socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "connect");
        ws::entropy::seed seed;
        require(::getentropy(seed.data(), seed.size()) == 0, "no entropy");
        each.peer = Peer(ws::entropy(seed), {.limits = {.message = 16 * 1024 * 1024}});
        require(!each.peer.request({.host = "localhost"}), "no request");
        flush(each);
        for (ws::event event{}; event.kind != ws::kind::open;) {
            const ssize_t got = ::recv(each.socket, buffer.data(), buffer.size(), 0);
            require(got > 0, "no answer");
            sockless::bytes in = sockless::bytes(buffer).first(static_cast<std::size_t>(got));
            event = each.peer.next(in);
        }
        if constexpr (compresses) require(each.peer.compression().agreement().agreed, "no compression");
        epoll_event wanted{};
        wanted.events = EPOLLIN;
        wanted.data.ptr = &each;
        require(::epoll_ctl(events, EPOLL_CTL_ADD, each.socket, &wanted) == 0, "epoll_ctl");
    }
    std::uint64_t sent = 0, delivered = 0;
    const auto send_next = [&] {
        require(!all[0].peer.send_text(message(size, sent++), ws::compressed::never), "no room");
        flush(all[0]);
    };
    const std::string first = message(size, 0);
    send_next();
    auto begin = clock_type::now();
    const auto duration = std::chrono::milliseconds(std::atoi(values[5]));
    std::uint64_t bytes = 0;
    for (bool warms_up = true;;) {
        std::array<epoll_event, 256> found;
        const int ready = ::epoll_wait(events, found.data(), static_cast<int>(found.size()), 5000);
        require(ready > 0, "nothing comes");
        for (int i = 0; i < ready; ++i) {
            client<Peer>& each = *static_cast<client<Peer>*>(found[static_cast<std::size_t>(i)].data.ptr);
            const ssize_t got = ::recv(each.socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
            require(got > 0, "the server has closed");
            sockless::bytes in = sockless::bytes(buffer).first(static_cast<std::size_t>(got));
            const std::uint64_t before = each.messages;
            bytes += in.size();
            if (warms_up) {
                while (const ws::event event = each.peer.next(in)) {
                    require(event.kind == ws::kind::message && event.text() == first, "another message");
                    ++each.messages;
                }
            } else {
                each.count(in);
            }
            delivered += each.messages - before;
        }
        const auto now = clock_type::now();
        if (warms_up && delivered == all.size()) {
            warms_up = false;
            begin = now;
            delivered = bytes = 0;
            sent = 0;
            std::puts("begin");
            std::fflush(stdout);
        }
        if (warms_up) continue;
        if (now - begin >= duration) break;
        while (sent < delivered / all.size() + under_way) send_next();
    }
    const double seconds = std::chrono::duration<double>(clock_type::now() - begin).count();
    std::printf("%.6f %llu %llu\n", seconds, static_cast<unsigned long long>(delivered),
                static_cast<unsigned long long>(bytes));
    return 0;
}

} // namespace

int main(int count, char** values) {
    require(count == 6, "PORT COMPRESSES CLIENTS SIZE MILLISECONDS");
    return std::atoi(values[2]) != 0 ? run<ws::zlib_client>(values) : run<ws::client>(values);
}
