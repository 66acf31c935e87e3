// Either end of a WebSocket, for tests/interop/run: a line of standard input is a command, a line of output an event.
// SPDX-License-Identifier: MIT
//
//   sockless-interop-peer server [deflate WORD…]    one connection after the other, on a port that it prints
//   sockless-interop-peer client [deflate WORD…]
//
// With `deflate` it agrees to, or offers, permessage-deflate; each WORD is a parameter that it wants, NAME or NAME=N,
// or threshold=BYTES.
//
// Commands are words; HEX is any number of bytes in hexadecimal, `-` for none.
//   client:     connect PORT TARGET [subprotocol=NAME]… [extensions=HEX] [field=NAME:HEX]…
//   at request: accept [subprotocol=NAME]… [field=NAME:HEX]…      (subprotocols in the server's order of preference)
//               reject STATUS [field=NAME:HEX]… [body=HEX]
//   when open:  text HEX [BYTES] | binary HEX [BYTES]       (repeated until it has so many bytes)
//               fragments text|binary HEX… | ping HEX | pong HEX | close [CODE [HEX]]
//   any time:   drop                                        (ends the TCP connection without a Close)
// Every connection ends with the event `closed`, when its TCP connection has ended.

#include "lines.hpp"

#include <sockless/ws/client.hpp>
#include <sockless/ws/deflate/zlib.hpp>
#include <sockless/ws/server.hpp>

#include <optional>

#include <sys/random.h>

namespace {

namespace ws = sockless::ws;
using sockless::bytes;
using sockless::cbytes;

// --- Events in JSON --------------------------------------------------------------------------------------------------

std::string json_of(const sockless::http::fields& fields) {
    std::string found;
    for (const auto& [name, value] : fields) {
        found += (found.empty() ? "[" : ",[") + quoted(name) + ',' + quoted(value) + ']';
    }
    return '[' + found + ']';
}

void print_error(sockless::error error) {
    if (error) print("error", ",\"error\":" + quoted(error.name()));
}

// --- Commands --------------------------------------------------------------------------------------------------------

/// The values of the words `subprotocol=NAME`, `extensions=HEX`, `field=NAME:HEX` and `body=HEX` of a command.
struct settings {
    explicit settings(const words& command) {
        for (const std::string_view word : command) {
            const std::size_t equals = std::min(word.find('='), word.size());
            const std::string_view name = word.substr(0, equals);
            const std::string_view value = word.substr(std::min(equals + 1, word.size()));
            const std::size_t colon = std::min(value.find(':'), value.size());
            if (name == "subprotocol") subprotocols.push_back(value);
            if (name == "body") body = from_hex(value);
            if (name == "extensions") extensions = from_hex(value);
            if (name == "field") {
                values.push_back(from_hex(value.substr(std::min(colon + 1, value.size()))));
                fields.push_back({value.substr(0, colon), values.back()});
            }
        }
    }

    words subprotocols;
    std::vector<sockless::field> fields;
    std::deque<std::string> values;
    std::string body;
    std::string extensions;
};

/// The options in the arguments behind `deflate`.
ws::deflate_policy policy_of(const words& all) {
    ws::deflate_policy policy;
    ws::deflate_parameters& wanted = policy.wanted;
    for (const std::string_view word : all) {
        const std::size_t equals = std::min(word.find('='), word.size());
        const std::string_view name = word.substr(0, equals);
        const std::size_t value = number(word.substr(std::min(equals + 1, word.size())));
        if (name == "server_no_context_takeover") wanted.server_no_context_takeover = true;
        if (name == "client_no_context_takeover") wanted.client_no_context_takeover = true;
        if (name == "server_max_window_bits") wanted.server_max_window_bits = static_cast<std::uint8_t>(value);
        if (name == "client_max_window_bits") wanted.client_max_window_bits = static_cast<std::uint8_t>(value);
        if (name == "threshold") policy.threshold = policy.threshold_without_takeover = value;
    }
    return policy;
}

// --- One connection --------------------------------------------------------------------------------------------------

/// Moves bytes between a socket and `Peer`, commands to it, and events from it to standard output.
template <class Peer>
class session {
  public:
    session(int socket, Peer& peer, commands& from) : socket_(socket), peer_(peer), commands_(from) {
        ::fcntl(socket_, F_SETFL, O_NONBLOCK);
    }

    void run() {
        do {
            report(peer_.tick(now()));
            send_output();
            if (!going_ || peer_.done()) break;
            wait();
            std::string line;
            while (commands_.next(line)) obey(split(line));
            receive();
        } while (going_);
        end();
    }

