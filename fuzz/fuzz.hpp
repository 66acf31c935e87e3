// The common part of the fuzz targets: how an input is read and cut, and how a broken promise ends the program.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless/core.hpp>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace sockless::fuzz {

/// If set, it is called if a promise is broken, and throws. For tests that run what a fuzz target runs.
inline void (*on_broken_promise)(const char* what) = nullptr;

/// Ends the program if a promise is broken; the fuzzer then keeps the input.
inline void promise(bool kept, const char* what) {
    if (kept) return;
    if (on_broken_promise != nullptr) on_broken_promise(what);
    std::fprintf(stderr, "broken promise: %s\n", what);
    std::abort();
}

/// An input of the fuzzer: a stream for what is tested, and behind it settings, read from the end. So what is added to
/// or taken from the stream leaves the settings as they were. Where there are none all of them are 0.
class input {
  public:
    /// Takes up to `settings` bytes from the end.
    input(const std::uint8_t* data, std::size_t size, std::size_t settings)
        : stream_(bytes_of(static_cast<const void*>(data), size)) {
        const std::size_t taken = size < settings ? 0 : settings;
        settings_ = stream_.last(taken);
        stream_ = stream_.first(size - taken);
    }

    [[nodiscard]] cbytes stream() const { return stream_; }

    /// The next byte of the settings.
    unsigned setting() {
        if (settings_.empty()) return 0;
        const auto value = static_cast<unsigned>(settings_.front());
        settings_ = settings_.subspan(1);
        return value;
    }

    /// The next bytes of the settings, always so many.
    std::vector<unsigned> several(std::size_t count) {
        std::vector<unsigned> values(count);
        for (unsigned& each : values) each = setting();
        return values;
    }

    /// One of a few values.
    template <class T, std::size_t N>
    const T& one_of(const T (&values)[N]) {
        return values[setting() % N];
    }

  private:
    cbytes stream_;
    cbytes settings_;
};

/// A copy of exactly the size of its content, so that the address sanitizer sees what is read or written beside it.
class exact_copy {
  public:
    explicit exact_copy(cbytes of) : memory_(new std::byte[of.size()]), size_(of.size()) {
        if (!of.empty()) std::memcpy(memory_.get(), of.data(), of.size());
    }
    [[nodiscard]] bytes get() const { return {memory_.get(), size_}; }

  private:
    std::unique_ptr<std::byte[]> memory_;
    std::size_t size_;
};

/// Calls `feed(bytes piece)` for the pieces of `stream`. Their sizes are taken in turn from `sizes`; a size of 0 stands
/// for all bytes that are left. Each piece is a copy that is gone before the next. With no sizes there is one piece.
template <class Feed>
void feed_cut(cbytes stream, const std::vector<unsigned>& sizes, Feed&& feed) {
    std::size_t turn = 0;
    while (!stream.empty()) {
        std::size_t size = sizes.empty() ? 0 : sizes[turn++ % sizes.size()];
        if (size == 0 || size > stream.size()) size = stream.size();
        const exact_copy piece(stream.first(size));
        feed(piece.get());
        stream = stream.subspan(size);
    }
}

/// UTF-8 as RFC 3629 section 4 has it, in the slow and simple way. How many bytes may stand; `complete` says whether
/// the text ends between characters.
inline std::size_t valid_utf8(cbytes text, bool& complete) {
    std::size_t at = 0;
    complete = true;
    while (at != text.size()) {
        const auto lead = static_cast<unsigned>(text[at]);
        const std::size_t more = lead < 0x80                   ? 0
                                 : lead >= 0xC2 && lead < 0xE0 ? 1
                                 : lead >= 0xE0 && lead < 0xF0 ? 2
                                                               : 3;
        if (lead >= 0x80 && (lead < 0xC2 || lead > 0xF4)) return at;
        for (std::size_t i = 1; i <= more; ++i) {
            if (at + i == text.size()) {
                complete = false;
                return text.size();
            }
            const auto octet = static_cast<unsigned>(text[at + i]);
            unsigned least = 0x80;
            unsigned most = 0xBF;
            if (i == 1 && lead == 0xE0) least = 0xA0;
            if (i == 1 && lead == 0xED) most = 0x9F;
            if (i == 1 && lead == 0xF0) least = 0x90;
            if (i == 1 && lead == 0xF4) most = 0x8F;
            if (octet < least || octet > most) return at + i;
        }
        at += more + 1;
    }
    return at;
}

inline bool is_legal_utf8(cbytes text) {
    bool complete = false;
    return valid_utf8(text, complete) == text.size() && complete;
}

/// Whether a code may stand in a Close: RFC 6455 section 7.4 and the IANA registry.
inline bool is_legal_code(unsigned code) {
    if (code >= 3000) return code <= 4999;
    return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

} // namespace sockless::fuzz
