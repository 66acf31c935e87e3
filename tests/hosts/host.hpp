// How programs host endpoints, without a network: what they do with events, a write that is under way, and a wire.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless/stomp/websocket.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../stomp/scripted.hpp"
#include "../support/wire.hpp"

namespace sockless::test {

using lines = std::vector<std::string>;

inline constexpr instant second = 1000, minute = 60 * second, hour = 60 * minute;
inline constexpr std::size_t kib = 1024, mib = 1024 * kib;

// --- between an endpoint and its peer

/// A write as a proactor makes it (io_uring, IOCP): it gets a span of the endpoint's output, reads from there whenever
/// it likes, and tells later how much has left. Meanwhile the endpoint goes on, and the span must stay as it is.
class write_under_way {
  public:
    [[nodiscard]] bool is_begun() const { return !span_.empty(); }

    /// Begins a write of at most `most` bytes from the front of `output`; of none if it is empty.
    void begin(cbytes output, std::size_t most = SIZE_MAX) {
        span_ = output.first(std::min(output.size(), most));
        copy_.assign(span_.begin(), span_.end());
        read_ = 0;
    }

    /// Whether the output still begins at the same place as the write, and shows no less. Does not look at the bytes.
    [[nodiscard]] bool is_in_place(cbytes output) const {
        return !is_begun() || (output.data() == span_.data() && output.size() >= span_.size());
    }

    /// Whether besides the bytes are still those that the write began with. If their memory was freed, the address
    /// sanitizer says so here.
    [[nodiscard]] bool is_as_it_was(cbytes output) const {
        return is_in_place(output) && (!is_begun() || std::memcmp(span_.data(), copy_.data(), span_.size()) == 0);
    }

    /// The system reads at most `most` bytes more: these are on the wire now.
    [[nodiscard]] cbytes read(std::size_t most = SIZE_MAX) {
        const std::size_t size = std::min(most, span_.size() - read_);
        const cbytes part = span_.subspan(read_, size);
        if (size != 0) REQUIRE(std::memcmp(part.data(), copy_.data() + read_, size) == 0);
        read_ += size;
        return part;
    }

    /// The system tells that the bytes that it has read have left. They may be fewer than it was given; then the rest
    /// stays in place. A write that `continues` goes on with the rest; else the next one begins with the front of the
    /// output.
    template <class Endpoint>
    void complete(Endpoint& of, bool continues = false) {
        if (read_ == 0) return;
        REQUIRE(is_as_it_was(of.output()));
        of.sent(read_);
        span_ = span_.subspan(read_);
        copy_.erase(copy_.begin(), copy_.begin() + static_cast<std::ptrdiff_t>(read_));
        read_ = 0;
        REQUIRE(is_as_it_was(of.output()));
        if (!continues) span_ = {};
    }

  private:
    cbytes span_{};
    buffer copy_{};
    std::size_t read_ = 0;
};

/// One direction of a TCP connection. Bytes come out in the order in which they went in, in pieces of any size.
class wire {
  public:
    [[nodiscard]] bool is_empty() const { return bytes_.size() == begin_; }

    void carry(cbytes data) { bytes_.insert(bytes_.end(), data.begin(), data.end()); }

    /// Calls `hear` with at most `most` bytes, if there are any. Their memory has exactly their size, and is freed
    /// afterwards.
    template <class Hear>
    void deliver(std::size_t most, Hear hear) {
        const std::size_t size = std::min(most, bytes_.size() - begin_);
        if (size == 0) return;
        const std::unique_ptr<std::byte[]> piece(new std::byte[size]);
        std::memcpy(piece.get(), bytes_.data() + begin_, size);
        begin_ += size;
        if (begin_ > bytes_.size() / 2) {
            bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(begin_));
            begin_ = 0;
        }
        hear(bytes(piece.get(), size));
    }

  private:
    buffer bytes_{};
    std::size_t begin_ = 0;
};

// --- programs: each has an endpoint and handles its events; all have the same verbs

/// A program with a WebSocket. It keeps what it hears.
template <class Peer>
class websocket_program {
  public:
    explicit websocket_program(Peer with) : peer(static_cast<Peer&&>(with)) {}

    Peer peer;
    bool echoes = false; ///< whether each message is sent back
    lines heard{};       ///< messages
    lines ponged{};      ///< the payloads of Pongs
    lines told{};        ///< how it ended

    [[nodiscard]] cbytes output() const { return peer.output(); }
    void sent(std::size_t size) { peer.sent(size); }
    [[nodiscard]] bool done() const { return peer.done(); }
    [[nodiscard]] instant next_deadline() const { return peer.next_deadline(); }
    void release_memory() { peer.release_memory(); }

    void hear(bytes in) {
        while (const ws::event found = peer.next(in)) take(found);
        REQUIRE(in.empty());
    }
    void tick(instant now) { take(peer.tick(now)); }
    void finish() { take(peer.finish()); }

  private:
    void take(const ws::event& found) {
        switch (found.kind) {
        case ws::kind::request:
            if constexpr (is_server<Peer>) REQUIRE_FALSE(peer.accept());
            break;
        case ws::kind::message: take_message(found.type, std::string(found.text())); break;
        case ws::kind::piece:
            if (found.first) piece_.clear();
            piece_ += found.text();
            if (found.last) take_message(found.type, std::exchange(piece_, {}));
            break;
        case ws::kind::pong: ponged.emplace_back(found.text()); break;
        case ws::kind::closed: told.push_back(line_of(peer, found)); break;
        default: break;
        }
    }

    void take_message(ws::message_type type, std::string&& message) {
        if (echoes) REQUIRE_FALSE(peer.send(type, bytes_of(std::string_view(message))));
        heard.push_back(static_cast<std::string&&>(message));
    }

