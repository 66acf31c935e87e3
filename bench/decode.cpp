// Decoding: the streams, our own rows, and those of the copy that every row pays for.
// SPDX-License-Identifier: MIT
#include "decode.hpp"

#include <cstdlib>
#include <map>

#include <sockless/ws/decoder.hpp>

namespace bench {

static stream make_stream(const decode_workload& workload) {
    constexpr std::size_t wanted = 2 * 1024 * 1024;
    numbers from(workload.payload + 1);
    hashing seen;
    stream made{{}, {}, workload.read};
    while (made.bytes.size() < wanted) {
        const bool mix = workload.payload == 0;
        const content kind = mix && from.below(4) == 0 ? content::korean : workload.kind;
        const std::size_t size = mix ? 8 + from.below(2040) : workload.payload;
        const std::vector<std::byte> payload = make_payload(kind, size, from);
        seen.piece(payload.data(), payload.size(), true);

        const auto put = [&made](std::uint64_t octet) { made.bytes.push_back(static_cast<std::byte>(octet)); };
        const bool masked = workload.role == decoding_role::server;
        const unsigned extended = size <= 125 ? 0 : size <= 0xFFFF ? 2 : 8;
        put(kind == content::binary ? 0x82 : 0x81);
        put((masked ? 0x80U : 0U) | (extended == 0 ? size : extended == 2 ? 126U : 127U));
        for (unsigned i = extended; i-- != 0;) put(size >> (8 * i) & 0xFFU);
        const std::uint64_t key = masked ? from.next() : 0;
        for (unsigned i = 0; masked && i != 4; ++i) put(key >> (8 * i) & 0xFFU);
        for (std::size_t i = 0; i != size; ++i)
            put(static_cast<std::uint64_t>(payload[i]) ^ (key >> (8 * (i % 4)) & 0xFFU));
    }
    made.expected = seen.result();
    return made;
}

const stream& stream_of(const decode_workload& workload) {
    static std::map<const decode_workload*, stream> made;
    const auto found = made.find(&workload);
    return found != made.end() ? found->second : made.emplace(&workload, make_stream(workload)).first->second;
}

namespace {

template <class Sink>
class sockless_decoder {
  public:
    sockless_decoder(decoding_role role, Sink& sink)
        : decoder_(role == decoding_role::server ? sockless::role::server : sockless::role::client), sink_(sink) {}

    void round(socket& from) {
        from.read_all([this](std::byte* data, std::size_t size) {
            sockless::bytes in(data, size);
            while (const auto event = decoder_.next(in)) {
                if (event.kind != sockless::ws::decoder::kind::data) std::abort();
                sink_.piece(event.payload.data(), event.payload.size(), event.last);
            }
        });
    }

  private:
    sockless::ws::decoder decoder_;
    Sink& sink_;
};

// What stands for `recv`, alone.
void copy(benchmark::State& state, const decode_workload& workload) {
    const stream& input = stream_of(workload);
    socket from(input);
    std::vector<std::byte> copied;
    from.read_all(
        [&copied](const std::byte* data, std::size_t size) { copied.insert(copied.end(), data, data + size); });
    if (!check(state, copied == input.bytes)) return;
    measure(state, input.expected.messages, input.expected.bytes,
            [&] { from.read_all([](std::byte* data, std::size_t) { benchmark::DoNotOptimize(data); }); });
}

template <std::size_t N>
bool add_copy(const decode_workload (&workloads)[N]) {
    for (const decode_workload& workload : workloads) {
        add({workload.name, "copy", [&workload](benchmark::State& state) { copy(state, workload); }});
    }
    return true;
}

const bool added = add_decoder<sockless_decoder>("sockless", decode_workloads) &&
                   add_decoder<sockless_decoder>("sockless", growth_workloads) && add_copy(decode_workloads) &&
                   add_copy(endpoint_workloads) && add_copy(growth_workloads);

} // namespace
} // namespace bench
