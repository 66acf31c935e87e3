// The events of the decoders of HTTP, as the lines in which the vectors expect them.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless/http/errc.hpp>

#include <string>
#include <vector>

#include "../support/vectors.hpp"

namespace sockless::test {

/// Text in quotation marks, with escapes for what cannot be seen.
inline std::string in_quotes(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += std::string("\\") + c;
        } else if (c == '\t') {
            out += "\\t";
        } else if (c >= 0x20 && c < 0x7f) {
            out += c;
        } else {
            out += "\\x" + to_hex(octets({static_cast<unsigned char>(c)}));
        }
    }
    return out + "\"";
}

inline std::string at(std::uint64_t offset) { return " @" + std::to_string(offset); }

inline std::string indented(const std::vector<std::string>& lines) {
    std::string out;
    for (const std::string& line : lines) out += "    " + line + "\n";
    return out;
}

/// The lines that a vector expects, with the offsets that its names stand for.
inline std::vector<std::string> expected_lines(const vector_case& vector, const marked_bytes& input) {
    std::vector<std::string> lines;
    for (std::string line : vector.events) {
        const std::size_t mark = line.rfind('@');
        if (mark != std::string::npos && line.find('"', mark) == std::string::npos) {
            line = line.substr(0, mark) + "@" + std::to_string(input.names.at(line.substr(mark + 1)));
        }
        lines.push_back(line);
    }
    return lines;
}

/// A setting that is a number.
template <class Number>
void set(const vector_case& vector, const std::string& name, Number& value) {
    if (vector.settings.count(name) != 0) value = static_cast<Number>(std::stoull(vector.settings.at(name)));
}

inline std::vector<vector_case> http_vectors(const std::string& name) {
    return read_vectors(std::filesystem::path(SOCKLESS_TESTS) / "vectors" / "http" / name);
}

} // namespace sockless::test
