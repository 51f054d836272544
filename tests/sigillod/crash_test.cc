// What survives when sigillod is killed, told to stop, or restarted. tests/README.md, 1, 4, 12, 14, 23.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "tests/sigillod/daemon_under_test.h"

namespace sigillo::testing {
namespace {

std::int64_t now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}
std::int64_t now_s() {
    return now_ms() / 1'000;
}

struct UseSeen {
    std::string signature_sha256;
    std::string outcome;
    std::int64_t time_ms = 0;
};

// Every use of a credential, by hash, page by page.
std::map<std::string, UseSeen> uses_of(const ClientUnderTest& client, const std::string& credential) {
    std::map<std::string, UseSeen> uses;
    sam::SigningRequest request;
    request.mutable_list_uses()->set_credential_id(credential);
    request.mutable_list_uses()->set_limit(1'000);
    for (;;) {
        const auto answer = client.ask(request);
        EXPECT_TRUE(answer.has_uses()) << answer.error().detail();
        for (const auto& use : answer.uses().uses())
            uses[use.hash()] = {use.signature_sha256(), use.outcome(), use.time_ms()};
        if (answer.uses().uses_size() == 0) return uses;
        request.mutable_list_uses()->set_has_after(true);
        request.mutable_list_uses()->set_after(answer.uses().uses().rbegin()->index());
        request.mutable_list_uses()->set_after_epoch(answer.uses().uses().rbegin()->epoch());
    }
}

// `answered`: hash -> signature.
void expect_all_in_the_log(const std::map<std::string, std::string>& answered,
                           const std::map<std::string, UseSeen>& uses) {
    for (const auto& [hash, signature] : answered) {
        const auto use = uses.find(hash);
        ASSERT_NE(use, uses.end()) << "an answered signature is not in the log";
        EXPECT_EQ(use->second.outcome, "signed");
        EXPECT_EQ(use->second.signature_sha256, std::string(as_text(ByteView(sha256(as_bytes(signature))))));
    }
}

// Clients that sign one hash after the other until told to stop, and what was answered to them.
class Load {
 public:
    Load(const ClientUnderTest& client, const std::string& credential, int clients) {
        for (int t = 0; t < clients; ++t)
            threads_.emplace_back([&, t] {
                for (int i = 0; !stop_; ++i) {
                    const Bytes hash = hash_of(std::to_string(t) + "/" + std::to_string(i));
                    const auto signatures = client.sign(credential, {hash});
                    if (signatures.size() != 1) continue;
                    const std::lock_guard lock(mutex_);
                    answered_[std::string(as_text(ByteView(hash)))] = signatures[0];
                }
            });
    }
    ~Load() { stop(); }
    void wait_for(std::size_t answers) {
        for (int waited = 0; waited < 300 && count() < answers; ++waited)
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    std::size_t count() {
        const std::lock_guard lock(mutex_);
        return answered_.size();
    }
    // hash -> signature
    const std::map<std::string, std::string>& stop() {
        stop_ = true;
        for (std::thread& thread : threads_) thread.join();
        threads_.clear();
        return answered_;
    }

 private:
    std::mutex mutex_;
    std::map<std::string, std::string> answered_;  // guarded by mutex_ until stop()
    std::atomic<bool> stop_{false};
    std::vector<std::thread> threads_;
};

TEST(Crash, crash_sigkill_under_200_concurrent_calls_loses_nothing_that_was_answered) {
    DaemonUnderTest daemon;
    daemon.provision();
    daemon.start();
    ClientUnderTest client(daemon);
    const std::string credential = client.create_credential(client.create_signer());

    Load load(client, credential, 200);
    load.wait_for(1'000);
    daemon.kill();
    const auto& answered = load.stop();
    ASSERT_GE(answered.size(), 200u) << "the load never got going";

    daemon.start();
    const auto uses = uses_of(client, credential);
    expect_all_in_the_log(answered, uses);
    for (const auto& [hash, use] : uses)
        EXPECT_NE(use.outcome, "in_flight") << "an Intent was not reconciled";
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
    Load load(client, credential, 32);
    load.wait_for(1'500);  // more than one page of uses
    const std::int64_t told = now_ms();
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(daemon.terminate(), 0) << daemon.journal();
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
    const auto& answered = load.stop();
    ASSERT_GE(answered.size(), 1'500u) << "the load never got going";

    daemon.start();
    const auto uses = uses_of(client, credential);
    std::int64_t latest = 0;
    for (const auto& [hash, use] : uses) {
        EXPECT_EQ(use.outcome, "signed") << "not drained";
        latest = std::max(latest, use.time_ms);
    }
    // Those in flight at SIGTERM are among them: under this load one begins every millisecond.
    EXPECT_GE(latest, told - 250);
    expect_all_in_the_log(answered, uses);
    std::string output;
    EXPECT_EQ(daemon.audit(&output), 0) << output;
}

// What a client may see of a credential: all of it, or nothing.
void expect_whole(const ClientUnderTest& client, const std::string& id) {
    sam::SigningRequest request;
    request.mutable_get_credential()->set_credential_id(id);
    const auto answer = client.ask(request);
    ASSERT_TRUE(answer.has_credential()) << id << ": " << answer.error().detail();
    EXPECT_EQ(answer.credential().status(), "active");
    ASSERT_GE(answer.credential().chain_size(), 1) << "no certificate";
    EXPECT_FALSE(answer.credential().chain(0).der().empty());
    EXPECT_FALSE(answer.credential().locked());
    EXPECT_EQ(client.sign(id, {hash_of(id)}).size(), 1u) << id << " does not sign";
}

TEST(Crash,
     crash_killed_while_credentials_are_created_each_is_whole_or_absent_and_the_acknowledged_are_there) {
    DaemonUnderTest daemon;
    daemon.provision();
    constexpr int kClients = 8;
    constexpr int kRounds = 10;
    std::mt19937 dice(20261123);
    std::set<std::string> acknowledged;
    std::size_t unacknowledged = 0;  // that are there
    std::size_t cut_off = 0;         // calls that got no answer
    for (int round = 0; round < kRounds; ++round) {
        daemon.start();
        ClientUnderTest client(daemon, "round-" + std::to_string(round));
        std::mutex mutex;
        std::set<std::string> here;
        std::vector<std::string> signers;
        for (int t = 0; t < kClients; ++t) signers.push_back(client.create_signer());
        std::atomic<bool> stop{false};
        std::vector<std::thread> clients;
        for (int t = 0; t < kClients; ++t)
            clients.emplace_back([&, t] {
                sam::SigningRequest request;
                auto& body = *request.mutable_create_credential();
                body.set_signer_id(signers[static_cast<std::size_t>(t)]);
                body.set_class_("simple");
                body.set_key_algorithm("EC-P256");
                body.set_policy("click");
                body.set_certificate_source("embedded");
                while (!stop) {
                    const auto answer = client.ask(request);
                    const std::lock_guard lock(mutex);
                    if (!answer.has_created_credential()) {
                        ++cut_off;
                        return;
                    }
                    here.insert(answer.created_credential().credential_id());
                }
            });
        // Somewhere in a creation of each client: the first ones are over after some milliseconds.
        std::this_thread::sleep_for(std::chrono::microseconds(30'000 + dice() % 300'000));
        daemon.kill();
        stop = true;
        for (std::thread& thread : clients) thread.join();

        daemon.start();
        std::set<std::string> listed;
        for (const std::string& signer : signers) {
            sam::SigningRequest request;
            request.mutable_list_credentials()->set_signer_id(signer);
            for (;;) {
                const auto answer = client.ask(request);
                ASSERT_TRUE(answer.has_credentials()) << answer.error().detail();
                if (answer.credentials().credentials_size() == 0) break;
                for (const auto& credential : answer.credentials().credentials())
                    listed.insert(credential.credential_id());
                request.mutable_list_credentials()->mutable_page()->set_after(
                    answer.credentials().credentials().rbegin()->credential_id());
            }
        }
        // The officers' list is of the records themselves, the client's of an index: neither knows one that
        // the other does not.
        std::set<std::string> recorded;
        sam::AdminRequest all;
        all.mutable_list_credentials()->set_tenant("round-" + std::to_string(round));
        for (;;) {
            const auto answer = daemon.ask(all);
            ASSERT_TRUE(answer.has_credentials()) << answer.error().detail();
            if (answer.credentials().credentials_size() == 0) break;
            for (const auto& credential : answer.credentials().credentials())
                recorded.insert(credential.credential_id());
            all.mutable_list_credentials()->mutable_page()->set_after(
                answer.credentials().credentials().rbegin()->credential_id());
        }
        EXPECT_EQ(listed, recorded);
        for (const std::string& id : here) EXPECT_TRUE(listed.contains(id)) << "acknowledged, and gone";
        for (const std::string& id : listed) expect_whole(client, id);
        unacknowledged += listed.size() - here.size();
        acknowledged.merge(here);
        std::string output;
        EXPECT_EQ(daemon.audit(&output), 0) << output;
        daemon.kill();
    }
    EXPECT_GE(acknowledged.size(), static_cast<std::size_t>(kRounds)) << "it was killed too soon";
    EXPECT_GE(cut_off, static_cast<std::size_t>(kRounds)) << "no creation was under way";
    RecordProperty("acknowledged", std::to_string(acknowledged.size()));
    RecordProperty("there_without_acknowledgement", std::to_string(unacknowledged));
}

}  // namespace
}  // namespace sigillo::testing
