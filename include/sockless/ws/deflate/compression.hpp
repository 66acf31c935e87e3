// The functions that an endpoint asks of the part that compresses its messages; and the part that compresses none.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

#include "../../http/fields.hpp"
#include "../decoder.hpp"

namespace sockless::ws {

/// Whether a message is compressed, if the endpoint can and the peer agreed (RFC 7692 section 6) [D10].
enum class compressed : std::uint8_t {
    automatic, ///< if it is not smaller than the threshold of the policy
    always,
    never, ///< for data that is compressed already, or holds a secret beside text that others choose
};

} // namespace sockless::ws

namespace sockless::ws::detail {

/// The terms, as they are offered, chosen and agreed to in the opening handshake (RFC 7692 section 5).
template <class T>
concept negotiates_compression = requires(T stage, const T& constant, role own, std::span<char> text,
                                          const http::fields& fields, std::string_view list) {
    { T::text_size } -> std::convertible_to<std::size_t>;
    { constant.is_valid(own) }
    noexcept->std::same_as<bool>;
    { constant.offer(text) }
    noexcept->std::same_as<std::string_view>;
    { constant.are_offers(list) }
    noexcept->std::same_as<bool>;
    { constant.response(text, constant.choose(fields)) }
    noexcept->std::same_as<std::string_view>;
    { constant.check(fields, list).error } -> std::convertible_to<sockless::error>;
    { stage.agree(own, constant.choose(fields)) }
    noexcept;
    { stage.agree(own, constant.check(fields, list)) }
    noexcept;
    { constant.agreement().agreed } -> std::convertible_to<bool>;
};

/// Messages that come.
template <class T>
concept inflates_messages = requires(T stage, const T& constant, const decoder::event& data, bytes& in, bytes out,
                                     std::uint64_t limit) {
    { stage.limit(limit) }
    noexcept;
    { stage.add(data) }
    noexcept;
    { constant.inflating() }
    noexcept->std::same_as<bool>;
    { constant.in_message() }
    noexcept->std::same_as<bool>;
    { constant.pending() }
    noexcept->std::same_as<std::size_t>;
    { stage.inflate(in, out) }
    noexcept->std::same_as<decoder::event>;
};

/// Messages that are sent.
template <class T>
concept deflates_messages = requires(T stage, const T& constant, ws::compressed wanted, cbytes piece, bytes out,
                                     bool last, std::size_t size) {
    { T::least_room } -> std::convertible_to<std::size_t>;
    { T::room_for(size) }
    noexcept->std::same_as<std::size_t>;
    { constant.wants(wanted, size, last) }
    noexcept->std::same_as<bool>;
    { constant.window() }
    noexcept->std::same_as<unsigned>;
    { static_cast<bool>(stage.deflate(piece, last, out)) }
    noexcept;
    { stage.deflate(piece, last, out).size } -> std::convertible_to<std::size_t>;
    { stage.abandon() }
    noexcept;
    { stage.release(last) }
    noexcept;
    { stage.end() }
    noexcept;
};

} // namespace sockless::ws::detail

namespace sockless::ws {

/// The last argument of `basic_server` and `basic_client`: `no_compression`, or a type that compresses, such as
/// `deflate_stage`. It can be moved. `T::available` says which of the two it is. Only a type that compresses has the
/// following functions, all of them `noexcept`; without compression nothing of them is compiled. In the order in which
/// they are called:
///
/// - Before the connection is open. `is_valid(own)` says whether the terms that this side wants can be had. A client
///   writes `offer(text)` into its request, or offers of the caller's of which `are_offers(list)` says that they can be
///   made. It judges the fields of the response with `check(fields, list)`, which has an `error`; `list` is all that
///   was offered. A server makes its choice with `choose(fields)` from the fields of a request, and writes
///   `response(text, choice)`, which is empty if nothing is agreed to. `text` has room for `text_size` characters.
///   `agree(own, outcome)` sets the terms; from then on `agreement().agreed` says whether there are any. `limit(bytes)`
///   sets the most that one message may come to.
/// - Data that comes compressed is given to `add(data)`. While `inflating()` then says so, `inflate(in, out)` takes
///   bytes of it from the front of `in`, puts the inflated bytes to the front of `out`, and gives events like those of
///   a `decoder`. `pending()` bytes are left to be taken; `in_message()` says that the message has not ended.
/// - `wants(how, size, last)` says whether a message that begins with a piece of `size` bytes is to be compressed.
///   `deflate(piece, last, out)` compresses a piece to the front of `out`, which has `room_for(size)` bytes, and never
///   fewer than `least_room`; its result has the `size`, and is false if there was no room or memory. Then `abandon()`
///   forgets the message. `window()` is the window that messages are sent with, in bits: a message that was compressed
///   elsewhere with a window that is not larger can be sent as well, and then `abandon()` forgets all before it.
/// - `release(sending)` gives back the memory that an idle connection does not need, `end()` gives back all.
template <class T>
concept compression = std::is_nothrow_move_constructible_v<T> &&
    (!T::available ||
     (detail::negotiates_compression<T> && detail::inflates_messages<T> && detail::deflates_messages<T>));

/// An endpoint without compression: agrees to none.
struct no_compression {
    static constexpr bool available = false;
};

} // namespace sockless::ws
