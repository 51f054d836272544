// A CA of libcrypto's own for tests: certificates for units, good ones and each kind of bad one.
#pragma once

#include <openssl/types.h>

#include <optional>
#include <string>

#include "appliance/base/clock.h"
#include "keystore/algorithms.h"

namespace sigillo::tsa::testing {

struct CertificateOptions {
    std::string subject = "Test TSU";
    std::string extended_key_usage = "critical,timeStamping";  // libcrypto's spelling; empty: none
    std::string key_usage = "critical,digitalSignature";
    std::string basic_constraints = "critical,CA:FALSE";
    std::chrono::seconds valid_from = std::chrono::hours(-1);  // from now
    std::chrono::seconds valid_until = std::chrono::days(800);
    std::optional<std::chrono::seconds> key_from;  // privateKeyUsagePeriod, from now
    std::optional<std::chrono::seconds> key_until;
};

// Throws std::runtime_error when libcrypto fails: a test cannot go on then.
class TestCa {
 public:
    explicit TestCa(const std::string& name = "Test CA");
    ~TestCa();
    TestCa(const TestCa&) = delete;
    TestCa& operator=(const TestCa&) = delete;

    const Bytes& certificate() const { return certificate_; }
    Bytes issue(ByteView spki, const CertificateOptions& options = {});

 private:
    EVP_PKEY* key_ = nullptr;
    X509* x509_ = nullptr;
    Bytes certificate_;
    long serial_ = 1000;
};

std::string pem_of(ByteView certificate);

}  // namespace sigillo::tsa::testing
