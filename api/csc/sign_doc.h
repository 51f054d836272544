// signatures/signDoc (§11.11) and signPolling (§11.12): from JSON to orders. The order of checks is that of
// requests.h. Pure; safe from any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "api/csc/errors.h"
#include "api/documents/order.h"
#include "api/documents/request_body.h"

namespace sigillo::api::csc {

// What an asynchronous call asks for besides.
struct AsyncOrder {
    std::chrono::milliseconds validity{0};
    std::string response_uri;  // or empty
};
struct AsyncLimits {
    // How long a result waits to be asked for. An hour by default, a day at most: results are documents.
    std::chrono::milliseconds default_validity{3'600'000};
    std::chrono::milliseconds max_validity{86'400'000};
    bool callbacks = false;  // whether response_uri can be served
};
struct SignDocLimits {
    std::size_t documents = 64;  // in one call; each digest counts as one
    AsyncLimits async;
};

struct SignDocRequest {
    std::string credential_id;  // empty: the one that the SAD is for
    std::string qualifier;      // that the credential must have; empty: any
    std::string sad;
    std::vector<documents::SignatureOrder> orders;
    bool from_digests = false;
    bool validation_info = false;
    std::optional<AsyncOrder> async;
};
Outcome<SignDocRequest> decode_sign_doc(const documents::RequestBody& body, const SignDocLimits& limits);

// One entry of `documents`: what /v1/documents/prepare takes, too.
Outcome<documents::SignatureOrder> decode_document(const json::Object& entry,
                                                   const documents::RequestBody& body);
// "AdES-B-LT" and its like, without regard to case.
std::optional<documents::Level> conformance_level(std::string text);

struct PollRequest {
    std::string request_id;
};
Outcome<PollRequest> decode_sign_polling(const json::Object& body);

// operationMode, validity_period and response_uri, as signHash and signDoc have them. Nothing: synchronous.
Outcome<std::optional<AsyncOrder>> decode_mode(const json::Object& body, const AsyncLimits& limits);

}  // namespace sigillo::api::csc
