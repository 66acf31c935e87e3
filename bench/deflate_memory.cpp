// Bytes that an idle connection holds, with and without context takeover, with its own windows and with shared ones.
// SPDX-License-Identifier: MIT
#include <memory>
#include <type_traits>

#include "deflate.hpp"

namespace bench {
namespace {

using namespace sockless;

// Terms for both directions, and a memory level that fits the window.
struct memory_workload {
    const char* name;
    bool takeover;
    std::uint8_t window_bits;
    int memory_level;
};

constexpr memory_workload memory_workloads[] = {
    {"memory/takeover/window-15", true, 15, 8},     {"memory/takeover/window-12", true, 12, 5},
    {"memory/takeover/window-9", true, 9, 2},       {"memory/no-takeover/window-15", false, 15, 8},
    {"memory/no-takeover/window-12", false, 12, 5}, {"memory/no-takeover/window-9", false, 9, 2},
};

constexpr deflate_workload traffic{"", words::json, 1024, true};

// A message of 1 KiB as it comes from the peer, which keeps to its window.
octets received_message(const memory_workload& workload) {
    const octets& message = cycle_of(traffic).plain.front();
    ws::zlib_deflater codec(workload.window_bits, {});
    octets deflated(room_for(traffic));
    cbytes in(message);
    deflated.resize(ws::message_deflater{}.next(codec, in, true, deflated).size);
    return compressed_frame(ws::message_type::binary, deflated);
}

// One message in, one out, both sent.
template <class Server>
void exchange(Server& server, octets received) {
    const octets& message = cycle_of(traffic).plain.front();
    bytes in(received);
    const ws::event found = server.next(in);
    if (found.kind != ws::kind::message || found.payload.size() != message.size()) std::abort();
    if (server.next(in) || server.send(ws::message_type::binary, message)) std::abort();
    constexpr bool compresses = !std::is_same_v<Server, ws::server>;
    if (found.compressed != compresses || (server.output().size() < message.size()) != compresses) std::abort();
    server.sent(server.output().size());
}

// `make` makes a server; `pool_of` the memory that all of them share.
template <class Make>
void hold_memory(benchmark::State& state, const octets& received, const Make& make) {
    using server_pointer = decltype(make());
    constexpr std::size_t connections = 64;
    const auto connect = [&] {
        server_pointer made = make();
        open(*made);
        exchange(*made, received);
        return made;
    };
    std::vector<server_pointer> servers;
    servers.reserve(connections);
    // The pool has what it needs, and the heap what it keeps for next time.
    connect();
    const std::size_t before = heap_in_use();
    for (std::size_t i = 0; i != connections; ++i) servers.push_back(connect());
    const std::size_t idle = heap_in_use() - before;
    for (const server_pointer& each : servers) each->release_memory();
    const std::size_t released = heap_in_use() - before;
    // What was given back is not missed.
    for (const server_pointer& each : servers) exchange(*each, received);
    if (!check(state, released < idle)) return;
    servers.clear();

    measure(state, 1, 2 * traffic.size, connect);
    state.counters["bytes_idle"] = static_cast<double>(idle) / connections;
    state.counters["bytes_released"] = static_cast<double>(released) / connections;
}

void hold_memory(benchmark::State& state, const memory_workload& workload, bool shared) {
    const octets received = received_message(workload);
    const ws::deflate_policy policy{.wanted = {.server_no_context_takeover = !workload.takeover,
                                               .client_no_context_takeover = !workload.takeover,
                                               .server_max_window_bits = workload.window_bits,
                                               .client_max_window_bits = workload.window_bits}};
    const ws::zlib_deflater::settings settings{.memory_level = workload.memory_level};
    const std::size_t before = heap_in_use();
    ws::zlib_pool pool;
    hold_memory(state, received, [&] {
        return std::make_unique<ws::zlib_server>(ws::options{},
                                                 ws::zlib_compression(policy, shared ? &pool : nullptr, settings));
    });
    if (shared) state.counters["bytes_of_pool"] = static_cast<double>(heap_in_use() - before);
}

void hold_nothing(benchmark::State& state) {
    const octets& message = cycle_of(traffic).plain.front();
    octets frame(message.size() + ws::max_header_size);
    frame.resize(ws::encode(frame, {.opcode = ws::opcode::binary, .masked = true}, message).size);
    hold_memory(state, frame, [] { return std::make_unique<ws::server>(); });
}

bool add_memory() {
    for (const memory_workload& workload : memory_workloads) {
        add({workload.name, "own", [&workload](benchmark::State& state) { hold_memory(state, workload, false); }});
        if (workload.takeover) continue;
        add({workload.name, "pool", [&workload](benchmark::State& state) { hold_memory(state, workload, true); }});
    }
    return add({"memory/uncompressed", "own", hold_nothing});
}

const bool added = add_memory();

} // namespace
} // namespace bench
