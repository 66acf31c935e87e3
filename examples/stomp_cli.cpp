// A STOMP client for the command line: sends one message, or prints those that come. On TCP, or on WebSocket.
// SPDX-License-Identifier: MIT
//
//     stomp_cli --port N [--host H] [--ws PATH] [--vhost NAME] [--login USER --passcode WORD] [--version 1.0|1.1|1.2]
//               (send DEST BODY | subscribe DEST [--count N])
//
// `send` ends once the server has said that it has the message. `subscribe` prints each message as one line, in which
// `\n`, `\\` and `\x00` stand for a line feed, a backslash and a byte that is no text, and ends after --count of them,
// or with SIGINT or SIGTERM. Ends with 0 if all of that went well, else with 1 and a line that says why not.

#include <sockless.hpp>

#include "socket.hpp"

namespace {

namespace stomp = sockless::stomp;
namespace ws = sockless::ws;

// Milliseconds in which the server must say that it has done what it was asked for.
constexpr sockless::instant patience = 10'000;

struct settings {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;
    std::string target;      // of the WebSocket; empty for TCP
    std::string vhost = "/"; // what a server of many hosts takes for its usual one
    std::string login, passcode;
    stomp::version version = stomp::version::unknown; // any
    std::string verb, destination, body;
    std::uint64_t count = UINT64_MAX; // of messages to be printed
};

// On TCP, or on a WebSocket.
stomp::client_connection make_peer(const settings& wanted) {
    stomp::connection_options options;
    if (wanted.version != stomp::version::unknown) options.session.versions = {wanted.version};
    options.session.heart_beat = {.sends = 10'000, .wants = 10'000};
    options.web_socket.ping_interval = 30'000;
    if (wanted.target.empty()) return stomp::client_connection(options);
    return stomp::client_connection(fresh_entropy(), options);
}

// The body as one line of text, also if it is not text.
std::string readable(std::string_view body) {
    const bool is_text = sockless::is_utf8(sockless::bytes_of(body));
    std::string line;
    for (const char c : body) {
        const auto code = static_cast<unsigned char>(c);
        if (c == '\n' || c == '\\') {
            line += c == '\n' ? "\\n" : "\\\\";
        } else if (code < 0x20 || code == 0x7f || (code > 0x7f && !is_text)) {
            constexpr char digits[] = "0123456789abcdef";
            line.append("\\x").append({digits[code >> 4U], digits[code & 15U]});
        } else {
            line += c;
        }
    }
    return line;
}

class client : public connection {
  public:
    client(int socket, const settings& wanted)
        : connection(socket), wanted_(wanted), peer_(make_peer(wanted)), session_(peer_.session()) {}

    // Whether all went well. SIGINT and SIGTERM are told by `stop`.
    bool run(int stop) {
        open();
        while (!is_over()) {
            work();
            pollfd waiting[] = {polled(), {stop, POLLIN, 0}};
            ::poll(waiting, 2, milliseconds_until(std::min(deadline(), answer_by_)));
            receive(waiting[0].revents);
            if (answer_by_ <= now()) give_up("no receipt came in time");
            if (waiting[1].revents != 0) take_signal(stop);
        }
        if (!is_done_) complain("the connection has ended too soon");
        return is_done_ && !failed_;
    }

    void close() override {
        if (wanted_.verb != "subscribe" || !session_.is_open()) return give_up("interrupted");
        if (wanted_.count != UINT64_MAX) complain("interrupted");
        leave();
    }

  private:
    void take_signal(int stop) {
        char once;
        static_cast<void>(!::read(stop, &once, 1));
        close();
    }

    // CONNECT waits until there is a WebSocket to carry it, if one is wanted.
    void open() {
        handle(peer_.tick(now()));
        char host[300];
        if (!wanted_.target.empty()) {
            check(peer_.request(
                {.host = ws::write_host(host, wanted_.host, wanted_.port, false), .target = wanted_.target}));
        }
        check(session_.connect({.host = wanted_.vhost, .login = wanted_.login, .passcode = wanted_.passcode}));
    }

    void take(sockless::bytes in) override {
        while (const auto event = peer_.next(in)) handle(event);
    }
    void finish() override { handle(peer_.finish()); }
    void tick(sockless::instant now) override { handle(peer_.tick(now)); }
    [[nodiscard]] sockless::instant next_deadline() const override { return peer_.next_deadline(); }
    [[nodiscard]] sockless::cbytes output() const override { return peer_.output(); }
    void sent(std::size_t size) override { peer_.sent(size); }
    [[nodiscard]] bool done() const override { return peer_.done(); }
    [[nodiscard]] bool wants_input() const override { return true; }

    void handle(const stomp::client_connection::event& event) {
        handle_web_socket(event.web_socket);
        handle_session(event);
    }

    void handle_web_socket(const ws::event& event) {
        if (event.kind == ws::kind::refused) give_up("no WebSocket: the server answers " + std::to_string(event.code));
        if (event.kind != ws::kind::closed) return;
        // RabbitMQ answers a DISCONNECT with a Close, in place of the receipt.
        is_done_ = is_done_ || (said_goodbye_ && event.clean);
        if (is_done_) return;
        const auto code = std::to_string(event.code);
        give_up(event.error ? std::string(event.error.sentence()) : "the server closes the WebSocket with " + code);
    }

