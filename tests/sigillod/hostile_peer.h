// What the tests of hostile peers share: a daemon whose lockout does not get into their way, the contract,
// and somebody to attack.
#pragma once

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/sigillod/attacker.h"
#include "tests/sigillod/contract.h"
#include "tests/sigillod/daemon_under_test.h"

namespace sigillo::testing {

class HostilePeer : public ::testing::Test {
 protected:
    static void SetUpTestSuite() {
        DaemonOptions options;
        // No lockout and no budget may hide what a factor is worth: a hundred tries a credential, and every
        // order has credentials of its own.
        options.activation_keys =
            "tries = 100\ntries_until_officer = 1000\nclient_failures = 1000000\n"
            "argon2_memory_kib = 8192\nargon2_passes = 1\n";
        daemon_ = new DaemonUnderTest(std::move(options));
        daemon_->provision();
        daemon_->start();
        contract_ = new Contract(Contract::read(SIGILLO_SAM_PROTO));
    }
    static void TearDownTestSuite() {
        delete contract_;
        delete daemon_;
    }
    static inline DaemonUnderTest* daemon_ = nullptr;
    static inline Contract* contract_ = nullptr;
};

inline std::uint32_t code(const sam::SigningResponse& answer) {
    return answer.has_error() ? answer.error().code() : 0;
}
inline constexpr std::uint32_t number(Errc errc) {
    return static_cast<std::uint32_t>(errc);
}

// A signer whose factors the attacker has not, and a credential that takes them.
struct Victim {
    std::string signer;
    std::string credential;
    std::string policy;  // over totp and pin
    std::set<std::string> factors;
    SecretBytes seed;  // of the TOTP; empty without one

    static Victim make(ClientUnderTest& client, const std::string& policy);
    // By the signer: one signature, or what was answered instead.
    sam::SigningResponse sign(const ClientUnderTest& client, const Bytes& hash) const;
};

}  // namespace sigillo::testing
