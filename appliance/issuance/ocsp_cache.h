// OCSP answers that were signed before: without a nonce the same question has the same answer for a while.
//
// An answer is good for one state of all certificates: whoever changes the standing of one raises the state,
// and every answer of before is dead at once. Bounded in number and age. Thread-safe.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <optional>

#include "appliance/base/bytes.h"
#include "appliance/base/clock.h"

namespace sigillo::issuance {

class OcspCache {
 public:
    struct Entry {
        Bytes der;
        WallTime this_update{};
        WallTime next_update{};
    };

    OcspCache(std::size_t entries, BootTime life) : limit_(entries), life_(life) {}

    std::optional<Entry> find(ByteView question, std::uint64_t state, BootTime now);
    // `state`: as it was before the standings were read.
    void keep(Bytes question, std::uint64_t state, BootTime now, Entry entry);
    std::size_t size() const;

 private:
    struct Kept {
        Bytes question;
        std::uint64_t state;
        BootTime made;
        Entry entry;
    };
    using Place = std::list<Kept>::iterator;

    const std::size_t limit_;
    const BootTime life_;
    mutable std::mutex mutex_;
    std::list<Kept> kept_;  // guarded by mutex_, as is what follows; the newest first
    std::map<Bytes, Place> by_question_;
};

}  // namespace sigillo::issuance