    void handle_session(const stomp::client_event& event) {
        switch (event.kind) {
        case stomp::client_kind::connected: return wanted_.verb == "send" ? send() : subscribe();
        case stomp::client_kind::message: return print(event);
        case stomp::client_kind::receipt: return take_receipt();
        case stomp::client_kind::error:
            return complain("ERROR: " + readable(event.message.empty() ? event.text() : event.message));
        case stomp::client_kind::closed: is_done_ = true; return;
        case stomp::client_kind::lost:
            if (!is_done_ && !failed_) give_up(event.error.sentence());
            return;
        case stomp::client_kind::heart_beat:
        case stomp::client_kind::need_input: return;
        }
    }

    void send() {
        check(session_.send({.destination = wanted_.destination,
                             .content_type = "text/plain;charset=utf-8",
                             .receipt = "sent",
                             .body = sockless::bytes_of(wanted_.body)}));
        answer_by_ = now() + patience;
    }

    // Each message is acknowledged, so that those beyond the last that is printed stay the server's.
    void subscribe() {
        const bool is_1_0 = session_.version() == stomp::version::v1_0;
        check(session_.subscribe({.id = "0",
                                  .destination = wanted_.destination,
                                  .ack = is_1_0 ? stomp::ack_mode::client : stomp::ack_mode::client_individual,
                                  .receipt = "subscribed"}));
        answer_by_ = now() + patience;
    }

    void take_receipt() {
        answer_by_ = sockless::no_deadline;
        if (wanted_.verb == "send") return disconnect();
        std::fprintf(stderr, "stomp_cli: subscribed to %s\n", wanted_.destination.c_str());
    }

    void print(const stomp::client_event& message) {
        if (printed_ == wanted_.count || !session_.is_open()) return;
        std::puts(readable(message.text()).c_str());
        std::fflush(stdout);
        check(session_.ack(message));
        if (++printed_ == wanted_.count) leave();
    }

    void leave() {
        answer_by_ = sockless::no_deadline;
        check(session_.unsubscribe({.id = "0"}));
        disconnect();
    }

    void disconnect() {
        said_goodbye_ = true;
        check(session_.disconnect());
    }

    void check(sockless::error error) {
        if (error) give_up(error.sentence());
    }

    void give_up(std::string_view why) {
        complain(why);
        hang_up();
    }

    // Only the first reason is one.
    void complain(std::string_view why) {
        if (!failed_) std::fprintf(stderr, "stomp_cli: %.*s\n", static_cast<int>(why.size()), why.data());
        failed_ = true;
    }

    const settings& wanted_;
    stomp::client_connection peer_;
    stomp::client_connection::session_type& session_;
    std::uint64_t printed_ = 0;
    sockless::instant answer_by_ = sockless::no_deadline;
    bool said_goodbye_ = false;
    bool is_done_ = false; // and the server has answered that
    bool failed_ = false;
};

bool read_option(const std::string& option, const std::string& value, settings& wanted) {
    constexpr std::pair<std::string_view, std::string settings::*> texts[] = {
        {"--host", &settings::host},   {"--ws", &settings::target},         {"--vhost", &settings::vhost},
        {"--login", &settings::login}, {"--passcode", &settings::passcode},
    };
    for (const auto& [name, member] : texts) {
        if (option == name) wanted.*member = value;
        if (option == name) return true;
    }
    if (option == "--port") wanted.port = read_number<std::uint16_t>(value).value_or(0);
    if (option == "--port") return wanted.port != 0;
    if (option == "--count") wanted.count = read_number<std::uint64_t>(value).value_or(0);
    if (option == "--count") return wanted.count != 0;
    if (option == "--version") wanted.version = stomp::version_of(value);
    return wanted.version != stomp::version::unknown;
}

bool read_arguments(const std::vector<std::string>& words, settings& wanted) {
    for (std::size_t i = 0; i < words.size();) {
        const bool sends = words[i] == "send", subscribes = words[i] == "subscribe";
        const std::size_t size = sends ? 3 : 2; // of the verb with its words, or of an option with its value
        if (words.size() - i < size) return false;
        if (sends || subscribes) {
            wanted.verb = words[i];
            wanted.destination = words[i + 1];
            if (sends) wanted.body = words[i + 2];
        } else if (!read_option(words[i], words[i + 1], wanted)) {
            return false;
        }
        i += size;
    }
    return wanted.port != 0 && !wanted.verb.empty();
}

} // namespace

int main(int count, char** words) {
    settings wanted;
    if (!read_arguments({words + 1, words + count}, wanted)) {
        std::fputs("stomp_cli --port N [--host H] [--ws PATH] [--vhost NAME] [--login USER --passcode WORD]\n"
                   "          [--version 1.0|1.1|1.2] (send DEST BODY | subscribe DEST [--count N])\n",
                   stderr);
        return 2;
    }
    std::signal(SIGPIPE, SIG_IGN); // `send` tells of a broken connection
    const int stop = catch_signals();
    std::string why;
    const int socket = connect_to(wanted.host, wanted.port, why);
    if (socket < 0) {
        std::fprintf(stderr, "stomp_cli: %s: %s\n", wanted.host.c_str(), why.c_str());
        return 1;
    }
    return client(socket, wanted).run(stop) ? 0 : 1;
}
