// Endpoints that agreed to compress with zlib, and a peer that reads what they send, with zlib alone.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless/ws/deflate/zlib.hpp>

#include "deflate.hpp"
#include "wire.hpp"

namespace sockless::test {

// --- what stands in the messages, read without the library

/// Inflates one message after the other with one window, and one byte at a time: so zlib notices each reference that
/// goes back further than the window.
class reference_inflater {
  public:
    explicit reference_inflater(unsigned window_bits = 15, bool takes_over = true) : takes_over_(takes_over) {
        if (::inflateInit2(&stream_, -static_cast<int>(window_bits)) != Z_OK) throw std::bad_alloc();
    }
    reference_inflater(const reference_inflater&) = delete;
    reference_inflater& operator=(const reference_inflater&) = delete;
    ~reference_inflater() { ::inflateEnd(&stream_); }

    /// The content of a message with this payload. Throws if it does not end as it must (RFC 7692 section 7.2.1).
    buffer message(cbytes payload) {
        if (!takes_over_) ::inflateReset(&stream_);
        const buffer ended = joined(payload, octets({0x00, 0x00, 0xFF, 0xFF}));
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(ended.data()));
        stream_.avail_in = static_cast<uInt>(ended.size());
        buffer content;
        bool behind_block = false;
        for (;;) {
            std::byte next{};
            stream_.next_out = reinterpret_cast<Bytef*>(&next);
            stream_.avail_out = 1;
            const int status = ::inflate(&stream_, Z_SYNC_FLUSH);
            if (status != Z_OK && status != Z_BUF_ERROR) throw std::invalid_argument("no deflate data");
            // Bit 7: it came to a stop directly behind a block.
            if (status == Z_OK) behind_block = (stream_.data_type & 128) != 0;
            if (stream_.avail_out != 0) break;
            content.push_back(next);
        }
        if (stream_.avail_in != 0 || !behind_block) throw std::invalid_argument("half a message");
        return content;
    }

  private:
    z_stream stream_{};
    bool takes_over_;
};

/// The output of an endpoint: a line for each message and control frame; compressed messages are inflated. Throws if
/// RSV1 stands on a frame other than the first of a message.
inline std::vector<std::string> lines_sent(cbytes stream, reference_inflater& peer) {
    std::vector<std::string> lines;
    buffer payload;
    std::string line;
    bool compressed = false;
    for (const seen_frame& each : frames_in(stream)) {
        const unsigned opcode = each.first & 0x0FU;
        const bool marked = (each.first & 0x40U) != 0;
        if (marked && (opcode == 0 || opcode >= 8)) throw std::invalid_argument("RSV1 on a later frame");
        if (opcode >= 8) {
            lines.push_back(each.is_close()  ? "close " + std::to_string(each.close_code())
                            : opcode == 0x09 ? "ping: " + std::string(each.text())
                                             : "pong: " + std::string(each.text()));
            continue;
        }
        if (opcode != 0) {
            compressed = marked;
            line = std::string(opcode == 1 ? "text" : "binary") + (marked ? " compressed: " : ": ");
        }
        payload = joined(payload, each.payload);
        if ((each.first & 0x80U) == 0) continue;
        const buffer content = compressed ? peer.message(payload) : payload;
        lines.push_back(line + std::string(text_of(content)));
        payload.clear();
    }
    return lines;
}

/// The payload of a message: ten bytes that stand so far back.
inline buffer reaching_back(unsigned distance) {
    return block_writer().begin_fixed().match_of_ten(distance).end().end_message().data();
}

/// A compressed message in one frame, and in fragments that end at these places, with Pings between them if `pings`.
inline buffer compressed_text(role from, cbytes payload) { return frame(from, 0xC1, payload); }
inline buffer fragments(role from, cbytes payload, const cuts& at, bool pings = false) {
    buffer out;
    std::size_t begin = 0;
    for (std::size_t i = 0; i != at.size(); ++i) {
        const unsigned fin = i + 1 == at.size() ? 0x80 : 0;
        out = joined(out, frame(from, (i == 0 ? 0x41U : 0x00U) | fin, payload.subspan(begin, at[i] - begin)));
        if (pings && fin == 0) out = joined(out, frame(from, 0x89, "p"));
        begin = at[i];
    }
    return out;
}

// --- contents

inline const std::string korean = "\xEC\x95\x88\xEB\x85\x95 \xF0\x9F\x91\x8B"; // two syllables and an emoji
inline const std::string story = "the first words, the first words, " + korean + korean + " and the last words.";

/// Text that compresses well.
inline std::string numbered_lines(std::size_t size) {
    std::string text;
    for (unsigned i = 0; text.size() < size; ++i) text += "{\"line\":" + std::to_string(i) + "}\n";
    return text.substr(0, size);
}

/// Text that does not compress by much.
inline std::string random_text(std::size_t size, std::uint64_t seed = 1) {
    std::mt19937_64 random(seed);
    std::string text(size, '\0');
    for (char& c : text) c = static_cast<char>(' ' + random() % 95);
    return text;
}

