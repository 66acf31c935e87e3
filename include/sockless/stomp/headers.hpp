// The headers of one frame, read where they lie, and those that the protocol knows.
// SPDX-License-Identifier: MIT
#pragma once

#include "../detail/lazy_iterator.hpp"
#include "../detail/text.hpp"

namespace sockless::stomp {

/// One header: names are case-sensitive, and white space belongs to name and value (STOMP 1.2 Augmented BNF). Both are
/// views; who hands one out says how long they stay valid.
struct header {
    std::string_view name;
    std::string_view value;
};

} // namespace sockless::stomp

namespace sockless::stomp::detail {

/// Finds one header after the other in text as the parser leaves it: name, NUL, value, and at least one NUL. No head
/// has a NUL of its own, and no name is empty.
struct header_finder {
    using value_type = stomp::header;

    constexpr header_finder() noexcept = default;
    constexpr header_finder(const char* begin, const char* last) noexcept : ends(begin, last), next(begin), end(last) {
        advance();
    }

    constexpr void advance() noexcept {
        name = next;
        if (name == end) return;
        const char* const name_end = ends.next();
        const char* const value_end = ends.next();
        current.name = {name, static_cast<std::size_t>(name_end - name)};
        current.value = {name_end + 1, static_cast<std::size_t>(value_end - name_end - 1)};
        // An unescaped line, or one that ended in CR LF, has more than one NUL behind it.
        next = value_end + 1;
        while (next != end && *next == '\0') next = ends.next() + 1;
    }
    [[nodiscard]] constexpr const char* place() const noexcept { return name == end ? nullptr : name; }

    occurrences<const char, '\0'> ends{};
    const char* name = nullptr;
    const char* next = nullptr;
    const char* end = nullptr;
    stomp::header current{};
};

} // namespace sockless::stomp::detail

namespace sockless::stomp {

/// The headers of one frame in the order of the wire, repeated ones too: a forward range of `header` that stores
/// nothing and finds each as it goes. Views of the text it was made from, and valid as long. Each name and each value
/// has a NUL behind it, so its `data()` is a C string too.
class headers {
  public:
    using iterator = detail::lazy_iterator<detail::header_finder>;

    constexpr headers() noexcept = default;

    /// Of text as the parser leaves it.
    constexpr explicit headers(std::string_view parsed) noexcept : text_(parsed) {}

    [[nodiscard]] constexpr iterator begin() const noexcept {
        return iterator(text_.data(), text_.data() + text_.size());
    }
    [[nodiscard]] constexpr iterator end() const noexcept { return {}; }
    [[nodiscard]] constexpr bool empty() const noexcept { return text_.empty(); }

    /// The text that this is a view of: who wants to keep the headers copies it, and makes `headers` of the copy.
    [[nodiscard]] constexpr std::string_view text() const noexcept { return text_; }

    /// The value of the first header of this name, which is the one that counts (STOMP 1.2 Repeated Header Entries);
    /// where there is none, a view whose `data()` is null. Looks through the headers.
    [[nodiscard]] constexpr std::string_view find(std::string_view name) const noexcept {
        for (const header& each : *this) {
            if (equal(each.name, name)) return each.value;
        }
        return {};
    }

  private:
    std::string_view text_{};
};

/// The headers that the protocol gives a meaning, collected in one look through those of a frame. Each member is the
/// value of the first header of that name, or a view whose `data()` is null.
struct known_headers {
    std::string_view id{};
    std::string_view ack{};
    std::string_view host{};
    std::string_view login{};
    std::string_view server{};
    std::string_view message{};
    std::string_view receipt{};
    std::string_view session{};
    std::string_view version{};
    std::string_view passcode{};
    std::string_view heart_beat{};
    std::string_view message_id{};
    std::string_view receipt_id{};
    std::string_view destination{};
    std::string_view transaction{};
    std::string_view content_type{};
    std::string_view subscription{};
    std::string_view accept_version{};
    std::string_view content_length{};

    constexpr known_headers() noexcept = default;
    constexpr explicit known_headers(const stomp::headers& all) noexcept;
};

} // namespace sockless::stomp

namespace sockless::stomp::detail {

struct known_header_row {
    std::string_view name;
    std::string_view stomp::known_headers::*value;
};

/// In the order of the lengths of their names.
inline constexpr known_header_row known_header_rows[] = {
    {"id", &stomp::known_headers::id},
    {"ack", &stomp::known_headers::ack},
    {"host", &stomp::known_headers::host},
    {"login", &stomp::known_headers::login},
    {"server", &stomp::known_headers::server},
    {"message", &stomp::known_headers::message},
    {"receipt", &stomp::known_headers::receipt},
    {"session", &stomp::known_headers::session},
    {"version", &stomp::known_headers::version},
    {"passcode", &stomp::known_headers::passcode},
    {"heart-beat", &stomp::known_headers::heart_beat},
    {"message-id", &stomp::known_headers::message_id},
    {"receipt-id", &stomp::known_headers::receipt_id},
    {"destination", &stomp::known_headers::destination},
    {"transaction", &stomp::known_headers::transaction},
    {"content-type", &stomp::known_headers::content_type},
    {"subscription", &stomp::known_headers::subscription},
    {"accept-version", &stomp::known_headers::accept_version},
    {"content-length", &stomp::known_headers::content_length},
};

/// Where in that table the names of each length begin, and, one further, end.
struct known_header_lengths {
    static constexpr std::size_t longest = 14;
    std::uint8_t begin[longest + 2] = {};

    constexpr known_header_lengths() noexcept {
        for (const known_header_row& row : known_header_rows) {
            for (std::size_t length = row.name.size() + 1; length != longest + 2; ++length) ++begin[length];
        }
    }
};

inline constexpr known_header_lengths known_header_index{};

} // namespace sockless::stomp::detail

namespace sockless::stomp {

constexpr known_headers::known_headers(const stomp::headers& all) noexcept {
    using lengths = detail::known_header_lengths;
    const std::string_view text = all.text();
    for (detail::header_finder at(text.data(), text.data() + text.size()); at.name != at.end; at.advance()) {
        const header& each = at.current;
        const std::size_t length = each.name.size();
        if (length > lengths::longest) continue;
        for (std::size_t i = detail::known_header_index.begin[length];
             i != detail::known_header_index.begin[length + 1]; ++i) {
            const detail::known_header_row& row = detail::known_header_rows[i];
            // Of the names of one length most differ in their first character.
            if (each.name.front() != row.name.front() || !equal(each.name, row.name)) continue;
            // The first of repeated headers counts (STOMP 1.2 Repeated Header Entries).
            if ((this->*row.value).data() == nullptr) this->*row.value = each.value;
            break;
        }
    }
}

} // namespace sockless::stomp
