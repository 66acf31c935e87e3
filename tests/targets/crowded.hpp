// A unit whose other headers came first: <windows.h>, and the short macros that it, Qt, X11 and others define.
// SPDX-License-Identifier: MIT
#pragma once

// Standard headers stand this or not, whatever the library does.
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>

#if defined(_WIN32)
#include <winsock2.h>

#include <windows.h>
#endif

// windows.h of Microsoft's SDK; that of mingw-w64 leaves out some of these in C++.
#undef min
#undef max
#undef small
#undef near
#undef far
#undef interface
#undef ERROR
#undef DELETE
#undef IN
#undef OUT
#undef OPTIONAL
#undef CONST
#undef NO_ERROR
#undef STRICT
#undef GetMessage
#undef SendMessage
#undef TRUE
#undef FALSE
#define min(a, b) (((a) < (b)) ? (a) : (b))
#define max(a, b) (((a) > (b)) ? (a) : (b))
#define small char
#define near
#define far
#define interface struct
#define ERROR 0
#define DELETE 0x00010000L
#define IN
#define OUT
#define OPTIONAL
#define CONST const
#define NO_ERROR 0L
#define STRICT 1
#define TRUE 1
#define FALSE 0
#define GetMessage GetMessageW
#define SendMessage SendMessageW

// Qt, X11, older C libraries, Arduino.
#undef major
#undef minor
#undef unix
#undef linux
#define signals public
#define slots
#define emit
#define foreach for
#define None 0L
#define Bool int
#define Status int
#define Success 0
#define Always 2
#define major(dev) (dev)
#define minor(dev) (dev)
#define unix 1
#define linux 1
#define abs(x) ((x) > 0 ? (x) : -(x))
#define round(x) ((x) >= 0 ? static_cast<long>((x) + 0.5) : static_cast<long>((x)-0.5))
#define bit(b) (1UL << (b))
