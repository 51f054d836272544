// An HSM that fails, lies or hangs, behind the real sigillod. tests/README.md, 26, 27, 30; and a wrong PIN.
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "tests/sigillod/daemon_under_test.h"

namespace sigillo::testing {
namespace {

using namespace std::chrono_literals;

struct HsmFault : ::testing::Test {
    static DaemonOptions through_shim() {
        DaemonOptions options;
        options.through_shim = true;
        options.hsm_keys = "max_sessions = 2\nsession_wait_ms = 500\n";
        return options;
    }
    void SetUp() override {
        daemon.provision();
        daemon.start();
        client.emplace(daemon);
        credential = client->create_credential(client->create_signer());
        ASSERT_EQ(client->sign(credential, {hash_of("warm")}).size(), 1u);
    }
    sam::SigningResponse sign_once(const std::string& text) {
        const std::vector<Bytes> hashes{hash_of(text)};
        const auto granted =
            client->ask(client->authorize(credential, hashes, "click", client->click(hashes)));
        EXPECT_TRUE(granted.has_authorized()) << granted.error().detail();
        last = client->sign_hash(credential, granted.authorized().sad(), hashes);
        return client->ask(last);
    }
    std::string health(const std::string& part) {
        sam::SigningRequest request;
        request.mutable_get_health();
        const auto answer = client->ask(request);
        for (const auto& item : answer.health().items())
            if (item.name() == part) return item.state();
        return "absent";
    }
    DaemonUnderTest daemon{through_shim()};
    std::optional<ClientUnderTest> client;
    std::string credential;
    sam::SigningRequest last;
};

TEST_F(HsmFault, key_c_sign_device_error_is_no_false_success_and_the_next_call_recovers) {
    daemon.set_faults("C_Sign rv=0x30 count=1\n");
    const auto answer = sign_once("device error");
    EXPECT_TRUE(answer.has_error());
    EXPECT_FALSE(answer.has_signatures());
    daemon.set_faults("");
    EXPECT_EQ(client->sign(credential, {hash_of("recovered")}).size(), 1u);
    EXPECT_EQ(daemon.audit(), 0);
}

TEST_F(HsmFault, key_c_sign_session_handle_invalid_is_recovered) {
    daemon.set_faults("C_Sign rv=0xb3 count=1\n");
    const auto answer = sign_once("stale session");
    daemon.set_faults("");
    EXPECT_TRUE(answer.has_signatures()) << answer.error().detail();
}

TEST_F(HsmFault, key_token_not_present_is_refused_and_recovers_when_it_is_back) {
    daemon.set_faults("* rv=0xe0 count=-1\n");
    EXPECT_TRUE(sign_once("no token").has_error());
    daemon.set_faults("");
    for (int i = 0; i < 50; ++i) {
        if (client->sign(credential, {hash_of("back " + std::to_string(i))}).size() == 1) return;
        std::this_thread::sleep_for(200ms);
    }
    FAIL() << daemon.journal();
}

TEST_F(HsmFault, key_a_corrupted_signature_never_leaves) {
    daemon.set_faults("C_Sign corrupt=1 count=-1\n");
    const auto answer = sign_once("bit flip");
    EXPECT_FALSE(answer.has_signatures());
    daemon.set_faults("");
    const auto retry = client->ask(last);
    EXPECT_EQ(retry.error().code(), static_cast<std::uint32_t>(Errc::kOutcomeUnknown))
        << retry.error().detail();
}

TEST_F(HsmFault, key_a_hanging_hsm_answers_busy_turns_health_red_and_recovers) {
    daemon.set_faults("C_Sign hang_ms=9000 count=2\n");
    std::vector<std::thread> stuck;
    for (int i = 0; i < 2; ++i)
        stuck.emplace_back(
            [this, i] { (void)client->sign(credential, {hash_of("stuck " + std::to_string(i))}); });
    std::this_thread::sleep_for(1500ms);
    const auto start = std::chrono::steady_clock::now();
    const auto answer = sign_once("waits in vain");
    EXPECT_EQ(answer.error().code(), static_cast<std::uint32_t>(Errc::kUnavailable))
        << answer.error().detail();
    EXPECT_LT(std::chrono::steady_clock::now() - start, 8s);
    std::this_thread::sleep_for(4500ms);
    EXPECT_EQ(health("hsm"), "failed");
    for (std::thread& thread : stuck) thread.join();
    daemon.set_faults("");
    EXPECT_EQ(client->sign(credential, {hash_of("after the hang")}).size(), 1u);
    EXPECT_EQ(health("hsm"), "ok");
    EXPECT_EQ(daemon.audit(), 0);
}

TEST_F(HsmFault, crash_killed_while_the_key_signs_the_intent_becomes_unknown_and_the_retry_says_so) {
    daemon.set_faults("C_Sign hang_ms=60000 count=1\n");
    const std::vector<Bytes> hashes{hash_of("killed at step 4")};
    const auto granted = client->ask(client->authorize(credential, hashes, "click", client->click(hashes)));
    ASSERT_TRUE(granted.has_authorized());
    const auto request = client->sign_hash(credential, granted.authorized().sad(), hashes);
    std::thread caller([&] { (void)client->ask(request); });
    std::this_thread::sleep_for(1s);
    daemon.kill();
    caller.join();
    daemon.set_faults("");
    daemon.start();
    const auto retry = client->ask(request);
    EXPECT_EQ(retry.error().code(), static_cast<std::uint32_t>(Errc::kOutcomeUnknown))
        << retry.error().detail();
    sam::SigningRequest uses;
    uses.mutable_list_uses()->set_credential_id(credential);
    const auto listed = client->ask(uses).uses();
    ASSERT_EQ(listed.uses_size(), 2);
    EXPECT_EQ(listed.uses(1).outcome(), "unknown");
    EXPECT_EQ(daemon.audit(), 0);
}

TEST(HsmPin, AWrongPinIsTriedOnceAndTheStartRefused) {
    DaemonUnderTest daemon;
    daemon.provision();
    std::ofstream(daemon.home() / "hsm/pin") << "00000000\n";
    EXPECT_EQ(daemon.start_expecting_exit(), 1);
    EXPECT_NE(daemon.journal().find("PIN"), std::string::npos) << daemon.journal();
}

TEST(HsmPin, AMissingTokenIsNamedAndTheStartRefused) {
    DaemonUnderTest daemon;
    EXPECT_EQ(daemon.start_expecting_exit(), 1);
    EXPECT_NE(daemon.journal().find("ceremony"), std::string::npos) << daemon.journal();
}

TEST(Configuration, UnreadableKeysAreNamedAllAtOnce) {
    DaemonOptions options;
    options.store_keys = "map_size_mib = \"big\"\nquue_limit = 7\n";
    options.activation_keys = "tries = 0\n";
    DaemonUnderTest daemon(options);
    std::string output;
    EXPECT_EQ(daemon.run("sigillod", {"check-config", "--config", daemon.config().string()}, &output), 1);
    for (const char* word : {"store.map_size_mib", "store.quue_limit", "unknown key", "activation.tries"})
        EXPECT_NE(output.find(word), std::string::npos) << output;
}

}  // namespace
}  // namespace sigillo::testing
