// An endpoint under any peer and any caller, for the targets of both roles.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless/ws/deflate/zlib.hpp>

#include "fuzz.hpp"

namespace sockless::fuzz {

/// How many bytes of settings a run takes.
inline constexpr std::size_t endpoint_settings = 33;

/// Reads what an endpoint sends behind its opening handshake, as its peer would.
class reader {
  public:
    explicit reader(role of) : decoder_(of, {.message = UINT64_MAX, .frame = UINT64_MAX, .frames = UINT32_MAX}) {}

    /// Says that compression was agreed to.
    void inflates(bool agreed) { decoder_.agree_to(agreed ? ws::rsv::rsv1 : std::uint8_t{0}); }

    void take(cbytes piece) {
        const exact_copy copy(piece);
        bytes in = copy.get();
        promise(in.empty() || !closed_, "nothing is sent after a Close");
        while (const ws::decoder::event found = decoder_.next(in)) {
            promise(found.kind != ws::decoder::kind::error, "what is sent breaks no rule");
            if (found.compressed) inflate(found);
            const std::size_t before = in.size();
            closed_ = found.kind == ws::decoder::kind::close;
            promise(!closed_ || before == 0, "a Close is the last thing sent");
        }
    }

    [[nodiscard]] bool closed() const { return closed_; }

  private:
    // A window of 15 bits that is never reset can read messages under any terms.
    void inflate(const ws::decoder::event& data) {
        if (data.first) message_.begin(data.type);
        std::byte room[100];
        for (cbytes in = data.payload;;) {
            const ws::decoder::event found = message_.next(inflater_, in, data.last, room);
            promise(found.kind != ws::decoder::kind::error, "what is sent can be inflated");
            if (!found || found.last) {
                promise(in.empty() && found.last == data.last, "a compressed message ends with its data");
                return;
            }
        }
    }

    ws::decoder decoder_;
    ws::message_inflater message_{UINT64_MAX};
    ws::zlib_inflater inflater_{};
    bool closed_ = false;
};

/// The part of a message that the caller has sent so far, which decides the result of the next send.
class sends {
  public:
    [[nodiscard]] error expected(bool open, ws::message_type type, cbytes payload, bool whole, bool last) const {
        if (!open) return ws::errc::not_open;
        if (begun_ && (whole || type != type_)) return ws::errc::message_open;
        if (type == ws::message_type::binary) return {};
        const std::string all = text_ + std::string(text_of(payload));
        bool complete = false;
        const bool valid = valid_utf8(bytes_of(std::string_view(all)), complete) == all.size() && (complete || !last);
        return valid ? error{} : error(ws::errc::payload_not_utf8);
    }

    void sent(ws::message_type type, cbytes payload, bool last) {
        begun_ = !last;
        type_ = type;
        text_ = last ? "" : text_ + std::string(text_of(payload));
    }

  private:
    bool begun_ = false;
    ws::message_type type_ = ws::message_type::text;
    std::string text_{};
};

/// One endpoint and its caller, which does what the settings say: in step with the events, so that all must be the same
/// at every split (`in_step`), or at any time.
template <class Peer>
class session {
  public:
    static constexpr bool is_server = requires(const Peer& peer) { peer.head(); };
    static constexpr role own = is_server ? role::server : role::client;

    session(Peer made, std::size_t output_limit, std::vector<unsigned> script, bool in_step, bool shows_faults)
        : peer_(static_cast<Peer&&>(made)),
          script_(static_cast<std::vector<unsigned>&&>(script)),
          reader_(is_server ? role::client : role::server),
          output_limit_(output_limit),
          in_step_(in_step),
          shows_faults_(shows_faults),
          waits_(!is_server && peer_.output().empty()) {}

