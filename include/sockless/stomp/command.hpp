// The commands of STOMP: their text, which side sends them, whether they have a body, and how headers are escaped.
// SPDX-License-Identifier: MIT
#pragma once

#include "version.hpp"

namespace sockless::stomp {

/// The command of a frame, which is its first line (STOMP 1.2 Augmented BNF). Since 1.1 `STOMP` is another name for
/// `CONNECT`.
enum class command : std::uint8_t {
    none,
    send,
    message,
    ack,
    nack,
    subscribe,
    unsubscribe,
    begin,
    commit,
    abort,
    receipt,
    error,
    connect,
    stomp,
    connected,
    disconnect,
};

} // namespace sockless::stomp

namespace sockless::stomp::detail {

struct command_row {
    std::string_view text;
    role sender;
    bool body;    // [S1] only SEND, MESSAGE and ERROR have a body
    bool escapes; // [S3] in CONNECT and CONNECTED nothing is escaped, in any version
};

/// One row per enumerator of `stomp::command`, in its order.
inline constexpr command_row command_rows[] = {
    {"", role::client, false, false},           {"SEND", role::client, true, true},
    {"MESSAGE", role::server, true, true},      {"ACK", role::client, false, true},
    {"NACK", role::client, false, true},        {"SUBSCRIBE", role::client, false, true},
    {"UNSUBSCRIBE", role::client, false, true}, {"BEGIN", role::client, false, true},
    {"COMMIT", role::client, false, true},      {"ABORT", role::client, false, true},
    {"RECEIPT", role::server, false, true},     {"ERROR", role::server, true, true},
    {"CONNECT", role::client, false, false},    {"STOMP", role::client, false, false},
    {"CONNECTED", role::server, false, false},  {"DISCONNECT", role::client, false, true},
};

[[nodiscard]] constexpr const command_row& row_of(stomp::command of) noexcept {
    return command_rows[static_cast<std::size_t>(of)];
}

} // namespace sockless::stomp::detail

namespace sockless::stomp {

/// The length of the longest command, UNSUBSCRIBE, in bytes.
inline constexpr std::size_t max_command = 11;

/// The text of a command on the wire; empty for `none`. A constant.
[[nodiscard]] constexpr std::string_view text_of(command of) noexcept { return detail::row_of(of).text; }

/// The command with this text, or `none` if there is no such command. Commands are case-sensitive (STOMP 1.2 Augmented
/// BNF) [S1].
[[nodiscard]] constexpr command command_of(std::string_view text) noexcept {
    for (std::size_t i = 1; i != std::size(detail::command_rows); ++i) {
        if (equal(detail::command_rows[i].text, text)) return static_cast<command>(i);
    }
    return command::none;
}

/// The side that sends frames with this command. For `none` the result means nothing.
[[nodiscard]] constexpr role sender_of(command of) noexcept { return detail::row_of(of).sender; }

/// Whether a frame with this command may have a body (STOMP 1.2 Body) [S1].
[[nodiscard]] constexpr bool has_body(command of) noexcept { return detail::row_of(of).body; }

/// Likewise, in the version `in`: in 1.0 a SUBSCRIBE may have a body too, which is ignored (STOMP 1.0 SUBSCRIBE) [S16].
[[nodiscard]] constexpr bool has_body(command of, version in) noexcept {
    return has_body(of) || (of == command::subscribe && in == version::v1_0);
}

/// Whether the version `in` has the command `sent`: NACK and STOMP came with 1.1. True for every command while the
/// version is `unknown`.
[[nodiscard]] constexpr bool is_in(command sent, version in) noexcept {
    return in != version::v1_0 || (sent != command::nack && sent != command::stomp);
}

} // namespace sockless::stomp

namespace sockless::stomp::detail {

/// The ways to escape the headers of a frame: not at all, or as 1.1 or 1.2 does (STOMP 1.2 Value Encoding) [S3] [S14].
enum class escaping : std::uint8_t { none, of_1_1, of_1_2 };

struct escape {
    char plain;
    char code;
};

inline constexpr escape escapes[] = {{'\n', 'n'}, {':', 'c'}, {'\\', '\\'}, {'\r', 'r'}};

/// The way in which the version `in` escapes the headers of frames with the command `sent`. In 1.0, and before the
/// version is known, nothing is escaped.
[[nodiscard]] constexpr escaping escaping_of(stomp::version in, stomp::command sent) noexcept {
    if (!row_of(sent).escapes || in < stomp::version::v1_1) return escaping::none;
    return in == stomp::version::v1_1 ? escaping::of_1_1 : escaping::of_1_2;
}

/// The number of rows of `escapes` that hold, counted from its first: 1.1 has all but the last, 1.2 has all.
[[nodiscard]] constexpr std::size_t number_of_escapes(escaping of) noexcept {
    return of == escaping::none ? 0 : of == escaping::of_1_1 ? 3 : 4;
}

} // namespace sockless::stomp::detail
