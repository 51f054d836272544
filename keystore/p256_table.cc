// EC_GROUP_precompute_mult() is deprecated since 3.0, without a successor, and does what it did. Where it is
// gone, or makes no table, create() has nothing to offer and Verifier does without.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "keystore/p256_table.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>

#include <algorithm>
#include <array>
#include <utility>

namespace sigillo {
namespace {

constexpr std::size_t kOrderSize = 32;
// SEQUENCE, INTEGER, INTEGER, with a leading zero each.
constexpr std::size_t kLongestSignature = 2 + 2 * (2 + kOrderSize + 1);

// The numbers of one verification; BN_CTX_get() hands out nullptr from the first failure on.
class Numbers {
 public:
    Numbers() : context_(BN_CTX_new()) {
        if (context_ != nullptr) BN_CTX_start(context_);
    }
    ~Numbers() {
        if (context_ != nullptr) BN_CTX_end(context_);
        BN_CTX_free(context_);
    }
    Numbers(const Numbers&) = delete;
    Numbers& operator=(const Numbers&) = delete;
    BIGNUM* next() { return context_ == nullptr ? nullptr : BN_CTX_get(context_); }
    BN_CTX* context() { return context_; }

 private:
    BN_CTX* const context_;
};

struct FreePoint {
    void operator()(EC_POINT* point) const { EC_POINT_free(point); }
};
using Point = std::unique_ptr<EC_POINT, FreePoint>;

struct FreeSignature {
    void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
};
using Signature = std::unique_ptr<ECDSA_SIG, FreeSignature>;

// As ECDSA_verify() does it: what does not encode to the same bytes again is not DER.
Signature decode(ByteView der) {
    if (der.empty() || der.size() > kLongestSignature) return nullptr;
    const unsigned char* cursor = der.data();
    Signature signature(d2i_ECDSA_SIG(nullptr, &cursor, static_cast<long>(der.size())));
    if (!signature || cursor != der.data() + der.size()) return nullptr;
    std::array<std::uint8_t, kLongestSignature + 8> again{};
    const int size = i2d_ECDSA_SIG(signature.get(), nullptr);
    if (size < 0 || static_cast<std::size_t>(size) != der.size()) return nullptr;
    unsigned char* out = again.data();
    if (i2d_ECDSA_SIG(signature.get(), &out) != size || !equal(ByteView(again).first(der.size()), der))
        return nullptr;
    return signature;
}

bool within(const BIGNUM* number, const BIGNUM* order) {
    return !BN_is_zero(number) && !BN_is_negative(number) && BN_ucmp(number, order) < 0;
}

}  // namespace

std::shared_ptr<const P256Table> P256Table::create(ByteView point) {
    Group curve(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
    Group key(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
    const Point generator(curve ? EC_POINT_new(curve.get()) : nullptr);
    const bool made =
        key && generator && point.size() == 1 + 2 * kOrderSize &&
        EC_POINT_oct2point(curve.get(), generator.get(), point.data(), point.size(), nullptr) == 1 &&
        EC_GROUP_set_generator(key.get(), generator.get(), EC_GROUP_get0_order(curve.get()),
                               EC_GROUP_get0_cofactor(curve.get())) == 1 &&
        EC_GROUP_precompute_mult(key.get(), nullptr) == 1 && EC_GROUP_have_precompute_mult(key.get()) == 1;
    ERR_clear_error();
    if (!made) return nullptr;
    return std::shared_ptr<const P256Table>(new P256Table(std::move(curve), std::move(key)));
}

P256Table::Verdict P256Table::verify(ByteView digest, ByteView der) const {
    const Signature signature = decode(der);
    ERR_clear_error();
    if (!signature) return Verdict::kDoesNotHold;
    const BIGNUM* const r = ECDSA_SIG_get0_r(signature.get());
    const BIGNUM* const s = ECDSA_SIG_get0_s(signature.get());
    const BIGNUM* const order = EC_GROUP_get0_order(curve_.get());
    if (!within(r, order) || !within(s, order)) return Verdict::kDoesNotHold;

    Numbers numbers;
    BN_CTX* const context = numbers.context();
    BIGNUM* const e = numbers.next();
    BIGNUM* const inverse = numbers.next();
    BIGNUM* const u = numbers.next();
    BIGNUM* const v = numbers.next();
    BIGNUM* const x = numbers.next();
    const Point sum(EC_POINT_new(curve_.get()));
    const Point addend(EC_POINT_new(curve_.get()));
    if (x == nullptr || !sum || !addend) return Verdict::kFault;

    // u = e/s, v = r/s mod n; (x, y) = uG + vQ.
    const bool done =
        BN_bin2bn(digest.data(), static_cast<int>(std::min(digest.size(), kOrderSize)), e) != nullptr &&
        BN_mod_inverse(inverse, s, order, context) != nullptr &&
        BN_mod_mul(u, e, inverse, order, context) == 1 && BN_mod_mul(v, r, inverse, order, context) == 1 &&
        EC_POINT_mul(curve_.get(), sum.get(), u, nullptr, nullptr, context) == 1 &&
        EC_POINT_mul(key_.get(), addend.get(), v, nullptr, nullptr, context) == 1 &&
        EC_POINT_add(curve_.get(), sum.get(), sum.get(), addend.get(), context) == 1;
    if (!done) {
        ERR_clear_error();
        return Verdict::kFault;
    }
    if (EC_POINT_is_at_infinity(curve_.get(), sum.get()) == 1) return Verdict::kDoesNotHold;
    if (EC_POINT_get_affine_coordinates(curve_.get(), sum.get(), x, nullptr, context) != 1 ||
        BN_nnmod(x, x, order, context) != 1) {
        ERR_clear_error();
        return Verdict::kFault;
    }
    return BN_ucmp(x, r) == 0 ? Verdict::kHolds : Verdict::kDoesNotHold;
}

}  // namespace sigillo
