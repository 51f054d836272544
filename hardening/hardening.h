// What each process of Sigillo gives up before it serves anybody, so that code execution in it is worth less.
//
// Order in main():
//   1. harden_process()   first of all: no dumps, no root, no inherited descriptors
//   2. check_secret_file(), check_private_directory(), check_guarded_directory()   on what the configuration
//      names
//   3. apply_landlock()   before threads that block all signals: files and directories, TCP
//   4. apply_seccomp()    last, once libraries are loaded and files are open: system calls
// Each is a one-way street for the process and its children. THREAT_MODEL.md says against whom.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/base/config_file.h"
#include "appliance/base/logger.h"
#include "appliance/base/result.h"

namespace sigillo {

// What the kernel does with a system call outside the profile.
enum class SeccompAction : std::uint8_t {
    kOff,    // no filter: for PKCS#11 modules that need more than the profile has
    kErrno,  // the call fails with EPERM: what a library merely tried does not end the service
    kKill,   // the process dies with SIGSYS
};

struct HardeningConfig {
    // The quickstart and containers run everything as their caller, root too; an installed appliance has a
    // user for each process.
    bool allow_root = false;
    // mlockall: no page of the process, once touched, is swapped. Off by default, since it holds the touched
    // pages of the mapped store as well; the systemd unit keeps sigillod out of swap by MemorySwapMax=0
    // instead.
    bool lock_memory = false;
    bool landlock = true;
    SeccompAction seccomp = SeccompAction::kKill;
    // Descriptors that stay open besides 0, 1 and 2; set by code that expects one, not by the file.
    std::vector<int> keep_descriptors{};
    // New files belong to the owner alone; what auditors may read is opened by its writer (fchmod).
    mode_t umask = 077;
};

// Keys allow_root, lock_memory, landlock (true, false) and seccomp ("off", "errno", "kill") of `table`.
void read_hardening_config(ConfigFile& file, std::string_view table, HardeningConfig& config);

// Sets: umask; SIGPIPE and SIGXFSZ ignored; inherited descriptors closed; RLIMIT_CORE 0; PR_SET_DUMPABLE 0
// (no core, no ptrace, no /proc/PID/mem for our own uid); PR_SET_NO_NEW_PRIVS; mlockall when asked for (else,
// or where RLIMIT_MEMLOCK forbids it, a warning with the reason). kForbidden: running as root without
// allow_root. kUnavailable: the kernel refused one of the others.
Status harden_process(const HardeningConfig& config, Logger& logger);

// ---- start-up checks -------------------------------------------------------------------------------------

// A regular file (no link), owned by our uid, without any right for group and others, in a directory that
// only we or root can change. kNotFound, kForbidden (the detail says which command repairs it), kUnavailable.
Status check_secret_file(const std::filesystem::path& path);
// A directory (no link), owned by our uid, without any right for group and others. Errors as above.
Status check_private_directory(const std::filesystem::path& path);
// A directory that others may read, but that only we or root can change. Errors as above.
Status check_guarded_directory(const std::filesystem::path& path);

// ---- Landlock --------------------------------------------------------------------------------------------

struct LandlockRules {
    // Files and directories with all that is below. Those that do not exist are left out.
    std::vector<std::filesystem::path> read{};
    // Read, write, create, rename and remove below these directories; plain files: read and write. Must
    // exist.
    std::vector<std::filesystem::path> write{};
    // TCP connections go to these ports and to no others. Nobody may listen on TCP.
    std::vector<std::uint16_t> connect_ports{};
};

// What every process of ours reads after start: shared libraries, libcrypto's and SoftHSM's configuration,
// time zones, user names, randomness, its own /proc.
std::vector<std::filesystem::path> system_read_paths();

struct LandlockState {
    int abi = 0;                      // of the kernel; 0: it has no Landlock, nothing was restricted
    std::size_t threads_outside = 0;  // that run unrestricted: none, unless it was called too late
    std::string restricted{};  // "files", "files, tcp", "files, tcp, signals and abstract sockets", or empty
};

// For all threads (all_threads.h; all but those that block all signals, which are counted and logged as an
// error: call it before they start) and whatever they start: no file outside the rules, nothing executed, and
// where the kernel knows how, no TCP but to connect_ports, no signal to and no abstract socket of processes
// outside. Descriptors that are open stay open. A kernel without Landlock (state.abi == 0) is no error; what
// holds is logged. kNotFound: a path of rules.write. kUnavailable: the kernel refused.
Result<LandlockState> apply_landlock(const LandlockRules& rules, Logger& logger);

// ---- seccomp ---------------------------------------------------------------------------------------------

enum class SeccompProfile : std::uint8_t {
    kSignatureModule,   // sigillod: writes files, AF_UNIX sockets
    kFrontEnd,          // sigillo-api, face public: reads files, AF_UNIX sockets
    kDocumentFrontEnd,  // sigillo-api, face api: the same, and keeps documents in memory and in its spool
    kDocumentServer,    // sigillo-doc: reads files, makes children (worker_confinement.h)
    kFetcher,           // sigillo-fetch: writes files, AF_UNIX sockets, connects by IPv4 and IPv6
};

// For all threads of the process. No profile has: execve, fork (clone makes threads only; kDocumentServer
// alone forks), ptrace and process_vm_*, sockets other than AF_UNIX (kFetcher: TCP, UDP for names, and the
// routing table to read), mount, setuid and its family, modules, bpf, perf, keyrings, io_uring, memory that
// is writable and executable at once. kFrontEnd opens no file for writing. Does nothing with kOff, and in
// builds with sanitizers, whose run time needs what is forbidden here: both are logged as a warning.
// kUnavailable: the kernel has no seccomp filters.
Status apply_seccomp(SeccompProfile profile, SeccompAction action, Logger& logger);

}  // namespace sigillo
