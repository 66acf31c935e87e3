// The rules of the opening handshake that a peer may break without a doubt about the bytes that follow.
// SPDX-License-Identifier: MIT
#pragma once

#include "../../http/errc.hpp"
#include "../../list_view.hpp"
#include "../errc.hpp"

#include "../../detail/compiler_begin.inc"

namespace sockless::ws {

/// The rules that known peers break and that do not touch framing. If a head breaks only these rules, the place of its
/// end is certain, no body follows it, and the bytes behind it are WebSocket frames of the terms that were agreed to.
/// The caller can accept such a request or response on its own word (`options::show_faults`); docs/rules.md names the
/// peers. All other rules hold always.
inline constexpr error acceptable_faults[] = {
    http::errc::bare_lf,
    errc::bad_host,
    errc::connection_upgrade_missing,
    errc::bad_key,
    errc::empty_extensions,
    errc::bad_subprotocol,
    errc::upgrade_repeated,
    errc::connection_not_confirmed,
    errc::subprotocol_not_offered,
};

/// The faults of one request or response, all of them acceptable.
///
///     const ws::opening_request request = ws::check_request(head, ws::on_fault::note);
///     if (request.faults.has(ws::errc::bad_key)) print("an old client");
class opening_faults {
  public:
    /// Whether there is no fault.
    [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }

    /// Whether this rule is broken.
    [[nodiscard]] constexpr bool has(error rule) const noexcept { return (bits_ & bit_of(rule)) != 0; }

    /// A rule that is broken and is none of these; no error if there is no such rule. So a caller accepts exactly the
    /// faults that it expects: `faults.other_than({errc::bad_key, errc::connection_upgrade_missing})`.
    [[nodiscard]] constexpr error other_than(list_view<error> expected) const noexcept {
        std::uint32_t left = bits_;
        for (const error each : expected) left &= ~bit_of(each);
        for (const error each : acceptable_faults) {
            if ((left & bit_of(each)) != 0) return each;
        }
        return {};
    }

    /// Adds a fault. False if it is not acceptable; then nothing changes.
    constexpr bool add(error fault) noexcept {
        const std::uint32_t bit = bit_of(fault);
        bits_ |= bit;
        return bit != 0;
    }

  private:
    // The bit of a rule; 0 if it is not acceptable.
    [[nodiscard]] static constexpr std::uint32_t bit_of(error rule) noexcept {
        std::uint32_t bit = 1;
        for (const error each : acceptable_faults) {
            if (each == rule) return bit;
            bit <<= 1;
        }
        return 0;
    }

    std::uint32_t bits_ = 0;
};

/// How a head is judged.
enum class on_fault : std::uint8_t {
    stop, ///< the first rule that is broken is the error
    note, ///< faults that are acceptable are noted, and the rest is judged all the same
};

} // namespace sockless::ws

namespace sockless::ws::detail {

/// Collects the rules that a head breaks. They are asked in a fixed order: `if (broken && judge.ends_with(rule))
/// return;`.
class opening_judge {
  public:
    constexpr explicit opening_judge(on_fault reaction) noexcept : reaction_(reaction) {}

    /// A rule is broken. Whether the judgement ends with that.
    [[nodiscard]] SOCKLESS_NEVER_INLINE constexpr bool ends_with(sockless::error rule) noexcept {
        if (reaction_ == on_fault::note && faults_.add(rule)) {
            if (!error_) error_ = rule;
            return false;
        }
        faults_ = {};
        error_ = rule;
        return true;
    }

    /// The error of the head. If there are faults, it is the first of them; else it is not acceptable.
    [[nodiscard]] constexpr sockless::error error() const noexcept { return error_; }
    [[nodiscard]] constexpr opening_faults faults() const noexcept { return faults_; }

  private:
    sockless::error error_{};
    opening_faults faults_{};
    on_fault reaction_;
};

} // namespace sockless::ws::detail

#include "../../detail/compiler_end.inc"
