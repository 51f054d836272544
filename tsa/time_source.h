// What time it is, how well that is known, and why not when it is not. DESIGN §8; EN 319 421 §7.7.2.
//
// A token leaves only while its TimeSource vouches for the clock: timeNotAvailable otherwise (RFC 3161
// §2.4.2).
#pragma once

#include <string>
#include <string_view>

#include "appliance/base/result.h"
#include "tsa/precise_time.h"

namespace sigillo::tsa {

enum class TimeState : std::uint8_t {
    kTrusted,
    kStarting,        // no verdict yet
    kUnsynchronised,  // kernel or time daemon say so
    kInvented,        // the kernel's maximum error is zero: whoever wrote it measured nothing
    kNoDaemon,        // chronyd does not answer
    kTooFewSources,   // chronyd has fewer usable sources than wanted
    kErrorTooLarge,   // the clock's error and genTime's resolution pass the stated accuracy
    kJumped,          // the clock was set, and it has not been good for long enough since
    kLeapSecond,      // one is about to be, is being, or has just been inserted or deleted
    kNoVerdict,       // the monitor has not said anything for too long
};

// "trusted", "unsynchronised", …: for logs and metrics. Static storage.
std::string_view time_state_name(TimeState state);
inline constexpr std::size_t kTimeStates = 10;

struct TimeStatus {
    TimeState state = TimeState::kStarting;
    std::string reason;        // for people who operate the TSA; empty when trusted
    Microseconds error{0};     // the clock's largest error when last looked at; 0 when not known
    unsigned sources = 0;      // usable ones of the time daemon
    std::string announcement;  // of a leap second to come, or empty
};

// What changed, for the logs and for whoever is woken by it.
struct TimeChange {
    TimeState before = TimeState::kStarting;
    TimeStatus now;
    PreciseTime at;  // by the very clock that it is about
};

// Thread-safe.
class TimeSource {
 public:
    virtual ~TimeSource() = default;

    // UTC. kClockUntrusted with the reason when it is not vouched for: then nothing may be stamped.
    virtual Result<PreciseTime> now() = 0;

    // What tokens state. now() is off by less than this, cut to genTime's resolution included.
    virtual Microseconds accuracy() const = 0;

    // Whether anything stands behind now(). When not, tokens have to say so by their policy.
    virtual bool checked() const = 0;

    virtual TimeStatus status() const = 0;
};

}  // namespace sigillo::tsa
