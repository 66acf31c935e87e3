// Sends every message back: a server on raw callbacks such as lwIP's, in memory that is there from the start. Nothing
// here takes memory from the heap (`tools/check static-memory`).
// SPDX-License-Identifier: MIT
#include "server.hpp"
#include "tcp.hpp"

#include <optional>
#include <sockless.hpp>

namespace {

namespace ws = sockless::ws;
using buffer = sockless::span_buffer<std::byte>;
using endpoint = ws::basic_server<buffer>;

constexpr ws::options settings{.limits = {.message = 1024, .frame = 1024}, .head = {.head = 2048}};

struct connection {
    tcp_pcb* pcb = nullptr;      // none if this place is free
    pbuf* unread = nullptr;      // the stack receives no more than its window, until this was read
    std::uint16_t under_way = 0; // bytes of the output that the stack has, and that are not acknowledged
    bool peer_has_ended = false;
    std::byte input[2048]{};  // a head, or a message in pieces
    std::byte output[4096]{}; // two gaps of which one has room for a message, while `most_waiting` and a segment wait
    std::byte held[TCP_MSS]{};
    std::optional<sockless::driver<endpoint, buffer>> driver{};
};

connection connections[4];
tcp_pcb* listener = nullptr;

// The stack's clock begins again after 49 days.
sockless::instant now() {
    static sockless::instant time = 0;
    time += sys_now() - static_cast<std::uint32_t>(time);
    return time;
}

void forget(connection& on) {
    if (on.unread != nullptr) pbuf_free(on.unread);
    on.driver.reset();
    on.pcb = nullptr;
    on.unread = nullptr;
}

err_t close(connection& on) {
    tcp_pcb* const pcb = on.pcb;
    tcp_recv(pcb, nullptr);
    tcp_sent(pcb, nullptr);
    tcp_poll(pcb, nullptr, 0);
    tcp_err(pcb, nullptr);
    forget(on);
    // Bytes that are under way lie in memory which the next connection gets.
    if (on.under_way == 0 && tcp_close(pcb) == ERR_OK) return ERR_OK;
    tcp_abort(pcb);
    return ERR_ABRT;
}

// After each callback: reads, ticks, writes, ends.
err_t serve(connection& on) {
    auto& driver = *on.driver;
    const auto handle = [&driver](const ws::event& event) {
        sockless::error error;
        if (event.kind == ws::kind::request) error = driver.peer().accept();
        if (event.kind == ws::kind::message) error = driver.peer().send(event.type, event.payload);
        if (error) driver.shut_down();
    };
    while (on.unread != nullptr && driver.reads()) {
        pbuf* const first = on.unread;
        driver.take(sockless::bytes_of(static_cast<std::byte*>(first->payload), first->len), handle);
        tcp_recved(on.pcb, first->len);
        on.unread = first->next;
        if (on.unread != nullptr) pbuf_ref(on.unread);
        pbuf_free(first);
    }
    if (on.peer_has_ended && on.unread == nullptr) driver.finish(handle);
    driver.tick(now(), handle);

    // The stack sends straight out of the endpoint's memory: bytes that were shown stay in place until `sent`.
    while (driver.output().size() > on.under_way) {
        const auto out = driver.output().subspan(on.under_way);
        const std::uint16_t room = tcp_sndbuf(on.pcb);
        const auto size = out.size() < room ? static_cast<std::uint16_t>(out.size()) : room;
        if (size == 0 || tcp_write(on.pcb, out.data(), size, 0) != ERR_OK) break; // again when some was acknowledged
        on.under_way = static_cast<std::uint16_t>(on.under_way + size);
    }
    static_cast<void>(tcp_output(on.pcb)); // if it cannot send now, it tries again by itself
    if (driver.ends_writing()) {
        if (tcp_shutdown(on.pcb, 0, 1) != ERR_OK) driver.abandon(handle);
        driver.did_end_writing();
    }
    return driver.is_over() ? close(on) : ERR_OK;
}

err_t receive(void* argument, tcp_pcb*, pbuf* data, err_t) {
    connection& on = *static_cast<connection*>(argument);
    if (data == nullptr) {
        on.peer_has_ended = true;
    } else if (on.unread == nullptr) {
        on.unread = data;
    } else {
        pbuf_cat(on.unread, data);
    }
    return serve(on);
}

err_t acknowledge(void* argument, tcp_pcb*, std::uint16_t size) {
    connection& on = *static_cast<connection*>(argument);
    on.under_way = static_cast<std::uint16_t>(on.under_way - size);
    on.driver->sent(size);
    return serve(on);
}

err_t wake(void* argument, tcp_pcb*) { return serve(*static_cast<connection*>(argument)); }

void lose(void* argument, err_t) {
    forget(*static_cast<connection*>(argument)); // the stack has freed its part
}

err_t accept(void*, tcp_pcb* pcb, err_t error) {
    if (error != ERR_OK || pcb == nullptr) return error;
    for (connection& on : connections) {
        if (on.pcb != nullptr) continue;
        on.pcb = pcb;
        on.under_way = 0;
        on.peer_has_ended = false;
        on.driver.emplace(endpoint(buffer(on.input), buffer(on.output), settings), buffer(on.held),
                          sockless::driver_options{.most_waiting = 1024});
        tcp_arg(pcb, &on);
        tcp_recv(pcb, receive);
        tcp_sent(pcb, acknowledge);
        tcp_err(pcb, lose);
        tcp_poll(pcb, wake, 1);
        return serve(on);
    }
    return ERR_MEM; // no place is free: the stack resets the connection
}

} // namespace

bool start_server(std::uint16_t port) {
    tcp_pcb* const pcb = tcp_new();
    if (pcb == nullptr) return false;
    listener = tcp_bind(pcb, nullptr, port) == ERR_OK ? tcp_listen(pcb) : nullptr;
    if (listener == nullptr) {
        tcp_abort(pcb);
        return false;
    }
    tcp_accept(listener, accept);
    return true;
}

void stop_server() {
    if (listener != nullptr && tcp_close(listener) == ERR_OK) listener = nullptr;
    for (connection& on : connections) {
        if (on.pcb == nullptr) continue;
        on.driver->shut_down();
        static_cast<void>(serve(on)); // no callback of the stack's runs, so it need not know what became of this
    }
}
