// permessage-deflate with zlib: the only header that needs it. Not part of sockless.hpp; link with -lz.
// SPDX-License-Identifier: MIT
#pragma once

#include <zlib.h>

#include "../client.hpp"
#include "../server.hpp"
#include "stage.hpp"

namespace sockless::ws::detail {

/// Calls zlib on `stream` until `in` is used up, `out` is full, or there is another status than `Z_OK`, which it
/// returns. Cuts both spans by the bytes that were used. One call is enough, unless the data is larger than zlib can
/// count.
template <class Call>
int run_zlib(z_stream& stream, cbytes& in, bytes& out, Call call) noexcept {
    constexpr std::size_t most = static_cast<uInt>(-1);
    int status = Z_OK;
    do {
        const auto in_size = static_cast<uInt>(in.size() < most ? in.size() : most);
        const auto out_size = static_cast<uInt>(out.size() < most ? out.size() : most);
        stream.avail_in = in_size;
        stream.avail_out = out_size;
        // zlib does not write to its input, though the type is only const if ZLIB_CONST is defined.
        stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
        stream.next_out = reinterpret_cast<Bytef*>(out.data());
        status = call();
        in = in.subspan(in_size - stream.avail_in);
        out = out.subspan(out_size - stream.avail_out);
    } while (status == Z_OK && !out.empty() && (!in.empty() || stream.avail_out == 0));
    return status;
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// An `inflater` that is zlib's. About 7 KiB, taken from the heap with the first step, and a window of 32 KiB, taken
/// with the first output. The window has this size whatever was agreed to: see `inflater`.
///
///     ws::zlib_inflater codec;
///     std::array<std::byte, 4096> memory;
///     cbytes compressed = in;
///     bytes room = memory; // becomes what is left
///     if (codec.step(compressed, room) == ws::deflate_status::done) print(memory.size() - room.size());
class zlib_inflater {
  public:
    zlib_inflater() noexcept = default;
    zlib_inflater(const zlib_inflater&) = delete;
    zlib_inflater& operator=(const zlib_inflater&) = delete;
    ~zlib_inflater() {
        if (begun_) ::inflateEnd(&stream_);
    }

    /// The functions of an `inflater`.
    [[nodiscard]] deflate_status step(cbytes& in, bytes& out) noexcept {
        if (!begun_ && !begin()) return deflate_status::no_memory;
        if (out.empty()) return deflate_status::need_room;
        const int status = detail::run_zlib(stream_, in, out, [&] { return ::inflate(&stream_, Z_SYNC_FLUSH); });
        switch (status) {
        case Z_OK:
            // Bit 7: it came to a stop directly behind a block.
            between_blocks_ = (stream_.data_type & 128) != 0;
            [[fallthrough]];
        case Z_BUF_ERROR: // nothing could be done, which is no error
            return out.empty() ? deflate_status::need_room : deflate_status::done;
        case Z_STREAM_END: return go_on_after_final_block();
        case Z_MEM_ERROR: return deflate_status::no_memory;
        default: return deflate_status::corrupt;
        }
    }

    /// Whether the data so far ends directly behind a block.
    [[nodiscard]] bool between_blocks() const noexcept { return between_blocks_; }

    /// Begins anew, and forgets what came before. The memory stays.
    void reset() noexcept {
        if (begun_) ::inflateReset(&stream_);
        between_blocks_ = true;
    }

  private:
    [[nodiscard]] bool begin() noexcept {
        // zlib judges a reference by the bytes that it still has: those of its window, and those that came out in the
        // same call. The largest window has all that a reference can reach (RFC 1951 section 2), so the verdict is the
        // same at every split [F12]. Negative: raw deflate data, without a header.
        begun_ = ::inflateInit2(&stream_, -15) == Z_OK;
        return begun_;
    }

    // Begins anew, with the window as it is. The manual only offers to copy the window out and in, and a peer that
    // marks each of many empty blocks as the last would make us do so for every two bytes.
    [[nodiscard]] deflate_status go_on_after_final_block() noexcept {
        ::inflateResetKeep(&stream_);
        between_blocks_ = true;
        return deflate_status::final_block;
    }

    z_stream stream_{};
    bool begun_ = false;
    bool between_blocks_ = true;
};

/// A `deflater` that is zlib's. With the default settings 256 KiB for a window of 15 bits, and never less than half of
/// that: a small window only saves memory together with a small `memory_level`. Taken from the heap with the first
/// step.
///
///     ws::zlib_deflater fast(12, {.level = 1, .memory_level = 5});
///     std::array<std::byte, 4096> memory;
///     cbytes plain = in;
///     bytes room = memory; // becomes what is left
///     if (fast.step(plain, room) == ws::deflate_status::done) print(memory.size() - room.size());
class zlib_deflater {
  public:
    /// See zlib's `deflateInit2`.
    struct settings {
        int level = Z_DEFAULT_COMPRESSION; ///< 1 to 9: from fast to small
        int memory_level = 8;              ///< 1 to 9: 2 to the power of (this + 9) bytes beside the window
    };

    /// zlib cannot use a window of 8 bits.
    static constexpr unsigned smallest_window = smallest_deflate_window;

    /// With a window of so many bits, 9 to 15.
    zlib_deflater(unsigned window_bits, const settings& wanted) noexcept
        : settings_(wanted), window_bits_(static_cast<int>(window_bits)) {}
    zlib_deflater(const zlib_deflater&) = delete;
    zlib_deflater& operator=(const zlib_deflater&) = delete;
    ~zlib_deflater() {
        if (begun_) ::deflateEnd(&stream_);
    }

    /// The functions of a `deflater`.
    [[nodiscard]] deflate_status step(cbytes& in, bytes& out) noexcept {
        if (!begun_ && !begin()) return deflate_status::no_memory;
        detail::run_zlib(stream_, in, out, [&] { return ::deflate(&stream_, Z_SYNC_FLUSH); });
        return out.empty() ? deflate_status::need_room : deflate_status::done;
    }

    /// Begins anew, and forgets what came before. The memory stays.
    void reset() noexcept {
        if (begun_) ::deflateReset(&stream_);
    }

  private:
    [[nodiscard]] bool begin() noexcept {
        begun_ = ::deflateInit2(&stream_, settings_.level, Z_DEFLATED, -window_bits_, settings_.memory_level,
                                Z_DEFAULT_STRATEGY) == Z_OK;
        return begun_;
    }

    z_stream stream_{};
    settings settings_;
    int window_bits_;
    bool begun_ = false;
};

/// The compression of an endpoint with zlib, and the pool that its connections can share.
using zlib_compression = deflate_stage<zlib_inflater, zlib_deflater>;
using zlib_pool = zlib_compression::pool;

/// The usual endpoints, with compression.
using zlib_server = basic_server<growing_buffer, zlib_compression>;
using zlib_client = basic_client<growing_buffer, zlib_compression>;

} // namespace sockless::ws
