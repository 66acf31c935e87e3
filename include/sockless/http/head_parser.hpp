// The head of an HTTP/1.1 request or response from bytes that come in pieces (RFC 9112 sections 2 to 5).
// SPDX-License-Identifier: MIT
#pragma once

#include "../buffer.hpp"
#include "fields.hpp"
#include "head_scanner.hpp"

#include "../detail/compiler_begin.inc"

namespace sockless::http {

/// A checked head. All views are of one text; the function that gives a head says how long that stays.
struct head {
    std::string_view method{};      ///< of a request: a token
    std::string_view target{};      ///< of a request: visible ASCII, at least one character; see `basic_head_parser`
    std::string_view reason{};      ///< of a response: may be empty
    std::uint16_t status = 0;       ///< of a response: 100 to 999
    std::uint8_t minor_version = 1; ///< of `HTTP/1.x`
    bool bare_lf = false;           ///< its lines end in LF alone: see `basic_head_parser::take_bare_lf`
    http::fields fields{};
};

/// The kinds of `head_event`. Behind each kind stand the members of the event that it sets.
enum class head_kind : std::uint8_t {
    need_input, ///< nothing yet: the input is used up, or the parser has ended
    head,       ///< the whole head: `head`. The rest of the input is not part of it.
    error,      ///< a rule was broken: `error`. Given once; nothing follows it.
};

/// The name of the enumerator, for logs.
[[nodiscard]] constexpr std::string_view name_of(head_kind of) noexcept {
    constexpr literal names[] = {"need_input", "head", "error"};
    static_assert(std::size(names) == static_cast<std::size_t>(head_kind::error) + 1);
    return names[static_cast<std::size_t>(of)];
}

/// The result of `next`. False for `need_input`.
struct head_event {
    head_kind kind = head_kind::need_input;
    errc error = errc::none;
    http::head head{};

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return kind != head_kind::need_input; }
};

} // namespace sockless::http

namespace sockless::http::detail {

/// The same bytes as text: those of a `span_buffer<char>`, or of memory that holds bytes. Valid as long as they are.
[[nodiscard]] constexpr std::string_view text_in(std::span<const char> memory) noexcept {
    return {memory.data(), memory.size()};
}
[[nodiscard]] inline std::string_view text_in(cbytes memory) noexcept { return text_of(memory); }

/// Replaces each folding of a field line, and the white space around it, by spaces (RFC 9112 section 5.2) [H3].
template <class Byte>
SOCKLESS_NEVER_INLINE constexpr void unfold(std::span<Byte> lines) noexcept {
    constexpr Byte space{' '}, tab{'\t'}, cr{'\r'}, lf{'\n'};
    std::size_t unfolded = 0; // so many bytes need not be looked at again
    for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
        if (lines[i] != lf || (lines[i + 1] != space && lines[i + 1] != tab)) continue;
        std::size_t begin = i;
        while (begin != unfolded && (lines[begin - 1] == space || lines[begin - 1] == tab || lines[begin - 1] == cr)) {
            --begin;
        }
        for (++i; lines[i] == space || lines[i] == tab;) ++i;
        for (unfolded = begin; unfolded != i; ++unfolded) lines[unfolded] = space;
        --i;
    }
}

/// Where the path `/` is to be put into a target, or null: a URI with an authority, a query and no path means it (RFC
/// 3986 section 6.2.3).
[[nodiscard]] constexpr const char* place_of_path(std::string_view target) noexcept {
    const char* const end = target.data() + target.size();
    const char* at = find(':', target.data(), end);
    if (end - at < 3 || at[1] != '/' || at[2] != '/') return nullptr;
    for (at += 3; at != end && *at != '/' && *at != '#'; ++at) {
        if (*at == '?') return at;
    }
    return nullptr;
}

/// A `basic_head_parser` without its memory, for an owner whose memory holds something else after the head. The owner
/// gives the memory with each call that uses it: always the same, and with no other content than this reader's.
class head_reader {
  public:
    constexpr head_reader(message_kind message, const http::limits& limits) noexcept
        : limits_(limits), scanner_(message), message_(message) {}

    /// As `basic_head_parser::take_bare_lf`.
    constexpr void take_bare_lf() noexcept {
        takes_bare_lf_ = true;
        scanner_.take_bare_lf();
    }

