// The shortest program that needs zlib too.
// SPDX-License-Identifier: MIT
#include <sockless/ws/deflate/zlib.hpp>

#include <cstdio>

int main() {
    const sockless::ws::zlib_server peer;
    sockless::ws::zlib_inflater inflater;
    std::byte room[16];
    sockless::cbytes in;
    sockless::bytes out(room);
    const bool works = !peer.done() && inflater.step(in, out) == sockless::ws::deflate_status::done;
    return std::puts(works ? "sockless works" : "sockless does not work") < 0 || !works;
}
