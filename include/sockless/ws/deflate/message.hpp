// Inflates and deflates messages piece by piece, with any compressor that has a few verbs (RFC 7692 section 7.2).
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

#include "../decoder.hpp"

namespace sockless::ws {

/// The result of one step of an inflater or deflater.
enum class deflate_status : std::uint8_t {
    done,        ///< all input is taken and all output of it given; a deflater has also flushed it
    need_room,   ///< the output is full, and there may be more for it
    final_block, ///< inflater: a block that is marked as the last has ended; a new block may follow in the input
    corrupt,     ///< inflater: this is not deflate data
    no_memory,   ///< there is no memory to begin with
};

/// Decompresses raw deflate data (RFC 1951) that comes in pieces. Made without arguments; it may put off taking memory
/// until the first step. All verbs are `noexcept`.
///
/// It remembers the last 32 KiB of its output, as far as any reference can go back (RFC 1951 section 2), whatever
/// smaller window was agreed to: so the same reference is good or corrupt however input and room are cut [F12].
///
/// - `step(in, out)` takes bytes from the front of `in`, puts the inflated bytes to the front of `out`, and cuts both
///   spans accordingly. It returns at the end of the input, of the room, or of a block that is marked as the last
///   (BFINAL). After that a new block begins with the next whole byte, and the window stays (RFC 7692 section 7.2.3.4).
/// - `between_blocks()` says whether the bytes that were taken so far end with the end of a block.
/// - `reset()` forgets everything: then the inflater is as new, also after an error. It may keep its memory.
template <class T>
concept inflater = std::is_nothrow_default_constructible_v<T> &&
    requires(T codec, const T& constant, cbytes& in, bytes& out) {
    { codec.step(in, out) }
    noexcept->std::same_as<deflate_status>;
    { constant.between_blocks() }
    noexcept->std::same_as<bool>;
    { codec.reset() }
    noexcept;
};

/// Compresses to raw deflate data. Made from the bits of its window, from `smallest_window` to 15, and `T::settings`,
/// which has defaults. It may put off taking memory until the first step. All verbs are `noexcept`.
///
/// - `step(in, out)` takes all of `in`, which is empty only after `need_room`, in one or more calls; then it ends the
///   block and adds an empty stored one, so that the output ends with 00 00 FF FF ("sync flush"). Both spans are cut as
///   an inflater does. There are at least 12 bytes of room at each call.
/// - `reset()` forgets everything: the next data refers to nothing before it.
template <class T>
concept deflater = std::is_nothrow_constructible_v<T, unsigned, const typename T::settings&> &&
    std::is_default_constructible_v<typename T::settings> && requires(T codec, cbytes& in, bytes& out) {
    { codec.step(in, out) }
    noexcept->std::same_as<deflate_status>;
    { codec.reset() }
    noexcept;
    { T::smallest_window } -> std::convertible_to<unsigned>;
};

} // namespace sockless::ws

namespace sockless::ws::detail {

/// The bytes that end a message of compressed data, and are not sent (RFC 7692 section 7.2.1).
inline constexpr std::byte deflate_tail[] = {std::byte{0}, std::byte{0}, std::byte{0xFF}, std::byte{0xFF}};

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Inflates one message after the other: takes the data of a `decoder` that came compressed, gives data as a decoder
/// does. It knows the rules of messages. The caller holds the inflater and the memory for the output, and decides when
/// the inflater forgets. 24 bytes; no memory of its own.
///
///     ws::zlib_inflater codec;
///     ws::message_inflater message;
///     message.begin(ws::message_type::text);
///     std::array<std::byte, 4096> room;
///     cbytes payload = in;
///     while (const auto piece = message.next(codec, payload, true, room)) {
///         if (piece.kind == ws::decoder::kind::data) print(text_of(piece.payload));
///         if (piece.last || piece.kind == ws::decoder::kind::error) break;
///     }
class message_inflater {
  public:
    /// `limit`: the most bytes that one message may come to. A decoder's limit is on the bytes that are sent, so a
    /// message has to keep to both.
    constexpr explicit message_inflater(std::uint64_t limit = ws::limits{}.message) noexcept : limit_(limit) {}

