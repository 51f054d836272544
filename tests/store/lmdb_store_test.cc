// What holds for the LMDB store beyond the contract of every store.
#include "appliance/store/lmdb_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "tests/store/io_faults.h"
#include "tests/store/lmdb_under_test.h"

namespace sigillo::testing {
namespace {

template <LmdbConfig (*Config)()>
std::unique_ptr<StoreUnderTest> make_store_of() {
    return std::make_unique<LmdbUnderTest>(Config());
}

INSTANTIATE_TEST_SUITE_P(Lmdb, StoreContract, ::testing::Values(&make_lmdb_store));
// Through memory alone, through memory and LMDB at every moment, and past the journal.
INSTANTIATE_TEST_SUITE_P(LmdbUnflushed, StoreContract, ::testing::Values(&make_store_of<&unflushed>));
INSTANTIATE_TEST_SUITE_P(LmdbFlushing, StoreContract, ::testing::Values(&make_store_of<&always_flushing>));
INSTANTIATE_TEST_SUITE_P(LmdbBypassing, StoreContract, ::testing::Values(&make_store_of<&bypassing>));

// ---- opening ------------------------------------------------------------------------------------

TEST(LmdbStore, DirectoryAndFilesAreTheOwnersAlone) {
    LmdbUnderTest subject;
    const auto mode = [](const std::string& path) {
        struct stat status{};
        EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
        return status.st_mode & 07777;
    };
    EXPECT_EQ(mode(subject.config().directory), 0700U);
    EXPECT_EQ(mode(subject.data_file()), 0600U);
    EXPECT_EQ(mode(subject.config().directory + "/lock.mdb"), 0600U);
    put_text(subject.store(), kFirst, "a", "1");
    for (const std::string& journal : subject.journals()) EXPECT_EQ(mode(journal), 0600U);
    const std::string copy = subject.fresh_directory();
    ASSERT_TRUE(subject.store().copy_to(copy));
    EXPECT_EQ(mode(copy), 0700U);
    EXPECT_EQ(mode(copy + "/data.mdb"), 0600U);
}

TEST(LmdbStore, CannotBeOpenedTwice) {
    LmdbUnderTest subject;
    put_text(subject.store(), kFirst, "a", "1");
    auto second = LmdbStore::open(subject.config(), kContractSpaces, subject.clock(), subject.logger());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::kConflict);
    put_text(subject.store(), kFirst, "a", "2");  // the attempt has not taken the first one's locks
    subject.reopen();
    EXPECT_EQ(get_text(subject.store(), kFirst, "a"), "2");
}

TEST(LmdbStore, RefusesAFileThatIsNotAStore) {
    const ScratchDirectory scratch;
    std::ofstream(scratch / "data.mdb") << std::string(100'000, 'x');
    LmdbConfig config;
    config.directory = scratch.path().string();
    const ManualClock clock;
    Logger logger("test", -1);
    const auto opened = LmdbStore::open(config, kContractSpaces, clock, logger);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::kCorrupt);
}

TEST(LmdbStore, RefusesADirectoryThatCannotBe) {
    const ScratchDirectory scratch;
    std::ofstream(scratch / "file") << "x";
    LmdbConfig config;
    config.directory = (scratch / "file").string();
    const ManualClock clock;
    Logger logger("test", -1);
    EXPECT_FALSE(LmdbStore::open(config, kContractSpaces, clock, logger));
    config.directory = (scratch / "absent" / "store").string();
    const auto opened = LmdbStore::open(config, kContractSpaces, clock, logger);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::kNotFound);
}

TEST(LmdbStore, RefusesNumbersThatMakeNoSense) {
    const auto field = [](auto&& change) {
        LmdbConfig config;
        config.directory = "somewhere";
        change(config);
        const Status status = validate(config);
        return status ? std::string() : status.error().field;
    };
    EXPECT_EQ(field([](LmdbConfig&) {}), "");
    EXPECT_EQ(field([](LmdbConfig& c) { c.directory.clear(); }), "store.directory");
    EXPECT_EQ(field([](LmdbConfig& c) { c.map_bytes = 4096; }), "store.map_size_mib");
    EXPECT_EQ(field([](LmdbConfig& c) { c.max_readers = 0; }), "store.max_readers");
    EXPECT_EQ(field([](LmdbConfig& c) { c.queue_limit = 0; }), "store.queue_limit");
    EXPECT_EQ(field([](LmdbConfig& c) { c.group_limit = 0; }), "store.group_limit");
    EXPECT_EQ(field([](LmdbConfig& c) { c.group_bytes = 0; }), "store.group_bytes");
    EXPECT_EQ(field([](LmdbConfig& c) { c.transaction_bytes = 0; }), "store.transaction_bytes");
    EXPECT_EQ(field([](LmdbConfig& c) { c.linger = std::chrono::microseconds(-1); }), "store.linger");
    EXPECT_EQ(field([](LmdbConfig& c) { c.growth_alarm_percent = 101; }), "store.growth_alarm_percent");
    EXPECT_EQ(field([](LmdbConfig& c) { c.reader_alarm = {}; }), "store.reader_alarm");
    EXPECT_EQ(field([](LmdbConfig& c) { c.upkeep = {}; }), "store.upkeep");
    EXPECT_EQ(field([](LmdbConfig& c) { c.flush_bytes = 0; }), "store.flush_mib");
    EXPECT_EQ(field([](LmdbConfig& c) { c.flush_age = {}; }), "store.flush_age_ms");
    EXPECT_EQ(field([](LmdbConfig& c) { c.journal_bytes = 0; }), "store.journal_mib");
}

