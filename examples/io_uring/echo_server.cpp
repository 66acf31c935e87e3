// Sends every message back: a server with io_uring, whose buffers the messages are read in. Its argument is the port.
// Needs Linux 6.0; ends with 77 if the kernel has, or allows, no such io_uring.
// SPDX-License-Identifier: MIT
#include <sockless.hpp>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <set>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <unordered_map>

namespace ws = sockless::ws;

namespace {

// The buffers that the kernel reads into, of all connections, and the ring through which it gets them.
constexpr unsigned short buffer_count = 256;
constexpr unsigned buffer_size = 16 * 1024;
alignas(4096) std::byte buffers[buffer_count][buffer_size];
alignas(4096) std::byte buffer_ring[buffer_count * sizeof(io_uring_buf)];

void give_buffer(unsigned short index) {
    auto* const ring = reinterpret_cast<io_uring_buf_ring*>(buffer_ring);
    ::io_uring_buf_ring_add(ring, buffers[index], buffer_size, index, buffer_count - 1, 0);
    ::io_uring_buf_ring_advance(ring, 1);
}

enum class operation : std::uint8_t { accept, wait_for_signal, receive, send, cancel };

// The number of an operation: the kernel gives it back with the result.
std::uint64_t name_of(operation operation, int file) {
    return static_cast<std::uint64_t>(file) << 8 | static_cast<std::uint64_t>(operation);
}

struct connection {
    sockless::driver<ws::server> driver{ws::server({.ping_interval = 30'000})};
    bool is_receiving = false;
    bool is_cancelling = false;
    bool is_sending = false;
    sockless::instant wakes = sockless::no_deadline; // its place among the timers

    void handle(const ws::event& event) {
        sockless::error error;
        if (event.kind == ws::kind::request) error = driver.peer().accept();
        if (event.kind == ws::kind::message) error = driver.peer().send(event.type, event.payload);
        if (error) driver.shut_down();
    }
};

class server {
  public:
    bool has_kernel() {
        if (::io_uring_queue_init(1024, &ring_, IORING_SETUP_CLAMP) != 0) return false;
        // Nothing says whether one receive can give many buffers; this operation came with the same version.
        io_uring_probe* const probe = ::io_uring_get_probe_ring(&ring_);
        const bool is_recent = probe != nullptr && ::io_uring_opcode_supported(probe, IORING_OP_SEND_ZC) != 0;
        ::io_uring_free_probe(probe);
        io_uring_buf_reg ring{};
        ring.ring_addr = reinterpret_cast<std::uintptr_t>(buffer_ring);
        ring.ring_entries = buffer_count;
        for (unsigned short i = 0; i < buffer_count; ++i) give_buffer(i);
        return is_recent && ::io_uring_register_buf_ring(&ring_, &ring, 0) == 0;
    }

    bool listen(std::uint16_t port) {
        const sockaddr_in address{AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}, {}};
        const int on = 1;
        ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        ::setsockopt(listener_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); // of all that it accepts
        return ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
               ::listen(listener_, SOMAXCONN) == 0;
    }

    void run() {
        signalfd_siginfo signal;
        ::io_uring_prep_read(begin(operation::wait_for_signal, signals_), signals_, &signal, sizeof signal, 0);
        accept();
        while (!is_stopping_ || !connections_.empty()) {
            wait();
            io_uring_cqe* ended[256];
            const unsigned count = ::io_uring_peek_batch_cqe(&ring_, ended, 256);
            for (unsigned i = 0; i < count; ++i) take(*ended[i]);
            ::io_uring_cq_advance(&ring_, count);
            const sockless::instant time = now();
            while (!timers_.empty() && timers_.begin()->first <= time) {
                const int socket = timers_.extract(timers_.begin()).value().second;
                connection& due = connections_.at(socket);
                due.wakes = sockless::no_deadline;
                update(socket, due);
            }
        }
        ::io_uring_queue_exit(&ring_);
        ::close(signals_);
    }

  private:
    static sockless::instant now() {
        const auto time = std::chrono::steady_clock::now().time_since_epoch();
        return static_cast<sockless::instant>(time / std::chrono::milliseconds(1));
    }

    static int make_signals() {
        sigset_t set;
        ::sigemptyset(&set);
        ::sigaddset(&set, SIGINT);
        ::sigaddset(&set, SIGTERM);
        ::sigprocmask(SIG_BLOCK, &set, nullptr);
        return ::signalfd(-1, &set, SFD_CLOEXEC);
    }

    io_uring_sqe* begin(operation operation, int file) {
        io_uring_sqe* entry = ::io_uring_get_sqe(&ring_);
        while (entry == nullptr) {
            ::io_uring_submit(&ring_); // the queue is full
            entry = ::io_uring_get_sqe(&ring_);
        }
        ::io_uring_sqe_set_data64(entry, name_of(operation, file));
        return entry;
    }

    void cancel(operation other, int file) {
        ::io_uring_prep_cancel64(begin(operation::cancel, file), name_of(other, file), 0);
    }

    void wait() {
        io_uring_cqe* first;
        __kernel_timespec rest{};
        if (!timers_.empty()) {
            const sockless::instant next = timers_.begin()->first, time = now(), wait = next > time ? next - time : 0;
            rest = {static_cast<std::int64_t>(wait / 1000), static_cast<std::int64_t>(wait % 1000 * 1'000'000)};
        }
        ::io_uring_submit_and_wait_timeout(&ring_, &first, 1, timers_.empty() ? nullptr : &rest, nullptr);
    }

    void accept() {
        if (is_accepting_ || is_stopping_) return;
        is_accepting_ = true;
        io_uring_sqe* const entry = begin(operation::accept, listener_);
        ::io_uring_prep_multishot_accept(entry, listener_, nullptr, nullptr, SOCK_CLOEXEC);
    }

    void stop() {
        is_stopping_ = true;
        cancel(operation::accept, listener_);
        ::close(listener_);
        for (auto next = connections_.begin(); next != connections_.end();) {
            auto& [socket, each] = *next++;
            each.driver.shut_down();
            update(socket, each);
        }
    }

    // An operation has ended, or has a part of its result.
    void take(const io_uring_cqe& result) {
        const auto operation = static_cast<enum operation>(result.user_data & 0xff);
        const int file = static_cast<int>(result.user_data >> 8);
        switch (operation) {
        case operation::accept: return did_accept(result);
        case operation::wait_for_signal: return stop();
        case operation::cancel: return;
        case operation::receive: did_receive(connections_.at(file), result); break;
        case operation::send: did_send(connections_.at(file), result); break;
        }
        update(file, connections_.at(file));
    }

    void did_accept(const io_uring_cqe& result) {
        if (result.res >= 0 && is_stopping_) ::close(result.res);
        if (result.res >= 0 && !is_stopping_) update(result.res, connections_[result.res]);
        if ((result.flags & IORING_CQE_F_MORE) != 0) return;
        is_accepting_ = false;
        // Without a file to spare nobody is let in until a connection ends: else this would be tried all the time.
        if (result.res != -EMFILE && result.res != -ENFILE) accept();
    }

    static void did_receive(connection& on, const io_uring_cqe& result) {
        const auto handle = [&on](const ws::event& event) { on.handle(event); };
        if ((result.flags & IORING_CQE_F_BUFFER) != 0) {
            const auto index = static_cast<unsigned short>(result.flags >> IORING_CQE_BUFFER_SHIFT);
            const auto size = static_cast<std::size_t>(result.res > 0 ? result.res : 0);
            on.driver.take(sockless::bytes_of(buffers[index], size), handle);
            give_buffer(index);
        }
        if (result.res == 0) on.driver.finish(handle);
        if (result.res < 0 && result.res != -ENOBUFS && result.res != -ECANCELED) on.driver.abandon(handle);
        if ((result.flags & IORING_CQE_F_MORE) == 0) on.is_receiving = on.is_cancelling = false;
    }

    static void did_send(connection& on, const io_uring_cqe& result) {
        on.is_sending = false;
        if (result.res >= 0) on.driver.sent(static_cast<std::size_t>(result.res));
        if (result.res < 0) on.driver.abandon([&on](const ws::event& event) { on.handle(event); });
    }

    void update(int socket, connection& on) {
        auto& driver = on.driver;
        driver.tick(now(), [&on](const ws::event& event) { on.handle(event); });
        if (const auto out = driver.output(); !out.empty() && !on.is_sending) {
            on.is_sending = true;
            ::io_uring_prep_send(begin(operation::send, socket), socket, out.data(), out.size(), MSG_NOSIGNAL);
        }
        if (driver.ends_writing()) {
            ::shutdown(socket, SHUT_WR);
            driver.did_end_writing();
        }
        if (driver.is_over()) return close(socket, on);
        if (driver.reads() && !on.is_receiving) {
            on.is_receiving = true;
            io_uring_sqe* const entry = begin(operation::receive, socket);
            ::io_uring_prep_recv_multishot(entry, socket, nullptr, 0, 0);
            entry->flags |= IOSQE_BUFFER_SELECT;
        }
        if (!driver.reads() && on.is_receiving && !on.is_cancelling) {
            on.is_cancelling = true;
            cancel(operation::receive, socket);
        }
        // A timer that comes too early costs less than one that is moved with each message.
        if (driver.next_deadline() >= on.wakes) return;
        timers_.erase({on.wakes, socket});
        on.wakes = driver.next_deadline();
        timers_.insert({on.wakes, socket});
    }

    void close(int socket, connection& on) {
        // The kernel still reads from the connection's output, or will tell of its input.
        if (on.is_sending || on.is_receiving) {
            ::shutdown(socket, SHUT_RDWR);
            return;
        }
        timers_.erase({on.wakes, socket});
        connections_.erase(socket);
        ::close(socket);
        accept();
    }

    io_uring ring_{};
    int listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int signals_ = make_signals();
    bool is_accepting_ = false;
    bool is_stopping_ = false;
    std::unordered_map<int, connection> connections_;    // by socket
    std::set<std::pair<sockless::instant, int>> timers_; // when, and for which socket
};

} // namespace

int main(int count, char** arguments) {
    server server;
    if (!server.has_kernel()) {
        std::fputs("this needs io_uring of Linux 6.0, which the kernel does not have or does not allow\n", stderr);
        return 77;
    }
    if (!server.listen(static_cast<std::uint16_t>(count > 1 ? std::atoi(arguments[1]) : 9001))) {
        std::perror("listen");
        return 1;
    }
    server.run();
}