    /// Begins the next message.
    constexpr void begin(message_type type) noexcept {
        type_ = type;
        size_ = 0;
        text_.reset();
        error_ = errc::none;
        begun_ = taken_ = waiting_ = false;
    }

    /// Takes compressed bytes from the front of `in`, inflates them to the front of `out`, and returns a `data` event,
    /// with a payload that is part of `out`. Call it until the event is false, as there is nothing more, or has `last`.
    /// The argument `last` says that `in` ends the message. `out` may be empty if the message inflates to nothing.
    ///
    /// Errors: `message_too_big` with the first byte beyond the limit, or beyond `out` if that is empty (RFC 6455
    /// section 10.4) [D9]; `deflate_corrupt`, `deflate_truncated`; `invalid_utf8` of a text; `no_memory`. Bytes before
    /// the error are given out first. After an error the inflater is of no use before it is reset.
    template <inflater Codec>
    [[nodiscard]] constexpr decoder::event next(Codec& codec, cbytes& in, bool last, bytes out) noexcept {
        if (error_ != errc::none) return {.kind = decoder::kind::error, .error = error_};
        if (out.size() > limit_ - size_) out = out.first(static_cast<std::size_t>(limit_ - size_));
        std::byte beyond[1] = {};
        bytes room = out.empty() ? bytes(beyond) : out;
        const bool all = inflate(codec, in, room);
        if (out.empty() && room.empty()) error_ = errc::message_too_big;
        const bool complete = all && last && error_ == errc::none && end(codec);
        return give(out.first(out.empty() ? 0 : out.size() - room.size()), complete);
    }

    /// Bytes of this message that were given out.
    [[nodiscard]] constexpr std::uint64_t size() const noexcept { return size_; }

  private:
    // Whether all of `in` was taken, and all output of it given.
    template <class Codec>
    [[nodiscard]] constexpr bool inflate(Codec& codec, cbytes& in, bytes& room) noexcept {
        for (;;) {
            if (!in.empty()) {
                taken_ = true;
                ended_ = false;
            } else if (!waiting_) {
                return true;
            }
            waiting_ = false;
            switch (codec.step(in, room)) {
            case deflate_status::done: return true;
            case deflate_status::need_room: waiting_ = true; return false;
            // A block that is marked as the last says nothing of the message (RFC 7692 section 7.2.3.4) [D7].
            case deflate_status::final_block: ended_ = true; break;
            case deflate_status::corrupt: error_ = errc::deflate_corrupt; return false;
            case deflate_status::no_memory: error_ = errc::no_memory; return false;
            }
        }
    }

    // Whether the message may end here.
    template <class Codec>
    [[nodiscard]] constexpr bool end(Codec& codec) noexcept {
        // A message of no bytes at all is empty [D7]. One that ends with a block marked as the last is complete.
        if (!taken_ || ended_) return true;
        // Else the end of the data was not sent (RFC 7692 section 7.2.2). It ends a block, and inflates to nothing.
        cbytes tail = detail::deflate_tail;
        std::byte spare[1] = {};
        bytes room = spare;
        const deflate_status status = codec.step(tail, room);
        const bool good =
            (status == deflate_status::done && codec.between_blocks()) || status == deflate_status::final_block;
        if (good && tail.empty() && !room.empty()) return true;
        error_ = errc::deflate_truncated;
        return false;
    }

    [[nodiscard]] constexpr decoder::event give(bytes piece, bool complete) noexcept {
        if (type_ == message_type::text) {
            // A text message is UTF-8 as a whole, once it is inflated (RFC 6455 section 8.1) [D9].
            const std::size_t valid = text_.feed(piece);
            if (valid != piece.size() || (complete && !text_.complete())) {
                error_ = errc::invalid_utf8;
                piece = piece.first(valid);
                complete = false;
            }
        }
        if (piece.empty() && !complete) {
            return {.kind = error_ == errc::none ? decoder::kind::need_input : decoder::kind::error, .error = error_};
        }
        const decoder::event found{decoder::kind::data, type_, !begun_, complete, true, errc::none, 0, piece};
        begun_ = true;
        size_ += piece.size();
        return found;
    }

