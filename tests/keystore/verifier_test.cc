#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "appliance/base/encoding.h"
#include "appliance/base/random.h"
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

using EvpKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Bytes rsa_signature(EVP_PKEY* key, bool pss, const Digest& digest) {
    const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(EVP_PKEY_CTX_new(key, nullptr),
                                                                              &EVP_PKEY_CTX_free);
    Bytes signature(256);
    std::size_t size = signature.size();
    const bool made =
        EVP_PKEY_sign_init(context.get()) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(context.get(), pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) == 1 &&
        EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) == 1 &&
        (!pss || EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), RSA_PSS_SALTLEN_DIGEST) == 1) &&
        EVP_PKEY_sign(context.get(), signature.data(), &size, digest.bytes().data(), digest.bytes().size()) ==
            1;
    return made ? signature : Bytes();
}

TEST(Verifier, ServesSeveralThreadsAndSchemesAndForgetsABadSignature) {
    const EvpKey key(EVP_RSA_gen(2048), &EVP_PKEY_free);
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(key.get(), &der);
    ASSERT_GT(size, 0);
    const auto verifier =
        Verifier::create({KeyAlgorithm::kRsa2048, Bytes(der, der + static_cast<std::size_t>(size))});
    OPENSSL_free(der);
    ASSERT_TRUE(verifier);
    const Digest digest = digest_of(HashAlgorithm::kSha256, as_bytes("sample"));
    const std::array signatures{rsa_signature(key.get(), false, digest),
                                rsa_signature(key.get(), true, digest)};
    std::atomic<int> wrong{0};
    std::vector<std::jthread> threads;
    for (std::size_t thread = 0; thread < 4; ++thread)
        threads.emplace_back([&, thread] {
            for (std::size_t turn = thread; turn < thread + 60; ++turn) {
                // Each scheme with its own signature, and with the other's.
                const bool pss = turn % 2 == 1, fits = turn % 3 != 0;
                const SignatureScheme scheme{pss ? SignaturePadding::kPss : SignaturePadding::kPkcs1v15,
                                             HashAlgorithm::kSha256};
                const auto verdict = verifier->verify(scheme, digest, signatures[pss == fits ? 1 : 0]);
                if (!verdict || *verdict != fits) ++wrong;
            }
        });
    threads.clear();
    EXPECT_EQ(wrong, 0);
}

// ---- create_for_many(): another way to the same verdicts ------------------------------------------

template <auto kFree>
struct Freed {
    template <class T>
    void operator()(T* object) const {
        kFree(object);
    }
};
using Number = std::unique_ptr<BIGNUM, Freed<BN_free>>;
using Group = std::unique_ptr<EC_GROUP, Freed<EC_GROUP_free>>;
using Point = std::unique_ptr<EC_POINT, Freed<EC_POINT_free>>;
using Context = std::unique_ptr<BN_CTX, Freed<BN_CTX_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

Bytes der_integer(Bytes value) {
    while (value.size() > 1 && value.front() == 0 && value[1] < 0x80) value.erase(value.begin());
    if (value.front() >= 0x80) value.insert(value.begin(), 0);
    Bytes der{0x02, static_cast<std::uint8_t>(value.size())};
    append(der, value);
    return der;
}

Bytes der_signature(const Bytes& r, const Bytes& s) {
    Bytes content = der_integer(r);
    append(content, der_integer(s));
    Bytes der{0x30, static_cast<std::uint8_t>(content.size())};
    append(der, content);
    return der;
}

Bytes bytes_of(const BIGNUM* number) {
    Bytes bytes(32);
    EXPECT_EQ(BN_bn2binpad(number, bytes.data(), 32), 32);
    return bytes;
}

Digest as_digest(ByteView bytes) {
    return *Digest::create(HashAlgorithm::kSha256, bytes);
}

// Both verifiers of one key, asked at once.
class BothWays {
 public:
    explicit BothWays(const PublicKey& key)
        : usual_(*Verifier::create(key)), table_(*Verifier::create_for_many(key)) {}
    bool operator()(const Digest& digest, ByteView signature) const {
        const SignatureScheme scheme{SignaturePadding::kNone, digest.algorithm()};
        const auto expected = usual_.verify(scheme, digest, signature);
        const auto found = table_.verify(scheme, digest, signature);
        EXPECT_TRUE(expected && found);
        EXPECT_EQ(*expected, *found) << hex_encode(digest.bytes()) << " " << hex_encode(signature);
        return *found;
    }

