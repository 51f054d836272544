#include "hardening/all_threads.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>

#include "appliance/base/file.h"

namespace sigillo {
namespace {

constexpr std::chrono::seconds kPatience{5};           // for a thread that is not scheduled
constexpr std::chrono::milliseconds kStartGrace{200};  // a thread blocks all signals while libc starts it

// A signal handler has no other way to its arguments than statics.
std::atomic<int (*)(int)> operation_now{nullptr};
std::atomic<int> argument_now{0};
std::atomic<int> answers{0};
std::atomic<int> failure{0};
static_assert(std::atomic<int (*)(int)>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

void handle(int) {
    const int before = errno;
    if (const int number = operation_now.load()(argument_now.load()); number != 0) failure = number;
    ++answers;
    errno = before;
}

Result<std::set<pid_t>> threads_of_this_process() {
    std::set<pid_t> threads;
    std::error_code code;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task", code)) {
        const std::string name = entry.path().filename().string();
        pid_t thread = 0;
        std::from_chars(name.data(), name.data() + name.size(), thread);
        if (thread > 0) threads.insert(thread);
    }
    if (code) return std::unexpected(errno_error(code.value(), "list this process's threads"));
    return threads;
}

// Whether `thread` blocks the signal at this moment. A thread that has ended blocks nothing.
bool blocks_the_signal(pid_t thread) {
    std::ifstream status("/proc/self/task/" + std::to_string(thread) + "/status");
    for (std::string line; std::getline(status, line);) {
        if (!line.starts_with("SigBlk:")) continue;
        const auto mask = std::stoull(line.substr(line.find_first_not_of(" \t", 7)), nullptr, 16);
        return (mask >> (SIGRTMAX - 1) & 1U) != 0;
    }
    return false;
}

// Whether the thread has made the call, or has ended.
Result<bool> interrupt(pid_t thread) {
    const auto grace = std::chrono::steady_clock::now() + kStartGrace;
    while (blocks_the_signal(thread)) {
        if (std::chrono::steady_clock::now() > grace) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    const int expected = answers.load() + 1;
    if (::syscall(SYS_tgkill, ::getpid(), thread, SIGRTMAX) != 0) {
        if (errno == ESRCH) return true;
        return std::unexpected(errno_error(errno, "signal a thread"));
    }
    const auto until = std::chrono::steady_clock::now() + kPatience;
    const std::filesystem::path alive = "/proc/self/task/" + std::to_string(thread);
    while (answers.load() < expected) {
        std::error_code code;
        if (!std::filesystem::exists(alive, code)) return true;
        if (std::chrono::steady_clock::now() > until)
            return fail(Errc::kUnavailable, "thread " + std::to_string(thread) + " does not answer");
        std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    return true;
}

Result<std::size_t> interrupt_all() {
    std::size_t unreached = 0;
    std::set<pid_t> done{static_cast<pid_t>(::syscall(SYS_gettid))};
    // Until a look finds no new thread: later ones are children of threads that have made the call, and
    // inherit.
    for (bool found = true; found;) {
        found = false;
        SIGILLO_ASSIGN(const std::set<pid_t> threads, threads_of_this_process());
        for (const pid_t thread : threads) {
            if (!done.insert(thread).second) continue;
            found = true;
            SIGILLO_ASSIGN(const bool reached, interrupt(thread));
            if (!reached) ++unreached;
        }
    }
    if (failure != 0) return std::unexpected(errno_error(failure, "in another thread"));
    return unreached;
}

}  // namespace

Result<std::size_t> in_all_threads(int (*operation)(int), int argument) {
    operation_now = operation;
    argument_now = argument;
    failure = 0;
    struct sigaction action{};
    struct sigaction before{};
    action.sa_handler = &handle;
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    if (::sigaction(SIGRTMAX, &action, &before) != 0) return std::unexpected(errno_error(errno, "sigaction"));
    const Result<std::size_t> unreached = interrupt_all();
    // A signal that is still on its way must not end the process.
    if (before.sa_handler == SIG_DFL) before.sa_handler = SIG_IGN;
    if (::sigaction(SIGRTMAX, &before, nullptr) != 0) return std::unexpected(errno_error(errno, "sigaction"));
    if (!unreached) return unreached;
    if (const int number = operation(argument); number != 0)
        return std::unexpected(errno_error(number, "this thread"));
    return unreached;
}

}  // namespace sigillo
