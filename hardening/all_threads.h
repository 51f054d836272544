// One system call made by every thread of the process.
//
// Landlock restricts the thread that asks and those that it makes later. By the time a daemon knows its
// directories, the store and the HSM may have threads: a rule that held for some of them would hold for
// nobody. As glibc does for setuid(), each thread is interrupted by a signal and makes the call in its
// handler.
#pragma once

#include <cstddef>

#include "appliance/base/result.h"

namespace sigillo {

// Calls `operation(argument)` once in each thread, the calling one last; it must be async-signal-safe and
// return 0 or an errno. Threads that start meanwhile are included. Borrows SIGRTMAX, which no other part of
// the process may use at this time. Returns how many threads could not be reached because they block the
// signal: 0, or the caller came too late. kUnavailable: the call failed in a thread. Not thread-safe: once at
// start.
Result<std::size_t> in_all_threads(int (*operation)(int), int argument);

}  // namespace sigillo
