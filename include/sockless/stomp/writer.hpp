// STOMP frames out, into a span: escapes what can be escaped, and refuses what a frame cannot carry.
// SPDX-License-Identifier: MIT
#pragma once

#include "../detail/text_sink.hpp"
#include "command.hpp"
#include "errc.hpp"
#include "headers.hpp"

namespace sockless::stomp::detail {

/// Whether no character of a text of one to two words is a colon, a backslash, or a control up to CR. The words may
/// overlap.
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

/// Whether a name or value can be written as it is, whatever the version. Those of which it cannot be said so quickly
/// need a closer look.
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

/// Whether a body is announced by `content-length`, or ends at the NUL behind it.
enum class content_length : std::uint8_t { automatic, omitted };

/// Writes one frame into a span: `begin`, headers, `finish`. The first error stays, and `finish` tells it; so the calls
/// can be chained without looking at each. Where the span is too small the writer goes on counting, and `finish` tells
/// the room that the whole takes. Headers are escaped as version and command want it (STOMP 1.2 Value Encoding) [S14].
class writer {
  public:
    /// Writes to the front of `out`, which outlives the writer. While the version is `unknown` nothing is escaped.
    constexpr explicit writer(bytes out, version in) noexcept : sink_(out), version_(in) {}

    /// The first line. `unexpected_command` where the version does not have it.
    constexpr writer& begin(command sent) noexcept {
        if (sent == command::none || !is_in(sent, version_)) return fail(errc::unexpected_command);
        command_ = sent;
        sink_.put(text_of(sent));
        sink_.put("\n");
        return *this;
    }

    /// One header. `bad_header` where the name is empty, where either holds what cannot be said (a NUL; in 1.0 and in
    /// CONNECT and CONNECTED, which do not escape, an end of line, or a colon in the name), and for `content-length`,
    /// which `finish` writes.
    constexpr writer& header(std::string_view name, std::string_view value) noexcept {
        if (name.empty() || equal(name, "content-length")) return fail(errc::bad_header);
        return line(name, value);
    }

    /// One header, unless the value is empty.
    constexpr writer& optional(std::string_view name, std::string_view value) noexcept {
        return value.empty() ? *this : header(name, value);
    }

    /// One header that the frame must have: `missing_header` where the value is empty.
    constexpr writer& required(std::string_view name, std::string_view value) noexcept {
        return value.empty() ? fail(errc::missing_header) : header(name, value);
    }

    /// Makes `error` that of the writer, unless it has one: for callers that check more than the writer does.
    constexpr writer& fail(sockless::error error) noexcept {
        if (!error_) error_ = error;
        return *this;
    }

    /// Ends the head and the frame, with the body between, where there is one: `unexpected_command` where nothing was
    /// begun, `body_not_allowed` where the command has none, `nul_in_body` where it has a NUL and its length is not
    /// told (STOMP 1.2 Body) [S1] [S2]. The size is that of the whole frame; with `no_room` it is the room needed.
    [[nodiscard]] constexpr written finish(cbytes body = {}, content_length told = content_length::automatic) noexcept {
        if (command_ == command::none) fail(errc::unexpected_command);
        if (!body.empty() && !has_body(command_)) fail(errc::body_not_allowed);
        if (told == content_length::omitted && detail::place_of_nul(body) != body.size()) fail(errc::nul_in_body);
        // [S14] A body has a content-length unless the caller wants none.
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

    constexpr writer& put(std::string_view some) noexcept {
        sink_.put(some);
        return *this;
    }
    // A header, both parts of it escaped. Nearly all are plain, and written at once.
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

    // A name or value, escaped.
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

    // [S3] What stands behind the backslash, or NUL where this is not escaped.
    [[nodiscard]] static constexpr char escaped(char plain, detail::escaping by) noexcept {
        for (std::size_t i = 0; i != detail::number_of_escapes(by); ++i) {
            if (detail::escapes[i].plain == plain) return detail::escapes[i].code;
        }
        return '\0';
    }

    // [S14] What is not escaped must be read back as it was. A CR is data in 1.1; where nothing is escaped it may be
    // taken for a part of the end of line.
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
