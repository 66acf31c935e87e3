// STOMP over WebSocket: a session and the WebSocket that carries it, as one object.
// SPDX-License-Identifier: MIT
#pragma once

#include "../ws/connection.hpp"
#include "client_session.hpp"
#include "server_session.hpp"

namespace sockless::stomp {

/// The ways to carry a session.
enum class carried_by : std::uint8_t {
    unknown,    ///< not decided yet: the first byte that comes decides
    bytes,      ///< the bytes of the session go over the connection as they are
    web_socket, ///< the bytes of the session are the payloads of WebSocket messages
};

/// The `Output` of a session that a WebSocket can carry: it takes the frames that the session sends. `Endpoint` is a
/// `ws::basic_server` or `ws::basic_client`. Each frame and each heart-beat is a WebSocket message of its own [W3]. The
/// message is text if the frame is UTF-8, else binary [W2].
///
///     using session = stomp::carried_server_session<ws::server>; // its Output is a carrier
///     stomp::over_websocket<session> connection{ws::server(ws::already_open{}, {.whole_messages = false})};
template <class Endpoint, class Buffer>
class carrier {
  public:
    using endpoint = Endpoint;

    /// `memory` holds the frames if there is no WebSocket, and the frames that come before the WebSocket is open. A
    /// frame that is longer than `most` bytes goes out as several messages, for peers with low limits; text is cut
    /// between characters [W4].
    carrier(Endpoint web_socket, const Buffer& memory, carried_by by, std::size_t most = SIZE_MAX) noexcept
        : web_socket_(static_cast<Endpoint&&>(web_socket)), bytes_(memory), most_(most), by_(by) {}

    /// How the session is carried. `decide` sets it, while it is `unknown`.
    [[nodiscard]] carried_by by() const noexcept { return by_; }
    void decide(carried_by by) noexcept { by_ = by; }

    /// The WebSocket, also if the session is carried as bytes.
    [[nodiscard]] Endpoint& web_socket() noexcept { return web_socket_; }
    [[nodiscard]] const Endpoint& web_socket() const noexcept { return web_socket_; }

    // The session calls the functions that follow.

    /// The bytes that are to be sent next, and how many wait in all.
    [[nodiscard]] cbytes output() const noexcept {
        return by_ == carried_by::web_socket ? web_socket_.output() : bytes_.output();
    }
    [[nodiscard]] std::size_t output(std::span<cbytes> pieces) const noexcept {
        return by_ == carried_by::web_socket ? web_socket_.output(pieces).size() : bytes_.output(pieces);
    }
    [[nodiscard]] std::size_t size() const noexcept {
        return by_ == carried_by::web_socket ? web_socket_.waiting() : bytes_.size();
    }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }

    /// Says that so many bytes of `output()` were sent.
    void sent(std::size_t size) noexcept {
        if (by_ == carried_by::web_socket) {
            web_socket_.sent(size);
            send_what_was_early();
        } else {
            bytes_.sent(size);
        }
    }

    /// Gives back memory that is not in use.
    void release() noexcept { bytes_.release(); }

    /// Queues a frame of the session as a message of its own, or as bytes.
    template <class Write, class Note>
    friend sockless::error put(carrier& to, std::size_t likely, std::size_t reserve, errc no_room, Write write,
                               Note note) noexcept {
        return to.put_frame(likely, reserve, no_room, write, note);
    }

    /// Sends the frame that was queued before the WebSocket was open: a session has only CONNECT to send so early. If
    /// the WebSocket has no room for it, it stays.
    [[nodiscard]] bool can_send_what_was_early() const noexcept { return !bytes_.empty() && web_socket_.is_open(); }
    void send_what_was_early() noexcept {
        while (can_send_what_was_early()) {
            const cbytes early = bytes_.first_run();
            const auto write = [early](bytes out) -> written {
                if (out.size() < early.size()) return {early.size(), errc::no_room};
                detail::copy(out.data(), early.data(), early.size());
                return {early.size(), {}};
            };
            if (web_socket_.send_written(write, {.likely = early.size(), .most = most_})) return;
            for (std::size_t left = early.size(); left != 0;) {
                const std::size_t shown = bytes_.output().size();
                bytes_.sent(shown);
                left -= shown;
            }
        }
    }

  private:
    template <class Write, class Note>
    [[nodiscard]] sockless::error put_frame(std::size_t likely, std::size_t reserve, errc no_room, Write& write,
                                            Note& note) noexcept {
        const bool early = web_socket_.state() == ws::state::opening;
        if (by_ != carried_by::web_socket || early) return put(bytes_, likely, reserve, no_room, write, note);
        const ws::written_message message{.likely = likely, .reserve = reserve, .most = most_};
        const sockless::error refused = web_socket_.send_written(write, message, note);
        if (refused == ws::errc::no_room) return no_room;
        return refused == ws::errc::not_open ? sockless::error(errc::not_open) : refused;
    }

    Endpoint web_socket_;
    detail::bare_output<Buffer> bytes_;
    std::size_t most_;
    carried_by by_;
};

