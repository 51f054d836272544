// Whether a log shows every use of a key: each Intent and Outcome of a credential carries a running number
// and the index of the one before, so that a reader who walks all leaves sees a gap. The tree cannot prove
// that; it proves that nothing which was seen is removed later. FORMAT.md, "Uses of a key".
//
// Not thread-safe. Feed it every leaf of one log, in order.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "appliance/audit/verify/leaf.h"

namespace sigillo::audit {

class UseChecker {
 public:
    // kCorrupt, saying what is wrong, when the leaf does not fit those before. Leaves of other types pass.
    Status take(std::uint64_t index, const Leaf& leaf);

    struct Credential {
        std::uint64_t first_seq = 0;  // above 1 when the log continues an earlier epoch
        std::uint64_t seq = 0;
        std::uint64_t last_index = 0;
        std::vector<std::uint64_t> open;  // Intents without an Outcome yet
    };
    const std::unordered_map<std::string, Credential>& credentials() const { return credentials_; }
    std::uint64_t intents() const { return intents_; }
    std::uint64_t open_intents() const { return open_; }

 private:
    Status take_intent(std::uint64_t index, const Leaf& leaf, Credential& state) const;
    Status take_outcome(const Leaf& leaf, Credential& state) const;

    std::unordered_map<std::string, Credential> credentials_;
    std::unordered_map<std::uint64_t, std::string> activations_;  // index -> credential
    std::uint64_t intents_ = 0;
    std::uint64_t open_ = 0;
    bool continues_ = false;  // the first leaf opened a later epoch
};

}  // namespace sigillo::audit