    void feed(bytes piece) {
        if (!left_.empty()) {
            // Nobody took it, because a request waits for an answer.
            left_.insert(left_.end(), piece.begin(), piece.end());
            return;
        }
        for (;;) {
            const std::size_t before = piece.size();
            const ws::event event = peer_.next(piece);
            promise(piece.size() <= before, "input is taken from its front");
            if (!event) break;
            note(event);
        }
        promise(piece.empty() || waits_, "all input is used up");
        if (!piece.empty()) left_.assign(piece.begin(), piece.end());
        if (!in_step_) act();
    }

    void finish() {
        note(peer_.finish());
        drain(SIZE_MAX);
        promise(closed_ || rejected_, "after the end of the input all is over");
        promise(peer_.done(), "and there is nothing left to do");
        promise(!owes_close_ || reader_.closed(), "who failed has said so");
    }

    void drain(std::size_t most) {
        while (most != 0 && !peer_.output().empty()) {
            const cbytes all = peer_.output();
            promise(all.size() <= output_limit_, "output is bounded");
            const cbytes some = all.first(all.size() < most ? all.size() : most);
            sent_.append(text_of(some));
            read_sent();
            most -= some.size();
            peer_.sent(some.size());
        }
    }

    [[nodiscard]] const std::string& log() const { return log_; }
    [[nodiscard]] const std::string& sent() const { return sent_; }

  private:
    void line(std::string_view text) { log_.append(text).append("\x1E"); }
    void line(std::uint64_t number) { line(std::to_string(number)); }

    void note(const ws::event& event) {
        if (!event) return;
        promise(!closed_, "nothing follows the end");
        const bool in_pieces = event.kind == ws::kind::piece || event.kind == ws::kind::body;
        const bool goes_on = in_pieces && open_ && !event.first;
        if (!goes_on) {
            line(static_cast<unsigned>(event.kind));
            line(static_cast<unsigned>(event.type));
            line(event.compressed ? "compressed" : "");
        } else {
            log_.pop_back(); // the end of the line that goes on
        }
        line(text_of(event.payload));
        if (!in_pieces || event.last) line(event.last ? "last" : "");
        open_ = in_pieces && !event.last;
        check(event);
        if (!in_pieces || !in_step_) act(&event);
        was_open_ = was_open_ || peer_.is_open();
    }

    void check(const ws::event& event) {
        switch (event.kind) {
        case ws::kind::request:
        case ws::kind::http_request:
            waits_ = true;
            if constexpr (is_server) {
                line(peer_.head().target);
                line(peer_.request().host);
                line(event.error.name());
                const ws::opening_request& asked = peer_.request();
                check_faults(event.error, asked.faults);
                promise(event.kind != ws::kind::request || asked.error == event.error, "the error is the request's");
                promise(!peer_.head().bare_lf || asked.faults.has(http::errc::bare_lf), "bare line feeds are a fault");
            }
            break;
        case ws::kind::open:
        case ws::kind::refused:
            if constexpr (!is_server) {
                waits_ = static_cast<bool>(event.error);
                line(event.error.name());
                check_faults(event.error, peer_.faults());
                promise(peer_.is_open() == (event.kind == ws::kind::open && !event.error), "a right 101 opens");
                line(peer_.subprotocol());
                line(peer_.response().status);
                for (const field& each : peer_.response().fields) line(each.value);
            }
            break;
        case ws::kind::frame:
            line(peer_.frame_offset());
            line(peer_.frame().length);
            break;
        case ws::kind::message:
            promise(event.type != ws::message_type::text || is_legal_utf8(event.payload), "a text message is UTF-8");
            break;
        case ws::kind::closed:
            closed_ = true;
            line(event.code);
            line(event.clean ? "clean" : "unclean");
            line(event.error.name());
            promise(!event.clean || !event.error, "what is clean has no error");
            promise(event.code == 1005 || event.code == 1006 || is_legal_code(event.code), "a code that can be");
            // Where the connection was open, and the peer was still there, it gets a Close.
            owes_close_ = was_open_ && (event.clean || is_legal_code(event.error.close_code()));
            promise(peer_.error() == event.error && !peer_.is_open(), "the error stays");
            break;
        default: break;
        }
    }

