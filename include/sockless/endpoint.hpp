// The functions that every end of a connection has, in every protocol: so one loop can drive them all.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

#include "error.hpp"

namespace sockless {

/// One end of a connection, without the socket. The program that has the socket
/// - gives the bytes that it has received to `next(in)`, until that returns no event;
/// - sends the bytes that `output()` shows, and says with `sent(size)` how many of them it has sent, until `output()`
///   is empty. Bytes that were shown stay in place until they are sent. All endpoints of this library show them in
///   several pieces too, with `output(pieces)`;
/// - calls `tick(now)` when `next_deadline()` has come, and handles its event;
/// - calls `hold_input()` before each `tick`, if it has read nothing since the last one because it pauses;
/// - calls `finish()` when the peer has ended its side, and handles its event;
/// - ends the connection when `done()` is true. `error()` says whether something went wrong.
///
/// An event is false if nothing was found. `ws::basic_server` and `ws::basic_client` are endpoints. So are the sessions
/// and connections of STOMP.
template <class T>
concept endpoint = requires(T& own, const T& seen, bytes& in, std::size_t size, instant now) {
    typename T::event;
    requires std::constructible_from<bool, typename T::event>;
    { own.next(in) }
    noexcept->std::same_as<typename T::event>;
    { seen.output() }
    noexcept->std::same_as<cbytes>;
    { own.sent(size) }
    noexcept;
    { seen.waiting() }
    noexcept->std::same_as<std::size_t>;
    { own.tick(now) }
    noexcept->std::same_as<typename T::event>;
    { own.hold_input() }
    noexcept;
    { seen.next_deadline() }
    noexcept->std::same_as<instant>;
    { own.finish() }
    noexcept->std::same_as<typename T::event>;
    { seen.done() }
    noexcept->std::same_as<bool>;
    { seen.error() }
    noexcept->std::same_as<error>;
    { own.release_memory() }
    noexcept;
    { own.shut_down() }
    noexcept;
};

} // namespace sockless
