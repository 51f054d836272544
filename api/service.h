// What a handler is given. A handler decodes, asks sigillod, and answers in the callback; it never blocks.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/csc/requests.h"
#include "api/fetch/fetch_client.h"
#include "api/http/client_certificate.h"
#include "api/http/exchange.h"
#include "api/http/server.h"
#include "api/metrics.h"
#include "api/sam.h"
#include "appliance/base/logger.h"
#include "appliance/issuance/ocsp/request.h"
#include "tsa/request/time_stamp_request.h"

namespace sigillo::api {

namespace documents {
class Service;
}

// The CSC `info` method's words about this service (§11.1); from the configuration.
struct ServiceInfo {
    std::string name = "Sigillo";
    std::string logo;            // URI
    std::string region = "IT";   // ISO 3166-1
    std::string lang = "en-US";  // RFC 5646
    std::string description = "Remote signing with keys in an HSM, activated by their signers";
};

// One a process; outlives every request. Exactly one of the two sams is there, by face.
struct Services {
    SigningSam* signing = nullptr;
    PublicSam* anonymous = nullptr;
    fetch::Fetcher* fetcher = nullptr;  // face api, where there is a sigillo-fetch
    ClientCertificates& certificates;
    Metrics& metrics;
    const ServiceInfo& info;
    csc::RequestLimits limits{};
    tsa::RequestLimits time_stamps{};
    ocsp::RequestLimits ocsp{};
    Logger& logger;
    std::function<HttpCounters()> http_counters;
    documents::Service* documents = nullptr;  // face api, where [documents] is configured
};

struct Call {
    Request request;
    Responder responder;
    sam::ClientContext client;            // filled in where the route is for clients
    std::vector<std::string> parameters;  // of the path, in its order
    Services& services;

    // A request to sigillod in this client's name.
    sam::SigningRequest ask() const {
        sam::SigningRequest out;
        *out.mutable_client() = client;
        return out;
    }
};

// Runs on a reactor thread. May throw: the dispatcher answers 500. `call` lives until it returns: what a
// callback needs, it copies (the responder).
using Handler = void (*)(Call& call);

inline Response json_response(int status, std::string body) {
    return {.status = status, .content_type = "application/json", .body = std::move(body), .headers = {}};
}

}  // namespace sigillo::api
