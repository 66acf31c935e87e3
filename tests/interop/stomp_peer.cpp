// Either end of a STOMP session, for tests/interop/run: a line of standard input is a command, of output an event.
// SPDX-License-Identifier: MIT
//
//   sockless-interop-stomp server [default]    a broker for TCP and WebSocket on one port, which it prints; takes no
//                                              commands. With `default` all options are those of the library, and it
//                                              lets anyone in.
//   sockless-interop-stomp client              one session after the other
//
// A command is a verb, then words NAME=HEX (HEX is any number of bytes in hexadecimal, `-` for none), then, for headers
// of the caller's own, words header=HEX:HEX.
//   connect transport=tcp|ws port target version heart-beat host [login] [passcode] [as=STOMP]
//   send destination body [content-type] | subscribe destination id ack | unsubscribe id
//   ack|nack message-id subscription ack           (what the MESSAGE had; each version has its own way to name it)
//   begin|commit|abort transaction | disconnect receipt
//   status                                         (how many heart-beats have come)
//   drop                                           (ends the connection without DISCONNECT)
// Any command behind `connect` takes `receipt`, and, if STOMP allows it, `transaction`.
//
// The events of a client are connected, message, receipt, error, status and closed; `refused` is what the library
// itself does not let a command do. Those of the server are connect, for each CONNECT that it can answer, and closed,
// with the number of messages that the client had and has not acknowledged.

#include "lines.hpp"

#include <sockless/detail/sha1.hpp>
#include <sockless/stomp/connection.hpp>

#include <sys/random.h>

#include <list>
#include <map>
#include <optional>
#include <utility>

namespace {

namespace stomp = sockless::stomp;
namespace ws = sockless::ws;
using sockless::bytes;
using sockless::cbytes;

// --- Commands and events ---------------------------------------------------------------------------------------------

/// A command: its verb, and what its words say.
struct command {
    explicit command(std::string_view line) {
        const words all = split(line);
        verb = all.at(0);
        for (const std::string_view word : words(all.begin() + 1, all.end())) {
            const std::size_t equals = std::min(word.find('='), word.size());
            const std::string_view value = word.substr(std::min(equals + 1, word.size()));
            const std::size_t colon = std::min(value.find(':'), value.size());
            if (word.substr(0, equals) != "header") {
                values[std::string(word.substr(0, equals))] = from_hex(value);
                continue;
            }
            own.emplace_back(from_hex(value.substr(0, colon)),
                             from_hex(value.substr(std::min(colon + 1, value.size()))));
        }
        for (const auto& [name, value] : own) headers.push_back({name, value});
    }

    [[nodiscard]] std::string_view operator[](const std::string& name) const {
        const auto found = values.find(name);
        return found == values.end() ? std::string_view{} : found->second;
    }

    std::string verb;
    std::map<std::string, std::string> values;
    std::deque<std::pair<std::string, std::string>> own;
    std::vector<stomp::header> headers;
};

std::string member(std::string_view name, std::string_view value) {
    return ",\"" + std::string(name) + "\":" + quoted(value);
}

std::string member(std::string_view name, std::size_t value) {
    return ",\"" + std::string(name) + "\":" + std::to_string(value);
}

template <class Names>
std::string list(std::string_view name, const Names& names) {
    std::string found;
    for (const std::string_view each : names) found += (found.empty() ? "" : ",") + quoted(each);
    return ",\"" + std::string(name) + "\":[" + found + ']';
}

/// As a JSON object, of which the last of repeated names counts: so the first of repeated headers is put last.
std::string json_of(const stomp::headers& headers) {
    std::string found;
    for (const auto& [name, value] : headers) {
        found = quoted(name) + ':' + quoted(value) + (found.empty() ? "" : ",") + found;
    }
    return ",\"headers\":{" + found + '}';
}

// --- A connection ----------------------------------------------------------------------------------------------------

/// A socket and what it speaks: a `stomp::server_connection` or `stomp::client_connection`.
template <class Connection>
class carrier {
  public:
    carrier(int socket, Connection made) : peer(std::move(made)), socket_(socket) {
        ::fcntl(socket_, F_SETFL, O_NONBLOCK);
        static_cast<void>(peer.tick(now()));
    }
    ~carrier() { ::close(socket_); }
    carrier(const carrier&) = delete;
    carrier& operator=(const carrier&) = delete;

