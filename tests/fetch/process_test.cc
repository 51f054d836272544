// The real sigillo-fetch, confined as it is, over its socket: TCP within its lists works, and nothing else
// does.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <future>

#include "api/fetch/fetch_client.h"
#include "tests/fetch/http_peer.h"
#include "tests/support/scratch_directory.h"

namespace sigillo::fetch {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using testing::always;
using testing::HttpPeer;
using testing::PeerConnection;
using testing::ScratchDirectory;

class FetchProcessTest : public ::testing::Test {
 protected:
    FetchProcessTest() {
        std::filesystem::create_directory(scratch_ / "spool");
        std::filesystem::permissions(scratch_ / "spool", std::filesystem::perms::owner_all);
    }
    ~FetchProcessTest() override {
        if (child_ > 0) {
            ::kill(child_, SIGKILL);
            ::waitpid(child_, nullptr, 0);
        }
    }
    std::string path(const std::string& name) { return (scratch_ / name).string(); }
    void write_config(const std::string& allow, const std::string& callbacks, const std::string& more = {}) {
        std::ofstream(path("sigillo.toml"))
            << "[fetch]\nallow_root = true\nsocket = \"" << path("fetch.sock") << "\"\nspool_directory = \""
            << path("spool") << "\"\nallow = [" << allow << "]\ncallbacks = [" << callbacks
            << "]\ncallback_first_pause_s = 1\n"
            << more;
    }
    void spawn(const char* also = nullptr) {
        child_ = ::fork();
        ASSERT_GE(child_, 0);
        if (child_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            const int log = ::open(path("log").c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
            ::dup2(log, 2);
            ::execl(SIGILLO_FETCH_PROGRAM, "sigillo-fetch", "--config", path("sigillo.toml").c_str(), also,
                    nullptr);
            ::_exit(127);
        }
    }
    int end(int with) {
        if (with != 0) ::kill(child_, with);
        int status = 0;
        ::waitpid(std::exchange(child_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    }
    std::string log() {
        std::ifstream in(path("log"));
        return {std::istreambuf_iterator<char>(in), {}};
    }
    FetchClient& client() {
        if (!client_)
            client_ = std::make_unique<FetchClient>(FetchClientConfig{.socket = path("fetch.sock")});
        for (const auto until = steady_clock::now() + 20s;
             !client_->connected() && steady_clock::now() < until;)
            std::this_thread::sleep_for(10ms);
        EXPECT_TRUE(client_->connected()) << log();
        return *client_;
    }
    Result<Fetched> get(const std::string& url) {
        std::promise<Result<Fetched>> promise;
        client().get(url, Kind::kCrl, true,
                     [&](Result<Fetched> answer) { promise.set_value(std::move(answer)); });
        return promise.get_future().get();
    }
    Status check(const std::string& url) {
        std::promise<Status> promise;
        client().check_callback(url, [&](Status status) { promise.set_value(std::move(status)); });
        return promise.get_future().get();
    }
    Status call_back(const std::string& url, const std::string& id) {
        std::promise<Status> promise;
        client().post_callback(url, as_bytes("{}"), id,
                               [&](Status status) { promise.set_value(std::move(status)); });
        return promise.get_future().get();
    }

    ScratchDirectory scratch_;
    pid_t child_ = -1;
    std::unique_ptr<FetchClient> client_;
};

std::string quoted(const std::string& text) {
    return '"' + text + '"';
}

TEST_F(FetchProcessTest, ConfinedItFetchesResolvesNamesAndDelivers) {
    HttpPeer peer(always(200, "the list"));
    const std::string by_name = "http://localhost:" + std::to_string(peer.port());
    write_config(quoted(peer.origin()) + ", " + quoted(by_name) + ", \"http://no-such-host.invalid\"",
                 quoted(peer.origin()));
    spawn();
    const auto fetched = get(peer.origin() + "/ca.crl");
    ASSERT_TRUE(fetched) << fetched.error().detail << log();
    EXPECT_EQ(as_text(fetched->body), "the list");
    EXPECT_TRUE(get(by_name + "/ca.crl"));
    const auto nowhere = get("http://no-such-host.invalid/");
    ASSERT_FALSE(nowhere);
    EXPECT_NE(nowhere.error().detail.find("cannot be resolved"), std::string::npos) << nowhere.error().detail;
    EXPECT_EQ(get("http://127.0.0.1:1/").error().code, Errc::kForbidden);
    EXPECT_TRUE(check(peer.origin() + "/callback"));
    EXPECT_EQ(check("http://127.0.0.1:1/").error().code, Errc::kForbidden);
    EXPECT_EQ(check("no URL").error().code, Errc::kInvalidArgument);
    EXPECT_TRUE(call_back(peer.origin() + "/callback", "a"));
    for (const auto until = steady_clock::now() + 20s; peer.connections() < 3 && steady_clock::now() < until;)
        std::this_thread::sleep_for(10ms);
    EXPECT_EQ(end(SIGTERM), 0) << log();
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    EXPECT_NE(log().find("seccomp_not_applied"), std::string::npos) << log();  // it would end the sanitizer
#else
    EXPECT_NE(log().find("profile=fetcher"), std::string::npos) << log();
#endif
}

TEST_F(FetchProcessTest, ACallbackThatWasAcceptedSurvivesAKill) {
    const std::string nobody = "http://127.0.0.1:" + std::to_string(testing::free_port());
    write_config("", quoted(nobody));
    spawn();
    EXPECT_TRUE(call_back(nobody + "/", "job"));
    EXPECT_EQ(end(SIGKILL), 1000 + SIGKILL);
    client_.reset();
    spawn();
    // Health has a connection of its own, which may come back later than the other.
    const auto ask = [&] {
        std::promise<Result<HealthReport>> promise;
        client().health([&](Result<HealthReport> report) { promise.set_value(std::move(report)); });
        return promise.get_future().get();
    };
    auto report = ask();
    for (const auto until = steady_clock::now() + 20s; !report && steady_clock::now() < until; report = ask())
        std::this_thread::sleep_for(10ms);
    ASSERT_TRUE(report) << report.error().detail;
    double waiting = 0;
    for (const auto& [name, value] : report->metrics)
        if (name == "sigillo_callbacks_waiting") waiting = value;
    EXPECT_EQ(waiting, 1.0);
    EXPECT_EQ(end(SIGTERM), 0);
}

TEST_F(FetchProcessTest, AnOpenSpoolOrAWrongConfigurationIsRefused) {
    write_config("\"crl.example\"", "", "threads = 0\n");
    spawn("--check-config");
    EXPECT_EQ(end(0), 1);
    EXPECT_NE(log().find("fetch.allow"), std::string::npos) << log();
    EXPECT_NE(log().find("fetch.threads"), std::string::npos) << log();
    write_config("", "");
    std::filesystem::permissions(scratch_ / "spool", std::filesystem::perms::all);
    spawn();
    EXPECT_EQ(end(0), 1);
}

}  // namespace
}  // namespace sigillo::fetch
