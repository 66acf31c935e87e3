// sockless-inspect: decodes captured WebSocket bytes and says what they mean. Also an example of the codecs.
// SPDX-License-Identifier: MIT
#include <sockless/http/head_parser.hpp>
#include <sockless/ws/assembler.hpp>
#include <sockless/ws/handshake.hpp>

#include <unistd.h>

#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

using namespace sockless;

static constexpr char help[] =
    R"(usage: sockless-inspect [--protocol websocket] [--split N|random:SEED] [--json] CLIENT_BYTES [SERVER_BYTES]

Decodes all that the client and the server of one WebSocket connection sent, each from the first byte of its HTTP head.
The arguments are files; "-" stands for none. The client's bytes come first, decoded as a server would, then the
server's, decoded as a client would, both within the library's default limits.

  --protocol P   what the connection speaks; so far only websocket
  --split S      feed the decoders in pieces of N bytes, or of random sizes; the output does not depend on it
  --json         one object a line: request, response, message, ping, pong, close and error events, then an end

A 101 is checked against the request where there is one, and says whether compression was agreed to. Where there is no
response, it is taken as agreed to if the request offered permessage-deflate. A compressed message is shown as it came.
Interim responses are events too. What follows a Close, an error or a refusal is discarded; the body of a refusal is
shown all the same, but not with --json.

"offset" is the place in what this side sent: of a head, of a message's first frame, of a control frame, of the byte
that broke a rule; an error of a head as a whole has the offset of the head. "code" is the Close code that answers an
error, "status" the HTTP status, 0 where none does. "clean" is false where the bytes end inside a head or a frame, or an
error came before the end.

Exit status: 0 if all was decoded, 1 if there was an error event, 2 if an argument or a file is at fault.
)";

// --- What there is to show -------------------------------------------------------------------------------------------

enum class what { request, response, body, message, ping, pong, close, error, end };

struct event {
    what kind;
    role from;
    std::string_view layer;
    std::uint64_t offset;
    http::head head{};        // of a request or response
    cbytes payload{};         // of a close the reason; of an error all that this side sent
    std::string_view type{};  // of a message, as are the next two
    std::uint32_t frames = 1; //
    bool compressed = false;  //
    std::uint16_t code = 0;   // of a close
    sockless::error error{};  //
    bool clean = true;        // of an end, as is the next one
    std::string remark{};     //
};

static std::string name_of(what kind) {
    static constexpr const char* names[] = {"request", "response", "body",  "message", "ping",
                                            "pong",    "close",    "error", "end"};
    return names[static_cast<std::size_t>(kind)];
}

