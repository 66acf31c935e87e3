// The client's end of one WebSocket connection: bytes in, events out, bytes back; no socket inside.
// SPDX-License-Identifier: MIT
#pragma once

#include "../http/body.hpp"
#include "connection.hpp"

#include "../detail/compiler_begin.inc"

namespace sockless::ws::detail {

/// The opening handshake, as the client sees it.
struct client_handshake {
    enum class stage : std::uint8_t {
        silent,       // nothing was asked for
        waiting,      // the request was queued
        judged,       // a 101 breaks a rule, and the caller decides
        refused,      // the server has answered, but not with 101
        reading_body, // the body of that answer is read
    };

    client_handshake(const http::limits& limits, bool show_faults) noexcept
        : reader(http::message_kind::response, limits), reaction(show_faults ? on_fault::note : on_fault::stop) {
        if (show_faults) reader.take_bare_lf();
    }

    union {
        http::detail::head_reader reader; // before `reading_body`; the connection's input buffer is its memory
        http::body_decoder body;
    };
    std::string_view subprotocol{};
    opening_faults faults{};
    on_fault reaction;
    stage at = stage::silent;
    std::uint8_t interim_responses = 0;
};

} // namespace sockless::ws::detail

namespace sockless::ws {

/// One connection, seen from the client: an opening handshake, then a `connection`. Begin with `request`; then go on as
/// with `basic_server`: give the received bytes to `next`, send `output()`, stop when `done()`.
///
///     ws::client peer{ws::entropy(seed)};
///     error = peer.request({.host = "example.com", .target = "/chat"});
///     peer.sent(write(peer.output()));
///     while (const ws::event event = peer.next(in)) {
///         if (event.kind == ws::kind::open) error = peer.send_text("hello");
///         if (event.kind == ws::kind::message) print(event.text());
///     }
template <class Buffer, compression Compression = no_compression>
class basic_client : public connection<role::client, Buffer, Compression, detail::client_handshake> {
    using handshake_state = detail::client_handshake;
    using base = connection<role::client, Buffer, Compression, handshake_state>;
    using stage = handshake_state::stage;

  public:
    /// With buffers that grow up to the limits of `settings`. `keys` gives the nonce and the masking keys: seed it with
    /// 32 bytes from the system's strong source, fresh for each connection (RFC 6455 section 10.3). If it gives none,
    /// every call that sends something refuses with `no_entropy`, and the connection fails if it must send by itself.
    explicit basic_client(entropy keys, const options& settings = {}, Compression compression = Compression()) noexcept
        requires std::is_same_v<Buffer, growing_buffer>
        : basic_client(static_cast<entropy&&>(keys), growing_buffer(base::input_limit(settings)),
                       growing_buffer(settings.output), settings, static_cast<Compression&&>(compression)) {}

    /// With these buffers: `input` bounds the size of heads, and of messages that come in pieces. Give it room for the
    /// limits of `settings`, else a head or message may be too large in pieces but not as a whole. `output` bounds the
    /// bytes that wait to be sent, and `options::output` is not read; 131 bytes of it are kept for the Close.
    basic_client(entropy keys, Buffer input, Buffer output, const options& settings = {},
                 Compression compression = Compression()) noexcept
        : base(settings, static_cast<Buffer&&>(input), static_cast<Buffer&&>(output),
               handshake_state(settings.head, settings.show_faults), static_cast<entropy&&>(keys),
               static_cast<Compression&&>(compression)) {}

    /// Begins open, for a caller that did the opening handshake elsewhere: see `basic_server`.
    basic_client(already_open, entropy keys, const options& settings = {},
                 Compression compression = Compression()) noexcept requires std::is_same_v<Buffer, growing_buffer>
        : basic_client(static_cast<entropy&&>(keys), settings, static_cast<Compression&&>(compression)) {
        this->become_open();
    }
    basic_client(already_open, entropy keys, Buffer input, Buffer output, const options& settings = {},
                 Compression compression = Compression()) noexcept
        : basic_client(static_cast<entropy&&>(keys), static_cast<Buffer&&>(input), static_cast<Buffer&&>(output),
                       settings, static_cast<Compression&&>(compression)) {
        this->become_open();
    }

