// The grammar of an HTTP/1.1 head as a state machine over single bytes, which can stop and go on at any of them.
// SPDX-License-Identifier: MIT
#pragma once

#include <bit>

#include "errc.hpp"
#include "fields.hpp"
#include "limits.hpp"

namespace sockless::http {

/// Which of the two messages a head begins.
enum class message_kind : std::uint8_t { request, response };

} // namespace sockless::http

namespace sockless::http::detail {

/// Checks a head, or a trailer section, that comes in pieces of any size, and remembers where its elements begin and
/// end, as offsets in it. Looks at each byte once, at those of a line that is cut off twice; keeps none [H20].
class head_scanner {
  public:
    constexpr explicit head_scanner(http::message_kind kind) noexcept
        : phase_(kind == http::message_kind::request ? phase::empty_line : phase::version), kind_(kind) {}

    /// Says that the lines may end in LF alone, if the start line, the first line of all, does: see
    /// `basic_head_parser::take_bare_lf`.
    constexpr void take_bare_lf() noexcept { takes_bare_lf_ = true; }

    /// A scanner for field lines alone, as in the trailer section of a chunked body of this kind of message.
    [[nodiscard]] static constexpr head_scanner of_field_lines(http::message_kind kind) noexcept {
        head_scanner scanner(kind);
        scanner.phase_ = phase::field_begin;
        return scanner;
    }

    /// Takes bytes up to the end of the head, the first byte that is wrong, or the end of `piece`; says how many.
    constexpr std::size_t scan(cbytes piece, const http::limits& limits) noexcept {
        const std::byte* const begin = piece.data();
        const std::byte* const end = begin + piece.size();
        const std::byte* at = begin;
        base_ = position_;
        piece_ = begin;
        while (at != end && phase_ < phase::done) {
            if (phase_ == phase::field_begin && line_end_ == cr && !std::is_constant_evaluated()) {
                at = whole_field_lines(at, end, limits);
                if (at == end) break;
            }
            const bool in_start_line = phase_ < phase::field_begin;
            const std::uint32_t limit = in_start_line ? limits.start_line : limits.field_line;
            const std::size_t used = offset_of(at) - line_begin_;
            const std::byte* stop = end;
            if (used >= limit) {
                // Only the end of the line may stand beyond the limit (RFC 6585 section 5) [H20].
                if (!may_end_line(at)) {
                    at = fail(at, in_start_line ? http::errc::start_line_too_long : http::errc::field_line_too_long);
                    break;
                }
                stop = at + 1;
            } else if (static_cast<std::size_t>(end - at) > limit - used) {
                stop = at + (limit - used);
            }
            at = step(at, stop, limits);
        }
        position_ = static_cast<std::uint32_t>(offset_of(at));
        piece_ = nullptr;
        return static_cast<std::size_t>(at - begin);
    }

    [[nodiscard]] constexpr bool done() const noexcept { return phase_ == phase::done; }
    [[nodiscard]] constexpr http::errc error() const noexcept { return error_; }

    /// Whether nothing of a head has come yet but empty lines before it.
    [[nodiscard]] constexpr bool idle() const noexcept {
        return phase_ == phase::empty_line || (kind_ == http::message_kind::response && position_ == 0);
    }

    /// How many bytes were taken since the beginning, empty lines included; after an error, the place of the wrong
    /// byte.
    [[nodiscard]] constexpr std::uint32_t position() const noexcept { return position_; }

    /// Whether the lines end in LF alone.
    [[nodiscard]] constexpr bool has_bare_lf() const noexcept { return line_end_ == lf; }

    /// Whether a field line of a response was folded. Then the owner replaces the folding before it reads the fields:
    /// see `unfold`.
    [[nodiscard]] constexpr bool folded() const noexcept { return folded_; }

    [[nodiscard]] constexpr std::uint16_t status() const noexcept { return status_; }
    [[nodiscard]] constexpr std::uint8_t minor_version() const noexcept { return minor_version_; }

