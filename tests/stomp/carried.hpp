// Sessions that are carried by something, without a network.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless/stomp/connection.hpp>

#include <algorithm>

#include "scripted.hpp"

namespace sockless::test {

/// One line about what a connection has found: the session's part, and that of the WebSocket.
template <class Connection>
std::string line_of_carried(const Connection& peer, const typename Connection::event& event) {
    std::string line;
    if (event.kind != Connection::kind::need_input) line = line_of(peer.session(), event);
    if (!event.web_socket) return line;
    if (!line.empty()) line += " | ";
    line += "ws " + std::string(name_of(event.web_socket.kind));
    if (event.web_socket.code != 0) line += " " + std::to_string(event.web_socket.code);
    if (event.web_socket.clean) line += " clean";
    if (event.web_socket.error) line += " " + std::string(event.web_socket.error.name());
    if (!event.web_socket.payload.empty()) line += ": " + std::string(event.web_socket.text());
    return line;
}

/// A connection whose peer is a script: bytes go in, events are written down as they come, and with them what it sends.
template <class Connection>
class scripted_connection {
  public:
    using event = typename Connection::event;
    using reaction = std::function<void(Connection&, const event&)>;

    explicit scripted_connection(Connection made, reaction how = {})
        : peer(static_cast<Connection&&>(made)), react(static_cast<reaction&&>(how)) {}

    Connection peer;
    reaction react;
    std::vector<std::string> log{}; ///< a line an event
    buffer sent{};                  ///< all that has left the output
    std::string complaint{};        ///< what no connection may do, if it did that
    buffer left{};                  ///< what it has not taken yet
    bool drains = true;             ///< whether its output is taken after every event

    /// Gives it a piece of input in memory of exactly its size, which is overwritten afterwards.
    void feed(cbytes piece) {
        const std::size_t size = left.size() + piece.size();
        const std::unique_ptr<std::byte[]> copy(new std::byte[size + 1]);
        std::copy(left.begin(), left.end(), copy.get());
        std::copy(piece.begin(), piece.end(), copy.get() + left.size());
        bytes in(copy.get(), size);
        const std::byte* const end = copy.get() + size;
        std::size_t events = 0;
        while (const event found = peer.next(in)) {
            if (in.data() + in.size() != end) complain("not taken from the front");
            if (++events > size + 10) return complain("more events than bytes");
            note(found);
        }
        if (in.data() + in.size() != end) complain("not taken from the front");
        left.assign(in.begin(), in.end());
        std::fill_n(copy.get(), size, std::byte{'#'});
        if (drains) drain();
    }
    void feed(std::string_view text) { feed(bytes_of(text)); }
    void feed(const buffer& piece) { feed(cbytes(piece)); }

    void tick(instant now) { note(peer.tick(now)); }
    void finish() { note(peer.finish()); }

    void drain(std::size_t most = SIZE_MAX) {
        while (most != 0 && !peer.output().empty()) {
            const cbytes out = peer.output().first(std::min(peer.output().size(), most));
            sent.insert(sent.end(), out.begin(), out.end());
            most -= out.size();
            peer.sent(out.size());
        }
    }

    buffer take_sent() {
        drain();
        buffer taken;
        taken.swap(sent);
        return taken;
    }
    std::vector<std::string> take_log() {
        std::vector<std::string> taken;
        taken.swap(log);
        return taken;
    }

    /// The messages that were sent since the last time: `t` or `b`, a blank, the text; a Close as its code and reason.
    std::vector<std::string> take_messages() {
        std::vector<std::string> messages;
        for (const seen_frame& each : frames_in(take_sent())) {
            if (each.is_close()) {
                messages.push_back("close " + std::to_string(each.close_code()) + " " +
                                   std::string(each.text().substr(std::min<std::size_t>(2, each.text().size()))));
            } else {
                const std::string type = each.first == 0x81 ? "t " : each.first == 0x82 ? "b " : "? ";
                messages.push_back(type + std::string(each.text()));
            }
        }
        return messages;
    }

  private:
    void complain(const char* what) {
        if (complaint.empty()) complaint = what;
    }

    void note(const event& found) {
        if (!found) return;
        log.push_back(line_of_carried(peer, found));
        if (react) {
            react(peer, found);
        } else if constexpr (is_server_session<std::remove_cvref_t<decltype(peer.session())>>) {
            if (found.kind == stomp::server_kind::connect && peer.session().accept()) complain("accept failed");
        }
        if (drains) drain();
    }
};

using server_connection_run = scripted_connection<stomp::server_connection>;
using client_connection_run = scripted_connection<stomp::client_connection>;

/// Frames of STOMP as messages of a client's or a server's WebSocket.
template <class... Frame>
buffer messages_from(role from, const Frame&... frames) {
    buffer out;
    const auto add = [&](std::string_view text) {
        const buffer made = frame(from, is_utf8(bytes_of(text)) ? 0x81 : 0x82, text);
        out.insert(out.end(), made.begin(), made.end());
    };
    (add(frames), ...);
    return out;
}

/// The way of every frame of a session between two connections, cut at random, until neither has anything to send.
template <class A, class B>
void converse(scripted_connection<A>& a, scripted_connection<B>& b, std::mt19937_64& random, bool whole = false) {
    const auto carry = [&](auto& from, auto& to) {
        const std::size_t size = from.peer.output().size();
        if (size == 0) return false;
        const std::size_t most = random() % 2 == 0 ? 9 : 5000;
        const std::size_t taken = whole ? size : std::min(size, 1 + static_cast<std::size_t>(random()) % most);
        const cbytes out = from.peer.output().first(taken);
        const buffer piece(out.begin(), out.end());
        from.peer.sent(taken);
        to.feed(piece);
        from.feed("");
        return true;
    };
    a.drains = b.drains = false;
    for (bool busy = true; busy;) {
        busy = carry(a, b);
        busy = carry(b, a) || busy;
    }
}

} // namespace sockless::test
