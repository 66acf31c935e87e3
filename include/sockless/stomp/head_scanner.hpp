// The grammar of the head of a STOMP frame: checks and unescapes it in place, and can stop and go on at any byte.
// SPDX-License-Identifier: MIT
#pragma once

#include "../buffer.hpp"
#include "command.hpp"
#include "errc.hpp"
#include "headers.hpp"
#include "limits.hpp"

#include "../detail/compiler_begin.inc"

namespace sockless::stomp::detail {

/// Checks the head of one frame that comes in pieces of any size. Rewrites each header in place to the form that
/// `stomp::headers` reads: name, NUL, value, NUL. Unescaping makes a line shorter; the bytes that it frees are filled
/// with NULs, so every line still begins where it did. Looks at each byte once, and in 1.0 again when the head is done.
/// All places are offsets from the first byte of the head.
class stomp_head_scanner {
  public:
    constexpr stomp_head_scanner() noexcept = default;
    constexpr explicit stomp_head_scanner(stomp::version version) noexcept : version_(version) {}

    /// Takes the bytes of `head` from `from` up to `end`, but not beyond the end of the head or the first byte that is
    /// wrong. Returns the place where it stopped; the next call goes on from there. The caller may move the head
    /// between two calls, if the bytes before `from` stay as they are.
    constexpr std::size_t scan(char* head, std::size_t from, std::size_t end, const stomp::limits& limits) noexcept {
        head_ = head;
        end_ = end;
        run_ = stop_ = from;
        if (waiting_ != waiting::nothing && from != end) take_second(from, limits);
        if (phase_ < phase::done) {
            if (end - stop_ < few) {
                scan_few(limits);
            } else {
                scan_many(limits);
            }
        }
        head_ = nullptr;
        return stop_;
    }

    [[nodiscard]] constexpr bool done() const noexcept { return phase_ == phase::done; }

    /// The error at the byte where the scan stopped, or `none`.
    [[nodiscard]] constexpr stomp::errc error() const noexcept { return error_; }

    /// The version by which the head is read.
    [[nodiscard]] constexpr stomp::version version() const noexcept { return version_; }
    [[nodiscard]] constexpr stomp::command command() const noexcept { return command_; }
    [[nodiscard]] constexpr bool has_length() const noexcept { return has_length_; }
    [[nodiscard]] constexpr std::uint64_t length() const noexcept { return length_; }

    /// The header lines of a head, whose first byte is at `head`. Empty if the head is not done.
    [[nodiscard]] constexpr std::string_view lines(const char* head) const noexcept {
        if (phase_ != phase::done) return {};
        return text_between(head + lines_, head + line_);
    }

  private:
    enum class phase : std::uint8_t { command, name, value, done, failed };

    // Set if a piece ended between the two bytes of a pair: CR LF, or a backslash and its code.
    enum class waiting : std::uint8_t { nothing, line_feed, escaped };

    using specials = occurrences<char, '\0', '\n', '\r', ':', '\\'>;

    // Fewer characters than this are looked at one by one, as the setup to look at many at once costs more.
    static constexpr std::size_t few = 16;

    [[nodiscard]] static constexpr std::string_view text_between(const char* begin, const char* end) noexcept {
        return {begin, static_cast<std::size_t>(end - begin)};
    }

    [[nodiscard]] static constexpr bool is_special(char c) noexcept {
        const auto code = static_cast<unsigned char>(c);
        constexpr std::uint64_t low =
            1U | std::uint64_t{1} << '\n' | std::uint64_t{1} << '\r' | std::uint64_t{1} << ':';
        return code < 64 ? (low >> code & 1U) != 0 : c == '\\';
    }

    // Every failure goes this way. `place` is the byte that breaks the rule. The result is always false, so that
    // callers can return it.
    constexpr bool fail(stomp::errc error, std::size_t place) noexcept {
        error_ = error;
        stop_ = place;
        phase_ = phase::failed;
        return false;
    }

    // A CR before the LF belongs to the end of the line in 1.2, and before the version is known. It is data in 1.1
    // (STOMP 1.2 Augmented BNF) [S15]. In 1.0 it belongs there too, as brokers of 1.0 have always taken it [S16].
    [[nodiscard]] constexpr bool cr_may_end_line() const noexcept { return version_ != stomp::version::v1_1; }

