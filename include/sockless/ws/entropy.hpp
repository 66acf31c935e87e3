// Masking keys and nonces: a ChaCha20 stream from 32 bytes of the caller's entropy, or a function of the caller's.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>

#include "../core.hpp"

namespace sockless::ws {

/// Unpredictable bytes for a client's nonce and masking keys. A party that chooses the payload must not be able to
/// guess them (RFC 6455 sections 5.3 and 10.3).
///
/// There are two kinds. One is seeded with 32 bytes from a strong source (such as `getrandom`): it is the ChaCha20
/// stream of RFC 8439, with the key replaced after every block, so that earlier bytes cannot be computed from its
/// state. The other calls a function of the caller's. It moves and does not copy: two that give the same bytes would
/// give the same keys to two connections.
///
/// One without a source gives no bytes, and a client that has it sends nothing (`errc::no_entropy`). It has no source
/// if it was made without arguments, if it was moved from, if the pointer to the function is null, or if all bytes of
/// the seed are 0, as they are in an array that nobody has filled.
///
///     ws::entropy::seed seed{};
///     if (read(seed) != seed.size()) return; // from getrandom, getentropy, BCryptGenRandom
///     ws::client client{ws::entropy(seed)};
class entropy {
  public:
    /// Bytes from a strong source, fresh for each connection.
    using seed = std::array<std::byte, 32>;

    /// Fills `out` with unpredictable bytes. `context` is the pointer that the caller gave with the function. Returns
    /// false if it cannot; then no byte of `out` is used.
    using function = bool (*)(void* context, bytes out);

    constexpr entropy() noexcept = default;
    /// The stream of this seed.
    constexpr explicit entropy(const seed& from) noexcept {
        for (std::size_t i = 0; i != from.size(); ++i) {
            key_[i / 4] |= static_cast<std::uint32_t>(from[i]) << (8 * (i % 4));
            if (from[i] != std::byte{0}) source_ = nullptr;
        }
    }
    /// A function of the caller's, which is called with `context`.
    constexpr explicit entropy(function source, void* context = nullptr) noexcept
        : source_(source != nullptr ? source : &give_nothing), context_(context) {}
    entropy(std::nullptr_t, void* = nullptr) = delete;

    constexpr entropy(entropy&& other) noexcept { take_from(other); }
    constexpr entropy& operator=(entropy&& other) noexcept {
        entropy taken(static_cast<entropy&&>(other));
        take_from(taken);
        return *this;
    }
    ~entropy() = default;

    /// Fills `out`, of any size. False if there is no source, or if it fails; then no byte of `out` may be used.
    [[nodiscard]] constexpr bool fill(bytes out) noexcept {
        if (source_ != nullptr) return source_(context_, out);
        for (std::byte& to : out) {
            if (left_ == 0) refill();
            const auto i = static_cast<unsigned>(sizeof(words)) - left_--;
            to = static_cast<std::byte>(pool_[i / 4] >> (8 * (i % 4)));
            // Bytes that were given out are erased.
            pool_[i / 4] &= ~(0xFFU << (8 * (i % 4)));
        }
        return true;
    }

  private:
    using words = std::array<std::uint32_t, 8>;

    static constexpr bool give_nothing(void*, bytes) noexcept { return false; }

    // Leaves no source behind, and no key.
    constexpr void take_from(entropy& other) noexcept {
        key_ = other.key_;
        pool_ = other.pool_;
        source_ = other.source_;
        context_ = other.context_;
        left_ = other.left_;
        other.key_ = other.pool_ = {};
        other.source_ = &give_nothing;
        other.left_ = 0;
    }

    // One block of ChaCha20 (RFC 8439 section 2.3), counter and nonce zero: the key is used once. Half of the block is
    // the next key, half is given out.
    constexpr void refill() noexcept {
        std::array<std::uint32_t, 16> start{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
        for (std::size_t i = 0; i != 8; ++i) start[4 + i] = key_[i];
        std::array<std::uint32_t, 16> block = start;
        for (int round = 0; round != 10; ++round) {
            for (std::size_t i = 0; i != 4; ++i) quarter_round(block, i, 4 + i, 8 + i, 12 + i);
            for (std::size_t i = 0; i != 4; ++i) {
                quarter_round(block, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
            }
        }
        for (std::size_t i = 0; i != 8; ++i) {
            key_[i] = block[i] + start[i];
            pool_[i] = block[8 + i] + start[8 + i];
        }
        left_ = sizeof(words);
    }

    // RFC 8439 section 2.1.
    static constexpr void quarter_round(std::array<std::uint32_t, 16>& state, std::size_t a, std::size_t b,
                                        std::size_t c, std::size_t d) noexcept {
        state[a] += state[b];
        state[d] = std::rotl(state[d] ^ state[a], 16);
        state[c] += state[d];
        state[b] = std::rotl(state[b] ^ state[c], 12);
        state[a] += state[b];
        state[d] = std::rotl(state[d] ^ state[a], 8);
        state[c] += state[d];
        state[b] = std::rotl(state[b] ^ state[c], 7);
    }

    words key_{};
    words pool_{};
    function source_ = &give_nothing; // null: the stream
    void* context_ = nullptr;
    unsigned left_ = 0;
};

} // namespace sockless::ws
