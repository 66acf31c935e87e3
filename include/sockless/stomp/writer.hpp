// The writer of STOMP frames, into a span. It escapes headers, and refuses characters that a frame cannot carry.
// SPDX-License-Identifier: MIT
#pragma once

#include "../detail/text_sink.hpp"
#include "command.hpp"
#include "errc.hpp"
#include "headers.hpp"

#include "../detail/compiler_begin.inc"

namespace sockless::stomp::detail {

/// Whether no character of `text` is a colon, a backslash, or a control character up to CR. `size` is that of one to
/// two words; the two words that are looked at may overlap.
template <class Word>
[[nodiscard]] inline bool is_plain_in_words(const char* text, std::size_t size) noexcept {
    constexpr Word each = static_cast<Word>(0x0101010101010101U), high = each * 0x80;
    Word first, last;
    std::memcpy(&first, text, sizeof first);
    std::memcpy(&last, text + size - sizeof last, sizeof last);
    Word found = 0;
    for (const Word word : {first, last}) {
        const Word colon = word ^ each * ':', backslash = word ^ each * '\\';
        // The top bit of each byte that is up to CR, or one of the two.
        found |= ((word - each * ('\r' + 1)) & ~word) | ((colon - each) & ~colon) | ((backslash - each) & ~backslash);
    }
    return (found & high) == 0;
}

/// Whether a name or value is surely the same in every version, escaped or not. If the answer is false, `writer::text`
/// looks at each of its special characters.
[[nodiscard]] constexpr bool is_plain(std::string_view text) noexcept {
    if (!std::is_constant_evaluated()) {
        using blocks = most_characters;
        const auto specials_at = [&](std::size_t at) {
            return blocks::any_of(blocks::load(text.data() + at), '\0', '\n', '\r', ':', '\\');
        };
        if (text.size() >= 16) {
            unsigned found = specials_at(text.size() - blocks::size);
            for (std::size_t at = 0; text.size() - at > blocks::size; at += blocks::size) found |= specials_at(at);
            return found == 0;
        }
        if (text.size() >= 8) return is_plain_in_words<std::uint64_t>(text.data(), text.size());
        if (text.size() >= 4) return is_plain_in_words<std::uint32_t>(text.data(), text.size());
    }
    for (const char c : text) {
        if (c == '\0' || c == '\n' || c == '\r' || c == ':' || c == '\\') return false;
    }
    return true;
}

} // namespace sockless::stomp::detail

namespace sockless::stomp {

/// Whether a frame with a body has a `content-length`. Without one the body ends at the first NUL.
enum class content_length : std::uint8_t { automatic, omitted };

/// Writes one frame into a span. Call `begin`, then `header` for each header, then `finish`. The writer keeps the first
/// error and `finish` returns it, so calls can be chained and need no checks of their own. If the span is too small,
/// the writer goes on counting, and `finish` returns the room that the whole frame needs. Headers are escaped as the
/// version and the command demand (STOMP 1.2 Value Encoding) [S14].
///
///     std::array<std::byte, 256> memory;
///     const written frame = stomp::writer(memory, stomp::version::v1_2)
///                               .begin(stomp::command::send)
///                               .header("destination", "/queue/a")
///                               .finish(bytes_of("hello"));
///     if (!frame.error) write(bytes(memory).first(frame.size));
class writer {
  public:
    /// Writes to the front of `out`, whose memory must outlive the writer. If the version is `unknown`, nothing is
    /// escaped.
    constexpr explicit writer(bytes out, version in) noexcept : sink_(out), version_(in) {}

    /// Writes the first line. Error: `unexpected_command` if the version does not have this command, or it is `none`.
    constexpr writer& begin(command sent) noexcept {
        if (sent == command::none || !is_in(sent, version_)) return fail(errc::unexpected_command);
        command_ = sent;
        sink_.put(text_of(sent));
        sink_.put("\n");
        return *this;
    }

    /// Writes one header. Error: `bad_header` if the name is empty, if it is `content-length`, which `finish` writes,
    /// or if the name or the value has a character that the frame cannot carry. No frame can carry a NUL. Frames
    /// without escapes (all of 1.0; CONNECT and CONNECTED in every version) cannot carry LF, CR, or a colon in a name.
    /// Frames of 1.0 cannot carry blanks around a value.
    constexpr writer& header(std::string_view name, std::string_view value) noexcept {
        if (name.empty() || equal(name, "content-length")) return fail(errc::bad_header);
        // A reader of 1.0 takes the blanks around a value away (STOMP 1.0 SUBSCRIBE) [S14] [S16].
        if (version_ == version::v1_0 && is_padded(value)) return fail(errc::bad_header);
        return line(name, value);
    }

    /// Writes one header, unless the value is empty. Errors: as `header`.
    constexpr writer& optional(std::string_view name, std::string_view value) noexcept {
        return value.empty() ? *this : header(name, value);
    }

