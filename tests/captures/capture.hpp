// Reads the captures and their transcripts, which README.md in this folder describes.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless/detail/sha1.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "../support/split.hpp"

namespace sockless::test {

/// What one side of a capture sent, and what a transcript says about it.
struct direction {
    buffer wire{};
    std::vector<std::size_t> reads{};
    std::vector<std::string> frames{};
    std::vector<std::string> events{};
    std::vector<std::string> stomp{}; // the same of STOMP
    bool opened = false;              // there are frames behind the head
};

struct capture {
    std::string name{};
    std::string request{}; // empty where there is no WebSocket
    std::string response{};
    std::string subprotocol{};
    std::string extensions{};
    std::string version{}; // of STOMP; empty where none was agreed to
    direction c2s{};
    direction s2c{};

    [[nodiscard]] bool is_websocket() const { return !request.empty(); }
    [[nodiscard]] bool compressed() const { return extensions.rfind("permessage-deflate", 0) == 0; }
};

inline buffer read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + path.string());
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    return bytes_from(text);
}

inline capture read_capture(const std::filesystem::path& path) {
    capture out;
    out.name = path.stem().string();
    direction* side = nullptr;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        std::istringstream rest(line);
        std::string word;
        rest >> word >> std::ws;
        if (line == "c2s" || line == "s2c") {
            side = line == "c2s" ? &out.c2s : &out.s2c;
            side->wire = read_file(path.parent_path() / (out.name + "." + line + ".bin"));
        } else if (side == nullptr) {
            std::string value;
            std::getline(rest, value);
            if (word == "request") out.request = value;
            if (word == "response") out.response = value;
            if (word == "subprotocol") out.subprotocol = value;
            if (word == "extensions") out.extensions = value;
            if (word == "version") out.version = value;
        } else if (word == "reads") {
            side->reads.assign(std::istream_iterator<std::size_t>(rest), {});
        } else if (word == "frames") {
            side->frames.assign(std::istream_iterator<std::string>(rest), {});
            side->opened = true;
        } else if (word == "stomp") {
            side->stomp.push_back(line.substr(word.size() + 1));
        } else if (!line.empty()) {
            side->events.push_back(line);
        }
    }
    return out;
}

/// Those in one folder below the tests, by their names.
inline std::vector<capture> read_captures(const char* folder) {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(SOCKLESS_TESTS) / folder)) {
        if (entry.path().extension() == ".txt") paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    std::vector<capture> out;
    for (const auto& path : paths) out.push_back(read_capture(path));
    return out;
}

inline const std::vector<capture>& stomp_captures() {
    static const std::vector<capture> all = read_captures("captures/stomp");
    return all;
}

/// Those of WebSocket, with STOMP on it too.
inline const std::vector<capture>& websocket_captures() {
    static const std::vector<capture> all = [] {
        std::vector<capture> out = read_captures("captures");
        std::copy_if(stomp_captures().begin(), stomp_captures().end(), std::back_inserter(out),
                     [](const capture& of) { return of.is_websocket(); });
        return out;
    }();
    return all;
}

/// Where the pieces that were read ended.
inline cuts real_cuts(const direction& side) {
    cuts at;
    for (const std::size_t size : side.reads) at.push_back((at.empty() ? 0 : at.back()) + size);
    return at;
}

/// A payload as in a transcript: its length, and itself or its hash.
inline std::string payload_line(cbytes payload) {
    const std::string size = std::to_string(payload.size());
    if (payload.empty()) return size;
    if (payload.size() <= 48) return size + " " + to_hex(payload);
    return size + " sha1:" + to_hex(sockless::detail::sha1(text_of(payload)));
}

} // namespace sockless::test
