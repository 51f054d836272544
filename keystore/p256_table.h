// ECDSA verification on P-256 under one public key that many signatures are checked with.
//
// A verification is two multiplications of points: one of the curve's generator, for which libcrypto has a
// table, and one of the public key, for which it has none and which takes four times as long. Made the
// generator of a group of its own, the key gets the same kind of table. The equation is then put together
// here, from libcrypto's arithmetic; everything else of the library's own verification is the same.
//
// Internal to keystore: Verifier::create_for_many().
#pragma once

#include <openssl/ec.h>

#include <memory>

#include "appliance/base/bytes.h"

namespace sigillo {

// Immutable; thread-safe.
class P256Table {
 public:
    // `point`: uncompressed, 65 bytes. 150 KiB, and some 20 ms of work. nullptr when it is no point of the
    // curve, or this libcrypto makes no tables: verify as usual then.
    static std::shared_ptr<const P256Table> create(ByteView point);

    enum class Verdict { kHolds, kDoesNotHold, kFault };
    // `digest`: of at least one byte; of more than 32 the leftmost 32 count. `signature`: DER
    // ECDSA-Sig-Value, in the one form that DER allows. FIPS 186-5 §6.4.2. kFault: libcrypto had no memory.
    Verdict verify(ByteView digest, ByteView signature) const;

 private:
    struct Free {
        void operator()(EC_GROUP* group) const { EC_GROUP_free(group); }
    };
    using Group = std::unique_ptr<EC_GROUP, Free>;

    P256Table(Group curve, Group key) : curve_(std::move(curve)), key_(std::move(key)) {}

    const Group curve_;
    const Group key_;  // the same curve, with the public key for its generator
};

}  // namespace sigillo
