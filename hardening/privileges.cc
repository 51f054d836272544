// harden_process(): what can be given up before the configuration's paths are known.
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "appliance/base/file.h"
#include "hardening/hardening.h"

namespace sigillo {
namespace {

Status refuse_root(const HardeningConfig& config) {
    if (config.allow_root || (::geteuid() != 0 && ::getuid() != 0)) return {};
    return fail(Errc::kForbidden,
                "refusing to run as root: start it as its own user (systemd/ has the units), or set "
                "allow_root = true in its table of the configuration (sigillod.allow_root, "
                "api.allow_root, public.allow_root)");
}

Status close_inherited(std::vector<int> keep) {
    std::ranges::sort(keep);
    unsigned first = 3;
    const auto close_range = [](unsigned from, unsigned to) -> Status {
        if (from > to) return {};
        // close_range(2) has no wrapper in every libc that we build on.
        if (::syscall(SYS_close_range, from, to, 0U) != 0)
            return std::unexpected(errno_error(errno, "close inherited descriptors"));
        return {};
    };
    for (const int fd : keep) {
        if (fd < static_cast<int>(first)) continue;
        SIGILLO_TRY(close_range(first, static_cast<unsigned>(fd) - 1));
        first = static_cast<unsigned>(fd) + 1;
    }
    return close_range(first, ~0U);
}

// Errors instead of death: EPIPE for a peer that is gone, EFBIG for a file that may not grow (the store calls
// it "no room").
Status ignore_signals() {
    struct sigaction action{};
    action.sa_handler = SIG_IGN;
    for (const int signal : {SIGPIPE, SIGXFSZ}) {
        if (::sigaction(signal, &action, nullptr) != 0)
            return std::unexpected(errno_error(errno, "ignore SIGPIPE and SIGXFSZ"));
    }
    return {};
}

Status forbid_dumps() {
    const rlimit none{0, 0};
    if (::setrlimit(RLIMIT_CORE, &none) != 0) return std::unexpected(errno_error(errno, "RLIMIT_CORE 0"));
    if (::prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) != 0)
        return std::unexpected(errno_error(errno, "PR_SET_DUMPABLE 0"));
    return {};
}

// With a finite RLIMIT_MEMLOCK a locked process would lose allocations later: then it is not locked at all.
void lock_memory(Logger& logger) {
    const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
    rlimit limit{};
    const char* advice =
        "set LimitMEMLOCK=infinity in the unit, or lock_memory = false with swap off or encrypted";
    if (::getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        ::setrlimit(RLIMIT_MEMLOCK, &unlimited) != 0) {
        logger.warning(
            "memory_not_locked",
            {{"reason", "RLIMIT_MEMLOCK is " + std::to_string(limit.rlim_cur)}, {"advice", advice}});
        return;
    }
    if (::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0)
        logger.warning("memory_not_locked",
                       {{"reason", errno_error(errno, "mlockall").detail}, {"advice", advice}});
}

}  // namespace

Status harden_process(const HardeningConfig& config, Logger& logger) {
    SIGILLO_TRY(refuse_root(config));
    ::umask(config.umask);
    SIGILLO_TRY(close_inherited(config.keep_descriptors));
    SIGILLO_TRY(ignore_signals());
    SIGILLO_TRY(forbid_dumps());
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) != 0)
        return std::unexpected(errno_error(errno, "PR_SET_NO_NEW_PRIVS"));
    if (config.lock_memory) lock_memory(logger);
    if (::geteuid() == 0)
        logger.warning("running_as_root",
                       {{"reason", "allow_root is set: components are not kept apart by users"}});
    return {};
}

}  // namespace sigillo
