// Writes to a store from several threads and prints each key once its update was acknowledged, until it is
// killed, or kills itself at the `call`th call that changes the store's files.
// usage: store_crash_writer <directory> [<call> before|after|torn]
// torn: half of the write reaches the file; of a sync, every other sector of the last write to the journal is
// lost, as in a power cut.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "appliance/base/clock.h"
#include "appliance/store/lmdb_store.h"
#include "tests/store/store_contract.h"

namespace {

using sigillo::as_bytes;
using sigillo::testing::kFirst;
using sigillo::testing::kSecond;

// ---- the end at a chosen call -------------------------------------------------------------------

enum class End : int { kBefore, kAfter, kTorn };

std::atomic<long> calls_left{-1};  // negative: for ever
std::atomic<End> end_how{End::kBefore};
std::string store_path;

struct LastWrite {
    std::atomic<off_t> offset{0};
    std::atomic<std::size_t> size{0};
} last_write;  // to the journal

[[noreturn]] void die() {
    ::kill(::getpid(), SIGKILL);
    for (;;) ::pause();
}

std::string path_of(int fd) {
    std::array<char, 4096> target{};
    const ssize_t size =
        ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), target.data(), target.size());
    return {target.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

bool is_journal(std::string_view path) {
    return path.find("/journal.") != std::string_view::npos;
}

// Whether it is this call's turn.
bool ends_here(std::string_view path) {
    return calls_left.load() >= 0 && path.starts_with(store_path) && calls_left.fetch_sub(1) == 0;
}

template <class Call, class Torn>
auto around(const std::string& path, Call call, Torn torn) {
    const bool last = ends_here(path);
    if (last && end_how == End::kBefore) die();
    if (last && end_how == End::kTorn) {
        torn();
        die();
    }
    const auto result = call();
    if (last) die();
    return result;
}

void lose_sectors(int fd) {
    static constexpr std::array<char, 512> kZeros{};
    const off_t end = last_write.offset + static_cast<off_t>(last_write.size.load());
    for (off_t at = last_write.offset + (::getpid() % 2) * 512; at < end; at += 1024)
        ::syscall(SYS_pwrite64, fd, kZeros.data(), kZeros.size(), at);
}

}  // namespace

extern "C" {

ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
    const std::string path = path_of(fd);
    // Of zeros ahead nothing depends.
    if (is_journal(path) && static_cast<const char*>(data)[0] != 0) {
        last_write.offset = offset;
        last_write.size = size;
    }
    // Half of a head page is not what a disk leaves: it is smaller than a sector.
    const bool whole = !is_journal(path) && offset < 8192;
    return around(
        path, [&] { return ::syscall(SYS_pwrite64, fd, data, size, offset); },
        [&] { ::syscall(SYS_pwrite64, fd, data, whole ? 0 : size / 2, offset); });
}

ssize_t writev(int fd, const struct iovec* parts, int count) {
    return around(
        path_of(fd), [&] { return ::syscall(SYS_writev, fd, parts, count); },
        [&] { ::syscall(SYS_writev, fd, parts, count / 2); });
}

int fdatasync(int fd) {
    const std::string path = path_of(fd);
    return static_cast<int>(around(
        path, [&] { return ::syscall(SYS_fdatasync, fd); },
        [&] {
            if (is_journal(path)) lose_sectors(fd);
        }));
}

int fsync(int fd) {
    return static_cast<int>(around(path_of(fd), [&] { return ::syscall(SYS_fsync, fd); }, [] {}));
}

int unlink(const char* path) noexcept {
    return static_cast<int>(around(path, [&] { return ::syscall(SYS_unlink, path); }, [] {}));
}

}  // extern "C"

namespace {

// Rows in kFirst, their number in kSecond, in one transaction. Goes on where an earlier run ended.
void write_for_ever(sigillo::Store& store, int thread) {
    const std::string name = std::to_string(thread);
    const std::string before = sigillo::testing::get_text(store, kSecond, name).value_or("0");
    for (unsigned long i = std::stoul(before) + 1;; ++i) {
        const std::string number = std::to_string(i);
        const std::string key = name + "/" + number;
        const sigillo::Status done = store.update([&](sigillo::WriteTransaction& txn) -> sigillo::Status {
            SIGILLO_TRY(txn.insert_once(kFirst, as_bytes(key), as_bytes(std::string(100, 'x') + number)));
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
    if (argc != 2 && argc != 4) return 2;
    const bool to_its_end = argc == 2;
    const sigillo::SystemClock clock;
    sigillo::Logger logger("crash-writer", to_its_end ? 2 : -1);
    sigillo::LmdbConfig config;
    config.directory = argv[1];
    store_path = config.directory;
    // Much of what happens every few seconds, all the time.
    config.flush_age = std::chrono::milliseconds(20);
    config.flush_bytes = std::size_t{64} << 10;
    if (!to_its_end) {
        const std::string_view how = argv[3];
        end_how = how == "before" ? End::kBefore : how == "after" ? End::kAfter : End::kTorn;
        calls_left = std::atol(argv[2]);
        config.flush_age = std::chrono::milliseconds(5);
    }
    auto store = sigillo::LmdbStore::open(config, sigillo::testing::kContractSpaces, clock, logger);
    if (!store) {
        std::fprintf(stderr, "%s\n", to_string(store.error()).c_str());
        return 1;
    }
    std::vector<std::thread> threads;
    for (int t = 0; t < (to_its_end ? 16 : 4); ++t)
        threads.emplace_back([&, t] { write_for_ever(**store, t); });
    for (auto& thread : threads) thread.join();
}
