#include "appliance/signing/to_be_signed.h"

#include <algorithm>

#include "appliance/ades/signed_attributes.h"

namespace sigillo::signing {

Result<ToBeSigned> what_to_sign(const SignRequest& request, ByteView certificate, WallTime now) {
    ToBeSigned made;
    if (request.documents.empty()) {
        made.digests = request.hashes;
        return made;
    }
    if (certificate.empty()) return fail(Errc::kDisabled, "the credential has no certificate yet");
    made.certificate = to_bytes(certificate);
    made.digests.reserve(request.documents.size());
    made.signed_attributes.reserve(request.documents.size());
    for (const DocumentToSign& document : request.documents) {
        SIGILLO_ASSIGN(Bytes attributes,
                       ades::signed_attributes({document.format, document.message, request.scheme,
                                                certificate, now, document.properties}));
        made.digests.push_back(digest_of(request.scheme.hash, attributes));
        made.signed_attributes.push_back(std::move(attributes));
    }
    return made;
}

bool says_the_time(const SignRequest& request) {
    return std::ranges::any_of(request.documents, [](const DocumentToSign& document) {
        return document.format == ades::Format::kCades;
    });
}

}  // namespace sigillo::signing
