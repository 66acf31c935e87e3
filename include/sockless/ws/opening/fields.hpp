// The fields that the opening handshake is made of, collected in one pass over any list of fields.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>

#include "../../detail/base64.hpp"
#include "../errc.hpp"
#include "extensions.hpp"

namespace sockless::ws::detail {

/// The fields that mean something to the handshake; all else is `other`.
enum class opening_field : std::uint8_t {
    host,
    origin,
    expect,
    upgrade,
    connection,
    content_length,
    transfer_encoding,
    key,
    accept,
    version,
    subprotocol,
    extensions,
    other,
};

/// A name of 4 to 24 characters as words, which may overlap, so that they hold each of them.
struct name_words {
    std::uint64_t first;
    std::uint64_t middle;
    std::uint64_t last;
};

/// The size of the longest name that the words hold.
inline constexpr std::size_t most_name = 24;

template <class Word>
[[nodiscard]] constexpr Word word_of(const char* text) noexcept {
    std::array<char, sizeof(Word)> made{};
    copy(made.data(), text, made.size());
    return std::bit_cast<Word>(made);
}

[[nodiscard]] constexpr name_words words_of(std::string_view name) noexcept {
    const char* const begin = name.data();
    const char* const end = begin + name.size();
    if (name.size() < 8) {
        const std::uint64_t first = word_of<std::uint32_t>(begin), last = word_of<std::uint32_t>(end - 4);
        return {first, first, last};
    }
    const std::uint64_t last = word_of<std::uint64_t>(end - 8);
    return {word_of<std::uint64_t>(begin), name.size() < 16 ? last : word_of<std::uint64_t>(begin + 8), last};
}

/// A field and its name, as words in which the case of letters does not show.
class opening_name {
  public:
    constexpr opening_name(std::string_view name, opening_field field) noexcept : field_(field), size_(name.size()) {
        char kept[most_name] = {};
        for (std::size_t i = 0; i != name.size(); ++i) {
            const bool letter = http::detail::lower(name[i]) >= 'a' && http::detail::lower(name[i]) <= 'z';
            kept[i] = static_cast<char>(letter ? ~0x20 : ~0);
        }
        kept_ = words_of(text_at(kept, name.size()));
        words_ = kept_words(words_of(name));
    }

    [[nodiscard]] constexpr opening_field field() const noexcept { return field_; }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }

    /// Whether a name of this size is this one, whatever its case.
    [[nodiscard]] constexpr bool is(std::string_view name) const noexcept {
        const name_words read = kept_words(words_of(name));
        return ((read.first ^ words_.first) | (read.middle ^ words_.middle) | (read.last ^ words_.last)) == 0;
    }

  private:
    // Without the bits that tell the case of letters; of other characters all bits count.
    [[nodiscard]] constexpr name_words kept_words(const name_words& read) const noexcept {
        return {read.first & kept_.first, read.middle & kept_.middle, read.last & kept_.last};
    }

    name_words words_{};
    name_words kept_{};
    opening_field field_ = opening_field::other;
    std::size_t size_ = 0;
};

/// All names in the order of their size, which tells nearly all of them apart; and where those of each size begin.
struct opening_name_table {
    static constexpr std::size_t count = static_cast<std::size_t>(opening_field::other);

    std::array<opening_name, count> names{{
        {"Host", opening_field::host},
        {"Origin", opening_field::origin},
        {"Expect", opening_field::expect},
        {"Upgrade", opening_field::upgrade},
        {"Connection", opening_field::connection},
        {"Content-Length", opening_field::content_length},
        {"Sec-WebSocket-Key", opening_field::key},
        {"Transfer-Encoding", opening_field::transfer_encoding},
        {"Sec-WebSocket-Accept", opening_field::accept},
        {"Sec-WebSocket-Version", opening_field::version},
        {"Sec-WebSocket-Protocol", opening_field::subprotocol},
        {"Sec-WebSocket-Extensions", opening_field::extensions},
    }};
    std::array<std::uint8_t, most_name + 2> begin{};

    constexpr opening_name_table() noexcept {
        for (const opening_name& each : names) {
            for (std::size_t size = each.size() + 1; size != begin.size(); ++size) ++begin[size];
        }
    }
};

inline constexpr opening_name_table opening_names{};

/// Which one has this name, whatever its case.
[[nodiscard, gnu::always_inline]] constexpr opening_field opening_field_of(std::string_view name) noexcept {
    if (name.size() > most_name) return opening_field::other;
    const std::size_t end = opening_names.begin[name.size() + 1];
    for (std::size_t i = opening_names.begin[name.size()]; i != end; ++i) {
        if (opening_names.names[i].is(name)) return opening_names.names[i].field();
    }
    return opening_field::other;
}

/// A view for arrays of which only so much is set as there is: those of `std::string_view` begin as zeros, all of them.
struct unset_view {
    const char* data;
    std::size_t size;
};