    /// As `basic_head_parser::next`.
    template <class Memory>
    [[nodiscard]] constexpr head_event next(bytes& in, Memory& memory) noexcept {
        if (error_ != errc::none || scanner_.done()) return {};

        // A byte beyond the size of a head is an error at that byte, whatever it is (RFC 6585 section 5) [H20].
        const bool in_pieces = memory.size() != 0;
        const std::size_t most = in_pieces && memory.limit() < limits_.head ? memory.limit() : limits_.head;
        const std::size_t room = most - scanner_.position();
        const bytes piece = in.first(in.size() < room ? in.size() : room);
        const bytes taken = piece.first(scanner_.scan(piece, limits_));
        in = in.subspan(taken.size());
        if (scanner_.error() != errc::none) return fail(scanner_.error(), scanner_.position());

        const bool in_place = !in_pieces && scanner_.done() && !std::is_constant_evaluated();
        if (in_place) return finished(taken);
        if (!append(memory, taken)) {
            const bool fits = scanner_.position() <= memory.limit();
            return fail(errc::head_too_large, fits ? scanner_.position() : memory.limit());
        }
        if (scanner_.done()) return finished(memory.contents());
        if (!in.empty()) return fail(errc::head_too_large, scanner_.position());
        return {};
    }

    /// Says that the input has ended: `truncated` inside a head, `none` before or after one; the error, if there was
    /// one.
    [[nodiscard]] constexpr errc finish() noexcept {
        if (error_ == errc::none && !scanner_.done() && !scanner_.idle()) {
            static_cast<void>(fail(errc::truncated, scanner_.position()));
        }
        return error_;
    }

    /// As `basic_head_parser::restart`.
    template <class Memory>
    constexpr void restart(Memory& memory) noexcept {
        if (error_ != errc::none) return;
        head_begin_ += scanner_.position();
        scanner_ = head_scanner(message_);
        if (takes_bare_lf_) scanner_.take_bare_lf();
        text_ = {};
        memory.clear();
    }

    /// As `basic_head_parser::keep`.
    template <class Memory>
    [[nodiscard]] constexpr bool keep(Memory& memory) noexcept {
        if (memory.size() != 0) return true;
        if (!append(memory, bytes_of(text_))) return false;
        text_ = text_in(memory.contents());
        return true;
    }

    /// Whether the request, or as much of it as has come, has this method. `last` is the piece that the last call of
    /// `next` was given: after an error, and after a head that lies in the input, the memory does not hold it. A method
    /// that lies in neither of them is taken for another one.
    template <class Memory>
    [[nodiscard]] constexpr bool is_method(std::string_view wanted, const Memory& memory,
                                           cbytes last = {}) const noexcept {
        const std::size_t begin = scanner_.method_begin();
        if (scanner_.method_end() != begin + wanted.size()) return false;
        const auto before = memory.contents();
        if (scanner_.method_end() > before.size() + last.size()) return false;
        for (std::size_t i = begin; i != begin + wanted.size(); ++i) {
            const char c = static_cast<char>(i < before.size() ? before[i] : last[i - before.size()]);
            if (c != wanted[i - begin]) return false;
        }
        return true;
    }

    /// The head that the last event gave, again; empty if none was given. Its views are valid as long as those of the
    /// event.
    [[nodiscard]] constexpr http::head head() const noexcept {
        if (text_.empty()) return {};
        if (message_ == message_kind::request) {
            return {.method = scanner_.method(text_),
                    .target = scanner_.target(text_),
                    .minor_version = scanner_.minor_version(),
                    .bare_lf = scanner_.has_bare_lf(),
                    .fields = scanner_.fields(text_)};
        }
        return {.reason = scanner_.reason(text_),
                .status = scanner_.status(),
                .minor_version = scanner_.minor_version(),
                .bare_lf = scanner_.has_bare_lf(),
                .fields = scanner_.fields(text_)};
    }

    /// The error, if there was one. It stays.
    [[nodiscard]] constexpr errc error() const noexcept { return error_; }

    /// How many bytes of the stream were taken; after an error, the offset of the byte that broke the rule.
    [[nodiscard]] constexpr std::uint64_t offset() const noexcept {
        return error_ != errc::none ? error_offset_ : head_begin_ + scanner_.position();
    }

    /// The limits that were given.
    [[nodiscard]] constexpr const http::limits& limits() const noexcept { return limits_; }

  private:
    constexpr head_event fail(errc error, std::size_t place) noexcept {
        error_ = error;
        error_offset_ = head_begin_ + place;
        return {.kind = head_kind::error, .error = error};
    }

