// Rows of wslay, by its event interface.
// SPDX-License-Identifier: MIT
#include <cstdlib>

#include <wslay/wslay.h>

#include "decode.hpp"
#include "encode.hpp"

namespace bench {
namespace {

// A context that reads from a socket, and gives messages to a sink.
template <class Sink>
class wslay_decoder {
  public:
    wslay_decoder(decoding_role role, Sink& sink) : sink_(sink) {
        wslay_event_callbacks callbacks{};
        callbacks.recv_callback = receive;
        callbacks.on_msg_recv_callback = message;
        const auto init =
            role == decoding_role::server ? wslay_event_context_server_init : wslay_event_context_client_init;
        if (init(&context_, &callbacks, this) != 0) std::abort();
    }
    wslay_decoder(const wslay_decoder&) = delete;
    wslay_decoder& operator=(const wslay_decoder&) = delete;
    ~wslay_decoder() { wslay_event_context_free(context_); }

    void round(socket& from) {
        from_ = &from;
        from.rewind();
        while (!from.at_end()) wslay_event_recv(context_);
    }

  private:
    static ssize_t receive(wslay_event_context_ptr context, std::uint8_t* to, std::size_t room, int, void* self) {
        const std::size_t size = static_cast<wslay_decoder*>(self)->from_->read(reinterpret_cast<std::byte*>(to), room);
        if (size != 0) return static_cast<ssize_t>(size);
        wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    static void message(wslay_event_context_ptr, const wslay_event_on_msg_recv_arg* arg, void* self) {
        static_cast<wslay_decoder*>(self)->sink_.piece(reinterpret_cast<const std::byte*>(arg->msg), arg->msg_length,
                                                       true);
    }

    wslay_event_context_ptr context_ = nullptr;
    socket* from_ = nullptr;
    Sink& sink_;
};

class wslay_encoder {
  public:
    explicit wslay_encoder(bool masked) {
        wslay_event_callbacks callbacks{};
        callbacks.genmask_callback = [](wslay_event_context_ptr, std::uint8_t* to, std::size_t size, void* self) {
            std::memcpy(to, &static_cast<wslay_encoder*>(self)->key_, size);
            return 0;
        };
        callbacks.send_callback = [](wslay_event_context_ptr, const std::uint8_t* from, std::size_t size, int,
                                     void* self) {
            auto& to = static_cast<wslay_encoder*>(self)->to_;
            std::memcpy(to, from, size);
            to += size;
            return static_cast<ssize_t>(size);
        };
        const auto init = masked ? wslay_event_context_client_init : wslay_event_context_server_init;
        if (init(&context_, &callbacks, this) != 0) std::abort();
    }
    wslay_encoder(const wslay_encoder&) = delete;
    wslay_encoder& operator=(const wslay_encoder&) = delete;
    ~wslay_encoder() { wslay_event_context_free(context_); }

    std::byte* encode(std::byte* out, const std::byte* payload, std::size_t size, std::uint32_t key) {
        key_ = key;
        const wslay_event_msg message{WSLAY_TEXT_FRAME, reinterpret_cast<const std::uint8_t*>(payload), size};
        wslay_event_queue_msg(context_, &message);
        to_ = out;
        wslay_event_send(context_);
        return to_;
    }

  private:
    wslay_event_context_ptr context_ = nullptr;
    std::uint32_t key_ = 0;
    std::byte* to_ = nullptr;
};

const bool added = add_decoder<wslay_decoder>("wslay", decode_workloads) && add_encoder<wslay_encoder>("wslay");

} // namespace
} // namespace bench
