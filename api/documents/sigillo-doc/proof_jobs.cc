// What strangers' responders and repositories answered: does it prove what it is to prove?
#include "api/documents/cms/certificate.h"
#include "api/documents/cms/revocation.h"
#include "api/documents/sigillo-doc/jobs.h"
#include "api/documents/sigillo-doc/needs.h"

namespace sigillo::doc {
namespace {

// The numbers of ProofKind (api/documents/validation_data.h).
constexpr std::uint32_t kOcsp = 1, kCrl = 2, kCertificate = 3;

bool is_anchor(const CheckProof& job, const cms::Certificate& certificate) {
    for (const auto& der : job.anchors())
        if (equal(as_bytes(der), certificate.der)) return true;
    return false;
}

Result<CheckedProof> check_revocation(const CheckProof& job, const cms::Certificate& certificate) {
    SIGILLO_ASSIGN(const auto issuer, cms::read_certificate(as_bytes(job.needed().issuer())));
    cms::RevocationRules rules;
    rules.now = from_unix_millis(job.now_ms());
    SIGILLO_ASSIGN(const auto answer,
                   job.kind() == kOcsp ? cms::check_ocsp(as_bytes(job.answer()), certificate, issuer, rules)
                                       : cms::check_crl(as_bytes(job.answer()), certificate, issuer, rules));
    if (answer.status == cms::RevocationStatus::kUnknown)
        return fail(Errc::kInvalidArgument, "its responder does not know the certificate", "ocsp");
    if (answer.status == cms::RevocationStatus::kRevoked)
        return fail(Errc::kConflict, "the certificate of " + job.needed().subject() + " is revoked" +
                                         (answer.revoked_at ? " since " + rfc3339(*answer.revoked_at) : "") +
                                         (answer.reason.empty() ? "" : " (" + answer.reason + ")"));
    CheckedProof out;
    out.set_next_update_ms(unix_millis(answer.next_update.value_or(answer.this_update)));
    if (answer.responder) {
        out.add_certificates(std::string(as_text(answer.responder->der)));
        if (!answer.responder->ocsp_no_check) {
            SIGILLO_ASSIGN(*out.add_further(), needed_proof(*answer.responder, &issuer));
        }
    }
    return out;
}

// A repository's answer: is the issuer in it?
Result<CheckedProof> check_issuer(const CheckProof& job, const cms::Certificate& certificate) {
    SIGILLO_ASSIGN(const auto candidates, cms::read_ca_issuers(as_bytes(job.answer())));
    for (const auto& der : candidates) {
        const auto issuer = cms::read_certificate(der);
        if (!issuer || !cms::issued_by(certificate, *issuer)) continue;
        CheckedProof out;
        out.set_next_update_ms(unix_millis(issuer->not_after));
        out.add_certificates(std::string(as_text(issuer->der)));
        SIGILLO_ASSIGN(*out.add_further(), needed_proof(certificate, &*issuer));
        if (!issuer->self_signed && !is_anchor(job, *issuer)) {
            SIGILLO_ASSIGN(*out.add_further(), needed_proof(*issuer, nullptr));
        }
        return out;
    }
    return fail(Errc::kInvalidArgument, "no certificate in the answer is the issuer's", "certificate");
}

}  // namespace

Result<CheckedProof> check_proof(const CheckProof& job) {
    SIGILLO_ASSIGN(const auto certificate, cms::read_certificate(as_bytes(job.needed().certificate())));
    if (job.kind() == kCertificate) return check_issuer(job, certificate);
    if (job.kind() == kOcsp || job.kind() == kCrl) return check_revocation(job, certificate);
    return fail(Errc::kInternal, "a kind of proof that this worker does not know");
}

}  // namespace sigillo::doc