static std::string hex_of(cbytes data, std::string_view between = "") {
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

/// The size of the UTF-8 character at the front of `text`; 0 where there is none.
static std::size_t size_of_character(std::string_view text) {
    for (std::size_t size = 1; size <= 4 && size <= text.size(); ++size) {
        if (ws::is_utf8(bytes_of(text.substr(0, size)))) return size;
    }
    return 0;
}

/// At most `most` characters of `text`, escaped as in JSON. A byte that is not UTF-8 stands as \u00XX, and so does each
/// control character: those of C1 too, which terminals obey. Quotes and backslashes are escaped where `escapes`.
static std::string escaped(std::string_view text, bool escapes = true, std::size_t most = SIZE_MAX) {
    std::string out;
    for (; !text.empty() && most != 0; --most) {
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

static std::string json_of(const event& shown) {
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

    const auto fields = [&shown] {
        std::string list;
        for (const field& each : shown.head.fields) {
            list += list.empty() ? "[\"" : ",[\"";
            list += escaped(each.name) + "\",\"" + escaped(each.value) + "\"]";
        }
        return ",\"fields\":[" + list + ']';
    };
    switch (shown.kind) {
    case what::request: out += text("method", shown.head.method) + text("target", shown.head.target) + fields(); break;
    case what::response: out += number("status", shown.head.status) + fields(); break;
    case what::body: return {};
    case what::message: out += text("type", shown.type) + number("bytes", shown.payload.size()); [[fallthrough]];
    case what::ping:
    case what::pong: out += text("hex", hex_of(shown.payload)); break;
    case what::close: out += number("code", shown.code) + text("reason", text_of(shown.payload)); break;
    case what::error:
        out += shown.layer == "ws" ? number("code", shown.error.close_code()) : number("status", shown.error.status());
        out += text("error", shown.error.name()) + number("offset", shown.offset);
        break;
    case what::end: out += shown.clean ? R"(,"clean":true)" : R"(,"clean":false)"; break;
    }
    return out + (shown.compressed ? ",\"compressed\":true}\n" : "}\n");
}

// --- For people ------------------------------------------------------------------------------------------------------

/// Writes events to standard output: as JSON, or each as a line of columns, which are the side, the offset, the layer,
/// the kind, the size, and the content. What needs more lines is indented below.
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
        const bool sized = shown.kind >= what::body && shown.kind <= what::pong;
        const std::string size = sized ? std::to_string(shown.payload.size()) + " B" : "";
        char columns[96];
        std::snprintf(columns, sizeof columns, "%*" PRIu64 "  %-4s  %-8s  %10s  ", static_cast<int>(width_),
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
            return preview_of(shown.payload, shown.type == "text" && !shown.compressed) +
                   (shown.compressed ? " compressed" : "") +
                   (shown.frames != 1 ? " in " + std::to_string(shown.frames) + " frames" : "");
        case what::body:
        case what::ping:
        case what::pong: return preview_of(shown.payload, ws::is_utf8(shown.payload));
        case what::close: return std::to_string(shown.code) + ' ' + preview_of(shown.payload, true);
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
        out = painted(out, "1");
        for (const field& each : head.fields) {
            out += below() + painted(std::string(each.name), "2") + ": " + escaped(each.value, false);
        }
        return out;
    }

    // The rule that was broken; below it, in hexadecimal and in ASCII, the bytes around the one that broke it.
    [[nodiscard]] std::string error_of(const event& shown) const {
        std::string out = std::string(shown.error.name()) + ": " + std::string(shown.error.sentence()) + " (" +
                          std::string(shown.error.section()) + ')';
        if (shown.error.close_code() != 0) out += ", Close " + std::to_string(shown.error.close_code());
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

// --- What each side has to know of the other's head ------------------------------------------------------------------

/// Decoders unmask where the bytes lie, and the bytes are needed again: so each of them gets a copy.
using octets = std::vector<std::byte>;

struct opening {
    bool requested = false;   // there is a request, with the three below
    std::string key;          //
    std::string subprotocols; // that were offered
    std::string extensions;   //
    bool refused = false;     // there is a final response, and it is no 101
    bool compression = false; // agreed to; or offered, where there is no response
};

static bool is_interim(const http::head& head) { return head.status < 200 && head.status != 101; }

/// All values of a field in one head, as the one list that they are (RFC 9110 section 5.3).
static std::string list_of(const http::head& head, std::string_view name) {
    std::string out;
    for (const field& each : head.fields) {
        if (!http::equal_ignoring_case(each.name, name)) continue;
        if (!out.empty()) out += ", ";
        out += each.value;
    }
    return out;
}

static opening read_opening(octets client, octets server) {
    // The parsers need no memory, as the heads lie in their input as a whole.
    http::head_parser requests(http::head_kind::request), responses(http::head_kind::response);
    const auto compresses = [](std::string_view extensions) {
        return ws::has_extension(extensions, "permessage-deflate");
    };
    opening found;
    bytes in = client;
    if (const http::head_event request = requests.next(in); request.kind == http::kind::head) {
        found.requested = true;
        found.key = ws::check_request(request.head).key;
        found.subprotocols = list_of(request.head, "sec-websocket-protocol");
        found.extensions = list_of(request.head, "sec-websocket-extensions");
        found.compression = compresses(found.extensions);
    }
    in = server;
    for (http::head_event response; (response = responses.next(in)).kind == http::kind::head; responses.restart()) {
        if (is_interim(response.head)) continue;
        found.refused = response.head.status != 101;
        found.compression = compresses(list_of(response.head, "sec-websocket-extensions"));
        break;
    }
    return found;
}

// --- One direction ---------------------------------------------------------------------------------------------------

/// Decodes what one side sent: `feed` it in pieces, then `finish`.
class direction {
  public:
    direction(role from, cbytes stream, const opening& agreed, printer& out)
        : from_(from),
          stream_(stream),
          agreed_(agreed),
          out_(out),
          heads_(from == role::client ? http::head_kind::request : http::head_kind::response,
                 growing_buffer(http::limits{}.head)),
          frames_(from == role::client ? role::server : role::client),
          messages_(growing_buffer(static_cast<std::size_t>(ws::limits{}.message))) {
        frames_.agree_to(agreed.compression ? ws::rsv::rsv1 : std::uint8_t{0});
        frames_.show_frames(true);
    }

    void feed(bytes in) {
        if (phase_ == phase::heads) take_heads(in);
        if (phase_ == phase::frames) take_frames(in);
    }

    void finish() {
        if (phase_ == phase::refused && from_ == role::server && decoded_ != stream_.size()) {
            event body{what::body, from_, "http", decoded_};
            body.payload = stream_.subspan(static_cast<std::size_t>(decoded_));
            out_.show(body);
        }
        const bool in_head = phase_ == phase::heads && heads_.finish() == http::errc::truncated;
        const bool in_frame = phase_ == phase::frames && head_end_ + frames_.offset() != decoded_;
        event end{what::end, from_, "end", stream_.size()};
        end.clean = !in_head && !in_frame && phase_ != phase::failed;
        switch (phase_) {
        case phase::heads: end.remark = in_head ? "inside a head" : "before a head"; break;
        case phase::frames: end.remark = in_frame ? "inside a frame" : open_ ? "between fragments" : "no Close"; break;
        case phase::closed: end.remark = "after a Close"; break;
        case phase::refused: end.remark = "the handshake was refused"; break;
        case phase::failed: end.remark = "an error came before"; break;
        }
        if (phase_ >= phase::closed && decoded_ != stream_.size()) {
            end.remark += ", " + std::to_string(stream_.size() - decoded_) + " B discarded";
        }
        out_.show(end);
    }

  private:
    enum class phase { heads, frames, closed, refused, failed };

    void take_heads(bytes& in) {
        while (const http::head_event found = heads_.next(in)) {
            if (found.kind == http::kind::error) return fail("http", found.error, heads_.offset());
            event shown{from_ == role::client ? what::request : what::response, from_, "http", head_end_};
            shown.head = found.head;
            out_.show(shown);
            decoded_ = head_end_ = heads_.offset();
            if (from_ == role::client || !is_interim(found.head)) return judge(found.head, shown.offset);
            heads_.restart();
        }
    }

    // The handshake ends with this head, well or badly.
    void judge(const http::head& head, std::uint64_t begin) {
        phase_ = phase::frames;
        if (from_ == role::client) {
            const sockless::error error = ws::check_request(head).error;
            if (error) return fail("http", error, begin);
            if (agreed_.refused) phase_ = phase::refused;
        } else if (head.status != 101) {
            phase_ = phase::refused;
        } else {
            const sockless::error error =
                ws::check_response(head, agreed_.key, agreed_.subprotocols, agreed_.extensions).error;
            // Without the request there is no key, and nothing was offered: then the rest was found right.
            const bool unknown = !agreed_.requested && error == ws::errc::accept_wrong;
            if (error && !unknown) return fail("http", error, begin);
        }
    }

    void take_frames(bytes& in) {
        using kind = ws::decoder::kind;
        while (const ws::decoder::event found = frames_.next(in)) {
            const std::uint64_t begin = head_end_ + frames_.frame_offset();
            switch (found.kind) {
            case kind::frame: begin_frame(frames_.header(), begin); break;
            case kind::data: take_data(found); break;
            case kind::ping: show_control(what::ping, found, begin); break;
            case kind::pong: show_control(what::pong, found, begin); break;
            case kind::close:
                show_control(what::close, found, begin);
                phase_ = phase::closed;
                return;
            case kind::error: return fail("ws", found.error, head_end_ + frames_.offset());
            case kind::need_input: break;
            }
        }
    }

    void begin_frame(const ws::frame_header& header, std::uint64_t begin) {
        decoded_ = begin + ws::header_size(header.length, header.masked) + header.length;
        if (ws::is_control(header.opcode)) return;
        if (header.opcode != ws::opcode::continuation) {
            message_begin_ = begin;
            message_frames_ = 0;
        }
        ++message_frames_;
        open_ = !header.fin;
    }

    void take_data(const ws::decoder::event& data) {
        using status = ws::assembler<growing_buffer>::status;
        bytes message;
        const status done = messages_.add(data, message);
        if (done == status::incomplete) return;
        if (done == status::no_room) std::abort(); // the buffer holds what the decoder lets pass: memory has run out
        event shown{what::message, from_, "ws", message_begin_};
        shown.payload = message;
        shown.type = data.type == ws::message_type::text ? "text" : "binary";
        shown.frames = message_frames_;
        shown.compressed = data.compressed;
        out_.show(shown);
    }

    void show_control(what kind, const ws::decoder::event& found, std::uint64_t begin) {
        event shown{kind, from_, "ws", begin};
        shown.payload = found.payload;
        shown.code = found.code;
        out_.show(shown);
    }

    void fail(std::string_view layer, sockless::error error, std::uint64_t offset) {
        phase_ = phase::failed;
        decoded_ = offset;
        event shown{what::error, from_, layer, offset};
        shown.payload = stream_;
        shown.error = error;
        out_.show(shown);
    }

    role from_;
    cbytes stream_;
    const opening& agreed_;
    printer& out_;
    http::basic_head_parser<growing_buffer> heads_;
    ws::decoder frames_;
    ws::assembler<growing_buffer> messages_;
    phase phase_ = phase::heads;
    std::uint64_t head_end_ = 0; // where the frames begin
    std::uint64_t decoded_ = 0;  // the end of the last head or frame; after an error, its place
    std::uint64_t message_begin_ = 0;
    std::uint32_t message_frames_ = 0;
    bool open_ = false; // a message is
};

// --- Arguments and files ---------------------------------------------------------------------------------------------

[[noreturn]] static void give_up(const std::string& why) {
    std::fflush(stdout);
    std::fprintf(stderr, "sockless-inspect: %s\n", why.c_str());
    std::exit(2);
}

/// How the bytes are cut: all at once, in pieces of `size`, or at random, the same for the same seed.
struct split {
    std::size_t size = SIZE_MAX;
    bool random = false;
    std::uint64_t state = 0;

    std::size_t next() {
        if (!random) return size;
        // A linear congruential generator; many small pieces and some large ones.
        state = state * 6364136223846793005U + 1442695040888963407U;
        return 1 + (state >> 32U) % (std::size_t{1} << (state >> 60U));
    }
};

static split split_of(std::string_view text) {
    constexpr std::string_view random = "random:";
    split cut;
    cut.random = text.substr(0, random.size()) == random;
    const std::string_view digits = text.substr(cut.random ? random.size() : 0);
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc{} || end != digits.data() + digits.size() || (number == 0 && !cut.random)) {
        give_up("--split takes a number of bytes, or random: and a number, not \"" + std::string(text) + '"');
    }
    (cut.random ? cut.state : cut.size) = number;
    return cut;
}

static octets read_file(const char* path) {
    octets out;
    if (std::string_view(path) == "-") return out;
    std::FILE* const file = std::fopen(path, "rb");
    if (file == nullptr) give_up(std::string(path) + " cannot be opened");
    std::byte block[65536];
    while (const std::size_t size = std::fread(block, 1, sizeof block, file))
        out.insert(out.end(), block, block + size);
    if (std::ferror(file) != 0) give_up(std::string(path) + " cannot be read");
    std::fclose(file);
    return out;
}

static void decode(role from, const octets& stream, const opening& agreed, split cut, printer& out) {
    direction decoded(from, stream, agreed, out);
    octets piece;
    for (cbytes rest = stream; !rest.empty(); rest = rest.subspan(piece.size())) {
        const std::size_t size = cut.next();
        const cbytes next = rest.first(size < rest.size() ? size : rest.size());
        piece.assign(next.begin(), next.end());
        decoded.feed(piece);
    }
    decoded.finish();
}

int main(int count, char** arguments) {
    std::vector<const char*> paths;
    split cut;
    bool json = false;
    for (int i = 1; i != count; ++i) {
        const std::string_view argument = arguments[i];
        const auto value = [&]() -> std::string_view {
            return ++i != count ? arguments[i] : (give_up(std::string(argument) + " needs a value"), "");
        };
        if (argument == "--help") {
            std::fputs(help, stdout);
            return 0;
        }
        if (argument == "--json") {
            json = true;
        } else if (argument == "--split") {
            cut = split_of(value());
        } else if (argument == "--protocol") {
            const std::string protocol(value());
            if (protocol != "websocket") give_up("--protocol " + protocol + ": only websocket can be decoded so far");
        } else if (argument.size() > 1 && argument[0] == '-') {
            give_up("there is no option " + std::string(argument) + "; see --help");
        } else {
            paths.push_back(arguments[i]);
        }
    }
    if (paths.empty() || paths.size() > 2) give_up("one or two files are needed; see --help");
    if (paths.size() == 1) paths.push_back("-");

    const octets client = read_file(paths[0]), server = read_file(paths[1]);
    const char* const no_colour = std::getenv("NO_COLOR");
    const bool colours = (no_colour == nullptr || *no_colour == '\0') && ::isatty(STDOUT_FILENO) == 1;
    printer out(json, colours, client.size() > server.size() ? client.size() : server.size());
    const opening agreed = read_opening(client, server);
    for (const role from : {role::client, role::server}) {
        const bool one = from == role::client;
        if (std::string_view(paths[one ? 0 : 1]) != "-") decode(from, one ? client : server, agreed, cut, out);
    }
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) give_up("the output cannot be written");
    return out.errors() ? 1 : 0;
}
