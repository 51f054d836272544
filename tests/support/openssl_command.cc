#include "tests/support/openssl_command.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <stdexcept>

#include "appliance/base/encoding.h"
#include "appliance/base/file.h"

namespace sigillo::testing {

CommandResult openssl(const std::vector<std::string>& arguments) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) throw std::runtime_error("pipe");
    UniqueFd reader(ends[0]);
    UniqueFd writer(ends[1]);
    std::vector<std::string> words{"openssl"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", 0, 0);
    posix_spawn_file_actions_adddup2(&actions, writer.get(), 1);
    posix_spawn_file_actions_adddup2(&actions, writer.get(), 2);
    posix_spawn_file_actions_addclose(&actions, reader.get());
    pid_t child = 0;
    const int started = ::posix_spawnp(&child, "openssl", &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (started != 0) throw std::runtime_error("openssl cannot be started");
    writer.reset();
    CommandResult result;
    std::array<char, 4096> buffer{};
    for (ssize_t got = 0; (got = ::read(reader.get(), buffer.data(), buffer.size())) > 0;)
        result.output.append(buffer.data(), static_cast<std::size_t>(got));
    int status = 0;
    if (::waitpid(child, &status, 0) != child) throw std::runtime_error("waitpid");
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return result;
}

std::string write_pem(const ScratchDirectory& directory, const std::string& name, const std::string& label,
                      ByteView der) {
    const std::string path = (directory / name).string();
    const std::string base64 = base64_encode(der);
    std::ofstream file(path);
    file << "-----BEGIN " << label << "-----\n";
    for (std::size_t at = 0; at < base64.size(); at += 64) file << base64.substr(at, 64) << "\n";
    file << "-----END " << label << "-----\n";
    if (!file.flush()) throw std::runtime_error("cannot write " + path);
    return path;
}

}  // namespace sigillo::testing
