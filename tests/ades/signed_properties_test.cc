#include "appliance/ades/signed_properties.h"

#include <gtest/gtest.h>

#include <cctype>
#include <functional>

#include "appliance/base/encoding.h"
#include "tests/ades/cms_under_test.h"

namespace sigillo::ades::testing {
namespace {

std::string only_one(const SignedProperties& properties) {
    const auto encoded = encode_properties(Format::kCades, properties);
    if (!encoded) return to_string(encoded.error());
    if (encoded->attributes.size() != 1) return std::to_string(encoded->attributes.size()) + " attributes";
    return asn1parse(encoded->attributes.front());
}

TEST(SignedProperties, CommitmentTypeIndication) {
    SignedProperties properties;
    properties.commitment_types = {"1.2.840.113549.1.9.16.6.1", "2.999.7"};
    EXPECT_EQ(only_one(properties),
              "SEQUENCE\n"
              " OBJECT :id-smime-aa-ets-commitmentType\n"
              " SET\n"
              "  SEQUENCE\n"
              "   OBJECT :2.999.7\n"
              "  SEQUENCE\n"
              "   OBJECT :id-smime-cti-ets-proofOfOrigin\n");
}

TEST(SignedProperties, SignerLocation) {
    SignedProperties properties;
    properties.signer_location = SignerLocation{"IT", "Forli", {"Via Roma 1", "47121 Forli"}};
    EXPECT_EQ(only_one(properties),
              "SEQUENCE\n"
              " OBJECT :id-smime-aa-ets-signerLocation\n"
              " SET\n"
              "  SEQUENCE\n"
              "   cont [ 0 ]\n"
              "    UTF8STRING :IT\n"
              "   cont [ 1 ]\n"
              "    UTF8STRING :Forli\n"
              "   cont [ 2 ]\n"
              "    SEQUENCE\n"
              "     UTF8STRING :Via Roma 1\n"
              "     UTF8STRING :47121 Forli\n");
    properties.signer_location = SignerLocation{"", "Forli", {}};
    EXPECT_EQ(only_one(properties),
              "SEQUENCE\n"
              " OBJECT :id-smime-aa-ets-signerLocation\n"
              " SET\n"
              "  SEQUENCE\n"
              "   cont [ 1 ]\n"
              "    UTF8STRING :Forli\n");
}

TEST(SignedProperties, SignaturePolicyIdentifier) {
    const Digest hash = digest_of(HashAlgorithm::kSha384, as_bytes("policy"));
    std::string hex = hex_encode(hash.bytes());
    for (char& c : hex) c = static_cast<char>(std::toupper(c));
    const std::string begin =
        "SEQUENCE\n"
        " OBJECT :id-smime-aa-ets-sigPolicyId\n"
        " SET\n"
        "  SEQUENCE\n"
        "   OBJECT :1.3.6.1.4.1.99999.1\n"
        "   SEQUENCE\n"
        "    SEQUENCE\n"
        "     OBJECT :sha384\n"
        "    OCTET STRING [HEX DUMP]:" +
        hex + "\n";
    SignedProperties properties;
    properties.signature_policy = SignaturePolicy{"1.3.6.1.4.1.99999.1", hash, ""};
    EXPECT_EQ(only_one(properties), begin);
    properties.signature_policy->uri = "https://example.com/policy.pdf";
    EXPECT_EQ(only_one(properties), begin +
                                        "   SEQUENCE\n"
                                        "    SEQUENCE\n"
                                        "     OBJECT :id-smime-spq-ets-sqt-uri\n"
                                        "     IA5STRING :https://example.com/policy.pdf\n");
}

TEST(SignedProperties, ContentHintsAndMimeType) {
    SignedProperties properties;
    properties.content_hints = ContentHints{"text/plain", ""};
    EXPECT_EQ(only_one(properties),
              "SEQUENCE\n"
              " OBJECT :id-smime-aa-contentHint\n"
              " SET\n"
              "  SEQUENCE\n"
              "   UTF8STRING :text/plain\n"
              "   OBJECT :pkcs7-data\n");
    properties.content_hints = ContentHints{"", "1.2.3.4"};
    EXPECT_EQ(only_one(properties),
              "SEQUENCE\n"
              " OBJECT :id-smime-aa-contentHint\n"
              " SET\n"
              "  SEQUENCE\n"
              "   OBJECT :1.2.3.4\n");
    properties = {};
    properties.mime_type = "application/pdf";
    EXPECT_EQ(only_one(properties),
              "SEQUENCE\n"
              " OBJECT :0.4.0.1733.2.1\n"
              " SET\n"
              "  UTF8STRING :application/pdf\n");
}

TEST(SignedProperties, APdfSaysItsPlaceAndItsContentElsewhere) {
    SignedProperties location;
    location.signer_location = SignerLocation{"IT", "", {}};
    SignedProperties hints;
    hints.content_hints = ContentHints{"a contract", ""};
    SignedProperties mime;
    mime.mime_type = "application/pdf";
    for (const SignedProperties& properties : {location, hints, mime}) {
        EXPECT_TRUE(encode_properties(Format::kCades, properties));
        const auto refused = encode_properties(Format::kPades, properties);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, Errc::kInvalidArgument);
        EXPECT_EQ(refused.error().field, "signed_props");
    }
}

TEST(SignedProperties, EachBoundAndEachMistakeIsToldByName) {
    struct Wrong {
        std::string property;
        std::function<void(SignedProperties&)> make;
        Errc code = Errc::kInvalidArgument;
    };
    const Digest hash = digest_of(HashAlgorithm::kSha256, as_bytes("policy"));
    const auto location = [](const SignerLocation& what) {
        return [what](SignedProperties& p) { p.signer_location = what; };
    };
    const auto policy = [](const SignaturePolicy& what) {
        return [what](SignedProperties& p) { p.signature_policy = what; };
    };
    const auto mime = [](const std::string& what) {
        return [what](SignedProperties& p) { p.mime_type = what; };
    };
    const auto commitment = [](const std::vector<std::string>& what) {
        return [what](SignedProperties& p) { p.commitment_types = what; };
    };
    const auto hints = [](const ContentHints& what) {
        return [what](SignedProperties& p) { p.content_hints = what; };
    };
    const std::vector<Wrong> wrongs{
        {"commitment-type-indication", commitment({"proofOfOrigin"})},
        {"commitment-type-indication", commitment({"1.2.3", "1.2.3"})},
        {"commitment-type-indication", commitment({""})},
        {"commitment-type-indication", commitment({"1.2." + std::string(200, '3')}), Errc::kLimitExceeded},
        {"commitment-type-indication",
         commitment({"1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "1.8", "1.9"}), Errc::kLimitExceeded},
        {"signer-location", location({})},
        {"signer-location", location({"", "", {""}})},
        {"signer-location", location({"", "", {"1", "2", "3", "4", "5", "6", "7"}}), Errc::kLimitExceeded},
        {"signer-location", location({"IT", std::string(257, 'x'), {}}), Errc::kLimitExceeded},
        {"signer-location", location({"IT", "\xC3", {}})},
        {"signer-location", location({"IT", "Roma\nNapoli", {}})},
        {"signer-location", location({"IT", "Roma \xE2\x80\xAEiloapN", {}})},
        {"signature-policy-identifier", policy({"policy", hash, ""})},
        {"signature-policy-identifier", policy({"1.2.3", hash, "https://example.com/a b"})},
        {"signature-policy-identifier", policy({"1.2.3", hash, std::string(1'025, 'x')}),
         Errc::kLimitExceeded},
        {"content-hints", hints({"", ""})},
        {"content-hints", hints({"", "1.2.840.113549.1.7.1"})},
        {"content-hints", hints({"x", "y"})},
        {"content-hints", hints({std::string(257, 'x'), ""}), Errc::kLimitExceeded},
        {"mime-type", mime("pdf")},
        {"mime-type", mime("application/")},
        {"mime-type", mime("/pdf")},
        {"mime-type", mime("application/p df")},
        {"mime-type", mime("application/pdf\n")},
        {"mime-type", mime("ｔext/plain")},
        {"mime-type", mime("text/" + std::string(300, 'x')), Errc::kLimitExceeded},
    };
    for (const Wrong& wrong : wrongs) {
        SignedProperties properties;
        wrong.make(properties);
        const auto refused = encode_properties(Format::kCades, properties);
        ASSERT_FALSE(refused) << wrong.property;
        EXPECT_EQ(refused.error().code, wrong.code) << refused.error().detail;
        EXPECT_EQ(refused.error().field, "signed_props");
        EXPECT_TRUE(refused.error().detail.starts_with(wrong.property + ": ")) << refused.error().detail;
    }
    SignedProperties fine;
    fine.mime_type = "text/plain; charset=utf-8";
    EXPECT_TRUE(encode_properties(Format::kCades, fine));
}

}  // namespace
}  // namespace sigillo::ades::testing
