// An LmdbStore in a scratch folder, with a clock that is set by hand, and what its tests share.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "appliance/store/lmdb_store.h"
#include "tests/store/store_contract.h"
#include "tests/support/manual_clock.h"
#include "tests/support/scratch_directory.h"

namespace sigillo::testing {

class LmdbUnderTest final : public StoreUnderTest {
 public:
    // `config.directory` is filled in when empty.
    explicit LmdbUnderTest(LmdbConfig config = {});
    LmdbStore& store() override { return *store_; }
    void reopen() override;
    std::unique_ptr<StoreUnderTest> open_copy(const std::string& directory) override;
    std::string fresh_directory() override;

    void close() { store_.reset(); }
    void open();
    const LmdbConfig& config() const { return config_; }
    std::string data_file() const { return config_.directory + "/data.mdb"; }
    std::vector<std::string> journals() const;  // paths
    ManualClock& clock() { return clock_; }
    Logger& logger() { return logger_; }

 private:
    ScratchDirectory scratch_;
    LmdbConfig config_;
    ManualClock clock_;
    Logger logger_;
    int directories_ = 0;
    std::unique_ptr<LmdbStore> store_;
};

std::unique_ptr<StoreUnderTest> make_lmdb_store();

// Nothing goes to LMDB by its age.
LmdbConfig unflushed();
// Each update is followed by a flush of what it wrote.
LmdbConfig always_flushing();
// Every update goes past the journal.
LmdbConfig bypassing();

// Rows in kSecond, in an update of their own, that a store of unflushed() writes to LMDB at once.
inline constexpr std::size_t kRowsOfAFlush = 40;
void fill_until_flush(LmdbUnderTest& subject);

template <class Condition>
void await(Condition condition) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition()) {
        ASSERT_LT(std::chrono::steady_clock::now(), until);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

// Errc{} for success.
inline Errc code_of(const Status& status) {
    return status ? Errc{} : status.error().code;
}

inline Status try_put(Store& store, const std::string& key, const std::string& value) {
    return store.update(
        [&](WriteTransaction& txn) { return txn.put(kFirst, as_bytes(key), as_bytes(value)); });
}

// Holds the committer inside a body, so that what comes meanwhile makes one group.
class HeldCommitter {
 public:
    explicit HeldCommitter(Store& store)
        : thread_([this, &store] {
              EXPECT_TRUE(store.update([this](WriteTransaction&) -> Status {
                  entered_.count_down();
                  released_.wait();
                  return {};
              }));
          }) {
        entered_.wait();
    }
    void release() {
        released_.count_down();
        thread_.join();
    }

 private:
    std::latch entered_{1};
    std::latch released_{1};
    std::thread thread_;
};

inline void await_waiting(Store& store, std::size_t count) {
    while (store.health().waiting < count) std::this_thread::yield();
}

}  // namespace sigillo::testing
