// The page of tools/demo: served, and told as JSON what crosses the connections it opens, head by head, frame by frame.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless.hpp>

#include <algorithm>
#include <cstdio>
#include <list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// Writes a JSON object, one member after the other.
class json {
  public:
    json() = default;
    json(std::string_view event, std::string_view from) { member("event", event).member("from", from); }

    json& member(std::string_view name, std::string_view value) { return put(name, quoted(value)); }
    json& member(std::string_view name, std::uint64_t value) { return put(name, std::to_string(value)); }

    /// As hexadecimal digits.
    json& member(std::string_view name, sockless::cbytes value) {
        std::string digits = "\"";
        for (const std::byte each : value) put_hex(digits, each);
        return put(name, digits + '"');
    }

    /// An array of what is JSON already.
    json& member(std::string_view name, const std::vector<std::string>& values) {
        std::string array = "[";
        for (const std::string& each : values) array.append(array.size() == 1 ? "" : ",").append(each);
        return put(name, array + ']');
    }

    [[nodiscard]] std::string text() const { return text_ + "}"; }

    /// A byte that is not ASCII stands for the character of its number: the page knows what is UTF-8 and what is not.
    static std::string quoted(std::string_view value) {
        std::string made = "\"";
        for (const char c : value) {
            const bool plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
            plain ? void(made += c) : put_hex(made += "\\u00", static_cast<std::byte>(c));
        }
        return made + '"';
    }

  private:
    json& put(std::string_view name, std::string_view value) {
        text_.append(text_.empty() ? "{\"" : ",\"").append(name).append("\":").append(value);
        return *this;
    }

    static void put_hex(std::string& to, std::byte value) {
        const auto number = std::to_integer<unsigned>(value);
        to += "0123456789abcdef"[number >> 4U];
        to += "0123456789abcdef"[number & 15U];
    }

    std::string text_;
};

/// The bytes of something long, as far as they are shown, and how many there are.
class excerpt {
  public:
    void add(sockless::cbytes more) {
        size_ += more.size();
        const auto shown = more.first(std::min(more.size(), most - shown_.size()));
        shown_.insert(shown_.end(), shown.begin(), shown.end());
    }
    void clear() { *this = {}; }

    [[nodiscard]] sockless::cbytes shown() const { return shown_; }
    [[nodiscard]] std::uint64_t size() const { return size_; }

  private:
    static constexpr std::size_t most = 1024;

    std::vector<std::byte> shown_;
    std::uint64_t size_ = 0;
};

/// The STOMP frames that one side of a session sends, as a parser sees them in the payloads of its WebSocket frames.
class stomp_view {
  public:
    explicit stomp_view(const sockless::stomp::server_connection::session_type& session) : session_(&session) {}

    /// Takes the next bytes of the stream, and changes them.
    void take(sockless::bytes payload) {
        parser_.set_version(session_->version());
        while (const auto event = parser_.next(payload)) take_event(event);
    }

    /// The frames that have ended since the last call, as JSON. If a frame has begun but not ended, a part comes last.
    [[nodiscard]] std::vector<std::string> told() {
        if (is_open_) told_.push_back(json().member("event", "part").text());
        return std::exchange(told_, {});
    }

  private:
    using kind = sockless::stomp::parser_kind;

    void take_event(const sockless::stomp::parser_event& event) {
        switch (event.kind) {
        case kind::head:
            is_open_ = true;
            body_.clear();
            frame_ = json();
            frame_.member("event", "frame").member("command", text_of(event.command));
            frame_.member("headers", quoted(event.headers));
            break;
        case kind::body:
            body_.add(event.payload);
            if (!event.last) break;
            is_open_ = false;
            told_.push_back(frame_.member("length", body_.size()).member("body", body_.shown()).text());
            break;
        case kind::heart_beat: told_.push_back(json().member("event", "heart-beat").text()); break;
        case kind::error:
            is_open_ = false;
            told_.push_back(json()
                                .member("event", "error")
                                .member("name", row_of(event.error).name)
                                .member("sentence", row_of(event.error).sentence)
                                .member("section", row_of(event.error).section)
                                .text());
            break;
        case kind::need_input: break;
        }
    }

    static std::vector<std::string> quoted(const sockless::stomp::headers& headers) {
        std::vector<std::string> all;
        for (const auto& [name, value] : headers) {
            all.push_back('[' + json::quoted(name) + ',' + json::quoted(value) + ']');
        }
        return all;
    }

    const sockless::stomp::server_connection::session_type* session_;
    sockless::stomp::basic_parser<sockless::growing_buffer> parser_{
        sockless::growing_buffer(sockless::stomp::limits{}.head)};
    json frame_;
    excerpt body_;
    bool is_open_ = false; // a frame has begun
    std::vector<std::string> told_;
};

