// Rows of websocketpp: its processor for the protocol of RFC 6455. C++17, as it does not compile as C++20.
// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <memory>

#include <websocketpp/config/core.hpp>
#include <websocketpp/processors/hybi13.hpp>

#include "decode.hpp"
#include "encode.hpp"
#include "handshake.hpp"
#include "octets.hpp"

namespace bench {
namespace {

struct generator {
    std::uint32_t operator()() { return static_cast<std::uint32_t>(from.next()); }
    numbers from{1};
};

struct config : websocketpp::config::core {
    using rng_type = generator;
};

using manager = config::con_msg_manager_type;

struct processor {
    explicit processor(bool server) : peer(false, server, messages, random) {}

    std::shared_ptr<manager> messages = std::make_shared<manager>();
    generator random;
    websocketpp::processor::hybi13<config> peer;
};

template <class Sink>
class websocketpp_decoder {
  public:
    websocketpp_decoder(decoding_role role, Sink& sink) : processor_(role == decoding_role::server), sink_(sink) {}

    void round(socket& from) {
        from.read_all([this](std::byte* data, std::size_t size) {
            auto* at = reinterpret_cast<std::uint8_t*>(data);
            while (size != 0) {
                std::error_code error;
                const std::size_t taken = processor_.peer.consume(at, size, error);
                if (error) std::abort();
                at += taken;
                size -= taken;
                if (!processor_.peer.ready()) continue;
                const auto message = processor_.peer.get_message();
                const std::string& payload = message->get_payload();
                sink_.piece(reinterpret_cast<const std::byte*>(payload.data()), payload.size(), true);
            }
        });
    }

  private:
    processor processor_;
    Sink& sink_;
};

class websocketpp_encoder {
  public:
    explicit websocketpp_encoder(bool masked) : processor_(!masked) {}

    std::byte* encode(std::byte* out, const std::byte* payload, std::size_t size, std::uint32_t) {
        const auto in = processor_.messages->get_message(websocketpp::frame::opcode::text, size);
        in->append_payload(payload, size);
        const auto frame = processor_.messages->get_message();
        if (processor_.peer.prepare_data_frame(in, frame)) std::abort();
        for (const std::string* part : {&frame->get_header(), &frame->get_payload()}) {
            std::memcpy(out, part->data(), part->size());
            out += part->size();
        }
        return out;
    }

  private:
    processor processor_;
};

bool is_utf8(const std::byte* data, std::size_t size) {
    const auto* const at = reinterpret_cast<const std::uint8_t*>(data);
    websocketpp::utf8_validator::validator checker;
    return checker.decode(at, at + size) && checker.complete();
}

void parse(config::request_type& request, const std::byte* data, std::size_t size) {
    request.consume(reinterpret_cast<const char*>(data), size);
    if (!request.ready()) std::abort();
}

std::size_t answer(const std::byte* data, std::size_t size, char* out) {
    config::request_type request;
    parse(request, data, size);
    processor made(true);
    config::response_type response;
    if (made.peer.validate_handshake(request) || made.peer.process_handshake(request, "", response)) std::abort();
    response.set_version("HTTP/1.1");
    response.set_status(websocketpp::http::status_code::switching_protocols);
    const std::string text = response.raw();
    std::memcpy(out, text.data(), text.size());
    return text.size();
}

const bool added = add_decoder<websocketpp_decoder>("websocketpp", decode_workloads) &&
                   add_encoder<websocketpp_encoder>("websocketpp") && add_utf8<is_utf8>("websocketpp") &&
                   add_answer<answer>("websocketpp");

} // namespace
} // namespace bench