  private:
    void wait() {
        const short reading = in_.empty() && !input_ended_ ? POLLIN : 0;
        const short writing = peer_.output().empty() ? 0 : POLLOUT;
        pollfd files[] = {{STDIN_FILENO, POLLIN, 0}, {socket_, static_cast<short>(reading | writing), 0}};
        const sockless::instant until = peer_.next_deadline();
        const sockless::instant left = until > now() ? until - now() : 0;
        ::poll(files, 2, static_cast<int>(std::min<sockless::instant>(left, 1000)));
        if (files[0].revents != 0) commands_.read();
    }

    void receive() {
        if (in_.empty() && !input_ended_) {
            const ssize_t size = ::recv(socket_, buffer_, sizeof buffer_, 0);
            if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
            if (size < 0) going_ = false;
            if (size <= 0) {
                input_ended_ = true;
                return report(peer_.finish());
            }
            in_ = {buffer_, static_cast<std::size_t>(size)};
        }
        while (const ws::event event = peer_.next(in_)) report(event);
    }

    void send_output() {
        while (!peer_.output().empty()) {
            const cbytes out = peer_.output();
            const ssize_t size = ::send(socket_, out.data(), out.size(), MSG_NOSIGNAL);
            if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
            if (size < 0) {
                going_ = false;
                return report(peer_.finish());
            }
            peer_.sent(static_cast<std::size_t>(size));
        }
    }

    void report(const ws::event& event) {
        switch (event.kind) {
        case ws::kind::need_input: break;
        case ws::kind::request:
        case ws::kind::http_request:
            if constexpr (is_server) {
                print("request", ",\"target\":" + quoted(peer_.request().target) + ",\"origin\":" +
                                     quoted(peer_.request().origin) + ",\"fields\":" + json_of(peer_.head().fields));
            }
            break;
        case ws::kind::open:
            if constexpr (!is_server) {
                print("open", ",\"subprotocol\":" + quoted(peer_.subprotocol()) +
                                  ",\"fields\":" + json_of(peer_.response().fields));
            }
            break;
        case ws::kind::refused:
            if constexpr (!is_server) {
                refusal_ = ",\"status\":" + std::to_string(event.code) +
                           ",\"fields\":" + json_of(peer_.response().fields) + ",\"hex\":\"";
            }
            break;
        case ws::kind::body: refusal_ += to_hex(event.payload); break;
        case ws::kind::message: {
            const auto digest = sockless::detail::sha1(sockless::text_of(event.payload));
            print("message", std::string(",\"type\":") +
                                 (event.type == ws::message_type::text ? "\"text\"" : "\"binary\"") +
                                 ",\"bytes\":" + std::to_string(event.payload.size()) + ",\"sha1\":\"" +
                                 to_hex(digest) + "\",\"compressed\":" + (event.compressed ? "true" : "false"));
            break;
        }
        case ws::kind::ping: print("ping", ",\"hex\":\"" + to_hex(event.payload) + '"'); break;
        case ws::kind::pong: print("pong", ",\"hex\":\"" + to_hex(event.payload) + '"'); break;
        case ws::kind::piece:
        case ws::kind::frame: break;
        case ws::kind::closed:
            if (!refusal_.empty()) print("refused", refusal_ + '"');
            closed_ = ",\"code\":" + std::to_string(event.code) + ",\"reason\":\"" + to_hex(event.payload) +
                      "\",\"clean\":" + (event.clean ? "true" : "false") + ",\"error\":" + quoted(event.error.name());
            break;
        }
    }

    void obey(const words& command) {
        const std::string_view verb = command.at(0);
        const std::string_view argument = command.size() > 1 ? command[1] : "-";
        const std::string payload = from_hex(argument);
        if (verb == "drop")
            going_ = false;
        else if (verb == "text")
            print_error(peer_.send_text(repeated(payload, command)));
        else if (verb == "binary")
            print_error(peer_.send(ws::message_type::binary, sockless::bytes_of(repeated(payload, command))));
        else if (verb == "fragments")
            send_fragments(command);
        else if (verb == "ping")
            print_error(peer_.ping(sockless::bytes_of(payload)));
        else if (verb == "pong")
            print_error(peer_.pong(sockless::bytes_of(payload)));
        else if (verb == "close")
            close(command);
        else
            answer(command);
    }

