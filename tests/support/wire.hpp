// Endpoints without a network: a scripted peer that writes raw bytes, and two endpoints back to back.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless/ws/client.hpp>
#include <sockless/ws/server.hpp>

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "split.hpp"

// How a failed comparison shows them.
template <>
struct doctest::StringMaker<sockless::error> {
    static String convert(const sockless::error& what) { return std::string(what.name()).c_str(); }
};
template <>
struct doctest::StringMaker<std::vector<std::string>> {
    static String convert(const std::vector<std::string>& lines) {
        std::string all;
        for (const std::string& line : lines) all += "\n    " + line;
        return all.c_str();
    }
};

namespace sockless::test {

// --- what stands on the wire, written and read without the library

/// The request of RFC 6455 section 1.2, without what it does not need; `more` are field lines with their ends.
inline std::string upgrade_request(std::string_view more = {}, std::string_view target = "/chat") {
    return "GET " + std::string(target) +
           " HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
           std::string(more) + "\r\n";
}

/// The answer to it.
inline std::string upgrade_response(std::string_view more = {}) {
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" +
           std::string(more) + "\r\n";
}

/// A frame: `first` is its first byte, `from` decides whether it is masked.
inline buffer frame(role from, unsigned first, cbytes payload) {
    buffer out{static_cast<std::byte>(first)};
    const unsigned mask_bit = from == role::client ? 0x80 : 0;
    const std::size_t size = payload.size();
    const unsigned more = size <= 125 ? 0 : size <= 0xFFFF ? 2 : 8;
    out.push_back(static_cast<std::byte>(mask_bit | (more == 0 ? static_cast<unsigned>(size) : more == 2 ? 126 : 127)));
    for (unsigned i = more; i-- != 0;) out.push_back(static_cast<std::byte>(std::uint64_t{size} >> (8 * i)));
    const buffer key = octets({0x37, 0xFA, 0x21, 0x3D});
    if (mask_bit != 0) out.insert(out.end(), key.begin(), key.end());
    for (std::size_t i = 0; i != size; ++i) out.push_back(mask_bit != 0 ? payload[i] ^ key[i % 4] : payload[i]);
    return out;
}
inline buffer frame(role from, unsigned first, std::string_view payload = {}) {
    return frame(from, first, bytes_of(payload));
}

/// A Close with a code.
inline buffer close_frame(role from, unsigned code, std::string_view reason = {}) {
    buffer payload = octets({static_cast<int>(code >> 8U), static_cast<int>(code & 255U)});
    for (const char c : reason) payload.push_back(static_cast<std::byte>(c));
    return frame(from, 0x88, payload);
}

/// Several pieces of bytes or text, one behind the other.
template <class... Part>
buffer joined(const Part&... parts) {
    buffer out;
    const auto add = [&](cbytes part) { out.insert(out.end(), part.begin(), part.end()); };
    const auto seen = [](const auto& part) {
        if constexpr (std::is_convertible_v<decltype(part), std::string_view>) {
            return bytes_of(std::string_view(part));
        } else {
            return cbytes(part);
        }
    };
    (add(seen(parts)), ...);
    return out;
}

/// A frame, taken apart again.
struct seen_frame {
    unsigned first = 0;
    bool masked = false;
    std::uint32_t key = 0;
    buffer payload{}; ///< without the mask

