// The receipt that a STOMP server owes to its client, for the frame that the caller is handling.
// SPDX-License-Identifier: MIT
#pragma once

#include "../core.hpp"

namespace sockless::stomp::detail {

/// The receipt that is owed, if there is one; there is never more than one. It becomes due when the caller has handled
/// the frame, and then waits for room in the output. The input may be gone by then, so its id is kept in the list of
/// names. It is the last name in that list, as no name is added while a receipt is owed. `Names` is the `name_list` of
/// the session, the same in each call.
class owed_receipt {
  public:
    [[nodiscard]] bool is_owed() const noexcept { return is_owed_; }
    [[nodiscard]] bool is_due() const noexcept { return is_due_; }

    /// Keeps the id, which is not empty. `names` has room for it.
    template <class Names>
    void owe(Names& names, std::string_view id) noexcept {
        names.put_behind(id);
        is_owed_ = true;
    }

    /// The caller has handled the frame. Says whether a receipt is due now.
    bool become_due() noexcept { return is_due_ = is_owed_; }

    /// The id of the receipt; empty if none is owed. Valid until it is settled, or until a name is added or erased.
    template <class Names>
    [[nodiscard]] std::string_view id(const Names& names) const noexcept {
        return names.behind();
    }

    /// Says that the receipt was sent, or will never be. Forgets its id.
    template <class Names>
    void settle(Names& names) noexcept {
        names.drop_behind();
        is_owed_ = is_due_ = false;
    }

  private:
    bool is_owed_ = false;
    bool is_due_ = false;
};

} // namespace sockless::stomp::detail
