// The Sec-WebSocket-Extensions field: the extensions that it offers, or agrees to, element by element (RFC 6455 section
// 9.1).
// SPDX-License-Identifier: MIT
#pragma once

#include "../../http/fields.hpp"

namespace sockless::ws {

/// One parameter of an extension.
struct extension_parameter {
    std::string_view name{};
    std::string_view value{}; ///< as written, but without the quotes
    bool has_value = false;
    bool escaped = false; ///< whether `value` still holds the backslashes of a quoted string

    /// Whether the value, unescaped, is `wanted`.
    [[nodiscard]] constexpr bool value_is(std::string_view wanted) const noexcept {
        std::size_t size = 0;
        for (std::size_t i = 0; i != value.size(); ++i, ++size) {
            if (escaped && value[i] == '\\') ++i;
            if (size == wanted.size() || wanted[size] != value[i]) return false;
        }
        return has_value && size == wanted.size();
    }

    /// Copies the unescaped value to the front of `out` and returns it; empty if there is no room for all of it.
    [[nodiscard]] constexpr std::string_view copy_value(std::span<char> out) const noexcept {
        std::size_t size = 0;
        for (std::size_t i = 0; i != value.size(); ++i) {
            if (escaped && value[i] == '\\') ++i;
            if (size == out.size()) return {};
            out[size++] = value[i];
        }
        return detail::text_at(out.data(), size);
    }
};

} // namespace sockless::ws

namespace sockless::ws::detail {

/// Reads the grammar of the field from the front of one value. RFC 2616, which the grammar was built on, allows white
/// space between any two of its elements.
class extension_reader {
  public:
    constexpr explicit extension_reader(std::string_view text) noexcept
        : at_(text.data()), end_(text.data() + text.size()) {}

    [[nodiscard]] constexpr bool malformed() const noexcept { return malformed_; }
    [[nodiscard]] constexpr const char* at() const noexcept { return at_; }

    /// The name of the next extension; empty at the end of the list, and if the list is malformed. Empty elements are
    /// passed over (RFC 9110 section 5.6.1).
    [[nodiscard]] constexpr std::string_view next_name() noexcept {
        skip_white();
        while (at_ != end_ && *at_ == ',') {
            ++at_;
            skip_white();
        }
        return at_ == end_ ? std::string_view{} : token();
    }

    /// The next parameter of the extension; without a name after the last, and if the list is malformed.
    [[nodiscard]] constexpr ws::extension_parameter next_parameter() noexcept {
        skip_white();
        if (malformed_ || at_ == end_ || *at_ == ',') return {};
        if (*at_ != ';') return fail();
        ++at_;
        skip_white();
        ws::extension_parameter parameter{.name = token()};
        skip_white();
        if (malformed_ || at_ == end_ || *at_ != '=') return malformed_ ? ws::extension_parameter{} : parameter;
        ++at_;
        skip_white();
        parameter.has_value = true;
        if (at_ != end_ && *at_ == '"') {
            quoted(parameter);
        } else {
            parameter.value = token();
        }
        return malformed_ ? ws::extension_parameter{} : parameter;
    }

    /// Goes on to the next extension, or to the character at which the list is malformed.
    constexpr void skip_parameters() noexcept {
        while (!next_parameter().name.empty()) {
        }
    }

  private:
    constexpr ws::extension_parameter fail() noexcept {
        malformed_ = true;
        at_ = end_;
        return {};
    }

    constexpr void skip_white() noexcept {
        while (at_ != end_ && http::detail::is_white(*at_)) ++at_;
    }

    constexpr std::string_view token() noexcept {
        const char* const begin = at_;
        at_ = http::detail::skip_token(at_, end_);
        if (at_ == begin) fail();
        return malformed_ ? std::string_view{} : std::string_view{begin, static_cast<std::size_t>(at_ - begin)};
    }

    // A quoted value, without the quotes and backslashes, is a token (RFC 6455 section 9.1) [H11].
    constexpr void quoted(ws::extension_parameter& parameter) noexcept {
        const char* const begin = ++at_;
        while (at_ != end_ && *at_ != '"') {
            if (*at_ == '\\') {
                parameter.escaped = true;
                ++at_;
            }
            if (at_ == end_ || !http::detail::is_in(http::detail::in_token, *at_)) {
                fail();
                return;
            }
            ++at_;
        }
        if (at_ == end_ || at_ == begin) {
            fail();
            return;
        }
        parameter.value = {begin, static_cast<std::size_t>(at_ - begin)};
        ++at_;
    }

    const char* at_;
    const char* end_;
    bool malformed_ = false;
};

/// Finds one parameter of an extension after the other.
struct parameter_finder {
    using value_type = ws::extension_parameter;

    constexpr parameter_finder() noexcept = default;
    constexpr explicit parameter_finder(std::string_view text) noexcept : reader(text) { advance(); }