TEST(LmdbStore, KnowsTheNetworkFileSystems) {
    EXPECT_EQ(network_file_system(0x6969), "NFS");
    EXPECT_EQ(network_file_system(static_cast<long>(0xFF534D42U)), "CIFS");
    EXPECT_EQ(network_file_system(static_cast<int>(0xFF534D42U)), "CIFS");  // sign-extended
    EXPECT_EQ(network_file_system(0xEF53), "");                             // ext4
    EXPECT_EQ(network_file_system(0x01021994), "");                         // tmpfs
}

TEST(LmdbStore, IsOfNoUseInAForkedChild) {
    LmdbUnderTest subject;
    put_text(subject.store(), kFirst, "a", "1");
    const pid_t child = ::fork();
    if (child == 0) {
        const bool refused =
            code_of(subject.store().view([](ReadTransaction&) { return Status(); })) == Errc::kInternal &&
            code_of(try_put(subject.store(), "b", "2")) == Errc::kInternal &&
            !subject.store().health().writable;
        subject.close();  // must neither hang nor touch the parent's store
        ::_exit(refused ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    put_text(subject.store(), kFirst, "b", "3");
    EXPECT_EQ(scan_text(subject.store(), kFirst), (Rows{{"a", "1"}, {"b", "3"}}));
}

// ---- groups -------------------------------------------------------------------------------------

TEST(LmdbStore, ConcurrentUpdatesShareOneSync) {
    LmdbUnderTest subject(unflushed());
    constexpr int kUpdates = 60;
    HeldCommitter held(subject.store());
    Threads threads(kUpdates, [&](int t) { EXPECT_TRUE(try_put(subject.store(), std::to_string(t), "x")); });
    await_waiting(subject.store(), kUpdates);
    const auto before = sync_count();
    held.release();
    threads.join();
    EXPECT_EQ(sync_count() - before, 1U);
    EXPECT_EQ(scan_text(subject.store(), kFirst).size(), std::size_t{kUpdates});
}

TEST(LmdbStore, AGroupIsBoundedInMembersAndBytes) {
    LmdbConfig config = unflushed();
    config.group_limit = 4;
    config.group_bytes = 2000;
    LmdbUnderTest subject(config);
    const auto syncs_of = [&](int updates, std::size_t size) {
        HeldCommitter held(subject.store());
        Threads threads(updates, [&](int t) {
            EXPECT_TRUE(try_put(subject.store(), std::to_string(t), std::string(size, 'x')));
        });
        await_waiting(subject.store(), static_cast<std::size_t>(updates));
        const auto before = sync_count();
        held.release();
        threads.join();
        return sync_count() - before;
    };
    EXPECT_EQ(syncs_of(8, 10), 2U);
    EXPECT_EQ(syncs_of(4, 1100), 2U);
}

TEST(LmdbStore, AnUpdateThatFailsCostsNoSync) {
    LmdbUnderTest subject(unflushed());
    const auto before = sync_count();
    EXPECT_FALSE(subject.store().update([](WriteTransaction& txn) -> Status {
        SIGILLO_TRY(txn.put(kFirst, as_bytes("a"), {}));
        return fail(Errc::kConflict, "no");
    }));
    EXPECT_TRUE(subject.store().update([](WriteTransaction&) { return Status(); }));
    EXPECT_EQ(sync_count(), before);
}

TEST(LmdbStore, ALoneCallerIsNotKeptWaiting) {
    LmdbConfig config;
    config.linger = std::chrono::seconds(1);
    LmdbUnderTest subject(config);
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < 50; ++i) put_text(subject.store(), kFirst, std::to_string(i), "x");
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(20));
}

