// What the two sides of a capture agreed to of permessage-deflate, and a decoder that inflates by that.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless/http/head_parser.hpp>
#include <sockless/ws/deflate/zlib.hpp>

#include <doctest/doctest.h>

#include <vector>

#include "capture.hpp"

namespace sockless::test {

/// A head in place; its views are of `wire`.
inline http::head head_in(bytes wire, http::message_kind which) {
    http::basic_head_parser<span_buffer<char>> parser(which, span_buffer<char>{});
    const http::head_event event = parser.next(wire);
    REQUIRE(event.kind == http::head_kind::head);
    return event.head;
}

/// The first offer of compression in a request's fields; no parameters where there is none.
inline ws::deflate_parameters offer_in(const http::fields& fields) {
    ws::deflate_parameters offer;
    ws::for_each_extension(fields, [&](const ws::extension& element) {
        if (element.name != ws::deflate_name) return true;
        CHECK(ws::read_deflate_offer(element, offer));
        return false;
    });
    return offer;
}

/// What the server's response says of compression, whatever it was asked for.
inline ws::deflate_agreement terms_of(const capture& of) {
    buffer s2c = of.s2c.wire;
    return ws::check_deflate(head_in(s2c, http::message_kind::response).fields,
                             "permessage-deflate; client_max_window_bits");
}

/// A decoder that gives the data of compressed messages inflated, in pieces of at most `room` bytes. Such data, and the
/// error in it, have the place of the message's first frame.
class inflating_decoder {
  public:
    inflating_decoder(role own, const ws::deflate_agreement& agreed, std::size_t room) : frames_(own), room_(room) {
        frames_.agree_to(agreed.agreed ? ws::rsv::rsv1 : std::uint8_t{0});
    }

    void show_frames(bool on) { frames_.show_frames(on); }

    ws::decoder::event next(bytes& in) {
        while (error_ == ws::errc::none) {
            if (const ws::decoder::event found = inflating_.next(codec_, data_, ends_, room_)) {
                ends_ = ends_ && !found.last;
                error_ = found.error;
                in_message_ = true;
                return found;
            }
            in_message_ = false;
            const ws::decoder::event found = frames_.next(in);
            if (!found.compressed) return found;
            if (found.first) {
                begin_ = frames_.frame_offset();
                inflating_.begin(found.type);
            }
            data_ = found.payload;
            ends_ = found.last;
        }
        return {};
    }

    ws::errc finish() { return error_ == ws::errc::none ? frames_.finish() : error_; }

    [[nodiscard]] ws::errc error() const { return error_ == ws::errc::none ? frames_.error() : error_; }
    [[nodiscard]] std::uint64_t offset() const { return error_ == ws::errc::none ? frames_.offset() : begin_; }
    [[nodiscard]] std::uint64_t frame_offset() const { return in_message_ ? begin_ : frames_.frame_offset(); }
    [[nodiscard]] ws::frame_header header() const { return frames_.header(); }

  private:
    ws::decoder frames_;
    ws::zlib_inflater codec_{};
    ws::message_inflater inflating_{};
    buffer room_;
    cbytes data_{};           // what is left of the data that came last
    bool ends_ = false;       // with it the message ends, and this was not said yet
    bool in_message_ = false; // what was given last is of a compressed message
    ws::errc error_ = ws::errc::none;
    std::uint64_t begin_ = 0; // the place of the message
};

} // namespace sockless::test
