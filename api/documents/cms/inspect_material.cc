// inspect(): paths, revocation data, what is missing, levels.
#include <algorithm>

#include "api/documents/cms/inspector.h"

namespace sigillo::cms {

Status Inspector::read_material() {
    SIGILLO_TRY(add_answers(RevocationKind::kOcsp, ocsps_));
    SIGILLO_TRY(add_answers(RevocationKind::kCrl, crls_));
    SIGILLO_TRY(complete_paths());
    SIGILLO_TRY(ask_all());
    SIGILLO_TRY(find_missing());
    for (Signer& signer : out_.signers) judge_level(signer);
    return {};
}

Status Inspector::add_answers(RevocationKind kind, const std::vector<Bytes>& ders) {
    for (const Bytes& der : ders) {
        const bool known =
            std::ranges::any_of(out_.revocations, [&](const Revocation& one) { return one.der == der; });
        if (known) continue;
        if (out_.revocations.size() >= limits_.max_revocations)
            return fail(Errc::kLimitExceeded, "there are too many CRLs and OCSP responses", "document");
        Answers answers;
        answers.kind = kind;
        if (kind == RevocationKind::kOcsp) {
            auto parsed = parse_ocsp(der, limits_);
            if (!parsed) continue;  // says nothing, and so counts as missing
            answers.ocsp = *std::move(parsed);
            const STACK_OF(X509)* const certificates = OCSP_resp_get0_certs(answers.ocsp.get());
            for (int i = 0; i < sk_X509_num(certificates); ++i)
                SIGILLO_TRY(pool_.add_readable(encode_der(sk_X509_value(certificates, i), i2d_X509)));
        } else {
            auto parsed = parse_crl(der, limits_);
            if (!parsed) continue;
            answers.crl = *std::move(parsed);
        }
        answers_.push_back(std::move(answers));
        out_.revocations.push_back({kind, der, {}, {}});
    }
    return {};
}

Status Inspector::complete_paths() {
    const auto complete = [&](Path& path) -> Status {
        if (path.certificates.empty()) return {};
        SIGILLO_ASSIGN(path, pool_.path(path.certificates.front()));
        return {};
    };
    for (Token& token : out_.document_tokens) SIGILLO_TRY(complete(token.path));
    for (Signer& signer : out_.signers) {
        SIGILLO_TRY(complete(signer.path));
        for (Token& token : signer.tokens) SIGILLO_TRY(complete(token.path));
    }
    return {};
}

Status Inspector::ask_all() {
    if (answers_.empty()) return {};
    for (std::size_t certificate = 0; certificate < pool_.size(); ++certificate) {
        if (pool_.is_end(certificate)) continue;
        SIGILLO_ASSIGN(const std::optional<std::size_t> issuer, pool_.issuer(certificate));
        if (!issuer) continue;
        for (std::size_t i = 0; i < answers_.size(); ++i) SIGILLO_TRY(ask_one(i, certificate, *issuer));
    }
    return {};
}

Status Inspector::ask_one(std::size_t index, std::size_t certificate, std::size_t issuer) {
    const Answers& answers = answers_[index];
    X509* const about = pool_.x509(certificate);
    X509* const by = pool_.x509(issuer);
    const bool concerns =
        answers.kind == RevocationKind::kOcsp
            ? speaks_of(answers.ocsp.get(), about, by)
            : X509_NAME_cmp(X509_CRL_get_issuer(answers.crl.get()), X509_get_issuer_name(about)) == 0;
    if (!concerns) return {};
    SIGILLO_TRY(pool_.spend_check());
    const auto answer = answers.kind == RevocationKind::kOcsp ? ask(answers.ocsp.get(), about, by, limits_)
                                                              : ask(answers.crl.get(), about, by, limits_);
    if (!answer) return {};
    Revocation& revocation = out_.revocations[index];
    revocation.concerns.push_back(certificate);
    revocation.this_update = std::max(revocation.this_update, answer->this_update);
    Witness witness{certificate, std::nullopt};
    if (answer->responder) {
        SIGILLO_ASSIGN(witness.responder, pool_.add(answer->responder->der));
    }
    witnesses_.push_back(witness);
    return {};
}

Status Inspector::find_missing() {
    std::vector<Path> now;
    std::vector<Path> at_renewal;
    now.reserve(out_.document_tokens.size() + out_.signers.size());
    for (const Token& token : out_.document_tokens) now.push_back(token.path);
    for (const Signer& signer : out_.signers) {
        now.push_back(signer.path);
        for (const Token& token : signer.tokens)
            (token.kind == TokenKind::kArchiveV3 ? at_renewal : now).push_back(token.path);
    }
    std::set<std::size_t> seen;
    SIGILLO_TRY(find_missing(std::move(now), false, seen));
    return find_missing(std::move(at_renewal), true, seen);
}

// The paths given, and those of the responders whose answers about them there are.
Status Inspector::find_missing(std::vector<Path> paths, bool renewal, std::set<std::size_t>& seen) {
    for (std::size_t i = 0; i < paths.size(); ++i) {
        const std::vector<std::size_t> certificates = paths[i].certificates;
        for (const std::size_t certificate : certificates) {
            if (!seen.insert(certificate).second || pool_.is_end(certificate)) continue;
            SIGILLO_ASSIGN(const std::optional<std::size_t> issuer, pool_.issuer(certificate));
            bool proven = pool_.at(certificate).ocsp_no_check;
            for (const Witness& witness : witnesses_) {
                if (witness.about != certificate) continue;
                proven = true;
                if (!witness.responder) continue;
                SIGILLO_ASSIGN(Path path, pool_.path(*witness.responder));
                paths.push_back(std::move(path));
            }
            if (!issuer || !proven) out_.missing.push_back({certificate, !issuer, !proven, renewal});
        }
    }
    return {};
}

bool Inspector::is_supported(const Path& path) const {
    return path.complete && std::ranges::none_of(out_.missing, [&](const Missing& missing) {
               return std::ranges::find(path.certificates, missing.certificate) != path.certificates.end();
           });
}

void Inspector::judge_level(Signer& signer) const {
    const bool b = signer.signature_valid && signer.content_type_fits && !signer.message_digest.empty() &&
                   signer.signing_certificate && signer.content_matches != false &&
                   signer.signing_time.has_value() != options_.pades;
    if (!b) return;
    signer.level = Level::kB;
    const auto has = [&](TokenKind kind) {
        return std::ranges::any_of(signer.tokens,
                                   [&](const Token& token) { return token.kind == kind && token.valid; });
    };
    if (!has(TokenKind::kSignature)) return;
    signer.level = Level::kT;
    const bool supported =
        is_supported(signer.path) && std::ranges::all_of(signer.tokens, [&](const Token& token) {
            return token.kind != TokenKind::kSignature || !token.valid || is_supported(token.path);
        });
    if (!supported) return;
    signer.level = has(TokenKind::kArchiveV3) ? Level::kLta : Level::kLt;
}

}  // namespace sigillo::cms
