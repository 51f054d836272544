// The transport against real unix sockets: whose answer goes where, and what hostile bytes do.
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <random>
#include <thread>

#include "api/http/listener.h"
#include "api/http/server.h"
#include "tests/api/api_harness.h"
#include "tests/support/scratch_directory.h"

namespace sigillo::api {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using testing::RawClient;

// Answers come from threads of its own, late and out of order, as sigillod's do.
class LateAnswers {
 public:
    explicit LateAnswers(unsigned threads, std::chrono::microseconds most) : most_(most) {
        for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this, i] { run(i); });
    }
    ~LateAnswers() {
        {
            const std::lock_guard lock(mutex_);
            done_ = true;
        }
        ready_.notify_all();
        for (auto& thread : threads_) thread.join();
    }
    void take(Request request, Responder responder) {
        const std::lock_guard lock(mutex_);
        waiting_.push_back({std::move(request), std::move(responder)});
        ready_.notify_one();
    }

 private:
    struct Item {
        Request request;
        Responder responder;
    };
    void run(unsigned seed) {
        std::minstd_rand random(seed + 1);
        for (;;) {
            std::unique_lock lock(mutex_);
            ready_.wait(lock, [this] { return done_ || !waiting_.empty(); });
            if (waiting_.empty()) return;
            const bool newest = random() % 2 == 0;
            Item item = newest ? std::move(waiting_.back()) : std::move(waiting_.front());
            if (newest)
                waiting_.pop_back();
            else
                waiting_.pop_front();
            lock.unlock();
            if (most_ > 0us)
                std::this_thread::sleep_for(
                    std::chrono::microseconds(random() % static_cast<unsigned>(most_.count())));
            Response response = {.status = 200,
                                 .content_type = "text/plain",
                                 .body = item.request.path + item.request.body,
                                 .headers = {}};
            item.responder.send(std::move(response));
            item.responder.send(
                {.status = 500, .content_type = "text/plain", .body = "second answer", .headers = {}});
        }
    }
    const std::chrono::microseconds most_;
    std::mutex mutex_;
    std::condition_variable ready_;
    std::deque<Item> waiting_;
    bool done_ = false;
    std::vector<std::thread> threads_;
};

class HttpServerTest : public ::testing::Test {
 protected:
    HttpServerTest() {
        config_.socket = (scratch_ / "http.sock").string();
        config_.limits = {.head_bytes = 16 * 1024, .body_bytes = 64 * 1024};
        config_.with_client_certificate = true;
    }
    void start(HttpServer::Handler handler) {
        auto server = HttpServer::start(config_, std::move(handler), logger_);
        ASSERT_TRUE(server) << server.error().detail;
        server_ = std::move(*server);
    }
    static void echo(Request request, Responder responder) {
        responder.send({.status = 200,
                        .content_type = "text/plain",
                        .body = request.path + request.body,
                        .headers = {}});
    }
    RawClient connect() { return RawClient(config_.socket); }
    int status_of(std::string_view bytes) {
        auto client = connect();
        client.send(bytes);
        const auto reply = client.read_reply();
        return reply ? reply->status : 0;
    }
    bool eventually(const std::function<bool()>& holds) {
        for (const auto end = steady_clock::now() + 10s; steady_clock::now() < end;
             std::this_thread::sleep_for(2ms))
            if (holds()) return true;
        return false;
    }
    sigillo::testing::ScratchDirectory scratch_;
    Logger logger_{"test", 2, Severity::kError};
    HttpServerConfig config_;
    std::unique_ptr<HttpServer> server_;
};

