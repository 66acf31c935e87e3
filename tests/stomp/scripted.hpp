// STOMP sessions without a network: a scripted peer that writes raw frames, and what both ends have in common.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless/stomp/client_session.hpp>
#include <sockless/stomp/server_session.hpp>

#include <doctest/doctest.h>

#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../support/wire.hpp"

namespace sockless::test {

// --- what stands on the wire, written and read without the library

/// Frames: what is given, each with its NUL.
template <class... Text>
std::string framed(const Text&... frames) {
    std::string out;
    ((out.append(std::string_view(frames)), out += '\0'), ...);
    return out;
}

/// The frames and heart-beats of a stream, each as it stands there, without its NUL; throws if it ends inside one.
inline std::vector<std::string> stomp_frames_in(std::string_view stream) {
    std::vector<std::string> found;
    while (!stream.empty()) {
        const std::size_t head = stream.front() == '\n' ? 0 : stream.find("\n\n") + 2;
        std::size_t end = head;
        if (stream.front() == '\n') {
            end = 1;
        } else {
            if (head < 2) throw std::invalid_argument("half a head");
            const std::size_t length = stream.substr(0, head).find("\ncontent-length:");
            end = length == std::string_view::npos ? stream.find('\0', head)
                                                   : head + std::stoul(std::string(stream.substr(length + 16, 20)));
            if (end >= stream.size() || stream[end] != '\0') throw std::invalid_argument("half a frame");
        }
        found.emplace_back(stream.substr(0, end));
        stream.remove_prefix(stream.front() == '\n' ? end : end + 1);
    }
    return found;
}

/// A text, and the place in it that a `^` has marked.
struct marked_text {
    explicit marked_text(std::string from) : text(std::move(from)), place(text.find('^')) {
        if (place == std::string::npos) throw std::invalid_argument("no place");
        text.erase(place, 1);
    }

    std::string text;
    std::size_t place;
};

/// The first frame of a client, and the answer of a server; `more` are header lines with their ends.
inline std::string connect_text(std::string_view versions = "1.2", std::string_view more = {}) {
    return framed("CONNECT\naccept-version:" + std::string(versions) + "\nhost:h\n" + std::string(more) + "\n");
}
inline std::string connected_text(std::string_view version = "1.2", std::string_view more = {}) {
    return framed("CONNECTED\nversion:" + std::string(version) + "\n" + std::string(more) + "\n");
}

// --- events as lines

/// A name with its value, if there is one.
inline std::string named_value(std::string_view name, std::string_view value) {
    return value.empty() ? "" : " " + std::string(name) + "=" + std::string(value);
}

template <class Session>
std::string line_of(const Session& peer, const stomp::server_event& event) {
    std::string line(name_of(event.kind));
    if (event.subscription != 0) line += " #" + std::to_string(event.subscription);
    if (event.number != 0) line += " message=" + std::to_string(event.number);
    if (event.cumulative) line += " cumulative";
    const bool answers = event.kind == stomp::server_kind::ack || event.kind == stomp::server_kind::nack ||
                         event.kind == stomp::server_kind::late_ack;
    line += named_value("host", event.host) + named_value("login", event.login) +
            named_value("passcode", event.passcode) + named_value("id", answers ? "" : event.id) +
            named_value("destination", event.destination) + named_value("type", event.content_type) +
            named_value("transaction", event.transaction) + named_value("receipt", event.receipt);
    if (event.kind == stomp::server_kind::subscribe) line += " " + std::string(text_of(event.ack));
    if (event.kind == stomp::server_kind::lost) {
        line += " " + std::string(event.error.name()) + " @" + std::to_string(peer.offset());
    }
    return line + (event.body.empty() ? "" : ": " + std::string(event.text()));
}

template <class Session>
std::string line_of(const Session& peer, const stomp::client_event& event) {
    std::string line(name_of(event.kind));
    line += named_value("server", event.server) + named_value("session", event.session) +
            named_value("subscription", event.subscription) + named_value("message-id", event.message_id) +
            named_value("destination", event.destination) + named_value("ack", event.ack) +
            named_value("type", event.content_type) + named_value("receipt-id", event.receipt_id) +
            named_value("message", event.message);
    if (event.kind == stomp::client_kind::lost) {
        line += " " + std::string(event.error.name()) + " @" + std::to_string(peer.offset());
    }
    return line + (event.body.empty() ? "" : ": " + std::string(event.text()));
}

/// All headers of a frame, in their order.
inline std::vector<std::string> lines_of(const stomp::headers& headers) {
    std::vector<std::string> out;
    for (const stomp::header& each : headers) out.push_back(std::string(each.name) + ":" + std::string(each.value));
    return out;
}

/// The elements of a range of names.
template <class Range>
std::vector<std::string> names_in(const Range& range) {
    std::vector<std::string> out;
    for (const std::string_view each : range) out.emplace_back(each);
    return out;
}

// --- sessions

template <class Session>
inline constexpr bool is_server_session = requires(const Session& session) {
    session.unacknowledged();
};

/// Takes all of its output, which may be shown in parts.
template <class Session>
void send_all(Session& peer) {
    while (!peer.output().empty()) peer.sent(peer.output().size());
}
template <class Session>
std::string take_output(Session& peer) {
    std::string all;
    while (!peer.output().empty()) {
        all += text_of(peer.output());
        peer.sent(peer.output().size());
    }
    return all;
}

/// A session whose peer is a script: bytes go in, events are written down as they come, and with them what it sends.
template <class Session>
class scripted_session {
  public:
    using event = decltype(std::declval<Session&>().tick(0));