    void answer(const words& command) {
        if constexpr (is_server) {
            const settings how(command);
            if (command[0] == "accept") {
                const auto subprotocol = ws::choose_subprotocol(how.subprotocols, peer_.head().fields);
                const sockless::error refused = peer_.accept({.subprotocol = subprotocol, .fields = how.fields});
                print_error(refused);
                if (!refused) print("open", ",\"subprotocol\":" + quoted(subprotocol));
            } else if (command[0] == "reject") {
                const auto status = static_cast<std::uint16_t>(number(command.at(1)));
                print_error(peer_.refuse({.status = status, .fields = how.fields, .body = how.body}));
            }
        }
    }

    static std::string repeated(const std::string& payload, const words& command) {
        if (command.size() < 3) return payload;
        std::string found;
        while (found.size() < number(command[2])) found += payload;
        found.resize(number(command[2]));
        return found;
    }

    void send_fragments(const words& command) {
        const auto type = command.at(1) == "text" ? ws::message_type::text : ws::message_type::binary;
        for (std::size_t i = 2; i != command.size(); ++i) {
            const std::string payload = from_hex(command[i]);
            print_error(peer_.send_piece(type, sockless::bytes_of(payload), i + 1 == command.size()));
        }
    }

    void close(const words& command) {
        const std::size_t code = command.size() > 1 ? number(command[1]) : ws::close_code::no_status;
        const std::string reason = command.size() > 2 ? from_hex(command[2]) : "";
        print_error(peer_.close(static_cast<std::uint16_t>(code), reason));
    }

    // The bytes that the other side still sends are read for a while: a connection that is closed with unread input is
    // reset, and the last bytes sent may then never be read (RFC 6455 section 7.1.1).
    void end() {
        const bool by_peer = input_ended_;
        if (going_) {
            ::shutdown(socket_, SHUT_WR);
            const sockless::instant until = now() + 2000;
            while (!input_ended_ && now() < until) {
                pollfd file{socket_, POLLIN, 0};
                ::poll(&file, 1, 100);
                const ssize_t size = ::recv(socket_, buffer_, sizeof buffer_, 0);
                input_ended_ = size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR);
            }
        }
        ::close(socket_);
        print("closed", closed_ + ",\"ended_by\":" + (by_peer ? "\"peer\"" : "\"us\""));
    }

    static constexpr bool is_server = requires(Peer peer) { peer.head(); };

    int socket_;
    Peer& peer_;
    commands& commands_;
    std::byte buffer_[65536];
    bytes in_{};
    bool input_ended_ = false;
    bool going_ = true;
    std::string refusal_;
    std::string closed_ = ",\"code\":0,\"reason\":\"\",\"clean\":false,\"error\":\"none\"";
};

// --- Both ends -------------------------------------------------------------------------------------------------------

/// How to make an endpoint: one that cannot compress, or one that can.
using compression = std::optional<ws::deflate_policy>;

void serve(const compression& deflate, commands& from) {
    const int listener = listen_somewhere();
    for (;;) {
        pollfd files[] = {{STDIN_FILENO, POLLIN, 0}, {listener, POLLIN, 0}};
        ::poll(files, 2, -1);
        if (files[0].revents != 0) from.read();
        if (files[1].revents == 0) continue;
        const int socket = ::accept(listener, nullptr, nullptr);
        if (socket < 0) give_up("accept");
        if (deflate) {
            ws::zlib_server peer({}, ws::zlib_compression(*deflate));
            session(socket, peer, from).run();
        } else {
            ws::server peer;
            session(socket, peer, from).run();
        }
    }
}

template <class Client>
void open(Client&& peer, const words& command, commands& from) {
    const int socket = connected_to(number(command.at(1)));
    const settings how(command);
    const std::string host = "127.0.0.1:" + std::string(command[1]);
    print_error(peer.request({.host = host,
                              .target = command.at(2),
                              .subprotocols = how.subprotocols,
                              .extensions = how.extensions,
                              .fields = how.fields}));
    session(socket, peer, from).run();
}

void connect(const words& command, const compression& deflate, commands& from) {
    ws::entropy::seed seed;
    if (::getentropy(seed.data(), seed.size()) != 0) give_up("getentropy");
    if (deflate) {
        open(ws::zlib_client(ws::entropy(seed), {}, ws::zlib_compression(*deflate)), command, from);
    } else {
        open(ws::client(ws::entropy(seed)), command, from);
    }
}

} // namespace

int main(int count, char** arguments) {
    const words all(arguments, arguments + count);
    compression deflate;
    if (count > 2 && all[2] == "deflate") deflate = policy_of(all);
    commands from;
    if (count > 1 && all[1] == "server") serve(deflate, from);
    for (std::string line;;) {
        while (!from.next(line)) from.read();
        connect(split(line), deflate, from);
    }
}
