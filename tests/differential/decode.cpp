// Says which events the library finds in bytes, for tests/differential/run: a line of standard input is a case, and the
// answer is lines of text, the last of which is a dot.
// SPDX-License-Identifier: MIT
//
//   ws server|client MESSAGE FRAME FRAMES plain|takeover|no_takeover BITS SEED HEX    (the role is that of the reader)
//   stomp 1.0|1.1|1.2|unknown|negotiated LINE HEADERS HEAD BODY SEED HEX
//   head request|response|request_lf|response_lf START_LINE FIELD_LINE FIELDS HEAD EMPTY_LINES SEED HEX
//
// The words in capitals are limits, the bits of the window, the seed of the cuts, and the bytes in hexadecimal, `-` for
// none. `negotiated`: the first frame is read before the version is known, the others in 1.2. Each case is read whole,
// in pieces cut at random and, unless it is long, byte by byte. If these do not all give the same events (rule F12),
// the answer begins with the line `differs`.

#include <sockless/http/head_parser.hpp>
#include <sockless/stomp/parser.hpp>
#include <sockless/ws/deflate/zlib.hpp>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "../support/split.hpp"

namespace {

using namespace sockless;
using test::buffer;
using test::to_hex;
using words = std::vector<std::string>;

// --- one case --------------------------------------------------------------------------------------------------------

std::uint64_t number(const std::string& word) { return std::strtoull(word.c_str(), nullptr, 10); }

std::string hex(cbytes data) { return data.empty() ? "-" : to_hex(data); }
std::string hex(std::string_view text) { return hex(bytes_of(text)); }

/// The cuts of one case: whole, twice at random, and, unless it is long, byte by byte.
std::vector<test::cuts> cuts_of(std::size_t size, std::uint64_t seed) {
    std::vector<test::cuts> all{{size}, test::random_cuts(size, seed), test::random_cuts(size, seed + 1)};
    if (size <= 4096) {
        all.emplace_back();
        for (std::size_t i = 1; i <= size; ++i) all.back().push_back(i);
    }
    return all;
}

/// The events that `read(cuts, turn)` finds, which must be the same for all cuts.
template <class Read>
std::string same_for_all_cuts(cbytes input, std::uint64_t seed, Read read) {
    const auto all = cuts_of(input.size(), seed);
    std::string first;
    for (std::size_t turn = 0; turn != all.size(); ++turn) {
        std::string found = read(all[turn], turn);
        if (turn == 0) {
            first = static_cast<std::string&&>(found);
        } else if (found != first) {
            return "differs\n" + found + "-- if read as a whole:\n" + first;
        }
    }
    return first;
}

// --- WebSocket -------------------------------------------------------------------------------------------------------

/// Events in lines that do not depend on the cuts. Pieces of a message are joined.
class websocket_log {
  public:
    template <class Peer>
    void read(Peer& peer, cbytes input, const test::cuts& at, test::guarded_memory& memory) {
        test::feed_cut(input, at, memory, [&](bytes piece) {
            while (const ws::event found = peer.next(piece)) take(peer, found);
            if (!piece.empty()) lines_ += "input is left\n";
        });
        if (peer.state() == ws::state::open) take(peer, peer.finish());
    }

    [[nodiscard]] std::string text() const { return lines_ + "sent " + hex(sent_) + '\n'; }

    /// The bytes of a message that did not end, if it was shown in pieces.
    [[nodiscard]] std::string partial() const {
        return is_open_ ? "partial " + name_of(type_) + ' ' + hex(payload_) + '\n' : std::string();
    }

  private:
    static std::string name_of(ws::message_type type) { return type == ws::message_type::text ? "text" : "binary"; }

