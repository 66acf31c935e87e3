// Endpoints over Asio: sockets and TLS streams, with callbacks or coroutines. Not part of sockless.hpp. It takes
// Boost.Asio, or Asio by itself if the program defines SOCKLESS_STANDALONE_ASIO.
// SPDX-License-Identifier: MIT
#pragma once

#include <utility> // some versions of Asio use it and do not include it

#ifdef SOCKLESS_STANDALONE_ASIO
#include <asio.hpp>
namespace sockless::adapters {
namespace net = ::asio;
/// The error codes of Asio.
using asio_error_code = ::asio::error_code;
} // namespace sockless::adapters
#else
#include <boost/asio.hpp>
namespace sockless::adapters {
namespace net = ::boost::asio;
/// The error codes of Asio.
using asio_error_code = ::boost::system::error_code;
} // namespace sockless::adapters
#endif

#include "../driver.hpp"
#include "../ws/url.hpp"

#include <array>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sockless::adapters::detail {

/// A side of the handshake of TLS, for a stream that has one.
template <class Side, class Stream>
concept asio_tls_side = std::same_as<Side, typename Stream::handshake_type>;

/// The part of an `asio_connection` that does the work. It has one read, one write and one timer under way at most.
/// Each of them holds it, so it outlives them in any order, and the program's `asio_connection`.
template <endpoint Endpoint, class Stream>
class asio_loop : public std::enable_shared_from_this<asio_loop<Endpoint, Stream>> {
  public:
    using event = typename Endpoint::event;
    using handler = std::function<void(const event&)>;

    asio_loop(Stream stream, Endpoint peer, const driver_options& settings)
        : stream_(std::move(stream)),
          driver_(std::move(peer), settings),
          timer_(stream_.get_executor()),
          signal_(stream_.get_executor(), (std::chrono::steady_clock::time_point::max)()) {
        driver_.pause();
    }

    [[nodiscard]] Stream& stream() noexcept { return stream_; }
    [[nodiscard]] const Endpoint& peer() const noexcept { return driver_.peer(); }
    [[nodiscard]] asio_error_code failure() const noexcept { return failure_; }

    /// The endpoint, for a caller that will do something with it. The bytes that this queues are written when the
    /// caller has returned to the executor.
    [[nodiscard]] Endpoint& peer() {
        if (!is_busy_ && !is_posted_ && !is_closed_) {
            is_posted_ = true;
            net::post(stream_.get_executor(), [self = self()] {
                self->is_posted_ = false;
                self->update();
            });
        }
        return driver_.peer();
    }

    /// Makes the handshake of TLS the first thing to do, on this side of it.
    void shake_hands_as(int side) noexcept { tls_side_ = side; }

    /// Calls `handle` for each event. `owner` lives as long as something is under way.
    void start(std::weak_ptr<void> owner, handler handle) {
        owner_ = std::move(owner);
        handle_ = std::make_shared<handler>(std::move(handle));
        pause(false);
    }

    void pause(bool pauses) {
        driver_.pause(pauses);
        update();
    }

    void shut_down() {
        driver_.shut_down();
        update();
    }

    /// The program has no more interest: what is to be said at the end is said, and nobody is told.
    void let_go() {
        is_let_go_ = true;
        handle_ = nullptr;
        found_.clear();
        is_shown_ = false;
        if (!has_begun_) close();
        if (is_closed_) return wake();
        driver_.pause(false);
        shut_down();
        wake();
    }

#if defined(BOOST_ASIO_HAS_CO_AWAIT) || defined(ASIO_HAS_CO_AWAIT)
    [[nodiscard]] static net::awaitable<event> next_event(std::shared_ptr<asio_loop> self) {
        self->is_shown_ = false;
        if (self->found_.empty()) self->driver_.pause(false);
        self->update();
        while (self->found_.empty() && !self->is_ended_ && !self->is_let_go_) {
            asio_error_code cancelled;
            co_await self->signal_.async_wait(net::redirect_error(net::use_awaitable, cancelled));
        }
        if (self->found_.empty()) co_return event{};
        self->is_shown_ = true;
        const event found = self->found_.front();
        self->found_.erase(self->found_.begin());
        co_return found;
    }
#endif

  private:
    // Each operation that is under way holds this. With a handler it holds the owner too, to whom the handler refers.
    [[nodiscard]] std::shared_ptr<asio_loop> self() {
        if (const auto owner = owner_.lock()) return {owner, this};
        return this->shared_from_this();
    }

    [[nodiscard]] static instant now() noexcept {
        const auto since = std::chrono::steady_clock::now().time_since_epoch();
        return static_cast<instant>(since / std::chrono::milliseconds(1));
    }

