// Everything that can be wrong with the head or body of an HTTP/1.1 message: one enumerator, one row of the table each.
// SPDX-License-Identifier: MIT
#pragma once

#include "../error.hpp"

namespace sockless::http {

/// Everything that can be wrong with a message of HTTP/1.1, or with a call of this layer.
enum class errc : std::uint8_t {
    none = 0,

    // Start line
    too_many_empty_lines,
    bad_method,
    bad_target,
    bad_version,
    unsupported_version,
    bad_status,
    bad_reason,
    start_line_too_long,

    // Field lines
    bare_cr,
    bare_lf,
    space_before_fields,
    obs_fold,
    bad_name,
    space_in_name,
    bad_value,
    field_line_too_long,
    too_many_fields,
    head_too_large,
    truncated,

    // Body
    bad_content_length,
    unsupported_transfer_coding,
    ambiguous_length,
    bad_chunk_size,
    bad_chunk_extension,
    chunk_extensions_too_long,
    bad_chunk_end,
    body_too_large,

    // The caller
    no_room,
    body_not_allowed,
};

namespace detail {

// The rows of `errc_rows`, with their texts.
inline constexpr error_row errc_texts[] = {
    {"none", "no error", "", 0, 0},

    {"too_many_empty_lines", "too many empty lines come before the request line", "RFC 9112 2.2", 0, 400},
    {"bad_method", "the method is not a token followed by one space", "RFC 9112 3.1", 0, 400},
    {"bad_target", "the request target is empty or has a character that is not allowed there", "RFC 9112 3.2", 0, 400},
    {"bad_version", "the HTTP version is missing or malformed", "RFC 9112 2.3", 0, 400},
    {"unsupported_version", "the major version of HTTP is not 1", "RFC 9110 15.6.6", 0, 505},
    {"bad_status", "the status code is not three digits after one space", "RFC 9112 4", 0, 400},
    {"bad_reason", "the reason phrase has a control character", "RFC 9112 4", 0, 400},
    {"start_line_too_long", "the start line is longer than the limit", "RFC 9110 15.5.15", 0, 414},

    {"bare_cr", "a carriage return is not followed by a line feed", "RFC 9112 2.2", 0, 400},
    {"bare_lf", "a line feed does not follow a carriage return", "RFC 9112 2.2", 0, 400},
    {"space_before_fields", "white space comes before the first field line", "RFC 9112 2.2", 0, 400},
    {"obs_fold", "a field line is continued on the next line", "RFC 9112 5.2", 0, 400},
    {"bad_name", "a field name is not a token followed by a colon", "RFC 9110 5.1", 0, 400},
    {"space_in_name", "white space stands in a field name or before its colon", "RFC 9112 5.1", 0, 400},
    {"bad_value", "a field value has a control character", "RFC 9110 5.5", 0, 400},
    {"field_line_too_long", "a field line is longer than the limit", "RFC 6585 5", 0, 431},
    {"too_many_fields", "the head has more field lines than the limit", "RFC 6585 5", 0, 431},
    {"head_too_large", "the head is larger than the limit or than the memory for it", "RFC 6585 5", 0, 431},
    {"truncated", "the input ended inside the message", "RFC 9112 8", 0, 400},

    {"bad_content_length", "Content-Length is not one decimal number", "RFC 9110 8.6", 0, 400},
    {"unsupported_transfer_coding", "the message has a transfer coding other than chunked alone", "RFC 9112 6.1", 0,
     501},
    {"ambiguous_length", "the message has both Content-Length and Transfer-Encoding", "RFC 9112 6.3", 0, 400},
    {"bad_chunk_size", "a chunk size is not hexadecimal, or does not fit in 64 bits", "RFC 9112 7.1", 0, 400},
    {"bad_chunk_extension", "the text after a chunk size is not a chunk extension", "RFC 9112 7.1.1", 0, 400},
    {"chunk_extensions_too_long", "the chunk extensions are longer than the limit", "RFC 9112 7.1.1", 0, 400},
    {"bad_chunk_end", "the data of a chunk is not followed by an end of line", "RFC 9112 7.1", 0, 400},
    {"body_too_large", "the body is larger than the limit", "RFC 9110 15.5.14", 0, 413},

    {"no_room", "the output has no room for this head; nothing was written", "", 0, 0},
    {"body_not_allowed", "a message with this status has no body", "RFC 9110 6.4.1", 0, 0},
};

} // namespace detail

/// One row per enumerator of `errc`, in its order. A server answers such a request with the status of the row. A client
/// that finds the same in a response sends no answer.
inline constexpr decltype(auto) errc_rows = sockless::detail::kept<'H'>(detail::errc_texts);

/// The row of `code`: its name, sentence, section and HTTP status.
[[nodiscard]] constexpr const sockless::detail::kept_error_row& row_of(errc code) noexcept {
    return errc_rows[static_cast<std::size_t>(code)];
}

static_assert(std::size(detail::errc_texts) == static_cast<std::size_t>(errc::body_not_allowed) + 1);
static_assert(detail::errc_texts[static_cast<std::size_t>(errc::truncated)].name == "truncated");

} // namespace sockless::http
