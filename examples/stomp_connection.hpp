// A STOMP session on a TCP connection, straight or over WebSocket, for either side.
// SPDX-License-Identifier: MIT
#pragma once

#include "socket.hpp"

/// `Session` and `WebSocket` are those of one side. The class that inherits is told of frames, and of what else happens
/// to the WebSocket, where there is one.
template <class Session, class WebSocket>
class stomp_connection : public connection {
  protected:
    // What `next` of the session gives.
    using frame = decltype(std::declval<Session&>().next(std::declval<sockless::bytes&>()));

    stomp_connection(int socket, const sockless::stomp::options& how) : connection(socket), session_(how) {
        static_cast<void>(session_.tick(now())); // deadlines count from here
    }

    virtual void handle(const frame& event) = 0;
    virtual void handle(const sockless::ws::event& event) = 0;

    /// From now on the session is carried by this WebSocket.
    WebSocket& carry_by(WebSocket&& made) {
        web_socket_.emplace(std::move(made));
        static_cast<void>(web_socket_->tick(now()));
        return *web_socket_;
    }

    /// For `carry_by`. What comes goes straight on to the session, so that it need not be kept; as much of what the
    /// session sends waits there.
    static sockless::ws::options web_socket_options() {
        sockless::ws::options how;
        how.whole_messages = false;
        how.output = 256 * 1024;
        how.ping_interval = 30'000;
        return how;
    }

    void take(sockless::bytes in) override {
        if (!web_socket_) return take_frames(in);
        while (const auto event = web_socket_->next(in)) take_event(event);
    }

    void tick(sockless::instant now) override {
        handle(session_.tick(now));
        if (!web_socket_) return;
        take_event(web_socket_->tick(now));
        pass_on();
    }

    [[nodiscard]] sockless::instant next_deadline() const override {
        const auto due = session_.next_deadline();
        return web_socket_ ? std::min(due, web_socket_->next_deadline()) : due;
    }

    Session session_;
    std::optional<WebSocket> web_socket_;

  private:
    void take_frames(sockless::bytes in) {
        while (const frame event = session_.next(in)) handle(event);
    }

    void take_event(const sockless::ws::event& event) {
        if (event.kind == sockless::ws::kind::piece) return take_frames(event.payload);
        handle(event);
        if (event.kind == sockless::ws::kind::closed) handle(session_.finish());
    }

    void finish() override {
        if (web_socket_) return take_event(web_socket_->finish());
        handle(session_.finish());
    }

    // What has no room, or is too early, stays in the session. Its end is that of the WebSocket too.
    void pass_on() {
        static_cast<void>(output_.pass(session_, *web_socket_));
        if (!session_.done() || !web_socket_->is_open()) return;
        const auto error = session_.error();
        static_cast<void>(error ? web_socket_->close(error.close_code(), error.sentence()) : web_socket_->close());
    }

    [[nodiscard]] sockless::cbytes output() const override {
        return web_socket_ ? web_socket_->output() : session_.output();
    }

    void sent(std::size_t size) override {
        if (!web_socket_) return session_.sent(size);
        web_socket_->sent(size);
        pass_on();
    }

    [[nodiscard]] bool done() const override { return web_socket_ ? web_socket_->done() : session_.done(); }

    sockless::stomp::websocket_output output_;
};
