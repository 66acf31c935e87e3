// As server.cpp, with uWebSockets. docs/performance.md says how it is built.
// peer_uwebsockets PORT COMPRESSES(0 or 1) PREPARES(0 or 1)
// SPDX-License-Identifier: MIT
#include <cstdlib>

#include <App.h>

int main(int count, char** arguments) {
    if (count != 4) return 2;
    const bool compresses = std::atoi(arguments[2]) != 0, prepares = std::atoi(arguments[3]) != 0;
    struct nothing {};
    uWS::App app;
    uWS::App::WebSocketBehavior<nothing> behavior;
    behavior.compression = compresses ? uWS::SHARED_COMPRESSOR : uWS::DISABLED;
    behavior.maxPayloadLength = 1024 * 1024;
    behavior.maxBackpressure = 1024 * 1024 * 1024;
    behavior.idleTimeout = 0;
    behavior.open = [](auto* socket) { socket->subscribe("all"); };
    behavior.message = [&](auto*, std::string_view message, uWS::OpCode code) {
        if (!prepares) {
            app.publish("all", message, code, compresses);
            return;
        }
        uWS::PreparedMessage prepared = uWS::Loop::get()->prepareMessage(message, code, compresses);
        app.publishPrepared("all", prepared);
    };
    app.ws<nothing>("/*", std::move(behavior)).listen("127.0.0.1", std::atoi(arguments[1]), [](auto* socket) {
        if (socket == nullptr) std::exit(1);
    });
    app.run();
}
