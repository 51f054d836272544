// Backups taken under load, put back with the real programs, and what a new epoch of the log must not lose.
// tests/README.md, 9 to 11.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "tests/sigillod/daemon_under_test.h"

namespace sigillo::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

std::int64_t now_s() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

class RestoreTest : public ::testing::Test {
 protected:
    void SetUp() override {
        daemon_.provision();
        daemon_.start();
    }

    fs::path path(const std::string& name) const { return daemon_.home() / name; }
    std::string backup(const std::string& name) {
        sam::AdminRequest request;
        request.mutable_create_backup()->set_directory(path(name).string());
        const auto answer = daemon_.ask(request);
        EXPECT_TRUE(answer.has_backup()) << name << ": " << answer.error().detail();
        return path(name).string();
    }
    int ctl(std::vector<std::string> arguments, std::string* output) const {
        arguments.insert(arguments.begin(), {"--config", daemon_.config().string()});
        return daemon_.run("sigilloctl", arguments, output);
    }
    // The disk is lost; what could be saved of the log is in log.before-restore.
    void lose_the_disk() {
        (void)daemon_.audit();  // while it runs: fetches the verifier key
        daemon_.kill();
        fs::rename(path("store"), path("store.before-restore"));
        fs::rename(path("log"), path("log.before-restore"));
    }
    std::string restore(const std::string& from, std::vector<std::string> more = {}) {
        std::vector<std::string> arguments{"backup", "restore", from, "--reason", "disk lost"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        std::string output;
        EXPECT_EQ(ctl(arguments, &output), 0) << output;
        return output;
    }
    void override_log() {
        std::string output;
        ASSERT_EQ(ctl({"log", "override", "--reason", "test"}, &output), 0) << output;
    }
    std::uint64_t epoch() const {
        sam::AdminRequest request;
        request.mutable_get_status();
        return daemon_.ask(request).status().epoch();
    }
    void expect_audited() const {
        std::string output;
        EXPECT_EQ(daemon_.audit(&output), 0) << output;
    }
    void set_status(const std::string& credential, const std::string& status) {
        sam::AdminRequest request;
        request.mutable_set_status()->set_credential_id(credential);
        request.mutable_set_status()->set_status(status);
        const auto answer = daemon_.ask(request);
        ASSERT_FALSE(answer.has_error()) << answer.error().detail();
    }
    std::string status_of(const std::string& credential) const {
        sam::AdminRequest request;
        request.mutable_get_credential()->set_credential_id(credential);
        return daemon_.ask(request).credential().status();
    }
    static std::vector<sam::Use> uses(const ClientUnderTest& client, const std::string& credential) {
        sam::SigningRequest request;
        auto& body = *request.mutable_list_uses();
        body.set_credential_id(credential);
        body.set_limit(200);
        std::vector<sam::Use> all;
        for (;;) {
            const auto answer = client.ask(request);
            all.insert(all.end(), answer.uses().uses().begin(), answer.uses().uses().end());
            if (answer.uses().uses_size() < 200) return all;
            body.set_has_after(true);
            body.set_after_epoch(all.back().epoch());
            body.set_after(all.back().index());
        }
    }
    static std::vector<sam::Use> of_epoch(const std::vector<sam::Use>& uses, std::uint64_t epoch) {
        std::vector<sam::Use> found;
        std::ranges::copy_if(uses, std::back_inserter(found),
                             [epoch](const sam::Use& use) { return use.epoch() == epoch; });
        return found;
    }
    // Activations with evidence and uses of one key, at log indexes that an earlier epoch had too.
    static void sign_often(const ClientUnderTest& client, const std::string& credential,
                           const std::string& what, int times) {
        for (int i = 0; i < times; ++i)
            ASSERT_EQ(client.sign(credential, {hash_of(what + std::to_string(i))}).size(), 1U) << what << i;
    }

    DaemonUnderTest daemon_;
};

TEST_F(RestoreTest, ten_backups_under_load_verify_and_the_last_one_goes_on_in_a_new_epoch) {
    ClientUnderTest client(daemon_);
    const std::string credential = client.create_credential(client.create_signer());
    std::atomic<bool> stop{false};
    std::atomic<int> made{0};
    std::vector<std::thread> crew;
    crew.reserve(8);
    for (int t = 0; t < 8; ++t)
        crew.emplace_back([&, t] {
            for (int i = 0; !stop; ++i)
                made += static_cast<int>(
                    client.sign(credential, {hash_of(std::to_string(t) + "/" + std::to_string(i))}).size());
        });
    for (int i = 0; i < 10; ++i) backup("backup-" + std::to_string(i));
    stop = true;
    for (std::thread& thread : crew) thread.join();
    ASSERT_GT(made, 50);
    for (int i = 0; i < 10; ++i) {
        std::string output;
        EXPECT_EQ(ctl({"backup", "verify", path("backup-" + std::to_string(i)).string()}, &output), 0)
            << output;
    }

    lose_the_disk();
    std::string said = restore(path("backup-9").string());
    EXPECT_THAT(said, HasSubstr("WITHOUT A NEWER LOG"));
    daemon_.start();
    EXPECT_EQ(epoch(), 2U);
    EXPECT_THAT(daemon_.journal(), HasSubstr("restored without a newer log"));
    EXPECT_FALSE(fs::exists(path("store/epoch.order")));
    sign_often(client, credential, "after the restore ", 50);
    const auto after_restore = uses(client, credential);
    EXPECT_EQ(of_epoch(after_restore, 2).size(), 50U);
    EXPECT_GT(of_epoch(after_restore, 1).size(), 0U) << "what the backup knew";
    std::set<std::pair<std::uint64_t, std::uint64_t>> places;
    for (const auto& use : after_restore) {
        EXPECT_TRUE(places.empty() || *places.rbegin() < std::pair(use.epoch(), use.index()));
        places.emplace(use.epoch(), use.index());
        if (use.epoch() == 2) {
            EXPECT_EQ(use.outcome(), "signed");
        }
    }
    EXPECT_EQ(places.size(), after_restore.size()) << "one hash a call";
    expect_audited();

    daemon_.kill();
    override_log();
    daemon_.start();
    EXPECT_EQ(epoch(), 3U);
    sign_often(client, credential, "after the override ", 50);
    const auto after_override = uses(client, credential);
    EXPECT_EQ(after_override.size(), after_restore.size() + 50) << "an override loses none";
    EXPECT_EQ(of_epoch(after_override, 3).size(), 50U);
    for (std::size_t i = 0; i < after_restore.size(); ++i)
        EXPECT_EQ(after_override[i].SerializeAsString(), after_restore[i].SerializeAsString());
    expect_audited();
}

TEST_F(RestoreTest, an_appliance_with_2000_factors_and_1000_sads_is_restored) {
    ClientUnderTest client(daemon_);
    constexpr int kThreads = 16;
    constexpr int kFactors = 2'000;
    constexpr int kSads = 1'000;
    const std::string credential = client.create_credential(client.create_signer());
    const std::string otp_signer = client.create_signer();
    const SecretBytes seed = client.enrol_totp(otp_signer);
    const std::string otp_credential = client.create_credential(otp_signer, "totp", "EC-P256", "advanced");
    std::atomic<int> factors{0};
    std::atomic<int> sads{0};
    std::string one_sad;
    std::vector<std::thread> crew;
    crew.reserve(kThreads);
    for (int t = 0; t < kThreads; ++t)
        crew.emplace_back([&, t] {
            std::string signer;
            for (int i = t; i < kFactors; i += kThreads) {
                if (signer.empty() || i % 5 == 0) signer = client.create_signer();
                (void)client.enrol_totp(signer);
                ++factors;
            }
            for (int i = t; i < kSads; i += kThreads) {
                const std::vector<Bytes> hashes{hash_of("sad " + std::to_string(i))};
                const auto granted =
                    client.ask(client.authorize(credential, hashes, "click", client.click(hashes)));
                if (granted.has_authorized()) ++sads;
                if (i == 0) one_sad = granted.authorized().sad();
            }
        });
    for (std::thread& thread : crew) thread.join();
    ASSERT_EQ(factors, kFactors);
    ASSERT_EQ(sads, kSads);
    const std::string from = backup("backup");
    // Spent after the backup was made.
    const std::vector<Bytes> hashes{hash_of("otp")};
    const std::int64_t at = now_s();
    ASSERT_TRUE(
        client.ask(client.authorize(otp_credential, hashes, "totp", totp_code(seed, at))).has_authorized());

    lose_the_disk();
    restore(from);
    daemon_.start();
    EXPECT_EQ(epoch(), 2U);
    const auto void_sad = client.ask(client.sign_hash(credential, one_sad, {hash_of("sad 0")}));
    EXPECT_EQ(void_sad.error().code(), static_cast<std::uint32_t>(Errc::kSadInvalid))
        << void_sad.error().detail();
    const auto replay = client.ask(client.authorize(otp_credential, hashes, "totp", totp_code(seed, at)));
    EXPECT_EQ(replay.error().code(), static_cast<std::uint32_t>(Errc::kOtpInvalid))
        << replay.error().detail();
    sign_often(client, credential, "goes on ", 5);
    expect_audited();
}

TEST_F(RestoreTest, what_was_revoked_after_the_backup_stays_revoked_when_the_newer_log_is_at_hand) {
    ClientUnderTest client(daemon_);
    ClientUnderTest leaver(daemon_, "shop");
    const std::string signer = client.create_signer();
    const std::string revoked = client.create_credential(signer);
    const std::string suspended = client.create_credential(signer);
    const std::string resumed = client.create_credential(signer);
    const std::string deleted = client.create_credential(signer);
    const std::string active = client.create_credential(signer);
    sam::SigningRequest enrol;
    enrol.mutable_enrol_factor()->set_signer_id(signer);
    enrol.mutable_enrol_factor()->set_type("totp");
    const std::string factor = client.ask(enrol).enrolled_factor().factor().factor_id();
    enrol.mutable_enrol_factor()->set_type("pin");
    enrol.mutable_enrol_factor()->set_pin("271828");
    const std::string pin = client.ask(enrol).enrolled_factor().factor().factor_id();
    sign_often(client, active, "before ", 3);
    set_status(resumed, "suspended");
    const std::string from = backup("backup");

    sign_often(client, active, "between ", 3);
    const std::vector<Bytes> document{hash_of("a document")};
    auto authorize = client.authorize(active, document, "click", client.click(document));
    authorize.mutable_authorize()->set_hash_type(2);
    const auto sad = client.ask(authorize).authorized().sad();
    const auto signed_document = client.ask(client.sign_documents(active, sad, document));
    ASSERT_EQ(signed_document.signed_documents().documents_size(), 1);
    set_status(revoked, "revoked");
    set_status(suspended, "suspended");
    set_status(resumed, "active");
    sam::SigningRequest remove;
    remove.mutable_delete_credential()->set_credential_id(deleted);
    ASSERT_FALSE(client.ask(remove).has_error());
    sam::SigningRequest forget;
    forget.mutable_delete_factor()->set_signer_id(signer);
    forget.mutable_delete_factor()->set_factor_id(factor);
    ASSERT_FALSE(client.ask(forget).has_error());
    const auto change_pin = [&](const std::string& old_pin, const std::string& new_pin) {
        sam::SigningRequest change;
        change.mutable_change_pin()->set_signer_id(signer);
        change.mutable_change_pin()->set_factor_id(pin);
        change.mutable_change_pin()->set_old_pin(old_pin);
        change.mutable_change_pin()->set_new_pin(new_pin);
        return client.ask(change).error().code();
    };
    ASSERT_EQ(change_pin("271828", "314159"), 0U);
    sam::AdminRequest leave;
    leave.mutable_client_remove()->set_client_id(leaver.id());
    ASSERT_FALSE(daemon_.ask(leave).has_error());
    const std::string lost = client.create_credential(signer);

    lose_the_disk();
    const std::string said = restore(from, {"--log", path("log.before-restore").string()});
    EXPECT_THAT(said, Not(HasSubstr("WITHOUT")));
    daemon_.start();
    EXPECT_EQ(epoch(), 2U);
    EXPECT_THAT(daemon_.journal(), Not(HasSubstr("epoch_incomplete")));
    EXPECT_EQ(status_of(revoked), "revoked");
    EXPECT_EQ(status_of(suspended), "suspended");
    EXPECT_EQ(status_of(resumed), "active");
    EXPECT_EQ(status_of(deleted), "deleted");
    EXPECT_EQ(status_of(active), "active");
    EXPECT_TRUE(status_of(lost).empty());
    EXPECT_TRUE(client.sign(revoked, {hash_of("x")}).empty());
    EXPECT_TRUE(client.sign(suspended, {hash_of("x")}).empty());
    EXPECT_EQ(client.sign(resumed, {hash_of("x")}).size(), 1U);
    sam::SigningRequest list;
    list.mutable_list_factors()->set_signer_id(signer);
    EXPECT_EQ(client.ask(list).factors().factors_size(), 1);
    // The backup has the old PIN, which somebody else may have known.
    EXPECT_EQ(change_pin("271828", "314159"), static_cast<std::uint32_t>(Errc::kLocked));
    sam::SigningRequest anything;
    anything.mutable_list_signers();
    EXPECT_EQ(leaver.ask(anything).error().code(), static_cast<std::uint32_t>(Errc::kForbidden));
    sign_often(client, active, "after ", 3);
    expect_audited();
    // Every use of the key: what the backup knew, what only the newer log told, and what came after.
    const auto used = uses(client, active);
    ASSERT_EQ(used.size(), 10U);
    std::size_t at = 0;
    for (const std::string what : {"before ", "between ", "after "}) {
        for (int i = 0; i < 3; ++i, ++at) {
            EXPECT_EQ(used[at].hash(), as_text(hash_of(what + std::to_string(i)))) << what << i;
            EXPECT_EQ(used[at].outcome(), "signed") << what << i;
            EXPECT_EQ(used[at].signature_sha256().size(), 32U) << what << i;
            EXPECT_EQ(used[at].epoch(), what == "after " ? 2U : 1U) << what << i;
        }
        if (what != "between ") continue;
        // A document is listed again with all that the log tells of it.
        EXPECT_EQ(used[at].document_digest(), as_text(document[0]));
        EXPECT_EQ(used[at].message_digest(), as_text(document[0]));
        EXPECT_EQ(used[at].format(), "cades");
        EXPECT_EQ(used[at].hash(),
                  as_text(ByteView(sha256(
                      as_bytes(signed_document.signed_documents().documents(0).signed_attributes())))));
        EXPECT_EQ(used[at].outcome(), "signed");
        ++at;
    }
    EXPECT_LT(used[3].time_ms(), used[7].time_ms());
    // The key's uses between backup and loss are in the old log, which is still published beside the new one.
    std::string told;
    EXPECT_EQ(
        daemon_.run("sigillo-audit",
                    {"verify", "--log", path("log/epochs/1").string(), "--key", path("log.vkey").string()},
                    &told),
        0)
        << told;
}

TEST_F(RestoreTest, a_store_that_was_rolled_back_takes_from_its_own_log_directory_what_it_missed) {
    ClientUnderTest client(daemon_);
    const std::string credential = client.create_credential(client.create_signer());
    daemon_.terminate();
    fs::copy(path("store"), path("store.old"), fs::copy_options::recursive);
    daemon_.start();
    set_status(credential, "revoked");
    ASSERT_EQ(daemon_.terminate(), 0);
    fs::remove_all(path("store"));
    fs::rename(path("store.old"), path("store"));
    EXPECT_NE(daemon_.start_expecting_exit(), 0);
    EXPECT_THAT(daemon_.journal(), HasSubstr("rollback"));
    override_log();
    daemon_.start();
    EXPECT_EQ(status_of(credential), "revoked");
    expect_audited();
}

TEST_F(RestoreTest, an_order_is_carried_out_once_even_if_its_file_comes_back) {
    daemon_.terminate();
    override_log();
    fs::copy_file(path("store/epoch.order"), path("kept.order"));
    daemon_.start();
    EXPECT_EQ(epoch(), 2U);
    daemon_.kill();
    fs::copy_file(path("kept.order"), path("store/epoch.order"));
    daemon_.start();
    EXPECT_EQ(epoch(), 2U);
    EXPECT_FALSE(fs::exists(path("store/epoch.order")));
    daemon_.kill();
    override_log();  // another one
    daemon_.start();
    EXPECT_EQ(epoch(), 3U);
}

TEST_F(RestoreTest, an_anchor_that_is_not_mounted_is_noticed) {
    ClientUnderTest client(daemon_);
    (void)client.create_credential(client.create_signer());
    ASSERT_EQ(daemon_.terminate(), 0);
    fs::rename(path("anchor"), path("anchor.elsewhere"));
    fs::create_directory(path("anchor"));
    EXPECT_NE(daemon_.start_expecting_exit(), 0);
    EXPECT_THAT(daemon_.journal(), HasSubstr("rollback anchor"));
    fs::remove(path("anchor"));
    fs::rename(path("anchor.elsewhere"), path("anchor"));
    daemon_.start();
}

}  // namespace
}  // namespace sigillo::testing
