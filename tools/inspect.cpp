// sockless-inspect: decodes captured WebSocket and STOMP bytes and says what they mean. Also an example of the codecs.
// SPDX-License-Identifier: MIT
#include <sockless/http/head_parser.hpp>
#include <sockless/stomp/parser.hpp>
#include <sockless/ws/opening.hpp>

#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "inspect_inflater.hpp"
#include "inspect_limits.hpp"
#include "inspect_printer.hpp"
#include "inspect_stomp.hpp"

using namespace sockless;
using namespace sockless::inspect;

static constexpr char help[] =
    R"(usage: sockless-inspect [OPTION…] CLIENT_BYTES [SERVER_BYTES]

Decodes all that the client and the server of one connection sent: of WebSocket each from the first byte of its HTTP
head, of STOMP over TCP from the first frame. The arguments are files; "-" stands for none. The client's bytes come
first, decoded as a server would, then the server's, decoded as a client would.

  --protocol P   what the connection speaks: websocket, if it is not given, or stomp, which is STOMP over TCP
  --version V    read all STOMP frames as of 1.0, 1.1 or 1.2
  --limits L     how much is read: none, if it is not given, which is as much as there is memory for, or default, which
                 is as much as the library reads if a program sets no limits; more is then an error
  --split S      feed the decoders in pieces of N bytes, or of random sizes: N or random:SEED; the output does not
                 depend on it
  --json         one object a line: request, response, message, ping, pong, close and error events, of STOMP frame,
                 heartbeat and error events, then an end

If there is a request, a 101 is checked against it. The 101 sets the terms of permessage-deflate; if there is no
response, the terms are those of the first offer that can be accepted. A compressed message is shown inflated, and
"bytes" is then its inflated size. Interim responses are events too. Bytes after a Close, an error or a refusal are
discarded; the body of a refusal is shown all the same, but not with --json.

If the subprotocol is one of STOMP (without a response: if one is offered), each message is followed by the STOMP frames
that end in it, and by its heart-beats. After an error of STOMP only the WebSocket is decoded further. Headers are shown
unescaped, as the version of the CONNECTED frame demands; if there is no such frame, they are not unescaped.

"offset" is a place in the bytes that this side sent: of a head, of the first frame of a message, of a control frame, of
the byte that broke a rule. An error of a head as a whole has the offset of the head. An error of the content of a
compressed message, once all of it is there, has the offset of its first frame. For STOMP over WebSocket the offset
counts the bytes of all messages, one after the other. "code" is the Close code that answers an error, "status" the HTTP
status; 0 if there is none. "clean" is false if the bytes end inside a head or a frame, or after an error.

Exit status: 0 if all was decoded, 1 if there was an error event, 2 if an argument or a file is at fault, or if memory
has run out.
)";

// --- The facts that each side needs from the head of the other -------------------------------------------------------

