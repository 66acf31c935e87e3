// Rows of Boost.Beast: its websocket::stream over memory, and its parts.
// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <string>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>

#include "decode.hpp"
#include "encode.hpp"
#include "handshake.hpp"
#include "octets.hpp"

namespace beast_memory {

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;

// A stream that the handshake goes through at first, and then what is decoded, or encoded.
class stream {
  public:
    using executor_type = asio::io_context::executor_type;

    explicit stream(asio::io_context& context) : executor_(context.get_executor()) {}

    [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }

    bench::socket* from = nullptr; // where bytes are read, or null while the handshake lasts
    std::byte* to = nullptr;       // where bytes are written, likewise

    template <class Buffers>
    std::size_t read_some(const Buffers& buffers, boost::system::error_code& error) {
        error = {};
        if (from == nullptr) return asio::buffer_copy(buffers, asio::buffer(answer()));
        for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers); ++at) {
            const asio::mutable_buffer buffer = *at;
            if (buffer.size() != 0) return from->read(static_cast<std::byte*>(buffer.data()), buffer.size());
        }
        return 0;
    }
    template <class Buffers>
    std::size_t read_some(const Buffers& buffers) {
        boost::system::error_code error;
        return read_some(buffers, error);
    }

    template <class Buffers>
    std::size_t write_some(const Buffers& buffers, boost::system::error_code& error) {
        error = {};
        if (to == nullptr) {
            sent_ += boost::beast::buffers_to_string(buffers);
            return asio::buffer_size(buffers);
        }
        const std::size_t size = asio::buffer_copy(asio::buffer(to, asio::buffer_size(buffers)), buffers);
        to += size;
        return size;
    }
    template <class Buffers>
    std::size_t write_some(const Buffers& buffers) {
        boost::system::error_code error;
        return write_some(buffers, error);
    }

  private:
    // What a server says to the request that was sent.
    [[nodiscard]] std::string answer() const {
        constexpr char name[] = "Sec-WebSocket-Key: ";
        const std::string key = sent_.substr(sent_.find(name) + sizeof name - 1, 24);
        websocket::detail::sec_ws_accept_type accept;
        websocket::detail::make_sec_ws_accept(accept, key);
        return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Accept: " +
               std::string(accept.data(), accept.size()) + "\r\n\r\n";
    }

    executor_type executor_;
    std::string sent_;
};

inline void teardown(boost::beast::role_type, stream&, boost::system::error_code& error) { error = {}; }
inline void beast_close_socket(stream&) {}

// An open connection.
class connection {
  public:
    explicit connection(bool server) {
        if (server) {
            websocket::request_type request(boost::beast::http::verb::get, "/", 11);
            request.set("Host", "localhost");
            request.set("Upgrade", "websocket");
            request.set("Connection", "Upgrade");
            request.set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
            request.set("Sec-WebSocket-Version", "13");
            peer.accept(request);
        } else {
            peer.handshake("localhost", "/");
        }
        peer.auto_fragment(false);
        peer.text(true);
    }

  private:
    asio::io_context context_;

  public:
    websocket::stream<stream> peer{context_};
};

} // namespace beast_memory

namespace bench {
namespace {

using beast_memory::connection;
namespace detail = boost::beast::websocket::detail;
namespace http = boost::beast::http;

template <class Sink>
class beast_decoder {
  public:
    beast_decoder(decoding_role role, Sink& sink) : connection_(role == decoding_role::server), sink_(sink) {}

    void round(socket& from) {
        connection_.peer.next_layer().from = &from;
        from.rewind();
        // It reads ahead, so the end of the stream is not the end of the messages.
        for (std::uint64_t messages = 0; messages != from.messages();) {
            const std::size_t size = connection_.peer.read_some(boost::asio::buffer(memory_));
            const bool last = connection_.peer.is_message_done();
            sink_.piece(memory_.data(), size, last);
            messages += last ? 1 : 0;
        }
    }

  private:
    connection connection_;
    std::vector<std::byte> memory_{65536};
    Sink& sink_;
};

class beast_encoder {
  public:
    explicit beast_encoder(bool masked) : connection_(!masked) {}

    std::byte* encode(std::byte* out, const std::byte* payload, std::size_t size, std::uint32_t) {
        connection_.peer.next_layer().to = out;
        connection_.peer.write(boost::asio::buffer(payload, size));
        return connection_.peer.next_layer().to;
    }

  private:
    connection connection_;
};

bool is_utf8(const std::byte* data, std::size_t size) {
    detail::utf8_checker checker;
    return checker.write(reinterpret_cast<const std::uint8_t*>(data), size) && checker.finish();
}

void mask_in_place(std::byte* data, std::size_t size, std::uint32_t key) {
    detail::prepared_key prepared;
    detail::prepare_key(prepared, key);
    detail::mask_inplace(boost::asio::buffer(data, size), prepared);
}

using request_parser = http::request_parser<http::empty_body>;

void parse(request_parser& parser, const std::byte* data, std::size_t size) {
    boost::system::error_code error;
    parser.put(boost::asio::buffer(data, size), error);
    if (error || !parser.is_header_done()) std::abort();
}

template <class Sink>
struct beast_head {
    static void parse(const std::byte* data, std::size_t size, Sink& sink) {
        request_parser parser;
        bench::parse(parser, data, size);
        const auto view = [](const auto& text) { return std::string_view(text.data(), text.size()); };
        piece(sink, view(parser.get().method_string()), false);
        piece(sink, view(parser.get().target()), true);
        for (const auto& field : parser.get()) {
            piece(sink, view(field.name_string()), false);
            piece(sink, view(field.value()), true);
        }
    }
};

std::size_t answer(const std::byte* data, std::size_t size, char* out) {
    static boost::asio::io_context context;
    request_parser parser;
    parse(parser, data, size);
    boost::beast::websocket::stream<beast_memory::stream> peer(context);
    peer.next_layer().to = reinterpret_cast<std::byte*>(out);
    peer.accept(parser.get());
    return static_cast<std::size_t>(reinterpret_cast<char*>(peer.next_layer().to) - out);
}

void accept_key(std::string_view key, char* out) {
    detail::sec_ws_accept_type accept;
    detail::make_sec_ws_accept(accept, {key.data(), key.size()});
    std::memcpy(out, accept.data(), accept.size());
}

const bool added = add_decoder<beast_decoder>("beast", decode_workloads) && add_encoder<beast_encoder>("beast") &&
                   add_utf8<is_utf8>("beast") && add_mask<mask_in_place>("beast") && add_head<beast_head>("beast") &&
                   add_answer<answer>("beast") && add_accept_key<accept_key>("beast");

} // namespace
} // namespace bench
