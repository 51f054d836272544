// Every use of a key, as the store's index has it: what GET /v1/credentials/{id}/uses answers. The log proves
// it.
#pragma once

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
    std::uint64_t index = 0;  // log index of the Intent; several hashes of one call share it
    WallTime time{};
    Bytes hash;
    HashAlgorithm hash_algorithm = HashAlgorithm::kSha256;
    Bytes signature_sha256;    // 32 bytes, when outcome is "signed"
    std::string_view outcome;  // signed, failed, unknown, in_flight
};

// Ascending by index, from `after` (exclusive), at most `limit` calls with all their hashes, so that `after`
// always falls between calls. Indexes are those of the present log: uses of an earlier epoch stand in that
// epoch's log, and in the store, but not here. kNotFound for another tenant's credential. Thread-safe.
Result<std::vector<SingleUse>> list_uses(audit::Ledger& ledger, const std::string& tenant,
                                         const CredentialId& credential, std::optional<std::uint64_t> after,
                                         std::size_t limit);

}  // namespace sigillo::signing