struct opening {
    bool requested = false;                           // there is a request, with the three below
    std::string key;                                  //
    std::string subprotocols;                         // that were offered
    std::string extensions;                           //
    bool refused = false;                             // there is a final response, and it is no 101
    ws::deflate_agreement compression;                // agreed to; or offered, if there is no response
    bool stomp = false;                               // the same of a subprotocol that is STOMP
    stomp::version version = stomp::version::unknown; // of STOMP, agreed to
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

/// In STOMP over TCP, and in the frames of a WebSocket.
static stomp::version version_in(octets stream, const limits& most) {
    version_finder finder(most.stomp);
    finder.feed(stream);
    return finder.version;
}

static stomp::version version_in(bytes frames, const ws::deflate_agreement& compression, const limits& most) {
    ws::decoder decoder(role::client, most.ws);
    decoder.agree_to(compression.agreed ? ws::rsv::rsv1 : std::uint8_t{0});
    message_reader messages(most.ws.message);
    version_finder finder(most.stomp);
    while (const ws::decoder::event event = decoder.next(frames)) {
        if (event.kind != ws::decoder::kind::data || !messages.add(event)) continue;
        if (messages.error() != ws::errc::none) break;
        finder.feed(messages.message());
    }
    return finder.version;
}

static opening read_opening(octets client, octets server, const limits& most) {
    // The parsers need no memory, as the heads lie in their input as a whole.
    http::head_parser requests(http::message_kind::request, {}, most.http);
    http::head_parser responses(http::message_kind::response, {}, most.http);
    opening found;
    bytes in = client;
    const http::head_event request = requests.next(in);
    found.requested = request.kind == http::head_kind::head;
    if (found.requested) {
        found.key = ws::check_request(request.head).key;
        found.subprotocols = list_of(request.head, "sec-websocket-protocol");
        found.extensions = list_of(request.head, "sec-websocket-extensions");
        found.compression = terms_offered(request.head.fields);
        for (const std::string_view each : stomp::subprotocols) {
            found.stomp = found.stomp || ws::offers_subprotocol(request.head.fields, each);
        }
    }
    in = server;
    for (http::head_event response; (response = responses.next(in)).kind == http::head_kind::head;
         responses.restart()) {
        if (is_interim(response.head)) continue;
        found.refused = response.head.status != 101;
        found.compression = terms_answered(response.head.fields, found.requested ? &request.head.fields : nullptr);
        found.stomp = stomp::is_stomp(list_of(response.head, "sec-websocket-protocol"));
        if (found.stomp) found.version = version_in(in, found.compression, most);
        break;
    }
    return found;
}

// --- WebSocket -------------------------------------------------------------------------------------------------------

/// Decodes what one side sent: `feed` it in pieces, then `finish`.
class websocket_direction {
  public:
    websocket_direction(role from, cbytes stream, const opening& agreed, stomp_version version, const limits& most,
                        printer& out)
        : from_(from),
          stream_(stream),
          agreed_(agreed),
          out_(out),
          heads_(from == role::client ? http::message_kind::request : http::message_kind::response,
                 growing_buffer(most.http.head), most.http),
          frames_(from == role::client ? role::server : role::client, most.ws),
          messages_(most.ws.message),
          stomp_(from, version, most.stomp, out) {
        frames_.agree_to(agreed.compression.agreed ? ws::rsv::rsv1 : std::uint8_t{0});
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
        const bool in_stomp = stomp_.finish();
        event end{what::end, from_, "end", stream_.size()};
        end.clean = !in_head && !in_frame && !in_stomp && phase_ != phase::failed && !stomp_.failed();
        switch (phase_) {
        case phase::heads: end.remark = in_head ? "inside a head" : "before a head"; break;
        case phase::frames: end.remark = in_frame ? "inside a frame" : open_ ? "between fragments" : "no Close"; break;
        case phase::closed: end.remark = "after a Close"; break;
        case phase::refused: end.remark = "the handshake was refused"; break;
        case phase::failed: end.remark = "an error came before"; break;
        }
        if (phase_ >= phase::closed && decoded_ != stream_.size()) {
            end.remark += discarded(stream_.size() - decoded_);
        }
        if (in_stomp) end.remark += ", inside a frame of STOMP";
        if (stomp_.failed()) end.remark += ", after an error of STOMP";
        out_.show(end);
    }

  private:
    enum class phase { heads, frames, closed, refused, failed };

    void take_heads(bytes& in) {
        while (const http::head_event found = heads_.next(in)) {
            if (found.kind == http::head_kind::error) return fail("http", found.error, heads_.offset());
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
            if (agreed_.compression.error != ws::errc::none) return fail("http", agreed_.compression.error, begin);
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
                break;
            case kind::error: fail("ws", found.error, head_end_ + frames_.offset()); break;
            case kind::need_input: break;
            }
            if (phase_ != phase::frames) return;
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
        if (!messages_.add(data)) return;
        if (messages_.error() != ws::errc::none) return fail("ws", messages_.error(), message_begin_);
        event shown{what::message, from_, "ws", message_begin_};
        shown.payload = messages_.message();
        shown.type = data.type == ws::message_type::text ? "text" : "binary";
        shown.frames = message_frames_;
        shown.compressed = data.compressed;
        shown.sent = messages_.sent();
        out_.show(shown);
        if (agreed_.stomp) take_stomp(messages_.message());
    }