    constexpr void advance() noexcept { current = reader.next_parameter(); }
    [[nodiscard]] constexpr const char* place() const noexcept { return current.name.data(); }

    extension_reader reader{std::string_view{}};
    ws::extension_parameter current{};
};

} // namespace sockless::ws::detail

namespace sockless::ws {

/// The parameters of one extension: a forward range of `extension_parameter`, views of the field's value.
///
///     for (const ws::extension& each : ws::extension_list("permessage-deflate; client_max_window_bits=10")) {
///         for (const ws::extension_parameter& with : each.parameters) print(each.name, with.name, with.value);
///     }
class extension_parameters {
  public:
    using iterator = detail::lazy_iterator<detail::parameter_finder>;

    constexpr extension_parameters() noexcept = default;

    /// From the text behind the name of an extension.
    constexpr explicit extension_parameters(std::string_view text) noexcept : text_(text) {}

    /// Iterators over the parameters.
    [[nodiscard]] constexpr iterator begin() const noexcept { return iterator(text_); }
    [[nodiscard]] constexpr iterator end() const noexcept { return {}; }

  private:
    std::string_view text_{};
};

/// One element of the field: an extension that is offered or agreed to.
struct extension {
    std::string_view name{};
    extension_parameters parameters{};
};

} // namespace sockless::ws

namespace sockless::ws::detail {

/// Finds one extension after the other, up to the end, or up to one that is malformed.
struct extension_finder {
    using value_type = ws::extension;

    constexpr extension_finder() noexcept = default;
    constexpr explicit extension_finder(std::string_view value) noexcept : reader(value) { advance(); }

    constexpr void advance() noexcept {
        current = {};
        const std::string_view name = reader.next_name();
        if (name.empty()) return;
        const char* const begin = reader.at();
        reader.skip_parameters();
        if (reader.malformed()) return;
        current.name = name;
        current.parameters = ws::extension_parameters({begin, static_cast<std::size_t>(reader.at() - begin)});
    }
    [[nodiscard]] constexpr const char* place() const noexcept { return current.name.data(); }

    extension_reader reader{std::string_view{}};
    ws::extension current{};
};

} // namespace sockless::ws::detail

namespace sockless::ws {

/// The extensions in one value of the field, in order of preference: a forward range of `extension`, views of the
/// value. Several of one name are fallbacks for each other. The range ends at the first one that is malformed: ask
/// `is_extension_list` first.
///
///     const std::string_view offered = "permessage-deflate; server_no_context_takeover, permessage-deflate";
///     if (!ws::is_extension_list(offered)) return;
///     for (const ws::extension& each : ws::extension_list(offered)) print(each.name);
class extension_list {
  public:
    using iterator = detail::lazy_iterator<detail::extension_finder>;

    /// The extensions in this value.
    constexpr explicit extension_list(std::string_view value) noexcept : value_(value) {}

    /// Iterators over the extensions.
    [[nodiscard]] constexpr iterator begin() const noexcept { return iterator(value_); }
    [[nodiscard]] constexpr iterator end() const noexcept { return {}; }

  private:
    std::string_view value_;
};

/// Whether `value` is a list of at least one extension, well formed to its end.
[[nodiscard]] constexpr bool is_extension_list(std::string_view value) noexcept {
    detail::extension_reader reader(value);
    if (reader.next_name().empty()) return false;
    do {
        reader.skip_parameters();
    } while (!reader.next_name().empty());
    return !reader.malformed();
}

/// Calls `visit(const extension&)` for each extension of all fields of this name, in order, until it returns false.
/// `Fields` is any range of `field`. RFC 6455 section 9.1 makes one list of all of them.
template <class Fields, class Visit>
constexpr void for_each_extension(const Fields& fields, Visit&& visit) noexcept {
    http::detail::visit_values(fields, "sec-websocket-extensions", [&visit](std::string_view value) {
        for (const extension& each : extension_list(value)) {
            if (!visit(each)) return true;
        }
        return false;
    });
}

/// The extension that compresses messages (RFC 7692). An endpoint offers it and agrees to it by itself, or not at all.
inline constexpr std::string_view deflate_name = "permessage-deflate";

/// Whether an extension of this name is in `value`. Names are compared exactly (RFC 6455 section 9.1 has tokens).
[[nodiscard]] constexpr bool has_extension(std::string_view value, std::string_view name) noexcept {
    for (const extension& each : extension_list(value)) {
        if (sockless::equal(each.name, name)) return true;
    }
    return false;
}

/// Whether the fields offer an extension of this name. `Fields` is any range of `field`. RFC 6455 section 9.1.
template <class Fields>
[[nodiscard]] constexpr bool offers_extension(const Fields& offered, std::string_view name) noexcept {
    return http::detail::visit_values(offered, "sec-websocket-extensions",
                                      [name](std::string_view value) { return has_extension(value, name); });
}

} // namespace sockless::ws
