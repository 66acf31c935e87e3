// HTTP/1.1 heads: parsed, read, and written; bodies without their framing.
// SPDX-License-Identifier: MIT
#pragma once

#include "http/body.hpp"
#include "http/errc.hpp"
#include "http/fields.hpp"
#include "http/head_parser.hpp"
#include "http/host.hpp"
#include "http/limits.hpp"
#include "http/lists.hpp"
#include "http/status.hpp"
#include "http/text.hpp"
#include "http/write_head.hpp"
