// RFC 5280 §5, §6.3: what a CRL says about a certificate.
#include <openssl/x509v3.h>

#include <algorithm>

#include "api/documents/cms/revocation_read.h"

namespace sigillo::cms {
namespace {

using PointPtr = std::unique_ptr<ISSUING_DIST_POINT, Freed<ISSUING_DIST_POINT_free>>;
using ReasonPtr = std::unique_ptr<ASN1_ENUMERATED, Freed<ASN1_ENUMERATED_free>>;

std::unexpected<Error> refuse(std::string detail, Errc code = Errc::kInvalidArgument) {
    return fail(code, "CRL: " + std::move(detail), "crl");
}

// §6.3.3 (b)(2)(i): a CRL for one distribution point serves the certificates that name it.
bool names_point(const ISSUING_DIST_POINT* point, const Certificate& certificate) {
    if (point->distpoint == nullptr) return true;
    if (point->distpoint->type != 0) return false;  // relative to the CRL's issuer: nobody writes these
    const GENERAL_NAMES* const names = point->distpoint->name.fullname;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
        const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_URI &&
            std::ranges::find(certificate.crl_urls, as_text(view_of(name->d.uniformResourceIdentifier))) !=
                certificate.crl_urls.end())
            return true;
    }
    return false;
}

Status check_scope(const X509_CRL* crl, const X509* x509, const Limits& limits) {
    for (int i = 0; i < X509_CRL_get_ext_count(crl); ++i) {
        X509_EXTENSION* const extension = X509_CRL_get_ext(crl, i);
        const int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
        if (nid == NID_delta_crl) return refuse("it is a delta CRL");
        if (X509_EXTENSION_get_critical(extension) == 1 && nid != NID_issuing_distribution_point &&
            nid != NID_authority_key_identifier)
            return refuse("it has an unknown critical extension");
    }
    int critical = -1;
    const PointPtr point(static_cast<ISSUING_DIST_POINT*>(
        X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, &critical, nullptr)));
    if (point == nullptr) {
        if (critical != -1) return refuse("its issuingDistributionPoint is malformed or there twice");
        return {};
    }
    SIGILLO_ASSIGN(const Certificate certificate, read_certificate(encode_der(x509, i2d_X509), limits));
    if (point->indirectCRL > 0) return refuse("it is an indirect CRL", Errc::kUnsupported);
    if (point->onlysomereasons != nullptr) return refuse("it is for some reasons only", Errc::kUnsupported);
    if (point->onlyattr > 0) return refuse("it is for attribute certificates");
    if (point->onlyuser > 0 && certificate.is_ca) return refuse("it is for end-entity certificates only");
    if (point->onlyCA > 0 && !certificate.is_ca) return refuse("it is for CA certificates only");
    if (!names_point(point.get(), certificate)) return refuse("it is for another distribution point");
    return {};
}

Status check_entry(X509_REVOKED* entry, RevocationAnswer& answer) {
    for (int i = 0; i < X509_REVOKED_get_ext_count(entry); ++i) {
        X509_EXTENSION* const extension = X509_REVOKED_get_ext(entry, i);
        if (X509_EXTENSION_get_critical(extension) == 1 &&
            OBJ_obj2nid(X509_EXTENSION_get_object(extension)) != NID_crl_reason)
            return refuse("the certificate's entry has an unknown critical extension");
    }
    answer.status = RevocationStatus::kRevoked;
    answer.revoked_at = wall_time(X509_REVOKED_get0_revocationDate(entry));
    if (!answer.revoked_at) return refuse("revocationDate cannot be read");
    const ReasonPtr reason(
        static_cast<ASN1_ENUMERATED*>(X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, nullptr, nullptr)));
    if (reason != nullptr) answer.reason = OCSP_crl_reason_str(ASN1_ENUMERATED_get(reason.get()));
    return {};
}

Result<RevocationAnswer> look_up(X509_CRL* crl, X509* certificate) {
    RevocationAnswer answer;
    answer.kind = RevocationKind::kCrl;
    const auto this_update = wall_time(X509_CRL_get0_lastUpdate(crl));
    if (!this_update) return refuse("thisUpdate cannot be read");
    answer.produced_at = answer.this_update = *this_update;
    if (const ASN1_TIME* const next = X509_CRL_get0_nextUpdate(crl); next != nullptr) {
        answer.next_update = wall_time(next);
        if (!answer.next_update) return refuse("nextUpdate cannot be read");
    }
    X509_REVOKED* entry = nullptr;
    answer.status = RevocationStatus::kGood;
    // 2: the reason is removeFromCRL, which only a delta CRL may say (RFC 5280 §5.3.1).
    switch (X509_CRL_get0_by_cert(crl, &entry, certificate)) {
        case 0:
            break;
        case 1:
            SIGILLO_TRY(check_entry(entry, answer));
            break;
        default:
            return refuse("the certificate's entry is one of a delta CRL");
    }
    return answer;
}

}  // namespace

Result<CrlPtr> parse_crl(ByteView crl, const Limits& limits) {
    if (crl.size() > limits.max_crl_bytes)
        return refuse("it has more than " + std::to_string(limits.max_crl_bytes) + " octets",
                      Errc::kLimitExceeded);
    auto parsed = parse_der<CrlPtr>(d2i_X509_CRL, crl);
    if (parsed == nullptr) return refuse("it cannot be parsed");
    return parsed;
}

Result<RevocationAnswer> ask(X509_CRL* crl, X509* certificate, X509* issuer, const Limits& limits) {
    if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_issuer_name(certificate)) != 0)
        return refuse("it is of another issuer", Errc::kNotFound);
    if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) != 0)
        return refuse("its issuer is not the certificate's");
    if ((X509_get_extension_flags(issuer) & EXFLAG_KUSAGE) != 0 &&
        (X509_get_key_usage(issuer) & KU_CRL_SIGN) == 0)
        return refuse("its issuer may not sign CRLs");
    const bool holds = X509_CRL_verify(crl, X509_get0_pubkey(issuer)) == 1;
    ERR_clear_error();
    if (!holds) return refuse("its signature does not hold");
    SIGILLO_TRY(check_scope(crl, certificate, limits));
    auto answer = look_up(crl, certificate);
    ERR_clear_error();
    return answer;
}

}  // namespace sigillo::cms