std::string get(const std::string& path) {
    return "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n";
}
std::string post(const std::string& path, const std::string& body) {
    return "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

TEST_F(HttpServerTest, a_handler_sees_the_request_and_its_answer_comes_back_on_the_same_connection) {
    start([](Request request, Responder responder) {
        std::string seen = std::string(method_name(request.method)) + ' ' + request.path + ' ' +
                           request.content_type + ' ' + request.idempotency_key + ' ' +
                           request.client_certificate + ' ' + request.body;
        for (const auto& [key, value] : request.query) seen += ' ' + key + '=' + value;
        responder.send(
            {.status = 201, .content_type = "text/plain", .body = seen, .headers = {{"X-Test", "yes"}}});
    });
    auto client = connect();
    for (int i = 0; i < 3; ++i) {
        client.send(
            "PUT /a/b?k=v%20w HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAccept: text/html, *; "
            "q=.2, */*; q=.2\r\n"
            "Idempotency-Key: k1\r\nX-Sigillo-Client-Cert: MII%0A\r\nCookie: a\r\nContent-Length: "
            "4\r\n\r\nbody");
        const auto reply = client.read_reply();
        ASSERT_TRUE(reply);
        EXPECT_EQ(reply->status, 201);
        EXPECT_EQ(reply->body, "PUT /a/b application/json k1 MII%0A body k=v%20w");
        EXPECT_NE(reply->head.find("X-Test: yes\r\n"), std::string::npos);
        EXPECT_NE(reply->head.find("Connection: keep-alive\r\n"), std::string::npos);
    }
}

TEST_F(HttpServerTest, on_the_public_face_the_certificate_header_is_without_effect) {
    config_.with_client_certificate = false;
    start([](Request request, Responder responder) {
        responder.send({.status = 200,
                        .content_type = "text/plain",
                        .body = "[" + request.client_certificate + "]",
                        .headers = {}});
    });
    auto client = connect();
    client.send("GET / HTTP/1.1\r\nX-Sigillo-Client-Cert: forged\r\nx-sigillo-client-cert: again\r\n\r\n");
    EXPECT_EQ(client.read_reply()->status, 400);
    auto other = connect();
    other.send("GET / HTTP/1.1\r\nX-Sigillo-Client-Cert: forged\r\n\r\n");
    EXPECT_EQ(other.read_reply()->body, "[]");
}

TEST_F(HttpServerTest, every_answer_reaches_its_own_client_while_a_third_of_them_hang_up) {
    LateAnswers late(4, 800us);
    start([&](Request request, Responder responder) { late.take(std::move(request), std::move(responder)); });
    std::atomic<int> right{0}, wrong{0};
    std::atomic<std::uint64_t> next{1};
    std::vector<std::thread> clients;
    const auto end = steady_clock::now() + 3s;
    for (unsigned t = 0; t < 8; ++t)
        clients.emplace_back([&, t] {
            std::minstd_rand random(t + 100);
            while (steady_clock::now() < end) {
                RawClient client(config_.socket);
                for (unsigned turns = random() % 8 + 1; turns > 0; --turns) {
                    const std::string id = "/" + std::to_string(next++);
                    const std::string body(random() % 3000, 'b');
                    if (!client.send(post(id, body))) break;
                    if (random() % 3 == 0) {
                        if (random() % 2 == 0)
                            std::this_thread::sleep_for(std::chrono::microseconds(random() % 600));
                        client.hang_up();
                        break;
                    }
                    const auto reply = client.read_reply();
                    reply && reply->status == 200 && reply->body == id + body ? ++right : ++wrong;
                }
            }
        });
    for (auto& client : clients) client.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_GT(right, 500);
    EXPECT_TRUE(eventually(
        [&] { return server_->counters().in_flight == 0 && server_->counters().connections == 0; }));
    EXPECT_GT(server_->counters().answers_dropped, 0U);
}

TEST_F(HttpServerTest, pipelined_requests_are_answered_one_after_the_other_in_their_order) {
    LateAnswers late(4, 500us);
    start([&](Request request, Responder responder) { late.take(std::move(request), std::move(responder)); });
    auto client = connect();
    std::string bytes;
    for (int i = 0; i < 50; ++i)
        bytes += i % 2 == 0 ? get("/" + std::to_string(i)) : post("/" + std::to_string(i), "x");
    client.send(bytes);
    for (int i = 0; i < 50; ++i) {
        const auto reply = client.read_reply();
        ASSERT_TRUE(reply) << i;
        EXPECT_EQ(reply->body, "/" + std::to_string(i) + (i % 2 == 0 ? "" : "x"));
    }
}

TEST_F(HttpServerTest, a_flood_of_requests_ahead_of_their_answers_ends_the_connection) {
    std::vector<Responder> held;
    std::mutex mutex;
    start([&](Request, Responder responder) {
        const std::lock_guard lock(mutex);
        held.push_back(std::move(responder));
    });
    auto client = connect();
    std::string bytes;
    for (int i = 0; i < 5000; ++i) bytes += get("/flood");
    client.send(bytes);
    EXPECT_TRUE(client.at_end());
    EXPECT_TRUE(eventually([&] { return server_->counters().connections == 0; }));
    const std::lock_guard lock(mutex);
    EXPECT_EQ(held.size(), 1U);
    held.clear();
}

TEST_F(HttpServerTest, smuggled_lengths_are_refused_and_end_the_connection) {
    std::atomic<int> handled{0};
    start([&](Request request, Responder responder) {
        ++handled;
        echo(std::move(request), std::move(responder));
    });
    const std::string smuggled = get("/smuggled");
    EXPECT_EQ(status_of("POST / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 40\r\n\r\n" + smuggled),
              400);
    EXPECT_EQ(status_of("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n" + smuggled), 400);
    EXPECT_EQ(status_of("POST / HTTP/1.1\r\nContent-Length: 18446744073709551616\r\n\r\n" + smuggled), 413);
    EXPECT_EQ(
        status_of("POST / HTTP/1.1\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
                  smuggled),
        501);
    EXPECT_EQ(status_of("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n"), 501);
    EXPECT_EQ(status_of(post("/", std::string(65 * 1024, 'x'))), 413);
    auto client = connect();
    client.send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled);
    const auto reply = client.read_reply();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 501);
    EXPECT_NE(reply->head.find("Connection: close\r\n"), std::string::npos);
    EXPECT_NE(reply->body.find("\"detail\":"), std::string::npos);
    EXPECT_TRUE(client.at_end());
    EXPECT_EQ(handled, 0);
    EXPECT_EQ(server_->counters().requests_refused, 7U);
}

