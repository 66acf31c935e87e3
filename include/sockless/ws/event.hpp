// The events of both ends of a WebSocket connection.
// SPDX-License-Identifier: MIT
#pragma once

#include "errc.hpp"
#include "frame_header.hpp"

namespace sockless::ws {

/// The kinds of `event`. Behind each kind stand the members of the event that it sets.
enum class kind : std::uint8_t {
    need_input,   ///< nothing yet: the input is used up, or the connection has ended
    request,      ///< server: a client asks for a WebSocket: see `request()`; answer with `accept()` or `refuse()`
    http_request, ///< server: a request for something else, if `show_requests` is on; answer with `refuse()`
    open,         ///< client: the server has accepted: see `response()`; with an `error`: see `accept()`
    refused,      ///< client: the server has refused, with the status `code`: see `response()`
    body,         ///< client: a piece of the refusal's body: `payload`; behind the last one comes `closed`
    message,      ///< a whole message: `type`, `payload`
    piece,        ///< a piece of a message: `type`, `first`, `last`, `payload`
    ping,         ///< a Ping: `payload`. It is answered already if `automatic_pongs` is on
    pong,         ///< a Pong: `payload`
    frame,        ///< the header of a frame: see `frame()`
    closed,       ///< the end: `code`, `payload` (the reason), `clean`, `error`. Nothing follows it.
};

/// The name of the enumerator, for logs.
[[nodiscard]] constexpr std::string_view name_of(kind of) noexcept {
    constexpr literal names[] = {"need_input", "request", "http_request", "open", "refused", "body",
                                 "message",    "piece",   "ping",         "pong", "frame",   "closed"};
    static_assert(std::size(names) == static_cast<std::size_t>(kind::closed) + 1);
    return names[static_cast<std::size_t>(of)];
}

/// The result of `next`, `tick` or `finish`. False for `need_input`. `payload` lies in the caller's input or in the
/// connection. It is valid until the next call of `next`, `finish` or `release_memory`, or until the input is reused.
/// Sending does not change it.
struct event {
    ws::kind kind = ws::kind::need_input;
    message_type type = message_type::text;
    bool first = false;
    bool last = false;

    /// With `message` and `piece`: the message came compressed. The payload that is shown is inflated.
    bool compressed = false;

    /// With `closed`: both sides have sent a Close (RFC 6455 section 7.1.4).
    bool clean = false;

    /// With `closed`: the peer's code; 1005 if its Close had none; 1006 if no Close came (RFC 6455 section 7.1.5), as
    /// after every failure on this side. The code that such a failure sends is `error.close_code()`.
    /// With `refused`: the HTTP status.
    std::uint16_t code = 0;

    /// With `closed`: the error. None if one of the sides wished to close, so a failure never looks like the peer's
    /// goodbye. With `request` and `open`: the first rule that the head breaks, if `show_faults` is on.
    sockless::error error{};

    bytes payload{};

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return kind != ws::kind::need_input; }

    /// The payload as text: a text message, or the reason of a Close.
    [[nodiscard]] std::string_view text() const noexcept { return text_of(payload); }
};

} // namespace sockless::ws
