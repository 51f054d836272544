// The factor `click`: evidence that a person pressed "sign" for exactly these hashes.
//
// It authenticates nobody. It is bound to the hashes, to five minutes and to one use.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "appliance/audit/recorder.h"
#include "appliance/base/digest.h"
#include "appliance/base/ids.h"

namespace sigillo::activation {

struct ClickConfig {
    std::chrono::seconds tolerance{300};  // |time - now|: clocks of applications drift, people hesitate
    std::size_t evidence_limit = 4'096;   // bytes of JSON; a user agent is the longest part
    std::size_t nonce_least = 16;         // bytes: 128 bits never repeat by chance
    std::size_t nonce_most = 64;          // bytes: it becomes part of a key in the store
    std::chrono::seconds nonce_margin{
        900};  // remembered so much longer than it could be accepted, for a clock set back
};

struct ClickEvidence {
    std::int64_t time = 0;  // Unix seconds
    Bytes nonce;
    Bytes hashes_sha256;  // 32 bytes
    std::string address;
    std::string user_agent;
};

// SHA-256 over the concatenated raw digests, in order.
Sha256Value hashes_digest(std::span<const Digest> hashes);

// Strict: exactly the five members, no other, none twice. kAuthenticationFailed, field "click", with a detail
// that says what is wrong: the evidence is no secret.
Result<ClickEvidence> parse_click(std::string_view json, const ClickConfig& config);

// Time and hashes. kAuthenticationFailed, field "click".
Status check_click(const ClickEvidence& evidence, std::span<const Digest> hashes, WallTime now,
                   const ClickConfig& config);

// Spends the nonce: kAlreadyExists when this credential has seen it.
Status spend_nonce(audit::Recorder& recorder, const CredentialId& credential, const ClickEvidence& evidence,
                   const ClickConfig& config, WallTime now);

}  // namespace sigillo::activation
