#include "tests/bench/processor_time.h"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace sigillo::bench {
namespace {

namespace fs = std::filesystem;
using std::chrono::microseconds;

// proc(5): fields 14 to 17 of /proc/PID/stat, its own time and that of the children that it has waited for.
// The second field, a name in parentheses, may hold spaces.
Result<microseconds> time_of(const std::string& pid) {
    std::ifstream file("/proc/" + pid + "/stat");
    std::string line;
    std::getline(file, line);
    const std::size_t end = line.rfind(')');
    if (end == std::string::npos) return fail(Errc::kUnavailable, "process " + pid + " is gone");
    std::istringstream rest(line.substr(end + 1));
    std::string skipped;
    for (int field = 3; field < 14; ++field) rest >> skipped;
    std::int64_t sum = 0;
    for (int field = 14; field <= 17; ++field) {
        std::int64_t time = 0;
        rest >> time;
        sum += time;
    }
    return microseconds(sum * 1'000'000 / ::sysconf(_SC_CLK_TCK));
}

std::vector<std::string> children_of(const std::string& pid) {
    std::ifstream file("/proc/" + pid + "/task/" + pid + "/children");
    std::vector<std::string> children;
    for (std::string child; file >> child;) children.push_back(child);
    return children;
}

}  // namespace

Result<microseconds> processor_time(const fs::path& pids) {
    microseconds sum{0};
    for (const auto& entry : fs::directory_iterator(pids)) {
        if (entry.path().extension() != ".pid") continue;
        std::string pid;
        std::ifstream(entry.path()) >> pid;
        SIGILLO_ASSIGN(const microseconds own, time_of(pid));
        sum += own;
        for (const std::string& child : children_of(pid)) {
            // A worker of sigillo-doc may be gone by now: its parent has its time then.
            const auto theirs = time_of(child);
            if (theirs) sum += *theirs;
        }
    }
    return sum;
}

microseconds own_processor_time() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto micros = [](const timeval& t) { return microseconds(t.tv_sec * 1'000'000 + t.tv_usec); };
    return micros(usage.ru_utime) + micros(usage.ru_stime);
}

}  // namespace sigillo::bench