    [[nodiscard]] pollfd file() const {
        const bool reads = !input_ended_ && rest_.empty();
        return {socket_, static_cast<short>((reads ? POLLIN : 0) | (peer.output().empty() ? 0 : POLLOUT)), 0};
    }

    [[nodiscard]] sockless::instant next_deadline() const { return std::min(peer.next_deadline(), until_); }

    /// Whether the connection is over, on both sides or by our patience.
    [[nodiscard]] bool over() const { return dropped_ || (ending_ && (input_ended_ || now() >= until_)); }

    /// Ends the connection at once.
    void drop() { dropped_ = true; }

    /// Does what is due, sends what waits, and ends our side if that was all. `take` is told each event.
    template <class Take>
    void work(const Take& take) {
        if (const auto event = peer.tick(now())) take(event);
        while (!peer.output().empty() && !dropped_) {
            const ssize_t size = ::send(socket_, peer.output().data(), peer.output().size(), MSG_NOSIGNAL);
            if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
            if (size < 0) {
                // Nobody is there any more.
                end_input(take);
                return drop();
            }
            peer.sent(static_cast<std::size_t>(size));
            std::vector<std::byte> rest = std::exchange(rest_, {});
            feed(rest, take);
        }
        if (!ending_ && peer.done()) {
            // The bytes that the other side still sends are read for a while: closing a socket with unread input resets
            // it.
            ending_ = true;
            until_ = now() + 2000;
            ::shutdown(socket_, SHUT_WR);
        }
    }

    /// Takes what has come. `take` is told each event.
    template <class Take>
    void receive(const Take& take) {
        if (input_ended_ || !rest_.empty()) return;
        const ssize_t size = ::recv(socket_, buffer_, sizeof buffer_, 0);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (size <= 0) return end_input(take);
        feed(bytes(buffer_, static_cast<std::size_t>(size)), take);
    }

    Connection peer;

  private:
    template <class Take>
    void feed(bytes in, const Take& take) {
        while (const auto event = peer.next(in)) take(event);
        // The input that is left waits until the other side has taken output that waits for it.
        rest_.assign(in.begin(), in.end());
    }

    template <class Take>
    void end_input(const Take& take) {
        input_ended_ = true;
        if (const auto event = peer.finish()) take(event);
    }

    int socket_;
    std::byte buffer_[65536];
    std::vector<std::byte> rest_;
    bool input_ended_ = false;
    bool ending_ = false;
    bool dropped_ = false;
    sockless::instant until_ = sockless::no_deadline;
};

int milliseconds_until(sockless::instant deadline) {
    const sockless::instant left = deadline > now() ? deadline - now() : 0;
    return static_cast<int>(std::min<sockless::instant>(left, 1000));
}

// --- The client ------------------------------------------------------------------------------------------------------

class client {
  public:
    client(const command& how, commands& from)
        : carrier_(connected_to(number(how["port"])), connection_of(how)), commands_(from) {
        if (how["transport"] == "ws") begin_web(how);
        note(session().connect({.host = how["host"],
                                .login = how["login"],
                                .passcode = how["passcode"],
                                .headers = how.headers,
                                .as = how["as"] == "STOMP" ? stomp::command::stomp : stomp::command::connect}));
    }

    void run() {
        const auto take = [this](const stomp::client_connection::event& event) { report(event); };
        for (;;) {
            carrier_.work(take);
            if (carrier_.over()) break;
            pollfd files[] = {{STDIN_FILENO, POLLIN, 0}, carrier_.file()};
            ::poll(files, 2, milliseconds_until(carrier_.next_deadline()));
            if (files[0].revents != 0) commands_.read();
            std::string line;
            while (commands_.next(line)) obey(command(line));
            carrier_.receive(take);
        }
        print("closed", member("error", session().error().name()) + list("receipts", session().receipts()));
    }

  private:
    static stomp::client_connection connection_of(const command& how) {
        stomp::connection_options options;
        options.session.versions = stomp::version_set::of_list(how["version"]);
        options.session.heart_beat = stomp::parse_heart_beat(how["heart-beat"]).value;
        if (how["transport"] != "ws") return stomp::client_connection(options);
        ws::entropy::seed seed;
        if (::getentropy(seed.data(), seed.size()) != 0) give_up("getentropy");
        return stomp::client_connection(ws::entropy(seed), options);
    }