    std::uint64_t limit_;
    std::uint64_t size_ = 0;
    message_type type_ = message_type::text;
    utf8_validator text_{};
    errc error_ = errc::none;
    bool begun_ = false;   // something was given out
    bool taken_ = false;   // some bytes were taken
    bool ended_ = false;   // the last of them ended a block that is marked as the last
    bool waiting_ = false; // there was no room for all output of them
};

static_assert(sizeof(message_inflater) == 24);

/// Deflates one message after the other: takes pieces of them, gives the payloads of frames (RFC 7692 section 7.2.1).
/// The caller holds the deflater and the memory for the output, and decides when the deflater forgets. 6 bytes; no
/// memory of its own.
///
///     ws::zlib_deflater codec(15, {});
///     ws::message_deflater message;
///     std::array<std::byte, 4096> room;
///     cbytes payload = in;
///     const auto deflated = message.next(codec, payload, true, room); // the payload of a frame with RSV1
///     if (deflated) write(bytes(room).first(deflated.size));
class message_deflater {
  public:
    /// `done`: the output so far holds all of the piece. `need_room`: call again, with room. `no_memory`, and `corrupt`
    /// if the deflater breaks its contract: reset both.
    struct result {
        deflate_status status = deflate_status::done;
        std::size_t size = 0; ///< bytes at the front of `out`

        [[nodiscard]] constexpr explicit operator bool() const noexcept { return status == deflate_status::done; }
    };

    /// The least room for `next`, in bytes; with less it does nothing.
    static constexpr std::size_t least_room = 16;

    /// Takes bytes from the front of `in`, a piece of a message, and compresses them into `out`, which has at least
    /// `least_room` bytes. `last` says that `in` ends the message. A piece that is not the last is flushed: the
    /// receiver can read all of it.
    template <deflater Codec>
    [[nodiscard]] constexpr result next(Codec& codec, cbytes& in, bool last, bytes out) noexcept {
        if (out.size() < least_room) return {deflate_status::need_room, 0};
        if (!flushing_ && in.empty()) {
            if (!last) return {};
            // This byte is left of an empty stored block once its end is dropped (RFC 7692 section 7.2.3.6) [D6].
            out[0] = std::byte{0};
            return {deflate_status::done, 1};
        }
        detail::copy(out.data(), held_, held_size_);
        bytes room = out.subspan(held_size_);
        const deflate_status status = codec.step(in, room);
        std::size_t size = out.size() - room.size();
        flushing_ = status == deflate_status::need_room;
        held_size_ = 0;
        if (status != deflate_status::done && !flushing_) return {status, 0};
        if (!last) return {status, size};
        // The end of the last piece is not sent (RFC 7692 section 7.2.1), so the last bytes of the output wait until it
        // is known whether they are that end.
        if (size < sizeof held_) return {deflate_status::corrupt, 0};
        size -= sizeof held_;
        detail::copy(held_, out.data() + size, sizeof held_);
        if (flushing_) {
            held_size_ = sizeof held_;
            return {status, size};
        }
        for (std::size_t i = 0; i != sizeof held_; ++i) {
            if (held_[i] != detail::deflate_tail[i]) return {deflate_status::corrupt, 0};
        }
        return {status, size};
    }

    /// Forgets a message that was not ended.
    constexpr void reset() noexcept {
        flushing_ = false;
        held_size_ = 0;
    }

  private:
    bool flushing_ = false; // there was no room for all of a piece
    std::uint8_t held_size_ = 0;
    std::byte held_[sizeof detail::deflate_tail] = {};
};

static_assert(sizeof(message_deflater) == 6);

} // namespace sockless::ws
