// A server under any client and any caller.
// SPDX-License-Identifier: MIT
#include "endpoint.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    sockless::fuzz::run_endpoint(data, size,
                                 [](const sockless::ws::options& how) { return sockless::ws::server(how); });
    return 0;
}
