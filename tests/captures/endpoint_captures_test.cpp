#include <sockless/ws/deflate/zlib.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <utility>

#include "inflating_decoder.hpp"

// Endpoints in the place of real clients and servers: they come to the same terms of compression as the real ones did,
// and hear what their peers said. README.md in this folder says what the captures are.

using namespace sockless;
using namespace sockless::test;

namespace {

// --- what is heard

// A message, a control frame, or an error.
struct heard {
    std::string what{};
    buffer payload{};
};

std::string line_of(const heard& one) {
    return one.what.rfind("error", 0) == 0 ? one.what : one.what + " " + payload_line(one.payload);
}

std::string type_of(const ws::event& event) {
    return std::string(event.type == ws::message_type::text ? "text" : "binary") +
           (event.compressed ? " compressed" : "");
}

// Takes the events of an endpoint, pieces of a message as one, and writes them down, or compares them with what was
// written down. A message that does not end is left out. Copies nothing where it compares.
class listener {
  public:
    listener(std::vector<heard>& known, bool learn) : known_(known), learn_(learn) {}

    void take(const ws::event& event) {
        switch (event.kind) {
        case ws::kind::message: return take_whole(type_of(event), event.payload);
        case ws::kind::piece: return take_piece(event);
        case ws::kind::ping: return take_whole("ping", event.payload);
        case ws::kind::pong: return take_whole("pong", event.payload);
        case ws::kind::closed:
            if (!event.error) return take_whole("close " + std::to_string(event.code), event.payload);
            return take_whole(
                "error " + std::string(event.error.name()) + " " + std::to_string(event.error.close_code()), {});
        default: right_ = false;
        }
    }

    // Whether all was the same.
    [[nodiscard]] bool finish() const { return right_ && (learn_ || next_ == known_.size()); }

  private:
    void take_whole(const std::string& what, cbytes payload) {
        if (learn_) known_.push_back({what, {payload.begin(), payload.end()}});
        right_ = right_ && next_ != known_.size() && known_[next_].what == what && holds(known_[next_], 0, payload) &&
                 known_[next_].payload.size() == payload.size();
        ++next_;
    }

    // A control frame may come between, so a piece is of the next message.
    void take_piece(const ws::event& event) {
        if (event.first) taken_ = 0;
        std::size_t of = next_;
        while (of < known_.size() && known_[of].what != type_of(event)) ++of;
        if (of == known_.size()) {
            right_ = right_ && !event.last; // one that does not end
            return;
        }
        right_ = right_ && holds(known_[of], taken_, event.payload);
        taken_ += event.payload.size();
        if (!event.last) return;
        right_ = right_ && of == next_ && taken_ == known_[of].payload.size();
        ++next_;
    }

    static bool holds(const heard& one, std::size_t at, cbytes payload) {
        return at <= one.payload.size() && payload.size() <= one.payload.size() - at &&
               (payload.empty() || std::memcmp(one.payload.data() + at, payload.data(), payload.size()) == 0);
    }

