// An admin server that answers what a test says and keeps what it was asked, and sigilloctl run against it.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "appliance/base/file.h"
#include "appliance/ipc/sam.pb.h"
#include "appliance/ipc/server.h"
#include "tests/support/scratch_directory.h"

namespace sigillo::testing {

// What a run of the program left.
struct ProgramEnd {
    int exit_code = -1;
    std::string out;
    std::string err;
};

class FakeSigillod {
 public:
    using Answer = std::function<void(const sam::AdminRequest&, sam::AdminResponse&)>;

    FakeSigillod();
    ~FakeSigillod() { stop(); }
    void start(Answer answer);
    void stop() { server_.reset(); }
    std::vector<sam::AdminRequest> asked();  // since start()

    // Runs build/…/bin/sigilloctl with this instance's configuration in SIGILLO_CONFIG.
    ProgramEnd run(const std::vector<std::string>& arguments) const;

    const ScratchDirectory& scratch() const { return scratch_; }
    std::filesystem::path store() const { return scratch_ / "store"; }
    std::filesystem::path log() const { return scratch_ / "log"; }
    std::filesystem::path config() const { return scratch_ / "sigillo.toml"; }
    std::string socket() const { return (scratch_ / "admin.sock").string(); }

 private:
    ScratchDirectory scratch_;
    UniqueFd log_fd_;
    Logger logger_;
    std::mutex mutex_;
    std::vector<sam::AdminRequest> asked_;  // guarded by mutex_
    std::unique_ptr<ipc::Server> server_;
};

void write_text(const std::filesystem::path& path, const std::string& text);
std::string read_text(const std::filesystem::path& path);

}  // namespace sigillo::testing