    void begin_web(const command& how) {
        const std::string host = "127.0.0.1:" + std::string(how["port"]);
        note(carrier_.peer.request({.host = host, .target = how["target"], .subprotocols = stomp::subprotocols}));
    }

    stomp::client_connection::session_type& session() { return carrier_.peer.session(); }

    static void note(sockless::error error) {
        if (error) print("refused", member("error", error.name()));
    }

    void obey(const command& how) {
        const std::string& verb = how.verb;
        const std::string_view receipt = how["receipt"], transaction = how["transaction"], id = how["id"];
        if (verb == "send") {
            note(session().send({.destination = how["destination"],
                                 .content_type = how["content-type"],
                                 .transaction = transaction,
                                 .receipt = receipt,
                                 .headers = how.headers,
                                 .body = sockless::bytes_of(how["body"])}));
        } else if (verb == "subscribe") {
            note(session().subscribe({.id = id,
                                      .destination = how["destination"],
                                      .ack = ack_mode_of(how["ack"]),
                                      .receipt = receipt,
                                      .headers = how.headers}));
        } else if (verb == "unsubscribe") {
            note(session().unsubscribe({.id = id, .receipt = receipt, .headers = how.headers}));
        } else if (verb == "ack" || verb == "nack") {
            const stomp::ack_frame frame{.id = how["ack"],
                                         .message_id = how["message-id"],
                                         .subscription = how["subscription"],
                                         .transaction = transaction,
                                         .receipt = receipt,
                                         .headers = how.headers};
            note(verb == "ack" ? session().ack(frame) : session().nack(frame));
        } else if (verb == "begin") {
            note(session().begin(transaction, receipt));
        } else if (verb == "commit") {
            note(session().commit(transaction, receipt));
        } else if (verb == "abort") {
            note(session().abort(transaction, receipt));
        } else if (verb == "disconnect") {
            note(session().disconnect(receipt));
        } else if (verb == "status") {
            print("status", member("heart_beats", heart_beats_));
        } else if (verb == "drop") {
            carrier_.drop();
        }
    }

    static stomp::ack_mode ack_mode_of(std::string_view text) {
        for (const auto mode : {stomp::ack_mode::client, stomp::ack_mode::client_individual}) {
            if (text == text_of(mode)) return mode;
        }
        return stomp::ack_mode::automatic;
    }

    void report(const stomp::client_event& event) {
        switch (event.kind) {
        case stomp::client_kind::connected:
            print("connected", member("version", text_of(session().version())) + member("server", event.server) +
                                   member("session", event.session) +
                                   member("heart_beat", event.headers.find("heart-beat")));
            break;
        case stomp::client_kind::message:
            print("message", json_of(event.headers) + member("bytes", event.body.size()) +
                                 member("sha1", to_hex(sockless::detail::sha1(event.text()))));
            break;
        case stomp::client_kind::receipt:
        case stomp::client_kind::closed: print("receipt", member("id", event.receipt_id)); break;
        case stomp::client_kind::error: print("error", json_of(event.headers)); break;
        case stomp::client_kind::heart_beat: ++heart_beats_; break;
        case stomp::client_kind::lost:
        case stomp::client_kind::need_input: break;
        }
    }

    carrier<stomp::client_connection> carrier_;
    commands& commands_;
    std::size_t heart_beats_ = 0;
};

// --- The broker ------------------------------------------------------------------------------------------------------

struct message {
    std::string destination;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
};

/// A message that a client has, and has not acknowledged.
struct delivery {
    std::uint64_t number;
    std::uint32_t subscription;
    message what;
};

struct subscription {
    std::uint32_t number;
    std::string destination;
    bool is_acknowledged;
};

/// The work of a transaction, which is done at COMMIT or dropped at ABORT.
struct transaction {
    std::vector<message> sent;
    std::vector<delivery> acknowledged;
    std::vector<delivery> refused;
};

/// A client as the broker sees it.
struct member_client {
    member_client(int socket, const stomp::connection_options& settings)
        : carried(socket, stomp::server_connection(settings)) {}

    [[nodiscard]] stomp::server_connection::session_type& session() { return carried.peer.session(); }

