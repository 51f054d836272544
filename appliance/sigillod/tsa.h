// The TSA put together: foundation below, units and authority above, and how it starts, stops and feels. The
// order of the members is the order in which they are built; they are taken down in the reverse.
#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include "appliance/audit/publisher.h"
#include "appliance/audit/sweep.h"
#include "appliance/base/pool_executor.h"
#include "appliance/ipc/sam.pb.h"
#include "appliance/sigillod/health.h"
#include "appliance/sigillod/tsa_foundation.h"

namespace sigillo {

// Where time comes from, when it is not the machine's: for tests, and only there. Outlives the Tsa.
struct TsaTimeSeam {
    tsa::KernelClock* clock = nullptr;
    tsa::TimeDaemon* daemon = nullptr;
};

// Thread-safe after assemble(); start(), close() and stop() belong to one thread.
class Tsa {
 public:
    // Ready to stamp, but not yet: units are in service, the log is published, "tsa.started" stands in it.
    // Errors: of the parts; kInvalidArgument (`field` "accuracy") when the accuracy cannot be kept.
    static Result<std::unique_ptr<Tsa>> assemble(const Foundation& base, const TsaSettings& settings,
                                                 TsaTimeSeam seam = {});
    ~Tsa();
    Tsa(const Tsa&) = delete;
    Tsa& operator=(const Tsa&) = delete;

    // The monitor of the clock, the publisher and the sweep run from here on.
    void start();
    // No new work.
    void close();
    // Finishes what is in hand; then the clock's monitor, the log's last entry, the publisher.
    void stop();

    // A place among the requests in the making, as long as it lives. Move-only; the Tsa outlives it.
    class Place {
     public:
        explicit Place(std::atomic<std::size_t>& taken) : taken_(&taken) {}
        Place(Place&& other) noexcept : taken_(std::exchange(other.taken_, nullptr)) {}
        Place& operator=(Place&&) = delete;
        ~Place() {
            if (taken_ != nullptr) --*taken_;
        }

     private:
        std::atomic<std::size_t>* taken_;
    };
    // To be held while stamp() runs. kUnavailable: as many are in the making as may be, or it is closed.
    Result<Place> admit();
    // `message` outlives the Task, which waits for nothing but the log before it goes on on this TSA's own
    // threads. Never fails: a failure is a TimeStampResp too.
    Task<sam::TimeStamped> stamp(const sam::TimeStamp& message);

    tsa::Units& units() { return *units_; }
    audit::Ledger& ledger() { return *below_->ledger; }
    audit::Publisher& publisher() { return *publisher_; }
    const TsaSettings& settings() const { return settings_; }
    Result<sam::TsaStatus> status();
    // Units whose keys are over are retired and destroyed.
    void housekeep();
    void watch(Health& health);

 private:
    Tsa(const Foundation& base, const TsaSettings& settings) : base_(base), settings_(settings) {}
    Status build(TsaTimeSeam seam);
    Status build_time(TsaTimeSeam seam);

    const Foundation& base_;
    const TsaSettings& settings_;
    std::unique_ptr<TsaFoundation> below_;
    std::unique_ptr<audit::Publisher> publisher_;
    std::unique_ptr<audit::Sweep> sweep_;
    std::unique_ptr<tsa::KernelClock> clock_;
    std::unique_ptr<tsa::TimeDaemon> daemon_;
    std::unique_ptr<tsa::Units> units_;
    std::unique_ptr<tsa::DiskReserve> reserve_;
    std::unique_ptr<tsa::TimeSource> time_;
    tsa::KernelTimeSource* kernel_time_ = nullptr;  // time_, where it is one
    std::unique_ptr<tsa::Authority> authority_;
    bool stopped_ = false;
    std::atomic<bool> closed_{false};
    std::atomic<std::size_t> in_the_making_{0};
    std::unique_ptr<PoolExecutor> executor_;  // where stamping goes on when the store has answered
};

}  // namespace sigillo
