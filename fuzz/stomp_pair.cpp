// Two sessions of STOMP, as they are or over WebSockets: see stomp_conversation.hpp.
// SPDX-License-Identifier: MIT
#include "stomp_conversation.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    sockless::fuzz::converse(sockless::fuzz::input(data, size, 3));
    return 0;
}
