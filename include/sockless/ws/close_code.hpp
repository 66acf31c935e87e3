// Close codes: those that may stand on the wire, and those that are only ever reported (RFC 6455 section 7.4).
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace sockless::ws {

/// The Close codes of RFC 6455 section 7.4.1 and the IANA registry. Codes of frameworks (3000 to 3999) and of
/// applications (4000 to 4999) have no name here: a function that takes a code takes any number.
namespace close_code {

/// A code that may be sent.
inline constexpr std::uint16_t normal = 1000;
inline constexpr std::uint16_t going_away = 1001;
inline constexpr std::uint16_t protocol_error = 1002;
inline constexpr std::uint16_t unsupported_data = 1003;
inline constexpr std::uint16_t no_status = 1005; ///< reported if the peer's Close was empty; never sent
inline constexpr std::uint16_t abnormal = 1006;  ///< reported if no Close came; never sent
inline constexpr std::uint16_t invalid_payload = 1007;
inline constexpr std::uint16_t policy_violation = 1008;
inline constexpr std::uint16_t message_too_big = 1009;
inline constexpr std::uint16_t mandatory_extension = 1010;
inline constexpr std::uint16_t internal_error = 1011;
inline constexpr std::uint16_t service_restart = 1012;
inline constexpr std::uint16_t try_again_later = 1013;
inline constexpr std::uint16_t bad_gateway = 1014;
} // namespace close_code

/// Whether `code` may stand in a Close frame, in either direction (RFC 6455 section 7.4.2 and the IANA registry). 1004
/// is reserved; 1005, 1006 and 1015 are only ever reported; 1016 to 2999 are not assigned; numbers below 1000 and from
/// 5000 up are no codes.
[[nodiscard]] constexpr bool is_sendable(std::uint16_t code) noexcept {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

} // namespace sockless::ws
