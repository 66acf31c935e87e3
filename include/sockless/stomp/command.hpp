// The commands of STOMP and what each may do.
// SPDX-License-Identifier: MIT
#pragma once

#include "version.hpp"

namespace sockless::stomp {

/// The first line of a frame (STOMP 1.2 Augmented BNF). `STOMP` is `CONNECT` by another name, since 1.1.
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
    bool body;    // [S1] only SEND, MESSAGE and ERROR have one
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

/// The longest command is UNSUBSCRIBE.
inline constexpr std::size_t max_command = 11;

/// As it stands on the wire; empty for `none`.
[[nodiscard]] constexpr std::string_view text_of(command of) noexcept { return detail::row_of(of).text; }

/// The command of this text, which is case-sensitive [S1]; `none` for any other.
[[nodiscard]] constexpr command command_of(std::string_view text) noexcept {
    for (std::size_t i = 1; i != std::size(detail::command_rows); ++i) {
        if (equal(detail::command_rows[i].text, text)) return static_cast<command>(i);
    }
    return command::none;
}

/// Which side sends it.
[[nodiscard]] constexpr role sender_of(command of) noexcept { return detail::row_of(of).sender; }

/// Whether a frame of it may have a body (STOMP 1.2 Body) [S1].
[[nodiscard]] constexpr bool has_body(command of) noexcept { return detail::row_of(of).body; }

/// Whether this version has it: NACK and STOMP came with 1.1.
[[nodiscard]] constexpr bool is_in(command sent, version in) noexcept {
    return in != version::v1_0 || (sent != command::nack && sent != command::stomp);
}

} // namespace sockless::stomp

namespace sockless::stomp::detail {

/// How a version writes certain characters in the headers of frames that escape (STOMP 1.2 Value Encoding) [S3] [S14].
enum class escaping : std::uint8_t { none, of_1_1, of_1_2 };

struct escape {
    char plain;
    char code;
};

inline constexpr escape escapes[] = {{'\n', 'n'}, {':', 'c'}, {'\\', '\\'}, {'\r', 'r'}};

/// In 1.0, and before the version is known, nothing is escaped.
[[nodiscard]] constexpr escaping escaping_of(stomp::version in, stomp::command sent) noexcept {
    if (!row_of(sent).escapes || in < stomp::version::v1_1) return escaping::none;
    return in == stomp::version::v1_1 ? escaping::of_1_1 : escaping::of_1_2;
}

/// Those of `escapes` that a kind of escaping has: 1.1 all but the last, 1.2 all.
[[nodiscard]] constexpr std::size_t number_of_escapes(escaping of) noexcept {
    return of == escaping::none ? 0 : of == escaping::of_1_1 ? 3 : 4;
}

} // namespace sockless::stomp::detail
