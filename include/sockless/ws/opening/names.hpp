// The names of the fields that mean something to the opening handshake, and how a field is known by its name.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include "../../http/text.hpp"

#include "../../detail/compiler_begin.inc"

namespace sockless::ws::detail {

/// The fields that mean something to the handshake; all others are `other`.
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

/// A name of 4 to 24 characters as words. They may overlap, so that they hold all characters.
struct name_words {
    std::uint64_t first;
    std::uint64_t middle;
    std::uint64_t last;
};

/// The size of the longest name that the words hold.
inline constexpr std::size_t most_name = 24;

template <class Word>
[[nodiscard]] constexpr Word word_of(const char* text) noexcept {
    std::array<char, sizeof(Word)> characters{};
    copy(characters.data(), text, characters.size());
    return bits_as<Word>(characters);
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
    consteval opening_name(std::string_view name, opening_field field) noexcept : field_(field), size_(name.size()) {
        char kept[most_name] = {};
        for (std::size_t i = 0; i != name.size(); ++i) {
            const bool letter = http::detail::lower(name[i]) >= 'a' && http::detail::lower(name[i]) <= 'z';
            kept[i] = static_cast<char>(letter ? ~0x20 : ~0);
        }
        kept_ = words_of(text_at(kept, name.size()));
        words_ = kept_words(words_of(name));
    }

    [[nodiscard]] constexpr opening_field field() const noexcept { return field_; }
    [[nodiscard]] consteval std::size_t size() const noexcept { return size_; }

    /// Whether a name of this size is this one; the case does not matter.
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

/// All names in the order of their size, which tells nearly all of them apart, and the place where each size begins.
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

    consteval opening_name_table() noexcept {
        for (const opening_name& each : names) {
            for (std::size_t size = each.size() + 1; size != begin.size(); ++size) ++begin[size];
        }
    }
};

inline constexpr opening_name_table opening_names{};

/// The field of this name; the case does not matter.
[[nodiscard]] SOCKLESS_ALWAYS_INLINE constexpr opening_field opening_field_of(std::string_view name) noexcept {
    if (name.size() > most_name) return opening_field::other;
    const std::size_t end = opening_names.begin[name.size() + 1];
    for (std::size_t i = opening_names.begin[name.size()]; i != end; ++i) {
        if (opening_names.names[i].is(name)) return opening_names.names[i].field();
    }
    return opening_field::other;
}

} // namespace sockless::ws::detail

#include "../../detail/compiler_end.inc"
