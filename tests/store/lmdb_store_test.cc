// What holds for the LMDB store beyond the contract of every store.
#include "appliance/store/lmdb_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <latch>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "tests/store/io_faults.h"
#include "tests/store/lmdb_under_test.h"

namespace sigillo::testing {
namespace {

INSTANTIATE_TEST_SUITE_P(Lmdb, StoreContract, ::testing::Values(&make_lmdb_store));

Errc code_of(const Status& status) { return status ? Errc{} : status.error().code; }

Status try_put(Store& store, const std::string& key, const std::string& value) {
    return store.update([&](WriteTransaction& txn) { return txn.put(kFirst, as_bytes(key), as_bytes(value)); });
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

void await_waiting(Store& store, std::size_t count) {
    while (store.health().waiting < count) std::this_thread::yield();
}

// ---- opening ------------------------------------------------------------------------------------------------------

TEST(LmdbStore, DirectoryAndFilesAreTheOwnersAlone) {
    LmdbUnderTest subject;
    const auto mode = [](const std::string& path) {
        struct stat status {};
        EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
        return status.st_mode & 07777;
    };
    EXPECT_EQ(mode(subject.config().directory), 0700U);
    EXPECT_EQ(mode(subject.data_file()), 0600U);
    EXPECT_EQ(mode(subject.config().directory + "/lock.mdb"), 0600U);
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
    EXPECT_EQ(field([](LmdbConfig& c) { c.map_bytes = 4096; }), "store.map_bytes");
    EXPECT_EQ(field([](LmdbConfig& c) { c.max_readers = 0; }), "store.max_readers");
    EXPECT_EQ(field([](LmdbConfig& c) { c.queue_limit = 0; }), "store.queue_limit");
    EXPECT_EQ(field([](LmdbConfig& c) { c.group_limit = 0; }), "store.group_limit");
    EXPECT_EQ(field([](LmdbConfig& c) { c.group_bytes = 0; }), "store.group_bytes");
    EXPECT_EQ(field([](LmdbConfig& c) { c.transaction_bytes = 0; }), "store.transaction_bytes");
    EXPECT_EQ(field([](LmdbConfig& c) { c.linger = std::chrono::microseconds(-1); }), "store.linger");
    EXPECT_EQ(field([](LmdbConfig& c) { c.growth_alarm_percent = 101; }), "store.growth_alarm_percent");
    EXPECT_EQ(field([](LmdbConfig& c) { c.reader_alarm = {}; }), "store.reader_alarm");
    EXPECT_EQ(field([](LmdbConfig& c) { c.upkeep = {}; }), "store.upkeep");
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
            code_of(try_put(subject.store(), "b", "2")) == Errc::kInternal && !subject.store().health().writable;
        subject.close();  // must neither hang nor touch the parent's store
        ::_exit(refused ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    put_text(subject.store(), kFirst, "b", "3");
    EXPECT_EQ(scan_text(subject.store(), kFirst), (Rows{{"a", "1"}, {"b", "3"}}));
}

// ---- groups ---------------------------------------------------------------------------------------------------------

TEST(LmdbStore, ConcurrentUpdatesShareOneSync) {
    LmdbUnderTest subject;
    constexpr int kUpdates = 60;
    HeldCommitter held(subject.store());
    std::vector<std::thread> threads;
    for (int t = 0; t < kUpdates; ++t)
        threads.emplace_back([&, t] { EXPECT_TRUE(try_put(subject.store(), std::to_string(t), "x")); });
    await_waiting(subject.store(), kUpdates);
    const auto before = sync_count();
    held.release();
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(sync_count() - before, 1U);
    EXPECT_EQ(scan_text(subject.store(), kFirst).size(), std::size_t{kUpdates});
}

TEST(LmdbStore, AGroupIsBoundedInMembersAndBytes) {
    LmdbConfig config;
    config.group_limit = 4;
    config.group_bytes = 2000;
    LmdbUnderTest subject(config);
    const auto syncs_of = [&](int updates, std::size_t size) {
        HeldCommitter held(subject.store());
        std::vector<std::thread> threads;
        for (int t = 0; t < updates; ++t)
            threads.emplace_back(
                [&, t] { EXPECT_TRUE(try_put(subject.store(), std::to_string(t), std::string(size, 'x'))); });
        await_waiting(subject.store(), static_cast<std::size_t>(updates));
        const auto before = sync_count();
        held.release();
        for (auto& thread : threads) thread.join();
        return sync_count() - before;
    };
    EXPECT_EQ(syncs_of(8, 10), 2U);
    EXPECT_EQ(syncs_of(4, 1100), 2U);
}

TEST(LmdbStore, AnUpdateThatFailsCostsNoSync) {
    LmdbUnderTest subject;
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
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
        threads.emplace_back([&, t] { EXPECT_TRUE(try_put(subject.store(), std::to_string(t), "x")); });
    await_waiting(subject.store(), 3);
    const Status refused = try_put(subject.store(), "4", "x");
    EXPECT_EQ(code_of(refused), Errc::kUnavailable);
    EXPECT_NE(refused.error().detail.find("store queue full"), std::string::npos);
    held.release();
    for (auto& thread : threads) thread.join();
    EXPECT_TRUE(try_put(subject.store(), "4", "x"));
}

TEST(LmdbStore, ClosingFinishesWhatWaitsAndRefusesWhatComes) {
    LmdbUnderTest subject;
    HeldCommitter held(subject.store());
    std::vector<std::thread> threads;
    for (int t = 0; t < 5; ++t)
        threads.emplace_back([&, t] { EXPECT_TRUE(try_put(subject.store(), std::to_string(t), "x")); });
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
    for (auto& thread : threads) thread.join();
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

// ---- readers --------------------------------------------------------------------------------------------------------

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
            if (const Status put = try_put(store, "row", std::string(std::size_t{1} << 20, 'x')); !put) return put;
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

// ---- no room, broken disks --------------------------------------------------------------------------------------------

TEST(LmdbStore, CrashMapFullIsACleanRefusalAndEndsWhenThereIsRoom) {
    LmdbConfig config;
    config.map_bytes = std::uint64_t{2} << 20;
    LmdbUnderTest subject(config);
    Store& store = subject.store();
    // To the last page, with rows that become ever smaller.
    std::map<std::string, std::size_t> stored;
    for (std::size_t size = 100'000; size > 0; size /= 10) {
        for (;;) {
            const std::string key = "row" + std::to_string(stored.size());
            const Status put = try_put(store, key, std::string(size, 'x'));
            if (!put) {
                ASSERT_EQ(put.error().code, Errc::kStorageFull);
                break;
            }
            stored[key] = size;
        }
    }
    const StoreHealth full = store.health();
    EXPECT_FALSE(full.writable);
    EXPECT_NE(full.reason.find("storage_full"), std::string::npos) << full.reason;
    EXPECT_NE(full.reason.find("% full"), std::string::npos) << full.reason;
    EXPECT_EQ(scan_text(store, kFirst).size(), stored.size()) << "reading goes on";

    // Nothing acknowledged is lost, nothing refused is there; over a restart too.
    subject.reopen();
    const Rows rows = scan_text(subject.store(), kFirst);
    ASSERT_EQ(rows.size(), stored.size());
    for (const auto& [key, value] : rows) EXPECT_EQ(value.size(), stored[key]);

    // Erasing works on the full store, and makes it writable again.
    for (const auto& [key, size] : stored) {
        const Status erased = subject.store().update([&](WriteTransaction& txn) { return txn.erase(kFirst, as_bytes(key)); });
        ASSERT_TRUE(erased) << to_string(erased.error());
    }
    EXPECT_TRUE(try_put(subject.store(), "again", std::string(100'000, 'x')));
    EXPECT_TRUE(subject.store().health().writable);
    EXPECT_EQ(subject.store().health().reason, "");
}

TEST(LmdbStore, OneTooLargeUpdateDoesNotFailTheOthersOfItsGroup) {
    LmdbConfig config;
    config.map_bytes = std::uint64_t{2} << 20;
    LmdbUnderTest subject(config);
    HeldCommitter held(subject.store());
    std::vector<std::thread> threads;
    for (int t = 0; t < 10; ++t) {
        threads.emplace_back([&, t] {
            if (t == 5) {
                EXPECT_EQ(code_of(try_put(subject.store(), "large", std::string(4'000'000, 'x'))), Errc::kStorageFull);
            } else {
                EXPECT_TRUE(try_put(subject.store(), std::to_string(t), "x"));
            }
        });
    }
    await_waiting(subject.store(), 10);
    held.release();
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(scan_text(subject.store(), kFirst).size(), 9U);
}

class BrokenDisk : public ::testing::TestWithParam<std::pair<IoCall, int>> {};

TEST_P(BrokenDisk, CrashCommitThatFailsTellsTheWholeGroupAndResumes) {
    const auto [call, number] = GetParam();
    LmdbConfig config;
    config.upkeep = std::chrono::hours(1);  // no probe: what resumes here resumes by an update
    LmdbUnderTest subject(config);
    Store& store = subject.store();
    put_text(store, kFirst, "before", "1");
    const Errc expected = number == EIO ? Errc::kUnavailable : Errc::kStorageFull;
    {
        HeldCommitter held(store);
        std::vector<std::thread> threads;
        for (int t = 0; t < 20; ++t)
            threads.emplace_back([&, t] { EXPECT_EQ(code_of(try_put(store, std::to_string(t), "x")), expected); });
        // Whoever was refused on the strength of what a failed commit undid must not be told that reason.
        threads.emplace_back([&] {
            const Status done = store.update([&](WriteTransaction& txn) -> Status {
                SIGILLO_ASSIGN(const auto row, txn.get(kFirst, as_bytes("0")));
                return row ? fail(Errc::kAlreadyExists, "seen") : txn.put(kFirst, as_bytes("other"), {});
            });
            EXPECT_EQ(code_of(done), expected);
        });
        await_waiting(store, 21);
        const IoFault fault(call, number);
        held.release();
        for (auto& thread : threads) thread.join();
        EXPECT_FALSE(store.health().writable);
        EXPECT_EQ(scan_text(store, kFirst), (Rows{{"before", "1"}}));
    }
    put_text(store, kFirst, "after", "2");
    EXPECT_TRUE(store.health().writable);
    subject.reopen();
    EXPECT_EQ(scan_text(subject.store(), kFirst), (Rows{{"after", "2"}, {"before", "1"}}));
}

INSTANTIATE_TEST_SUITE_P(Faults, BrokenDisk,
                         ::testing::Values(std::pair(IoCall::kWriteData, ENOSPC), std::pair(IoCall::kWriteData, EIO),
                                           std::pair(IoCall::kWriteData, EDQUOT), std::pair(IoCall::kWriteData, EFBIG),
                                           std::pair(IoCall::kSync, EIO), std::pair(IoCall::kSync, ENOSPC)));

TEST(LmdbStore, CrashHealthRecoversWithoutWorkWhenThereIsRoom) {
    LmdbConfig config;
    config.upkeep = std::chrono::milliseconds(5);
    LmdbUnderTest subject(config);
    IoFault fault(IoCall::kWriteData, ENOSPC);
    EXPECT_EQ(code_of(try_put(subject.store(), "a", "x")), Errc::kStorageFull);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_FALSE(subject.store().health().writable);
    fault.lift();
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!subject.store().health().writable && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_TRUE(subject.store().health().writable);
}

TEST(LmdbStore, CrashHeadPageThatCannotBeWrittenStopsWritingUntilARestart) {
    LmdbUnderTest subject;
    put_text(subject.store(), kFirst, "before", "1");
    {
        const IoFault fault(IoCall::kWriteHead, EIO);
        EXPECT_EQ(code_of(try_put(subject.store(), "lost", "x")), Errc::kUnavailable);
    }
    EXPECT_EQ(code_of(try_put(subject.store(), "refused", "x")), Errc::kUnavailable);
    const StoreHealth health = subject.store().health();
    EXPECT_FALSE(health.writable);
    EXPECT_NE(health.reason.find("restart"), std::string::npos) << health.reason;
    subject.reopen();
    EXPECT_EQ(get_text(subject.store(), kFirst, "before"), "1");
    EXPECT_EQ(get_text(subject.store(), kFirst, "refused"), std::nullopt);
    put_text(subject.store(), kFirst, "after", "2");
    EXPECT_TRUE(subject.store().health().writable);
}

TEST(LmdbStore, CrashCopyThatFailsLeavesNothingBehind) {
    LmdbUnderTest subject;
    put_text(subject.store(), kFirst, "a", std::string(100'000, 'x'));
    const std::string directory = subject.fresh_directory();
    {
        const IoFault fault(IoCall::kCopy, ENOSPC);
        EXPECT_EQ(code_of(subject.store().copy_to(directory)), Errc::kStorageFull);
    }
    EXPECT_NE(::access(directory.c_str(), F_OK), 0);
    EXPECT_TRUE(subject.store().copy_to(directory));
    EXPECT_EQ(subject.store().health().oldest_reader_ms, 0);
}

// ---- kill -------------------------------------------------------------------------------------------------------------

TEST(LmdbStore, CrashKilledProcessLosesNothingAcknowledged) {
    const ScratchDirectory scratch;
    LmdbConfig config;
    config.directory = (scratch / "store").string();
    for (int round = 0; round < 4; ++round) {
        int pipe[2];
        ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
        const std::string directory = config.directory + std::to_string(round);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
        std::string program = STORE_CRASH_WRITER;
        std::string argument = directory;
        char* const arguments[] = {program.data(), argument.data(), nullptr};
        pid_t child = 0;
        ASSERT_EQ(::posix_spawn(&child, program.c_str(), &actions, nullptr, arguments, environ), 0);
        posix_spawn_file_actions_destroy(&actions);
        ::close(pipe[1]);

        std::string printed;
        const auto read_some = [&] {
            char buffer[4096];
            const ssize_t size = ::read(pipe[0], buffer, sizeof buffer);
            if (size > 0) printed.append(buffer, static_cast<std::size_t>(size));
            return size > 0;
        };
        while (printed.size() < 20'000 * static_cast<std::size_t>(round + 1) / 4 && read_some()) {
        }
        ASSERT_EQ(::kill(child, SIGKILL), 0);
        while (read_some()) {
        }
        ::close(pipe[0]);
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << printed;

        LmdbConfig again = config;
        again.directory = directory;
        LmdbUnderTest subject(again);
        std::set<std::string> present;
        std::map<std::string, std::size_t> rows;
        for (const auto& row : scan_text(subject.store(), kFirst)) {
            present.insert(row.first);
            ++rows[row.first.substr(0, row.first.find('/'))];
        }
        std::istringstream lines(printed);
        std::size_t lines_read = 0;
        for (std::string line; std::getline(lines, line) && !lines.eof(); ++lines_read)
            EXPECT_TRUE(present.contains(line)) << "acknowledged and lost: " << line;
        EXPECT_GT(lines_read, 100U);
        // Whole transactions: as many rows as each thread's counter says.
        for (const auto& [thread, count] : scan_text(subject.store(), kSecond))
            EXPECT_EQ(std::to_string(rows[thread]), count) << "thread " << thread;
        EXPECT_TRUE(try_put(subject.store(), "goes on", ""));
    }
}

}  // namespace
}  // namespace sigillo::testing
