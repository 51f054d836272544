// sigillo-api's part for documents: keys of table [api].
#pragma once

#include <chrono>
#include <cstdint>
#include <thread>

#include "api/csc/sign_doc.h"
#include "api/documents/doc_client.h"
#include "api/documents/request_body.h"
#include "api/documents/toolbox.h"
#include "api/documents/validation_data.h"
#include "api/http/spool.h"

namespace sigillo::api::documents {

struct DocumentsConfig {
    DocClientConfig doc;
    DepositConfig deposit;
    ValidationConfig validation;
    SpoolConfig spool;
    BodyLimits body;
    csc::SignDocLimits sign_doc;
    // Threads that decode, encode and wait for workers; none waits for sigillod. Of these, one client has
    // half.
    std::size_t threads = std::size_t{4} * std::max(2u, std::thread::hardware_concurrency());
    std::size_t queue_limit = 512;  // requests that wait for a thread
    // Documents in memory, all requests together, counted as three times their bodies: as it came, prepared,
    // signed. Beyond it: 503.
    std::uint64_t memory_mib = 2'048;
    // Of a request's body on the paths that take documents: 100 MiB in base64, and some JSON. nginx agrees.
    std::size_t max_body_mib = 150;
    // Answers up to here are strings; larger ones go through the spool.
    std::size_t answer_bytes = std::size_t{4} << 20;
    // Asynchronous calls that are at work or whose results wait; one client has half of them. Their answers
    // are strings only up to so many bytes, so that a thousand of them take little memory.
    std::size_t results = 1'000;
    std::size_t waiting_answer_bytes = std::size_t{64} << 10;
    // Prepared documents on the disk, and how long they wait for their signatures; one client has half of
    // them.
    std::size_t prepared = 1'000;
    std::uint64_t prepared_mib = 8'192;  // some eighty of the largest
    std::chrono::seconds prepared_life{86'400};
    // Of one that has its signature: long enough for the retry of a client whose connection broke.
    std::chrono::seconds prepared_life_after{600};
};

}  // namespace sigillo::api::documents
