#include "tests/sigilloctl/fake_sigillod.h"

#include <spawn.h>
#include <sys/wait.h>

#include <sstream>
#include <stdexcept>

extern char** environ;

namespace sigillo::testing {

void write_text(const std::filesystem::path& path, const std::string& text) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
}

std::string read_text(const std::filesystem::path& path) {
    std::ostringstream out;
    out << std::ifstream(path, std::ios::binary).rdbuf();
    return out.str();
}

FakeSigillod::FakeSigillod()
    : log_fd_(::open((scratch_ / "server.log").c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600)),
      logger_("fake", log_fd_.get()) {
    write_text(config(), "[sigillod]\nadmin_socket = \"" + socket() +
                             "\"\nworkers = 96\n[store]\ndirectory = \"" + store().string() +
                             "\"\n[log]\ndirectory = \"" + log().string() + "\"\n");
}

void FakeSigillod::start(Answer answer) {
    ipc::ServerConfig server;
    server.path = socket();
    auto started = ipc::Server::start(
        server,
        [this, answer = std::move(answer)](const ipc::Peer&, const Bytes& payload, const ipc::Reply& reply) {
            sam::AdminRequest request;
            sam::AdminResponse response;
            if (!request.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) return;
            {
                const std::lock_guard lock(mutex_);
                asked_.push_back(request);
            }
            response.set_id(request.id());
            answer(request, response);
            reply(to_bytes(response.SerializeAsString()));
        },
        logger_);
    if (!started) throw std::runtime_error(to_string(started.error()));
    server_ = *std::move(started);
}

std::vector<sam::AdminRequest> FakeSigillod::asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
}

ProgramEnd FakeSigillod::run(const std::vector<std::string>& arguments) const {
    const std::string out = (scratch_ / "out").string();
    const std::string err = (scratch_ / "err").string();
    std::vector<std::string> words{SIGILLOCTL_PROGRAM};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    std::string variable = "SIGILLO_CONFIG=" + config().string();
    std::vector<char*> environment{variable.data()};
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        if (!text.starts_with("SIGILLO_CONFIG=") && !text.starts_with("SUDO_UID="))
            environment.push_back(*entry);
    }
    environment.push_back(nullptr);

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    pid_t child = 0;
    const int spawned =
        ::posix_spawn(&child, SIGILLOCTL_PROGRAM, &actions, nullptr, argv.data(), environment.data());
    posix_spawn_file_actions_destroy(&actions);
    if (spawned != 0) throw std::runtime_error(std::string("cannot run ") + SIGILLOCTL_PROGRAM);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_text(out), read_text(err)};
}

}  // namespace sigillo::testing
