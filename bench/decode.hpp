// Decoding: streams of frames in reads of a fixed size, and the round that is timed.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstring>

#include "support.hpp"

namespace bench {

enum class decoding_role { server, client };

/// What a peer sends: messages of one frame each, all of the same size and kind, or a mix.
struct decode_workload {
    const char* name;
    decoding_role role = decoding_role::server;
    content kind = content::ascii;
    std::size_t payload = 0; ///< in bytes; 0 for the mix: 8 to 2047 bytes, a quarter of them Korean
    std::size_t read = 65536;
};

inline constexpr decode_workload decode_workloads[] = {
    {"decode/server-text/ascii/20", decoding_role::server, content::ascii, 20},
    {"decode/server-text/ascii/125", decoding_role::server, content::ascii, 125},
    {"decode/server-text/ascii/1K", decoding_role::server, content::ascii, 1024},
    {"decode/server-text/ascii/16K", decoding_role::server, content::ascii, 16384},
    {"decode/server-text/ascii/64K", decoding_role::server, content::ascii, 65536},
    {"decode/server-text/korean/1K", decoding_role::server, content::korean, 1024},
    {"decode/server-text/korean/64K", decoding_role::server, content::korean, 65536},
    {"decode/server-text/mix", decoding_role::server, content::ascii, 0},
    {"decode/server-binary/20", decoding_role::server, content::binary, 20},
    {"decode/server-binary/125", decoding_role::server, content::binary, 125},
    {"decode/server-binary/1K", decoding_role::server, content::binary, 1024},
    {"decode/server-binary/64K", decoding_role::server, content::binary, 65536},
    {"decode/server-binary/1M", decoding_role::server, content::binary, 1048576},
    {"decode/client-text/ascii/20", decoding_role::client, content::ascii, 20},
    {"decode/client-text/ascii/1K", decoding_role::client, content::ascii, 1024},
    {"decode/client-text/ascii/64K", decoding_role::client, content::ascii, 65536},
    {"decode/client-binary/20", decoding_role::client, content::binary, 20},
    {"decode/client-binary/1K", decoding_role::client, content::binary, 1024},
    {"decode/client-binary/64K", decoding_role::client, content::binary, 65536},
    {"decode/reads/125x1", decoding_role::server, content::ascii, 125, 1},
    {"decode/reads/125x7", decoding_role::server, content::ascii, 125, 7},
    {"decode/reads/125x1460", decoding_role::server, content::ascii, 125, 1460},
    {"decode/reads/1Kx1", decoding_role::server, content::ascii, 1024, 1},
    {"decode/reads/1Kx7", decoding_role::server, content::ascii, 1024, 7},
    {"decode/reads/1Kx1460", decoding_role::server, content::ascii, 1024, 1460},
};

/// The mix in reads of all sizes: what a byte takes must not depend on how the stream was cut.
inline constexpr decode_workload growth_workloads[] = {
    {"growth/reads/1", decoding_role::server, content::ascii, 0, 1},
    {"growth/reads/4", decoding_role::server, content::ascii, 0, 4},
    {"growth/reads/16", decoding_role::server, content::ascii, 0, 16},
    {"growth/reads/64", decoding_role::server, content::ascii, 0, 64},
    {"growth/reads/256", decoding_role::server, content::ascii, 0, 256},
    {"growth/reads/1K", decoding_role::server, content::ascii, 0, 1024},
    {"growth/reads/4K", decoding_role::server, content::ascii, 0, 4096},
    {"growth/reads/16K", decoding_role::server, content::ascii, 0, 16384},
    {"growth/reads/64K", decoding_role::server, content::ascii, 0, 65536},
    {"growth/reads/256K", decoding_role::server, content::ascii, 0, 262144},
    {"growth/reads/1M", decoding_role::server, content::ascii, 0, 1048576},
};

/// Whole messages through an endpoint that is open; and those that it must put together (payload x read), where what a
/// byte takes must depend on neither.
inline constexpr decode_workload endpoint_workloads[] = {
    {"endpoint/server-text/ascii/20", decoding_role::server, content::ascii, 20},
    {"endpoint/server-text/ascii/125", decoding_role::server, content::ascii, 125},
    {"endpoint/server-text/ascii/1K", decoding_role::server, content::ascii, 1024},
    {"growth/message/16Kx1460", decoding_role::server, content::ascii, 16384, 1460},
    {"growth/message/256Kx1460", decoding_role::server, content::ascii, 262144, 1460},
    {"growth/message/4Mx1460", decoding_role::server, content::ascii, 4194304, 1460},
    {"growth/message/16Mx1460", decoding_role::server, content::ascii, 16777216, 1460},
    {"growth/message/4Mx1", decoding_role::server, content::ascii, 4194304, 1},
    {"growth/message/4Mx64", decoding_role::server, content::ascii, 4194304, 64},
    {"growth/message/4Mx64K", decoding_role::server, content::ascii, 4194304, 65536},
    {"growth/message/4Mx1M", decoding_role::server, content::ascii, 4194304, 1048576},
};

/// The bytes of a workload, and what is in them.
struct stream {
    std::vector<std::byte> bytes;
    digest expected;
    std::size_t read = 0;
};

/// About 2 MiB of whole frames, made once.
[[nodiscard]] const stream& stream_of(const decode_workload& workload);

/// Stands for a socket: gives the stream read by read, each copied over the one before it, as `recv` does.
class socket {
  public:
    explicit socket(const stream& from) : from_(&from), memory_(margin + from.read + margin) {}

