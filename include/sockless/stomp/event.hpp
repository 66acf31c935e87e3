// What the two ends of a STOMP session find: their events.
// SPDX-License-Identifier: MIT
#pragma once

#include "frames.hpp"

namespace sockless::stomp {

enum class server_kind : std::uint8_t {
    need_input,  ///< nothing yet: the input is used up, or the session has ended
    connect,     ///< a client wants to connect: `host`, `login`, `passcode`; answer with `accept()` or `refuse()`
    send,        ///< `destination`, `content_type`, `transaction`, `body`
    subscribe,   ///< `subscription`, `id`, `destination`, `ack`
    unsubscribe, ///< `subscription`, `id`: nothing of it waits for an acknowledgement any more
    ack,         ///< `subscription`, `number`, `cumulative`, `transaction`
    nack,        ///< likewise
    begin,       ///< `transaction`
    commit,      ///< `transaction`
    abort,       ///< `transaction`
    disconnect,  ///< the client has said goodbye; `closed` comes when it ends its input
    heart_beat,  ///< an end of line between frames
    closed,      ///< the end, after DISCONNECT. Nothing follows it.
    lost,        ///< the end without it: `error`. Nothing follows it.
};

/// The name of the enumerator, for logs.
[[nodiscard]] constexpr std::string_view name_of(server_kind of) noexcept {
    constexpr literal names[] = {"need_input", "connect", "send",  "subscribe",  "unsubscribe", "ack",    "nack",
                                 "begin",      "commit",  "abort", "disconnect", "heart_beat",  "closed", "lost"};
    static_assert(std::size(names) == static_cast<std::size_t>(server_kind::lost) + 1);
    return names[static_cast<std::size_t>(of)];
}

/// What `next`, `tick` or `finish` of a server session found. False for `need_input`. All views and spans are valid
/// until the next call of `next`, `finish` or `release_memory`, or until the input is reused; what is sent meanwhile
/// leaves them as they are.
struct server_event {
    server_kind kind = server_kind::need_input;
    ack_mode ack = ack_mode::automatic; ///< with `subscribe`

    /// With `ack` and `nack`: all messages of this subscription that wait up to this number are meant [S9].
    bool cumulative = false;

    std::uint32_t subscription = 0; ///< the number that `deliver` takes; unique in this session
    std::uint64_t number = 0;       ///< of the message, as told by `deliver`
    sockless::error error{};        ///< with `lost`: what went wrong
    std::string_view host{};
    std::string_view login{};
    std::string_view passcode{};
    std::string_view id{};
    std::string_view destination{};
    std::string_view content_type{};
    std::string_view transaction{}; ///< empty if the frame is in none
    std::string_view receipt{};     ///< that the client asks for; empty if it asks for none
    stomp::headers headers{};       ///< all of the frame, in the order of the wire
    bytes body{};

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return kind != server_kind::need_input; }

    /// The body as text; nothing is checked.
    [[nodiscard]] std::string_view text() const noexcept { return sockless::text_of(body); }
};

enum class client_kind : std::uint8_t {
    need_input, ///< nothing yet: the input is used up, or the session has ended
    connected,  ///< the server has accepted: `server`, `session`; `version()` is agreed
    message,    ///< `subscription`, `message_id`, `destination`, `ack`, `content_type`, `body`
    receipt,    ///< `receipt_id`: the server has done what asked for it
    error,      ///< the server ends the session: `message`, `receipt_id`, `body`; `lost` follows
    heart_beat, ///< an end of line between frames
    closed,     ///< the end, as the server has answered DISCONNECT with its receipt. Nothing follows it.
    lost,       ///< any other end: `error`; `receipts()` are those that never came. Nothing follows it.
};

/// The name of the enumerator, for logs.
[[nodiscard]] constexpr std::string_view name_of(client_kind of) noexcept {
    constexpr literal names[] = {"need_input", "connected",  "message", "receipt",
                                 "error",      "heart_beat", "closed",  "lost"};
    static_assert(std::size(names) == static_cast<std::size_t>(client_kind::lost) + 1);
    return names[static_cast<std::size_t>(of)];
}

/// What `next`, `tick` or `finish` of a client session found. False for `need_input`. Valid as long as a
/// `server_event`.
struct client_event {
    client_kind kind = client_kind::need_input;
    sockless::error error{}; ///< with `lost`: what went wrong
    std::string_view server{};
    std::string_view session{};
    std::string_view subscription{}; ///< the id that was given to `subscribe`
    std::string_view message_id{};
    std::string_view destination{};
    std::string_view ack{}; ///< in 1.2, if the message is to be acknowledged: what `ack` and `nack` take
    std::string_view content_type{};
    std::string_view receipt_id{};
    std::string_view message{}; ///< with `error`: a short description
    stomp::headers headers{};   ///< all of the frame, in the order of the wire
    bytes body{};

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return kind != client_kind::need_input; }

    /// The body as text; nothing is checked.
    [[nodiscard]] std::string_view text() const noexcept { return sockless::text_of(body); }
};

} // namespace sockless::stomp