    // A head that is shown with an error breaks only rules that may be broken, and is only shown if that was asked for.
    void check_faults(error first, const ws::opening_faults& faults) const {
        promise(static_cast<bool>(first) == !faults.empty(), "an error that is shown is a fault");
        promise(!first || (shows_faults_ && faults.has(first)), "faults are shown if that was asked for");
        promise(!faults.other_than(ws::acceptable_faults), "a rule that touches framing is no fault");
    }

    // Where the call fails the output is as it was.
    template <class Call>
    bool attempt(Call&& call) {
        const std::string before(text_of(peer_.output()));
        const error failed = call();
        promise(!failed || text_of(peer_.output()) == before, "a call that fails writes nothing");
        promise(peer_.output().size() <= output_limit_, "output is bounded");
        if (in_step_) line(failed.name());
        return !failed;
    }

    void send(ws::message_type type, cbytes payload) {
        const error expected = sends_.expected(peer_.is_open(), type, payload, true, true);
        judge(expected, type, payload, true, [&] { return peer_.send(type, payload, how_); });
    }
    void send_piece(ws::message_type type, cbytes payload, bool last) {
        const error expected = sends_.expected(peer_.is_open(), type, payload, false, last);
        judge(expected, type, payload, last, [&] { return peer_.send_piece(type, payload, last, how_); });
    }
    template <class Call>
    void judge(error expected, ws::message_type type, cbytes payload, bool last, Call&& call) {
        const std::vector<std::byte> copy(payload.begin(), payload.end());
        attempt([&] {
            const error result = call();
            promise(result == expected || (!expected && result == ws::errc::no_room), "a send is judged rightly");
            if (!result) sends_.sent(type, copy, last);
            return result;
        });
    }

    void close(std::uint16_t code, std::string_view reason) {
        const bool legal = peer_.is_open() && is_legal_utf8(bytes_of(reason)) &&
                           (is_legal_code(code) || (code == 1005 && reason.empty()));
        promise(attempt([&] { return peer_.close(code, reason); }) == legal, "a Close that may be sent fits always");
    }

    void answer(unsigned how) {
        if constexpr (is_server) {
            const std::string_view offered = http::first(peer_.head().fields, "Sec-WebSocket-Protocol");
            if (how % 8 == 7) return;
            if (how % 8 == 6) {
                rejected_ =
                    attempt([&] { return peer_.refuse({.status = 403, .body = "no", .content_type = "text/plain"}); });
            } else {
                const std::string_view chosen = how % 8 == 5 ? offered : std::string_view{};
                attempt([&] { return peer_.accept({.subprotocol = chosen, .compression = how % 8 != 4}); });
            }
            if (!peer_.is_open() && !rejected_) rejected_ = attempt([&] { return peer_.refuse(503); });
            waits_ = !peer_.is_open() && !rejected_;
        } else {
            if (how % 8 == 7) return;
            const bool accepts = how % 2 == 0;
            const error said = accepts ? peer_.accept() : peer_.refuse(ws::errc::refused);
            promise(!said && peer_.is_open() == accepts, "a 101 that was shown with an error can be answered");
            waits_ = false;
        }
    }