    /// The elements of the head that `scan` has taken; `text` is all of it.
    [[nodiscard]] constexpr std::string_view method(std::string_view text) const noexcept {
        return detail::text_at(text.data() + first_begin_, first_end_ - first_begin_);
    }
    [[nodiscard]] constexpr std::string_view target(std::string_view text) const noexcept {
        return detail::text_at(text.data() + first_end_ + 1, second_end_ - first_end_ - 1);
    }
    [[nodiscard]] constexpr std::string_view reason(std::string_view text) const noexcept {
        return detail::text_at(text.data() + first_begin_, first_end_ - first_begin_);
    }
    [[nodiscard]] constexpr http::fields fields(std::string_view text) const noexcept {
        const std::uint32_t empty_line = has_bare_lf() ? 1 : 2;
        return http::fields(text_at(text.data() + fields_begin_, position_ - fields_begin_ - empty_line), sizes_);
    }

    /// The place of the method in a request. Its end is 0 before it was found.
    [[nodiscard]] constexpr std::uint32_t method_begin() const noexcept { return first_begin_; }
    [[nodiscard]] constexpr std::uint32_t method_end() const noexcept { return first_end_; }

    [[nodiscard]] constexpr bool target_is_path(std::string_view text) const noexcept {
        return text.data()[first_end_ + 1] == '/';
    }

    /// Makes the target longer by one character: the owner has put that into the text of the head, over the space
    /// behind the target.
    constexpr void extend_target() noexcept { ++second_end_; }

    /// The place where the field lines begin.
    [[nodiscard]] constexpr std::uint32_t fields_begin() const noexcept { return fields_begin_; }

  private:
    // In the order of the wire: first those of the start line, then those of the field lines, then the ends.
    enum class phase : std::uint8_t {
        empty_line,
        empty_line_lf,
        method,
        target,
        version,
        minor_version,
        request_line_cr,
        status_space,
        status,
        status_end,
        reason,
        start_line_lf,
        field_begin,
        name,
        value,
        field_lf,
        head_lf,
        done,
        failed,
    };
    using pointer = const std::byte*;

    static constexpr std::byte cr{'\r'};
    static constexpr std::byte lf{'\n'};
    static constexpr std::byte space{' '};

    [[nodiscard]] constexpr std::size_t offset_of(pointer at) const noexcept {
        return base_ + static_cast<std::size_t>(at - piece_);
    }

    constexpr void mark(std::uint32_t& place, pointer at) const noexcept {
        place = static_cast<std::uint32_t>(offset_of(at));
    }

    // The one way out for everything that is wrong. A line feed that is out of place is a bare one wherever it is, and
    // so are those before a carriage return in a head whose lines end without one (RFC 9112 section 2.2) [H2].
    constexpr pointer fail(pointer at, http::errc error) noexcept {
        error_ = *at == (line_end_ == cr ? lf : cr) ? http::errc::bare_lf : error;
        phase_ = phase::failed;
        return at;
    }

    // Whether `at` is a byte of an end of line, or should be.
    [[nodiscard]] constexpr bool may_end_line(pointer at) const noexcept {
        return *at == cr || *at == lf || phase_ == phase::empty_line_lf || phase_ == phase::start_line_lf ||
               phase_ == phase::field_lf || phase_ == phase::head_lf;
    }

    // Whether the start line ends at `at`. If it does in LF alone, and the owner takes that, so do all lines of the
    // head: two kinds of ends in one head are an error, as two readers could then find its end at two places (RFC 9112
    // section 2.2) [H2].
    [[nodiscard]] constexpr bool ends_start_line(pointer at) noexcept {
        if (*at == lf && takes_bare_lf_ && count_ == 0) line_end_ = lf;
        return *at == line_end_;
    }

    // The line ends at `at`; its LF comes next.
    constexpr pointer to_lf(pointer at, phase next) noexcept {
        phase_ = next;
        return *at == cr ? at + 1 : at;
    }

