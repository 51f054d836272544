#include "tsa/request/time_stamp_request.h"

#include <array>
#include <string>

#include "appliance/base/der.h"

namespace sigillo::tsa {
namespace {

using Parsed = std::expected<TimeStampRequest, TspFailure>;

// RFC 5754 §2
constexpr std::uint8_t kSha256Oid[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01};
constexpr std::uint8_t kSha384Oid[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02};
constexpr std::uint8_t kSha512Oid[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03};
// Known, and refused by name: RFC 3370 §2.
constexpr std::uint8_t kSha1Oid[] = {0x2B, 0x0E, 0x03, 0x02, 0x1A};
constexpr std::uint8_t kMd5Oid[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x02, 0x05};

constexpr const char* kOffered = "use SHA-256, SHA-384 or SHA-512";

std::unexpected<TspFailure> refuse(PkiFailureInfo info, std::string text) {
    return std::unexpected(TspFailure{info, std::move(text)});
}
std::unexpected<TspFailure> malformed(std::string_view what) {
    return refuse(PkiFailureInfo::kBadDataFormat, "TimeStampReq: " + std::string(what));
}

std::optional<HashAlgorithm> hash_of(ByteView oid) {
    for (const auto hash : {HashAlgorithm::kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512})
        if (equal(oid, hash_oid_content(hash))) return hash;
    return std::nullopt;
}

// A MessageImprint with the octets of its algorithm's OBJECT IDENTIFIER, known or not.
struct RawImprint {
    ByteView oid;
    ByteView parameters;  // the whole element, or empty
    ByteView digest;
};

// MessageImprint ::= SEQUENCE { hashAlgorithm AlgorithmIdentifier, hashedMessage OCTET STRING }
std::optional<RawImprint> read_imprint(DerReader& request) {
    const auto imprint = request.next(kDerSequence);
    if (!imprint) return std::nullopt;
    DerReader fields(imprint->content);
    const auto algorithm = fields.next(kDerSequence);
    const auto digest = fields.next(kDerOctetString);
    if (!algorithm || !digest || !fields.empty()) return std::nullopt;
    // RFC 5280 §4.1.1.2: AlgorithmIdentifier ::= SEQUENCE { algorithm OBJECT IDENTIFIER, parameters ANY
    // OPTIONAL }
    DerReader parts(algorithm->content);
    const auto oid = parts.next(kDerOid);
    if (!oid || !is_der_oid(oid->content)) return std::nullopt;
    RawImprint raw{oid->content, {}, digest->content};
    if (!parts.empty()) {
        const auto parameters = parts.next();
        if (!parameters || !parts.empty()) return std::nullopt;
        raw.parameters = parameters->whole;
    }
    return raw;
}

// RFC 5280 §4.1: Extensions ::= SEQUENCE SIZE (1..MAX) OF SEQUENCE { extnID, critical DEFAULT FALSE,
// extnValue }
bool are_extensions(ByteView content) {
    DerReader list(content);
    do {
        const auto extension = list.next(kDerSequence);
        if (!extension) return false;
        DerReader parts(extension->content);
        const auto id = parts.next(kDerOid);
        if (!id || !is_der_oid(id->content)) return false;
        if (parts.next_is(kDerBoolean)) {
            const auto critical = parts.next();
            if (!critical || critical->content.size() != 1) return false;
        }
        if (!parts.next(kDerOctetString) || !parts.empty()) return false;
    } while (!list.empty());
    return true;
}

// The whole of the request, judged as DER only: what it asks for comes after.
struct RawRequest {
    ByteView version;
    RawImprint imprint;
    ByteView policy;
    ByteView nonce;
    bool cert_req = false;
    bool extensions = false;
};

std::expected<RawRequest, TspFailure> read_request(ByteView der) {
    DerReader outer(der);
    const auto request = outer.next(kDerSequence);
    if (!request) return malformed("not a DER SEQUENCE, or its length is not what it says");
    if (!outer.empty()) return malformed("octets after its end");
    DerReader fields(request->content);
    RawRequest raw;

    const auto version = fields.next(kDerInteger);
    if (!version || !is_der_integer(version->content)) return malformed("version is no INTEGER");
    raw.version = version->content;
    const auto imprint = read_imprint(fields);
    if (!imprint) return malformed("messageImprint is malformed");
    raw.imprint = *imprint;

    if (fields.next_is(kDerOid)) {
        const auto policy = fields.next();
        if (!policy || !is_der_oid(policy->content)) return malformed("reqPolicy is malformed");
        raw.policy = policy->content;
    }
    if (fields.next_is(kDerInteger)) {
        const auto nonce = fields.next();
        if (!nonce || !is_der_integer(nonce->content))
            return malformed("nonce is not an INTEGER in its shortest form");
        raw.nonce = nonce->content;
    }
    if (fields.next_is(kDerBoolean)) {
        // X.690 §11.1: TRUE is 0xFF. A FALSE that is written out breaks §11.5, but encoders that do it are
        // common and nothing hangs on it: the request is not echoed.
        const auto wanted = fields.next();
        if (!wanted || wanted->content.size() != 1 ||
            (wanted->content[0] != 0x00 && wanted->content[0] != 0xFF))
            return malformed("certReq is no DER BOOLEAN");
        raw.cert_req = wanted->content[0] == 0xFF;
    }
    if (fields.next_is(der_context(0))) {
        const auto extensions = fields.next();
        if (!extensions || !are_extensions(extensions->content)) return malformed("extensions are malformed");
        raw.extensions = true;
    }
    if (!fields.empty()) return malformed("a field is unknown, doubled, out of order or malformed");
    return raw;
}

}  // namespace

ByteView hash_oid_content(HashAlgorithm hash) {
    switch (hash) {
        case HashAlgorithm::kSha256:
            return kSha256Oid;
        case HashAlgorithm::kSha384:
            return kSha384Oid;
        case HashAlgorithm::kSha512:
            return kSha512Oid;
    }
    return {};
}

Parsed TimeStampRequest::parse(ByteView der, const RequestLimits& limits) {
    if (der.size() > limits.max_bytes)
        return malformed("longer than " + std::to_string(limits.max_bytes) + " octets");
    SIGILLO_ASSIGN(const RawRequest raw, read_request(der));

    // RFC 3161 §2.4.1: "version … (currently v1)".
    if (raw.version.size() != 1 || raw.version[0] != 1)
        return refuse(PkiFailureInfo::kBadRequest, "TimeStampReq: version is not 1");
    // §2.4.1: "If the TSA does not recognize the hash algorithm or knows that the hash algorithm is weak …,
    // then the TSA SHOULD refuse to provide the time-stamp token by returning a pkiStatusInfo of 'bad_alg'".
    // ETSI TS 119 312 says which are weak.
    const auto hash = hash_of(raw.imprint.oid);
    if (!hash) {
        const char* name = equal(raw.imprint.oid, kSha1Oid)  ? "SHA-1 is not accepted any more"
                           : equal(raw.imprint.oid, kMd5Oid) ? "MD5 is not accepted any more"
                                                             : "hash algorithm is not known";
        return refuse(PkiFailureInfo::kBadAlg, std::string("messageImprint: ") + name + "; " + kOffered);
    }
    // RFC 5754 §2: parameters absent or NULL.
    constexpr std::array<std::uint8_t, 2> kNull{kDerNull, 0};
    if (!raw.imprint.parameters.empty() && !equal(raw.imprint.parameters, kNull))
        return refuse(PkiFailureInfo::kBadAlg, "messageImprint: the hash algorithm takes no parameters");
    const RequestFields fields{*hash,      raw.imprint.digest, !raw.imprint.parameters.empty(),
                               raw.policy, raw.nonce,          raw.cert_req};
    auto request = create(fields, limits);
    // §2.4.1: "if an extension, whether it is marked critical or not critical, is used by a requester but is
    // not recognized by a time-stamping server, the server SHALL NOT issue a token and SHALL return a
    // failure".
    if (request && raw.extensions)
        return refuse(PkiFailureInfo::kUnacceptedExtension, "TimeStampReq: no extension is accepted");
    return request;
}

Parsed TimeStampRequest::create(const RequestFields& fields, const RequestLimits& limits) {
    if (hash_oid_content(fields.hash).empty())
        return refuse(PkiFailureInfo::kBadAlg,
                      std::string("messageImprint: hash algorithm is not known; ") + kOffered);
    // §2.4.1: "the length of the hash MUST match the length of the hash value for that algorithm".
    const auto imprint = Digest::create(fields.hash, fields.digest);
    if (!imprint)
        return refuse(PkiFailureInfo::kBadDataFormat,
                      "messageImprint: " + std::to_string(fields.digest.size()) + " octets are no " +
                          std::string(hash_name(fields.hash)) + " digest");
    if (!fields.policy.empty() && !is_der_oid(fields.policy)) return malformed("reqPolicy is malformed");
    if (fields.policy.size() > limits.max_policy_bytes)
        return refuse(PkiFailureInfo::kUnacceptedPolicy, "reqPolicy: this TSA has no such policy");
    if (!fields.nonce.empty() && !is_der_integer(fields.nonce))
        return malformed("nonce is not an INTEGER in its shortest form");
    if (fields.nonce.size() > limits.max_nonce_bytes)
        return malformed("nonce is longer than " + std::to_string(limits.max_nonce_bytes) + " octets");
    if (!limits.negative_nonce && !fields.nonce.empty() && (fields.nonce[0] & 0x80U) != 0)
        return malformed("nonce is negative");
    TimeStampRequest request(*imprint);
    request.null_parameters_ = fields.null_parameters;
    request.cert_req_ = fields.cert_req;
    request.policy_ = to_bytes(fields.policy);
    request.nonce_ = to_bytes(fields.nonce);
    return request;
}

}  // namespace sigillo::tsa