TEST_F(HttpServerTest, a_header_of_a_megabyte_is_refused) {
    start(echo);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nA: " + std::string(1 << 20, 'a') + "\r\n\r\n"), 431);
    EXPECT_EQ(status_of("GET /" + std::string(1 << 20, 'a') + " HTTP/1.1\r\n\r\n"), 431);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nA: " + std::string(15'000, 'a') + "\r\n\r\n"), 200);
}

TEST_F(HttpServerTest, a_request_that_dribbles_is_cut_off_and_others_do_not_wait_for_it) {
    config_.request_timeout = 1s;
    start(echo);
    auto slow = connect();
    slow.send("POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc");
    auto silent = connect();  // has asked nothing: an idle keep-alive connection stays
    EXPECT_EQ(status_of(get("/quick")), 200);
    std::this_thread::sleep_for(100ms);
    slow.send("d");
    EXPECT_TRUE(slow.at_end());
    silent.send(get("/still-here"));
    EXPECT_EQ(silent.read_reply()->body, "/still-here");
}

TEST_F(HttpServerTest, a_body_in_many_pieces_arrives_whole) {
    start(echo);
    auto client = connect();
    const std::string body(10'000, 'p');
    const std::string bytes = post("/pieces", body);
    for (std::size_t at = 0; at < bytes.size(); at += 997) {
        client.send(std::string_view(bytes).substr(at, 997));
        if (at % 5 == 0) std::this_thread::sleep_for(1ms);
    }
    EXPECT_EQ(client.read_reply()->body, "/pieces" + body);
}

TEST_F(HttpServerTest,
       an_answer_larger_than_the_sockets_buffer_waits_for_its_reader_without_stopping_the_others) {
    config_.threads = 1;
    const std::string large(8 << 20, 'L');
    start([&](Request request, Responder responder) {
        responder.send({.status = 200,
                        .content_type = "text/plain",
                        .body = request.path == "/large" ? large : "small",
                        .headers = {}});
    });
    auto stalled = connect();
    stalled.send(get("/large"));
    rusage before{}, after{};
    ::getrusage(RUSAGE_SELF, &before);
    const auto begun = steady_clock::now();
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(status_of(get("/small")), 200);
        std::this_thread::sleep_for(10ms);
    }
    ::getrusage(RUSAGE_SELF, &after);
    EXPECT_LT(steady_clock::now() - begun, 5s);
    const auto cpu_ms =
        (after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_stime.tv_sec) *
            1000 +
        (after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec -
         before.ru_stime.tv_usec) /
            1000;
    EXPECT_LT(cpu_ms, 150) << "the reactor spins while a reader stalls";
    EXPECT_EQ(stalled.read_reply()->body, large);
    stalled.send(get("/small"));
    EXPECT_EQ(stalled.read_reply()->body, "small");
}

