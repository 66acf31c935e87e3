// The limit rows: what the memory and the processor allow those who do the least that gives the same bytes.
// SPDX-License-Identifier: MIT
#if defined(__x86_64__)

#include <cstdlib>

#include "decode.hpp"
#include "encode.hpp"
#include "growth.hpp"
#include "handshake.hpp"
#include "limit_kernels.hpp"
#include "octets.hpp"

namespace bench {
namespace {

// Data frames only, in place, pieces out; of the rules only UTF-8 is checked.
template <class Sink>
class limit_decoder {
  public:
    limit_decoder(decoding_role role, Sink& sink) : masked_(role == decoding_role::server), sink_(sink) {}

    void round(socket& from) {
        from.read_all([this](std::byte* data, std::size_t size) { feed(data, data + size); });
    }

  private:
    void feed(std::byte* at, std::byte* end) {
        while (at != end) {
            if (!in_payload_) {
                if (held_size_ == 0 && end - at >= 14) {
                    at += header(at);
                } else {
                    while (at != end && held_size_ < wanted()) held_[held_size_++] = *at++;
                    if (held_size_ < wanted()) return;
                    header(held_.data());
                    held_size_ = 0;
                }
            }
            const auto available = static_cast<std::size_t>(end - at);
            const std::size_t size = available < left_ ? available : static_cast<std::size_t>(left_);
            const bool not_ascii = masked_ ? limit::mask(at, at, size, key_) : text_ && limit::not_ascii(at, size);
            if (text_ && (not_ascii || utf8_.pending()) && !utf8_.feed(at, size)) return;
            left_ -= size;
            in_payload_ = left_ != 0;
            sink_.piece(at, size, !in_payload_);
            at += size;
            if (in_payload_) key_ = limit::rotated(key_, size);
        }
    }

    std::size_t header(const std::byte* at) {
        text_ = at[0] == std::byte{0x81};
        left_ = static_cast<std::uint64_t>(at[1]) & 0x7FU;
        std::size_t size = 2;
        if (left_ == 126) {
            left_ = __builtin_bswap16(limit::load<std::uint16_t>(at + 2));
            size = 4;
        } else if (left_ == 127) {
            left_ = __builtin_bswap64(limit::load<std::uint64_t>(at + 2));
            size = 10;
        }
        if (masked_) {
            key_ = limit::load<std::uint32_t>(at + size);
            size += 4;
        }
        in_payload_ = true;
        return size;
    }

    [[nodiscard]] std::size_t wanted() const {
        if (held_size_ < 2) return 2;
        const unsigned length = static_cast<unsigned>(held_[1]) & 0x7FU;
        return (length == 127 ? 10U : length == 126 ? 4U : 2U) + (masked_ ? 4U : 0U);
    }

    bool masked_;
    bool text_ = false;
    bool in_payload_ = false;
    std::uint32_t key_ = 0;
    std::uint64_t left_ = 0;
    limit::utf8_stream utf8_;
    std::size_t held_size_ = 0;
    std::array<std::byte, 14> held_{};
    Sink& sink_;
};

// The least that a connection must remember from one read to the next, and the least that is done with it where each
// read is a whole small frame.
class limit_connection {
  public:
    template <class Sink>
    void take(std::byte* data, std::size_t size, Sink& sink) {
        const std::size_t length = static_cast<std::size_t>(data[1]) & 0x7FU;
        if (left_ != 0 || cut_ != 0 || in_message_ || size != 6 + length) std::abort();
        key_ = limit::load<std::uint32_t>(data + 2);
        if (limit::mask(data + 6, data + 6, length, key_)) std::abort();
        sink.piece(data + 6, length, true);
    }

  private:
    std::uint64_t left_ = 0; // of the frame
    std::uint32_t key_ = 0;
    std::uint32_t cut_ = 0; // of the character
    bool in_message_ = false;
};

class limit_encoder {
  public:
    explicit limit_encoder(bool masked) : masked_(masked) {}

