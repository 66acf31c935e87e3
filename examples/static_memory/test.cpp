// Runs server.cpp without a network: a stack that stands in for lwIP, and clients that send in small pieces,
// acknowledge little at a time, vanish, and say nothing. Ends with 0 if all went as it should. SPDX-License-Identifier:
// MIT
#include "server.hpp"
#include "tcp.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <random>
#include <sockless.hpp>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace ws = sockless::ws;

void check(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "static_memory: %s\n", what);
    std::exit(1);
}

std::mt19937 generator(1);

// A number from 1 to `most`.
std::size_t some(std::size_t most) { return 1 + generator() % most; }

std::uint32_t clock_now = 0xFFFF'FF00; // it begins again soon

} // namespace

// --- The stack -------------------------------------------------------------------------------------------------------

// Bytes that were written, where the server has them, and as they were then.
struct segment {
    const char* place;
    std::string content;
};

struct tcp_pcb {
    void* argument = nullptr;
    tcp_accept_fn accept = nullptr;
    tcp_recv_fn recv = nullptr;
    tcp_sent_fn sent = nullptr;
    tcp_poll_fn poll = nullptr;
    tcp_err_fn error = nullptr;
    std::size_t window = TCP_WND;
    std::size_t unacknowledged = 0;
    std::deque<segment> segments{};
    bool writing_ended = false;
    bool is_gone = false; // the server has closed it
    bool was_aborted = false;
};

namespace {

tcp_pcb listening;
bool is_listening = false;
int pbufs = 0;

pbuf* make_chain(std::string_view data) {
    pbuf *first = nullptr, *last = nullptr;
    while (!data.empty()) {
        const auto size = static_cast<std::uint16_t>(std::min(data.size(), some(some(TCP_MSS))));
        auto* const next = new pbuf{nullptr, new char[size], static_cast<std::uint16_t>(data.size()), size, 1};
        std::copy_n(data.data(), size, static_cast<char*>(next->payload));
        data.remove_prefix(size);
        (first == nullptr ? first : last->next) = next;
        last = next;
        ++pbufs;
    }
    return first;
}

} // namespace

void pbuf_ref(pbuf* p) { ++p->ref; }

std::uint8_t pbuf_free(pbuf* p) {
    std::uint8_t count = 0;
    while (p != nullptr && --p->ref == 0) {
        pbuf* const next = p->next;
        delete[] static_cast<char*>(p->payload);
        delete p;
        --pbufs;
        ++count;
        p = next;
    }
    return count;
}

void pbuf_cat(pbuf* head, pbuf* tail) {
    for (;; head = head->next) {
        head->tot_len = static_cast<std::uint16_t>(head->tot_len + tail->tot_len);
        if (head->next == nullptr) break;
    }
    head->next = tail;
}

tcp_pcb* tcp_new() { return &listening; }
err_t tcp_bind(tcp_pcb*, const void*, std::uint16_t) { return ERR_OK; }
tcp_pcb* tcp_listen(tcp_pcb* pcb) {
    is_listening = true;
    return pcb;
}
void tcp_accept(tcp_pcb* pcb, tcp_accept_fn accept) { pcb->accept = accept; }
void tcp_arg(tcp_pcb* pcb, void* argument) { pcb->argument = argument; }
void tcp_recv(tcp_pcb* pcb, tcp_recv_fn recv) { pcb->recv = recv; }
void tcp_sent(tcp_pcb* pcb, tcp_sent_fn sent) { pcb->sent = sent; }
void tcp_poll(tcp_pcb* pcb, tcp_poll_fn poll, std::uint8_t) { pcb->poll = poll; }
void tcp_err(tcp_pcb* pcb, tcp_err_fn error) { pcb->error = error; }

std::uint16_t tcp_sndbuf(const tcp_pcb* pcb) { return static_cast<std::uint16_t>(TCP_SND_BUF - pcb->unacknowledged); }

err_t tcp_write(tcp_pcb* pcb, const void* data, std::uint16_t size, std::uint8_t flags) {
    check(!pcb->is_gone && !pcb->writing_ended, "it writes after its end");
    check(flags == 0, "it asks for a copy");
    if (size > tcp_sndbuf(pcb) || some(8) == 1) return ERR_MEM; // now and then there is no memory
    const auto* const place = static_cast<const char*>(data);
    pcb->segments.push_back({place, {place, size}});
    pcb->unacknowledged += size;
    return ERR_OK;
}

err_t tcp_output(tcp_pcb* pcb) {
    check(!pcb->is_gone, "it sends after its end");
    return ERR_OK;
}

void tcp_recved(tcp_pcb* pcb, std::uint16_t size) {
    pcb->window += size;
    check(pcb->window <= TCP_WND, "it takes more than there was");
}

