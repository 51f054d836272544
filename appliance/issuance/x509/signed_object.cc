#include "appliance/issuance/x509/signed_object.h"

#include <openssl/objects.h>

#include "appliance/base/der.h"
#include "appliance/base/oid.h"

namespace sigillo {
namespace {

std::string_view signature_oid(const SignatureScheme& scheme) {
    const bool ecdsa = scheme.padding == SignaturePadding::kNone;
    if (scheme.hash == HashAlgorithm::kSha384) return ecdsa ? "1.2.840.10045.4.3.3" : "1.2.840.113549.1.1.12";
    return ecdsa ? "1.2.840.10045.4.3.2" : "1.2.840.113549.1.1.11";
}

struct SignedParts {
    ByteView to_be_signed;
    std::string algorithm;
    ByteView signature;
};

std::optional<SignedParts> take_apart(ByteView der) {
    DerReader outer(der);
    const auto whole = outer.next(kDerSequence);
    if (!whole || !outer.empty()) return std::nullopt;
    DerReader fields(whole->content);
    const auto to_be_signed = fields.next();
    const auto algorithm = fields.next(kDerSequence);
    const auto bits = fields.next(kDerBitString);
    if (!to_be_signed || !algorithm || !bits || bits->content.empty() || bits->content.front() != 0 ||
        !fields.empty())
        return std::nullopt;
    const auto identifier = DerReader(algorithm->content).next(kDerOid);
    const auto oid = identifier ? dotted_oid(identifier->content) : std::nullopt;
    if (!oid) return std::nullopt;
    return SignedParts{to_be_signed->whole, *oid, bits->content.subspan(1)};
}

}  // namespace

Result<Signer> Signer::create(const HsmProvider& provider, std::shared_ptr<SigningKey> key) {
    if (key == nullptr || key->public_key().algorithm == KeyAlgorithm::kEd25519)
        return fail(Errc::kInvalidArgument, "an EC or RSA key is needed to sign certificates and requests",
                    "key");
    const PublicKey public_key = key->public_key();
    SIGILLO_TRY(parse_public_key(public_key));
    SIGILLO_ASSIGN(Verifier verifier, Verifier::create(public_key));
    SIGILLO_ASSIGN(EvpKey hsm_key, provider.wrap(std::move(key)));
    // A digest as strong as the key; RSA's strength stays below SHA-256's up to 4096 bits.
    const SignatureScheme scheme{
        .padding = is_rsa(public_key.algorithm) ? SignaturePadding::kPkcs1v15 : SignaturePadding::kNone,
        .hash =
            public_key.algorithm == KeyAlgorithm::kEcP384 ? HashAlgorithm::kSha384 : HashAlgorithm::kSha256};
    return Signer{std::move(hsm_key), std::move(verifier), scheme};
}

const EVP_MD* Signer::digest() const {
    return scheme.hash == HashAlgorithm::kSha384 ? EVP_sha384() : EVP_sha256();
}

Status verify_signed(ByteView der, const Signer& signer, std::string_view what) {
    const auto parts = take_apart(der);
    if (!parts || parts->algorithm != signature_oid(signer.scheme))
        return fail(Errc::kHsmFailed, std::string(what) + ": what was signed does not say how");
    SIGILLO_ASSIGN(const bool holds,
                   signer.verifier.verify(signer.scheme, digest_of(signer.scheme.hash, parts->to_be_signed),
                                          parts->signature));
    if (!holds) return fail(Errc::kHsmFailed, std::string(what) + ": the HSM's signature does not hold");
    return {};
}

}  // namespace sigillo