    /// Asks for a WebSocket: queues the request (RFC 6455 section 4.1) [H15]. Can be called once. With a
    /// `deflate_stage` compression is offered: if `asked.extensions` names permessage-deflate, as it says, with all its
    /// offers in order; else as the policy wants it. Errors: `not_open` if it was called before, `bad_deflate_offer` if
    /// `asked.extensions` names permessage-deflate and one of these offers is wrong, or the client does not compress,
    /// `bad_deflate_window` if the policy cannot be had, `no_entropy` if there is no nonce, `no_room`, and those of
    /// `write_request`.
    [[nodiscard]] sockless::error request(const opening& asked) noexcept {
        if (!this->is_opening() || this->handshake().at != stage::silent) return errc::not_open;
        const bool has_offers = has_extension(asked.extensions, deflate_name);
        if constexpr (Compression::available) {
            if (asked.compression) return request_compression(asked, has_offers);
        }
        // Compression changes how frames are read. So it is offered only by an endpoint that can read them.
        if (has_offers) return errc::bad_deflate_offer;
        return queue_request(asked, {});
    }

    /// Takes a 101 that was shown with an error (`options::show_faults`), on the caller's word: `faults()` says which
    /// rules it breaks. Messages can be sent at once. Until then, or until `refuse`, nothing more is taken from the
    /// input. Errors: `nothing_to_answer`.
    [[nodiscard]] sockless::error accept() noexcept {
        if (!this->is_opening() || this->handshake().at != stage::judged) return errc::nothing_to_answer;
        this->become_open();
        return {};
    }

    /// Ends the connection with `reason`, such as the error that a 101 was shown with. Errors: `nothing_to_answer`.
    [[nodiscard]] sockless::error refuse(sockless::error reason) noexcept {
        if (!this->is_opening() || this->handshake().at != stage::judged) return errc::nothing_to_answer;
        this->give_up(reason);
        return {};
    }

    /// See `basic_server::next`.
    [[nodiscard]] SOCKLESS_ALWAYS_INLINE event next(bytes& in) noexcept {
        event found;
        this->note_input(in);
        if (this->find_whole_message(in, found)) return found;
        // The long way gets a copy of `in`, so that the short way can hold the caller's `in` in registers.
        bytes rest = in;
        found = next_otherwise(rest);
        in = rest;
        return found;
    }

    /// See `connection::finish`. It also ends the body of a refusal, if that lasts until the end of the input.
    [[nodiscard]] event finish() noexcept {
        if (this->is_opening() && this->handshake().at == stage::refused) begin_body();
        const bool refused = this->is_opening() && this->handshake().at == stage::reading_body &&
                             this->handshake().body.finish() == http::errc::none;
        return this->end_input(refused ? errc::refused : errc::end_of_input);
    }

    /// The server's answer, with its status and all its fields. Valid after `open` or `refused`, until the next call
    /// of `next`; if the 101 breaks a rule, also until the caller answers.
    [[nodiscard]] http::head response() const noexcept {
        const bool has_head = this->has_handshake() && this->handshake().at != stage::reading_body;
        return has_head ? this->handshake().reader.head() : http::head{};
    }

    /// The subprotocol that the server chose; empty if it chose none, also if some were offered: then the caller
    /// decides whether to go on (RFC 6455 section 4.1) [H17]. Valid as `response()`.
    [[nodiscard]] std::string_view subprotocol() const noexcept {
        return this->has_handshake() ? this->handshake().subprotocol : std::string_view{};
    }

    /// The rules that the server's answer breaks. Valid as `response()`.
    [[nodiscard]] opening_faults faults() const noexcept {
        return this->has_handshake() ? this->handshake().faults : opening_faults{};
    }

  private:
    // More than any server sends before it answers; each is skipped in the time of a head (RFC 9110 section 15.2).
    static constexpr std::uint8_t max_interim_responses = 8;

    // Bytes that nearly every request fits into.
    static constexpr std::size_t usual_request = 512;

    [[nodiscard]] sockless::error queue_request(const opening& asked, std::string_view compression) noexcept {
        std::array<std::byte, 16> nonce{};
        if (!this->masking_keys().fill(nonce)) return errc::no_entropy;
        const std::array<char, 24> key = encode_key(nonce);
        const auto write = [&](bytes out) { return write_request(out, key, asked, compression); };
        if (const sockless::error error = this->queue_opening(usual_request, write)) return error;
        this->handshake().at = stage::waiting;
        return {};
    }