err_t tcp_shutdown(tcp_pcb* pcb, int receiving, int sending) {
    check(receiving == 0 && sending == 1, "it ends the wrong side");
    pcb->writing_ended = true;
    return ERR_OK;
}

err_t tcp_close(tcp_pcb* pcb) {
    if (pcb == &listening) {
        is_listening = false;
        return ERR_OK;
    }
    pcb->writing_ended = pcb->is_gone = true;
    return ERR_OK;
}

void tcp_abort(tcp_pcb* pcb) {
    check(pcb->error == nullptr, "it would be told of its own end");
    pcb->is_gone = pcb->was_aborted = true;
}

std::uint32_t sys_now() { return clock_now; }

// --- Clients ---------------------------------------------------------------------------------------------------------

namespace {

class visitor {
  public:
    visitor() {
        is_let_in_ = is_listening && listening.accept(nullptr, &pcb_, ERR_OK) == ERR_OK;
        check(!peer_.request({.host = "device"}), "no request");
    }
    visitor(const visitor&) = delete;
    visitor& operator=(const visitor&) = delete;

    [[nodiscard]] bool is_let_in() const { return is_let_in_; }
    [[nodiscard]] bool is_open() const { return peer_.is_open(); }
    [[nodiscard]] bool is_gone() const { return pcb_.is_gone; }
    [[nodiscard]] bool was_aborted() const { return pcb_.was_aborted; }
    [[nodiscard]] std::uint16_t close_code() const { return peer_.close_code(); }
    [[nodiscard]] const std::vector<std::string>& messages() const { return messages_; }
    ws::client& peer() { return peer_; }

    // Sends what the server's window has room for, in a chain of small pieces.
    void send() {
        const auto out = sockless::text_of(peer_.output());
        const std::size_t size = std::min(out.size(), pcb_.window);
        if (pcb_.is_gone || size == 0) return;
        const std::size_t part = some(size);
        pcb_.window -= part;
        pbuf* const chain = make_chain(out.substr(0, part));
        peer_.sent(part);
        check_told(pcb_.recv(pcb_.argument, &pcb_, chain, ERR_OK));
    }

    // Acknowledges some bytes, which must be as they were when they were written, and reads them.
    void receive() {
        if (pcb_.segments.empty()) return end();
        segment& first = pcb_.segments.front();
        const std::size_t size = some(first.content.size());
        check(std::equal(first.place, first.place + first.content.size(), first.content.begin()), "bytes have moved");
        std::string in = first.content.substr(0, size);
        first.place += size;
        first.content.erase(0, size);
        if (first.content.empty()) pcb_.segments.pop_front();
        pcb_.unacknowledged -= size;
        if (pcb_.sent != nullptr) {
            check_told(pcb_.sent(pcb_.argument, &pcb_, static_cast<std::uint16_t>(size)));
        }
        auto rest = sockless::bytes_of(in.data(), in.size());
        while (const ws::event event = peer_.next(rest)) {
            if (event.kind == ws::kind::message) messages_.emplace_back(sockless::text_of(event.payload));
        }
    }

    void tick() { static_cast<void>(peer_.tick(clock_now)); }
    void poll() {
        if (pcb_.poll != nullptr) check_told(pcb_.poll(pcb_.argument, &pcb_));
    }
    void reset() {
        const tcp_err_fn lose = std::exchange(pcb_.error, nullptr);
        pcb_.poll = nullptr;
        pcb_.is_gone = true;
        lose(pcb_.argument, ERR_RST);
    }

  private:
    // The server has ended its side, and all of it was read: ends the client's side.
    void end() {
        if (!pcb_.writing_ended || pcb_.is_gone || has_ended_) return;
        has_ended_ = true;
        static_cast<void>(peer_.finish());
        check_told(pcb_.recv(pcb_.argument, &pcb_, nullptr, ERR_OK));
    }

    void check_told(err_t error) const { check((error == ERR_ABRT) == pcb_.was_aborted, "it does not tell the stack"); }

