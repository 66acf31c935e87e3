// The part of lwIP's raw interface that the example uses, with its names, for a stack that stands in for it. With lwIP
// this is <lwip/tcp.h>.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

using err_t = std::int8_t;
constexpr err_t ERR_OK = 0, ERR_MEM = -1, ERR_ABRT = -13, ERR_RST = -14;

constexpr std::uint16_t TCP_MSS = 536;         // bytes in a segment
constexpr std::uint16_t TCP_WND = 4 * 536;     // bytes that the stack receives before they are taken
constexpr std::uint16_t TCP_SND_BUF = 2 * 536; // bytes that the stack sends before they are acknowledged

struct pbuf {
    pbuf* next;
    void* payload;
    std::uint16_t tot_len;
    std::uint16_t len;
    std::uint8_t ref;
};

void pbuf_ref(pbuf* p);
std::uint8_t pbuf_free(pbuf* p);
void pbuf_cat(pbuf* head, pbuf* tail);

struct tcp_pcb;

using tcp_accept_fn = err_t (*)(void* arg, tcp_pcb* pcb, err_t error);
using tcp_recv_fn = err_t (*)(void* arg, tcp_pcb* pcb, pbuf* p, err_t error);
using tcp_sent_fn = err_t (*)(void* arg, tcp_pcb* pcb, std::uint16_t size);
using tcp_poll_fn = err_t (*)(void* arg, tcp_pcb* pcb);
using tcp_err_fn = void (*)(void* arg, err_t error);

tcp_pcb* tcp_new();
err_t tcp_bind(tcp_pcb* pcb, const void* address, std::uint16_t port);
tcp_pcb* tcp_listen(tcp_pcb* pcb);
void tcp_accept(tcp_pcb* pcb, tcp_accept_fn accept);
void tcp_arg(tcp_pcb* pcb, void* arg);
void tcp_recv(tcp_pcb* pcb, tcp_recv_fn recv);
void tcp_sent(tcp_pcb* pcb, tcp_sent_fn sent);
void tcp_poll(tcp_pcb* pcb, tcp_poll_fn poll, std::uint8_t half_seconds);
void tcp_err(tcp_pcb* pcb, tcp_err_fn error);
std::uint16_t tcp_sndbuf(const tcp_pcb* pcb);
err_t tcp_write(tcp_pcb* pcb, const void* data, std::uint16_t size, std::uint8_t flags);
err_t tcp_output(tcp_pcb* pcb);
void tcp_recved(tcp_pcb* pcb, std::uint16_t size);
err_t tcp_shutdown(tcp_pcb* pcb, int receiving, int sending);
err_t tcp_close(tcp_pcb* pcb);
void tcp_abort(tcp_pcb* pcb);
std::uint32_t sys_now(); // milliseconds
