// Activation policies and click evidence.
#include "appliance/activation/click.h"
#include "appliance/activation/policy.h"
#include "tests/fuzz/fuzz.h"

using namespace sigillo;

FUZZ_TARGET(input) {
    if (const auto policy = activation::Policy::parse(as_text(input))) {
        const auto again = activation::Policy::parse(policy->text(), activation::kStoredPolicyLimits);
        FUZZ_CHECK(again && again->text() == policy->text());
        FUZZ_CHECK(!policy->evaluate({}));
        FUZZ_CHECK(policy->evaluate(policy->words()));
    }
    if (const auto evidence = activation::parse_click(as_text(input), {})) {
        FUZZ_CHECK(evidence->nonce.size() >= 16);
        FUZZ_CHECK(evidence->hashes_sha256.size() == 32);
    }
}
