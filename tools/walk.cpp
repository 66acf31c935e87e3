// Does the work that tools/walk counts, and writes down each function that is entered and left on the way.
// SPDX-License-Identifier: MIT
//
// Uses only functions that the library has had for long, so that it compiles against older headers, too: events are
// only tested for being true, as the names of their kinds have changed.
#include <sockless.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#define UNRECORDED __attribute__((no_instrument_function))

namespace {

constexpr std::size_t most_steps = 1U << 20;
std::uintptr_t steps[most_steps]; // the address of a function that is entered; 0 where one is left
std::size_t step_count = 0;
bool recording = false;

UNRECORDED void record(std::uintptr_t step) noexcept {
    if (!recording) return;
    if (step_count == most_steps) std::abort();
    steps[step_count++] = step;
}

} // namespace

// The compiler puts calls of these into each function (-finstrument-functions).
extern "C" {
UNRECORDED void __cyg_profile_func_enter(void* function, void* caller);
UNRECORDED void __cyg_profile_func_exit(void* function, void* caller);
void __cyg_profile_func_enter(void* function, void*) { record(reinterpret_cast<std::uintptr_t>(function)); }
void __cyg_profile_func_exit(void*, void*) { record(0); }
}

namespace {

using namespace std::string_view_literals;
namespace http = sockless::http;
namespace stomp = sockless::stomp;
namespace ws = sockless::ws;

// Ends the program if something else happens than the work that is to be counted.
UNRECORDED void need(bool holds, const char* row, const char* demand) {
    if (holds) return;
    std::fprintf(stderr, "walk.cpp: %s: not so: %s\n", row, demand);
    std::exit(1);
}

// Runs `steps_of_row` and prints "ROW NAME", then a line for each step: an address, or "-".
template <class Steps>
UNRECORDED void row(const char* name, Steps steps_of_row) {
    step_count = 0;
    recording = true;
    steps_of_row();
    recording = false;
    std::printf("ROW %s\n", name);
    for (std::size_t i = 0; i != step_count; ++i) {
        if (steps[i] == 0) {
            std::puts("-");
        } else {
            std::printf("%jx\n", static_cast<std::uintmax_t>(steps[i]));
        }
    }
}

UNRECORDED sockless::bytes writable(std::string& text) {
    return {reinterpret_cast<std::byte*>(text.data()), text.size()};
}

UNRECORDED bool begins(sockless::cbytes data, std::string_view with) {
    return std::string_view(reinterpret_cast<const char*>(data.data()), data.size()).starts_with(with);
}

constexpr std::string_view request = "GET /chat?room=1 HTTP/1.1\r\n"
                                     "Host: server.example.com\r\n"
                                     "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101\r\n"
                                     "Upgrade: websocket\r\n"
                                     "Connection: keep-alive, Upgrade\r\n"
                                     "Origin: http://example.com\r\n"
                                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                     "Sec-WebSocket-Version: 13\r\n"
                                     "\r\n";

// A short frame as a client sends it.
UNRECORDED std::string frame(char first, std::string_view payload) {
    constexpr std::string_view key = "\x37\xFA\x21\x3D";
    std::string out{first, static_cast<char>(0x80 | static_cast<int>(payload.size()))};
    out += key;
    for (std::size_t i = 0; i != payload.size(); ++i) out += static_cast<char>(payload[i] ^ key[i % key.size()]);
    return out;
}

UNRECORDED void read_head() {
    std::string text(request);
    sockless::bytes in = writable(text);
    char memory[512];
    bool found = false;
    row("head", [&] {
        http::head_parser parser({}, sockless::span_buffer<char>(memory)); // {}: of a request
        found = static_cast<bool>(parser.next(in));
    });
    need(found && in.empty(), "head", "a head is found, and nothing is left");
}

UNRECORDED void use_websocket() {
    ws::server server;
    std::string text(request);
    sockless::bytes in = writable(text);
    need(static_cast<bool>(server.next(in)), "accept", "there is a request");
    bool refused = true;
    row("accept", [&] { refused = static_cast<bool>(server.accept()); });
    need(!refused && begins(server.output(), "HTTP/1.1 101 "), "accept", "the request is accepted");
    server.sent(server.output().size());

    // The first message also ends the opening handshake; the second is like all that follow.
    bool found = false;
    text = frame('\x81', "the first message");
    in = writable(text);
    need(static_cast<bool>(server.next(in)) && !server.next(in), "message", "a message came before");
    text = frame('\x81', "a message of some words");
    in = writable(text);
    row("message", [&] { found = static_cast<bool>(server.next(in)); });
    need(found && in.empty() && server.output().empty(), "message", "a message is found, and nothing is left");

    text = frame('\x89', "still there?");
    in = writable(text);
    bool is_pong = false;
    row("ping", [&] {
        found = static_cast<bool>(server.next(in));
        const sockless::cbytes out = server.output();
        is_pong = begins(out, "\x8A\x0Cstill there?");
        server.sent(out.size());
    });
    need(found && in.empty() && is_pong && server.output().empty(), "ping", "a Pong is sent");
}

UNRECORDED void use_stomp() {
    stomp::server_session session;
    std::string text("CONNECT\naccept-version:1.2\nhost:a\n\n\0"sv);
    sockless::bytes in = writable(text);
    need(static_cast<bool>(session.next(in)), "send", "a client connects");
    need(!session.accept() && begins(session.output(), "CONNECTED\n"), "send", "it is accepted");
    session.sent(session.output().size());

    text = "SEND\ndestination:/queue/a\ncontent-type:text/plain\ncontent-length:5\nreceipt:r-1\n\nhello\0"sv;
    in = writable(text);
    bool found = false;
    bool more = true;
    bool is_receipt = false;
    row("send", [&] {
        found = static_cast<bool>(session.next(in));
        more = static_cast<bool>(session.next(in)); // the frame was handled, so the RECEIPT is due
        const sockless::cbytes out = session.output();
        is_receipt = begins(out, "RECEIPT\nreceipt-id:r-1\n");
        session.sent(out.size());
    });
    need(found && in.empty() && !more && is_receipt && session.output().empty(), "send", "a RECEIPT is sent");
}

} // namespace

int main() {
    read_head();
    use_websocket();
    use_stomp();
}