    [[nodiscard]] std::string_view text() const { return text_of(payload); }
    [[nodiscard]] bool is_close() const { return first == 0x88; }
    [[nodiscard]] unsigned close_code() const {
        if (payload.size() < 2) return payload.empty() ? 1005 : 1;
        return static_cast<unsigned>(payload[0]) << 8U | static_cast<unsigned>(payload[1]);
    }
};

/// The frames that a stream is made of; throws if it ends inside one.
inline std::vector<seen_frame> frames_in(cbytes stream) {
    std::vector<seen_frame> frames;
    std::size_t at = 0;
    const auto octet = [&]() -> unsigned {
        if (at == stream.size()) throw std::invalid_argument("half a frame");
        return static_cast<unsigned>(stream[at++]);
    };
    while (at != stream.size()) {
        seen_frame found{.first = octet()};
        const unsigned second = octet();
        found.masked = (second & 0x80U) != 0;
        std::uint64_t size = second & 0x7FU;
        if (size >= 126) {
            const unsigned more = size == 126 ? 2 : 8;
            size = 0;
            for (unsigned i = 0; i != more; ++i) size = size << 8U | octet();
        }
        if (found.masked) {
            for (unsigned i = 0; i != 4; ++i) found.key = found.key << 8U | octet();
        }
        for (std::uint64_t i = 0; i != size; ++i) {
            found.payload.push_back(static_cast<std::byte>(octet() ^ (found.key >> (24U - 8U * (i % 4U)) & 255U)));
        }
        frames.push_back(static_cast<seen_frame&&>(found));
    }
    return frames;
}

/// The bytes behind the first head of a stream; throws if it holds no head.
inline cbytes behind_head(cbytes stream) {
    const std::size_t end = text_of(stream).find("\r\n\r\n");
    if (end == std::string_view::npos) throw std::invalid_argument("no head");
    return stream.subspan(end + 4);
}

/// A head, taken apart again, and what stands behind it.
struct seen_head {
    std::string start{};
    std::vector<std::pair<std::string, std::string>> fields{};
    std::string rest{};

    /// The values of all fields of this name, compared as it is written, with a bar between.
    [[nodiscard]] std::string operator[](std::string_view name) const {
        std::string all;
        bool found = false;
        for (const auto& [each, value] : fields) {
            if (each != name) continue;
            all += (found ? "|" : "") + value;
            found = true;
        }
        return found ? all : "(none)";
    }
};

inline seen_head head_in(cbytes stream) {
    std::string_view text = text_of(stream);
    seen_head head;
    for (bool first = true;; first = false) {
        const std::size_t end = text.find("\r\n");
        if (end == std::string_view::npos) throw std::invalid_argument("no head");
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end + 2);
        if (first) {
            head.start = line;
        } else if (line.empty()) {
            head.rest = text;
            return head;
        } else {
            const std::size_t colon = line.find(": ");
            if (colon == std::string_view::npos) throw std::invalid_argument("no colon");
            head.fields.emplace_back(line.substr(0, colon), line.substr(colon + 2));
        }
    }
}

// --- endpoints

/// Gives a client the nonce of RFC 6455 section 1.3, and the masking key of its section 5.7 for every frame.
inline ws::entropy sample_keys() {
    return ws::entropy([](void*, bytes out) {
        const std::string_view from = out.size() == 16 ? "the sample nonce" : "\x37\xFA\x21\x3D";
        for (std::size_t i = 0; i != out.size(); ++i) out[i] = static_cast<std::byte>(from[i % from.size()]);
        return true;
    });
}

/// 32 bytes that all differ between two numbers.
inline ws::entropy::seed seed_of(unsigned number) {
    ws::entropy::seed seed{};
    for (unsigned i = 0; i != seed.size(); ++i) seed[i] = static_cast<std::byte>(number * 59 + i);
    return seed;
}

template <class Peer>
inline constexpr bool is_server = requires(const Peer& peer) {
    peer.head();
};

