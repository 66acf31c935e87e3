// Every frame of STOMP as a struct, so that no caller spells the name of a header, and the functions that write them.
// SPDX-License-Identifier: MIT
#pragma once

#include "heart_beat.hpp"
#include "writer.hpp"

// The members of a frame are views. `write` reads them during its call and keeps none. It leaves out headers whose
// member is empty; if the version demands such a header, the error is `missing_header`. `headers` are the caller's own:
// `write` puts them behind the headers of the other members, in their order.
namespace sockless::stomp {

/// How a subscription wants its messages acknowledged (STOMP 1.2 SUBSCRIBE ack Header).
enum class ack_mode : std::uint8_t {
    automatic,         ///< not at all
    client,            ///< each with all before it
    client_individual, ///< each by itself; since 1.1
};

/// All modes.
inline constexpr ack_mode all_ack_modes[] = {ack_mode::automatic, ack_mode::client, ack_mode::client_individual};

/// The text of a mode in the header `ack` of SUBSCRIBE. A constant.
[[nodiscard]] constexpr std::string_view text_of(ack_mode mode) noexcept {
    constexpr std::string_view texts[] = {"auto", "client", "client-individual"};
    return texts[static_cast<std::size_t>(mode)];
}

/// CONNECT, or STOMP: the first frame of a client (STOMP 1.2 Connecting).
struct connect_frame {
    version_set versions = version_set::all();
    std::string_view host{}; ///< the virtual host. Since 1.1 servers may demand it; the usual brokers do not.
    std::string_view login{};
    /// RabbitMQ unescapes the headers of CONNECT, although no version escapes them: if it is the server, write each
    /// backslash twice.
    std::string_view passcode{};
    stomp::heart_beat heart_beat{};
    std::span<const header> headers{};
    command as = command::connect; ///< or `command::stomp`, which servers of 1.0 do not know
};

/// CONNECTED: the answer of a server to CONNECT (STOMP 1.2 Connecting).
struct connected_frame {
    stomp::version version = stomp::version::v1_2;
    std::string_view session{};
    std::string_view server{}; ///< the name of the server, `/`, its version; since 1.1
    stomp::heart_beat heart_beat{};
    std::span<const header> headers{};
};

/// SEND: a message of a client to a destination (STOMP 1.2 SEND).
struct send_frame {
    std::string_view destination{};
    std::string_view content_type{};
    std::string_view transaction{};
    std::string_view receipt{};
    std::span<const header> headers{};
    cbytes body{};
    stomp::content_length length = stomp::content_length::automatic;
};

/// SUBSCRIBE: a client asks for the messages of a destination (STOMP 1.2 SUBSCRIBE).
struct subscribe_frame {
    std::string_view id{}; ///< may be empty in 1.0: then the destination names the subscription
    std::string_view destination{};
    ack_mode ack = ack_mode::automatic;
    std::string_view receipt{};
    std::span<const header> headers{};
};

/// UNSUBSCRIBE: the end of a subscription (STOMP 1.2 UNSUBSCRIBE).
struct unsubscribe_frame {
    std::string_view id{};
    std::string_view destination{}; ///< only read in 1.0, if `id` is empty
    std::string_view receipt{};
    std::span<const header> headers{};
};

/// ACK and NACK. The version decides by which of the first three members the frame names a message, so set all that the
/// MESSAGE had.
struct ack_frame {
    std::string_view id{};           ///< the header `ack` of the MESSAGE; written in 1.2
    std::string_view message_id{};   ///< written in 1.0 and 1.1
    std::string_view subscription{}; ///< written in 1.1
    std::string_view transaction{};
    std::string_view receipt{};
    std::span<const header> headers{};
    command as = command::ack; ///< or `command::nack`, since 1.1
};

/// BEGIN, COMMIT and ABORT.
struct transaction_frame {
    command as = command::begin;
    std::string_view transaction{};
    std::string_view receipt{};
    std::span<const header> headers{};
};

/// DISCONNECT: a client ends the session (STOMP 1.2 DISCONNECT).
struct disconnect_frame {
    std::string_view receipt{};
    std::span<const header> headers{};
};

/// MESSAGE: a message of a server to a subscription (STOMP 1.2 MESSAGE).
struct message_frame {
    std::string_view destination{};
    std::string_view message_id{};
    std::string_view subscription{}; ///< may be empty in 1.0: if the subscription has no id
    std::string_view ack{};          ///< the id for the ACK, if the message wants one; written in 1.2
    std::string_view content_type{};
    std::span<const header> headers{};
    stomp::headers forwarded{}; ///< the headers of the SEND that this message comes from; see `write`
    cbytes body{};
    stomp::content_length length = stomp::content_length::automatic;
};

/// RECEIPT: a server has handled the frame that asked for it (STOMP 1.2 RECEIPT).
struct receipt_frame {
    std::string_view receipt_id{}; ///< as the client has asked for it: may be empty, but its `data()` is not null
    std::span<const header> headers{};
};

/// ERROR: a server ends the session, as something went wrong (STOMP 1.2 ERROR).
struct error_frame {
    std::string_view message{};      ///< a short description
    std::string_view receipt_id{};   ///< the `receipt` of the frame that caused the error, if it asked for one [S7]
    version_set supported{};         ///< the versions of the server, if the client has none of them [S6]
    std::string_view content_type{}; ///< of the body
    std::span<const header> headers{};
    cbytes body{};
};

/// Whether a server copies the header `name` from a SEND to its MESSAGE (STOMP 1.2 SEND, MESSAGE) [S11]. It copies all
/// headers but `receipt` and `transaction`, which only concern the sender and the server, and those that the server
/// writes itself.
[[nodiscard]] constexpr bool is_forwarded(std::string_view name) noexcept {
    constexpr std::string_view kept_back[] = {"destination",  "receipt",    "transaction", "content-length",
                                              "subscription", "message-id", "ack"};
    for (const std::string_view each : kept_back) {
        if (equal(each, name)) return false;
    }
    return true;
}

} // namespace sockless::stomp

