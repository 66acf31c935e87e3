// The shortest program that needs the library: CMake, pkg-config and meson build it from what was installed.
// SPDX-License-Identifier: MIT
#include <sockless.hpp>

#include <cstdio>

int main() {
    const auto hello = sockless::bytes_of(std::string_view("Hello"));
    return std::puts(hello.size() == 5 ? "sockless works" : "sockless does not work") < 0;
}
