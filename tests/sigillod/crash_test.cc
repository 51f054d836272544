// What survives when sigillod is killed, told to stop, or restarted. CHECKS 1, 4, 12, 14, 23.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "tests/sigillod/daemon_under_test.h"

namespace sigillo::testing {
namespace {

std::int64_t now_s() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

// Every use of a credential, by hash: the digest of its signature, and its outcome.
std::map<std::string, std::pair<std::string, std::string>> uses_of(const ClientUnderTest& client,
                                                                   const std::string& credential) {
    std::map<std::string, std::pair<std::string, std::string>> uses;
    sam::SigningRequest request;
    request.mutable_list_uses()->set_credential_id(credential);
    request.mutable_list_uses()->set_limit(1'000);
    for (;;) {
        const auto answer = client.ask(request);
        for (const auto& use : answer.uses().uses())
            uses[use.hash()] = {use.signature_sha256(), use.outcome()};
        if (answer.uses().uses_size() == 0) return uses;
        request.mutable_list_uses()->set_has_after(true);
        request.mutable_list_uses()->set_after(answer.uses().uses(answer.uses().uses_size() - 1).index());
    }
}

TEST(Crash, crash_sigkill_under_200_concurrent_calls_loses_nothing_that_was_answered) {
    DaemonUnderTest daemon;
    daemon.provision();
    daemon.start();
    ClientUnderTest client(daemon);
    const std::string credential = client.create_credential(client.create_signer());

    constexpr int kClients = 200;
    std::mutex mutex;
    std::map<std::string, std::string> answered;  // hash -> signature
    std::atomic<bool> stop{false};
    std::vector<std::thread> clients;
    for (int t = 0; t < kClients; ++t)
        clients.emplace_back([&, t] {
            for (int i = 0; !stop; ++i) {
                const Bytes hash = hash_of(std::to_string(t) + "/" + std::to_string(i));
                const auto signatures = client.sign(credential, {hash});
                if (signatures.size() != 1) continue;
                const std::lock_guard lock(mutex);
                answered[std::string(as_text(hash))] = signatures[0];
            }
        });
    for (int waited = 0; waited < 300; ++waited) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        const std::lock_guard lock(mutex);
        if (answered.size() >= 1'000) break;
    }
    daemon.kill();
    stop = true;
    for (std::thread& thread : clients) thread.join();
    ASSERT_GE(answered.size(), 200u) << "the load never got going";

    daemon.start();
    const auto uses = uses_of(client, credential);
    for (const auto& [hash, signature] : answered) {
        const auto use = uses.find(hash);
        ASSERT_NE(use, uses.end()) << "an answered signature is not in the log";
        EXPECT_EQ(use->second.second, "signed");
        EXPECT_EQ(use->second.first, std::string(as_text(ByteView(sha256(as_bytes(signature))))));
    }
    for (const auto& [hash, use] : uses) EXPECT_NE(use.second, "in_flight") << "an Intent was not reconciled";
    std::string output;
    EXPECT_EQ(daemon.audit(&output), 0) << output;
    EXPECT_EQ(client.sign(credential, {hash_of("after")}).size(), 1u);
}

TEST(Crash, crash_a_credential_that_was_acknowledged_signs_after_a_kill) {
    DaemonUnderTest daemon;
    daemon.provision();
    daemon.start();
    ClientUnderTest client(daemon);
    const std::string signer = client.create_signer();
    for (int round = 0; round < 5; ++round) {
        const std::string credential = client.create_credential(signer);
        daemon.kill();
        daemon.start();
        EXPECT_EQ(client.sign(credential, {hash_of(std::to_string(round))}).size(), 1u) << round;
    }
}

TEST(Crash, activation_an_otp_replayed_after_a_restart_is_refused) {
    DaemonUnderTest daemon;
    daemon.provision();
    daemon.start();
    ClientUnderTest client(daemon);
    const std::string signer = client.create_signer();
    const SecretBytes seed = client.enrol_totp(signer);
    const std::string credential = client.create_credential(signer, "totp", "EC-P256", "advanced");
    const std::vector<Bytes> hashes{hash_of("once")};
    const std::string code = totp_code(seed, now_s());
    ASSERT_TRUE(client.ask(client.authorize(credential, hashes, "totp", code)).has_authorized());
    daemon.kill();
    daemon.start();
    const auto replay = client.ask(client.authorize(credential, hashes, "totp", code));
    EXPECT_EQ(replay.error().code(), static_cast<std::uint32_t>(Errc::kOtpInvalid))
        << replay.error().detail();
}

TEST(Crash, activation_a_client_that_hung_up_gets_the_same_signature_on_its_retry_even_after_a_crash) {
    DaemonUnderTest daemon;
    daemon.provision();
    daemon.start();
    ClientUnderTest client(daemon);
    const std::string credential = client.create_credential(client.create_signer());
    const std::vector<Bytes> hashes{hash_of("lost answer")};
    const auto granted = client.ask(client.authorize(credential, hashes, "click", client.click(hashes)));
    ASSERT_TRUE(granted.has_authorized());
    const auto request = client.sign_hash(credential, granted.authorized().sad(), hashes);
    const auto first = client.ask(request);
    ASSERT_EQ(first.signatures().signatures_size(), 1);
    daemon.kill();
    daemon.start();
    const auto again = client.ask(request);
    ASSERT_EQ(again.signatures().signatures_size(), 1) << again.error().detail();
    EXPECT_EQ(first.signatures().signatures(0), again.signatures().signatures(0));
    EXPECT_EQ(uses_of(client, credential).size(), 1u);
}

TEST(Crash, crash_sigterm_under_load_drains_and_exits_0_inside_its_deadline) {
    DaemonUnderTest daemon;
    daemon.provision();
    daemon.start();
    ClientUnderTest client(daemon);
    const std::string credential = client.create_credential(client.create_signer());
    std::atomic<bool> stop{false};
    std::vector<std::thread> clients;
    for (int t = 0; t < 32; ++t)
        clients.emplace_back([&, t] {
            for (int i = 0; !stop; ++i)
                (void)client.sign(credential, {hash_of(std::to_string(t) + "." + std::to_string(i))});
        });
    std::this_thread::sleep_for(std::chrono::seconds(1));
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(daemon.terminate(), 0) << daemon.journal();
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
    stop = true;
    for (std::thread& thread : clients) thread.join();
    daemon.start();
    sam::SigningRequest request;
    request.mutable_list_uses()->set_credential_id(credential);
    request.mutable_list_uses()->set_limit(1'000);
    const auto answer = client.ask(request);
    for (const auto& use : answer.uses().uses()) EXPECT_EQ(use.outcome(), "signed") << "not drained";
    std::string output;
    EXPECT_EQ(daemon.audit(&output), 0) << output;
}

}  // namespace
}  // namespace sigillo::testing
