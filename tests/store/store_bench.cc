// How fast the store commits, one JSON object a line. usage: store_bench <empty directory> [seconds a case]
// [linger in µs]
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
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

struct Case {
    int threads = 1;
    int rows = 1;                       // puts an update
    std::chrono::microseconds work{0};  // CPU between two updates, of two callers at a time: a slow HSM
};

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
    std::vector<std::thread> callers;
    for (int t = 0; t < how.threads; ++t) {
        callers.emplace_back([&, t] {
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
                                std::to_string(t) + '/' + std::to_string(i) + '/' + std::to_string(r);
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
    std::vector<double> all;
    for (const auto& some : latencies) all.insert(all.end(), some.begin(), some.end());
    std::ranges::sort(all);
    const auto count = static_cast<double>(all.size());
    const auto percentile = [&](double p) { return all[static_cast<std::size_t>(p * (count - 1))]; };
    std::printf(
        "{\"name\":\"store_update_%dthreads_%drows_%lldus\",\"rate\":%.0f,\"unit\":\"updates/s\","
        "\"puts_per_s\":%.0f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"cpu_us_per_op\":%.1f}\n",
        how.threads, how.rows, static_cast<long long>(how.work.count()), count / took,
        count * how.rows / took, percentile(0.5), percentile(0.99), cpu / count);
    std::fflush(stdout);
    return !failed;
}

}  // namespace

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
    for (const Case& how : {Case{1, 1}, Case{1, 32}, Case{8, 1}, Case{64, 1}, Case{64, 8},
                            Case{64, 1, microseconds(300)}, Case{64, 1, microseconds(600)}})
        if (!run_case(**store, how, seconds)) return 1;
    return 0;
}
