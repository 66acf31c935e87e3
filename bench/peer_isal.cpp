// Rows of ISA-L: how fast it inflates messages, bare, beside the rows of zlib.
// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <memory>

#include <isa-l/igzip_lib.h>

#include "deflate.hpp"

namespace bench {
namespace {

template <class Sink>
class isal_inflater {
  public:
    isal_inflater(const deflate_workload& workload, Sink& sink)
        : sink_(sink), takeover_(workload.takeover), out_(room_for(workload)) {
        ::isal_inflate_init(state_.get());
    }

    static octets received(const octets& deflated) { return deflated; }

    void take(std::byte* data, std::size_t size) {
        state_->next_out = reinterpret_cast<std::uint8_t*>(out_.data());
        state_->avail_out = static_cast<std::uint32_t>(out_.size());
        feed(data, size);
        feed(tail_, sizeof tail_);
        sink_.piece(out_.data(), out_.size() - state_->avail_out, true);
        if (!takeover_) ::isal_inflate_reset(state_.get());
    }

  private:
    void feed(std::byte* data, std::size_t size) {
        state_->next_in = reinterpret_cast<std::uint8_t*>(data);
        state_->avail_in = static_cast<std::uint32_t>(size);
        if (::isal_inflate(state_.get()) != ISAL_DECOMP_OK || state_->avail_in != 0) std::abort();
    }

    Sink& sink_;
    bool takeover_;
    std::unique_ptr<inflate_state> state_ = std::make_unique<inflate_state>();
    octets out_;
    std::byte tail_[4] = {std::byte{0}, std::byte{0}, std::byte{0xFF}, std::byte{0xFF}};
};

const bool added = add_inflater<isal_inflater>("isal");

} // namespace
} // namespace bench
