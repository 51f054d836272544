// A compromised sigillo-api: it speaks straight to sigillod's sockets, with every message in every order.
// Nothing signs that was not activated, and nothing administrative can be said at all.
#include <gtest/gtest.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <random>

#include "appliance/base/file.h"
#include "appliance/base/random.h"
#include "appliance/ipc/framing.h"
#include "tests/sigillod/daemon_under_test.h"

namespace sigillo::testing {
namespace {

class HostilePeer : public ::testing::Test {
 protected:
    static void SetUpTestSuite() {
        daemon_ = new DaemonUnderTest();
        daemon_->provision();
        daemon_->start();
    }
    static void TearDownTestSuite() { delete daemon_; }
    static DaemonUnderTest* daemon_;
};
DaemonUnderTest* HostilePeer::daemon_ = nullptr;

std::uint32_t code(const sam::SigningResponse& answer) {
    return answer.has_error() ? answer.error().code() : 0;
}
constexpr std::uint32_t number(Errc errc) {
    return static_cast<std::uint32_t>(errc);
}

// Every message that the signing socket knows, with the ids that the attacker has seen.
std::vector<sam::SigningRequest> every_message(const ClientUnderTest& client, const std::string& signer,
                                               const std::string& credential,
                                               const std::vector<Bytes>& hashes) {
    std::vector<sam::SigningRequest> all;
    const auto add = [&]() -> sam::SigningRequest& { return all.emplace_back(); };
    add().mutable_get_health();
    add().mutable_get_signer()->set_signer_id(signer);
    add().mutable_list_signers();
    add().mutable_list_factors()->set_signer_id(signer);
    auto& enrol = *add().mutable_enrol_factor();
    enrol.set_signer_id(signer);
    enrol.set_type("totp");
    add().mutable_get_credential()->set_credential_id(credential);
    add().mutable_list_credentials()->set_signer_id(signer);
    add().mutable_list_uses()->set_credential_id(credential);
    all.push_back(client.authorize(credential, hashes, "totp", "000000"));
    all.push_back(client.authorize(credential, hashes, "click", client.click(hashes)));
    all.push_back(client.authorize(credential, hashes, "pin", "123456"));
    all.push_back(client.authorize(credential, hashes, "", ""));
    auto no_factor = client.authorize(credential, hashes, "totp", "");
    no_factor.mutable_authorize()->clear_auth_data();
    all.push_back(no_factor);
    auto document = client.authorize(credential, hashes, "totp", "123456");
    document.mutable_authorize()->set_hash_type(2);
    all.push_back(document);
    all.push_back(client.sign_hash(credential, std::string(43, 'A'), hashes));
    all.push_back(client.sign_hash(credential, "", hashes));
    auto& extend = *add().mutable_extend_transaction();
    extend.set_credential_id(credential);
    extend.set_sad(std::string(43, 'A'));
    extend.set_hash_algorithm(1);
    for (const Bytes& hash : hashes) extend.add_hashes(hash.data(), hash.size());
    auto& status = *add().mutable_set_status();
    status.set_credential_id(credential);
    status.set_status("active");
    auto& certificate = *add().mutable_set_certificate();
    certificate.set_credential_id(credential);
    certificate.add_chain("not a certificate");
    add();  // a request without a body
    return all;
}

TEST_F(HostilePeer, EveryMessageInManyOrdersYieldsNoSignatureWithoutASatisfiedPolicy) {
    ClientUnderTest client(*daemon_);
    const std::string signer = client.create_signer();
    (void)client.enrol_totp(signer);
    const std::string credential = client.create_credential(signer, "totp", "EC-P256", "advanced");
    const std::vector<Bytes> hashes{hash_of("a contract")};
    auto messages = every_message(client, signer, credential, hashes);
    std::mt19937 shuffle(20261123);
    std::string sad;
    for (int order = 0; order < 30; ++order) {
        std::ranges::shuffle(messages, shuffle);
        for (const auto& message : messages) {
            const auto answer = client.ask(message);
            EXPECT_FALSE(answer.has_signatures()) << message.body_case();
            EXPECT_FALSE(answer.has_authorized()) << message.body_case();
        }
    }
    const auto uses = [&] {
        sam::SigningRequest request;
        request.mutable_list_uses()->set_credential_id(credential);
        return client.ask(request).uses().uses_size();
    };
    EXPECT_EQ(uses(), 0);
}

TEST_F(HostilePeer, activation_a_factor_enrolled_by_the_client_does_not_serve_an_existing_credential) {
    ClientUnderTest client(*daemon_);
    const std::string signer = client.create_signer();
    (void)client.enrol_totp(signer);
    const std::string credential = client.create_credential(signer, "totp", "EC-P256", "advanced");
    const SecretBytes own = client.enrol_totp(signer);
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
    const std::vector<Bytes> hashes{hash_of("a contract")};
    const auto answer = client.ask(client.authorize(credential, hashes, "totp", totp_code(own, now.count())));
    EXPECT_EQ(code(answer), number(Errc::kOtpInvalid));
}

TEST_F(HostilePeer, ClickAloneNeverServesClassAdvanced) {
    ClientUnderTest client(*daemon_);
    const std::string signer = client.create_signer();
    EXPECT_THROW(client.create_credential(signer, "click", "EC-P256", "advanced"), std::runtime_error);
    EXPECT_THROW(client.create_credential(signer, "click or totp", "EC-P256", "qualified"),
                 std::runtime_error);
}

TEST_F(HostilePeer, AnUnknownClientGetsNothingWhateverItAsks) {
    ClientUnderTest client(*daemon_);
    const std::string signer = client.create_signer();
    const std::string credential = client.create_credential(signer);
    SystemRandom random;
    const Bytes stranger = random.bytes(32);
    for (const auto& message : every_message(client, signer, credential, {hash_of("x")})) {
        if (message.body_case() == sam::SigningRequest::kGetHealth) continue;
        EXPECT_EQ(code(daemon_->ask(message, stranger)), number(Errc::kForbidden)) << message.body_case();
        EXPECT_EQ(code(daemon_->ask(message, {})), number(Errc::kForbidden)) << message.body_case();
    }
}

TEST_F(HostilePeer, AnotherTenantsObjectsLookAsIfTheyDidNotExist) {
    ClientUnderTest owner(*daemon_, "bank-a");
    const std::string signer = owner.create_signer();
    const std::string credential = owner.create_credential(signer);
    ClientUnderTest other(*daemon_, "bank-b");
    const std::vector<Bytes> hashes{hash_of("x")};
    for (auto message : every_message(other, signer, credential, hashes)) {
        using Body = sam::SigningRequest;
        if (message.body_case() == Body::kGetHealth || message.body_case() == Body::kListSigners ||
            message.body_case() == Body::BODY_NOT_SET)
            continue;
        const auto answer = other.ask(message);
        const bool said_nothing =
            code(answer) == number(Errc::kNotFound) ||
            code(answer) == number(Errc::kInvalidArgument);  // refused before anything was looked up
        EXPECT_TRUE(said_nothing) << message.body_case() << ": " << answer.error().detail();
    }
    sam::SigningRequest list;
    list.mutable_list_signers();
    EXPECT_EQ(other.ask(list).signers().signers_size(), 0);
}

// Raw bytes of one kind of request on the socket of another kind.
bool answered_with_success(const std::string& socket, const std::string& bytes) {
    const auto answer = ipc::call_once(socket, as_bytes(bytes), std::chrono::seconds(5));
    if (!answer) return false;
    sam::SigningResponse response;
    return response.ParseFromArray(answer->data(), static_cast<int>(answer->size())) &&
           !response.has_error() && response.body_case() != sam::SigningResponse::BODY_NOT_SET &&
           response.body_case() != sam::SigningResponse::kHealth;
}

TEST_F(HostilePeer, NothingAdministrativeCanBeSaidOnTheOtherSockets) {
    ClientUnderTest client(*daemon_);
    const std::string credential = client.create_credential(client.create_signer());
    std::vector<sam::AdminRequest> orders(7);
    orders[0].mutable_client_list();
    orders[1].mutable_client_add()->set_tenant("mallory");
    orders[2].mutable_unlock_factors()->set_credential_id(credential);
    orders[3].mutable_create_backup()->set_directory("/tmp/stolen");
    orders[4].mutable_get_checkpoint();
    orders[5].mutable_set_qscd()->set_credential_id(credential);
    orders[6].mutable_list_signers();
    for (auto& order : orders) {
        order.set_id(7);
        EXPECT_FALSE(answered_with_success(daemon_->socket("signing"), order.SerializeAsString()))
            << order.body_case();
        EXPECT_FALSE(answered_with_success(daemon_->socket("public"), order.SerializeAsString()))
            << order.body_case();
    }
    EXPECT_FALSE(std::filesystem::exists("/tmp/stolen"));
}

TEST_F(HostilePeer, ThePublicSocketKnowsNoClientAndNoCredential) {
    ClientUnderTest client(*daemon_);
    const std::string signer = client.create_signer();
    const std::string credential = client.create_credential(signer);
    for (auto message : every_message(client, signer, credential, {hash_of("x")})) {
        message.set_id(9);
        message.mutable_client()->set_spki_sha256(client.spki().data(), client.spki().size());
        EXPECT_FALSE(answered_with_success(daemon_->socket("public"), message.SerializeAsString()))
            << message.body_case();
    }
}

TEST_F(HostilePeer, GarbageOnEverySocketLeavesTheDaemonServing) {
    SystemRandom random;
    for (const char* kind : {"signing", "public", "admin"}) {
        for (std::size_t size : {0u, 1u, 3u, 4u, 5u, 64u, 4096u}) {
            const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
            sockaddr_un address{};
            address.sun_family = AF_UNIX;
            const std::string path = daemon_->socket(kind);
            std::ranges::copy(path, address.sun_path);
            ASSERT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
            const Bytes garbage = random.bytes(size);
            (void)::send(fd.get(), garbage.data(), garbage.size(), MSG_NOSIGNAL);
            const Bytes framed = ipc::encode_frame(random.bytes(size + 1));
            (void)::send(fd.get(), framed.data(), framed.size(), MSG_NOSIGNAL);
        }
    }
    ClientUnderTest client(*daemon_);
    EXPECT_EQ(client.sign(client.create_credential(client.create_signer()), {hash_of("still here")}).size(),
              1u);
}

}  // namespace
}  // namespace sigillo::testing
