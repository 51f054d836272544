#include "appliance/issuance/ocsp/request.h"

#include "appliance/base/der.h"
#include "appliance/base/result.h"

namespace sigillo::ocsp {
namespace {

using Parsed = std::expected<OcspRequest, OcspFailure>;

// RFC 3279 §2.2.1, RFC 5754 §2: the content octets of their OBJECT IDENTIFIERs.
constexpr std::uint8_t kSha1[] = {0x2B, 0x0E, 0x03, 0x02, 0x1A};
constexpr std::uint8_t kSha256[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01};
constexpr std::uint8_t kSha384[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02};
constexpr std::uint8_t kSha512[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03};
// id-pkix-ocsp-nonce, 1.3.6.1.5.5.7.48.1.2
constexpr std::uint8_t kNonce[] = {0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02};

// An AlgorithmIdentifier: its OID and at most one element of parameters. No known one is longer.
constexpr std::size_t kMaxAlgorithmBytes = 64;
// The longest digest that names anything.
constexpr std::size_t kMaxHashBytes = 64;
// RFC 5280 §4.1.2.2: at most 20 octets, and one that keeps the number positive.
constexpr std::size_t kMaxSerialBytes = 21;

std::unexpected<OcspFailure> malformed(std::string_view what) {
    return std::unexpected(
        OcspFailure{ResponseStatus::kMalformedRequest, "OCSPRequest: " + std::string(what)});
}

NameHash name_hash_of(ByteView oid) {
    if (equal(oid, kSha1)) return NameHash::kSha1;
    if (equal(oid, kSha256)) return NameHash::kSha256;
    if (equal(oid, kSha384)) return NameHash::kSha384;
    if (equal(oid, kSha512)) return NameHash::kSha512;
    return NameHash::kUnknown;
}

// The OID of an AlgorithmIdentifier that is one; nothing otherwise.
std::optional<ByteView> algorithm_oid(ByteView algorithm) {
    DerReader outer(algorithm);
    const auto sequence = outer.next(kDerSequence);
    if (!sequence || !outer.empty()) return std::nullopt;
    DerReader parts(sequence->content);
    const auto oid = parts.next(kDerOid);
    if (!oid || !is_der_oid(oid->content)) return std::nullopt;
    if (!parts.empty() && (!parts.next() || !parts.empty())) return std::nullopt;
    return oid->content;
}

std::optional<CertId> read_cert_id(ByteView content) {
    DerReader fields(content);
    const auto algorithm = fields.next(kDerSequence);
    const auto name = fields.next(kDerOctetString);
    const auto key = fields.next(kDerOctetString);
    const auto serial = fields.next(kDerInteger);
    if (!algorithm || !name || !key || !serial || !fields.empty()) return std::nullopt;
    const auto oid = algorithm_oid(algorithm->whole);
    if (!oid || algorithm->whole.size() > kMaxAlgorithmBytes) return std::nullopt;
    if (name->content.size() > kMaxHashBytes || key->content.size() > kMaxHashBytes ||
        serial->content.size() > kMaxSerialBytes)
        return std::nullopt;
    return CertId{name_hash_of(*oid), to_bytes(algorithm->whole), to_bytes(name->content),
                  to_bytes(key->content), to_bytes(serial->content)};
}

struct Extensions {
    bool well_formed = false;
    bool unknown_critical = false;
    std::optional<ByteView> nonce;  // extnValue's content
};

// Extensions ::= SEQUENCE SIZE (1..MAX) OF SEQUENCE { extnID, critical BOOLEAN DEFAULT FALSE, extnValue }
Extensions read_extensions(ByteView explicit_content) {
    Extensions found;
    DerReader outer(explicit_content);
    const auto sequence = outer.next(kDerSequence);
    if (!sequence || !outer.empty()) return found;
    DerReader list(sequence->content);
    do {
        const auto extension = list.next(kDerSequence);
        if (!extension) return found;
        DerReader parts(extension->content);
        const auto id = parts.next(kDerOid);
        if (!id || !is_der_oid(id->content)) return found;
        bool critical = false;
        if (parts.next_is(kDerBoolean)) {
            const auto flag = parts.next();
            if (!flag || flag->content.size() != 1 || (flag->content[0] != 0 && flag->content[0] != 0xFF))
                return found;
            critical = flag->content[0] == 0xFF;
        }
        const auto value = parts.next(kDerOctetString);
        if (!value || !parts.empty()) return found;
        if (equal(id->content, kNonce)) {
            if (found.nonce) return found;
            found.nonce = value->content;
        } else if (critical) {
            found.unknown_critical = true;
        }
    } while (!list.empty());
    found.well_formed = true;
    return found;
}

std::expected<CertId, OcspFailure> read_request(DerReader& list) {
    const auto request = list.next(kDerSequence);
    if (!request) return malformed("requestList has something that is no Request");
    DerReader fields(request->content);
    const auto cert_id = fields.next(kDerSequence);
    if (!cert_id) return malformed("reqCert is missing");
    auto read = read_cert_id(cert_id->content);
    if (!read) return malformed("reqCert is malformed");
    if (fields.next_is(der_context(0))) {
        const auto wrapped = fields.next();
        const Extensions extensions = wrapped ? read_extensions(wrapped->content) : Extensions{};
        if (!extensions.well_formed) return malformed("singleRequestExtensions are malformed");
        if (extensions.unknown_critical || extensions.nonce)
            return malformed("singleRequestExtensions has one that is not understood");
    }
    if (!fields.empty()) return malformed("a Request has a field that is unknown");
    return *std::move(read);
}

struct RawRequest {
    std::vector<CertId> certificates;
    std::optional<ByteView> nonce;
};

std::expected<RawRequest, OcspFailure> read_tbs(ByteView content, const RequestLimits& limits) {
    RawRequest raw;
    DerReader fields(content);
    // X.690 §11.5: v1, the default, is not written out; there is no other.
    if (fields.next_is(der_context(0))) return malformed("version is not 1, or is written out");
    if (fields.next_is(der_context(1))) {
        const auto name = fields.next();
        DerReader inside(name ? name->content : ByteView());
        if (!inside.next() || !inside.empty()) return malformed("requestorName is malformed");
    }
    const auto sequence = fields.next(kDerSequence);
    if (!sequence) return malformed("requestList is missing");
    DerReader list(sequence->content);
    while (!list.empty()) {
        if (raw.certificates.size() == limits.max_certificates)
            return malformed("more than " + std::to_string(limits.max_certificates) + " certificates");
        SIGILLO_ASSIGN(CertId certificate, read_request(list));
        raw.certificates.push_back(std::move(certificate));
    }
    if (fields.next_is(der_context(2))) {
        const auto wrapped = fields.next();
        const Extensions extensions = wrapped ? read_extensions(wrapped->content) : Extensions{};
        if (!extensions.well_formed) return malformed("requestExtensions are malformed");
        if (extensions.unknown_critical) return malformed("a critical extension is not understood");
        raw.nonce = extensions.nonce;
    }
    if (!fields.empty()) return malformed("a field is unknown, doubled, out of order or malformed");
    return raw;
}

}  // namespace

std::size_t name_hash_size(NameHash hash) {
    switch (hash) {
        case NameHash::kSha1:
            return 20;
        case NameHash::kSha256:
            return 32;
        case NameHash::kSha384:
            return 48;
        case NameHash::kSha512:
            return 64;
        case NameHash::kUnknown:
            break;
    }
    return 0;
}

Parsed OcspRequest::parse(ByteView der, const RequestLimits& limits) {
    if (der.size() > limits.max_bytes)
        return malformed("longer than " + std::to_string(limits.max_bytes) + " octets");
    DerReader outer(der);
    const auto whole = outer.next(kDerSequence);
    if (!whole) return malformed("not a DER SEQUENCE, or its length is not what it says");
    if (!outer.empty()) return malformed("octets after its end");
    DerReader fields(whole->content);
    const auto tbs = fields.next(kDerSequence);
    if (!tbs) return malformed("tbsRequest is missing");
    if (fields.next_is(der_context(0))) {
        const auto wrapped = fields.next();
        DerReader inside(wrapped ? wrapped->content : ByteView());
        if (!inside.next(kDerSequence) || !inside.empty()) return malformed("optionalSignature is malformed");
    }
    if (!fields.empty()) return malformed("a field is unknown, doubled or malformed");
    SIGILLO_ASSIGN(RawRequest raw, read_tbs(tbs->content, limits));
    ByteView nonce;
    if (raw.nonce) {
        // RFC 8954 §2.1: Nonce ::= OCTET STRING (SIZE(1..32)), within extnValue.
        DerReader value(*raw.nonce);
        const auto inner = value.next(kDerOctetString);
        if (!inner || !value.empty() || inner->content.empty())
            return malformed("the nonce is no OCTET STRING of at least one octet");
        nonce = inner->content;
    }
    return create(std::move(raw.certificates), nonce, limits);
}

Parsed OcspRequest::create(std::vector<CertId> certificates, ByteView nonce, const RequestLimits& limits) {
    if (certificates.empty()) return malformed("requestList is empty");
    if (certificates.size() > limits.max_certificates)
        return malformed("more than " + std::to_string(limits.max_certificates) + " certificates");
    if (nonce.size() > limits.max_nonce_bytes)
        return malformed("the nonce is longer than " + std::to_string(limits.max_nonce_bytes) + " octets");
    for (CertId& certificate : certificates) {
        const auto oid = algorithm_oid(certificate.algorithm);
        if (!oid || certificate.algorithm.size() > kMaxAlgorithmBytes)
            return malformed("hashAlgorithm is malformed");
        certificate.hash = name_hash_of(*oid);
        const std::size_t size = name_hash_size(certificate.hash);
        const auto fits = [size](const Bytes& value) {
            return size != 0 ? value.size() == size : !value.empty() && value.size() <= kMaxHashBytes;
        };
        if (!fits(certificate.issuer_name_hash) || !fits(certificate.issuer_key_hash))
            return malformed("a hash is not as long as its algorithm makes it");
        if (certificate.serial.size() > kMaxSerialBytes || !is_der_integer(certificate.serial))
            return malformed("serialNumber cannot be one");
    }
    OcspRequest request;
    request.certificates_ = std::move(certificates);
    request.nonce_ = to_bytes(nonce);
    return request;
}

}  // namespace sigillo::ocsp
