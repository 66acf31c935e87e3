// The queue of bytes that wait to be sent. Bytes at its front stay in place until they were sent.
// SPDX-License-Identifier: MIT
#pragma once

#include <cassert>
#include <new>

#include "../buffer.hpp"
#include "../error.hpp"
#include "shared_bytes.hpp"

#include "compiler_begin.inc"

// An outbox is written by `room`, `prepare` and `commit`, and read by `output` and `sent`. The caller may hold the
// bytes that `output` returned, as a proactor does while the kernel reads from them: they neither move nor change until
// `sent` says that they have left, even if more is written or memory is given back meanwhile.
namespace sockless::detail {

/// `output` shows at most so many bytes at a time. So a host that sends all of these in one operation still reports
/// progress while a slow peer takes a long queue.
inline constexpr std::size_t most_shown = 64 * 1024;

/// `output` and `sent` of any outbox, counted from the first byte of all.
class outbox_position {
  public:
    /// How many bytes have been sent in all.
    [[nodiscard]] constexpr std::uint64_t sent_in_all() const noexcept { return sent_; }

  protected:
    std::uint64_t sent_ = 0;
};

/// On the heap: blocks, one behind the other. Bytes that were shown never move; bytes that come meanwhile go behind
/// them, or into the next block. The bytes of one write lie in one block.
class heap_outbox : public outbox_position {
  public:
    /// Holds at most as many bytes as `like` may hold.
    explicit heap_outbox(const growing_buffer& like) noexcept : limit_(like.limit()) {}
    heap_outbox(heap_outbox&& other) noexcept { swap(other); }
    heap_outbox& operator=(heap_outbox&& other) noexcept {
        heap_outbox taken(static_cast<heap_outbox&&>(other));
        swap(taken);
        return *this;
    }
    ~heap_outbox() {
        while (first_ != nullptr) drop_first();
    }

    /// How many bytes wait.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

    /// The bytes that are to be sent next.
    [[nodiscard]] cbytes output() const noexcept {
        if (size_ == 0) return {};
        first_->is_shown = true;
        const cbytes run = first_run();
        return run.size() < most_shown ? run : run.first(most_shown);
    }

    /// The same in several pieces, as many as `pieces` has room for, the oldest first. Returns how many there are.
    [[nodiscard]] std::size_t output(std::span<cbytes> pieces) const noexcept {
        std::size_t count = 0, left = most_shown;
        for (block* each = size_ == 0 ? nullptr : first_; each != nullptr && left != 0; each = each->next) {
            if (count == pieces.size()) break;
            std::size_t size = each->end - each->begin;
            if (size == 0) continue;
            if (size > left) size = left;
            each->is_shown = true;
            pieces[count++] = {each->data() + each->begin, size};
            left -= size;
        }
        return count;
    }

    /// All bytes that lie together at the front of the queue, `output()` among them. One write lies together.
    [[nodiscard]] cbytes first_run() const noexcept {
        return size_ == 0 ? cbytes{} : cbytes{first_->data() + first_->begin, first_->end - first_->begin};
    }

    /// Takes the first `size` bytes of `output()`. Takes nothing if there are fewer. Says whether anything was taken.
    bool sent(std::size_t size) noexcept {
        const std::size_t waiting = size_ == 0 ? 0 : first_->end - first_->begin;
        if (size > waiting) return sent_pieces(size);
        const bool is_shown = size <= most_shown;
        assert(is_shown && "sent() was told of more bytes than output() has");
        if (!is_shown || size == 0) return false;
        first_->begin += size;
        size_ -= size;
        sent_ += size;
        if (size != waiting || keeps_) return true;
        if (size_ == 0 && first_ == last_ && first_->capacity <= usual_block) {
            first_->begin = first_->end = 0;
            first_->is_shown = false;
            largest_ = 0;
        } else {
            leave_first();
        }
        return true;
    }

    /// The most bytes that can be written at once so that `reserve` more can be written afterwards.
    [[nodiscard]] std::size_t room(std::size_t reserve) const noexcept {
        const std::size_t free = limit_ - size_;
        return free < reserve ? 0 : free - reserve;
    }

