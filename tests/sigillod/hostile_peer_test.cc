// A compromised sigillo-api: it speaks straight to sigillod's sockets, with every message in every order.
// Nothing signs that was not activated, and nothing administrative can be said at all.
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "appliance/base/random.h"
#include "tests/sigillod/hostile_peer.h"

namespace sigillo::testing {
namespace {

// Numbers of the bodies that the compiled message knows, asked one by one.
template <class Request>
std::set<std::uint32_t> compiled_bodies() {
    std::set<std::uint32_t> found;
    for (std::uint32_t n = 1; n < 1'000; ++n) {
        Request request;
        if (request.ParseFromString(Contract::wrap(n, "")) &&
            static_cast<std::uint32_t>(request.body_case()) == n)
            found.insert(n);
    }
    return found;
}
std::set<std::uint32_t> numbers_of(const std::vector<ContractField>& bodies) {
    std::set<std::uint32_t> numbers;
    for (const ContractField& body : bodies) numbers.insert(body.number);
    return numbers;
}

TEST_F(HostilePeer, TheAttackerKnowsEveryBodyOfTheContract) {
    EXPECT_EQ(numbers_of(contract_->bodies("SigningRequest")), compiled_bodies<sam::SigningRequest>());
    EXPECT_EQ(numbers_of(contract_->bodies("AdminRequest")), compiled_bodies<sam::AdminRequest>());
    EXPECT_EQ(numbers_of(contract_->bodies("PublicRequest")), compiled_bodies<sam::PublicRequest>());
    EXPECT_GE(contract_->bodies("SigningRequest").size(), 18u);
    EXPECT_GE(contract_->bodies("AdminRequest").size(), 15u);
}

// What a thoughtful attacker would say about a credential that it cannot activate: right but for one thing.
std::vector<std::function<sam::SigningRequest()>> thoughtful(Attacker& attacker,
                                                             const ClientUnderTest& client,
                                                             const std::string& credential) {
    const std::vector<Bytes> hashes{attacker.target()};
    const auto extend = [=](const std::string& sad) {
        sam::SigningRequest request;
        auto& body = *request.mutable_extend_transaction();
        body.set_credential_id(credential);
        body.set_sad(sad);
        body.set_hash_algorithm(1);
        for (const Bytes& hash : hashes) body.add_hashes(hash.data(), hash.size());
        return request;
    };
    return {
        [&client, credential, hashes] { return client.authorize(credential, hashes, "totp", "000000"); },
        [&client, credential, hashes] { return client.authorize(credential, hashes, "pin", "123456"); },
        [&client, credential, hashes] {
            return client.authorize(credential, hashes, "click", client.click(hashes));
        },
        [&client, credential, hashes] { return client.authorize(credential, hashes, "", ""); },
        [&client, credential, hashes] {
            auto request = client.authorize(credential, hashes, "totp", "");
            request.mutable_authorize()->clear_auth_data();
            return request;
        },
        [&client, credential, hashes] {
            auto request = client.authorize(credential, hashes, "totp", "123456");
            request.mutable_authorize()->set_hash_type(2);
            return request;
        },
        [&client, credential, hashes] { return client.sign_hash(credential, fake_sad(), hashes); },
        [&client, credential, hashes] { return client.sign_hash(credential, "", hashes); },
        // What was granted for another credential.
        [&client, &attacker, credential, hashes] {
            return client.sign_hash(credential, attacker.some_sad(), hashes);
        },
        [&client, credential, hashes] { return client.sign_documents(credential, fake_sad(), hashes); },
        [&client, &attacker, credential, hashes] {
            return client.sign_documents(credential, attacker.some_sad(), hashes);
        },
        [extend] { return extend(fake_sad()); },
        [extend, &attacker] { return extend(attacker.some_sad()); },
    };
}

// Intents in the log by credential, as sigillo-audit reads them.
std::map<std::string, int> uses_in_the_log(DaemonUnderTest& daemon) {
    std::string output;
    EXPECT_EQ(daemon.audit(&output), 0) << output;
    EXPECT_EQ(daemon.run("sigillo-audit",
                         {"show", "--json", "--type", "signing.intent", "--log",
                          (daemon.home() / "log").string(), "--key", (daemon.home() / "log.vkey").string()},
                         &output),
              0);
    std::map<std::string, int> uses;
    std::istringstream lines(output);
    for (std::string line; std::getline(lines, line);) {
        const auto leaf = nlohmann::json::parse(line, nullptr, false);
        if (leaf.is_object()) ++uses[leaf["event"]["credential"].get<std::string>()];
    }
    return uses;
}

TEST_F(HostilePeer, EveryMessageInManyOrdersYieldsNoSignatureWithoutASatisfiedPolicy) {
    constexpr int kOrders = 40;
    constexpr int kOfEach = 3;
    const std::array<const char*, 3> policies{"totp", "pin", "pin and totp"};
    const auto bodies = contract_->bodies("SigningRequest");
    std::map<std::uint32_t, int> sent;        // by body
    std::map<std::uint32_t, int> activation;  // answers to activations of victims, by code
    std::map<std::string, int> honest;        // victims' own uses
    std::set<std::string> victims;
    std::size_t granted = 0;
    std::size_t signatures = 0;
    for (int order = 0; order < kOrders; ++order) {
        const std::string policy = policies[static_cast<std::size_t>(order) % policies.size()];
        ClientUnderTest client(*daemon_);
        Attacker attacker(*contract_, client, 20261123U + static_cast<std::uint32_t>(order));
        Victim victim;
        const auto aim = [&] {
            victim = Victim::make(client, policy);
            victims.insert(victim.credential);
            attacker.victims.insert(victim.credential);
            attacker.set_usual("credential_id", victim.credential);
            attacker.set_usual("signer_id", victim.signer);
            attacker.set_usual("factor_id", *victim.factors.begin());
            attacker.set_usual("factors.value", *victim.factors.begin());
        };
        aim();
        // A credential that the attacker may use as it likes, so that there are SADs, and signatures, that
        // are right.
        const std::string own = client.create_credential(client.create_signer());
        attacker.know("credential_id", own);

        std::vector<std::function<sam::SigningRequest()>> acts;
        for (const ContractField& body : bodies)
            for (int i = 0; i < kOfEach; ++i)
                acts.push_back([&attacker, body] { return attacker.request(body); });
        for (std::size_t i = 0; i < thoughtful(attacker, client, "").size(); ++i)
            acts.push_back([&, i] { return thoughtful(attacker, client, victim.credential)[i](); });
        for (int i = 0; i < 2; ++i) {
            const std::vector<Bytes> hashes{attacker.target()};
            acts.push_back([&client, own, hashes] {
                return client.authorize(own, hashes, "click", client.click(hashes));
            });
            acts.push_back([&client, &attacker, own, hashes] {
                return client.sign_hash(own, attacker.some_sad(), hashes);
            });
            acts.push_back([&client, own, hashes] {
                auto request = client.authorize(own, hashes, "click", client.click(hashes));
                request.mutable_authorize()->set_hash_type(2);
                return request;
            });
            acts.push_back([&client, &attacker, own, hashes] {
                return client.sign_documents(own, attacker.some_sad(), hashes);
            });
        }
        acts.push_back([] { return sam::SigningRequest(); });
        for (std::size_t i = acts.size(); i > 1; --i) std::swap(acts[i - 1], acts[below(attacker.dice(), i)]);

        for (const auto& act : acts) {
            const sam::SigningRequest request = act();
            const auto answer = attacker.try_it(request);
            ++sent[static_cast<std::uint32_t>(request.body_case())];
            if (request.authorize().credential_id() == victim.credential) ++activation[code(answer)];
            // Suspending, revoking, deleting is a client's right, and ends that victim.
            const bool ended =
                answer.has_done() && ((request.set_status().credential_id() == victim.credential &&
                                       request.set_status().status() != "active") ||
                                      request.delete_credential().credential_id() == victim.credential ||
                                      victim.factors.contains(request.delete_factor().factor_id()));
            if (ended) aim();
        }
        // After all of it the victim's credential is neither locked nor otherwise out of use: nothing above
        // met a closed door.
        const auto signed_by_its_signer = victim.sign(client, hash_of("what the signer wants"));
        EXPECT_EQ(signed_by_its_signer.signatures().signatures_size(), 1)
            << policy << ", order " << order << ": " << signed_by_its_signer.error().detail();
        ++honest[victim.credential];
        granted += attacker.granted();
        signatures += attacker.signatures();
    }
    for (const ContractField& body : bodies) EXPECT_GE(sent[body.number], kOrders * kOfEach) << body.name;
    EXPECT_GE(activation[number(Errc::kOtpInvalid)] + activation[number(Errc::kAuthenticationFailed)],
              kOrders)
        << "no factor was looked at";
    EXPECT_EQ(activation[number(Errc::kLocked)], 0) << "a lockout hid what the factors are worth";
    EXPECT_EQ(activation[0], 0);
    EXPECT_GE(granted, static_cast<std::size_t>(kOrders)) << "nothing looked right";
    EXPECT_GE(signatures, static_cast<std::size_t>(kOrders) / 4) << "nothing looked right";

    auto uses = uses_in_the_log(*daemon_);
    for (const std::string& victim : victims) EXPECT_EQ(uses[victim], honest[victim]) << victim;
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
    Attacker attacker(*contract_, client, 1);
    const std::string signer = client.create_signer();
    attacker.set_usual("signer_id", signer);
    attacker.set_usual("credential_id", client.create_credential(signer));
    SystemRandom random;
    const Bytes stranger = random.bytes(32);
    for (const ContractField& body : contract_->bodies("SigningRequest"))
        for (int i = 0; i < 5; ++i) {
            const auto request = attacker.request(body);
            for (const Bytes& spki : {stranger, Bytes()}) {
                const auto answer = daemon_->ask(request, spki);
                if (request.has_get_health()) {
                    EXPECT_TRUE(answer.has_health() && answer.health().metrics().empty());
                } else {
                    EXPECT_EQ(code(answer), number(Errc::kForbidden)) << body.name;
                }
            }
        }
}

}  // namespace
}  // namespace sigillo::testing
