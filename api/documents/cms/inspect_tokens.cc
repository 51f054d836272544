// inspect(): the time-stamp tokens of a signature, and whether each is over what it stands for.
#include <algorithm>

#include "api/documents/cms/algorithms.h"
#include "api/documents/cms/archive.h"
#include "api/documents/cms/ber.h"
#include "api/documents/cms/inspector.h"
#include "api/documents/cms/oids.h"

namespace sigillo::cms {
namespace {

constexpr std::uint8_t kCertificate = 0x30;  // CertificateChoices
constexpr std::uint8_t kCrl = 0x30;          // RevocationInfoChoice
constexpr std::uint8_t kOther = 0xA1;        // RevocationInfoChoice: other [1]

std::optional<TokenKind> kind_of(const Attribute& attribute) {
    if (equal(attribute.type, kIdSignatureTimeStamp)) return TokenKind::kSignature;
    if (equal(attribute.type, kIdArchiveTimeStampV3)) return TokenKind::kArchiveV3;
    if (equal(attribute.type, kIdArchiveTimeStamp) || equal(attribute.type, kIdArchiveTimeStampV2))
        return TokenKind::kArchiveOld;
    return std::nullopt;
}

}  // namespace

// What cannot be read is left out: it then counts as missing.
void Inspector::collect_revocations(const SignedData& from) {
    for (const Bytes& choice : from.revocations()) {
        if (choice.front() == kCrl) crls_.push_back(choice);
        if (choice.front() != kOther) continue;
        BerReader outer(choice, limits_);
        const auto other = outer.next();
        if (!other) continue;
        BerReader fields(other->content, limits_);
        const auto format = fields.next();
        const auto info = fields.next();
        if (!format || !info) continue;
        if (equal(format->whole, kIdRiOcspResponse)) ocsps_.push_back(to_bytes(info->whole));
        if (equal(format->whole, kIdPkixOcspBasic)) ocsps_.push_back(ocsp_of_basic(info->whole));
    }
}

Status Inspector::read_document_token() {
    if (!equal(document_.content_type(), kIdTstInfo)) return {};
    SIGILLO_ASSIGN(const Bytes token, document_.write(limits_.max_token_bytes));
    return read_token(TokenKind::kDocument, token, nullptr, out_.document_tokens);
}

Status Inspector::read_tokens(const SignerInfo& raw, const SignedAttributes& attributes,
                              std::vector<Token>& to) {
    for (const Bytes& token : attributes.content_time_stamps)
        SIGILLO_TRY(read_token(TokenKind::kContent, token, &raw, to));
    for (const Attribute& attribute : raw.unsigned_attributes)
        if (const auto kind = kind_of(attribute))
            for (const Bytes& token : attribute.values) SIGILLO_TRY(read_token(*kind, token, &raw, to));
    std::ranges::sort(to, {}, &Token::gen_time);
    return {};
}

Status Inspector::read_token(TokenKind kind, ByteView der, const SignerInfo* raw, std::vector<Token>& to) {
    if (++tokens_ > limits_.max_tokens)
        return fail(Errc::kLimitExceeded, "there are too many time-stamp tokens", "document");
    Token token;
    token.kind = kind;
    const auto stamp = read_time_stamp(der, pool_.ders(), limits_);
    if (!stamp) {
        if (stamp.error().code == Errc::kLimitExceeded) return std::unexpected(stamp.error());
        token.problem = stamp.error().detail;
        to.push_back(std::move(token));
        return {};
    }
    token.gen_time = stamp->gen_time;
    token.hash = stamp->imprint.algorithm();
    token.policy_oid = stamp->policy_oid;
    for (const Bytes& choice : stamp->certificates)
        if (choice.front() == kCertificate) SIGILLO_TRY(pool_.add_readable(choice));
    if (const auto data = SignedData::read(der, limits_); data && kind != TokenKind::kDocument)
        collect_revocations(*data);
    if (stamp->signer.empty()) {
        token.problem = "the certificate of its unit is not known";
    } else {
        SIGILLO_ASSIGN(const std::size_t unit, pool_.add(stamp->signer));
        token.path.certificates = {unit};
        judge_token(der, raw, *stamp, token);
    }
    to.push_back(std::move(token));
    return {};
}

void Inspector::judge_token(ByteView der, const SignerInfo* raw, const TimeStamp& stamp, Token& token) {
    if (token.kind == TokenKind::kArchiveOld) {
        token.problem = "an archive time-stamp of a form before version 3";
        return;
    }
    if (token.kind == TokenKind::kArchiveV3) return judge_archive(der, *raw, stamp, token);
    std::optional<Digest> over;
    if (token.kind == TokenKind::kSignature) {
        over = digest_of(token.hash, raw->signature_value);
    } else if (token.kind == TokenKind::kDocument) {
        if (options_.content)
            if (const auto digest = options_.content->digest(token.hash)) over = *digest;
    } else if (const Digest* const content = content_digest(token.hash)) {
        over = *content;
    }
    token.checked = over.has_value();
    token.valid = over == stamp.imprint;
    if (!token.valid)
        token.problem = token.checked ? "it is over something else" : "the content is not known";
}

void Inspector::judge_archive(ByteView der, const SignerInfo& raw, const TimeStamp& stamp, Token& token) {
    const Digest* const content = content_digest(token.hash);
    if (content == nullptr) {
        token.problem = "the content is not known";
        return;
    }
    token.checked = true;
    const auto index = index_of_token(der, limits_);
    const Status listed = index ? check_index(document_, raw, *index, token.hash, limits_)
                                : Status(std::unexpected(index.error()));
    if (!listed) {
        token.problem = listed.error().detail;
        return;
    }
    token.valid = archive_message_imprint(document_, raw, *content, *index) == stamp.imprint;
    if (!token.valid) token.problem = "it is over something else";
}

}  // namespace sigillo::cms
