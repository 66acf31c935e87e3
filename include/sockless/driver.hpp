// What the program that has the socket does next, for any endpoint: read or pause, write, shut down, close.
// SPDX-License-Identifier: MIT
#pragma once

#include "buffer.hpp"
#include "detail/deadline.hpp"
#include "endpoint.hpp"

namespace sockless {

/// How a `driver` behaves.
struct driver_options {
    /// Bytes. While more than this waits to be sent, nothing is read: a peer that does not take its answers can ask for
    /// no more of them.
    std::size_t most_waiting = 1024 * 1024;

    /// Milliseconds from `shut_down` to the end of our side. The timeouts of the endpoint bound a silence; this bounds
    /// all of it, for a peer that takes what waits a few bytes at a time.
    std::uint32_t shut_down_timeout = 30'000;

    /// Milliseconds in which the peer must end its side of the connection after ours has ended.
    std::uint32_t linger = 5'000;
};

/// An endpoint, and what all programs with a socket must do for it: they keep the input that the endpoint does not take
/// yet, read nothing while too much output waits, and end the connection so that the last bytes arrive. The driver does
/// no I/O and reads no clock. The program that has the socket
/// - reads while `reads()`, and gives what came to `take`. It calls `finish` when the peer has ended its side (`recv`
///   returned 0), and `abandon` when the connection broke;
/// - writes what `output()` shows, and says with `sent` how much of it was written;
/// - calls `tick` after each of these rounds, and when `next_deadline()` has come;
/// - ends its side of the connection (`shutdown(SHUT_WR)`, for TLS first `SSL_shutdown`) when `ends_writing()`, and
///   says so with `did_end_writing`;
/// - closes the connection when `is_over()`.
///
/// `take`, `finish`, `abandon` and `tick` call `handle(event)` for each event of the endpoint. `handle` may call
/// `pause` and `shut_down`, and all functions of the endpoint but `next`, `finish` and `tick`. If it throws, close the
/// connection.
///
/// Call the functions of one driver from one thread at a time. `Buffer` holds the input that the endpoint does not take
/// yet: at most what was read when `reads()` became false.
///
///     driver<ws::server> loop{ws::server()};
///     const auto handle = [&loop](const ws::event& event) {
///         if (event.kind == ws::kind::request && loop.peer().accept()) loop.shut_down();
///     };
///     if (loop.reads()) loop.take(in, handle);         // the bytes that recv gave
///     loop.tick(now, handle);
///     loop.sent(write(loop.output()));                 // as many as send took
///     if (loop.ends_writing()) loop.did_end_writing(); // after shutdown(SHUT_WR)
template <endpoint Endpoint, class Buffer = growing_buffer>
class driver {
  public:
    using event = typename Endpoint::event;
    using endpoint_type = Endpoint;

    /// With memory from the heap for input that waits. Most connections never need any.
    explicit driver(Endpoint peer,
                    const driver_options& settings = {}) noexcept requires std::is_same_v<Buffer, growing_buffer>
        : driver(static_cast<Endpoint&&>(peer), growing_buffer(SIZE_MAX), settings) {}

    /// With memory of the caller's for input that waits: as large as its largest read.
    driver(Endpoint peer, Buffer held, const driver_options& settings = {}) noexcept
        : peer_(static_cast<Endpoint&&>(peer)),
          held_(static_cast<Buffer&&>(held)),
          most_waiting_(settings.most_waiting),
          shut_down_timeout_(settings.shut_down_timeout),
          linger_(settings.linger) {}

    /// The endpoint: to send, to accept, to close.
    [[nodiscard]] Endpoint& peer() noexcept { return peer_; }
    [[nodiscard]] const Endpoint& peer() const noexcept { return peer_; }

    /// Whether the program is to read. If not, it asks again after each round.
    [[nodiscard]] bool reads() const noexcept {
        if (input_ended_ || abandoned_) return false;
        // After the end of our side what comes is read and dropped, until the peer has ended its side: to close a
        // socket with input unread is a reset, which can overtake the bytes that were sent last (RFC 6455
        // section 7.1.1).
        if (writing_ended_) return true;
        return held_.size() == 0 && !paused_ && peer_.waiting() <= most_waiting_;
    }

    /// Pauses: no event comes and nothing is read, until `pause(false)`. For a program that cannot take more messages
    /// for a while. The silence of the peer in the meantime is not held against it.
    void pause(bool pauses = true) noexcept { paused_ = pauses; }

