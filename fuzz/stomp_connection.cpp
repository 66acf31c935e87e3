// Both ends of a whole STOMP connection, over bytes or over WebSocket, under any peer: events and output are the same
// at any split, and what was shown of the output stays.
// SPDX-License-Identifier: MIT
#include <sockless/stomp/connection.hpp>

#include <algorithm>

#include "fuzz.hpp"

using namespace sockless;
using fuzz::promise;

namespace {

/// One connection and a caller that answers each event in the same way, wherever the input was cut.
template <class Connection>
class caller {
  public:
    using event = typename Connection::event;
    using kind = typename Connection::kind;

    caller(Connection made, unsigned habits) : peer_(std::move(made)), habits_(habits) {}

    [[nodiscard]] Connection& peer() { return peer_; }
    [[nodiscard]] const std::string& log() const { return log_; }

    void feed(cbytes piece) {
        left_.insert(left_.end(), piece.begin(), piece.end());
        const fuzz::exact_copy copy(left_);
        bytes in = copy.get();
        for (;;) {
            const event found = peer_.next(in);
            if (found) {
                note(found);
            } else if (!in.empty() && peer_.waiting() != 0) {
                drain();
            } else {
                break;
            }
        }
        left_.assign(in.begin(), in.end());
    }

    void finish() {
        left_.clear();
        if (const event found = peer_.finish()) note(found);
        drain();
        promise(peer_.session().state() == stomp::state::closed, "the end of the input is that of the session");
        promise(peer_.done() && !peer_.finish(), "and of all");
    }

  private:
    void note(const event& found) {
        promise(!ended_ || found.kind == kind::need_input, "a session ends once");
        const bool ends = found.kind == kind::closed || found.kind == kind::lost;
        ended_ = ended_ || ends;
        // The body of a refusal comes in pieces.
        if (found.web_socket.kind == ws::kind::body) return;
        add(name_of(found.kind));
        add(name_of(found.web_socket.kind));
        add(found.web_socket.text());
        for (const stomp::header& each : found.headers) add(each.name), add(each.value);
        add(found.text());
        if (ends) add(found.error.name());
        const cbytes shown = peer_.output();
        const std::string before(text_of(shown));
        act(found);
        promise(text_of(shown) == before, "what was shown stays");
        if ((habits_ & 1U) != 0) drain();
    }

    void act(const event& found) {
        auto& session = peer_.session();
        if constexpr (std::is_same_v<kind, stomp::server_kind>) {
            if (found.web_socket.kind == ws::kind::request) {
                const error refused = (habits_ & 2U) != 0 ? peer_.web_socket().refuse(403) : peer_.accept_request();
                add(refused.name());
            }
            if (found.kind == kind::connect) add(session.accept({.server = "s"}).name());
            if (found.kind == kind::subscribe) last_ = found.subscription;
            if (found.kind == kind::send) {
                add(session.deliver(last_, {.destination = "/a", .forwarded = found.headers, .body = found.body})
                        .error.name());
                if (found.text() == "refuse") add(session.refuse("no").name());
                if (found.text() == "close") add(peer_.web_socket().close().name());
                if (found.text() == "end") peer_.shut_down();
            }
        } else {
            if (found.kind == kind::connected) {
                add(session.subscribe({.id = "1", .destination = "/a", .ack = stomp::ack_mode::client}).name());
            }
            if (found.kind == kind::message) add(session.ack(found).name());
            if (found.text() == "end") peer_.shut_down();
        }
    }

    void drain() {
        while (!peer_.output().empty()) {
            const cbytes out = peer_.output();
            const cbytes some = out.first(std::min<std::size_t>(out.size(), 1 + (habits_ >> 2U)));
            sent_.append(text_of(some));
            peer_.sent(some.size());
        }
    }

    void add(std::string_view text) { log_.append(text).append("\x1E"); }

    Connection peer_;
    unsigned habits_;
    std::string log_{};
    std::string sent_{};
    std::vector<std::byte> left_{};
    std::uint32_t last_ = 0;
    bool ended_ = false;
};

stomp::connection_options options_from(fuzz::input& from) {
    constexpr std::size_t outputs[] = {32 * 1024 * 1024, 200, 700, 1500};
    constexpr std::size_t most[] = {SIZE_MAX, 4, 30};
    stomp::connection_options options;
    options.session.output = from.one_of(outputs);
    options.most = from.one_of(most);
    options.session.limits = {.line = 200, .headers = 20, .head = 500, .body = 2000};
    options.accept_requests = from.setting() % 2 == 0;
    const unsigned flags = from.setting();
    options.web_socket.show_requests = flags % 4 == 1;
    options.web_socket.tolerated = {.longer_lengths = (flags & 4U) != 0, .unmasked_frames = (flags & 8U) != 0};
    return options;
}

std::string run(cbytes stream, const std::vector<unsigned>& sizes, const stomp::connection_options& options,
                unsigned role, unsigned habits) {
    const auto talk = [&](auto running) {
        fuzz::feed_cut(stream, sizes, [&](bytes piece) { running.feed(piece); });
        running.finish();
        return running.log();
    };
    if (role % 4 < 2) return talk(caller<stomp::server_connection>(stomp::server_connection(options), habits));
    const bool over_web = role % 4 == 2;
    const auto zeros = [](void*, bytes out) {
        std::fill(out.begin(), out.end(), std::byte{});
        return true;
    };
    caller<stomp::client_connection> client(
        over_web ? stomp::client_connection(ws::entropy(zeros), options) : stomp::client_connection(options), habits);
    if (over_web) static_cast<void>(client.peer().request({.host = "h"}));
    static_cast<void>(client.peer().session().connect({.host = "h"}));
    return talk(std::move(client));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::input from(data, size, 11);
    const stomp::connection_options options = options_from(from);
    const unsigned role = from.setting(), habits = from.setting();
    const std::vector<unsigned> sizes = from.several(5);
    const std::string whole = run(from.stream(), {}, options, role, habits);
    promise(run(from.stream(), sizes, options, role, habits) == whole, "events are the same at any split");
    promise(run(from.stream(), {1}, options, role, habits) == whole, "events are the same in single bytes");
    return 0;
}
