#include "api/documents/sigillo-doc/needs.h"

#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>

namespace sigillo::doc {
namespace {

template <auto Free>
struct Freer {
    template <class T>
    void operator()(T* value) const {
        Free(value);
    }
};
using X509Ptr = std::unique_ptr<X509, Freer<&X509_free>>;
using OcspRequestPtr = std::unique_ptr<OCSP_REQUEST, Freer<&OCSP_REQUEST_free>>;

constexpr std::size_t kSubjectBytes = 200;

X509Ptr parse(ByteView der) {
    const unsigned char* place = der.data();
    return X509Ptr(::d2i_X509(nullptr, &place, static_cast<long>(der.size())));
}

// RFC 6960 §4.1.1, with one CertID. SHA-1, which names and proves nothing here: many responders know no other
// (RFC 5019 §2.1.1).
Result<std::string> ocsp_request(ByteView certificate, ByteView issuer) {
    const X509Ptr subject = parse(certificate), parent = parse(issuer);
    const OcspRequestPtr request(::OCSP_REQUEST_new());
    OCSP_CERTID* id =
        subject && parent ? ::OCSP_cert_to_id(::EVP_sha1(), subject.get(), parent.get()) : nullptr;
    if (!request || id == nullptr || ::OCSP_request_add0_id(request.get(), id) == nullptr) {
        ::OCSP_CERTID_free(id);
        return fail(Errc::kInternal, "no OCSP request could be made for a certificate");
    }
    unsigned char* der = nullptr;
    const int size = ::i2d_OCSP_REQUEST(request.get(), &der);
    if (size <= 0) return fail(Errc::kInternal, "no OCSP request could be made for a certificate");
    std::string out(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    ::OPENSSL_free(der);
    return out;
}

bool is_wanted(const cms::Signer& signer, const std::vector<std::string>& signers) {
    return signers.empty() || std::ranges::find(signers, as_text(signer.id)) != signers.end();
}

}  // namespace

Result<NeededProof> needed_proof(const cms::Certificate& certificate, const cms::Certificate* issuer) {
    NeededProof out;
    out.set_certificate(std::string(as_text(certificate.der)));
    std::string subject = certificate.subject_dn;
    if (subject.size() > kSubjectBytes) {
        std::size_t end = kSubjectBytes;
        while (end > 0 && (static_cast<unsigned char>(subject[end]) & 0xc0) == 0x80)
            --end;  // whole characters
        subject.resize(end);
    }
    out.set_subject(std::move(subject));
    for (const auto& url : certificate.ocsp_urls) out.add_ocsp_urls(url);
    for (const auto& url : certificate.crl_urls) out.add_crl_urls(url);
    for (const auto& url : certificate.ca_issuer_urls) out.add_issuer_urls(url);
    if (issuer == nullptr) return out;
    out.set_issuer(std::string(as_text(issuer->der)));
    SIGILLO_ASSIGN(*out.mutable_ocsp_request(), ocsp_request(certificate.der, issuer->der));
    return out;
}

Status refuse_broken(const cms::Inspection& inspection, const std::vector<std::string>& signers) {
    const auto refuse = [](const char* what) {
        return fail(Errc::kInvalidArgument, std::string(what) + ": it is not extended", "document");
    };
    for (const auto& signer : inspection.signers) {
        if (!is_wanted(signer, signers)) continue;
        if (signer.content_matches == false)
            return refuse("a signature is over other content than the document's");
        if (!signer.path.certificates.empty() && !signer.message_digest.empty() && !signer.signature_valid)
            return refuse("a signature does not hold");
    }
    for (const auto& token : inspection.document_tokens)
        if (token.checked && !token.valid) return refuse("a document time-stamp does not hold");
    return {};
}

Result<Needs> needs_of(const cms::Inspection& inspection, const std::vector<std::string>& signers) {
    std::set<std::size_t> of_interest;
    const auto add = [&](const cms::Path& path) {
        of_interest.insert(path.certificates.begin(), path.certificates.end());
    };
    for (const auto& signer : inspection.signers) {
        if (!is_wanted(signer, signers)) continue;
        add(signer.path);
        for (const auto& token : signer.tokens) add(token.path);
    }
    for (const auto& token : inspection.document_tokens) add(token.path);
    // Responders of the answers that are there, which say something about these.
    for (const auto& revocation : inspection.revocations)
        if (std::ranges::any_of(revocation.concerns, [&](std::size_t i) { return of_interest.contains(i); }))
            for (std::size_t i = 0; i < inspection.certificates.size(); ++i)
                if (inspection.certificates[i].ocsp_signing &&
                    revocation.kind == cms::RevocationKind::kOcsp &&
                    std::ranges::search(revocation.der, inspection.certificates[i].der).begin() !=
                        revocation.der.end())
                    of_interest.insert(i);

    Needs out;
    for (const std::size_t i : of_interest)
        out.certificates.emplace_back(as_text(inspection.certificates[i].der));
    for (const auto& missing : inspection.missing) {
        if (!of_interest.contains(missing.certificate)) continue;
        const auto& certificate = inspection.certificates[missing.certificate];
        const cms::Certificate* issuer = nullptr;
        for (const auto& candidate : inspection.certificates)
            if (!missing.issuer && issuer == nullptr && &candidate != &certificate &&
                cms::issued_by(certificate, candidate))
                issuer = &candidate;
        SIGILLO_ASSIGN(out.proofs.emplace_back(), needed_proof(certificate, issuer));
    }
    return out;
}

}  // namespace sigillo::doc
