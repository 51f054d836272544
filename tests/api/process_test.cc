// The real sigillo-api, its configuration and its end, with an ipc::Server in sigillod's place.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "appliance/ipc/sam.pb.h"
#include "appliance/ipc/server.h"
#include "tests/api/api_harness.h"
#include "tests/support/scratch_directory.h"

namespace sigillo::api {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using testing::RawClient;

class ApiProcessTest : public ::testing::Test {
 protected:
    ~ApiProcessTest() override {
        if (child_ > 0) {
            ::kill(child_, SIGKILL);
            ::waitpid(child_, nullptr, 0);
        }
    }
    std::string path(const std::string& name) { return (scratch_ / name).string(); }
    void write_config(const std::string& extra = {}) {
        std::ofstream(path("sigillo.toml"))
            << "[api]\nsocket = \"" << path("api.sock") << "\"\nsam_socket = \"" << path("sam.sock")
            << "\"\nname = \"Test\"\nallow_root = true\n"
            << extra << "\n[public]\nsocket = \"" << path("public.sock") << "\"\nsam_socket = \""
            << path("psam.sock") << "\"\nallow_root = true\n";
    }
    void spawn(const char* face, const char* also = nullptr) {
        child_ = ::fork();
        ASSERT_GE(child_, 0);
        if (child_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            const int log = ::open(path("log").c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
            ::dup2(log, 2);
            ::execl(SIGILLO_API_PROGRAM, "sigillo-api", "--config", path("sigillo.toml").c_str(), "--face",
                    face, also, nullptr);
            ::_exit(127);
        }
    }
    int wait() {
        int status = 0;
        ::waitpid(std::exchange(child_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    }
    std::string log() {
        std::ifstream in(path("log"));
        return {std::istreambuf_iterator<char>(in), {}};
    }
    // Connects once the process listens.
    RawClient connect(const std::string& name) {
        for (const auto end = steady_clock::now() + 20s; steady_clock::now() < end;
             std::this_thread::sleep_for(10ms)) {
            RawClient client(path(name));
            if (client.connected()) return client;
        }
        ADD_FAILURE() << log();
        return RawClient(path(name));
    }
    std::unique_ptr<ipc::Server> sam(const std::string& name, ipc::Handler handler) {
        ipc::ServerConfig config;
        config.path = path(name);
        auto server = ipc::Server::start(config, std::move(handler), logger_);
        EXPECT_TRUE(server);
        return server ? std::move(*server) : nullptr;
    }
    sigillo::testing::ScratchDirectory scratch_;
    Logger logger_{"test", 2, Severity::kError};
    pid_t child_ = -1;
};

std::string get(const std::string& target, bool with_certificate) {
    return "GET " + target + " HTTP/1.1\r\nHost: x\r\n" +
           (with_certificate
                ? "X-Sigillo-Client-Cert: " + testing::url_escape(testing::demo_certificate_pem()) + "\r\n"
                : "") +
           "\r\n";
}

void answer_signing(const ipc::Peer&, Bytes payload, ipc::Reply reply) {
    sam::SigningRequest request;
    request.ParseFromArray(payload.data(), static_cast<int>(payload.size()));
    sam::SigningResponse response;
    response.set_id(request.id());
    if (request.has_get_health())
        response.mutable_health()->set_state("ok");
    else if (request.has_list_signers())
        response.mutable_signers()->add_signers()->set_signer_id(
            request.client().spki_sha256().size() == 32 ? "named" : "nobody");
    else
        response.mutable_error()->set_code(static_cast<unsigned>(Errc::kInternal));
    reply(to_bytes(response.SerializeAsString()));
}

TEST_F(ApiProcessTest, serves_the_api_face_and_exits_0_at_sigterm) {
    write_config();
    auto server = sam("sam.sock", answer_signing);
    spawn("api");
    auto client = connect("api.sock");
    client.send(get("/csc/v2/info", false));
    EXPECT_NE(client.read_reply()->body.find("\"name\":\"Test\""), std::string::npos);
    // The connection to sigillod is made in the background.
    std::optional<RawClient::Reply> reply;
    for (int i = 0; i < 500 && (!reply || reply->status == 503); ++i) {
        client.send(get("/v1/signers", true));
        reply = client.read_reply();
        ASSERT_TRUE(reply);
        if (reply->status == 503) std::this_thread::sleep_for(10ms);
    }
    EXPECT_NE(reply->body.find("\"signerID\":\"named\""), std::string::npos) << reply->body;
    client.send(get("/healthz", false));
    EXPECT_EQ(client.read_reply()->body, R"({"state":"ok","items":[]})");
    client.send(get("/metrics", false));
    EXPECT_NE(client.read_reply()->body.find("sigillo_up 1"), std::string::npos);
    ::kill(child_, SIGTERM);
    EXPECT_EQ(wait(), 0) << log();
    EXPECT_TRUE(client.at_end());
    EXPECT_EQ(::access(path("api.sock").c_str(), F_OK), -1);
}

TEST_F(ApiProcessTest, a_request_in_flight_at_sigterm_is_still_answered) {
    write_config();
    std::atomic<bool> asked{false};
    std::vector<std::thread> late;
    auto server = sam("sam.sock", [&](const ipc::Peer& peer, Bytes payload, ipc::Reply reply) {
        sam::SigningRequest request;
        request.ParseFromArray(payload.data(), static_cast<int>(payload.size()));
        if (request.has_get_health()) {
            answer_signing(peer, std::move(payload), std::move(reply));
            return;
        }
        asked = true;
        late.emplace_back([peer, payload, reply] {
            std::this_thread::sleep_for(500ms);
            answer_signing(peer, payload, reply);
        });
    });
    spawn("api");
    auto client = connect("api.sock");
    for (int i = 0; i < 500; ++i) {
        client.send(get("/healthz", false));
        if (client.read_reply()->status == 200) break;
        std::this_thread::sleep_for(10ms);
    }
    client.send(get("/v1/signers", true));
    while (!asked) std::this_thread::sleep_for(1ms);
    ::kill(child_, SIGTERM);
    const auto reply = client.read_reply();
    ASSERT_TRUE(reply) << log();
    EXPECT_EQ(reply->status, 200);
    EXPECT_NE(reply->head.find("Connection: close"), std::string::npos);
    EXPECT_EQ(wait(), 0) << log();
    for (auto& thread : late) thread.join();
}

TEST_F(ApiProcessTest, finds_a_restarted_sigillod_again) {
    write_config();
    auto server = sam("sam.sock", answer_signing);
    spawn("api");
    auto client = connect("api.sock");
    const auto health_becomes = [&](int status) {
        for (int i = 0; i < 1000; ++i) {
            client.send(get("/healthz", false));
            if (const auto reply = client.read_reply(); reply && reply->status == status) return true;
            std::this_thread::sleep_for(10ms);
        }
        return false;
    };
    EXPECT_TRUE(health_becomes(200));
    server.reset();
    EXPECT_TRUE(health_becomes(503));
    server = sam("sam.sock", answer_signing);
    EXPECT_TRUE(health_becomes(200));
    ::kill(child_, SIGTERM);
    EXPECT_EQ(wait(), 0);
}

TEST_F(ApiProcessTest, the_public_face_serves_the_crl_and_no_api) {
    write_config();
    auto server = sam("psam.sock", [](const ipc::Peer&, Bytes payload, ipc::Reply reply) {
        sam::PublicRequest request;
        request.ParseFromArray(payload.data(), static_cast<int>(payload.size()));
        sam::PublicResponse response;
        response.set_id(request.id());
        response.mutable_document()->set_der(request.has_get_crl() ? "the-crl" : "the-crt");
        reply(to_bytes(response.SerializeAsString()));
    });
    spawn("public");
    auto client = connect("public.sock");
    std::optional<RawClient::Reply> reply;
    for (int i = 0; i < 500 && (!reply || reply->status == 503); ++i) {
        client.send(get("/pki/ca.crl", true));
        reply = client.read_reply();
        ASSERT_TRUE(reply);
    }
    EXPECT_EQ(reply->body, "the-crl");
    for (const auto* target : {"/csc/v2/info", "/v1/signers", "/metrics", "/openapi.yaml"}) {
        client.send(get(target, true));
        EXPECT_EQ(client.read_reply()->status, 404) << target;
    }
    ::kill(child_, SIGTERM);
    EXPECT_EQ(wait(), 0) << log();
}

TEST_F(ApiProcessTest, a_wrong_configuration_names_every_fault_and_exits_1) {
    write_config("thread = 2\nmax_body_bytes = 1\n");
    spawn("api");
    EXPECT_EQ(wait(), 1);
    EXPECT_NE(log().find("thread"), std::string::npos);
    EXPECT_NE(log().find("max_body_bytes"), std::string::npos);
}

TEST_F(ApiProcessTest, check_config_names_every_fault_of_its_face_and_serves_nothing) {
    write_config("thread = 2\nmax_body_bytes = 1\nhashes_limit = 0\nregion = \"Italy\"\n");
    spawn("api", "--check-config");
    EXPECT_EQ(wait(), 1);
    for (const char* key : {"api.thread:", "api.max_body_bytes:", "api.hashes_limit:", "api.region:"})
        EXPECT_NE(log().find(key), std::string::npos) << key << " in " << log();
    EXPECT_EQ(log().find("public."), std::string::npos) << log();
    spawn("public", "--check-config");
    EXPECT_EQ(wait(), 0) << log();
    write_config();
    spawn("api", "--check-config");
    EXPECT_EQ(wait(), 0) << log();
    EXPECT_EQ(::access(path("api.sock").c_str(), F_OK), -1) << "it served";
}

TEST_F(ApiProcessTest, a_usage_error_exits_2) {
    spawn("both");
    EXPECT_EQ(wait(), 2);
}

}  // namespace
}  // namespace sigillo::api
