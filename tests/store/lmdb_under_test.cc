#include "tests/store/lmdb_under_test.h"

#include <stdexcept>

namespace sigillo::testing {

// Failures are provoked on purpose here: the log would only be noise.
LmdbUnderTest::LmdbUnderTest(LmdbConfig config) : config_(std::move(config)), logger_("test", -1) {
    if (config_.directory.empty()) config_.directory = (scratch_ / "store").string();
    open();
}

void LmdbUnderTest::open() {
    auto opened = LmdbStore::open(config_, kContractSpaces, clock_, logger_);
    if (!opened) throw std::runtime_error(to_string(opened.error()));
    store_ = *std::move(opened);
}

void LmdbUnderTest::reopen() {
    close();
    open();
}

std::unique_ptr<StoreUnderTest> LmdbUnderTest::open_copy(const std::string& directory) {
    LmdbConfig config;
    config.directory = directory;
    return std::make_unique<LmdbUnderTest>(config);
}

std::string LmdbUnderTest::fresh_directory() {
    return (scratch_ / ("copy" + std::to_string(directories_++))).string();
}

std::unique_ptr<StoreUnderTest> make_lmdb_store() {
    return std::make_unique<LmdbUnderTest>();
}

}  // namespace sigillo::testing
