// From CSC's JSON to sigillod's messages. Order of checks: types, then values, then the hashes' lengths; what
// only sigillod can know (SAD, credential, count against multisign) comes after all of them, so that a
// malformed request spends nothing. Pure; safe from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "api/csc/algorithms.h"
#include "api/csc/errors.h"
#include "api/json/value.h"
#include "appliance/ipc/sam.pb.h"

namespace sigillo::api::csc {

struct RequestLimits {
    // Hashes in one authorize, extendTransaction or signHash, counted before they are decoded. sigillod's own
    // bound (activation.hashes_limit) is the one that counts; here it bounds the work for a request that it
    // would refuse.
    std::size_t hashes = 1'000;
};

enum class Certificates : std::uint8_t { kNone, kSingle, kChain };

struct CredentialView {
    Certificates certificates = Certificates::kSingle;
    bool cert_info = false;
    bool auth_info = false;
};
struct ListRequest {
    std::string signer_id;
    bool credential_info = false;
    bool only_valid = false;
    CredentialView view;
};
struct InfoRequest {
    std::string credential_id;
    CredentialView view;
};

// What signAlgo, signAlgoParams and hashAlgorithmOID say together. `params` and `hash_oid` may be absent.
struct Scheme {
    Padding padding;
    HashAlgorithm hash;
};
Outcome<Scheme> scheme_of(const std::string& sign_algo, const std::string* params,
                          const std::string* hash_oid);
// Whether it can be a SAD at all.
bool is_sad(std::string_view sad);

// A body that is a JSON object. An empty body counts as {} where `may_be_empty`.
Outcome<json::Object> decode_body(std::string_view body, bool may_be_empty = false);

Outcome<std::string> decode_service_info(const json::Object& body);  // lang, or empty
Outcome<ListRequest> decode_list(const json::Object& body);
Outcome<InfoRequest> decode_info(const json::Object& body);
Outcome<sam::Authorize> decode_authorize(const json::Object& body, const RequestLimits& limits = {});
Outcome<sam::ExtendTransaction> decode_extend_transaction(const json::Object& body,
                                                          const RequestLimits& limits = {});
// How it is to be answered, decode_mode() says (sign_doc.h).
Outcome<sam::SignHash> decode_sign_hash(const json::Object& body, const RequestLimits& limits = {});

Outcome<sam::TimeStamp> decode_time_stamp(const json::Object& body);  // §11.13

}  // namespace sigillo::api::csc
