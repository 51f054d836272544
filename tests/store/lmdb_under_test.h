// An LmdbStore in a scratch folder, with a clock that is set by hand.
#pragma once

#include <memory>
#include <string>

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

}  // namespace sigillo::testing
