// The receipt that a STOMP server owes for the frame that its caller handles.
// SPDX-License-Identifier: MIT
#pragma once

#include "../core.hpp"

namespace sockless::stomp::detail {

/// The one receipt that is owed, if any. It becomes due when the caller has handled the frame, and then waits for room
/// in the output. The input may be gone by then, so the id is kept: behind all names, as nothing is added to them as
/// long as a receipt is owed. `Names` is the `name_list` of the session, the same for each call.
class owed_receipt {
  public:
    [[nodiscard]] bool is_owed() const noexcept { return size_ != 0; }
    [[nodiscard]] bool is_due() const noexcept { return is_due_; }

    /// Keeps the id, which is not empty, as a name of a kind of its own. False if there is no memory for it.
    template <class Names, class Kind>
    [[nodiscard]] bool owe(Names& names, Kind as, std::string_view id) noexcept {
        if (!names.add(as, id)) return false;
        size_ = static_cast<std::uint32_t>(id.size());
        return true;
    }

    /// The caller has handled the frame. Says whether a receipt is due now.
    bool become_due() noexcept { return is_due_ = size_ != 0; }

    /// Empty if none is owed. Valid until it is settled.
    template <class Names>
    [[nodiscard]] std::string_view id(const Names& names) const noexcept {
        return size_ != 0 ? names.last(size_).text : std::string_view{};
    }

    /// It was sent, or will never be.
    template <class Names>
    void settle(Names& names) noexcept {
        if (size_ != 0) names.erase_last(size_);
        size_ = 0;
        is_due_ = false;
    }

  private:
    std::uint32_t size_ = 0; // of the id
    bool is_due_ = false;
};

} // namespace sockless::stomp::detail
