// The background sweep: reads the log from its beginning, over and over, and holds it against itself and
// against the records in the store. Finds what the guard at start has no time for: a bit flipped anywhere in
// the published log, an old record replayed into the store, one that is missing, one whose MAC does not hold.
//
// A round: every leaf up to the head is read, hashed into the tree and searched for changes of records; then
// every tracked record is decoded and its version compared with the last one logged. Each comparison first
// takes in the leaves that came meanwhile, in the same snapshot, so that work going on is no finding. The
// memory that a round takes is bounded: with more records than fit, it walks the log several times, each time
// for another part of the records. When the log itself does not hold, that is the finding, and records are
// not compared with it.
//
// In a later epoch records that were changed only before it are not in its log; the sweep logs their versions
// ("records.baseline"), and holds them to these from then on.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "appliance/audit/recorder.h"
#include "appliance/audit/store_log.h"
#include "appliance/audit/version_table.h"
#include "appliance/base/logger.h"

namespace sigillo::audit {

struct SweepConfig {
    // Leaves or records looked at in one step; each step is one short store transaction.
    std::size_t step = 256;
    // Pause between two steps, so that a sweep takes a few per cent of one core at most.
    std::chrono::milliseconds pause{100};
    // Between the end of a round and the next one.
    std::chrono::milliseconds round_interval{60'000};
    // Records whose versions are held in memory at once, 24 bytes each and as much again for room: about 20
    // MiB.
    std::size_t table_entries = 400'000;
    // Findings kept for health and the log; a damaged disk may give very many.
    std::size_t finding_limit = 32;
};

struct SweepHealth {
    bool clean = true;                  // nothing found in the last complete round nor in this one
    std::vector<std::string> findings;  // places and what is wrong there, at most finding_limit
    std::uint64_t rounds = 0;           // complete
    std::uint64_t leaves = 0;           // walked in this round
    std::uint64_t records = 0;          // compared in this round
    std::string error;                  // why it cannot go on (store out of service), or empty
};

// health() is thread-safe; run_round() is called by the thread that start() makes, or by a test, not by both.
class Sweep {
 public:
    // All references outlive it.
    // `tracked`: the spaces whose records are compared; the signing store's where not said.
    Sweep(Ledger& ledger, StoreLog& log, Logger& logger, SweepConfig config = {},
          std::span<const Space> tracked = {});
    ~Sweep();
    Sweep(const Sweep&) = delete;
    Sweep& operator=(const Sweep&) = delete;

    // One round to its end, with the pauses of the configuration (a stop() ends it early). Findings are
    // logged as events "sweep.alarm", once each. An error when the store or the directory cannot be read;
    // nothing is concluded then.
    Status run_round();

    void start();
    void stop();
    SweepHealth health() const;

 private:
    struct Walk;  // one pass over log and records
    struct RecordName {
        Space space;
        Bytes key;
    };

    Status run_pass(std::uint64_t part, std::uint64_t parts, bool& overflow);
    Status in_steps(Walk& walk, const std::function<Result<bool>(ReadTransaction& txn)>& step);
    Status catch_up(ReadTransaction& txn, Walk& walk);
    Status read_leaves(ReadTransaction& txn, Walk& walk);
    Status take_leaf(Walk& walk, ByteView leaf);
    Result<bool> compare_some(ReadTransaction& txn, Walk& walk);
    Result<bool> look_up_some(ReadTransaction& txn, Walk& walk);
    void compare(Walk& walk, Space space, ByteView key, std::optional<ByteView> stored);
    Status log_baseline();
    void add_finding(std::string finding);
    Status report_findings();
    bool pause();
    void run();

    Ledger& ledger_;
    StoreLog& log_;
    Logger& logger_;
    const SweepConfig config_;
    const std::vector<Space> tracked_;
    VersionTable table_;
    std::vector<std::string> found_;     // in this round
    std::vector<std::string> reported_;  // logged before
    std::vector<RecordName> baseline_;   // records that this epoch's log does not know yet

    mutable std::mutex mutex_;  // guards the rest
    std::condition_variable wake_;
    bool stopping_ = false;
    SweepHealth health_;
    std::thread thread_;
};

}  // namespace sigillo::audit
