// A unit that uses every codec and nothing else: it refers to no function but mem* (tools/check symbols).
// SPDX-License-Identifier: MIT
#include <sockless/detail/names.hpp>
#include <sockless/http/body.hpp>
#include <sockless/http/errc.hpp>
#include <sockless/http/fields.hpp>
#include <sockless/http/head_parser.hpp>
#include <sockless/http/head_scanner.hpp>
#include <sockless/http/host.hpp>
#include <sockless/http/limits.hpp>
#include <sockless/http/lists.hpp>
#include <sockless/http/status.hpp>
#include <sockless/http/text.hpp>
#include <sockless/http/write_head.hpp>
#include <sockless/stomp/acknowledgements.hpp>
#include <sockless/stomp/command.hpp>
#include <sockless/stomp/errc.hpp>
#include <sockless/stomp/event.hpp>
#include <sockless/stomp/frame_reader.hpp>
#include <sockless/stomp/frames.hpp>
#include <sockless/stomp/head_scanner.hpp>
#include <sockless/stomp/headers.hpp>
#include <sockless/stomp/heart_beat.hpp>
#include <sockless/stomp/limits.hpp>
#include <sockless/stomp/name_records.hpp>
#include <sockless/stomp/owed_receipt.hpp>
#include <sockless/stomp/parser.hpp>
#include <sockless/stomp/version.hpp>
#include <sockless/stomp/writer.hpp>
#include <sockless/utf8.hpp>
#include <sockless/ws/assembler.hpp>
#include <sockless/ws/close_code.hpp>
#include <sockless/ws/decoder.hpp>
#include <sockless/ws/deflate/compression.hpp>
#include <sockless/ws/deflate/message.hpp>
#include <sockless/ws/deflate/negotiation.hpp>
#include <sockless/ws/encode.hpp>
#include <sockless/ws/entropy.hpp>
#include <sockless/ws/errc.hpp>
#include <sockless/ws/event.hpp>
#include <sockless/ws/frame_header.hpp>
#include <sockless/ws/limits.hpp>
#include <sockless/ws/mask.hpp>
#include <sockless/ws/opening.hpp>
#include <sockless/ws/opening/accept_key.hpp>
#include <sockless/ws/opening/check.hpp>
#include <sockless/ws/opening/extended_connect.hpp>
#include <sockless/ws/opening/extensions.hpp>
#include <sockless/ws/opening/faults.hpp>
#include <sockless/ws/opening/fields.hpp>
#include <sockless/ws/opening/names.hpp>
#include <sockless/ws/opening/subprotocols.hpp>
#include <sockless/ws/opening/write.hpp>
#include <sockless/ws/pong.hpp>
#include <sockless/ws/url.hpp>

#include "../support/stored_codec.hpp"

std::uint64_t use_codecs(std::byte* data, std::size_t size) noexcept;