    // Takes one or more elements from [at, stop), which is not empty.
    constexpr pointer step(pointer at, pointer stop, const http::limits& limits) noexcept {
        switch (phase_) {
        case phase::empty_line:
        case phase::empty_line_lf: return empty_lines(at, limits);
        case phase::method:
        case phase::target: return method_and_target(at, stop);
        case phase::version:
        case phase::minor_version: return version(at, stop);
        case phase::request_line_cr:
            return ends_start_line(at) ? to_lf(at, phase::start_line_lf) : fail(at, http::errc::bad_version);
        case phase::status_space:
        case phase::status:
        case phase::status_end: return status_code(at);
        case phase::reason: return reason_phrase(at, stop);
        case phase::start_line_lf: return start_line_lf(at);
        case phase::head_lf: return *at == lf ? go_on(at, phase::done) : fail(at, http::errc::bare_cr);
        case phase::field_begin:
        case phase::name:
        case phase::value:
        case phase::field_lf: return field_line(at, stop, limits);
        case phase::done:
        case phase::failed: break;
        }
        return stop;
    }

    constexpr pointer go_on(pointer at, phase next) noexcept {
        phase_ = next;
        return at + 1;
    }

    // A server skips empty lines before a request line, which some clients send after a body; not without end (RFC 9112
    // section 2.2) [H2].
    constexpr pointer empty_lines(pointer at, const http::limits& limits) noexcept {
        if (phase_ == phase::empty_line_lf) {
            if (*at != lf) return fail(at, http::errc::bare_cr);
            mark(line_begin_, at + 1);
            return go_on(at, phase::empty_line);
        }
        if (*at != cr) {
            phase_ = phase::method;
            mark(first_begin_, at);
            return at;
        }
        if (count_ == limits.empty_lines) return fail(at, http::errc::too_many_empty_lines);
        ++count_;
        return go_on(at, phase::empty_line_lf);
    }

    // The method is a token, the target has no white space and no controls, and one space follows each (RFC 9112
    // section 3) [H1].
    constexpr pointer method_and_target(pointer at, pointer stop) noexcept {
        if (phase_ == phase::method) {
            at = skip(in_token, at, stop);
            if (at == stop) return at;
            if (*at != space || offset_of(at) == first_begin_) return fail(at, http::errc::bad_method);
            mark(first_end_, at);
            phase_ = phase::target;
            if (++at == stop) return at;
        }
        at = skip_target(at, stop);
        if (at == stop) return at;
        if (offset_of(at) == first_end_ + 1) return fail(at, http::errc::bad_target);
        if (*at != space) return fail(at, *at == cr ? http::errc::bad_version : http::errc::bad_target);
        mark(second_end_, at);
        return go_on(at, phase::version);
    }

    // The version is `HTTP/1.` and one digit (RFC 9112 section 2.3) [H1]. A minor version that is not known is read
    // like the highest that is known (RFC 9110 section 2.5).
    constexpr pointer version(pointer at, pointer stop) noexcept {
        constexpr std::string_view expected = "HTTP/1.";
        if (phase_ == phase::version) {
            constexpr std::string_view usual = "HTTP/1.1\r\n";
            if (matched_ == 0 && kind_ == http::message_kind::request && !std::is_constant_evaluated() &&
                static_cast<std::size_t>(stop - at) >= usual.size() &&
                equal_in_words<std::uint64_t>(text_of({at, usual.size()}).data(), usual.data(), usual.size())) {
                // The short way, which nearly all take.
                minor_version_ = 1;
                return start_line_lf(at + usual.size() - 1);
            }
            while (at != stop && matched_ != expected.size()) {
                const char c = static_cast<char>(*at);
                if (c != expected[matched_]) {
                    const bool other_major = matched_ == 5 && is_digit(c);
                    return fail(at, other_major ? http::errc::unsupported_version : http::errc::bad_version);
                }
                ++at;
                ++matched_;
            }
            if (matched_ != expected.size()) return at;
            matched_ = 0;
            phase_ = phase::minor_version;
            if (at == stop) return at;
        }
        if (!is_digit(static_cast<char>(*at))) return fail(at, http::errc::bad_version);
        minor_version_ = static_cast<std::uint8_t>(static_cast<char>(*at) - '0');
        return go_on(at, kind_ == http::message_kind::request ? phase::request_line_cr : phase::status_space);
    }

