// Carries out one signHash, or signDocuments as CAdES, with the daemon's own parts, as sigillod would, and
// dies by SIGKILL right after a numbered step of the signing path. Arguments: configuration file, step,
// client's SPKI digest (hex), credential, SAD, "hashes" or "documents", digests (hex). Exits 1 when it gets
// past the step; 2 when it does not get that far.
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "appliance/activation/refusal_log.h"
#include "appliance/activation/sad.h"
#include "appliance/base/encoding.h"
#include "appliance/sigillod/clients.h"
#include "appliance/sigillod/foundation.h"
#include "appliance/signing/key_vault.h"
#include "appliance/signing/signing_path.h"

namespace sigillo {
namespace {

class DieAt final : public signing::StepObserver {
 public:
    explicit DieAt(signing::Step step) : step_(step) {}
    void reached(signing::Step step) override {
        if (step == step_) ::kill(::getpid(), SIGKILL);
    }

 private:
    const signing::Step step_;
};

Status sign(char** arguments, int count) {
    SIGILLO_ASSIGN(const DaemonConfig config, load_daemon_config(arguments[1]));
    Logger logger("step_crash");
    SystemClock clock;
    SystemRandom random;
    SIGILLO_ASSIGN(const auto base, lay_foundation(config, clock, random, logger));
    Clients clients(*base->ledger, random);
    SIGILLO_ASSIGN(const Bytes spki, hex_decode(arguments[3]));
    SIGILLO_ASSIGN(const RegisteredClient client, clients.identify(spki));
    const activation::Sads sads(config.sad, clock, random);
    activation::RefusalLog refusals(config.refusals, *base->ledger, logger);
    signing::KeyVault vault(*base->keys, clock, config.vault);
    DieAt observer(static_cast<signing::Step>(std::atoi(arguments[2])));
    signing::SigningPath path({*base->ledger, vault, sads, refusals, logger, config.signing, &observer});

    signing::SignRequest request;
    request.client = client.id;
    request.tenant = client.tenant;
    SIGILLO_ASSIGN(request.credential, CredentialId::parse(arguments[4]));
    request.sad = SecretBytes::copy_of(as_bytes(std::string_view(arguments[5])));
    const bool documents = std::string_view(arguments[6]) == "documents";
    for (int i = 7; i < count; ++i) {
        SIGILLO_ASSIGN(const Bytes raw, hex_decode(arguments[i]));
        SIGILLO_ASSIGN(const Digest digest, Digest::create(HashAlgorithm::kSha256, raw));
        request.hashes.push_back(digest);
        if (documents) request.documents.push_back({ades::Format::kCades, digest, {}});
    }
    SIGILLO_ASSIGN(const auto made, run_to_end(path.sign(request)));
    std::cout << made.signatures.size() << " signatures\n";
    return {};
}

}  // namespace
}  // namespace sigillo

int main(int argc, char** argv) {
    if (argc < 8) return 2;
    if (const auto status = sigillo::sign(argv, argc); !status) {
        std::cerr << status.error().detail << "\n";
        return 2;
    }
    return 1;
}
