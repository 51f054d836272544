// TimeStampReqs, well formed or not, and libcrypto's own of the well-formed ones.
#pragma once

#include <optional>
#include <string>

#include "appliance/base/digest.h"

namespace sigillo::tsa::testing {

struct RequestOptions {
    std::string document = "a document";
    HashAlgorithm hash = HashAlgorithm::kSha256;
    std::string hash_oid;          // instead of hash's
    std::optional<Bytes> digest;   // instead of the document's
    Bytes parameters{0x05, 0x00};  // of the hash's AlgorithmIdentifier, whole
    Bytes version{0x01};           // content octets
    std::string policy;            // dotted, or empty
    Bytes nonce{0x2A};             // content octets; empty: none
    bool cert_req = true;
    std::optional<Bytes> extensions;  // content of the field
};

Bytes build_imprint(const RequestOptions& options);
Bytes build_request(const RequestOptions& options);
// By TS_REQ_new() and friends: hash, document, policy, a positive nonce, cert_req. Throws when libcrypto
// fails.
Bytes libcrypto_request(const RequestOptions& options);

}  // namespace sigillo::tsa::testing
