// The page of tools/demo: served, and told as JSON what crosses the connections it opens, head by head, frame by frame.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless.hpp>

#include <cstdio>
#include <string>
#include <vector>

/// Writes a JSON object, one member after the other.
class json {
  public:
    explicit json(std::string_view event, std::string_view from) { member("event", event).member("from", from); }

    /// A byte that is not ASCII stands for the character of its number, as heads have no charset.
    json& member(std::string_view name, std::string_view value) {
        begin(name) += '"';
        for (const char c : value) {
            const bool plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
            plain ? void(text_ += c) : put_hex(text_ += "\\u00", static_cast<std::byte>(c));
        }
        text_ += '"';
        return *this;
    }

    json& member(std::string_view name, std::uint64_t value) {
        begin(name) += std::to_string(value);
        return *this;
    }

    /// As hexadecimal digits.
    json& member(std::string_view name, sockless::cbytes value) {
        begin(name) += '"';
        for (const std::byte each : value) put_hex(text_, each);
        text_ += '"';
        return *this;
    }

    [[nodiscard]] std::string text() const { return text_ + "}"; }

  private:
    std::string& begin(std::string_view name) {
        text_ += text_.empty() ? "{\"" : ",\"";
        return text_.append(name).append("\":");
    }

    static void put_hex(std::string& to, std::byte value) {
        const auto number = std::to_integer<unsigned>(value);
        to += "0123456789abcdef"[number >> 4U];
        to += "0123456789abcdef"[number & 15U];
    }

    std::string text_;
};

/// Shows the frames that one side of a connection sends, as a decoder sees them: the codecs below the endpoints, used
/// by themselves. A decoder changes payloads where they lie, so this one works on a copy.
class frame_view {
  public:
    /// `reader` is the part of the side that reads these frames, `limits` are that side's, and `watcher` is told; it
    /// outlives the view.
    frame_view(sockless::role reader, const sockless::ws::limits& limits, sockless::ws::server& watcher)
        : decoder_(reader, limits), watcher_(&watcher), from_(reader == sockless::role::server ? "client" : "server") {
        decoder_.show_frames(true);
    }

    /// Takes the next bytes of the stream, and tells of each frame that ends in them.
    void take(sockless::cbytes sent) {
        copy_.assign(sent.begin(), sent.end());
        sockless::bytes in = copy_;
        while (const auto event = decoder_.next(in)) take_event(event);
    }

    void tell(const json& what) {
        // A watcher that does not read what it asked for would miss some of it, so it is told that this is the end.
        if (watcher_->send_text(what.text())) {
            static_cast<void>(watcher_->close(sockless::ws::close_code::try_again_later, "frames were left out"));
        }
    }

  private:
    using kind = sockless::ws::decoder::kind;

    // Bytes that are shown of a payload.
    static constexpr std::size_t most_shown = 1024;

    void take_event(const sockless::ws::decoder::event& event) {
        switch (event.kind) {
        case kind::frame: begin(); break;
        case kind::close:
            // The code was told apart from the reason; here the payload is wanted as it was.
            if (decoder_.header().length != 0) {
                const std::byte code[] = {static_cast<std::byte>(event.code >> 8U), static_cast<std::byte>(event.code)};
                add(code);
            }
            add(event.payload);
            break;
        case kind::data:
        case kind::ping:
        case kind::pong: add(event.payload); break;
        case kind::error: return tell_error();
        case kind::need_input: return;
        }
        if (taken_ == decoder_.header().length) tell_frame();
    }

    void begin() {
        shown_.clear();
        taken_ = 0;
        untold_ = true;
    }

    void add(sockless::cbytes payload) {
        taken_ += payload.size();
        const std::size_t room = most_shown - shown_.size();
        const auto shown = payload.first(payload.size() < room ? payload.size() : room);
        shown_.insert(shown_.end(), shown.begin(), shown.end());
    }

    void tell_frame() {
        if (!untold_) return;
        untold_ = false;
        const sockless::ws::frame_header header = decoder_.header();
        tell(json("frame", from_)
                 .member("offset", decoder_.frame_offset())
                 .member("fin", header.fin)
                 .member("rsv", header.rsv)
                 .member("opcode", static_cast<std::uint64_t>(header.opcode))
                 .member("masked", header.masked)
                 .member("key", header.masking_key)
                 .member("length", header.length)
                 .member("taken", taken_)
                 .member("payload", shown_));
    }

    void tell_error() {
        const sockless::error error = decoder_.error();
        // What is beyond a limit has a header without fault, and it is worth seeing.
        if (error.close_code() == sockless::ws::close_code::message_too_big) begin();
        tell_frame();
        tell(json("error", from_)
                 .member("offset", decoder_.offset())
                 .member("name", error.name())
                 .member("sentence", error.sentence())
                 .member("section", error.section())
                 .member("code", std::uint64_t{error.close_code()}));
    }