TEST(LmdbStore, AFullQueueRefusesAtOnce) {
    LmdbConfig config;
    config.queue_limit = 3;
    LmdbUnderTest subject(config);
    HeldCommitter held(subject.store());
    Threads threads(3, [&](int t) { EXPECT_TRUE(try_put(subject.store(), std::to_string(t), "x")); });
    await_waiting(subject.store(), 3);
    const Status refused = try_put(subject.store(), "4", "x");
    EXPECT_EQ(code_of(refused), Errc::kUnavailable);
    EXPECT_NE(refused.error().detail.find("store queue full"), std::string::npos);
    held.release();
    threads.join();
    EXPECT_TRUE(try_put(subject.store(), "4", "x"));
}

TEST(LmdbStore, ClosingFinishesWhatWaitsAndRefusesWhatComes) {
    LmdbUnderTest subject;
    HeldCommitter held(subject.store());
    Threads threads(5, [&](int t) { EXPECT_TRUE(try_put(subject.store(), std::to_string(t), "x")); });
    await_waiting(subject.store(), 5);
    subject.store().close();
    bool ran = false;
    EXPECT_EQ(code_of(subject.store().update([&](WriteTransaction&) {
                  ran = true;
                  return Status();
              })),
              Errc::kUnavailable);
    EXPECT_FALSE(ran);
    held.release();
    threads.join();
    EXPECT_EQ(scan_text(subject.store(), kFirst).size(), 5U);
    subject.reopen();
    EXPECT_EQ(scan_text(subject.store(), kFirst).size(), 5U);
}

TEST(LmdbStore, AnUpdateThatWritesTooMuchIsRefused) {
    LmdbConfig config;
    config.transaction_bytes = 100'000;
    LmdbUnderTest subject(config);
    const auto many = [&](int rows) {
        return subject.store().update([&](WriteTransaction& txn) -> Status {
            for (int i = 0; i < rows; ++i)
                SIGILLO_TRY(txn.put(kFirst, as_bytes(std::to_string(i)), as_bytes(std::string(1000, 'x'))));
            return {};
        });
    };
    EXPECT_EQ(code_of(many(200)), Errc::kLimitExceeded);
    EXPECT_TRUE(scan_text(subject.store(), kFirst).empty());
    EXPECT_TRUE(many(80));
    EXPECT_TRUE(subject.store().health().writable);
}

// ---- readers ------------------------------------------------------------------------------------

TEST(LmdbStore, TooManySnapshotsAreRefusedAndTheirSlotsUsedAgain) {
    LmdbConfig config;
    config.max_readers = 2;
    LmdbUnderTest subject(config);
    Store& store = subject.store();
    for (int round = 0; round < 3; ++round) {
        EXPECT_TRUE(store.view([&](ReadTransaction&) {
            return store.view([&](ReadTransaction&) -> Status {
                EXPECT_EQ(code_of(store.view([](ReadTransaction&) { return Status(); })), Errc::kUnavailable);
                return {};
            });
        }));
    }
}

TEST(LmdbStore, CrashLongReaderGrowthIsBoundedAndAlarmed) {
    LmdbConfig config;
    config.map_bytes = std::uint64_t{8} << 20;
    LmdbUnderTest subject(config);
    Store& store = subject.store();
    const auto churn = [&] {  // a row of 1 MiB, replaced again and again
        for (int i = 0; i < 20; ++i)
            if (const Status put = try_put(store, "row", std::string(std::size_t{1} << 20, 'x')); !put)
                return put;
        return Status();
    };
    ASSERT_TRUE(churn()) << "without a reader the pages are used again";
    EXPECT_EQ(store.health().reason, "");
    EXPECT_TRUE(store.view([&](ReadTransaction& txn) -> Status {
        subject.clock().advance(std::chrono::minutes(60));
        const StoreHealth old = store.health();
        EXPECT_EQ(old.oldest_reader_ms, 3'600'000);
        EXPECT_NE(old.reason.find("a snapshot has been open for 3600 s"), std::string::npos) << old.reason;
        EXPECT_TRUE(old.writable) << "a warning only";

        EXPECT_EQ(code_of(churn()), Errc::kStorageFull) << "freed pages wait for the reader";
        const StoreHealth full = store.health();
        EXPECT_FALSE(full.writable);
        EXPECT_NE(full.reason.find("% full"), std::string::npos) << full.reason;
        EXPECT_LE(full.bytes_used, full.bytes_limit);
        EXPECT_EQ(scan_text(txn, kFirst).size(), 1U) << "the snapshot itself is whole";
        return {};
    }));
    EXPECT_TRUE(churn()) << "the reader is gone, the pages are free";
    const StoreHealth after = store.health();
    EXPECT_TRUE(after.writable);
    EXPECT_EQ(after.reason, "");
    EXPECT_EQ(after.oldest_reader_ms, 0);
}

}  // namespace
}  // namespace sigillo::testing
