// Hostile peers once more: objects of another tenant, and one kind of request on the socket of another kind.
#include <gtest/gtest.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>

#include "appliance/base/file.h"
#include "appliance/base/random.h"
#include "appliance/ipc/framing.h"
#include "tests/sigillod/hostile_peer.h"

namespace sigillo::testing {
namespace {

// What the owner sees of its signer and credential.
std::string view_of(const ClientUnderTest& owner, const std::string& signer, const std::string& credential) {
    std::vector<sam::SigningRequest> questions(5);
    questions[0].mutable_get_signer()->set_signer_id(signer);
    questions[1].mutable_list_factors()->set_signer_id(signer);
    questions[2].mutable_get_credential()->set_credential_id(credential);
    questions[3].mutable_list_credentials()->set_signer_id(signer);
    questions[4].mutable_list_uses()->set_credential_id(credential);
    std::string seen;
    for (const auto& question : questions) {
        auto answer = owner.ask(question);
        EXPECT_FALSE(answer.has_error()) << answer.error().detail();
        answer.clear_id();
        seen += answer.SerializeAsString();
    }
    return seen;
}

TEST_F(HostilePeer, AnotherTenantsObjectsLookAsIfTheyDidNotExist) {
    ClientUnderTest owner(*daemon_, "bank-a");
    const Victim victim = Victim::make(owner, "totp");
    ASSERT_EQ(victim.sign(owner, hash_of("of bank a")).signatures().signatures_size(), 1);
    const std::string before = view_of(owner, victim.signer, victim.credential);

    ClientUnderTest other(*daemon_, "bank-b");
    Attacker attacker(*contract_, other, 2);
    attacker.victims.insert(victim.credential);
    attacker.set_usual("signer_id", victim.signer);
    attacker.set_usual("credential_id", victim.credential);
    attacker.set_usual("factor_id", *victim.factors.begin());
    attacker.set_usual("factors.value", *victim.factors.begin());
    attacker.set_usual("after", "");
    for (int i = 0; i < 20; ++i)
        for (const ContractField& body : contract_->bodies("SigningRequest")) {
            const auto answer = attacker.try_it(attacker.request(body)).SerializeAsString();
            for (const std::string& id : {victim.signer, victim.credential, *victim.factors.begin()})
                EXPECT_EQ(answer.find(id), std::string::npos) << body.name;
        }

    // Requests with nothing wrong in them but whose they are.
    std::vector<sam::SigningRequest> right(12);
    right[0].mutable_get_signer()->set_signer_id(victim.signer);
    right[1].mutable_list_factors()->set_signer_id(victim.signer);
    right[2].mutable_enrol_factor()->set_signer_id(victim.signer);
    right[2].mutable_enrol_factor()->set_type("totp");
    right[3].mutable_delete_factor()->set_signer_id(victim.signer);
    right[3].mutable_delete_factor()->set_factor_id(*victim.factors.begin());
    right[4].mutable_get_credential()->set_credential_id(victim.credential);
    right[5].mutable_list_credentials()->set_signer_id(victim.signer);
    right[6].mutable_list_uses()->set_credential_id(victim.credential);
    right[7].mutable_set_status()->set_credential_id(victim.credential);
    right[7].mutable_set_status()->set_status("suspended");
    right[8].mutable_delete_credential()->set_credential_id(victim.credential);
    right[9] = other.authorize(victim.credential, {attacker.target()}, "totp", "123456");
    right[10] = other.sign_hash(victim.credential, fake_sad(), {attacker.target()});
    right[11] = other.sign_documents(victim.credential, fake_sad(), {attacker.target()});
    for (const auto& request : right) {
        const auto answer = other.ask(request);
        EXPECT_EQ(code(answer), number(Errc::kNotFound))
            << request.body_case() << ": " << answer.error().detail();
    }
    EXPECT_EQ(view_of(owner, victim.signer, victim.credential), before);
}

// ---- one kind of request on the socket of another kind
// -------------------------------------------------------

// What officers see, and what was ordered in their name.
struct OfficersView {
    std::string clients;
    std::string credentials;
    std::uint64_t epoch = 0;
    int orders = 0;
    friend bool operator==(const OfficersView&, const OfficersView&) = default;