 private:
    const Verifier usual_;
    const Verifier table_;
};

struct MadeKey {
    Key key;
    PublicKey public_key;
};

MadeKey make_key() {
    MadeKey made{Key(EVP_EC_gen("P-256")), {KeyAlgorithm::kEcP256, {}}};
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(made.key.get(), &der);
    EXPECT_GT(size, 0);
    made.public_key.spki.assign(der, der + size);
    OPENSSL_free(der);
    return made;
}

Bytes sign(EVP_PKEY* key, const Digest& digest) {
    const std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>> context(EVP_PKEY_CTX_new(key, nullptr));
    Bytes signature(80);
    std::size_t size = signature.size();
    EXPECT_EQ(EVP_PKEY_sign_init(context.get()), 1);
    EXPECT_EQ(
        EVP_PKEY_sign(context.get(), signature.data(), &size, digest.bytes().data(), digest.bytes().size()),
        1);
    signature.resize(size);
    return signature;
}

TEST(VerifierForMany, HoldsWhereTheUsualOneDoesAndNowhereElse) {
    SystemRandom random;
    for (int round = 0; round < 4; ++round) {
        const MadeKey made = make_key();
        const BothWays verify(made.public_key);
        for (int i = 0; i < 100; ++i) {
            const Digest digest = as_digest(random.bytes(32));
            const Bytes signature = sign(made.key.get(), digest);
            EXPECT_TRUE(verify(digest, signature));
            EXPECT_FALSE(verify(as_digest(random.bytes(32)), signature));
            Bytes bent = signature;
            const Bytes dice = random.bytes(2);
            bent[dice[0] % bent.size()] ^= static_cast<std::uint8_t>(1U << (dice[1] % 8));
            EXPECT_FALSE(verify(digest, bent));
        }
    }
}

TEST(VerifierForMany, TakesTheLeftmostBitsOfALongerDigest) {
    const MadeKey made = make_key();
    const BothWays verify(made.public_key);
    for (const HashAlgorithm hash : {HashAlgorithm::kSha384, HashAlgorithm::kSha512}) {
        const Digest digest = digest_of(hash, as_bytes("sample"));
        EXPECT_TRUE(verify(digest, sign(made.key.get(), digest)));
        EXPECT_FALSE(verify(digest, sign(made.key.get(), digest_of(hash, as_bytes("test")))));
    }
}

