#include "hardening/worker_confinement.h"

#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "hardening/landlock_ruleset.h"
#include "hardening/seccomp_filter.h"

namespace sigillo {
namespace {

// clang-format off

// Memory, the descriptors that are open, the clock, an orderly end. No open, no socket, no clone, no execve.
constexpr const char* kWorker[] = {
    "brk", "munmap", "mremap", "madvise", "futex", "rseq", "exit", "exit_group", "restart_syscall",
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack",
    "getpid", "gettid", "getuid", "geteuid", "getgid", "getegid", "uname", "sysinfo", "getrusage", "getrandom",
    "sched_getaffinity", "sched_yield", "getcpu",
    "clock_gettime", "clock_getres", "gettimeofday", "time",
    "read", "readv", "pread64", "preadv", "write", "writev", "pwrite64", "pwritev", "lseek", "ftruncate",
    "fallocate", "copy_file_range", "sendfile", "fcntl", "close", "dup", "fstat", "newfstatat", "statx",
    "poll", "ppoll", "sendmsg", "recvmsg", "shutdown",
};
// What libraries try and do without.
constexpr const char* kAbsent[] = {
    "open", "openat", "openat2", "access", "faccessat", "faccessat2", "stat", "lstat", "readlink", "readlinkat",
    "getcwd", "clone3", "ioctl",
};

// clang-format on

Result<std::vector<sock_filter>> compile(SeccompAction action) {
    Filter filter(action == SeccompAction::kKill ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(EPERM));
    filter.attribute(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    filter.attribute(SCMP_FLTATR_CTL_OPTIMIZE, 2);
    filter.allow(kWorker);
    filter.absent(kAbsent);
    filter.allow_if("prlimit64", equals(2, 0));  // reads, sets nothing
    filter.allow_if("mmap", masked(2, PROT_EXEC, 0));
    filter.allow_if("mprotect", masked(2, PROT_EXEC, 0));
    const UniqueFd file(::memfd_create("seccomp", MFD_CLOEXEC));
    if (!file) return std::unexpected(errno_error(errno, "memfd_create"));
    if (const int status = filter.write_program(file.get()); status != 0)
        return std::unexpected(errno_error(-status, "make the seccomp filter of the document workers"));
    const auto size = ::lseek(file.get(), 0, SEEK_END);
    std::vector<sock_filter> program(static_cast<std::size_t>(size) / sizeof(sock_filter));
    const std::size_t bytes = program.size() * sizeof(sock_filter);
    if (size <= 0 || ::pread(file.get(), program.data(), bytes, 0) != static_cast<ssize_t>(bytes))
        return std::unexpected(errno_error(errno, "read the seccomp filter of the document workers"));
    return program;
}

int limit(__rlimit_resource resource, std::uint64_t value) {
    const rlimit both{value, value};
    return ::setrlimit(resource, &both) == 0 ? 0 : errno;
}

}  // namespace

Result<WorkerConfinement> WorkerConfinement::create(const HardeningConfig& config, Logger& logger) {
    WorkerConfinement out;
    if (config.landlock) {
        SIGILLO_ASSIGN(auto ruleset, make_landlock_ruleset(logger));
        out.landlock_ = std::move(ruleset.fd);
        logger.info("worker_landlock",
                    {{"abi", ruleset.state.abi}, {"restricted", ruleset.state.restricted}});
    }
    if (config.seccomp == SeccompAction::kOff || kSanitized) {
        logger.warning("seccomp_not_applied", {{"profile", "document_worker"},
                                               {"reason", kSanitized ? "a build with sanitizers"
                                                                     : "switched off in the configuration"}});
        return out;
    }
    SIGILLO_ASSIGN(out.seccomp_, compile(config.seccomp));
    return out;
}

int WorkerConfinement::apply(const WorkerLimits& limits) const noexcept {
    if (const int failed = limit(RLIMIT_CORE, 0)) return failed;
    if (const int failed = limit(RLIMIT_FSIZE, limits.file_size)) return failed;
    // The kernel kills at the hard limit, and tells nobody why: SIGXCPU comes a second before.
    const rlimit cpu{limits.cpu_s, limits.cpu_s + rlim_t{1}};
    if (::setrlimit(RLIMIT_CPU, &cpu) != 0) return errno;
    if (const int failed = limit(RLIMIT_NOFILE, limits.descriptors)) return failed;
    // Sanitizers reserve terabytes of addresses.
    if (!kSanitized)
        if (const int failed = limit(RLIMIT_AS, limits.address_space)) return failed;
    if (landlock_ && ::syscall(SYS_landlock_restrict_self, landlock_.get(), 0U) != 0) return errno;
    if (seccomp_.empty()) return 0;
    const sock_fprog program{static_cast<unsigned short>(seccomp_.size()),
                             const_cast<sock_filter*>(seccomp_.data())};
    return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0UL, 0UL) == 0 ? 0 : errno;
}

}  // namespace sigillo