// --- endpoints

/// The terms that were agreed to, as one end sees them: whether messages refer to earlier ones, and the bits of
/// windows.
struct terms {
    bool takes_over = true;
    bool peer_takes_over = true;
    unsigned window = 15;
    unsigned peer_window = 15;
};
inline constexpr terms all_takeovers[] = {{true, true}, {true, false}, {false, true}, {false, false}};

inline ws::deflate_parameters parameters_of(const terms& seen, role by) {
    const bool server = by == role::server;
    const auto bits = [](unsigned window) { return static_cast<std::uint8_t>(window == 15 ? 0 : window); };
    return {
        .server_no_context_takeover = !(server ? seen.takes_over : seen.peer_takes_over),
        .client_no_context_takeover = !(server ? seen.peer_takes_over : seen.takes_over),
        .server_max_window_bits = bits(server ? seen.window : seen.peer_window),
        .client_max_window_bits = bits(server ? seen.peer_window : seen.window),
    };
}

struct compressing_server {
    static constexpr role own = role::server;
    static constexpr role other = role::client;
    template <class Compression, class Buffer>
    using endpoint_of = ws::basic_server<Buffer, Compression>;
    using endpoint = ws::zlib_server;

    template <class Compression>
    static auto make(const ws::options& how, Compression&& compression) {
        return endpoint_of<Compression, growing_buffer>(how, static_cast<Compression&&>(compression));
    }
    template <class Compression, class Buffer>
    static auto make(const ws::options& how, Compression&& compression, Buffer input, Buffer output) {
        return endpoint_of<Compression, Buffer>(static_cast<Buffer&&>(input), static_cast<Buffer&&>(output), how,
                                                static_cast<Compression&&>(compression));
    }

    /// The parameters that lead to these terms: the server wants them, the client leaves it the choice.
    static ws::deflate_parameters wanted(const terms& by) { return parameters_of(by, own); }
    static buffer opening(const terms&) {
        return bytes_from(upgrade_request("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"));
    }
};

struct compressing_client {
    static constexpr role own = role::client;
    static constexpr role other = role::server;
    template <class Compression, class Buffer>
    using endpoint_of = ws::basic_client<Buffer, Compression>;
    using endpoint = ws::zlib_client;

    template <class Compression>
    static auto make(const ws::options& how, Compression&& compression) {
        endpoint_of<Compression, growing_buffer> made(sample_keys(), how, static_cast<Compression&&>(compression));
        static_cast<void>(made.request({.host = "h", .target = "/chat"}));
        return made;
    }
    template <class Compression, class Buffer>
    static auto make(const ws::options& how, Compression&& compression, Buffer input, Buffer output) {
        endpoint_of<Compression, Buffer> made(sample_keys(), static_cast<Buffer&&>(input),
                                              static_cast<Buffer&&>(output), how,
                                              static_cast<Compression&&>(compression));
        static_cast<void>(made.request({.host = "h", .target = "/chat"}));
        return made;
    }

    /// The parameters that lead to these terms: the client leaves the server the choice.
    static ws::deflate_parameters wanted(const terms&) { return {}; }
    static buffer opening(const terms& chosen) {
        const ws::deflate_parameters said = parameters_of(chosen, own);
        std::string value = "permessage-deflate";
        if (said.server_no_context_takeover) value += "; server_no_context_takeover";
        if (said.client_no_context_takeover) value += "; client_no_context_takeover";
        const auto add_window = [&](std::string_view name, unsigned bits) {
            if (bits != 0) value += "; " + std::string(name) + "=" + std::to_string(bits);
        };
        add_window("server_max_window_bits", said.server_max_window_bits);
        add_window("client_max_window_bits", said.client_max_window_bits);
        return bytes_from(upgrade_response("Sec-WebSocket-Extensions: " + value + "\r\n"));
    }
};

/// An endpoint that compresses messages from 64 bytes on, on these terms, behind its opening handshake. More arguments:
/// its buffers.
template <class Side, class Compression = ws::zlib_compression, class... Buffers>
auto compressing(const terms& to = {}, const ws::options& how = {}, typename Compression::pool* shared = nullptr,
                 Buffers... buffers) {
    const ws::deflate_policy policy{.wanted = Side::wanted(to), .threshold = 64, .threshold_without_takeover = 64};
    auto run =
        opened(Side::make(how, Compression(policy, shared), static_cast<Buffers&&>(buffers)...), Side::opening(to));
    if (run.peer.compression().agreement().parameters != parameters_of(to, Side::own)) {
        throw std::logic_error("it agreed to something else");
    }
    return run;
}

/// The code of the Close that is all that was sent, as after a failure.
template <class Run>
unsigned close_sent(Run& run) {
    const auto frames = frames_in(run.take_sent());
    return frames.size() == 1 && frames[0].is_close() ? frames[0].close_code() : 0;
}

} // namespace sockless::test
