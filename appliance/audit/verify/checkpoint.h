// Checkpoints, the signed heads of a log: https://c2sp.org/tlog-checkpoint; and whose word counts for which
// log. Pure functions; safe from any thread. Errors: kCorrupt, unless another is named.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/audit/verify/merkle.h"
#include "appliance/audit/verify/note.h"

namespace sigillo::audit {

struct Checkpoint {
    std::string origin;
    std::uint64_t size = 0;
    Hash root{};
    friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

// origin LF size LF base64(root) LF.
std::string format_checkpoint(const Checkpoint& checkpoint);
// Takes extension lines, as the specification wants, and leaves them aside.
Result<Checkpoint> parse_checkpoint(std::string_view text);

// A log's origin, and those of its epochs: the first epoch has the base origin, epoch N > 1 "<base>/epoch-N".
std::string epoch_origin(std::string_view base, std::uint64_t epoch);
// The epoch that `origin` names, if it is of `base`.
std::optional<std::uint64_t> epoch_of_origin(std::string_view base, std::string_view origin);

// The keys that a verifier trusts.
class TrustedKeys {
 public:
    explicit TrustedKeys(std::vector<NoteKey> keys) : keys_(std::move(keys)) {}
    // One verifier key a line; empty lines and lines beginning with '#' are skipped. kInvalidArgument.
    static Result<TrustedKeys> parse(std::string_view text);

    // The key for the log of that origin: the one of that name; else the one of whose name the origin is an
    // epoch, renamed (the same Ed25519 key signs all epochs of a log).
    std::optional<NoteKey> find(std::string_view origin) const;
    const std::vector<NoteKey>& keys() const { return keys_; }

 private:
    std::vector<NoteKey> keys_;
};

struct SignedCheckpoint {
    Checkpoint checkpoint;
    std::string note;  // the file, whole
};

// Believes `note` only when the key for its origin has signed it.
Result<SignedCheckpoint> open_checkpoint(std::string_view note, const TrustedKeys& keys);

}  // namespace sigillo::audit
