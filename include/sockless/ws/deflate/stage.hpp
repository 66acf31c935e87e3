// All that an endpoint needs to compress with permessage-deflate: the terms that were agreed to, an inflater, a
// deflater.
// SPDX-License-Identifier: MIT
#pragma once

#include "../prepared_message.hpp"
#include "compression.hpp"
#include "negotiation.hpp"
#include "pool.hpp"

#include "../../detail/compiler_begin.inc"

namespace sockless::ws {

/// Makes `basic_server` and `basic_client` compress, as their last argument (see `compression`): agrees to
/// permessage-deflate (RFC 7692), inflates messages that come, deflates messages that are sent. Memory for windows is
/// taken with the first message that is compressed, in each direction, and then kept, or shared. Inflated messages lie
/// in the endpoint's buffer for input; if they are handed out in pieces, a piece has at most 16 KiB.
///
///     const ws::deflate_policy policy{.wanted = {.server_max_window_bits = 10}};
///     ws::zlib_server peer({}, ws::zlib_compression(policy)); // a deflate_stage
template <inflater Inflater, deflater Deflater>
class deflate_stage {
  public:
    using pool = deflate_pool<Inflater, Deflater>;
    using settings = typename Deflater::settings;

    /// `shared` is used for each direction without context takeover; null: every connection has its own.
    explicit deflate_stage(const deflate_policy& policy = {}, pool* shared = nullptr,
                           const settings& deflating = {}) noexcept
        : policy_(policy), shared_(shared), settings_(deflating) {}
    explicit deflate_stage(pool& shared, const settings& deflating = {}) noexcept
        : deflate_stage(without_takeover(), &shared, deflating) {}

    deflate_stage(deflate_stage&&) noexcept = default;
    deflate_stage& operator=(deflate_stage&&) noexcept = default;
    ~deflate_stage() { end(); }

    /// The terms that were agreed to. `agreed` is false before that, and if there are none.
    [[nodiscard]] deflate_agreement agreement() const noexcept {
        return {.agreed = terms_.agreed, .parameters = terms_.parameters};
    }

    /// Compresses a message once, for all connections that may send with a window of so many bits: usually 15, and what
    /// they agreed to if it is less. Connections with a smaller window compress for themselves. A connection that has
    /// sent such a message refers to nothing before it any more. A message that does not become smaller is compressed
    /// by no connection. Errors: that of `message`, and `no_memory`.
    [[nodiscard]] static sockless::error prepare(prepared_message& message, unsigned window_bits = 15,
                                                 const settings& deflating = {}) noexcept {
        if (message.error()) return message.error();
        cbytes payload = message.payload();
        const detail::shared_bytes room(room_for(payload.size()));
        if (!room) return errc::no_memory;
        const std::size_t size = payload.size();
        if (window_bits < Deflater::smallest_window) window_bits = Deflater::smallest_window;
        if (window_bits > detail::largest_window) window_bits = detail::largest_window;
        Deflater codec(window_bits, deflating);
        const message_deflater::result deflated = message_deflater().next(codec, payload, true, room.contents());
        if (!deflated) return errc::no_memory;
        return message.add_deflated(room.contents().first(deflated.size < size ? deflated.size : 0), window_bits);
    }

    // The rest is for endpoints: see `compression`.

    static constexpr bool available = true;
    static constexpr std::size_t text_size = max_deflate_text;
    static constexpr std::size_t least_room = message_deflater::least_room;

    /// Whether the policy can be had.
    [[nodiscard]] bool is_valid(role own) const noexcept {
        return ws::is_valid(policy_, own, Deflater::smallest_window);
    }

    /// A client's offer, and whether others can be made in its place.
    [[nodiscard]] std::string_view offer(std::span<char> out) const noexcept {
        return write_deflate_offer(out, offer_of(policy_));
    }
    [[nodiscard]] static bool are_offers(std::string_view extensions) noexcept {
        return are_deflate_offers(extensions);
    }

    /// A server's choice, and its text; empty if nothing is agreed to.
    template <class Fields>
    [[nodiscard]] deflate_agreement choose(const Fields& offered) const noexcept {
        return choose_deflate(offered, policy_, Deflater::smallest_window);
    }
    [[nodiscard]] static std::string_view response(std::span<char> out, const deflate_agreement& chosen) noexcept {
        return chosen.agreed ? write_deflate_response(out, chosen.parameters) : std::string_view{};
    }