    // A handler that throws leaves the endpoint in the middle of something: the connection is closed.
    struct busy {
        asio_loop& of;
        int exceptions = std::uncaught_exceptions();

        explicit busy(asio_loop& loop) noexcept : of(loop) { of.is_busy_ = true; }
        busy(const busy&) = delete;
        busy& operator=(const busy&) = delete;
        ~busy() {
            of.is_busy_ = false;
            if (std::uncaught_exceptions() > exceptions) of.close();
        }
    };

    void show(const event& found) {
        // A handler may put another one in its place, and outlives its own call.
        if (const auto running = handle_) return (*running)(found);
        if (is_let_go_) return;
        // The next event may end the life of what this one shows, so it comes when it is asked for.
        found_.push_back(found);
        driver_.pause();
        wake();
    }

    // Whether an event waits, or is in use, whose views must stay as they are.
    [[nodiscard]] bool holds_event() const noexcept { return is_shown_ || !found_.empty(); }

    void wake() { signal_.cancel(); }

    void update() {
        run([](const auto&) {});
    }

    // Gives the driver something, and does what it wants then.
    template <class Step>
    void run(Step&& step) {
        if (is_busy_ || is_closed_) return;
        const auto alive = self();
        if (!has_begun_) begin();
        const auto handle = [this](const event& found) { show(found); };
        {
            const busy during(*this);
            step(handle);
            if (failure_ && !holds_event()) driver_.abandon(handle);
            driver_.tick(now(), handle);
        }
        if (is_ready_ && !failure_) {
            if (!is_writing_ && !driver_.output().empty()) write();
            if (!is_writing_ && !holds_event() && driver_.ends_writing()) end_writing();
            if (!is_reading_ && driver_.reads()) read();
        }
        // If all is said although a write is under way, or TLS not ready for one, the peer has let its time pass.
        const bool cannot_say_it = driver_.ends_writing() && (is_writing_ || !is_ready_);
        if (driver_.is_over() || cannot_say_it) return close();
        wait();
    }

    void begin() {
        has_begun_ = true;
        asio_error_code ignored; // a socket of another kind than TCP has no such option
        stream_.lowest_layer().set_option(net::ip::tcp::no_delay(true), ignored);
        if constexpr (is_tls) {
            if (tls_side_ < 0) return;
            is_ready_ = false;
            const auto side = static_cast<typename Stream::handshake_type>(tls_side_);
            stream_.async_handshake(side, [self = self()](asio_error_code error) {
                self->is_ready_ = true;
                self->go_on(error);
            });
        }
    }

    // After an operation. The first error is kept, and ends the connection.
    void go_on(asio_error_code error) {
        if (error && !failure_) failure_ = error;
        update();
    }

    void read() {
        is_reading_ = true;
        const auto done = [self = self()](asio_error_code error, std::size_t size) {
            self->is_reading_ = false;
            if (error && error != net::error::eof) return self->cannot_read(error);
            self->run([&](const auto& handle) {
                if (error) return self->driver_.finish(handle);
                self->driver_.take(bytes_of(self->in_.data(), size), handle);
            });
        };
        if constexpr (is_tls) {
            if (is_below_tls_) return stream_.next_layer().async_read_some(net::buffer(in_), done);
        }
        stream_.async_read_some(net::buffer(in_), done);
    }

    // After its goodbye TLS may take no more of what the peer still sends. That is then read below TLS, and dropped:
    // else it would wait unread, and the end of the connection be a reset, which can overtake what was sent last.
    void cannot_read(asio_error_code error) {
        if (!is_tls || !is_ended_ || is_below_tls_) return go_on(error);
        is_below_tls_ = true;
        update();
    }

    void write() {
        is_writing_ = true;
        const auto done = [self = self()](asio_error_code error, std::size_t size) {
            self->is_writing_ = false;
            self->driver_.sent(size);
            self->go_on(error);
        };
        const auto buffer_of = [](cbytes piece) { return net::const_buffer(piece.data(), piece.size()); };
        const Endpoint& from = driver_.peer();
        if constexpr (requires(std::span<cbytes> pieces) { from.output(pieces); }) {
            std::array<cbytes, most_pieces> pieces;
            std::size_t count = 0;
            for (const cbytes piece : from.output(pieces)) out_[count++] = buffer_of(piece);
            stream_.async_write_some(std::span<const net::const_buffer>(out_.data(), count), done);
        } else {
            stream_.async_write_some(buffer_of(from.output()), done);
        }
    }