    /// The reaction of the caller of the session to an event. By default a server accepts.
    using reaction = std::function<void(Session&, const event&)>;

    explicit scripted_session(Session made, reaction how = {})
        : peer(static_cast<Session&&>(made)), react(static_cast<reaction&&>(how)) {}

    Session peer;
    reaction react;
    std::vector<std::string> log{}; ///< a line an event
    std::string sent{};             ///< all that has left the output
    std::string complaint{};        ///< what no session may do, if it did that
    std::string left{};             ///< what `feed` could not give to it: a CONNECT or a RECEIPT waits
    bool drains = true;             ///< whether its output is taken after every event
    bool shows_headers = false;     ///< whether a line has all headers too

    /// Gives it a piece of input, which is overwritten afterwards.
    void feed(bytes piece) {
        std::string held;
        if (!left.empty()) {
            held = left + std::string(text_of(piece));
            left.clear();
            piece = bytes_of(held.data(), held.size());
        }
        const bytes whole = piece;
        std::size_t events = 0;
        while (const event found = peer.next(piece)) {
            if (piece.data() + piece.size() != whole.data() + whole.size()) complain("not taken from the front");
            if (++events > whole.size() + 2) {
                complain("more events than bytes");
                break;
            }
            note(found);
        }
        left.assign(text_of(piece));
        const bool may_wait = peer.state() == stomp::state::connecting || peer.waiting() != 0;
        if (!left.empty() && (!is_server_session<Session> || !may_wait)) {
            complain("no event before the input was used up");
        }
        for (std::byte& each : whole) each = std::byte{'#'};
        if (drains) drain();
    }

    /// The same with a copy in memory of exactly its size.
    void feed(std::string_view text) {
        const std::unique_ptr<std::byte[]> copy(new std::byte[text.size() + (text.empty() ? 1 : 0)]);
        if (!text.empty()) std::memcpy(copy.get(), text.data(), text.size());
        feed(bytes(copy.get(), text.size()));
    }

    void tick(instant now) { note(peer.tick(now)); }
    void finish() { note(peer.finish()); }

    /// Takes up to `most` bytes of output.
    void drain(std::size_t most = SIZE_MAX) {
        while (most != 0 && !peer.output().empty()) {
            const cbytes out = peer.output().first(peer.output().size() < most ? peer.output().size() : most);
            sent += text_of(out);
            most -= out.size();
            peer.sent(out.size());
        }
    }

    /// The frames that were sent since the last time.
    std::vector<std::string> take_frames() {
        drain();
        std::string taken;
        taken.swap(sent);
        return stomp_frames_in(taken);
    }

    /// The log as it stands, emptied.
    std::vector<std::string> take_log() {
        std::vector<std::string> taken;
        taken.swap(log);
        return taken;
    }

