// Writes to a store from many threads and prints each key once its update was acknowledged, until it is
// killed. usage: store_crash_writer <directory>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "appliance/base/clock.h"
#include "appliance/store/lmdb_store.h"
#include "tests/store/store_contract.h"

namespace {

using sigillo::as_bytes;
using sigillo::testing::kFirst;
using sigillo::testing::kSecond;

// Rows in kFirst, their number in kSecond, in one transaction.
void write_for_ever(sigillo::Store& store, int thread) {
    const std::string name = std::to_string(thread);
    for (unsigned i = 1;; ++i) {
        const std::string number = std::to_string(i);
        const std::string key = name + "/" + number;
        const sigillo::Status done = store.update([&](sigillo::WriteTransaction& txn) -> sigillo::Status {
            SIGILLO_TRY(txn.insert_once(kFirst, as_bytes(key), as_bytes(number)));
            return txn.put(kSecond, as_bytes(name), as_bytes(number));
        });
        if (!done) {
            std::fprintf(stderr, "%s\n", to_string(done.error()).c_str());
            ::_exit(1);
        }
        const std::string line = key + "\n";
        if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) ::_exit(1);
    }
}

}  // namespace

int main(int argc, char** argv) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (argc != 2) return 2;
    const sigillo::SystemClock clock;
    sigillo::Logger logger("crash-writer");
    sigillo::LmdbConfig config;
    config.directory = argv[1];
    auto store = sigillo::LmdbStore::open(config, sigillo::testing::kContractSpaces, clock, logger);
    if (!store) {
        std::fprintf(stderr, "%s\n", to_string(store.error()).c_str());
        return 1;
    }
    std::vector<std::thread> threads;
    for (int t = 0; t < 16; ++t) threads.emplace_back([&, t] { write_for_ever(**store, t); });
    for (auto& thread : threads) thread.join();
}
