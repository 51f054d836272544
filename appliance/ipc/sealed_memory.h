// Sealed memfds: files in memory that nobody can change any more, neither who made them nor who got them.
// What was checked in one stays true, so a process can pass a document to another that does not trust it.
// Free functions; safe from any thread. Errors: kUnavailable with errno in `native`, unless said.
#pragma once

#include <cstdint>

#include "appliance/base/file.h"
#include "appliance/base/result.h"

namespace sigillo::ipc {

// Empty, readable and writable, close-on-exec, not executable, not sealed yet. `name` shows in /proc alone.
Result<UniqueFd> make_memory_file(const char* name);

// No byte and no length of it changes from here on. Fails (native EBUSY) while a writable mapping exists.
Status seal_memory(int fd);

// Whether it is a file in memory whose bytes and length are sealed, and whose seals are. Returns its length.
// kInvalidArgument: anything else - a file of a disk, a pipe, a memfd with a seal missing.
Result<std::uint64_t> sealed_size(int fd);

}  // namespace sigillo::ipc
