// The opening handshake: judged, negotiated and written; over HTTP/1.1, and on the fields of HTTP/2 and HTTP/3.
// SPDX-License-Identifier: MIT
#pragma once

#include "check_opening.hpp"
#include "extended_connect.hpp"
#include "extensions.hpp"
#include "write_opening.hpp"
