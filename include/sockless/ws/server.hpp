// The server's end of one WebSocket connection: bytes in, events out, bytes back; no socket inside.
// SPDX-License-Identifier: MIT
#pragma once

#include "connection.hpp"

namespace sockless::ws::detail {

enum class server_stage : std::uint8_t { reading, upgrade_asked, other_asked };

template <class Buffer>
struct server_handshake {
    explicit server_handshake(const http::limits& limits) noexcept : parser(http::head_kind::request, {}, limits) {}

    http::basic_head_parser<buffer_reference<Buffer>> parser;
    ws::opening_request request{};
    server_stage stage = server_stage::reading;
};

struct no_keys {};

} // namespace sockless::ws::detail

namespace sockless::ws {

/// One connection, seen from the server. Feed what `recv` gave to `next` until it returns falsy; send what `output()`
/// holds and say so with `sent`; stop when `done()`. Anything can be sent, and any verb called, at any time: what is
/// not possible is said by an error, and then nothing was queued.
///
/// `Buffer` is where heads and messages that come in pieces, and what is to be sent, are kept (see buffer.hpp).
/// `Compression` is `no_compression`, or a `deflate_stage`, which is then given as the last
/// argument. It takes its memory for windows from the heap.
template <class Buffer, class Compression = no_compression>
class basic_server
    : public endpoint<role::server, Buffer, detail::server_handshake<Buffer>, detail::no_keys, Compression> {
    using base = endpoint<role::server, Buffer, detail::server_handshake<Buffer>, detail::no_keys, Compression>;
    using stage = detail::server_stage;

  public:
    /// With buffers that grow up to the limits of `how`.
    explicit basic_server(const options& how = {}, Compression compression = Compression()) noexcept requires
        std::is_same_v<Buffer, growing_buffer>
        : basic_server(growing_buffer(base::input_limit(how)), growing_buffer(how.output), how,
                       static_cast<Compression&&>(compression)) {}

    /// With these buffers: `input` bounds the size of heads, and of messages that come in pieces; give it room for the
    /// limits of `how`, or what is too large depends on how it came. `output` bounds what waits to be sent, and
    /// `options::output` is not read.
    basic_server(Buffer input, Buffer output, const options& how = {}, Compression compression = Compression()) noexcept
        : base(how, static_cast<Buffer&&>(input), static_cast<Buffer&&>(output),
               detail::server_handshake<Buffer>(how.head), {}, static_cast<Compression&&>(compression)),
          show_requests_(how.show_requests) {}

    /// Takes bytes from the front of `in` up to the end of the next event and returns it. Payloads are unmasked where
    /// they lie. Between `request` and the answer to it nothing is taken: answer while handling the event, or keep what
    /// is left in `in` and give it again.
    [[nodiscard, gnu::always_inline]] event next(bytes& in) noexcept {
        event made;
        this->note_input(in);
        if (this->take_message(in, made)) return made;
        // A call that gets a copy of `in`, so that the short way can have the caller's in registers.
        bytes rest = in;
        made = next_otherwise(rest);
        in = rest;
        return made;
    }

    /// What is asked for: target, host, origin, and so on, and all fields (RFC 6455 sections 4.2.1 and 10.2; H13).
    /// Valid from `request` or `http_request` on, until the call of `next` that follows the answer; empty afterwards.
    [[nodiscard]] opening_request request() const noexcept {
        return this->has_handshake() ? this->handshake().request : opening_request{};
    }
    [[nodiscard]] http::head head() const noexcept {
        return this->has_handshake() ? this->handshake().parser.head() : http::head{};
    }

    /// Accepts the request: queues the 101 with the subprotocol and the fields given (RFC 6455 section 4.2.2; H9, H10).
    /// Messages can be sent at once. With a `deflate_stage` the first acceptable offer of compression is agreed to.
    /// Errors: `nothing_to_answer`, `subprotocol_not_offered`, `extension_not_offered`, `bad_extensions` where
    /// `how.extensions` names permessage-deflate, `bad_deflate_window` where the policy cannot be had, `no_room`, and
    /// those of `write_acceptance`; the request then still waits for its answer.
    [[nodiscard]] sockless::error accept(const acceptance& how = {}) noexcept {
        if (!this->is_opening() || this->handshake().stage != stage::upgrade_asked) return errc::nothing_to_answer;
        // A server chooses among what was offered (RFC 6455 section 4.2.2; H10).
        if (!how.subprotocol.empty() && !offers_subprotocol(head().fields, how.subprotocol)) {
            return errc::subprotocol_not_offered;
        }
        // And answers only extensions that were offered (RFC 6455 section 9.1; H11).
        for (const extension& each : extension_list(how.extensions)) {
            if (!offers_extension(head().fields, each.name)) return errc::extension_not_offered;
        }
        // What changes how frames are read is agreed to by who reads them.
        if (has_extension(how.extensions, deflate_name)) return errc::bad_extensions;
        if constexpr (Compression::available) {
            if (how.compression) return accept_compressed(how);
        }
        return queue_answer(how, {});
    }

    /// Answers with anything but a WebSocket (RFC 6455 section 4.2.2; H12), also to an `http_request`. The connection
    /// ends once that is sent. Errors: `nothing_to_answer`, `no_room`, and those of `write_refusal`.
    [[nodiscard]] sockless::error reject(const refusal& how) noexcept {
        if (!this->is_opening() || this->handshake().stage == stage::reading) return errc::nothing_to_answer;
        if (const sockless::error refused = this->queue_refusal([&](bytes out) { return write_refusal(out, how); })) {
            return refused;
        }
        this->become_closed(false);
        return {};
    }
    [[nodiscard]] sockless::error reject(std::uint16_t status) noexcept { return reject(refusal{.status = status}); }

  private:
    [[nodiscard]] sockless::error accept_compressed(const acceptance& how) noexcept {
        auto& compression = this->compression_stage();
        if (!compression.is_valid(role::server)) return errc::bad_deflate_window;
        const auto agreement = compression.choose(head().fields);
        char memory[Compression::text_size];
        const sockless::error refused = queue_answer(how, compression.response(memory, agreement));
        if (!refused) compression.agree(role::server, agreement);
        return refused;
    }

    [[nodiscard]] sockless::error queue_answer(const acceptance& how, std::string_view compression) noexcept {
        const auto write = [&](bytes out) { return write_answer(out, how, compression); };
        if (const sockless::error refused = this->queue_opening(write)) return refused;
        this->become_open();
        return {};
    }

    [[nodiscard]] written write_answer(bytes out, const acceptance& how, std::string_view compression) const noexcept {
        std::size_t begin = 0;
        if (request().expects_continue) {
            // Who expects `100 Continue` gets it before the 101 (RFC 9110 section 7.8; H21).
            begin = http::head_writer(out).status_line(100).finish().size;
            out = out.subspan(begin < out.size() ? begin : out.size());
        }
        const written rest = write_acceptance(out, request().key, how, compression);
        return {begin + rest.size, rest.error};
    }

    [[nodiscard]] event next_otherwise(bytes& in) noexcept {
        return this->is_opening() ? next_request(in) : this->next_open(in);
    }

    [[nodiscard]] event next_request(bytes& in) noexcept {
        auto& handshake = this->handshake();
        if (handshake.stage != stage::reading) return {};
        handshake.parser.memory() = buffer_reference<Buffer>(this->input());
        const http::head_event found = handshake.parser.next(in);
        if (!found) return {};
        if (found.kind == http::kind::error) return this->fail(found.error);
        // The answer may come late, when the input is long gone.
        if (!handshake.parser.keep()) return this->fail(http::errc::head_too_large);
        const http::head head = handshake.parser.head();
        if (show_requests_ && !is_upgrade(head)) {
            handshake.stage = stage::other_asked;
            return {.kind = kind::http_request};
        }
        handshake.request = check_request(head);
        if (handshake.request.error) return this->fail(handshake.request.error);
        handshake.stage = stage::upgrade_asked;
        return {.kind = kind::request};
    }

    bool show_requests_;
};

/// The usual one: memory from the heap, up to the limits of its options.
using server = basic_server<growing_buffer>;

} // namespace sockless::ws
