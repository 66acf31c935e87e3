// A STOMP client with Qt: subscribes to a destination, sends a message there, and prints those that come, until its own
// has come back.
// SPDX-License-Identifier: MIT
//
//     stomp_client HOST PORT DESTINATION TEXT

#include <QCoreApplication>
#include <QElapsedTimer>
#include <QTcpSocket>
#include <QTextStream>
#include <QTimer>

#include <algorithm>
#include <sockless.hpp>

namespace {

namespace stomp = sockless::stomp;

class client {
    auto handler() {
        return [this](const stomp::client_event& event) { handle(event); };
    }

  public:
    client(const QString& host, quint16 port, QByteArray destination, QByteArray text)
        : destination_(std::move(destination)), text_(std::move(text)) {
        clock_.start();
        timer_.setSingleShot(true);
        // Qt reads no more than this ahead, so that a server which sends too much is slowed down.
        socket_.setReadBufferSize(65536);
        QObject::connect(&timer_, &QTimer::timeout, [this] { update(); });
        QObject::connect(&socket_, &QTcpSocket::connected, [this] { update(); });
        QObject::connect(&socket_, &QTcpSocket::readyRead, [this] { update(); });
        QObject::connect(&socket_, &QTcpSocket::bytesWritten, [this](qint64 size) {
            writing_ -= size;
            driver_.sent(static_cast<std::size_t>(size));
            update();
        });
        QObject::connect(&socket_, &QTcpSocket::errorOccurred, [this](QTcpSocket::SocketError error) {
            const bool peer_has_ended = error == QTcpSocket::RemoteHostClosedError;
            if (!peer_has_ended) complain(socket_.errorString());
            read();
            peer_has_ended ? driver_.finish(handler()) : driver_.abandon(handler());
            update();
        });
        const QByteArray name = host.toUtf8();
        report(driver_.peer().connect({.host = view(name)}));
        socket_.connectToHost(host, port);
        update();
    }

    [[nodiscard]] bool has_succeeded() const { return has_succeeded_; }

  private:
    static std::string_view view(const QByteArray& text) {
        return {text.data(), static_cast<std::size_t>(text.size())};
    }

    void handle(const stomp::client_event& event) {
        auto& session = driver_.peer();
        switch (event.kind) {
        case stomp::client_kind::connected:
            return report(session.subscribe({.id = "0", .destination = view(destination_), .receipt = "subscribed"}));
        case stomp::client_kind::receipt:
            return report(session.send({.destination = view(destination_),
                                        .content_type = "text/plain;charset=utf-8",
                                        .body = sockless::bytes_of(view(text_))}));
        case stomp::client_kind::message:
            QTextStream(stdout) << text(event.text()) << Qt::endl;
            if (event.text() == view(text_)) session.shut_down();
            return;
        case stomp::client_kind::error: return complain(text(event.message));
        case stomp::client_kind::lost: return complain(text(event.error.sentence()));
        case stomp::client_kind::closed: has_succeeded_ = true; return;
        default: return;
        }
    }

    void read() {
        while (driver_.reads()) {
            char buffer[4096];
            const qint64 size = socket_.read(buffer, sizeof buffer);
            if (size <= 0) return;
            driver_.take(sockless::bytes_of(buffer, static_cast<std::size_t>(size)), handler());
        }
    }

    void update() {
        if (socket_.isOpen()) read();
        driver_.tick(now(), handler());
        const auto out = driver_.output();
        if (socket_.state() == QTcpSocket::ConnectedState && writing_ == 0 && !out.empty()) {
            writing_ = socket_.write(reinterpret_cast<const char*>(out.data()), static_cast<qint64>(out.size()));
            if (writing_ < 0) driver_.abandon(handler());
        }
        if (driver_.ends_writing()) {
            driver_.did_end_writing();
            // Qt cannot end one side only. The session has ended, so nothing that matters comes any more.
            socket_.disconnectFromHost();
        }
        if (driver_.is_over() || socket_.state() == QTcpSocket::UnconnectedState) return QCoreApplication::quit();
        const sockless::instant time = now(), next = driver_.next_deadline();
        timer_.start(static_cast<int>(next > time ? std::min<sockless::instant>(next - time, 60'000) : 0));
    }

    [[nodiscard]] sockless::instant now() const { return static_cast<sockless::instant>(clock_.elapsed()); }

    static QString text(std::string_view from) { return QString::fromUtf8(from.data(), static_cast<int>(from.size())); }
    static void complain(const QString& why) { QTextStream(stderr) << "stomp_client: " << why << Qt::endl; }
    void report(sockless::error error) {
        if (!error) return;
        complain(text(error.sentence()));
        driver_.shut_down();
    }

    QByteArray destination_, text_;
    QElapsedTimer clock_;
    bool has_succeeded_ = false;
    qint64 writing_ = 0; // bytes of the output that Qt has
    sockless::driver<stomp::client_session> driver_{
        stomp::client_session({.heart_beat = {.sends = 10'000, .wants = 10'000}})};
    QTimer timer_;
    QTcpSocket socket_;
};

} // namespace

int main(int count, char** words) {
    QCoreApplication application(count, words);
    const QStringList arguments = application.arguments();
    if (arguments.size() != 5) {
        QTextStream(stderr) << "stomp_client HOST PORT DESTINATION TEXT" << Qt::endl;
        return 2;
    }
    const client client(arguments[1], arguments[2].toUShort(), arguments[3].toUtf8(), arguments[4].toUtf8());
    QCoreApplication::exec();
    return client.has_succeeded() ? 0 : 1;
}
