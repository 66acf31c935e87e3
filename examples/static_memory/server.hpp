// The server of server.cpp, for the program around it.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

/// Listens at a port. Says whether it could.
bool start_server(std::uint16_t port);

/// Accepts no more, and says goodbye to all who are connected: they are gone within ten seconds.
void stop_server();