    // The next step of the caller.
    void act(const ws::event* event = nullptr) {
        const unsigned step = script_.empty() ? 0 : script_[turn_++ % script_.size()];
        const bool asks =
            event != nullptr && (event->kind == ws::kind::request || event->kind == ws::kind::http_request ||
                                 (event->kind == ws::kind::open && event->error));
        if (asks) answer(step);
        const cbytes some = bytes_of(std::string_view("\xE2\x82\xAC and more of it"));
        const unsigned amount = step >> 4U;
        constexpr ws::compressed hows[] = {ws::compressed::always, ws::compressed::automatic, ws::compressed::never};
        how_ = hows[amount % 3];
        switch (step % 16) {
        case 0: drain(SIZE_MAX); break;
        case 1:
            if (event != nullptr && event->kind == ws::kind::message) {
                send(event->type, event->payload);
            }
            drain(SIZE_MAX);
            break;
        case 2: send(ws::message_type::text, some.first(amount)); break;
        case 3: send(ws::message_type::binary, some.first(amount)); break;
        case 4: send_piece(ws::message_type::text, some.first(amount % 4), amount > 7); break;
        case 5: send_piece(ws::message_type::text, some.subspan(amount % 4, 3), true); break;
        case 6: send_piece(ws::message_type::binary, some, amount > 7); break;
        case 7: attempt([&] { return peer_.ping(some.first(amount)); }); break;
        case 8: attempt([&] { return peer_.pong(some.first(amount)); }); break;
        case 9: close(static_cast<std::uint16_t>(999 + amount), "bye"); break;
        case 10: close(amount < 8 ? 1005 : 4999, text_of(some.first(amount % 8))); break;
        case 11: drain(amount); break;
        case 12: peer_.release_memory(); break;
        case 13: {
            Peer moved(static_cast<Peer&&>(peer_));
            peer_ = static_cast<Peer&&>(moved);
            break;
        }
        case 14: send(ws::message_type::binary, std::vector<std::byte>(amount * 100)); break;
        case 15: tick(amount); break;
        }
    }

    void tick(unsigned amount) {
        if (in_step_) return;
        now_ += amount * amount * 100;
        const bool due = now_ >= peer_.next_deadline();
        const ws::event event = peer_.tick(now_);
        promise(due || !event || first_tick_, "before its deadline nothing happens");
        first_tick_ = false;
        note(event);
    }

    // Heads have a target of their own. Frames begin at the end of the opening handshake of this side.
    void read_sent() {
        while (begin_ == 0 || (is_server && interim_)) {
            const std::size_t end = sent_.find("\r\n\r\n", begin_);
            if (end == std::string::npos) return;
            interim_ = is_server && sent_.compare(begin_, 12, "HTTP/1.1 100") == 0;
            const bool refused = is_server && !interim_ && sent_.compare(begin_, 12, "HTTP/1.1 101") != 0;
            begin_ = end + 4;
            if (refused) refused_ = true;
        }
        if constexpr (requires { peer_.compression().agreement(); }) {
            reader_.inflates(peer_.compression().agreement().agreed);
        }
        if (!refused_) reader_.take(bytes_of(std::string_view(sent_)).subspan(begin_));
        begin_ = sent_.size();
    }

