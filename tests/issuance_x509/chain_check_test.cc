#include "appliance/issuance/x509/chain_check.h"

#include <gtest/gtest.h>

#include "tests/issuance_x509/foreign_ca.h"

namespace sigillo {
namespace {

using namespace testing;

const WallTime kNow = from_unix_millis(kForeignNow * 1000);
using Words = std::vector<std::pair<std::string, std::string>>;
const Words kCaWords{{"basicConstraints", "critical,CA:TRUE"},
                     {"keyUsage", "critical,keyCertSign,cRLSign"},
                     {"subjectKeyIdentifier", "hash"}};
const Words kLeafWords{{"keyUsage", "critical,nonRepudiation"},
                       {"subjectKeyIdentifier", "hash"},
                       {"authorityKeyIdentifier", "keyid"}};

// Root → Middle → Signer; each test spoils one thing.
struct Hierarchy {
    ForeignKey root_key = ec_key();
    ForeignKey middle_key = ec_key("P-384");
    ForeignKey leaf_key = ec_key();
    ForeignSpec root{.subject = "Root", .issuer = "Root", .serial = 1, .extensions = kCaWords};
    ForeignSpec middle{.subject = "Middle", .issuer = "Root", .serial = 2, .extensions = kCaWords};
    ForeignSpec leaf{.subject = "Signer", .issuer = "Middle", .serial = 3, .extensions = kLeafWords};