    template <class = Compression> // not compiled without one
    [[nodiscard]] sockless::error request_compression(const opening& asked, bool has_offers) noexcept {
        const auto& compression = this->compression_stage();
        if (!compression.is_valid(role::client)) return errc::bad_deflate_window;
        if (has_offers) {
            return compression.are_offers(asked.extensions) ? queue_request(asked, {}) : errc::bad_deflate_offer;
        }
        char memory[Compression::text_size];
        return queue_request(asked, compression.offer(memory));
    }

    [[nodiscard]] event next_otherwise(bytes& in) noexcept {
        if (!this->is_opening()) return this->next_open(in);
        switch (this->handshake().at) {
        case stage::silent:
        case stage::judged: return {};
        case stage::waiting: return next_response(in);
        case stage::refused:
        case stage::reading_body: return next_of_body(in);
        }
        return {};
    }

    [[nodiscard]] event next_response(bytes& in) noexcept {
        auto& handshake = this->handshake();
        for (;;) {
            const http::head_event found = handshake.reader.next(in, this->input());
            if (!found) return {};
            if (found.kind == http::head_kind::error) return this->fail(found.error);
            // Only behind a 101 it is clear that no body follows (RFC 9112 section 2.2) [H2].
            if (found.head.bare_lf && found.head.status != 101) return this->fail(http::errc::bare_lf);
            const bool interim = found.head.status < 200 && found.head.status != 101;
            if (!interim) return take_response();

            // A client reads past 1xx answers, but not past any number of them (RFC 9110 section 15.2) [H18].
            if (++handshake.interim_responses > max_interim_responses) {
                return this->fail(errc::too_many_interim_responses);
            }
            handshake.reader.restart(this->input());
        }
    }

    [[nodiscard]] event take_response() noexcept {
        auto& handshake = this->handshake();
        // The caller may look at the head when the input is long gone.
        if (!handshake.reader.keep(this->input())) return this->fail(http::errc::head_too_large);
        const http::head head = handshake.reader.head();
        if (head.status != 101) {
            // The caller reads any other answer, with its fields and a bounded body (RFC 6455 section 4.1) [H18].
            handshake.at = stage::refused;
            return {.kind = kind::refused, .code = head.status};
        }
        const offers asked = offered();
        const opening_response answer =
            check_response(head, asked.key, asked.subprotocols, asked.extensions, handshake.reaction);
        if (answer.error && answer.faults.empty()) return this->fail(answer.error);
        if constexpr (Compression::available) {
            const auto agreement = this->compression_stage().check(head.fields, asked.extensions);
            if (agreement.error != errc::none) return this->fail(agreement.error);
            this->compression_stage().agree(role::client, agreement);
        }
        handshake.subprotocol = answer.subprotocol;
        handshake.faults = answer.faults;
        if (answer.error) {
            handshake.at = stage::judged;
        } else {
            this->become_open();
        }
        return {.kind = kind::open, .error = answer.error};
    }

    // The values of the request by which the answer is judged. The output has kept the request.
    struct offers {
        std::string_view key, subprotocols, extensions;
    };

    [[nodiscard]] offers offered() noexcept {
        std::string_view lines = text_of(this->kept_output());
        lines.remove_prefix(lines.find('\n') + 1); // the request line
        lines.remove_suffix(2);                    // the empty line
        offers found{};
        http::detail::visit_fields(http::fields(lines), [&](std::string_view name, auto value) {
            switch (detail::opening_field_of(name)) {
            case detail::opening_field::key: found.key = value(); break;
            case detail::opening_field::subprotocol: found.subprotocols = value(); break;
            case detail::opening_field::extensions: found.extensions = value(); break;
            default: break;
            }
        });
        return found;
    }

    void begin_body() noexcept {
        auto& handshake = this->handshake();
        const http::limits limits = handshake.reader.limits();
        const http::body_framing framing = framing_of(response(), http::message_kind::response);
        ::new (static_cast<void*>(&handshake.body)) http::body_decoder(framing, limits);
        handshake.at = stage::reading_body;
    }

    [[nodiscard]] event next_of_body(bytes& in) noexcept {
        if (this->handshake().at == stage::refused) begin_body();
        const http::body_event found = this->handshake().body.next(in);
        switch (found.kind) {
        case http::body_kind::need_input: return {};
        case http::body_kind::data: return {.kind = kind::body, .payload = found.data};
        case http::body_kind::end: return this->fail(errc::refused);
        case http::body_kind::error: return this->fail(found.error);
        }
        return {};
    }
};

/// The usual one: memory from the heap, up to the limits of its options.
using client = basic_client<growing_buffer>;

} // namespace sockless::ws

#include "../detail/compiler_end.inc"