    /// Room for `size` bytes, so that `reserve` more can be written afterwards. Empty if there is none. Valid until
    /// the next call that is not const.
    [[nodiscard]] bytes prepare(std::size_t size, std::size_t reserve) noexcept {
        const std::size_t free = limit_ - size_;
        if (free < reserve || size > free - reserve) return {};
        if ((last_ == nullptr || size > last_->capacity - last_->end) && !add_block(size)) return {};
        const std::size_t needed = last_->end + size;
        if (needed > largest_) largest_ = needed < UINT32_MAX ? static_cast<std::uint32_t>(needed) : UINT32_MAX;
        return {last_->data() + last_->end, size};
    }

    /// Puts the first `size` bytes of the room that `prepare` gave at the end of the queue.
    void commit(std::size_t size) noexcept {
        last_->end += size;
        size_ += size;
    }

    /// Messages of at least so many bytes are shared. Smaller ones cost less if they are copied.
    static constexpr std::size_t least_shared = 4096 + 1;

    /// Puts shared bytes, at least `least_shared`, at the end of the queue, so that `reserve` more bytes can be written
    /// afterwards. False if there is no room, or no memory for the block that holds them.
    [[nodiscard]] bool share(const shared_bytes& added, std::size_t reserve) noexcept {
        const std::size_t size = added.contents().size(), free = limit_ - size_;
        if (free < reserve || size > free - reserve) return false;
        void* const memory = ::operator new(sizeof(block), std::nothrow);
        if (memory == nullptr) return false;
        auto* const next = ::new (memory) block{nullptr, nullptr, 0, size, size, added.contents().data(), false, added};
        add(next);
        size_ += size;
        return true;
    }

    /// Keeps the bytes that are sent first, for `kept`, until `let_go`. They are written at once.
    void keep() noexcept { keeps_ = true; }
    [[nodiscard]] cbytes kept() const noexcept {
        return first_ == nullptr ? cbytes{} : cbytes{first_->data(), first_->end};
    }
    void let_go() noexcept {
        keeps_ = false;
        if (size_ == 0 && first_ != nullptr) rest();
    }

    /// Gives back the memory that holds nothing.
    void release() noexcept {
        if (size_ != 0 || keeps_) return;
        while (first_ != nullptr) drop_first();
    }

  private:
    struct block {
        block* next;
        block* previous;
        std::size_t begin;
        std::size_t end;
        std::size_t capacity;
        std::byte* place;      // of the content: behind the block's own head, or in memory that is shared
        mutable bool is_shown; // whether the caller may hold bytes of it
        shared_bytes shared;

        [[nodiscard]] std::byte* data() const noexcept { return place; }
    };

    // Bytes, with the block's own head.
    static constexpr std::size_t least_block = 256, usual_block = 4096, most_block = 64 * 1024;

    // Makes room for `needed` more bytes behind the content. A larger block takes the place of the last one, unless
    // bytes of that were shown or are kept: as long as both are small, so that a host finds few and large pieces to
    // send; and if the last one would have less content than it gets room now, as what is written can be much smaller
    // than the room for it (a compressed frame), or not be written at all. So no block is left mostly empty. The room
    // doubles with the content that moves, so over time each byte moves once.
    SOCKLESS_NEVER_INLINE bool add_block(std::size_t needed) noexcept {
        const std::size_t content = last_ == nullptr ? 0 : last_->end - last_->begin;
        const bool holds_kept = keeps_ && last_ == first_ && last_ != nullptr && last_->end != 0;
        const bool holds_shown = last_ != nullptr && (last_->shared || (last_->is_shown && content != 0));
        const bool are_small = needed <= most_block && content + needed <= most_block - sizeof(block);
        const bool replaces = last_ != nullptr && !holds_kept && !holds_shown && (are_small || content < needed);
        const std::size_t moved = replaces ? content : 0;
        const bool is_first = last_ == nullptr || last_->shared;
        std::size_t size = is_first ? least_block : 2 * (last_->capacity + sizeof(block));
        if (size > most_block) size = most_block;
        if (needed > SIZE_MAX / 4) return false;
        if (size < moved + needed + sizeof(block)) size = (are_small ? moved : 2 * moved) + needed + sizeof(block);
        void* const memory = ::operator new(size, std::nothrow);
        if (memory == nullptr) return false;
        auto* const place = static_cast<std::byte*>(memory) + sizeof(block);
        auto* const added = ::new (memory) block{nullptr, nullptr, 0, moved, size - sizeof(block), place, false, {}};
        if (replaces) {
            detail::copy(place, last_->data() + last_->begin, moved);
            drop_last();
        }
        add(added);
        return true;
    }

