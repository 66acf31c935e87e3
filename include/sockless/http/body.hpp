// The body of an HTTP/1.1 message, without its framing (RFC 9112 sections 6 and 7).
// SPDX-License-Identifier: MIT
#pragma once

#include "head_parser.hpp"
#include "lists.hpp"

namespace sockless::http {

/// How the end of a body is found.
enum class framing : std::uint8_t {
    none,      ///< there is no body
    length,    ///< after so many bytes
    chunked,   ///< each chunk says its size, and the last that it is the last
    until_end, ///< at the end of the connection
};

/// The framing of the body behind a head.
struct body_framing {
    http::framing framing = framing::none;
    std::uint64_t length = 0; ///< with `framing::length`
    errc error = errc::none;
    message_kind message = message_kind::request; ///< a field line behind the chunks of a response may be folded
};

/// Reads the framing of the body behind `head` from its fields (RFC 9112 section 6.3). A framing that is wrong or
/// doubtful is an error: two peers that read it differently would not agree on the beginning of the next message.
[[nodiscard]] constexpr body_framing framing_of(const head& head, message_kind kind) noexcept {
    // Interim responses, 204 and 304 have no body, even if their fields announce one (RFC 9110 section 6.4.1).
    if (kind == message_kind::response && (head.status < 200 || head.status == 204 || head.status == 304)) return {};

    bool has_length = false;
    std::uint64_t length = 0;
    bool has_codings = false;
    std::size_t codings = 0;
    for (const field& each : head.fields) {
        if (equal_ignoring_case(each.name, "transfer-encoding")) {
            has_codings = true;
            for (const std::string_view coding : list_elements(each.value)) {
                // A coding that is not known, or chunked twice, cannot be undone (RFC 9112 section 6.1).
                ++codings;
                if (codings != 1 || !equal_ignoring_case(coding, "chunked"))
                    return {.error = errc::unsupported_transfer_coding};
            }
        } else if (equal_ignoring_case(each.name, "content-length")) {
            // A length is decimal digits and nothing else (RFC 9110 section 8.6), and repeated only with the same value
            // (RFC 9112 section 6.3).
            const detail::decimal number = detail::read_decimal(each.value);
            if (!number.valid || (has_length && number.value != length)) return {.error = errc::bad_content_length};
            has_length = true;
            length = number.value;
        }
    }
    if (has_codings && codings == 0) return {.error = errc::unsupported_transfer_coding};
    if (has_codings && has_length) return {.error = errc::ambiguous_length};
    if (has_codings) return {.framing = framing::chunked, .message = kind};
    if (has_length) return {.framing = framing::length, .length = length};
    return {.framing = kind == message_kind::request ? framing::none : framing::until_end};
}

/// The kinds of `body_event`. Behind each kind stand the members of the event that it sets.
enum class body_kind : std::uint8_t {
    need_input, ///< nothing yet: the input is used up, or the body has ended
    data,       ///< a piece of the body: `data`
    end,        ///< the end of the body. The rest of the input is not part of it.
    error,      ///< a rule was broken: `error`. Given once; nothing follows it.
};

/// The name of the enumerator, for logs.
[[nodiscard]] constexpr std::string_view name_of(body_kind of) noexcept {
    constexpr literal names[] = {"need_input", "data", "end", "error"};
    static_assert(std::size(names) == static_cast<std::size_t>(body_kind::error) + 1);
    return names[static_cast<std::size_t>(of)];
}

/// The result of `next`. False for `need_input`. `data` lies in the input.
struct body_event {
    body_kind kind = body_kind::need_input;
    errc error = errc::none;
    bytes data{};

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return kind != body_kind::need_input; }
};

/// Takes the framing off a body, in place and without memory of its own. Chunk extensions and trailers are checked,
/// bounded, and dropped.
///
///     http::body_decoder body(http::framing_of(head, http::message_kind::response));
///     while (const http::body_event found = body.next(in)) {
///         if (found.kind == http::body_kind::data) print(text_of(found.data));
///         if (found.kind == http::body_kind::error) print(sockless::error(found.error).sentence());
///     }
class body_decoder {
  public:
    using event = body_event;
    using kind = body_kind;

    /// For a body with this framing. `limits::body`, and for chunks also `chunk_extensions` and those of field lines,
    /// apply. A length beyond the limit is an error before anything is taken.
    constexpr explicit body_decoder(const body_framing& framing = {}, const http::limits& limits = {}) noexcept
        : limits_(limits), trailers_(detail::head_scanner::of_field_lines(framing.message)) {
        left_ = framing.length;
        if (framing.error != errc::none) {
            error_ = framing.error;
        } else if (framing.framing == framing::length && left_ > limits.body) {
            error_ = errc::body_too_large;
        } else {
            switch (framing.framing) {
            case framing::none: phase_ = phase::end; break;
            case framing::length: phase_ = left_ == 0 ? phase::end : phase::counted; break;
            case framing::chunked: phase_ = phase::size_begin; break;
            case framing::until_end: phase_ = phase::uncounted; break;
            }
            return;
        }
        phase_ = phase::failing;
    }

    /// Takes bytes from the front of `in`, at most up to the end of the body. Once nothing more is to come, the end is
    /// told even if `in` is empty.
    [[nodiscard]] constexpr body_event next(bytes& in) noexcept {
        for (;;) {
            switch (phase_) {
            case phase::failing: phase_ = phase::ended; return {.kind = body_kind::error, .error = error_};
            case phase::end: phase_ = phase::ended; return {.kind = body_kind::end};
            case phase::ended: return {};
            case phase::counted:
            case phase::chunk:
            case phase::uncounted:
                if (in.empty()) return {};
                if (const bytes data = take_data(in); !data.empty()) return {.kind = body_kind::data, .data = data};
                break;
            case phase::trailers:
                if (in.empty()) return {};
                take_trailers(in);
                break;
            default:
                if (in.empty()) return {};
                take_framing(in);
                break;
            }
        }
    }