/// One line about an event, all but its payload.
template <class Peer>
std::string line_of(const Peer& peer, const ws::event& event) {
    std::string type = event.type == ws::message_type::text ? "text" : "binary";
    if (event.compressed) type += " compressed";
    switch (event.kind) {
    case ws::kind::need_input: return "need_input";
    case ws::kind::request:
        if constexpr (is_server<Peer>) {
            const ws::opening_request& asked = peer.request();
            return "request " + std::string(asked.target) + " " + std::string(asked.host) + " " +
                   std::string(asked.origin) + (event.error ? " but " + std::string(event.error.name()) : "");
        }
        return "request";
    case ws::kind::http_request:
        if constexpr (is_server<Peer>) {
            return "http_request " + std::string(peer.head().method) + " " + std::string(peer.head().target);
        }
        return "http_request";
    case ws::kind::open:
    case ws::kind::refused: {
        std::string line = event.kind == ws::kind::open ? "open" : "refused " + std::to_string(event.code);
        if constexpr (!is_server<Peer>) {
            if (event.kind == ws::kind::open) line += " " + std::string(peer.subprotocol());
            line += " " + std::to_string(peer.response().status);
            for (const field& each : peer.response().fields) {
                line += "; " + std::string(each.name) + "=" + std::string(each.value);
            }
        }
        if (event.error) line += " but " + std::string(event.error.name());
        return line;
    }
    case ws::kind::body: return "body";
    case ws::kind::message: return "message " + type;
    case ws::kind::piece: return "piece " + type + (event.first ? " first" : "");
    case ws::kind::ping: return "ping";
    case ws::kind::pong: return "pong";
    case ws::kind::frame:
        return "frame " + std::to_string(static_cast<unsigned>(peer.frame().opcode)) + " " +
               std::to_string(peer.frame().length) + " @" + std::to_string(peer.frame_offset());
    case ws::kind::closed:
        return "closed " + std::to_string(event.code) + (event.clean ? " clean " : " unclean ") +
               std::string(event.error.name());
    }
    return "?";
}

/// An endpoint whose peer is a script: bytes go in, events are written down as they come, and with them what it sends.
template <class Peer>
class scripted {
  public:
    /// The reaction of the caller of the endpoint to an event. By default a server accepts.
    using reaction = std::function<void(Peer&, const ws::event&)>;

    explicit scripted(Peer made, reaction how = {})
        : peer(static_cast<Peer&&>(made)), react(static_cast<reaction&&>(how)) {}

    Peer peer;
    reaction react;
    std::vector<std::string> log{}; ///< a line an event, with its payload; data that comes in pieces is joined
    buffer sent{};                  ///< all that has left the output
    std::string complaint{};        ///< what no endpoint may do, if it did that
    buffer left{};                  ///< what `feed` could not give to it, because a request waits for an answer
    bool drains = true;             ///< whether its output is taken after every event

    /// Gives it a piece of input, which it may change.
    void feed(bytes piece) {
        buffer held;
        if (!left.empty()) {
            held = joined(left, cbytes(piece));
            left.clear();
            piece = held;
        }
        const bytes whole = piece;
        while (const ws::event event = peer.next(piece)) {
            if (piece.data() + piece.size() != whole.data() + whole.size()) complain("not taken from the front");
            note(event);
        }
        left.assign(piece.begin(), piece.end());
        if (!left.empty() && (ended_ || peer.is_open())) complain("falsy before the input was used up");
        if (drains) drain();
    }

    /// The same with a copy in memory of exactly its size.
    void feed_copy(cbytes piece) {
        const std::unique_ptr<std::byte[]> copy(new std::byte[piece.size() + (piece.empty() ? 1 : 0)]);
        if (!piece.empty()) std::memcpy(copy.get(), piece.data(), piece.size());
        feed(bytes(copy.get(), piece.size()));
    }
    void feed_text(std::string_view text) { feed_copy(bytes_of(text)); }

    void tick(sockless::instant now) { note(peer.tick(now)); }
    void finish() { note(peer.finish()); }

    /// Takes up to `most` bytes of output.
    std::size_t drain(std::size_t most = SIZE_MAX) {
        std::size_t taken = 0;
        while (taken != most && !peer.output().empty()) {
            const std::size_t left_over = most - taken;
            const cbytes out = peer.output().first(peer.output().size() < left_over ? peer.output().size() : left_over);
            sent.insert(sent.end(), out.begin(), out.end());
            taken += out.size();
            peer.sent(out.size());
        }
        return taken;
    }

    /// The bytes that were sent since the last call.
    buffer take_sent() {
        drain();
        buffer taken;
        taken.swap(sent);
        return taken;
    }

    /// The log as it stands, emptied.
    std::vector<std::string> take_log() {
        std::vector<std::string> taken;
        taken.swap(log);
        open_ = false;
        return taken;
    }

  private:
    void complain(const char* what) {
        if (complaint.empty()) complaint = what;
    }

