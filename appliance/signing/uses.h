// Every use of a key, as the store's index has it: what GET /v1/credentials/{id}/uses answers. The log proves
// it.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/audit/recorder.h"
#include "appliance/base/digest.h"
#include "appliance/base/ids.h"

namespace sigillo::signing {

// One hash of one use.
struct SingleUse {
    std::uint64_t epoch = 1;  // of the log that has the Intent
    std::uint64_t index = 0;  // of the Intent in it; several hashes of one call share it
    WallTime time{};
    Bytes hash;
    HashAlgorithm hash_algorithm = HashAlgorithm::kSha256;
    Bytes signature_sha256;  // 32 bytes, when outcome is "signed"
    // Of a document: `hash` is the digest of the SignedAttributes then. Else empty.
    Bytes document_digest;     // what the signer authorised
    Bytes message_digest;      // what the message-digest attribute says
    std::string_view format;   // cades, pades
    std::string_view outcome;  // signed, failed, unknown, in_flight
};

// Where a use stands in the logs. Indexes begin anew in each epoch.
struct UsePlace {
    std::uint64_t epoch = 1;
    std::uint64_t index = 0;
    friend auto operator<=>(const UsePlace&, const UsePlace&) = default;
};

// Of all epochs, ascending by epoch and index, from `after` (exclusive), at most `limit` calls with all their
// hashes, so that `after` always falls between calls. kNotFound for another tenant's credential. Thread-safe.
Result<std::vector<SingleUse>> list_uses(audit::Ledger& ledger, const std::string& tenant,
                                         const CredentialId& credential, std::optional<UsePlace> after,
                                         std::size_t limit);

}  // namespace sigillo::signing
