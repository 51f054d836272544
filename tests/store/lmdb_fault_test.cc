// No room, broken disks: what was acknowledged stays, what was not never was, and work goes on.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <thread>

#include "tests/store/io_faults.h"
#include "tests/store/lmdb_under_test.h"

namespace sigillo::testing {
namespace {

// ---- no room, broken disks ----------------------------------------------------------------------

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
        const Status erased =
            subject.store().update([&](WriteTransaction& txn) { return txn.erase(kFirst, as_bytes(key)); });
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
    Threads threads(10, [&](int t) {
        if (t == 5) {
            EXPECT_EQ(code_of(try_put(subject.store(), "large", std::string(4'000'000, 'x'))),
                      Errc::kStorageFull);
        } else {
            EXPECT_TRUE(try_put(subject.store(), std::to_string(t), "x"));
        }
    });
    await_waiting(subject.store(), 10);
    held.release();
    threads.join();
    EXPECT_EQ(scan_text(subject.store(), kFirst).size(), 9U);
}

class BrokenDisk : public ::testing::TestWithParam<std::pair<IoCall, int>> {};

TEST_P(BrokenDisk, CrashCommitThatFailsTellsTheWholeGroupAndResumes) {
    const auto [call, number] = GetParam();
    LmdbConfig config = unflushed();
    config.upkeep = std::chrono::hours(1);  // no probe: what resumes here resumes by an update
    LmdbUnderTest subject(config);
    Store& store = subject.store();
    put_text(store, kFirst, "before", "1");
    const Errc expected = number == EIO ? Errc::kUnavailable : Errc::kStorageFull;
    {
        HeldCommitter held(store);
        Threads threads(20,
                        [&](int t) { EXPECT_EQ(code_of(try_put(store, std::to_string(t), "x")), expected); });
        // Whoever was refused on the strength of what a failed commit undid must not be told that reason.
        std::thread other([&] {
            const Status done = store.update([&](WriteTransaction& txn) -> Status {
                SIGILLO_ASSIGN(const auto row, txn.get(kFirst, as_bytes("0")));
                return row ? fail(Errc::kAlreadyExists, "seen") : txn.put(kFirst, as_bytes("other"), {});
            });
            EXPECT_EQ(code_of(done), expected);
        });
        await_waiting(store, 21);
        const IoFault fault(call, number);
        held.release();
        threads.join();
        other.join();
        EXPECT_FALSE(store.health().writable);
        EXPECT_EQ(scan_text(store, kFirst), (Rows{{"before", "1"}}));
    }
    put_text(store, kFirst, "after", "2");
    EXPECT_TRUE(store.health().writable);
    subject.reopen();
    EXPECT_EQ(scan_text(subject.store(), kFirst), (Rows{{"after", "2"}, {"before", "1"}}));
}

INSTANTIATE_TEST_SUITE_P(Faults, BrokenDisk,
                         ::testing::Values(std::pair(IoCall::kWriteData, ENOSPC),
                                           std::pair(IoCall::kWriteData, EIO),
                                           std::pair(IoCall::kWriteData, EDQUOT),
                                           std::pair(IoCall::kWriteData, EFBIG),
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

// LMDB's head page is written by flushes, and by updates that bypass the journal.
TEST(LmdbStore, CrashHeadPageThatCannotBeWrittenStopsWritingUntilARestart) {
    for (const bool bypass : {false, true}) {
        LmdbConfig config = bypass ? bypassing() : unflushed();
        LmdbUnderTest subject(config);
        put_text(subject.store(), kFirst, "before", "1");
        {
            const IoFault fault(IoCall::kWriteHead, EIO);
            if (bypass) {
                EXPECT_EQ(code_of(try_put(subject.store(), "lost", "x")), Errc::kUnavailable);
            } else {
                fill_until_flush(subject);
                await([&] { return !subject.store().health().writable; });
            }
        }
        EXPECT_EQ(code_of(try_put(subject.store(), "refused", "x")), Errc::kUnavailable);
        const StoreHealth health = subject.store().health();
        EXPECT_FALSE(health.writable);
        EXPECT_NE(health.reason.find("restart"), std::string::npos) << health.reason;
        subject.reopen();
        EXPECT_EQ(get_text(subject.store(), kFirst, "before"), "1");
        EXPECT_EQ(get_text(subject.store(), kFirst, "refused"), std::nullopt);
        if (!bypass) {
            EXPECT_EQ(scan_text(subject.store(), kSecond).size(), kRowsOfAFlush);
        }
        put_text(subject.store(), kFirst, "after", "2");
        EXPECT_TRUE(subject.store().health().writable);
    }
}

// ---- the journal --------------------------------------------------------------------------------

class BrokenJournal : public ::testing::TestWithParam<std::pair<IoCall, int>> {};

TEST_P(BrokenJournal, CrashUpdatesAreRefusedAndResumeAndNothingRefusedComesBack) {
    const auto [call, number] = GetParam();
    LmdbConfig config = unflushed();
    config.upkeep = std::chrono::hours(1);
    LmdbUnderTest subject(config);
    put_text(subject.store(), kFirst, "before", std::string(5000, 'b'));
    for (int round = 0; round < 3; ++round) {
        {
            const IoFault fault(call, number);
            const IoFault uncut(IoCall::kJournalCut, round == 2 ? EIO : 0);
            const Status refused = try_put(subject.store(), "refused", std::string(20'000, 'r'));
            EXPECT_EQ(code_of(refused), number == EIO ? Errc::kUnavailable : Errc::kStorageFull);
            EXPECT_FALSE(subject.store().health().writable);
            EXPECT_EQ(get_text(subject.store(), kFirst, "refused"), std::nullopt);
        }
        put_text(subject.store(), kFirst, "after" + std::to_string(round), "x");
        EXPECT_EQ(subject.store().health().reason, "");
        // As if the process had been killed now.
        const std::string killed = subject.fresh_directory();
        std::filesystem::copy(subject.config().directory, killed);
        const auto restarted = subject.open_copy(killed);
        EXPECT_EQ(get_text(restarted->store(), kFirst, "refused"), std::nullopt);
        EXPECT_EQ(get_text(restarted->store(), kFirst, "before"), std::string(5000, 'b'));
        EXPECT_EQ(scan_text(restarted->store(), kFirst, "after").size(), static_cast<std::size_t>(round) + 1);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Faults, BrokenJournal,
    ::testing::Values(std::pair(IoCall::kJournalWrite, ENOSPC), std::pair(IoCall::kJournalWrite, EIO),
                      std::pair(IoCall::kJournalHalf, ENOSPC), std::pair(IoCall::kJournalHalf, EFBIG),
                      std::pair(IoCall::kJournalHalf, EIO), std::pair(IoCall::kJournalSync, EIO),
                      std::pair(IoCall::kJournalSync, ENOSPC)));

// While neither the journal nor LMDB can be trusted with more, nothing is acknowledged.
TEST(LmdbStore, CrashASyncOfUnknownEffectIsSettledInLmdbBeforeAnythingElse) {
    LmdbUnderTest subject(unflushed());
    put_text(subject.store(), kFirst, "before", "1");
    IoFault lmdb(IoCall::kLmdbWrite, EIO);
    {
        const IoFault fault(IoCall::kJournalSync, EIO);
        EXPECT_EQ(code_of(try_put(subject.store(), "refused", "x")), Errc::kUnavailable);
    }
    // The disk may have the refused batch: this is what a start after a crash now would find.
    const std::string killed = subject.fresh_directory();
    std::filesystem::copy(subject.config().directory, killed);
    EXPECT_EQ(code_of(try_put(subject.store(), "refused too", "x")), Errc::kUnavailable);
    lmdb.lift();
    put_text(subject.store(), kFirst, "after", "2");
    EXPECT_EQ(scan_text(subject.store(), kFirst), (Rows{{"after", "2"}, {"before", "1"}}));
    EXPECT_EQ(get_text(subject.open_copy(killed)->store(), kFirst, "before"), "1");
    subject.reopen();
    EXPECT_EQ(scan_text(subject.store(), kFirst), (Rows{{"after", "2"}, {"before", "1"}}));
}

class BrokenFlush : public ::testing::TestWithParam<std::pair<IoCall, int>> {};

TEST_P(BrokenFlush, CrashWhatWasAcknowledgedIsReadAndKeptAndComesIntoLmdbLater) {
    const auto [call, number] = GetParam();
    LmdbConfig config = unflushed();
    config.upkeep = std::chrono::milliseconds(20);
    LmdbUnderTest subject(config);
    IoFault fault(call, number);
    fill_until_flush(subject);
    await([&] { return !subject.store().health().writable; });
    EXPECT_EQ(code_of(try_put(subject.store(), "refused", "x")),
              number == EIO ? Errc::kUnavailable : Errc::kStorageFull);
    EXPECT_EQ(scan_text(subject.store(), kSecond).size(), kRowsOfAFlush) << "reading goes on";
    const std::string killed = subject.fresh_directory();
    std::filesystem::copy(subject.config().directory, killed);
    fault.lift();
    await([&] { return subject.store().health().writable; });
    EXPECT_EQ(subject.store().health().reason, "");
    put_text(subject.store(), kFirst, "after", "2");
    EXPECT_EQ(scan_text(subject.store(), kSecond).size(), kRowsOfAFlush);
    EXPECT_EQ(scan_text(subject.open_copy(killed)->store(), kSecond).size(), kRowsOfAFlush);
    subject.reopen();
    EXPECT_EQ(scan_text(subject.store(), kSecond).size(), kRowsOfAFlush);
    EXPECT_EQ(scan_text(subject.store(), kFirst), (Rows{{"after", "2"}}));
}

INSTANTIATE_TEST_SUITE_P(Faults, BrokenFlush,
                         ::testing::Values(std::pair(IoCall::kLmdbWrite, ENOSPC),
                                           std::pair(IoCall::kLmdbWrite, EIO),
                                           std::pair(IoCall::kRemove, EIO)));

TEST(LmdbStore, CrashAStoreThatCannotFlushAtItsEndKeepsItsJournal) {
    LmdbUnderTest subject(unflushed());
    put_text(subject.store(), kFirst, "a", "1");
    {
        const IoFault fault(IoCall::kLmdbWrite, ENOSPC);
        subject.close();
    }
    EXPECT_EQ(subject.journals().size(), 1U);
    subject.open();
    EXPECT_EQ(get_text(subject.store(), kFirst, "a"), "1");
    EXPECT_TRUE(subject.journals().empty());
}

// The kernel takes what still fits of a write, and LMDB calls that EIO.
TEST(LmdbStore, CrashAWriteThatADiskTakesHalfOfIsStorageFull) {
    LmdbUnderTest subject;
    put_text(subject.store(), kFirst, "a", std::string(100'000, 'x'));
    subject.reopen();
    struct stat file{};
    ASSERT_EQ(::stat(subject.data_file().c_str(), &file), 0);
    ASSERT_NE(::signal(SIGXFSZ, SIG_IGN), SIG_ERR);
    struct rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const rlimit limit{static_cast<rlim_t>(file.st_size) + 10'000, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
    EXPECT_EQ(code_of(try_put(subject.store(), "b", std::string(400'000, 'y'))), Errc::kStorageFull);
    EXPECT_FALSE(subject.store().health().writable);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    put_text(subject.store(), kFirst, "b", std::string(400'000, 'y'));
    EXPECT_EQ(subject.store().health().reason, "");
}

// ---- copies -------------------------------------------------------------------------------------

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

}  // namespace
}  // namespace sigillo::testing
