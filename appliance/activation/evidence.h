// What an activation leaves behind: its entry in the log, which cannot be erased and so holds no personal
// data, and the evidence beside it, which can (DESIGN §6). The entry holds SHA-256(salt ‖ evidence).
// Functions with a Recorder run inside the caller's transaction.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "appliance/audit/recorder.h"
#include "appliance/base/digest.h"
#include "appliance/base/random.h"

namespace sigillo::activation {

struct Evidence {
    record::Evidence record;  // salt: 32 random bytes; body: JSON {"clientData"?, "click"?, "description"?}
    Sha256Value digest{};     // SHA-256(salt ‖ body)
};

// kInvalidArgument with `field`.
Status check_utf8(std::string_view text, std::string_view field);

// Nothing when all three are empty. kInvalidArgument, field "description" or "clientData": not UTF-8.
Result<std::optional<Evidence>> make_evidence(std::string_view click, std::string_view description,
                                              std::string_view client_data, Random& random);

Status keep_evidence(audit::Recorder& recorder, std::uint64_t index, const Evidence& evidence);

// "dtbsr" or "sdr".
std::string_view hash_type_name(record::HashType type);

// Appends `event` with the hashes: number, algorithm, SHA-256 over all of them, and each. A leaf has its
// limit, so after the first 256 they go on in entries "activation.hashes" with the same "sad_sha256". Returns
// the index of `event`.
Result<std::uint64_t> log_with_hashes(audit::Recorder& recorder, audit::Event event, ByteView sad_digest,
                                      HashAlgorithm algorithm, std::span<const Digest> hashes);

}  // namespace sigillo::activation
