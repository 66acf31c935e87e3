// How sockless-inspect shows what it finds: as JSON, or for people.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless/http/head_parser.hpp>
#include <sockless/stomp/parser.hpp>
#include <sockless/utf8.hpp>

#include <cinttypes>
#include <cstdio>
#include <string>

namespace sockless::inspect {

// --- The text that is shown ------------------------------------------------------------------------------------------

enum class what { request, response, body, message, ping, pong, close, frame, heartbeat, error, end };

struct event {
    what kind;
    role from;
    std::string_view layer;
    std::uint64_t offset;
    http::head head{};        // of a request or response
    stomp::command command{}; // of a frame, as is the next one
    stomp::headers headers{}; //
    cbytes payload{};         // of a close the reason; of an error what this side sent, in which the offset counts
    std::string_view type{};  // of a message, as are the next three
    std::uint32_t frames = 1; //
    bool compressed = false;  //
    std::uint64_t sent = 0;   // how many bytes came of it
    std::uint16_t code = 0;   // of a close
    sockless::error error{};  //
    bool clean = true;        // of an end, as is the next one
    std::string remark{};     //
};

inline std::string name_of(what kind) {
    static constexpr const char* names[] = {"request", "response", "body",      "message", "ping", "pong",
                                            "close",   "frame",    "heartbeat", "error",   "end"};
    return names[static_cast<std::size_t>(kind)];
}

/// The part of a remark about bytes that were discarded.
inline std::string discarded(std::uint64_t size) {
    return size == 0 ? "" : ", " + std::to_string(size) + " B discarded";
}

inline std::string hex_of(cbytes data, std::string_view between = "") {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    out.reserve(data.size() * (2 + between.size()));
    for (const std::byte octet : data) {
        if (!out.empty()) out += between;
        out += digits[static_cast<unsigned>(octet) >> 4U];
        out += digits[static_cast<unsigned>(octet) & 15U];
    }
    return out;
}

/// The size of the UTF-8 character at the front of `text`; 0 if there is none.
inline std::size_t size_of_character(std::string_view text) {
    for (std::size_t size = 1; size <= 4 && size <= text.size(); ++size) {
        if (sockless::is_utf8(bytes_of(text.substr(0, size)))) return size;
    }
    return 0;
}

/// At most `most` characters of `text`, escaped as in JSON. A byte that is not UTF-8 stands as \u00XX, and so does each
/// control character: those of C1 too, which terminals obey. Quotes and backslashes are escaped if `escapes` is true.
inline std::string escaped(std::string_view text, bool escapes = true, std::size_t most = SIZE_MAX) {
    std::string out;
    for (; !text.empty() && most != 0; --most) {
        // Nearly all characters stand for themselves, and there may be millions.
        if (text[0] >= ' ' && text[0] <= '~' && text[0] != '"' && text[0] != '\\') {
            out += text[0];
            text.remove_prefix(1);
            continue;
        }
        std::size_t size = size_of_character(text);
        auto value = static_cast<unsigned char>(text[0]);
        if (size == 2 && value == 0xC2) value = static_cast<unsigned char>(text[1]);
        if (size == 0 || value < 0x20 || (value >= 0x7F && value < 0xA0)) {
            char code[8];
            std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(value));
            out += value == '\n' ? "\\n" : value == '\r' ? "\\r" : value == '\t' ? "\\t" : code;
            size = size == 0 ? 1 : size;
        } else {
            if (escapes && (value == '"' || value == '\\')) out += '\\';
            out += text.substr(0, size);
        }
        text.remove_prefix(size);
    }
    return out + (text.empty() ? "" : " …");
}

// --- As JSON ---------------------------------------------------------------------------------------------------------

inline std::string json_of(const event& shown) {
    const auto number = [](const char* key, std::uint64_t value) {
        return std::string(",\"") + key + "\":" + std::to_string(value);
    };
    const auto text = [](const char* key, std::string_view value) {
        return std::string(",\"") + key + "\":\"" + escaped(value) + '"';
    };
    std::string out = shown.from == role::client ? R"({"from":"client")" : R"({"from":"server")";
    out += text("layer", shown.layer);
    if (shown.kind != what::end) out += text("event", name_of(shown.kind));
    if (shown.kind != what::end && shown.kind != what::error) out += number("offset", shown.offset);

    const auto pairs = [](const char* key, const auto& range) {
        std::string list;
        for (const auto& each : range) {
            list += list.empty() ? "[\"" : ",[\"";
            list += escaped(each.name) + "\",\"" + escaped(each.value) + "\"]";
        }
        return std::string(",\"") + key + "\":[" + list + ']';
    };
    const auto fields = [&] { return pairs("fields", shown.head.fields); };
    switch (shown.kind) {
    case what::request: out += text("method", shown.head.method) + text("target", shown.head.target) + fields(); break;
    case what::response: out += number("status", shown.head.status) + fields(); break;
    case what::body: return {};
    case what::message: out += text("type", shown.type) + number("bytes", shown.payload.size()); [[fallthrough]];
    case what::ping:
    case what::pong: out += text("hex", hex_of(shown.payload)); break;
    case what::close: out += number("code", shown.code) + text("reason", text_of(shown.payload)); break;
    case what::frame:
        out += text("command", stomp::text_of(shown.command)) + pairs("headers", shown.headers);
        out += number("bytes", shown.payload.size()) + text("hex", hex_of(shown.payload));
        break;
    case what::heartbeat: break;
    case what::error:
        if (shown.layer == "ws") out += number("code", shown.error.close_code());
        if (shown.layer == "http") out += number("status", shown.error.status());
        out += text("error", shown.error.name()) + number("offset", shown.offset);
        break;
    case what::end: out += shown.clean ? R"(,"clean":true)" : R"(,"clean":false)"; break;
    }
    return out + (shown.compressed ? ",\"compressed\":true}\n" : "}\n");
}

