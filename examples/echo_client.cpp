// An echo client: sends each line of standard input as a text message, and prints each message that comes back.
// SPDX-License-Identifier: MIT
//
//     echo_client --port N [--path /p] [--subprotocol NAME]…
//                 [--deflate] [--no-context-takeover] [--window-bits 9-15] [--threshold BYTES]
//     echo_client --port N --fuzzing-server --agent NAME [--deflate]…
//
// Ends with 0 once all lines have come back and the connection is closed cleanly, else with 1. The second form walks a
// conformance server: it asks for the number of cases, echoes in each of them, and then asks for the report.
//
// --deflate offers to compress (permessage-deflate, RFC 7692), and the first form then says on standard error what the
// server has agreed to. The options that follow it ask for, of both sides:
//   --no-context-takeover   no message refers to those before it
//   --window-bits N         windows of 2 to the power of N bytes; a server that cannot do this does not compress
//   --threshold BYTES       shorter messages are sent as they are; of the client only
// It links with zlib: c++ -std=c++20 -I single_include examples/echo_client.cpp -o echo_client -lz

#include <sockless.hpp>

#include "deflate_options.hpp"
#include "socket.hpp"

#include <cstdio>

namespace {

namespace ws = sockless::ws;

// Bytes. While so much waits to be sent to the server, nothing is read that would lead to more.
constexpr std::size_t back_pressure = 1024 * 1024;

// Bytes. As large as the largest messages of the usual conformance suite.
constexpr std::size_t max_message = 16 * 1024 * 1024;

// Milliseconds of silence, after which nothing more is expected of a server that owes an answer.
constexpr sockless::instant patience = 60'000;

struct settings {
    std::uint16_t port = 0;
    std::string path = "/";
    std::vector<std::string_view> subprotocols; // in order of preference
    deflate_options compression;
    bool fuzzing_server = false;
    std::string agent;
};

using on_message = std::function<void(ws::zlib_client&, const ws::event&)>;

// Tells what went wrong. Returns false.
bool fail(const std::string& what, std::string_view why) {
    std::fprintf(stderr, "echo_client: %s: %.*s\n", what.c_str(), static_cast<int>(why.size()), why.data());
    return false;
}

ws::options client_options() {
    ws::options how;
    how.limits = {.message = max_message, .frame = max_message};
    how.output = max_message + 2 * back_pressure; // one read never leads to more
    return how;
}

// Standard input, line by line, and how many of the lines have come back.
class lines {
  public:
    [[nodiscard]] bool ended() const { return ended_; }
    [[nodiscard]] bool all_came_back() const { return ended_ && !failed_ && returned_ == sent_; }

    // Sends the lines that one read gives. The last may end without a newline.
    void send_some(ws::zlib_client& to) {
        char piece[16 * 1024];
        const ssize_t size = ::read(STDIN_FILENO, piece, sizeof piece);
        if (try_again_later(size)) return;
        ended_ = size <= 0;
        if (!ended_) unsent_.append(piece, static_cast<std::size_t>(size));
        if (ended_ && !unsent_.empty()) unsent_ += '\n';
        std::size_t begin = 0;
        for (std::size_t end; (end = unsent_.find('\n', begin)) != unsent_.npos; begin = end + 1) {
            send(to, std::string_view(unsent_).substr(begin, end - begin));
        }
        unsent_.erase(0, begin);
        if (unsent_.size() > max_message) failed_ = ended_ = !fail("standard input", "a line is too long");
        close_after_last(to);
    }

    void print(ws::zlib_client& from, const ws::event& message) {
        ++returned_;
        std::fwrite(message.payload.data(), 1, message.payload.size(), stdout);
        std::putchar('\n');
        std::fflush(stdout);
        close_after_last(from);
    }

  private:
    void send(ws::zlib_client& to, std::string_view line) {
        ++sent_;
        if (const auto error = to.send_text(line)) failed_ = !fail("line " + std::to_string(sent_), error.sentence());
    }

    void close_after_last(ws::zlib_client& peer) const {
        if (failed_ || all_came_back()) static_cast<void>(peer.close());
    }

    std::string unsent_;
    std::size_t sent_ = 0, returned_ = 0;
    bool ended_ = false, failed_ = false;
};

// One connection, from the request to its end. Messages go to `handler`; if there is `input`, its lines are sent.
class echo_connection : public connection {
  public:
    echo_connection(int socket, on_message handler, lines* input, const ws::deflate_policy& policy)
        : connection(socket),
          handler_(std::move(handler)),
          input_(input),
          peer_(fresh_entropy(), client_options(), ws::zlib_compression(policy)) {
        handle(peer_.tick(now())); // deadlines count from here
    }

    // Whether there was a WebSocket, and it was closed cleanly.
    bool run(const ws::opening& asked) {
        says_agreement_ = asked.compression && input_ != nullptr;
        if (const auto error = peer_.request(asked)) return fail(std::string(asked.target), error.sentence());
        do {
            work();
            wait();
        } while (!is_over());
        // Once the WebSocket has ended, a server may also reset the TCP connection.
        if (!is_closed_) fail("the server", "it says nothing more, or the connection is broken");
        return was_clean_;
    }

    void close() override { static_cast<void>(peer_.close()); }

