// Says hello to a WebSocket over TLS, prints the answer, and says goodbye: a client with OpenSSL and poll. Its
// arguments are a URL (wss://…), perhaps a file of certificates to trust in place of the system's, and perhaps the
// text. SPDX-License-Identifier: MIT
#include "connection.hpp"

#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <netdb.h>
#include <string>

namespace ws = sockless::ws;

namespace {

int connect_to(const std::string& host, const std::string& port) {
    addrinfo wanted{}, *found = nullptr;
    wanted.ai_socktype = SOCK_STREAM;
    if (::getaddrinfo(host.c_str(), port.c_str(), &wanted, &found) != 0) return -1;
    int socket = -1;
    for (const addrinfo* each = found; each != nullptr && socket < 0; each = each->ai_next) {
        socket = ::socket(each->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::connect(socket, each->ai_addr, each->ai_addrlen) != 0) ::close(std::exchange(socket, -1));
    }
    ::freeaddrinfo(found);
    if (socket >= 0) ::fcntl(socket, F_SETFL, O_NONBLOCK);
    return socket;
}

// The certificate must be good, and of that host. The server learns which name is meant, if it is no address.
bool prepare(SSL* tls, const std::string& host) {
    SSL_set_connect_state(tls);
    SSL_set_verify(tls, SSL_VERIFY_PEER, nullptr);
    if (SSL_set1_host(tls, host.c_str()) != 1) return false;
    const bool is_name = X509_VERIFY_PARAM_get0_host(SSL_get0_param(tls), 0) != nullptr;
    return !is_name || SSL_set_tlsext_host_name(tls, host.c_str()) == 1;
}

} // namespace

int main(int count, char** arguments) {
    const ws::url to = ws::parse_url(count > 1 ? arguments[1] : "wss://localhost:9001/");
    const char* const text = count > 3 ? arguments[3] : "hello";
    if (to.error || !to.secure) return 1;
    const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
    const int trusts = count > 2 ? SSL_CTX_load_verify_file(context.get(), arguments[2])
                                 : SSL_CTX_set_default_verify_paths(context.get());
    ws::entropy::seed seed; // for masking keys, which nobody may foresee
    if (trusts != 1 || ::getentropy(seed.data(), seed.size()) != 0) return 1;
    std::signal(SIGPIPE, SIG_IGN);
    const std::string host(to.host);
    const int socket = connect_to(host, std::to_string(to.port));
    if (socket < 0) return 1;
    tls_connection server(socket, SSL_new(context.get()), ws::client(ws::entropy(seed)));
    if (!prepare(server.tls(), host)) return 1;

    bool is_answered = false;
    sockless::error error = server.peer().request({.host = to.authority, .target = to.target});
    const auto handle = [&](const ws::event& event) {
        if (event.kind == ws::kind::open) error = server.peer().send_text(text);
        if (event.kind == ws::kind::message) {
            std::printf("%.*s\n", static_cast<int>(event.payload.size()), event.text().data());
            is_answered = true;
            error = server.peer().close();
        }
        if (error) server.shut_down();
    };
    while (!error && !server.is_over()) {
        server.serve(handle);
        pollfd file = server.file();
        ::poll(&file, 1, 100);
    }
    if (const long flaw = SSL_get_verify_result(server.tls()); flaw != X509_V_OK) {
        std::fprintf(stderr, "%s: %s\n", host.c_str(), X509_verify_cert_error_string(flaw));
    }
    return is_answered && !error ? 0 : 1;
}
