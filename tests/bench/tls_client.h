// One HTTP/1.1 connection of the load generator: keep-alive, over TLS 1.3 with a client certificate or plain,
// one request at a time.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "appliance/base/file.h"
#include "appliance/base/result.h"

namespace sigillo::bench {

struct Endpoint {
    std::uint16_t port = 0;  // on 127.0.0.1; the server's certificate must be localhost's
    std::string ca_file;     // PEM, as are the next two
    std::string certificate_file;
    std::string key_file;
    bool tls = true;
};

struct FreeSsl {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using SslContext = std::unique_ptr<SSL_CTX, FreeSsl>;

// kInvalidArgument when a file cannot be used.
Result<SslContext> make_context(const Endpoint& endpoint);

struct HttpAnswer {
    int status = 0;
    std::string_view body;  // valid until the next request
};

// Not thread-safe. After open() nothing blocks.
class TlsClient {
 public:
    // Connects and shakes hands, waiting for both. kUnavailable with the reason.
    static Result<std::unique_ptr<TlsClient>> open(SSL_CTX* context, const Endpoint& endpoint);

    int fd() const { return fd_.get(); }

    // Begins a POST. To be called when the answer before has been taken.
    Status post(std::string_view path, std::string_view content_type, std::string_view body);
    // Whether it waits for room to write (EPOLLOUT), besides for input.
    bool wants_to_write() const { return sent_ < request_.size(); }

    // Goes on as far as the socket lets it. True when the whole answer is there. kUnavailable: the connection
    // failed; kCorrupt: no HTTP that this client knows (it takes Content-Length, no chunks).
    Result<bool> proceed();
    HttpAnswer answer() const;

 private:
    TlsClient() = default;
    Status write_some();
    Result<bool> proceed_plain();
    Result<bool> complete();

    UniqueFd fd_;
    std::unique_ptr<SSL, FreeSsl> ssl_;
    std::string request_;
    std::size_t sent_ = 0;
    std::string input_;
    std::size_t body_at_ = 0;  // 0: the header is not complete
    std::size_t body_size_ = 0;
    int status_ = 0;
};

}  // namespace sigillo::bench
