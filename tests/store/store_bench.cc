// How fast the store commits, one JSON object a line. usage: store_bench <empty directory> [seconds a case]
// [linger in µs]
#include <dirent.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "appliance/base/clock.h"
#include "appliance/store/lmdb_store.h"

namespace {

using sigillo::as_bytes;
using Steady = std::chrono::steady_clock;

constexpr sigillo::Space kRows{"rows"};
constexpr std::array kSpaces{kRows};
const std::string kValue(300, 'v');

double cpu_us() {
    struct rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto us = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_usec);
    };
    return us(usage.ru_utime) + us(usage.ru_stime);
}

std::atomic<unsigned long> syncs{0};

// CPU time in µs of this process's threads, by name.
std::map<std::string, double> cpu_by_thread() {
    std::map<std::string, double> out;
    DIR* const tasks = ::opendir("/proc/self/task");
    while (const dirent* const task = tasks == nullptr ? nullptr : ::readdir(tasks)) {
        const std::string path = std::string("/proc/self/task/") + task->d_name;
        std::string name;
        double on_cpu_ns = 0;
        std::getline(std::ifstream(path + "/comm"), name);
        if (std::ifstream(path + "/schedstat") >> on_cpu_ns) out[name] += on_cpu_ns / 1000;
    }
    if (tasks != nullptr) ::closedir(tasks);
    return out;
}

struct Case {
    int threads = 1;
    int rows = 1;                       // puts an update
    std::chrono::microseconds work{0};  // CPU between two updates, of two callers at a time: a slow HSM
    unsigned population = 0;            // the rows are any of as many; 0: new ones
};

// The rows of a population, before its case.
bool populate(sigillo::Store& store, unsigned population) {
    for (unsigned row = 0; row < population; row += 1000) {
        const sigillo::Status done = store.update([&](sigillo::WriteTransaction& txn) -> sigillo::Status {
            for (unsigned i = row; i < row + 1000; ++i)
                SIGILLO_TRY(txn.put(kRows, as_bytes("p" + std::to_string(i)), as_bytes(kValue)));
            return {};
        });
        if (!done) return false;
    }
    return true;
}

// Of the thread's own CPU time: being preempted is not work.
void burn(std::chrono::microseconds time) {
    const auto spent = [] {
        timespec now{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
    };
    const auto until = spent() + time;
    while (spent() < until) {
    }
}

bool run_case(sigillo::Store& store, const Case& how, double seconds) {
    std::atomic<bool> failed = false;
    std::counting_semaphore<2> hsm(2);
    std::vector<std::vector<double>> latencies(static_cast<std::size_t>(how.threads));
    const auto began = Steady::now();
    const auto until = began + std::chrono::duration<double>(seconds);
    const double cpu_before = cpu_us();
    auto threads_before = cpu_by_thread();
    const unsigned long syncs_before = syncs;
    std::vector<std::thread> callers;
    for (int t = 0; t < how.threads; ++t) {
        callers.emplace_back([&, t] {
            std::minstd_rand dice(static_cast<unsigned>(t) + 1);
            for (unsigned i = 0; Steady::now() < until; ++i) {
                if (how.work.count() > 0) {
                    hsm.acquire();
                    burn(how.work);
                    hsm.release();
                }
                const auto start = Steady::now();
                const sigillo::Status done =
                    store.update([&](sigillo::WriteTransaction& txn) -> sigillo::Status {
                        for (int r = 0; r < how.rows; ++r) {
                            const std::string key =
                                how.population > 0
                                    ? "p" + std::to_string(dice() % how.population)
                                    : std::to_string(t) + '/' + std::to_string(i) + '/' + std::to_string(r);
                            SIGILLO_TRY(txn.put(kRows, as_bytes(key), as_bytes(kValue)));
                        }
                        return {};
                    });
                if (!done) failed = true;
                latencies[static_cast<std::size_t>(t)].push_back(
                    std::chrono::duration<double, std::milli>(Steady::now() - start).count());
            }
        });
    }
    for (auto& caller : callers) caller.join();
    const double took = std::chrono::duration<double>(Steady::now() - began).count();
    const double cpu = cpu_us() - cpu_before;
    auto threads = cpu_by_thread();
    const auto synced = static_cast<double>(syncs - syncs_before);
    std::vector<double> all;
    for (const auto& some : latencies) all.insert(all.end(), some.begin(), some.end());
    std::ranges::sort(all);
    const auto count = static_cast<double>(all.size());
    const auto percentile = [&](double p) { return all[static_cast<std::size_t>(p * (count - 1))]; };
    std::printf(
        "{\"name\":\"store_update_%dthreads_%drows_%lldus_of%u\",\"rate\":%.0f,\"unit\":\"updates/s\","
        "\"puts_per_s\":%.0f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"cpu_us_per_op\":%.1f,\"syncs_per_s\":%.0f,"
        "\"committer_us_per_sync\":%.0f,\"flusher_cpu_percent\":%.1f}\n",
        how.threads, how.rows, static_cast<long long>(how.work.count()), how.population, count / took,
        count * how.rows / took, percentile(0.5), percentile(0.99), cpu / count, synced / took,
        (threads["store-commit"] - threads_before["store-commit"]) / std::max(synced, 1.0),
        (threads["store-flush"] - threads_before["store-flush"]) / took / 1e4);
    std::fflush(stdout);
    return !failed;
}

}  // namespace

// libc's, counted; of liblmdb too.
extern "C" int fdatasync(int fd) {
    ++syncs;
    return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

int main(int argc, char** argv) {
    if (argc < 2) return 2;
    const double seconds = argc > 2 ? std::atof(argv[2]) : 3;
    const sigillo::SystemClock clock;
    sigillo::Logger logger("store_bench");
    sigillo::LmdbConfig config;
    config.directory = argv[1];
    if (argc > 3) config.linger = std::chrono::microseconds(std::atoi(argv[3]));
    auto store = sigillo::LmdbStore::open(config, kSpaces, clock, logger);
    if (!store) {
        std::fprintf(stderr, "%s\n", to_string(store.error()).c_str());
        return 1;
    }
    using std::chrono::microseconds;
    for (const Case& how :
         {Case{1, 1}, Case{1, 32}, Case{8, 1}, Case{64, 1}, Case{64, 8}, Case{64, 1, microseconds(300)},
          Case{64, 1, microseconds(600)}, Case{30, 5, microseconds(300), 100'000}})
        if (!populate(**store, how.population) || !run_case(**store, how, seconds)) return 1;
    return 0;
}
