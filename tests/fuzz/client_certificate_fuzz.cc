// The header in which nginx hands on a client's certificate, and RSASSA-PSS parameters.
#include "api/csc/algorithms.h"
#include "api/http/client_certificate.h"
#include "tests/fuzz/fuzz.h"

using namespace sigillo;

FUZZ_TARGET(input) {
    (void)api::spki_of_escaped_certificate(as_text(input));
    (void)api::csc::pss_hash(input);
}
