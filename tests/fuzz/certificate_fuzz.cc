// Certificates and chains from outside.
#include "appliance/issuance/x509/certificate_facts.h"
#include "appliance/issuance/x509/chain_check.h"
#include "tests/fuzz/fuzz.h"

using namespace sigillo;

FUZZ_TARGET(input) {
    (void)parse_qc_statements(input);
    const auto facts = parse_certificate(input);
    if (!facts) return;
    FUZZ_CHECK(!facts->serial_hex.empty() && facts->serial_hex.size() % 2 == 0);
    const Bytes chain[] = {to_bytes(input), to_bytes(input)};
    (void)check_chain(chain, PublicKey{KeyAlgorithm::kEcP256, facts->spki}, facts->not_before);
}
