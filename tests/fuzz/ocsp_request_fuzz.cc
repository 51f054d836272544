// OCSP requests from anybody (RFC 6960 §4.1).
#include <algorithm>

#include "appliance/base/der.h"
#include "appliance/issuance/ocsp/request.h"
#include "tests/fuzz/fuzz.h"

using namespace sigillo;
using namespace sigillo::ocsp;

FUZZ_TARGET(input) {
    const auto request = OcspRequest::parse(input);
    if (!request) {
        FUZZ_CHECK(request.error().status == ResponseStatus::kMalformedRequest);
        FUZZ_CHECK(response_status(encode_failure(request.error().status)) == request.error().status);
        return;
    }
    // What was taken holds its promises, and is taken again by the other process.
    const RequestLimits limits;
    FUZZ_CHECK(!request->certificates().empty() && request->certificates().size() <= limits.max_certificates);
    FUZZ_CHECK(request->nonce().size() <= limits.max_nonce_bytes);
    for (const CertId& id : request->certificates()) {
        FUZZ_CHECK(is_der_integer(id.serial) && id.serial.size() <= 21);
        FUZZ_CHECK(id.hash == NameHash::kUnknown || id.issuer_key_hash.size() == name_hash_size(id.hash));
    }
    const auto again = OcspRequest::create({request->certificates().begin(), request->certificates().end()},
                                           request->nonce());
    FUZZ_CHECK(again && std::ranges::equal(again->certificates(), request->certificates()));
    // And answered in DER.
    const std::vector<SingleStatus> statuses(request->certificates().size());
    const Bytes data = encode_response_data({.responder_key_hash = input.first(0),
                                             .certificates = request->certificates(),
                                             .statuses = statuses,
                                             .nonce = request->nonce()});
    DerReader outer(data);
    FUZZ_CHECK(outer.next(kDerSequence).has_value() && outer.empty());
}