    template <class Byte>
    [[nodiscard]] constexpr head_event finished(std::span<Byte> text) noexcept {
        if (scanner_.folded()) unfold(text.subspan(scanner_.fields_begin()));
        text_ = text_in(text);
        if (message_ == message_kind::request && !scanner_.target_is_path(text_)) complete_target(text);
        return {.kind = head_kind::head, .head = head()};
    }

    // Puts the path into a target that has none. The rest of the target moves over the space behind it.
    template <class Byte>
    SOCKLESS_NEVER_INLINE constexpr void complete_target(std::span<Byte> text) noexcept {
        const std::string_view target = scanner_.target(text_);
        const char* const path = place_of_path(target);
        if (path == nullptr) return;
        const auto begin = static_cast<std::size_t>(path - text_.data());
        auto at = static_cast<std::size_t>(target.data() + target.size() - text_.data());
        for (; at != begin; --at) text[at] = text[at - 1];
        text[at] = Byte{'/'};
        scanner_.extend_target();
    }

    http::limits limits_;
    head_scanner scanner_;
    std::string_view text_{}; // of the head that was given
    std::uint64_t head_begin_ = 0;
    std::uint64_t error_offset_ = 0;
    message_kind message_;
    errc error_ = errc::none;
    bool takes_bare_lf_ = false;
};

} // namespace sockless::http::detail

namespace sockless::http {

/// Parses one head at a time. Two things are not shown as they came, and the text of the head is changed in its place:
/// a field line of a response that is folded over several lines is shown as one line, with spaces in place of the
/// folding (RFC 9112 section 5.2); and a target such as `http://a?b` is shown with its path, as `http://a/?b` (RFC 3986
/// section 6.2.3). The events do not depend on how the input was cut into pieces, given a `Memory` with room for
/// `limits::head` bytes: a `span_buffer<char>`, or a `growing_buffer` of that limit. It is used only if a head comes in
/// pieces; then a head that does not fit ends in `head_too_large`. A head that lies in `in` as a whole is not copied.
/// In constant evaluation every head goes through a `span_buffer<char>`, as bytes are no text there.
///
///     std::array<char, 8192> memory; // for a head that comes in pieces
///     http::head_parser parser(http::message_kind::request, span_buffer<char>(memory));
///     const http::head_event found = parser.next(in);
///     if (found.kind == http::head_kind::head) print(found.head.target, http::first(found.head.fields, "host"));
///     if (found.kind == http::head_kind::error) print(sockless::error(found.error).sentence());
template <class Memory>
class basic_head_parser : private detail::head_reader {
  public:
    using event = head_event;
    using kind = head_kind;

    /// For requests or for responses, with this memory.
    constexpr explicit basic_head_parser(message_kind message, Memory memory = {},
                                         const http::limits& limits = {}) noexcept
        : head_reader(message, limits), memory_(static_cast<Memory&&>(memory)) {}

    /// Takes bytes from the front of `in`, at most up to the end of the head. The views in an event are valid until
    /// the next call that is not const, or until the input is reused, whichever comes first. After a head nothing is
    /// taken until `restart`.
    [[nodiscard]] constexpr head_event next(bytes& in) noexcept { return head_reader::next(in, memory_); }

    using head_reader::finish;

    /// Takes heads whose lines end in LF alone, too (RFC 9112 section 2.2 leaves that to the recipient), and says so
    /// with each (`head::bare_lf`). If the start line ends in LF alone, all lines have to, and a CR is an error; if it
    /// ends in CR LF, a bare LF stays an error. Call it before the first byte.
    using head_reader::take_bare_lf;

    /// Makes ready for another head, so that a client can skip interim responses (RFC 9110 section 15.2). The head
    /// before it, or the part of it that had come, is forgotten; the stream goes on at the same offset. After an error
    /// this does nothing.
    constexpr void restart() noexcept { head_reader::restart(memory_); }

    /// Copies the head that the last event gave into the memory, if it lies in the input: so it stays until the next
    /// call of `next` or `restart`, even if the input is reused. False if it does not fit. Views that were handed out
    /// do not move with it: ask `head` for new ones.
    [[nodiscard]] constexpr bool keep() noexcept { return head_reader::keep(memory_); }

    using head_reader::error;
    using head_reader::head;
    using head_reader::limits;
    using head_reader::offset;

    /// The memory that was given, for a caller that gives it back when the head is no longer needed.
    [[nodiscard]] constexpr Memory& memory() noexcept { return memory_; }

  private:
    Memory memory_;
};

/// With memory that the caller owns.
using head_parser = basic_head_parser<span_buffer<char>>;

} // namespace sockless::http

#include "../detail/compiler_end.inc"
