#include "tests/signing/workshop.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "keystore/signing_key.h"

namespace sigillo::signing::testing {

Workshop::Workshop(activation::testing::Settings settings, KeyStore* keys, SigningLimits limits,
                   KeyVaultConfig vault_config)
    : instance(std::move(settings), keys),
      client(instance.add_client()),
      signer(instance.add_signer()),
      credential(instance.add_credential(signer, "click", {})) {
    vault = std::make_unique<KeyVault>(instance.keys, instance.clock, vault_config);
    path = std::make_unique<SigningPath>(SigningPath::Parts{*instance.ledger, *vault, *instance.sads,
                                                            *instance.refusals, instance.logger, limits,
                                                            &watcher, [this] { return clock_state; }});
}

std::string Workshop::authorise(const ClientId& by, const CredentialId& with,
                                const std::vector<Digest>& hashes) {
    auto request = instance.request(by, with, hashes);
    activation::testing::show(request, "click", instance.click(hashes));
    const auto granted = run_to_end(instance.activator->authorize(request));
    if (!granted) throw std::runtime_error(to_string(granted.error()));
    return std::string(as_text(granted->sad.expose()));
}

SignRequest Workshop::request(const std::string& sad, const std::vector<Digest>& hashes) const {
    SignRequest request;
    request.client = client;
    request.tenant = "bank";
    request.credential = credential;
    request.sad = SecretBytes::copy_of(sad);
    request.scheme = kEcdsaSha256;
    request.hashes = hashes;
    return request;
}

std::string Workshop::authorise_documents(const std::vector<Digest>& digests) {
    auto request = instance.request(client, credential, digests);
    request.hash_type = record::HASH_TYPE_SDR;
    activation::testing::show(request, "click", instance.click(digests));
    const auto granted = run_to_end(instance.activator->authorize(request));
    if (!granted) throw std::runtime_error(to_string(granted.error()));
    return std::string(as_text(granted->sad.expose()));
}

SignRequest Workshop::document_request(const std::string& sad, const std::vector<Digest>& digests,
                                       ades::Format format) const {
    SignRequest made = request(sad, digests);
    for (const Digest& digest : digests) made.documents.push_back({format, digest, {}});
    return made;
}

void Workshop::certify(const std::string& certificate) {
    instance.change_credential(credential, [&](record::Credential& c) {
        c.clear_chain();
        c.add_chain(certificate);
        c.add_chain("the CA's");
    });
}

bool Workshop::verifies(const CredentialId& with, const Digest& hash, ByteView signature) {
    const auto record = instance.credential(with);
    const auto verifier = Verifier::create({KeyAlgorithm::kEcP256, to_bytes(record.spki())});
    return verifier && verifier->verify(kEcdsaSha256, hash, signature).value_or(false);
}

void Workshop::expect_unbroken_chain(const CredentialId& of) {
    const auto events = instance.events();
    std::uint64_t seq = 0;
    std::uint64_t previous = 0;
    for (std::size_t index = 0; index < events.size(); ++index) {
        const auto& event = events[index];
        const std::string type = event["type"];
        if ((type != "signing.intent" && type != "signing.outcome") || event["credential"] != of.str())
            continue;
        EXPECT_EQ(event["seq"], ++seq) << event.dump();
        if (seq > 1) {
            EXPECT_EQ(event["prev"], previous) << event.dump();
        } else {
            EXPECT_FALSE(event.contains("prev"));
        }
        previous = index;
    }
    EXPECT_EQ(instance.state(of).seq(), seq);
}

}  // namespace sigillo::signing::testing
