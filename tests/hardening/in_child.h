// Runs something in a forked child, since what hardening takes away does not come back.
#pragma once

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <string>

#include "appliance/base/file.h"
#include "appliance/base/logger.h"

namespace sigillo::testing {

struct ChildEnd {
    int exit_code = -1;  // what the function returned, unless a signal ended the child
    int signal = 0;
};

inline ChildEnd in_child(const std::function<int()>& body) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::_exit(body());
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    if (WIFSIGNALED(status)) return {-1, WTERMSIG(status)};
    return {WEXITSTATUS(status), 0};
}

// A logger into a file of the test's.
class LogFile {
 public:
    explicit LogFile(std::filesystem::path path)
        : path_(std::move(path)),
          fd_(::open(path_.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600)) {}
    Logger& logger() { return logger_; }
    int fd() const { return fd_.get(); }
    bool mentions(const std::string& text) const {
        const auto contents = read_file(path_);
        return contents && as_text(*contents).find(text) != std::string_view::npos;
    }

 private:
    std::filesystem::path path_;
    UniqueFd fd_;
    Logger logger_{"test", fd_.get()};
};

}  // namespace sigillo::testing