  private:
    // Until something comes, or is due.
    void wait() {
        const bool wants_lines = input_ != nullptr && !input_->ended() && wants_input() && peer_.is_open();
        const sockless::instant end_by = wants_lines || said_all() ? sockless::no_deadline : active_at_ + patience;
        pollfd polled[] = {this->polled(), {wants_lines ? STDIN_FILENO : -1, POLLIN, 0}};
        ::poll(polled, 2, milliseconds_until(std::min(deadline(), end_by)));

        if (polled[0].revents != 0 || polled[1].revents != 0) active_at_ = now();
        if (end_by <= now()) hang_up();
        receive(polled[0].revents);
        if (polled[1].revents != 0) input_->send_some(peer_);
    }

    void take(sockless::bytes in) override {
        while (const ws::event event = peer_.next(in)) handle(event);
    }
    void finish() override { handle(peer_.finish()); }
    void tick(sockless::instant now) override { handle(peer_.tick(now)); }
    [[nodiscard]] sockless::instant next_deadline() const override { return peer_.next_deadline(); }
    [[nodiscard]] sockless::cbytes output() const override { return peer_.output(); }
    void sent(std::size_t size) override { peer_.sent(size); }
    [[nodiscard]] bool done() const override { return peer_.done(); }
    [[nodiscard]] bool wants_input() const override { return peer_.waiting() < back_pressure; }

    void handle(const ws::event& event) {
        switch (event.kind) {
        case ws::kind::open:
            if (says_agreement_) say_agreement();
            return;
        case ws::kind::message: return handler_(peer_, event);
        case ws::kind::refused: fail("the server refused", std::to_string(event.code)); return;
        case ws::kind::closed:
            is_closed_ = true;
            was_clean_ = event.clean;
            if (event.error) fail(std::string(event.error.name()), event.error.sentence());
            return;
        default: return; // Pings are answered already
        }
    }

    void say_agreement() const {
        char memory[ws::max_deflate_text];
        const ws::deflate_agreement found = peer_.compression().agreement();
        const std::string_view text = found.agreed ? ws::write_deflate_response(memory, found.parameters) : "none";
        std::fprintf(stderr, "compression: %.*s\n", static_cast<int>(text.size()), text.data());
    }

    on_message handler_;
    lines* input_;
    ws::zlib_client peer_;
    sockless::instant active_at_ = now();
    bool is_closed_ = false;
    bool was_clean_ = false;
    bool says_agreement_ = false;
};

bool run(const settings& how, const std::string& target, on_message handler, lines* input = nullptr) {
    std::string why;
    const int socket = connect_to("127.0.0.1", how.port, why);
    if (socket < 0) return fail("127.0.0.1", why);
    char host[32];
    const ws::opening asked{.host = ws::write_host(host, "127.0.0.1", how.port, false),
                            .target = target,
                            .subprotocols = how.subprotocols,
                            .compression = how.compression.deflate};
    return echo_connection(socket, std::move(handler), input, how.compression.policy).run(asked);
}

bool echo_lines(const settings& how) {
    lines input;
    const auto print = [&](ws::zlib_client& peer, const ws::event& event) { input.print(peer, event); };
    return run(how, how.path, print, &input) && input.all_came_back();
}

bool walk_fuzzing_server(const settings& how) {
    std::optional<unsigned> cases;
    run(how, "/getCaseCount", [&](auto&, const ws::event& event) { cases = read_number<unsigned>(event.text()); });
    if (!cases) return fail("/getCaseCount", "no number came");
    const auto echo = [](ws::zlib_client& peer, const ws::event& event) {
        if (const auto error = peer.send(event.type, event.payload)) fail("echo", error.sentence());
    };
    // How a case went is the server's to judge: in many of them it is right to fail.
    const std::string agent = "agent=" + how.agent;
    for (unsigned i = 1; i <= *cases; ++i) run(how, "/runCase?case=" + std::to_string(i) + "&" + agent, echo);
    return run(how, "/updateReports?" + agent, echo);
}

bool read_arguments(int count, char** words, settings& how) {
    for (int i = 1; i < count; ++i) {
        const std::string_view option = words[i];
        if (option == "--fuzzing-server") {
            how.fuzzing_server = true;
        } else if (how.compression.take(option)) {
            continue;
        } else if (++i == count) {
            return false;
        } else if (option == "--port") {
            how.port = read_number<std::uint16_t>(words[i]).value_or(0);
        } else if (option == "--path") {
            how.path = words[i];
        } else if (option == "--subprotocol") {
            how.subprotocols.push_back(words[i]);
        } else if (option == "--agent") {
            how.agent = words[i];
        } else if (!how.compression.take(option, words[i])) {
            return false;
        }
    }
    return how.port != 0 && how.fuzzing_server == !how.agent.empty();
}

} // namespace

int main(int count, char** words) {
    settings how;
    if (!read_arguments(count, words, how)) {
        std::fprintf(stderr,
                     "echo_client --port N [--path /p] [--subprotocol NAME]...\n            %s\n"
                     "echo_client --port N --fuzzing-server --agent NAME [--deflate]...\n",
                     deflate_options::usage);
        return 2;
    }
    std::signal(SIGPIPE, SIG_IGN); // `send` tells of a broken connection
    return (how.fuzzing_server ? walk_fuzzing_server(how) : echo_lines(how)) ? 0 : 1;
}
