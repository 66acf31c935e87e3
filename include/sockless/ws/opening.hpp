// All of the opening handshake: judged, negotiated and written, over HTTP/1.1, and on the fields of HTTP/2 and HTTP/3.
// SPDX-License-Identifier: MIT
#pragma once

#include "opening/accept_key.hpp"
#include "opening/check.hpp"
#include "opening/extended_connect.hpp"
#include "opening/extensions.hpp"
#include "opening/faults.hpp"
#include "opening/subprotocols.hpp"
#include "opening/write.hpp"
