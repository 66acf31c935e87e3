// Messages for many connections, among all else that these send: each peer gets what was queued for it, in order, and
// what a host holds of the output stays in place.
// SPDX-License-Identifier: MIT
#include <sockless/ws/deflate/zlib.hpp>

#include <deque>
#include <optional>

#include "fuzz.hpp"

namespace {

namespace ws = sockless::ws;
using sockless::bytes;
using sockless::bytes_of;
using sockless::cbytes;
using sockless::error;
using sockless::text_of;
using sockless::fuzz::promise;

// Little memory, as each input takes it anew.
constexpr ws::zlib_deflater::settings quick{.level = 1, .memory_level = 1};

struct sent_message {
    ws::message_type type;
    std::string payload;
};

// What a host holds while it sends.
struct held_output {
    std::vector<cbytes> pieces{};
    std::string copy{};

    [[nodiscard]] bool stays() const {
        std::string_view left = copy;
        for (const cbytes each : pieces) {
            if (left.substr(0, each.size()) != text_of(each)) return false;
            left.remove_prefix(each.size());
        }
        return left.empty();
    }

    void take(std::size_t size) {
        copy.erase(0, size);
        for (cbytes& each : pieces) {
            const std::size_t part = size < each.size() ? size : each.size();
            each = each.subspan(part);
            size -= part;
        }
    }
};

ws::entropy keys() { return ws::entropy(ws::entropy::seed{std::byte{1}}); }

// A server, its host, and the client at the other end, which inflates and checks all that it is sent.
class connection {
  public:
    // Without an offer nothing is compressed.
    connection(std::string_view offer, std::size_t limit, const ws::deflate_policy& policy, ws::zlib_pool* pool)
        : limit_(limit),
          peer_(ws::options{.output = limit}, ws::zlib_compression(policy, pool, quick)),
          client_(keys(), ws::options{.limits = {.message = UINT64_MAX, .frame = UINT64_MAX}}) {
        if (offer.empty()) {
            peer_ = ws::zlib_server(ws::already_open{}, {.output = limit});
            client_ = ws::zlib_client(ws::already_open{}, keys());
            return;
        }
        promise(!client_.request({.host = "h", .extensions = offer}), "the offer is right");
        give_peer();
        promise(!peer_.accept(), "it is accepted");
        look(0);
        take_sent(SIZE_MAX);
        promise(peer_.waiting() == 0 && client_.is_open(), "both are open");
    }

    void send(const ws::prepared_message& message, ws::compressed wish) {
        const std::string payload(text_of(message.payload()));
        const std::size_t size = ws::header_size(payload.size(), false) + payload.size(), before = peer_.waiting();
        const bool fits = size + 131 <= limit_ - before;
        const error refused = peer_.send(message, wish);
        if (!peer_.is_open()) {
            promise(refused == ws::errc::not_open, "nothing is sent behind a Close");
        } else if (piece_) {
            promise(refused == ws::errc::message_open, "nothing is sent inside a message in pieces");
        } else {
            promise(!refused || refused == ws::errc::no_room, "a message is refused for want of room alone");
            const bool is_plain = !peer_.compression().agreement().agreed || wish == ws::compressed::never;
            promise(!is_plain || fits == !refused, "and only if there is none");
            if (!refused) expected_.push_back({message.type(), payload});
        }
        promise(!refused || peer_.waiting() == before, "what is refused leaves nothing");
    }

    void send(ws::message_type type, const std::string& payload, ws::compressed wish) {
        if (!peer_.send(type, bytes_of(std::string_view(payload)), wish)) expected_.push_back({type, payload});
    }

    void send_piece(const std::string& payload, bool last) {
        if (peer_.send_piece(ws::message_type::text, bytes_of(std::string_view(payload)), last)) return;
        piece_ = piece_.value_or("") + payload;
        if (!last) return;
        expected_.push_back({ws::message_type::text, *piece_});
        piece_.reset();
    }

