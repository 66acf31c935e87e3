// sockless: WebSocket and STOMP without the socket. This header is all that needs no third party.
// SPDX-License-Identifier: MIT
#pragma once

#include "sockless/buffer.hpp"
#include "sockless/core.hpp"
#include "sockless/driver.hpp"
#include "sockless/endpoint.hpp"
#include "sockless/error.hpp"
#include "sockless/http.hpp"
#include "sockless/stomp.hpp"
#include "sockless/utf8.hpp"
#include "sockless/ws.hpp"
