// The server's end of one WebSocket connection: bytes in, events out, bytes back; no socket inside.
// SPDX-License-Identifier: MIT
#pragma once

#include "connection.hpp"

#include "../detail/compiler_begin.inc"

namespace sockless::ws::detail {

/// The opening handshake, as the server sees it.
struct server_handshake {
    enum class stage : std::uint8_t {
        reading,       // the request is not there as a whole
        upgrade_asked, // a request for a WebSocket waits for its answer
        other_asked,   // a request for something else waits for its answer
    };

    server_handshake(const http::limits& limits, bool show_requests, bool show_faults) noexcept
        : reader(http::message_kind::request, limits),
          shows_requests(show_requests),
          reaction(show_faults ? on_fault::note : on_fault::stop) {
        if (show_faults) reader.take_bare_lf();
    }

    // Whether the request, or as much of it as has come, is HEAD. `memory` is that of the reader.
    template <class Memory>
    [[nodiscard]] bool is_head(const Memory& memory) const noexcept {
        return has_head || reader.is_method("HEAD", memory);
    }

    http::detail::head_reader reader; // the connection's input buffer is its memory
    opening_request request{};
    stage at = stage::reading;
    bool shows_requests;
    on_fault reaction;
    bool has_head = false; // the request is HEAD, also if it is wrong and nothing keeps it
};

} // namespace sockless::ws::detail

namespace sockless::ws {

/// One connection, seen from the server: an opening handshake, then a `connection`. Give the received bytes to `next`
/// until it returns no event; send the bytes of `output()` and say so with `sent`; stop when `done()`. Anything can be
/// sent, and any verb called, at any time: if something is not possible, an error says so, and nothing was queued.
///
/// A `Buffer` holds heads and messages that come in pieces, and another one the bytes that are to be sent (see
/// buffer.hpp). `Compression` is `no_compression`, or a `deflate_stage`, which is then given as the last argument. It
/// takes its memory for windows from the heap.
///
///     ws::server peer;
///     while (const ws::event event = peer.next(in)) {
///         if (event.kind == ws::kind::request) error = peer.accept();
///         if (event.kind == ws::kind::message) error = peer.send(event.type, event.payload);
///         if (event.kind == ws::kind::closed) print(event.code, event.text());
///     }
///     peer.sent(write(peer.output()));
template <class Buffer, compression Compression = no_compression>
class basic_server : public connection<role::server, Buffer, Compression, detail::server_handshake> {
    using handshake_state = detail::server_handshake;
    using base = connection<role::server, Buffer, Compression, handshake_state>;
    using stage = handshake_state::stage;

  public:
    /// With buffers that grow up to the limits of `settings`.
    explicit basic_server(const options& settings = {}, Compression compression = Compression()) noexcept requires
        std::is_same_v<Buffer, growing_buffer>
        : basic_server(growing_buffer(base::input_limit(settings)), growing_buffer(settings.output), settings,
                       static_cast<Compression&&>(compression)) {}

    /// With these buffers: `input` bounds the size of heads, and of messages that come in pieces. Give it room for the
    /// limits of `settings`, else a head or message may be too large in pieces but not as a whole. `output` bounds the
    /// bytes that wait to be sent, and `options::output` is not read; 131 bytes of it are kept for the Close.
    basic_server(Buffer input, Buffer output, const options& settings = {},
                 Compression compression = Compression()) noexcept
        : base(settings, static_cast<Buffer&&>(input), static_cast<Buffer&&>(output),
               handshake_state(settings.head, settings.show_requests, settings.show_faults), {},
               static_cast<Compression&&>(compression)) {}