    // [S1] The first line is a command.
    constexpr bool take_command(std::size_t at) noexcept {
        if (at > stomp::max_command + 1) return fail(stomp::errc::unknown_command, 0);
        stop_ = at;
        if (at == end_) return false;
        if (head_[at] == '\0') return fail(stomp::errc::nul_in_head, at);
        if (head_[at] != '\r') return begin_lines(at, at);
        if (at + 1 == end_) return wait_for(waiting::line_feed, at);
        return begin_lines_behind_cr(at);
    }

    // The command ends at a CR. In 1.1 this belongs to the command, so there is no such command (STOMP 1.1 Augmented
    // BNF) [S1]. The error names the CR, as it is the reason.
    SOCKLESS_NEVER_INLINE constexpr bool begin_lines_behind_cr(std::size_t cr) noexcept {
        const bool is_command = cr == 0 || stomp::command_of(text_between(head_, head_ + cr)) != stomp::command::none;
        if (head_[cr + 1] == '\n' && !cr_may_end_line() && is_command) return fail(stomp::errc::unexpected_cr, cr);
        return begin_lines(cr, cr + 1);
    }

    // The command ends at `end`, and its line at `last`.
    constexpr bool begin_lines(std::size_t end, std::size_t last) noexcept {
        command_ = stomp::command_of(text_between(head_, head_ + end));
        if (head_[last] != '\n' || command_ == stomp::command::none) return fail(stomp::errc::unknown_command, 0);
        escaping_ = escaping_of(version_, command_);
        begin_line(last + 1);
        lines_ = line_;
        return true;
    }

    constexpr void begin_line(std::size_t at) noexcept {
        line_ = element_ = static_cast<std::uint32_t>(at);
        run_ = stop_ = at;
        removed_ = 0;
        phase_ = phase::name;
    }

    constexpr void scan_few(const stomp::limits& limits) noexcept {
        std::size_t at = stop_;
        while (at != end_) {
            if (!is_special(head_[at])) {
                ++at;
            } else if (take_special(at, limits)) {
                at = stop_;
            } else {
                return;
            }
        }
        take_special(at, limits);
    }

    constexpr void scan_many(const stomp::limits& limits) noexcept {
        specials special(head_ + stop_, head_ + end_);
        for (;;) {
            auto at = static_cast<std::size_t>(special.next() - head_);
            // The second of a pair was taken with the first.
            if (at < stop_) continue;
            if (phase_ == phase::name && removed_ == 0) at = take_plain_lines(special, at, limits);
            if (phase_ == phase::failed || !take_special(at, limits)) return;
        }
    }

    // The short way for lines that are in this piece as a whole and have nothing to unescape, as nearly all lines. It
    // begins at `first`, the first special character of a line, and returns the place of the first special character
    // that it leaves to the long way.
    constexpr std::size_t take_plain_lines(specials& special, std::size_t first, const stomp::limits& limits) noexcept {
        char* line = head_ + line_;
        char* colon = nullptr;
        char* at = head_ + first;
        // A local variable is faster than the member: a compiler must assume that the characters written below may
        // change any member.
        const char* const end = head_ + end_;
        for (; at != end; at = special.next()) {
            if (*at == ':') {
                if (colon == nullptr) colon = at;
                continue;
            }
            if (*at != '\n' || colon == nullptr || colon == line || count_ == limits.headers) break;
            if (static_cast<std::size_t>(at - line) > limits.line) break;
            if (is_length(text_between(line, colon)) && !read_length(text_between(colon + 1, at), limits)) return 0;
            *colon = *at = '\0';
            ++count_;
            line = at + 1;
            colon = nullptr;
        }
        begin_line(static_cast<std::size_t>(line - head_));
        if (colon != nullptr) take_special(static_cast<std::size_t>(colon - head_), limits);
        return static_cast<std::size_t>(at - head_);
    }

