// Copies of a store that is at work.
//
// Internal to appliance/store. Thread-safe.
#pragma once

#include <string>

#include "appliance/store/layers.h"
#include "appliance/store/lmdb_readers.h"

namespace sigillo {

struct CopyParts {
    LmdbEnv& env;
    LmdbReaders& readers;
    const Layers& layers;
    const LmdbConfig& config;
};

// As LmdbStore::copy_to(). The copy is a data.mdb alone: what the store has in its journal is in there.
Status copy_store(const CopyParts& parts, const std::string& directory);

}  // namespace sigillo
