// Publishes the log of the store as C2SP tlog-tiles: tiles, then a checkpoint signed in the HSM, within a
// second of the commit; brings copies of the checkpoint to the anchors; then lets the store forget the leaves
// that stand in full bundles. FORMAT.md has the files.
//
// A checkpoint is signed only for a tree that extends the last published one: it is computed by appending the
// store's leaves to that very tree, and must come out at the root that the store's own frontier has. Nothing
// is signed when they differ, or when the checkpoint in the directory is not the one that was put there.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "appliance/audit/log_identity.h"
#include "appliance/audit/log_places.h"
#include "appliance/audit/store_log.h"
#include "appliance/audit/tile_builder.h"
#include "appliance/audit/tile_writer.h"
#include "appliance/base/clock.h"
#include "appliance/base/logger.h"

namespace sigillo::audit {

struct PublisherConfig {
    // Between two looks at the store. Well under the promised second; each checkpoint costs an HSM signature
    // and about ten fsyncs, so not on every commit.
    std::chrono::milliseconds interval{200};
    // Between two copies to the anchors, which may be slow (another machine).
    std::chrono::milliseconds anchor_interval{1000};
    // Between tries after a failure.
    std::chrono::milliseconds retry_interval{1000};
    // Leaves read in one store transaction: long readers make the store grow.
    std::uint64_t read_leaves = 4096;
    // Leaves erased in one store transaction: while it runs, no other commits (about 1 ms).
    std::uint64_t pack_leaves = 512;
    // Unpublished for longer than this, health is red.
    std::chrono::milliseconds lag_limit{5000};
};

struct LogHealth {
    bool publishing = true;
    std::string reason;           // why not, or empty
    std::uint64_t committed = 0;  // leaves in the store when it was last looked at
    std::uint64_t published = 0;  // size of the newest checkpoint
    std::int64_t lag_ms = 0;      // for how long there have been unpublished leaves
    std::string anchor;           // "rollback anchor: same disk", an anchor that cannot be written, or empty
};

// Public members are thread-safe. All references outlive it.
class Publisher {
 public:
    // Takes up where the directory's checkpoint stands and mends what a crash left undone there; run
    // guard_log() before. Publishes before it returns, so that a checkpoint is always there. kCorrupt when
    // tiles and checkpoint do not belong together; errors of publish().
    static Result<std::unique_ptr<Publisher>> create(Store& store, const StoreLog& log, LogIdentity identity,
                                                     LogPlaces places, const Clock& clock, Logger& logger,
                                                     PublisherConfig config = {});
    ~Publisher();
    Publisher(const Publisher&) = delete;
    Publisher& operator=(const Publisher&) = delete;

    // Publishes on a thread of its own from now on.
    void start();
    // Publishes what is committed, and ends the threads. The destructor does it too.
    void stop();
    // What is committed now is published on return.
    Status publish();
    // Runs `work` with the newest checkpoint while nothing is published: for a copy of the directory's files
    // that change. Commits go on; keep it short, or health turns red.
    Status quietly(const std::function<Status(const std::string& checkpoint)>& work);

    LogHealth health() const;
    // The newest checkpoint handed out: a signed note.
    std::string checkpoint() const;

 private:
    Publisher(Store& store, const StoreLog& log, LogIdentity identity, LogPlaces places, const Clock& clock,
              Logger& logger, PublisherConfig config);
    Status open();
    Status advance();
    Status build_up_to(TileBuilder& next, std::uint64_t size);
    Status release(const Checkpoint& checkpoint);
    Status settle(const Published& published);
    Status pack();
    Status write_anchors(const std::string& note);
    void run();
    void run_anchors();
    void note_result(const Status& status);
    void note_committed(std::uint64_t size);

    Store& store_;
    const StoreLog& log_;
    const LogIdentity identity_;
    const LogPlaces places_;
    const Clock& clock_;
    Logger& logger_;
    const PublisherConfig config_;

    std::mutex publishing_;  // one publication at a time; guards the next five
    TileWriter writer_;
    LogEpoch epoch_;
    TileBuilder tree_;  // as published
    Published published_;
    std::string released_;  // contents of `checkpoint`, as this process knows it

    bool anchors_noted_ = false;  // of the thread that writes them

    mutable std::mutex mutex_;  // guards the rest
    std::condition_variable wake_;
    std::condition_variable wake_anchors_;
    bool stopping_ = false;
    bool published_last_ = false;  // what the anchors wait for before they stop; guarded by mutex_
    LogHealth health_;
    std::string newest_note_;
    std::int64_t unpublished_since_ms_ = -1;  // boot time, or -1
    std::thread thread_;
    std::thread anchor_thread_;
};

}  // namespace sigillo::audit