namespace {

using sockless::bytes;
using sockless::cbytes;
namespace http = sockless::http;
namespace stomp = sockless::stomp;
namespace ws = sockless::ws;

// A sum that shows each byte and its place.
std::uint64_t sum_of(cbytes data) noexcept {
    std::uint64_t sum = data.size();
    for (const std::byte byte : data) sum = sum * 31 + std::to_integer<std::uint64_t>(byte);
    return sum;
}

std::uint64_t sum_of(std::string_view text) noexcept { return sum_of(sockless::bytes_of(text)); }

std::uint64_t use_heads(bytes in, http::message_kind kind) noexcept {
    char memory[512];
    http::head_parser parser(kind, sockless::span_buffer<char>(memory));
    const auto event = parser.next(in);
    std::uint64_t sum = sum_of(event.head.target) + sum_of(event.head.reason) + parser.offset();
    for (const auto& field : event.head.fields) sum += sum_of(field.name) * 7 + sum_of(field.value);
    sum += http::has_token(event.head.fields, "Connection", "upgrade") ? 1U : 0U;
    sum += http::is_host(http::first(event.head.fields, "Host")) ? 1U : 0U;
    for (const auto& extension : ws::extension_list(http::first(event.head.fields, "Sec-WebSocket-Extensions"))) {
        sum += sum_of(extension.name);
    }
    sum += sum_of(sockless::error(parser.finish()).sentence());

    http::body_decoder body(http::framing_of(event.head, kind));
    while (const auto piece = body.next(in)) sum += sum_of(piece.data);
    return sum + static_cast<std::uint64_t>(body.finish()) + body.offset();
}

std::uint64_t use_head_writer(bytes room) noexcept {
    http::head_writer writer(room);
    writer.status_line(426).field("Sec-WebSocket-Version", 13).field("Connection", "close");
    return sum_of(room.first(writer.finish("text").size));
}

std::uint64_t use_decoder(bytes in, sockless::role own) noexcept {
    std::byte memory[256];
    ws::decoder decoder(own);
    ws::assembler message{sockless::span_buffer<std::byte>(memory)};
    ws::pongs pongs;
    ws::control_payload ping;
    std::uint64_t sum = 0;
    while (const auto event = decoder.next(in)) {
        sum += sum_of(event.payload) + event.code;
        if (event.kind == ws::decoder::kind::data) {
            bytes whole;
            if (message.add(event, whole) == decltype(message)::status::complete) sum += sum_of(whole);
        } else if (event.kind == ws::decoder::kind::ping) {
            ping.assign(event.payload);
            if (pongs.may_put(event.payload.size())) pongs.put(event.payload.size(), decoder.offset());
            pongs.owe(true);
        }
    }
    pongs.sent(decoder.offset());
    if (pongs.owed()) sum += sum_of(ping.view()) + sum_of(ws::name_of(ws::kind::ping));
    return sum + sum_of(sockless::error(decoder.finish()).name()) + decoder.offset();
}

// Encodes the payload as a client and as a server, and decodes it again.
std::uint64_t use_encoders(cbytes payload, bytes room) noexcept {
    ws::entropy entropy(ws::entropy::seed{std::byte{1}});
    ws::frame_header header{.opcode = ws::opcode::binary};
    std::uint64_t sum = sum_of(room.first(ws::encode(room, header, payload).size));
    header.masked = true;
    if (!entropy.fill(header.masking_key)) return 0;
    const auto masked = ws::encode(room, header, payload);
    sum += use_decoder(room.first(masked.size), sockless::role::server);
    const auto in_place = ws::frame_in_place(room, ws::max_header_size, header);
    sum += sum_of(room.last(in_place.size));
    const auto close = ws::encode_close_payload(room, ws::close_code::going_away, sockless::bytes_of("bye"));
    return sum + sum_of(room.first(close.size));
}

// A whole opening handshake, both sides of it, and the same over HTTP/2.
std::uint64_t use_handshake(bytes room) noexcept {
    static constexpr std::string_view subprotocols[] = {"v12.stomp", "v11.stomp"};
    ws::entropy entropy(ws::entropy::seed{std::byte{1}});
    std::array<std::byte, 16> nonce;
    if (!entropy.fill(nonce)) return 0;
    const auto key = ws::encode_key(nonce);
    char memory[512];

    const auto url = ws::parse_url("ws://me:secret@a?x");
    const auto asked =
        ws::write_request(room, key, {.host = url.authority, .target = url.target, .subprotocols = subprotocols});
    bytes in = room.first(asked.size);
    http::head_parser requests(http::message_kind::request, sockless::span_buffer<char>(memory));
    const auto request = ws::check_request(requests.next(in).head);
    std::uint64_t sum = sum_of(request.error.sentence()) + sum_of(request.key);
    char credentials[40];
    sum += sum_of(ws::write_basic_credentials(credentials, url.userinfo));

    const std::string_view key_text(key.data(), key.size());
    const auto chosen = ws::choose_subprotocol({"v13.stomp", "v11.stomp"}, requests.head().fields);
    const auto accepted =
        ws::write_acceptance(room, key_text, {.subprotocol = chosen, .fields = {{"A", "b"}, {"C", "d"}}});
    in = room.first(accepted.size);
    http::head_parser responses(http::message_kind::response, sockless::span_buffer<char>(memory));
    const auto response = ws::check_response(responses.next(in).head, key_text, "v12.stomp, v11.stomp", {});
    sum += sum_of(response.error.sentence()) + sum_of(response.subprotocol);

    const sockless::field fields[] = {{":method", "CONNECT"}, {":protocol", "websocket"},
                                      {":scheme", "https"},   {":path", "/"},
                                      {":authority", "a"},    {"sec-websocket-version", "13"}};
    sum += sum_of(ws::check_extended_connect(std::span(fields)).error.sentence());
    const auto refused = ws::write_refusal(room, sockless::error(ws::errc::accept_wrong));
    return sum + sum_of(room.first(refused.size));
}

// The negotiation of an offer, on both sides.
std::uint64_t use_deflate_negotiation(const ws::deflate_policy& policy) noexcept {
    char offer_room[ws::max_deflate_text];
    char response_room[ws::max_deflate_text];
    const auto offer = ws::offer_of(policy);
    const sockless::field offered[] = {{"Sec-WebSocket-Extensions", ws::write_deflate_offer(offer_room, offer)}};
    const auto chosen = ws::choose_deflate(std::span(offered), policy);
    const sockless::field response[] = {
        {"Sec-WebSocket-Extensions", ws::write_deflate_response(response_room, chosen.parameters)}};
    const auto found = ws::check_deflate(std::span(response), offered[0].value);
    std::uint64_t sum = sum_of(offered[0].value) * 7 + sum_of(response[0].value);
    for (const sockless::role own : {sockless::role::client, sockless::role::server}) {
        sum = sum * 2 + (ws::is_valid(policy, own) ? 1U : 0U);
    }
    return sum + (found.parameters == chosen.parameters ? 1U : 0U) + sum_of(sockless::error(found.error).sentence());
}

// Deflates a message in two pieces, and inflates it again.
std::uint64_t use_deflate(cbytes payload) noexcept {
    std::byte compressed[64];
    std::byte memory[50];
    sockless::test::stored_deflater to(15, {});
    sockless::test::stored_inflater from;
    ws::message_deflater deflater;
    ws::message_inflater inflater(200);
    inflater.begin(ws::message_type::text);
    std::uint64_t sum = 0;
    for (const bool last : {false, true}) {
        cbytes left = last ? payload.subspan(payload.size() / 3) : payload.first(payload.size() / 3);
        for (bool whole = false; !whole;) {
            const auto made = deflater.next(to, left, last, compressed);
            whole = made.status != ws::deflate_status::need_room;
            cbytes in = cbytes(compressed).first(made.size);
            while (const auto event = inflater.next(from, in, last && whole, memory)) {
                sum += sum_of(event.payload) + sum_of(sockless::error(event.error).name());
                if (event.last || event.kind == ws::decoder::kind::error) break;
            }
        }
    }
    deflater.reset();
    return sum + inflater.size();
}

// Frames in two pieces, the first of which may end in a head.
std::uint64_t use_stomp_parser(bytes in, stomp::version agreed) noexcept {
    char memory[512];
    stomp::parser parser(sockless::span_buffer<char>(memory), {.line = 200, .headers = 20, .head = 512, .body = 1000});
    parser.set_version(agreed);
    std::uint64_t sum = 0;
    for (bytes piece : {in.first(in.size() / 3), in.subspan(in.size() / 3)}) {
        while (const auto event = parser.next(piece)) {
            if (event.kind == stomp::parser_kind::head) {
                const stomp::known_headers known(event.headers);
                sum += sum_of(text_of(event.command)) + sum_of(known.destination) + sum_of(event.headers.find("x"));
                for (const auto& each : event.headers) sum += sum_of(each.name) * 7 + sum_of(each.value);
                sum += parser.keep() ? 1U : 0U;
            }
            sum += sum_of(event.payload) + parser.frame_offset() + sum_of(sockless::error(event.error).sentence());
        }
        sum += parser.headers().empty() ? 1U : 0U;
    }
    return sum + sum_of(sockless::error(parser.finish()).name()) + parser.offset();
}

// The parts of sessions.
std::uint64_t use_parts_of_sessions(bytes in) noexcept {
    std::byte memory[600];
    using buffer = sockless::span_buffer<std::byte>;
    stomp::detail::frame_reader<buffer> reader(buffer(bytes(memory).first(300)), {});
    std::uint64_t sum = 0;
    while (!in.empty()) {
        const auto found = reader.next(in, [](stomp::command) { return stomp::errc::none; });
        sum += sum_of(found.body) + sum_of(found.headers.find("x")) + (found.heart_beat ? 1U : 0U);
        if (found.error != stomp::errc::none) break;
    }
    using names_of_server = sockless::detail::name_list<stomp::detail::server_name, buffer>;
    names_of_server names(buffer(bytes(memory).subspan(300, 150)));
    stomp::detail::acknowledgements<names_of_server, buffer> messages(buffer(bytes(memory).subspan(450)), 9);
    std::string_view id = "0";
    if (names.make_room(id)) names.add({.mode = stomp::ack_mode::client}, id);
    for (std::uint64_t i = 1; messages.add(names, names.find(1), i);) ++i;
    messages.acknowledge(names, messages.find(names, 1));
    sum += names.find(stomp::detail::name_kind::subscription, id).text.size();
    stomp::detail::owed_receipt receipt;
    if (names.has_room({}, 1)) receipt.owe(names, "r");
    sum += sum_of(receipt.id(names));
    receipt.settle(names);
    sum += sum_of(name_of(stomp::server_kind::send)) + sum_of(name_of(stomp::client_kind::lost));
    return sum + messages.size() + static_cast<std::uint64_t>(reader.finish());
}

// Every frame of a version, written and read again.
std::uint64_t use_stomp(bytes room, stomp::version in) noexcept {
    static constexpr stomp::header headers[] = {{"x", "y\\"}, {"z:", ":\n"}};
    std::uint64_t sum = 0;
    const auto take = [&](sockless::written wrote) {
        sum += use_stomp_parser(room.first(wrote.size), in) + wrote.size;
    };
    take(stomp::write(room, stomp::connect_frame{.host = "h", .heart_beat = {1, 2}}));
    take(stomp::write(room, stomp::connected_frame{.version = in, .server = "s/1"}));
    take(stomp::write(room, in, stomp::send_frame{.destination = "/a", .headers = headers, .body = room.last(9)}));
    take(stomp::write(room, in, stomp::subscribe_frame{.id = "0", .destination = "/a"}));
    take(stomp::write(room, in, stomp::unsubscribe_frame{.id = "0", .destination = "/a"}));
    take(stomp::write(room, in, stomp::ack_frame{.id = "1", .message_id = "1", .subscription = "0"}));
    take(stomp::write(room, in, stomp::transaction_frame{.transaction = "t"}));
    take(stomp::write(room, in, stomp::disconnect_frame{.receipt = "r"}));
    const stomp::headers forwarded({"a\0b\0receipt\0r\0", 14});
    take(stomp::write(
        room, in,
        stomp::message_frame{.destination = "/a", .message_id = "1", .subscription = "0", .forwarded = forwarded}));
    take(stomp::write(room, in, stomp::receipt_frame{.receipt_id = "r"}));
    take(
        stomp::write(room, in, stomp::error_frame{.message = "no", .supported = stomp::version_set::of_list("1.1,x")}));
    take(stomp::writer(room, in).begin(stomp::command_of("NACK")).header("id", "1").optional("o", {}).finish());
    sum += use_parts_of_sessions(room);
    const auto beat = stomp::parse_heart_beat("10,20").value;
    return sum + stomp::agreed_interval(beat.sends, beat.wants) + (stomp::is_stomp("v12.stomp") ? 1U : 0U);
}

} // namespace

