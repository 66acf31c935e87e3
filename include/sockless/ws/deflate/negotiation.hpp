// The terms of permessage-deflate that are offered and agreed to (RFC 7692 section 7.1). Text only; nothing is
// compressed.
// SPDX-License-Identifier: MIT
#pragma once

#include "../../detail/text_sink.hpp"
#include "../errc.hpp"
#include "../opening/extensions.hpp"

namespace sockless::ws {

/// The parameters of permessage-deflate, in an offer, a response, or as they are agreed to (RFC 7692 section 7.1).
/// Those named "server" are about the messages that the server sends, those named "client" about the client's.
struct deflate_parameters {
    /// A message does not refer to those before it, so neither side needs to remember them (section 7.1.1).
    bool server_no_context_takeover = false;
    bool client_no_context_takeover = false;

    /// References go back at most so many bytes: 2 to the power of 8 to 15. 0: the parameter is not there, which means
    /// 15. In an offer `client_max_window_bits` can have no value, which means 15 too (section 7.1.2).
    std::uint8_t server_max_window_bits = 0;
    std::uint8_t client_max_window_bits = 0;

    [[nodiscard]] friend constexpr bool operator==(const deflate_parameters&,
                                                   const deflate_parameters&) noexcept = default;
};

/// The terms of permessage-deflate that one side wants.
struct deflate_policy {
    /// The parameters that are asked of both sides. No takeover costs compression, and saves memory of both. A smaller
    /// window costs compression, and saves memory of the side that compresses: see `inflater`.
    /// If a client offers less than this, a server keeps to the offer; if the client offers more, the server asks for
    /// this.
    deflate_parameters wanted{};

    /// Server: whether to decline an offer that does not allow to ask the client for the smaller window that is wanted.
    /// Else it is accepted, and the window has 15 bits.
    bool decline_larger_window = false;

    /// Messages of fewer bytes are sent as they are, unless the sender says otherwise. A message that refers to no
    /// earlier one must be larger, or compression does not make it smaller.
    std::size_t threshold = 64;
    std::size_t threshold_without_takeover = 256;
};

/// The outcome of a negotiation.
struct deflate_agreement {
    errc error = errc::none; ///< client: `bad_deflate_response`: fail the connection
    bool agreed = false;     ///< if not, nothing is compressed
    deflate_parameters parameters{};

    /// Client: what the offers that fit the response promise of the client's own messages, in the parameters named
    /// "client". The client keeps to it even if the response leaves it out, as the server may rely on it (RFC 7692
    /// sections 7.1.1.2 and 7.1.2.2). If several offers fit, the strictest promise of each kind counts.
    deflate_parameters promised{};
};

/// The smallest window that a compressor is expected to keep to, in bits: the usual ones cannot do 8.
inline constexpr unsigned smallest_deflate_window = 9;

/// Room for the longest offer or response, in characters.
inline constexpr std::size_t max_deflate_text = 128;

} // namespace sockless::ws

