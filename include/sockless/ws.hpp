// All of the WebSocket layer: codecs, opening handshake, endpoints.
// SPDX-License-Identifier: MIT
#pragma once

#include "ws/assembler.hpp"
#include "ws/client.hpp"
#include "ws/close_code.hpp"
#include "ws/decoder.hpp"
#include "ws/deflate.hpp"
#include "ws/deflate_message.hpp"
#include "ws/deflate_stage.hpp"
#include "ws/encode.hpp"
#include "ws/endpoint.hpp"
#include "ws/entropy.hpp"
#include "ws/errc.hpp"
#include "ws/extensions.hpp"
#include "ws/frame_header.hpp"
#include "ws/handshake.hpp"
#include "ws/limits.hpp"
#include "ws/mask.hpp"
#include "ws/replies.hpp"
#include "ws/server.hpp"
#include "ws/utf8.hpp"