    Peer peer_;
    std::vector<unsigned> script_;
    reader reader_;
    std::size_t output_limit_;
    bool in_step_;
    bool shows_faults_;
    std::string log_{};
    std::string sent_{};
    std::vector<std::byte> left_{};
    std::size_t begin_ = 0; // of what of `sent_` was not read yet
    std::size_t turn_ = 0;
    sends sends_{};
    ws::compressed how_ = ws::compressed::automatic;
    sockless::instant now_ = 0;
    bool interim_ = false;
    bool refused_ = false;
    bool open_ = false;
    bool closed_ = false;
    bool waits_; // a server for an answer of its caller; a client whose request had no room
    bool rejected_ = false;
    bool was_open_ = false;
    bool owes_close_ = false;
    bool first_tick_ = true;
};

/// The options that the settings ask for.
inline ws::options options_from(input& from, unsigned flags) {
    constexpr std::uint64_t messages[] = {16 * 1024 * 1024, 0, 10, 125, 126, 1000};
    constexpr std::uint32_t counts[] = {65537, 0, 1, 3};
    constexpr std::size_t outputs[] = {32 * 1024 * 1024, 0, 200, 300, 500, 2000};
    constexpr std::uint32_t heads[] = {32768, 64, 400};
    constexpr std::uint32_t waits[] = {5000, 0, 1, sockless::never};
    ws::options how;
    how.whole_messages = (flags & 2U) == 0;
    how.show_frames = (flags & 4U) != 0;
    how.automatic_pongs = (flags & 8U) == 0;
    how.show_requests = (flags & 16U) != 0;
    how.show_faults = (flags & 128U) != 0;
    how.limits.message = from.one_of(messages);
    how.limits.frame = from.one_of(messages);
    how.limits.frames = from.one_of(counts);
    how.output = from.one_of(outputs);
    how.head.head = from.one_of(heads);
    how.head.body = how.head.head / 8;
    how.handshake_timeout = from.one_of(waits);
    how.close_timeout = from.one_of(waits);
    how.ping_interval = from.one_of(waits);
    how.pong_timeout = from.one_of(waits);
    const unsigned tolerated = from.setting();
    how.tolerated = {.longer_lengths = (tolerated & 1U) != 0, .unmasked_frames = (tolerated & 2U) != 0};
    return how;
}

/// Runs fresh endpoints of `make(options)` with the rest of the settings.
template <class Make>
void run_sessions(input& from, unsigned flags, const ws::options& how, Make&& make) {
    const std::vector<unsigned> sizes = from.several(6);
    const std::vector<unsigned> script = from.several(16);
    using peer_type = decltype(make(how));

    const auto run = [&](const std::vector<unsigned>& cut, bool in_step, bool drains_first = false) {
        session<peer_type> running(make(how), how.output, script, in_step, how.show_faults);
        if (drains_first) running.drain(SIZE_MAX);
        feed_cut(from.stream(), cut, [&](bytes piece) { running.feed(piece); });
        running.finish();
        return std::pair(running.log(), running.sent());
    };
    if ((flags & 1U) != 0) {
        run(sizes, false);
        return;
    }
    const auto whole = run({}, true);
    promise(run(sizes, true) == whole, "events and output are the same at any split");
    promise(run({1}, true) == whole, "events and output are the same in single bytes");
    // Where there is room for all of it.
    if (how.output < 1000000) return;
    promise(run(sizes, true, true).first == whole.first, "it does not matter when the request was sent");
}

/// The terms of compression that the settings want.
inline ws::deflate_policy policy_from(input& from) {
    constexpr std::uint8_t windows[] = {15, 9, 10, 0};
    const unsigned flags = from.setting();
    return {.wanted = {.server_no_context_takeover = (flags & 1U) != 0,
                       .client_no_context_takeover = (flags & 2U) != 0,
                       .server_max_window_bits = windows[flags >> 2U & 3U],
                       .client_max_window_bits = windows[flags >> 4U & 3U]},
            .decline_larger_window = (flags & 64U) != 0,
            .threshold = (flags & 128U) != 0 ? std::size_t{0} : ws::deflate_policy{}.threshold,
            .threshold_without_takeover = (flags & 128U) != 0 ? std::size_t{0} : std::size_t{100}};
}

/// Runs an input of the fuzzer on a fresh endpoint that is ready for its peer: one that `make(options)` makes or, if
/// the settings want compression, `make_compressing(options, compression)`.
template <class Make, class MakeCompressing>
void run_endpoint(const std::uint8_t* data, std::size_t size, Make&& make, MakeCompressing&& make_compressing) {
    input from(data, size, endpoint_settings);
    const unsigned flags = from.setting();
    const ws::options how = options_from(from, flags);
    if ((flags & 32U) == 0) return run_sessions(from, flags, how, make);
    const ws::deflate_policy policy = policy_from(from);
    ws::zlib_pool pool(1);
    run_sessions(from, flags, how, [&](const ws::options& options) {
        return make_compressing(options, ws::zlib_compression(policy, (flags & 64U) != 0 ? &pool : nullptr));
    });
}

} // namespace sockless::fuzz