    /// A server's answer to what was offered.
    template <class Fields>
    [[nodiscard]] static deflate_agreement check(const Fields& response, std::string_view offered) noexcept {
        return check_deflate(response, offered);
    }

    /// Sets the terms.
    void agree(role own, const deflate_agreement& to) noexcept {
        const deflate_parameters& with = to.parameters;
        const bool serves = own == role::server;
        terms_.agreed = to.agreed;
        terms_.parameters = with;
        terms_.deflater_bits = detail::window_of(serves ? with.server_max_window_bits : with.client_max_window_bits);
        terms_.takes_over = serves ? !with.server_no_context_takeover : !with.client_no_context_takeover;
        terms_.peer_takes_over = serves ? !with.client_no_context_takeover : !with.server_no_context_takeover;
        if (serves) return;
        // A client may keep to less than was agreed to, and keeps to what its offers say (RFC 7692 sections 7.1.1.2 and
        // 7.1.2.2).
        for (const deflate_parameters& own_terms : {policy_.wanted, to.promised}) {
            const std::uint8_t bits = detail::window_of(own_terms.client_max_window_bits);
            if (bits < terms_.deflater_bits) terms_.deflater_bits = bits;
            if (own_terms.client_no_context_takeover) terms_.takes_over = false;
        }
    }

    /// The window that this side sends with, in bits.
    [[nodiscard]] unsigned window() const noexcept { return terms_.deflater_bits; }

    /// Sets the largest size of a message that comes, inflated.
    void limit(std::uint64_t message) noexcept { inflating_ = message_inflater(message); }

    // --- Inflating

    /// Takes note of compressed data, which is inflated next.
    void add(const decoder::event& data) noexcept {
        if (data.first) inflating_.begin(data.type);
        pending_ = data.payload.size();
        terms_.last = data.last;
        terms_.inflating = terms_.in_message = true;
    }

    /// Whether the data that was added has more output to give.
    [[nodiscard]] bool inflating() const noexcept { return terms_.inflating; }

    /// How many bytes of the data that was added wait at the front of the input.
    [[nodiscard]] std::size_t pending() const noexcept { return pending_; }

    /// Whether a compressed message has begun and has not ended.
    [[nodiscard]] bool in_message() const noexcept { return terms_.in_message; }

    /// Inflates the data that was added, from the front of `in`: see `message_inflater::next`.
    [[nodiscard]] decoder::event inflate(bytes& in, bytes out) noexcept {
        if (!take_inflater()) return {.kind = decoder::kind::error, .error = errc::no_memory};
        cbytes part = in.first(in.size() < pending_ ? in.size() : pending_);
        const bool all = part.size() == pending_;
        const std::size_t before = part.size();
        const decoder::event found = inflating_.next(inflater_.codec(), part, terms_.last && all, out);
        in = in.subspan(before - part.size());
        pending_ -= before - part.size();
        if (!found) terms_.inflating = pending_ != 0;
        if (found.last) {
            terms_.inflating = terms_.in_message = false;
            // An inflater that is not shared is not reset: some peers refer to earlier messages though they said that
            // they would not [D8].
            if (shares_inflater()) give_inflater();
        }
        return found;
    }

    // --- Deflating

    /// Whether to compress a message that begins with a piece of so many bytes.
    [[nodiscard]] bool wants(compressed wanted, std::size_t size, bool last) const noexcept {
        // A client leaves the choice of its window to the server, which may choose 8 bits. If the compressor cannot
        // keep to that, messages are sent as they are (RFC 7692 section 6) [D8] [D10].
        if (!terms_.agreed || terms_.deflater_bits < Deflater::smallest_window) return false;
        const std::size_t least = terms_.takes_over ? policy_.threshold : policy_.threshold_without_takeover;
        return wanted == compressed::always || (wanted == compressed::automatic && (size >= least || !last));
    }

    /// Room that is enough for a piece of `piece` bytes with any content: for stored blocks, and the bytes that end
    /// them.
    [[nodiscard]] static constexpr std::size_t room_for(std::size_t piece) noexcept { return piece + piece / 8 + 64; }

