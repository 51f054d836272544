// The table [fetch] of the configuration.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "api/fetch/sigillo-fetch/allow_list.h"
#include "api/fetch/sigillo-fetch/callbacks.h"
#include "api/fetch/sigillo-fetch/fetch_cache.h"
#include "api/fetch/sigillo-fetch/spool.h"
#include "api/fetch/sigillo-fetch/transfer.h"
#include "hardening/hardening.h"

namespace sigillo::fetch {

struct FetchConfig {
    std::string socket;
    std::vector<std::string> users;      // names or numbers; empty: our own user only
    std::vector<std::string> allow;      // where CRLs, CA certificates and OCSP answers are fetched from
    std::vector<std::string> callbacks;  // where callbacks are delivered
    // Octets of an answer, by kind. The largest public CRLs have 10 MiB and more; they go into documents
    // whole.
    std::size_t max_crl_bytes = std::size_t{16} << 20;
    std::size_t max_certificate_bytes = std::size_t{256} * 1024;
    std::size_t max_ocsp_bytes = std::size_t{64} * 1024;
    std::size_t max_ocsp_request_bytes = std::size_t{8} * 1024;
    // Exchanges at a time, and of these with one host: a slow one leaves the others theirs.
    std::size_t threads = 16;
    std::size_t threads_per_host = 4;
    // Requests that wait for a thread; beyond it the answer is "busy".
    std::size_t queue_limit = 512;
    TransferConfig transfer;
    FetchCacheConfig cache;
    SpoolConfig spool;
    CallbackConfig callback;
    HardeningConfig hardening;

    Result<AllowList> allow_list() const { return AllowList::create("fetch.allow", allow); }
    Result<AllowList> callback_list() const { return AllowList::create("fetch.callbacks", callbacks); }
};

// kNotFound, kUnavailable, kInvalidArgument: every complaint, one a line.
Result<FetchConfig> load_fetch_config(const std::filesystem::path& path);

}  // namespace sigillo::fetch
