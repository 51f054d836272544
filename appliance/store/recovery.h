// What a start does with the journal: all of it goes into LMDB before anything is served.
//
// Internal to appliance/store.
#pragma once

#include "appliance/base/logger.h"
#include "appliance/store/journal_format.h"
#include "appliance/store/lmdb_env.h"

namespace sigillo {

// In one transaction; then the files are removed. May be cut short anywhere and done again. Returns where the
// history stands. A last batch that was never finished, and so never acknowledged, is left out. Errors:
// kCorrupt, with the file and what is wrong (damage; a gap; files of another store or another time);
// kStorageFull when LMDB has no room for it; kUnavailable.
Result<BatchMark> recover(const LmdbEnv& env, Logger& logger);

}  // namespace sigillo
