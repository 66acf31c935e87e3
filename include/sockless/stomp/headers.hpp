// The headers of one frame: a lazy range over the text that the parser leaves, and the values that the protocol knows.
// SPDX-License-Identifier: MIT
#pragma once

#include "../detail/lazy_iterator.hpp"
#include "../detail/text.hpp"

namespace sockless::stomp {

/// One header. Names are case-sensitive, and white space belongs to name and value (STOMP 1.2 Augmented BNF). Both are
/// views. The function that returns a header says how long they are valid.
struct header {
    std::string_view name;
    std::string_view value;
};

} // namespace sockless::stomp

namespace sockless::stomp::detail {

/// Finds one header after the other in the text that the parser leaves: for each header the name, a NUL, the value, and
/// at least one NUL. Only the parser puts NULs there, as a head with a NUL is an error. No name is empty.
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
        // If the line had escapes or ended in CR LF, more than one NUL follows its value.
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

/// The headers of one frame in the order of the wire, repeated ones too: a forward range of `header`. It stores no list
/// but finds each header when it is asked for. It is a view of text that the parser leaves, and valid as long as that
/// text. A NUL follows each name and each value, so their `data()` are also C strings.
///
///     const stomp::headers headers("destination:/queue/a\npriority:9\n");
///     for (const stomp::header& each : headers) print(each.name, each.value);
///     if (headers.find("priority") == "9") print("urgent");
class headers {
  public:
    using iterator = detail::lazy_iterator<detail::header_finder>;

    constexpr headers() noexcept = default;

    /// The headers in text that the parser has left (see `text`). Nothing is checked.
    constexpr explicit headers(std::string_view parsed) noexcept : text_(parsed) {}

    /// Iterators over the headers, and whether there is none.
    [[nodiscard]] constexpr iterator begin() const noexcept {
        return iterator(text_.data(), text_.data() + text_.size());
    }
    [[nodiscard]] constexpr iterator end() const noexcept { return {}; }
    [[nodiscard]] constexpr bool empty() const noexcept { return text_.empty(); }

    /// The text that this is a view of. To keep the headers, copy the text and construct `headers` from the copy.
    [[nodiscard]] constexpr std::string_view text() const noexcept { return text_; }

    /// The value of the first header with this name, as the first of repeated headers counts (STOMP 1.2 Repeated Header
    /// Entries). If there is no such header, the `data()` of the result is null. Each call walks through the headers.
    [[nodiscard]] constexpr std::string_view find(std::string_view name) const noexcept {
        for (const header& each : *this) {
            if (equal(each.name, name)) return each.value;
        }
        return {};
    }

  private:
    std::string_view text_{};
};

/// The values of the headers to which the protocol gives a meaning, collected in one walk through the headers of a
/// frame. Each member is the value of the first header of that name; if there is none, its `data()` is null. The views
/// are valid as long as the text of the headers.
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
    /// Walks through the headers once.
    constexpr explicit known_headers(const stomp::headers& all) noexcept;
};

} // namespace sockless::stomp

namespace sockless::stomp::detail {

struct known_header_row {
    std::string_view name;
    std::string_view stomp::known_headers::*value;
};

/// One row per member of `known_headers`, in the order of the lengths of the names.
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

/// The place in that table where the names of each length begin. They end where those of the next length begin.
struct known_header_lengths {
    static constexpr std::size_t longest = 14;
    std::uint8_t begin[longest + 2] = {};

    consteval known_header_lengths() noexcept {
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