  private:
    void complain(const char* what) {
        if (complaint.empty()) complaint = what;
    }

    void note(const event& found) {
        if (!found) return;
        if (ended_) complain("an event after the end");
        using kind = decltype(found.kind);
        ended_ = found.kind == kind::closed || found.kind == kind::lost;
        if (ended_ && peer.state() != stomp::state::closed) complain("the end, and not closed");
        if (found.error != (ended_ ? peer.error() : error{})) complain("the error and that of the event differ");
        log.push_back(line_of(peer, found));
        if (shows_headers) {
            for (const std::string& each : lines_of(found.headers)) log.back() += " {" + each + "}";
        }
        if (react) {
            react(peer, found);
        } else if constexpr (is_server_session<Session>) {
            if (found.kind == kind::connect && peer.accept()) complain("accept failed");
        }
        if (drains) drain();
    }

    bool ended_ = false;
};

using server_run = scripted_session<stomp::server_session>;
using client_run = scripted_session<stomp::client_session>;

// --- what a test is written for once, and holds for both ends

using small_memory = span_buffer<std::byte>;

struct stomp_server_side {
    static constexpr role own = role::server;
    using session = stomp::server_session;
    using small_session = stomp::basic_server_session<small_memory>;

    static session make(const stomp::options& how = {}) { return session(how); }
    static small_session make_small(bytes input, bytes output, bytes names, bytes more,
                                    const stomp::options& how = {}) {
        return {small_memory(input), small_memory(output), small_memory(names), small_memory(more), how};
    }
    /// The first bytes of its peer.
    static std::string opening(std::string_view version = "1.2", std::string_view more = {}) {
        return connect_text(version, more);
    }
    /// Something that its peer may send at any time, with this body.
    static std::string frame_with(std::string_view body) {
        return framed("SEND\ndestination:/a\n\n" + std::string(body));
    }
    /// And what it sends of its own accord: makes it send something that is not a heart-beat.
    template <class Session>
    static error say_something(Session& session) {
        return session.receipt("r");
    }
};

struct stomp_client_side {
    static constexpr role own = role::client;
    using session = stomp::client_session;
    using small_session = stomp::basic_client_session<small_memory>;

    static session make(const stomp::options& how = {}) {
        session made(how);
        if (made.connect({.host = "h"})) throw std::logic_error("no CONNECT");
        return made;
    }
    static small_session make_small(bytes input, bytes output, bytes names, bytes, const stomp::options& how = {}) {
        small_session made(small_memory(input), small_memory(output), small_memory(names), how);
        if (made.connect({.host = "h"})) throw std::logic_error("no CONNECT");
        return made;
    }
    static std::string opening(std::string_view version = "1.2", std::string_view more = {}) {
        return connected_text(version, more);
    }
    static std::string frame_with(std::string_view body) {
        return framed("MESSAGE\nsubscription:1\nmessage-id:1\ndestination:/a\n\n" + std::string(body));
    }
    template <class Session>
    static error say_something(Session& session) {
        return session.send({.destination = "/a"});
    }
};

/// A session that is connected, with nothing in its output and nothing in its log.
template <class Session>
scripted_session<Session> connected_by(Session made, const std::string& opening,
                                       typename scripted_session<Session>::reaction react = {}) {
    scripted_session<Session> run(static_cast<Session&&>(made));
    run.feed(opening);
    if (!run.peer.is_open() || !run.complaint.empty()) throw std::logic_error("it did not connect");
    static_cast<void>(run.take_frames());
    static_cast<void>(run.take_log());
    run.react = static_cast<typename scripted_session<Session>::reaction&&>(react);
    return run;
}
template <class Side>
scripted_session<typename Side::session>
connected_run(std::string_view version = "1.2", const stomp::options& how = {},
              typename scripted_session<typename Side::session>::reaction react = {}) {
    return connected_by(Side::make(how), Side::opening(version), static_cast<decltype(react)&&>(react));
}

/// The number of bytes that the opening of such a session takes, which is the offset of the next frame.
template <class Side>
std::size_t begin_of_frames(std::string_view version = "1.2") {
    return Side::opening(version).size();
}

} // namespace sockless::test
