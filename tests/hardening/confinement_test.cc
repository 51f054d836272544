// Landlock and seccomp against the real kernel.
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "hardening/hardening.h"
#include "tests/hardening/in_child.h"
#include "tests/support/scratch_directory.h"

namespace sigillo {
namespace {

using testing::in_child;

// ThreadSanitizer's own threads block all signals, too, and are counted; no build that is shipped has them.
bool outside_are(std::size_t counted, std::size_t ours) {
#if defined(__SANITIZE_THREAD__)
    return counted >= ours;
#else
    return counted == ours;
#endif
}

bool kernel_has_landlock() {
    return ::syscall(SYS_landlock_create_ruleset, nullptr, std::size_t{0}, 1U) > 0;
}

bool can_read(const std::filesystem::path& path) {
    return read_file(path, std::size_t{1} << 20).has_value();
}
bool can_write(const std::filesystem::path& path) {
    return static_cast<bool>(UniqueFd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)));
}

class ConfinementTest : public ::testing::Test {
 protected:
    void SetUp() override {
        for (const char* name : {"read", "write", "other"}) {
            std::filesystem::create_directory(scratch_ / name);
            std::ofstream(scratch_ / name / "file") << "text";
        }
    }
    LandlockRules rules() const {
        LandlockRules rules{system_read_paths(), {scratch_ / "write"}};
        rules.read.push_back(scratch_ / "read");
        return rules;
    }
    testing::ScratchDirectory scratch_;
    testing::LogFile log_{scratch_ / "log"};
};

// Where the kernel has no Landlock, the same test shows that this is reported and nothing else fails.
TEST_F(ConfinementTest, LandlockLeavesTheGivenDirectoriesAndNothingElse) {
    const auto end = in_child([&] {
        const auto state = apply_landlock(rules(), log_.logger());
        if (!state) return 1;
        if (state->abi == 0) return !kernel_has_landlock() && can_read(scratch_ / "other" / "file") ? 0 : 2;
        if (!can_read(scratch_ / "read" / "file") || can_write(scratch_ / "read" / "new")) return 3;
        if (!can_read(scratch_ / "write" / "file") || !can_write(scratch_ / "write" / "new")) return 4;
        if (can_read(scratch_ / "other" / "file") || can_write(scratch_ / "other" / "new")) return 5;
        if (::rename((scratch_ / "write" / "new").c_str(), (scratch_ / "write" / "newer").c_str()) != 0)
            return 6;
        if (::rename((scratch_ / "write" / "newer").c_str(), (scratch_ / "other" / "newer").c_str()) == 0)
            return 7;
        if (::unlink((scratch_ / "write" / "newer").c_str()) != 0) return 8;
        if (::mkdir((scratch_ / "write" / "directory").c_str(), 0700) != 0) return 9;
        return 0;
    });
    EXPECT_EQ(end.exit_code, 0);
    EXPECT_TRUE(log_.mentions(kernel_has_landlock() ? "landlock_applied" : "landlock_unavailable"));
}

TEST_F(ConfinementTest, LandlockHoldsForThreadsThatRunAlreadyAndTheirChildren) {
    const auto end = in_child([&] {
        constexpr int kThreads = 8;
        std::atomic<bool> confined{false};
        std::atomic<int> escaped{0};
        std::atomic<int> restless{0};
        std::vector<std::thread> early;
        for (int i = 0; i < kThreads; ++i) {
            early.emplace_back([&, i] {
                // Half of them sleep, half make threads all the time.
                while (!confined) {
                    if (i % 2 == 0)
                        std::this_thread::sleep_for(std::chrono::milliseconds(1));
                    else
                        std::thread([&restless] { ++restless; }).join();
                }
                if (can_read(scratch_ / "other" / "file")) ++escaped;
                std::thread([&] { escaped += can_read(scratch_ / "other" / "file") ? 1 : 0; }).join();
            });
        }
        while (restless < 20) std::this_thread::yield();
        const auto state = apply_landlock(rules(), log_.logger());
        confined = true;
        for (std::thread& thread : early) thread.join();
        if (!state) return 1;
        if (state->abi == 0) return 0;
        return escaped == 0 && outside_are(state->threads_outside, 0) ? 0 : 2;
    });
    EXPECT_EQ(end.exit_code, 0);
}