/// Runs each codec over the bytes, which it changes, and sums up what came out. `size` is at least 256.
std::uint64_t use_codecs(std::byte* data, std::size_t size) noexcept {
    static constexpr std::string_view request = "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
                                                "Sec-WebSocket-Extensions: x; y=\"z\", w\r\n\r\n";
    static constexpr std::string_view response = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                                 "3\r\nabc\r\n0\r\n\r\n";
    const bytes all(data, size);
    std::byte room[1024]{};
    std::uint64_t sum = use_encoders(all.first(256), room) + use_head_writer(room) + use_handshake(room);
    sum += sockless::is_utf8(all) ? 1U : 0U;
    sum += use_deflate(all.first(256)) + use_deflate(sockless::bytes_of(request));
    sum += use_deflate_negotiation({}) + use_deflate_negotiation({.wanted = {true, true, 10, 11}});
    for (const sockless::role own : {sockless::role::client, sockless::role::server}) sum += use_decoder(all, own);
    for (const auto each :
         {stomp::version::unknown, stomp::version::v1_0, stomp::version::v1_1, stomp::version::v1_2}) {
        sum += use_stomp(room, each);
    }
    sockless::detail::copy(data, request.data(), request.size());
    sum += use_heads(all, http::message_kind::request);
    sockless::detail::copy(data, response.data(), response.size());
    return sum + use_heads(all, http::message_kind::response);
}
