// Compressed messages, made with zlib alone or by hand, without the library.
// SPDX-License-Identifier: MIT
#pragma once

#include <zlib.h>

#include <bit>
#include <stdexcept>

#include "split.hpp"

namespace sockless::test {

/// Deflates one message after the other with one window (RFC 7692 section 7.2.1).
class reference_deflater {
  public:
    explicit reference_deflater(int window_bits = 15, int level = 6, int strategy = Z_DEFAULT_STRATEGY) {
        if (::deflateInit2(&stream_, level, Z_DEFLATED, -window_bits, 9, strategy) != Z_OK) throw std::bad_alloc();
    }
    reference_deflater(const reference_deflater&) = delete;
    reference_deflater& operator=(const reference_deflater&) = delete;
    ~reference_deflater() { ::deflateEnd(&stream_); }

    /// The output for `content` and a flush: zlib's `Z_SYNC_FLUSH`, `Z_FULL_FLUSH`, `Z_BLOCK`, `Z_FINISH`.
    buffer flushed(cbytes content, int flush) {
        buffer out(::deflateBound(&stream_, content.size()) + 64);
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(content.data()));
        stream_.avail_in = static_cast<uInt>(content.size());
        stream_.next_out = reinterpret_cast<Bytef*>(out.data());
        stream_.avail_out = static_cast<uInt>(out.size());
        const int status = ::deflate(&stream_, flush);
        if (status == Z_STREAM_ERROR || stream_.avail_in != 0 || stream_.avail_out == 0)
            throw std::runtime_error("zlib does not deflate");
        out.erase(out.end() - stream_.avail_out, out.end());
        // After the last block only a new stream can follow.
        if (flush == Z_FINISH) ::deflateReset(&stream_);
        return out;
    }

    /// The payload of a message: without 00 00 FF FF at its end, and 00 if it is empty.
    buffer message(cbytes content) {
        if (content.empty()) return octets({0});
        buffer out = flushed(content, Z_SYNC_FLUSH);
        out.erase(out.end() - 4, out.end());
        return out;
    }

  private:
    z_stream stream_{};
};

/// One message's payload, compressed with a window that is empty before it.
inline buffer deflated(cbytes content, int window_bits = 15, int level = 6, int strategy = Z_DEFAULT_STRATEGY) {
    return reference_deflater(window_bits, level, strategy).message(content);
}
inline buffer deflated(std::string_view content, int window_bits = 15, int level = 6,
                       int strategy = Z_DEFAULT_STRATEGY) {
    return deflated(bytes_of(content), window_bits, level, strategy);
}

/// A message of so many zeros: about a thousandth of them.
inline buffer bomb(std::size_t zeros) { return deflated(buffer(zeros), 15, 9); }

/// Deflate data written bit by bit (RFC 1951 section 3), for what no compressor makes.
class block_writer {
  public:
    /// An element, its least bit first.
    block_writer& bits(unsigned value, unsigned count) {
        for (unsigned i = 0; i != count; ++i) bit(value >> i & 1U);
        return *this;
    }

    /// A Huffman code, its first bit first.
    block_writer& code(unsigned value, unsigned count) {
        for (unsigned i = count; i-- != 0;) bit(value >> i & 1U);
        return *this;
    }

    /// The header of a block with the codes that everyone knows; `end` ends it.
    block_writer& begin_fixed(bool final = false) { return bits(final ? 1 : 0, 1).bits(1, 2); }
    block_writer& literal(unsigned value) { return value < 144 ? code(0x30 + value, 8) : code(0x190 + value - 144, 9); }
    block_writer& text(std::string_view content) {
        for (const char c : content) literal(static_cast<unsigned char>(c));
        return *this;
    }
    /// The three, or ten, bytes that stand so far back.
    block_writer& match_of_three(unsigned distance) { return match(257, distance); }
    block_writer& match_of_ten(unsigned distance) { return match(264, distance); }
    block_writer& end() { return code(0, 7); }

    /// A whole block with codes that everyone knows.
    block_writer& fixed(std::string_view content, bool final = false) { return begin_fixed(final).text(content).end(); }

    /// A whole block that is not compressed.
    block_writer& stored(std::string_view content, bool final = false) {
        bits(final ? 1 : 0, 3).align();
        const auto size = static_cast<unsigned>(content.size());
        bits(size, 16).bits(~size, 16);
        for (const char c : content) bits(static_cast<unsigned char>(c), 8);
        return *this;
    }

    /// Fills up to a whole byte. A block that is not compressed begins there, and so does any block behind a final one.
    block_writer& align() {
        while (used_ != 0) bit(0);
        return *this;
    }

    /// The header of the empty stored block that ends a message (RFC 7692 section 7.2.1); the rest of it is not sent.
    block_writer& end_message() { return bits(0, 3).align(); }

    /// All of it, up to a whole byte.
    [[nodiscard]] const buffer& data() const { return data_; }

  private:
    // RFC 1951 section 3.2.5; the lengths are those that need no more bits.
    block_writer& match(unsigned length_code, unsigned distance) {
        code(length_code - 256, 7);
        const unsigned place = distance - 1;
        if (place < 4) return code(place, 5);
        const auto extra = static_cast<unsigned>(std::bit_width(place)) - 2;
        return code(2 * extra + (place >> extra), 5).bits(place & ((1U << extra) - 1), extra);
    }

    void bit(unsigned value) {
        if (used_ == 0) data_.push_back(std::byte{0});
        data_.back() |= static_cast<std::byte>(value << used_);
        used_ = (used_ + 1) % 8;
    }

    buffer data_{};
    unsigned used_ = 0; // bits of the last byte
};

} // namespace sockless::test