    void note(const ws::event& event) {
        if (!event) return;
        if (ended_) complain("an event after the end");
        ended_ = event.kind == ws::kind::closed;
        const bool in_pieces = event.kind == ws::kind::piece || event.kind == ws::kind::body;
        std::string payload;
        if (sockless::is_utf8(event.payload) || in_pieces) {
            payload = event.text();
        } else {
            payload = to_hex(event.payload);
        }
        if (in_pieces && open_ && !event.first) {
            log.back() += payload;
        } else {
            log.push_back(line_of(peer, event) + (in_pieces || !payload.empty() ? ": " + payload : ""));
        }
        open_ = in_pieces && !event.last;
        if (event.kind == ws::kind::piece && event.last) log.back() += " (last)";

        if (react) {
            react(peer, event);
        } else if constexpr (is_server<Peer>) {
            if (event.kind == ws::kind::request && peer.accept()) complain("accept failed");
        }
        if (drains) drain();
    }

    bool open_ = false;
    bool ended_ = false;
};

/// Carries bytes between two endpoints, cut at random and with short writes, until neither has anything to send.
template <class A, class B>
void converse(scripted<A>& a, scripted<B>& b, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const auto carry = [&](auto& from, auto& to) {
        const std::size_t size = from.peer.output().size();
        if (size == 0) return false;
        const std::size_t most = std::size_t{1} << (random() % 16);
        std::size_t taken = 1 + static_cast<std::size_t>(random()) % most;
        if (taken > size) taken = size;
        const cbytes out = from.peer.output().first(taken);
        buffer piece(out.begin(), out.end());
        from.peer.sent(taken);
        to.feed(piece);
        return true;
    };
    a.drains = b.drains = false;
    for (bool busy = true; busy;) {
        busy = carry(a, b);
        busy = carry(b, a) || busy;
    }
}

// --- what a test is written for once, and holds for both ends

struct server_side {
    static constexpr role own = role::server;
    static constexpr role other = role::client;
    using endpoint = ws::server;
    using small_endpoint = ws::basic_server<span_buffer<std::byte>>;

    static endpoint make(const ws::options& how = {}) { return endpoint(how); }
    static small_endpoint make_small(bytes input, bytes output, const ws::options& how = {}) {
        return {span_buffer(input), span_buffer(output), how};
    }
    /// The first bytes of its peer.
    static buffer opening() { return bytes_from(upgrade_request()); }
};

struct client_side {
    static constexpr role own = role::client;
    static constexpr role other = role::server;
    using endpoint = ws::client;
    using small_endpoint = ws::basic_client<span_buffer<std::byte>>;

    static endpoint make(const ws::options& how = {}) {
        endpoint made(sample_keys(), how);
        static_cast<void>(made.request({.host = "h", .target = "/chat"}));
        return made;
    }
    static small_endpoint make_small(bytes input, bytes output, const ws::options& how = {}) {
        small_endpoint made(sample_keys(), span_buffer(input), span_buffer(output), how);
        static_cast<void>(made.request({.host = "h", .target = "/chat"}));
        return made;
    }
    static buffer opening() { return bytes_from(upgrade_response()); }
};

/// An endpoint behind its opening handshake, with nothing in its output and nothing in its log.
template <class Peer>
scripted<Peer> opened(Peer made, cbytes opening, typename scripted<Peer>::reaction react = {}) {
    scripted<Peer> out(static_cast<Peer&&>(made));
    out.feed_copy(opening);
    if (!out.peer.is_open() || !out.complaint.empty()) throw std::logic_error("it did not open");
    static_cast<void>(out.take_sent());
    static_cast<void>(out.take_log());
    out.react = static_cast<typename scripted<Peer>::reaction&&>(react);
    return out;
}
template <class Side>
scripted<typename Side::endpoint> opened(const ws::options& how = {},
                                         typename scripted<typename Side::endpoint>::reaction react = {}) {
    return opened(Side::make(how), Side::opening(), static_cast<decltype(react)&&>(react));
}

} // namespace sockless::test
