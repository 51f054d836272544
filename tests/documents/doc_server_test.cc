// sigillo-doc's parent and its workers, with jobs that misbehave as they are told.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "api/documents/doc_client.h"
#include "api/documents/sigillo-doc/server.h"
#include "appliance/ipc/unix_socket.h"
#include "tests/support/scratch_directory.h"

namespace sigillo::doc {
namespace {

using api::documents::DocClientConfig;
using api::documents::DocWorker;
using api::documents::MemoryFile;

// What the next job does: the name of a signer of CmsNeeds, which no real job has.
Answer carry_out(const Request& request, std::vector<UniqueFd>& fds) {
    const std::string what = request.cms_needs().signers(0);
    volatile std::uint64_t sink = 0;
    volatile int* volatile nowhere = nullptr;
    Answer answer;
    auto& found = *answer.mutable_cms_needs();
    if (what == "crash") {
        ::signal(SIGSEGV, SIG_DFL);  // not a sanitizer's report
        *nowhere = 1;
    }
    if (what == "memory") {
        std::vector<std::vector<char>> hoard;
        for (;;) hoard.emplace_back(std::size_t{1} << 20, 'x');
    }
    if (what == "spin")
        for (;;) sink = sink + 1;
    if (what == "hang") ::pause();  // not among the calls that a worker has
    if (what == "sleep")
        for (;;) ::poll(nullptr, 0, 1'000);
    if (what == "throw") throw std::runtime_error("a library's exception");
    if (what == "open") found.add_certificates(::open("/etc/passwd", O_RDONLY) >= 0 ? "opened" : "refused");
    if (what == "create")
        found.add_certificates(::open("/tmp/x", O_CREAT | O_WRONLY, 0600) >= 0 ? "made" : "refused");
    if (what == "socket") found.add_certificates(::socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ? "made" : "refused");
    if (what == "exec") ::execl("/bin/true", "true", nullptr);
    if (what == "fork") found.add_certificates(::fork() >= 0 ? "forked" : "refused");
    if (what == "kill") ::kill(::getppid(), SIGKILL);
    if (what == "long") found.add_certificates(std::string(300'000, 'l'));
    if (what == "size") found.add_certificates(std::to_string(request.ByteSizeLong()));
    if (what == "pid") found.add_certificates(std::to_string(::getpid()));
    if (what == "write") {
        const std::string text(1 << 20, 'w');
        ssize_t count = 0;
        std::uint64_t total = 0;
        while ((count = ::write(fds.at(1).get(), text.data(), text.size())) > 0)
            total += static_cast<std::uint64_t>(count);
        found.add_certificates(std::to_string(total >> 20) + " " + std::to_string(errno));
    }
    if (what == "limit") {
        rlimit limit{};
        ::getrlimit(RLIMIT_AS, &limit);
        found.add_certificates(std::to_string(limit.rlim_cur));
    }
    return answer;
}

class DocServer : public ::testing::Test {
 protected:
    void SetUp() override { start(); }
    void TearDown() override { stop(SIGKILL); }

    void start() {
        config_.socket = scratch_ / "doc.sock";
        config_.hardening.allow_root = true;
        client_.socket = config_.socket;
        server_ = ::fork();
        if (server_ == 0) ::_exit(serve());
        for (int i = 0; i < 2'000 && !api::documents::doc_answers(client_); ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        ASSERT_TRUE(api::documents::doc_answers(client_));
    }
    int stop(int signal) {
        if (server_ <= 0) return 0;
        ::kill(server_, signal);
        int status = 0;
        while (::waitpid(server_, &status, 0) < 0 && errno == EINTR) continue;
        server_ = 0;
        return status;
    }

    static Request job(const std::string& what) {
        Request request;
        request.mutable_cms_needs()->add_signers(what);
        return request;
    }
    Result<Answer> ask(const std::string& what, std::vector<std::shared_ptr<MemoryFile>> files = {}) {
        auto worker = DocWorker::connect(client_);
        if (!worker) return std::unexpected(worker.error());
        return worker->ask(job(what), std::move(files), Answer::kCmsNeeds);
    }
    std::string said(const Result<Answer>& answer) {
        return answer ? answer->cms_needs().certificates(0) : to_string(answer.error());
    }

    sigillo::testing::ScratchDirectory scratch_;
    DocConfig config_;
    DocClientConfig client_;
    pid_t server_ = 0;

 private:
    int serve() const {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        sigset_t set;
        sigemptyset(&set);
        for (const int signal : {SIGCHLD, SIGTERM, SIGINT}) sigaddset(&set, signal);
        ::sigprocmask(SIG_BLOCK, &set, nullptr);
        Logger logger("doc", 2, Severity::kError);
        const auto confinement = WorkerConfinement::create(config_.hardening, logger);
        if (!confinement) return 3;
        const auto server = Server::start(config_, *confinement, &carry_out, logger);
        if (!server) return 4;
        return (*server)->run() ? 0 : 5;
    }
};

TEST_F(DocServer, a_worker_answers_one_thing_after_the_other) {
    auto worker = DocWorker::connect(client_);
    ASSERT_TRUE(worker);
    const auto first = worker->ask(job("pid"), {}, Answer::kCmsNeeds);
    const auto second = worker->ask(job("pid"), {}, Answer::kCmsNeeds);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(said(first), said(second));
    EXPECT_NE(said(ask("pid")), said(first));  // another connection is another process
}

TEST_F(DocServer, long_requests_and_answers_go_by_file) {
    EXPECT_EQ(said(ask("long")).size(), 300'000U);
    Request request = job("size");
    request.mutable_cms_needs()->add_anchors(std::string(500'000, 'a'));
    auto worker = DocWorker::connect(client_);
    const auto answer = worker->ask(request, {}, Answer::kCmsNeeds);
    ASSERT_TRUE(answer);
    EXPECT_GT(std::stoul(said(answer)), 500'000U);
}

TEST_F(DocServer, a_worker_that_dies_is_an_error_about_the_document_and_nothing_else) {
    const auto crash = ask("crash");
    ASSERT_FALSE(crash);
    EXPECT_EQ(crash.error().code, Errc::kInvalidArgument);
    EXPECT_EQ(crash.error().field, "document");
    EXPECT_NE(crash.error().detail.find("damaged, or nested too deeply"), std::string::npos);
    EXPECT_TRUE(ask("pid"));  // the next one knows nothing of it
}

TEST_F(DocServer, an_exception_of_a_library_is_the_answer) {
    const auto thrown = ask("throw");
    ASSERT_FALSE(thrown);
    EXPECT_EQ(thrown.error().code, Errc::kInternal);
}

// A sanitizer's own address space and system calls are more than any limit here allows: builds with one apply
// neither.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_F(DocServer, a_bomb_ends_at_its_memory_limit) {
    const auto bomb = ask("memory");
    ASSERT_FALSE(bomb);
    EXPECT_EQ(bomb.error().code, Errc::kLimitExceeded);
    EXPECT_EQ(bomb.error().detail, "the document could not be processed within its limits (memory)");
    EXPECT_TRUE(ask("pid"));
}

TEST_F(DocServer, the_memory_limit_grows_with_the_document) {
    const auto small = ask("limit");
    auto file = MemoryFile::create("test").value();
    ASSERT_TRUE(file->append(Bytes(std::size_t{8} << 20, 1)));
    const auto large = ask("limit", {file});
    ASSERT_TRUE(small && large);
    EXPECT_EQ(std::stoull(said(large)) - std::stoull(said(small)), std::uint64_t{4} * (8 << 20));
}

TEST_F(DocServer, a_worker_opens_nothing_and_starts_nothing) {
    EXPECT_EQ(said(ask("open")), "refused");
    EXPECT_EQ(said(ask("create")), "refused");
    for (const char* what : {"socket", "exec", "fork", "kill", "hang"}) {
        const auto answer = ask(what);
        ASSERT_FALSE(answer) << what;
        EXPECT_EQ(answer.error().code, Errc::kInternal) << what;
    }
    EXPECT_TRUE(ask("pid"));  // the parent lives
}
#endif

TEST_F(DocServer, what_a_worker_writes_is_bounded) {
    auto out = MemoryFile::create("out").value();
    const auto written = ask("write", {out});
    EXPECT_EQ(said(written), "64 " + std::to_string(EFBIG));
}

// With time enough on the clock for a busy machine to give it its second of processor.
class FrugalServer : public DocServer {
 protected:
    void SetUp() override {
        config_.worker.cpu = std::chrono::seconds(1);
        start();
    }
};

TEST_F(FrugalServer, processor_time_is_bounded) {
    const auto spin = ask("spin");
    ASSERT_FALSE(spin);
    EXPECT_EQ(spin.error().detail, "the document could not be processed within its limits (processor time)");
    EXPECT_EQ(spin.error().code, Errc::kLimitExceeded);
}

class ImpatientServer : public DocServer {
 protected:
    void SetUp() override {
        config_.worker.deadline = std::chrono::seconds(3);
        config_.workers = 2;
        config_.queue_limit = 2;
        start();
    }
};

TEST_F(ImpatientServer, wall_clock_is_bounded) {
    const auto sleep = ask("sleep");
    ASSERT_FALSE(sleep);
    EXPECT_EQ(sleep.error().detail, "the document could not be processed within its limits (time)");
    EXPECT_EQ(sleep.error().code, Errc::kLimitExceeded);
}

TEST_F(ImpatientServer, beyond_its_workers_requests_wait_for_their_turn) {
    std::vector<std::thread> threads;
    std::atomic<int> ended{0};
    for (int i = 0; i < 2; ++i) threads.emplace_back([&] { ended += ask("sleep") ? 0 : 1; });
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    const auto begin = std::chrono::steady_clock::now();
    const auto waited = ask("pid");
    EXPECT_TRUE(waited);
    EXPECT_GT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(ended, 2);
}

TEST_F(DocServer, a_peer_that_connects_and_says_nothing_costs_no_worker) {
    std::vector<UniqueFd> silent;
    for (std::size_t i = 0; i < 2 * config_.workers; ++i)
        silent.push_back(std::move(*ipc::connect_unix(config_.socket, ipc::SocketKind::kPackets)));
    EXPECT_TRUE(ask("pid"));
}

TEST_F(DocServer, its_death_is_told_at_once_and_a_new_one_is_found) {
    auto worker = DocWorker::connect(client_);
    std::thread killer([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        stop(SIGKILL);
    });
    const auto begin = std::chrono::steady_clock::now();
    const auto answer = worker->ask(job("sleep"), {}, Answer::kCmsNeeds);
    killer.join();
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::kUnavailable);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
    const auto away = ask("pid");
    ASSERT_FALSE(away);
    EXPECT_EQ(away.error().code, Errc::kUnavailable);
    start();
    EXPECT_TRUE(ask("pid"));
}

TEST_F(DocServer, sigterm_lets_work_in_hand_finish) {
    auto worker = DocWorker::connect(client_);
    ASSERT_TRUE(worker->ask(job("pid"), {}, Answer::kCmsNeeds));
    ::kill(server_, SIGTERM);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_TRUE(worker->ask(job("pid"), {}, Answer::kCmsNeeds));
    {
        const DocWorker gone = std::move(*worker);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(server_, &status, 0), server_);
    server_ = 0;
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace sigillo::doc
