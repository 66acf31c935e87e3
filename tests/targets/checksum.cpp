// Prints a number that depends on all that the codecs and the endpoints give out. It is the same on every machine.
// SPDX-License-Identifier: MIT
#include <sockless.hpp>

#include <cstdio>
#include <vector>

// Of tests/headers/codecs.cpp.
std::uint64_t use_codecs(std::byte* data, std::size_t size) noexcept;

namespace {

using sockless::bytes;
namespace stomp = sockless::stomp;
namespace ws = sockless::ws;

class checksum {
  public:
    void add(std::uint64_t number) noexcept { sum_ = (sum_ ^ number) * 0x100000001b3U; }
    void add(std::string_view text) noexcept {
        for (const char c : text) add(static_cast<unsigned char>(c));
        add(text.size());
    }
    [[nodiscard]] std::uint64_t value() const noexcept { return sum_; }

  private:
    std::uint64_t sum_ = 0xcbf29ce484222325U;
};

struct random_octets {
    std::byte operator()() noexcept {
        state = state * 6364136223846793005U + 1442695040888963407U;
        return static_cast<std::byte>(state >> 56U);
    }
    std::uint64_t state;
};

using octets = std::vector<std::byte>;

octets some(std::size_t size, std::uint64_t seed) {
    octets all(size);
    random_octets next{seed};
    for (std::byte& each : all) each = next();
    return all;
}

// Stands for a socket.
template <class Endpoint>
octets sent_by(Endpoint& from, checksum& sum) {
    octets all;
    for (auto out = from.output(); !out.empty(); out = from.output()) {
        all.insert(all.end(), out.begin(), out.end());
        from.sent(out.size());
    }
    sum.add(sockless::text_of(all));
    return all;
}

// Lets both ends handle what the other has sent, in pieces, until neither sends any more.
template <class Client, class Server, class ToClient, class ToServer>
void run(Client& client, Server& server, checksum& sum, ToClient to_client, ToServer to_server) {
    const auto feed = [](auto& to, octets& text, auto& handle) {
        constexpr std::size_t piece = 1000;
        for (std::size_t at = 0; at < text.size(); at += piece) {
            const std::size_t size = text.size() - at < piece ? text.size() - at : piece;
            bytes in(text.data() + at, size);
            while (const auto event = to.next(in)) handle(event);
        }
    };
    for (;;) {
        octets request = sent_by(client, sum);
        feed(server, request, to_server);
        octets answer = sent_by(server, sum);
        feed(client, answer, to_client);
        if (request.empty() && answer.empty()) return;
    }
}

void run_web_socket(checksum& sum) {
    ws::client client(ws::entropy(ws::entropy::seed{std::byte{7}}));
    ws::server server;
    std::size_t size = 0;
    const auto send_next = [&] {
        size = size * 3 / 2 + 1;
        const octets payload = some(size, size);
        const auto error = size < 100'000 ? client.send(ws::message_type::binary, payload) : client.close(1000, "bye");
        sum.add(error.name());
    };
    const auto to_client = [&](const ws::event& event) {
        sum.add(name_of(event.kind));
        sum.add(sockless::text_of(event.payload));
        if (event.kind == ws::kind::open || event.kind == ws::kind::message) send_next();
    };
    const auto to_server = [&](const ws::event& event) {
        sum.add(name_of(event.kind));
        if (event.kind == ws::kind::request) sum.add(server.accept().name());
        if (event.kind == ws::kind::message) sum.add(server.send(event.type, event.payload).name());
    };
    sum.add(client.request({.host = "example.com"}).name());
    run(client, server, sum, to_client, to_server);
    sum.add(server.done() ? 1U : 0U);
}

void run_stomp(checksum& sum) {
    // More messages than there are addresses for, if those have 32 bits.
    stomp::server_session server({.unacknowledged = 1U << 28U});
    stomp::client_session client;
    std::size_t count = 0;
    const auto to_client = [&](const stomp::client_event& event) {
        sum.add(name_of(event.kind));
        sum.add(event.text());
        if (event.kind == stomp::client_kind::connected) {
            sum.add(client.subscribe({.id = "0", .destination = "/a", .ack = stomp::ack_mode::client}).name());
        } else if (event.kind == stomp::client_kind::message) {
            if (++count % 8 == 0) sum.add(client.ack({.id = event.ack}).name());
            if (count == 50) sum.add(client.disconnect().name());
        }
    };
    const auto to_server = [&](const stomp::server_event& event) {
        sum.add(name_of(event.kind));
        sum.add(event.number);
        if (event.kind == stomp::server_kind::connect) sum.add(server.accept().name());
        if (event.kind != stomp::server_kind::subscribe) return;
        for (std::size_t i = 0; i != 50; ++i) {
            const octets body = some(i * 40, i);
            const auto sent = server.deliver(event.subscription, {.destination = "/a", .body = body});
            sum.add(sent.error.name());
            sum.add(sent.number);
        }
    };
    sum.add(client.connect({.host = "example.com"}).name());
    run(client, server, sum, to_client, to_server);
    sum.add(server.done() ? 1U : 0U);
}

} // namespace

int main() {
    checksum sum;
    for (std::size_t i = 0; i != 20; ++i) {
        octets data = some(4000 + i, i);
        // Text and zeros take other ways than noise.
        for (std::byte& each : data) {
            if (i % 3 == 1) each &= std::byte{0x7F};
            if (i % 3 == 2) each = std::byte{0};
        }
        sum.add(use_codecs(data.data(), data.size()));
        sum.add(sockless::text_of(data));
    }
    run_web_socket(sum);
    run_stomp(sum);
    std::printf("%016llx\n", static_cast<unsigned long long>(sum.value()));
    return 0;
}
