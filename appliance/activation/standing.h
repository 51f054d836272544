// Whether client and credential may be used at all, now. Asked again inside every transaction that depends on
// it, by activation and by the signing path. Functions of their arguments; safe from any thread.
#pragma once

#include <cstdint>
#include <string>

#include "appliance/base/clock.h"
#include "appliance/base/ids.h"
#include "appliance/base/result.h"
#include "appliance/store/records.h"

namespace sigillo::activation {

// kForbidden: removed, or not this tenant's.
Status check_client(const record::Client& client, const std::string& tenant);

// Whether a credential may be used at all at `now` (EN 419 241-1 SRA_SKM.2.2: its certificate is checked
// before its key is used). kDisabled: suspended, revoked, or without certificate. kExpired: before or after
// its certificate's validity.
Status check_usable(const record::Credential& credential, WallTime now);

// The same, and kNotFound "credentialID": another tenant's, or deleted.
Status check_credential(const record::Credential& credential, const std::string& tenant, WallTime now);

// Both as they are in `txn`, checked. kForbidden: no such client; kNotFound "credentialID": no such
// credential; and as above. Never null.
Result<SharedRecord<record::Credential>> load_standing(ReadTransaction& txn, const RecordCodec& codec,
                                                       const ClientId& client, const std::string& tenant,
                                                       const CredentialId& credential, WallTime now);

// The log index in `epoch` from which on activations of the credential count: whoever suspends a key takes
// back what its signer permitted before, so that resuming it brings nothing of that back. Earlier epochs'
// SADs are gone (Sads::erase_some).
std::uint64_t activations_from(const record::Credential& credential, std::uint64_t epoch);

// Whether an error is an answer about the request, which belongs into the audit log when it touched a
// credential, or a trouble of the appliance's own.
bool is_refusal(Errc code);

}  // namespace sigillo::activation