    // Message boundaries mean nothing to STOMP (W3).
    void take_stomp(bytes message) {
        stomp_stream_.insert(stomp_stream_.end(), message.begin(), message.end());
        stomp_.feed(message, stomp_stream_);
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
    message_reader messages_;
    stomp_reader stomp_;
    octets stomp_stream_{}; // what was in the messages
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
        return 1 + static_cast<std::size_t>(state >> 32U) % (std::size_t{1} << (state >> 60U));
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
    if (cut.random) {
        cut.state = number;
    } else if (number < SIZE_MAX) {
        cut.size = static_cast<std::size_t>(number);
    }
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

/// Feeds all of `stream`, cut so.
static void decode(auto decoded, cbytes stream, split cut) {
    octets piece;
    for (cbytes rest = stream; !rest.empty(); rest = rest.subspan(piece.size())) {
        const std::size_t size = cut.next();
        const cbytes next = rest.first(size < rest.size() ? size : rest.size());
        piece.assign(next.begin(), next.end());
        decoded.feed(piece);
    }
    decoded.finish();
}

struct command_line {
    std::vector<const char*> paths; // of the client's bytes and of the server's; "-" if there are none
    split cut;
    stomp_version version;
    limits most = no_limits;
    bool stomp = false;
    bool json = false;
};

static command_line read_command_line(int count, char** arguments) {
    command_line out;
    for (int i = 1; i != count; ++i) {
        const std::string_view argument = arguments[i];
        const auto value = [&]() -> std::string {
            return ++i != count ? arguments[i] : (give_up(std::string(argument) + " needs a value"), "");
        };
        if (argument == "--help") {
            std::fputs(help, stdout);
            std::exit(0);
        }
        if (argument == "--json") {
            out.json = true;
        } else if (argument == "--limits") {
            const std::string name = value();
            if (name != "none" && name != "default") give_up("--limits takes none or default, not " + name);
            out.most = name == "none" ? no_limits : limits{};
        } else if (argument == "--split") {
            out.cut = split_of(value());
        } else if (argument == "--version") {
            const std::string version = value();
            out.version = {stomp::version_of(version), true};
            if (out.version.version == stomp::version::unknown) {
                give_up("--version takes a version of STOMP, 1.0, 1.1 or 1.2, not \"" + version + '"');
            }
        } else if (argument == "--protocol") {
            const std::string protocol = value();
            out.stomp = protocol == "stomp";
            if (!out.stomp && protocol != "websocket") give_up("--protocol takes websocket or stomp, not " + protocol);
        } else if (argument.size() > 1 && argument[0] == '-') {
            give_up("there is no option " + std::string(argument) + "; see --help");
        } else {
            out.paths.push_back(arguments[i]);
        }
    }
    if (out.paths.empty() || out.paths.size() > 2) give_up("one or two files are needed; see --help");
    if (out.paths.size() == 1) out.paths.push_back("-");
    return out;
}

static int inspect_files(const command_line& asked) {
    const octets client = read_file(asked.paths[0]), server = read_file(asked.paths[1]);
    const char* const no_colour = std::getenv("NO_COLOR");
    const bool colours = (no_colour == nullptr || *no_colour == '\0') && ::isatty(STDOUT_FILENO) == 1;
    printer out(asked.json, colours, client.size() > server.size() ? client.size() : server.size());

    const opening agreed = asked.stomp ? opening{} : read_opening(client, server, asked.most);
    stomp_version version = asked.version;
    if (!version.given) version.version = asked.stomp ? version_in(server, asked.most) : agreed.version;
    for (const role from : {role::client, role::server}) {
        const bool one = from == role::client;
        const octets& stream = one ? client : server;
        if (std::string_view(asked.paths[one ? 0 : 1]) == "-") continue;
        if (asked.stomp) {
            decode(stomp_direction(from, stream, version, asked.most.stomp, out), stream, asked.cut);
        } else {
            decode(websocket_direction(from, stream, agreed, version, asked.most, out), stream, asked.cut);
        }
    }
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) give_up("the output cannot be written");
    return out.errors() ? 1 : 0;
}

int main(int count, char** arguments) {
    const command_line asked = read_command_line(count, arguments);
    try {
        return inspect_files(asked);
    } catch (const std::bad_alloc&) {
        give_up("memory has run out; see --limits");
    }
}