TEST_F(HttpServerTest, an_abandoned_request_gets_503) {
    start([](Request, Responder) {});
    auto client = connect();
    client.send(get("/"));
    const auto reply = client.read_reply();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 503);
    EXPECT_NE(reply->head.find("Retry-After: 1\r\n"), std::string::npos);
}

TEST_F(HttpServerTest, an_answer_after_the_server_has_gone_does_no_harm) {
    std::vector<Responder> held;
    std::mutex mutex;
    start([&](Request, Responder responder) {
        const std::lock_guard lock(mutex);
        held.push_back(std::move(responder));
    });
    auto client = connect();
    client.send(get("/"));
    ASSERT_TRUE(eventually([&] { return server_->counters().in_flight == 1; }));
    EXPECT_FALSE(server_->stop(50ms));
    server_.reset();
    EXPECT_TRUE(client.at_end());
    held.at(0).send({.status = 200, .content_type = "text/plain", .body = "late", .headers = {}});
}

TEST_F(HttpServerTest, stop_finishes_what_is_in_flight_and_hangs_up_on_the_idle) {
    LateAnswers late(2, 200ms);
    start([&](Request request, Responder responder) { late.take(std::move(request), std::move(responder)); });
    std::vector<RawClient> busy;
    for (int i = 0; i < 20; ++i) {
        busy.push_back(connect());
        busy.back().send(get("/" + std::to_string(i)));
    }
    auto idle = connect();
    idle.send(get("/idle"));
    ASSERT_TRUE(idle.read_reply());
    ASSERT_TRUE(eventually([&] { return server_->counters().connections == 21; }));
    EXPECT_TRUE(server_->stop(10s));
    for (std::size_t i = 0; i < busy.size(); ++i) {
        const auto reply = busy[i].read_reply();
        ASSERT_TRUE(reply);
        EXPECT_EQ(reply->body, "/" + std::to_string(i));
    }
    EXPECT_TRUE(idle.at_end());
    EXPECT_FALSE(connect().connected());
    struct stat info{};
    EXPECT_NE(::stat(config_.socket.c_str(), &info), 0) << "the socket is removed";
}

TEST_F(HttpServerTest, connections_beyond_the_limit_are_closed_at_once) {
    config_.connection_limit = 4;
    start(echo);
    std::vector<RawClient> kept;
    for (int i = 0; i < 4; ++i) {
        kept.push_back(connect());
        kept.back().send(get("/"));
        ASSERT_TRUE(kept.back().read_reply());
    }
    auto fifth = connect();
    EXPECT_TRUE(fifth.at_end());
    EXPECT_EQ(server_->counters().connections_refused, 1U);
    kept.clear();
    EXPECT_TRUE(eventually([&] { return server_->counters().connections == 0; }));
    EXPECT_EQ(status_of(get("/")), 200);
}

