// Whole STOMP connections for server and client: a session, carried by plain bytes or by a WebSocket.
// SPDX-License-Identifier: MIT
#pragma once

#include "../ws/client.hpp"
#include "../ws/server.hpp"
#include "websocket.hpp"

namespace sockless::stomp {

/// How a connection behaves.
struct connection_options {
    /// The options of the session. `output` limits the bytes that wait to be sent, also over a WebSocket.
    options session{};

    /// The options of the WebSocket, if there is one. `whole_messages` and `output` are not read. By default a message
    /// has room for the largest frame of STOMP.
    ws::options web_socket{.limits = {.message = most_in_message, .frame = most_in_message}};

    /// The most bytes in one WebSocket message that is sent. A longer frame goes out as several messages, for a peer
    /// with low limits. By default a frame of any size is one message, as some clients take each message for a
    /// frame [W4].
    std::size_t most = SIZE_MAX;

    /// Server: whether the connection answers requests for a WebSocket by itself, as `accept_request()` does. If false,
    /// the caller answers each request with `accept_request()`, or with `refuse` of `web_socket()`. A server that
    /// relies on the Origin field of browsers sets it to false and checks that field.
    bool accept_requests = true;

    static constexpr std::uint64_t most_in_message = stomp::limits{}.body + 2 * stomp::limits{}.head;
};

} // namespace sockless::stomp

namespace sockless::stomp::detail {

/// The options of the WebSocket. It gives payloads in pieces, as the session takes each at once: so the WebSocket need
/// not collect messages.
[[nodiscard]] inline ws::options web_socket_options(const connection_options& settings) noexcept {
    ws::options options = settings.web_socket;
    options.whole_messages = false;
    options.output = settings.session.output;
    return options;
}

} // namespace sockless::stomp::detail

namespace sockless::stomp {

/// One connection of a STOMP server. Plain bytes or a WebSocket carry its session. The first byte that comes decides: a
/// request for a WebSocket begins with `GET`, and no command of STOMP begins with G. Use it as `over_websocket`.
///
///     stomp::server_connection connection; // TCP or WebSocket: the client decides
///     while (const auto event = connection.next(in)) {
///         if (event.web_socket.kind == ws::kind::request) error = connection.accept_request();
///         if (event.kind == stomp::server_kind::connect) error = connection.session().accept();
///     }
///     connection.sent(write(connection.output()));
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

    /// With this session, which contains its carrier: for memory of the caller's.
    explicit basic_server_connection(session_type session, bool accept_requests = true) noexcept
        : base(static_cast<session_type&&>(session)), accepts_requests_(accept_requests) {}

    /// As `over_websocket::next`. Requests for a WebSocket are answered here, if `accept_requests` is set; but not
    /// those that are shown with an error (`ws::options::show_faults`).
    [[nodiscard]] event next(bytes& in) noexcept {
        if (this->carried() == carried_by::unknown && !in.empty()) {
            // If the session has ended already, no WebSocket can begin any more.
            const bool asks = in[0] == std::byte{'G'} && this->session().state() != state::closed;
            this->carrier().decide(asks ? carried_by::web_socket : carried_by::bytes);
        }
        for (;;) {
            event found = base::next(in);
            if (found.web_socket.kind != ws::kind::request || !accepts_requests_) return found;
            // A request that breaks a rule is accepted on the caller's word only.
            if (found.web_socket.error) return found;
            // If the answer does not fit into the output, the connection cannot begin.
            if (accept_request()) this->web_socket().shut_down();
        }
    }

    /// Answers a request for a WebSocket. Accepts it with the best subprotocol of STOMP that the client offers, or
    /// without a subprotocol if the client offers none [W1]. Refuses it with status 400 if the client offers only other
    /// subprotocols. Errors: those of `accept` and `refuse` of `ws::basic_server`.
    [[nodiscard]] sockless::error accept_request() noexcept {
        const auto& fields = this->web_socket().head().fields;
        const std::string_view chosen = ws::choose_subprotocol(subprotocols, fields);
        const auto names_any = [](std::string_view list) {
            const http::list_elements names(list);
            return names.begin() != names.end();
        };
        const bool offers_any = http::detail::visit_values(fields, "sec-websocket-protocol", names_any);
        if (chosen.empty() && offers_any) return this->web_socket().refuse(400);
        return this->web_socket().accept({.subprotocol = chosen});
    }

  private:
    bool accepts_requests_;
};

/// One connection of a STOMP client. Plain bytes or a WebSocket carry its session; the constructor decides. Use it as
/// `over_websocket`. The caller can call `connect` of `session()` at once: CONNECT waits until the WebSocket is open.
///
///     stomp::client_connection connection{ws::entropy(seed)};
///     error = connection.request({.host = "broker.example", .target = "/ws"});
///     error = connection.session().connect({.host = "/"}); // leaves once the WebSocket is open
///     while (const auto event = connection.next(in)) {
///         if (event.kind != stomp::client_kind::connected) continue;
///         error = connection.session().subscribe({.id = "1", .destination = "/queue/a"});
///     }
///     connection.sent(write(connection.output()));
template <class Buffer, class Compression = ws::no_compression>
class basic_client_connection : public client_over_websocket<ws::basic_client<Buffer, Compression>, Buffer> {
    using base = client_over_websocket<ws::basic_client<Buffer, Compression>, Buffer>;
    using carrier_type = stomp::carrier<ws::basic_client<Buffer, Compression>, Buffer>;

  public:
    using typename base::session_type;

    /// A connection without a WebSocket, with memory from the heap, up to the limits of `settings`.
    explicit basic_client_connection(
        const connection_options& settings = {}) noexcept requires std::is_same_v<Buffer, growing_buffer>
        : basic_client_connection(ws::entropy(), settings, Compression(), carried_by::bytes) {}

    /// A connection over a WebSocket, with memory from the heap, up to the limits of `settings`. Call `request` first.
    /// `keys` is the source of randomness, as for `ws::basic_client`.
    explicit basic_client_connection(
        ws::entropy keys, const connection_options& settings = {},
        Compression compression = Compression()) noexcept requires std::is_same_v<Buffer, growing_buffer>
        : basic_client_connection(static_cast<ws::entropy&&>(keys), settings, static_cast<Compression&&>(compression),
                                  carried_by::web_socket) {}

    /// With this session, which contains its carrier: for memory of the caller's.
    explicit basic_client_connection(session_type session) noexcept : base(static_cast<session_type&&>(session)) {}

    /// Asks for the WebSocket: see `ws::basic_client::request`. If `asked` names no subprotocols, the client offers
    /// those of the versions that the session speaks [W1]. Errors: `ws::errc::not_open` if the connection has no
    /// WebSocket, and those of `ws::basic_client::request`.
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
    basic_client_connection(ws::entropy keys, const connection_options& settings, Compression compression,
                            carried_by by) noexcept requires std::is_same_v<Buffer, growing_buffer>
        : basic_client_connection(
              session_type(carrier_type(ws::basic_client<Buffer, Compression>(static_cast<ws::entropy&&>(keys),
                                                                              detail::web_socket_options(settings),
                                                                              static_cast<Compression&&>(compression)),
                                        growing_buffer(settings.session.output), by, settings.most),
                           settings.session)) {}
};

/// The usual connections: memory from the heap, up to the limits of their options.
using server_connection = basic_server_connection<growing_buffer>;
using client_connection = basic_client_connection<growing_buffer>;

} // namespace sockless::stomp
