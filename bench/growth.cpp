// Growth: our own rows of many connections, of STOMP in reads of all sizes, and of sessions that hold many names.
// SPDX-License-Identifier: MIT
#include "growth.hpp"

#include <cstdlib>

#include <sockless/stomp/client_session.hpp>
#include <sockless/stomp/parser.hpp>
#include <sockless/stomp/server_session.hpp>
#include <sockless/ws/server.hpp>

#include "handshake.hpp"
#include "stomp.hpp"

namespace bench {
namespace {

class open_server {
  public:
    open_server() {
        std::vector<std::byte> request = received_request();
        sockless::bytes in(request);
        if (server_.next(in).kind != sockless::ws::kind::request || server_.accept()) std::abort();
        server_.sent(server_.output().size());
        // The request stays until the next call.
        if (server_.next(in)) std::abort();
        server_.release_memory();
    }

    template <class Sink>
    void take(std::byte* data, std::size_t size, Sink& sink) {
        sockless::bytes in(data, size);
        while (const auto event = server_.next(in)) {
            if (event.kind != sockless::ws::kind::message) std::abort();
            sink.piece(event.payload.data(), event.payload.size(), true);
        }
    }

  private:
    sockless::ws::server server_;
};

class idle_decoder {
  public:
    template <class Sink>
    void take(std::byte* data, std::size_t size, Sink& sink) {
        sockless::bytes in(data, size);
        while (const auto event = decoder_.next(in)) {
            if (event.kind != sockless::ws::decoder::kind::data) std::abort();
            sink.piece(event.payload.data(), event.payload.size(), event.last);
        }
    }

  private:
    sockless::ws::decoder decoder_{sockless::role::server};
};

// MESSAGE frames in reads of all sizes.
constexpr stomp_workload stomp_growth_workloads[] = {
    {"growth/stomp-reads/1", true, 100, 1},        {"growth/stomp-reads/4", true, 100, 4},
    {"growth/stomp-reads/16", true, 100, 16},      {"growth/stomp-reads/64", true, 100, 64},
    {"growth/stomp-reads/256", true, 100, 256},    {"growth/stomp-reads/1K", true, 100, 1024},
    {"growth/stomp-reads/4K", true, 100, 4096},    {"growth/stomp-reads/16K", true, 100, 16384},
    {"growth/stomp-reads/64K", true, 100, 65536},  {"growth/stomp-reads/256K", true, 100, 262144},
    {"growth/stomp-reads/1M", true, 100, 1048576},
};

template <class Sink>
class stomp_frames {
  public:
    static constexpr rendering headers = rendering::unescaped;

    stomp_frames(const stomp_workload&, Sink& sink) : sink_(sink) {
        parser_.set_version(sockless::stomp::version::v1_2);
    }

    void round(socket& from) {
        from.read_all([this](std::byte* data, std::size_t size) {
            sockless::bytes in(data, size);
            while (const auto event = parser_.next(in)) {
                if (event.kind == sockless::stomp::parser_kind::head) {
                    element(sink_, text_of(event.command));
                    for (const sockless::stomp::header& each : event.headers) {
                        element(sink_, each.name);
                        element(sink_, each.value);
                    }
                } else if (event.kind == sockless::stomp::parser_kind::body) {
                    sink_.piece(event.payload.data(), event.payload.size(), event.last);
                } else if (event.kind == sockless::stomp::parser_kind::error) {
                    std::abort();
                }
            }
        });
    }

  private:
    std::vector<char> memory_ = std::vector<char>(sockless::stomp::limits{}.head);
    sockless::stomp::parser parser_{sockless::span_buffer<char>(memory_)};
    Sink& sink_;
};

// --- STOMP sessions that hold so many subscriptions, messages or receipts

namespace stomp = sockless::stomp;

// Limits that are no limit here.
stomp::options large_limits() {
    stomp::options settings;
    settings.names = 64 * 1024 * 1024;
    settings.subscriptions = settings.unacknowledged = settings.receipts = 1'000'000;
    return settings;
}

// A session that is open, and the frames that it gets. Counts events and bytes.
template <class Session>
class fed_session {
  public:
    fed_session() : peer(large_limits()) { frame_.reserve(200); }

    template <class... Text>
    auto feed(const Text&... parts) {
        frame_.clear();
        ((frame_ += parts), ...);
        frame_ += '\0';
        sockless::bytes in(reinterpret_cast<std::byte*>(frame_.data()), frame_.size());
        const auto event = peer.next(in);
        if (!event || !in.empty()) std::abort();
        ++events;
        bytes += frame_.size();
        return event;
    }

