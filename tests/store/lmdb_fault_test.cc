// No room, broken disks, killed processes: what was acknowledged stays, what was not never was, and work goes
// on.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <set>
#include <sstream>
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
    LmdbConfig config;
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

// ---- kill ---------------------------------------------------------------------------------------

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
