// Every endpoint as a program uses it: tools/check compiles this at each level of optimisation, as some warnings of a
// compiler come only with inlining, and then name a line of the library in the program of its user.
// SPDX-License-Identifier: MIT
#include <sockless/stomp.hpp>
#include <sockless/ws/deflate/zlib.hpp>

#include <cstdint>
#include <cstdio>
#include <string>

namespace stomp = sockless::stomp;
namespace ws = sockless::ws;
using sockless::bytes;
using sockless::instant;

namespace {

// Stands for a socket: what was sent comes back.
template <class Endpoint>
std::string sent_by(Endpoint& endpoint) {
    std::string all;
    for (auto out = endpoint.output(); !out.empty(); out = endpoint.output()) {
        all.append(reinterpret_cast<const char*>(out.data()), out.size());
        endpoint.sent(out.size());
    }
    return all;
}

template <class Server>
void serve(Server& server, std::string& text, instant now) {
    bytes in = sockless::bytes_of(text.data(), text.size());
    while (const auto event = server.next(in)) {
        if (event.kind == ws::kind::request) static_cast<void>(server.accept());
        if (event.kind == ws::kind::message) static_cast<void>(server.send(event.type, event.payload));
    }
    static_cast<void>(server.tick(now));
    text = sent_by(server);
}

template <class Client>
void greet(Client& client, std::string& text, instant now) {
    bytes in = sockless::bytes_of(text.data(), text.size());
    while (const auto event = client.next(in)) {
        if (event.kind == ws::kind::open) static_cast<void>(client.send_text("hello"));
        if (event.kind == ws::kind::message) static_cast<void>(client.close(1000));
    }
    static_cast<void>(client.tick(now));
    text = sent_by(client);
}

template <class Session, class Endpoint>
void serve_messages(Session& session, Endpoint& endpoint, std::string& text, instant now) {
    bytes in = sockless::bytes_of(text.data(), text.size());
    while (const auto event = endpoint.next(in)) {
        if (event.kind == stomp::server_kind::connect) static_cast<void>(session.accept());
        if (event.kind == stomp::server_kind::subscribe) {
            static_cast<void>(session.deliver(event.subscription, {.destination = "/queue/a"}));
        }
    }
    static_cast<void>(endpoint.tick(now));
    text = sent_by(endpoint);
}

template <class Session, class Endpoint>
void use_messages(Session& session, Endpoint& endpoint, std::string& text, instant now) {
    bytes in = sockless::bytes_of(text.data(), text.size());
    while (const auto event = endpoint.next(in)) {
        using kind = stomp::client_kind;
        if (event.kind == kind::connected) {
            static_cast<void>(
                session.subscribe({.id = "1", .destination = "/queue/a", .ack = stomp::ack_mode::client}));
            static_cast<void>(session.begin("t", "r1"));
            static_cast<void>(session.send({.destination = "/queue/a", .transaction = "t", .receipt = "r2"}));
        }
        if (event.kind == kind::message) static_cast<void>(session.ack(event));
    }
    static_cast<void>(endpoint.tick(now));
    text = sent_by(endpoint);
}

} // namespace

int main(int argc, char** argv) {
    const std::string seed(argv[0]);
    std::string there, back;
    ws::server server;
    ws::zlib_server compressing_server;
    stomp::server_session server_session({.heart_beat = {.sends = 100, .wants = 100}});
    stomp::client_session client_session({.heart_beat = {.sends = 100, .wants = 100}});
    stomp::server_connection server_connection;
    if (client_session.connect({.host = "/"})) return 1;
    const auto last = static_cast<instant>(argc) * 1000;
    for (instant now = 0; now < last; now += 100) {
        serve(server, back, now);
        serve(compressing_server, back, now);
        use_messages(client_session, client_session, there, now);
        serve_messages(server_session, server_session, there, now);
        serve_messages(server_connection.session(), server_connection, back, now);
    }
    client_session.shut_down();
    client_session.release_memory();
    stomp::client_session moved(static_cast<stomp::client_session&&>(client_session));
    static_cast<void>(moved.tick(last));
    std::printf("%zu %zu\n", there.size(), sent_by(moved).size());
}
