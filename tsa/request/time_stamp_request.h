// TimeStampReq (RFC 3161 §2.4.1): what a client asks for, parsed strictly out of foreign bytes.
//
//   TimeStampReq ::= SEQUENCE { version INTEGER { v1(1) }, messageImprint MessageImprint, reqPolicy
//     TSAPolicyId OPTIONAL, nonce INTEGER OPTIONAL, certReq BOOLEAN DEFAULT FALSE, extensions [0] IMPLICIT
//     Extensions OPTIONAL }
//
// No libcrypto, no recursion, no allocation beyond the bounds. A TimeStampRequest that exists has passed
// every check that needs no configuration of the authority: sigillo-api makes one by parse(), sigillod makes
// it anew by create() from the typed fields that it is sent, and believes nothing else. Immutable;
// thread-safe.
#pragma once

#include <cstddef>
#include <expected>

#include "appliance/base/bytes.h"
#include "appliance/base/digest.h"
#include "tsa/request/response.h"

namespace sigillo::tsa {

struct RequestLimits {
    // Octets of a request. A plain one takes 130 at most; 8 KiB lets a client that sends extensions be told
    // that they are not accepted, instead of that its data is malformed.
    std::size_t max_bytes = std::size_t{8} * 1024;
    // Octets of the nonce's content. Clients send 8 to 20; 64 hold a SHA-512 digest. It is copied into the
    // token.
    std::size_t max_nonce_bytes = 64;
    // Octets of reqPolicy's content: no policy of ours comes near.
    std::size_t max_policy_bytes = 64;
    // Whether an INTEGER below zero will do for a nonce: clients that fill it with random octets (Windows'
    // CryptRetrieveTimeStamp among them) send one half of the time, and RFC 3161 does not forbid it. It is
    // echoed as it came.
    bool negative_nonce = true;
};

// The fields as they travel between processes. Views: they live as long as what they point into.
struct RequestFields {
    HashAlgorithm hash = HashAlgorithm::kSha256;
    ByteView digest;
    // Whether the hash's AlgorithmIdentifier has NULL for parameters rather than none (RFC 5754 §2 admits
    // both); the token repeats the imprint as it came.
    bool null_parameters = false;
    ByteView policy;  // content octets of the OBJECT IDENTIFIER, or empty
    ByteView nonce;   // content octets of the INTEGER, or empty
    bool cert_req = false;
};

class TimeStampRequest {
 public:
    // kBadDataFormat: longer than max_bytes, not DER (indefinite or longer than necessary lengths, integers
    // not minimal, …), fields missing, doubled, out of order or unknown, anything after the end, an imprint
    // whose length is not its algorithm's, a nonce longer than the bound. kBadRequest: a version other
    // than 1. kBadAlg: any hash but SHA-256, SHA-384, SHA-512 (no SHA-1, no MD5), or with parameters other
    // than NULL. kUnacceptedPolicy: one longer than the bound. kUnacceptedExtension: any, critical or not.
    static std::expected<TimeStampRequest, TspFailure> parse(ByteView der, const RequestLimits& limits = {});
    // The same checks on typed fields.
    static std::expected<TimeStampRequest, TspFailure> create(const RequestFields& fields,
                                                              const RequestLimits& limits = {});

    const Digest& imprint() const { return imprint_; }
    bool null_parameters() const { return null_parameters_; }
    ByteView policy() const { return policy_; }  // empty: whatever the authority's is
    ByteView nonce() const { return nonce_; }    // empty: none
    bool cert_req() const { return cert_req_; }
    RequestFields fields() const {
        return {imprint_.algorithm(), imprint_.bytes(), null_parameters_, policy_, nonce_, cert_req_};
    }

 private:
    explicit TimeStampRequest(const Digest& imprint) : imprint_(imprint) {}
    Digest imprint_;
    bool null_parameters_ = false;
    bool cert_req_ = false;
    Bytes policy_;
    Bytes nonce_;
};

// Content octets of the hash's OBJECT IDENTIFIER (RFC 5754 §2). Static storage.
ByteView hash_oid_content(HashAlgorithm hash);

}  // namespace sigillo::tsa
