#include "tests/bench/https_connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <stdexcept>

namespace sigillo::bench {
namespace {

[[noreturn]] void fail_with(const std::string& what) {
    const unsigned long code = ERR_get_error();
    throw std::runtime_error(code == 0 ? what : what + ": " + ERR_reason_error_string(code));
}

UniqueFd connect_to_loopback(std::uint16_t port) {
    UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // The one cast that the sockets interface asks for.
    if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error("cannot connect to port " + std::to_string(port));
    const int on = 1;
    if (::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        throw std::runtime_error("TCP_NODELAY refused");
    return socket;
}

}  // namespace

TlsContext::TlsContext(const Endpoint& endpoint) : context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free) {
    SSL_CTX* context = context_.get();
    if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_load_verify_locations(context, endpoint.ca_file.c_str(), nullptr) != 1)
        fail_with("cannot use the CA file " + endpoint.ca_file);
    if (SSL_CTX_use_certificate_chain_file(context, endpoint.certificate_file.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, endpoint.key_file.c_str(), SSL_FILETYPE_PEM) != 1)
        fail_with("cannot use the client's certificate or key");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

HttpsConnection::HttpsConnection(const TlsContext& tls, std::uint16_t port) : socket_(connect_to_loopback(port)) {
    ssl_.reset(SSL_new(tls.get()));
    if (!ssl_ || SSL_set_fd(ssl_.get(), socket_.get()) != 1 || SSL_set_tlsext_host_name(ssl_.get(), "localhost") != 1 ||
        SSL_set1_host(ssl_.get(), "localhost") != 1 || SSL_connect(ssl_.get()) != 1)
        fail_with("TLS handshake failed");
    const int flags = ::fcntl(socket_.get(), F_GETFL);
    if (flags < 0 || ::fcntl(socket_.get(), F_SETFL, flags | O_NONBLOCK) != 0)
        throw std::runtime_error("O_NONBLOCK refused");
}

void HttpsConnection::send(std::string request) {
    out_ = std::move(request);
    sent_ = 0;
    in_.clear();
    write_some();
}

void HttpsConnection::write_some() {
    while (wants_to_write()) {
        std::size_t written = 0;
        if (SSL_write_ex(ssl_.get(), out_.data() + sent_, out_.size() - sent_, &written) != 1) {
            const int error = SSL_get_error(ssl_.get(), 0);
            if (error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ) return;
            fail_with("the server closed the connection while we wrote");
        }
        sent_ += written;
    }
}

void HttpsConnection::read_some() {
    std::array<char, 16384> buffer;
    for (;;) {
        std::size_t got = 0;
        if (SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &got) == 1) {
            in_.append(buffer.data(), got);
            continue;
        }
        const int error = SSL_get_error(ssl_.get(), 0);
        if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return;
        fail_with("the server closed the connection while we read");
    }
}

HttpAnswer HttpsConnection::advance() {
    write_some();
    read_some();
    return complete_answer();
}

HttpAnswer HttpsConnection::complete_answer() {
    const std::size_t head_end = in_.find("\r\n\r\n");
    if (head_end == std::string::npos) return {};
    const std::string_view head(in_.data(), head_end + 2);
    constexpr std::string_view kLength = "\r\nContent-Length: ";
    const std::size_t length_at = head.find(kLength);
    constexpr std::size_t kStatusAt = 9;  // after "HTTP/1.1 "
    HttpAnswer answer;
    std::size_t length = 0;
    if (length_at == std::string_view::npos || !head.starts_with("HTTP/1.1 ") ||
        std::from_chars(head.data() + kStatusAt, head.data() + head.size(), answer.status).ec != std::errc() ||
        std::from_chars(head.data() + length_at + kLength.size(), head.data() + head.size(), length).ec != std::errc())
        throw std::runtime_error("an answer that is not understood: " + std::string(head.substr(0, 200)));
    const std::size_t body_at = head_end + 4;
    if (in_.size() < body_at + length) return {};
    answer.body = std::string_view(in_).substr(body_at, length);
    return answer;
}

std::string post_request(std::string_view path, std::string_view json) {
    std::string request;
    request.reserve(path.size() + json.size() + 128);
    request.append("POST ").append(path).append(" HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n");
    request.append("Content-Length: ").append(std::to_string(json.size())).append("\r\n\r\n").append(json);
    return request;
}

std::string get_request(std::string_view path) {
    return std::string("GET ").append(path).append(" HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

}  // namespace sigillo::bench
