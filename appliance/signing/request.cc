#include "appliance/signing/request.h"

namespace sigillo::signing {

Bytes request_digest(const SignRequest& request) {
    Bytes message;
    append(message, request.documents.empty() ? "sigillo signHash 1" : "sigillo signDocuments 1");
    append(message, request.client.str());      // ids have one length,
    append(message, request.credential.str());  // so no separator is needed
    message.push_back(static_cast<std::uint8_t>(request.scheme.padding));
    message.push_back(static_cast<std::uint8_t>(request.scheme.hash));
    append_u32(message, static_cast<std::uint32_t>(request.hashes.size()));
    for (const Digest& hash : request.hashes) append(message, hash.bytes());
    for (const DocumentToSign& document : request.documents) {
        message.push_back(static_cast<std::uint8_t>(document.format));
        append(message, document.message.bytes());
        append_u32(message, static_cast<std::uint32_t>(document.properties.attributes.size()));
        // DER tells where each ends.
        for (const Bytes& attribute : document.properties.attributes) append(message, ByteView(attribute));
    }
    return to_bytes(ByteView(sha256(message)));
}

std::string scheme_name(SignatureScheme scheme) {
    const char* kind = scheme.padding == SignaturePadding::kNone       ? "ecdsa-"
                       : scheme.padding == SignaturePadding::kPkcs1v15 ? "rsa-pkcs1v15-"
                                                                       : "rsa-pss-";
    return kind + std::string(hash_name(scheme.hash));
}

}  // namespace sigillo::signing