TEST_F(ConfinementTest, AThreadThatCannotBeReachedIsCountedAndReported) {
    const auto end = in_child([&] {
        std::atomic<int> stage{0};
        std::thread deaf([&stage] {
            sigset_t all;
            sigfillset(&all);
            pthread_sigmask(SIG_SETMASK, &all, nullptr);
            stage = 1;
            while (stage == 1) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        });
        while (stage == 0) std::this_thread::yield();
        const auto state = apply_landlock(rules(), log_.logger());
        stage = 2;
        deaf.join();
        if (!state) return 1;
        return outside_are(state->threads_outside, state->abi == 0 ? 0U : 1U) ? 0 : 2;
    });
    EXPECT_EQ(end.exit_code, 0);
    EXPECT_EQ(log_.mentions("landlock_incomplete"), kernel_has_landlock());
}

TEST_F(ConfinementTest, LandlockLetsNothingBeExecuted) {
    const auto end = in_child([&] {
        const auto state = apply_landlock(rules(), log_.logger());
        if (!state) return 1;
        if (state->abi == 0) return 0;
        ::execl("/bin/true", "true", nullptr);
        return errno == EACCES ? 0 : 2;
    });
    EXPECT_EQ(end.exit_code, 0);
}

TEST_F(ConfinementTest, LandlockForbidsTcpWhereTheKernelCan) {
    const auto end = in_child([&] {
        const auto state = apply_landlock(rules(), log_.logger());
        if (!state) return 1;
        if (state->restricted.find("tcp") == std::string::npos) return state->abi < 4 ? 0 : 2;
        const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(9);
        if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ||
            errno != EACCES)
            return 3;
        if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 || errno != EACCES)
            return 4;
        return 0;
    });
    EXPECT_EQ(end.exit_code, 0);
}

TEST_F(ConfinementTest, LandlockLetsTcpGoToTheNamedPortsAlone) {
    const auto end = in_child([&] {
        LandlockRules with_port = rules();
        with_port.connect_ports = {9};
        const auto state = apply_landlock(with_port, log_.logger());
        if (!state) return 1;
        if (state->abi < 4) return 0;
        const auto connect_to = [](std::uint16_t port) {
            const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
            sockaddr_in address{};
            address.sin_family = AF_INET;
            address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            address.sin_port = htons(port);
            errno = 0;
            return ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? 0
                                                                                                   : errno;
        };
        if (connect_to(9) == EACCES) return 2;
        return connect_to(10) == EACCES ? 0 : 3;
    });
    EXPECT_EQ(end.exit_code, 0);
}

