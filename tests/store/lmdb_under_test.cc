#include "tests/store/lmdb_under_test.h"

#include <algorithm>
#include <filesystem>
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

std::vector<std::string> LmdbUnderTest::journals() const {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(config_.directory))
        if (entry.path().filename().string().starts_with("journal.")) paths.push_back(entry.path().string());
    std::ranges::sort(paths);
    return paths;
}

LmdbConfig unflushed() {
    LmdbConfig config;
    config.flush_age = std::chrono::hours(1);
    config.flush_bytes = std::size_t{4} << 20;
    return config;
}

LmdbConfig always_flushing() {
    LmdbConfig config;
    config.flush_bytes = 1;
    return config;
}

LmdbConfig bypassing() {
    LmdbConfig config;
    config.disk_reserve = std::uint64_t{1} << 60;
    return config;
}

void fill_until_flush(LmdbUnderTest& subject) {
    const Status done = subject.store().update([](WriteTransaction& txn) -> Status {
        for (std::size_t i = 0; i < kRowsOfAFlush; ++i)
            SIGILLO_TRY(
                txn.put(kSecond, as_bytes("row" + std::to_string(i)), as_bytes(std::string(150'000, 'f'))));
        return {};
    });
    ASSERT_TRUE(done) << to_string(done.error());
}

std::unique_ptr<StoreUnderTest> make_lmdb_store() {
    return std::make_unique<LmdbUnderTest>();
}

}  // namespace sigillo::testing
