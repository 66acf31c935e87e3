// How sockless-inspect learns the terms of compression, puts messages together, and inflates them.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless/http/head_parser.hpp>
#include <sockless/ws/assembler.hpp>
#include <sockless/ws/deflate/zlib.hpp>

#include <cstdint>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace sockless::inspect {

/// The terms if the response is not known: those of the first offer that can be accepted.
inline ws::deflate_agreement terms_offered(const http::fields& asked) {
    constexpr unsigned smallest_window = 8;
    return ws::choose_deflate(asked, {}, smallest_window);
}

/// The terms that a response sets. Where it fits none of the offers there is an error, and the terms are what it says
/// all the same, so that the client's messages can be read.
inline ws::deflate_agreement terms_answered(const http::fields& answered, const http::fields* asked) {
    constexpr std::string_view anything = "permessage-deflate; client_max_window_bits";
    ws::deflate_agreement terms = ws::check_deflate(answered, anything);
    bool fits = terms.error == ws::errc::none;
    if (terms.agreed && asked != nullptr) {
        std::string offered;
        for (const field& each : *asked) {
            if (!http::equal_ignoring_case(each.name, "Sec-WebSocket-Extensions")) continue;
            if (!offered.empty()) offered += ", ";
            offered += each.value;
        }
        fits = ws::check_deflate(answered, offered).error == ws::errc::none;
    }
    if (!fits) {
        terms.error = ws::errc::bad_deflate_response;
        terms.agreed = true;
    }
    return terms;
}

/// Makes whole messages of the data of one side. A compressed message is inflated when all of it is there, so that the
/// result does not depend on the cuts. The window is never forgotten: so messages of a peer that should forget and does
/// not can be read too (D8).
class message_reader {
  public:
    /// `most`: the most bytes in one message, as it was sent and inflated.
    explicit message_reader(std::uint64_t most)
        : inflating_(most), whole_(growing_buffer(most < SIZE_MAX ? static_cast<std::size_t>(most) : SIZE_MAX)) {}

    /// Takes the data of a decoder; whether a message ends with it, for which the rest here is.
    bool add(const ws::decoder::event& data) {
        using status = ws::assembler<growing_buffer>::status;
        const status done = whole_.add(data, message_);
        if (done == status::incomplete) return false;
        // The buffer holds what the decoder lets pass, so it is memory that has run out.
        if (done == status::no_room) throw std::bad_alloc();
        sent_ = message_.size();
        if (data.compressed) inflate(data.type);
        return true;
    }

    /// The error of the content. If there is none, `message` is the content.
    [[nodiscard]] ws::errc error() const { return error_; }
    [[nodiscard]] bytes message() const { return message_; }
    /// How many bytes were sent of it.
    [[nodiscard]] std::uint64_t sent() const { return sent_; }

  private:
    void inflate(ws::message_type type) {
        constexpr std::size_t piece = 65536;
        cbytes in = message_;
        std::size_t size = 0;
        inflating_.begin(type);
        for (bool last = false; !last && error_ == ws::errc::none;) {
            if (inflated_.size() < size + piece) inflated_.resize(2 * size + piece);
            const ws::decoder::event found = inflating_.next(codec_, in, true, bytes(inflated_).subspan(size, piece));
            size += found.payload.size();
            last = found.last;
            error_ = found.error;
        }
        message_ = bytes(inflated_).first(size);
    }

    ws::zlib_inflater codec_{};
    ws::message_inflater inflating_;
    ws::assembler<growing_buffer> whole_;
    std::vector<std::byte> inflated_{};
    bytes message_{};
    std::uint64_t sent_ = 0;
    ws::errc error_ = ws::errc::none;
};

} // namespace sockless::inspect