    std::vector<heard>& known_;
    bool learn_;
    bool right_ = true;
    std::size_t next_ = 0;
    std::size_t taken_ = 0; // of the open message
};

// What an endpoint can say of the lines of a transcript: not how large a message is on the wire, nor where an error is.
std::vector<std::string> expected_lines(const direction& side) {
    std::vector<std::string> lines;
    for (const std::string& line : side.events) {
        std::istringstream rest(line);
        std::vector<std::string> words(std::istream_iterator<std::string>(rest), {});
        if (words[1] == "unfinished") continue;
        if (words[1] == "compressed") words.erase(words.begin() + 2);
        if (words[0] == "error") words.pop_back();
        lines.push_back(words[0]);
        for (std::size_t i = 1; i != words.size(); ++i) lines.back() += " " + words[i];
    }
    return lines;
}

std::vector<std::string> lines_of(const std::vector<heard>& log) {
    std::vector<std::string> lines;
    for (const heard& one : log) lines.push_back(line_of(one));
    return lines;
}

// --- endpoints

// How an endpoint listens once.
struct manner {
    bool learn = false;
    bool whole_messages = true;
    ws::zlib_pool* pool = nullptr;
};

using memory_buffer = span_buffer<std::byte>;
using compressing_server = ws::basic_server<memory_buffer, ws::zlib_compression>;
using compressing_client = ws::basic_client<memory_buffer, ws::zlib_compression>;

// Memory for the largest message, used by one endpoint after the other: with the sanitizers the heap would take most of
// the time.
memory_buffer input_memory() {
    static buffer memory(2 * 1024 * 1024);
    return memory_buffer(memory);
}
memory_buffer output_memory() {
    static buffer memory(64 * 1024);
    return memory_buffer(memory);
}

// What was agreed to, with windows of 15 bits that are said, as they are where nothing is.
ws::deflate_parameters plainly(ws::deflate_parameters with) {
    with.server_max_window_bits = ws::detail::window_of(with.server_max_window_bits);
    with.client_max_window_bits = ws::detail::window_of(with.client_max_window_bits);
    return with;
}

// Feeds one side of a capture to an endpoint; `begin` handles the event before the first message. Whether it says what
// is known.
template <class Endpoint, class Begin>
bool listen(Endpoint& endpoint, const direction& side, const cuts& at, guarded_memory& memory,
            std::vector<heard>& known, bool learn, Begin begin) {
    listener log(known, learn);
    bool begun = false;
    feed_cut(side.wire, at, memory, [&](bytes piece) {
        while (const ws::event event = endpoint.next(piece)) {
            if (std::exchange(begun, true)) {
                log.take(event);
            } else {
                begin(event);
            }
            endpoint.sent(endpoint.output().size());
        }
    });
    if (const ws::event event = endpoint.finish()) log.take(event);
    return log.finish();
}

// What our server hears of the real client, when it wants what the real server wanted.
bool listen_to_client(const capture& of, const cuts& at, guarded_memory& memory, std::vector<heard>& known,
                      manner how) {
    const ws::deflate_agreement terms = terms_of(of);
    compressing_server server(input_memory(), output_memory(), {.whole_messages = how.whole_messages},
                              ws::zlib_compression({.wanted = terms.parameters}, how.pool));
    return listen(server, of.c2s, at, memory, known, how.learn, [&](const ws::event& event) {
        REQUIRE(event.kind == ws::kind::request);
        ws::deflate_parameters expected = terms.parameters;
        // Our server takes the client at its word where it says that it will not take over.
        if (terms.agreed && offer_in(server.head().fields).client_no_context_takeover) {
            expected.client_no_context_takeover = true;
        }
        CHECK(server.accept({.subprotocol = of.subprotocol, .compression = of.compressed()}).name() == "none");
        CHECK(server.compression().agreement().agreed == terms.agreed);
        CHECK(plainly(server.compression().agreement().parameters) == plainly(expected));
    });
}

// The 16 bytes of a key.
std::array<std::byte, 16> nonce_of(std::string_view key) {
    std::array<std::byte, 18> out{};
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i != key.size(); ++i) {
        const std::size_t value = detail::base64_alphabet.find(key[i]);
        bits = bits << 6U | (value == std::string_view::npos ? 0 : static_cast<std::uint32_t>(value));
        if (i % 4 != 3) continue;
        for (std::size_t k = 0; k != 3; ++k) out[i / 4 * 3 + k] = static_cast<std::byte>(bits >> (16 - 8 * k));
    }
    std::array<std::byte, 16> nonce{};
    std::copy_n(out.begin(), nonce.size(), nonce.begin());
    return nonce;
}

// What our client hears of the real server, when it asks for what the real client asked for, with the same key.
bool listen_to_server(const capture& of, const cuts& at, guarded_memory& memory, std::vector<heard>& known,
                      manner how) {
    buffer c2s = of.c2s.wire;
    const http::head asked = head_in(c2s, http::message_kind::request);
    std::array<std::byte, 16> nonce = nonce_of(http::first(asked.fields, "Sec-WebSocket-Key"));
    const auto key = [](void* context, bytes out) {
        std::copy_n(static_cast<std::byte*>(context), out.size(), out.begin());
        return true;
    };
    compressing_client client(ws::entropy(key, nonce.data()), input_memory(), output_memory(),
                              {.whole_messages = how.whole_messages},
                              ws::zlib_compression({.wanted = offer_in(asked.fields)}, how.pool));
    std::vector<std::string_view> subprotocols;
    for (const std::string_view each : http::list_elements(http::first(asked.fields, "Sec-WebSocket-Protocol"))) {
        subprotocols.push_back(each);
    }
    CHECK(client
              .request({.host = http::first(asked.fields, "Host"),
                        .target = asked.target,
                        .subprotocols = subprotocols,
                        .compression = ws::offers_extension(asked.fields, ws::deflate_name)})
              .name() == "none");
    client.sent(client.output().size());
    return listen(client, of.s2c, at, memory, known, how.learn, [&](const ws::event& event) {
        REQUIRE(event.kind == ws::kind::open);
        CHECK(client.subprotocol() == of.subprotocol);
        const ws::deflate_agreement terms = terms_of(of);
        CHECK(client.compression().agreement().agreed == terms.agreed);
        CHECK(client.compression().agreement().parameters == terms.parameters);
    });
}

