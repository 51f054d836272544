#include "tsa/kernel_clock.h"

#include <sys/timex.h>
#include <time.h>

#include <cerrno>

#include "appliance/base/file.h"

namespace sigillo::tsa {
namespace {

std::chrono::nanoseconds now_of(clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);  // cannot fail for these clocks
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

// The two cannot be read at once: the one between two readings of the other, again when the thread was
// preempted.
ClockReading SystemKernelClock::read() {
    using namespace std::chrono;
    constexpr nanoseconds kPreempted = microseconds(50);
    constexpr int kTries = 8;
    nanoseconds best_gap = nanoseconds::max();
    ClockReading best{};
    for (int attempt = 0; attempt < kTries && best_gap > kPreempted; ++attempt) {
        const nanoseconds before = now_of(CLOCK_BOOTTIME);
        const nanoseconds real = now_of(CLOCK_REALTIME);
        const nanoseconds gap = now_of(CLOCK_BOOTTIME) - before;
        if (gap >= best_gap) continue;
        best_gap = gap;
        best = {PreciseTime(floor<microseconds>(real)), floor<microseconds>(before + gap / 2)};
    }
    return best;
}

Result<KernelDiscipline> SystemKernelClock::discipline() {
    timex kernel{};
    const int state = ::adjtimex(&kernel);
    if (state < 0) return std::unexpected(errno_error(errno, "adjtimex"));
    KernelDiscipline read;
    read.synchronised = state != TIME_ERROR && (kernel.status & (STA_UNSYNC | STA_CLOCKERR)) == 0;
    read.max_error = Microseconds(kernel.maxerror);
    if (state == TIME_INS || (kernel.status & STA_INS) != 0) read.leap = LeapNotice::kInsert;
    if (state == TIME_DEL || (kernel.status & STA_DEL) != 0) read.leap = LeapNotice::kDelete;
    // TIME_WAIT: it has happened, and the flags have not been taken back yet.
    if (state == TIME_WAIT) read.leap = LeapNotice::kNone;
    read.leap_running = state == TIME_OOP;
    return read;
}

}  // namespace sigillo::tsa
