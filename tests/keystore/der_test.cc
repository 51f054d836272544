#include "keystore/pkcs11/der.h"

#include <gtest/gtest.h>

#include "appliance/base/encoding.h"
#include "appliance/base/random.h"
#include "keystore/signing_key.h"

namespace sigillo::pkcs11 {
namespace {

Bytes hex(std::string_view text) {
    return *hex_decode(text);
}

TEST(Der, SignatureIntegersAreMinimalAndPositive) {
    // r = 1 behind zeros; s has its first bit set and needs a zero in front.
    EXPECT_EQ(*ecdsa_sig_value(hex("0000000180000000")), hex("300a02010102050080000000"));
    EXPECT_EQ(*ecdsa_sig_value(hex("7fff0080")), hex("300802027fff02020080"));
}

TEST(Der, AFullP384SignatureHasTheShortestLengths) {
    Bytes raw(96, 0xff);
    const auto der = ecdsa_sig_value(raw);
    ASSERT_TRUE(der);
    EXPECT_EQ(der->size(), 104u);
    EXPECT_EQ(hex_encode(ByteView(*der).first(5)), "3066023100");
}

TEST(Der, AZeroOrAnOddLengthIsNoSignature) {
    EXPECT_EQ(ecdsa_sig_value(hex("00000001")).error().code, Errc::kHsmFailed);
    EXPECT_EQ(ecdsa_sig_value(hex("00010000")).error().code, Errc::kHsmFailed);
    EXPECT_EQ(ecdsa_sig_value(hex("000100")).error().code, Errc::kHsmFailed);
    EXPECT_EQ(ecdsa_sig_value({}).error().code, Errc::kHsmFailed);
}

TEST(Der, DigestInfoIsThatOfRfc8017) {
    const auto prefix = [](HashAlgorithm hash) {
        const Bytes info = digest_info(digest_of(hash, {}));
        return hex_encode(ByteView(info).first(info.size() - digest_size(hash)));
    };
    EXPECT_EQ(prefix(HashAlgorithm::kSha256), "3031300d060960864801650304020105000420");
    EXPECT_EQ(prefix(HashAlgorithm::kSha384), "3041300d060960864801650304020205000430");
    EXPECT_EQ(prefix(HashAlgorithm::kSha512), "3051300d060960864801650304020305000440");
}

TEST(Der, PointsAreTakenWrappedAndBare) {
    // The generator of P-256.
    const Bytes point =
        hex("046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
            "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5");
    const Bytes wrapped = concat(hex("0441"), point);
    const auto bare = ec_public_key(KeyAlgorithm::kEcP256, point);
    ASSERT_TRUE(bare);
    EXPECT_EQ(*bare, *ec_public_key(KeyAlgorithm::kEcP256, wrapped));
    EXPECT_EQ(hex_encode(ByteView(bare->spki).first(26)),
              "3059301306072a8648ce3d020106082a8648ce3d030107034200");
    EXPECT_TRUE(Verifier::create(*bare));
    EXPECT_FALSE(ec_public_key(KeyAlgorithm::kEcP384, point));
    EXPECT_FALSE(ec_public_key(KeyAlgorithm::kEcP256, ByteView(point).first(64)));
}

TEST(Der, Ed25519HasNoParameters) {
    const Bytes point(32, 0x11);
    EXPECT_EQ(hex_encode(ByteView(ec_public_key(KeyAlgorithm::kEd25519, point)->spki).first(12)),
              "302a300506032b6570032100");
}

TEST(Der, AnRsaModulusOfAnotherSizeIsRefused) {
    Bytes modulus(256, 0xc1);
    EXPECT_TRUE(rsa_public_key(KeyAlgorithm::kRsa2048, modulus, hex("010001")));
    EXPECT_TRUE(
        Verifier::create(*rsa_public_key(KeyAlgorithm::kRsa2048, concat(hex("00"), modulus), hex("010001"))));
    EXPECT_FALSE(rsa_public_key(KeyAlgorithm::kRsa3072, modulus, hex("010001")));
    modulus[0] = 0x41;
    EXPECT_FALSE(rsa_public_key(KeyAlgorithm::kRsa2048, modulus, hex("010001")));
    EXPECT_FALSE(rsa_public_key(KeyAlgorithm::kRsa2048, {}, {}));
}

}  // namespace
}  // namespace sigillo::pkcs11
