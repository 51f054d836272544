// Time-stamp requests from anybody (RFC 3161 §2.4.1), and what certificates of units are read with.
#include "appliance/base/der.h"
#include "appliance/base/oid.h"
#include "tests/fuzz/fuzz.h"
#include "tsa/request/time_stamp_request.h"

using namespace sigillo;
using namespace sigillo::tsa;

FUZZ_TARGET(input) {
    const auto request = TimeStampRequest::parse(input);
    if (request) {
        // What was taken holds its promises, and is taken again by the other process.
        FUZZ_CHECK(request->imprint().bytes().size() == digest_size(request->imprint().algorithm()));
        FUZZ_CHECK(request->nonce().size() <= RequestLimits().max_nonce_bytes);
        FUZZ_CHECK(request->nonce().empty() || is_der_integer(request->nonce()));
        FUZZ_CHECK(request->policy().empty() || is_der_oid(request->policy()));
        const auto again = TimeStampRequest::create(request->fields());
        FUZZ_CHECK(again && again->imprint() == request->imprint());
        FUZZ_CHECK(equal(again->nonce(), request->nonce()) && equal(again->policy(), request->policy()));
    } else {
        // What was refused is refused in DER.
        const Bytes rejection = encode_rejection(request.error());
        DerReader outer(rejection);
        FUZZ_CHECK(outer.next(kDerSequence).has_value() && outer.empty());
        FUZZ_CHECK(token_of(rejection).error().code == Errc::kNotFound);
    }
    (void)token_of(input);
    if (const auto oid = encode_oid(as_text(input))) FUZZ_CHECK(is_der_oid(*oid));
}