/// An event of a session that a WebSocket may carry. `kind` and all other members but `web_socket` are those of the
/// session's event. Views and spans are valid as long as those of the session's event and of `ws::event`.
template <class Event>
struct carried_event : Event {
    /// The event of the WebSocket, unless it is a piece of a message. With `closed` the session has ended too; `kind`
    /// says how, if the session had not ended before.
    ws::event web_socket{};

    [[nodiscard]] constexpr explicit operator bool() const noexcept {
        return Event::operator bool() || static_cast<bool>(web_socket);
    }
};

/// A session and the WebSocket that carries it, as one endpoint. Give the bytes that came to `next` until it returns no
/// event, send `output()` and report it with `sent`, and stop when `done()` is true. Call all other functions of the
/// session and the WebSocket on `session()` and `web_socket()`. The end of the session closes the WebSocket, with the
/// Close code of the session's error or 1000. The end of the WebSocket ends the session. `Session` is a session whose
/// `Output` is a `carrier`.
template <class Session>
class over_websocket {
    using carrier_type = typename Session::output_type;

  public:
    using event = carried_event<typename Session::event>;
    using kind = typename Session::kind;
    using session_type = Session;
    using endpoint = typename carrier_type::endpoint;

    /// A session over this WebSocket, which may be open already, with memory from the heap. `settings` are the options
    /// of the session; for `most` see `carrier`. Turn `ws::options::whole_messages` off for this WebSocket: else a
    /// frame that comes in pieces is kept twice.
    explicit over_websocket(endpoint web_socket, const options& settings = {}, std::size_t most = SIZE_MAX) noexcept
        requires std::is_constructible_v<Session, carrier_type, const options&>
        : over_websocket(Session(carrier_type(static_cast<endpoint&&>(web_socket), growing_buffer(settings.output),
                                              carried_by::web_socket, most),
                                 settings)) {}

    /// With this session, which contains its carrier.
    explicit over_websocket(Session session) noexcept : session_(static_cast<Session&&>(session)) {}

    /// The session, and the WebSocket that carries it.
    [[nodiscard]] Session& session() noexcept { return session_; }
    [[nodiscard]] const Session& session() const noexcept { return session_; }
    [[nodiscard]] endpoint& web_socket() noexcept { return carrier().web_socket(); }
    [[nodiscard]] const endpoint& web_socket() const noexcept { return carrier().web_socket(); }

    /// How the session is carried. (The connections in connection.hpp also work without a WebSocket.)
    [[nodiscard]] carried_by carried() const noexcept { return carrier().by(); }

    /// Takes bytes from the front of `in` up to the end of the next event and returns it. Takes nothing while the
    /// session (see `basic_server_session::next`) or the WebSocket takes nothing. So keep the bytes that are left in
    /// `in`, and give them again. They may be unmasked already, so give them as they are.
    [[nodiscard]] event next(bytes& in) noexcept {
        if (carried() != carried_by::web_socket) return event{session_.next(in)};
        for (;;) {
            if (event found{next_of_payload(in)}) {
                follow();
                return found;
            }
            follow();
            // The session waits: for the answer to a CONNECT, or for room for a RECEIPT.
            if (has_payload()) return {};
            const bytes before = in;
            const ws::event found = web_socket().next(in);
            if (!found) return {};
            if (found.kind != ws::kind::piece && found.kind != ws::kind::message) return take(found);
            take_payload(found.payload, before, in);
        }
    }

    /// As `output`, `waiting` and `sent` of `session`, for the bytes of the session and the WebSocket together. A
    /// CONNECT that waits until the WebSocket is open is not among them yet.
    [[nodiscard]] cbytes output() const noexcept { return session_.output(); }
    [[nodiscard]] std::span<const cbytes> output(std::span<cbytes> pieces) const noexcept {
        return session_.output(pieces);
    }
    [[nodiscard]] std::size_t waiting() const noexcept { return session_.waiting(); }
    void sent(std::size_t size) noexcept {
        session_.sent(size);
        follow();
    }

    /// As `hold_input` of the session and of `ws::connection`.
    void hold_input() noexcept {
        session_.hold_input();
        web_socket().hold_input();
    }

    /// As `tick` and `next_deadline` of the session and the WebSocket together. While it is unknown what the connection
    /// carries, both the session and the WebSocket wait for the peer, and the shorter timeout ends the connection.
    [[nodiscard]] event tick(instant now) noexcept {
        const bool is_decided = carried() == carried_by::web_socket;
        if (!is_decided) {
            event due{session_.tick(now)};
            // What a session says at its end goes out as it is.
            if (session_.state() == state::closed) carrier().decide(carried_by::bytes);
            if (due || carried() == carried_by::bytes) return due;
        }
        // The session waits for its caller, and the peer's bytes wait with it. So the peer is not silent.
        if (has_payload() && waiting() == 0) web_socket().hold_input();
        if (const ws::event found = web_socket().tick(now)) {
            carrier().decide(carried_by::web_socket);
            return take(found);
        }
        if (!is_decided) return {};
        event due{session_.tick(now)};
        follow();
        return due;
    }
    [[nodiscard]] instant next_deadline() const noexcept {
        const instant own = session_.next_deadline();
        if (carried() == carried_by::bytes) return own;
        if (carrier().can_send_what_was_early()) return 0;
        const instant other = web_socket().next_deadline();
        return own < other ? own : other;
    }

