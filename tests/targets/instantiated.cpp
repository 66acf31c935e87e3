// Every template of an endpoint, with all of its members at once, as in a unit that instantiates them for others.
// SPDX-License-Identifier: MIT
#include <sockless.hpp>

namespace sockless {

template class ws::connection<role::server, growing_buffer>;
template class ws::connection<role::client, growing_buffer>;
template class ws::basic_server<growing_buffer>;
template class ws::basic_client<growing_buffer>;
template class stomp::basic_server_session<growing_buffer>;
template class stomp::basic_client_session<growing_buffer>;
template class stomp::carrier<ws::server, growing_buffer>;
template class stomp::over_websocket<stomp::carried_server_session<ws::server>>;
template class stomp::over_websocket<stomp::carried_client_session<ws::client>>;
template class stomp::basic_server_connection<growing_buffer>;
template class stomp::basic_client_connection<growing_buffer>;
template class driver<ws::server>;
template class driver<ws::client>;
template class driver<stomp::server_session>;
template class driver<stomp::client_session>;
template class driver<stomp::server_connection>;
template class driver<stomp::client_connection>;

using fixed_buffer = span_buffer<std::byte>;

template class http::basic_head_parser<span_buffer<char>>;
template class stomp::basic_parser<span_buffer<char>>;
template class ws::assembler<fixed_buffer>;

// Clang before 16 also instantiates the constructors whose constraints do not hold: those that make buffers that grow.
#if !defined(__clang__) || __clang_major__ >= 16
template class ws::connection<role::server, fixed_buffer>;
template class ws::connection<role::client, fixed_buffer>;
template class ws::basic_server<fixed_buffer>;
template class ws::basic_client<fixed_buffer>;
template class stomp::basic_server_session<fixed_buffer>;
template class stomp::basic_client_session<fixed_buffer>;
template class stomp::basic_server_connection<fixed_buffer>;
template class stomp::basic_client_connection<fixed_buffer>;
#endif

} // namespace sockless
