// A client and a server that compress, on any terms: what one sends is what the other receives, at any split.
// SPDX-License-Identifier: MIT
#include "endpoint.hpp"

using namespace sockless;
using namespace sockless::fuzz;

namespace {

// Joins what one side receives, and compares it with what the other has sent.
class receiver {
  public:
    void expect(ws::message_type type, cbytes payload, bool last) {
        if (sent_.empty() || sent_.back().ended) sent_.push_back({type, {}, false});
        sent_.back().content += text_of(payload);
        sent_.back().ended = last;
    }

    void take(const ws::event& event) {
        promise(event.kind != ws::kind::closed, "nobody fails");
        if (event.kind != ws::kind::message && event.kind != ws::kind::piece) return;
        promise(received_ != sent_.size(), "nothing comes that was not sent");
        const message& expected = sent_[received_];
        promise(event.type == expected.type, "the type is the same");
        content_ += text_of(event.payload);
        promise(expected.content.starts_with(content_), "the content is the same");
        if (!event.last) return;
        promise(expected.ended && content_ == expected.content, "a message ends where it ended");
        content_.clear();
        ++received_;
    }

    [[nodiscard]] bool has_all() const {
        return received_ == sent_.size() || (received_ + 1 == sent_.size() && !sent_.back().ended);
    }

  private:
    struct message {
        ws::message_type type;
        std::string content;
        bool ended;
    };

    std::vector<message> sent_{};
    std::size_t received_ = 0;
    std::string content_{};
};

template <class From, class To>
void carry(From& from, To& to, const std::vector<unsigned>& sizes, receiver& into) {
    const std::string wire(text_of(from.output()));
    from.sent(wire.size());
    feed_cut(bytes_of(std::string_view(wire)), sizes, [&](bytes piece) {
        while (const ws::event event = to.next(piece)) {
            into.take(event);
            if constexpr (requires { to.accept(); }) {
                if (event.kind == ws::kind::request) promise(!to.accept(), "the request is accepted");
            }
        }
    });
}

// Sends a part of the stream, of a kind and size that the step says.
template <class Peer>
void send(Peer& peer, cbytes& stream, unsigned step, bool& open, receiver& at) {
    constexpr ws::compressed hows[] = {ws::compressed::always, ws::compressed::automatic, ws::compressed::never};
    constexpr std::size_t sizes[] = {0, 1, 10, 100, 1000, 65536, 17, 300};
    const std::size_t wanted = sizes[step & 7U];
    const cbytes part = stream.first(wanted < stream.size() ? wanted : stream.size());
    stream = stream.subspan(part.size());
    const bool last = (step & 8U) == 0;
    const error refused = peer.send_piece(ws::message_type::binary, part, last, hows[(step >> 4U) % 3]);
    promise(!refused, "what is sent fits");
    at.expect(ws::message_type::binary, part, last);
    open = !last;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    input from(data, size, 24);
    const unsigned flags = from.setting();
    const ws::deflate_policy client_policy = policy_from(from), server_policy = policy_from(from);
    const std::vector<unsigned> sizes = from.several(5), script = from.several(16);
    ws::zlib_pool pool(flags & 3U);
    ws::zlib_pool* const shared = (flags & 4U) != 0 ? &pool : nullptr;
    ws::options how;
    how.whole_messages = (flags & 8U) == 0;

    ws::zlib_client client(ws::entropy(ws::entropy::seed{std::byte{1}}), how,
                           ws::zlib_compression(client_policy, shared));
    ws::zlib_server server(how, ws::zlib_compression(server_policy, shared));
    receiver to_client, to_server;
    promise(!client.request({.host = "h"}), "the request is made");
    carry(client, server, sizes, to_server);
    carry(server, client, sizes, to_client);
    promise(client.is_open() && server.is_open(), "both are open");
    promise(client.compression().agreement().parameters == server.compression().agreement().parameters,
            "both know the same terms");

    cbytes stream = from.stream();
    bool client_sends = false, server_sends = false;
    for (std::size_t turn = 0; turn != 200 && !stream.empty(); ++turn) {
        const unsigned step = script[turn % script.size()];
        if ((step & 64U) == 0) {
            send(client, stream, step, client_sends, to_server);
        } else {
            send(server, stream, step, server_sends, to_client);
        }
        if ((step & 128U) == 0) continue;
        carry(client, server, sizes, to_server);
        carry(server, client, sizes, to_client);
        client.release_memory();
        server.release_memory();
    }
    carry(client, server, sizes, to_server);
    carry(server, client, sizes, to_client);
    promise(to_client.has_all() && to_server.has_all(), "all that was sent was received");
    return 0;
}
