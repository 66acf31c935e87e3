// Reads vectors: readable text files that hold inputs of a decoder and the events that must come out.
// SPDX-License-Identifier: MIT
#pragma once

#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "split.hpp"

// A file is a list of vectors:
//
//     == F6 F7: what it shows                   the title
//     role both                                 settings, one a line: a name and its value
//     input:                                    bytes, as below, over any number of lines
//         @first frame 01 ( "Hel" )
//         @rest  frame 80 ( "lo" )
//     events:                                   one a line: words, bytes, and its place in the input
//         text first last "Hello" @first
//         error end_of_input 1006 @end
//
// Bytes are hexadecimal digits in pairs, or "text" (`\n`, `\r`, `\t`, `\"`, `\\` as in C, and `\xHH`), and
//
//     @name                 no bytes: gives this place a name; `@end` is the end of the input
//     repeat N ( bytes )    N times
//     mask KEY ( bytes )    combined with a masking key of eight digits, which is not part of the result
//     frame XX ( bytes )    a frame as the role's peer sends it: the first byte of the header, the length in the fewest
//                           bytes, for a server a masking key and the payload masked with it
//
// `#` begins a comment that goes to the end of the line.
namespace sockless::test {

/// Bytes with named places, and the places at which an element of them ends.
struct marked_bytes {
    buffer data{};
    std::map<std::string, std::size_t> names{};
    cuts edges{};
};

struct vector_case {
    std::string file{};
    std::string title{};
    std::map<std::string, std::string> settings{};
    std::string input{};
    std::vector<std::string> events{};

    [[nodiscard]] std::string setting(const std::string& name, std::string otherwise) const {
        const auto found = settings.find(name);
        return found == settings.end() ? otherwise : found->second;
    }
};

/// Turns the bytes of a vector into bytes. `masked` says what a `frame` is.
class byte_reader {
  public:
    byte_reader(std::string_view text, bool masked) : text_(text), masked_(masked) {}

    [[nodiscard]] marked_bytes read() {
        marked_bytes out;
        read_until('\0', out);
        return out;
    }

