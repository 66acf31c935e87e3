// One message to many connections: prepared once, or sent to each; compressed or not; taken in one piece or in several.
// SPDX-License-Identifier: MIT
#include <array>
#include <cstring>
#include <string>

#include <sockless/ws/deflate/zlib.hpp>

#include "handshake.hpp"

namespace bench {
namespace {

namespace ws = sockless::ws;

constexpr std::size_t connections = 200;

struct workload {
    const char* name;
    std::size_t size;
    bool compresses;
    std::size_t messages; // before they are sent
};

constexpr workload workloads[] = {
    {"broadcast/100", 100, false, 1},         {"broadcast/4K", 4096, false, 1},
    {"broadcast/128K", 128 * 1024, false, 1}, {"broadcast/8x100", 100, false, 8},
    {"broadcast/8x5000", 5000, false, 8},     {"broadcast/deflate/100", 100, true, 1},
    {"broadcast/deflate/4K", 4096, true, 1},  {"broadcast/deflate/128K", 128 * 1024, true, 1},
};

// Lines such as are broadcast.
std::string text_of(std::size_t size) {
    numbers from(size);
    std::string text;
    while (text.size() < size) {
        text += "{\"symbol\":\"S" + std::to_string(from.below(64)) +
                "\",\"price\":" + std::to_string(from.below(100'000)) + "},";
    }
    text.resize(size);
    return text;
}

ws::zlib_server open_server(bool compresses) {
    if (!compresses) return ws::zlib_server(ws::already_open{});
    const ws::deflate_policy policy{.threshold = 0, .threshold_without_takeover = 0};
    ws::zlib_server peer({}, ws::zlib_compression(policy));
    std::vector<std::byte> request = received_request();
    sockless::bytes in(request);
    if (peer.next(in).kind != ws::kind::request || peer.accept()) std::abort();
    peer.sent(peer.output().size());
    return peer;
}

// Sends `text` to each; the result says whether all could be queued.
using sender = bool (*)(std::vector<ws::zlib_server>& to, const std::string& text, bool compresses);

bool send_prepared(std::vector<ws::zlib_server>& to, const std::string& text, bool compresses) {
    ws::prepared_message message(ws::message_type::text, text);
    bool right = !compresses || !ws::zlib_compression::prepare(message);
    for (ws::zlib_server& each : to) right = !each.send(message) && right;
    return right;
}

bool send_each(std::vector<ws::zlib_server>& to, const std::string& text, bool) {
    bool right = true;
    for (ws::zlib_server& each : to) right = !each.send_text(text) && right;
    return right;
}

// Takes all that waits, as a host does; counts its calls of the operating system.
using taker = std::size_t (*)(ws::zlib_server& from, std::string* seen);

std::size_t take_one(ws::zlib_server& from, std::string* seen) {
    std::size_t calls = 0;
    for (sockless::cbytes out = from.output(); !out.empty(); out = from.output()) {
        if (seen != nullptr) seen->append(sockless::text_of(out));
        from.sent(out.size());
        ++calls;
    }
    return calls;
}

std::size_t take_pieces(ws::zlib_server& from, std::string* seen) {
    std::array<sockless::cbytes, 16> room;
    std::size_t calls = 0;
    for (auto pieces = from.output(room); !pieces.empty(); pieces = from.output(room)) {
        std::size_t size = 0;
        for (const sockless::cbytes each : pieces) {
            if (seen != nullptr) seen->append(sockless::text_of(each));
            size += each.size();
        }
        from.sent(size);
        ++calls;
    }
    return calls;
}

// Whether a client sees the messages in what was sent.
bool is_right(const std::string& wire, const workload& of, const std::string& text) {
    ws::decoder decoder(sockless::role::client);
    decoder.agree_to(of.compresses ? ws::rsv::rsv1 : std::uint8_t{0});
    ws::zlib_inflater codec;
    ws::message_inflater inflating(UINT64_MAX);
    std::string copy = wire, seen, room(text.size() + 1, '\0');
    sockless::bytes in = sockless::bytes_of(copy.data(), copy.size());
    for (auto found = decoder.next(in); found; found = decoder.next(in)) {
        if (found.kind == ws::decoder::kind::error || found.compressed != of.compresses) return false;
        if (!found.compressed) {
            seen += sockless::text_of(found.payload);
            continue;
        }
        if (found.first) inflating.begin(found.type);
        sockless::cbytes part = found.payload;
        for (bool more = true; more;) {
            const auto given = inflating.next(codec, part, found.last, sockless::bytes_of(room.data(), room.size()));
            if (given.kind == ws::decoder::kind::error) return false;
            seen += sockless::text_of(given.payload);
            more = given && !given.last;
        }
    }
    std::string expected;
    for (std::size_t i = 0; i != of.messages; ++i) expected += text;
    return seen == expected;
}

void broadcast(benchmark::State& state, const workload& of, sender send, taker take) {
    const std::string text = text_of(of.size);
    std::vector<ws::zlib_server> peers;
    while (peers.size() != connections) peers.push_back(open_server(of.compresses));
    bool right = true;
    for (std::size_t i = 0; i != of.messages; ++i) right = send(peers, text, of.compresses) && right;
    for (ws::zlib_server& each : peers) {
        std::string wire;
        take(each, &wire);
        right = is_right(wire, of, text) && right;
    }
    if (!check(state, right)) return;
    std::size_t calls = 0, frames = 0;
    measure(state, connections * of.messages, connections * of.messages * of.size, [&] {
        for (std::size_t i = 0; i != of.messages; ++i) right = send(peers, text, of.compresses) && right;
        for (ws::zlib_server& each : peers) calls += take(each, nullptr);
        frames += connections * of.messages;
    });
    if (!check(state, right)) return;
    state.counters["calls_per_frame"] = static_cast<double>(calls) / static_cast<double>(frames);
}

bool add_rows() {
    for (const workload& each : workloads) {
        const auto add_one = [&each](const char* name, sender send, taker take) {
            add({each.name, name,
                 [&each, send, take](benchmark::State& state) { broadcast(state, each, send, take); }});
        };
        add_one("sockless", send_prepared, take_pieces);
        add_one("one-piece", send_prepared, take_one);
        add_one("each", send_each, take_one);
    }
    return true;
}

const bool added = add_rows();

} // namespace
} // namespace bench
