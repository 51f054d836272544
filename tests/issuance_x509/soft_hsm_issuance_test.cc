// The whole way with a real token: CA key and signers' keys in SoftHSM, through the provider, to what the
// openssl command line makes of it. SoftHSM itself lives on libcrypto's default context all the while.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "appliance/issuance/x509/certificate_authority.h"
#include "appliance/issuance/x509/certificate_request.h"
#include "tests/support/openssl_command.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/soft_token.h"

namespace sigillo {
namespace {

using namespace testing;
using ::testing::HasSubstr;

CertificateAuthorityConfig test_config() {
    CertificateAuthorityConfig config;
    config.crl_url = "http://127.0.0.1:8082/ca.crl";
    config.ca_issuers_url = "http://127.0.0.1:8082/ca.der";
    return config;
}

Subject mario() {
    return {.country = "IT", .given_name = "Mario", .surname = "Rossi", .identifier = "0123456789abcdef"};
}

class SoftHsmIssuance : public ::testing::Test {
 protected:
    std::unique_ptr<CertificateAuthority> make(KeyStore& store) {
        auto provider = HsmProvider::create();
        if (!provider) throw std::runtime_error(to_string(provider.error()));
        provider_ = *std::move(provider);
        auto key = store.role_key(KeyRole::kCa);
        if (!key) throw std::runtime_error(to_string(key.error()));
        const auto der =
            CertificateAuthority::make_ca_certificate(*provider_, *key, test_config(), clock_, random_);
        if (!der) throw std::runtime_error(to_string(der.error()));
        auto ca = CertificateAuthority::create(*provider_, *key, *der, test_config(), clock_, random_);
        if (!ca) throw std::runtime_error(to_string(ca.error()));
        return *std::move(ca);
    }

    ScratchDirectory scratch_;
    SystemClock clock_;
    SystemRandom random_;
    std::unique_ptr<HsmProvider> provider_;
};

class WithEveryCaKey : public SoftHsmIssuance, public ::testing::WithParamInterface<KeyAlgorithm> {};

TEST_P(WithEveryCaKey, certificates_lists_and_requests_hold_before_the_openssl_command) {
    const SoftToken token(Through::kModule, GetParam());
    const auto store = token.open();
    const auto ca = make(*store);
    const std::string ca_file = write_pem(scratch_, "ca.pem", "CERTIFICATE", ca->certificate());
    for (const auto algorithm : {KeyAlgorithm::kEcP256, KeyAlgorithm::kEcP384, KeyAlgorithm::kRsa2048}) {
        const auto generated = store->generate(algorithm);
        ASSERT_TRUE(generated) << to_string(generated.error());
        const auto issued = ca->issue(generated->public_key, mario(), CertificateClass::kAdvanced);
        ASSERT_TRUE(issued) << to_string(issued.error());
        const std::vector<RevokedCertificate> revoked{
            {issued->serial_hex, clock_.now(), RevocationReason::kCertificateHold}};
        const auto before = ca->make_crl({}, 1);
        const auto after = ca->make_crl(revoked, 2);
        ASSERT_TRUE(before && after);
        const std::string leaf = write_pem(scratch_, "leaf.pem", "CERTIFICATE", issued->der);
        const auto verify = [&](const Bytes& crl) {
            return openssl({"verify", "-x509_strict", "-CAfile", ca_file, "-crl_check", "-CRLfile",
                            write_pem(scratch_, "crl.pem", "X509 CRL", crl), leaf});
        };
        const auto good = verify(*before);
        EXPECT_EQ(good.exit_code, 0) << good.output;
        EXPECT_THAT(verify(*after).output, HasSubstr("certificate revoked"));

        auto key = store->unwrap(generated->wrapped, generated->public_key);
        ASSERT_TRUE(key) << to_string(key.error());
        const auto request = make_certificate_request(*provider_, *key, mario());
        ASSERT_TRUE(request) << to_string(request.error());
        const auto shown = openssl({"req", "-verify", "-noout", "-in",
                                    write_pem(scratch_, "csr.pem", "CERTIFICATE REQUEST", *request)});
        EXPECT_EQ(shown.exit_code, 0) << shown.output;
        EXPECT_THAT(shown.output, HasSubstr("verify OK"));
    }
}

INSTANTIATE_TEST_SUITE_P(SoftHsm, WithEveryCaKey,
                         ::testing::Values(KeyAlgorithm::kEcP256, KeyAlgorithm::kEcP384),
                         [](const auto& key) {
                             return key.param == KeyAlgorithm::kEcP256 ? "P256" : "P384";
                         });

TEST_F(SoftHsmIssuance, logins_digests_and_new_tokens_work_on_beside_the_provider) {
    const SoftToken first;
    const auto store = first.open();
    const auto ca = make(*store);
    // Another login, on another token, after the provider is up: what a provider in the default context
    // broke.
    const SoftToken second;
    const auto other = second.open();
    ASSERT_TRUE(other->mac(MacRole::kRecords, as_bytes("x")));
    std::atomic<int> failed{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 30; ++i) {
                const auto generated = other->generate(KeyAlgorithm::kEcP256);
                if (!generated || !ca->issue(generated->public_key, mario(), CertificateClass::kSimple))
                    ++failed;
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(failed, 0);
}

TEST_F(SoftHsmIssuance, a_device_error_of_the_token_is_the_error_that_the_caller_sees) {
    const SoftToken token(Through::kShim);
    const auto store = token.open();
    const auto ca = make(*store);
    const auto generated = store->generate(KeyAlgorithm::kEcP256);
    ASSERT_TRUE(generated);
    SoftHsm::instance().set_faults("C_Sign rv=0x30");
    const auto failed = ca->issue(generated->public_key, mario(), CertificateClass::kSimple);
    SoftHsm::instance().set_faults("");
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Errc::kHsmFailed) << to_string(failed.error());
    EXPECT_EQ(failed.error().native, 0x30);
    SoftHsm::instance().set_faults("C_Sign corrupt=1");
    const auto corrupted = ca->issue(generated->public_key, mario(), CertificateClass::kSimple);
    SoftHsm::instance().set_faults("");
    ASSERT_FALSE(corrupted);
    EXPECT_EQ(corrupted.error().code, Errc::kHsmFailed) << to_string(corrupted.error());
    const auto again = ca->issue(generated->public_key, mario(), CertificateClass::kSimple);
    EXPECT_TRUE(again) << to_string(again.error());
}

}  // namespace
}  // namespace sigillo