    // Leaves room in the queue that is not used.
    void send_refused(std::size_t size) {
        const auto write = [size](bytes out) -> sockless::written {
            if (out.size() < size) return {size, ws::errc::no_room};
            std::memset(out.data(), '!', size);
            return {size, {}};
        };
        const auto note = []() -> error { return ws::errc::payload_not_utf8; };
        promise(static_cast<bool>(peer_.send_written(write, {.likely = size}, note)), "a note can refuse");
    }

    void ping() {
        if (client_.ping(std::string_view("p")) || pings_ == 100) return;
        ++pings_;
        give_peer();
    }

    void close() {
        const bool was_open = peer_.is_open();
        promise(static_cast<bool>(peer_.close()) == !was_open, "a Close has its room");
    }

    void release() { peer_.release_memory(); }
    void tick(sockless::instant now) { static_cast<void>(peer_.tick(now)); }
    void move() {
        ws::zlib_server moved(static_cast<ws::zlib_server&&>(peer_));
        peer_ = static_cast<ws::zlib_server&&>(moved);
    }

    // Holds what is shown: in one piece, or in up to so many.
    void look(std::size_t pieces) {
        held_ = {};
        if (pieces == 0) {
            held_.pieces = {peer_.output()};
        } else {
            held_.pieces.resize(pieces);
            held_.pieces.resize(peer_.output(held_.pieces).size());
        }
        for (const cbytes each : held_.pieces) held_.copy += text_of(each);
        promise(held_.copy.empty() == (peer_.waiting() == 0), "if something waits, something is shown");
        promise(held_.copy.size() <= 65536, "64 KiB are shown at most");
        promise(peer_.waiting() <= limit_, "what waits is bounded");
    }

    void take_sent(std::size_t most) {
        check();
        const std::size_t size = held_.copy.size() < most ? held_.copy.size() : most;
        const std::size_t before = peer_.waiting();
        const sockless::fuzz::exact_copy wire(bytes_of(std::string_view(held_.copy)).first(size));
        peer_.sent(size);
        held_.take(size);
        // A Pong that waited for room can follow.
        promise(peer_.waiting() + size >= before && peer_.waiting() + size <= before + 127, "what was sent has left");
        bytes in = wire.get();
        while (const ws::event event = client_.next(in)) take(event);
        promise(in.empty(), "all is read");
        if (client_.is_open()) drop_answers();
    }

    void check() const { promise(held_.stays(), "what is shown stays in place until it is sent"); }

    void end() {
        if (piece_) send_piece("", true);
        while (peer_.waiting() != 0) {
            look(16);
            take_sent(SIZE_MAX);
        }
        promise(expected_.empty(), "each message comes");
        promise(peer_.is_open() == client_.is_open(), "and the Close");
    }

  private:
    void take(const ws::event& event) {
        switch (event.kind) {
        case ws::kind::open: break;
        case ws::kind::message:
            promise(!expected_.empty(), "no message comes that was not sent");
            promise(event.type == expected_.front().type && event.text() == expected_.front().payload,
                    "the messages come in order, as they were sent");
            expected_.pop_front();
            break;
        case ws::kind::pong: promise(pings_-- != 0, "a Pong is an answer"); break;
        case ws::kind::closed: promise(expected_.empty() && event.clean, "a Close is the last"); break;
        default: promise(false, "nothing else was sent");
        }
    }

    void drop_answers() {
        while (!client_.output().empty()) client_.sent(client_.output().size());
    }

    void give_peer() {
        const cbytes out = client_.output();
        const sockless::fuzz::exact_copy wire(out);
        client_.sent(out.size());
        bytes in = wire.get();
        while (const ws::event event = peer_.next(in)) {
            promise(event.kind == ws::kind::request || event.kind == ws::kind::ping, "the server sees that");
            if (event.kind == ws::kind::request) break;
        }
    }