    sockless::ws::decoder decoder_;
    sockless::ws::server* watcher_;
    std::string_view from_;
    std::vector<std::byte> copy_;
    std::vector<std::byte> shown_; // the payload of the current frame, as far as it is shown
    std::uint64_t taken_ = 0;      // bytes of that payload that have come
    bool untold_ = false;
};

/// What an echo server does for the page, which asks for two WebSockets: `/frames?page=ID` is told what happens, and
/// takes commands (`obey`); `/echo?page=ID` is what it is told of. The page makes up the ID, so that nobody else can
/// watch. Without a file nothing is done at all.
class demo_page {
  public:
    using peer = sockless::ws::server;

    /// Reads the page; later changes of the file are not seen. `limits` are those of the server.
    demo_page(const std::string& file, const sockless::ws::limits& limits) : limits_(limits) {
        std::FILE* const from = file.empty() ? nullptr : std::fopen(file.c_str(), "rb");
        if (from == nullptr) return;
        char piece[4096];
        while (const std::size_t size = std::fread(piece, 1, sizeof piece, from)) html_.append(piece, size);
        std::fclose(from);
    }

    [[nodiscard]] bool exists() const { return !html_.empty(); }

    /// Answers a request that is no upgrade.
    void serve(peer& from) const {
        const sockless::field fields[] = {{"Cache-Control", "no-store"}};
        sockless::ws::refusal answer{.status = 200, .fields = fields, .body = html_, .content_type = "text/html"};
        if (from.head().target != "/") answer = {.status = 404};
        if (from.head().method != "GET") answer = {.status = 405};
        // Where there is no memory for it, the connection ends without an answer.
        static_cast<void>(from.reject(answer));
    }

    /// Looks at a connection that was just accepted. `rest` came behind the request.
    void accepted(peer& from, sockless::cbytes rest) {
        const auto& asked = from.head();
        const std::size_t mark = asked.target.find("?page=");
        if (!exists() || mark == asked.target.npos) return;
        const std::string id(asked.target.substr(mark));
        if (asked.target.starts_with("/frames?")) return watchers_.push_back({&from, id});
        for (const watcher& each : watchers_) {
            if (each.id != id) continue;
            const std::string_view answer = sockless::text_of(from.output());
            watched_.push_back(
                {&from, each.to, answer.size(), {server, limits_, *each.to}, {client, limits_, *each.to}});
            std::string request = std::string(asked.method).append(" ").append(asked.target) + " HTTP/1.1\r\n";
            watched_.back().sent_by_client.tell(
                json("head", "client").member("text", request.append(asked.fields.text())));
            watched_.back().sent_by_server.tell(json("head", "server").member("text", answer));
            return received(from, rest);
        }
    }

    /// Looks at what was received, before it is decoded.
    void received(const peer& from, sockless::cbytes data) {
        for (watched& each : watched_) {
            if (each.peer == &from) each.sent_by_client.take(data);
        }
    }

    /// Looks at what was sent.
    void sent(const peer& to, sockless::cbytes data) {
        for (watched& each : watched_) {
            if (each.peer != &to) continue;
            const std::size_t head = data.size() < each.head_left ? data.size() : each.head_left;
            each.head_left -= head;
            each.sent_by_server.take(data.subspan(head));
        }
    }

    /// Does what a page asks of its other connection. False where the message is no command but one to be echoed.
    bool obeys(const peer& from, std::string_view command) {
        bool is_command = false;
        for (const watcher& each : watchers_) is_command = is_command || each.to == &from;
        for (watched& each : watched_) {
            if (each.watcher == &from) obey(*each.peer, command);
        }
        return is_command;
    }

    /// Forgets a connection that has ended.
    void ended(const peer& which) {
        for (watched& each : watched_) {
            if (each.peer == &which) each.sent_by_server.tell(json("end", "server"));
        }
        std::erase_if(watched_, [&](auto& each) { return each.peer == &which || each.watcher == &which; });
        std::erase_if(watchers_, [&](auto& each) { return each.to == &which; });
    }

  private:
    static constexpr auto client = sockless::role::client, server = sockless::role::server;

    struct watcher {
        peer* to;
        std::string id;
    };
    struct watched {
        demo_page::peer* peer;
        demo_page::peer* watcher;
        std::size_t head_left; // bytes of the response's head that are still to be sent
        frame_view sent_by_client, sent_by_server;
    };

    // Where something cannot be sent any more, the frames on the page have told so.
    static void obey(peer& to, std::string_view command) {
        using sockless::bytes_of;
        constexpr auto text = sockless::ws::message_type::text;
        if (command == "ping") static_cast<void>(to.ping(bytes_of("are you there?")));
        if (command == "close") static_cast<void>(to.close(sockless::ws::close_code::normal, "the server's wish"));
        if (command == "fragments") {
            for (const std::string_view piece : {"one message, ", "in three ", "frames"}) {
                static_cast<void>(to.send_piece(text, bytes_of(piece), piece == "frames"));
            }
        }
    }

    std::string html_;
    sockless::ws::limits limits_;
    std::vector<watcher> watchers_;
    std::vector<watched> watched_;
};
