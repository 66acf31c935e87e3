// Endpoints over Asio: sockets and TLS streams, with callbacks or coroutines. Boost.Asio, or Asio by itself if
// SOCKLESS_STANDALONE_ASIO is defined.
// SPDX-License-Identifier: MIT
#pragma once

#include <utility> // which some versions of Asio forget

#ifdef SOCKLESS_STANDALONE_ASIO
#include <asio.hpp>
namespace sockless::net {
using namespace ::asio;
/// The error codes of Asio.
using error_code = ::asio::error_code;
} // namespace sockless::net
#else
#include <boost/asio.hpp>
namespace sockless::net {
using namespace ::boost::asio;
/// The error codes of Asio.
using error_code = ::boost::system::error_code;
} // namespace sockless::net
#endif

#include "../../sockless.hpp"

#include <array>
#include <chrono>
#include <functional>
#include <memory>

namespace sockless::adapters {

/// A connection: a stream of Asio that is connected, and an endpoint. Make it with `std::make_shared`, then call
/// `start`. It lives until the connection is closed, and as long as the program holds it. All its functions and its
/// handler run in the executor of the stream, which must be a strand if the context has several threads.
///
///     auto each = std::make_shared<adapters::asio_connection<ws::server>>(std::move(socket), ws::server());
///     each->start([](auto& connection, const ws::event& event) {
///         if (event.kind == ws::kind::request) connection.report(connection.peer().accept());
///         if (event.kind == ws::kind::message) connection.report(connection.peer().send(event.type, event.payload));
///     });
template <endpoint Endpoint, class Stream = net::ip::tcp::socket>
class asio_connection : public std::enable_shared_from_this<asio_connection<Endpoint, Stream>> {
  public:
    using event = typename Endpoint::event;
    using handler = std::function<void(asio_connection&, const event&)>;

    /// Does nothing yet: see `start`.
    asio_connection(Stream stream, Endpoint peer, const driver_options& settings = {})
        : stream_(std::move(stream)), driver_(std::move(peer), settings), timer_(stream_.get_executor()) {}

    /// The stream and the endpoint. After a call that queues bytes outside of the handler, call `update`.
    [[nodiscard]] Stream& stream() noexcept { return stream_; }
    [[nodiscard]] Endpoint& peer() noexcept { return driver_.peer(); }

    /// Begins to read and write. `handle(connection, event)` is called for each event.
    void start(handler handle) {
        handle_ = std::move(handle);
        update();
    }

    /// Does what is due: writes what was queued, reads, waits, ends.
    void update() {
        if (is_updating_ || is_closed_) return;
        is_updating_ = true;
        driver_.tick(now(), handle());
        if (!is_writing_ && !driver_.output().empty()) write();
        if (!is_reading_ && driver_.reads()) read();
        if (!is_writing_ && driver_.ends_writing()) end_writing();
        is_updating_ = false;
        if (driver_.is_over()) return close();
        wait();
    }

    /// Pauses and resumes reading: see `driver::pause`.
    void pause(bool pauses = true) {
        driver_.pause(pauses);
        update();
    }

    /// Says Close, or what the state of the endpoint asks for.
    void shut_down() {
        peer().shut_down();
        update();
    }

    /// For the result of a call that should not fail: an error ends the connection.
    void report(const sockless::error& result) {
        if (result) peer().shut_down();
    }

  private:
    [[nodiscard]] static instant now() {
        const auto since = std::chrono::steady_clock::now().time_since_epoch();
        return static_cast<instant>(since / std::chrono::milliseconds(1));
    }

    [[nodiscard]] auto handle() {
        return [this](const event& found) { handle_(*this, found); };
    }

    void read() {
        is_reading_ = true;
        stream_.async_read_some(net::buffer(in_),
                                [self = this->shared_from_this()](net::error_code error, std::size_t size) {
                                    self->is_reading_ = false;
                                    if (!error) {
                                        self->driver_.take(bytes_of(self->in_.data(), size), self->handle());
                                    } else if (error == net::error::eof) {
                                        self->driver_.finish(self->handle());
                                    } else {
                                        self->driver_.abandon(self->handle());
                                    }
                                    self->update();
                                });
    }

    void write() {
        is_writing_ = true;
        const cbytes out = driver_.output();
        stream_.async_write_some(net::buffer(out.data(), out.size()),
                                 [self = this->shared_from_this()](net::error_code error, std::size_t size) {
                                     self->is_writing_ = false;
                                     self->driver_.sent(size);
                                     if (error) self->driver_.abandon(self->handle());
                                     self->update();
                                 });
    }

    void end_writing() {
        if constexpr (requires { stream_.async_shutdown([](net::error_code) {}); }) {
            // TLS says goodbye before TCP does.
            is_writing_ = true;
            stream_.async_shutdown([self = this->shared_from_this()](net::error_code) {
                self->is_writing_ = false;
                self->end_socket();
            });
        } else {
            end_socket();
        }
    }

    void end_socket() {
        net::error_code ignored;
        stream_.lowest_layer().shutdown(net::ip::tcp::socket::shutdown_send, ignored);
        driver_.did_end_writing();
        update();
    }

    void wait() {
        const instant next = driver_.next_deadline();
        if (next == awaited_) return;
        awaited_ = next;
        if (next == no_deadline) {
            timer_.cancel();
            return;
        }
        timer_.expires_at(std::chrono::steady_clock::time_point(std::chrono::milliseconds(next)));
        timer_.async_wait([self = this->shared_from_this()](net::error_code error) {
            if (error) return;
            self->awaited_ = no_deadline;
            self->update();
        });
    }

    void close() {
        is_closed_ = true;
        net::error_code ignored;
        timer_.cancel();
        stream_.lowest_layer().close(ignored);
    }

    Stream stream_;
    driver<Endpoint> driver_;
    net::steady_timer timer_;
    handler handle_{};
    instant awaited_ = no_deadline;
    bool is_reading_ = false;
    bool is_writing_ = false;
    bool is_updating_ = false;
    bool is_closed_ = false;
    std::array<std::byte, 16 * 1024> in_;
};

} // namespace sockless::adapters
