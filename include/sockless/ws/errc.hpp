// Everything that can go wrong in the WebSocket layer: one enumerator, one row of the table each.
// SPDX-License-Identifier: MIT
#pragma once

#include "../error.hpp"

namespace sockless::ws {

/// Everything that can be wrong with a WebSocket, with its opening handshake, or with a call of this layer.
enum class errc : std::uint8_t {
    none = 0,

    // Frames
    reserved_bit_set,
    unknown_opcode,
    unexpected_continuation,
    expected_continuation,
    fragmented_control_frame,
    control_frame_too_long,
    mask_missing,
    mask_forbidden,
    length_not_minimal,
    length_top_bit_set,
    frame_too_big,
    message_too_big,
    too_many_frames,
    invalid_utf8,

    // Compression
    deflate_corrupt,
    deflate_truncated,
    no_memory,

    // Closing
    close_payload_too_short,
    close_code_invalid,
    close_reason_invalid_utf8,
    end_of_input,
    handshake_timeout,
    refused,
    too_many_interim_responses,
    shut_down,
    close_timeout,
    pong_timeout,

    // The caller
    no_room,
    no_entropy,
    close_code_not_sendable,
    close_reason_too_long,
    payload_not_utf8,
    message_open,
    not_open,
    nothing_to_answer,

    // Opening handshake
    method_not_get,
    http_version_too_old,
    bad_request_target,
    host_missing,
    bad_host,
    unexpected_body,
    upgrade_missing,
    connection_upgrade_missing,
    version_missing,
    version_unsupported,
    key_missing,
    bad_key,
    repeated_origin,
    bad_subprotocol,
    too_many_subprotocols,
    bad_extensions,
    empty_extensions,
    expectation_unknown,

    // Opening handshake over HTTP/2 and HTTP/3
    not_extended_connect,
    protocol_unknown,
    bad_pseudo_field,
    malformed_field,
    connection_field,

    // Opening handshake, as the client sees it
    unexpected_status,
    upgrade_not_confirmed,
    upgrade_repeated,
    connection_not_confirmed,
    accept_missing,
    accept_wrong,
    subprotocol_not_offered,
    extension_not_offered,
    bad_deflate_response,

