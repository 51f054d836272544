// RFC 6960: what an OCSP response says about a certificate.
#include <openssl/x509v3.h>

#include "api/documents/cms/der.h"
#include "api/documents/cms/oids.h"
#include "api/documents/cms/revocation_read.h"

namespace sigillo::cms {
namespace {

using StackPtr = std::unique_ptr<STACK_OF(X509), decltype([](STACK_OF(X509) * s) { sk_X509_free(s); })>;
using IdPtr = std::unique_ptr<OCSP_CERTID, Freed<OCSP_CERTID_free>>;

std::unexpected<Error> refuse(std::string detail, Errc code = Errc::kInvalidArgument) {
    return fail(code, "OCSP response: " + std::move(detail), "ocsp");
}

bool is_about(const OCSP_SINGLERESP* single, X509* certificate, X509* issuer) {
    // libcrypto's accessor wants it mutable and changes nothing.
    auto* const id = const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(single));
    ASN1_OBJECT* algorithm = nullptr;
    ASN1_INTEGER* serial = nullptr;
    if (id == nullptr || OCSP_id_get0_info(nullptr, &algorithm, nullptr, &serial, id) != 1 ||
        ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(certificate)) != 0)
        return false;
    const EVP_MD* const hash = EVP_get_digestbyobj(algorithm);
    if (hash == nullptr) return false;
    const IdPtr wanted(OCSP_cert_to_id(hash, certificate, issuer));
    return wanted != nullptr && OCSP_id_cmp(wanted.get(), id) == 0;
}

// The answer about the certificate; of several the latest.
OCSP_SINGLERESP* find_single(OCSP_BASICRESP* response, X509* certificate, X509* issuer) {
    OCSP_SINGLERESP* found = nullptr;
    std::optional<WallTime> latest;
    for (int i = 0; i < OCSP_resp_count(response); ++i) {
        OCSP_SINGLERESP* const single = OCSP_resp_get0(response, i);
        if (!is_about(single, certificate, issuer)) continue;
        ASN1_GENERALIZEDTIME* issued = nullptr;
        (void)OCSP_single_get0_status(single, nullptr, nullptr, &issued, nullptr);
        const auto time = wall_time(issued);
        if (found == nullptr || (time && (!latest || *time > *latest))) {
            found = single;
            latest = time;
        }
    }
    ERR_clear_error();
    return found;
}

// RFC 6960 §4.2.2.2: the issuer itself, or one to whom it gave id-kp-OCSPSigning.
Status check_signer(OCSP_BASICRESP* response, X509* issuer, RevocationAnswer& answer, const Limits& limits) {
    const StackPtr extra(sk_X509_new_null());
    if (extra == nullptr || sk_X509_push(extra.get(), issuer) <= 0) return refuse("memory", Errc::kInternal);
    X509* signer = nullptr;
    if (OCSP_resp_get0_signer(response, &signer, extra.get()) != 1)
        return refuse("the certificate of its signer is not in it, and it is not the issuer");
    if (OCSP_basic_verify(response, extra.get(), nullptr, OCSP_NOVERIFY) != 1)
        return refuse("its signature does not hold");
    if (X509_cmp(signer, issuer) == 0) return {};
    if (X509_check_issued(issuer, signer) != X509_V_OK || X509_verify(signer, X509_get0_pubkey(issuer)) != 1)
        return refuse("its signer was not certified by the issuer of the certificate");
    if ((X509_get_extension_flags(signer) & EXFLAG_XKUSAGE) == 0 ||
        (X509_get_extended_key_usage(signer) & XKU_OCSP_SIGN) == 0)
        return refuse("its signer's certificate is not one for OCSPSigning");
    SIGILLO_ASSIGN(Certificate responder, read_certificate(encode_der(signer, i2d_X509), limits));
    if (answer.produced_at < responder.not_before || answer.produced_at > responder.not_after)
        return refuse("its signer's certificate was not valid when it was made");
    answer.responder = std::move(responder);
    return {};
}

}  // namespace

Result<OcspBasicPtr> parse_ocsp(ByteView response, const Limits& limits) {
    if (response.size() > limits.max_ocsp_bytes)
        return refuse("it has more than " + std::to_string(limits.max_ocsp_bytes) + " octets",
                      Errc::kLimitExceeded);
    const auto parsed = parse_der<OcspResponsePtr>(d2i_OCSP_RESPONSE, response);
    if (parsed == nullptr) return refuse("it cannot be parsed");
    if (const int status = OCSP_response_status(parsed.get()); status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        return refuse(std::string("the responder refused: ") + OCSP_response_status_str(status));
    OcspBasicPtr basic(OCSP_response_get1_basic(parsed.get()));
    if (basic == nullptr) {
        ERR_clear_error();
        return refuse("it is no basic response");
    }
    if (OCSP_resp_count(basic.get()) > static_cast<int>(limits.max_ocsp_answers))
        return refuse("it has more than " + std::to_string(limits.max_ocsp_answers) + " answers",
                      Errc::kLimitExceeded);
    return basic;
}

bool speaks_of(OCSP_BASICRESP* response, X509* certificate, X509* issuer) {
    return find_single(response, certificate, issuer) != nullptr;
}

Bytes ocsp_of_basic(ByteView basic) {
    constexpr std::uint8_t kSuccessful[] = {0x0A, 0x01, 0x00};  // ENUMERATED { successful (0) }
    return der_element(
        kDerSequence,
        {kSuccessful,
         der_element(der_context(0), {der_element(kDerSequence, {kIdPkixOcspBasic,
                                                                 der_element(kDerOctetString, {basic})})})});
}

Result<RevocationAnswer> ask(OCSP_BASICRESP* response, X509* certificate, X509* issuer,
                             const Limits& limits) {
    OCSP_SINGLERESP* const single = find_single(response, certificate, issuer);
    if (single == nullptr) return refuse("it says nothing about the certificate", Errc::kNotFound);
    RevocationAnswer answer;
    answer.kind = RevocationKind::kOcsp;
    int reason = -1;
    ASN1_GENERALIZEDTIME* revoked = nullptr;
    ASN1_GENERALIZEDTIME* issued = nullptr;
    ASN1_GENERALIZEDTIME* next = nullptr;
    const int status = OCSP_single_get0_status(single, &reason, &revoked, &issued, &next);
    const auto produced_at = wall_time(OCSP_resp_get0_produced_at(response));
    const auto this_update = wall_time(issued);
    if (!produced_at || !this_update) return refuse("producedAt or thisUpdate cannot be read");
    answer.produced_at = *produced_at;
    answer.this_update = *this_update;
    if (next != nullptr) {
        answer.next_update = wall_time(next);
        if (!answer.next_update) return refuse("nextUpdate cannot be read");
    }
    if (status == V_OCSP_CERTSTATUS_GOOD) answer.status = RevocationStatus::kGood;
    if (status == V_OCSP_CERTSTATUS_REVOKED) {
        answer.status = RevocationStatus::kRevoked;
        answer.revoked_at = wall_time(revoked);
        if (!answer.revoked_at) return refuse("revocationTime cannot be read");
        if (reason >= 0) answer.reason = OCSP_crl_reason_str(reason);
    }
    const Status signer = check_signer(response, issuer, answer, limits);
    ERR_clear_error();
    if (!signer) return std::unexpected(signer.error());
    return answer;
}

}  // namespace sigillo::cms