    std::vector<Bytes> chain() const {
        const X509Handle r = foreign_certificate(root, root_key, root_key);
        const X509Handle m = foreign_certificate(middle, middle_key, root_key, r.get());
        const X509Handle l = foreign_certificate(leaf, leaf_key, middle_key, m.get());
        return {der_of(l.get()), der_of(m.get()), der_of(r.get())};
    }
    Result<CheckedChain> check(const ChainLimits& limits = {}) const {
        return check_chain(chain(), leaf_key.public_key(), kNow, limits);
    }
};

void expect_refused(const Result<CheckedChain>& result, const std::string& why,
                    Errc code = Errc::kInvalidArgument) {
    ASSERT_FALSE(result) << "accepted, although: " << why;
    EXPECT_EQ(result.error().code, code) << to_string(result.error());
    EXPECT_EQ(result.error().field, "chain");
    EXPECT_NE(result.error().detail.find(why), std::string::npos) << to_string(result.error());
}

TEST(ChainCheck, a_good_chain_is_accepted_with_and_without_its_root) {
    const Hierarchy h;
    auto chain = h.chain();
    const auto whole = check_chain(chain, h.leaf_key.public_key(), kNow);
    ASSERT_TRUE(whole) << to_string(whole.error());
    EXPECT_EQ(whole->certificates.size(), 3U);
    EXPECT_EQ(whole->leaf().subject_dn, "CN=Signer");
    chain.pop_back();
    const auto rootless = check_chain(chain, h.leaf_key.public_key(), kNow);
    EXPECT_TRUE(rootless) << to_string(rootless.error());
}

TEST(ChainCheck, issuers_without_key_usage_are_accepted_as_rfc_5280_has_it) {
    Hierarchy h;
    h.root.extensions = {{"basicConstraints", "critical,CA:TRUE"}};
    h.leaf.extensions = {{"keyUsage", "digitalSignature"}};
    h.middle.extensions = {{"basicConstraints", "CA:TRUE"}};
    const auto checked = h.check();
    EXPECT_TRUE(checked) << to_string(checked.error());
}

TEST(ChainCheck, rsa_and_rsa_pss_chains_are_accepted) {
    Hierarchy h;
    h.root_key = rsa_key(2048);
    h.middle_key = rsa_key(3072);
    h.root.digest = h.middle.digest = EVP_sha512();
    const auto checked = h.check();
    EXPECT_TRUE(checked) << to_string(checked.error());
}

TEST(ChainCheck, a_qualified_certificate_may_have_critical_qc_statements) {
    Hierarchy h;
    h.leaf.extensions.emplace_back("1.3.6.1.5.5.7.1.3", "critical,DER:300A3008060604008E460101");
    const auto checked = h.check();
    ASSERT_TRUE(checked) << to_string(checked.error());
    EXPECT_TRUE(checked->leaf().qualified.qc_compliance);
    EXPECT_FALSE(checked->leaf().qualified.qc_sscd);
}

struct BadChain {
    const char* name;
    void (*spoil)(Hierarchy&);
    const char* why;
};
void PrintTo(const BadChain& bad, std::ostream* out) {
    *out << bad.name;
}

class Refused : public ::testing::TestWithParam<BadChain> {};

TEST_P(Refused, with_its_reason) {
    Hierarchy h;
    GetParam().spoil(h);
    expect_refused(h.check(), GetParam().why);
}

const BadChain kBadChains[] = {
    {"leaf_not_yet_valid", [](Hierarchy& h) { h.leaf.not_before = kForeignNow + 1; },
     "chain[0]: not valid before"},
    {"leaf_expired", [](Hierarchy& h) { h.leaf.not_after = kForeignNow - 1; }, "chain[0]: expired on"},
    {"middle_expired", [](Hierarchy& h) { h.middle.not_after = kForeignNow - 1; }, "chain[1]: expired on"},
    {"root_not_yet_valid", [](Hierarchy& h) { h.root.not_before = kForeignNow + 1; },
     "chain[2]: not valid before"},
    {"leaf_is_a_ca",
     [](Hierarchy& h) { h.leaf.extensions.emplace_back("basicConstraints", "critical,CA:TRUE"); },
     "certificate is a CA's"},
    {"leaf_without_key_usage", [](Hierarchy& h) { h.leaf.extensions = {}; }, "certificate has no keyUsage"},
    {"leaf_for_encryption",
     [](Hierarchy& h) { h.leaf.extensions = {{"keyUsage", "critical,keyEncipherment,keyAgreement"}}; },
     "neither digitalSignature nor nonRepudiation"},
    {"leaf_version_1",
     [](Hierarchy& h) {
         h.leaf.version = 0;
         h.leaf.extensions = {};
     },
     "chain[0]: not an X.509 version 3"},
    {"leaf_signed_with_sha1", [](Hierarchy& h) { h.leaf.digest = EVP_sha1(); },
     "chain[0]: signature algorithm"},
    {"leaf_signed_with_sha224", [](Hierarchy& h) { h.leaf.digest = EVP_sha224(); },
     "chain[0]: signature algorithm"},
    {"middle_signed_with_md5",
     [](Hierarchy& h) {
         h.root_key = rsa_key(2048);
         h.middle.digest = EVP_md5();
     },
     "chain[1]: signature algorithm"},
    {"unknown_critical_extension",
     [](Hierarchy& h) { h.leaf.extensions.emplace_back("1.2.3.4.5", "critical,DER:0500"); },
     "chain[0]: unknown critical extension 1.2.3.4.5"},
    {"unknown_critical_extension_above",
     [](Hierarchy& h) { h.middle.extensions.emplace_back("1.2.3.4.5", "critical,DER:0500"); },
     "chain[1]: unknown critical extension 1.2.3.4.5"},
    {"extension_twice", [](Hierarchy& h) { h.leaf.extensions.emplace_back("keyUsage", "digitalSignature"); },
     "chain[0]: extension 2.5.29.15 is there twice"},
    {"issuer_is_no_ca",
     [](Hierarchy& h) { h.middle.extensions[0] = {"basicConstraints", "critical,CA:FALSE"}; },
     "chain[1]: issues certificates but is no CA"},
    {"issuer_without_basic_constraints",
     [](Hierarchy& h) { h.middle.extensions.erase(h.middle.extensions.begin()); },
     "chain[1]: issues certificates but is no CA"},
    {"root_is_no_ca", [](Hierarchy& h) { h.root.extensions[0] = {"basicConstraints", "critical,CA:FALSE"}; },
     "chain[2]: issues certificates but is no CA"},
    {"issuer_may_sign_lists_only",
     [](Hierarchy& h) { h.middle.extensions[1] = {"keyUsage", "critical,cRLSign"}; },
     "chain[1]: issues certificates but its keyUsage lacks keyCertSign"},
    {"issuer_has_another_name", [](Hierarchy& h) { h.leaf.issuer = "Somebody"; },
     "chain[0]: issuer is not the subject"},
    {"middle_from_another_root", [](Hierarchy& h) { h.middle.issuer = "Somebody"; },
     "chain[1]: issuer is not the subject"},
    {"path_too_long", [](Hierarchy& h) { h.root.extensions[0].second += ",pathlen:0"; }, "path length"},
    {"name_constraint_broken",
     [](Hierarchy& h) {
         h.middle.extensions.emplace_back("nameConstraints", "critical,permitted;email:example.org");
         h.leaf.extensions.emplace_back("subjectAltName", "email:a@example.com");
     },
     "permitted subtree violation"},
    {"weak_issuer_key", [](Hierarchy& h) { h.middle_key = rsa_key(1024); },
     "chain[1]: RSA key of 1024 bits is too short"},
    {"small_curve", [](Hierarchy& h) { h.middle_key = ec_key("P-224"); },
     "chain[1]: elliptic curve of 224 bits"},
    {"explicit_curve_in_an_issuer", [](Hierarchy& h) { h.middle_key = explicit_curve_key(); },
     "chain[1]: elliptic curve is given by explicit parameters"},
    {"explicit_curve_in_the_root", [](Hierarchy& h) { h.root_key = explicit_curve_key(); },
     "chain[2]: elliptic curve is given by explicit parameters"},
    {"negative_serial", [](Hierarchy& h) { h.leaf.serial = -5; }, "chain[0]: serial number is not positive"},
    {"malformed_qc_statements",
     [](Hierarchy& h) { h.leaf.extensions.emplace_back("1.3.6.1.5.5.7.1.3", "DER:300A3008060604008E4601"); },
     "chain[0]: qcStatements"},
    {"malformed_key_usage", [](Hierarchy& h) { h.leaf.extensions[0] = {"2.5.29.15", "DER:0500"}; },
     "chain[0]: "},
    {"malformed_basic_constraints",
     [](Hierarchy& h) { h.leaf.extensions.emplace_back("2.5.29.19", "DER:040100"); }, "chain[0]: "},
    {"path_length_without_a_ca",
     [](Hierarchy& h) { h.leaf.extensions.emplace_back("2.5.29.19", "DER:3003020101"); }, "chain[0]: "},
};
INSTANTIATE_TEST_SUITE_P(ChainCheck, Refused, ::testing::ValuesIn(kBadChains),
                         [](const auto& bad) { return bad.param.name; });

TEST(ChainCheck, the_whole_last_second_of_validity_counts) {
    Hierarchy h;
    h.leaf.not_after = kForeignNow;
    const auto chain = h.chain();
    EXPECT_TRUE(check_chain(chain, h.leaf_key.public_key(), kNow));
    EXPECT_TRUE(check_chain(chain, h.leaf_key.public_key(), kNow + std::chrono::milliseconds(999)));
    expect_refused(check_chain(chain, h.leaf_key.public_key(), kNow + std::chrono::seconds(1)), "expired");
}

TEST(ChainCheck, a_leaf_for_another_key_is_refused) {
    const Hierarchy h;
    expect_refused(check_chain(h.chain(), ec_key().public_key(), kNow), "for another key");
}

TEST(ChainCheck, a_signature_by_another_key_of_the_same_name_is_refused) {
    for (const int place : {0, 1, 2}) {
        Hierarchy h;
        h.leaf.extensions = {{"keyUsage", "nonRepudiation"}};  // no key identifier that would give it away
        h.middle.extensions = h.root.extensions = {{"basicConstraints", "critical,CA:TRUE"}};
        const ForeignKey other = ec_key("P-384");
        const X509Handle r = foreign_certificate(h.root, h.root_key, place == 2 ? other : h.root_key);
        const X509Handle m = foreign_certificate(h.middle, h.middle_key, place == 1 ? other : h.root_key);
        const X509Handle l = foreign_certificate(h.leaf, h.leaf_key, place == 0 ? other : h.middle_key);
        const std::vector<Bytes> chain{der_of(l.get()), der_of(m.get()), der_of(r.get())};
        expect_refused(check_chain(chain, h.leaf_key.public_key(), kNow),
                       "chain[" + std::to_string(place) + "]: signature does not hold");
    }
}

TEST(ChainCheck, an_issuer_with_the_right_name_but_another_key_identifier_is_refused) {
    Hierarchy h;
    const ForeignKey other = ec_key();
    const X509Handle r = foreign_certificate(h.root, h.root_key, h.root_key);
    const X509Handle m = foreign_certificate(h.middle, h.middle_key, h.root_key, r.get());
    const X509Handle o = foreign_certificate(h.middle, other, h.root_key, r.get());
    const X509Handle l = foreign_certificate(h.leaf, h.leaf_key, other, o.get());
    const std::vector<Bytes> chain{der_of(l.get()), der_of(m.get()), der_of(r.get())};
    expect_refused(check_chain(chain, h.leaf_key.public_key(), kNow), "not issued by the next certificate");
}

TEST(ChainCheck, every_wrong_order_is_refused) {
    const Hierarchy h;
    const auto good = h.chain();
    const std::vector<std::vector<Bytes>> orders{{good[0], good[2], good[1]},
                                                 {good[1], good[0], good[2]},
                                                 {good[2], good[1], good[0]},
                                                 {good[0], good[2]},
                                                 {good[0], good[1], good[1]},
                                                 {good[0], good[0], good[1]},
                                                 {good[0], good[1], good[2], good[2]},
                                                 {good[0]},
                                                 {}};
    for (const auto& chain : orders)
        EXPECT_FALSE(check_chain(chain, h.leaf_key.public_key(), kNow)) << chain.size();
}

TEST(ChainCheck, a_self_signed_leaf_is_no_chain) {
    const Hierarchy h;
    ForeignSpec spec = h.leaf;
    spec.issuer = spec.subject;
    const X509Handle l = foreign_certificate(spec, h.leaf_key, h.leaf_key);
    const std::vector<Bytes> chain{der_of(l.get())};
    expect_refused(check_chain(chain, h.leaf_key.public_key(), kNow), "fewer than 2");
    expect_refused(check_chain(chain, h.leaf_key.public_key(), kNow, {.min_certificates = 1}), "is no CA");
}

TEST(ChainCheck, bounds_are_kept) {
    const Hierarchy h;
    expect_refused(h.check({.max_certificates = 2}), "more than 2", Errc::kLimitExceeded);
    ChainLimits small;
    small.certificate.max_certificate_bytes = 100;
    expect_refused(h.check(small), "longer than 100", Errc::kLimitExceeded);
    Hierarchy large;
    large.root_key = rsa_key(3072);
    expect_refused(large.check({.max_rsa_bits = 2048}), "is too long");
    expect_refused(large.check({.min_rsa_bits = 4096}), "is too short");
}

TEST(ChainCheck, bytes_after_a_certificate_and_other_encodings_are_refused) {
    const Hierarchy h;
    auto chain = h.chain();
    chain[1].push_back(0);
    expect_refused(check_chain(chain, h.leaf_key.public_key(), kNow), "chain[1]: bytes follow");
    chain = h.chain();
    // The outer length in BER's longer form: 0x30 0x82 hi lo → 0x30 0x83 0x00 hi lo.
    ASSERT_EQ(chain[0][1], 0x82);
    chain[0][1] = 0x83;
    chain[0].insert(chain[0].begin() + 2, 0x00);
    expect_refused(check_chain(chain, h.leaf_key.public_key(), kNow), "chain[0]: not DER");
    chain[0].clear();
    expect_refused(check_chain(chain, h.leaf_key.public_key(), kNow), "chain[0]: not a DER certificate");
}

TEST(ChainCheck, no_single_bit_of_the_leaf_can_be_changed) {
    const Hierarchy h;
    auto chain = h.chain();
    const PublicKey key = h.leaf_key.public_key();
    for (std::size_t at = 0; at < chain[0].size(); ++at) {
        const auto bit = static_cast<std::uint8_t>(1U << (at % 8));
        chain[0][at] ^= bit;
        EXPECT_FALSE(check_chain(chain, key, kNow)) << "octet " << at;
        chain[0][at] ^= bit;
    }
    EXPECT_TRUE(check_chain(chain, key, kNow));
}

}  // namespace
}  // namespace sigillo