    // Three digits (RFC 9112 section 4). The space after them is required, but servers that give no reason are known
    // to leave it out, and nothing else can be meant.
    constexpr pointer status_code(pointer at) noexcept {
        if (phase_ == phase::status_space) {
            return *at == space ? go_on(at, phase::status) : fail(at, http::errc::bad_version);
        }
        if (phase_ == phase::status) {
            const char c = static_cast<char>(*at);
            if (!is_digit(c) || (matched_ == 0 && c == '0')) return fail(at, http::errc::bad_status);
            status_ = static_cast<std::uint16_t>(status_ * 10 + (c - '0'));
            return go_on(at, ++matched_ == 3 ? phase::status_end : phase::status);
        }
        mark(first_begin_, at + 1);
        mark(first_end_, at + 1);
        if (ends_start_line(at)) return to_lf(at, phase::start_line_lf);
        return *at == space ? go_on(at, phase::reason) : fail(at, http::errc::bad_status);
    }

    constexpr pointer reason_phrase(pointer at, pointer stop) noexcept {
        at = skip_value(at, stop);
        if (at == stop) return at;
        if (!ends_start_line(at)) return fail(at, http::errc::bad_reason);
        mark(first_end_, at);
        return to_lf(at, phase::start_line_lf);
    }

    constexpr pointer start_line_lf(pointer at) noexcept {
        if (*at != lf) return fail(at, http::errc::bare_cr);
        count_ = 0;
        mark(fields_begin_, at + 1);
        mark(line_begin_, at + 1);
        return go_on(at, phase::field_begin);
    }

    // The short way, many characters at a time: takes field lines that are there as a whole, right, and within their
    // limits. The first that is not is left to the long way, so each rule stands in one place.
    pointer whole_field_lines(pointer at, pointer end, const http::limits& limits) noexcept {
        constexpr std::size_t most = 1024;
        if constexpr (!widest::may_find_characters) return at;
        for (;;) {
            const auto left = static_cast<std::size_t>(end - at);
            if (left < widest::least_characters) return at;
            const std::size_t size = left < most ? left : most;
            characters_found found[most / 64 + 1]; // tokens and controls
            if (!widest::find_characters(at, size, token_set, control_set, found)) return at;
            const std::size_t taken = field_lines_among(at, size, found, limits);
            at += taken;
            if (taken == 0 || size != most) return at;
        }
    }

    std::size_t field_lines_among(pointer text, std::size_t size, const characters_found* found,
                                  const http::limits& limits) noexcept {
        std::size_t begin = 0; // of a line
        std::uint64_t before = 0;
        std::uint32_t count = count_;
        for (std::size_t block = 0; block <= size / 64; ++block) {
            // The first of neighbouring controls, as LF stands next to CR; another one that does would begin a line,
            // and is no token there.
            const std::uint64_t all = found[block].second;
            std::uint64_t left = all & ~(all << 1 | before >> 63);
            before = all;
            for (; left != 0; left &= left - 1) {
                const std::size_t end = 64 * block + static_cast<std::size_t>(std::countr_zero(left));
                const std::size_t colon = end_of_token(found, begin);
                const bool right = text[colon] == std::byte{':'} && colon != begin && text[end] == cr &&
                                   end + 1 != size && text[end + 1] == lf;
                if (!right || end - begin > limits.field_line || count == limits.fields) {
                    return lines_end(text, size, begin, count);
                }
                sizes_.add(count, colon - begin, end - begin);
                begin = end + 2;
                ++count;
            }
        }
        return lines_end(text, size, begin, count);
    }

    constexpr std::size_t lines_end(pointer text, std::size_t size, std::size_t taken, std::uint32_t count) noexcept {
        if (taken == 0) return 0;
        count_ = count;
        mark(line_begin_, text + taken);
        if (kind_ == http::message_kind::response && (taken == size || is_white(static_cast<char>(text[taken])))) {
            // The next line may go on with this one.
            std::size_t begin = taken - 1;
            while (begin != 0 && text[begin - 1] != lf) --begin;
            mark(last_field_, text + begin);
        }
        return taken;
    }