    /// Begins open, for a caller that did the opening handshake elsewhere: with another HTTP library, behind a proxy
    /// that did it, or over HTTP/2 (`check_extended_connect`). Give the bytes that were read behind the request to
    /// `next`. If compression was agreed to, tell `compression` beforehand (`deflate_stage::agree`).
    explicit basic_server(already_open, const options& settings = {}, Compression compression = Compression()) noexcept
        requires std::is_same_v<Buffer, growing_buffer>
        : basic_server(settings, static_cast<Compression&&>(compression)) {
        this->become_open();
    }
    basic_server(already_open, Buffer input, Buffer output, const options& settings = {},
                 Compression compression = Compression()) noexcept
        : basic_server(static_cast<Buffer&&>(input), static_cast<Buffer&&>(output), settings,
                       static_cast<Compression&&>(compression)) {
        this->become_open();
    }

    /// Takes bytes from the front of `in` up to the end of the next event and returns it. Payloads are unmasked in
    /// place. Nothing is taken between `request` and the answer to it: answer while handling the event, or keep the
    /// rest of `in` and give it again.
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

    /// The request: target, host, origin, and so on, and all fields (RFC 6455 sections 4.2.1 and 10.2) [H13]. Valid
    /// from `request` or `http_request` on, until the call of `next` that follows the answer; empty afterwards.
    [[nodiscard]] opening_request request() const noexcept {
        return this->has_handshake() ? this->handshake().request : opening_request{};
    }
    [[nodiscard]] http::head head() const noexcept {
        return this->has_handshake() ? this->handshake().reader.head() : http::head{};
    }

    /// Accepts the request: queues the 101 with the subprotocol and the fields given (RFC 6455 section 4.2.2) [H9]
    /// [H10]. Messages can be sent at once. With a `deflate_stage` the first acceptable offer of compression is agreed
    /// to. Errors: `nothing_to_answer`, `subprotocol_not_offered`, `extension_not_offered`, `bad_extensions` if
    /// `answer.extensions` names permessage-deflate, `bad_deflate_window` if the policy cannot be had, `no_room`, and
    /// those of `write_acceptance`; the request then still waits for its answer. A request that was shown with an error
    /// (`options::show_faults`) is accepted like any other, on the caller's word: `request().faults` says which rules
    /// it breaks.
    [[nodiscard]] sockless::error accept(const acceptance& answer = {}) noexcept {
        if (!this->is_opening() || this->handshake().at != stage::upgrade_asked) return errc::nothing_to_answer;
        // A server chooses one of the subprotocols that were offered (RFC 6455 section 4.2.2) [H10].
        if (!answer.subprotocol.empty() && !offers_subprotocol(head().fields, answer.subprotocol)) {
            return errc::subprotocol_not_offered;
        }
        if (!answer.extensions.empty()) {
            if (const errc wrong = judge_extensions(answer.extensions); wrong != errc::none) return wrong;
        }
        if constexpr (Compression::available) {
            if (answer.compression) return accept_compressed(answer);
        }
        return queue_acceptance(answer, {});
    }

    /// Answers with anything but a WebSocket (RFC 6455 section 4.2.2) [H12], also to an `http_request`. The connection
    /// ends once that is sent. Errors: `nothing_to_answer`, `no_room`, and those of `write_refusal`.
    [[nodiscard]] sockless::error refuse(const refusal& answer) noexcept {
        return refuse_with(256 + answer.body.size(), [&answer](bytes out, bool to_head) {
            refusal complete = answer;
            complete.to_head = answer.to_head || to_head;
            return write_refusal(out, complete);
        });
    }
    [[nodiscard]] sockless::error refuse(std::uint16_t status) noexcept { return refuse(refusal{.status = status}); }

    /// Answers with the status and the sentence of an error, such as the one that a request was shown with.
    [[nodiscard]] sockless::error refuse(sockless::error reason) noexcept {
        return refuse_with(256, [reason](bytes out, bool to_head) { return write_refusal(out, reason, to_head); });
    }

