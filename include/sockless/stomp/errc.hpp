// Everything that can go wrong in the STOMP layer: one enumerator, one row of the table each.
// SPDX-License-Identifier: MIT
#pragma once

#include "../error.hpp"

namespace sockless::stomp {

/// Everything that can be wrong with a frame of STOMP, with a session, or with a call of this layer.
enum class errc : std::uint8_t {
    none = 0,

    // Frames
    unknown_command,
    nul_in_head,
    bare_cr,
    unexpected_cr,
    missing_colon,
    empty_name,
    bad_escape,
    line_too_long,
    too_many_headers,
    head_too_large,
    bad_content_length,
    body_too_large,
    unexpected_body,
    body_not_terminated,
    truncated,

    // The meaning of a frame, and its place in the session
    not_connected,
    already_connected,
    after_disconnect,
    unexpected_command,
    no_common_version,
    missing_header,
    bad_heart_beat,
    bad_ack_mode,
    repeated_subscription,
    unknown_subscription,
    repeated_transaction,
    unknown_transaction,
    unknown_acknowledgement,
    too_many_subscriptions,
    too_many_transactions,
    too_many_unacknowledged,

    // The end of a session
    end_of_input,
    connect_timeout,
    heart_beat_timeout,
    receipt_timeout,
    output_full,
    shut_down,
    error_sent,
    error_received,

