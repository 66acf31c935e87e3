// A client under any server and any caller. Its nonce is that of RFC 6455 section 1.3, so that an answer can be right.
// SPDX-License-Identifier: MIT
#include "endpoint.hpp"

using namespace sockless;

namespace {

ws::entropy known_nonce() {
    return ws::entropy([](void*, bytes out) {
        constexpr std::string_view nonce = "the sample nonce";
        for (std::size_t i = 0; i != out.size(); ++i) out[i] = static_cast<std::byte>(nonce[i]);
        return true;
    });
}

template <class Client>
Client asking(Client made) {
    constexpr std::string_view subprotocols[] = {"chat", "v12.stomp"};
    const error refused = made.request({.host = "h", .subprotocols = subprotocols, .extensions = "x"});
    fuzz::promise(!refused || refused == ws::errc::no_room, "a request can be made where there is room");
    return made;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::run_endpoint(
        data, size, [](const ws::options& how) { return asking(ws::client(known_nonce(), how)); },
        [](const ws::options& how, ws::zlib_compression compression) {
            return asking(ws::zlib_client(known_nonce(), how, static_cast<ws::zlib_compression&&>(compression)));
        });
    return 0;
}
