#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <fstream>

#include "hardening/hardening.h"
#include "tests/hardening/in_child.h"
#include "tests/support/scratch_directory.h"

namespace sigillo {
namespace {

using testing::in_child;

class PrivilegesTest : public ::testing::Test {
 protected:
    // The test's log is the one descriptor that stays; tests may run as root.
    HardeningConfig config() const {
        HardeningConfig config;
        config.allow_root = true;
        config.keep_descriptors = {log_.fd()};
        return config;
    }
    testing::ScratchDirectory scratch_;
    testing::LogFile log_{scratch_ / "log"};
};

TEST_F(PrivilegesTest, NoCoreNoPtraceNoNewPrivileges) {
    const auto end = in_child([&] {
        if (!harden_process(config(), log_.logger())) return 1;
        rlimit core{};
        ::getrlimit(RLIMIT_CORE, &core);
        if (core.rlim_cur != 0 || core.rlim_max != 0) return 2;
        if (::prctl(PR_GET_DUMPABLE) != 0) return 3;
        if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) return 4;
        return 0;
    });
    EXPECT_EQ(end.exit_code, 0);
}

TEST_F(PrivilegesTest, NewFilesBelongToTheOwnerAlone) {
    const auto end = in_child([&] {
        if (!harden_process(config(), log_.logger())) return 1;
        std::ofstream(scratch_ / "file") << "x";
        struct stat info{};
        if (::stat((scratch_ / "file").c_str(), &info) != 0) return 2;
        return (info.st_mode & 0777U) == 0600U ? 0 : 3;
    });
    EXPECT_EQ(end.exit_code, 0);
}

TEST_F(PrivilegesTest, InheritedDescriptorsAreClosedButForThoseToKeep) {
    const auto end = in_child([&] {
        const int inherited = ::open("/dev/null", O_RDONLY);
        const int kept = ::open("/dev/null", O_RDONLY);
        const int above = ::open("/dev/null", O_RDONLY);
        HardeningConfig keeping = config();
        keeping.keep_descriptors.insert(keeping.keep_descriptors.begin(), kept);
        if (!harden_process(keeping, log_.logger())) return 1;
        if (::fcntl(inherited, F_GETFD) != -1 || ::fcntl(above, F_GETFD) != -1) return 2;
        return ::fcntl(kept, F_GETFD) != -1 && ::fcntl(2, F_GETFD) != -1 ? 0 : 3;
    });
    EXPECT_EQ(end.exit_code, 0);
}

TEST_F(PrivilegesTest, AClosedPipeIsAnErrorAndNoDeath) {
    const auto end = in_child([&] {
        if (!harden_process(config(), log_.logger())) return 1;
        int pipe[2];
        if (::pipe(pipe) != 0) return 2;
        ::close(pipe[0]);
        return ::write(pipe[1], "x", 1) == -1 && errno == EPIPE ? 0 : 3;
    });
    EXPECT_EQ(end.exit_code, 0);
}

TEST_F(PrivilegesTest, RootIsRefusedUnlessAllowed) {
    HardeningConfig strict = config();
    strict.allow_root = false;
    const auto end = in_child([&] {
        const Status status = harden_process(strict, log_.logger());
        if (::geteuid() != 0) return status ? 0 : 1;
        return !status && status.error().code == Errc::kForbidden ? 0 : 2;
    });
    EXPECT_EQ(end.exit_code, 0);
}

TEST_F(PrivilegesTest, MemoryIsLockedOrTheReasonIsLogged) {
    HardeningConfig locking = config();
    locking.lock_memory = true;
    const auto end = in_child([&] {
        if (!harden_process(locking, log_.logger())) return 1;
        std::ifstream status("/proc/self/status");
        for (std::string line; std::getline(status, line);)
            if (line.starts_with("VmLck:") && line.find(" 0 kB") == std::string::npos) return 0;
        return log_.mentions("memory_not_locked") ? 0 : 2;
    });
    EXPECT_EQ(end.exit_code, 0);
}

TEST_F(PrivilegesTest, TheConfigurationsWordsAreUnderstoodAndOthersRefused) {
    std::ofstream(scratch_ / "good.toml")
        << "[p]\nallow_root = true\nlock_memory = true\nlandlock = false\nseccomp = \"errno\"\n";
    auto good = ConfigFile::load(scratch_ / "good.toml");
    ASSERT_TRUE(good);
    HardeningConfig read;
    read_hardening_config(*good, "p", read);
    ASSERT_TRUE(good->finish());
    EXPECT_TRUE(read.allow_root && read.lock_memory && !read.landlock);
    EXPECT_EQ(read.seccomp, SeccompAction::kErrno);

    std::ofstream(scratch_ / "bad.toml") << "[p]\nseccomp = \"maybe\"\n";
    auto bad = ConfigFile::load(scratch_ / "bad.toml");
    ASSERT_TRUE(bad);
    read_hardening_config(*bad, "p", read);
    const Status status = bad->finish();
    ASSERT_FALSE(status);
    EXPECT_NE(status.error().detail.find("p.seccomp"), std::string::npos);
}

class ChecksTest : public ::testing::Test {
 protected:
    std::filesystem::path secret(mode_t mode) {
        const auto path = scratch_ / "pin";
        std::ofstream(path) << "1234\n";
        ::chmod(path.c_str(), mode);
        return path;
    }
    testing::ScratchDirectory scratch_;
};

TEST_F(ChecksTest, ASecretFileOfOurOwnIsFine) {
    EXPECT_TRUE(check_secret_file(secret(0600)));
}

TEST_F(ChecksTest, ASecretThatOthersCanReadOrWriteIsRefusedWithTheCommandThatRepairsIt) {
    for (const mode_t mode : {0640U, 0604U, 0620U, 0602U, 0644U}) {
        const Status status = check_secret_file(secret(mode));
        ASSERT_FALSE(status) << std::oct << mode;
        EXPECT_EQ(status.error().code, Errc::kForbidden);
        EXPECT_NE(status.error().detail.find("chmod go="), std::string::npos);
    }
}

TEST_F(ChecksTest, ALinkADirectoryAndNothingAreNoSecretFiles) {
    std::filesystem::create_symlink(secret(0600), scratch_ / "link");
    EXPECT_EQ(check_secret_file(scratch_ / "link").error().code, Errc::kForbidden);
    EXPECT_EQ(check_secret_file(scratch_.path()).error().code, Errc::kForbidden);
    EXPECT_EQ(check_secret_file(scratch_ / "absent").error().code, Errc::kNotFound);
}

TEST_F(ChecksTest, ASecretThatOthersCouldReplaceIsRefused) {
    const auto path = secret(0600);
    ::chmod(scratch_.path().c_str(), 0770);
    EXPECT_EQ(check_secret_file(path).error().code, Errc::kForbidden);
    ::chmod(scratch_.path().c_str(), 01777);  // sticky: others cannot replace what is ours
    EXPECT_TRUE(check_secret_file(path));
}

TEST_F(ChecksTest, AForeignSecretIsRefused) {
    const auto path = secret(0600);
    if (::geteuid() == 0) {
        ASSERT_EQ(::chown(path.c_str(), 12345, 12345), 0);
        EXPECT_EQ(check_secret_file(path).error().code, Errc::kForbidden);
    } else {
        EXPECT_EQ(check_secret_file("/proc/1/environ").error().code, Errc::kForbidden);
    }
}

TEST_F(ChecksTest, APrivateDirectoryIsOursAlone) {
    EXPECT_TRUE(check_private_directory(scratch_.path()));
    ::chmod(scratch_.path().c_str(), 0750);
    EXPECT_EQ(check_private_directory(scratch_.path()).error().code, Errc::kForbidden);
    EXPECT_EQ(check_private_directory(scratch_ / "absent").error().code, Errc::kNotFound);
    ::chmod(scratch_.path().c_str(), 0700);
    EXPECT_EQ(check_private_directory(secret(0600)).error().code, Errc::kForbidden);
}

TEST_F(ChecksTest, AGuardedDirectoryMayBeReadAndNotChangedByOthers) {
    for (const mode_t mode : {0700U, 0750U, 0755U, 02750U}) {
        ::chmod(scratch_.path().c_str(), mode);
        EXPECT_TRUE(check_guarded_directory(scratch_.path())) << std::oct << mode;
    }
    for (const mode_t mode : {0770U, 0707U, 01777U}) {
        ::chmod(scratch_.path().c_str(), mode);
        const Status status = check_guarded_directory(scratch_.path());
        ASSERT_FALSE(status) << std::oct << mode;
        EXPECT_EQ(status.error().code, Errc::kForbidden);
        EXPECT_NE(status.error().detail.find("chmod go-w"), std::string::npos);
    }
    ::chmod(scratch_.path().c_str(), 0700);
    EXPECT_EQ(check_guarded_directory(scratch_ / "absent").error().code, Errc::kNotFound);
    EXPECT_EQ(check_guarded_directory(secret(0600)).error().code, Errc::kForbidden);
}

TEST_F(PrivilegesTest, TheAdviceToRootNamesKeysThatThereAre) {
    HardeningConfig strict = config();
    strict.allow_root = false;
    const auto end = in_child([&] {
        const Status status = harden_process(strict, log_.logger());
        if (::geteuid() != 0) return status ? 0 : 1;  // it is root's advice
        if (status) return 1;
        for (const char* key : {"sigillod.allow_root", "api.allow_root", "public.allow_root"})
            if (status.error().detail.find(key) == std::string::npos) return 2;
        return 0;
    });
    EXPECT_EQ(end.exit_code, 0);
}

}  // namespace
}  // namespace sigillo
