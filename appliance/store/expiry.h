// The index of what is to be erased when: keys of the space kExpiries. The one place of their encoding.
//
//   key = due (8 bytes, big-endian Unix milliseconds) ‖ space name ‖ 0 ‖ key of the entry
//
// so that a scan from the start meets what is due first. The value is never read. Writer: audit::Recorder;
// reader: Housekeeper. Pure functions; safe from any thread.
#pragma once

#include "appliance/base/clock.h"
#include "appliance/store/store.h"

namespace sigillo {

struct Expiry {
    WallTime due;
    Space space;  // one of kAllSpaces
    Bytes key;
};

// Times before 1970 count as 1970. With a key too long to be scheduled (8 + space + 1 + key > 400 bytes) the
// result is one that the store refuses with kInvalidArgument.
Bytes expiry_key(WallTime due, Space space, ByteView key);

// When it is due, without the rest: for stopping a scan. kCorrupt when shorter than 8 bytes.
Result<WallTime> expiry_due(ByteView expiry_key);

// kCorrupt when malformed or when it names no space of this appliance.
Result<Expiry> parse_expiry_key(ByteView expiry_key);

// Only entries that no one could replay to any use may expire: none of a tracked table, none of the log.
bool may_expire(Space space);

}  // namespace sigillo
