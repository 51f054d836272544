#include "appliance/issuance/x509/issuer_hashes.h"

#include <optional>
#include <string>

#include "appliance/base/der.h"
#include "keystore/openssl/handles.h"

namespace sigillo {
namespace {

constexpr std::uint8_t kVersion = der_context(0);  // EXPLICIT

Result<Bytes> hash(ByteView bytes, const std::string& digest) {
    const EVP_MD* algorithm = EVP_get_digestbyname(digest.c_str());
    if (algorithm == nullptr) return fail(Errc::kInvalidArgument, "no digest named " + digest, "digest");
    Bytes out(EVP_MAX_MD_SIZE);
    unsigned size = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), out.data(), &size, algorithm, nullptr) != 1)
        return fail(Errc::kInternal, "libcrypto cannot compute " + digest);
    out.resize(size);
    return out;
}

// SubjectPublicKeyInfo ::= SEQUENCE { algorithm AlgorithmIdentifier, subjectPublicKey BIT STRING }
std::optional<ByteView> key_bits_of(ByteView spki) {
    DerReader outer(spki);
    const auto sequence = outer.next(kDerSequence);
    if (!sequence || !outer.empty()) return std::nullopt;
    DerReader fields(sequence->content);
    if (!fields.next(kDerSequence)) return std::nullopt;
    const auto bits = fields.next(kDerBitString);
    if (!bits || bits->content.empty() || !fields.empty()) return std::nullopt;
    return bits->content.subspan(1);
}

struct Subject {
    ByteView name;
    ByteView spki;
};

// RFC 5280 §4.1: version, serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, …
std::optional<Subject> subject_of(ByteView certificate) {
    DerReader outer(certificate);
    const auto whole = outer.next(kDerSequence);
    if (!whole) return std::nullopt;
    DerReader parts(whole->content);
    const auto tbs = parts.next(kDerSequence);
    if (!tbs) return std::nullopt;
    DerReader fields(tbs->content);
    for (const std::uint8_t tag : {kVersion, kDerInteger, kDerSequence, kDerSequence, kDerSequence})
        if (!fields.next(tag)) return std::nullopt;
    const auto name = fields.next();
    const auto spki = fields.next();
    if (!name || name->tag != kDerSequence || !spki || spki->tag != kDerSequence) return std::nullopt;
    return Subject{name->whole, spki->whole};
}

}  // namespace

Result<IssuerHashes> issuer_hashes(ByteView ca_certificate, std::string_view digest) {
    const auto subject = subject_of(ca_certificate);
    const auto bits = subject ? key_bits_of(subject->spki) : std::nullopt;
    if (!bits) return fail(Errc::kInvalidArgument, "not a v3 certificate", "certificate");
    IssuerHashes hashes;
    SIGILLO_ASSIGN(hashes.name, hash(subject->name, std::string(digest)));
    SIGILLO_ASSIGN(hashes.key, hash(*bits, std::string(digest)));
    return hashes;
}

Result<Bytes> responder_key_hash(ByteView spki) {
    const auto bits = key_bits_of(spki);
    if (!bits) return fail(Errc::kInvalidArgument, "not a SubjectPublicKeyInfo", "key");
    return hash(*bits, "SHA1");
}

}  // namespace sigillo
