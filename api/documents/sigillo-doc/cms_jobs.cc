// Jobs on CMS signatures.
#include "api/documents/cms/assemble.h"
#include "api/documents/cms/extend.h"
#include "api/documents/cms/inspect.h"
#include "api/documents/sigillo-doc/jobs.h"
#include "api/documents/sigillo-doc/needs.h"

namespace sigillo::doc {
namespace {

cms::SignatureParts parts_of(const SignatureParts& parts) {
    cms::SignatureParts out;
    out.signed_attributes = to_bytes(parts.signed_attributes());
    out.signature = to_bytes(parts.signature());
    out.scheme = {static_cast<SignaturePadding>(parts.padding()), static_cast<HashAlgorithm>(parts.hash())};
    for (const auto& der : parts.chain()) out.chain.push_back(to_bytes(der));
    out.time_stamp = to_bytes(parts.time_stamp());
    return out;
}

cms::Material material_of(const ValidationMaterial& material) {
    cms::Material out;
    for (const auto& der : material.certificates()) out.certificates.push_back(to_bytes(der));
    for (const auto& der : material.crls()) out.crls.push_back(to_bytes(der));
    for (const auto& der : material.ocsps()) out.ocsps.push_back(to_bytes(der));
    return out;
}

Result<cms::SignerId> signer_id(const std::string& id) {
    cms::SignerId out;
    if (id.size() != out.size()) return fail(Errc::kInternal, "a signer is named by a SHA-256");
    std::ranges::copy(as_bytes(id), out.begin());
    return out;
}

// The digest of what was signed: that of the content inside, or as the request says.
Result<Digest> content_digest(const cms::SignedData& document, const CmsContent& content, const Files& files,
                              HashAlgorithm algorithm) {
    if (document.content()) return document.content()->digest(algorithm);
    if (content.descriptor() != 0) {
        SIGILLO_ASSIGN(const int fd, files.at(content.descriptor()));
        SIGILLO_ASSIGN(const auto source, cms::FdSource::create(fd));
        return cms::Content::whole(source).digest(algorithm);
    }
    if (content.digest().algorithm() != static_cast<std::uint32_t>(algorithm))
        return fail(Errc::kInvalidArgument,
                    "an archive time-stamp needs the content, or its digest in SHA-256", "document");
    return Digest::create(algorithm, as_bytes(content.digest().value()));
}

}  // namespace

Result<CmsWritten> cms_add_signature(const CmsAddSignature& job, const Files& files) {
    SIGILLO_ASSIGN(const int file, files.at(job.document()));
    SIGILLO_ASSIGN(const int out, files.at(job.out()));
    SIGILLO_ASSIGN(const auto source, cms::FdSource::create(file));
    SIGILLO_ASSIGN(auto document, cms::SignedData::read(source));
    SIGILLO_TRY(cms::add_signature(document, parts_of(job.parts()), std::nullopt));
    cms::FdSink sink(out);
    SIGILLO_TRY(document.write(sink));
    return CmsWritten();
}

Result<CmsNeedsFound> cms_needs(const CmsNeeds& job, const Files& files) {
    SIGILLO_ASSIGN(const int file, files.at(job.document()));
    SIGILLO_ASSIGN(const auto source, cms::FdSource::create(file));
    SIGILLO_ASSIGN(const auto parsed, cms::SignedData::read(source));
    cms::InspectOptions options;
    for (const auto& der : job.anchors()) options.anchors.push_back(to_bytes(der));
    SIGILLO_ASSIGN(const auto inspection, cms::inspect(parsed, options));
    CmsNeedsFound found;
    found.set_attached(inspection.attached);
    const std::vector<std::string> wanted{job.signers().begin(), job.signers().end()};
    SIGILLO_TRY(refuse_broken(inspection, wanted));
    for (const auto& signer : inspection.signers) {
        auto& out = *found.add_signers();
        out.set_id(std::string(as_text(signer.id)));
        out.set_signature(std::string(as_text(signer.signature)));
        out.set_level(static_cast<std::uint32_t>(signer.level));
        for (const auto& token : signer.tokens)
            if (token.kind == cms::TokenKind::kSignature) out.set_time_stamped(true);
    }
    SIGILLO_ASSIGN(auto needs, needs_of(inspection, wanted));
    for (auto& proof : needs.proofs) *found.add_needed() = std::move(proof);
    for (auto& certificate : needs.certificates) found.add_certificates(std::move(certificate));
    return found;
}

Result<CmsWritten> cms_extend(const CmsExtend& job, const Files& files) {
    SIGILLO_ASSIGN(const int file, files.at(job.document()));
    SIGILLO_ASSIGN(const int out, files.at(job.out()));
    SIGILLO_ASSIGN(const auto source, cms::FdSource::create(file));
    SIGILLO_ASSIGN(auto document, cms::SignedData::read(source, {}, cms::Trailing::kZeros));
    for (const auto& stamp : job.time_stamps()) {
        SIGILLO_ASSIGN(const auto id, signer_id(stamp.signer()));
        SIGILLO_ASSIGN(const std::size_t signer, document.find_signer(id));
        SIGILLO_TRY(cms::add_signature_time_stamp(document, signer, as_bytes(stamp.token())));
    }
    SIGILLO_TRY(cms::add_material(document, material_of(job.material())));
    for (const auto& stamp : job.archive_time_stamps()) {
        SIGILLO_ASSIGN(const auto id, signer_id(stamp.signer()));
        SIGILLO_ASSIGN(const std::size_t signer, document.find_signer(id));
        SIGILLO_ASSIGN(const Digest digest,
                       content_digest(document, job.content(), files, HashAlgorithm::kSha256));
        SIGILLO_TRY(cms::add_archive_time_stamp(document, signer, as_bytes(stamp.token()), digest));
    }
    cms::FdSink sink(out);
    SIGILLO_TRY(document.write(sink));
    return CmsWritten();
}

Result<CmsImprint> cms_archive_imprint(const CmsArchiveImprint& job, const Files& files) {
    SIGILLO_ASSIGN(const int file, files.at(job.document()));
    SIGILLO_ASSIGN(const auto source, cms::FdSource::create(file));
    SIGILLO_ASSIGN(const auto document, cms::SignedData::read(source));
    SIGILLO_ASSIGN(const auto id, signer_id(job.signer()));
    SIGILLO_ASSIGN(const std::size_t signer, document.find_signer(id));
    SIGILLO_ASSIGN(const Digest digest, content_digest(document, job.content(), files,
                                                       static_cast<HashAlgorithm>(job.hash_algorithm())));
    SIGILLO_ASSIGN(const auto imprint, cms::archive_imprint(document, signer, digest));
    CmsImprint answer;
    answer.mutable_imprint()->set_algorithm(static_cast<std::uint32_t>(imprint.imprint.algorithm()));
    answer.mutable_imprint()->set_value(std::string(as_text(imprint.imprint.bytes())));
    return answer;
}

Result<DigestValue> cms_content_digest(const CmsContentDigest& job, const Files& files) {
    SIGILLO_ASSIGN(const int file, files.at(job.document()));
    SIGILLO_ASSIGN(const auto source, cms::FdSource::create(file));
    SIGILLO_ASSIGN(const auto document, cms::SignedData::read(source));
    if (!document.content())
        return fail(Errc::kInvalidArgument,
                    "the signature is detached: a parallel one needs the content beside it", "document");
    SIGILLO_ASSIGN(const Digest digest,
                   document.content()->digest(static_cast<HashAlgorithm>(job.hash_algorithm())));
    DigestValue answer;
    answer.set_algorithm(static_cast<std::uint32_t>(digest.algorithm()));
    answer.set_value(std::string(as_text(digest.bytes())));
    return answer;
}

}  // namespace sigillo::doc
