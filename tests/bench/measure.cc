#include "tests/bench/measure.h"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace sigillo::bench {

double percentile(std::vector<double>& samples, double share) {
    if (samples.empty()) return 0;
    const auto last = static_cast<double>(samples.size() - 1);
    const auto at = static_cast<std::ptrdiff_t>(last * share + 0.5);
    std::ranges::nth_element(samples, samples.begin() + at);
    return samples[static_cast<std::size_t>(at)];
}

double cpu_seconds(const std::vector<std::string>& pids) {
    double ticks = 0;
    for (const std::string& pid : pids) {
        std::ifstream file("/proc/" + pid + "/stat");
        std::string text;
        std::getline(file, text);
        // proc(5): the command's name, in parentheses, can hold anything; utime and stime are the 12th and 13th after it.
        const std::size_t name_end = text.rfind(')');
        if (name_end == std::string::npos) throw std::runtime_error("process " + pid + " is gone");
        std::istringstream fields(text.substr(name_end + 1));
        std::string skipped;
        for (int i = 0; i < 11; ++i) fields >> skipped;
        double user = 0;
        double system = 0;
        fields >> user >> system;
        ticks += user + system;
    }
    return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace sigillo::bench