namespace sockless::ws::detail {

enum class deflate_text : std::uint8_t { offer, response };

/// The window that a parameter stands for.
[[nodiscard]] constexpr std::uint8_t window_of(std::uint8_t bits) noexcept {
    return bits == 0 ? std::uint8_t{15} : bits;
}

/// Reads the size of a window: a decimal value from 8 to 15 without a leading zero, quoted or not; 0 if it is anything
/// else (RFC 7692 section 7.1.2.1) [D3].
[[nodiscard]] constexpr std::uint8_t read_window(const ws::extension_parameter& parameter) noexcept {
    char digits[2] = {};
    const std::string_view text = parameter.copy_value(digits);
    if (text.size() == 1 && (text[0] == '8' || text[0] == '9')) return static_cast<std::uint8_t>(text[0] - '0');
    if (text.size() == 2 && text[0] == '1' && text[1] >= '0' && text[1] <= '5') {
        return static_cast<std::uint8_t>(10 + (text[1] - '0'));
    }
    return 0;
}

/// Reads one parameter into its place. False if it is unknown, repeated, or has a value that it may not have.
[[nodiscard]] constexpr bool read_deflate_parameter(const ws::extension_parameter& parameter, deflate_text text,
                                                    ws::deflate_parameters& out) noexcept {
    // A takeover parameter has no value (RFC 7692 section 7.1.1) [D2].
    const auto take_flag = [&](bool& flag) {
        if (flag || parameter.has_value) return false;
        return flag = true;
    };
    const auto take_window = [&](std::uint8_t& bits) {
        if (bits != 0) return false;
        bits = read_window(parameter);
        return bits != 0;
    };
    if (equal(parameter.name, "server_no_context_takeover")) return take_flag(out.server_no_context_takeover);
    if (equal(parameter.name, "client_no_context_takeover")) return take_flag(out.client_no_context_takeover);
    if (equal(parameter.name, "server_max_window_bits")) return take_window(out.server_max_window_bits);
    if (!equal(parameter.name, "client_max_window_bits")) return false;

    // An offer may leave the value to the server (RFC 7692 section 7.1.2.2) [D4].
    if (text == deflate_text::response || parameter.has_value) return take_window(out.client_max_window_bits);
    if (out.client_max_window_bits != 0) return false;
    out.client_max_window_bits = 15;
    return true;
}

/// Reads all parameters. False unless each is known, valid, and there once (RFC 7692 section 7) [D1].
[[nodiscard]] constexpr bool read_deflate(const ws::extension& element, deflate_text text,
                                          ws::deflate_parameters& out) noexcept {
    out = {};
    for (const ws::extension_parameter& each : element.parameters) {
        if (!read_deflate_parameter(each, text, out)) return false;
    }
    return true;
}

[[nodiscard]] constexpr std::string_view write_deflate(std::span<char> out, const ws::deflate_parameters& parameters,
                                                       deflate_text text) noexcept {
    text_sink<char> sink(out);
    sink.put(ws::deflate_name);
    if (parameters.server_no_context_takeover) sink.put("; server_no_context_takeover");
    if (parameters.client_no_context_takeover) sink.put("; client_no_context_takeover");
    const auto put_window = [&](std::string_view name, std::uint8_t bits, bool with_value) {
        if (bits == 0) return;
        sink.put(name);
        if (!with_value) return;
        sink.put("=");
        sink.put_number(bits);
    };
    put_window("; server_max_window_bits", parameters.server_max_window_bits, true);
    // Without a value it says that the server may choose one (RFC 7692 section 7.1.2.2).
    put_window("; client_max_window_bits", parameters.client_max_window_bits,
               text == deflate_text::response || parameters.client_max_window_bits != 15);
    return sink.complete() ? std::string_view{out.data(), sink.size()} : std::string_view{};
}

/// Judges one offer, and makes the response to it. False if it cannot be accepted.
[[nodiscard]] constexpr bool accept_deflate(const ws::deflate_parameters& offer, const ws::deflate_policy& policy,
                                            unsigned smallest_window, ws::deflate_parameters& response) noexcept {
    const ws::deflate_parameters& wanted = policy.wanted;

    // If the offer asks the server for no takeover, the server grants that. The offer's parameter for the client's own
    // takeover is a hint, which the response makes binding (RFC 7692 section 7.1.1) [D2].
    response.server_no_context_takeover = offer.server_no_context_takeover || wanted.server_no_context_takeover;
    response.client_no_context_takeover = offer.client_no_context_takeover || wanted.client_no_context_takeover;

    // The server's window is at most that of the offer. The response has it if the offer has, or if it is smaller than
    // the client expects (RFC 7692 section 7.1.2.1) [D3].
    std::uint8_t bits = window_of(offer.server_max_window_bits);
    if (window_of(wanted.server_max_window_bits) < bits) bits = window_of(wanted.server_max_window_bits);
    // A window that the compressor cannot keep to is not agreed to [D8].
    if (bits < smallest_window) return false;
    response.server_max_window_bits = offer.server_max_window_bits != 0 || bits < 15 ? bits : std::uint8_t{0};

    // A client is asked for a smaller window only if its offer says that it can (RFC 7692 section 7.1.2.2) [D4].
    bits = window_of(wanted.client_max_window_bits);
    if (offer.client_max_window_bits == 0) {
        response.client_max_window_bits = 0;
        return bits == 15 || !policy.decline_larger_window;
    }
    if (offer.client_max_window_bits < bits) bits = offer.client_max_window_bits;
    response.client_max_window_bits = bits < 15 ? bits : std::uint8_t{0};
    return true;
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Whether the terms that `own` wants are possible: windows of 8 to 15 bits, and for its own sending one that its
/// compressor can keep to.
[[nodiscard]] constexpr bool is_valid(const deflate_policy& policy, role own,
                                      unsigned smallest_window = smallest_deflate_window) noexcept {
    const auto holds = [&](std::uint8_t wanted, role sender) {
        const unsigned bits = detail::window_of(wanted);
        return bits <= 15 && bits >= (sender == own ? smallest_window : 8);
    };
    return holds(policy.wanted.server_max_window_bits, role::server) &&
           holds(policy.wanted.client_max_window_bits, role::client);
}

/// Reads one offer, which may be more than a policy grants. False if it is none of permessage-deflate, or a parameter
/// is unknown, repeated or invalid (RFC 7692 section 7) [D1].
[[nodiscard]] constexpr bool read_deflate_offer(const extension& element, deflate_parameters& out) noexcept {
    return equal(element.name, deflate_name) && detail::read_deflate(element, detail::deflate_text::offer, out);
}

/// Server: chooses the first offer of a request's fields that is valid and can be granted; the others are declined (RFC
/// 7692 section 5.1) [D1]. `Fields` is any range of `field`; the policy is valid. Never an error.
template <class Fields>
[[nodiscard]] constexpr deflate_agreement choose_deflate(const Fields& offered, const deflate_policy& policy,
                                                         unsigned smallest_window = smallest_deflate_window) noexcept {
    deflate_agreement chosen;
    for_each_extension(offered, [&](const extension& element) {
        deflate_parameters offer;
        chosen.agreed = read_deflate_offer(element, offer) &&
                        detail::accept_deflate(offer, policy, smallest_window, chosen.parameters);
        return !chosen.agreed;
    });
    if (!chosen.agreed) chosen.parameters = {};
    return chosen;
}

/// Server: writes the response to the chosen offer, for `acceptance::extensions`, to the front of `out`; empty if there
/// is no room. `max_deflate_text` is room enough.
[[nodiscard]] constexpr std::string_view write_deflate_response(std::span<char> out,
                                                                const deflate_parameters& chosen) noexcept {
    return detail::write_deflate(out, chosen, detail::deflate_text::response);
}

/// Client: the offer for this policy. It always says that the server may choose the client's window, as browsers do.
[[nodiscard]] constexpr deflate_parameters offer_of(const deflate_policy& policy) noexcept {
    deflate_parameters offer = policy.wanted;
    offer.client_max_window_bits = detail::window_of(offer.client_max_window_bits);
    if (offer.server_max_window_bits == 15) offer.server_max_window_bits = 0;
    return offer;
}

/// Client: writes an offer, for `opening::extensions`, to the front of `out`; empty if there is no room.
/// `max_deflate_text` is room enough. There can be several, separated by commas, in order of preference (RFC 7692
/// section 5.1).
[[nodiscard]] constexpr std::string_view write_deflate_offer(std::span<char> out,
                                                             const deflate_parameters& offer) noexcept {
    return detail::write_deflate(out, offer, detail::deflate_text::offer);
}

/// Client: whether every offer of permessage-deflate in this list can be made: each of its parameters is known, valid,
/// and there once. False also if the list is malformed, or has none. [D1]
[[nodiscard]] constexpr bool are_deflate_offers(std::string_view extensions) noexcept {
    if (!is_extension_list(extensions)) return false;
    bool any = false;
    for (const extension& each : extension_list(extensions)) {
        deflate_parameters offer;
        if (!equal(each.name, deflate_name)) continue;
        if (!read_deflate_offer(each, offer)) return false;
        any = true;
    }
    return any;
}

} // namespace sockless::ws

namespace sockless::ws::detail {

/// Whether a server that accepts this offer can answer with these terms.
[[nodiscard]] constexpr bool grants(const ws::deflate_parameters& answer,
                                    const ws::deflate_parameters& offer) noexcept {
    // A server that accepts an offer with this parameter has it in the response (RFC 7692 section 7.1.1.1) [D2].
    return (answer.server_no_context_takeover || !offer.server_no_context_takeover) &&
           // The server's window is the same or smaller (RFC 7692 section 7.1.2.1) [D3].
           window_of(answer.server_max_window_bits) <= window_of(offer.server_max_window_bits) &&
           // The client's window is there only if the offer has it, and not larger (RFC 7692 section 7.1.2.2) [D4].
           answer.client_max_window_bits <= offer.client_max_window_bits;
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Client: judges the terms that a response's fields agree to. `Fields` is any range of `field`; `offered` is the value
/// of the request's Sec-WebSocket-Extensions. Error: `bad_deflate_response` if the server agrees to terms that none of
/// the offers has, or leaves out terms that it was asked for, or agrees twice (RFC 7692 section 7.1) [D1] [D2] [D3]
/// [D4].
template <class Fields>
[[nodiscard]] constexpr deflate_agreement check_deflate(const Fields& response, std::string_view offered) noexcept {
    deflate_agreement found;
    const auto is_granted = [&] {
        bool granted = false;
        for (const extension& each : extension_list(offered)) {
            deflate_parameters offer;
            if (!read_deflate_offer(each, offer) || !detail::grants(found.parameters, offer)) continue;
            granted = true;
            if (offer.client_no_context_takeover) found.promised.client_no_context_takeover = true;
            std::uint8_t& bits = found.promised.client_max_window_bits;
            if (detail::window_of(offer.client_max_window_bits) < detail::window_of(bits)) {
                bits = offer.client_max_window_bits;
            }
        }
        return granted;
    };
    for_each_extension(response, [&](const extension& element) {
        if (!equal(element.name, deflate_name)) return true;
        const bool again = found.agreed;
        found.agreed = detail::read_deflate(element, detail::deflate_text::response, found.parameters);
        if (!again && found.agreed && is_granted()) return true;
        found = {.error = errc::bad_deflate_response};
        return false;
    });
    return found;
}

} // namespace sockless::ws