    /// Goes back to the beginning of the stream.
    void rewind() noexcept { at_ = 0; }

    [[nodiscard]] bool at_end() const noexcept { return at_ == from_->bytes.size(); }

    /// How many messages the stream has.
    [[nodiscard]] std::uint64_t messages() const noexcept { return from_->expected.messages; }

    /// The next read, into memory of the caller's: at most `room` bytes.
    std::size_t read(std::byte* to, std::size_t room) noexcept {
        const std::size_t size = std::min({room, from_->read, from_->bytes.size() - at_});
        std::memcpy(to, from_->bytes.data() + at_, size);
        at_ += size;
        return size;
    }

    /// All reads of the stream, one after the other, for those who take what they are given.
    template <class Take>
    void read_all(Take&& take) {
        rewind();
        while (!at_end()) take(buffer(), read(buffer(), from_->read));
    }

  private:
    // Some peers write a few bytes around what they were given.
    static constexpr std::size_t margin = 64;

    [[nodiscard]] std::byte* buffer() noexcept { return memory_.data() + margin; }

    const stream* from_;
    std::size_t at_ = 0;
    std::vector<std::byte> memory_;
};

/// One row. A `Decoder<Sink>` is made from a role and a sink, and has `round(socket&)`, which takes the whole stream,
/// from its beginning, and gives what is in it to the sink.
template <template <class> class Decoder>
void decode(benchmark::State& state, const decode_workload& workload) {
    const stream& input = stream_of(workload);
    socket from(input);
    {
        hashing sink;
        Decoder<hashing> decoder(workload.role, sink);
        decoder.round(from);
        if (!check(state, sink.result() == input.expected)) return;
    }
    counting sink;
    Decoder<counting> decoder(workload.role, sink);
    measure(state, input.expected.messages, input.expected.bytes, [&] { decoder.round(from); });
    check(state, sink.result().messages % input.expected.messages == 0);
}

template <template <class> class Decoder, std::size_t N>
bool add_decoder(const char* implementation, const decode_workload (&workloads)[N]) {
    for (const decode_workload& workload : workloads) {
        add({workload.name, implementation,
             [&workload](benchmark::State& state) { decode<Decoder>(state, workload); }});
    }
    return true;
}

} // namespace bench
