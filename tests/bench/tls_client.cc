#include "tests/bench/tls_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace sigillo::bench {
namespace {

std::unexpected<Error> tls_failure(const std::string& what) {
    std::array<char, 256> text{};
    ERR_error_string_n(ERR_peek_last_error(), text.data(), text.size());
    ERR_clear_error();
    return fail(Errc::kUnavailable, what + ": " + text.data());
}

constexpr std::string_view kHeaderEnd = "\r\n\r\n";
constexpr std::string_view kLength = "content-length:";

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// The number after "Content-Length:", or nothing.
bool find_length(std::string_view header, std::size_t& length) {
    for (std::size_t at = header.find("\r\n"); at != std::string_view::npos;
         at = header.find("\r\n", at + 2)) {
        std::string_view line = header.substr(at + 2);
        if (line.size() < kLength.size()) return false;
        bool same = true;
        for (std::size_t i = 0; same && i < kLength.size(); ++i) same = lower(line[i]) == kLength[i];
        if (!same) continue;
        line.remove_prefix(kLength.size());
        while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
        return std::from_chars(line.data(), line.data() + line.size(), length).ec == std::errc{};
    }
    return false;
}

}  // namespace

Result<SslContext> make_context(const Endpoint& endpoint) {
    SslContext context(SSL_CTX_new(TLS_client_method()));
    if (!context) return tls_failure("SSL_CTX_new");
    SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
    SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    if (SSL_CTX_load_verify_file(context.get(), endpoint.ca_file.c_str()) != 1)
        return fail(Errc::kInvalidArgument, "cannot use " + endpoint.ca_file);
    if (SSL_CTX_use_certificate_chain_file(context.get(), endpoint.certificate_file.c_str()) != 1)
        return fail(Errc::kInvalidArgument, "cannot use " + endpoint.certificate_file);
    if (SSL_CTX_use_PrivateKey_file(context.get(), endpoint.key_file.c_str(), SSL_FILETYPE_PEM) != 1)
        return fail(Errc::kInvalidArgument, "cannot use " + endpoint.key_file);
    return context;
}

Result<std::unique_ptr<TlsClient>> TlsClient::open(SSL_CTX* context, const Endpoint& endpoint) {
    std::unique_ptr<TlsClient> client(new TlsClient());
    client->fd_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int fd = client->fd_.get();
    const int on = 1;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return fail(Errc::kUnavailable,
                    "connect to port " + std::to_string(endpoint.port) + ": " + std::strerror(errno));

    if (!endpoint.tls) {
        if (::fcntl(fd, F_SETFL, O_NONBLOCK) != 0) return fail(Errc::kUnavailable, std::strerror(errno));
        return client;
    }
    client->ssl_.reset(SSL_new(context));
    SSL* ssl = client->ssl_.get();
    if (ssl == nullptr || SSL_set_fd(ssl, fd) != 1 || SSL_set1_host(ssl, "localhost") != 1 ||
        SSL_set_tlsext_host_name(ssl, "localhost") != 1 || SSL_connect(ssl) != 1)
        return tls_failure("TLS handshake");
    if (::fcntl(fd, F_SETFL, O_NONBLOCK) != 0) return fail(Errc::kUnavailable, std::strerror(errno));
    return client;
}

Status TlsClient::post(std::string_view path, std::string_view content_type, std::string_view body) {
    request_.assign("POST ").append(path).append(" HTTP/1.1\r\nHost: localhost\r\nContent-Type: ");
    request_.append(content_type).append("\r\nContent-Length: ");
    request_.append(std::to_string(body.size())).append(kHeaderEnd).append(body);
    sent_ = 0;
    input_.clear();
    body_at_ = 0;
    return write_some();
}

Status TlsClient::write_some() {
    while (wants_to_write()) {
        if (!ssl_) {
            const ssize_t put =
                ::send(fd_.get(), request_.data() + sent_, request_.size() - sent_, MSG_NOSIGNAL);
            if (put < 0 && errno == EAGAIN) return {};
            if (put < 0) return fail(Errc::kUnavailable, std::string("write: ") + std::strerror(errno));
            sent_ += static_cast<std::size_t>(put);
            continue;
        }
        std::size_t written = 0;
        if (SSL_write_ex(ssl_.get(), request_.data() + sent_, request_.size() - sent_, &written) != 1) {
            const int error = SSL_get_error(ssl_.get(), 0);
            if (error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ) return {};
            return tls_failure("write");
        }
        sent_ += written;
    }
    return {};
}

Result<bool> TlsClient::proceed() {
    SIGILLO_TRY(write_some());
    if (!ssl_) return proceed_plain();
    std::array<char, 16384> buffer;
    for (;;) {
        std::size_t read = 0;
        if (SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &read) == 1) {
            input_.append(buffer.data(), read);
            SIGILLO_ASSIGN(const bool whole, complete());
            if (whole) return true;
            continue;
        }
        const int error = SSL_get_error(ssl_.get(), 0);
        if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return false;
        return tls_failure("read");
    }
}

Result<bool> TlsClient::proceed_plain() {
    std::array<char, 16384> buffer;
    for (;;) {
        const ssize_t read = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
        if (read < 0 && errno == EAGAIN) return false;
        if (read <= 0) return fail(Errc::kUnavailable, "the server has closed the connection");
        input_.append(buffer.data(), static_cast<std::size_t>(read));
        SIGILLO_ASSIGN(const bool whole, complete());
        if (whole) return true;
    }
}

Result<bool> TlsClient::complete() {
    if (body_at_ == 0) {
        const std::size_t end = input_.find(kHeaderEnd);
        if (end == std::string::npos) return false;
        const std::string_view header(input_.data(), end);
        if (!header.starts_with("HTTP/1.1 ") || header.size() < 12 ||
            std::from_chars(header.data() + 9, header.data() + 12, status_).ec != std::errc{} ||
            !find_length(header, body_size_))
            return fail(Errc::kCorrupt, "an answer without status or Content-Length: " + std::string(header));
        body_at_ = end + kHeaderEnd.size();
    }
    if (input_.size() > body_at_ + body_size_) return fail(Errc::kCorrupt, "more came than was asked for");
    return input_.size() == body_at_ + body_size_;
}

HttpAnswer TlsClient::answer() const {
    return {status_, std::string_view(input_).substr(body_at_)};
}

}  // namespace sigillo::bench
