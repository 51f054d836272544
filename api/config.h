// sigillo-api's tables of the configuration: [api] and [public].
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "api/documents/config.h"
#include "api/fetch/fetch_client.h"
#include "api/http/server.h"
#include "api/service.h"
#include "appliance/base/result.h"
#include "appliance/ipc/client.h"
#include "hardening/hardening.h"

namespace sigillo::api {

enum class Face : std::uint8_t { kApi, kPublic };

struct ApiConfig {
    HttpServerConfig http;
    ipc::ClientConfig sam;
    ServiceInfo info;             // [api] only
    csc::RequestLimits requests;  // [api] only
    tsa::RequestLimits time_stamps;
    ocsp::RequestLimits ocsp;              // [public] only
    fetch::FetchClientConfig fetch;        // [api] only; without a socket there is no sigillo-fetch
    std::size_t certificate_cache = 1024;  // [api] only: client certificates, 3 KiB each; clients are few
    std::chrono::seconds shutdown_deadline{
        20};  // for what is in flight at SIGTERM; sigillod's own is as long
    // [api] only; nothing without api.doc_socket: this service signs hashes alone.
    std::optional<documents::DocumentsConfig> documents;
    HardeningConfig hardening;
};

// kNotFound, kUnavailable, kInvalidArgument: every complaint about the face's table, one a line.
Result<ApiConfig> load_config(const std::filesystem::path& path, Face face);

}  // namespace sigillo::api
