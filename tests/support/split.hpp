// Feeds an input to a decoder cut in every way that matters, each piece against an unreadable page.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless/core.hpp>

#include <cstdint>
#include <cstdlib>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "pages.hpp"

namespace sockless::test {

using buffer = std::vector<std::byte>;

/// The bytes of a text, and of a sequence of numbers.
inline buffer bytes_from(std::string_view text) {
    const cbytes seen = bytes_of(text);
    return {seen.begin(), seen.end()};
}
inline buffer octets(std::initializer_list<int> values) {
    buffer out;
    for (const int value : values) out.push_back(static_cast<std::byte>(value));
    return out;
}

/// The bytes written in hexadecimal; white space is skipped.
inline buffer from_hex(std::string_view hex) {
    const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
    buffer out;
    int high = -1;
    for (const char c : hex) {
        if (c == ' ' || c == '\n') continue;
        if (high < 0) {
            high = digit(c);
        } else {
            out.push_back(static_cast<std::byte>(high * 16 + digit(c)));
            high = -1;
        }
    }
    if (high >= 0) throw std::invalid_argument("half a byte");
    return out;
}

inline std::string to_hex(cbytes data) {
    std::string out;
    for (const std::byte octet : data) {
        out += "0123456789abcdef"[static_cast<unsigned>(octet) >> 4U];
        out += "0123456789abcdef"[static_cast<unsigned>(octet) & 15U];
    }
    return out;
}

/// A run of memory with an unreadable page directly before and behind it, reused for piece after piece.
class guarded_memory {
  public:
    explicit guarded_memory(std::size_t capacity)
        : size_(capacity == 0 ? pages::page() : (capacity + pages::page() - 1) / pages::page() * pages::page()),
          all_(size_ + 2 * pages::page()),
          begin_(all_.begin() + pages::page()) {
        all_.open(pages::page(), size_);
    }

    /// A copy of `data` that ends directly at the page behind, or begins directly after the page before.
    bytes copy_of(cbytes data, bool at_the_end) {
        std::byte* const to = at_the_end ? begin_ + size_ - data.size() : begin_;
        if (!data.empty()) std::memcpy(to, data.data(), data.size());
        return {to, data.size()};
    }

  private:
    std::size_t size_;
    pages all_;
    std::byte* begin_;
};

/// The ends of the pieces that an input is cut into, in order; the last is its size.
using cuts = std::vector<std::size_t>;

/// Calls `feed(bytes piece)` for each piece, a fresh copy against a guard page, by turns the one behind and the one
/// before.
template <class Feed>
void feed_cut(cbytes input, const cuts& at, guarded_memory& memory, Feed&& feed) {
    std::size_t begin = 0;
    bool at_the_end = true;
    for (const std::size_t end : at) {
        feed(memory.copy_of(input.subspan(begin, end - begin), at_the_end));
        at_the_end = !at_the_end;
        begin = end;
    }
}

/// Runs one input cut in many ways: `run` makes a fresh decoder and calls `feed_all(feed)`, which calls
/// `feed(bytes piece)` for each piece in turn.
template <class Run>
class cut_runner {
  public:
    cut_runner(cbytes input, Run& run) : input_(input), run_(run), memory_(input.size()) {}

    void at(const cuts& places) {
        run_([&](auto&& feed) { feed_cut(input_, places, memory_, feed); });
    }

    void whole_and_bytewise() {
        at({input_.size()});
        cuts each;
        for (std::size_t i = 1; i <= input_.size(); ++i) each.push_back(i);
        at(each);
    }

  private:
    cbytes input_;
    Run& run_;
    guarded_memory memory_;
};

/// Calls `run(feed_all)` (see `cut_runner`) once for each way of cutting `input`: whole, bytewise, at every one place,
/// and at every two.
template <class Run>
void for_each_split(cbytes input, Run&& run) {
    cut_runner cut(input, run);
    cut.whole_and_bytewise();
    for (std::size_t a = 1; a < input.size(); ++a) {
        cut.at({a, input.size()});
        for (std::size_t b = a + 1; b < input.size(); ++b) cut.at({a, b, input.size()});
    }
}

/// The same for a long input: whole, bytewise, at every one and every two of `places` (the edges of what it holds) and
/// one byte before and behind each of them. Of very many places some are left out, evenly.
template <class Run>
void for_each_split_near(cbytes input, const cuts& places, Run&& run) {
    constexpr std::size_t most = 48;
    cut_runner cut(input, run);
    cut.whole_and_bytewise();

    std::set<std::size_t> near;
    for (const std::size_t place : places) {
        for (const std::size_t at : {place - 1, place, place + 1}) {
            if (at > 0 && at < input.size()) near.insert(at);
        }
    }
    const cuts all(near.begin(), near.end());
    for (const std::size_t at : all) cut.at({at, input.size()});
    const std::size_t stride = all.size() / most + 1;
    for (std::size_t a = 0; a < all.size(); a += stride) {
        for (std::size_t b = a + stride; b < all.size(); b += stride) cut.at({all[a], all[b], input.size()});
    }
}

/// The same for text: near the ends of its lines.
template <class Run>
void for_each_split_near_lines(cbytes text, Run&& run) {
    cuts places;
    for (std::size_t i = 0; i != text.size(); ++i) {
        if (text[i] == std::byte{'\n'}) places.push_back(i + 1);
    }
    for_each_split_near(text, places, static_cast<Run&&>(run));
}
template <class Run>
void for_each_split_near_lines(std::string_view text, Run&& run) {
    for_each_split_near_lines(bytes_of(text), static_cast<Run&&>(run));
}

/// Cuts at random places, the same ones for the same seed: from single bytes to pieces of a few KiB.
inline cuts random_cuts(std::size_t size, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    cuts at;
    for (std::size_t i = 0; i < size;) {
        const std::size_t most = std::size_t{1} << (random() % 13);
        i += 1 + static_cast<std::size_t>(random()) % most;
        at.push_back(i < size ? i : size);
    }
    if (at.empty()) at.push_back(size);
    return at;
}

} // namespace sockless::test
