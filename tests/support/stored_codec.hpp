// The smallest deflater and inflater: stored blocks only, with no memory and no library. Runs in constant evaluation.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless/ws/deflate/message.hpp>

namespace sockless::test {

/// Moves what fits from the front of one to the front of the other.
constexpr std::size_t move_front(cbytes& from, bytes& to, std::size_t most) noexcept {
    std::size_t size = from.size() < to.size() ? from.size() : to.size();
    if (size > most) size = most;
    sockless::detail::copy(to.data(), from.data(), size);
    from = from.subspan(size);
    to = to.subspan(size);
    return size;
}

/// An `inflater` of stored blocks (RFC 1951 section 3.2.4); all else is corrupt.
class stored_inflater {
  public:
    [[nodiscard]] constexpr ws::deflate_status step(cbytes& in, bytes& out) noexcept {
        for (;;) {
            if (left_ != 0) {
                left_ -= move_front(in, out, left_);
                if (left_ != 0) return in.empty() ? ws::deflate_status::done : ws::deflate_status::need_room;
                if (ended()) return ws::deflate_status::final_block;
            }
            if (in.empty()) return ws::deflate_status::done;
            header_[size_++] = static_cast<std::uint8_t>(in.front());
            in = in.subspan(1);
            if ((header_[0] & 6U) != 0) return ws::deflate_status::corrupt;
            if (size_ != sizeof header_) continue;
            left_ = header_[1] | static_cast<std::size_t>(header_[2]) << 8U;
            if ((header_[1] ^ header_[3]) != 0xFF || (header_[2] ^ header_[4]) != 0xFF) {
                return ws::deflate_status::corrupt;
            }
            if (left_ == 0 && ended()) return ws::deflate_status::final_block;
        }
    }

    [[nodiscard]] constexpr bool between_blocks() const noexcept { return size_ == 0; }

    constexpr void reset() noexcept { size_ = left_ = 0; }

  private:
    // Ends a block, and says whether it was the last.
    [[nodiscard]] constexpr bool ended() noexcept {
        size_ = 0;
        return (header_[0] & 1U) != 0;
    }

    std::uint8_t header_[5] = {};
    std::size_t size_ = 0; // of the header, as far as it was read
    std::size_t left_ = 0; // of the block's content
};

/// A `deflater` that stores: each piece of content in as many blocks as the room asks for.
class stored_deflater {
  public:
    struct settings {};
    static constexpr unsigned smallest_window = 8;

    constexpr stored_deflater(unsigned, const settings&) noexcept {}

    [[nodiscard]] constexpr ws::deflate_status step(cbytes& in, bytes& out) noexcept {
        while (!in.empty()) {
            if (out.size() <= header_size) return ws::deflate_status::need_room;
            std::size_t size = out.size() - header_size;
            if (size > in.size()) size = in.size();
            if (size > 0xFFFF) size = 0xFFFF;
            put_header(out, size);
            move_front(in, out, size);
        }
        if (out.size() < header_size) return ws::deflate_status::need_room;
        put_header(out, 0);
        return ws::deflate_status::done;
    }

    constexpr void reset() noexcept {}

  private:
    static constexpr std::size_t header_size = 5;

    static constexpr void put_header(bytes& out, std::size_t size) noexcept {
        const std::byte low = static_cast<std::byte>(size & 0xFFU), high = static_cast<std::byte>(size >> 8U);
        const std::byte header[header_size] = {std::byte{0}, low, high, ~low, ~high};
        cbytes from = header;
        move_front(from, out, header_size);
    }
};

static_assert(ws::inflater<stored_inflater> && ws::deflater<stored_deflater>);

} // namespace sockless::test
