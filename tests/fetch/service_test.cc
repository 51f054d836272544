// sigillo-fetch against servers that behave badly: slow, endless, huge, elsewhere, false. What comes back is
// an error in words, in bounded time.
#include "api/fetch/sigillo-fetch/service.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <condition_variable>
#include <future>

#include "appliance/base/digest.h"
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

class FetchServiceTest : public ::testing::Test {
 protected:
    static void SetUpTestSuite() { ASSERT_TRUE(init_transfers()); }
    FetchServiceTest() {
        std::filesystem::create_directory(scratch_ / "spool");
        config_.spool.directory = scratch_ / "spool";
        config_.transfer.connect_timeout = 1s;
        config_.transfer.total_timeout = 2s;
        config_.max_crl_bytes = 100'000;
        config_.max_ocsp_bytes = 1'000;
    }
    FetchService& service() {
        if (!service_) {
            auto made = FetchService::create(config_, clock_, logger_);
            if (!made) throw std::runtime_error(to_string(made.error()));
            service_ = *std::move(made);
        }
        return *service_;
    }
    std::future<wire::Response> send(wire::Request request) {
        request.set_id(++id_);
        auto promise = std::make_shared<std::promise<wire::Response>>();
        auto future = promise->get_future();
        Bytes payload(request.ByteSizeLong());
        request.SerializeToArray(payload.data(), static_cast<int>(payload.size()));
        service().handle(std::move(payload), [promise](Bytes answer) {
            wire::Response response;
            response.ParseFromArray(answer.data(), static_cast<int>(answer.size()));
            promise->set_value(std::move(response));
        });
        return future;
    }
    std::future<wire::Response> begin(const std::string& url, wire::Kind kind = wire::KIND_CRL,
                                      bool fresh = false) {
        wire::Request request;
        request.mutable_get_url()->set_url(url);
        request.mutable_get_url()->set_kind(kind);
        request.mutable_get_url()->set_fresh(fresh);
        return send(std::move(request));
    }
    wire::Response get(const std::string& url, wire::Kind kind = wire::KIND_CRL, bool fresh = false) {
        return begin(url, kind, fresh).get();
    }
    void refused(const wire::Response& response, Errc code, const std::string& words) {
        EXPECT_EQ(response.error().code(), static_cast<std::uint32_t>(code)) << response.error().detail();
        EXPECT_NE(response.error().detail().find(words), std::string::npos) << response.error().detail();
    }