    carrier<stomp::server_connection> carried;
    std::string subprotocol; // that was chosen
    std::vector<subscription> subscriptions;
    std::vector<delivery> waiting;
    std::map<std::string, transaction, std::less<>> transactions;
    std::string transport = "tcp";
    std::size_t heart_beats = 0;
    std::string closed;
};

/// A message to /topic/… goes to all subscribers; a message to /queue/… goes to one of them, or waits for one. A
/// message that was not acknowledged goes back to the front of its queue.
class broker {
  public:
    explicit broker(bool by_default) : by_default_(by_default) {}

    [[noreturn]] void run(commands& from) {
        const int listener = listen_somewhere();
        for (;;) {
            wait(listener, from);
            for (auto at = clients_.begin(); at != clients_.end();) {
                member_client& each = *at;
                const auto take = [&](const event& found) { this->take(each, found); };
                each.carried.receive(take);
                if (each.carried.peer.carried() == stomp::carried_by::web_socket) each.transport = "ws";
                each.carried.work(take);
                at = each.carried.over() ? leave(at) : std::next(at);
            }
        }
    }

  private:
    using event = stomp::server_connection::event;

    void wait(int listener, commands& from) {
        std::vector<pollfd> files{{STDIN_FILENO, POLLIN, 0}, {listener, POLLIN, 0}};
        sockless::instant until = sockless::no_deadline;
        for (const member_client& each : clients_) {
            files.push_back(each.carried.file());
            until = std::min(until, each.carried.next_deadline());
        }
        ::poll(files.data(), files.size(), milliseconds_until(until));
        if (files[0].revents != 0) from.read();
        if (files[1].revents == 0) return;
        const int socket = ::accept(listener, nullptr, nullptr);
        if (socket < 0) give_up("accept");
        clients_.emplace_back(socket, by_default_ ? stomp::connection_options{} : options_for_cases());
    }

    // Its own interval is short, so that the client's decides.
    static stomp::connection_options options_for_cases() {
        return {.session = {.heart_beat = {100, 100}}, .accept_requests = false};
    }

    std::list<member_client>::iterator leave(std::list<member_client>::iterator at) {
        print("closed", at->closed + member("transport", at->transport) + member("heart_beats", at->heart_beats));
        return clients_.erase(at);
    }

    void take(member_client& from, const event& found) {
        using kind = stomp::server_kind;
        if (found.web_socket.kind == ws::kind::request) answer(from);
        switch (found.kind) {
        case kind::connect: return accept(from, found);
        case kind::send: return take_send(from, found);
        case kind::subscribe:
            from.subscriptions.push_back(
                {found.subscription, std::string(found.destination), found.ack != stomp::ack_mode::automatic});
            return dispatch(from.subscriptions.back().destination);
        case kind::unsubscribe:
            std::erase_if(from.subscriptions, [&](const auto& each) { return each.number == found.subscription; });
            return give_back(extract(from, found.subscription, UINT64_MAX, true));
        case kind::ack:
        case kind::nack: return acknowledge(from, found);
        case kind::begin: from.transactions.try_emplace(std::string(found.transaction)); return;
        case kind::commit:
        case kind::abort: return end_transaction(from, found.transaction, found.kind == kind::commit);
        case kind::heart_beat: ++from.heart_beats; return;
        case kind::closed:
        case kind::lost: return end(from, found.error);
        case kind::late_ack:
        case kind::disconnect:
        case kind::need_input: return;
        }
    }

    static void answer(member_client& from) {
        // W1: the server chooses its best.
        ws::server& web = from.carried.peer.web_socket();
        from.subprotocol = ws::choose_subprotocol(stomp::subprotocols, web.head().fields);
        static_cast<void>(web.accept({.subprotocol = from.subprotocol}));
    }

    void accept(member_client& from, const event& found) const {
        print("connect", member("transport", from.transport) + member("subprotocol", from.subprotocol) +
                             member("login", found.login) + member("host", found.host));
        const bool known = by_default_ || (found.login == "guest" && found.passcode == "guest");
        static_cast<void>(known ? from.session().accept({.session = "session", .server = "sockless/interop"})
                                : from.session().refuse("access refused"));
    }

    void take_send(member_client& from, const event& found) {
        const bool is_known = found.destination.starts_with("/queue/") || found.destination.starts_with("/topic/");
        if (!is_known) return static_cast<void>(from.session().refuse("unknown destination"));
        message made{std::string(found.destination), {}, std::string(found.text())};
        for (const auto& [name, value] : found.headers) {
            if (stomp::is_forwarded(name)) made.headers.emplace_back(name, value);
        }
        if (found.transaction.empty()) return route(std::move(made));
        from.transactions.find(found.transaction)->second.sent.push_back(std::move(made));
    }

