// The shortest program that needs the target for zlib, which brings the headers and the library of zlib.
// SPDX-License-Identifier: MIT
#include <sockless/core.hpp>

#include <zlib.h>

#include <cstdio>

int main() {
    const auto version = sockless::bytes_of(::zlibVersion());
    return std::puts(version.empty() ? "sockless does not work" : "sockless works with zlib") < 0 || version.empty();
}