    /// Says that the peer has ended its side of the connection (`recv` returned 0), or that the connection broke. The
    /// queued bytes are still to be sent, as the peer may have ended only its own side.
    [[nodiscard]] event finish() noexcept {
        if (carried() != carried_by::web_socket) return event{session_.finish()};
        return take(web_socket().finish());
    }

    /// Whether nothing is left to do but to end the TCP connection: see `ws::connection::done` and `done` of the
    /// session.
    [[nodiscard]] bool done() const noexcept {
        return carried() == carried_by::web_socket ? web_socket().done() : session_.done();
    }

    /// The error of the session. If the session has only ended because the WebSocket ended, the error of the WebSocket.
    [[nodiscard]] sockless::error error() const noexcept {
        const sockless::error own = session_.error();
        const bool is_cut = own == errc::end_of_input || own == errc::truncated;
        return own && !(is_cut && web_socket().error()) ? own : web_socket().error();
    }

    /// Gives back memory that is not in use. Views and spans of events are no longer valid; those of `output()` are.
    void release_memory() noexcept {
        session_.release_memory();
        if (payload_.empty()) web_socket().release_memory();
    }

    /// Ends the session and the WebSocket in the way that their states ask for: see `shut_down` of the session and of
    /// `ws::connection`.
    void shut_down() noexcept {
        if (carried() == carried_by::web_socket && !web_socket().is_open()) return web_socket().shut_down();
        session_.shut_down();
        follow();
    }

  protected:
    [[nodiscard]] carrier_type& carrier() noexcept { return session_.output_; }
    [[nodiscard]] const carrier_type& carrier() const noexcept { return session_.output_; }
    [[nodiscard]] version_set versions() const noexcept { return session_.versions(); }

  private:
    // Whether the session has not used up the last payload yet.
    [[nodiscard]] bool has_payload() const noexcept { return left_ != 0 || !payload_.empty(); }

    // The next event from that payload.
    [[nodiscard]] typename Session::event next_of_payload(bytes& in) noexcept {
        if (!payload_.empty()) return session_.next(payload_);
        bytes payload = in.first(in.size() < left_ ? in.size() : left_);
        const std::size_t size = payload.size();
        const auto found = session_.next(payload);
        in = in.subspan(size - payload.size());
        left_ -= size - payload.size();
        return found;
    }

    // A payload lies unmasked in the input, directly before the bytes that follow its frame. It is put back at the
    // front of `in`, and only its size is remembered, so the session takes it from there. `before` is the input as it
    // was before this frame. If the payload was inflated or joined, it lies in the memory of the WebSocket instead.
    void take_payload(bytes payload, bytes before, bytes& in) noexcept {
        const std::size_t size = payload.size() + in.size();
        if (size <= before.size() && before.last(size).data() == payload.data()) {
            left_ = payload.size();
            in = before.last(size);
        } else {
            payload_ = payload;
        }
    }

    [[nodiscard]] event take(const ws::event& found) noexcept {
        event taken{};
        if (found.kind == ws::kind::open) carrier().send_what_was_early();
        if (found.kind == ws::kind::closed) static_cast<typename Session::event&>(taken) = session_.finish();
        taken.web_socket = found;
        return taken;
    }

    // A CONNECT that waited is sent: the caller may have accepted a 101 that was shown with an error. If the session
    // has ended, or has waited for its end long enough, the WebSocket is closed. If no Close can be sent, it fails.
    void follow() noexcept {
        carrier().send_what_was_early();
        const bool ends = session_.has_said_all() || session_.has_waited();
        if (!ends || carried() != carried_by::web_socket) return;
        if (web_socket().state() == ws::state::opening) return web_socket().shut_down();
        if (!web_socket().is_open()) return;
        const sockless::error reason = session_.error();
        if (reason && !web_socket().close(reason.close_code(), reason.sentence())) return;
        if (web_socket().close()) web_socket().shut_down();
    }

    Session session_;
    std::size_t left_ = 0; // bytes at the front of the input that are payload, unmasked
    bytes payload_{};      // the rest of a payload that lies in the memory of the WebSocket
};

/// The sessions that a WebSocket can carry, and session and WebSocket together: `server_over_websocket<ws::server>`.
template <class Endpoint, class Buffer = growing_buffer>
using carried_server_session = basic_server_session<Buffer, carrier<Endpoint, Buffer>>;
template <class Endpoint, class Buffer = growing_buffer>
using carried_client_session = basic_client_session<Buffer, carrier<Endpoint, Buffer>>;
template <class Endpoint, class Buffer = growing_buffer>
using server_over_websocket = over_websocket<carried_server_session<Endpoint, Buffer>>;
template <class Endpoint, class Buffer = growing_buffer>
using client_over_websocket = over_websocket<carried_client_session<Endpoint, Buffer>>;

} // namespace sockless::stomp