    std::size_t limit_;
    ws::zlib_server peer_;
    ws::zlib_client client_;
    held_output held_{};
    std::deque<sent_message> expected_{};
    std::optional<std::string> piece_{}; // of the message that is being sent in pieces
    std::size_t pings_ = 0;
};

// Noise, or words that repeat.
std::string payload_of(unsigned how, std::size_t size) {
    static const std::string noise = [] {
        std::string text(100'000, 'x');
        std::uint32_t state = 1;
        for (char& each : text) each = static_cast<char>((state = state * 1664525U + 1013904223U) >> 25U);
        return text;
    }();
    static const std::string words = [] {
        std::string text;
        for (unsigned i = 0; text.size() < 100'000; ++i) text += "word " + std::to_string(i * i % 1000) + ", ";
        return text;
    }();
    return ((how & 1U) != 0 ? noise : words).substr(how, size);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    sockless::fuzz::input from(data, size, 8);
    constexpr std::size_t limits[] = {1 << 20, 200'000, 20'000, 5000};
    constexpr std::string_view offers[] = {"permessage-deflate",
                                           "permessage-deflate; server_no_context_takeover",
                                           "permessage-deflate; server_max_window_bits=9",
                                           "permessage-deflate; server_max_window_bits=12",
                                           "permessage-deflate; server_max_window_bits=8",
                                           ""};
    constexpr std::size_t sizes[] = {0,    1,    20,   125,  126,    300,    4091,  4092,
                                     4093, 4094, 5000, 9000, 30'000, 65'535, 70'000};
    constexpr ws::compressed wishes[] = {ws::compressed::automatic, ws::compressed::always, ws::compressed::never};
    const unsigned flags = from.setting();
    const std::size_t limit = from.one_of(limits);
    ws::zlib_pool pool(1);
    const ws::deflate_policy policy{.threshold = (flags & 2U) != 0 ? std::size_t{0} : std::size_t{64},
                                    .threshold_without_takeover =
                                        (flags & 4U) != 0 ? std::size_t{0} : std::size_t{256}};
    std::deque<connection> peers;
    for (int i = 0; i != 3; ++i) {
        const std::string_view offer = from.one_of(offers);
        peers.emplace_back(offer, limit, policy, (flags & 1U) != 0 ? &pool : nullptr);
    }
    std::optional<ws::prepared_message> slots[2];
    const cbytes script = from.stream();
    for (std::size_t at = 0; at + 1 < script.size() && at < 400; at += 2) {
        const auto step = static_cast<unsigned>(script[at]), amount = static_cast<unsigned>(script[at + 1]);
        connection& peer = peers[step / 16 % 3];
        const std::size_t bytes = sizes[amount % std::size(sizes)];
        switch (step % 16) {
        case 0:
        case 1: {
            const auto type = (amount & 16U) != 0 ? ws::message_type::text : ws::message_type::binary;
            auto& slot = slots[step % 2];
            slot.emplace(type, bytes_of(std::string_view(payload_of(amount, bytes))));
            promise(!slot->error(), "it is prepared");
            if (step / 64 != 3) promise(!ws::zlib_compression::prepare(*slot, amount % 8 + 8, quick), "and compressed");
            break;
        }
        case 2:
        case 3:
            if (slots[step % 2]) peer.send(*slots[step % 2], wishes[amount % 3]);
            break;
        case 4:
            for (connection& each : peers) {
                if (slots[amount % 2]) each.send(*slots[amount % 2], ws::compressed::automatic);
            }
            break;
        case 5: peer.send(ws::message_type::text, payload_of(amount, bytes), wishes[amount % 3]); break;
        case 6: peer.send_piece(payload_of(amount, amount), amount % 3 == 0); break;
        case 7: peer.ping(); break;
        case 8: peer.look(amount % 6); break;
        case 9: peer.take_sent(amount % 2 == 0 ? SIZE_MAX : amount * amount); break;
        case 10: peer.release(); break;
        case 11: peer.move(); break;
        case 12: slots[amount % 2].reset(); break;
        case 13: peer.send_refused(bytes); break;
        case 14: peer.tick(at); break;
        case 15:
            if (amount > 200) peer.close();
            break;
        }
        for (const connection& each : peers) each.check();
    }
    for (connection& each : peers) each.end();
    return 0;
}