    // The caller
    no_room,
    bad_header,
    body_not_allowed,
    nul_in_body,
    not_open,
    nothing_to_answer,
    repeated_receipt,
    too_many_receipts,
};

namespace detail {

// The rows of `errc_rows`, with their texts.
inline constexpr error_row errc_texts[] = {
    {"none", "no error", "", 0, 0},

    {"unknown_command", "the first line of a frame is not a command of STOMP", "STOMP 1.2 Augmented BNF", 1002, 0},
    {"nul_in_head", "the head of a frame has a NUL byte", "STOMP 1.2 Augmented BNF", 1002, 0},
    {"bare_cr", "a carriage return is not followed by a line feed", "STOMP 1.2 Augmented BNF", 1002, 0},
    {"unexpected_cr", "a carriage return stands before the line feed that ends a line, which STOMP 1.1 does not allow",
     "STOMP 1.1 Augmented BNF", 1002, 0},
    {"missing_colon", "a header line has no colon", "STOMP 1.2 Augmented BNF", 1002, 0},
    {"empty_name", "a header has an empty name", "STOMP 1.2 Augmented BNF", 1002, 0},
    {"bad_escape", "a header has an escape that this version of STOMP does not define", "STOMP 1.2 Value Encoding",
     1002, 0},
    {"line_too_long", "a header line is longer than the limit", "STOMP 1.2 Size Limits", 1009, 0},
    {"too_many_headers", "a frame has more headers than the limit", "STOMP 1.2 Size Limits", 1009, 0},
    {"head_too_large", "the head of a frame is larger than the limit or than the memory for it",
     "STOMP 1.2 Size Limits", 1009, 0},
    {"bad_content_length", "content-length is not a decimal number", "STOMP 1.2 Header content-length", 1002, 0},
    {"body_too_large", "the body of a frame is larger than the limit or than the memory for it",
     "STOMP 1.2 Size Limits", 1009, 0},
    {"unexpected_body", "a frame other than SEND, MESSAGE and ERROR has a body", "STOMP 1.2 Body", 1002, 0},
    {"body_not_terminated", "no NUL byte follows the body that content-length announces",
     "STOMP 1.2 Header content-length", 1002, 0},
    {"truncated", "the input ended inside a frame", "STOMP 1.2 STOMP Frames", 1006, 0},

    {"not_connected", "a frame came before CONNECT and CONNECTED had opened the session", "STOMP 1.2 Connecting", 1002,
     0},
    {"already_connected", "CONNECT or CONNECTED came a second time", "STOMP 1.2 Connecting", 1002, 0},
    {"after_disconnect", "a frame came after DISCONNECT", "STOMP 1.2 DISCONNECT", 1002, 0},
    {"unexpected_command", "the command is not one that its sender may send in this version of STOMP",
     "STOMP 1.2 Augmented BNF", 1002, 0},
    {"no_common_version", "the client and the server have no version of STOMP in common",
     "STOMP 1.2 Protocol Negotiation", 1002, 0},
    {"missing_header", "a header that the frame must have is missing or empty", "STOMP 1.2 Standard Headers", 1002, 0},
    {"bad_heart_beat", "heart-beat is not two decimal numbers with a comma between them", "STOMP 1.2 Heart-beating",
     1002, 0},
    {"bad_ack_mode", "the ack header names a mode that this version of STOMP does not have",
     "STOMP 1.2 SUBSCRIBE ack Header", 1002, 0},
    {"repeated_subscription", "the session already has a subscription with this id, or with no id to this destination",
     "STOMP 1.2 SUBSCRIBE id Header", 1002, 0},
    {"unknown_subscription", "the session has no such subscription", "STOMP 1.2 UNSUBSCRIBE", 1002, 0},
    {"repeated_transaction", "a transaction with this name is already open", "STOMP 1.2 BEGIN", 1002, 0},
    {"unknown_transaction", "no transaction with this name is open", "STOMP 1.2 BEGIN", 1002, 0},
    {"unknown_acknowledgement", "an ACK or NACK names no message that waits for an acknowledgement", "STOMP 1.2 ACK",
     1002, 0},
    {"too_many_subscriptions", "the session has more subscriptions than the limit or than the memory for them",
     "STOMP 1.2 Size Limits", 1008, 0},
    {"too_many_transactions", "the session has more open transactions than the limit or than the memory for them",
     "STOMP 1.2 Size Limits", 1008, 0},
    {"too_many_unacknowledged", "more messages wait for an acknowledgement than the limit or than the memory for them",
     "STOMP 1.2 Size Limits", 1008, 0},

    {"end_of_input", "the connection ended before the session did", "STOMP 1.2 DISCONNECT", 1006, 0},
    {"connect_timeout", "CONNECT and its answer took too long", "STOMP 1.2 Connecting", 1008, 0},
    {"heart_beat_timeout", "nothing was received for longer than the agreed heart-beats allow",
     "STOMP 1.2 Heart-beating", 1002, 0},
    {"receipt_timeout", "the receipt for DISCONNECT did not come in time", "STOMP 1.2 DISCONNECT", 1000, 0},
    {"output_full", "a RECEIPT is larger than the memory for output", "STOMP 1.2 Size Limits", 1008, 0},
    {"shut_down", "the program is shutting down", "STOMP 1.2 ERROR", 1001, 0},
    {"error_sent", "an ERROR was sent, which ends the session", "STOMP 1.2 ERROR", 1008, 0},
    {"error_received", "an ERROR was received, which ends the session", "STOMP 1.2 ERROR", 1000, 0},

    {"no_room", "the output has no room for this frame; nothing was written", "", 0, 0},
    {"bad_header", "a header has an empty name, the name content-length, or a character that the frame cannot carry",
     "STOMP 1.2 Value Encoding", 0, 0},
    {"body_not_allowed", "only SEND, MESSAGE and ERROR have a body", "STOMP 1.2 Body", 0, 0},
    {"nul_in_body", "a body with a NUL byte needs a content-length", "STOMP 1.2 Header content-length", 0, 0},
    {"not_open", "this is not possible in the present state of the session", "STOMP 1.2 Connecting", 0, 0},
    {"nothing_to_answer", "no CONNECT waits for an answer", "STOMP 1.2 Connecting", 0, 0},
    {"repeated_receipt", "a receipt with this id is already outstanding", "STOMP 1.2 Header receipt", 0, 0},
    {"too_many_receipts", "more receipts are outstanding than the limit or than the memory for them",
     "STOMP 1.2 Header receipt", 0, 0},
};

} // namespace detail

/// One row per enumerator of `errc`, in its order. A server sends the sentence to the client as the `message` of its
/// ERROR. The Close codes are for STOMP over WebSocket.
inline constexpr decltype(auto) errc_rows = sockless::detail::kept<'S'>(detail::errc_texts);

/// The row of `code`: its name, sentence, section and Close code.
[[nodiscard]] constexpr const sockless::detail::kept_error_row& row_of(errc code) noexcept {
    return errc_rows[static_cast<std::size_t>(code)];
}

static_assert(std::size(detail::errc_texts) == static_cast<std::size_t>(errc::too_many_receipts) + 1);
static_assert(detail::errc_texts[static_cast<std::size_t>(errc::truncated)].name == "truncated");

} // namespace sockless::stomp