    // What stands for the socket takes all.
    void drain() {
        while (peer.waiting() != 0) peer.sent(peer.output().size());
    }

    Session peer;
    std::uint64_t events = 0;
    std::uint64_t bytes = 0;

  private:
    std::string frame_{};
};

class open_stomp_server : public fed_session<stomp::server_session> {
  public:
    open_stomp_server() {
        feed("CONNECT\naccept-version:1.2\nhost:h\n\n");
        if (peer.accept()) std::abort();
        drain();
    }

    std::uint32_t subscribe(std::uint64_t number, const char* mode) {
        return feed("SUBSCRIBE\nid:sub-", std::to_string(number), "\ndestination:/queue/a\nack:", mode, "\n\n")
            .subscription;
    }
    std::uint64_t deliver(std::uint32_t subscription) {
        const stomp::delivered done = peer.deliver(subscription, {.destination = "/queue/a"});
        if (done.error) std::abort();
        drain();
        return done.number;
    }
};

// The oldest of so many subscriptions ends, and another begins.
class subscribing {
  public:
    explicit subscribing(std::uint64_t held) {
        while (begun_ != held) server_.subscribe(begun_++, "auto");
    }
    void operate() {
        server_.feed("UNSUBSCRIBE\nid:sub-", std::to_string(ended_++), "\n\n");
        server_.subscribe(begun_++, "auto");
    }
    [[nodiscard]] bool is_right(std::uint64_t held) const {
        std::uint64_t expected = ended_;
        for (const std::string_view each : server_.peer.subscriptions()) {
            if (each != "sub-" + std::to_string(expected++)) return false;
        }
        return expected == begun_ && begun_ - ended_ == held;
    }
    [[nodiscard]] std::uint64_t bytes() const { return server_.bytes; }

  private:
    open_stomp_server server_;
    std::uint64_t begun_ = 0;
    std::uint64_t ended_ = 0;
};

// A transaction acknowledges the last of so many messages, and so all of them, and is aborted.
class aborting {
  public:
    explicit aborting(std::uint64_t held) : held_(held) {
        const std::uint32_t to = server_.subscribe(0, "client");
        for (std::uint64_t i = 0; i != held; ++i) server_.deliver(to);
    }
    void operate() {
        server_.feed("BEGIN\ntransaction:t\n\n");
        server_.feed("ACK\nid:", std::to_string(held_), "\ntransaction:t\n\n");
        server_.feed("ABORT\ntransaction:t\n\n");
    }
    [[nodiscard]] bool is_right(std::uint64_t held) const { return server_.peer.unacknowledged() == held; }
    [[nodiscard]] std::uint64_t bytes() const { return server_.bytes; }

  private:
    std::uint64_t held_;
    open_stomp_server server_;
};

// A message goes to the next of so many subscriptions, and is acknowledged.
class delivering {
  public:
    explicit delivering(std::uint64_t held) {
        for (std::uint64_t i = 0; i != held; ++i) to_.push_back(server_.subscribe(i, "client"));
    }
    void operate() {
        const std::uint64_t number = server_.deliver(to_[acknowledged_ % to_.size()]);
        server_.feed("ACK\nid:", std::to_string(number), "\n\n");
        ++acknowledged_;
    }
    [[nodiscard]] bool is_right(std::uint64_t held) const {
        return server_.peer.unacknowledged() == 0 && server_.events == 1 + held + acknowledged_;
    }
    [[nodiscard]] std::uint64_t bytes() const { return server_.bytes; }

  private:
    open_stomp_server server_;
    std::vector<std::uint32_t> to_{};
    std::uint64_t acknowledged_ = 0;
};

// The oldest of so many messages is acknowledged, each of which waited when its subscription ended. Then another
// subscription ends in this way.
class leaving {
  public:
    explicit leaving(std::uint64_t held) {
        for (std::uint64_t i = 0; i != held; ++i) server_.deliver(server_.subscribe(begun_++, "client"));
        while (ended_ != begun_) unsubscribe();
    }
    void operate() {
        const auto late = server_.feed("ACK\nid:", std::to_string(++acknowledged_), "\n\n");
        if (late.kind != stomp::server_kind::late_ack) std::abort();
        server_.deliver(server_.subscribe(begun_++, "client"));
        unsubscribe();
    }
    [[nodiscard]] bool is_right(std::uint64_t held) const {
        return server_.peer.unacknowledged() == 0 && begun_ - acknowledged_ == held && ended_ == begun_;
    }
    [[nodiscard]] std::uint64_t bytes() const { return server_.bytes; }