/// Shows the frames that one side of a connection sends, as a decoder sees them: the codecs below the endpoints, used
/// by themselves. A decoder changes payloads where they lie, so this one works on a copy.
class frame_view {
  public:
    /// `reader` is the part of the side that reads these frames, `limits` are that side's. `watcher` is told, and
    /// outlives the view, as does `session`, the one that the frames carry, if any. `on` is what the page calls it all.
    frame_view(sockless::role reader, const sockless::ws::limits& limits, sockless::ws::server& watcher,
               std::string_view on, const sockless::stomp::server_connection::session_type* session)
        : decoder_(reader, limits),
          watcher_(&watcher),
          on_(on),
          from_(reader == sockless::role::server ? "client" : "server") {
        decoder_.show_frames(true);
        if (session != nullptr) stomp_.emplace(*session);
    }

    /// Takes the next bytes of the stream, and tells of each frame that ends in them.
    void take(sockless::cbytes sent) {
        copy_.assign(sent.begin(), sent.end());
        sockless::bytes in = copy_;
        while (const auto event = decoder_.next(in)) take_event(event);
    }

    void tell(json what) {
        what.member("on", on_);
        // A watcher that does not read what it asked for would miss some of it, so it is told that this is the end.
        if (watcher_->send_text(what.text())) {
            static_cast<void>(watcher_->close(sockless::ws::close_code::try_again_later, "frames were left out"));
        }
    }

  private:
    using kind = sockless::ws::decoder::kind;

    void take_event(const sockless::ws::decoder::event& event) {
        switch (event.kind) {
        case kind::frame: begin(); break;
        case kind::close:
            // The code was told apart from the reason; here the payload is wanted as it was.
            if (decoder_.header().length != 0) {
                const std::byte code[] = {static_cast<std::byte>(event.code >> 8U), static_cast<std::byte>(event.code)};
                payload_.add(code);
            }
            payload_.add(event.payload);
            break;
        case kind::data:
            payload_.add(event.payload);
            if (stomp_) stomp_->take(event.payload);
            break;
        case kind::ping:
        case kind::pong: payload_.add(event.payload); break;
        case kind::error: return tell_error();
        case kind::need_input: return;
        }
        if (payload_.size() == decoder_.header().length) tell_frame();
    }

    void begin() {
        payload_.clear();
        untold_ = true;
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
                 .member("taken", payload_.size())
                 .member("payload", payload_.shown())
                 .member("stomp", stomp_ ? stomp_->told() : std::vector<std::string>{}));
    }

    void tell_error() {
        const sockless::error error = decoder_.error();
        // The header of a frame beyond a limit has no fault, and is worth seeing.
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
    std::optional<stomp_view> stomp_;
    sockless::ws::server* watcher_;
    std::string_view on_, from_;
    std::vector<std::byte> copy_;
    excerpt payload_; // of the current frame
    bool untold_ = false;
};

/// The part of the server that serves the page. The page asks for several WebSockets. The one at `/frames?page=ID` is
/// told what happens on the others, and takes commands for them (`obey`). The page makes up the ID, so that no other
/// page can watch.
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

    /// Whether this target is that of a watcher.
    [[nodiscard]] static bool is_watching(std::string_view target) { return target.starts_with("/frames?"); }

    /// Answers a request that is no upgrade.
    void serve(peer& from) const {
        const sockless::field fields[] = {{"Cache-Control", "no-store"}};
        sockless::ws::refusal answer{.status = 200, .fields = fields, .body = html_, .content_type = "text/html"};
        if (from.head().target != "/") answer = {.status = 404};
        if (from.head().method != "GET") answer = {.status = 405};
        // Where there is no memory for it, the connection ends without an answer.
        static_cast<void>(from.refuse(answer));
    }

    /// Looks at a connection that was just accepted. `session` is the one that it carries, if any, `on` what the page
    /// calls it. `rest` came behind the request.
    void accepted(peer& from, std::string_view on, const sockless::stomp::server_connection::session_type* session,
                  sockless::cbytes rest) {
        const auto& asked = from.head();
        const std::size_t mark = asked.target.find("?page=");
        if (mark == asked.target.npos) return;
        const std::string id(asked.target.substr(mark));
        if (is_watching(asked.target)) return watchers_.push_back({&from, id});
        for (const watcher& each : watchers_) {
            if (each.id != id) continue;
            const std::string answer(sockless::text_of(from.output()));
            watched_.push_back({&from, each.to, on, answer.size(), frame_view(server, limits_, *each.to, on, session),
                                frame_view(client, limits_, *each.to, on, session)});
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

    /// Does what a watcher asks of the connection that the page calls `on`.
    void obey(const peer& from, std::string_view on, std::string_view command) {
        for (watched& each : watched_) {
            if (each.watcher == &from && each.on == on) obey_for(*each.peer, command);
        }
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
        std::string_view on;
        std::size_t head_left; // bytes of the response's head that are still to be sent
        frame_view sent_by_client, sent_by_server;
    };

    // Where something cannot be sent any more, the frames on the page have told so.
    static void obey_for(peer& to, std::string_view command) {
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
    std::list<watched> watched_;
};
