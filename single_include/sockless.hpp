// sockless 0.1.0 in one file, made by tools/amalgamate.py: change the headers in include/, not this one.
// SPDX-License-Identifier: MIT
//
// MIT License
//
// Copyright (c) 2026 The sockless authors
//
// Permission is hereby granted, free of charge, to any person obtaining a copy
// of this software and associated documentation files (the "Software"), to deal
// in the Software without restriction, including without limitation the rights
// to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
// copies of the Software, and to permit persons to whom the Software is
// furnished to do so, subject to the following conditions:
//
// The above copyright notice and this permission notice shall be included in all
// copies or substantial portions of the Software.
//
// THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
// IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
// FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
// AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
// LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
// OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
// SOFTWARE.
#pragma once

#include <array>
#include <bit>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>

// =============================================== sockless/core.hpp ================================================
// The words that every layer shares: bytes, text, roles, fields, times.

/// The version of these headers: major * 1,000,000 + minor * 1,000 + patch. It is a macro, the only one that the
/// headers leave behind, because names may change with each minor version before 1.0, and only `#if` can choose between
/// them.
#define SOCKLESS_VERSION 1000

namespace sockless {

/// The version of the headers as a number, the same as `SOCKLESS_VERSION`, and as text.
inline constexpr std::uint32_t version_number = SOCKLESS_VERSION;
inline constexpr std::string_view version_text = "0.1.0";

/// Bytes that the library may change in place. Payloads are unmasked in place.
using bytes = std::span<std::byte>;

/// Bytes that the library only reads.
using cbytes = std::span<const std::byte>;

/// A side of a connection. A client masks the frames that it sends, a server does not (RFC 6455 section 5.1).
enum class role : std::uint8_t { client, server };

/// One field of a head: a name, whose case does not matter, and a value without the white space around it
/// (RFC 9110 section 5). Both are views. The function that returns a field says how long they are valid.
struct field {
    std::string_view name;
    std::string_view value;
};

/// A view of the `size` bytes at `data`, for buffers of any type. Copies nothing. Valid as long as the buffer.
[[nodiscard]] inline bytes bytes_of(void* data, std::size_t size) noexcept {
    return {static_cast<std::byte*>(data), size};
}
[[nodiscard]] inline cbytes bytes_of(const void* data, std::size_t size) noexcept {
    return {static_cast<const std::byte*>(data), size};
}

/// A view of the characters of `text` as bytes. Valid as long as the characters.
[[nodiscard]] inline cbytes bytes_of(std::string_view text) noexcept {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// A view of the bytes of `data` as characters. Checks nothing. Valid as long as the bytes.
[[nodiscard]] inline std::string_view text_of(cbytes data) noexcept {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
}

namespace detail {

/// A type for bytes, and not for text.
template <class T>
concept octet = std::is_same_v<T, std::byte> || std::is_same_v<T, unsigned char> || std::is_same_v<T, signed char>;

template <class T>
concept octet_or_character = octet<T> || std::is_same_v<T, char> || std::is_same_v<T, char8_t>;

/// A container or a view whose elements lie side by side and take one byte each.
template <class T>
concept holds_octets = requires(const T& from) {
    requires std::is_pointer_v<decltype(from.data())>;
    requires octet_or_character<std::remove_const_t<std::remove_pointer_t<decltype(from.data())>>>;
    static_cast<std::size_t>(from.size());
};

} // namespace detail

/// Bytes that the caller gives for the time of a call, as the caller keeps them: in a vector, a `std::array`, an array,
/// a span, a string or a `string_view`, of `std::byte`, `unsigned char`, `signed char`, `char` or `char8_t`. Nothing is
/// copied. Valid as long as the object that it was made from.
struct byte_view : cbytes {
    constexpr byte_view() noexcept = default;
    /// Of these bytes.
    constexpr byte_view(cbytes from) noexcept : cbytes(from) {}
    constexpr byte_view(const std::byte* data, std::size_t size) noexcept : cbytes(data, size) {}

    /// Of the elements of a container or a view.
    template <detail::holds_octets From>
    byte_view(const From& from) noexcept : cbytes(bytes_of(from.data(), static_cast<std::size_t>(from.size()))) {}

    /// An array of characters is not taken: a literal would bring the NUL at its end. Write `"text"sv`.
    template <detail::octet Octet, std::size_t Size>
    byte_view(const Octet (&from)[Size]) noexcept : cbytes(bytes_of(from, Size)) {}
};

/// A time in milliseconds, since a moment that the caller chooses. Times that the caller gives never go back.
using instant = std::uint64_t;

/// The deadline that never comes. As it is no time, a `tick` with it does nothing.
inline constexpr instant no_deadline = UINT64_MAX;

/// The duration that never ends.
inline constexpr std::uint32_t never = UINT32_MAX;

/// A view of a literal. Its size comes from the type of the literal. A `string_view` counts characters, which costs
/// compile time in the tables of errors.
struct literal : std::string_view {
    /// Of the characters before the NUL.
    template <std::size_t Size>
    constexpr literal(const char (&text)[Size]) noexcept : std::string_view(text, Size - 1) {}
};

namespace detail {

/// `memcpy` that also runs in constant evaluation. `To` and `From` are `char` or `std::byte`.
template <class To, class From>
constexpr void copy(To* to, const From* from, std::size_t size) noexcept {
    static_assert(sizeof(To) == 1 && sizeof(From) == 1);
    if (std::is_constant_evaluated()) {
        for (std::size_t i = 0; i != size; ++i) to[i] = static_cast<To>(from[i]);
    } else if (size != 0) {
        std::memcpy(to, from, size);
    }
}

/// The same bits as a `To`. Is `std::bit_cast`, which older libraries of newer compilers lack.
template <class To, class From>
[[nodiscard]] constexpr To bits_as(const From& from) noexcept {
    static_assert(sizeof(To) == sizeof(From));
    return __builtin_bit_cast(To, from);
}

/// A view of the `size` characters at `begin`. With arguments of exactly the right types `string_view(begin, size)` is
/// as good. With other types a compiler weighs the constructor for iterators too, and that takes longer than most
/// headers do.
[[nodiscard]] constexpr std::string_view text_at(const char* begin, std::size_t size) noexcept { return {begin, size}; }

/// The time that is `duration` after `from`, or `no_deadline` if there is no such time.
[[nodiscard]] constexpr instant later(instant from, instant duration) noexcept {
    return duration < no_deadline - from ? from + duration : no_deadline;
}

} // namespace detail

// The `detail` of each layer also sees `sockless::detail`, which all layers share.
namespace http::detail {
using namespace sockless::detail;
}
namespace ws::detail {
using namespace sockless::detail;
}
namespace stomp::detail {
using namespace sockless::detail;
}

} // namespace sockless

// ============================================== sockless/buffer.hpp ===============================================
// The two kinds of buffer: in memory of the caller's, and on the heap up to a limit.

namespace sockless::detail {

/// Moves bytes to an earlier place. The two places may overlap.
template <class Byte>
constexpr void copy_down(Byte* to, const Byte* from, std::size_t size) noexcept {
    if (std::is_constant_evaluated()) {
        for (std::size_t i = 0; i != size; ++i) to[i] = from[i];
    } else if (size != 0) {
        std::memmove(to, from, size);
    }
}

} // namespace sockless::detail

namespace sockless {

/// A queue of bytes in memory that the caller owns: `append` at the end, `consume` from the front. The memory outlives
/// the buffer and never grows. If the queue is nearly full, each `prepare` can move the content. `Byte` is `std::byte`,
/// or `char` if the content must be text in constant evaluation.
///
/// A copy uses the same memory and knows nothing of what the other does later. Once a buffer is copied, use one of the
/// two only.
///
///     std::array<std::byte, 4096> memory;
///     span_buffer queue(std::span<std::byte>{memory});
///     if (append(queue, bytes_of("hello"))) queue.consume(write(queue.contents()));
template <class Byte>
class span_buffer {
  public:
    constexpr span_buffer() noexcept = default;
    /// An empty queue in this memory.
    constexpr explicit span_buffer(std::span<Byte> memory) noexcept : memory_(memory) {}

    /// The content, oldest first. Valid until the next call that is not const.
    [[nodiscard]] constexpr std::span<Byte> contents() const noexcept { return memory_.subspan(begin_, size()); }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return end_ - begin_; }

    /// The most bytes that the buffer can hold.
    [[nodiscard]] constexpr std::size_t limit() const noexcept { return memory_.size(); }

    /// All of the memory that the caller gave.
    [[nodiscard]] constexpr std::span<Byte> memory() const noexcept { return memory_; }

    /// Room for `size` more bytes behind the content, not yet part of it. An empty span if they do not fit; then
    /// nothing changes. Valid until the next call that is not const.
    [[nodiscard]] constexpr std::span<Byte> prepare(std::size_t size) noexcept {
        if (size > memory_.size() - this->size()) return {};
        if (size > memory_.size() - end_) {
            detail::copy_down(memory_.data(), memory_.data() + begin_, this->size());
            end_ -= begin_;
            begin_ = 0;
        }
        return memory_.subspan(end_, size);
    }

    /// For how many more bytes there is memory behind the content, so that `prepare` need not allocate or move any. May
    /// be more than the limit allows.
    [[nodiscard]] constexpr std::size_t ready() const noexcept { return memory_.size() - end_; }

    /// Makes the first `size` bytes of the room part of the content: at most as many as the last `prepare` gave.
    constexpr void commit(std::size_t size) noexcept { end_ += size; }

    /// Removes `size` bytes, at most `size()`, from the front.
    constexpr void consume(std::size_t size) noexcept {
        begin_ += size;
        if (begin_ == end_) clear();
    }

    /// Removes all but the first `size` bytes, at most `size()`.
    constexpr void truncate(std::size_t size) noexcept {
        end_ = begin_ + size;
        if (size == 0) clear();
    }

    /// Removes the content. The memory stays.
    constexpr void clear() noexcept { begin_ = end_ = 0; }

    /// Removes the content and gives back memory from the heap, of which there is none here.
    constexpr void release() noexcept { clear(); }

  private:
    std::span<Byte> memory_{};
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

template <class Byte>
span_buffer(std::span<Byte>) -> span_buffer<Byte>;

/// A queue of up to `limit` bytes in memory from the heap, with the verbs of `span_buffer`. It begins without memory
/// and doubles when it must grow. A queue that is never empty can come to take memory for twice the limit. If the heap
/// is used up, `prepare` returns an empty span, as it does at the limit. It moves and does not copy. After a move the
/// source has a limit of 0.
///
///     growing_buffer queue(64 * 1024);
///     if (const bytes room = queue.prepare(4096); !room.empty()) queue.commit(read(room));
///     queue.consume(write(queue.contents()));
class growing_buffer {
  public:
    growing_buffer() noexcept = default;
    /// An empty queue of up to `limit` bytes, without memory yet.
    explicit growing_buffer(std::size_t limit) noexcept : limit_(limit) {}
    growing_buffer(growing_buffer&& other) noexcept { swap(other); }
    growing_buffer& operator=(growing_buffer&& other) noexcept {
        growing_buffer taken(static_cast<growing_buffer&&>(other));
        swap(taken);
        return *this;
    }
    ~growing_buffer() { ::operator delete(memory_); }

    /// The content, oldest first, its size, and the most bytes that the buffer can hold. The content is valid until the
    /// next call that is not const.
    [[nodiscard]] bytes contents() const noexcept { return {memory_ + begin_, end_ - begin_}; }
    [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
    [[nodiscard]] std::size_t limit() const noexcept { return limit_; }

    /// Room for `size` more bytes behind the content, not yet part of it, for which it may take memory. An empty span
    /// if they do not fit, or if there is no memory; then nothing changes. Valid until the next call that is not const.
    [[nodiscard]] bytes prepare(std::size_t size) noexcept {
        const std::size_t held = end_ - begin_;
        if (size > limit_ - held) return {};
        if (size > capacity_ - end_ && !make_room(held + size)) return {};
        return {memory_ + end_, size};
    }

    /// For how many more bytes there is memory behind the content, so that `prepare` need not allocate or move any.
    [[nodiscard]] std::size_t ready() const noexcept { return capacity_ - end_; }

    /// Makes the first `size` bytes of the room part of the content: at most as many as the last `prepare` gave.
    void commit(std::size_t size) noexcept { end_ += size; }

    /// Removes `size` bytes, at most `size()`, from the front.
    void consume(std::size_t size) noexcept {
        begin_ += size;
        if (begin_ == end_) clear();
    }

    /// Removes all but the first `size` bytes, at most `size()`.
    void truncate(std::size_t size) noexcept {
        end_ = begin_ + size;
        if (size == 0) clear();
    }

    /// Removes the content. The memory stays.
    void clear() noexcept { begin_ = end_ = 0; }

    /// Removes the content and gives the memory back to the heap.
    void release() noexcept { *this = growing_buffer(limit_); }

  private:
    // Makes room for `needed` bytes from the front. Moves the content within the memory if at least as many bytes were
    // consumed before it. So over time each byte moves once. Otherwise the memory grows.
    bool make_room(std::size_t needed) noexcept {
        const std::size_t held = end_ - begin_;
        if (begin_ < held || needed > capacity_) {
            if (grow(needed)) return true;
            if (needed > capacity_) return false;
        }
        detail::copy_down(memory_, memory_ + begin_, held);
        begin_ = 0;
        end_ = held;
        return true;
    }

    bool grow(std::size_t needed) noexcept {
        // A queue that is never empty gets memory for twice its limit. Else it would never be time to move it.
        const std::size_t most = begin_ == 0 || limit_ > SIZE_MAX / 2 ? limit_ : limit_ * 2;
        std::size_t capacity = capacity_ > most / 2 ? most : capacity_ * 2;
        if (capacity < 256) capacity = most < 256 ? most : 256;
        if (capacity < needed) capacity = needed;
        if (capacity <= capacity_) return false;
        auto* const memory = static_cast<std::byte*>(::operator new(capacity, std::nothrow));
        if (memory == nullptr) return false;
        const std::size_t held = end_ - begin_;
        detail::copy(memory, memory_ + begin_, held);
        ::operator delete(memory_);
        memory_ = memory;
        capacity_ = capacity;
        begin_ = 0;
        end_ = held;
        return true;
    }

    void swap(growing_buffer& other) noexcept {
        exchange(memory_, other.memory_);
        exchange(begin_, other.begin_);
        exchange(end_, other.end_);
        exchange(capacity_, other.capacity_);
        exchange(limit_, other.limit_);
    }

    template <class T>
    static void exchange(T& a, T& b) noexcept {
        const T held = a;
        a = b;
        b = held;
    }

    std::byte* memory_ = nullptr;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::size_t capacity_ = 0;
    std::size_t limit_ = 0;
};

/// Appends all of `data` to a buffer of any kind. If it does not fit, appends nothing and returns false.
template <class Buffer>
[[nodiscard]] constexpr bool append(Buffer& buffer, cbytes data) noexcept {
    if (data.empty()) return true;
    const auto room = buffer.prepare(data.size());
    if (room.empty()) return false;
    detail::copy(room.data(), data.data(), data.size());
    buffer.commit(data.size());
    return true;
}

} // namespace sockless

// ========================================== sockless/detail/deadline.hpp ==========================================
// A wait that ends at a deadline, for state machines that are told the time only now and then.

namespace sockless::detail {

/// One wait. Nothing here reads a clock: the time is known only while `pass` runs. A wait that begins between two calls
/// of `pass` therefore counts from the next call, however long ago the last one was.
class deadline {
  public:
    /// Begins to wait for `duration` milliseconds, instead of any other wait. `never` ends the waiting.
    constexpr void begin(std::uint32_t duration) noexcept {
        at_ = no_deadline;
        duration_ = duration;
        counts_from_next_ = duration != never;
    }

    /// Begins to wait at a time that is known.
    constexpr void begin_at(instant now, std::uint32_t duration) noexcept {
        at_ = duration == never ? no_deadline : later(now, duration);
        duration_ = duration;
        counts_from_next_ = false;
    }

    /// Begins the same wait anew. Nothing happens if there is no wait.
    constexpr void begin_again() noexcept {
        if (is_waiting()) begin(duration_);
    }

    constexpr void stop() noexcept { begin(never); }

    [[nodiscard]] constexpr bool is_waiting() const noexcept { return counts_from_next_ || at_ != no_deadline; }

    /// Says what time it is. True once, when the wait is over. `no_deadline` is no time: then nothing happens.
    [[nodiscard]] constexpr bool pass(instant now) noexcept {
        if (now == no_deadline) return false;
        if (counts_from_next_) begin_at(now, duration_);
        if (now < at_) return false;
        at_ = no_deadline;
        return true;
    }

    /// When `pass` has something to do: at once, which is 0, if a wait has begun since its last call.
    [[nodiscard]] constexpr instant next() const noexcept { return counts_from_next_ ? 0 : at_; }

  private:
    instant at_ = no_deadline;
    std::uint32_t duration_ = never;
    bool counts_from_next_ = false;
};

} // namespace sockless::detail

// ====================================== sockless/detail/simd/characters.hpp =======================================
// Which of sixteen, or eight, characters are of a kind. The result is a bit for each, the lowest for the first.

// Words for what the compilers spell or do differently. A header includes this behind its other includes, and
// compiler_end.inc at its end, so that no macro is left behind.

#if defined(_MSC_VER) && !defined(__clang__)
#define SOCKLESS_ALWAYS_INLINE [[msvc::forceinline]]
#define SOCKLESS_NEVER_INLINE [[msvc::noinline]]
#define SOCKLESS_UNROLL
#else
#define SOCKLESS_ALWAYS_INLINE [[gnu::always_inline]]
#define SOCKLESS_NEVER_INLINE [[gnu::noinline]]
#define SOCKLESS_UNROLL _Pragma("GCC unroll 8")
#endif

// Microsoft's compiler ignores the standard attribute, and so does clang for the same targets.
#if defined(_MSC_VER) && (!defined(__clang__) || __clang_major__ >= 18)
#define SOCKLESS_NO_UNIQUE_ADDRESS [[msvc::no_unique_address]]
#else
#define SOCKLESS_NO_UNIQUE_ADDRESS [[no_unique_address]]
#endif

// Vectors of 16 bytes. Every x86-64 has them. Of 32-bit processors some have them and some do not: units with and
// without them would give one function two bodies.
#if defined(__x86_64__) && defined(__SSE2__)
#define SOCKLESS_SSE2
#endif

// Whether the program can ask the processor which more instructions it has. With Microsoft's linker clang has no
// `__cpu_model`, in which the answer lies.
#if defined(SOCKLESS_SSE2) && !defined(_MSC_VER)
#define SOCKLESS_ASKS_PROCESSOR
#endif

// Vectors of more than 16 bytes. On 64-bit Windows GCC puts them onto a stack that is aligned to 16 bytes (GCC bug
// 54412), and the processor faults.
#if defined(SOCKLESS_ASKS_PROCESSOR) && (defined(__clang__) || !(defined(_WIN64) || defined(__CYGWIN__)))
#define SOCKLESS_WIDE_VECTORS
#endif

namespace sockless::detail {

/// Eight characters, on any machine. A backend is a type, and the algorithms are templates on it. So two units that are
/// compiled with different flags never have two bodies for one function.
struct eight_characters {
    using block = std::uint64_t;
    static constexpr std::size_t size = 8;
    static constexpr block each = 0x0101010101010101u;
    static constexpr block high = each * 0x80;

    static block load(const void* from) noexcept {
        block text = 0;
        std::memcpy(&text, from, size);
        if constexpr (std::endian::native == std::endian::big) text = reversed(text);
        return text;
    }

    /// A block of half a block each from two places.
    static block load_halves(const void* first, const void* second) noexcept {
        std::uint32_t halves[2];
        std::memcpy(&halves[0], first, size / 2);
        std::memcpy(&halves[1], second, size / 2);
        return load(halves);
    }

    /// The characters that are `wanted`.
    static unsigned equal(block text, char wanted) noexcept { return any_of(text, wanted); }

    /// The characters that are one of `wanted`.
    template <class... Char>
    static unsigned any_of(block text, Char... wanted) noexcept {
        return mask((between(text ^ each * static_cast<unsigned char>(wanted), 0, 0) | ...));
    }

    /// All but letters, digits, `-`, `.` and `_`. Nearly all tokens and hosts have only these.
    static unsigned unusual(block text) noexcept {
        const block letters = between(text | each * 0x20, 'a', 'z');
        const block marks = between(text, '-', '.') | between(text, '_', '_');
        return mask(~(letters | between(text, '0', '9') | marks) & high);
    }

    /// All but the digits of base64 (RFC 4648 section 4): letters, digits, `+` and `/`.
    static unsigned not_base64(block text) noexcept {
        const block letters = between(text | each * 0x20, 'a', 'z');
        return mask(~(letters | between(text, '/', '9') | between(text, '+', '+')) & high);
    }

    /// Control characters: those below 0x20, and 0x7f.
    static unsigned controls(block text) noexcept { return mask(between(text, 0, 0x1f) | between(text, 0x7f, 0x7f)); }

    /// All but visible ASCII.
    static unsigned invisible(block text) noexcept { return mask(~between(text, 0x21, 0x7e) & high); }

  private:
    // The top bit of each byte that is from `least` to `most`, both below 0x80. The top bits are cleared before the
    // additions. A sum then sets the top bit if the byte is large enough, and never carries into the next byte.
    static constexpr block between(block text, unsigned least, unsigned most) noexcept {
        const block low = text & ~high;
        return (low + each * (0x80 - least)) & ~(low + each * (0x7f - most)) & ~text & high;
    }

    // Moves the top bits of all bytes side by side.
    static constexpr unsigned mask(block tops) noexcept {
        return static_cast<unsigned>((tops >> 7) * 0x0102040810204080u >> 56);
    }

    static constexpr block reversed(block text) noexcept {
        block turned = 0;
        for (int i = 0; i != 8; ++i, text >>= 8) turned = turned << 8 | (text & 0xff);
        return turned;
    }
};

#if defined(SOCKLESS_SSE2)
/// Sixteen characters, on every x86-64. The functions are those of `eight_characters`.
struct sixteen_characters {
    using block = unsigned char __attribute__((vector_size(16)));
    static constexpr std::size_t size = 16;

    static block load(const void* from) noexcept {
        block text;
        std::memcpy(&text, from, size);
        return text;
    }

    static block load_halves(const void* first, const void* second) noexcept {
        std::uint64_t low, high;
        std::memcpy(&low, first, size / 2);
        std::memcpy(&high, second, size / 2);
        using halves = std::uint64_t __attribute__((vector_size(16)));
        return block(halves{low, high});
    }

    static unsigned equal(block text, char wanted) noexcept { return any_of(text, wanted); }

    template <class... Char>
    static unsigned any_of(block text, Char... wanted) noexcept {
        const block found = (block(text == static_cast<unsigned char>(wanted)) | ...);
        return static_cast<unsigned>(__builtin_ia32_pmovmskb128(characters(found)));
    }

    static unsigned unusual(block text) noexcept {
        const block letters = between(text | 0x20, 'a', 'z');
        const block marks = between(text, '-', '.') | block(text == '_');
        return mask(letters | between(text, '0', '9') | marks) ^ all;
    }

    static unsigned not_base64(block text) noexcept {
        const block letters = between(text | 0x20, 'a', 'z');
        return mask(letters | between(text, '/', '9') | block(text == '+')) ^ all;
    }

    static unsigned controls(block text) noexcept { return mask(between(text, 0, 0x1f) | block(text == 0x7f)); }

    static unsigned invisible(block text) noexcept { return mask(between(text, 0x21, 0x7e)) ^ all; }

  private:
    using characters = char __attribute__((vector_size(16)));
    static constexpr unsigned all = 0xffff;

    static block between(block text, unsigned char least, unsigned char most) noexcept {
        return block(text - least <= static_cast<unsigned char>(most - least));
    }

    static unsigned mask(block found) noexcept {
        return static_cast<unsigned>(__builtin_ia32_pmovmskb128(characters(found)));
    }
};
using most_characters = sixteen_characters;
#else
using most_characters = eight_characters;
#endif

/// So many characters are looked at for one result, as a word has so many bits.
inline constexpr std::size_t looked_at_once = 64;

/// A bit for each of the `looked_at_once` characters at `text`, set if it is one of `wanted`. The lowest bit is that of
/// the first character.
template <class Blocks, class... Char>
std::uint64_t occurrences_in_64(const char* text, Char... wanted) noexcept {
    std::uint64_t found = 0;
    SOCKLESS_UNROLL
    for (std::size_t at = 0; at != looked_at_once; at += Blocks::size) {
        found |= std::uint64_t{Blocks::any_of(Blocks::load(text + at), wanted...)} << at;
    }
    return found;
}

/// The same of `size` characters, fewer than `looked_at_once`.
template <class Blocks, class... Char>
std::uint64_t occurrences_in_rest(const char* text, std::size_t size, Char... wanted) noexcept {
    std::uint64_t found = 0;
    if (size < Blocks::size) {
        for (std::size_t at = 0; at != size; ++at) found |= std::uint64_t{((text[at] == wanted) || ...)} << at;
        return found;
    }
    // The last block overlaps with the one before it.
    found = std::uint64_t{Blocks::any_of(Blocks::load(text + size - Blocks::size), wanted...)} << (size - Blocks::size);
    for (std::size_t at = 0; size - at > Blocks::size; at += Blocks::size) {
        found |= std::uint64_t{Blocks::any_of(Blocks::load(text + at), wanted...)} << at;
    }
    return found;
}

} // namespace sockless::detail

// ============================================ sockless/detail/text.hpp ============================================
// The work that all codecs of text share: to find and compare characters, many at once, and decimal numbers.

namespace sockless::detail {

/// The fewest characters that `first_in_blocks` can look at.
inline constexpr std::size_t half_block = most_characters::size / 2;

/// The first character in [at, end) that `sought` finds, or `end`. `sought` returns a bit for each character of a
/// block. There is at least half a block. Never inlined: if g++ knows the size of a literal, it warns of blocks that
/// this never loads.
template <class Sought, class Byte>
[[nodiscard]] SOCKLESS_NEVER_INLINE inline const Byte* first_in_blocks(Sought sought, const Byte* at,
                                                                       const Byte* end) noexcept {
    using blocks = most_characters;
    const auto size = static_cast<std::size_t>(end - at);
    unsigned found = 0;
    if (size < blocks::size) {
        // The first half block and the last one may overlap.
        found = sought(blocks::load_halves(at, end - half_block));
        found = (found & ((1U << half_block) - 1)) | found >> half_block << (size - half_block);
    } else {
        // The last block may overlap with the one before it. Nothing was found in that one.
        const Byte* const last = end - blocks::size;
        found = sought(blocks::load(at));
        while (found == 0 && at != last) {
            at = static_cast<std::size_t>(last - at) < blocks::size ? last : at + blocks::size;
            found = sought(blocks::load(at));
        }
    }
    return found == 0 ? end : at + std::countr_zero(found);
}

/// The first `wanted` in [at, end), or `end`.
[[nodiscard]] constexpr const char* find(char wanted, const char* at, const char* end) noexcept {
    if (!std::is_constant_evaluated() && static_cast<std::size_t>(end - at) >= half_block) {
        return first_in_blocks([wanted](most_characters::block text) { return most_characters::equal(text, wanted); },
                               at, end);
    }
    while (at != end && *at != wanted) ++at;
    return at;
}

/// The next `looked_at_once` characters of a text from `begin`, or those that are left. A bit is set for each character
/// that is wanted. The lowest bit is that of the first one.
struct found_characters {
    std::size_t begin;
    std::uint64_t bits;
};

/// The first characters, in steps of `looked_at_once`, among which there is one of `Wanted`. If there is none, no bit
/// is set. It is not `constexpr`, so that compilers do not inline it into every loop that uses it.
template <char... Wanted>
found_characters first_found(const char* text, std::size_t size) noexcept {
    std::size_t at = 0;
    for (; size - at >= looked_at_once; at += looked_at_once) {
        const std::uint64_t bits = occurrences_in_64<most_characters>(text + at, Wanted...);
        if (bits != 0) return {at, bits};
    }
    return {at, occurrences_in_rest<most_characters>(text + at, size - at, Wanted...)};
}

/// Finds all characters in [begin, end) that are one of `Wanted`, one after the other. Looks at each character once and
/// keeps the results as bits. `Char` is `char` or `const char`. The text must outlive this object.
template <class Char, char... Wanted>
class occurrences {
  public:
    constexpr occurrences() noexcept = default;
    constexpr occurrences(Char* begin, Char* end) noexcept : seen_(begin), next_(begin), end_(end) {}

    /// The next of these characters, or the end.
    [[nodiscard]] constexpr Char* next() noexcept {
        if (found_ == 0 && !look_further()) return end_;
        Char* const at = seen_ + static_cast<std::size_t>(std::countr_zero(found_));
        found_ &= found_ - 1;
        return at;
    }

  private:
    constexpr bool look_further() noexcept {
        if (std::is_constant_evaluated()) {
            for (; found_ == 0 && next_ != end_; ++next_) {
                seen_ = next_;
                found_ = ((*next_ == Wanted) || ...) ? 1 : 0;
            }
            return found_ != 0;
        }
        const auto left = static_cast<std::size_t>(end_ - next_);
        const auto [begin, bits] = first_found<Wanted...>(next_, left);
        seen_ = next_ + begin;
        next_ = left - begin < looked_at_once ? end_ : seen_ + looked_at_once;
        found_ = bits;
        return bits != 0;
    }

    Char* seen_ = nullptr; // the character of the lowest bit of `found_`
    Char* next_ = nullptr; // the first character that was not looked at
    Char* end_ = nullptr;
    std::uint64_t found_ = 0; // the characters that `next` has not returned yet
};

/// The index of the first byte that is 0, or the size.
[[nodiscard]] constexpr std::size_t place_of_nul(cbytes data) noexcept {
    if (std::is_constant_evaluated()) {
        std::size_t i = 0;
        while (i != data.size() && data[i] != std::byte{0}) ++i;
        return i;
    }
    if (data.empty()) return 0;
    const void* const found = std::memchr(data.data(), 0, data.size());
    return found == nullptr ? data.size()
                            : static_cast<std::size_t>(static_cast<const std::byte*>(found) - data.data());
}

/// Whether `size` characters, at least a word, are equal. The last word may overlap with the one before it.
template <class Word>
[[nodiscard]] inline bool equal_in_words(const char* a, const char* b, std::size_t size) noexcept {
    std::size_t at = 0;
    for (;;) {
        Word left, right;
        std::memcpy(&left, a + at, sizeof left);
        std::memcpy(&right, b + at, sizeof right);
        if (left != right) return false;
        const std::size_t last = size - sizeof(Word);
        if (at == last) return true;
        at = last - at < sizeof(Word) ? last : at + sizeof(Word);
    }
}

[[nodiscard]] constexpr bool is_white(char c) noexcept { return c == ' ' || c == '\t'; }

/// Without the SP and HTAB at both ends.
[[nodiscard]] constexpr std::string_view trimmed(const char* begin, const char* end) noexcept {
    while (begin != end && is_white(*begin)) ++begin;
    while (begin != end && is_white(end[-1])) --end;
    return {begin, static_cast<std::size_t>(end - begin)};
}

[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) noexcept {
    return trimmed(text.data(), text.data() + text.size());
}

[[nodiscard]] constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// A number that was read from text. `valid` is true if the text was decimal digits only and the number fits.
struct decimal {
    std::uint64_t value = 0;
    bool valid = false;
};

[[nodiscard]] constexpr decimal read_decimal(std::string_view text) noexcept {
    decimal read{0, !text.empty()};
    for (const char c : text) {
        const auto digit = static_cast<std::uint64_t>(c - '0');
        if (!is_digit(c) || read.value > (UINT64_MAX - digit) / 10) return {};
        read.value = read.value * 10 + digit;
    }
    return read;
}

/// A number in decimal digits.
class decimal_text {
  public:
    constexpr explicit decimal_text(std::uint64_t value) noexcept {
        do {
            digits_[--begin_] = static_cast<char>('0' + value % 10);
            value /= 10;
        } while (value != 0);
    }

    /// Valid as long as this object.
    [[nodiscard]] constexpr std::string_view text() const noexcept {
        return {digits_ + begin_, sizeof digits_ - begin_};
    }

  private:
    char digits_[20] = {};
    std::size_t begin_ = sizeof digits_;
};

} // namespace sockless::detail

namespace sockless {

/// Whether two texts are equal. Case matters.
[[nodiscard]] constexpr bool equal(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    if (!std::is_constant_evaluated()) {
        if (b.size() >= 8) return detail::equal_in_words<std::uint64_t>(a.data(), b.data(), b.size());
        if (b.size() >= 4) return detail::equal_in_words<std::uint32_t>(a.data(), b.data(), b.size());
    }
    std::size_t i = 0;
    while (i != b.size() && a[i] == b[i]) ++i;
    return i == b.size();
}

} // namespace sockless

// =============================================== sockless/error.hpp ===============================================
// An error of any layer in one word, and the result of a writer.

namespace sockless {

/// All that the library knows about one error. Each layer has one table of rows, one row for each code of its `errc`.
/// A program that defines SOCKLESS_NO_ERROR_TEXTS has no texts in it: see `error`.
struct error_row {
    literal name;                 ///< the name of the enumerator, for logs and machines
    literal sentence;             ///< what went wrong, for people
    literal section;              ///< the section of the specification that has the rule
    std::uint16_t close_code = 0; ///< the code of the Close that answers it (RFC 6455 section 7.4), or 0
    std::uint16_t status = 0;     ///< the HTTP status that answers it (RFC 9110 section 15), or 0
};

namespace detail {

#if !defined(SOCKLESS_NO_ERROR_TEXTS)
/// A row as the program keeps it.
using kept_error_row = error_row;

/// The rows of a layer as the program keeps them.
template <char Layer, std::size_t Count>
[[nodiscard]] consteval const error_row (&kept(const error_row (&rows)[Count]) noexcept)[Count] {
    return rows;
}
#else
// For little memory: a program that defines SOCKLESS_NO_ERROR_TEXTS, the same in each of its units, keeps no sentence,
// section or name. In their place an error has a letter for its layer and the number of the code, such as "W17".
struct short_name {
    char text[3];
    std::uint8_t size;

    constexpr operator std::string_view() const noexcept { return {text, size}; }
};

struct kept_error_row {
    static constexpr literal section{""};

    short_name name;
    std::uint16_t close_code;
    std::uint16_t status;
};

template <std::size_t Count>
struct kept_error_rows {
    [[nodiscard]] constexpr const kept_error_row& operator[](std::size_t code) const noexcept { return rows[code]; }

    kept_error_row rows[Count];
};

template <char Layer, std::size_t Count>
[[nodiscard]] consteval kept_error_rows<Count> kept(const error_row (&rows)[Count]) noexcept {
    static_assert(Count <= 100);
    kept_error_rows<Count> all{};
    for (std::size_t code = 0; code != Count; ++code) {
        const auto digit = [](std::size_t value) { return static_cast<char>('0' + value); };
        short_name name{{Layer, digit(code / 10), digit(code % 10)}, 3};
        all.rows[code] = {name, rows[code].close_code, rows[code].status};
    }
    return all;
}
#endif

} // namespace detail

/// An error of any layer in one word. True if something went wrong. The `errc` of each layer converts to it and
/// compares with it. `row_of`, a function beside that `errc`, finds the row of a code.
///
/// A program that defines SOCKLESS_NO_ERROR_TEXTS in all of its units, for little memory, has no texts of errors:
/// `name` and `sentence` are then a letter and the number of the code, such as "W17" for code 17 of `ws::errc` ("H" is
/// for `http`, "S" for `stomp`), and `section` is empty.
///
///     if (const sockless::error refused = peer.send_text(text)) print(refused.name(), refused.sentence());
///     if (peer.error() == ws::errc::pong_timeout) print("the peer is gone");
class error {
  public:
    constexpr error() noexcept = default;

    /// Of the `errc` of any layer. `none` is no error.
    template <class Errc>
        requires std::is_enum_v<Errc> && requires(Errc code) { row_of(code); }
    constexpr error(Errc code) noexcept : row_(code == Errc{} ? nullptr : &row_of(code)) {}

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return row_ != nullptr; }

    /// The members of the `error_row`: the name of the code, what went wrong in a sentence, the section of the
    /// specification, the Close code and the HTTP status that answer it, or 0. The texts are constants.
    [[nodiscard]] constexpr std::string_view name() const noexcept { return row().name; }
    [[nodiscard]] constexpr std::string_view sentence() const noexcept {
#if !defined(SOCKLESS_NO_ERROR_TEXTS)
        return row().sentence;
#else
        return row().name;
#endif
    }
    [[nodiscard]] constexpr std::string_view section() const noexcept { return row().section; }
    [[nodiscard]] constexpr std::uint16_t close_code() const noexcept { return row().close_code; }
    [[nodiscard]] constexpr std::uint16_t status() const noexcept { return row().status; }

    /// Whether both are the same error of the same layer. Two libraries of one program may each have a table of their
    /// own, so rows are compared, not only their places.
    [[nodiscard]] friend constexpr bool operator==(const error& a, const error& b) noexcept {
        if (!std::is_constant_evaluated() && a.row_ == b.row_) return true;
        return equal(a.name(), b.name()) && equal(a.sentence(), b.sentence()) && equal(a.section(), b.section());
    }

  private:
    static constexpr error_row no_error[] = {{"none", "no error", "", 0, 0}};
    static constexpr decltype(auto) none = detail::kept<'0'>(no_error);

    [[nodiscard]] constexpr const detail::kept_error_row& row() const noexcept {
        return row_ != nullptr ? *row_ : none[0];
    }

    const detail::kept_error_row* row_ = nullptr;
};

/// The result of a writer: how many bytes it wrote. If there is an error, no byte of the output counts. If the error is
/// the `errc::no_room` of the writer's layer, `size` is the room that the whole output needs.
struct [[nodiscard]] written {
    std::size_t size = 0;
    sockless::error error{};
};

} // namespace sockless

// ============================================= sockless/endpoint.hpp ==============================================
// The functions that every end of a connection has, in every protocol: so one loop can drive them all.

namespace sockless {

/// One end of a connection, without the socket. The program that has the socket
/// - gives the bytes that it has received to `next(in)`, until that returns no event;
/// - sends the bytes that `output()` shows, and says with `sent(size)` how many of them it has sent, until `output()`
///   is empty. Bytes that were shown stay in place until they are sent. All endpoints of this library show them in
///   several pieces too, with `output(pieces)`;
/// - calls `tick(now)` when `next_deadline()` has come, and handles its event;
/// - calls `hold_input()` before each `tick`, if it has read nothing since the last one because it pauses;
/// - calls `finish()` when the peer has ended its side, and handles its event;
/// - ends the connection when `done()` is true. `error()` says whether something went wrong.
///
/// An event is false if nothing was found. `ws::basic_server` and `ws::basic_client` are endpoints. So are the sessions
/// and connections of STOMP.
template <class T>
concept endpoint = requires(T& own, const T& seen, bytes& in, std::size_t size, instant now) {
    typename T::event;
    requires std::constructible_from<bool, typename T::event>;
    { own.next(in) }
    noexcept->std::same_as<typename T::event>;
    { seen.output() }
    noexcept->std::same_as<cbytes>;
    { own.sent(size) }
    noexcept;
    { seen.waiting() }
    noexcept->std::same_as<std::size_t>;
    { own.tick(now) }
    noexcept->std::same_as<typename T::event>;
    { own.hold_input() }
    noexcept;
    { seen.next_deadline() }
    noexcept->std::same_as<instant>;
    { own.finish() }
    noexcept->std::same_as<typename T::event>;
    { seen.done() }
    noexcept->std::same_as<bool>;
    { seen.error() }
    noexcept->std::same_as<error>;
    { own.release_memory() }
    noexcept;
    { own.shut_down() }
    noexcept;
};

} // namespace sockless

// ============================================== sockless/driver.hpp ===============================================
// What the program that has the socket does next, for any endpoint: read or pause, write, shut down, close.

namespace sockless {

/// How a `driver` behaves.
struct driver_options {
    /// Bytes. While more than this waits to be sent, nothing is read: a peer that does not take its answers can ask for
    /// no more of them.
    std::size_t most_waiting = 1024 * 1024;

    /// Milliseconds from `shut_down` to the end of our side. The timeouts of the endpoint bound a silence; this bounds
    /// all of it, for a peer that takes what waits a few bytes at a time.
    std::uint32_t shut_down_timeout = 30'000;

    /// Milliseconds in which the peer must end its side of the connection after ours has ended.
    std::uint32_t linger = 5'000;
};

/// An endpoint, and what all programs with a socket must do for it: they keep the input that the endpoint does not take
/// yet, read nothing while too much output waits, and end the connection so that the last bytes arrive. The driver does
/// no I/O and reads no clock. The program that has the socket
/// - reads while `reads()`, and gives what came to `take`. It calls `finish` when the peer has ended its side (`recv`
///   returned 0), and `abandon` when the connection broke;
/// - writes what `output()` shows, and says with `sent` how much of it was written;
/// - calls `tick` after each of these rounds, and when `next_deadline()` has come;
/// - ends its side of the connection (`shutdown(SHUT_WR)`, for TLS first `SSL_shutdown`) when `ends_writing()`, and
///   says so with `did_end_writing`;
/// - closes the connection when `is_over()`.
///
/// `take`, `finish`, `abandon` and `tick` call `handle(event)` for each event of the endpoint. `handle` may call
/// `pause` and `shut_down`, and all functions of the endpoint but `next`, `finish` and `tick`. If it throws, close the
/// connection.
///
/// Call the functions of one driver from one thread at a time. `Buffer` holds the input that the endpoint does not take
/// yet: at most what was read when `reads()` became false.
///
///     driver<ws::server> loop{ws::server()};
///     const auto handle = [&loop](const ws::event& event) {
///         if (event.kind == ws::kind::request && loop.peer().accept()) loop.shut_down();
///     };
///     if (loop.reads()) loop.take(in, handle);         // the bytes that recv gave
///     loop.tick(now, handle);
///     loop.sent(write(loop.output()));                 // as many as send took
///     if (loop.ends_writing()) loop.did_end_writing(); // after shutdown(SHUT_WR)
template <endpoint Endpoint, class Buffer = growing_buffer>
class driver {
  public:
    using event = typename Endpoint::event;
    using endpoint_type = Endpoint;

    /// With memory from the heap for input that waits. Most connections never need any.
    explicit driver(Endpoint peer,
                    const driver_options& settings = {}) noexcept requires std::is_same_v<Buffer, growing_buffer>
        : driver(static_cast<Endpoint&&>(peer), growing_buffer(SIZE_MAX), settings) {}

    /// With memory of the caller's for input that waits: as large as its largest read.
    driver(Endpoint peer, Buffer held, const driver_options& settings = {}) noexcept
        : peer_(static_cast<Endpoint&&>(peer)),
          held_(static_cast<Buffer&&>(held)),
          most_waiting_(settings.most_waiting),
          shut_down_timeout_(settings.shut_down_timeout),
          linger_(settings.linger) {}

    /// The endpoint: to send, to accept, to close.
    [[nodiscard]] Endpoint& peer() noexcept { return peer_; }
    [[nodiscard]] const Endpoint& peer() const noexcept { return peer_; }

    /// Whether the program is to read. If not, it asks again after each round.
    [[nodiscard]] bool reads() const noexcept {
        if (input_ended_ || abandoned_) return false;
        // After the end of our side what comes is read and dropped, until the peer has ended its side: to close a
        // socket with input unread is a reset, which can overtake the bytes that were sent last (RFC 6455
        // section 7.1.1).
        if (writing_ended_) return true;
        return held_.size() == 0 && !paused_ && peer_.waiting() <= most_waiting_;
    }

    /// Pauses: no event comes and nothing is read, until `pause(false)`. For a program that cannot take more messages
    /// for a while. The silence of the peer in the meantime is not held against it.
    void pause(bool pauses = true) noexcept { paused_ = pauses; }

    /// Ends the connection in the way that its state asks for (`shut_down` of the endpoint), in bounded time: when
    /// `shut_down_timeout` has passed, what the peer has not taken by then is given up, and the connection is over.
    /// Go on as before until `is_over()`.
    void shut_down() noexcept {
        peer_.shut_down();
        if (!writing_ended_ && !deadline_.is_waiting()) deadline_.begin(shut_down_timeout_);
    }

    /// Takes bytes that came. `in` is changed in place, and may be used for other things afterwards: what the endpoint
    /// does not take yet is kept.
    template <class Handle>
    void take(bytes in, Handle&& handle) {
        if (is_silent()) return;
        const bool waits = held_.size() != 0;
        if (!waits) take_from(in, handle);
        // Without memory for its input a connection cannot go on.
        if (!append(held_, in)) return abandon(handle);
        if (waits) take_held(handle);
    }

    /// Says that the peer has ended its side. What waits is still to be sent, as the peer may read on.
    template <class Handle>
    void finish(Handle&& handle) {
        if (input_ended_ || abandoned_) return;
        input_ended_ = finishes_ = true;
        take_held(handle);
    }

    /// Says that the connection broke: nothing can be read or written any more. Tells the endpoint.
    template <class Handle>
    void abandon(Handle&& handle) {
        if (abandoned_) return;
        abandoned_ = true;
        held_.release();
        tell(peer_.finish(), handle);
    }

    /// Says what time it is, in milliseconds, and does what is due.
    template <class Handle>
    void tick(instant now, Handle&& handle) {
        if (abandoned_) return;
        take_held(handle);
        if (paused_) peer_.hold_input();
        tell(peer_.tick(now), handle);
        if (deadline_.pass(now)) abandon(handle);
    }

    /// When `tick` has something to do; `no_deadline` if there is no such time, 0 if it is at once.
    [[nodiscard]] instant next_deadline() const noexcept {
        const instant own = deadline_.next(), other = peer_.next_deadline();
        return own < other ? own : other;
    }

    /// The bytes to write next: see `output` and `sent` of the endpoint.
    [[nodiscard]] cbytes output() const noexcept { return is_silent() ? cbytes{} : peer_.output(); }

    /// The same in several pieces, for programs that can write such at once: see `ws::connection::output`. An endpoint
    /// that cannot do that gives one piece.
    [[nodiscard]] std::span<const cbytes> output(std::span<cbytes> pieces) const noexcept {
        if (is_silent() || pieces.empty()) return {};
        if constexpr (requires { peer_.output(pieces); }) {
            return peer_.output(pieces);
        } else {
            pieces[0] = peer_.output();
            return pieces.first(pieces[0].empty() ? 0 : 1);
        }
    }
    void sent(std::size_t size) noexcept { peer_.sent(size); }

    /// Whether the program is to end its side of the connection now.
    [[nodiscard]] bool ends_writing() const noexcept { return peer_.done() && !is_silent(); }
    void did_end_writing() noexcept {
        writing_ended_ = true;
        held_.release();
        deadline_.begin(linger_);
    }

    /// Whether the program is to close the connection now.
    [[nodiscard]] bool is_over() const noexcept { return abandoned_ || (writing_ended_ && input_ended_); }

  private:
    // Whether nothing more is written.
    [[nodiscard]] bool is_silent() const noexcept { return writing_ended_ || abandoned_; }

    template <class Handle>
    static void tell(const event& found, Handle& handle) {
        if (found) handle(found);
    }

    template <class Handle>
    void take_from(bytes& in, Handle& handle) {
        while (!paused_) {
            const event found = peer_.next(in);
            if (!found) return;
            handle(found);
        }
    }

    // Also without input: the endpoint may have an event that a call of the program has caused.
    template <class Handle>
    void take_held(Handle& handle) {
        bytes in = held_.contents();
        const std::size_t size = in.size();
        take_from(in, handle);
        held_.consume(size - in.size());
        if (!finishes_ || paused_ || held_.size() != 0) return;
        finishes_ = false;
        tell(peer_.finish(), handle);
    }

    Endpoint peer_;
    Buffer held_;               // input that the endpoint does not take yet
    detail::deadline deadline_; // from `shut_down` to the end of our side, and from there to the peer's
    std::size_t most_waiting_;
    std::uint32_t shut_down_timeout_;
    std::uint32_t linger_;
    bool paused_ = false;
    bool input_ended_ = false;   // the peer has ended its side
    bool finishes_ = false;      // likewise, and the endpoint is still to be told
    bool writing_ended_ = false; // we have ended our side
    bool abandoned_ = false;     // broken, or not waited for any longer
};

} // namespace sockless

// ======================================= sockless/detail/lazy_iterator.hpp ========================================
// The iterator of ranges that store no elements and find each one when it is needed.

namespace sockless::detail {

/// A forward iterator over the elements that a `Finder` finds. The finder holds the current element (`current`, of type
/// `value_type`) and goes on to the next one (`advance`). Its `place` differs between elements. At the end it equals
/// the `place` of a default-constructed finder.
template <class Finder>
class lazy_iterator {
  public:
    using value_type = typename Finder::value_type;
    using difference_type = std::ptrdiff_t;

    constexpr lazy_iterator() noexcept = default;

    /// Constructs the finder in its place. The copy of a new finder would wait for the stores of its construction.
    template <class... Argument>
    constexpr explicit lazy_iterator(const Argument&... arguments) noexcept
        requires(std::is_constructible_v<Finder, const Argument&...>)
        : at_(arguments...) {}

    [[nodiscard]] constexpr const value_type& operator*() const noexcept { return at_.current; }
    [[nodiscard]] constexpr const value_type* operator->() const noexcept { return &at_.current; }

    constexpr lazy_iterator& operator++() noexcept {
        at_.advance();
        return *this;
    }
    constexpr lazy_iterator operator++(int) noexcept {
        const lazy_iterator held = *this;
        at_.advance();
        return held;
    }

    [[nodiscard]] friend constexpr bool operator==(const lazy_iterator& a, const lazy_iterator& b) noexcept {
        return a.at_.place() == b.at_.place();
    }

  private:
    Finder at_{};
};

} // namespace sockless::detail

// ======================================== sockless/detail/simd/tables.hpp =========================================
// Masking keys, and the tables in which all backends look up bytes.

namespace sockless::detail {

/// The masking key for the byte at `offset` of a payload and those behind it. A key is a word, whose bytes in memory
/// are in the order of the wire.
[[nodiscard]] constexpr std::uint32_t rotated(std::uint32_t key, std::uint64_t offset) noexcept {
    const int bits = static_cast<int>(offset % 4) * 8;
    return std::endian::native == std::endian::little ? std::rotr(key, bits) : std::rotl(key, bits);
}

/// Sixteen bytes to look up by a nibble, repeated so that they fill the largest vector.
struct nibble_table {
    alignas(64) unsigned char bytes[64];

    constexpr explicit nibble_table(const unsigned char (&values)[16]) noexcept : bytes() {
        for (std::size_t i = 0; i != sizeof bytes; ++i) bytes[i] = values[i % 16];
    }
};

/// The errors that two neighbouring bytes of UTF-8 can have (RFC 3629 section 4). Each error has one bit.
namespace utf8_classes {
inline constexpr unsigned char too_short = 1, // a lead, then no continuation
    too_long = 2,                             // ASCII, then a continuation
    overlong_3 = 4,                           // E0 80 to E0 9F
    too_large = 8,                            // F4 90 and up
    surrogate = 16,                           // ED A0 and up
    overlong_2 = 32,                          // C0, C1
    overlong_4 = 64, too_large_1000 = 64,     // F0 80 to F0 8F; F5 80 and up
    two_continuations = 128,                  // right or wrong, which depends on the bytes before
    any = too_short | too_long | two_continuations;

inline constexpr nibble_table
    first_high({too_long, too_long, too_long, too_long, too_long, too_long, too_long, too_long, two_continuations,
                two_continuations, two_continuations, two_continuations, too_short | overlong_2, too_short,
                too_short | overlong_3 | surrogate, too_short | too_large | too_large_1000 | overlong_4});
inline constexpr unsigned char five_and_up = any | too_large | too_large_1000;
inline constexpr nibble_table first_low({any | overlong_3 | overlong_2 | overlong_4, any | overlong_2, any, any,
                                         any | too_large, five_and_up, five_and_up, five_and_up, five_and_up,
                                         five_and_up, five_and_up, five_and_up, five_and_up, five_and_up | surrogate,
                                         five_and_up, five_and_up});
inline constexpr unsigned char continuation = too_long | overlong_2 | two_continuations;
inline constexpr nibble_table second_high({too_short, too_short, too_short, too_short, too_short, too_short, too_short,
                                           too_short, continuation | overlong_3 | too_large_1000 | overlong_4,
                                           continuation | overlong_3 | too_large, continuation | surrogate | too_large,
                                           continuation | surrogate | too_large, too_short, too_short, too_short,
                                           too_short});
} // namespace utf8_classes

/// A set of ASCII characters. Bit `r` of byte `c` is set if the character `16 * r + c` is in the set.
using ascii_set = nibble_table;

/// For a high nibble `r` the bit `r`, or 0 if the character is not ASCII.
inline constexpr nibble_table ascii_rows({1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0});

/// Which of 64 characters are in each of two sets. The lowest bits are those of the first character.
struct characters_found {
    std::uint64_t first;
    std::uint64_t second;
};

} // namespace sockless::detail

// ======================================= sockless/detail/simd/backends.hpp ========================================
// The algorithms over bytes for each kind of vector: four and eight bytes on any machine, and the vectors of x86-64 and
// AArch64 processors.

#if defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace sockless::detail {

// A backend is a namespace. It has a type `vector`, functions that need the instructions of the backend, and
// algorithms. The text of the algorithms is the same for all backends and is compiled once for each. So two units that
// are compiled with different flags never have two bodies for one function.

#define SOCKLESS_TARGET

/// Eight bytes, on any machine.
namespace words {
using vector = std::uint64_t;
inline vector splat(std::uint32_t key) noexcept { return key * 0x0000000100000001U; }
inline bool any_high_bit(vector octets) noexcept { return (octets & 0x8080808080808080U) != 0; }
// Masking and the test for ASCII, in vectors of any size. backends.hpp includes this in the namespace of each backend,
// behind its `vector`, `splat` and `any_high_bit`. SOCKLESS_TARGET tells the compiler which instructions there are.

SOCKLESS_TARGET inline vector load(const void* from) noexcept {
    vector value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

SOCKLESS_TARGET inline void store(void* to, vector value) noexcept { std::memcpy(to, &value, sizeof value); }

/// Writes `from[i] ^ key` to `to[i]` for `size` bytes, at least one vector. Returns whether any byte of the result has
/// its high bit set, that is, is not ASCII. `to` and `from` are the same place or do not overlap. This is for a few
/// vectors: it aligns nothing.
SOCKLESS_TARGET [[nodiscard]] inline bool mask_few(std::byte* to, const std::byte* from, std::size_t size,
                                                   std::uint32_t key) noexcept {
    constexpr std::size_t step = sizeof(vector);
    const vector pattern = splat(key);
    // The last vector overlaps with the one before it. So it is loaded before all stores and stored last.
    const vector last = load(from + size - step) ^ splat(rotated(key, size));
    vector seen = last;
    for (std::size_t i = 0; i + step < size; i += step) {
        const vector each = load(from + i) ^ pattern;
        store(to + i, each);
        seen |= each;
    }
    store(to + size - step, last);
    return any_high_bit(seen);
}

/// The same for many vectors. All stores are aligned but the first and the last, which overlap with their neighbours.
SOCKLESS_TARGET [[nodiscard]] inline bool mask_many(std::byte* to, const std::byte* from, std::size_t size,
                                                    std::uint32_t key) noexcept {
    constexpr std::size_t step = sizeof(vector);
    const vector first = load(from) ^ splat(key);
    const vector last = load(from + size - step) ^ splat(rotated(key, size));
    vector seen = first | last;
    std::size_t i = step - reinterpret_cast<std::uintptr_t>(to) % step;
    const vector pattern = splat(rotated(key, i));
    for (; i + 4 * step <= size; i += 4 * step) {
        const vector a = load(from + i) ^ pattern;
        const vector b = load(from + i + step) ^ pattern;
        const vector c = load(from + i + 2 * step) ^ pattern;
        const vector d = load(from + i + 3 * step) ^ pattern;
        store(to + i, a);
        store(to + i + step, b);
        store(to + i + 2 * step, c);
        store(to + i + 3 * step, d);
        seen |= (a | b) | (c | d);
    }
    for (; i + step < size; i += step) {
        const vector each = load(from + i) ^ pattern;
        store(to + i, each);
        seen |= each;
    }
    store(to, first);
    store(to + size - step, last);
    return any_high_bit(seen);
}

/// Whether any of `size` bytes, at least one vector, has its high bit set, that is, is not ASCII.
SOCKLESS_TARGET [[nodiscard]] inline bool not_ascii_few(const std::byte* data, std::size_t size) noexcept {
    constexpr std::size_t step = sizeof(vector);
    vector seen = load(data + size - step);
    for (std::size_t i = 0; i + step < size; i += step) seen |= load(data + i);
    return any_high_bit(seen);
}

/// The same for many vectors.
SOCKLESS_TARGET [[nodiscard]] inline bool not_ascii_many(const std::byte* data, std::size_t size) noexcept {
    constexpr std::size_t step = sizeof(vector);
    vector seen = load(data + size - step);
    std::size_t i = 0;
    for (; i + 4 * step <= size; i += 4 * step) {
        seen |= (load(data + i) | load(data + i + step)) | (load(data + i + 2 * step) | load(data + i + 3 * step));
    }
    for (; i + step < size; i += step) seen |= load(data + i);
    return any_high_bit(seen);
}
} // namespace words

/// Four bytes, on any machine.
namespace half_words {
using vector = std::uint32_t;
inline vector splat(std::uint32_t key) noexcept { return key; }
inline bool any_high_bit(vector octets) noexcept { return (octets & 0x80808080U) != 0; }
// Masking and the test for ASCII, in vectors of any size. backends.hpp includes this in the namespace of each backend,
// behind its `vector`, `splat` and `any_high_bit`. SOCKLESS_TARGET tells the compiler which instructions there are.

SOCKLESS_TARGET inline vector load(const void* from) noexcept {
    vector value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

SOCKLESS_TARGET inline void store(void* to, vector value) noexcept { std::memcpy(to, &value, sizeof value); }

/// Writes `from[i] ^ key` to `to[i]` for `size` bytes, at least one vector. Returns whether any byte of the result has
/// its high bit set, that is, is not ASCII. `to` and `from` are the same place or do not overlap. This is for a few
/// vectors: it aligns nothing.
SOCKLESS_TARGET [[nodiscard]] inline bool mask_few(std::byte* to, const std::byte* from, std::size_t size,
                                                   std::uint32_t key) noexcept {
    constexpr std::size_t step = sizeof(vector);
    const vector pattern = splat(key);
    // The last vector overlaps with the one before it. So it is loaded before all stores and stored last.
    const vector last = load(from + size - step) ^ splat(rotated(key, size));
    vector seen = last;
    for (std::size_t i = 0; i + step < size; i += step) {
        const vector each = load(from + i) ^ pattern;
        store(to + i, each);
        seen |= each;
    }
    store(to + size - step, last);
    return any_high_bit(seen);
}

/// The same for many vectors. All stores are aligned but the first and the last, which overlap with their neighbours.
SOCKLESS_TARGET [[nodiscard]] inline bool mask_many(std::byte* to, const std::byte* from, std::size_t size,
                                                    std::uint32_t key) noexcept {
    constexpr std::size_t step = sizeof(vector);
    const vector first = load(from) ^ splat(key);
    const vector last = load(from + size - step) ^ splat(rotated(key, size));
    vector seen = first | last;
    std::size_t i = step - reinterpret_cast<std::uintptr_t>(to) % step;
    const vector pattern = splat(rotated(key, i));
    for (; i + 4 * step <= size; i += 4 * step) {
        const vector a = load(from + i) ^ pattern;
        const vector b = load(from + i + step) ^ pattern;
        const vector c = load(from + i + 2 * step) ^ pattern;
        const vector d = load(from + i + 3 * step) ^ pattern;
        store(to + i, a);
        store(to + i + step, b);
        store(to + i + 2 * step, c);
        store(to + i + 3 * step, d);
        seen |= (a | b) | (c | d);
    }
    for (; i + step < size; i += step) {
        const vector each = load(from + i) ^ pattern;
        store(to + i, each);
        seen |= each;
    }
    store(to, first);
    store(to + size - step, last);
    return any_high_bit(seen);
}

/// Whether any of `size` bytes, at least one vector, has its high bit set, that is, is not ASCII.
SOCKLESS_TARGET [[nodiscard]] inline bool not_ascii_few(const std::byte* data, std::size_t size) noexcept {
    constexpr std::size_t step = sizeof(vector);
    vector seen = load(data + size - step);
    for (std::size_t i = 0; i + step < size; i += step) seen |= load(data + i);
    return any_high_bit(seen);
}

/// The same for many vectors.
SOCKLESS_TARGET [[nodiscard]] inline bool not_ascii_many(const std::byte* data, std::size_t size) noexcept {
    constexpr std::size_t step = sizeof(vector);
    vector seen = load(data + size - step);
    std::size_t i = 0;
    for (; i + 4 * step <= size; i += 4 * step) {
        seen |= (load(data + i) | load(data + i + step)) | (load(data + i + 2 * step) | load(data + i + 3 * step));
    }
    for (; i + step < size; i += step) seen |= load(data + i);
    return any_high_bit(seen);
}
} // namespace half_words

#if defined(SOCKLESS_SSE2)
/// Sixteen bytes, on every x86-64.
namespace sse2 {
using vector = unsigned char __attribute__((vector_size(16)));
using keys = std::uint32_t __attribute__((vector_size(16)));
using characters = char __attribute__((vector_size(16)));
inline vector splat(std::uint32_t key) noexcept { return vector(keys{} + key); }
inline bool any_high_bit(vector octets) noexcept { return __builtin_ia32_pmovmskb128(characters(octets)) != 0; }
// Masking and the test for ASCII, in vectors of any size. backends.hpp includes this in the namespace of each backend,
// behind its `vector`, `splat` and `any_high_bit`. SOCKLESS_TARGET tells the compiler which instructions there are.

SOCKLESS_TARGET inline vector load(const void* from) noexcept {
    vector value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

SOCKLESS_TARGET inline void store(void* to, vector value) noexcept { std::memcpy(to, &value, sizeof value); }

/// Writes `from[i] ^ key` to `to[i]` for `size` bytes, at least one vector. Returns whether any byte of the result has
/// its high bit set, that is, is not ASCII. `to` and `from` are the same place or do not overlap. This is for a few
/// vectors: it aligns nothing.
SOCKLESS_TARGET [[nodiscard]] inline bool mask_few(std::byte* to, const std::byte* from, std::size_t size,
                                                   std::uint32_t key) noexcept {
    constexpr std::size_t step = sizeof(vector);
    const vector pattern = splat(key);
    // The last vector overlaps with the one before it. So it is loaded before all stores and stored last.
    const vector last = load(from + size - step) ^ splat(rotated(key, size));
    vector seen = last;
    for (std::size_t i = 0; i + step < size; i += step) {
        const vector each = load(from + i) ^ pattern;
        store(to + i, each);
        seen |= each;
    }
    store(to + size - step, last);
    return any_high_bit(seen);
}

/// The same for many vectors. All stores are aligned but the first and the last, which overlap with their neighbours.
SOCKLESS_TARGET [[nodiscard]] inline bool mask_many(std::byte* to, const std::byte* from, std::size_t size,
                                                    std::uint32_t key) noexcept {
    constexpr std::size_t step = sizeof(vector);
    const vector first = load(from) ^ splat(key);
    const vector last = load(from + size - step) ^ splat(rotated(key, size));
    vector seen = first | last;
    std::size_t i = step - reinterpret_cast<std::uintptr_t>(to) % step;
    const vector pattern = splat(rotated(key, i));
    for (; i + 4 * step <= size; i += 4 * step) {
        const vector a = load(from + i) ^ pattern;
        const vector b = load(from + i + step) ^ pattern;
        const vector c = load(from + i + 2 * step) ^ pattern;
        const vector d = load(from + i + 3 * step) ^ pattern;
        store(to + i, a);
        store(to + i + step, b);
        store(to + i + 2 * step, c);
        store(to + i + 3 * step, d);
        seen |= (a | b) | (c | d);
    }
    for (; i + step < size; i += step) {
        const vector each = load(from + i) ^ pattern;
        store(to + i, each);
        seen |= each;
    }
    store(to, first);
    store(to + size - step, last);
    return any_high_bit(seen);
}

/// Whether any of `size` bytes, at least one vector, has its high bit set, that is, is not ASCII.
SOCKLESS_TARGET [[nodiscard]] inline bool not_ascii_few(const std::byte* data, std::size_t size) noexcept {
    constexpr std::size_t step = sizeof(vector);
    vector seen = load(data + size - step);
    for (std::size_t i = 0; i + step < size; i += step) seen |= load(data + i);
    return any_high_bit(seen);
}

/// The same for many vectors.
SOCKLESS_TARGET [[nodiscard]] inline bool not_ascii_many(const std::byte* data, std::size_t size) noexcept {
    constexpr std::size_t step = sizeof(vector);
    vector seen = load(data + size - step);
    std::size_t i = 0;
    for (; i + 4 * step <= size; i += 4 * step) {
        seen |= (load(data + i) | load(data + i + step)) | (load(data + i + 2 * step) | load(data + i + 3 * step));
    }
    for (; i + step < size; i += step) seen |= load(data + i);
    return any_high_bit(seen);
}
} // namespace sse2

#undef SOCKLESS_TARGET
#define SOCKLESS_TARGET [[gnu::target("ssse3")]]

namespace ssse3 {
using sse2::any_high_bit, sse2::load, sse2::vector;
SOCKLESS_TARGET inline vector lookup(const nibble_table& table, vector nibbles) noexcept {
    return vector(__builtin_ia32_pshufb128(sse2::characters(load(table.bytes)), sse2::characters(nibbles)));
}
SOCKLESS_TARGET inline unsigned zeros(vector octets) noexcept {
    return static_cast<std::uint16_t>(__builtin_ia32_pmovmskb128(sse2::characters(octets == 0)));
}
// Which characters are in a set, in vectors of any size. backends.hpp includes this in the namespace of each backend
// that has `lookup` and `zeros`. The latter gives a bit for each byte of a vector, set if the byte is zero.

/// Which of the 64 characters at `at` are in each of two sets.
SOCKLESS_TARGET inline characters_found find_in_block(const std::byte* at, const ascii_set& first,
                                                      const ascii_set& second) noexcept {
    std::uint64_t not_first = 0, not_second = 0;
    for (std::size_t i = 0; i != 64; i += sizeof(vector)) {
        const vector characters_here = load(at + i);
        const vector columns = characters_here & 0x0F;
        const vector rows = lookup(ascii_rows, characters_here >> 4);
        not_first |= std::uint64_t{zeros(lookup(first, columns) & rows)} << i;
        not_second |= std::uint64_t{zeros(lookup(second, columns) & rows)} << i;
    }
    return {~not_first, ~not_second};
}

/// Which of `size` characters, at least 64, are in each of two sets. The lowest bits of `found[0]` are those of the
/// first character. Writes `size / 64 + 1` elements of `found`. The bits behind the last character are 0.
SOCKLESS_TARGET inline void find_characters(const std::byte* text, std::size_t size, const ascii_set& first,
                                            const ascii_set& second, characters_found* found) noexcept {
    for (std::size_t i = 0; i + 64 <= size; i += 64) *found++ = find_in_block(text + i, first, second);
    // The last block overlaps with the one before it, whose bits are shifted out.
    const characters_found last = find_in_block(text + size - 64, first, second);
    const std::size_t before = 63 - size % 64;
    *found = {last.first >> before >> 1, last.second >> before >> 1};
}
// The check of UTF-8, in vectors of any size. backends.hpp includes this in the namespace of each backend that has
// `lookup`, behind kernels_octets.inc.

/// The errors of the bytes at `at`, zero for a byte that is right. Each byte is judged together with the three before
/// it, so there must be three bytes before `at`. Three nibbles of each pair of neighbours are looked up. Each look-up
/// gives the errors that are possible with that nibble; an error that all three give is real (Keiser and Lemire,
/// "Validating UTF-8 in less than one instruction per byte", 2021).
SOCKLESS_TARGET inline vector wrong_utf8(const std::byte* at) noexcept {
    const vector second = load(at);
    const vector first = load(at - 1);
    const vector classes = lookup(utf8_classes::first_high, first >> 4) &
                           lookup(utf8_classes::first_low, first & 0x0F) &
                           lookup(utf8_classes::second_high, second >> 4);
    // The second of two continuation bytes is right if a character of three or four bytes begins two bytes before it,
    // or a character of four bytes begins three bytes before it. Otherwise it is wrong.
    const vector due = vector(load(at - 2) >= 0xE0) | vector(load(at - 3) >= 0xF0);
    return classes ^ (due & utf8_classes::two_continuations);
}

/// The number of bytes of `text` that are valid: all `size`, or those before a group of vectors that has an error.
/// `size` is at least that of a vector and three bytes, and the first three bytes are known to be valid. The last
/// character of the valid bytes may be cut off. If only its first byte is there, that byte is not judged.
SOCKLESS_TARGET [[nodiscard]] inline std::size_t valid_utf8(const std::byte* text, std::size_t size) noexcept {
    constexpr std::size_t step = sizeof(vector), group = 4 * step;
    if (size < 3 + group) {
        vector wrong = wrong_utf8(text + size - step);
        for (std::size_t i = 3; i + step < size; i += step) wrong |= wrong_utf8(text + i);
        return any_high_bit(vector(wrong != 0)) ? 3 : size;
    }
    for (std::size_t i = 3;; i += group) {
        // The last group overlaps with the one before it.
        if (i + group > size) i = size - group;
        const std::byte* const at = text + i;
        const vector seen = (load(at - 3) | load(at)) | (load(at + step) | load(at + 2 * step)) | load(at + 3 * step);
        if (any_high_bit(seen)) {
            const vector wrong =
                (wrong_utf8(at) | wrong_utf8(at + step)) | (wrong_utf8(at + 2 * step) | wrong_utf8(at + 3 * step));
            if (any_high_bit(vector(wrong != 0))) return i;
        }
        if (i + group == size) return size;
    }
}
} // namespace ssse3

#if defined(SOCKLESS_WIDE_VECTORS)
#undef SOCKLESS_TARGET
#define SOCKLESS_TARGET [[gnu::target("avx2")]]

namespace avx2 {
using vector = unsigned char __attribute__((vector_size(32)));
using keys = std::uint32_t __attribute__((vector_size(32)));
using characters = char __attribute__((vector_size(32)));
SOCKLESS_TARGET inline vector splat(std::uint32_t key) noexcept { return vector(keys{} + key); }
SOCKLESS_TARGET inline bool any_high_bit(vector octets) noexcept {
    return __builtin_ia32_pmovmskb256(characters(octets)) != 0;
}
// Masking and the test for ASCII, in vectors of any size. backends.hpp includes this in the namespace of each backend,
// behind its `vector`, `splat` and `any_high_bit`. SOCKLESS_TARGET tells the compiler which instructions there are.

SOCKLESS_TARGET inline vector load(const void* from) noexcept {
    vector value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

SOCKLESS_TARGET inline void store(void* to, vector value) noexcept { std::memcpy(to, &value, sizeof value); }

/// Writes `from[i] ^ key` to `to[i]` for `size` bytes, at least one vector. Returns whether any byte of the result has
/// its high bit set, that is, is not ASCII. `to` and `from` are the same place or do not overlap. This is for a few
/// vectors: it aligns nothing.
SOCKLESS_TARGET [[nodiscard]] inline bool mask_few(std::byte* to, const std::byte* from, std::size_t size,
                                                   std::uint32_t key) noexcept {
    constexpr std::size_t step = sizeof(vector);
    const vector pattern = splat(key);
    // The last vector overlaps with the one before it. So it is loaded before all stores and stored last.
    const vector last = load(from + size - step) ^ splat(rotated(key, size));
    vector seen = last;
    for (std::size_t i = 0; i + step < size; i += step) {
        const vector each = load(from + i) ^ pattern;
        store(to + i, each);
        seen |= each;
    }
    store(to + size - step, last);
    return any_high_bit(seen);
}

/// The same for many vectors. All stores are aligned but the first and the last, which overlap with their neighbours.
SOCKLESS_TARGET [[nodiscard]] inline bool mask_many(std::byte* to, const std::byte* from, std::size_t size,
                                                    std::uint32_t key) noexcept {
    constexpr std::size_t step = sizeof(vector);
    const vector first = load(from) ^ splat(key);
    const vector last = load(from + size - step) ^ splat(rotated(key, size));
    vector seen = first | last;
    std::size_t i = step - reinterpret_cast<std::uintptr_t>(to) % step;
    const vector pattern = splat(rotated(key, i));
    for (; i + 4 * step <= size; i += 4 * step) {
        const vector a = load(from + i) ^ pattern;
        const vector b = load(from + i + step) ^ pattern;
        const vector c = load(from + i + 2 * step) ^ pattern;
        const vector d = load(from + i + 3 * step) ^ pattern;
        store(to + i, a);
        store(to + i + step, b);
        store(to + i + 2 * step, c);
        store(to + i + 3 * step, d);
        seen |= (a | b) | (c | d);
    }
    for (; i + step < size; i += step) {
        const vector each = load(from + i) ^ pattern;
        store(to + i, each);
        seen |= each;
    }
    store(to, first);
    store(to + size - step, last);
    return any_high_bit(seen);
}

/// Whether any of `size` bytes, at least one vector, has its high bit set, that is, is not ASCII.
SOCKLESS_TARGET [[nodiscard]] inline bool not_ascii_few(const std::byte* data, std::size_t size) noexcept {
    constexpr std::size_t step = sizeof(vector);
    vector seen = load(data + size - step);
    for (std::size_t i = 0; i + step < size; i += step) seen |= load(data + i);
    return any_high_bit(seen);
}

/// The same for many vectors.
SOCKLESS_TARGET [[nodiscard]] inline bool not_ascii_many(const std::byte* data, std::size_t size) noexcept {
    constexpr std::size_t step = sizeof(vector);
    vector seen = load(data + size - step);
    std::size_t i = 0;
    for (; i + 4 * step <= size; i += 4 * step) {
        seen |= (load(data + i) | load(data + i + step)) | (load(data + i + 2 * step) | load(data + i + 3 * step));
    }
    for (; i + step < size; i += step) seen |= load(data + i);
    return any_high_bit(seen);
}
SOCKLESS_TARGET inline vector lookup(const nibble_table& table, vector nibbles) noexcept {
    return vector(__builtin_ia32_pshufb256(characters(load(table.bytes)), characters(nibbles)));
}
SOCKLESS_TARGET inline unsigned zeros(vector octets) noexcept {
    return static_cast<unsigned>(__builtin_ia32_pmovmskb256(characters(octets == 0)));
}
// Which characters are in a set, in vectors of any size. backends.hpp includes this in the namespace of each backend
// that has `lookup` and `zeros`. The latter gives a bit for each byte of a vector, set if the byte is zero.

/// Which of the 64 characters at `at` are in each of two sets.
SOCKLESS_TARGET inline characters_found find_in_block(const std::byte* at, const ascii_set& first,
                                                      const ascii_set& second) noexcept {
    std::uint64_t not_first = 0, not_second = 0;
    for (std::size_t i = 0; i != 64; i += sizeof(vector)) {
        const vector characters_here = load(at + i);
        const vector columns = characters_here & 0x0F;
        const vector rows = lookup(ascii_rows, characters_here >> 4);
        not_first |= std::uint64_t{zeros(lookup(first, columns) & rows)} << i;
        not_second |= std::uint64_t{zeros(lookup(second, columns) & rows)} << i;
    }
    return {~not_first, ~not_second};
}

/// Which of `size` characters, at least 64, are in each of two sets. The lowest bits of `found[0]` are those of the
/// first character. Writes `size / 64 + 1` elements of `found`. The bits behind the last character are 0.
SOCKLESS_TARGET inline void find_characters(const std::byte* text, std::size_t size, const ascii_set& first,
                                            const ascii_set& second, characters_found* found) noexcept {
    for (std::size_t i = 0; i + 64 <= size; i += 64) *found++ = find_in_block(text + i, first, second);
    // The last block overlaps with the one before it, whose bits are shifted out.
    const characters_found last = find_in_block(text + size - 64, first, second);
    const std::size_t before = 63 - size % 64;
    *found = {last.first >> before >> 1, last.second >> before >> 1};
}
// The check of UTF-8, in vectors of any size. backends.hpp includes this in the namespace of each backend that has
// `lookup`, behind kernels_octets.inc.

/// The errors of the bytes at `at`, zero for a byte that is right. Each byte is judged together with the three before
/// it, so there must be three bytes before `at`. Three nibbles of each pair of neighbours are looked up. Each look-up
/// gives the errors that are possible with that nibble; an error that all three give is real (Keiser and Lemire,
/// "Validating UTF-8 in less than one instruction per byte", 2021).
SOCKLESS_TARGET inline vector wrong_utf8(const std::byte* at) noexcept {
    const vector second = load(at);
    const vector first = load(at - 1);
    const vector classes = lookup(utf8_classes::first_high, first >> 4) &
                           lookup(utf8_classes::first_low, first & 0x0F) &
                           lookup(utf8_classes::second_high, second >> 4);
    // The second of two continuation bytes is right if a character of three or four bytes begins two bytes before it,
    // or a character of four bytes begins three bytes before it. Otherwise it is wrong.
    const vector due = vector(load(at - 2) >= 0xE0) | vector(load(at - 3) >= 0xF0);
    return classes ^ (due & utf8_classes::two_continuations);
}

/// The number of bytes of `text` that are valid: all `size`, or those before a group of vectors that has an error.
/// `size` is at least that of a vector and three bytes, and the first three bytes are known to be valid. The last
/// character of the valid bytes may be cut off. If only its first byte is there, that byte is not judged.
SOCKLESS_TARGET [[nodiscard]] inline std::size_t valid_utf8(const std::byte* text, std::size_t size) noexcept {
    constexpr std::size_t step = sizeof(vector), group = 4 * step;
    if (size < 3 + group) {
        vector wrong = wrong_utf8(text + size - step);
        for (std::size_t i = 3; i + step < size; i += step) wrong |= wrong_utf8(text + i);
        return any_high_bit(vector(wrong != 0)) ? 3 : size;
    }
    for (std::size_t i = 3;; i += group) {
        // The last group overlaps with the one before it.
        if (i + group > size) i = size - group;
        const std::byte* const at = text + i;
        const vector seen = (load(at - 3) | load(at)) | (load(at + step) | load(at + 2 * step)) | load(at + 3 * step);
        if (any_high_bit(seen)) {
            const vector wrong =
                (wrong_utf8(at) | wrong_utf8(at + step)) | (wrong_utf8(at + 2 * step) | wrong_utf8(at + 3 * step));
            if (any_high_bit(vector(wrong != 0))) return i;
        }
        if (i + group == size) return size;
    }
}
} // namespace avx2

#undef SOCKLESS_TARGET
#define SOCKLESS_TARGET [[gnu::target("avx512bw")]]

namespace avx512 {
using vector = unsigned char __attribute__((vector_size(64)));
using keys = std::uint32_t __attribute__((vector_size(64)));
using characters = char __attribute__((vector_size(64)));
SOCKLESS_TARGET inline vector splat(std::uint32_t key) noexcept { return vector(keys{} + key); }
SOCKLESS_TARGET inline bool any_high_bit(vector octets) noexcept {
    return __builtin_ia32_cvtb2mask512(characters(octets)) != 0;
}
// Masking and the test for ASCII, in vectors of any size. backends.hpp includes this in the namespace of each backend,
// behind its `vector`, `splat` and `any_high_bit`. SOCKLESS_TARGET tells the compiler which instructions there are.

SOCKLESS_TARGET inline vector load(const void* from) noexcept {
    vector value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

SOCKLESS_TARGET inline void store(void* to, vector value) noexcept { std::memcpy(to, &value, sizeof value); }

/// Writes `from[i] ^ key` to `to[i]` for `size` bytes, at least one vector. Returns whether any byte of the result has
/// its high bit set, that is, is not ASCII. `to` and `from` are the same place or do not overlap. This is for a few
/// vectors: it aligns nothing.
SOCKLESS_TARGET [[nodiscard]] inline bool mask_few(std::byte* to, const std::byte* from, std::size_t size,
                                                   std::uint32_t key) noexcept {
    constexpr std::size_t step = sizeof(vector);
    const vector pattern = splat(key);
    // The last vector overlaps with the one before it. So it is loaded before all stores and stored last.
    const vector last = load(from + size - step) ^ splat(rotated(key, size));
    vector seen = last;
    for (std::size_t i = 0; i + step < size; i += step) {
        const vector each = load(from + i) ^ pattern;
        store(to + i, each);
        seen |= each;
    }
    store(to + size - step, last);
    return any_high_bit(seen);
}

/// The same for many vectors. All stores are aligned but the first and the last, which overlap with their neighbours.
SOCKLESS_TARGET [[nodiscard]] inline bool mask_many(std::byte* to, const std::byte* from, std::size_t size,
                                                    std::uint32_t key) noexcept {
    constexpr std::size_t step = sizeof(vector);
    const vector first = load(from) ^ splat(key);
    const vector last = load(from + size - step) ^ splat(rotated(key, size));
    vector seen = first | last;
    std::size_t i = step - reinterpret_cast<std::uintptr_t>(to) % step;
    const vector pattern = splat(rotated(key, i));
    for (; i + 4 * step <= size; i += 4 * step) {
        const vector a = load(from + i) ^ pattern;
        const vector b = load(from + i + step) ^ pattern;
        const vector c = load(from + i + 2 * step) ^ pattern;
        const vector d = load(from + i + 3 * step) ^ pattern;
        store(to + i, a);
        store(to + i + step, b);
        store(to + i + 2 * step, c);
        store(to + i + 3 * step, d);
        seen |= (a | b) | (c | d);
    }
    for (; i + step < size; i += step) {
        const vector each = load(from + i) ^ pattern;
        store(to + i, each);
        seen |= each;
    }
    store(to, first);
    store(to + size - step, last);
    return any_high_bit(seen);
}

/// Whether any of `size` bytes, at least one vector, has its high bit set, that is, is not ASCII.
SOCKLESS_TARGET [[nodiscard]] inline bool not_ascii_few(const std::byte* data, std::size_t size) noexcept {
    constexpr std::size_t step = sizeof(vector);
    vector seen = load(data + size - step);
    for (std::size_t i = 0; i + step < size; i += step) seen |= load(data + i);
    return any_high_bit(seen);
}

/// The same for many vectors.
SOCKLESS_TARGET [[nodiscard]] inline bool not_ascii_many(const std::byte* data, std::size_t size) noexcept {
    constexpr std::size_t step = sizeof(vector);
    vector seen = load(data + size - step);
    std::size_t i = 0;
    for (; i + 4 * step <= size; i += 4 * step) {
        seen |= (load(data + i) | load(data + i + step)) | (load(data + i + 2 * step) | load(data + i + 3 * step));
    }
    for (; i + step < size; i += step) seen |= load(data + i);
    return any_high_bit(seen);
}
SOCKLESS_TARGET inline vector lookup(const nibble_table& table, vector nibbles) noexcept {
#if defined(__clang__)
    return vector(__builtin_ia32_pshufb512(characters(load(table.bytes)), characters(nibbles)));
#else
    return vector(__builtin_ia32_pshufb512_mask(characters(load(table.bytes)), characters(nibbles), characters{},
                                                ~std::uint64_t{0}));
#endif
}
SOCKLESS_TARGET inline std::uint64_t zeros(vector octets) noexcept {
    constexpr int equal = 0;
    return __builtin_ia32_cmpb512_mask(characters(octets), characters{}, equal, ~std::uint64_t{0});
}
// Which characters are in a set, in vectors of any size. backends.hpp includes this in the namespace of each backend
// that has `lookup` and `zeros`. The latter gives a bit for each byte of a vector, set if the byte is zero.

/// Which of the 64 characters at `at` are in each of two sets.
SOCKLESS_TARGET inline characters_found find_in_block(const std::byte* at, const ascii_set& first,
                                                      const ascii_set& second) noexcept {
    std::uint64_t not_first = 0, not_second = 0;
    for (std::size_t i = 0; i != 64; i += sizeof(vector)) {
        const vector characters_here = load(at + i);
        const vector columns = characters_here & 0x0F;
        const vector rows = lookup(ascii_rows, characters_here >> 4);
        not_first |= std::uint64_t{zeros(lookup(first, columns) & rows)} << i;
        not_second |= std::uint64_t{zeros(lookup(second, columns) & rows)} << i;
    }
    return {~not_first, ~not_second};
}

/// Which of `size` characters, at least 64, are in each of two sets. The lowest bits of `found[0]` are those of the
/// first character. Writes `size / 64 + 1` elements of `found`. The bits behind the last character are 0.
SOCKLESS_TARGET inline void find_characters(const std::byte* text, std::size_t size, const ascii_set& first,
                                            const ascii_set& second, characters_found* found) noexcept {
    for (std::size_t i = 0; i + 64 <= size; i += 64) *found++ = find_in_block(text + i, first, second);
    // The last block overlaps with the one before it, whose bits are shifted out.
    const characters_found last = find_in_block(text + size - 64, first, second);
    const std::size_t before = 63 - size % 64;
    *found = {last.first >> before >> 1, last.second >> before >> 1};
}
// The check of UTF-8, in vectors of any size. backends.hpp includes this in the namespace of each backend that has
// `lookup`, behind kernels_octets.inc.

/// The errors of the bytes at `at`, zero for a byte that is right. Each byte is judged together with the three before
/// it, so there must be three bytes before `at`. Three nibbles of each pair of neighbours are looked up. Each look-up
/// gives the errors that are possible with that nibble; an error that all three give is real (Keiser and Lemire,
/// "Validating UTF-8 in less than one instruction per byte", 2021).
SOCKLESS_TARGET inline vector wrong_utf8(const std::byte* at) noexcept {
    const vector second = load(at);
    const vector first = load(at - 1);
    const vector classes = lookup(utf8_classes::first_high, first >> 4) &
                           lookup(utf8_classes::first_low, first & 0x0F) &
                           lookup(utf8_classes::second_high, second >> 4);
    // The second of two continuation bytes is right if a character of three or four bytes begins two bytes before it,
    // or a character of four bytes begins three bytes before it. Otherwise it is wrong.
    const vector due = vector(load(at - 2) >= 0xE0) | vector(load(at - 3) >= 0xF0);
    return classes ^ (due & utf8_classes::two_continuations);
}

/// The number of bytes of `text` that are valid: all `size`, or those before a group of vectors that has an error.
/// `size` is at least that of a vector and three bytes, and the first three bytes are known to be valid. The last
/// character of the valid bytes may be cut off. If only its first byte is there, that byte is not judged.
SOCKLESS_TARGET [[nodiscard]] inline std::size_t valid_utf8(const std::byte* text, std::size_t size) noexcept {
    constexpr std::size_t step = sizeof(vector), group = 4 * step;
    if (size < 3 + group) {
        vector wrong = wrong_utf8(text + size - step);
        for (std::size_t i = 3; i + step < size; i += step) wrong |= wrong_utf8(text + i);
        return any_high_bit(vector(wrong != 0)) ? 3 : size;
    }
    for (std::size_t i = 3;; i += group) {
        // The last group overlaps with the one before it.
        if (i + group > size) i = size - group;
        const std::byte* const at = text + i;
        const vector seen = (load(at - 3) | load(at)) | (load(at + step) | load(at + 2 * step)) | load(at + 3 * step);
        if (any_high_bit(seen)) {
            const vector wrong =
                (wrong_utf8(at) | wrong_utf8(at + step)) | (wrong_utf8(at + 2 * step) | wrong_utf8(at + 3 * step));
            if (any_high_bit(vector(wrong != 0))) return i;
        }
        if (i + group == size) return size;
    }
}
} // namespace avx512
#endif
#elif defined(__aarch64__)
/// Sixteen bytes, on every AArch64.
namespace neon {
using vector = unsigned char __attribute__((vector_size(16)));
using keys = std::uint32_t __attribute__((vector_size(16)));
inline vector splat(std::uint32_t key) noexcept { return vector(keys{} + key); }
inline bool any_high_bit(vector octets) noexcept { return vmaxvq_u8(uint8x16_t(octets)) >= 0x80; }
// Masking and the test for ASCII, in vectors of any size. backends.hpp includes this in the namespace of each backend,
// behind its `vector`, `splat` and `any_high_bit`. SOCKLESS_TARGET tells the compiler which instructions there are.

SOCKLESS_TARGET inline vector load(const void* from) noexcept {
    vector value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

SOCKLESS_TARGET inline void store(void* to, vector value) noexcept { std::memcpy(to, &value, sizeof value); }

/// Writes `from[i] ^ key` to `to[i]` for `size` bytes, at least one vector. Returns whether any byte of the result has
/// its high bit set, that is, is not ASCII. `to` and `from` are the same place or do not overlap. This is for a few
/// vectors: it aligns nothing.
SOCKLESS_TARGET [[nodiscard]] inline bool mask_few(std::byte* to, const std::byte* from, std::size_t size,
                                                   std::uint32_t key) noexcept {
    constexpr std::size_t step = sizeof(vector);
    const vector pattern = splat(key);
    // The last vector overlaps with the one before it. So it is loaded before all stores and stored last.
    const vector last = load(from + size - step) ^ splat(rotated(key, size));
    vector seen = last;
    for (std::size_t i = 0; i + step < size; i += step) {
        const vector each = load(from + i) ^ pattern;
        store(to + i, each);
        seen |= each;
    }
    store(to + size - step, last);
    return any_high_bit(seen);
}

/// The same for many vectors. All stores are aligned but the first and the last, which overlap with their neighbours.
SOCKLESS_TARGET [[nodiscard]] inline bool mask_many(std::byte* to, const std::byte* from, std::size_t size,
                                                    std::uint32_t key) noexcept {
    constexpr std::size_t step = sizeof(vector);
    const vector first = load(from) ^ splat(key);
    const vector last = load(from + size - step) ^ splat(rotated(key, size));
    vector seen = first | last;
    std::size_t i = step - reinterpret_cast<std::uintptr_t>(to) % step;
    const vector pattern = splat(rotated(key, i));
    for (; i + 4 * step <= size; i += 4 * step) {
        const vector a = load(from + i) ^ pattern;
        const vector b = load(from + i + step) ^ pattern;
        const vector c = load(from + i + 2 * step) ^ pattern;
        const vector d = load(from + i + 3 * step) ^ pattern;
        store(to + i, a);
        store(to + i + step, b);
        store(to + i + 2 * step, c);
        store(to + i + 3 * step, d);
        seen |= (a | b) | (c | d);
    }
    for (; i + step < size; i += step) {
        const vector each = load(from + i) ^ pattern;
        store(to + i, each);
        seen |= each;
    }
    store(to, first);
    store(to + size - step, last);
    return any_high_bit(seen);
}

/// Whether any of `size` bytes, at least one vector, has its high bit set, that is, is not ASCII.
SOCKLESS_TARGET [[nodiscard]] inline bool not_ascii_few(const std::byte* data, std::size_t size) noexcept {
    constexpr std::size_t step = sizeof(vector);
    vector seen = load(data + size - step);
    for (std::size_t i = 0; i + step < size; i += step) seen |= load(data + i);
    return any_high_bit(seen);
}

/// The same for many vectors.
SOCKLESS_TARGET [[nodiscard]] inline bool not_ascii_many(const std::byte* data, std::size_t size) noexcept {
    constexpr std::size_t step = sizeof(vector);
    vector seen = load(data + size - step);
    std::size_t i = 0;
    for (; i + 4 * step <= size; i += 4 * step) {
        seen |= (load(data + i) | load(data + i + step)) | (load(data + i + 2 * step) | load(data + i + 3 * step));
    }
    for (; i + step < size; i += step) seen |= load(data + i);
    return any_high_bit(seen);
}
inline vector lookup(const nibble_table& table, vector nibbles) noexcept {
    return vector(vqtbl1q_u8(uint8x16_t(load(table.bytes)), uint8x16_t(nibbles)));
}
inline std::uint64_t zeros(vector octets) noexcept {
    const vector places{1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t bits = uint8x16_t(vector(octets == 0) & places);
    return static_cast<unsigned>(vaddv_u8(vget_low_u8(bits)) | vaddv_u8(vget_high_u8(bits)) << 8);
}
// Which characters are in a set, in vectors of any size. backends.hpp includes this in the namespace of each backend
// that has `lookup` and `zeros`. The latter gives a bit for each byte of a vector, set if the byte is zero.

/// Which of the 64 characters at `at` are in each of two sets.
SOCKLESS_TARGET inline characters_found find_in_block(const std::byte* at, const ascii_set& first,
                                                      const ascii_set& second) noexcept {
    std::uint64_t not_first = 0, not_second = 0;
    for (std::size_t i = 0; i != 64; i += sizeof(vector)) {
        const vector characters_here = load(at + i);
        const vector columns = characters_here & 0x0F;
        const vector rows = lookup(ascii_rows, characters_here >> 4);
        not_first |= std::uint64_t{zeros(lookup(first, columns) & rows)} << i;
        not_second |= std::uint64_t{zeros(lookup(second, columns) & rows)} << i;
    }
    return {~not_first, ~not_second};
}

/// Which of `size` characters, at least 64, are in each of two sets. The lowest bits of `found[0]` are those of the
/// first character. Writes `size / 64 + 1` elements of `found`. The bits behind the last character are 0.
SOCKLESS_TARGET inline void find_characters(const std::byte* text, std::size_t size, const ascii_set& first,
                                            const ascii_set& second, characters_found* found) noexcept {
    for (std::size_t i = 0; i + 64 <= size; i += 64) *found++ = find_in_block(text + i, first, second);
    // The last block overlaps with the one before it, whose bits are shifted out.
    const characters_found last = find_in_block(text + size - 64, first, second);
    const std::size_t before = 63 - size % 64;
    *found = {last.first >> before >> 1, last.second >> before >> 1};
}
// The check of UTF-8, in vectors of any size. backends.hpp includes this in the namespace of each backend that has
// `lookup`, behind kernels_octets.inc.

/// The errors of the bytes at `at`, zero for a byte that is right. Each byte is judged together with the three before
/// it, so there must be three bytes before `at`. Three nibbles of each pair of neighbours are looked up. Each look-up
/// gives the errors that are possible with that nibble; an error that all three give is real (Keiser and Lemire,
/// "Validating UTF-8 in less than one instruction per byte", 2021).
SOCKLESS_TARGET inline vector wrong_utf8(const std::byte* at) noexcept {
    const vector second = load(at);
    const vector first = load(at - 1);
    const vector classes = lookup(utf8_classes::first_high, first >> 4) &
                           lookup(utf8_classes::first_low, first & 0x0F) &
                           lookup(utf8_classes::second_high, second >> 4);
    // The second of two continuation bytes is right if a character of three or four bytes begins two bytes before it,
    // or a character of four bytes begins three bytes before it. Otherwise it is wrong.
    const vector due = vector(load(at - 2) >= 0xE0) | vector(load(at - 3) >= 0xF0);
    return classes ^ (due & utf8_classes::two_continuations);
}

/// The number of bytes of `text` that are valid: all `size`, or those before a group of vectors that has an error.
/// `size` is at least that of a vector and three bytes, and the first three bytes are known to be valid. The last
/// character of the valid bytes may be cut off. If only its first byte is there, that byte is not judged.
SOCKLESS_TARGET [[nodiscard]] inline std::size_t valid_utf8(const std::byte* text, std::size_t size) noexcept {
    constexpr std::size_t step = sizeof(vector), group = 4 * step;
    if (size < 3 + group) {
        vector wrong = wrong_utf8(text + size - step);
        for (std::size_t i = 3; i + step < size; i += step) wrong |= wrong_utf8(text + i);
        return any_high_bit(vector(wrong != 0)) ? 3 : size;
    }
    for (std::size_t i = 3;; i += group) {
        // The last group overlaps with the one before it.
        if (i + group > size) i = size - group;
        const std::byte* const at = text + i;
        const vector seen = (load(at - 3) | load(at)) | (load(at + step) | load(at + 2 * step)) | load(at + 3 * step);
        if (any_high_bit(seen)) {
            const vector wrong =
                (wrong_utf8(at) | wrong_utf8(at + step)) | (wrong_utf8(at + 2 * step) | wrong_utf8(at + 3 * step));
            if (any_high_bit(vector(wrong != 0))) return i;
        }
        if (i + group == size) return size;
    }
}
} // namespace neon
#endif

#undef SOCKLESS_TARGET

} // namespace sockless::detail

// ======================================= sockless/detail/simd/dispatch.hpp ========================================
// The abilities of this processor, and the best backend for each algorithm.

namespace sockless::detail {

#if defined(SOCKLESS_ASKS_PROCESSOR)
// The runtime of the compiler asks the processor once, before `main`. So each of these functions is a load and a test.

[[nodiscard]] inline bool has_ssse3() noexcept { return __builtin_cpu_supports("ssse3") != 0; }
[[nodiscard]] inline bool has_avx2() noexcept { return __builtin_cpu_supports("avx2") != 0; }

/// False for the first processors with AVX-512, which slow down when they use it. They have no VBMI.
[[nodiscard]] inline bool has_avx512() noexcept { return __builtin_cpu_supports("avx512vbmi") != 0; }

[[nodiscard]] inline bool has_sha() noexcept {
#if defined(__clang__) ? __clang_major__ >= 19 : __GNUC__ >= 11
    return __builtin_cpu_supports("sha") != 0;
#else
    return false; // older compilers do not know the name
#endif
}
#endif

/// The best backend that every processor of this kind has.
#if defined(SOCKLESS_SSE2)
namespace always = sse2;
#elif defined(__aarch64__)
namespace always = neon;
#else
namespace always = words;
#endif

/// The algorithms by the best backend for a size on this processor. This costs a call and the choice, so short texts do
/// not come here. Never inlined: the code for short texts would have to save the vectors of these.
namespace widest {

inline constexpr std::size_t least_octets = 128;

[[nodiscard]] SOCKLESS_NEVER_INLINE inline bool mask(std::byte* to, const std::byte* from, std::size_t size,
                                                     std::uint32_t key) noexcept {
#if defined(SOCKLESS_WIDE_VECTORS)
    // The first and the last store are not aligned. For few bytes they cost more than the wide stores win.
    if (size >= 4096 && has_avx512()) return avx512::mask_many(to, from, size, key);
    if (has_avx2()) return avx2::mask_many(to, from, size, key);
#endif
    return always::mask_many(to, from, size, key);
}

[[nodiscard]] SOCKLESS_NEVER_INLINE inline bool not_ascii(const std::byte* data, std::size_t size) noexcept {
#if defined(SOCKLESS_WIDE_VECTORS)
    if (has_avx2()) return avx2::not_ascii_many(data, size);
#endif
    return always::not_ascii_many(data, size);
}

inline constexpr std::size_t least_utf8 = 16 + 3;

/// 0 if the processor has no backend for it.
[[nodiscard]] SOCKLESS_NEVER_INLINE inline std::size_t valid_utf8(const std::byte* text, std::size_t size) noexcept {
#if defined(SOCKLESS_WIDE_VECTORS)
    if (size >= sizeof(avx512::vector) + 3 && has_avx512()) return avx512::valid_utf8(text, size);
    if (size >= sizeof(avx2::vector) + 3 && has_avx2()) return avx2::valid_utf8(text, size);
#endif
#if defined(SOCKLESS_ASKS_PROCESSOR)
    return has_ssse3() ? ssse3::valid_utf8(text, size) : 0;
#elif defined(__aarch64__)
    return neon::valid_utf8(text, size);
#else
    static_cast<void>(text);
    static_cast<void>(size);
    return 0;
#endif
}

inline constexpr std::size_t least_characters = 64;

/// Whether any processor of this kind has a backend that finds characters.
#if defined(SOCKLESS_ASKS_PROCESSOR) || defined(__aarch64__)
inline constexpr bool may_find_characters = true;
#else
inline constexpr bool may_find_characters = false;
#endif

/// False if this processor has no backend for it; then nothing was written.
[[nodiscard]] SOCKLESS_NEVER_INLINE inline bool find_characters(const std::byte* text, std::size_t size,
                                                                const ascii_set& first, const ascii_set& second,
                                                                characters_found* found) noexcept {
#if defined(SOCKLESS_WIDE_VECTORS)
    if (has_avx512()) return avx512::find_characters(text, size, first, second, found), true;
    if (has_avx2()) return avx2::find_characters(text, size, first, second, found), true;
#endif
#if defined(SOCKLESS_ASKS_PROCESSOR)
    if (has_ssse3()) return ssse3::find_characters(text, size, first, second, found), true;
    return false;
#elif defined(__aarch64__)
    return neon::find_characters(text, size, first, second, found), true;
#else
    static_cast<void>(text);
    static_cast<void>(size);
    static_cast<void>(first);
    static_cast<void>(second);
    static_cast<void>(found);
    return false;
#endif
}

} // namespace widest

} // namespace sockless::detail

// ============================================= sockless/http/text.hpp =============================================
// The characters of HTTP: tokens, field values, white space, case (RFC 9110 section 5, RFC 3986).

namespace sockless::http::detail {

/// Classes of characters, as bits of one table.
enum character_class : std::uint8_t {
    in_token = 1,   ///< tchar, RFC 9110 section 5.6.2
    in_value = 2,   ///< VCHAR, obs-text, SP, HTAB, RFC 9110 section 5.5
    in_target = 4,  ///< VCHAR. More than RFC 3986 allows, as browsers leave some of `{}|\^` as they are.
    in_host = 8,    ///< reg-name but for the `%` of an octet in hexadecimal digits, RFC 3986 section 3.2.2
    in_address = 16 ///< an address of a later version than IPv6, RFC 3986 section 3.2.2
};

struct character_table {
    std::uint8_t classes[256];

    consteval character_table() noexcept : classes{} {
        for (unsigned c = 0x20; c != 256; ++c) add(c, c == 0x7f ? 0 : in_value);
        for (unsigned c = 0x21; c != 0x7f; ++c) add(c, in_target);
        for (unsigned c = '0'; c <= '9'; ++c) add(c, in_token | in_host | in_address);
        for (unsigned c = 'a'; c <= 'z'; ++c) add(c, in_token | in_host | in_address);
        for (unsigned c = 'A'; c <= 'Z'; ++c) add(c, in_token | in_host | in_address);
        add('\t', in_value);
        for (const char c : std::string_view("!#$%&'*+-.^_`|~")) add(static_cast<unsigned char>(c), in_token);
        for (const char c : std::string_view("-._~!$&'()*+,;=")) add(static_cast<unsigned char>(c), in_host);
        for (const char c : std::string_view("-._~!$&'()*+,;=:")) add(static_cast<unsigned char>(c), in_address);
    }

    consteval void add(unsigned c, int more) noexcept { classes[c] = static_cast<std::uint8_t>(classes[c] | more); }
};

inline constexpr character_table character_classes{};

/// The ASCII characters that are of a class, or those that are not.
[[nodiscard]] consteval ascii_set ascii_characters(character_class wanted, bool of_class) noexcept {
    unsigned char columns[16] = {};
    for (unsigned c = 0; c != 0x80; ++c) {
        const bool in_class = (character_classes.classes[c] & wanted) != 0;
        if (in_class == of_class) columns[c % 16] = static_cast<unsigned char>(columns[c % 16] | 1U << c / 16);
    }
    return ascii_set(columns);
}

inline constexpr ascii_set token_set = ascii_characters(in_token, true);
inline constexpr ascii_set control_set = ascii_characters(in_value, false);

/// Whether the character `c`, a `char` or `std::byte`, is of a class.
template <class Byte>
[[nodiscard]] constexpr bool is_in(character_class wanted, Byte c) noexcept {
    return (character_classes.classes[static_cast<unsigned char>(c)] & wanted) != 0;
}

/// The first in [at, end) that is not of a class, or `end`.
template <class Byte>
[[nodiscard]] constexpr const Byte* skip(character_class wanted, const Byte* at, const Byte* end) noexcept {
    while (at != end && is_in(wanted, *at)) ++at;
    return at;
}

/// `skip(Class, at, end)`, a block at a time. `Suspect` says which characters of a block may not be of the class: all
/// that are not, and few others.
template <character_class Class, auto Suspect, class Byte>
[[nodiscard]] constexpr const Byte* skip_blocks(const Byte* at, const Byte* end) noexcept {
    if (!std::is_constant_evaluated()) {
        const auto sought = [](most_characters::block text) { return Suspect(text); };
        while (static_cast<std::size_t>(end - at) >= half_block) {
            at = first_in_blocks(sought, at, end);
            if (at == end || !is_in(Class, *at)) return at;
            ++at;
        }
    }
    return skip(Class, at, end);
}

/// `skip(in_token, at, end)`
template <class Byte>
[[nodiscard]] constexpr const Byte* skip_token(const Byte* at, const Byte* end) noexcept {
    return skip_blocks<in_token, most_characters::unusual>(at, end);
}

/// `skip(in_target, at, end)`
template <class Byte>
[[nodiscard]] constexpr const Byte* skip_target(const Byte* at, const Byte* end) noexcept {
    return skip_blocks<in_target, most_characters::invisible>(at, end);
}

/// `skip(in_value, at, end)`
template <class Byte>
[[nodiscard]] constexpr const Byte* skip_value(const Byte* at, const Byte* end) noexcept {
    return skip_blocks<in_value, most_characters::controls>(at, end);
}

/// `skip(in_host, at, end)`
template <class Byte>
[[nodiscard]] constexpr const Byte* skip_host(const Byte* at, const Byte* end) noexcept {
    return skip_blocks<in_host, most_characters::unusual>(at, end);
}

[[nodiscard]] constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

/// The value of a hexadecimal digit, or -1.
[[nodiscard]] constexpr int hex_digit(char c) noexcept {
    if (is_digit(c)) return c - '0';
    const char lowered = lower(c);
    return lowered >= 'a' && lowered <= 'f' ? lowered - 'a' + 10 : -1;
}

/// Whether words of eight characters, or less, differ in nothing but the case of ASCII letters.
[[nodiscard]] constexpr bool differ_in_case_only(std::uint64_t a, std::uint64_t b) noexcept {
    constexpr std::uint64_t each = 0x0101010101010101U;
    const std::uint64_t differences = a ^ b;
    if ((differences & ~(each * 0x20)) != 0) return false;
    // A letter, in lower case, is from `a` to `z`: the sum of a character below 0x80 and a constant reaches the top bit
    // if the character is large enough. Of two that differ in bit 0x20 only, both are letters or none is.
    const std::uint64_t lowered = (a | each * 0x20) & each * 0x7f;
    const std::uint64_t letters = (lowered + each * (0x80 - 'a')) & ~(lowered + each * (0x7f - 'z')) & ~a & each * 0x80;
    return (differences & ~(letters >> 2)) == 0;
}

/// Whether `size` characters, which are at least a word, are equal but for case. The last word may overlap with the one
/// before it.
template <class Word>
[[nodiscard]] inline bool equal_words_ignoring_case(const char* a, const char* b, std::size_t size) noexcept {
    const auto same = [a, b](std::size_t at) {
        Word left, right;
        std::memcpy(&left, a + at, sizeof left);
        std::memcpy(&right, b + at, sizeof right);
        return left == right || differ_in_case_only(left, right);
    };
    for (std::size_t at = 0; size - at > sizeof(Word); at += sizeof(Word)) {
        if (!same(at)) return false;
    }
    return same(size - sizeof(Word));
}

} // namespace sockless::http::detail

namespace sockless::http {

/// Whether `text` is a token: a method, a field name, a subprotocol and so on. RFC 9110 section 5.6.2.
[[nodiscard]] constexpr bool is_token(std::string_view text) noexcept {
    const char* const end = text.data() + text.size();
    return !text.empty() && detail::skip_token(text.data(), end) == end;
}

/// Whether `text` may stand as the value of a field: no control character but HTAB. May be empty. RFC 9110 section 5.5.
[[nodiscard]] constexpr bool is_field_value(std::string_view text) noexcept {
    const char* const end = text.data() + text.size();
    return detail::skip_value(text.data(), end) == end;
}

/// Whether `text` may stand as a request target: visible ASCII, at least one. RFC 9112 section 3.2.
[[nodiscard]] constexpr bool is_target(std::string_view text) noexcept {
    const char* const end = text.data() + text.size();
    return !text.empty() && detail::skip_target(text.data(), end) == end;
}

/// Whether two texts are equal if the case of ASCII letters does not count.
[[nodiscard]] constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    if (!std::is_constant_evaluated()) {
        if (b.size() >= 8) return detail::equal_words_ignoring_case<std::uint64_t>(a.data(), b.data(), b.size());
        if (b.size() >= 4) return detail::equal_words_ignoring_case<std::uint32_t>(a.data(), b.data(), b.size());
    }
    for (std::size_t i = 0; i != b.size(); ++i) {
        if (detail::lower(a[i]) != detail::lower(b[i])) return false;
    }
    return true;
}

} // namespace sockless::http

// ============================================ sockless/http/fields.hpp ============================================
// The fields of a head, read in place, and the questions that are asked of any list of fields.

namespace sockless::http::detail {

/// The sizes of the first field lines of a head, as a scanner found them: so a walk through the lines does not look for
/// their ends again. 0 for a line that was not found as a whole, or is too long: its ends are looked for.
struct field_line_sizes {
    static constexpr std::size_t most = 16;

    /// The line without its end is `line` characters long, of which the name is `name`.
    constexpr void add(std::size_t number, std::size_t name, std::size_t line) noexcept {
        if (number >= most || line > 255) return;
        names[number] = static_cast<std::uint8_t>(name);
        lines[number] = static_cast<std::uint8_t>(line);
    }

    /// The line has turned out to be longer.
    constexpr void forget(std::size_t number) noexcept {
        if (number < most) lines[number] = 0;
    }

    std::uint8_t names[most]{};
    std::uint8_t lines[most]{};
};

/// The end of the name in a field line, the end of the line, and the place at which the next line begins.
struct field_line_ends {
    const char* name;
    const char* line;
    const char* next;
};

struct name_and_line_ends {
    const char* name;
    const char* line;
};

[[nodiscard]] SOCKLESS_NEVER_INLINE constexpr name_and_line_ends look_for_ends(const char* line,
                                                                               const char* end) noexcept {
    // The end of the line is found first, so that reading the next line does not wait for the colon of this one.
    const char* line_end = find('\n', line, end);
    if (line_end != end && line_end != line && line_end[-1] == '\r') --line_end;
    const char* const colon = find(':', line, end);
    return {colon < line_end ? colon : line_end, line_end};
}

/// The ends of the line that begins at `line` and is not empty, and is the `number`th of the lines up to `end`. The end
/// of a line whose sizes are known is CR LF.
[[nodiscard]] SOCKLESS_ALWAYS_INLINE constexpr field_line_ends
ends_of(const char* line, const char* end, const field_line_sizes& sizes, std::size_t number) noexcept {
    if (number < field_line_sizes::most && sizes.lines[number] != 0) {
        const char* const line_end = line + sizes.lines[number];
        return {line + sizes.names[number], line_end, line_end + 2};
    }
    const auto [name, line_end] = look_for_ends(line, end);
    if (line_end == end) return {name, line_end, end};
    return {name, line_end, line_end + (*line_end == '\r' ? 2 : 1)};
}

[[nodiscard]] constexpr std::string_view name_in(const char* line, const field_line_ends& ends) noexcept {
    return text_at(line, static_cast<std::size_t>(ends.name - line));
}

[[nodiscard]] SOCKLESS_ALWAYS_INLINE constexpr std::string_view value_in(const field_line_ends& ends) noexcept {
    return trimmed(ends.name == ends.line ? ends.line : ends.name + 1, ends.line);
}

/// Finds one field line after the other in [line, end).
struct field_finder {
    using value_type = field;

    constexpr field_finder() noexcept = default;
    SOCKLESS_ALWAYS_INLINE constexpr field_finder(const char* first, const char* last,
                                                  const field_line_sizes& known) noexcept
        : line(first), end(last), sizes(known) {
        read();
    }

    SOCKLESS_ALWAYS_INLINE constexpr void advance() noexcept {
        line = next;
        ++number;
        read();
    }
    [[nodiscard]] constexpr const char* place() const noexcept { return line == end ? nullptr : line; }

    SOCKLESS_ALWAYS_INLINE constexpr void read() noexcept {
        if (line == end) return;
        const field_line_ends ends = ends_of(line, end, sizes, number);
        current = {name_in(line, ends), value_in(ends)};
        next = ends.next;
    }

    const char* line = nullptr;
    const char* next = nullptr;
    const char* end = nullptr;
    std::size_t number = 0;
    field current{};
    field_line_sizes sizes{};
};

} // namespace sockless::http::detail

namespace sockless::http {

/// The field lines of one head in the order of the wire: a forward range of `field` that stores no views and makes each
/// as it goes. Views of the text that it was made from, and valid as long.
///
///     for (const field& each : head.fields) print(each.name, each.value);
///     const std::string_view host = http::first(head.fields, "host");
class fields {
  public:
    using iterator = detail::lazy_iterator<detail::field_finder>;

    constexpr fields() noexcept = default;

    /// Of field lines that a head parser has checked, each with its end of line.
    constexpr explicit fields(std::string_view checked_lines, const detail::field_line_sizes& sizes = {}) noexcept
        : lines_(checked_lines), sizes_(sizes) {}

    /// Iterators over the fields, and whether there is none.
    [[nodiscard]] constexpr iterator begin() const noexcept {
        return iterator(lines_.data(), lines_.data() + lines_.size(), sizes_);
    }
    [[nodiscard]] constexpr iterator end() const noexcept { return {}; }
    [[nodiscard]] constexpr bool empty() const noexcept { return lines_.empty(); }

    /// The lines as they lie, each with its end of line.
    [[nodiscard]] constexpr std::string_view text() const noexcept { return lines_; }

    /// The sizes of the first of them, as far as they are known.
    [[nodiscard]] constexpr const detail::field_line_sizes& sizes() const noexcept { return sizes_; }

  private:
    std::string_view lines_{};
    detail::field_line_sizes sizes_{};
};

} // namespace sockless::http

namespace sockless::http::detail {

/// Calls `visit(name, value)` for each field, in their order; `value()` gives the value.
template <class Fields, class Visit>
SOCKLESS_ALWAYS_INLINE constexpr void visit_fields(const Fields& all, Visit visit) noexcept {
    for (const field& each : all) {
        visit(each.name, [&each] { return each.value; });
    }
}

/// The same for a head: a value costs nothing before it is asked for.
template <class Visit>
SOCKLESS_ALWAYS_INLINE constexpr void visit_fields(const http::fields& all, Visit visit) noexcept {
    const char* line = all.text().data();
    const char* const end = line + all.text().size();
    for (std::size_t number = 0; line != end; ++number) {
        const field_line_ends ends = ends_of(line, end, all.sizes(), number);
        visit(name_in(line, ends), [&ends] { return value_in(ends); });
        line = ends.next;
    }
}

/// Gives `visit` the value of each field of this name, in their order, until it returns true. Returns whether it did.
template <class Fields, class Visit>
constexpr bool visit_values(const Fields& all, std::string_view name, Visit visit) noexcept {
    for (const field& each : all) {
        if (http::equal_ignoring_case(each.name, name) && visit(each.value)) return true;
    }
    return false;
}

/// The same for a head: lines that are known to have a name of another size are passed over.
template <class Visit>
constexpr bool visit_values(const http::fields& all, std::string_view name, Visit visit) noexcept {
    const char* line = all.text().data();
    const char* const end = line + all.text().size();
    const field_line_sizes& sizes = all.sizes();
    for (std::size_t number = 0;; ++number) {
        while (number < field_line_sizes::most && sizes.lines[number] != 0 && sizes.names[number] != name.size()) {
            line += sizes.lines[number++] + 2;
        }
        if (line == end) return false;
        const field_line_ends ends = ends_of(line, end, sizes, number);
        if (http::equal_ignoring_case(name_in(line, ends), name) && visit(value_in(ends))) return true;
        line = ends.next;
    }
}

} // namespace sockless::http::detail

namespace sockless::http {

/// How many of the fields have this name. Names are compared without regard to case; `Fields` is any range of `field`.
template <class Fields>
[[nodiscard]] constexpr std::size_t count(const Fields& all, std::string_view name) noexcept {
    std::size_t found = 0;
    detail::visit_values(all, name, [&found](std::string_view) {
        ++found;
        return false;
    });
    return found;
}

/// The value of the first field of this name; empty if there is none. Valid as long as the field.
template <class Fields>
[[nodiscard]] constexpr std::string_view first(const Fields& all, std::string_view name) noexcept {
    std::string_view found{};
    detail::visit_values(all, name, [&found](std::string_view value) {
        found = value;
        return true;
    });
    return found;
}

} // namespace sockless::http

// ============================================= sockless/http/errc.hpp =============================================
// Everything that can be wrong with the head or body of an HTTP/1.1 message: one enumerator, one row of the table each.

namespace sockless::http {

/// Everything that can be wrong with a message of HTTP/1.1, or with a call of this layer.
enum class errc : std::uint8_t {
    none = 0,

    // Start line
    too_many_empty_lines,
    bad_method,
    bad_target,
    bad_version,
    unsupported_version,
    bad_status,
    bad_reason,
    start_line_too_long,

    // Field lines
    bare_cr,
    bare_lf,
    space_before_fields,
    obs_fold,
    bad_name,
    space_in_name,
    bad_value,
    field_line_too_long,
    too_many_fields,
    head_too_large,
    truncated,

    // Body
    bad_content_length,
    unsupported_transfer_coding,
    ambiguous_length,
    bad_chunk_size,
    bad_chunk_extension,
    chunk_extensions_too_long,
    bad_chunk_end,
    body_too_large,

    // The caller
    no_room,
    body_not_allowed,
};

namespace detail {

// The rows of `errc_rows`, with their texts.
inline constexpr error_row errc_texts[] = {
    {"none", "no error", "", 0, 0},

    {"too_many_empty_lines", "too many empty lines come before the request line", "RFC 9112 2.2", 0, 400},
    {"bad_method", "the method is not a token followed by one space", "RFC 9112 3.1", 0, 400},
    {"bad_target", "the request target is empty or has a character that is not allowed there", "RFC 9112 3.2", 0, 400},
    {"bad_version", "the HTTP version is missing or malformed", "RFC 9112 2.3", 0, 400},
    {"unsupported_version", "the major version of HTTP is not 1", "RFC 9110 15.6.6", 0, 505},
    {"bad_status", "the status code is not three digits after one space", "RFC 9112 4", 0, 400},
    {"bad_reason", "the reason phrase has a control character", "RFC 9112 4", 0, 400},
    {"start_line_too_long", "the start line is longer than the limit", "RFC 9110 15.5.15", 0, 414},

    {"bare_cr", "a carriage return is not followed by a line feed", "RFC 9112 2.2", 0, 400},
    {"bare_lf", "a line feed does not follow a carriage return", "RFC 9112 2.2", 0, 400},
    {"space_before_fields", "white space comes before the first field line", "RFC 9112 2.2", 0, 400},
    {"obs_fold", "a field line is continued on the next line", "RFC 9112 5.2", 0, 400},
    {"bad_name", "a field name is not a token followed by a colon", "RFC 9110 5.1", 0, 400},
    {"space_in_name", "white space stands in a field name or before its colon", "RFC 9112 5.1", 0, 400},
    {"bad_value", "a field value has a control character", "RFC 9110 5.5", 0, 400},
    {"field_line_too_long", "a field line is longer than the limit", "RFC 6585 5", 0, 431},
    {"too_many_fields", "the head has more field lines than the limit", "RFC 6585 5", 0, 431},
    {"head_too_large", "the head is larger than the limit or than the memory for it", "RFC 6585 5", 0, 431},
    {"truncated", "the input ended inside the message", "RFC 9112 8", 0, 400},

    {"bad_content_length", "Content-Length is not one decimal number", "RFC 9110 8.6", 0, 400},
    {"unsupported_transfer_coding", "the message has a transfer coding other than chunked alone", "RFC 9112 6.1", 0,
     501},
    {"ambiguous_length", "the message has both Content-Length and Transfer-Encoding", "RFC 9112 6.3", 0, 400},
    {"bad_chunk_size", "a chunk size is not hexadecimal, or does not fit in 64 bits", "RFC 9112 7.1", 0, 400},
    {"bad_chunk_extension", "the text after a chunk size is not a chunk extension", "RFC 9112 7.1.1", 0, 400},
    {"chunk_extensions_too_long", "the chunk extensions are longer than the limit", "RFC 9112 7.1.1", 0, 400},
    {"bad_chunk_end", "the data of a chunk is not followed by an end of line", "RFC 9112 7.1", 0, 400},
    {"body_too_large", "the body is larger than the limit", "RFC 9110 15.5.14", 0, 413},

    {"no_room", "the output has no room for this head; nothing was written", "", 0, 0},
    {"body_not_allowed", "a message with this status has no body", "RFC 9110 6.4.1", 0, 0},
};

} // namespace detail

/// One row per enumerator of `errc`, in its order. A server answers such a request with the status of the row. A client
/// that finds the same in a response sends no answer.
inline constexpr decltype(auto) errc_rows = sockless::detail::kept<'H'>(detail::errc_texts);

/// The row of `code`: its name, sentence, section and HTTP status.
[[nodiscard]] constexpr const sockless::detail::kept_error_row& row_of(errc code) noexcept {
    return errc_rows[static_cast<std::size_t>(code)];
}

static_assert(std::size(detail::errc_texts) == static_cast<std::size_t>(errc::body_not_allowed) + 1);
static_assert(detail::errc_texts[static_cast<std::size_t>(errc::truncated)].name == "truncated");

} // namespace sockless::http

// ============================================ sockless/http/limits.hpp ============================================
// How much an HTTP message may ask for before it is refused.

namespace sockless::http {

/// Bounds on one message. Each is exact: a message that is as large as the limit passes; one more is an error, at that
/// byte.
struct limits {
    /// Bytes of the request or status line, without its end of line. RFC 9112 section 3 asks for at least 8000.
    std::uint32_t start_line = 8192;

    /// Bytes of one field line, without its end of line. Large cookies and tokens come near 8 KiB.
    std::uint32_t field_line = 8192;

    /// Field lines of one head, and likewise of the trailer section of a body. Browsers send about 20.
    std::uint32_t fields = 100;

    /// Bytes of the whole head with all its ends of line, the last empty line, and empty lines before it. Also the
    /// most memory that a head which arrives in pieces can take.
    std::uint32_t head = 32768;

    /// Empty lines before a request line. RFC 9112 section 2.2 wants at least one to be skipped.
    std::uint32_t empty_lines = 4;

    /// Bytes of the chunk extensions of one body together. No peer needs any, yet each must be read to be skipped.
    std::uint32_t chunk_extensions = 4096;

    /// Bytes of a body without its framing. Only the body of a refused opening handshake is read, for people.
    std::uint64_t body = 65536;
};

} // namespace sockless::http

// ========================================= sockless/http/head_scanner.hpp =========================================
// The grammar of an HTTP/1.1 head as a state machine over single bytes, which can stop and go on at any of them.

namespace sockless::http {

/// Which of the two messages a head begins.
enum class message_kind : std::uint8_t { request, response };

} // namespace sockless::http

namespace sockless::http::detail {

/// Checks a head, or a trailer section, that comes in pieces of any size, and remembers where its elements begin and
/// end, as offsets in it. Looks at each byte once, at those of a line that is cut off twice; keeps none [H20].
class head_scanner {
  public:
    constexpr explicit head_scanner(http::message_kind kind) noexcept
        : phase_(kind == http::message_kind::request ? phase::empty_line : phase::version), kind_(kind) {}

    /// Says that the lines may end in LF alone, if the start line, the first line of all, does: see
    /// `basic_head_parser::take_bare_lf`.
    constexpr void take_bare_lf() noexcept { takes_bare_lf_ = true; }

    /// A scanner for field lines alone, as in the trailer section of a chunked body of this kind of message.
    [[nodiscard]] static constexpr head_scanner of_field_lines(http::message_kind kind) noexcept {
        head_scanner scanner(kind);
        scanner.phase_ = phase::field_begin;
        return scanner;
    }

    /// Takes bytes up to the end of the head, the first byte that is wrong, or the end of `piece`; says how many.
    constexpr std::size_t scan(cbytes piece, const http::limits& limits) noexcept {
        const std::byte* const begin = piece.data();
        const std::byte* const end = begin + piece.size();
        const std::byte* at = begin;
        base_ = position_;
        piece_ = begin;
        while (at != end && phase_ < phase::done) {
            if (phase_ == phase::field_begin && line_end_ == cr && !std::is_constant_evaluated()) {
                at = whole_field_lines(at, end, limits);
                if (at == end) break;
            }
            const bool in_start_line = phase_ < phase::field_begin;
            const std::uint32_t limit = in_start_line ? limits.start_line : limits.field_line;
            const std::size_t used = offset_of(at) - line_begin_;
            const std::byte* stop = end;
            if (used >= limit) {
                // Only the end of the line may stand beyond the limit (RFC 6585 section 5) [H20].
                if (!may_end_line(at)) {
                    at = fail(at, in_start_line ? http::errc::start_line_too_long : http::errc::field_line_too_long);
                    break;
                }
                stop = at + 1;
            } else if (static_cast<std::size_t>(end - at) > limit - used) {
                stop = at + (limit - used);
            }
            at = step(at, stop, limits);
        }
        position_ = static_cast<std::uint32_t>(offset_of(at));
        piece_ = nullptr;
        return static_cast<std::size_t>(at - begin);
    }

    [[nodiscard]] constexpr bool done() const noexcept { return phase_ == phase::done; }
    [[nodiscard]] constexpr http::errc error() const noexcept { return error_; }

    /// Whether nothing of a head has come yet but empty lines before it.
    [[nodiscard]] constexpr bool idle() const noexcept {
        return phase_ == phase::empty_line || (kind_ == http::message_kind::response && position_ == 0);
    }

    /// How many bytes were taken since the beginning, empty lines included; after an error, the place of the wrong
    /// byte.
    [[nodiscard]] constexpr std::uint32_t position() const noexcept { return position_; }

    /// Whether the lines end in LF alone.
    [[nodiscard]] constexpr bool has_bare_lf() const noexcept { return line_end_ == lf; }

    /// Whether a field line of a response was folded. Then the owner replaces the folding before it reads the fields:
    /// see `unfold`.
    [[nodiscard]] constexpr bool folded() const noexcept { return folded_; }

    [[nodiscard]] constexpr std::uint16_t status() const noexcept { return status_; }
    [[nodiscard]] constexpr std::uint8_t minor_version() const noexcept { return minor_version_; }

    /// The elements of the head that `scan` has taken; `text` is all of it.
    [[nodiscard]] constexpr std::string_view method(std::string_view text) const noexcept {
        return detail::text_at(text.data() + first_begin_, first_end_ - first_begin_);
    }
    [[nodiscard]] constexpr std::string_view target(std::string_view text) const noexcept {
        return detail::text_at(text.data() + first_end_ + 1, second_end_ - first_end_ - 1);
    }
    [[nodiscard]] constexpr std::string_view reason(std::string_view text) const noexcept {
        return detail::text_at(text.data() + first_begin_, first_end_ - first_begin_);
    }
    [[nodiscard]] constexpr http::fields fields(std::string_view text) const noexcept {
        const std::uint32_t empty_line = has_bare_lf() ? 1 : 2;
        return http::fields(text_at(text.data() + fields_begin_, position_ - fields_begin_ - empty_line), sizes_);
    }

    /// The place of the method in a request. Its end is 0 before it was found.
    [[nodiscard]] constexpr std::uint32_t method_begin() const noexcept { return first_begin_; }
    [[nodiscard]] constexpr std::uint32_t method_end() const noexcept { return first_end_; }

    [[nodiscard]] constexpr bool target_is_path(std::string_view text) const noexcept {
        return text.data()[first_end_ + 1] == '/';
    }

    /// Makes the target longer by one character: the owner has put that into the text of the head, over the space
    /// behind the target.
    constexpr void extend_target() noexcept { ++second_end_; }

    /// The place where the field lines begin.
    [[nodiscard]] constexpr std::uint32_t fields_begin() const noexcept { return fields_begin_; }

  private:
    // In the order of the wire: first those of the start line, then those of the field lines, then the ends.
    enum class phase : std::uint8_t {
        empty_line,
        empty_line_lf,
        method,
        target,
        version,
        minor_version,
        request_line_cr,
        status_space,
        status,
        status_end,
        reason,
        start_line_lf,
        field_begin,
        name,
        value,
        field_lf,
        head_lf,
        done,
        failed,
    };
    using pointer = const std::byte*;

    static constexpr std::byte cr{'\r'};
    static constexpr std::byte lf{'\n'};
    static constexpr std::byte space{' '};

    [[nodiscard]] constexpr std::size_t offset_of(pointer at) const noexcept {
        return base_ + static_cast<std::size_t>(at - piece_);
    }

    constexpr void mark(std::uint32_t& place, pointer at) const noexcept {
        place = static_cast<std::uint32_t>(offset_of(at));
    }

    // The one way out for everything that is wrong. A line feed that is out of place is a bare one wherever it is, and
    // so are those before a carriage return in a head whose lines end without one (RFC 9112 section 2.2) [H2].
    constexpr pointer fail(pointer at, http::errc error) noexcept {
        error_ = *at == (line_end_ == cr ? lf : cr) ? http::errc::bare_lf : error;
        phase_ = phase::failed;
        return at;
    }

    // Whether `at` is a byte of an end of line, or should be.
    [[nodiscard]] constexpr bool may_end_line(pointer at) const noexcept {
        return *at == cr || *at == lf || phase_ == phase::empty_line_lf || phase_ == phase::start_line_lf ||
               phase_ == phase::field_lf || phase_ == phase::head_lf;
    }

    // Whether the start line ends at `at`. If it does in LF alone, and the owner takes that, so do all lines of the
    // head: two kinds of ends in one head are an error, as two readers could then find its end at two places (RFC 9112
    // section 2.2) [H2].
    [[nodiscard]] constexpr bool ends_start_line(pointer at) noexcept {
        if (*at == lf && takes_bare_lf_ && count_ == 0) line_end_ = lf;
        return *at == line_end_;
    }

    // The line ends at `at`; its LF comes next.
    constexpr pointer to_lf(pointer at, phase next) noexcept {
        phase_ = next;
        return *at == cr ? at + 1 : at;
    }

    // Takes one or more elements from [at, stop), which is not empty.
    constexpr pointer step(pointer at, pointer stop, const http::limits& limits) noexcept {
        switch (phase_) {
        case phase::empty_line:
        case phase::empty_line_lf: return empty_lines(at, limits);
        case phase::method:
        case phase::target: return method_and_target(at, stop);
        case phase::version:
        case phase::minor_version: return version(at, stop);
        case phase::request_line_cr:
            return ends_start_line(at) ? to_lf(at, phase::start_line_lf) : fail(at, http::errc::bad_version);
        case phase::status_space:
        case phase::status:
        case phase::status_end: return status_code(at);
        case phase::reason: return reason_phrase(at, stop);
        case phase::start_line_lf: return start_line_lf(at);
        case phase::head_lf: return *at == lf ? go_on(at, phase::done) : fail(at, http::errc::bare_cr);
        case phase::field_begin:
        case phase::name:
        case phase::value:
        case phase::field_lf: return field_line(at, stop, limits);
        case phase::done:
        case phase::failed: break;
        }
        return stop;
    }

    constexpr pointer go_on(pointer at, phase next) noexcept {
        phase_ = next;
        return at + 1;
    }

    // A server skips empty lines before a request line, which some clients send after a body; not without end (RFC 9112
    // section 2.2) [H2].
    constexpr pointer empty_lines(pointer at, const http::limits& limits) noexcept {
        if (phase_ == phase::empty_line_lf) {
            if (*at != lf) return fail(at, http::errc::bare_cr);
            mark(line_begin_, at + 1);
            return go_on(at, phase::empty_line);
        }
        if (*at != cr) {
            phase_ = phase::method;
            mark(first_begin_, at);
            return at;
        }
        if (count_ == limits.empty_lines) return fail(at, http::errc::too_many_empty_lines);
        ++count_;
        return go_on(at, phase::empty_line_lf);
    }

    // The method is a token, the target has no white space and no controls, and one space follows each (RFC 9112
    // section 3) [H1].
    constexpr pointer method_and_target(pointer at, pointer stop) noexcept {
        if (phase_ == phase::method) {
            at = skip(in_token, at, stop);
            if (at == stop) return at;
            if (*at != space || offset_of(at) == first_begin_) return fail(at, http::errc::bad_method);
            mark(first_end_, at);
            phase_ = phase::target;
            if (++at == stop) return at;
        }
        at = skip_target(at, stop);
        if (at == stop) return at;
        if (offset_of(at) == first_end_ + 1) return fail(at, http::errc::bad_target);
        if (*at != space) return fail(at, *at == cr ? http::errc::bad_version : http::errc::bad_target);
        mark(second_end_, at);
        return go_on(at, phase::version);
    }

    // The version is `HTTP/1.` and one digit (RFC 9112 section 2.3) [H1]. A minor version that is not known is read
    // like the highest that is known (RFC 9110 section 2.5).
    constexpr pointer version(pointer at, pointer stop) noexcept {
        constexpr std::string_view expected = "HTTP/1.";
        if (phase_ == phase::version) {
            constexpr std::string_view usual = "HTTP/1.1\r\n";
            if (matched_ == 0 && kind_ == http::message_kind::request && !std::is_constant_evaluated() &&
                static_cast<std::size_t>(stop - at) >= usual.size() &&
                equal_in_words<std::uint64_t>(text_of({at, usual.size()}).data(), usual.data(), usual.size())) {
                // The short way, which nearly all take.
                minor_version_ = 1;
                return start_line_lf(at + usual.size() - 1);
            }
            while (at != stop && matched_ != expected.size()) {
                const char c = static_cast<char>(*at);
                if (c != expected[matched_]) {
                    const bool other_major = matched_ == 5 && is_digit(c);
                    return fail(at, other_major ? http::errc::unsupported_version : http::errc::bad_version);
                }
                ++at;
                ++matched_;
            }
            if (matched_ != expected.size()) return at;
            matched_ = 0;
            phase_ = phase::minor_version;
            if (at == stop) return at;
        }
        if (!is_digit(static_cast<char>(*at))) return fail(at, http::errc::bad_version);
        minor_version_ = static_cast<std::uint8_t>(static_cast<char>(*at) - '0');
        return go_on(at, kind_ == http::message_kind::request ? phase::request_line_cr : phase::status_space);
    }

    // Three digits (RFC 9112 section 4). The space after them is required, but servers that give no reason are known
    // to leave it out, and nothing else can be meant.
    constexpr pointer status_code(pointer at) noexcept {
        if (phase_ == phase::status_space) {
            return *at == space ? go_on(at, phase::status) : fail(at, http::errc::bad_version);
        }
        if (phase_ == phase::status) {
            const char c = static_cast<char>(*at);
            if (!is_digit(c) || (matched_ == 0 && c == '0')) return fail(at, http::errc::bad_status);
            status_ = static_cast<std::uint16_t>(status_ * 10 + (c - '0'));
            return go_on(at, ++matched_ == 3 ? phase::status_end : phase::status);
        }
        mark(first_begin_, at + 1);
        mark(first_end_, at + 1);
        if (ends_start_line(at)) return to_lf(at, phase::start_line_lf);
        return *at == space ? go_on(at, phase::reason) : fail(at, http::errc::bad_status);
    }

    constexpr pointer reason_phrase(pointer at, pointer stop) noexcept {
        at = skip_value(at, stop);
        if (at == stop) return at;
        if (!ends_start_line(at)) return fail(at, http::errc::bad_reason);
        mark(first_end_, at);
        return to_lf(at, phase::start_line_lf);
    }

    constexpr pointer start_line_lf(pointer at) noexcept {
        if (*at != lf) return fail(at, http::errc::bare_cr);
        count_ = 0;
        mark(fields_begin_, at + 1);
        mark(line_begin_, at + 1);
        return go_on(at, phase::field_begin);
    }

    // The short way, many characters at a time: takes field lines that are there as a whole, right, and within their
    // limits. The first that is not is left to the long way, so each rule stands in one place.
    pointer whole_field_lines(pointer at, pointer end, const http::limits& limits) noexcept {
        constexpr std::size_t most = 1024;
        if constexpr (!widest::may_find_characters) return at;
        for (;;) {
            const auto left = static_cast<std::size_t>(end - at);
            if (left < widest::least_characters) return at;
            const std::size_t size = left < most ? left : most;
            characters_found found[most / 64 + 1]; // tokens and controls
            if (!widest::find_characters(at, size, token_set, control_set, found)) return at;
            const std::size_t taken = field_lines_among(at, size, found, limits);
            at += taken;
            if (taken == 0 || size != most) return at;
        }
    }

    std::size_t field_lines_among(pointer text, std::size_t size, const characters_found* found,
                                  const http::limits& limits) noexcept {
        std::size_t begin = 0; // of a line
        std::uint64_t before = 0;
        std::uint32_t count = count_;
        for (std::size_t block = 0; block <= size / 64; ++block) {
            // The first of neighbouring controls, as LF stands next to CR; another one that does would begin a line,
            // and is no token there.
            const std::uint64_t all = found[block].second;
            std::uint64_t left = all & ~(all << 1 | before >> 63);
            before = all;
            for (; left != 0; left &= left - 1) {
                const std::size_t end = 64 * block + static_cast<std::size_t>(std::countr_zero(left));
                const std::size_t colon = end_of_token(found, begin);
                const bool right = text[colon] == std::byte{':'} && colon != begin && text[end] == cr &&
                                   end + 1 != size && text[end + 1] == lf;
                if (!right || end - begin > limits.field_line || count == limits.fields) {
                    return lines_end(text, size, begin, count);
                }
                sizes_.add(count, colon - begin, end - begin);
                begin = end + 2;
                ++count;
            }
        }
        return lines_end(text, size, begin, count);
    }

    constexpr std::size_t lines_end(pointer text, std::size_t size, std::size_t taken, std::uint32_t count) noexcept {
        if (taken == 0) return 0;
        count_ = count;
        mark(line_begin_, text + taken);
        if (kind_ == http::message_kind::response && (taken == size || is_white(static_cast<char>(text[taken])))) {
            // The next line may go on with this one.
            std::size_t begin = taken - 1;
            while (begin != 0 && text[begin - 1] != lf) --begin;
            mark(last_field_, text + begin);
        }
        return taken;
    }

    // There is one, as nothing behind the text is a token.
    [[nodiscard]] static std::size_t end_of_token(const characters_found* found, std::size_t at) noexcept {
        std::size_t block = at / 64;
        std::uint64_t others = ~found[block].first >> at % 64;
        if (others != 0) return at + static_cast<std::size_t>(std::countr_zero(others));
        do others = ~found[++block].first;
        while (others == 0);
        return 64 * block + static_cast<std::size_t>(std::countr_zero(others));
    }

    // One field line, or the rest of it, up to `stop`; or the CR of the empty line that ends the head.
    constexpr pointer field_line(pointer at, pointer stop, const http::limits& limits) noexcept {
        switch (phase_) {
        case phase::field_begin:
            if (*at == line_end_) return to_lf(at, phase::head_lf);
            if (!may_begin_field(at, limits)) return at;
            phase_ = phase::name;
            [[fallthrough]];
        case phase::name:
            // A name is a token, and nothing stands between it and the colon (RFC 9112 section 5.1) [H3].
            at = skip_token(at, stop);
            if (at == stop) return at;
            if (static_cast<char>(*at) != ':') {
                return fail(at, is_white(static_cast<char>(*at)) ? http::errc::space_in_name : http::errc::bad_name);
            }
            ++at;
            phase_ = phase::value;
            [[fallthrough]];
        case phase::value:
            // A value holds no control but HTAB (RFC 9110 section 5.5) [H3]. Its line ends in CR LF, neither of which
            // stands elsewhere (RFC 9112 section 2.2) [H2].
            at = skip_value(at, stop);
            if (at == stop) return at;
            if (*at != line_end_) return fail(at, http::errc::bad_value);
            at = to_lf(at, phase::field_lf);
            if (at == stop) return at;
            [[fallthrough]];
        default:
            if (*at != lf) return fail(at, http::errc::bare_cr);
            last_field_ = line_begin_;
            mark(line_begin_, at + 1);
            return go_on(at, phase::field_begin);
        }
    }

    constexpr bool may_begin_field(pointer at, const http::limits& limits) noexcept {
        const char c = static_cast<char>(*at);
        if (is_white(c) && count_ == 0) {
            // White space before the first field line folds nothing (RFC 9112 section 2.2) [H2].
            fail(at, http::errc::space_before_fields);
        } else if (is_white(c) && kind_ == http::message_kind::request) {
            // Line folding is obsolete. A server refuses it, as peers read it differently (RFC 9112 section 5.2) [H3].
            fail(at, http::errc::obs_fold);
        } else if (is_white(c)) {
            go_on_with_last_field();
        } else if (count_ == limits.fields) {
            fail(at, http::errc::too_many_fields);
        } else if (c == ':') {
            fail(at, http::errc::bad_name);
        } else {
            ++count_;
            return true;
        }
        return false;
    }

    // A user agent takes a folded line, and reads the folding as spaces (RFC 9112 section 5.2) [H3].
    constexpr void go_on_with_last_field() noexcept {
        folded_ = true;
        phase_ = phase::value;
        line_begin_ = last_field_;
        sizes_.forget(count_ - 1);
    }

    pointer piece_ = nullptr; // during a call: the beginning of the piece,
    std::size_t base_ = 0;    // and how much was taken before it
    std::uint32_t position_ = 0;
    std::uint32_t line_begin_ = 0;  // of the line that is being read
    std::uint32_t last_field_ = 0;  // the beginning of the field line before it
    std::uint32_t first_begin_ = 0; // the method, or the reason
    std::uint32_t first_end_ = 0;
    std::uint32_t second_end_ = 0; // the target, which begins one after the method
    std::uint32_t fields_begin_ = 0;
    std::uint32_t count_ = 0; // empty lines, then field lines
    std::uint16_t status_ = 0;
    std::uint8_t minor_version_ = 0;
    std::uint8_t matched_ = 0; // characters of the version, then digits of the status
    phase phase_;
    http::message_kind kind_;
    http::errc error_ = http::errc::none;
    bool folded_ = false;
    bool takes_bare_lf_ = false;
    std::byte line_end_ = cr; // the first byte of an end of line
    field_line_sizes sizes_{};
};

} // namespace sockless::http::detail

// ========================================= sockless/http/head_parser.hpp ==========================================
// The head of an HTTP/1.1 request or response from bytes that come in pieces (RFC 9112 sections 2 to 5).

namespace sockless::http {

/// A checked head. All views are of one text; the function that gives a head says how long that stays.
struct head {
    std::string_view method{};      ///< of a request: a token
    std::string_view target{};      ///< of a request: visible ASCII, at least one character; see `basic_head_parser`
    std::string_view reason{};      ///< of a response: may be empty
    std::uint16_t status = 0;       ///< of a response: 100 to 999
    std::uint8_t minor_version = 1; ///< of `HTTP/1.x`
    bool bare_lf = false;           ///< its lines end in LF alone: see `basic_head_parser::take_bare_lf`
    http::fields fields{};
};

/// The kinds of `head_event`. Behind each kind stand the members of the event that it sets.
enum class head_kind : std::uint8_t {
    need_input, ///< nothing yet: the input is used up, or the parser has ended
    head,       ///< the whole head: `head`. The rest of the input is not part of it.
    error,      ///< a rule was broken: `error`. Given once; nothing follows it.
};

/// The name of the enumerator, for logs.
[[nodiscard]] constexpr std::string_view name_of(head_kind of) noexcept {
    constexpr literal names[] = {"need_input", "head", "error"};
    static_assert(std::size(names) == static_cast<std::size_t>(head_kind::error) + 1);
    return names[static_cast<std::size_t>(of)];
}

/// The result of `next`. False for `need_input`.
struct head_event {
    head_kind kind = head_kind::need_input;
    errc error = errc::none;
    http::head head{};

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return kind != head_kind::need_input; }
};

} // namespace sockless::http

namespace sockless::http::detail {

/// The same bytes as text: those of a `span_buffer<char>`, or of memory that holds bytes. Valid as long as they are.
[[nodiscard]] constexpr std::string_view text_in(std::span<const char> memory) noexcept {
    return {memory.data(), memory.size()};
}
[[nodiscard]] inline std::string_view text_in(cbytes memory) noexcept { return text_of(memory); }

/// Replaces each folding of a field line, and the white space around it, by spaces (RFC 9112 section 5.2) [H3].
template <class Byte>
SOCKLESS_NEVER_INLINE constexpr void unfold(std::span<Byte> lines) noexcept {
    constexpr Byte space{' '}, tab{'\t'}, cr{'\r'}, lf{'\n'};
    std::size_t unfolded = 0; // so many bytes need not be looked at again
    for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
        if (lines[i] != lf || (lines[i + 1] != space && lines[i + 1] != tab)) continue;
        std::size_t begin = i;
        while (begin != unfolded && (lines[begin - 1] == space || lines[begin - 1] == tab || lines[begin - 1] == cr)) {
            --begin;
        }
        for (++i; lines[i] == space || lines[i] == tab;) ++i;
        for (unfolded = begin; unfolded != i; ++unfolded) lines[unfolded] = space;
        --i;
    }
}

/// Where the path `/` is to be put into a target, or null: a URI with an authority, a query and no path means it (RFC
/// 3986 section 6.2.3).
[[nodiscard]] constexpr const char* place_of_path(std::string_view target) noexcept {
    const char* const end = target.data() + target.size();
    const char* at = find(':', target.data(), end);
    if (end - at < 3 || at[1] != '/' || at[2] != '/') return nullptr;
    for (at += 3; at != end && *at != '/' && *at != '#'; ++at) {
        if (*at == '?') return at;
    }
    return nullptr;
}

/// A `basic_head_parser` without its memory, for an owner whose memory holds something else after the head. The owner
/// gives the memory with each call that uses it: always the same, and with no other content than this reader's.
class head_reader {
  public:
    constexpr head_reader(message_kind message, const http::limits& limits) noexcept
        : limits_(limits), scanner_(message), message_(message) {}

    /// As `basic_head_parser::take_bare_lf`.
    constexpr void take_bare_lf() noexcept {
        takes_bare_lf_ = true;
        scanner_.take_bare_lf();
    }

    /// As `basic_head_parser::next`.
    template <class Memory>
    [[nodiscard]] constexpr head_event next(bytes& in, Memory& memory) noexcept {
        if (error_ != errc::none || scanner_.done()) return {};

        // A byte beyond the size of a head is an error at that byte, whatever it is (RFC 6585 section 5) [H20].
        const bool in_pieces = memory.size() != 0;
        const std::size_t most = in_pieces && memory.limit() < limits_.head ? memory.limit() : limits_.head;
        const std::size_t room = most - scanner_.position();
        const bytes piece = in.first(in.size() < room ? in.size() : room);
        const bytes taken = piece.first(scanner_.scan(piece, limits_));
        in = in.subspan(taken.size());
        if (scanner_.error() != errc::none) return fail(scanner_.error(), scanner_.position());

        const bool in_place = !in_pieces && scanner_.done() && !std::is_constant_evaluated();
        if (in_place) return finished(taken);
        if (!append(memory, taken)) {
            const bool fits = scanner_.position() <= memory.limit();
            return fail(errc::head_too_large, fits ? scanner_.position() : memory.limit());
        }
        if (scanner_.done()) return finished(memory.contents());
        if (!in.empty()) return fail(errc::head_too_large, scanner_.position());
        return {};
    }

    /// Says that the input has ended: `truncated` inside a head, `none` before or after one; the error, if there was
    /// one.
    [[nodiscard]] constexpr errc finish() noexcept {
        if (error_ == errc::none && !scanner_.done() && !scanner_.idle()) {
            static_cast<void>(fail(errc::truncated, scanner_.position()));
        }
        return error_;
    }

    /// As `basic_head_parser::restart`.
    template <class Memory>
    constexpr void restart(Memory& memory) noexcept {
        if (error_ != errc::none) return;
        head_begin_ += scanner_.position();
        scanner_ = head_scanner(message_);
        if (takes_bare_lf_) scanner_.take_bare_lf();
        text_ = {};
        memory.clear();
    }

    /// As `basic_head_parser::keep`.
    template <class Memory>
    [[nodiscard]] constexpr bool keep(Memory& memory) noexcept {
        if (memory.size() != 0) return true;
        if (!append(memory, bytes_of(text_))) return false;
        text_ = text_in(memory.contents());
        return true;
    }

    /// Whether the request, or as much of it as has come, has this method. `last` is the piece that the last call of
    /// `next` was given: after an error, and after a head that lies in the input, the memory does not hold it. A method
    /// that lies in neither of them is taken for another one.
    template <class Memory>
    [[nodiscard]] constexpr bool is_method(std::string_view wanted, const Memory& memory,
                                           cbytes last = {}) const noexcept {
        const std::size_t begin = scanner_.method_begin();
        if (scanner_.method_end() != begin + wanted.size()) return false;
        const auto before = memory.contents();
        if (scanner_.method_end() > before.size() + last.size()) return false;
        for (std::size_t i = begin; i != begin + wanted.size(); ++i) {
            const char c = static_cast<char>(i < before.size() ? before[i] : last[i - before.size()]);
            if (c != wanted[i - begin]) return false;
        }
        return true;
    }

    /// The head that the last event gave, again; empty if none was given. Its views are valid as long as those of the
    /// event.
    [[nodiscard]] constexpr http::head head() const noexcept {
        if (text_.empty()) return {};
        if (message_ == message_kind::request) {
            return {.method = scanner_.method(text_),
                    .target = scanner_.target(text_),
                    .minor_version = scanner_.minor_version(),
                    .bare_lf = scanner_.has_bare_lf(),
                    .fields = scanner_.fields(text_)};
        }
        return {.reason = scanner_.reason(text_),
                .status = scanner_.status(),
                .minor_version = scanner_.minor_version(),
                .bare_lf = scanner_.has_bare_lf(),
                .fields = scanner_.fields(text_)};
    }

    /// The error, if there was one. It stays.
    [[nodiscard]] constexpr errc error() const noexcept { return error_; }

    /// How many bytes of the stream were taken; after an error, the offset of the byte that broke the rule.
    [[nodiscard]] constexpr std::uint64_t offset() const noexcept {
        return error_ != errc::none ? error_offset_ : head_begin_ + scanner_.position();
    }

    /// The limits that were given.
    [[nodiscard]] constexpr const http::limits& limits() const noexcept { return limits_; }

  private:
    constexpr head_event fail(errc error, std::size_t place) noexcept {
        error_ = error;
        error_offset_ = head_begin_ + place;
        return {.kind = head_kind::error, .error = error};
    }

    template <class Byte>
    [[nodiscard]] constexpr head_event finished(std::span<Byte> text) noexcept {
        if (scanner_.folded()) unfold(text.subspan(scanner_.fields_begin()));
        text_ = text_in(text);
        if (message_ == message_kind::request && !scanner_.target_is_path(text_)) complete_target(text);
        return {.kind = head_kind::head, .head = head()};
    }

    // Puts the path into a target that has none. The rest of the target moves over the space behind it.
    template <class Byte>
    SOCKLESS_NEVER_INLINE constexpr void complete_target(std::span<Byte> text) noexcept {
        const std::string_view target = scanner_.target(text_);
        const char* const path = place_of_path(target);
        if (path == nullptr) return;
        const auto begin = static_cast<std::size_t>(path - text_.data());
        auto at = static_cast<std::size_t>(target.data() + target.size() - text_.data());
        for (; at != begin; --at) text[at] = text[at - 1];
        text[at] = Byte{'/'};
        scanner_.extend_target();
    }

    http::limits limits_;
    head_scanner scanner_;
    std::string_view text_{}; // of the head that was given
    std::uint64_t head_begin_ = 0;
    std::uint64_t error_offset_ = 0;
    message_kind message_;
    errc error_ = errc::none;
    bool takes_bare_lf_ = false;
};

} // namespace sockless::http::detail

namespace sockless::http {

/// Parses one head at a time. Two things are not shown as they came, and the text of the head is changed in its place:
/// a field line of a response that is folded over several lines is shown as one line, with spaces in place of the
/// folding (RFC 9112 section 5.2); and a target such as `http://a?b` is shown with its path, as `http://a/?b` (RFC 3986
/// section 6.2.3). The events do not depend on how the input was cut into pieces, given a `Memory` with room for
/// `limits::head` bytes: a `span_buffer<char>`, or a `growing_buffer` of that limit. It is used only if a head comes in
/// pieces; then a head that does not fit ends in `head_too_large`. A head that lies in `in` as a whole is not copied.
/// In constant evaluation every head goes through a `span_buffer<char>`, as bytes are no text there.
///
///     std::array<char, 8192> memory; // for a head that comes in pieces
///     http::head_parser parser(http::message_kind::request, span_buffer<char>(memory));
///     const http::head_event found = parser.next(in);
///     if (found.kind == http::head_kind::head) print(found.head.target, http::first(found.head.fields, "host"));
///     if (found.kind == http::head_kind::error) print(sockless::error(found.error).sentence());
template <class Memory>
class basic_head_parser : private detail::head_reader {
  public:
    using event = head_event;
    using kind = head_kind;

    /// For requests or for responses, with this memory.
    constexpr explicit basic_head_parser(message_kind message, Memory memory = {},
                                         const http::limits& limits = {}) noexcept
        : head_reader(message, limits), memory_(static_cast<Memory&&>(memory)) {}

    /// Takes bytes from the front of `in`, at most up to the end of the head. The views in an event are valid until
    /// the next call that is not const, or until the input is reused, whichever comes first. After a head nothing is
    /// taken until `restart`.
    [[nodiscard]] constexpr head_event next(bytes& in) noexcept { return head_reader::next(in, memory_); }

    using head_reader::finish;

    /// Takes heads whose lines end in LF alone, too (RFC 9112 section 2.2 leaves that to the recipient), and says so
    /// with each (`head::bare_lf`). If the start line ends in LF alone, all lines have to, and a CR is an error; if it
    /// ends in CR LF, a bare LF stays an error. Call it before the first byte.
    using head_reader::take_bare_lf;

    /// Makes ready for another head, so that a client can skip interim responses (RFC 9110 section 15.2). The head
    /// before it, or the part of it that had come, is forgotten; the stream goes on at the same offset. After an error
    /// this does nothing.
    constexpr void restart() noexcept { head_reader::restart(memory_); }

    /// Copies the head that the last event gave into the memory, if it lies in the input: so it stays until the next
    /// call of `next` or `restart`, even if the input is reused. False if it does not fit. Views that were handed out
    /// do not move with it: ask `head` for new ones.
    [[nodiscard]] constexpr bool keep() noexcept { return head_reader::keep(memory_); }

    using head_reader::error;
    using head_reader::head;
    using head_reader::limits;
    using head_reader::offset;

    /// The memory that was given, for a caller that gives it back when the head is no longer needed.
    [[nodiscard]] constexpr Memory& memory() noexcept { return memory_; }

  private:
    Memory memory_;
};

/// With memory that the caller owns.
using head_parser = basic_head_parser<span_buffer<char>>;

} // namespace sockless::http

// ============================================ sockless/http/lists.hpp =============================================
// Comma lists in the values of fields, element by element, and the question whether one holds a token.

namespace sockless::http {

/// How the elements of a list are written: tokens and the like, or elements that may hold quoted strings, in which a
/// comma does not end an element (RFC 9110 section 5.6.4).
enum class list_syntax : std::uint8_t { plain, quoted };

} // namespace sockless::http

namespace sockless::http::detail {

/// Finds one element of a comma list after the other.
struct element_finder {
    using value_type = std::string_view;

    constexpr element_finder() noexcept = default;
    constexpr element_finder(std::string_view value, http::list_syntax written) noexcept
        : rest(value), syntax(written) {
        advance();
    }

    SOCKLESS_ALWAYS_INLINE constexpr void advance() noexcept {
        current = {};
        while (current.empty() && !rest.empty()) {
            const std::size_t size = size_of_first();
            current = trimmed(rest.data(), rest.data() + size);
            rest.remove_prefix(size == rest.size() ? size : size + 1);
        }
    }
    [[nodiscard]] constexpr const char* place() const noexcept { return current.empty() ? nullptr : current.data(); }

    [[nodiscard]] constexpr std::size_t size_of_first() const noexcept {
        if (syntax == http::list_syntax::plain) {
            return static_cast<std::size_t>(find(',', rest.data(), rest.data() + rest.size()) - rest.data());
        }
        bool quoted = false;
        for (std::size_t i = 0; i < rest.size(); ++i) {
            if (rest[i] == ',' && !quoted) return i;
            if (rest[i] == '"') quoted = !quoted;
            if (rest[i] == '\\' && quoted) ++i;
        }
        return rest.size();
    }

    std::string_view current{};
    std::string_view rest{};
    http::list_syntax syntax = http::list_syntax::plain;
};

} // namespace sockless::http::detail

namespace sockless::http {

/// The elements of one comma list, without the white space around them; empty ones are left out (RFC 9110 section
/// 5.6.1). A forward range of `std::string_view`, views of the value that it was made from.
///
///     for (const std::string_view each : http::list_elements("keep-alive, , Upgrade")) print(each); // two
class list_elements {
  public:
    using iterator = detail::lazy_iterator<detail::element_finder>;

    /// The elements of this value.
    constexpr explicit list_elements(std::string_view value, list_syntax syntax = list_syntax::plain) noexcept
        : value_(value), syntax_(syntax) {}

    /// Iterators over the elements.
    [[nodiscard]] constexpr iterator begin() const noexcept { return iterator(value_, syntax_); }
    [[nodiscard]] constexpr iterator end() const noexcept { return {}; }

  private:
    std::string_view value_;
    list_syntax syntax_;
};

/// Whether one comma list has this element, which is a token, compared without regard to case.
[[nodiscard]] constexpr bool list_has(std::string_view value, std::string_view element) noexcept {
    if (!element.empty() && equal_ignoring_case(value, element)) return true;
    for (const std::string_view each : list_elements(value)) {
        if (equal_ignoring_case(each, element)) return true;
    }
    return false;
}

/// Whether the comma list that all fields of this name make together has this token, compared without regard to case.
/// `Fields` is any range of `field`. RFC 9110 sections 5.3 and 5.6.1.
template <class Fields>
[[nodiscard]] constexpr bool has_token(const Fields& all, std::string_view name, std::string_view token) noexcept {
    return detail::visit_values(all, name, [token](std::string_view value) { return list_has(value, token); });
}

} // namespace sockless::http

// ============================================= sockless/http/body.hpp =============================================
// The body of an HTTP/1.1 message, without its framing (RFC 9112 sections 6 and 7).

namespace sockless::http {

/// How the end of a body is found.
enum class framing : std::uint8_t {
    none,      ///< there is no body
    length,    ///< after so many bytes
    chunked,   ///< each chunk says its size, and the last that it is the last
    until_end, ///< at the end of the connection
};

/// The framing of the body behind a head.
struct body_framing {
    http::framing framing = framing::none;
    std::uint64_t length = 0; ///< with `framing::length`
    errc error = errc::none;
    message_kind message = message_kind::request; ///< a field line behind the chunks of a response may be folded
};

/// Reads the framing of the body behind `head` from its fields (RFC 9112 section 6.3). A framing that is wrong or
/// doubtful is an error: two peers that read it differently would not agree on the beginning of the next message.
[[nodiscard]] constexpr body_framing framing_of(const head& head, message_kind kind) noexcept {
    // Interim responses, 204 and 304 have no body, even if their fields announce one (RFC 9110 section 6.4.1).
    if (kind == message_kind::response && (head.status < 200 || head.status == 204 || head.status == 304)) return {};

    bool has_length = false;
    std::uint64_t length = 0;
    bool has_codings = false;
    std::size_t codings = 0;
    for (const field& each : head.fields) {
        if (equal_ignoring_case(each.name, "transfer-encoding")) {
            has_codings = true;
            for (const std::string_view coding : list_elements(each.value)) {
                // A coding that is not known, or chunked twice, cannot be undone (RFC 9112 section 6.1).
                ++codings;
                if (codings != 1 || !equal_ignoring_case(coding, "chunked"))
                    return {.error = errc::unsupported_transfer_coding};
            }
        } else if (equal_ignoring_case(each.name, "content-length")) {
            // A length is decimal digits and nothing else (RFC 9110 section 8.6), and repeated only with the same value
            // (RFC 9112 section 6.3).
            const detail::decimal number = detail::read_decimal(each.value);
            if (!number.valid || (has_length && number.value != length)) return {.error = errc::bad_content_length};
            has_length = true;
            length = number.value;
        }
    }
    if (has_codings && codings == 0) return {.error = errc::unsupported_transfer_coding};
    if (has_codings && has_length) return {.error = errc::ambiguous_length};
    if (has_codings) return {.framing = framing::chunked, .message = kind};
    if (has_length) return {.framing = framing::length, .length = length};
    return {.framing = kind == message_kind::request ? framing::none : framing::until_end};
}

/// The kinds of `body_event`. Behind each kind stand the members of the event that it sets.
enum class body_kind : std::uint8_t {
    need_input, ///< nothing yet: the input is used up, or the body has ended
    data,       ///< a piece of the body: `data`
    end,        ///< the end of the body. The rest of the input is not part of it.
    error,      ///< a rule was broken: `error`. Given once; nothing follows it.
};

/// The name of the enumerator, for logs.
[[nodiscard]] constexpr std::string_view name_of(body_kind of) noexcept {
    constexpr literal names[] = {"need_input", "data", "end", "error"};
    static_assert(std::size(names) == static_cast<std::size_t>(body_kind::error) + 1);
    return names[static_cast<std::size_t>(of)];
}

/// The result of `next`. False for `need_input`. `data` lies in the input.
struct body_event {
    body_kind kind = body_kind::need_input;
    errc error = errc::none;
    bytes data{};

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return kind != body_kind::need_input; }
};

/// Takes the framing off a body, in place and without memory of its own. Chunk extensions and trailers are checked,
/// bounded, and dropped.
///
///     http::body_decoder body(http::framing_of(head, http::message_kind::response));
///     while (const http::body_event found = body.next(in)) {
///         if (found.kind == http::body_kind::data) print(text_of(found.data));
///         if (found.kind == http::body_kind::error) print(sockless::error(found.error).sentence());
///     }
class body_decoder {
  public:
    using event = body_event;
    using kind = body_kind;

    /// For a body with this framing. `limits::body`, and for chunks also `chunk_extensions` and those of field lines,
    /// apply. A length beyond the limit is an error before anything is taken.
    constexpr explicit body_decoder(const body_framing& framing = {}, const http::limits& limits = {}) noexcept
        : limits_(limits), trailers_(detail::head_scanner::of_field_lines(framing.message)) {
        left_ = framing.length;
        if (framing.error != errc::none) {
            error_ = framing.error;
        } else if (framing.framing == framing::length && left_ > limits.body) {
            error_ = errc::body_too_large;
        } else {
            switch (framing.framing) {
            case framing::none: phase_ = phase::end; break;
            case framing::length: phase_ = left_ == 0 ? phase::end : phase::counted; break;
            case framing::chunked: phase_ = phase::size_begin; break;
            case framing::until_end: phase_ = phase::uncounted; break;
            }
            return;
        }
        phase_ = phase::failing;
    }

    /// Takes bytes from the front of `in`, at most up to the end of the body. Once nothing more is to come, the end is
    /// told even if `in` is empty.
    [[nodiscard]] constexpr body_event next(bytes& in) noexcept {
        for (;;) {
            switch (phase_) {
            case phase::failing: phase_ = phase::ended; return {.kind = body_kind::error, .error = error_};
            case phase::end: phase_ = phase::ended; return {.kind = body_kind::end};
            case phase::ended: return {};
            case phase::counted:
            case phase::chunk:
            case phase::uncounted:
                if (in.empty()) return {};
                if (const bytes data = take_data(in); !data.empty()) return {.kind = body_kind::data, .data = data};
                break;
            case phase::trailers:
                if (in.empty()) return {};
                take_trailers(in);
                break;
            default:
                if (in.empty()) return {};
                take_framing(in);
                break;
            }
        }
    }

    /// Says that the input has ended, which ends a body of `framing::until_end`; any other is `truncated` unless its
    /// end was told. Returns `none`, or the error.
    [[nodiscard]] constexpr errc finish() noexcept {
        if (phase_ != phase::ended && phase_ != phase::failing) {
            if (phase_ != phase::uncounted && phase_ != phase::end) error_ = errc::truncated;
            phase_ = phase::ended;
        }
        return error_;
    }

    /// The error, if there was one. It stays.
    [[nodiscard]] constexpr errc error() const noexcept { return error_; }

    /// How many bytes since the beginning of the body were taken; after an error, the offset of the byte that broke the
    /// rule.
    [[nodiscard]] constexpr std::uint64_t offset() const noexcept { return offset_; }

  private:
    enum class phase : std::uint8_t {
        counted,    // data, `left_` bytes of it, then the end
        uncounted,  // data up to the end of the connection
        size_begin, // the first digit of a chunk size
        size,       // a further one, or the byte behind them
        extension,  // chunk extensions
        size_lf,    //
        chunk,      // data, `left_` bytes of it
        chunk_cr,   //
        chunk_lf,   //
        trailers,   // field lines and the empty line
        end,        // the end is yet to be told
        failing,    // the error is yet to be told
        ended,
    };

    constexpr void fail(errc error) noexcept {
        error_ = error;
        phase_ = phase::failing;
    }

    // Up to `left_` bytes, or all there are; none if they would make the body larger than its limit.
    constexpr bytes take_data(bytes& in) noexcept {
        std::uint64_t most = phase_ == phase::uncounted ? limits_.body - total_ : left_;
        if (most == 0) {
            fail(errc::body_too_large);
            return {};
        }
        if (most > in.size()) most = in.size();
        const auto size = static_cast<std::size_t>(most);
        const bytes data = in.first(size);
        in = in.subspan(size);
        offset_ += size;
        if (phase_ == phase::uncounted) {
            total_ += size;
        } else if ((left_ -= size) == 0) {
            phase_ = phase_ == phase::counted ? phase::end : phase::chunk_cr;
        }
        return data;
    }

    constexpr void take_trailers(bytes& in) noexcept {
        const std::size_t room = limits_.head - trailers_.position();
        const std::size_t before = trailers_.position();
        const std::size_t taken = trailers_.scan(in.first(in.size() < room ? in.size() : room), limits_);
        in = in.subspan(taken);
        offset_ += trailers_.position() - before;
        if (trailers_.error() != errc::none) return fail(trailers_.error());
        if (trailers_.done()) {
            phase_ = phase::end;
        } else if (!in.empty()) {
            fail(errc::head_too_large);
        }
    }

    // One byte of the framing around chunks: `size [extensions] CR LF data CR LF`, the last of size 0 and without data.
    constexpr void take_framing(bytes& in) noexcept {
        const char c = static_cast<char>(in.front());
        switch (phase_) {
        case phase::size_begin:
        case phase::size: take_size(c); break;
        case phase::extension: take_extension(c); break;
        case phase::size_lf: c == '\n' ? begin_chunk() : fail(errc::bare_cr); break;
        case phase::chunk_cr: c == '\r' ? go_on(phase::chunk_lf) : fail(errc::bad_chunk_end); break;
        default: c == '\n' ? go_on(phase::size_begin) : fail(errc::bad_chunk_end); break;
        }
        if (phase_ == phase::failing) return;
        in = in.subspan(1);
        ++offset_;
    }

    constexpr void go_on(phase next) noexcept { phase_ = next; }

    constexpr void take_size(char c) noexcept {
        const int digit = detail::hex_digit(c);
        if (digit >= 0) {
            // 16 digits fit 64 bits; leading zeros are digits too, so there is an end to them.
            if (digits_ == 16) return fail(errc::bad_chunk_size);
            ++digits_;
            left_ = phase_ == phase::size_begin ? 0 : left_;
            left_ = left_ * 16 + static_cast<unsigned>(digit);
            return go_on(phase::size);
        }
        if (phase_ == phase::size_begin) return fail(errc::bad_chunk_size);
        digits_ = 0;
        if (c == '\r') return go_on(phase::size_lf);
        // Extensions begin with a semicolon, and white space may stand before that (RFC 9112 section 7.1.1).
        if (c != ';' && !detail::is_white(c)) return fail(c == '\n' ? errc::bare_lf : errc::bad_chunk_size);
        go_on(phase::extension);
        take_extension(c);
    }

    constexpr void take_extension(char c) noexcept {
        if (c == '\r') return go_on(phase::size_lf);
        if (!detail::is_in(detail::in_value, c)) return fail(c == '\n' ? errc::bare_lf : errc::bad_chunk_extension);
        if (extensions_ == limits_.chunk_extensions) return fail(errc::chunk_extensions_too_long);
        ++extensions_;
    }

    constexpr void begin_chunk() noexcept {
        if (left_ == 0) return go_on(phase::trailers);
        if (left_ > limits_.body - total_) return fail(errc::body_too_large);
        total_ += left_;
        go_on(phase::chunk);
    }

    http::limits limits_;
    detail::head_scanner trailers_;
    std::uint64_t offset_ = 0;
    std::uint64_t left_ = 0;       // of the body with a length, or of the chunk
    std::uint64_t total_ = 0;      // of all chunks, or of a body without a length
    std::uint32_t extensions_ = 0; // bytes of them so far
    std::uint8_t digits_ = 0;
    phase phase_ = phase::end;
    errc error_ = errc::none;
};

} // namespace sockless::http

// ============================================= sockless/http/host.hpp =============================================
// The host of a URI, with or without a port (RFC 3986 section 3.2, RFC 9110 section 7.2).

namespace sockless::http::detail {

/// Whether [at, end) is an IPv4 address: four numbers up to 255, without leading zeros (RFC 3986 section 3.2.2).
[[nodiscard]] constexpr bool is_ipv4(const char* at, const char* end) noexcept {
    for (int left = 4; left != 0; --left) {
        const char* const begin = at;
        int value = 0;
        while (at != end && is_digit(*at) && value <= 255) value = value * 10 + (*at++ - '0');
        if (at == begin || value > 255 || (*begin == '0' && at - begin != 1)) return false;
        if (left == 1) break;
        if (at == end || *at != '.') return false;
        ++at;
    }
    return at == end;
}

/// Whether [at, end) is an IPv6 address: eight groups of up to four hexadecimal digits. One `::` stands for one or more
/// groups, and the last two may be an IPv4 address (RFC 3986 section 3.2.2).
[[nodiscard]] constexpr bool is_ipv6(const char* at, const char* end) noexcept {
    int groups = 0;
    bool has_gap = false;
    if (end - at >= 2 && at[0] == ':' && at[1] == ':') {
        has_gap = true;
        at += 2;
    }
    while (at != end) {
        const char* const begin = at;
        while (at != end && hex_digit(*at) >= 0) ++at;
        if (at != end && *at == '.') {
            if (!is_ipv4(begin, end)) return false;
            groups += 2;
            break;
        }
        if (at == begin || at - begin > 4) return false;
        ++groups;
        if (at == end) break;
        if (*at != ':' || ++at == end) return false;
        if (*at != ':') continue;
        if (has_gap) return false;
        has_gap = true;
        ++at;
    }
    return has_gap ? groups <= 7 : groups == 8;
}

/// Whether [at, end) is the address of a later version than IPv6: `v`, the version in hexadecimal digits, a dot, and
/// more (RFC 3986 section 3.2.2).
[[nodiscard]] constexpr bool is_later_address(const char* at, const char* end) noexcept {
    if (at == end || lower(*at) != 'v') return false;
    const char* const version = ++at;
    while (at != end && hex_digit(*at) >= 0) ++at;
    if (at == version || at == end || *at != '.') return false;
    const char* const rest = ++at;
    return at != end && skip(in_address, rest, end) == end;
}

/// The end of a host that has an address in brackets, or an octet in hexadecimal digits behind a `%`; null if it is
/// wrong (RFC 3986 section 3.2.2) [H4]. `at` is the first character that stands in no simple name.
[[nodiscard]] SOCKLESS_NEVER_INLINE constexpr const char* skip_unusual_host(const char* begin, const char* at,
                                                                            const char* end) noexcept {
    if (*at == '[') {
        const char* const close = find(']', at, end);
        if (at != begin || close == end) return nullptr;
        return is_ipv6(at + 1, close) || is_later_address(at + 1, close) ? close + 1 : nullptr;
    }
    while (at != end && *at == '%') {
        if (end - at < 3 || hex_digit(at[1]) < 0 || hex_digit(at[2]) < 0) return nullptr;
        at = skip_host(at + 3, end);
    }
    return at;
}

/// Whether [at, end) is empty, or a colon and a port: a decimal number up to 65535, which may be left out (RFC 3986
/// section 3.2.3) [H4].
[[nodiscard]] constexpr bool is_port(const char* at, const char* end) noexcept {
    if (at == end) return true;
    if (*at != ':') return false;
    std::uint32_t port = 0;
    while (++at != end) {
        if (!is_digit(*at)) return false;
        port = port * 10 + static_cast<std::uint32_t>(*at - '0');
        if (port > 65535) return false;
    }
    return true;
}

} // namespace sockless::http::detail

namespace sockless::http {

/// Whether `text` is a host with or without a port, as in a Host field: a name, an IPv4 address, or an IPv6 address in
/// brackets. RFC 9110 section 7.2, RFC 3986 section 3.2.2.
[[nodiscard]] constexpr bool is_host(std::string_view text) noexcept {
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const char* at = detail::skip_host(begin, end);
    if (at != end && *at != ':') at = detail::skip_unusual_host(begin, at, end);
    return at != nullptr && at != begin && detail::is_port(at, end);
}

} // namespace sockless::http

// ============================================ sockless/http/status.hpp ============================================
// The standard reason phrases of the HTTP statuses (RFC 9110 section 15, RFC 6585).

namespace sockless::http {

/// The standard reason phrase of `status`; empty if there is none.
[[nodiscard]] constexpr std::string_view reason_phrase(std::uint16_t status) noexcept {
    struct row {
        std::uint16_t status;
        literal phrase;
    };
    constexpr row rows[] = {
        {100, "Continue"},
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {205, "Reset Content"},
        {206, "Partial Content"},
        {300, "Multiple Choices"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {407, "Proxy Authentication Required"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {511, "Network Authentication Required"},
    };
    for (const row& each : rows) {
        if (each.status == status) return each.phrase;
    }
    return {};
}

} // namespace sockless::http

// ========================================= sockless/detail/text_sink.hpp ==========================================
// Writes text into a span, and says how much room all of it takes.

namespace sockless::detail {

/// Writes to the front of a span, which outlives the sink. If the span is too small, the sink goes on counting, so
/// `size` is always the room that all of the text takes. `Byte` is `std::byte` or `char`.
template <class Byte>
class text_sink {
  public:
    constexpr explicit text_sink(std::span<Byte> out) noexcept : out_(out) {}

    /// Most texts are literals: inlined, a copy of one is a few stores.
    SOCKLESS_ALWAYS_INLINE constexpr void put(std::string_view text) noexcept {
        const std::size_t begin = size_;
        size_ += text.size();
        if (size_ <= out_.size()) copy(out_.data() + begin, text.data(), text.size());
    }

    constexpr void put(cbytes data) noexcept {
        const std::size_t begin = size_;
        size_ += data.size();
        if (size_ <= out_.size()) copy(out_.data() + begin, data.data(), data.size());
    }

    /// A number in decimal digits.
    constexpr void put_number(std::uint64_t value) noexcept { put(decimal_text(value).text()); }

    /// The place of the next `size` bytes, which the caller writes; null if there is no room for them.
    [[nodiscard]] constexpr Byte* take(std::size_t size) noexcept {
        const std::size_t begin = size_;
        size_ += size;
        return size_ <= out_.size() ? out_.data() + begin : nullptr;
    }

    /// The room that the text so far takes, in bytes.
    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }

    /// Whether all of the text so far is written.
    [[nodiscard]] constexpr bool complete() const noexcept { return size_ <= out_.size(); }

  private:
    std::span<Byte> out_;
    std::size_t size_ = 0;
};

} // namespace sockless::detail

// ========================================== sockless/http/write_head.hpp ==========================================
// Writes the head of an HTTP/1.1 request or response, and refuses text that would break out of its place.

namespace sockless::http {

/// Writes a head into a span: a start line, fields, then `finish`. The first error stays, and `finish` tells it; so the
/// calls can be chained without looking at each. If the span is too small, the writer goes on counting, and `finish`
/// tells the room that the whole takes.
///
///     std::array<std::byte, 256> memory;
///     const written answer =
///         http::head_writer(memory).status_line(404).field("Content-Length", 10).finish("not here.\n");
///     if (!answer.error) write(bytes(memory).first(answer.size));
class head_writer {
  public:
    /// Writes to the front of `out`, which outlives the writer.
    constexpr explicit head_writer(bytes out) noexcept : sink_(out) {}

    /// Writes the first line of a request. The method must be a token and the target visible ASCII, else `bad_method`
    /// or `bad_target` (RFC 9112 section 3) [H14].
    constexpr head_writer& request_line(std::string_view method, std::string_view target) noexcept {
        if (!is_token(method)) return fail(errc::bad_method);
        if (!is_target(target)) return fail(errc::bad_target);
        return put(method).put(" ").put(target).put(" HTTP/1.1\r\n");
    }

    /// Writes the first line of a response. The status must be from 100 to 999, else `bad_status`, and the reason have
    /// no control character, else `bad_reason` (RFC 9112 section 4) [H14]. If the reason is empty, the standard one is
    /// written.
    constexpr head_writer& status_line(std::uint16_t status, std::string_view reason = {}) noexcept {
        if (status < 100 || status > 999) return fail(errc::bad_status);
        if (!is_field_value(reason)) return fail(errc::bad_reason);
        return put("HTTP/1.1 ")
            .number(status)
            .put(" ")
            .put(reason.empty() ? reason_phrase(status) : reason)
            .put("\r\n");
    }

    /// Writes text that is known to be right, with its ends of line, as it is.
    constexpr head_writer& known(std::string_view text) noexcept { return put(text); }

    /// Writes a field. The name must be a token, and the value have no control character but HTAB, else `bad_name` or
    /// `bad_value` (RFC 9110 section 5.5) [H14]. A reader does not see white space around the value, as that is not
    /// part of it.
    constexpr head_writer& field(std::string_view name, std::string_view value) noexcept {
        if (!is_token(name)) return fail(errc::bad_name);
        if (!is_field_value(value)) return fail(errc::bad_value);
        return put(name).put(": ").put(value).put("\r\n");
    }

    /// Writes a field whose value is a number.
    constexpr head_writer& field(std::string_view name, std::uint64_t value) noexcept {
        if (!is_token(name)) return fail(errc::bad_name);
        return put(name).put(": ").number(value).put("\r\n");
    }

    /// Writes a field whose value is the elements with a comma and a space between; each must be a field value.
    constexpr head_writer& field(std::string_view name, std::span<const std::string_view> elements) noexcept {
        if (!is_token(name)) return fail(errc::bad_name);
        put(name).put(": ");
        std::string_view separator;
        for (const std::string_view each : elements) {
            if (!is_field_value(each)) return fail(errc::bad_value);
            put(separator).put(each);
            separator = ", ";
        }
        return put("\r\n");
    }

    /// Makes `error` that of the writer, unless it has one: for a caller that checks more than the writer does.
    constexpr head_writer& fail(sockless::error error) noexcept {
        if (!error_) error_ = error;
        return *this;
    }

    /// Ends the head, and puts a body behind it as it is; a caller that has it in two parts gives both. The size is
    /// that of all; with `no_room` it is the room needed.
    constexpr written finish(std::string_view body = {}, std::string_view rest_of_body = {}) noexcept {
        put("\r\n");
        if (!body.empty()) put(body).put(rest_of_body);
        if (error_) return {0, error_};
        if (!sink_.complete()) return {sink_.size(), errc::no_room};
        return {sink_.size(), {}};
    }

  private:
    SOCKLESS_ALWAYS_INLINE constexpr head_writer& put(std::string_view text) noexcept {
        sink_.put(text);
        return *this;
    }

    constexpr head_writer& number(std::uint64_t value) noexcept {
        sink_.put_number(value);
        return *this;
    }

    detail::text_sink<std::byte> sink_;
    sockless::error error_{};
};

} // namespace sockless::http

// =============================================== sockless/http.hpp ================================================
// HTTP/1.1 heads: parsed, read, and written; bodies without their framing.

// ======================================== sockless/detail/shared_bytes.hpp ========================================
// Bytes on the heap that several queues hold at the same time.

namespace sockless::detail {

/// A handle on bytes that are written once and then only read. Copies of the handle share the bytes; the last one gives
/// the memory back. Copies may be used in different threads.
class shared_bytes {
  public:
    constexpr shared_bytes() noexcept = default;

    /// `size` bytes, without content. Holds nothing if the heap is used up.
    explicit shared_bytes(std::size_t size) noexcept {
        if (size > SIZE_MAX - sizeof(head)) return;
        void* const memory = ::operator new(sizeof(head) + size, std::nothrow);
        if (memory != nullptr) head_ = ::new (memory) head{1, size};
    }

    shared_bytes(const shared_bytes& other) noexcept : head_(other.head_) {
        if (head_ != nullptr) __atomic_fetch_add(&head_->holders, 1, __ATOMIC_RELAXED);
    }
    shared_bytes(shared_bytes&& other) noexcept : head_(other.head_) { other.head_ = nullptr; }
    shared_bytes& operator=(shared_bytes other) noexcept {
        head* const held = head_;
        head_ = other.head_;
        other.head_ = held;
        return *this;
    }
    ~shared_bytes() {
        // The last one sees all that the others have done.
        if (head_ != nullptr && __atomic_fetch_sub(&head_->holders, 1, __ATOMIC_ACQ_REL) == 1) ::operator delete(head_);
    }

    [[nodiscard]] explicit operator bool() const noexcept { return head_ != nullptr; }

    /// All bytes. Write to them before there is a copy of the handle.
    [[nodiscard]] bytes contents() const noexcept {
        return head_ == nullptr ? bytes{} : bytes{reinterpret_cast<std::byte*>(head_ + 1), head_->size};
    }

  private:
    struct head {
        std::size_t holders;
        std::size_t size;
    };

    head* head_ = nullptr;
};

} // namespace sockless::detail

// =========================================== sockless/detail/outbox.hpp ===========================================
// The queue of bytes that wait to be sent. Bytes at its front stay in place until they were sent.

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

// ========================================= sockless/stomp/heart_beat.hpp ==========================================
// The header `heart-beat`: its two numbers, its text, and the intervals that follow from the headers of both sides.

namespace sockless::stomp {

/// The header `heart-beat` that a side sends in its CONNECT or CONNECTED, in milliseconds (STOMP 1.2
/// Heart-beating) [S5].
struct heart_beat {
    std::uint32_t sends = 0; ///< the side promises to send something at least this often; 0: it promises nothing
    std::uint32_t wants = 0; ///< the side wants to receive something at least this often; 0: it wants nothing
};

} // namespace sockless::stomp

namespace sockless::stomp::detail {

/// Reads one number of a header `heart-beat`. The specification sets no limit, and some clients write "never" as a
/// number of 64 bits [S5].
[[nodiscard]] constexpr decimal read_interval(std::string_view text) noexcept {
    decimal read{0, !text.empty()};
    for (const char c : text) {
        if (!is_digit(c)) return {};
        read.value = read.value * 10 + static_cast<std::uint64_t>(c - '0');
        if (read.value > UINT32_MAX) read.value = UINT32_MAX;
    }
    return read;
}

} // namespace sockless::stomp::detail

namespace sockless::stomp {

/// The result of `parse_heart_beat`. `value` counts if `valid` is true.
struct parsed_heart_beat {
    heart_beat value{};
    bool valid = false;
};

/// Reads the value of a header `heart-beat`: two decimal numbers with a comma between them. No other text is valid
/// (STOMP 1.2 Heart-beating). A number of more than 32 bits is taken for the largest of 32 bits, which is seven weeks.
[[nodiscard]] constexpr parsed_heart_beat parse_heart_beat(std::string_view text) noexcept {
    const char* const end = text.data() + text.size();
    const char* const comma = detail::find(',', text.data(), end);
    if (comma == end) return {};
    const auto sends = detail::read_interval({text.data(), static_cast<std::size_t>(comma - text.data())});
    const auto wants = detail::read_interval({comma + 1, static_cast<std::size_t>(end - comma - 1)});
    if (!sends.valid || !wants.valid) return {};
    return {{static_cast<std::uint32_t>(sends.value), static_cast<std::uint32_t>(wants.value)}, true};
}

/// The agreed interval of heart-beats, in milliseconds, from a side that promises `sends` to a side that wishes for
/// `wants`: the larger of the two numbers. If one of them is 0 there are no heart-beats in this direction, and the
/// result is 0 (STOMP 1.2 Heart-beating) [S5].
[[nodiscard]] constexpr std::uint32_t agreed_interval(std::uint32_t sends, std::uint32_t wants) noexcept {
    if (sends == 0 || wants == 0) return 0;
    return sends > wants ? sends : wants;
}

/// The text of a `heart_beat` as the value of its header (STOMP 1.2 Heart-beating).
///
///     const stomp::heart_beat_text value({.sends = 10'000, .wants = 5'000});
///     print(value.text()); // 10000,5000
class heart_beat_text {
  public:
    /// Writes the text.
    constexpr explicit heart_beat_text(const heart_beat& value) noexcept {
        detail::text_sink<char> sink(text_);
        sink.put_number(value.sends);
        sink.put(",");
        sink.put_number(value.wants);
        size_ = sink.size();
    }

    /// The text. Valid as long as this object.
    [[nodiscard]] constexpr std::string_view text() const noexcept { return detail::text_at(text_, size_); }

  private:
    char text_[21] = {};
    std::size_t size_ = 0;
};

} // namespace sockless::stomp

// =========================================== sockless/stomp/version.hpp ===========================================
// The versions of STOMP, how they are negotiated, and how WebSocket names them.

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

// =========================================== sockless/stomp/command.hpp ===========================================
// The commands of STOMP: their text, which side sends them, whether they have a body, and how headers are escaped.

namespace sockless::stomp {

/// The command of a frame, which is its first line (STOMP 1.2 Augmented BNF). Since 1.1 `STOMP` is another name for
/// `CONNECT`.
enum class command : std::uint8_t {
    none,
    send,
    message,
    ack,
    nack,
    subscribe,
    unsubscribe,
    begin,
    commit,
    abort,
    receipt,
    error,
    connect,
    stomp,
    connected,
    disconnect,
};

} // namespace sockless::stomp

namespace sockless::stomp::detail {

struct command_row {
    std::string_view text;
    role sender;
    bool body;    // [S1] only SEND, MESSAGE and ERROR have a body
    bool escapes; // [S3] in CONNECT and CONNECTED nothing is escaped, in any version
};

/// One row per enumerator of `stomp::command`, in its order.
inline constexpr command_row command_rows[] = {
    {"", role::client, false, false},           {"SEND", role::client, true, true},
    {"MESSAGE", role::server, true, true},      {"ACK", role::client, false, true},
    {"NACK", role::client, false, true},        {"SUBSCRIBE", role::client, false, true},
    {"UNSUBSCRIBE", role::client, false, true}, {"BEGIN", role::client, false, true},
    {"COMMIT", role::client, false, true},      {"ABORT", role::client, false, true},
    {"RECEIPT", role::server, false, true},     {"ERROR", role::server, true, true},
    {"CONNECT", role::client, false, false},    {"STOMP", role::client, false, false},
    {"CONNECTED", role::server, false, false},  {"DISCONNECT", role::client, false, true},
};

[[nodiscard]] constexpr const command_row& row_of(stomp::command of) noexcept {
    return command_rows[static_cast<std::size_t>(of)];
}

} // namespace sockless::stomp::detail

namespace sockless::stomp {

/// The length of the longest command, UNSUBSCRIBE, in bytes.
inline constexpr std::size_t max_command = 11;

/// The text of a command on the wire; empty for `none`. A constant.
[[nodiscard]] constexpr std::string_view text_of(command of) noexcept { return detail::row_of(of).text; }

/// The command with this text, or `none` if there is no such command. Commands are case-sensitive (STOMP 1.2 Augmented
/// BNF) [S1].
[[nodiscard]] constexpr command command_of(std::string_view text) noexcept {
    for (std::size_t i = 1; i != std::size(detail::command_rows); ++i) {
        if (equal(detail::command_rows[i].text, text)) return static_cast<command>(i);
    }
    return command::none;
}

/// The side that sends frames with this command. For `none` the result means nothing.
[[nodiscard]] constexpr role sender_of(command of) noexcept { return detail::row_of(of).sender; }

/// Whether a frame with this command may have a body (STOMP 1.2 Body) [S1].
[[nodiscard]] constexpr bool has_body(command of) noexcept { return detail::row_of(of).body; }

/// Likewise, in the version `in`: in 1.0 a SUBSCRIBE may have a body too, which is ignored (STOMP 1.0 SUBSCRIBE) [S16].
[[nodiscard]] constexpr bool has_body(command of, version in) noexcept {
    return has_body(of) || (of == command::subscribe && in == version::v1_0);
}

/// Whether the version `in` has the command `sent`: NACK and STOMP came with 1.1. True for every command while the
/// version is `unknown`.
[[nodiscard]] constexpr bool is_in(command sent, version in) noexcept {
    return in != version::v1_0 || (sent != command::nack && sent != command::stomp);
}

} // namespace sockless::stomp

namespace sockless::stomp::detail {

/// The ways to escape the headers of a frame: not at all, or as 1.1 or 1.2 does (STOMP 1.2 Value Encoding) [S3] [S14].
enum class escaping : std::uint8_t { none, of_1_1, of_1_2 };

struct escape {
    char plain;
    char code;
};

inline constexpr escape escapes[] = {{'\n', 'n'}, {':', 'c'}, {'\\', '\\'}, {'\r', 'r'}};

/// The way in which the version `in` escapes the headers of frames with the command `sent`. In 1.0, and before the
/// version is known, nothing is escaped.
[[nodiscard]] constexpr escaping escaping_of(stomp::version in, stomp::command sent) noexcept {
    if (!row_of(sent).escapes || in < stomp::version::v1_1) return escaping::none;
    return in == stomp::version::v1_1 ? escaping::of_1_1 : escaping::of_1_2;
}

/// The number of rows of `escapes` that hold, counted from its first: 1.1 has all but the last, 1.2 has all.
[[nodiscard]] constexpr std::size_t number_of_escapes(escaping of) noexcept {
    return of == escaping::none ? 0 : of == escaping::of_1_1 ? 3 : 4;
}

} // namespace sockless::stomp::detail

// ============================================ sockless/stomp/errc.hpp =============================================
// Everything that can go wrong in the STOMP layer: one enumerator, one row of the table each.

namespace sockless::stomp {

/// Everything that can be wrong with a frame of STOMP, with a session, or with a call of this layer.
enum class errc : std::uint8_t {
    none = 0,

    // Frames
    unknown_command,
    nul_in_head,
    bare_cr,
    unexpected_cr,
    missing_colon,
    empty_name,
    bad_escape,
    line_too_long,
    too_many_headers,
    head_too_large,
    bad_content_length,
    body_too_large,
    unexpected_body,
    body_not_terminated,
    truncated,

    // The meaning of a frame, and its place in the session
    not_connected,
    already_connected,
    after_disconnect,
    unexpected_command,
    no_common_version,
    missing_header,
    bad_heart_beat,
    bad_ack_mode,
    repeated_subscription,
    unknown_subscription,
    repeated_transaction,
    unknown_transaction,
    unknown_acknowledgement,
    too_many_subscriptions,
    too_many_transactions,
    too_many_unacknowledged,

    // The end of a session
    end_of_input,
    connect_timeout,
    heart_beat_timeout,
    receipt_timeout,
    output_full,
    shut_down,
    error_sent,
    error_received,

    // The caller
    no_room,
    bad_header,
    body_not_allowed,
    nul_in_body,
    not_open,
    nothing_to_answer,
    repeated_receipt,
    too_many_receipts,
};

namespace detail {

// The rows of `errc_rows`, with their texts.
inline constexpr error_row errc_texts[] = {
    {"none", "no error", "", 0, 0},

    {"unknown_command", "the first line of a frame is not a command of STOMP", "STOMP 1.2 Augmented BNF", 1002, 0},
    {"nul_in_head", "the head of a frame has a NUL byte", "STOMP 1.2 Augmented BNF", 1002, 0},
    {"bare_cr", "a carriage return is not followed by a line feed", "STOMP 1.2 Augmented BNF", 1002, 0},
    {"unexpected_cr", "a carriage return stands before the line feed that ends a line, which STOMP 1.1 does not allow",
     "STOMP 1.1 Augmented BNF", 1002, 0},
    {"missing_colon", "a header line has no colon", "STOMP 1.2 Augmented BNF", 1002, 0},
    {"empty_name", "a header has an empty name", "STOMP 1.2 Augmented BNF", 1002, 0},
    {"bad_escape", "a header has an escape that this version of STOMP does not define", "STOMP 1.2 Value Encoding",
     1002, 0},
    {"line_too_long", "a header line is longer than the limit", "STOMP 1.2 Size Limits", 1009, 0},
    {"too_many_headers", "a frame has more headers than the limit", "STOMP 1.2 Size Limits", 1009, 0},
    {"head_too_large", "the head of a frame is larger than the limit or than the memory for it",
     "STOMP 1.2 Size Limits", 1009, 0},
    {"bad_content_length", "content-length is not a decimal number", "STOMP 1.2 Header content-length", 1002, 0},
    {"body_too_large", "the body of a frame is larger than the limit or than the memory for it",
     "STOMP 1.2 Size Limits", 1009, 0},
    {"unexpected_body", "a frame other than SEND, MESSAGE and ERROR has a body", "STOMP 1.2 Body", 1002, 0},
    {"body_not_terminated", "no NUL byte follows the body that content-length announces",
     "STOMP 1.2 Header content-length", 1002, 0},
    {"truncated", "the input ended inside a frame", "STOMP 1.2 STOMP Frames", 1006, 0},

    {"not_connected", "a frame came before CONNECT and CONNECTED had opened the session", "STOMP 1.2 Connecting", 1002,
     0},
    {"already_connected", "CONNECT or CONNECTED came a second time", "STOMP 1.2 Connecting", 1002, 0},
    {"after_disconnect", "a frame came after DISCONNECT", "STOMP 1.2 DISCONNECT", 1002, 0},
    {"unexpected_command", "the command is not one that its sender may send in this version of STOMP",
     "STOMP 1.2 Augmented BNF", 1002, 0},
    {"no_common_version", "the client and the server have no version of STOMP in common",
     "STOMP 1.2 Protocol Negotiation", 1002, 0},
    {"missing_header", "a header that the frame must have is missing or empty", "STOMP 1.2 Standard Headers", 1002, 0},
    {"bad_heart_beat", "heart-beat is not two decimal numbers with a comma between them", "STOMP 1.2 Heart-beating",
     1002, 0},
    {"bad_ack_mode", "the ack header names a mode that this version of STOMP does not have",
     "STOMP 1.2 SUBSCRIBE ack Header", 1002, 0},
    {"repeated_subscription", "the session already has a subscription with this id, or with no id to this destination",
     "STOMP 1.2 SUBSCRIBE id Header", 1002, 0},
    {"unknown_subscription", "the session has no such subscription", "STOMP 1.2 UNSUBSCRIBE", 1002, 0},
    {"repeated_transaction", "a transaction with this name is already open", "STOMP 1.2 BEGIN", 1002, 0},
    {"unknown_transaction", "no transaction with this name is open", "STOMP 1.2 BEGIN", 1002, 0},
    {"unknown_acknowledgement", "an ACK or NACK names no message that waits for an acknowledgement", "STOMP 1.2 ACK",
     1002, 0},
    {"too_many_subscriptions", "the session has more subscriptions than the limit or than the memory for them",
     "STOMP 1.2 Size Limits", 1008, 0},
    {"too_many_transactions", "the session has more open transactions than the limit or than the memory for them",
     "STOMP 1.2 Size Limits", 1008, 0},
    {"too_many_unacknowledged", "more messages wait for an acknowledgement than the limit or than the memory for them",
     "STOMP 1.2 Size Limits", 1008, 0},

    {"end_of_input", "the connection ended before the session did", "STOMP 1.2 DISCONNECT", 1006, 0},
    {"connect_timeout", "CONNECT and its answer took too long", "STOMP 1.2 Connecting", 1008, 0},
    {"heart_beat_timeout", "nothing was received for longer than the agreed heart-beats allow",
     "STOMP 1.2 Heart-beating", 1002, 0},
    {"receipt_timeout", "the receipt for DISCONNECT did not come in time", "STOMP 1.2 DISCONNECT", 1000, 0},
    {"output_full", "a RECEIPT is larger than the memory for output", "STOMP 1.2 Size Limits", 1008, 0},
    {"shut_down", "the program is shutting down", "STOMP 1.2 ERROR", 1001, 0},
    {"error_sent", "an ERROR was sent, which ends the session", "STOMP 1.2 ERROR", 1008, 0},
    {"error_received", "an ERROR was received, which ends the session", "STOMP 1.2 ERROR", 1000, 0},

    {"no_room", "the output has no room for this frame; nothing was written", "", 0, 0},
    {"bad_header", "a header has an empty name, the name content-length, or a character that the frame cannot carry",
     "STOMP 1.2 Value Encoding", 0, 0},
    {"body_not_allowed", "only SEND, MESSAGE and ERROR have a body", "STOMP 1.2 Body", 0, 0},
    {"nul_in_body", "a body with a NUL byte needs a content-length", "STOMP 1.2 Header content-length", 0, 0},
    {"not_open", "this is not possible in the present state of the session", "STOMP 1.2 Connecting", 0, 0},
    {"nothing_to_answer", "no CONNECT waits for an answer", "STOMP 1.2 Connecting", 0, 0},
    {"repeated_receipt", "a receipt with this id is already outstanding", "STOMP 1.2 Header receipt", 0, 0},
    {"too_many_receipts", "more receipts are outstanding than the limit or than the memory for them",
     "STOMP 1.2 Header receipt", 0, 0},
};

} // namespace detail

/// One row per enumerator of `errc`, in its order. A server sends the sentence to the client as the `message` of its
/// ERROR. The Close codes are for STOMP over WebSocket.
inline constexpr decltype(auto) errc_rows = sockless::detail::kept<'S'>(detail::errc_texts);

/// The row of `code`: its name, sentence, section and Close code.
[[nodiscard]] constexpr const sockless::detail::kept_error_row& row_of(errc code) noexcept {
    return errc_rows[static_cast<std::size_t>(code)];
}

static_assert(std::size(detail::errc_texts) == static_cast<std::size_t>(errc::too_many_receipts) + 1);
static_assert(detail::errc_texts[static_cast<std::size_t>(errc::truncated)].name == "truncated");

} // namespace sockless::stomp

// =========================================== sockless/stomp/headers.hpp ===========================================
// The headers of one frame: a lazy range over the text that the parser leaves, and the values that the protocol knows.

namespace sockless::stomp {

/// One header. Names are case-sensitive, and white space belongs to name and value (STOMP 1.2 Augmented BNF). Both are
/// views. The function that returns a header says how long they are valid.
struct header {
    std::string_view name;
    std::string_view value;
};

} // namespace sockless::stomp

namespace sockless::stomp::detail {

/// Finds one header after the other in the text that the parser leaves: for each header the name, a NUL, the value, and
/// at least one NUL. Only the parser puts NULs there, as a head with a NUL is an error. No name is empty.
struct header_finder {
    using value_type = stomp::header;

    constexpr header_finder() noexcept = default;
    constexpr header_finder(const char* begin, const char* last) noexcept : ends(begin, last), next(begin), end(last) {
        advance();
    }

    constexpr void advance() noexcept {
        name = next;
        if (name == end) return;
        const char* const name_end = ends.next();
        const char* const value_end = ends.next();
        current.name = {name, static_cast<std::size_t>(name_end - name)};
        current.value = {name_end + 1, static_cast<std::size_t>(value_end - name_end - 1)};
        // If the line had escapes or ended in CR LF, more than one NUL follows its value.
        next = value_end + 1;
        while (next != end && *next == '\0') next = ends.next() + 1;
    }
    [[nodiscard]] constexpr const char* place() const noexcept { return name == end ? nullptr : name; }

    occurrences<const char, '\0'> ends{};
    const char* name = nullptr;
    const char* next = nullptr;
    const char* end = nullptr;
    stomp::header current{};
};

} // namespace sockless::stomp::detail

namespace sockless::stomp {

/// The headers of one frame in the order of the wire, repeated ones too: a forward range of `header`. It stores no list
/// but finds each header when it is asked for. It is a view of text that the parser leaves, and valid as long as that
/// text. A NUL follows each name and each value, so their `data()` are also C strings.
///
///     const stomp::headers headers("destination:/queue/a\npriority:9\n");
///     for (const stomp::header& each : headers) print(each.name, each.value);
///     if (headers.find("priority") == "9") print("urgent");
class headers {
  public:
    using iterator = detail::lazy_iterator<detail::header_finder>;

    constexpr headers() noexcept = default;

    /// The headers in text that the parser has left (see `text`). Nothing is checked.
    constexpr explicit headers(std::string_view parsed) noexcept : text_(parsed) {}

    /// Iterators over the headers, and whether there is none.
    [[nodiscard]] constexpr iterator begin() const noexcept {
        return iterator(text_.data(), text_.data() + text_.size());
    }
    [[nodiscard]] constexpr iterator end() const noexcept { return {}; }
    [[nodiscard]] constexpr bool empty() const noexcept { return text_.empty(); }

    /// The text that this is a view of. To keep the headers, copy the text and construct `headers` from the copy.
    [[nodiscard]] constexpr std::string_view text() const noexcept { return text_; }

    /// The value of the first header with this name, as the first of repeated headers counts (STOMP 1.2 Repeated Header
    /// Entries). If there is no such header, the `data()` of the result is null. Each call walks through the headers.
    [[nodiscard]] constexpr std::string_view find(std::string_view name) const noexcept {
        for (const header& each : *this) {
            if (equal(each.name, name)) return each.value;
        }
        return {};
    }

  private:
    std::string_view text_{};
};

/// The values of the headers to which the protocol gives a meaning, collected in one walk through the headers of a
/// frame. Each member is the value of the first header of that name; if there is none, its `data()` is null. The views
/// are valid as long as the text of the headers.
struct known_headers {
    std::string_view id{};
    std::string_view ack{};
    std::string_view host{};
    std::string_view login{};
    std::string_view server{};
    std::string_view message{};
    std::string_view receipt{};
    std::string_view session{};
    std::string_view version{};
    std::string_view passcode{};
    std::string_view heart_beat{};
    std::string_view message_id{};
    std::string_view receipt_id{};
    std::string_view destination{};
    std::string_view transaction{};
    std::string_view content_type{};
    std::string_view subscription{};
    std::string_view accept_version{};
    std::string_view content_length{};

    constexpr known_headers() noexcept = default;
    /// Walks through the headers once.
    constexpr explicit known_headers(const stomp::headers& all) noexcept;
};

} // namespace sockless::stomp

namespace sockless::stomp::detail {

struct known_header_row {
    std::string_view name;
    std::string_view stomp::known_headers::*value;
};

/// One row per member of `known_headers`, in the order of the lengths of the names.
inline constexpr known_header_row known_header_rows[] = {
    {"id", &stomp::known_headers::id},
    {"ack", &stomp::known_headers::ack},
    {"host", &stomp::known_headers::host},
    {"login", &stomp::known_headers::login},
    {"server", &stomp::known_headers::server},
    {"message", &stomp::known_headers::message},
    {"receipt", &stomp::known_headers::receipt},
    {"session", &stomp::known_headers::session},
    {"version", &stomp::known_headers::version},
    {"passcode", &stomp::known_headers::passcode},
    {"heart-beat", &stomp::known_headers::heart_beat},
    {"message-id", &stomp::known_headers::message_id},
    {"receipt-id", &stomp::known_headers::receipt_id},
    {"destination", &stomp::known_headers::destination},
    {"transaction", &stomp::known_headers::transaction},
    {"content-type", &stomp::known_headers::content_type},
    {"subscription", &stomp::known_headers::subscription},
    {"accept-version", &stomp::known_headers::accept_version},
    {"content-length", &stomp::known_headers::content_length},
};

/// The place in that table where the names of each length begin. They end where those of the next length begin.
struct known_header_lengths {
    static constexpr std::size_t longest = 14;
    std::uint8_t begin[longest + 2] = {};

    consteval known_header_lengths() noexcept {
        for (const known_header_row& row : known_header_rows) {
            for (std::size_t length = row.name.size() + 1; length != longest + 2; ++length) ++begin[length];
        }
    }
};

inline constexpr known_header_lengths known_header_index{};

} // namespace sockless::stomp::detail

namespace sockless::stomp {

constexpr known_headers::known_headers(const stomp::headers& all) noexcept {
    using lengths = detail::known_header_lengths;
    const std::string_view text = all.text();
    for (detail::header_finder at(text.data(), text.data() + text.size()); at.name != at.end; at.advance()) {
        const header& each = at.current;
        const std::size_t length = each.name.size();
        if (length > lengths::longest) continue;
        for (std::size_t i = detail::known_header_index.begin[length];
             i != detail::known_header_index.begin[length + 1]; ++i) {
            const detail::known_header_row& row = detail::known_header_rows[i];
            // Of the names of one length most differ in their first character.
            if (each.name.front() != row.name.front() || !equal(each.name, row.name)) continue;
            // The first of repeated headers counts (STOMP 1.2 Repeated Header Entries).
            if ((this->*row.value).data() == nullptr) this->*row.value = each.value;
            break;
        }
    }
}

} // namespace sockless::stomp

// =========================================== sockless/stomp/writer.hpp ============================================
// The writer of STOMP frames, into a span. It escapes headers, and refuses characters that a frame cannot carry.

namespace sockless::stomp::detail {

/// Whether no character of `text` is a colon, a backslash, or a control character up to CR. `size` is that of one to
/// two words; the two words that are looked at may overlap.
template <class Word>
[[nodiscard]] inline bool is_plain_in_words(const char* text, std::size_t size) noexcept {
    constexpr Word each = static_cast<Word>(0x0101010101010101U), high = each * 0x80;
    Word first, last;
    std::memcpy(&first, text, sizeof first);
    std::memcpy(&last, text + size - sizeof last, sizeof last);
    Word found = 0;
    for (const Word word : {first, last}) {
        const Word colon = word ^ each * ':', backslash = word ^ each * '\\';
        // The top bit of each byte that is up to CR, or one of the two.
        found |= ((word - each * ('\r' + 1)) & ~word) | ((colon - each) & ~colon) | ((backslash - each) & ~backslash);
    }
    return (found & high) == 0;
}

/// Whether a name or value is surely the same in every version, escaped or not. If the answer is false, `writer::text`
/// looks at each of its special characters.
[[nodiscard]] constexpr bool is_plain(std::string_view text) noexcept {
    if (!std::is_constant_evaluated()) {
        using blocks = most_characters;
        const auto specials_at = [&](std::size_t at) {
            return blocks::any_of(blocks::load(text.data() + at), '\0', '\n', '\r', ':', '\\');
        };
        if (text.size() >= 16) {
            unsigned found = specials_at(text.size() - blocks::size);
            for (std::size_t at = 0; text.size() - at > blocks::size; at += blocks::size) found |= specials_at(at);
            return found == 0;
        }
        if (text.size() >= 8) return is_plain_in_words<std::uint64_t>(text.data(), text.size());
        if (text.size() >= 4) return is_plain_in_words<std::uint32_t>(text.data(), text.size());
    }
    for (const char c : text) {
        if (c == '\0' || c == '\n' || c == '\r' || c == ':' || c == '\\') return false;
    }
    return true;
}

} // namespace sockless::stomp::detail

namespace sockless::stomp {

/// Whether a frame with a body has a `content-length`. Without one the body ends at the first NUL.
enum class content_length : std::uint8_t { automatic, omitted };

/// Writes one frame into a span. Call `begin`, then `header` for each header, then `finish`. The writer keeps the first
/// error and `finish` returns it, so calls can be chained and need no checks of their own. If the span is too small,
/// the writer goes on counting, and `finish` returns the room that the whole frame needs. Headers are escaped as the
/// version and the command demand (STOMP 1.2 Value Encoding) [S14].
///
///     std::array<std::byte, 256> memory;
///     const written frame = stomp::writer(memory, stomp::version::v1_2)
///                               .begin(stomp::command::send)
///                               .header("destination", "/queue/a")
///                               .finish(bytes_of("hello"));
///     if (!frame.error) write(bytes(memory).first(frame.size));
class writer {
  public:
    /// Writes to the front of `out`, whose memory must outlive the writer. If the version is `unknown`, nothing is
    /// escaped.
    constexpr explicit writer(bytes out, version in) noexcept : sink_(out), version_(in) {}

    /// Writes the first line. Error: `unexpected_command` if the version does not have this command, or it is `none`.
    constexpr writer& begin(command sent) noexcept {
        if (sent == command::none || !is_in(sent, version_)) return fail(errc::unexpected_command);
        command_ = sent;
        sink_.put(text_of(sent));
        sink_.put("\n");
        return *this;
    }

    /// Writes one header. Error: `bad_header` if the name is empty, if it is `content-length`, which `finish` writes,
    /// or if the name or the value has a character that the frame cannot carry. No frame can carry a NUL. Frames
    /// without escapes (all of 1.0; CONNECT and CONNECTED in every version) cannot carry LF, CR, or a colon in a name.
    /// Frames of 1.0 cannot carry blanks around a value.
    constexpr writer& header(std::string_view name, std::string_view value) noexcept {
        if (name.empty() || equal(name, "content-length")) return fail(errc::bad_header);
        // A reader of 1.0 takes the blanks around a value away (STOMP 1.0 SUBSCRIBE) [S14] [S16].
        if (version_ == version::v1_0 && is_padded(value)) return fail(errc::bad_header);
        return line(name, value);
    }

    /// Writes one header, unless the value is empty. Errors: as `header`.
    constexpr writer& optional(std::string_view name, std::string_view value) noexcept {
        return value.empty() ? *this : header(name, value);
    }

    /// Writes one header that the frame must have. Errors: `missing_header` if the value is empty, else as `header`.
    constexpr writer& required(std::string_view name, std::string_view value) noexcept {
        return value.empty() ? fail(errc::missing_header) : header(name, value);
    }

    /// Sets the error of the writer, unless it already has one. For callers that check more than the writer does.
    constexpr writer& fail(sockless::error error) noexcept {
        if (!error_) error_ = error;
        return *this;
    }

    /// Writes the end of the head, the body, and the NUL that ends the frame (STOMP 1.2 Body) [S1] [S2]. Returns the
    /// size of the whole frame; with `no_room`, the room that it needs. Errors: the first of the earlier calls,
    /// `unexpected_command` if `begin` was not called, `body_not_allowed` if the command has no body, `nul_in_body` if
    /// the body has a NUL and `told` is `omitted`, and `no_room`.
    [[nodiscard]] constexpr written finish(cbytes body = {}, content_length told = content_length::automatic) noexcept {
        if (command_ == command::none) fail(errc::unexpected_command);
        if (!body.empty() && !has_body(command_)) fail(errc::body_not_allowed);
        if (told == content_length::omitted && detail::place_of_nul(body) != body.size()) fail(errc::nul_in_body);
        // A body has a content-length, unless the caller wants none (STOMP 1.2 Header content-length) [S14].
        if (told == content_length::automatic && !body.empty()) {
            plain_line("content-length", detail::decimal_text(body.size()).text());
        }
        sink_.put("\n");
        if (!body.empty()) sink_.put(body);
        sink_.put(std::string_view("\0", 1));
        if (error_) return {0, error_};
        const std::size_t size = sink_.size();
        if (!sink_.complete()) return {size, errc::no_room};
        return {size, {}};
    }

  private:
    enum class part : std::uint8_t { name, value };

    [[nodiscard]] SOCKLESS_NEVER_INLINE static constexpr bool is_padded(std::string_view value) noexcept {
        return detail::trimmed(value).size() != value.size();
    }
    constexpr writer& put(std::string_view some) noexcept {
        sink_.put(some);
        return *this;
    }
    // Writes a header and escapes its name and value. Nearly all headers are plain and need no escape.
    constexpr writer& line(std::string_view name, std::string_view value) noexcept {
        if (!detail::is_plain(name) || !detail::is_plain(value)) {
            return text(name, part::name).put(":").text(value, part::value).put("\n");
        }
        return plain_line(name, value);
    }

    constexpr writer& plain_line(std::string_view name, std::string_view value) noexcept {
        if (std::byte* const to = sink_.take(name.size() + value.size() + 2)) {
            detail::copy(to, name.data(), name.size());
            to[name.size()] = std::byte{':'};
            detail::copy(to + name.size() + 1, value.data(), value.size());
            to[name.size() + 1 + value.size()] = std::byte{'\n'};
        }
        return *this;
    }

    // Writes a name or value and escapes it.
    constexpr writer& text(std::string_view plain, part in) noexcept {
        const detail::escaping by = detail::escaping_of(version_, command_);
        const char* run = plain.data();
        const char* const end = run + plain.size();
        detail::occurrences<const char, '\0', '\n', '\r', ':', '\\'> special(run, end);
        for (const char* at = special.next(); at != end; at = special.next()) {
            const char code = escaped(*at, by);
            if (code != '\0') {
                const char pair[] = {'\\', code};
                put({run, static_cast<std::size_t>(at - run)}).put(detail::text_at(pair, 2));
                run = at + 1;
            } else if (!may_stand(*at, by, in)) {
                return fail(errc::bad_header);
            }
        }
        return put({run, static_cast<std::size_t>(end - run)});
    }

    // The character that follows the backslash if `plain` is escaped, or NUL if it is not (STOMP 1.2 Value Encoding)
    // [S3].
    [[nodiscard]] static constexpr char escaped(char plain, detail::escaping by) noexcept {
        for (std::size_t i = 0; i != detail::number_of_escapes(by); ++i) {
            if (detail::escapes[i].plain == plain) return detail::escapes[i].code;
        }
        return '\0';
    }

    // Whether `plain` can stand unescaped, so that a reader gets it back as it was (STOMP 1.2 Value Encoding) [S14]. A
    // CR is data in 1.1. In a frame without escapes a reader may take it for a part of the end of the line.
    [[nodiscard]] static constexpr bool may_stand(char plain, detail::escaping by, part in) noexcept {
        switch (plain) {
        case '\r': return by == detail::escaping::of_1_1;
        case ':': return in == part::value;
        case '\\': return true;
        default: return false;
        }
    }

    detail::text_sink<std::byte> sink_;
    sockless::error error_{};
    version version_;
    command command_ = command::none;
};

} // namespace sockless::stomp

// =========================================== sockless/stomp/frames.hpp ============================================
// Every frame of STOMP as a struct, so that no caller spells the name of a header, and the functions that write them.

// The members of a frame are views. `write` reads them during its call and keeps none. It leaves out headers whose
// member is empty; if the version demands such a header, the error is `missing_header`. `headers` are the caller's own:
// `write` puts them behind the headers of the other members, in their order.
namespace sockless::stomp {

/// How a subscription wants its messages acknowledged (STOMP 1.2 SUBSCRIBE ack Header).
enum class ack_mode : std::uint8_t {
    automatic,         ///< not at all
    client,            ///< each with all before it
    client_individual, ///< each by itself; since 1.1
};

/// All modes.
inline constexpr ack_mode all_ack_modes[] = {ack_mode::automatic, ack_mode::client, ack_mode::client_individual};

/// The text of a mode in the header `ack` of SUBSCRIBE. A constant.
[[nodiscard]] constexpr std::string_view text_of(ack_mode mode) noexcept {
    constexpr std::string_view texts[] = {"auto", "client", "client-individual"};
    return texts[static_cast<std::size_t>(mode)];
}

/// CONNECT, or STOMP: the first frame of a client (STOMP 1.2 Connecting).
struct connect_frame {
    version_set versions = version_set::all();
    std::string_view host{}; ///< the virtual host. Since 1.1 servers may demand it; the usual brokers do not.
    std::string_view login{};
    /// RabbitMQ unescapes the headers of CONNECT, although no version escapes them: if it is the server, write each
    /// backslash twice.
    std::string_view passcode{};
    stomp::heart_beat heart_beat{};
    std::span<const header> headers{};
    command as = command::connect; ///< or `command::stomp`, which servers of 1.0 do not know
};

/// CONNECTED: the answer of a server to CONNECT (STOMP 1.2 Connecting).
struct connected_frame {
    stomp::version version = stomp::version::v1_2;
    std::string_view session{};
    std::string_view server{}; ///< the name of the server, `/`, its version; since 1.1
    stomp::heart_beat heart_beat{};
    std::span<const header> headers{};
};

/// SEND: a message of a client to a destination (STOMP 1.2 SEND).
struct send_frame {
    std::string_view destination{};
    std::string_view content_type{};
    std::string_view transaction{};
    std::string_view receipt{};
    std::span<const header> headers{};
    cbytes body{};
    stomp::content_length length = stomp::content_length::automatic;
};

/// SUBSCRIBE: a client asks for the messages of a destination (STOMP 1.2 SUBSCRIBE).
struct subscribe_frame {
    std::string_view id{}; ///< may be empty in 1.0: then the destination names the subscription
    std::string_view destination{};
    ack_mode ack = ack_mode::automatic;
    std::string_view receipt{};
    std::span<const header> headers{};
};

/// UNSUBSCRIBE: the end of a subscription (STOMP 1.2 UNSUBSCRIBE).
struct unsubscribe_frame {
    std::string_view id{};
    std::string_view destination{}; ///< only read in 1.0, if `id` is empty
    std::string_view receipt{};
    std::span<const header> headers{};
};

/// ACK and NACK. The version decides by which of the first three members the frame names a message, so set all that the
/// MESSAGE had.
struct ack_frame {
    std::string_view id{};           ///< the header `ack` of the MESSAGE; written in 1.2
    std::string_view message_id{};   ///< written in 1.0 and 1.1
    std::string_view subscription{}; ///< written in 1.1
    std::string_view transaction{};
    std::string_view receipt{};
    std::span<const header> headers{};
    command as = command::ack; ///< or `command::nack`, since 1.1
};

/// BEGIN, COMMIT and ABORT.
struct transaction_frame {
    command as = command::begin;
    std::string_view transaction{};
    std::string_view receipt{};
    std::span<const header> headers{};
};

/// DISCONNECT: a client ends the session (STOMP 1.2 DISCONNECT).
struct disconnect_frame {
    std::string_view receipt{};
    std::span<const header> headers{};
};

/// MESSAGE: a message of a server to a subscription (STOMP 1.2 MESSAGE).
struct message_frame {
    std::string_view destination{};
    std::string_view message_id{};
    std::string_view subscription{}; ///< may be empty in 1.0: if the subscription has no id
    std::string_view ack{};          ///< the id for the ACK, if the message wants one; written in 1.2
    std::string_view content_type{};
    std::span<const header> headers{};
    stomp::headers forwarded{}; ///< the headers of the SEND that this message comes from; see `write`
    cbytes body{};
    stomp::content_length length = stomp::content_length::automatic;
};

/// RECEIPT: a server has handled the frame that asked for it (STOMP 1.2 RECEIPT).
struct receipt_frame {
    std::string_view receipt_id{}; ///< as the client has asked for it: may be empty, but its `data()` is not null
    std::span<const header> headers{};
};

/// ERROR: a server ends the session, as something went wrong (STOMP 1.2 ERROR).
struct error_frame {
    std::string_view message{};      ///< a short description
    std::string_view receipt_id{};   ///< the `receipt` of the frame that caused the error, if it asked for one [S7]
    version_set supported{};         ///< the versions of the server, if the client has none of them [S6]
    std::string_view content_type{}; ///< of the body
    std::span<const header> headers{};
    cbytes body{};
};

/// Whether a server copies the header `name` from a SEND to its MESSAGE (STOMP 1.2 SEND, MESSAGE) [S11]. It copies all
/// headers but `receipt` and `transaction`, which only concern the sender and the server, and those that the server
/// writes itself.
[[nodiscard]] constexpr bool is_forwarded(std::string_view name) noexcept {
    constexpr std::string_view kept_back[] = {"destination",  "receipt",    "transaction", "content-length",
                                              "subscription", "message-id", "ack"};
    for (const std::string_view each : kept_back) {
        if (equal(each, name)) return false;
    }
    return true;
}

} // namespace sockless::stomp

namespace sockless::stomp::detail {

constexpr stomp::writer& put_headers(stomp::writer& to, std::span<const stomp::header> headers) noexcept {
    for (const stomp::header& each : headers) to.header(each.name, each.value);
    return to;
}

} // namespace sockless::stomp::detail

namespace sockless::stomp {

/// Writes a frame to the front of `out`, in the form of its version: `in`, or the one that the members of CONNECT and
/// CONNECTED say. The size is that of the frame; with `no_room` it is the room that the frame needs. Errors: those of
/// `writer`, and `missing_header` if the version demands a header whose member is empty; for SUBSCRIBE also
/// `bad_ack_mode`, if the version does not have the mode.
[[nodiscard]] constexpr written write(bytes out, const connect_frame& frame) noexcept {
    const bool only_1_0 = frame.versions.highest_in_common({version::v1_1, version::v1_2}) == version::unknown;
    writer to(out, only_1_0 && frame.as == command::connect ? version::v1_0 : version::unknown);
    to.begin(frame.as == command::connect || frame.as == command::stomp ? frame.as : command::none);
    if (frame.versions.empty()) to.fail(errc::missing_header);
    // A client of 1.0 knows neither accept-version nor heart-beats (STOMP 1.2 Connecting).
    if (!only_1_0) to.header("accept-version", frame.versions.list());
    to.optional("host", frame.host).optional("login", frame.login).optional("passcode", frame.passcode);
    // Two zeros mean what a missing header means (STOMP 1.2 Heart-beating).
    const bool beats = frame.heart_beat.sends != 0 || frame.heart_beat.wants != 0;
    if (beats && !only_1_0) to.header("heart-beat", heart_beat_text(frame.heart_beat).text());
    return detail::put_headers(to, frame.headers).finish();
}

/// Likewise, CONNECTED, in the version that it says.
[[nodiscard]] constexpr written write(bytes out, const connected_frame& frame) noexcept {
    writer to(out, frame.version);
    to.begin(command::connected);
    if (frame.version == version::unknown) to.fail(errc::missing_header);
    if (frame.version != version::v1_0) to.header("version", text_of(frame.version));
    to.optional("session", frame.session).optional("server", frame.server);
    // Also two zeros, which say nothing new: stompjs 2.3.3 cannot do without the header.
    if (frame.version != version::v1_0) to.header("heart-beat", heart_beat_text(frame.heart_beat).text());
    return detail::put_headers(to, frame.headers).finish();
}

/// Likewise, SEND.
[[nodiscard]] constexpr written write(bytes out, version in, const send_frame& frame) noexcept {
    writer to(out, in);
    to.begin(command::send).required("destination", frame.destination);
    to.optional("content-type", frame.content_type).optional("transaction", frame.transaction);
    to.optional("receipt", frame.receipt);
    return detail::put_headers(to, frame.headers).finish(frame.body, frame.length);
}

/// Likewise, SUBSCRIBE.
[[nodiscard]] constexpr written write(bytes out, version in, const subscribe_frame& frame) noexcept {
    writer to(out, in);
    to.begin(command::subscribe);
    if (in != version::v1_0 && frame.id.empty()) to.fail(errc::missing_header);
    if (in == version::v1_0 && frame.ack == ack_mode::client_individual) to.fail(errc::bad_ack_mode);
    to.optional("id", frame.id).required("destination", frame.destination).header("ack", text_of(frame.ack));
    return detail::put_headers(to.optional("receipt", frame.receipt), frame.headers).finish();
}

/// Likewise, UNSUBSCRIBE. In 1.0 without an id the destination names the subscription.
[[nodiscard]] constexpr written write(bytes out, version in, const unsubscribe_frame& frame) noexcept {
    writer to(out, in);
    to.begin(command::unsubscribe);
    if (frame.id.empty() && in == version::v1_0) {
        to.required("destination", frame.destination);
    } else {
        to.required("id", frame.id);
    }
    return detail::put_headers(to.optional("receipt", frame.receipt), frame.headers).finish();
}

/// Likewise, ACK or NACK, with the members by which the version names a message.
[[nodiscard]] constexpr written write(bytes out, version in, const ack_frame& frame) noexcept {
    writer to(out, in);
    to.begin(frame.as == command::nack ? command::nack : command::ack);
    if (in == version::v1_2) {
        to.required("id", frame.id);
    } else {
        to.required("message-id", frame.message_id);
        if (in == version::v1_1) to.required("subscription", frame.subscription);
    }
    to.optional("transaction", frame.transaction).optional("receipt", frame.receipt);
    return detail::put_headers(to, frame.headers).finish();
}

/// Likewise, BEGIN, COMMIT or ABORT.
[[nodiscard]] constexpr written write(bytes out, version in, const transaction_frame& frame) noexcept {
    writer to(out, in);
    const bool known = frame.as == command::begin || frame.as == command::commit || frame.as == command::abort;
    to.begin(known ? frame.as : command::none).required("transaction", frame.transaction);
    return detail::put_headers(to.optional("receipt", frame.receipt), frame.headers).finish();
}

/// Likewise, DISCONNECT.
[[nodiscard]] constexpr written write(bytes out, version in, const disconnect_frame& frame) noexcept {
    writer to(out, in);
    to.begin(command::disconnect).optional("receipt", frame.receipt);
    return detail::put_headers(to, frame.headers).finish();
}

/// Likewise. Behind the headers of its own members stand those of `forwarded` that a server copies from SEND to MESSAGE
/// (see `is_forwarded`), and then `headers` [S11]. In 1.0 the values of `forwarded` are written without the blanks
/// around them, which a reader of 1.0 takes away [S16].
[[nodiscard]] constexpr written write(bytes out, version in, const message_frame& frame) noexcept {
    writer to(out, in);
    to.begin(command::message);
    if (in != version::v1_0 && frame.subscription.empty()) to.fail(errc::missing_header);
    to.optional("subscription", frame.subscription).required("message-id", frame.message_id);
    to.required("destination", frame.destination);
    if (in == version::v1_2) to.optional("ack", frame.ack);
    to.optional("content-type", frame.content_type);
    for (const header& each : frame.forwarded) {
        if (!is_forwarded(each.name)) continue;
        to.header(each.name, in == version::v1_0 ? detail::trimmed(each.value) : each.value);
    }
    return detail::put_headers(to, frame.headers).finish(frame.body, frame.length);
}

/// Likewise, RECEIPT. The id may be empty.
[[nodiscard]] constexpr written write(bytes out, version in, const receipt_frame& frame) noexcept {
    writer to(out, in);
    to.begin(command::receipt);
    // A receipt is said back as it was asked for, also an empty one (STOMP 1.2 RECEIPT) [S7].
    if (frame.receipt_id.data() == nullptr) to.fail(errc::missing_header);
    to.header("receipt-id", frame.receipt_id);
    return detail::put_headers(to, frame.headers).finish();
}

/// Likewise, ERROR.
[[nodiscard]] constexpr written write(bytes out, version in, const error_frame& frame) noexcept {
    writer to(out, in);
    to.begin(command::error).optional("message", frame.message).optional("receipt-id", frame.receipt_id);
    to.optional("version", frame.supported.list()).optional("content-type", frame.content_type);
    return detail::put_headers(to, frame.headers).finish(frame.body);
}

} // namespace sockless::stomp

// ============================================ sockless/stomp/event.hpp ============================================
// The events of the two ends of a STOMP session.

namespace sockless::stomp {

/// The kinds of `server_event`. Behind each kind stand the members of the event that it sets.
enum class server_kind : std::uint8_t {
    need_input,  ///< nothing yet: the input is used up, or the session has ended
    connect,     ///< a client wants to connect: `host`, `login`, `passcode`; answer with `accept()` or `refuse()`
    send,        ///< `destination`, `content_type`, `transaction`, `body`
    subscribe,   ///< `subscription`, `id`, `destination`, `ack`
    unsubscribe, ///< `subscription`, `id`; no message of this subscription waits for an acknowledgement any more
    ack,         ///< `subscription`, `number`, `cumulative`, `transaction`
    nack,        ///< as `ack`
    late_ack,    ///< as `ack` or `nack`, but the subscription has ended before: the frame has no effect
    begin,       ///< `transaction`
    commit,      ///< `transaction`
    abort,       ///< `transaction`
    disconnect,  ///< the client has sent DISCONNECT; `closed` comes when the client has ended the connection
    heart_beat,  ///< an end of line between frames
    closed,      ///< the session has ended after a DISCONNECT. No event follows.
    lost,        ///< the session has ended without a DISCONNECT, or by an error: `error`. No event follows.
};

/// The name of the enumerator, for logs.
[[nodiscard]] constexpr std::string_view name_of(server_kind of) noexcept {
    constexpr literal names[] = {"need_input", "connect",    "send",       "subscribe", "unsubscribe",
                                 "ack",        "nack",       "late_ack",   "begin",     "commit",
                                 "abort",      "disconnect", "heart_beat", "closed",    "lost"};
    static_assert(std::size(names) == static_cast<std::size_t>(server_kind::lost) + 1);
    return names[static_cast<std::size_t>(of)];
}

/// The result of `next`, `tick` and `finish` of a server session. False for `need_input`. All views and spans lie in
/// the input or in the memory of the session. They are valid until the next call of `next`, `finish` or
/// `release_memory`, or until the input is reused; functions that send leave them valid.
struct server_event {
    server_kind kind = server_kind::need_input;
    ack_mode ack = ack_mode::automatic; ///< with `subscribe`

    /// With `ack` and `nack`: the frame means all waiting messages of this subscription up to this `number`, not only
    /// the message with this number (STOMP 1.2 ACK) [S9].
    bool cumulative = false;

    std::uint32_t subscription = 0; ///< the number that `deliver` takes; unique in this session
    std::uint64_t number = 0;       ///< with `ack` and `nack`: the number of the message, as `deliver` returned it
    sockless::error error{};        ///< with `lost`: why the session has ended
    std::string_view host{};        ///< see `has_host`
    std::string_view login{};
    std::string_view passcode{};
    std::string_view id{};
    std::string_view destination{};
    std::string_view content_type{};
    std::string_view transaction{}; ///< empty if the frame is in no transaction
    std::string_view receipt{};     ///< the receipt that the client asks for; see `asks_for_receipt`
    stomp::headers headers{};       ///< all headers of the frame, in the order of the wire
    bytes body{};

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return kind != server_kind::need_input; }

    /// With `connect`: whether the frame has a header `host`, which may be empty. If not, the `data()` of `host` is
    /// null. All clients of 1.0 may leave it out, and many others do.
    [[nodiscard]] constexpr bool has_host() const noexcept { return host.data() != nullptr; }

    /// Whether the client asks for a receipt, whose id may be empty. If not, the `data()` of `receipt` is null.
    [[nodiscard]] constexpr bool asks_for_receipt() const noexcept { return receipt.data() != nullptr; }

    /// The body as text. It is not checked to be UTF-8.
    [[nodiscard]] std::string_view text() const noexcept { return sockless::text_of(body); }
};

/// The kinds of `client_event`. Behind each kind stand the members of the event that it sets.
enum class client_kind : std::uint8_t {
    need_input, ///< nothing yet: the input is used up, or the session has ended
    connected,  ///< the server has accepted: `server`, `session`; `version()` is agreed
    message, ///< `message_id`, `ack`, `content_type`, `body`; `subscription` and `destination`, if the server says them
    receipt, ///< `receipt_id`: the server has handled the frame that asked for this receipt
    error,   ///< the server ends the session: `message`, `receipt_id`, `body`; `lost` follows
    heart_beat, ///< an end of line between frames
    closed,     ///< the session has ended: the receipt of DISCONNECT came. No event follows.
    lost,       ///< any other end: `error`; `receipts()` lists the receipts that never came. No event follows.
};

/// The name of the enumerator, for logs.
[[nodiscard]] constexpr std::string_view name_of(client_kind of) noexcept {
    constexpr literal names[] = {"need_input", "connected",  "message", "receipt",
                                 "error",      "heart_beat", "closed",  "lost"};
    static_assert(std::size(names) == static_cast<std::size_t>(client_kind::lost) + 1);
    return names[static_cast<std::size_t>(of)];
}

/// The result of `next`, `tick` and `finish` of a client session. False for `need_input`. Its views and spans are valid
/// as long as those of a `server_event`.
struct client_event {
    client_kind kind = client_kind::need_input;
    sockless::error error{}; ///< with `lost`: why the session has ended
    std::string_view server{};
    std::string_view session{};
    std::string_view subscription{}; ///< the id that was given to `subscribe`; empty if there is none
    std::string_view message_id{};
    std::string_view destination{};
    std::string_view ack{}; ///< in 1.2, if the message wants an acknowledgement: the id for an `ack_frame`
    std::string_view content_type{};
    std::string_view receipt_id{};
    std::string_view message{}; ///< with `error`: a short description
    stomp::headers headers{};   ///< all headers of the frame, in the order of the wire
    bytes body{};

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return kind != client_kind::need_input; }

    /// The body as text. It is not checked to be UTF-8.
    [[nodiscard]] std::string_view text() const noexcept { return sockless::text_of(body); }
};

} // namespace sockless::stomp

// =========================================== sockless/stomp/limits.hpp ============================================
// The limits on one STOMP frame: how much memory and time a peer can cost us.

namespace sockless::stomp {

/// Limits on one frame (STOMP 1.2 Size Limits) [S12]. Each is exact: a size equal to the limit passes, and the first
/// byte or header beyond it is an error. No value means "unlimited"; the largest number is the largest limit.
struct limits {
    /// Bytes of one header line, without its end of line. Some applications send tokens of nearly 4 KiB in `passcode`.
    std::uint32_t line = 8192;

    /// Header lines of one frame. Brokers send about 10, and applications add their own.
    std::uint32_t headers = 100;

    /// Bytes of the head of one frame: the command and all header lines, with their ends of line, and the empty line.
    /// A head that comes in pieces takes at most so much memory.
    std::uint32_t head = 32768;

    /// Bytes of the body of one frame.
    std::uint64_t body = 16 * 1024 * 1024;
};

} // namespace sockless::stomp

// ======================================== sockless/stomp/head_scanner.hpp =========================================
// The grammar of the head of a STOMP frame: checks and unescapes it in place, and can stop and go on at any byte.

namespace sockless::stomp::detail {

/// Checks the head of one frame that comes in pieces of any size. Rewrites each header in place to the form that
/// `stomp::headers` reads: name, NUL, value, NUL. Unescaping makes a line shorter; the bytes that it frees are filled
/// with NULs, so every line still begins where it did. Looks at each byte once, and in 1.0 again when the head is done.
/// All places are offsets from the first byte of the head.
class stomp_head_scanner {
  public:
    constexpr stomp_head_scanner() noexcept = default;
    constexpr explicit stomp_head_scanner(stomp::version version) noexcept : version_(version) {}

    /// Takes the bytes of `head` from `from` up to `end`, but not beyond the end of the head or the first byte that is
    /// wrong. Returns the place where it stopped; the next call goes on from there. The caller may move the head
    /// between two calls, if the bytes before `from` stay as they are.
    constexpr std::size_t scan(char* head, std::size_t from, std::size_t end, const stomp::limits& limits) noexcept {
        head_ = head;
        end_ = end;
        run_ = stop_ = from;
        if (waiting_ != waiting::nothing && from != end) take_second(from, limits);
        if (phase_ < phase::done) {
            if (end - stop_ < few) {
                scan_few(limits);
            } else {
                scan_many(limits);
            }
        }
        head_ = nullptr;
        return stop_;
    }

    [[nodiscard]] constexpr bool done() const noexcept { return phase_ == phase::done; }

    /// The error at the byte where the scan stopped, or `none`.
    [[nodiscard]] constexpr stomp::errc error() const noexcept { return error_; }

    /// The version by which the head is read.
    [[nodiscard]] constexpr stomp::version version() const noexcept { return version_; }
    [[nodiscard]] constexpr stomp::command command() const noexcept { return command_; }
    [[nodiscard]] constexpr bool has_length() const noexcept { return has_length_; }
    [[nodiscard]] constexpr std::uint64_t length() const noexcept { return length_; }

    /// The header lines of a head, whose first byte is at `head`. Empty if the head is not done.
    [[nodiscard]] constexpr std::string_view lines(const char* head) const noexcept {
        if (phase_ != phase::done) return {};
        return text_between(head + lines_, head + line_);
    }

  private:
    enum class phase : std::uint8_t { command, name, value, done, failed };

    // Set if a piece ended between the two bytes of a pair: CR LF, or a backslash and its code.
    enum class waiting : std::uint8_t { nothing, line_feed, escaped };

    using specials = occurrences<char, '\0', '\n', '\r', ':', '\\'>;

    // Fewer characters than this are looked at one by one, as the setup to look at many at once costs more.
    static constexpr std::size_t few = 16;

    [[nodiscard]] static constexpr std::string_view text_between(const char* begin, const char* end) noexcept {
        return {begin, static_cast<std::size_t>(end - begin)};
    }

    [[nodiscard]] static constexpr bool is_special(char c) noexcept {
        const auto code = static_cast<unsigned char>(c);
        constexpr std::uint64_t low =
            1U | std::uint64_t{1} << '\n' | std::uint64_t{1} << '\r' | std::uint64_t{1} << ':';
        return code < 64 ? (low >> code & 1U) != 0 : c == '\\';
    }

    // Every failure goes this way. `place` is the byte that breaks the rule. The result is always false, so that
    // callers can return it.
    constexpr bool fail(stomp::errc error, std::size_t place) noexcept {
        error_ = error;
        stop_ = place;
        phase_ = phase::failed;
        return false;
    }

    // A CR before the LF belongs to the end of the line in 1.2, and before the version is known. It is data in 1.1
    // (STOMP 1.2 Augmented BNF) [S15]. In 1.0 it belongs there too, as brokers of 1.0 have always taken it [S16].
    [[nodiscard]] constexpr bool cr_may_end_line() const noexcept { return version_ != stomp::version::v1_1; }

    // [S1] The first line is a command.
    constexpr bool take_command(std::size_t at) noexcept {
        if (at > stomp::max_command + 1) return fail(stomp::errc::unknown_command, 0);
        stop_ = at;
        if (at == end_) return false;
        if (head_[at] == '\0') return fail(stomp::errc::nul_in_head, at);
        if (head_[at] != '\r') return begin_lines(at, at);
        if (at + 1 == end_) return wait_for(waiting::line_feed, at);
        return begin_lines_behind_cr(at);
    }

    // The command ends at a CR. In 1.1 this belongs to the command, so there is no such command (STOMP 1.1 Augmented
    // BNF) [S1]. The error names the CR, as it is the reason.
    SOCKLESS_NEVER_INLINE constexpr bool begin_lines_behind_cr(std::size_t cr) noexcept {
        const bool is_command = cr == 0 || stomp::command_of(text_between(head_, head_ + cr)) != stomp::command::none;
        if (head_[cr + 1] == '\n' && !cr_may_end_line() && is_command) return fail(stomp::errc::unexpected_cr, cr);
        return begin_lines(cr, cr + 1);
    }

    // The command ends at `end`, and its line at `last`.
    constexpr bool begin_lines(std::size_t end, std::size_t last) noexcept {
        command_ = stomp::command_of(text_between(head_, head_ + end));
        if (head_[last] != '\n' || command_ == stomp::command::none) return fail(stomp::errc::unknown_command, 0);
        escaping_ = escaping_of(version_, command_);
        begin_line(last + 1);
        lines_ = line_;
        return true;
    }

    constexpr void begin_line(std::size_t at) noexcept {
        line_ = element_ = static_cast<std::uint32_t>(at);
        run_ = stop_ = at;
        removed_ = 0;
        phase_ = phase::name;
    }

    constexpr void scan_few(const stomp::limits& limits) noexcept {
        std::size_t at = stop_;
        while (at != end_) {
            if (!is_special(head_[at])) {
                ++at;
            } else if (take_special(at, limits)) {
                at = stop_;
            } else {
                return;
            }
        }
        take_special(at, limits);
    }

    constexpr void scan_many(const stomp::limits& limits) noexcept {
        specials special(head_ + stop_, head_ + end_);
        for (;;) {
            auto at = static_cast<std::size_t>(special.next() - head_);
            // The second of a pair was taken with the first.
            if (at < stop_) continue;
            if (phase_ == phase::name && removed_ == 0) at = take_plain_lines(special, at, limits);
            if (phase_ == phase::failed || !take_special(at, limits)) return;
        }
    }

    // The short way for lines that are in this piece as a whole and have nothing to unescape, as nearly all lines. It
    // begins at `first`, the first special character of a line, and returns the place of the first special character
    // that it leaves to the long way.
    constexpr std::size_t take_plain_lines(specials& special, std::size_t first, const stomp::limits& limits) noexcept {
        char* line = head_ + line_;
        char* colon = nullptr;
        char* at = head_ + first;
        // A local variable is faster than the member: a compiler must assume that the characters written below may
        // change any member.
        const char* const end = head_ + end_;
        for (; at != end; at = special.next()) {
            if (*at == ':') {
                if (colon == nullptr) colon = at;
                continue;
            }
            if (*at != '\n' || colon == nullptr || colon == line || count_ == limits.headers) break;
            if (static_cast<std::size_t>(at - line) > limits.line) break;
            if (is_length(text_between(line, colon)) && !read_length(text_between(colon + 1, at), limits)) return 0;
            *colon = *at = '\0';
            ++count_;
            line = at + 1;
            colon = nullptr;
        }
        begin_line(static_cast<std::size_t>(line - head_));
        if (colon != nullptr) take_special(static_cast<std::size_t>(colon - head_), limits);
        return static_cast<std::size_t>(at - head_);
    }

    // Takes the special character at `at`, or the end of the piece. False if the scan stops.
    constexpr bool take_special(std::size_t at, const stomp::limits& limits) noexcept {
        if (phase_ == phase::command) return take_command(at);
        if (at - line_ >= limits.line && !may_end_long_line(at, limits)) {
            return fail(stomp::errc::line_too_long, line_ + limits.line);
        }
        if (at == end_) {
            move_run(at, at);
            stop_ = at;
            return false;
        }
        stop_ = at + 1;
        switch (head_[at]) {
        case ':': return phase_ != phase::name || end_name(at, limits);
        case '\n': return end_line(at, at, limits);
        case '\r':
            if (!cr_may_end_line()) return true;
            if (at + 1 == end_) return wait_for(waiting::line_feed, at);
            if (head_[at + 1] != '\n') return take_cr(at);
            return end_line(at, at + 1, limits);
        case '\\':
            if (escaping_ == escaping::none) return true;
            if (at + 1 == end_) return wait_for(waiting::escaped, at);
            return unescape(at, limits);
        default: return fail(stomp::errc::nul_in_head, at);
        }
    }

    // The byte at `at` is the last of its piece and the first of a pair.
    constexpr bool wait_for(waiting second, std::size_t at) noexcept {
        move_run(at, at);
        waiting_ = second;
        stop_ = end_;
        return false;
    }

    // Takes the second byte of that pair, which is at `at`.
    constexpr void take_second(std::size_t at, const stomp::limits& limits) noexcept {
        const waiting held = waiting_;
        waiting_ = waiting::nothing;
        const std::size_t first = at - 1;
        run_ = first;
        if (held == waiting::escaped) {
            unescape(first, limits);
        } else if (phase_ == phase::command) {
            begin_lines_behind_cr(first);
        } else if (head_[at] == '\n') {
            end_line(first, at, limits);
        } else if (first - line_ >= limits.line) {
            fail(stomp::errc::line_too_long, first);
        } else {
            take_cr(first);
        }
    }

    // A CR that no LF follows is an error in 1.2, and data in 1.0 and before the version is known. (In 1.1 every CR
    // is.)
    constexpr bool take_cr(std::size_t at) noexcept {
        return version_ != stomp::version::v1_2 || fail(stomp::errc::bare_cr, at);
    }

    // Whether a line that is as long as the limit may end at `at`: the limit does not count the end of the line.
    [[nodiscard]] constexpr bool may_end_long_line(std::size_t at, const stomp::limits& limits) const noexcept {
        if (at - line_ != limits.line) return false;
        if (at == end_) return true;
        if (head_[at] == '\r' && cr_may_end_line()) return at + 1 == end_ || head_[at + 1] == '\n';
        return head_[at] == '\n';
    }

    // Only the escapes of the version are allowed, and unescaping is one pass from left to right (STOMP 1.2 Value
    // Encoding) [S3].
    constexpr bool unescape(std::size_t at, const stomp::limits& limits) noexcept {
        for (std::size_t i = 0; i != number_of_escapes(escaping_); ++i) {
            if (escapes[i].code != head_[at + 1]) continue;
            if (at + 1 - line_ >= limits.line) return fail(stomp::errc::line_too_long, line_ + limits.line);
            move_run(at, at + 2);
            head_[at - removed_] = escapes[i].plain;
            ++removed_;
            stop_ = at + 2;
            return true;
        }
        return fail(stomp::errc::bad_escape, at);
    }

    // Moves the characters from `run_` to `end` down, over the bytes that unescaping has freed. The next run begins at
    // `next`.
    constexpr void move_run(std::size_t end, std::size_t next) noexcept {
        if (removed_ != 0) copy_down(head_ + run_ - removed_, head_ + run_, end - run_);
        run_ = next;
    }

    // A colon ends a name, and a name is not empty (STOMP 1.2 Augmented BNF) [S1].
    constexpr bool end_name(std::size_t at, const stomp::limits& limits) noexcept {
        move_run(at, at + 1);
        const std::size_t end = at - removed_;
        if (end == element_) return fail(stomp::errc::empty_name, at);
        if (count_ == limits.headers) return fail(stomp::errc::too_many_headers, line_);
        ++count_;
        head_[end] = '\0';
        element_ = static_cast<std::uint32_t>(end + 1);
        phase_ = phase::value;
        return true;
    }

    // Takes the end of a line. The text of the line ends at `end`, and `last` is the place of its LF: the same place,
    // or one further if a CR comes first. False at the end of the head, and if the line is wrong.
    constexpr bool end_line(std::size_t end, std::size_t last, const stomp::limits& limits) noexcept {
        if (phase_ == phase::name) {
            if (end != line_) {
                const bool is_one_cr = end == line_ + 1 && head_[line_] == '\r';
                if (is_one_cr && !cr_may_end_line()) return fail(stomp::errc::unexpected_cr, line_);
                // [S1] A header line has a colon.
                return fail(stomp::errc::missing_colon, end);
            }
            phase_ = phase::done;
            stop_ = last + 1;
            if (version_ < stomp::version::v1_1 && is_of_1_0()) trim_values();
            return false;
        }
        move_run(end, end);
        if (is_length(text_at(head_ + line_, element_ - line_ - 1)) &&
            !read_length(text_at(head_ + element_, end - removed_ - element_), limits)) {
            return false;
        }
        head_[end] = head_[last] = '\0';
        for (; removed_ != 0; --removed_) head_[end - removed_] = '\0';
        begin_line(last + 1);
        return true;
    }

    // The first of repeated headers counts (STOMP 1.2 Repeated Header Entries).
    [[nodiscard]] constexpr bool is_length(std::string_view name) const noexcept {
        return !has_length_ && equal(name, "content-length");
    }

    // Whether this is a frame of 1.0, if it is none of a later version. A client without accept-version, and a server
    // without version, speak 1.0 (STOMP 1.2 Protocol Negotiation) [S16].
    [[nodiscard]] SOCKLESS_NEVER_INLINE constexpr bool is_of_1_0() const noexcept {
        if (version_ != stomp::version::unknown) return true;
        const stomp::headers all(lines(head_));
        return command_ == stomp::command::connect     ? all.find("accept-version").data() == nullptr
               : command_ == stomp::command::connected ? all.find("version").data() == nullptr
                                                       : false;
    }

    // In 1.0 blanks around a value do not belong to it: the specification itself prints `ack: client` (STOMP 1.0
    // SUBSCRIBE) [S16].
    SOCKLESS_NEVER_INLINE constexpr void trim_values() noexcept {
        for (const stomp::header& each : stomp::headers(lines(head_))) {
            const std::string_view kept = trimmed(each.value);
            if (kept.size() == each.value.size()) continue;
            char* const value = head_ + (each.value.data() - head_);
            copy_down(value, kept.data(), kept.size());
            for (std::size_t i = kept.size(); i != each.value.size(); ++i) value[i] = '\0';
        }
    }

    // The value of content-length is digits only, within the limit (STOMP 1.2 Header content-length) [S2]. It still
    // begins where it came, as the name before it has no escape. In 1.0 there may be blanks around it [S16].
    constexpr bool read_length(std::string_view digits, const stomp::limits& limits) noexcept {
        const auto place = static_cast<std::size_t>(digits.data() - head_);
        if (version_ == stomp::version::v1_0) digits = trimmed(digits);
        std::uint64_t length = 0;
        bool too_large = false;
        for (const char c : digits) {
            const auto digit = static_cast<std::uint64_t>(c - '0');
            if (!is_digit(c)) return fail(stomp::errc::bad_content_length, place);
            too_large = too_large || length > (UINT64_MAX - digit) / 10;
            length = length * 10 + digit;
        }
        if (digits.empty()) return fail(stomp::errc::bad_content_length, place);
        if (too_large || length > limits.body) return fail(stomp::errc::body_too_large, place);
        length_ = length;
        has_length_ = true;
        return true;
    }

    char* head_ = nullptr; // during a call
    std::size_t end_ = 0;
    std::size_t stop_ = 0;
    std::size_t run_ = 0; // the place of the first character that `move_run` has not moved yet
    std::uint64_t length_ = 0;
    std::uint32_t lines_ = 0;   // the place of the first header line
    std::uint32_t line_ = 0;    // the place of the line that is being read
    std::uint32_t element_ = 0; // the place of its name or value, after unescaping
    std::uint32_t removed_ = 0; // bytes by which unescaping has made the line shorter
    std::uint32_t count_ = 0;   // of headers
    phase phase_ = phase::command;
    waiting waiting_ = waiting::nothing;
    stomp::version version_ = stomp::version::unknown;
    stomp::command command_ = stomp::command::none;
    escaping escaping_ = escaping::none;
    stomp::errc error_ = stomp::errc::none;
    bool has_length_ = false;
};

} // namespace sockless::stomp::detail

// =========================================== sockless/stomp/parser.hpp ============================================
// The parser of STOMP frames: bytes in pieces of any size in; heads, bodies in pieces and heart-beats out.

namespace sockless::stomp {

/// The kinds of `parser_event`. Behind each kind stand the members of the event that it sets.
enum class parser_kind : std::uint8_t {
    need_input, ///< nothing yet: the input is used up, or the parser has ended
    head,       ///< a frame begins: `command`, `headers`. One or more `body` follow.
    body,       ///< a piece of the body: `first`, `last`, `payload`, which is empty if the frame has no body
    heart_beat, ///< an end of line between frames
    error,      ///< the input breaks a rule: `error`. Given once; no event follows.
};

/// The name of the enumerator, for logs.
[[nodiscard]] constexpr std::string_view name_of(parser_kind of) noexcept {
    constexpr literal names[] = {"need_input", "head", "body", "heart_beat", "error"};
    static_assert(std::size(names) == static_cast<std::size_t>(parser_kind::error) + 1);
    return names[static_cast<std::size_t>(of)];
}

/// The result of `next`, which says how long `headers` and `payload` are valid. False for `need_input`.
struct parser_event {
    parser_kind kind = parser_kind::need_input;
    stomp::command command = stomp::command::none; ///< of the frame, with `body` too
    bool first = false;                            ///< the first piece of the body
    bool last = false;                             ///< the last piece of the body, and the end of the frame
    errc error = errc::none;
    stomp::headers headers{};
    bytes payload{};

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return kind != parser_kind::need_input; }
};

} // namespace sockless::stomp

namespace sockless::stomp::detail {

/// The bytes of `memory` as characters that can be changed. `memory` holds characters, as that of a
/// `span_buffer<char>`, or bytes.
[[nodiscard]] constexpr char* characters(std::span<char> memory) noexcept { return memory.data(); }
[[nodiscard]] inline char* characters(bytes memory) noexcept { return reinterpret_cast<char*>(memory.data()); }

} // namespace sockless::stomp::detail

namespace sockless::stomp {

/// Parses the frames that one peer sends, in any version (STOMP 1.2 STOMP Frames, Augmented BNF).
///
/// `Memory` holds a head that comes in pieces: a `span_buffer<char>` or a `growing_buffer`. If it has room for
/// `limits::head` bytes, the events do not depend on the cuts between the pieces of input; only bodies may be cut
/// otherwise. If a head does not fit into it, the error is `head_too_large`. A head that comes whole is unescaped in
/// the input and not copied. In constant evaluation every head goes through the memory, a `span_buffer<char>`, as bytes
/// cannot be seen as text there.
///
///     std::array<char, 16384> memory; // for a head that comes in pieces
///     stomp::parser parser{span_buffer<char>(memory)};
///     while (const stomp::parser_event found = parser.next(in)) {
///         if (found.kind == stomp::parser_kind::head) print(text_of(found.command), found.headers.find("receipt"));
///         if (found.kind == stomp::parser_kind::body) print(text_of(found.payload));
///     }
template <class Memory>
class basic_parser {
  public:
    using event = parser_event;
    using kind = parser_kind;

    /// With this memory, and these limits on each frame.
    constexpr explicit basic_parser(Memory memory = {}, const stomp::limits& limits = {}) noexcept
        : memory_(static_cast<Memory&&>(memory)), limits_(limits) {}

    /// Sets the version that the two sides have agreed on (STOMP 1.2 Protocol Negotiation). It holds for the frames
    /// that begin after this call. At first the version is `unknown`, for frames that any version may send before there
    /// is an agreement: lines end in LF or CR LF, and nothing is escaped [S15]. A CONNECT without `accept-version` and
    /// a CONNECTED without `version` are then frames of 1.0 [S16].
    constexpr void set_version(stomp::version agreed) noexcept { version_ = agreed; }
    [[nodiscard]] constexpr stomp::version version() const noexcept { return version_; }

    /// Sets the limits of the frames that begin after this call. If a head is being read, they also hold for its rest.
    constexpr void set_limits(const stomp::limits& limits) noexcept { limits_ = limits; }
    [[nodiscard]] constexpr const stomp::limits& limits() const noexcept { return limits_; }

    /// Takes bytes from the front of `in` up to the end of the next event and returns it. Returns a false event when
    /// `in` is used up. `payload` lies in `in`, and is valid until the input is reused. The headers lie in `in` too, or
    /// in the memory. They are valid until the first call after the last `body` of their frame, or until the input that
    /// they lie in is reused. If the input may go before the frame has ended, call `keep`.
    [[nodiscard]] constexpr event next(bytes& in) noexcept {
        switch (phase_) {
        case phase::between:
        case phase::between_lf: return next_frame(in);
        case phase::head: return next_of_head(in);
        case phase::counted:
        case phase::until_nul: return next_of_body(in);
        case phase::failing: phase_ = phase::ended; return {.kind = kind::error, .error = error_};
        case phase::ended: break;
        }
        return {};
    }

    /// Says that the input has ended. Returns the error that was found before, or `truncated` if the input ended inside
    /// a frame or after a CR between frames, or `none`.
    [[nodiscard]] constexpr errc finish() noexcept {
        if (phase_ != phase::between && phase_ < phase::failing) error_ = errc::truncated;
        phase_ = phase::ended;
        return error_;
    }

    /// The command and headers of the frame that the last event came from.
    [[nodiscard]] constexpr stomp::command command() const noexcept { return scanner_.command(); }
    [[nodiscard]] constexpr stomp::headers headers() const noexcept {
        return stomp::headers(scanner_.lines(in_memory_ ? detail::characters(memory_.contents()) : head_));
    }

    /// Copies the head of the open frame from the input into the memory, if it is not there yet. So it stays until the
    /// frame has ended, also if the input is reused. False if it does not fit. Views that were returned before still
    /// refer to the input; `headers` returns views of the copy. The memory then begins with the head, and the caller
    /// may append to it.
    [[nodiscard]] constexpr bool keep() noexcept {
        if (in_memory_ || !scanner_.done()) return true;
        const auto room = memory_.prepare(head_size_);
        if (room.empty()) return false;
        detail::copy(room.data(), head_, head_size_);
        memory_.commit(head_size_);
        in_memory_ = true;
        return true;
    }

    /// Whether the parser is between two frames, or before the first.
    [[nodiscard]] constexpr bool is_between_frames() const noexcept {
        return phase_ == phase::between || phase_ == phase::between_lf;
    }

    /// The size of the head of the open frame in bytes, which is also the room that it takes in the memory.
    [[nodiscard]] constexpr std::size_t head_size() const noexcept { return head_size_; }

    /// The error that has ended the parser, or `none`. It stays.
    [[nodiscard]] constexpr errc error() const noexcept { return error_; }

    /// The number of bytes that were taken. After an error, the offset in the stream of the byte that breaks the rule.
    [[nodiscard]] constexpr std::uint64_t offset() const noexcept { return position_; }

    /// The offset in the stream of the first byte of the frame or heart-beat that the last event came from.
    [[nodiscard]] constexpr std::uint64_t frame_offset() const noexcept { return frame_begin_; }

    /// The memory that the constructor was given.
    [[nodiscard]] constexpr Memory& memory() noexcept { return memory_; }
    [[nodiscard]] constexpr const Memory& memory() const noexcept { return memory_; }

  private:
    enum class phase : std::uint8_t {
        between,    // between frames
        between_lf, // between frames, after a CR that needs its LF
        head,
        counted,   // in a body of which `left_` bytes are left, or before the NUL after it
        until_nul, // in a body without content-length
        failing,   // the error event is still owed
        ended,
    };

    // A head is copied in parts of at most this size, as it is not known how much of a piece belongs to the head.
    static constexpr std::size_t copied_at_once = 512;

    static constexpr std::byte nul{0}, lf{'\n'}, cr{'\r'};

    constexpr event fail(errc error, std::uint64_t at) noexcept {
        error_ = error;
        position_ = at;
        phase_ = phase::ended;
        return {.kind = kind::error, .error = error};
    }

    constexpr void take(bytes& in, std::size_t size) noexcept {
        in = in.subspan(size);
        position_ += size;
    }

    // Ends of line between frames are heart-beats (STOMP 1.2 Heart-beating) [S4].
    [[nodiscard]] constexpr event next_frame(bytes& in) noexcept {
        if (in.empty()) return {};
        const bool after_cr = phase_ == phase::between_lf;
        if (after_cr && in[0] != lf) return fail(errc::bare_cr, position_ - 1);
        if (!after_cr && in[0] == cr && version_ != version::v1_1) {
            frame_begin_ = position_;
            take(in, 1);
            phase_ = phase::between_lf;
            return next_frame(in);
        }
        if (!after_cr) frame_begin_ = position_;
        if (in[0] == lf) {
            take(in, 1);
            phase_ = phase::between;
            return {.kind = kind::heart_beat};
        }
        memory_.clear();
        in_memory_ = std::is_constant_evaluated();
        scanner_ = detail::stomp_head_scanner(version_);
        phase_ = phase::head;
        return in_memory_ ? next_of_head(in) : whole_head(in);
    }

    [[nodiscard]] constexpr std::size_t limit_of_head() const noexcept {
        return in_memory_ && memory_.limit() < limits_.head ? memory_.limit() : limits_.head;
    }

    // Takes a head that begins in `in`: in place if all of it is there. If not, its first part goes into the memory.
    [[nodiscard]] event whole_head(bytes& in) noexcept {
        const bytes piece = in.first(in.size() < limits_.head ? in.size() : limits_.head);
        head_ = detail::characters(piece);
        const std::size_t size = scanner_.scan(head_, 0, piece.size(), limits_);
        take(in, size);
        if (scanner_.done()) return begin_body(size);
        if (scanner_.error() != errc::none) return fail(scanner_.error(), position_);
        in_memory_ = true;
        if (size > limit_of_head()) return fail(errc::head_too_large, frame_begin_ + limit_of_head());
        if (!append(memory_, piece)) return fail(errc::head_too_large, position_);
        return next_of_head(in);
    }

    // Takes more of a head that comes in pieces. It is collected in the memory, within its limit (STOMP 1.2 Size
    // Limits) [S12]. The scan goes on where it stopped, so each byte is looked at once.
    [[nodiscard]] constexpr event next_of_head(bytes& in) noexcept {
        while (!in.empty()) {
            const std::size_t held = memory_.size();
            if (held >= limit_of_head()) return fail(errc::head_too_large, position_);
            const std::size_t left = limit_of_head() - held;
            std::size_t size = in.size() < copied_at_once ? in.size() : copied_at_once;
            if (size > left) size = left;
            const auto room = memory_.prepare(size);
            if (room.empty()) return fail(errc::head_too_large, position_);
            detail::copy(room.data(), in.data(), size);
            const std::size_t stop = scanner_.scan(detail::characters(memory_.contents()), held, held + size, limits_);
            memory_.commit(scanner_.done() ? stop - held : size);
            if (scanner_.error() != errc::none) return fail(scanner_.error(), frame_begin_ + stop);
            take(in, stop - held);
            if (scanner_.done()) return begin_body(stop);
        }
        return {};
    }

    // Only SEND, MESSAGE and ERROR have a body (STOMP 1.2 Body) [S1], and in 1.0 SUBSCRIBE [S16]. It ends after
    // content-length bytes, or, without that header, at the first NUL (STOMP 1.2 Header content-length) [S2].
    [[nodiscard]] constexpr event begin_body(std::size_t head_size) noexcept {
        head_size_ = static_cast<std::uint32_t>(head_size);
        const stomp::command command = scanner_.command();
        const bool is_counted = scanner_.has_length();
        left_ = is_counted ? scanner_.length() : limits_.body;
        phase_ = is_counted ? phase::counted : phase::until_nul;
        begun_ = false;
        if (!has_body(command, scanner_.version())) {
            if (is_counted && left_ != 0) return fail(errc::unexpected_body, position_);
            phase_ = phase::counted;
            left_ = 0;
        }
        return {.kind = kind::head, .command = command, .headers = headers()};
    }

    [[nodiscard]] constexpr event next_of_body(bytes& in) noexcept {
        if (in.empty()) return {};
        const std::size_t most = in.size() < left_ ? in.size() : static_cast<std::size_t>(left_);
        bytes piece = in.first(most);
        if (phase_ == phase::until_nul) piece = piece.first(detail::place_of_nul(piece));
        const bool ended = piece.size() != in.size() && in[piece.size()] == nul;
        left_ -= piece.size();
        take(in, piece.size() + (ended ? 1U : 0U));
        if (ended) {
            phase_ = phase::between;
        } else if (left_ == 0 && !in.empty()) {
            const errc wrong = !has_body(command(), scanner_.version()) ? errc::unexpected_body
                               : phase_ == phase::until_nul             ? errc::body_too_large
                                                                        : errc::body_not_terminated;
            const event failure = fail(wrong, position_);
            // The bytes before the wrong byte are given out first, so that the events do not depend on the cuts.
            if (piece.empty()) return failure;
            phase_ = phase::failing;
        }
        if (piece.empty() && !ended) return {};
        const bool first = !begun_;
        begun_ = true;
        return {kind::body, scanner_.command(), first, ended, errc::none, headers(), piece};
    }

    Memory memory_;
    stomp::limits limits_;
    detail::stomp_head_scanner scanner_{};
    char* head_ = nullptr; // the head of the open frame, if it lies in the input
    std::uint64_t position_ = 0;
    std::uint64_t frame_begin_ = 0;
    std::uint64_t left_ = 0; // bytes that the body still has, or, without content-length, may have
    std::uint32_t head_size_ = 0;
    stomp::version version_ = stomp::version::unknown;
    phase phase_ = phase::between;
    errc error_ = errc::none;
    bool in_memory_ = false;
    bool begun_ = false; // the first piece of the body was given out
};

/// A parser with memory that the caller owns.
using parser = basic_parser<span_buffer<char>>;

} // namespace sockless::stomp

// ======================================== sockless/stomp/frame_reader.hpp =========================================
// Whole STOMP frames, from bytes that come in pieces.

namespace sockless::stomp::detail {

/// A frame, a heart-beat, or an error; none of them if more input is needed.
struct whole_frame {
    stomp::command command = stomp::command::none; ///< `none` if it is no frame
    errc error = errc::none;
    bool heart_beat = false;
    stomp::headers headers{}; ///< also those of a frame with an error, if they are known: they may ask for a receipt
    bytes body{};             ///< lies in the input or in the memory
};

/// Reads whole frames. A frame that comes in pieces is collected in `Buffer`. A frame that comes whole is not copied
/// but shown in the input.
template <class Buffer>
class frame_reader {
  public:
    frame_reader(Buffer memory, const stomp::limits& limits) noexcept
        : parser_(static_cast<Buffer&&>(memory), limits) {}

    /// Takes the next frame or heart-beat from the front of `in`, or, if `in` ends before, the part of it that is
    /// there. `judge(command)` returns the error of a frame with this command, or `none`. It is called before any of
    /// the body is kept. The result is valid until the next call, or until the input is reused.
    template <class Judge>
    [[nodiscard]] whole_frame next(bytes& in, Judge judge) noexcept {
        while (const auto found = parser_.next(in)) {
            switch (found.kind) {
            case kind::heart_beat: return {.heart_beat = true};
            case kind::error: return broken(found.error);
            case kind::head:
                in_frame_ = true;
                if (const errc wrong = judge(found.command); wrong != errc::none) {
                    blame_frame();
                    return broken(wrong);
                }
                break;
            case kind::body:
                if (!found.last && !parser_.keep()) return broken(errc::head_too_large);
                if (found.first && found.last) {
                    in_frame_ = false;
                    return {.command = found.command, .headers = found.headers, .body = found.payload};
                }
                if (!append(parser_.memory(), found.payload)) return broken(errc::body_too_large);
                if (found.last) {
                    in_frame_ = false;
                    return {.command = found.command,
                            .headers = parser_.headers(),
                            .body = bytes(parser_.memory().contents()).subspan(parser_.head_size())};
                }
                break;
            case kind::need_input: break;
            }
        }
        // The input may be gone before the body comes, so the head is copied.
        if (in_frame_ && !parser_.keep()) return broken(errc::head_too_large);
        return {};
    }

    /// Says that the input has ended; see `basic_parser::finish`.
    [[nodiscard]] errc finish() noexcept { return parser_.finish(); }

    /// Sets the version that the two sides have agreed on, and the limits of the frames that follow.
    void agree(stomp::version version, const stomp::limits& limits) noexcept {
        parser_.set_version(version);
        parser_.set_limits(limits);
    }
    [[nodiscard]] stomp::version version() const noexcept { return parser_.version(); }

    /// Says that the last frame breaks a rule that the parser does not know. `offset` then gives its first byte. No
    /// more input is given after that.
    void blame_frame() noexcept { is_blamed_ = true; }

    /// The number of bytes that were taken. After an error, the offset in the stream of the byte that breaks the rule.
    [[nodiscard]] std::uint64_t offset() const noexcept {
        return is_blamed_ ? parser_.frame_offset() : parser_.offset();
    }

    /// Gives back the memory if no frame has begun.
    void release() noexcept {
        if (!parser_.is_between_frames()) return;
        parser_.memory().clear();
        parser_.memory().release();
    }

  private:
    using kind = parser_kind;

    [[nodiscard]] whole_frame broken(errc error) const noexcept {
        return {.error = error, .headers = in_frame_ ? parser_.headers() : stomp::headers{}};
    }

    SOCKLESS_NO_UNIQUE_ADDRESS basic_parser<Buffer> parser_; // so that the rest lies in its padding
    bool in_frame_ = false;                                  // the head of a frame has come, but not its end
    bool is_blamed_ = false;                                 // `blame_frame` was called
};

} // namespace sockless::stomp::detail

// ======================================== sockless/detail/search_tree.hpp =========================================
// A balanced tree that finds items by their keys. Its nodes lie in the records of the items.

// This is an AVL tree: of the two subtrees below an item, one is at most one level higher than the other. So the way to
// an item among N is at most 1.44 times the binary logarithm of N long, whatever keys a peer chooses and in whatever
// order: neither chance nor a secret is needed.
namespace sockless::detail {

/// The node of an item: the items below it, with lesser keys and with greater ones, and how many levels it is high.
struct tree_node {
    std::uint32_t links[2] = {0xFFFFFFFF, 0xFFFFFFFF};
    std::uint32_t height = 1;
};

/// A key that is a text of some kind. It may hold any bytes. Shorter texts come before longer ones: so texts of
/// different sizes are told apart without a look at them. Texts that are equal may have different numbers.
struct text_key {
    std::uint8_t kind = 0;
    std::string_view text{};
    std::uint32_t number = 0;

    /// Less than 0 if this key comes before `other`, 0 if they are equal, else more than 0.
    [[nodiscard]] int order(const text_key& other) const noexcept {
        if (kind != other.kind) return kind < other.kind ? -1 : 1;
        if (text.size() != other.text.size()) return text.size() < other.text.size() ? -1 : 1;
        const int texts = text.empty() ? 0 : std::memcmp(text.data(), other.text.data(), text.size());
        if (texts != 0 || number == other.number) return texts;
        return number < other.number ? -1 : 1;
    }
};

/// A key that is a number.
struct number_key {
    std::uint32_t number = 0;

    [[nodiscard]] int order(const number_key& other) const noexcept {
        return number < other.number ? -1 : static_cast<int>(number != other.number);
    }
};

/// The tree. Each item has a number other than `none`, a key, and room for one node. `Items` has `key(item)`,
/// `node(item)` and `set_node(item, node)`; it is the same for each call.
class search_tree {
  public:
    static constexpr std::uint32_t none = 0xFFFFFFFF;

    /// The item with this key, or `none`.
    template <class Items, class Key>
    [[nodiscard]] std::uint32_t find(const Items& items, const Key& key) const noexcept {
        std::uint32_t item = root_;
        while (item != none) {
            const int order = key.order(items.key(item));
            if (order == 0) break;
            item = items.node(item).links[order > 0];
        }
        return item;
    }

    /// The item with the least key that does not come before this one, or `none`.
    template <class Items, class Key>
    [[nodiscard]] std::uint32_t find_first(const Items& items, const Key& key) const noexcept {
        std::uint32_t first = none;
        for (std::uint32_t item = root_; item != none;) {
            const bool is_before = key.order(items.key(item)) > 0;
            if (!is_before) first = item;
            item = items.node(item).links[is_before];
        }
        return first;
    }

    /// Adds an item. No other item has its key.
    template <class Items>
    void insert(const Items& items, std::uint32_t item) noexcept {
        way above;
        go_down(items, items.key(item), above, none);
        items.set_node(item, {});
        set_link(items, above, above.size, item);
        balance(items, above);
    }

    /// Removes an item of the tree.
    template <class Items>
    void erase(const Items& items, std::uint32_t item) noexcept {
        way above;
        go_down(items, items.key(item), above, item);
        const tree_node erased = items.node(item);
        if (erased.links[0] == none || erased.links[1] == none) {
            set_link(items, above, above.size, erased.links[erased.links[0] == none]);
        } else {
            // The item with the next greater key takes the place of the one that goes. It has nothing on its lesser
            // side.
            const std::size_t depth = above.size;
            above.add(item, 1);
            std::uint32_t next = erased.links[1];
            tree_node taken = items.node(next);
            while (taken.links[0] != none) {
                above.add(next, 0);
                next = taken.links[0];
                taken = items.node(next);
            }
            set_link(items, above, above.size, taken.links[1]);
            items.set_node(next, items.node(item));
            set_link(items, above, depth, next);
            above.steps[depth].item = next;
        }
        balance(items, above);
    }

    /// An item has another number now, and its key and its node have moved with it.
    template <class Items>
    void move(const Items& items, std::uint32_t from, std::uint32_t to) noexcept {
        way above;
        go_down(items, items.key(to), above, from);
        set_link(items, above, above.size, to);
    }

  private:
    // The way from the root down to a link: the items, and on which side of each it goes on. It is long enough for as
    // many items as there are numbers.
    struct way {
        struct step {
            std::uint32_t item;
            std::uint32_t side;
        };
        static constexpr std::size_t longest = 48;

        void add(std::uint32_t item, std::uint32_t side) noexcept { steps[size++] = {item, side}; }

        step steps[longest];
        std::size_t size = 0;
    };

    // Goes down to the place of a key: to `end`, or to where it would be added.
    template <class Items, class Key>
    void go_down(const Items& items, const Key& key, way& passed, std::uint32_t end) const noexcept {
        for (std::uint32_t item = root_; item != end && item != none;) {
            const std::uint32_t side = key.order(items.key(item)) > 0 ? 1 : 0;
            passed.add(item, side);
            item = items.node(item).links[side];
        }
    }

    // Sets the link at the end of the first `depth` steps of a way.
    template <class Items>
    void set_link(const Items& items, const way& passed, std::size_t depth, std::uint32_t link) noexcept {
        if (depth == 0) {
            root_ = link;
            return;
        }
        const auto [item, side] = passed.steps[depth - 1];
        tree_node node = items.node(item);
        node.links[side] = link;
        items.set_node(item, node);
    }

    // Goes up again, and balances each item on the way, until nothing changes.
    template <class Items>
    void balance(const Items& items, way& changed) noexcept {
        while (changed.size != 0) {
            const std::uint32_t item = changed.steps[--changed.size].item;
            const std::uint32_t height = items.node(item).height;
            const std::uint32_t top = balanced(items, item);
            if (top != item) set_link(items, changed, changed.size, top);
            if (items.node(top).height == height) return;
        }
    }

    template <class Items>
    [[nodiscard]] static std::uint32_t height(const Items& items, std::uint32_t item) noexcept {
        return item == none ? 0 : items.node(item).height;
    }
    template <class Items>
    static void set_height(const Items& items, tree_node& node) noexcept {
        const std::uint32_t lesser = height(items, node.links[0]), greater = height(items, node.links[1]);
        node.height = 1 + (lesser > greater ? lesser : greater);
    }

    // Balances an item, both sides of which are balanced. Returns the item that is in its place then.
    template <class Items>
    [[nodiscard]] static std::uint32_t balanced(const Items& items, std::uint32_t item) noexcept {
        tree_node node = items.node(item);
        const std::uint32_t lesser = height(items, node.links[0]), greater = height(items, node.links[1]);
        const std::uint32_t side = greater > lesser ? 1 : 0;
        if (greater + 1 >= lesser && lesser + 1 >= greater) {
            node.height = 1 + (side != 0 ? greater : lesser);
            items.set_node(item, node);
            return item;
        }
        // The higher side must be highest on its outer side before it rises.
        const tree_node higher = items.node(node.links[side]);
        if (height(items, higher.links[1 - side]) > height(items, higher.links[side])) {
            node.links[side] = raised(items, node.links[side], higher, 1 - side);
        }
        return raised(items, item, node, side);
    }

    // The item below `item` on this side takes its place. Returns it.
    template <class Items>
    [[nodiscard]] static std::uint32_t raised(const Items& items, std::uint32_t item, tree_node node,
                                              std::uint32_t side) noexcept {
        const std::uint32_t top = node.links[side];
        tree_node rising = items.node(top);
        node.links[side] = rising.links[1 - side];
        set_height(items, node);
        items.set_node(item, node);
        rising.links[1 - side] = item;
        set_height(items, rising);
        items.set_node(top, rising);
        return top;
    }

    std::uint32_t root_ = none;
};

} // namespace sockless::detail

// =========================================== sockless/detail/names.hpp ============================================
// A list of names in a buffer of any kind, each with a record of facts about it.

// Names lie one behind the other in the order in which they were added, each behind its record. A tree finds them, with
// its nodes in the records: so other names cost next to nothing, whatever a peer chooses. A name that is erased leaves
// a gap, unless it is the last one. If the gaps have more bytes than the names, the names move together: over time each
// byte that was added pays for one that moves. So the list needs a buffer of twice the bytes that the names may have,
// and what fits does not depend on what was there before.
namespace sockless::detail {

/// The states of a record.
enum class name_state : std::uint8_t {
    live,
    ended,  ///< found by its number only
    second, ///< no name of its own: a second text of the name before it
    erased,
};

/// What each record begins with, in this order: it is the whole record if its owner needs no other facts. A record is
/// trivially copyable and has no padding. `Kind` counts from 0; a record says how many `kinds` there are. `mode` means
/// what the owner of the list wants, and so do `facts`, if there are any. If a record also has a `std::uint32_t number`
/// and a `tree_node by_number`, it is found by its number, too; then it says instead of `unused` whether it
/// `has_second`.
template <class Kind, std::size_t Kinds>
struct name_record {
    static constexpr std::size_t kinds = Kinds;

    std::uint32_t size = 0; // of the name
    Kind kind{};
    std::uint8_t mode = 0;
    name_state state = name_state::live;
    std::uint8_t unused = 0; // so that no byte is padding
    tree_node by_text{};
};

/// One name with its record. `place` is the index of the record's first byte in the list. `text` lies in the list,
/// behind its record. Valid until a name is added or erased; but `place` stays until one is erased. False if there is
/// no such name.
template <class Record>
struct named {
    Record record{};
    std::string_view text{};
    std::uint32_t place = 0;

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return text.data() != nullptr; }
};

/// Finds the names of one kind, one after the other, for `lazy_iterator`.
template <class Record>
struct name_finder {
    using value_type = std::string_view;
    using kind_type = decltype(Record::kind);

    name_finder() noexcept = default;
    name_finder(cbytes names, kind_type wanted) noexcept : rest(names), kind(wanted) { advance(); }

    void advance() noexcept {
        current = {};
        while (!rest.empty() && current.data() == nullptr) {
            Record record;
            std::memcpy(&record, rest.data(), sizeof record);
            const cbytes text = rest.subspan(sizeof record, record.size);
            if (record.kind == kind && record.state == name_state::live) current = text_of(text);
            rest = rest.subspan(sizeof record + record.size);
        }
    }
    [[nodiscard]] const char* place() const noexcept { return current.data(); }

    cbytes rest{};
    kind_type kind{};
    std::string_view current{};
};

/// The names of one kind, oldest first. A forward range of `std::string_view`, valid until the list changes.
template <class Record>
class name_range {
  public:
    using iterator = lazy_iterator<name_finder<Record>>;

    name_range(cbytes names, decltype(Record::kind) kind) noexcept : names_(names), kind_(kind) {}

    [[nodiscard]] iterator begin() const noexcept { return iterator(names_, kind_); }
    [[nodiscard]] iterator end() const noexcept { return {}; }
    [[nodiscard]] bool empty() const noexcept { return begin() == end(); }

  private:
    cbytes names_;
    decltype(Record::kind) kind_;
};

/// Names of several kinds, in the order in which they were added. No name is empty, and none is twice of one kind.
template <class Record, class Buffer>
class name_list {
  public:
    using entry = named<Record>;
    using kind_type = decltype(Record::kind);

    explicit name_list(Buffer memory) noexcept : memory_(static_cast<Buffer&&>(memory)) {}

    /// How many names of a kind there are.
    [[nodiscard]] std::size_t count(kind_type kind) const noexcept { return counts_[static_cast<std::size_t>(kind)]; }

    [[nodiscard]] name_range<Record> of(kind_type kind) const noexcept {
        const cbytes all = memory_.contents();
        return {all.first(all.size() - behind_), kind};
    }

    [[nodiscard]] entry find(kind_type kind, std::string_view text) const noexcept {
        const texts in(memory_.contents());
        const std::uint32_t place = by_text_.find(in, text_key{static_cast<std::uint8_t>(kind), text});
        return place == none ? entry{} : in.name(place);
    }
    /// The name with this number, also if it has ended.
    [[nodiscard]] entry find(std::uint32_t number) const noexcept {
        const numbers in(memory_.contents());
        const std::uint32_t place = by_number_.find(in, number_key{number});
        return place == none ? entry{} : in.name(place);
    }
    /// The oldest name with this second text.
    [[nodiscard]] entry find_second(kind_type kind, std::string_view text) const noexcept {
        const texts in(memory_.contents());
        const text_key key{static_cast<std::uint8_t>(kind), text};
        const std::uint32_t place = by_text_.find_first(in, key);
        if (place == none || !equal(in.name(place).text, text) || in.record(place).kind != kind) return {};
        return find(in.record(place).number);
    }

    /// Whether `size` more bytes fit, those of records among them.
    [[nodiscard]] bool fits(std::size_t size) const noexcept {
        const std::size_t held = memory_.size() - dead_, half = memory_.limit() / 2;
        const std::size_t limit = half < most ? half : most;
        return held <= limit && size <= limit - held && last_number_ != last_of_all;
    }

    /// Makes room for a name and a text behind it, if there is any. Nothing moves that has its room already.
    [[nodiscard]] bool has_room(std::string_view name, std::size_t behind = 0) noexcept {
        const std::size_t size = size_with_record(name) + behind;
        return fits(size) && memory_.prepare(size).size() == size;
    }

    /// Makes room for these names, so that `add` moves nothing. False if there is none; then nothing changes. Names
    /// that lie in the list move with it: the views are then of where they are now. A text that is empty is no name.
    template <class... Text>
    [[nodiscard]] bool make_room(Text&... added) noexcept {
        const std::size_t places[] = {place_of(added)...};
        const std::size_t size = (size_with_record(added) + ...);
        const std::size_t held = memory_.size();
        if (!fits(size) || memory_.prepare(size).size() != size) return false;
        const std::size_t* place = places;
        const auto follow = [&](std::string_view& text) {
            if (*place < held) text = text_of(memory_.contents().subspan(*place, text.size()));
            ++place;
        };
        (follow(added), ...);
        return true;
    }

    /// Adds a name for which `make_room` or `has_room` has made room. Of `record` it sets what the list itself needs.
    /// Returns the number of the name, if it has one: one more than that of the last, so none is given twice.
    std::uint32_t add(Record record, std::string_view text) noexcept {
        const auto place = static_cast<std::uint32_t>(memory_.size()), size = static_cast<std::uint32_t>(text.size());
        const bytes room = memory_.prepare(sizeof record + size);
        // Field by field: a copy of the whole record would wait for the stores of its fields.
        std::memcpy(room.data(), &record, sizeof record);
        std::memcpy(room.data() + offsetof(Record, size), &size, sizeof size);
        detail::copy(room.data() + sizeof record, text.data(), size);
        memory_.commit(room.size());
        ++counts_[static_cast<std::size_t>(record.kind)];
        by_text_.insert(texts(memory_.contents()), place);
        if constexpr (is_numbered) {
            ++last_number_;
            std::memcpy(room.data() + offsetof(Record, number), &last_number_, sizeof last_number_);
            by_number_.insert(numbers(memory_.contents()), place);
        }
        return last_number_;
    }

    /// Gives the name that was added last a second text, of a kind that only second texts have. The text takes room as
    /// a name does, which was made. Many names may have the same second text.
    void add_second(kind_type kind, std::string_view text) noexcept {
        Record record{};
        record.size = static_cast<std::uint32_t>(text.size());
        record.kind = kind;
        record.state = name_state::second;
        record.number = last_number_;
        const auto added = static_cast<std::uint32_t>(memory_.size());
        const bytes room = memory_.prepare(sizeof record + text.size());
        std::memcpy(room.data(), &record, sizeof record);
        detail::copy(room.data() + sizeof record, text.data(), text.size());
        memory_.commit(room.size());
        const texts in(memory_.contents());
        by_text_.insert(in, added);
        entry name = find(last_number_);
        name.record.has_second = true;
        in.set_record(name.place, name.record);
    }

    /// Erases a name, which may have ended.
    void erase(const entry& name) noexcept {
        const texts in(memory_.contents());
        Record record = in.record(name.place);
        if (record.state == name_state::live) {
            by_text_.erase(in, name.place);
            --counts_[static_cast<std::size_t>(record.kind)];
        }
        std::size_t size = sizeof record + record.size;
        if constexpr (is_numbered) {
            by_number_.erase(numbers(memory_.contents()), name.place);
            if (record.state == name_state::ended) leave_queue(record);
            if (record.has_second) size += erase_second(name.place, record);
        }
        if (name.place + size == memory_.size()) {
            memory_.truncate(name.place);
        } else {
            record.state = name_state::erased;
            in.set_record(name.place, record);
            dead_ += static_cast<std::uint32_t>(size);
        }
        close_gaps();
    }

    /// A name ends: from now on it is found by its number only, and it is in no range and not counted. Those that have
    /// ended are a queue.
    void end(const entry& name) noexcept {
        const texts in(memory_.contents());
        Record record = in.record(name.place);
        by_text_.erase(in, name.place);
        --counts_[static_cast<std::size_t>(record.kind)];
        if (record.has_second) dead_ += erase_second(name.place, record);
        record.has_second = false;
        record.state = name_state::ended;
        // Its node in the tree of texts is free: it links the queue.
        record.by_text = {{last_ended_, 0}, 0};
        in.set_record(name.place, record);
        link(last_ended_, 1, record.number);
        last_ended_ = record.number;
        if (first_ended_ == 0) first_ended_ = record.number;
        close_gaps();
    }
    /// The one that has ended first of those that are left.
    [[nodiscard]] entry first_ended() const noexcept { return first_ended_ == 0 ? entry{} : find(first_ended_); }

    /// Replaces the `facts` in the record at this place.
    template <class Facts>
    void set(std::uint32_t place, const Facts& facts) noexcept {
        static_assert(std::is_same_v<Facts, decltype(Record::facts)>);
        std::memcpy(memory_.contents().data() + place + offsetof(Record, facts), &facts, sizeof facts);
    }

    /// Keeps a text that is no name behind all names, once. `has_room` has made room for it. Nothing is added as long
    /// as it is there, and no name moves.
    void put_behind(std::string_view text) noexcept {
        const bytes room = memory_.prepare(text.size());
        detail::copy(room.data(), text.data(), room.size());
        memory_.commit(room.size());
        behind_ = static_cast<std::uint32_t>(room.size());
    }
    [[nodiscard]] std::string_view behind() const noexcept { return text_of(memory_.contents().last(behind_)); }
    void drop_behind() noexcept {
        memory_.truncate(memory_.size() - behind_);
        behind_ = 0;
        close_gaps();
    }

    /// Gives the memory back if the list is empty.
    void release() noexcept {
        if (memory_.size() == 0) memory_.release();
    }

  private:
    static constexpr bool is_numbered = requires(Record record) { record.by_number; };

    static constexpr std::uint32_t none = search_tree::none, last_of_all = 0xFFFFFFFE;

    // More bytes than this are not used: a place has 32 bits.
    static constexpr std::size_t most = 0x7FFFFFFF;

    // The records, by their places.
    struct records {
        explicit records(bytes names) noexcept : data(names.data()) {}

        [[nodiscard]] Record record(std::uint32_t place) const noexcept {
            Record found;
            std::memcpy(&found, data + place, sizeof found);
            return found;
        }
        void set_record(std::uint32_t place, const Record& changed) const noexcept {
            std::memcpy(data + place, &changed, sizeof changed);
        }
        [[nodiscard]] entry name(std::uint32_t place) const noexcept {
            const Record found = record(place);
            const auto* const text = reinterpret_cast<const char*>(data + place + sizeof found);
            return {found, text_at(text, found.size), place};
        }

        std::byte* data;
    };

    // As the items of either tree. Only the bytes of a node are read and written: this is most of what a call does.
    template <std::size_t Offset>
    struct items : records {
        using records::records;

        [[nodiscard]] tree_node node(std::uint32_t place) const noexcept {
            tree_node found;
            std::memcpy(&found, this->data + place + Offset, sizeof found);
            return found;
        }
        void set_node(std::uint32_t place, const tree_node& node) const noexcept {
            std::memcpy(this->data + place + Offset, &node, sizeof node);
        }
    };
    struct texts : items<offsetof(Record, by_text)> {
        using items<offsetof(Record, by_text)>::items;

        [[nodiscard]] text_key key(std::uint32_t place) const noexcept {
            const entry found = this->name(place);
            std::uint32_t number = 0;
            if constexpr (is_numbered) number = found.record.state == name_state::second ? found.record.number : 0;
            return {static_cast<std::uint8_t>(found.record.kind), found.text, number};
        }
    };
    struct numbers : items<offsetof(Record, by_number)> {
        using items<offsetof(Record, by_number)>::items;

        [[nodiscard]] number_key key(std::uint32_t place) const noexcept { return {this->record(place).number}; }
    };

    [[nodiscard]] static constexpr std::size_t size_with_record(std::string_view text) noexcept {
        return text.empty() ? 0 : sizeof(Record) + text.size();
    }

    // The place of `text` in the list. If it does not lie there, the result is not less than the size of the list.
    [[nodiscard]] std::size_t place_of(std::string_view text) const noexcept {
        return reinterpret_cast<std::uintptr_t>(text.data()) -
               reinterpret_cast<std::uintptr_t>(memory_.contents().data());
    }

    // Erases the second text of the name at `place`. Returns its size, with its record.
    [[nodiscard]] std::uint32_t erase_second(std::uint32_t place, const Record& of) noexcept {
        const texts in(memory_.contents());
        place += static_cast<std::uint32_t>(sizeof of + of.size);
        by_text_.erase(in, place);
        Record record = in.record(place);
        record.state = name_state::erased;
        in.set_record(place, record);
        return static_cast<std::uint32_t>(sizeof record + record.size);
    }

    // Sets the link of an ended name to the one before it (0) or behind it (1) in the queue. 0 is no name.
    void link(std::uint32_t number, unsigned side, std::uint32_t to) noexcept {
        if (number == 0) return;
        const entry name = find(number);
        tree_node links = name.record.by_text;
        links.links[side] = to;
        texts(memory_.contents()).set_node(name.place, links);
    }
    void leave_queue(const Record& record) noexcept {
        const std::uint32_t before = record.by_text.links[0], behind = record.by_text.links[1];
        link(before, 1, behind);
        link(behind, 0, before);
        if (before == 0) first_ended_ = behind;
        if (behind == 0) last_ended_ = before;
    }

    // Closes the gaps, once they are more than the names; but a text behind the names stays where it is.
    void close_gaps() noexcept {
        if (behind_ == 0 && dead_ > memory_.size() - dead_) move_together();
    }
    void move_together() noexcept {
        const bytes all = memory_.contents();
        const texts in(all);
        std::uint32_t kept = 0;
        for (std::uint32_t place = 0; place != all.size();) {
            const Record record = in.record(place);
            const auto size = static_cast<std::uint32_t>(sizeof record + record.size);
            if (record.state != name_state::erased) {
                copy_down(all.data() + kept, all.data() + place, size);
                if (record.state != name_state::ended) by_text_.move(in, place, kept);
                if constexpr (is_numbered) {
                    if (record.state != name_state::second) by_number_.move(numbers(all), place, kept);
                }
                kept += size;
            }
            place += size;
        }
        memory_.truncate(kept);
        dead_ = 0;
    }

    Buffer memory_;
    search_tree by_text_;
    search_tree by_number_;
    std::uint32_t last_number_ = 0;
    std::uint32_t first_ended_ = 0; // the number of a name, or 0
    std::uint32_t last_ended_ = 0;
    std::uint32_t dead_ = 0;   // bytes of names that were erased
    std::uint32_t behind_ = 0; // bytes of the text behind all names
    std::uint32_t counts_[Record::kinds] = {};
};

} // namespace sockless::detail

// ======================================== sockless/stomp/name_records.hpp =========================================
// What a session keeps the names of, and what it notes beside each.

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

// =========================================== sockless/stomp/session.hpp ===========================================
// The common part of both ends of a STOMP session: names, heart-beats, deadlines, output, and how a session ends.

namespace sockless::stomp {

/// The options of a session. Durations are in milliseconds, sizes in bytes. Timeouts and heart-beats only work if the
/// caller calls `tick`.
struct options {
    version_set versions = version_set::all(); ///< the versions that this side speaks
    stomp::heart_beat heart_beat{};            ///< the heart-beats that this side promises and wants

    stomp::limits limits{}; ///< limits on the frames of the peer, once the session is open
    /// Limits on the frames that the peer sends before. A `passcode` may be a token of several thousand bytes. `body`
    /// is for ERROR, as CONNECT and CONNECTED have no body.
    stomp::limits limits_before{.line = 8192, .headers = 50, .head = 16384, .body = 65536};
    std::size_t output = 32 * 1024 * 1024; ///< the most bytes that wait to be sent, if the memory is from the heap
    /// The most bytes for the ids of subscriptions, transactions and receipts together, with the bytes that each takes
    /// more (see the constructors of the sessions), if the memory is from the heap. As much again is taken while ids
    /// come and go.
    std::size_t names = 512 * 1024;

    std::uint32_t subscriptions = 1000;    ///< subscriptions that the client may have
    std::uint32_t transactions = 100;      ///< transactions that the client may have open
    std::uint32_t unacknowledged = 10'000; ///< server: messages that may wait for an ACK
    std::uint32_t receipts = 10'000;       ///< client: receipts that may be outstanding

    /// The longest wait until the session is open, from the first `tick` on.
    std::uint32_t connect_timeout = 10'000;
    /// The longest wait, after DISCONNECT or the end of the session, for the peer to take the last output. Client: also
    /// for the receipt of DISCONNECT. The wait begins anew each time that the peer takes some output.
    std::uint32_t disconnect_timeout = 5'000;

    bool automatic_receipts = true; ///< server: the session sends each RECEIPT by itself; if false the caller does

    /// Server: whether a CONNECT of 1.1 or 1.2 without `host` is refused, as the specification demands this header. By
    /// default it is let in, as brokers let it in, and many clients send none if they are not told to (STOMP 1.2
    /// Connecting) [S17].
    bool require_host = false;
};

/// The states of a session.
enum class state : std::uint8_t {
    connecting,    ///< CONNECTED was not sent or received yet
    open,          ///< both sides can send frames
    disconnecting, ///< DISCONNECT was sent or received
    closed,        ///< the session has ended; the queued bytes are still to be sent
};

} // namespace sockless::stomp

namespace sockless::stomp::detail {

/// The `Output` of a session that no WebSocket carries: a queue of bytes. For a WebSocket see `carrier`.
template <class Buffer>
struct bare_output : outbox<Buffer> {
    bare_output(const Buffer& memory) noexcept : outbox<Buffer>(memory) {}
};

} // namespace sockless::stomp::detail

namespace sockless::stomp {

template <class Session>
class over_websocket;

/// The common part of `basic_server_session` and `basic_client_session`. `Buffer` holds frames that come in pieces, and
/// names. `Output` takes the frames that the session sends: bytes as they are, or a `carrier`. A session does no I/O
/// and reads no clock; it allocates only through `Buffer` and `Output`.
template <role Own, class Buffer, class Output>
class session {
  public:
    using output_type = Output;

    /// The version that the two sides have agreed on; `unknown` before the session is open.
    [[nodiscard]] stomp::version version() const noexcept { return reader_.version(); }

    /// The bytes to send next, the oldest first, at most 64 KiB at a time. Empty if there are none. Neither the bytes
    /// nor their place change until `sent` takes them, also if other functions are called, even `release_memory`. So an
    /// asynchronous write may read from them; the session must outlive it.
    [[nodiscard]] cbytes output() const noexcept { return output_.output(); }

    /// The same bytes in several pieces: see `ws::connection::output`.
    [[nodiscard]] std::span<const cbytes> output(std::span<cbytes> pieces) const noexcept {
        return pieces.first(output_.output(pieces));
    }

    /// The number of all bytes that wait to be sent. A caller can stop producing messages while there are too many.
    [[nodiscard]] std::size_t waiting() const noexcept { return output_.size(); }

    /// Says that bytes of the peer wait which the caller does not give to `next` yet. They count as a sign of life at
    /// the next `tick`: see `ws::connection::hold_input`.
    void hold_input() noexcept { heard_ = true; }

    /// The time at which `tick` has something to do next; `no_deadline` if there is no such time. It is 0, which means
    /// at once, if a wait has begun since the last `tick`: the wait counts from the next `tick`.
    [[nodiscard]] instant next_deadline() const noexcept {
        const instant beat = own_beat_.next() < peer_beat_.next() ? own_beat_.next() : peer_beat_.next();
        return beat < deadline_.next() ? beat : deadline_.next();
    }

    /// The state of the session. The caller can send frames while it is `open`.
    [[nodiscard]] stomp::state state() const noexcept { return state_; }
    [[nodiscard]] bool is_open() const noexcept { return state_ == stomp::state::open; }

    /// The error that has ended the session, as in the `lost` event. It stays.
    [[nodiscard]] sockless::error error() const noexcept { return error_; }

    /// The number of bytes that were taken. If the peer broke a rule, the offset of the first byte that breaks it.
    [[nodiscard]] std::uint64_t offset() const noexcept { return reader_.offset(); }

    /// The names of the open transactions. After the end of the session these transactions were never committed, and
    /// the caller takes them for aborted (STOMP 1.2 BEGIN) [S10]. A range of `std::string_view`, valid until the next
    /// call that is not const.
    [[nodiscard]] auto transactions() const noexcept { return names_.of(name_kind::transaction); }

    /// The ids of the subscriptions, without those that have no id (in 1.0). A range that is valid as long as that of
    /// `transactions`.
    [[nodiscard]] auto subscriptions() const noexcept { return names_.of(name_kind::subscription); }

    /// Gives back memory that is not in use, for a session that will be idle. Views and spans of events and ranges are
    /// no longer valid; those of `output()` are.
    void release_memory() noexcept {
        reader_.release();
        output_.release();
        names_.release();
    }

  protected:
    using name_kind = detail::name_kind;
    using name_record = std::conditional_t<Own == role::server, detail::server_name, detail::client_name>;
    using name_list = detail::name_list<name_record, Buffer>;
    using name = typename name_list::entry;

    // The sizes that nearly all frames keep within, but for bodies and for the id of a RECEIPT.
    static constexpr std::size_t usual_head = 512, usual_receipt = 32;

    session(const options& settings, Buffer input, Output output, Buffer names) noexcept
        : reader_(static_cast<Buffer&&>(input), settings.limits_before),
          output_(static_cast<Output&&>(output)),
          names_(static_cast<Buffer&&>(names)),
          limits_(settings.limits),
          heart_beat_(settings.heart_beat),
          disconnect_timeout_(settings.disconnect_timeout),
          most_subscriptions_(settings.subscriptions),
          most_transactions_(settings.transactions),
          versions_(settings.versions) {
        deadline_.begin(settings.connect_timeout);
    }

    // A copy would share the memory of a `span_buffer`.
    session(session&&) noexcept = default;
    session& operator=(session&&) noexcept = default;

    [[nodiscard]] static std::size_t input_limit(const options& settings) noexcept {
        const stomp::limits &open = settings.limits, &before = settings.limits_before;
        const std::uint64_t head = open.head > before.head ? open.head : before.head;
        const std::uint64_t body = open.body > before.body ? open.body : before.body;
        return body > SIZE_MAX - head ? SIZE_MAX : static_cast<std::size_t>(head + body);
    }

    // The memory for a list that can hold so many bytes or records: see `name_list` and `acknowledgements`.
    [[nodiscard]] static std::size_t list_limit(std::size_t records, std::size_t each = 1) noexcept {
        return records > SIZE_MAX / 2 / each ? SIZE_MAX : 2 * each * records;
    }

    [[nodiscard]] bool is_disconnecting() const noexcept { return state_ == stomp::state::disconnecting; }

    // Takes the next frame or heart-beat from the front of `in`, which is not empty: see `frame_reader::next`.
    template <class Judge>
    [[nodiscard]] detail::whole_frame next_frame(bytes& in, Judge judge) noexcept {
        heard_ = true;
        return reader_.next(in, judge);
    }

    // Queues the frame that `write` writes to a span, all of it or nothing. `likely` is its probable size. `reserve`
    // bytes of the output stay free. `note` is called after the frame was written, and can still refuse it. So the
    // frame may have views of memory that `note` changes.
    template <class Write, class Note = detail::note_nothing>
    [[nodiscard]] sockless::error queue(Write write, std::size_t likely, std::size_t reserve, Note note = {}) noexcept {
        if (const sockless::error refused = put(output_, likely, reserve, errc::no_room, write, note)) return refused;
        begin_own_beat();
        return {};
    }
    template <class Frame, class Note = detail::note_nothing>
    [[nodiscard]] sockless::error queue_frame(const Frame& frame, std::size_t likely, std::size_t reserve,
                                              Note note = {}) noexcept {
        return queue([&](bytes out) { return write(out, version(), frame); }, likely, reserve, note);
    }

    // Says that the peer has taken `size` bytes.
    void take_sent(std::size_t size) noexcept {
        output_.sent(size);
        if (size == 0) return;
        const bool said_goodbye = state_ >= stomp::state::disconnecting;
        if (said_goodbye && output_.empty()) {
            // Only now can the peer answer, so the wait for its answer begins.
            deadline_.begin_again();
        } else if (said_goodbye || !output_.empty()) {
            // Output waits, and the peer takes some of it: this is a sign of life. Output that leaves at once is none,
            // as the operating system may just have had room for it.
            progresses_ = true;
        }
    }

    // Does the work that is due at the time `now`. Returns an error if a wait took too long and the session must end.
    // It is a sign of life, too, if the peer takes output that waits: while much waits a program may read nothing.
    [[nodiscard]] errc pass_time(instant now) noexcept {
        if (now == no_deadline) return errc::none;
        now_ = now;
        if (progresses_) deadline_.begin_again();
        if (heard_ || progresses_) peer_beat_.begin_again();
        progresses_ = heard_ = false;
        if (deadline_.pass(now)) {
            if (state_ == stomp::state::connecting) return errc::connect_timeout;
            waited_ = true;
            if (Own == role::client && is_disconnecting()) return errc::receipt_timeout;
        }
        if (peer_beat_.pass(now)) return errc::heart_beat_timeout;
        if (own_beat_.pass(now)) {
            // Output that waits is our sign of life as soon as the peer reads it, so a heart-beat is only queued if
            // there is none.
            if (!output_.empty() || queue([](bytes out) { return write_beat(out); }, 1, 0)) {
                own_beat_.begin_at(now, own_silence_ / 3 + 1);
            }
        }
        return errc::none;
    }

    void become_open(stomp::version agreed, const stomp::heart_beat& peer) noexcept {
        reader_.agree(agreed, limits_);
        state_ = stomp::state::open;
        deadline_.stop();
        const std::uint32_t own_interval = agreed_interval(heart_beat_.sends, peer.wants);
        const std::uint32_t peer_interval = agreed_interval(peer.sends, heart_beat_.wants);
        // A quarter early, so that it is not late at the other end (STOMP 1.2 Heart-beating) [S5].
        own_silence_ = own_interval != 0 ? own_interval - own_interval / 4 : never;
        own_beat_.begin(own_silence_);
        // The reader waits for two and a half intervals, as some servers let two intervals pass before their first
        // heart-beat. A silence that does not fit into 32 bits, seven weeks, is not watched.
        const std::uint64_t silence = std::uint64_t{2} * peer_interval + peer_interval / 2;
        peer_beat_.begin(silence != 0 && silence < never ? static_cast<std::uint32_t>(silence) : never);
    }

    void become_disconnecting() noexcept {
        state_ = stomp::state::disconnecting;
        own_silence_ = never;
        own_beat_.stop();
        peer_beat_.stop();
        deadline_.begin(disconnect_timeout_);
    }

    // The queued bytes are still to be sent, but only for a limited time.
    void become_closed(sockless::error reason) noexcept {
        become_disconnecting();
        if (waited_) deadline_.stop();
        state_ = stomp::state::closed;
        error_ = reason;
    }

    // Whether the time for the peer to take the last output is over.
    [[nodiscard]] bool has_waited() const noexcept { return waited_; }

    [[nodiscard]] version_set versions() const noexcept { return versions_; }
    [[nodiscard]] const stomp::heart_beat& own_heart_beat() const noexcept { return heart_beat_; }
    [[nodiscard]] std::uint32_t most_subscriptions() const noexcept { return most_subscriptions_; }
    [[nodiscard]] std::uint32_t most_transactions() const noexcept { return most_transactions_; }

    detail::frame_reader<Buffer> reader_;
    Output output_;
    name_list names_;

  private:
    template <class Session>
    friend class over_websocket;

    [[nodiscard]] static written write_beat(bytes out) noexcept {
        if (out.empty()) return {1, errc::no_room};
        out[0] = std::byte{'\n'};
        return {1, {}};
    }

    // The wait for the next own heart-beat counts from the last tick, as the time since then is not known. So a
    // heart-beat may be early but is never late.
    void begin_own_beat() noexcept {
        const bool has_clock = own_beat_.next() != 0;
        if (has_clock) own_beat_.begin_at(now_, own_silence_);
    }

    instant now_ = 0;            // the time of the last tick
    detail::deadline deadline_;  // of the wait that belongs to the state
    detail::deadline own_beat_;  // until which something must be sent
    detail::deadline peer_beat_; // until which something must have come
    sockless::error error_{};
    stomp::limits limits_; // of the frames that come once the session is open
    stomp::heart_beat heart_beat_;
    std::uint32_t disconnect_timeout_;
    std::uint32_t most_subscriptions_;
    std::uint32_t most_transactions_;
    std::uint32_t own_silence_ = never; // the silence after which a heart-beat is sent
    version_set versions_;
    stomp::state state_ = stomp::state::connecting;
    bool heard_ : 1 = false;      // something came since the last `tick`
    bool progresses_ : 1 = false; // the peer took output that had waited, since the last `tick`
    bool waited_ : 1 = false;     // the time for the last output, or for the receipt of DISCONNECT, is over
};

} // namespace sockless::stomp

// ======================================= sockless/stomp/client_session.hpp ========================================
// The client's end of one STOMP session: bytes in, messages and receipts out, bytes back; no socket inside.

namespace sockless::stomp {

/// The client's end of one session. Call `connect` first. Then drive it like `basic_server_session`: give the bytes
/// that came to `next` until it returns no event, send `output()` and report it with `sent`, and stop when `done()` is
/// true. A call that would make the server answer with ERROR (an unknown transaction, a repeated subscription) fails
/// here, and nothing is sent, as an ERROR ends the session.
///
/// `Buffer` is the type of the memory: for frames that come in pieces, for output, and for the names that the session
/// keeps (see buffer.hpp). `Output` takes the frames that the session sends: bytes as they are, or a `carrier`.
///
///     stomp::client_session session;
///     error = session.connect({.host = "/", .login = "guest", .passcode = "guest"});
///     session.sent(write(session.output()));
///     while (const stomp::client_event event = session.next(in)) {
///         if (event.kind == stomp::client_kind::connected) {
///             error = session.subscribe({.id = "1", .destination = "/queue/a", .ack = stomp::ack_mode::client});
///         }
///         if (event.kind == stomp::client_kind::message) error = session.ack(event);
///     }
template <class Buffer, class Output = detail::bare_output<Buffer>>
class basic_client_session : public session<role::client, Buffer, Output> {
    using base = session<role::client, Buffer, Output>;
    using base::usual_head;
    using typename base::name, typename base::name_kind;

  public:
    using event = client_event;
    using kind = client_kind;

    /// With memory from the heap, up to the limits of `settings`.
    explicit basic_client_session(
        const options& settings = {}) noexcept requires std::is_same_v<Output, detail::bare_output<growing_buffer>>
        : basic_client_session(growing_buffer(settings.output), settings) {}

    /// Likewise, but with this `output`: `options::output` is not read.
    basic_client_session(Output output,
                         const options& settings) noexcept requires std::is_same_v<Buffer, growing_buffer>
        : basic_client_session(growing_buffer(base::input_limit(settings)), static_cast<Output&&>(output),
                               growing_buffer(base::list_limit(settings.names)), settings) {}

    /// With memory of the caller's. `input` holds one frame that comes in pieces. Give it room for a head and a body of
    /// the limits of `settings`: else a large frame fails if it comes in pieces and passes if it comes whole. `output`
    /// holds the bytes that wait to be sent. `names` holds the ids of subscriptions, transactions and outstanding
    /// receipts; each takes 20 bytes beside its text. Give it twice as much, as half of it may hold ids that have
    /// ended. `options::output` and `options::names` are not read.
    basic_client_session(Buffer input, Output output, Buffer names, const options& settings = {}) noexcept
        : base(settings, static_cast<Buffer&&>(input), static_cast<Output&&>(output), static_cast<Buffer&&>(names)),
          most_receipts_(settings.receipts) {}

    /// Asks for a session: queues CONNECT (STOMP 1.2 Connecting). `versions` and `heart_beat` of `frame` are not read:
    /// the options give them. The event `connected` follows if the server accepts. Errors: `not_open` if CONNECT was
    /// queued before or the session has ended, `no_room`, and those of `write`.
    [[nodiscard]] sockless::error connect(connect_frame frame) noexcept {
        if (this->state() != stomp::state::connecting || has_asked_) return errc::not_open;
        frame.versions = this->versions();
        frame.heart_beat = this->own_heart_beat();
        const sockless::error refused = this->queue([&](bytes out) { return write(out, frame); }, 256, 0);
        has_asked_ = !refused;
        return refused;
    }

    /// Ends the session in the way that its state asks for, for a program that ends. An open session is ended as by
    /// `disconnect`. If it is not open yet, or DISCONNECT cannot be queued, it ends at once: the next call of `next` or
    /// `finish` then returns `lost`, with `shut_down`. Drive the session as before until `done()`.
    void shut_down() noexcept {
        if (this->state() >= stomp::state::disconnecting) return;
        if (!disconnect()) return;
        this->become_closed(errc::shut_down);
        loses_ = true;
    }

    /// Says that the first `size` bytes of `output()` were sent. A short write is normal. It is a fault of the caller
    /// if `size` is more than `output()` had: an assertion fails or, with `NDEBUG`, the call does nothing.
    void sent(std::size_t size) noexcept { this->take_sent(size); }

    /// Takes bytes from the front of `in` up to the end of the next event and returns it. Returns a false event when
    /// `in` is used up. Headers are unescaped in place, in `in`. After the session has ended, all of `in` is discarded.
    [[nodiscard]] event next(bytes& in) noexcept {
        if (this->state() == stomp::state::closed) {
            // After an ERROR nothing more is read (STOMP 1.2 ERROR) [S13].
            in = in.subspan(in.size());
            const bool owed = loses_;
            loses_ = false;
            return owed ? lost() : event{};
        }
        if (in.empty()) return {};
        const detail::whole_frame found = this->next_frame(in, [this](command sent) { return judge(sent); });
        if (found.error != errc::none) return fail(found.error);
        if (found.heart_beat) return {.kind = kind::heart_beat};
        return found.command == command::none ? event{} : take(found);
    }

    /// Queues a SEND (STOMP 1.2 SEND). Errors: `not_open` if the session is not open, `unknown_transaction`,
    /// `repeated_receipt`, `too_many_receipts`, `no_room`, and those of `write`; after an error nothing was queued. The
    /// functions below have the same errors.
    [[nodiscard]] sockless::error send(const send_frame& frame) noexcept {
        return queue_request(frame, frame.transaction, frame.receipt, frame.body.size());
    }

    /// Queues a SUBSCRIBE (STOMP 1.2 SUBSCRIBE). Further errors: `repeated_subscription`, `too_many_subscriptions`.
    [[nodiscard]] sockless::error subscribe(const subscribe_frame& frame) noexcept {
        const named_by id = id_of(frame);
        const std::size_t others =
            this->names_.count(name_kind::subscription) + this->names_.count(name_kind::destination);
        if (!this->is_open()) return errc::not_open;
        if (this->names_.find(id.kind, id.text)) return errc::repeated_subscription;
        if (others >= this->most_subscriptions()) return errc::too_many_subscriptions;
        return queue_request(frame, {}, frame.receipt, 0, id, errc::too_many_subscriptions);
    }

    /// Queues an UNSUBSCRIBE (STOMP 1.2 UNSUBSCRIBE). Messages that the server has already sent still come. Further
    /// error: `unknown_subscription`.
    [[nodiscard]] sockless::error unsubscribe(const unsubscribe_frame& frame) noexcept {
        const named_by id = id_of(frame);
        const name known = this->names_.find(id.kind, id.text);
        if (!this->is_open()) return errc::not_open;
        if (!known) return errc::unknown_subscription;
        const sockless::error refused = queue_request(frame, {}, frame.receipt, 0);
        if (!refused) this->names_.erase(known);
        return refused;
    }

    /// Queues an ACK or NACK (STOMP 1.2 ACK, NACK): for the message that `frame` names, or for a `message` event that
    /// `next` has returned and that is still valid.
    [[nodiscard]] sockless::error ack(ack_frame frame) noexcept {
        frame.as = command::ack;
        return queue_request(frame, frame.transaction, frame.receipt, 0);
    }
    [[nodiscard]] sockless::error nack(ack_frame frame) noexcept {
        frame.as = command::nack;
        return queue_request(frame, frame.transaction, frame.receipt, 0);
    }
    template <class Event>
        requires std::is_base_of_v<event, Event> // so that braces make a frame
    [[nodiscard]] sockless::error ack(const Event& message, std::string_view transaction = {}) noexcept {
        return ack(answer_to(message, transaction));
    }
    template <class Event>
        requires std::is_base_of_v<event, Event> // so that braces make a frame
    [[nodiscard]] sockless::error nack(const Event& message, std::string_view transaction = {}) noexcept {
        return nack(answer_to(message, transaction));
    }

    /// Queues a BEGIN (STOMP 1.2 BEGIN). Further errors: `repeated_transaction`, `too_many_transactions`.
    [[nodiscard]] sockless::error begin(std::string_view transaction, std::string_view receipt = {}) noexcept {
        constexpr name_kind of = name_kind::transaction;
        if (!this->is_open()) return errc::not_open;
        if (this->names_.find(of, transaction)) return errc::repeated_transaction;
        if (this->names_.count(of) >= this->most_transactions()) return errc::too_many_transactions;
        const transaction_frame frame{.as = command::begin, .transaction = transaction, .receipt = receipt};
        return queue_request(frame, {}, receipt, 0, {of, transaction}, errc::too_many_transactions);
    }

    /// Queues a COMMIT or ABORT (STOMP 1.2 COMMIT, ABORT).
    [[nodiscard]] sockless::error commit(std::string_view transaction, std::string_view receipt = {}) noexcept {
        return end_transaction(command::commit, transaction, receipt);
    }
    [[nodiscard]] sockless::error abort(std::string_view transaction, std::string_view receipt = {}) noexcept {
        return end_transaction(command::abort, transaction, receipt);
    }

    /// Ends the session in order: queues DISCONNECT with this receipt (STOMP 1.2 DISCONNECT). After that nothing more
    /// can be sent. Messages still come until the server has sent the receipt; the event of the receipt is `closed`.
    /// Further error: `missing_header` if `receipt` is empty.
    [[nodiscard]] sockless::error disconnect(std::string_view receipt = "disconnect") noexcept {
        if (receipt.empty()) return errc::missing_header;
        const sockless::error refused = queue_request(disconnect_frame{.receipt = receipt}, {}, receipt, 0);
        if (!refused) this->become_disconnecting();
        return refused;
    }

    /// Says that the time is `now`, in milliseconds. Call it after each wait for input, but first give the bytes that
    /// came to `next`: else a server that is alive looks silent. The call does what is due: it queues a heart-beat, or
    /// it returns `lost` if a wait took too long. A wait that has begun since the last call counts from this one, as
    /// the session does not know the time when it began.
    [[nodiscard]] event tick(instant now) noexcept {
        const errc due = this->pass_time(now);
        return due == errc::none ? event{} : fail(due);
    }

    /// Says that the server has ended its side of the connection (`recv` returned 0), or that the connection broke.
    /// Returns `lost`, or no event if the session had ended before. The queued bytes are still to be sent, as the
    /// server may have ended only its own side.
    [[nodiscard]] event finish() noexcept {
        if (this->state() == stomp::state::closed) {
            bytes none{};
            return next(none);
        }
        const errc cut = this->reader_.finish();
        return fail(cut != errc::none ? cut : errc::end_of_input);
    }

    /// Whether nothing is left to do but to end the connection: the session has ended and all output was sent, or the
    /// server did not take the output in time.
    [[nodiscard]] bool done() const noexcept { return this->has_waited() || (has_said_all() && this->waiting() == 0); }

    /// Whether the session queues nothing more.
    [[nodiscard]] bool has_said_all() const noexcept { return this->state() == stomp::state::closed; }

    /// The ids of the receipts that this client has asked for and that were not answered yet, by RECEIPT or ERROR, the
    /// oldest first. After `lost` they never are: it is not known whether the server has handled the frames that asked
    /// for them (STOMP 1.2 RECEIPT) [S7]. A range of `std::string_view`, valid until the next call that is not const.
    [[nodiscard]] auto receipts() const noexcept { return this->names_.of(name_kind::receipt); }

  private:
    // What a name is of, and its text.
    struct named_by {
        name_kind kind{};
        std::string_view text{};
    };

    // [S8] In 1.0 the destination stands for an id that is missing.
    template <class Frame>
    [[nodiscard]] static named_by id_of(const Frame& frame) noexcept {
        if (frame.id.empty()) return {name_kind::destination, frame.destination};
        return {name_kind::subscription, frame.id};
    }

    [[nodiscard]] event lost() noexcept { return {.kind = kind::lost, .error = this->error()}; }

    // Every failure goes this way. A client has no frame that tells the server of an error.
    [[nodiscard]] event fail(sockless::error reason) noexcept {
        this->become_closed(reason);
        return lost();
    }

    [[nodiscard]] errc judge(command sent) const noexcept {
        if (sender_of(sent) != role::server) return errc::unexpected_command;
        if (sent == command::error) return errc::none;
        const bool connects = sent == command::connected;
        // The first frame of a server is CONNECTED or ERROR, and there is one CONNECTED (STOMP 1.2 Connecting) [S6].
        if (this->state() == stomp::state::connecting) {
            return connects && has_asked_ ? errc::none : errc::not_connected;
        }
        return connects ? errc::already_connected : errc::none;
    }

    [[nodiscard]] event take(const detail::whole_frame& frame) noexcept {
        const known_headers known(frame.headers);
        event found{.server = known.server,
                    .session = known.session,
                    .subscription = known.subscription,
                    .message_id = known.message_id,
                    .destination = known.destination,
                    .ack = known.ack,
                    .content_type = known.content_type,
                    .receipt_id = known.receipt_id,
                    .message = known.message,
                    .headers = frame.headers,
                    .body = frame.body};
        errc wrong = errc::none;
        switch (frame.command) {
        case command::connected:
            found.kind = kind::connected;
            wrong = take_connected(known);
            break;
        case command::message:
            found.kind = kind::message;
            // A MESSAGE has an id. One without destination or subscription is shown as it is, as brokers exist that
            // send such (STOMP 1.2 MESSAGE) [S17].
            if (known.message_id.empty()) wrong = errc::missing_header;
            break;
        case command::receipt:
            // It says which frame it answers (STOMP 1.2 RECEIPT) [S7].
            if (!known.receipt_id.empty()) return take_receipt(found);
            wrong = errc::missing_header;
            break;
        default:
            found.kind = kind::error;
            // The ERROR answers the frame that it names the receipt of (STOMP 1.2 ERROR) [S7].
            take_answer(found.receipt_id);
            this->become_closed(errc::error_received);
            loses_ = true;
        }
        if (wrong == errc::none) return found;
        this->reader_.blame_frame();
        return fail(wrong);
    }

    // The version is one that the client has offered. A server that names no version speaks 1.0 (STOMP 1.2 Protocol
    // Negotiation) [S6].
    [[nodiscard]] errc take_connected(const known_headers& known) noexcept {
        const stomp::version agreed =
            known.version.data() == nullptr ? stomp::version::v1_0 : version_of(known.version);
        if (!this->versions().has(agreed)) return errc::no_common_version;
        stomp::heart_beat server_beat{};
        if (agreed != stomp::version::v1_0 && known.heart_beat.data() != nullptr) {
            const parsed_heart_beat beat = parse_heart_beat(known.heart_beat);
            if (!beat.valid) return errc::bad_heart_beat;
            server_beat = beat.value;
        }
        this->become_open(agreed, server_beat);
        return errc::none;
    }

    [[nodiscard]] event take_receipt(event& found) noexcept {
        found.kind = kind::receipt;
        const bool is_goodbye = take_answer(found.receipt_id) == goodbye && this->is_disconnecting();
        if (!is_goodbye) return found;
        this->become_closed({});
        found.kind = kind::closed;
        return found;
    }

    // The receipt is not outstanding any more. Returns its mode.
    std::uint8_t take_answer(std::string_view receipt) noexcept {
        const name outstanding = this->names_.find(name_kind::receipt, receipt);
        if (outstanding) this->names_.erase(outstanding);
        return outstanding.record.mode;
    }

    [[nodiscard]] static ack_frame answer_to(const event& message, std::string_view transaction) noexcept {
        return {.id = message.ack,
                .message_id = message.message_id,
                .subscription = message.subscription,
                .transaction = transaction};
    }

    [[nodiscard]] sockless::error end_transaction(command as, std::string_view transaction,
                                                  std::string_view receipt) noexcept {
        const transaction_frame frame{.as = as, .transaction = transaction, .receipt = receipt};
        const name open = this->names_.find(name_kind::transaction, transaction);
        const sockless::error refused = queue_request(frame, transaction, receipt, 0);
        if (!refused) this->names_.erase(open);
        return refused;
    }

    // Queues a frame that may be in a transaction and may ask for a receipt. The receipt is then outstanding. With the
    // frame a name may begin; `full` is the error if it does not fit. The frame may have views of names. So the names
    // change only after the frame was written, and stay where they are until then.
    template <class Frame>
    [[nodiscard]] sockless::error queue_request(const Frame& frame, std::string_view transaction,
                                                std::string_view receipt, std::size_t body, named_by begun = {},
                                                errc full = errc::too_many_receipts) noexcept {
        constexpr std::uint8_t mode = std::is_same_v<Frame, disconnect_frame> ? goodbye : 0;
        if (!this->is_open()) return errc::not_open;
        if (!transaction.empty() && !this->names_.find(name_kind::transaction, transaction)) {
            return errc::unknown_transaction;
        }
        const bool asks = !receipt.empty();
        if (asks && this->names_.find(name_kind::receipt, receipt)) return errc::repeated_receipt;
        if (asks && this->names_.count(name_kind::receipt) >= most_receipts_) return errc::too_many_receipts;
        const bool begins = !begun.text.empty();
        if (!asks && !begins) return this->queue_frame(frame, usual_head + body, 0);
        return this->queue_frame(frame, usual_head + body, 0, [&]() -> sockless::error {
            if (!this->names_.make_room(receipt, begun.text)) return full;
            if (asks) this->names_.add({.kind = name_kind::receipt, .mode = mode}, receipt);
            if (begins) this->names_.add({.kind = begun.kind}, begun.text);
            return {};
        });
    }

    // The mode of the receipt that ends the session.
    static constexpr std::uint8_t goodbye = 1;

    std::uint32_t most_receipts_;
    bool has_asked_ = false;
    bool loses_ = false; // the `lost` event is still owed
};

template <class Buffer>
basic_client_session(Buffer, Buffer, Buffer, const options& = {}) -> basic_client_session<Buffer>;

/// The usual client session: memory from the heap, up to the limits of its options.
using client_session = basic_client_session<growing_buffer>;

} // namespace sockless::stomp

// =========================================== sockless/detail/octets.hpp ===========================================
// Masking, and the test for ASCII, of any number of bytes.

namespace sockless::detail {

/// `mask_bytes` of fewer bytes than a vector has, and in constant evaluation.
[[nodiscard]] constexpr bool mask_below_vector(std::byte* to, const std::byte* from, std::size_t size,
                                               std::uint32_t key) noexcept {
    if (!std::is_constant_evaluated()) {
        if (size >= sizeof(words::vector)) return words::mask_few(to, from, size, key);
        if (size >= sizeof(half_words::vector)) return half_words::mask_few(to, from, size, key);
    }
    constexpr int first_byte = std::endian::native == std::endian::little ? 0 : 24;
    std::byte seen{0};
    for (std::size_t i = 0; i != size; ++i) {
        to[i] = from[i] ^ static_cast<std::byte>(rotated(key, i) >> first_byte & 0xFFU);
        seen |= to[i];
    }
    return (seen & std::byte{0x80}) != std::byte{0};
}

/// Writes `from[i] ^ key` to `to[i]` for `size` bytes. Returns whether any byte of the result has its high bit set,
/// that is, is not ASCII. `to` and `from` are the same place or do not overlap. Always inlined: for short payloads a
/// call costs as much as the work.
[[nodiscard]] SOCKLESS_ALWAYS_INLINE constexpr bool mask_bytes(std::byte* to, const std::byte* from, std::size_t size,
                                                               std::uint32_t key) noexcept {
    if (std::is_constant_evaluated() || size < sizeof(always::vector)) return mask_below_vector(to, from, size, key);
    return size < widest::least_octets ? always::mask_few(to, from, size, key) : widest::mask(to, from, size, key);
}

/// `any_high_bit` of fewer bytes than a vector has, and in constant evaluation.
[[nodiscard]] constexpr bool any_high_bit_below_vector(cbytes data) noexcept {
    if (!std::is_constant_evaluated()) {
        if (data.size() >= sizeof(words::vector)) return words::not_ascii_few(data.data(), data.size());
        if (data.size() >= sizeof(half_words::vector)) return half_words::not_ascii_few(data.data(), data.size());
    }
    std::byte seen{0};
    for (const std::byte octet : data) seen |= octet;
    return (seen & std::byte{0x80}) != std::byte{0};
}

/// Whether any byte has its high bit set, that is, is not ASCII.
[[nodiscard]] constexpr bool any_high_bit(cbytes data) noexcept {
    if (std::is_constant_evaluated() || data.size() < sizeof(always::vector)) return any_high_bit_below_vector(data);
    return data.size() < widest::least_octets ? always::not_ascii_few(data.data(), data.size())
                                              : widest::not_ascii(data.data(), data.size());
}

} // namespace sockless::detail

// =============================================== sockless/utf8.hpp ================================================
// Checks UTF-8 that comes in pieces (RFC 3629). The state between two pieces is one byte.

// A state machine. Each byte has a row, a word that holds the next state for each state, in six bits. A state is the
// number of bits by which to shift the row. So the load of a row does not wait for the step before.
// After E0, ED, F0 and F4 the second byte has a smaller range (RFC 3629 section 4). That rules out overlong forms,
// surrogates, and code points above U+10FFFF. So each of these bytes leads to a state of its own.
namespace sockless::detail::utf8 {

inline constexpr unsigned accept = 0, one_more = 6, two_more = 12, three_more = 18, after_e0 = 24, after_ed = 30,
                          after_f0 = 36, after_f4 = 42, reject = 48;

struct transition {
    unsigned from;
    unsigned first, last; // the bytes that lead from the one state to the other
    unsigned to;
};

inline constexpr transition transitions[] = {
    {accept, 0x00, 0x7F, accept},     {accept, 0xC2, 0xDF, one_more},   {accept, 0xE0, 0xE0, after_e0},
    {accept, 0xE1, 0xEC, two_more},   {accept, 0xED, 0xED, after_ed},   {accept, 0xEE, 0xEF, two_more},
    {accept, 0xF0, 0xF0, after_f0},   {accept, 0xF1, 0xF3, three_more}, {accept, 0xF4, 0xF4, after_f4},
    {one_more, 0x80, 0xBF, accept},   {two_more, 0x80, 0xBF, one_more}, {three_more, 0x80, 0xBF, two_more},
    {after_e0, 0xA0, 0xBF, one_more}, {after_ed, 0x80, 0x9F, one_more}, {after_f0, 0x90, 0xBF, two_more},
    {after_f4, 0x80, 0x8F, two_more},
};

inline constexpr std::array<std::uint64_t, 256> rows = [] {
    std::array<std::uint64_t, 256> table{};
    for (unsigned state = accept; state <= reject; state += 6) {
        for (std::uint64_t& row : table) row |= std::uint64_t{reject} << state;
    }
    for (const transition& step : transitions) {
        for (unsigned octet = step.first; octet <= step.last; ++octet) {
            table[octet] ^= std::uint64_t{reject ^ step.to} << step.from;
        }
    }
    return table;
}();

} // namespace sockless::detail::utf8

namespace sockless {

/// Checks UTF-8 that comes in pieces. A piece may end within a character (RFC 3629; RFC 6455 section 8.1).
///
///     utf8_validator checked;
///     const bool is_valid = checked.feed(bytes_of("\xE2\x82")) == 2 && checked.feed(bytes_of("\xAC")) == 1;
///     if (is_valid && checked.complete()) print("a euro sign, in two pieces");
class utf8_validator {
  public:
    /// Takes the next piece and returns how many of its bytes are valid: all of them, or the index of the first byte
    /// that no later byte can make valid. After such a byte `feed` returns 0 until `reset`. The validator
    /// does not keep the piece.
    [[nodiscard]] constexpr std::size_t feed(cbytes piece) noexcept {
        std::size_t i = 0;
        while (i != piece.size()) {
            const cbytes rest = piece.subspan(i);
            const cbytes octets = rest.first(rest.size() < block_size ? rest.size() : block_size);
            const bool is_ascii = state_ == detail::utf8::accept && !detail::any_high_bit(octets);
            if (is_ascii && octets.size() == rest.size()) return piece.size();
            if (const std::size_t valid = feed_vectors(rest)) {
                i += valid;
                continue;
            }
            if (!is_ascii) {
                const unsigned before = state_;
                state_ = walk(before, octets);
                if (state_ == detail::utf8::reject) return i + first_rejected(before, octets);
            }
            i += octets.size();
        }
        return i;
    }

    /// Whether all of the text so far is valid and ends with a whole character.
    [[nodiscard]] constexpr bool complete() const noexcept { return state_ == detail::utf8::accept; }

    /// Begins a new text.
    constexpr void reset() noexcept { state_ = detail::utf8::accept; }

  private:
    // A longer block skips ASCII faster. A shorter one walks over less ASCII around one other character.
    static constexpr std::size_t block_size = 64;

    // Takes valid bytes from the front, many at a time, but not the last character. 0 if there are too few bytes, if
    // the text is wrong at the front, or if the processor has no instructions for this.
    [[nodiscard]] constexpr std::size_t feed_vectors(cbytes piece) noexcept {
        if (std::is_constant_evaluated() || piece.size() < detail::widest::least_utf8) return 0;
        // Vectors look back three bytes, so they cannot judge the first three.
        if (walk(state_, piece.first(3)) == detail::utf8::reject) return 0;
        std::size_t at = detail::widest::valid_utf8(piece.data(), piece.size());
        while (at != 0 && (piece[--at] & std::byte{0xC0}) == std::byte{0x80}) {
        }
        if (at != 0) state_ = detail::utf8::accept;
        return at;
    }

    [[nodiscard]] static constexpr std::uint8_t walk(std::uint64_t state, cbytes octets) noexcept {
        for (const std::byte octet : octets)
            state = detail::utf8::rows[static_cast<std::uint8_t>(octet)] >> (state & 63U);
        return static_cast<std::uint8_t>(state & 63U);
    }

    [[nodiscard]] static constexpr std::size_t first_rejected(unsigned state, cbytes octets) noexcept {
        std::size_t i = 0;
        while ((state = walk(state, octets.subspan(i, 1))) != detail::utf8::reject) ++i;
        return i;
    }

    std::uint8_t state_ = detail::utf8::accept;
};

/// Whether `text` is valid UTF-8 that does not end within a character.
[[nodiscard]] constexpr bool is_utf8(cbytes text) noexcept {
    utf8_validator validator;
    return validator.feed(text) == text.size() && validator.complete();
}

} // namespace sockless

// =========================================== sockless/ws/close_code.hpp ===========================================
// Close codes: those that may stand on the wire, and those that are only ever reported (RFC 6455 section 7.4).

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

// ============================================= sockless/ws/limits.hpp =============================================
// Limits on the memory and the time that a WebSocket peer can take.

namespace sockless::ws {

/// Limits on the frames that are received. They are judged from a frame's header before any of its payload is taken
/// (RFC 6455 section 10.4). There is no value that means "unlimited"; the largest number is the largest limit.
struct limits {
    /// Bytes of payload in one message, all its frames together; for a compressed message, both as sent and inflated.
    /// Beyond: 1009.
    std::uint64_t message = 16 * 1024 * 1024;

    /// Bytes of payload in one frame, if that is to be less than in a message. Beyond: 1009.
    std::uint64_t frame = 16 * 1024 * 1024;

    /// Frames in one message, empty ones too: they cost time and no bytes, so only a count can bound them. The default
    /// is 4 MiB in frames of 64 bytes, and one. Beyond: 1008.
    std::uint32_t frames = 65537;
};

} // namespace sockless::ws

// ============================================== sockless/ws/errc.hpp ==============================================
// Everything that can go wrong in the WebSocket layer: one enumerator, one row of the table each.

namespace sockless::ws {

/// Everything that can be wrong with a WebSocket, with its opening handshake, or with a call of this layer.
enum class errc : std::uint8_t {
    none = 0,

    // Frames
    reserved_bit_set,
    unknown_opcode,
    unexpected_continuation,
    expected_continuation,
    fragmented_control_frame,
    control_frame_too_long,
    mask_missing,
    mask_forbidden,
    length_not_minimal,
    length_top_bit_set,
    frame_too_big,
    message_too_big,
    too_many_frames,
    invalid_utf8,

    // Compression
    deflate_corrupt,
    deflate_truncated,
    no_memory,

    // Closing
    close_payload_too_short,
    close_code_invalid,
    close_reason_invalid_utf8,
    end_of_input,
    handshake_timeout,
    refused,
    too_many_interim_responses,
    shut_down,
    close_timeout,
    pong_timeout,

    // The caller
    no_room,
    no_entropy,
    close_code_not_sendable,
    close_reason_too_long,
    payload_not_utf8,
    message_open,
    not_open,
    nothing_to_answer,

    // Opening handshake
    method_not_get,
    http_version_too_old,
    bad_request_target,
    host_missing,
    bad_host,
    unexpected_body,
    upgrade_missing,
    connection_upgrade_missing,
    version_missing,
    version_unsupported,
    key_missing,
    bad_key,
    repeated_origin,
    bad_subprotocol,
    too_many_subprotocols,
    bad_extensions,
    empty_extensions,
    expectation_unknown,

    // Opening handshake over HTTP/2 and HTTP/3
    not_extended_connect,
    protocol_unknown,
    bad_pseudo_field,
    malformed_field,
    connection_field,

    // Opening handshake, as the client sees it
    unexpected_status,
    upgrade_not_confirmed,
    upgrade_repeated,
    connection_not_confirmed,
    accept_missing,
    accept_wrong,
    subprotocol_not_offered,
    extension_not_offered,
    bad_deflate_response,

    // Opening handshake, as the caller asks for it
    reserved_field,
    bad_scheme,
    bad_deflate_window,
    bad_deflate_offer,
};

namespace detail {

// The rows of `errc_rows`, with their texts.
inline constexpr error_row errc_texts[] = {
    {"none", "no error", "", 0, 0},

    {"reserved_bit_set", "a reserved bit is set, and no agreed extension gives it a meaning", "RFC 6455 5.2", 1002, 0},
    {"unknown_opcode", "the opcode of a frame is not defined", "RFC 6455 5.2", 1002, 0},
    {"unexpected_continuation", "a continuation frame came, but no message is open", "RFC 6455 5.4", 1002, 0},
    {"expected_continuation", "a new message began before the last one had ended", "RFC 6455 5.4", 1002, 0},
    {"fragmented_control_frame", "a control frame is fragmented", "RFC 6455 5.5", 1002, 0},
    {"control_frame_too_long", "a control frame has more than 125 bytes of payload", "RFC 6455 5.5", 1002, 0},
    {"mask_missing", "a frame from the client is not masked", "RFC 6455 5.1", 1002, 0},
    {"mask_forbidden", "a frame from the server is masked", "RFC 6455 5.1", 1002, 0},
    {"length_not_minimal", "the payload length is written with more bytes than it needs", "RFC 6455 5.2", 1002, 0},
    {"length_top_bit_set", "the most significant bit of the payload length is set", "RFC 6455 5.2", 1002, 0},
    {"frame_too_big", "a frame is larger than the limit", "RFC 6455 10.4", 1009, 0},
    {"message_too_big", "a message is larger than the limit", "RFC 6455 10.4", 1009, 0},
    {"too_many_frames", "a message has more frames than the limit", "RFC 6455 10.4", 1008, 0},
    {"invalid_utf8", "a text message is not UTF-8", "RFC 6455 8.1", 1007, 0},

    {"deflate_corrupt", "a compressed message is not valid deflate data", "RFC 7692 7.2.2", 1007, 0},
    {"deflate_truncated", "a compressed message ends in the middle of its deflate data", "RFC 7692 7.2.2", 1007, 0},
    {"no_memory", "there is no memory to inflate a message", "RFC 6455 7.4.1", 1011, 0},

    {"close_payload_too_short", "the payload of a Close is a single byte", "RFC 6455 5.5.1", 1002, 0},
    {"close_code_invalid", "a Close has a code that must not be sent", "RFC 6455 7.4", 1002, 0},
    {"close_reason_invalid_utf8", "the reason of a Close is not UTF-8", "RFC 6455 5.5.1", 1007, 0},
    {"end_of_input", "the connection ended without a Close", "RFC 6455 7.1.5", 1006, 0},
    {"handshake_timeout", "the opening handshake took too long", "RFC 6455 4.1", 0, 408},
    {"refused", "the server refused the opening handshake", "RFC 6455 4.1", 0, 0},
    {"too_many_interim_responses", "the server sent more 1xx responses than the limit", "RFC 9110 15.2", 0, 0},
    {"shut_down", "the program is shutting down", "RFC 9110 15.6.4", 1001, 503},
    {"close_timeout", "the peer did not answer the Close in time", "RFC 6455 7.1.1", 1006, 0},
    {"pong_timeout", "the peer did not answer a Ping in time", "RFC 6455 5.5.2", 1011, 0},

    {"no_room", "the output has no room for this frame or head; nothing was written", "", 0, 0},
    {"no_entropy", "there are no unpredictable bytes for the nonce or a masking key; nothing was written",
     "RFC 6455 10.3", 1011, 0},
    {"close_code_not_sendable", "this Close code must not be sent", "RFC 6455 7.4", 0, 0},
    {"close_reason_too_long", "the reason of a Close is longer than 123 bytes", "RFC 6455 5.5", 0, 0},
    {"payload_not_utf8", "the payload of a text message, or the reason of a Close, is not UTF-8", "RFC 6455 8.1", 0, 0},
    {"message_open", "a message in pieces is open; it must end before another one begins", "RFC 6455 5.4", 0, 0},
    {"not_open", "the connection is not open", "RFC 6455 7.1.3", 0, 0},
    {"nothing_to_answer", "no request waits for an answer", "RFC 6455 4.2.2", 0, 0},

    {"method_not_get", "the method of the request is not GET", "RFC 6455 4.1", 0, 405},
    {"http_version_too_old", "HTTP/1.0 cannot be upgraded to WebSocket", "RFC 9110 7.8", 0, 426},
    {"bad_request_target",
     "the request target is neither a path nor an absolute URI of ws or http, or it has a fragment", "RFC 6455 3", 0,
     400},
    {"host_missing", "the request does not have exactly one Host field", "RFC 9112 3.2", 0, 400},
    {"bad_host", "the host is not a name or an address, with or without a port", "RFC 9112 3.2", 0, 400},
    {"unexpected_body", "a request for a WebSocket announces a body", "RFC 9112 6", 0, 400},
    {"upgrade_missing", "the Upgrade field does not ask for websocket", "RFC 6455 4.2.1", 0, 426},
    {"connection_upgrade_missing", "the Connection field does not contain upgrade", "RFC 6455 4.2.1", 0, 400},
    {"version_missing", "the request does not have exactly one Sec-WebSocket-Version field", "RFC 6455 4.2.1", 0, 400},
    {"version_unsupported", "the version of WebSocket is not 13", "RFC 6455 4.4", 0, 426},
    {"key_missing", "the request does not have exactly one Sec-WebSocket-Key field", "RFC 6455 4.2.1", 0, 400},
    {"bad_key", "the Sec-WebSocket-Key is not 16 bytes in base64", "RFC 6455 4.2.1", 0, 400},
    {"repeated_origin", "the request has more than one Origin field", "RFC 6454 7.3", 0, 400},
    {"bad_subprotocol", "a subprotocol is not a token, is repeated, or is missing", "RFC 6455 11.3.4", 0, 400},
    {"too_many_subprotocols", "more subprotocols are offered than the limit", "RFC 6455 10.4", 0, 400},
    {"bad_extensions", "the Sec-WebSocket-Extensions field is malformed", "RFC 6455 9.1", 0, 400},
    {"empty_extensions", "the Sec-WebSocket-Extensions field names no extension", "RFC 6455 9.1", 0, 400},
    {"expectation_unknown", "the Expect field is not 100-continue", "RFC 9110 10.1.1", 0, 417},

    {"not_extended_connect", "the request is not a CONNECT with :protocol", "RFC 8441 4", 0, 400},
    {"protocol_unknown", "the :protocol of the CONNECT is not websocket", "RFC 9220 3", 0, 501},
    {"bad_pseudo_field", "a pseudo-field is missing, repeated, unknown or malformed, or follows another field",
     "RFC 9113 8.3", 0, 400},
    {"malformed_field",
     "a field has an upper-case letter in its name, white space around its value, or a character that is "
     "not allowed there",
     "RFC 9113 8.2.1", 0, 400},
    {"connection_field", "a field is only allowed on HTTP/1.1 connections", "RFC 9113 8.2.2", 0, 400},

    {"unexpected_status", "the server did not answer with status 101", "RFC 6455 4.1", 0, 0},
    {"upgrade_not_confirmed", "the response has no Upgrade field, or one with another value than websocket",
     "RFC 6455 4.1", 0, 0},
    {"upgrade_repeated", "the response has more than one Upgrade field", "RFC 6455 4.1", 0, 0},
    {"connection_not_confirmed", "the Connection field of the response does not contain upgrade", "RFC 6455 4.1", 0, 0},
    {"accept_missing", "the response does not have exactly one Sec-WebSocket-Accept field", "RFC 6455 4.1", 0, 0},
    {"accept_wrong", "Sec-WebSocket-Accept does not match the key", "RFC 6455 4.1", 0, 0},
    {"subprotocol_not_offered", "the chosen subprotocol was not offered", "RFC 6455 4.1", 0, 0},
    {"extension_not_offered", "the chosen extension was not offered", "RFC 6455 4.1", 0, 0},
    {"bad_deflate_response", "the server agreed to other terms of compression than were offered", "RFC 7692 7.1", 0, 0},

    {"reserved_field", "this field is written by the library; it cannot be given as a field of your own", "RFC 6455 4",
     0, 0},
    {"bad_scheme", "the URL does not begin with ws://, wss://, http:// or https://", "RFC 6455 3", 0, 0},
    {"bad_deflate_window", "a window for compression has more than 15 bits, or fewer than the compressor can keep to",
     "RFC 7692 7.1.2", 0, 0},
    {"bad_deflate_offer", "an offer of permessage-deflate is malformed, or the endpoint does not compress",
     "RFC 7692 7.1", 0, 0},
};

} // namespace detail

/// One row per enumerator of `errc`, in its order.
inline constexpr decltype(auto) errc_rows = sockless::detail::kept<'W'>(detail::errc_texts);

/// The row of `code`: its name, sentence, section, Close code and HTTP status.
[[nodiscard]] constexpr const sockless::detail::kept_error_row& row_of(errc code) noexcept {
    return errc_rows[static_cast<std::size_t>(code)];
}

static_assert(std::size(detail::errc_texts) == static_cast<std::size_t>(errc::bad_deflate_offer) + 1);

} // namespace sockless::ws

// ========================================== sockless/ws/frame_header.hpp ==========================================
// The header of a frame: the meaning of its bits, and how it is written (RFC 6455 section 5.2).

namespace sockless::ws {

/// The kind of a frame (RFC 6455 section 11.8). The other ten values are unknown and fail a connection.
enum class opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// Whether frames of this opcode are control frames, and whether the specification defines it (RFC 6455 section 5.2).
[[nodiscard]] constexpr bool is_control(opcode code) noexcept { return (static_cast<unsigned>(code) & 8U) != 0; }
[[nodiscard]] constexpr bool is_known(opcode code) noexcept {
    // One bit for each of the sixteen opcodes; a caller may give a value that has more than four bits.
    return static_cast<unsigned>(code) < 16 && ((0x0707U >> static_cast<unsigned>(code)) & 1U) != 0;
}

/// The kind of data in a message: text is UTF-8, binary is any bytes (RFC 6455 section 5.6). The values are those of
/// the opcodes.
enum class message_type : std::uint8_t { text = 1, binary = 2 };

/// The four bytes that a client's payload is combined with, in the order of the wire (RFC 6455 section 5.3).
using masking_key = std::array<std::byte, 4>;

/// The most payload that a control frame can have, in bytes (RFC 6455 section 5.5).
inline constexpr std::size_t max_control_payload = 125;

/// The longest header, in bytes: two, eight of extended length, four of masking key.
inline constexpr std::size_t max_header_size = 14;

/// The reserved bits, as they are given to and shown by decoders and encoders (RFC 6455 section 5.2).
namespace rsv {
inline constexpr std::uint8_t rsv1 = 4; ///< "compressed", if permessage-deflate was agreed (RFC 7692 section 6)
inline constexpr std::uint8_t rsv2 = 2; ///< for extensions that the library does not know
inline constexpr std::uint8_t rsv3 = 1; ///< likewise
} // namespace rsv

/// The rules about the header of a frame that a receiver can let its peer break, on the caller's word; at first none.
/// Each is for peers that people use (docs/rules.md names some). Everything else stays an error.
struct tolerated {
    /// The length of a data frame may be written with more bytes than it needs (RFC 6455 section 5.2) [F3]. A control
    /// frame still has a length of one byte (section 5.5).
    bool longer_lengths : 1 = false;

    /// Server: frames need no mask (section 5.1) [F4]; those that have one are taken as ever. A mask keeps the code of
    /// a page from choosing the bytes that a proxy sees (section 10.3). So this is for clients that are no browser,
    /// over a hop that is trusted. A client ignores it, and takes no masks.
    bool unmasked_frames : 1 = false;
};

/// All that a header says.
struct frame_header {
    ws::opcode opcode = opcode::text;
    bool fin = true;
    std::uint8_t rsv = 0; ///< bits of `ws::rsv`
    bool masked = false;
    ws::masking_key masking_key{};
    std::uint64_t length = 0; ///< of the payload, in bytes

    [[nodiscard]] friend constexpr bool operator==(const frame_header&, const frame_header&) noexcept = default;
};

/// The size in bytes of the header of a frame with `length` bytes of payload: 2, 4 or 10, and 4 more if it is masked.
[[nodiscard]] constexpr std::size_t header_size(std::uint64_t length, bool masked) noexcept {
    return (length <= 125 ? 2U : length <= 0xFFFF ? 4U : 10U) + (masked ? 4U : 0U);
}

} // namespace sockless::ws

namespace sockless::ws::detail {

/// The reason why a header may not be written; no error if it may.
[[nodiscard]] constexpr ws::errc refusal_of(const ws::frame_header& header) noexcept {
    if (!is_known(header.opcode)) return ws::errc::unknown_opcode;
    if (is_control(header.opcode)) {
        if (!header.fin) return ws::errc::fragmented_control_frame;
        if (header.length > ws::max_control_payload) return ws::errc::control_frame_too_long;
        if (header.rsv != 0) return ws::errc::reserved_bit_set;
    }
    if (header.rsv > 7) return ws::errc::reserved_bit_set;
    return header.length >> 63U != 0 ? ws::errc::length_top_bit_set : ws::errc::none;
}

/// A number in `size` bytes, the most significant first.
constexpr std::byte* put_number(std::byte* to, std::uint64_t number, std::size_t size) noexcept {
    for (std::size_t i = size; i-- != 0;) *to++ = static_cast<std::byte>(number >> (8 * i));
    return to;
}

/// Writes a header to `to`. The header is known to be valid, and there is room for it. Returns the place behind it.
constexpr std::byte* put_header(std::byte* to, const ws::frame_header& header) noexcept {
    const unsigned mask_bit = header.masked ? 0x80U : 0U;
    const auto put_length = [&to, mask_bit](std::uint64_t length) {
        *to++ = static_cast<std::byte>(mask_bit | length);
    };
    *to++ = static_cast<std::byte>((header.fin ? 0x80U : 0U) | static_cast<unsigned>(header.rsv) << 4U |
                                   static_cast<unsigned>(header.opcode));
    if (header.length <= 125) {
        put_length(header.length);
    } else if (header.length <= 0xFFFF) {
        put_length(126);
        to = put_number(to, header.length, 2);
    } else {
        put_length(127);
        to = put_number(to, header.length, 8);
    }
    if (!header.masked) return to;
    copy(to, header.masking_key.data(), 4);
    return to + 4;
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Writes a header to `out`, its length in the fewest bytes.
/// Errors: those of the caller's header (an unknown opcode, a control frame that is not final, is longer than 125 bytes
/// or has reserved bits, a length of 2^63 and up), and `no_room`, with the room it takes in `size`.
[[nodiscard]] constexpr written encode_header(bytes out, const frame_header& header) noexcept {
    if (const errc refused = detail::refusal_of(header); refused != errc::none) return {0, refused};
    const std::size_t size = header_size(header.length, header.masked);
    if (out.size() < size) return {size, errc::no_room};
    detail::put_header(out.data(), header);
    return {size, {}};
}

} // namespace sockless::ws

// ============================================== sockless/ws/mask.hpp ==============================================
// Masking and unmasking, which are one operation, with the test for ASCII in the same pass (RFC 6455 section 5.3).

namespace sockless::ws {

/// Masks or unmasks `data` in place. `offset` is the place of its first byte in the payload, for payloads that come in
/// pieces. RFC 6455 section 5.3.
///
///     ws::mask(in, {std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}}); // twice gives the bytes again
constexpr void mask(bytes data, const masking_key& key, std::uint64_t offset = 0) noexcept {
    static_cast<void>(detail::mask_bytes(data.data(), data.data(), data.size(),
                                         detail::rotated(detail::bits_as<std::uint32_t>(key), offset)));
}

/// Writes `from`, masked, to the front of `to`, which has at least its size and does not overlap it. This is one pass
/// over the bytes; a copy and a mask would be two. RFC 6455 section 5.3.
constexpr void mask_copy(bytes to, cbytes from, const masking_key& key, std::uint64_t offset = 0) noexcept {
    static_cast<void>(detail::mask_bytes(to.data(), from.data(), from.size(),
                                         detail::rotated(detail::bits_as<std::uint32_t>(key), offset)));
}

} // namespace sockless::ws

// ============================================ sockless/ws/decoder.hpp =============================================
// The decoder of WebSocket frames: checks all rules of RFC 6455 sections 5 to 8 that the bytes of the peer can break.

namespace sockless::ws {

/// Decodes the frames that one peer sends. The bytes come in pieces of any size; payloads are unmasked in place, and no
/// memory is allocated. The events do not depend on the cuts between the pieces [F12]; only the data of a message may
/// be cut otherwise. A decoder is 192 bytes, and copies are independent. Everything runs in constant evaluation.
///
///     ws::decoder frames(role::server);
///     while (const ws::decoder::event found = frames.next(in)) {
///         if (found.kind == ws::decoder::kind::data) print(text_of(found.payload), found.last);
///         if (found.kind == ws::decoder::kind::error) print(sockless::error(found.error).sentence());
///     }
class decoder {
  public:
    /// The kinds of `event`. Behind each kind stand the members of the event that it sets.
    enum class kind : std::uint8_t {
        need_input, ///< nothing yet: the input is used up, or the decoder has ended
        frame,      ///< the header of a frame, if `show_frames` is on: see `header`
        data,       ///< a piece of a message: `type`, `first`, `last`, `compressed`, `payload`
        ping,       ///< a whole Ping: `payload`
        pong,       ///< a whole Pong: `payload`
        close,      ///< the peer's Close: `code` (1005 if it has none), `payload` is the reason. No event follows.
        error,      ///< the input breaks a rule: `error`. Given once; no event follows.
    };

    /// The result of `next`. False for `need_input`. `payload` lies in the input, or in the decoder if it is that of a
    /// control frame that came in pieces. It is valid until the next call on the decoder, or until the input is reused.
    struct event {
        decoder::kind kind = kind::need_input;
        message_type type = message_type::text;
        bool first = false;      ///< the first piece of its message
        bool last = false;       ///< the last piece of its message; its payload may be empty
        bool compressed = false; ///< the message came with RSV1 (RFC 7692 section 6); its text was not checked
        errc error = errc::none;
        std::uint16_t code = 0;
        bytes payload{};

        [[nodiscard]] constexpr explicit operator bool() const noexcept { return kind != kind::need_input; }
    };

    /// The part of the input that `take_whole_message` took.
    enum class took : std::uint8_t {
        nothing, ///< nothing: there is no such message, or only `next_stepwise` can judge it
        header,  ///< the header of a message in one frame; only a part of its payload is there
        message, ///< a whole message
    };

    /// A decoder for the side `own`: a server decodes the frames of a client, a client those of a server. `peer` says
    /// which rules the other side may break.
    constexpr explicit decoder(role own, const ws::limits& limits = {}, ws::tolerated peer = {}) noexcept
        : max_message_(limits.message),
          max_frame_(limits.frame),
          max_frames_(limits.frames),
          settings_(settings_for(own, peer)) {
        show_frames(false);
    }

    /// Sets the reserved bits (of `ws::rsv`) to which an agreed extension gives a meaning; at first none. RSV1 stands
    /// for compression and is allowed only on the first frame of a message (RFC 7692 section 6). The others are allowed
    /// on every data frame.
    constexpr void agree_to(std::uint8_t rsv_bits) noexcept {
        settings_ = static_cast<std::uint8_t>((settings_ & ~agreed_rsv) | (rsv_bits & agreed_rsv));
    }

    /// Sets whether an event `frame` announces each frame, for programs that inspect frames. At first it is off.
    constexpr void show_frames(bool on) noexcept {
        // The short way announces no frames, and does not compare lengths of one byte with the limits.
        const bool short_way =
            !on && max_frames_ != 0 && max_frame_ >= max_control_payload && max_message_ >= max_control_payload;
        const unsigned kept = settings_ & (unsigned{masked} | agreed_rsv | longer_lengths | unmasked_frames);
        settings_ = static_cast<std::uint8_t>(kept | (on ? shows_frames : 0U) | (short_way ? has_short_way : 0U));
        if (phase_ == phase::before_message || phase_ == phase::before_frame) await_frame();
    }

    /// Takes bytes from the front of `in` up to the end of the next event, unmasks them in place, and returns the
    /// event. Returns a false event when `in` is used up.
    [[nodiscard]] SOCKLESS_ALWAYS_INLINE constexpr event next(bytes& in) noexcept {
        event found;
        if (take_whole_message(in, found.type, found.payload) == took::message) {
            found.kind = kind::data;
            found.first = found.last = true;
        } else {
            go_on(in, found);
        }
        return found;
    }

    /// The short way of `next`, for callers with an event of their own. Looks for one thing only: a whole message in
    /// one frame, not compressed. If one lies at the front of `in`, takes it, sets `type` and `payload` (valid as in an
    /// event of `next`), and returns `took::message`. If not, sets neither, and the next event comes from
    /// `next_stepwise`.
    [[nodiscard]] SOCKLESS_ALWAYS_INLINE constexpr took take_whole_message(bytes& in, message_type& type,
                                                                           bytes& payload) noexcept {
        if (phase_ != phase::before_message || in.size() < 6) return took::nothing;
        if (in[0] != final_text && in[0] != final_binary) return took::nothing;
        std::size_t header = 2 + key_size();
        std::size_t length = static_cast<std::size_t>(in[1]) ^ mask_bit();
        if (length > 125) {
            if (length != 126 || in.size() < 8) return took::nothing;
            header += 2;
            length = static_cast<std::size_t>(in[2]) << 8U | static_cast<std::size_t>(in[3]);
            // The long way refuses a length that has a shorter form, and one that is above a limit.
            if (length <= 125 || length > max_frame_ || length > max_message_) return took::nothing;
        }
        const bytes rest = in.subspan(header);
        if (length > rest.size()) {
            if (rest.empty()) return took::nothing;
            take_judged_header(in.data(), header);
            in = rest;
            return took::header;
        }

        const bytes whole = rest.first(length);
        const bool text = in[0] == final_text;
        if (is_masked()) key_ = key_at(whole.data() - 4);
        if (!unmask(whole, key_, text) && text && !is_utf8_or_untouched(whole)) return took::nothing;
        first_byte_ = static_cast<std::uint8_t>(in[0]);
        header_size_ = static_cast<std::uint8_t>(header);
        length_ = length;
        payload_begin_ = position_ + header;
        position_ = payload_begin_ + length;
        in = rest.subspan(length);
        type = static_cast<message_type>(first_byte_ & type_bits);
        payload = whole;
        return took::message;
    }

    /// The rest of `next`, for callers to which `take_whole_message` has just given no message: it does not look for a
    /// whole message again. At any other time it gives the same events as `next`, only more slowly.
    [[nodiscard]] SOCKLESS_ALWAYS_INLINE constexpr event next_stepwise(bytes& in) noexcept {
        event found;
        go_on(in, found);
        return found;
    }

    /// Says that the input has ended. Returns the error that was found before, or `end_of_input` if no Close came (RFC
    /// 6455 section 7.1.5) [C8], or `none`.
    [[nodiscard]] constexpr errc finish() noexcept {
        if (phase_ != phase::ended && phase_ != phase::failing) error_ = errc::end_of_input;
        phase_ = phase::ended;
        return error_;
    }

    /// The error that has ended the decoder, or `none`. It stays.
    [[nodiscard]] constexpr errc error() const noexcept { return error_; }

    /// The number of bytes that were taken. After an error, the offset in the stream of the first byte that breaks the
    /// rule.
    [[nodiscard]] constexpr std::uint64_t offset() const noexcept { return position_; }

    /// The header of the frame that the last event came from. After an error only the parts before the error count.
    [[nodiscard]] constexpr frame_header header() const noexcept {
        return {opcode(),
                fin(),
                static_cast<std::uint8_t>(rsv_bits()),
                is_masked(),
                detail::bits_as<masking_key>(is_masked() ? key_ : 0),
                length_};
    }

    /// The offset in the stream of the first byte of that header.
    [[nodiscard]] constexpr std::uint64_t frame_offset() const noexcept { return payload_begin_ - header_size_; }

  private:
    // docs/design.md ("The shape of a decoder") draws the ways between the phases. In the first four phases there is no
    // event without input.
    enum class phase : std::uint8_t {
        before_message, // before a frame; no message is open, and the short way may be taken
        before_frame,   // before a frame, and only the long way may be taken
        header,         // in a header, whose bytes so far are held
        data,           // in the payload of a data frame; at least one byte of it is left
        no_data,        // behind the header of a data frame without a payload
        control,        // in the payload of a control frame, whose bytes so far are held
        failing,        // the error event is still owed
        ended,          // a Close was received, or the error given, or the input has ended
    };

    // The open message: the opcode and RSV1 of its first frame. Control frames do not change it.
    enum class open_message : std::uint8_t {
        none = 0,
        text = 1,
        binary = 2,
        compressed_text = text | rsv::rsv1,
        compressed_binary = binary | rsv::rsv1,
    };
    static constexpr std::uint8_t type_bits = 3;

    // The bits of `settings_`. Only the caller changes them, not the input; but if `unmasked_frames` is set, `masked`
    // is that of the last frame. `masked` is the same bit as in a header. `has_short_way` follows from the limits and
    // from `shows_frames`. `longer_lengths` and `unmasked_frames` are those of `ws::tolerated`, the latter only in a
    // server.
    static constexpr std::uint8_t agreed_rsv = rsv::rsv1 | rsv::rsv2 | rsv::rsv3, shows_frames = 8, has_short_way = 16,
                                  longer_lengths = 32, unmasked_frames = 64, masked = 128;

    [[nodiscard]] static constexpr std::uint8_t settings_for(role own, ws::tolerated peer) noexcept {
        const bool serves = own == role::server;
        return static_cast<std::uint8_t>((serves ? masked : 0U) | (peer.longer_lengths ? longer_lengths : 0U) |
                                         (serves && peer.unmasked_frames ? unmasked_frames : 0U));
    }

    static constexpr std::byte final_text{0x81}, final_binary{0x82};

    // The mask of the current frame, and what is expected of the next one: the bit in its header, and the size of its
    // key in bytes.
    [[nodiscard]] constexpr unsigned mask_bit() const noexcept { return settings_ & unsigned{masked}; }
    [[nodiscard]] constexpr bool is_masked() const noexcept { return (settings_ & masked) != 0; }
    [[nodiscard]] constexpr unsigned key_size() const noexcept { return (settings_ & masked) != 0 ? 4 : 0; }

    // The parts of the first byte of the current frame.
    [[nodiscard]] constexpr bool fin() const noexcept { return (first_byte_ & 0x80U) != 0; }
    [[nodiscard]] constexpr unsigned rsv_bits() const noexcept { return first_byte_ >> 4U & 7U; }
    [[nodiscard]] constexpr ws::opcode opcode() const noexcept { return static_cast<ws::opcode>(first_byte_ & 0x0FU); }

    // Every failure goes this way. `at` is the offset in the stream of the first byte that breaks the rule.
    constexpr void fail(errc code, std::uint64_t at) noexcept {
        error_ = code;
        position_ = at;
        phase_ = phase::failing;
    }

    constexpr void await_frame() noexcept {
        const bool short_way = message_ == open_message::none && (settings_ & has_short_way) != 0;
        phase_ = short_way ? phase::before_message : phase::before_frame;
    }

    // --- the short ways

    // Finds the next event. Pieces of a payload take a short way, as the input may come in small reads. All else, and
    // everything that is wrong, takes the long way. The long way works on a copy of `in`, so that the `in` of the
    // caller can stay in registers.
    SOCKLESS_ALWAYS_INLINE constexpr void go_on(bytes& in, event& found) noexcept {
        // Callers call until there is no event, so once for each read there is no input.
        if (in.empty() && phase_ <= phase::data) return;
        if (phase_ == phase::data) {
            take_piece(in, found);
        } else {
            bytes rest = in;
            step(rest, found);
            in = rest;
        }
    }

    // Takes the header of a message, `size` bytes at `at`, which was judged before. The payload comes next.
    SOCKLESS_NEVER_INLINE constexpr void take_judged_header(const std::byte* at, std::size_t size) noexcept {
        first_byte_ = static_cast<std::uint8_t>(at[0]);
        payload_begin_ = position_;
        position_ += size;
        begin_payload(at, size);
    }

    // Whether the payload of a message is UTF-8. If it is not, it is masked again, so that the long way finds the input
    // as it came, and reports the error.
    [[nodiscard]] SOCKLESS_NEVER_INLINE constexpr bool is_utf8_or_untouched(bytes payload) noexcept {
        if (is_utf8(payload)) return true;
        if (is_masked()) static_cast<void>(detail::mask_bytes(payload.data(), payload.data(), payload.size(), key_));
        return false;
    }

    // --- the long way

    // Finds any event, one element of a frame at a time.
    SOCKLESS_NEVER_INLINE constexpr void step(bytes& in, event& found) noexcept {
        for (;;) {
            switch (phase_) {
            case phase::before_message:
            case phase::before_frame:
            case phase::header:
                if (!take_header(in)) return;
                if ((settings_ & shows_frames) != 0 && phase_ != phase::failing) {
                    found.kind = kind::frame;
                    return;
                }
                break;
            case phase::data:
                if (!in.empty()) take_piece(in, found);
                return;
            case phase::no_data:
                if (check_data(in.first(0), message_size_ == 0, true, true, found)) return;
                break;
            case phase::control:
                if (take_control(in, found) || phase_ == phase::control) return;
                break;
            case phase::failing: return give_error(found);
            case phase::ended:
                // Bytes behind a Close or a failure are not read (RFC 6455 sections 1.4 and 7.1.7) [C4] [C7].
                return;
            }
        }
    }

    constexpr void give_error(event& found) noexcept {
        phase_ = phase::ended;
        found.kind = kind::error;
        found.error = error_;
    }

    // --- headers

    // Takes and judges a header: in place, or in `held_` if it comes in pieces. False if more bytes are needed; else
    // the phase says what comes next. The first two bytes are judged as soon as they are there.
    [[nodiscard]] constexpr bool take_header(bytes& in) noexcept {
        if (phase_ != phase::header) {
            if (in.empty()) return false;
            payload_begin_ = position_;
            header_size_ = 0;
            if (in.size() >= max_header_size) {
                const std::byte* const at = in.data();
                if (!judge_first_two(at)) return true;
                const std::size_t size = size_of_header(at);
                position_ += size;
                in = in.subspan(size);
                begin_payload(at, size);
                return true;
            }
            phase_ = phase::header;
        }
        if (!hold(in, position_ - payload_begin_, 2)) return false;
        if (!judge_first_two(held_)) return true;
        const std::size_t size = size_of_header(held_);
        if (!hold(in, position_ - payload_begin_, size)) return false;
        begin_payload(held_, size);
        return true;
    }

    // Adds bytes of `in` to the `have` bytes in `held_`, until there are `wanted`. False if `in` ends before.
    [[nodiscard]] constexpr bool hold(bytes& in, std::uint64_t have, std::uint64_t wanted) noexcept {
        if (have >= wanted) return true;
        const std::size_t missing = static_cast<std::size_t>(wanted - have);
        const std::size_t taken = in.size() < missing ? in.size() : missing;
        detail::copy(held_ + have, in.data(), taken);
        position_ += taken;
        in = in.subspan(taken);
        return taken == missing;
    }

    [[nodiscard]] constexpr std::size_t size_of_header(const std::byte* at) const noexcept {
        const unsigned length = static_cast<unsigned>(at[1]) & 0x7FU;
        return (length <= 125 ? 2U : length == 126 ? 4U : 10U) + key_size();
    }

    // Judges the first two bytes of a header, in their order. False if they break a rule.
    [[nodiscard]] constexpr bool judge_first_two(const std::byte* at) noexcept {
        first_byte_ = static_cast<std::uint8_t>(at[0]);
        const auto second = static_cast<unsigned>(at[1]);
        const bool control = is_control(opcode());
        const bool continues = opcode() == ws::opcode::continuation;

        // Reserved bits are 0 unless an extension was agreed that gives them a meaning (RFC 6455 section 5.2) [F1]. An
        // agreement is about data frames, not about control frames. The bit for "compressed" stands only on the first
        // frame of a message (RFC 7692 section 6) [D5].
        const unsigned agreed = control     ? 0U
                                : continues ? settings_ & unsigned{rsv::rsv2 | rsv::rsv3}
                                            : settings_ & unsigned{agreed_rsv};
        if ((rsv_bits() & ~agreed) != 0) return refuse(errc::reserved_bit_set, 0);

        // An unknown opcode fails the connection (RFC 6455 section 5.2) [F2].
        if (!is_known(opcode())) return refuse(errc::unknown_opcode, 0);

        // A control frame is never fragmented (section 5.5) [F7].
        if (control && !fin()) return refuse(errc::fragmented_control_frame, 0);

        // A continuation needs an open message, a new message needs none open (section 5.4) [F6].
        if (continues && message_ == open_message::none) return refuse(errc::unexpected_continuation, 0);
        if (!continues && !control && message_ != open_message::none) return refuse(errc::expected_continuation, 0);

        // Frames are counted, because a message of endless empty frames would never reach the limit on its bytes
        // (section 10.4) [F9].
        if (!control && (continues ? frames_ : 0) >= max_frames_) return refuse(errc::too_many_frames, 0);

        // Every frame from a client is masked, none from a server is (section 5.1) [F4].
        if ((second & 0x80U) != mask_bit()) return judge_other_mask(second, control);
        return judge_length_of_control(second, control);
    }

    // The caller may have said that frames of clients need no mask [F4]. Then the next frame is expected to be like
    // this one, so a client that never masks has the short ways too. Neither this nor `judge_longer_length` is inlined:
    // so `ws::tolerated` costs nothing as long as no frame needs it.
    [[nodiscard]] SOCKLESS_NEVER_INLINE constexpr bool judge_other_mask(unsigned second, bool control) noexcept {
        if ((settings_ & unmasked_frames) == 0) {
            return refuse(is_masked() ? errc::mask_missing : errc::mask_forbidden, 1);
        }
        settings_ ^= masked;
        return judge_length_of_control(second, control);
    }

    [[nodiscard]] SOCKLESS_ALWAYS_INLINE constexpr bool judge_length_of_control(unsigned second,
                                                                                bool control) noexcept {
        // A control frame has at most 125 bytes of payload (section 5.5) [F7].
        if (control && (second & 0x7FU) > max_control_payload) return refuse(errc::control_frame_too_long, 1);
        return true;
    }

    // While a header is read, `payload_begin_` is the offset of the first byte of the frame.
    constexpr bool refuse(errc code, std::uint64_t offset_in_frame) noexcept {
        fail(code, payload_begin_ + offset_in_frame);
        return false;
    }

    // Reads the rest of the header, which has `size` bytes in all, and judges the length. The payload comes next.
    constexpr void begin_payload(const std::byte* at, std::size_t size) noexcept {
        const std::size_t extended = size - 2 - key_size();
        if (is_masked()) key_ = key_at(at + size - 4);
        length_ = static_cast<std::uint64_t>(at[1]) & 0x7FU;
        if (extended != 0) {
            length_ = 0;
            for (std::size_t i = 0; i != extended; ++i) length_ = length_ << 8U | static_cast<std::uint64_t>(at[2 + i]);
            // The top bit of the longest form is 0, and the fewest bytes that can hold the length are used (section
            // 5.2) [F3].
            if (length_ >> 63U != 0) return fail(errc::length_top_bit_set, payload_begin_ + 2);
            if (length_ <= (extended == 2 ? 125U : 0xFFFFU)) return judge_longer_length(size);
        }
        end_header(size, extended == 0 ? 1 : 2);
    }

    // The caller may have said that its peer need not use the fewest bytes [F3].
    SOCKLESS_NEVER_INLINE constexpr void judge_longer_length(std::size_t size) noexcept {
        if ((settings_ & longer_lengths) == 0) return fail(errc::length_not_minimal, payload_begin_ + 2);
        end_header(size, 2);
    }

    // The header was judged but for the limits. `length_at` is the offset of the length in it.
    SOCKLESS_ALWAYS_INLINE constexpr void end_header(std::size_t size, unsigned length_at) noexcept {
        phase_ = phase::control;
        if (!is_control(opcode())) begin_data(payload_begin_ + length_at);
        payload_begin_ += size;
        header_size_ = static_cast<std::uint8_t>(size);
    }

    // The limits are checked before any payload is taken (section 10.4) [F9]. `length_at` is the offset of the length.
    constexpr void begin_data(std::uint64_t length_at) noexcept {
        if (opcode() != ws::opcode::continuation) begin_message();
        if (length_ > max_message_ - message_size_) return fail(errc::message_too_big, length_at);
        if (length_ > max_frame_) return fail(errc::frame_too_big, length_at);
        message_size_ += length_;
        ++frames_;
        phase_ = length_ != 0 ? phase::data : phase::no_data;
    }

    constexpr void begin_message() noexcept {
        message_ = static_cast<open_message>((first_byte_ & type_bits) | (rsv_bits() & rsv::rsv1));
        message_size_ = 0;
        frames_ = 0;
    }

    [[nodiscard]] static constexpr std::uint32_t key_at(const std::byte* at) noexcept {
        masking_key key{};
        detail::copy(key.data(), at, key.size());
        return detail::bits_as<std::uint32_t>(key);
    }

    // --- payloads

    // The bytes of the payload of the current frame that were taken, and those that are left.
    [[nodiscard]] constexpr std::uint64_t taken() const noexcept { return position_ - payload_begin_; }
    [[nodiscard]] constexpr std::uint64_t left() const noexcept { return length_ - taken(); }

    // Unmasks a piece of a message. Returns whether it is ASCII. If the message is not text, the result means nothing.
    [[nodiscard]] SOCKLESS_ALWAYS_INLINE constexpr bool unmask(bytes piece, std::uint32_t key,
                                                               bool text) const noexcept {
        if (is_masked()) return !detail::mask_bytes(piece.data(), piece.data(), piece.size(), key);
        return !text || !detail::any_high_bit(piece);
    }

    [[nodiscard]] constexpr event data_event(bytes piece, bool first, bool last) const noexcept {
        const auto message = static_cast<std::uint8_t>(message_);
        return {kind::data,
                static_cast<message_type>(message & type_bits),
                first,
                last,
                (message & rsv::rsv1) != 0,
                errc::none,
                0,
                piece};
    }

    // Takes a piece of the payload, of which at least one byte is left, from the front of `in`. Only a piece that must
    // be checked for UTF-8 needs `check_data`.
    SOCKLESS_ALWAYS_INLINE constexpr void take_piece(bytes& in, event& found) noexcept {
        const std::uint64_t size = left();
        // This is the first piece if no byte of those that the headers have announced for the message has come.
        const bool first = size == message_size_;
        const bool ends_frame = in.size() >= size;
        const bytes piece = in.first(ends_frame ? static_cast<std::size_t>(size) : in.size());
        const bool text = message_ == open_message::text;
        const bool ascii = unmask(piece, detail::rotated(key_, taken()), text);
        in = in.subspan(piece.size());
        position_ += piece.size();
        if (text && !(ascii && text_.complete())) {
            if (!check_data(piece, first, ends_frame, ascii, found)) give_error(found);
            return;
        }
        const bool last = ends_frame && fin();
        found = data_event(piece, first, last);
        if (ends_frame) end_data_frame();
    }

    // Makes the event of a piece that was taken and unmasked. `ends_frame` says whether it is the last of its frame.
    // False, without an event, if the piece is an empty fragment, or if its first byte already breaks the rule.
    [[nodiscard]] constexpr bool check_data(bytes piece, bool first, bool ends_frame, bool ascii,
                                            event& found) noexcept {
        bool last = ends_frame && fin();
        if (message_ == open_message::text) {
            // A text message is UTF-8 as a whole (RFC 6455 section 8.1) [F8]. The bytes before the first wrong byte are
            // still given out, so that the events do not depend on the cuts.
            const std::size_t valid = ascii && text_.complete() ? piece.size() : text_.feed(piece);
            if (valid != piece.size() || (last && !text_.complete())) {
                fail(errc::invalid_utf8, position_ - (piece.size() - valid));
                piece = piece.first(valid);
                last = false;
            }
        }
        const bool says_something = !piece.empty() || last;
        if (says_something) found = data_event(piece, first, last);
        if (ends_frame && phase_ != phase::failing) end_data_frame();
        return says_something;
    }

    constexpr void end_data_frame() noexcept {
        if (fin()) message_ = open_message::none;
        await_frame();
    }

    [[nodiscard]] constexpr bool take_control(bytes& in, event& found) noexcept {
        const std::uint64_t have = taken();
        bytes payload{held_, static_cast<std::size_t>(length_)};
        if (have == 0 && in.size() >= length_) {
            payload = in.first(payload.size());
            in = in.subspan(payload.size());
            position_ += payload.size();
        } else if (!hold(in, have, length_)) {
            return false;
        }
        if (is_masked()) static_cast<void>(detail::mask_bytes(payload.data(), payload.data(), payload.size(), key_));
        if (opcode() == ws::opcode::close) return judge_close(payload, found);
        await_frame();
        found.kind = opcode() == ws::opcode::ping ? kind::ping : kind::pong;
        found.payload = payload;
        return true;
    }

    [[nodiscard]] constexpr bool judge_close(bytes payload, event& found) noexcept {
        phase_ = phase::ended;
        found.kind = kind::close;
        // Without a payload the status is "no status received" (RFC 6455 section 7.1.5) [C5].
        found.code = close_code::no_status;
        if (payload.empty()) return true;

        // If there is a payload, it begins with a code of two bytes (section 5.5.1) [C1].
        if (payload.size() == 1) return refuse_close(errc::close_payload_too_short, 0, found);

        // Some codes never stand on the wire (section 7.4) [C3].
        found.code =
            static_cast<std::uint16_t>(static_cast<unsigned>(payload[0]) << 8U | static_cast<unsigned>(payload[1]));
        if (!is_sendable(found.code)) return refuse_close(errc::close_code_invalid, 0, found);

        // The reason is UTF-8 (section 5.5.1) [C2].
        found.payload = payload.subspan(2);
        utf8_validator text;
        const std::size_t valid = text.feed(found.payload);
        if (valid == found.payload.size() && text.complete()) return true;
        return refuse_close(errc::close_reason_invalid_utf8, 2 + valid, found);
    }

    [[nodiscard]] constexpr bool refuse_close(errc code, std::uint64_t offset_in_payload, event& found) noexcept {
        found = {};
        fail(code, payload_begin_ + offset_in_payload);
        return false;
    }

    std::uint64_t position_ = 0;      // the offset in the stream of the next byte, or of the one that broke a rule
    std::uint64_t payload_begin_ = 0; // the offset in the stream of the payload of the current frame
    std::uint64_t length_ = 0;        // of the payload of the current frame
    std::uint64_t message_size_ = 0;  // of the open message, counted by the headers of its frames
    std::uint64_t max_message_;
    std::uint64_t max_frame_;
    std::uint32_t max_frames_;
    std::uint32_t frames_ = 0; // of the open message
    std::uint32_t key_ = 0;
    std::uint8_t header_size_ = 0; // of the current frame, once it is read
    std::uint8_t first_byte_ = 0;
    std::uint8_t settings_;
    open_message message_ = open_message::none;
    errc error_ = errc::none;
    phase phase_ = phase::before_frame;
    utf8_validator text_;
    std::byte held_[max_control_payload] = {}; // a header, or a control frame's payload, that came in pieces
};

static_assert(sizeof(decoder) <= 192);

/// The name of the enumerator, for logs.
[[nodiscard]] constexpr std::string_view name_of(decoder::kind of) noexcept {
    constexpr literal names[] = {"need_input", "frame", "data", "ping", "pong", "close", "error"};
    static_assert(std::size(names) == static_cast<std::size_t>(decoder::kind::error) + 1);
    return names[static_cast<std::size_t>(of)];
}

} // namespace sockless::ws

// =========================================== sockless/ws/assembler.hpp ============================================
// Joins the pieces of a message in the caller's memory. A message that came whole is not copied.

namespace sockless::ws {

/// Collects the data events of a `decoder` into whole messages. `Buffer` is one of buffer.hpp: it holds the part of a
/// message that has come so far, and its limit is the size of the largest message that can be joined.
///
///     ws::decoder frames(role::server);
///     ws::assembler messages(growing_buffer(64 * 1024));
///     while (const ws::decoder::event found = frames.next(in)) {
///         bytes message;
///         if (found.kind != ws::decoder::kind::data) continue;
///         if (messages.add(found, message) == decltype(messages)::status::complete) print(text_of(message));
///     }
template <class Buffer = span_buffer<std::byte>>
class assembler {
  public:
    /// The result of `add`: more pieces must come, the message is whole, or it does not fit.
    enum class status : std::uint8_t { incomplete, complete, no_room };

    constexpr assembler() noexcept = default;
    /// With this buffer.
    constexpr explicit assembler(Buffer memory) noexcept : memory_(static_cast<Buffer&&>(memory)) {}

    /// Takes the next data event. `complete`: `payload` is the whole message. It lies in the event's own bytes if the
    /// message came in one piece, and else in the buffer. It is valid until the next call, or until the event's bytes
    /// are reused. `no_room`: the message does not fit into the buffer, and the rest of it is not taken. Answer it like
    /// a message that is too big (1009; RFC 6455 section 10.4).
    [[nodiscard]] constexpr status add(const decoder::event& data, bytes& payload) noexcept {
        if (!data.first && !open_) return status::no_room;
        if (data.first) {
            memory_.clear();
            if (data.last) {
                payload = data.payload;
                return status::complete;
            }
        }
        open_ = !data.last;
        if (!append(memory_, data.payload)) {
            open_ = false;
            return status::no_room;
        }
        if (!data.last) return status::incomplete;
        payload = memory_.contents();
        return status::complete;
    }

    /// Gives back the memory that the buffer can give back, unless a message has begun. Payloads that were handed out
    /// are then no longer valid.
    constexpr void release() noexcept {
        if (!open_) memory_.release();
    }

    /// The buffer, for a caller that lends it to others between two messages.
    [[nodiscard]] constexpr Buffer& memory() noexcept { return memory_; }

  private:
    Buffer memory_{};
    bool open_ = false;
};

template <class Buffer>
assembler(Buffer) -> assembler<Buffer>;

} // namespace sockless::ws

// ====================================== sockless/ws/deflate/compression.hpp =======================================
// The functions that an endpoint asks of the part that compresses its messages; and the part that compresses none.

namespace sockless::ws {

/// Whether a message is compressed, if the endpoint can and the peer agreed (RFC 7692 section 6) [D10].
enum class compressed : std::uint8_t {
    automatic, ///< if it is not smaller than the threshold of the policy
    always,
    never, ///< for data that is compressed already, or holds a secret beside text that others choose
};

} // namespace sockless::ws

namespace sockless::ws::detail {

/// The terms, as they are offered, chosen and agreed to in the opening handshake (RFC 7692 section 5).
template <class T>
concept negotiates_compression = requires(T stage, const T& constant, role own, std::span<char> text,
                                          const http::fields& fields, std::string_view list) {
    { T::text_size } -> std::convertible_to<std::size_t>;
    { constant.is_valid(own) }
    noexcept->std::same_as<bool>;
    { constant.offer(text) }
    noexcept->std::same_as<std::string_view>;
    { constant.are_offers(list) }
    noexcept->std::same_as<bool>;
    { constant.response(text, constant.choose(fields)) }
    noexcept->std::same_as<std::string_view>;
    { constant.check(fields, list).error } -> std::convertible_to<sockless::error>;
    { stage.agree(own, constant.choose(fields)) }
    noexcept;
    { stage.agree(own, constant.check(fields, list)) }
    noexcept;
    { constant.agreement().agreed } -> std::convertible_to<bool>;
};

/// Messages that come.
template <class T>
concept inflates_messages = requires(T stage, const T& constant, const decoder::event& data, bytes& in, bytes out,
                                     std::uint64_t limit) {
    { stage.limit(limit) }
    noexcept;
    { stage.add(data) }
    noexcept;
    { constant.inflating() }
    noexcept->std::same_as<bool>;
    { constant.in_message() }
    noexcept->std::same_as<bool>;
    { constant.pending() }
    noexcept->std::same_as<std::size_t>;
    { stage.inflate(in, out) }
    noexcept->std::same_as<decoder::event>;
};

/// Messages that are sent.
template <class T>
concept deflates_messages = requires(T stage, const T& constant, ws::compressed wanted, cbytes piece, bytes out,
                                     bool last, std::size_t size) {
    { T::least_room } -> std::convertible_to<std::size_t>;
    { T::room_for(size) }
    noexcept->std::same_as<std::size_t>;
    { constant.wants(wanted, size, last) }
    noexcept->std::same_as<bool>;
    { constant.window() }
    noexcept->std::same_as<unsigned>;
    { static_cast<bool>(stage.deflate(piece, last, out)) }
    noexcept;
    { stage.deflate(piece, last, out).size } -> std::convertible_to<std::size_t>;
    { stage.abandon() }
    noexcept;
    { stage.release(last) }
    noexcept;
    { stage.end() }
    noexcept;
};

} // namespace sockless::ws::detail

namespace sockless::ws {

/// The last argument of `basic_server` and `basic_client`: `no_compression`, or a type that compresses, such as
/// `deflate_stage`. It can be moved. `T::available` says which of the two it is. Only a type that compresses has the
/// following functions, all of them `noexcept`; without compression nothing of them is compiled. In the order in which
/// they are called:
///
/// - Before the connection is open. `is_valid(own)` says whether the terms that this side wants can be had. A client
///   writes `offer(text)` into its request, or offers of the caller's of which `are_offers(list)` says that they can be
///   made. It judges the fields of the response with `check(fields, list)`, which has an `error`; `list` is all that
///   was offered. A server makes its choice with `choose(fields)` from the fields of a request, and writes
///   `response(text, choice)`, which is empty if nothing is agreed to. `text` has room for `text_size` characters.
///   `agree(own, outcome)` sets the terms; from then on `agreement().agreed` says whether there are any. `limit(bytes)`
///   sets the most that one message may come to.
/// - Data that comes compressed is given to `add(data)`. While `inflating()` then says so, `inflate(in, out)` takes
///   bytes of it from the front of `in`, puts the inflated bytes to the front of `out`, and gives events like those of
///   a `decoder`. `pending()` bytes are left to be taken; `in_message()` says that the message has not ended.
/// - `wants(how, size, last)` says whether a message that begins with a piece of `size` bytes is to be compressed.
///   `deflate(piece, last, out)` compresses a piece to the front of `out`, which has `room_for(size)` bytes, and never
///   fewer than `least_room`; its result has the `size`, and is false if there was no room or memory. Then `abandon()`
///   forgets the message. `window()` is the window that messages are sent with, in bits: a message that was compressed
///   elsewhere with a window that is not larger can be sent as well, and then `abandon()` forgets all before it.
/// - `release(sending)` gives back the memory that an idle connection does not need, `end()` gives back all.
template <class T>
concept compression = std::is_nothrow_move_constructible_v<T> &&
    (!T::available ||
     (detail::negotiates_compression<T> && detail::inflates_messages<T> && detail::deflates_messages<T>));

/// An endpoint without compression: agrees to none.
struct no_compression {
    static constexpr bool available = false;
};

} // namespace sockless::ws

// ============================================= sockless/ws/encode.hpp =============================================
// Frames out: into a span, around a payload that has room before it, or as a header for a gathered write.

namespace sockless::ws {

/// Writes one frame: the header, and behind it `payload`, which is copied, and masked in the same pass if the header
/// says so. `header.length` is not read: it is the size of `payload`. A client gives a fresh masking key for each frame
/// (RFC 6455 section 5.3), a server none. `payload` and `out` do not overlap. Errors: those of `encode_header`.
///
///     std::array<std::byte, 64> memory;
///     const written frame = ws::encode(memory, {.opcode = ws::opcode::text}, bytes_of("hello"));
///     if (!frame.error) write(bytes(memory).first(frame.size));
[[nodiscard]] constexpr written encode(bytes out, frame_header header, cbytes payload) noexcept {
    header.length = payload.size();
    if (const errc refused = detail::refusal_of(header); refused != errc::none) return {0, refused};
    const std::size_t size = header_size(header.length, header.masked) + payload.size();
    if (out.size() < size) return {size, errc::no_room};
    std::byte* const to = detail::put_header(out.data(), header);
    if (header.masked) {
        static_cast<void>(
            detail::mask_bytes(to, payload.data(), payload.size(), detail::bits_as<std::uint32_t>(header.masking_key)));
    } else {
        detail::copy(to, payload.data(), payload.size());
    }
    return {size, {}};
}

/// Makes a frame of a payload that already lies in `room`, from `headroom` bytes on to its end: masks it there and
/// writes the header directly before it. The frame is then `room.last(size)`. `header.length` is not read. 14 bytes of
/// headroom are always enough. Errors: those of `encode_header`, and `no_room` if the headroom is too small: then the
/// payload is as it was, and `size` is the headroom that the header needs.
[[nodiscard]] constexpr written frame_in_place(bytes room, std::size_t headroom, frame_header header) noexcept {
    if (headroom > room.size()) return {headroom, errc::no_room};
    const bytes payload = room.subspan(headroom);
    header.length = payload.size();
    const std::size_t size = header_size(header.length, header.masked);
    const written head = encode_header(headroom < size ? bytes{} : room.subspan(headroom - size, size), header);
    if (head.error) return head;
    if (header.masked) mask(payload, header.masking_key);
    return {size + payload.size(), {}};
}

/// Writes the payload of a Close: `code` and `reason`, or nothing if `code` is 1005, which stands for a Close without a
/// status (RFC 6455 sections 5.5.1 and 7.4). At most 125 bytes. Errors: `close_code_not_sendable`,
/// `close_reason_too_long` beyond 123 bytes, `payload_not_utf8`, `no_room`.
[[nodiscard]] constexpr written encode_close_payload(bytes out, std::uint16_t code, cbytes reason = {}) noexcept {
    if (code == close_code::no_status && reason.empty()) return {0, {}};
    if (!is_sendable(code)) return {0, errc::close_code_not_sendable};
    if (reason.size() > max_control_payload - 2) return {0, errc::close_reason_too_long};
    if (!is_utf8(reason)) return {0, errc::payload_not_utf8};
    const std::size_t size = 2 + reason.size();
    if (out.size() < size) return {size, errc::no_room};
    out[0] = static_cast<std::byte>(code >> 8U);
    out[1] = static_cast<std::byte>(code & 0xFFU);
    detail::copy(out.data() + 2, reason.data(), reason.size());
    return {size, {}};
}

} // namespace sockless::ws

// ============================================ sockless/ws/entropy.hpp =============================================
// Masking keys and nonces: a ChaCha20 stream from 32 bytes of the caller's entropy, or a function of the caller's.

namespace sockless::ws {

/// Unpredictable bytes for a client's nonce and masking keys. A party that chooses the payload must not be able to
/// guess them (RFC 6455 sections 5.3 and 10.3).
///
/// There are two kinds. One is seeded with 32 bytes from a strong source (such as `getrandom`): it is the ChaCha20
/// stream of RFC 8439, with the key replaced after every block, so that earlier bytes cannot be computed from its
/// state. The other calls a function of the caller's. It moves and does not copy: two that give the same bytes would
/// give the same keys to two connections.
///
/// One without a source gives no bytes, and a client that has it sends nothing (`errc::no_entropy`). It has no source
/// if it was made without arguments, if it was moved from, if the pointer to the function is null, or if all bytes of
/// the seed are 0, as they are in an array that nobody has filled.
///
///     ws::entropy::seed seed{};
///     if (read(seed) != seed.size()) return; // from getrandom, getentropy, BCryptGenRandom
///     ws::client client{ws::entropy(seed)};
class entropy {
  public:
    /// Bytes from a strong source, fresh for each connection.
    using seed = std::array<std::byte, 32>;

    /// Fills `out` with unpredictable bytes. `context` is the pointer that the caller gave with the function. Returns
    /// false if it cannot; then no byte of `out` is used.
    using function = bool (*)(void* context, bytes out);

    constexpr entropy() noexcept = default;
    /// The stream of this seed.
    constexpr explicit entropy(const seed& from) noexcept {
        for (std::size_t i = 0; i != from.size(); ++i) {
            key_[i / 4] |= static_cast<std::uint32_t>(from[i]) << (8 * (i % 4));
            if (from[i] != std::byte{0}) source_ = nullptr;
        }
    }
    /// A function of the caller's, which is called with `context`.
    constexpr explicit entropy(function source, void* context = nullptr) noexcept
        : source_(source != nullptr ? source : &give_nothing), context_(context) {}
    entropy(std::nullptr_t, void* = nullptr) = delete;

    constexpr entropy(entropy&& other) noexcept { take_from(other); }
    constexpr entropy& operator=(entropy&& other) noexcept {
        entropy taken(static_cast<entropy&&>(other));
        take_from(taken);
        return *this;
    }
    ~entropy() = default;

    /// Fills `out`, of any size. False if there is no source, or if it fails; then no byte of `out` may be used.
    [[nodiscard]] constexpr bool fill(bytes out) noexcept {
        if (source_ != nullptr) return source_(context_, out);
        for (std::byte& to : out) {
            if (left_ == 0) refill();
            const auto i = static_cast<unsigned>(sizeof(words)) - left_--;
            to = static_cast<std::byte>(pool_[i / 4] >> (8 * (i % 4)));
            // Bytes that were given out are erased.
            pool_[i / 4] &= ~(0xFFU << (8 * (i % 4)));
        }
        return true;
    }

  private:
    using words = std::array<std::uint32_t, 8>;

    static constexpr bool give_nothing(void*, bytes) noexcept { return false; }

    // Leaves no source behind, and no key.
    constexpr void take_from(entropy& other) noexcept {
        key_ = other.key_;
        pool_ = other.pool_;
        source_ = other.source_;
        context_ = other.context_;
        left_ = other.left_;
        other.key_ = other.pool_ = {};
        other.source_ = &give_nothing;
        other.left_ = 0;
    }

    // One block of ChaCha20 (RFC 8439 section 2.3), counter and nonce zero: the key is used once. Half of the block is
    // the next key, half is given out.
    constexpr void refill() noexcept {
        std::array<std::uint32_t, 16> start{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
        for (std::size_t i = 0; i != 8; ++i) start[4 + i] = key_[i];
        std::array<std::uint32_t, 16> block = start;
        for (int round = 0; round != 10; ++round) {
            for (std::size_t i = 0; i != 4; ++i) quarter_round(block, i, 4 + i, 8 + i, 12 + i);
            for (std::size_t i = 0; i != 4; ++i) {
                quarter_round(block, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
            }
        }
        for (std::size_t i = 0; i != 8; ++i) {
            key_[i] = block[i] + start[i];
            pool_[i] = block[8 + i] + start[8 + i];
        }
        left_ = sizeof(words);
    }

    // RFC 8439 section 2.1.
    static constexpr void quarter_round(std::array<std::uint32_t, 16>& state, std::size_t a, std::size_t b,
                                        std::size_t c, std::size_t d) noexcept {
        state[a] += state[b];
        state[d] = std::rotl(state[d] ^ state[a], 16);
        state[c] += state[d];
        state[b] = std::rotl(state[b] ^ state[c], 12);
        state[a] += state[b];
        state[d] = std::rotl(state[d] ^ state[a], 8);
        state[c] += state[d];
        state[b] = std::rotl(state[b] ^ state[c], 7);
    }

    words key_{};
    words pool_{};
    function source_ = &give_nothing; // null: the stream
    void* context_ = nullptr;
    unsigned left_ = 0;
};

} // namespace sockless::ws

// ============================================= sockless/ws/event.hpp ==============================================
// The events of both ends of a WebSocket connection.

namespace sockless::ws {

/// The kinds of `event`. Behind each kind stand the members of the event that it sets.
enum class kind : std::uint8_t {
    need_input,   ///< nothing yet: the input is used up, or the connection has ended
    request,      ///< server: a client asks for a WebSocket: see `request()`; answer with `accept()` or `refuse()`
    http_request, ///< server: a request for something else, if `show_requests` is on; answer with `refuse()`
    open,         ///< client: the server has accepted: see `response()`; with an `error`: see `accept()`
    refused,      ///< client: the server has refused, with the status `code`: see `response()`
    body,         ///< client: a piece of the refusal's body: `payload`; behind the last one comes `closed`
    message,      ///< a whole message: `type`, `payload`
    piece,        ///< a piece of a message: `type`, `first`, `last`, `payload`
    ping,         ///< a Ping: `payload`. It is answered already if `automatic_pongs` is on
    pong,         ///< a Pong: `payload`
    frame,        ///< the header of a frame: see `frame()`
    closed,       ///< the end: `code`, `payload` (the reason), `clean`, `error`. Nothing follows it.
};

/// The name of the enumerator, for logs.
[[nodiscard]] constexpr std::string_view name_of(kind of) noexcept {
    constexpr literal names[] = {"need_input", "request", "http_request", "open", "refused", "body",
                                 "message",    "piece",   "ping",         "pong", "frame",   "closed"};
    static_assert(std::size(names) == static_cast<std::size_t>(kind::closed) + 1);
    return names[static_cast<std::size_t>(of)];
}

/// The result of `next`, `tick` or `finish`. False for `need_input`. `payload` lies in the caller's input or in the
/// connection. It is valid until the next call of `next`, `finish` or `release_memory`, or until the input is reused.
/// Sending does not change it.
struct event {
    ws::kind kind = ws::kind::need_input;
    message_type type = message_type::text;
    bool first = false;
    bool last = false;

    /// With `message` and `piece`: the message came compressed. The payload that is shown is inflated.
    bool compressed = false;

    /// With `closed`: both sides have sent a Close (RFC 6455 section 7.1.4).
    bool clean = false;

    /// With `closed`: the peer's code; 1005 if its Close had none; 1006 if no Close came (RFC 6455 section 7.1.5), as
    /// after every failure on this side. The code that such a failure sends is `error.close_code()`.
    /// With `refused`: the HTTP status.
    std::uint16_t code = 0;

    /// With `closed`: the error. None if one of the sides wished to close, so a failure never looks like the peer's
    /// goodbye. With `request` and `open`: the first rule that the head breaks, if `show_faults` is on.
    sockless::error error{};

    bytes payload{};

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return kind != ws::kind::need_input; }

    /// The payload as text: a text message, or the reason of a Close.
    [[nodiscard]] std::string_view text() const noexcept { return text_of(payload); }
};

} // namespace sockless::ws

// =========================================== sockless/detail/base64.hpp ===========================================
// Base64 (RFC 4648 section 4), in which the keys of the opening handshake are written.

namespace sockless::detail {

inline constexpr std::string_view base64_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// `Size` bytes as base64 with padding.
template <std::size_t Size>
[[nodiscard]] constexpr std::array<char, (Size + 2) / 3 * 4>
encode_base64(std::span<const std::byte, Size> data) noexcept {
    std::array<char, (Size + 2) / 3 * 4> text{};
    constexpr std::size_t rest = Size % 3;
    const std::byte* from = data.data();
    char* to = text.data();
    // Each group of three bytes makes four characters.
    for (const std::byte* const end = from + (Size - rest); from != end; from += 3, to += 4) {
        const std::uint32_t group = static_cast<std::uint32_t>(from[0]) << 16 |
                                    static_cast<std::uint32_t>(from[1]) << 8 | static_cast<std::uint32_t>(from[2]);
        to[0] = base64_alphabet[group >> 18];
        to[1] = base64_alphabet[group >> 12 & 63];
        to[2] = base64_alphabet[group >> 6 & 63];
        to[3] = base64_alphabet[group & 63];
    }
    // One or two bytes are left. A `=` stands for each character that holds no bit of them.
    if constexpr (rest != 0) {
        const std::uint32_t group = static_cast<std::uint32_t>(from[0]) << 16 |
                                    (rest == 2 ? static_cast<std::uint32_t>(from[rest - 1]) << 8 : 0);
        to[0] = base64_alphabet[group >> 18];
        to[1] = base64_alphabet[group >> 12 & 63];
        to[2] = rest == 2 ? base64_alphabet[group >> 6 & 63] : '=';
        to[3] = '=';
    }
    return text;
}

/// Whether `text` is the base64, with padding, of exactly 16 bytes. The last digit has four bits that belong to no
/// byte. They may have any value: RFC 4648 section 3.5 leaves it to the reader whether to check them.
[[nodiscard]] constexpr bool is_base64_of_16_bytes(std::string_view text) noexcept {
    constexpr std::size_t digits = 22;
    if (text.size() != 24 || text[digits] != '=' || text[digits + 1] != '=') return false;
    if (std::is_constant_evaluated()) {
        for (std::size_t i = 0; i != digits; ++i) {
            const char* const alphabet_end = base64_alphabet.data() + base64_alphabet.size();
            if (find(text[i], base64_alphabet.data(), alphabet_end) == alphabet_end) return false;
        }
        return true;
    }
    const char* const end = text.data() + digits;
    const auto wrong = [](most_characters::block characters) { return most_characters::not_base64(characters); };
    return first_in_blocks(wrong, text.data(), end) == end;
}

} // namespace sockless::detail

// ========================================== sockless/detail/simd/sha.hpp ==========================================
// SHA-1 with the instructions that some x86-64 processors have for it (SHA-NI).

namespace sockless::detail {

/// The state of the hash between blocks (RFC 3174 section 6.1).
using sha1_state = std::array<std::uint32_t, 5>;

inline constexpr std::size_t sha1_block_size = 64;

#if defined(SOCKLESS_ASKS_PROCESSOR)
/// The backend. An instruction does four rounds.
namespace sha {
using vector = int __attribute__((vector_size(16)));
using unsigned_vector = unsigned __attribute__((vector_size(16)));
using characters = char __attribute__((vector_size(16)));

inline vector sum(vector a, vector b) noexcept { return vector(unsigned_vector(a) + unsigned_vector(b)); }

/// The twenty rounds of a group, from 0 to 3. Also makes the words of the schedule that they need, four at a time.
template <std::size_t Group>
[[gnu::target("sha,ssse3")]] SOCKLESS_ALWAYS_INLINE inline void rounds(vector* words, vector& abcd,
                                                                       vector& e) noexcept {
    for (std::size_t i = 5 * Group; i != 5 * Group + 5; ++i) {
        if (i >= 4) {
            const vector mixed = __builtin_ia32_sha1msg1(words[i - 4], words[i - 3]) ^ words[i - 2];
            words[i] = __builtin_ia32_sha1msg2(mixed, words[i - 1]);
        }
        const vector added = i == 0 ? sum(e, words[0]) : __builtin_ia32_sha1nexte(e, words[i]);
        e = abcd;
        abcd = __builtin_ia32_sha1rnds4(abcd, added, Group);
    }
}

/// Adds `count` blocks of 64 bytes to the state.
[[gnu::target("sha,ssse3")]] inline void add(sha1_state& state, const char* blocks, std::size_t count) noexcept {
    // The instructions want the first word in the highest place.
    constexpr characters reversed_octets{15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
    const auto word = [&state](std::size_t i) { return static_cast<int>(state[i]); };
    vector abcd{word(3), word(2), word(1), word(0)};
    vector e{0, 0, 0, word(4)};
    for (; count != 0; --count, blocks += sha1_block_size) {
        vector words[20];
        for (std::size_t i = 0; i != 4; ++i) {
            characters octets;
            std::memcpy(&octets, blocks + 16 * i, sizeof octets);
            words[i] = vector(__builtin_ia32_pshufb128(octets, reversed_octets));
        }
        const vector abcd_before = abcd;
        const vector e_before = e;
        rounds<0>(words, abcd, e);
        rounds<1>(words, abcd, e);
        rounds<2>(words, abcd, e);
        rounds<3>(words, abcd, e);
        e = __builtin_ia32_sha1nexte(e, e_before);
        abcd = sum(abcd, abcd_before);
    }
    for (std::size_t i = 0; i != 4; ++i) state[i] = static_cast<std::uint32_t>(abcd[3 - i]);
    state[4] = static_cast<std::uint32_t>(e[3]);
}
} // namespace sha
#endif

namespace widest {

/// Adds `count` blocks of 64 bytes to the state. False if the processor has no instructions for it; then nothing was
/// added.
[[nodiscard]] inline bool add_sha1(sha1_state& state, const char* blocks, std::size_t count) noexcept {
#if defined(SOCKLESS_ASKS_PROCESSOR)
    if (has_sha()) return sha::add(state, blocks, count), true;
    return false;
#else
    static_cast<void>(state);
    static_cast<void>(blocks);
    static_cast<void>(count);
    return false;
#endif
}

} // namespace widest

} // namespace sockless::detail

// ============================================ sockless/detail/sha1.hpp ============================================
// SHA-1 (RFC 3174). With it a server shows in the opening handshake that it speaks WebSocket. It protects no secret.

namespace sockless::detail {

/// The words of a block, one for each of the 80 rounds (RFC 3174 section 6.1, step b).
using sha1_schedule = std::array<std::uint32_t, 80>;

inline constexpr sha1_state sha1_begin{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};

/// The schedule of a block of 64 bytes. Its words have the most significant byte first.
[[nodiscard]] constexpr sha1_schedule sha1_scheduled(const char* block) noexcept {
    sha1_schedule words;
    for (std::size_t t = 0; t != 16; ++t) {
        const auto octet = [&](std::size_t place) -> std::uint32_t { return static_cast<unsigned char>(block[place]); };
        words[t] = octet(4 * t) << 24 | octet(4 * t + 1) << 16 | octet(4 * t + 2) << 8 | octet(4 * t + 3);
    }
    // The last three words are kept in variables: to load them right after their stores would be slow.
    std::uint32_t third = words[13];
    std::uint32_t second = words[14];
    std::uint32_t last = words[15];
    for (std::size_t t = 16; t != 80; ++t) {
        const std::uint32_t next = std::rotl(third ^ (words[t - 8] ^ words[t - 14] ^ words[t - 16]), 1);
        words[t] = next;
        third = second;
        second = last;
        last = next;
    }
    return words;
}

/// The functions of the four groups of rounds.
struct sha1_choose {
    constexpr std::uint32_t operator()(std::uint32_t b, std::uint32_t c, std::uint32_t d) const noexcept {
        return d ^ (b & (c ^ d));
    }
};
struct sha1_parity {
    constexpr std::uint32_t operator()(std::uint32_t b, std::uint32_t c, std::uint32_t d) const noexcept {
        return b ^ c ^ d;
    }
};
struct sha1_majority {
    constexpr std::uint32_t operator()(std::uint32_t b, std::uint32_t c, std::uint32_t d) const noexcept {
        return (b & c) + (d & (b ^ c)); // no bit is in both, and a compiler can reorder a sum
    }
};

/// Twenty rounds, five at a time: after five rounds each word is in its own variable again (RFC 3174 section 5).
template <class Mix>
SOCKLESS_ALWAYS_INLINE constexpr void sha1_rounds(sha1_state& s, const std::uint32_t* words, std::uint32_t constant,
                                                  Mix mix) noexcept {
    auto [a, b, c, d, e] = s;
    const auto add_round = [mix, constant](std::uint32_t v, std::uint32_t& w, std::uint32_t x, std::uint32_t y,
                                           std::uint32_t& z, std::uint32_t scheduled) {
        z = (z + scheduled + constant + mix(w, x, y)) + std::rotl(v, 5);
        w = std::rotl(w, 30);
    };
    for (std::size_t t = 0; t != 20; t += 5) {
        add_round(a, b, c, d, e, words[t]);
        add_round(e, a, b, c, d, words[t + 1]);
        add_round(d, e, a, b, c, words[t + 2]);
        add_round(c, d, e, a, b, words[t + 3]);
        add_round(b, c, d, e, a, words[t + 4]);
    }
    s = {a, b, c, d, e};
}

/// Adds `count` blocks of 64 bytes to the hash (RFC 3174 section 6.1), on any machine.
constexpr void sha1_add_by_words(sha1_state& state, const char* blocks, std::size_t count) noexcept {
    for (; count != 0; --count, blocks += sha1_block_size) {
        const sha1_schedule words = sha1_scheduled(blocks);
        sha1_state s = state;
        sha1_rounds(s, words.data(), 0x5a827999, sha1_choose{});
        sha1_rounds(s, words.data() + 20, 0x6ed9eba1, sha1_parity{});
        sha1_rounds(s, words.data() + 40, 0x8f1bbcdc, sha1_majority{});
        sha1_rounds(s, words.data() + 60, 0xca62c1d6, sha1_parity{});
        for (std::size_t i = 0; i != s.size(); ++i) state[i] += s[i];
    }
}

/// Adds `count` blocks of 64 bytes to the hash, in the fastest way that the processor has.
constexpr void sha1_add(sha1_state& state, const char* blocks, std::size_t count) noexcept {
    if (!std::is_constant_evaluated() && widest::add_sha1(state, blocks, count)) return;
    sha1_add_by_words(state, blocks, count);
}

/// The hash as bytes, each word with its most significant byte first.
[[nodiscard]] constexpr std::array<std::byte, 20> sha1_digest(const sha1_state& state) noexcept {
    std::array<std::byte, 20> digest{};
    for (std::size_t i = 0; i != state.size(); ++i) {
        digest[4 * i] = static_cast<std::byte>(state[i] >> 24);
        digest[4 * i + 1] = static_cast<std::byte>(state[i] >> 16);
        digest[4 * i + 2] = static_cast<std::byte>(state[i] >> 8);
        digest[4 * i + 3] = static_cast<std::byte>(state[i]);
    }
    return digest;
}

/// The rest of a text, at most a block, that stands behind `before` whole blocks. SHA-1 puts 0x80 behind the text, then
/// zeros up to 8 bytes before the end of a block, then the size of the whole text in bits (RFC 3174 section 4).
struct sha1_padded {
    constexpr sha1_padded(std::string_view rest, std::uint64_t before) noexcept
        : blocks((rest.size() + 8) / sha1_block_size + 1) {
        copy(text.data(), rest.data(), rest.size());
        text[rest.size()] = '\x80';
        std::uint64_t bits = (before * sha1_block_size + rest.size()) * 8;
        for (std::size_t at = blocks * sha1_block_size; bits != 0; bits >>= 8) {
            text[--at] = static_cast<char>(static_cast<unsigned char>(bits));
        }
    }

    constexpr void add_to(sha1_state& state) const noexcept { sha1_add(state, text.data(), blocks); }

    std::array<char, 2 * sha1_block_size> text{};
    std::size_t blocks;
};

/// The SHA-1 hash of a text.
[[nodiscard]] constexpr std::array<std::byte, 20> sha1(std::string_view text) noexcept {
    sha1_state state = sha1_begin;
    const std::size_t whole = text.size() / sha1_block_size;
    sha1_add(state, text.data(), whole);
    text.remove_prefix(whole * sha1_block_size);
    sha1_padded(text, whole).add_to(state);
    return sha1_digest(state);
}

} // namespace sockless::detail

// ======================================= sockless/ws/opening/accept_key.hpp =======================================
// The key of a request, and a server's answer to it (RFC 6455 sections 4.1 and 4.2.2).

namespace sockless::ws::detail {

/// The text that follows the key in the text that Sec-WebSocket-Accept is the hash of (RFC 6455 section 4.2.2, item 5).
inline constexpr std::array<char, 36> behind_key = [] {
    std::array<char, 36> text{};
    copy(text.data(), "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", text.size());
    return text;
}();

/// The whole text for a key of 24 characters, with zeros in the place of the key.
inline constexpr sha1_padded accepted_key = [] {
    std::array<char, 60> text{};
    copy(text.data() + 24, behind_key.data(), behind_key.size());
    return sha1_padded({text.data(), text.size()}, 0);
}();

/// The hash for a key of 24 characters.
[[nodiscard]] constexpr sha1_state hash_of_key(const char* key) noexcept {
    // The text is copied byte by byte: a copy of the constant as such is made of zeros first, which is slower.
    std::array<char, 2 * sha1_block_size> blocks;
    copy(blocks.data(), accepted_key.text.data(), blocks.size());
    copy(blocks.data(), key, 24); // no call, as the size is known
    sha1_state state = sha1_begin;
    sha1_add(state, blocks.data(), 2);
    return state;
}

/// Adds blocks to a hash. Never inlined, as each copy of the rounds is large.
SOCKLESS_NEVER_INLINE constexpr void hash_blocks(sha1_state& state, const char* blocks, std::size_t count) noexcept {
    sha1_add(state, blocks, count);
}

/// The hash for a key of any size.
[[nodiscard]] SOCKLESS_NEVER_INLINE constexpr sha1_state hash_of_unusual_key(std::string_view key) noexcept {
    sha1_state state = sha1_begin;
    std::size_t whole = key.size() / sha1_block_size;
    hash_blocks(state, key.data(), whole);
    key.remove_prefix(whole * sha1_block_size);
    // The rest of the key and the text behind it are less than two blocks.
    std::array<char, 2 * sha1_block_size> text{};
    copy(text.data(), key.data(), key.size());
    copy(text.data() + key.size(), behind_key.data(), behind_key.size());
    std::string_view rest(text.data(), key.size() + behind_key.size());
    if (rest.size() >= sha1_block_size) {
        hash_blocks(state, rest.data(), 1);
        rest.remove_prefix(sha1_block_size);
        ++whole;
    }
    const sha1_padded end(rest, whole);
    hash_blocks(state, end.text.data(), end.blocks);
    return state;
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// The value of Sec-WebSocket-Accept for this Sec-WebSocket-Key: the hash of the key as it was sent, also if it has not
/// 24 characters. RFC 6455 section 4.2.2, item 5.
[[nodiscard]] constexpr std::array<char, 28> accept_key(std::string_view key) noexcept {
    const bool usual = key.size() == 24;
    const detail::sha1_state state = usual ? detail::hash_of_key(key.data()) : detail::hash_of_unusual_key(key);
    const std::array<std::byte, 20> hash = detail::sha1_digest(state);
    return detail::encode_base64(std::span<const std::byte, 20>(hash));
}

/// A Sec-WebSocket-Key from 16 bytes, which should be fresh and unpredictable. RFC 6455 section 4.1, item 7.
[[nodiscard]] constexpr std::array<char, 24> encode_key(std::span<const std::byte, 16> nonce) noexcept {
    return detail::encode_base64(nonce);
}

} // namespace sockless::ws

// ============================================= sockless/list_view.hpp =============================================
// A list that the caller gives for the time of a call: `{a, b}`, an array, a span, a vector.

// Clang warns if a list of this kind ends before the view of it.
#if defined(__clang__)
#define SOCKLESS_VIEWED [[clang::lifetimebound]]
#else
#define SOCKLESS_VIEWED
#endif

namespace sockless::detail {

/// A container whose elements lie side by side and convert to `T`.
template <class List, class T>
concept list_for = requires(const List& list) {
    { *list.data() } -> std::convertible_to<T>;
    { list.size() } -> std::convertible_to<std::size_t>;
};

} // namespace sockless::detail

namespace sockless {

/// A view of a list of `T`, itself a view such as `std::string_view` or `field`. It is made from `{a, b}`, and from an
/// array, a span or a vector, whose elements may also be of a type that converts to `T`, such as `std::string`. Nothing
/// is copied. `{a, b}`, and what else is made for the call, lives until the end of the full expression, so pass it
/// directly: `peer.request({.subprotocols = {"a", "b"}})`. A forward range, and valid as long as what it was made from.
///
///     const auto offer = [](list_view<std::string_view> names) {
///         for (const std::string_view each : names) print(each);
///     };
///     offer({"chat", "superchat"});
template <class T>
class list_view {
  public:
    /// Goes through a list, which outlives it.
    class iterator {
      public:
        using value_type = T;
        using difference_type = std::ptrdiff_t;

        constexpr iterator() noexcept = default;
        /// At the element of this number.
        constexpr iterator(const list_view& list, std::size_t number) noexcept : list_(&list), number_(number) {}

        /// The element. `++` goes on to the next one.
        [[nodiscard]] constexpr T operator*() const noexcept { return (*list_)[number_]; }
        constexpr iterator& operator++() noexcept {
            ++number_;
            return *this;
        }
        constexpr iterator operator++(int) noexcept { return {*list_, number_++}; }
        [[nodiscard]] friend constexpr bool operator==(const iterator&, const iterator&) noexcept = default;

      private:
        const list_view* list_ = nullptr;
        std::size_t number_ = 0;
    };

    constexpr list_view() noexcept = default;

    /// Of a list in braces.
    constexpr list_view(std::initializer_list<T> elements SOCKLESS_VIEWED) noexcept {
        view(elements.begin(), elements.size());
    }

    /// An element in braces of its own would be made of two pointers: the beginning and the end of a text.
    constexpr list_view(std::initializer_list<std::initializer_list<const char*>> one_pair_of_braces_too_many) noexcept
        requires(std::is_same_v<T, std::string_view>) = delete;

    /// Of an array.
    template <std::convertible_to<T> Element, std::size_t Size>
    constexpr list_view(const Element (&elements)[Size]) noexcept {
        view(elements, Size);
    }

    /// Of a span, a vector or another container whose elements lie side by side.
    template <detail::list_for<T> List>
    constexpr list_view(const List& elements) noexcept {
        view(elements.data(), static_cast<std::size_t>(elements.size()));
    }

    /// Of nothing else: says so in a sentence.
    template <class Other>
    constexpr list_view(const Other&) noexcept {
        static_assert(detail::list_for<Other, T>,
                      "a list is given as {a, b}, or as an array, a span or a vector of elements that convert");
    }

    /// How many elements there are.
    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
    [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }

    /// `number` is less than `size()`.
    [[nodiscard]] constexpr T operator[](std::size_t number) const noexcept {
        return convert_ == nullptr ? elements_[number] : convert_(others_, number);
    }

    /// Iterators over the elements.
    [[nodiscard]] constexpr iterator begin() const noexcept { return {*this, 0}; }
    [[nodiscard]] constexpr iterator end() const noexcept { return {*this, size_}; }

  private:
    template <class Element>
    constexpr void view(const Element* elements, std::size_t size) noexcept {
        if constexpr (std::is_same_v<Element, T>) {
            elements_ = elements;
        } else {
            others_ = elements;
            convert_ = [](const void* others, std::size_t number) noexcept -> T {
                return static_cast<const Element*>(others)[number];
            };
        }
        size_ = size;
    }

    union {
        const T* elements_ = nullptr;
        const void* others_; // of another type, which `convert_` knows
    };
    T (*convert_)(const void* others, std::size_t number) noexcept = nullptr;
    std::size_t size_ = 0;
};

} // namespace sockless

#undef SOCKLESS_VIEWED

// ========================================= sockless/ws/opening/faults.hpp =========================================
// The rules of the opening handshake that a peer may break without a doubt about the bytes that follow.

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

// ======================================= sockless/ws/opening/extensions.hpp =======================================
// The Sec-WebSocket-Extensions field: the extensions that it offers, or agrees to, element by element (RFC 6455 section
// 9.1).

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

// ========================================= sockless/ws/opening/names.hpp ==========================================
// The names of the fields that mean something to the opening handshake, and how a field is known by its name.

namespace sockless::ws::detail {

/// The fields that mean something to the handshake; all others are `other`.
enum class opening_field : std::uint8_t {
    host,
    origin,
    expect,
    upgrade,
    connection,
    content_length,
    transfer_encoding,
    key,
    accept,
    version,
    subprotocol,
    extensions,
    other,
};

/// A name of 4 to 24 characters as words. They may overlap, so that they hold all characters.
struct name_words {
    std::uint64_t first;
    std::uint64_t middle;
    std::uint64_t last;
};

/// The size of the longest name that the words hold.
inline constexpr std::size_t most_name = 24;

template <class Word>
[[nodiscard]] constexpr Word word_of(const char* text) noexcept {
    std::array<char, sizeof(Word)> characters{};
    copy(characters.data(), text, characters.size());
    return bits_as<Word>(characters);
}

[[nodiscard]] constexpr name_words words_of(std::string_view name) noexcept {
    const char* const begin = name.data();
    const char* const end = begin + name.size();
    if (name.size() < 8) {
        const std::uint64_t first = word_of<std::uint32_t>(begin), last = word_of<std::uint32_t>(end - 4);
        return {first, first, last};
    }
    const std::uint64_t last = word_of<std::uint64_t>(end - 8);
    return {word_of<std::uint64_t>(begin), name.size() < 16 ? last : word_of<std::uint64_t>(begin + 8), last};
}

/// A field and its name, as words in which the case of letters does not show.
class opening_name {
  public:
    consteval opening_name(std::string_view name, opening_field field) noexcept : field_(field), size_(name.size()) {
        char kept[most_name] = {};
        for (std::size_t i = 0; i != name.size(); ++i) {
            const bool letter = http::detail::lower(name[i]) >= 'a' && http::detail::lower(name[i]) <= 'z';
            kept[i] = static_cast<char>(letter ? ~0x20 : ~0);
        }
        kept_ = words_of(text_at(kept, name.size()));
        words_ = kept_words(words_of(name));
    }

    [[nodiscard]] constexpr opening_field field() const noexcept { return field_; }
    [[nodiscard]] consteval std::size_t size() const noexcept { return size_; }

    /// Whether a name of this size is this one; the case does not matter.
    [[nodiscard]] constexpr bool is(std::string_view name) const noexcept {
        const name_words read = kept_words(words_of(name));
        return ((read.first ^ words_.first) | (read.middle ^ words_.middle) | (read.last ^ words_.last)) == 0;
    }

  private:
    // Without the bits that tell the case of letters; of other characters all bits count.
    [[nodiscard]] constexpr name_words kept_words(const name_words& read) const noexcept {
        return {read.first & kept_.first, read.middle & kept_.middle, read.last & kept_.last};
    }

    name_words words_{};
    name_words kept_{};
    opening_field field_ = opening_field::other;
    std::size_t size_ = 0;
};

/// All names in the order of their size, which tells nearly all of them apart, and the place where each size begins.
struct opening_name_table {
    static constexpr std::size_t count = static_cast<std::size_t>(opening_field::other);

    std::array<opening_name, count> names{{
        {"Host", opening_field::host},
        {"Origin", opening_field::origin},
        {"Expect", opening_field::expect},
        {"Upgrade", opening_field::upgrade},
        {"Connection", opening_field::connection},
        {"Content-Length", opening_field::content_length},
        {"Sec-WebSocket-Key", opening_field::key},
        {"Transfer-Encoding", opening_field::transfer_encoding},
        {"Sec-WebSocket-Accept", opening_field::accept},
        {"Sec-WebSocket-Version", opening_field::version},
        {"Sec-WebSocket-Protocol", opening_field::subprotocol},
        {"Sec-WebSocket-Extensions", opening_field::extensions},
    }};
    std::array<std::uint8_t, most_name + 2> begin{};

    consteval opening_name_table() noexcept {
        for (const opening_name& each : names) {
            for (std::size_t size = each.size() + 1; size != begin.size(); ++size) ++begin[size];
        }
    }
};

inline constexpr opening_name_table opening_names{};

/// The field of this name; the case does not matter.
[[nodiscard]] SOCKLESS_ALWAYS_INLINE constexpr opening_field opening_field_of(std::string_view name) noexcept {
    if (name.size() > most_name) return opening_field::other;
    const std::size_t end = opening_names.begin[name.size() + 1];
    for (std::size_t i = opening_names.begin[name.size()]; i != end; ++i) {
        if (opening_names.names[i].is(name)) return opening_names.names[i].field();
    }
    return opening_field::other;
}

} // namespace sockless::ws::detail

// ========================================= sockless/ws/opening/fields.hpp =========================================
// All that a list of fields says about the opening handshake, collected in one pass over it.

namespace sockless::ws::detail {

/// A view in an array that is set as far as there are elements: an array of `std::string_view` is set to zeros first.
struct unset_view {
    const char* data;
    std::size_t size;
};

/// All that a head, or a list of fields, says about the handshake.
class opening_fields {
  public:
    template <class Fields>
    constexpr explicit opening_fields(const Fields& fields) noexcept {
        http::detail::visit_fields(fields, [this](std::string_view name, auto value) {
            const opening_field known = opening_field_of(name);
            if (known != opening_field::other) add(known, value());
        });
    }

    /// The value of the first field of a name; empty if there is none.
    [[nodiscard]] constexpr std::string_view first(opening_field name) const noexcept {
        if (!has(name)) return {};
        return {first_[index(name)].data, first_[index(name)].size};
    }

    /// How many fields have this name.
    [[nodiscard]] constexpr std::uint32_t count(opening_field name) const noexcept { return count_[index(name)]; }
    [[nodiscard]] constexpr bool has(opening_field name) const noexcept { return count(name) != 0; }

    bool upgrade_to_websocket = false; ///< Upgrade holds the token `websocket` [H5]
    bool connection_upgrade = false;   ///< Connection holds the token `upgrade` [H5]
    bool body = false;                 ///< there is a Content-Length other than 0, or a Transfer-Encoding [H8]
    bool expectation_unknown = false;  ///< there is an Expect other than `100-continue` [H21]
    bool bad_extensions = false;       ///< a Sec-WebSocket-Extensions is malformed [H11]
    bool empty_extensions = false;     ///< a Sec-WebSocket-Extensions names none [H11]

  private:
    [[nodiscard]] static constexpr std::size_t index(opening_field name) noexcept {
        return static_cast<std::size_t>(name);
    }

    constexpr void add(opening_field name, std::string_view value) noexcept {
        if (count_[index(name)]++ == 0) first_[index(name)] = {value.data(), value.size()};
        switch (name) {
        case opening_field::upgrade:
            upgrade_to_websocket = upgrade_to_websocket || http::list_has(value, "websocket");
            break;
        case opening_field::connection:
            connection_upgrade = connection_upgrade || http::list_has(value, "upgrade");
            break;
        case opening_field::content_length: {
            const decimal length = read_decimal(value);
            body = body || !length.valid || length.value != 0;
            break;
        }
        case opening_field::transfer_encoding: body = true; break;
        case opening_field::expect:
            expectation_unknown = expectation_unknown || !http::equal_ignoring_case(value, "100-continue");
            break;
        case opening_field::extensions:
            if (!ws::is_extension_list(value)) note_wrong_extensions(value);
            break;
        default: break;
        }
    }

    SOCKLESS_NEVER_INLINE constexpr void note_wrong_extensions(std::string_view value) noexcept {
        const http::list_elements all(value);
        (all.begin() == all.end() ? empty_extensions : bad_extensions) = true;
    }

    std::array<unset_view, opening_name_table::count> first_; // set for the names that are there; the rest is not read
    std::array<std::uint32_t, opening_name_table::count> count_{};
};

} // namespace sockless::ws::detail

// ====================================== sockless/ws/opening/subprotocols.hpp ======================================
// Subprotocols: offered, checked, chosen and answered (RFC 6455 sections 4.1, 4.2.2 and 11.3.4).

namespace sockless::ws::detail {

/// The most subprotocols that may be offered: each is compared with each.
inline constexpr std::size_t max_subprotocols = 64;

/// The subprotocols of one offer, as they are read, or before they are written.
class subprotocol_offer {
  public:
    /// Adds a name, and returns its error, if it has one: an offer is made of unique tokens (RFC 6455 section 4.1, item
    /// 10) [H10]. Names that are wrong count for the limit too.
    [[nodiscard]] constexpr ws::errc add(std::string_view name) noexcept {
        if (++count_ > max_subprotocols) return ws::errc::too_many_subprotocols;
        if (!http::is_token(name)) return ws::errc::bad_subprotocol;
        for (std::size_t i = 0; i != size_; ++i) {
            if (sockless::equal({names_[i].data, names_[i].size}, name)) return ws::errc::bad_subprotocol;
        }
        names_[size_++] = {name.data(), name.size()};
        return ws::errc::none;
    }

    [[nodiscard]] constexpr bool empty() const noexcept { return count_ == 0; }

  private:
    std::array<unset_view, max_subprotocols> names_; // set for those that were added; the rest is not read
    std::size_t size_ = 0;
    std::size_t count_ = 0;
};

/// Judges the offer of a request that has the field.
template <class Fields>
[[nodiscard]] constexpr ws::errc check_subprotocols(const Fields& fields, const opening_fields& all) noexcept {
    subprotocol_offer offer;
    ws::errc error = ws::errc::none;
    const auto is_wrong = [&](std::string_view list) {
        for (const std::string_view name : http::list_elements(list)) {
            const ws::errc wrong = offer.add(name);
            if (wrong == ws::errc::too_many_subprotocols) {
                error = wrong;
                return true;
            }
            if (error == ws::errc::none) error = wrong;
        }
        return false;
    };
    if (all.count(opening_field::subprotocol) == 1) {
        is_wrong(all.first(opening_field::subprotocol));
    } else {
        http::detail::visit_values(fields, "sec-websocket-protocol", is_wrong);
    }
    // A field without a name in it is no offer (RFC 6455 section 4.1, item 10) [H10].
    return error == ws::errc::none && offer.empty() ? ws::errc::bad_subprotocol : error;
}

/// Writes an offer.
constexpr void put_subprotocols(http::head_writer& head, list_view<std::string_view> names) noexcept {
    if (names.empty()) return;
    subprotocol_offer offer;
    std::string_view before = "Sec-WebSocket-Protocol: ";
    for (const std::string_view name : names) {
        const ws::errc error = offer.add(name);
        if (error != ws::errc::none) {
            head.fail(error);
            return;
        }
        head.known(before).known(name);
        before = ", ";
    }
    head.known("\r\n");
}

/// Writes a server's choice.
constexpr void put_subprotocol(http::head_writer& head, std::string_view chosen) noexcept {
    if (chosen.empty()) return;
    // A server answers with exactly one, and a comma would make two of it (RFC 6455 section 4.2.2, item 5) [H10].
    if (!http::is_token(chosen)) head.fail(ws::errc::bad_subprotocol);
    head.known("Sec-WebSocket-Protocol: ").known(chosen).known("\r\n");
}

/// Whether a list has this name, compared with regard to case.
[[nodiscard]] constexpr bool list_has_exactly(std::string_view list, std::string_view name) noexcept {
    for (const std::string_view each : http::list_elements(list)) {
        if (sockless::equal(each, name)) return true;
    }
    return false;
}

/// Judges a server's choice, if it has made one.
[[nodiscard]] constexpr ws::errc check_subprotocol(const opening_fields& all, std::string_view offered) noexcept {
    if (!all.has(opening_field::subprotocol)) return ws::errc::none;
    // A server answers with one of the names that were offered (RFC 6455 section 4.1, item 6 of the response) [H17].
    const std::string_view chosen = all.first(opening_field::subprotocol);
    if (all.count(opening_field::subprotocol) != 1 || !http::is_token(chosen)) return ws::errc::bad_subprotocol;
    return list_has_exactly(offered, chosen) ? ws::errc::none : ws::errc::subprotocol_not_offered;
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Whether a request's fields offer this subprotocol, compared with regard to case (RFC 6455 section 4.2.2, item 4)
/// [H10]. `Fields` is any range of `field`.
template <class Fields>
[[nodiscard]] constexpr bool offers_subprotocol(const Fields& offered, std::string_view name) noexcept {
    return http::detail::visit_values(offered, "sec-websocket-protocol",
                                      [name](std::string_view list) { return detail::list_has_exactly(list, name); });
}

/// The first of `supported`, which is in the server's order of preference, that a request's fields offer (RFC 6455
/// section 4.2.2, item 4) [H10]; empty if they offer none of them. The view is the one in `supported`. `Fields` is any
/// range of `field`.
template <class Fields>
[[nodiscard]] constexpr std::string_view choose_subprotocol(list_view<std::string_view> supported,
                                                            const Fields& offered) noexcept {
    // The offers are looked at once: after each name that is found, only the names before it in `supported` are still
    // looked for.
    std::size_t best = supported.size();
    http::detail::visit_values(offered, "sec-websocket-protocol", [&](std::string_view list) {
        for (const std::string_view name : http::list_elements(list)) {
            for (std::size_t i = 0; i != best; ++i) {
                if (!sockless::equal(supported[i], name)) continue;
                best = i;
                break;
            }
        }
        return best == 0;
    });
    return best == supported.size() ? std::string_view{} : supported[best];
}

} // namespace sockless::ws

// ========================================= sockless/ws/opening/check.hpp ==========================================
// Judges the two heads of the opening handshake over HTTP/1.1 (RFC 6455 sections 4.1 and 4.2).

namespace sockless::ws {

/// A client's request. Its texts are views of the head, as far as they were found; also if `error` is set.
struct opening_request {
    sockless::error error{};       ///< what is wrong, with the status that answers it; if none, it may be accepted
    opening_faults faults{};       ///< with `on_fault::note`: all that is wrong, if all of it is acceptable
    std::string_view target{};     ///< path and query; of a target in absolute-form the part behind the authority
    std::string_view host{};       ///< with the port, if it has one
    std::string_view origin{};     ///< empty if there is none: then the client is no browser
    std::string_view key{};        ///< empty over HTTP/2 and HTTP/3
    bool expects_continue = false; ///< the client waits for `100 Continue` before it goes on [H21]
};

} // namespace sockless::ws

namespace sockless::ws::detail {

/// Leaves the path and query in `request.target`, and the authority, if the target has one, in `request.host`. Returns
/// whether the target may stand in a request.
[[nodiscard]] constexpr bool split_target(ws::opening_request& request) noexcept {
    std::string_view& target = request.target;
    const char* const end = target.data() + target.size();
    // A target has no fragment (RFC 6455 section 3) [H1].
    if (find('#', target.data(), end) != end) return false;
    // A target is a path, or a URI with an authority that counts instead of Host (RFC 9112 sections 3.2.1 and 3.2.2)
    // [H1]. Its scheme is that of WebSocket, or that of HTTP, whose request this is (RFC 6455 section 3).
    if (target.front() == '/') return true;
    constexpr std::string_view schemes[] = {"ws://", "wss://", "http://", "https://"};
    std::size_t scheme = 0;
    for (const std::string_view each : schemes) {
        if (target.size() > each.size() && http::equal_ignoring_case({target.data(), each.size()}, each))
            scheme = each.size();
    }
    if (scheme == 0) return false;
    target.remove_prefix(scheme);
    std::size_t size = 0;
    while (size != target.size() && target[size] != '/' && target[size] != '?') ++size;
    request.host = {target.data(), size};
    target.remove_prefix(size);
    if (target.empty()) target = "/";
    return true;
}

// The functions that follow judge the parts of a request in the order of their rules. They return early if the
// judgement ends.

[[nodiscard]] constexpr bool ends_with_version(const opening_fields& all, opening_judge& judge) noexcept {
    // There is one version, and it is 13 (RFC 6455 section 4.2.1, item 6) [H7].
    if (all.count(opening_field::version) != 1) return judge.ends_with(ws::errc::version_missing);
    if (sockless::equal(all.first(opening_field::version), "13")) return false;
    return judge.ends_with(ws::errc::version_unsupported);
}

[[nodiscard]] constexpr bool ends_with_extensions(const opening_fields& all, opening_judge& judge) noexcept {
    // The extensions keep to their grammar, and a field has at least one (RFC 6455 section 9.1) [H11].
    if (all.bad_extensions) return judge.ends_with(ws::errc::bad_extensions);
    return all.empty_extensions && judge.ends_with(ws::errc::empty_extensions);
}

template <class Fields>
constexpr void judge_offers(const Fields& fields, const opening_fields& all, opening_judge& judge) noexcept {
    // An expectation is not ignored, and only 100-continue can be met (RFC 9110 section 10.1.1) [H21].
    if (all.expectation_unknown && judge.ends_with(ws::errc::expectation_unknown)) return;
    // One Origin at most: the one that is checked has to be the one that counts (RFC 6454 section 7.3).
    if (all.count(opening_field::origin) > 1 && judge.ends_with(ws::errc::repeated_origin)) return;
    if (ends_with_extensions(all, judge) || !all.has(opening_field::subprotocol)) return;
    const ws::errc wrong = check_subprotocols(fields, all);
    if (wrong != ws::errc::none) static_cast<void>(judge.ends_with(wrong));
}

constexpr void judge_upgrade(const http::head& head, const opening_fields& all, opening_judge& judge) noexcept {
    // The bytes behind the head are frames, so nothing may announce a body (RFC 9112 section 6) [H8].
    if (all.body && judge.ends_with(ws::errc::unexpected_body)) return;
    // Upgrade has `websocket` (RFC 6455 section 4.2.1, item 3) [H5]. Else the request is for something else, and 426
    // tells what is needed (RFC 9110 section 15.5.22).
    if (!all.upgrade_to_websocket && judge.ends_with(ws::errc::upgrade_missing)) return;
    // Connection has `upgrade` (RFC 6455 section 4.2.1, item 4) [H5].
    if (!all.connection_upgrade && judge.ends_with(ws::errc::connection_upgrade_missing)) return;
    // The version is judged before the key: another version may have other keys, and its client needs to know the one
    // that is spoken (RFC 6455 section 4.4) [H7].
    if (ends_with_version(all, judge)) return;
    // There is one key, of 16 bytes (RFC 6455 section 4.2.1, item 5) [H6].
    if (all.count(opening_field::key) != 1 && judge.ends_with(ws::errc::key_missing)) return;
    if (!is_base64_of_16_bytes(all.first(opening_field::key)) && judge.ends_with(ws::errc::bad_key)) return;
    judge_offers(head.fields, all, judge);
}

constexpr void judge_opening(ws::opening_request& request, const http::head& head, const opening_fields& all,
                             opening_judge& judge) noexcept {
    // Lines end in CR LF (RFC 9112 section 2.2) [H2].
    if (head.bare_lf && judge.ends_with(http::errc::bare_lf)) return;
    // Only GET opens a WebSocket (RFC 6455 section 4.2.1, item 1) [H1].
    if (!sockless::equal(head.method, "GET") && judge.ends_with(ws::errc::method_not_get)) return;
    // Upgrade in HTTP/1.0 is ignored (RFC 9110 section 7.8) [H1]. So the request asks for no upgrade, and the answer is
    // 426; 505 is for other major versions.
    if (head.minor_version == 0 && judge.ends_with(ws::errc::http_version_too_old)) return;
    if (!split_target(request) && judge.ends_with(ws::errc::bad_request_target)) return;
    // There is exactly one Host, also beside an authority in the target (RFC 9112 section 3.2) [H4].
    if (all.count(opening_field::host) != 1 && judge.ends_with(ws::errc::host_missing)) return;
    const std::string_view host = all.first(opening_field::host);
    const bool absolute = request.host.data() != host.data();
    const bool right = http::is_host(host) && (!absolute || http::is_host(request.host));
    if (!right && judge.ends_with(ws::errc::bad_host)) return;
    judge_upgrade(head, all, judge);
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Whether a request asks for an upgrade to WebSocket, rightly or wrongly; else it is plain HTTP (RFC 6455 section
/// 4.2.1, item 3) [H1] [H5].
[[nodiscard]] constexpr bool is_upgrade(const http::head& head) noexcept {
    return head.minor_version != 0 && http::has_token(head.fields, "upgrade", "websocket");
}

/// Judges the head of a request (RFC 6455 section 4.2.1) [H1] [H4] [H5] [H6] [H7] [H8] [H10] [H11] [H21].
[[nodiscard]] constexpr opening_request check_request(const http::head& head,
                                                      on_fault reaction = on_fault::stop) noexcept {
    const detail::opening_fields all(head.fields);
    opening_request request{
        .target = head.target,
        .host = all.first(detail::opening_field::host),
        .origin = all.first(detail::opening_field::origin),
        .key = all.first(detail::opening_field::key),
        .expects_continue = all.has(detail::opening_field::expect) && !all.expectation_unknown,
    };
    detail::opening_judge judge(reaction);
    detail::judge_opening(request, head, all, judge);
    request.error = judge.error();
    request.faults = judge.faults();
    return request;
}

/// A server's answer. Its texts are views of the fields.
struct opening_response {
    sockless::error error{};          ///< what is wrong; if none, the connection is open
    opening_faults faults{};          ///< with `on_fault::note`: all that is wrong, if all of it is acceptable
    std::string_view subprotocol{};   ///< the one that was chosen; empty if none was
    std::string_view extensions{};    ///< the first line of those agreed to; `for_each_extension` has all lines
    bool subprotocol_missing = false; ///< some were offered and none was chosen: the caller decides [H17]
};

} // namespace sockless::ws

namespace sockless::ws::detail {

/// Judges the subprotocol and the extensions that were agreed to, in any list of fields.
template <class Fields>
constexpr void judge_answer(ws::opening_response& response, const Fields& fields, const opening_fields& all,
                            std::string_view offered_subprotocols, std::string_view offered_extensions,
                            opening_judge& judge) noexcept {
    response.extensions = all.first(opening_field::extensions);
    const ws::errc wrong = check_subprotocol(all, offered_subprotocols);
    // A subprotocol that is no token, or that is answered twice, counts as none.
    if (wrong != ws::errc::bad_subprotocol) response.subprotocol = all.first(opening_field::subprotocol);
    const http::list_elements offered(offered_subprotocols);
    response.subprotocol_missing = response.subprotocol.empty() && offered.begin() != offered.end();
    if (wrong != ws::errc::none && judge.ends_with(wrong)) return;
    if (ends_with_extensions(all, judge)) return;
    // A server agrees only to extensions that were offered (RFC 6455 section 4.1, item 5 of the response) [H17].
    ws::for_each_extension(fields, [&](const ws::extension& agreed) {
        if (ws::has_extension(offered_extensions, agreed.name)) return true;
        return !judge.ends_with(ws::errc::extension_not_offered);
    });
}

/// Judges the rest of a 101. Returns whether the judgement ends.
[[nodiscard]] constexpr bool ends_with_switch(const http::head& head, const opening_fields& all, std::string_view key,
                                              opening_judge& judge) noexcept {
    if (head.status != 101) return judge.ends_with(ws::errc::unexpected_status);
    // Lines end in CR LF (RFC 9112 section 2.2) [H2].
    if (head.bare_lf && judge.ends_with(http::errc::bare_lf)) return true;
    // The server switches to `websocket` and nothing else, and says so once (RFC 6455 section 4.1, item 2 of the
    // response) [H16]. The version of HTTP in its answer means nothing: the client's is 1.1.
    const auto is_another = [](std::string_view value) { return !http::equal_ignoring_case(value, "websocket"); };
    const bool once = all.count(opening_field::upgrade) == 1;
    if (is_another(all.first(opening_field::upgrade)) ||
        (!once && http::detail::visit_values(head.fields, "upgrade", is_another))) {
        return judge.ends_with(ws::errc::upgrade_not_confirmed);
    }
    if (!once && judge.ends_with(ws::errc::upgrade_repeated)) return true;
    // Connection has `upgrade` (RFC 6455 section 4.1, item 3 of the response) [H16].
    if (!all.connection_upgrade && judge.ends_with(ws::errc::connection_not_confirmed)) return true;
    // There is one Sec-WebSocket-Accept, that of the key: so the answer comes from a server that has read this very
    // request (RFC 6455 section 4.1, item 4 of the response) [H16].
    if (all.count(opening_field::accept) != 1) return judge.ends_with(ws::errc::accept_missing);
    const std::array<char, 28> right = ws::accept_key(key);
    const bool same = sockless::equal(all.first(opening_field::accept), {right.data(), right.size()});
    return !same && judge.ends_with(ws::errc::accept_wrong);
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Judges the head of the response to a request with this key (RFC 6455 section 4.1) [H16] [H17]. The offers are given
/// as the values of the fields that `write_request` wrote, empty if it wrote none. A status other than 101 is
/// `unexpected_status`.
[[nodiscard]] constexpr opening_response check_response(const http::head& head, std::string_view key,
                                                        std::string_view offered_subprotocols,
                                                        std::string_view offered_extensions,
                                                        on_fault reaction = on_fault::stop) noexcept {
    const detail::opening_fields all(head.fields);
    detail::opening_judge judge(reaction);
    opening_response response{};
    if (!detail::ends_with_switch(head, all, key, judge)) {
        detail::judge_answer(response, head.fields, all, offered_subprotocols, offered_extensions, judge);
    }
    response.error = judge.error();
    response.faults = judge.faults();
    return response;
}

} // namespace sockless::ws

// ==================================== sockless/ws/opening/extended_connect.hpp ====================================
// The opening handshake over HTTP/2 and HTTP/3, from the pseudo-fields and fields of a request (RFC 8441, RFC 9220).

namespace sockless::ws::detail {

/// Whether a name may stand in HTTP/2 and HTTP/3: a token without upper-case letters (RFC 9113 section 8.2.1).
[[nodiscard]] constexpr bool is_lower_case_token(std::string_view name) noexcept {
    for (const char c : name) {
        if (http::detail::lower(c) != c) return false;
    }
    return http::is_token(name);
}

/// Whether a value may stand in HTTP/2 and HTTP/3: no white space before it and behind it (RFC 9113 section 8.2.1).
[[nodiscard]] constexpr bool is_bare_value(std::string_view value) noexcept {
    if (value.empty()) return true;
    return !http::detail::is_white(value.front()) && !http::detail::is_white(value.back()) &&
           http::is_field_value(value);
}

/// Whether a field is about one connection of HTTP/1.1, and means nothing to a stream of HTTP/2 or HTTP/3. TE may stand
/// in a request if its value is `trailers` (RFC 9113 section 8.2.2).
[[nodiscard]] constexpr bool is_connection_field(const field& each, http::message_kind kind) noexcept {
    constexpr std::string_view names[] = {"connection", "upgrade",          "transfer-encoding",
                                          "keep-alive", "proxy-connection", "http2-settings"};
    for (const std::string_view name : names) {
        if (sockless::equal(each.name, name)) return true;
    }
    if (!sockless::equal(each.name, "te")) return false;
    return kind == http::message_kind::response || !http::equal_ignoring_case(each.value, "trailers");
}

/// The pseudo-fields of a request or response (RFC 9113 section 8.3), collected. All fields are checked, as the stack
/// below may not do it.
class pseudo_fields {
  public:
    enum name : std::uint8_t { method, protocol, scheme, path, authority, status };

    template <class Fields>
    constexpr pseudo_fields(const Fields& fields, http::message_kind kind) noexcept {
        bool fields_began = false;
        for (const field& each : fields) {
            if (each.name.empty() || each.name.front() != ':') {
                fields_began = true;
                note(check_field(each, kind));
            } else if (fields_began || !add(each, kind)) {
                // A pseudo-field is one of this kind of message, there once, and before all fields (RFC 9113 section
                // 8.3) [H22].
                note(ws::errc::bad_pseudo_field);
            } else if (!is_bare_value(each.value)) {
                note(ws::errc::malformed_field);
            }
        }
    }

    [[nodiscard]] constexpr std::string_view operator[](name one) const noexcept { return values_[one]; }
    [[nodiscard]] constexpr bool has(name one) const noexcept { return values_[one].data() != nullptr; }

    ws::errc error = ws::errc::none; ///< the first that was found

  private:
    constexpr void note(ws::errc found) noexcept {
        if (error == ws::errc::none) error = found;
    }

    [[nodiscard]] static constexpr ws::errc check_field(const field& each, http::message_kind kind) noexcept {
        // A name is in lower case, and a value has no white space around it (RFC 9113 section 8.2.1) [H22].
        if (!is_lower_case_token(each.name) || !is_bare_value(each.value)) return ws::errc::malformed_field;
        // Fields of a connection make a message malformed (RFC 9113 section 8.2.2; RFC 8441 section 5) [H22].
        return is_connection_field(each, kind) ? ws::errc::connection_field : ws::errc::none;
    }

    // The value of a pseudo-field that is there is never null, and so differs from one that is not there.
    constexpr bool add(const field& each, http::message_kind kind) noexcept {
        constexpr std::string_view names[] = {":method", ":protocol", ":scheme", ":path", ":authority", ":status"};
        for (std::size_t i = 0; i != values_.size(); ++i) {
            if (!sockless::equal(each.name, names[i])) continue;
            const bool of_response = i == status;
            if (of_response != (kind == http::message_kind::response) || values_[i].data() != nullptr) return false;
            values_[i] = each.value.data() == nullptr ? std::string_view("") : each.value;
            return true;
        }
        return false;
    }

    std::array<std::string_view, 6> values_{};
};

[[nodiscard]] constexpr ws::errc check_pseudo_fields(const pseudo_fields& pseudo, const opening_fields& all) noexcept {
    if (pseudo.error != ws::errc::none) return pseudo.error;
    // The method is CONNECT and there is a `:protocol`; other requests ask for no WebSocket (RFC 8441 section 4) [H22].
    if (!sockless::equal(pseudo[pseudo_fields::method], "CONNECT") || !pseudo.has(pseudo_fields::protocol)) {
        return ws::errc::not_extended_connect;
    }
    // The protocol is `websocket` (RFC 8441 section 5); the answer to another one is 501 (RFC 9220 section 3) [H22].
    if (!http::equal_ignoring_case(pseudo[pseudo_fields::protocol], "websocket")) return ws::errc::protocol_unknown;
    // `:scheme` and `:path` are there, unlike in a plain CONNECT (RFC 8441 section 4) [H22], and are those of an http
    // or https URI without a fragment (section 5).
    const std::string_view path = pseudo[pseudo_fields::path];
    const std::string_view scheme = pseudo[pseudo_fields::scheme];
    if (!sockless::equal(scheme, "https") && !sockless::equal(scheme, "http")) return ws::errc::bad_pseudo_field;
    if (!http::is_target(path) || path.front() != '/') return ws::errc::bad_pseudo_field;
    for (const char c : path) {
        if (c == '#') return ws::errc::bad_pseudo_field;
    }
    const std::string_view authority = pseudo[pseudo_fields::authority];
    if (!http::is_host(authority)) return ws::errc::bad_pseudo_field;
    // What follows the request are frames, and no content whose size could be announced (RFC 9110 section 9.3.6) [H22].
    // Sec-WebSocket-Key means nothing, and is not looked at.
    if (all.has(opening_field::content_length)) return ws::errc::unexpected_body;
    // A Host is the same as `:authority`, else the request is ambiguous (RFC 9113 section 8.3.1) [H22].
    if (all.count(opening_field::host) > 1) return ws::errc::host_missing;
    if (all.has(opening_field::host) && !http::equal_ignoring_case(all.first(opening_field::host), authority)) {
        return ws::errc::bad_host;
    }
    return ws::errc::none;
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Judges a request of HTTP/2 or HTTP/3 from its pseudo-fields and fields, in their order (RFC 8441 section 5) [H22].
/// All that makes a request malformed is checked, so the stack below need not do it (RFC 9113 section 8). `Fields` is
/// any range of `field`. `error` has the status that answers it. To accept, answer 2xx with Sec-WebSocket-Protocol and
/// Sec-WebSocket-Extensions as they were agreed, and take the data of the stream for frames.
template <class Fields>
[[nodiscard]] constexpr opening_request check_extended_connect(const Fields& fields) noexcept {
    const detail::opening_fields all(fields);
    const detail::pseudo_fields pseudo(fields, http::message_kind::request);
    opening_request request{
        .target = pseudo[detail::pseudo_fields::path],
        .host = pseudo[detail::pseudo_fields::authority],
        .origin = all.first(detail::opening_field::origin),
        .expects_continue = all.has(detail::opening_field::expect) && !all.expectation_unknown,
    };
    request.error = detail::check_pseudo_fields(pseudo, all);
    if (request.error) return request;
    detail::opening_judge judge(on_fault::stop);
    const bool ends = all.expectation_unknown && judge.ends_with(errc::expectation_unknown);
    if (!ends && !detail::ends_with_version(all, judge)) detail::judge_offers(fields, all, judge);
    request.error = judge.error();
    return request;
}

/// Judges a response of HTTP/2 or HTTP/3, like `check_response` (RFC 8441 section 5) [H22]: any 2xx accepts, and there
/// is no Sec-WebSocket-Accept, Upgrade or Connection. `Fields` is any range of `field`.
template <class Fields>
[[nodiscard]] constexpr opening_response check_connect_response(const Fields& fields,
                                                                std::string_view offered_subprotocols,
                                                                std::string_view offered_extensions) noexcept {
    const detail::opening_fields all(fields);
    const detail::pseudo_fields pseudo(fields, http::message_kind::response);
    const std::string_view status = pseudo[detail::pseudo_fields::status];
    opening_response response{};
    if (pseudo.error != errc::none) {
        response.error = pseudo.error;
    } else if (status.size() != 3 || !detail::read_decimal(status).valid) {
        response.error = errc::bad_pseudo_field;
    } else if (status.front() != '2') {
        response.error = errc::unexpected_status;
    } else {
        detail::opening_judge judge(on_fault::stop);
        detail::judge_answer(response, fields, all, offered_subprotocols, offered_extensions, judge);
        response.error = judge.error();
    }
    return response;
}

} // namespace sockless::ws

// ========================================= sockless/ws/opening/write.hpp ==========================================
// Writes the heads of the opening handshake over HTTP/1.1: the request, the 101, and refusals (RFC 6455 section 4).

namespace sockless::ws {

/// A client's request. All views are read during the call that they are given to, and not after it.
struct opening {
    std::string_view host{};                    ///< with the port unless it is the default: see `write_host`
    std::string_view target = "/";              ///< path and query, or the query alone; without a fragment
    list_view<std::string_view> subprotocols{}; ///< in order of preference: unique tokens, at most 64
    std::string_view extensions{};              ///< the value of Sec-WebSocket-Extensions; empty for none
    bool compression = true;                    ///< offer it, if the endpoint can compress
    std::string_view origin{};                  ///< empty for none
    list_view<field> fields{};                  ///< more fields, such as Authorization and Cookie
};

/// A server's acceptance of a request. All views are read during the call that they are given to, and not after it.
struct acceptance {
    /// One of those offered: see `choose_subprotocol`. `accept` checks that it was offered, `write_acceptance` does
    /// not. Empty for none.
    std::string_view subprotocol{};
    std::string_view extensions{}; ///< the value of Sec-WebSocket-Extensions; empty for none
    bool compression = true;       ///< agree to it, if it is offered and the endpoint can compress
    list_view<field> fields{};     ///< more fields, such as Set-Cookie

    /// For `write_acceptance`: whether to answer a key that is not 16 bytes in base64 (`errc::bad_key`), with the value
    /// for the key as it was sent. `accept` of a `basic_server` needs no word of it.
    bool any_key = false;
};

/// A server's refusal of a request. All views are read during the call that they are given to, and not after it.
struct refusal {
    std::uint16_t status = 400; ///< 200 to 599
    list_view<field> fields{};  ///< more fields, such as WWW-Authenticate and Location
    std::string_view body{};
    std::string_view content_type{}; ///< of the body; empty for none
    std::string_view reason{};       ///< the reason phrase; empty for the standard one

    /// The request is HEAD: the fields are those of an answer with the body, and the body is left out (RFC 9110 section
    /// 9.3.2). A `basic_server` finds that out by itself.
    bool to_head = false;
};

} // namespace sockless::ws

namespace sockless::ws::detail {

/// Writes more fields of the caller's, but none of those that the handshake itself is made of.
constexpr void put_fields(http::head_writer& head, list_view<field> fields, bool origin_written) noexcept {
    for (const field& each : fields) {
        const opening_field known = opening_field_of(each.name);
        const bool free = known == opening_field::other || (known == opening_field::origin && !origin_written);
        if (!free) head.fail(ws::errc::reserved_field);
        head.field(each.name, each.value);
    }
}

/// Writes all extensions into one field: a response may not have it twice (RFC 6455 section 11.3.2).
constexpr void put_extensions(http::head_writer& head, std::string_view extensions, std::string_view more) noexcept {
    if (!extensions.empty() && !ws::is_extension_list(extensions)) head.fail(ws::errc::bad_extensions);
    const std::string_view lists[] = {extensions, more};
    const std::size_t begin = extensions.empty() ? 1 : 0, end = more.empty() ? 1 : 2;
    if (begin < end)
        head.field("Sec-WebSocket-Extensions", std::span<const std::string_view>(lists + begin, end - begin));
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// The value of Host for a host and a port: without the port if that is the default of `ws:` (80) or `wss:` (443), and
/// an IPv6 address in brackets [H15]. A zone of the address, such as `%eth0`, says something to this machine only, and
/// is left out (RFC 6874 section 1). Written to the front of `out`; empty if there is no room or `host` is no host.
[[nodiscard]] constexpr std::string_view write_host(std::span<char> out, std::string_view host, std::uint16_t port,
                                                    bool secure) noexcept {
    detail::text_sink<char> sink(out);
    if (host.find(':') == std::string_view::npos) {
        sink.put(host);
    } else {
        if (host.front() == '[' && host.back() == ']') {
            host.remove_prefix(1);
            host.remove_suffix(1);
        }
        sink.put("[");
        sink.put(host.substr(0, host.find('%')));
        sink.put("]");
    }
    if (port != (secure ? 443 : 80)) {
        sink.put(":");
        sink.put_number(port);
    }
    if (!sink.complete() || !http::is_host(detail::text_at(out.data(), sink.size()))) return {};
    return detail::text_at(out.data(), sink.size());
}

/// Writes the request that opens a connection (RFC 6455 section 4.1) [H15], with a key from `encode_key`. Errors: those
/// of `head_writer` [H14], `bad_request_target`, `bad_host`, `bad_key`, `bad_subprotocol`, `too_many_subprotocols`,
/// `bad_extensions`, and `reserved_field` if a field of the caller's belongs to the handshake. `more_extensions` is a
/// list that follows `asked.extensions`, if the caller has the whole in two parts.
[[nodiscard]] constexpr written write_request(bytes out, std::span<const char, 24> key, const opening& asked,
                                              std::string_view more_extensions = {}) noexcept {
    http::head_writer head(out);
    // The target is a path, and never has a fragment (RFC 6455 section 3) [H15]. An empty path is `/` (RFC 3986 section
    // 6.2.3).
    const bool has_path = !asked.target.empty() && asked.target.front() == '/';
    const bool has_query = !asked.target.empty() && asked.target.front() == '?';
    if (!http::is_target(asked.target)) head.fail(http::errc::bad_target);
    if (!(has_path || has_query) || asked.target.find('#') != std::string_view::npos) {
        head.fail(errc::bad_request_target);
    }
    head.known(has_query ? "GET /" : "GET ").known(asked.target).known(" HTTP/1.1\r\n");
    if (!http::is_host(asked.host)) head.fail(errc::bad_host);
    head.field("Host", asked.host);
    head.known("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n");
    if (!detail::is_base64_of_16_bytes({key.data(), key.size()})) head.fail(errc::bad_key);
    head.field("Sec-WebSocket-Key", std::string_view(key.data(), key.size()));
    if (!asked.origin.empty()) head.field("Origin", asked.origin);
    detail::put_subprotocols(head, asked.subprotocols);
    detail::put_extensions(head, asked.extensions, more_extensions);
    detail::put_fields(head, asked.fields, !asked.origin.empty());
    return head.finish();
}

} // namespace sockless::ws

namespace sockless::ws::detail {

/// Writes a 101 for a key that was judged.
[[nodiscard]] constexpr written write_switch(bytes out, std::string_view key, const ws::acceptance& accepted,
                                             std::string_view more_extensions) noexcept {
    http::head_writer head(out);
    std::array<char, 28> accept{};
    if (!out.empty()) accept = ws::accept_key(key);
    head.known("HTTP/1.1 101 Switching Protocols\r\n"
               "Upgrade: websocket\r\n"
               "Connection: Upgrade\r\n"
               "Sec-WebSocket-Accept: ");
    head.known({accept.data(), accept.size()}).known("\r\n");
    put_subprotocol(head, accepted.subprotocol);
    put_extensions(head, accepted.extensions, more_extensions);
    // A 101 has no body, so the fields that announce one are reserved too (RFC 9112 section 6) [H9].
    put_fields(head, accepted.fields, true);
    return head.finish();
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Writes the 101 that accepts a request with this key (RFC 6455 section 4.2.2, item 5) [H9]. Errors: those of
/// `head_writer` [H14], `bad_key`, `bad_subprotocol`, `bad_extensions`, `reserved_field`. `more_extensions` as with
/// `write_request`. An empty `out` only asks for the room that the head takes, which costs no hash.
[[nodiscard]] constexpr written write_acceptance(bytes out, std::string_view key, const acceptance& accepted,
                                                 std::string_view more_extensions = {}) noexcept {
    if (!accepted.any_key && !detail::is_base64_of_16_bytes(key)) return {0, errc::bad_key};
    return detail::write_switch(out, key, accepted, more_extensions);
}

} // namespace sockless::ws

namespace sockless::ws::detail {

/// Writes all of a refusal but the empty line and the body, which is `size` bytes long.
constexpr void put_refusal(http::head_writer& head, const ws::refusal& refused, std::uint64_t size) noexcept {
    if (refused.status < 200 || refused.status > 599) head.fail(http::errc::bad_status);
    head.status_line(refused.status, refused.reason);

    const auto given = [&](std::string_view name) { return http::count(refused.fields, name) != 0; };
    const bool upgrade = refused.status == 426 || given("upgrade");
    // Upgrade is for the next peer only, so Connection names it (RFC 9110 section 7.8).
    std::string_view connection = "close";
    if (upgrade) connection = "close, Upgrade";
    head.field("Connection", connection);
    if (refused.status == 405 && !given("allow")) head.field("Allow", "GET");
    if (refused.status == 426 && !given("upgrade")) head.field("Upgrade", "websocket");
    // A client with another version is told the one that is spoken (RFC 6455 section 4.4) [H7].
    if (refused.status == 426 && !given("sec-websocket-version")) head.field("Sec-WebSocket-Version", "13");

    for (const field& each : refused.fields) {
        const opening_field known = opening_field_of(each.name);
        const bool reserved = known == opening_field::connection || known == opening_field::content_length ||
                              known == opening_field::transfer_encoding ||
                              (!refused.content_type.empty() && http::equal_ignoring_case(each.name, "content-type"));
        if (reserved) head.fail(ws::errc::reserved_field);
        head.field(each.name, each.value);
    }

    if (!refused.content_type.empty()) head.field("Content-Type", refused.content_type);
    const bool has_body = refused.status != 204 && refused.status != 205 && refused.status != 304;
    if (!has_body && size != 0) head.fail(http::errc::body_not_allowed);
    // 204 has no length, and with 304 it would be the length of another response (RFC 9110 section 8.6).
    if (has_body || refused.status == 205) head.field("Content-Length", size);
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Writes a response that refuses a request, with its body (RFC 6455 section 4.2.2) [H12]. Adds Content-Length and
/// `Connection: close`, and the fields that a status must have if the caller did not give them: Allow with 405, Upgrade
/// and Sec-WebSocket-Version with 426. Errors: those of `head_writer` [H14], `reserved_field`, `http::errc::bad_status`
/// for a status that is not from 200 to 599, `http::errc::body_not_allowed` for a body with 204, 205 or 304.
[[nodiscard]] constexpr written write_refusal(bytes out, const refusal& refused) noexcept {
    http::head_writer head(out);
    detail::put_refusal(head, refused, refused.body.size());
    // An answer to HEAD has no content (RFC 9110 section 9.3.2) [H12].
    return head.finish(refused.to_head ? std::string_view{} : refused.body);
}

/// Writes the refusal that answers an error: its status, or 400 if it has none, and its sentence as a line of text,
/// unless it goes `to_head` (see `refusal`).
[[nodiscard]] constexpr written write_refusal(bytes out, sockless::error error, bool to_head = false) noexcept {
    const refusal refused{
        .status = error.status() != 0 ? error.status() : std::uint16_t{400},
        .content_type = "text/plain",
    };
    http::head_writer head(out);
    detail::put_refusal(head, refused, error.sentence().size() + 1);
    return to_head ? head.finish() : head.finish(error.sentence(), "\n");
}

} // namespace sockless::ws

// ============================================ sockless/ws/opening.hpp =============================================
// All of the opening handshake: judged, negotiated and written, over HTTP/1.1, and on the fields of HTTP/2 and HTTP/3.

// ============================================== sockless/ws/pong.hpp ==============================================
// The Pongs that are due for a peer's Pings: all of them, as long as those that wait stay small.

namespace sockless::ws {

/// The payload of one control frame, at most 125 bytes.
///
///     ws::control_payload latest;
///     latest.assign(in);
///     error = peer.pong(latest.view());
class control_payload {
  public:
    /// Copies `payload`, or its first 125 bytes.
    constexpr void assign(cbytes payload) noexcept {
        size_ = static_cast<std::uint8_t>(payload.size() < max_control_payload ? payload.size() : max_control_payload);
        detail::copy(bytes_, payload.data(), size_);
    }

    /// Valid as long as this object.
    [[nodiscard]] constexpr cbytes view() const noexcept { return {bytes_, size_}; }

  private:
    std::uint8_t size_ = 0;
    std::byte bytes_[max_control_payload] = {};
};

/// Keeps account of Pongs. Every Ping is answered, in order, while the Pongs that wait to be sent take at most
/// `most_waiting` bytes. Of the Pings that come beyond that only the latest is answered, as RFC 6455 section 5.5.3
/// allows [F10]: so a flood of Pings takes no more memory than that.
///
///     ws::pongs pongs;
///     if (pongs.may_put(7)) pongs.put(7, 1000); // a Pong of 7 bytes, which ends at the 1000th byte of the output
///     if (pongs.sent(1000)) print("a Pong is still owed");
class pongs {
  public:
    /// Bytes of the Pongs that may wait in the output.
    static constexpr std::size_t most_waiting = 4096;

    /// Whether a Pong of `size` bytes, with its header, may be put into the output now.
    [[nodiscard]] constexpr bool may_put(std::size_t size) const noexcept { return waiting_ + size <= most_waiting; }

    /// A Pong of `size` bytes was put into the output, and ends there at `end`, counted from the first byte of all
    /// output.
    constexpr void put(std::size_t size, std::uint64_t end) noexcept {
        waiting_ = static_cast<std::uint16_t>(waiting_ + size);
        end_ = end;
    }

    /// `in_all` bytes of output have been sent, counted from the first byte of all output. Says whether a Pong is owed.
    constexpr bool sent(std::uint64_t in_all) noexcept {
        if (in_all >= end_) waiting_ = 0;
        return owed_;
    }

    /// Whether the latest Ping still waits for its answer. The connection remembers its payload.
    [[nodiscard]] constexpr bool owed() const noexcept { return owed_; }
    constexpr void owe(bool yes) noexcept { owed_ = yes; }

  private:
    std::uint64_t end_ = 0;
    std::uint16_t waiting_ = 0;
    bool owed_ = false;
};

} // namespace sockless::ws

// ======================================== sockless/ws/prepared_message.hpp ========================================
// A message that is made once and sent to many connections.

namespace sockless::ws {

/// A whole message for many connections: text is checked once, and the frame that a server sends is written once. The
/// connections of servers with memory from the heap hold the bytes together, each for as long as it has not sent them;
/// short messages they copy, as that costs less. Clients mask a copy, as each frame needs a key of its own. Connections
/// that compress do so each for itself, unless `deflate_stage::prepare` has compressed the message for all.
///
///     const ws::prepared_message news(ws::message_type::text, bytes_of("hello, all"sv));
///     for (ws::server& each : peers) static_cast<void>(each.send(news));
///
/// A copy shares the bytes. Copies may be used in different threads.
class prepared_message {
  public:
    /// Copies the payload. Look at `error()`.
    prepared_message(message_type type, byte_view payload) noexcept : type_(type) {
        if (type == message_type::text && !is_utf8(payload)) {
            error_ = errc::payload_not_utf8;
            return;
        }
        frame_ = frame_of(payload, 0);
    }

    /// `payload_not_utf8` or `no_memory`; then it cannot be sent.
    [[nodiscard]] sockless::error error() const noexcept { return frame_ ? errc::none : error_; }

    /// Text or binary.
    [[nodiscard]] message_type type() const noexcept { return type_; }

    /// The payload. Valid as long as the message, or a copy of it.
    [[nodiscard]] cbytes payload() const noexcept { return payload_of(frame_); }

    /// Adds the payload as permessage-deflate sends it (RFC 7692 section 7.2.1), compressed with a window of so many
    /// bits and without reference to another message: for the connections that may send with such a window. Copies
    /// `deflated`. If that is empty, the message is not worth compressing, and all connections send it as it is.
    /// Errors: `no_memory`. See `deflate_stage::prepare`.
    [[nodiscard]] sockless::error add_deflated(cbytes deflated, unsigned window_bits) noexcept {
        stays_ = deflated.empty();
        if (stays_) return {};
        detail::shared_bytes frame = frame_of(deflated, rsv::rsv1);
        if (!frame) return errc::no_memory;
        deflated_ = static_cast<detail::shared_bytes&&>(frame);
        window_bits_ = static_cast<std::uint8_t>(window_bits);
        return {};
    }

  private:
    [[nodiscard]] detail::shared_bytes frame_of(cbytes payload, std::uint8_t reserved) const noexcept {
        const frame_header header{.opcode = static_cast<opcode>(type_), .rsv = reserved};
        detail::shared_bytes frame(header_size(payload.size(), false) + payload.size());
        if (frame) static_cast<void>(encode(frame.contents(), header, payload));
        return frame;
    }

    [[nodiscard]] static cbytes payload_of(const detail::shared_bytes& whole) noexcept {
        const cbytes frame = whole.contents();
        if (frame.empty()) return {};
        // The second byte says how many bytes the length takes (RFC 6455 section 5.2).
        return frame.subspan(frame[1] < std::byte{126} ? 2 : frame[1] == std::byte{126} ? 4 : 10);
    }

    template <role Own, class Buffer, compression Compression, class Handshake>
    friend class connection;

    detail::shared_bytes frame_{};
    detail::shared_bytes deflated_{}; // a frame too
    errc error_ = errc::no_memory;    // if there is no frame
    message_type type_;
    std::uint8_t window_bits_ = 0; // of `deflated_`
    bool stays_ = false;           // it is not worth compressing
};

} // namespace sockless::ws

// =========================================== sockless/ws/connection.hpp ===========================================
// The open WebSocket, the same for both ends: messages, Pongs, the closing handshake, deadlines, output.

namespace sockless::ws {

/// How a connection behaves. Durations are in milliseconds, sizes in bytes. Timeouts need a caller that calls `tick`.
struct options {
    ws::limits limits{};                   ///< on what the peer sends once the connection is open
    http::limits head{};                   ///< on what the peer sends before
    std::size_t output = 32 * 1024 * 1024; ///< the most that waits to be sent, if the memory comes from the heap
    ws::tolerated tolerated{};             ///< rules about frames that the peer may break

    std::uint32_t handshake_timeout = 10'000; ///< for the opening handshake, from the first `tick`
    std::uint32_t close_timeout = 5'000; ///< for the peer's Close after ours, and for the server to end the connection
    std::uint32_t ping_interval = never; ///< of silence, after which a Ping asks for a sign of life
    std::uint32_t pong_timeout = 20'000; ///< for any sign of life after that Ping

    bool automatic_pongs = true; ///< answer Pings; else the caller does, with `pong` (RFC 6455 section 5.5.2)
    bool whole_messages = true;  ///< `message` events; else `piece` events as bytes come, and no memory but to inflate
    bool show_frames = false;    ///< a `frame` event for each header, for programs that inspect
    bool show_requests = false;  ///< server: requests for no upgrade are shown (`http_request`), not refused with 426

    /// Requests, and responses with status 101, that break a rule which does not touch framing (`acceptable_faults`)
    /// are shown with their error, and the caller decides. Else they are refused, or fail the connection.
    bool show_faults = false;
};

/// The state of a connection (RFC 6455 section 7.1).
enum class state : std::uint8_t {
    opening, ///< the opening handshake is not done
    open,    ///< messages go both ways
    closing, ///< our Close was sent; messages still come until the peer's
    closed,  ///< nothing comes any more; what is queued still goes out
};

/// How `send_written` queues what was written. In bytes of payload.
struct written_message {
    std::size_t likely = 512; ///< the size that it will probably have: then it is written once
    std::size_t reserve = 0;  ///< so much can be sent afterwards

    /// The most bytes in one message; at least 4. A longer payload goes out as several messages, and text is cut
    /// between characters. For protocols that give no meaning to the boundaries of messages.
    std::size_t most = SIZE_MAX;
};

/// Makes a server or client begin open: another library, or HTTP/2, has done the opening handshake. See the
/// constructors of `basic_server` and `basic_client`.
struct already_open {};

} // namespace sockless::ws

namespace sockless::ws::detail {

struct no_keys {};

/// A connection that always begins open has no opening handshake.
struct no_handshake {};

} // namespace sockless::ws::detail

namespace sockless::ws {

/// One end of an open WebSocket: the part that `basic_server` and `basic_client` share, once their opening handshake is
/// done. See these two. `Buffer` holds messages that come in pieces, and output. `Compression` is `no_compression` or a
/// `deflate_stage`. `Handshake` is the state of the opening handshake. Nothing here does I/O, reads a clock, or
/// allocates but through `Buffer` and `Compression`.
template <role Own, class Buffer, compression Compression = no_compression, class Handshake = detail::no_handshake>
class connection {
  public:
    using event = ws::event;
    using kind = ws::kind;

    /// Queues a whole message. Text must be UTF-8. Errors: `not_open` before and after the connection is open and once
    /// a Close was sent (RFC 6455 section 5.5.1), `message_open` inside a message in pieces, `payload_not_utf8`,
    /// `no_room` if the output's limit would be passed, client: `no_entropy` if there is no masking key; then nothing
    /// was queued.
    [[nodiscard]] sockless::error send(message_type type, byte_view payload,
                                       compressed wish = compressed::automatic) noexcept {
        if (sending_ != sending::nothing) return is_open() ? errc::message_open : errc::not_open;
        return send_piece(type, payload, true, wish);
    }

    /// Queues a message that was prepared for many connections. A server with memory from the heap shares the bytes
    /// with all that wait to send them. Errors: those of `send`, and that of `message`.
    [[nodiscard]] sockless::error send(const prepared_message& message,
                                       compressed wish = compressed::automatic) noexcept {
        if (sending_ != sending::nothing) return is_open() ? errc::message_open : errc::not_open;
        if (!is_open()) return errc::not_open;
        if (message.error()) return message.error();
        if constexpr (Compression::available) {
            if (message.stays_ && wish == compressed::automatic) wish = compressed::never;
            if (compression_.wants(wish, message.payload().size(), true)) {
                if (!message.deflated_ || message.window_bits_ > compression_.window()) {
                    return queue_data(message.type(), true, message.payload(), wish);
                }
                const errc refused = queue_prepared(message, message.deflated_, rsv::rsv1);
                // Later messages must not count on what the peer's window held before [D8].
                if (refused == errc::none) compression_.abandon();
                return refused;
            }
        }
        return queue_prepared(message, message.frame_, 0);
    }

    /// Queues a whole message of this type: see `send`.
    [[nodiscard]] sockless::error send_text(std::string_view text, compressed wish = compressed::automatic) noexcept {
        return send(message_type::text, bytes_of(text), wish);
    }
    [[nodiscard]] sockless::error send_binary(byte_view payload, compressed wish = compressed::automatic) noexcept {
        return send(message_type::binary, payload, wish);
    }

    /// Queues a piece of a message as a frame of its own; `last` ends the message. `type` must be the same for all its
    /// pieces. A character of text may be cut. The first piece says how the message is compressed; each is compressed
    /// so that the peer can read it at once. Errors: those of `send`; `message_open` if `type` differs.
    [[nodiscard]] sockless::error send_piece(message_type type, byte_view payload, bool last,
                                             compressed wish = compressed::automatic) noexcept {
        if (!is_open()) return errc::not_open;
        const auto as = type == message_type::text ? sending::text : sending::binary;
        if (sending_ != sending::nothing && sending_ != as) return errc::message_open;

        utf8_validator text = outgoing_text_;
        if (type == message_type::text && (text.feed(payload) != payload.size() || (last && !text.complete()))) {
            return errc::payload_not_utf8;
        }
        if (const errc refused = queue_data(type, last, payload, wish); refused != errc::none) return refused;
        outgoing_text_ = text;
        sending_ = last ? sending::nothing : as;
        return {};
    }

    /// Queues a whole message that `write` writes straight into the output, so that it is not copied: as text if it is
    /// UTF-8, else as binary. `write(room)` writes the message to the front of `room` and returns `written`. If `room`
    /// is too small, it returns `no_room` and the size that it needs, and is called again with so much room. `note()`
    /// is called once the message was written; if it returns an error, the message is not sent. Errors: those of
    /// `write` and `note`, `not_open`, `message_open`, `no_room`, `no_entropy`.
    template <class Write, class Note = detail::note_nothing>
    [[nodiscard]] sockless::error send_written(Write write, const written_message& settings = {},
                                               Note note = {}) noexcept {
        if (!is_open()) return errc::not_open;
        if (sending_ != sending::nothing) return errc::message_open;
        if constexpr (Compression::available) {
            if (compression_.wants(compressed::automatic, settings.likely, true)) {
                const sockless::error refused = put_messages<true>(write, settings, note);
                if (refused != errc::no_room) return refused;
            }
        }
        return put_messages<false>(write, settings, note);
    }

    /// Queues a Ping, with up to 125 bytes. Errors: `not_open`, `control_frame_too_long`, `no_room`, `no_entropy`.
    [[nodiscard]] sockless::error ping(byte_view payload = {}) noexcept { return send_control(opcode::ping, payload); }

    /// Queues a Pong, with up to 125 bytes: an answer if `automatic_pongs` is off, or an unsolicited one (RFC 6455
    /// section 5.5.3). Errors: those of `ping`.
    [[nodiscard]] sockless::error pong(byte_view payload = {}) noexcept { return send_control(opcode::pong, payload); }

    /// Begins the closing handshake: queues a Close, after which nothing more can be sent. Messages are still received
    /// until the peer's Close; then comes `closed`. 1005 sends a Close without a code. Errors: `not_open`,
    /// `close_code_not_sendable`, `close_reason_too_long`, `payload_not_utf8` (RFC 6455 sections 5.5.1 and 7.1.2),
    /// `no_entropy`, and `no_room` if the output is smaller than a Close.
    [[nodiscard]] sockless::error close(std::uint16_t code = ws::close_code::normal,
                                        std::string_view reason = {}) noexcept {
        if (!is_open()) return errc::not_open;
        if (const sockless::error refused = queue_close(code, bytes_of(reason))) return refused;
        phase_ = phase::closing;
        deadline_.begin(close_timeout_);
        return {};
    }

    /// Ends the connection in the way that its state asks for, as when the program ends: refuses a client that is not
    /// yet accepted with 503 (RFC 9110 section 15.6.4), says Close with 1001 if the connection is open, and else does
    /// nothing. Go on as before until `done()`.
    void shut_down() noexcept {
        if (is_opening()) {
            give_up(errc::shut_down);
        } else if (is_open()) {
            if (close(ws::close_code::going_away)) give_up(errc::shut_down);
        }
    }

    /// The bytes that are to be sent next, the oldest first; at most 64 KiB at a time. Empty if there are none. They
    /// neither move nor change until `sent` takes them: also while more is sent, received and ticked, and when memory
    /// is released. So an asynchronous write may read from them. The connection outlives the write.
    [[nodiscard]] cbytes output() const noexcept { return output_.output(); }

    /// The same bytes in several pieces, for a host that can write such at once (`writev`, `WSASend`): fills the front
    /// of `pieces`, the oldest first, and returns the part that was filled. 16 are enough for nearly all that waits.
    /// Say with `sent` how many bytes of them were sent in all.
    [[nodiscard]] std::span<const cbytes> output(std::span<cbytes> pieces) const noexcept {
        return pieces.first(output_.output(pieces));
    }

    /// Says that the first `size` bytes of `output()` were sent. A short write is normal. More bytes than `output()`
    /// had are a fault of the caller: an assertion fails, or, with `NDEBUG`, nothing is taken.
    void sent(std::size_t size) noexcept {
        if (!output_.sent(size)) return;
        const std::uint64_t in_all = output_.sent_in_all();
        const bool awaits_leaving = in_all - size < awaited_;
        if (awaits_leaving && in_all >= awaited_) {
            // An answer can be expected from now on.
            deadline_.begin_again();
        } else if (awaits_leaving || !output_.empty()) {
            // A peer that takes waiting output is alive. Output that leaves without waiting proves nothing.
            progresses_ = true;
        }
        if (decoding_ && open_.pongs.sent(in_all)) send_owed_pong();
    }

    /// How many bytes wait to be sent in all, for callers that stop producing while there are too many.
    [[nodiscard]] std::size_t waiting() const noexcept { return output_.size(); }

    /// Says that bytes of the peer wait which the caller does not give to `next` yet, as it cannot take what they
    /// bring. They count as a sign of life at the next `tick`. Call it before each `tick` as long as nothing is read:
    /// else a peer that answers Pings looks silent, as its Pongs wait behind those bytes.
    void hold_input() noexcept { heard_ = true; }

    /// Says what time it is. Call it after each wait, once the received bytes were given to `next`. Does all that is
    /// due: sends a Ping, or ends a wait that took too long, which is a `closed` event. A wait that has begun since the
    /// last call counts from this one, as the time at which it began is not known.
    [[nodiscard]] event tick(instant now) noexcept {
        if (now == no_deadline) return {};
        if (progresses_) deadline_.begin_again();
        if (heard_ && is_open()) {
            phase_ = phase::open;
            deadline_.begin(ping_interval_);
        }
        heard_ = progresses_ = false;
        if (!deadline_.pass(now)) return {};
        switch (phase_) {
        case phase::opening: return fail(errc::handshake_timeout);
        case phase::open:
            phase_ = phase::probing;
            // If there is no room for a Ping, output waits that the peer does not take. That is silence too.
            if (const sockless::error refused = ping(); refused == errc::no_entropy) return fail(refused);
            awaited_ = end_of_output();
            deadline_.begin_at(now, pong_timeout_);
            return {};
        case phase::probing: return fail(errc::pong_timeout);
        case phase::closing:
        case phase::failed: {
            const event end = end_input(errc::close_timeout);
            phase_ = phase::over;
            return end;
        }
        case phase::closed:
        case phase::over: phase_ = phase::over; return {};
        }
        return {};
    }

    /// When `tick` has something to do next; `no_deadline` if nothing is waited for. 0, which is at once, if a wait has
    /// begun since the last `tick`: it counts from the next one.
    [[nodiscard]] instant next_deadline() const noexcept { return deadline_.next(); }

    /// Says that the peer has ended its side of the connection (`recv` gave 0), or that it broke. Gives a `closed`
    /// event with 1006 if that was too soon (RFC 6455 section 7.1.5) [C8]. Queued bytes still go out: the peer may have
    /// ended only its own side.
    [[nodiscard]] event finish() noexcept { return end_input(errc::end_of_input); }

    /// Whether there is nothing left to do but to end the TCP connection. A server ends it as soon as the last bytes
    /// are sent; a client first waits for the server to do so (RFC 6455 section 7.1.1) [C6]. Neither waits for longer
    /// than `close_timeout` without progress. End it with `shutdown(SHUT_WR)` and read on until the peer has ended its
    /// side too, for a bounded time: closing a socket with bytes unread resets the connection, and the last Close may
    /// be lost.
    [[nodiscard]] bool done() const noexcept {
        if (phase_ >= phase::over) return true;
        if (phase_ < phase::failed) return false;
        return output_.empty() && (Own == role::server || !was_clean_ || input_ended_);
    }

    /// The state of the connection. Messages can be sent while it is `open`.
    [[nodiscard]] ws::state state() const noexcept {
        constexpr ws::state states[] = {state::opening, state::open,   state::open,  state::closing,
                                        state::closed,  state::closed, state::closed};
        return states[static_cast<std::size_t>(phase_)];
    }
    [[nodiscard]] bool is_open() const noexcept { return phase_ == phase::open || phase_ == phase::probing; }

    /// The error of the `closed` event, if it had one. It stays.
    [[nodiscard]] sockless::error error() const noexcept { return error_; }

    /// The content of the `closed` event: the code, 0 before that event; the reason of the peer's Close, valid as long
    /// as the connection; and whether both sides had sent a Close. All three stay.
    [[nodiscard]] std::uint16_t close_code() const noexcept { return close_code_; }
    [[nodiscard]] std::string_view close_reason() const noexcept {
        return close_code_ != 0 && decoding_ ? text_of(open_.held.view()) : std::string_view{};
    }
    [[nodiscard]] bool was_clean() const noexcept { return was_clean_; }

    /// The header of the frame that the last event came from, and the place of its first byte, counted from the first
    /// byte after the opening handshake. Only once the connection is open.
    [[nodiscard]] frame_header frame() const noexcept { return decoding_ ? open_.decoder.header() : frame_header{}; }
    [[nodiscard]] std::uint64_t frame_offset() const noexcept { return decoding_ ? open_.decoder.frame_offset() : 0; }

    /// Gives back memory that is not in use, for a connection that will be idle. Payloads that were handed out are then
    /// no longer valid; the bytes that `output()` shows stay.
    void release_memory() noexcept {
        if constexpr (Compression::available) {
            compression_.release(sending_ != sending::nothing);
            if (decoding_ && !compression_.in_message()) assembler_.release();
        } else {
            if (decoding_) assembler_.release();
        }
        output_.release();
    }

    /// The part that compresses. It tells the terms that were agreed to.
    [[nodiscard]] const Compression& compression() const noexcept { return compression_; }

  protected:
    using key_source = std::conditional_t<Own == role::client, entropy, detail::no_keys>;

    connection(const options& settings, Buffer input, Buffer output, const Handshake& handshake,
               key_source masking_keys, Compression&& compression) noexcept
        : before_{handshake, settings.limits, settings.tolerated},
          assembler_(static_cast<Buffer&&>(input)),
          output_(output),
          masking_keys_(static_cast<key_source&&>(masking_keys)),
          compression_(static_cast<Compression&&>(compression)),
          close_timeout_(settings.close_timeout),
          ping_interval_(settings.ping_interval),
          pong_timeout_(settings.pong_timeout),
          automatic_pongs_(settings.automatic_pongs),
          whole_messages_(settings.whole_messages),
          show_frames_(settings.show_frames) {
        deadline_.begin(settings.handshake_timeout);
        if constexpr (Own == role::client) output_.keep();
    }

    // A copy would share the memory of a `span_buffer`, and repeat masking keys.
    connection(connection&&) noexcept = default;
    connection& operator=(connection&&) noexcept = default;

    [[nodiscard]] static std::size_t input_limit(const options& settings) noexcept {
        const std::uint64_t head = settings.head.head, message = settings.limits.message;
        const std::uint64_t most = message > head ? message : head;
        return most > SIZE_MAX ? SIZE_MAX : static_cast<std::size_t>(most);
    }

    // True until the first frame is read: so long the results of the handshake can be asked for.
    [[nodiscard]] bool has_handshake() const noexcept { return !decoding_; }
    [[nodiscard]] Handshake& handshake() noexcept { return before_.handshake; }
    [[nodiscard]] const Handshake& handshake() const noexcept { return before_.handshake; }
    [[nodiscard]] bool is_opening() const noexcept { return phase_ == phase::opening; }

    // Holds heads that come in pieces, then messages.
    [[nodiscard]] Buffer& input() noexcept { return assembler_.memory(); }
    [[nodiscard]] key_source& masking_keys() noexcept { return masking_keys_; }
    [[nodiscard]] Compression& compression_stage() noexcept { return compression_; }

    // A client's request, until it was answered.
    [[nodiscard]] cbytes kept_output() const noexcept { return output_.kept(); }

    [[nodiscard]] event end_input(errc reason) noexcept {
        input_ended_ = true;
        return phase_ >= phase::failed ? tell_end() : fail(reason);
    }

    void note_input(cbytes in) noexcept {
        if (!in.empty()) heard_ = true;
    }

    // The short way to an event: a whole message in one frame, if frames are read and nothing else is under way. Says
    // whether `found` is that event; if not, the next event comes from `next_open`.
    [[nodiscard]] SOCKLESS_ALWAYS_INLINE bool find_whole_message(bytes& in, event& found) noexcept {
        if (!decoding_) return false;
        if constexpr (Compression::available) {
            if (compression_.inflating()) return false;
        }
        if (open_.decoder.take_whole_message(in, found.type, found.payload) != decoder::took::message) return false;
        found.kind = whole_messages_ ? kind::message : kind::piece;
        found.first = found.last = true;
        return true;
    }

    // The opening handshake is done. Its results can be read until the next call.
    void become_open() noexcept {
        if constexpr (Own == role::client) output_.let_go();
        phase_ = phase::open;
        deadline_.begin(ping_interval_);
    }

    // Queues a head that `write` writes to a span. A head that opens a connection leaves room for the Close that ends
    // it; a refusal needs none.
    template <class Write>
    [[nodiscard]] sockless::error queue_opening(std::size_t likely, Write write) noexcept {
        return detail::put(output_, likely, room_for_close, errc::no_room, write);
    }
    template <class Write>
    [[nodiscard]] sockless::error queue_refusal(std::size_t likely, Write write) noexcept {
        return detail::put(output_, likely, 0, errc::no_room, write);
    }

    // Whether the request that a server reads, or has read, is HEAD.
    [[nodiscard]] bool is_head() noexcept {
        if constexpr (requires { handshake().is_head(input()); }) {
            return handshake().is_head(input());
        } else {
            return false;
        }
    }

    // A refusal was queued, or the request was given up: the end without an error.
    void become_refused() noexcept { become_closed(phase::failed); }

    // Everything after the opening handshake.
    [[nodiscard]] event next_open(bytes& in) noexcept {
        if (phase_ >= phase::failed) {
            // After the closing handshake, a failure or a refusal nothing more is read (RFC 6455 section 7.1.7) [C7]
            // [H19].
            in = in.subspan(in.size());
            return tell_end();
        }
        if (!decoding_) begin_decoding();
        if constexpr (Compression::available) {
            if (compression_.inflating()) {
                const event found = take_inflated(in);
                if (found || compression_.inflating()) return found;
            }
        }
        for (;;) {
            const bytes before = in;
            const decoder::event found = open_.decoder.next_stepwise(in);
            if (!found) return {};
            switch (found.kind) {
            case decoder::kind::data:
                if constexpr (Compression::available) {
                    if (found.compressed) {
                        if (const event message = take_compressed(found, before, in)) return message;
                        break;
                    }
                }
                if (const event message = take_data(found)) return message;
                break;
            case decoder::kind::ping: return take_ping(found.payload);
            case decoder::kind::pong: return {.kind = kind::pong, .payload = found.payload};
            case decoder::kind::close: return take_close(found);
            case decoder::kind::error: return fail(found.error);
            case decoder::kind::frame: return {.kind = kind::frame};
            case decoder::kind::need_input: break;
            }
        }
    }

    // The one way to fail (RFC 6455 section 7.1.7) [C7]: the Close with the code of the error, or before the connection
    // is open the refusal with its status, is the last thing sent; nothing more is read.
    [[nodiscard]] event fail(sockless::error reason) noexcept {
        give_up(reason);
        return tell_end();
    }

    void give_up(sockless::error reason) noexcept {
        error_ = reason;
        if (is_open()) static_cast<void>(queue_close(reason.close_code(), bytes_of(reason.sentence())));
        if constexpr (Own == role::server) {
            if (is_opening() && reason.status() != 0) {
                const bool to_head = is_head();
                const auto write = [=](bytes out) { return write_refusal(out, reason, to_head); };
                static_cast<void>(queue_refusal(256, write));
            }
        }
        become_closed(phase::failed);
    }

    // The `closed` event of an end without the peer's Close, once.
    [[nodiscard]] event tell_end() noexcept {
        if (phase_ != phase::failed) return {};
        phase_ = phase::closed;
        close_code_ = ws::close_code::abnormal;
        return {.kind = kind::closed, .code = close_code_, .error = error_};
    }

  private:
    // Drawn in docs/design.md. The order counts: before `failed` frames are read, from `over` on all is done.
    enum class phase : std::uint8_t {
        opening, // the opening handshake is not done
        open,    // messages go both ways
        probing, // likewise, and a Ping of ours asks for a sign of life
        closing, // our Close was sent, the peer's is awaited
        failed,  // nothing is read any more; the `closed` event is still to be given
        closed,  // likewise, and it was given
        over,    // as `closed`, and nothing is waited for
    };

    // The type of the message in pieces that is being sent, if there is one.
    enum class sending : std::uint8_t { nothing, text, binary };

    // A Close always fits, even if the queue is full.
    static constexpr std::size_t room_for_close = 6 + max_control_payload;

    // Bytes: the largest piece that compressed data is handed out in, and the least that a message is inflated to.
    static constexpr std::size_t largest_inflated_piece = 16 * 1024, least_inflated_piece = 512;

    struct before_frames {
        SOCKLESS_NO_UNIQUE_ADDRESS Handshake handshake;
        ws::limits limits;
        ws::tolerated tolerated;
    };

    struct while_frames {
        ws::decoder decoder;
        ws::pongs pongs;
        control_payload held; // the Ping that waits for its Pong; after the end the reason of the peer's Close
    };

    // The place in the output behind all that is queued, counted from the first byte of all output.
    [[nodiscard]] std::uint64_t end_of_output() const noexcept { return output_.sent_in_all() + output_.size(); }

    // Queued bytes still go out. The wait for that, or for the server to end the connection, has an end.
    void become_closed(phase end) noexcept {
        if constexpr (Compression::available) compression_.end();
        if (decoding_) {
            static_cast<void>(open_.decoder.finish());
            open_.held.assign({});
            open_.pongs.owe(false);
        }
        if constexpr (Own == role::client) output_.let_go();
        phase_ = end;
        awaited_ = end_of_output();
        deadline_.begin(close_timeout_);
    }

    void begin_decoding() noexcept {
        const ws::limits limits = before_.limits;
        const ws::tolerated tolerated = before_.tolerated;
        ::new (static_cast<void*>(&open_)) while_frames{decoder(Own, limits, tolerated), {}, {}};
        open_.decoder.show_frames(show_frames_);
        if constexpr (Compression::available) {
            open_.decoder.agree_to(compression_.agreement().agreed ? rsv::rsv1 : std::uint8_t{0});
            compression_.limit(limits.message);
        }
        input().release();
        decoding_ = true;
    }

    [[nodiscard]] event take_data(const decoder::event& found) noexcept {
        if (!whole_messages_) {
            return {.kind = kind::piece,
                    .type = found.type,
                    .first = found.first,
                    .last = found.last,
                    .payload = found.payload};
        }
        event message{.kind = kind::message, .type = found.type, .first = true, .last = true};
        switch (assembler_.add(found, message.payload)) {
        case assembler<Buffer>::status::complete: return message;
        case assembler<Buffer>::status::incomplete: return {};
        case assembler<Buffer>::status::no_room: break;
        }
        return fail(errc::message_too_big);
    }

    // The functions that only a compression has work for are templates. So nothing compiles them without one, also not
    // a unit that instantiates the whole class.

    // Inflates data that came compressed. The data lies directly before the rest of the input, and is inflated from
    // there: so its place need not be remembered. `before` is the input as it was before this frame.
    template <class = Compression>
    [[nodiscard]] event take_compressed(const decoder::event& found, bytes before, bytes& in) noexcept {
        if (found.first && whole_messages_) input().clear();
        compression_.add(found);
        in = before.last(found.payload.size() + in.size());
        return take_inflated(in);
    }

    // Inflates from the front of `in`, up to the next event, or up to the end of the compressed data in it.
    template <class = Compression>
    [[nodiscard]] event take_inflated(bytes& in) noexcept {
        std::size_t wanted = whole_messages_ ? least_inflated_piece : largest_inflated_piece;
        // Text shrinks to a quarter or less. Room that is there already costs nothing; further steps cost time.
        if (whole_messages_ && compression_.pending() > wanted / 4) wanted = 4 * compression_.pending();
        if (whole_messages_ && input().ready() > wanted) wanted = input().ready();
        for (;;) {
            const std::size_t free = input().limit() - input().size();
            if (wanted > free) wanted = free;
            const decoder::event found = compression_.inflate(in, input().prepare(wanted));
            if (found.kind == decoder::kind::error) return fail(found.error);
            if (!found) return {};
            event piece{.kind = kind::piece,
                        .type = found.type,
                        .first = found.first,
                        .last = found.last,
                        .compressed = true,
                        .payload = found.payload};
            if (!whole_messages_) return piece;
            input().commit(found.payload.size());
            if (found.last) {
                piece.kind = kind::message;
                piece.first = true;
                piece.payload = input().contents();
                return piece;
            }
            // More room is only needed if this was used up: else a message in many small pieces would take ever more.
            wanted = found.payload.size() == wanted ? 2 * wanted : wanted - found.payload.size();
        }
    }

    [[nodiscard]] event take_ping(bytes payload) noexcept {
        if (automatic_pongs_) {
            const errc refused = open_.pongs.owed() ? errc::no_room : queue_pong(payload);
            if (refused == errc::no_entropy) return fail(refused);
            if (refused != errc::none) {
                open_.held.assign(payload);
                open_.pongs.owe(true);
                send_owed_pong();
            }
        }
        return {.kind = kind::ping, .payload = payload};
    }

    [[nodiscard]] errc queue_pong(cbytes payload) noexcept {
        const std::size_t size = header_size(payload.size(), Own == role::client) + payload.size();
        if (!is_open() || !open_.pongs.may_put(size)) return errc::no_room;
        const errc refused = queue(opcode::pong, true, payload, room_for_close);
        if (refused == errc::none) open_.pongs.put(size, end_of_output());
        return refused;
    }

    void send_owed_pong() noexcept {
        const errc refused = queue_pong(open_.held.view());
        if (refused == errc::none) open_.pongs.owe(false);
        // No Pong can be sent any more.
        if (refused == errc::no_entropy) give_up(refused);
    }

    // A Close is answered once, with its own code (RFC 6455 section 5.5.1) [C4], and then no Pong is owed any more.
    [[nodiscard]] event take_close(const decoder::event& found) noexcept {
        if (is_open()) error_ = queue_close(found.code, {});
        was_clean_ = !error_;
        become_closed(phase::closed);
        open_.held.assign(found.payload);
        close_code_ = found.code;
        return {
            .kind = kind::closed, .clean = was_clean_, .code = found.code, .error = error_, .payload = found.payload};
    }

    [[nodiscard]] sockless::error send_control(opcode code, cbytes payload) noexcept {
        if (!is_open()) return errc::not_open;
        if (payload.size() > max_control_payload) return errc::control_frame_too_long;
        return queue(code, true, payload, room_for_close);
    }

    [[nodiscard]] sockless::error queue_close(std::uint16_t code, cbytes reason) noexcept {
        std::array<std::byte, max_control_payload> payload;
        const written close = encode_close_payload(payload, code, reason);
        if (close.error) return close.error;
        const errc refused = queue(opcode::close, true, bytes(payload).first(close.size), 0);
        if (refused == errc::none) awaited_ = end_of_output();
        return refused;
    }

    // Queues a frame of a message that many connections send.
    [[nodiscard]] errc queue_prepared(const prepared_message& message, const detail::shared_bytes& frame,
                                      std::uint8_t reserved) noexcept {
        if constexpr (Own == role::client) {
            const cbytes payload = prepared_message::payload_of(frame);
            return queue(static_cast<opcode>(message.type()), true, payload, room_for_close, reserved);
        }
        const cbytes all = frame.contents();
        if constexpr (requires { output_.share(frame, room_for_close); }) {
            if (all.size() >= output_.least_shared)
                return output_.share(frame, room_for_close) ? errc::none : errc::no_room;
        }
        const bytes room = output_.prepare(all.size(), room_for_close);
        if (room.empty()) return errc::no_room;
        detail::copy(room.data(), all.data(), all.size());
        output_.commit(all.size());
        return errc::none;
    }

    // Queues one frame if it fits. Errors: `no_room`, `no_entropy`.
    [[nodiscard]] errc queue(opcode code, bool fin, cbytes payload, std::size_t reserve,
                             std::uint8_t reserved = 0) noexcept {
        const std::size_t size = header_size(payload.size(), Own == role::client) + payload.size();
        const bytes room = output_.prepare(size, reserve);
        if (room.empty()) return errc::no_room;
        frame_header frame{.opcode = code, .fin = fin, .rsv = reserved};
        if (!mask(frame)) return errc::no_entropy;
        output_.commit(encode(room, frame, payload).size);
        return errc::none;
    }

    // False if a client has no key for the frame.
    [[nodiscard]] bool mask(frame_header& frame) noexcept {
        if constexpr (Own == role::server) {
            return true;
        } else {
            frame.masked = true;
            // A fresh, unpredictable key for each frame (RFC 6455 section 5.3) [F5].
            return masking_keys_.fill(frame.masking_key);
        }
    }

    // Queues one frame of a message if it fits, compressed if that is wanted. Errors: those of `queue`.
    [[nodiscard]] errc queue_data(message_type type, bool last, cbytes payload, compressed wish) noexcept {
        const bool first = sending_ == sending::nothing;
        const auto code = first ? static_cast<opcode>(type) : opcode::continuation;
        if constexpr (Compression::available) {
            if (first) compresses_ = compression_.wants(wish, payload.size(), last);
            if (compresses_) {
                const errc refused = queue_compressed(code, last, payload);
                if (refused != errc::no_room || !first) return refused;
                // If there is no memory for a window the message goes as it is (RFC 7692 section 6) [D10].
                compresses_ = false;
            }
        }
        return queue(code, last, payload, room_for_close);
    }

    // Deflates behind the largest header that there can be, as the size is known only afterwards.
    template <class = Compression>
    [[nodiscard]] errc queue_compressed(opcode code, bool fin, cbytes payload) noexcept {
        constexpr std::size_t headroom = Own == role::client ? max_header_size : max_header_size - 4;
        const std::size_t most = output_.room(room_for_close);
        if (most < headroom + Compression::least_room) return errc::no_room;
        const std::size_t wanted = headroom + Compression::room_for(payload.size());
        const bytes room = output_.prepare(wanted < most ? wanted : most, room_for_close);
        if (room.empty()) return errc::no_room;
        frame_header frame{.opcode = code, .fin = fin};
        const auto deflated = compression_.deflate(payload, fin, room.subspan(headroom));
        const errc refused = !deflated ? errc::no_room : !mask(frame) ? errc::no_entropy : errc::none;
        if (refused != errc::none) {
            compression_.abandon();
            return refused;
        }
        // The first frame says that the message is compressed (RFC 7692 section 6) [D5].
        if (code != opcode::continuation) frame.rsv = rsv::rsv1;
        const std::size_t size = header_size(deflated.size, frame.masked);
        detail::copy_down(room.data() + size, room.data() + headroom, deflated.size);
        output_.commit(frame_in_place(room.first(size + deflated.size), size, frame).size);
        return errc::none;
    }

    // The bytes of headers for a payload of this size, or for the messages that it is cut into: those of text may be
    // three bytes shorter than they could be.
    [[nodiscard]] static constexpr std::size_t headers_of(std::size_t payload, std::size_t most) noexcept {
        constexpr bool masked = Own == role::client;
        if (payload <= most) return header_size(payload, masked);
        return (payload / (most - 3) + 1) * header_size(most, masked);
    }

    // Before a payload that fits into `room` bytes with its header, the least that its header takes.
    [[nodiscard]] static constexpr std::size_t headroom_in(std::size_t room) noexcept {
        constexpr std::size_t mask_size = Own == role::client ? 4 : 0;
        return (room < 126 + 4 + mask_size ? 2U : room < 65536 + 10 + mask_size ? 4U : 10U) + mask_size;
    }

    // `Compresses`: the payload is written with as much room before it as it takes, to deflate into.
    template <bool Compresses, class Write, class Note>
    [[nodiscard]] sockless::error put_messages(Write& write, const written_message& settings, Note& note) noexcept {
        const std::size_t most = settings.most < 4 ? 4 : settings.most;
        const auto room_for = [most](std::size_t payload) {
            return (Compresses ? 2 : 1) * (payload + headers_of(payload, most));
        };
        bool is_framed = false;
        const auto write_messages = [&](bytes out) -> written {
            std::size_t before = Compresses ? out.size() / 2 : headroom_in(out.size());
            const written message = write(before > out.size() ? bytes{} : out.subspan(before));
            const std::size_t size = room_for(message.size);
            if (message.error) return {message.size == 0 ? 0 : size, message.error};
            if (size > out.size()) return {size, errc::no_room};
            if (const std::size_t headers = headers_of(message.size, most); headers > before) {
                std::memmove(out.data() + headers, out.data() + before, message.size);
                before = headers;
            }
            is_framed = true;
            return frame_messages<Compresses>(out, out.subspan(before, message.size), most);
        };
        const std::size_t reserve = settings.reserve == 0 ? 0 : settings.reserve + headers_of(settings.reserve, most);
        const sockless::error refused = detail::put(output_, room_for(settings.likely), room_for_close + reserve,
                                                    errc::no_room, write_messages, note);
        if constexpr (Compresses) {
            // The peer will never see what was deflated.
            if (refused && is_framed) compression_.abandon();
        }
        return refused;
    }

    // Makes messages of a payload that lies in `out`, behind room for their headers. They begin at the front of `out`.
    template <bool Compresses>
    [[nodiscard]] written frame_messages(bytes out, bytes payload, std::size_t most) noexcept {
        const opcode code = is_utf8(payload) ? opcode::text : opcode::binary;
        std::size_t size = 0;
        do {
            std::size_t next = payload.size() < most ? payload.size() : most;
            while (next != payload.size() && code == opcode::text &&
                   (payload[next] & std::byte{0xC0}) == std::byte{0x80}) {
                --next;
            }
            const std::size_t added = frame_message<Compresses>(out.subspan(size), payload.first(next), code);
            if (added == 0) return {0, errc::no_entropy};
            size += added;
            payload = payload.subspan(next);
        } while (!payload.empty());
        return {size, {}};
    }

    // The size of the frame, or 0 if there is no key for it.
    template <bool Compresses>
    [[nodiscard]] std::size_t frame_message(bytes out, bytes payload, opcode code) noexcept {
        frame_header frame{.opcode = code, .fin = true};
        if (!mask(frame)) return 0;
        if constexpr (Compresses) {
            const bytes room = out.first(static_cast<std::size_t>(payload.data() - out.data()));
            if (const bytes deflated = deflate_into(room, payload); !deflated.empty()) {
                payload = deflated;
                frame.rsv = rsv::rsv1;
            }
        }
        const std::size_t headroom = header_size(payload.size(), frame.masked);
        if (out.data() + headroom != payload.data()) {
            detail::copy_down(out.data() + headroom, payload.data(), payload.size());
        }
        return frame_in_place(out.first(headroom + payload.size()), headroom, frame).size;
    }

    // Deflates a whole message into `room`, and leaves room before it for the header. Empty if the message is not to be
    // compressed, or would grow.
    template <class = Compression>
    [[nodiscard]] bytes deflate_into(bytes room, cbytes payload) noexcept {
        const bool wants = compression_.wants(compressed::automatic, payload.size(), true);
        if (!wants || room.size() < max_header_size + Compression::least_room) return {};
        room = room.subspan(max_header_size);
        const auto deflated = compression_.deflate(payload, true, room);
        if (deflated && deflated.size <= payload.size()) return room.first(deflated.size);
        compression_.abandon();
        return {};
    }

    union {
        before_frames before_; // until `decoding_`
        while_frames open_;
    };
    assembler<Buffer> assembler_;
    detail::outbox<Buffer> output_;
    std::uint64_t awaited_ = 0; // the place in the output behind the frame that awaits an answer, or behind all
    detail::deadline deadline_;
    sockless::error error_{};
    SOCKLESS_NO_UNIQUE_ADDRESS key_source masking_keys_;
    SOCKLESS_NO_UNIQUE_ADDRESS Compression compression_;
    std::uint32_t close_timeout_;
    std::uint32_t ping_interval_;
    std::uint32_t pong_timeout_;
    std::uint16_t close_code_ = 0;
    utf8_validator outgoing_text_;
    phase phase_ = phase::opening;
    sending sending_ = sending::nothing;
    bool heard_ = false;      // something came since the last `tick`
    bool progresses_ = false; // the peer took waiting output since then
    bool decoding_ = false;   // frames have begun
    bool automatic_pongs_ : 1;
    bool whole_messages_ : 1;
    bool show_frames_ : 1;
    bool was_clean_ : 1 = false;
    bool input_ended_ : 1 = false;
    bool compresses_ : 1 = false; // the message that is sent
};

} // namespace sockless::ws

// ============================================= sockless/ws/client.hpp =============================================
// The client's end of one WebSocket connection: bytes in, events out, bytes back; no socket inside.

namespace sockless::ws::detail {

/// The opening handshake, as the client sees it.
struct client_handshake {
    enum class stage : std::uint8_t {
        silent,       // nothing was asked for
        waiting,      // the request was queued
        judged,       // a 101 breaks a rule, and the caller decides
        refused,      // the server has answered, but not with 101
        reading_body, // the body of that answer is read
    };

    client_handshake(const http::limits& limits, bool show_faults) noexcept
        : reader(http::message_kind::response, limits), reaction(show_faults ? on_fault::note : on_fault::stop) {
        if (show_faults) reader.take_bare_lf();
    }

    union {
        http::detail::head_reader reader; // before `reading_body`; the connection's input buffer is its memory
        http::body_decoder body;
    };
    std::string_view subprotocol{};
    opening_faults faults{};
    on_fault reaction;
    stage at = stage::silent;
    std::uint8_t interim_responses = 0;
};

} // namespace sockless::ws::detail

namespace sockless::ws {

/// One connection, seen from the client: an opening handshake, then a `connection`. Begin with `request`; then go on as
/// with `basic_server`: give the received bytes to `next`, send `output()`, stop when `done()`.
///
///     ws::client peer{ws::entropy(seed)};
///     error = peer.request({.host = "example.com", .target = "/chat"});
///     peer.sent(write(peer.output()));
///     while (const ws::event event = peer.next(in)) {
///         if (event.kind == ws::kind::open) error = peer.send_text("hello");
///         if (event.kind == ws::kind::message) print(event.text());
///     }
template <class Buffer, compression Compression = no_compression>
class basic_client : public connection<role::client, Buffer, Compression, detail::client_handshake> {
    using handshake_state = detail::client_handshake;
    using base = connection<role::client, Buffer, Compression, handshake_state>;
    using stage = handshake_state::stage;

  public:
    /// With buffers that grow up to the limits of `settings`. `keys` gives the nonce and the masking keys: seed it with
    /// 32 bytes from the system's strong source, fresh for each connection (RFC 6455 section 10.3). If it gives none,
    /// every call that sends something refuses with `no_entropy`, and the connection fails if it must send by itself.
    explicit basic_client(entropy keys, const options& settings = {}, Compression compression = Compression()) noexcept
        requires std::is_same_v<Buffer, growing_buffer>
        : basic_client(static_cast<entropy&&>(keys), growing_buffer(base::input_limit(settings)),
                       growing_buffer(settings.output), settings, static_cast<Compression&&>(compression)) {}

    /// With these buffers: `input` bounds the size of heads, and of messages that come in pieces. Give it room for the
    /// limits of `settings`, else a head or message may be too large in pieces but not as a whole. `output` bounds the
    /// bytes that wait to be sent, and `options::output` is not read; 131 bytes of it are kept for the Close.
    basic_client(entropy keys, Buffer input, Buffer output, const options& settings = {},
                 Compression compression = Compression()) noexcept
        : base(settings, static_cast<Buffer&&>(input), static_cast<Buffer&&>(output),
               handshake_state(settings.head, settings.show_faults), static_cast<entropy&&>(keys),
               static_cast<Compression&&>(compression)) {}

    /// Begins open, for a caller that did the opening handshake elsewhere: see `basic_server`.
    basic_client(already_open, entropy keys, const options& settings = {},
                 Compression compression = Compression()) noexcept requires std::is_same_v<Buffer, growing_buffer>
        : basic_client(static_cast<entropy&&>(keys), settings, static_cast<Compression&&>(compression)) {
        this->become_open();
    }
    basic_client(already_open, entropy keys, Buffer input, Buffer output, const options& settings = {},
                 Compression compression = Compression()) noexcept
        : basic_client(static_cast<entropy&&>(keys), static_cast<Buffer&&>(input), static_cast<Buffer&&>(output),
                       settings, static_cast<Compression&&>(compression)) {
        this->become_open();
    }

    /// Asks for a WebSocket: queues the request (RFC 6455 section 4.1) [H15]. Can be called once. With a
    /// `deflate_stage` compression is offered: if `asked.extensions` names permessage-deflate, as it says, with all its
    /// offers in order; else as the policy wants it. Errors: `not_open` if it was called before, `bad_deflate_offer` if
    /// `asked.extensions` names permessage-deflate and one of these offers is wrong, or the client does not compress,
    /// `bad_deflate_window` if the policy cannot be had, `no_entropy` if there is no nonce, `no_room`, and those of
    /// `write_request`.
    [[nodiscard]] sockless::error request(const opening& asked) noexcept {
        if (!this->is_opening() || this->handshake().at != stage::silent) return errc::not_open;
        const bool has_offers = has_extension(asked.extensions, deflate_name);
        if constexpr (Compression::available) {
            if (asked.compression) return request_compression(asked, has_offers);
        }
        // Compression changes how frames are read. So it is offered only by an endpoint that can read them.
        if (has_offers) return errc::bad_deflate_offer;
        return queue_request(asked, {});
    }

    /// Takes a 101 that was shown with an error (`options::show_faults`), on the caller's word: `faults()` says which
    /// rules it breaks. Messages can be sent at once. Until then, or until `refuse`, nothing more is taken from the
    /// input. Errors: `nothing_to_answer`.
    [[nodiscard]] sockless::error accept() noexcept {
        if (!this->is_opening() || this->handshake().at != stage::judged) return errc::nothing_to_answer;
        this->become_open();
        return {};
    }

    /// Ends the connection with `reason`, such as the error that a 101 was shown with. Errors: `nothing_to_answer`.
    [[nodiscard]] sockless::error refuse(sockless::error reason) noexcept {
        if (!this->is_opening() || this->handshake().at != stage::judged) return errc::nothing_to_answer;
        this->give_up(reason);
        return {};
    }

    /// See `basic_server::next`.
    [[nodiscard]] SOCKLESS_ALWAYS_INLINE event next(bytes& in) noexcept {
        event found;
        this->note_input(in);
        if (this->find_whole_message(in, found)) return found;
        // The long way gets a copy of `in`, so that the short way can hold the caller's `in` in registers.
        bytes rest = in;
        found = next_otherwise(rest);
        in = rest;
        return found;
    }

    /// See `connection::finish`. It also ends the body of a refusal, if that lasts until the end of the input.
    [[nodiscard]] event finish() noexcept {
        if (this->is_opening() && this->handshake().at == stage::refused) begin_body();
        const bool refused = this->is_opening() && this->handshake().at == stage::reading_body &&
                             this->handshake().body.finish() == http::errc::none;
        return this->end_input(refused ? errc::refused : errc::end_of_input);
    }

    /// The server's answer, with its status and all its fields. Valid after `open` or `refused`, until the next call
    /// of `next`; if the 101 breaks a rule, also until the caller answers.
    [[nodiscard]] http::head response() const noexcept {
        const bool has_head = this->has_handshake() && this->handshake().at != stage::reading_body;
        return has_head ? this->handshake().reader.head() : http::head{};
    }

    /// The subprotocol that the server chose; empty if it chose none, also if some were offered: then the caller
    /// decides whether to go on (RFC 6455 section 4.1) [H17]. Valid as `response()`.
    [[nodiscard]] std::string_view subprotocol() const noexcept {
        return this->has_handshake() ? this->handshake().subprotocol : std::string_view{};
    }

    /// The rules that the server's answer breaks. Valid as `response()`.
    [[nodiscard]] opening_faults faults() const noexcept {
        return this->has_handshake() ? this->handshake().faults : opening_faults{};
    }

  private:
    // More than any server sends before it answers; each is skipped in the time of a head (RFC 9110 section 15.2).
    static constexpr std::uint8_t max_interim_responses = 8;

    // Bytes that nearly every request fits into.
    static constexpr std::size_t usual_request = 512;

    [[nodiscard]] sockless::error queue_request(const opening& asked, std::string_view compression) noexcept {
        std::array<std::byte, 16> nonce{};
        if (!this->masking_keys().fill(nonce)) return errc::no_entropy;
        const std::array<char, 24> key = encode_key(nonce);
        const auto write = [&](bytes out) { return write_request(out, key, asked, compression); };
        if (const sockless::error error = this->queue_opening(usual_request, write)) return error;
        this->handshake().at = stage::waiting;
        return {};
    }

    template <class = Compression> // not compiled without one
    [[nodiscard]] sockless::error request_compression(const opening& asked, bool has_offers) noexcept {
        const auto& compression = this->compression_stage();
        if (!compression.is_valid(role::client)) return errc::bad_deflate_window;
        if (has_offers) {
            return compression.are_offers(asked.extensions) ? queue_request(asked, {}) : errc::bad_deflate_offer;
        }
        char memory[Compression::text_size];
        return queue_request(asked, compression.offer(memory));
    }

    [[nodiscard]] event next_otherwise(bytes& in) noexcept {
        if (!this->is_opening()) return this->next_open(in);
        switch (this->handshake().at) {
        case stage::silent:
        case stage::judged: return {};
        case stage::waiting: return next_response(in);
        case stage::refused:
        case stage::reading_body: return next_of_body(in);
        }
        return {};
    }

    [[nodiscard]] event next_response(bytes& in) noexcept {
        auto& handshake = this->handshake();
        for (;;) {
            const http::head_event found = handshake.reader.next(in, this->input());
            if (!found) return {};
            if (found.kind == http::head_kind::error) return this->fail(found.error);
            // Only behind a 101 it is clear that no body follows (RFC 9112 section 2.2) [H2].
            if (found.head.bare_lf && found.head.status != 101) return this->fail(http::errc::bare_lf);
            const bool interim = found.head.status < 200 && found.head.status != 101;
            if (!interim) return take_response();

            // A client reads past 1xx answers, but not past any number of them (RFC 9110 section 15.2) [H18].
            if (++handshake.interim_responses > max_interim_responses) {
                return this->fail(errc::too_many_interim_responses);
            }
            handshake.reader.restart(this->input());
        }
    }

    [[nodiscard]] event take_response() noexcept {
        auto& handshake = this->handshake();
        // The caller may look at the head when the input is long gone.
        if (!handshake.reader.keep(this->input())) return this->fail(http::errc::head_too_large);
        const http::head head = handshake.reader.head();
        if (head.status != 101) {
            // The caller reads any other answer, with its fields and a bounded body (RFC 6455 section 4.1) [H18].
            handshake.at = stage::refused;
            return {.kind = kind::refused, .code = head.status};
        }
        const offers asked = offered();
        const opening_response answer =
            check_response(head, asked.key, asked.subprotocols, asked.extensions, handshake.reaction);
        if (answer.error && answer.faults.empty()) return this->fail(answer.error);
        if constexpr (Compression::available) {
            const auto agreement = this->compression_stage().check(head.fields, asked.extensions);
            if (agreement.error != errc::none) return this->fail(agreement.error);
            this->compression_stage().agree(role::client, agreement);
        }
        handshake.subprotocol = answer.subprotocol;
        handshake.faults = answer.faults;
        if (answer.error) {
            handshake.at = stage::judged;
        } else {
            this->become_open();
        }
        return {.kind = kind::open, .error = answer.error};
    }

    // The values of the request by which the answer is judged. The output has kept the request.
    struct offers {
        std::string_view key, subprotocols, extensions;
    };

    [[nodiscard]] offers offered() noexcept {
        std::string_view lines = text_of(this->kept_output());
        lines.remove_prefix(lines.find('\n') + 1); // the request line
        lines.remove_suffix(2);                    // the empty line
        offers found{};
        http::detail::visit_fields(http::fields(lines), [&](std::string_view name, auto value) {
            switch (detail::opening_field_of(name)) {
            case detail::opening_field::key: found.key = value(); break;
            case detail::opening_field::subprotocol: found.subprotocols = value(); break;
            case detail::opening_field::extensions: found.extensions = value(); break;
            default: break;
            }
        });
        return found;
    }

    void begin_body() noexcept {
        auto& handshake = this->handshake();
        const http::limits limits = handshake.reader.limits();
        const http::body_framing framing = framing_of(response(), http::message_kind::response);
        ::new (static_cast<void*>(&handshake.body)) http::body_decoder(framing, limits);
        handshake.at = stage::reading_body;
    }

    [[nodiscard]] event next_of_body(bytes& in) noexcept {
        if (this->handshake().at == stage::refused) begin_body();
        const http::body_event found = this->handshake().body.next(in);
        switch (found.kind) {
        case http::body_kind::need_input: return {};
        case http::body_kind::data: return {.kind = kind::body, .payload = found.data};
        case http::body_kind::end: return this->fail(errc::refused);
        case http::body_kind::error: return this->fail(found.error);
        }
        return {};
    }
};

/// The usual one: memory from the heap, up to the limits of its options.
using client = basic_client<growing_buffer>;

} // namespace sockless::ws

// ============================================= sockless/ws/server.hpp =============================================
// The server's end of one WebSocket connection: bytes in, events out, bytes back; no socket inside.

namespace sockless::ws::detail {

/// The opening handshake, as the server sees it.
struct server_handshake {
    enum class stage : std::uint8_t {
        reading,       // the request is not there as a whole
        upgrade_asked, // a request for a WebSocket waits for its answer
        other_asked,   // a request for something else waits for its answer
    };

    server_handshake(const http::limits& limits, bool show_requests, bool show_faults) noexcept
        : reader(http::message_kind::request, limits),
          shows_requests(show_requests),
          reaction(show_faults ? on_fault::note : on_fault::stop) {
        if (show_faults) reader.take_bare_lf();
    }

    // Whether the request, or as much of it as has come, is HEAD. `memory` is that of the reader.
    template <class Memory>
    [[nodiscard]] bool is_head(const Memory& memory) const noexcept {
        return has_head || reader.is_method("HEAD", memory);
    }

    http::detail::head_reader reader; // the connection's input buffer is its memory
    opening_request request{};
    stage at = stage::reading;
    bool shows_requests;
    on_fault reaction;
    bool has_head = false; // the request is HEAD, also if it is wrong and nothing keeps it
};

} // namespace sockless::ws::detail

namespace sockless::ws {

/// One connection, seen from the server: an opening handshake, then a `connection`. Give the received bytes to `next`
/// until it returns no event; send the bytes of `output()` and say so with `sent`; stop when `done()`. Anything can be
/// sent, and any verb called, at any time: if something is not possible, an error says so, and nothing was queued.
///
/// A `Buffer` holds heads and messages that come in pieces, and another one the bytes that are to be sent (see
/// buffer.hpp). `Compression` is `no_compression`, or a `deflate_stage`, which is then given as the last argument. It
/// takes its memory for windows from the heap.
///
///     ws::server peer;
///     while (const ws::event event = peer.next(in)) {
///         if (event.kind == ws::kind::request) error = peer.accept();
///         if (event.kind == ws::kind::message) error = peer.send(event.type, event.payload);
///         if (event.kind == ws::kind::closed) print(event.code, event.text());
///     }
///     peer.sent(write(peer.output()));
template <class Buffer, compression Compression = no_compression>
class basic_server : public connection<role::server, Buffer, Compression, detail::server_handshake> {
    using handshake_state = detail::server_handshake;
    using base = connection<role::server, Buffer, Compression, handshake_state>;
    using stage = handshake_state::stage;

  public:
    /// With buffers that grow up to the limits of `settings`.
    explicit basic_server(const options& settings = {}, Compression compression = Compression()) noexcept requires
        std::is_same_v<Buffer, growing_buffer>
        : basic_server(growing_buffer(base::input_limit(settings)), growing_buffer(settings.output), settings,
                       static_cast<Compression&&>(compression)) {}

    /// With these buffers: `input` bounds the size of heads, and of messages that come in pieces. Give it room for the
    /// limits of `settings`, else a head or message may be too large in pieces but not as a whole. `output` bounds the
    /// bytes that wait to be sent, and `options::output` is not read; 131 bytes of it are kept for the Close.
    basic_server(Buffer input, Buffer output, const options& settings = {},
                 Compression compression = Compression()) noexcept
        : base(settings, static_cast<Buffer&&>(input), static_cast<Buffer&&>(output),
               handshake_state(settings.head, settings.show_requests, settings.show_faults), {},
               static_cast<Compression&&>(compression)) {}

    /// Begins open, for a caller that did the opening handshake elsewhere: with another HTTP library, behind a proxy
    /// that did it, or over HTTP/2 (`check_extended_connect`). Give the bytes that were read behind the request to
    /// `next`. If compression was agreed to, tell `compression` beforehand (`deflate_stage::agree`).
    explicit basic_server(already_open, const options& settings = {}, Compression compression = Compression()) noexcept
        requires std::is_same_v<Buffer, growing_buffer>
        : basic_server(settings, static_cast<Compression&&>(compression)) {
        this->become_open();
    }
    basic_server(already_open, Buffer input, Buffer output, const options& settings = {},
                 Compression compression = Compression()) noexcept
        : basic_server(static_cast<Buffer&&>(input), static_cast<Buffer&&>(output), settings,
                       static_cast<Compression&&>(compression)) {
        this->become_open();
    }

    /// Takes bytes from the front of `in` up to the end of the next event and returns it. Payloads are unmasked in
    /// place. Nothing is taken between `request` and the answer to it: answer while handling the event, or keep the
    /// rest of `in` and give it again.
    [[nodiscard]] SOCKLESS_ALWAYS_INLINE event next(bytes& in) noexcept {
        event found;
        this->note_input(in);
        if (this->find_whole_message(in, found)) return found;
        // The long way gets a copy of `in`, so that the short way can hold the caller's `in` in registers.
        bytes rest = in;
        found = next_otherwise(rest);
        in = rest;
        return found;
    }

    /// The request: target, host, origin, and so on, and all fields (RFC 6455 sections 4.2.1 and 10.2) [H13]. Valid
    /// from `request` or `http_request` on, until the call of `next` that follows the answer; empty afterwards.
    [[nodiscard]] opening_request request() const noexcept {
        return this->has_handshake() ? this->handshake().request : opening_request{};
    }
    [[nodiscard]] http::head head() const noexcept {
        return this->has_handshake() ? this->handshake().reader.head() : http::head{};
    }

    /// Accepts the request: queues the 101 with the subprotocol and the fields given (RFC 6455 section 4.2.2) [H9]
    /// [H10]. Messages can be sent at once. With a `deflate_stage` the first acceptable offer of compression is agreed
    /// to. Errors: `nothing_to_answer`, `subprotocol_not_offered`, `extension_not_offered`, `bad_extensions` if
    /// `answer.extensions` names permessage-deflate, `bad_deflate_window` if the policy cannot be had, `no_room`, and
    /// those of `write_acceptance`; the request then still waits for its answer. A request that was shown with an error
    /// (`options::show_faults`) is accepted like any other, on the caller's word: `request().faults` says which rules
    /// it breaks.
    [[nodiscard]] sockless::error accept(const acceptance& answer = {}) noexcept {
        if (!this->is_opening() || this->handshake().at != stage::upgrade_asked) return errc::nothing_to_answer;
        // A server chooses one of the subprotocols that were offered (RFC 6455 section 4.2.2) [H10].
        if (!answer.subprotocol.empty() && !offers_subprotocol(head().fields, answer.subprotocol)) {
            return errc::subprotocol_not_offered;
        }
        if (!answer.extensions.empty()) {
            if (const errc wrong = judge_extensions(answer.extensions); wrong != errc::none) return wrong;
        }
        if constexpr (Compression::available) {
            if (answer.compression) return accept_compressed(answer);
        }
        return queue_acceptance(answer, {});
    }

    /// Answers with anything but a WebSocket (RFC 6455 section 4.2.2) [H12], also to an `http_request`. The connection
    /// ends once that is sent. Errors: `nothing_to_answer`, `no_room`, and those of `write_refusal`.
    [[nodiscard]] sockless::error refuse(const refusal& answer) noexcept {
        return refuse_with(256 + answer.body.size(), [&answer](bytes out, bool to_head) {
            refusal complete = answer;
            complete.to_head = answer.to_head || to_head;
            return write_refusal(out, complete);
        });
    }
    [[nodiscard]] sockless::error refuse(std::uint16_t status) noexcept { return refuse(refusal{.status = status}); }

    /// Answers with the status and the sentence of an error, such as the one that a request was shown with.
    [[nodiscard]] sockless::error refuse(sockless::error reason) noexcept {
        return refuse_with(256, [reason](bytes out, bool to_head) { return write_refusal(out, reason, to_head); });
    }

  private:
    template <class Write>
    [[nodiscard]] sockless::error refuse_with(std::size_t likely, Write write) noexcept {
        if (!this->is_opening() || this->handshake().at == stage::reading) return errc::nothing_to_answer;
        const bool to_head = this->is_head();
        const auto write_answer = [&](bytes out) { return write(out, to_head); };
        if (const sockless::error error = this->queue_refusal(likely, write_answer)) return error;
        this->become_refused();
        return {};
    }

    [[nodiscard]] errc judge_extensions(std::string_view answered) const noexcept {
        for (const extension& each : extension_list(answered)) {
            // A server answers only extensions that were offered (RFC 6455 section 9.1) [H11].
            if (!offers_extension(head().fields, each.name)) return errc::extension_not_offered;
            // Compression changes how frames are read. So the endpoint, which reads them, agrees to it, not the caller.
            if (equal(each.name, deflate_name)) return errc::bad_extensions;
        }
        return errc::none;
    }

    template <class = Compression> // not compiled without one
    [[nodiscard]] sockless::error accept_compressed(const acceptance& answer) noexcept {
        auto& compression = this->compression_stage();
        if (!compression.is_valid(role::server)) return errc::bad_deflate_window;
        const auto agreement = compression.choose(head().fields);
        char memory[Compression::text_size];
        const sockless::error error = queue_acceptance(answer, compression.response(memory, agreement));
        if (!error) compression.agree(role::server, agreement);
        return error;
    }

    [[nodiscard]] sockless::error queue_acceptance(const acceptance& answer, std::string_view compression) noexcept {
        const auto write = [&](bytes out) { return write_answer(out, answer, compression); };
        if (const sockless::error error = this->queue_opening(usual_answer, write)) return error;
        this->become_open();
        return {};
    }

    [[nodiscard]] written write_answer(bytes out, const acceptance& answer,
                                       std::string_view compression) const noexcept {
        const opening_request& asked = this->handshake().request;
        std::size_t begin = 0;
        if (asked.expects_continue) {
            // A client that expects `100 Continue` gets it before the 101 (RFC 9110 section 7.8) [H21].
            begin = http::head_writer(out).status_line(100).finish().size;
            out = out.subspan(begin < out.size() ? begin : out.size());
        }
        const written rest = detail::write_switch(out, asked.key, answer, compression);
        return {rest.size == 0 ? 0 : begin + rest.size, rest.error};
    }

    [[nodiscard]] event next_otherwise(bytes& in) noexcept {
        return this->is_opening() ? next_request(in) : this->next_open(in);
    }

    [[nodiscard]] event next_request(bytes& in) noexcept {
        auto& handshake = this->handshake();
        if (handshake.at != stage::reading) return {};
        const bytes piece = in;
        const http::head_event found = handshake.reader.next(in, this->input());
        if (!found) return {};
        handshake.has_head = handshake.reader.is_method("HEAD", this->input(), piece);
        if (found.kind == http::head_kind::error) return this->fail(found.error);
        // The answer may come late, when the input is long gone.
        if (!handshake.reader.keep(this->input())) return this->fail(http::errc::head_too_large);
        const http::head head = handshake.reader.head();
        if (handshake.shows_requests && !is_upgrade(head)) {
            // The bytes behind an upgrade are frames. Behind another request there may be a body, so nothing about its
            // head may be in doubt (RFC 9112 section 2.2) [H2].
            if (head.bare_lf) return this->fail(http::errc::bare_lf);
            handshake.at = stage::other_asked;
            return {.kind = kind::http_request};
        }
        handshake.request = check_request(head, handshake.reaction);
        const opening_request& request = handshake.request;
        if (request.error && request.faults.empty()) return this->fail(request.error);
        handshake.at = stage::upgrade_asked;
        return {.kind = kind::request, .error = request.error};
    }

    // Bytes that nearly every 101 fits into.
    static constexpr std::size_t usual_answer = 512;
};

/// The usual one: memory from the heap, up to the limits of its options.
using server = basic_server<growing_buffer>;

} // namespace sockless::ws

// ====================================== sockless/stomp/acknowledgements.hpp =======================================
// The messages of a STOMP server that wait for an ACK.

// Messages are records in the order of their numbers, which only rise, so a number is found by halving. Whether one
// still waits follows from its record and that of its subscription: in `client` mode those wait that were sent last, in
// `client-individual` mode those that are not marked, and none without a subscription. So an ACK, and the end of a
// subscription, touch one record, whatever they mean. Records of messages that do not wait go once there are more of
// them than of others: over time each pays for one that moves.
//
// A subscription that ends while messages of it wait stays among the names, as one that has ended: these messages are
// late. An ACK of one is what it was before, but they do not count any more, and the subscriptions that ended first are
// forgotten with their messages. Late messages and those that wait are together no more than can wait, and late ones
// are no more than once waited, or a few. So they take no more memory than the session had use for before.
//
// An ACK in a transaction only marks its message as pending, and takes effect with COMMIT. The pending messages of a
// transaction are a list, the latest first. In `client` mode the pending messages of a subscription are another list.
// An ACK is then for all messages before it too, so a message before a pending one cannot become pending afterwards:
// this list is in the order of the messages.
namespace sockless::stomp::detail {

/// A message that was sent to be acknowledged. A link is the place of another message plus 1; 0 is none.
struct unacknowledged {
    static constexpr std::uint32_t for_good = 0xFFFFFFFF;

    std::uint64_t number = 0;
    std::uint32_t subscription = 0; // its number
    std::uint32_t order = 0;        // how many messages of its subscription were sent up to it
    std::uint32_t transaction = 0;  // that is open, and in which it was acknowledged; or `for_good`, or 0
    std::uint32_t next = 0;         // link to the one that was acknowledged before it in this transaction
    std::uint32_t below = 0;        // `client` mode: link to the one that was acknowledged before it in any
    std::uint32_t unused = 0;       // so that no byte is padding
};

/// All of a session. What it notes of subscriptions and transactions lies in their records. `Names` are the names of
/// the session, the same for each call. A subscription or transaction that is given has just been found in them.
template <class Names, class Buffer>
class acknowledgements {
    using name = typename Names::entry;

  public:
    /// A message that waits or is late, with its subscription. False if there is none, or if it was acknowledged in a
    /// transaction.
    struct found {
        unacknowledged message{};
        std::uint32_t place = 0;
        name subscription{};

        [[nodiscard]] explicit operator bool() const noexcept { return message.number != 0; }
        [[nodiscard]] bool is_late() const noexcept { return subscription.record.state == name_state::ended; }
    };

    /// At most `most` messages can wait, and at most one for each 64 bytes of this memory.
    acknowledgements(Buffer memory, std::uint32_t most) noexcept : memory_(static_cast<Buffer&&>(memory)), most_(most) {
        constexpr std::uint32_t limit = 0x40000000; // so that links have 32 bits
        const std::size_t held = memory_.limit() / (2 * sizeof(unacknowledged));
        if (most_ > held) most_ = static_cast<std::uint32_t>(held);
        if (most_ > limit) most_ = limit;
    }

    /// How many wait.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool is_full() const noexcept { return size_ >= most_; }

    /// Adds the next message. False if as many wait as can, or if there is no memory.
    [[nodiscard]] bool add(Names& names, name subscription, std::uint64_t number) noexcept {
        if (is_full()) return false;
        const bool is_crowded = size_ + late_ >= most_;
        if (is_crowded) forget_first(names);
        const std::uint32_t kept = size_ + late_;
        const bool has_room = memory_.limit() - memory_.size() >= sizeof(unacknowledged);
        const bool drops = places() - kept > kept + some || !has_room;
        if (drops) drop_others(names);
        if (is_crowded || drops) subscription = names.find(subscription.record.number);
        acknowledgement_facts to = subscription.record.facts;
        const unacknowledged added{.number = number, .subscription = subscription.record.number, .order = to.sent + 1};
        if (!append(memory_, bytes_of(&added, sizeof added))) return false;
        ++to.sent;
        ++to.waiting;
        ++size_;
        if (size_ > most_at_once_) most_at_once_ = size_;
        names.set(subscription.place, to);
        return true;
    }

    /// The message with this number, if it can be acknowledged.
    [[nodiscard]] found find(const Names& names, std::uint64_t number) const noexcept {
        std::uint32_t first = 0, last = places();
        while (first != last) {
            const std::uint32_t middle = first + (last - first) / 2;
            if (at(middle).number < number) {
                first = middle + 1;
            } else {
                last = middle;
            }
        }
        if (first == places()) return {};
        const found sought = message_at(names, first);
        const bool is_free = sought.message.number == number && waits(sought.message, sought.subscription) &&
                             !is_pending(sought.message, sought.subscription);
        return is_free ? sought : found{};
    }

    /// The message was acknowledged, with all before it that this means (STOMP 1.2 ACK) [S9]. May erase a name.
    void acknowledge(Names& names, const found& of) noexcept {
        acknowledgement_facts from = of.subscription.record.facts;
        const std::uint32_t left = is_cumulative(of.subscription) ? later(from, of.message) : from.waiting - 1;
        (of.is_late() ? late_ : size_) -= from.waiting - left;
        from.waiting = left;
        set_transaction(of.place, unacknowledged::for_good);
        // The last one that is pending may be among those that do not wait any more.
        if (from.pending != 0 && later(from, at(from.pending - 1)) >= left) from.pending = 0;
        names.set(of.subscription.place, from);
        if (of.is_late() && left == 0) names.erase(of.subscription);
    }

    /// The message was acknowledged in a transaction. This takes effect with `commit` (STOMP 1.2 BEGIN) [S10].
    void acknowledge(Names& names, found of, name transaction) noexcept {
        of.message.transaction = transaction.record.number;
        make_pending(names, of, transaction);
    }

    /// The transaction ends: what was acknowledged in it is so for good, as far as it still waits (STOMP 1.2 COMMIT)
    /// [S10]. May erase names.
    void commit(Names& names, const name& transaction) noexcept {
        for (std::uint32_t link = transaction.record.facts.pending; link != 0;) {
            const found each = message_at(names, link - 1);
            link = each.message.next;
            if (waits(each.message, each.subscription)) acknowledge(names, each);
        }
    }

    /// The transaction ends: what was acknowledged in it waits again (STOMP 1.2 ABORT) [S10].
    void abort(Names& names, const name& transaction) noexcept {
        for (std::uint32_t link = transaction.record.facts.pending; link != 0;) {
            found each = message_at(names, link - 1);
            acknowledgement_facts& from = each.subscription.record.facts;
            set_transaction(each.place, 0);
            if (from.pending == link) {
                from.pending = pending_before(each.message, each.subscription);
                names.set(each.subscription.place, from);
            }
            link = each.message.next;
        }
    }

    /// The subscription ends: the messages of it that wait are late (STOMP 1.2 UNSUBSCRIBE) [S9].
    void end(Names& names, const name& subscription) noexcept {
        const std::uint32_t waiting = subscription.record.facts.waiting;
        if (waiting == 0) return names.erase(subscription);
        names.end(subscription);
        size_ -= waiting;
        late_ += waiting;
        while (late_ > most_at_once_ && late_ > few) forget_first(names);
    }

    /// Forgets the subscription that has ended first, and its messages. False if there is none.
    bool forget_first(Names& names) noexcept {
        const name first = names.first_ended();
        if (!first) return false;
        late_ -= first.record.facts.waiting;
        names.erase(first);
        return true;
    }

    /// Gives the memory back if nothing waits or is late.
    void release(Names& names) noexcept {
        if (size_ + late_ != 0) return;
        drop_others(names);
        memory_.release();
    }

  private:
    // So many that do not wait are worth no look at all of them.
    static constexpr std::uint32_t some = 16;

    // So many can be late in any session.
    static constexpr std::uint32_t few = 128;

    [[nodiscard]] std::uint32_t places() const noexcept {
        return static_cast<std::uint32_t>(memory_.size() / sizeof(unacknowledged));
    }
    [[nodiscard]] unacknowledged at(std::uint32_t place) const noexcept {
        unacknowledged message;
        std::memcpy(&message, memory_.contents().data() + place * sizeof message, sizeof message);
        return message;
    }
    void put(std::uint32_t place, const unacknowledged& message) noexcept {
        std::memcpy(memory_.contents().data() + place * sizeof message, &message, sizeof message);
    }
    void set_transaction(std::uint32_t place, std::uint32_t transaction) noexcept {
        std::byte* const message = memory_.contents().data() + place * sizeof(unacknowledged);
        std::memcpy(message + offsetof(unacknowledged, transaction), &transaction, sizeof transaction);
    }
    [[nodiscard]] found message_at(const Names& names, std::uint32_t place) const noexcept {
        const unacknowledged message = at(place);
        return {message, place, names.find(message.subscription)};
    }

    [[nodiscard]] static bool is_cumulative(const name& subscription) noexcept {
        return subscription.record.mode == ack_mode::client;
    }
    // How many messages were sent to the subscription after this one.
    [[nodiscard]] static std::uint32_t later(const acknowledgement_facts& subscription,
                                             const unacknowledged& message) noexcept {
        return subscription.sent - message.order;
    }

    [[nodiscard]] static bool waits(const unacknowledged& message, const name& from) noexcept {
        if (!from) return false;
        if (!is_cumulative(from)) return message.transaction != unacknowledged::for_good;
        return later(from.record.facts, message) < from.record.facts.waiting;
    }
    // Whether an open transaction has acknowledged it.
    [[nodiscard]] bool is_pending(const unacknowledged& message, const name& from) const noexcept {
        const acknowledgement_facts& facts = from.record.facts;
        if (!is_cumulative(from)) return message.transaction != 0;
        return facts.pending != 0 && later(facts, message) >= later(facts, at(facts.pending - 1));
    }

    // The link to the last message before this one that an open transaction has acknowledged. Those of transactions
    // that were aborted are passed by, once.
    [[nodiscard]] std::uint32_t pending_before(unacknowledged message, const name& from) const noexcept {
        for (std::uint32_t link = message.below; link != 0; link = message.below) {
            message = at(link - 1);
            if (!waits(message, from)) return 0;
            if (message.transaction != 0) return link;
        }
        return 0;
    }

    // Puts a message into the lists of those that are pending.
    void make_pending(Names& names, found& of, name& transaction) noexcept {
        of.message.next = transaction.record.facts.pending;
        transaction.record.facts.pending = of.place + 1;
        names.set(transaction.place, transaction.record.facts);
        acknowledgement_facts& from = of.subscription.record.facts;
        if (is_cumulative(of.subscription)) {
            of.message.below = from.pending;
            from.pending = of.place + 1;
            names.set(of.subscription.place, from);
        }
        put(of.place, of.message);
    }

    // Drops the messages that neither wait nor are late. Links are places, so each list is made anew.
    void drop_others(Names& names) noexcept {
        const std::uint32_t count = places();
        for (std::uint32_t place = 0; place != count; ++place) {
            const std::uint32_t number = at(place).transaction;
            if (number == 0 || number == unacknowledged::for_good) continue;
            begin_anew(names, names.find(number));
            begin_anew(names, names.find(at(place).subscription));
        }
        std::uint32_t kept = 0;
        for (std::uint32_t place = 0; kept != size_ + late_ && place != count; ++place) {
            if (at(place).transaction == unacknowledged::for_good) continue;
            found each = message_at(names, place);
            if (!waits(each.message, each.subscription)) continue;
            each.place = kept++;
            put(each.place, each.message);
            if (each.message.transaction == 0) continue;
            name transaction = names.find(each.message.transaction);
            make_pending(names, each, transaction);
        }
        memory_.truncate(kept * sizeof(unacknowledged));
    }
    static void begin_anew(Names& names, name of) noexcept {
        if (!of) return;
        of.record.facts.pending = 0;
        names.set(of.place, of.record.facts);
    }

    Buffer memory_;
    std::uint32_t size_ = 0; // of those that wait
    std::uint32_t late_ = 0;
    std::uint32_t most_at_once_ = 0; // that have waited
    std::uint32_t most_;
};

} // namespace sockless::stomp::detail

// ======================================== sockless/stomp/owed_receipt.hpp =========================================
// The receipt that a STOMP server owes to its client, for the frame that the caller is handling.

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

// ======================================= sockless/stomp/server_session.hpp ========================================
// The server's end of one STOMP session: bytes in, checked frames out, bytes back; no socket inside.

namespace sockless::stomp {

/// The members of CONNECTED that the caller sets. All are views, read during the call of `accept`.
struct acceptance {
    std::string_view session{}; ///< an id for this session
    std::string_view server{};  ///< the name of the server, `/`, its version
    std::span<const header> headers{};
};

/// The ERROR with which a server ends a session. All members are views, read during the call of `refuse`.
struct refusal {
    std::string_view message{}; ///< a short description
    std::string_view receipt{}; ///< the receipt that the frame asked for; not needed if `automatic_receipts` is on
    std::string_view content_type{};
    std::span<const header> headers{};
    cbytes body{};
};

/// The result of `deliver`.
struct [[nodiscard]] delivered {
    std::uint64_t number = 0; ///< the number of the message in this session, which is also its `message-id`
    sockless::error error{};  ///< if it is set, nothing was queued
};

/// The server's end of one session. Give the bytes that came to `next` until it returns no event, send `output()` and
/// report it with `sent`, and stop when `done()` is true. Each function may be called at any time: if its work is not
/// possible, it returns an error and queues nothing. A frame that breaks a rule never reaches the caller: the session
/// answers it with ERROR and ends with `lost` (STOMP 1.2 ERROR) [S13].
///
/// `Buffer` is the type of the memory: for frames that come in pieces, for output, and for the lists of the session
/// (see buffer.hpp). `Output` takes the frames that the session sends: bytes as they are, or a `carrier`.
///
///     stomp::server_session session;
///     std::uint32_t subscriber = 0;
///     while (const stomp::server_event event = session.next(in)) {
///         if (event.kind == stomp::server_kind::connect) error = session.accept();
///         if (event.kind == stomp::server_kind::subscribe) subscriber = event.subscription;
///         if (event.kind == stomp::server_kind::send) {
///             error = session.deliver(subscriber, {.destination = event.destination, .body = event.body}).error;
///         }
///     }
///     session.sent(write(session.output()));
template <class Buffer, class Output = detail::bare_output<Buffer>>
class basic_server_session : public session<role::server, Buffer, Output> {
    using base = session<role::server, Buffer, Output>;
    using base::usual_head, base::usual_receipt;
    using typename base::name, typename base::name_kind, typename base::name_list;

  public:
    using event = server_event;
    using kind = server_kind;

    /// With memory from the heap, up to the limits of `settings`.
    explicit basic_server_session(
        const options& settings = {}) noexcept requires std::is_same_v<Output, detail::bare_output<growing_buffer>>
        : basic_server_session(growing_buffer(settings.output), settings) {}

    /// Likewise, but with this `output`: `options::output` is not read.
    basic_server_session(Output output,
                         const options& settings) noexcept requires std::is_same_v<Buffer, growing_buffer>
        : basic_server_session(growing_buffer(base::input_limit(settings)), static_cast<Output&&>(output),
                               growing_buffer(base::list_limit(settings.names)),
                               growing_buffer(base::list_limit(settings.unacknowledged,
                                                               sizeof(detail::unacknowledged))),
                               settings) {}

    /// With memory of the caller's. `input` holds one frame that comes in pieces. Give it room for a head and a body of
    /// the limits of `settings`: else a large frame fails if it comes in pieces and passes if it comes whole. `output`
    /// holds the bytes that wait to be sent. `names` holds the ids of subscriptions and transactions, each with 48
    /// bytes beside its text, and of the receipt that is owed; in 1.0 also the destination of each subscription that
    /// has an id, as an id. `unacknowledged` holds the messages that wait for an ACK, 32 bytes each. Give these two
    /// twice as much, as half of them may hold what has ended. `options::output` and `options::names` are not read.
    basic_server_session(Buffer input, Output output, Buffer names, Buffer unacknowledged,
                         const options& settings = {}) noexcept
        : base(settings, static_cast<Buffer&&>(input), static_cast<Output&&>(output), static_cast<Buffer&&>(names)),
          automatic_receipts_(settings.automatic_receipts),
          requires_host_(settings.require_host),
          unacknowledged_(static_cast<Buffer&&>(unacknowledged), settings.unacknowledged) {}

    /// Takes bytes from the front of `in` up to the end of the next event and returns it. Returns a false event when
    /// `in` is used up. Headers are unescaped in place, in `in`. With `automatic_receipts` the call first queues the
    /// RECEIPT for the last event, as the caller has handled that event by now (STOMP 1.2 RECEIPT) [S7].
    ///
    /// The call takes no bytes between the event `connect` and the caller's answer to it, and while that RECEIPT has no
    /// room in the output. So keep the bytes that are left in `in`, and give them again after `accept` or `sent`. After
    /// the session has ended, all of `in` is discarded.
    [[nodiscard]] event next(bytes& in) noexcept {
        if (is_asked_) return {};
        if (this->state() == stomp::state::closed) {
            // After an ERROR nothing more is read (STOMP 1.2 ERROR) [S13].
            in = in.subspan(in.size());
            return tell_loss();
        }
        if (automatic_receipts_ && receipt_.become_due()) {
            if (const sockless::error unsaid = say_receipt()) return fail(unsaid, receipt_.id(this->names_));
            if (receipt_.is_owed()) return {};
        }
        if (in.empty()) return {};
        const detail::whole_frame found = this->next_frame(in, [this](command sent) { return judge(sent); });
        if (found.error != errc::none) return fail(found.error, found.headers.find("receipt"));
        if (found.heart_beat) return {.kind = kind::heart_beat};
        return found.command == command::none ? event{} : take(found);
    }

    /// Accepts the client that the event `connect` has shown: queues CONNECTED with the highest version that both sides
    /// know, and with the heart-beats of the options (STOMP 1.2 CONNECTED Frame). Errors: `nothing_to_answer` if no
    /// CONNECT waits, `no_room`, and those of `write`. After an error the client still waits.
    [[nodiscard]] sockless::error accept(const acceptance& answer = {}) noexcept {
        if (!is_asked_) return errc::nothing_to_answer;
        const connected_frame frame{agreed_, answer.session, answer.server, this->own_heart_beat(), answer.headers};
        if (const sockless::error refused =
                this->queue([&](bytes out) { return write(out, frame); }, 256, room_for_error)) {
            return refused;
        }
        is_asked_ = false;
        this->become_open(agreed_, client_beat_);
        return {};
    }

    /// Ends the session with an ERROR, the last frame that is sent (STOMP 1.2 ERROR) [S13]. Call it instead of
    /// `accept`, or for the event that the caller is handling, or at any other time. If that event asked for a receipt,
    /// the ERROR names it (STOMP 1.2 Header receipt) [S7]. The next call of `next` or `finish` returns `lost`, with
    /// `error_sent`; `done()` takes account of the end at once. Errors: `not_open` if the session has ended, `no_room`,
    /// and those of `write`.
    [[nodiscard]] sockless::error refuse(const refusal& answer = {}) noexcept {
        if (this->state() == stomp::state::closed) return errc::not_open;
        // A receipt that is due belongs to a frame that was handled without a failure, so the ERROR does not name it.
        const std::string_view handled = receipt_.is_due() ? std::string_view{} : receipt_.id(this->names_);
        const error_frame frame{.message = answer.message,
                                .receipt_id = answer.receipt.empty() ? handled : answer.receipt,
                                .content_type = answer.content_type,
                                .headers = answer.headers,
                                .body = answer.body};
        if (const sockless::error refused = queue_error(frame)) return refused;
        end(errc::error_sent);
        loses_ = true;
        return {};
    }
    [[nodiscard]] sockless::error refuse(std::string_view message) noexcept {
        return refuse(refusal{.message = message});
    }

    /// Ends the session in the way that its state asks for, for a program that ends. If the client has a session or has
    /// asked for one, an ERROR is queued. If it has not asked yet, nothing is queued. The next call of `next` or
    /// `finish` returns `lost`, with `shut_down`. After DISCONNECT the call does nothing, as the session ends by
    /// itself. Drive the session as before until `done()`.
    void shut_down() noexcept {
        if (this->state() >= stomp::state::disconnecting) return;
        constexpr sockless::error reason = errc::shut_down;
        if (this->is_open() || is_asked_) static_cast<void>(queue_error({.message = reason.sentence()}));
        end(reason);
        loses_ = true;
    }

    /// Queues a MESSAGE to a subscription of this client (STOMP 1.2 MESSAGE) [S11]. `subscription` is the number from
    /// the event `subscribe`. The members `subscription`, `message_id` and `ack` of `message` are not read: the session
    /// sets them as the version and the mode of the subscription demand. Errors: `not_open`, `unknown_subscription`,
    /// `too_many_unacknowledged`, `no_room` (also while a RECEIPT waits for room), and those of `write`.
    delivered deliver(std::uint32_t subscription, message_frame message) noexcept {
        if (!this->is_open()) return {0, errc::not_open};
        const name to = this->names_.find(subscription);
        const bool is_subscription =
            to && to.record.kind != name_kind::transaction && to.record.state == detail::name_state::live;
        if (!is_subscription) return {0, errc::unknown_subscription};
        const bool waits = to.record.mode != ack_mode::automatic;
        if (waits && unacknowledged_.is_full()) return {0, errc::too_many_unacknowledged};
        // A RECEIPT that waits for room comes first: else smaller messages could take the room again and again.
        if (receipt_.is_due()) return {0, errc::no_room};

        const std::uint64_t number = last_number_ + 1;
        const detail::decimal_text digits(number);
        message.message_id = digits.text();
        message.ack = waits ? digits.text() : std::string_view{};
        message.subscription = to.record.kind == name_kind::subscription ? to.text : std::string_view{};
        const auto note = [&]() -> sockless::error {
            return !waits || unacknowledged_.add(this->names_, to, number) ? errc::none : errc::too_many_unacknowledged;
        };
        if (const sockless::error refused =
                this->queue_frame(message, usual_head + message.body.size(), room_for_error, note)) {
            return {0, refused};
        }
        last_number_ = number;
        return {number, {}};
    }

    /// Queues a RECEIPT with this id (STOMP 1.2 RECEIPT) [S7]. Needed if `automatic_receipts` is off, for each event
    /// that `asks_for_receipt`. Errors: `not_open` before the session is open and after its end, `no_room`, and those
    /// of `write`: `missing_header` if the `data()` of `id` is null, as in an event that asks for no receipt.
    [[nodiscard]] sockless::error receipt(std::string_view id) noexcept {
        if (!this->is_open() && !this->is_disconnecting()) return errc::not_open;
        const receipt_frame frame{.receipt_id = id};
        const std::size_t likely = usual_receipt + id.size();
        if (const sockless::error refused = this->queue_frame(frame, likely, room_for_error)) return refused;
        if (equal(receipt_.id(this->names_), id)) receipt_.settle(this->names_);
        return {};
    }

    /// Says that the first `size` bytes of `output()` were sent. A short write is normal. It is a fault of the caller
    /// if `size` is more than `output()` had: an assertion fails or, with `NDEBUG`, no byte is taken.
    void sent(std::size_t size) noexcept {
        this->take_sent(size);
        if (!receipt_.is_due()) return;
        // If the RECEIPT cannot be written at all, `next` reports the error. After the end of the session nothing does,
        // so the RECEIPT is dropped.
        const bool unsaid = static_cast<bool>(say_receipt());
        if (unsaid && this->state() == stomp::state::closed) receipt_.settle(this->names_);
    }

    /// Says that the time is `now`, in milliseconds. Call it after each wait for input, but first give the bytes that
    /// came to `next`: else a client that is alive looks silent. The call does what is due: it queues a heart-beat, or
    /// it returns `lost` if a wait took too long. A wait that has begun since the last call counts from this one, as
    /// the session does not know the time when it began.
    [[nodiscard]] event tick(instant now) noexcept {
        const errc due = this->pass_time(now);
        return due == errc::none ? event{} : fail(due);
    }

    /// Says that the client has ended its side of the connection (`recv` returned 0), or that the connection broke.
    /// Returns `closed` after DISCONNECT, else `lost`; no event if the session had ended before and `lost` was
    /// returned. The queued bytes, and the RECEIPT for the last frame, are still to be sent, as the client may have
    /// ended only its own side.
    [[nodiscard]] event finish() noexcept {
        if (this->state() == stomp::state::closed) return tell_loss();
        if (automatic_receipts_ && receipt_.become_due()) {
            if (say_receipt()) receipt_.settle(this->names_);
        }
        const bool clean = this->is_disconnecting();
        const errc cut = this->reader_.finish();
        is_asked_ = false;
        this->become_closed(clean ? errc::none : cut != errc::none ? cut : errc::end_of_input);
        return clean ? event{.kind = kind::closed} : lost();
    }

    /// Whether nothing is left to do but to end the connection: the session has ended and all output was sent, or the
    /// client did not take the output in time.
    [[nodiscard]] bool done() const noexcept {
        if (this->has_waited()) return true;
        return has_said_all() && this->waiting() == 0;
    }

    /// Whether the session queues nothing more.
    [[nodiscard]] bool has_said_all() const noexcept {
        if (this->state() == stomp::state::closed) return !receipt_.is_due();
        return this->is_disconnecting() && !receipt_.is_owed();
    }

    /// Gives back memory that is not in use; see `session::release_memory`.
    void release_memory() noexcept {
        unacknowledged_.release(this->names_);
        base::release_memory();
    }

    /// The number of messages that wait for an acknowledgement.
    [[nodiscard]] std::size_t unacknowledged() const noexcept { return unacknowledged_.size(); }

  private:
    using messages = detail::acknowledgements<name_list, Buffer>;

    // This room stays free for an ERROR, so that it always fits.
    static constexpr std::size_t room_for_error = 512;

    [[nodiscard]] event lost() noexcept { return {.kind = kind::lost, .error = this->error()}; }

    [[nodiscard]] event tell_loss() noexcept {
        const bool owed = loses_;
        loses_ = false;
        return owed ? lost() : event{};
    }

    // An ERROR is the last frame that is sent, so no RECEIPT follows it (STOMP 1.2 ERROR) [S13].
    void end(sockless::error reason) noexcept {
        is_asked_ = false;
        receipt_.settle(this->names_);
        this->become_closed(reason);
    }

    // If the ERROR does not fit, or its receipt-id cannot be written in this version, it goes out without the
    // receipt-id.
    [[nodiscard]] sockless::error queue_error(error_frame frame) noexcept {
        const sockless::error refused = this->queue_frame(frame, usual_head + frame.body.size(), 0);
        if (!refused || frame.receipt_id.empty()) return refused;
        frame.receipt_id = {};
        return this->queue_frame(frame, usual_head + frame.body.size(), 0);
    }

    // Every failure goes this way: the last frame that is sent is an ERROR with the sentence of the error, the name of
    // the header that is `missing`, and the receipt of the frame that caused it (STOMP 1.2 ERROR) [S7] [S13].
    [[nodiscard]] event fail(sockless::error reason, std::string_view receipt = {},
                             std::string_view missing = {}) noexcept {
        error_frame frame{.message = reason.sentence(), .receipt_id = receipt};
        constexpr auto number = static_cast<std::size_t>(errc::missing_header);
        char text[detail::errc_texts[number].sentence.size() + sizeof " (accept-version)"];
        if (!missing.empty()) {
            detail::text_sink<char> message(text);
            message.put(reason.sentence());
            message.put(" (");
            message.put(missing);
            message.put(")");
            frame.message = {text, message.size()};
        }
        if (reason == errc::no_common_version) frame.supported = this->versions();
        static_cast<void>(queue_error(frame));
        end(reason);
        return lost();
    }

    [[nodiscard]] event fail_frame(errc reason, const headers& cause, std::string_view missing) noexcept {
        this->reader_.blame_frame();
        return fail(reason, cause.find("receipt"), missing);
    }

    // The error of a frame with this command in this state, or `none` (STOMP 1.2 Connecting) [S6].
    [[nodiscard]] errc judge(command sent) const noexcept {
        const bool connects = sent == command::connect || sent == command::stomp;
        const stomp::state now = this->state();
        if (now == stomp::state::connecting) return connects ? errc::none : errc::not_connected;
        // A client sends nothing after DISCONNECT (STOMP 1.2 DISCONNECT).
        if (now == stomp::state::disconnecting) return errc::after_disconnect;
        if (connects) return errc::already_connected;
        const bool known = sender_of(sent) == role::client && is_in(sent, agreed_);
        return known ? errc::none : errc::unexpected_command;
    }

    [[nodiscard]] event take(const detail::whole_frame& frame) noexcept {
        assert(!receipt_.is_owed() && "its id lies behind the names, which the frame may change");
        const known_headers known(frame.headers);
        event found{.host = known.host,
                    .login = known.login,
                    .passcode = known.passcode,
                    .id = known.id,
                    .destination = known.destination,
                    .content_type = known.content_type,
                    .receipt = known.receipt,
                    .headers = frame.headers,
                    .body = frame.body};
        // All frames of a client but CONNECT may ask for a receipt (STOMP 1.2 Header receipt) [S7].
        const bool asks = known.receipt.data() != nullptr && this->state() != stomp::state::connecting;
        const bool owes = asks && (automatic_receipts_ || frame.command == command::disconnect);
        const std::string_view missing = missing_in(frame.command, known);
        errc wrong = missing.empty() ? errc::none : errc::missing_header;
        if (wrong == errc::none && owes) wrong = judge_receipt(frame.command, known);
        if (wrong == errc::none) wrong = take_as(frame.command, known, found);
        if (wrong != errc::none) return fail_frame(wrong, frame.headers, missing);
        if (owes) receipt_.owe(this->names_, known.receipt);
        return found;
    }

    // The name of a header that the frame must have and that is missing or empty; empty if there is none (STOMP 1.2
    // Standard Headers) [S17].
    [[nodiscard]] std::string_view missing_in(command sent, const known_headers& known) const noexcept {
        const auto unless = [](std::string_view value, std::string_view header) {
            return value.empty() ? header : std::string_view{};
        };
        switch (sent) {
        // The command STOMP came with 1.1, which demands accept-version (STOMP 1.2 Connecting) [S6]. It demands a host
        // too, but many clients send none (STOMP 1.2 Connecting) [S17].
        case command::connect:
        case command::stomp: {
            if (sent == command::stomp && known.accept_version.data() == nullptr) return "accept-version";
            const bool needs_host = requires_host_ && version_for(known) > stomp::version::v1_0;
            return needs_host && known.host.data() == nullptr ? "host" : std::string_view{};
        }
        case command::send: return unless(known.destination, "destination");
        // Since 1.1 a subscription has an id (STOMP 1.2 SUBSCRIBE id Header) [S8].
        case command::subscribe:
            if (known.destination.empty()) return "destination";
            return is_1_0() ? std::string_view{} : unless(known.id, "id");
        case command::unsubscribe:
            return is_1_0() && known.id.empty() ? unless(known.destination, "destination") : unless(known.id, "id");
        // A message is named by its `ack` in 1.2, by its `message-id` before, and in 1.1 also by its subscription
        // (STOMP 1.2 ACK) [S9].
        case command::ack:
        case command::nack:
            if (this->version() == stomp::version::v1_2) return unless(known.id, "id");
            if (known.message_id.empty()) return "message-id";
            return is_1_0() ? std::string_view{} : unless(known.subscription, "subscription");
        case command::begin:
        case command::commit:
        case command::abort: return unless(known.transaction, "transaction");
        default: return {};
        }
    }

    // Whether there is room for the id of the receipt, and for the name that the frame may add. This is judged before
    // the frame changes anything, so that a frame is taken as a whole or not at all.
    [[nodiscard]] errc judge_receipt(command sent, const known_headers& known) noexcept {
        const bool fits = sent == command::subscribe ? has_room_for_subscription(known, known.receipt.size())
                          : sent == command::begin   ? has_room(known.transaction, known.receipt.size())
                                                     : has_room({}, known.receipt.size());
        return fits ? errc::none : errc::too_many_receipts;
    }

    // Makes room for a name and a text behind it. Subscriptions that have ended are only remembered as long as nothing
    // else needs their room.
    [[nodiscard]] bool has_room(std::string_view added, std::size_t behind = 0) noexcept {
        while (!this->names_.has_room(added, behind)) {
            if (!unacknowledged_.forget_first(this->names_)) return false;
        }
        return true;
    }
    [[nodiscard]] bool has_room_for_subscription(const known_headers& known, std::size_t behind = 0) noexcept {
        if (known.id.empty()) return has_room(known.destination, behind);
        // In 1.0 the destination is kept too.
        return has_room(known.id, behind + (is_1_0() ? sizeof(detail::server_name) + known.destination.size() : 0));
    }

    // Queues the RECEIPT that is due. If there is no room it stays due, until the client has taken something.
    [[nodiscard]] sockless::error say_receipt() noexcept {
        const std::string_view id = receipt_.id(this->names_);
        const receipt_frame frame{.receipt_id = id.empty() ? "" : id};
        const std::size_t likely = usual_receipt + frame.receipt_id.size();
        const sockless::error refused = this->queue_frame(frame, likely, room_for_error);
        if (!refused) {
            receipt_.settle(this->names_);
            return {};
        }
        if (refused != errc::no_room) return refused;
        return this->waiting() == 0 ? errc::output_full : errc::none;
    }

    // Judges a frame by the rules of its command, and changes the state of the session as the frame demands.
    [[nodiscard]] errc take_as(command sent, const known_headers& known, event& found) noexcept {
        switch (sent) {
        case command::connect:
        case command::stomp: return take_connect(known, found);
        case command::send: found.kind = kind::send; return judge_transaction(known, found);
        case command::subscribe: return take_subscribe(known, found);
        case command::unsubscribe: return take_unsubscribe(known, found);
        case command::ack:
        case command::nack: found.kind = sent == command::ack ? kind::ack : kind::nack; return take_ack(known, found);
        case command::begin: return take_begin(known, found);
        case command::commit:
        case command::abort:
            found.kind = sent == command::commit ? kind::commit : kind::abort;
            return end_transaction(known, found);
        default:
            found.kind = kind::disconnect;
            this->become_disconnecting();
            return errc::none;
        }
    }

    // The highest version that both sides know is chosen. A client without accept-version speaks 1.0 (STOMP 1.2
    // Protocol Negotiation) [S6].
    [[nodiscard]] stomp::version version_for(const known_headers& known) const noexcept {
        const bool lists = known.accept_version.data() != nullptr;
        return this->versions().highest_in_common(lists ? version_set::of_list(known.accept_version)
                                                        : version_set{stomp::version::v1_0});
    }

    [[nodiscard]] errc take_connect(const known_headers& known, event& found) noexcept {
        agreed_ = version_for(known);
        if (agreed_ == stomp::version::unknown) return errc::no_common_version;
        if (agreed_ != stomp::version::v1_0 && known.heart_beat.data() != nullptr) {
            const parsed_heart_beat beat = parse_heart_beat(known.heart_beat);
            if (!beat.valid) return errc::bad_heart_beat;
            client_beat_ = beat.value;
        }
        found.kind = kind::connect;
        is_asked_ = true;
        return errc::none;
    }

    // Ids of subscriptions are unique in a session. In 1.0 a subscription without an id is named by its destination
    // (STOMP 1.2 SUBSCRIBE id Header) [S8].
    [[nodiscard]] errc take_subscribe(const known_headers& known, event& found) noexcept {
        found.kind = kind::subscribe;
        found.body = {}; // In 1.0 it may have one, which is ignored (STOMP 1.0 SUBSCRIBE) [S16].
        const bool named = !known.id.empty();
        const name_kind named_by = named ? name_kind::subscription : name_kind::destination;
        const std::string_view text = named ? known.id : known.destination;
        if (this->names_.find(named_by, text)) return errc::repeated_subscription;

        bool valid = known.ack.data() == nullptr;
        for (const ack_mode mode : all_ack_modes) {
            if (valid || !equal(known.ack, text_of(mode))) continue;
            found.ack = mode;
            valid = mode != ack_mode::client_individual || !is_1_0();
        }
        if (!valid) return errc::bad_ack_mode;

        const std::size_t count =
            this->names_.count(name_kind::subscription) + this->names_.count(name_kind::destination);
        const bool full = count >= this->most_subscriptions();
        if (full || !has_room_for_subscription(known)) return errc::too_many_subscriptions;
        found.subscription = this->names_.add({.kind = named_by, .mode = found.ack}, text);
        if (named && is_1_0()) this->names_.add_second(name_kind::named_destination, known.destination);
        return errc::none;
    }

    [[nodiscard]] errc take_unsubscribe(const known_headers& known, event& found) noexcept {
        found.kind = kind::unsubscribe;
        const name ended = known.id.empty() ? subscription_to(known.destination)
                                            : this->names_.find(name_kind::subscription, known.id);
        if (!ended) return errc::unknown_subscription;
        found.subscription = ended.record.number;
        unacknowledged_.end(this->names_, ended);
        return errc::none;
    }

    // In 1.0 a destination names the subscription without an id, and if there is none, the oldest one with an id (STOMP
    // 1.0 UNSUBSCRIBE) [S16].
    [[nodiscard]] name subscription_to(std::string_view destination) const noexcept {
        const name plain = this->names_.find(name_kind::destination, destination);
        return plain ? plain : this->names_.find_second(name_kind::named_destination, destination);
    }

    // Both ids of a message are its number. A message that is acknowledged in a transaction stays in the list until the
    // transaction is committed.
    [[nodiscard]] errc take_ack(const known_headers& known, event& found) noexcept {
        const bool is_1_2 = this->version() == stomp::version::v1_2;
        const std::string_view text = is_1_2 ? known.id : known.message_id;
        const detail::decimal number = detail::read_decimal(text);
        const bool is_ours = number.valid && equal(text, detail::decimal_text(number.value).text());
        if (!is_ours) return errc::unknown_acknowledgement;
        const auto message = unacknowledged_.find(this->names_, number.value);
        if (!message) return errc::unknown_acknowledgement;
        const bool names_subscription = this->version() == stomp::version::v1_1;
        if (names_subscription && !equal(message.subscription.text, known.subscription)) {
            const bool is_known = static_cast<bool>(this->names_.find(name_kind::subscription, known.subscription));
            return is_known ? errc::unknown_acknowledgement : errc::unknown_subscription;
        }
        if (const errc wrong = judge_transaction(known, found); wrong != errc::none) return wrong;

        found.number = message.message.number;
        found.subscription = message.message.subscription;
        found.cumulative = message.subscription.record.mode == ack_mode::client;
        // A worker may still hold a message when its subscription ends, and acknowledge it then (STOMP 1.2 UNSUBSCRIBE)
        // [S9].
        if (message.is_late()) found.kind = kind::late_ack;
        if (found.transaction.empty()) {
            unacknowledged_.acknowledge(this->names_, message);
        } else {
            const name open = this->names_.find(name_kind::transaction, found.transaction);
            unacknowledged_.acknowledge(this->names_, message, open);
        }
        return errc::none;
    }

    // Names are unique among the open transactions (STOMP 1.2 BEGIN) [S10].
    [[nodiscard]] errc take_begin(const known_headers& known, event& found) noexcept {
        found.kind = kind::begin;
        found.transaction = known.transaction;
        constexpr name_kind named_by = name_kind::transaction;
        if (this->names_.find(named_by, known.transaction)) return errc::repeated_transaction;
        const bool full = this->names_.count(named_by) >= this->most_transactions();
        if (full || !has_room(known.transaction)) return errc::too_many_transactions;
        this->names_.add({.kind = named_by}, known.transaction);
        return errc::none;
    }

    [[nodiscard]] errc end_transaction(const known_headers& known, event& found) noexcept {
        found.transaction = known.transaction;
        const name open = this->names_.find(name_kind::transaction, known.transaction);
        if (!open) return errc::unknown_transaction;
        if (found.kind == kind::commit) {
            unacknowledged_.commit(this->names_, open);
        } else {
            unacknowledged_.abort(this->names_, open);
        }
        // COMMIT may have moved the names.
        this->names_.erase(this->names_.find(open.record.number));
        return errc::none;
    }

    [[nodiscard]] errc judge_transaction(const known_headers& known, event& found) const noexcept {
        found.transaction = known.transaction;
        const bool is_open =
            known.transaction.data() == nullptr || this->names_.find(name_kind::transaction, known.transaction);
        return is_open ? errc::none : errc::unknown_transaction;
    }

    [[nodiscard]] bool is_1_0() const noexcept { return this->version() == stomp::version::v1_0; }

    // Small members first: they lie in the padding of the base.
    stomp::version agreed_ = stomp::version::unknown;
    bool automatic_receipts_ : 1;
    bool requires_host_ : 1;
    bool is_asked_ : 1 = false; // a CONNECT waits for its answer
    bool loses_ : 1 = false;    // the `lost` event is still owed
    detail::owed_receipt receipt_;
    messages unacknowledged_;
    std::uint64_t last_number_ = 0;
    stomp::heart_beat client_beat_{};
};

template <class Buffer>
basic_server_session(Buffer, Buffer, Buffer, Buffer, const options& = {}) -> basic_server_session<Buffer>;

/// The usual server session: memory from the heap, up to the limits of its options.
using server_session = basic_server_session<growing_buffer>;

} // namespace sockless::stomp

// ========================================== sockless/stomp/websocket.hpp ==========================================
// STOMP over WebSocket: a session and the WebSocket that carries it, as one object.

namespace sockless::stomp {

/// The ways to carry a session.
enum class carried_by : std::uint8_t {
    unknown,    ///< not decided yet: the first byte that comes decides
    bytes,      ///< the bytes of the session go over the connection as they are
    web_socket, ///< the bytes of the session are the payloads of WebSocket messages
};

/// The `Output` of a session that a WebSocket can carry: it takes the frames that the session sends. `Endpoint` is a
/// `ws::basic_server` or `ws::basic_client`. Each frame and each heart-beat is a WebSocket message of its own [W3]. The
/// message is text if the frame is UTF-8, else binary [W2].
///
///     using session = stomp::carried_server_session<ws::server>; // its Output is a carrier
///     stomp::over_websocket<session> connection{ws::server(ws::already_open{}, {.whole_messages = false})};
template <class Endpoint, class Buffer>
class carrier {
  public:
    using endpoint = Endpoint;

    /// `memory` holds the frames if there is no WebSocket, and the frames that come before the WebSocket is open. A
    /// frame that is longer than `most` bytes goes out as several messages, for peers with low limits; text is cut
    /// between characters [W4].
    carrier(Endpoint web_socket, const Buffer& memory, carried_by by, std::size_t most = SIZE_MAX) noexcept
        : web_socket_(static_cast<Endpoint&&>(web_socket)), bytes_(memory), most_(most), by_(by) {}

    /// How the session is carried. `decide` sets it, while it is `unknown`.
    [[nodiscard]] carried_by by() const noexcept { return by_; }
    void decide(carried_by by) noexcept { by_ = by; }

    /// The WebSocket, also if the session is carried as bytes.
    [[nodiscard]] Endpoint& web_socket() noexcept { return web_socket_; }
    [[nodiscard]] const Endpoint& web_socket() const noexcept { return web_socket_; }

    // The session calls the functions that follow.

    /// The bytes that are to be sent next, and how many wait in all.
    [[nodiscard]] cbytes output() const noexcept {
        return by_ == carried_by::web_socket ? web_socket_.output() : bytes_.output();
    }
    [[nodiscard]] std::size_t output(std::span<cbytes> pieces) const noexcept {
        return by_ == carried_by::web_socket ? web_socket_.output(pieces).size() : bytes_.output(pieces);
    }
    [[nodiscard]] std::size_t size() const noexcept {
        return by_ == carried_by::web_socket ? web_socket_.waiting() : bytes_.size();
    }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }

    /// Says that so many bytes of `output()` were sent.
    void sent(std::size_t size) noexcept {
        if (by_ == carried_by::web_socket) {
            web_socket_.sent(size);
            send_what_was_early();
        } else {
            bytes_.sent(size);
        }
    }

    /// Gives back memory that is not in use.
    void release() noexcept { bytes_.release(); }

    /// Queues a frame of the session as a message of its own, or as bytes.
    template <class Write, class Note>
    friend sockless::error put(carrier& to, std::size_t likely, std::size_t reserve, errc no_room, Write write,
                               Note note) noexcept {
        return to.put_frame(likely, reserve, no_room, write, note);
    }

    /// Sends the frame that was queued before the WebSocket was open: a session has only CONNECT to send so early. If
    /// the WebSocket has no room for it, it stays.
    [[nodiscard]] bool can_send_what_was_early() const noexcept { return !bytes_.empty() && web_socket_.is_open(); }
    void send_what_was_early() noexcept {
        while (can_send_what_was_early()) {
            const cbytes early = bytes_.first_run();
            const auto write = [early](bytes out) -> written {
                if (out.size() < early.size()) return {early.size(), errc::no_room};
                detail::copy(out.data(), early.data(), early.size());
                return {early.size(), {}};
            };
            if (web_socket_.send_written(write, {.likely = early.size(), .most = most_})) return;
            for (std::size_t left = early.size(); left != 0;) {
                const std::size_t shown = bytes_.output().size();
                bytes_.sent(shown);
                left -= shown;
            }
        }
    }

  private:
    template <class Write, class Note>
    [[nodiscard]] sockless::error put_frame(std::size_t likely, std::size_t reserve, errc no_room, Write& write,
                                            Note& note) noexcept {
        const bool early = web_socket_.state() == ws::state::opening;
        if (by_ != carried_by::web_socket || early) return put(bytes_, likely, reserve, no_room, write, note);
        const ws::written_message message{.likely = likely, .reserve = reserve, .most = most_};
        const sockless::error refused = web_socket_.send_written(write, message, note);
        if (refused == ws::errc::no_room) return no_room;
        return refused == ws::errc::not_open ? sockless::error(errc::not_open) : refused;
    }

    Endpoint web_socket_;
    detail::bare_output<Buffer> bytes_;
    std::size_t most_;
    carried_by by_;
};

/// An event of a session that a WebSocket may carry. `kind` and all other members but `web_socket` are those of the
/// session's event. Views and spans are valid as long as those of the session's event and of `ws::event`.
template <class Event>
struct carried_event : Event {
    /// The event of the WebSocket, unless it is a piece of a message. With `closed` the session has ended too; `kind`
    /// says how, if the session had not ended before.
    ws::event web_socket{};

    [[nodiscard]] constexpr explicit operator bool() const noexcept {
        return Event::operator bool() || static_cast<bool>(web_socket);
    }
};

/// A session and the WebSocket that carries it, as one endpoint. Give the bytes that came to `next` until it returns no
/// event, send `output()` and report it with `sent`, and stop when `done()` is true. Call all other functions of the
/// session and the WebSocket on `session()` and `web_socket()`. The end of the session closes the WebSocket, with the
/// Close code of the session's error or 1000. The end of the WebSocket ends the session. `Session` is a session whose
/// `Output` is a `carrier`.
template <class Session>
class over_websocket {
    using carrier_type = typename Session::output_type;

  public:
    using event = carried_event<typename Session::event>;
    using kind = typename Session::kind;
    using session_type = Session;
    using endpoint = typename carrier_type::endpoint;

    /// A session over this WebSocket, which may be open already, with memory from the heap. `settings` are the options
    /// of the session; for `most` see `carrier`. Turn `ws::options::whole_messages` off for this WebSocket: else a
    /// frame that comes in pieces is kept twice.
    explicit over_websocket(endpoint web_socket, const options& settings = {}, std::size_t most = SIZE_MAX) noexcept
        requires std::is_constructible_v<Session, carrier_type, const options&>
        : over_websocket(Session(carrier_type(static_cast<endpoint&&>(web_socket), growing_buffer(settings.output),
                                              carried_by::web_socket, most),
                                 settings)) {}

    /// With this session, which contains its carrier.
    explicit over_websocket(Session session) noexcept : session_(static_cast<Session&&>(session)) {}

    /// The session, and the WebSocket that carries it.
    [[nodiscard]] Session& session() noexcept { return session_; }
    [[nodiscard]] const Session& session() const noexcept { return session_; }
    [[nodiscard]] endpoint& web_socket() noexcept { return carrier().web_socket(); }
    [[nodiscard]] const endpoint& web_socket() const noexcept { return carrier().web_socket(); }

    /// How the session is carried. (The connections in connection.hpp also work without a WebSocket.)
    [[nodiscard]] carried_by carried() const noexcept { return carrier().by(); }

    /// Takes bytes from the front of `in` up to the end of the next event and returns it. Takes nothing while the
    /// session (see `basic_server_session::next`) or the WebSocket takes nothing. So keep the bytes that are left in
    /// `in`, and give them again. They may be unmasked already, so give them as they are.
    [[nodiscard]] event next(bytes& in) noexcept {
        if (carried() != carried_by::web_socket) return event{session_.next(in)};
        for (;;) {
            if (event found{next_of_payload(in)}) {
                follow();
                return found;
            }
            follow();
            // The session waits: for the answer to a CONNECT, or for room for a RECEIPT.
            if (has_payload()) return {};
            const bytes before = in;
            const ws::event found = web_socket().next(in);
            if (!found) return {};
            if (found.kind != ws::kind::piece && found.kind != ws::kind::message) return take(found);
            take_payload(found.payload, before, in);
        }
    }

    /// As `output`, `waiting` and `sent` of `session`, for the bytes of the session and the WebSocket together. A
    /// CONNECT that waits until the WebSocket is open is not among them yet.
    [[nodiscard]] cbytes output() const noexcept { return session_.output(); }
    [[nodiscard]] std::span<const cbytes> output(std::span<cbytes> pieces) const noexcept {
        return session_.output(pieces);
    }
    [[nodiscard]] std::size_t waiting() const noexcept { return session_.waiting(); }
    void sent(std::size_t size) noexcept {
        session_.sent(size);
        follow();
    }

    /// As `hold_input` of the session and of `ws::connection`.
    void hold_input() noexcept {
        session_.hold_input();
        web_socket().hold_input();
    }

    /// As `tick` and `next_deadline` of the session and the WebSocket together. While it is unknown what the connection
    /// carries, both the session and the WebSocket wait for the peer, and the shorter timeout ends the connection.
    [[nodiscard]] event tick(instant now) noexcept {
        const bool is_decided = carried() == carried_by::web_socket;
        if (!is_decided) {
            event due{session_.tick(now)};
            // What a session says at its end goes out as it is.
            if (session_.state() == state::closed) carrier().decide(carried_by::bytes);
            if (due || carried() == carried_by::bytes) return due;
        }
        // The session waits for its caller, and the peer's bytes wait with it. So the peer is not silent.
        if (has_payload() && waiting() == 0) web_socket().hold_input();
        if (const ws::event found = web_socket().tick(now)) {
            carrier().decide(carried_by::web_socket);
            return take(found);
        }
        if (!is_decided) return {};
        event due{session_.tick(now)};
        follow();
        return due;
    }
    [[nodiscard]] instant next_deadline() const noexcept {
        const instant own = session_.next_deadline();
        if (carried() == carried_by::bytes) return own;
        if (carrier().can_send_what_was_early()) return 0;
        const instant other = web_socket().next_deadline();
        return own < other ? own : other;
    }

    /// Says that the peer has ended its side of the connection (`recv` returned 0), or that the connection broke. The
    /// queued bytes are still to be sent, as the peer may have ended only its own side.
    [[nodiscard]] event finish() noexcept {
        if (carried() != carried_by::web_socket) return event{session_.finish()};
        return take(web_socket().finish());
    }

    /// Whether nothing is left to do but to end the TCP connection: see `ws::connection::done` and `done` of the
    /// session.
    [[nodiscard]] bool done() const noexcept {
        return carried() == carried_by::web_socket ? web_socket().done() : session_.done();
    }

    /// The error of the session. If the session has only ended because the WebSocket ended, the error of the WebSocket.
    [[nodiscard]] sockless::error error() const noexcept {
        const sockless::error own = session_.error();
        const bool is_cut = own == errc::end_of_input || own == errc::truncated;
        return own && !(is_cut && web_socket().error()) ? own : web_socket().error();
    }

    /// Gives back memory that is not in use. Views and spans of events are no longer valid; those of `output()` are.
    void release_memory() noexcept {
        session_.release_memory();
        if (payload_.empty()) web_socket().release_memory();
    }

    /// Ends the session and the WebSocket in the way that their states ask for: see `shut_down` of the session and of
    /// `ws::connection`.
    void shut_down() noexcept {
        if (carried() == carried_by::web_socket && !web_socket().is_open()) return web_socket().shut_down();
        session_.shut_down();
        follow();
    }

  protected:
    [[nodiscard]] carrier_type& carrier() noexcept { return session_.output_; }
    [[nodiscard]] const carrier_type& carrier() const noexcept { return session_.output_; }
    [[nodiscard]] version_set versions() const noexcept { return session_.versions(); }

  private:
    // Whether the session has not used up the last payload yet.
    [[nodiscard]] bool has_payload() const noexcept { return left_ != 0 || !payload_.empty(); }

    // The next event from that payload.
    [[nodiscard]] typename Session::event next_of_payload(bytes& in) noexcept {
        if (!payload_.empty()) return session_.next(payload_);
        bytes payload = in.first(in.size() < left_ ? in.size() : left_);
        const std::size_t size = payload.size();
        const auto found = session_.next(payload);
        in = in.subspan(size - payload.size());
        left_ -= size - payload.size();
        return found;
    }

    // A payload lies unmasked in the input, directly before the bytes that follow its frame. It is put back at the
    // front of `in`, and only its size is remembered, so the session takes it from there. `before` is the input as it
    // was before this frame. If the payload was inflated or joined, it lies in the memory of the WebSocket instead.
    void take_payload(bytes payload, bytes before, bytes& in) noexcept {
        const std::size_t size = payload.size() + in.size();
        if (size <= before.size() && before.last(size).data() == payload.data()) {
            left_ = payload.size();
            in = before.last(size);
        } else {
            payload_ = payload;
        }
    }

    [[nodiscard]] event take(const ws::event& found) noexcept {
        event taken{};
        if (found.kind == ws::kind::open) carrier().send_what_was_early();
        if (found.kind == ws::kind::closed) static_cast<typename Session::event&>(taken) = session_.finish();
        taken.web_socket = found;
        return taken;
    }

    // A CONNECT that waited is sent: the caller may have accepted a 101 that was shown with an error. If the session
    // has ended, or has waited for its end long enough, the WebSocket is closed. If no Close can be sent, it fails.
    void follow() noexcept {
        carrier().send_what_was_early();
        const bool ends = session_.has_said_all() || session_.has_waited();
        if (!ends || carried() != carried_by::web_socket) return;
        if (web_socket().state() == ws::state::opening) return web_socket().shut_down();
        if (!web_socket().is_open()) return;
        const sockless::error reason = session_.error();
        if (reason && !web_socket().close(reason.close_code(), reason.sentence())) return;
        if (web_socket().close()) web_socket().shut_down();
    }

    Session session_;
    std::size_t left_ = 0; // bytes at the front of the input that are payload, unmasked
    bytes payload_{};      // the rest of a payload that lies in the memory of the WebSocket
};

/// The sessions that a WebSocket can carry, and session and WebSocket together: `server_over_websocket<ws::server>`.
template <class Endpoint, class Buffer = growing_buffer>
using carried_server_session = basic_server_session<Buffer, carrier<Endpoint, Buffer>>;
template <class Endpoint, class Buffer = growing_buffer>
using carried_client_session = basic_client_session<Buffer, carrier<Endpoint, Buffer>>;
template <class Endpoint, class Buffer = growing_buffer>
using server_over_websocket = over_websocket<carried_server_session<Endpoint, Buffer>>;
template <class Endpoint, class Buffer = growing_buffer>
using client_over_websocket = over_websocket<carried_client_session<Endpoint, Buffer>>;

} // namespace sockless::stomp

// ========================================= sockless/stomp/connection.hpp ==========================================
// Whole STOMP connections for server and client: a session, carried by plain bytes or by a WebSocket.

namespace sockless::stomp {

/// How a connection behaves.
struct connection_options {
    /// The options of the session. `output` limits the bytes that wait to be sent, also over a WebSocket.
    options session{};

    /// The options of the WebSocket, if there is one. `whole_messages` and `output` are not read. By default a message
    /// has room for the largest frame of STOMP.
    ws::options web_socket{.limits = {.message = most_in_message, .frame = most_in_message}};

    /// The most bytes in one WebSocket message that is sent. A longer frame goes out as several messages, for a peer
    /// with low limits. By default a frame of any size is one message, as some clients take each message for a
    /// frame [W4].
    std::size_t most = SIZE_MAX;

    /// Server: whether the connection answers requests for a WebSocket by itself, as `accept_request()` does. If false,
    /// the caller answers each request with `accept_request()`, or with `refuse` of `web_socket()`. A server that
    /// relies on the Origin field of browsers sets it to false and checks that field.
    bool accept_requests = true;

    static constexpr std::uint64_t most_in_message = stomp::limits{}.body + 2 * stomp::limits{}.head;
};

} // namespace sockless::stomp

namespace sockless::stomp::detail {

/// The options of the WebSocket. It gives payloads in pieces, as the session takes each at once: so the WebSocket need
/// not collect messages.
[[nodiscard]] inline ws::options web_socket_options(const connection_options& settings) noexcept {
    ws::options options = settings.web_socket;
    options.whole_messages = false;
    options.output = settings.session.output;
    return options;
}

} // namespace sockless::stomp::detail

namespace sockless::stomp {

/// One connection of a STOMP server. Plain bytes or a WebSocket carry its session. The first byte that comes decides: a
/// request for a WebSocket begins with `GET`, and no command of STOMP begins with G. Use it as `over_websocket`.
///
///     stomp::server_connection connection; // TCP or WebSocket: the client decides
///     while (const auto event = connection.next(in)) {
///         if (event.web_socket.kind == ws::kind::request) error = connection.accept_request();
///         if (event.kind == stomp::server_kind::connect) error = connection.session().accept();
///     }
///     connection.sent(write(connection.output()));
template <class Buffer, class Compression = ws::no_compression>
class basic_server_connection : public server_over_websocket<ws::basic_server<Buffer, Compression>, Buffer> {
    using base = server_over_websocket<ws::basic_server<Buffer, Compression>, Buffer>;
    using carrier_type = stomp::carrier<ws::basic_server<Buffer, Compression>, Buffer>;

  public:
    using typename base::event;
    using typename base::session_type;

    /// With memory from the heap, up to the limits of `settings`.
    explicit basic_server_connection(
        const connection_options& settings = {},
        Compression compression = Compression()) noexcept requires std::is_same_v<Buffer, growing_buffer>
        : basic_server_connection(
              session_type(carrier_type(ws::basic_server<Buffer, Compression>(detail::web_socket_options(settings),
                                                                              static_cast<Compression&&>(compression)),
                                        growing_buffer(settings.session.output), carried_by::unknown, settings.most),
                           settings.session),
              settings.accept_requests) {}

    /// With this session, which contains its carrier: for memory of the caller's.
    explicit basic_server_connection(session_type session, bool accept_requests = true) noexcept
        : base(static_cast<session_type&&>(session)), accepts_requests_(accept_requests) {}

    /// As `over_websocket::next`. Requests for a WebSocket are answered here, if `accept_requests` is set; but not
    /// those that are shown with an error (`ws::options::show_faults`).
    [[nodiscard]] event next(bytes& in) noexcept {
        if (this->carried() == carried_by::unknown && !in.empty()) {
            // If the session has ended already, no WebSocket can begin any more.
            const bool asks = in[0] == std::byte{'G'} && this->session().state() != state::closed;
            this->carrier().decide(asks ? carried_by::web_socket : carried_by::bytes);
        }
        for (;;) {
            event found = base::next(in);
            if (found.web_socket.kind != ws::kind::request || !accepts_requests_) return found;
            // A request that breaks a rule is accepted on the caller's word only.
            if (found.web_socket.error) return found;
            // If the answer does not fit into the output, the connection cannot begin.
            if (accept_request()) this->web_socket().shut_down();
        }
    }

    /// Answers a request for a WebSocket. Accepts it with the best subprotocol of STOMP that the client offers, or
    /// without a subprotocol if the client offers none [W1]. Refuses it with status 400 if the client offers only other
    /// subprotocols. Errors: those of `accept` and `refuse` of `ws::basic_server`.
    [[nodiscard]] sockless::error accept_request() noexcept {
        const auto& fields = this->web_socket().head().fields;
        const std::string_view chosen = ws::choose_subprotocol(subprotocols, fields);
        const auto names_any = [](std::string_view list) {
            const http::list_elements names(list);
            return names.begin() != names.end();
        };
        const bool offers_any = http::detail::visit_values(fields, "sec-websocket-protocol", names_any);
        if (chosen.empty() && offers_any) return this->web_socket().refuse(400);
        return this->web_socket().accept({.subprotocol = chosen});
    }

  private:
    bool accepts_requests_;
};

/// One connection of a STOMP client. Plain bytes or a WebSocket carry its session; the constructor decides. Use it as
/// `over_websocket`. The caller can call `connect` of `session()` at once: CONNECT waits until the WebSocket is open.
///
///     stomp::client_connection connection{ws::entropy(seed)};
///     error = connection.request({.host = "broker.example", .target = "/ws"});
///     error = connection.session().connect({.host = "/"}); // leaves once the WebSocket is open
///     while (const auto event = connection.next(in)) {
///         if (event.kind != stomp::client_kind::connected) continue;
///         error = connection.session().subscribe({.id = "1", .destination = "/queue/a"});
///     }
///     connection.sent(write(connection.output()));
template <class Buffer, class Compression = ws::no_compression>
class basic_client_connection : public client_over_websocket<ws::basic_client<Buffer, Compression>, Buffer> {
    using base = client_over_websocket<ws::basic_client<Buffer, Compression>, Buffer>;
    using carrier_type = stomp::carrier<ws::basic_client<Buffer, Compression>, Buffer>;

  public:
    using typename base::session_type;

    /// A connection without a WebSocket, with memory from the heap, up to the limits of `settings`.
    explicit basic_client_connection(
        const connection_options& settings = {}) noexcept requires std::is_same_v<Buffer, growing_buffer>
        : basic_client_connection(ws::entropy(), settings, Compression(), carried_by::bytes) {}

    /// A connection over a WebSocket, with memory from the heap, up to the limits of `settings`. Call `request` first.
    /// `keys` is the source of randomness, as for `ws::basic_client`.
    explicit basic_client_connection(
        ws::entropy keys, const connection_options& settings = {},
        Compression compression = Compression()) noexcept requires std::is_same_v<Buffer, growing_buffer>
        : basic_client_connection(static_cast<ws::entropy&&>(keys), settings, static_cast<Compression&&>(compression),
                                  carried_by::web_socket) {}

    /// With this session, which contains its carrier: for memory of the caller's.
    explicit basic_client_connection(session_type session) noexcept : base(static_cast<session_type&&>(session)) {}

    /// Asks for the WebSocket: see `ws::basic_client::request`. If `asked` names no subprotocols, the client offers
    /// those of the versions that the session speaks [W1]. Errors: `ws::errc::not_open` if the connection has no
    /// WebSocket, and those of `ws::basic_client::request`.
    [[nodiscard]] sockless::error request(ws::opening asked) noexcept {
        if (this->carried() != carried_by::web_socket) return ws::errc::not_open;
        std::string_view own[std::size(subprotocols)];
        std::size_t count = 0;
        for (std::size_t i = 0; i != std::size(subprotocols); ++i) {
            if (this->versions().has(all_versions[i])) own[count++] = subprotocols[i];
        }
        if (asked.subprotocols.empty()) asked.subprotocols = std::span<const std::string_view>(own, count);
        return this->web_socket().request(asked);
    }

  private:
    basic_client_connection(ws::entropy keys, const connection_options& settings, Compression compression,
                            carried_by by) noexcept requires std::is_same_v<Buffer, growing_buffer>
        : basic_client_connection(
              session_type(carrier_type(ws::basic_client<Buffer, Compression>(static_cast<ws::entropy&&>(keys),
                                                                              detail::web_socket_options(settings),
                                                                              static_cast<Compression&&>(compression)),
                                        growing_buffer(settings.session.output), by, settings.most),
                           settings.session)) {}
};

/// The usual connections: memory from the heap, up to the limits of their options.
using server_connection = basic_server_connection<growing_buffer>;
using client_connection = basic_client_connection<growing_buffer>;

} // namespace sockless::stomp

// =============================================== sockless/stomp.hpp ===============================================
// All of the STOMP layer: codecs, sessions, and the way over WebSocket.

// ======================================== sockless/ws/deflate/message.hpp =========================================
// Inflates and deflates messages piece by piece, with any compressor that has a few verbs (RFC 7692 section 7.2).

namespace sockless::ws {

/// The result of one step of an inflater or deflater.
enum class deflate_status : std::uint8_t {
    done,        ///< all input is taken and all output of it given; a deflater has also flushed it
    need_room,   ///< the output is full, and there may be more for it
    final_block, ///< inflater: a block that is marked as the last has ended; a new block may follow in the input
    corrupt,     ///< inflater: this is not deflate data
    no_memory,   ///< there is no memory to begin with
};

/// Decompresses raw deflate data (RFC 1951) that comes in pieces. Made without arguments; it may put off taking memory
/// until the first step. All verbs are `noexcept`.
///
/// It remembers the last 32 KiB of its output, as far as any reference can go back (RFC 1951 section 2), whatever
/// smaller window was agreed to: so the same reference is good or corrupt however input and room are cut [F12].
///
/// - `step(in, out)` takes bytes from the front of `in`, puts the inflated bytes to the front of `out`, and cuts both
///   spans accordingly. It returns at the end of the input, of the room, or of a block that is marked as the last
///   (BFINAL). After that a new block begins with the next whole byte, and the window stays (RFC 7692 section 7.2.3.4).
/// - `between_blocks()` says whether the bytes that were taken so far end with the end of a block.
/// - `reset()` forgets everything: then the inflater is as new, also after an error. It may keep its memory.
template <class T>
concept inflater = std::is_nothrow_default_constructible_v<T> &&
    requires(T codec, const T& constant, cbytes& in, bytes& out) {
    { codec.step(in, out) }
    noexcept->std::same_as<deflate_status>;
    { constant.between_blocks() }
    noexcept->std::same_as<bool>;
    { codec.reset() }
    noexcept;
};

/// Compresses to raw deflate data. Made from the bits of its window, from `smallest_window` to 15, and `T::settings`,
/// which has defaults. It may put off taking memory until the first step. All verbs are `noexcept`.
///
/// - `step(in, out)` takes all of `in`, which is empty only after `need_room`, in one or more calls; then it ends the
///   block and adds an empty stored one, so that the output ends with 00 00 FF FF ("sync flush"). Both spans are cut as
///   an inflater does. There are at least 12 bytes of room at each call.
/// - `reset()` forgets everything: the next data refers to nothing before it.
template <class T>
concept deflater = std::is_nothrow_constructible_v<T, unsigned, const typename T::settings&> &&
    std::is_default_constructible_v<typename T::settings> && requires(T codec, cbytes& in, bytes& out) {
    { codec.step(in, out) }
    noexcept->std::same_as<deflate_status>;
    { codec.reset() }
    noexcept;
    { T::smallest_window } -> std::convertible_to<unsigned>;
};

} // namespace sockless::ws

namespace sockless::ws::detail {

/// The bytes that end a message of compressed data, and are not sent (RFC 7692 section 7.2.1).
inline constexpr std::byte deflate_tail[] = {std::byte{0}, std::byte{0}, std::byte{0xFF}, std::byte{0xFF}};

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Inflates one message after the other: takes the data of a `decoder` that came compressed, gives data as a decoder
/// does. It knows the rules of messages. The caller holds the inflater and the memory for the output, and decides when
/// the inflater forgets. 24 bytes; no memory of its own.
///
///     ws::zlib_inflater codec;
///     ws::message_inflater message;
///     message.begin(ws::message_type::text);
///     std::array<std::byte, 4096> room;
///     cbytes payload = in;
///     while (const auto piece = message.next(codec, payload, true, room)) {
///         if (piece.kind == ws::decoder::kind::data) print(text_of(piece.payload));
///         if (piece.last || piece.kind == ws::decoder::kind::error) break;
///     }
class message_inflater {
  public:
    /// `limit`: the most bytes that one message may come to. A decoder's limit is on the bytes that are sent, so a
    /// message has to keep to both.
    constexpr explicit message_inflater(std::uint64_t limit = ws::limits{}.message) noexcept : limit_(limit) {}

    /// Begins the next message.
    constexpr void begin(message_type type) noexcept {
        type_ = type;
        size_ = 0;
        text_.reset();
        error_ = errc::none;
        begun_ = taken_ = waiting_ = false;
    }

    /// Takes compressed bytes from the front of `in`, inflates them to the front of `out`, and returns a `data` event,
    /// with a payload that is part of `out`. Call it until the event is false, as there is nothing more, or has `last`.
    /// The argument `last` says that `in` ends the message. `out` may be empty if the message inflates to nothing.
    ///
    /// Errors: `message_too_big` with the first byte beyond the limit, or beyond `out` if that is empty (RFC 6455
    /// section 10.4) [D9]; `deflate_corrupt`, `deflate_truncated`; `invalid_utf8` of a text; `no_memory`. Bytes before
    /// the error are given out first. After an error the inflater is of no use before it is reset.
    template <inflater Codec>
    [[nodiscard]] constexpr decoder::event next(Codec& codec, cbytes& in, bool last, bytes out) noexcept {
        if (error_ != errc::none) return {.kind = decoder::kind::error, .error = error_};
        if (out.size() > limit_ - size_) out = out.first(static_cast<std::size_t>(limit_ - size_));
        std::byte beyond[1] = {};
        bytes room = out.empty() ? bytes(beyond) : out;
        const bool all = inflate(codec, in, room);
        if (out.empty() && room.empty()) error_ = errc::message_too_big;
        const bool complete = all && last && error_ == errc::none && end(codec);
        return give(out.first(out.empty() ? 0 : out.size() - room.size()), complete);
    }

    /// Bytes of this message that were given out.
    [[nodiscard]] constexpr std::uint64_t size() const noexcept { return size_; }

  private:
    // Whether all of `in` was taken, and all output of it given.
    template <class Codec>
    [[nodiscard]] constexpr bool inflate(Codec& codec, cbytes& in, bytes& room) noexcept {
        for (;;) {
            if (!in.empty()) {
                taken_ = true;
                ended_ = false;
            } else if (!waiting_) {
                return true;
            }
            waiting_ = false;
            switch (codec.step(in, room)) {
            case deflate_status::done: return true;
            case deflate_status::need_room: waiting_ = true; return false;
            // A block that is marked as the last says nothing of the message (RFC 7692 section 7.2.3.4) [D7].
            case deflate_status::final_block: ended_ = true; break;
            case deflate_status::corrupt: error_ = errc::deflate_corrupt; return false;
            case deflate_status::no_memory: error_ = errc::no_memory; return false;
            }
        }
    }

    // Whether the message may end here.
    template <class Codec>
    [[nodiscard]] constexpr bool end(Codec& codec) noexcept {
        // A message of no bytes at all is empty [D7]. One that ends with a block marked as the last is complete.
        if (!taken_ || ended_) return true;
        // Else the end of the data was not sent (RFC 7692 section 7.2.2). It ends a block, and inflates to nothing.
        cbytes tail = detail::deflate_tail;
        std::byte spare[1] = {};
        bytes room = spare;
        const deflate_status status = codec.step(tail, room);
        const bool good =
            (status == deflate_status::done && codec.between_blocks()) || status == deflate_status::final_block;
        if (good && tail.empty() && !room.empty()) return true;
        error_ = errc::deflate_truncated;
        return false;
    }

    [[nodiscard]] constexpr decoder::event give(bytes piece, bool complete) noexcept {
        if (type_ == message_type::text) {
            // A text message is UTF-8 as a whole, once it is inflated (RFC 6455 section 8.1) [D9].
            const std::size_t valid = text_.feed(piece);
            if (valid != piece.size() || (complete && !text_.complete())) {
                error_ = errc::invalid_utf8;
                piece = piece.first(valid);
                complete = false;
            }
        }
        if (piece.empty() && !complete) {
            return {.kind = error_ == errc::none ? decoder::kind::need_input : decoder::kind::error, .error = error_};
        }
        const decoder::event found{decoder::kind::data, type_, !begun_, complete, true, errc::none, 0, piece};
        begun_ = true;
        size_ += piece.size();
        return found;
    }

    std::uint64_t limit_;
    std::uint64_t size_ = 0;
    message_type type_ = message_type::text;
    utf8_validator text_{};
    errc error_ = errc::none;
    bool begun_ = false;   // something was given out
    bool taken_ = false;   // some bytes were taken
    bool ended_ = false;   // the last of them ended a block that is marked as the last
    bool waiting_ = false; // there was no room for all output of them
};

static_assert(sizeof(message_inflater) == 24);

/// Deflates one message after the other: takes pieces of them, gives the payloads of frames (RFC 7692 section 7.2.1).
/// The caller holds the deflater and the memory for the output, and decides when the deflater forgets. 6 bytes; no
/// memory of its own.
///
///     ws::zlib_deflater codec(15, {});
///     ws::message_deflater message;
///     std::array<std::byte, 4096> room;
///     cbytes payload = in;
///     const auto deflated = message.next(codec, payload, true, room); // the payload of a frame with RSV1
///     if (deflated) write(bytes(room).first(deflated.size));
class message_deflater {
  public:
    /// `done`: the output so far holds all of the piece. `need_room`: call again, with room. `no_memory`, and `corrupt`
    /// if the deflater breaks its contract: reset both.
    struct result {
        deflate_status status = deflate_status::done;
        std::size_t size = 0; ///< bytes at the front of `out`

        [[nodiscard]] constexpr explicit operator bool() const noexcept { return status == deflate_status::done; }
    };

    /// The least room for `next`, in bytes; with less it does nothing.
    static constexpr std::size_t least_room = 16;

    /// Takes bytes from the front of `in`, a piece of a message, and compresses them into `out`, which has at least
    /// `least_room` bytes. `last` says that `in` ends the message. A piece that is not the last is flushed: the
    /// receiver can read all of it.
    template <deflater Codec>
    [[nodiscard]] constexpr result next(Codec& codec, cbytes& in, bool last, bytes out) noexcept {
        if (out.size() < least_room) return {deflate_status::need_room, 0};
        if (!flushing_ && in.empty()) {
            if (!last) return {};
            // This byte is left of an empty stored block once its end is dropped (RFC 7692 section 7.2.3.6) [D6].
            out[0] = std::byte{0};
            return {deflate_status::done, 1};
        }
        detail::copy(out.data(), held_, held_size_);
        bytes room = out.subspan(held_size_);
        const deflate_status status = codec.step(in, room);
        std::size_t size = out.size() - room.size();
        flushing_ = status == deflate_status::need_room;
        held_size_ = 0;
        if (status != deflate_status::done && !flushing_) return {status, 0};
        if (!last) return {status, size};
        // The end of the last piece is not sent (RFC 7692 section 7.2.1), so the last bytes of the output wait until it
        // is known whether they are that end.
        if (size < sizeof held_) return {deflate_status::corrupt, 0};
        size -= sizeof held_;
        detail::copy(held_, out.data() + size, sizeof held_);
        if (flushing_) {
            held_size_ = sizeof held_;
            return {status, size};
        }
        for (std::size_t i = 0; i != sizeof held_; ++i) {
            if (held_[i] != detail::deflate_tail[i]) return {deflate_status::corrupt, 0};
        }
        return {status, size};
    }

    /// Forgets a message that was not ended.
    constexpr void reset() noexcept {
        flushing_ = false;
        held_size_ = 0;
    }

  private:
    bool flushing_ = false; // there was no room for all of a piece
    std::uint8_t held_size_ = 0;
    std::byte held_[sizeof detail::deflate_tail] = {};
};

static_assert(sizeof(message_deflater) == 6);

} // namespace sockless::ws

// ====================================== sockless/ws/deflate/negotiation.hpp =======================================
// The terms of permessage-deflate that are offered and agreed to (RFC 7692 section 7.1). Text only; nothing is
// compressed.

namespace sockless::ws {

/// The parameters of permessage-deflate, in an offer, a response, or as they are agreed to (RFC 7692 section 7.1).
/// Those named "server" are about the messages that the server sends, those named "client" about the client's.
struct deflate_parameters {
    /// A message does not refer to those before it, so neither side needs to remember them (section 7.1.1).
    bool server_no_context_takeover = false;
    bool client_no_context_takeover = false;

    /// References go back at most so many bytes: 2 to the power of 8 to 15. 0: the parameter is not there, which means
    /// 15. In an offer `client_max_window_bits` can have no value, which means 15 too (section 7.1.2).
    std::uint8_t server_max_window_bits = 0;
    std::uint8_t client_max_window_bits = 0;

    [[nodiscard]] friend constexpr bool operator==(const deflate_parameters&,
                                                   const deflate_parameters&) noexcept = default;
};

/// The terms of permessage-deflate that one side wants.
struct deflate_policy {
    /// The parameters that are asked of both sides. No takeover costs compression, and saves memory of both. A smaller
    /// window costs compression, and saves memory of the side that compresses: see `inflater`.
    /// If a client offers less than this, a server keeps to the offer; if the client offers more, the server asks for
    /// this.
    deflate_parameters wanted{};

    /// Server: whether to decline an offer that does not allow to ask the client for the smaller window that is wanted.
    /// Else it is accepted, and the window has 15 bits.
    bool decline_larger_window = false;

    /// Messages of fewer bytes are sent as they are, unless the sender says otherwise. A message that refers to no
    /// earlier one must be larger, or compression does not make it smaller.
    std::size_t threshold = 64;
    std::size_t threshold_without_takeover = 256;
};

/// The outcome of a negotiation.
struct deflate_agreement {
    errc error = errc::none; ///< client: `bad_deflate_response`: fail the connection
    bool agreed = false;     ///< if not, nothing is compressed
    deflate_parameters parameters{};

    /// Client: what the offers that fit the response promise of the client's own messages, in the parameters named
    /// "client". The client keeps to it even if the response leaves it out, as the server may rely on it (RFC 7692
    /// sections 7.1.1.2 and 7.1.2.2). If several offers fit, the strictest promise of each kind counts.
    deflate_parameters promised{};
};

/// The smallest window that a compressor is expected to keep to, in bits: the usual ones cannot do 8.
inline constexpr unsigned smallest_deflate_window = 9;

/// Room for the longest offer or response, in characters.
inline constexpr std::size_t max_deflate_text = 128;

} // namespace sockless::ws

namespace sockless::ws::detail {

enum class deflate_text : std::uint8_t { offer, response };

/// The window that a parameter stands for.
[[nodiscard]] constexpr std::uint8_t window_of(std::uint8_t bits) noexcept {
    return bits == 0 ? std::uint8_t{15} : bits;
}

/// Reads the size of a window: a decimal value from 8 to 15 without a leading zero, quoted or not; 0 if it is anything
/// else (RFC 7692 section 7.1.2.1) [D3].
[[nodiscard]] constexpr std::uint8_t read_window(const ws::extension_parameter& parameter) noexcept {
    char digits[2] = {};
    const std::string_view text = parameter.copy_value(digits);
    if (text.size() == 1 && (text[0] == '8' || text[0] == '9')) return static_cast<std::uint8_t>(text[0] - '0');
    if (text.size() == 2 && text[0] == '1' && text[1] >= '0' && text[1] <= '5') {
        return static_cast<std::uint8_t>(10 + (text[1] - '0'));
    }
    return 0;
}

/// Reads one parameter into its place. False if it is unknown, repeated, or has a value that it may not have.
[[nodiscard]] constexpr bool read_deflate_parameter(const ws::extension_parameter& parameter, deflate_text text,
                                                    ws::deflate_parameters& out) noexcept {
    // A takeover parameter has no value (RFC 7692 section 7.1.1) [D2].
    const auto take_flag = [&](bool& flag) {
        if (flag || parameter.has_value) return false;
        return flag = true;
    };
    const auto take_window = [&](std::uint8_t& bits) {
        if (bits != 0) return false;
        bits = read_window(parameter);
        return bits != 0;
    };
    if (equal(parameter.name, "server_no_context_takeover")) return take_flag(out.server_no_context_takeover);
    if (equal(parameter.name, "client_no_context_takeover")) return take_flag(out.client_no_context_takeover);
    if (equal(parameter.name, "server_max_window_bits")) return take_window(out.server_max_window_bits);
    if (!equal(parameter.name, "client_max_window_bits")) return false;

    // An offer may leave the value to the server (RFC 7692 section 7.1.2.2) [D4].
    if (text == deflate_text::response || parameter.has_value) return take_window(out.client_max_window_bits);
    if (out.client_max_window_bits != 0) return false;
    out.client_max_window_bits = 15;
    return true;
}

/// Reads all parameters. False unless each is known, valid, and there once (RFC 7692 section 7) [D1].
[[nodiscard]] constexpr bool read_deflate(const ws::extension& element, deflate_text text,
                                          ws::deflate_parameters& out) noexcept {
    out = {};
    for (const ws::extension_parameter& each : element.parameters) {
        if (!read_deflate_parameter(each, text, out)) return false;
    }
    return true;
}

[[nodiscard]] constexpr std::string_view write_deflate(std::span<char> out, const ws::deflate_parameters& parameters,
                                                       deflate_text text) noexcept {
    text_sink<char> sink(out);
    sink.put(ws::deflate_name);
    if (parameters.server_no_context_takeover) sink.put("; server_no_context_takeover");
    if (parameters.client_no_context_takeover) sink.put("; client_no_context_takeover");
    const auto put_window = [&](std::string_view name, std::uint8_t bits, bool with_value) {
        if (bits == 0) return;
        sink.put(name);
        if (!with_value) return;
        sink.put("=");
        sink.put_number(bits);
    };
    put_window("; server_max_window_bits", parameters.server_max_window_bits, true);
    // Without a value it says that the server may choose one (RFC 7692 section 7.1.2.2).
    put_window("; client_max_window_bits", parameters.client_max_window_bits,
               text == deflate_text::response || parameters.client_max_window_bits != 15);
    return sink.complete() ? std::string_view{out.data(), sink.size()} : std::string_view{};
}

/// Judges one offer, and makes the response to it. False if it cannot be accepted.
[[nodiscard]] constexpr bool accept_deflate(const ws::deflate_parameters& offer, const ws::deflate_policy& policy,
                                            unsigned smallest_window, ws::deflate_parameters& response) noexcept {
    const ws::deflate_parameters& wanted = policy.wanted;

    // If the offer asks the server for no takeover, the server grants that. The offer's parameter for the client's own
    // takeover is a hint, which the response makes binding (RFC 7692 section 7.1.1) [D2].
    response.server_no_context_takeover = offer.server_no_context_takeover || wanted.server_no_context_takeover;
    response.client_no_context_takeover = offer.client_no_context_takeover || wanted.client_no_context_takeover;

    // The server's window is at most that of the offer. The response has it if the offer has, or if it is smaller than
    // the client expects (RFC 7692 section 7.1.2.1) [D3].
    std::uint8_t bits = window_of(offer.server_max_window_bits);
    if (window_of(wanted.server_max_window_bits) < bits) bits = window_of(wanted.server_max_window_bits);
    // A window that the compressor cannot keep to is not agreed to [D8].
    if (bits < smallest_window) return false;
    response.server_max_window_bits = offer.server_max_window_bits != 0 || bits < 15 ? bits : std::uint8_t{0};

    // A client is asked for a smaller window only if its offer says that it can (RFC 7692 section 7.1.2.2) [D4].
    bits = window_of(wanted.client_max_window_bits);
    if (offer.client_max_window_bits == 0) {
        response.client_max_window_bits = 0;
        return bits == 15 || !policy.decline_larger_window;
    }
    if (offer.client_max_window_bits < bits) bits = offer.client_max_window_bits;
    response.client_max_window_bits = bits < 15 ? bits : std::uint8_t{0};
    return true;
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Whether the terms that `own` wants are possible: windows of 8 to 15 bits, and for its own sending one that its
/// compressor can keep to.
[[nodiscard]] constexpr bool is_valid(const deflate_policy& policy, role own,
                                      unsigned smallest_window = smallest_deflate_window) noexcept {
    const auto holds = [&](std::uint8_t wanted, role sender) {
        const unsigned bits = detail::window_of(wanted);
        return bits <= 15 && bits >= (sender == own ? smallest_window : 8);
    };
    return holds(policy.wanted.server_max_window_bits, role::server) &&
           holds(policy.wanted.client_max_window_bits, role::client);
}

/// Reads one offer, which may be more than a policy grants. False if it is none of permessage-deflate, or a parameter
/// is unknown, repeated or invalid (RFC 7692 section 7) [D1].
[[nodiscard]] constexpr bool read_deflate_offer(const extension& element, deflate_parameters& out) noexcept {
    return equal(element.name, deflate_name) && detail::read_deflate(element, detail::deflate_text::offer, out);
}

/// Server: chooses the first offer of a request's fields that is valid and can be granted; the others are declined (RFC
/// 7692 section 5.1) [D1]. `Fields` is any range of `field`; the policy is valid. Never an error.
template <class Fields>
[[nodiscard]] constexpr deflate_agreement choose_deflate(const Fields& offered, const deflate_policy& policy,
                                                         unsigned smallest_window = smallest_deflate_window) noexcept {
    deflate_agreement chosen;
    for_each_extension(offered, [&](const extension& element) {
        deflate_parameters offer;
        chosen.agreed = read_deflate_offer(element, offer) &&
                        detail::accept_deflate(offer, policy, smallest_window, chosen.parameters);
        return !chosen.agreed;
    });
    if (!chosen.agreed) chosen.parameters = {};
    return chosen;
}

/// Server: writes the response to the chosen offer, for `acceptance::extensions`, to the front of `out`; empty if there
/// is no room. `max_deflate_text` is room enough.
[[nodiscard]] constexpr std::string_view write_deflate_response(std::span<char> out,
                                                                const deflate_parameters& chosen) noexcept {
    return detail::write_deflate(out, chosen, detail::deflate_text::response);
}

/// Client: the offer for this policy. It always says that the server may choose the client's window, as browsers do.
[[nodiscard]] constexpr deflate_parameters offer_of(const deflate_policy& policy) noexcept {
    deflate_parameters offer = policy.wanted;
    offer.client_max_window_bits = detail::window_of(offer.client_max_window_bits);
    if (offer.server_max_window_bits == 15) offer.server_max_window_bits = 0;
    return offer;
}

/// Client: writes an offer, for `opening::extensions`, to the front of `out`; empty if there is no room.
/// `max_deflate_text` is room enough. There can be several, separated by commas, in order of preference (RFC 7692
/// section 5.1).
[[nodiscard]] constexpr std::string_view write_deflate_offer(std::span<char> out,
                                                             const deflate_parameters& offer) noexcept {
    return detail::write_deflate(out, offer, detail::deflate_text::offer);
}

/// Client: whether every offer of permessage-deflate in this list can be made: each of its parameters is known, valid,
/// and there once. False also if the list is malformed, or has none. [D1]
[[nodiscard]] constexpr bool are_deflate_offers(std::string_view extensions) noexcept {
    if (!is_extension_list(extensions)) return false;
    bool any = false;
    for (const extension& each : extension_list(extensions)) {
        deflate_parameters offer;
        if (!equal(each.name, deflate_name)) continue;
        if (!read_deflate_offer(each, offer)) return false;
        any = true;
    }
    return any;
}

} // namespace sockless::ws

namespace sockless::ws::detail {

/// Whether a server that accepts this offer can answer with these terms.
[[nodiscard]] constexpr bool grants(const ws::deflate_parameters& answer,
                                    const ws::deflate_parameters& offer) noexcept {
    // A server that accepts an offer with this parameter has it in the response (RFC 7692 section 7.1.1.1) [D2].
    return (answer.server_no_context_takeover || !offer.server_no_context_takeover) &&
           // The server's window is the same or smaller (RFC 7692 section 7.1.2.1) [D3].
           window_of(answer.server_max_window_bits) <= window_of(offer.server_max_window_bits) &&
           // The client's window is there only if the offer has it, and not larger (RFC 7692 section 7.1.2.2) [D4].
           answer.client_max_window_bits <= offer.client_max_window_bits;
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Client: judges the terms that a response's fields agree to. `Fields` is any range of `field`; `offered` is the value
/// of the request's Sec-WebSocket-Extensions. Error: `bad_deflate_response` if the server agrees to terms that none of
/// the offers has, or leaves out terms that it was asked for, or agrees twice (RFC 7692 section 7.1) [D1] [D2] [D3]
/// [D4].
template <class Fields>
[[nodiscard]] constexpr deflate_agreement check_deflate(const Fields& response, std::string_view offered) noexcept {
    deflate_agreement found;
    const auto is_granted = [&] {
        bool granted = false;
        for (const extension& each : extension_list(offered)) {
            deflate_parameters offer;
            if (!read_deflate_offer(each, offer) || !detail::grants(found.parameters, offer)) continue;
            granted = true;
            if (offer.client_no_context_takeover) found.promised.client_no_context_takeover = true;
            std::uint8_t& bits = found.promised.client_max_window_bits;
            if (detail::window_of(offer.client_max_window_bits) < detail::window_of(bits)) {
                bits = offer.client_max_window_bits;
            }
        }
        return granted;
    };
    for_each_extension(response, [&](const extension& element) {
        if (!equal(element.name, deflate_name)) return true;
        const bool again = found.agreed;
        found.agreed = detail::read_deflate(element, detail::deflate_text::response, found.parameters);
        if (!again && found.agreed && is_granted()) return true;
        found = {.error = errc::bad_deflate_response};
        return false;
    });
    return found;
}

} // namespace sockless::ws

// ========================================== sockless/ws/deflate/pool.hpp ==========================================
// Inflaters and deflaters on the heap, of one connection or shared by many.

namespace sockless::ws::detail {

/// The window of each inflater.
inline constexpr unsigned largest_window = 15;

/// An inflater or deflater on the heap, which can wait in a list.
template <class Codec>
struct boxed {
    boxed() noexcept : codec(), window_bits(largest_window) {}
    template <class Settings>
    boxed(unsigned bits, const Settings& settings) noexcept : codec(bits, settings), window_bits(bits) {}

    Codec codec;
    unsigned window_bits;
    boxed* next = nullptr;
};

/// Owns a box, or none.
template <class Codec>
class box_owner {
  public:
    box_owner() noexcept = default;
    explicit box_owner(boxed<Codec>* box) noexcept : box_(box) {}
    box_owner(box_owner&& other) noexcept : box_(other.let_go()) {}
    box_owner& operator=(box_owner&& other) noexcept {
        boxed<Codec>* const taken = other.let_go();
        delete box_;
        box_ = taken;
        return *this;
    }
    ~box_owner() { delete box_; }

    [[nodiscard]] explicit operator bool() const noexcept { return box_ != nullptr; }
    [[nodiscard]] Codec& codec() const noexcept { return box_->codec; }

    boxed<Codec>* let_go() noexcept {
        boxed<Codec>* const box = box_;
        box_ = nullptr;
        return box;
    }

  private:
    boxed<Codec>* box_ = nullptr;
};

/// Boxes that are not in use, all of them reset, up to a number.
template <class Codec>
class idle_boxes {
  public:
    explicit idle_boxes(std::size_t most) noexcept : free_(most) {}
    idle_boxes(const idle_boxes&) = delete;
    idle_boxes& operator=(const idle_boxes&) = delete;
    ~idle_boxes() {
        while (first_ != nullptr) delete pop(&first_);
    }

    /// Gives a box with a window of so many bits, or none.
    [[nodiscard]] box_owner<Codec> take(unsigned window_bits) noexcept {
        for (boxed<Codec>** at = &first_; *at != nullptr; at = &(*at)->next) {
            if ((*at)->window_bits == window_bits) {
                ++free_;
                return box_owner<Codec>(pop(at));
            }
        }
        return {};
    }

    /// Takes a box back, or deletes it if there are enough.
    void give(box_owner<Codec> box) noexcept {
        if (free_ == 0 || !box) return;
        --free_;
        box.codec().reset();
        boxed<Codec>* const added = box.let_go();
        added->next = first_;
        first_ = added;
    }

  private:
    static boxed<Codec>* pop(boxed<Codec>** at) noexcept {
        boxed<Codec>* const taken = *at;
        *at = taken->next;
        return taken;
    }

    boxed<Codec>* first_ = nullptr;
    std::size_t free_;
};

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Inflaters and deflaters that the connections of one thread share if context takeover is off: each has one only while
/// a message is on its way, so that an idle connection holds no window. The pool outlives the connections. All
/// connections that share a pool have the same settings of the deflater.
///
///     ws::zlib_pool pool; // a deflate_pool; one for each thread
///     ws::zlib_server first({}, ws::zlib_compression(pool));
///     ws::zlib_server second({}, ws::zlib_compression(pool));
template <inflater Inflater, deflater Deflater>
class deflate_pool {
  public:
    /// Up to `most_idle` of each are kept for later. If more messages are on their way at the same time, more are made,
    /// and given back to the heap afterwards.
    explicit deflate_pool(std::size_t most_idle = 16) noexcept : inflaters(most_idle), deflaters(most_idle) {}

  private:
    template <inflater, deflater>
    friend class deflate_stage;

    detail::idle_boxes<Inflater> inflaters;
    detail::idle_boxes<Deflater> deflaters;
};

} // namespace sockless::ws

// ========================================= sockless/ws/deflate/stage.hpp ==========================================
// All that an endpoint needs to compress with permessage-deflate: the terms that were agreed to, an inflater, a
// deflater.

namespace sockless::ws {

/// Makes `basic_server` and `basic_client` compress, as their last argument (see `compression`): agrees to
/// permessage-deflate (RFC 7692), inflates messages that come, deflates messages that are sent. Memory for windows is
/// taken with the first message that is compressed, in each direction, and then kept, or shared. Inflated messages lie
/// in the endpoint's buffer for input; if they are handed out in pieces, a piece has at most 16 KiB.
///
///     const ws::deflate_policy policy{.wanted = {.server_max_window_bits = 10}};
///     ws::zlib_server peer({}, ws::zlib_compression(policy)); // a deflate_stage
template <inflater Inflater, deflater Deflater>
class deflate_stage {
  public:
    using pool = deflate_pool<Inflater, Deflater>;
    using settings = typename Deflater::settings;

    /// `shared` is used for each direction without context takeover; null: every connection has its own.
    explicit deflate_stage(const deflate_policy& policy = {}, pool* shared = nullptr,
                           const settings& deflating = {}) noexcept
        : policy_(policy), shared_(shared), settings_(deflating) {}
    explicit deflate_stage(pool& shared, const settings& deflating = {}) noexcept
        : deflate_stage(without_takeover(), &shared, deflating) {}

    deflate_stage(deflate_stage&&) noexcept = default;
    deflate_stage& operator=(deflate_stage&&) noexcept = default;
    ~deflate_stage() { end(); }

    /// The terms that were agreed to. `agreed` is false before that, and if there are none.
    [[nodiscard]] deflate_agreement agreement() const noexcept {
        return {.agreed = terms_.agreed, .parameters = terms_.parameters};
    }

    /// Compresses a message once, for all connections that may send with a window of so many bits: usually 15, and what
    /// they agreed to if it is less. Connections with a smaller window compress for themselves. A connection that has
    /// sent such a message refers to nothing before it any more. A message that does not become smaller is compressed
    /// by no connection. Errors: that of `message`, and `no_memory`.
    [[nodiscard]] static sockless::error prepare(prepared_message& message, unsigned window_bits = 15,
                                                 const settings& deflating = {}) noexcept {
        if (message.error()) return message.error();
        cbytes payload = message.payload();
        const detail::shared_bytes room(room_for(payload.size()));
        if (!room) return errc::no_memory;
        const std::size_t size = payload.size();
        if (window_bits < Deflater::smallest_window) window_bits = Deflater::smallest_window;
        if (window_bits > detail::largest_window) window_bits = detail::largest_window;
        Deflater codec(window_bits, deflating);
        const message_deflater::result deflated = message_deflater().next(codec, payload, true, room.contents());
        if (!deflated) return errc::no_memory;
        return message.add_deflated(room.contents().first(deflated.size < size ? deflated.size : 0), window_bits);
    }

    // The rest is for endpoints: see `compression`.

    static constexpr bool available = true;
    static constexpr std::size_t text_size = max_deflate_text;
    static constexpr std::size_t least_room = message_deflater::least_room;

    /// Whether the policy can be had.
    [[nodiscard]] bool is_valid(role own) const noexcept {
        return ws::is_valid(policy_, own, Deflater::smallest_window);
    }

    /// A client's offer, and whether others can be made in its place.
    [[nodiscard]] std::string_view offer(std::span<char> out) const noexcept {
        return write_deflate_offer(out, offer_of(policy_));
    }
    [[nodiscard]] static bool are_offers(std::string_view extensions) noexcept {
        return are_deflate_offers(extensions);
    }

    /// A server's choice, and its text; empty if nothing is agreed to.
    template <class Fields>
    [[nodiscard]] deflate_agreement choose(const Fields& offered) const noexcept {
        return choose_deflate(offered, policy_, Deflater::smallest_window);
    }
    [[nodiscard]] static std::string_view response(std::span<char> out, const deflate_agreement& chosen) noexcept {
        return chosen.agreed ? write_deflate_response(out, chosen.parameters) : std::string_view{};
    }

    /// A server's answer to what was offered.
    template <class Fields>
    [[nodiscard]] static deflate_agreement check(const Fields& response, std::string_view offered) noexcept {
        return check_deflate(response, offered);
    }

    /// Sets the terms.
    void agree(role own, const deflate_agreement& to) noexcept {
        const deflate_parameters& with = to.parameters;
        const bool serves = own == role::server;
        terms_.agreed = to.agreed;
        terms_.parameters = with;
        terms_.deflater_bits = detail::window_of(serves ? with.server_max_window_bits : with.client_max_window_bits);
        terms_.takes_over = serves ? !with.server_no_context_takeover : !with.client_no_context_takeover;
        terms_.peer_takes_over = serves ? !with.client_no_context_takeover : !with.server_no_context_takeover;
        if (serves) return;
        // A client may keep to less than was agreed to, and keeps to what its offers say (RFC 7692 sections 7.1.1.2 and
        // 7.1.2.2).
        for (const deflate_parameters& own_terms : {policy_.wanted, to.promised}) {
            const std::uint8_t bits = detail::window_of(own_terms.client_max_window_bits);
            if (bits < terms_.deflater_bits) terms_.deflater_bits = bits;
            if (own_terms.client_no_context_takeover) terms_.takes_over = false;
        }
    }

    /// The window that this side sends with, in bits.
    [[nodiscard]] unsigned window() const noexcept { return terms_.deflater_bits; }

    /// Sets the largest size of a message that comes, inflated.
    void limit(std::uint64_t message) noexcept { inflating_ = message_inflater(message); }

    // --- Inflating

    /// Takes note of compressed data, which is inflated next.
    void add(const decoder::event& data) noexcept {
        if (data.first) inflating_.begin(data.type);
        pending_ = data.payload.size();
        terms_.last = data.last;
        terms_.inflating = terms_.in_message = true;
    }

    /// Whether the data that was added has more output to give.
    [[nodiscard]] bool inflating() const noexcept { return terms_.inflating; }

    /// How many bytes of the data that was added wait at the front of the input.
    [[nodiscard]] std::size_t pending() const noexcept { return pending_; }

    /// Whether a compressed message has begun and has not ended.
    [[nodiscard]] bool in_message() const noexcept { return terms_.in_message; }

    /// Inflates the data that was added, from the front of `in`: see `message_inflater::next`.
    [[nodiscard]] decoder::event inflate(bytes& in, bytes out) noexcept {
        if (!take_inflater()) return {.kind = decoder::kind::error, .error = errc::no_memory};
        cbytes part = in.first(in.size() < pending_ ? in.size() : pending_);
        const bool all = part.size() == pending_;
        const std::size_t before = part.size();
        const decoder::event found = inflating_.next(inflater_.codec(), part, terms_.last && all, out);
        in = in.subspan(before - part.size());
        pending_ -= before - part.size();
        if (!found) terms_.inflating = pending_ != 0;
        if (found.last) {
            terms_.inflating = terms_.in_message = false;
            // An inflater that is not shared is not reset: some peers refer to earlier messages though they said that
            // they would not [D8].
            if (shares_inflater()) give_inflater();
        }
        return found;
    }

    // --- Deflating

    /// Whether to compress a message that begins with a piece of so many bytes.
    [[nodiscard]] bool wants(compressed wanted, std::size_t size, bool last) const noexcept {
        // A client leaves the choice of its window to the server, which may choose 8 bits. If the compressor cannot
        // keep to that, messages are sent as they are (RFC 7692 section 6) [D8] [D10].
        if (!terms_.agreed || terms_.deflater_bits < Deflater::smallest_window) return false;
        const std::size_t least = terms_.takes_over ? policy_.threshold : policy_.threshold_without_takeover;
        return wanted == compressed::always || (wanted == compressed::automatic && (size >= least || !last));
    }

    /// Room that is enough for a piece of `piece` bytes with any content: for stored blocks, and the bytes that end
    /// them.
    [[nodiscard]] static constexpr std::size_t room_for(std::size_t piece) noexcept { return piece + piece / 8 + 64; }

    /// Deflates a whole piece to the front of `out`; see `message_deflater`. The result is false if there is no room or
    /// memory for all of it: then call `abandon`.
    [[nodiscard]] message_deflater::result deflate(cbytes piece, bool last, bytes out) noexcept {
        if (!take_deflater()) return {deflate_status::no_memory, 0};
        if (terms_.begins_anew) deflater_.codec().reset();
        terms_.begins_anew = false;
        const message_deflater::result given = deflating_.next(deflater_.codec(), piece, last, out);
        if (last && given && !terms_.takes_over) {
            if (shares_deflater()) {
                give_deflater();
            } else {
                // The next message refers to nothing in this one (RFC 7692 section 7.1.1) [D8].
                deflater_.codec().reset();
            }
        }
        return given;
    }

    /// Forgets a piece that was deflated in part, and all before it. The peer's window has nothing of the piece, and
    /// messages that are sent later refer to nothing in that window. To begin anew takes longer than to send a message
    /// that was prepared, so it waits for the next message that is compressed here.
    void abandon() noexcept {
        deflating_.reset();
        if (shares_deflater()) give_deflater();
        terms_.begins_anew = true;
    }

    /// Gives back the memory of windows that are not needed to go on. `sending`: a message is being sent in pieces.
    void release(bool sending) noexcept {
        if (!terms_.in_message && !terms_.peer_takes_over) give_inflater();
        // The side that compresses may forget at any time.
        if (!sending) give_deflater();
    }

    /// Gives back all memory: nothing comes any more, and nothing is sent.
    void end() noexcept {
        give_inflater();
        give_deflater();
    }

  private:
    using inflater_owner = detail::box_owner<Inflater>;
    using deflater_owner = detail::box_owner<Deflater>;

    // The terms that were agreed to, and the state of the messages.
    struct terms {
        deflate_parameters parameters{};
        std::uint8_t deflater_bits = 15;
        bool agreed = false;
        bool peer_takes_over = true;
        bool takes_over = true;
        bool begins_anew = false; // the deflater, before it is used
        bool inflating = false;
        bool in_message = false;
        bool last = false;
    };

    [[nodiscard]] static constexpr deflate_policy without_takeover() noexcept {
        return {.wanted = {.server_no_context_takeover = true, .client_no_context_takeover = true}};
    }

    [[nodiscard]] bool shares_inflater() const noexcept { return shared_ != nullptr && !terms_.peer_takes_over; }
    [[nodiscard]] bool shares_deflater() const noexcept { return shared_ != nullptr && !terms_.takes_over; }

    [[nodiscard]] bool take_inflater() noexcept {
        // The window of the peer's that was agreed to says nothing here: see `inflater` [D8].
        if (!inflater_ && shares_inflater()) inflater_ = shared_->inflaters.take(detail::largest_window);
        if (!inflater_) inflater_ = inflater_owner(new (std::nothrow) detail::boxed<Inflater>());
        return static_cast<bool>(inflater_);
    }

    [[nodiscard]] bool take_deflater() noexcept {
        const unsigned bits = terms_.deflater_bits;
        if (!deflater_ && shares_deflater()) deflater_ = shared_->deflaters.take(bits);
        if (!deflater_) deflater_ = deflater_owner(new (std::nothrow) detail::boxed<Deflater>(bits, settings_));
        return static_cast<bool>(deflater_);
    }

    void give_inflater() noexcept {
        inflater_owner given = static_cast<inflater_owner&&>(inflater_);
        if (shares_inflater()) shared_->inflaters.give(static_cast<inflater_owner&&>(given));
    }

    void give_deflater() noexcept {
        deflater_owner given = static_cast<deflater_owner&&>(deflater_);
        if (shares_deflater()) shared_->deflaters.give(static_cast<deflater_owner&&>(given));
    }

    deflate_policy policy_;
    pool* shared_;
    SOCKLESS_NO_UNIQUE_ADDRESS settings settings_;
    inflater_owner inflater_{};
    deflater_owner deflater_{};
    message_inflater inflating_{};
    message_deflater deflating_{};
    std::size_t pending_ = 0; // bytes at the front of the input that are compressed data, unmasked
    terms terms_{};
};

} // namespace sockless::ws

// ============================================== sockless/ws/url.hpp ===============================================
// URLs of WebSockets: what a client connects to, and asks for (RFC 6455 section 3).

namespace sockless::ws {

/// The parts of a URL. All texts are views of it.
struct url {
    sockless::error error{}; ///< if there is one, nothing else is valid
    bool secure = false;     ///< TLS carries the connection: the scheme is `wss` or `https`

    /// The name or the address to connect to: an IPv6 address without brackets and without its zone.
    std::string_view host{};

    /// The zone of an IPv6 address, such as `eth0`; empty if it has none. `getaddrinfo` takes `host`, `%` and the zone
    /// (RFC 6874 section 2).
    std::string_view zone{};

    std::uint16_t port = 0; ///< 80 or 443 if the URL has none

    /// For `opening::host`: the host, and the port unless it is the default of the scheme. Empty if the host has a
    /// zone, which no Host field may have: then use `write_host`.
    std::string_view authority{};

    /// For `opening::target`: path and query. `/` if there is neither; if there is only a query, it begins with `?`.
    std::string_view target{};

    /// What stands before an `@` in front of the host: for `write_basic_credentials`.
    std::string_view userinfo{};
};

} // namespace sockless::ws

namespace sockless::ws::detail {

struct url_scheme {
    std::string_view begin;
    bool secure;
};

/// The schemes of WebSocket (RFC 6455 section 3), and those of HTTP, whose connections the opening handshake uses.
inline constexpr url_scheme url_schemes[] = {
    {"ws://", false}, {"wss://", true}, {"http://", false}, {"https://", true}};

/// Takes the scheme away from the front of `text`.
[[nodiscard]] constexpr bool take_scheme(std::string_view& text, ws::url& found) noexcept {
    for (const url_scheme& each : url_schemes) {
        if (!http::equal_ignoring_case(text.substr(0, each.begin.size()), each.begin)) continue;
        text.remove_prefix(each.begin.size());
        found.secure = each.secure;
        return true;
    }
    return false;
}

/// Splits an authority without userinfo into the host, its zone and the port. False if one of them is malformed (RFC
/// 3986 section 3.2, RFC 6874 section 2).
[[nodiscard]] constexpr bool split_authority(std::string_view text, ws::url& found) noexcept {
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const char* host_end = find(':', begin, end);
    if (begin != end && *begin == '[') {
        const char* const close = find(']', begin, end);
        if (close == end) return false;
        host_end = close + 1;
        const char* const percent = find('%', begin, close);
        found.host = text_at(begin + 1, static_cast<std::size_t>(percent - begin) - 1);
        if (percent != close) {
            // The `%` of a zone is written as `%25`; many programs take it as it is.
            const bool escaped = close - percent >= 3 && percent[1] == '2' && percent[2] == '5';
            const char* const zone = percent + (escaped ? 3 : 1);
            found.zone = text_at(zone, static_cast<std::size_t>(close - zone));
            if (found.zone.empty() || http::detail::skip_host(zone, close) != close) return false;
        }
        if (!http::detail::is_ipv6(begin + 1, percent)) return false;
    } else {
        found.host = text_at(begin, static_cast<std::size_t>(host_end - begin));
        if (!http::is_host(found.host)) return false;
    }
    if (!http::detail::is_port(host_end, end)) return false;
    const std::uint16_t usual = found.secure ? 443 : 80;
    found.port = usual;
    if (end - host_end > 1) {
        std::uint32_t port = 0;
        for (const char* at = host_end + 1; at != end; ++at) port = port * 10 + static_cast<std::uint32_t>(*at - '0');
        found.port = static_cast<std::uint16_t>(port);
    }
    if (found.zone.empty()) {
        found.authority = found.port == usual ? text_at(begin, static_cast<std::size_t>(host_end - begin)) : text;
    }
    return found.port != 0;
}

} // namespace sockless::ws::detail

namespace sockless::ws {

/// Splits a URL of the schemes `ws`, `wss`, `http` or `https` (RFC 6455 section 3, RFC 3986):
///
///     const ws::url to = ws::parse_url("wss://example.com/chat?room=7");
///     if (!to.error) error = client.request({.host = to.authority, .target = to.target});
///
/// Errors: `bad_scheme`; `bad_host` if the host or the port is malformed or missing, or the userinfo has a backslash or
/// anything but visible ASCII; `bad_request_target` if the path or the query has anything but visible ASCII, or if
/// there is a fragment, which a WebSocket has no use for.
[[nodiscard]] constexpr url parse_url(std::string_view text) noexcept {
    url found{};
    if (!detail::take_scheme(text, found)) return {.error = errc::bad_scheme};
    std::size_t size = 0;
    while (size != text.size() && text[size] != '/' && text[size] != '?' && text[size] != '#') ++size;
    std::string_view authority = text.substr(0, size);
    text.remove_prefix(size);
    found.target = text;
    if (found.target.empty()) found.target = "/";
    for (std::size_t i = authority.size(); i-- != 0;) {
        if (authority[i] != '@') continue;
        found.userinfo = authority.substr(0, i);
        authority.remove_prefix(i + 1);
        break;
    }
    // A backslash is a slash to browsers: for them the host of `ws://a\@b/` is `a`.
    const bool has_backslash = found.userinfo.find('\\') != std::string_view::npos;
    if (has_backslash || !(found.userinfo.empty() || http::is_target(found.userinfo))) return {.error = errc::bad_host};
    if (!detail::split_authority(authority, found)) return {.error = errc::bad_host};
    const bool has_fragment = found.target.find('#') != std::string_view::npos;
    if (has_fragment || !http::is_target(found.target)) return {.error = errc::bad_request_target};
    return found;
}

/// The value of Authorization for the userinfo of a URL: `Basic`, and the name and the password in base64 (RFC 7617
/// section 2). What is escaped in the URL is unescaped first. Written to the front of `out`; empty if there is no room,
/// or if the userinfo is empty or cannot be sent: an escape is malformed, a character is a control, or the name holds a
/// colon.
[[nodiscard]] constexpr std::string_view write_basic_credentials(std::span<char> out,
                                                                 std::string_view userinfo) noexcept {
    detail::text_sink<char> sink(out);
    sink.put("Basic ");
    std::array<std::byte, 3> group{};
    std::size_t filled = 0;
    const auto add = [&](char c) {
        group[filled++] = static_cast<std::byte>(c);
        if (filled != group.size()) return;
        const auto text = detail::encode_base64(std::span<const std::byte, 3>(group));
        sink.put({text.data(), text.size()});
        filled = 0;
    };
    bool in_name = true;
    for (std::size_t i = 0; i != userinfo.size(); ++i) {
        char c = userinfo[i];
        const bool escaped = c == '%';
        if (escaped) {
            if (userinfo.size() - i < 3) return {};
            const int high = http::detail::hex_digit(userinfo[i + 1]), low = http::detail::hex_digit(userinfo[i + 2]);
            if (high < 0 || low < 0) return {};
            c = static_cast<char>(high * 16 + low);
            i += 2;
        }
        const auto value = static_cast<unsigned char>(c);
        if (value < 0x20 || value == 0x7f) return {};
        // The first colon ends the name.
        if (c == ':' && in_name) {
            if (escaped) return {};
            in_name = false;
        }
        add(c);
    }
    if (in_name) add(':');
    if (filled == 1) {
        const auto text = detail::encode_base64(std::span<const std::byte, 1>(group.data(), 1));
        sink.put({text.data(), text.size()});
    } else if (filled == 2) {
        const auto text = detail::encode_base64(std::span<const std::byte, 2>(group.data(), 2));
        sink.put({text.data(), text.size()});
    }
    if (userinfo.empty() || !sink.complete()) return {};
    return detail::text_at(out.data(), sink.size());
}

} // namespace sockless::ws

// ================================================ sockless/ws.hpp =================================================
// All of the WebSocket layer: codecs, opening handshake, endpoints.

// ================================================== sockless.hpp ==================================================
// sockless: WebSocket and STOMP without the socket. This header is all that needs no third party.

// Takes back the macros of compiler_begin.inc.

#undef SOCKLESS_ALWAYS_INLINE
#undef SOCKLESS_NEVER_INLINE
#undef SOCKLESS_UNROLL
#undef SOCKLESS_NO_UNIQUE_ADDRESS
#undef SOCKLESS_SSE2
#undef SOCKLESS_ASKS_PROCESSOR
#undef SOCKLESS_WIDE_VECTORS