    /// The next word, which is taken.
    [[nodiscard]] std::string word() {
        skip_space();
        std::string out;
        while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '_')) {
            out += text_[at_++];
        }
        if (out.empty()) wrong("no word");
        return out;
    }

    /// Takes the next word if it is this one.
    [[nodiscard]] bool take(std::string_view wanted) {
        skip_space();
        if (text_.substr(at_, wanted.size() + 1) != std::string(wanted) + " ") return false;
        at_ += wanted.size();
        return true;
    }

    /// The next text in quotation marks, which is taken.
    [[nodiscard]] buffer quoted() {
        skip_space();
        if (at_ == text_.size() || text_[at_] != '"') wrong("no quotation mark");
        ++at_;
        buffer out;
        while (at_ < text_.size() && text_[at_] != '"') out.push_back(text_byte());
        if (at_++ == text_.size()) wrong("no closing quotation mark");
        return out;
    }

  private:
    [[noreturn]] void wrong(const std::string& what) const {
        throw std::invalid_argument(what + " at: " + std::string(text_.substr(at_ < text_.size() ? at_ : 0, 40)));
    }

    void skip_space() {
        while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    }

    std::byte text_byte() {
        if (text_[at_] != '\\') return static_cast<std::byte>(text_[at_++]);
        const char code = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
        at_ += 2;
        switch (code) {
        case 'n': return std::byte{'\n'};
        case 'r': return std::byte{'\r'};
        case 't': return std::byte{'\t'};
        case '"': return std::byte{'"'};
        case '\\': return std::byte{'\\'};
        case 'x': at_ += 2; return from_hex(text_.substr(at_ - 2, 2)).at(0);
        default: wrong("unknown escape");
        }
    }

    void read_until(char closing, marked_bytes& out) {
        for (;;) {
            skip_space();
            if (at_ == text_.size()) {
                if (closing != '\0') wrong("no closing parenthesis");
                return;
            }
            const char next = text_[at_];
            if (next == closing) {
                ++at_;
                return;
            }
            if (next == '"') {
                const buffer some = quoted();
                out.data.insert(out.data.end(), some.begin(), some.end());
            } else if (next == '@') {
                ++at_;
                out.names[word()] = out.data.size();
                out.edges.push_back(out.data.size());
            } else {
                read_item(word(), out);
            }
        }
    }

    void read_item(const std::string& item, marked_bytes& out) {
        if (item == "repeat") {
            const unsigned long count = std::stoul(word());
            const marked_bytes inner = read_group();
            for (unsigned long i = 0; i != count; ++i) append(out, inner);
        } else if (item == "mask") {
            const buffer key = from_hex(word());
            marked_bytes inner = read_group();
            apply(key, inner.data);
            append(out, inner);
        } else if (item == "frame") {
            buffer header = from_hex(word());
            marked_bytes inner = read_group();
            const std::size_t length = inner.data.size();
            const std::size_t more = length <= 125 ? 0 : length <= 0xFFFF ? 2 : 8;
            header.push_back(static_cast<std::byte>((masked_ ? 0x80U : 0U) | (more == 0   ? length
                                                                              : more == 2 ? 126U
                                                                                          : 127U)));
            for (std::size_t i = more; i-- != 0;)
                header.push_back(static_cast<std::byte>(std::uint64_t{length} >> (8 * i)));
            if (masked_) {
                // Each frame has a key of its own, none of them with a byte that would leave the payload as it is.
                const unsigned turn = frames_++ % 16;
                const buffer key = octets({static_cast<int>(0x37 + turn), 0xFA, 0x21, static_cast<int>(0x3D + turn)});
                apply(key, inner.data);
                header.insert(header.end(), key.begin(), key.end());
            }
            out.edges.push_back(out.data.size());
            out.data.insert(out.data.end(), header.begin(), header.end());
            out.edges.push_back(out.data.size());
            append(out, inner);
            out.edges.push_back(out.data.size());
        } else {
            const buffer some = from_hex(item);
            out.data.insert(out.data.end(), some.begin(), some.end());
        }
    }

    marked_bytes read_group() {
        skip_space();
        if (at_ == text_.size() || text_[at_] != '(') wrong("no opening parenthesis");
        ++at_;
        marked_bytes inner;
        read_until(')', inner);
        return inner;
    }

    static void apply(const buffer& key, buffer& data) {
        for (std::size_t i = 0; i != data.size(); ++i) data[i] ^= key.at(i % 4);
    }

    static void append(marked_bytes& to, const marked_bytes& from) {
        const std::size_t begin = to.data.size();
        to.data.insert(to.data.end(), from.data.begin(), from.data.end());
        for (const auto& [name, at] : from.names) to.names[name] = begin + at;
        for (const std::size_t at : from.edges) to.edges.push_back(begin + at);
    }

    std::string_view text_;
    std::size_t at_ = 0;
    bool masked_;
    unsigned frames_ = 0;
};

/// The input of a vector for a decoder that expects masked frames, or not.
inline marked_bytes input_of(const vector_case& vector, bool masked) {
    marked_bytes input = byte_reader(vector.input, masked).read();
    input.names["end"] = input.data.size();
    return input;
}

namespace detail {

inline std::string without_comment(const std::string& line) {
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '"') quoted = !quoted;
        if (line[i] == '\\' && quoted) ++i;
        if (line[i] == '#' && !quoted) return line.substr(0, i);
    }
    return line;
}

inline std::string trimmed(const std::string& text) {
    const std::size_t begin = text.find_first_not_of(" \t\r");
    return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

} // namespace detail

/// All vectors of one file.
inline std::vector<vector_case> read_vectors(const std::filesystem::path& path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error("cannot read " + path.string());
    std::vector<vector_case> vectors;
    enum class part { before, settings, input, events } where = part::before;
    for (std::string line; std::getline(file, line);) {
        line = detail::trimmed(detail::without_comment(line));
        if (line.empty()) continue;
        if (line.rfind("== ", 0) == 0) {
            vectors.push_back({.file = path.filename().string(), .title = line.substr(3)});
            where = part::settings;
        } else if (where == part::before) {
            throw std::invalid_argument(path.string() + ": no title before: " + line);
        } else if (line == "input:") {
            where = part::input;
        } else if (line == "events:") {
            where = part::events;
        } else if (where == part::settings) {
            const std::size_t space = line.find(' ', line.rfind("limit ", 0) == 0 ? 6 : 0);
            vectors.back().settings[line.substr(0, space)] = space == std::string::npos ? "" : line.substr(space + 1);
        } else if (where == part::input) {
            vectors.back().input += line + "\n";
        } else {
            vectors.back().events.push_back(line);
        }
    }
    return vectors;
}

} // namespace sockless::test
