#include "api/documents/cms/pool.h"

#include <algorithm>

namespace sigillo::cms {

Result<std::size_t> CertificatePool::add(ByteView der) {
    if (const auto found = by_digest_.find(sha256(der)); found != by_digest_.end()) return found->second;
    if (entries_.size() >= limits_.max_certificates)
        return fail(Errc::kLimitExceeded, "there are too many certificates", "certificate");
    SIGILLO_TRY(spend_check());  // whether it signed itself
    SIGILLO_ASSIGN(Certificate facts, read_certificate(der, limits_));
    auto parsed = parse_der<X509Ptr>(d2i_X509, der);
    by_digest_.emplace(facts.sha256, entries_.size());
    entries_.push_back({std::move(facts), std::move(parsed)});
    return entries_.size() - 1;
}

Status CertificatePool::add_readable(ByteView der) {
    const auto added = add(der);
    if (!added && added.error().code != Errc::kInvalidArgument) return std::unexpected(added.error());
    return {};
}

Result<std::size_t> CertificatePool::add_anchor(ByteView der) {
    SIGILLO_ASSIGN(const std::size_t index, add(der));
    anchors_.insert(index);
    return index;
}

std::vector<Bytes> CertificatePool::ders() const {
    std::vector<Bytes> out;
    out.reserve(entries_.size());
    for (const Entry& entry : entries_) out.push_back(entry.facts.der);
    return out;
}

bool CertificatePool::is_end(std::size_t index) const {
    return entries_[index].facts.self_signed || anchors_.contains(index);
}

Status CertificatePool::spend_check() {
    if (++checks_ > limits_.max_signature_checks)
        return fail(Errc::kLimitExceeded, "there are too many signatures to verify", "document");
    return {};
}

Result<std::optional<std::size_t>> CertificatePool::issuer(std::size_t index) {
    if (const auto known = issuers_.find(index); known != issuers_.end())
        return std::optional<std::size_t>(known->second);
    for (std::size_t candidate = 0; candidate < entries_.size(); ++candidate) {
        if (candidate == index || strangers_.contains({index, candidate}) ||
            X509_check_issued(x509(candidate), x509(index)) != X509_V_OK)
            continue;
        SIGILLO_TRY(spend_check());
        const bool holds = X509_verify(x509(index), X509_get0_pubkey(x509(candidate))) == 1;
        ERR_clear_error();
        if (holds) {
            issuers_.emplace(index, candidate);
            return std::optional<std::size_t>(candidate);
        }
        strangers_.emplace(index, candidate);
    }
    return std::optional<std::size_t>();
}

Result<Path> CertificatePool::path(std::size_t leaf) {
    Path out;
    for (std::optional<std::size_t> at = leaf; at && out.certificates.size() < limits_.max_path;) {
        if (std::ranges::find(out.certificates, *at) != out.certificates.end())
            break;  // they issued each other
        out.certificates.push_back(*at);
        if (is_end(*at)) {
            out.complete = true;
            break;
        }
        SIGILLO_ASSIGN(at, issuer(*at));
    }
    return out;
}

std::vector<Certificate> CertificatePool::take() && {
    std::vector<Certificate> out;
    out.reserve(entries_.size());
    for (Entry& entry : entries_) out.push_back(std::move(entry.facts));
    return out;
}

}  // namespace sigillo::cms