    std::byte* encode(std::byte* out, const std::byte* payload, std::size_t size, std::uint32_t key) const {
        const std::byte bit{static_cast<unsigned char>(masked_ ? 0x80 : 0)};
        out[0] = std::byte{0x81};
        if (size <= 125) {
            out[1] = bit | static_cast<std::byte>(size);
            out += 2;
        } else if (size <= 0xFFFF) {
            out[1] = bit | std::byte{126};
            const std::uint16_t length = __builtin_bswap16(static_cast<std::uint16_t>(size));
            std::memcpy(out + 2, &length, 2);
            out += 4;
        } else {
            out[1] = bit | std::byte{127};
            const std::uint64_t length = __builtin_bswap64(size);
            std::memcpy(out + 2, &length, 8);
            out += 10;
        }
        if (masked_) {
            std::memcpy(out, &key, 4);
            out += 4;
            static_cast<void>(limit::mask(out, payload, size, key));
        } else {
            std::memcpy(out, payload, size);
        }
        return out + size;
    }

  private:
    bool masked_;
};

bool is_utf8(const std::byte* data, std::size_t size) {
    return !limit::not_ascii(data, size) || limit::is_utf8_avx2(data, size);
}

void mask_in_place(std::byte* data, std::size_t size, std::uint32_t key) {
    static_cast<void>(limit::mask(data, data, size, key));
}

template <class Sink>
struct limit_head {
    static void parse(std::byte* data, std::size_t size, Sink& sink) {
        const std::string_view text(reinterpret_cast<const char*>(data), size);
        const std::size_t first = text.find(' ');
        const std::size_t second = text.find(' ', first + 1);
        piece(sink, text.substr(0, first), false);
        piece(sink, text.substr(first + 1, second - first - 1), true);
        limit::lines lines;
        limit::find_lines(text.data(), text.data() + size, lines);
        for (std::size_t i = 0; i != lines.count; ++i) {
            piece(sink, lines.fields[i].first, false);
            piece(sink, lines.fields[i].second, true);
        }
    }
};

// Whether two texts are the same, where the second is of lower-case letters and hyphens.
bool same(std::string_view a, std::string_view lower) {
    if (a.size() != lower.size()) return false;
    for (std::size_t i = 0; i != a.size(); ++i) {
        if ((a[i] | 0x20) != lower[i]) return false;
    }
    return true;
}

std::size_t answer(std::byte* data, std::size_t size, char* out) {
    limit::lines lines;
    const auto* const text = reinterpret_cast<const char*>(data);
    limit::find_lines(text, text + size, lines);
    std::string_view key, upgrade, connection, version;
    for (std::size_t i = 0; i != lines.count; ++i) {
        const auto& [name, value] = lines.fields[i];
        if (same(name, "sec-websocket-key")) key = value;
        if (same(name, "sec-websocket-version")) version = value;
        if (same(name, "upgrade")) upgrade = value;
        if (same(name, "connection")) connection = value;
    }
    if (key.size() != 24 || !same(upgrade, "websocket") || !same(connection, "upgrade") || version != "13") return 0;
    constexpr std::string_view begin = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                       "Connection: Upgrade\r\nSec-WebSocket-Accept: ";
    std::memcpy(out, begin.data(), begin.size());
    limit::accept_key(key, out + begin.size());
    std::memcpy(out + begin.size() + 28, "\r\n\r\n", 4);
    return begin.size() + 32;
}

const bool added = limit::has_avx2() && add_decoder<limit_decoder>("limit", decode_workloads) &&
                   add_decoder<limit_decoder>("limit", endpoint_workloads) &&
                   add_decoder<limit_decoder>("limit", growth_workloads) &&
                   add_connections<limit_connection>("connections", "limit") &&
                   add_connections<limit_connection>("decoders", "limit") && add_encoder<limit_encoder>("limit") &&
                   add_utf8<is_utf8>("limit") && add_mask<mask_in_place>("limit") && add_head<limit_head>("limit");
const bool added_with_sha =
    limit::has_avx2() && limit::has_sha() && add_answer<answer>("limit") && add_accept_key<limit::accept_key>("limit");

} // namespace
} // namespace bench

#endif