/// What a head, or a list of fields, says about the handshake.
class opening_fields {
  public:
    template <class Fields>
    constexpr explicit opening_fields(const Fields& fields) noexcept {
        for (const field& each : fields) {
            const opening_field which = opening_field_of(each.name);
            if (which != opening_field::other) add(which, each.value);
        }
    }

    /// The first value of a field, and how many of it there are.
    [[nodiscard]] constexpr std::string_view first(opening_field which) const noexcept {
        if (!has(which)) return {};
        return {first_[index(which)].data, first_[index(which)].size};
    }
    [[nodiscard]] constexpr std::uint32_t count(opening_field which) const noexcept { return count_[index(which)]; }
    [[nodiscard]] constexpr bool has(opening_field which) const noexcept { return count(which) != 0; }

    bool upgrade_to_websocket = false; ///< H5: Upgrade holds the token `websocket`
    bool connection_upgrade = false;   ///< H5: Connection holds the token `upgrade`
    bool body = false;                 ///< H8: a Content-Length other than 0, or a Transfer-Encoding
    bool expectation_unknown = false;  ///< H21: an Expect other than `100-continue`
    bool bad_extensions = false;       ///< H11: a Sec-WebSocket-Extensions that is malformed

  private:
    [[nodiscard]] static constexpr std::size_t index(opening_field which) noexcept {
        return static_cast<std::size_t>(which);
    }

    constexpr void add(opening_field which, std::string_view value) noexcept {
        if (count_[index(which)]++ == 0) first_[index(which)] = {value.data(), value.size()};
        switch (which) {
        case opening_field::upgrade:
            upgrade_to_websocket = upgrade_to_websocket || http::list_has(value, "websocket");
            break;
        case opening_field::connection:
            connection_upgrade = connection_upgrade || http::list_has(value, "upgrade");
            break;
        case opening_field::content_length: {
            const decimal length = read_decimal(value);
            body = body || !length.valid || length.value != 0;
            break;
        }
        case opening_field::transfer_encoding: body = true; break;
        case opening_field::expect:
            expectation_unknown = expectation_unknown || !http::equal_ignoring_case(value, "100-continue");
            break;
        case opening_field::extensions: bad_extensions = bad_extensions || !ws::is_extension_list(value); break;
        default: break;
        }
    }

    std::array<unset_view, opening_name_table::count> first_; // only of those that are there; the rest is never read
    std::array<std::uint32_t, opening_name_table::count> count_{};
};

/// The most subprotocols that may be offered: each is compared with each.
inline constexpr std::size_t max_subprotocols = 64;

/// H10: what is offered are unique tokens, at least one where the field is there at all.
class subprotocol_offer {
  public:
    constexpr void add(std::string_view list) noexcept {
        for (const std::string_view name : http::list_elements(list)) {
            if (!http::is_token(name)) error_ = ws::errc::bad_subprotocol;
            for (std::size_t i = 0; i != size_; ++i) {
                if (sockless::equal({seen_[i].data, seen_[i].size}, name)) error_ = ws::errc::bad_subprotocol;
            }
            if (size_ == max_subprotocols) error_ = ws::errc::too_many_subprotocols;
            if (error_ != ws::errc::none) return;
            seen_[size_++] = {name.data(), name.size()};
        }
    }

    [[nodiscard]] constexpr ws::errc error() const noexcept { return size_ == 0 ? ws::errc::bad_subprotocol : error_; }

  private:
    std::array<unset_view, max_subprotocols> seen_; // only so many as there are; the rest is never read
    std::size_t size_ = 0;
    ws::errc error_ = ws::errc::none;
};

template <class Fields>
[[nodiscard]] constexpr ws::errc check_subprotocols(const Fields& fields, const opening_fields& all) noexcept {
    subprotocol_offer offer;
    if (all.count(opening_field::subprotocol) == 1) {
        offer.add(all.first(opening_field::subprotocol));
    } else {
        for (const field& each : fields) {
            if (opening_field_of(each.name) == opening_field::subprotocol) offer.add(each.value);
        }
    }
    return offer.error();
}

/// What an upgrade request and an extended CONNECT have in common: H7, H10, H11, and one Origin at most.
template <class Fields>
[[nodiscard]] constexpr ws::errc check_negotiation(const Fields& fields, const opening_fields& all) noexcept {
    if (all.count(opening_field::version) != 1) return ws::errc::version_missing;
    if (!sockless::equal(all.first(opening_field::version), "13")) return ws::errc::version_unsupported;
    // RFC 6454 7.3: one Origin at most; with two of them the one that is checked may not be the one that counts.
    if (all.count(opening_field::origin) > 1) return ws::errc::repeated_origin;
    if (all.bad_extensions) return ws::errc::bad_extensions;
    if (all.has(opening_field::subprotocol)) return check_subprotocols(fields, all);
    return ws::errc::none;
}

} // namespace sockless::ws::detail