    tcp_pcb pcb_{};
    ws::client peer_{ws::entropy(ws::entropy::seed{std::byte{1}})};
    std::vector<std::string> messages_{};
    bool is_let_in_ = false;
    bool has_ended_ = false;
};

using visitors = std::vector<std::unique_ptr<visitor>>;

visitors let_in(std::size_t count) {
    visitors all;
    for (std::size_t i = 0; i != count; ++i) all.push_back(std::make_unique<visitor>());
    for (const auto& each : all) check(each->is_let_in(), "there is no place");
    return all;
}

// Lets time pass in steps of 10 milliseconds, in which all send, and receive if they `read`, until `holds()`.
template <class Holds>
void run(const visitors& all, bool read, const char* what, Holds holds) {
    for (int round = 0; !holds(); ++round) {
        check(round != 200'000, what);
        clock_now += 10;
        for (const auto& each : all) {
            each->send();
            for (int turn = 0; read && turn != 8; ++turn) each->receive();
            if (round % 50 == 0) each->poll();
            each->tick();
        }
    }
}

template <class Holds>
auto every(const visitors& all, Holds holds) {
    return [&all, holds] {
        return std::all_of(all.begin(), all.end(), [holds](const auto& each) { return holds(*each); });
    };
}

const auto is_open = [](const visitor& each) { return each.is_open(); };
const auto is_gone = [](const visitor& each) { return each.is_gone(); };

void close_all(const visitors& all) {
    for (const auto& each : all) check(!each->peer().close(), "no Close");
    run(all, true, "a closed connection stays", every(all, is_gone));
    for (const auto& each : all) check(each->close_code() == 1000 && !each->was_aborted(), "it does not end in order");
}

std::vector<std::string> queue_messages(visitor& from, std::size_t count) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i != count; ++i) {
        texts.emplace_back(some(1024), static_cast<char>('a' + i % 26));
        const std::string_view text = texts.back();
        const std::size_t cut = text.size() / some(4);
        const bool sent = !from.peer().send_piece(ws::message_type::text, text.substr(0, cut), false) &&
                          !from.peer().send_piece(ws::message_type::text, text.substr(cut), true);
        check(sent, "a client cannot send");
    }
    return texts;
}

// All messages come back, in order; also after a while in which nobody reads.
void converse(bool is_slow) {
    const visitors all = let_in(4);
    check(!visitor().is_let_in(), "a fifth is let in");
    run(all, true, "no handshake", every(all, is_open));
    std::vector<std::vector<std::string>> sent;
    for (const auto& each : all) sent.push_back(queue_messages(*each, 300));
    if (is_slow) {
        int rounds = 0;
        run(all, false, "time does not pass", [&] { return ++rounds == 100; });
        for (const auto& each : all) check(each->peer().waiting() > 100'000, "it reads although nobody reads");
    }
    std::size_t number = 0;
    for (const auto& each : all) {
        const auto& texts = sent[number++];
        run(all, true, "a message does not come back", [&] { return each->messages().size() == texts.size(); });
        check(each->messages() == texts, "another message comes back");
    }
    close_all(all);
}

// A place is free again after a reset, in whatever state.
void vanish() {
    for (int turn = 0; turn != 20; ++turn) {
        const visitors all = let_in(4);
        for (const auto& each : all) queue_messages(*each, 0);
        int rounds = 0;
        run(all, turn % 2 == 0, "time does not pass", [&] { return ++rounds >= turn; });
        for (const auto& each : all) {
            if (each->is_open()) queue_messages(*each, 20);
        }
        run(all, turn % 3 == 0, "time does not pass", [&] { return ++rounds >= 2 * turn; });
        for (const auto& each : all) each->reset();
    }
    check(pbufs == 0, "buffers of the stack are lost");
}

// Who says nothing is told to go.
void keep_silent() {
    const visitors all = let_in(4);
    const std::uint32_t since = clock_now;
    while (!every(all, is_gone)()) {
        check(clock_now - since < 22'000, "a silent client stays");
        clock_now += 500;
        for (const auto& each : all) each->poll();
    }
}

// Two answer the Close, two do not even read it.
void stop() {
    visitors answer = let_in(2), ignore = let_in(2);
    run(answer, true, "no handshake", every(answer, is_open));
    run(ignore, true, "no handshake", every(ignore, is_open));
    for (const auto& each : ignore) queue_messages(*each, 20);
    run(ignore, false, "time does not pass", [rounds = 0]() mutable { return ++rounds == 50; });
    stop_server();
    check(!visitor().is_let_in(), "someone is let in after the end");
    run(answer, true, "a client that answers stays", every(answer, is_gone));
    const std::uint32_t since = clock_now;
    run(ignore, false, "a client that does not answer stays", every(ignore, is_gone));
    check(clock_now - since < 12'000, "a client that does not answer stays for too long");
    for (const auto& each : answer) check(each->close_code() == 1001 && !each->was_aborted(), "no Close");
    for (const auto& each : ignore)
        check(each->was_aborted(), "memory is given to the next that the stack still reads");
}

} // namespace

int main() {
    check(start_server(80), "it does not start");
    converse(false);
    converse(true);
    vanish();
    keep_silent();
    converse(false);
    stop();
    check(pbufs == 0, "buffers of the stack are lost");
}