    /// Writes one header that the frame must have. Errors: `missing_header` if the value is empty, else as `header`.
    constexpr writer& required(std::string_view name, std::string_view value) noexcept {
        return value.empty() ? fail(errc::missing_header) : header(name, value);
    }

    /// Sets the error of the writer, unless it already has one. For callers that check more than the writer does.
    constexpr writer& fail(sockless::error error) noexcept {
        if (!error_) error_ = error;
        return *this;
    }

    /// Writes the end of the head, the body, and the NUL that ends the frame (STOMP 1.2 Body) [S1] [S2]. Returns the
    /// size of the whole frame; with `no_room`, the room that it needs. Errors: the first of the earlier calls,
    /// `unexpected_command` if `begin` was not called, `body_not_allowed` if the command has no body, `nul_in_body` if
    /// the body has a NUL and `told` is `omitted`, and `no_room`.
    [[nodiscard]] constexpr written finish(cbytes body = {}, content_length told = content_length::automatic) noexcept {
        if (command_ == command::none) fail(errc::unexpected_command);
        if (!body.empty() && !has_body(command_)) fail(errc::body_not_allowed);
        if (told == content_length::omitted && detail::place_of_nul(body) != body.size()) fail(errc::nul_in_body);
        // A body has a content-length, unless the caller wants none (STOMP 1.2 Header content-length) [S14].
        if (told == content_length::automatic && !body.empty()) {
            plain_line("content-length", detail::decimal_text(body.size()).text());
        }
        sink_.put("\n");
        if (!body.empty()) sink_.put(body);
        sink_.put(std::string_view("\0", 1));
        if (error_) return {0, error_};
        const std::size_t size = sink_.size();
        if (!sink_.complete()) return {size, errc::no_room};
        return {size, {}};
    }

  private:
    enum class part : std::uint8_t { name, value };

    [[nodiscard]] SOCKLESS_NEVER_INLINE static constexpr bool is_padded(std::string_view value) noexcept {
        return detail::trimmed(value).size() != value.size();
    }
    constexpr writer& put(std::string_view some) noexcept {
        sink_.put(some);
        return *this;
    }
    // Writes a header and escapes its name and value. Nearly all headers are plain and need no escape.
    constexpr writer& line(std::string_view name, std::string_view value) noexcept {
        if (!detail::is_plain(name) || !detail::is_plain(value)) {
            return text(name, part::name).put(":").text(value, part::value).put("\n");
        }
        return plain_line(name, value);
    }

    constexpr writer& plain_line(std::string_view name, std::string_view value) noexcept {
        if (std::byte* const to = sink_.take(name.size() + value.size() + 2)) {
            detail::copy(to, name.data(), name.size());
            to[name.size()] = std::byte{':'};
            detail::copy(to + name.size() + 1, value.data(), value.size());
            to[name.size() + 1 + value.size()] = std::byte{'\n'};
        }
        return *this;
    }

    // Writes a name or value and escapes it.
    constexpr writer& text(std::string_view plain, part in) noexcept {
        const detail::escaping by = detail::escaping_of(version_, command_);
        const char* run = plain.data();
        const char* const end = run + plain.size();
        detail::occurrences<const char, '\0', '\n', '\r', ':', '\\'> special(run, end);
        for (const char* at = special.next(); at != end; at = special.next()) {
            const char code = escaped(*at, by);
            if (code != '\0') {
                const char pair[] = {'\\', code};
                put({run, static_cast<std::size_t>(at - run)}).put(detail::text_at(pair, 2));
                run = at + 1;
            } else if (!may_stand(*at, by, in)) {
                return fail(errc::bad_header);
            }
        }
        return put({run, static_cast<std::size_t>(end - run)});
    }

    // The character that follows the backslash if `plain` is escaped, or NUL if it is not (STOMP 1.2 Value Encoding)
    // [S3].
    [[nodiscard]] static constexpr char escaped(char plain, detail::escaping by) noexcept {
        for (std::size_t i = 0; i != detail::number_of_escapes(by); ++i) {
            if (detail::escapes[i].plain == plain) return detail::escapes[i].code;
        }
        return '\0';
    }

    // Whether `plain` can stand unescaped, so that a reader gets it back as it was (STOMP 1.2 Value Encoding) [S14]. A
    // CR is data in 1.1. In a frame without escapes a reader may take it for a part of the end of the line.
    [[nodiscard]] static constexpr bool may_stand(char plain, detail::escaping by, part in) noexcept {
        switch (plain) {
        case '\r': return by == detail::escaping::of_1_1;
        case ':': return in == part::value;
        case '\\': return true;
        default: return false;
        }
    }

    detail::text_sink<std::byte> sink_;
    sockless::error error_{};
    version version_;
    command command_ = command::none;
};

} // namespace sockless::stomp

#include "../detail/compiler_end.inc"
