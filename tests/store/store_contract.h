// What every Store must hold, whatever stands behind it. An implementation instantiates the suite:
//
//   INSTANTIATE_TEST_SUITE_P(Lmdb, StoreContract, ::testing::Values(&make_lmdb_store));
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "appliance/store/store.h"

namespace sigillo::testing {

inline constexpr Space kFirst{"first"};
inline constexpr Space kSecond{"second"};
inline constexpr std::array kContractSpaces{kFirst, kSecond};

// A store with the spaces kContractSpaces, empty at first.
class StoreUnderTest {
 public:
    virtual ~StoreUnderTest() = default;
    virtual Store& store() = 0;
    // Closes it and opens it anew.
    virtual void reopen() = 0;
    // Opens what copy_to() made.
    virtual std::unique_ptr<StoreUnderTest> open_copy(const std::string& directory) = 0;
    // A path for a copy; nothing is there.
    virtual std::string fresh_directory() = 0;
};
using StoreFactory = std::unique_ptr<StoreUnderTest> (*)();

class StoreContract : public ::testing::TestWithParam<StoreFactory> {
 protected:
    StoreContract() : subject_(GetParam()()) {}
    Store& store() { return subject_->store(); }
    std::unique_ptr<StoreUnderTest> subject_;
};

// Runs body(0) to body(count - 1) at the same time.
class Threads {
 public:
    template <class Body>
    Threads(int count, Body body) {
        threads_.reserve(static_cast<std::size_t>(count));
        for (int t = 0; t < count; ++t) threads_.emplace_back([body, t] { body(t); });
    }
    Threads(const Threads&) = delete;
    Threads& operator=(const Threads&) = delete;
    ~Threads() { join(); }
    void join() {
        for (auto& thread : threads_) thread.join();
        threads_.clear();
    }

 private:
    std::vector<std::thread> threads_;
};

// In transactions of their own; errors are test failures.
void put_text(Store& store, Space space, const std::string& key, const std::string& value);
std::optional<std::string> get_text(Store& store, Space space, const std::string& key);
using Rows = std::vector<std::pair<std::string, std::string>>;
Rows scan_text(ReadTransaction& txn, Space space, const std::string& prefix = {},
               const std::string& from = {});
Rows scan_text(Store& store, Space space, const std::string& prefix = {}, const std::string& from = {});

}  // namespace sigillo::testing