    std::string piece_{};
};

/// A program with a STOMP session. A server accepts the client; a client that is connected subscribes to everything,
/// and acknowledges what it gets as soon as there is room for that.
template <class Session>
class stomp_program {
  public:
    using event = decltype(std::declval<Session&>().tick(0));
    static constexpr bool is_server = is_server_session<Session>;

    explicit stomp_program(Session with) : session(static_cast<Session&&>(with)) {}

    Session session;
    std::uint32_t subscription = 0; ///< server: that of its client
    lines heard{};                  ///< the bodies of SENDs or MESSAGEs
    lines receipts{};               ///< client: that came
    lines told{};                   ///< how it ended

    [[nodiscard]] cbytes output() const { return session.output(); }
    void sent(std::size_t size) {
        session.sent(size);
        acknowledge();
        if (!left_.empty()) hear({});
    }
    [[nodiscard]] bool done() const { return session.done(); }
    [[nodiscard]] instant next_deadline() const { return session.next_deadline(); }
    void release_memory() { session.release_memory(); }
    [[nodiscard]] bool owes_acknowledgements() const { return !owed_.empty(); }

    // If a session takes no input, because a RECEIPT has no room, it gets the input again when something was sent.
    void hear(bytes in) {
        buffer held;
        if (!left_.empty()) {
            held = joined(left_, cbytes(in));
            in = held;
        }
        while (const event found = session.next(in)) take(found);
        REQUIRE((in.empty() || session.waiting() != 0));
        left_ = buffer(in.begin(), in.end());
    }
    void tick(instant now) { take(session.tick(now)); }
    void finish() { take(session.finish()); }

  private:
    void take(const stomp::server_event& found) {
        switch (found.kind) {
        case stomp::server_kind::connect: REQUIRE_FALSE(session.accept()); break;
        case stomp::server_kind::subscribe: subscription = found.subscription; break;
        case stomp::server_kind::send: heard.emplace_back(found.text()); break;
        case stomp::server_kind::disconnect: told.emplace_back("disconnect"); break;
        case stomp::server_kind::closed: told.emplace_back("closed"); break;
        case stomp::server_kind::lost: told.push_back("lost " + std::string(found.error.name())); break;
        default: break;
        }
    }

    void take(const stomp::client_event& found) {
        switch (found.kind) {
        case stomp::client_kind::connected:
            REQUIRE_FALSE(
                session.subscribe({.id = "1", .destination = "/all", .ack = stomp::ack_mode::client_individual}));
            break;
        case stomp::client_kind::message:
            heard.emplace_back(found.text());
            owed_.emplace_back(found.ack);
            acknowledge();
            break;
        case stomp::client_kind::receipt: receipts.emplace_back(found.receipt_id); break;
        case stomp::client_kind::error: told.push_back("error " + std::string(found.message)); break;
        case stomp::client_kind::closed: told.emplace_back("closed"); break;
        case stomp::client_kind::lost: told.push_back("lost " + std::string(found.error.name())); break;
        default: break;
        }
    }

    void acknowledge() {
        if constexpr (!is_server) {
            while (!owed_.empty() && !session.ack({.id = owed_.front()})) owed_.erase(owed_.begin());
        }
    }

    lines owed_{};
    buffer left_{};
};

/// A STOMP session over a WebSocket, for a `stomp_program`. `Connection` is a `stomp::over_websocket`. A server accepts
/// every request.
template <class Connection>
class carried_session {
  public:
    using event = typename Connection::event;

    explicit carried_session(Connection with) : connection(static_cast<Connection&&>(with)) {}

    Connection connection;
    lines carrier_told{}; ///< how the WebSocket ended

    [[nodiscard]] event next(bytes& in) { return note(connection.next(in)); }
    [[nodiscard]] event tick(instant now) { return note(connection.tick(now)); }
    [[nodiscard]] event finish() { return note(connection.finish()); }
    [[nodiscard]] cbytes output() const { return connection.output(); }
    [[nodiscard]] std::size_t waiting() const { return connection.waiting(); }
    void sent(std::size_t size) { connection.sent(size); }
    [[nodiscard]] instant next_deadline() const { return connection.next_deadline(); }
    [[nodiscard]] bool done() const { return connection.done(); }
    void release_memory() { connection.release_memory(); }

    [[nodiscard]] bool is_open() const { return connection.session().is_open(); }
    [[nodiscard]] std::size_t unacknowledged() const requires is_server_session<typename Connection::session_type> {
        return connection.session().unacknowledged();
    }
    [[nodiscard]] error accept() { return connection.session().accept(); }
    [[nodiscard]] stomp::delivered deliver(std::uint32_t to, const stomp::message_frame& message) {
        return connection.session().deliver(to, message);
    }
    [[nodiscard]] error subscribe(const stomp::subscribe_frame& frame) { return connection.session().subscribe(frame); }
    [[nodiscard]] error send(const stomp::send_frame& frame) { return connection.session().send(frame); }
    [[nodiscard]] error ack(const stomp::ack_frame& frame) { return connection.session().ack(frame); }
    [[nodiscard]] error disconnect() { return connection.session().disconnect(); }

  private:
    event note(event found) {
        if constexpr (is_server_session<typename Connection::session_type>) {
            if (found.web_socket.kind == ws::kind::request) {
                auto& peer = connection.web_socket();
                REQUIRE_FALSE(
                    peer.accept({.subprotocol = ws::choose_subprotocol(stomp::subprotocols, peer.head().fields)}));
            }
        }
        if (found.web_socket.kind == ws::kind::closed) {
            carrier_told.push_back(line_of(connection.web_socket(), found.web_socket));
        }
        return found;
    }
};

} // namespace sockless::test
