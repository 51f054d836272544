// The log as other people's code reads it: golang.org/x/mod's tlog and note (tests/interop/tlog).
#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/wait.h>

#include "tests/audit/log_under_test.h"

namespace sigillo::audit {
namespace {

using testing::LogUnderTest;

std::pair<int, std::string> read_with_go(const LogUnderTest& log) {
    std::string command = SIGILLO_TLOG_READER;
    command.append(" ")
        .append(log.directory().string())
        .append(" ")
        .append(log.vkey().string())
        .append(" 2>&1");
    FILE* pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) throw std::runtime_error("popen");
    std::string out;
    char chunk[4096];
    while (const std::size_t got = ::fread(chunk, 1, sizeof chunk, pipe)) out.append(chunk, got);
    const int status = ::pclose(pipe);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128, out};
}

TEST(Interop, AnIndependentReaderVerifiesTheLogAtEverySize) {
    LogUnderTest log;
    ASSERT_TRUE(log.start());
    std::uint64_t size = 0;
    for (const std::uint64_t more : {1u, 255u, 1u, 600u, 65'000u, 1500u}) {
        log.append(more);
        log.publish();
        size += more;
        const auto [exit, out] = read_with_go(log);
        EXPECT_EQ(exit, 0) << out;
        EXPECT_EQ(out.find("ok: " + std::to_string(size)), 0u) << out;
    }
    testing::flip_bit(log.directory() / "tile/entries/001", 4242);
    EXPECT_EQ(read_with_go(log).first, 1);
}

}  // namespace
}  // namespace sigillo::audit
