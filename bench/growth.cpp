// Growth: our own rows of many connections, and of STOMP in reads of all sizes.
// SPDX-License-Identifier: MIT
#include "growth.hpp"

#include <cstdlib>

#include <sockless/stomp/parser.hpp>
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

const bool added = add_stomp_parser<stomp_frames>("sockless", stomp_growth_workloads) &&
                   add_connections<open_server>("connections", "sockless") &&
                   add_connections<idle_decoder>("decoders", "sockless");

} // namespace
} // namespace bench