    /// Deflates a whole piece to the front of `out`; see `message_deflater`. The result is false if there is no room or
    /// memory for all of it: then call `abandon`.
    [[nodiscard]] message_deflater::result deflate(cbytes piece, bool last, bytes out) noexcept {
        if (!take_deflater()) return {deflate_status::no_memory, 0};
        if (terms_.begins_anew) deflater_.codec().reset();
        terms_.begins_anew = false;
        const message_deflater::result given = deflating_.next(deflater_.codec(), piece, last, out);
        if (last && given && !terms_.takes_over) {
            if (shares_deflater()) {
                give_deflater();
            } else {
                // The next message refers to nothing in this one (RFC 7692 section 7.1.1) [D8].
                deflater_.codec().reset();
            }
        }
        return given;
    }

    /// Forgets a piece that was deflated in part, and all before it. The peer's window has nothing of the piece, and
    /// messages that are sent later refer to nothing in that window. To begin anew takes longer than to send a message
    /// that was prepared, so it waits for the next message that is compressed here.
    void abandon() noexcept {
        deflating_.reset();
        if (shares_deflater()) give_deflater();
        terms_.begins_anew = true;
    }

    /// Gives back the memory of windows that are not needed to go on. `sending`: a message is being sent in pieces.
    void release(bool sending) noexcept {
        if (!terms_.in_message && !terms_.peer_takes_over) give_inflater();
        // The side that compresses may forget at any time.
        if (!sending) give_deflater();
    }

    /// Gives back all memory: nothing comes any more, and nothing is sent.
    void end() noexcept {
        give_inflater();
        give_deflater();
    }

  private:
    using inflater_owner = detail::box_owner<Inflater>;
    using deflater_owner = detail::box_owner<Deflater>;

    // The terms that were agreed to, and the state of the messages.
    struct terms {
        deflate_parameters parameters{};
        std::uint8_t deflater_bits = 15;
        bool agreed = false;
        bool peer_takes_over = true;
        bool takes_over = true;
        bool begins_anew = false; // the deflater, before it is used
        bool inflating = false;
        bool in_message = false;
        bool last = false;
    };

    [[nodiscard]] static constexpr deflate_policy without_takeover() noexcept {
        return {.wanted = {.server_no_context_takeover = true, .client_no_context_takeover = true}};
    }

    [[nodiscard]] bool shares_inflater() const noexcept { return shared_ != nullptr && !terms_.peer_takes_over; }
    [[nodiscard]] bool shares_deflater() const noexcept { return shared_ != nullptr && !terms_.takes_over; }

    [[nodiscard]] bool take_inflater() noexcept {
        // The window of the peer's that was agreed to says nothing here: see `inflater` [D8].
        if (!inflater_ && shares_inflater()) inflater_ = shared_->inflaters.take(detail::largest_window);
        if (!inflater_) inflater_ = inflater_owner(new (std::nothrow) detail::boxed<Inflater>());
        return static_cast<bool>(inflater_);
    }

    [[nodiscard]] bool take_deflater() noexcept {
        const unsigned bits = terms_.deflater_bits;
        if (!deflater_ && shares_deflater()) deflater_ = shared_->deflaters.take(bits);
        if (!deflater_) deflater_ = deflater_owner(new (std::nothrow) detail::boxed<Deflater>(bits, settings_));
        return static_cast<bool>(deflater_);
    }

    void give_inflater() noexcept {
        inflater_owner given = static_cast<inflater_owner&&>(inflater_);
        if (shares_inflater()) shared_->inflaters.give(static_cast<inflater_owner&&>(given));
    }

    void give_deflater() noexcept {
        deflater_owner given = static_cast<deflater_owner&&>(deflater_);
        if (shares_deflater()) shared_->deflaters.give(static_cast<deflater_owner&&>(given));
    }

    deflate_policy policy_;
    pool* shared_;
    SOCKLESS_NO_UNIQUE_ADDRESS settings settings_;
    inflater_owner inflater_{};
    deflater_owner deflater_{};
    message_inflater inflating_{};
    message_deflater deflating_{};
    std::size_t pending_ = 0; // bytes at the front of the input that are compressed data, unmasked
    terms terms_{};
};

} // namespace sockless::ws

#include "../../detail/compiler_end.inc"
