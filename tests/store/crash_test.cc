// Killed processes and power cuts: what was acknowledged stays, and only whole transactions are there.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "tests/store/lmdb_under_test.h"

namespace sigillo::testing {
namespace {

// A run of store_crash_writer.
class Writer {
 public:
    explicit Writer(std::vector<std::string> arguments) {
        std::string program = STORE_CRASH_WRITER;
        std::vector<char*> pointers{program.data()};
        for (std::string& argument : arguments) pointers.push_back(argument.data());
        pointers.push_back(nullptr);
        int pipe[2];
        if (::pipe2(pipe, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
        const int failed = ::posix_spawn(&pid_, pointers[0], &actions, nullptr, pointers.data(), environ);
        posix_spawn_file_actions_destroy(&actions);
        ::close(pipe[1]);
        out_ = pipe[0];
        if (failed != 0) throw std::runtime_error("posix_spawn");
    }
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    ~Writer() { ::close(out_); }

    void read_until(std::size_t bytes) {
        while (printed_.size() < bytes && read_some()) {
        }
    }
    void kill() { ASSERT_EQ(::kill(pid_, SIGKILL), 0); }
    // The keys that it acknowledged, once it was killed.
    std::set<std::string> acknowledged() {
        while (read_some()) {
        }
        int status = 0;
        EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
        EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << printed_;
        std::set<std::string> keys;
        std::istringstream lines(printed_);
        for (std::string line; std::getline(lines, line) && !lines.eof();) keys.insert(line);
        return keys;
    }

 private:
    bool read_some() {
        char buffer[4096];
        const ssize_t size = ::read(out_, buffer, sizeof buffer);
        if (size > 0) printed_.append(buffer, static_cast<std::size_t>(size));
        return size > 0;
    }
    pid_t pid_ = 0;
    int out_ = -1;
    std::string printed_;
};

void expect_whole(const std::string& directory, const std::set<std::string>& acknowledged) {
    LmdbConfig config;
    config.directory = directory;
    LmdbUnderTest subject(config);
    std::set<std::string> present;
    std::map<std::string, std::size_t> rows;
    for (const auto& row : scan_text(subject.store(), kFirst)) {
        present.insert(row.first);
        ++rows[row.first.substr(0, row.first.find('/'))];
    }
    for (const std::string& key : acknowledged)
        EXPECT_TRUE(present.contains(key)) << "acknowledged and lost: " << key;
    // Whole transactions: as many rows as each thread's counter says.
    std::size_t counted = 0;
    for (const auto& [thread, count] : scan_text(subject.store(), kSecond)) {
        EXPECT_EQ(std::to_string(rows[thread]), count) << "thread " << thread;
        counted += rows[thread];
    }
    EXPECT_EQ(counted, present.size());
    EXPECT_TRUE(try_put(subject.store(), "goes on", ""));
    EXPECT_EQ(subject.store().health().reason, "");
    EXPECT_TRUE(
        subject.store().update([](WriteTransaction& txn) { return txn.erase(kFirst, as_bytes("goes on")); }));
}

TEST(LmdbStore, CrashKilledProcessLosesNothingAcknowledged) {
    const ScratchDirectory scratch;
    for (std::size_t round = 0; round < 4; ++round) {
        const std::string directory = (scratch / ("store" + std::to_string(round))).string();
        Writer writer({directory});
        writer.read_until(20'000 * (round + 1) / 4);
        writer.kill();
        const auto acknowledged = writer.acknowledged();
        EXPECT_GT(acknowledged.size(), 100U);
        expect_whole(directory, acknowledged);
    }
}

// Each call that changes a file, from the first of a new store on: writing and syncing a batch, the files'
// beginning and end, LMDB's pages and head.
TEST(LmdbStore, CrashAtEveryStepOfWritingLosesNothingAcknowledged) {
    const ScratchDirectory scratch;
    std::size_t acknowledged_in_all = 0;
    for (int call = 0; call < 110; ++call) {
        const std::string directory = (scratch / ("store" + std::to_string(call))).string();
        const char* const how = call % 3 == 0 ? "before" : call % 3 == 1 ? "after" : "torn";
        SCOPED_TRACE("call " + std::to_string(call) + ' ' + how);
        Writer writer({directory, std::to_string(call), how});
        const auto acknowledged = writer.acknowledged();
        acknowledged_in_all += acknowledged.size();
        expect_whole(directory, acknowledged);
        std::filesystem::remove_all(directory);
        if (HasFailure()) return;
    }
    EXPECT_GT(acknowledged_in_all, 500U);
}

// One store, whose starts are cut short at each of their own steps, and of the first writes after them.
TEST(LmdbStore, CrashAtEveryStepOfAStartLosesNothingAcknowledged) {
    const ScratchDirectory scratch;
    const std::string directory = (scratch / "store").string();
    std::set<std::string> acknowledged;
    for (int round = 0; round < 5; ++round) {
        Writer busy({directory, std::to_string(60 + 7 * round), "before"});
        acknowledged.merge(busy.acknowledged());
        for (int call = 0; call < 14; ++call) {
            Writer writer({directory, std::to_string(call), (call + round) % 2 == 0 ? "before" : "after"});
            acknowledged.merge(writer.acknowledged());
        }
        SCOPED_TRACE(round);
        expect_whole(directory, acknowledged);
        if (HasFailure()) return;
    }
}

}  // namespace
}  // namespace sigillo::testing
