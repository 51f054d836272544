// What an activation leaves behind: its entry in the log, which cannot be erased and so holds no personal
// data, and the evidence beside it, which can. The entry holds SHA-256(salt ‖ evidence).
// Functions with a Recorder run inside the caller's transaction.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "appliance/audit/recorder.h"
#include "appliance/base/digest.h"
#include "appliance/base/random.h"
#include "appliance/base/secret.h"

namespace sigillo::activation {

inline constexpr std::chrono::days kTwentyYears{7'305};  // of retention, unless configured

struct Evidence {
    Bytes salt;            // 32 random bytes
    std::string body;      // JSON {"clientData"?, "click"?, "description"?}
    Sha256Value digest{};  // SHA-256(salt ‖ body)
};

// kInvalidArgument with `field`.
Status check_utf8(std::string_view text, std::string_view field);

// Nothing when all three are empty. kInvalidArgument, field "description" or "clientData": not UTF-8.
Result<std::optional<Evidence>> make_evidence(std::string_view click, std::string_view description,
                                              std::string_view client_data, Random& random);

// Evidence in the store: personal data, so sealed. The key is derived once, by way of the record-MAC key in
// the HSM, as the records' own is: no call to the HSM for each document, and a thief of the store reads
// nothing. From it each row has a key of its own, by its salt: twenty years of documents are more than
// AES-GCM takes under one key with random nonces. Thread-safe; `random` outlives it.
class EvidenceKeeper {
 public:
    // `retention`: how long it is kept; then housekeeping erases it.
    EvidenceKeeper(const RecordCodec& codec, Random& random, std::chrono::days retention);

    // That of the activation at `index` of the log.
    Status keep(audit::Recorder& recorder, std::uint64_t index, const Evidence& evidence) const;
    // What was kept. kNotFound: none, or erased; kCorrupt.
    Result<Evidence> open(ReadTransaction& txn, const RecordCodec& codec, std::uint64_t epoch,
                          std::uint64_t index) const;

    // An officer's reading and erasing, inside the caller's transaction. Logs "evidence.shown" or
    // "evidence.erased" with the officer's name and reason, and nothing of the content. kNotFound "index".
    struct Order {
        std::uint64_t epoch = 0;  // of the log that has the activation; 0: the present one
        std::uint64_t index = 0;  // of the activation in it
        std::string_view officer;
        std::string_view reason;
    };
    Result<Evidence> show(audit::Recorder& recorder, const Order& order) const;
    // What is in backups stays there.
    static Status erase(audit::Recorder& recorder, const Order& order);

 private:
    SecretBytes key_of_row(ByteView salt) const;

    SecretBytes key_;
    Random& random_;
    const std::chrono::days retention_;
};

// "dtbsr" or "sdr".
std::string_view hash_type_name(record::HashType type);

// Appends `event` with the hashes: number, algorithm, SHA-256 over all of them, and each. A leaf has its
// limit, so after the first 256 they go on in entries "activation.hashes" with the same "sad_sha256". Returns
// the index of `event`.
Result<std::uint64_t> log_with_hashes(audit::Recorder& recorder, audit::Event event, ByteView sad_digest,
                                      HashAlgorithm algorithm, std::span<const Digest> hashes);

}  // namespace sigillo::activation
