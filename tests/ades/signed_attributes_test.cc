#include "appliance/ades/signed_attributes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

#include "appliance/base/encoding.h"
#include "tests/ades/cms_under_test.h"

namespace sigillo::ades::testing {
namespace {

constexpr SignatureScheme kEcdsa{SignaturePadding::kNone, HashAlgorithm::kSha256};
const WallTime kTime = from_unix_millis(1'795'425'300'999);  // 2026-11-23T09:15:00.999Z
const Bytes kCertificate = to_bytes("not read, only digested");
const Digest kMessage = digest_of(HashAlgorithm::kSha256, as_bytes("message"));

Result<Bytes> made(Format format, const SignedProperties& properties = {}, SignatureScheme scheme = kEcdsa) {
    const auto encoded = encode_properties(format, properties);
    if (!encoded) return std::unexpected(encoded.error());
    return signed_attributes({format, kMessage, scheme, kCertificate, kTime, *encoded});
}

std::string upper_hex(ByteView bytes) {
    std::string text = hex_encode(bytes);
    for (char& c : text) c = static_cast<char>(std::toupper(c));
    return text;
}

const std::string kCommon =
    "SET\n"
    " SEQUENCE\n"
    "  OBJECT :contentType\n"
    "  SET\n"
    "   OBJECT :pkcs7-data\n";
const std::string kTimeText =
    " SEQUENCE\n"
    "  OBJECT :signingTime\n"
    "  SET\n"
    "   UTCTIME :261123091500Z\n";
// Digest algorithm without parameters, signature algorithm under an implicit [1].
const std::string kRest =
    " SEQUENCE\n"
    "  OBJECT :1.2.840.113549.1.9.52\n"
    "  SET\n"
    "   SEQUENCE\n"
    "    SEQUENCE\n"
    "     OBJECT :sha256\n"
    "    cont [ 1 ]\n"
    "     OBJECT :ecdsa-with-SHA256\n"
    " SEQUENCE\n"
    "  OBJECT :messageDigest\n"
    "  SET\n"
    "   OCTET STRING [HEX DUMP]:" +
    upper_hex(kMessage.bytes()) +
    "\n"
    " SEQUENCE\n"
    "  OBJECT :id-smime-aa-signingCertificateV2\n"
    "  SET\n"
    "   SEQUENCE\n"
    "    SEQUENCE\n"
    "     SEQUENCE\n"
    "      OCTET STRING [HEX DUMP]:" +
    upper_hex(sha256(kCertificate)) + "\n";

TEST(SignedAttributes, CadesIsWhatOpensslReadsHere) {
    EXPECT_EQ(asn1parse(made(Format::kCades).value()), kCommon + kTimeText + kRest);
}

TEST(SignedAttributes, PadesNeverSaysATime) {
    const Bytes der = made(Format::kPades).value();
    EXPECT_EQ(asn1parse(der), kCommon + kRest);
}

TEST(SignedAttributes, AreTheSameBytesForTheSameInputsAndInTheOrderOfDer) {
    SignedProperties properties;
    properties.mime_type = "application/pdf";
    properties.commitment_types = {"1.2.840.113549.1.9.16.6.5", "1.2.840.113549.1.9.16.6.1"};
    const Bytes first = made(Format::kCades, properties).value();
    std::ranges::reverse(properties.commitment_types);
    EXPECT_EQ(first, made(Format::kCades, properties).value()) << "a SET has no order of the caller's";
    // Every attribute sorts after the one before, by its octets (X.690 11.6).
    const std::string text = asn1parse(first);
    EXPECT_LT(text.find(":contentType"), text.find(":0.4.0.1733.2.1"));
    EXPECT_LT(text.find(":0.4.0.1733.2.1"), text.find(":signingTime"));
    EXPECT_LT(text.find(":signingTime"), text.find(":messageDigest"));
}

TEST(SignedAttributes, AlgorithmsAreSpelledOutForEachScheme) {
    const Digest message = digest_of(HashAlgorithm::kSha384, as_bytes("message"));
    const auto text = [&](SignaturePadding padding) {
        const EncodedProperties none;
        return asn1parse(
            signed_attributes(
                {Format::kPades, message, {padding, HashAlgorithm::kSha384}, kCertificate, kTime, none})
                .value());
    };
    EXPECT_NE(
        text(SignaturePadding::kPkcs1v15)
            .find("    SEQUENCE\n     OBJECT :sha384\n    cont [ 1 ]\n     OBJECT :sha384WithRSAEncryption\n"
                  "     NULL\n"),
        std::string::npos);
    EXPECT_NE(text(SignaturePadding::kNone).find("     OBJECT :ecdsa-with-SHA384\n"), std::string::npos);
    EXPECT_NE(text(SignaturePadding::kPss)
                  .find("     OBJECT :rsassaPss\n"
                        "     SEQUENCE\n"
                        "      cont [ 0 ]\n"
                        "       SEQUENCE\n"
                        "        OBJECT :sha384\n"
                        "        NULL\n"
                        "      cont [ 1 ]\n"
                        "       SEQUENCE\n"
                        "        OBJECT :mgf1\n"
                        "        SEQUENCE\n"
                        "         OBJECT :sha384\n"
                        "         NULL\n"
                        "      cont [ 2 ]\n"
                        "       INTEGER :30\n"),  // 48, in hexadecimal
              std::string::npos);
}

TEST(SignedAttributes, ATimeIsAUtcTimeUntil2049AndAGeneralizedTimeElsewhere) {
    const auto text = [](std::int64_t seconds) {
        return asn1parse(encode_signing_time(from_unix_millis(seconds * 1'000 + 999)).value());
    };
    EXPECT_EQ(text(0), "UTCTIME :700101000000Z\n");
    EXPECT_EQ(text(2'524'607'999), "UTCTIME :491231235959Z\n");
    EXPECT_EQ(text(2'524'608'000), "GENERALIZEDTIME :20500101000000Z\n");
    EXPECT_EQ(text(-631'152'000), "UTCTIME :500101000000Z\n");
    EXPECT_EQ(text(-631'152'001), "GENERALIZEDTIME :19491231235959Z\n");
    EXPECT_EQ(encode_signing_time(from_unix_millis(253'402'300'800'000)).error().code,
              Errc::kInvalidArgument);
}

TEST(SignedAttributes, WhatDoesNotFitTogetherIsRefused) {
    EXPECT_EQ(made(Format::kCades, {}, {SignaturePadding::kPss, HashAlgorithm::kSha512}).error().code,
              Errc::kInvalidArgument);
    const EncodedProperties none;
    EXPECT_FALSE(signed_attributes({Format::kCades, kMessage, kEcdsa, {}, kTime, none}));
}

}  // namespace
}  // namespace sigillo::ades::testing