    // Takes the special character at `at`, or the end of the piece. False if the scan stops.
    constexpr bool take_special(std::size_t at, const stomp::limits& limits) noexcept {
        if (phase_ == phase::command) return take_command(at);
        if (at - line_ >= limits.line && !may_end_long_line(at, limits)) {
            return fail(stomp::errc::line_too_long, line_ + limits.line);
        }
        if (at == end_) {
            move_run(at, at);
            stop_ = at;
            return false;
        }
        stop_ = at + 1;
        switch (head_[at]) {
        case ':': return phase_ != phase::name || end_name(at, limits);
        case '\n': return end_line(at, at, limits);
        case '\r':
            if (!cr_may_end_line()) return true;
            if (at + 1 == end_) return wait_for(waiting::line_feed, at);
            if (head_[at + 1] != '\n') return take_cr(at);
            return end_line(at, at + 1, limits);
        case '\\':
            if (escaping_ == escaping::none) return true;
            if (at + 1 == end_) return wait_for(waiting::escaped, at);
            return unescape(at, limits);
        default: return fail(stomp::errc::nul_in_head, at);
        }
    }

    // The byte at `at` is the last of its piece and the first of a pair.
    constexpr bool wait_for(waiting second, std::size_t at) noexcept {
        move_run(at, at);
        waiting_ = second;
        stop_ = end_;
        return false;
    }

    // Takes the second byte of that pair, which is at `at`.
    constexpr void take_second(std::size_t at, const stomp::limits& limits) noexcept {
        const waiting held = waiting_;
        waiting_ = waiting::nothing;
        const std::size_t first = at - 1;
        run_ = first;
        if (held == waiting::escaped) {
            unescape(first, limits);
        } else if (phase_ == phase::command) {
            begin_lines_behind_cr(first);
        } else if (head_[at] == '\n') {
            end_line(first, at, limits);
        } else if (first - line_ >= limits.line) {
            fail(stomp::errc::line_too_long, first);
        } else {
            take_cr(first);
        }
    }

    // A CR that no LF follows is an error in 1.2, and data in 1.0 and before the version is known. (In 1.1 every CR
    // is.)
    constexpr bool take_cr(std::size_t at) noexcept {
        return version_ != stomp::version::v1_2 || fail(stomp::errc::bare_cr, at);
    }

    // Whether a line that is as long as the limit may end at `at`: the limit does not count the end of the line.
    [[nodiscard]] constexpr bool may_end_long_line(std::size_t at, const stomp::limits& limits) const noexcept {
        if (at - line_ != limits.line) return false;
        if (at == end_) return true;
        if (head_[at] == '\r' && cr_may_end_line()) return at + 1 == end_ || head_[at + 1] == '\n';
        return head_[at] == '\n';
    }

    // Only the escapes of the version are allowed, and unescaping is one pass from left to right (STOMP 1.2 Value
    // Encoding) [S3].
    constexpr bool unescape(std::size_t at, const stomp::limits& limits) noexcept {
        for (std::size_t i = 0; i != number_of_escapes(escaping_); ++i) {
            if (escapes[i].code != head_[at + 1]) continue;
            if (at + 1 - line_ >= limits.line) return fail(stomp::errc::line_too_long, line_ + limits.line);
            move_run(at, at + 2);
            head_[at - removed_] = escapes[i].plain;
            ++removed_;
            stop_ = at + 2;
            return true;
        }
        return fail(stomp::errc::bad_escape, at);
    }

    // Moves the characters from `run_` to `end` down, over the bytes that unescaping has freed. The next run begins at
    // `next`.
    constexpr void move_run(std::size_t end, std::size_t next) noexcept {
        if (removed_ != 0) copy_down(head_ + run_ - removed_, head_ + run_, end - run_);
        run_ = next;
    }

    // A colon ends a name, and a name is not empty (STOMP 1.2 Augmented BNF) [S1].
    constexpr bool end_name(std::size_t at, const stomp::limits& limits) noexcept {
        move_run(at, at + 1);
        const std::size_t end = at - removed_;
        if (end == element_) return fail(stomp::errc::empty_name, at);
        if (count_ == limits.headers) return fail(stomp::errc::too_many_headers, line_);
        ++count_;
        head_[end] = '\0';
        element_ = static_cast<std::uint32_t>(end + 1);
        phase_ = phase::value;
        return true;
    }

