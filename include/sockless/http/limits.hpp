// How much an HTTP message may ask for before it is refused.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace sockless::http {

/// Bounds on one message. Each is exact: a message that is as large as the limit passes; one more is an error, at that
/// byte.
struct limits {
    /// Bytes of the request or status line, without its end of line. RFC 9112 section 3 asks for at least 8000.
    std::uint32_t start_line = 8192;

    /// Bytes of one field line, without its end of line. Large cookies and tokens come near 8 KiB.
    std::uint32_t field_line = 8192;

    /// Field lines of one head, and likewise of the trailer section of a body. Browsers send about 20.
    std::uint32_t fields = 100;

    /// Bytes of the whole head with all its ends of line, the last empty line, and empty lines before it. Also the
    /// most memory that a head which arrives in pieces can take.
    std::uint32_t head = 32768;

    /// Empty lines before a request line. RFC 9112 section 2.2 wants at least one to be skipped.
    std::uint32_t empty_lines = 4;

    /// Bytes of the chunk extensions of one body together. No peer needs any, yet each must be read to be skipped.
    std::uint32_t chunk_extensions = 4096;

    /// Bytes of a body without its framing. Only the body of a refused opening handshake is read, for people.
    std::uint64_t body = 65536;
};

} // namespace sockless::http
