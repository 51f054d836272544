// Who a log is: its base origin and the Ed25519 key in the HSM that signs its checkpoints. Immutable;
// thread-safe.
#pragma once

#include <memory>
#include <string>

#include "appliance/audit/verify/checkpoint.h"
#include "keystore/signing_key.h"

namespace sigillo::audit {

class LogIdentity {
 public:
    // `base_origin`: a schema-less URL by custom, "sign.example.com/log"; the rules of NoteKey::create().
    // kInvalidArgument for another, or for a key that is not Ed25519.
    static Result<LogIdentity> create(std::string base_origin, std::shared_ptr<SigningKey> key);

    const std::string& base_origin() const { return base_origin_; }
    // The contents of the verifier-key file: it covers all epochs.
    std::string verifier_key() const { return keys_.keys().front().text(); }
    const TrustedKeys& keys() const { return keys_; }

    // The signed note of `checkpoint`, checked after signing. kHsmFailed when the HSM's signature does not
    // hold; errors of SigningKey::sign_message().
    Result<std::string> sign(const Checkpoint& checkpoint) const;

 private:
    LogIdentity(std::string base_origin, std::shared_ptr<SigningKey> key, NoteKey note_key)
        : base_origin_(std::move(base_origin)), key_(std::move(key)), keys_({std::move(note_key)}) {}

    std::string base_origin_;
    std::shared_ptr<SigningKey> key_;
    TrustedKeys keys_;
};

}  // namespace sigillo::audit