    // There is one, as nothing behind the text is a token.
    [[nodiscard]] static std::size_t end_of_token(const characters_found* found, std::size_t at) noexcept {
        std::size_t block = at / 64;
        std::uint64_t others = ~found[block].first >> at % 64;
        if (others != 0) return at + static_cast<std::size_t>(std::countr_zero(others));
        do others = ~found[++block].first;
        while (others == 0);
        return 64 * block + static_cast<std::size_t>(std::countr_zero(others));
    }

    // One field line, or the rest of it, up to `stop`; or the CR of the empty line that ends the head.
    constexpr pointer field_line(pointer at, pointer stop, const http::limits& limits) noexcept {
        switch (phase_) {
        case phase::field_begin:
            if (*at == line_end_) return to_lf(at, phase::head_lf);
            if (!may_begin_field(at, limits)) return at;
            phase_ = phase::name;
            [[fallthrough]];
        case phase::name:
            // A name is a token, and nothing stands between it and the colon (RFC 9112 section 5.1) [H3].
            at = skip_token(at, stop);
            if (at == stop) return at;
            if (static_cast<char>(*at) != ':') {
                return fail(at, is_white(static_cast<char>(*at)) ? http::errc::space_in_name : http::errc::bad_name);
            }
            ++at;
            phase_ = phase::value;
            [[fallthrough]];
        case phase::value:
            // A value holds no control but HTAB (RFC 9110 section 5.5) [H3]. Its line ends in CR LF, neither of which
            // stands elsewhere (RFC 9112 section 2.2) [H2].
            at = skip_value(at, stop);
            if (at == stop) return at;
            if (*at != line_end_) return fail(at, http::errc::bad_value);
            at = to_lf(at, phase::field_lf);
            if (at == stop) return at;
            [[fallthrough]];
        default:
            if (*at != lf) return fail(at, http::errc::bare_cr);
            last_field_ = line_begin_;
            mark(line_begin_, at + 1);
            return go_on(at, phase::field_begin);
        }
    }

    constexpr bool may_begin_field(pointer at, const http::limits& limits) noexcept {
        const char c = static_cast<char>(*at);
        if (is_white(c) && count_ == 0) {
            // White space before the first field line folds nothing (RFC 9112 section 2.2) [H2].
            fail(at, http::errc::space_before_fields);
        } else if (is_white(c) && kind_ == http::message_kind::request) {
            // Line folding is obsolete. A server refuses it, as peers read it differently (RFC 9112 section 5.2) [H3].
            fail(at, http::errc::obs_fold);
        } else if (is_white(c)) {
            go_on_with_last_field();
        } else if (count_ == limits.fields) {
            fail(at, http::errc::too_many_fields);
        } else if (c == ':') {
            fail(at, http::errc::bad_name);
        } else {
            ++count_;
            return true;
        }
        return false;
    }

    // A user agent takes a folded line, and reads the folding as spaces (RFC 9112 section 5.2) [H3].
    constexpr void go_on_with_last_field() noexcept {
        folded_ = true;
        phase_ = phase::value;
        line_begin_ = last_field_;
        sizes_.forget(count_ - 1);
    }

    pointer piece_ = nullptr; // during a call: the beginning of the piece,
    std::size_t base_ = 0;    // and how much was taken before it
    std::uint32_t position_ = 0;
    std::uint32_t line_begin_ = 0;  // of the line that is being read
    std::uint32_t last_field_ = 0;  // the beginning of the field line before it
    std::uint32_t first_begin_ = 0; // the method, or the reason
    std::uint32_t first_end_ = 0;
    std::uint32_t second_end_ = 0; // the target, which begins one after the method
    std::uint32_t fields_begin_ = 0;
    std::uint32_t count_ = 0; // empty lines, then field lines
    std::uint16_t status_ = 0;
    std::uint8_t minor_version_ = 0;
    std::uint8_t matched_ = 0; // characters of the version, then digits of the status
    phase phase_;
    http::message_kind kind_;
    http::errc error_ = http::errc::none;
    bool folded_ = false;
    bool takes_bare_lf_ = false;
    std::byte line_end_ = cr; // the first byte of an end of line
    field_line_sizes sizes_{};
};

} // namespace sockless::http::detail