    /// Says that the input has ended, which ends a body of `framing::until_end`; any other is `truncated` unless its
    /// end was told. Returns `none`, or the error.
    [[nodiscard]] constexpr errc finish() noexcept {
        if (phase_ != phase::ended && phase_ != phase::failing) {
            if (phase_ != phase::uncounted && phase_ != phase::end) error_ = errc::truncated;
            phase_ = phase::ended;
        }
        return error_;
    }

    /// The error, if there was one. It stays.
    [[nodiscard]] constexpr errc error() const noexcept { return error_; }

    /// How many bytes since the beginning of the body were taken; after an error, the offset of the byte that broke the
    /// rule.
    [[nodiscard]] constexpr std::uint64_t offset() const noexcept { return offset_; }

  private:
    enum class phase : std::uint8_t {
        counted,    // data, `left_` bytes of it, then the end
        uncounted,  // data up to the end of the connection
        size_begin, // the first digit of a chunk size
        size,       // a further one, or the byte behind them
        extension,  // chunk extensions
        size_lf,    //
        chunk,      // data, `left_` bytes of it
        chunk_cr,   //
        chunk_lf,   //
        trailers,   // field lines and the empty line
        end,        // the end is yet to be told
        failing,    // the error is yet to be told
        ended,
    };

    constexpr void fail(errc error) noexcept {
        error_ = error;
        phase_ = phase::failing;
    }

    // Up to `left_` bytes, or all there are; none if they would make the body larger than its limit.
    constexpr bytes take_data(bytes& in) noexcept {
        std::uint64_t most = phase_ == phase::uncounted ? limits_.body - total_ : left_;
        if (most == 0) {
            fail(errc::body_too_large);
            return {};
        }
        if (most > in.size()) most = in.size();
        const auto size = static_cast<std::size_t>(most);
        const bytes data = in.first(size);
        in = in.subspan(size);
        offset_ += size;
        if (phase_ == phase::uncounted) {
            total_ += size;
        } else if ((left_ -= size) == 0) {
            phase_ = phase_ == phase::counted ? phase::end : phase::chunk_cr;
        }
        return data;
    }

    constexpr void take_trailers(bytes& in) noexcept {
        const std::size_t room = limits_.head - trailers_.position();
        const std::size_t before = trailers_.position();
        const std::size_t taken = trailers_.scan(in.first(in.size() < room ? in.size() : room), limits_);
        in = in.subspan(taken);
        offset_ += trailers_.position() - before;
        if (trailers_.error() != errc::none) return fail(trailers_.error());
        if (trailers_.done()) {
            phase_ = phase::end;
        } else if (!in.empty()) {
            fail(errc::head_too_large);
        }
    }

    // One byte of the framing around chunks: `size [extensions] CR LF data CR LF`, the last of size 0 and without data.
    constexpr void take_framing(bytes& in) noexcept {
        const char c = static_cast<char>(in.front());
        switch (phase_) {
        case phase::size_begin:
        case phase::size: take_size(c); break;
        case phase::extension: take_extension(c); break;
        case phase::size_lf: c == '\n' ? begin_chunk() : fail(errc::bare_cr); break;
        case phase::chunk_cr: c == '\r' ? go_on(phase::chunk_lf) : fail(errc::bad_chunk_end); break;
        default: c == '\n' ? go_on(phase::size_begin) : fail(errc::bad_chunk_end); break;
        }
        if (phase_ == phase::failing) return;
        in = in.subspan(1);
        ++offset_;
    }

    constexpr void go_on(phase next) noexcept { phase_ = next; }

    constexpr void take_size(char c) noexcept {
        const int digit = detail::hex_digit(c);
        if (digit >= 0) {
            // 16 digits fit 64 bits; leading zeros are digits too, so there is an end to them.
            if (digits_ == 16) return fail(errc::bad_chunk_size);
            ++digits_;
            left_ = phase_ == phase::size_begin ? 0 : left_;
            left_ = left_ * 16 + static_cast<unsigned>(digit);
            return go_on(phase::size);
        }
        if (phase_ == phase::size_begin) return fail(errc::bad_chunk_size);
        digits_ = 0;
        if (c == '\r') return go_on(phase::size_lf);
        // Extensions begin with a semicolon, and white space may stand before that (RFC 9112 section 7.1.1).
        if (c != ';' && !detail::is_white(c)) return fail(c == '\n' ? errc::bare_lf : errc::bad_chunk_size);
        go_on(phase::extension);
        take_extension(c);
    }

    constexpr void take_extension(char c) noexcept {
        if (c == '\r') return go_on(phase::size_lf);
        if (!detail::is_in(detail::in_value, c)) return fail(c == '\n' ? errc::bare_lf : errc::bad_chunk_extension);
        if (extensions_ == limits_.chunk_extensions) return fail(errc::chunk_extensions_too_long);
        ++extensions_;
    }

    constexpr void begin_chunk() noexcept {
        if (left_ == 0) return go_on(phase::trailers);
        if (left_ > limits_.body - total_) return fail(errc::body_too_large);
        total_ += left_;
        go_on(phase::chunk);
    }

    http::limits limits_;
    detail::head_scanner trailers_;
    std::uint64_t offset_ = 0;
    std::uint64_t left_ = 0;       // of the body with a length, or of the chunk
    std::uint64_t total_ = 0;      // of all chunks, or of a body without a length
    std::uint32_t extensions_ = 0; // bytes of them so far
    std::uint8_t digits_ = 0;
    phase phase_ = phase::end;
    errc error_ = errc::none;
};

} // namespace sockless::http
