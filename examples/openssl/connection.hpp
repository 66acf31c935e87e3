// A TLS connection over a socket that does not block, and the driver of an endpoint, for both programs.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless.hpp>

#include <chrono>
#include <memory>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

template <sockless::endpoint Endpoint>
class tls_connection {
  public:
    // Owns both.
    tls_connection(int socket, SSL* tls, Endpoint peer) : socket_(socket), tls_(tls), driver_(std::move(peer)) {
        SSL_set_fd(tls, socket);
    }
    tls_connection(const tls_connection&) = delete;
    tls_connection& operator=(const tls_connection&) = delete;
    ~tls_connection() {
        SSL_free(tls_);
        ::close(socket_);
    }

    SSL* tls() { return tls_; }
    Endpoint& peer() { return driver_.peer(); }
    void shut_down() { driver_.shut_down(); }
    bool is_over() const { return driver_.is_over(); }

    // What to wait for.
    pollfd file() const { return {socket_, awaited_, 0}; }

    // Does all that can be done now. The deadlines are seconds: to call it every 100 milliseconds is enough for them.
    template <class Handle>
    void serve(Handle&& handle) {
        const auto time = std::chrono::steady_clock::now().time_since_epoch() / std::chrono::milliseconds(1);
        awaited_ = 0;
        do {
            while (driver_.reads() && read(handle)) {
            }
            driver_.tick(static_cast<sockless::instant>(time), handle);
            while (!driver_.output().empty() && write(handle)) {
            }
            // Now that output has left, more may be read; and of bytes that are decrypted already no poller knows.
        } while (driver_.reads() && SSL_pending(tls_) != 0);
        if (driver_.ends_writing()) end_writing();
        if (driver_.reads()) awaited_ |= POLLIN;
    }

  private:
    template <class Handle>
    bool read(Handle& handle) {
        static std::byte buffer[16384]; // the most that TLS decrypts at once
        ERR_clear_error();
        const int size = SSL_read(tls_, buffer, sizeof buffer);
        if (size <= 0) return stop(size, handle);
        driver_.take(sockless::bytes_of(buffer, static_cast<std::size_t>(size)), handle);
        return true;
    }

    // After SSL_ERROR_WANT_WRITE the next call must bring the same bytes, which `output` keeps where they are.
    template <class Handle>
    bool write(Handle& handle) {
        const sockless::cbytes out = driver_.output();
        ERR_clear_error();
        const int size = SSL_write(tls_, out.data(), static_cast<int>(out.size()));
        if (size <= 0) return stop(size, handle);
        driver_.sent(static_cast<std::size_t>(size));
        return true;
    }

    template <class Handle>
    bool stop(int result, Handle& handle) {
        switch (SSL_get_error(tls_, result)) {
        case SSL_ERROR_WANT_READ: awaited_ |= POLLIN; break;
        case SSL_ERROR_WANT_WRITE: awaited_ |= POLLOUT; break;
        case SSL_ERROR_ZERO_RETURN: driver_.finish(handle); break;
        default: driver_.abandon(handle);
        }
        return false;
    }

    // TLS ends before TCP does.
    void end_writing() {
        ERR_clear_error();
        const int result = SSL_shutdown(tls_);
        if (result < 0 && SSL_get_error(tls_, result) == SSL_ERROR_WANT_WRITE) {
            awaited_ |= POLLOUT;
            return;
        }
        ::shutdown(socket_, SHUT_WR);
        driver_.did_end_writing();
    }

    int socket_;
    SSL* tls_;
    short awaited_ = POLLIN | POLLOUT;
    sockless::driver<Endpoint> driver_;
};
