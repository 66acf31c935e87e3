// The versions of STOMP, how they are negotiated, and how WebSocket names them.
// SPDX-License-Identifier: MIT
#pragma once

#include "../detail/text.hpp"

namespace sockless::stomp {

/// A version of STOMP. The version of a session is `unknown` until CONNECT and CONNECTED have settled it [S15].
enum class version : std::uint8_t { unknown, v1_0, v1_1, v1_2 };

/// The text of a version in the headers `version` and `accept-version`; empty for `unknown`. A constant.
[[nodiscard]] constexpr std::string_view text_of(version of) noexcept {
    constexpr std::string_view texts[] = {"", "1.0", "1.1", "1.2"};
    return texts[static_cast<std::size_t>(of)];
}

/// All versions, the highest first.
inline constexpr version all_versions[] = {version::v1_2, version::v1_1, version::v1_0};

/// The version with this text, or `unknown` if there is no such version.
[[nodiscard]] constexpr version version_of(std::string_view text) noexcept {
    for (const version each : all_versions) {
        if (equal(text, text_of(each))) return each;
    }
    return version::unknown;
}

/// A set of versions, as the header `accept-version` lists them (STOMP 1.2 Protocol Negotiation).
///
///     const auto offered = stomp::version_set::of_list("1.0,1.1");
///     print(text_of(stomp::version_set::all().highest_in_common(offered))); // 1.1
class version_set {
  public:
    constexpr version_set() noexcept = default;

    /// The set of these versions: `version_set{version::v1_1, version::v1_2}`. `unknown` adds nothing.
    template <class... Version>
        requires(std::is_same_v<Version, version>&&...)
    constexpr version_set(version first, Version... more) noexcept {
        add(first);
        (add(more), ...);
    }

    /// All versions that this library speaks.
    [[nodiscard]] static constexpr version_set all() noexcept { return {version::v1_0, version::v1_1, version::v1_2}; }

    /// The versions in a list with commas between them. Versions that this library does not know are left out.
    [[nodiscard]] static constexpr version_set of_list(std::string_view list) noexcept {
        version_set found;
        const char* at = list.data();
        const char* const end = at + list.size();
        for (;;) {
            const char* const comma = detail::find(',', at, end);
            found.add(version_of({at, static_cast<std::size_t>(comma - at)}));
            if (comma == end) return found;
            at = comma + 1;
        }
    }

    /// Adds a version, tells whether one is in the set, and whether none is.
    constexpr void add(version added) noexcept { bits_ = static_cast<std::uint8_t>(bits_ | bit_of(added)); }
    [[nodiscard]] constexpr bool has(version asked) const noexcept { return (bits_ & bit_of(asked)) != 0; }
    [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }

    /// The highest version that is in both sets, or `unknown` (STOMP 1.2 Protocol Negotiation) [S6].
    [[nodiscard]] constexpr version highest_in_common(version_set other) const noexcept {
        for (const version each : all_versions) {
            if (has(each) && other.has(each)) return each;
        }
        return version::unknown;
    }

    /// The versions as a list with commas between them, the lowest first. A constant.
    [[nodiscard]] constexpr std::string_view list() const noexcept {
        constexpr std::string_view lists[] = {"", "1.0", "1.1", "1.0,1.1", "1.2", "1.0,1.2", "1.1,1.2", "1.0,1.1,1.2"};
        return lists[bits_];
    }

  private:
    [[nodiscard]] static constexpr unsigned bit_of(version of) noexcept {
        return of == version::unknown ? 0U : 1U << (static_cast<unsigned>(of) - 1);
    }

    std::uint8_t bits_ = 0;
};

/// The subprotocols of WebSocket that carry STOMP, the best first: a client offers them in this order, and a server
/// chooses in this order [W1]. The version is decided by CONNECT, not by the subprotocol.
inline constexpr std::string_view subprotocols[] = {"v12.stomp", "v11.stomp", "v10.stomp"};

/// Whether `subprotocol` is one of `subprotocols` [W1]. Subprotocols are case-sensitive.
[[nodiscard]] constexpr bool is_stomp(std::string_view subprotocol) noexcept {
    for (const std::string_view each : subprotocols) {
        if (equal(each, subprotocol)) return true;
    }
    return false;
}

} // namespace sockless::stomp
