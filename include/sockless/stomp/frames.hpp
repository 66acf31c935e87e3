// Every frame of STOMP as a struct, so that no one spells the name of a header by hand, and how each is written.
// SPDX-License-Identifier: MIT
#pragma once

#include "heart_beat.hpp"
#include "writer.hpp"

// The members of a frame are views, read while it is written. An empty one is left out; where the version demands it,
// `write` says `missing_header`. `headers` are written behind those that the frame has, as they are.
namespace sockless::stomp {

/// How a subscription wants its messages acknowledged (STOMP 1.2 SUBSCRIBE ack Header).
enum class ack_mode : std::uint8_t {
    automatic,         ///< not at all
    client,            ///< each with all before it
    client_individual, ///< each by itself; since 1.1
};

/// All there are.
inline constexpr ack_mode all_ack_modes[] = {ack_mode::automatic, ack_mode::client, ack_mode::client_individual};

/// As it stands in `ack`.
[[nodiscard]] constexpr std::string_view text_of(ack_mode mode) noexcept {
    constexpr std::string_view texts[] = {"auto", "client", "client-individual"};
    return texts[static_cast<std::size_t>(mode)];
}

struct connect_frame {
    version_set versions = version_set::all();
    std::string_view host{}; ///< the virtual host; since 1.1
    std::string_view login{};
    std::string_view passcode{};
    stomp::heart_beat heart_beat{};
    std::span<const header> headers{};
    command as = command::connect; ///< or `stomp`, which servers of 1.0 do not know
};

struct connected_frame {
    stomp::version version = stomp::version::v1_2;
    std::string_view session{};
    std::string_view server{}; ///< name, `/`, version; since 1.1
    stomp::heart_beat heart_beat{};
    std::span<const header> headers{};
};

struct send_frame {
    std::string_view destination{};
    std::string_view content_type{};
    std::string_view transaction{};
    std::string_view receipt{};
    std::span<const header> headers{};
    cbytes body{};
    stomp::content_length length = stomp::content_length::automatic;
};

struct subscribe_frame {
    std::string_view id{}; ///< in 1.0 it may be left out; then the destination stands for it
    std::string_view destination{};
    ack_mode ack = ack_mode::automatic;
    std::string_view receipt{};
    std::span<const header> headers{};
};

struct unsubscribe_frame {
    std::string_view id{};
    std::string_view destination{}; ///< in 1.0, where there is no id
    std::string_view receipt{};
    std::span<const header> headers{};
};

/// ACK and NACK. Which of the three names of a message is written depends on the version, so give what the MESSAGE had.
struct ack_frame {
    std::string_view id{};           ///< the `ack` of the MESSAGE; 1.2
    std::string_view message_id{};   ///< before 1.2
    std::string_view subscription{}; ///< 1.1
    std::string_view transaction{};
    std::string_view receipt{};
    std::span<const header> headers{};
    command as = command::ack; ///< or `nack`; since 1.1
};

/// BEGIN, COMMIT and ABORT.
struct transaction_frame {
    command as = command::begin;
    std::string_view transaction{};
    std::string_view receipt{};
    std::span<const header> headers{};
};

struct disconnect_frame {
    std::string_view receipt{};
    std::span<const header> headers{};
};

struct message_frame {
    std::string_view destination{};
    std::string_view message_id{};
    std::string_view subscription{}; ///< in 1.0 it is left out where the subscription has no id
    std::string_view ack{};          ///< 1.2, where the message is to be acknowledged
    std::string_view content_type{};
    std::span<const header> headers{};
    stomp::headers forwarded{}; ///< the headers of the SEND that this message comes from; see `write`
    cbytes body{};
    stomp::content_length length = stomp::content_length::automatic;
};

struct receipt_frame {
    std::string_view receipt_id{};
    std::span<const header> headers{};
};

struct error_frame {
    std::string_view message{};      ///< a short description
    std::string_view receipt_id{};   ///< the receipt that the frame asked for that caused the error [S7]
    version_set supported{};         ///< where there is no common version [S6]
    std::string_view content_type{}; ///< of the body
    std::span<const header> headers{};
    cbytes body{};
};

/// Whether a header of a SEND passes to the MESSAGE (STOMP 1.2 SEND, MESSAGE) [S11]: all but those that are between the
/// sender and the server, and those that are the server's to write.
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

/// Writes a frame as a version has it to the front of `out`. Errors: those of `writer`, and `missing_header`.
[[nodiscard]] constexpr written write(bytes out, const connect_frame& frame) noexcept {
    writer to(out, version::unknown);
    to.begin(frame.as == command::connect || frame.as == command::stomp ? frame.as : command::none);
    const bool only_1_0 = frame.versions.highest_in_common({version::v1_1, version::v1_2}) == version::unknown;
    if (frame.versions.empty()) to.fail(errc::missing_header);
    // A client of 1.0 knows neither accept-version nor heart-beats; one of a later version names its host.
    if (!only_1_0) to.header("accept-version", frame.versions.list()).required("host", frame.host);
    if (only_1_0) to.optional("host", frame.host);
    to.optional("login", frame.login).optional("passcode", frame.passcode);
    if (!only_1_0) to.optional("heart-beat", heart_beat_text(frame.heart_beat).text());
    return detail::put_headers(to, frame.headers).finish();
}

[[nodiscard]] constexpr written write(bytes out, const connected_frame& frame) noexcept {
    writer to(out, version::unknown);
    to.begin(command::connected);
    if (frame.version == version::unknown) to.fail(errc::missing_header);
    if (frame.version != version::v1_0) to.header("version", text_of(frame.version));
    to.optional("session", frame.session).optional("server", frame.server);
    if (frame.version != version::v1_0) to.optional("heart-beat", heart_beat_text(frame.heart_beat).text());
    return detail::put_headers(to, frame.headers).finish();
}

[[nodiscard]] constexpr written write(bytes out, version in, const send_frame& frame) noexcept {
    writer to(out, in);
    to.begin(command::send).required("destination", frame.destination);
    to.optional("content-type", frame.content_type).optional("transaction", frame.transaction);
    to.optional("receipt", frame.receipt);
    return detail::put_headers(to, frame.headers).finish(frame.body, frame.length);
}

[[nodiscard]] constexpr written write(bytes out, version in, const subscribe_frame& frame) noexcept {
    writer to(out, in);
    to.begin(command::subscribe);
    if (in != version::v1_0 && frame.id.empty()) to.fail(errc::missing_header);
    if (in == version::v1_0 && frame.ack == ack_mode::client_individual) to.fail(errc::bad_ack_mode);
    to.optional("id", frame.id).required("destination", frame.destination).header("ack", text_of(frame.ack));
    return detail::put_headers(to.optional("receipt", frame.receipt), frame.headers).finish();
}

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

[[nodiscard]] constexpr written write(bytes out, version in, const transaction_frame& frame) noexcept {
    writer to(out, in);
    const bool known = frame.as == command::begin || frame.as == command::commit || frame.as == command::abort;
    to.begin(known ? frame.as : command::none).required("transaction", frame.transaction);
    return detail::put_headers(to.optional("receipt", frame.receipt), frame.headers).finish();
}

[[nodiscard]] constexpr written write(bytes out, version in, const disconnect_frame& frame) noexcept {
    writer to(out, in);
    to.begin(command::disconnect).optional("receipt", frame.receipt);
    return detail::put_headers(to, frame.headers).finish();
}

/// Behind its own headers a MESSAGE has those of `forwarded` that pass from SEND to MESSAGE (`is_forwarded`) [S11].
[[nodiscard]] constexpr written write(bytes out, version in, const message_frame& frame) noexcept {
    writer to(out, in);
    to.begin(command::message);
    if (in != version::v1_0 && frame.subscription.empty()) to.fail(errc::missing_header);
    to.optional("subscription", frame.subscription).required("message-id", frame.message_id);
    to.required("destination", frame.destination);
    if (in == version::v1_2) to.optional("ack", frame.ack);
    to.optional("content-type", frame.content_type);
    for (const header& each : frame.forwarded) {
        if (is_forwarded(each.name)) to.header(each.name, each.value);
    }
    return detail::put_headers(to, frame.headers).finish(frame.body, frame.length);
}

[[nodiscard]] constexpr written write(bytes out, version in, const receipt_frame& frame) noexcept {
    writer to(out, in);
    to.begin(command::receipt).required("receipt-id", frame.receipt_id);
    return detail::put_headers(to, frame.headers).finish();
}

[[nodiscard]] constexpr written write(bytes out, version in, const error_frame& frame) noexcept {
    writer to(out, in);
    to.begin(command::error).optional("message", frame.message).optional("receipt-id", frame.receipt_id);
    to.optional("version", frame.supported.list()).optional("content-type", frame.content_type);
    return detail::put_headers(to, frame.headers).finish(frame.body);
}

} // namespace sockless::stomp
