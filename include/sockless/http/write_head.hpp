// Writes the head of an HTTP/1.1 request or response, and refuses text that would break out of its place.
// SPDX-License-Identifier: MIT
#pragma once

#include "../detail/text_sink.hpp"
#include "errc.hpp"
#include "status.hpp"
#include "text.hpp"

#include "../detail/compiler_begin.inc"

namespace sockless::http {

/// Writes a head into a span: a start line, fields, then `finish`. The first error stays, and `finish` tells it; so the
/// calls can be chained without looking at each. If the span is too small, the writer goes on counting, and `finish`
/// tells the room that the whole takes.
///
///     std::array<std::byte, 256> memory;
///     const written answer =
///         http::head_writer(memory).status_line(404).field("Content-Length", 10).finish("not here.\n");
///     if (!answer.error) write(bytes(memory).first(answer.size));
class head_writer {
  public:
    /// Writes to the front of `out`, which outlives the writer.
    constexpr explicit head_writer(bytes out) noexcept : sink_(out) {}

    /// Writes the first line of a request. The method must be a token and the target visible ASCII, else `bad_method`
    /// or `bad_target` (RFC 9112 section 3) [H14].
    constexpr head_writer& request_line(std::string_view method, std::string_view target) noexcept {
        if (!is_token(method)) return fail(errc::bad_method);
        if (!is_target(target)) return fail(errc::bad_target);
        return put(method).put(" ").put(target).put(" HTTP/1.1\r\n");
    }

    /// Writes the first line of a response. The status must be from 100 to 999, else `bad_status`, and the reason have
    /// no control character, else `bad_reason` (RFC 9112 section 4) [H14]. If the reason is empty, the standard one is
    /// written.
    constexpr head_writer& status_line(std::uint16_t status, std::string_view reason = {}) noexcept {
        if (status < 100 || status > 999) return fail(errc::bad_status);
        if (!is_field_value(reason)) return fail(errc::bad_reason);
        return put("HTTP/1.1 ")
            .number(status)
            .put(" ")
            .put(reason.empty() ? reason_phrase(status) : reason)
            .put("\r\n");
    }

    /// Writes text that is known to be right, with its ends of line, as it is.
    constexpr head_writer& known(std::string_view text) noexcept { return put(text); }

    /// Writes a field. The name must be a token, and the value have no control character but HTAB, else `bad_name` or
    /// `bad_value` (RFC 9110 section 5.5) [H14]. A reader does not see white space around the value, as that is not
    /// part of it.
    constexpr head_writer& field(std::string_view name, std::string_view value) noexcept {
        if (!is_token(name)) return fail(errc::bad_name);
        if (!is_field_value(value)) return fail(errc::bad_value);
        return put(name).put(": ").put(value).put("\r\n");
    }

    /// Writes a field whose value is a number.
    constexpr head_writer& field(std::string_view name, std::uint64_t value) noexcept {
        if (!is_token(name)) return fail(errc::bad_name);
        return put(name).put(": ").number(value).put("\r\n");
    }

    /// Writes a field whose value is the elements with a comma and a space between; each must be a field value.
    constexpr head_writer& field(std::string_view name, std::span<const std::string_view> elements) noexcept {
        if (!is_token(name)) return fail(errc::bad_name);
        put(name).put(": ");
        std::string_view separator;
        for (const std::string_view each : elements) {
            if (!is_field_value(each)) return fail(errc::bad_value);
            put(separator).put(each);
            separator = ", ";
        }
        return put("\r\n");
    }

    /// Makes `error` that of the writer, unless it has one: for a caller that checks more than the writer does.
    constexpr head_writer& fail(sockless::error error) noexcept {
        if (!error_) error_ = error;
        return *this;
    }

    /// Ends the head, and puts a body behind it as it is; a caller that has it in two parts gives both. The size is
    /// that of all; with `no_room` it is the room needed.
    constexpr written finish(std::string_view body = {}, std::string_view rest_of_body = {}) noexcept {
        put("\r\n");
        if (!body.empty()) put(body).put(rest_of_body);
        if (error_) return {0, error_};
        if (!sink_.complete()) return {sink_.size(), errc::no_room};
        return {sink_.size(), {}};
    }

  private:
    SOCKLESS_ALWAYS_INLINE constexpr head_writer& put(std::string_view text) noexcept {
        sink_.put(text);
        return *this;
    }

    constexpr head_writer& number(std::uint64_t value) noexcept {
        sink_.put_number(value);
        return *this;
    }

    detail::text_sink<std::byte> sink_;
    sockless::error error_{};
};

} // namespace sockless::http

#include "../detail/compiler_end.inc"