  private:
    template <class Write>
    [[nodiscard]] sockless::error refuse_with(std::size_t likely, Write write) noexcept {
        if (!this->is_opening() || this->handshake().at == stage::reading) return errc::nothing_to_answer;
        const bool to_head = this->is_head();
        const auto write_answer = [&](bytes out) { return write(out, to_head); };
        if (const sockless::error error = this->queue_refusal(likely, write_answer)) return error;
        this->become_refused();
        return {};
    }

    [[nodiscard]] errc judge_extensions(std::string_view answered) const noexcept {
        for (const extension& each : extension_list(answered)) {
            // A server answers only extensions that were offered (RFC 6455 section 9.1) [H11].
            if (!offers_extension(head().fields, each.name)) return errc::extension_not_offered;
            // Compression changes how frames are read. So the endpoint, which reads them, agrees to it, not the caller.
            if (equal(each.name, deflate_name)) return errc::bad_extensions;
        }
        return errc::none;
    }

    template <class = Compression> // not compiled without one
    [[nodiscard]] sockless::error accept_compressed(const acceptance& answer) noexcept {
        auto& compression = this->compression_stage();
        if (!compression.is_valid(role::server)) return errc::bad_deflate_window;
        const auto agreement = compression.choose(head().fields);
        char memory[Compression::text_size];
        const sockless::error error = queue_acceptance(answer, compression.response(memory, agreement));
        if (!error) compression.agree(role::server, agreement);
        return error;
    }

    [[nodiscard]] sockless::error queue_acceptance(const acceptance& answer, std::string_view compression) noexcept {
        const auto write = [&](bytes out) { return write_answer(out, answer, compression); };
        if (const sockless::error error = this->queue_opening(usual_answer, write)) return error;
        this->become_open();
        return {};
    }

    [[nodiscard]] written write_answer(bytes out, const acceptance& answer,
                                       std::string_view compression) const noexcept {
        const opening_request& asked = this->handshake().request;
        std::size_t begin = 0;
        if (asked.expects_continue) {
            // A client that expects `100 Continue` gets it before the 101 (RFC 9110 section 7.8) [H21].
            begin = http::head_writer(out).status_line(100).finish().size;
            out = out.subspan(begin < out.size() ? begin : out.size());
        }
        const written rest = detail::write_switch(out, asked.key, answer, compression);
        return {rest.size == 0 ? 0 : begin + rest.size, rest.error};
    }

    [[nodiscard]] event next_otherwise(bytes& in) noexcept {
        return this->is_opening() ? next_request(in) : this->next_open(in);
    }

    [[nodiscard]] event next_request(bytes& in) noexcept {
        auto& handshake = this->handshake();
        if (handshake.at != stage::reading) return {};
        const bytes piece = in;
        const http::head_event found = handshake.reader.next(in, this->input());
        if (!found) return {};
        handshake.has_head = handshake.reader.is_method("HEAD", this->input(), piece);
        if (found.kind == http::head_kind::error) return this->fail(found.error);
        // The answer may come late, when the input is long gone.
        if (!handshake.reader.keep(this->input())) return this->fail(http::errc::head_too_large);
        const http::head head = handshake.reader.head();
        if (handshake.shows_requests && !is_upgrade(head)) {
            // The bytes behind an upgrade are frames. Behind another request there may be a body, so nothing about its
            // head may be in doubt (RFC 9112 section 2.2) [H2].
            if (head.bare_lf) return this->fail(http::errc::bare_lf);
            handshake.at = stage::other_asked;
            return {.kind = kind::http_request};
        }
        handshake.request = check_request(head, handshake.reaction);
        const opening_request& request = handshake.request;
        if (request.error && request.faults.empty()) return this->fail(request.error);
        handshake.at = stage::upgrade_asked;
        return {.kind = kind::request, .error = request.error};
    }

    // Bytes that nearly every 101 fits into.
    static constexpr std::size_t usual_answer = 512;
};

/// The usual one: memory from the heap, up to the limits of its options.
using server = basic_server<growing_buffer>;

} // namespace sockless::ws

#include "../detail/compiler_end.inc"
