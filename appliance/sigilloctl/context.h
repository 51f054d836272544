// What every command of sigilloctl shares: the options before it, the configuration, the way to ask sigillod.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>

#include "appliance/base/result.h"
#include "appliance/ipc/sam.pb.h"

namespace sigillo::ctl {

// The keys of the configuration file that sigilloctl reads; those that a command does not need may be empty.
struct Settings {
    std::string admin_socket;
    std::filesystem::path store_directory;
    std::filesystem::path log_directory;
    std::filesystem::path tsa_store_directory;  // empty: no TSA is configured
    std::filesystem::path tsa_log_directory;
};

// Not thread-safe.
struct Context {
    std::string config_path;
    bool json = false;
    std::chrono::seconds timeout{60};  // for one answer; longer than any single request takes, backups apart
    std::function<Status()> run;       // the command that the arguments chose
};

// kNotFound, kUnavailable, kInvalidArgument: the detail says which option or variable names the file.
Result<Settings> load_settings(const Context& context);

// Sends `request` to sigillod's admin socket; fills in its id. The officer is this process's uid, which
// sigillod reads from the socket itself. Errors: sigillod's own, or of the way there; the detail ends with
// what to do next.
Result<sam::AdminResponse> ask(const Context& context, sam::AdminRequest request);
Result<sam::AdminResponse> ask(const Context& context, sam::AdminRequest request,
                               std::chrono::seconds timeout);

// "detail\n  advice"
Error with_advice(Error error, const std::string& advice);

}  // namespace sigillo::ctl