    void end_writing() {
        driver_.did_end_writing();
        is_ended_ = true;
        wake();
        if constexpr (is_tls) {
            // TLS says goodbye before TCP does. This waits for the goodbye of the peer, but not for longer than the
            // driver does.
            is_writing_ = true;
            stream_.async_shutdown([self = self()](asio_error_code) {
                self->is_writing_ = false;
                self->end_socket();
                self->update();
            });
        } else {
            end_socket();
        }
    }

    void end_socket() {
        asio_error_code ignored;
        stream_.lowest_layer().shutdown(net::socket_base::shutdown_send, ignored);
    }

    // The timer may ring too early, as most deadlines are put off before they come. It never rings too late.
    void wait() {
        const instant next = driver_.next_deadline();
        if (next >= awaited_) return;
        awaited_ = next;
        const std::chrono::milliseconds since(static_cast<std::int64_t>(next));
        timer_.expires_at(std::chrono::steady_clock::time_point(since));
        timer_.async_wait([self = self()](asio_error_code error) {
            if (error) return;
            self->awaited_ = no_deadline;
            self->update();
        });
    }

    void close() {
        if (is_closed_) return;
        is_closed_ = is_ended_ = true;
        handle_ = nullptr;
        asio_error_code ignored;
        stream_.lowest_layer().close(ignored);
        timer_.cancel();
        wake();
    }

    static constexpr std::size_t most_pieces = 16;
    static constexpr bool is_tls = requires { typename Stream::handshake_type; };

    Stream stream_;
    driver<Endpoint> driver_;
    net::steady_timer timer_;
    net::steady_timer signal_; // never rings: to cancel it wakes the coroutine that waits for it
    std::weak_ptr<void> owner_{};
    std::shared_ptr<handler> handle_{};
    std::vector<event> found_{}; // for a coroutine: one of `next` and perhaps one of `tick`
    asio_error_code failure_{};
    instant awaited_ = no_deadline;
    int tls_side_ = -1;
    bool has_begun_ = false;
    bool is_ready_ = true;
    bool is_reading_ = false;
    bool is_writing_ = false;
    bool is_below_tls_ = false; // reads there
    bool is_posted_ = false;
    bool is_busy_ = false;
    bool is_shown_ = false; // a coroutine has the last event
    bool is_let_go_ = false;
    bool is_ended_ = false;
    bool is_closed_ = false;
    std::array<net::const_buffer, most_pieces> out_{};
    std::array<std::byte, 16 * 1024> in_;
};

} // namespace sockless::adapters::detail

namespace sockless::adapters {

/// A connection: a stream of Asio that is connected, and an endpoint. It reads, writes, waits and ends as the endpoint
/// and its driver ask for. Events come to a handler or to a coroutine.
///
/// With a handler a connection lives as long as something is under way, also if the program does not hold it:
///
///     auto each = std::make_shared<adapters::asio_connection<ws::server>>(std::move(socket), ws::server());
///     each->start([](auto& connection, const ws::event& event) {
///         sockless::error error;
///         if (event.kind == ws::kind::request) error = connection.peer().accept();
///         if (event.kind == ws::kind::message) error = connection.peer().send(event.type, event.payload);
///         if (error) connection.shut_down();
///     });
///
/// In a coroutine it is a variable, and its loop is `while (const auto event = co_await connection.receive())`. Nothing
/// is read while no coroutine waits in `receive`.
///
/// In both cases the destructor says goodbye (`shut_down` of the endpoint), and the rest goes on without the program:
/// output that waits is written, the peer's Close is awaited, and the socket is closed, all in bounded time.
///
/// All functions, the destructor, the handler and the coroutine run in the executor of the stream, which must be a
/// strand if several threads run the context.
template <endpoint Endpoint, class Stream = net::ip::tcp::socket>
class asio_connection : public std::enable_shared_from_this<asio_connection<Endpoint, Stream>> {
  public:
    using event = typename Endpoint::event;

    /// With a stream that is connected. Nothing happens before `start`, `receive` or `peer`.
    asio_connection(Stream stream, Endpoint peer, const driver_options& settings = {})
        : loop_(std::make_shared<loop>(std::move(stream), std::move(peer), settings)) {}

    /// With a TLS stream whose socket is connected. The handshake of TLS comes first, as `Stream::client` or as
    /// `Stream::server`. The timeout of the opening handshake bounds both together. A client first says on the stream
    /// which host it wants (`SSL_set_tlsext_host_name(stream.native_handle(), name)`), and that the certificate must be
    /// of that host (`set_verify_mode(ssl::verify_peer)`, `set_verify_callback(ssl::host_name_verification(host))`).
    template <detail::asio_tls_side<Stream> Side>
    asio_connection(Stream stream, Side side, Endpoint peer, const driver_options& settings = {})
        : asio_connection(std::move(stream), std::move(peer), settings) {
        loop_->shake_hands_as(side);
    }

