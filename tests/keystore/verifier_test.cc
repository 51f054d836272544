#include <gtest/gtest.h>

#include "appliance/base/encoding.h"
#include "keystore/signing_key.h"

namespace sigillo {
namespace {

// RFC 6979 §A.2.5: P-256, SHA-256, "sample".
const char* const kSpki =
    "3059301306072a8648ce3d020106082a8648ce3d03010703420004"
    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
const char* const kSignature =
    "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
    "022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
constexpr SignatureScheme kScheme{SignaturePadding::kNone, HashAlgorithm::kSha256};

PublicKey known() {
    return {KeyAlgorithm::kEcP256, *hex_decode(kSpki)};
}

TEST(Verifier, AKnownSignatureHoldsForItsMessageAlone) {
    const auto verifier = Verifier::create(known());
    ASSERT_TRUE(verifier);
    const Bytes signature = *hex_decode(kSignature);
    EXPECT_TRUE(*verifier->verify(kScheme, digest_of(HashAlgorithm::kSha256, as_bytes("sample")), signature));
    EXPECT_FALSE(*verifier->verify(kScheme, digest_of(HashAlgorithm::kSha256, as_bytes("test")), signature));
}

TEST(Verifier, APointOffTheCurveIsRefused) {
    PublicKey key = known();
    key.spki.back() ^= 1;
    const auto verifier = Verifier::create(key);
    ASSERT_FALSE(verifier);
    EXPECT_EQ(verifier.error().code, Errc::kInvalidArgument);
}

TEST(Verifier, BytesBehindOrMissingAreRefused) {
    PublicKey longer = known();
    longer.spki.push_back(0);
    EXPECT_FALSE(Verifier::create(longer));
    PublicKey shorter = known();
    shorter.spki.pop_back();
    EXPECT_FALSE(Verifier::create(shorter));
    EXPECT_FALSE(Verifier::create(PublicKey{}));
}

TEST(Verifier, ACompressedPointIsTheSameKey) {
    PublicKey key = known();
    Bytes spki = *hex_decode(
        "3039301306072a8648ce3d020106082a8648ce3d030107032200"
        "03");
    append(spki, ByteView(key.spki).subspan(27, 32));
    const auto verifier = Verifier::create({KeyAlgorithm::kEcP256, spki});
    ASSERT_TRUE(verifier);
    EXPECT_TRUE(*verifier->verify(kScheme, digest_of(HashAlgorithm::kSha256, as_bytes("sample")),
                                  *hex_decode(kSignature)));
}

TEST(Verifier, ASignatureThatIsNoDerDoesNotHold) {
    const auto verifier = Verifier::create(known());
    const Digest digest = digest_of(HashAlgorithm::kSha256, as_bytes("sample"));
    Bytes signature = *hex_decode(kSignature);
    signature.pop_back();
    EXPECT_FALSE(*verifier->verify(kScheme, digest, signature));
    EXPECT_FALSE(*verifier->verify(kScheme, digest, {}));
    EXPECT_EQ(
        verifier->verify({SignaturePadding::kPss, HashAlgorithm::kSha256}, digest, signature).error().code,
        Errc::kInvalidArgument);
}

}  // namespace
}  // namespace sigillo