    void add(block* added) noexcept {
        added->previous = last_;
        (last_ == nullptr ? first_ : last_->next) = added;
        last_ = added;
        // A first block that was too small for this, and holds nothing, goes.
        while (first_ != added && first_->begin == first_->end && (!keeps_ || first_->end == 0)) drop_first();
    }

    void drop_last() noexcept {
        block* const dropped = last_;
        last_ = dropped->previous;
        (last_ == nullptr ? first_ : last_->next) = nullptr;
        give_back(dropped);
    }

    void drop_first() noexcept {
        block* const dropped = first_;
        first_ = dropped->next;
        (first_ == nullptr ? last_ : first_->previous) = nullptr;
        give_back(dropped);
    }

    static void give_back(block* dropped) noexcept {
        dropped->~block();
        ::operator delete(dropped);
    }

    // Bytes of more than one block were sent, of those that `output` gave in pieces. A block without bytes is no piece:
    // it is room that was not used.
    SOCKLESS_NEVER_INLINE bool sent_pieces(std::size_t size) noexcept {
        std::size_t shown = 0;
        for (const block* each = first_; each != nullptr && shown < size; each = each->next) {
            if (each->begin != each->end && !each->is_shown) break;
            shown += each->end - each->begin;
        }
        const bool are_shown = size <= shown && size <= most_shown;
        assert(are_shown && "sent() was told of more bytes than output() has");
        if (!are_shown) return false;
        while (size != 0) {
            const std::size_t run = first_->end - first_->begin, part = size < run ? size : run;
            static_cast<void>(sent(part));
            size -= part;
        }
        return true;
    }

    // All of the first block was sent.
    SOCKLESS_NEVER_INLINE void leave_first() noexcept {
        while (first_->begin == first_->end && first_->next != nullptr) drop_first();
        if (size_ == 0) rest();
    }

    // All was sent. The last block stays for the next bytes, unless it is much larger than the blocks that were lately
    // needed: a large block must be needed twice to stay at all, and a size that was needed counts less after each time
    // that it was not.
    void rest() noexcept {
        while (first_ != last_) drop_first();
        const std::uint32_t before = lately_;
        lately_ -= lately_ / 8;
        if (largest_ > lately_) lately_ = largest_;
        largest_ = 0;
        const std::size_t quarter = first_->capacity / 4;
        const bool hardly_used = first_->capacity > usual_block && lately_ < quarter;
        const bool large_once = first_->capacity > most_block && before < quarter;
        if (hardly_used || large_once || first_->shared) {
            drop_first();
        } else {
            first_->begin = first_->end = 0;
            first_->is_shown = false;
        }
    }

    void swap(heap_outbox& other) noexcept {
        exchange(first_, other.first_);
        exchange(last_, other.last_);
        exchange(size_, other.size_);
        exchange(limit_, other.limit_);
        exchange(sent_, other.sent_);
        exchange(largest_, other.largest_);
        exchange(keeps_, other.keeps_);
        exchange(lately_, other.lately_);
    }

    template <class T>
    static void exchange(T& a, T& b) noexcept {
        const T held = a;
        a = b;
        b = held;
    }

    block* first_ = nullptr;
    block* last_ = nullptr;
    std::size_t size_ = 0;
    std::size_t limit_ = 0;
    std::uint32_t largest_ = 0; // bytes that a block had to hold since the queue was last empty
    std::uint32_t lately_ = 0;  // and before that
    bool keeps_ = false;
};

/// In memory of the caller's: one run of bytes and, if there is no room behind it, a second one before it.
class span_outbox : public outbox_position {
  public:
    explicit span_outbox(const span_buffer<std::byte>& memory) noexcept : memory_(memory.memory()) {}

    [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_ + second_; }
    [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }

    [[nodiscard]] cbytes output() const noexcept {
        const cbytes run = first_run();
        return run.size() < most_shown ? run : run.first(most_shown);
    }
    [[nodiscard]] cbytes first_run() const noexcept { return memory_.subspan(begin_, end_ - begin_); }

