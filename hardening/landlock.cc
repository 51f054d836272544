// Landlock by its system calls: libc has no wrappers, and the kernel headers that we build on are older than
// the newest rights. Numbers and layout: linux/landlock.h of Linux 6.12.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "appliance/base/file.h"
#include "hardening/all_threads.h"
#include "hardening/hardening.h"
#include "hardening/landlock_ruleset.h"

namespace sigillo {
namespace {

struct RulesetAttributes {
    std::uint64_t handled_access_fs = 0;
    std::uint64_t handled_access_net = 0;  // ABI 4
    std::uint64_t scoped = 0;              // ABI 6
};
struct [[gnu::packed]] PathBeneath {
    std::uint64_t allowed_access = 0;
    std::int32_t parent_fd = -1;
};
struct NetPort {
    std::uint64_t allowed_access = 0;
    std::uint64_t port = 0;  // host order
};
constexpr unsigned kVersionQuery = 1U << 0;
constexpr int kPathBeneathRule = 1;
constexpr int kNetPortRule = 2;

// Rights over files, by the bit that ABI 1 to 5 gave them.
// Devices, fifos and symbolic links (6, 10 to 12) are handled, that is forbidden, and never allowed.
constexpr std::uint64_t kExecute = 1U << 0, kWriteFile = 1U << 1, kReadFile = 1U << 2, kReadDir = 1U << 3,
                        kRemoveDir = 1U << 4, kRemoveFile = 1U << 5, kMakeDir = 1U << 7, kMakeReg = 1U << 8,
                        kMakeSock = 1U << 9, kMakeSym = 1U << 12, kRefer = 1U << 13, kTruncate = 1U << 14,
                        kIoctlDev = 1U << 15;
constexpr std::uint64_t kOfAbi1 = (kMakeSym << 1) - 1;
constexpr std::uint64_t kNet = 3;  // TCP: bind, connect
constexpr std::uint64_t kConnect = 2;
constexpr std::uint64_t kScopes = 3;  // abstract sockets, signals

constexpr std::uint64_t kRead = kReadFile | kReadDir;
constexpr std::uint64_t kWrite =
    kRead | kWriteFile | kRemoveDir | kRemoveFile | kMakeDir | kMakeReg | kMakeSock | kRefer | kTruncate;
constexpr std::uint64_t kForFiles = kExecute | kWriteFile | kReadFile | kTruncate | kIoctlDev;

std::uint64_t file_rights_of(int abi) {
    std::uint64_t rights = kOfAbi1;
    if (abi >= 2) rights |= kRefer;
    if (abi >= 3) rights |= kTruncate;
    if (abi >= 5) rights |= kIoctlDev;
    return rights;
}

int restrict_this_thread(int ruleset) {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) != 0) return errno;
    return ::syscall(SYS_landlock_restrict_self, ruleset, 0U) == 0 ? 0 : errno;
}

Status allow(int ruleset, const std::filesystem::path& path, std::uint64_t rights, bool must_exist) {
    const UniqueFd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
    if (!fd) {
        if (!must_exist && (errno == ENOENT || errno == EACCES || errno == ENOTDIR)) return {};
        return std::unexpected(errno_error(errno, "open " + path.string() + " for its Landlock rule"));
    }
    struct stat info{};
    if (::fstat(fd.get(), &info) != 0) return std::unexpected(errno_error(errno, "look at " + path.string()));
    if (!S_ISDIR(info.st_mode)) rights &= kForFiles;
    const PathBeneath rule{rights, fd.get()};
    if (::syscall(SYS_landlock_add_rule, ruleset, kPathBeneathRule, &rule, 0U) != 0)
        return std::unexpected(errno_error(errno, "Landlock rule for " + path.string()));
    return {};
}

Status allow_port(int ruleset, std::uint16_t port) {
    const NetPort rule{kConnect, port};
    if (::syscall(SYS_landlock_add_rule, ruleset, kNetPortRule, &rule, 0U) != 0)
        return std::unexpected(errno_error(errno, "Landlock rule for TCP port " + std::to_string(port)));
    return {};
}

}  // namespace

std::vector<std::filesystem::path> system_read_paths() {
    return {"/usr",
            "/lib",
            "/lib64",
            "/etc/ld.so.cache",
            "/etc/ssl",
            "/etc/softhsm",
            "/etc/pkcs11",
            "/etc/localtime",
            "/etc/nsswitch.conf",
            "/etc/passwd",
            "/etc/group",
            "/dev/null",
            "/dev/zero",
            "/dev/random",
            "/dev/urandom",
            "/proc/self",
            "/proc/sys/kernel",
            "/proc/meminfo",
            "/proc/cpuinfo",
            "/sys/devices/system/cpu"};
}

Result<LandlockRuleset> make_landlock_ruleset(Logger& logger) {
    LandlockRuleset made;
    LandlockState& state = made.state;
    const auto version = ::syscall(SYS_landlock_create_ruleset, nullptr, std::size_t{0}, kVersionQuery);
    if (version < 0) {
        if (errno != ENOSYS && errno != EOPNOTSUPP)
            return std::unexpected(errno_error(errno, "ask for the kernel's Landlock version"));
        logger.warning("landlock_unavailable", {{"reason", errno == ENOSYS ? "the kernel was built without it"
                                                                           : "disabled at boot (lsm=)"}});
        return made;
    }
    state.abi = static_cast<int>(version);
    RulesetAttributes attributes;
    attributes.handled_access_fs = file_rights_of(state.abi);
    std::size_t size = sizeof(std::uint64_t);
    state.restricted = "files";
    if (state.abi >= 4) {
        attributes.handled_access_net = kNet;
        size = 2 * sizeof(std::uint64_t);
        state.restricted += ", tcp";
    }
    if (state.abi >= 6) {
        attributes.scoped = kScopes;
        size = 3 * sizeof(std::uint64_t);
        state.restricted += ", signals and abstract sockets";
    }
    made.file_rights = attributes.handled_access_fs;
    made.fd.reset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, size, 0U)));
    if (!made.fd) return std::unexpected(errno_error(errno, "make the Landlock ruleset"));
    return made;
}

Result<LandlockState> apply_landlock(const LandlockRules& rules, Logger& logger) {
    SIGILLO_ASSIGN(LandlockRuleset made, make_landlock_ruleset(logger));
    LandlockState& state = made.state;
    if (!made.fd) return state;
    const int ruleset = made.fd.get();
    for (const auto& path : rules.read) SIGILLO_TRY(allow(ruleset, path, kRead & made.file_rights, false));
    for (const auto& path : rules.write) SIGILLO_TRY(allow(ruleset, path, kWrite & made.file_rights, true));
    // A device of the base system that programs write to without thinking.
    SIGILLO_TRY(allow(ruleset, "/dev/null", kReadFile | kWriteFile, false));
    if (state.abi >= 4)
        for (const std::uint16_t port : rules.connect_ports) SIGILLO_TRY(allow_port(ruleset, port));
    SIGILLO_ASSIGN(state.threads_outside, in_all_threads(&restrict_this_thread, ruleset));
    if (state.threads_outside != 0)
        logger.error("landlock_incomplete", {{"threads_outside", std::uint64_t{state.threads_outside}},
                                             {"reason", "they started before it and block all signals"}});
    logger.info("landlock_applied", {{"abi", state.abi}, {"restricted", state.restricted}});
    return state;
}

}  // namespace sigillo