    ScratchDirectory scratch_;
    SystemClock clock_;
    UniqueFd nowhere_{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    Logger logger_{"test", nowhere_.get()};
    FetchConfig config_;
    std::uint64_t id_ = 0;
    std::unique_ptr<FetchService> service_;
};

TEST_F(FetchServiceTest, WhatAHostOfTheListHasIsFetchedAndKeptForAMoment) {
    HttpPeer peer(always(200, "the list"));
    config_.allow = {peer.origin()};
    const auto first = get(peer.origin() + "/ca.crl");
    EXPECT_EQ(first.fetched().body(), "the list");
    EXPECT_FALSE(first.fetched().cached());
    EXPECT_TRUE(get(peer.origin() + "/ca.crl").fetched().cached());
    EXPECT_FALSE(get(peer.origin() + "/ca.crl", wire::KIND_CRL, true).fetched().cached());
    EXPECT_FALSE(get(peer.origin() + "/ca.crl", wire::KIND_CERTIFICATE).fetched().cached()) << "another kind";
    EXPECT_EQ(service().health().metrics().at("sigillo_fetch_fetched_total"), 3.0);
}

TEST_F(FetchServiceTest, AHostThatNoListNamesIsNotAsked) {
    HttpPeer peer(always(200, "secret"));
    config_.allow = {"http://crl.example"};
    config_.callbacks = {peer.origin()};
    refused(get(peer.origin() + "/"), Errc::kForbidden,
            "the host " + peer.origin() + " is not in fetch.allow");
    EXPECT_EQ(peer.connections(), 0U);
    refused(get("ftp://crl.example/"), Errc::kInvalidArgument, "only http and https");
}

TEST_F(FetchServiceTest, ARedirectIsFollowedWithinTheListAlone) {
    HttpPeer good(always(200, "the list"));
    HttpPeer inside(always(302, "", "Location: " + good.origin() + "/moved\r\n"));
    HttpPeer stranger(always(200, "secret"));
    HttpPeer outside(always(302, "", "Location: " + stranger.origin() + "/\r\n"));
    HttpPeer file(always(302, "", "Location: file:///etc/passwd\r\n"));
    HttpPeer circle(always(302, "", "Location: /again\r\n"));
    config_.allow = {good.origin(), inside.origin(), outside.origin(), file.origin(), circle.origin()};
    EXPECT_EQ(get(inside.origin() + "/").fetched().body(), "the list");
    refused(get(outside.origin() + "/"), Errc::kForbidden, "redirects: the host " + stranger.origin());
    EXPECT_EQ(stranger.connections(), 0U);
    refused(get(file.origin() + "/"), Errc::kForbidden, "redirects");
    refused(get(circle.origin() + "/"), Errc::kLimitExceeded, "more than 3 redirects");
}

TEST_F(FetchServiceTest, ASilentServerIsGivenUpInTime) {
    HttpPeer silent([](PeerConnection& connection) { connection.wait(); });
    config_.allow = {silent.origin()};
    const auto start = steady_clock::now();
    refused(get(silent.origin() + "/"), Errc::kUnavailable, "no answer in time");
    EXPECT_LT(steady_clock::now() - start, 10s);
}

TEST_F(FetchServiceTest, AServerThatDribblesIsGivenUpInTime) {
    HttpPeer slow([](PeerConnection& connection) {
        connection.read_request();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n");
        while (connection.send("x") && !connection.ending()) std::this_thread::sleep_for(20ms);
    });
    config_.allow = {slow.origin()};
    config_.transfer.total_timeout = 60s;
    config_.transfer.slow_for = 1s;
    const auto start = steady_clock::now();
    refused(get(slow.origin() + "/"), Errc::kUnavailable, "no answer in time");
    EXPECT_LT(steady_clock::now() - start, 20s);
}

TEST_F(FetchServiceTest, AnEndlessAnswerEndsAtTheLimitOfItsKind) {
    HttpPeer endless([](PeerConnection& connection) {
        connection.read_request();
        connection.send("HTTP/1.1 200 OK\r\n\r\n");
        while (connection.send(std::string(4'096, 'x'))) continue;
    });
    HttpPeer chunked([](PeerConnection& connection) {
        connection.read_request();
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        while (connection.send("1000\r\n" + std::string(4'096, 'x') + "\r\n")) continue;
    });
    HttpPeer huge(always(200, std::string(100'001, 'x')));
    HttpPeer fits(always(200, std::string(100'000, 'x')));
    config_.allow = {endless.origin(), chunked.origin(), huge.origin(), fits.origin()};
    for (const HttpPeer* peer : {&endless, &chunked, &huge})
        refused(get(peer->origin() + "/"), Errc::kLimitExceeded, "longer than 100000 bytes");
    EXPECT_EQ(get(fits.origin() + "/").fetched().body().size(), 100'000U);
    refused(get(fits.origin() + "/", wire::KIND_OCSP), Errc::kLimitExceeded, "longer than 1000 bytes");
}

TEST_F(FetchServiceTest, EndlessHeadersEndToo) {
    HttpPeer endless([](PeerConnection& connection) {
        connection.read_request();
        connection.send("HTTP/1.1 200 OK\r\n");
        for (int i = 0; connection.send("X-" + std::to_string(i) + ": " + std::string(1'000, 'x') + "\r\n");
             ++i)
            continue;
    });
    config_.allow = {endless.origin()};
    const auto answer = get(endless.origin() + "/");
    EXPECT_TRUE(answer.has_error());
    EXPECT_NE(answer.error().code(), static_cast<std::uint32_t>(Errc::kInternal)) << answer.error().detail();
}

TEST_F(FetchServiceTest, OtherAnswersThan200AreErrorsThatNameThem) {
    HttpPeer missing(always(404, "nothing here")), broken(always(500, "")), empty(always(200, ""));
    HttpPeer garbage([](PeerConnection& connection) {
        connection.read_request();
        connection.send("this is no HTTP\r\n\r\n");
    });
    config_.allow = {missing.origin(), broken.origin(), empty.origin(), garbage.origin()};
    refused(get(missing.origin() + "/"), Errc::kNotFound, "HTTP 404");
    refused(get(broken.origin() + "/"), Errc::kUnavailable, "HTTP 500");
    refused(get(empty.origin() + "/"), Errc::kUnavailable, "answers nothing");
    refused(get(garbage.origin() + "/"), Errc::kUnavailable, garbage.origin());
}

TEST_F(FetchServiceTest, ANameThatDoesNotExistAndAPortThatNobodyHasAreSaidSo) {
    const std::string nobody = "http://127.0.0.1:" + std::to_string(testing::free_port());
    config_.allow = {"http://no-such-host.invalid", nobody};
    refused(get("http://no-such-host.invalid/"), Errc::kUnavailable, "the name cannot be resolved");
    refused(get(nobody + "/"), Errc::kUnavailable, "no connection");
}

TEST_F(FetchServiceTest, AProxyOfTheEnvironmentIsNotUsed) {
    HttpPeer proxy(always(200, "proxied")), peer(always(200, "direct"));
    config_.allow = {peer.origin()};
    for (const char* name : {"http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"})
        ::setenv(name, proxy.origin().c_str(), 1);
    EXPECT_EQ(get(peer.origin() + "/").fetched().body(), "direct");
    for (const char* name : {"http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"}) ::unsetenv(name);
    EXPECT_EQ(proxy.connections(), 0U);
}

TEST_F(FetchServiceTest, RequestsForOneUrlAtATimeShareOneExchange) {
    std::atomic<bool> go = false;
    HttpPeer peer([&go](PeerConnection& connection) {
        while (!connection.read_request().empty()) {
            while (!go && !connection.ending()) std::this_thread::sleep_for(1ms);
            if (!connection.answer(200, "once")) return;
        }
    });
    config_.allow = {peer.origin()};
    std::vector<std::future<wire::Response>> waiting;
    for (int i = 0; i < 20; ++i) waiting.push_back(begin(peer.origin() + "/ca.crl"));
    go = true;
    for (auto& one : waiting) EXPECT_EQ(one.get().fetched().body(), "once");
    EXPECT_EQ(service().health().metrics().at("sigillo_fetch_fetched_total"), 1.0);
}

TEST_F(FetchServiceTest, AHostThatHangsTakesItsShareOfTheThreadsAndNoMore) {
    HttpPeer hanging([](PeerConnection& connection) { connection.wait(); });
    HttpPeer good(always(200, "here"));
    config_.allow = {hanging.origin(), good.origin()};
    config_.threads = 3;
    config_.threads_per_host = 2;
    std::vector<std::future<wire::Response>> waiting;
    for (int i = 0; i < 6; ++i) waiting.push_back(begin(hanging.origin() + "/" + std::to_string(i)));
    auto answer = begin(good.origin() + "/");
    EXPECT_EQ(answer.wait_for(1s), std::future_status::ready);
    service().stop();
    for (auto& one : waiting) EXPECT_TRUE(one.get().has_error());
}

TEST_F(FetchServiceTest, AFullQueueAnswersBusyAtOnce) {
    HttpPeer hanging([](PeerConnection& connection) { connection.wait(); });
    config_.allow = {hanging.origin()};
    config_.threads = 1;
    config_.queue_limit = 2;
    std::vector<std::future<wire::Response>> waiting;
    for (int i = 0; i < 8; ++i) waiting.push_back(begin(hanging.origin() + "/" + std::to_string(i)));
    unsigned busy = 0;
    for (auto& one : waiting)
        if (one.wait_for(0s) == std::future_status::ready) ++busy;
    EXPECT_GE(busy, 5U);
    service().stop();
    for (auto& one : waiting) EXPECT_TRUE(one.get().has_error());
}

TEST_F(FetchServiceTest, AnOcspRequestIsPostedAsItIsAndItsAnswerIsNotKept) {
    std::mutex mutex;
    std::vector<std::string> seen;
    HttpPeer peer([&](PeerConnection& connection) {
        for (std::string request; !(request = connection.read_request()).empty();) {
            {
                const std::lock_guard lock(mutex);
                seen.push_back(request);
            }
            if (!connection.answer(200, "answer")) return;
        }
    });
    HttpPeer moved(always(302, "", "Location: " + peer.origin() + "/\r\n"));
    config_.allow = {peer.origin(), moved.origin()};
    wire::Request request;
    request.mutable_post_ocsp()->set_url(peer.origin() + "/ocsp");
    request.mutable_post_ocsp()->set_request(std::string("0\0\xff", 3));
    for (int i = 0; i < 2; ++i) EXPECT_EQ(send(request).get().fetched().body(), "answer");
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_TRUE(seen[0].starts_with("POST /ocsp HTTP/1.1\r\n"));
    EXPECT_NE(seen[0].find("Content-Type: application/ocsp-request\r\n"), std::string::npos);
    EXPECT_TRUE(seen[0].ends_with(std::string("\r\n\r\n0\0\xff", 7)));
    request.mutable_post_ocsp()->set_url(moved.origin());
    refused(send(request).get(), Errc::kUnavailable, "HTTP 302");
    request.mutable_post_ocsp()->set_request(std::string(9'000, 'x'));
    refused(send(request).get(), Errc::kLimitExceeded, "at most 8192 bytes");
}

TEST_F(FetchServiceTest, WhatIsNoRequestIsAnsweredSo) {
    std::promise<Bytes> promise;
    service().handle(to_bytes("\xff\xff\xff"), [&](Bytes answer) { promise.set_value(std::move(answer)); });
    EXPECT_FALSE(promise.get_future().get().empty());
    EXPECT_TRUE(send(wire::Request()).get().has_error());
    refused(get("http://127.0.0.1/", wire::KIND_UNSPECIFIED), Errc::kForbidden, "is not in");
}

// openssl's own server, with a certificate of an authority of the test's.
class FetchTlsTest : public FetchServiceTest {
 protected:
    ~FetchTlsTest() override {
        if (child_ > 0) {
            ::kill(child_, SIGKILL);
            ::waitpid(child_, nullptr, 0);
        }
    }
    int run(std::vector<std::string> words, bool wait = true) {
        std::vector<char*> argv;
        for (std::string& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        for (const int fd : {0, 1, 2}) posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
        posix_spawn_file_actions_addchdir_np(&actions, scratch_.path().c_str());
        pid_t child = 0;
        const int started = ::posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
        posix_spawn_file_actions_destroy(&actions);
        if (started != 0) return -1;
        if (!wait) {
            child_ = child;
            return 0;
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        return WEXITSTATUS(status);
    }
    std::string path(const std::string& name) { return (scratch_ / name).string(); }
    // A server for `name`, whose certificate verifies by path("ca").
    std::string serve(const std::string& name) {
        const std::uint16_t port = testing::free_port();
        EXPECT_EQ(run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                       "-nodes", "-keyout", path("key"), "-out", path("ca"), "-subj", "/CN=test", "-days",
                       "2", "-addext", "subjectAltName=" + name}),
                  0);
        EXPECT_TRUE(write_file_durably(path("ca.crl"), to_bytes("the list")));
        EXPECT_EQ(run({"openssl", "s_server", "-accept", "127.0.0.1:" + std::to_string(port), "-cert",
                       path("ca"), "-key", path("key"), "-WWW", "-quiet"},
                      false),
                  0);
        const std::string origin = "https://127.0.0.1:" + std::to_string(port);
        config_.allow = {origin};
        return origin;
    }
    // Once the server listens.
    wire::Response get_from(const std::string& origin) {
        for (const auto end = steady_clock::now() + 20s;;) {
            wire::Response answer = get(origin + "/ca.crl", wire::KIND_CRL, true);
            const bool not_yet = answer.error().detail().find("no connection") != std::string::npos;
            if (!not_yet || steady_clock::now() > end) return answer;
            std::this_thread::sleep_for(20ms);
        }
    }
    pid_t child_ = -1;
};

TEST_F(FetchTlsTest, ACertificateOfTheConfiguredAuthoritiesIsBelieved) {
    const std::string origin = serve("IP:127.0.0.1");
    config_.transfer.ca_file = path("ca");
    const auto answer = get_from(origin);
    EXPECT_EQ(answer.fetched().body(), "the list") << answer.error().detail();
}

TEST_F(FetchTlsTest, ACertificateOfAnybodyElseIsNot) {
    const std::string origin = serve("IP:127.0.0.1");
    refused(get_from(origin), Errc::kUnavailable, "TLS");
}

TEST_F(FetchTlsTest, ACertificateForAnotherNameIsNot) {
    const std::string origin = serve("DNS:other.example");
    config_.transfer.ca_file = path("ca");
    refused(get_from(origin), Errc::kUnavailable, "TLS");
}

}  // namespace
}  // namespace sigillo::fetch