    template <class Peer>
    void take(Peer& peer, const ws::event& found) {
        switch (found.kind) {
        case ws::kind::message:
        case ws::kind::piece:
            if (found.first) payload_.clear();
            payload_.insert(payload_.end(), found.payload.begin(), found.payload.end());
            type_ = found.type;
            is_open_ = !found.last;
            if (found.last) lines_ += name_of(type_) + ' ' + hex(payload_) + '\n';
            break;
        case ws::kind::ping: lines_ += "ping " + hex(found.payload) + '\n'; break;
        case ws::kind::pong: lines_ += "pong " + hex(found.payload) + '\n'; break;
        case ws::kind::closed:
            lines_ += "closed " + std::to_string(found.code) + (found.clean ? " clean " : " unclean ");
            lines_ += std::string(found.error.name()) + ' ' + std::to_string(found.error.close_code()) + ' ' +
                      hex(found.payload) + ' ' + std::to_string(peer.frame_offset()) + '\n';
            break;
        default: lines_ += "another event\n"; break;
        }
        while (!peer.output().empty()) {
            const cbytes output = peer.output();
            sent_.insert(sent_.end(), output.begin(), output.end());
            peer.sent(output.size());
        }
    }

    std::string lines_{};
    buffer sent_{};
    buffer payload_{};
    ws::message_type type_ = ws::message_type::text;
    bool is_open_ = false;
};

template <class Compression>
Compression compression_of(role own, const words& all) {
    if constexpr (Compression::available) {
        Compression with;
        const bool forgets = all[5] == "no_takeover";
        const auto bits = static_cast<std::uint8_t>(number(all[6]));
        with.agree(own, {.agreed = true,
                         .parameters = {.server_no_context_takeover = forgets,
                                        .client_no_context_takeover = forgets,
                                        .server_max_window_bits = bits,
                                        .client_max_window_bits = bits}});
        return with;
    } else {
        return {};
    }
}

template <class Compression>
std::string read_websocket(const words& all, cbytes input) {
    ws::options options{.limits = {.message = number(all[2]),
                                   .frame = number(all[3]),
                                   .frames = static_cast<std::uint32_t>(number(all[4]))}};
    test::guarded_memory memory(input.size());
    std::string partial;
    const auto read = [&](const test::cuts& at, std::size_t turn) {
        // By turns as whole messages and in pieces. A message that does not end is seen in pieces only.
        options.whole_messages = turn % 2 == 0;
        websocket_log log;
        if (all[1] == "server") {
            ws::basic_server<growing_buffer, Compression> peer(ws::already_open{}, options,
                                                               compression_of<Compression>(role::server, all));
            log.read(peer, input, at, memory);
        } else {
            ws::basic_client<growing_buffer, Compression> peer(ws::already_open{},
                                                               ws::entropy(ws::entropy::seed{std::byte{1}}), options,
                                                               compression_of<Compression>(role::client, all));
            log.read(peer, input, at, memory);
        }
        if (turn == 1) partial = log.partial();
        return log.text() + (turn == 3 && log.partial() != partial ? log.partial() : std::string());
    };
    return same_for_all_cuts(input, number(all[7]), read) + partial;
}

// --- STOMP -----------------------------------------------------------------------------------------------------------

stomp::version version_of(const std::string& name) {
    return name == "1.0"   ? stomp::version::v1_0
           : name == "1.1" ? stomp::version::v1_1
           : name == "1.2" ? stomp::version::v1_2
                           : stomp::version::unknown;
}

std::string read_stomp(const words& all, cbytes input) {
    const stomp::limits limits{.line = static_cast<std::uint32_t>(number(all[2])),
                               .headers = static_cast<std::uint32_t>(number(all[3])),
                               .head = static_cast<std::uint32_t>(number(all[4])),
                               .body = number(all[5])};
    test::guarded_memory memory(input.size());
    return same_for_all_cuts(input, number(all[6]), [&](const test::cuts& at, std::size_t) {
        std::vector<char> room(limits.head);
        stomp::parser parser(span_buffer<char>(room), limits);
        parser.set_version(version_of(all[1]));
        std::string lines;
        buffer body;
        bool is_open = false;
        test::feed_cut(input, at, memory, [&](bytes piece) {
            while (const stomp::parser_event found = parser.next(piece)) {
                switch (found.kind) {
                case stomp::parser_kind::head:
                    lines += "frame " + std::string(text_of(found.command));
                    for (const auto& [name, value] : found.headers) lines += ' ' + hex(name) + ':' + hex(value);
                    lines += '\n';
                    is_open = true;
                    break;
                case stomp::parser_kind::body:
                    if (found.first) body.clear();
                    body.insert(body.end(), found.payload.begin(), found.payload.end());
                    if (!found.last) break;
                    is_open = false;
                    lines += "body " + hex(body) + '\n';
                    body.clear();
                    if (all[1] == "negotiated") parser.set_version(stomp::version::v1_2);
                    break;
                case stomp::parser_kind::heart_beat: lines += "heart_beat\n"; break;
                case stomp::parser_kind::error:
                    if (is_open) lines += "partial " + hex(body) + '\n';
                    lines +=
                        "error " + std::string(row_of(found.error).name) + ' ' + std::to_string(parser.offset()) + '\n';
                    break;
                case stomp::parser_kind::need_input: break;
                }
            }
            if (!piece.empty() && parser.error() == stomp::errc::none) lines += "input is left\n";
        });
        if (parser.error() == stomp::errc::none && parser.finish() != stomp::errc::none) {
            if (is_open) lines += "partial " + hex(body) + '\n';
            lines += "error truncated " + std::to_string(input.size()) + '\n';
        }
        return lines;
    });
}

// --- HTTP ------------------------------------------------------------------------------------------------------------

std::string read_head(const words& all, cbytes input) {
    const http::limits limits{.start_line = static_cast<std::uint32_t>(number(all[2])),
                              .field_line = static_cast<std::uint32_t>(number(all[3])),
                              .fields = static_cast<std::uint32_t>(number(all[4])),
                              .head = static_cast<std::uint32_t>(number(all[5])),
                              .empty_lines = static_cast<std::uint32_t>(number(all[6]))};
    const bool is_request = all[1].starts_with("request");
    const bool takes_bare_lf = all[1].ends_with("_lf");
    test::guarded_memory memory(input.size());
    return same_for_all_cuts(input, number(all[7]), [&](const test::cuts& at, std::size_t) {
        std::vector<char> room(limits.head);
        http::head_parser parser(is_request ? http::message_kind::request : http::message_kind::response,
                                 span_buffer<char>(room), limits);
        if (takes_bare_lf) parser.take_bare_lf();
        std::string lines;
        test::feed_cut(input, at, memory, [&](bytes piece) {
            const http::head_event found = parser.next(piece);
            if (found.kind == http::head_kind::error) {
                lines +=
                    "error " + std::string(row_of(found.error).name) + ' ' + std::to_string(parser.offset()) + '\n';
            } else if (found.kind == http::head_kind::head) {
                const http::head& head = found.head;
                lines += is_request ? "request " + hex(head.method) + ' ' + hex(head.target)
                                    : "response " + std::to_string(head.status) + ' ' + hex(head.reason);
                lines += ' ' + std::to_string(head.minor_version) + (head.bare_lf ? " bare_lf" : "");
                for (const auto& [name, value] : head.fields) lines += ' ' + hex(name) + ':' + hex(value);
                lines += "\nends " + std::to_string(parser.offset()) + '\n';
            }
        });
        if (parser.error() == http::errc::none && parser.finish() != http::errc::none) {
            lines += "error truncated " + std::to_string(parser.offset()) + '\n';
        }
        return lines;
    });
}

} // namespace

int main() {
    std::string line;
    while (std::getline(std::cin, line)) {
        std::istringstream stream(line);
        words all;
        for (std::string word; stream >> word;) all.push_back(static_cast<std::string&&>(word));
        if (all.size() < 8) return EXIT_FAILURE;
        const buffer input = all.back() == "-" ? buffer() : test::from_hex(all.back());
        const std::string found = all[0] == "stomp"   ? read_stomp(all, input)
                                  : all[0] == "head"  ? read_head(all, input)
                                  : all[5] == "plain" ? read_websocket<ws::no_compression>(all, input)
                                                      : read_websocket<ws::zlib_compression>(all, input);
        std::cout << found << ".\n" << std::flush;
    }
}
