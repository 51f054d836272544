#include "api/documents/cms/inspect.h"

#include <algorithm>

#include "api/documents/cms/algorithms.h"
#include "api/documents/cms/archive.h"
#include "api/documents/cms/inspector.h"
#include "api/documents/cms/oids.h"

namespace sigillo::cms {
namespace {

// CertificateChoices: certificate is the one without a tag of its own.
constexpr std::uint8_t kCertificate = 0x30;

std::string dotted(ByteView oid) {
    using ObjectPtr = std::unique_ptr<ASN1_OBJECT, Freed<ASN1_OBJECT_free>>;
    const auto object = parse_der<ObjectPtr>(d2i_ASN1_OBJECT, oid);
    return object != nullptr ? oid_text(object.get()) : std::string();
}

}  // namespace

Result<Inspection> inspect(const SignedData& document, const InspectOptions& options, const Limits& limits) {
    return Inspector(document, options, limits).run();
}

Result<Inspection> Inspector::run() {
    out_.content_type_oid = dotted(document_.content_type());
    out_.attached = document_.content().has_value();
    if (out_.attached) out_.content_size = document_.content()->size();
    SIGILLO_TRY(collect_certificates());
    SIGILLO_TRY(read_document_token());
    SIGILLO_TRY(read_signers());
    SIGILLO_TRY(read_material());
    out_.certificates = std::move(pool_).take();
    return std::move(out_);
}

Status Inspector::collect_certificates() {
    for (const Bytes& choice : document_.certificates())
        if (choice.front() == kCertificate) SIGILLO_TRY(pool_.add_readable(choice));
    for (const Bytes& certificate : options_.certificates) SIGILLO_TRY(pool_.add(certificate));
    for (const Bytes& anchor : options_.anchors) SIGILLO_TRY(pool_.add_anchor(anchor));
    collect_revocations(document_);
    crls_.insert(crls_.end(), options_.crls.begin(), options_.crls.end());
    ocsps_.insert(ocsps_.end(), options_.ocsps.begin(), options_.ocsps.end());
    return {};
}

Status Inspector::read_signers() {
    // libcrypto reads the signers without the content: what it would hash there, content_digest() hashes in
    // pieces.
    const auto cms = parse_der<CmsPtr>(d2i_CMS_ContentInfo, document_.write_detached());
    STACK_OF(CMS_SignerInfo)* const parsed = cms != nullptr ? CMS_get0_SignerInfos(cms.get()) : nullptr;
    const int count = parsed != nullptr ? sk_CMS_SignerInfo_num(parsed) : 0;
    if (cms == nullptr || static_cast<std::size_t>(std::max(count, 0)) != document_.signers().size())
        return fail(Errc::kInvalidArgument, "not a CMS signature: libcrypto cannot parse it", "document");
    // Writing has put the signers in order: each is found by its signature.
    std::set<int> taken;
    for (const SignerInfo& raw : document_.signers()) {
        int at = 0;
        while (at < count &&
               (taken.contains(at) || !equal(raw.signature_value, view_of(CMS_SignerInfo_get0_signature(
                                                                      sk_CMS_SignerInfo_value(parsed, at))))))
            ++at;
        if (at == count)
            return fail(Errc::kInvalidArgument, "not a CMS signature: libcrypto reads another signature",
                        "document");
        taken.insert(at);
        SIGILLO_TRY(read_signer(sk_CMS_SignerInfo_value(parsed, at), raw));
    }
    return {};
}

Status Inspector::read_signer(CMS_SignerInfo* parsed, const SignerInfo& raw) {
    Signer signer;
    signer.id = raw.id();
    signer.digest_oid = algorithm_oid(raw.digest_algorithm);
    signer.signature_oid = algorithm_oid(raw.signature_algorithm);
    signer.scheme = scheme_of(raw.digest_algorithm, raw.signature_algorithm);
    signer.signature = raw.signature_value;
    signer.archived_before_v3 = has_old_archive(raw);
    SignedAttributes attributes;
    SIGILLO_TRY(read_attributes(raw, signer, attributes));
    SIGILLO_TRY(read_tokens(raw, attributes, signer.tokens));
    signer.content_matches = content_matches(raw, signer);
    const auto certificate = find_certificate(parsed, attributes);
    if (certificate) {
        signer.path.certificates = {*certificate};
        signer.signing_certificate =
            !attributes.signing_certificates.empty() &&
            std::ranges::all_of(attributes.signing_certificates, [&](const CertificateReference& reference) {
                return reference.names(pool_.at(*certificate).der);
            });
        SIGILLO_TRY(pool_.spend_check());
        CMS_SignerInfo_set1_signer_cert(parsed, pool_.x509(*certificate));
        signer.signature_valid = !raw.signed_attributes.empty() && CMS_SignerInfo_verify(parsed) == 1;
        ERR_clear_error();
    }
    out_.signers.push_back(std::move(signer));
    return {};
}

Status Inspector::read_attributes(const SignerInfo& raw, Signer& signer, SignedAttributes& attributes) const {
    if (raw.signed_attributes.empty()) return {};
    auto parsed = parse_signed_attributes(raw.signed_attributes, limits_);
    if (!parsed)
        return fail(parsed.error().code, "not a CMS signature: " + parsed.error().detail, "document");
    attributes = *std::move(parsed);
    signer.message_digest = attributes.message_digest;
    signer.signing_time = attributes.signing_time;
    signer.content_type_fits = attributes.content_type == document_.content_type();
    return {};
}

std::optional<std::size_t> Inspector::find_certificate(CMS_SignerInfo* parsed,
                                                       const SignedAttributes& attributes) const {
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < pool_.size(); ++i) {
        if (CMS_SignerInfo_cert_cmp(parsed, pool_.x509(i)) != 0) continue;
        const bool named = std::ranges::any_of(
            attributes.signing_certificates,
            [&](const CertificateReference& reference) { return reference.names(pool_.at(i).der); });
        if (named) return i;
        if (!found) found = i;
    }
    return found;
}

std::optional<bool> Inspector::content_matches(const SignerInfo& raw, const Signer& signer) {
    const auto hash = hash_of(raw.digest_algorithm);
    if (!hash || signer.message_digest.empty()) return std::nullopt;
    const Digest* const digest = content_digest(*hash);
    if (digest == nullptr) return std::nullopt;
    return equal(digest->bytes(), signer.message_digest);
}

const Digest* Inspector::content_digest(HashAlgorithm hash) {
    const auto [at, fresh] = content_digests_.try_emplace(hash);
    if (fresh) {
        const std::optional<Content>& content = document_.content() ? document_.content() : options_.content;
        if (content)
            if (const auto digest = content->digest(hash)) at->second = *digest;
    }
    return at->second ? &*at->second : nullptr;
}

}  // namespace sigillo::cms
