// Whole connections for STOMP: a session and what carries it, bytes as they are or a WebSocket, for either side.
// SPDX-License-Identifier: MIT
#pragma once

#include "../ws/client.hpp"
#include "../ws/server.hpp"
#include "websocket.hpp"

namespace sockless::stomp {

/// How a connection behaves.
struct connection_options {
    /// Of the session. `output` bounds what waits to be sent, over a WebSocket too.
    options session{};

    /// Of the WebSocket, if there is one. `whole_messages` and `output` are not read. By default a message has room for
    /// the largest frame of STOMP.
    ws::options web_socket{.limits = {.message = most_in_message, .frame = most_in_message}};

    /// A frame that is longer than this, in bytes, goes out as several messages [W4].
    std::size_t most = SIZE_MAX;

    /// Server: a request for a WebSocket is accepted if it offers a subprotocol of STOMP, or none at all. Else the
    /// caller answers each, as a server must that trusts the Origin of browsers: `accept_request()`, or `refuse` of
    /// `web_socket()`.
    bool accept_requests = true;

    static constexpr std::uint64_t most_in_message = stomp::limits{}.body + 2 * stomp::limits{}.head;
};

} // namespace sockless::stomp

namespace sockless::stomp::detail {

/// The options of the WebSocket: what comes goes straight on to the session, so that it need not be kept.
[[nodiscard]] inline ws::options web_socket_options(const connection_options& settings) noexcept {
    ws::options options = settings.web_socket;
    options.whole_messages = false;
    options.output = settings.session.output;
    return options;
}

} // namespace sockless::stomp::detail

namespace sockless::stomp {

/// One connection of a STOMP server, which carries its session as bytes or over a WebSocket. The first byte that comes
/// tells: a WebSocket begins with `GET`, and no command of STOMP with a G. Use it as `over_websocket`.
template <class Buffer, class Compression = ws::no_compression>
class basic_server_connection : public server_over_websocket<ws::basic_server<Buffer, Compression>, Buffer> {
    using base = server_over_websocket<ws::basic_server<Buffer, Compression>, Buffer>;
    using carrier_type = stomp::carrier<ws::basic_server<Buffer, Compression>, Buffer>;

  public:
    using typename base::event;
    using typename base::session_type;

    /// With memory from the heap, up to the limits of `settings`.
    explicit basic_server_connection(
        const connection_options& settings = {},
        Compression compression = Compression()) noexcept requires std::is_same_v<Buffer, growing_buffer>
        : basic_server_connection(
              session_type(carrier_type(ws::basic_server<Buffer, Compression>(detail::web_socket_options(settings),
                                                                              static_cast<Compression&&>(compression)),
                                        growing_buffer(settings.session.output), carried_by::unknown, settings.most),
                           settings.session),
              settings.accept_requests) {}

    /// With this session and its carrier, for memory of the caller's.
    explicit basic_server_connection(session_type session, bool accept_requests = true) noexcept
        : base(static_cast<session_type&&>(session)), accepts_requests_(accept_requests) {}

    /// As `over_websocket::next`.
    [[nodiscard]] event next(bytes& in) noexcept {
        if (this->carried() == carried_by::unknown && !in.empty()) {
            this->carrier().decide(in[0] == std::byte{'G'} ? carried_by::web_socket : carried_by::bytes);
        }
        for (;;) {
            event found = base::next(in);
            if (found.web_socket.kind != ws::kind::request || !accepts_requests_) return found;
            // If there is no room for an answer the connection cannot begin.
            if (accept_request()) this->web_socket().shut_down();
        }
    }

    /// Answers a request for a WebSocket: accepts it with the best subprotocol of STOMP that is offered, or without one
    /// if none at all is offered [W1], and refuses it with 400 if only others are. Errors: those of `accept` and
    /// `refuse` of `ws::basic_server`.
    [[nodiscard]] sockless::error accept_request() noexcept {
        const auto& fields = this->web_socket().head().fields;
        const std::string_view chosen = ws::choose_subprotocol(subprotocols, fields);
        const bool offers_others = chosen.empty() && !http::first(fields, "Sec-WebSocket-Protocol").empty();
        if (offers_others) return this->web_socket().refuse(400);
        return this->web_socket().accept({.subprotocol = chosen});
    }

  private:
    bool accepts_requests_;
};

/// One connection of a STOMP client, which carries its session as bytes or over a WebSocket, as the constructor says.
/// Use it as `over_websocket`. `connect` of `session()` can be called at once: CONNECT waits until the WebSocket is
/// open.
template <class Buffer, class Compression = ws::no_compression>
class basic_client_connection : public client_over_websocket<ws::basic_client<Buffer, Compression>, Buffer> {
    using base = client_over_websocket<ws::basic_client<Buffer, Compression>, Buffer>;
    using carrier_type = stomp::carrier<ws::basic_client<Buffer, Compression>, Buffer>;

  public:
    using typename base::session_type;

    /// Carried by bytes as they are, with memory from the heap, up to the limits of `settings`.
    explicit basic_client_connection(
        const connection_options& settings = {}) noexcept requires std::is_same_v<Buffer, growing_buffer>
        : basic_client_connection(ws::entropy(ws::entropy::seed{}), settings, Compression(), carried_by::bytes) {}

    /// Carried by a WebSocket: begin with `request`. `keys`: as in `ws::basic_client`.
    explicit basic_client_connection(
        const ws::entropy& keys, const connection_options& settings = {},
        Compression compression = Compression()) noexcept requires std::is_same_v<Buffer, growing_buffer>
        : basic_client_connection(keys, settings, static_cast<Compression&&>(compression), carried_by::web_socket) {}

    /// With this session and its carrier, for memory of the caller's.
    explicit basic_client_connection(session_type session) noexcept : base(static_cast<session_type&&>(session)) {}

    /// Asks for the WebSocket: see `ws::basic_client::request`. If `asked` names no subprotocols, those of the versions
    /// that the session speaks are offered [W1].
    [[nodiscard]] sockless::error request(ws::opening asked) noexcept {
        if (this->carried() != carried_by::web_socket) return ws::errc::not_open;
        std::string_view own[std::size(subprotocols)];
        std::size_t count = 0;
        for (std::size_t i = 0; i != std::size(subprotocols); ++i) {
            if (this->versions().has(all_versions[i])) own[count++] = subprotocols[i];
        }
        if (asked.subprotocols.empty()) asked.subprotocols = std::span<const std::string_view>(own, count);
        return this->web_socket().request(asked);
    }

  private:
    basic_client_connection(const ws::entropy& keys, const connection_options& settings, Compression compression,
                            carried_by by) noexcept
        : basic_client_connection(session_type(
              carrier_type(ws::basic_client<Buffer, Compression>(keys, detail::web_socket_options(settings),
                                                                 static_cast<Compression&&>(compression)),
                           growing_buffer(settings.session.output), by, settings.most),
              settings.session)) {}
};

/// The usual ones: memory from the heap, up to the limits of their options.
using server_connection = basic_server_connection<growing_buffer>;
using client_connection = basic_client_connection<growing_buffer>;

} // namespace sockless::stomp