    void acknowledge(member_client& from, const event& found) {
        std::vector<delivery> meant = extract(from, found.subscription, found.number, found.cumulative);
        const bool refuses = found.kind == stomp::server_kind::nack;
        if (found.transaction.empty()) {
            if (refuses) give_back(std::move(meant));
            return;
        }
        transaction& in = from.transactions.find(found.transaction)->second;
        std::vector<delivery>& to = refuses ? in.refused : in.acknowledged;
        to.insert(to.end(), meant.begin(), meant.end());
    }

    void end_transaction(member_client& from, std::string_view name, bool commits) {
        const auto found = from.transactions.find(name);
        transaction ended = std::move(found->second);
        from.transactions.erase(found);
        if (commits) {
            for (message& each : ended.sent) route(std::move(each));
            return give_back(std::move(ended.refused));
        }
        for (auto* some : {&ended.acknowledged, &ended.refused}) {
            from.waiting.insert(from.waiting.end(), some->begin(), some->end());
        }
        std::ranges::sort(from.waiting, {}, &delivery::number);
    }

    // S10: transactions that are open are aborted; what was not acknowledged goes to somebody else.
    void end(member_client& from, sockless::error error) {
        const auto open = from.session().transactions();
        from.closed =
            member("error", error.name()) + list("transactions", open) + member("unacknowledged", from.waiting.size());
        while (!from.transactions.empty()) end_transaction(from, from.transactions.begin()->first, false);
        from.subscriptions.clear();
        give_back(std::exchange(from.waiting, {}));
    }

    // Of the messages that the client has, those of a subscription with this number, or up to it.
    static std::vector<delivery> extract(member_client& from, std::uint32_t subscription, std::uint64_t number,
                                         bool cumulative) {
        std::vector<delivery> found, rest;
        for (delivery& each : from.waiting) {
            const bool reached = cumulative ? each.number <= number : each.number == number;
            (each.subscription == subscription && reached ? found : rest).push_back(std::move(each));
        }
        from.waiting = std::move(rest);
        return found;
    }

    void give_back(std::vector<delivery> some) {
        for (auto each = some.rbegin(); each != some.rend(); ++each) {
            message what = std::move(each->what);
            std::erase_if(what.headers, [](const auto& header) { return header.first == "redelivered"; });
            what.headers.emplace_back("redelivered", "true");
            queues_[what.destination].push_front(std::move(what));
        }
        for (auto& [destination, queue] : queues_) dispatch(destination);
    }

    void route(message what) {
        if (!what.destination.starts_with("/topic/")) {
            queues_[what.destination].push_back(what);
            return dispatch(what.destination);
        }
        for (member_client& client : clients_) {
            for (const subscription& each : client.subscriptions) {
                if (each.destination == what.destination) static_cast<void>(deliver(client, each, what));
            }
        }
    }

    void dispatch(const std::string& destination) {
        std::deque<message>& queue = queues_[destination];
        for (member_client& client : clients_) {
            for (const subscription& each : client.subscriptions) {
                while (each.destination == destination && !queue.empty() && deliver(client, each, queue.front())) {
                    queue.pop_front();
                }
            }
        }
    }

    static bool deliver(member_client& to, const subscription& which, const message& what) {
        std::vector<stomp::header> headers;
        for (const auto& [name, value] : what.headers) headers.push_back({name, value});
        const stomp::delivered sent =
            to.session().deliver(which.number, {.destination = what.destination,
                                                .headers = headers,
                                                .body = sockless::bytes_of(std::string_view(what.body))});
        if (!sent.error && which.is_acknowledged) to.waiting.push_back({sent.number, which.number, what});
        return !sent.error;
    }

    bool by_default_;
    std::list<member_client> clients_;
    std::map<std::string, std::deque<message>> queues_;
};

} // namespace

int main(int count, char** arguments) {
    const words all(arguments, arguments + count);
    commands from;
    if (count > 1 && all[1] == "server") broker(count > 2 && all[2] == "default").run(from);
    for (std::string line;;) {
        while (!from.next(line)) from.read();
        const command how(line);
        if (how.verb == "connect") client(how, from).run();
    }
}
