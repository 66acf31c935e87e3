// Everything that can be wrong with the head or body of an HTTP/1.1 message: one enumerator, one row of the table each.
// SPDX-License-Identifier: MIT
#pragma once

#include "../error.hpp"

namespace sockless::http {

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

/// One row per enumerator of `errc`, in its order. The statuses are what a server answers to such a request; a client
/// that finds the same in a response answers nothing.
inline constexpr error_row errc_rows[] = {
    {"none", "no error", "", 0, 0},

    {"too_many_empty_lines", "too many empty lines before the request line", "RFC 9112 2.2", 0, 400},
    {"bad_method", "the method is not a token that one space follows", "RFC 9112 3.1", 0, 400},
    {"bad_target", "the request target is empty or holds what no target may", "RFC 9112 3.2", 0, 400},
    {"bad_version", "the HTTP version is missing or malformed", "RFC 9112 2.3", 0, 400},
    {"unsupported_version", "the major version of HTTP is not 1", "RFC 9110 15.6.6", 0, 505},
    {"bad_status", "the status code is not three digits after one space", "RFC 9112 4", 0, 400},
    {"bad_reason", "the reason phrase holds a control character", "RFC 9112 4", 0, 400},
    {"start_line_too_long", "the start line is longer than the limit", "RFC 9110 15.5.15", 0, 414},

    {"bare_cr", "a carriage return is not followed by a line feed", "RFC 9112 2.2", 0, 400},
    {"bare_lf", "a line feed does not follow a carriage return", "RFC 9112 2.2", 0, 400},
    {"space_before_fields", "white space stands before the first field line", "RFC 9112 2.2", 0, 400},
    {"obs_fold", "a field line is continued on the next line", "RFC 9112 5.2", 0, 400},
    {"bad_name", "a field name is not a token that a colon follows", "RFC 9110 5.1", 0, 400},
    {"space_in_name", "white space stands in a field name or before its colon", "RFC 9112 5.1", 0, 400},
    {"bad_value", "a field value holds a control character", "RFC 9110 5.5", 0, 400},
    {"field_line_too_long", "a field line is longer than the limit", "RFC 6585 5", 0, 431},
    {"too_many_fields", "there are more field lines than the limit", "RFC 6585 5", 0, 431},
    {"head_too_large", "the head is larger than the limit or than the memory for it", "RFC 6585 5", 0, 431},
    {"truncated", "the input ended inside the message", "RFC 9112 8", 0, 400},

    {"bad_content_length", "Content-Length is not one decimal number", "RFC 9110 8.6", 0, 400},
    {"unsupported_transfer_coding", "there is a transfer coding other than one chunked", "RFC 9112 6.1", 0, 501},
    {"ambiguous_length", "there are both Content-Length and Transfer-Encoding", "RFC 9112 6.3", 0, 400},
    {"bad_chunk_size", "a chunk size is not hexadecimal or does not fit 64 bits", "RFC 9112 7.1", 0, 400},
    {"bad_chunk_extension", "what follows a chunk size is no chunk extension", "RFC 9112 7.1.1", 0, 400},
    {"chunk_extensions_too_long", "the chunk extensions are longer than the limit", "RFC 9112 7.1.1", 0, 400},
    {"bad_chunk_end", "the data of a chunk is not followed by an end of line", "RFC 9112 7.1", 0, 400},
    {"body_too_large", "the body is larger than the limit", "RFC 9110 15.5.14", 0, 413},

    {"no_room", "the output has no room for this; nothing of it counts", "", 0, 0},
    {"body_not_allowed", "a message of this status has no body", "RFC 9110 6.4.1", 0, 0},
};

/// The row of `code`: its name, sentence, section and HTTP status.
[[nodiscard]] constexpr const error_row& row_of(errc code) noexcept {
    return errc_rows[static_cast<std::size_t>(code)];
}

static_assert(std::size(errc_rows) == static_cast<std::size_t>(errc::body_not_allowed) + 1);
static_assert(row_of(errc::body_not_allowed).name == "body_not_allowed" && row_of(errc::truncated).name == "truncated");

} // namespace sockless::http