    static OfficersView of(DaemonUnderTest& daemon) {
        OfficersView view;
        sam::AdminRequest request;
        request.mutable_client_list();
        auto answer = daemon.ask(request);
        view.clients = answer.clients().SerializeAsString();
        request.mutable_list_credentials()->mutable_page()->set_limit(1'000);
        answer = daemon.ask(request);
        EXPECT_TRUE(answer.has_credentials()) << answer.error().detail();
        // Not as a whole: a map has no order.
        for (const auto& credential : answer.credentials().credentials())
            view.credentials += credential.credential_id() + credential.status() +
                                (credential.qscd() ? "q" : "") + (credential.locked() ? "l " : " ");
        request.mutable_get_status();
        view.epoch = daemon.ask(request).status().epoch();
        std::string output;
        EXPECT_EQ(daemon.audit(&output), 0) << output;
        EXPECT_EQ(daemon.run("sigillo-audit",
                             {"show", "--json", "--log", (daemon.home() / "log").string(), "--key",
                              (daemon.home() / "log.vkey").string()},
                             &output),
                  0);
        for (auto at = output.find("\"officer:"); at != std::string::npos;
             at = output.find("\"officer:", at + 1))
            ++view.orders;
        return view;
    }
};

TEST_F(HostilePeer, NothingAdministrativeCanBeSaidOnTheOtherSockets) {
    ClientUnderTest owner(*daemon_, "bank-c");
    const Victim victim = Victim::make(owner, "totp");
    ClientUnderTest client(*daemon_, "bank-d");
    Attacker attacker(*contract_, client, 3);
    const std::string stolen = (daemon_->home() / "stolen").string();
    attacker.set_usual("credential_id", victim.credential);
    attacker.set_usual("signer_id", victim.signer);
    attacker.set_usual("tenant", "bank-c");
    attacker.set_usual("client_id", owner.id());
    attacker.set_usual("directory", stolen);
    attacker.set_usual("reason", "because");
    attacker.know("name", "mallory");
    const OfficersView before = OfficersView::of(*daemon_);
    for (int i = 0; i < 12; ++i)
        for (const ContractField& body : contract_->bodies("AdminRequest")) {
            // Where an order has its officer, a request has its client: the one may pass for the other.
            const std::string who =
                i % 2 == 0
                    ? Contract::wrap(2, Contract::wrap(1, std::string(as_text(ByteView(client.spki())))))
                    : Contract::wrap(2, Contract::wrap(3, "because"));
            const std::string order = std::string("\x08\x07", 2) + who + attacker.body(body);
            sam::AdminRequest understood;
            ASSERT_TRUE(understood.ParseFromString(order) &&
                        static_cast<std::uint32_t>(understood.body_case()) == body.number)
                << body.name;
            for (const char* kind : {"signing", "public"}) {
                const auto bytes =
                    ipc::call_once(daemon_->socket(kind), as_bytes(order), std::chrono::seconds(10));
                if (!bytes) continue;  // the connection was closed
                const std::string answer(as_text(ByteView(*bytes)));
                for (const std::string& secret :
                     {victim.credential, victim.signer, owner.id(), stolen, std::string("test.example/log")})
                    EXPECT_EQ(answer.find(secret), std::string::npos) << body.name << " on " << kind;
            }
        }
    EXPECT_TRUE(OfficersView::of(*daemon_) == before);
    EXPECT_FALSE(std::filesystem::exists(stolen));
    EXPECT_EQ(victim.sign(owner, hash_of("all is well")).signatures().signatures_size(), 1);
}

TEST_F(HostilePeer, ThePublicSocketKnowsNoClientAndNoCredential) {
    ClientUnderTest client(*daemon_);
    Attacker attacker(*contract_, client, 4);
    const Victim victim = Victim::make(client, "totp");
    attacker.set_usual("signer_id", victim.signer);
    attacker.set_usual("credential_id", victim.credential);
    attacker.set_usual("factor_id", *victim.factors.begin());
    const std::string before = view_of(client, victim.signer, victim.credential);
    for (int i = 0; i < 5; ++i)
        for (const ContractField& body : contract_->bodies("SigningRequest")) {
            auto request = attacker.request(body);
            request.set_id(9);
            request.mutable_client()->set_spki_sha256(client.spki().data(), client.spki().size());
            const auto bytes = ipc::call_once(
                daemon_->socket("public"), as_bytes(request.SerializeAsString()), std::chrono::seconds(10));
            if (!bytes) {
                // Not even a message of this socket: refused without the request's number.
                EXPECT_EQ(bytes.error().detail, "the answer belongs to another request") << body.name;
                continue;
            }
            sam::PublicResponse answer;
            ASSERT_TRUE(answer.ParseFromArray(bytes->data(), static_cast<int>(bytes->size())));
            // Numbers that mean something there: health, the CA's certificate, the CRL.
            EXPECT_TRUE(answer.has_error() || answer.has_health() || answer.has_document()) << body.name;
            for (const std::string& id : {victim.signer, victim.credential})
                EXPECT_EQ(as_text(ByteView(*bytes)).find(id), std::string::npos) << body.name;
        }
    EXPECT_EQ(view_of(client, victim.signer, victim.credential), before);
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
