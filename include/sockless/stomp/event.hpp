// The events of the two ends of a STOMP session.
// SPDX-License-Identifier: MIT
#pragma once

#include "frames.hpp"

namespace sockless::stomp {

/// The kinds of `server_event`. Behind each kind stand the members of the event that it sets.
enum class server_kind : std::uint8_t {
    need_input,  ///< nothing yet: the input is used up, or the session has ended
    connect,     ///< a client wants to connect: `host`, `login`, `passcode`; answer with `accept()` or `refuse()`
    send,        ///< `destination`, `content_type`, `transaction`, `body`
    subscribe,   ///< `subscription`, `id`, `destination`, `ack`
    unsubscribe, ///< `subscription`, `id`; no message of this subscription waits for an acknowledgement any more
    ack,         ///< `subscription`, `number`, `cumulative`, `transaction`
    nack,        ///< as `ack`
    late_ack,    ///< as `ack` or `nack`, but the subscription has ended before: the frame has no effect
    begin,       ///< `transaction`
    commit,      ///< `transaction`
    abort,       ///< `transaction`
    disconnect,  ///< the client has sent DISCONNECT; `closed` comes when the client has ended the connection
    heart_beat,  ///< an end of line between frames
    closed,      ///< the session has ended after a DISCONNECT. No event follows.
    lost,        ///< the session has ended without a DISCONNECT, or by an error: `error`. No event follows.
};

/// The name of the enumerator, for logs.
[[nodiscard]] constexpr std::string_view name_of(server_kind of) noexcept {
    constexpr literal names[] = {"need_input", "connect",    "send",       "subscribe", "unsubscribe",
                                 "ack",        "nack",       "late_ack",   "begin",     "commit",
                                 "abort",      "disconnect", "heart_beat", "closed",    "lost"};
    static_assert(std::size(names) == static_cast<std::size_t>(server_kind::lost) + 1);
    return names[static_cast<std::size_t>(of)];
}

/// The result of `next`, `tick` and `finish` of a server session. False for `need_input`. All views and spans lie in
/// the input or in the memory of the session. They are valid until the next call of `next`, `finish` or
/// `release_memory`, or until the input is reused; functions that send leave them valid.
struct server_event {
    server_kind kind = server_kind::need_input;
    ack_mode ack = ack_mode::automatic; ///< with `subscribe`

    /// With `ack` and `nack`: the frame means all waiting messages of this subscription up to this `number`, not only
    /// the message with this number (STOMP 1.2 ACK) [S9].
    bool cumulative = false;

    std::uint32_t subscription = 0; ///< the number that `deliver` takes; unique in this session
    std::uint64_t number = 0;       ///< with `ack` and `nack`: the number of the message, as `deliver` returned it
    sockless::error error{};        ///< with `lost`: why the session has ended
    std::string_view host{};        ///< see `has_host`
    std::string_view login{};
    std::string_view passcode{};
    std::string_view id{};
    std::string_view destination{};
    std::string_view content_type{};
    std::string_view transaction{}; ///< empty if the frame is in no transaction
    std::string_view receipt{};     ///< the receipt that the client asks for; see `asks_for_receipt`
    stomp::headers headers{};       ///< all headers of the frame, in the order of the wire
    bytes body{};

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return kind != server_kind::need_input; }

    /// With `connect`: whether the frame has a header `host`, which may be empty. If not, the `data()` of `host` is
    /// null. All clients of 1.0 may leave it out, and many others do.
    [[nodiscard]] constexpr bool has_host() const noexcept { return host.data() != nullptr; }

    /// Whether the client asks for a receipt, whose id may be empty. If not, the `data()` of `receipt` is null.
    [[nodiscard]] constexpr bool asks_for_receipt() const noexcept { return receipt.data() != nullptr; }

    /// The body as text. It is not checked to be UTF-8.
    [[nodiscard]] std::string_view text() const noexcept { return sockless::text_of(body); }
};

/// The kinds of `client_event`. Behind each kind stand the members of the event that it sets.
enum class client_kind : std::uint8_t {
    need_input, ///< nothing yet: the input is used up, or the session has ended
    connected,  ///< the server has accepted: `server`, `session`; `version()` is agreed
    message, ///< `message_id`, `ack`, `content_type`, `body`; `subscription` and `destination`, if the server says them
    receipt, ///< `receipt_id`: the server has handled the frame that asked for this receipt
    error,   ///< the server ends the session: `message`, `receipt_id`, `body`; `lost` follows
    heart_beat, ///< an end of line between frames
    closed,     ///< the session has ended: the receipt of DISCONNECT came. No event follows.
    lost,       ///< any other end: `error`; `receipts()` lists the receipts that never came. No event follows.
};

/// The name of the enumerator, for logs.
[[nodiscard]] constexpr std::string_view name_of(client_kind of) noexcept {
    constexpr literal names[] = {"need_input", "connected",  "message", "receipt",
                                 "error",      "heart_beat", "closed",  "lost"};
    static_assert(std::size(names) == static_cast<std::size_t>(client_kind::lost) + 1);
    return names[static_cast<std::size_t>(of)];
}

/// The result of `next`, `tick` and `finish` of a client session. False for `need_input`. Its views and spans are valid
/// as long as those of a `server_event`.
struct client_event {
    client_kind kind = client_kind::need_input;
    sockless::error error{}; ///< with `lost`: why the session has ended
    std::string_view server{};
    std::string_view session{};
    std::string_view subscription{}; ///< the id that was given to `subscribe`; empty if there is none
    std::string_view message_id{};
    std::string_view destination{};
    std::string_view ack{}; ///< in 1.2, if the message wants an acknowledgement: the id for an `ack_frame`
    std::string_view content_type{};
    std::string_view receipt_id{};
    std::string_view message{}; ///< with `error`: a short description
    stomp::headers headers{};   ///< all headers of the frame, in the order of the wire
    bytes body{};

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return kind != client_kind::need_input; }

    /// The body as text. It is not checked to be UTF-8.
    [[nodiscard]] std::string_view text() const noexcept { return sockless::text_of(body); }
};

} // namespace sockless::stomp
