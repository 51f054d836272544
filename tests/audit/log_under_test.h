// A log as sigillod has it, for tests: a store, a signing key in memory, a directory and an anchor.
// Restartable.
#pragma once

#include <memory>
#include <string>

#include "appliance/audit/log_guard.h"
#include "appliance/audit/publisher.h"
#include "appliance/audit/recorder.h"
#include "appliance/audit/verify/log_snapshot.h"
#include "appliance/store/lmdb_store.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/software_key.h"

namespace sigillo::audit::testing {

inline constexpr const char* kOrigin = "sign.example/log";
inline constexpr const char* kOverride = "sigillod --open-epoch";

class LogUnderTest {
 public:
    LogUnderTest();

    // As a start of sigillod does it: store, guard, publisher. The publisher's thread is not started.
    Result<GuardReport> start();
    // As SIGKILL does it: nothing more is published.
    void kill();

    Store& store() { return *store_; }
    StoreLog& log() { return log_; }
    Publisher& publisher() { return *publisher_; }
    const LogIdentity& identity() const { return identity_; }
    LogPlaces places() const { return {directory(), {anchor()}, store_directory()}; }
    std::shared_ptr<sigillo::testing::SoftwareKey> key() { return key_; }
    Ledger ledger() { return Ledger(*store_, codec_, log_, clock_); }
    const RecordCodec& codec() const { return codec_; }
    const Clock& clock() const { return clock_; }
    Logger& logger() { return logger_; }

    std::filesystem::path directory() const { return scratch_ / "log"; }
    std::filesystem::path anchor() const { return scratch_ / "anchor"; }
    std::filesystem::path store_directory() const { return scratch_ / "store"; }
    std::filesystem::path scratch(const std::string& name) const { return scratch_ / name; }
    // The verifier-key file.
    std::filesystem::path vkey() const { return scratch_ / "vkey"; }

    // `count` events of no interest, the first saying "first", in transactions of 100.
    void append(std::uint64_t count, const std::string& text = "entry");
    // A complete use of a key: activation, Intent, Outcome.
    void use_key(const std::string& credential);
    void publish();     // must succeed
    void anchor_now();  // brings the newest checkpoint to the anchor

    std::uint64_t size();
    Published published();
    LogSnapshot snapshot() const;

    // Copies of store and log directory, to be put back later. The store must be closed for restore().
    void back_up_store(const std::string& name);
    void restore_store(const std::string& name);
    void back_up_directory(const std::string& name);
    void restore_directory(const std::string& name);

    PublisherConfig config;

 private:
    sigillo::testing::ScratchDirectory scratch_;
    SystemClock clock_;
    Logger logger_;
    RecordCodec codec_;
    std::shared_ptr<sigillo::testing::SoftwareKey> key_;
    LogIdentity identity_;
    StoreLog log_;
    std::unique_ptr<LmdbStore> store_;
    std::unique_ptr<Publisher> publisher_;
    std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> uses_;  // credential -> seq, last index
};

// Flips one bit of the file.
void flip_bit(const std::filesystem::path& file, std::uint64_t bit);
std::string contents(const std::filesystem::path& file);
void overwrite(const std::filesystem::path& file, std::string_view text);

}  // namespace sigillo::audit::testing