    asio_connection(const asio_connection&) = delete;
    asio_connection& operator=(const asio_connection&) = delete;
    ~asio_connection() { loop_->let_go(); }

    /// Begins, and calls `handle(connection, event)` for each event. Views of the event are valid until `handle`
    /// returns. If `handle` throws, the connection is closed at once, and the exception leaves the `run` of the
    /// context. The connection must have been made with `std::make_shared`; a handler gets it as its argument, and
    /// does not keep a `shared_ptr` to it, with which it would live for ever.
    template <std::invocable<asio_connection&, const event&> Handle>
    void start(Handle handle) {
        loop_->start(this->shared_from_this(),
                     [this, handle = std::move(handle)](const event& found) mutable { handle(*this, found); });
    }

#if defined(BOOST_ASIO_HAS_CO_AWAIT) || defined(ASIO_HAS_CO_AWAIT)
    /// Gives the next event; one that is false after the last. Views of an event are valid until the next call of
    /// `receive`, whatever else is awaited meanwhile; deadlines, Pings and writing go on. One coroutine at a time may
    /// call it. A call that is cancelled while it waits (newer versions of Asio can do that) takes no event.
    [[nodiscard]] net::awaitable<event> receive() { return loop::next_event(loop_); }
#endif

    /// The endpoint: to send, to accept, to close, in the handler and anywhere else. The bytes that this queues are
    /// written when the caller has returned to the executor. So call `peer()` each time, and keep no reference.
    [[nodiscard]] Endpoint& peer() { return loop_->peer(); }
    [[nodiscard]] const Endpoint& peer() const noexcept { return std::as_const(*loop_).peer(); }

    /// Ends the connection in the way that its state asks for, as when the program ends, in bounded time
    /// (`driver_options`). Events come until the end.
    void shut_down() { loop_->shut_down(); }

    /// With a handler: pauses, so that nothing is read and no event comes but the end, and goes on with `false`.
    void pause(bool pauses = true) { loop_->pause(pauses); }

    /// The stream: for addresses and options.
    [[nodiscard]] Stream& stream() noexcept { return loop_->stream(); }

    /// The error of the socket or of TLS that broke the connection, if one did.
    [[nodiscard]] asio_error_code failure() const noexcept { return loop_->failure(); }

  private:
    using loop = detail::asio_loop<Endpoint, Stream>;

    std::shared_ptr<loop> loop_;
};

} // namespace sockless::adapters

#if defined(BOOST_ASIO_HAS_CO_AWAIT) || defined(ASIO_HAS_CO_AWAIT)

namespace sockless::adapters::detail {

struct asio_attempt {
    explicit asio_attempt(net::ip::tcp::socket& to)
        : socket(to), resolver(to.get_executor()), limit(to.get_executor()) {}

    net::ip::tcp::socket& socket;
    net::ip::tcp::resolver resolver;
    net::steady_timer limit;
    bool is_late = false;
};

} // namespace sockless::adapters::detail

namespace sockless::adapters {

/// Connects `socket` to the host and port of a URL. Gives `timed_out` if that takes longer than `longest`. Both the
/// socket and the text of the URL outlive the call.
[[nodiscard]] inline net::awaitable<asio_error_code> asio_connect(net::ip::tcp::socket& socket, ws::url to,
                                                                  std::chrono::milliseconds longest) {
    // If this coroutine has ended, its attempt is gone when the timer rings.
    const auto attempt = std::make_shared<detail::asio_attempt>(socket);
    attempt->limit.expires_after(longest);
    attempt->limit.async_wait([awaited = std::weak_ptr(attempt)](asio_error_code error) {
        const auto late = awaited.lock();
        if (error || late == nullptr) return;
        late->is_late = true;
        late->resolver.cancel();
        asio_error_code ignored;
        late->socket.close(ignored);
    });
    std::string host(to.host);
    if (!to.zone.empty()) host.append("%").append(to.zone);
    asio_error_code error;
    auto then = net::redirect_error(net::use_awaitable, error);
    const auto found = co_await attempt->resolver.async_resolve(host, std::to_string(to.port), then);
    if (!error && !attempt->is_late) co_await net::async_connect(socket, found, then);
    if (attempt->is_late) error = net::error::timed_out;
    co_return error;
}

} // namespace sockless::adapters

#endif
