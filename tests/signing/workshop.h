// A signing path on top of tests/activation's instance: LMDB, log and records are real, keys are in memory
// unless a token is given.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "appliance/signing/key_vault.h"
#include "appliance/signing/signing_path.h"
#include "tests/activation/instance.h"

namespace sigillo::signing::testing {

using activation::testing::hash_of;
using activation::testing::hashes_of;
using activation::testing::Held;
using activation::testing::Instance;

inline constexpr SignatureScheme kEcdsaSha256{SignaturePadding::kNone, HashAlgorithm::kSha256};

// Calls what it was given at each step.
class Watcher final : public StepObserver {
 public:
    std::function<void(Step)> at;
    void reached(Step step) override {
        if (at) at(step);
    }
};

class Workshop {
 public:
    explicit Workshop(activation::testing::Settings settings = {}, KeyStore* keys = nullptr,
                      SigningLimits limits = {}, KeyVaultConfig vault_config = {});

    // A SAD for `hashes` by a click.
    std::string authorise(const std::vector<Digest>& hashes) { return authorise(client, credential, hashes); }
    std::string authorise(const ClientId& by, const CredentialId& with, const std::vector<Digest>& hashes);
    SignRequest request(const std::string& sad, const std::vector<Digest>& hashes) const;
    Result<std::vector<Bytes>> sign(const std::string& sad, const std::vector<Digest>& hashes) {
        auto made = run_to_end(path->sign(request(sad, hashes)));
        if (!made) return std::unexpected(std::move(made).error());
        return std::move(made->signatures);
    }
    // The same for documents' digests (hash type sdr), signed as CAdES unless said.
    std::string authorise_documents(const std::vector<Digest>& digests);
    SignRequest document_request(const std::string& sad, const std::vector<Digest>& digests,
                                 ades::Format format = ades::Format::kCades) const;
    Result<Signed> sign_documents(const SignRequest& request) { return run_to_end(path->sign(request)); }
    // Gives the credential a certificate of these bytes; documents need one.
    void certify(const std::string& certificate);
    bool verifies(const CredentialId& with, const Digest& hash, ByteView signature);
    // The credential's Intents and Outcomes form a chain without a gap.
    void expect_unbroken_chain(const CredentialId& of);

    Instance instance;
    ClientId client;
    SignerId signer;
    CredentialId credential;  // class simple, activated by click
    Watcher watcher;
    Status clock_state;  // what the path's clock check answers
    std::unique_ptr<KeyVault> vault;
    std::unique_ptr<SigningPath> path;
};

}  // namespace sigillo::signing::testing
