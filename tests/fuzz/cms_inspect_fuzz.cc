// Signatures, tokens, certificates, OCSP responses and CRLs of strangers (RFC 5652, 3161, 5280, 6960).
#include "api/documents/cms/inspect.h"
#include "tests/fuzz/fuzz.h"

using namespace sigillo;
using namespace sigillo::cms;

namespace {

// Small enough for thousands of runs a second, large enough that every branch is reached.
Limits fuzz_limits() {
    Limits limits;
    limits.max_structure_bytes = std::size_t{256} << 10;
    limits.max_signature_checks = 64;
    limits.max_certificates = 32;
    limits.max_elements = 4096;
    return limits;
}

}  // namespace

FUZZ_TARGET(input) {
    const Limits limits = fuzz_limits();
    if (const auto document = SignedData::read(input, limits, Trailing::kZeros)) {
        // What was read is written, and read again as the same.
        const auto written = document->write(input.size() + (std::size_t{1} << 20));
        FUZZ_CHECK(written.has_value());
        const auto again = SignedData::read(*written, limits);
        FUZZ_CHECK(again.has_value());
        FUZZ_CHECK(again->signers().size() == document->signers().size());
        FUZZ_CHECK(again->content().has_value() == document->content().has_value());
        FUZZ_CHECK(!document->content() || again->content()->size() == document->content()->size());
        const auto third = again->write(written->size());
        FUZZ_CHECK(third && *third == *written);
        InspectOptions options;
        options.content = document->content();
        if (const auto inspection = inspect(*document, options, limits)) {
            FUZZ_CHECK(inspection->signers.size() == document->signers().size());
            for (const Signer& signer : inspection->signers) {
                FUZZ_CHECK(signer.level == Level::kNone || signer.signature_valid);
                for (const std::size_t index : signer.path.certificates)
                    FUZZ_CHECK(index < inspection->certificates.size());
            }
            for (const Missing& missing : inspection->missing)
                FUZZ_CHECK(missing.certificate < inspection->certificates.size());
        }
    }
    (void)read_time_stamp(input, {}, limits);
    (void)read_ca_issuers(input, limits);
    if (const auto certificate = read_certificate(input, limits)) {
        RevocationRules rules;
        (void)check_ocsp(input, *certificate, *certificate, rules, limits);
        (void)check_crl(input, *certificate, *certificate, rules, limits);
    }
}
