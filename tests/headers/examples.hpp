// The names that examples in comments and documents may use: each is compiled as the body of a function with these
// parameters (tools/check examples).
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

using namespace sockless;
using namespace std::literals;

/// Hands bytes to the socket, and says how many it took, as `send` does.
std::size_t write(cbytes out);

/// Fills the front of `room`, and says with how many bytes, as `recv` does.
std::size_t read(bytes room);

/// Takes anything, for examples that look at something.
template <class... Values>
void print(const Values&...);

#ifdef BOOST_ASIO_HPP
#define EXAMPLE_OF_ASIO , [[maybe_unused]] boost::asio::ip::tcp::socket& socket
#else
#define EXAMPLE_OF_ASIO
#endif

/// A server's connection, a client's, all connections of a server, and the last event; bytes that have come; the time;
/// a message; a head that was parsed; 32 bytes of entropy; an error, for results; and a socket, if the example is of
/// Asio.
#define EXAMPLE_PARAMETERS                                                                                             \
    [[maybe_unused]] ws::server &peer, [[maybe_unused]] ws::client &client,                                            \
        [[maybe_unused]] std::span<ws::server> peers, [[maybe_unused]] const ws::event &event,                         \
        [[maybe_unused]] bytes in, [[maybe_unused]] instant now, [[maybe_unused]] std::string_view text,               \
        [[maybe_unused]] const http::head &head, [[maybe_unused]] const ws::entropy::seed &seed,                       \
        [[maybe_unused]] sockless::error &error EXAMPLE_OF_ASIO