TEST_F(HttpServerTest, without_descriptors_accept_waits_instead_of_spinning_and_recovers) {
    start(echo);
    EXPECT_EQ(status_of(get("/")), 200);
    std::vector<RawClient> clients;
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const rlimit tight{.rlim_cur = 64, .rlim_max = limit.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &tight);
    for (;;) {
        RawClient client(config_.socket);
        if (!client.connected()) break;
        clients.push_back(std::move(client));
        if (clients.size() > 64) break;
    }
    EXPECT_TRUE(eventually([&] { return server_->counters().accept_failures > 0; }));
    rusage before{}, after{};
    ::getrusage(RUSAGE_SELF, &before);
    const auto failures = server_->counters().accept_failures;
    std::this_thread::sleep_for(500ms);
    ::getrusage(RUSAGE_SELF, &after);
    EXPECT_LE(server_->counters().accept_failures - failures, 8U);
    ::setrlimit(RLIMIT_NOFILE, &limit);
    clients.clear();
    EXPECT_TRUE(eventually([&] { return server_->counters().connections == 0; }));
    EXPECT_EQ(status_of(get("/again")), 200);
}

TEST_F(HttpServerTest,
       the_socket_has_its_mode_and_a_second_server_is_refused_but_a_dead_ones_leftover_is_replaced) {
    config_.socket_mode = 0620;
    start(echo);
    struct stat info{};
    ASSERT_EQ(::stat(config_.socket.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0620U);
    const auto second = HttpServer::start(config_, echo, logger_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::kUnavailable);
    EXPECT_EQ(status_of(get("/")), 200);
    server_.reset();
    {
        const UniqueFd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        config_.socket.copy(address.sun_path, sizeof address.sun_path - 1);
        ASSERT_EQ(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    }
    start(echo);
    EXPECT_EQ(status_of(get("/")), 200);
}

// What sigillo-api does with its connections to sigillod: requests pile up until the round ends, and are
// answered from turn(), on the thread that took them.
TEST_F(HttpServerTest, a_companion_is_served_on_the_reactor_thread_and_answers_there) {
    const UniqueFd bell(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    std::vector<Responder> asked;
    std::atomic<std::thread::id> reactor{};
    std::atomic<int> turns{0}, rounds{0}, elsewhere{0};
    const auto check_thread = [&] {
        if (std::this_thread::get_id() != reactor.load()) ++elsewhere;
    };
    config_.threads = 1;
    HttpServer::Companion companion;
    companion.fd = bell.get();
    companion.turn = [&] {
        ++turns;
        check_thread();
        std::uint64_t count = 0;
        ASSERT_EQ(::read(bell.get(), &count, sizeof count), 8);
        for (const Responder& responder : asked)
            responder.send({.status = 200, .content_type = "text/plain", .body = "turned", .headers = {}});
        asked.clear();
    };
    companion.end_of_round = [&] {
        ++rounds;
        if (asked.empty()) return;
        check_thread();
        const std::uint64_t one = 1;
        ASSERT_EQ(::write(bell.get(), &one, sizeof one), 8);
    };
    auto server = HttpServer::start(config_,
                                    [&](Request, Responder responder) {
                                        reactor = std::this_thread::get_id();
                                        asked.push_back(std::move(responder));
                                    },
                                    logger_, {companion});
    ASSERT_TRUE(server);
    server_ = std::move(*server);
    for (int i = 0; i < 20; ++i) {
        auto client = connect();
        auto other = connect();
        for (int k = 0; k < 3; ++k) {
            client.send(get("/a"));
            other.send(get("/b"));
            ASSERT_EQ(client.read_reply()->body, "turned");
            ASSERT_EQ(other.read_reply()->body, "turned");
        }
    }
    EXPECT_GE(turns, 60);
    EXPECT_GE(rounds, turns);
    EXPECT_EQ(elsewhere, 0);
    server_.reset();  // before what its companion uses
}

TEST_F(HttpServerTest, a_companion_that_throws_harms_nobody) {
    const UniqueFd bell(::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
    std::atomic<int> turns{0};
    HttpServer::Companion companion;
    companion.fd = bell.get();
    companion.turn = [&] {
        std::uint64_t count = 0;
        if (++turns >= 3) {
            ASSERT_EQ(::read(bell.get(), &count, sizeof count), 8);
        }
        throw std::runtime_error("no luck");
    };
    companion.end_of_round = [] { throw std::runtime_error("no luck either"); };
    auto server = HttpServer::start(config_, &HttpServerTest::echo, logger_, {companion});
    ASSERT_TRUE(server);
    server_ = std::move(*server);
    EXPECT_TRUE(eventually([&] { return turns >= 3; }));
    EXPECT_EQ(status_of(get("/")), 200);
    server_.reset();
}

TEST(HttpServerStart, a_path_too_long_for_af_unix_is_refused_in_plain_words) {
    Logger logger("test", 2, Severity::kError);
    HttpServerConfig config;
    config.socket = "/tmp/" + std::string(120, 'x');
    const auto server = HttpServer::start(config, [](Request, Responder) {}, logger);
    ASSERT_FALSE(server);
    EXPECT_EQ(server.error().code, Errc::kInvalidArgument);
}

class LargeBodies : public HttpServerTest {
 protected:
    LargeBodies() {
        static constexpr std::array<std::string_view, 1> kPaths = {"/large"};
        std::signal(SIGPIPE, SIG_IGN);  // as the program does: sendfile() knows no MSG_NOSIGNAL
        config_.limits.large_body_paths = kPaths;
        config_.limits.large_body_bytes = std::size_t{64} << 20;
        config_.limits.spool = &spool_;
        config_.threads = 1;
    }
    SystemRandom random_;
    Spool spool_{{.directory = scratch_.path()}, random_};
};

TEST_F(LargeBodies, come_and_go_as_files) {
    start([](Request request, Responder responder) {
        responder.send({.status = 200,
                        .content_type = "application/octet-stream",
                        .body = request.body_file ? std::string() : request.body,
                        .headers = {},
                        .body_file = request.body_file});
    });
    auto client = connect();
    for (const std::size_t size :
         {std::size_t{10}, std::size_t{65'537}, std::size_t{20} << 20, std::size_t{5}}) {
        std::string body(size, '\0');
        for (std::size_t i = 0; i < size; ++i) body[i] = static_cast<char>(i * 31 >> 3);
        // Both directions at once: the answer begins only when all has come.
        ASSERT_TRUE(client.send(post("/large", body)));
        const auto reply = client.read_reply();
        ASSERT_TRUE(reply) << size;
        EXPECT_EQ(reply->status, 200);
        EXPECT_TRUE(reply->body == body) << size;
    }
    EXPECT_TRUE(eventually([&] { return spool_.taken() == 0; }));
}

TEST_F(LargeBodies, a_reader_that_stalls_and_one_that_hangs_up_stop_nobody) {
    std::atomic<int> large{0};
    start([&](Request request, Responder responder) {
        if (request.path != "/file") return echo(std::move(request), std::move(responder));
        auto file = spool_.make().value();
        ASSERT_TRUE(file->append(Bytes(std::size_t{32} << 20, 'f')));
        ++large;
        responder.send(
            {.status = 200, .content_type = "x/y", .body = {}, .headers = {}, .body_file = std::move(file)});
    });
    auto stalled = connect();
    stalled.send(get("/file"));
    {
        auto gone = connect();
        gone.send(get("/file"));
        ASSERT_TRUE(eventually([&] { return large == 2; }));
        gone.hang_up();
    }
    auto other = connect();
    for (int i = 0; i < 100; ++i) {
        other.send(get("/small"));
        const auto reply = other.read_reply();
        ASSERT_TRUE(reply);
        EXPECT_EQ(reply->body, "/small");
    }
    const auto late = stalled.read_reply();
    ASSERT_TRUE(late);
    EXPECT_EQ(late->body.size(), std::size_t{32} << 20);
}

}  // namespace
}  // namespace sigillo::api