  private:
    void unsubscribe() { server_.feed("UNSUBSCRIBE\nid:sub-", std::to_string(ended_++), "\n\n"); }

    open_stomp_server server_;
    std::uint64_t begun_ = 0;
    std::uint64_t ended_ = 0;
    std::uint64_t acknowledged_ = 0;
};

// A client asks for a receipt beside so many others, and the oldest comes.
class asking {
  public:
    explicit asking(std::uint64_t held) {
        if (client_.peer.connect({.host = "h"})) std::abort();
        client_.feed("CONNECTED\nversion:1.2\n\n");
        while (asked_ != held) ask();
    }
    void operate() {
        ask();
        client_.feed("RECEIPT\nreceipt-id:message-", std::to_string(come_++), "\n\n");
    }
    [[nodiscard]] bool is_right(std::uint64_t held) const {
        std::uint64_t expected = come_;
        for (const std::string_view each : client_.peer.receipts()) {
            if (each != "message-" + std::to_string(expected++)) return false;
        }
        return expected == asked_ && asked_ - come_ == held;
    }
    [[nodiscard]] std::uint64_t bytes() const { return client_.bytes; }

  private:
    void ask() {
        const std::string receipt = "message-" + std::to_string(asked_++);
        if (client_.peer.send({.destination = "/queue/a", .receipt = receipt})) std::abort();
        client_.drain();
    }

    fed_session<stomp::client_session> client_;
    std::uint64_t asked_ = 0;
    std::uint64_t come_ = 0;
};

struct stomp_session_workload {
    const char* size;
    std::uint64_t held;
};

// Up to the default limits, and four times as many.
constexpr stomp_session_workload of_subscriptions[] = {{"1", 1}, {"250", 250}, {"1K", 1000}, {"4K", 4000}};
constexpr stomp_session_workload of_messages[] = {{"1", 1}, {"2500", 2500}, {"10K", 10'000}, {"40K", 40'000}};

// How much longer four times the work takes, in a session that holds four times as much. Each time is the least of many
// short ones, taken by turns: what else the machine does then counts little.
template <class Session>
double times_as_long(std::uint64_t held) {
    Session few(held / 4), many(held);
    double least_few = 0, least_many = 0;
    const auto time = [](Session& session, double& least) {
        const std::clock_t begin = std::clock();
        for (int i = 0; i != 20'000; ++i) session.operate();
        const auto taken = static_cast<double>(std::clock() - begin);
        if (least == 0 || taken < least) least = taken;
    };
    for (int i = 0; i != 25; ++i) {
        time(few, least_few);
        time(many, least_many);
    }
    return 4 * least_many / least_few;
}

// One row. The last size of a workload also says how much longer four times the work takes, with four times as much
// held: 4 if what is held costs nothing, 16 if all of it is looked at.
template <class Session>
void hold(benchmark::State& state, std::uint64_t held, bool last) {
    constexpr std::uint64_t operations = 1000;
    Session session(held);
    for (std::uint64_t i = 0; i != 2 * held + 100; ++i) session.operate();
    if (!check(state, session.is_right(held))) return;
    if (last) state.counters["times_as_long"] = times_as_long<Session>(held);
    const std::uint64_t before = session.bytes();
    session.operate();
    measure(state, operations, operations * (session.bytes() - before), [&] {
        for (std::uint64_t i = 0; i != operations; ++i) session.operate();
    });
    check(state, session.is_right(held));
}

template <class Session, std::size_t N>
bool add_stomp_sessions(const std::string& what, const stomp_session_workload (&workloads)[N]) {
    for (const stomp_session_workload& workload : workloads) {
        const bool last = &workload == std::end(workloads) - 1;
        add({"growth/stomp-" + what + '/' + workload.size, "sockless",
             [&workload, last](benchmark::State& state) { hold<Session>(state, workload.held, last); }});
    }
    return true;
}

const bool added =
    add_stomp_parser<stomp_frames>("sockless", stomp_growth_workloads) &&
    add_connections<open_server>("connections", "sockless") && add_connections<idle_decoder>("decoders", "sockless") &&
    add_stomp_sessions<subscribing>("subscribe", of_subscriptions) &&
    add_stomp_sessions<delivering>("deliver", of_subscriptions) && add_stomp_sessions<aborting>("abort", of_messages) &&
    add_stomp_sessions<leaving>("late", of_messages) && add_stomp_sessions<asking>("receipts", of_messages);

} // namespace
} // namespace bench