TEST_F(ConfinementTest, LandlockStillLetsUnixSocketsBeMadeAndUsedWhereWritingIsAllowed) {
    const auto end = in_child([&] {
        if (!apply_landlock(rules(), log_.logger())) return 1;
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        (scratch_ / "write" / "s").string().copy(address.sun_path, sizeof address.sun_path - 1);
        const UniqueFd server(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const UniqueFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (::bind(server.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return 2;
        if (::listen(server.get(), 1) != 0) return 3;
        return ::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? 0 : 4;
    });
    EXPECT_EQ(end.exit_code, 0);
}

TEST_F(ConfinementTest, ADirectoryToWriteThatIsMissingIsAnErrorAndOneToReadIsNot) {
    LandlockRules missing = rules();
    missing.write.push_back(scratch_ / "absent");
    LandlockRules less = rules();
    less.read.push_back(scratch_ / "absent");
    const auto end = in_child([&] {
        const auto refused = apply_landlock(missing, log_.logger());
        if (kernel_has_landlock() && (refused || refused.error().code != Errc::kNotFound)) return 1;
        return apply_landlock(less, log_.logger()) ? 0 : 2;
    });
    EXPECT_EQ(end.exit_code, 0);
}

TEST_F(ConfinementTest, SeccompThatIsSwitchedOffIsReported) {
    EXPECT_TRUE(apply_seccomp(SeccompProfile::kFrontEnd, SeccompAction::kOff, log_.logger()));
    EXPECT_TRUE(log_.mentions("seccomp_not_applied"));
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

TEST_F(ConfinementTest, InABuildWithSanitizersSeccompIsReportedAsNotApplied) {
    EXPECT_TRUE(apply_seccomp(SeccompProfile::kFrontEnd, SeccompAction::kKill, log_.logger()));
    EXPECT_TRUE(log_.mentions("a build with sanitizers"));
}

#else

struct Forbidden {
    const char* name;
    std::function<long()> call;  // -1 with errno when refused
};

std::vector<Forbidden> forbidden_to_all() {
    return {
        {"execve", [] { return ::execl("/bin/true", "true", nullptr); }},
        {"fork", [] { return ::syscall(SYS_fork); }},
        {"clone of a process",
         [] { return ::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr); }},
        {"ptrace", [] { return ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); }},
        {"process_vm_readv",
         [] { return ::syscall(SYS_process_vm_readv, ::getpid(), nullptr, 0, nullptr, 0, 0); }},
        {"socket(AF_NETLINK, audit)",
         [] { return static_cast<long>(::socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT)); }},
        {"socket(AF_VSOCK)", [] { return static_cast<long>(::socket(AF_VSOCK, SOCK_STREAM, 0)); }},
        {"mount", [] { return ::syscall(SYS_mount, "a", "b", "c", 0, nullptr); }},
        {"setuid", [] { return ::syscall(SYS_setuid, 0); }},
        {"unshare", [] { return ::syscall(SYS_unshare, 0); }},
        {"bpf", [] { return ::syscall(SYS_bpf, 0, nullptr, 0); }},
        {"perf_event_open", [] { return ::syscall(SYS_perf_event_open, nullptr, 0, 0, 0, 0); }},
        {"keyctl", [] { return ::syscall(SYS_keyctl, 0, 0, 0, 0, 0); }},
        {"kill of another process", [] { return ::syscall(SYS_kill, 1, 0); }},
        {"PR_SET_DUMPABLE", [] { return static_cast<long>(::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)); }},
        {"writable executable memory",
         [] {
             void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
             return page == MAP_FAILED ? -1L : 0L;
         }},
        {"memory made executable later",
         [] {
             void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
             return static_cast<long>(::mprotect(page, 4096, PROT_READ | PROT_EXEC));
         }},
        {"raising a limit",
         [] {
             const rlimit limit{1, 1};
             return ::syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, nullptr);
         }},
    };
}

std::vector<Forbidden> forbidden_to(SeccompProfile profile) {
    std::vector<Forbidden> forbidden = forbidden_to_all();
    if (profile == SeccompProfile::kFetcher) return forbidden;
    forbidden.push_back(
        {"socket(AF_INET)", [] { return static_cast<long>(::socket(AF_INET, SOCK_STREAM, 0)); }});
    forbidden.push_back(
        {"socket(AF_INET6)", [] { return static_cast<long>(::socket(AF_INET6, SOCK_DGRAM, 0)); }});
    forbidden.push_back({"socket(AF_NETLINK)",
                         [] { return static_cast<long>(::socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)); }});
    return forbidden;
}

class SeccompTest : public ConfinementTest, public ::testing::WithParamInterface<SeccompProfile> {};

TEST_P(SeccompTest, WhatIsForbiddenFailsWithEperm) {
    for (const Forbidden& forbidden : forbidden_to(GetParam())) {
        const auto end = in_child([&] {
            if (!apply_seccomp(GetParam(), SeccompAction::kErrno, log_.logger())) return 1;
            errno = 0;
            return forbidden.call() == -1 && errno == EPERM ? 0 : 2;
        });
        EXPECT_EQ(end.exit_code, 0) << forbidden.name;
        EXPECT_EQ(end.signal, 0) << forbidden.name;
    }
}

TEST_P(SeccompTest, WhatIsForbiddenKillsWhereConfigured) {
    for (const Forbidden& forbidden : forbidden_to(GetParam())) {
        const auto end = in_child([&] {
            if (!apply_seccomp(GetParam(), SeccompAction::kKill, log_.logger())) return 1;
            forbidden.call();
            return 2;
        });
        EXPECT_EQ(end.signal, SIGSYS) << forbidden.name;
    }
}

TEST_P(SeccompTest, IoUringAndClone3SeemNotToExist) {
    const auto end = in_child([&] {
        if (!apply_seccomp(GetParam(), SeccompAction::kKill, log_.logger())) return 1;
        if (::syscall(SYS_io_uring_setup, 1, nullptr) != -1 || errno != ENOSYS) return 2;
        return ::syscall(SYS_clone3, nullptr, 0) == -1 && errno == ENOSYS ? 0 : 3;
    });
    EXPECT_EQ(end.exit_code, 0);
}

