// All of the STOMP layer: codecs, sessions, and the way over WebSocket.
// SPDX-License-Identifier: MIT
#pragma once

#include "stomp/client_session.hpp"
#include "stomp/command.hpp"
#include "stomp/connection.hpp"
#include "stomp/errc.hpp"
#include "stomp/event.hpp"
#include "stomp/frames.hpp"
#include "stomp/headers.hpp"
#include "stomp/heart_beat.hpp"
#include "stomp/limits.hpp"
#include "stomp/parser.hpp"
#include "stomp/server_session.hpp"
#include "stomp/session.hpp"
#include "stomp/version.hpp"
#include "stomp/websocket.hpp"
#include "stomp/writer.hpp"