    // Takes the end of a line. The text of the line ends at `end`, and `last` is the place of its LF: the same place,
    // or one further if a CR comes first. False at the end of the head, and if the line is wrong.
    constexpr bool end_line(std::size_t end, std::size_t last, const stomp::limits& limits) noexcept {
        if (phase_ == phase::name) {
            if (end != line_) {
                const bool is_one_cr = end == line_ + 1 && head_[line_] == '\r';
                if (is_one_cr && !cr_may_end_line()) return fail(stomp::errc::unexpected_cr, line_);
                // [S1] A header line has a colon.
                return fail(stomp::errc::missing_colon, end);
            }
            phase_ = phase::done;
            stop_ = last + 1;
            if (version_ < stomp::version::v1_1 && is_of_1_0()) trim_values();
            return false;
        }
        move_run(end, end);
        if (is_length(text_at(head_ + line_, element_ - line_ - 1)) &&
            !read_length(text_at(head_ + element_, end - removed_ - element_), limits)) {
            return false;
        }
        head_[end] = head_[last] = '\0';
        for (; removed_ != 0; --removed_) head_[end - removed_] = '\0';
        begin_line(last + 1);
        return true;
    }

    // The first of repeated headers counts (STOMP 1.2 Repeated Header Entries).
    [[nodiscard]] constexpr bool is_length(std::string_view name) const noexcept {
        return !has_length_ && equal(name, "content-length");
    }

    // Whether this is a frame of 1.0, if it is none of a later version. A client without accept-version, and a server
    // without version, speak 1.0 (STOMP 1.2 Protocol Negotiation) [S16].
    [[nodiscard]] SOCKLESS_NEVER_INLINE constexpr bool is_of_1_0() const noexcept {
        if (version_ != stomp::version::unknown) return true;
        const stomp::headers all(lines(head_));
        return command_ == stomp::command::connect     ? all.find("accept-version").data() == nullptr
               : command_ == stomp::command::connected ? all.find("version").data() == nullptr
                                                       : false;
    }

    // In 1.0 blanks around a value do not belong to it: the specification itself prints `ack: client` (STOMP 1.0
    // SUBSCRIBE) [S16].
    SOCKLESS_NEVER_INLINE constexpr void trim_values() noexcept {
        for (const stomp::header& each : stomp::headers(lines(head_))) {
            const std::string_view kept = trimmed(each.value);
            if (kept.size() == each.value.size()) continue;
            char* const value = head_ + (each.value.data() - head_);
            copy_down(value, kept.data(), kept.size());
            for (std::size_t i = kept.size(); i != each.value.size(); ++i) value[i] = '\0';
        }
    }

    // The value of content-length is digits only, within the limit (STOMP 1.2 Header content-length) [S2]. It still
    // begins where it came, as the name before it has no escape. In 1.0 there may be blanks around it [S16].
    constexpr bool read_length(std::string_view digits, const stomp::limits& limits) noexcept {
        const auto place = static_cast<std::size_t>(digits.data() - head_);
        if (version_ == stomp::version::v1_0) digits = trimmed(digits);
        std::uint64_t length = 0;
        bool too_large = false;
        for (const char c : digits) {
            const auto digit = static_cast<std::uint64_t>(c - '0');
            if (!is_digit(c)) return fail(stomp::errc::bad_content_length, place);
            too_large = too_large || length > (UINT64_MAX - digit) / 10;
            length = length * 10 + digit;
        }
        if (digits.empty()) return fail(stomp::errc::bad_content_length, place);
        if (too_large || length > limits.body) return fail(stomp::errc::body_too_large, place);
        length_ = length;
        has_length_ = true;
        return true;
    }

    char* head_ = nullptr; // during a call
    std::size_t end_ = 0;
    std::size_t stop_ = 0;
    std::size_t run_ = 0; // the place of the first character that `move_run` has not moved yet
    std::uint64_t length_ = 0;
    std::uint32_t lines_ = 0;   // the place of the first header line
    std::uint32_t line_ = 0;    // the place of the line that is being read
    std::uint32_t element_ = 0; // the place of its name or value, after unescaping
    std::uint32_t removed_ = 0; // bytes by which unescaping has made the line shorter
    std::uint32_t count_ = 0;   // of headers
    phase phase_ = phase::command;
    waiting waiting_ = waiting::nothing;
    stomp::version version_ = stomp::version::unknown;
    stomp::command command_ = stomp::command::none;
    escaping escaping_ = escaping::none;
    stomp::errc error_ = stomp::errc::none;
    bool has_length_ = false;
};

} // namespace sockless::stomp::detail

#include "../detail/compiler_end.inc"
