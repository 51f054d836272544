// System calls that each kind of process needs, and no others.
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "appliance/base/file.h"
#include "hardening/hardening.h"
#include "hardening/seccomp_filter.h"

namespace sigillo {
namespace {

// clang-format off: one call a line would bury the groups

// Both profiles: memory, threads, clocks, signals to ourselves, polling, AF_UNIX traffic, reading files.
constexpr const char* kCommon[] = {
    // memory (mmap and mprotect: below)
    "brk", "munmap", "mremap", "madvise", "mlock", "mlock2", "munlock", "membarrier",
    // threads (clone: below)
    "futex", "set_robust_list", "get_robust_list", "rseq", "set_tid_address", "arch_prctl", "exit",
    "exit_group", "gettid", "sched_yield", "sched_getaffinity", "sched_setaffinity", "sched_getparam",
    "sched_getscheduler", "getcpu", "restart_syscall",
    // signals (tgkill: below)
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "rt_sigsuspend", "rt_sigpending",
    "sigaltstack", "signalfd4", "pause",
    // who and where we are
    "getpid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups",
    "getpgrp", "uname", "sysinfo", "getrlimit", "getrusage", "times", "getcwd", "umask",
    // time
    "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time",
    "timerfd_create", "timerfd_settime", "timerfd_gettime",
    // polling
    "poll", "ppoll", "select", "pselect6", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait",
    "epoll_pwait", "epoll_pwait2", "eventfd2", "pipe", "pipe2",
    // descriptors and files that are open, and looking at files
    "read", "readv", "pread64", "preadv", "preadv2", "write", "writev", "pwrite64", "pwritev", "pwritev2",
    "close", "close_range", "dup", "dup2", "dup3", "fcntl", "fstat", "newfstatat", "stat", "lstat",
    "statx", "access", "faccessat", "faccessat2", "lseek", "getdents64", "readlink", "readlinkat",
    "statfs", "fstatfs", "fadvise64", "sendfile", "getrandom", "flock",
    // our own unix sockets (socket, socketpair: below): made, opened to a group, removed
    "connect", "accept", "accept4", "bind", "listen", "getsockname", "getpeername", "getsockopt",
    "setsockopt", "sendto", "recvfrom", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg", "shutdown", "chmod",
    "fchmodat", "unlink", "unlinkat",
};

// sigillod also writes: LMDB, SoftHSM's token, the log's tiles, backups. adjtimex: whether the clock is
// disciplined (setting it takes a capability that no process of ours has).
constexpr const char* kWriting[] = {
    "open", "openat", "creat", "fsync", "fdatasync", "sync_file_range", "msync", "mincore", "truncate",
    "ftruncate", "fallocate", "rename", "renameat", "renameat2", "link", "linkat", "mkdir", "mkdirat",
    "rmdir", "fchmod", "utimensat", "copy_file_range", "adjtimex", "clock_adjtime",
};

// sigillo-api's face for clients keeps documents: in memory (memfd), and in one folder, which is Landlock's to bound.
constexpr const char* kKeeping[] = {
    "memfd_create", "open", "openat", "ftruncate", "fallocate", "rename", "renameat", "renameat2", "mkdir",
    "mkdirat", "rmdir", "fsync", "fdatasync", "fchmod", "copy_file_range",
};

// sigillo-doc, the parent: makes children and puts each under a filter of its own.
constexpr const char* kForking[] = {
    "fork", "vfork", "wait4", "waitid", "kill", "setrlimit", "seccomp", "landlock_restrict_self",
    "ftruncate", "fallocate", "copy_file_range",  // the children's work, to which this filter applies too
};

// clang-format on

// What libc tries first and does without when the kernel says that it does not exist. Their arguments lie in
// memory, where a filter cannot look.
constexpr const char* kAbsent[] = {"clone3", "openat2", "io_uring_setup"};

// Reads files, and opens none for writing.
void allow_reading(Filter& filter) {
    constexpr std::uint64_t kWrites = O_ACCMODE | O_CREAT | O_TRUNC | O_TMPFILE;
    static_assert(O_RDONLY == 0);
    // O_TMPFILE contains O_DIRECTORY, which reading a directory needs: its own bit alone tells.
    constexpr std::uint64_t kMask = kWrites & ~static_cast<std::uint64_t>(O_DIRECTORY);
    filter.allow_if("open", masked(1, kMask, 0));
    filter.allow_if("openat", masked(2, kMask, 0));
}

void allow_children(Filter& filter) {
    filter.allow(kForking);
    // A process like ourselves, in no namespace of its own.
    constexpr std::uint64_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                          CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
    filter.allow_if("clone", masked(0, kNamespaces, 0));
    filter.allow_if("prlimit64", equals(0, 0));
    filter.allow_if("prctl", equals(0, PR_SET_PDEATHSIG));
    filter.allow_if("prctl", equals(0, PR_SET_SECCOMP));
    filter.allow_if("prctl", equals(0, PR_SET_NO_NEW_PRIVS));
}

std::string_view name_of(SeccompProfile profile) {
    switch (profile) {
        case SeccompProfile::kSignatureModule:
            return "signature_module";
        case SeccompProfile::kFrontEnd:
            return "front_end";
        case SeccompProfile::kDocumentFrontEnd:
            return "document_front_end";
        case SeccompProfile::kDocumentServer:
            return "document_server";
        case SeccompProfile::kFetcher:
            return "fetcher";
    }
    return "unknown";
}

void allow_conditionally(Filter& filter) {
    // Threads, not processes.
    filter.allow_if("clone", masked(0, CLONE_THREAD, CLONE_THREAD));
    // raise() and abort(), and no signal to anybody else.
    filter.allow_if("tgkill", equals(0, static_cast<std::uint64_t>(::getpid())));
    filter.allow_if("socket", equals(0, AF_UNIX));
    filter.allow_if("socketpair", equals(0, AF_UNIX));
    // Memory is writable or executable; what is mapped writable never becomes executable. Libraries still
    // load.
    filter.allow_if("mmap", masked(2, PROT_EXEC, 0));
    filter.allow_if("mmap", masked(2, PROT_EXEC | PROT_WRITE, PROT_EXEC));
    filter.allow_if("mprotect", masked(2, PROT_EXEC, 0));
    filter.allow_if("prctl", equals(0, PR_SET_NAME));
    filter.allow_if("prctl", equals(0, PR_GET_NAME));
    filter.allow_if("prctl", equals(0, PR_GET_DUMPABLE));
    constexpr std::uint64_t kNameAnonymousMemory = 0x53564d41;  // PR_SET_VMA, by newer allocators
    filter.allow_if("prctl", equals(0, kNameAnonymousMemory));
    filter.allow_if("ioctl", equals(1, FIONBIO));
    filter.allow_if("ioctl", equals(1, FIONREAD));
    filter.allow_if("ioctl", equals(1, TCGETS));  // isatty()
    filter.allow_if("prlimit64", equals(2, 0));   // reads, sets nothing
}

}  // namespace

Status apply_seccomp(SeccompProfile profile, SeccompAction action, Logger& logger) {
    if (action == SeccompAction::kOff || kSanitized) {
        logger.warning("seccomp_not_applied", {{"reason", kSanitized ? "a build with sanitizers"
                                                                     : "switched off in the configuration"}});
        return {};
    }
    Filter filter(action == SeccompAction::kKill ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(EPERM));
    filter.attribute(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    filter.attribute(SCMP_FLTATR_CTL_TSYNC, 1);
    filter.attribute(SCMP_FLTATR_CTL_OPTIMIZE,
                     2);  // a binary tree: the filter runs at every call of the signing path
    filter.allow(kCommon);
    filter.absent(kAbsent);
    allow_conditionally(filter);
    switch (profile) {
        case SeccompProfile::kSignatureModule:
            filter.allow(kWriting);
            break;
        case SeccompProfile::kFrontEnd:
            allow_reading(filter);
            break;
        case SeccompProfile::kDocumentFrontEnd:
            filter.allow(kKeeping);
            break;
        case SeccompProfile::kDocumentServer:
            allow_reading(filter);
            allow_children(filter);
            break;
        case SeccompProfile::kFetcher:
            filter.allow(kWriting);
            // TCP to hosts, UDP to name servers; getaddrinfo reads from the routing table which kinds of
            // addresses this machine has.
            filter.allow_if("socket", equals(0, AF_INET));
            filter.allow_if("socket", equals(0, AF_INET6));
            filter.allow_if_both("socket", equals(0, AF_NETLINK), equals(2, NETLINK_ROUTE));
            break;
    }
    if (const int status = filter.load(); status != 0)
        return std::unexpected(errno_error(-status, "load the seccomp filter"));
    logger.info("seccomp_applied", {{"profile", name_of(profile)},
                                    {"action", action == SeccompAction::kKill ? "kill" : "errno"}});
    return {};
}

}  // namespace sigillo
