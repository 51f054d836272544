#include <gtest/gtest.h>

#include "appliance/base/aead.h"
#include "appliance/base/digest.h"
#include "appliance/base/encoding.h"

namespace sigillo {
namespace {

TEST(Digest, KnownAnswers) {
    EXPECT_EQ(hex_encode(sha256(as_bytes("abc"))),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(sha256({as_bytes("a"), as_bytes("bc")}), sha256(as_bytes("abc")));
    EXPECT_EQ(hex_encode(digest_of(HashAlgorithm::kSha384, as_bytes("abc")).bytes()).substr(0, 16),
              "cb00753f45a35e8b");
    EXPECT_EQ(hex_encode(digest_of(HashAlgorithm::kSha512, as_bytes("abc")).bytes()).substr(0, 16),
              "ddaf35a193617aba");
}

TEST(Digest, LengthMustFitTheAlgorithm) {
    const Bytes bytes(32, 7);
    EXPECT_TRUE(Digest::create(HashAlgorithm::kSha256, bytes));
    EXPECT_EQ(Digest::create(HashAlgorithm::kSha384, bytes).error().code, Errc::kInvalidArgument);
    EXPECT_FALSE(Digest::create(HashAlgorithm::kSha256, ByteView(bytes).first(31)));
    EXPECT_FALSE(hash_from_oid("1.3.14.3.2.26")) << "SHA-1";
}

TEST(Hmac, AKeyServesManyMessages) {
    const HmacKey key(as_bytes("Jefe"));
    const Sha256Value first = key.mac({as_bytes("what do ya want "), as_bytes("for nothing?")});
    EXPECT_EQ(first, hmac_sha256(as_bytes("Jefe"), {as_bytes("what do ya want for nothing?")}));
    EXPECT_NE(key.mac({as_bytes("another message")}), first);
    EXPECT_EQ(key.mac({}), hmac_sha256(as_bytes("Jefe"), {}));
    EXPECT_EQ(key.mac({as_bytes("what do ya want for nothing?")}), first);
    EXPECT_EQ(HmacKey(Bytes(131, 0xaa)).mac({as_bytes("x")}), hmac_sha256(Bytes(131, 0xaa), {as_bytes("x")}));
}

TEST(Hmac, Rfc4231Vectors) {
    EXPECT_EQ(hex_encode(hmac_sha256(Bytes(20, 0x0b), {as_bytes("Hi There")})),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    EXPECT_EQ(
        hex_encode(hmac_sha256(as_bytes("Jefe"), {as_bytes("what do ya want "), as_bytes("for nothing?")})),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(hex_encode(hmac_sha256(Bytes(131, 0xaa),
                                     {as_bytes("Test Using Larger Than Block-Size Key - Hash Key First")})),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Hkdf, Rfc5869VectorsWithAndWithoutSalt) {
    const Bytes key(22, 0x0b);
    const Bytes salt = hex_decode("000102030405060708090a0b0c").value();
    const Bytes info = hex_decode("f0f1f2f3f4f5f6f7f8f9").value();
    EXPECT_EQ(hex_encode(hkdf_sha256(key, salt, as_text(info), 42).expose()),
              "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    EXPECT_EQ(hex_encode(hkdf_sha256(key, {}, "", 42).expose()),
              "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST(Hasher, OfPiecesIsTheDigestOfTheWholeAndGoesOn) {
    for (const auto algorithm : {HashAlgorithm::kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512}) {
        Hasher hasher(algorithm);
        EXPECT_EQ(hasher.digest(), digest_of(algorithm, {}));
        hasher.update(as_bytes("to be "));
        hasher.update({});
        hasher.update(as_bytes("or not"));
        EXPECT_EQ(hasher.digest(), digest_of(algorithm, as_bytes("to be or not")));
        hasher.update(as_bytes(" to be"));
        EXPECT_EQ(hasher.digest(), digest_of(algorithm, as_bytes("to be or not to be")));
    }
}

TEST(Aead, OpensOnlyWhatBelongsTogether) {
    const Bytes key(32, 1), nonce(12, 2);
    const Bytes sealed = aead_seal(key, nonce, as_bytes("seed"), as_bytes("binding")).value();
    EXPECT_EQ(as_text(aead_open(key, nonce, sealed, as_bytes("binding")).value().expose()), "seed");
    EXPECT_EQ(aead_open(key, nonce, sealed, as_bytes("other")).error().code, Errc::kCorrupt);
    EXPECT_FALSE(aead_open(Bytes(32, 9), nonce, sealed, as_bytes("binding")));
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        Bytes damaged = sealed;
        damaged[i] ^= 1;
        EXPECT_FALSE(aead_open(key, nonce, damaged, as_bytes("binding"))) << i;
    }
}

}  // namespace
}  // namespace sigillo