    /// Ends the connection in the way that its state asks for (`shut_down` of the endpoint), in bounded time: when
    /// `shut_down_timeout` has passed, what the peer has not taken by then is given up, and the connection is over.
    /// Go on as before until `is_over()`.
    void shut_down() noexcept {
        peer_.shut_down();
        if (!writing_ended_ && !deadline_.is_waiting()) deadline_.begin(shut_down_timeout_);
    }

    /// Takes bytes that came. `in` is changed in place, and may be used for other things afterwards: what the endpoint
    /// does not take yet is kept.
    template <class Handle>
    void take(bytes in, Handle&& handle) {
        if (is_silent()) return;
        const bool waits = held_.size() != 0;
        if (!waits) take_from(in, handle);
        // Without memory for its input a connection cannot go on.
        if (!append(held_, in)) return abandon(handle);
        if (waits) take_held(handle);
    }

    /// Says that the peer has ended its side. What waits is still to be sent, as the peer may read on.
    template <class Handle>
    void finish(Handle&& handle) {
        if (input_ended_ || abandoned_) return;
        input_ended_ = finishes_ = true;
        take_held(handle);
    }

    /// Says that the connection broke: nothing can be read or written any more. Tells the endpoint.
    template <class Handle>
    void abandon(Handle&& handle) {
        if (abandoned_) return;
        abandoned_ = true;
        held_.release();
        tell(peer_.finish(), handle);
    }

    /// Says what time it is, in milliseconds, and does what is due.
    template <class Handle>
    void tick(instant now, Handle&& handle) {
        if (abandoned_) return;
        take_held(handle);
        if (paused_) peer_.hold_input();
        tell(peer_.tick(now), handle);
        if (deadline_.pass(now)) abandon(handle);
    }

    /// When `tick` has something to do; `no_deadline` if there is no such time, 0 if it is at once.
    [[nodiscard]] instant next_deadline() const noexcept {
        const instant own = deadline_.next(), other = peer_.next_deadline();
        return own < other ? own : other;
    }

    /// The bytes to write next: see `output` and `sent` of the endpoint.
    [[nodiscard]] cbytes output() const noexcept { return is_silent() ? cbytes{} : peer_.output(); }

    /// The same in several pieces, for programs that can write such at once: see `ws::connection::output`. An endpoint
    /// that cannot do that gives one piece.
    [[nodiscard]] std::span<const cbytes> output(std::span<cbytes> pieces) const noexcept {
        if (is_silent() || pieces.empty()) return {};
        if constexpr (requires { peer_.output(pieces); }) {
            return peer_.output(pieces);
        } else {
            pieces[0] = peer_.output();
            return pieces.first(pieces[0].empty() ? 0 : 1);
        }
    }
    void sent(std::size_t size) noexcept { peer_.sent(size); }

    /// Whether the program is to end its side of the connection now.
    [[nodiscard]] bool ends_writing() const noexcept { return peer_.done() && !is_silent(); }
    void did_end_writing() noexcept {
        writing_ended_ = true;
        held_.release();
        deadline_.begin(linger_);
    }

    /// Whether the program is to close the connection now.
    [[nodiscard]] bool is_over() const noexcept { return abandoned_ || (writing_ended_ && input_ended_); }

  private:
    // Whether nothing more is written.
    [[nodiscard]] bool is_silent() const noexcept { return writing_ended_ || abandoned_; }

    template <class Handle>
    static void tell(const event& found, Handle& handle) {
        if (found) handle(found);
    }

    template <class Handle>
    void take_from(bytes& in, Handle& handle) {
        while (!paused_) {
            const event found = peer_.next(in);
            if (!found) return;
            handle(found);
        }
    }

    // Also without input: the endpoint may have an event that a call of the program has caused.
    template <class Handle>
    void take_held(Handle& handle) {
        bytes in = held_.contents();
        const std::size_t size = in.size();
        take_from(in, handle);
        held_.consume(size - in.size());
        if (!finishes_ || paused_ || held_.size() != 0) return;
        finishes_ = false;
        tell(peer_.finish(), handle);
    }

    Endpoint peer_;
    Buffer held_;               // input that the endpoint does not take yet
    detail::deadline deadline_; // from `shut_down` to the end of our side, and from there to the peer's
    std::size_t most_waiting_;
    std::uint32_t shut_down_timeout_;
    std::uint32_t linger_;
    bool paused_ = false;
    bool input_ended_ = false;   // the peer has ended its side
    bool finishes_ = false;      // likewise, and the endpoint is still to be told
    bool writing_ended_ = false; // we have ended our side
    bool abandoned_ = false;     // broken, or not waited for any longer
};

} // namespace sockless