TEST(VerifierForMany, NumbersOutsideOneToTheOrderDoNotHold) {
    const BothWays verify(known());
    const Digest digest = digest_of(HashAlgorithm::kSha256, as_bytes("sample"));
    const Bytes order = *hex_decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    const Bytes r = *hex_decode("efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716");
    const Bytes s = *hex_decode("f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
    const Bytes zero{0}, all(32, 0xFF);
    EXPECT_TRUE(verify(digest, der_signature(r, s)));
    for (const Bytes& wrong : {zero, order, all}) {
        EXPECT_FALSE(verify(digest, der_signature(wrong, s)));
        EXPECT_FALSE(verify(digest, der_signature(r, wrong)));
    }
    // s + n and r + n name the same residues, and are refused all the same.
    const Context context(BN_CTX_new());
    for (const bool first : {true, false}) {
        const Bytes& small = first ? r : s;
        const Number a(BN_bin2bn(small.data(), 32, nullptr)), b(BN_bin2bn(order.data(), 32, nullptr));
        ASSERT_EQ(BN_add(a.get(), a.get(), b.get()), 1);
        Bytes sum(33);
        ASSERT_EQ(BN_bn2binpad(a.get(), sum.data(), 33), 33);
        EXPECT_FALSE(verify(digest, first ? der_signature(sum, s) : der_signature(r, sum)));
    }
}

TEST(VerifierForMany, WhatIsNotDerDoesNotHold) {
    const BothWays verify(known());
    const Digest digest = digest_of(HashAlgorithm::kSha256, as_bytes("sample"));
    const Bytes good = *hex_decode(kSignature);
    EXPECT_TRUE(verify(digest, good));
    EXPECT_FALSE(verify(digest, {}));
    for (std::size_t size = 0; size < good.size(); ++size)
        EXPECT_FALSE(verify(digest, ByteView(good).first(size)));
    Bytes behind = good;
    behind.push_back(0);
    EXPECT_FALSE(verify(digest, behind));
    Bytes long_form = good;  // 30 81 46: a length in more octets than it needs
    long_form.insert(long_form.begin() + 1, 0x81);
    EXPECT_FALSE(verify(digest, long_form));
    Bytes padded = good;  // a zero more before r
    padded[1] += 1;
    padded[3] += 1;
    padded.insert(padded.begin() + 4, 0);
    EXPECT_FALSE(verify(digest, padded));
}

// With the generator itself for a public key the two products can be equal, opposite, or nothing.
TEST(VerifierForMany, SumsOfEqualOppositeAndAbsentPointsAreRight) {
    const Context context(BN_CTX_new());
    const Group group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
    const BIGNUM* const order = EC_GROUP_get0_order(group.get());
    PublicKey key = known();
    ASSERT_EQ(EC_POINT_point2oct(group.get(), EC_GROUP_get0_generator(group.get()),
                                 POINT_CONVERSION_UNCOMPRESSED, key.spki.data() + 26, 65, context.get()),
              65U);
    const BothWays verify(key);

    const Number k(BN_new()), r(BN_new()), s(BN_new()), e(BN_new()), inverse(BN_new());
    ASSERT_EQ(BN_set_word(k.get(), 0xC0FFEE), 1);
    const Point point(EC_POINT_new(group.get()));
    ASSERT_EQ(EC_POINT_mul(group.get(), point.get(), k.get(), nullptr, nullptr, context.get()), 1);
    ASSERT_EQ(EC_POINT_get_affine_coordinates(group.get(), point.get(), r.get(), nullptr, context.get()), 1);
    ASSERT_EQ(BN_nnmod(r.get(), r.get(), order, context.get()), 1);
    ASSERT_NE(BN_mod_inverse(inverse.get(), k.get(), order, context.get()), nullptr);
    const auto sign_with = [&](const BIGNUM* digest) {  // s = (e + r·1)/k
        EXPECT_EQ(BN_mod_add(s.get(), digest, r.get(), order, context.get()), 1);
        EXPECT_EQ(BN_mod_mul(s.get(), s.get(), inverse.get(), order, context.get()), 1);
        return der_signature(bytes_of(r.get()), bytes_of(s.get()));
    };
    EXPECT_TRUE(verify(as_digest(bytes_of(r.get())), sign_with(r.get()))) << "e = r: a doubling";
    BN_zero(e.get());
    EXPECT_TRUE(verify(as_digest(Bytes(32)), sign_with(e.get()))) << "e = 0: the first product is nothing";
    EXPECT_TRUE(verify(as_digest(bytes_of(order)), sign_with(e.get()))) << "e = n: likewise";
    ASSERT_EQ(BN_sub(e.get(), order, r.get()), 1);
    EXPECT_FALSE(verify(as_digest(bytes_of(e.get())), der_signature(bytes_of(r.get()), bytes_of(k.get()))))
        << "e = -r: the sum is nothing";
}

TEST(VerifierForMany, OtherKindsOfKeysAreVerifiedAsUsual) {
    PublicKey compressed = known();
    compressed.spki = *hex_decode(
        "3039301306072a8648ce3d020106082a8648ce3d030107032200"
        "03");
    append(compressed.spki, ByteView(known().spki).subspan(27, 32));
    EXPECT_TRUE(
        BothWays(compressed)(digest_of(HashAlgorithm::kSha256, as_bytes("sample")), *hex_decode(kSignature)));
    PublicKey off = known();
    off.spki.back() ^= 1;
    EXPECT_EQ(Verifier::create_for_many(off).error().code, Errc::kInvalidArgument);
}

}  // namespace
}  // namespace sigillo
