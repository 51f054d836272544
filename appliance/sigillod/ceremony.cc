#include "appliance/sigillod/ceremony.h"

#include <algorithm>
#include <iostream>

#include "appliance/base/digest.h"
#include "appliance/base/encoding.h"
#include "appliance/issuance/authority.h"
#include "appliance/sigillod/foundation.h"
#include "appliance/sigillod/tsa_foundation.h"
#include "keystore/pkcs11/ceremony.h"
#include "keystore/pkcs11/token_naming.h"

namespace sigillo {
namespace {

struct NewToken {
    const std::string& uri;
    const std::string& pin_file;
    const std::string& directory;
};

Status initialise_if_absent(const NewToken& token, const std::filesystem::path& so_pin_file) {
    SIGILLO_ASSIGN(const TokenNaming name, naming_of(token.uri));
    TokenInitialisation what;
    what.module_path = name.module_path;
    what.label = name.label;
    what.token_directory = token.directory;
    SIGILLO_ASSIGN(what.so_pin, read_pin_file(so_pin_file));
    SIGILLO_ASSIGN(what.user_pin, read_pin_file(token.pin_file));
    const auto made = initialise_token(what);
    if (!made && made.error().code == Errc::kAlreadyExists) return {};
    if (!made) return std::unexpected(made.error());
    std::cout << "token        " << *made << "  (initialised)\n";
    return {};
}

// The TSA's token, store and log, where it is configured.
Status found_tsa(const Foundation& base, const TsaSettings& settings) {
    SIGILLO_ASSIGN(const auto tsa, lay_tsa_foundation(base, settings, true));
    std::cout << "TSA          token " << settings.token << "\n"
              << "             log " << tsa->guard.epoch.origin << "\n"
              << "             verifier key " << tsa->identity->verifier_key() << "\n";
    return {};
}

}  // namespace

Status hold_ceremony(const DaemonConfig& config, const std::filesystem::path& so_pin_file, Logger& logger) {
    if (!so_pin_file.empty()) {
        SIGILLO_TRY(initialise_if_absent({config.hsm.token, config.hsm.pin_file, config.hsm.token_directory},
                                         so_pin_file));
        if (config.tsa)
            SIGILLO_TRY(initialise_if_absent(
                {config.tsa->token, config.tsa->pin_file, config.tsa->token_directory}, so_pin_file));
    }
    SystemClock clock;
    SystemRandom random;
    CeremonyConfig ceremony;
    ceremony.token_uri = config.hsm.token;
    SIGILLO_ASSIGN(ceremony.pin, read_pin_file(config.hsm.pin_file));
    ceremony.ca_algorithm =
        config.hsm.ca_algorithm == "EC-P384" ? KeyAlgorithm::kEcP384 : KeyAlgorithm::kEcP256;
    ceremony.token_directory = config.hsm.token_directory;
    SIGILLO_ASSIGN(const CeremonyReport report, run_ceremony(ceremony, random));
    std::cout << "keys         " << (report.created ? "made" : "found good") << " on token "
              << report.token_label << ", serial " << report.token_serial << "\n";
    for (const std::string& object : report.objects) std::cout << "             " << object << "\n";
    std::cout << "wrapping     " << report.wrapping_scheme << "\n";

    SIGILLO_ASSIGN(const auto base, lay_foundation(config, clock, random, logger));
    const issuance::Authority::Parts parts{*base->ledger, *base->keys, *base->provider, random};
    const Status established = issuance::Authority::establish(parts, config.authority);
    if (!established && established.error().code != Errc::kAlreadyExists) return established;
    SIGILLO_ASSIGN(const auto authority, issuance::Authority::open(parts, config.authority));
    std::cout << "CA           " << authority->ca().facts().subject_dn << "\n"
              << "             SHA-256 " << hex_encode(sha256(authority->certificate())) << "\n"
              << "log          " << base->guard.epoch.origin << "\n"
              << "             verifier key " << base->identity->verifier_key() << "\n";
    if (config.tsa) SIGILLO_TRY(found_tsa(*base, *config.tsa));
    return {};
}

}  // namespace sigillo
