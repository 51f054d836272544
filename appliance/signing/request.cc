#include "appliance/signing/request.h"

namespace sigillo::signing {

Bytes request_digest(const SignRequest& request) {
    Bytes message;
    append(message, "sigillo signHash 1");
    append(message, request.client.str());      // ids have one length,
    append(message, request.credential.str());  // so no separator is needed
    message.push_back(static_cast<std::uint8_t>(request.scheme.padding));
    message.push_back(static_cast<std::uint8_t>(request.scheme.hash));
    append_u32(message, static_cast<std::uint32_t>(request.hashes.size()));
    for (const Digest& hash : request.hashes) append(message, hash.bytes());
    return to_bytes(ByteView(sha256(message)));
}

std::string scheme_name(SignatureScheme scheme) {
    const char* kind = scheme.padding == SignaturePadding::kNone       ? "ecdsa-"
                       : scheme.padding == SignaturePadding::kPkcs1v15 ? "rsa-pkcs1v15-"
                                                                       : "rsa-pss-";
    return kind + std::string(hash_name(scheme.hash));
}

}  // namespace sigillo::signing