    // Opening handshake, as the caller asks for it
    reserved_field,
    bad_scheme,
    bad_deflate_window,
    bad_deflate_offer,
};

namespace detail {

// The rows of `errc_rows`, with their texts.
inline constexpr error_row errc_texts[] = {
    {"none", "no error", "", 0, 0},

    {"reserved_bit_set", "a reserved bit is set, and no agreed extension gives it a meaning", "RFC 6455 5.2", 1002, 0},
    {"unknown_opcode", "the opcode of a frame is not defined", "RFC 6455 5.2", 1002, 0},
    {"unexpected_continuation", "a continuation frame came, but no message is open", "RFC 6455 5.4", 1002, 0},
    {"expected_continuation", "a new message began before the last one had ended", "RFC 6455 5.4", 1002, 0},
    {"fragmented_control_frame", "a control frame is fragmented", "RFC 6455 5.5", 1002, 0},
    {"control_frame_too_long", "a control frame has more than 125 bytes of payload", "RFC 6455 5.5", 1002, 0},
    {"mask_missing", "a frame from the client is not masked", "RFC 6455 5.1", 1002, 0},
    {"mask_forbidden", "a frame from the server is masked", "RFC 6455 5.1", 1002, 0},
    {"length_not_minimal", "the payload length is written with more bytes than it needs", "RFC 6455 5.2", 1002, 0},
    {"length_top_bit_set", "the most significant bit of the payload length is set", "RFC 6455 5.2", 1002, 0},
    {"frame_too_big", "a frame is larger than the limit", "RFC 6455 10.4", 1009, 0},
    {"message_too_big", "a message is larger than the limit", "RFC 6455 10.4", 1009, 0},
    {"too_many_frames", "a message has more frames than the limit", "RFC 6455 10.4", 1008, 0},
    {"invalid_utf8", "a text message is not UTF-8", "RFC 6455 8.1", 1007, 0},

    {"deflate_corrupt", "a compressed message is not valid deflate data", "RFC 7692 7.2.2", 1007, 0},
    {"deflate_truncated", "a compressed message ends in the middle of its deflate data", "RFC 7692 7.2.2", 1007, 0},
    {"no_memory", "there is no memory to inflate a message", "RFC 6455 7.4.1", 1011, 0},

    {"close_payload_too_short", "the payload of a Close is a single byte", "RFC 6455 5.5.1", 1002, 0},
    {"close_code_invalid", "a Close has a code that must not be sent", "RFC 6455 7.4", 1002, 0},
    {"close_reason_invalid_utf8", "the reason of a Close is not UTF-8", "RFC 6455 5.5.1", 1007, 0},
    {"end_of_input", "the connection ended without a Close", "RFC 6455 7.1.5", 1006, 0},
    {"handshake_timeout", "the opening handshake took too long", "RFC 6455 4.1", 0, 408},
    {"refused", "the server refused the opening handshake", "RFC 6455 4.1", 0, 0},
    {"too_many_interim_responses", "the server sent more 1xx responses than the limit", "RFC 9110 15.2", 0, 0},
    {"shut_down", "the program is shutting down", "RFC 9110 15.6.4", 1001, 503},
    {"close_timeout", "the peer did not answer the Close in time", "RFC 6455 7.1.1", 1006, 0},
    {"pong_timeout", "the peer did not answer a Ping in time", "RFC 6455 5.5.2", 1011, 0},

    {"no_room", "the output has no room for this frame or head; nothing was written", "", 0, 0},
    {"no_entropy", "there are no unpredictable bytes for the nonce or a masking key; nothing was written",
     "RFC 6455 10.3", 1011, 0},
    {"close_code_not_sendable", "this Close code must not be sent", "RFC 6455 7.4", 0, 0},
    {"close_reason_too_long", "the reason of a Close is longer than 123 bytes", "RFC 6455 5.5", 0, 0},
    {"payload_not_utf8", "the payload of a text message, or the reason of a Close, is not UTF-8", "RFC 6455 8.1", 0, 0},
    {"message_open", "a message in pieces is open; it must end before another one begins", "RFC 6455 5.4", 0, 0},
    {"not_open", "the connection is not open", "RFC 6455 7.1.3", 0, 0},
    {"nothing_to_answer", "no request waits for an answer", "RFC 6455 4.2.2", 0, 0},

    {"method_not_get", "the method of the request is not GET", "RFC 6455 4.1", 0, 405},
    {"http_version_too_old", "HTTP/1.0 cannot be upgraded to WebSocket", "RFC 9110 7.8", 0, 426},
    {"bad_request_target",
     "the request target is neither a path nor an absolute URI of ws or http, or it has a fragment", "RFC 6455 3", 0,
     400},
    {"host_missing", "the request does not have exactly one Host field", "RFC 9112 3.2", 0, 400},
    {"bad_host", "the host is not a name or an address, with or without a port", "RFC 9112 3.2", 0, 400},
    {"unexpected_body", "a request for a WebSocket announces a body", "RFC 9112 6", 0, 400},
    {"upgrade_missing", "the Upgrade field does not ask for websocket", "RFC 6455 4.2.1", 0, 426},
    {"connection_upgrade_missing", "the Connection field does not contain upgrade", "RFC 6455 4.2.1", 0, 400},
    {"version_missing", "the request does not have exactly one Sec-WebSocket-Version field", "RFC 6455 4.2.1", 0, 400},
    {"version_unsupported", "the version of WebSocket is not 13", "RFC 6455 4.4", 0, 426},
    {"key_missing", "the request does not have exactly one Sec-WebSocket-Key field", "RFC 6455 4.2.1", 0, 400},
    {"bad_key", "the Sec-WebSocket-Key is not 16 bytes in base64", "RFC 6455 4.2.1", 0, 400},
    {"repeated_origin", "the request has more than one Origin field", "RFC 6454 7.3", 0, 400},
    {"bad_subprotocol", "a subprotocol is not a token, is repeated, or is missing", "RFC 6455 11.3.4", 0, 400},
    {"too_many_subprotocols", "more subprotocols are offered than the limit", "RFC 6455 10.4", 0, 400},
    {"bad_extensions", "the Sec-WebSocket-Extensions field is malformed", "RFC 6455 9.1", 0, 400},
    {"empty_extensions", "the Sec-WebSocket-Extensions field names no extension", "RFC 6455 9.1", 0, 400},
    {"expectation_unknown", "the Expect field is not 100-continue", "RFC 9110 10.1.1", 0, 417},

    {"not_extended_connect", "the request is not a CONNECT with :protocol", "RFC 8441 4", 0, 400},
    {"protocol_unknown", "the :protocol of the CONNECT is not websocket", "RFC 9220 3", 0, 501},
    {"bad_pseudo_field", "a pseudo-field is missing, repeated, unknown or malformed, or follows another field",
     "RFC 9113 8.3", 0, 400},
    {"malformed_field",
     "a field has an upper-case letter in its name, white space around its value, or a character that is "
     "not allowed there",
     "RFC 9113 8.2.1", 0, 400},
    {"connection_field", "a field is only allowed on HTTP/1.1 connections", "RFC 9113 8.2.2", 0, 400},

    {"unexpected_status", "the server did not answer with status 101", "RFC 6455 4.1", 0, 0},
    {"upgrade_not_confirmed", "the response has no Upgrade field, or one with another value than websocket",
     "RFC 6455 4.1", 0, 0},
    {"upgrade_repeated", "the response has more than one Upgrade field", "RFC 6455 4.1", 0, 0},
    {"connection_not_confirmed", "the Connection field of the response does not contain upgrade", "RFC 6455 4.1", 0, 0},
    {"accept_missing", "the response does not have exactly one Sec-WebSocket-Accept field", "RFC 6455 4.1", 0, 0},
    {"accept_wrong", "Sec-WebSocket-Accept does not match the key", "RFC 6455 4.1", 0, 0},
    {"subprotocol_not_offered", "the chosen subprotocol was not offered", "RFC 6455 4.1", 0, 0},
    {"extension_not_offered", "the chosen extension was not offered", "RFC 6455 4.1", 0, 0},
    {"bad_deflate_response", "the server agreed to other terms of compression than were offered", "RFC 7692 7.1", 0, 0},

    {"reserved_field", "this field is written by the library; it cannot be given as a field of your own", "RFC 6455 4",
     0, 0},
    {"bad_scheme", "the URL does not begin with ws://, wss://, http:// or https://", "RFC 6455 3", 0, 0},
    {"bad_deflate_window", "a window for compression has more than 15 bits, or fewer than the compressor can keep to",
     "RFC 7692 7.1.2", 0, 0},
    {"bad_deflate_offer", "an offer of permessage-deflate is malformed, or the endpoint does not compress",
     "RFC 7692 7.1", 0, 0},
};

} // namespace detail

/// One row per enumerator of `errc`, in its order.
inline constexpr decltype(auto) errc_rows = sockless::detail::kept<'W'>(detail::errc_texts);

/// The row of `code`: its name, sentence, section, Close code and HTTP status.
[[nodiscard]] constexpr const sockless::detail::kept_error_row& row_of(errc code) noexcept {
    return errc_rows[static_cast<std::size_t>(code)];
}

static_assert(std::size(detail::errc_texts) == static_cast<std::size_t>(errc::bad_deflate_offer) + 1);

} // namespace sockless::ws
