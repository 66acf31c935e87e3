// What every end of a connection has in common, whatever its protocol: so one loop drives them all.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

#include "error.hpp"

namespace sockless {

/// One end of a connection, without the socket. The program that has the socket
/// - gives what it has received to `next(in)`, until that returns no event;
/// - sends what `output()` shows, and says with `sent(size)` how much of it has left, until nothing is shown. The bytes
///   that were shown stay in place meanwhile;
/// - calls `tick(now)` when `next_deadline()` has come, and handles its event;
/// - calls `finish()` when the peer has ended its side, and handles its event;
/// - ends the connection when `done()`. `error()` says whether something went wrong.
///
/// An event is true if something was found. `ws::basic_server` and `ws::basic_client` are endpoints, and so are the
/// sessions of STOMP and what carries them.
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
