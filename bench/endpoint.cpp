// Whole messages through an endpoint that is open: our own rows.
// SPDX-License-Identifier: MIT
#include <cstdlib>

#include <sockless/ws/server.hpp>

#include "decode.hpp"
#include "handshake.hpp"

namespace bench {
namespace {

template <class Sink>
class sockless_server {
  public:
    sockless_server(decoding_role, Sink& sink) : sink_(sink) {
        std::vector<std::byte> request = received_request();
        sockless::bytes in(request);
        if (server_.next(in).kind != sockless::ws::kind::request || server_.accept()) std::abort();
        server_.sent(server_.output().size());
    }

    void round(socket& from) {
        from.read_all([this](std::byte* data, std::size_t size) {
            sockless::bytes in(data, size);
            while (const auto event = server_.next(in)) {
                if (event.kind != sockless::ws::kind::message) std::abort();
                sink_.piece(event.payload.data(), event.payload.size(), true);
            }
        });
    }

  private:
    sockless::ws::server server_;
    Sink& sink_;
};

// A connection comes, is accepted, and its answer is sent.
std::size_t accept(std::byte* data, std::size_t size, char* out) {
    sockless::ws::server server;
    sockless::bytes in(data, size);
    if (server.next(in).kind != sockless::ws::kind::request || server.accept()) std::abort();
    const sockless::cbytes answer = server.output();
    std::memcpy(out, answer.data(), answer.size());
    server.sent(answer.size());
    return answer.size();
}

const bool added =
    add_decoder<sockless_server>("sockless", endpoint_workloads) && add_answer<accept>("sockless", "handshake/server");

} // namespace
} // namespace bench
