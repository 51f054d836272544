#include "appliance/issuance/ocsp/response.h"

#include "appliance/base/der.h"
#include "appliance/issuance/ocsp/request.h"

namespace sigillo::ocsp {
namespace {

constexpr std::uint8_t kDerEnumerated = 0x0A;
// id-pkix-ocsp-basic, -nonce, -archive-cutoff: 1.3.6.1.5.5.7.48.1.{1,2,6}
constexpr std::uint8_t kBasic[] = {0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01};
constexpr std::uint8_t kNonce[] = {0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02};
constexpr std::uint8_t kArchiveCutoff[] = {0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x06};

// GeneralizedTime in whole seconds (RFC 5280 §4.1.2.5.2).
void write_time(DerWriter& out, WallTime time) {
    out.element(kDerGeneralizedTime, as_bytes(generalized_time(time)));
}

// Extension with its value: extnValue is the OCTET STRING around `write`.
template <class Write>
void write_extension(DerWriter& out, ByteView oid, Write write) {
    const std::size_t whole = out.written();
    write();
    out.close(kDerOctetString, whole);
    out.element(kDerOid, oid);
    out.close(kDerSequence, whole);
}

void write_cert_id(DerWriter& out, const CertId& id) {
    const std::size_t mark = out.written();
    out.element(kDerInteger, id.serial);
    out.element(kDerOctetString, id.issuer_key_hash);
    out.element(kDerOctetString, id.issuer_name_hash);
    out.raw(id.algorithm);
    out.close(kDerSequence, mark);
}

// CertStatus ::= CHOICE { good [0] IMPLICIT NULL, revoked [1] IMPLICIT RevokedInfo, unknown [2] IMPLICIT NULL
// }
void write_status(DerWriter& out, const SingleStatus& status) {
    if (status.standing != Standing::kRevoked) {
        out.element(der_context_primitive(status.standing == Standing::kGood ? 0 : 2), {});
        return;
    }
    const std::size_t mark = out.written();
    if (status.reason) {
        const auto reason = static_cast<std::uint8_t>(*status.reason);
        const std::size_t inner = out.written();
        out.element(kDerEnumerated, {&reason, 1});
        out.close(der_context(0), inner);
    }
    write_time(out, status.revoked_at);
    out.close(der_context(1), mark);
}

void write_single(DerWriter& out, const CertId& id, const SingleStatus& status, const ResponseData& data) {
    const std::size_t mark = out.written();
    if (status.archive_cutoff) {
        write_extension(out, kArchiveCutoff, [&] { write_time(out, *status.archive_cutoff); });
        out.close(kDerSequence, mark);
        out.close(der_context(1), mark);
    }
    const std::size_t next = out.written();
    write_time(out, data.next_update);
    out.close(der_context(0), next);
    write_time(out, data.this_update);
    write_status(out, status);
    write_cert_id(out, id);
    out.close(kDerSequence, mark);
}

}  // namespace

std::string_view response_status_name(ResponseStatus status) {
    switch (status) {
        case ResponseStatus::kSuccessful:
            return "successful";
        case ResponseStatus::kMalformedRequest:
            return "malformedRequest";
        case ResponseStatus::kInternalError:
            return "internalError";
        case ResponseStatus::kTryLater:
            return "tryLater";
        case ResponseStatus::kSigRequired:
            return "sigRequired";
        case ResponseStatus::kUnauthorized:
            return "unauthorized";
    }
    return "unknown";
}

Bytes encode_failure(ResponseStatus status) {
    return {kDerSequence, 3, kDerEnumerated, 1, static_cast<std::uint8_t>(status)};
}

std::optional<ResponseStatus> response_status(ByteView der) {
    DerReader outer(der);
    const auto whole = outer.next(kDerSequence);
    if (!whole || !outer.empty()) return std::nullopt;
    DerReader fields(whole->content);
    const auto status = fields.next(kDerEnumerated);
    if (!status || status->content.size() != 1 || status->content[0] > 6 || status->content[0] == 4)
        return std::nullopt;
    return static_cast<ResponseStatus>(status->content[0]);
}

Bytes encode_response_data(const ResponseData& data) {
    DerWriter out(128 + data.certificates.size() * 256);
    if (!data.nonce.empty()) {
        write_extension(out, kNonce, [&] { out.element(kDerOctetString, data.nonce); });
        out.close(kDerSequence, 0);
        out.close(der_context(1), 0);
    }
    const std::size_t responses = out.written();
    for (std::size_t i = data.certificates.size(); i-- > 0;)
        write_single(out, data.certificates[i], data.statuses[i], data);
    out.close(kDerSequence, responses);
    write_time(out, data.produced_at);
    const std::size_t responder = out.written();
    out.element(kDerOctetString, data.responder_key_hash);
    out.close(der_context(2), responder);
    out.close(kDerSequence, 0);
    return out.finish();
}

Bytes encode_response(const SignedParts& parts) {
    std::size_t size = 256 + parts.response_data.size() + parts.signature.size();
    for (const Bytes& certificate : parts.certificates) size += certificate.size();
    DerWriter out(size);
    if (!parts.certificates.empty()) {
        for (std::size_t i = parts.certificates.size(); i-- > 0;) out.raw(parts.certificates[i]);
        out.close(kDerSequence, 0);
        out.close(der_context(0), 0);
    }
    const std::size_t bits = out.written();
    out.raw(parts.signature).byte(0);
    out.close(kDerBitString, bits);
    out.raw(parts.signature_algorithm);
    out.raw(parts.response_data);
    out.close(kDerSequence, 0);
    out.close(kDerOctetString, 0);
    out.element(kDerOid, kBasic);
    out.close(kDerSequence, 0);
    out.close(der_context(0), 0);
    constexpr std::uint8_t kSuccess = 0;
    out.element(kDerEnumerated, {&kSuccess, 1});
    out.close(kDerSequence, 0);
    return out.finish();
}

}  // namespace sigillo::ocsp