bool listen_to(const capture& of, const direction& side, const cuts& at, guarded_memory& memory,
               std::vector<heard>& known, manner how) {
    return &side == &of.c2s ? listen_to_client(of, at, memory, known, how)
                            : listen_to_server(of, at, memory, known, how);
}

// Calls `check(capture, side, memory)` for both sides of every capture that was opened.
template <class Check>
void for_each_side(Check check) {
    for (const capture& of : websocket_captures()) {
        for (const direction* const side : {&of.c2s, &of.s2c}) {
            if (!side->opened) continue;
            INFO((of.name + (side == &of.c2s ? ", client" : ", server")));
            guarded_memory memory(side->wire.size());
            check(of, *side, memory);
        }
    }
}

// Tornado's client refers to earlier messages, though the server told it not to (D8).
constexpr std::string_view takes_over = "tornado-node.ws-pmd-cnct";

} // namespace

TEST_CASE("D1 D2 D3 D4: every client's offer is accepted, and every server's answer fits what it was offered") {
    std::size_t offers = 0, responses = 0;
    for (const capture& of : websocket_captures()) {
        INFO(of.name);
        buffer c2s = of.c2s.wire;
        buffer s2c = of.s2c.wire;
        const http::head request = head_in(c2s, http::message_kind::request);
        const http::head response = head_in(s2c, http::message_kind::response);
        CHECK(terms_of(of).error == ws::errc::none);
        CHECK(terms_of(of).agreed == of.compressed());
        if (!ws::offers_extension(request.fields, ws::deflate_name)) continue;
        ++offers;
        const std::string_view offered = http::first(request.fields, "Sec-WebSocket-Extensions");

        const ws::deflate_agreement ours = ws::choose_deflate(request.fields, {});
        CHECK(ours.agreed);
        char text[ws::max_deflate_text];
        const field answer[] = {
            {"Sec-WebSocket-Extensions", ws::write_deflate_response(text, ours.parameters)},
        };
        CHECK(ws::check_deflate(answer, offered).error == ws::errc::none);

        if (!of.compressed()) continue;
        ++responses;
        const ws::deflate_agreement theirs = ws::check_deflate(response.fields, offered);
        CHECK(theirs.error == ws::errc::none);
        CHECK(theirs.parameters == terms_of(of).parameters);
    }
    CHECK(offers >= 137);
    CHECK(responses >= 121);
}

TEST_CASE("D1 D2 D3 D4 D7 D8 D9: endpoints agree to the same, and hear what every capture's transcript says, at 200 "
          "random splits where it is compressed") {
    for_each_side([](const capture& of, const direction& side, guarded_memory& memory) {
        std::vector<heard> known;
        CHECK(listen_to(of, side, {side.wire.size()}, memory, known, {.learn = true}));
        CHECK(lines_of(known) == expected_lines(side));
        for (const bool whole_messages : {true, false}) {
            CHECK(listen_to(of, side, real_cuts(side), memory, known, {.whole_messages = whole_messages}));
        }
        const std::uint64_t rounds = of.compressed() ? 200 : 4;
        for (std::uint64_t round = 0; round != rounds; ++round) {
            const cuts at = random_cuts(side.wire.size(), round);
            const manner how{.whole_messages = round % 2 == 0};
            CHECK_MESSAGE(listen_to(of, side, at, memory, known, how), ("round " + std::to_string(round)));
        }
    });
}

TEST_CASE("D8: where nothing is taken over a shared window will do, but for the peer that takes over all the same") {
    ws::zlib_pool pool;
    std::size_t sides = 0;
    for_each_side([&](const capture& of, const direction& side, guarded_memory& memory) {
        const ws::deflate_parameters terms = terms_of(of).parameters;
        if (!(&side == &of.c2s ? terms.client_no_context_takeover : terms.server_no_context_takeover)) return;
        ++sides;
        std::vector<heard> known;
        CHECK(listen_to(of, side, {side.wire.size()}, memory, known, {.learn = true, .pool = &pool}));
        if (of.name == takes_over && &side == &of.c2s) {
            CHECK(lines_of(known).back() == "error deflate_corrupt 1007");
        } else {
            CHECK(lines_of(known) == expected_lines(side));
        }
        for (std::uint64_t round = 0; round != 20; ++round) {
            const cuts at = random_cuts(side.wire.size(), round);
            CHECK(listen_to(of, side, at, memory, known, {.whole_messages = round % 2 == 0, .pool = &pool}));
        }
    });
    CHECK(sides >= 20);
}
