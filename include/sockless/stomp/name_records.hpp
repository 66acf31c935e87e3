// What a session keeps the names of, and what it notes beside each.
// SPDX-License-Identifier: MIT
#pragma once

#include "../detail/names.hpp"
#include "frames.hpp"

namespace sockless::stomp::detail {

enum class name_kind : std::uint8_t {
    subscription,
    destination, ///< of a subscription in 1.0 that has no id
    transaction,
    receipt,           ///< client: outstanding
    named_destination, ///< of a subscription in 1.0 that has an id: its second text
};

/// Beside the names of a client.
using client_name = name_record<name_kind, 4>;

/// What `acknowledgements` notes of a subscription or transaction.
struct acknowledgement_facts {
    std::uint32_t sent = 0;    // how many messages
    std::uint32_t waiting = 0; // how many of them are not acknowledged
    std::uint32_t pending = 0; // link to the last one that was acknowledged in a transaction
};

/// Beside the names of a server, which are subscriptions and transactions.
struct server_name {
    static constexpr std::size_t kinds = 3;

    std::uint32_t size = 0;
    name_kind kind{};
    ack_mode mode{}; // of a subscription
    name_state state = name_state::live;
    bool has_second = false;
    tree_node by_text{};
    std::uint32_t number = 0;
    tree_node by_number{};
    acknowledgement_facts facts{};
};

} // namespace sockless::stomp::detail
