// All of the WebSocket layer: codecs, opening handshake, endpoints.
// SPDX-License-Identifier: MIT
#pragma once

#include "ws/assembler.hpp"
#include "ws/client.hpp"
#include "ws/close_code.hpp"
#include "ws/connection.hpp"
#include "ws/decoder.hpp"
#include "ws/deflate/compression.hpp"
#include "ws/deflate/message.hpp"
#include "ws/deflate/negotiation.hpp"
#include "ws/deflate/pool.hpp"
#include "ws/deflate/stage.hpp"
#include "ws/encode.hpp"
#include "ws/entropy.hpp"
#include "ws/errc.hpp"
#include "ws/event.hpp"
#include "ws/frame_header.hpp"
#include "ws/limits.hpp"
#include "ws/mask.hpp"
#include "ws/opening.hpp"
#include "ws/pong.hpp"
#include "ws/server.hpp"
