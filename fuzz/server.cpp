// A server under any client and any caller.
// SPDX-License-Identifier: MIT
#include "endpoint.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace ws = sockless::ws;
    sockless::fuzz::run_endpoint(
        data, size, [](const ws::options& how) { return ws::server(how); },
        [](const ws::options& how, ws::zlib_compression compression) {
            return ws::zlib_server(how, static_cast<ws::zlib_compression&&>(compression));
        });
    return 0;
}