// --- For people ------------------------------------------------------------------------------------------------------

/// Writes events to standard output: as JSON, or each as a line of columns, which are the side, the offset, the layer,
/// the kind, the size, and the content. Content that needs more lines is indented below.
class printer {
  public:
    printer(bool json, bool colours, std::size_t largest_offset)
        : json_(json), colours_(colours), width_(std::to_string(largest_offset).size()) {}

    void show(const event& shown) {
        const std::string out = json_ ? json_of(shown) : line_of(shown);
        std::fwrite(out.data(), 1, out.size(), stdout);
        errors_ = errors_ || shown.kind == what::error;
    }

    [[nodiscard]] bool errors() const { return errors_; }

  private:
    [[nodiscard]] std::string painted(const std::string& text, const std::string& style) const {
        return colours_ ? "\033[" + style + "m" + text + "\033[0m" : text;
    }

    [[nodiscard]] std::string below() const { return '\n' + std::string(9 + width_ + 4, ' '); }

    [[nodiscard]] std::string line_of(const event& shown) const {
        const std::string kind = shown.kind == what::message ? std::string(shown.type) : name_of(shown.kind);
        const bool sized = (shown.kind >= what::body && shown.kind <= what::pong) || shown.kind == what::frame;
        const std::string size = sized ? std::to_string(shown.payload.size()) + " B" : "";
        char columns[96];
        std::snprintf(columns, sizeof columns, "%*" PRIu64 "  %-5s  %-9s  %10s  ", static_cast<int>(width_),
                      shown.offset, std::string(shown.layer).c_str(), kind.c_str(), size.c_str());
        const bool wrong = shown.kind == what::error || !shown.clean;
        const std::string side = shown.from == role::client ? painted("client → ", "36") : painted("server ← ", "35");
        return side + (wrong ? painted(columns, "1;31") : columns) + content_of(shown) + '\n';
    }

    [[nodiscard]] std::string content_of(const event& shown) const {
        switch (shown.kind) {
        case what::request:
        case what::response: return head_of(shown.head);
        case what::message:
            return preview_of(shown.payload, shown.type == "text") +
                   (shown.compressed ? " compressed to " + std::to_string(shown.sent) + " B" : "") +
                   (shown.frames != 1 ? " in " + std::to_string(shown.frames) + " frames" : "");
        case what::body:
        case what::ping:
        case what::pong: return preview_of(shown.payload, sockless::is_utf8(shown.payload));
        case what::close: return std::to_string(shown.code) + ' ' + preview_of(shown.payload, true);
        case what::frame:
            return painted(std::string(stomp::text_of(shown.command)), "1") +
                   (shown.payload.empty() ? "" : ' ' + preview_of(shown.payload, sockless::is_utf8(shown.payload))) +
                   lines_of(shown.headers);
        case what::heartbeat: break;
        case what::error: return error_of(shown);
        case what::end: return (shown.clean ? "clean, " : "not clean, ") + shown.remark;
        }
        return {};
    }

    // The beginning of it.
    [[nodiscard]] static std::string preview_of(cbytes data, bool text) {
        if (text) return data.empty() ? "" : '"' + escaped(text_of(data), true, 60) + '"';
        const cbytes begin = data.first(data.size() < 24 ? data.size() : 24);
        return hex_of(begin, " ") + (begin.size() < data.size() ? " …" : "");
    }

    [[nodiscard]] std::string head_of(const http::head& head) const {
        const std::string version = "HTTP/1." + std::to_string(head.minor_version);
        const bool response = head.status != 0;
        std::string out = response ? version + ' ' + std::to_string(head.status) + ' ' + escaped(head.reason, false)
                                   : std::string(head.method) + ' ' + std::string(head.target) + ' ' + version;
        return painted(out, "1") + lines_of(head.fields);
    }

    // Fields or headers.
    [[nodiscard]] std::string lines_of(const auto& pairs) const {
        std::string out;
        for (const auto& each : pairs) {
            out += below() + painted(escaped(each.name, false), "2") + ": " + escaped(each.value, false);
        }
        return out;
    }

    // The rule that was broken; below it, in hexadecimal and in ASCII, the bytes around the one that broke it.
    [[nodiscard]] std::string error_of(const event& shown) const {
        std::string out = std::string(shown.error.name()) + ": " + std::string(shown.error.sentence()) + " (" +
                          std::string(shown.error.section()) + ')';
        if (shown.error.close_code() != 0 && shown.layer != "stomp")
            out += ", Close " + std::to_string(shown.error.close_code());
        if (shown.error.status() != 0) out += ", status " + std::to_string(shown.error.status());

        const auto at = static_cast<std::size_t>(shown.offset);
        const std::size_t before = at < 8 ? at : 8;
        const cbytes rest = shown.payload.subspan(at - before);
        const cbytes around = rest.first(rest.size() < 17 ? rest.size() : 17);
        std::string ascii(text_of(around));
        for (char& c : ascii) c = c >= ' ' && c <= '~' ? c : '.';
        std::string hex = hex_of(around, " ");
        hex.resize(17 * 3, ' ');
        std::string marks(hex.size() + before, ' ');
        marks.replace(3 * before, 2, "^^");
        return out + below() + hex + ascii + below() + painted(marks + '^', "1;31");
    }

    bool json_;
    bool colours_;
    bool errors_ = false;
    std::size_t width_;
};

} // namespace sockless::inspect