TEST_P(SeccompTest, ThreadsUnixSocketsTimersAndReadingFilesWork) {
    const auto end = in_child([&] {
        if (!apply_seccomp(GetParam(), SeccompAction::kKill, log_.logger())) return 1;
        std::atomic<int> sum{0};
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i) threads.emplace_back([&sum] { sum += 1; });
        for (std::thread& thread : threads) thread.join();
        int pair[2];
        if (sum != 4 || ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return 2;
        if (::write(pair[0], "x", 1) != 1) return 3;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        if (!can_read(scratch_ / "read" / "file")) return 4;
        if (std::filesystem::directory_iterator(scratch_ / "read") == std::filesystem::directory_iterator())
            return 5;
        return 0;
    });
    EXPECT_EQ(end.exit_code, 0);
    EXPECT_EQ(end.signal, 0);
}

TEST_P(SeccompTest, ThreadsThatRunAlreadyAreConfinedToo) {
    const auto end = in_child([&] {
        std::atomic<bool> confined{false};
        std::atomic<int> result{-1};
        std::thread early([&] {
            while (!confined) std::this_thread::yield();
            result = ::socket(AF_VSOCK, SOCK_STREAM, 0) == -1 && errno == EPERM ? 0 : 2;
        });
        const bool applied = apply_seccomp(GetParam(), SeccompAction::kErrno, log_.logger()).has_value();
        confined = true;
        early.join();
        return applied ? result.load() : 1;
    });
    EXPECT_EQ(end.exit_code, 0);
}

INSTANTIATE_TEST_SUITE_P(Profiles, SeccompTest,
                         ::testing::Values(SeccompProfile::kSignatureModule, SeccompProfile::kFrontEnd,
                                           SeccompProfile::kFetcher),
                         [](const auto& profile) {
                             return profile.param == SeccompProfile::kFrontEnd  ? "FrontEnd"
                                    : profile.param == SeccompProfile::kFetcher ? "Fetcher"
                                                                                : "SignatureModule";
                         });

TEST_F(ConfinementTest, TheSignatureModuleWritesFilesDurably) {
    const auto end = in_child([&] {
        if (!apply_seccomp(SeccompProfile::kSignatureModule, SeccompAction::kKill, log_.logger())) return 1;
        if (!write_file_durably(scratch_ / "write" / "file", as_bytes("new"))) return 2;
        std::error_code code;
        std::filesystem::create_directories(scratch_ / "write" / "a" / "b", code);
        if (code || !sync_tree(scratch_ / "write")) return 3;
        return std::filesystem::remove_all(scratch_ / "write" / "a", code) == 2 ? 0 : 4;
    });
    EXPECT_EQ(end.exit_code, 0);
    EXPECT_EQ(end.signal, 0);
}

TEST_F(ConfinementTest, TheFetcherHasTcpAndUdpAndWritesFilesDurably) {
    const auto end = in_child([&] {
        if (!apply_seccomp(SeccompProfile::kFetcher, SeccompAction::kKill, log_.logger())) return 1;
        for (const int family : {AF_INET, AF_INET6})
            for (const int type : {SOCK_STREAM, SOCK_DGRAM})
                if (::socket(family, type, 0) < 0 && errno != EAFNOSUPPORT) return 2;
        if (::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE) < 0) return 3;
        return write_file_durably(scratch_ / "write" / "file", as_bytes("new")) ? 0 : 4;
    });
    EXPECT_EQ(end.exit_code, 0);
    EXPECT_EQ(end.signal, 0);
}

TEST_F(ConfinementTest, TheFrontEndOpensNoFileForWriting) {
    const auto end = in_child([&] {
        if (!apply_seccomp(SeccompProfile::kFrontEnd, SeccompAction::kErrno, log_.logger())) return 1;
        for (const int flags : {O_WRONLY, O_RDWR, O_RDONLY | O_CREAT, O_RDONLY | O_TRUNC})
            if (::open((scratch_ / "write" / "file").c_str(), flags, 0600) != -1 || errno != EPERM) return 2;
        return ::open((scratch_ / "write").c_str(), O_RDONLY | O_DIRECTORY) != -1 ? 0 : 3;
    });
    EXPECT_EQ(end.exit_code, 0);
}

#endif

}  // namespace
}  // namespace sigillo
