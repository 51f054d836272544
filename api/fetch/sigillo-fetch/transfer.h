// One HTTP exchange by libcurl, within limits: size, time, redirects within the list alone, no proxy of the
// environment, TLS verified by the configured authorities.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/fetch/sigillo-fetch/allow_list.h"
#include "appliance/base/bytes.h"
#include "appliance/base/result.h"

namespace sigillo::fetch {

struct TransferConfig {
    // PEM bundle of the authorities that servers' certificates are verified by.
    std::string ca_file = "/etc/ssl/certs/ca-certificates.crt";
    // TCP and TLS together; a server that is up answers within a fraction of it.
    std::chrono::milliseconds connect_timeout{5'000};
    // One exchange from its name's resolution to its last octet: someone waits for a signature.
    std::chrono::milliseconds total_timeout{15'000};
    // A server that sends slower for so long is given up before the total is over.
    long slow_bytes_per_second = 256;
    std::chrono::seconds slow_for{5};
    // Redirects of one GET. CAs move their lists once, not in circles.
    unsigned max_redirects = 3;
    // Octets of all of an answer's headers.
    std::size_t max_header_bytes = std::size_t{64} * 1024;
    // Connections that are kept for the next exchange.
    std::size_t kept_handles = 16;
};

struct Exchange {
    Url url;
    const AllowList& list;  // redirects are held to it too
    std::size_t max_bytes;  // octets of the answer's body
    bool post = false;
    ByteView body{};  // POST only
    std::string content_type{};
    std::string accept{};
    std::vector<std::string> headers{};  // further ones, "Name: value"
};

struct HttpAnswer {
    long status = 0;
    Bytes body;
    Url url;  // where it came from in the end
};

// Thread-safe. libcurl must have been initialised (curl_global_init) before, by init_transfers().
class Transfers {
 public:
    explicit Transfers(TransferConfig config);
    ~Transfers();
    Transfers(const Transfers&) = delete;
    Transfers& operator=(const Transfers&) = delete;

    // Blocks. A redirect that is not followed is an answer like any other when `post`. Errors: kForbidden
    // (the host, or where it redirects to, is not in the list; the name leads to an address that it must
    // not), kLimitExceeded (body, headers, redirects), kUnavailable (no such name, no connection, timeout,
    // TLS; stopped). `detail` names the host and what went wrong.
    Result<HttpAnswer> run(const Exchange& exchange);
    // Exchanges at work end within moments, new ones at once, with kUnavailable.
    void stop() { stopping_ = true; }

 private:
    struct Handle;
    struct Running;
    std::unique_ptr<Handle> take();
    void give_back(std::unique_ptr<Handle> handle);
    Result<HttpAnswer> once(Handle& handle, const Exchange& exchange, const Url& url, std::string& redirect);

    const TransferConfig config_;
    std::atomic<bool> stopping_{false};
    std::mutex mutex_;
    std::vector<std::unique_ptr<Handle>> idle_;  // guarded by mutex_
};

// Once a process, before threads. kInternal when libcurl is not what it was built with.
Status init_transfers();

}  // namespace sigillo::fetch
