// The time-stamping authority: one request in, one TimeStampResp out. RFC 3161 §2, EN 319 421 §7.7.1.
//
// Numbered in the code as here:
//   1. The clock is vouched for.
//   2. The policy is one of ours, and a unit serves it whose key's period includes now.
//   3. There is room for the log, beyond the reserve.
//   4. A serial number; TSTInfo and signed attributes are built.
//   5. Serial, imprint, policy, genTime and unit stand durably in the log.
//   6. The unit's key signs.
//   7. The signature is verified.
//   8. The clock is still vouched for; then, and only then, the token leaves.
// Whatever fails after 5 leaves an entry in the log for a token that nobody has: never a token without an
// entry.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "appliance/audit/recorder.h"
#include "appliance/base/logger.h"
#include "appliance/base/random.h"
#include "appliance/base/task.h"
#include "tsa/disk_reserve.h"
#include "tsa/serial_number.h"
#include "tsa/time_source.h"
#include "tsa/tst_info.h"
#include "tsa/units.h"

namespace sigillo::tsa {

struct AuthorityConfig {
    // Number of this machine among those that run this TSA: part of each serial, so never one twice.
    std::uint16_t node = 0;
    // OIDs of the TSA's policies, dotted; the first is that of requests without one. Required with a checked
    // clock. 0.4.0.2023.1.1 is EN 319 421's best-practices policy (§5.2), for those who keep it.
    std::vector<std::string> policies;
    // The only policy while nothing stands behind the clock, whatever else is configured. Under IANA's number
    // for examples (RFC 5612), so that nobody takes such a token for a real one.
    std::string unchecked_policy = "1.3.6.1.4.1.32473.3161.0";
    // Whether tokens name the TSA (field tsa: the unit's subject). Verifiers that check it like it; 100
    // octets.
    bool name_in_tokens = true;
    // Longest time that a request waits for a rotation to finish: a few commits.
    std::chrono::milliseconds rotation_patience{2'000};
    // Between two lines in the operational log about failures of one kind.
    std::chrono::milliseconds complaint_interval{1'000};
};

struct AuthorityCounters {
    std::uint64_t granted = 0;
    // By kAllFailures.
    std::array<std::uint64_t, kAllFailures.size()> refused{};
};

// Thread-safe; issue() is meant for many at a time: while the store commits a token's leaf, it takes no
// thread (Ledger::commit()). All references outlive it, a request its Task.
class Authority {
 public:
    struct Parts {
        audit::Ledger& ledger;  // of the TSA's store
        Units& units;
        TimeSource& time;
        DiskReserve& reserve;
        Random& random;
        Logger& logger;
    };
    // Writes "tsa.started" into the log. kInvalidArgument: a policy that is no OID, none with a checked
    // clock, the unchecked one among the others, or an accuracy outside 1 ms to 1 s.
    static Result<std::unique_ptr<Authority>> create(AuthorityConfig config, Parts parts);

    // A TimeStampResp with a token, in DER. unacceptedPolicy, timeNotAvailable, systemFailure (failure.h).
    Task<std::expected<Bytes, TspFailure>> issue(const TimeStampRequest& request);
    // The same; a failure as a TimeStampResp too.
    Task<Bytes> respond(const TimeStampRequest& request);

    // To be called for each change of the time source, e.g. as KernelTimeSource's listener: writes it into
    // both logs.
    void time_changed(const TimeChange& change);
    // Writes "tsa.stopped" into the log. No issue() may be running.
    Status stop(std::string_view reason);

    AuthorityCounters counters() const;

 private:
    struct Policy {
        std::string dotted;
        Bytes content;
    };
    Authority(AuthorityConfig config, Parts parts);
    Status prepare();
    Status log_start();
    const Policy* policy_of(const TimeStampRequest& request) const;
    Task<Result<Bytes>> stamp(const TimeStampRequest& request, const Policy& policy);
    Task<Result<Bytes>> stamp_with(const TimeStampingUnit& unit, const TimeStampRequest& request,
                                   const Policy& policy, PreciseTime now);
    Result<std::shared_ptr<const TimeStampingUnit>> unit_for(const Policy& policy, PreciseTime now) const;
    TspFailure refuse(TspFailure failure, const Error* error);

    const AuthorityConfig config_;
    const Parts parts_;
    // Constant after create().
    std::vector<Policy> policies_;
    unsigned digits_ = 0;
    Bytes accuracy_;

    SerialNumbers serials_;
    std::atomic<std::uint64_t> granted_{0};
    std::array<std::atomic<std::uint64_t>, kAllFailures.size()> refused_{};
    std::array<std::atomic<std::int64_t>, kAllFailures.size()> complaint_due_ms_{};  // boot time
};

}  // namespace sigillo::tsa
