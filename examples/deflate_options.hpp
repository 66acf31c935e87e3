// The options of the examples that compress, which both ends of an echo share.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless.hpp>
#include <sockless/ws/deflate/zlib.hpp> // link with -lz

#include "socket.hpp"

/// The options of the command line for permessage-deflate. The others only matter if `deflate` is given.
struct deflate_options {
    static constexpr const char* usage = "[--deflate] [--no-context-takeover] [--window-bits 9-15] [--threshold BYTES]";

    bool deflate = false;
    sockless::ws::deflate_policy policy{};

    /// Takes an option that has no value. False if it is none of these options.
    bool take(std::string_view option) {
        if (option == "--deflate") return deflate = true;
        if (option != "--no-context-takeover") return false;
        return policy.wanted.server_no_context_takeover = policy.wanted.client_no_context_takeover = true;
    }

    /// Takes an option and its value. False if it is none of these options, or if it cannot have this value.
    bool take(std::string_view option, std::string_view value) {
        const auto number = read_number<std::uint32_t>(value);
        if (!number) return false;
        if (option == "--threshold") {
            policy.threshold = policy.threshold_without_takeover = *number;
            return true;
        }
        if (option != "--window-bits" || *number < sockless::ws::smallest_deflate_window || *number > 15) return false;
        policy.wanted.server_max_window_bits = static_cast<std::uint8_t>(*number);
        policy.wanted.client_max_window_bits = static_cast<std::uint8_t>(*number);
        return true;
    }
};