    [[nodiscard]] std::size_t output(std::span<cbytes> pieces) const noexcept {
        if (pieces.empty() || empty()) return 0;
        pieces[0] = output();
        return 1;
    }

    bool sent(std::size_t size) noexcept {
        const bool is_shown = size <= end_ - begin_ && size <= most_shown;
        assert(is_shown && "sent() was told of more bytes than output() has");
        if (!is_shown || size == 0) return false;
        begin_ += size;
        sent_ += size;
        if (begin_ != end_ || keeps_) return true;
        begin_ = 0;
        end_ = second_;
        second_ = 0;
        return true;
    }

    [[nodiscard]] std::size_t room(std::size_t reserve) const noexcept {
        const auto left = [reserve](std::size_t free) { return free < reserve ? std::size_t{0} : free - reserve; };
        if (second_ != 0) return left(begin_ - second_);
        const std::size_t before = free_before(), behind = memory_.size() - end_;
        const std::size_t at_end = before >= reserve ? behind : left(behind);
        return at_end > left(before) ? at_end : left(before);
    }

    [[nodiscard]] bytes prepare(std::size_t size, std::size_t reserve) noexcept {
        goes_before_ = second_ != 0;
        if (second_ != 0) return fits(size, reserve, begin_ - second_) ? memory_.subspan(second_, size) : bytes{};
        const std::size_t before = free_before(), behind = memory_.size() - end_;
        if (size <= behind && (behind - size >= reserve || before >= reserve)) return memory_.subspan(end_, size);
        goes_before_ = fits(size, reserve, before);
        return goes_before_ ? memory_.first(size) : bytes{};
    }

    void commit(std::size_t size) noexcept { (goes_before_ ? second_ : end_) += size; }

    void keep() noexcept { keeps_ = true; }
    [[nodiscard]] cbytes kept() const noexcept { return memory_.first(end_); }
    void let_go() noexcept {
        keeps_ = false;
        if (begin_ == end_) begin_ = end_ = 0;
    }

    void release() noexcept {}

  private:
    [[nodiscard]] static constexpr bool fits(std::size_t size, std::size_t reserve, std::size_t free) noexcept {
        return size <= free && reserve <= free - size;
    }

    [[nodiscard]] std::size_t free_before() const noexcept { return keeps_ ? 0 : begin_; }

    std::span<std::byte> memory_{};
    std::size_t begin_ = 0;    // of the first run
    std::size_t end_ = 0;      // of the first run
    std::size_t second_ = 0;   // the end of the second run, which begins at the front of the memory
    bool goes_before_ = false; // the room that `prepare` gave belongs to the second run
    bool keeps_ = false;
};

/// The outbox for output that is to be kept in a `Buffer`.
template <class Buffer>
using outbox = std::conditional_t<std::is_base_of_v<growing_buffer, Buffer>, heap_outbox, span_outbox>;

/// Stands for a `note` that there is not.
struct note_nothing {};

/// Calls `write(bytes)`, which returns `written`, and puts its output into `to`: all of it or nothing, and so that
/// `reserve` more bytes can be written afterwards. `likely` is the probable size: if it is enough, `write` is called
/// once. `note()` is called after the write, and can still refuse it. Errors: those of `write` and `note`; `no_room`.
template <class Outbox, class Errc, class Write, class Note = note_nothing>
[[nodiscard]] error put(Outbox& to, std::size_t likely, std::size_t reserve, Errc no_room, Write write,
                        Note note = {}) noexcept {
    const std::size_t most = to.room(reserve);
    // Without room for the probable size `write` first says what it needs: room for a write that fails is a waste.
    bytes room = likely <= most ? to.prepare(likely, reserve) : bytes{};
    written result = write(room);
    if (result.size > room.size() && result.size <= most) {
        room = to.prepare(result.size, reserve);
        result = write(room);
    }
    if (result.error) return result.size != 0 ? error(no_room) : result.error;
    if constexpr (!std::is_same_v<Note, note_nothing>) {
        if (const error refused = note()) return refused;
    }
    to.commit(result.size);
    return {};
}

} // namespace sockless::detail

#include "compiler_end.inc"
