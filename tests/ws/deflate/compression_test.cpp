// The concept for the part of an endpoint that compresses: types that satisfy it, and types that do not.
// SPDX-License-Identifier: MIT
#include <sockless/ws/deflate/compression.hpp>

#include <doctest/doctest.h>
#include <sockless/ws/client.hpp>
#include <sockless/ws/deflate/stage.hpp>
#include <sockless/ws/server.hpp>

#include "../../support/stored_codec.hpp"

using namespace sockless;

namespace {

using stored = ws::deflate_stage<test::stored_inflater, test::stored_deflater>;
static_assert(ws::compression<ws::no_compression>);
static_assert(ws::compression<stored> && stored::available);

// Says that it compresses, and cannot.
struct boast {
    static constexpr bool available = true;
};
static_assert(!ws::compression<boast> && !ws::compression<int>);

// A verb that is missing, that gives something else, or that may throw.
struct without_end : stored {
    void end() = delete;
};
struct without_room : stored {
    static constexpr std::size_t least_room() { return 16; }
};
struct other_event : stored {
    int inflate(bytes&, bytes) noexcept { return 0; }
};
struct throwing : stored {
    void abandon() {}
};
struct unmoved : stored {
    unmoved(unmoved&&) = delete;
};
static_assert(!ws::compression<without_end> && !ws::compression<without_room> && !ws::compression<other_event>);
static_assert(!ws::compression<throwing> && !ws::compression<unmoved>);

// Any type with the verbs will do.
struct derived : stored {};
static_assert(ws::compression<derived>);

// An endpoint takes no other type.
template <class T>
concept connection_takes = requires {
    typename ws::connection<role::server, growing_buffer, T>;
};
template <class T>
concept server_takes = requires {
    typename ws::basic_server<growing_buffer, T>;
};
template <class T>
concept client_takes = requires {
    typename ws::basic_client<growing_buffer, T>;
};
template <class T>
inline constexpr int takers = connection_takes<T> + server_takes<T> + client_takes<T>;
static_assert(takers<ws::no_compression> == 3 && takers<derived> == 3);
static_assert(takers<boast> == 0 && takers<int> == 0 && takers<without_end> == 0);

} // namespace

TEST_CASE("D10: an endpoint without compression has none of its verbs, and no memory for it") {
    CHECK(!ws::no_compression::available);
    CHECK(std::is_empty_v<ws::no_compression>);
}
