// A keep-alive HTTPS connection that shows a client certificate: one request at a time, no blocking once connected.
//
// Ours because wrk and h2load are weak with client certificates. Not thread-safe; one thread drives many of them by
// epoll. Failures of connection, TLS or HTTP framing are std::runtime_error: a benchmark has no use for going on.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "appliance/base/file.h"

namespace sigillo::bench {

struct Endpoint {
    std::uint16_t port = 8443;  // on 127.0.0.1, by the name of localhost
    std::string ca_file;
    std::string certificate_file;
    std::string key_file;
};

// TLS 1.3 with the endpoint's CA and client certificate; shared by its connections.
class TlsContext {
   public:
    explicit TlsContext(const Endpoint& endpoint);
    SSL_CTX* get() const { return context_.get(); }

   private:
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
};

struct HttpAnswer {
    int status = 0;
    std::string_view body;  // valid until the connection's next request
};

class HttpsConnection {
   public:
    // Connects and shakes hands, blocking; non-blocking afterwards.
    HttpsConnection(const TlsContext& tls, std::uint16_t port);

    int fd() const { return socket_.get(); }
    // `request` is a whole HTTP request. The answer to the one before must have come.
    void send(std::string request);
    // To be called when the socket is readable or writable. The answer, once it is complete; status 0 until then.
    HttpAnswer advance();
    // Whether it waits for the socket to take more.
    bool wants_to_write() const { return sent_ < out_.size(); }

   private:
    void write_some();
    void read_some();
    HttpAnswer complete_answer();

    UniqueFd socket_;
    std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, &SSL_free};
    std::string out_;
    std::size_t sent_ = 0;
    std::string in_;
};

// "POST path HTTP/1.1" with this JSON.
std::string post_request(std::string_view path, std::string_view json);
std::string get_request(std::string_view path);

}  // namespace sigillo::bench