namespace sockless::stomp::detail {

constexpr stomp::writer& put_headers(stomp::writer& to, std::span<const stomp::header> headers) noexcept {
    for (const stomp::header& each : headers) to.header(each.name, each.value);
    return to;
}

} // namespace sockless::stomp::detail

namespace sockless::stomp {

/// Writes a frame to the front of `out`, in the form of its version: `in`, or the one that the members of CONNECT and
/// CONNECTED say. The size is that of the frame; with `no_room` it is the room that the frame needs. Errors: those of
/// `writer`, and `missing_header` if the version demands a header whose member is empty; for SUBSCRIBE also
/// `bad_ack_mode`, if the version does not have the mode.
[[nodiscard]] constexpr written write(bytes out, const connect_frame& frame) noexcept {
    const bool only_1_0 = frame.versions.highest_in_common({version::v1_1, version::v1_2}) == version::unknown;
    writer to(out, only_1_0 && frame.as == command::connect ? version::v1_0 : version::unknown);
    to.begin(frame.as == command::connect || frame.as == command::stomp ? frame.as : command::none);
    if (frame.versions.empty()) to.fail(errc::missing_header);
    // A client of 1.0 knows neither accept-version nor heart-beats (STOMP 1.2 Connecting).
    if (!only_1_0) to.header("accept-version", frame.versions.list());
    to.optional("host", frame.host).optional("login", frame.login).optional("passcode", frame.passcode);
    // Two zeros mean what a missing header means (STOMP 1.2 Heart-beating).
    const bool beats = frame.heart_beat.sends != 0 || frame.heart_beat.wants != 0;
    if (beats && !only_1_0) to.header("heart-beat", heart_beat_text(frame.heart_beat).text());
    return detail::put_headers(to, frame.headers).finish();
}

/// Likewise, CONNECTED, in the version that it says.
[[nodiscard]] constexpr written write(bytes out, const connected_frame& frame) noexcept {
    writer to(out, frame.version);
    to.begin(command::connected);
    if (frame.version == version::unknown) to.fail(errc::missing_header);
    if (frame.version != version::v1_0) to.header("version", text_of(frame.version));
    to.optional("session", frame.session).optional("server", frame.server);
    // Also two zeros, which say nothing new: stompjs 2.3.3 cannot do without the header.
    if (frame.version != version::v1_0) to.header("heart-beat", heart_beat_text(frame.heart_beat).text());
    return detail::put_headers(to, frame.headers).finish();
}

/// Likewise, SEND.
[[nodiscard]] constexpr written write(bytes out, version in, const send_frame& frame) noexcept {
    writer to(out, in);
    to.begin(command::send).required("destination", frame.destination);
    to.optional("content-type", frame.content_type).optional("transaction", frame.transaction);
    to.optional("receipt", frame.receipt);
    return detail::put_headers(to, frame.headers).finish(frame.body, frame.length);
}

/// Likewise, SUBSCRIBE.
[[nodiscard]] constexpr written write(bytes out, version in, const subscribe_frame& frame) noexcept {
    writer to(out, in);
    to.begin(command::subscribe);
    if (in != version::v1_0 && frame.id.empty()) to.fail(errc::missing_header);
    if (in == version::v1_0 && frame.ack == ack_mode::client_individual) to.fail(errc::bad_ack_mode);
    to.optional("id", frame.id).required("destination", frame.destination).header("ack", text_of(frame.ack));
    return detail::put_headers(to.optional("receipt", frame.receipt), frame.headers).finish();
}

/// Likewise, UNSUBSCRIBE. In 1.0 without an id the destination names the subscription.
[[nodiscard]] constexpr written write(bytes out, version in, const unsubscribe_frame& frame) noexcept {
    writer to(out, in);
    to.begin(command::unsubscribe);
    if (frame.id.empty() && in == version::v1_0) {
        to.required("destination", frame.destination);
    } else {
        to.required("id", frame.id);
    }
    return detail::put_headers(to.optional("receipt", frame.receipt), frame.headers).finish();
}

/// Likewise, ACK or NACK, with the members by which the version names a message.
[[nodiscard]] constexpr written write(bytes out, version in, const ack_frame& frame) noexcept {
    writer to(out, in);
    to.begin(frame.as == command::nack ? command::nack : command::ack);
    if (in == version::v1_2) {
        to.required("id", frame.id);
    } else {
        to.required("message-id", frame.message_id);
        if (in == version::v1_1) to.required("subscription", frame.subscription);
    }
    to.optional("transaction", frame.transaction).optional("receipt", frame.receipt);
    return detail::put_headers(to, frame.headers).finish();
}

/// Likewise, BEGIN, COMMIT or ABORT.
[[nodiscard]] constexpr written write(bytes out, version in, const transaction_frame& frame) noexcept {
    writer to(out, in);
    const bool known = frame.as == command::begin || frame.as == command::commit || frame.as == command::abort;
    to.begin(known ? frame.as : command::none).required("transaction", frame.transaction);
    return detail::put_headers(to.optional("receipt", frame.receipt), frame.headers).finish();
}

/// Likewise, DISCONNECT.
[[nodiscard]] constexpr written write(bytes out, version in, const disconnect_frame& frame) noexcept {
    writer to(out, in);
    to.begin(command::disconnect).optional("receipt", frame.receipt);
    return detail::put_headers(to, frame.headers).finish();
}

/// Likewise. Behind the headers of its own members stand those of `forwarded` that a server copies from SEND to MESSAGE
/// (see `is_forwarded`), and then `headers` [S11]. In 1.0 the values of `forwarded` are written without the blanks
/// around them, which a reader of 1.0 takes away [S16].
[[nodiscard]] constexpr written write(bytes out, version in, const message_frame& frame) noexcept {
    writer to(out, in);
    to.begin(command::message);
    if (in != version::v1_0 && frame.subscription.empty()) to.fail(errc::missing_header);
    to.optional("subscription", frame.subscription).required("message-id", frame.message_id);
    to.required("destination", frame.destination);
    if (in == version::v1_2) to.optional("ack", frame.ack);
    to.optional("content-type", frame.content_type);
    for (const header& each : frame.forwarded) {
        if (!is_forwarded(each.name)) continue;
        to.header(each.name, in == version::v1_0 ? detail::trimmed(each.value) : each.value);
    }
    return detail::put_headers(to, frame.headers).finish(frame.body, frame.length);
}

/// Likewise, RECEIPT. The id may be empty.
[[nodiscard]] constexpr written write(bytes out, version in, const receipt_frame& frame) noexcept {
    writer to(out, in);
    to.begin(command::receipt);
    // A receipt is said back as it was asked for, also an empty one (STOMP 1.2 RECEIPT) [S7].
    if (frame.receipt_id.data() == nullptr) to.fail(errc::missing_header);
    to.header("receipt-id", frame.receipt_id);
    return detail::put_headers(to, frame.headers).finish();
}

/// Likewise, ERROR.
[[nodiscard]] constexpr written write(bytes out, version in, const error_frame& frame) noexcept {
    writer to(out, in);
    to.begin(command::error).optional("message", frame.message).optional("receipt-id", frame.receipt_id);
    to.optional("version", frame.supported.list()).optional("content-type", frame.content_type);
    return detail::put_headers(to, frame.headers).finish(frame.body);
}

} // namespace sockless::stomp
