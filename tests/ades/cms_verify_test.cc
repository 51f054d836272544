// SignedAttributes of ours in a CMS, judged by the openssl command: with each algorithm, and not when
// anything is changed.
#include <gtest/gtest.h>

#include <algorithm>

#include "appliance/ades/signed_attributes.h"
#include "appliance/base/der.h"
#include "appliance/base/file.h"
#include "tests/ades/cms_under_test.h"

namespace sigillo::ades::testing {
namespace {

using sigillo::testing::openssl;
using sigillo::testing::ScratchDirectory;

const SignedProperties& all_properties() {
    static const SignedProperties kAll{
        {"1.2.840.113549.1.9.16.6.1", "1.2.840.113549.1.9.16.6.5"},
        SignerLocation{"IT", "Forlì", {"Via Roma 1", "47121 Forlì"}},
        SignaturePolicy{"1.3.6.1.4.1.99999.1", digest_of(HashAlgorithm::kSha256, as_bytes("policy")),
                        "https://example.com/policy.pdf"},
        ContentHints{"a contract", ""},
        "application/pdf",
    };
    return kAll;
}

struct Case {
    const char* name;
    std::vector<std::string> key;
    SignatureScheme scheme;
};

const std::vector<std::string> kRsa2048{"-newkey", "rsa:2048"};
const std::vector<std::string> kRsa3072{"-newkey", "rsa:3072"};
const std::vector<std::string> kP256{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"};
const std::vector<std::string> kP384{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"};

class CmsVerify : public ::testing::TestWithParam<Case> {
 protected:
    static Bytes attributes(const ForeignSigner& signer, Format format, const SignedProperties& properties) {
        const auto encoded = encode_properties(format, properties);
        EXPECT_TRUE(encoded) << to_string(encoded.error());
        const Digest message = digest_of(GetParam().scheme.hash, as_bytes(kContent));
        const auto made = signed_attributes({format, message, GetParam().scheme, signer.certificate(),
                                             from_unix_millis(1'795'425'300'123), *encoded});
        EXPECT_TRUE(made);
        return *made;
    }
    bool verifies(const ForeignSigner& signer, ByteView cms, std::string_view content = kContent) {
        EXPECT_TRUE(write_file_durably(scratch_ / "cms", cms));
        EXPECT_TRUE(write_file_durably(scratch_ / "content", as_bytes(content)));
        const auto result =
            openssl({"cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in",
                     (scratch_ / "cms").string(), "-content", (scratch_ / "content").string(), "-CAfile",
                     signer.certificate_file(), "-purpose", "any", "-out", "/dev/null"});
        words_ = result.output;
        return result.exit_code == 0;
    }

    static constexpr std::string_view kContent = "a contract between two parties\n";
    const ScratchDirectory scratch_;
    std::string words_;
};

TEST_P(CmsVerify, CadesWithEveryPropertyAndPadesAreAcceptedAndEachChangeIsNot) {
    const ForeignSigner signer("Ada Lovelace", GetParam().key);
    const SignatureScheme scheme = GetParam().scheme;
    SignedProperties in_a_pdf;
    in_a_pdf.commitment_types = all_properties().commitment_types;
    in_a_pdf.signature_policy = all_properties().signature_policy;
    for (const auto& [format, properties] :
         {std::pair(Format::kCades, all_properties()), std::pair(Format::kCades, SignedProperties{}),
          std::pair(Format::kPades, in_a_pdf), std::pair(Format::kPades, SignedProperties{})}) {
        const Bytes signed_attributes = attributes(signer, format, properties);
        const Bytes signature = signer.sign(scheme, signed_attributes);
        EXPECT_TRUE(
            verifies(signer, detached_cms(signer.certificate(), scheme, signed_attributes, signature)))
            << words_;
        EXPECT_FALSE(verifies(signer,
                              detached_cms(signer.certificate(), scheme, signed_attributes, signature),
                              "a contract between three parties\n"));
        Bytes changed = signed_attributes;
        changed[changed.size() / 2] ^= 1;
        EXPECT_FALSE(verifies(signer, detached_cms(signer.certificate(), scheme, changed, signature)));
    }
}

TEST_P(CmsVerify, AttributesThatNameAnotherCertificateAreNotAccepted) {
    const ForeignSigner signer("Ada Lovelace", GetParam().key);
    const ForeignSigner other("Charles Babbage", GetParam().key);
    const Bytes made = attributes(signer, Format::kPades, {});
    // The signature is the other's and right: it is signing-certificate-v2 that names somebody else.
    EXPECT_FALSE(verifies(other, detached_cms(other.certificate(), GetParam().scheme, made,
                                              other.sign(GetParam().scheme, made))));
}

INSTANTIATE_TEST_SUITE_P(
    Algorithms, CmsVerify,
    ::testing::Values(
        Case{"Rsa2048Pkcs1", kRsa2048, {SignaturePadding::kPkcs1v15, HashAlgorithm::kSha256}},
        Case{"Rsa2048Pkcs1Sha512", kRsa2048, {SignaturePadding::kPkcs1v15, HashAlgorithm::kSha512}},
        Case{"Rsa3072Pss", kRsa3072, {SignaturePadding::kPss, HashAlgorithm::kSha256}},
        Case{"Rsa3072PssSha384", kRsa3072, {SignaturePadding::kPss, HashAlgorithm::kSha384}},
        Case{"Rsa3072PssSha512", kRsa3072, {SignaturePadding::kPss, HashAlgorithm::kSha512}},
        Case{"P256", kP256, {SignaturePadding::kNone, HashAlgorithm::kSha256}},
        Case{"P384", kP384, {SignaturePadding::kNone, HashAlgorithm::kSha384}},
        Case{"P384Sha256", kP384, {SignaturePadding::kNone, HashAlgorithm::kSha256}}),
    [](const auto& chosen) { return std::string(chosen.param.name); });

// content-type, message-digest and signing-time are what openssl itself makes, byte for byte.
TEST(CmsCompare, TheAttributesThatOpensslMakesTooAreTheSame) {
    const ScratchDirectory scratch;
    const ForeignSigner signer("Ada Lovelace", kP256);
    const std::string_view content = "a contract\n";
    ASSERT_TRUE(write_file_durably(scratch / "content", as_bytes(content)));
    const auto made =
        openssl({"cms", "-sign", "-cades", "-binary", "-md", "sha256", "-in", (scratch / "content").string(),
                 "-signer", signer.certificate_file(), "-inkey", signer.key_file(), "-nosmimecap", "-outform",
                 "DER", "-out", (scratch / "cms").string()});
    ASSERT_EQ(made.exit_code, 0) << made.output;
    const Bytes cms = read_file(scratch / "cms").value();
    const auto ours = signed_attributes({Format::kCades,
                                         digest_of(HashAlgorithm::kSha256, as_bytes(content)),
                                         {SignaturePadding::kNone, HashAlgorithm::kSha256},
                                         signer.certificate(),
                                         from_unix_millis(1'795'425'300'123),
                                         *encode_properties(Format::kCades, {})});
    ASSERT_TRUE(ours);
    DerReader outer(*ours);
    int found = 0;
    for (DerReader attributes(outer.next(kDerSet).value().content); !attributes.empty();) {
        const DerElement attribute = attributes.next(kDerSequence).value();
        found += std::ranges::search(cms, attribute.whole).empty() ? 0 : 1;
    }
    EXPECT_EQ(found, 2) << "content-type and message-digest";
    // The time is openssl's own: its attribute, without the digits, is ours.
    const auto time = encode_signing_time(from_unix_millis(1'795'425'300'123));
    ASSERT_TRUE(time);
    const Bytes head =
        concat(as_bytes("\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x09\x05\x31\x0F"), ByteView(*time).first(4));
    EXPECT_FALSE(std::ranges::search(*ours, head).empty());
    EXPECT_FALSE(std::ranges::search(cms, head).empty());
}

}  // namespace
}  // namespace sigillo::ades::testing
